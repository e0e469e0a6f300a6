//! The pod garbage collector: deletes pods that nobody will ever finish.
//!
//! Source: `pkg/controller/podgc/gc_controller.go`, v1.36. A pass looks at the pods and nodes that the informers know
//! when it begins, in four rounds: too many that have ended; those being deleted on a node that is out of service; those
//! on a node that is not there; those being deleted that were never bound. The first two rounds handle their pods all
//! at once, the others one after another. The next pass begins a period after the end of this one. Left out: metrics.

#[cfg(test)]
mod story;

use crate::apiserver::{Change, DeleteOptions, Part, Reply, Request};
use crate::kernel::time::Time;
use crate::object::fact::Why;
use crate::object::pod::conditions::DISRUPTION_TARGET;
use crate::object::taint::OUT_OF_SERVICE;
use crate::object::{Condition, ConditionStatus, Edit, FactId, Key, Kind, Name, Node, Pod, SettingId, Strategy};
use crate::program::{ClientLimit, Command, Context, Program, Ticket, Timer};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

const NAME: &str = "pod-garbage-collector-controller";

/// The next pass begins.
const PASS: Timer = Timer::new(0);

/// The rounds of a pass, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    Terminated,
    OutOfService,
    Orphaned,
    Unscheduled,
}

/// What a request was for.
#[derive(Clone, Debug)]
enum Asked {
    /// A node that is missing, read live.
    Node(Name),
    /// A pod has failed; its deletion follows.
    Failed(Arc<Pod>),
    /// A pod was deleted.
    Deleted,
}

/// A pass that goes on.
#[derive(Clone, Debug, Default)]
struct Pass {
    /// Pods by round, as they were when the pass began.
    terminated: Vec<Arc<Pod>>,
    terminating: Vec<Arc<Pod>>,
    on_missing_nodes: BTreeMap<Name, Vec<Arc<Pod>>>,
    unscheduled: Vec<Arc<Pod>>,
    /// Nodes that are not there, and whether all that had been missing for long enough have been looked up.
    gone: BTreeSet<Name>,
    is_looked_up: bool,
    /// Pods of this round that wait for the one before.
    line: VecDeque<Arc<Pod>>,
}

/// The controller.
#[derive(Clone, Debug, Default)]
pub struct PodGarbageCollector {
    /// Missing nodes: when they have been missing for long enough.
    quarantine: BTreeMap<Name, Time>,
    /// Those whose time was over, in the order in which it was.
    suspects: VecDeque<Name>,
    /// Deletions of nodes, and taints that say that they are out of service, of which the informer told.
    causes: BTreeMap<Name, FactId>,
    pass: Option<(Round, Pass)>,
    asked: BTreeMap<u64, Asked>,
    sent: u64,
}

impl PodGarbageCollector {
    fn begin(&mut self, cx: &mut Context<'_>) {
        let nodes = cx.caches.table(Kind::Node);
        let mut pass = Pass::default();
        for pod in cx.caches.table(Kind::Pod).all::<Pod>() {
            if pod.status.phase.is_terminal() {
                pass.terminated.push(pod.clone());
            }
            if pod.meta.is_terminating() {
                let list = if pod.node_name.is_empty() { &mut pass.unscheduled } else { &mut pass.terminating };
                list.push(pod.clone());
            }
            if !pod.node_name.is_empty() && nodes.get(&Key::cluster(pod.node_name.clone())).is_none() {
                pass.on_missing_nodes.entry(pod.node_name.clone()).or_default().push(pod.clone());
            }
        }
        self.pass = Some((Round::Terminated, pass));
        self.start_round(cx);
    }

    /// Begins the round that the pass has come to, and those after it as long as nothing is to be waited for.
    fn start_round(&mut self, cx: &mut Context<'_>) {
        while let Some((round, mut pass)) = self.pass.take() {
            match round {
                Round::Terminated => {
                    let victims = surplus(&mut pass.terminated, cx.settings.count(SettingId::TerminatedPodGcThreshold));
                    victims.iter().for_each(|pod| self.fail(pod, None, cx));
                }
                Round::OutOfService => {
                    let mut victims: Vec<_> = pass.terminating.drain(..).filter(|pod| is_shut_down(pod, cx)).collect();
                    victims.sort_by_cached_key(|pod| order(pod));
                    victims.iter().for_each(|pod| self.fail(pod, None, cx));
                }
                Round::Orphaned => {
                    self.release(cx.now);
                    for node in pass.on_missing_nodes.keys() {
                        let due = cx.now + cx.span(SettingId::PodGcQuarantine);
                        self.quarantine.entry(node.clone()).or_insert(due);
                    }
                }
                Round::Unscheduled => pass.line = pass.unscheduled.drain(..).collect(),
            }
            self.pass = Some((round, pass));
            if !self.go_on(cx) {
                return;
            }
        }
    }

    /// Does what is next in this round. True if the round is over and another one begins.
    fn go_on(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.asked.is_empty() {
            return false;
        }
        let (round, mut pass) = self.pass.take().expect("a pass goes on");
        if round == Round::Orphaned && !pass.is_looked_up {
            if let Some(node) = self.next_suspect(cx) {
                let request = Request::Get { kind: Kind::Node, key: Key::cluster(node.clone()) };
                let why = self.why(&node);
                self.send(request, Asked::Node(node), why, cx);
                self.pass = Some((round, pass));
                return false;
            }
            pass.is_looked_up = true;
            let found = std::mem::take(&mut pass.on_missing_nodes).into_iter();
            let found = found.filter(|(node, _)| pass.gone.contains(node));
            let mut victims: Vec<Arc<Pod>> = found.flat_map(|(_, pods)| pods).collect();
            victims.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
            pass.line = victims.into();
        }
        if let Some(pod) = pass.line.pop_front() {
            let disruption = (round == Round::Orphaned).then(|| node_is_gone(cx));
            self.pass = Some((round, pass));
            self.fail(&pod, disruption, cx);
            return false;
        }
        let next = match round {
            Round::Terminated => Round::OutOfService,
            Round::OutOfService => Round::Orphaned,
            Round::Orphaned => Round::Unscheduled,
            Round::Unscheduled => {
                cx.wake_owned(cx.span(SettingId::PodGcPeriod), PASS, SettingId::PodGcPeriod);
                return false;
            }
        };
        self.pass = Some((next, pass));
        true
    }

    /// Lets nodes out of quarantine.
    fn release(&mut self, now: Time) {
        let mut due: Vec<(Time, Name)> =
            self.quarantine.iter().filter(|(_, at)| **at <= now).map(|(node, at)| (*at, node.clone())).collect();
        due.sort();
        for (_, node) in due {
            self.quarantine.remove(&node);
            if !self.suspects.contains(&node) {
                self.suspects.push_back(node);
            }
        }
    }

    /// The next node to be looked up. One that is back is let be.
    fn next_suspect(&mut self, cx: &Context<'_>) -> Option<Name> {
        self.release(cx.now);
        while let Some(node) = self.suspects.pop_front() {
            if cx.caches.get::<Node>(&Key::cluster(node.clone())).is_none() {
                return Some(node);
            }
        }
        None
    }

    /// What made a node go, if that was seen.
    fn why(&self, node: &Name) -> Why {
        let cause = self.causes.get(node).copied().unwrap_or(FactId::NONE);
        Why::after(cause, SettingId::PodGcQuarantine)
    }

    /// Marks a pod as failed unless it has ended, then deletes it (`markFailedAndDeletePodWithCondition`).
    fn fail(&mut self, pod: &Arc<Pod>, disruption: Option<Condition>, cx: &mut Context<'_>) {
        if pod.status.phase.is_terminal() {
            return self.delete(pod, cx);
        }
        let (key, uid) = (pod.meta.key.clone(), Some(pod.meta.uid));
        let edit = Edit::PodFailed(disruption);
        let request = Request::Patch { kind: Kind::Pod, key, uid, part: Part::Status, edit };
        let why = self.why(&pod.node_name);
        self.send(request, Asked::Failed(pod.clone()), why, cx);
    }

    fn delete(&mut self, pod: &Pod, cx: &mut Context<'_>) {
        let options = DeleteOptions { grace_seconds: Some(0), ..DeleteOptions::default() };
        let request = Request::Delete { kind: Kind::Pod, key: pod.meta.key.clone(), options };
        let why = self.why(&pod.node_name);
        self.send(request, Asked::Deleted, why, cx);
    }

    fn send(&mut self, request: Request, asked: Asked, why: Why, cx: &mut Context<'_>) {
        self.sent += 1;
        self.asked.insert(self.sent, asked);
        cx.out.push(Command::Send { request, ticket: Ticket(self.sent), why });
    }
}

/// Pods that have ended beyond the number that is kept: evicted ones first, then the oldest.
fn surplus(ended: &mut Vec<Arc<Pod>>, threshold: usize) -> Vec<Arc<Pod>> {
    let mut ended = std::mem::take(ended);
    let surplus = if threshold == 0 { 0 } else { ended.len().saturating_sub(threshold) };
    if surplus > 0 {
        ended.sort_by_cached_key(|pod| order(pod));
    }
    ended.truncate(surplus);
    ended
}

/// `byEvictionAndCreationTimestamp`; of namesakes the namespace decides.
fn order(pod: &Pod) -> (bool, i64, Name, Name) {
    let is_evicted = pod.status.phase == crate::object::Phase::Failed && pod.status.reason == "Evicted";
    (!is_evicted, pod.meta.created.0, pod.meta.name().clone(), pod.meta.namespace().clone())
}

/// Whether a pod is on a node that people say is out of service, and that is not ready.
fn is_shut_down(pod: &Pod, cx: &Context<'_>) -> bool {
    cx.caches
        .get::<Node>(&Key::cluster(pod.node_name.clone()))
        .is_some_and(|node| node.ready() != Some(ConditionStatus::True) && is_out_of_service(node))
}

fn is_out_of_service(node: &Node) -> bool {
    node.taints.iter().any(|taint| taint.key == OUT_OF_SERVICE)
}

fn node_is_gone(cx: &Context<'_>) -> Condition {
    let now = cx.timestamp();
    Condition {
        kind: DISRUPTION_TARGET.into(),
        status: ConditionStatus::True,
        reason: "DeletionByPodGC".into(),
        message: "PodGC: node no longer exists".into(),
        last_transition: now,
        last_update: now,
    }
}

impl Program for PodGarbageCollector {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[Kind::Node, Kind::Pod]
    }

    fn limit(&self) -> Option<ClientLimit> {
        Some(ClientLimit::CONTROLLER)
    }

    fn on_start(&mut self, cx: &mut Context<'_>) {
        let phase = cx.phase(NAME, cx.span(SettingId::PodGcPeriod));
        cx.wake_owned(phase, PASS, SettingId::PodGcPeriod);
    }

    fn on_changes(&mut self, kind: Kind, changes: &[Change], _cx: &mut Context<'_>) {
        for change in changes.iter().filter(|_| kind == Kind::Node) {
            if let Some(node) = change.after::<Node>() {
                if !is_out_of_service(node) {
                    self.causes.remove(&change.key().name);
                } else if !change.before::<Node>().is_some_and(|node| is_out_of_service(node)) {
                    self.causes.insert(change.key().name.clone(), change.cause);
                }
            } else if let Some(node) = change.before::<Node>() {
                self.causes.insert(node.meta().name().clone(), change.cause);
            }
        }
    }

    fn on_reply(&mut self, ticket: Ticket, reply: &Reply, cx: &mut Context<'_>) {
        match self.asked.remove(&ticket.0).expect("a reply answers a request") {
            Asked::Node(node) => {
                if let Some((_, pass)) = self.pass.as_mut().filter(|_| reply.is_not_found()) {
                    pass.gone.insert(node);
                }
            }
            Asked::Failed(pod) if reply.is_ok() => self.delete(&pod, cx),
            Asked::Failed(_) | Asked::Deleted => {}
        }
        if self.go_on(cx) {
            self.start_round(cx);
        }
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut Context<'_>) {
        self.begin(cx);
    }

    fn boxed_clone(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
