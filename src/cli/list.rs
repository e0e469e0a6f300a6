//! `evenkeel list`: what has a name, straight from the registries.

use super::arguments::{ListArguments, ListOutput};
use super::catalog::{Entry, Key, entries, registries};
use super::terminal;
use clap::ValueEnum;
use serde_json::{Map, Value, json};

/// The version of the document. Fields are added, never changed.
const SCHEMA: &str = "evenkeel.list/v1";

/// Prints a registry, or which there are.
pub fn list(arguments: &ListArguments) -> u8 {
    let listed = arguments.what.map_or_else(registries, entries);
    let name = arguments.what.and_then(|what| what.to_possible_value());
    terminal::out(&match arguments.output {
        ListOutput::Name => listed.iter().map(|entry| format!("{}\n", entry.name)).collect(),
        ListOutput::Json => {
            let what = name.as_ref().map_or("lists", |value| value.get_name());
            format!(
                "{:#}\n",
                json!({ "schema": SCHEMA, "list": what, "entries": listed.iter().map(data).collect::<Vec<_>>() })
            )
        }
        ListOutput::Table => {
            let mut text = table(&listed);
            if name.is_none() {
                text.push_str(
                    "\n`evenkeel list NAME` lists one of them, `evenkeel help NAME` explains a name of any.\n",
                );
            }
            terminal::style(arguments.shown, None).finish(text)
        }
    })
}

/// An entry for programs.
fn data(entry: &Entry) -> Value {
    let mut object = Map::new();
    object.insert("name".to_string(), entry.name.clone().into());
    object.insert("what".to_string(), entry.what.clone().into());
    for (head, cell) in &entry.columns {
        object.insert(head.to_lowercase(), cell.clone().into());
    }
    if !entry.keys.is_empty() {
        let key = |key: &Key| {
            let (name, what, shape, default) = (key.name, key.what, &key.shape, key.default);
            json!({ "name": name, "what": what, "shape": shape, "required": key.is_required, "default": default })
        };
        object.insert("keys".to_string(), entry.keys.iter().map(key).collect());
    }
    Value::Object(object)
}

/// Columns as wide as their widest cell, two blanks apart. What every entry says alike is no column.
pub fn table(entries: &[Entry]) -> String {
    let Some(first) = entries.first() else { return String::new() };
    let is_telling =
        entries.len() == 1 || entries.iter().any(|entry| entry.kind != "setting" && entry.what != first.what);
    let cells = |name: &str, columns: Vec<&str>, what: &str| {
        let what = is_telling.then(|| what.to_string());
        let columns = columns.into_iter().map(String::from);
        std::iter::once(name.to_string()).chain(columns).chain(what).collect::<Vec<_>>()
    };
    let mut rows = vec![cells("NAME", first.columns.iter().map(|(head, _)| *head).collect(), "WHAT")];
    rows.extend(
        entries.iter().map(|entry| {
            cells(&entry.name, entry.columns.iter().map(|(_, cell)| cell.as_str()).collect(), &entry.what)
        }),
    );
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::Registry;

    #[test]
    fn every_row_of_a_registry_is_listed() {
        for &registry in Registry::value_variants() {
            let (entries, text) = (entries(registry), table(&entries(registry)));
            assert_eq!(text.lines().count(), entries.len() + 1, "{registry:?}");
            assert!(entries.iter().all(|entry| text.contains(&entry.name)), "{registry:?}");
        }
        let settings = table(&entries(Registry::Settings));
        assert!(settings.contains("kube-controller-manager/node-monitor-grace-period"), "{settings}");
    }
}
