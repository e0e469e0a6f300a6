//! What people do to machines and to faults, without kubectl: machines come and go, power comes back, faults are put
//! right.

use super::parameter::required_text;
use super::{Action, ActionRow, Build, Deed, View};
use crate::apiserver::{DeleteOptions, Propagation, Request};
use crate::object::field::{Field, Shape};
use crate::object::{Key, Kind, Name};
use std::fmt;
use std::sync::Arc;

/// `node.add`.
pub const ADD: ActionRow = ActionRow {
    name: "node.add",
    summary: "New machines of a pool are switched on; each registers its node when it has booted.",
    has_target: false,
    parameters: &[
        Field::required("pool", Shape::Text, "The pool that they are of; their numbers go on where the pool's end."),
        Field::optional("count", Shape::Count(1), "How many.").with_default("1"),
    ],
    build: Build::Reader,
    kubectl: "",
};

/// `node.remove`.
pub const REMOVE: ActionRow = ActionRow {
    name: "node.remove",
    summary: "The machines are switched off and their Node objects deleted for good, as a cloud does that takes them back. \
              Nobody drains them first.",
    has_target: true,
    parameters: &[],
    build: Build::Row(|_| Ok(Arc::new(RemoveNodes))),
    kubectl: "kubectl delete node NODES",
};

/// `power.restore`.
pub const RESTORE: ActionRow = ActionRow {
    name: "power.restore",
    summary: "Power is back for those of these machines that a `power.loss` without `for` has hit; each gets it back within \
              that event's `stagger`, boots, and starts its pods again in place unless they were deleted.",
    has_target: true,
    parameters: &[],
    build: Build::Row(|_| Ok(Arc::new(RestorePower))),
    kubectl: "",
};

/// `fault.end`.
pub const END: ActionRow = ActionRow {
    name: "fault.end",
    summary: "The fault of another event is put right now, whatever its `for`; each of its nodes gets well within its \
              `stagger`.",
    has_target: false,
    parameters: &[Field::required("of", Shape::Text, "The id of the event whose fault ends.")],
    build: Build::Row(|parameters| {
        let of = required_text(parameters, "of", "which fault", "of = \"cut\"")?.into();
        Ok(Arc::new(EndFault { of }))
    }),
    kubectl: "",
};

/// Switches machines off and deletes their nodes.
#[derive(Clone, Debug)]
pub struct RemoveNodes;

impl Action for RemoveNodes {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        let delete = |name: &Name| {
            let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
            Request::Delete { kind: Kind::Node, key: Key::cluster(name.clone()), options }
        };
        Ok(view.nodes.iter().map(delete).collect())
    }

    fn said(&self, view: &View<'_>) -> String {
        said("remove nodes", view)
    }

    fn deed(&self) -> Deed {
        Deed::SwitchOff
    }
}

impl fmt::Display for RemoveNodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "remove nodes")
    }
}

/// Gives machines their power back.
#[derive(Clone, Debug)]
pub struct RestorePower;

impl Action for RestorePower {
    fn requests(&self, _view: &View<'_>) -> Result<Vec<Request>, Name> {
        Ok(Vec::new())
    }

    fn said(&self, view: &View<'_>) -> String {
        said("restore power of", view)
    }

    fn deed(&self) -> Deed {
        Deed::RestorePower
    }
}

impl fmt::Display for RestorePower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "restore power")
    }
}

/// Puts a fault right before its time.
#[derive(Clone, Debug)]
pub struct EndFault {
    /// The event that it began with.
    pub of: Name,
}

impl Action for EndFault {
    fn requests(&self, _view: &View<'_>) -> Result<Vec<Request>, Name> {
        Ok(Vec::new())
    }

    fn deed(&self) -> Deed {
        Deed::EndFault(self.of.clone())
    }
}

impl fmt::Display for EndFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "end {}", self.of)
    }
}

fn said(what: &str, view: &View<'_>) -> String {
    let names: Vec<&str> = std::iter::once(what).chain(view.nodes.iter().map(Name::as_str)).collect();
    names.join(" ")
}
