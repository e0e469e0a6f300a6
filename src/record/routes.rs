//! Which changes of a Service's endpoints the nodes know that are there.

use crate::etcd::change::Change;
use crate::object::{Fact, Key, Kind, Name, Revision};
use std::collections::{BTreeMap, BTreeSet};

/// What the kube-proxies of all nodes know.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Nodes that the API has.
    nodes: BTreeSet<Name>,
    /// Nodes without power: what their proxies know does not matter.
    off: BTreeSet<Name>,
    /// Nodes that are cut off: nor does it there.
    cut: BTreeSet<Name>,
    /// Newest slice version by which each node routes a Service.
    routed: BTreeMap<(Key, Name), Revision>,
}

impl Routes {
    /// A fact. Whether more may be known everywhere after it than before.
    pub fn on_fact(&mut self, fact: &Fact) -> bool {
        match fact {
            Fact::Routed { service, node, revision, .. } => {
                self.routed.insert((service.clone(), node.clone()), *revision);
                true
            }
            Fact::MachineDown(node) => self.off.insert(node.clone()),
            Fact::LinkCut(node) => self.cut.insert(node.clone()),
            Fact::MachineUp(node) => {
                self.off.remove(node);
                false
            }
            Fact::LinkHealed(node) => {
                self.cut.remove(node);
                false
            }
            _ => false,
        }
    }

    /// A commit.
    pub fn on_commit(&mut self, change: &Change) {
        if change.kind() == Kind::Node {
            match change.new {
                Some(_) => self.nodes.insert(change.key().name.clone()),
                None => self.nodes.remove(&change.key().name),
            };
        }
    }

    /// Whether every node that is there routes `service` by its slices of `revision` or newer ones.
    pub fn are_known(&self, service: &Key, revision: Revision) -> bool {
        let is_present = |node: &&Name| !self.off.contains(*node) && !self.cut.contains(*node);
        self.nodes
            .iter()
            .filter(is_present)
            .all(|node| self.routed.get(&(service.clone(), node.clone())).is_some_and(|known| *known >= revision))
    }
}
