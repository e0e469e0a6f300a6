//! Events, as `kubectl get` shows them (`printEvent`).

use super::{Column, duration, name, number, text};
use crate::object::MicroTime;
use serde_json::Value;

/// Columns.
pub const COLUMNS: &[Column] = &[
    Column::new("Last Seen"),
    Column::new("Type"),
    Column::new("Reason"),
    Column::new("Object"),
    Column::wide("Subobject"),
    Column::wide("Source"),
    Column::new("Message"),
    Column::wide("First Seen"),
    Column::wide("Count"),
    Column::wide("Name"),
];

/// Cells.
pub fn cells(event: &Value, now: MicroTime) -> Vec<String> {
    let Seen { first, last, count } = Seen::of(event);
    let since = |date: &Value| duration::since(date, now);
    let regarding = field(event, "involvedObject", "regarding");
    let kind = text(&regarding["kind"]).to_lowercase();
    let object = match text(&regarding["name"]) {
        name if name.is_empty() => kind,
        name => format!("{kind}/{name}"),
    };
    vec![
        since(last),
        text(&event["type"]),
        text(&event["reason"]),
        object,
        text(&regarding["fieldPath"]),
        source(event),
        text(field(event, "message", "note")).trim().to_string(),
        since(first),
        count.to_string(),
        name(event),
    ]
}

/// A field that the two API groups of Events call differently.
pub fn field<'a>(event: &'a Value, core: &str, other: &str) -> &'a Value {
    if event[core].is_null() { &event[other] } else { &event[core] }
}

/// When an Event happened, and how often.
struct Seen<'a> {
    first: &'a Value,
    last: &'a Value,
    count: i64,
}

impl Seen<'_> {
    fn of(event: &Value) -> Seen<'_> {
        let first = field(event, "firstTimestamp", "deprecatedFirstTimestamp");
        let first = if first.is_null() { &event["eventTime"] } else { first };
        let last = field(event, "lastTimestamp", "deprecatedLastTimestamp");
        let last = if last.is_null() { first } else { last };
        let series = &event["series"];
        if series.is_object() {
            return Seen { first, last: &series["lastObservedTime"], count: number(&series["count"]) };
        }
        // One that happened once need not say so.
        Seen { first, last, count: number(field(event, "count", "deprecatedCount")).max(1) }
    }
}

/// Who says it, and where that runs.
fn source(event: &Value) -> String {
    let source = field(event, "source", "deprecatedSource");
    let or = |own: &Value, other: &Value| match text(own) {
        own if own.is_empty() => text(other),
        own => own,
    };
    let component = or(&source["component"], field(event, "reportingComponent", "reportingController"));
    match or(&source["host"], &event["reportingInstance"]) {
        instance if instance.is_empty() => component,
        instance => format!("{component}, {instance}"),
    }
}
