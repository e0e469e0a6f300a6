//! Labels of nodes as columns, and what a pod asks of them as tables over the values that a label has.
//!
//! Many nodes share the few values of a key: a requirement is decided once for each value, and a node then costs one
//! look-up in a small table. A column is made when the first pod asks for its key
//! ([`Cache::table_for`](super::Cache::table_for)) and kept until nodes come or go. Where there is no column, labels are
//! read one by one, to the same effect.

use super::table::NodeTable;
use crate::object::node_affinity::{NodeOperator, NodeRequirement, NodeTerm, matches_field};
use crate::object::pod::PodSpec;
use crate::object::{Labels, Name};
use std::collections::BTreeMap;

/// The labels of one key on all nodes.
#[derive(Clone, Debug)]
pub struct LabelColumn {
    /// The key.
    pub key: Name,
    /// Numbers of the values, from 1; also of values that no node has any more.
    numbers: BTreeMap<Name, u32>,
    /// The number of the value on each node; 0 where the label is absent.
    rows: Vec<u32>,
}

impl LabelColumn {
    fn new(key: &Name, labels: &[Labels]) -> LabelColumn {
        let mut column = LabelColumn { key: key.clone(), numbers: BTreeMap::new(), rows: vec![0; labels.len()] };
        labels.iter().enumerate().for_each(|(row, labels)| column.write(row, labels));
        column
    }

    /// Brings a row up to date.
    pub(super) fn write(&mut self, row: usize, labels: &Labels) {
        let next = self.numbers.len() as u32 + 1;
        self.rows[row] = match labels.get(&self.key) {
            None => 0,
            Some(value) => match self.numbers.get(value) {
                Some(&number) => number,
                None => {
                    self.numbers.insert(value.clone(), next);
                    next
                }
            },
        };
    }

    /// Whether each value, by its number, satisfies `requirement`.
    fn decide(&self, requirement: &NodeRequirement) -> Vec<bool> {
        let mut holds = vec![false; self.numbers.len() + 1];
        holds[0] = requirement.matches(None);
        if requirement.operator == NodeOperator::In {
            // A key with as many values as there are nodes is usually asked for one of them.
            for number in requirement.values.iter().filter_map(|value| self.numbers.get(value)) {
                holds[*number as usize] = true;
            }
        } else {
            self.numbers.iter().for_each(|(value, &number)| holds[number as usize] = requirement.matches(Some(value)));
        }
        holds
    }
}

impl NodeTable {
    /// Makes the columns of labels that a pod with this spec asks for.
    pub(super) fn know_labels(&mut self, spec: &PodSpec) {
        let affinity = spec.node_affinity.as_deref();
        let required = affinity.and_then(|affinity| affinity.required.as_ref()).into_iter().flatten();
        let preferred = affinity.into_iter().flat_map(|affinity| &affinity.preferred).map(|preferred| &preferred.term);
        let of_terms = required.chain(preferred).flat_map(|term| &term.expressions).map(|requirement| &requirement.key);
        for key in of_terms.chain(spec.node_selector.iter().map(|(key, _)| key)) {
            if self.label_column(key).is_none() {
                self.label_columns.push(LabelColumn::new(key, &self.labels));
            }
        }
    }

    fn label_column(&self, key: &Name) -> Option<usize> {
        self.label_columns.iter().position(|column| column.key == *key)
    }
}

/// One requirement on nodes.
#[derive(Clone, Debug)]
enum Check {
    /// On a label that has a column: its place, and whether each value will do.
    Column(usize, Vec<bool>),
    /// On a label that has none.
    Label(NodeRequirement),
    /// On the name.
    Field(NodeRequirement),
}

impl Check {
    fn label(nodes: &NodeTable, requirement: &NodeRequirement) -> Check {
        match nodes.label_column(&requirement.key) {
            Some(column) => Check::Column(column, nodes.label_columns[column].decide(requirement)),
            None => Check::Label(requirement.clone()),
        }
    }

    fn holds(&self, nodes: &NodeTable, row: usize) -> bool {
        match self {
            Check::Column(column, holds) => holds[nodes.label_columns[*column].rows[row] as usize],
            Check::Label(requirement) => requirement.matches(nodes.labels[row].get(&requirement.key).map(Name::as_str)),
            Check::Field(requirement) => matches_field(requirement, &nodes.names[row]),
        }
    }

    /// Of the rows from `first` on that `bits` stand for, those where it holds.
    fn keep(&self, nodes: &NodeTable, first: usize, bits: u64) -> u64 {
        if let Check::Column(column, holds) = self {
            let rows = &nodes.label_columns[*column].rows;
            let rows = rows[first..rows.len().min(first + 64)].iter().enumerate();
            return bits & rows.fold(0, |kept, (bit, number)| kept | u64::from(holds[*number as usize]) << bit);
        }
        let rows = (0..64).filter(|bit| bits & (1 << bit) != 0);
        rows.fold(0, |kept, bit| kept | u64::from(self.holds(nodes, first + bit)) << bit)
    }
}

/// A term, prepared for one table.
#[derive(Clone, Debug)]
pub struct TermMatch(Vec<Check>);

impl TermMatch {
    /// Prepares a term.
    pub fn new(term: &NodeTerm, nodes: &NodeTable) -> TermMatch {
        let labels = term.expressions.iter().map(|requirement| Check::label(nodes, requirement));
        TermMatch(labels.chain(term.fields.iter().cloned().map(Check::Field)).collect())
    }

    /// Whether the node in `row` matches.
    pub fn matches(&self, nodes: &NodeTable, row: usize) -> bool {
        !self.0.is_empty() && self.0.iter().all(|check| check.holds(nodes, row))
    }

    fn keep(&self, nodes: &NodeTable, first: usize, bits: u64) -> u64 {
        if self.0.is_empty() { 0 } else { keep_all(&self.0, nodes, first, bits) }
    }
}

fn keep_all(checks: &[Check], nodes: &NodeTable, first: usize, bits: u64) -> u64 {
    checks.iter().fold(bits, |bits, check| if bits == 0 { 0 } else { check.keep(nodes, first, bits) })
}

/// The nodes that a pod must run on, prepared for one table.
#[derive(Clone, Debug, Default)]
pub struct RequiredMatch {
    selector: Vec<Check>,
    terms: Option<Vec<TermMatch>>,
}

impl RequiredMatch {
    /// Prepares the node selector and the required terms of a pod.
    pub fn new(spec: &PodSpec, nodes: &NodeTable) -> RequiredMatch {
        let pair = |(key, value): (&Name, &Name)| {
            let values = vec![value.clone()];
            Check::label(nodes, &NodeRequirement { key: key.clone(), operator: NodeOperator::In, values })
        };
        let terms = spec.node_affinity.as_ref().and_then(|affinity| affinity.required.as_ref());
        RequiredMatch {
            selector: spec.node_selector.iter().map(pair).collect(),
            terms: terms.map(|terms| terms.iter().map(|term| TermMatch::new(term, nodes)).collect()),
        }
    }

    /// Of the rows from `first` on that `bits` stand for, those that match.
    pub fn keep(&self, nodes: &NodeTable, first: usize, bits: u64) -> u64 {
        let selected = keep_all(&self.selector, nodes, first, bits);
        let Some(terms) = &self.terms else { return selected };
        // What one term lets in need not be put to the next.
        let left = |left: u64, term: &TermMatch| if left == 0 { 0 } else { left & !term.keep(nodes, first, left) };
        selected & !terms.iter().fold(selected, left)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{node, pod};
    use super::super::{Cache, PodInfo};
    use super::*;
    use crate::kernel::rng::{Draws, Purpose};
    use crate::object::node_affinity::{FIELD_NAME, NodeAffinity, PreferredTerm, must_match};
    use std::sync::Arc;

    const WORDS: [&str; 6] = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"];

    /// Numbers that differ with every call.
    struct Dice {
        draws: Draws,
        round: u64,
    }

    impl Dice {
        fn below(&mut self, below: u64) -> usize {
            self.round += 1;
            self.draws.below(Purpose::Test, "labels", self.round, below) as usize
        }

        fn labels(&mut self) -> Labels {
            (0..3).filter(|_| self.below(3) > 0).collect::<Vec<_>>().into_iter().map(|key| self.pair(key)).collect()
        }

        fn pair(&mut self, key: u64) -> (String, String) {
            (format!("k{key}"), self.below(5).to_string())
        }

        fn term(&mut self, nodes: usize) -> NodeTerm {
            let mut term = NodeTerm::default();
            for _ in 0..self.below(3) {
                let operator = NodeOperator::of(WORDS[self.below(6)]);
                let values = (0..1 + self.below(2)).map(|_| self.below(5).to_string().into()).collect();
                term.expressions.push(NodeRequirement { key: format!("k{}", self.below(4)).into(), operator, values });
            }
            if self.below(8) == 0 {
                let operator = NodeOperator::of(WORDS[self.below(2)]);
                let values = vec![format!("n{}", self.below(nodes as u64)).into()];
                term.fields.push(NodeRequirement { key: FIELD_NAME.into(), operator, values });
            }
            term
        }
    }

    #[test]
    fn columns_say_what_the_labels_one_by_one_say() {
        let mut dice = Dice { draws: Draws::new(11), round: 0 };
        let mut matched = [0; 2];
        for many in [1, 63, 64, 65, 150] {
            let mut cache = Cache::default();
            for index in 0..many {
                let mut node = node(&format!("n{index}"), "4", "8Gi");
                node.meta.labels = dice.labels();
                cache.add_node(Arc::new(node));
            }
            for _ in 0..60 {
                // A node changes while the columns are there.
                let mut changed = node(&format!("n{}", dice.below(many as u64)), "4", "8Gi");
                changed.meta.labels = dice.labels();
                cache.update_node(Arc::new(changed));
                let required = (0..dice.below(4)).map(|_| dice.term(many)).collect();
                let required = Some(required).filter(|_| dice.below(3) > 0);
                let preferred = vec![PreferredTerm { weight: 1, term: dice.term(many) }];
                let mut pod = pod("p", "1", "");
                let spec = Arc::make_mut(&mut pod.spec);
                if dice.below(3) == 0 {
                    spec.node_selector = dice.labels();
                }
                spec.node_affinity = Some(Arc::new(NodeAffinity { required, preferred }));
                let info = PodInfo::new(Arc::new(pod));
                let spec = &info.pod.spec;
                let plain = RequiredMatch::new(spec, cache.table());
                let nodes = cache.table_for(&info, &crate::scheduler::Profile::default());
                let fast = RequiredMatch::new(spec, nodes);
                let is_column = |check: &Check| matches!(check, Check::Column(..) | Check::Field(_));
                assert!(fast.terms.iter().flatten().flat_map(|term| &term.0).all(is_column));
                let wanted = &spec.node_affinity.as_ref().unwrap().preferred[0].term;
                let prepared = TermMatch::new(wanted, nodes);
                for row in 0..many {
                    let (first, bit) = (row & !63, 1 << (row % 64));
                    let expected = must_match(spec, &nodes.names[row], &nodes.labels[row]);
                    matched[usize::from(expected)] += 1;
                    assert_eq!(fast.keep(nodes, first, bit) != 0, expected, "{spec:?} on {:?}", nodes.labels[row]);
                    assert_eq!(plain.keep(nodes, first, bit) != 0, expected, "{spec:?} on {:?}", nodes.labels[row]);
                    let expected = wanted.matches(&nodes.names[row], &nodes.labels[row]);
                    assert_eq!(prepared.matches(nodes, row), expected, "{wanted:?} on {:?}", nodes.labels[row]);
                }
            }
        }
        assert!(matched.iter().all(|count| *count > 1_000), "both happen: {matched:?}");
    }
}
