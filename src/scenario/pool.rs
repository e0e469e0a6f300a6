//! Reads `[[cluster.pool]]`: machines of one make.

use super::problem::code;
use super::reader::{self, At, Section, Sink};
use super::schema::{DEFAULT_MAX_PODS, Pool};
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
    let name = section.required_text("name", sink);
    section.required("count", sink);
    let count = section.number("count", 1, sink);
    let count = count.filter(|count| fits(count, nodes, sink));
    let name = name.filter(|name| is_name(name, count.as_ref().map_or(1, |count| count.value), sink));
    let zones = section.texts("zones", sink).map(|zones| {
        let good = zones.value.into_iter().filter(|zone| is_zone(zone, sink));
        good.map(|zone| zone.value).collect()
    });
    let capacity = section.required("capacity", sink).and_then(|value| capacity(value, sink));
    let labels = section.table("labels", sink).map(|mut labels| {
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
    Some(Pool {
        name: name?,
        count: count?.value,
        zones: zones.unwrap_or_default(),
        capacity: capacity?,
        labels: labels.unwrap_or_default(),
        taints: taints.unwrap_or_default(),
    })
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
        sink.bad_value(&name.bytes, "a pool needs a name: its nodes are called after it");
        return false;
    }
    let last = format!("{}-{count}", name.value);
    let mut faults = text::dns_subdomain(&last);
    // It is also the label with the host's name.
    if faults.is_empty() {
        faults = text::label_value(&last);
    }
    if let Some(fault) = faults.first() {
        let message = format!("no node can be called `{last}`, after the pool `{}`", name.value);
        sink.bad_value(&name.bytes, message).note(fault.clone()).help("use lower case letters, digits and `-`");
    }
    faults.is_empty()
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
    let mut section = reader::table(value, "`capacity`", sink)?;
    let mut list = ResourceList::default();
    list.set(PODS, Quantity::from_units(DEFAULT_MAX_PODS));
    for resource in [CPU, MEMORY] {
        // Only whether it is there: all resources are read alike below.
        if section.is_missing(resource) {
            sink.error(code::MISSING_KEY, &value.span(), format!("the capacity names no `{resource}`"));
        }
    }
    for (name, value) in section.rest() {
        let Some(text) = reader::scalar(value, &name.value, sink) else { continue };
        match Quantity::parse(&text.value) {
            Ok(quantity) if quantity.is_negative() => {
                sink.bad_value(&text.bytes, format!("`{}` is below zero", name.value));
            }
            Ok(quantity) => list.set(name.value, quantity),
            Err(_) => {
                sink.bad_value(&text.bytes, format!("`{}` is not a quantity", text.value))
                    .help("quantities are numbers with an optional suffix, as \"500m\", \"4\", \"8Gi\"");
            }
        }
    }
    Some(list)
}

/// `key=value:Effect` or `key:Effect`, as `kubectl taint` takes them.
fn taint(text: &At<String>, sink: &mut Sink<'_>) -> Option<Taint> {
    let effects = [Effect::NoSchedule, Effect::PreferNoSchedule, Effect::NoExecute];
    let split = text.value.rsplit_once(':');
    let effect = split.and_then(|(_, name)| effects.into_iter().find(|effect| effect.to_string() == name));
    let (Some((pair, _)), Some(effect)) = (split, effect) else {
        sink.bad_value(&text.bytes, format!("`{}` is not a taint", text.value))
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
