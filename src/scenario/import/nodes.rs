//! Nodes of a dump as pools of machines.
//!
//! Machines of one make report amounts of memory and disk that differ by a little, so amounts within a hundredth of each
//! other are the same here, and the smallest of them is written.

use super::objects::{counted, name};
use crate::object::node::LABEL_POOL;
use crate::object::node::{LABEL_HOSTNAME, LABEL_ZONE};
use crate::object::quantity::Quantity;
use crate::object::resources::{CPU, MEMORY};
use crate::scenario::build::{LABEL_ARCH, LABEL_OS};
use crate::scenario::problem::{Problems, code};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Alike nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Names of its nodes.
    pub nodes: Vec<String>,
    /// Zone of all of them.
    pub zone: Option<String>,
    /// What each machine has.
    pub capacity: BTreeMap<String, Quantity>,
    /// What pods may have of it, if that is less.
    pub allocatable: BTreeMap<String, Quantity>,
    /// Labels that the pool does not set by itself.
    pub labels: BTreeMap<String, String>,
    /// Taints, as `kubectl taint` takes them.
    pub taints: Vec<String>,
    /// Those that are cordoned.
    pub cordoned: Vec<String>,
    /// Those that were not ready.
    pub unready: Vec<String>,
}

/// Older names of what other labels say.
const OLD_LABELS: [&str; 5] = [
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/instance-type",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
];
/// Taints that programs set and take away by what they see.
const OWN_TAINTS: [&str; 9] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/unschedulable",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/network-unavailable",
    "node.cloudprovider.kubernetes.io/uninitialized",
    "node.cloudprovider.kubernetes.io/shutdown",
];
/// Labels that name the group that a node was made in, the best first.
const GROUP_LABELS: [&str; 7] = [
    "eks.amazonaws.com/nodegroup",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
    "karpenter.sh/nodepool",
    "kops.k8s.io/instancegroup",
    "node.kubernetes.io/instance-type",
    LABEL_POOL,
];
const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

/// Groups nodes. `wanted` are the keys of labels that pods ask for.
pub fn pools(nodes: &[Value], wanted: &BTreeSet<String>, notes: &mut Vec<String>) -> Vec<Pool> {
    let own = labels_of_one(nodes, wanted);
    if !own.is_empty() {
        let list: Vec<&str> = own.iter().map(String::as_str).collect();
        notes.push(format!(
            "left out: labels that tell each node from the others and no pod asks for: {}",
            list.join(", ")
        ));
    }
    let mut sorted: Vec<&Value> = nodes.iter().collect();
    sorted.sort_by_key(|node| by_number(name(node)));
    let mut pools: Vec<Pool> = Vec::new();
    let mut differ = 0;
    for node in sorted {
        let new = pool(node, &own);
        match pools.iter_mut().find(|pool| is_alike(pool, &new)) {
            Some(pool) => differ += usize::from(join(pool, new)),
            None => pools.push(new),
        }
    }
    if differ > 0 {
        notes.push(format!(
            "amounts that differ by less than 1% were made equal on {}: the smallest is written",
            counted(differ, "node")
        ));
    }
    name_pools(&mut pools);
    for pool in &pools {
        for (nodes, what) in [
            (&pool.cordoned, "cordoned: it is cordoned at the start"),
            (&pool.unready, "not ready: it is ready at the start; see the end of the scenario"),
        ] {
            notes.extend(nodes.iter().map(|node| format!("node {node} was {what}")));
        }
    }
    pools
}

/// Reports nodes that do not say how much of something they have without which nothing can be placed on them.
pub fn have_what_they_need(nodes: &[Value], problems: &mut Problems) {
    for resource in [CPU, MEMORY] {
        let lacks = |node: &&Value| !amounts(&node["status"]["capacity"]).contains_key(resource);
        let bare: Vec<&str> = nodes.iter().filter(lacks).map(name).collect();
        let Some(first) = bare.first() else { continue };
        let who = match bare.len() {
            1 => format!("node `{first}` does"),
            many => format!("{} (`{first}` and others) do", counted(many, "node")),
        };
        problems
            .error(code::MANIFEST, None, format!("{who} not say how much {resource} there is: no `status.capacity.{resource}`"))
            .help("dump nodes with their status, as `kubectl get nodes -o yaml` prints them, or add the amount to the dump")
            .note("without it nothing could be placed there");
    }
}

/// Keys of labels that have another value on every node.
fn labels_of_one(nodes: &[Value], wanted: &BTreeSet<String>) -> BTreeSet<String> {
    let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in nodes {
        for (key, value) in node["metadata"]["labels"].as_object().into_iter().flatten() {
            values.entry(key).or_default().push(value.as_str().unwrap_or_default());
        }
    }
    let is_own = |(key, values): &(&str, Vec<&str>)| {
        let different: BTreeSet<&&str> = values.iter().collect();
        let is_known = [LABEL_HOSTNAME, LABEL_ZONE].contains(key) || wanted.contains(*key);
        values.len() > 1 && different.len() == values.len() && !is_known && !GROUP_LABELS.contains(key)
    };
    values.into_iter().filter(is_own).map(|(key, _)| key.to_string()).collect()
}

fn pool(node: &Value, own: &BTreeSet<String>) -> Pool {
    let labels = node["metadata"]["labels"].as_object();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let label = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    let is_set_anyway = |key: &str, value: &str| {
        [LABEL_HOSTNAME, LABEL_ZONE, LABEL_POOL].contains(&key)
            || OLD_LABELS.contains(&key)
            || (key, value) == (LABEL_OS, "linux")
            || (key, value) == (LABEL_ARCH, "amd64")
    };
    let kept = labels.into_iter().flatten().map(|(key, value)| (key.clone(), text(value)));
    let taints = node["spec"]["taints"].as_array().into_iter().flatten();
    let taints = taints.filter(|taint| !taint["key"].as_str().is_some_and(|key| OWN_TAINTS.contains(&key)));
    let ready = node["status"]["conditions"].as_array().into_iter().flatten().find(|item| item["type"] == "Ready");
    let capacity = amounts(&node["status"]["capacity"]);
    let allocatable = amounts(&node["status"]["allocatable"]);
    let node_name = vec![name(node).to_string()];
    let if_so = |is_so: bool| if is_so { node_name.clone() } else { Vec::new() };
    let group = GROUP_LABELS.iter().find_map(|key| label(key));
    let is_control_plane = label(CONTROL_PLANE).is_some();
    Pool {
        name: if is_control_plane { "control-plane".into() } else { group.unwrap_or("node").to_string() },
        zone: label(LABEL_ZONE).map(str::to_string),
        allocatable: if allocatable == capacity { BTreeMap::new() } else { allocatable },
        capacity,
        labels: kept.filter(|(key, value)| !is_set_anyway(key, value) && !own.contains(key)).collect(),
        taints: taints
            .map(|taint| {
                let (key, value, effect) = (text(&taint["key"]), text(&taint["value"]), text(&taint["effect"]));
                if value.is_empty() { format!("{key}:{effect}") } else { format!("{key}={value}:{effect}") }
            })
            .collect(),
        cordoned: if_so(node["spec"]["unschedulable"] == true),
        unready: if_so(ready.is_some_and(|ready| ready["status"] != "True")),
        nodes: node_name,
    }
}

/// Amounts that are not zero. What volumes a node may have is not simulated.
fn amounts(list: &Value) -> BTreeMap<String, Quantity> {
    let read = |(name, amount): (&String, &Value)| {
        let amount = amount.as_str().map_or_else(|| amount.to_string(), str::to_string);
        let amount = Quantity::parse(&amount).ok().filter(|amount| *amount > Quantity::default())?;
        (!name.starts_with("attachable-volumes-")).then(|| (name.clone(), amount))
    };
    list.as_object().into_iter().flatten().filter_map(read).collect()
}

fn is_alike(a: &Pool, b: &Pool) -> bool {
    let close = |a: &BTreeMap<String, Quantity>, b: &BTreeMap<String, Quantity>| {
        a.keys().eq(b.keys()) && a.values().zip(b.values()).all(|(a, b)| is_close(*a, *b))
    };
    (&a.zone, &a.labels, &a.taints) == (&b.zone, &b.labels, &b.taints)
        && close(&a.capacity, &b.capacity)
        && close(&a.allocatable, &b.allocatable)
}

fn is_close(a: Quantity, b: Quantity) -> bool {
    let [a, b] = [a, b].map(|amount| i128::from(amount.milli()));
    // Of a few processors or pods every one counts.
    let are_many = a.min(b) > 1_000 * 1_000;
    a == b || (are_many && (a - b).abs() * 100 < a.min(b))
}

/// Adds a node to a pool; whether its amounts were made equal.
fn join(pool: &mut Pool, node: Pool) -> bool {
    let mut differs = false;
    for (amounts, others) in [(&mut pool.capacity, &node.capacity), (&mut pool.allocatable, &node.allocatable)] {
        for (amount, other) in amounts.values_mut().zip(others.values()) {
            differs |= amount != other;
            *amount = (*amount).min(*other);
        }
    }
    pool.nodes.extend(node.nodes);
    pool.cordoned.extend(node.cordoned);
    pool.unready.extend(node.unready);
    differs
}

/// Gives every pool a name of its own: its group, its zone if the group has several, a number if that is not enough.
fn name_pools(pools: &mut [Pool]) {
    let word = |text: &str| {
        let signs = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
        let text: String = signs.take(40).collect();
        let text = text.trim_matches('-');
        if text.is_empty() { "node".to_string() } else { text.to_string() }
    };
    let groups: Vec<String> = pools.iter().map(|pool| word(&pool.name)).collect();
    let mut taken = BTreeSet::new();
    for (index, pool) in pools.iter_mut().enumerate() {
        let is_only = groups.iter().filter(|group| **group == groups[index]).count() == 1;
        let stem = match pool.zone.as_deref().filter(|_| !is_only) {
            Some(zone) => format!("{}-{}", groups[index], word(zone)),
            None => groups[index].clone(),
        };
        let numbered = (2..).map(|number| format!("{stem}-{number}"));
        let free = std::iter::once(stem.clone()).chain(numbered).find(|name| !taken.contains(name));
        pool.name = free.expect("there are enough numbers");
        taken.insert(pool.name.clone());
    }
}

/// Names with the numbers in them in the order of the numbers: `node-2` before `node-10`.
fn by_number(name: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, after) = rest.split_at(letters);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        parts.push((0, text.to_string()));
        parts.push((after[..digits].parse().unwrap_or(u64::MAX), after[..digits].to_string()));
        rest = &after[digits..];
    }
    parts
}
