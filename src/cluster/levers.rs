//! What faults do to machines and links, and how nodes come back.

use super::event::Event;
use super::process::Client;
use super::world::World;
use crate::fault::Levers;
use crate::ground::NodeId;
use crate::node::{Agent, LIMIT, Start};
use crate::object::fact::Why;
use crate::object::{DelayId, Fact, FactId, Key};

impl World {
    /// A machine that got power back runs: its programs ask for their first lists.
    pub(super) fn boot(&mut self, node: NodeId) {
        // It may have lost its power again while it booted, and boot a second time.
        if self.ground[node].is_on || self.ground[node].outages > 0 {
            return;
        }
        let name = self.ground[node].name.clone();
        self.ground[node].is_on = true;
        let settings = &self.config.settings;
        let client = Client::new(&format!("system:node:{name}"), "kubelet", Some(LIMIT), settings);
        let station = &mut self.stations[node.0 as usize];
        station.boots += 1;
        station.client = client;
        self.fact(Fact::MachineUp(name), Why::NOTHING);
        self.await_lists(node);
    }

    /// Lets a node's first lists come in after a read, if the link carries; otherwise the link's return does.
    fn await_lists(&mut self, node: NodeId) {
        if self.ground.is_connected(node) {
            let path = format!("sync {}", self.ground[node].name);
            let boots = u64::from(self.stations[node.0 as usize].boots);
            let read = self.config.delays.sample(DelayId::ApiRead, &self.draws, &path, boots);
            self.queue.push(self.now + read, Event::Synced(node));
        }
    }

    /// The first lists of a node that has booted are in.
    pub(super) fn synced(&mut self, node: NodeId) {
        let name = self.ground[node].name.clone();
        let station = &mut self.stations[node.0 as usize];
        if self.ground.is_connected(node) && station.agent.is_none() {
            station.agent = Some(Agent::new(node, name, station.node.clone()));
            self.start_agent(node, Start::Boot);
        }
    }

    /// A node whose link is back tries again.
    pub(super) fn reconnect(&mut self, node: NodeId) {
        if !self.ground.is_connected(node) {
            return;
        }
        if self.stations[node.0 as usize].agent.is_none() {
            return self.await_lists(node);
        }
        for (_, watch) in self.stations[node.0 as usize].watches.clone() {
            self.deliver(watch);
        }
        self.call_agent(node, FactId::NONE, |agent, ground, cx| agent.on_reconnect(ground, cx));
    }

    fn stop_machine(&mut self, node: NodeId) {
        let name = self.ground[node].name.clone();
        self.ground[node].is_on = false;
        let cause = self.fact(Fact::MachineDown(name.clone()), Why::NOTHING);
        let now = self.now;
        let machine = &mut self.ground[node];
        machine.images.retain(|_, there| *there <= now);
        let mut stopped: Vec<Key> = Vec::new();
        for (pod, sandbox) in &mut machine.sandboxes {
            if std::mem::take(&mut sandbox.is_running) {
                stopped.push(pod.clone());
            }
            sandbox.is_ready = false;
        }
        for pod in stopped {
            self.fact(Fact::ContainersStopped { pod, node: name.clone() }, Why::because(cause));
        }
        let station = &mut self.stations[node.0 as usize];
        station.agent = None;
        station.boots += 1;
        for (_, watch) in std::mem::take(&mut station.watches) {
            self.close_watch(watch);
        }
    }
}

impl Levers for World {
    fn power(&mut self, node: NodeId, on: bool) {
        let machine = &mut self.ground[node];
        if !on {
            machine.outages += 1;
            if machine.is_on {
                self.stop_machine(node);
            }
            return;
        }
        machine.outages -= 1;
        if machine.outages == 0 && !machine.is_on {
            let path = machine.name.to_string();
            let boots = self.stations[node.0 as usize].boots;
            let boot = self.config.delays.sample(DelayId::NodeBoot, &self.draws, &path, u64::from(boots));
            self.queue.push(self.now + boot, Event::Boot(node));
        }
    }

    fn cut(&mut self, node: NodeId, up: bool, down: bool, begins: bool) {
        let now = self.now;
        let machine = &mut self.ground[node];
        for (cuts, is_hit) in [(&mut machine.cuts_up, up), (&mut machine.cuts_down, down)] {
            match (is_hit, begins) {
                (true, true) => *cuts += 1,
                (true, false) => *cuts -= 1,
                _ => {}
            }
        }
        let (was_cut, is_cut) = (machine.cut_since.is_some(), machine.cuts_up + machine.cuts_down > 0);
        let name = machine.name.clone();
        if is_cut && !was_cut {
            machine.cut_since = Some(now);
            self.fact(Fact::LinkCut(name), Why::NOTHING);
        } else if !is_cut && was_cut {
            machine.cut_since = None;
            let wait = self.config.delays.sample(DelayId::KubeletReconnect, &self.draws, &name, now.as_micros());
            self.fact(Fact::LinkHealed(name), Why::NOTHING);
            self.queue.push(now + wait, Event::Reconnect(node));
        }
    }
}
