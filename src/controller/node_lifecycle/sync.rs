//! A worker's turn with a node: its NoSchedule taints follow its conditions, its old labels follow the new ones.
//!
//! Source: `pkg/controller/nodelifecycle/node_lifecycle_controller.go` (`doNoScheduleTaintingPass`,
//! `reconcileNodeLabels`), v1.36. A failure is let be, as upstream does: the next change of the node brings it up
//! again.

use super::steps::{EditRun, Input, Turn};
use crate::object::node::conditions;
use crate::object::taint::{self, Effect, Taint, TaintKey};
use crate::object::{ConditionStatus, Edit, Key, Name, Node, Timestamp};
use crate::program::Context;

/// The taint that a condition with this status stands for.
const TAINTS: [(&str, ConditionStatus, &str); 6] = [
    (conditions::READY, ConditionStatus::False, taint::NOT_READY),
    (conditions::READY, ConditionStatus::Unknown, taint::UNREACHABLE),
    (conditions::MEMORY_PRESSURE, ConditionStatus::True, taint::MEMORY_PRESSURE),
    (conditions::DISK_PRESSURE, ConditionStatus::True, taint::DISK_PRESSURE),
    (conditions::NETWORK_UNAVAILABLE, ConditionStatus::True, taint::NETWORK_UNAVAILABLE),
    (conditions::PID_PRESSURE, ConditionStatus::True, taint::PID_PRESSURE),
];

/// Labels with the old ones that say the same.
const LABELS: [(&str, &str); 2] =
    [("kubernetes.io/os", "beta.kubernetes.io/os"), ("kubernetes.io/arch", "beta.kubernetes.io/arch")];

/// A worker's turn with a node.
#[derive(Clone, Debug)]
pub struct NodeSync {
    key: Key,
    run: EditRun,
    has_labelled: bool,
}

impl NodeSync {
    /// The turn with the node at `key`.
    pub fn new(key: Key, cx: &Context<'_>) -> NodeSync {
        let run = match cx.caches.get::<Node>(&key) {
            Some(node) => {
                let (add, remove) = taints_to_change(node, cx.timestamp());
                EditRun::swap(node, add, remove)
            }
            None => EditRun::new(&key.name, []),
        };
        NodeSync { key, run, has_labelled: false }
    }

    /// The node.
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// Goes on.
    pub fn step(&mut self, input: Input<'_>, cx: &mut Context<'_>) -> Turn {
        match self.run.step(input, cx) {
            Turn::Done(_) if !self.has_labelled => {
                self.has_labelled = true;
                let labels = cx.caches.get::<Node>(&self.key).map(|node| labels_to_set(node)).unwrap_or_default();
                self.run = EditRun::new(&self.key.name, (!labels.is_empty()).then_some(Edit::Labels(labels)));
                self.run.step(Input::Go, cx)
            }
            turn => turn,
        }
    }
}

/// NoSchedule taints that `node` lacks, and those that it has without reason.
fn taints_to_change(node: &Node, now: Timestamp) -> (Vec<Taint>, Vec<TaintKey>) {
    let from_conditions = node.conditions.iter().filter_map(|condition| {
        let stands_for = |row: &&(&str, ConditionStatus, &str)| condition.kind == row.0 && condition.status == row.1;
        TAINTS.iter().find(stands_for).map(|row| row.2)
    });
    let wanted: Vec<&str> = from_conditions.chain(node.unschedulable.then_some(taint::UNSCHEDULABLE)).collect();
    let is_ours = |key: &Name| *key == taint::UNSCHEDULABLE || TAINTS.iter().any(|row| *key == row.2);
    let has = |key: &str| node.taints.iter().any(|taint| taint.effect == Effect::NoSchedule && taint.key == key);
    let add = wanted.iter().filter(|key| !has(key)).map(|key| Taint {
        key: (*key).into(),
        value: Name::none(),
        effect: Effect::NoSchedule,
        time_added: Some(now),
    });
    let surplus = node.taints.iter().filter(|taint| {
        taint.effect == Effect::NoSchedule && is_ours(&taint.key) && !wanted.contains(&taint.key.as_str())
    });
    (add.collect(), surplus.map(|taint| (taint.key.clone(), taint.effect)).collect())
}

fn labels_to_set(node: &Node) -> Vec<(Name, Name)> {
    let labels = &node.meta.labels;
    let outdated = LABELS.iter().filter_map(|(new, old)| {
        let value = labels.get(new)?;
        (labels.get(old) != Some(value)).then(|| ((*old).into(), value.clone()))
    });
    outdated.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Condition, Labels};

    #[test]
    fn noschedule_taints_follow_the_conditions() {
        use ConditionStatus::{False, True, Unknown};
        // (conditions, cordoned, NoSchedule taints there, expected change)
        for (conditions, is_cordoned, there, expected) in [
            (&[("Ready", True)][..], false, &[][..], ""),
            (&[("Ready", Unknown)], false, &[], "+unreachable"),
            (&[("Ready", False)], false, &["unreachable"], "+not-ready -unreachable"),
            (&[("Ready", True)], false, &["unreachable", "not-ready", "other"], "-unreachable -not-ready"),
            (
                &[("Ready", True), ("DiskPressure", True)],
                true,
                &["memory-pressure"],
                "+disk-pressure +unschedulable -memory-pressure",
            ),
            (&[("Ready", True), ("DiskPressure", Unknown)], false, &["disk-pressure"], "-disk-pressure"),
            (&[], false, &["not-ready"], "-not-ready"),
        ] {
            let prefix = "node.kubernetes.io/";
            let mut node = Node { unschedulable: is_cordoned, ..Node::default() };
            node.conditions = conditions
                .iter()
                .map(|&(kind, status)| Condition {
                    kind: kind.into(),
                    status,
                    reason: Name::none(),
                    message: Name::none(),
                    last_transition: Timestamp(0),
                    last_update: Timestamp(0),
                })
                .collect();
            let taint = |key: &&str| Taint {
                key: format!("{prefix}{key}").into(),
                value: Name::none(),
                effect: Effect::NoSchedule,
                time_added: None,
            };
            node.taints = there.iter().map(taint).collect();
            let (add, remove) = taints_to_change(&node, Timestamp(0));
            let added = add.iter().map(|taint| format!("+{}", taint.key));
            let removed = remove.iter().map(|(key, _)| format!("-{key}"));
            let change = added.chain(removed).collect::<Vec<_>>().join(" ").replace(prefix, "");
            assert_eq!(change, expected);
        }
    }

    #[test]
    fn a_taint_of_another_effect_is_left_alone() {
        let taint =
            Taint { key: taint::UNREACHABLE.into(), value: Name::none(), effect: Effect::NoExecute, time_added: None };
        let node = Node { taints: vec![taint], ..Node::default() };
        assert_eq!(taints_to_change(&node, Timestamp(0)), (vec![], vec![]));
    }

    #[test]
    fn old_labels_follow_the_new_ones() {
        let mut node = Node::default();
        node.meta.labels = Labels::from_iter([("kubernetes.io/os", "linux"), ("beta.kubernetes.io/arch", "arm64")]);
        assert_eq!(labels_to_set(&node), [("beta.kubernetes.io/os".into(), "linux".into())]);
    }
}
