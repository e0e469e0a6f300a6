//! Layer 4: actions. What people do to a running cluster, in kubectl's verbs.
//!
//! An [`Action`] looks at what the API server has at its moment and says which requests do it; they go through a client
//! like everybody else's, one after another. To add one: a file here (or a struct in the file of its verb).

pub mod delete;
pub mod node;
pub mod rollout;
pub mod workload;

pub use delete::{Delete, DeletePods};
pub use node::{Cordon, LabelNode, TaintNode};
pub use rollout::{Pause, Restart, Undo};
pub use workload::{Apply, Scale, SetImage};

use crate::apiserver::{Part, Request};
use crate::object::{Edit, Key, Kind, Name, Object, Table, Timestamp};
use std::fmt::{Debug, Display};

/// What whoever acts sees.
pub struct View<'a> {
    /// Current objects of a kind.
    pub tables: &'a dyn Fn(Kind) -> &'a Table,
    /// The date.
    pub date: Timestamp,
}

impl View<'_> {
    /// Current objects of `kind`.
    pub fn table(&self, kind: Kind) -> &Table {
        (self.tables)(kind)
    }

    /// The object at `key`.
    ///
    /// # Errors
    /// If there is none.
    pub fn get(&self, kind: Kind, key: &Key) -> Result<&Object, Name> {
        self.table(kind).get(key).ok_or_else(|| format!("there is no {kind} {key}").into())
    }
}

/// Something that somebody does. Its `Display` says what, as on a command line.
pub trait Action: Debug + Display + Send + Sync {
    /// The requests that do it.
    ///
    /// # Errors
    /// Why there is nothing to do.
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name>;
}

/// A patch of the main resource.
fn patch(kind: Kind, key: &Key, edit: Edit) -> Request {
    Request::Patch { kind, key: key.clone(), uid: None, part: Part::Main, edit }
}

/// `deployment/web`, as kubectl writes it; with its namespace unless that is `default`.
fn named(kind: Kind, key: &Key) -> String {
    let kind = kind.name().to_lowercase();
    if key.namespace.is_empty() || key.namespace == "default" {
        format!("{kind}/{}", key.name)
    } else {
        format!("{kind}/{} -n {}", key.name, key.namespace)
    }
}

#[cfg(test)]
mod tests;
