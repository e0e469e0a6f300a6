//! The nodes of a scenario: groups of equal ones, named `n0`, `n1` and so on through all groups.

use super::replay::POOL;
use super::scenario::{Fields, Item, Scenario};
use crate::object::node::{LABEL_HOSTNAME, LABEL_ZONE};
use crate::object::quantity::Quantity;
use crate::object::resources::{CPU, MEMORY, PODS, ResourceList};
use crate::object::taint::{Effect, Taint};
use crate::object::{Key, Meta, Node};
use crate::scenario::problem::Problems;
use serde_json::Value;

/// Most nodes of one group.
const COUNT_MAX: i64 = 10_000;
/// Nodes of the extra zone beside a scenario that shared its control plane.
const IDLE: usize = 4;
/// Keys of a group that we know.
const KEYS: [&str; 10] = ["count", "first", "zones", "zone", "cpu", "memory", "pods", "capacity", "labels", "taints"];
/// Keys of its `capacity`, which may also stand beside it.
const RESOURCES: [&str; 3] = ["cpu", "memory", "pods"];

/// The nodes of one group. The first number is `first`, or else `next`, which moves on behind the group. A key that nobody
/// knows is something that the scenario needs.
pub fn of_group(
    scenario: &Scenario,
    item: &Item,
    next: &mut i64,
    problems: &mut Problems,
    needs: &mut Vec<String>,
) -> Vec<Node> {
    let (source, value) = (&scenario.source, &item.value);
    let capacity = value["capacity"].as_object();
    let strange = |known: &'static [&'static str]| move |key: &&String| !known.contains(&key.as_str());
    let keys = value.as_object().into_iter().flat_map(|map| map.keys()).filter(strange(&KEYS));
    let keys = keys.chain(capacity.into_iter().flat_map(|map| map.keys()).filter(strange(&RESOURCES)));
    needs.extend(keys.map(|key| format!("needs `{key}` of a group of nodes, which is unknown here")));
    let mut fields = Fields { source, value, path: item.path.clone(), problems };
    let Some(count) = fields.whole("count") else { return Vec::new() };
    if count > COUNT_MAX {
        fields.refuse("count", &format!("at most {COUNT_MAX}"));
        return Vec::new();
    }
    let first = fields.optional_whole("first").unwrap_or(*next);
    let mut zones = fields.texts("zones");
    zones.extend(fields.optional_text("zone"));
    let mut common = Meta::new(Key::default());
    let mut resources = ResourceList::default();
    for (key, name, default) in [("cpu", CPU, "4"), ("memory", MEMORY, "8Gi"), ("pods", PODS, "110")] {
        let given = if value[key].is_null() { &value["capacity"][key] } else { &value[key] };
        let text = match given {
            Value::Null => default.to_string(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match Quantity::parse(&text) {
            Ok(quantity) => resources.set(name, quantity),
            Err(_) => fields.refuse(key, "a quantity, as \"500m\", \"4\" or \"8Gi\""),
        }
    }
    for (key, text) in value["labels"].as_object().into_iter().flatten() {
        match text.as_str() {
            Some(text) => common.labels.insert(key.as_str(), text.replace("$POOL", &scenario.name)),
            None => fields.refuse("labels", "texts"),
        }
    }
    let taints: Option<Vec<Taint>> =
        value["taints"].as_array().map_or(Some(Vec::new()), |list| list.iter().map(taint).collect());
    let Some(taints) = taints else {
        fields.refuse("taints", "taints as \"key=value:NoSchedule\", or with `key`, `value` and `effect`");
        return Vec::new();
    };
    *next = (*next).max(first + count);
    (first..first + count)
        .map(|index| {
            let zone = match zones.len() {
                // One zone for all, which no other scenario has.
                0 => "z1",
                several => zones[index as usize % several].as_str(),
            };
            let mut meta = common.clone();
            meta.key = Key::cluster(format!("n{index}"));
            meta.labels.insert(POOL, scenario.name.as_str());
            meta.labels.insert(LABEL_HOSTNAME, format!("n{index}"));
            meta.labels.insert(LABEL_ZONE, zone);
            Node { meta, taints: taints.clone(), capacity: resources.clone(), ..Node::default() }
        })
        .collect()
}

/// A taint as text or as an object.
pub fn taint(value: &Value) -> Option<Taint> {
    let (key, text, effect) = match value.as_str() {
        Some(text) => {
            let (pair, effect) = text.rsplit_once(':')?;
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key, value, effect)
        }
        None => (value["key"].as_str()?, value["value"].as_str().unwrap_or(""), value["effect"].as_str()?),
    };
    Some(Taint { key: key.into(), value: text.into(), effect: Effect::named(effect)?, time_added: None })
}

/// The idle nodes that stand for the neighbours of a scenario which shared its control plane: one more zone, without the
/// label of the pool, for which the pods' node selectors ask.
pub fn idle() -> Vec<Node> {
    let node = |index| {
        let mut node = Node { meta: Meta::new(Key::cluster(format!("idle{index}"))), ..Node::default() };
        node.meta.labels.insert(LABEL_HOSTNAME, format!("idle{index}"));
        node.meta.labels.insert(LABEL_ZONE, "idle");
        node.capacity.set(CPU, Quantity::from_units(4));
        node.capacity.set(MEMORY, Quantity::from_units(8 << 30));
        node.capacity.set(PODS, Quantity::from_units(110));
        node
    };
    (0..IDLE).map(node).collect()
}
