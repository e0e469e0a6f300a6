//! The work queue of controllers: no key twice, none while it is being worked on, delays, back-off.
//!
//! Source: client-go `util/workqueue/{queue,delaying_queue,rate_limiting_queue,default_rate_limiters}.go`, v1.36. Left
//! out: metrics, shutting down. Causes are merged: of several reasons for one run the earliest is kept.

use crate::kernel::bucket::Bucket;
use crate::kernel::time::{Span, Time};
use crate::object::{FactId, Key, SettingId, Settings};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

/// How long a key waits after a failure.
#[derive(Clone, Debug)]
pub struct RateLimiter<K = Key> {
    base: Span,
    max: Span,
    bucket: Bucket,
    failures: BTreeMap<K, u32>,
}

impl<K: Ord + Clone> RateLimiter<K> {
    /// Back-off from `base` doubling to the default maximum, and the default bucket (`DefaultTypedControllerRateLimiter`).
    pub fn new(settings: &Settings, base: SettingId) -> RateLimiter<K> {
        RateLimiter {
            base: settings.span(base),
            max: settings.span(SettingId::WorkqueueBackoffMax),
            bucket: Bucket::new(settings.get(SettingId::WorkqueueQps), settings.get(SettingId::WorkqueueBurst)),
            failures: BTreeMap::new(),
        }
    }

    /// Counts a failure of `key` and says how long it waits: the longer of its back-off and the wait for a token.
    fn when(&mut self, key: &K, now: Time) -> Span {
        let failures = self.failures.entry(key.clone()).or_default();
        let doubled =
            self.base.as_micros().checked_shl(*failures).filter(|&micros| micros >> *failures == self.base.as_micros());
        let backoff = doubled.map_or(self.max, |micros| Span::from_micros(micros).min(self.max));
        *failures += 1;
        let token = self.bucket.reserve(now).map_or(Span::ZERO, |at| at.since(now));
        backoff.max(token)
    }
}

/// A work queue.
#[derive(Clone, Debug)]
pub struct WorkQueue<K = Key> {
    ready: VecDeque<K>,
    /// Keys to be worked on, with their earliest cause.
    dirty: BTreeMap<K, FactId>,
    processing: BTreeSet<K>,
    /// Keys that become ready later: when, in which order they were added, why.
    waiting: BTreeMap<K, (Time, u64, FactId)>,
    added: u64,
    limiter: RateLimiter<K>,
}

impl<K: Ord + Clone + fmt::Debug> WorkQueue<K> {
    /// An empty queue.
    pub fn new(limiter: RateLimiter<K>) -> WorkQueue<K> {
        WorkQueue {
            ready: VecDeque::new(),
            dirty: BTreeMap::new(),
            processing: BTreeSet::new(),
            waiting: BTreeMap::new(),
            added: 0,
            limiter,
        }
    }

    /// Marks `key` for work.
    pub fn add(&mut self, key: K, cause: FactId) {
        if let Some(known) = self.dirty.get_mut(&key) {
            *known = (*known).min(cause);
            return;
        }
        if !self.processing.contains(&key) {
            self.ready.push_back(key.clone());
        }
        self.dirty.insert(key, cause);
    }

    /// Marks `key` for work after `delay`; of several delays the earliest holds. Says when to call [`Self::wake`].
    pub fn add_after(&mut self, key: K, delay: Span, cause: FactId, now: Time) -> Option<Time> {
        if delay == Span::ZERO {
            self.add(key, cause);
            return None;
        }
        let at = now + delay;
        if self.waiting.get(&key).is_some_and(|&(earlier, ..)| earlier <= at) {
            return None;
        }
        self.added += 1;
        self.waiting.insert(key, (at, self.added, cause));
        Some(at)
    }

    /// Marks `key` for work after its back-off. Says when to call [`Self::wake`].
    pub fn add_rate_limited(&mut self, key: K, cause: FactId, now: Time) -> Option<Time> {
        let delay = self.limiter.when(&key, now);
        self.add_after(key, delay, cause, now)
    }

    /// Forgets the failures of `key`.
    pub fn forget(&mut self, key: &K) {
        self.limiter.failures.remove(key);
    }

    /// How often `key` failed since it was last forgotten.
    pub fn failures(&self, key: &K) -> u32 {
        self.limiter.failures.get(key).copied().unwrap_or(0)
    }

    /// Moves on the keys whose delay is over, earliest first.
    pub fn wake(&mut self, now: Time) {
        let mut due: Vec<(Time, u64, K, FactId)> = self
            .waiting
            .iter()
            .filter(|(_, (at, ..))| *at <= now)
            .map(|(key, &(at, order, cause))| (at, order, key.clone(), cause))
            .collect();
        due.sort_unstable();
        for (_, _, key, cause) in due {
            self.waiting.remove(&key);
            self.add(key, cause);
        }
    }

    /// Takes the next key to work on, with the earliest of its causes.
    pub fn get(&mut self) -> Option<(K, FactId)> {
        let key = self.ready.pop_front()?;
        let cause = self.dirty.remove(&key).expect("a ready key is dirty");
        self.processing.insert(key.clone());
        Some((key, cause))
    }

    /// Whether a key can be taken.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Ends the work on `key`; if it was marked meanwhile, it is ready again.
    pub fn done(&mut self, key: &K) {
        assert!(self.processing.remove(key), "{key:?} is done but was not being worked on");
        if self.dirty.contains_key(key) {
            self.ready.push_back(key.clone());
        }
    }

    /// Whether `key` is to be worked on, now or later, or is being worked on.
    pub fn holds(&self, key: &K) -> bool {
        self.dirty.contains_key(key) || self.waiting.contains_key(key) || self.processing.contains(key)
    }

    /// Whether nothing is ready or being worked on.
    pub fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.processing.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> WorkQueue {
        WorkQueue::new(RateLimiter::new(&Settings::default(), SettingId::WorkqueueBackoffBase))
    }

    fn key(name: &str) -> Key {
        Key::new("default", name)
    }

    #[test]
    fn a_key_is_never_worked_on_twice_at_once() {
        let mut queue = queue();
        queue.add(key("a"), FactId(3));
        queue.add(key("a"), FactId(2));
        assert_eq!(queue.get(), Some((key("a"), FactId(2))), "one run, the earliest cause");
        queue.add(key("a"), FactId(5));
        queue.add(key("a"), FactId(6));
        assert_eq!(queue.get(), None, "it is still being worked on");
        queue.done(&key("a"));
        assert_eq!(queue.get(), Some((key("a"), FactId(5))));
        queue.done(&key("a"));
        assert!(queue.is_idle());
    }

    #[test]
    fn of_two_delays_the_earlier_holds() {
        let mut queue = queue();
        let at = |micros| Time::from_micros(micros);
        assert_eq!(queue.add_after(key("a"), Span::from_micros(50), FactId::NONE, at(0)), Some(at(50)));
        assert_eq!(queue.add_after(key("a"), Span::from_micros(90), FactId::NONE, at(0)), None);
        assert_eq!(queue.add_after(key("a"), Span::from_micros(20), FactId::NONE, at(0)), Some(at(20)));
        queue.wake(at(19));
        assert_eq!(queue.get(), None);
        queue.wake(at(20));
        assert!(queue.get().is_some());
    }

    #[test]
    fn failures_double_the_wait_until_they_are_forgotten() {
        let mut queue = queue();
        let mut now = Time::ZERO;
        let mut waits = Vec::new();
        for _ in 0..4 {
            let at = queue.add_rate_limited(key("a"), FactId::NONE, now).unwrap();
            waits.push(at.since(now).as_micros() / 1_000);
            now = at;
            queue.wake(now);
            queue.get();
            queue.done(&key("a"));
        }
        assert_eq!(waits, [5, 10, 20, 40]);
        assert_eq!(queue.failures(&key("a")), 4);
        queue.forget(&key("a"));
        let at = queue.add_rate_limited(key("a"), FactId::NONE, now).unwrap();
        assert_eq!(at.since(now), Span::from_millis(5));
    }
}
