//! What plugins look at: nodes as columns, one row a node in the order of upstream's snapshot list, and pods with
//! their requests added up.
//!
//! Source: `pkg/scheduler/framework/types.go` (`NodeInfo`, `PodInfo`), v1.36. Left out: images, host ports, volumes and
//! the pods of a node one by one ([`super::tally`] counts them); they come with the plugins that need them. Instead of
//! node classes there are columns of labels ([`super::node_labels`]): what classes would save, they save without being
//! kept up to date.

use super::kept_scores::KeptScores;
use super::node_labels::LabelColumn;
use super::tally::Tallies;
use crate::kernel::bitset::BitSet;
use crate::object::resources::Resources;
use crate::object::taint::Taint;
use crate::object::{Labels, Name, Node, Pod, Selector};
use std::sync::Arc;

/// A pod with what the scheduler adds up of it.
#[derive(Clone, Debug)]
pub struct PodInfo {
    /// The pod.
    pub pod: Arc<Pod>,
    /// What it asks for.
    pub requests: Resources,
    /// Cpu that it is charged when nodes are scored (millicores).
    pub charged_cpu_milli: i64,
    /// Memory that it is charged when nodes are scored (bytes).
    pub charged_memory_bytes: i64,
    /// What it is told apart by from pods of other Services and ReplicaSets when it is spread by default; empty if by
    /// nothing. See [`mod@super::default_selector`].
    pub default_selector: Arc<Selector>,
}

impl PodInfo {
    /// Adds up what `pod` asks for.
    pub fn new(pod: Arc<Pod>) -> PodInfo {
        let requests = pod.spec.requests(false);
        let charged = pod.spec.requests(true);
        PodInfo {
            pod,
            requests,
            charged_cpu_milli: charged.cpu_milli,
            charged_memory_bytes: charged.memory_bytes,
            default_selector: Arc::default(),
        }
    }

    /// The same for another version of the pod; adds up again only if its spec is another.
    pub fn with(&self, pod: &Arc<Pod>) -> PodInfo {
        if Arc::ptr_eq(&self.pod.spec, &pod.spec) {
            PodInfo { pod: pod.clone(), ..self.clone() }
        } else {
            let default_selector = self.default_selector.clone();
            PodInfo { default_selector, ..PodInfo::new(pod.clone()) }
        }
    }
}

/// What the pods on a node sum up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// What they ask for; `pods` counts them.
    pub requested: Resources,
    /// Cpu that they are charged (millicores).
    pub charged_cpu_milli: i64,
    /// Memory that they are charged (bytes).
    pub charged_memory_bytes: i64,
}

impl Usage {
    /// Adds a pod.
    pub fn add(&mut self, pod: &PodInfo) {
        self.requested.add(&pod.requests);
        self.requested.pods += 1;
        self.charged_cpu_milli += pod.charged_cpu_milli;
        self.charged_memory_bytes += pod.charged_memory_bytes;
    }

    /// Takes a pod away.
    pub fn remove(&mut self, pod: &PodInfo) {
        self.requested.subtract(&pod.requests);
        self.requested.pods -= 1;
        self.charged_cpu_milli -= pod.charged_cpu_milli;
        self.charged_memory_bytes -= pod.charged_memory_bytes;
    }
}

/// Amounts as columns.
#[derive(Clone, Debug, Default)]
pub struct Amounts {
    /// Cpu (millicores).
    pub cpu_milli: Vec<i64>,
    /// Memory (bytes).
    pub memory_bytes: Vec<i64>,
    /// Ephemeral storage (bytes).
    pub ephemeral_bytes: Vec<i64>,
    /// Pods (count).
    pub pods: Vec<i64>,
}

impl Amounts {
    fn resize(&mut self, rows: usize) {
        let Amounts { cpu_milli, memory_bytes, ephemeral_bytes, pods } = self;
        [cpu_milli, memory_bytes, ephemeral_bytes, pods].into_iter().for_each(|column| column.resize(rows, 0));
    }

    fn write(&mut self, row: usize, amounts: &Resources) {
        self.cpu_milli[row] = amounts.cpu_milli;
        self.memory_bytes[row] = amounts.memory_bytes;
        self.ephemeral_bytes[row] = amounts.ephemeral_bytes;
        self.pods[row] = amounts.pods;
    }
}

/// One extended resource on all nodes.
#[derive(Clone, Debug)]
pub struct ScalarColumn {
    /// Name of the resource.
    pub name: Name,
    /// What pods may ask for.
    pub allocatable: Vec<i64>,
    /// What they have asked for.
    pub requested: Vec<i64>,
}

/// The nodes that a scheduling cycle sees.
#[derive(Clone, Debug, Default)]
pub struct NodeTable {
    /// Names.
    pub names: Vec<Name>,
    /// Labels.
    pub labels: Vec<Labels>,
    /// Labels by key, of the keys that pods have asked for.
    pub(super) label_columns: Vec<LabelColumn>,
    /// `status.allocatable`.
    pub allocatable: Amounts,
    /// What the pods on it ask for; `pods` counts them.
    pub requested: Amounts,
    /// Cpu that the pods on it are charged (millicores).
    pub charged_cpu_milli: Vec<i64>,
    /// Memory that the pods on it are charged (bytes).
    pub charged_memory_bytes: Vec<i64>,
    /// Extended resources that some node has or some pod asked for, by name.
    pub scalars: Vec<ScalarColumn>,
    /// Taints.
    pub taints: Vec<Arc<[Taint]>>,
    /// Nodes with any taint.
    pub tainted: BitSet,
    /// Cordoned nodes.
    pub unschedulable: BitSet,
    /// Pods by namespace and labels.
    pub(super) tallies: Tallies,
    /// Scores by what pods ask for.
    pub(super) scores: KeptScores,
}

impl NodeTable {
    /// How many nodes there are.
    pub const fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The row of the node `name`; looks through all.
    pub fn row(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| *known == name)
    }

    /// The column of an extended resource, if any node has it or any pod asked for it.
    pub fn scalar(&self, name: &str) -> Option<&ScalarColumn> {
        self.scalars.binary_search_by(|column| column.name.as_str().cmp(name)).ok().map(|index| &self.scalars[index])
    }

    /// Appends a node.
    pub(super) fn push(&mut self, node: &Node, usage: &Usage) {
        let row = self.len();
        self.names.push(node.meta.name().clone());
        self.labels.push(Labels::default());
        self.taints.push(Arc::from([]));
        self.allocatable.resize(row + 1);
        self.requested.resize(row + 1);
        self.charged_cpu_milli.push(0);
        self.charged_memory_bytes.push(0);
        for column in &mut self.scalars {
            column.allocatable.push(0);
            column.requested.push(0);
        }
        self.tainted.grow(row + 1);
        self.unschedulable.grow(row + 1);
        self.write_node(row, node);
        self.write_usage(row, usage);
    }

    /// Brings a row up to date with its node.
    pub(super) fn write_node(&mut self, row: usize, node: &Node) {
        let allocatable = Resources::from(&node.allocatable);
        let scored = |amounts: &Amounts| (amounts.cpu_milli[row], amounts.memory_bytes[row]);
        let before = scored(&self.allocatable);
        self.allocatable.write(row, &allocatable);
        if before != scored(&self.allocatable) {
            self.scores.touch(row, self.names.len());
        }
        self.scalars.iter_mut().for_each(|column| column.allocatable[row] = 0);
        for (name, amount) in &allocatable.scalars {
            self.scalar_column(name).allocatable[row] = *amount;
        }
        if self.labels[row] != node.meta.labels {
            self.label_columns.iter_mut().for_each(|column| column.write(row, &node.meta.labels));
            self.labels[row] = node.meta.labels.clone();
            self.tallies.relabel(row, &node.meta.labels);
        }
        if *self.taints[row] != *node.taints {
            self.taints[row] = node.taints.as_slice().into();
        }
        self.tainted.set(row, !node.taints.is_empty());
        self.unschedulable.set(row, node.unschedulable);
    }

    /// Brings a row up to date with the pods on its node.
    pub(super) fn write_usage(&mut self, row: usize, usage: &Usage) {
        self.requested.write(row, &usage.requested);
        self.charged_cpu_milli[row] = usage.charged_cpu_milli;
        self.charged_memory_bytes[row] = usage.charged_memory_bytes;
        self.scores.touch(row, self.names.len());
        for (name, amount) in &usage.requested.scalars {
            self.scalar_column(name).requested[row] = *amount;
        }
    }

    fn scalar_column(&mut self, name: &Name) -> &mut ScalarColumn {
        let index = self.scalars.binary_search_by(|column| column.name.cmp(name)).unwrap_or_else(|index| {
            let zeros = vec![0; self.names.len()];
            let column = ScalarColumn { name: name.clone(), allocatable: zeros.clone(), requested: zeros };
            self.scalars.insert(index, column);
            index
        });
        &mut self.scalars[index]
    }
}
