//! How many pods that a selector matches are on each node, and in each topology domain.
//!
//! Upstream goes through all pods of all nodes in every cycle (`countPodsMatchSelector`). Here pods fall into *classes* of
//! equal namespace and labels; a selector is put to a class once. The counts that plugins ask for ([`Counted`]) are kept
//! and change by one when a pod comes or goes; a plugin that finds its count not kept has it made from the classes, with
//! the same result. Pods that are being deleted count nowhere.

use super::table::NodeTable;
use crate::kernel::bitset::BitSet;
use crate::object::{Labels, Name, Pod, Selector};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Counts that are kept at most; then the one that was asked for longest ago makes room. A count takes four bytes a node.
const COUNTS_MAX: usize = 512;

/// What a plugin is going to count for a pod, in the pod's namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Which pods.
    pub selector: Arc<Selector>,
    /// Label of nodes by whose values.
    pub key: Name,
    /// Whether sums over the domains are wanted, and not only the nodes one by one.
    pub is_summed: bool,
}

/// A namespace and a set of labels that pods here have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassId(u32);

#[derive(Clone, Debug)]
struct Class {
    namespace: Name,
    labels: Labels,
    pods: u32,
    /// The kept counts that it falls under.
    counts: Vec<u32>,
}

/// The values of one label over all nodes, numbered.
#[derive(Clone, Debug)]
pub struct Topology {
    key: Name,
    /// Domain of each row. Domain 0 is that of the empty value, and of nodes without the label.
    pub domains: Vec<u32>,
    /// Rows that have the label.
    pub has: BitSet,
    /// How many rows with the label each domain has.
    pub rows: Vec<u32>,
    values: BTreeMap<Name, u32>,
    missing: usize,
}

impl Topology {
    fn new(key: &Name, labels: &[Labels]) -> Topology {
        let many = labels.len();
        let mut topology = Topology {
            key: key.clone(),
            domains: vec![0; many],
            has: BitSet::empty(many),
            rows: vec![0],
            values: [(Name::none(), 0)].into_iter().collect(),
            missing: many,
        };
        labels.iter().enumerate().for_each(|(row, labels)| topology.write(row, labels));
        topology
    }

    fn write(&mut self, row: usize, labels: &Labels) {
        if self.has.contains(row) {
            self.rows[self.domains[row] as usize] -= 1;
            self.missing += 1;
        }
        self.has.set(row, false);
        self.domains[row] = 0;
        if let Some(value) = labels.get(&self.key) {
            let next = self.rows.len() as u32;
            let domain = *self.values.entry(value.clone()).or_insert(next);
            if domain == next {
                self.rows.push(0);
            }
            self.rows[domain as usize] += 1;
            self.domains[row] = domain;
            self.has.insert(row);
            self.missing -= 1;
        }
    }

    /// Whether every node has the label.
    pub const fn is_complete(&self) -> bool {
        self.missing == 0
    }
}

/// Pods that one selector matches in one namespace.
#[derive(Clone, Debug, Default)]
pub struct Count {
    /// How many are on each row.
    pub on_row: Vec<u32>,
    /// Sums over domains, by the number of the topology.
    sums: Vec<(u32, Vec<u32>)>,
    asked: u64,
    content: (Name, Arc<Selector>),
}

impl Count {
    /// No pods on any of `rows`.
    pub fn none(rows: usize) -> Count {
        Count { on_row: vec![0; rows], ..Count::default() }
    }

    fn sum(&self, topology: &Topology) -> Vec<u32> {
        let mut sums = vec![0; topology.rows.len()];
        topology.domains.iter().zip(&self.on_row).for_each(|(&domain, pods)| sums[domain as usize] += pods);
        sums
    }
}

/// Something that is kept, or was made because it was not.
#[derive(Clone, Debug)]
pub enum Kept<T> {
    /// Kept under this number.
    At(u32),
    /// Made for the occasion.
    Made(Arc<T>),
}

/// Classes of pods by node, and what is kept of them.
#[derive(Clone, Debug, Default)]
pub struct Tallies {
    classes: Vec<Class>,
    unused: Vec<ClassId>,
    by_content: BTreeMap<(Name, Labels), ClassId>,
    on_row: Vec<Vec<(ClassId, u32)>>,
    topologies: Vec<Topology>,
    counts: Vec<Count>,
    by_selector: BTreeMap<(Name, Arc<Selector>), u32>,
    /// The count that was last asked for, by which the next question is likely to be answered.
    latest: u32,
    asked: u64,
}

impl Tallies {
    /// A pod is new on the node in `row`, or on a ghost. Its class, unless it is being deleted.
    pub(super) fn enter(&mut self, row: Option<usize>, pod: &Pod) -> Option<ClassId> {
        if pod.meta.is_terminating() {
            return None;
        }
        let content = (pod.meta.namespace().clone(), pod.meta.labels.clone());
        let class = match self.by_content.get(&content) {
            Some(known) => *known,
            None => self.new_class(content),
        };
        self.classes[class.0 as usize].pods += 1;
        if let Some(row) = row {
            let here = &mut self.on_row[row];
            match here.iter_mut().find(|(known, _)| *known == class) {
                Some((_, pods)) => *pods += 1,
                None => here.push((class, 1)),
            }
            self.change(row, class, |pods| pods + 1);
        }
        Some(class)
    }

    /// A pod of that class is gone from there.
    pub(super) fn leave(&mut self, row: Option<usize>, class: ClassId) {
        if let Some(row) = row {
            let here = &mut self.on_row[row];
            let index = here.iter().position(|(known, _)| *known == class).expect("it entered here");
            here[index].1 -= 1;
            if here[index].1 == 0 {
                here.swap_remove(index);
            }
            self.change(row, class, |pods| pods - 1);
        }
        let known = &mut self.classes[class.0 as usize];
        known.pods -= 1;
        if known.pods == 0 {
            self.by_content.remove(&(known.namespace.clone(), known.labels.clone()));
            self.unused.push(class);
        }
    }

    fn new_class(&mut self, content: (Name, Labels)) -> ClassId {
        let counts = self.counts.iter().enumerate();
        let matching = counts.filter(|(_, count)| count.content.0 == content.0 && count.content.1.matches(&content.1));
        let counts = matching.map(|(index, _)| index as u32).collect();
        let class = Class { namespace: content.0.clone(), labels: content.1.clone(), pods: 0, counts };
        let id = self.unused.pop().unwrap_or(ClassId(self.classes.len() as u32));
        if id.0 as usize == self.classes.len() {
            self.classes.push(class);
        } else {
            self.classes[id.0 as usize] = class;
        }
        self.by_content.insert(content, id);
        id
    }

    fn change(&mut self, row: usize, class: ClassId, by_one: impl Fn(u32) -> u32) {
        for &index in &self.classes[class.0 as usize].counts {
            let count = &mut self.counts[index as usize];
            count.on_row[row] = by_one(count.on_row[row]);
            for (topology, sums) in &mut count.sums {
                let domain = self.topologies[*topology as usize].domains[row] as usize;
                sums[domain] = by_one(sums[domain]);
            }
        }
    }

    /// The classes on a row that is about to go.
    pub(super) fn take_row(&mut self, row: usize) -> Vec<(ClassId, u32)> {
        std::mem::take(&mut self.on_row[row])
    }

    /// The table was made anew: these are the classes on its rows and the labels of its nodes.
    pub(super) fn remake(&mut self, on_row: Vec<Vec<(ClassId, u32)>>, labels: &[Labels]) {
        self.on_row = on_row;
        for topology in &mut self.topologies {
            *topology = Topology::new(&topology.key, labels);
        }
        for count in &mut self.counts {
            count.on_row.clear();
            count.on_row.resize(labels.len(), 0);
        }
        for (row, classes) in self.on_row.iter().enumerate() {
            for &(class, pods) in classes {
                for &index in &self.classes[class.0 as usize].counts {
                    self.counts[index as usize].on_row[row] += pods;
                }
            }
        }
        for index in 0..self.counts.len() {
            self.sum_again(index, None);
        }
    }

    /// The labels of a node changed.
    pub(super) fn relabel(&mut self, row: usize, labels: &Labels) {
        for index in 0..self.topologies.len() {
            let topology = &mut self.topologies[index];
            let before = (topology.domains[row], topology.rows.len());
            topology.write(row, labels);
            if before != (topology.domains[row], topology.rows.len()) {
                (0..self.counts.len()).for_each(|count| self.sum_again(count, Some(index as u32)));
            }
        }
    }

    fn sum_again(&mut self, count: usize, only: Option<u32>) {
        let mut sums = std::mem::take(&mut self.counts[count].sums);
        for (topology, sums) in sums.iter_mut().filter(|(topology, _)| only.is_none_or(|only| only == *topology)) {
            *sums = self.counts[count].sum(&self.topologies[*topology as usize]);
        }
        self.counts[count].sums = sums;
    }

    /// Keeps what is going to be counted in `namespace`, on nodes with these labels.
    pub(super) fn keep(&mut self, namespace: &Name, counted: &Counted, labels: &[Labels]) {
        let Counted { selector, key, is_summed } = counted;
        let topology = self.topologies.iter().position(|known| known.key == *key).unwrap_or_else(|| {
            self.topologies.push(Topology::new(key, labels));
            self.topologies.len() - 1
        }) as u32;
        let index = match self.find(namespace, selector) {
            Some(index) => index,
            None => self.new_count((namespace.clone(), selector.clone())),
        };
        self.latest = index;
        self.asked += 1;
        let count = &mut self.counts[index as usize];
        count.asked = self.asked;
        if !Arc::ptr_eq(&count.content.1, selector) {
            count.content.1 = selector.clone();
        }
        if *is_summed && count.sums.iter().all(|(known, _)| *known != topology) {
            let sums = count.sum(&self.topologies[topology as usize]);
            count.sums.push((topology, sums));
        }
    }

    fn find(&self, namespace: &Name, selector: &Arc<Selector>) -> Option<u32> {
        let latest = self.counts.get(self.latest as usize);
        // Equal selectors of pods that come one after another are usually one and the same.
        if latest.is_some_and(|count| Arc::ptr_eq(&count.content.1, selector) && count.content.0 == *namespace) {
            return Some(self.latest);
        }
        self.by_selector.get(&(namespace.clone(), selector.clone())).copied()
    }

    fn new_count(&mut self, content: (Name, Arc<Selector>)) -> u32 {
        let mut index = self.counts.len();
        if index == COUNTS_MAX {
            index = (0..index).min_by_key(|&index| self.counts[index].asked).expect("there are some");
            self.by_selector.remove(&self.counts[index].content);
        } else {
            self.counts.push(Count::default());
        }
        let index = index as u32;
        for class in &mut self.classes {
            class.counts.retain(|known| *known != index);
            if class.namespace == content.0 && content.1.matches(&class.labels) {
                class.counts.push(index);
            }
        }
        self.counts[index as usize] = self.made(&content.0, &content.1);
        self.by_selector.insert(content, index);
        index
    }

    /// A count from scratch.
    fn made(&self, namespace: &Name, selector: &Arc<Selector>) -> Count {
        let is_counted = |class: &Class| class.namespace == *namespace && selector.matches(&class.labels);
        let counted: Vec<bool> = self.classes.iter().map(is_counted).collect();
        let pods = |classes: &Vec<(ClassId, u32)>| {
            classes.iter().filter(|(class, _)| counted[class.0 as usize]).map(|(_, pods)| pods).sum()
        };
        let on_row = self.on_row.iter().map(pods).collect();
        Count { on_row, sums: Vec::new(), asked: 0, content: (namespace.clone(), selector.clone()) }
    }
}

/// What plugins ask.
impl NodeTable {
    /// The pods that `selector` matches in `namespace`.
    pub fn count(&self, namespace: &Name, selector: &Arc<Selector>) -> Kept<Count> {
        match self.tallies.find(namespace, selector) {
            Some(index) => Kept::At(index),
            None => Kept::Made(Arc::new(self.tallies.made(namespace, selector))),
        }
    }

    /// The domains of a label.
    pub fn topology(&self, key: &Name) -> Kept<Topology> {
        match self.tallies.topologies.iter().position(|known| known.key == *key) {
            Some(index) => Kept::At(index as u32),
            None => Kept::Made(Arc::new(Topology::new(key, &self.labels))),
        }
    }

    /// The count itself.
    pub fn count_of<'a>(&'a self, kept: &'a Kept<Count>) -> &'a Count {
        match kept {
            Kept::At(index) => &self.tallies.counts[*index as usize],
            Kept::Made(made) => made,
        }
    }

    /// The topology itself.
    pub fn topology_of<'a>(&'a self, kept: &'a Kept<Topology>) -> &'a Topology {
        match kept {
            Kept::At(index) => &self.tallies.topologies[*index as usize],
            Kept::Made(made) => made,
        }
    }

    /// How many of the counted pods each domain has, over all nodes.
    pub fn sums<'a>(&'a self, count: &'a Kept<Count>, topology: &Kept<Topology>) -> Cow<'a, [u32]> {
        let known = self.count_of(count);
        let kept = match topology {
            Kept::At(index) => known.sums.iter().find(|(known, _)| known == index),
            Kept::Made(_) => None,
        };
        match kept {
            Some((_, sums)) => Cow::Borrowed(sums),
            None => Cow::Owned(known.sum(self.topology_of(topology))),
        }
    }
}
