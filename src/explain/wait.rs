//! What an object waits for at a moment.
//!
//! What the API server has says most of it; what it cannot know, as that a machine is down, is in the facts until then.

use super::so_far::{SoFar, Trouble};
use super::words::called;
use super::{Subject, Tale, time};
use crate::cluster::World;
use crate::kernel::time::{Span, Time};
use crate::object::deployment::{PROGRESSING, TIMED_OUT};
use crate::object::fact::Verb;
use crate::object::node::zone_name;
use crate::object::pod::CRASH_LOOP;
use crate::object::setting::Unit;
use crate::object::taint::{Effect, Taint, tolerated};
use crate::object::{ConditionStatus, Deployment, Fact, Key, Kind, Node, Pod, ReplicaSet, SettingId, condition};
use crate::record::workloads::workload_name;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an object waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// In a word: `nothing`, `to-exist`, `node`, `start`, `image`, `ready`, `status`, `notice`, `toleration`, `deletion`,
    /// `collection`, `confirmation`, `grace`, `sign-of-life`, `taint`, `uncordon`, `pods`, `rollout`.
    pub what: &'static str,
    /// In words.
    pub text: String,
    /// When that will be over at the latest, if it is known (µs since the scenario began).
    pub until_us: Option<u64>,
}

impl Wait {
    fn new(what: &'static str, text: impl Into<String>) -> Wait {
        Wait { what, text: text.into(), until_us: None }
    }

    fn until(what: &'static str, text: impl Into<String>, until: Time) -> Wait {
        Wait { what, text: text.into(), until_us: Some(until.as_micros()) }
    }

    fn nothing() -> Wait {
        Wait::new("nothing", "nothing: it is as wanted")
    }
}

/// Pods by what they wait for: how many, the first of them, and for what that one waits.
type Kinds = BTreeMap<&'static str, (usize, String, String)>;

/// A moment of a run.
struct View<'a> {
    tale: &'a Tale<'a>,
    at: Time,
    then: &'a World,
    so_far: SoFar<'a>,
}

/// What an object waits for at `at`, when the cluster is as `then`.
pub fn wait(tale: &Tale<'_>, subject: &Subject, at: Time, then: &World) -> Wait {
    let view = View { tale, at, then, so_far: SoFar::of(tale, at) };
    if then.store().get(subject.kind, &subject.key).is_none() {
        return view.absent(subject);
    }
    match subject.kind {
        Kind::Pod => then.store().table(Kind::Pod).typed::<Pod>(&subject.key).map(|pod| view.pod(pod)),
        Kind::Node => then.store().table(Kind::Node).typed::<Node>(&subject.key).map(|node| view.node(node)),
        Kind::Deployment | Kind::ReplicaSet => Some(view.workload(subject)),
        _ => None,
    }
    .unwrap_or_else(Wait::nothing)
}

impl View<'_> {
    fn absent(&self, subject: &Subject) -> Wait {
        let made = self.tale.facts[self.tale.until(self.at)..].iter().find(|recorded| {
            matches!(&recorded.fact, Fact::Commit { verb: Verb::Created, kind, key, .. }
                if (kind, key) == (&subject.kind, &subject.key))
        });
        match made {
            Some(made) => Wait::until("to-exist", format!("its creation at {}", time(made.at)), made.at),
            None => Wait::new("nothing", "nothing: it is gone"),
        }
    }

    /// When the node lifecycle controller has noticed at the latest: the last sign of life was seen by a pass at most one
    /// period after the trouble began, the silence ends with a grace period, and a pass comes within one more.
    fn noticed_by(&self, trouble: &Trouble) -> (Time, String) {
        let settings = &self.tale.config.settings;
        let (grace, pass) = (SettingId::NodeMonitorGracePeriod, SettingId::NodeMonitorPeriod);
        let latest = trouble.since + settings.span(grace) + settings.span(pass) + settings.span(pass);
        let names = format!(
            "{} {}, then the next {} {}",
            grace.row().name,
            settings.show(grace),
            pass.row().name,
            settings.show(pass)
        );
        (latest, names)
    }

    /// What the API has of a node.
    fn node_object(&self, name: &str) -> Option<&Arc<Node>> {
        self.then.store().table(Kind::Node).typed::<Node>(&Key::cluster(name))
    }

    /// A node that is in trouble and that the API calls ready.
    fn unnoticed(&self, node: &str) -> Option<Wait> {
        let trouble = self.so_far.trouble(node)?;
        let known = self.node_object(node)?;
        if known.ready() != Some(ConditionStatus::True) {
            return None;
        }
        let (latest, names) = self.noticed_by(&trouble);
        let text = format!(
            "somebody to notice: {}, and the API still calls the node ready, until about {} at the latest ({names})",
            trouble.words,
            time(latest)
        );
        Some(Wait::until("notice", text, latest))
    }

    fn pod(&self, pod: &Pod) -> Wait {
        let node = pod.node_name.as_str();
        if pod.meta.is_terminating() {
            return self.terminating(pod);
        }
        if pod.status.phase.is_terminal() {
            return Wait::new("nothing", format!("nothing: it has ended ({})", pod.status.phase.name()));
        }
        if node.is_empty() {
            return self.pending(pod);
        }
        if self.node_object(node).is_none() {
            return self.collected(pod);
        }
        if let Some(wait) = self.unnoticed(node) {
            return wait;
        }
        if let Some(wait) = self.held(pod) {
            return wait;
        }
        if let Some(trouble) = self.so_far.trouble(node) {
            return Wait::new("sign-of-life", format!("its node to come back: {}", trouble.words));
        }
        if let Some(wait) = self.unheard(pod) {
            return wait;
        }
        let waiting =
            pod.status.containers.iter().map(|container| &container.waiting).find(|reason| !reason.is_empty());
        if let Some(reason) = waiting.filter(|reason| **reason == CRASH_LOOP) {
            let back_off = self.back_off(SettingId::CrashLoopBackoffBase, SettingId::CrashLoopBackoffMax);
            let text = format!(
                "its containers to be started again on {node} ({reason}): they have exited, after {back_off} ({})",
                SettingId::CrashLoopBackoffBase.row().name
            );
            return Wait::new("start", text);
        }
        if let Some(reason) = waiting {
            let most = SettingId::ImagePullBackoffMax;
            let back_off = self.back_off(SettingId::ImagePullBackoffBase, most);
            let text = format!(
                "its image, which cannot be pulled on {node} ({reason}); it is tried again after {back_off} ({})",
                most.row().name
            );
            return Wait::new("image", text);
        }
        match (pod.is_ready(), pod.status.containers.iter().any(|container| container.is_running)) {
            (true, _) => Wait::nothing(),
            (false, true) => Wait::new("ready", format!("its containers to be ready: they run on {node}")),
            (false, false) => {
                Wait::new("start", format!("its containers to start on {node} (image-pull, container-start)"))
            }
        }
    }

    /// `a back-off that grows from 10s to 300s`
    fn back_off(&self, first: SettingId, most: SettingId) -> String {
        let settings = &self.tale.config.settings;
        format!("a back-off that grows from {} to {}", settings.show(first), settings.show(most))
    }

    /// A pod of which the API does not know yet how its containers are.
    fn unheard(&self, pod: &Pod) -> Option<Wait> {
        let ground = self.then.ground();
        let sandbox = ground[ground.find(&pod.node_name)?].sandboxes.get(&pod.meta.key)?;
        if sandbox.uid != pod.meta.uid || !sandbox.is_running {
            return None;
        }
        let is_known = pod.status.containers.iter().any(|container| container.is_running);
        let really = match (sandbox.is_ready, is_known) {
            (true, _) if !pod.is_ready() => "are ready to serve",
            (false, false) => "run",
            _ => return None,
        };
        let text =
            format!("its kubelet's status to reach the API: its containers {really} on {} already", pod.node_name);
        Some(Wait::new("status", text))
    }

    /// A pod whose node has no object.
    fn collected(&self, pod: &Pod) -> Wait {
        let (wait, period) = (SettingId::PodGcQuarantine, SettingId::PodGcPeriod);
        let settings = &self.tale.config.settings;
        let text = format!(
            "pod garbage collection to delete it: {} is not there any more ({} {}, {} {})",
            pod.node_name,
            wait.row().name,
            settings.show(wait),
            period.row().name,
            settings.show(period)
        );
        Wait::new("collection", text)
    }

    fn terminating(&self, pod: &Pod) -> Wait {
        if !pod.node_name.is_empty() && self.node_object(&pod.node_name).is_none() {
            return self.collected(pod);
        }
        if let Some(trouble) = self.so_far.trouble(&pod.node_name) {
            return Wait::new(
                "confirmation",
                format!(
                    "somebody to confirm that its containers have ended: {}; it goes when that comes back, or when its node is deleted or declared out of service",
                    trouble.words
                ),
            );
        }
        if pod.node_name.is_empty() {
            return Wait::new("confirmation", "pod garbage collection to remove it: it never had a node");
        }
        let until = pod.meta.deletion.map_or(self.at, |deletion| self.then.clock().time_of(deletion.at));
        let grace = pod.meta.deletion.map_or(0, |deletion| deletion.grace_seconds);
        Wait::until(
            "grace",
            format!("its containers to end, until {} at the latest (grace period {grace}s)", time(until)),
            until,
        )
    }

    fn pending(&self, pod: &Pod) -> Wait {
        if !pod.spec.scheduling_gates.is_empty() {
            return Wait::new("node", "its scheduling gates to be taken away");
        }
        let settings = &self.tale.config.settings;
        let refusals = self.so_far.refusals(&pod.meta.key);
        let Some((last, message)) = refusals.last() else {
            return Wait::new("node", "the scheduler to choose a node: it has not been its turn yet");
        };
        let (first, most) = (settings.span(SettingId::PodInitialBackoff), settings.span(SettingId::PodMaxBackoff));
        let doubled = first.as_micros().saturating_mul(1 << (refusals.len() - 1).min(20));
        let until = *last + Span::from_micros(doubled.min(most.as_micros()));
        let longest = SettingId::PodMaxInUnschedulablePods;
        let back_off = if until > self.at {
            format!(", not before its back-off is over at {}", time(until))
        } else {
            String::new()
        };
        let text = format!(
            "a node: the scheduler found none at {} ({}); it is tried again when something changes that may help{back_off}, or after {} {}",
            time(*last),
            message.trim_end_matches('.'),
            longest.row().name,
            settings.show(longest)
        );
        Wait::new("node", text)
    }

    /// A pod that tolerates the taints of its node for a time.
    fn held(&self, pod: &Pod) -> Option<Wait> {
        let node = self.node_object(&pod.node_name)?;
        let taints: Vec<&Taint> = node.taints.iter().filter(|taint| taint.effect == Effect::NoExecute).collect();
        let tolerations = &pod.spec.tolerations;
        if taints.is_empty() || !taints.iter().all(|taint| tolerated(tolerations, taint)) {
            return None;
        }
        let limits = taints.iter().flat_map(|&taint| {
            let tolerating = tolerations.iter().filter(move |toleration| toleration.tolerates(taint));
            tolerating.filter_map(move |toleration| Some((toleration.seconds?.max(0), taint)))
        });
        let Some((seconds, taint)) = limits.min_by_key(|(seconds, _)| *seconds) else {
            return Some(Wait::new(
                "sign-of-life",
                format!("its node: {} is tainted, and the pod tolerates that for ever", pod.node_name),
            ));
        };
        let since = self.so_far.tainted(&pod.node_name, taint).unwrap_or(Time::ZERO);
        // A pod that came later waits from then on.
        let since = self.so_far.bound(&pod.meta.key).map_or(since, |bound| bound.max(since));
        let until = since + Span::from_secs(seconds as u64);
        let taint = format!("{}:{}", taint.key.trim_start_matches("node.kubernetes.io/"), taint.effect);
        let trouble =
            self.so_far.trouble(&pod.node_name).map_or_else(String::new, |trouble| format!("; {}", trouble.words));
        if until < self.at {
            let text = format!(
                "its deletion: its toleration of the taint {taint} of {} ended at {} (tolerationSeconds {seconds}), and what deletes it is on its way{trouble}",
                pod.node_name,
                time(until)
            );
            return Some(Wait::new("deletion", text));
        }
        let text = format!(
            "the end of its toleration: held by the taint {taint} of {} until {} (tolerationSeconds {seconds}){trouble}",
            pod.node_name,
            time(until)
        );
        Some(Wait::until("toleration", text, until))
    }

    fn node(&self, node: &Node) -> Wait {
        let name = node.meta.name().as_str();
        if let Some(wait) = self.unnoticed(name) {
            return wait;
        }
        let is_ready = node.ready() == Some(ConditionStatus::True);
        let is_tainted = node.taints.iter().any(|taint| taint.effect == Effect::NoExecute);
        if !is_ready {
            let why = self
                .so_far
                .trouble(name)
                .map_or_else(|| "its kubelet has not reported yet".to_string(), |trouble| trouble.words);
            let taint = if is_tainted {
                String::new()
            } else {
                format!("; and for its NoExecute taint: {}", self.rate_of(node))
            };
            return Wait::new("sign-of-life", format!("a sign of life: {why}{taint}"));
        }
        if is_tainted && self.so_far.trouble(name).is_none() {
            let period = SettingId::NodeMonitorPeriod;
            let text = format!(
                "the next pass of the node lifecycle controller, which takes its taint off ({} {})",
                period.row().name,
                self.tale.config.settings.show(period)
            );
            return Wait::new("taint", text);
        }
        if node.unschedulable {
            return Wait::new("uncordon", "somebody to uncordon it: no new pod comes here until then");
        }
        Wait::nothing()
    }

    /// How fast nodes of this node's zone get their taint now.
    fn rate_of(&self, node: &Node) -> String {
        let key = node.zone_key();
        let name = zone_name(&key);
        let judged =
            self.tale.facts[..self.tale.until(self.at)].iter().rev().find_map(|recorded| match &recorded.fact {
                Fact::EvictionRate { zone, state, milli } if **zone == *name => Some((state, *milli)),
                _ => None,
            });
        let zone = if name.is_empty() { "its zone".to_string() } else { format!("zone {name}") };
        match judged {
            Some((state, 0)) => format!("{zone} gets none now ({state})"),
            Some((state, milli)) => format!("{zone} gets them at {} ({state})", Unit::Rate.show(milli)),
            None => {
                let rate = SettingId::NodeEvictionRate;
                format!("{zone} gets them at {} {}", rate.row().name, self.tale.config.settings.show(rate))
            }
        }
    }

    /// A Deployment or a ReplicaSet: its pods.
    fn workload(&self, subject: &Subject) -> Wait {
        let store = self.then.store();
        let sets: Vec<_> = self
            .then
            .objects::<ReplicaSet>()
            .filter(|set| match subject.kind {
                Kind::ReplicaSet => set.meta.key == subject.key,
                _ => set.meta.controller().is_some_and(|owner| {
                    owner.kind == Kind::Deployment
                        && owner.name == subject.key.name
                        && set.meta.namespace() == &subject.key.namespace
                }),
            })
            .map(|set| set.meta.uid)
            .collect();
        let deployment = store
            .table(Kind::Deployment)
            .typed::<Deployment>(&subject.key)
            .filter(|_| subject.kind == Kind::Deployment);
        let set = store.table(Kind::ReplicaSet).typed::<ReplicaSet>(&subject.key);
        let wanted =
            deployment.map(|deployment| deployment.replicas()).or_else(|| set.map(|set| set.replicas())).unwrap_or(0);
        let is_own = |pod: &Pod| pod.meta.controller().is_some_and(|owner| sets.contains(&owner.uid));
        let pods: Vec<_> = self.then.objects::<Pod>().filter(|pod| is_own(pod)).collect();
        // Those that are to stay, and those that are to go and that nobody counts on any more.
        let (mut waits, mut leaving) = (Kinds::new(), Kinds::new());
        let (mut well, mut active) = (0, 0);
        for pod in &pods {
            let wait = self.pod(pod);
            active += i32::from(pod.is_active());
            if wait.what == "nothing" {
                well += i32::from(pod.is_active());
                continue;
            }
            let waits = if pod.is_active() { &mut waits } else { &mut leaving };
            let entry = waits.entry(wait.what).or_insert((0, called(&pod.meta.key), wait.text));
            entry.0 += 1;
        }
        let waiting = |(_, (count, first, text)): (&&'static str, &(usize, String, String))| match count {
            1 => format!("{first} waits for {text}"),
            more => format!("{more} pods, as {first}, wait for {text}"),
        };
        let mut parts: Vec<String> = waits.iter().map(waiting).collect();
        if active < wanted {
            parts.insert(0, format!("{} to be created", pods_in_words(wanted - active)));
        }
        let rollout = deployment.filter(|deployment| {
            deployment.status.observed_generation < deployment.meta.generation
                || deployment.status.updated_replicas < wanted
        });
        if let Some(deployment) = rollout {
            let stuck = condition::find(&deployment.status.conditions, PROGRESSING)
                .filter(|known| known.status == ConditionStatus::False && known.reason == TIMED_OUT);
            let stuck = if stuck.is_some() { ", and it is stuck (ProgressDeadlineExceeded)" } else { "" };
            parts.push(format!(
                "in its rollout {} of {wanted} pods are of the newest revision{stuck}",
                deployment.status.updated_replicas
            ));
        }
        if parts.is_empty() && active > wanted {
            parts.push(format!("{} too many to be deleted", pods_in_words(active - wanted)));
        }
        if parts.is_empty() {
            let old: Vec<String> = leaving.iter().map(waiting).collect();
            let old = if old.is_empty() { String::new() } else { format!("; of its old ones, {}", old.join("; ")) };
            return Wait::new("nothing", format!("nothing: its {wanted} pods are as wanted{old}"));
        }
        let name = workload_name(&(subject.kind, subject.key.clone()));
        Wait::new("pods", format!("its pods: {well} of the {wanted} of {name} are as wanted; {}", parts.join("; ")))
    }
}

fn pods_in_words(count: i32) -> String {
    if count == 1 { "1 pod".to_string() } else { format!("{count} pods") }
}
