//! The tracks of pods.

use crate::etcd::change::Change;
use crate::kernel::time::Time;
use crate::object::{Fact, Key, Name, Pod, Uid};
use crate::record::timeline::enter;
use crate::record::workloads::{WorkloadId, Workloads};
use std::collections::BTreeMap;

/// How a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PodState {
    /// It has no node.
    Pending,
    /// It has a node, and has never been ready.
    Starting,
    /// The API says that it is ready, and so it is.
    Ready,
    /// The API says that it is ready, and its containers are not.
    ReadyByHearsay,
    /// Its containers are ready, and the API says that it is not.
    ReadyUnseen,
    /// It has been ready, and is not, as the API knows.
    NotReady,
    /// It is being deleted.
    Terminating,
    /// It has ended, and its object is still there.
    Ended,
    /// Its object is gone, and its containers still run.
    Forgotten,
}

/// What became of one pod.
#[derive(Clone, Debug)]
pub struct PodTrack {
    /// Its key; a namesake has a track of its own.
    pub key: Key,
    /// The workload that it belongs to.
    pub workload: Option<WorkloadId>,
    /// Its node, empty if it never had one.
    pub node: Name,
    /// Its states in the order of time; never none.
    pub states: Vec<(Time, PodState)>,
    /// When nothing of it was left, if that came.
    pub gone: Option<Time>,
    uid: Uid,
    says: Said,
    /// Whether its containers run, and whether they are ready.
    runs: bool,
    serves: bool,
    /// Whether the API or the truth has ever called it ready.
    has_been_ready: bool,
}

/// What the API says of a pod.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    is_ready: bool,
    is_terminating: bool,
    is_over: bool,
    is_gone: bool,
}

impl PodTrack {
    fn new(key: Key, uid: Uid, workload: Option<WorkloadId>) -> PodTrack {
        PodTrack {
            key,
            workload,
            node: Name::none(),
            states: Vec::new(),
            gone: None,
            uid,
            says: Said::default(),
            runs: false,
            serves: false,
            has_been_ready: false,
        }
    }

    /// When it got its node, if it did; zero if it had it when the run began.
    pub fn bound(&self) -> Option<Time> {
        if self.node.is_empty() {
            return None;
        }
        self.states.iter().find(|(_, state)| *state != PodState::Pending).map(|(at, _)| *at)
    }

    fn state(&self) -> PodState {
        let Said { is_ready, is_terminating, is_over, is_gone } = self.says;
        match (is_ready, self.serves) {
            _ if is_gone => PodState::Forgotten,
            _ if is_over => PodState::Ended,
            _ if is_terminating => PodState::Terminating,
            _ if self.node.is_empty() => PodState::Pending,
            (true, true) => PodState::Ready,
            (true, false) => PodState::ReadyByHearsay,
            (false, true) => PodState::ReadyUnseen,
            (false, false) if self.has_been_ready => PodState::NotReady,
            (false, false) => PodState::Starting,
        }
    }

    fn judge(&mut self, at: Time) {
        self.has_been_ready |= self.says.is_ready || self.serves;
        if self.says.is_gone && !self.runs {
            self.gone = Some(at);
        } else {
            let state = self.state();
            enter(&mut self.states, at, state);
        }
    }
}

/// The tracks of all pods.
#[derive(Clone, Debug, Default)]
pub struct PodTracks {
    /// In the order in which they were created.
    pub all: Vec<PodTrack>,
    /// Those whose objects are there.
    present: BTreeMap<Key, usize>,
    /// Those whose objects are gone and whose containers run, by their nodes too: a namesake may run elsewhere.
    forgotten: BTreeMap<(Key, Name), usize>,
}

impl PodTracks {
    /// A fact about containers.
    pub fn on_fact(&mut self, at: Time, fact: &Fact) {
        let (pod, node, runs, serves) = match fact {
            Fact::ContainersStarted { pod, node, .. } => (pod, node, true, false),
            Fact::ContainersReady { pod, node } => (pod, node, true, true),
            Fact::ContainersStopped { pod, node } => (pod, node, false, false),
            _ => return,
        };
        let present = self.present.get(pod).copied().filter(|&index| self.all[index].node == *node);
        let index = match present {
            // A namesake on the same node starts only after the one before it has been cleared away.
            Some(index) if runs || self.all[index].runs => index,
            _ => {
                let id = (pod.clone(), node.clone());
                let Some(&index) = self.forgotten.get(&id) else { return };
                if !runs {
                    self.forgotten.remove(&id);
                }
                index
            }
        };
        let track = &mut self.all[index];
        (track.runs, track.serves) = (runs, serves);
        track.judge(at);
    }

    /// A commit of a pod.
    pub fn on_commit(&mut self, at: Time, change: &Change, workloads: &Workloads) {
        let key = change.key();
        let known = self.present.get(key).copied();
        let Some(pod) = change.after::<Pod>() else {
            let Some(index) = known else { return };
            self.present.remove(key);
            let track = &mut self.all[index];
            track.says.is_gone = true;
            if track.runs {
                self.forgotten.insert((key.clone(), track.node.clone()), index);
            }
            return track.judge(at);
        };
        let index = known.filter(|&index| self.all[index].uid == pod.meta.uid).unwrap_or_else(|| {
            let workload = workloads.pod(key).and_then(|record| record.workload.clone());
            self.all.push(PodTrack::new(key.clone(), pod.meta.uid, workload));
            self.present.insert(key.clone(), self.all.len() - 1);
            self.all.len() - 1
        });
        let track = &mut self.all[index];
        if track.node != pod.node_name {
            track.node = pod.node_name.clone();
        }
        track.says = Said {
            is_ready: pod.is_ready(),
            is_terminating: pod.meta.is_terminating(),
            is_over: pod.status.phase.is_terminal(),
            is_gone: false,
        };
        track.judge(at);
    }
}
