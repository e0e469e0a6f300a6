//! The graph of owners and dependents, as the informers know it.
//!
//! Source: `pkg/controller/garbagecollector/{graph,graph_builder}.go`, v1.36. An owner that is named but has not been
//! seen is a *virtual* node until an informer shows it or a live read says that it is not there. Left out: API
//! versions, since a kind has one; and the namespace that upstream gives a virtual node of a kind that has none.
//! Upstream goes through dependents in random order, this in the order of their uids. If an informer learns by a list
//! that an object was replaced by a namesake, upstream keeps the node of the first for ever; here it goes.

use crate::apiserver::Change;
use crate::object::{Key, Kind, Meta, Name, OwnerRef, Uid};
use std::collections::{BTreeMap, BTreeSet};

/// Finalizer that makes an owner wait for its dependents.
pub const FOREGROUND: &str = "foregroundDeletion";
/// Finalizer that makes an owner wait until its dependents have been set free.
pub const ORPHAN: &str = "orphan";

/// Which object a node stands for (`objectReference`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// Kind.
    pub kind: Kind,
    /// Key.
    pub key: Key,
    /// Uid.
    pub uid: Uid,
}

impl Identity {
    /// That of the owner which an object in `namespace` names. A kind without namespaces has its owners in none.
    pub fn of_owner(owner: &OwnerRef, namespace: &Name) -> Identity {
        let namespace = if owner.kind.is_namespaced() { namespace.clone() } else { Name::none() };
        Identity { kind: owner.kind, key: Key { namespace, name: owner.name.clone() }, uid: owner.uid }
    }

    fn is_named_by(&self, owner: &OwnerRef) -> bool {
        (self.uid, self.kind, &self.key.name) == (owner.uid, owner.kind, &owner.name)
    }
}

/// An object in the graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// Which object.
    pub identity: Identity,
    /// Who names it as an owner.
    pub dependents: BTreeSet<Uid>,
    /// Whom it names.
    pub owners: Vec<OwnerRef>,
    /// Whether no informer has shown it yet.
    pub is_virtual: bool,
    /// Whether it has a deletion timestamp.
    pub is_being_deleted: bool,
    /// Whether it waits for its dependents to go.
    pub is_deleting_dependents: bool,
}

/// What a change of the graph leads to.
#[derive(Debug, Default)]
pub struct Todo {
    /// To be looked at: perhaps they are garbage.
    pub delete: Vec<Identity>,
    /// The same after a back-off.
    pub delete_later: Vec<Identity>,
    /// Their dependents are to be set free.
    pub orphan: Vec<Identity>,
    /// They are known not to exist.
    pub absent: Vec<Identity>,
    /// Objects that name an owner of another namespace.
    pub strangers: Vec<(Identity, OwnerRef)>,
}

/// The graph.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: BTreeMap<Uid, Node>,
}

impl Graph {
    /// The node of an object.
    pub fn get(&self, uid: Uid) -> Option<&Node> {
        self.nodes.get(&uid)
    }

    /// Nodes that name this one as an owner.
    pub fn dependents<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = &'a Node> {
        node.dependents.iter().filter_map(|uid| self.nodes.get(uid))
    }

    /// Those of them for which its foreground deletion waits.
    pub fn blocking_dependents<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = &'a Node> {
        let uid = node.identity.uid;
        let blocks = move |owner: &OwnerRef| owner.uid == uid && owner.block_owner_deletion;
        self.dependents(node).filter(move |dependent| dependent.owners.iter().any(blocks))
    }

    /// An informer tells of a change. Returns the node that has left the graph, if one has.
    pub fn change(&mut self, change: &Change, todo: &mut Todo) -> Option<Node> {
        let (kind, old) = (change.kind(), change.old.as_ref().map(|object| object.meta()));
        let new = change.new.as_ref().map(|object| object.meta());
        let replaced = old.filter(|old| new.is_none_or(|new| new.uid != old.uid));
        let gone = replaced.and_then(|old| {
            self.observe(kind, old, todo);
            self.remove(old.uid, todo)
        });
        if let Some(new) = new {
            self.put(kind, old.filter(|old| old.uid == new.uid), new, todo);
        }
        gone
    }

    /// A virtual node turns out to stand for this object.
    fn observe(&mut self, kind: Kind, meta: &Meta, todo: &mut Todo) {
        let Some(node) = self.nodes.get_mut(&meta.uid).filter(|node| node.is_virtual) else { return };
        let observed = Identity { kind, key: meta.key.clone(), uid: meta.uid };
        node.is_virtual = false;
        if node.identity != observed {
            node.identity = observed.clone();
            for mistaken in self.partition(&observed).1 {
                let dependent = &self.nodes[&mistaken];
                self.report_stranger(dependent, &observed, todo);
                todo.delete.push(dependent.identity.clone());
            }
        }
    }

    fn report_stranger(&self, dependent: &Node, owner: &Identity, todo: &mut Todo) {
        let is_elsewhere = owner.kind.is_namespaced() && owner.key.namespace != dependent.identity.key.namespace;
        let named = dependent.owners.iter().find(|named| named.uid == owner.uid);
        if let Some(named) = named.filter(|_| is_elsewhere) {
            todo.strangers.push((dependent.identity.clone(), named.clone()));
        }
    }

    fn put(&mut self, kind: Kind, old: Option<&Meta>, new: &Meta, todo: &mut Todo) {
        self.observe(kind, new, todo);
        let uid = new.uid;
        if let Some(node) = self.nodes.get_mut(&uid) {
            node.is_being_deleted |= new.is_terminating();
            if node.owners != new.owners {
                let known = std::mem::replace(&mut node.owners, new.owners.clone());
                self.owners_changed(uid, &known, &new.owners, todo);
            }
        } else {
            let node = Node {
                identity: Identity { kind, key: new.key.clone(), uid },
                dependents: BTreeSet::new(),
                owners: new.owners.clone(),
                is_virtual: false,
                is_being_deleted: new.is_terminating(),
                is_deleting_dependents: waits_with(new, FOREGROUND),
            };
            self.nodes.insert(uid, node);
            self.add_to_owners(uid, &new.owners, todo);
        }
        self.transition(uid, old, new, todo);
    }

    fn owners_changed(&mut self, uid: Uid, old: &[OwnerRef], new: &[OwnerRef], todo: &mut Todo) {
        let find = |owners: &[OwnerRef], uid: Uid| owners.iter().find(|owner| owner.uid == uid).cloned();
        // An owner for which one obstacle less is in the way.
        let is_unblocked = |owner: &&OwnerRef| {
            owner.block_owner_deletion && find(new, owner.uid).is_none_or(|now| !now.block_owner_deletion)
        };
        let unblocked = old.iter().filter(is_unblocked).filter_map(|owner| self.nodes.get(&owner.uid));
        todo.delete.extend(unblocked.map(|node| node.identity.clone()));
        let added: Vec<OwnerRef> = new.iter().filter(|owner| find(old, owner.uid).is_none()).cloned().collect();
        self.add_to_owners(uid, &added, todo);
        for removed in old.iter().filter(|owner| find(new, owner.uid).is_none()) {
            if let Some(owner) = self.nodes.get_mut(&removed.uid) {
                owner.dependents.remove(&uid);
            }
        }
    }

    /// Makes virtual nodes of owners that are not known (`addDependentToOwners`).
    fn add_to_owners(&mut self, uid: Uid, owners: &[OwnerRef], todo: &mut Todo) {
        let dependent = self.nodes[&uid].identity.clone();
        let mut is_doubtful = false;
        for named in owners {
            let Some(owner) = self.nodes.get_mut(&named.uid) else {
                let identity = Identity::of_owner(named, &dependent.key.namespace);
                todo.delete.push(identity.clone());
                let node = Node {
                    identity,
                    dependents: BTreeSet::from([uid]),
                    owners: Vec::new(),
                    is_virtual: true,
                    is_being_deleted: false,
                    is_deleting_dependents: false,
                };
                self.nodes.insert(named.uid, node);
                continue;
            };
            owner.dependents.insert(uid);
            if is_doubtful {
                continue;
            }
            let known = &owner.identity;
            let is_elsewhere = known.kind.is_namespaced() && known.key.namespace != dependent.key.namespace;
            is_doubtful = is_elsewhere || !known.is_named_by(named);
            if is_elsewhere && !owner.is_virtual {
                todo.strangers.push((dependent.clone(), named.clone()));
            }
        }
        if is_doubtful {
            todo.delete.push(dependent);
        }
    }

    /// A deletion that waits for dependents may have begun (`processTransitions`).
    fn transition(&mut self, uid: Uid, old: Option<&Meta>, new: &Meta, todo: &mut Todo) {
        let begins = |finalizer: &str| waits_with(new, finalizer) && !old.is_some_and(|old| waits_with(old, finalizer));
        let node = self.nodes.get_mut(&uid).expect("it was put just now");
        if begins(ORPHAN) {
            todo.orphan.push(node.identity.clone());
        } else if begins(FOREGROUND) {
            node.is_deleting_dependents = true;
            let node = &self.nodes[&uid];
            todo.delete.extend(self.dependents(node).map(|dependent| dependent.identity.clone()));
            todo.delete.push(node.identity.clone());
        }
    }

    /// A live read did not find the object (a virtual delete event). Returns the node that has left the graph.
    pub fn not_found(&mut self, absent: &Identity, todo: &mut Todo) -> Option<Node> {
        let node = self.nodes.get(&absent.uid)?;
        let (matching, others) = self.partition(absent);
        let keeps = if node.is_virtual { !others.is_empty() } else { node.identity != *absent };
        if !keeps {
            return self.remove(absent.uid, todo);
        }
        if !matching.is_empty() {
            todo.absent.push(absent.clone());
            todo.delete.extend(matching.iter().map(|uid| self.nodes[uid].identity.clone()));
        }
        if node.is_virtual && node.identity == *absent {
            // Not all dependents mean the same object by this uid: one of the others' is looked for next.
            let meant = others.iter().map(|uid| &self.nodes[uid]).flat_map(|dependent| {
                let named = dependent.owners.iter().filter(|owner| owner.uid == absent.uid);
                named.map(|owner| Identity::of_owner(owner, &dependent.identity.key.namespace))
            });
            let meant: BTreeSet<Identity> = meant.filter(|identity| identity != absent).collect();
            let following = meant.iter().find(|identity| *identity > absent).or(meant.first()).cloned();
            if let Some(next) = following {
                self.nodes.get_mut(&absent.uid).expect("it is virtual").identity = next.clone();
                todo.delete_later.push(next);
            }
        }
        None
    }

    /// Dependents that mean `owner` by its uid, and those that mean something else (`partitionDependents`).
    fn partition(&self, owner: &Identity) -> (Vec<Uid>, Vec<Uid>) {
        let (mut matching, mut others) = (Vec::new(), Vec::new());
        for dependent in self.nodes.get(&owner.uid).into_iter().flat_map(|node| self.dependents(node)) {
            let is_elsewhere = owner.kind.is_namespaced() && owner.key.namespace != dependent.identity.key.namespace;
            let mut named = dependent.owners.iter().filter(|named| named.uid == owner.uid);
            if !is_elsewhere && named.clone().any(|named| owner.is_named_by(named)) {
                matching.push(dependent.identity.uid);
            }
            if is_elsewhere || named.any(|named| !owner.is_named_by(named)) {
                others.push(dependent.identity.uid);
            }
        }
        (matching, others)
    }

    fn remove(&mut self, uid: Uid, todo: &mut Todo) -> Option<Node> {
        let node = self.nodes.remove(&uid)?;
        if !node.dependents.is_empty() {
            todo.absent.push(node.identity.clone());
        }
        todo.delete.extend(self.dependents(&node).map(|dependent| dependent.identity.clone()));
        for named in &node.owners {
            if let Some(owner) = self.nodes.get_mut(&named.uid) {
                owner.dependents.remove(&uid);
                if owner.is_deleting_dependents {
                    todo.delete.push(owner.identity.clone());
                }
            }
        }
        Some(node)
    }
}

/// Whether an object is being deleted and waits for its dependents in this way.
pub fn waits_with(meta: &Meta, finalizer: &str) -> bool {
    meta.is_terminating() && has_finalizer(meta, finalizer)
}

/// Whether an object has a finalizer.
pub fn has_finalizer(meta: &Meta, finalizer: &str) -> bool {
    meta.finalizers.iter().any(|name| name == finalizer)
}
