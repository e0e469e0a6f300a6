//! Every recorded table row of every kind that has a printer, against ours.
//!
//! `tests/fixtures/kubectl/rows.jsonl`: what a real API server v1.36.2 served and how it printed it, one object a line:
//! `cells` as in a plain table, `wide` as in a wide one, `at` the moments before and after it was asked [µs since 1970].
//! Parts of the objects that no printer looks at are left out.

use super::served::served;
use super::table::lay_out;
use super::{Column, PRINTERS, printer};
use crate::manifest::decode::decode;
use crate::object::MicroTime;
use serde_json::Value;
use std::collections::BTreeMap;

const ROWS: &str = include_str!("../../tests/fixtures/kubectl/rows.jsonl");
const COLUMNS: &str = include_str!("../../tests/fixtures/kubectl/columns.json");

const TRANSCRIPTS: &str = include_str!("../../tests/fixtures/kubectl/transcripts.jsonl");

/// The recorded cells as texts.
fn texts(cells: &Value) -> Vec<String> {
    let text = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_string);
    cells.as_array().unwrap().iter().map(text).collect()
}

/// Our cells of a document.
fn cells(document: &Value, now: i64, is_wide: bool) -> Vec<String> {
    let printer = printer(document["apiVersion"].as_str().unwrap(), document["kind"].as_str().unwrap());
    let cells = (printer.cells)(document, MicroTime(now));
    assert_eq!(cells.len(), printer.columns.len());
    let shown = cells.into_iter().zip(printer.columns).filter(|(_, column)| is_wide || !column.is_wide);
    shown.map(|(cell, _)| cell).collect()
}

#[test]
fn every_recorded_row_is_printed_alike() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in ROWS.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let id = row["id"].as_str().unwrap();
        let recorded = &row["object"];
        *seen.entry(recorded["kind"].as_str().unwrap().to_string()).or_default() += 1;
        // As the server served it, and after it was one of our objects.
        let decoded = decode(recorded, "default").unwrap_or_else(|refusal| panic!("{id}: {refusal:?}"));
        for (way, document) in [("recorded", recorded.clone()), ("ours", served(&decoded.object))] {
            for (field, is_wide) in [("cells", false), ("wide", true)] {
                let expected = texts(&row[field]);
                let at: Vec<i64> = row["at"].as_array().unwrap().iter().map(|at| at.as_i64().unwrap()).collect();
                // A second may have ended while the server was asked.
                let ours: Vec<Vec<String>> = at.iter().map(|&at| cells(&document, at, is_wide)).collect();
                if !ours.contains(&expected) {
                    wrong.push(format!("{id} ({way})\n  recorded {expected:?}\n  ours     {:?}", ours[0]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} cells differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(seen.len(), PRINTERS.len(), "{seen:?}");
    assert_eq!(seen.values().sum::<usize>(), 258);
}

#[test]
fn columns_are_those_of_upstream() {
    let recorded: Vec<Value> = serde_json::from_str(COLUMNS).unwrap();
    for kind in &recorded {
        let expected: Vec<(&str, bool)> = kind["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| (column[0].as_str().unwrap(), column[1] != 0))
            .collect();
        let (api_version, kind) = (kind["apiVersion"].as_str().unwrap(), kind["kind"].as_str().unwrap());
        let ours: Vec<(&str, bool)> =
            printer(api_version, kind).columns.iter().map(|&Column { name, is_wide }| (name, is_wide)).collect();
        assert_eq!(ours, expected, "{kind}");
    }
    let kinds = PRINTERS.iter().map(|printer| printer.of.len()).sum::<usize>();
    assert_eq!(recorded.len(), kinds);
}

/// What recorded commands printed to standard output.
fn transcripts() -> Vec<(String, String)> {
    let transcript = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        (row["command"].as_str().unwrap().to_string(), row["stdout"].as_str().unwrap().to_string())
    };
    TRANSCRIPTS.lines().map(transcript).collect()
}

/// Recorded tables, taken apart and laid out again. None of them has an empty cell.
#[test]
fn tables_are_laid_out_as_recorded() {
    let mut count = 0;
    for (command, printed) in transcripts().into_iter().filter(|(command, _)| !command.contains("-o yaml")) {
        if command.contains("-o json") || command.contains("-o name") {
            continue;
        }
        let table = |table: &str| {
            let cells = |line: &str| {
                let cells = line.split("   ").map(str::trim).filter(|cell| !cell.is_empty());
                cells.map(str::to_string).collect::<Vec<String>>()
            };
            lay_out(&table.lines().map(cells).collect::<Vec<_>>())
        };
        let ours: Vec<String> = printed.split("\n\n").map(table).collect();
        assert_eq!(ours.join("\n"), printed, "{command}");
        count += 1;
    }
    assert_eq!(count, 20);
}

#[test]
fn documents_are_written_as_recorded() {
    let all = transcripts();
    let find = |end: &str| &all.iter().find(|(command, _)| command.ends_with(end)).unwrap().1;
    let document: Value = serde_json::from_str(find("get pod huge -n shop -o json")).unwrap();
    assert_eq!(&super::json::json(&document), find("get pod huge -n shop -o json"));
    assert_eq!(&super::yaml::yaml(&document), find("get pod huge -n shop -o yaml"));
}
