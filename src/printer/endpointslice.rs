//! EndpointSlices (`printEndpointSlice`).

use super::{Column, age, items, name, text};
use crate::object::MicroTime;
use serde_json::Value;

/// Columns.
pub const COLUMNS: &[Column] = &[
    Column::new("Name"),
    Column::new("AddressType"),
    Column::new("Ports"),
    Column::new("Endpoints"),
    Column::new("Age"),
];

/// How many of a list are shown.
const SHOWN: usize = 3;

/// Cells.
pub fn cells(slice: &Value, now: MicroTime) -> Vec<String> {
    let port = |port: &Value| match port["port"].as_i64() {
        Some(number) => number.to_string(),
        None => port["name"].as_str().unwrap_or("*").to_string(),
    };
    let addresses = items(&slice["endpoints"]).flat_map(|endpoint| items(&endpoint["addresses"])).map(text);
    vec![
        name(slice),
        text(&slice["addressType"]),
        some(items(&slice["ports"]).map(port).collect()),
        some(addresses.collect()),
        age(slice, now),
    ]
}

/// The first of a list, and how many more there are.
fn some(list: Vec<String>) -> String {
    match list.len() {
        0 => "<unset>".to_string(),
        count if count > SHOWN => format!("{} + {} more...", list[..SHOWN].join(","), count - SHOWN),
        _ => list.join(","),
    }
}
