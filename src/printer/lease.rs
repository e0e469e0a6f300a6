//! Leases (`printLease`).

use super::{Column, age, name, text};
use crate::object::MicroTime;
use serde_json::Value;

/// Columns.
pub const COLUMNS: &[Column] = &[Column::new("Name"), Column::new("Holder"), Column::new("Age")];

/// Cells.
pub fn cells(lease: &Value, now: MicroTime) -> Vec<String> {
    vec![name(lease), text(&lease["spec"]["holderIdentity"]), age(lease, now)]
}
