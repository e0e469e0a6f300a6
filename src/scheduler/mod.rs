//! Layer 4: kube-scheduler.
//!
//! Changes of nodes and pods come in; pods wait in the [`queue`]; one at a time is tried against the [`table`] of nodes
//! that the [`cache`] keeps, by the [`plugins`] of a [`profile`]; bind requests go out. What it knows it knows from its
//! informers: it has no view of kubelets, machines or other programs.
//!
//! Source: `pkg/scheduler/{scheduler,schedule_one,eventhandlers}.go`, v1.36. A pod is tried on the nodes as they are when
//! it is popped, and what follows happens a [`SchedulingCycle`](crate::object::DelayId::SchedulingCycle) later; the patch of an unschedulable pod's
//! condition blocks the loop until it is answered, as upstream's does; bindings run beside it.
//!
//! Left out: preemption (an unschedulable pod says what upstream says when no pod has a lower priority, see
//! [`plugins::DefaultPreemption`]) and with it nominated pods, waiting in permit, repeating a failed patch, extenders,
//! pod groups, more than one profile, and the default plugins that are not in [`profile::REGISTRY`].
//!
//! Reading order: this file, [`decide`], [`cycle`], [`plugin`], [`plugins`], [`queue`].

pub mod decide;

pub mod cycle;
pub mod diagnosis;
pub mod evaluation;
pub mod window;

pub mod erased;
pub mod plugin;
pub mod plugins;
pub mod profile;

pub mod cache;
pub mod default_selector;
pub mod event;
pub mod kept_scores;
pub mod node_labels;
pub mod queue;
pub mod table;
pub mod tally;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use cache::Cache;
pub use default_selector::{DefaultSelectors, default_selector};
pub use evaluation::{Evaluation, evaluate};
pub use profile::Profile;
pub use table::{NodeTable, PodInfo};

use crate::apiserver::{Change, Reply};
use crate::kernel::time::{Span, Time};
use crate::object::{Clock, Kind, Node, Pod, ReplicaSet, Service, SettingId, Strategy, Timestamp};
use crate::program::{ClientLimit, Context, Program, Ticket, Timer};
use cycle::Scratch;
use decide::{Binding, Stage};
use event::{ClusterEvent, Resource, node_updates, pod_updates};
use queue::{Moment, Queue};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Upstream's name, and who it says it is in events.
const NAME: &str = "kube-scheduler";
const REPORTER: &str = "default-scheduler";

const CYCLE: Timer = Timer::new(0);
const FLUSH_BACKOFF: Timer = Timer::new(1);
const FLUSH_UNSCHEDULABLE: Timer = Timer::new(2);

/// The scheduler.
#[derive(Clone, Default)]
pub struct Scheduler {
    profile: Profile,
    queue: Queue,
    cache: Cache,
    selectors: DefaultSelectors,
    scratch: Scratch,
    /// Row from which the next cycle looks at nodes.
    next_start: usize,
    stage: Stage,
    bindings: BTreeMap<Ticket, Binding>,
    tickets: u64,
    /// When the timers go off that are set, earliest.
    backoff_flush_at: Option<Time>,
    unschedulable_flush_at: Option<Time>,
}

impl Scheduler {
    /// A scheduler with the default profile.
    pub fn new() -> Scheduler {
        Scheduler::default()
    }

    /// A scheduler with this profile.
    pub fn with_profile(profile: Profile) -> Scheduler {
        Scheduler { profile, ..Scheduler::default() }
    }

    /// Pods that wait: active, in back-off, unschedulable.
    pub fn waiting(&self) -> [usize; 3] {
        self.queue.counts()
    }

    fn on_node(&mut self, old: Option<&Arc<Node>>, new: Option<&Arc<Node>>, cx: &Context<'_>) {
        let moment = moment(&self.profile, cx);
        match (old, new) {
            (None, Some(new)) => {
                self.cache.add_node(new.clone());
                self.queue.on_event(ClusterEvent::added(Resource::Node, new), None, &moment);
            }
            (Some(old), Some(new)) => {
                self.cache.update_node(new.clone());
                for event in node_updates(old, new) {
                    self.queue.on_event(event, None, &moment);
                }
            }
            (Some(old), None) => {
                self.queue.on_event(ClusterEvent::deleted(Resource::Node, old), None, &moment);
                self.cache.remove_node(old.meta.name());
            }
            (None, None) => {}
        }
    }

    /// `old` and `new` as the scheduler's informer shows them: without pods that have ended.
    fn on_pod(&mut self, old: Option<&Arc<Pod>>, new: Option<&Arc<Pod>>, cx: &Context<'_>) {
        let moment = moment(&self.profile, cx);
        match (old, new) {
            (Some(old), Some(new)) if old.meta.uid != new.meta.uid => {
                self.on_pod(Some(old), None, cx);
                self.on_pod(None, Some(new), cx);
            }
            (Some(old), Some(new)) if is_bound(old) => {
                self.cache.add_pod(new);
                for event in pod_updates(old, new) {
                    self.queue.on_event(event, None, &moment);
                }
            }
            (_, Some(new)) if is_bound(new) => {
                self.queue.delete(&new.meta.key);
                self.cache.add_pod(new);
                self.queue.on_event(ClusterEvent::added(Resource::Pod, new), None, &moment);
            }
            (Some(old), Some(new)) if self.cache.is_assumed(new.meta.uid) => {
                if new.meta.is_terminating() && !old.meta.is_terminating() {
                    Self::give_up(&mut self.cache, &mut self.queue, new, &moment);
                }
            }
            (Some(old), Some(new)) => {
                if is_ours(new) {
                    self.queue.update(old, new, &moment);
                }
            }
            (None, Some(new)) => {
                if is_ours(new) {
                    self.queue.add(Arc::new(PodInfo::new(new.clone())), &moment);
                }
            }
            (Some(old), None) if is_bound(old) => {
                self.cache.remove_pod(old.meta.uid);
                self.queue.on_event(ClusterEvent::deleted(Resource::Pod, old), None, &moment);
            }
            (Some(old), None) => {
                self.queue.delete(&old.meta.key);
                Self::give_up(&mut self.cache, &mut self.queue, old, &moment);
            }
            (None, None) => {}
        }
    }

    /// Something changed that pods are spread by: its selector matters, if anything.
    fn on_selector<K: Strategy, S: PartialEq>(&mut self, change: &Change, selector: impl Fn(&K) -> &S) {
        let of = |object: Option<&Arc<K>>| object.cloned();
        let (old, new) = (of(change.before()), of(change.after()));
        if old.as_deref().map(&selector) != new.as_deref().map(&selector) {
            self.selectors.forget();
        }
    }

    /// A pod whose binding goes on is being deleted: what it was to take is free for others (`handleAssumedPodDeletion`).
    fn give_up(cache: &mut Cache, queue: &mut Queue, pod: &Arc<Pod>, moment: &Moment<'_>) {
        let Some(node) = cache.assumed_node(pod.meta.uid).cloned() else { return };
        cache.forget(pod.meta.uid);
        let assumed = Arc::new(Pod { node_name: node, ..Pod::clone(pod) });
        queue.on_event(ClusterEvent::deleted(Resource::Pod, &assumed), None, moment);
    }

    /// Goes on with whatever can go on, and sets the timers of the queue.
    fn proceed(&mut self, cx: &mut Context<'_>) {
        self.try_next(cx);
        if let Some(end) = self.queue.next_backoff_end() {
            let at = backoff_flush(end, cx.clock, cx.span(SettingId::BackoffFlushPeriod));
            if self.backoff_flush_at.is_none_or(|set| at < set) {
                self.backoff_flush_at = Some(at);
                cx.wake_owned(at.since(cx.now), FLUSH_BACKOFF, SettingId::PodInitialBackoff);
            }
        }
        // Whoever comes later is due later: a timer that is set is early enough.
        if let Some(oldest) = self.queue.oldest_unschedulable().filter(|_| self.unschedulable_flush_at.is_none()) {
            let period = cx.span(SettingId::UnschedulableFlushPeriod);
            let due = oldest + cx.span(SettingId::PodMaxInUnschedulablePods);
            let at = next_round(due.max(cx.now), cx.phase("kube-scheduler/flush-unschedulable", period), period);
            self.unschedulable_flush_at = Some(at);
            cx.wake_owned(at.since(cx.now), FLUSH_UNSCHEDULABLE, SettingId::PodMaxInUnschedulablePods);
        }
    }
}

/// Now, by the rules of `profile`.
fn moment<'a>(profile: &'a Profile, cx: &Context<'a>) -> Moment<'a> {
    Moment { now: cx.now, clock: cx.clock, settings: cx.settings, judge: profile, cause: cx.cause }
}

fn is_bound(pod: &Pod) -> bool {
    !pod.node_name.is_empty()
}

/// Whether this scheduler is asked to place the pod.
fn is_ours(pod: &Pod) -> bool {
    pod.spec.scheduler_name.is_empty() || pod.spec.scheduler_name == REPORTER
}

/// The first flush of the back-off queues after the whole second `end`: upstream's are on multiples of their period.
fn backoff_flush(end: Timestamp, clock: Clock, period: Span) -> Time {
    let at = clock.time_of(end.plus_seconds(1));
    let late = clock.micro_time(at).0 as u64 % period.as_micros().max(1);
    if late == 0 { at } else { at + Span::from_micros(period.as_micros() - late) }
}

/// The first round after `due` of a loop that comes round every `period` at `phase`.
fn next_round(due: Time, phase: Span, period: Span) -> Time {
    let period = period.as_micros().max(1);
    let phase = phase.as_micros() % period;
    Time::from_micros((due.as_micros() + period - phase) / period * period + phase)
}

impl Program for Scheduler {
    fn name(&self) -> &'static str {
        NAME
    }

    /// Pods last: at the start, no pod is tried before the rest is known.
    fn watches(&self) -> &'static [Kind] {
        &[Kind::Node, Kind::Service, Kind::ReplicaSet, Kind::Pod]
    }

    fn limit(&self) -> Option<ClientLimit> {
        Some(ClientLimit { qps: SettingId::SchedulerQps, burst: SettingId::SchedulerBurst })
    }

    fn has_event_series(&self) -> bool {
        true
    }

    fn on_start(&mut self, _cx: &mut Context<'_>) {}

    fn on_changes(&mut self, kind: Kind, changes: &[Change], cx: &mut Context<'_>) {
        let cause = cx.cause;
        for change in changes {
            cx.cause = change.cause;
            match kind {
                Kind::Node => self.on_node(change.before(), change.after(), cx),
                Kind::Service => self.on_selector::<Service, _>(change, |service| &service.selector),
                Kind::ReplicaSet => self.on_selector::<ReplicaSet, _>(change, |set| &set.spec.selector),
                _ => {
                    let shown = |pod: &&Arc<Pod>| !pod.status.phase.is_terminal();
                    self.on_pod(change.before().filter(shown), change.after().filter(shown), cx);
                }
            }
        }
        cx.cause = cause;
        self.proceed(cx);
    }

    fn on_reply(&mut self, ticket: Ticket, reply: &Reply, cx: &mut Context<'_>) {
        self.take_reply(ticket, reply, cx);
        self.proceed(cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        let moment = moment(&self.profile, cx);
        match timer {
            CYCLE => self.decide(cx),
            FLUSH_BACKOFF => {
                self.backoff_flush_at = self.backoff_flush_at.filter(|&at| at > cx.now);
                self.queue.flush_backoff(&moment);
            }
            FLUSH_UNSCHEDULABLE => {
                self.unschedulable_flush_at = self.unschedulable_flush_at.filter(|&at| at > cx.now);
                self.queue.flush_unschedulable(&moment);
            }
            other => panic!("{other:?} is none of the scheduler's timers"),
        }
        self.proceed(cx);
    }

    fn boxed_clone(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
