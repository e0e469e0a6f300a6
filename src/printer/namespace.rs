//! Namespaces (`printNamespace`).

use super::{Column, age, name, text};
use crate::object::MicroTime;
use serde_json::Value;

/// Columns.
pub const COLUMNS: &[Column] = &[Column::new("Name"), Column::new("Status"), Column::new("Age")];

/// Cells.
pub fn cells(namespace: &Value, now: MicroTime) -> Vec<String> {
    vec![name(namespace), text(&namespace["status"]["phase"]), age(namespace, now)]
}
