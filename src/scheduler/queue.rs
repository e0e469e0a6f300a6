//! Pods that wait for a node: active, in back-off, unschedulable.
//!
//! Source: `pkg/scheduler/backend/queue/{scheduling_queue,active_queue,backoff_queue}.go`, v1.36. Order of the active
//! pods: priority, then the time of the last failure (or of arrival), then the order in which they came. Left out: the
//! nominator (comes with preemption), forced activation, and pods that their plugins ask to wait ("pending").

use super::event::{ClusterEvent, pod_updates};
use super::profile::PluginSet;
use super::table::PodInfo;
use crate::kernel::time::{Span, Time};
use crate::object::{Clock, FactId, Key, Pod, SettingId, Settings, Timestamp, Uid};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Who decides about pods in the queue: the profile.
pub trait Judge {
    /// The plugin that does not let `pod` be tried.
    fn gate(&self, pod: &PodInfo) -> Option<u8>;

    /// Whether any plugin wants to hear of `event`.
    fn is_interesting(&self, event: &ClusterEvent) -> bool;

    /// Whether `event` may let in a pod that the plugins `blamed` refused.
    fn may_help(&self, blamed: PluginSet, pod: &PodInfo, event: &ClusterEvent) -> bool;
}

/// When something happens to the queue, and by whose rules.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// Simulated time.
    pub now: Time,
    /// Back-off ends on whole seconds of the date.
    pub clock: Clock,
    /// Settings of the run.
    pub settings: &'a Settings,
    /// Who decides.
    pub judge: &'a dyn Judge,
    /// The fact that is being handled.
    pub cause: FactId,
}

/// A pod in the queue.
#[derive(Clone, Debug)]
pub struct QueuedPod {
    /// The pod.
    pub info: Arc<PodInfo>,
    /// When it was first added, or last failed.
    pub timestamp: Time,
    /// How often it was tried.
    pub attempts: u64,
    /// How often plugins refused it.
    pub refusals: u32,
    /// How often it failed in a row for other reasons.
    pub errors: u32,
    /// Who refused it last.
    pub blamed: PluginSet,
    /// Who does not let it be tried.
    pub gate: Option<u8>,
    /// The latest fact that gave it a chance.
    pub cause: FactId,
    /// The setting that made it wait after that.
    pub owner: Option<SettingId>,
    order: u64,
}

impl QueuedPod {
    fn key(&self) -> &Key {
        &self.info.pod.meta.key
    }

    fn rank(&self) -> Rank {
        (Reverse(self.info.pod.priority()), self.timestamp, self.order, self.key().clone())
    }

    /// The whole second in which its back-off ends; none if it never failed.
    fn backoff_until(&self, moment: &Moment<'_>) -> Option<Timestamp> {
        let failures = if self.errors > 0 { self.errors } else { self.refusals };
        let length = backoff(failures.checked_sub(1)?, moment.settings);
        Some(moment.clock.timestamp(self.timestamp + length))
    }

    /// The setting that owns the length of its back-off.
    fn owner_of_backoff(&self, settings: &Settings) -> SettingId {
        let failures = if self.errors > 0 { self.errors } else { self.refusals };
        let length = backoff(failures.saturating_sub(1), settings);
        if length == settings.span(SettingId::PodMaxBackoff) {
            SettingId::PodMaxBackoff
        } else {
            SettingId::PodInitialBackoff
        }
    }

    fn is_backing_off(&self, moment: &Moment<'_>) -> bool {
        self.backoff_until(moment).is_some_and(|until| until >= moment.clock.timestamp(moment.now))
    }
}

/// Length of the back-off after one failure and `more`.
fn backoff(more: u32, settings: &Settings) -> Span {
    let longest = settings.span(SettingId::PodMaxBackoff);
    let mut length = settings.span(SettingId::PodInitialBackoff);
    for _ in 0..more {
        if length >= longest.saturating_sub(length) {
            return longest;
        }
        length = length + length;
    }
    length.min(longest)
}

type Rank = (Reverse<i32>, Time, u64, Key);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Active(Rank),
    Backoff(Timestamp, Rank),
    ErrorBackoff(Timestamp, u64),
    Unschedulable,
}

/// The queue.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    pods: BTreeMap<Key, (QueuedPod, Place)>,
    active: BTreeSet<Rank>,
    backoff: BTreeSet<(Timestamp, Rank)>,
    error_backoff: BTreeSet<(Timestamp, u64, Key)>,
    unschedulable: BTreeSet<Key>,
    /// Those of them that no plugin keeps from being tried, longest waiting first.
    waiting_since: BTreeSet<(Time, Key)>,
    /// Pods that are being tried, with the number of the first event since.
    in_flight: BTreeMap<Uid, u64>,
    /// With the facts that they follow from.
    events: VecDeque<(ClusterEvent, FactId)>,
    first_event: u64,
    added: u64,
}

impl Queue {
    /// A new pod.
    pub fn add(&mut self, info: Arc<PodInfo>, moment: &Moment<'_>) {
        self.delete(&info.pod.meta.key);
        let pod = QueuedPod {
            info,
            timestamp: moment.now,
            attempts: 0,
            refusals: 0,
            errors: 0,
            blamed: PluginSet::default(),
            gate: None,
            cause: moment.cause,
            owner: None,
            order: 0,
        };
        self.activate(pod, moment);
    }

    /// A pod without a node changed; if it waits for that, it may be tried again.
    pub fn update(&mut self, old: &Arc<Pod>, new: &Arc<Pod>, moment: &Moment<'_>) {
        if self.in_flight.contains_key(&new.meta.uid) {
            self.events.extend(pod_updates(old, new).into_iter().map(|event| (event, moment.cause)));
            return;
        }
        let Some((mut pod, place)) = self.take(&new.meta.key) else {
            return self.add(Arc::new(PodInfo::new(new.clone())), moment);
        };
        pod.info = Arc::new(pod.info.with(new));
        let place = match place {
            Place::Unschedulable if pod_updates(old, new).iter().any(|event| helps(&pod, event, moment)) => {
                pod.cause = moment.cause;
                return self.retry(pod, moment);
            }
            Place::Active(_) => Place::Active(pod.rank()),
            Place::Backoff(until, _) => Place::Backoff(until, pod.rank()),
            other => other,
        };
        self.put(pod, place);
    }

    /// A pod is gone, or has a node.
    pub fn delete(&mut self, key: &Key) {
        self.take(key);
    }

    /// The next pod to be tried. With nothing active, one that plugins refused need not sit out its back-off.
    pub fn pop(&mut self) -> Option<QueuedPod> {
        let next = self.active.first().or_else(|| self.backoff.first().map(|(_, rank)| rank))?;
        let key = next.3.clone();
        let (mut pod, _) = self.take(&key)?;
        pod.attempts += 1;
        pod.blamed = PluginSet::default();
        pod.gate = None;
        self.in_flight.insert(pod.info.pod.meta.uid, self.first_event + self.events.len() as u64);
        Some(pod)
    }

    /// A pod that was tried needs no events any more.
    pub fn done(&mut self, uid: Uid) {
        self.in_flight.remove(&uid);
        let next = self.first_event + self.events.len() as u64;
        let wanted = self.in_flight.values().copied().min().unwrap_or(next);
        self.events.drain(..(wanted - self.first_event) as usize);
        self.first_event = wanted;
    }

    /// A pod found no node: if plugins refused it ([`QueuedPod::blamed`]) it waits for an event that may help, be it one
    /// since it was popped; otherwise it backs off.
    pub fn requeue(&mut self, mut pod: QueuedPod, moment: &Moment<'_>) {
        (pod.timestamp, pod.owner) = (moment.now, None);
        let uid = pod.info.pod.meta.uid;
        if pod.blamed.is_empty() {
            pod.errors += 1;
            self.retry(pod, moment);
        } else {
            pod.errors = 0;
            pod.refusals += 1;
            let since = self.in_flight.get(&uid).map_or(self.events.len(), |since| (since - self.first_event) as usize);
            if let Some((_, cause)) = self.events.range(since..).find(|(event, _)| helps(&pod, event, moment)) {
                pod.cause = *cause;
                self.retry(pod, moment);
            } else {
                self.put(pod, Place::Unschedulable);
            }
        }
        self.done(uid);
    }

    /// Something happened: pods that it may help are tried again after their back-off. `except` is left where it is.
    pub fn on_event(&mut self, event: ClusterEvent, except: Option<Uid>, moment: &Moment<'_>) {
        if !moment.judge.is_interesting(&event) {
            return;
        }
        let helped: Vec<Key> = self
            .unschedulable
            .iter()
            .filter(|key| {
                let pod = &self.pods[*key].0;
                Some(pod.info.pod.meta.uid) != except && helps(pod, &event, moment)
            })
            .cloned()
            .collect();
        for key in helped {
            self.take_and_retry(&key, moment);
        }
        if !self.in_flight.is_empty() {
            self.events.push_back((event, moment.cause));
        }
    }

    /// Pods whose back-off is over become active.
    pub fn flush_backoff(&mut self, moment: &Moment<'_>) {
        let now = moment.clock.timestamp(moment.now);
        while let Some((_, rank)) = self.backoff.first().filter(|(until, _)| *until < now) {
            let key = rank.3.clone();
            self.take_and_activate(&key, moment);
        }
        while let Some((_, _, key)) = self.error_backoff.first().filter(|(until, ..)| *until < now) {
            let key = key.clone();
            self.take_and_activate(&key, moment);
        }
    }

    /// Pods that have waited too long for an event are tried again.
    pub fn flush_unschedulable(&mut self, moment: &Moment<'_>) {
        let longest = moment.settings.span(SettingId::PodMaxInUnschedulablePods);
        let is_due = |since: &Time| moment.now.since(*since) > longest;
        while let Some((_, key)) = self.waiting_since.first().filter(|(since, _)| is_due(since)) {
            let key = key.clone();
            let (mut pod, _) = self.take(&key).expect("it was just seen");
            pod.owner = Some(SettingId::PodMaxInUnschedulablePods);
            self.retry(pod, moment);
        }
    }

    /// The whole second in which a back-off ends next.
    pub fn next_backoff_end(&self) -> Option<Timestamp> {
        let refused = self.backoff.first().map(|(until, _)| *until);
        let failed = self.error_backoff.first().map(|(until, ..)| *until);
        refused.into_iter().chain(failed).min()
    }

    /// Since when the pod waits that has waited longest for an event.
    pub fn oldest_unschedulable(&self) -> Option<Time> {
        self.waiting_since.first().map(|(since, _)| *since)
    }

    /// Pods by place: active, in back-off, unschedulable.
    pub fn counts(&self) -> [usize; 3] {
        [self.active.len(), self.backoff.len() + self.error_backoff.len(), self.unschedulable.len()]
    }

    fn take_and_retry(&mut self, key: &Key, moment: &Moment<'_>) {
        let (mut pod, _) = self.take(key).expect("it was just seen");
        pod.cause = moment.cause;
        self.retry(pod, moment);
    }

    fn take_and_activate(&mut self, key: &Key, moment: &Moment<'_>) {
        let (pod, _) = self.take(key).expect("it was just seen");
        self.activate(pod, moment);
    }

    /// Back-off, or active if that is over.
    fn retry(&mut self, mut pod: QueuedPod, moment: &Moment<'_>) {
        let until = pod.backoff_until(moment).filter(|_| pod.is_backing_off(moment));
        if until.is_some() {
            pod.owner = Some(pod.owner_of_backoff(moment.settings));
        }
        match until {
            None => self.activate(pod, moment),
            Some(until) if pod.errors > 0 => {
                self.added += 1;
                let place = Place::ErrorBackoff(until, self.added);
                self.put(pod, place);
            }
            Some(until) => {
                let place = Place::Backoff(until, pod.rank());
                self.put(pod, place);
            }
        }
    }

    fn activate(&mut self, mut pod: QueuedPod, moment: &Moment<'_>) {
        pod.gate = moment.judge.gate(&pod.info);
        if let Some(plugin) = pod.gate {
            pod.blamed.insert(plugin);
            return self.put(pod, Place::Unschedulable);
        }
        self.added += 1;
        pod.order = self.added;
        let rank = pod.rank();
        self.put(pod, Place::Active(rank));
    }

    fn put(&mut self, pod: QueuedPod, place: Place) {
        let key = pod.key().clone();
        match &place {
            Place::Active(rank) => self.active.insert(rank.clone()),
            Place::Backoff(until, rank) => self.backoff.insert((*until, rank.clone())),
            Place::ErrorBackoff(until, order) => self.error_backoff.insert((*until, *order, key.clone())),
            Place::Unschedulable => {
                if pod.gate.is_none() {
                    self.waiting_since.insert((pod.timestamp, key.clone()));
                }
                self.unschedulable.insert(key.clone())
            }
        };
        assert!(self.pods.insert(key, (pod, place)).is_none(), "a pod is queued once");
    }

    fn take(&mut self, key: &Key) -> Option<(QueuedPod, Place)> {
        let (pod, place) = self.pods.remove(key)?;
        match &place {
            Place::Active(rank) => self.active.remove(rank),
            Place::Backoff(until, rank) => self.backoff.remove(&(*until, rank.clone())),
            Place::ErrorBackoff(until, order) => self.error_backoff.remove(&(*until, *order, key.clone())),
            Place::Unschedulable => {
                self.waiting_since.remove(&(pod.timestamp, key.clone()));
                self.unschedulable.remove(key)
            }
        };
        Some((pod, place))
    }
}

/// Whether `event` may let in a pod. Nobody refused it: every event may.
fn helps(pod: &QueuedPod, event: &ClusterEvent, moment: &Moment<'_>) -> bool {
    pod.blamed.is_empty() || moment.judge.may_help(pod.blamed, &pod.info, event)
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
