//! How the rollouts of a Deployment go, as its status tells.

use super::timeline::Steps;
use crate::kernel::time::Time;
use crate::object::deployment::{PROGRESSING, TIMED_OUT};
use crate::object::{ConditionStatus, Deployment, condition};

/// How the rollouts of a Deployment go.
#[derive(Clone, Debug, Default)]
pub struct Rollout {
    /// Its generation, which grows with every change of its spec.
    pub generation: Steps,
    /// 1 while its status says what `kubectl rollout status` waits for: the controller has seen the newest spec, and all
    /// pods that are there are of the newest revision, as many as wanted, and available. Old pods that are still ending do
    /// not count.
    pub is_complete: Steps,
    /// 1 while its condition says that it has not got on within its deadline (`ProgressDeadlineExceeded`).
    pub is_stuck: Steps,
}

impl Rollout {
    /// Takes note of what the API server has of it now.
    ///
    /// Source: kubectl `pkg/polymorphichelpers/rollout_status.go` (`DeploymentStatusViewer.Status`), v1.36.
    pub fn take_note(&mut self, at: Time, deployment: &Deployment) {
        let status = &deployment.status;
        let is_seen = status.observed_generation >= deployment.meta.generation;
        let is_new = status.updated_replicas >= deployment.replicas() && status.replicas <= status.updated_replicas;
        let is_complete = is_seen && is_new && status.available_replicas >= status.updated_replicas;
        let is_stuck = condition::find(&status.conditions, PROGRESSING)
            .is_some_and(|known| known.status == ConditionStatus::False && known.reason == TIMED_OUT);
        self.generation.set(at, deployment.meta.generation);
        self.is_complete.set(at, i64::from(is_complete));
        self.is_stuck.set(at, i64::from(is_stuck));
    }
}
