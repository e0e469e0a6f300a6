//! Which nodes are meant: a selector that is looked up at the moment when something happens to them.

use super::labels::{Labels, Selector};
use super::meta::Key;
use super::name::Name;
use super::node::{LABEL_POOL, LABEL_ZONE};
use super::table::Table;
use super::{Kind, Node, Pod, ReplicaSet};
use crate::kernel::rng::{Draws, Purpose};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;

/// Whom something is done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The cluster as a whole, no node in particular.
    Cluster,
    /// These nodes.
    Nodes(NodeSelector),
}

/// Selects nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSelector {
    /// A node must pass all of them; without any, all nodes are meant.
    pub filters: Vec<Filter>,
    /// How many of those that pass, and which; none for all.
    pub pick: Option<Pick>,
}

/// What a node must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// One of these.
    Named(Vec<Name>),
    /// In this zone.
    Zone(Name),
    /// In this failure domain.
    Domain {
        /// Its name.
        name: Name,
        /// The nodes in it.
        nodes: Vec<Name>,
    },
    /// Of this pool.
    Pool(Name),
    /// With labels that this matches.
    Labels(Selector),
    /// Where this pod is.
    Runs(Key),
    /// Where pods of this workload are.
    RunsAnyOf(Workload),
    /// Hit by this event, which happened before.
    HitBy(Name),
}

/// A Deployment or a ReplicaSet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Its kind.
    pub kind: Kind,
    /// Its key.
    pub key: Key,
}

/// How many nodes, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// At most so many.
    pub count: usize,
    /// The first in this order.
    pub order: Order,
}

/// In which order nodes are picked. Of equal ones the first by name comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// By name.
    Name,
    /// By chance: another for each event, the same for each run with one seed.
    Random,
    /// Those with the most pods first; of one workload, or of all.
    MostPods(Option<Workload>),
    /// Those with the fewest pods first; of one workload, or of all.
    FewestPods(Option<Workload>),
}

/// What a target is looked up in.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    /// Current nodes.
    pub nodes: &'a Table,
    /// Current pods.
    pub pods: &'a Table,
    /// Current ReplicaSets.
    pub replica_sets: &'a Table,
    /// The nodes that an earlier event hit; none if it has not happened.
    pub hit: &'a dyn Fn(&Name) -> Vec<Name>,
    /// Where chance comes from.
    pub draws: &'a Draws,
    /// Whose target it is, which keys the chance.
    pub event: &'a Name,
}

impl Target {
    /// The node of this name.
    pub fn node(name: impl Into<Name>) -> Target {
        Target::named([name])
    }

    /// The nodes of these names.
    pub fn named<N: Into<Name>>(names: impl IntoIterator<Item = N>) -> Target {
        Target::of(Filter::Named(names.into_iter().map(Into::into).collect()))
    }

    /// All nodes that pass one filter.
    pub fn of(filter: Filter) -> Target {
        Target::Nodes(NodeSelector { filters: vec![filter], pick: None })
    }

    /// The node with the most pods of this workload.
    pub fn most_pods(workload: Workload) -> Target {
        Target::Nodes(NodeSelector {
            filters: vec![Filter::RunsAnyOf(workload.clone())],
            pick: Some(Pick { count: 1, order: Order::MostPods(Some(workload)) }),
        })
    }

    /// Names of the nodes that it selects now, each once: in the order in which they were picked, else as named, else by
    /// name.
    pub fn resolve(&self, sight: &Sight<'_>) -> Vec<Name> {
        match self {
            Target::Cluster => Vec::new(),
            Target::Nodes(selector) => selector.resolve(sight),
        }
    }
}

impl NodeSelector {
    fn resolve(&self, sight: &Sight<'_>) -> Vec<Name> {
        let mut chosen: Vec<Name> = match self.filters.first() {
            Some(Filter::Named(names)) => names.clone(),
            _ => sight.nodes.all::<Node>().map(|node| node.meta.name().clone()).collect(),
        };
        let mut seen = BTreeSet::new();
        chosen.retain(|name| seen.insert(name.clone()));
        for filter in &self.filters {
            filter.apply(&mut chosen, sight);
        }
        chosen.retain(|name| sight.nodes.get(&Key::cluster(name.clone())).is_some());
        if let Some(Pick { count, order }) = &self.pick {
            chosen.sort();
            let pods = |name: &Name, of: &Option<Workload>| count_pods(name, of.as_ref(), sight);
            match order {
                Order::Name => {}
                Order::Random => chosen.sort_by_cached_key(|name| {
                    sight.draws.get(Purpose::Fault, &format!("pick {} {name}", sight.event), 0)
                }),
                Order::MostPods(of) => chosen.sort_by_cached_key(|name| Reverse(pods(name, of))),
                Order::FewestPods(of) => chosen.sort_by_cached_key(|name| pods(name, of)),
            }
            chosen.truncate(*count);
        }
        chosen
    }
}

impl Filter {
    /// Whether a node of this name and with these labels passes; none if that depends on what runs or has happened.
    pub fn admits(&self, name: &Name, labels: &Labels) -> Option<bool> {
        match self {
            Filter::Named(wanted) | Filter::Domain { nodes: wanted, .. } => Some(wanted.contains(name)),
            Filter::Zone(zone) => Some(labels.get(LABEL_ZONE) == Some(zone)),
            Filter::Pool(pool) => Some(labels.get(LABEL_POOL) == Some(pool)),
            Filter::Labels(selector) => Some(selector.matches(labels)),
            Filter::Runs(_) | Filter::RunsAnyOf(_) | Filter::HitBy(_) => None,
        }
    }

    /// Leaves those of `names` that pass.
    fn apply(&self, names: &mut Vec<Name>, sight: &Sight<'_>) {
        match self {
            Filter::Named(_) | Filter::Domain { .. } | Filter::Zone(_) | Filter::Pool(_) | Filter::Labels(_) => {
                names.retain(|name| {
                    let node = sight.nodes.typed::<Node>(&Key::cluster(name.clone()));
                    node.is_some_and(|node| self.admits(name, &node.meta.labels) == Some(true))
                });
            }
            Filter::Runs(pod) => {
                let pod = sight.pods.typed::<Pod>(pod);
                names.retain(|name| pod.is_some_and(|pod| pod.node_name == *name));
            }
            Filter::RunsAnyOf(workload) => names.retain(|name| count_pods(name, Some(workload), sight) > 0),
            Filter::HitBy(event) => {
                let hit = (sight.hit)(event);
                names.retain(|name| hit.contains(name));
            }
        }
    }
}

/// Pods on a node that count for a workload or, without one, for all.
fn count_pods(node: &str, of: Option<&Workload>, sight: &Sight<'_>) -> usize {
    let counts = |pod: &&std::sync::Arc<Pod>| {
        pod.is_active() && of.is_none_or(|workload| workload.owns(pod, sight.replica_sets))
    };
    sight.pods.on_node::<Pod>(node).filter(counts).count()
}

impl Workload {
    /// Whether it controls a pod, itself or through a ReplicaSet.
    pub fn owns(&self, pod: &Pod, replica_sets: &Table) -> bool {
        let Some(owner) = pod.meta.controller().filter(|_| pod.meta.key.namespace == self.key.namespace) else {
            return false;
        };
        if owner.kind == self.kind {
            return owner.name == self.key.name;
        }
        let above = Key { namespace: self.key.namespace.clone(), name: owner.name.clone() };
        let above = replica_sets.typed::<ReplicaSet>(&above).and_then(|set| set.meta.controller());
        above.is_some_and(|above| above.kind == self.kind && above.name == self.key.name)
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name().to_lowercase(), self.key)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Cluster => write!(f, "the cluster"),
            Target::Nodes(selector) => write!(f, "{selector}"),
        }
    }
}

/// `node w-1`, `nodes of zone b with labels disk=ssd`, `the node with the most pods of deployment default/web`.
impl fmt::Display for NodeSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(pick), [Filter::RunsAnyOf(one)]) = (&self.pick, self.filters.as_slice())
            && *pick == (Pick { count: 1, order: Order::MostPods(Some(one.clone())) })
        {
            return write!(f, "the node with the most pods of {one}");
        }
        if let Some(Pick { count, order }) = &self.pick {
            match order {
                Order::Name => write!(f, "the first {count} of ")?,
                Order::Random => write!(f, "{count} at random of ")?,
                Order::MostPods(of) | Order::FewestPods(of) => {
                    let which = if matches!(order, Order::MostPods(_)) { "most" } else { "fewest" };
                    write!(f, "the {count} with the {which} pods ")?;
                    of.iter().try_for_each(|of| write!(f, "of {of} "))?;
                    write!(f, "among ")?;
                }
            }
        }
        match self.filters.as_slice() {
            [] => write!(f, "all nodes"),
            [Filter::Runs(pod)] if self.pick.is_none() => write!(f, "the node that runs pod {pod}"),
            [Filter::Named(names), rest @ ..] => {
                let names: Vec<&str> = names.iter().map(Name::as_str).collect();
                write!(f, "{} {}", if names.len() == 1 { "node" } else { "nodes" }, names.join(", "))?;
                rest.iter().try_for_each(|filter| write!(f, " {filter}"))
            }
            filters => {
                write!(f, "nodes")?;
                filters.iter().try_for_each(|filter| write!(f, " {filter}"))
            }
        }
    }
}

/// What comes after `nodes`.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::Named(names) => {
                write!(f, "called {}", names.iter().map(Name::as_str).collect::<Vec<_>>().join(" or "))
            }
            Filter::Zone(zone) => write!(f, "of zone {zone}"),
            Filter::Domain { name, .. } => write!(f, "of domain {name}"),
            Filter::Pool(pool) => write!(f, "of pool {pool}"),
            Filter::Labels(selector) => write!(f, "with labels {selector}"),
            Filter::Runs(pod) => write!(f, "that run pod {pod}"),
            Filter::RunsAnyOf(workload) => write!(f, "that run pods of {workload}"),
            Filter::HitBy(event) => write!(f, "that event {event} hit"),
        }
    }
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
