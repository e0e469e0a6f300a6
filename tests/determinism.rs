//! The same seed gives the same bytes: twice, on one thread and on many, whatever runs beside.

use evenkeel::cluster::{Config, Happening, Planned, Start, Stop, World};
use evenkeel::fault;
use evenkeel::kernel::time::{Span, Time};
use evenkeel::object::pod::{Container, PodSpec};
use evenkeel::object::quantity::Quantity;
use evenkeel::object::replicaset::{PodTemplate, ReplicaSetSpec};
use evenkeel::object::resources::{CPU, MEMORY, PODS};
use evenkeel::object::{Delays, Key, Labels, Meta, Node, ReplicaSet, Selector, Settings, Target, Timestamp};
use evenkeel::record::Detail;
use rayon::prelude::*;
use std::sync::Arc;

fn config(seed: u64) -> Config {
    let node = |index: usize| {
        let mut node = Node { meta: Meta::new(Key::cluster(format!("n{index}"))), ..Node::default() };
        node.capacity.set(CPU, Quantity::from_units(4));
        node.capacity.set(MEMORY, Quantity::from_units(8 << 30));
        node.capacity.set(PODS, Quantity::from_units(110));
        node
    };
    let labels: Labels = [("app", "web")].into_iter().collect();
    let container = Container { name: "c".into(), image: "app:1".into(), ..Container::default() };
    let pod_spec = PodSpec { containers: vec![container], ..PodSpec::default() };
    let spec = ReplicaSetSpec {
        replicas: Some(7),
        min_ready_seconds: 0,
        selector: Selector::of(labels.clone()),
        template: PodTemplate { labels, spec: Arc::new(pod_spec), ..PodTemplate::default() },
    };
    let fault = |id: &str, name: &str, at, lasts, node: &str| {
        let row = fault::REGISTRY.iter().find(|row| row.name == name).expect("a fault");
        Planned {
            id: id.into(),
            at: Time::ZERO + Span::from_secs(at),
            what: Happening::Fault {
                name: row.name,
                fault: (row.build)(&Default::default()).expect("no parameters"),
                target: Target::node(node),
                lasts: Some(Span::from_secs(lasts)),
                jitter: Span::ZERO,
                stagger: Span::ZERO,
            },
        }
    };
    Config {
        seed,
        epoch: Timestamp(1_795_543_200),
        settings: Settings::default(),
        delays: Delays::default(),
        nodes: (0..4).map(node).collect(),
        manifests: vec![
            ReplicaSet { meta: Meta::new(Key::new("default", "web")), spec, ..ReplicaSet::default() }.into(),
        ],
        start: Start::Empty,
        events: vec![fault("crash", "node.crash", 30, 200, "n1"), fault("cut", "node.partition", 60, 400, "n2")],
        until: Time::ZERO + Span::from_secs(900),
        stop: Stop::Time,
        hold: Span::from_secs(10),
        record: Detail::Full,
    }
}

/// Everything that a run says: its digest, its facts with their causes, its tables.
fn run(seed: u64) -> String {
    let mut world = World::new(config(seed));
    world.run();
    assert_eq!(world.audit(), Ok(()));
    let recorder = world.recorder();
    format!(
        "{}\n{:#?}\n{:#?}\n{:#?}",
        world.digest().hex(),
        recorder.fact_rows(),
        recorder.timeline_rows(),
        recorder.convergence_rows(world.config().hold, world.now())
    )
}

#[test]
fn one_thread_and_many_give_the_same_bytes() {
    let seeds = 0..16;
    let alone: Vec<String> = seeds.clone().map(run).collect();
    let together: Vec<String> = seeds.into_par_iter().map(run).collect();
    assert!(alone == together);
    let mut distinct = alone.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), alone.len(), "another seed gives another run");
}

/// The digest on record holds in debug and in release, on every machine; a change of behaviour changes it on purpose.
#[test]
fn the_digest_is_the_one_on_record() {
    let mut world = World::new(config(42));
    world.run();
    insta::assert_snapshot!(world.digest().hex(), @"07df8ac65fe81a810d92f2d90c64ac92");
}
