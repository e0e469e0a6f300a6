//! ReplicaSets (`printReplicaSet`).

use super::{Column, NONE, age, containers, name, number, selector};
use crate::object::MicroTime;
use serde_json::Value;

/// Columns.
pub const COLUMNS: &[Column] = &[
    Column::new("Name"),
    Column::new("Desired"),
    Column::new("Current"),
    Column::new("Ready"),
    Column::new("Age"),
    Column::wide("Containers"),
    Column::wide("Images"),
    Column::wide("Selector"),
];

/// Cells.
pub fn cells(set: &Value, now: MicroTime) -> Vec<String> {
    let (spec, status) = (&set["spec"], &set["status"]);
    let [containers, images] = containers(set);
    let selector = selector(&spec["selector"]);
    vec![
        name(set),
        number(&spec["replicas"]).to_string(),
        number(&status["replicas"]).to_string(),
        number(&status["readyReplicas"]).to_string(),
        age(set, now),
        containers,
        images,
        if selector.is_empty() { NONE.to_string() } else { selector },
    ]
}
