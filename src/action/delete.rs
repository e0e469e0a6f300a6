//! `kubectl delete`.

use super::parameter::{OF, count, object, text};
use super::{Action, ActionRow, Build, View, named};
use crate::apiserver::{DeleteOptions, Propagation, Request};
use crate::object::field::{Field, Shape, Wrong};
use crate::object::labels::Labels;
use crate::object::{Key, Kind, Name, Pod};
use std::fmt;
use std::sync::Arc;

/// `delete`.
pub const DELETE: ActionRow = ActionRow {
    name: "delete",
    summary: "An object is deleted; what belongs to it goes too, unless it is to stay.",
    has_target: false,
    parameters: &[
        OF,
        Field::optional(
            "propagation",
            Shape::OneOf(&["background", "foreground", "orphan"]),
            "What becomes of its dependents: they go after it, they go before it, or they stay without an owner.",
        )
        .with_default("background"),
        Field::optional("grace-period", Shape::Count(0), "Time that a pod gets to end (s); its own if left out."),
    ],
    build: Build::Row(|parameters| {
        let (kind, key) = object(parameters)?;
        if kind == Kind::Namespace {
            let why =
                "a namespace cannot be deleted: nothing would delete what is in it; delete its workloads one by one";
            return Err(Wrong::new("of", why));
        }
        let propagation = match text(parameters, "propagation")? {
            None => None,
            Some("background") => Some(Propagation::Background),
            Some("foreground") => Some(Propagation::Foreground),
            Some("orphan") => Some(Propagation::Orphan),
            Some(other) => {
                let why = format!("`{other}` is not a propagation: expected `background`, `foreground` or `orphan`");
                return Err(Wrong::new("propagation", why));
            }
        };
        let grace_seconds = count(parameters, "grace-period")?;
        Ok(Arc::new(Delete { kind, key, propagation, grace_seconds }))
    }),
    kubectl: "kubectl delete KIND/NAME --cascade=background",
};

/// `kubectl delete KIND/NAME`.
#[derive(Clone, Debug)]
pub struct Delete {
    /// Kind.
    pub kind: Kind,
    /// Key.
    pub key: Key,
    /// What becomes of its dependents; none is kubectl's default, in the background.
    pub propagation: Option<Propagation>,
    /// Grace period (s); none is the object's own.
    pub grace_seconds: Option<i64>,
}

impl Action for Delete {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        view.get(self.kind, &self.key)?;
        let propagation = Some(self.propagation.unwrap_or(Propagation::Background));
        Ok(vec![delete(self.kind, self.key.clone(), propagation, self.grace_seconds)])
    }
}

impl fmt::Display for Delete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "delete {}", named(self.kind, &self.key))?;
        match self.propagation {
            None => {}
            Some(Propagation::Background) => write!(f, " --cascade=background")?,
            Some(Propagation::Foreground) => write!(f, " --cascade=foreground")?,
            Some(Propagation::Orphan) => write!(f, " --cascade=orphan")?,
        }
        write_grace(self.grace_seconds, f)
    }
}

/// `kubectl delete pods -l …`: those that are not being deleted already, in the order of their names.
#[derive(Clone, Debug)]
pub struct DeletePods {
    /// Namespace.
    pub namespace: Name,
    /// Labels that they have.
    pub selector: Labels,
    /// The node that they are on; none for any.
    pub on: Option<Name>,
    /// At most so many; none for all.
    pub count: Option<usize>,
    /// Grace period (s); none is their own.
    pub grace_seconds: Option<i64>,
}

impl Action for DeletePods {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        let is_meant = |pod: &&std::sync::Arc<Pod>| {
            pod.meta.labels.contains_all(&self.selector)
                && !pod.meta.is_terminating()
                && self.on.as_ref().is_none_or(|node| *node == pod.node_name)
        };
        let pods = view.table(Kind::Pod).in_namespace::<Pod>(&self.namespace).filter(is_meant);
        let requests: Vec<Request> = pods
            .take(self.count.unwrap_or(usize::MAX))
            .map(|pod| delete(Kind::Pod, pod.meta.key.clone(), None, self.grace_seconds))
            .collect();
        if requests.is_empty() { Err(format!("no pod matches `{self}`").into()) } else { Ok(requests) }
    }
}

impl fmt::Display for DeletePods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<String> = self.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        write!(f, "delete pods -n {} -l {}", self.namespace, labels.join(","))?;
        self.on.iter().try_for_each(|node| write!(f, " on {node}"))?;
        self.count.iter().try_for_each(|count| write!(f, ", the first {count}"))?;
        write_grace(self.grace_seconds, f)
    }
}

fn write_grace(grace_seconds: Option<i64>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    grace_seconds.iter().try_for_each(|seconds| write!(f, " --grace-period={seconds}"))
}

fn delete(kind: Kind, key: Key, propagation: Option<Propagation>, grace_seconds: Option<i64>) -> Request {
    Request::Delete { kind, key, options: DeleteOptions { grace_seconds, propagation, ..DeleteOptions::default() } }
}
