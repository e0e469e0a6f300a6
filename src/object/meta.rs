//! What every object has: names, versions, owners, labels, deletion.

use super::labels::Labels;
use super::name::Name;
use super::stamp::Timestamp;
use super::{Kind, document::Document};
use std::fmt;
use std::sync::Arc;

/// A version of the store: one counter for all kinds, as etcd's revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Revision(pub u64);

/// The identity of one incarnation of an object; drawn from the seed, its path and how often that path was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(pub u128);

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// Namespace and name. Cluster-scoped objects have the empty namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Namespace, empty for cluster-scoped kinds.
    pub namespace: Name,
    /// Name.
    pub name: Name,
}

impl Key {
    /// The key of a namespaced object.
    pub fn new(namespace: impl Into<Name>, name: impl Into<Name>) -> Key {
        Key { namespace: namespace.into(), name: name.into() }
    }

    /// The key of a cluster-scoped object.
    pub fn cluster(name: impl Into<Name>) -> Key {
        Key { namespace: Name::none(), name: name.into() }
    }
}

/// `namespace/name`, or `name` for cluster-scoped objects.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() { f.pad(&self.name) } else { f.pad(&format!("{}/{}", self.namespace, self.name)) }
    }
}

/// Points from a dependent to its owner in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwnerRef {
    /// Kind of the owner.
    pub kind: Kind,
    /// Name of the owner.
    pub name: Name,
    /// Uid of the owner: a namesake is not the owner.
    pub uid: Uid,
    /// Whether this owner manages the object; at most one does.
    pub controller: bool,
    /// Whether a foreground deletion of the owner waits for this object.
    pub block_owner_deletion: bool,
}

/// Set once an object is to go away but somebody must still finish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deletion {
    /// `deletionTimestamp`: when the grace period ends.
    pub at: Timestamp,
    /// `deletionGracePeriodSeconds`.
    pub grace_seconds: i64,
}

/// `metadata`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Meta {
    /// Namespace and name.
    pub key: Key,
    /// Prefix from which the API server makes a name, if the name is empty.
    pub generate_name: Name,
    /// Identity of this incarnation.
    pub uid: Uid,
    /// Version of the last change; zero before the object is stored.
    pub resource_version: Revision,
    /// How often this incarnation was written: etcd's version of the key. Not part of the API.
    pub version: u64,
    /// Counts changes of the spec.
    pub generation: i64,
    /// When it was created.
    pub created: Timestamp,
    /// Set while it is being deleted.
    pub deletion: Option<Deletion>,
    /// Who must let go before it is removed.
    pub finalizers: Vec<Name>,
    /// Owners; at most one of them is the controller.
    pub owners: Vec<OwnerRef>,
    /// Labels.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
    /// The manifest it came from, with all the fields that the simulator does not interpret.
    pub source: Option<Arc<Document>>,
}

impl Meta {
    /// The metadata of a new object.
    pub fn new(key: Key) -> Meta {
        Meta { key, ..Meta::default() }
    }

    /// Name.
    pub const fn name(&self) -> &Name {
        &self.key.name
    }

    /// Namespace, empty for cluster-scoped kinds.
    pub const fn namespace(&self) -> &Name {
        &self.key.namespace
    }

    /// The owner that manages this object.
    pub fn controller(&self) -> Option<&OwnerRef> {
        self.owners.iter().find(|owner| owner.controller)
    }

    /// Whether it has a deletion timestamp.
    pub const fn is_terminating(&self) -> bool {
        self.deletion.is_some()
    }
}
