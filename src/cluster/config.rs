//! What a run is made of: everything that a scenario says, resolved.

use crate::action::Action;
use crate::fault::Fault;
use crate::kernel::time::{Span, Time};
use crate::object::{Delays, Name, Node, Object, Settings, Target, Timestamp};
use crate::record::Detail;
use std::sync::Arc;

/// When a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// When its time is over.
    Time,
    /// When, after the last fault, everything has been as wanted for the hold span; at the latest when its time is over.
    Converged,
}

/// What the cluster is like when a run begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Nodes are ready and nothing runs on them; the manifests are applied at time zero.
    #[default]
    Empty,
    /// What the manifests ask for has been there for long: pods are placed, started and ready (see [`super::settle`]).
    Settled,
}

/// Something that is to happen.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its id in the scenario.
    pub id: Name,
    /// When it happens or begins.
    pub at: Time,
    /// What.
    pub what: Happening,
}

/// What may be planned.
#[derive(Clone, Debug)]
pub enum Happening {
    /// Something breaks.
    Fault {
        /// Name of the fault, as `node.crash`.
        name: &'static str,
        /// What it does.
        fault: Arc<dyn Fault>,
        /// Whom it hits.
        target: Target,
        /// How long it lasts; for good if none.
        lasts: Option<Span>,
        /// Each node is hit at its own random moment within this time.
        jitter: Span,
        /// Each node gets well at its own random moment within this time after the end, but not before it was hit.
        stagger: Span,
    },
    /// Somebody does something.
    Action {
        /// Name of the action, as `node.drain`; empty if it is none of the registry.
        name: &'static str,
        /// What it does.
        action: Arc<dyn Action>,
        /// The nodes to which it does so.
        target: Target,
    },
    /// New machines are switched on; their kubelets register these nodes.
    Join(Vec<Node>),
}

impl Planned {
    /// When it is over, if it lasts for a time.
    pub fn end(&self) -> Option<Time> {
        match &self.what {
            Happening::Fault { lasts, .. } => lasts.map(|lasts| self.at + lasts),
            Happening::Action { .. } | Happening::Join(_) => None,
        }
    }
}

/// A run, resolved.
#[derive(Clone, Debug)]
pub struct Config {
    /// From which all chance comes.
    pub seed: u64,
    /// The date at time zero, in whole seconds; the fraction comes from the seed.
    pub epoch: Timestamp,
    /// Settings of upstream's programs.
    pub settings: Settings,
    /// Modelled delays.
    pub delays: Delays,
    /// Nodes that are there and ready at the beginning.
    pub nodes: Vec<Node>,
    /// Objects that are applied at the beginning, in order; or that were applied long before it.
    pub manifests: Vec<Object>,
    /// Which of the two.
    pub start: Start,
    /// What happens.
    pub events: Vec<Planned>,
    /// When the run ends at the latest.
    pub until: Time,
    /// Whether it may end earlier.
    pub stop: Stop,
    /// How long everything must stay as wanted to count as converged.
    pub hold: Span,
    /// How much is kept of it.
    pub record: Detail,
}
