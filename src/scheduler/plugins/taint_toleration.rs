//! Taints keep pods away that do not tolerate them, or make them go elsewhere if they can.
//!
//! Source: `pkg/scheduler/framework/plugins/tainttoleration/taint_toleration.go`, v1.36.

use super::default_normalise;
use crate::object::taint::{Effect, Taint, Toleration, tolerated};
use crate::object::{Name, Node, Pod};
use crate::scheduler::event::{Action, ClusterEvent, Interest, Resource};
use crate::scheduler::plugin::{Plugin, Point, PreScore};
use crate::scheduler::table::{NodeTable, PodInfo};
use crate::scheduler::window::{Code, Window};

/// `TaintToleration`.
pub struct TaintToleration;

fn keeps_away(tolerations: &[Toleration], taints: &[Taint]) -> bool {
    taints.iter().any(|taint| taint.effect != Effect::PreferNoSchedule && !tolerated(tolerations, taint))
}

impl Plugin for TaintToleration {
    const NAME: &'static str = "TaintToleration";
    const POINTS: &'static [Point] = &[Point::Filter, Point::PreScore, Point::Score];
    const INTERESTS: &'static [Interest] = &[
        Interest { resource: Resource::Node, actions: Action::ADD.and(Action::NODE_TAINT) },
        Interest { resource: Resource::Pod, actions: Action::POD_TOLERATION },
    ];
    /// The tolerations that count for `PreferNoSchedule`.
    type Cycle = Vec<Toleration>;

    fn filter(&self, pod: &PodInfo, _cycle: &Vec<Toleration>, nodes: &NodeTable, window: &mut Window) {
        let tolerations = &pod.pod.spec.tolerations;
        for (first, bits) in window.masks() {
            window.judge(first, bits & nodes.tainted.word(first / 64), |row| {
                keeps_away(tolerations, &nodes.taints[row]).then_some((Code::Unresolvable, 0))
            });
        }
    }

    fn reasons(&self, _pod: &PodInfo, _cycle: &Vec<Toleration>, _detail: u32) -> Vec<Name> {
        vec!["node(s) had untolerated taint(s)".into()]
    }

    fn pre_score(&self, pod: &PodInfo, cycle: &mut Vec<Toleration>, _: &NodeTable, _: &[u32]) -> PreScore {
        let counts = |toleration: &&Toleration| toleration.effect.is_none_or(|e| e == Effect::PreferNoSchedule);
        *cycle = pod.pod.spec.tolerations.iter().filter(counts).cloned().collect();
        PreScore::Proceed
    }

    fn score(&self, _: &PodInfo, cycle: &Vec<Toleration>, nodes: &NodeTable, feasible: &[u32], out: &mut [i64]) {
        for (score, &row) in out.iter_mut().zip(feasible) {
            if nodes.tainted.contains(row as usize) {
                let bothers = |taint: &&Taint| taint.effect == Effect::PreferNoSchedule && !tolerated(cycle, taint);
                *score = nodes.taints[row as usize].iter().filter(bothers).count() as i64;
            }
        }
    }

    fn normalise(&self, _pod: &PodInfo, _cycle: &Vec<Toleration>, scores: &mut [i64]) {
        default_normalise(true, scores);
    }

    fn hint(&self, pod: &PodInfo, event: &ClusterEvent) -> bool {
        if let Some(changed) = event.after::<Pod>() {
            return changed.meta.uid == pod.pod.meta.uid;
        }
        let Some(new) = event.after::<Node>() else { return false };
        let tolerations = &pod.pod.spec.tolerations;
        let was_away = event.before::<Node>().is_none_or(|old| keeps_away(tolerations, &old.taints));
        was_away && !keeps_away(tolerations, &new.taints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::taint::TolerationOperator;
    use crate::scheduler::fixture::{node, pod};
    use crate::scheduler::{Cache, Profile, evaluate};
    use std::sync::Arc;

    fn taint(key: &str, effect: Effect) -> Taint {
        Taint { key: key.into(), value: Name::none(), effect, time_added: None }
    }

    fn tolerating(key: &str, effect: Option<Effect>) -> PodInfo {
        let mut pod = pod("p", "1", "");
        let operator = TolerationOperator::Exists;
        let toleration = Toleration { key: key.into(), operator, effect, ..Toleration::default() };
        Arc::make_mut(&mut pod.spec).tolerations.push(toleration);
        PodInfo::new(Arc::new(pod))
    }

    #[test]
    fn untolerated_taints_keep_away_or_cost_score() {
        let mut cache = Cache::default();
        for (name, taints) in [
            ("clean", vec![]),
            ("closed", vec![taint("a", Effect::NoSchedule)]),
            ("evicting", vec![taint("b", Effect::NoExecute)]),
            ("disliked", vec![taint("a", Effect::PreferNoSchedule), taint("b", Effect::PreferNoSchedule)]),
            ("disliked less", vec![taint("b", Effect::PreferNoSchedule)]),
        ] {
            let mut node = node(name, "4", "8Gi");
            node.taints = taints;
            cache.add_node(Arc::new(node));
        }
        for (pod, feasible, scores) in [
            (tolerating("none", None), vec![0, 3, 4], [300, 0, 150].as_slice()),
            (tolerating("a", None), vec![0, 1, 3, 4], &[300, 300, 0, 0]),
            (tolerating("a", Some(Effect::NoSchedule)), vec![0, 1, 3, 4], &[300, 300, 0, 150]),
            (tolerating("b", Some(Effect::PreferNoSchedule)), vec![0, 3, 4], &[300, 0, 300]),
            (tolerating("", None), vec![0, 1, 2, 3, 4], &[300; 5]),
        ] {
            let evaluation = evaluate(cache.table(), &pod, &Profile::default());
            assert_eq!(evaluation.feasible, feasible, "{:?}", pod.pod.spec.tolerations);
            let taints = evaluation.scores.iter().find(|scores| scores.plugin == "TaintToleration").unwrap();
            assert_eq!(taints.weighted, scores, "{:?}", pod.pod.spec.tolerations);
        }
    }

    #[test]
    fn a_node_whose_taint_went_away_is_worth_another_try() {
        let clean = Arc::new(node("n", "4", "8Gi"));
        let mut tainted = (*clean).clone();
        tainted.taints.push(taint("a", Effect::NoSchedule));
        let tainted = Arc::new(tainted);
        let added = |node: &Arc<Node>| ClusterEvent::added(Resource::Node, node);
        let update = |old: &Arc<Node>, new: &Arc<Node>| ClusterEvent { old: added(old).new, ..added(new) };
        let [plain, tolerant] = [tolerating("none", None), tolerating("a", None)];
        assert!(TaintToleration.hint(&plain, &update(&tainted, &clean)));
        assert!(!TaintToleration.hint(&tolerant, &update(&tainted, &clean)), "taints did not keep it away");
        assert!(!TaintToleration.hint(&plain, &added(&tainted)));
        assert!(TaintToleration.hint(&plain, &added(&clean)));
    }
}
