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

/// From `at` on the state is `state`.
fn enter<S: Copy + PartialEq>(states: &mut Vec<(Time, S)>, at: Time, state: S) {
    if states.last().is_some_and(|last| last.1 == state) {
        return;
    }
    if states.last().is_some_and(|last| last.0 == at) {
        states.pop();
        if states.last().is_some_and(|last| last.1 == state) {
            return;
        }
    }
    states.push((at, state));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_moment_the_last_state_is_kept_and_equal_ones_are_one() {
        let at = |seconds: u64| Time::from_micros(seconds * 1_000_000);
        let mut states = Vec::new();
        for (second, state) in [(0, 'a'), (0, 'b'), (1, 'b'), (2, 'c'), (2, 'b'), (3, 'c'), (3, 'd')] {
            enter(&mut states, at(second), state);
        }
        assert_eq!(states, [(at(0), 'b'), (at(3), 'd')]);
    }
}
