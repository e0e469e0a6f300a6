//! Layer 8: the cluster as kubectl shows it: tables, YAML, JSON and lists of Events, at any moment.
//!
//! It goes by the document that an API server would serve ([`served`]), as the real printers do, so that all that a
//! manifest says is shown, whether it is simulated or not. A kind has a file with its columns and its cells, and a row in
//! [`PRINTERS`]. `resource` knows by which words a kind is asked for, `table` lays cells out, `json` and `yaml` write
//! documents, `events` is `kubectl events`.
//!
//! Source: `pkg/printers/internalversion/printers.go`, `staging/src/k8s.io/cli-runtime/pkg/printers` and
//! `staging/src/k8s.io/kubectl/pkg/cmd/{get,events}`, v1.36; compared with tables of a real API server in the tests.

pub mod duration;
pub mod events;
pub mod json;
pub mod resource;
pub mod served;
pub mod table;
pub mod yaml;

mod deployment;
mod endpointslice;
mod event;
mod lease;
mod namespace;
mod node;
mod pod;
mod priorityclass;
mod replicaset;
mod service;

#[cfg(test)]
mod tests;

use crate::object::MicroTime;
use serde_json::Value;

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name; the head shows it in capitals.
    pub name: &'static str,
    /// Whether it is shown in wide tables only.
    pub is_wide: bool,
}

impl Column {
    const fn new(name: &'static str) -> Column {
        Column { name, is_wide: false }
    }

    const fn wide(name: &'static str) -> Column {
        Column { name, is_wide: true }
    }
}

/// How objects of a kind are shown.
#[derive(Debug)]
pub struct Printer {
    /// API version and kind of the documents; some have several.
    pub of: &'static [(&'static str, &'static str)],
    /// All columns, those of wide tables too.
    pub columns: &'static [Column],
    /// The cells of a document, one for each column; ages count up to the date. The API server fills in all of them, and
    /// kubectl leaves out those for which there is no room.
    pub cells: fn(&Value, MicroTime) -> Vec<String>,
}

/// All of them. To add one: a file, and a row.
pub const PRINTERS: &[Printer] = &[
    Printer { of: &[("v1", "Pod")], columns: pod::COLUMNS, cells: pod::cells },
    Printer { of: &[("v1", "Node")], columns: node::COLUMNS, cells: node::cells },
    Printer { of: &[("apps/v1", "Deployment")], columns: deployment::COLUMNS, cells: deployment::cells },
    Printer { of: &[("apps/v1", "ReplicaSet")], columns: replicaset::COLUMNS, cells: replicaset::cells },
    Printer { of: &[("v1", "Service")], columns: service::COLUMNS, cells: service::cells },
    Printer {
        of: &[("discovery.k8s.io/v1", "EndpointSlice")],
        columns: endpointslice::COLUMNS,
        cells: endpointslice::cells,
    },
    Printer { of: &[("v1", "Namespace")], columns: namespace::COLUMNS, cells: namespace::cells },
    Printer {
        of: &[("scheduling.k8s.io/v1", "PriorityClass")],
        columns: priorityclass::COLUMNS,
        cells: priorityclass::cells,
    },
    Printer { of: &[("coordination.k8s.io/v1", "Lease")], columns: lease::COLUMNS, cells: lease::cells },
    Printer { of: &[("v1", "Event"), ("events.k8s.io/v1", "Event")], columns: event::COLUMNS, cells: event::cells },
];

/// What is shown of kinds that have no printer of their own: custom resources have the same columns.
const OTHERS: Printer = Printer { of: &[], columns: &[Column::new("Name"), Column::new("Age")], cells: name_and_age };

/// The printer for documents of this kind.
pub fn printer(api_version: &str, kind: &str) -> &'static Printer {
    PRINTERS.iter().find(|printer| printer.of.contains(&(api_version, kind))).unwrap_or(&OTHERS)
}

fn name_and_age(document: &Value, now: MicroTime) -> Vec<String> {
    vec![name(document), age(document, now)]
}

/// What stands in cells for nothing.
const NONE: &str = "<none>";

/// The name of an object.
fn name(document: &Value) -> String {
    text(&document["metadata"]["name"])
}

/// How long an object has been there.
fn age(document: &Value, now: MicroTime) -> String {
    duration::since(&document["metadata"]["creationTimestamp"], now)
}

/// A text; empty if there is none.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

/// A text, or what stands for none.
fn text_or(value: &Value, none: &str) -> String {
    value.as_str().filter(|text| !text.is_empty()).unwrap_or(none).to_string()
}

/// A number; zero if there is none.
fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

/// The elements of a list; none if there is none.
fn items(value: &Value) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator {
    value.as_array().map_or(&[][..], Vec::as_slice).iter()
}

/// `a=b,c=d`, sorted by key (`labels.FormatLabels`).
pub fn labels(value: &Value) -> String {
    let mut pairs: Vec<(&String, String)> =
        value.as_object().into_iter().flatten().map(|(key, value)| (key, text(value))).collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    if pairs.is_empty() { NONE.to_string() } else { pairs.join(",") }
}

/// A label selector in one line, its requirements sorted by key (`metav1.LabelSelectorAsSelector`).
fn selector(value: &Value) -> String {
    let same = value["matchLabels"].as_object().into_iter().flatten();
    let mut parts: Vec<(String, String)> =
        same.map(|(key, value)| (key.clone(), format!("{key}={}", text(value)))).collect();
    for expression in items(&value["matchExpressions"]) {
        let key = text(&expression["key"]);
        let mut values: Vec<&str> = items(&expression["values"]).filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        let part = match expression["operator"].as_str().unwrap_or_default() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.clone(),
            "DoesNotExist" => format!("!{key}"),
            _ => return "<invalid>".to_string(),
        };
        parts.push((key, part));
    }
    parts.sort_by(|one, other| one.0.cmp(&other.0));
    parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>().join(",")
}

/// Names and images of the containers of a template.
fn containers(document: &Value) -> [String; 2] {
    let containers = &document["spec"]["template"]["spec"]["containers"];
    ["name", "image"].map(|field| {
        let texts: Vec<String> = items(containers).map(|container| text(&container[field])).collect();
        texts.join(",")
    })
}
