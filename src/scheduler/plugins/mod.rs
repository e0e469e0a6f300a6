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
    if highest == 0 {
        return scores.fill(if reverse { MAX_NODE_SCORE } else { 0 });
    }
    for score in scores {
        let scaled = quotient(MAX_NODE_SCORE * *score, highest);
        *score = if reverse { MAX_NODE_SCORE - scaled } else { scaled };
    }
}

/// The whole part of `dividend / divisor`, by a division of floats where that is exact: those overlap, and those of wide
/// integers do not. A quotient of whole numbers that is not whole is at least `1 / divisor` below the next one, and of
/// numbers below 2^52 that is more than it is rounded by.
#[inline]
fn quotient(dividend: i64, divisor: i64) -> i64 {
    const EXACT_BELOW: i64 = 1 << 52;
    if (0..EXACT_BELOW).contains(&(dividend | divisor)) && divisor != 0 {
        (dividend as f64 / divisor as f64) as i64
    } else {
        dividend / divisor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::{Draws, Purpose};

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

    #[test]
    fn quotients_of_floats_are_those_of_integers() {
        let draws = Draws::new(5);
        let draw = |what: &str, round: u64| {
            let most = 1 << draws.below(Purpose::Test, "bits", round, 53);
            draws.below(Purpose::Test, what, round, most) as i64
        };
        for round in 0..200_000 {
            let (divisor, factor) = (draw("divisor", round).max(1), draw("factor", round));
            let near = divisor.saturating_mul(factor / divisor);
            for dividend in [factor, near, near - 1, near + 1, -factor] {
                assert_eq!(quotient(dividend, divisor), dividend / divisor, "{dividend} / {divisor}");
            }
        }
        let most = (1 << 52) - 1;
        for (dividend, divisor) in [(most, 1), (most, most), (most - 1, most), (i64::MAX, 3), (most, 2), (-7, 2)] {
            assert_eq!(quotient(dividend, divisor), dividend / divisor, "{dividend} / {divisor}");
        }
    }
}
