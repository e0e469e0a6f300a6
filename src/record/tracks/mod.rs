//! What became of each pod and each node over time, by two truths at once: what the API says, and what is so.
//!
//! A track is a list of states, each from its moment on; of several states at one moment the last is kept. What was there
//! before the run began has a track from time zero on.

pub mod nodes;
pub mod pods;

use super::workloads::Workloads;
use crate::etcd::change::Change;
use crate::kernel::time::Time;
use crate::object::{Fact, Kind};
use nodes::NodeTracks;
use pods::PodTracks;

/// The tracks of everything that has one.
#[derive(Clone, Debug, Default)]
pub struct Tracks {
    /// Those of pods.
    pub pods: PodTracks,
    /// Those of nodes.
    pub nodes: NodeTracks,
}

impl Tracks {
    /// A fact.
    pub fn on_fact(&mut self, at: Time, fact: &Fact) {
        match fact {
            Fact::ContainersStarted { .. } | Fact::ContainersReady { .. } | Fact::ContainersStopped { .. } => {
                self.pods.on_fact(at, fact);
            }
            _ => self.nodes.on_fact(at, fact),
        }
    }

    /// A commit; `workloads` have heard of it already.
    pub fn on_commit(&mut self, at: Time, change: &Change, workloads: &Workloads) {
        match change.kind() {
            Kind::Pod => self.pods.on_commit(at, change, workloads),
            Kind::Node => self.nodes.on_commit(at, change),
            _ => {}
        }
    }
}
