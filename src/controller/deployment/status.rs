//! What a Deployment's status says: counts, availability, progress.
//!
//! Source: `pkg/controller/deployment/progress.go`, `pkg/controller/deployment/sync.go` (`calculateStatus`,
//! `syncDeploymentStatus`, `checkPausedConditions`), `pkg/controller/deployment/util/deployment_util.go`, v1.36.

use super::scale::{max_unavailable, total};
use super::{End, Halt, Outcome, Revisions, Rollout};
use crate::kernel::time::{Span, Time};
use crate::object::deployment::{DeploymentStatus, PROGRESSING, TIMED_OUT};
use crate::object::replicaset::REPLICA_FAILURE;
use crate::object::{Condition, ConditionStatus, Deployment, ReplicaSet, SettingId, Timestamp, condition};
use std::sync::Arc;

/// Condition type: enough pods are available.
const AVAILABLE: &str = "Available";

/// Reason: the new ReplicaSet was created.
pub const NEW_SET_CREATED: &str = "NewReplicaSetCreated";
/// Reason: it was there already when progress began to be watched.
pub const FOUND_NEW_SET: &str = "FoundNewReplicaSet";
/// Reason: it could not be created.
pub const SET_CREATE_ERROR: &str = "ReplicaSetCreateError";
const NEW_SET_AVAILABLE: &str = "NewReplicaSetAvailable";
const SET_UPDATED: &str = "ReplicaSetUpdated";
const PAUSED: &str = "DeploymentPaused";
const RESUMED: &str = "DeploymentResumed";

/// Whether the rollout is over by this status (`DeploymentComplete`).
pub fn is_complete(deployment: &Deployment, status: &DeploymentStatus) -> bool {
    let replicas = deployment.replicas();
    let counts = [status.updated_replicas, status.replicas, status.available_replicas];
    counts == [replicas; 3] && status.observed_generation >= deployment.meta.generation
}

/// Whether it has moved on from one status to the other (`DeploymentProgressing`).
fn has_progressed(before: &DeploymentStatus, now: &DeploymentStatus) -> bool {
    let old = |status: &DeploymentStatus| status.replicas - status.updated_replicas;
    now.updated_replicas > before.updated_replicas
        || old(now) < old(before)
        || now.ready_replicas > before.ready_replicas
        || now.available_replicas > before.available_replicas
}

/// Sets a condition at the end of the list; one of the same status and reason stays as it is
/// (`SetDeploymentCondition`).
fn set(conditions: &mut Vec<Condition>, mut new: Condition) {
    if let Some(known) = condition::find(conditions, &new.kind) {
        if (known.status, &known.reason) == (new.status, &new.reason) {
            return;
        }
        if known.status == new.status {
            new.last_transition = known.last_transition;
        }
    }
    remove(conditions, &new.kind.clone());
    conditions.push(new);
}

fn remove(conditions: &mut Vec<Condition>, kind: &str) {
    conditions.retain(|condition| condition.kind != kind);
}

fn new_condition(kind: &str, status: ConditionStatus, reason: &str, message: String, now: Timestamp) -> Condition {
    Condition {
        kind: kind.into(),
        status,
        reason: reason.into(),
        message: message.into(),
        last_transition: now,
        last_update: now,
    }
}

/// Counts and availability (`calculateStatus`); the other conditions are those of the Deployment.
fn counted(deployment: &Deployment, revisions: &Revisions, now: Timestamp) -> DeploymentStatus {
    let sum = |count: &dyn Fn(&ReplicaSet) -> i32| revisions.all().map(|set| count(set)).sum::<i32>();
    let available = sum(&|set| set.status.available_replicas);
    let mut status = DeploymentStatus {
        observed_generation: deployment.meta.generation,
        replicas: sum(&|set| set.status.replicas),
        updated_replicas: revisions.new.as_ref().map_or(0, |new| new.status.replicas),
        ready_replicas: sum(&|set| set.status.ready_replicas),
        available_replicas: available,
        unavailable_replicas: total(revisions.all()).wrapping_sub(available).max(0),
        // Not known as long as one ReplicaSet does not say.
        terminating_replicas: revisions.all().map(|set| set.status.terminating_replicas).sum(),
        collision_count: deployment.status.collision_count,
        conditions: deployment.status.conditions.clone(),
    };
    let is_available = available >= deployment.replicas() - max_unavailable(deployment);
    let (reason, message) = if is_available {
        ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    set(&mut status.conditions, new_condition(AVAILABLE, is_available.into(), reason, message.to_string(), now));
    status
}

/// A failure that a ReplicaSet reports, the new one first (`getReplicaFailures`).
fn replica_failure(revisions: &Revisions) -> Option<Condition> {
    let sets = revisions.new.iter().chain(&revisions.old);
    sets.map(Arc::as_ref).find_map(|set: &ReplicaSet| condition::find(&set.status.conditions, REPLICA_FAILURE).cloned())
}

impl Rollout<'_, '_> {
    /// The deadline for progress; none if there is none.
    fn deadline(&self) -> Option<Span> {
        let seconds = self.deployment.spec.progress_deadline_seconds.filter(|&seconds| seconds != i32::MAX)?;
        Some(Span::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }

    pub(super) fn has_deadline(&self) -> bool {
        self.deadline().is_some()
    }

    pub(super) fn condition(&self, kind: &str) -> Option<&Condition> {
        condition::find(&self.deployment.status.conditions, kind)
    }

    /// Says on the working copy whether it moves on.
    pub(super) fn set_progressing(&mut self, holds: bool, reason: &str, message: String) {
        let new = new_condition(PROGRESSING, holds.into(), reason, message, self.io.timestamp());
        set(&mut self.deployment.status.conditions, new);
    }

    /// Notes that the Deployment was paused or resumed, so that the time between does not count
    /// (`checkPausedConditions`).
    pub(super) fn note_pause(&mut self) -> Result<(), Halt> {
        let reason = self.condition(PROGRESSING).map(|known| known.reason.clone()).unwrap_or_default();
        if !self.has_deadline() || reason == TIMED_OUT {
            return Ok(());
        }
        let (reason, message) = match (self.deployment.spec.paused, reason == PAUSED) {
            (true, false) => (PAUSED, "Deployment is paused"),
            (false, true) => (RESUMED, "Deployment is resumed"),
            _ => return Ok(()),
        };
        let now = self.io.timestamp();
        let new = new_condition(PROGRESSING, ConditionStatus::Unknown, reason, message.to_string(), now);
        set(&mut self.deployment.status.conditions, new);
        self.put_status_or_fail()
    }

    /// Writes counts and availability if they changed (`syncDeploymentStatus`).
    pub(super) fn write_status(&mut self, revisions: &Revisions) -> Outcome {
        let status = counted(&self.deployment, revisions, self.io.timestamp());
        if status != self.deployment.status {
            self.deployment.status = status;
            self.put_status_or_fail()?;
        }
        Ok(End::Done)
    }

    /// The same, with progress (`syncRolloutStatus`).
    pub(super) fn write_rollout_status(&mut self, revisions: &Revisions) -> Outcome {
        let mut status = counted(&self.deployment, revisions, self.io.timestamp());
        let known = self.condition(PROGRESSING).cloned();
        let was_complete = known.as_ref().is_some_and(|known| known.reason == NEW_SET_AVAILABLE);
        if !self.has_deadline() {
            remove(&mut status.conditions, PROGRESSING);
        } else if !(was_complete && status.replicas == status.updated_replicas) {
            self.judge_progress(&mut status, revisions, known);
        }
        match replica_failure(revisions) {
            Some(failure) => set(&mut status.conditions, failure),
            None => remove(&mut status.conditions, REPLICA_FAILURE),
        }
        if status == self.deployment.status {
            return Ok(self.recheck(&status));
        }
        self.deployment.status = status;
        self.put_status_or_fail()?;
        Ok(End::Done)
    }

    fn judge_progress(&self, status: &mut DeploymentStatus, revisions: &Revisions, known: Option<Condition>) {
        let subject = match &revisions.new {
            Some(new) => format!("ReplicaSet \"{}\"", new.meta.name()),
            None => format!("Deployment \"{}\"", self.deployment.meta.name()),
        };
        let now = self.io.timestamp();
        let says = |holds: bool, reason: &str, words: &str| {
            new_condition(PROGRESSING, holds.into(), reason, format!("{subject} {words}."), now)
        };
        if is_complete(&self.deployment, status) {
            set(&mut status.conditions, says(true, NEW_SET_AVAILABLE, "has successfully progressed"));
        } else if has_progressed(&self.deployment.status, status) {
            let mut new = says(true, SET_UPDATED, "is progressing");
            // Progress of the same kind still moves the time of the last update, from which the deadline counts.
            if let Some(known) = known.filter(|known| known.status == ConditionStatus::True) {
                new.last_transition = known.last_transition;
            }
            remove(&mut status.conditions, PROGRESSING);
            status.conditions.push(new);
        } else if self.has_timed_out(status) {
            set(&mut status.conditions, says(false, TIMED_OUT, "has timed out progressing"));
        }
    }

    /// `DeploymentTimedOut`.
    fn has_timed_out(&self, status: &DeploymentStatus) -> bool {
        match condition::find(&status.conditions, PROGRESSING) {
            None => false,
            Some(known) if known.reason == NEW_SET_AVAILABLE => false,
            Some(known) if known.reason == TIMED_OUT => true,
            Some(known) => self.deadline_after(known).is_some_and(|at| at < self.io.now()),
        }
    }

    /// When the deadline ends that began with the last update of `condition`.
    fn deadline_after(&self, condition: &Condition) -> Option<Time> {
        Some(self.io.clock().time_of(condition.last_update) + self.deadline()?)
    }

    /// When to look again whether it has timed out (`requeueStuckDeployment`).
    /// A Deployment whose pods fail long after its last rollout is looked at again and again, as fast as the queue
    /// lets it.
    fn recheck(&self, status: &DeploymentStatus) -> End {
        let is_over = |known: &&Condition| is_complete(&self.deployment, status) || known.reason == TIMED_OUT;
        let known = self.condition(PROGRESSING).filter(|known| !is_over(known));
        let Some(end) = known.and_then(|known| self.deadline_after(known)) else { return End::Done };
        let left = end.saturating_since(self.io.now());
        let margin = self.io.span(SettingId::ProgressCheckMargin);
        if left < margin { End::Soon } else { End::After(left + margin) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Replicas, updated, ready, available.
    fn counts([replicas, updated_replicas, ready_replicas, available_replicas]: [i32; 4]) -> DeploymentStatus {
        DeploymentStatus { replicas, updated_replicas, ready_replicas, available_replicas, ..Default::default() }
    }

    #[test]
    fn progress_is_what_comes_nearer_to_the_end() {
        for (now, expected) in [
            ([5, 2, 3, 3], false),
            ([6, 3, 3, 3], true),
            ([4, 2, 3, 3], true),
            ([5, 2, 4, 3], true),
            ([5, 2, 3, 4], true),
            ([5, 2, 2, 2], false),
            ([6, 2, 3, 3], false),
        ] {
            assert_eq!(has_progressed(&counts([5, 2, 3, 3]), &counts(now)), expected, "{now:?}");
        }
    }

    #[test]
    fn a_condition_of_the_same_status_and_reason_keeps_its_times() {
        let at = |seconds, status: ConditionStatus, reason| {
            new_condition("Available", status, reason, format!("at {seconds}"), Timestamp(seconds))
        };
        let mut conditions = vec![at(1, ConditionStatus::True, "A")];
        set(&mut conditions, at(2, ConditionStatus::True, "A"));
        assert_eq!(conditions[0].last_update, Timestamp(1));
        set(&mut conditions, at(3, ConditionStatus::True, "B"));
        assert_eq!((conditions[0].last_transition, conditions[0].last_update), (Timestamp(1), Timestamp(3)));
        set(&mut conditions, at(4, ConditionStatus::False, "B"));
        assert_eq!((conditions[0].last_transition, conditions[0].last_update), (Timestamp(4), Timestamp(4)));
        assert_eq!(conditions.len(), 1);
    }
}
