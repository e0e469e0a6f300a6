//! Node affinity of pods.

use super::{list, object, text};
use crate::object::node_affinity::{NodeAffinity, NodeRequirement, NodeTerm, PreferredTerm};
use serde_json::{Value, json};
use std::sync::Arc;

/// `affinity.nodeAffinity`.
pub fn node_affinity(affinity: &Option<Arc<NodeAffinity>>) -> Value {
    let Some(affinity) = affinity else { return Value::Null };
    let terms = |terms: &Vec<NodeTerm>| json!({"nodeSelectorTerms": terms.iter().map(term).collect::<Vec<_>>()});
    object([
        ("requiredDuringSchedulingIgnoredDuringExecution", affinity.required.as_ref().map_or(Value::Null, terms)),
        ("preferredDuringSchedulingIgnoredDuringExecution", list(affinity.preferred.iter().map(preferred))),
    ])
}

fn preferred(preferred: &PreferredTerm) -> Value {
    json!({"weight": preferred.weight, "preference": term(&preferred.term)})
}

fn term(term: &NodeTerm) -> Value {
    object([
        ("matchExpressions", list(term.expressions.iter().map(requirement))),
        ("matchFields", list(term.fields.iter().map(requirement))),
    ])
}

fn requirement(requirement: &NodeRequirement) -> Value {
    object([
        ("key", text(&requirement.key)),
        ("operator", json!(requirement.operator.name())),
        ("values", list(requirement.values.iter().map(|value| json!(value.as_str())))),
    ])
}
