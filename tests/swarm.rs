//! Random small runs: the seed draws the cluster, the workloads, the delays and what goes wrong, and nothing impossible
//! may happen. `EVENKEEL_CASES` sets how many runs there are.

#![allow(clippy::disallowed_methods)] // a test may read its environment

use evenkeel::cluster::{Config, Happening, Planned, Start, Stop, World};
use evenkeel::fault;
use evenkeel::kernel::dist::Delay;
use evenkeel::kernel::rng::{Draws, Purpose};
use evenkeel::kernel::time::{Span, Time};
use evenkeel::object::deployment::DeploymentSpec;
use evenkeel::object::field::{Parameters, Value};
use evenkeel::object::pod::{Container, PodSpec, RestartPolicy};
use evenkeel::object::quantity::Quantity;
use evenkeel::object::replicaset::{PodTemplate, ReplicaSetSpec};
use evenkeel::object::resources::{CPU, MEMORY, PODS, ResourceList};
use evenkeel::object::service::ServicePort;
use evenkeel::object::target::{Filter, Target};
use evenkeel::object::{
    DelayId, Delays, Deployment, Key, Kind, Labels, Meta, Node, Object, Pod, ReplicaSet, Selector, Service, Settings,
    Timestamp,
};
use evenkeel::record::Detail;
use evenkeel::record::converge::Stretches;
use evenkeel::record::workloads::workload_name;
use rayon::prelude::*;
use std::sync::Arc;

const CASES: u64 = 1_000;
/// Events between two audits of one run.
const AUDIT_EVERY: u64 = 500;

#[test]
fn nothing_impossible_happens_in_random_runs() {
    let cases = std::env::var("EVENKEEL_CASES").ok().map_or(CASES, |text| text.parse().expect("a number of cases"));
    let broken: Vec<String> = (0..cases).into_par_iter().filter_map(|seed| run(seed).err()).collect();
    assert!(broken.is_empty(), "{} of {cases} runs broke:\n{}", broken.len(), broken.join("\n"));
}

/// Random runs that do nothing would hold every invariant.
#[test]
fn most_runs_place_pods_and_have_outages() {
    let worlds: Vec<World> = (0..100)
        .map(|seed| {
            let mut world = World::new(Dice::new(seed).config());
            world.run();
            world
        })
        .collect();
    let count = |holds: fn(&World) -> bool| worlds.iter().filter(|world| holds(world)).count();
    assert!(count(|world| world.recorder().workloads.placed > 0) > 80);
    assert!(count(|world| !world.recorder().outages.all.is_empty()) > 40);
    assert!(count(|world| world.recorder().workloads.pods().any(|(_, pod)| pod.is_serving)) > 70);
    for row in fault::REGISTRY {
        let struck = |world: &&World| {
            world.recorder().facts.iter().any(|recorded| {
                let (what, _, rest) = recorded.fact.in_words();
                what == "fault-began" && rest.split(' ').next() == Some(row.name)
            })
        };
        assert!(worlds.iter().filter(struck).count() > 5, "{} strikes too seldom", row.name);
    }
}

/// What is settled stays as it is, whatever it is.
#[test]
fn without_events_a_settled_cluster_writes_nothing_but_signs_of_life() {
    let moved = |seed| {
        // With the longest delays nodes fall silent by themselves.
        let usual =
            Config { delays: Delays::default(), events: Vec::new(), stop: Stop::Time, ..Dice::new(seed).config() };
        let config = Config { start: Start::Settled, ..usual };
        let mut world = World::new(config);
        let objects = |world: &World| {
            let kinds = [Kind::Deployment, Kind::ReplicaSet, Kind::Pod, Kind::Service, Kind::EndpointSlice];
            kinds.map(|kind| world.store().table(kind).iter().cloned().collect::<Vec<_>>())
        };
        let (before, is_settled) = (objects(&world), world.unsettled().is_empty());
        assert!(is_settled == world.recorder().converged_since().is_some(), "seed {seed}");
        world.run();
        let is_same = objects(&world) == before && world.audit() == Ok(());
        (!is_same).then(|| format!("seed {seed}: {before:#?} and then {:#?}", objects(&world)))
    };
    let moved: Vec<String> = (0..200).into_par_iter().filter_map(moved).collect();
    assert!(moved.is_empty(), "{} of 200 moved, as {}", moved.len(), moved[0]);
}

fn run(seed: u64) -> Result<(), String> {
    let mut world = World::new(Dice::new(seed).config());
    let check = |world: &World| {
        world.audit().map_err(|broken| format!("seed {seed} at {}: {}", world.now(), broken.join("; ")))
    };
    while world.step() {
        if world.events().is_multiple_of(AUDIT_EVERY) {
            check(&world)?;
        }
    }
    check(&world)?;
    stretches(&world).map_err(|wrong| format!("seed {seed}: {wrong}"))?;
    if seed.is_multiple_of(10) {
        let mut again = World::new(Dice::new(seed).config());
        again.run();
        if again.digest() != world.digest() {
            return Err(format!("seed {seed}: a second run differs"));
        }
    }
    Ok(())
}

/// Times during which something was as wanted lie one after another within the run, with time between them, and the last is
/// open if and only if it still is.
fn stretches(world: &World) -> Result<(), String> {
    let (workloads, end) = (&world.recorder().workloads, world.now());
    let each = workloads.iter().map(|(id, workload)| (workload_name(id), &workload.converged));
    for (name, converged) in std::iter::once(("all".to_string(), workloads.all_converged())).chain(each) {
        let found = Stretches::of(converged, end);
        let mut before = None;
        for stretch in &found.all {
            let to = stretch.to.unwrap_or(end);
            if before.is_some_and(|before| before >= stretch.from) || to < stretch.from || to > end {
                return Err(format!("{name}: {stretch:?} after {before:?}, the end is {end}"));
            }
            if stretch.held != to.since(stretch.from) || stretch.to == Some(stretch.from) {
                return Err(format!("{name}: {stretch:?} did not last so long"));
            }
            // A stretch that is open has none after it.
            before = Some(stretch.to.unwrap_or(Time::from_micros(u64::MAX)));
        }
        if found.total() > end.since(Time::ZERO) {
            return Err(format!("{name}: as wanted for {} of {end}", found.total()));
        }
        if found.since().is_some() != (converged.value() == 1) {
            return Err(format!("{name}: the last stretch is {:?}, and it is {}", found.all.last(), converged.value()));
        }
    }
    // All together are as wanted exactly while each is.
    let is_all = workloads.iter().all(|(_, workload)| workload.converged.value() == 1);
    let has_any = workloads.iter().next().is_some();
    if has_any && workloads.converged_since().is_some() != is_all {
        return Err(format!("each is as wanted: {is_all}, all together: {:?}", workloads.converged_since()));
    }
    // Longhand: what is counted step by step is what there is at the end.
    for (id, workload) in workloads.iter() {
        let own = workloads.pods().filter(|(_, pod)| pod.workload.as_ref() == Some(id));
        let actual = own.filter(|(_, pod)| pod.is_ready && pod.is_serving && pod.is_current).count() as i64;
        if actual != workload.actual.value() {
            return Err(format!(
                "{}: {actual} pods are actual, {} counted",
                workload_name(id),
                workload.actual.value()
            ));
        }
    }
    Ok(())
}

/// Draws a scenario.
struct Dice {
    draws: Draws,
    thrown: u64,
}

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice { draws: Draws::new(seed), thrown: 0 }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.thrown += 1;
        self.draws.below(Purpose::Test, "swarm", self.thrown, bound)
    }

    fn config(&mut self) -> Config {
        let nodes = 1 + self.below(5);
        let minutes = 2 + self.below(10);
        let manifests = (0..1 + self.below(3)).flat_map(|index| self.workload(index)).collect();
        Config {
            seed: self.draws.seed(),
            epoch: Timestamp(1_795_543_200),
            settings: Settings::default(),
            delays: self.delays(),
            nodes: (0..nodes).map(|index| self.node(index)).collect(),
            manifests,
            start: if self.draws.seed().is_multiple_of(3) { Start::Settled } else { Start::Empty },
            events: (0..self.below(7)).map(|index| self.fault(index, nodes, minutes)).collect(),
            until: Time::ZERO + Span::from_secs(60 * minutes),
            stop: if self.below(2) == 0 { Stop::Time } else { Stop::Converged },
            hold: Span::from_secs(10),

            record: Detail::Full,
        }
    }

    fn delays(&mut self) -> Delays {
        let mut delays = Delays::default();
        for &id in DelayId::ALL {
            let longest = [1, 100, 20_000][self.below(3) as usize];
            match self.below(6) {
                0 => delays.set(id, Delay::NONE),
                1 => delays.set(id, Delay::Exponential { mean: Span::from_millis(1 + self.below(longest)) }),
                _ => {}
            }
        }
        delays
    }

    fn node(&mut self, index: u64) -> Node {
        let mut node = Node { meta: Meta::new(Key::cluster(format!("n{index}"))), ..Node::default() };
        if self.below(2) == 0 {
            node.meta.labels.insert("topology.kubernetes.io/zone", format!("z{}", self.below(2)));
        }
        node.unschedulable = self.below(8) == 0;
        node.capacity.set(CPU, Quantity::from_units(1 + self.below(4) as i64));
        node.capacity.set(MEMORY, Quantity::from_units((1 + self.below(4) as i64) << 30));
        node.capacity.set(PODS, Quantity::from_units(3 + self.below(100) as i64));
        node
    }

    fn workload(&mut self, index: u64) -> Vec<Object> {
        let name = format!("w{index}");
        let labels: Labels = [("app", name.as_str())].into_iter().collect();
        let replicas = Some(self.below(9) as i32);
        let template =
            PodTemplate { labels: labels.clone(), spec: Arc::new(self.pod_spec()), ..PodTemplate::default() };
        let meta = Meta::new(Key::new("default", name.as_str()));
        let selector = Selector::of(labels.clone());
        let min_ready_seconds = self.below(4) as i32 / 3 * 5;
        let workload = match self.below(4) {
            0 => {
                let spec = Arc::new(self.pod_spec());
                Pod { meta: Meta { labels: labels.clone(), ..meta }, spec, ..Pod::default() }.into()
            }
            1 => {
                let spec = ReplicaSetSpec { replicas, min_ready_seconds, selector, template };
                ReplicaSet { meta, spec, ..ReplicaSet::default() }.into()
            }
            _ => {
                let spec =
                    DeploymentSpec { replicas, min_ready_seconds, selector, template, ..DeploymentSpec::default() };
                Deployment { meta, spec, ..Deployment::default() }.into()
            }
        };
        let service = Service {
            meta: Meta::new(Key::new("default", name.as_str())),
            selector: labels,
            ports: vec![ServicePort { port: 80, ..ServicePort::default() }],
            ..Service::default()
        };
        let with_service = self.below(2) == 0;
        std::iter::once(workload).chain(with_service.then(|| service.into())).collect()
    }

    fn pod_spec(&mut self) -> PodSpec {
        let mut requests = ResourceList::default();
        if self.below(4) > 0 {
            requests.set(CPU, Quantity::from_milli(50 * self.below(20) as i64));
            requests.set(MEMORY, Quantity::from_units((self.below(16) as i64) << 26));
        }
        PodSpec {
            containers: vec![Container {
                name: "c".into(),
                image: format!("app:{}", self.below(3)).into(),
                requests,
                ..Container::default()
            }],
            restart_policy: RestartPolicy::Always,
            termination_grace_seconds: Some(self.below(40) as i64),
            ..PodSpec::default()
        }
    }

    fn fault(&mut self, index: u64, nodes: u64, minutes: u64) -> Planned {
        let row = &fault::REGISTRY[self.below(fault::REGISTRY.len() as u64) as usize];
        let mut parameters = Parameters::new();
        let factor = 1 + self.below(20);
        for field in row.parameters {
            let value = match field.name {
                "direction" => ["both", "up", "down"][self.below(3) as usize].to_string(),
                "factor" => format!("{factor}.5"),
                "latency" => format!("{}ms", [1, 100, 15_000][self.below(3) as usize] * self.below(2)),
                "loss" => format!("{}%", self.below(100)),
                "evict" => self.below(4).to_string(),
                "graceful" => "false".to_string(),
                other => panic!("no value for `{other}` of {}", row.name),
            };
            parameters.insert(field.name, Value::Text(value));
        }
        let target = match self.below(4) {
            _ if !row.has_target => Target::Cluster,
            0 => Target::of(Filter::Zone(format!("z{}", self.below(2)).into())),
            _ => Target::node(format!("n{}", self.below(nodes))),
        };
        Planned {
            id: format!("fault-{index}").into(),
            at: Time::ZERO + Span::from_secs(self.below(60 * minutes)),
            what: Happening::Fault {
                name: row.name,
                fault: (row.build)(&parameters).expect("its parameters are right"),
                target,
                lasts: (row.end.is_some() && self.below(4) > 0).then(|| Span::from_secs(self.below(200))),
                jitter: Span::from_secs(self.below(2) * self.below(60)),
                stagger: Span::from_secs(self.below(2) * self.below(60)),
            },
        }
    }
}
