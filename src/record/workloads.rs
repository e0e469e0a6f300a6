//! Desired and actual state of each workload: what its controller wants, what the API says is ready, what really serves.

use super::rollout::Rollout;
use super::rounds::Rounds;
use super::situation::Situation;
use super::templates::Templates;
use super::timeline::Steps;
use crate::etcd::change::Change;
use crate::kernel::time::{Span, Time};
use crate::object::pod::conditions;
use crate::object::{
    ConditionStatus, Deployment, Fact, Key, Kind, Meta, Name, Phase, Pod, ReplicaSet, Strategy, Uid, condition,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Kind and key of a workload.
pub type WorkloadId = (Kind, Key);

/// `deployment/web`; with its namespace unless that is `default`.
pub fn workload_name((kind, key): &WorkloadId) -> String {
    let kind = kind.name().to_lowercase();
    if key.namespace == "default" { format!("{kind}/{}", key.name) } else { format!("{kind}/{key}") }
}

/// The controller of an object, which lies in its namespace; none if it has none.
pub fn controller_of(meta: &Meta) -> Option<WorkloadId> {
    let owner = meta.controller()?;
    Some((owner.kind, Key { namespace: meta.namespace().clone(), name: owner.name.clone() }))
}

/// Whether a workload is the one that a scenario calls `name`: `deployment/web`, `deploy/shop/web`.
pub fn is_called(id: &WorkloadId, name: &str) -> bool {
    let Some((word, rest)) = name.split_once('/') else { return false };
    let (namespace, own) = rest.split_once('/').unwrap_or(("default", rest));
    let is_kind = Kind::called(word) == Some(id.0) || id.0.name().eq_ignore_ascii_case(word);
    is_kind && *id.1.namespace == *namespace && *id.1.name == *own
}

/// What is wanted of a workload with this metadata: nothing once it is being deleted.
fn wanted(meta: &Meta, replicas: i32) -> i32 {
    if meta.is_terminating() { 0 } else { replicas }
}

/// One workload over time.
#[derive(Clone, Debug, Default)]
pub struct Workload {
    /// Pods wanted.
    pub desired: Steps,
    /// Pods whose Ready condition is True and that are not being deleted.
    pub ready: Steps,
    /// Pods whose containers really are ready, whatever the API says.
    pub serving: Steps,
    /// Pods that have not ended and are not being deleted, ready or not.
    pub live: Steps,
    /// Those of them that have no node yet.
    pub unplaced: Steps,
    /// Pods so far that somebody deleted or that failed, each counted once.
    pub lost: Steps,
    /// Those of them that were disrupted, as their condition DisruptionTarget says: evicted because of a taint or a drain,
    /// failed for want of disk, or deleted because their node was gone.
    pub evicted: Steps,
    /// Restarts of containers so far, as their pods' statuses tell.
    pub restarts: Steps,
    /// How its rollouts go, if it is a Deployment.
    pub rollout: Rollout,
    /// Ready pods of the current template that really serve. Ready alone is hearsay, serving alone may be hidden from
    /// clients, and pods of an old template are not what is wanted.
    pub actual: Steps,
    /// 1 while as many pods as wanted are ready, and all of them are actual.
    pub converged: Steps,
    /// The states that it has been in, and whether it goes round.
    pub rounds: Rounds,
}

impl Workload {
    fn is_converged(&self) -> bool {
        let desired = self.desired.value();
        self.ready.value() == desired && self.actual.value() == desired
    }
}

/// What the recorder knows of one pod.
#[derive(Clone, Debug)]
pub struct PodRecord {
    /// As the API has it.
    pub pod: Arc<Pod>,
    /// Its workload: the Deployment or ReplicaSet that it belongs to, or itself.
    pub workload: Option<WorkloadId>,
    /// Its node, empty until bound.
    pub node: Name,
    /// Whether the API says it is ready and not being deleted.
    pub is_ready: bool,
    /// Whether its containers really are ready.
    pub is_serving: bool,
    /// Whether it has a deletion timestamp.
    pub is_terminating: bool,
    /// Where it stands.
    pub situation: Situation,
    /// Its owner, if it has one.
    pub(super) owner: Option<Uid>,
    /// Whether it is of the template that its Deployment has now, or its workload is no Deployment.
    pub is_current: bool,
    is_live: bool,
    has_succeeded: bool,
    /// Whether it counts as lost.
    is_lost: bool,
    /// Whether it has counted as evicted.
    is_evicted: bool,
    /// Whether its condition says that it is being disrupted.
    is_disrupted: bool,
    restarts: i64,
}

impl PodRecord {
    const fn stand(&self) -> (&Situation, bool) {
        (&self.situation, self.is_current)
    }

    fn is_actual(&self) -> bool {
        self.is_ready && self.is_serving && self.is_current
    }

    fn is_unplaced(&self) -> bool {
        self.is_live && self.node.is_empty()
    }

    /// The same once it is gone: a pod that goes without notice was deleted too.
    fn gone(self) -> PodRecord {
        let is_lost = self.is_lost || !self.has_succeeded;
        PodRecord { is_lost, is_evicted: self.is_evicted || is_lost && !self.is_lost && self.is_disrupted, ..self }
    }
}

/// All workloads.
#[derive(Clone, Debug, Default)]
pub struct Workloads {
    all: BTreeMap<WorkloadId, Workload>,
    pub(super) pods: BTreeMap<Key, PodRecord>,
    /// Deployment of each ReplicaSet that has one, and which of them are current.
    pub(super) templates: Templates,
    /// Pods that changed hands with the last commit.
    pub(super) moved: Vec<(Key, Option<WorkloadId>)>,
    /// 1 while every workload is converged.
    converged: Steps,
    /// Workloads that are not.
    behind: usize,
    /// Pods bound so far.
    pub placed: u64,
}

impl Workloads {
    /// Workloads in the order of kind and key.
    pub fn iter(&self) -> impl Iterator<Item = (&WorkloadId, &Workload)> {
        self.all.iter()
    }

    /// The workload called `kind/name` or `kind/namespace/name`, as in scenarios.
    pub fn find(&self, name: &str) -> Option<(&WorkloadId, &Workload)> {
        self.all.iter().find(|(id, _)| is_called(id, name))
    }

    /// A workload.
    pub fn get(&self, id: &WorkloadId) -> Option<&Workload> {
        self.all.get(id)
    }

    /// Pods that exist now.
    pub fn pods(&self) -> impl Iterator<Item = (&Key, &PodRecord)> {
        self.pods.iter()
    }

    /// A pod that exists now.
    pub fn pod(&self, key: &Key) -> Option<&PodRecord> {
        self.pods.get(key)
    }

    /// 1 while every workload is as wanted.
    pub const fn all_converged(&self) -> &Steps {
        &self.converged
    }

    /// Since when everything is as wanted, if it is now.
    pub fn converged_since(&self) -> Option<Time> {
        self.converged.iter().last().filter(|&(_, value)| value == 1).map(|(at, _)| at)
    }

    /// First moment since `since` from which everything stayed as wanted for `hold`.
    pub fn converged_after(&self, since: Time, hold: Span, end: Time) -> Option<Time> {
        self.converged.first_stay(1, since, hold, end)
    }

    /// A commit, and the workload that it is about if it may matter to it.
    pub fn on_commit(&mut self, at: Time, change: &Change) -> Option<WorkloadId> {
        match change.kind() {
            Kind::Pod => self.pod_changed(at, change),
            Kind::ReplicaSet => self.replica_set_changed(at, change),
            Kind::Deployment => {
                let (deployment, id) = (change.after::<Deployment>(), (Kind::Deployment, change.key().clone()));
                self.set_desired(
                    at,
                    id.clone(),
                    deployment.map_or(0, |deployment| wanted(deployment.meta(), deployment.replicas())),
                );
                if let (Some(deployment), Some(workload)) = (deployment, self.all.get_mut(&id)) {
                    workload.rollout.take_note(at, deployment);
                    if self.templates.deployment(deployment) {
                        self.templates_changed(at, &id);
                    }
                }
                Some(id)
            }
            _ => None,
        }
    }

    /// A change of ground truth.
    pub fn on_fact(&mut self, at: Time, fact: &Fact) {
        let (pod, node, serves) = match fact {
            Fact::ContainersReady { pod, node } => (pod, node, true),
            Fact::ContainersStopped { pod, node } => (pod, node, false),
            Fact::Acted { .. } | Fact::FaultBegan { .. } | Fact::FaultEnded { .. } => return self.disturbed(at),
            _ => return,
        };
        // A namesake may still run on a node that is cut off.
        if let Some(record) = self.pods.get_mut(pod).filter(|record| record.node == *node) {
            let changed = std::mem::replace(&mut record.is_serving, serves) != serves;
            let by = i64::from(changed) * if serves { 1 } else { -1 };
            let (workload, is_actual) = (record.workload.clone(), record.is_ready && record.is_current);
            self.count(at, workload.clone(), |workload| &mut workload.serving, by);
            self.count(at, workload, |workload| &mut workload.actual, by * i64::from(is_actual));
        }
    }

    /// A fault or an action begins or ends: what workloads lose then that were as wanted, they did not lose by themselves.
    fn disturbed(&mut self, at: Time) {
        let well = self.all.values_mut().filter(|workload| workload.converged.value() == 1);
        well.for_each(|workload| workload.rounds.disturbed(at));
    }

    /// Which pods of a Deployment are of its current template may be another matter now.
    fn templates_changed(&mut self, at: Time, id: &WorkloadId) {
        let mut actual = 0;
        for record in self.pods.values_mut().filter(|record| record.workload.as_ref() == Some(id)) {
            record.is_current = self.templates.is_current(record.owner);
            actual += i64::from(record.is_actual());
        }
        let own = self.pods.values().filter(|record| record.workload.as_ref() == Some(id));
        let workload = self.all.entry(id.clone()).or_default();
        workload.actual.set(at, actual);
        workload.rounds.recount(own.map(PodRecord::stand));
        workload.rounds.start_anew(at);
        self.judge(at, id);
    }

    pub(super) fn set_desired(&mut self, at: Time, id: WorkloadId, desired: i32) {
        let workload = self.all.entry(id.clone()).or_default();
        for steps in [&mut workload.ready, &mut workload.serving, &mut workload.live] {
            let value = steps.value();
            steps.set(at, value);
        }
        if workload.desired.value() != i64::from(desired) {
            workload.rounds.start_anew(at);
        }
        workload.desired.set(at, i64::from(desired));
        self.judge(at, &id);
    }

    fn replica_set_changed(&mut self, at: Time, change: &Change) -> Option<WorkloadId> {
        let set = change.object().of::<ReplicaSet>()?;
        let controller = |set: &Arc<ReplicaSet>| set.meta.controller().map(|owner| owner.uid);
        let had = change.before::<ReplicaSet>().map(controller);
        let has_moved = change.new.is_some() && had.is_some_and(|had| had != controller(set));
        if has_moved {
            self.templates.forget(set.meta.uid);
        }
        let id = match controller_of(&set.meta) {
            Some((Kind::Deployment, deployment)) => {
                if has_moved {
                    self.set_desired(at, (Kind::ReplicaSet, change.key().clone()), 0);
                }
                if self.templates.set(set, deployment.clone()) {
                    self.templates_changed(at, &(Kind::Deployment, deployment));
                }
                None
            }
            _ => {
                let desired = change.after::<ReplicaSet>().map_or(0, |set| wanted(set.meta(), set.replicas()));
                let id = (Kind::ReplicaSet, change.key().clone());
                self.set_desired(at, id.clone(), desired);
                Some(id)
            }
        };
        if has_moved {
            self.set_moves(at, set.meta.uid);
        }
        id
    }

    fn pod_changed(&mut self, at: Time, change: &Change) -> Option<WorkloadId> {
        let key = change.key().clone();
        if let (Some(old), Some(new)) = (change.before::<Pod>(), change.after::<Pod>()) {
            let [had, has] = [old, new].map(|pod| pod.meta.controller().map(|owner| owner.uid));
            if had != has {
                self.pod_moves(at, &key, has, self.workload_of(new));
            }
        }
        let before = self.pods.get(&key).cloned();
        let after = change.after::<Pod>().map(|pod| {
            let known = before.as_ref().filter(|record| record.pod.meta.uid == pod.meta.uid);
            let (is_terminating, is_live) = (pod.meta.is_terminating(), pod.is_active());
            let is_disrupted =
                condition::status(&pod.status.conditions, conditions::DISRUPTION_TARGET) == Some(ConditionStatus::True);
            let was_lost = known.is_some_and(|record| record.is_lost);
            let is_lost =
                was_lost || pod.status.phase == Phase::Failed || is_terminating && pod.status.phase != Phase::Succeeded;
            PodRecord {
                pod: pod.clone(),
                workload: known.map_or_else(|| self.workload_of(pod), |record| record.workload.clone()),
                node: pod.node_name.clone(),
                is_ready: pod.is_ready() && pod.is_active(),
                is_serving: known.is_some_and(|record| record.is_serving),
                is_terminating,
                situation: Situation::of(pod),
                owner: pod.meta.controller().map(|owner| owner.uid),
                is_current: self.templates.is_current(pod.meta.controller().map(|owner| owner.uid)),
                is_live,
                has_succeeded: pod.status.phase == Phase::Succeeded,
                is_lost,
                is_evicted: known.is_some_and(|record| record.is_evicted) || is_lost && !was_lost && is_disrupted,
                is_disrupted,
                restarts: pod.status.containers.iter().map(|container| i64::from(container.restart_count)).sum(),
            }
        });
        let bound = |record: &Option<PodRecord>| record.as_ref().is_some_and(|record| !record.node.is_empty());
        self.placed += u64::from(!bound(&before) && bound(&after));
        let workload = after.as_ref().or(before.as_ref()).and_then(|record| record.workload.clone());
        if let Some((Kind::Pod, _)) = &workload {
            self.want_bare_pod(at, change);
        }
        self.stands(at, workload.as_ref(), before.as_ref(), after.as_ref());
        self.add_up(at, workload.clone(), before.as_ref(), after.as_ref());
        match after {
            Some(record) => self.pods.insert(key, record),
            None => self.pods.remove(&key),
        };
        workload
    }

    /// A pod of a workload stands elsewhere now, comes or goes.
    pub(super) fn stands(
        &mut self,
        at: Time,
        workload: Option<&WorkloadId>,
        before: Option<&PodRecord>,
        after: Option<&PodRecord>,
    ) {
        let difference =
            |holds: fn(&PodRecord) -> bool| i64::from(after.is_some_and(holds)) - i64::from(before.is_some_and(holds));
        self.count(at, workload.cloned(), |workload| &mut workload.ready, difference(|record| record.is_ready));
        self.count(at, workload.cloned(), |workload| &mut workload.serving, difference(|record| record.is_serving));
        self.count(at, workload.cloned(), |workload| &mut workload.actual, difference(PodRecord::is_actual));
        self.count(at, workload.cloned(), |workload| &mut workload.live, difference(|record| record.is_live));
        self.count(at, workload.cloned(), |workload| &mut workload.unplaced, difference(PodRecord::is_unplaced));
        if let Some(workload) = workload.and_then(|id| self.all.get_mut(id)) {
            workload.rounds.moved(at, before.map(PodRecord::stand), after.map(PodRecord::stand));
        }
    }

    /// What only ever grows: pods lost and evicted, restarts.
    fn add_up(&mut self, at: Time, workload: Option<WorkloadId>, old: Option<&PodRecord>, new: Option<&PodRecord>) {
        let gone = old.filter(|_| new.is_none()).map(|old| old.clone().gone());
        let growth = |number: fn(&PodRecord) -> i64| new.or(gone.as_ref()).map_or(0, number) - old.map_or(0, number);
        let lost = growth(|record| i64::from(record.is_lost));
        let evicted = growth(|record| i64::from(record.is_evicted));
        let restarts = growth(|record| record.restarts).max(0);
        self.count(at, workload.clone(), |workload| &mut workload.lost, lost);
        self.count(at, workload.clone(), |workload| &mut workload.evicted, evicted);
        self.count(at, workload, |workload| &mut workload.restarts, restarts);
    }

    /// A pod without a controller is wanted until it has succeeded or somebody deletes it; one that was evicted is
    /// missed for good, since nobody replaces it.
    fn want_bare_pod(&mut self, at: Time, change: &Change) {
        let Some(pod) = change.object().of::<Pod>() else { return };
        let is_evicted = condition::status(&pod.status.conditions, conditions::DISRUPTION_TARGET).is_some();
        let is_leaving = change.new.is_none() || pod.meta.is_terminating();
        let is_wanted = if is_leaving { is_evicted } else { pod.status.phase != Phase::Succeeded };
        self.set_desired(at, (Kind::Pod, change.key().clone()), i32::from(is_wanted));
    }

    /// The workload that a pod belongs to: the Deployment or other controller, or itself.
    pub fn workload_of(&self, pod: &Pod) -> Option<WorkloadId> {
        let Some(owner) = pod.meta.controller() else { return Some((Kind::Pod, pod.meta.key.clone())) };
        match self.templates.deployment_of(owner.uid) {
            Some(deployment) => Some((Kind::Deployment, deployment.clone())),
            None => controller_of(&pod.meta),
        }
    }

    fn count(&mut self, at: Time, id: Option<WorkloadId>, steps: fn(&mut Workload) -> &mut Steps, by: i64) {
        if let Some(id) = id.filter(|_| by != 0) {
            let steps = steps(self.all.entry(id.clone()).or_default());
            steps.set(at, steps.value() + by);
            self.judge(at, &id);
        }
    }

    /// Takes note of whether a workload is as wanted now, after something of it changed.
    fn judge(&mut self, at: Time, id: &WorkloadId) {
        let Some(workload) = self.all.get_mut(id) else { return };
        let is_known = workload.converged.iter().next().is_some();
        let was_behind = is_known && workload.converged.value() == 0;
        let is_behind = !workload.is_converged();
        workload.converged.set(at, i64::from(!is_behind));
        self.behind = self.behind + usize::from(is_behind) - usize::from(was_behind);
        self.converged.set(at, i64::from(self.behind == 0));
    }
}
