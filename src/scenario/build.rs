//! From a scenario to what the cluster is made of.

use super::domain::Domains;
use super::failure::expand::{Layout, expand};
use super::pool::NODES_MAX;
use super::problem::{Problems, code};
use super::reader::Sink;
use super::schema::{Event, Moment, Pool, PoolNode, Scenario, What};
use crate::action::Apply;
use crate::cluster::{Config, Happening, Planned};
use crate::kernel::rng::Draws;
use crate::kernel::time::Time;
use crate::object::node::{LABEL_HOSTNAME, LABEL_POOL, LABEL_ZONE};
use crate::object::target::Target;
use crate::object::{Delays, Key, Labels, Meta, Node, Object, Settings};
use std::collections::{BTreeMap, BTreeSet};
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
    let joining = joins(scenario, &mut Sink::new("", &mut Problems::default())).expect("checked to be good");
    let nodes: Vec<Node> = scenario.pools.iter().flat_map(nodes).collect();
    let begins = begins(scenario, &draws);
    let written = scenario.events.iter().map(|event| Planned {
        id: event.id.value.as_str().into(),
        at: begins[event.id.value.as_str()],
        what: happening(domains, event, applied, &joining, &draws),
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
        record: scenario.output.record,
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
    domains: &Domains,
    event: &Event,
    applied: &BTreeMap<String, Vec<Object>>,
    joining: &BTreeMap<&str, Vec<Node>>,
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
        What::Add { .. } => Happening::Join(joining.get(id).cloned().unwrap_or_default()),
    }
}

/// The nodes of the machines that join with each event. What is wrong with them is told, and then there are none.
pub fn joins<'s>(scenario: &'s Scenario, sink: &mut Sink<'_>) -> Option<BTreeMap<&'s str, Vec<Node>>> {
    let mut sizes: BTreeMap<&str, u64> =
        scenario.pools.iter().map(|pool| (pool.name.value.as_str(), pool.count)).collect();
    let mut total: u64 = sizes.values().sum();
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut joins = BTreeMap::new();
    for event in &scenario.events {
        let What::Add { pool: wanted, count } = &event.what else { continue };
        let pool = scenario.pools.iter().find(|pool| pool.name.value == wanted.value)?;
        total = total.saturating_add(*count);
        if total > NODES_MAX {
            sink.bad_value(
                &wanted.bytes,
                format!("with these the cluster would have {total} nodes, more than {NODES_MAX}"),
            )
            .help("add fewer");
            return None;
        }
        if names.is_empty() {
            names.extend(scenario.pools.iter().flat_map(Pool::nodes).map(|node| node.name));
        }
        let size = sizes.entry(&pool.name.value).or_insert(0);
        let new: Vec<Node> = (*size..*size + count).map(|index| node(pool, &pool.node(index))).collect();
        *size += count;
        if let Some(node) = new.iter().find(|node| !names.insert(node.meta.name().to_string())) {
            let message = format!("a machine `{}` would join, but there is one of that name", node.meta.name());
            sink.error(code::TWICE, &wanted.bytes, message).help("give the pool or its nodes other names");
            return None;
        }
        joins.insert(event.id.value.as_str(), new);
    }
    Some(joins)
}

/// When each event begins, by its id. `check` has seen that none waits for itself.
pub fn begins<'s>(scenario: &'s Scenario, draws: &Draws) -> BTreeMap<&'s str, Time> {
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
