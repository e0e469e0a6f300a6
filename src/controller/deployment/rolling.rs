//! The rolling update: one step up or down a sync.
//!
//! Source: `pkg/controller/deployment/rolling.go`, v1.36. It goes by what the ReplicaSets want and by what their
//! status says is available; it never looks at pods.

use super::scale::{active, max_unavailable, new_set_size, total};
use super::status::is_complete;
use super::{Halt, Outcome, Revisions, Rollout};
use crate::object::ReplicaSet;
use std::sync::Arc;

impl Rollout<'_, '_> {
    /// `rolloutRolling`.
    pub(super) fn roll(&mut self) -> Outcome {
        let revisions = self.revisions(true)?;
        let new = revisions.new.clone().expect("it was asked to be created");
        if self.grow_new(&revisions, &new)? || self.shrink_old(&revisions, &new)? {
            return self.write_rollout_status(&revisions);
        }
        if is_complete(&self.deployment, &self.deployment.status) {
            self.clean_up(&revisions.old)?;
        }
        self.write_rollout_status(&revisions)
    }

    /// `reconcileNewReplicaSet`. Says whether it was scaled.
    fn grow_new(&mut self, revisions: &Revisions, new: &Arc<ReplicaSet>) -> Result<bool, Halt> {
        let (size, replicas) = (new.replicas(), self.deployment.replicas());
        let wanted = match size.cmp(&replicas) {
            std::cmp::Ordering::Equal => return Ok(false),
            std::cmp::Ordering::Greater => replicas,
            std::cmp::Ordering::Less => new_set_size(&self.deployment, total(revisions.all()), size),
        };
        self.resize(new, wanted)?;
        Ok(wanted != size)
    }

    /// `reconcileOldReplicaSets`. Says whether any was scaled. An error here only ends the scaling, not the sync.
    fn shrink_old(&mut self, revisions: &Revisions, new: &ReplicaSet) -> Result<bool, Halt> {
        let mut old = active(&revisions.old);
        if old.is_empty() {
            return Ok(false);
        }
        let min_available = self.deployment.replicas() - max_unavailable(&self.deployment);
        let new_unavailable = new.replicas() - new.status.available_replicas;
        let most = total(revisions.all()).wrapping_sub(min_available).wrapping_sub(new_unavailable);
        if most <= 0 {
            return Ok(false);
        }
        let scaled = match self.drop_unhealthy(&mut old, most) {
            Ok(dropped) => self.drop_healthy(&old, new, min_available).map(|count| count + dropped),
            halt => halt,
        };
        match scaled {
            Ok(count) => Ok(count > 0),
            Err(Halt::Failed) => Ok(false),
            Err(asks) => Err(asks),
        }
    }

    /// Takes away old pods that are not available: they are no loss (`cleanupUnhealthyReplicas`).
    fn drop_unhealthy(&mut self, old: &mut [Arc<ReplicaSet>], most: i32) -> Result<i32, Halt> {
        let mut dropped = 0;
        for set in old {
            if dropped >= most {
                break;
            }
            let (size, available) = (set.replicas(), set.status.available_replicas);
            if size == 0 || size == available {
                continue;
            }
            let count = (most - dropped).min(size - available);
            if count < 0 {
                // More are available than wanted: its status lags behind an earlier step.
                return Err(Halt::Failed);
            }
            *set = self.resize(set, size - count)?;
            dropped += count;
        }
        Ok(dropped)
    }

    /// Takes away as many old pods as the available ones allow (`scaleDownOldReplicaSetsForRollingUpdate`).
    fn drop_healthy(&mut self, old: &[Arc<ReplicaSet>], new: &ReplicaSet, min_available: i32) -> Result<i32, Halt> {
        let available =
            old.iter().map(|set| set.status.available_replicas).sum::<i32>() + new.status.available_replicas;
        let budget = available - min_available;
        let mut dropped = 0;
        for set in old {
            if dropped >= budget {
                break;
            }
            let size = set.replicas();
            let count = size.min(budget - dropped);
            if size > 0 {
                self.resize(set, size - count)?;
                dropped += count;
            }
        }
        Ok(dropped)
    }
}
