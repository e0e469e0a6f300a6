//! Which events may let in a pod that its hard constraints kept out.
//!
//! Source: `pkg/scheduler/framework/plugins/podtopologyspread/plugin.go` (`isSchedulableAfterPodChange`,
//! `isSchedulableAfterNodeChange`), v1.36.

use super::Constraint;
use crate::object::{Node, Pod};
use crate::scheduler::event::{ClusterEvent, Resource};
use crate::scheduler::table::PodInfo;
use std::sync::Arc;

/// Whether `event` may help `pod`, which has these hard constraints.
pub(super) fn hint(constraints: &[Constraint], pod: &PodInfo, event: &ClusterEvent) -> bool {
    match event.resource {
        Resource::Pod => after_pod(constraints, &pod.pod, event.before(), event.after()),
        Resource::Node => after_node(constraints, event.before(), event.after()),
    }
}

fn after_pod(constraints: &[Constraint], pod: &Pod, old: Option<&Arc<Pod>>, new: Option<&Arc<Pod>>) -> bool {
    let is_involved = |other: &&Arc<Pod>| {
        let is_neighbour = !other.node_name.is_empty() && other.meta.namespace() == pod.meta.namespace();
        other.meta.uid == pod.meta.uid || is_neighbour
    };
    if !old.iter().chain(&new).all(is_involved) {
        return false;
    }
    let (Some(old), Some(new)) = (old, new) else {
        return old.or(new).is_some_and(|other| constraints.iter().any(|constraint| constraint.matches(other)));
    };
    let tolerates_more = new.meta.uid == pod.meta.uid && new.spec.tolerations != old.spec.tolerations;
    tolerates_more && constraints.iter().any(|constraint| constraint.honours_taints)
        || constraints.iter().any(|constraint| constraint.matches(old) != constraint.matches(new))
}

fn after_node(constraints: &[Constraint], old: Option<&Arc<Node>>, new: Option<&Arc<Node>>) -> bool {
    let has_all = |node: &Node| constraints.iter().all(|constraint| node.meta.labels.get(&constraint.key).is_some());
    match (old, new) {
        (Some(old), Some(new)) if has_all(old) == has_all(new) => {
            let value = |node: &Node, constraint: &Constraint| node.meta.labels.get(&constraint.key).cloned();
            let has_moved = constraints.iter().any(|constraint| value(old, constraint) != value(new, constraint));
            has_all(new) && (has_moved || old.taints != new.taints)
        }
        (Some(_), Some(_)) => true,
        (old, new) => old.or(new).is_some_and(|node| has_all(node)),
    }
}
