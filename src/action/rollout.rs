//! `kubectl rollout`: pause, resume, undo, restart of Deployments.
//!
//! Source: `staging/src/k8s.io/kubectl/pkg/polymorphichelpers/{objectpauser,objectresumer,objectrestarter,rollback}.go`,
//! v1.36: all of it is decided by the client. Left out: other kinds, which are not simulated yet.

use super::parameter::{OF, count, object_of};
use super::{Action, ActionRow, Build, View, named, patch};
use crate::apiserver::Request;
use crate::object::deployment::{LABEL_HASH, revision};
use crate::object::edit::TemplateEdit;
use crate::object::field::{Field, Shape};
use crate::object::{Deployment, Edit, Key, Kind, Name, ReplicaSet};
use std::fmt;
use std::sync::Arc;

/// Kinds that have rollouts here.
const DEPLOYMENTS: &[Kind] = &[Kind::Deployment];

/// `rollout.undo`.
pub const UNDO: ActionRow = ActionRow {
    name: "rollout.undo",
    summary: "The pod template of an earlier revision becomes the template again.",
    has_target: false,
    parameters: &[
        OF,
        Field::optional(
            "to-revision",
            Shape::Count(1),
            "The revision to go back to; the one before the last if left out.",
        ),
    ],
    build: Build::Row(|parameters| {
        let (_, key) = object_of(parameters, DEPLOYMENTS, "revisions")?;
        Ok(Arc::new(Undo { key, to_revision: count(parameters, "to-revision")? }))
    }),
    kubectl: "kubectl rollout undo deployment/NAME --to-revision=N",
};

/// `rollout.pause`.
pub const PAUSE: ActionRow = ActionRow {
    name: "rollout.pause",
    summary: "Changes of the template wait; the number of pods is kept up all the same.",
    has_target: false,
    parameters: &[OF],
    build: Build::Row(|parameters| {
        let (_, key) = object_of(parameters, DEPLOYMENTS, "rollout to pause")?;
        Ok(Arc::new(Pause { key, on: true }))
    }),
    kubectl: "kubectl rollout pause deployment/NAME",
};

/// `rollout.resume`.
pub const RESUME: ActionRow = ActionRow {
    name: "rollout.resume",
    summary: "A paused rollout goes on, with all changes at once.",
    has_target: false,
    parameters: &[OF],
    build: Build::Row(|parameters| {
        let (_, key) = object_of(parameters, DEPLOYMENTS, "rollout to resume")?;
        Ok(Arc::new(Pause { key, on: false }))
    }),
    kubectl: "kubectl rollout resume deployment/NAME",
};

/// `rollout.restart`.
pub const RESTART: ActionRow = ActionRow {
    name: "rollout.restart",
    summary: "All pods are replaced as by an update, by an annotation of the template.",
    has_target: false,
    parameters: &[OF],
    build: Build::Row(|parameters| {
        let (_, key) = object_of(parameters, DEPLOYMENTS, "rollout to restart")?;
        Ok(Arc::new(Restart { key }))
    }),
    kubectl: "kubectl rollout restart deployment/NAME",
};

/// Annotation with which a restart changes the template.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

fn deployment<'a>(key: &Key, view: &'a View<'_>) -> Result<&'a Arc<Deployment>, Name> {
    let object = view.get(Kind::Deployment, key)?;
    Ok(object.of::<Deployment>().expect("it is in the table of Deployments"))
}

/// `kubectl rollout pause` and `resume`.
#[derive(Clone, Debug)]
pub struct Pause {
    /// The Deployment.
    pub key: Key,
    /// Pause it, or let it go on.
    pub on: bool,
}

impl Action for Pause {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        if deployment(&self.key, view)?.spec.paused == self.on {
            let already = if self.on { "paused already" } else { "not paused" };
            return Err(format!("{} is {already}", named(Kind::Deployment, &self.key)).into());
        }
        Ok(vec![patch(Kind::Deployment, &self.key, Edit::Paused(self.on))])
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rollout {} {}", if self.on { "pause" } else { "resume" }, named(Kind::Deployment, &self.key))
    }
}

/// `kubectl rollout restart`.
#[derive(Clone, Debug)]
pub struct Restart {
    /// The Deployment.
    pub key: Key,
}

impl Action for Restart {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        if deployment(&self.key, view)?.spec.paused {
            return Err(format!("{} is paused: resume it first", named(Kind::Deployment, &self.key)).into());
        }
        let annotation = TemplateEdit::Annotation(RESTARTED_AT.into(), view.date.to_string().into());
        Ok(vec![patch(Kind::Deployment, &self.key, Edit::Template(vec![annotation]))])
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rollout restart {}", named(Kind::Deployment, &self.key))
    }
}

/// `kubectl rollout undo`: the template of an earlier revision becomes the template again.
#[derive(Clone, Debug)]
pub struct Undo {
    /// The Deployment.
    pub key: Key,
    /// The revision to go back to; none for the one before the last.
    pub to_revision: Option<i64>,
}

impl Action for Undo {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        let deployment = deployment(&self.key, view)?;
        let what = named(Kind::Deployment, &self.key);
        if deployment.spec.paused {
            return Err(format!("{what} is paused: resume it first").into());
        }
        let own = |set: &&Arc<ReplicaSet>| set.meta.controller().is_some_and(|owner| owner.uid == deployment.meta.uid);
        let sets = view.table(Kind::ReplicaSet).in_namespace::<ReplicaSet>(&self.key.namespace).filter(own);
        let mut revisions: Vec<(i64, &Arc<ReplicaSet>)> = sets.map(|set| (revision(&set.meta), set)).collect();
        revisions.sort_by_key(|(revision, _)| -revision);
        let found = match self.to_revision {
            Some(wanted) => revisions.iter().find(|(revision, _)| *revision == wanted),
            None => revisions.get(1),
        };
        let Some((_, set)) = found else {
            return Err(match self.to_revision {
                Some(wanted) => format!("{what} has no revision {wanted}").into(),
                None => format!("{what} has no earlier revision").into(),
            });
        };
        let mut template = set.spec.template.clone();
        template.labels.remove(LABEL_HASH);
        Ok(vec![patch(Kind::Deployment, &self.key, Edit::Template(vec![TemplateEdit::Whole(Box::new(template))]))])
    }
}

impl fmt::Display for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rollout undo {}", named(Kind::Deployment, &self.key))?;
        self.to_revision.iter().try_for_each(|revision| write!(f, " --to-revision={revision}"))
    }
}
