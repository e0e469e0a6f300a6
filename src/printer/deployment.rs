//! Deployments (`printDeployment`).

use super::{Column, age, containers, name, number, selector};
use crate::object::MicroTime;
use serde_json::Value;

/// Columns.
pub const COLUMNS: &[Column] = &[
    Column::new("Name"),
    Column::new("Ready"),
    Column::new("Up-to-date"),
    Column::new("Available"),
    Column::new("Age"),
    Column::wide("Containers"),
    Column::wide("Images"),
    Column::wide("Selector"),
];

/// Cells.
pub fn cells(deployment: &Value, now: MicroTime) -> Vec<String> {
    let (spec, status) = (&deployment["spec"], &deployment["status"]);
    let [containers, images] = containers(deployment);
    vec![
        name(deployment),
        format!("{}/{}", number(&status["readyReplicas"]), number(&spec["replicas"])),
        number(&status["updatedReplicas"]).to_string(),
        number(&status["availableReplicas"]).to_string(),
        age(deployment, now),
        containers,
        images,
        selector(&spec["selector"]),
    ]
}
