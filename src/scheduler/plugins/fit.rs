//! Nodes must have room for what a pod asks for; emptier ones score higher.
//!
//! Source: `pkg/scheduler/framework/plugins/noderesources/{fit,least_allocated,resource_allocation}.go`, v1.36. Left out:
//! pod-level resources and in-place resize (pods do not have them here), ignored resources, resources delegated to
//! dynamic allocation, and the scoring strategies other than LeastAllocated over cpu and memory with equal weights.

use super::quotient;
use crate::object::resources::Resources;
use crate::object::{Name, Node, Pod};
use crate::scheduler::event::{Action, ClusterEvent, Interest, Resource};
use crate::scheduler::plugin::{MAX_NODE_SCORE, Plugin, Point, PreFilter};
use crate::scheduler::table::{NodeTable, PodInfo, ScalarColumn};
use crate::scheduler::window::{Code, Window};

/// `NodeResourcesFit`.
pub struct Fit;

/// Bits of a rejection's detail; the pod's extended resources follow, in the order of their names.
const TOO_MANY_PODS: u32 = 1;
const CPU: u32 = 1 << 1;
const MEMORY: u32 = 1 << 2;
const EPHEMERAL: u32 = 1 << 3;
const FIRST_SCALAR: usize = 4;

/// What one pod is measured by.
#[derive(Clone, Debug, Default)]
pub struct Need {
    cpu_milli: i64,
    memory_bytes: i64,
    ephemeral_bytes: i64,
    scalars: Vec<(Name, i64)>,
}

/// What is not asked for is never short, not even on a node that has given away more than it has.
const NOTHING: i64 = i64::MIN;

impl Need {
    fn of(requests: &Resources) -> Need {
        let need = |amount: i64| if amount > 0 { amount } else { NOTHING };
        let scalars = requests.scalars.iter().filter(|(_, amount)| *amount > 0).cloned().collect();
        Need {
            cpu_milli: need(requests.cpu_milli),
            memory_bytes: need(requests.memory_bytes),
            ephemeral_bytes: need(requests.ephemeral_bytes),
            scalars,
        }
    }

    /// Whether a node with `allocatable` could hold the pod if it were empty (upstream's `isFit`).
    fn fits_empty(&self, allocatable: &Resources) -> bool {
        allocatable.pods >= 1
            && self.cpu_milli <= allocatable.cpu_milli
            && self.memory_bytes <= allocatable.memory_bytes
            && self.ephemeral_bytes <= allocatable.ephemeral_bytes
            && self.scalars.iter().all(|(name, amount)| *amount <= allocatable.scalar(name))
    }

    /// Whether `new` has more than `old` of anything that is asked for, pods included.
    fn is_helped(&self, old: &Resources, new: &Resources) -> bool {
        new.pods > old.pods
            || self.cpu_milli != NOTHING && new.cpu_milli > old.cpu_milli
            || self.memory_bytes != NOTHING && new.memory_bytes > old.memory_bytes
            || self.ephemeral_bytes != NOTHING && new.ephemeral_bytes > old.ephemeral_bytes
            || self.scalars.iter().any(|(name, _)| new.scalar(name) > old.scalar(name))
    }
}

/// One resource that is asked for, on all nodes.
struct Column<'a> {
    detail: u32,
    need: i64,
    has: &'a [i64],
    uses: &'a [i64],
}

impl Column<'_> {
    /// The rows of the word at `first` where the resource is short, and those that do not even have so much: there no
    /// victim would make room.
    fn short(&self, first: usize) -> (u64, u64) {
        let rows = first..self.has.len().min(first + 64);
        let (has, uses) = (&self.has[rows.clone()], &self.uses[rows]);
        match short_bits(self.need, has, uses) {
            0 => (0, 0),
            // A node that takes one pod less is not one that could never take it.
            short if self.detail == TOO_MANY_PODS => (short, 0),
            short => (short, short & beyond_bits(self.need, has)),
        }
    }
}

/// Rows with less than `need` left, as bits. The hot loop: without branches and checks, since amounts are nowhere near
/// the ends of their type.
fn short_bits(need: i64, has: &[i64], uses: &[i64]) -> u64 {
    let rows = has.iter().zip(uses).enumerate();
    rows.fold(0, |short, (row, (has, uses))| short | u64::from(need > has.wrapping_sub(*uses)) << row)
}

/// Rows that have less than `need` altogether, as bits.
fn beyond_bits(need: i64, has: &[i64]) -> u64 {
    has.iter().enumerate().fold(0, |beyond, (row, has)| beyond | u64::from(need > *has) << row)
}

impl Need {
    /// The columns of `nodes` that matter, and the details of resources that no node has.
    fn columns<'a>(&self, nodes: &'a NodeTable) -> (Vec<Column<'a>>, u32) {
        let (has, uses) = (&nodes.allocatable, &nodes.requested);
        let mut columns = vec![Column { detail: TOO_MANY_PODS, need: 1, has: &has.pods, uses: &uses.pods }];
        for (detail, need, has, uses) in [
            (CPU, self.cpu_milli, &has.cpu_milli, &uses.cpu_milli),
            (MEMORY, self.memory_bytes, &has.memory_bytes, &uses.memory_bytes),
            (EPHEMERAL, self.ephemeral_bytes, &has.ephemeral_bytes, &uses.ephemeral_bytes),
        ] {
            if need != NOTHING {
                columns.push(Column { detail, need, has, uses });
            }
        }
        let mut nowhere = 0;
        for (index, (name, need)) in self.scalars.iter().enumerate() {
            let detail = 1 << (FIRST_SCALAR + index);
            match nodes.scalar(name) {
                Some(ScalarColumn { allocatable: has, requested: uses, .. }) => {
                    columns.push(Column { detail, need: *need, has, uses });
                }
                None => nowhere |= detail,
            }
        }
        (columns, nowhere)
    }
}

/// The share of `capacity` that stays free (per cent).
fn free_share(requested: i64, capacity: i64) -> i64 {
    if requested > capacity { 0 } else { quotient((capacity - requested).wrapping_mul(MAX_NODE_SCORE), capacity) }
}

impl Plugin for Fit {
    const NAME: &'static str = "NodeResourcesFit";
    const POINTS: &'static [Point] = &[Point::PreFilter, Point::Filter, Point::Score];
    const INTERESTS: &'static [Interest] = &[
        Interest { resource: Resource::Pod, actions: Action::DELETE.and(Action::POD_SCALE_DOWN) },
        Interest { resource: Resource::Node, actions: Action::ADD.and(Action::NODE_ALLOCATABLE) },
    ];
    const SCORES_AMOUNTS: bool = true;
    type Cycle = Need;

    fn pre_filter(&self, pod: &PodInfo, _nodes: &NodeTable, cycle: &mut Need) -> PreFilter {
        *cycle = Need::of(&pod.requests);
        let kinds = cycle.scalars.len();
        assert!(kinds + FIRST_SCALAR <= 32, "{} asks for {kinds} extended resources", pod.pod.meta.key);
        PreFilter::Proceed
    }

    fn filter(&self, _pod: &PodInfo, need: &Need, nodes: &NodeTable, window: &mut Window) {
        let (columns, nowhere) = need.columns(nodes);
        let mut short: Vec<(u32, u64, u64)> = Vec::with_capacity(columns.len());
        for (first, bits) in window.masks().into_iter().filter(|(_, bits)| *bits != 0) {
            short.clear();
            short.extend(columns.iter().map(|column| {
                let (short, beyond) = column.short(first);
                (column.detail, short, beyond)
            }));
            let any = short.iter().fold(if nowhere == 0 { 0 } else { u64::MAX }, |any, (_, short, _)| any | short);
            window.judge(first, any & bits, |row| {
                let bit = 1 << (row - first);
                let (mut detail, mut hopeless) = (nowhere, nowhere != 0);
                for &(what, short, beyond) in &short {
                    detail |= if short & bit == 0 { 0 } else { what };
                    hopeless |= beyond & bit != 0;
                }
                Some((if hopeless { Code::Unresolvable } else { Code::Unschedulable }, detail))
            });
        }
    }

    fn reasons(&self, _pod: &PodInfo, need: &Need, detail: u32) -> Vec<Name> {
        let fixed = [
            (TOO_MANY_PODS, "Too many pods"),
            (CPU, "Insufficient cpu"),
            (MEMORY, "Insufficient memory"),
            (EPHEMERAL, "Insufficient ephemeral-storage"),
        ];
        let scalars = need.scalars.iter().enumerate();
        let scalars = scalars.filter(|(index, _)| detail & (1 << (FIRST_SCALAR + index)) != 0);
        let fixed = fixed.into_iter().filter(|(bit, _)| detail & bit != 0).map(|(_, reason)| reason.into());
        fixed.chain(scalars.map(|(_, (name, _))| format!("Insufficient {name}").into())).collect()
    }

    /// Counts every container that names no cpu or memory as if it asked for a little.
    fn score(&self, pod: &PodInfo, _need: &Need, nodes: &NodeTable, feasible: &[u32], out: &mut [i64]) {
        let (cpu, memory) = (pod.charged_cpu_milli, pod.charged_memory_bytes);
        // Neighbours are often alike, and divisions are what takes the time here.
        let (mut last, mut last_score) = ([(0, 0); 2], 0);
        for (score, &row) in out.iter_mut().zip(feasible) {
            let row = row as usize;
            let cpu = (nodes.charged_cpu_milli[row] + cpu, nodes.allocatable.cpu_milli[row]);
            let memory = (nodes.charged_memory_bytes[row] + memory, nodes.allocatable.memory_bytes[row]);
            if last != [cpu, memory] {
                last = [cpu, memory];
                // A resource that the node does not have drops out of the mean.
                last_score = match (cpu.1 != 0, memory.1 != 0) {
                    (true, true) => (free_share(cpu.0, cpu.1) + free_share(memory.0, memory.1)) / 2,
                    (true, false) => free_share(cpu.0, cpu.1),
                    (false, true) => free_share(memory.0, memory.1),
                    (false, false) => 0,
                };
            }
            *score = last_score;
        }
    }

    fn hint(&self, pod: &PodInfo, event: &ClusterEvent) -> bool {
        let need = Need::of(&pod.requests);
        if let Some(new) = event.after::<Node>() {
            let room = Resources::from(&new.allocatable);
            let grew = |old: &Node| need.is_helped(&Resources::from(&old.allocatable), &room);
            return need.fits_empty(&room) && event.before::<Node>().is_none_or(|old| grew(old));
        }
        let Some(old) = event.before::<Pod>() else { return false };
        let Some(new) = event.after::<Pod>() else {
            return !old.node_name.is_empty() || !old.status.nominated_node.is_empty();
        };
        let is_itself = new.meta.uid == pod.pod.meta.uid;
        is_itself || !new.node_name.is_empty() && need.is_helped(&new.spec.requests(false), &old.spec.requests(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::quantity::Quantity;
    use crate::scheduler::fixture::{node, pod};
    use crate::scheduler::{Cache, Profile, evaluate};
    use std::sync::Arc;

    fn bound(name: &str, cpu: &str, memory: &str, node: &str) -> Arc<PodInfo> {
        let mut pod = pod(name, cpu, memory);
        pod.node_name = node.into();
        Arc::new(PodInfo::new(Arc::new(pod)))
    }

    fn info(cpu: &str, memory: &str) -> PodInfo {
        PodInfo::new(Arc::new(pod("p", cpu, memory)))
    }

    #[test]
    fn all_that_is_short_is_named_in_order() {
        let mut cache = Cache::default();
        let mut small = node("small", "2", "4Gi");
        small.allocatable.set("pods", Quantity::from_units(1));
        small.allocatable.set("example.com/gpu", Quantity::from_units(2));
        cache.add_node(Arc::new(small));
        cache.add_pod(&bound("there", "1", "1Gi", "small").pod);
        let with_gpu = |gpus: i64| {
            let mut pod = pod("p", "1500m", "5Gi");
            Arc::make_mut(&mut pod.spec).containers[0].requests.set("example.com/gpu", Quantity::from_units(gpus));
            PodInfo::new(Arc::new(pod))
        };
        use Code::{Unresolvable, Unschedulable};
        for (pod, code, reasons) in [
            (info("", ""), Unschedulable, "Too many pods"),
            (info("1500m", ""), Unschedulable, "Too many pods, Insufficient cpu"),
            (info("2500m", "1Gi"), Unresolvable, "Too many pods, Insufficient cpu"),
            (with_gpu(1), Unresolvable, "Too many pods, Insufficient cpu, Insufficient memory"),
            (
                with_gpu(3),
                Unresolvable,
                "Too many pods, Insufficient cpu, Insufficient memory, Insufficient example.com/gpu",
            ),
        ] {
            let evaluation = evaluate(cache.table(), &pod, &Profile::default());
            let [rejected] = evaluation.rejected.try_into().unwrap();
            let said = rejected.reasons.iter().map(Name::as_str).collect::<Vec<_>>().join(", ");
            assert_eq!((rejected.code, said.as_str()), (code, reasons));
        }
    }

    #[test]
    fn a_pod_that_asks_for_nothing_passes_an_overcommitted_node() {
        let mut cache = Cache::default();
        cache.add_node(Arc::new(node("n", "1", "1Gi")));
        cache.add_pod(&bound("there", "2", "2Gi", "n").pod);
        assert_eq!(evaluate(cache.table(), &info("", ""), &Profile::default()).feasible, [0]);
        assert!(evaluate(cache.table(), &info("1m", ""), &Profile::default()).feasible.is_empty());
    }

    #[test]
    fn emptier_nodes_score_higher() {
        let mut cache = Cache::default();
        cache.add_node(Arc::new(node("n", "4", "16Gi")));
        cache.add_node(Arc::new(node("other", "4", "16Gi")));
        cache.add_pod(&bound("there", "1", "2Gi", "n").pod);
        for (pod, score) in [(info("500m", "1Gi"), 71), (info("", ""), 79), (info("0", "6Gi"), 62)] {
            let evaluation = evaluate(cache.table(), &pod, &Profile::default());
            let scores = evaluation.scores.iter().find(|scores| scores.plugin == "NodeResourcesFit").unwrap();
            assert_eq!(scores.raw[0], score, "{:?}", pod.requests);
        }
    }

    #[test]
    fn another_try_is_worth_it_only_if_there_may_be_room() {
        let pod = info("1", "");
        let [small, middle, large] = ["500m", "2", "4"].map(|cpu| Arc::new(node("n", cpu, "8Gi")));
        let added = |node: &Arc<Node>| ClusterEvent::added(Resource::Node, node);
        let update = |old: &Arc<Node>, new: &Arc<Node>| ClusterEvent { old: added(old).new, ..added(new) };
        assert!(!Fit.hint(&pod, &added(&small)), "it does not even fit the empty node");
        assert!(Fit.hint(&pod, &added(&middle)));
        assert!(Fit.hint(&pod, &update(&middle, &large)));
        assert!(!Fit.hint(&pod, &update(&large, &middle)), "nothing grew");
        let gone = |info: &PodInfo| ClusterEvent::deleted(Resource::Pod, &info.pod);
        assert!(Fit.hint(&pod, &gone(&bound("b", "1", "", "n"))));
        assert!(!Fit.hint(&pod, &gone(&info("1", ""))), "it was on no node");
    }
}
