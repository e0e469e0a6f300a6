//! `docs/language.md`: its tables are those of the language, and its examples can be read. `EVENKEEL_README=write` renews the
//! tables.

#![allow(clippy::disallowed_methods)] // a test may read files and its environment

use super::describe::{TABLES, words};
use super::measure::MEASURES;
use super::rule::RULES;
use super::{load, problem::Problems};
use crate::action;
use crate::fault;
use crate::object::field::{Field, Shape};
use std::path::{Path, PathBuf};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/language.md")
}

/// A text as a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Rows of keys, with `prefix` before their names and `words` for what they may be.
pub(super) fn rows(fields: &[Field], prefix: &str, words: impl Fn(Shape) -> String) -> String {
    let row = |field: &Field| {
        let default = match (field.is_required, field.default) {
            (true, _) => "needed".to_string(),
            (false, Some(default)) => format!("`{default}`"),
            (false, None) => String::new(),
        };
        format!("| `{prefix}{}` | {} | {default} | {} |\n", field.name, cell(&words(field.shape)), cell(field.what))
    };
    fields.iter().map(row).collect()
}

/// The head of a table of keys.
pub(super) const HEAD: &str = "| key | value | if left out | |\n|---|---|---|---|\n";

fn keys(fields: &[Field]) -> String {
    format!("{HEAD}{}", rows(fields, "", words))
}

/// The own keys of a fault or an action, after what it does.
fn own_keys(fields: &[Field]) -> String {
    let keys = fields.iter().map(|field| {
        let must = if field.is_required { ", needed" } else { "" };
        format!("`{}` ({}{must}): {}", field.name, cell(&words(field.shape)), cell(field.what))
    });
    keys.collect::<Vec<_>>().join("<br>")
}

fn faults() -> String {
    let mut table = "| `do` | what it does | when it is over | its keys |\n|---|---|---|---|\n".to_string();
    for fault in fault::REGISTRY {
        let end = fault.end.map_or_else(|| "at once".to_string(), cell);
        let target = if fault.has_target { "`target`" } else { "no target" };
        let own = own_keys(fault.parameters);
        let own = if own.is_empty() { target.to_string() } else { format!("{target}<br>{own}") };
        table += &format!("| `{}` | {} | {end} | {own} |\n", fault.name, cell(fault.summary));
    }
    table
}

fn actions() -> String {
    let mut table = "| `do` | what it does | as | its keys |\n|---|---|---|---|\n".to_string();
    for action in action::REGISTRY {
        let kubectl = if action.kubectl.is_empty() { String::new() } else { format!("`{}`", cell(action.kubectl)) };
        let own = own_keys(action.parameters);
        let own = match (action.has_target, own.is_empty()) {
            (true, true) => "`target`".to_string(),
            (true, false) => format!("`target`<br>{own}"),
            (false, _) => own,
        };
        table += &format!("| `{}` | {} | {kubectl} | {own} |\n", action.name, cell(action.summary));
    }
    table
}

fn measures() -> String {
    let row =
        |row: &super::measure::Measure| format!("| `{}` | {} | {} |\n", row.name, row.unit.name(), cell(row.what));
    format!("| measure | counts | |\n|---|---|---|\n{}", MEASURES.iter().map(row).collect::<String>())
}

fn rules() -> String {
    let row = |row: &super::rule::Rule| format!("| `{}` | {} |\n", row.name, cell(row.what));
    format!("| rule | |\n|---|---|\n{}", RULES.iter().map(row).collect::<String>())
}

/// The page with the part between these marks replaced.
pub(super) fn renewed(page: &str, mark: &str, part: &str) -> String {
    let (before, rest) = page.split_once(&format!("<!-- {mark} -->\n")).unwrap_or_else(|| panic!("no mark {mark}"));
    let (_, after) = rest.split_once(&format!("<!-- end of {mark} -->")).expect("its end");
    format!("{before}<!-- {mark} -->\n\n{part}\n<!-- end of {mark} -->{after}")
}

#[test]
fn the_page_says_what_the_tables_say() {
    let page = std::fs::read_to_string(path()).unwrap();
    let mut wanted = page.clone();
    for table in TABLES {
        // Two have pages or places of their own, one holds only the pools.
        if !["failure", "burst", "cluster"].contains(&table.name) {
            wanted = renewed(&wanted, &format!("table {}", table.name), &keys(table.fields));
        }
    }
    for (mark, part) in [("faults", faults()), ("actions", actions()), ("measures", measures()), ("rules", rules())] {
        wanted = renewed(&wanted, mark, &part);
    }
    if std::env::var("EVENKEEL_README").is_ok_and(|value| value == "write") {
        std::fs::write(path(), &wanted).unwrap();
    }
    let page = std::fs::read_to_string(path()).unwrap();
    assert!(page == wanted, "docs/language.md is not what the tables say: EVENKEEL_README=write renews it");
}

/// What the examples are parts of.
const BASE: &str = r#"
[[cluster.pool]]
name = "worker"
count = 4
zones = ["a", "b"]
racks = { a = ["a1"], b = ["b1"] }
capacity = { cpu = "4", memory = "8Gi" }
labels = { disk = "ssd" }

[[workload]]
name = "web"

[[event]]
id = "crash"
at = "1m"
do = "node.crash"
target = { node = "worker-1" }
"#;

#[test]
#[cfg(feature = "manifest")]
fn every_example_of_the_page_can_be_read() {
    let page = std::fs::read_to_string(path()).unwrap();
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let blocks: Vec<&str> = blocks.collect();
    assert!(blocks.len() > 10);
    for block in blocks {
        let text = if block.contains("schema = ") {
            block.to_string()
        } else {
            let include = if block.contains("include = ") { "" } else { "include = [\"base.toml\"]\n" };
            format!("schema = \"evenkeel/v1\"\ntitle = \"t\"\n{include}{block}")
        };
        let files = |path: &str| Ok(if path == "base.toml" { BASE.to_string() } else { text.clone() });
        let problems: Problems = load("page.toml", &files).err().unwrap_or_default();
        assert!(problems.list.is_empty(), "{block}\n{}", problems.render(false));
    }
}
