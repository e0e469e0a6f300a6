//! Patches as data: what a client wants changed, applied by the server to the version that it finds.
//!
//! Upstream's clients send strategic merge patches; each variant is one that they send.

use super::condition::Condition;
use super::meta::{Meta, OwnerRef, Revision, Uid};
use super::name::Name;
use super::pod::{Container, PodStatus};
use super::quantity::Quantity;
use super::replicaset::PodTemplate;
use super::stamp::MicroTime;
use super::taint::{Taint, TaintKey};
use std::sync::Arc;

/// One change to an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Edit {
    /// Adds and takes away taints of a node (`controller/util/node`).
    Taints {
        /// Added, replacing one of the same key and effect.
        add: Vec<Taint>,
        /// Taken away.
        remove: Vec<TaintKey>,
        /// Refused if the node is another version by now; none takes any.
        version: Option<Revision>,
    },
    /// An Event was seen again.
    EventSeen {
        /// How often by now.
        count: u32,
        /// What it says now.
        note: Name,
        /// When.
        time: MicroTime,
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
    /// Takes labels away.
    RemoveLabels(Vec<Name>),
    /// Sets annotations.
    Annotations(Vec<(Name, Name)>),
    /// Sets `spec.replicas`.
    Replicas(i32),
    /// Sets `spec.unschedulable` of a node.
    Unschedulable(bool),
    /// Sets `spec.paused` of a Deployment.
    Paused(bool),
    /// Changes the pod template of a workload.
    Template(Vec<TemplateEdit>),
}

/// One change to a pod template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TemplateEdit {
    /// Sets the image of one container, or of all.
    Image {
        /// The container; none for all.
        container: Option<Name>,
        /// The image.
        image: Name,
    },
    /// Sets requests and limits of one container, or of all; those that are not named stay.
    Resources {
        /// The container; none for all.
        container: Option<Name>,
        /// Requests.
        requests: Vec<(Name, Quantity)>,
        /// Limits.
        limits: Vec<(Name, Quantity)>,
    },
    /// Sets an annotation of the pods.
    Annotation(Name, Name),
    /// Puts another template in its place.
    Whole(Box<PodTemplate>),
}

impl TemplateEdit {
    /// Applies it.
    pub fn apply(&self, template: &mut PodTemplate) {
        match self {
            TemplateEdit::Image { container, image } => {
                let named = |candidate: &&mut Container| container.as_ref().is_none_or(|name| *name == candidate.name);
                let spec = Arc::make_mut(&mut template.spec);
                spec.containers.iter_mut().filter(named).for_each(|container| container.image = image.clone());
            }
            TemplateEdit::Resources { container, requests, limits } => {
                let named = |candidate: &&mut Container| container.as_ref().is_none_or(|name| *name == candidate.name);
                let spec = Arc::make_mut(&mut template.spec);
                for container in spec.containers.iter_mut().filter(named) {
                    requests.iter().for_each(|(name, quantity)| container.requests.set(name.clone(), *quantity));
                    limits.iter().for_each(|(name, quantity)| container.limits.set(name.clone(), *quantity));
                }
            }
            TemplateEdit::Annotation(key, value) => template.annotations.insert(key.clone(), value.clone()),
            TemplateEdit::Whole(other) => *template = (**other).clone(),
        }
    }
}

impl Edit {
    /// Whether it was meant for another version than the one with this metadata.
    pub fn is_outdated(&self, meta: &Meta) -> bool {
        matches!(self, Edit::Taints { version: Some(version), .. } if *version != meta.resource_version)
    }
}
