//! The milestones of an outage: happened, noticed, tainted, evicted, replaced, placed, started, ready, routed, converged.
//!
//! One row per outage and workload that lost pods to it. A milestone is reached when it holds for all the pods that were
//! lost: for each of them, or for the pod that took its place.

use super::workloads::{WorkloadId, Workloads};
use crate::etcd::change::Change;
use crate::kernel::time::{Span, Time};
use crate::object::taint::Effect;
use crate::object::{ConditionStatus, EndpointSlice, Fact, Key, Kind, Name, Node, Pod, Revision};
use std::collections::{BTreeMap, BTreeSet};

/// Names of the milestones after the first, in the order in which they are usually reached.
pub const MILESTONES: [&str; 9] =
    ["noticed", "tainted", "evicted", "replaced", "placed", "started", "ready", "routed", "converged"];

/// Moments at which the pods of one row passed one milestone, in order.
type Moments = Vec<Time>;

/// What one outage did to one workload.
#[derive(Clone, Debug)]
pub struct Row {
    /// The workload.
    pub workload: WorkloadId,
    /// Pods that were on the nodes when it happened.
    pub lost: Vec<Key>,
    /// Pods that took their place.
    pub replacements: Vec<Key>,
    /// Nodes on which the replacements were placed.
    pub placed_on: Vec<Name>,
    evicted: Moments,
    replaced: Moments,
    placed: Moments,
    started: Moments,
    ready: Moments,
    routed: Moments,
    /// Pods that are ready but not yet known to be routed to, with the slice version that names them.
    unrouted: BTreeMap<Key, Option<(Key, Revision)>>,
}

impl Row {
    fn concerns(&self, pod: &Key) -> bool {
        self.lost.contains(pod) || self.replacements.contains(pod)
    }

    /// The moment from which a milestone held for as many pods as were lost.
    fn complete(&self, moments: &Moments) -> Option<Time> {
        moments.get(self.lost.len() - 1).copied()
    }
}

/// One outage.
#[derive(Clone, Debug)]
pub struct Outage {
    /// Id of the fault.
    pub id: Name,
    /// When it happened.
    pub at: Time,
    /// Nodes that it hit.
    pub nodes: Vec<Name>,
    /// What it did, by workload.
    pub rows: Vec<Row>,
    noticed: BTreeMap<Name, Time>,
    tainted: BTreeMap<Name, Time>,
}

impl Outage {
    /// When the API knew of all its nodes that they were not ready.
    pub fn noticed(&self) -> Option<Time> {
        (self.noticed.len() == self.nodes.len()).then(|| self.noticed.values().copied().max()).flatten()
    }

    /// When all its nodes had the NoExecute taint.
    pub fn tainted(&self) -> Option<Time> {
        (self.tainted.len() == self.nodes.len()).then(|| self.tainted.values().copied().max()).flatten()
    }

    /// The moments of [`MILESTONES`] for one of its rows; those not reached are none.
    pub fn milestones(&self, row: &Row, workloads: &Workloads, hold: Span, end: Time) -> [Option<Time>; 9] {
        let since = self.noticed().unwrap_or(self.at);
        let workload = workloads.iter().find(|(id, _)| **id == row.workload).map(|(_, workload)| workload);
        [
            self.noticed(),
            self.tainted(),
            row.complete(&row.evicted),
            row.complete(&row.replaced),
            row.complete(&row.placed),
            row.complete(&row.started),
            row.complete(&row.ready),
            row.complete(&row.routed),
            workload.and_then(|workload| workload.converged.first_stay(1, since, hold, end)),
        ]
    }
}

/// All outages, and what of the cluster they need to know.
#[derive(Clone, Debug, Default)]
pub struct Outages {
    /// In the order in which they happened.
    pub all: Vec<Outage>,
    nodes: BTreeSet<Name>,
    /// Nodes whose rules do not matter: down or cut off.
    absent: BTreeSet<Name>,
    /// Newest slice version by which each node routes a Service.
    routed: BTreeMap<(Key, Name), Revision>,
}

impl Outages {
    /// An outage begins.
    pub fn begin(&mut self, at: Time, id: Name, nodes: &[Name], workloads: &Workloads) {
        let mut lost: BTreeMap<WorkloadId, Vec<Key>> = BTreeMap::new();
        for (key, record) in workloads.pods() {
            if let Some(workload) =
                record.workload.clone().filter(|_| nodes.contains(&record.node) && !record.is_terminating)
            {
                lost.entry(workload).or_default().push(key.clone());
            }
        }
        let rows = lost.into_iter().map(|(workload, lost)| Row {
            workload,
            lost,
            replacements: Vec::new(),
            placed_on: Vec::new(),
            evicted: Vec::new(),
            replaced: Vec::new(),
            placed: Vec::new(),
            started: Vec::new(),
            ready: Vec::new(),
            routed: Vec::new(),
            unrouted: BTreeMap::new(),
        });
        self.all.push(Outage {
            id,
            at,
            nodes: nodes.to_vec(),
            rows: rows.collect(),
            noticed: BTreeMap::new(),
            tainted: BTreeMap::new(),
        });
    }

    /// A fact.
    pub fn on_fact(&mut self, at: Time, fact: &Fact, _workloads: &Workloads) {
        match fact {
            Fact::ContainersStarted { pod, .. } => {
                for row in self.all.iter_mut().flat_map(|outage| &mut outage.rows).filter(|row| row.concerns(pod)) {
                    row.started.push(at);
                }
            }
            Fact::Routed { service, node, revision, .. } => {
                self.routed.insert((service.clone(), node.clone()), *revision);
                self.judge_routes(at);
            }
            Fact::MachineDown(node) | Fact::LinkCut(node) => {
                self.absent.insert(node.clone());
                self.judge_routes(at);
            }
            Fact::MachineUp(node) | Fact::LinkHealed(node) => {
                self.absent.remove(node);
            }
            _ => {}
        }
    }

    /// A commit.
    pub fn on_commit(&mut self, at: Time, change: &Change, workloads: &Workloads) {
        match change.kind() {
            Kind::Node => self.node_changed(at, change),
            Kind::Pod => self.pod_changed(at, change, workloads),
            Kind::EndpointSlice => self.slice_changed(at, change),
            _ => {}
        }
    }

    fn node_changed(&mut self, at: Time, change: &Change) {
        let name = change.key().name.clone();
        let Some(node) = change.after::<Node>() else {
            self.nodes.remove(&name);
            return;
        };
        self.nodes.insert(name.clone());
        let is_tainted = node
            .taints
            .iter()
            .any(|taint| taint.effect == Effect::NoExecute && taint.key.starts_with("node.kubernetes.io/"));
        for outage in self.all.iter_mut().filter(|outage| outage.nodes.contains(&name)) {
            if node.ready() != Some(ConditionStatus::True) {
                outage.noticed.entry(name.clone()).or_insert(at);
            }
            if is_tainted {
                outage.tainted.entry(name.clone()).or_insert(at);
            }
        }
    }

    fn pod_changed(&mut self, at: Time, change: &Change, workloads: &Workloads) {
        let key = change.key();
        let Some(pod) = change.after::<Pod>() else { return };
        let old = change.before::<Pod>();
        let record = workloads.pod(key);
        for outage in &mut self.all {
            for row in &mut outage.rows {
                if old.is_none()
                    && record.and_then(|record| record.workload.as_ref()) == Some(&row.workload)
                    && row.replacements.len() < row.lost.len()
                {
                    row.replacements.push(key.clone());
                    row.replaced.push(at);
                }
                if !row.concerns(key) {
                    continue;
                }
                let Some(old) = old else { continue };
                if pod.meta.is_terminating() && !old.meta.is_terminating() && row.lost.contains(key) {
                    row.evicted.push(at);
                }
                if pod.node_name != old.node_name && row.replacements.contains(key) {
                    row.placed.push(at);
                    row.placed_on.push(pod.node_name.clone());
                }
                if pod.is_ready() && !old.is_ready() {
                    row.ready.push(at);
                    row.unrouted.insert(key.clone(), None);
                }
            }
        }
    }

    fn slice_changed(&mut self, at: Time, change: &Change) {
        let Some(slice) = change.after::<EndpointSlice>() else { return };
        let Some(service) = slice.service() else { return };
        let service = Key { namespace: slice.meta.namespace().clone(), name: service.clone() };
        let ready: BTreeSet<&Name> =
            slice.endpoints.iter().filter(|endpoint| endpoint.ready).map(|endpoint| &endpoint.pod).collect();
        for row in self.all.iter_mut().flat_map(|outage| &mut outage.rows) {
            for (pod, version) in row.unrouted.iter_mut().filter(|(_, version)| version.is_none()) {
                if pod.namespace == service.namespace && ready.contains(&pod.name) {
                    *version = Some((service.clone(), change.revision));
                }
            }
        }
        self.judge_routes(at);
    }

    /// Which ready pods are known to the rules of every node that is there.
    fn judge_routes(&mut self, at: Time) {
        let present: Vec<&Name> = self.nodes.difference(&self.absent).collect();
        for row in self.all.iter_mut().flat_map(|outage| &mut outage.rows) {
            row.unrouted.retain(|_, version| {
                let Some((service, revision)) = version else { return true };
                let routes = |node: &&&Name| {
                    self.routed.get(&(service.clone(), (**node).clone())).is_some_and(|known| known >= revision)
                };
                let everywhere = present.iter().filter(routes).count() == present.len();
                if everywhere {
                    row.routed.push(at);
                }
                !everywhere
            });
        }
    }
}
