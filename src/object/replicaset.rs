//! ReplicaSets.
//!
//! Source: `pkg/registry/apps/replicaset/strategy.go`, `pkg/apis/apps/v1/defaults.go`, v1.36.

use super::condition::Condition;
use super::deployment::LABEL_HASH;
use super::edit::Edit;
use super::invalid::FieldErrors;
use super::labels::{Labels, Selector};
use super::meta::Meta;
use super::pod::PodSpec;
use super::setting::Settings;
use super::strategy::Strategy;
use super::{Kind, validation};
use std::sync::Arc;

/// Condition type: pods could not be created or deleted.
pub const REPLICA_FAILURE: &str = "ReplicaFailure";

/// From which pods are made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodTemplate {
    /// Labels of the pods.
    pub labels: Labels,
    /// Annotations of the pods.
    pub annotations: Labels,
    /// Spec, shared by all pods.
    pub spec: Arc<PodSpec>,
}

impl PodTemplate {
    /// Fills in what the API server fills in.
    pub fn apply_defaults(&mut self, settings: &Settings) {
        if validation::pod_spec_lacks_defaults(&self.spec) {
            validation::default_pod_spec(Arc::make_mut(&mut self.spec), settings);
        }
    }

    /// Whether both make the same pods; the hash that a Deployment puts into the labels does not count.
    ///
    /// Source: `pkg/controller/deployment/util/deployment_util.go` (`EqualIgnoreHash`), v1.36.
    pub fn is_same_as(&self, other: &PodTemplate) -> bool {
        let without_hash = |labels: &Labels| {
            let mut labels = labels.clone();
            labels.remove(LABEL_HASH);
            labels
        };
        self.annotations == other.annotations
            && without_hash(&self.labels) == without_hash(&other.labels)
            && self.spec == other.spec
    }
}

/// `spec` of a ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReplicaSetSpec {
    /// Pods wanted; filled in by defaulting.
    pub replicas: Option<i32>,
    /// How long a pod must be ready to count as available (s).
    pub min_ready_seconds: i32,
    /// Which pods are its own.
    pub selector: Selector,
    /// From which pods are made.
    pub template: PodTemplate,
}

/// `status` of a ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReplicaSetStatus {
    /// Active pods.
    pub replicas: i32,
    /// Active pods that have all the template's labels.
    pub fully_labeled_replicas: i32,
    /// Ready pods.
    pub ready_replicas: i32,
    /// Available pods.
    pub available_replicas: i32,
    /// Pods being deleted.
    pub terminating_replicas: Option<i32>,
    /// Generation that this status speaks of.
    pub observed_generation: i64,
    /// Conditions.
    pub conditions: Vec<Condition>,
}

/// A ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReplicaSet {
    /// Metadata.
    pub meta: Meta,
    /// Spec.
    pub spec: ReplicaSetSpec,
    /// Status.
    pub status: ReplicaSetStatus,
}

impl ReplicaSet {
    /// Pods wanted.
    pub fn replicas(&self) -> i32 {
        self.spec.replicas.unwrap_or(1)
    }
}

impl Strategy for ReplicaSet {
    const KIND: Kind = Kind::ReplicaSet;

    super::typed!(ReplicaSet);

    fn apply_defaults(&mut self, settings: &Settings) {
        self.spec.replicas.get_or_insert(1);
        self.spec.template.apply_defaults(settings);
    }

    fn prepare_for_create(&mut self) {
        self.meta.generation = 1;
        self.status = ReplicaSetStatus::default();
    }

    fn validate(&self, errors: &mut FieldErrors) {
        validation::replica_set(self, errors);
    }

    fn prepare_for_update(&mut self, old: &ReplicaSet) {
        self.status = old.status.clone();
        self.meta.generation = old.meta.generation + i64::from(self.spec != old.spec);
    }

    fn validate_update(&self, old: &ReplicaSet, errors: &mut FieldErrors) {
        validation::immutable_selector(&self.spec.selector, &old.spec.selector, errors);
    }

    fn prepare_for_status_update(&mut self, old: &ReplicaSet) {
        let status = std::mem::take(&mut self.status);
        *self = ReplicaSet { status, ..old.clone() };
    }

    fn edit(&mut self, edit: &Edit) -> bool {
        match edit {
            Edit::Replicas(replicas) => {
                self.spec.replicas = Some(*replicas);
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
