//! Pods go to nodes that their node selector and node affinity ask for, and rather to those that they prefer.
//!
//! Source: `pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go`, v1.36. Left out: affinity that the
//! configuration of the scheduler adds to every pod.

use super::default_normalise;
use crate::kernel::bitset::BitSet;
use crate::object::node_affinity::{FIELD_NAME, NodeOperator, NodeTerm, must_match};
use crate::object::{Name, Node};
use crate::scheduler::event::{Action, ClusterEvent, Interest, Resource};
use crate::scheduler::plugin::{Plugin, Point, PreFilter, PreScore, Refusal};
use crate::scheduler::table::{NodeTable, PodInfo};
use crate::scheduler::window::{Code, Window};

/// `NodeAffinity`.
pub struct NodeAffinity;

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
    type Cycle = ();

    /// If every term names nodes, no others are looked at.
    fn pre_filter(&self, pod: &PodInfo, nodes: &NodeTable, (): &mut ()) -> PreFilter {
        let Some(terms) = required(pod) else {
            let asks = !pod.pod.spec.node_selector.is_empty();
            return if asks { PreFilter::Proceed } else { PreFilter::Skip };
        };
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

    fn filter(&self, pod: &PodInfo, (): &(), nodes: &NodeTable, window: &mut Window) {
        for (first, bits) in window.masks() {
            window.judge(first, bits, |row| {
                let fits = must_match(&pod.pod.spec, &nodes.names[row], &nodes.labels[row]);
                (!fits).then_some((Code::Unresolvable, 0))
            });
        }
    }

    fn reasons(&self, _pod: &PodInfo, (): &(), _detail: u32) -> Vec<Name> {
        vec!["node(s) didn't match Pod's node affinity/selector".into()]
    }

    fn pre_score(&self, pod: &PodInfo, (): &mut (), _nodes: &NodeTable, _feasible: &[u32]) -> PreScore {
        let prefers = pod.pod.spec.node_affinity.as_ref().is_some_and(|affinity| !affinity.preferred.is_empty());
        if prefers { PreScore::Proceed } else { PreScore::Skip }
    }

    /// The weights of all preferred terms that a node matches.
    fn score(&self, pod: &PodInfo, (): &(), nodes: &NodeTable, feasible: &[u32], out: &mut [i64]) {
        let Some(affinity) = &pod.pod.spec.node_affinity else { return };
        for (score, &row) in out.iter_mut().zip(feasible) {
            let (name, labels) = (&nodes.names[row as usize], &nodes.labels[row as usize]);
            let matching = affinity.preferred.iter().filter(|preferred| preferred.term.matches(name, labels));
            *score = matching.map(|preferred| i64::from(preferred.weight)).sum();
        }
    }

    fn normalise(&self, _pod: &PodInfo, (): &(), scores: &mut [i64]) {
        default_normalise(false, scores);
    }

    fn hint(&self, pod: &PodInfo, event: &ClusterEvent) -> bool {
        let Some(new) = event.after::<Node>() else { return false };
        matches(pod, new) && event.before::<Node>().is_none_or(|old| !matches(pod, old))
    }
}
