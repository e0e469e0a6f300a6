//! Layer 4: actions. What people do to a running cluster, in kubectl's verbs; and what they do to its machines.
//!
//! An [`Action`] looks at what the API server has at its moment and says which requests do it; they go through a client
//! like everybody else's, one after another. One that waits goes on as a [`Course`]. To add one: a file here (or a struct
//! in the file of its verb) and a row in [`REGISTRY`].

pub mod delete;
pub mod drain;
pub mod machine;
pub mod node;
pub mod parameter;
pub mod rollout;
pub mod workload;

pub use delete::{Delete, DeletePods};
pub use drain::Drain;
pub use machine::{EndFault, RemoveNodes, RestorePower};
pub use node::{Cordon, LabelNode, TaintNode};
pub use rollout::{Pause, Restart, Undo};
pub use workload::{Apply, Patch, Scale, SetImage, SetResources};

use crate::apiserver::{Part, Request};
use crate::kernel::time::Time;
use crate::object::field::{Field, Parameters, Wrong};
use crate::object::{Edit, Key, Kind, Name, Object, SettingId, Table, Timestamp};
use std::fmt::{self, Debug, Display};
use std::sync::Arc;

/// What whoever acts sees.
pub struct View<'a> {
    /// Current objects of a kind.
    pub tables: &'a dyn Fn(Kind) -> &'a Table,
    /// The nodes of the target, in its order; none if it has none.
    pub nodes: &'a [Name],
    /// The time.
    pub now: Time,
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

    /// What it does, as on a command line, with the nodes of its target by name.
    fn said(&self, _view: &View<'_>) -> String {
        self.to_string()
    }

    /// What it does beside the API.
    fn deed(&self) -> Deed {
        Deed::Nothing
    }

    /// How it goes on once its requests have been answered, if it does.
    fn course(&self, _view: &View<'_>) -> Option<Box<dyn Course>> {
        None
    }
}

/// What an action does beside the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Nothing.
    Nothing,
    /// Switches the machines of its nodes off, for good.
    SwitchOff,
    /// Gives the machines of its nodes their power back.
    RestorePower,
    /// Puts the fault of this event right.
    EndFault(Name),
}

/// An action under way that looks again and again at what has become of it.
pub trait Course: Debug + Send + Sync {
    /// Looks, and says what to do next.
    fn look(&mut self, view: &View<'_>, news: &mut News) -> Look;

    /// The same as it stands now.
    fn boxed_clone(&self) -> Box<dyn Course>;
}

impl Clone for Box<dyn Course> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Send these, each line in order and beside the others; look again when all have been answered.
    Ask(Vec<Vec<Request>>),
    /// Look again after this setting's time.
    Wait(SettingId),
    /// It is done.
    Done,
}

/// What there is to tell of an action under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// What it has brought about.
    pub done: Vec<Name>,
    /// What it could not do, and why.
    pub failed: Vec<Name>,
}

/// Which nodes an action is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// One, by name, whatever becomes of it.
    Named(Name),
    /// Those of its target for which there is something to do.
    OfTarget,
}

impl<N: Into<Name>> From<N> for Which {
    fn from(name: N) -> Which {
        Which::Named(name.into())
    }
}

impl Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Which::Named(name) => write!(f, "{name}"),
            Which::OfTarget => write!(f, "NODES"),
        }
    }
}

impl Which {
    /// Their names, with blanks between.
    fn said(&self, view: &View<'_>) -> String {
        match self {
            Which::Named(name) => name.to_string(),
            Which::OfTarget => view.nodes.iter().map(Name::as_str).collect::<Vec<_>>().join(" "),
        }
    }
}

/// One row of the registry.
pub struct ActionRow {
    /// Name in scenarios, as `node.drain`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Whether it is done to the nodes that its `target` names.
    pub has_target: bool,
    /// Its parameters.
    pub parameters: &'static [Field],
    /// Who makes one.
    pub build: Build,
    /// The command that it stands for; empty if people do it without kubectl.
    pub kubectl: &'static str,
}

/// Who makes an action.
#[derive(Clone, Copy)]
pub enum Build {
    /// The row itself, from the parameters; or it says what is wrong with one.
    Row(fn(&Parameters) -> Result<Arc<dyn Action>, Wrong>),
    /// Whoever reads manifests and knows the pools: [`Apply`], [`Patch`], machines that join.
    Reader,
}

/// All actions.
pub const REGISTRY: &[ActionRow] = &[
    workload::SCALE,
    workload::SET_IMAGE,
    workload::SET_RESOURCES,
    workload::PATCH,
    workload::APPLY,
    delete::DELETE,
    rollout::UNDO,
    rollout::PAUSE,
    rollout::RESUME,
    rollout::RESTART,
    node::CORDON,
    node::UNCORDON,
    drain::DRAIN,
    node::TAINT,
    node::UNTAINT,
    node::LABEL,
    machine::ADD,
    machine::REMOVE,
    machine::RESTORE,
    machine::END,
];

/// The action of this name.
pub fn find(name: &str) -> Option<&'static ActionRow> {
    REGISTRY.iter().find(|row| row.name == name)
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
