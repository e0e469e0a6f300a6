//! Life stories of a node's programs: what they are told and what they leave behind.

use super::{Agent, Start, heartbeat};
use crate::apiserver::{ApiError, Change, Reply, Request};
use crate::ground::Ground;
use crate::kernel::dist::Delay;
use crate::kernel::rng::Draws;
use crate::kernel::time::{Span, Time};
use crate::object::pod::{Container, PodSpec, conditions};
use crate::object::quantity::Quantity;
use crate::object::service::{Endpoint, LABEL_SERVICE_NAME};
use crate::object::{
    Clock, DelayId, Delays, Deletion, EndpointSlice, FactId, Key, Kind, Lease, Meta, Node, Object, Phase, Pod,
    Revision, Settings, Timestamp, Uid, condition,
};
use crate::program::{Command, Context, Ticket, Timer};
use insta::assert_snapshot;
use std::sync::Arc;

/// One machine and an API server that says what the test tells it to.
struct Stage {
    agent: Agent,
    ground: Ground,
    now: Time,
    delays: Delays,
    revision: u64,
    timers: Vec<(Time, usize, Timer)>,
    requests: Vec<(Ticket, Request)>,
    story: Vec<String>,
}

impl Stage {
    fn new() -> Stage {
        let mut ground = Ground::default();
        let id = ground.add("n1".into());
        let mut delays = Delays::default();
        let constant = |millis| Delay::Constant(Span::from_millis(millis));
        for (delay, millis) in [
            (DelayId::ImagePull, 4_000),
            (DelayId::ContainerStart, 500),
            (DelayId::ReadyAfter, 1_000),
            (DelayId::ContainerStop, 2_000),
            (DelayId::ProxySync, 10),
        ] {
            delays.set(delay, constant(millis));
        }
        let agent = Agent::new(id, "n1".into(), Arc::new(node()));
        Stage { agent, ground, now: Time::ZERO, delays, revision: 0, timers: vec![], requests: vec![], story: vec![] }
    }

    fn call(&mut self, act: impl FnOnce(&mut Agent, &mut Ground, &mut Context<'_>)) {
        let (draws, settings) = (Draws::new(1), Settings::default());
        let caches = self.agent.caches.clone();
        let mut out = Vec::new();
        let mut cx = Context {
            now: self.now,
            clock: Clock { epoch_micros: 1_795_543_200_000_000 },
            draws: &draws,
            settings: &settings,
            delays: &self.delays,
            caches: &caches,
            cause: FactId::NONE,
            owner: None,
            out: &mut out,
        };
        act(&mut self.agent, &mut self.ground, &mut cx);
        for command in out {
            match command {
                Command::Send { request, ticket, .. } => {
                    self.story.push(format!("{} {request}", self.now));
                    self.requests.push((ticket, request));
                }
                Command::WakeAt { at, timer, .. } => self.timers.push((at, self.timers.len(), timer)),
                Command::Note { fact, .. } => {
                    let (what, object, detail) = fact.in_words();
                    self.story.push(format!("{} * {what} {object} {detail}", self.now));
                }
                Command::Emit { event, .. } => self.story.push(format!("{} event {}", self.now, event.reason)),
            }
        }
    }

    fn put(&mut self, object: impl Into<Object>) {
        let mut object = object.into();
        self.revision += 1;
        object.meta_mut().resource_version = Revision(self.revision);
        let kind = object.kind();
        let old = self.agent.caches.table_mut(kind).insert(object.clone());
        let change = Change { revision: Revision(self.revision), old, new: Some(object), cause: FactId::NONE };
        self.call(|agent, ground, cx| agent.on_changes(kind, &[change], ground, cx));
    }

    fn remove(&mut self, kind: Kind, key: &Key) {
        let old = self.agent.caches.table_mut(kind).remove(key);
        let change = Change { revision: Revision(self.revision), old, new: None, cause: FactId::NONE };
        self.call(|agent, ground, cx| agent.on_changes(kind, &[change], ground, cx));
    }

    /// Answers all requests: the API server does what they ask, and the watch tells the node.
    fn serve(&mut self) {
        while !self.requests.is_empty() {
            let (ticket, request) = self.requests.remove(0);
            let known = self.agent.caches.table(request.kind()).get(request.key()).cloned();
            let reply = match &request {
                Request::Create(object) | Request::Update { object, .. } => Reply::Done(object.clone()),
                Request::Patch { edit, .. } => match known {
                    Some(mut object) => {
                        object.edit(edit);
                        self.put(object.clone());
                        Reply::Done(object)
                    }
                    None => Reply::Error(ApiError::NotFound),
                },
                Request::Delete { kind, key, .. } => {
                    self.remove(*kind, key);
                    Reply::Done(known.expect("it is there"))
                }
                _ => known.map_or(Reply::Error(ApiError::NotFound), Reply::Done),
            };
            self.call(|agent, ground, cx| agent.on_reply(ticket, &reply, ground, cx));
        }
    }

    /// Lets no request through, so that each times out.
    fn time_out(&mut self) {
        for (ticket, _) in std::mem::take(&mut self.requests) {
            self.call(|agent, ground, cx| agent.on_reply(ticket, &Reply::Error(ApiError::Timeout), ground, cx));
        }
    }

    fn advance_to(&mut self, seconds: u64, answer: bool) {
        let until = Time::ZERO + Span::from_secs(seconds);
        while let Some(&next) = self.timers.iter().min().filter(|(at, ..)| *at <= until) {
            self.timers.retain(|timer| *timer != next);
            self.now = next.0;
            self.call(|agent, ground, cx| agent.on_timer(next.2, ground, cx));
            if answer {
                self.serve();
            }
        }
        self.now = until;
    }

    fn story(&mut self) -> String {
        std::mem::take(&mut self.story).join("\n")
    }
}

fn pod(name: &str, uid: u128) -> Pod {
    let container = Container { name: "c".into(), image: "app:1".into(), ..Container::default() };
    let spec = PodSpec { containers: vec![container], termination_grace_seconds: Some(30), ..PodSpec::default() };
    let meta = Meta { uid: Uid(uid), ..Meta::new(Key::new("default", name)) };
    Pod { meta, spec: Arc::new(spec), node_name: "n1".into(), ..Pod::default() }
}

/// A node with four cores and room for ten pods.
fn node() -> Node {
    let mut node = Node { meta: Meta::new(Key::cluster("n1")), ..Node::default() };
    for (resource, amount) in [("cpu", "4"), ("memory", "8Gi"), ("pods", "10")] {
        node.allocatable.set(resource, Quantity::parse(amount).expect("a quantity"));
    }
    node
}

fn healthy_node() -> Node {
    Node { conditions: heartbeat::healthy_conditions(Timestamp(0)), ..node() }
}

fn current(stage: &Stage, name: &str) -> Pod {
    Pod::clone(stage.agent.caches.get(&Key::new("default", name)).expect("the pod"))
}

#[test]
fn a_pod_is_pulled_started_ready_and_ended() {
    let mut stage = Stage::new();
    stage.put(pod("web", 1));
    stage.advance_to(10, true);
    assert_snapshot!(stage.story(), @"
    4.5s * containers-started Pod default/web on n1, images pulled for 4s
    4.5s patch Pod default/web Running Ready=False
    5.5s * containers-ready Pod default/web on n1
    5.5s patch Pod default/web Running Ready=True
    ");
    stage.put(pod("next", 2));
    stage.advance_to(20, true);
    assert_snapshot!(stage.story(), @"
    10.5s * containers-started Pod default/next on n1
    10.5s patch Pod default/next Running Ready=False
    11.5s * containers-ready Pod default/next on n1
    11.5s patch Pod default/next Running Ready=True
    ");
    let mut ending = current(&stage, "web");
    ending.meta.deletion = Some(Deletion { at: Timestamp(0), grace_seconds: 30 });
    stage.put(ending);
    stage.advance_to(30, true);
    assert_snapshot!(stage.story(), @"
    22s * containers-stopped Pod default/web on n1
    22s patch Pod default/web Succeeded Ready=False
    22s delete Pod default/web grace 0s
    ");
}

#[test]
fn a_pod_that_somebody_else_declared_ended_ends_and_does_not_come_back() {
    let mut stage = Stage::new();
    stage.put(pod("runs", 1));
    stage.advance_to(10, true);
    stage.put(pod("starts", 2));
    stage.story();
    for name in ["runs", "starts"] {
        let mut ended = current(&stage, name);
        ended.status.phase = Phase::Failed;
        stage.put(ended);
        stage.serve();
    }
    stage.advance_to(20, true);
    assert_snapshot!(stage.story(), @"
    10s patch Pod default/starts Failed Ready=False
    12s * containers-stopped Pod default/runs on n1
    12s patch Pod default/runs Failed Ready=False
    ");
    assert_eq!(["runs", "starts"].map(|name| current(&stage, name).status.phase), [Phase::Failed; 2]);
    assert!(stage.ground[stage.ground.find("n1").unwrap()].sandboxes.is_empty());
}

#[test]
fn a_kubelet_renews_its_lease_and_keeps_trying_while_nobody_answers() {
    let mut stage = Stage::new();
    stage.put(healthy_node());
    stage.call(|agent, ground, cx| agent.on_start(Start::Boot, ground, cx));
    stage.serve();
    stage.advance_to(25, true);
    assert_snapshot!(stage.story(), @"
    0s get Lease kube-node-lease/n1
    0s patch Node n1 MemoryPressure=False DiskPressure=False PIDPressure=False Ready=True
    0s create Lease kube-node-lease/n1
    10.211813s update Lease kube-node-lease/n1
    20.353314s update Lease kube-node-lease/n1
    ");
    stage.advance_to(31, false);
    for _ in 0..6 {
        stage.time_out();
    }
    assert_snapshot!(stage.story(), @"
    30.502105s update Lease kube-node-lease/n1
    31s update Lease kube-node-lease/n1
    31s update Lease kube-node-lease/n1
    31s update Lease kube-node-lease/n1
    31s update Lease kube-node-lease/n1
    ");
}

#[test]
fn what_others_said_of_its_node_and_pods_is_put_right_when_the_link_is_back() {
    let mut stage = Stage::new();
    stage.put(healthy_node());
    stage.call(|agent, ground, cx| agent.on_start(Start::Boot, ground, cx));
    stage.put(pod("web", 1));
    stage.serve();
    stage.advance_to(9, true);
    stage.story();
    // The control plane gave the node up while nothing passed.
    let mut unknown = healthy_node();
    for condition in &mut unknown.conditions {
        condition.status = condition::ConditionStatus::Unknown;
    }
    let mut not_ready = current(&stage, "web");
    for condition in &mut not_ready.status.conditions {
        if condition.kind == conditions::READY {
            condition.status = condition::ConditionStatus::False;
        }
    }
    let caches = &mut stage.agent.caches;
    caches.table_mut(Kind::Node).insert(unknown.into());
    caches.table_mut(Kind::Pod).insert(not_ready.into());
    stage.call(|agent, ground, cx| agent.on_reconnect(ground, cx));
    assert_snapshot!(stage.story(), @"
    9s update Lease kube-node-lease/n1
    9s patch Node n1 MemoryPressure=False DiskPressure=False PIDPressure=False Ready=True
    9s patch Pod default/web Running Ready=True
    ");
}

#[test]
fn after_a_reboot_pods_start_again_in_place_or_are_finished() {
    let mut stage = Stage::new();
    stage.put(pod("stays", 1));
    stage.put(pod("goes", 2));
    stage.advance_to(9, true);
    let objects: Vec<Pod> = ["goes", "stays"].map(|name| current(&stage, name)).to_vec();
    stage.story();
    let id = stage.ground.find("n1").unwrap();
    stage.ground[id].sandboxes.values_mut().for_each(|sandbox| sandbox.is_running = false);
    stage.timers.clear();
    stage.agent = Agent::new(id, "n1".into(), Arc::new(node()));
    for mut pod in objects {
        if *pod.meta.name() == "goes" {
            pod.meta.deletion = Some(Deletion { at: Timestamp(0), grace_seconds: 30 });
        }
        stage.put(pod);
        stage.serve();
    }
    stage.advance_to(20, true);
    assert_snapshot!(stage.story(), @"
    9s patch Pod default/goes Failed Ready=False
    9s delete Pod default/goes grace 0s
    9s patch Pod default/stays Running Ready=False
    9.5s * containers-started Pod default/stays on n1
    9.5s patch Pod default/stays Running Ready=False
    10.5s * containers-ready Pod default/stays on n1
    10.5s patch Pod default/stays Running Ready=True
    ");
    assert_eq!(current(&stage, "stays").status.containers[0].restart_count, 1);
}

#[test]
fn a_proxy_writes_a_lone_change_at_once_and_a_burst_together() {
    let mut stage = Stage::new();
    let slice = |ready: usize| {
        let endpoint = |n: usize| Endpoint {
            ip: [10, 0, 0, n as u8].into(),
            ready: n < ready,
            serving: n < ready,
            terminating: false,
            node_name: "n1".into(),
            zone: "".into(),
            pod: format!("web-{n}").into(),
            pod_uid: Uid(n as u128),
        };
        let mut meta = Meta::new(Key::new("default", "web-abcde"));
        meta.labels.insert(LABEL_SERVICE_NAME, "web");
        EndpointSlice { meta, endpoints: (0..3).map(endpoint).collect(), ..EndpointSlice::default() }
    };
    stage.put(slice(1));
    stage.advance_to(5, true);
    for ready in [2, 3, 2] {
        stage.put(slice(ready));
    }
    stage.advance_to(6, true);
    stage.put(slice(3));
    stage.advance_to(8, true);
    assert_snapshot!(stage.story(), @"
    10ms * routed Service default/web 1 ready endpoints on n1
    5.01s * routed Service default/web 2 ready endpoints on n1
    6.02s * routed Service default/web 3 ready endpoints on n1
    ");
    assert_eq!(stage.agent.proxy.ready_endpoints(&Key::new("default", "web")), 3);
}

#[test]
fn a_lease_is_a_sign_of_life_in_the_namespace_of_leases() {
    let stage = Stage::new();
    let (draws, settings, mut out) = (Draws::new(1), Settings::default(), Vec::new());
    let cx = Context {
        now: stage.now,
        clock: Clock { epoch_micros: 0 },
        draws: &draws,
        settings: &settings,
        delays: &stage.delays,
        caches: &stage.agent.caches,
        cause: FactId::NONE,
        owner: None,
        out: &mut out,
    };
    let lease: Lease = heartbeat::new_lease(&"n1".into(), 7, &cx);
    assert_eq!((lease.meta.key.to_string().as_str(), lease.duration_seconds), ("kube-node-lease/n1", 40));
}
