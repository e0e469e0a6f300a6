//! Cordoned nodes take no pods, except those that tolerate it.
//!
//! Source: `pkg/scheduler/framework/plugins/nodeunschedulable/node_unschedulable.go`, v1.36.

use crate::object::taint::{Effect, Taint, UNSCHEDULABLE, tolerated};
use crate::object::{Name, Node, Pod};
use crate::scheduler::event::{Action, ClusterEvent, Interest, Resource};
use crate::scheduler::plugin::{Plugin, Point};
use crate::scheduler::table::{NodeTable, PodInfo};
use crate::scheduler::window::{Code, Window};

/// `NodeUnschedulable`.
pub struct NodeUnschedulable;

/// Whether a pod tolerates the taint that a cordoned node has.
fn tolerates_cordon(pod: &Pod) -> bool {
    let cordon = Taint { key: UNSCHEDULABLE.into(), value: Name::none(), effect: Effect::NoSchedule, time_added: None };
    tolerated(&pod.spec.tolerations, &cordon)
}

impl Plugin for NodeUnschedulable {
    const NAME: &'static str = "NodeUnschedulable";
    const POINTS: &'static [Point] = &[Point::Filter];
    const INTERESTS: &'static [Interest] = &[
        Interest { resource: Resource::Node, actions: Action::ADD.and(Action::NODE_TAINT) },
        Interest { resource: Resource::Pod, actions: Action::POD_TOLERATION },
    ];
    type Cycle = ();

    fn filter(&self, pod: &PodInfo, (): &(), nodes: &NodeTable, window: &mut Window) {
        let mut tolerates = None;
        for (first, bits) in window.masks() {
            let cordoned = bits & nodes.unschedulable.word(first / 64);
            if cordoned != 0 && !*tolerates.get_or_insert_with(|| tolerates_cordon(&pod.pod)) {
                window.judge(first, cordoned, |_| Some((Code::Unresolvable, 0)));
            }
        }
    }

    fn reasons(&self, _pod: &PodInfo, (): &(), _detail: u32) -> Vec<Name> {
        vec!["node(s) were unschedulable".into()]
    }

    fn hint(&self, pod: &PodInfo, event: &ClusterEvent) -> bool {
        if let Some(changed) = event.after::<Pod>() {
            return changed.meta.uid == pod.pod.meta.uid && tolerates_cordon(changed);
        }
        let Some(new) = event.after::<Node>() else { return false };
        !new.unschedulable && event.before::<Node>().is_none_or(|old| old.unschedulable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::taint::{Toleration, TolerationOperator};
    use crate::scheduler::fixture::{node, pod};
    use crate::scheduler::{Cache, Profile, evaluate};
    use std::sync::Arc;

    #[test]
    fn a_cordoned_node_takes_only_pods_that_tolerate_it() {
        let mut cordoned = node("n1", "4", "8Gi");
        cordoned.unschedulable = true;
        let mut cache = Cache::default();
        cache.add_node(Arc::new(cordoned));
        for (toleration, fits) in [
            (None, false),
            (Some(("", TolerationOperator::Exists)), true),
            (Some((UNSCHEDULABLE, TolerationOperator::Exists)), true),
            (Some((UNSCHEDULABLE, TolerationOperator::Equal)), true),
            (Some(("other", TolerationOperator::Exists)), false),
        ] {
            let mut pod = pod("p", "1", "");
            Arc::make_mut(&mut pod.spec).tolerations.extend(toleration.map(|(key, operator)| Toleration {
                key: key.into(),
                operator,
                ..Toleration::default()
            }));
            let info = PodInfo::new(Arc::new(pod));
            let evaluation = evaluate(cache.table(), &info, &Profile::default());
            assert_eq!(evaluation.feasible.len(), usize::from(fits), "{toleration:?}");
            if let Some(rejected) = evaluation.rejected.first() {
                assert_eq!((rejected.plugin, rejected.code), ("NodeUnschedulable", Code::Unresolvable));
            }
        }
    }

    #[test]
    fn only_a_node_that_opens_up_is_worth_another_try() {
        let [open, closed] = [false, true].map(|unschedulable| {
            let mut node = node("n", "4", "8Gi");
            node.unschedulable = unschedulable;
            Arc::new(node)
        });
        let info = PodInfo::new(Arc::new(pod("p", "1", "")));
        let added = |node: &Arc<Node>| ClusterEvent::added(Resource::Node, node);
        assert!(NodeUnschedulable.hint(&info, &added(&open)));
        assert!(!NodeUnschedulable.hint(&info, &added(&closed)));
        let update = |old: &Arc<Node>, new: &Arc<Node>| ClusterEvent { old: added(old).new, ..added(new) };
        assert!(NodeUnschedulable.hint(&info, &update(&closed, &open)));
        assert!(!NodeUnschedulable.hint(&info, &update(&open, &open)));
    }
}
