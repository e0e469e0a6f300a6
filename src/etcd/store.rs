//! Current objects by kind, one revision counter, one log per kind, compare-and-swap.

use super::change::{Change, Log};
use crate::object::{FactId, Key, Kind, Object, Revision, Table};

/// The changes asked for have been compacted: the reader must list anew ("410 Gone").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted;

/// The store. A commit costs O(log n); the log is read without copying.
#[derive(Clone, Debug)]
pub struct Store {
    revision: Revision,
    tables: Vec<Table>,
    logs: Vec<Log>,
}

impl Default for Store {
    fn default() -> Self {
        Store {
            revision: Revision(0),
            tables: vec![Table::default(); Kind::ALL.len()],
            logs: vec![Log::default(); Kind::ALL.len()],
        }
    }
}

impl Store {
    /// Revision of the last commit.
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// Current objects of `kind`.
    pub fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind as usize]
    }

    /// The current object.
    pub fn get(&self, kind: Kind, key: &Key) -> Option<&Object> {
        self.table(kind).get(key)
    }

    /// Changes of `kind` after `cursor`, oldest first.
    ///
    /// # Errors
    /// [`Compacted`] if some of them are gone.
    pub fn changes(&self, kind: Kind, cursor: Revision) -> Result<impl Iterator<Item = &Change>, Compacted> {
        self.logs[kind as usize].after(cursor).ok_or(Compacted)
    }

    /// The log of `kind`.
    pub fn log(&self, kind: Kind) -> &Log {
        &self.logs[kind as usize]
    }

    /// Writes `object` with the next revision. `cause` becomes the cause of the change.
    pub fn put(&mut self, mut object: Object, cause: FactId) -> &Change {
        self.revision.0 += 1;
        object.meta_mut().resource_version = self.revision;
        let kind = object.kind();
        let old = self.tables[kind as usize].insert(object.clone());
        self.append(kind, Change { revision: self.revision, old, new: Some(object), cause })
    }

    /// Removes the object at `key`.
    ///
    /// # Panics
    /// If there is none.
    pub fn delete(&mut self, kind: Kind, key: &Key, cause: FactId) -> &Change {
        let old = self.tables[kind as usize].remove(key);
        assert!(old.is_some(), "{kind} {key} is deleted but not there");
        self.revision.0 += 1;
        self.append(kind, Change { revision: self.revision, old, new: None, cause })
    }

    /// Forgets changes up to `revision`; current objects stay.
    pub fn compact(&mut self, revision: Revision) {
        for log in &mut self.logs {
            log.compact(revision);
        }
    }

    fn append(&mut self, kind: Kind, change: Change) -> &Change {
        let log = &mut self.logs[kind as usize];
        log.push(change);
        log.after(Revision(self.revision.0 - 1)).and_then(|mut new| new.next()).expect("it was just pushed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::{Draws, Purpose};
    use crate::object::{Lease, Meta, MicroTime, Namespace};
    use std::collections::BTreeMap;

    fn lease(name: &str, renewed: i64) -> Object {
        Lease { meta: Meta::new(Key::new("leases", name)), renew_time: MicroTime(renewed), ..Lease::default() }.into()
    }

    #[test]
    fn revisions_count_over_all_kinds_and_each_kind_has_its_log() {
        let mut store = Store::default();
        store.put(lease("a", 1), FactId::NONE);
        store.put(Namespace { meta: Meta::new(Key::cluster("web")) }.into(), FactId::NONE);
        store.put(lease("a", 2), FactId::NONE);
        store.delete(Kind::Lease, &Key::new("leases", "a"), FactId::NONE);
        let revisions =
            |kind| store.changes(kind, Revision(0)).unwrap().map(|change| change.revision.0).collect::<Vec<_>>();
        assert_eq!(revisions(Kind::Lease), [1, 3, 4]);
        assert_eq!(revisions(Kind::Namespace), [2]);
        assert!(store.get(Kind::Lease, &Key::new("leases", "a")).is_none());
    }

    #[test]
    fn what_was_compacted_is_gone_and_said_to_be() {
        let mut store = Store::default();
        (0..6).for_each(|n| drop(store.put(lease("a", n), FactId::NONE).clone()));
        store.compact(Revision(4));
        assert_eq!(store.changes(Kind::Lease, Revision(3)).err(), Some(Compacted));
        assert_eq!(store.changes(Kind::Lease, Revision(4)).unwrap().count(), 2);
    }

    /// A reader that replays the log from any revision ends with the current objects.
    #[test]
    fn replaying_the_log_gives_the_table() {
        for seed in 0..50 {
            let draws = Draws::new(seed);
            let mut store = Store::default();
            let mut mirror: BTreeMap<Key, Object> = BTreeMap::new();
            let mut cursor = Revision(0);
            for step in 0..200 {
                let name = draws.below(Purpose::Test, "name", step, 5).to_string();
                let key = Key::new("leases", name.as_str());
                if store.get(Kind::Lease, &key).is_some() && draws.get(Purpose::Test, "delete", step) & 1 == 0 {
                    store.delete(Kind::Lease, &key, FactId::NONE);
                } else {
                    store.put(lease(&name, step as i64), FactId::NONE);
                }
                if draws.below(Purpose::Test, "read", step, 4) == 0 {
                    for change in store.changes(Kind::Lease, cursor).unwrap() {
                        match &change.new {
                            Some(object) => drop(mirror.insert(change.key().clone(), object.clone())),
                            None => drop(mirror.remove(change.key())),
                        }
                        cursor = change.revision;
                    }
                    assert!(mirror.values().eq(store.table(Kind::Lease).iter()));
                    store.compact(cursor);
                }
            }
        }
    }
}
