//! How a world begins: objects that every cluster has, machines, and programs that have been running for long.

use super::process::{Client, Owner, Process};
use super::world::World;
use crate::apiserver::{ApiServer, Request, Serve};
use crate::controller;
use crate::ground::NodeId;
use crate::node::{self, Agent, Start, heartbeat};
use crate::object::fact::Verb;
use crate::object::{FactId, Key, Kind, Meta, MicroTime, Namespace, Node, Object, PriorityClass, SettingId};
use crate::program::Program;
use crate::program::script::Script;
use crate::record::waterfall::Wait;
use crate::scheduler::Scheduler;
use std::hash::Hash;
use std::sync::Arc;

/// With what a world begins.
#[derive(Clone, Copy)]
pub enum Beginning<'a> {
    /// Nodes; then the manifests are applied.
    Empty,
    /// The same, to see what comes of the manifests: nothing takes time on the nodes.
    Rehearsal,
    /// What came of them, in this world.
    Settled(&'a World),
}

impl World {
    /// Objects that are there at the beginning, and machines.
    pub(super) fn bootstrap(&mut self, beginning: Beginning<'_>) {
        match beginning {
            Beginning::Settled(past) => self.take_over_objects(past),
            Beginning::Empty | Beginning::Rehearsal => self.create_objects(),
        }
        let config = self.config.clone();
        for registered in &config.nodes {
            let name = registered.meta.name().clone();
            if !matches!(beginning, Beginning::Settled(_)) {
                self.create_node(registered);
            }
            let registered = Arc::new(registered.clone());
            let id = self.add_machine(registered.clone());
            self.stations[id.0 as usize].agent = Some(Agent::new(id, name.clone(), registered));
            let mut out = Vec::new();
            let caches = Default::default();
            let cx = self.context(&caches, FactId::NONE, &mut out);
            // The next renewal comes at its phase; the last one was a round before.
            let interval = cx.span(SettingId::NodeLeaseRenewInterval).as_micros() as i64;
            let renewed = cx.clock.epoch_micros + heartbeat::lease_phase(&name, &cx).as_micros() as i64 - interval;
            let lease = heartbeat::new_lease(&name, MicroTime(renewed).0, &cx);
            match beginning {
                Beginning::Settled(past) => self.take_over_lease(lease, past),
                Beginning::Empty | Beginning::Rehearsal => self.preload(lease.into()),
            }
        }
        if let Beginning::Settled(past) = beginning {
            self.take_over_machines(past);
        }
    }

    /// Objects that every cluster has (`pkg/controlplane/controller/systemnamespaces`, `pkg/registry/scheduling`).
    fn create_objects(&mut self) {
        for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            self.preload(Namespace { meta: Meta::new(Key::cluster(name)) }.into());
        }
        for (name, value) in [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)] {
            let class = PriorityClass { meta: Meta::new(Key::cluster(name)), value, ..PriorityClass::default() };
            self.preload(class.into());
        }
    }

    fn create_node(&mut self, registered: &Node) {
        let mut node = Node::clone(registered);
        node.meta.generation = 1;
        if node.conditions.is_empty() {
            node.conditions = heartbeat::healthy_conditions(self.clock.timestamp(self.now));
        }
        self.preload(node.into());
    }

    pub(super) fn preload(&mut self, object: Object) {
        let change = self.as_server(|server, cx| server.preload(object, cx));
        self.recorder.commit(self.now, &change, Wait::default());
    }

    /// Lets the API server do something of its own, which is hashed but is no fact.
    pub(super) fn as_server<T>(&mut self, act: impl FnOnce(&mut ApiServer, &mut Serve<'_>) -> T) -> T {
        let (now, digest) = (self.now, &mut self.digest);
        let mut journal = |verb: Verb, old: Option<&Object>, new: Option<&Object>| {
            (now.as_micros(), verb, new.or(old)).hash(digest);
            digest.seal();
            FactId::NONE
        };
        let user = "system:apiserver".into();
        let mut cx = Serve {
            now,
            clock: self.clock,
            draws: &self.draws,
            settings: &self.config.settings,
            user: &user,
            journal: &mut journal,
        };
        act(&mut self.server, &mut cx)
    }

    pub(super) fn start_control_plane(&mut self, beginning: Beginning<'_>) {
        let manifests = match beginning {
            Beginning::Settled(_) => &[][..],
            Beginning::Empty | Beginning::Rehearsal => &self.config.manifests,
        };
        let applied = manifests.iter().map(|object| Request::Create(object.clone()));
        let kubectl: Box<dyn Program> = Box::new(Script::new(applied));
        self.start_process("kubernetes-admin", vec![kubectl]);
        let controllers = controller::REGISTRY.iter().map(|new| new()).collect();
        self.start_process("system:kube-controller-manager", controllers);
        self.start_process("system:kube-scheduler", vec![Box::new(Scheduler::new())]);
    }

    /// A process that has been running for long: its informers are up to date.
    fn start_process(&mut self, user: &str, programs: Vec<Box<dyn Program>>) {
        let index = self.processes.len() as u16;
        let settings = &self.config.settings;
        let mut kinds: Vec<Kind> = Vec::new();
        for program in &programs {
            kinds.extend(program.watches().iter().filter(|kind| !kinds.contains(kind)).copied().collect::<Vec<_>>());
        }
        let clients = programs
            .iter()
            .map(|program| {
                let client = Client::new(user, program.name(), program.limit(), settings);
                if program.has_event_series() { client.with_event_series(settings) } else { client }
            })
            .collect::<Vec<_>>();
        self.processes.push(Process {
            programs: programs.into_iter().zip(clients).collect(),
            caches: Default::default(),
            watches: Vec::new(),
        });
        let first = Owner::Program(index, 0);
        let watches = kinds.iter().map(|&kind| (kind, self.open_watch(kind, None, first))).collect();
        let process = &mut self.processes[index as usize];
        process.watches = watches;
        let mut lists = Vec::new();
        for &kind in &kinds {
            lists.push((
                kind,
                super::informer::list(
                    self.server.store.table(kind),
                    process.caches.table_mut(kind),
                    None,
                    FactId::NONE,
                ),
            ));
        }
        for program in 0..self.processes[index as usize].programs.len() {
            let owner = Owner::Program(index, program as u16);
            self.call_program(owner, FactId::NONE, |program, cx| program.on_start(cx));
            for (kind, changes) in &lists {
                self.call_program(owner, FactId::NONE, |program, cx| {
                    if program.watches().contains(kind) {
                        program.on_changes(*kind, changes, cx);
                    }
                });
            }
        }
    }

    pub(super) fn start_nodes(&mut self, beginning: Beginning<'_>) {
        let start = match beginning {
            Beginning::Rehearsal => Start::Rehearsal,
            Beginning::Empty | Beginning::Settled(_) => Start::LongAgo,
        };
        for index in 0..self.stations.len() {
            self.start_agent(NodeId(index as u32), node::WATCHES, start);
        }
    }
}
