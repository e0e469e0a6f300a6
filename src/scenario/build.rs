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
/// of each event that applies manifests. Also says of each process of failures that does not strike why.
pub fn build(
    scenario: &Scenario,
    domains: &Domains,
    objects: Vec<Object>,
    applied: &BTreeMap<String, Vec<Object>>,
    seed: u64,
) -> (Config, Vec<String>) {
    let mut settings = Settings::default();
    scenario.settings.iter().for_each(|&(id, value)| settings.set(id, value));
    let mut delays = Delays::default();
    scenario.delays.iter().for_each(|(id, delay)| delays.set(*id, delay.clone()));
    let draws = Draws::new(seed);
    let mut sizes: BTreeMap<String, u64> =
        scenario.pools.iter().map(|pool| (pool.name.value.clone(), pool.count)).collect();
    let nodes: Vec<Node> = scenario.pools.iter().flat_map(nodes).collect();
    let mut planned: Vec<Planned> = Vec::new();
    planned.extend(scenario.events.iter().map(|event| Planned {
        id: event.id.value.as_str().into(),
        at: begin(scenario, event, &draws),
        what: happening(scenario, domains, event, applied, &mut sizes, &draws),
    }));
    let mut silences = Vec::new();
    let layout = Layout { nodes: &nodes, domains };
    for failure in &scenario.failures {
        match expand(failure, &layout, &draws, scenario.run.until) {
            Ok(expansion) => {
                planned.extend(expansion.planned);
                silences.extend(expansion.silence);
            }
            // The seed of the file has been tried; another one may be unlucky.
            Err(why) => silences.push(why),
        }
    }
    let config = Config {
        seed,
        epoch: scenario.run.epoch,
        settings,
        delays,
        events: planned,
        nodes,
        manifests: objects,
        until: Time::ZERO + scenario.run.until,
        stop: scenario.run.stop,
        start: scenario.run.start,
        hold: scenario.run.hold,
    };
    (config, silences)
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

/// When an event begins. `check` has seen that it does not wait for itself.
pub fn begin(scenario: &Scenario, event: &Event, draws: &Draws) -> Time {
    match &event.moment {
        Moment::At(span) => Time::ZERO + *span,
        Moment::After { event: other, delay } => {
            let other = scenario.events.iter().find(|known| known.id.value == other.value);
            let delay = delay.sample(draws, &format!("event/{}/delay", event.id.value), 0);
            begin(scenario, other.expect("checked to be there"), draws) + delay
        }
    }
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
