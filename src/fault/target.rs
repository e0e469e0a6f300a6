//! What a fault hits: a selector over nodes, looked up at the moment it strikes.

use crate::object::node::LABEL_ZONE;
use crate::object::{Key, Kind, Name, Node, Pod, ReplicaSet, Table};
use std::collections::BTreeMap;
use std::fmt;

/// Selects nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The cluster as a whole, no node in particular.
    Cluster,
    /// The node of this name.
    Node(Name),
    /// The nodes of these names.
    Nodes(Vec<Name>),
    /// All nodes of this zone.
    Zone(Name),
    /// The node that the pod of this key is on.
    Running(Key),
    /// The node with the most pods of this workload; of several, the first by name.
    MostPods {
        /// Deployment or ReplicaSet.
        kind: Kind,
        /// Its key.
        key: Key,
    },
}

impl Target {
    /// Names of the nodes that it selects now, in order.
    pub fn resolve(&self, nodes: &Table, pods: &Table, replica_sets: &Table) -> Vec<Name> {
        let exists = |name: &Name| nodes.get(&Key::cluster(name.clone())).is_some();
        match self {
            Target::Cluster => Vec::new(),
            Target::Node(name) => Some(name.clone()).into_iter().filter(exists).collect(),
            Target::Nodes(names) => names.iter().filter(|name| exists(name)).cloned().collect(),
            Target::Zone(zone) => nodes
                .all::<Node>()
                .filter(|node| node.meta.labels.get(LABEL_ZONE) == Some(zone))
                .map(|node| node.meta.name().clone())
                .collect(),
            Target::Running(key) => {
                let node = pods.typed::<Pod>(key).map(|pod| pod.node_name.clone());
                node.into_iter().filter(exists).collect()
            }
            Target::MostPods { kind, key } => {
                let mut counts: BTreeMap<Name, usize> = BTreeMap::new();
                for pod in pods.in_namespace::<Pod>(&key.namespace) {
                    if pod.is_active() && !pod.node_name.is_empty() && belongs(pod, *kind, key, replica_sets) {
                        *counts.entry(pod.node_name.clone()).or_default() += 1;
                    }
                }
                let most = counts.values().copied().max();
                let node = counts.into_iter().find(|(_, count)| Some(*count) == most).map(|(node, _)| node);
                node.into_iter().filter(exists).collect()
            }
        }
    }
}

fn belongs(pod: &Pod, kind: Kind, key: &Key, replica_sets: &Table) -> bool {
    let Some(owner) = pod.meta.controller() else { return false };
    if owner.kind == kind {
        return owner.name == key.name;
    }
    let set = replica_sets.typed::<ReplicaSet>(&Key { namespace: key.namespace.clone(), name: owner.name.clone() });
    let above = set.and_then(|set| set.meta.controller());
    above.is_some_and(|above| above.kind == kind && above.name == key.name)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Cluster => write!(f, "the cluster"),
            Target::Node(name) => write!(f, "node {name}"),
            Target::Nodes(names) => {
                write!(f, "nodes {}", names.iter().map(Name::as_str).collect::<Vec<_>>().join(", "))
            }
            Target::Zone(zone) => write!(f, "nodes of zone {zone}"),
            Target::Running(key) => write!(f, "the node that runs pod {key}"),
            Target::MostPods { kind, key } => {
                write!(f, "the node with the most pods of {} {key}", kind.name().to_lowercase())
            }
        }
    }
}
