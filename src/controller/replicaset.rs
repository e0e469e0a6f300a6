//! The ReplicaSet controller: as many pods as wanted, no more, no fewer.
//!
//! Source: `pkg/controller/replicaset/replica_set.go`, `pkg/controller/controller_utils.go` (`RealPodControl`),
//! v1.36. Left out: ReplicationControllers, resync, terminating namespaces.

mod claims;
mod status;
mod victims;

use super::ownership;
use crate::apiserver::{Change, Reply, Request};
use crate::kernel::time::{Span, Time};
use crate::object::replicaset::ReplicaSetStatus;
use crate::object::{Key, Kind, Meta, Name, Pod, ReplicaSet, SettingId, Strategy};
use crate::program::consistency::Writes;
use crate::program::expectations::Expectations;
use crate::program::reconcile::Enqueue;
use crate::program::{Caches, Context, EventAbout, Reconcile, Step};
use claims::Claims;
use std::collections::BTreeSet;
use std::sync::Arc;
use victims::Moment;

const REPORTER: &str = "replicaset-controller";

/// The controller. Its memory: what it expects to see, what it has written, and which pods have no controller.
#[derive(Clone, Default)]
pub struct ReplicaSetController {
    expectations: Expectations,
    writes: Writes,
    orphans: BTreeSet<Key>,
}

/// What a sync remembers between its requests.
#[derive(Clone, Default)]
pub struct State(Option<(Box<Work>, Phase)>);

#[derive(Clone)]
struct Work {
    /// As the cache had it when the sync began.
    set: Arc<ReplicaSet>,
    /// Whether pods may be created and deleted: all that was expected had been seen.
    may_manage: bool,
    active: Vec<Arc<Pod>>,
    terminating: usize,
    /// What went wrong first among the creations or deletions.
    failure: Option<String>,
    /// When the status was made up.
    judged: Time,
}

/// Which replies a sync waits for.
#[derive(Clone)]
enum Phase {
    /// Adoptions and releases, one after the other.
    Claims(Claims),
    /// A batch of creations, with how many are to follow it.
    Creations { requests: Vec<Request>, left: usize },
    /// Deletions of these.
    Deletions { victims: Vec<Arc<Pod>> },
    /// The status written; a second failure is final.
    Written { status: ReplicaSetStatus, is_retry: bool },
    /// The live ReplicaSet, to write the status again.
    Reread { status: ReplicaSetStatus },
}

impl Reconcile for ReplicaSetController {
    const NAME: &'static str = "replicaset-controller";
    const WATCHES: &'static [Kind] = &[Kind::ReplicaSet, Kind::Pod];
    const WORKERS: SettingId = SettingId::ReplicaSetSyncs;
    type State = State;

    fn keys(&mut self, change: &Change, cx: &Context<'_>, enqueue: &mut Enqueue) {
        match change.kind() {
            Kind::ReplicaSet => self.set_changed(change, enqueue),
            _ => self.pod_changed(change, cx.caches, enqueue),
        }
    }

    fn step(&mut self, key: &Key, state: State, replies: &[Reply], cx: &mut Context<'_>) -> Step<State> {
        match state.0 {
            None => self.begin(key, cx),
            Some((work, waited_for)) => self.go_on(work, waited_for, replies, cx),
        }
    }

    fn answered(&self, state: &State, index: usize, reply: &Reply, cx: &mut Context<'_>) {
        let Some((work, waited_for)) = &state.0 else { return };
        let normal = EventAbout::normal(&*work.set, REPORTER);
        let warning = EventAbout::warning(&*work.set, REPORTER);
        match (waited_for, reply) {
            (Phase::Creations { .. }, Reply::Done(pod)) => {
                cx.event(normal, "SuccessfulCreate", format!("Created pod: {}", pod.key().name));
            }
            (Phase::Creations { requests, .. }, Reply::Error(error)) => {
                cx.event(warning, "FailedCreate", format!("Error creating: {}", error.message(&requests[index])));
            }
            (Phase::Deletions { victims }, Reply::Done(_)) => {
                cx.event(normal, "SuccessfulDelete", format!("Deleted pod: {}", victims[index].meta.name()));
            }
            (Phase::Deletions { victims }, Reply::Error(error)) if !reply.is_not_found() => {
                let request = Request::delete(Kind::Pod, victims[index].meta.key.clone());
                cx.event(warning, "FailedDelete", format!("Error deleting: {}", error.message(&request)));
            }
            _ => {}
        }
    }
}

impl ReplicaSetController {
    fn set_changed(&mut self, change: &Change, enqueue: &mut Enqueue) {
        let (old, new) = (change.before::<ReplicaSet>(), change.after::<ReplicaSet>());
        if let Some(gone) = old.filter(|old| new.is_none_or(|new| new.meta.uid != old.meta.uid)) {
            self.expectations.forget(change.key());
            self.writes.forget(&gone.meta);
        }
        enqueue.add(change.key().clone());
    }

    fn pod_changed(&mut self, change: &Change, caches: &Caches, enqueue: &mut Enqueue) {
        match change.after::<Pod>() {
            Some(pod) if pod.meta.controller().is_none() => self.orphans.insert(change.key().clone()),
            _ => self.orphans.remove(change.key()),
        };
        match (change.before::<Pod>(), change.after::<Pod>()) {
            (old, Some(new)) if new.meta.is_terminating() => {
                self.pod_going(new, caches, enqueue);
                if let Some(old) = old.filter(|old| old.meta.labels != new.meta.labels) {
                    self.pod_going(old, caches, enqueue);
                }
            }
            (Some(old), None) => self.pod_going(old, caches, enqueue),
            (None, Some(new)) => self.pod_added(new, caches, enqueue),
            (Some(old), Some(new)) => pod_updated(old, new, caches, enqueue),
            (None, None) => {}
        }
    }

    fn pod_added(&mut self, pod: &Pod, caches: &Caches, enqueue: &mut Enqueue) {
        if pod.meta.controller().is_none() {
            enqueue_matching(pod, caches, enqueue);
        } else if let Some(set) = ownership::controller_of::<ReplicaSet>(caches, &pod.meta) {
            self.expectations.creation_observed(&set.meta.key);
            enqueue.add(set.meta.key.clone());
        }
    }

    /// Deleted, or about to be: either is the deletion that was expected.
    fn pod_going(&mut self, pod: &Pod, caches: &Caches, enqueue: &mut Enqueue) {
        if let Some(set) = ownership::controller_of::<ReplicaSet>(caches, &pod.meta) {
            self.expectations.deletion_observed(&set.meta.key, &pod.meta.key);
            enqueue.add(set.meta.key.clone());
        }
    }

    fn begin(&mut self, key: &Key, cx: &mut Context<'_>) -> Step<State> {
        if !self.writes.are_read(key, cx.caches) {
            return Step::Retry;
        }
        let Some(set) = cx.caches.get::<ReplicaSet>(key).cloned() else {
            self.expectations.forget(key);
            return Step::Done;
        };
        let may_manage = self.expectations.satisfied(key, cx.span(SettingId::ExpectationsTimeout), cx.now)
            && !set.meta.is_terminating();
        let pods = self.candidates(&set, cx.caches);
        let is_mine = |pod: &Pod| {
            let owner = pod.meta.controller().map(|owner| owner.uid);
            owner == Some(set.meta.uid) && set.spec.selector.matches(&pod.meta.labels)
        };
        let is_ending = |pod: &Pod| pod.meta.is_terminating() && !pod.status.phase.is_terminal();
        let terminating = pods.iter().filter(|pod| is_ending(pod) && is_mine(pod)).count();
        let active = pods.into_iter().filter(|pod| pod.is_active());
        let claim = ownership::claim(&set.meta, &set.spec.selector, active);
        let claims = Claims::new(claim.to_adopt, claim.to_release);
        let active = claim.kept;
        self.claim(Box::new(Work { set, may_manage, active, terminating, failure: None, judged: cx.now }), claims, cx)
    }

    /// Pods that the ReplicaSet owns or might adopt, in the order of their names.
    fn candidates(&self, set: &ReplicaSet, caches: &Caches) -> Vec<Arc<Pod>> {
        let own = caches.table(Kind::Pod).controlled_by(set.meta.uid);
        let mut pods: Vec<_> = own.chain(self.orphans_of(set, caches)).cloned().collect();
        pods.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
        pods
    }

    fn go_on(
        &mut self,
        mut work: Box<Work>,
        waited_for: Phase,
        replies: &[Reply],
        cx: &mut Context<'_>,
    ) -> Step<State> {
        match waited_for {
            Phase::Claims(mut claims) => {
                let claimed = claims.answered(&work.set.meta, &replies[0]);
                if let (Some(_), Reply::Done(pod)) = (&claimed, &replies[0]) {
                    self.writes.wrote(&work.set.meta, pod);
                }
                work.active.extend(claimed.flatten());
                self.claim(work, claims, cx)
            }
            Phase::Creations { requests, left } => self.created(work, &requests, left, replies, cx),
            Phase::Deletions { victims } => self.deleted(work, &victims, replies, cx),
            Phase::Written { status, is_retry } => match &replies[0] {
                Reply::Done(set) => {
                    self.writes.wrote(&work.set.meta, set);
                    finish(&work, &status, cx)
                }
                _ if is_retry => Step::Retry,
                _ => {
                    let read = ownership::read(&*work.set);
                    call(vec![read], work, Phase::Reread { status })
                }
            },
            Phase::Reread { status } => match replies[0].object::<ReplicaSet>() {
                Some(live) => write(live.clone(), work, status, true),
                None => Step::Retry,
            },
        }
    }

    fn claim(&mut self, mut work: Box<Work>, mut claims: Claims, cx: &mut Context<'_>) -> Step<State> {
        if let Some(request) = claims.next(&work.set) {
            return call(vec![request], work, Phase::Claims(claims));
        }
        if claims.has_failed() {
            return Step::Retry;
        }
        work.active.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
        self.manage(work, cx)
    }

    fn manage(&mut self, work: Box<Work>, cx: &mut Context<'_>) -> Step<State> {
        let (have, wanted) = (work.active.len(), usize::try_from(work.set.replicas()).unwrap_or(0));
        let burst = cx.settings.count(SettingId::BurstReplicas);
        let key = &work.set.meta.key;
        if !work.may_manage || have == wanted {
            conclude(work, cx)
        } else if have < wanted {
            let missing = (wanted - have).min(burst);
            self.expectations.expect_creations(key, missing, cx.now);
            let first = missing.min(cx.settings.count(SettingId::SlowStartInitialBatchSize));
            create(work, first, missing - first)
        } else {
            let surplus = (have - wanted).min(burst);
            let crowds = victims::crowds(self.related_pods(&work.set, cx.caches));
            let moment = Moment { now: cx.now, clock: cx.clock };
            let victims = victims::victims(&work.active, &crowds, surplus, moment);
            let keys: Vec<_> = victims.iter().map(|pod| pod.meta.key.clone()).collect();
            self.expectations.expect_deletions(key, keys.iter().cloned(), cx.now);
            let requests = keys.into_iter().map(|key| Request::delete(Kind::Pod, key)).collect();
            call(requests, work, Phase::Deletions { victims })
        }
    }

    fn created(
        &mut self,
        mut work: Box<Work>,
        requests: &[Request],
        left: usize,
        replies: &[Reply],
        cx: &mut Context<'_>,
    ) -> Step<State> {
        for (request, reply) in requests.iter().zip(replies) {
            match reply {
                Reply::Done(pod) => self.writes.wrote(&work.set.meta, pod),
                Reply::Error(error) => {
                    work.failure.get_or_insert_with(|| error.message(request));
                    self.expectations.creation_observed(&work.set.meta.key);
                }
            }
        }
        if work.failure.is_some() {
            // Those that were never tried must not be waited for.
            (0..left).for_each(|_| self.expectations.creation_observed(&work.set.meta.key));
            return conclude(work, cx);
        }
        let next = (2 * requests.len()).min(left);
        if next == 0 { conclude(work, cx) } else { create(work, next, left - next) }
    }

    fn deleted(
        &mut self,
        mut work: Box<Work>,
        victims: &[Arc<Pod>],
        replies: &[Reply],
        cx: &mut Context<'_>,
    ) -> Step<State> {
        for (victim, reply) in victims.iter().zip(replies) {
            let key = &victim.meta.key;
            let Some(error) = reply.error() else { continue };
            self.expectations.deletion_observed(&work.set.meta.key, key);
            if !reply.is_not_found() {
                let text = error.message(&Request::delete(Kind::Pod, key.clone()));
                work.failure.get_or_insert(format!("unable to delete pods: {text}"));
            }
        }
        conclude(work, cx)
    }

    /// Pods that the selectors of all ReplicaSets of the same owner match, for a Deployment those of all its
    /// revisions (`getIndirectlyRelatedPods`). They are looked for among their own pods and those of nobody: the hash
    /// in the selectors of a Deployment's ReplicaSets matches no others.
    fn related_pods<'a>(&self, set: &ReplicaSet, caches: &'a Caches) -> Vec<&'a Arc<Pod>> {
        let Some(owner) = set.meta.controller() else { return Vec::new() };
        let siblings: Vec<_> = caches.table(Kind::ReplicaSet).controlled_by::<ReplicaSet>(owner.uid).collect();
        let pods = caches.table(Kind::Pod);
        let own = siblings.iter().flat_map(|sibling| pods.controlled_by::<Pod>(sibling.meta.uid));
        let related = own.chain(self.orphans_of(set, caches));
        let is_matched =
            |pod: &&Arc<Pod>| siblings.iter().any(|sibling| sibling.spec.selector.matches(&pod.meta.labels));
        related.filter(is_matched).collect()
    }

    /// Pods of nobody in the namespace of `set`, in the order of their names.
    fn orphans_of<'a>(&self, set: &ReplicaSet, caches: &'a Caches) -> impl Iterator<Item = &'a Arc<Pod>> {
        let namespace = set.meta.namespace().clone();
        let from = Key { namespace: namespace.clone(), name: Name::none() };
        let orphans = self.orphans.range(from..).take_while(move |key| key.namespace == namespace);
        orphans.filter_map(|key| caches.table(Kind::Pod).typed::<Pod>(key))
    }
}

fn pod_updated(old: &Pod, new: &Pod, caches: &Caches, enqueue: &mut Enqueue) {
    let is_other_owner = old.meta.controller() != new.meta.controller();
    if is_other_owner && let Some(set) = ownership::controller_of::<ReplicaSet>(caches, &old.meta) {
        enqueue.add(set.meta.key.clone());
    }
    if new.meta.controller().is_none() {
        if is_other_owner || old.meta.labels != new.meta.labels {
            enqueue_matching(new, caches, enqueue);
        }
    } else if let Some(set) = ownership::controller_of::<ReplicaSet>(caches, &new.meta) {
        enqueue.add(set.meta.key.clone());
        if !old.is_ready() && new.is_ready() && set.spec.min_ready_seconds > 0 {
            enqueue.add_after(set.meta.key.clone(), Span::from_secs(set.spec.min_ready_seconds as u64));
        }
    }
}

/// Wakes the ReplicaSets that might adopt an orphan.
fn enqueue_matching(pod: &Pod, caches: &Caches, enqueue: &mut Enqueue) {
    let sets = caches.table(Kind::ReplicaSet).in_namespace::<ReplicaSet>(pod.meta.namespace());
    let matching = sets.filter(|set| !set.spec.selector.is_empty() && set.spec.selector.matches(&pod.meta.labels));
    matching.for_each(|set| enqueue.add(set.meta.key.clone()));
}

/// Sends requests; `phase` says what their replies are.
fn call(requests: Vec<Request>, work: Box<Work>, phase: Phase) -> Step<State> {
    Step::Call(requests, State(Some((work, phase))))
}

/// Creates `count` pods at once, of which `left` more are to follow.
fn create(work: Box<Work>, count: usize, left: usize) -> Step<State> {
    let requests = vec![Request::Create(Arc::new(pod_of(&work.set)).into_object()); count];
    call(requests.clone(), work, Phase::Creations { requests, left })
}

/// A new pod of the ReplicaSet (`GetPodFromTemplate`).
fn pod_of(set: &ReplicaSet) -> Pod {
    let template = &set.spec.template;
    let mut meta = Meta::new(Key { namespace: set.meta.namespace().clone(), name: Name::none() });
    meta.generate_name = format!("{}-", set.meta.name()).into();
    meta.labels = template.labels.clone();
    meta.annotations = template.annotations.clone();
    meta.owners = vec![ownership::controller_ref(set)];
    Pod { meta, spec: template.spec.clone(), ..Pod::default() }
}

/// Writes the status if it says anything new. It counts the pods from before this sync's creations and deletions.
fn conclude(mut work: Box<Work>, cx: &mut Context<'_>) -> Step<State> {
    work.judged = cx.now;
    let moment = Moment { now: cx.now, clock: cx.clock };
    let status = status::status(&work.set, &work.active, work.terminating, work.failure.as_deref(), moment);
    if status == work.set.status {
        return finish(&work, &status, cx);
    }
    write(work.set.clone(), work, status, false)
}

fn write(known: Arc<ReplicaSet>, work: Box<Work>, status: ReplicaSetStatus, is_retry: bool) -> Step<State> {
    let request = Request::update_status(ReplicaSet { status: status.clone(), ..(*known).clone() });
    call(vec![request], work, Phase::Written { status, is_retry })
}

fn finish(work: &Work, status: &ReplicaSetStatus, cx: &Context<'_>) -> Step<State> {
    if work.failure.is_some() {
        return Step::Retry;
    }
    if work.set.spec.min_ready_seconds > 0 && status.ready_replicas != status.available_replicas {
        let judged = Moment { now: work.judged, clock: cx.clock };
        return Step::After(status::recheck(&work.set, &work.active, judged, cx.now));
    }
    Step::Done
}

#[cfg(test)]
mod story;
#[cfg(test)]
mod tests;
