//! Whether a node takes a pod that was bound to it, whatever whoever bound it may have thought.
//!
//! Source: `pkg/kubelet/lifecycle/predicate.go`, v1.36. Left out: host ports, pods that critical ones push out, static
//! pods, a second look at the live node where only the affinity refuses.

use super::kubelet::Kubelet;
use super::pod_worker::{EVICTED, Stage};
use super::pressure::is_critical;
use crate::object::resources::{CPU, EPHEMERAL_STORAGE, MEMORY, PODS, Resources};
use crate::object::taint::tolerated;
use crate::object::{Key, Name, Node, Pod, node_affinity};
use crate::program::Context;

/// Why a pod was turned away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Reason of its status.
    pub reason: Name,
    /// Message of its status.
    pub message: Name,
}

impl Kubelet {
    /// Why this node does not take a pod that has not run here and asks for `requests`, if it does not.
    pub(super) fn rejection(&self, pod: &Pod, requests: &Resources, cx: &Context<'_>) -> Option<Rejection> {
        if self.has_disk_pressure(cx) && !is_critical(pod) {
            let message = "Pod was rejected: The node had condition: [DiskPressure]. ".into();
            return Some(Rejection { reason: EVICTED.into(), message });
        }
        let node = cx.caches.get::<Node>(&Key::cluster(self.name.clone())).unwrap_or(&self.node);
        let mut used = Resources::default();
        for worker in self.pods.values().filter(|worker| !matches!(worker.stage, Stage::Stopped { .. })) {
            used.add(&worker.requests);
            used.pods += 1;
        }
        lacking(node, requests, &used).or_else(|| unsuited(node, pod))
    }
}

/// The first resource of which the node has not enough left.
fn lacking(node: &Node, requested: &Resources, used: &Resources) -> Option<Rejection> {
    let capacity = Resources::from(&node.allocatable);
    let amounts = [
        (PODS, 1, used.pods, capacity.pods),
        (CPU, requested.cpu_milli, used.cpu_milli, capacity.cpu_milli),
        (MEMORY, requested.memory_bytes, used.memory_bytes, capacity.memory_bytes),
        (EPHEMERAL_STORAGE, requested.ephemeral_bytes, used.ephemeral_bytes, capacity.ephemeral_bytes),
    ];
    // What a node has never heard of does not count.
    let known = requested.scalars.iter().filter(|(name, _)| capacity.scalars.iter().any(|(known, _)| known == name));
    let scalars = known.map(|(name, wanted)| (name.as_str(), *wanted, used.scalar(name), capacity.scalar(name)));
    let (name, wanted, used, capacity) = amounts
        .into_iter()
        .chain(scalars)
        .find(|(_, wanted, used, capacity)| *wanted > 0 && *wanted > capacity - used)?;
    Some(Rejection {
        reason: format!("OutOf{name}").into(),
        message: format!(
            "Pod was rejected: Node didn't have enough resource: {name}, requested: {wanted}, used: {used}, \
             capacity: {capacity}"
        )
        .into(),
    })
}

/// What else of the node is wrong for the pod.
fn unsuited(node: &Node, pod: &Pod) -> Option<Rejection> {
    let refused = |reason: &str, why: &str| {
        let message = format!("Pod was rejected: Predicate {reason} failed: {why}");
        Some(Rejection { reason: reason.into(), message: message.into() })
    };
    if !node_affinity::must_match(&pod.spec, node.meta.name(), &node.meta.labels) {
        return refused("NodeAffinity", "node(s) didn't match Pod's node affinity/selector");
    }
    if node.evicting_taints().any(|taint| !tolerated(&pod.spec.tolerations, taint)) {
        return refused("TaintToleration", "node(s) had taints that the pod didn't tolerate");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::pod::PodSpec;
    use crate::object::quantity::Quantity;
    use crate::object::taint::{Effect, Taint};
    use crate::object::{Meta, Timestamp};
    use std::sync::Arc;

    fn node() -> Node {
        let mut node = Node { meta: Meta::new(Key::cluster("n1")), ..Node::default() };
        for (resource, amount) in [("cpu", "4"), ("memory", "8Gi"), ("pods", "2"), ("example.com/gpu", "1")] {
            node.allocatable.set(resource, Quantity::parse(amount).expect("a quantity"));
        }
        node
    }

    fn message(rejection: Option<Rejection>) -> String {
        rejection.map_or_else(|| "taken".into(), |rejection| format!("{}: {}", rejection.reason, rejection.message))
    }

    #[test]
    fn the_first_resource_that_lacks_is_named() {
        let asks = |cpu_milli, memory_bytes, gpus| Resources {
            cpu_milli,
            memory_bytes,
            scalars: vec![("example.com/gpu".into(), gpus), ("example.com/unknown".into(), 9)],
            ..Resources::default()
        };
        let used = |cpu_milli, pods| Resources { cpu_milli, pods, ..asks(0, 0, 1) };
        let said = |requested: Resources, used: Resources| message(lacking(&node(), &requested, &used));
        assert_eq!(said(asks(4_000, 0, 0), used(0, 1)), "taken", "what it does not know does not count");
        let prefix = "Pod was rejected: Node didn't have enough resource:";
        let cases = [
            (asks(0, 0, 0), used(0, 2), format!("OutOfpods: {prefix} pods, requested: 1, used: 2, capacity: 2")),
            (
                asks(1_001, 9 << 30, 0),
                used(3_000, 1),
                format!("OutOfcpu: {prefix} cpu, requested: 1001, used: 3000, capacity: 4000"),
            ),
            (
                asks(1_000, 9 << 30, 0),
                used(3_000, 1),
                format!("OutOfmemory: {prefix} memory, requested: 9663676416, used: 0, capacity: 8589934592"),
            ),
            (
                asks(0, 0, 1),
                used(0, 1),
                format!("OutOfexample.com/gpu: {prefix} example.com/gpu, requested: 1, used: 1, capacity: 1"),
            ),
        ];
        for (requested, used, expected) in cases {
            assert_eq!(said(requested, used), expected);
        }
    }

    #[test]
    fn its_labels_and_its_taints_must_suit_the_pod() {
        let mut pod = Pod { meta: Meta::new(Key::new("default", "web")), ..Pod::default() };
        let mut node = node();
        assert_eq!(message(unsuited(&node, &pod)), "taken");
        let taint = |effect| Taint { key: "wet".into(), value: "".into(), effect, time_added: None::<Timestamp> };
        node.taints.push(taint(Effect::NoSchedule));
        assert_eq!(message(unsuited(&node, &pod)), "taken", "only the scheduler minds");
        node.taints.push(taint(Effect::NoExecute));
        assert_eq!(
            message(unsuited(&node, &pod)),
            "TaintToleration: Pod was rejected: Predicate TaintToleration failed: node(s) had taints that the pod didn't \
             tolerate"
        );
        let mut spec = PodSpec::default();
        spec.node_selector.insert("disk", "ssd");
        pod.spec = Arc::new(spec);
        assert_eq!(
            message(unsuited(&node, &pod)),
            "NodeAffinity: Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node \
             affinity/selector"
        );
    }
}
