//! What the API server asks of a kind: defaults, validation, what an update may change, how it is deleted.
//!
//! Source: apiserver `pkg/registry/rest/{create,update,delete}.go` and the `strategy.go` of each kind, v1.36.

use super::edit::Edit;
use super::invalid::FieldErrors;
use super::meta::Meta;
use super::{Kind, Object};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

/// The rules of one kind. One file per kind implements it; the store and the API server are generic over it.
pub trait Strategy: Clone + Debug + Hash + PartialEq + Send + Sync + Sized + 'static {
    /// Which kind this is.
    const KIND: Kind;

    /// Metadata.
    fn meta(&self) -> &Meta;

    /// Metadata, to be changed by the API server.
    fn meta_mut(&mut self) -> &mut Meta;

    /// The object as this kind, if it is.
    fn from_object(object: &Object) -> Option<&Arc<Self>>;

    /// As an object of any kind.
    fn into_object(self: Arc<Self>) -> Object;

    /// Fills in what the API server fills in (`SetDefaults_…`).
    fn apply_defaults(&mut self) {}

    /// Resets what a creator may not set (`PrepareForCreate`).
    fn prepare_for_create(&mut self) {}

    /// What is wrong with a new object.
    fn validate(&self, _errors: &mut FieldErrors) {}

    /// Keeps of `old` what an update of the main resource may not change (`PrepareForUpdate`).
    fn prepare_for_update(&mut self, _old: &Self) {}

    /// What is wrong with the change from `old`; fields that may never change are checked here.
    fn validate_update(&self, _old: &Self, _errors: &mut FieldErrors) {}

    /// Keeps of `old` everything but the status.
    fn prepare_for_status_update(&mut self, _old: &Self) {}

    /// Applies the part of a patch that only this kind knows. False if the edit makes no sense for it.
    fn edit(&mut self, _edit: &Edit) -> bool {
        false
    }

    /// How long a deletion waits for somebody to finish it (s), given what the client asked.
    fn grace_seconds(&self, _asked: Option<i64>) -> i64 {
        0
    }

    /// The node whose kubelet watches it, empty for none: `spec.nodeName` of a pod, a node's own name.
    fn node(&self) -> &str {
        ""
    }
}
