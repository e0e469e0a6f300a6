//! Pods go to nodes that their node selector and node affinity ask for, and rather to those that they prefer.
//!
//! Source: `pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go`, v1.36. Left out: affinity that the
//! configuration of the scheduler adds to every pod.

use super::default_normalise;
use crate::kernel::bitset::BitSet;
use crate::object::node_affinity::{FIELD_NAME, NodeOperator, NodeTerm, PreferredTerm, must_match};
use crate::object::{Name, Node};
use crate::scheduler::event::{Action, ClusterEvent, Interest, Resource};
use crate::scheduler::node_labels::{RequiredMatch, TermMatch};
use crate::scheduler::plugin::{Plugin, Point, PreFilter, PreScore, Refusal};
use crate::scheduler::table::{NodeTable, PodInfo};
use crate::scheduler::window::{Code, Window};

/// `NodeAffinity`.
pub struct NodeAffinity;

/// What a pod asks for, prepared for the table.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    required: RequiredMatch,
    preferred: Vec<(i64, TermMatch)>,
}

fn required(pod: &PodInfo) -> Option<&[NodeTerm]> {
    pod.pod.spec.node_affinity.as_ref()?.required.as_deref()
}

/// The names of the nodes that a term allows, if it names any: those that all its requirements on the name have.
fn names(term: &NodeTerm) -> Option<Vec<&Name>> {
    let naming = |operator: &NodeOperator, key: &Name| *operator == NodeOperator::In && **key == *FIELD_NAME;
    let mut lists = term.fields.iter().filter(|field| naming(&field.operator, &field.key)).map(|field| &field.values);
    let first = lists.next()?;
    let rest: Vec<&Vec<Name>> = lists.collect();
    Some(first.iter().filter(|name| rest.iter().all(|list| list.contains(name))).collect())
}

fn matches(pod: &PodInfo, node: &Node) -> bool {
    must_match(&pod.pod.spec, node.meta.name(), &node.meta.labels)
}

impl Plugin for NodeAffinity {
    const NAME: &'static str = "NodeAffinity";
    const POINTS: &'static [Point] = &[Point::PreFilter, Point::Filter, Point::PreScore, Point::Score];
    const INTERESTS: &'static [Interest] =
        &[Interest { resource: Resource::Node, actions: Action::ADD.and(Action::NODE_LABEL) }];
    type Cycle = Wish;

    /// If every term names nodes, no others are looked at.
    fn pre_filter(&self, pod: &PodInfo, nodes: &NodeTable, wish: &mut Wish) -> PreFilter {
        let terms = required(pod);
        if terms.is_none() && pod.pod.spec.node_selector.is_empty() {
            return PreFilter::Skip;
        }
        wish.required = RequiredMatch::new(&pod.pod.spec, nodes);
        let Some(terms) = terms else { return PreFilter::Proceed };
        let Some(named) = terms.iter().map(names).collect::<Option<Vec<_>>>().filter(|named| !named.is_empty()) else {
            return PreFilter::Proceed;
        };
        let named = named.concat();
        if named.is_empty() {
            return PreFilter::Refuse(Refusal::new(Code::Unresolvable, "pod affinity terms conflict"));
        }
        let mut rows = BitSet::empty(nodes.len());
        named.into_iter().filter_map(|name| nodes.row(name)).for_each(|row| rows.insert(row));
        PreFilter::Only(rows)
    }

    fn filter(&self, _pod: &PodInfo, wish: &Wish, nodes: &NodeTable, window: &mut Window) {
        for (first, bits) in window.masks().into_iter().filter(|(_, bits)| *bits != 0) {
            let others = bits & !wish.required.keep(nodes, first, bits);
            window.judge(first, others, |_| Some((Code::Unresolvable, 0)));
        }
    }

    fn reasons(&self, _pod: &PodInfo, _wish: &Wish, _detail: u32) -> Vec<Name> {
        vec!["node(s) didn't match Pod's node affinity/selector".into()]
    }

    fn pre_score(&self, pod: &PodInfo, wish: &mut Wish, nodes: &NodeTable, _feasible: &[u32]) -> PreScore {
        let preferred = pod.pod.spec.node_affinity.iter().flat_map(|affinity| &affinity.preferred);
        let prepare = |item: &PreferredTerm| (i64::from(item.weight), TermMatch::new(&item.term, nodes));
        wish.preferred = preferred.map(prepare).collect();
        if wish.preferred.is_empty() { PreScore::Skip } else { PreScore::Proceed }
    }

    /// The weights of all preferred terms that a node matches.
    fn score(&self, _pod: &PodInfo, wish: &Wish, nodes: &NodeTable, feasible: &[u32], out: &mut [i64]) {
        for (weight, term) in &wish.preferred {
            for (score, &row) in out.iter_mut().zip(feasible) {
                *score += if term.matches(nodes, row as usize) { *weight } else { 0 };
            }
        }
    }

    fn normalise(&self, _pod: &PodInfo, _wish: &Wish, scores: &mut [i64]) {
        default_normalise(false, scores);
    }

    fn hint(&self, pod: &PodInfo, event: &ClusterEvent) -> bool {
        let Some(new) = event.after::<Node>() else { return false };
        matches(pod, new) && event.before::<Node>().is_none_or(|old| !matches(pod, old))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::node_affinity::{NodeAffinity as Affinity, NodeRequirement};
    use crate::scheduler::fixture::{node, pod};
    use crate::scheduler::{Cache, Evaluation, Profile, evaluate};
    use std::sync::Arc;

    fn labelled(name: &str, zone: &str) -> Arc<Node> {
        let mut node = node(name, "4", "8Gi");
        node.meta.labels.insert("zone", zone);
        Arc::new(node)
    }

    fn zone(values: &[&str]) -> NodeTerm {
        NodeTerm { expressions: vec![requirement("zone", values)], fields: Vec::new() }
    }

    /// A term of requirements on the name, one for each text.
    fn named(values: &[&str]) -> NodeTerm {
        let fields = values.iter().map(|&value| requirement(FIELD_NAME, &[value])).collect();
        NodeTerm { expressions: Vec::new(), fields }
    }

    fn requirement(key: &str, values: &[&str]) -> NodeRequirement {
        let values = values.iter().map(|&value| value.into()).collect();
        NodeRequirement { key: key.into(), operator: NodeOperator::In, values }
    }

    fn wanting(required: Option<Vec<NodeTerm>>, preferred: &[(i32, NodeTerm)]) -> PodInfo {
        let mut pod = pod("p", "1", "");
        let term = |(weight, term): &(i32, NodeTerm)| PreferredTerm { weight: *weight, term: term.clone() };
        let preferred = preferred.iter().map(term).collect();
        Arc::make_mut(&mut pod.spec).node_affinity = Some(Arc::new(Affinity { required, preferred }));
        PodInfo::new(Arc::new(pod))
    }

    fn evaluated(pod: &PodInfo) -> Evaluation {
        let mut cache = Cache::default();
        for (name, zone) in [("n0", "a"), ("n1", "b"), ("n2", "b"), ("n3", "c")] {
            cache.add_node(labelled(name, zone));
        }
        evaluate(cache.table_for(pod, &Profile::default()), pod, &Profile::default())
    }

    #[test]
    fn only_nodes_that_match_are_feasible() {
        for (terms, feasible, plugin) in [
            (vec![zone(&["b", "c"])], vec![1, 2, 3], "NodeAffinity"),
            (vec![zone(&["a"]), named(&["n2"])], vec![0, 2], "NodeAffinity"),
            (vec![named(&["n2"]), named(&["n0"])], vec![0, 2], ""),
            (vec![named(&["n0", "n2"]), named(&["n1", "n1"])], vec![1], ""),
            (vec![named(&["gone"])], vec![], ""),
            (vec![named(&["n0", "n2"])], vec![], "NodeAffinity"),
            (vec![NodeTerm::default()], vec![], "NodeAffinity"),
        ] {
            let evaluation = evaluated(&wanting(Some(terms.clone()), &[]));
            assert_eq!(evaluation.feasible, feasible, "{terms:?}");
            assert!(evaluation.rejected.iter().all(|rejected| rejected.code == Code::Unresolvable));
            assert!(evaluation.rejected.iter().all(|rejected| rejected.plugin == plugin), "{terms:?}");
        }
        let mut pod = pod("p", "1", "");
        Arc::make_mut(&mut pod.spec).node_selector.insert("zone", "c");
        assert_eq!(evaluated(&PodInfo::new(Arc::new(pod))).feasible, [3]);
    }

    #[test]
    fn names_that_contradict_each_other_end_the_cycle() {
        let evaluation = evaluated(&wanting(Some(vec![named(&["n0", "n2"])]), &[]));
        let message = "0/4 nodes are available: pod affinity terms conflict. not found";
        assert_eq!(evaluation.message.as_deref(), Some(message));
    }

    #[test]
    fn preferred_nodes_score_by_the_weights_they_match() {
        let affinity = |evaluation: &Evaluation| {
            let scores = evaluation.scores.iter().find(|scores| scores.plugin == "NodeAffinity");
            scores.map(|scores| (scores.raw.clone(), scores.weighted.clone()))
        };
        let preferred = [(30, zone(&["a", "b"])), (10, named(&["n1"])), (50, NodeTerm::default())];
        let scored = affinity(&evaluated(&wanting(None, &preferred))).unwrap();
        assert_eq!(scored, (vec![30, 40, 30, 0], vec![150, 200, 150, 0]));
        assert_eq!(affinity(&evaluated(&wanting(Some(vec![zone(&["b"])]), &[]))), None, "nothing is preferred");
    }

    #[test]
    fn a_node_that_comes_to_match_is_worth_another_try() {
        let pod = wanting(Some(vec![zone(&["a"])]), &[]);
        let [inside, outside] = ["a", "b"].map(|zone| labelled("n", zone));
        let added = |node: &Arc<Node>| ClusterEvent::added(Resource::Node, node);
        let update = |old: &Arc<Node>, new: &Arc<Node>| ClusterEvent { old: added(old).new, ..added(new) };
        assert!(NodeAffinity.hint(&pod, &added(&inside)));
        assert!(!NodeAffinity.hint(&pod, &added(&outside)));
        assert!(NodeAffinity.hint(&pod, &update(&outside, &inside)));
        assert!(!NodeAffinity.hint(&pod, &update(&inside, &inside)), "it matched before");
    }
}
