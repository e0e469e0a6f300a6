//! `kubectl events`: what happened, the oldest first, each with how often and over what time.
//!
//! Source: `staging/src/k8s.io/kubectl/pkg/cmd/events/{events,event_printer}.go`, v1.36. Of Events of one moment upstream's
//! sort may swap some; here they keep their order.

use super::event::field;
use super::table::lay_out;
use super::{duration, number, text};
use crate::object::MicroTime;
use serde_json::Value;

/// The Events in the order in which they are shown.
pub fn sort(events: &mut [Value]) {
    events.sort_by_key(time);
}

/// By which they are sorted [µs since 1970].
fn time(event: &Value) -> Option<i64> {
    let series = duration::micros(&event["series"]["lastObservedTime"]);
    let last = || duration::micros(field(event, "lastTimestamp", "deprecatedLastTimestamp"));
    series.or_else(last).or_else(|| duration::micros(&event["eventTime"]))
}

/// The Events as a table.
pub fn events(events: &[Value], now: MicroTime, with_namespace: bool, no_heads: bool) -> String {
    let heads = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"].map(str::to_string).to_vec();
    let mut rows: Vec<Vec<String>> = if no_heads { Vec::new() } else { vec![heads] };
    rows.extend(events.iter().map(|event| {
        let regarding = field(event, "involvedObject", "regarding");
        vec![
            interval(event, now),
            text(&event["type"]),
            text(&event["reason"]),
            format!("{}/{}", text(&regarding["kind"]), text(&regarding["name"])),
            text(field(event, "message", "note")).trim().to_string(),
        ]
    }));
    if with_namespace {
        let namespaces = events.iter().map(|event| text(&event["metadata"]["namespace"]));
        let head = (!no_heads).then(|| "NAMESPACE".to_string());
        rows.iter_mut().zip(head.into_iter().chain(namespaces)).for_each(|(row, cell)| row.insert(0, cell));
    }
    lay_out(&rows)
}

/// `12m`, or `12m (x3 over 1h)`.
fn interval(event: &Value, now: MicroTime) -> String {
    let since = |date: &Value| duration::since(date, now);
    let first = match &event["eventTime"] {
        Value::Null => since(field(event, "firstTimestamp", "deprecatedFirstTimestamp")),
        time => since(time),
    };
    let series = &event["series"];
    let count = number(field(event, "count", "deprecatedCount"));
    if series.is_object() {
        format!("{} (x{} over {first})", since(&series["lastObservedTime"]), number(&series["count"]))
    } else if count > 1 {
        format!("{} (x{count} over {first})", since(field(event, "lastTimestamp", "deprecatedLastTimestamp")))
    } else {
        first
    }
}
