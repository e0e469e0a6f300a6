//! What happened in the cluster that may let an unschedulable pod fit.
//!
//! Source: `pkg/scheduler/framework/events.go`, `staging/src/k8s.io/kube-scheduler/framework/types.go`
//! (`ClusterEvent.Match`), v1.36. Left out: resources other than nodes and pods, and changes of declared features, which
//! nodes do not have here.

use crate::object::resources::Resources;
use crate::object::{Condition, Node, Object, Pod, Strategy};
use std::sync::Arc;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A node.
    Node,
    /// A pod, bound or not.
    Pod,
}

/// How it changed: a set of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action(u16);

impl Action {
    /// It is new.
    pub const ADD: Action = Action(1);
    /// It is gone; for pods also: it ended.
    pub const DELETE: Action = Action(1 << 1);
    /// `status.allocatable` of a node.
    pub const NODE_ALLOCATABLE: Action = Action(1 << 2);
    /// Labels of a node.
    pub const NODE_LABEL: Action = Action(1 << 3);
    /// Taints of a node, or it is no longer cordoned.
    pub const NODE_TAINT: Action = Action(1 << 4);
    /// Conditions of a node.
    pub const NODE_CONDITION: Action = Action(1 << 5);
    /// Annotations of a node.
    pub const NODE_ANNOTATION: Action = Action(1 << 6);
    /// Labels of a pod.
    pub const POD_LABEL: Action = Action(1 << 7);
    /// A pod asks for less.
    pub const POD_SCALE_DOWN: Action = Action(1 << 8);
    /// The last scheduling gate of a pod was taken away.
    pub const POD_GATES: Action = Action(1 << 9);
    /// Tolerations of a pod.
    pub const POD_TOLERATION: Action = Action(1 << 10);
    /// Any change: what a change is called that is none of the above.
    pub const UPDATE: Action = Action(0b111_1111_1100);

    /// Both.
    pub const fn and(self, other: Action) -> Action {
        Action(self.0 | other.0)
    }

    /// Whether every bit of `other` is here.
    pub const fn contains(self, other: Action) -> bool {
        other.0 & !self.0 == 0
    }
}

/// A kind of event that a plugin wants to hear of.
#[derive(Clone, Copy, Debug)]
pub struct Interest {
    /// About what.
    pub resource: Resource,
    /// Which changes.
    pub actions: Action,
}

/// An event, with the object before and after.
#[derive(Clone, Debug)]
pub struct ClusterEvent {
    /// What it is about.
    pub resource: Resource,
    /// How it changed.
    pub action: Action,
    /// The object before.
    pub old: Option<Object>,
    /// The object after.
    pub new: Option<Object>,
}

impl ClusterEvent {
    /// Something is new.
    pub fn added<K: Strategy>(resource: Resource, object: &Arc<K>) -> ClusterEvent {
        ClusterEvent { resource, action: Action::ADD, old: None, new: Some(object.clone().into_object()) }
    }

    /// Something is gone.
    pub fn deleted<K: Strategy>(resource: Resource, object: &Arc<K>) -> ClusterEvent {
        ClusterEvent { resource, action: Action::DELETE, old: Some(object.clone().into_object()), new: None }
    }

    fn updated<K: Strategy>(resource: Resource, action: Action, old: &Arc<K>, new: &Arc<K>) -> ClusterEvent {
        let (old, new) = (old.clone().into_object(), new.clone().into_object());
        ClusterEvent { resource, action, old: Some(old), new: Some(new) }
    }

    /// Whether it is one that `interest` names.
    pub fn matches(&self, interest: &Interest) -> bool {
        self.resource == interest.resource && interest.actions.contains(self.action)
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

/// What changed of a node, one event a property; nothing for a mere heartbeat.
pub fn node_updates(old: &Arc<Node>, new: &Arc<Node>) -> Vec<ClusterEvent> {
    let condition = |condition: &Condition| (condition.kind.clone(), condition.status);
    let uncordoned = old.unschedulable && !new.unschedulable;
    [
        (Action::NODE_ALLOCATABLE, old.allocatable != new.allocatable),
        (Action::NODE_LABEL, old.meta.labels != new.meta.labels),
        (Action::NODE_TAINT, old.taints != new.taints || uncordoned),
        (Action::NODE_CONDITION, !old.conditions.iter().map(condition).eq(new.conditions.iter().map(condition))),
        (Action::NODE_ANNOTATION, old.meta.annotations != new.meta.annotations),
    ]
    .into_iter()
    .filter(|(_, changed)| *changed)
    .map(|(action, _)| ClusterEvent::updated(Resource::Node, action, old, new))
    .collect()
}

/// What changed of a pod, one event a property, or a plain update.
pub fn pod_updates(old: &Arc<Pod>, new: &Arc<Pod>) -> Vec<ClusterEvent> {
    let spec_changed = !Arc::ptr_eq(&old.spec, &new.spec);
    let scaled_down = spec_changed && asks_for_less(&old.spec.requests(false), &new.spec.requests(false));
    let gates_gone = !old.spec.scheduling_gates.is_empty() && new.spec.scheduling_gates.is_empty();
    let mut events: Vec<ClusterEvent> = [
        (Action::POD_LABEL, old.meta.labels != new.meta.labels),
        (Action::POD_SCALE_DOWN, scaled_down),
        (Action::POD_GATES, gates_gone),
        (Action::POD_TOLERATION, spec_changed && old.spec.tolerations != new.spec.tolerations),
    ]
    .into_iter()
    .filter(|(_, changed)| *changed)
    .map(|(action, _)| ClusterEvent::updated(Resource::Pod, action, old, new))
    .collect();
    if events.is_empty() {
        events.push(ClusterEvent::updated(Resource::Pod, Action::UPDATE, old, new));
    }
    events
}

/// Whether any amount of `new` is below that of `old`.
fn asks_for_less(old: &Resources, new: &Resources) -> bool {
    let mut highest = new.clone();
    highest.raise_to(old);
    highest != *new
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{node, pod};
    use super::*;

    #[test]
    fn a_plain_update_matches_only_who_wants_every_update() {
        let old = Arc::new(pod("p", "1", ""));
        let [update] = pod_updates(&old, &old).try_into().unwrap();
        let interest = |actions| Interest { resource: Resource::Pod, actions };
        assert!(update.matches(&interest(Action::UPDATE)));
        assert!(!update.matches(&interest(Action::POD_LABEL.and(Action::POD_TOLERATION))));
        assert!(!update.matches(&Interest { resource: Resource::Node, actions: Action::UPDATE }));
    }

    #[test]
    fn updates_are_told_apart_by_what_changed() {
        let old = Arc::new(node("n", "4", "8Gi"));
        assert!(node_updates(&old, &old).is_empty(), "a heartbeat is no event");
        let mut cordoned = (*old).clone();
        cordoned.unschedulable = true;
        let cordoned = Arc::new(cordoned);
        assert!(node_updates(&old, &cordoned).is_empty(), "cordoning lets nobody in");
        let actions = |events: Vec<ClusterEvent>| events.iter().map(|event| event.action).collect::<Vec<_>>();
        assert_eq!(actions(node_updates(&cordoned, &old)), [Action::NODE_TAINT]);
        assert_eq!(actions(node_updates(&old, &Arc::new(node("n", "5", "8Gi")))), [Action::NODE_ALLOCATABLE]);
        let [large, small] = ["2", "1"].map(|cpu| Arc::new(pod("p", cpu, "")));
        assert_eq!(actions(pod_updates(&large, &small)), [Action::POD_SCALE_DOWN]);
        assert_eq!(actions(pod_updates(&small, &large)), [Action::UPDATE]);
    }
}
