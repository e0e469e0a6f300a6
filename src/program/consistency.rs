//! What a controller has written for an owner: it acts again only when its caches have read that much.
//!
//! Source: `pkg/controller/util/consistency/consistency.go`, v1.36.

use super::Caches;
use crate::object::{Key, Kind, Meta, Object, Revision, Uid};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
struct Record {
    owner: Uid,
    newest: BTreeMap<Kind, Revision>,
}

/// The newest own write of each kind, by owner.
#[derive(Clone, Debug, Default)]
pub struct Writes {
    records: BTreeMap<Key, Record>,
}

impl Writes {
    /// Notes what was written for `owner`. A namesake's record is replaced.
    pub fn wrote(&mut self, owner: &Meta, written: &Object) {
        let new = || Record { owner: owner.uid, newest: BTreeMap::new() };
        let record = self.records.entry(owner.key.clone()).or_insert_with(new);
        if record.owner != owner.uid {
            *record = new();
        }
        let newest = record.newest.entry(written.kind()).or_default();
        *newest = (*newest).max(written.meta().resource_version);
    }

    /// Whether the caches have all that was written for `owner`, which is then forgotten (`EnsureReady`).
    pub fn are_read(&mut self, owner: &Key, caches: &Caches) -> bool {
        let Some(record) = self.records.get(owner) else { return true };
        let are_read = record.newest.iter().all(|(&kind, &newest)| caches.table(kind).newest() >= newest);
        if are_read {
            self.records.remove(owner);
        }
        are_read
    }

    /// `owner` is gone; a namesake's record stays.
    pub fn forget(&mut self, owner: &Meta) {
        if self.records.get(&owner.key).is_some_and(|record| record.owner == owner.uid) {
            self.records.remove(&owner.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Pod;

    fn pod(name: &str, revision: u64) -> Object {
        let mut pod = Pod { meta: Meta::new(Key::new("default", name)), ..Pod::default() };
        pod.meta.resource_version = Revision(revision);
        pod.into()
    }

    #[test]
    fn the_newest_own_write_is_waited_for_whoever_changes_the_cache() {
        let mut owner = Meta::new(Key::new("default", "web"));
        owner.uid = Uid(1);
        let (mut writes, mut caches) = (Writes::default(), Caches::default());
        assert!(writes.are_read(&owner.key, &caches), "nothing was written");
        writes.wrote(&owner, &pod("a", 7));
        writes.wrote(&owner, &pod("b", 5));
        caches.table_mut(Kind::Pod).insert(pod("b", 6));
        assert!(!writes.are_read(&owner.key, &caches));
        caches.table_mut(Kind::Pod).insert(pod("other", 8));
        assert!(writes.are_read(&owner.key, &caches), "the cache is past it");
        assert!(writes.records.is_empty(), "what was read is forgotten");
    }

    #[test]
    fn a_namesake_has_written_nothing() {
        let mut owner = Meta::new(Key::new("default", "web"));
        owner.uid = Uid(1);
        let namesake = Meta { uid: Uid(2), ..owner.clone() };
        let mut writes = Writes::default();
        writes.wrote(&owner, &pod("a", 7));
        writes.forget(&namesake);
        assert!(!writes.are_read(&owner.key, &Caches::default()));
        writes.wrote(&namesake, &pod("a", 0));
        assert!(writes.are_read(&owner.key, &Caches::default()));
        writes.wrote(&owner, &pod("a", 7));
        writes.forget(&owner);
        assert!(writes.are_read(&owner.key, &Caches::default()));
    }
}
