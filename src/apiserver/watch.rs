//! Watch streams: who hears of which changes, and up to which revision they have.
//!
//! Source: `staging/src/k8s.io/apiserver/pkg/storage/cacher/cacher.go`, v1.36 (bookmarks, "too old resource version").
//! A stream reads the log from its cursor; at most one delivery is on its way per stream, however many commits happen
//! meanwhile. A kubelet's stream keeps its own short backlog instead, filled by the `spec.nodeName` trigger, so that a
//! commit costs as many steps as it has listeners.

use crate::etcd::{Change, Compacted, Store};
use crate::kernel::arena::{Slot, Slots};
use crate::object::{Kind, Name, Object, Revision};
use std::collections::BTreeMap;

/// One stream.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Kind that it is about.
    pub kind: Kind,
    /// Only objects of this node, if set.
    pub node: Option<Name>,
    /// Changes up to here have been handed over.
    pub cursor: Revision,
    /// A delivery is on its way, or waits for the link.
    is_due: bool,
    /// For streams of one node: changes not handed over yet.
    backlog: Vec<Change>,
    /// Changes that it needed have been compacted.
    is_gone: bool,
}

/// All streams of one API server.
#[derive(Clone, Debug)]
pub struct Watches {
    streams: Slots<Watch>,
    of_kind: Vec<Vec<Slot>>,
    of_node: BTreeMap<(Kind, Name), Vec<Slot>>,
}

impl Default for Watches {
    fn default() -> Self {
        Watches { streams: Slots::default(), of_kind: vec![Vec::new(); Kind::ALL.len()], of_node: BTreeMap::new() }
    }
}

impl Watches {
    /// Opens a stream of what comes after `cursor`.
    pub fn open(&mut self, kind: Kind, node: Option<Name>, cursor: Revision) -> Slot {
        let watch = Watch { kind, node: node.clone(), cursor, is_due: false, backlog: Vec::new(), is_gone: false };
        let slot = self.streams.insert(watch);
        match node {
            Some(node) => self.of_node.entry((kind, node)).or_default().push(slot),
            None => self.of_kind[kind as usize].push(slot),
        }
        slot
    }

    /// Closes a stream.
    pub fn close(&mut self, slot: Slot) {
        let Some(watch) = self.streams.remove(slot) else { return };
        match watch.node {
            Some(node) => {
                if let Some(slots) = self.of_node.get_mut(&(watch.kind, node)) {
                    slots.retain(|&other| other != slot);
                }
            }
            None => self.of_kind[watch.kind as usize].retain(|&other| other != slot),
        }
    }

    /// The stream, while it is open.
    pub fn get(&self, slot: Slot) -> Option<&Watch> {
        self.streams.get(slot)
    }

    /// Open streams in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Watch)> {
        self.streams.iter()
    }

    /// Takes note of a commit and returns the streams to which a delivery must now be sent on its way.
    pub fn notify(&mut self, change: &Change) -> Vec<Slot> {
        let kind = change.kind();
        let mut nodes: Vec<&str> = [&change.old, &change.new]
            .into_iter()
            .flatten()
            .map(Object::node)
            .filter(|node| !node.is_empty())
            .collect();
        nodes.dedup();
        let mut listeners = self.of_kind[kind as usize].clone();
        for node in nodes {
            for &slot in self.of_node.get(&(kind, node.into())).into_iter().flatten() {
                self.streams.get_mut(slot).expect("an open stream").backlog.push(change.clone());
                listeners.push(slot);
            }
        }
        listeners.retain(|&slot| {
            let watch = self.streams.get_mut(slot).expect("an open stream");
            !std::mem::replace(&mut watch.is_due, true)
        });
        listeners
    }

    /// Hands over everything that is due on a stream, and moves its cursor to the head.
    ///
    /// # Errors
    /// [`Compacted`] if some of it is gone: "410 Gone", list again.
    pub fn take(&mut self, slot: Slot, store: &Store) -> Result<Vec<Change>, Compacted> {
        let Some(watch) = self.streams.get_mut(slot) else { return Ok(Vec::new()) };
        watch.is_due = false;
        let changes = match watch.node {
            _ if watch.is_gone => return Err(Compacted),
            Some(_) => std::mem::take(&mut watch.backlog),
            None => store.changes(watch.kind, watch.cursor)?.cloned().collect(),
        };
        watch.cursor = store.revision();
        Ok(changes)
    }

    /// Starts a stream anew after a list at the store's head.
    pub fn reset(&mut self, slot: Slot, store: &Store) {
        if let Some(watch) = self.streams.get_mut(slot) {
            watch.cursor = store.revision();
            watch.is_due = false;
            watch.is_gone = false;
            watch.backlog.clear();
        }
    }

    /// Bookmarks: moves the cursor of every stream that has nothing outstanding to the head.
    pub fn bookmark(&mut self, store: &Store) {
        for watch in self.streams.values_mut().filter(|watch| !watch.is_due) {
            watch.cursor = store.revision();
        }
    }

    /// Takes note that changes up to `revision` are gone.
    pub fn compact(&mut self, revision: Revision) {
        for watch in self.streams.values_mut().filter(|watch| watch.is_due && watch.cursor < revision) {
            watch.is_gone = true;
            watch.backlog.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{FactId, Key, Meta, Pod};

    fn pod(name: &str, node: &str) -> Object {
        Pod { meta: Meta::new(Key::new("default", name)), node_name: node.into(), ..Pod::default() }.into()
    }

    fn commit(store: &mut Store, watches: &mut Watches, object: Object) -> Vec<Slot> {
        let change = store.put(object, FactId::NONE).clone();
        watches.notify(&change)
    }

    #[test]
    fn one_delivery_is_on_its_way_however_many_commits_there_are() {
        let (mut store, mut watches) = (Store::default(), Watches::default());
        let all = watches.open(Kind::Pod, None, Revision(0));
        let of_n1 = watches.open(Kind::Pod, Some("n1".into()), Revision(0));
        assert_eq!(commit(&mut store, &mut watches, pod("a", "")), [all]);
        assert_eq!(commit(&mut store, &mut watches, pod("a", "n1")), [of_n1]);
        assert_eq!(commit(&mut store, &mut watches, pod("b", "n2")), []);
        assert_eq!(watches.take(all, &store).unwrap().len(), 3);
        assert_eq!(watches.take(of_n1, &store).unwrap().len(), 1);
        assert_eq!(watches.take(of_n1, &store).unwrap().len(), 0);
    }

    #[test]
    fn bookmarks_keep_idle_streams_alive_and_stalled_ones_are_gone() {
        let (mut store, mut watches) = (Store::default(), Watches::default());
        let idle = watches.open(Kind::Node, None, Revision(0));
        let stalled = watches.open(Kind::Pod, None, Revision(0));
        let stalled_node = watches.open(Kind::Pod, Some("n1".into()), Revision(0));
        commit(&mut store, &mut watches, pod("a", "n1"));
        commit(&mut store, &mut watches, pod("b", "n1"));
        watches.bookmark(&store);
        assert_eq!(watches.get(idle).unwrap().cursor, Revision(2));
        assert_eq!(watches.get(stalled).unwrap().cursor, Revision(0));
        store.compact(Revision(2));
        watches.compact(Revision(2));
        assert!(watches.take(idle, &store).unwrap().is_empty());
        assert_eq!(watches.take(stalled, &store).err(), Some(Compacted));
        assert_eq!(watches.take(stalled_node, &store).err(), Some(Compacted));
        watches.reset(stalled, &store);
        commit(&mut store, &mut watches, pod("c", ""));
        assert_eq!(watches.take(stalled, &store).unwrap().len(), 1);
    }
}
