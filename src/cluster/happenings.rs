//! What a scenario plans, when its time has come: faults strike, people act, machines join. The first two have files of
//! their own.

use super::config::{Happening, Planned};
use super::event::Event;
use super::process::{Client, Station};
use super::strikes::Strike;
use super::world::{Missed, World};
use crate::ground::NodeId;
use crate::object::fact::Why;
use crate::object::target::{Sight, Target};
use crate::object::{DelayId, Fact, FactId, Kind, Name, Node};
use std::sync::Arc;

impl World {
    /// A planned event happens or begins.
    pub(super) fn begin_event(&mut self, index: usize) {
        let config = self.config.clone();
        let planned = &config.events[index];
        self.last_event = self.now;
        let outcome = match &planned.what {
            Happening::Fault { .. } => self.strike(index, planned),
            Happening::Action { action, target, .. } => self.act(index, planned, action.as_ref(), target),
            Happening::Join(nodes) => self.join(index, planned, nodes),
        };
        if planned.end().is_none() || outcome.is_err() {
            self.open_events -= 1;
        }
        if let Err(why) = outcome {
            self.missed.push(Missed { id: planned.id.clone(), why });
        }
    }

    /// The machines of the nodes that a target of event `event` means now.
    pub(super) fn machines_of(&self, target: &Target, event: &Name) -> Vec<(NodeId, Name)> {
        let store = &self.server.store;
        let hit = |id: &Name| {
            let index = self.config.events.iter().position(|planned| planned.id == *id);
            let strike = index.and_then(|index| self.hit[index].as_ref());
            strike.into_iter().flat_map(Strike::names).cloned().collect()
        };
        let names = target.resolve(&Sight {
            nodes: store.table(Kind::Node),
            pods: store.table(Kind::Pod),
            replica_sets: store.table(Kind::ReplicaSet),
            hit: &hit,
            draws: &self.draws,
            event,
        });
        names.into_iter().filter_map(|name| Some((self.ground.find(&name)?, name))).collect()
    }

    /// New machines are switched on.
    fn join(&mut self, index: usize, planned: &Planned, nodes: &[Node]) -> Result<(), Name> {
        if let Some(known) = nodes.iter().find(|node| self.ground.find(node.meta.name()).is_some()) {
            return Err(format!("there is a machine called {} already", known.meta.name()).into());
        }
        let names: Vec<&str> = nodes.iter().map(|node| node.meta.name().as_str()).collect();
        let what = format!("machines join: {}", names.join(" ")).into();
        let acted = self.fact(Fact::Acted { event: planned.id.clone(), what }, Why::NOTHING);
        let mut joined = Vec::new();
        for node in nodes {
            let id = self.add_machine(Arc::new(node.clone()));
            joined.push((id, node.meta.name().clone()));
            self.ground[id].is_on = false;
            let boot = self.config.delays.sample(DelayId::NodeBoot, &self.draws, node.meta.name(), 0);
            let station = &mut self.stations[id.0 as usize];
            (station.boot_due, station.back) = (Some(self.now + boot), acted);
            self.recorder.boots(self.now, node.meta.name(), true);
            self.queue.push(self.now + boot, Event::Boot(id));
        }
        self.hit[index] = Some(Strike::over(joined, self.now));
        Ok(())
    }

    /// A machine and the client of its kubelet; no program runs on it yet.
    pub(super) fn add_machine(&mut self, node: Arc<Node>) -> NodeId {
        let name = node.meta.name().clone();
        let id = self.ground.add(name.clone());
        let user = format!("system:node:{name}");
        let client = Client::new(&user, "kubelet", Some(crate::node::LIMIT), &self.config.settings);
        self.stations.push(Station {
            agent: None,
            client,
            watches: Vec::new(),
            boots: 0,
            starts: 0,
            boot_due: None,
            back: FactId::NONE,
            node,
        });
        id
    }
}
