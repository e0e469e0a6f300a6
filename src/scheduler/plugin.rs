//! The contract of a scheduling plugin: every extension point of upstream, each with an empty default.
//!
//! Source: `staging/src/k8s.io/kube-scheduler/framework/interface.go`, v1.36. Filters and scores are column operations:
//! one call a pod sees a whole window of nodes. What a plugin learns about a pod in pre-filter or pre-score is its
//! `Cycle`, a value of its own type that the registry does not know ([`super::erased`]); preemption will clone it for its
//! dry runs. Left out: waiting in permit (no default plugin does), extenders, and queue sort, which is fixed to
//! PrioritySort (priority, then time) in [`super::queue`].

use super::diagnosis::Diagnosis;
use super::event::{ClusterEvent, Interest};
use super::table::{NodeTable, PodInfo};
use super::tally::Counted;
use super::window::{Code, Window};
use crate::apiserver::Request;
use crate::kernel::bitset::BitSet;
use crate::object::{Name, Pod};

/// The highest score of a node.
pub const MAX_NODE_SCORE: i64 = 100;

/// Where a plugin takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Point {
    /// May the pod enter the queue of pods to be scheduled?
    PreEnqueue,
    /// Look at the pod and the cluster before any node is filtered.
    PreFilter,
    /// Strike nodes out.
    Filter,
    /// No node is left: make room, or say why not.
    PostFilter,
    /// Look at the nodes that are left before any is scored.
    PreScore,
    /// Score nodes.
    Score,
    /// Take note of the node that was chosen, or veto it.
    Reserve,
    /// Veto after all reservations.
    Permit,
    /// Prepare the binding with requests of its own.
    PreBind,
    /// Bind.
    Bind,
    /// The pod is bound.
    PostBind,
}

impl Point {
    /// How many points there are.
    pub const COUNT: usize = Point::PostBind as usize + 1;
}

/// A plugin refuses, in upstream's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What preemption may make of it.
    pub code: Code,
    /// Why.
    pub reasons: Vec<Name>,
}

impl Refusal {
    /// A refusal for one reason.
    pub fn new(code: Code, reason: impl Into<Name>) -> Refusal {
        Refusal { code, reasons: vec![reason.into()] }
    }

    /// The reasons in one line.
    pub fn message(&self) -> String {
        self.reasons.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// Outcome of pre-filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreFilter {
    /// Go on.
    Proceed,
    /// The plugin has nothing to filter for this pod.
    Skip,
    /// Only these rows can be feasible.
    Only(BitSet),
    /// No node will do.
    Refuse(Refusal),
}

/// Outcome of pre-score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreScore {
    /// Go on.
    Proceed,
    /// The plugin has nothing to score for this pod.
    Skip,
}

/// Outcome of post-filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostFilter {
    /// Nothing helps, for this reason; the next plugin may try.
    NoHelp(Name),
    /// The plugin failed, in these words: nobody else is asked.
    Fail(Name),
    /// The pod will fit on this node once room was made.
    Nominate(Name),
}

/// A scheduling plugin.
pub trait Plugin: Send + Sync + 'static {
    /// Upstream's name.
    const NAME: &'static str;

    /// The points where it takes part; it is not asked elsewhere.
    const POINTS: &'static [Point];

    /// Events that may let in a pod that it refused. Each is put to [`Plugin::hint`].
    const INTERESTS: &'static [Interest] = &[];

    /// Whether its score of a node, from 0 to 100 before it is normalised, follows from the cpu and memory that the pod
    /// asks for and is charged and from what the node has of them and has given away, and from nothing else. Then it is
    /// kept from one cycle to the next ([`super::kept_scores`]); it is scored with an empty [`Plugin::Cycle`].
    const SCORES_AMOUNTS: bool = false;

    /// What it learns about one pod in one cycle.
    type Cycle: Clone + Default + Send + Sync + 'static;

    /// May `pod` enter the queue of pods to be scheduled?
    ///
    /// # Errors
    /// Why not.
    fn pre_enqueue(&self, _pod: &Pod) -> Result<(), Refusal> {
        Ok(())
    }

    /// What it is going to count for `pod`, so that the cache may keep the counts from one cycle to the next. Asked of
    /// those that take part in pre-filter.
    fn counted(&self, _pod: &PodInfo) -> Vec<Counted> {
        Vec::new()
    }

    /// Looks at the pod and the cluster.
    fn pre_filter(&self, _pod: &PodInfo, _nodes: &NodeTable, _cycle: &mut Self::Cycle) -> PreFilter {
        PreFilter::Proceed
    }

    /// Strikes out the nodes in the window that the pod cannot go to.
    fn filter(&self, _pod: &PodInfo, _cycle: &Self::Cycle, _nodes: &NodeTable, _window: &mut Window) {}

    /// The reasons that `detail` of a rejection by this plugin stands for, in order.
    fn reasons(&self, _pod: &PodInfo, _cycle: &Self::Cycle, _detail: u32) -> Vec<Name> {
        Vec::new()
    }

    /// What if `other` were also on the node in `row`?
    fn add_pod(&self, _pod: &PodInfo, _cycle: &mut Self::Cycle, _other: &PodInfo, _row: usize, _nodes: &NodeTable) {}

    /// What if `other` were not on the node in `row`?
    fn remove_pod(&self, _pod: &PodInfo, _cycle: &mut Self::Cycle, _other: &PodInfo, _row: usize, _nodes: &NodeTable) {}

    /// No node is left: makes room, or says why that does not help.
    fn post_filter(&self, _pod: &PodInfo, _nodes: &NodeTable, _diagnosis: &Diagnosis<'_>) -> PostFilter {
        PostFilter::NoHelp(Name::none())
    }

    /// Looks at the nodes that are left.
    fn pre_score(&self, _pod: &PodInfo, _cycle: &mut Self::Cycle, _nodes: &NodeTable, _feasible: &[u32]) -> PreScore {
        PreScore::Proceed
    }

    /// Scores the rows in `feasible` into `out`.
    fn score(&self, _pod: &PodInfo, _cycle: &Self::Cycle, _nodes: &NodeTable, _feasible: &[u32], _out: &mut [i64]) {}

    /// Brings scores into 0 to [`MAX_NODE_SCORE`].
    fn normalise(&self, _pod: &PodInfo, _cycle: &Self::Cycle, _scores: &mut [i64]) {}

    /// A node was chosen.
    ///
    /// # Errors
    /// Why it cannot be.
    fn reserve(&self, _pod: &PodInfo, _cycle: &mut Self::Cycle, _node: &Name) -> Result<(), Refusal> {
        Ok(())
    }

    /// The choice is off.
    fn unreserve(&self, _pod: &PodInfo, _cycle: &mut Self::Cycle, _node: &Name) {}

    /// May the pod be bound?
    ///
    /// # Errors
    /// Why not.
    fn permit(&self, _pod: &PodInfo, _cycle: &mut Self::Cycle, _node: &Name) -> Result<(), Refusal> {
        Ok(())
    }

    /// A request that must succeed before the pod is bound.
    fn pre_bind(&self, _pod: &PodInfo, _cycle: &mut Self::Cycle, _node: &Name) -> Option<Request> {
        None
    }

    /// The request that binds; the first plugin that has one is the one that binds.
    fn bind(&self, _pod: &PodInfo, _node: &Name) -> Option<Request> {
        None
    }

    /// The pod is bound.
    fn post_bind(&self, _pod: &PodInfo, _node: &Name) {}

    /// Whether `event`, one of [`Plugin::INTERESTS`], may let in a pod that this plugin refused.
    fn hint(&self, _pod: &PodInfo, _event: &ClusterEvent) -> bool {
        true
    }
}

#[cfg(test)]
#[path = "plugin_tests.rs"]
mod tests;
