//! Patches as data: what a client wants changed, applied by the server to the version that it finds.
//!
//! Upstream's clients send strategic merge patches; each variant is one that they send.

use super::condition::Condition;
use super::meta::{OwnerRef, Uid};
use super::name::Name;
use super::pod::PodStatus;
use super::taint::{Taint, TaintKey};

/// One change to an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Edit {
    /// Adds and takes away taints of a node (`controller/util/node`).
    Taints {
        /// Added, replacing one of the same key and effect.
        add: Vec<Taint>,
        /// Taken away.
        remove: Vec<TaintKey>,
    },
    /// What a kubelet says of a pod: phase, its own conditions, containers, address. Conditions of others stay.
    PodStatus(Box<PodStatus>),
    /// Sets one condition of a pod, and its nominated node if given.
    PodCondition {
        /// The condition.
        condition: Condition,
        /// `status.nominatedNodeName`; none leaves it.
        nominated_node: Option<Name>,
    },
    /// The pod has failed, and why if it was disrupted.
    PodFailed(Option<Condition>),
    /// What a kubelet says of its node: conditions, with their heartbeat.
    NodeConditions(Vec<Condition>),
    /// Adopts: adds an owner.
    AddOwner(OwnerRef),
    /// Releases: takes owners away.
    RemoveOwners(Vec<Uid>),
    /// No owner's deletion waits for the object any longer.
    UnblockOwners,
    /// Takes a finalizer away.
    RemoveFinalizer(Name),
    /// Sets labels.
    Labels(Vec<(Name, Name)>),
    /// Sets annotations.
    Annotations(Vec<(Name, Name)>),
    /// Sets `spec.replicas`.
    Replicas(i32),
    /// Sets `spec.unschedulable` of a node.
    Unschedulable(bool),
}
