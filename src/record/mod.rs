//! Layer 5: what is kept of a run: facts with their causes, timelines, the milestones of outages.
//!
//! The recorder hears of every commit and every fact at once, and nobody hears of it: it cannot influence a run.

pub mod converge;
pub mod describe;
pub mod outage;
pub mod rollout;
pub mod rounds;
pub mod rows;
pub mod situation;
pub mod templates;
pub mod timeline;
pub mod workloads;

use crate::etcd::change::Change;
use crate::kernel::time::{Span, Time};
use crate::object::fact::Why;
use crate::object::{Fact, FactId, Key, Name};
use outage::Outages;
use workloads::Workloads;

/// One recorded fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// When.
    pub at: Time,
    /// What.
    pub fact: Fact,
    /// What led to it, and which setting owned the wait before it.
    pub why: Why,
}

/// Keeps what happens.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// Facts in the order in which they happened.
    pub facts: Vec<Recorded>,
    /// Desired and actual state of each workload, and the timelines.
    pub workloads: Workloads,
    /// Outages and their milestones.
    pub outages: Outages,
}

impl Recorder {
    /// Keeps a fact and names it.
    pub fn fact(&mut self, at: Time, fact: Fact, why: Why) -> FactId {
        let id = FactId(u32::try_from(self.facts.len()).expect("fewer than 2³² facts"));
        self.workloads.on_fact(at, &fact);
        self.outages.on_fact(at, &fact);
        self.facts.push(Recorded { at, fact, why });
        id
    }

    /// The containers of a pod have been ready since before the run: nothing that happens in it.
    pub fn has_been_ready(&mut self, at: Time, pod: Key, node: Name) {
        self.workloads.on_fact(at, &Fact::ContainersReady { pod, node });
    }

    /// Hears of a commit; its fact is kept already.
    pub fn commit(&mut self, at: Time, change: &Change) {
        self.workloads.on_commit(at, change);
        self.outages.on_commit(at, change, &self.workloads);
    }

    /// An outage of these nodes begins, because of the fault `id`.
    pub fn outage(&mut self, at: Time, id: Name, nodes: &[Name]) {
        self.outages.begin(at, id, nodes, &self.workloads);
    }

    /// Since when desired equals actual for every workload, if it does now.
    pub fn converged_since(&self) -> Option<Time> {
        self.workloads.converged_since()
    }

    /// First moment since `since` from which everything stayed converged for `hold`, with the run ending at `end`.
    pub fn converged_after(&self, since: Time, hold: Span, end: Time) -> Option<Time> {
        self.workloads.converged_after(since, hold, end)
    }
}
