//! Nodes.

use super::meta::{condition, meta, name, resources, timestamp};
use super::pod::effect;
use super::service::{NOT_CIDR, is_cidr};
use crate::object::taint::{Effect, Taint};
use crate::object::validation::quoted;
use crate::object::{FieldErrors, Kind, Node, Object};
use k8s_openapi::api::core::v1;
use serde_json::Value;

/// A node of a manifest.
pub fn node(node: &v1::Node, namespace: &str, source: &Value, errors: &mut FieldErrors) -> Object {
    let spec = node.spec.clone().unwrap_or_default();
    let status = node.status.clone().unwrap_or_default();
    let taints = spec.taints.iter().flatten().enumerate();
    let range = spec.pod_cidr.iter().filter(|range| !range.is_empty());
    let ranges: Vec<&String> = match &spec.pod_cidrs {
        Some(ranges) if !ranges.is_empty() => ranges.iter().collect(),
        _ => range.collect(),
    };
    for (index, range) in ranges.iter().enumerate().filter(|(_, range)| !is_cidr(range)) {
        errors.invalid(format!("spec.podCIDRs[{index}]"), quoted(range), NOT_CIDR);
    }
    let conditions = status.conditions.iter().flatten().map(|item| {
        let texts = [&item.reason, &item.message];
        condition(&item.type_, &item.status, texts, &item.last_transition_time, &item.last_heartbeat_time)
    });
    Object::from(Node {
        meta: meta(Kind::Node, &node.metadata, namespace, source, errors),
        unschedulable: spec.unschedulable.unwrap_or(false),
        // Upstream passes the path of the metadata on.
        taints: taints.filter_map(|(index, item)| taint(item, &format!("metadata.taints[{index}]"), errors)).collect(),
        capacity: resources(&status.capacity),
        allocatable: resources(&status.allocatable),
        conditions: conditions.collect(),
    })
}

fn taint(taint: &v1::Taint, path: &str, errors: &mut FieldErrors) -> Option<Taint> {
    let path = format!("{path}.effect");
    let effect: Effect = if taint.effect.is_empty() {
        errors.required(path, "");
        return None;
    } else {
        effect(&taint.effect, &path, errors)?
    };
    Some(Taint {
        key: taint.key.as_str().into(),
        value: name(&taint.value),
        effect,
        time_added: taint.time_added.as_ref().map(|_| timestamp(&taint.time_added)),
    })
}
