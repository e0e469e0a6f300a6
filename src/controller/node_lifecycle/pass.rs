//! The monitor pass: looks at every node, writes down those that have fallen silent, then judges the zones.
//!
//! Source: `pkg/controller/nodelifecycle/node_lifecycle_controller.go` (`monitorNodeHealth`, `processTaintBaseEviction`,
//! `handleDisruption`), v1.36. A pass takes as long as its writes, and at least the modelled time of a look at all nodes;
//! only because that is not nothing is a node found silent in the tenth pass after its last sign of life, and not in the
//! eleventh. A pass that finds nothing to write leaves one timer behind.

use super::health::{self, Moment, Record};
use super::queue::Wait;
use super::steps::{EditRun, Input, PodRun, Turn, has_no_execute};
use super::zones::{Counts, Verdict};
use super::{Job, MONITOR, NodeLifecycle, REPORTER, Work};
use crate::apiserver::{Reply, Request};
use crate::kernel::time::Time;
use crate::object::fact::Why;
use crate::object::taint::{NOT_READY, UNREACHABLE};
use crate::object::{
    Condition, ConditionStatus, DelayId, FactId, Key, Kind, Lease, Name, Node, Pod, Revision, SettingId, Strategy,
};
use crate::program::{Context, EventAbout, Timer};
use std::collections::VecDeque;
use std::sync::Arc;

/// Namespace of the leases of nodes. Source: `staging/src/k8s.io/api/core/v1/types.go` (`NamespaceNodeLease`).
pub const LEASE_NAMESPACE: &str = "kube-node-lease";

/// Nodes with this label do not count for their zone.
const EXCLUDE_LABEL: &str = "node.kubernetes.io/exclude-disruption";

/// A node that a pass has seen.
#[derive(Clone, Debug)]
pub struct Known {
    name: Name,
    lease: Key,
    /// Zone of the node at `version`.
    zone: Name,
    version: Revision,
    /// What is remembered of its health.
    pub record: Option<Record>,
}

impl Known {
    fn new(node: &Node) -> Known {
        let name = node.meta.name().clone();
        let lease = Key::new(LEASE_NAMESPACE, name.clone());
        Known { name, lease, zone: node.zone_key(), version: node.meta.resource_version, record: None }
    }

    /// Keeps the zone up to date; the key is only made again when the node has changed.
    fn zone_of(&mut self, node: &Node) -> &Name {
        if self.version != node.meta.resource_version {
            (self.zone, self.version) = (node.zone_key(), node.meta.resource_version);
        }
        &self.zone
    }
}

/// A pass that goes on.
#[derive(Clone, Debug)]
pub struct Pass {
    /// It does not end earlier.
    ends: Time,
    /// The nodes as they were known when it began, in the order of [`NodeLifecycle::known`].
    nodes: Vec<Arc<Node>>,
    /// The next to look at.
    next: usize,
    /// How many are being written.
    pub running: usize,
    counts: Counts,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The taints of new nodes are taken off.
    Greeting,
    /// Nodes are looked at.
    Looking,
    /// All nodes are down, and their taints are taken off.
    Stopping,
}

/// Takes the NoExecute taints off nodes, one after another.
#[derive(Clone, Debug)]
pub struct Clear {
    nodes: VecDeque<Arc<Node>>,
    run: Option<EditRun>,
    stage: Stage,
}

/// The part of a pass that is about one node.
#[derive(Clone, Debug)]
pub struct Piece {
    index: usize,
    node: Arc<Node>,
    observed: ConditionStatus,
    current: Option<ConditionStatus>,
    attempts: usize,
    act: Act,
}

#[derive(Clone, Debug)]
enum Act {
    /// Looks, and writes what silence has made of its conditions.
    Write(Option<Condition>),
    /// Reads the node again, since it could not be written.
    Read,
    /// Swaps its taints.
    Taint(EditRun),
    /// Tells its pods.
    Tell(PodRun),
}

impl NodeLifecycle {
    pub(super) fn known_index(&self, node: &str) -> Option<usize> {
        self.known.binary_search_by(|known| known.name.as_str().cmp(node)).ok()
    }

    /// Begins a pass.
    pub(super) fn begin_pass(&mut self, cx: &mut Context<'_>) {
        assert!(self.pass.is_none(), "a pass begins after the one before has ended");
        let nodes: Vec<Arc<Node>> = cx.caches.table(Kind::Node).all::<Node>().cloned().collect();
        let added = self.classify(&nodes, cx);
        let ends = cx.now + cx.delay(DelayId::MonitorPass, "node-monitor", self.passes);
        let stage = if added.is_empty() { Stage::Looking } else { Stage::Greeting };
        self.pass = Some(Pass { ends, nodes, next: 0, running: 0, counts: Counts::new(), stage });
        self.passes += 1;
        if !added.is_empty() {
            self.clear(added, stage, cx);
        }
    }

    /// Gets to know new nodes, which it returns, and forgets those that are gone.
    fn classify(&mut self, nodes: &[Arc<Node>], cx: &mut Context<'_>) -> Vec<Arc<Node>> {
        let mut added = Vec::new();
        let mut before = std::mem::take(&mut self.known).into_iter().peekable();
        let mut known = Vec::with_capacity(nodes.len());
        for node in nodes {
            while let Some(gone) = before.next_if(|known| known.name < *node.meta.name()) {
                removed(&gone.name, cx);
            }
            let mut here = match before.next_if(|known| known.name == *node.meta.name()) {
                Some(here) => here,
                None => {
                    added.push(node.clone());
                    // Those of a controller that has been running for long were greeted before the scenario.
                    if !(self.is_settled && self.passes == 0) {
                        node_event(
                            node,
                            "RegisteredNode",
                            format!("Registered Node {} in Controller", node.meta.name()),
                            cx,
                        );
                    }
                    Known::new(node)
                }
            };
            self.zones.ensure(here.zone_of(node), cx.settings);
            known.push(here);
        }
        before.for_each(|gone| removed(&gone.name, cx));
        self.known = known;
        added
    }

    fn clear(&mut self, nodes: impl IntoIterator<Item = Arc<Node>>, stage: Stage, cx: &mut Context<'_>) {
        self.pass.as_mut().expect("a pass goes on").stage = stage;
        let clear = Clear { nodes: nodes.into_iter().collect(), run: None, stage };
        self.drive(Job { work: Work::Clear(clear), why: Why::NOTHING }, Input::Go, cx);
    }

    pub(super) fn step_clear(&mut self, clear: &mut Clear, mut input: Input<'_>, cx: &mut Context<'_>) -> Turn {
        loop {
            let Some(node) = clear.nodes.front() else { return Turn::Done(true) };
            let run = clear.run.get_or_insert_with(|| EditRun::clear(node));
            match run.step(input, cx) {
                Turn::Done(is_well) => {
                    if is_well {
                        self.leave_queue(node);
                    }
                    (clear.run, input) = (None, Input::Go);
                    clear.nodes.pop_front();
                }
                turn => return turn,
            }
        }
    }

    pub(super) fn finish_clear(&mut self, clear: &Clear, cx: &mut Context<'_>) {
        match clear.stage {
            Stage::Stopping => {
                self.zones.stop(cx.settings, cx.now);
                self.end_pass(cx);
            }
            _ => self.pass.as_mut().expect("a pass goes on").stage = Stage::Looking,
        }
    }

    fn leave_queue(&mut self, node: &Node) {
        let Some(index) = self.known_index(node.meta.name()) else { return };
        let zone = self.known[index].zone_of(node);
        if let Some(queue) = self.zones.queue(zone) {
            queue.remove(node.meta.name());
        }
    }

    /// Looks at nodes while there are free hands; once all are done, judges the zones.
    pub(super) fn pump_pass(&mut self, cx: &mut Context<'_>) {
        let hands = cx.settings.count(SettingId::NodeUpdateWorkers);
        while let Some(pass) = self.pass.as_mut().filter(|pass| pass.stage == Stage::Looking && pass.running < hands) {
            let index = pass.next;
            let Some(node) = pass.nodes.get(index).cloned() else { break };
            pass.next += 1;
            pass.running += 1;
            let (observed, act) = (ConditionStatus::Unknown, Act::Write(None));
            let piece = Piece { index, node, observed, current: None, attempts: 0, act };
            self.drive(Job { work: Work::Piece(Box::new(piece)), why: Why::NOTHING }, Input::Go, cx);
        }
        if self
            .pass
            .as_ref()
            .is_some_and(|pass| pass.stage == Stage::Looking && pass.running == 0 && pass.next == pass.nodes.len())
        {
            self.handle_disruption(cx);
        }
    }

    pub(super) fn step_piece(
        &mut self,
        piece: &mut Piece,
        why: &mut Why,
        input: Input<'_>,
        cx: &mut Context<'_>,
    ) -> Turn {
        match (&mut piece.act, input) {
            (Act::Write(_), Input::Go) => self.look(piece, why, cx),
            (Act::Write(written), Input::Reply(Reply::Done(_), cause)) => {
                if let Some(record) = self.known[piece.index].record.as_mut() {
                    record.ready = written.take();
                }
                let cause = if cause == FactId::NONE { why.cause } else { cause };
                *why = Why::because(cause);
                cx.cause = cause;
                self.judge(piece, why, cx)
            }
            (Act::Write(_), Input::Reply(..)) => {
                piece.act = Act::Read;
                Turn::Send(Request::Get { kind: Kind::Node, key: piece.node.meta.key.clone() })
            }
            (Act::Read, Input::Reply(reply, _)) => self.look_again(piece, reply, cx),
            (Act::Read, Input::Go) => panic!("a node is read at once"),
            (Act::Taint(run), input) => match run.step(input, cx) {
                Turn::Done(is_well) => {
                    if is_well && piece.current == Some(ConditionStatus::True) {
                        self.leave_queue(&piece.node);
                    }
                    self.tell_pods(piece, why, cx)
                }
                turn => turn,
            },
            (Act::Tell(run), input) => match run.step(input, cx) {
                Turn::Done(is_well) => {
                    self.note_retry(piece, !is_well);
                    Turn::Done(is_well)
                }
                turn => turn,
            },
        }
    }

    /// Looks at a node (`tryUpdateNodeHealth`).
    fn look(&mut self, piece: &mut Piece, why: &mut Why, cx: &mut Context<'_>) -> Turn {
        let known = &mut self.known[piece.index];
        let lease = cx.caches.get::<Lease>(&known.lease);
        let moment = Moment { now: cx.now, clock: cx.clock, settings: cx.settings };
        let found = health::look(&piece.node, lease.map(|lease| &**lease), &mut known.record, &moment);
        (piece.observed, piece.current) = (found.observed, found.current);
        let Some(conditions) = found.write else { return self.judge(piece, why, cx) };
        let node = Node { conditions, ..(*piece.node).clone() };
        piece.act = Act::Write(crate::object::condition::find(&node.conditions, "Ready").cloned());
        piece.node = Arc::new(node);
        let sign = self.causes.get(&known.name).map_or(FactId::NONE, |causes| causes.sign);
        *why = Why::after(sign, found.grace);
        Turn::Send(Request::Update { object: piece.node.clone().into_object(), part: crate::apiserver::Part::Status })
    }

    /// Looks once more after a pause, at the node as it has been read again.
    fn look_again(&mut self, piece: &mut Piece, reply: &Reply, cx: &Context<'_>) -> Turn {
        piece.attempts += 1;
        let Some(node) = reply.object::<Node>() else { return Turn::Done(false) };
        if piece.attempts >= cx.settings.count(SettingId::NodeHealthUpdateRetry) {
            return Turn::Done(false);
        }
        piece.node = node.clone();
        piece.act = Act::Write(None);
        Turn::Pause(cx.settings.span(SettingId::NodeHealthUpdatePause), SettingId::NodeHealthUpdatePause)
    }

    /// Counts a node for its zone, and sees to its NoExecute taints (`processTaintBaseEviction`).
    fn judge(&mut self, piece: &mut Piece, why: &mut Why, cx: &mut Context<'_>) -> Turn {
        let known = &mut self.known[piece.index];
        let zone = known.zone_of(&piece.node);
        if piece.node.meta.labels.get(EXCLUDE_LABEL).is_none() {
            let counts = &mut self.pass.as_mut().expect("a piece belongs to a pass").counts;
            let count = match counts.get_mut(zone) {
                Some(count) => count,
                None => counts.entry(zone.clone()).or_default(),
            };
            let is_ready = piece.current == Some(ConditionStatus::True);
            *(if is_ready { &mut count.ready } else { &mut count.not_ready }) += 1;
        }
        let Some(current) = piece.current else {
            self.note_retry(piece, false);
            return Turn::Done(true);
        };
        if cx.cause == FactId::NONE {
            // Nothing was written in this pass: what there is to do follows from the last change of the node.
            let cause = self.causes.get(&known.name).map_or(FactId::NONE, |causes| causes.ready);
            *why = Why::after(cause, SettingId::NodeMonitorPeriod);
        }
        let run = match current {
            ConditionStatus::True => Some(EditRun::clear(&piece.node)),
            ConditionStatus::False => self.queue_or_swap(piece, NOT_READY, UNREACHABLE, why.cause, cx),
            ConditionStatus::Unknown => self.queue_or_swap(piece, UNREACHABLE, NOT_READY, why.cause, cx),
        };
        match run {
            Some(run) => {
                piece.act = Act::Taint(run);
                self.step_piece(piece, why, Input::Go, cx)
            }
            None => self.tell_pods(piece, why, cx),
        }
    }

    /// A node with the opposite NoExecute taint has its taints swapped at once; another one is queued
    /// (`markNodeForTainting`). As long as it lacks the taint it goes to the end of the queue in every pass.
    fn queue_or_swap(
        &mut self,
        piece: &Piece,
        wanted: &str,
        opposite: &str,
        cause: FactId,
        cx: &Context<'_>,
    ) -> Option<EditRun> {
        if has_no_execute(&piece.node, opposite) {
            return Some(EditRun::swap_no_execute(&piece.node, wanted, opposite, cx.timestamp()));
        }
        let known = &self.known[piece.index];
        if let Some(queue) = self.zones.queue(&known.zone) {
            let mut wait = Wait { since: cx.now, cause };
            if !has_no_execute(&piece.node, wanted) {
                wait = queue.remove(&known.name).unwrap_or(wait);
            }
            queue.add(&known.name, wait, cx.now);
        }
        None
    }

    /// The pods of a node that this pass found silent are not ready; also those of one that failed in an earlier pass.
    fn tell_pods(&mut self, piece: &mut Piece, why: &mut Why, cx: &mut Context<'_>) -> Turn {
        let name = piece.node.meta.name();
        let is_lost = piece.current != Some(ConditionStatus::True) && piece.observed == ConditionStatus::True;
        let is_retry = piece.observed != ConditionStatus::True && self.nodes_to_retry.contains(name);
        if is_lost {
            let note = format!("Node {name} status is now: NodeNotReady");
            cx.event(EventAbout::normal(&*piece.node, REPORTER), "NodeNotReady", note);
        } else if !is_retry {
            self.note_retry(piece, false);
            return Turn::Done(true);
        }
        piece.act = Act::Tell(PodRun::new(cx.caches.table(Kind::Pod).on_node::<Pod>(name)));
        self.step_piece(piece, why, Input::Go, cx)
    }

    fn note_retry(&mut self, piece: &Piece, has_failed: bool) {
        if has_failed {
            self.nodes_to_retry.insert(piece.node.meta.name().clone());
        } else if !self.nodes_to_retry.is_empty() {
            self.nodes_to_retry.remove(piece.node.meta.name());
        }
    }

    /// All nodes are done: judges the zones (`handleDisruption`).
    fn handle_disruption(&mut self, cx: &mut Context<'_>) {
        let pass = self.pass.as_mut().expect("a pass goes on");
        let counts = std::mem::take(&mut pass.counts);
        match self.zones.judge(&counts, cx.settings) {
            Verdict::StillAllDown => {}
            Verdict::AllDown => {
                // As they were known when the pass began: a taint added since stays.
                let nodes = std::mem::take(&mut pass.nodes);
                return self.clear(nodes, Stage::Stopping, cx);
            }
            Verdict::NoLongerAllDown => {
                let records = self.known.iter_mut().filter_map(|known| known.record.as_mut());
                records.for_each(|record| record.probe = cx.now);
                self.zones.settle(&counts, true, cx.settings, cx.now);
            }
            Verdict::EachByItself => self.zones.settle(&counts, false, cx.settings, cx.now),
        }
        self.end_pass(cx);
    }

    fn end_pass(&mut self, cx: &mut Context<'_>) {
        let pass = self.pass.take().expect("a pass goes on");
        let period = cx.settings.span(SettingId::NodeMonitorPeriod);
        let rest = pass.ends.saturating_since(cx.now);
        let cause = std::mem::replace(&mut cx.cause, FactId::NONE);
        cx.wake_owned(rest + period, Timer::new(MONITOR), SettingId::NodeMonitorPeriod);
        cx.cause = cause;
    }
}

fn removed(name: &Name, cx: &mut Context<'_>) {
    let mut node = Node::default();
    node.meta.key = Key::cluster(name.clone());
    node_event(&node, "RemovingNode", format!("Removing Node {name} from Controller"), cx);
}

fn node_event(node: &Node, reason: &str, note: String, cx: &mut Context<'_>) {
    let note = format!("Node {} event: {note}", node.meta.name());
    cx.event(EventAbout::normal(node, REPORTER), reason, note);
}
