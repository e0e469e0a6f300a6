//! Layer 3: ground truth. Which machines have power, which containers run, which links carry.
//!
//! What the API says of all this is hearsay that arrives later or never. Kubelets, kube-proxies and faults meet here
//! and nowhere else.

use crate::kernel::factor::Factors;
use crate::kernel::time::{Span, Time};
use crate::object::{Key, Name, Uid};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A machine, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// Which way a message goes between a node and the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the node to the control plane.
    Up,
    /// From the control plane to the node.
    Down,
}

/// One direction of the link between a node and the control plane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// How many faults cut it.
    pub cuts: u16,
    /// What faults add to the time that a message is on its way, before the factors.
    pub slow: Factors,
    /// What faults add to that time, after the factors.
    pub extra: Span,
    /// Shares of messages that faults lose (millionths).
    pub losses: Vec<u32>,
}

impl Line {
    /// Share of the messages that get through (millionths).
    pub fn survivors(&self) -> u64 {
        self.losses.iter().fold(1_000_000, |share, &lost| share * (1_000_000 - u64::from(lost)) / 1_000_000)
    }
}

/// Where images come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageRegistry {
    /// How many faults keep it away.
    pub outages: u16,
    /// How many times longer pulls from it take.
    pub slow: Factors,
}

/// The containers of one pod on one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// The pod that they belong to; a namesake is another.
    pub uid: Uid,
    /// Whether they run.
    pub is_running: bool,
    /// Whether they would serve.
    pub is_ready: bool,
    /// How often they were started again.
    pub restarts: u32,
    /// When they started last.
    pub started: Time,
    /// When they end, by themselves or because they were asked to, whether their kubelet looks or not.
    pub ends: Option<Time>,
    /// Address of the pod.
    pub ip: Ipv4Addr,
}

/// One machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Name of its node.
    pub name: Name,
    /// Whether it has power and its kernel runs.
    pub is_on: bool,
    /// How many faults keep it without power.
    pub outages: u16,
    /// How many faults keep its kubelet from running.
    pub hangs: u16,
    /// How many times longer everything takes on it.
    pub slow: Factors,
    /// Faults that fill its disk, by their ids, and how many pods each still has its kubelet evict.
    pub disk_pressure: BTreeMap<Name, u32>,
    /// Its link to the control plane.
    pub up: Line,
    /// Its link from the control plane.
    pub down: Line,
    /// Since when the link has not carried both ways.
    pub cut_since: Option<Time>,
    /// Pods whose containers were started here and not removed.
    pub sandboxes: BTreeMap<Key, Sandbox>,
    /// Images on its disk, and since when.
    pub images: BTreeMap<Name, Time>,
    /// How many pod addresses it has given away.
    addresses: u32,
}

impl Machine {
    /// The machine at time zero of a run in whose past all this happened. `end_of` says when the containers of a pod exit
    /// by themselves.
    pub fn of_the_past(mut self, end_of: impl Fn(&Key) -> Option<Time>) -> Machine {
        for (pod, sandbox) in self.sandboxes.iter_mut().filter(|(_, sandbox)| sandbox.is_running) {
            (sandbox.started, sandbox.ends) = (Time::ZERO, end_of(pod));
        }
        self.images.values_mut().for_each(|there| *there = Time::ZERO);
        self
    }

    /// One direction of its link.
    pub const fn line(&self, direction: Direction) -> &Line {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }

    /// One direction of its link.
    pub const fn line_mut(&mut self, direction: Direction) -> &mut Line {
        match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }
}

/// All machines, and what they share.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    /// Where all of them get their images.
    pub registry: ImageRegistry,
    machines: Vec<Machine>,
    by_name: BTreeMap<Name, NodeId>,
}

impl Ground {
    /// Adds a machine that runs.
    pub fn add(&mut self, name: Name) -> NodeId {
        let id = NodeId(u32::try_from(self.machines.len()).expect("fewer than 2³² machines"));
        self.by_name.insert(name.clone(), id);
        self.machines.push(Machine {
            name,
            is_on: true,
            outages: 0,
            hangs: 0,
            slow: Factors::default(),
            disk_pressure: BTreeMap::new(),
            up: Line::default(),
            down: Line::default(),
            cut_since: None,
            sandboxes: BTreeMap::new(),
            images: BTreeMap::new(),
            addresses: 0,
        });
        id
    }

    /// The machine of the node called `name`.
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.by_name.get(name).copied()
    }

    /// Machines in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Machine)> {
        self.machines.iter().enumerate().map(|(index, machine)| (NodeId(index as u32), machine))
    }

    /// Whether messages pass between `node` and the control plane in both directions.
    pub fn is_connected(&self, node: NodeId) -> bool {
        let machine = &self[node];
        machine.is_on && machine.cut_since.is_none()
    }

    /// Whether a message now passes between `node` and the control plane. A connection needs both directions: with one
    /// of them cut, the other still passes messages until the connection has been given up after `patience`.
    pub fn carries(&self, node: NodeId, direction: Direction, now: Time, patience: Span) -> bool {
        let machine = &self[node];
        let is_open = machine.line(direction).cuts == 0;
        machine.is_on && is_open && machine.cut_since.is_none_or(|since| now.saturating_since(since) <= patience)
    }

    /// An address for a pod. Each node has 4,095 and there are 4,096 nodes' worth: beyond that they come round again.
    pub fn next_address(&mut self, node: NodeId) -> Ipv4Addr {
        let machine = &mut self[node];
        machine.addresses += 1;
        let host = machine.addresses;
        // 10.0.0.0/8: twelve bits of node and twelve of pod.
        Ipv4Addr::from(0x0a00_0000 | (node.0 + 1) << 12 & 0x00ff_f000 | host & 0xfff)
    }
}

impl std::ops::Index<NodeId> for Ground {
    type Output = Machine;
    fn index(&self, node: NodeId) -> &Machine {
        &self.machines[node.0 as usize]
    }
}

impl std::ops::IndexMut<NodeId> for Ground {
    fn index_mut(&mut self, node: NodeId) -> &mut Machine {
        &mut self.machines[node.0 as usize]
    }
}
