//! The strategy `Recreate`: all old pods go before the first new one comes.
//!
//! Source: `pkg/controller/deployment/recreate.go`, v1.36. An old pod that is being deleted but does not go, as on a
//! dead node, holds everything up.

use super::scale::active;
use super::status::is_complete;
use super::{Outcome, Revisions, Rollout};
use crate::object::ReplicaSet;
use std::sync::Arc;

impl Rollout<'_, '_> {
    /// `rolloutRecreate`.
    pub(super) fn recreate(&mut self) -> Outcome {
        let mut revisions = self.revisions(false)?;
        let running = active(&revisions.old);
        for set in &running {
            self.resize(set, 0)?;
        }
        if !running.is_empty() || self.has_old_pods(&revisions) {
            return self.write_rollout_status(&revisions);
        }
        if revisions.new.is_none() {
            revisions = self.revisions(true)?;
        }
        let new = revisions.new.clone().expect("it was asked to be created");
        self.resize(&new, self.deployment.replicas())?;
        if is_complete(&self.deployment, &self.deployment.status) {
            self.clean_up(&revisions.old)?;
        }
        self.write_rollout_status(&revisions)
    }

    /// `oldPodsRunning`.
    fn has_old_pods(&self, revisions: &Revisions) -> bool {
        let has_pods = |set: &&Arc<ReplicaSet>| set.status.replicas > 0 || self.with_pods.contains(&set.meta.uid);
        revisions.old.iter().any(|set| has_pods(&set))
    }
}
