//! Reads `[[cluster.pool]]`: machines of one make.

use super::problem::code;
use super::reader::{self, At, Section, Sink};
use super::schema::{DEFAULT_MAX_PODS, Pool};
use super::suggest::{meant, nearest};
use crate::object::quantity::Quantity;
use crate::object::resources::{CPU, MEMORY, PODS, ResourceList};
use crate::object::taint::{Effect, Taint};
use crate::object::validation::text;
use toml::Spanned;
use toml::de::DeValue;

/// Most nodes of one cluster. Upstream is built for 5,000; each node renews a lease every 10 s and every program keeps a
/// copy of it, so that far beyond that a run takes hours and more memory than most machines have.
pub const NODES_MAX: u64 = 100_000;

/// Reads one pool. `nodes` counts those of all pools so far.
pub fn pool(mut section: Section<'_>, nodes: &mut u64, sink: &mut Sink<'_>) -> Option<Pool> {
    let bytes = section.bytes.clone();
    let name = section.required_text("name", sink);
    let has_count = !section.is_missing("count");
    let count = section.number("count", 0, sink);
    let names = section.texts("nodes", sink);
    let count = match (count, &names, has_count) {
        (Some(count), None, _) => Some(count),
        (None, Some(names), false) => {
            if names.value.is_empty() {
                sink.bad_value(&names.bytes, "`nodes` names none")
                    .help("write `count = 0` for a pool without machines");
            }
            Some(At { value: names.value.len() as u64, bytes: names.bytes.clone() })
        }
        (_, Some(names), true) => {
            sink.error(code::CONFLICT, &names.bytes, "a pool has either a `count` or the names of its `nodes`")
                .help("leave `count` out");
            None
        }
        (None, None, false) if !section.slip("count", sink) && !section.slip("nodes", sink) => {
            sink.error(code::MISSING_KEY, &bytes, "[[cluster.pool]] has no `count`")
                .help("write `count = 3`, or name its nodes: `nodes = [\"w-1\", \"w-2\"]`");
            None
        }
        _ => None,
    };
    let count = count.filter(|count| fits(count, nodes, sink));
    let names: Vec<At<String>> = names.map(|names| names.value).unwrap_or_default();
    let are_names_good = names.iter().fold(true, |good, name| is_node_name(&name.value, &name.bytes, sink) & good);
    for (at, name) in names.iter().enumerate() {
        if names[..at].iter().any(|before| before.value == name.value) {
            sink.error(code::TWICE, &name.bytes, format!("there is another node `{}`", name.value))
                .help("give each node its own name");
        }
    }
    let name = name.filter(|name| is_name(name, count.as_ref().map_or(1, |count| count.value.max(1)), sink));
    let zones = section.texts("zones", sink).map(|zones| {
        let good = zones.value.into_iter().filter(|zone| is_zone(zone, sink));
        good.map(|zone| zone.value).collect::<Vec<String>>()
    });
    let zones = zones.unwrap_or_default();
    let racks = section.value("racks").and_then(|value| racks(value, &zones, sink)).unwrap_or_default();
    let capacity = section.required("capacity", sink).and_then(|value| capacity(value, sink));
    let allocatable = section.value("allocatable").map(|value| quantities(value, "allocatable", sink));
    let labels = section.table("labels", &[], sink).map(|mut labels| {
        let pairs = labels.rest();
        let texts = pairs.into_iter().filter_map(|(key, value)| {
            let text = reader::text(value, &key.value, sink)?;
            let fits = is_good(&key, "name of a label", text::qualified_name(&key.value), sink)
                & is_good(&text, "value of a label", text::label_value(&text.value), sink);
            fits.then_some((key.value, text.value))
        });
        texts.collect()
    });
    let taints = section.texts("taints", sink).map(|taints| {
        let read = taints.value.iter().filter_map(|text| taint(text, sink));
        read.collect()
    });
    section.finish(sink);
    let capacity = capacity?;
    let mut all = capacity.clone();
    if let Some(own) = allocatable {
        for (name, quantity, bytes) in own? {
            if capacity.get(&name).is_some_and(|most| quantity > most) {
                sink.bad_value(&bytes, format!("pods may have more `{name}` than the machine has"))
                    .help("make `allocatable` smaller or `capacity` larger");
            } else if capacity.get(&name).is_none() {
                sink.bad_value(&bytes, format!("pods may have `{name}`, but `capacity` has none"))
                    .help(format!("add `{name}` to `capacity`"));
            }
            all.set(name, quantity);
        }
    }
    if !are_names_good {
        return None;
    }
    Some(Pool {
        name: name?,
        count: count?.value,
        names: names.into_iter().map(|name| name.value).collect(),
        zones,
        racks,
        capacity,
        allocatable: all,
        labels: labels.unwrap_or_default(),
        taints: taints.unwrap_or_default(),
    })
}

/// Racks as a list, or by zone.
fn racks(
    value: &Spanned<DeValue<'_>>,
    zones: &[String],
    sink: &mut Sink<'_>,
) -> Option<Vec<(Option<String>, Vec<String>)>> {
    let good = |texts: At<Vec<At<String>>>, sink: &mut Sink<'_>| -> Vec<String> {
        let good = texts.value.into_iter().filter(|rack| is_good(rack, "rack", text::label_value(&rack.value), sink));
        good.map(|rack| rack.value).collect()
    };
    if value.get_ref().is_array() {
        if zones.len() > 1 {
            sink.bad_value(&value.span(), "the machines are in several zones, and a rack is in one")
                .help(format!("name the racks by zone: `racks = {{ {} = [\"{}-1\"], … }}`", zones[0], zones[0]));
            return None;
        }
        let racks = reader::texts(value, "racks", sink)?;
        return Some(vec![(None, good(racks, sink))]);
    }
    let mut racks = Vec::new();
    for (zone, value) in reader::table(value, "`racks`", &[], sink)?.rest() {
        if !zones.contains(&zone.value) {
            let known = zones.iter().cloned().collect();
            super::domain::no_such(&zone.value, &zone.bytes, "zone", &known, sink);
        }
        let names = reader::texts(value, &zone.value, sink)?;
        let is_elsewhere =
            |name: &&At<String>| racks.iter().any(|(_, racks): &(_, Vec<String>)| racks.contains(&name.value));
        if let Some(name) = names.value.iter().find(is_elsewhere) {
            sink.error(code::TWICE, &name.bytes, format!("the rack `{}` is in another zone already", name.value))
                .help(format!("a rack is in one zone: call it `{}-{}`", zone.value, name.value));
        }
        racks.push((Some(zone.value), good(names, sink)));
    }
    Some(racks)
}

/// Whether so many nodes more are not too many.
fn fits(count: &At<u64>, nodes: &mut u64, sink: &mut Sink<'_>) -> bool {
    *nodes = nodes.saturating_add(count.value);
    let fits = *nodes <= NODES_MAX;
    if !fits {
        sink.bad_value(&count.bytes, format!("the cluster would have {nodes} nodes, more than {NODES_MAX}"))
            .note("Kubernetes is built for 5,000; far beyond that a run takes hours and does not fit into memory")
            .help("make `count` smaller");
    }
    fits
}

/// Whether nodes may be called after the pool. Names only get longer: the last is as good as all.
fn is_name(name: &At<String>, count: u64, sink: &mut Sink<'_>) -> bool {
    if name.value.is_empty() {
        sink.bad_value(&name.bytes, "a pool needs a name: its nodes are called after it").help("write `name = \"w\"`");
        return false;
    }
    let last = format!("{}-{count}", name.value);
    let faults = name_faults(&last);
    if let Some(fault) = faults.first() {
        let message = format!("no node can be called `{last}`, after the pool `{}`", name.value);
        sink.bad_value(&name.bytes, message).note(fault.clone()).help("use lower case letters, digits and `-`");
    }
    faults.is_empty()
}

/// Whether a node may have this name.
fn is_node_name(name: &str, bytes: &std::ops::Range<usize>, sink: &mut Sink<'_>) -> bool {
    let faults = name_faults(name);
    if let Some(fault) = faults.first() {
        let problem = sink.bad_value(bytes, format!("no node can be called `{name}`"));
        problem.note(fault.clone()).help("use lower case letters, digits and `-`");
    }
    faults.is_empty()
}

fn name_faults(name: &str) -> Vec<String> {
    let faults = text::dns_subdomain(name);
    // It is also the label with the host's name.
    if faults.is_empty() { text::label_value(name) } else { faults }
}

fn is_zone(zone: &At<String>, sink: &mut Sink<'_>) -> bool {
    if zone.value.is_empty() {
        sink.bad_value(&zone.bytes, "a zone needs a name").help("leave `zones` out if there are none");
        return false;
    }
    is_good(zone, "zone", text::label_value(&zone.value), sink)
}

/// Whether there are no `faults`; the first is reported.
fn is_good(text: &At<String>, what: &str, faults: Vec<String>, sink: &mut Sink<'_>) -> bool {
    if let Some(fault) = faults.first() {
        sink.bad_value(&text.bytes, format!("`{}` is no good {what}", text.value)).note(fault.clone());
    }
    faults.is_empty()
}

fn capacity(value: &Spanned<DeValue<'_>>, sink: &mut Sink<'_>) -> Option<ResourceList> {
    let mut list = ResourceList::default();
    list.set(PODS, Quantity::from_units(DEFAULT_MAX_PODS));
    let own = quantities(value, "capacity", sink)?;
    for resource in [CPU, MEMORY] {
        let keys = value.get_ref().as_table().into_iter().flat_map(|table| table.keys());
        let slip = keys.filter(|key| ![CPU, MEMORY, PODS].contains(&key.get_ref().as_ref()));
        let slip = slip.min_by_key(|key| key.span().start).filter(|key| meant(key.get_ref(), [resource]).is_some());
        if let Some(slip) = slip.filter(|_| value.get_ref().get(resource).is_none()) {
            sink.error(
                code::UNKNOWN_KEY,
                &slip.span(),
                format!("the capacity names `{}`, but no `{resource}`", slip.get_ref()),
            )
            .guess(Some(resource));
        } else if value.get_ref().get(resource).is_none() {
            sink.error(code::MISSING_KEY, &value.span(), format!("the capacity names no `{resource}`"))
                .help("write `capacity = { cpu = \"4\", memory = \"8Gi\" }` with what the machine has");
        }
    }
    for (name, quantity, bytes) in own {
        if name == MEMORY && quantity > Quantity::default() && quantity < Quantity::from_units(1) {
            sink.bad_value(&bytes, "this is less than one byte of memory")
                .label("`m` means thousandths")
                .help("for megabytes write \"Mi\"");
        }
        list.set(name, quantity);
    }
    Some(list)
}

/// Names, quantities and where they are written.
type Quantities = Vec<(String, Quantity, std::ops::Range<usize>)>;

fn quantities(value: &Spanned<DeValue<'_>>, key: &str, sink: &mut Sink<'_>) -> Option<Quantities> {
    let mut section = reader::table(value, &format!("`{key}`"), &[], sink)?;
    let mut list = Vec::new();
    for (name, value) in section.rest() {
        if !is_good(&name, "name of a resource", text::qualified_name(&name.value), sink) {
            continue;
        }
        let Some(text) = reader::scalar(value, &name.value, sink) else { continue };
        list.extend(super::shape::quantity(&text, sink).map(|quantity| (name.value, quantity, text.bytes)));
    }
    Some(list)
}

/// `key=value:Effect` or `key:Effect`, as `kubectl taint` takes them.
pub(super) fn taint(text: &At<String>, sink: &mut Sink<'_>) -> Option<Taint> {
    let split = text.value.rsplit_once(':');
    let effect = split.and_then(|(_, name)| Effect::named(name));
    let (Some((pair, _)), Some(effect)) = (split, effect) else {
        let named = split.map(|(_, name)| name.to_string());
        let effects = Effect::ALL.map(|effect| effect.to_string());
        let guess = named.as_deref().and_then(|name| nearest(name, effects.iter().map(String::as_str)));
        sink.bad_value(&text.bytes, format!("`{}` is not a taint", text.value))
            .label(if named.is_some() { "this has an unknown effect" } else { "this has no effect" })
            .guess(guess)
            .help("write it as for `kubectl taint`: \"key=value:NoSchedule\", \"key:NoExecute\"");
        return None;
    };
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    let faults: Vec<String> = text::qualified_name(key).into_iter().chain(text::label_value(value)).collect();
    if !is_good(text, "taint", faults, sink) {
        return None;
    }
    Some(Taint { key: key.into(), value: value.into(), effect, time_added: None })
}
