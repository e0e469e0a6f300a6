//! Causes that nobody in the cluster can know, but that the recorder sees: what a silence comes from, which pod a new one
//! stands in for.
//!
//! Programs hand on the fact that they act upon. Some act upon something that is no fact, as a lease that was not
//! renewed, or upon several at once, as a ReplicaSet that is two pods short. What led to such a commit is found here when
//! it is recorded. Only causes are changed, never a fact or the setting that owned a wait.

use crate::etcd::change::Change;
use crate::object::fact::{Verb, Why};
use crate::object::{
    ConditionStatus, EndpointSlice, Fact, FactId, Key, Name, Node, Object, Pod, ReplicaSet, Revision, Uid,
};
use std::collections::{BTreeMap, VecDeque};

/// A commit that is about to be recorded.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// Client of the program that asked for it: its user and its own name.
    pub client: &'a str,
    /// How.
    pub verb: Verb,
    /// The object before.
    pub old: Option<&'a Object>,
    /// The object after.
    pub new: Option<&'a Object>,
}

/// What keeps a node from giving signs of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Machine,
    Kubelet,
    Link,
}

#[derive(Clone, Debug, Default)]
struct Troubles {
    /// Those that last, in the order in which they began.
    lasting: Vec<(Trouble, FactId)>,
    /// The beginning of the last one.
    last: Option<FactId>,
    /// The end of the last one.
    over: Option<FactId>,
}

/// A fault that has begun and not ended.
#[derive(Clone, Debug, Default)]
struct Lasting {
    began: Option<FactId>,
    nodes: Vec<Name>,
}

/// How many pods a ReplicaSet is short of or has too many, and what made it so, one fact for each.
#[derive(Clone, Debug, Default)]
struct Balance {
    short: VecDeque<FactId>,
    over: VecDeque<FactId>,
}

impl Balance {
    /// One more is missing, or one less is too many.
    fn lose(&mut self, cause: FactId) {
        if self.over.pop_front().is_none() {
            self.short.push_back(cause);
        }
    }

    /// One has come, which stands in for the first that was missed; or it is one too many.
    fn gain(&mut self, cause: FactId) {
        if self.short.pop_front().is_none() {
            self.over.push_back(cause);
        }
    }

    /// Other numbers are wanted.
    fn want(&mut self, more: i32, cause: FactId) {
        for _ in 0..more.max(0) {
            if self.over.pop_back().is_none() {
                self.short.push_back(cause);
            }
        }
        for _ in more.min(0)..0 {
            if self.short.pop_back().is_none() {
                self.over.push_back(cause);
            }
        }
    }
}

/// What has to be remembered to know the causes.
#[derive(Clone, Debug, Default)]
pub struct Causes {
    nodes: BTreeMap<Name, Troubles>,
    faults: BTreeMap<Name, Lasting>,
    sets: BTreeMap<Uid, Balance>,
    /// The last decision of the scheduler about a pod.
    scheduled: BTreeMap<Key, FactId>,
    /// The last that happened to a pod's containers.
    containers: BTreeMap<Key, FactId>,
    /// The last time that a node's Ready condition changed.
    judged: Option<FactId>,
    /// The commits that made the versions of slices.
    slices: BTreeMap<Revision, FactId>,
}

/// Who looks after the pods of ReplicaSets.
const REPLICA_SETS: &str = " replicaset-controller";
/// Who says what becomes of the pods of a node.
const KUBELET: &str = " kubelet";

impl Causes {
    /// What led to a commit, if more is known than its program said.
    pub fn of_commit(&self, commit: Commit<'_>, why: Why) -> Why {
        let Some(object) = commit.new.or(commit.old) else { return why };
        let known = if let Some(node) = object.of::<Node>() {
            let was = commit.old.and_then(Object::of::<Node>).and_then(|node| node.ready());
            let is_silent = node.ready() == Some(ConditionStatus::Unknown) && was != node.ready();
            let troubles = self.nodes.get(node.meta.name());
            match commit.verb {
                Verb::Updated if is_silent => self.of_silence(node.meta.name()),
                // What a round of its kubelet finds new is what was in its way.
                Verb::Updated if commit.client.ends_with(KUBELET) && why.cause == FactId::NONE => {
                    troubles.and_then(|troubles| troubles.over)
                }
                _ => None,
            }
        } else if let Some(pod) = object.of::<Pod>() {
            self.of_pod(commit, pod, why.cause)
        } else {
            None
        };
        Why { cause: known.unwrap_or(why.cause), ..why }
    }

    /// What led to another fact, if more is known than was said.
    pub fn of_fact(&self, fact: &Fact, why: Why) -> Why {
        let known = match fact {
            Fact::ContainersReady { pod, .. } | Fact::ContainersStopped { pod, .. } => {
                self.containers.get(pod).copied()
            }
            Fact::Routed { revision, .. } => self.slices.get(revision).copied(),
            Fact::EvictionRate { .. } => self.judged,
            _ => None,
        };
        Why { cause: later(why.cause, known), ..why }
    }

    /// What a node's silence comes from: what began first and lasts, or else what was last.
    fn of_silence(&self, node: &Name) -> Option<FactId> {
        let troubles = self.nodes.get(node);
        let lasting = troubles.and_then(|troubles| troubles.lasting.first()).map(|(_, began)| *began);
        let is_hit = |fault: &&Lasting| fault.nodes.contains(node);
        let fault = || self.faults.values().filter(is_hit).filter_map(|fault| fault.began).min();
        lasting.or_else(fault).or_else(|| troubles.and_then(|troubles| troubles.last))
    }

    fn of_pod(&self, commit: Commit<'_>, pod: &Pod, cause: FactId) -> Option<FactId> {
        let key = &pod.meta.key;
        let balance = || pod.meta.controller().and_then(|owner| self.sets.get(&owner.uid));
        let is_of_set = commit.client.ends_with(REPLICA_SETS);
        let known = match commit.verb {
            Verb::Created if is_of_set => balance().and_then(|balance| balance.short.front()).copied(),
            Verb::Terminating | Verb::Deleted if is_of_set => {
                balance().and_then(|balance| balance.over.front()).copied()
            }
            Verb::Updated => {
                let was_bound = commit.old.and_then(Object::of::<Pod>).is_some_and(|old| !old.node_name.is_empty());
                if !was_bound && !pod.node_name.is_empty() {
                    self.scheduled.get(key).copied()
                } else if commit.client.ends_with(KUBELET) {
                    Some(later(cause, self.containers.get(key).copied()))
                } else {
                    None
                }
            }
            _ => None,
        };
        known.filter(|known| *known != FactId::NONE)
    }

    /// Takes note of a fact.
    pub fn on_fact(&mut self, id: FactId, fact: &Fact) {
        match fact {
            Fact::MachineDown(node) => self.begin(node, Trouble::Machine, id),
            Fact::KubeletDown(node) => self.begin(node, Trouble::Kubelet, id),
            Fact::LinkCut(node) => self.begin(node, Trouble::Link, id),
            Fact::MachineUp(node) => self.end(node, Trouble::Machine, id),
            Fact::KubeletUp(node) => self.end(node, Trouble::Kubelet, id),
            Fact::LinkHealed(node) => self.end(node, Trouble::Link, id),
            Fact::FaultBegan { fault, .. } => self.faults.entry(fault.clone()).or_default().began = Some(id),
            Fact::FaultEnded { fault } => drop(self.faults.remove(fault)),
            Fact::Scheduled { pod, .. } => drop(self.scheduled.insert(pod.clone(), id)),
            Fact::ContainersStarted { pod, .. }
            | Fact::ContainersReady { pod, .. }
            | Fact::ContainersStopped { pod, .. } => drop(self.containers.insert(pod.clone(), id)),
            _ => {}
        }
    }

    /// Takes note of the nodes that a fault hits.
    pub fn on_outage(&mut self, fault: &Name, nodes: &[Name]) {
        self.faults.entry(fault.clone()).or_default().nodes = nodes.to_vec();
    }

    fn begin(&mut self, node: &Name, trouble: Trouble, id: FactId) {
        let troubles = self.nodes.entry(node.clone()).or_default();
        troubles.lasting.push((trouble, id));
        troubles.last = Some(id);
    }

    fn end(&mut self, node: &Name, trouble: Trouble, id: FactId) {
        if let Some(troubles) = self.nodes.get_mut(node) {
            troubles.over = Some(id);
            troubles.lasting.retain(|(lasting, _)| *lasting != trouble);
        }
    }

    /// Takes note of a commit.
    pub fn on_commit(&mut self, change: &Change) {
        if let Some(pod) = change.object().of::<Pod>() {
            let is_active = |pod: Option<&std::sync::Arc<Pod>>| pod.is_some_and(|pod| pod.is_active());
            let (was, is) = (is_active(change.before::<Pod>()), is_active(change.after::<Pod>()));
            if let Some(owner) = pod.meta.controller().filter(|_| was != is) {
                let balance = self.sets.entry(owner.uid).or_default();
                if is { balance.gain(change.cause) } else { balance.lose(change.cause) }
            }
            if change.new.is_none() {
                self.scheduled.remove(change.key());
                self.containers.remove(change.key());
            }
        } else if let Some(set) = change.object().of::<ReplicaSet>() {
            let wanted = |set: Option<&std::sync::Arc<ReplicaSet>>| set.map_or(0, |set| set.replicas());
            let more = wanted(change.after::<ReplicaSet>()) - wanted(change.before::<ReplicaSet>());
            if change.new.is_none() {
                self.sets.remove(&set.meta.uid);
            } else if more != 0 {
                self.sets.entry(set.meta.uid).or_default().want(more, change.cause);
            }
        } else if change.object().of::<Node>().is_some() {
            let ready = |node: Option<&std::sync::Arc<Node>>| node.and_then(|node| node.ready());
            if ready(change.before::<Node>()) != ready(change.after::<Node>()) && change.cause != FactId::NONE {
                self.judged = Some(change.cause);
            }
        } else if change.object().of::<EndpointSlice>().is_some() && change.cause != FactId::NONE {
            self.slices.insert(change.revision, change.cause);
        }
    }
}

/// The later of two facts, of which either may be none.
fn later(one: FactId, other: Option<FactId>) -> FactId {
    match other {
        Some(other) if one == FactId::NONE || other > one && other != FactId::NONE => other,
        _ => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(number: u32) -> FactId {
        FactId(number)
    }

    #[test]
    fn each_new_pod_stands_in_for_the_first_that_was_missed() {
        let mut balance = Balance::default();
        balance.want(3, id(1));
        (2..5).for_each(|pod| balance.gain(id(pod)));
        assert_eq!((balance.short.len(), balance.over.len()), (0, 0));
        balance.lose(id(5));
        balance.lose(id(6));
        assert_eq!(balance.short, [id(5), id(6)]);
        balance.gain(id(7));
        assert_eq!(balance.short, [id(6)]);
        balance.want(-2, id(8));
        assert_eq!((balance.short.len(), &balance.over), (0, &VecDeque::from([id(8)])));
        balance.lose(id(9));
        assert_eq!((balance.short.len(), balance.over.len()), (0, 0), "the one too many went");
    }

    #[test]
    fn a_silence_comes_from_what_began_first_and_lasts() {
        let (mut causes, node) = (Causes::default(), Name::from("n1"));
        assert_eq!(causes.of_silence(&node), None);
        causes.on_outage(&"slow".into(), std::slice::from_ref(&node));
        causes.on_fact(id(0), &Fact::FaultBegan { fault: "slow".into(), what: Name::none() });
        assert_eq!(causes.of_silence(&node), Some(id(0)), "a link that loses messages is no fact of its own");
        causes.on_fact(id(1), &Fact::LinkCut(node.clone()));
        causes.on_fact(id(2), &Fact::MachineDown(node.clone()));
        assert_eq!(causes.of_silence(&node), Some(id(1)));
        causes.on_fact(id(3), &Fact::LinkHealed(node.clone()));
        assert_eq!(causes.of_silence(&node), Some(id(2)));
        causes.on_fact(id(4), &Fact::MachineUp(node.clone()));
        causes.on_fact(id(5), &Fact::FaultEnded { fault: "slow".into() });
        assert_eq!(causes.of_silence(&node), Some(id(2)), "what was last, since nothing lasts");
    }

    #[test]
    fn of_two_causes_the_later_counts_if_there_is_one() {
        assert_eq!(later(FactId::NONE, None), FactId::NONE);
        assert_eq!(later(FactId::NONE, Some(id(3))), id(3));
        assert_eq!(later(id(2), Some(id(3))), id(3));
        assert_eq!(later(id(4), Some(id(3))), id(4));
        assert_eq!(later(id(4), Some(FactId::NONE)), id(4));
    }
}
