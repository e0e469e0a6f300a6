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
