//! What had happened until a moment, by whom it is about: found in one pass, as a workload asks for each of its pods.

use super::{Tale, time};
use crate::kernel::time::Time;
use crate::object::fact::Verb;
use crate::object::taint::Taint;
use crate::object::{Fact, Key, Kind, Name};
use std::collections::BTreeMap;

/// What keeps a node from giving signs of life.
pub(super) struct Trouble {
    pub since: Time,
    pub words: String,
}

/// What the facts until a moment say.
#[derive(Default)]
pub(super) struct SoFar<'a> {
    /// What is wrong with each node that the API server cannot know, and since when.
    troubles: BTreeMap<&'a str, BTreeMap<&'static str, Time>>,
    /// What commits changed of each node.
    nodes: BTreeMap<&'a str, Vec<(Time, &'a str)>>,
    /// When each pod was bound last.
    bound: BTreeMap<&'a Key, Time>,
    /// When the scheduler found no node for a pod, and why.
    refusals: BTreeMap<&'a Key, Vec<(Time, &'a Name)>>,
}

impl<'a> SoFar<'a> {
    /// What had happened by `at`, that moment included.
    pub fn of(tale: &Tale<'a>, at: Time) -> SoFar<'a> {
        let mut so_far = SoFar::default();
        for recorded in &tale.facts[..tale.until(at)] {
            let at = recorded.at;
            match &recorded.fact {
                Fact::MachineDown(name) => so_far.begins(name, "machine", at),
                Fact::KubeletDown(name) => so_far.begins(name, "kubelet", at),
                Fact::LinkCut(name) => so_far.begins(name, "link", at),
                Fact::MachineUp(name) => so_far.ends(name, "machine"),
                Fact::KubeletUp(name) => so_far.ends(name, "kubelet"),
                Fact::LinkHealed(name) => so_far.ends(name, "link"),
                Fact::Commit { kind: Kind::Node, key, what, .. } => {
                    so_far.nodes.entry(&key.name).or_default().push((at, what));
                }
                Fact::Commit { verb: Verb::Updated, kind: Kind::Pod, key, what } if what.starts_with("bound to") => {
                    so_far.bound.insert(key, at);
                }
                Fact::Unschedulable { pod, message } => so_far.refusals.entry(pod).or_default().push((at, message)),
                _ => {}
            }
        }
        so_far
    }

    fn begins(&mut self, node: &'a Name, what: &'static str, at: Time) {
        self.troubles.entry(node).or_default().insert(what, at);
    }

    fn ends(&mut self, node: &'a Name, what: &'static str) {
        self.troubles.entry(node).or_default().remove(what);
    }

    /// What is wrong with a node that the API server cannot know: what has been so the longest.
    pub fn trouble(&self, node: &str) -> Option<Trouble> {
        let troubles = self.troubles.get(node)?;
        let (what, since) =
            troubles.iter().map(|(what, since)| (*what, *since)).min_by_key(|&(what, at)| (at, what))?;
        let words = match what {
            "machine" => format!("the machine of {node} has been down since {}", time(since)),
            "kubelet" => format!("the kubelet of {node} has not run since {}", time(since)),
            _ => format!("{node} has been cut off since {}", time(since)),
        };
        Some(Trouble { since, words })
    }

    /// When a node got a taint that it has, whatever the value of that was then.
    pub fn tainted(&self, node: &str, taint: &Taint) -> Option<Time> {
        let (key, effect) = (format!("+{}", taint.key), format!(":{}", taint.effect));
        let is_it = |piece: &str| {
            let rest = piece.strip_prefix(key.as_str()).and_then(|rest| rest.strip_suffix(effect.as_str()));
            rest.is_some_and(|value| value.is_empty() || value.starts_with('='))
        };
        let mut changes = self.nodes.get(node)?.iter().rev();
        changes.find(|(_, what)| what.split(", ").any(is_it)).map(|(at, _)| *at)
    }

    /// When a pod was bound.
    pub fn bound(&self, pod: &Key) -> Option<Time> {
        self.bound.get(pod).copied()
    }

    /// When the scheduler found no node for a pod, and why, the last last.
    pub fn refusals(&self, pod: &Key) -> &[(Time, &'a Name)] {
        self.refusals.get(pod).map_or(&[], Vec::as_slice)
    }
}
