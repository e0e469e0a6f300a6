//! What the scheduler believes about nodes and bound pods, its own decisions included before they are confirmed.
//!
//! Source: `pkg/scheduler/backend/cache/{cache,node_tree}.go`, v1.36. A pod is *assumed* once a node is chosen,
//! *confirmed* when the informer shows it bound, *forgotten* when the binding fails. Pods of a node that is not known
//! (any more) live on a ghost: counted should the node appear, but in no table. Left out: generations and the copying of
//! snapshots, since the table is written in place; it is only made anew when nodes were added or removed.

use super::plugin::Point;
use super::profile::Profile;
use super::table::{NodeTable, PodInfo, Usage};
use super::tally::ClassId;
use crate::object::{Name, Node, Pod, Uid};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A node and the pods on it. Without a node it is a ghost.
#[derive(Clone, Debug, Default)]
struct Host {
    node: Option<Arc<Node>>,
    pods: BTreeMap<Uid, Arc<PodInfo>>,
    usage: Usage,
    /// Row in the table as it was last made, while the node is there.
    row: Option<usize>,
}

#[derive(Clone, Debug)]
struct Placed {
    node: Name,
    is_assumed: bool,
    /// What it is counted under, unless it is being deleted.
    class: Option<ClassId>,
}

/// Nodes by zone: zones in the order of their first appearance, nodes in the order of arrival.
#[derive(Clone, Debug, Default)]
struct NodeTree {
    zones: Vec<(Name, Vec<Name>)>,
}

impl NodeTree {
    fn add(&mut self, zone: Name, node: Name) {
        match self.zones.iter_mut().find(|(known, _)| *known == zone) {
            Some((_, nodes)) => nodes.push(node),
            None => self.zones.push((zone, vec![node])),
        }
    }

    fn remove(&mut self, zone: &Name, node: &Name) {
        for (known, nodes) in &mut self.zones {
            if known == zone {
                nodes.retain(|other| other != node);
            }
        }
        self.zones.retain(|(_, nodes)| !nodes.is_empty());
    }

    /// The first node of every zone, then the second of every zone, and so on.
    fn list(&self) -> impl Iterator<Item = &Name> {
        let longest = self.zones.iter().map(|(_, nodes)| nodes.len()).max().unwrap_or(0);
        (0..longest).flat_map(|index| self.zones.iter().filter_map(move |(_, nodes)| nodes.get(index)))
    }
}

/// Nodes, bound pods and assumed pods.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    hosts: BTreeMap<Name, Host>,
    pods: BTreeMap<Uid, Placed>,
    tree: NodeTree,
    table: NodeTable,
    /// Nodes came or went since the table was made.
    is_stale: bool,
}

impl Cache {
    /// The nodes as columns, in the order in which upstream lists them.
    pub fn table(&mut self) -> &NodeTable {
        if self.is_stale {
            self.is_stale = false;
            let (mut table, mut classes) = (NodeTable::default(), Vec::new());
            for (row, name) in self.tree.list().enumerate() {
                let host = self.hosts.get_mut(name).expect("the tree lists nodes that are here");
                table.push(host.node.as_ref().expect("the tree lists no ghosts"), &host.usage);
                classes.push(match host.row {
                    Some(row) => self.table.tallies.take_row(row),
                    None => summed(host.pods.keys().filter_map(|uid| self.pods[uid].class)),
                });
                host.row = Some(row);
            }
            table.tallies = std::mem::take(&mut self.table.tallies);
            table.tallies.remake(classes, &table.labels);
            table.scores = std::mem::take(&mut self.table.scores);
            table.scores.reset();
            self.table = table;
        }
        &self.table
    }

    /// The same, with the columns and scores that filter and score `pod` fast, and with everything counted that the plugins of
    /// `profile` are going to ask for it.
    pub fn table_for(&mut self, pod: &PodInfo, profile: &Profile) -> &NodeTable {
        self.table();
        self.table.know_labels(&pod.pod.spec);
        for (_, plugin) in profile.at(Point::PreFilter) {
            for counted in plugin.counted(pod) {
                self.table.tallies.keep(pod.pod.meta.namespace(), &counted, &self.table.labels);
            }
        }
        self.table.keep_scores(pod, profile);
        &self.table
    }

    /// A node appeared; a ghost of that name comes alive.
    pub fn add_node(&mut self, node: Arc<Node>) {
        let name = node.meta.name().clone();
        let host = self.hosts.entry(name.clone()).or_default();
        if let Some(old) = host.node.take() {
            self.tree.remove(&old.zone_key(), &name);
        }
        self.tree.add(node.zone_key(), name);
        host.node = Some(node);
        self.is_stale = true;
    }

    /// A node changed. Another zone takes effect when the table is next made anew.
    pub fn update_node(&mut self, node: Arc<Node>) {
        let name = node.meta.name();
        let Some(host) = self.hosts.get_mut(name) else { return self.add_node(node) };
        let Some(old) = &host.node else { return self.add_node(node) };
        let (zone, old_zone) = (node.zone_key(), old.zone_key());
        if zone != old_zone {
            self.tree.remove(&old_zone, name);
            self.tree.add(zone, name.clone());
        }
        if let Some(row) = host.row.filter(|_| !self.is_stale) {
            self.table.write_node(row, &node);
        }
        host.node = Some(node);
    }

    /// A node is gone; its pods stay on a ghost until they are gone too.
    pub fn remove_node(&mut self, name: &Name) {
        let Some(host) = self.hosts.get_mut(name) else { return };
        let Some(old) = host.node.take() else { return };
        host.row = None;
        self.tree.remove(&old.zone_key(), name);
        self.is_stale = true;
        self.drop_empty_ghost(name);
    }

    /// Counts a pod on `node` before the API server knows.
    ///
    /// # Panics
    /// If the pod is on a node already.
    pub fn assume(&mut self, pod: Arc<PodInfo>, node: &Name) {
        let uid = pod.pod.meta.uid;
        assert!(!self.pods.contains_key(&uid), "{} is on a node already", pod.pod.meta.key);
        self.place(node, pod, true);
    }

    /// Whether the pod is assumed and not confirmed.
    pub fn is_assumed(&self, uid: Uid) -> bool {
        self.pods.get(&uid).is_some_and(|placed| placed.is_assumed)
    }

    /// The node on which a pod is assumed.
    pub fn assumed_node(&self, uid: Uid) -> Option<&Name> {
        self.pods.get(&uid).filter(|placed| placed.is_assumed).map(|placed| &placed.node)
    }

    /// A binding failed: an assumed pod no longer counts. Says whether it was assumed still.
    pub fn forget(&mut self, uid: Uid) -> bool {
        let is_assumed = self.is_assumed(uid);
        if is_assumed {
            self.remove_pod(uid);
        }
        is_assumed
    }

    /// Whether the pod is on a node, assumed or confirmed.
    pub fn has_pod(&self, uid: Uid) -> bool {
        self.pods.contains_key(&uid)
    }

    /// The informer shows a bound pod: it confirms an assumed one, moves it if it is on another node, or is new.
    pub fn add_pod(&mut self, pod: &Arc<Pod>) {
        let (uid, node) = (pod.meta.uid, &pod.node_name);
        let Some(placed) = self.pods.get_mut(&uid) else {
            return self.place(node, Arc::new(PodInfo::new(pod.clone())), false);
        };
        let known = self.hosts.get_mut(&placed.node).and_then(|host| host.pods.get_mut(&uid));
        let known = known.expect("a placed pod is on its host");
        let info = Arc::new(known.with(pod));
        let told_apart = |pod: &Pod| (pod.meta.is_terminating(), pod.meta.labels.clone());
        // The usual case is a change of its status: nothing to count anew.
        if placed.node == *node && Arc::ptr_eq(&known.pod.spec, &pod.spec) && told_apart(&known.pod) == told_apart(pod)
        {
            placed.is_assumed = false;
            *known = info;
        } else {
            self.remove_pod(uid);
            self.place(node, info, false);
        }
    }

    /// The pod no longer counts: it is gone or ended.
    pub fn remove_pod(&mut self, uid: Uid) {
        let Some(Placed { node, class, .. }) = self.pods.remove(&uid) else { return };
        let host = self.hosts.get_mut(&node).expect("a placed pod has a host");
        let pod = host.pods.remove(&uid).expect("its host has it");
        host.usage.remove(&pod);
        if let Some(class) = class {
            self.table.tallies.leave(host.row, class);
        }
        self.show_usage(&node);
        self.drop_empty_ghost(&node);
    }

    fn place(&mut self, node: &Name, pod: Arc<PodInfo>, is_assumed: bool) {
        let uid = pod.pod.meta.uid;
        let host = self.hosts.entry(node.clone()).or_default();
        host.usage.add(&pod);
        // Also while the table is stale: the classes of its rows are taken over.
        let class = self.table.tallies.enter(host.row, &pod.pod);
        host.pods.insert(uid, pod);
        self.pods.insert(uid, Placed { node: node.clone(), is_assumed, class });
        self.show_usage(node);
    }

    fn show_usage(&mut self, node: &Name) {
        let host = &self.hosts[node];
        if let Some(row) = host.row.filter(|_| !self.is_stale) {
            self.table.write_usage(row, &host.usage);
        }
    }

    fn drop_empty_ghost(&mut self, name: &Name) {
        if self.hosts.get(name).is_some_and(|host| host.node.is_none() && host.pods.is_empty()) {
            self.hosts.remove(name);
        }
    }
}

/// Classes with the number of their pods.
fn summed(classes: impl Iterator<Item = ClassId>) -> Vec<(ClassId, u32)> {
    let mut sums: Vec<(ClassId, u32)> = Vec::new();
    for class in classes {
        match sums.iter_mut().find(|(known, _)| *known == class) {
            Some((_, pods)) => *pods += 1,
            None => sums.push((class, 1)),
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{node, pod};
    use super::*;
    use crate::object::node::LABEL_ZONE;

    fn info(name: &str, node: &str) -> Arc<PodInfo> {
        let mut pod = pod(name, "500m", "1Gi");
        pod.node_name = node.into();
        Arc::new(PodInfo::new(Arc::new(pod)))
    }

    fn names(cache: &mut Cache) -> Vec<String> {
        cache.table().names.iter().map(Name::to_string).collect()
    }

    #[test]
    fn zones_take_turns_in_the_order_of_their_appearance() {
        let mut cache = Cache::default();
        for (name, zone) in [("a1", "a"), ("a2", "a"), ("b1", "b"), ("a3", "a"), ("none", ""), ("b2", "b")] {
            let mut node = node(name, "4", "16Gi");
            if !zone.is_empty() {
                node.meta.labels.insert(LABEL_ZONE, zone);
            }
            cache.add_node(Arc::new(node));
        }
        assert_eq!(names(&mut cache), ["a1", "b1", "none", "a2", "b2", "a3"]);
        cache.remove_node(&"none".into());
        cache.remove_node(&"a1".into());
        assert_eq!(names(&mut cache), ["a2", "b1", "a3", "b2"]);
        let mut moved = node("a2", "4", "16Gi");
        moved.meta.labels.insert(LABEL_ZONE, "b");
        cache.update_node(Arc::new(moved));
        assert_eq!(names(&mut cache), ["a2", "b1", "a3", "b2"], "not before nodes come or go");
        cache.add_node(Arc::new(node("new", "4", "16Gi")));
        assert_eq!(names(&mut cache), ["a3", "b1", "new", "b2", "a2"]);
    }

    #[test]
    fn assumed_pods_count_until_they_are_confirmed_or_forgotten() {
        let mut cache = Cache::default();
        cache.add_node(Arc::new(node("n1", "4", "16Gi")));
        cache.add_node(Arc::new(node("n2", "4", "16Gi")));
        let (first, second) = (info("first", ""), info("second", ""));
        let cpu = |cache: &mut Cache| cache.table().requested.cpu_milli.clone();
        cache.assume(first.clone(), &"n1".into());
        cache.assume(second.clone(), &"n1".into());
        assert_eq!(cpu(&mut cache), [1_000, 0]);
        assert!(cache.forget(first.pod.meta.uid));
        assert_eq!(cpu(&mut cache), [500, 0]);
        cache.add_pod(&info("second", "n2").pod);
        assert_eq!(cpu(&mut cache), [0, 500], "bound elsewhere than assumed");
        assert!(!cache.forget(second.pod.meta.uid), "it is confirmed");
        cache.remove_pod(second.pod.meta.uid);
        assert_eq!(cpu(&mut cache), [0, 0]);
    }

    #[test]
    fn a_ghost_keeps_its_pods_for_a_node_that_comes_back() {
        let mut cache = Cache::default();
        cache.add_pod(&info("early", "n1").pod);
        assert!(cache.table().is_empty());
        cache.add_node(Arc::new(node("n1", "4", "16Gi")));
        assert_eq!(cache.table().requested.pods, [1]);
        cache.remove_node(&"n1".into());
        assert!(cache.table().is_empty());
        cache.add_node(Arc::new(node("n1", "4", "16Gi")));
        assert_eq!(cache.table().requested.pods, [1]);
        cache.remove_node(&"n1".into());
        cache.remove_pod(info("early", "n1").pod.meta.uid);
        assert!(cache.hosts.is_empty());
    }
}
