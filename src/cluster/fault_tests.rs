//! Whole runs with faults of machines and kubelets, and with all of them at once.

use super::regressions::web;
use super::tests::{at, config, node, pod, ran};
use super::{Config, Happening, Planned, Stop, World};
use crate::fault;
use crate::kernel::dist::Delay;
use crate::kernel::time::Span;
use crate::object::behavior::RUN_FOR;
use crate::object::field::{Parameters, Value};
use crate::object::service::ServicePort;
use crate::object::{ConditionStatus, DelayId, Fact, Key, Kind, Labels, Lease, Meta, Node, Pod, Service, Target};

/// A fault as a scenario says it.
pub(super) fn planned(name: &str, parameters: &str, start: u64, lasts: Option<u64>, target: &str) -> Planned {
    let row = fault::find(name).expect("a fault");
    let pairs: Vec<_> = parameters.split(' ').filter_map(|pair| pair.split_once('=')).collect();
    let (times, pairs): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(key, _)| ["jitter", "stagger"].contains(key));
    let time = |wanted: &str| {
        let time = times.iter().find(|(key, _)| *key == wanted);
        time.map_or(Span::ZERO, |(_, value)| Span::parse(value).expect("a time"))
    };
    let own = |key: &str| row.parameters.iter().find(|field| field.name == key).expect("a parameter").name;
    let parameters: Parameters =
        pairs.into_iter().map(|(key, value)| (own(key), Value::Text(value.to_string()))).collect();
    Planned {
        id: format!("{name}-{start}").into(),
        at: at(start),
        what: Happening::Fault {
            name: row.name,
            fault: (row.build)(&parameters).expect("good parameters"),
            target: if row.has_target { Target::named(target.split(' ')) } else { Target::Cluster },
            lasts: lasts.map(Span::from_secs),
            jitter: time("jitter"),
            stagger: time("stagger"),
        },
    }
}

/// A run whose machines boot in 30 s and that pulls in 4 s.
pub(super) fn with(pods: &[&str], until: u64, events: Vec<Planned>) -> Config {
    let mut config = Config { until: at(until), events, ..config(1, pods) };
    for (id, millis) in [
        (DelayId::NodeBoot, 30_000),
        (DelayId::ImagePull, 4_000),
        (DelayId::ContainerStart, 500),
        (DelayId::ReadyAfter, 1_000),
        (DelayId::NodeReady, 2_000),
    ] {
        config.delays.set(id, Delay::Constant(Span::from_millis(millis)));
    }
    config
}

/// Facts that `is_told`, to the second.
pub(super) fn story(world: &World, is_told: impl Fn(&Fact) -> bool) -> String {
    let facts = world.recorder().facts.iter().filter(|recorded| is_told(&recorded.fact)).map(|recorded| {
        let (what, about, rest) = recorded.fact.in_words();
        format!("{:.0} {what} {about} {rest}", recorded.at.as_secs_f64()).trim_end().to_string()
    });
    facts.collect::<Vec<_>>().join("\n")
}

pub(super) fn is_ready(world: &World, name: &str) -> Option<ConditionStatus> {
    world.objects::<Node>().find(|node| *node.meta.name() == name).and_then(|node| node.ready())
}

fn is_of_machine(fact: &Fact) -> bool {
    matches!(fact, Fact::MachineDown(_) | Fact::MachineUp(_) | Fact::KubeletDown(_) | Fact::KubeletUp(_))
}

#[test]
fn a_reboot_is_over_before_anybody_notices() {
    let world = ran(with(&["a", "b", "c"], 200, vec![planned("node.reboot", "", 60, None, "n1")]));
    assert_eq!(story(&world, is_of_machine), "60 machine-down Node n1\n90 machine-up Node n1");
    let unknown = |fact: &Fact| matches!(fact, Fact::Commit { kind: Kind::Node, what, .. } if what.contains("Ready="));
    assert_eq!(story(&world, unknown), "");
    for pod in world.objects::<Pod>() {
        assert!(pod.is_ready());
        assert_eq!(pod.status.containers[0].restart_count, u32::from(pod.node_name == "n1"), "{}", pod.meta.key);
    }
}

#[test]
fn power_goes_and_comes_back_machine_by_machine() {
    let loss = planned("power.loss", "jitter=2s stagger=1m", 60, Some(30), "n0 n1 n2");
    let world = ran(with(&["a"], 250, vec![loss]));
    insta::assert_snapshot!(story(&world, is_of_machine), @"
    60 machine-down Node n2
    61 machine-down Node n1
    61 machine-down Node n0
    131 machine-up Node n0
    135 machine-up Node n2
    138 machine-up Node n1
    ");
    assert!(["n0", "n1", "n2"].iter().all(|name| is_ready(&world, name) == Some(ConditionStatus::True)));
}

#[test]
fn a_machine_that_loses_its_power_while_it_boots_boots_anew() {
    let crash = |start| planned("node.crash", "", start, Some(5), "n1");
    let world = ran(with(&["a"], 120, vec![crash(10), crash(25)]));
    assert_eq!(story(&world, is_of_machine), "10 machine-down Node n1\n60 machine-up Node n1");
}

#[test]
fn a_run_does_not_end_while_power_still_comes_back() {
    let loss = planned("power.loss", "stagger=20m", 60, Some(10), "n0 n1 n2");
    let world = ran(Config { stop: Stop::Converged, manifests: vec![web(3)], ..with(&[], 3_600, vec![loss]) });
    assert!(world.ground.iter().all(|(_, machine)| machine.is_on), "ended at {}", world.now());
    assert!(world.now() < at(3_600));
}

#[test]
fn containers_of_a_hung_kubelet_serve_on_until_it_is_back() {
    let mut pod = Pod::clone(pod("a").of::<Pod>().unwrap());
    pod.meta.labels.insert("app", "a");
    let labels: Labels = [("app", "a")].into_iter().collect();
    let ports = vec![ServicePort { port: 80, ..ServicePort::default() }];
    let service = Service { meta: Meta::new(Key::new("default", "a")), selector: labels, ports, ..Service::default() };
    let mut config = with(&[], 400, Vec::new());
    config.nodes = vec![node("n0")];
    config.manifests = vec![pod.into(), service.into()];
    config.events = vec![planned("kubelet.hang", "", 60, Some(200), "n0")];
    let mut world = World::new(config);
    let renewed = |world: &World| world.objects::<Lease>().next().unwrap().renew_time;
    world.run_until(at(61));
    let before = renewed(&world);
    world.run_until(at(250));
    assert_eq!((renewed(&world), is_ready(&world, "n0")), (before, Some(ConditionStatus::Unknown)));
    let containers = |world: &World| {
        let sandboxes = &world.ground[world.ground.find("n0").unwrap()].sandboxes;
        sandboxes.values().filter(|sandbox| sandbox.is_running && sandbox.is_ready).count()
    };
    assert_eq!(containers(&world), 1);
    // The pod counts as not ready and loses its endpoint, and kube-proxy beside the hung kubelet hears of it.
    let routed = |fact: &Fact| matches!(fact, Fact::Routed { .. });
    insta::assert_snapshot!(story(&world, routed), @"
    0 routed Service default/a 0 ready endpoints on n0
    5 routed Service default/a 0 ready endpoints on n0
    6 routed Service default/a 1 ready endpoints on n0
    108 routed Service default/a 0 ready endpoints on n0
    ");
    world.run();
    assert_eq!(world.audit(), Ok(()));
    assert_eq!((containers(&world), is_ready(&world, "n0")), (1, Some(ConditionStatus::True)));
    let pod = world.objects::<Pod>().next().unwrap();
    assert!(pod.is_ready());
    assert_eq!(pod.status.containers[0].restart_count, 0);
    assert_eq!(story(&world, is_of_machine), "60 kubelet-down Node n0\n260 kubelet-up Node n0");
}

#[test]
fn a_pod_that_a_hung_kubelet_was_told_to_end_ends_when_it_is_back() {
    let world = ran(with(&["a", "b", "c"], 700, vec![planned("kubelet.hang", "", 60, Some(500), "n1")]));
    let told = |fact: &Fact| {
        matches!(fact, Fact::KubeletUp(_) | Fact::ContainersStopped { .. })
            || matches!(fact, Fact::Commit { kind: Kind::Pod, verb, .. } if verb.name() != "updated" && verb.name() != "created")
    };
    insta::assert_snapshot!(story(&world, told), @"
    414 terminating Pod default/a grace 30s
    560 kubelet-up Node n1
    561 containers-stopped Pod default/a on n1
    561 deleted Pod default/a was on n1
    ");
}

#[test]
fn containers_that_exit_under_a_hung_kubelet_are_started_again_when_it_is_back() {
    let mut pod = Pod::clone(pod("a").of::<Pod>().unwrap());
    pod.meta.annotations.insert(RUN_FOR, "30s");
    let mut config = with(&[], 120, vec![planned("kubelet.hang", "", 20, Some(40), "n0 n1 n2")]);
    config.manifests = vec![pod.into()];
    let world = ran(config);
    let told = |fact: &Fact| {
        matches!(fact, Fact::ContainersStarted { .. } | Fact::ContainersStopped { .. } | Fact::KubeletUp(_))
    };
    insta::assert_snapshot!(story(&world, told), @"
    5 containers-started Pod default/a on n1, images pulled for 4s
    35 containers-stopped Pod default/a on n1
    60 kubelet-up Node n0
    60 kubelet-up Node n1
    60 kubelet-up Node n2
    61 containers-started Pod default/a on n1
    91 containers-stopped Pod default/a on n1
    91 containers-started Pod default/a on n1
    ");
}

#[test]
fn a_hang_outlasts_a_reboot() {
    let faults = vec![planned("kubelet.hang", "", 20, Some(100), "n1"), planned("node.reboot", "", 40, None, "n1")];
    let world = ran(with(&["a", "b", "c"], 200, faults));
    insta::assert_snapshot!(story(&world, is_of_machine), @"
    20 kubelet-down Node n1
    40 machine-down Node n1
    70 machine-up Node n1
    120 kubelet-up Node n1
    ");
    assert_eq!(is_ready(&world, "n1"), Some(ConditionStatus::True));
}

#[test]
fn on_a_slow_machine_everything_takes_longer_by_all_factors() {
    let slow = |factor: &str, lasts| planned("node.slow", &format!("factor={factor}"), 0, Some(lasts), "n0 n1 n2");
    let started = |events: Vec<Planned>| {
        let world = ran(with(&["a"], 200, events));
        let told = |fact: &Fact| matches!(fact, Fact::ContainersStarted { .. } | Fact::ContainersReady { .. });
        let facts = world.recorder().facts.iter().filter(|recorded| told(&recorded.fact));
        facts.map(|recorded| (recorded.at.as_secs_f64() * 10.0).round() / 10.0).collect::<Vec<_>>()
    };
    assert_eq!(started(vec![]), [4.5, 5.5]);
    assert_eq!(started(vec![slow("2", 100), slow("3", 100)]), [27.0, 33.0]);
    // What has begun takes its time; what begins later is as fast as ever.
    assert_eq!(started(vec![slow("2", 100), slow("3", 10)]), [27.0, 29.0]);
    let reboot = vec![slow("2", 100), planned("node.reboot", "", 60, None, "n1")];
    let world = ran(with(&[], 200, reboot));
    assert_eq!(story(&world, is_of_machine), "60 machine-down Node n1\n120 machine-up Node n1");
}

/// Everything that may break breaks on one node, twice, in overlapping times; then it is as good as new.
#[test]
fn faults_of_all_kinds_compose() {
    let parameters = |name: &str| match name {
        "node.slow" | "image-registry.slow" => "factor=3",
        "link.slow" => "latency=50ms factor=10",
        "link.lossy" => "loss=20%",
        "node.disk-pressure" => "evict=1",
        "power.loss" => "jitter=5s stagger=10s",
        _ => "",
    };
    let lasting: Vec<_> = fault::REGISTRY.iter().filter(|row| row.end.is_some()).map(|row| row.name).collect();
    for seed in 0..30 {
        let mut events = Vec::new();
        for (index, name) in lasting.iter().enumerate() {
            for round in 0..2 {
                let start = 30 + (seed * 7 + index as u64 * 13 + round * 31) % 90;
                let mut fault = planned(name, parameters(name), start, Some(20 + (seed + round * 40) % 70), "n1");
                fault.id = format!("{name}-{round}").into();
                events.push(fault);
            }
        }
        events.push(planned("node.reboot", "", 50 + seed, None, "n1"));
        let mut config = with(&["a", "b", "c"], 900, events);
        config.seed = seed;
        let mut world = World::new(config);
        world.run();
        assert_eq!(world.audit(), Ok(()));
        let machine = &world.ground[world.ground.find("n1").unwrap()];
        assert!(machine.is_on && machine.disk_pressure.is_empty());
        assert_eq!((machine.outages, machine.hangs, machine.cut_since), (0, 0, None));
        assert_eq!((machine.up.clone(), machine.down.clone(), machine.slow.clone()), Default::default());
        assert_eq!(world.ground.registry, Default::default());
        assert_eq!(is_ready(&world, "n1"), Some(ConditionStatus::True), "seed {seed}");
        assert_eq!(world.open_events, 0);
    }
}
