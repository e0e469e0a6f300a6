//! The milestones of an outage: happened, noticed, tainted, evicted, replaced, placed, started, ready, routed, converged.
//!
//! One row per outage and workload that lost pods to it, one [`Place`] in it per lost pod. A milestone is reached when it
//! has been passed in all places: by the pod that was lost, or by the one that took its place.

use super::routes::Routes;
use super::workloads::{WorkloadId, Workloads};
use crate::etcd::change::Change;
use crate::kernel::time::{Span, Time};
use crate::object::pod::conditions;
use crate::object::{ConditionStatus, EndpointSlice, Fact, Key, Kind, Name, Node, Pod, Revision, condition};
use std::collections::{BTreeMap, BTreeSet};

/// Names of the milestones after the first, in the order in which they are usually reached.
pub const MILESTONES: [&str; 9] =
    ["noticed", "tainted", "evicted", "replaced", "placed", "started", "ready", "routed", "converged"];

/// One lost pod, and the pod that took its place: when either first passed each milestone.
#[derive(Clone, Debug)]
pub struct Place {
    /// The pod that was there when it happened.
    pub lost: Key,
    /// The pod that took its place.
    pub replacement: Option<Key>,
    /// The node that the replacement was bound to.
    pub placed_on: Option<Name>,
    evicted: Option<Time>,
    replaced: Option<Time>,
    placed: Option<Time>,
    started: Option<Time>,
    ready: Option<Time>,
    routed: Option<Time>,
    /// Whether the pod that made it ready left before any node could be known to route to it.
    left_early: bool,
    /// While it is ready but not known to be routed to: its Service, and the slice version that names it.
    awaits_route: bool,
    names_it: Option<(Key, Revision)>,
}

impl Place {
    const fn new(lost: Key) -> Place {
        Place {
            lost,
            replacement: None,
            placed_on: None,
            evicted: None,
            replaced: None,
            placed: None,
            started: None,
            ready: None,
            routed: None,
            left_early: false,
            awaits_route: false,
            names_it: None,
        }
    }

    /// Whether its pod has gone and nobody has come.
    const fn is_vacant(&self) -> bool {
        self.evicted.is_some() && self.replacement.is_none()
    }
}

/// What one outage did to one workload.
#[derive(Clone, Debug)]
pub struct Row {
    /// The workload.
    pub workload: WorkloadId,
    /// The pods that it lost; never none.
    pub places: Vec<Place>,
}

impl Row {
    /// Whether a pod was lost, or took the place of one that was.
    pub fn concerns(&self, pod: &Key) -> bool {
        self.places.iter().any(|place| place.lost == *pod || place.replacement.as_ref() == Some(pod))
    }

    /// Pods that took the place of lost ones.
    pub fn replacements(&self) -> impl Iterator<Item = &Key> {
        self.places.iter().filter_map(|place| place.replacement.as_ref())
    }

    /// Nodes that the replacements were bound to.
    pub fn placed_on(&self) -> impl Iterator<Item = &Name> {
        self.places.iter().filter_map(|place| place.placed_on.as_ref())
    }

    /// When all its places were known to be routed to; those do not count whose pod left before that.
    fn routed(&self) -> Option<Time> {
        let stayed = self.places.iter().filter(|place| !place.left_early);
        stayed.map(|place| place.routed).collect::<Option<Vec<Time>>>()?.into_iter().max()
    }

    /// When the API called a pod ready in each of its places, if it did in all.
    pub fn ready(&self) -> Option<Time> {
        self.complete(|place| place.ready)
    }

    /// When the last of its places passed a milestone, if all have.
    fn complete(&self, moment: fn(&Place) -> Option<Time>) -> Option<Time> {
        self.places.iter().map(moment).collect::<Option<Vec<Time>>>()?.into_iter().max()
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
        // What it cost later, as pods of a node that is gone, it had not cost yet.
        let evicted = row.places.iter().filter_map(|place| place.evicted).max();
        let since = row.ready().or_else(|| self.noticed()).max(evicted).unwrap_or(self.at);
        let workload = workloads.get(&row.workload);
        [
            self.noticed(),
            self.tainted(),
            row.complete(|place| place.evicted),
            row.complete(|place| place.replaced),
            row.complete(|place| place.placed),
            row.complete(|place| place.started),
            row.ready(),
            row.routed(),
            workload.and_then(|workload| workload.converged.first_stay(1, since, hold, end)),
        ]
    }
}

/// What the API says of a node.
#[derive(Clone, Copy, Debug, Default)]
struct NodeState {
    is_noticed: bool,
    is_tainted: bool,
}

/// Whether the taint eviction controller has given a pod up.
fn is_evicted_by_taint(pod: &Pod) -> bool {
    condition::find(&pod.status.conditions, conditions::DISRUPTION_TARGET)
        .is_some_and(|condition| condition.reason == conditions::BY_TAINT)
}

/// All outages, and what of the cluster they need to know.
#[derive(Clone, Debug, Default)]
pub struct Outages {
    /// In the order in which they happened.
    pub all: Vec<Outage>,
    nodes: BTreeMap<Name, NodeState>,
    /// Where each pod that matters stands: outage, row, place.
    places: BTreeMap<Key, Vec<(usize, usize, usize)>>,
    /// How many places await a route.
    unrouted: usize,
    /// Faults that last.
    lasting: BTreeSet<Name>,
}

impl Outages {
    /// An outage begins.
    pub fn begin(&mut self, at: Time, id: Name, nodes: &[Name], workloads: &Workloads) {
        let mut lost: BTreeMap<WorkloadId, Vec<Place>> = BTreeMap::new();
        for (key, record) in workloads.pods() {
            if let Some(workload) = &record.workload
                && nodes.contains(&record.node)
                && !record.is_terminating
            {
                lost.entry(workload.clone()).or_default().push(Place::new(key.clone()));
            }
        }
        let rows: Vec<Row> = lost.into_iter().map(|(workload, places)| Row { workload, places }).collect();
        for (row_index, row) in rows.iter().enumerate() {
            for (place_index, place) in row.places.iter().enumerate() {
                let here = (self.all.len(), row_index, place_index);
                self.places.entry(place.lost.clone()).or_default().push(here);
            }
        }
        // What holds already was noticed because of something before.
        let known = |holds: fn(&NodeState) -> bool| {
            let nodes = nodes.iter().filter(|node| self.nodes.get(*node).is_some_and(holds));
            nodes.map(|node| (node.clone(), at)).collect()
        };
        let (noticed, tainted) = (known(|node| node.is_noticed), known(|node| node.is_tainted));
        self.all.push(Outage { id, at, nodes: nodes.to_vec(), rows, noticed, tainted });
    }

    /// A fact, after which more may be known to all nodes if it `is_news` to `routes`.
    pub fn on_fact(&mut self, at: Time, fact: &Fact, is_news: bool, routes: &Routes) {
        match fact {
            Fact::ContainersStarted { pod, .. } => self.each_place(pod, |place| {
                place.started.get_or_insert(at);
            }),
            Fact::FaultBegan { fault, .. } => drop(self.lasting.insert(fault.clone())),
            Fact::FaultEnded { fault } => drop(self.lasting.remove(fault)),
            _ => {}
        }
        if is_news {
            self.judge_routes(at, routes);
        }
    }

    /// A commit.
    pub fn on_commit(&mut self, at: Time, change: &Change, workloads: &Workloads, routes: &Routes) {
        match change.kind() {
            Kind::Node => self.node_changed(at, change),
            Kind::Pod => self.pod_changed(at, change, workloads),
            Kind::EndpointSlice => self.slice_changed(at, change, routes),
            _ => {}
        }
    }

    fn each_place(&mut self, pod: &Key, mut act: impl FnMut(&mut Place)) {
        for &(outage, row, place) in self.places.get(pod).into_iter().flatten() {
            act(&mut self.all[outage].rows[row].places[place]);
        }
    }

    fn node_changed(&mut self, at: Time, change: &Change) {
        let name = change.key().name.clone();
        let Some(node) = change.after::<Node>() else {
            self.nodes.remove(&name);
            // Who removed it knows.
            for outage in self.all.iter_mut().filter(|outage| outage.nodes.contains(&name)) {
                outage.noticed.entry(name.clone()).or_insert(at);
            }
            return;
        };
        let is_tainted = node.evicting_taints().any(|taint| taint.key.starts_with("node.kubernetes.io/"));
        let is_noticed = node.ready() != Some(ConditionStatus::True);
        self.nodes.insert(name.clone(), NodeState { is_noticed, is_tainted });
        for outage in self.all.iter_mut().filter(|outage| outage.nodes.contains(&name)) {
            if is_noticed {
                outage.noticed.entry(name.clone()).or_insert(at);
            }
            // A taint that stays on while the node comes back belongs to what was noticed before.
            if is_tainted && outage.noticed.contains_key(&name) {
                outage.tainted.entry(name.clone()).or_insert(at);
            }
        }
    }

    fn pod_changed(&mut self, at: Time, change: &Change, workloads: &Workloads) {
        let key = change.key();
        let (old, new) = (change.before::<Pod>(), change.after::<Pod>());
        // A pod whose node is gone fails first and is deleted after that; its replacement does not wait for the deletion.
        let is_given_up = old.is_some_and(|old| old.is_active()) && new.is_none_or(|pod| !pod.is_active());
        if is_given_up {
            self.leaves_early(key);
        }
        let Some(pod) = new else {
            self.each_place(key, |place| {
                if place.lost == *key && place.ready.is_none() {
                    place.evicted.get_or_insert(at);
                }
            });
            return;
        };
        let Some(old) = old else {
            let workload = workloads.pod(key).and_then(|record| record.workload.as_ref());
            return self.pod_created(at, key, workload);
        };
        if is_given_up && is_evicted_by_taint(pod) {
            self.is_lost_again(key);
        }
        let (mut unrouted, became_ready) = (0, pod.is_ready() && !old.is_ready());
        self.each_place(key, |place| {
            // A pod that has been ready again since is lost to something else.
            if is_given_up && place.lost == *key && place.ready.is_none() {
                place.evicted.get_or_insert(at);
            }
            if pod.node_name != old.node_name && place.replacement.as_ref() == Some(key) {
                place.placed.get_or_insert(at);
                place.placed_on.get_or_insert_with(|| pod.node_name.clone());
            }
            if became_ready && place.ready.is_none() {
                place.ready = Some(at);
                place.awaits_route = true;
                unrouted += 1;
            }
        });
        self.unrouted += unrouted;
    }

    /// A pod that had become ready again goes because of a taint after all: while the fault lasts, that is its doing.
    fn is_lost_again(&mut self, pod: &Key) {
        for &(outage, row, place) in self.places.get(pod).into_iter().flatten() {
            let outage = &mut self.all[outage];
            let place = &mut outage.rows[row].places[place];
            if place.lost == *pod && place.ready.is_some() && self.lasting.contains(&outage.id) {
                *place = Place::new(pod.clone());
            }
        }
    }

    /// A pod goes: the places that it made ready and that await a route await none any more.
    fn leaves_early(&mut self, pod: &Key) {
        let mut left = 0;
        self.each_place(pod, |place| {
            let is_its = place.replacement.as_ref().unwrap_or(&place.lost) == pod;
            if place.awaits_route && is_its {
                (place.awaits_route, place.left_early) = (false, true);
                left += 1;
            }
        });
        self.unrouted -= left;
    }

    /// A new pod takes the oldest vacant place of its workload.
    fn pod_created(&mut self, at: Time, key: &Key, workload: Option<&WorkloadId>) {
        for (outage_index, outage) in self.all.iter_mut().enumerate() {
            for (row_index, row) in
                outage.rows.iter_mut().enumerate().filter(|(_, row)| Some(&row.workload) == workload)
            {
                if let Some(place_index) = row.places.iter().position(Place::is_vacant) {
                    let place = &mut row.places[place_index];
                    place.replacement = Some(key.clone());
                    place.replaced = Some(at);
                    self.places.entry(key.clone()).or_default().push((outage_index, row_index, place_index));
                    return;
                }
            }
        }
    }

    fn slice_changed(&mut self, at: Time, change: &Change, routes: &Routes) {
        let Some(slice) = change.after::<EndpointSlice>().filter(|_| self.unrouted > 0) else { return };
        let Some(service) = slice.service() else { return };
        let service = Key { namespace: slice.meta.namespace().clone(), name: service.clone() };
        for endpoint in slice.endpoints.iter().filter(|endpoint| endpoint.ready) {
            let pod = Key { namespace: service.namespace.clone(), name: endpoint.pod.clone() };
            self.each_place(&pod, |place| {
                if place.awaits_route && place.names_it.is_none() {
                    place.names_it = Some((service.clone(), change.revision));
                }
            });
        }
        self.judge_routes(at, routes);
    }

    /// Which ready pods are known to the rules of every node that is there.
    fn judge_routes(&mut self, at: Time, routes: &Routes) {
        if self.unrouted == 0 {
            return;
        }
        let mut known = routes.known();
        for place in self.all.iter_mut().flat_map(|outage| &mut outage.rows).flat_map(|row| &mut row.places) {
            let Some((service, revision)) = place.names_it.as_ref().filter(|_| place.awaits_route) else { continue };
            if known(service, *revision) {
                place.routed = Some(at);
                place.awaits_route = false;
                self.unrouted -= 1;
            }
        }
    }
}
