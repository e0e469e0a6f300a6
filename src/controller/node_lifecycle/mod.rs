//! The node lifecycle controller: finds nodes that have fallen silent, taints them, and says so to their pods.
//!
//! Source: `pkg/controller/nodelifecycle/node_lifecycle_controller.go`, v1.36. What goes on at the same time upstream
//! is a job here, with one request or pause in flight at most:
//!
//! - workers that keep a node's NoSchedule taints (and its old labels) as its conditions say, at once ([`sync`]);
//! - workers that look after pods bound to a node that is down;
//! - the monitor pass every `node-monitor-period` ([`pass`]), nodes eight at a time ([`health`]), then the zones
//!   ([`zones`]);
//! - the tainter, which lets nodes have their NoExecute taint at the rate of their zone ([`tainter`], [`queue`]).
//!
//! It does not know why a node is silent, nor who evicts the pods of one that is tainted.
//!
//! Left out: resync, metrics, and the lock by which a change of a zone's rate waits for a taint that is being written.
//! New nodes are greeted in the order of their names, where upstream has the random order of a map.

pub mod health;
pub mod pass;
pub mod queue;
pub mod steps;
pub mod sync;
pub mod tainter;
pub mod zones;

#[cfg(test)]
mod story;

use crate::apiserver::{Change, Reply};
use crate::kernel::time::Span;
use crate::object::fact::Why;
use crate::object::{ConditionStatus, FactId, Key, Kind, Lease, Name, Node, Pod, SettingId, Settings};
use crate::program::workqueue::{RateLimiter, WorkQueue};
use crate::program::{ClientLimit, Command, Context, Program, Ticket, Timer};
use pass::{Clear, Known, Pass, Piece};
use std::collections::{BTreeMap, BTreeSet};
use steps::{EditRun, Input, PodRun, Turn};
use tainter::Tainter;
use zones::Zones;

/// Who its Events come from.
const REPORTER: &str = "node-controller";

/// A pass over the health of all nodes is due.
const MONITOR: u32 = 0;
/// The tainter is due; the argument tells the latest such timer from older ones.
const TAINT: u32 = 1;
/// The pause of a job is over; the argument is its number.
const RESUME: u32 = 2;
/// Pods that failed may be ready to be tried again.
const RETRY_PODS: u32 = 3;

/// Something that goes on while other things do.
#[derive(Clone, Debug)]
struct Job {
    work: Work,
    why: Why,
}

#[derive(Clone, Debug)]
enum Work {
    /// A worker keeps the taints of a node.
    Sync(sync::NodeSync),
    /// A worker tells a pod that it is not ready.
    Pod(Key, PodRun),
    /// The monitor pass takes the taints off nodes, one after another.
    Clear(Clear),
    /// The monitor pass handles a node.
    Piece(Box<Piece>),
    /// The tainter swaps the taints of a node of this zone.
    Taint(Name, Name, EditRun),
}

/// A queue and the workers that are free.
#[derive(Clone, Debug)]
struct Workers {
    queue: WorkQueue,
    free: usize,
}

impl Workers {
    fn new(size: SettingId, settings: &Settings) -> Workers {
        let limiter = RateLimiter::new(settings, SettingId::WorkqueueBackoffBase);
        Workers { queue: WorkQueue::new(limiter), free: settings.count(size) }
    }

    fn take(&mut self) -> Option<(Key, FactId)> {
        if self.free == 0 {
            return None;
        }
        let next = self.queue.get()?;
        self.free -= 1;
        Some(next)
    }

    fn done(&mut self, key: &Key) {
        self.queue.done(key);
        self.free += 1;
    }
}

/// What led to what is known of a node, so that causes can be told.
#[derive(Clone, Copy, Debug)]
struct Causes {
    /// Its last sign of life: the last change of its lease, or its creation.
    sign: FactId,
    /// The last change of its Ready condition.
    ready: FactId,
}

impl Default for Causes {
    fn default() -> Self {
        Causes { sign: FactId::NONE, ready: FactId::NONE }
    }
}

/// The controller.
#[derive(Clone, Debug, Default)]
pub struct NodeLifecycle {
    /// Nodes that a pass has seen, by name.
    known: Vec<Known>,
    causes: BTreeMap<Name, Causes>,
    zones: Zones,
    /// Nodes whose pods could not all be told that they are not ready.
    nodes_to_retry: BTreeSet<Name>,
    pass: Option<Pass>,
    passes: u64,
    /// Whether it started with the scenario, and so has known its nodes for long.
    is_settled: bool,
    tainter: Tainter,
    nodes: Option<Workers>,
    pods: Option<Workers>,
    jobs: BTreeMap<u64, Job>,
    jobs_parked: u64,
}

impl NodeLifecycle {
    /// Goes on with a job until it waits or is over.
    fn drive(&mut self, mut job: Job, input: Input<'_>, cx: &mut Context<'_>) {
        let outer_cause = std::mem::replace(&mut cx.cause, job.why.cause);
        match self.step(&mut job, input, cx) {
            Turn::Send(request) => {
                self.jobs_parked += 1;
                cx.out.push(Command::Send { request, ticket: Ticket(self.jobs_parked), why: job.why });
                self.jobs.insert(self.jobs_parked, job);
            }
            Turn::Pause(span, setting) => {
                self.jobs_parked += 1;
                cx.wake_owned(span, Timer { kind: RESUME, arg: self.jobs_parked }, setting);
                self.jobs.insert(self.jobs_parked, job);
            }
            Turn::Done(is_well) => self.finish(job, is_well, cx),
        }
        cx.cause = outer_cause;
    }

    fn step(&mut self, job: &mut Job, input: Input<'_>, cx: &mut Context<'_>) -> Turn {
        match &mut job.work {
            Work::Sync(sync) => sync.step(input, cx),
            Work::Pod(_, run) => run.step(input, cx),
            Work::Taint(_, _, run) => run.step(input, cx),
            Work::Clear(clear) => self.step_clear(clear, input, cx),
            Work::Piece(piece) => self.step_piece(piece, &mut job.why, input, cx),
        }
    }

    fn finish(&mut self, job: Job, is_well: bool, cx: &mut Context<'_>) {
        match job.work {
            Work::Sync(sync) => workers(&mut self.nodes).done(sync.key()),
            Work::Pod(key, _) => self.finish_pod(&key, job.why.cause, is_well, cx),
            Work::Taint(zone, node, _) => self.finish_taint(&zone, &node, is_well, cx.now),
            Work::Clear(clear) => self.finish_clear(&clear, cx),
            Work::Piece(_) => self.pass.as_mut().expect("a piece belongs to a pass").running -= 1,
        }
    }

    /// Gives free hands what waits for them.
    fn pump(&mut self, cx: &mut Context<'_>) {
        while let Some((key, cause)) = workers(&mut self.nodes).take() {
            let sync = sync::NodeSync::new(key, cx);
            self.drive(Job { work: Work::Sync(sync), why: Why::because(cause) }, Input::Go, cx);
        }
        while let Some((key, cause)) = workers(&mut self.pods).take() {
            match self.pod_run(&key, cx) {
                Some(run) => {
                    self.drive(Job { work: Work::Pod(key, run), why: Why::because(cause) }, Input::Go, cx);
                }
                None => self.finish_pod(&key, cause, false, cx),
            }
        }
        self.pump_pass(cx);
        self.pump_tainter(cx);
    }

    /// What is to be done about a pod that was bound (`processPod`); none if its node cannot be read now.
    fn pod_run(&self, key: &Key, cx: &Context<'_>) -> Option<PodRun> {
        let nothing = Some(PodRun::new([]));
        let Some(pod) = cx.caches.get::<Pod>(key) else { return nothing };
        if self.is_ready_for(&pod.node_name) {
            return nothing;
        }
        cx.caches.get::<Node>(&Key::cluster(pod.node_name.clone())).map(|_| PodRun::new([pod]))
    }

    /// Whether nothing needs to be said to pods of this node, as it was last looked at.
    fn is_ready_for(&self, node: &str) -> bool {
        let record = self.known_index(node).and_then(|index| self.known[index].record.as_ref());
        record.and_then(|record| record.ready.as_ref()).is_none_or(|ready| ready.status == ConditionStatus::True)
    }

    fn finish_pod(&mut self, key: &Key, cause: FactId, is_well: bool, cx: &mut Context<'_>) {
        let pods = workers(&mut self.pods);
        if !is_well && let Some(at) = pods.queue.add_rate_limited(key.clone(), cause, cx.now) {
            cx.wake_after(at.since(cx.now), Timer::new(RETRY_PODS));
        }
        pods.done(key);
    }

    /// The last change of a Ready condition: that all nodes are down was said of that one.
    fn last_judged(&self) -> FactId {
        let known = self.causes.values().map(|causes| causes.ready).filter(|ready| *ready != FactId::NONE);
        known.max().unwrap_or(FactId::NONE)
    }

    fn note_node(&mut self, change: &Change) {
        let Some(new) = change.after::<Node>() else {
            self.causes.remove(&change.key().name);
            self.nodes_to_retry.remove(&change.key().name);
            return;
        };
        let old = change.before::<Node>();
        if old.is_none_or(|old| old.ready() != new.ready()) {
            let causes = self.causes.entry(change.key().name.clone()).or_default();
            causes.ready = change.cause;
            if old.is_none() && causes.sign == FactId::NONE {
                causes.sign = change.cause;
            }
        }
        workers(&mut self.nodes).queue.add(change.key().clone(), change.cause);
    }

    fn note_lease(&mut self, change: &Change) {
        if change.key().namespace == pass::LEASE_NAMESPACE && change.after::<Lease>().is_some() {
            match self.causes.get_mut(&change.key().name) {
                Some(causes) => causes.sign = change.cause,
                None => {
                    let causes = Causes { sign: change.cause, ready: FactId::NONE };
                    self.causes.insert(change.key().name.clone(), causes);
                }
            }
        }
    }

    fn note_pod(&mut self, change: &Change) {
        let Some(new) = change.after::<Pod>() else { return };
        let is_bound =
            !new.node_name.is_empty() && change.before::<Pod>().is_none_or(|old| old.node_name != new.node_name);
        // A free worker would find at once that there is nothing to do.
        let is_idle = self.pods.as_ref().is_some_and(|pods| pods.free > 0);
        if is_bound && !(is_idle && self.is_ready_for(&new.node_name)) {
            workers(&mut self.pods).queue.add(change.key().clone(), change.cause);
        }
    }
}

fn workers(workers: &mut Option<Workers>) -> &mut Workers {
    workers.as_mut().expect("a program is started before it is used")
}

impl Program for NodeLifecycle {
    fn name(&self) -> &'static str {
        "node-lifecycle-controller"
    }

    fn watches(&self) -> &'static [Kind] {
        &[Kind::Node, Kind::Lease, Kind::Pod]
    }

    fn limit(&self) -> Option<ClientLimit> {
        Some(ClientLimit::CONTROLLER)
    }

    /// One that starts with the scenario has been running for long: its loops stand anywhere in their rounds. One that
    /// starts later begins with them.
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.nodes = Some(Workers::new(SettingId::NodeUpdateWorkers, cx.settings));
        self.pods = Some(Workers::new(SettingId::NodePodUpdateWorkers, cx.settings));
        self.is_settled = cx.now == crate::kernel::time::Time::ZERO;
        let period = cx.settings.span(SettingId::NodeMonitorPeriod);
        let first = if self.is_settled { cx.phase("node-monitor", period) } else { Span::ZERO };
        cx.wake_owned(first, Timer::new(MONITOR), SettingId::NodeMonitorPeriod);
        self.tainter = Tainter::new(self.is_settled, cx);
    }

    fn on_changes(&mut self, kind: Kind, changes: &[Change], cx: &mut Context<'_>) {
        for change in changes {
            match kind {
                Kind::Node => self.note_node(change),
                Kind::Lease => self.note_lease(change),
                _ => self.note_pod(change),
            }
        }
        if kind != Kind::Lease {
            self.pump(cx);
        }
    }

    fn on_reply(&mut self, ticket: Ticket, reply: &Reply, cx: &mut Context<'_>) {
        let job = self.jobs.remove(&ticket.0).expect("a reply is for a job that waits");
        self.drive(job, Input::Reply(reply, cx.cause), cx);
        self.pump(cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        match timer.kind {
            MONITOR => self.begin_pass(cx),
            TAINT => self.tainter.wake(timer.arg),
            RESUME => {
                let job = self.jobs.remove(&timer.arg).expect("a pause is for a job that waits");
                self.drive(job, Input::Go, cx);
            }
            _ => workers(&mut self.pods).queue.wake(cx.now),
        }
        self.pump(cx);
    }

    fn boxed_clone(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
