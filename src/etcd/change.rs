//! Committed changes, and the log that keeps them in order until they are compacted.

use crate::object::{FactId, Key, Kind, Object, Revision, Strategy};
use std::collections::VecDeque;
use std::sync::Arc;

/// One committed change, or one difference that an informer learnt by a list.
#[derive(Clone, Debug)]
pub struct Change {
    /// When it was committed, in the order of the store.
    pub revision: Revision,
    /// The object before; none if it is new.
    pub old: Option<Object>,
    /// The object after; none if it is gone.
    pub new: Option<Object>,
    /// The commit as a recorded fact: the cause of all that follows from it.
    pub cause: FactId,
}

impl Change {
    /// The object after the change, or before it if it is gone.
    ///
    /// # Panics
    /// If it is a change of nothing to nothing.
    pub fn object(&self) -> &Object {
        self.new.as_ref().or(self.old.as_ref()).expect("a change has an object")
    }

    /// Key of the object.
    pub fn key(&self) -> &Key {
        self.object().key()
    }

    /// Kind of the object.
    pub fn kind(&self) -> Kind {
        self.object().kind()
    }

    /// The object before, as its kind.
    pub fn before<K: Strategy>(&self) -> Option<&Arc<K>> {
        self.old.as_ref().and_then(Object::of)
    }

    /// The object after, as its kind.
    pub fn after<K: Strategy>(&self) -> Option<&Arc<K>> {
        self.new.as_ref().and_then(Object::of)
    }
}

/// The changes of one kind, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Log {
    changes: VecDeque<Change>,
    /// Changes up to this revision may be gone.
    compacted: Revision,
}

impl Log {
    /// Adds a change.
    ///
    /// # Panics
    /// If its revision does not exceed that of the last.
    pub fn push(&mut self, change: Change) {
        let last = self.changes.back().map_or(self.compacted, |last| last.revision);
        assert!(change.revision > last, "{:?} does not follow {last:?}", change.revision);
        self.changes.push_back(change);
    }

    /// The changes after `cursor`, or `None` if some of them have been compacted.
    pub fn after(&self, cursor: Revision) -> Option<impl Iterator<Item = &Change>> {
        (cursor >= self.compacted).then(|| {
            let first = self.changes.partition_point(|change| change.revision <= cursor);
            self.changes.range(first..)
        })
    }

    /// Forgets the changes up to `revision`.
    pub fn compact(&mut self, revision: Revision) {
        self.compacted = self.compacted.max(revision);
        let gone = self.changes.partition_point(|change| change.revision <= self.compacted);
        self.changes.drain(..gone);
    }

    /// Changes up to this revision may be gone.
    pub const fn compacted(&self) -> Revision {
        self.compacted
    }

    /// How many changes are kept.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}
