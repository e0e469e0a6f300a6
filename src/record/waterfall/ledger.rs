//! The ledger: vacancies that are open, who holds them, and what their time has gone to so far.

use super::account::Account;
use super::stage::{Candidate, NodeState};
use super::{Cause, Held, Loss, Origin, Owner};
use crate::etcd::change::Change;
use crate::kernel::time::Time;
use crate::object::{
    EndpointSlice, Fact, FactId, Key, Kind, Labels, Name, Node, Pod, Revision, Service, SettingId, Settings,
};
use crate::record::routes::Routes;
use crate::record::workloads::{WorkloadId, Workloads};
use std::collections::{BTreeMap, BTreeSet};

/// The fault that keeps images away.
const REGISTRY_GONE: &str = "image-registry.gone";
/// The fault that has them come late.
const REGISTRY_SLOW: &str = "image-registry.slow";

/// What happens now, and what led to it.
#[derive(Clone, Copy, Debug)]
pub struct Trigger {
    /// When.
    pub at: Time,
    /// The setting that owned the wait before it.
    pub owner: Option<SettingId>,
    /// When that happened which led to it.
    pub caused: Option<Time>,
    /// The event that all this goes back to.
    pub root: FactId,
    /// When somebody acted, if that is the event.
    pub acted: Option<Time>,
    /// The wait of its request for a token.
    pub held: Option<Held>,
}

/// One replica that is missing.
#[derive(Clone, Debug)]
pub(super) struct Vacancy {
    pub(super) workload: WorkloadId,
    pub(super) origin: Origin,
    pub(super) opened: Time,
    /// The pod that fills it, or would.
    pub(super) holder: Option<Key>,
    pub(super) cause: Cause,
    /// Since when it has had this cause.
    pub(super) since: Time,
    pub(super) held: Vec<Held>,
    /// While its holder is ready and not known everywhere: the version of a Service's slice that names it.
    pub(super) named: Option<(Key, Revision)>,
}

/// The vacancies of one workload, by their numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    pub(super) open: BTreeSet<u32>,
    pub(super) unheld: BTreeSet<u32>,
    /// Those whose holders serve, but not every node knows.
    pub(super) awaiting: BTreeSet<u32>,
    /// Candidates without a vacancy, oldest first.
    pub(super) free: BTreeSet<(u64, Key)>,
    /// Replicas that the API says are missing, each with the pod that was not ready any more.
    pub(super) claims: BTreeMap<u32, (Option<Key>, Origin)>,
}

/// What is known, and what was added up.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub(super) books: BTreeMap<WorkloadId, Book>,
    pub(super) vacancies: BTreeMap<u32, Vacancy>,
    /// Pods that are meant to serve and do not, with their places in the order of coming.
    pub(super) candidates: BTreeMap<Key, (u64, Candidate)>,
    /// Vacancies whose holders serve, by their pods.
    pub(super) awaiting: BTreeMap<Key, u32>,
    pub(super) nodes: BTreeMap<Name, NodeState>,
    /// A node of which nothing is known.
    unknown: NodeState,
    /// Vacancies by the nodes of their holders.
    pub(super) by_node: BTreeMap<Name, BTreeSet<u32>>,
    pub(super) services: BTreeMap<Key, Labels>,
    /// Zones where no node gets its taint, with who has it so: a setting, or the event since which no zone has a node left.
    pub(super) stopped_zones: BTreeMap<Name, Owner>,
    /// Since when the node lifecycle controller has had to wait for each of its writes in a row.
    pub(super) line: Option<Time>,
    /// The last fault that made the registry slow.
    pub(super) slow_registry: Option<FactId>,
    /// What the settings are.
    pub(super) settings: Settings,
    /// Faults that keep images away, each with its beginning.
    pub(super) registry: BTreeMap<Name, FactId>,
    pub(super) accounts: BTreeMap<(Origin, WorkloadId), Account>,
    pub(super) numbers: u32,
    pub(super) arrivals: u64,
}

impl Ledger {
    /// Of a cluster with these settings.
    pub fn new(settings: Settings) -> Ledger {
        Ledger { settings, ..Ledger::default() }
    }

    /// A commit. `workload` is that of the pod, or the workload itself.
    pub fn on_commit(
        &mut self,
        change: &Change,
        workload: Option<WorkloadId>,
        trigger: &Trigger,
        workloads: &Workloads,
        routes: &Routes,
    ) {
        match change.kind() {
            Kind::Node => self.node_changed(change, trigger),
            Kind::Service => match change.after::<Service>().filter(|service| !service.headless) {
                Some(service) => drop(self.services.insert(change.key().clone(), service.selector.clone())),
                None => drop(self.services.remove(change.key())),
            },
            Kind::EndpointSlice => self.slice_changed(change, trigger, routes),
            Kind::Pod => {
                let Some(workload) = &workload else { return };
                self.pod_changed(change.key(), change.after::<Pod>(), workload, trigger, workloads);
            }
            _ => {}
        }
        if let Some(workload) = &workload {
            let pod = (change.kind() == Kind::Pod).then(|| change.key());
            self.balance(workload, pod, trigger, workloads);
        }
    }

    /// A fact that is no commit.
    pub fn on_fact(&mut self, fact: &Fact, trigger: &Trigger, workloads: &Workloads, routes: &Routes, is_news: bool) {
        if let Some(node) = fact.node() {
            let state = self.nodes.entry(node.clone()).or_default();
            if state.on_fact(fact) {
                self.review(node, trigger);
            }
        }
        if let Fact::EvictionRate { zone, milli, .. } = fact {
            self.rate_changes(zone, trigger);
            if *milli == 0 {
                let owner = trigger.owner.map_or(Owner::Event(trigger.root), Owner::Setting);
                self.stopped_zones.insert(zone.clone(), owner);
            } else {
                self.stopped_zones.remove(zone);
            }
        }
        match fact {
            Fact::FaultBegan { fault, what } if what.as_str() == REGISTRY_GONE => {
                self.registry.insert(fault.clone(), trigger.root);
            }
            Fact::FaultBegan { what, .. } if what.starts_with(REGISTRY_SLOW) => self.slow_registry = Some(trigger.root),
            Fact::FaultEnded { fault } => self.registry_back(fault, trigger),
            Fact::Unschedulable { pod, .. } => self.progress(pod, trigger, |candidate| candidate.is_rejected = true),
            Fact::Scheduled { pod, .. } => self.progress(pod, trigger, |candidate| candidate.is_rejected = false),
            Fact::ContainersStarted { pod, node, failed, pulled, slowed } => {
                self.started(pod, node, [*failed, *pulled, *slowed], trigger);
            }
            Fact::ContainersReady { pod, node } | Fact::ContainersStopped { pod, node } => {
                let Some(record) = workloads.pod(pod).filter(|record| record.node == *node) else { return };
                let Some(workload) = record.workload.clone() else { return };
                if record.is_serving {
                    self.serves(pod, &workload, trigger);
                } else {
                    self.stopped(pod, &workload, trigger, workloads);
                }
                self.balance(&workload, Some(pod), trigger, workloads);
            }
            _ => {}
        }
        if is_news {
            self.judge_routes(trigger, routes);
        }
    }

    /// A request about this object waits for a token of its client, or for its turn. What a kubelet says of a pod is waited
    /// for once its containers are ready, by the nodes that are to hear of it; until then they get on whatever is said.
    pub fn on_held(&mut self, kind: Kind, key: &Key, workload: Option<&WorkloadId>, held: Held) {
        let holders: Vec<u32> = match (kind, workload) {
            // Nobody has a name yet: whoever is not created yet waits for this one too.
            (Kind::Pod | Kind::ReplicaSet, Some(workload)) => {
                self.books.get(workload).into_iter().flat_map(|book| book.unheld.iter().copied()).collect()
            }
            (Kind::Pod, None) => {
                let candidate = self.candidates.get(key).filter(|_| !held.is_of_kubelet);
                let vacancy = candidate.and_then(|(_, candidate)| candidate.vacancy);
                vacancy.or(self.awaiting.get(key).copied()).into_iter().collect()
            }
            (Kind::Node, _) if held.is_of_kubelet => Vec::new(),
            (Kind::Node, _) => self.by_node.get(&key.name).into_iter().flatten().copied().collect(),
            (Kind::EndpointSlice, _) => {
                let is_near = |pod: &Key| pod.namespace == key.namespace;
                self.awaiting.iter().filter(|(pod, _)| is_near(pod)).map(|(_, vacancy)| *vacancy).collect()
            }
            _ => Vec::new(),
        };
        for vacancy in holders {
            self.vacancies.get_mut(&vacancy).expect("an indexed vacancy is open").held.push(held);
        }
    }

    /// What each origin has cost each workload, with the run ending at `end`; `event` names an event, and `stuck` says since
    /// when a workload is known not to get on by itself.
    pub fn losses(
        &self,
        end: Time,
        event: impl Fn(FactId) -> Option<Name>,
        stuck: impl Fn(&WorkloadId) -> Option<Time>,
    ) -> Vec<Loss> {
        let mut accounts = self.accounts.clone();
        for vacancy in self.vacancies.values() {
            let account = accounts.get_mut(&(vacancy.origin, vacancy.workload.clone())).expect("it was opened there");
            let (cause, owner) = (self.last_cause(vacancy), self.usual_owner(vacancy));
            let moved = stuck(&vacancy.workload).unwrap_or(end).clamp(vacancy.since, end);
            let after = if cause == Cause::Stuck { owner.clone() } else { Owner::Nobody };
            account.give(vacancy.since, &[(moved, cause, owner), (end, Cause::Stuck, after)], &vacancy.held);
            if vacancy.opened < end {
                account.since = Some(account.since.map_or(vacancy.opened, |since| since.min(vacancy.opened)));
            } else {
                account.open -= 1;
            }
        }
        let losses = accounts.into_iter().filter_map(|((origin, workload), mut account)| {
            account.advance(end);
            let event = match origin {
                Origin::Event(fact) => event(fact),
                Origin::Start | Origin::Itself => None,
            };
            (account.since.is_some() || account.mistaken > 0).then(|| Loss {
                origin,
                event,
                workload,
                since: account.since.unwrap_or(end),
                vacancies: account.over + account.open,
                most: account.most,
                open: account.open,
                parts: account.parts,
                unrouted: account.unrouted,
                unaware: account.unaware,
                mistaken: account.mistaken,
            })
        });
        losses.collect()
    }

    /// What a vacancy is found to wait for when the run is over.
    fn last_cause(&self, vacancy: &Vacancy) -> Cause {
        let stays = |holder: &Candidate| holder.stays_for_ever(self.node(&holder.pod.node_name));
        let is_stuck = vacancy.cause == Cause::Tolerated && self.holder(vacancy).is_some_and(stays);
        if is_stuck { Cause::Stuck } else { vacancy.cause }
    }

    /// Who owns the wait of a vacancy if nothing that ends it says so.
    pub(super) fn usual_owner(&self, vacancy: &Vacancy) -> Owner {
        let Some(holder) = self.holder(vacancy) else { return Owner::Nobody };
        let node = self.node(&holder.pod.node_name);
        // Where nobody evicts at all, nothing else has to be waited for.
        let stopped = self.stopped_zones.get(&node.zone).filter(|_| vacancy.cause == Cause::RateLimited);
        stopped.cloned().unwrap_or_else(|| holder.usual_owner(vacancy.cause, node, &self.settings))
    }

    /// The pod that would fill a vacancy if it were ready.
    pub(super) fn holder(&self, vacancy: &Vacancy) -> Option<&Candidate> {
        self.candidates.get(vacancy.holder.as_ref()?).map(|(_, candidate)| candidate)
    }

    pub(super) fn node_changed(&mut self, change: &Change, trigger: &Trigger) {
        let name = change.key().name.clone();
        let mut trigger = *trigger;
        if trigger.owner == Some(SettingId::NodeMonitorGracePeriod) {
            let held = trigger.held.filter(|held| held.setting.is_some());
            self.line = held.map(|held| self.line.unwrap_or(held.from));
            trigger.held = held.zip(self.line).map(|(held, from)| Held { from, ..held }).or(trigger.held);
        }
        let state = self.nodes.entry(name.clone()).or_default();
        let changed = match change.after::<Node>() {
            Some(node) => state.on_commit(node),
            None => {
                // Nobody waits for a node that is no more: its pods are deleted after a quarantine.
                (state.is_noticed, state.is_tainted) = (true, true);
                true
            }
        };
        if changed {
            self.review(&name, &trigger);
        }
    }

    /// What the vacancies wait for whose holders are on this node.
    pub(super) fn review(&mut self, node: &Name, trigger: &Trigger) {
        for number in self.by_node.get(node).cloned().unwrap_or_default() {
            let vacancy = &self.vacancies[&number];
            let cause = vacancy.holder.as_ref().map(|holder| self.cause_of(holder));
            if let Some(cause) = cause.filter(|cause| *cause != vacancy.cause) {
                self.turn(number, cause, trigger, &[]);
            }
        }
    }

    /// The registry is back: until now nobody could pull because of that fault.
    fn registry_back(&mut self, fault: &Name, trigger: &Trigger) {
        let Some(began) = self.registry.remove(fault) else { return };
        let pulls = self.vacancies.iter().filter(|(_, vacancy)| vacancy.cause == Cause::Pulling);
        for number in pulls.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.turn(number, Cause::Pulling, trigger, &[(trigger.at, Cause::Pulling, Owner::Event(began))]);
        }
    }

    /// Whoever waits for a taint in this zone has waited at the rate that was.
    fn rate_changes(&mut self, zone: &Name, trigger: &Trigger) {
        let usual = Owner::Setting(SettingId::NodeEvictionRate);
        let rate = self.stopped_zones.get(zone).cloned().unwrap_or(usual);
        let in_zone =
            self.by_node.iter().filter(|(node, _)| self.nodes.get(*node).is_some_and(|node| node.zone == *zone));
        let waiting: Vec<u32> = in_zone.flat_map(|(_, vacancies)| vacancies.iter().copied()).collect();
        for number in waiting {
            if self.vacancies[&number].cause == Cause::RateLimited {
                let until = (trigger.at, Cause::RateLimited, rate.clone());
                self.turn(number, Cause::RateLimited, trigger, &[until]);
            }
        }
    }

    /// What is known of a node.
    pub(super) fn node(&self, name: &Name) -> &NodeState {
        self.nodes.get(name).unwrap_or(&self.unknown)
    }

    pub(super) fn cause_of(&self, holder: &Key) -> Cause {
        let cause = |(_, candidate): &(u64, Candidate)| candidate.cause(self.node(&candidate.pod.node_name));
        self.candidates.get(holder).map_or(Cause::NotRouted, cause)
    }

    /// Slices say which pods are ready: nodes that know this version know those pods.
    pub(super) fn slice_changed(&mut self, change: &Change, trigger: &Trigger, routes: &Routes) {
        if self.awaiting.is_empty() {
            return;
        }
        let Some(slice) = change.after::<EndpointSlice>() else { return };
        let Some(service) = slice.service() else { return };
        let service = Key { namespace: slice.meta.namespace().clone(), name: service.clone() };
        for endpoint in slice.endpoints.iter().filter(|endpoint| endpoint.ready) {
            let pod = Key { namespace: service.namespace.clone(), name: endpoint.pod.clone() };
            let Some(&number) = self.awaiting.get(&pod) else { continue };
            if self.vacancies[&number].named.is_none() {
                // From now on it is up to the nodes.
                self.turn(number, Cause::NotRouted, trigger, &[]);
                let vacancy = self.vacancies.get_mut(&number).expect("it is open");
                vacancy.named = Some((service.clone(), change.revision));
            }
        }
        self.judge_routes(trigger, routes);
    }

    /// Vacancies are filled whose holders are known to every node that is there.
    pub(super) fn judge_routes(&mut self, trigger: &Trigger, routes: &Routes) {
        let mut known = routes.known();
        let is_known = |number: &u32| {
            let named = self.vacancies[number].named.as_ref();
            named.is_some_and(|(service, revision)| known(service, *revision))
        };
        let known: Vec<u32> = self.awaiting.values().copied().filter(is_known).collect();
        known.into_iter().for_each(|number| self.close(number, trigger));
    }
}
