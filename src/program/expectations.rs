//! Creations and deletions that a controller has asked for and not seen yet.
//!
//! Source: `pkg/controller/controller_utils.go` (`ControllerExpectations`, `UIDTrackingControllerExpectations`), v1.36.

use crate::kernel::time::{Span, Time};
use crate::object::Key;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
struct Record {
    creations: i64,
    deletions: BTreeSet<Key>,
    since: Time,
}

/// Expectations by the key of their owner.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    records: BTreeMap<Key, Record>,
}

impl Expectations {
    /// Whether `owner` has seen all that it asked for, or has waited longer than `timeout`.
    pub fn satisfied(&self, owner: &Key, timeout: Span, now: Time) -> bool {
        self.records.get(owner).is_none_or(|record| {
            record.creations <= 0 && record.deletions.is_empty() || now.saturating_since(record.since) > timeout
        })
    }

    /// `owner` is about to create so many.
    pub fn expect_creations(&mut self, owner: &Key, count: usize, now: Time) {
        let record = Record { creations: count as i64, deletions: BTreeSet::new(), since: now };
        self.records.insert(owner.clone(), record);
    }

    /// `owner` is about to delete these.
    pub fn expect_deletions(&mut self, owner: &Key, keys: impl IntoIterator<Item = Key>, now: Time) {
        let record = Record { creations: 0, deletions: keys.into_iter().collect(), since: now };
        self.records.insert(owner.clone(), record);
    }

    /// A creation was seen, or failed.
    pub fn creation_observed(&mut self, owner: &Key) {
        if let Some(record) = self.records.get_mut(owner) {
            record.creations -= 1;
        }
    }

    /// A deletion was seen, or failed. Counts once per key.
    pub fn deletion_observed(&mut self, owner: &Key, key: &Key) {
        if let Some(record) = self.records.get_mut(owner) {
            record.deletions.remove(key);
        }
    }

    /// Forgets what `owner` expected.
    pub fn forget(&mut self, owner: &Key) {
        self.records.remove(owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_waits_until_it_has_seen_all_or_for_the_timeout() {
        let (owner, pod) = (Key::new("default", "web"), Key::new("default", "web-1"));
        let timeout = Span::from_secs(300);
        let mut expectations = Expectations::default();
        assert!(expectations.satisfied(&owner, timeout, Time::ZERO));
        expectations.expect_creations(&owner, 2, Time::ZERO);
        expectations.creation_observed(&owner);
        assert!(!expectations.satisfied(&owner, timeout, Time::ZERO + timeout));
        assert!(expectations.satisfied(&owner, timeout, Time::ZERO + timeout + Span::from_micros(1)));
        expectations.creation_observed(&owner);
        assert!(expectations.satisfied(&owner, timeout, Time::ZERO));
        expectations.expect_deletions(&owner, [pod.clone()], Time::ZERO);
        expectations.creation_observed(&owner);
        assert!(!expectations.satisfied(&owner, timeout, Time::ZERO));
        expectations.deletion_observed(&owner, &pod);
        assert!(expectations.satisfied(&owner, timeout, Time::ZERO));
    }
}
