//! Whole small runs, built by hand.

use super::config::{Config, Happening, Planned, Start, Stop};
use super::world::{Missed, World};
use crate::action::{Action, Cordon, DeletePods};
use crate::fault;
use crate::kernel::dist::Delay;
use crate::kernel::time::{Span, Time};
use crate::object::behavior::{CONTAINER_START, EXIT_CODE, READY_AFTER, RUN_FOR};
use crate::object::condition::ConditionStatus;
use crate::object::fact::Verb;
use crate::object::pod::{Container, PodSpec, RestartPolicy};
use crate::object::quantity::Quantity;
use crate::object::resources::{CPU, MEMORY, PODS, ResourceList};
use crate::object::{
    DelayId, Delays, Fact, Key, Kind, Lease, Meta, Node, Object, Phase, Pod, SettingId, Settings, Target, Timestamp,
};
use crate::record::Detail;
use std::sync::Arc;

fn list(pairs: &[(&str, i64)]) -> ResourceList {
    let mut list = ResourceList::default();
    pairs.iter().for_each(|&(name, units)| list.set(name, Quantity::from_units(units)));
    list
}

pub(super) fn node(name: &str) -> Node {
    Node {
        meta: Meta::new(Key::cluster(name)),
        capacity: list(&[(CPU, 4), (MEMORY, 8 << 30), (PODS, 110)]),
        ..Node::default()
    }
}

pub(super) fn pod(name: &str) -> Object {
    let container = Container { name: "c".into(), image: "app:1".into(), ..Container::default() };
    let spec = Arc::new(PodSpec { containers: vec![container], ..PodSpec::default() });
    Pod { meta: Meta::new(Key::new("default", name)), spec, ..Pod::default() }.into()
}

pub(super) fn config(seed: u64, pods: &[&str]) -> Config {
    Config {
        seed,
        epoch: Timestamp(1_795_543_200),
        settings: Settings::default(),
        delays: Delays::default(),
        nodes: ["n0", "n1", "n2"].map(node).to_vec(),
        manifests: pods.iter().map(|name| pod(name)).collect(),
        start: Start::Empty,
        events: Vec::new(),
        until: Time::ZERO + Span::from_secs(120),
        stop: Stop::Time,
        hold: Span::from_secs(10),

        record: Detail::Full,
    }
}

pub(super) fn planned(name: &str, at: u64, lasts: Option<u64>, node: &str) -> Planned {
    let row = fault::REGISTRY.iter().find(|row| row.name == name).unwrap();
    Planned {
        id: name.into(),
        at: Time::ZERO + Span::from_secs(at),
        what: Happening::Fault {
            name: row.name,
            fault: (row.build)(&Default::default()).unwrap(),
            target: Target::node(node),
            lasts: lasts.map(Span::from_secs),
            jitter: Span::ZERO,
            stagger: Span::ZERO,
        },
    }
}

/// Somebody does this, to no target.
pub(super) fn acts(action: impl Action + 'static) -> Happening {
    Happening::Action { name: "", action: Arc::new(action), target: Target::Cluster }
}

pub(super) fn ran(config: Config) -> World {
    let mut world = World::new(config);
    world.run();
    assert_eq!(world.audit(), Ok(()));
    assert_eq!(world.refused(), []);
    world
}

pub(super) fn at(seconds: u64) -> Time {
    Time::ZERO + Span::from_secs(seconds)
}

#[test]
fn a_pod_is_placed_started_and_ready() {
    let world = ran(config(1, &["web"]));
    let pod = world.objects::<Pod>().next().unwrap();
    assert_eq!(pod.status.phase, Phase::Running);
    assert!(pod.is_ready() && !pod.node_name.is_empty() && pod.status.ip.is_some());
}

#[test]
fn a_machine_that_comes_back_starts_its_pods_again_in_place() {
    let mut config = config(1, &["a", "b", "c"]);
    config.until = Time::ZERO + Span::from_secs(200);
    config.events = vec![planned("node.crash", 40, Some(20), "n1")];
    let world = ran(config);
    let pods: Vec<_> = world.objects::<Pod>().filter(|pod| pod.node_name == "n1").collect();
    assert!(!pods.is_empty());
    for pod in pods {
        assert!(pod.is_ready());
        assert_eq!(pod.status.containers[0].restart_count, 1);
    }
    assert!(world.objects::<Node>().all(|node| node.ready() == Some(ConditionStatus::True)));
}

#[test]
fn a_kubelet_that_is_cut_off_renews_nothing_until_it_is_back() {
    let mut config = config(1, &["a"]);
    config.events = vec![planned("node.partition", 20, Some(30), "n2")];
    let mut world = World::new(config);
    let renewed = |world: &World| world.objects::<Lease>().find(|lease| lease.holder == "n2").unwrap().renew_time;
    world.run_until(Time::ZERO + Span::from_secs(21));
    let before = renewed(&world);
    world.run_until(Time::ZERO + Span::from_secs(49));
    assert_eq!(renewed(&world), before);
    world.run();
    assert!(renewed(&world) > before);
    assert_eq!(world.audit(), Ok(()));
}

#[test]
fn the_same_seed_gives_the_same_digest_and_another_seed_other_phases() {
    let hex = |seed| ran(config(seed, &["a", "b"])).digest().hex();
    assert_eq!(hex(1), hex(1));
    assert_ne!(hex(1), hex(2));
}

#[test]
fn a_clone_runs_on_to_the_same_digest() {
    let mut config = config(3, &["a", "b", "c"]);
    config.events = vec![planned("node.crash", 15, Some(20), "n0"), planned("node.partition", 30, Some(40), "n2")];
    let whole = ran(config.clone());
    let mut world = World::new(config);
    for second in [0, 1, 3, 14, 16, 33, 61, 100] {
        world.run_until(Time::ZERO + Span::from_secs(second));
        let mut branch = world.clone();
        branch.run();
        assert_eq!(branch.digest().hex(), whole.digest().hex(), "cloned at {second} s");
    }
}

#[test]
fn an_added_idle_pod_moves_no_other_draw() {
    let story = |pods: &[&str]| {
        let mut config = config(5, pods);
        config.until = Time::ZERO + Span::from_secs(60);
        let world = ran(config);
        let renewals: Vec<_> = world.objects::<Lease>().map(|lease| (lease.holder.clone(), lease.renew_time)).collect();
        let uids: Vec<_> = world.objects::<Pod>().map(|pod| (pod.meta.key.clone(), pod.meta.uid)).collect();
        let facts: Vec<_> =
            world.recorder().facts.iter().map(|recorded| (recorded.at, recorded.fact.in_words())).collect();
        let without_idle = |name: &str| !name.ends_with("/idle");
        (
            renewals,
            uids.into_iter().filter(|(key, _)| without_idle(&key.to_string())).collect::<Vec<_>>(),
            facts.into_iter().filter(|(_, (_, object, _))| without_idle(object)).collect::<Vec<_>>(),
        )
    };
    // It is applied last, so it delays nobody: every moment of the others is the same, to the microsecond.
    let (alone, beside) = (story(&["a", "b"]), story(&["a", "b", "idle"]));
    assert!(alone.2.len() > 10);
    assert_eq!(alone, beside);
}

#[test]
fn a_fault_that_hits_nothing_says_so() {
    let mut config = config(1, &["a"]);
    config.events = vec![planned("node.crash", 10, None, "n9")];
    let missed = ran(config).missed().to_vec();
    assert_eq!(missed, [Missed { id: "node.crash".into(), why: "no node matched node n9".into() }]);
}

#[test]
fn the_audit_finds_books_that_do_not_balance() {
    let world = ran(config(1, &["a", "b"]));
    let finds = |cook: &dyn Fn(&mut World), words: &str| {
        let mut cooked = world.clone();
        cook(&mut cooked);
        let broken = cooked.audit().expect_err(words).join("; ");
        assert!(broken.contains(words), "{broken}");
    };
    finds(&|world| world.counters.sent += 1, "requests were sent");
    finds(&|world| world.watchers.clear(), "has no owner");
    finds(
        &|world| {
            let [first, second] = ["n0", "n1"].map(|name| world.ground.find(name).unwrap());
            let sandboxes =
                world.ground.iter().find(|(_, machine)| !machine.sandboxes.is_empty()).unwrap().1.sandboxes.clone();
            world.ground[first].sandboxes = sandboxes.clone();
            world.ground[second].sandboxes = sandboxes;
        },
        "runs on n0 and on n1",
    );
    finds(
        &|world| {
            let pod = world.objects::<Pod>().next().unwrap().clone();
            let mut greedy = Pod::clone(&pod);
            let mut requests = ResourceList::default();
            requests.set(CPU, Quantity::from_units(99));
            Arc::make_mut(&mut greedy.spec).containers[0].requests = requests;
            world.server.store.put(greedy.into(), crate::object::FactId::NONE);
        },
        "ask for more than it has",
    );
}

#[test]
fn machines_that_join_register_and_take_pods_once_they_are_ready() {
    let mut config = config(1, &["a", "b"]);
    config.nodes.truncate(0);
    config.delays.set(DelayId::NodeBoot, Delay::Constant(Span::from_secs(5)));
    config.delays.set(DelayId::NodeReady, Delay::Constant(Span::from_secs(2)));
    config.events = vec![Planned { id: "more".into(), at: at(30), what: Happening::Join(vec![node("n7")]) }];
    let world = ran(config);
    let story: Vec<String> = world
        .recorder()
        .facts
        .iter()
        .filter(|recorded| matches!(&recorded.fact, Fact::Commit { kind: Kind::Node, .. } | Fact::Acted { .. }))
        .map(|recorded| {
            let (verb, about, rest) = recorded.fact.in_words();
            format!("{:.0} {verb} {about} {rest}", recorded.at.as_secs_f64())
        })
        .collect();
    insta::assert_snapshot!(story.join("\n"), @r"
    30 acted more machines join: n7
    35 created Node n7 
    37 updated Node n7 Ready=True
    37 updated Node n7 -node.kubernetes.io/not-ready:NoSchedule
    ");
    let pods: Vec<_> = world.objects::<Pod>().map(|pod| (pod.node_name.as_str(), pod.is_ready())).collect();
    assert_eq!(pods, [("n7", true), ("n7", true)]);
}

#[test]
fn a_machine_joins_only_once() {
    let mut config = config(1, &[]);
    config.events = vec![Planned { id: "more".into(), at: at(30), what: Happening::Join(vec![node("n1")]) }];
    assert_eq!(ran(config).missed()[0].why, "there is a machine called n1 already");
}

#[test]
fn people_act_through_the_api() {
    let mut config = config(1, &["a", "b"]);
    let all = DeletePods {
        namespace: "default".into(),
        selector: Default::default(),
        on: None,
        count: Some(1),
        grace_seconds: None,
    };
    let cordon = Cordon { node: "n0".into(), on: true };
    config.events = vec![
        Planned { id: "less".into(), at: at(60), what: acts(all) },
        Planned { id: "cordon".into(), at: at(60), what: acts(cordon) },
        Planned { id: "nobody".into(), at: at(61), what: acts(Cordon { node: "n9".into(), on: true }) },
    ];
    let world = ran(config);
    assert_eq!(world.objects::<Pod>().map(|pod| pod.meta.name().as_str()).collect::<Vec<_>>(), ["b"]);
    assert!(world.objects::<Node>().any(|node| node.unschedulable));
    assert_eq!(world.missed(), [Missed { id: "nobody".into(), why: "there is no Node n9".into() }]);
    let acted = world.recorder().facts.iter().position(|recorded| matches!(recorded.fact, Fact::Acted { .. }));
    let deleted = world
        .recorder()
        .facts
        .iter()
        .find(|recorded| matches!(&recorded.fact, Fact::Commit { verb: Verb::Terminating, kind: Kind::Pod, .. }));
    assert_eq!(deleted.map(|recorded| recorded.why.cause.0 as usize), acted);
}

/// What a pod's annotations say of its containers.
#[test]
fn containers_exit_and_are_started_again_or_end_their_pod() {
    let mut always = Pod::clone(pod("always").of::<Pod>().unwrap());
    for (key, value) in [(RUN_FOR, "5s"), (EXIT_CODE, "1"), (CONTAINER_START, "1s"), (READY_AFTER, "never")] {
        always.meta.annotations.insert(key, value);
    }
    let mut once = always.clone();
    once.meta.key = Key::new("default", "once");
    Arc::make_mut(&mut once.spec).restart_policy = RestartPolicy::Never;
    let mut config = config(1, &[]);
    config.delays.set(DelayId::ImagePull, Delay::Constant(Span::ZERO));
    config.settings.set(SettingId::PodWorkerJitter, 0);
    config.manifests = vec![always.into(), once.into()];
    let world = ran(config);
    let pods: Vec<_> = world.objects::<Pod>().map(|pod| (pod.status.phase, pod.is_ready())).collect();
    assert_eq!(pods, [(Phase::Running, false), (Phase::Failed, false)]);
    let starts = world.recorder().facts.iter().filter_map(|recorded| match &recorded.fact {
        Fact::ContainersStarted { pod, .. } if pod.name == "always" => Some(recorded.at.as_secs_f64().round()),
        _ => None,
    });
    // 5 s of running and 1 s of starting each; waits of 0, 10, 20 and 40 s.
    assert_eq!(starts.collect::<Vec<_>>(), [1.0, 7.0, 23.0, 49.0, 95.0]);
}
