//! A scenario in which every default is written out is the same scenario.

#![allow(clippy::disallowed_methods)] // a test reads the scenarios that are shipped

use crate::cluster::World;
use crate::kernel::time::{Span, Time};
use crate::object::field::Field;
use crate::scenario::language::{EVENT, EXPECT, POOL, WORKLOAD};
use crate::scenario::{Loaded, Problems, load, load_with};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn names() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter(|name| name.ends_with(".toml")).collect();
    names.sort();
    names
}

fn good(loaded: Result<Loaded, Problems>) -> Loaded {
    loaded.unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

fn digest(loaded: &Loaded) -> String {
    let mut config = loaded.config(None);
    // A month would take as long as all the others together.
    config.until = config.until.min(Time::ZERO + Span::DAY);
    let mut world = World::new(config);
    world.run();
    world.digest().hex()
}

/// Keys with defaults that mean nothing, or something else, unless another key is there.
const CONDITIONAL: [&str; 6] = ["exit-code", "delay", "order", "max-surge", "max-unavailable", "strategy"];

/// `--set` for every default of the elements of a list that say nothing of it.
fn written_out(list: &str, fields: &[Field], elements: &[(String, toml::Table)]) -> Vec<String> {
    let mut set = Vec::new();
    for (name, element) in elements {
        for field in fields.iter().filter(|field| !element.contains_key(field.name)) {
            if let Some(default) = field.default.filter(|_| !CONDITIONAL.contains(&field.name)) {
                set.push(format!("{list}.\"{name}\".{}={default}", field.name));
            }
        }
    }
    set
}

/// The elements of a list of tables, by name.
fn elements(table: &toml::Table, path: &[&str]) -> Vec<(String, toml::Table)> {
    let mut value = toml::Value::Table(table.clone());
    for step in path {
        let Some(inner) = value.get(step) else { return Vec::new() };
        value = inner.clone();
    }
    let tables = value.as_array().cloned().unwrap_or_default();
    let named = tables.iter().filter_map(|element| {
        let name = element.get("id").or_else(|| element.get("name"))?;
        Some((name.as_str()?.to_string(), element.as_table()?.clone()))
    });
    named.collect()
}

#[test]
fn a_scenario_with_every_default_written_out_runs_to_the_same_digest() {
    let mut written = 0;
    for name in names() {
        let read = |path: &str| std::fs::read_to_string(folder().join(path)).map_err(|error| error.to_string());
        let original = good(load(&name, &read));
        let main = format!(
            "schema = \"evenkeel/v1\"\ntitle = \"All said\"\ninclude = [\"{name}\"]\n\n{}",
            original.defaults()
        );
        let table: toml::Table = original.text().parse().unwrap();
        let set = [
            written_out("event", EVENT, &elements(&table, &["event"])),
            written_out("expect", EXPECT, &elements(&table, &["expect"])),
            written_out("workload", WORKLOAD, &elements(&table, &["workload"])),
            written_out("cluster.pool", POOL, &elements(&table, &["cluster", "pool"])),
        ]
        .concat();
        written += set.len();
        let files = |path: &str| if path == "all-said.toml" { Ok(main.clone()) } else { read(path) };
        let said = good(load_with("all-said.toml", &set, &files));
        assert_eq!(said.config(None).until, original.config(None).until, "{name}");
        assert_eq!(digest(&said), digest(&original), "{name}");
    }
    assert!(written > 0, "no shipped scenario leaves a default of a list's element out");
}

#[test]
fn what_holds_is_shown_with_its_origin() {
    let text = "schema = \"evenkeel/v1\"\ntitle = \"t\"\n[run]\nuntil = \"5m\"\n[delays]\nready-after = \"7s\"\n[control]\nkube-controller-manager = { node-monitor-grace-period = \"20s\" }\n[[cluster.pool]]\nname = \"w\"\ncount = 1\ncapacity = { cpu = 1, memory = \"1Gi\" }\n";
    let loaded = good(load("x.toml", &|_: &str| Ok(text.to_string())));
    let shown = loaded.defaults();
    for line in [
        "until = \"5m00s\"  # in this scenario",
        "hold = \"30s\"  # default of evenkeel/v1",
        "ready-after = \"7s\"  # in this scenario",
        "node-monitor-grace-period = \"20s\"  # in this scenario",
        "# replicas = 1",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    assert!(shown.contains("node-monitor-period = \"5s\"  # ") && shown.contains("pkg/"), "{shown}");
}
