//! Holds simulated crashes and partitions against recordings of the real Kubernetes v1.36.2 control plane.
//!
//! The recordings' scalars lie in `fixtures/timelines/milestones.json`: three runs of each scenario, made with the real
//! kube-apiserver, kube-controller-manager and kube-scheduler and with emulated kubelets whose delays are set below. A
//! scenario agrees when 200 simulated seeds satisfy two rules:
//!
//! 1. *Times.* With w = max(0.5 s, 2 %): every recorded value lies in the simulated range widened by w (one run may be up
//!    to 3 s late); the simulated 10-90 % range meets the recorded range widened by w; the simulated interquartile range
//!    is at most three times as wide as that. What is present in all runs is present in at least half of the seeds, what
//!    is absent from all is absent from at least half.
//! 2. *Counts.* The ranges meet; where all runs recorded one number, at least half of the seeds give it.

use evenkeel::cluster::{Config, Happening, Planned, Stop, World};
use evenkeel::fault::{self, Target};
use evenkeel::kernel::dist::Delay;
use evenkeel::kernel::time::{Span, Time};
use evenkeel::object::condition::ConditionStatus;
use evenkeel::object::deployment::DeploymentSpec;
use evenkeel::object::fact::Verb;
use evenkeel::object::pod::{Container, PodSpec};
use evenkeel::object::quantity::Quantity;
use evenkeel::object::replicaset::PodTemplate;
use evenkeel::object::resources::{CPU, MEMORY, PODS, ResourceList};
use evenkeel::object::service::ServicePort;
use evenkeel::object::taint::{Effect, NOT_READY, Taint, Toleration, TolerationOperator, UNREACHABLE};
use evenkeel::object::{
    DelayId, Delays, Deployment, Fact, Key, Kind, Labels, Lease, Meta, Node, Object, Selector, Service, Settings,
    Timestamp,
};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

type Scalars = BTreeMap<String, f64>;

const SEEDS: u64 = 200;
const COUNTS: [&str; 4] = ["evictions", "new_pods", "max_live", "min_ready"];

/// One recorded scenario: what happens to n1, and how long its pods tolerate that.
struct Scenario {
    name: &'static str,
    toleration_seconds: Option<i64>,
    fault: &'static str,
    lasts_seconds: Option<u64>,
    duration_seconds: u64,
}

const SCENARIOS: [Scenario; 5] = [
    Scenario {
        name: "a1-crash-default-tol",
        toleration_seconds: None,
        fault: "node.crash",
        lasts_seconds: None,
        duration_seconds: 405,
    },
    Scenario {
        name: "b1-crash-tol-0",
        toleration_seconds: Some(0),
        fault: "node.crash",
        lasts_seconds: None,
        duration_seconds: 110,
    },
    Scenario {
        name: "b2-crash-tol-30",
        toleration_seconds: Some(30),
        fault: "node.crash",
        lasts_seconds: None,
        duration_seconds: 140,
    },
    Scenario {
        name: "c1-partition-25s",
        toleration_seconds: Some(30),
        fault: "node.partition",
        lasts_seconds: Some(25),
        duration_seconds: 110,
    },
    Scenario {
        name: "c2-partition-100s",
        toleration_seconds: None,
        fault: "node.partition",
        lasts_seconds: Some(100),
        duration_seconds: 180,
    },
];

const ACTION_SECONDS: u64 = 20;

#[test]
fn crashes_and_partitions_agree_with_the_recordings() {
    let recorded: serde_json::Value =
        serde_json::from_str(include_str!("fixtures/timelines/milestones.json")).expect("the fixture is JSON");
    let mut differences = Vec::new();
    for scenario in &SCENARIOS {
        let runs: Vec<Scalars> =
            recorded[scenario.name]["runs"].as_array().expect("runs").iter().map(scalars).collect();
        let simulated: Vec<Scalars> = (0..SEEDS).into_par_iter().map(|seed| simulate(scenario, seed)).collect();
        differences.extend(compare(&runs, &simulated).into_iter().map(|words| format!("{}: {words}", scenario.name)));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The rules themselves: a simulation that is a second off, too wide or short of a pod does not agree.
#[test]
fn the_rules_refuse_what_does_not_agree() {
    let runs: Vec<Scalars> =
        [10.0, 10.2, 10.4].iter().map(|&t| Scalars::from([("t".into(), t), ("evictions".into(), 2.0)])).collect();
    let spread = |low: f64, high: f64, evictions: f64| -> Vec<Scalars> {
        (0..100)
            .map(|n| {
                Scalars::from([("t".into(), low + (high - low) * f64::from(n) / 99.0), ("evictions".into(), evictions)])
            })
            .collect()
    };
    assert_eq!(compare(&runs, &spread(9.8, 10.6, 2.0)), Vec::<String>::new());
    assert!(compare(&runs, &spread(11.5, 12.0, 2.0))[0].contains("recorded"), "late");
    assert!(compare(&runs, &spread(0.0, 30.0, 2.0))[0].contains("wide"), "too wide");
    assert!(compare(&runs, &spread(9.8, 10.6, 3.0))[0].contains("evictions"), "a wrong count");
    let absent = compare(&runs, &vec![Scalars::new(); 100]);
    assert!(absent.iter().any(|words| words.contains("t is recorded")), "{absent:?}");
    let extra = compare(&[Scalars::new()], &spread(9.8, 10.6, 0.0));
    assert!(extra.iter().any(|words| words.contains("t is not recorded")), "{extra:?}");
}

fn scalars(run: &serde_json::Value) -> Scalars {
    run.as_object()
        .expect("scalars")
        .iter()
        .map(|(name, value)| (name.clone(), value.as_f64().expect("a number")))
        .collect()
}

/// What differs, in words.
fn compare(runs: &[Scalars], simulated: &[Scalars]) -> Vec<String> {
    let mut differences = Vec::new();
    let names: std::collections::BTreeSet<&String> = runs.iter().chain(simulated).flat_map(BTreeMap::keys).collect();
    for name in names {
        let is_count = COUNTS.contains(&name.as_str());
        let of = |scalars: &[Scalars]| -> Vec<f64> {
            let missing = is_count.then_some(0.0);
            let mut values: Vec<f64> =
                scalars.iter().filter_map(|scalars| scalars.get(name).copied().or(missing)).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let (recorded, values) = (of(runs), of(simulated));
        let shown = format!("recorded {recorded:?}, simulated {}", quantiles(&values));
        if is_count {
            let constant = recorded.iter().all(|value| *value == recorded[0]);
            let hits = values.iter().filter(|value| **value == recorded[0]).count();
            if !(values[0] <= recorded[recorded.len() - 1] && recorded[0] <= values[values.len() - 1]) {
                differences.push(format!("{name}: {shown}"));
            } else if constant && hits * 2 < values.len() {
                differences.push(format!("{name}: {hits} of {} seeds give {}", values.len(), recorded[0]));
            }
            continue;
        }
        let is_common = values.len() * 2 >= simulated.len();
        if recorded.len() == runs.len() && !is_common {
            differences.push(format!("{name} is recorded in all runs, but only {} seeds have it", values.len()));
        } else if recorded.is_empty() && values.len() * 2 > simulated.len() {
            differences.push(format!("{name} is not recorded, but {} seeds have it", values.len()));
        } else if !recorded.is_empty() && !values.is_empty() {
            differences.extend(compare_times(&recorded, &values).map(|why| format!("{name}: {why}: {shown}")));
        }
    }
    differences
}

fn compare_times(recorded: &[f64], values: &[f64]) -> Option<&'static str> {
    let w = |value: f64| (0.02 * value.abs()).max(0.5);
    let (low, high) = (values[0], values[values.len() - 1]);
    let outside = |value: f64, late: f64| value - late > high + w(value) || value < low - w(value);
    let misses = recorded.iter().filter(|&&value| outside(value, 0.0)).count();
    let hopeless = recorded.iter().filter(|&&value| outside(value, 3.0) && outside(value, 0.0)).count();
    let (first, last) = (recorded[0], recorded[recorded.len() - 1]);
    let (first, last) = (first - w(first), last + w(last));
    let quantile = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    if misses > 1 || hopeless > 0 {
        Some("a recorded value lies outside")
    } else if quantile(0.1) > last || quantile(0.9) < first {
        Some("the middle misses what was recorded")
    } else if quantile(0.75) - quantile(0.25) > 3.0 * (last - first) {
        Some("too wide")
    } else {
        None
    }
}

fn quantiles(values: &[f64]) -> String {
    let at = |share: f64| {
        values.get(((values.len().max(1) - 1) as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
    };
    format!("min {:.3} q10 {:.3} median {:.3} q90 {:.3} max {:.3}", at(0.0), at(0.1), at(0.5), at(0.9), at(1.0))
}

/// Runs one seed and takes the recordings' scalars from its facts.
fn simulate(scenario: &Scenario, seed: u64) -> Scalars {
    let action = Time::ZERO + Span::from_secs(ACTION_SECONDS);
    let mut world = World::new(config(scenario, seed));
    world.run_until(action);
    let lease = world.objects::<Lease>().find(|lease| lease.holder == "n1").expect("n1 has a lease");
    let last_renewal = (lease.renew_time.0 - world.clock().epoch_micros) as f64 / 1e6;
    world.run();
    assert_eq!(world.audit(), Ok(()), "{} seed {seed}", scenario.name);
    assert!(world.missed().is_empty() && world.refused().is_empty());

    let mut scalars = Scalars::new();
    let mut new_pods: Vec<Key> = Vec::new();
    let mut disrupted: Vec<Key> = Vec::new();
    let mut evictions = Vec::new();
    for recorded in &world.recorder().facts {
        let Fact::Commit { verb, kind, key, what } = &recorded.fact else { continue };
        let t = recorded.at.as_secs_f64();
        let after = recorded.at > action;
        match (kind, verb) {
            (Kind::Node, Verb::Updated) => {
                for word in what.split(", ") {
                    if let Some(status) = word.strip_prefix("Ready=") {
                        scalars.entry(format!("ready_{status}.{}", key.name)).or_insert(t);
                    } else if let Some(taint) = word.strip_prefix("+node.kubernetes.io/") {
                        scalars.entry(format!("taint.{taint}.{}", key.name)).or_insert(t);
                    } else if let Some(taint) = word.strip_prefix("-node.kubernetes.io/") {
                        scalars.insert(format!("untaint.{taint}.{}", key.name), t);
                    }
                }
            }
            (Kind::Pod, Verb::Created) if after => new_pods.push(key.clone()),
            (Kind::Pod, Verb::Updated) if after && what.contains("DisruptionTarget=True (DeletionByTaintManager)") => {
                disrupted.push(key.clone());
            }
            (Kind::Pod, Verb::Terminating) if after && disrupted.contains(key) => evictions.push(t),
            _ => {}
        }
        let became_ready = *kind == Kind::Pod && *verb == Verb::Updated && what.contains("Ready=True");
        if became_ready && new_pods.contains(key) {
            scalars.insert("last_new_pod_ready".into(), t);
        }
        if *kind == Kind::Pod && *verb == Verb::Created && after && new_pods.len() == 1 {
            scalars.insert("first_new_pod".into(), t);
        }
    }
    if let (Some(&first), Some(&last)) = (evictions.first(), evictions.last()) {
        scalars.insert("first_eviction".into(), first);
        scalars.insert("last_eviction".into(), last);
        scalars.insert("evictions".into(), evictions.len() as f64);
    }
    if let Some(&unknown) = scalars.get("ready_Unknown.n1") {
        let crash = ACTION_SECONDS as f64;
        scalars.insert("notready_after_crash.n1".into(), unknown - crash);
        scalars.insert("notready_after_last_renew.n1".into(), unknown - last_renewal);
        let (_, web) = world.recorder().workloads.find("deployment/web").expect("the workload");
        let end = world.now();
        scalars.insert("max_live".into(), web.live.max_between(action, end) as f64);
        scalars.insert("min_ready".into(), web.ready.min_between(action, end) as f64);
        if !new_pods.is_empty() {
            scalars.insert("new_pods".into(), new_pods.len() as f64);
        }
    }
    scalars
}

fn config(scenario: &Scenario, seed: u64) -> Config {
    let mut delays = Delays::default();
    let constant = |millis| Delay::Constant(Span::from_millis(millis));
    // The recorder's kubelet, and an API server on two busy cores.
    for (id, delay) in [
        (DelayId::ImagePull, constant(0)),
        (DelayId::ContainerStart, constant(2_000)),
        (DelayId::ReadyAfter, constant(1_000)),
        (DelayId::ContainerStop, constant(1_000)),
        (DelayId::KubeletReconnect, constant(0)),
        (DelayId::ApiWrite, Delay::LogNormal { median: Span::from_millis(12), p95: Span::from_millis(60) }),
    ] {
        delays.set(id, delay);
    }
    let row = fault::REGISTRY.iter().find(|row| row.name == scenario.fault).expect("a fault");
    let idle = Taint { key: "idle".into(), value: "".into(), effect: Effect::NoSchedule, time_added: None };
    let mut nodes: Vec<Node> = (0..4).map(|n| node(&format!("n{n}"), "z1", Vec::new())).collect();
    nodes.extend((0..4).map(|n| node(&format!("idle{n}"), "z2", vec![idle.clone()])));
    Config {
        seed,
        epoch: Timestamp(1_795_543_200),
        settings: Settings::default(),
        delays,
        nodes,
        manifests: vec![service(), deployment(scenario.toleration_seconds)],
        events: vec![Planned {
            id: "action".into(),
            at: Time::ZERO + Span::from_secs(ACTION_SECONDS),
            what: Happening::Fault {
                name: row.name,
                fault: (row.build)(&BTreeMap::new()).expect("no parameters"),
                target: Target::Node("n1".into()),
                lasts: scenario.lasts_seconds.map(Span::from_secs),
            },
        }],
        until: Time::ZERO + Span::from_secs(scenario.duration_seconds),
        stop: Stop::Time,
        hold: Span::from_secs(10),
    }
}

fn node(name: &str, zone: &str, taints: Vec<Taint>) -> Node {
    let mut node = Node { meta: Meta::new(Key::cluster(name)), taints, ..Node::default() };
    node.meta.labels.insert("topology.kubernetes.io/zone", zone);
    node.capacity.set(CPU, Quantity::from_units(4));
    node.capacity.set(MEMORY, Quantity::from_units(8 << 30));
    node.capacity.set(PODS, Quantity::from_units(110));
    node
}

fn service() -> Object {
    Service {
        meta: Meta::new(Key::new("default", "web")),
        selector: [("app", "web")].into_iter().collect(),
        ports: vec![ServicePort { port: 80, ..ServicePort::default() }],
        ..Service::default()
    }
    .into()
}

fn deployment(toleration_seconds: Option<i64>) -> Object {
    let labels: Labels = [("app", "web")].into_iter().collect();
    let mut requests = ResourceList::default();
    requests.set(CPU, Quantity::from_milli(100));
    requests.set(MEMORY, Quantity::from_units(64 << 20));
    let tolerations = toleration_seconds.into_iter().flat_map(|seconds| {
        [NOT_READY, UNREACHABLE].map(|key| Toleration {
            key: key.into(),
            operator: TolerationOperator::Exists,
            effect: Some(Effect::NoExecute),
            seconds: Some(seconds),
            ..Toleration::default()
        })
    });
    let spec = PodSpec {
        containers: vec![Container { name: "c".into(), image: "app:1".into(), requests, ..Container::default() }],
        tolerations: tolerations.collect(),
        ..PodSpec::default()
    };
    let template = PodTemplate { labels: labels.clone(), spec: Arc::new(spec), ..PodTemplate::default() };
    Deployment {
        meta: Meta::new(Key::new("default", "web")),
        spec: DeploymentSpec {
            replicas: Some(8),
            selector: Selector::of(labels),
            template,
            ..DeploymentSpec::default()
        },
        ..Deployment::default()
    }
    .into()
}

#[test]
fn a_node_that_was_never_hit_stays_ready() {
    let mut world = World::new(config(&SCENARIOS[0], 1));
    world.run();
    let others = world.objects::<Node>().filter(|node| node.meta.name().as_str() != "n1");
    assert!(others.map(|node| node.ready()).all(|ready| ready == Some(ConditionStatus::True)));
}
