//! Layer 1: API objects as immutable values, and what else components exchange: settings, delays, facts.
//!
//! An object lies behind an `Arc`; an update builds a new value. It does not know who stores it, who
//! watches it or how it travels. To add a kind: one file with its [`Strategy`], and one row below.

pub mod behavior;
pub mod condition;
pub mod document;
pub mod edit;
pub mod invalid;
pub mod labels;
pub mod meta;
pub mod name;
pub mod quantity;
pub mod reference;
pub mod resources;
pub mod stamp;
pub mod strategy;
pub mod table;
pub mod taint;
pub mod unit;
pub mod topology_spread;
pub mod validation;

pub mod deployment;
pub mod node;
pub mod node_affinity;
pub mod opaque;
pub mod pod;
pub mod replicaset;
pub mod service;
pub mod small;

pub mod delay;
pub mod field;
pub mod parameter;
pub mod target;
pub mod fact;
pub mod setting;

pub use condition::{Condition, ConditionStatus};
pub use delay::{DelayId, Delays};
pub use deployment::Deployment;
pub use document::Document;
pub use edit::Edit;
pub use fact::{Fact, FactId};
pub use invalid::{FieldError, FieldErrors, status_message};
pub use labels::{Labels, Selector};
pub use meta::{Deletion, Key, Meta, OwnerRef, Revision, Uid};
pub use name::Name;
pub use node::Node;
pub use opaque::{ClusterOpaque, Opaque};
pub use pod::{Phase, Pod};
pub use replicaset::ReplicaSet;
pub use service::{EndpointSlice, Service};
pub use setting::{SettingId, Settings};
pub use small::{Event, Lease, Namespace, PriorityClass};
pub use stamp::{Clock, MicroTime, Timestamp};
pub use strategy::Strategy;
pub use table::Table;
pub use target::Target;

use std::fmt;
use std::sync::Arc;

/// The parts of [`Strategy`] that are the same for every kind.
macro_rules! typed {
    ($kind:ident) => {
        fn meta(&self) -> &crate::object::Meta {
            &self.meta
        }
        fn meta_mut(&mut self) -> &mut crate::object::Meta {
            &mut self.meta
        }
        fn from_object(object: &crate::object::Object) -> Option<&std::sync::Arc<$kind>> {
            match object {
                crate::object::Object::$kind(inner) => Some(inner),
                _ => None,
            }
        }
        fn into_object(self: std::sync::Arc<$kind>) -> crate::object::Object {
            crate::object::Object::$kind(self)
        }
    };
}
use typed;

/// The registry of kinds: type, plural in paths, API version, whether it lives in a namespace.
macro_rules! kinds {
    ($($kind:ident, $plural:literal, $group:literal, $version:literal, $namespaced:literal;)*) => {
        /// The kinds of objects.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $(#[doc = concat!("`", stringify!($kind), "`.")] $kind,)* }

        impl Kind {
            /// All kinds, in the order of the registry.
            pub const ALL: &[Kind] = &[$(Kind::$kind,)*];

            /// As in manifests: `ReplicaSet`.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$kind => stringify!($kind),)* }
            }
            /// As in paths: `replicasets`.
            pub const fn plural(self) -> &'static str {
                match self { $(Kind::$kind => $plural,)* }
            }
            /// API group; empty for the core group.
            pub const fn group(self) -> &'static str {
                match self { $(Kind::$kind => $group,)* }
            }
            /// Version within the group.
            pub const fn version(self) -> &'static str {
                match self { $(Kind::$kind => $version,)* }
            }
            /// Whether its objects live in a namespace.
            pub const fn is_namespaced(self) -> bool {
                match self { $(Kind::$kind => $namespaced,)* }
            }
        }

        /// An object of any kind.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Object { $(#[doc = concat!("A ", stringify!($kind), ".")] $kind(Arc<$kind>),)* }

        $(impl From<$kind> for Object {
            fn from(object: $kind) -> Object { Object::$kind(Arc::new(object)) }
        })*

        impl Object {
            /// Its kind.
            pub const fn kind(&self) -> Kind {
                match self { $(Object::$kind(_) => Kind::$kind,)* }
            }
            /// Its metadata.
            pub fn meta(&self) -> &Meta {
                match self { $(Object::$kind(inner) => &inner.meta,)* }
            }
            /// Its metadata, to be changed; copies the object if it is shared.
            pub fn meta_mut(&mut self) -> &mut Meta {
                match self { $(Object::$kind(inner) => &mut Arc::make_mut(inner).meta,)* }
            }
            /// [`Strategy::apply_defaults`].
            pub fn apply_defaults(&mut self, settings: &Settings) {
                match self { $(Object::$kind(inner) => Arc::make_mut(inner).apply_defaults(settings),)* }
            }
            /// [`Strategy::prepare_for_create`].
            pub fn prepare_for_create(&mut self) {
                match self { $(Object::$kind(inner) => Arc::make_mut(inner).prepare_for_create(),)* }
            }
            /// What is wrong with it, metadata included.
            pub fn validate(&self) -> FieldErrors {
                let mut errors = FieldErrors::default();
                validation::meta(self.kind(), self.meta(), &mut errors);
                match self { $(Object::$kind(inner) => inner.validate(&mut errors),)* }
                errors
            }
            /// [`Strategy::prepare_for_update`]. Both are of one kind.
            pub fn prepare_for_update(&mut self, old: &Object) {
                match (self, old) {
                    $((Object::$kind(new), Object::$kind(old)) => Arc::make_mut(new).prepare_for_update(old),)*
                    (new, old) => panic!("a {} cannot replace a {}", new.kind(), old.kind()),
                }
            }
            /// [`Strategy::validate_update`], after [`Object::validate`].
            pub fn validate_update(&self, old: &Object) -> FieldErrors {
                let mut errors = self.validate();
                validation::meta_update(self.meta(), old.meta(), &mut errors);
                match (self, old) {
                    $((Object::$kind(new), Object::$kind(old)) => new.validate_update(old, &mut errors),)*
                    (new, old) => panic!("a {} cannot replace a {}", new.kind(), old.kind()),
                }
                errors
            }
            /// [`Strategy::prepare_for_status_update`]. Both are of one kind.
            pub fn prepare_for_status_update(&mut self, old: &Object) {
                match (self, old) {
                    $((Object::$kind(new), Object::$kind(old)) => Arc::make_mut(new).prepare_for_status_update(old),)*
                    (new, old) => panic!("a {} cannot replace a {}", new.kind(), old.kind()),
                }
            }
            /// [`Strategy::edit`].
            fn edit_kind(&mut self, edit: &Edit) -> bool {
                match self { $(Object::$kind(inner) => Arc::make_mut(inner).edit(edit),)* }
            }
            /// [`Strategy::grace_seconds`].
            pub fn grace_seconds(&self, asked: Option<i64>) -> i64 {
                match self { $(Object::$kind(inner) => inner.grace_seconds(asked),)* }
            }
            /// [`Strategy::node`].
            pub fn node(&self) -> &str {
                match self { $(Object::$kind(inner) => inner.node(),)* }
            }
        }
    };
}

kinds! {
    Pod,           "pods",            "",                  "v1", true;
    Node,          "nodes",           "",                  "v1", false;
    ReplicaSet,    "replicasets",     "apps",              "v1", true;
    Deployment,    "deployments",     "apps",              "v1", true;
    Service,       "services",        "",                  "v1", true;
    EndpointSlice, "endpointslices",  "discovery.k8s.io",  "v1", true;
    Namespace,     "namespaces",      "",                  "v1", false;
    PriorityClass, "priorityclasses", "scheduling.k8s.io", "v1", false;
    Lease,         "leases",          "coordination.k8s.io", "v1", true;
    Event,         "events",          "",                  "v1", true;
    Opaque,        "opaque",          "",                  "v1", true;
    ClusterOpaque, "clusteropaque",   "",                  "v1", false;
}

impl Kind {
    /// `replicasets.apps`, as error messages name it.
    pub fn resource(self) -> String {
        if self.group().is_empty() { self.plural().to_string() } else { format!("{}.{}", self.plural(), self.group()) }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Object {
    /// Namespace and name.
    pub fn key(&self) -> &Key {
        &self.meta().key
    }

    /// As a kind, if it is of that kind.
    pub fn of<K: Strategy>(&self) -> Option<&Arc<K>> {
        K::from_object(self)
    }

    /// Applies a patch. False if it makes no sense for this kind.
    pub fn edit(&mut self, edit: &Edit) -> bool {
        let meta = |object: &mut Object, change: &dyn Fn(&mut Meta)| {
            change(object.meta_mut());
            true
        };
        match edit {
            Edit::AddOwner(owner) => meta(self, &|meta| {
                meta.owners.retain(|old| old.uid != owner.uid);
                meta.owners.push(owner.clone());
            }),
            Edit::RemoveOwners(uids) => meta(self, &|meta| meta.owners.retain(|owner| !uids.contains(&owner.uid))),
            Edit::UnblockOwners => meta(self, &|meta| {
                meta.owners.iter_mut().for_each(|owner| owner.block_owner_deletion = false);
            }),
            Edit::RemoveFinalizer(name) => meta(self, &|meta| meta.finalizers.retain(|finalizer| finalizer != name)),
            Edit::Labels(pairs) => meta(self, &|meta| {
                pairs.iter().for_each(|(key, value)| meta.labels.insert(key.clone(), value.clone()));
            }),
            Edit::RemoveLabels(keys) => meta(self, &|meta| keys.iter().for_each(|key| meta.labels.remove(key))),
            Edit::Annotations(pairs) => meta(self, &|meta| {
                pairs.iter().for_each(|(key, value)| meta.annotations.insert(key.clone(), value.clone()));
            }),
            _ => self.edit_kind(edit),
        }
    }
}
