//! The deprecated rollback: an annotation that asks for the template of an earlier revision.
//!
//! Source: `pkg/controller/deployment/rollback.go`, `pkg/controller/deployment/util/deployment_util.go`
//! (`LastRevision`, `SetFromReplicaSetTemplate`, `SetDeploymentAnnotationsTo`), v1.36. `kubectl rollout undo` does not
//! use it: it patches the template itself.

use super::sets::{self, LABEL_HASH, NOT_COPIED};
use super::{End, Halt, Outcome, Revisions, Rollout};
use crate::apiserver::Request;
use crate::object::{Labels, Meta, ReplicaSet};

/// Annotation of a Deployment: the revision to go back to, 0 for the last one.
pub const ROLLBACK_TO: &str = "deprecated.deployment.rollback.to";

/// The revision that a Deployment is to go back to (`getRollbackTo`).
pub fn asked(meta: &Meta) -> Option<i64> {
    meta.annotations.get(ROLLBACK_TO)?.parse().ok()
}

/// The second highest of all revisions; zero if there is none (`LastRevision`).
fn last_revision(revisions: &Revisions) -> i64 {
    let (mut highest, mut second) = (0, 0);
    for revision in revisions.all().map(|set| sets::revision(&set.meta)) {
        if revision >= highest {
            (highest, second) = (revision, highest);
        } else {
            second = second.max(revision);
        }
    }
    second
}

/// What the controller itself notes of `deployment`, and all else of `set`.
fn annotations_back(deployment: &Labels, set: &Labels) -> Labels {
    let is_own = |key: &str| NOT_COPIED.contains(&key);
    let kept = deployment.iter().filter(|(key, _)| is_own(key));
    let taken = set.iter().filter(|(key, _)| !is_own(key));
    kept.chain(taken).map(|(key, value)| (key.clone(), value.clone())).collect()
}

impl Rollout<'_, '_> {
    /// `rollback`. Whatever comes of it, the annotation goes.
    pub(super) fn roll_back(&mut self, revision: i64) -> Outcome {
        let revisions = self.revisions(true)?;
        let wanted = if revision == 0 { last_revision(&revisions) } else { revision };
        if wanted == 0 {
            self.warning("DeploymentRollbackRevisionNotFound", "Unable to find last revision.".to_string());
            return self.put_rolled_back();
        }
        let found = revisions.all().find(|set| sets::revision(&set.meta) == wanted).cloned();
        let Some(set) = found else {
            let note = "Unable to find the revision to rollback to.".to_string();
            self.warning("DeploymentRollbackRevisionNotFound", note);
            return self.put_rolled_back();
        };
        let name = self.deployment.meta.name().clone();
        if self.deployment.spec.template.is_same_as(&set.spec.template) {
            let note = format!("The rollback revision contains the same template as current deployment \"{name}\"");
            self.warning("DeploymentRollbackTemplateUnchanged", note);
            return self.put_rolled_back();
        }
        self.take_back(&set);
        let end = self.put_rolled_back()?;
        self.event("DeploymentRollback", format!("Rolled back deployment \"{name}\" to revision {wanted}"));
        Ok(end)
    }

    fn take_back(&mut self, set: &ReplicaSet) {
        self.deployment.spec.template = set.spec.template.clone();
        self.deployment.spec.template.labels.remove(LABEL_HASH);
        let annotations = annotations_back(&self.deployment.meta.annotations, &set.meta.annotations);
        self.deployment.meta.annotations = annotations;
    }

    fn put_rolled_back(&mut self) -> Outcome {
        self.deployment.meta.annotations.remove(ROLLBACK_TO);
        let reply = self.io.call(Request::update(self.deployment.clone()))?;
        if reply.is_ok() { Ok(End::Done) } else { Err(Halt::Failed) }
    }
}
