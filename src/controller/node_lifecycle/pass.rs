//! The monitor pass: looks at every node, writes down those that have fallen silent, then judges the zones.
//!
//! Source: `pkg/controller/nodelifecycle/node_lifecycle_controller.go` (`monitorNodeHealth`,
//! `processTaintBaseEviction`, `handleDisruption`), v1.36. A pass takes as long as its writes, and at least the
//! modelled time of a look at all nodes; only because that is not nothing is a node found silent in the tenth pass
//! after its last sign of life, and not in the eleventh. A pass that finds nothing to write leaves one timer behind.

use super::health::{self, Look, Moment, Record};
use super::queue::Wait;
use super::steps::{EditRun, Input, PodRun, Turn, has_no_execute};
use super::zones::{self, Counts, Verdict};
use super::{Job, MONITOR, NodeLifecycle, REPORTER, Work};
use crate::apiserver::{Part, Reply, Request};
use crate::kernel::rng::Purpose;
use crate::kernel::time::Time;
use crate::object::fact::Why;
use crate::object::node::conditions::READY;
use crate::object::taint::{NOT_READY, UNREACHABLE};
use crate::object::{
    Condition, ConditionStatus, DelayId, FactId, Key, Kind, Lease, Name, Node, Pod, Revision, SettingId, Strategy,
    condition,
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
    /// Whether it does not count for its zone.
    is_excluded: bool,
    version: Revision,
    /// What is remembered of its health.
    pub record: Option<Record>,
}

impl Known {
    fn new(node: &Node) -> Known {
        let name = node.meta.name().clone();
        let lease = Key::new(LEASE_NAMESPACE, name.clone());
        Known { name, lease, zone: Name::none(), is_excluded: false, version: Revision::default(), record: None }
    }

    /// Takes over what the labels of a new version say. Whether it is new.
    fn follow(&mut self, node: &Node) -> bool {
        let is_new = self.version != node.meta.resource_version;
        if is_new {
            self.version = node.meta.resource_version;
            self.zone = node.zone_key();
            self.is_excluded = node.meta.labels.get(EXCLUDE_LABEL).is_some();
        }
        is_new
    }
}

/// A pass that goes on.
#[derive(Clone, Debug)]
pub struct Pass {
    /// It does not end earlier.
    ends: Time,
    /// The nodes as they were known when it began, in the order of [`NodeLifecycle::known`].
    nodes: Vec<Arc<Node>>,
    /// In which order they are looked at; empty if it makes no difference.
    order: Vec<usize>,
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
    /// Does what follows from this look, or else takes one.
    Look(Option<Look>),
    /// Writes its conditions, of which this is Ready.
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
        let order = if self.is_quiet(&nodes, cx) { Vec::new() } else { self.shuffled(nodes.len(), cx) };
        self.pass = Some(Pass { ends, nodes, order, next: 0, running: 0, counts: Counts::new(), stage });
        self.passes += 1;
        if !added.is_empty() {
            self.clear(added, stage, cx);
        }
    }

    /// Whether a pass would find nothing to do, even if no sign of life had come since the last one.
    fn is_quiet(&self, nodes: &[Arc<Node>], cx: &Context<'_>) -> bool {
        let grace = cx.span(SettingId::NodeMonitorGracePeriod);
        nodes.iter().zip(&self.known).all(|(node, known)| {
            let is_late = known.record.as_ref().is_some_and(|record| cx.now > record.probe + grace);
            !is_late && node.ready() == Some(ConditionStatus::True) && !is_tainted(node)
        })
    }

    /// An order of nodes, as random as that of upstream's map.
    fn shuffled(&self, nodes: usize, cx: &Context<'_>) -> Vec<usize> {
        let mut order: Vec<usize> = (0..nodes).collect();
        for last in (1..nodes).rev() {
            let counter = self.passes << 32 | last as u64;
            order.swap(last, cx.draws.below(Purpose::Tie, "node-monitor", counter, last as u64 + 1) as usize);
        }
        order
    }

    /// Gets to know new nodes, which it returns, and forgets those that are gone.
    fn classify(&mut self, nodes: &[Arc<Node>], cx: &mut Context<'_>) -> Vec<Arc<Node>> {
        let mut added = Vec::new();
        if !nodes.iter().map(|node| node.meta.name()).eq(self.known.iter().map(|known| &known.name)) {
            let mut before = std::mem::take(&mut self.known).into_iter().peekable();
            for node in nodes {
                while let Some(gone) = before.next_if(|known| known.name < *node.meta.name()) {
                    removed(&gone.name, cx);
                }
                let here = before.next_if(|known| known.name == *node.meta.name());
                self.known.push(here.unwrap_or_else(|| {
                    added.push(node.clone());
                    Known::new(node)
                }));
            }
            before.for_each(|gone| removed(&gone.name, cx));
        }
        // Those of a controller that has been running for long were greeted before the scenario.
        if !(self.is_settled && self.passes == 0) {
            added.iter().for_each(|node| registered(node, cx));
        }
        let is_zone_unknown = self.zones.is_any_unknown();
        for (node, known) in nodes.iter().zip(&mut self.known) {
            if known.follow(node) || is_zone_unknown {
                self.zones.ensure(&known.zone, cx.settings);
            }
        }
        added
    }

    fn clear(&mut self, nodes: impl IntoIterator<Item = Arc<Node>>, stage: Stage, cx: &mut Context<'_>) {
        self.pass.as_mut().expect("a pass goes on").stage = stage;
        let clear = Clear { nodes: nodes.into_iter().collect(), run: None, stage };
        let why = if stage == Stage::Stopping { Why::because(self.last_judged()) } else { Why::NOTHING };
        self.drive(Job { work: Work::Clear(clear), why }, Input::Go, cx);
    }

    pub(super) fn step_clear(&mut self, clear: &mut Clear, mut input: Input<'_>, cx: &mut Context<'_>) -> Turn {
        loop {
            let Some(node) = clear.nodes.front() else { return Turn::Done(true) };
            let run = clear.run.get_or_insert_with(|| EditRun::clear(node));
            match run.step(input, cx) {
                Turn::Done(is_well) => {
                    if is_well {
                        let index = self.known_index(node.meta.name()).expect("the nodes of a pass are known");
                        self.leave_queue(index);
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
                zones::tell(self.zones.stop(cx.settings, cx.now), cx);
                self.end_pass(cx);
            }
            _ => self.pass.as_mut().expect("a pass goes on").stage = Stage::Looking,
        }
    }

    fn leave_queue(&mut self, index: usize) {
        let known = &self.known[index];
        if let Some(queue) = self.zones.queue(&known.zone) {
            queue.remove(&known.name);
        }
    }

    /// Counts a node for its zone.
    fn count(&mut self, index: usize, current: Option<ConditionStatus>) {
        let known = &self.known[index];
        if known.is_excluded {
            return;
        }
        let counts = &mut self.pass.as_mut().expect("a pass goes on").counts;
        let count = match counts.get_mut(&known.zone) {
            Some(count) => count,
            None => counts.entry(known.zone.clone()).or_default(),
        };
        let is_ready = current == Some(ConditionStatus::True);
        *(if is_ready { &mut count.ready } else { &mut count.not_ready }) += 1;
    }

    /// Looks at nodes while there are free hands; once all are done, judges the zones.
    pub(super) fn pump_pass(&mut self, cx: &mut Context<'_>) {
        if self.pass.as_ref().is_none_or(|pass| pass.stage != Stage::Looking) {
            return;
        }
        let (hands, caches) = (cx.settings.count(SettingId::NodeUpdateWorkers), cx.caches);
        let (namespace, mut leases) = (Name::from(LEASE_NAMESPACE), None);
        while let Some(pass) = self.pass.as_mut().filter(|pass| pass.stage == Stage::Looking && pass.running < hands) {
            let is_ordered = pass.order.is_empty();
            let index = if is_ordered { pass.next } else { pass.order.get(pass.next).copied().unwrap_or(usize::MAX) };
            let Some(node) = pass.nodes.get(index).cloned() else { break };
            pass.next += 1;
            let known = &mut self.known[index];
            let lease = if is_ordered {
                // Nodes and leases come in the same order: one walk over both costs less than a search for each.
                let leases = leases.get_or_insert_with(|| {
                    let table = caches.table(Kind::Lease);
                    table.in_namespace_from::<Lease>(&namespace, known.name.clone()).peekable()
                });
                while leases.next_if(|lease| *lease.meta.name() < known.name).is_some() {}
                leases.next_if(|lease| *lease.meta.name() == known.name)
            } else {
                caches.get::<Lease>(&known.lease)
            };
            let moment = Moment { now: cx.now, clock: cx.clock, settings: cx.settings };
            let look = health::look(&node, lease.map(|lease| &**lease), &mut known.record, &moment);
            let is_well = look.current == Some(ConditionStatus::True);
            if is_well && !is_tainted(&node) {
                self.count(index, look.current);
                self.leave_queue(index);
                self.note_retry(&node, false);
                continue;
            }
            self.pass.as_mut().expect("it goes on").running += 1;
            let (observed, act) = (ConditionStatus::Unknown, Act::Look(Some(look)));
            let piece = Piece { index, node, observed, current: None, attempts: 0, act };
            self.drive(Job { work: Work::Piece(Box::new(piece)), why: Why::NOTHING }, Input::Go, cx);
        }
        let is_over = |pass: &Pass| pass.stage == Stage::Looking && pass.running == 0 && pass.next == pass.nodes.len();
        if self.pass.as_ref().is_some_and(is_over) {
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
            (Act::Look(look), Input::Go) => match look.take() {
                Some(look) => self.follow_up(piece, look, why, cx),
                None => self.look(piece, why, cx),
            },
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
            (Act::Look(_), Input::Reply(..)) | (Act::Write(_) | Act::Read, Input::Go) => {
                panic!("a look has no reply, and what is written or read goes on with one")
            }
            (Act::Taint(run), input) => match run.step(input, cx) {
                Turn::Done(is_well) => {
                    if is_well && piece.current == Some(ConditionStatus::True) {
                        self.leave_queue(piece.index);
                    }
                    self.tell_pods(piece, why, cx)
                }
                turn => turn,
            },
            (Act::Tell(run), input) => match run.step(input, cx) {
                Turn::Done(is_well) => {
                    self.note_retry(&piece.node, !is_well);
                    Turn::Done(is_well)
                }
                turn => turn,
            },
        }
    }

    /// Looks at a node.
    fn look(&mut self, piece: &mut Piece, why: &mut Why, cx: &mut Context<'_>) -> Turn {
        let known = &mut self.known[piece.index];
        let lease = cx.caches.get::<Lease>(&known.lease);
        let moment = Moment { now: cx.now, clock: cx.clock, settings: cx.settings };
        let look = health::look(&piece.node, lease.map(|lease| &**lease), &mut known.record, &moment);
        self.follow_up(piece, look, why, cx)
    }

    /// Writes down that a node has fallen silent, or goes on with it as it is.
    fn follow_up(&mut self, piece: &mut Piece, look: Look, why: &mut Why, cx: &mut Context<'_>) -> Turn {
        (piece.observed, piece.current) = (look.observed, look.current);
        let Some(conditions) = look.write else { return self.judge(piece, why, cx) };
        piece.act = Act::Write(condition::find(&conditions, READY).cloned());
        piece.node = Arc::new(Node { conditions, ..(*piece.node).clone() });
        let sign = self.causes.get(piece.node.meta.name()).map_or(FactId::NONE, |causes| causes.sign);
        *why = Why::after(sign, look.grace);
        Turn::Send(Request::Update { object: piece.node.clone().into_object(), part: Part::Status })
    }

    /// Looks once more after a pause, at the node as it has been read again.
    fn look_again(&mut self, piece: &mut Piece, reply: &Reply, cx: &Context<'_>) -> Turn {
        piece.attempts += 1;
        let Some(node) = reply.object::<Node>() else { return Turn::Done(false) };
        if piece.attempts >= cx.settings.count(SettingId::NodeHealthUpdateRetry) {
            return Turn::Done(false);
        }
        piece.node = node.clone();
        piece.act = Act::Look(None);
        Turn::Pause(cx.settings.span(SettingId::NodeHealthUpdatePause), SettingId::NodeHealthUpdatePause)
    }

    /// Counts a node for its zone, and sees to its NoExecute taints (`processTaintBaseEviction`).
    fn judge(&mut self, piece: &mut Piece, why: &mut Why, cx: &mut Context<'_>) -> Turn {
        self.count(piece.index, piece.current);
        let Some(current) = piece.current else {
            self.note_retry(&piece.node, false);
            return Turn::Done(true);
        };
        if cx.cause == FactId::NONE {
            // Nothing was written in this pass: what there is to do follows from the last change of the node.
            let cause = self.causes.get(piece.node.meta.name()).map_or(FactId::NONE, |causes| causes.ready);
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
            self.note_retry(&piece.node, false);
            return Turn::Done(true);
        }
        piece.act = Act::Tell(PodRun::new(cx.caches.table(Kind::Pod).on_node::<Pod>(name)));
        self.step_piece(piece, why, Input::Go, cx)
    }

    fn note_retry(&mut self, node: &Node, has_failed: bool) {
        if has_failed {
            self.nodes_to_retry.insert(node.meta.name().clone());
        } else {
            self.nodes_to_retry.remove(node.meta.name());
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
                let nodes: Vec<Arc<Node>> = pass.order.iter().map(|&index| pass.nodes[index].clone()).collect();
                return self.clear(nodes, Stage::Stopping, cx);
            }
            Verdict::NoLongerAllDown => {
                let records = self.known.iter_mut().filter_map(|known| known.record.as_mut());
                records.for_each(|record| record.probe = cx.now);
                zones::tell(self.zones.settle(&counts, true, cx.settings, cx.now), cx);
            }
            Verdict::EachByItself => zones::tell(self.zones.settle(&counts, false, cx.settings, cx.now), cx),
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

fn is_tainted(node: &Node) -> bool {
    [NOT_READY, UNREACHABLE].iter().any(|key| has_no_execute(node, key))
}

fn registered(node: &Node, cx: &mut Context<'_>) {
    let note = format!("Registered Node {} in Controller", node.meta.name());
    node_event(node, "RegisteredNode", note, cx);
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
