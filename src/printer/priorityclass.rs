//! PriorityClasses (`printPriorityClass`).

use super::{Column, age, name, number, text};
use crate::object::MicroTime;
use serde_json::Value;

/// Columns.
pub const COLUMNS: &[Column] = &[
    Column::new("Name"),
    Column::new("Value"),
    Column::new("Global-Default"),
    Column::new("Age"),
    Column::new("PreemptionPolicy"),
];

/// Cells.
pub fn cells(class: &Value, now: MicroTime) -> Vec<String> {
    vec![
        name(class),
        number(&class["value"]).to_string(),
        (class["globalDefault"] == true).to_string(),
        age(class, now),
        text(&class["preemptionPolicy"]),
    ]
}
