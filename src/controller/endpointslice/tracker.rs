//! Which slices the controller has written, so that it neither reacts to its own writes nor acts on older versions.
//!
//! Source: `staging/src/k8s.io/endpointslice/util/endpointslice_tracker.go`, v1.36.

use super::service_key;
use crate::object::{EndpointSlice, Key, Uid};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Generation(i64),
    Deletion,
}

/// Expected slices by Service and uid.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    services: BTreeMap<Key, BTreeMap<Uid, Expected>>,
}

impl Tracker {
    fn expected(&self, slice: &EndpointSlice) -> Option<Expected> {
        self.services.get(&service_key(slice)?)?.get(&slice.meta.uid).copied()
    }

    /// A slice was created or updated.
    pub fn written(&mut self, service: &Key, slice: &EndpointSlice) {
        let slices = self.services.entry(service.clone()).or_default();
        slices.insert(slice.meta.uid, Expected::Generation(slice.meta.generation));
    }

    /// A slice was deleted; the cache is to learn it yet.
    pub fn expect_deletion(&mut self, service: &Key, slice: &EndpointSlice) {
        self.services.entry(service.clone()).or_default().insert(slice.meta.uid, Expected::Deletion);
    }

    /// Whether somebody else wrote this version (`ShouldSync`).
    pub fn is_news(&self, slice: &EndpointSlice) -> bool {
        match self.expected(slice) {
            None => true,
            // Upstream keeps −1 for an expected deletion, which every generation exceeds.
            Some(Expected::Deletion) => true,
            Some(Expected::Generation(generation)) => slice.meta.generation > generation,
        }
    }

    /// Notes that a slice is gone. Whether it was a known one that nobody here deleted (`HandleDeletion`).
    pub fn is_unexpected_deletion(&mut self, slice: &EndpointSlice) -> bool {
        let slices = service_key(slice).and_then(|key| self.services.get_mut(&key));
        let expected = slices.and_then(|slices| slices.remove(&slice.meta.uid));
        matches!(expected, Some(Expected::Generation(_)))
    }

    /// Whether the cache has not caught up with what was written (`StaleSlices`).
    pub fn is_stale(&self, service: &Key, slices: &[Arc<EndpointSlice>]) -> bool {
        let Some(expected) = self.services.get(service) else { return false };
        let known: BTreeMap<Uid, i64> = slices.iter().map(|slice| (slice.meta.uid, slice.meta.generation)).collect();
        expected.iter().any(|(uid, expected)| match (expected, known.get(uid)) {
            (Expected::Deletion, known) => known.is_some(),
            (Expected::Generation(_), None) => true,
            (Expected::Generation(generation), Some(known)) => generation > known,
        })
    }

    /// The Service is gone.
    pub fn forget(&mut self, service: &Key) {
        self.services.remove(service);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Meta;
    use crate::object::service::LABEL_SERVICE_NAME;

    fn slice(uid: u128, generation: i64) -> Arc<EndpointSlice> {
        let mut slice = EndpointSlice { meta: Meta::new(Key::new("default", "web-1")), ..EndpointSlice::default() };
        slice.meta.labels.insert(LABEL_SERVICE_NAME, "web");
        slice.meta.uid = Uid(uid);
        slice.meta.generation = generation;
        Arc::new(slice)
    }

    #[test]
    fn own_writes_are_waited_for_and_are_no_news() {
        let service = Key::new("default", "web");
        let mut tracker = Tracker::default();
        assert!(tracker.is_news(&slice(1, 1)), "nothing is known yet");
        assert!(!tracker.is_stale(&service, &[slice(1, 1)]));

        tracker.written(&service, &slice(1, 2));
        assert!(tracker.is_stale(&service, &[]));
        assert!(tracker.is_stale(&service, &[slice(1, 1)]));
        assert!(!tracker.is_stale(&service, &[slice(1, 2)]));
        assert!(!tracker.is_stale(&service, &[slice(1, 3), slice(2, 1)]));
        assert!(!tracker.is_news(&slice(1, 2)));
        assert!(tracker.is_news(&slice(1, 3)));

        tracker.expect_deletion(&service, &slice(1, 2));
        assert!(tracker.is_stale(&service, &[slice(1, 2)]));
        assert!(!tracker.is_stale(&service, &[]));
        assert!(!tracker.is_unexpected_deletion(&slice(1, 2)));

        tracker.written(&service, &slice(1, 2));
        assert!(tracker.is_unexpected_deletion(&slice(1, 2)));
        assert!(!tracker.is_unexpected_deletion(&slice(1, 2)), "it is told once");
    }
}
