//! From a scenario to what the cluster is made of.

use super::domain::Domains;
use super::failure::expand::{Layout, expand};
use super::schema::{Event, Moment, Pool, PoolNode, Scenario, What};
use crate::action::Apply;
use crate::cluster::{Config, Happening, Planned};
use crate::kernel::rng::Draws;
use crate::kernel::time::Time;
use crate::object::node::{LABEL_HOSTNAME, LABEL_POOL, LABEL_ZONE};
use crate::object::target::Target;
use crate::object::{Delays, Key, Labels, Meta, Node, Object, Settings};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Label with a node's operating system.
pub const LABEL_OS: &str = "kubernetes.io/os";
/// Label with a node's architecture.
pub const LABEL_ARCH: &str = "kubernetes.io/arch";
/// Label with a node's rack. Ours.
pub const LABEL_RACK: &str = "evenkeel/rack";

/// The run that `scenario` describes, of which nothing is wrong, with these objects and this seed. `applied` are the objects
/// of each event that applies manifests.
pub fn build(
    scenario: &Scenario,
    domains: &Domains,
    objects: Vec<Object>,
    applied: &BTreeMap<String, Vec<Object>>,
    seed: u64,
) -> Config {
    let mut settings = Settings::default();
    scenario.settings.iter().for_each(|&(id, value)| settings.set(id, value));
    let mut delays = Delays::default();
    scenario.delays.iter().for_each(|(id, delay)| delays.set(*id, delay.clone()));
    let draws = Draws::new(seed);
    let mut sizes: BTreeMap<String, u64> =
        scenario.pools.iter().map(|pool| (pool.name.value.clone(), pool.count)).collect();
    let nodes: Vec<Node> = scenario.pools.iter().flat_map(nodes).collect();
    let begins = begins(scenario, &draws);
    let written = scenario.events.iter().map(|event| Planned {
        id: event.id.value.as_str().into(),
        at: begins[event.id.value.as_str()],
        what: happening(scenario, domains, event, applied, &mut sizes, &draws),
    });
    let mut events: Vec<Planned> = written.collect();
    events.extend(failures(scenario, domains, &nodes, &draws).0);
    Config {
        seed,
        epoch: scenario.run.epoch,
        settings,
        delays,
        events,
        nodes,
        manifests: objects,
        until: Time::ZERO + scenario.run.until,
        stop: scenario.run.stop,
        start: scenario.run.start,
        hold: scenario.run.hold,
    }
}

/// Why processes of failures do not strike with this seed, each in a sentence.
pub fn silences(scenario: &Scenario, domains: &Domains, seed: u64) -> Vec<String> {
    let nodes: Vec<Node> = scenario.pools.iter().flat_map(nodes).collect();
    failures(scenario, domains, &nodes, &Draws::new(seed)).1
}

/// What fails at random, and why what does not strike does not.
fn failures(scenario: &Scenario, domains: &Domains, nodes: &[Node], draws: &Draws) -> (Vec<Planned>, Vec<String>) {
    let (mut planned, mut silences) = (Vec::new(), Vec::new());
    for failure in &scenario.failures {
        match expand(failure, &Layout { nodes, domains }, draws, scenario.run.until) {
            Ok(expansion) => {
                planned.extend(expansion.planned);
                silences.extend(expansion.silence);
            }
            // The seed of the file has been tried; another one may be unlucky.
            Err(why) => silences.push(why),
        }
    }
    (planned, silences)
}

fn happening(
    scenario: &Scenario,
    domains: &Domains,
    event: &Event,
    applied: &BTreeMap<String, Vec<Object>>,
    sizes: &mut BTreeMap<String, u64>,
    draws: &Draws,
) -> Happening {
    let target = event.target.as_ref().map_or(Target::Cluster, |target| target.value.resolve(domains));
    let id = event.id.value.as_str();
    match &event.what {
        What::Fault(fault) => Happening::Fault {
            name: event.name,
            fault: fault.clone(),
            target,
            lasts: event.lasts.as_ref().map(|lasts| lasts.sample(draws, &format!("event/{id}/for"), 0)),
            jitter: event.jitter,
            stagger: event.stagger,
        },
        What::Action(action) => Happening::Action { name: event.name, action: action.clone(), target },
        What::Apply { .. } => {
            let objects = applied.get(id).cloned().unwrap_or_default();
            Happening::Action { name: event.name, action: Arc::new(Apply { objects }), target }
        }
        What::Add { pool, count } => {
            let found = scenario.pools.iter().find(|other| other.name.value == pool.value);
            let pool = found.expect("checked to be there");
            let size = sizes.entry(pool.name.value.clone()).or_insert(0);
            let new = (*size..*size + count).map(|index| node(pool, &pool.node(index)));
            let nodes = new.collect();
            *size += count;
            Happening::Join(nodes)
        }
    }
}

/// When each event begins, by its id. `check` has seen that none waits for itself.
fn begins<'s>(scenario: &'s Scenario, draws: &Draws) -> BTreeMap<&'s str, Time> {
    let named: BTreeMap<&str, &Event> = scenario.events.iter().map(|event| (event.id.value.as_str(), event)).collect();
    let mut begins = BTreeMap::new();
    for event in &scenario.events {
        let mut waiting = vec![event];
        while let Some(&Event { moment: Moment::After { event: ref before, .. }, .. }) = waiting.last().copied()
            && !begins.contains_key(before.value.as_str())
        {
            waiting.push(named[before.value.as_str()]);
        }
        while let Some(event) = waiting.pop() {
            let id = event.id.value.as_str();
            let at = match &event.moment {
                Moment::At(span) => Time::ZERO + *span,
                Moment::After { event: before, delay } => {
                    begins[before.value.as_str()] + delay.sample(draws, &format!("event/{id}/delay"), 0)
                }
            };
            begins.insert(id, at);
        }
    }
    begins
}

/// Nodes of a pool.
pub fn nodes(pool: &Pool) -> impl Iterator<Item = Node> {
    pool.nodes().map(|place| node(pool, &place))
}

/// Labels of a node of a pool.
pub fn node_labels(pool: &Pool, place: &PoolNode<'_>) -> Labels {
    // What the pool itself says of its machines counts.
    let own = pool.labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let mut labels: Labels = [(LABEL_OS, "linux"), (LABEL_ARCH, "amd64")].into_iter().chain(own).collect();
    labels.insert(LABEL_HOSTNAME, place.name.as_str());
    labels.insert(LABEL_POOL, pool.name.value.as_str());
    if let Some(zone) = place.zone {
        labels.insert(LABEL_ZONE, zone);
    }
    if let Some(rack) = place.rack {
        labels.insert(LABEL_RACK, rack);
    }
    labels
}

fn node(pool: &Pool, place: &PoolNode<'_>) -> Node {
    Node {
        meta: Meta { labels: node_labels(pool, place), ..Meta::new(Key::cluster(place.name.as_str())) },
        taints: pool.taints.clone(),
        capacity: pool.capacity.clone(),
        allocatable: pool.allocatable.clone(),
        ..Node::default()
    }
}
