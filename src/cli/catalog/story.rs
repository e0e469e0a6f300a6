//! What scenarios are written with: the tables of the language, faults, actions, processes of failures.

use super::{Entry, Key};
use crate::action::{self, ActionRow};
use crate::fault::{self, FaultRow};
use crate::object::field::{Field, Shape};
use crate::scenario::describe;
use crate::scenario::failure::preset;
use toml::Value;

/// The tables of the language.
pub fn tables() -> Vec<Entry> {
    let entry = |table: &describe::Described| Entry {
        columns: vec![("WRITTEN", table.written.to_string())],
        keys: table.fields.iter().map(Key::of).collect(),
        ..Entry::new("table", table.name, table.what)
    };
    describe::TABLES.iter().map(entry).collect()
}

/// What may break.
pub fn faults() -> Vec<Entry> {
    let entry = |row: &FaultRow| Entry {
        columns: vec![("TARGET", yes(row.has_target)), ("LASTS", yes(row.end.is_some()))],
        keys: row.parameters.iter().map(Key::of).collect(),
        more: match row.end {
            Some(end) => format!("After `for`: {end}"),
            None => "It is over at once and has no `for`.".to_string(),
        },
        example: event(row.name, row.has_target, row.parameters, row.end.is_some()),
        ..Entry::new("fault", row.name, row.summary)
    };
    fault::REGISTRY.iter().map(entry).collect()
}

/// What somebody may do.
pub fn actions() -> Vec<Entry> {
    let entry = |row: &ActionRow| {
        let command = if row.kubectl.is_empty() { "–" } else { row.kubectl };
        Entry {
            columns: vec![("TARGET", yes(row.has_target)), ("COMMAND", command.to_string())],
            keys: row.parameters.iter().map(Key::of).collect(),
            example: event(row.name, row.has_target, row.parameters, false),
            ..Entry::new("action", row.name, row.summary)
        }
    };
    action::REGISTRY.iter().map(entry).collect()
}

/// Processes of failures that have a source.
pub fn failures() -> Vec<Entry> {
    let entry = |preset: &preset::Preset| {
        let keys = preset.keys.parse::<toml::Table>().unwrap_or_default();
        let text = |key: &str| keys.get(key).and_then(Value::as_str).unwrap_or("–").to_string();
        let indented: String = preset.keys.lines().map(|line| format!("  {line}\n")).collect();
        Entry {
            columns: vec![("DO", text("do")), ("PER", text("per"))],
            more: format!(
                "It stands for these keys, of which a scenario's own win:\n{indented}\nSource: {}\n\nBeware: {}",
                preset.source, preset.caveat
            ),
            example: format!("[[failure]]\nid = \"{0}\"\nmodel = \"{0}\"\n", preset.name),
            ..Entry::new("process of failures", preset.name, preset.what)
        }
    };
    preset::REGISTRY.iter().map(entry).collect()
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_string()
}

/// An event that can be copied into a scenario.
fn event(name: &str, has_target: bool, parameters: &[Field], lasts: bool) -> String {
    let id = name.rsplit('.').next().unwrap_or(name);
    let mut text = format!("[[event]]\nid = \"{id}\"\nat = \"1m\"\ndo = \"{name}\"\n");
    if has_target {
        text.push_str("target = { zone = \"a\" }\n");
    }
    for field in parameters {
        if let Some(value) = example(name, field) {
            text.push_str(&format!("{} = {value}\n", field.name));
        }
    }
    if lasts {
        text.push_str("for = \"5m\"\n");
    }
    text
}

/// The value of a parameter in an example, if it should be there.
fn example(row: &str, field: &Field) -> Option<&'static str> {
    Some(match (row, field.name) {
        ("fault.end", "of") => "\"cut\"",
        (_, "of") => "\"deployment/web\"",
        (_, "image") => "\"app:2\"",
        (_, "replicas") => "5",
        (_, "patch") => "{ spec = { minReadySeconds = 10 } }",
        (_, "manifests") => "[\"web-v2.yaml\"]",
        (_, "labels") => "{ disk = \"ssd\" }",
        (_, "taint") => "\"dedicated=db:NoSchedule\"",
        (_, "pool") => "\"w\"",
        // Of those that may be left out, one must be there.
        ("set.resources", "requests") => "{ cpu = \"500m\", memory = \"1Gi\" }",
        ("link.slow", "latency") => "\"200ms\"",
        _ if !field.is_required => return None,
        _ => match field.shape {
            Shape::Share => "\"5%\"",
            Shape::Factor => "5",
            Shape::Count(_) => "2",
            Shape::Span | Shape::Delay => "\"30s\"",
            Shape::Flag => "true",
            _ => "\"…\"",
        },
    })
}
