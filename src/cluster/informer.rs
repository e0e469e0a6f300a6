//! Informers: how what was committed reaches the caches of processes and nodes, and from there their programs.

use super::event::Event;
use super::process::Owner;
use super::world::World;
use crate::apiserver::Change;
use crate::ground::{Direction, NodeId};
use crate::kernel::arena::Slot;
use crate::node::Start;
use crate::object::{DelayId, FactId, Key, Kind, Object, Table};

/// Brings a cache up to a list of the store's table and returns what differed, as changes; they came to be known because
/// of `cause`.
pub(super) fn list(store: &Table, cache: &mut Table, node: Option<&str>, cause: FactId) -> Vec<Change> {
    let listed = |object: &&Object| node.is_none_or(|node| object.node() == node);
    let gone: Vec<Key> = cache
        .iter()
        .filter(|known| store.get(known.key()).as_ref().is_none_or(|object| !listed(object)))
        .map(|known| known.key().clone())
        .collect();
    let mut changes: Vec<Change> = Vec::new();
    for key in gone {
        let old = cache.remove(&key);
        let revision = old.as_ref().map(|old| old.meta().resource_version).unwrap_or_default();
        changes.push(Change { revision, old, new: None, cause });
    }
    let all: Box<dyn Iterator<Item = &Object>> = match node {
        Some(node) => Box::new(store.of_node(node)),
        None => Box::new(store.iter()),
    };
    for object in all {
        let revision = object.meta().resource_version;
        if cache.get(object.key()).is_none_or(|known| known.meta().resource_version != revision) {
            let old = cache.insert(object.clone());
            changes.push(Change { revision, old, new: Some(object.clone()), cause });
        }
    }
    changes
}

/// Brings a cache up to date with committed changes; each then tells what this cache held before.
fn apply(changes: Vec<Change>, cache: &mut Table, node: Option<&str>) -> Vec<Change> {
    let mut seen = Vec::with_capacity(changes.len());
    for change in changes {
        let key = change.key().clone();
        let new = change.new.filter(|object| node.is_none_or(|node| object.node() == node));
        let old = match &new {
            Some(object) => cache.insert(object.clone()),
            None => cache.remove(&key),
        };
        if old.is_some() || new.is_some() {
            seen.push(Change { old, new, ..change });
        }
    }
    seen
}

impl World {
    /// A watch hands over everything that is due, if the link carries; otherwise it waits for the link.
    pub(super) fn deliver(&mut self, watch: Slot) {
        let Some(&owner) = self.watchers.get(&watch) else { return };
        if !self.network().carries(owner.peer(), Direction::Down) {
            return;
        }
        match self.server.watches.take(watch, &self.server.store) {
            Ok(changes) => self.hand_over(watch, owner, |cache, node| apply(changes, cache, node)),
            Err(_) => {
                let kind = self.server.watches.get(watch).map_or("", |watch| watch.kind.name());
                let path = format!("relist {} {kind}", self.user(owner));
                let read = self.config.delays.sample(DelayId::ApiRead, &self.draws, &path, self.now.as_micros());
                self.queue.push(self.now + read, Event::Relist(watch));
            }
        }
    }

    /// A list answers an informer whose watch had fallen behind what is kept ("410 Gone").
    pub(super) fn relist(&mut self, watch: Slot) {
        let Some(&owner) = self.watchers.get(&watch) else { return };
        let Some(kind) = self.server.watches.get(watch).map(|watch| watch.kind) else { return };
        if let Owner::Node(node) = owner
            && !self.ground.is_connected(node)
        {
            return; // the link's return delivers, and that lists again
        }
        let back = match owner {
            Owner::Node(node) => self.stations[node.0 as usize].back,
            Owner::Program(..) => FactId::NONE,
        };
        self.server.watches.reset(watch, &self.server.store);
        let table = self.server.store.table(kind).clone();
        self.hand_over(watch, owner, |cache, node| list(&table, cache, node, back));
    }

    /// Brings the owner's cache up to date and tells its programs what changed.
    fn hand_over(&mut self, watch: Slot, owner: Owner, update: impl FnOnce(&mut Table, Option<&str>) -> Vec<Change>) {
        let Some(stream) = self.server.watches.get(watch) else { return };
        let (kind, filter) = (stream.kind, stream.node.clone());
        let head = self.server.store.revision();
        match owner {
            Owner::Program(process, _) => {
                let caches = &mut self.processes[process as usize].caches;
                let changes = update(caches.table_mut(kind), filter.as_deref());
                caches.table_mut(kind).read_to(head);
                if changes.is_empty() {
                    return;
                }
                for program in 0..self.processes[process as usize].programs.len() {
                    let (listener, _) = &self.processes[process as usize].programs[program];
                    if listener.watches().contains(&kind) {
                        let owner = Owner::Program(process, program as u16);
                        let cause = changes[0].cause;
                        self.call_program(owner, cause, |program, cx| program.on_changes(kind, &changes, cx));
                    }
                }
            }
            Owner::Node(node) => {
                let Some(agent) = &mut self.stations[node.0 as usize].agent else { return };
                let changes = update(agent.caches.table_mut(kind), filter.as_deref());
                self.tell_agent(node, kind, &changes);
            }
        }
    }

    fn tell_agent(&mut self, node: NodeId, kind: Kind, changes: &[Change]) {
        if let Some(first) = changes.first() {
            self.call_agent(node, first.cause, |agent, ground, cx| agent.on_changes(kind, changes, ground, cx));
        }
    }

    /// Programs of a node begin, those that watch `kinds`: lists, watches, and what the lists say.
    pub(super) fn start_agent(&mut self, node: NodeId, kinds: &[Kind], start: Start) {
        let name = self.ground[node].name.clone();
        let back = self.stations[node.0 as usize].back;
        let mut lists = Vec::new();
        for &kind in kinds {
            let filter = matches!(kind, Kind::Pod | Kind::Node).then(|| name.clone());
            let slot = self.open_watch(kind, filter.clone(), Owner::Node(node));
            let station = &mut self.stations[node.0 as usize];
            station.watches.push((kind, slot));
            let agent = station.agent.as_mut().expect("the agent that starts");
            let store = self.server.store.table(kind);
            lists.push((kind, list(store, agent.caches.table_mut(kind), filter.as_deref(), back)));
        }
        if kinds.contains(&Kind::Pod) {
            self.call_agent(node, back, |agent, ground, cx| agent.on_start(start, ground, cx));
        }
        for (kind, changes) in lists {
            if (kind, start) == (Kind::EndpointSlice, Start::LongAgo) {
                let agent = self.stations[node.0 as usize].agent.as_mut().expect("the agent that starts");
                agent.proxy.on_start_long_ago(&agent.caches);
            } else {
                self.tell_agent(node, kind, &changes);
            }
        }
    }
}
