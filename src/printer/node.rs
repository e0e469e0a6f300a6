//! Nodes (`printNode`).

use super::{Column, NONE, age, items, name, text, text_or};
use crate::object::MicroTime;
use serde_json::Value;
use std::collections::BTreeSet;

/// Columns.
pub const COLUMNS: &[Column] = &[
    Column::new("Name"),
    Column::new("Status"),
    Column::new("Roles"),
    Column::new("Age"),
    Column::new("Version"),
    Column::wide("Internal-IP"),
    Column::wide("External-IP"),
    Column::wide("OS-Image"),
    Column::wide("Kernel-Version"),
    Column::wide("Container-Runtime"),
];

/// What stands in cells for what a node does not say of its machine.
const UNKNOWN: &str = "<unknown>";

/// Cells.
pub fn cells(node: &Value, now: MicroTime) -> Vec<String> {
    let info = &node["status"]["nodeInfo"];
    let architecture = text(&info["architecture"]);
    let kernel = match text_or(&info["kernelVersion"], UNKNOWN) {
        kernel if kernel == UNKNOWN || architecture.is_empty() => kernel,
        kernel => format!("{kernel} ({architecture})"),
    };
    vec![
        name(node),
        status(node),
        roles(node),
        age(node, now),
        text(&info["kubeletVersion"]),
        address(node, "InternalIP"),
        address(node, "ExternalIP"),
        text_or(&info["osImage"], UNKNOWN),
        kernel,
        text_or(&info["containerRuntimeVersion"], UNKNOWN),
    ]
}

fn status(node: &Value) -> String {
    // Of two conditions of one type the last counts.
    let ready = items(&node["status"]["conditions"]).rfind(|condition| condition["type"] == "Ready");
    let status = match ready {
        Some(ready) if ready["status"] == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let is_cordoned = node["spec"]["unschedulable"] == true;
    format!("{status}{}", if is_cordoned { ",SchedulingDisabled" } else { "" })
}

/// Roles, as labels name them (`findNodeRoles`).
fn roles(node: &Value) -> String {
    let labels = node["metadata"]["labels"].as_object().into_iter().flatten();
    let role = |(key, value): (&String, &Value)| {
        let own = key.strip_prefix("node-role.kubernetes.io/").map(str::to_string);
        own.or_else(|| (key == "kubernetes.io/role").then(|| text(value))).filter(|role| !role.is_empty())
    };
    let roles: BTreeSet<String> = labels.filter_map(role).collect();
    if roles.is_empty() { NONE.to_string() } else { roles.into_iter().collect::<Vec<_>>().join(",") }
}

fn address(node: &Value, kind: &str) -> String {
    let found = items(&node["status"]["addresses"]).find(|address| address["type"] == kind);
    found.map_or_else(|| NONE.to_string(), |address| text(&address["address"]))
}
