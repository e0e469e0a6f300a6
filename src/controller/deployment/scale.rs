//! How large each ReplicaSet of a Deployment is to be, and the sync that only scales.
//!
//! Source: `pkg/controller/deployment/sync.go` (`sync`, `scale`, `scaleReplicaSet`, `cleanupDeployment`,
//! `isScalingEvent`), `pkg/controller/deployment/util/deployment_util.go`, v1.36.

use super::sets::{age_order, revision};
use super::{Halt, Outcome, Revisions, Rollout, rollback};
use crate::apiserver::Request;
use crate::object::deployment::DeploymentStrategy;
use crate::object::{Deployment, Kind, ReplicaSet};
use std::sync::Arc;

/// Annotation of a ReplicaSet: `spec.replicas` of its Deployment when it was last scaled.
pub const DESIRED_REPLICAS: &str = "deployment.kubernetes.io/desired-replicas";
/// Annotation of a ReplicaSet: the same plus the surge.
pub const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";

/// Surge and unavailability in pods, not both zero (`ResolveFenceposts`).
fn fenceposts(deployment: &Deployment) -> (i32, i32) {
    let DeploymentStrategy::RollingUpdate { max_surge, max_unavailable } = deployment.spec.strategy else {
        return (0, 0);
    };
    let replicas = deployment.replicas();
    match (max_surge.scaled(replicas, true), max_unavailable.scaled(replicas, false)) {
        (0, 0) => (0, 1),
        both => both,
    }
}

/// How many pods more than wanted there may be; none unless it rolls.
pub fn max_surge(deployment: &Deployment) -> i32 {
    fenceposts(deployment).0
}

/// How many pods fewer than wanted may be available; none unless it rolls.
pub fn max_unavailable(deployment: &Deployment) -> i32 {
    fenceposts(deployment).1.min(deployment.replicas())
}

/// Pods wanted and the surge. Upstream's numbers have 32 bits and wrap, so that of 2,147,483,647 pods none is created.
fn most_pods(deployment: &Deployment) -> i32 {
    deployment.replicas().wrapping_add(max_surge(deployment))
}

/// Size of the new ReplicaSet, given the pods wanted of all and of it alone (`NewRSNewReplicas`).
pub fn new_set_size(deployment: &Deployment, total: i32, size: i32) -> i32 {
    let replicas = deployment.replicas();
    let most = match deployment.spec.strategy {
        DeploymentStrategy::Recreate => return replicas,
        DeploymentStrategy::RollingUpdate { .. } => most_pods(deployment),
    };
    if total >= most { size } else { size + most.wrapping_sub(total).min(replicas - size) }
}

/// Notes on a ReplicaSet what its Deployment wants (`SetReplicasAnnotations`). Says whether that is news.
pub fn note_sizes(deployment: &Deployment, set: &mut ReplicaSet) -> bool {
    let replicas = deployment.replicas();
    let sizes = [(DESIRED_REPLICAS, replicas), (MAX_REPLICAS, most_pods(deployment))];
    let mut is_news = false;
    for (annotation, size) in sizes {
        let size = size.to_string();
        if set.meta.annotations.get(annotation).is_none_or(|known| *known != *size) {
            set.meta.annotations.insert(annotation, size);
            is_news = true;
        }
    }
    is_news
}

fn noted(set: &ReplicaSet, annotation: &str) -> Option<i32> {
    set.meta.annotations.get(annotation)?.parse().ok().filter(|&size: &i32| size >= 0)
}

/// Pods wanted of all `sets`.
pub fn total<'a>(sets: impl IntoIterator<Item = &'a Arc<ReplicaSet>>) -> i32 {
    sets.into_iter().map(|set| set.replicas()).fold(0, i32::wrapping_add)
}

/// Those of `sets` that want pods (`FilterActiveReplicaSets`).
pub fn active<'a>(sets: impl IntoIterator<Item = &'a Arc<ReplicaSet>>) -> Vec<Arc<ReplicaSet>> {
    sets.into_iter().filter(|set| set.replicas() > 0).cloned().collect()
}

/// Whether the new ReplicaSet has all the pods of the Deployment, available (`IsSaturated`).
fn is_saturated(deployment: &Deployment, set: &ReplicaSet) -> bool {
    let replicas = deployment.replicas();
    set.replicas() == replicas
        && noted(set, DESIRED_REPLICAS) == Some(replicas)
        && set.status.available_replicas == replicas
}

/// How many pods a ReplicaSet gains or loses for its share of the new size, rounded half away from zero
/// (`getReplicaSetFraction`).
fn fraction(deployment: &Deployment, set: &ReplicaSet) -> i32 {
    let size = set.replicas();
    if deployment.replicas() == 0 {
        return -size;
    }
    let before = match noted(set, MAX_REPLICAS) {
        Some(before) if before != 0 => before,
        _ => deployment.status.replicas,
    };
    if before == 0 {
        return 0;
    }
    let product = i64::from(size) * i64::from(most_pods(deployment));
    let before = i64::from(before);
    (((2 * product + before).div_euclid(2 * before)) as i32).wrapping_sub(size)
}

/// The new size of each of the active `sets`. If it changes any, it sorts them: largest first, of equals the newer first
/// if pods are added and the older first if they are taken away.
fn proportional_sizes(deployment: &Deployment, sets: &mut [Arc<ReplicaSet>]) -> Vec<i32> {
    let replicas = deployment.replicas();
    let allowed = if replicas > 0 { most_pods(deployment) } else { 0 };
    let to_add = allowed.wrapping_sub(total(&*sets));
    if to_add == 0 {
        return sets.iter().map(|set| set.replicas()).collect();
    }
    sets.sort_by(|a, b| {
        let by_age = if to_add > 0 { age_order(b, a) } else { age_order(a, b) };
        b.replicas().cmp(&a.replicas()).then(by_age)
    });
    let mut added = 0;
    let mut sizes = Vec::with_capacity(sets.len());
    for set in sets.iter() {
        let left = to_add.wrapping_sub(added);
        let share = match left {
            0 => 0,
            _ if to_add > 0 => fraction(deployment, set).min(left),
            _ => fraction(deployment, set).max(left),
        };
        added = added.wrapping_add(share);
        sizes.push(set.replicas().wrapping_add(share));
    }
    // What rounding left over goes to the largest.
    if let Some(first) = sizes.first_mut() {
        *first = first.wrapping_add(to_add).wrapping_sub(added).max(0);
    }
    sizes
}

/// The only active ReplicaSet, or if none is active the newest; none if several are (`FindActiveOrLatest`).
fn active_or_latest(revisions: &Revisions) -> Option<Arc<ReplicaSet>> {
    let active = active(revisions.all());
    match active.as_slice() {
        [] => revisions.new.as_ref().or(revisions.old.last()).cloned(),
        [one] => Some(one.clone()),
        _ => None,
    }
}

impl Rollout<'_, '_> {
    /// Whether `spec.replicas` has changed since an active ReplicaSet was last scaled.
    pub(super) fn is_scaling_event(&mut self) -> Result<bool, Halt> {
        let revisions = self.revisions(false)?;
        let replicas = self.deployment.replicas();
        Ok(active(revisions.all()).iter().any(|set| noted(set, DESIRED_REPLICAS).is_some_and(|size| size != replicas)))
    }

    /// Scales what there is, without rolling on (`sync`).
    pub(super) fn scale(&mut self) -> Outcome {
        let revisions = self.revisions(false)?;
        self.scale_sets(&revisions)?;
        if self.deployment.spec.paused && rollback::asked(&self.deployment.meta).is_none() {
            self.clean_up(&revisions.old)?;
        }
        self.write_status(&revisions)
    }

    /// The newest of the old ones comes first here: upstream's search for the latest leaves them in that order.
    fn scale_sets(&mut self, revisions: &Revisions) -> Result<(), Halt> {
        let replicas = self.deployment.replicas();
        if let Some(set) = active_or_latest(revisions) {
            return self.resize(&set, replicas).map(|_| ());
        }
        if revisions.new.as_ref().is_some_and(|new| is_saturated(&self.deployment, new)) {
            return active(revisions.old.iter().rev()).iter().try_for_each(|set| self.resize(set, 0).map(|_| ()));
        }
        if self.deployment.spec.strategy != DeploymentStrategy::Recreate {
            let mut sets = active(revisions.old.iter().rev().chain(&revisions.new));
            let sizes = proportional_sizes(&self.deployment, &mut sets);
            for (set, size) in sets.iter().zip(sizes) {
                self.resize_and_note(set, size)?;
            }
        }
        Ok(())
    }

    /// Gives a ReplicaSet another size; nothing is written if it has it already (`scaleReplicaSetAndRecordEvent`).
    pub(super) fn resize(&mut self, set: &Arc<ReplicaSet>, size: i32) -> Result<Arc<ReplicaSet>, Halt> {
        if set.replicas() == size { Ok(set.clone()) } else { self.resize_and_note(set, size) }
    }

    /// The same, but what the Deployment wants is noted even if the size stays (`scaleReplicaSet`).
    fn resize_and_note(&mut self, set: &Arc<ReplicaSet>, size: i32) -> Result<Arc<ReplicaSet>, Halt> {
        let mut resized = (**set).clone();
        let is_news = note_sizes(&self.deployment, &mut resized);
        let before = set.replicas();
        if before == size && !is_news {
            return Ok(set.clone());
        }
        resized.spec.replicas = Some(size);
        let written = self.put_set(resized)?;
        if before != size {
            let direction = if before < size { "up" } else { "down" };
            let name = set.meta.name();
            self.event("ScalingReplicaSet", format!("Scaled {direction} replica set {name} from {before} to {size}"));
        }
        Ok(written)
    }

    /// Deletes old ReplicaSets beyond the limit of history (`cleanupDeployment`).
    pub(super) fn clean_up(&mut self, old: &[Arc<ReplicaSet>]) -> Result<(), Halt> {
        let limit = match self.deployment.spec.revision_history_limit {
            None | Some(i32::MAX) => return Ok(()),
            Some(limit) => usize::try_from(limit).unwrap_or(0),
        };
        let mut sets: Vec<_> = old.iter().filter(|set| !set.meta.is_terminating()).cloned().collect();
        let surplus = sets.len().saturating_sub(limit);
        sets.sort_by(|a, b| revision(&a.meta).cmp(&revision(&b.meta)).then_with(|| age_order(a, b)));
        for set in &sets[..surplus] {
            let is_unobserved = set.meta.generation > set.status.observed_generation;
            if set.status.replicas != 0 || set.replicas() != 0 || is_unobserved {
                continue;
            }
            let reply = self.io.call(Request::delete(Kind::ReplicaSet, set.meta.key.clone()))?;
            if !reply.is_ok() && !reply.is_not_found() {
                return Err(Halt::Failed);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::deployment::IntOrPercent::{self, Int, Percent};
    use crate::object::{Key, Meta, Timestamp};

    fn deployment(replicas: i32, max_surge: IntOrPercent, max_unavailable: IntOrPercent) -> Deployment {
        let mut deployment = Deployment::default();
        deployment.spec.replicas = Some(replicas);
        deployment.spec.strategy = DeploymentStrategy::RollingUpdate { max_surge, max_unavailable };
        deployment
    }

    fn set(name: &str, size: i32, max_before: i32) -> Arc<ReplicaSet> {
        let mut set = ReplicaSet { meta: Meta::new(Key::new("default", name)), ..ReplicaSet::default() };
        set.spec.replicas = Some(size);
        // Named in the order of age.
        set.meta.created = Timestamp(i64::from(name.as_bytes()[0]));
        set.meta.annotations.insert(MAX_REPLICAS, max_before.to_string());
        Arc::new(set)
    }

    #[test]
    fn surge_is_rounded_up_and_unavailability_down() {
        for (replicas, surge, unavailable, expected) in [
            (10, Percent(25), Percent(25), (3, 2)),
            (8, Percent(25), Percent(25), (2, 2)),
            (1, Percent(25), Percent(25), (1, 0)),
            (3, Percent(0), Percent(25), (0, 1)),
            (4, Int(1), Int(0), (1, 0)),
            (2, Int(0), Int(5), (0, 2)),
            (0, Percent(25), Percent(25), (0, 0)),
            (0, Int(1), Int(1), (1, 0)),
        ] {
            let deployment = deployment(replicas, surge, unavailable);
            let both = (max_surge(&deployment), max_unavailable(&deployment));
            assert_eq!(both, expected, "{replicas} replicas, {surge:?}, {unavailable:?}");
        }
        let recreate = Deployment {
            spec: crate::object::deployment::DeploymentSpec {
                replicas: Some(4),
                strategy: DeploymentStrategy::Recreate,
                ..Default::default()
            },
            ..Deployment::default()
        };
        assert_eq!((max_surge(&recreate), max_unavailable(&recreate)), (0, 0));
    }

    #[test]
    fn the_new_set_grows_into_the_room_that_there_is() {
        let deployment = deployment(10, Int(3), Int(2));
        for (total, size, expected) in [(0, 0, 10), (10, 0, 3), (13, 0, 0), (15, 2, 2), (11, 3, 5), (10, 9, 10)] {
            assert_eq!(new_set_size(&deployment, total, size), expected, "{size} of {total}");
        }
    }

    #[test]
    fn as_many_pods_as_a_number_can_say_wrap_as_upstream() {
        let deployment = deployment(i32::MAX, Percent(25), Percent(25));
        assert_eq!(new_set_size(&deployment, 0, 0), 0);
        let mut sets = [set("a", i32::MAX, i32::MAX), set("b", i32::MAX, 0)];
        assert_eq!((total(&sets), proportional_sizes(&deployment, &mut sets).len()), (-2, 2));
        assert!(note_sizes(&deployment, &mut ReplicaSet::default()));
    }

    #[test]
    fn sizes_keep_their_proportions() {
        // (replicas wanted, surge, [(name, size, max-replicas before)], [(name, new size)])
        type Case<'a> = (i32, i32, &'a [(&'a str, i32, i32)], &'a [(&'a str, i32)]);
        let cases: [Case<'_>; 7] = [
            // The example of the documentation: 10 replicas, surge 3, scaled to 15 in mid-rollout.
            (15, 3, &[("a", 8, 13), ("b", 5, 13)], &[("a", 11), ("b", 7)]),
            (5, 3, &[("a", 8, 13), ("b", 5, 13)], &[("a", 5), ("b", 3)]),
            (0, 3, &[("a", 8, 13), ("b", 5, 13)], &[("a", 0), ("b", 0)]),
            (10, 3, &[("a", 8, 13), ("b", 5, 13)], &[("a", 8), ("b", 5)]),
            // Equal sizes: one more goes to the newer, one fewer to the older.
            (11, 0, &[("a", 5, 10), ("b", 5, 10)], &[("b", 6), ("a", 5)]),
            (9, 0, &[("a", 5, 10), ("b", 5, 10)], &[("a", 4), ("b", 5)]),
            // Without a noted size and without pods there is no share: the largest takes all.
            (6, 0, &[("a", 2, 0), ("b", 1, 0)], &[("a", 5), ("b", 1)]),
        ];
        for (replicas, surge, sets, expected) in cases {
            let deployment = deployment(replicas, Int(surge), Int(0));
            let mut sets: Vec<_> = sets.iter().map(|&(name, size, before)| set(name, size, before)).collect();
            let sizes = proportional_sizes(&deployment, &mut sets);
            let found: Vec<_> = sets.iter().map(|set| set.meta.name().as_str()).zip(sizes).collect();
            assert_eq!(found, expected, "to {replicas}");
        }
    }

    #[test]
    fn proportional_sizes_always_add_up() {
        use crate::kernel::rng::{Draws, Purpose};
        for seed in 0..500 {
            let draw = |what: &str, bound| Draws::new(seed).below(Purpose::Test, what, 0, bound) as i32;
            let before = 1 + draw("before", 60);
            let deployment = deployment(draw("replicas", 60), Int(draw("surge", 9)), Int(1));
            let names = ["a", "b", "c", "d"];
            let mut sets: Vec<_> = names.iter().map(|name| set(name, 1 + draw(name, 20), before)).collect();
            let sizes = proportional_sizes(&deployment, &mut sets);
            let replicas = deployment.replicas();
            let allowed = if replicas > 0 { replicas + max_surge(&deployment) } else { 0 };
            assert!(sizes.iter().all(|&size| size >= 0), "seed {seed}: {sizes:?}");
            assert!(sizes.iter().sum::<i32>() >= allowed, "seed {seed}: {sizes:?} for {allowed}");
        }
    }
}
