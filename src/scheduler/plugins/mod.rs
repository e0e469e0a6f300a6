//! The plugins, in upstream's order. To add one: a file here and a row in [`super::profile::REGISTRY`].

mod balanced_allocation;
mod default_binder;
mod default_preemption;
mod dynamic_resources;
mod fit;
mod node_affinity;
mod node_name;
mod node_unschedulable;
mod pod_topology_spread;
mod scheduling_gates;
mod taint_toleration;

pub use balanced_allocation::BalancedAllocation;
pub use default_binder::DefaultBinder;
pub use default_preemption::DefaultPreemption;
pub use dynamic_resources::DynamicResources;
pub use fit::Fit;
pub use node_affinity::NodeAffinity;
pub use node_name::NodeName;
pub use node_unschedulable::NodeUnschedulable;
pub use pod_topology_spread::PodTopologySpread;
pub use scheduling_gates::SchedulingGates;
pub use taint_toleration::TaintToleration;

use super::plugin::MAX_NODE_SCORE;

/// Brings scores into range by the highest of them; `reverse` makes the lowest the best.
///
/// Source: `pkg/scheduler/framework/plugins/helper/normalize_score.go`, v1.36.
pub fn default_normalise(reverse: bool, scores: &mut [i64]) {
    let highest = scores.iter().copied().max().unwrap_or(0);
    for score in scores {
        let scaled = if highest == 0 { 0 } else { MAX_NODE_SCORE * *score / highest };
        *score = if reverse { MAX_NODE_SCORE - scaled } else { scaled };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_scaled_by_the_highest() {
        for (reverse, scores, expected) in [
            (false, [1, 2, 3], [33, 66, 100]),
            (true, [1, 2, 3], [67, 34, 0]),
            (false, [0, 0, 0], [0, 0, 0]),
            (true, [0, 0, 0], [100, 100, 100]),
        ] {
            let mut normalised = scores;
            default_normalise(reverse, &mut normalised);
            assert_eq!(normalised, expected, "{scores:?} reverse {reverse}");
        }
    }
}
