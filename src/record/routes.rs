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
    routed: BTreeMap<Key, BTreeMap<Name, Revision>>,
}

impl Routes {
    /// A fact. Whether more may be known everywhere after it than before.
    pub fn on_fact(&mut self, fact: &Fact) -> bool {
        match fact {
            Fact::Routed { service, node, revision, .. } => {
                self.routed.entry(service.clone()).or_default().insert(node.clone(), *revision);
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

    /// Answers whether every node that is there routes a Service by its slices of a revision or newer ones. All nodes are
    /// gone through once for each Service that is asked about.
    pub fn known(&self) -> impl FnMut(&Key, Revision) -> bool {
        let mut oldest: BTreeMap<Key, Option<Revision>> = BTreeMap::new();
        move |service, revision| {
            let least = match oldest.get(service) {
                Some(least) => *least,
                None => *oldest.entry(service.clone()).or_insert(self.oldest(service)),
            };
            least.is_some_and(|least| least >= revision)
        }
    }

    /// The oldest version by which any node that is there routes a Service; none if one of them does not route it at all.
    fn oldest(&self, service: &Key) -> Option<Revision> {
        let routed = self.routed.get(service);
        let is_present = |node: &&Name| !self.off.contains(*node) && !self.cut.contains(*node);
        let present = self.nodes.iter().filter(is_present);
        let versions = present.map(|node| routed.and_then(|routed| routed.get(node)).copied());
        versions.min().unwrap_or(Some(Revision(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{FactId, Meta, Node};

    fn node(name: &str) -> Change {
        let new = Some(Node { meta: Meta::new(Key::cluster(name)), ..Node::default() }.into());
        Change { revision: Revision(1), old: None, new, cause: FactId::NONE }
    }

    #[test]
    fn all_nodes_that_are_there_have_to_know() {
        let (web, mut routes) = (Key::new("default", "web"), Routes::default());
        let knows = |routes: &Routes, revision| routes.known()(&web, Revision(revision));
        assert!(knows(&routes, 9), "without nodes nobody is missing");
        for name in ["a", "b"] {
            routes.on_commit(&node(name));
        }
        let routed = |node: &str, revision| Fact::Routed {
            service: web.clone(),
            node: node.into(),
            revision: Revision(revision),
            endpoints: 1,
        };
        assert!(routes.on_fact(&routed("a", 5)));
        assert!(!knows(&routes, 5), "b has never heard of it");
        routes.on_fact(&routed("b", 4));
        assert_eq!((knows(&routes, 4), knows(&routes, 5)), (true, false));
        assert!(routes.on_fact(&Fact::LinkCut("b".into())));
        assert!(knows(&routes, 5), "who is cut off does not matter");
        assert!(!routes.on_fact(&Fact::LinkHealed("b".into())));
        assert!(!knows(&routes, 5));
    }
}
