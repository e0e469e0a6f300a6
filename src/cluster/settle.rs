//! Runs that begin settled: what the manifests ask for has been there for long when the run begins.
//!
//! It is found out in a rehearsal: another world with the same seed, nodes and settings, in which nothing takes time that
//! people wait for. Its modelled delays are zero, clients and work queues have no limits, containers start and are ready
//! at once, and nothing is planned. The manifests are applied in an order in which what is there already is adopted:
//! pods that have a node first, then the other pods, ReplicaSets, Deployments. The scheduler and the controllers are
//! the real ones. A rollout that a dump shows half done is therefore done at the beginning, and a pod that has a node in
//! its manifest stays there unless a controller deletes it.
//!
//! The rehearsal is over when nothing has been written for a while but signs of life, or after a day. Then its objects, with
//! their identities, and what its machines hold begin the real run. Their dates lie further back than the API server keeps
//! Events, so none of those is left. The rules:
//!
//! - References to owners are left out of manifests: identities are given anew, so controllers adopt by their selectors.
//!   EndpointSlices that their controller manages are left out too: it makes them anew.
//! - Pods that have ended by their manifest (`Succeeded`, `Failed`) are left out: nobody would run them again.
//! - `evenkeel.dev/run-for` counts from time zero: until then no containers exit by themselves.
//! - What cannot be settled, as a pod for which there is no room, is left as it is, and [`World::unsettled`] says so.
//!   The scheduler tries such a pod once more at time zero.

use super::bootstrap::Beginning;
use super::config::{Config, Start, Stop};
use super::world::World;
use crate::apiserver::{ApiError, Request};
use crate::controller::endpointslice;
use crate::kernel::dist::Delay;
use crate::kernel::time::{Span, Time};
use crate::node::heartbeat::LEASE_NAMESPACE;
use crate::object::behavior::{Behavior, Moment};
use crate::object::pod::conditions;
use crate::object::replicaset::REPLICA_FAILURE;
use crate::object::{
    ConditionStatus, DelayId, Deployment, Key, Kind, Lease, Name, Object, Phase, Pod, ReplicaSet, Revision, SettingId,
    condition,
};
use crate::record::Detail;
use crate::record::waterfall::Wait;
use crate::record::workloads::{Workload, WorkloadId, workload_name};
use std::fmt;
use std::sync::Arc;

/// What was wrong before the beginning.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Manifests that were refused.
    pub refused: Vec<(Request, ApiError)>,
    /// What could not be settled.
    pub unsettled: Vec<Unsettled>,
}

/// A workload that could not be settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsettled {
    /// Which one, as `deployment/web`.
    pub workload: String,
    /// How many of its pods are ready.
    pub ready: i64,
    /// How many are wanted.
    pub desired: i64,
    /// Why the others are not, if anything says so.
    pub why: Option<Name>,
    /// Whether the manifests have it so: each pod that is not ready is one that a manifest says was not ready, as a dump of
    /// a cluster does, or that is never ready by its annotation.
    pub is_as_given: bool,
}

/// `deployment/web has 2 of 3 ready (0/3 nodes are available: ...)`.
impl fmt::Display for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has {} of {} ready", self.workload, self.ready, self.desired)?;
        self.why.iter().try_for_each(|why| write!(f, " ({})", why.trim_end_matches('.')))
    }
}

/// The longest that a rehearsal goes on without coming to rest.
const LONGEST: Span = Span::DAY;

/// Lets the manifests take effect, as long as that is wanted.
fn rehearse(config: &Config, is_wanted: &mut dyn FnMut() -> bool) -> Option<World> {
    let mut world = World::begin(rehearsal(config), Beginning::Rehearsal);
    let mut until = Time::ZERO;
    loop {
        let before = written(&world);
        until = (until + patience(&world)).min(Time::ZERO + LONGEST);
        if !world.run_until_while(until, is_wanted) {
            return None;
        }
        if written(&world) == before || until == Time::ZERO + LONGEST {
            return Some(world);
        }
    }
}

fn rehearsal(config: &Config) -> Config {
    let mut settings = config.settings.clone();
    for id in [
        SettingId::ControllerQps,
        SettingId::ControllerBurst,
        SettingId::GarbageCollectorQps,
        SettingId::SchedulerQps,
        SettingId::SchedulerBurst,
        SettingId::KubeletQps,
        SettingId::KubeletBurst,
        SettingId::WorkqueueQps,
        SettingId::WorkqueueBurst,
    ] {
        settings.set(id, id.row().unit.most());
    }
    let mut delays = config.delays.clone();
    DelayId::ALL.iter().for_each(|&id| delays.set(id, Delay::NONE));
    let mut manifests: Vec<Object> = config.manifests.iter().filter(|object| !is_left_out(object)).cloned().collect();
    manifests.iter_mut().filter(|object| !object.meta().owners.is_empty()).for_each(|object| {
        object.meta_mut().owners.clear();
    });
    manifests.sort_by_key(turn);
    let ago = LONGEST + config.settings.span(SettingId::EventTtl);
    Config {
        epoch: config.epoch.plus_seconds(-(ago.as_secs() as i64)),
        settings,
        delays,
        manifests,
        start: Start::Empty,
        record: Detail::Summary,
        events: Vec::new(),
        until: Time::ZERO + LONGEST + LONGEST,
        stop: Stop::Time,
        ..config.clone()
    }
}

fn is_left_out(object: &Object) -> bool {
    match object {
        Object::Pod(pod) => pod.status.phase.is_terminal(),
        Object::EndpointSlice(slice) => endpointslice::is_managed(slice),
        _ => false,
    }
}

/// When a manifest is applied: what others refer to before them, what is adopted before who adopts it.
fn turn(object: &Object) -> u8 {
    match object {
        Object::Namespace(_) => 0,
        Object::PriorityClass(_) | Object::Node(_) => 1,
        Object::Pod(pod) if !pod.node_name.is_empty() => 3,
        Object::Pod(_) => 4,
        Object::ReplicaSet(_) => 5,
        Object::Deployment(_) => 6,
        _ => 2,
    }
}

/// How far writes have got that are no signs of life.
fn written(world: &World) -> Vec<(Revision, usize)> {
    let counted = Kind::ALL.iter().filter(|kind| !matches!(kind, Kind::Lease | Kind::Event | Kind::Node));
    let tables = counted.map(|&kind| world.server.store.table(kind));
    tables.map(|table| (table.newest(), table.len())).collect()
}

/// For how long nothing must be written for the cluster to count as at rest: long enough for every loop that goes round,
/// and, as long as something is missing, for everything that happens only after a wait.
fn patience(world: &World) -> Span {
    let span = |id| world.config.settings.span(id);
    let rounds = [
        SettingId::NodeMonitorPeriod,
        SettingId::NodeStatusUpdateFrequency,
        SettingId::EndpointSliceChangeMinSyncDelay,
        SettingId::EndpointUpdatesBatchPeriod,
        SettingId::PodMaxBackoff,
    ];
    let rounds = rounds.into_iter().map(span).fold(Span::ZERO, |sum, round| sum + round);
    let incomplete = world.objects::<Deployment>().filter(|deployment| !is_complete(deployment));
    let deadlines = incomplete.map(|deployment| deployment.spec.progress_deadline_seconds);
    let deadline = deadlines.map(|seconds| seconds.filter(|&seconds| seconds != i32::MAX).unwrap_or(0)).max();
    let unavailable = world.objects::<ReplicaSet>().filter(|set| !is_available(set));
    let min_ready = unavailable.map(|set| set.spec.min_ready_seconds).max();
    let are_ready = world.objects::<Pod>().all(|pod| pod.is_ready());
    if deadline.is_none() && min_ready.is_none() && are_ready {
        return rounds.min(LONGEST);
    }
    let waits = [
        SettingId::PodGcPeriod,
        SettingId::PodGcQuarantine,
        SettingId::PodMaxInUnschedulablePods,
        SettingId::UnschedulableFlushPeriod,
        SettingId::ProgressCheckMargin,
    ];
    let waits = waits.into_iter().map(span).fold(rounds, |sum, wait| sum + wait);
    let seconds = [deadline, min_ready].into_iter().flatten().map(|seconds| u64::try_from(seconds).unwrap_or(0));
    (waits + Span::from_secs(seconds.sum())).min(LONGEST)
}

fn is_complete(deployment: &Deployment) -> bool {
    let (status, replicas) = (&deployment.status, deployment.replicas());
    let counts = [status.replicas, status.updated_replicas, status.available_replicas];
    deployment.spec.paused || counts == [replicas; 3] && status.observed_generation >= deployment.meta.generation
}

fn is_available(set: &ReplicaSet) -> bool {
    let (status, replicas) = (&set.status, set.replicas());
    [status.replicas, status.available_replicas] == [replicas; 2] && status.observed_generation >= set.meta.generation
}

fn unsettled(id: &WorkloadId, workload: &Workload, world: &World) -> Unsettled {
    let records = world.recorder.workloads.pods().filter(|(_, record)| record.workload.as_ref() == Some(id));
    let pods = world.server.store.table(Kind::Pod);
    let missing: Vec<&Arc<Pod>> =
        records.filter(|(_, record)| !record.is_ready).filter_map(|(key, _)| pods.typed::<Pod>(key)).collect();
    let (ready, desired) = (workload.ready.value(), workload.desired.value());
    let are_given = missing.iter().all(|pod| is_never_ready(pod) || is_given_unready(pod, &world.config));
    Unsettled {
        workload: workload_name(id),
        ready,
        desired,
        why: missing.iter().find_map(|pod| why_unready(pod, world)).or_else(|| why_uncreated(world, id)),
        is_as_given: are_given && ready + missing.len() as i64 == desired,
    }
}

fn is_never_ready(pod: &Pod) -> bool {
    Behavior::of(&pod.meta.annotations).ready_after == Some(Moment::Never)
}

fn is_given_unready(pod: &Pod, config: &Config) -> bool {
    let given = config.manifests.iter().filter_map(Object::of::<Pod>).find(|given| given.meta.key == pod.meta.key);
    given.is_some_and(|given| !given.status.conditions.is_empty() && !given.is_ready())
}

fn why_unready(pod: &Pod, world: &World) -> Option<Name> {
    let name = pod.meta.name();
    if pod.status.phase == Phase::Failed && !pod.status.message.is_empty() {
        return Some(format!("pod {name} has failed: {}", pod.status.message.trim_end_matches([' ', '.'])).into());
    }
    let scheduled = condition::find(&pod.status.conditions, conditions::SCHEDULED);
    if let Some(refusal) = scheduled.filter(|known| known.status == ConditionStatus::False) {
        return Some(refusal.message.clone());
    }
    let node = &pod.node_name;
    if node.is_empty() {
        let scheduler = &pod.spec.scheduler_name;
        return Some(format!("pod {name} has no node: {scheduler} has not looked at it").into());
    }
    if world.ground.find(node).is_none() {
        return Some(format!("pod {name} is bound to node {node}, which is not there").into());
    }
    is_never_ready(pod).then(|| format!("pod {name} is never ready: its `evenkeel.dev/ready-after` is `never`").into())
}

/// Pods that a manifest binds to a node that is not there and that nobody replaces: they are collected before the run
/// begins.
fn without_a_machine(world: &World) -> impl Iterator<Item = Unsettled> {
    let is_replaced = |pod: &Pod| {
        let mut sets = world.objects::<ReplicaSet>().filter(|set| set.meta.namespace() == pod.meta.namespace());
        sets.any(|set| set.spec.selector.matches(&pod.meta.labels))
    };
    let given = world.config.manifests.iter().filter_map(Object::of::<Pod>).filter(move |pod| !is_replaced(pod));
    let lost = given.filter(|pod| {
        let is_gone = world.server.store.table(Kind::Pod).typed::<Pod>(&pod.meta.key).is_none();
        is_gone && !pod.node_name.is_empty() && world.ground.find(&pod.node_name).is_none()
    });
    lost.filter(|pod| !pod.status.phase.is_terminal()).map(|pod| Unsettled {
        workload: workload_name(&(Kind::Pod, pod.meta.key.clone())),
        ready: 0,
        desired: 1,
        why: why_unready(pod, world),
        is_as_given: false,
    })
}

/// What the ReplicaSets of a workload say of pods that they could not create.
pub fn why_uncreated(world: &World, id: &WorkloadId) -> Option<Name> {
    let is_of = |set: &&Arc<ReplicaSet>| {
        let owner = set.meta.controller().map(|owner| (owner.kind, &owner.name));
        set.meta.namespace() == &id.1.namespace
            && owner.unwrap_or((Kind::ReplicaSet, set.meta.name())) == (id.0, &id.1.name)
    };
    world.objects::<ReplicaSet>().filter(is_of).flat_map(|set| &set.status.conditions).find_map(|condition| {
        (condition.kind == REPLICA_FAILURE && condition.status == ConditionStatus::True)
            .then(|| condition.message.clone())
    })
}

impl World {
    /// The world of a run that begins settled; none if it is not wanted any more.
    pub(super) fn settled(config: Config, is_wanted: &mut dyn FnMut() -> bool) -> Option<World> {
        let rehearsal = rehearse(&config, is_wanted)?;
        let mut world = World::begin(config, Beginning::Settled(&rehearsal));
        let behind = world.recorder.workloads.iter().filter(|(_, workload)| workload.converged.value() == 0);
        let behind = behind.map(|(id, workload)| unsettled(id, workload, &world));
        let unsettled = behind.chain(without_a_machine(&world)).collect();
        world.past = Past { refused: rehearsal.refused(), unsettled };
        Some(world)
    }

    /// Puts the objects of another world into this one, workloads before their pods.
    pub(super) fn take_over_objects(&mut self, past: &World) {
        let date = self.clock.timestamp(self.now);
        self.server.remember(&past.server);
        let last = [Kind::Deployment, Kind::ReplicaSet, Kind::Pod];
        let first = Kind::ALL.iter().filter(|kind| !last.contains(kind) && !matches!(kind, Kind::Event));
        for &kind in first.chain(&last) {
            for object in past.server.store.table(kind).iter() {
                let mut object = object.clone();
                if let Object::Node(node) = &mut object {
                    // Its kubelet has reported all along.
                    Arc::make_mut(node).conditions.iter_mut().for_each(|condition| condition.last_update = date);
                }
                if !is_of_machine(&object, past) {
                    self.restore(object);
                }
            }
        }
    }

    /// Puts the lease of a node into this world, renewed as `lease` is.
    pub(super) fn take_over_lease(&mut self, lease: Lease, past: &World) {
        match past.server.store.table(Kind::Lease).typed::<Lease>(&lease.meta.key) {
            Some(known) => self.restore(Lease { renew_time: lease.renew_time, ..Lease::clone(known) }.into()),
            None => self.preload(lease.into()),
        }
    }

    /// Lets the machines hold what those of another world do.
    pub(super) fn take_over_machines(&mut self, past: &World) {
        let pods = past.server.store.table(Kind::Pod);
        let end_of = |pod: &Key| {
            let behavior = Behavior::of(&pods.typed::<Pod>(pod)?.meta.annotations);
            behavior.run_for.map(|span| Time::ZERO + span)
        };
        for (id, machine) in past.ground.iter() {
            self.ground[id] = machine.clone().of_the_past(end_of);
            for (pod, sandbox) in machine.sandboxes.iter().filter(|(_, sandbox)| sandbox.is_running) {
                self.recorder.has_been_running(self.now, pod.clone(), machine.name.clone());
                if sandbox.is_ready {
                    self.recorder.has_been_ready(self.now, pod.clone(), machine.name.clone());
                }
            }
        }
    }

    fn restore(&mut self, object: Object) {
        let change = self.as_server(|server, cx| server.restore(object, cx));
        self.recorder.commit(self.now, &change, Wait::default());
    }
}

/// Whether it is the lease of the node of a machine.
fn is_of_machine(object: &Object, world: &World) -> bool {
    let is_lease = matches!(object, Object::Lease(_)) && object.key().namespace == LEASE_NAMESPACE;
    is_lease && world.ground.find(&object.key().name).is_some()
}
