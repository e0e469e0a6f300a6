//! A table of objects of one kind with the indexes that everybody needs: by node and by controller.
//!
//! The store keeps its current objects in one, and so does every informer's cache.

use super::Object;
use super::meta::{Key, Revision, Uid};
use super::name::Name;
use super::strategy::Strategy;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Objects of one kind by key.
#[derive(Clone, Debug, Default)]
pub struct Table {
    objects: BTreeMap<Key, Object>,
    by_node: BTreeMap<Name, BTreeSet<Key>>,
    by_controller: BTreeMap<Uid, BTreeSet<Key>>,
    newest: Revision,
}

impl Table {
    /// The object at `key`.
    pub fn get(&self, key: &Key) -> Option<&Object> {
        self.objects.get(key)
    }

    /// The object at `key` as its kind.
    pub fn typed<K: Strategy>(&self, key: &Key) -> Option<&Arc<K>> {
        self.objects.get(key).and_then(Object::of)
    }

    /// Up to which version of the store the table is known to be complete: that of its newest object, or of a list.
    pub const fn newest(&self) -> Revision {
        self.newest
    }

    /// Notes that the table has all there is up to `revision`.
    pub fn read_to(&mut self, revision: Revision) {
        self.newest = self.newest.max(revision);
    }

    /// All objects in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }

    /// All objects as their kind, in the order of their keys.
    pub fn all<K: Strategy>(&self) -> impl Iterator<Item = &Arc<K>> {
        self.objects.values().filter_map(Object::of)
    }

    /// Objects of one namespace as their kind, in the order of their names.
    pub fn in_namespace<'a, K: Strategy>(&'a self, namespace: &'a Name) -> impl Iterator<Item = &'a Arc<K>> {
        self.in_namespace_from(namespace, Name::none())
    }

    /// The same from `first` on.
    pub fn in_namespace_from<'a, K: Strategy>(
        &'a self,
        namespace: &'a Name,
        first: Name,
    ) -> impl Iterator<Item = &'a Arc<K>> {
        self.objects
            .range(Key { namespace: namespace.clone(), name: first }..)
            .take_while(move |(key, _)| key.namespace == *namespace)
            .filter_map(|(_, object)| object.of())
    }

    /// Objects on `node` ([`Strategy::node`]; none for the empty name), in the order of their keys.
    pub fn of_node(&self, node: &str) -> impl Iterator<Item = &Object> {
        self.by_node.get(node).into_iter().flatten().filter_map(|key| self.get(key))
    }

    /// The same, as their kind.
    pub fn on_node<K: Strategy>(&self, node: &str) -> impl Iterator<Item = &Arc<K>> {
        self.of_node(node).filter_map(Object::of)
    }

    /// Objects whose controller has this uid, in the order of their keys.
    pub fn controlled_by<K: Strategy>(&self, uid: Uid) -> impl Iterator<Item = &Arc<K>> {
        self.by_controller.get(&uid).into_iter().flatten().filter_map(|key| self.typed(key))
    }

    /// Puts an object in and returns the one that it replaces.
    pub fn insert(&mut self, object: Object) -> Option<Object> {
        let key = object.key().clone();
        let old = self.remove(&key);
        if !object.node().is_empty() {
            self.by_node.entry(object.node().into()).or_default().insert(key.clone());
        }
        if let Some(owner) = object.meta().controller() {
            self.by_controller.entry(owner.uid).or_default().insert(key.clone());
        }
        self.read_to(object.meta().resource_version);
        self.objects.insert(key, object);
        old
    }

    /// Takes an object out.
    pub fn remove(&mut self, key: &Key) -> Option<Object> {
        let old = self.objects.remove(key)?;
        if let Some(keys) = self.by_node.get_mut(old.node()) {
            keys.remove(key);
            if keys.is_empty() {
                self.by_node.remove(old.node());
            }
        }
        if let Some(owner) = old.meta().controller()
            && let Some(keys) = self.by_controller.get_mut(&owner.uid)
        {
            keys.remove(key);
            if keys.is_empty() {
                self.by_controller.remove(&owner.uid);
            }
        }
        Some(old)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Kind, Meta, OwnerRef, Pod};

    fn pod(name: &str, node: &str, owner: u128) -> Object {
        let mut pod = Pod { meta: Meta::new(Key::new("default", name)), ..Pod::default() };
        pod.node_name = node.into();
        pod.meta.owners = vec![OwnerRef {
            kind: Kind::ReplicaSet,
            name: "web".into(),
            uid: Uid(owner),
            controller: true,
            block_owner_deletion: true,
        }];
        pod.into()
    }

    #[test]
    fn a_table_is_as_new_as_its_newest_object_or_its_last_list() {
        let mut table = Table::default();
        let mut new = pod("a", "", 1);
        new.meta_mut().resource_version = Revision(7);
        table.insert(new);
        table.insert(pod("b", "", 1));
        assert_eq!(table.newest(), Revision(7));
        table.remove(&Key::new("default", "a"));
        table.read_to(Revision(9));
        table.read_to(Revision(8));
        assert_eq!(table.newest(), Revision(9));
    }

    #[test]
    fn indexes_follow_every_change() {
        let mut table = Table::default();
        table.insert(pod("a", "", 1));
        assert_eq!(table.on_node::<Pod>("").count(), 0);
        table.insert(pod("a", "n1", 1));
        table.insert(pod("b", "n1", 2));
        assert_eq!(table.on_node::<Pod>("n1").count(), 2);
        assert_eq!(table.controlled_by::<Pod>(Uid(1)).count(), 1);
        table.insert(pod("a", "n2", 2));
        assert_eq!(table.on_node::<Pod>("n1").count(), 1);
        assert_eq!(table.controlled_by::<Pod>(Uid(1)).count(), 0);
        table.remove(&Key::new("default", "b"));
        assert_eq!(table.on_node::<Pod>("n1").count(), 0);
        assert_eq!(table.in_namespace::<Pod>(&"default".into()).count(), 1);
        assert_eq!(table.in_namespace::<Pod>(&"defaul".into()).count(), 0);
        assert_eq!(table.in_namespace_from::<Pod>(&"default".into(), "a".into()).count(), 1);
        assert_eq!(table.in_namespace_from::<Pod>(&"default".into(), "b".into()).count(), 0);
    }
}
