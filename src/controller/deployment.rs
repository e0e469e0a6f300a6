//! The Deployment controller: a ReplicaSet for each revision of the template, scaled from old to new.
//!
//! Source: `pkg/controller/deployment/{deployment_controller,sync}.go`, v1.36. Left out: resync, terminating namespaces,
//! the event about an empty selector (the API server refuses one). As upstream, a sync works on its copy of the Deployment as the cache had it: a second status write in one sync
//! carries the old version, is refused as a conflict, and the sync is tried again.

mod recreate;
mod rollback;
mod rolling;
mod scale;
mod sets;
mod status;

use super::ownership;
use crate::apiserver::{ApiError, Change, Reply, Request};
use crate::object::deployment::DeploymentStrategy;
use crate::object::{Deployment, Key, Kind, Pod, ReplicaSet, SettingId, Uid};
use crate::program::reconcile::Enqueue;
use crate::program::retrace::{End, Halt, Retrace, Trace};
use crate::program::{Caches, Context, EventAbout, Reconcile, Step};
use std::collections::BTreeSet;
use std::sync::Arc;

const REPORTER: &str = "deployment-controller";

/// The controller. It remembers nothing between syncs.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeploymentController;

/// What a sync remembers between its requests.
#[derive(Clone, Debug, Default)]
pub struct State {
    input: Option<Input>,
    trace: Trace,
}

/// What a sync reads of the caches, once.
#[derive(Clone, Debug)]
struct Input {
    deployment: Arc<Deployment>,
    /// ReplicaSets that it owns or might adopt, in the order of their names.
    candidates: Vec<Arc<ReplicaSet>>,
    /// Those of them that have pods which have not ended, those that are being deleted included; looked at for
    /// `Recreate` only.
    with_pods: BTreeSet<Uid>,
}

impl Reconcile for DeploymentController {
    const NAME: &'static str = "deployment-controller";
    const WATCHES: &'static [Kind] = &[Kind::Deployment, Kind::ReplicaSet, Kind::Pod];
    const WORKERS: SettingId = SettingId::DeploymentSyncs;
    const RETRIES: Option<SettingId> = Some(SettingId::MaxRetries);
    type State = State;

    fn keys(&mut self, change: &Change, cx: &Context<'_>, enqueue: &mut Enqueue) {
        match change.kind() {
            Kind::Deployment => enqueue.add(change.key().clone()),
            Kind::ReplicaSet => set_changed(change, cx.caches, enqueue),
            _ if change.new.is_none() => pod_deleted(change, cx.caches, enqueue),
            _ => {}
        }
    }

    fn step(&mut self, key: &Key, mut state: State, replies: &[Reply], cx: &mut Context<'_>) -> Step<State> {
        state.trace.extend(replies, cx.now);
        if state.input.is_none() {
            state.input = Input::gather(key, cx.caches);
        }
        let Some(input) = &state.input else { return Step::Done };
        loop {
            let outcome = Rollout::sync(input, state.trace.run(cx));
            let Some(known) = lookup(&outcome, cx.caches) else { return Trace::step(outcome, state) };
            state.trace.extend(&[known], cx.now);
        }
    }
}

/// The answer to a question that upstream asks its cache: which ReplicaSet has a name.
fn lookup(outcome: &Outcome, caches: &Caches) -> Option<Reply> {
    let Err(Halt::Asks(request)) = outcome else { return None };
    let Request::Get { kind: Kind::ReplicaSet, key } = &**request else { return None };
    let known = caches.table(Kind::ReplicaSet).get(key);
    Some(known.map_or(Reply::Error(ApiError::NotFound), |set| Reply::Done(set.clone())))
}

fn set_changed(change: &Change, caches: &Caches, enqueue: &mut Enqueue) {
    let (old, new) = (change.before::<ReplicaSet>(), change.after::<ReplicaSet>());
    let mut owner_of = |set: &ReplicaSet| {
        let owner = ownership::controller_of::<Deployment>(caches, &set.meta);
        owner.inspect(|owner| enqueue.add(owner.meta.key.clone())).is_some()
    };
    let is_other_owner = old.is_none_or(|old| new.is_none_or(|new| old.meta.controller() != new.meta.controller()));
    if is_other_owner && let Some(old) = old {
        owner_of(old);
    }
    let Some(set) = new.filter(|new| !owner_of(new) && new.meta.controller().is_none()) else { return };
    if is_other_owner || old.is_some_and(|old| old.meta.labels != set.meta.labels) {
        let deployments = caches.table(Kind::Deployment).in_namespace::<Deployment>(set.meta.namespace());
        let matching = deployments.filter(|deployment| {
            !deployment.spec.selector.is_empty() && deployment.spec.selector.matches(&set.meta.labels)
        });
        matching.for_each(|deployment| enqueue.add(deployment.meta.key.clone()));
    }
}

/// Only `Recreate` waits for pods to go, and only for the last.
fn pod_deleted(change: &Change, caches: &Caches, enqueue: &mut Enqueue) {
    let set = change.before::<Pod>().and_then(|pod| ownership::controller_of::<ReplicaSet>(caches, &pod.meta));
    let deployment = set.and_then(|set| ownership::controller_of::<Deployment>(caches, &set.meta));
    let waiting = deployment.filter(|deployment| deployment.spec.strategy == DeploymentStrategy::Recreate);
    if let Some(deployment) = waiting {
        let sets = caches.table(Kind::ReplicaSet).controlled_by::<ReplicaSet>(deployment.meta.uid);
        let mut pods = sets.flat_map(|set| caches.table(Kind::Pod).controlled_by::<Pod>(set.meta.uid));
        if pods.next().is_none() {
            enqueue.add(deployment.meta.key.clone());
        }
    }
}

impl Input {
    fn gather(key: &Key, caches: &Caches) -> Option<Input> {
        let deployment = caches.get::<Deployment>(key)?.clone();
        let sets = caches.table(Kind::ReplicaSet).in_namespace::<ReplicaSet>(&key.namespace);
        let may_be_mine = |set: &&Arc<ReplicaSet>| {
            set.meta.controller().is_none_or(|controller| controller.uid == deployment.meta.uid)
        };
        let candidates: Vec<_> = sets.filter(may_be_mine).cloned().collect();
        let is_busy = |set: &&Arc<ReplicaSet>| {
            let mut pods = caches.table(Kind::Pod).controlled_by::<Pod>(set.meta.uid);
            pods.any(|pod| !pod.status.phase.is_terminal())
        };
        let with_pods = match deployment.spec.strategy {
            DeploymentStrategy::Recreate => candidates.iter().filter(is_busy).map(|set| set.meta.uid).collect(),
            DeploymentStrategy::RollingUpdate { .. } => BTreeSet::new(),
        };
        Some(Input { deployment, candidates, with_pods })
    }
}

/// One sync of one Deployment.
struct Rollout<'a, 'b> {
    /// The working copy.
    deployment: Deployment,
    /// ReplicaSets of the Deployment as they were when the sync began, oldest first.
    sets: Vec<Arc<ReplicaSet>>,
    with_pods: &'a BTreeSet<Uid>,
    io: Retrace<'a, 'b>,
}

/// The ReplicaSets of a Deployment by revision.
#[derive(Clone)]
struct Revisions {
    /// The one of the current template, if it is there.
    new: Option<Arc<ReplicaSet>>,
    /// All others, oldest first.
    old: Vec<Arc<ReplicaSet>>,
}

impl Revisions {
    /// Old ones, oldest first, then the new one.
    fn all(&self) -> impl Iterator<Item = &Arc<ReplicaSet>> {
        self.old.iter().chain(&self.new)
    }
}

/// What a sync ends with: whether to look again if nothing changes until then.
type Outcome = Result<End, Halt>;

impl<'a, 'b> Rollout<'a, 'b> {
    /// `syncDeployment`.
    fn sync(input: &'a Input, io: Retrace<'a, 'b>) -> Outcome {
        let deployment = (*input.deployment).clone();
        if deployment.spec.selector.is_empty() {
            return Ok(End::Done);
        }
        let mut rollout = Rollout { deployment, sets: Vec::new(), with_pods: &input.with_pods, io };
        rollout.claim(&input.candidates)?;
        if rollout.deployment.meta.is_terminating() {
            let revisions = rollout.revisions(false)?;
            return rollout.write_status(&revisions);
        }
        rollout.note_pause()?;
        if rollout.deployment.spec.paused {
            return rollout.scale();
        }
        if let Some(revision) = rollback::asked(&rollout.deployment.meta) {
            return rollout.roll_back(revision);
        }
        if rollout.is_scaling_event()? {
            return rollout.scale();
        }
        match rollout.deployment.spec.strategy {
            DeploymentStrategy::Recreate => rollout.recreate(),
            DeploymentStrategy::RollingUpdate { .. } => rollout.roll(),
        }
    }

    /// Keeps, adopts and releases ReplicaSets, in the order of their names.
    fn claim(&mut self, candidates: &[Arc<ReplicaSet>]) -> Result<(), Halt> {
        let owner = self.deployment.clone();
        let mut may_adopt = None;
        let mut has_failed = false;
        for set in candidates {
            let claim = ownership::claim(&owner.meta, &owner.spec.selector, [set.clone()]);
            self.sets.extend(claim.kept);
            for set in claim.to_release {
                let reply = self.io.call(ownership::release(&owner.meta, &*set))?;
                has_failed |= !ownership::is_released(reply);
            }
            for set in claim.to_adopt {
                let may = match may_adopt {
                    Some(may) => may,
                    None => ownership::may_adopt(&owner.meta, self.io.call(ownership::read(&owner))?),
                };
                may_adopt = Some(may);
                match may.then(|| self.io.call(ownership::adoption(&owner, &*set))).transpose()? {
                    Some(Reply::Done(_)) => self.sets.push(set),
                    Some(reply) if reply.is_not_found() => {}
                    _ => has_failed = true,
                }
            }
        }
        self.sets.sort_by(|a, b| sets::age_order(a, b));
        if has_failed { Err(Halt::Failed) } else { Ok(()) }
    }

    /// Writes the working copy's status. The copy keeps its version.
    fn put_status(&mut self) -> Result<bool, Halt> {
        Ok(self.io.call(Request::update_status(self.deployment.clone()))?.is_ok())
    }

    /// The same, where a failure ends the sync.
    fn put_status_or_fail(&mut self) -> Result<(), Halt> {
        if self.put_status()? { Ok(()) } else { Err(Halt::Failed) }
    }

    fn event(&mut self, reason: &str, note: String) {
        self.io.event(EventAbout::normal(&self.deployment, REPORTER), reason, note);
    }

    fn warning(&mut self, reason: &str, note: String) {
        self.io.event(EventAbout::warning(&self.deployment, REPORTER), reason, note);
    }
}

#[cfg(test)]
mod story;
#[cfg(test)]
mod tests;
