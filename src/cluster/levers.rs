//! What faults do to machines, links and what they share, and how nodes come back.

use super::event::Event;
use super::process::Client;
use super::world::World;
use crate::apiserver::{DeleteOptions, Propagation, Request};
use crate::fault::Levers;
use crate::ground::{Direction, NodeId};
use crate::kernel::factor::Factor;
use crate::kernel::time::Span;
use crate::node::{Agent, KUBELET_WATCHES, Kubelet, LIMIT, PROXY_WATCHES, Start, WATCHES};
use crate::object::fact::Why;
use crate::object::{DelayId, Fact, FactId, Key, Kind, Name, Table};

impl World {
    /// A machine that got power back runs: its programs ask for their first lists.
    pub(super) fn boot(&mut self, node: NodeId) {
        // It may have lost its power again while it booted: only its last boot counts.
        if self.stations[node.0 as usize].boot_due != Some(self.now) {
            return;
        }
        let name = self.ground[node].name.clone();
        self.ground[node].is_on = true;
        let client = self.kubelet_client(&name);
        let station = &mut self.stations[node.0 as usize];
        station.boot_due = None;
        station.boots += 1;
        station.starts += 1;
        station.client = client;
        let powered = station.back;
        let up = self.fact(Fact::MachineUp(name), Why::because(powered));
        self.stations[node.0 as usize].back = up;
        self.await_lists(node);
    }

    fn kubelet_client(&self, name: &Name) -> Client {
        Client::new(&format!("system:node:{name}"), "kubelet", Some(LIMIT), &self.config.settings)
    }

    /// Lets a node's first lists come in after a read, if the link carries; otherwise the link's return does.
    fn await_lists(&mut self, node: NodeId) {
        if self.ground.is_connected(node) {
            let path = format!("sync {}", self.ground[node].name);
            let starts = u64::from(self.stations[node.0 as usize].starts);
            let read = self.config.delays.sample(DelayId::ApiRead, &self.draws, &path, starts);
            self.queue.push(self.now + read, Event::Synced(node));
        }
    }

    /// The first lists of a node's programs are in: those that do not run yet begin.
    pub(super) fn synced(&mut self, node: NodeId) {
        if !self.ground.is_connected(node) {
            return;
        }
        let (name, has_kubelet) = (self.ground[node].name.clone(), self.ground[node].hangs == 0);
        let client = self.kubelet_client(&name);
        let station = &mut self.stations[node.0 as usize];
        let registered = station.node.clone();
        let kinds = match &mut station.agent {
            None => {
                let mut agent = Agent::new(node, name, registered);
                agent.kubelet = agent.kubelet.filter(|_| has_kubelet);
                station.agent = Some(agent);
                if has_kubelet { WATCHES } else { PROXY_WATCHES }
            }
            Some(agent) if agent.kubelet.is_none() && has_kubelet => {
                agent.kubelet = Some(Kubelet::new(node, name.clone(), registered));
                station.client = client;
                let mended = station.back;
                let up = self.fact(Fact::KubeletUp(name), Why::because(mended));
                self.stations[node.0 as usize].back = up;
                KUBELET_WATCHES
            }
            Some(_) => return,
        };
        self.start_agent(node, kinds, Start::Boot);
    }

    /// A node whose link is back tries again.
    pub(super) fn reconnect(&mut self, node: NodeId) {
        if !self.ground.is_connected(node) {
            return;
        }
        let agent = self.stations[node.0 as usize].agent.as_ref();
        if agent.is_none_or(|agent| agent.kubelet.is_none()) {
            self.await_lists(node);
        }
        for (_, watch) in self.stations[node.0 as usize].watches.clone() {
            self.deliver(watch);
        }
        let healed = self.stations[node.0 as usize].back;
        self.call_agent(node, healed, |agent, ground, cx| agent.on_reconnect(ground, cx));
    }

    fn stop_machine(&mut self, node: NodeId) {
        let name = self.ground[node].name.clone();
        self.ground[node].is_on = false;
        let cause = self.fact(Fact::MachineDown(name), Why::because(self.striking));
        let now = self.now;
        self.ground[node].images.retain(|_, there| *there <= now);
        self.stop_containers(node, cause, |_| true);
        let station = &mut self.stations[node.0 as usize];
        station.agent = None;
        station.boots += 1;
        station.starts += 1;
        for (_, watch) in std::mem::take(&mut station.watches) {
            self.close_watch(watch);
        }
    }

    /// Containers that run on a machine stop, those that `is_hit`.
    fn stop_containers(&mut self, node: NodeId, cause: FactId, is_hit: impl Fn(&crate::ground::Sandbox) -> bool) {
        let machine = &mut self.ground[node];
        let mut stopped: Vec<Key> = Vec::new();
        for (pod, sandbox) in machine.sandboxes.iter_mut().filter(|(_, sandbox)| is_hit(sandbox)) {
            if std::mem::take(&mut sandbox.is_running) {
                stopped.push(pod.clone());
            }
            sandbox.is_ready = false;
        }
        let name = machine.name.clone();
        for pod in stopped {
            self.fact(Fact::ContainersStopped { pod, node: name.clone() }, Why::because(cause));
        }
    }

    /// The kubelet of a machine that runs stops: what it knew is gone, its containers stay.
    fn stop_kubelet(&mut self, node: NodeId) {
        let station = &mut self.stations[node.0 as usize];
        let Some(agent) = station.agent.as_mut().filter(|agent| agent.kubelet.is_some()) else { return };
        agent.kubelet = None;
        for &kind in KUBELET_WATCHES {
            *agent.caches.table_mut(kind) = Table::default();
        }
        station.starts += 1;
        let (closed, kept) = station.watches.iter().partition(|(kind, _)| KUBELET_WATCHES.contains(kind));
        station.watches = kept;
        let closed: Vec<(Kind, _)> = closed;
        closed.into_iter().for_each(|(_, watch)| self.close_watch(watch));
        let name = self.ground[node].name.clone();
        self.fact(Fact::KubeletDown(name), Why::because(self.striking));
        let running = self.ground[node].sandboxes.values().filter(|sandbox| sandbox.is_running);
        let ends: Vec<_> = running.filter_map(|sandbox| sandbox.ends).collect();
        for end in ends {
            self.queue.push(end.max(self.now), Event::ContainersEnd(node));
        }
    }

    /// Containers end that nobody looks after; a kubelet that runs sees to it itself.
    pub(super) fn containers_end(&mut self, node: NodeId) {
        let agent = self.stations[node.0 as usize].agent.as_ref();
        if agent.is_none_or(|agent| agent.kubelet.is_none()) {
            let now = self.now;
            self.stop_containers(node, FactId::NONE, |sandbox| sandbox.ends.is_some_and(|end| end <= now));
        }
    }
}

impl Levers for World {
    fn power(&mut self, node: NodeId, on: bool) {
        let machine = &mut self.ground[node];
        if !on {
            machine.outages += 1;
            if self.stations[node.0 as usize].boot_due.take().is_some() {
                self.recorder.boots(self.now, &machine.name, false);
            }
            if machine.is_on {
                self.stop_machine(node);
            }
            return;
        }
        machine.outages -= 1;
        if machine.outages == 0 && !machine.is_on {
            let station = &mut self.stations[node.0 as usize];
            let boots = u64::from(station.boots);
            let boot = self.config.delays.sample(DelayId::NodeBoot, &self.draws, &machine.name, boots);
            let due = self.now + machine.slow.of(boot);
            (station.boot_due, station.back) = (Some(due), self.striking);
            self.recorder.boots(self.now, &machine.name, true);
            self.queue.push(due, Event::Boot(node));
        }
    }

    fn kubelet(&mut self, node: NodeId, runs: bool) {
        let machine = &mut self.ground[node];
        if !runs {
            machine.hangs += 1;
            self.recorder.hangs(&machine.name, true);
            return self.stop_kubelet(node);
        }
        machine.hangs -= 1;
        if machine.hangs == 0 {
            self.stations[node.0 as usize].back = self.striking;
            self.recorder.hangs(&machine.name, false);
            self.await_lists(node);
        }
    }

    fn slow(&mut self, node: NodeId, factor: Factor, begins: bool) {
        self.ground[node].slow.change(factor, begins);
    }

    fn cut(&mut self, node: NodeId, direction: Direction, begins: bool) {
        let now = self.now;
        let machine = &mut self.ground[node];
        let line = machine.line_mut(direction);
        if begins {
            line.cuts += 1;
        } else {
            line.cuts -= 1;
        }
        let (was_cut, is_cut) = (machine.cut_since.is_some(), machine.up.cuts + machine.down.cuts > 0);
        let name = machine.name.clone();
        if is_cut && !was_cut {
            machine.cut_since = Some(now);
            self.fact(Fact::LinkCut(name), Why::because(self.striking));
        } else if !is_cut && was_cut {
            machine.cut_since = None;
            let wait = self.config.delays.sample(DelayId::KubeletReconnect, &self.draws, &name, now.as_micros());
            let wait = machine.slow.of(wait);
            let healed = self.fact(Fact::LinkHealed(name), Why::because(self.striking));
            self.stations[node.0 as usize].back = healed;
            self.queue.push(now + wait, Event::Reconnect(node));
        }
    }

    fn slow_link(&mut self, node: NodeId, direction: Direction, factor: Factor, extra: Span, begins: bool) {
        let line = self.ground[node].line_mut(direction);
        line.slow.change(factor, begins);
        line.extra = if begins { line.extra + extra } else { line.extra - extra };
    }

    fn lose(&mut self, node: NodeId, direction: Direction, share: u32, begins: bool) {
        let losses = &mut self.ground[node].line_mut(direction).losses;
        if begins {
            losses.push(share);
        } else {
            let at = losses.iter().position(|&other| other == share);
            losses.remove(at.expect("a loss that ends has begun"));
        }
    }

    fn disk_pressure(&mut self, node: NodeId, fault: &Name, evict: Option<u32>) {
        let faults = &mut self.ground[node].disk_pressure;
        match evict {
            Some(evict) => {
                faults.insert(fault.clone(), evict);
                self.call_agent(node, self.striking, |agent, ground, cx| agent.on_pressure(ground, cx));
            }
            None => {
                faults.remove(fault);
                let agent = self.stations[node.0 as usize].agent.as_mut();
                if let Some(kubelet) = agent.and_then(|agent| agent.kubelet.as_mut()) {
                    kubelet.pressure_cause = self.striking;
                }
            }
        }
    }

    fn delete_node(&mut self, node: NodeId) {
        let key = Key::cluster(self.ground[node].name.clone());
        if self.server.store.get(Kind::Node, &key).is_some() {
            let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
            self.ask(vec![Request::Delete { kind: Kind::Node, key, options }], self.striking);
        }
    }

    fn registry(&mut self, is_there: bool) {
        let outages = &mut self.ground.registry.outages;
        if is_there {
            *outages -= 1;
            return;
        }
        *outages += 1;
        for node in 0..self.stations.len() {
            let (node, now) = (NodeId(node as u32), self.now);
            self.ground[node].images.retain(|_, there| *there <= now);
            self.call_agent(node, self.striking, |agent, ground, cx| agent.on_pulls_broken(ground, cx));
        }
    }

    fn slow_registry(&mut self, factor: Factor, begins: bool) {
        self.ground.registry.slow.change(factor, begins);
    }
}
