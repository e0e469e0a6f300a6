//! From a scenario to what the cluster is made of.

use super::schema::{Moment, Pool, Scenario};
use crate::cluster::{Config, Happening, Planned};
use crate::kernel::time::{Span, Time};
use crate::object::node::{LABEL_HOSTNAME, LABEL_POOL, LABEL_ZONE};
use crate::object::{Delays, Key, Labels, Meta, Node, Object, Settings};

/// Label with a node's operating system.
pub const LABEL_OS: &str = "kubernetes.io/os";
/// Label with a node's architecture.
pub const LABEL_ARCH: &str = "kubernetes.io/arch";

/// The run that `scenario` describes, of which nothing is wrong, with these objects and this seed.
pub fn build(scenario: &Scenario, objects: Vec<Object>, seed: u64) -> Config {
    let mut settings = Settings::default();
    scenario.settings.iter().for_each(|&(id, value)| settings.set(id, value));
    let mut delays = Delays::default();
    scenario.delays.iter().for_each(|(id, delay)| delays.set(*id, delay.clone()));
    let planned = scenario.events.iter().map(|event| Planned {
        id: event.id.value.as_str().into(),
        at: begin(scenario, &event.moment),
        what: Happening::Fault {
            name: event.name,
            fault: event.fault.clone(),
            target: event.target.value.clone(),
            lasts: event.lasts,
            jitter: Span::ZERO,
            stagger: Span::ZERO,
        },
    });
    Config {
        seed,
        epoch: scenario.run.epoch,
        settings,
        delays,
        nodes: scenario.pools.iter().flat_map(nodes).collect(),
        manifests: objects,
        events: planned.collect(),
        until: Time::ZERO + scenario.run.until,
        stop: scenario.run.stop,
        hold: scenario.run.hold,
    }
}

/// When an event begins. `check` has seen that it does not wait for itself.
fn begin(scenario: &Scenario, moment: &Moment) -> Time {
    match moment {
        Moment::At(span) => Time::ZERO + *span,
        Moment::After { event, delay } => {
            let other = scenario.events.iter().find(|other| other.id.value == event.value);
            begin(scenario, &other.expect("checked to be there").moment) + *delay
        }
    }
}

fn nodes(pool: &Pool) -> impl Iterator<Item = Node> {
    pool.nodes().map(|(name, zone)| {
        let mut labels: Labels = pool.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        labels.insert(LABEL_HOSTNAME, name.as_str());
        labels.insert(LABEL_OS, "linux");
        labels.insert(LABEL_ARCH, "amd64");
        labels.insert(LABEL_POOL, pool.name.value.as_str());
        if let Some(zone) = zone {
            labels.insert(LABEL_ZONE, zone);
        }
        Node {
            meta: Meta { labels, ..Meta::new(Key::cluster(name)) },
            taints: pool.taints.clone(),
            capacity: pool.capacity.clone(),
            allocatable: pool.capacity.clone(),
            ..Node::default()
        }
    })
}
