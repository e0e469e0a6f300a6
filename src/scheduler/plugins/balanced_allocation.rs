//! Nodes score higher whose cpu and memory a pod would bring closer to being used alike.
//!
//! Source: `pkg/scheduler/framework/plugins/noderesources/{balanced_allocation,resource_allocation}.go`, v1.36. Counted is
//! what pods really ask for: a missing request is charged nothing here, unlike in `NodeResourcesFit`. Left out: pod-level
//! resources and in-place resize (pods do not have them here), resources delegated to dynamic allocation, and other
//! resources than cpu and memory; with those two the standard deviation needs no root.

use crate::scheduler::plugin::{MAX_NODE_SCORE, Plugin, Point, PreScore};
use crate::scheduler::table::{NodeTable, PodInfo};

/// `NodeResourcesBalancedAllocation`.
pub struct BalancedAllocation;

/// What is used of `capacity`, at most all of it; nothing is said of a resource that the node does not have.
fn used_share(requested: i64, capacity: i64) -> Option<f64> {
    (capacity != 0).then(|| (requested as f64 / capacity as f64).min(1.0))
}

/// 100 where both resources are used alike, 50 where one is used up and the other free. The float operations are exact
/// in IEEE 754 and in upstream's order.
fn balance(cpu: (i64, i64), memory: (i64, i64)) -> i64 {
    let deviation = match (used_share(cpu.0, cpu.1), used_share(memory.0, memory.1)) {
        (Some(cpu), Some(memory)) => ((cpu - memory) / 2.0).abs(),
        _ => 0.0,
    };
    ((1.0 - deviation) * MAX_NODE_SCORE as f64) as i64
}

impl Plugin for BalancedAllocation {
    const NAME: &'static str = "NodeResourcesBalancedAllocation";
    const POINTS: &'static [Point] = &[Point::PreScore, Point::Score];
    const SCORES_AMOUNTS: bool = true;
    type Cycle = ();

    /// Of pods that ask for nothing, it would send many to the same node.
    fn pre_score(&self, pod: &PodInfo, (): &mut (), _nodes: &NodeTable, _feasible: &[u32]) -> PreScore {
        let asks = pod.requests.cpu_milli != 0 || pod.requests.memory_bytes != 0;
        if asks { PreScore::Proceed } else { PreScore::Skip }
    }

    /// Half the scale, from neutral up or down by half of what the pod changes.
    fn score(&self, pod: &PodInfo, (): &(), nodes: &NodeTable, feasible: &[u32], out: &mut [i64]) {
        let (cpu, memory) = (pod.requests.cpu_milli, pod.requests.memory_bytes);
        // Neighbours are often alike, and divisions are what takes the time here.
        let (mut last, mut last_score) = ([(i64::MIN, 0); 2], 0);
        for (score, &row) in out.iter_mut().zip(feasible) {
            let row = row as usize;
            let of_cpu = (nodes.requested.cpu_milli[row], nodes.allocatable.cpu_milli[row]);
            let of_memory = (nodes.requested.memory_bytes[row], nodes.allocatable.memory_bytes[row]);
            if last != [of_cpu, of_memory] {
                last = [of_cpu, of_memory];
                let with = balance((of_cpu.0 + cpu, of_cpu.1), (of_memory.0 + memory, of_memory.1));
                let without = balance(of_cpu, of_memory);
                last_score = MAX_NODE_SCORE / 2 + (MAX_NODE_SCORE / 2 + with - without) / 2;
            }
            *score = last_score;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::fixture::{node, pod};
    use crate::scheduler::{Cache, Profile, evaluate};
    use std::sync::Arc;

    #[test]
    fn what_brings_the_shares_together_scores_above_what_parts_them() {
        let mut cache = Cache::default();
        cache.add_node(Arc::new(node("n", "4", "16Gi")));
        cache.add_node(Arc::new(node("other", "4", "16Gi")));
        cache.add_node(Arc::new(node("no memory", "4", "0")));
        let mut there = pod("there", "1", "2Gi");
        there.node_name = "n".into();
        cache.add_pod(&Arc::new(there));
        for (cpu, memory, scores) in [
            ("500m", "1Gi", Some([73, 73].as_slice())),
            ("0", "6Gi", Some(&[72, 65])),
            ("1", "", Some(&[69, 68, 75])),
            ("", "", None),
            ("0", "0", None),
        ] {
            let info = PodInfo::new(Arc::new(pod("p", cpu, memory)));
            let evaluation = evaluate(cache.table(), &info, &Profile::default());
            let mut all = evaluation.scores.iter();
            let balanced = all.find(|scores| scores.plugin == "NodeResourcesBalancedAllocation");
            assert_eq!(balanced.map(|scores| scores.raw.as_slice()), scores, "{cpu} {memory}");
        }
    }
}
