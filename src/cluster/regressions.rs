//! Bugs that were found once, as named cases.

use super::tests::{at, config, node, planned, pod, ran};
use super::{Config, Happening, Planned, Stop, World};
use crate::fault;
use crate::kernel::time::Span;
use crate::object::fact::Why;
use crate::object::field::Value;
use crate::object::pod::{Container, PodSpec};
use crate::object::replicaset::{PodTemplate, ReplicaSetSpec};
use crate::object::{
    Event, Fact, FactId, Key, Kind, Labels, Lease, Meta, Name, Node, Object, Pod, ReplicaSet, Selector,
};
use crate::record::Recorder;
use std::sync::Arc;

fn partition(start: u64, lasts: Option<u64>, node: &str, direction: &str) -> Planned {
    let row = fault::REGISTRY.iter().find(|row| row.name == "node.partition").unwrap();
    let parameters = [("direction", Value::Text(direction.to_string()))].into();
    let mut planned = planned("node.partition", start, lasts, node);
    planned.id = format!("cut-{node}-{start}").into();
    let Happening::Fault { fault, .. } = &mut planned.what else { panic!("a partition is a fault") };
    *fault = (row.build)(&parameters).unwrap();
    planned
}

pub(super) fn web(replicas: i32) -> Object {
    let labels: Labels = [("app", "web")].into_iter().collect();
    let container = Container { name: "c".into(), image: "app:1".into(), ..Container::default() };
    let spec = Arc::new(PodSpec { containers: vec![container], ..PodSpec::default() });
    ReplicaSet {
        meta: Meta::new(Key::new("default", "web")),
        spec: ReplicaSetSpec {
            replicas: Some(replicas),
            selector: Selector::of(labels.clone()),
            template: PodTemplate { labels, spec, ..PodTemplate::default() },
            ..ReplicaSetSpec::default()
        },
        ..ReplicaSet::default()
    }
    .into()
}

fn with(seed: u64, manifests: Vec<Object>, until: u64, events: Vec<Planned>) -> Config {
    Config { manifests, until: at(until), events, ..config(seed, &[]) }
}

fn is_on(world: &World, name: &str) -> bool {
    world.ground[world.ground.find(name).unwrap()].is_on
}

#[test]
fn short_cuts_do_not_multiply_the_rounds_of_a_lease() {
    let faults = (0..5).map(|n| partition(20 + 30 * n, Some(2), "n2", "both")).collect();
    let mut world = World::new(with(1, vec![pod("a")], 600, faults));
    let versions = |world: &World| {
        ["n1", "n2"].map(|name| world.objects::<Lease>().find(|lease| lease.holder == name).unwrap().meta.version)
    };
    world.run_until(at(300));
    let before = versions(&world);
    world.run_until(at(500));
    let [undisturbed, cut] = std::array::from_fn(|index| versions(&world)[index] - before[index]);
    assert!(cut <= undisturbed + 1, "{undisturbed} renewals without cuts, {cut} after five");
}

#[test]
fn a_machine_stays_down_while_any_crash_holds() {
    let crash = |start, lasts| planned("node.crash", start, lasts, "n1");
    for faults in [vec![crash(10, Some(30)), crash(20, Some(200))], vec![crash(10, Some(30)), crash(45, None)]] {
        let mut world = World::new(with(1, vec![pod("a")], 250, faults));
        world.run_until(at(150));
        assert!(!is_on(&world, "n1"));
    }
}

#[test]
fn a_link_stays_cut_while_any_partition_holds() {
    let faults = vec![partition(10, Some(200), "n1", "up"), partition(20, Some(10), "n1", "down")];
    let mut world = World::new(with(1, vec![pod("a")], 250, faults));
    let cuts = |world: &World| {
        let machine = &world.ground[world.ground.find("n1").unwrap()];
        (machine.up.cuts, machine.down.cuts)
    };
    world.run_until(at(25));
    assert_eq!(cuts(&world), (1, 1));
    world.run_until(at(100));
    assert_eq!(cuts(&world), (1, 0));
    world.run();
    assert_eq!(cuts(&world), (0, 0));
}

#[test]
fn a_run_does_not_stop_before_a_cut_is_noticed() {
    for direction in ["both", "up", "down"] {
        for seed in 0..40 {
            let faults = vec![partition(60, None, "n1", direction)];
            let world = ran(Config { stop: Stop::Converged, ..with(seed, vec![web(3)], 900, faults) });
            let outage = &world.recorder().outages.all[0];
            assert!(outage.noticed().is_some(), "{direction}, seed {seed}, stopped at {}", world.now());
        }
    }
}

#[test]
fn a_node_that_hears_nothing_is_given_up_once() {
    let world = ran(with(6, vec![web(6)], 1_500, vec![partition(60, None, "n1", "down")]));
    let changes = world.recorder().facts.iter().filter(|recorded| {
        let (_, object, detail) = recorded.fact.in_words();
        object == "Node n1" && detail.contains("Ready=")
    });
    assert_eq!(changes.count(), 1);
}

#[test]
fn replacements_belong_to_their_own_outage() {
    let faults = vec![planned("node.crash", 60, None, "n0"), planned("node.crash", 260, None, "n1")];
    let world = ran(with(3, vec![web(6)], 900, faults));
    let recorder = world.recorder();
    for outage in &recorder.outages.all {
        let [noticed, _, evicted, replaced, placed, _, ready, ..] =
            outage.milestones(&outage.rows[0], &recorder.workloads, Span::from_secs(10), world.now());
        let moments = [noticed, evicted, replaced, placed, ready].map(|moment| moment.expect("it was reached"));
        assert!(moments.is_sorted(), "{}: {moments:?}", outage.id);
    }
}

#[test]
fn two_starts_of_one_pod_are_not_two_pods() {
    let world = ran(with(3, vec![web(6)], 50, Vec::new()));
    let mut recorder = Recorder::default();
    recorder.workloads.clone_from(&world.recorder().workloads);
    recorder.outage(at(60), "crash".into(), &["n0".into()]);
    let lost: Vec<Key> = recorder.outages.all[0].rows[0].places.iter().map(|place| place.lost.clone()).collect();
    assert!(lost.len() >= 2);
    let started = |recorder: &mut Recorder, pod: &Key, second| {
        let fact = Fact::ContainersStarted {
            pod: pod.clone(),
            node: "n0".into(),
            failed: Span::ZERO,
            pulled: Span::ZERO,
            slowed: Span::ZERO,
        };
        recorder.fact(at(second), fact, Why::NOTHING);
        let outage = &recorder.outages.all[0];
        outage.milestones(&outage.rows[0], &recorder.workloads, Span::from_secs(10), at(900))[5]
    };
    assert_eq!(started(&mut recorder, &lost[0], 70), None);
    assert_eq!(started(&mut recorder, &lost[0], 80), None);
    let last = lost[1..].iter().fold(None, |_, pod| started(&mut recorder, pod, 90));
    assert_eq!(last, Some(at(90)));
}

#[test]
fn an_outage_of_a_node_that_is_known_to_be_gone_is_known_at_once() {
    let faults = vec![planned("node.crash", 60, None, "n0"), partition(200, Some(60), "n0", "both")];
    let world = ran(with(3, vec![web(6)], 900, faults));
    let second = &world.recorder().outages.all[1];
    assert_eq!((second.noticed(), second.tainted()), (Some(at(200)), Some(at(200))));
    assert!(!is_on(&world, "n0"));
}

#[test]
fn containers_that_a_crash_killed_did_not_succeed() {
    let world = ran(with(3, vec![web(6)], 900, vec![planned("node.crash", 60, Some(500), "n0")]));
    let ended: Vec<String> = world.recorder().facts.iter().map(|recorded| recorded.fact.in_words().2).collect();
    assert!(ended.iter().any(|detail| detail.contains("Failed")));
    assert!(!ended.iter().any(|detail| detail.contains("Succeeded")));
}

#[test]
fn events_are_combined_and_muted_after_a_burst() {
    let world = ran(with(3, vec![web(100)], 120, Vec::new()));
    let about_web = world.objects::<Event>().filter(|event| event.regarding == "ReplicaSet/web");
    let mut counts: Vec<u32> = about_web.map(|event| event.count).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 1, 1, 1, 1, 1, 1, 1, 16], "nine for themselves, and one for all others up to the 25th");
    let scheduled = world.objects::<Event>().filter(|event| event.reason == "Scheduled").count();
    assert_eq!(scheduled, 100);
}

#[test]
fn bare_pods_are_waited_for_and_missed() {
    let alone = ran(Config { stop: Stop::Converged, ..with(3, vec![pod("a")], 900, Vec::new()) });
    assert!(alone.now() < at(900));
    let node = alone.objects::<Pod>().next().unwrap().node_name.clone();
    let crash = planned("node.crash", 60, None, &node);
    let lost = ran(Config { stop: Stop::Converged, ..with(3, vec![pod("a")], 900, vec![crash]) });
    assert_eq!(lost.now(), at(900), "nobody replaces it");
    let row = &lost.recorder().outages.all[0].rows[0];
    assert_eq!(row.workload, (Kind::Pod, Key::new("default", "a")));
}

#[test]
fn a_list_does_not_pass_a_cut_link() {
    let mut world = World::new(with(3, vec![web(3)], 300, vec![partition(100, None, "n1", "both")]));
    world.run_until(at(101));
    let id = world.ground.find("n1").unwrap();
    let (_, watch) =
        world.stations[id.0 as usize].watches.iter().find(|(kind, _)| *kind == Kind::Pod).copied().unwrap();
    let pod = world.objects::<Pod>().find(|pod| pod.node_name == "n1").unwrap().meta.key.clone();
    world.server.store.delete(Kind::Pod, &pod, FactId::NONE);
    world.queue.push(world.now(), super::event::Event::Relist(watch));
    world.run_until(at(102));
    let agent = world.stations[id.0 as usize].agent.as_ref().unwrap();
    assert!(agent.caches.get::<Pod>(&pod).is_some());
}

#[test]
fn latencies_follow_names_and_not_numbers() {
    let story = |names: &[&str]| {
        let mut bound = Pod::clone(pod("a").of::<Pod>().unwrap());
        bound.node_name = "n2".into();
        let nodes = names.iter().map(|name| node(name)).collect();
        let world = ran(Config { nodes, ..with(5, vec![bound.into()], 60, Vec::new()) });
        let facts = world.recorder().facts.iter().map(|recorded| (recorded.at, recorded.fact.in_words()));
        facts.filter(|(_, (_, object, _))| object.ends_with("/a")).collect::<Vec<_>>()
    };
    assert_eq!(story(&["n1", "n2"]), story(&["n0", "n1", "n2"]));
}

#[test]
fn a_node_that_has_booted_reports_at_once() {
    let mut world = World::new(with(3, vec![pod("a")], 110, vec![planned("node.crash", 20, Some(1), "n0")]));
    let name: Name = "n0".into();
    let version = |world: &World| world.objects::<Node>().find(|node| *node.meta.name() == name).unwrap().meta.version;
    world.run_until(at(15));
    let before = version(&world);
    world.run_until(at(100));
    assert!(version(&world) > before);
}
