//! What a ReplicaSet saw at a moment: how many pods it had and how many it wanted, counted from the facts.

use super::Tale;
use crate::cluster::World;
use crate::object::fact::Verb;
use crate::object::{Fact, FactId, Key, Kind, Name, Pod, ReplicaSet, Strategy};
use crate::record::Recorded;
use std::collections::{BTreeMap, BTreeSet};

/// A ReplicaSet over the run.
#[derive(Debug, Default)]
pub(super) struct Set {
    /// Pods wanted and pods there before each change, with the fact that made it, in order.
    steps: Vec<(FactId, i64, i64)>,
}

/// `wanted 7 -> 8` among what a commit changed.
pub(super) fn change_of(what: &str, name: &str) -> Option<(i64, i64)> {
    let piece = what.split(", ").find_map(|piece| piece.strip_prefix(name)?.strip_prefix(' '))?;
    let (old, new) = piece.split_once(" -> ")?;
    Some((old.parse().ok()?, new.parse().ok()?))
}

/// All ReplicaSets of a run, by `namespace/name`. Their numbers are known at the end and are followed back from there.
pub(super) fn sets(facts: &[Recorded], world: &World) -> BTreeMap<Name, Set> {
    let mut names: BTreeSet<Name> =
        world.objects::<ReplicaSet>().map(|set| set.meta().key.to_string().into()).collect();
    for recorded in facts {
        if let Fact::Commit { kind: Kind::ReplicaSet, key, .. } = &recorded.fact {
            names.insert(key.to_string().into());
        }
    }
    let mut now: BTreeMap<Name, (i64, i64)> = names.into_iter().map(|name| (name, (0, 0))).collect();
    for set in world.objects::<ReplicaSet>() {
        now.entry(set.meta().key.to_string().into()).or_default().0 = i64::from(set.replicas());
    }
    let owner = |key: &Key| owner_of(key).filter(|name| now.contains_key(name));
    // A pod that was told to go is counted out once; what comes of it later is no change.
    let mut counts: Vec<(usize, Name, i64)> = Vec::new();
    let mut leaving: BTreeSet<Key> = BTreeSet::new();
    for (index, recorded) in facts.iter().enumerate() {
        let Fact::Commit { verb, kind: Kind::Pod, key, what } = &recorded.fact else { continue };
        let Some(owner) = owner(key) else { continue };
        let ends = *verb == Verb::Terminating
            || *verb == Verb::Deleted
            || what.starts_with("Failed")
            || what.starts_with("Succeeded");
        if *verb == Verb::Created {
            leaving.remove(key);
            counts.push((index, owner, 1));
        } else if ends && leaving.insert(key.clone()) {
            counts.push((index, owner, -1));
        }
    }
    for pod in world.objects::<Pod>().filter(|pod| pod.is_active()) {
        if let Some(owner) = owner_of(&pod.meta.key) {
            now.entry(owner).or_default().1 += 1;
        }
    }
    let mut sets: BTreeMap<Name, Set> = BTreeMap::new();
    let mut counts = counts.into_iter().rev().peekable();
    for (index, recorded) in facts.iter().enumerate().rev() {
        let id = FactId(index as u32);
        if let Some((_, owner, change)) = counts.next_if(|(at, ..)| *at == index) {
            let state = now.entry(owner.clone()).or_default();
            state.1 -= change;
            sets.entry(owner).or_default().steps.push((id, state.0, state.1));
        }
        if let Fact::Commit { kind: Kind::ReplicaSet, key, what, verb } = &recorded.fact {
            let name: Name = key.to_string().into();
            let state = now.entry(name.clone()).or_default();
            if let Some((old, _)) = change_of(what, "wanted") {
                state.0 = old;
                sets.entry(name).or_default().steps.push((id, state.0, state.1));
            } else if *verb == Verb::Created {
                sets.entry(name).or_default().steps.push((id, state.0, state.1));
            }
        }
    }
    sets.values_mut().for_each(|set| set.steps.reverse());
    sets
}

/// The ReplicaSet by whose name a pod is called.
fn owner_of(pod: &Key) -> Option<Name> {
    let (set, suffix) = pod.name.rsplit_once('-')?;
    (suffix.len() == 5).then(|| format!("{}/{set}", pod.namespace).into())
}

impl Tale<'_> {
    /// The ReplicaSet of a pod, if it has one, without its namespace.
    pub fn set_of(&self, pod: &Key) -> Option<String> {
        let name = owner_of(pod).filter(|name| self.sets.contains_key(name))?;
        Some(name.rsplit('/').next().unwrap_or_default().to_string())
    }

    /// How many pods the ReplicaSet of `pod` had and wanted just before this fact, which made or ended that pod.
    pub fn seen_by_set(&self, pod: &Key, fact: FactId) -> Option<(i64, i64)> {
        let set = self.sets.get(&owner_of(pod)?)?;
        let step = set.steps.binary_search_by_key(&fact, |(id, ..)| *id).ok()?;
        let (_, wanted, there) = set.steps[step];
        Some((there, wanted))
    }

    /// How many pods a ReplicaSet wanted when it was made.
    pub fn first_wanted(&self, set: &Key, made: FactId) -> Option<i64> {
        let set = self.sets.get(&Name::from(set.to_string()))?;
        set.steps.iter().find(|(id, ..)| *id == made).map(|&(_, wanted, _)| wanted)
    }
}
