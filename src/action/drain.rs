//! `kubectl drain`: cordons nodes, then evicts the pods of one node after another and waits until they are gone.
//!
//! Source: `staging/src/k8s.io/kubectl/pkg/cmd/drain/drain.go`, `staging/src/k8s.io/kubectl/pkg/drain/{drain,filters}.go`,
//! `pkg/registry/core/pod/storage/eviction.go`, v1.36. All nodes are cordoned first. If one pod of a node may not be
//! deleted, none of that node is; the next node has its turn all the same. An eviction is two requests here, the condition
//! and the deletion, which upstream's API server does in one. Left out: PodDisruptionBudgets, which are not simulated yet,
//! so that no eviction is refused; whether the DaemonSet of a pod is still there.

use super::parameter::{count, flag, span};
use super::{Action, ActionRow, Build, Course, Look, News, View, patch};
use crate::apiserver::{DeleteOptions, Part, Request};
use crate::kernel::time::{Span, Time};
use crate::object::field::{Field, Shape};
use crate::object::pod::conditions::DISRUPTION_TARGET;
use crate::object::{
    Condition, ConditionStatus, Document, Edit, Key, Kind, Name, Node, Pod, SettingId, Timestamp, Uid,
};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

/// `node.drain`.
pub const DRAIN: ActionRow = ActionRow {
    name: "node.drain",
    summary: "These nodes are cordoned; then the pods of one node after another are evicted, all at once, and waited for.",
    has_target: true,
    parameters: &[
        Field::optional("force", Shape::Flag, "Pods without a controller go too; nobody makes them anew.")
            .with_default("false"),
        Field::optional("ignore-daemonsets", Shape::Flag, "Pods of DaemonSets stay, and do not stop the drain.")
            .with_default("false"),
        Field::optional("delete-emptydir-data", Shape::Flag, "Pods with emptyDir volumes go too, and lose that data.")
            .with_default("false"),
        Field::optional("grace-period", Shape::Count(0), "Time that pods get to end (s); their own if left out."),
        Field::optional(
            "timeout",
            Shape::Span,
            "How long to wait for the pods of one node; for ever if left out or zero.",
        )
        .with_default("0s"),
    ],
    build: Build::Row(|parameters| {
        let timeout = span(parameters, "timeout", Span::DAY)?.filter(|timeout| *timeout > Span::ZERO);
        Ok(Arc::new(Drain {
            force: flag(parameters, "force")?,
            ignore_daemonsets: flag(parameters, "ignore-daemonsets")?,
            delete_emptydir_data: flag(parameters, "delete-emptydir-data")?,
            grace_seconds: count(parameters, "grace-period")?,
            timeout,
        }))
    }),
    kubectl: "kubectl drain NODES",
};

/// Annotation of a pod that a kubelet shows the API server on behalf of a file of its own.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// `kubectl drain` of the nodes of its target.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    /// Pods without a controller go, too.
    pub force: bool,
    /// Pods of DaemonSets stay and do not stop it.
    pub ignore_daemonsets: bool,
    /// Pods with emptyDir volumes go, too.
    pub delete_emptydir_data: bool,
    /// Grace period (s); none is the pods' own.
    pub grace_seconds: Option<i64>,
    /// How long to wait for the pods of one node; none is for ever.
    pub timeout: Option<Span>,
}

/// What a drain means to do with a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meant {
    Evict,
    Leave,
    Refuse(&'static str),
}

impl Drain {
    fn words(&self, nodes: &str) -> String {
        let mut text = format!("drain {nodes}");
        for (is_set, words) in [
            (self.force, " --force"),
            (self.ignore_daemonsets, " --ignore-daemonsets"),
            (self.delete_emptydir_data, " --delete-emptydir-data"),
        ] {
            text.push_str(if is_set { words } else { "" });
        }
        self.grace_seconds.iter().for_each(|seconds| text.push_str(&format!(" --grace-period={seconds}")));
        self.timeout.iter().for_each(|timeout| text.push_str(&format!(" --timeout={timeout}")));
        text
    }

    /// The filters in kubectl's order; the first that does not let a pod go decides.
    fn meant(&self, pod: &Pod) -> Meant {
        let has_ended = pod.status.phase.is_terminal();
        if !has_ended && is_of_daemon_set(pod) {
            return match self.ignore_daemonsets {
                true => Meant::Leave,
                false => Meant::Refuse("pods of DaemonSets, which `ignore-daemonsets = true` leaves alone"),
            };
        }
        if pod.meta.annotations.get(MIRROR).is_some() {
            return Meant::Leave;
        }
        // The key of a volume; in a text its quotes would be escaped.
        if !has_ended && !self.delete_emptydir_data && says(pod.spec.source.as_deref(), "\"emptyDir\":") {
            return Meant::Refuse("pods with emptyDir volumes, which `delete-emptydir-data = true` deletes");
        }
        let has_controller = pod.meta.controller().is_some() || says(pod.meta.source.as_deref(), "\"controller\":true");
        if !has_ended && !self.force && !has_controller {
            return Meant::Refuse("pods without a controller, which `force = true` deletes");
        }
        Meant::Evict
    }
}

/// Whether a manifest has these words; owners of kinds that are not simulated are known from there only.
fn says(document: Option<&Document>, words: &str) -> bool {
    document.is_some_and(|document| document.json.contains(words))
}

fn is_of_daemon_set(pod: &Pod) -> bool {
    pod.meta.controller().is_some_and(|owner| owner.kind.name() == "DaemonSet")
        || says(pod.meta.source.as_deref(), "\"kind\":\"DaemonSet\"")
}

impl Action for Drain {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        let is_open = |name: &&Name| {
            let node = view.table(Kind::Node).typed::<Node>(&Key::cluster((*name).clone()));
            node.is_some_and(|node| !node.unschedulable)
        };
        let cordon = |name: &Name| patch(Kind::Node, &Key::cluster(name.clone()), Edit::Unschedulable(true));
        Ok(view.nodes.iter().filter(is_open).map(cordon).collect())
    }

    fn said(&self, view: &View<'_>) -> String {
        self.words(&view.nodes.iter().map(Name::as_str).collect::<Vec<_>>().join(" "))
    }

    fn course(&self, view: &View<'_>) -> Option<Box<dyn Course>> {
        Some(Box::new(Draining { drain: self.clone(), left: view.nodes.iter().cloned().collect(), current: None }))
    }
}

impl fmt::Display for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words("NODES"))
    }
}

/// A drain under way.
#[derive(Clone, Debug)]
struct Draining {
    drain: Drain,
    /// Nodes that have not had their turn.
    left: VecDeque<Name>,
    current: Option<Current>,
}

/// The node whose pods are waited for.
#[derive(Clone, Debug)]
struct Current {
    node: Name,
    pods: Vec<(Key, Uid)>,
    since: Time,
}

impl Course for Draining {
    fn look(&mut self, view: &View<'_>, news: &mut News) -> Look {
        loop {
            let Some(current) = &mut self.current else {
                let Some(node) = self.left.pop_front() else { return Look::Done };
                match self.begin(node, view, news) {
                    None => continue,
                    Some(lines) => return Look::Ask(lines),
                }
            };
            let pods = view.table(Kind::Pod);
            current.pods.retain(|(key, uid)| pods.get(key).is_some_and(|pod| pod.meta().uid == *uid));
            let is_late = self.drain.timeout.is_some_and(|timeout| view.now >= current.since + timeout);
            if current.pods.is_empty() {
                news.done.push(format!("{} is drained", current.node).into());
            } else if is_late {
                let pods = current.pods.iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>().join(", ");
                let timeout = self.drain.timeout.unwrap_or(Span::ZERO);
                news.failed.push(format!("{} is not drained after {timeout}: {pods}", current.node).into());
            } else {
                return Look::Wait(SettingId::DrainPoll);
            }
            self.current = None;
        }
    }

    fn boxed_clone(&self) -> Box<dyn Course> {
        Box::new(self.clone())
    }
}

impl Draining {
    /// Evicts the pods of a node, if all that it has may go.
    fn begin(&mut self, node: Name, view: &View<'_>, news: &mut News) -> Option<Vec<Vec<Request>>> {
        let pods: Vec<(&Arc<Pod>, Meant)> =
            view.table(Kind::Pod).on_node::<Pod>(&node).map(|pod| (pod, self.drain.meant(pod))).collect();
        let mut refused: Vec<(&str, Vec<String>)> = Vec::new();
        for (pod, meant) in &pods {
            let Meant::Refuse(why) = meant else { continue };
            match refused.iter_mut().find(|(known, _)| known == why) {
                Some((_, pods)) => pods.push(pod.meta.key.to_string()),
                None => refused.push((why, vec![pod.meta.key.to_string()])),
            }
        }
        if !refused.is_empty() {
            let why: Vec<String> = refused.iter().map(|(why, pods)| format!("{why}: {}", pods.join(", "))).collect();
            news.failed.push(format!("{node} cannot be drained, it has {}", why.join("; and ")).into());
            return None;
        }
        let evicted: Vec<&Arc<Pod>> =
            pods.into_iter().filter(|(_, meant)| *meant == Meant::Evict).map(|(pod, _)| pod).collect();
        let lines: Vec<_> = evicted.iter().map(|pod| evict(pod, self.drain.grace_seconds, view.date)).collect();
        let pods = evicted.iter().map(|pod| (pod.meta.key.clone(), pod.meta.uid)).collect();
        self.current = Some(Current { node, pods, since: view.now });
        Some(lines)
    }
}

/// What an eviction does: the pod says why it goes, and goes.
fn evict(pod: &Pod, grace_seconds: Option<i64>, date: Timestamp) -> Vec<Request> {
    let (kind, key, uid) = (Kind::Pod, pod.meta.key.clone(), Some(pod.meta.uid));
    let condition = Condition {
        kind: DISRUPTION_TARGET.into(),
        status: ConditionStatus::True,
        reason: "EvictionByEvictionAPI".into(),
        message: "Eviction API: evicting".into(),
        last_transition: date,
        last_update: date,
    };
    let edit = Edit::PodCondition { condition, nominated_node: None };
    let options = DeleteOptions { grace_seconds, uid, ..DeleteOptions::default() };
    vec![
        Request::Patch { kind, key: key.clone(), uid, part: Part::Status, edit },
        Request::Delete { kind, key, options },
    ]
}
