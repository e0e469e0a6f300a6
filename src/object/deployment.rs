//! Deployments.
//!
//! Source: `pkg/registry/apps/deployment/strategy.go`, `pkg/apis/apps/v1/defaults.go`, v1.36.

use super::condition::Condition;
use super::edit::Edit;
use super::invalid::FieldErrors;
use super::labels::Selector;
use super::meta::Meta;
use super::replicaset::PodTemplate;
use super::setting::{SettingId, Settings};
use super::strategy::Strategy;
use super::{Kind, validation};

/// Label that tells the pods of one revision from those of others.
pub const LABEL_HASH: &str = "pod-template-hash";
/// Condition type: the rollout moves on.
pub const PROGRESSING: &str = "Progressing";
/// Reason of that condition: it has not moved on for as long as it may take.
pub const TIMED_OUT: &str = "ProgressDeadlineExceeded";
/// Annotation with the revision of a ReplicaSet, and of its Deployment.
pub const REVISION: &str = "deployment.kubernetes.io/revision";

/// The revision in an object's annotations; zero if there is none.
pub fn revision(meta: &Meta) -> i64 {
    meta.annotations.get(REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// A number, or a share of the replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntOrPercent {
    /// So many.
    Int(i32),
    /// So many per hundred.
    Percent(i32),
}

impl IntOrPercent {
    /// As a number out of `total`, rounded up or down.
    ///
    /// Source: apimachinery `pkg/util/intstr/intstr.go` (`GetScaledValueFromIntOrPercent`).
    pub fn scaled(self, total: i32, round_up: bool) -> i32 {
        match self {
            IntOrPercent::Int(number) => number,
            IntOrPercent::Percent(percent) => {
                let product = i64::from(percent) * i64::from(total);
                let floor = product.div_euclid(100);
                (floor + i64::from(round_up && product.rem_euclid(100) != 0)) as i32
            }
        }
    }
}

/// How old pods are replaced by new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeploymentStrategy {
    /// Step by step.
    RollingUpdate {
        /// How many more than wanted there may be.
        max_surge: IntOrPercent,
        /// How many fewer than wanted may be available.
        max_unavailable: IntOrPercent,
    },
    /// All old ones go first.
    Recreate,
}

impl Default for DeploymentStrategy {
    fn default() -> Self {
        let quarter = IntOrPercent::Percent(25);
        DeploymentStrategy::RollingUpdate { max_surge: quarter, max_unavailable: quarter }
    }
}

/// `spec` of a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeploymentSpec {
    /// Pods wanted; filled in by defaulting.
    pub replicas: Option<i32>,
    /// Which pods are its own.
    pub selector: Selector,
    /// From which pods are made.
    pub template: PodTemplate,
    /// How old pods are replaced.
    pub strategy: DeploymentStrategy,
    /// How long a pod must be ready to count as available (s).
    pub min_ready_seconds: i32,
    /// How many old ReplicaSets are kept; filled in by defaulting.
    pub revision_history_limit: Option<i32>,
    /// After how long without progress it says so (s); filled in by defaulting.
    pub progress_deadline_seconds: Option<i32>,
    /// Whether it only scales.
    pub paused: bool,
}

/// `status` of a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeploymentStatus {
    /// Generation that this status speaks of.
    pub observed_generation: i64,
    /// Active pods of all revisions.
    pub replicas: i32,
    /// Active pods of the newest revision.
    pub updated_replicas: i32,
    /// Ready pods.
    pub ready_replicas: i32,
    /// Available pods.
    pub available_replicas: i32,
    /// Pods still missing to full availability.
    pub unavailable_replicas: i32,
    /// Pods being deleted.
    pub terminating_replicas: Option<i32>,
    /// Counts collisions of ReplicaSet names.
    pub collision_count: Option<i32>,
    /// Conditions.
    pub conditions: Vec<Condition>,
}

/// A Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Deployment {
    /// Metadata.
    pub meta: Meta,
    /// Spec.
    pub spec: DeploymentSpec,
    /// Status.
    pub status: DeploymentStatus,
}

impl Deployment {
    /// Pods wanted.
    pub fn replicas(&self) -> i32 {
        self.spec.replicas.unwrap_or(1)
    }
}

impl Strategy for Deployment {
    const KIND: Kind = Kind::Deployment;

    super::typed!(Deployment);

    fn apply_defaults(&mut self, settings: &Settings) {
        self.spec.replicas.get_or_insert(1);
        self.spec.revision_history_limit.get_or_insert(settings.get(SettingId::RevisionHistoryLimit) as i32);
        self.spec.progress_deadline_seconds.get_or_insert(settings.get(SettingId::ProgressDeadline) as i32);
        self.spec.template.apply_defaults(settings);
    }

    fn prepare_for_create(&mut self) {
        self.meta.generation = 1;
        self.status = DeploymentStatus::default();
    }

    fn validate(&self, errors: &mut FieldErrors) {
        validation::deployment(self, errors);
    }

    fn prepare_for_update(&mut self, old: &Deployment) {
        self.status = old.status.clone();
        let changed = self.spec != old.spec || self.meta.annotations != old.meta.annotations;
        self.meta.generation = old.meta.generation + i64::from(changed);
    }

    fn validate_update(&self, old: &Deployment, errors: &mut FieldErrors) {
        validation::immutable_selector(&self.spec.selector, &old.spec.selector, errors);
    }

    fn prepare_for_status_update(&mut self, old: &Deployment) {
        let status = std::mem::take(&mut self.status);
        // Its controller notes the revision together with the status.
        let annotations = std::mem::take(&mut self.meta.annotations);
        *self = Deployment { status, ..old.clone() };
        self.meta.annotations = annotations;
    }

    fn edit(&mut self, edit: &Edit) -> bool {
        match edit {
            Edit::Replicas(replicas) => {
                self.spec.replicas = Some(*replicas);
                true
            }
            Edit::Paused(paused) => {
                self.spec.paused = *paused;
                true
            }
            Edit::Template(edits) => {
                edits.iter().for_each(|edit| edit.apply(&mut self.spec.template));
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_update_changes_status_and_annotations_only() {
        let old = Deployment::default();
        let mut new = old.clone();
        new.spec.replicas = Some(9);
        new.meta.labels.insert("app", "web");
        new.meta.annotations.insert("deployment.kubernetes.io/revision", "1");
        new.status.replicas = 3;
        new.prepare_for_status_update(&old);
        assert_eq!((&new.spec, &new.meta.labels, new.status.replicas), (&old.spec, &old.meta.labels, 3));
        assert_eq!(new.meta.annotations.len(), 1);
    }

    #[test]
    fn percentages_are_rounded_as_asked() {
        assert_eq!(IntOrPercent::Percent(25).scaled(10, true), 3);
        assert_eq!(IntOrPercent::Percent(25).scaled(10, false), 2);
        assert_eq!(IntOrPercent::Percent(50).scaled(10, true), 5);
        assert_eq!(IntOrPercent::Int(4).scaled(10, true), 4);
    }
}
