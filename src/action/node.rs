//! Nodes: cordon, uncordon, taint, label.

use super::{Action, View, patch};
use crate::apiserver::Request;
use crate::object::taint::{Taint, TaintKey};
use crate::object::{Edit, Key, Kind, Name};
use std::fmt;

fn patch_node(node: &Name, edit: Edit, view: &View<'_>) -> Result<Vec<Request>, Name> {
    let key = Key::cluster(node.clone());
    view.get(Kind::Node, &key)?;
    Ok(vec![patch(Kind::Node, &key, edit)])
}

/// `kubectl cordon` and `uncordon`.
#[derive(Clone, Debug)]
pub struct Cordon {
    /// Node.
    pub node: Name,
    /// Cordon it, or let it take pods again.
    pub on: bool,
}

impl Action for Cordon {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        patch_node(&self.node, Edit::Unschedulable(self.on), view)
    }
}

impl fmt::Display for Cordon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", if self.on { "cordon" } else { "uncordon" }, self.node)
    }
}

/// `kubectl taint`.
#[derive(Clone, Debug)]
pub struct TaintNode {
    /// Node.
    pub node: Name,
    /// Taints that it gets.
    pub add: Vec<Taint>,
    /// Taints that it loses.
    pub remove: Vec<TaintKey>,
}

impl Action for TaintNode {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        patch_node(&self.node, Edit::Taints { add: self.add.clone(), remove: self.remove.clone(), version: None }, view)
    }
}

impl fmt::Display for TaintNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "taint nodes {}", self.node)?;
        self.add.iter().try_for_each(|taint| write!(f, " {taint}"))?;
        self.remove.iter().try_for_each(|(key, effect)| write!(f, " {key}:{effect}-"))
    }
}

/// `kubectl label nodes`.
#[derive(Clone, Debug)]
pub struct LabelNode {
    /// Node.
    pub node: Name,
    /// Labels that it gets.
    pub labels: Vec<(Name, Name)>,
}

impl Action for LabelNode {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        patch_node(&self.node, Edit::Labels(self.labels.clone()), view)
    }
}

impl fmt::Display for LabelNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "label nodes {}", self.node)?;
        self.labels.iter().try_for_each(|(key, value)| write!(f, " {key}={value}"))
    }
}
