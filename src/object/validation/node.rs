//! Nodes: their taints and resources.
//!
//! Source: `pkg/apis/core/validation/validation.go` (`ValidateNode`, `validateNodeTaints`, `ValidateNodeResources`),
//! v1.36. Left out: pod ranges and addresses, which our nodes do not keep.

use super::meta::label_key;
use super::pod::quantity;
use super::{quoted, text};
use crate::object::Node;
use crate::object::invalid::{Cause, FieldErrors};

/// A node.
pub fn node(node: &Node, errors: &mut FieldErrors) {
    // Upstream passes the path of the metadata on.
    let path = "metadata.taints";
    for (index, taint) in node.taints.iter().enumerate() {
        let at = format!("{path}[{index}]");
        label_key(&taint.key, &format!("{at}.key"), errors);
        let faults = text::label_value(&taint.value);
        if !faults.is_empty() {
            errors.invalid(format!("{at}.value"), quoted(&taint.value), faults.join(";"));
        }
        if node.taints[..index].iter().any(|other| (&other.key, other.effect) == (&taint.key, taint.effect)) {
            let time = taint.time_added.map_or_else(|| "null".to_string(), |time| format!("\"{time}\""));
            let (key, value) = (quoted(&taint.key), quoted(&taint.value));
            let printed = format!(r#"{{"Key":{key},"Value":{value},"Effect":"{}","TimeAdded":{time}}}"#, taint.effect);
            let detail = "taints must be unique by key and effect pair";
            errors.push(at, Cause::Duplicate, Some(printed), detail);
        }
    }
    for (list, path) in [(&node.capacity, "status.capacity"), (&node.allocatable, "status.allocatable")] {
        for (resource, amount) in &list.0 {
            quantity(resource, *amount, &format!("{path}.{resource}"), errors);
        }
    }
}
