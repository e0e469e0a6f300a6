//! The nodes of a zone that wait for their NoExecute taint, and the limiter that lets them through.
//!
//! Source: `pkg/controller/nodelifecycle/scheduler/rate_limited_queue.go`, v1.36. Of nodes with equal times the one
//! added first comes first (upstream: whatever its heap makes of them).

use crate::kernel::bucket::Bucket;
use crate::kernel::time::{Span, Time};
use crate::object::{FactId, Name, SettingId};
use std::collections::BTreeMap;

/// A rate, who set it, and how many tokens may be saved up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Nodes per second (thousandths); zero lets nobody through.
    pub milli: i64,
    /// The setting that owns it.
    pub owner: SettingId,
    /// Tokens that may be saved up.
    pub burst: i64,
}

/// Why a node waits, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// When it was first put in, whatever happened to its place since.
    pub since: Time,
    /// What led to it.
    pub cause: FactId,
}

/// A queue of nodes, each in it at most once, behind a token bucket.
#[derive(Clone, Debug)]
pub struct TaintQueue {
    /// Nodes that were added and not removed since; those that still wait, with their place.
    members: BTreeMap<Name, Option<(Place, Wait)>>,
    order: BTreeMap<Place, Name>,
    added: u64,
    rate: Rate,
    bucket: Bucket,
}

/// When a node may be processed, then in which order it was added.
type Place = (Time, u64);

impl TaintQueue {
    /// An empty queue with a full bucket.
    pub fn new(rate: Rate) -> TaintQueue {
        let bucket = Bucket::new(rate.milli, rate.burst);
        TaintQueue { members: BTreeMap::new(), order: BTreeMap::new(), added: 0, rate, bucket }
    }

    /// Adds a node, unless it was added before and not removed since.
    pub fn add(&mut self, node: &Name, wait: Wait, now: Time) -> bool {
        if self.members.contains_key(node) {
            return false;
        }
        self.put(node, now, wait);
        true
    }

    fn put(&mut self, node: &Name, at: Time, wait: Wait) {
        self.added += 1;
        let place = (at, self.added);
        self.order.insert(place, node.clone());
        self.members.insert(node.clone(), Some((place, wait)));
    }

    /// Takes a node out, so that it may be added again. Says what it waited for, if it still did.
    pub fn remove(&mut self, node: &str) -> Option<Wait> {
        let (place, wait) = self.members.remove(node)??;
        self.order.remove(&place);
        Some(wait)
    }

    /// Takes a token and says which node is first in line. The token is gone also if that node's time has not come.
    pub fn take(&mut self, now: Time) -> Option<(Name, Wait)> {
        let (&(at, _), node) = self.order.first_key_value()?;
        if !self.bucket.try_take(now) || now < at {
            return None;
        }
        let (_, wait) = self.members[node].expect("a node in the order waits");
        Some((node.clone(), wait))
    }

    /// A node is done with: it leaves the line but is not added again until it is removed.
    pub fn finish(&mut self, node: &str) {
        if let Some((place, _)) = self.members.get_mut(node).and_then(Option::take) {
            self.order.remove(&place);
        }
    }

    /// A node is to be tried again, after `pause` at the earliest.
    pub fn retry(&mut self, node: &Name, pause: Span, now: Time) {
        if let Some((place, wait)) = self.members.get_mut(node).and_then(Option::take) {
            self.order.remove(&place);
            // It goes behind those of the same time, for which upstream adds a nanosecond.
            self.put(node, now + pause, wait);
        }
    }

    /// Goes on at another rate. The new bucket is full only if the old one had a token left.
    pub fn swap_rate(&mut self, rate: Rate, now: Time) {
        if rate.milli != self.rate.milli {
            let had_token = self.bucket.has_token(now);
            self.bucket = Bucket::new(rate.milli, rate.burst);
            if !had_token {
                self.bucket.try_take(now);
            }
        }
        self.rate = rate;
    }

    /// When the first in line may pass the limiter, with what it waits for; none if nobody waits or nobody ever may.
    pub fn next(&self, now: Time) -> Option<(Time, Wait)> {
        let node = self.order.first_key_value()?.1;
        let (_, wait) = self.members[node].expect("a node in the order waits");
        Some((self.bucket.clone().reserve(now)?, wait))
    }

    /// The setting that owns the rate.
    pub const fn owner(&self) -> SettingId {
        self.rate.owner
    }

    /// Rate [thousandths of nodes per second].
    pub const fn rate_milli(&self) -> i64 {
        self.rate.milli
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::{Draws, Purpose};

    fn rate(milli: i64) -> Rate {
        Rate { milli, owner: SettingId::NodeEvictionRate, burst: 1 }
    }

    fn secs(seconds: u64) -> Time {
        Time::ZERO + Span::from_secs(seconds)
    }

    const WAIT: Wait = Wait { since: Time::ZERO, cause: FactId::NONE };

    /// The same queue, slow and obvious: a list that is searched, and tokens that are counted.
    struct Twin {
        waiting: Vec<(u64, u64, String)>,
        seen: Vec<String>,
        added: u64,
        rate_milli: u64,
        /// When the last token was taken; none if the bucket is full whatever the time.
        last_token: Option<u64>,
    }

    impl Twin {
        fn has_token(&self, now: u64) -> bool {
            self.rate_milli > 0 && self.last_token.is_none_or(|last| (now - last) * self.rate_milli >= 1_000_000_000)
        }
        fn put(&mut self, node: &str, at: u64) {
            self.added += 1;
            self.waiting.push((at, self.added, node.into()));
            self.waiting.sort();
        }
        fn take(&mut self, now: u64) -> Option<String> {
            let (at, _, node) = self.waiting.first()?.clone();
            if !self.has_token(now) {
                return None;
            }
            self.last_token = Some(now);
            (at <= now).then_some(node)
        }
        fn swap(&mut self, rate_milli: u64, now: u64) {
            if rate_milli != self.rate_milli {
                self.last_token = if self.has_token(now) { None } else { Some(now) };
                self.rate_milli = rate_milli;
            }
        }
    }

    #[test]
    fn the_queue_does_what_its_slow_twin_does() {
        for seed in 0..40 {
            let draws = Draws::new(seed);
            let mut queue = TaintQueue::new(rate(100));
            let mut twin = Twin { waiting: vec![], seen: vec![], added: 0, rate_milli: 100, last_token: None };
            let mut now = 0;
            for step in 0..400 {
                let draw = |what: &str, below| draws.below(Purpose::Test, what, step, below);
                now += draw("time", 4_000_000);
                let node: Name = format!("n{}", draw("node", 6)).into();
                let at = Time::from_micros(now);
                match draw("act", 12) {
                    0..=3 => {
                        let is_new = !twin.seen.contains(&node.to_string());
                        assert_eq!(queue.add(&node, WAIT, at), is_new);
                        if is_new {
                            twin.seen.push(node.to_string());
                            twin.put(&node, now);
                        }
                    }
                    4 | 5 => {
                        let waits = twin.waiting.iter().any(|(.., name)| node == name.as_str());
                        assert_eq!(queue.remove(&node).is_some(), waits);
                        twin.seen.retain(|name| node != name.as_str());
                        twin.waiting.retain(|(.., name)| node != name.as_str());
                    }
                    6 => {
                        let milli = [0, 10, 100][draw("rate", 3) as usize];
                        queue.swap_rate(rate(milli), at);
                        twin.swap(milli as u64, now);
                    }
                    _ => {
                        let taken = twin.take(now);
                        assert_eq!(queue.take(at).map(|(name, _)| name.to_string()), taken, "seed {seed} step {step}");
                        let Some(taken) = taken else { continue };
                        twin.waiting.retain(|(.., name)| *name != taken);
                        if draw("fails", 3) == 0 {
                            queue.retry(&taken.as_str().into(), Span::from_millis(50), at);
                            twin.put(&taken, now + 50_000);
                        } else {
                            queue.finish(&taken);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_new_limiter_is_full_only_if_the_old_one_had_a_token() {
        // (old rate, whether its token is gone, new rate, seconds until the next token)
        for (old, is_spent, new, expected) in [
            (100, false, 10, Some(0)),
            (100, true, 10, Some(100)),
            (10, true, 100, Some(10)),
            (100, true, 100, Some(10)),
            (0, false, 100, Some(10)),
            (100, false, 0, None),
            (0, false, 0, None),
        ] {
            let mut queue = TaintQueue::new(rate(old));
            queue.add(&"n1".into(), WAIT, Time::ZERO);
            if is_spent {
                assert!(queue.take(Time::ZERO).is_some());
            }
            queue.swap_rate(rate(new), Time::ZERO);
            let found = queue.next(Time::ZERO).map(|(at, _)| at);
            assert_eq!(found, expected.map(secs), "{old} {is_spent} {new}");
        }
    }

    #[test]
    fn a_node_that_is_done_is_not_added_again_until_it_is_removed() {
        let mut queue = TaintQueue::new(rate(100));
        let node: Name = "n1".into();
        assert!(queue.add(&node, WAIT, Time::ZERO));
        assert_eq!(queue.take(Time::ZERO), Some((node.clone(), WAIT)));
        queue.finish(&node);
        assert!(!queue.add(&node, WAIT, secs(20)));
        assert_eq!(queue.take(secs(20)), None);
        assert_eq!(queue.remove(&node), None);
        assert!(queue.add(&node, WAIT, secs(20)));
        assert!(queue.take(secs(20)).is_some());
    }
}
