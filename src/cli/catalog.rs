//! Everything that has a name, from all registries, in one form: what `list` prints and `help` explains.
//!
//! To add a registry: a value of [`Registry`] and a function here.

mod story;

use super::arguments::Registry;
use super::shipped::SHIPPED;
use crate::object::delay::DELAYS;
use crate::object::field::Field;
use crate::object::setting::{SETTINGS, Setting, Unit};
use crate::scenario::codes::CODES;
use crate::scenario::describe;
use crate::scenario::edit;
use crate::scenario::measure::{self, MEASURES};
use crate::scenario::rule::{RULES, Rule};
use crate::scenario::schema::PROFILE;
use crate::scheduler::profile::Profile;
use clap::ValueEnum;

/// One thing that has a name.
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What kind of thing it is, as `fault`.
    pub kind: &'static str,
    /// What it is, in a sentence.
    pub what: String,
    /// Facts about it, by the head of their column; every entry of a registry has the same.
    pub columns: Vec<(&'static str, String)>,
    /// Keys that go with it, and what they mean.
    pub keys: Vec<Key>,
    /// More, in paragraphs; empty if there is no more to say.
    pub more: String,
    /// How it is written in a scenario; empty if it is not.
    pub example: String,
}

/// A key that goes with something.
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value may be, in words.
    pub shape: String,
    /// Whether it must be there.
    pub is_required: bool,
    /// What holds without it, as one would write it; none if nothing does.
    pub default: Option<&'static str>,
    /// What it means.
    pub what: &'static str,
}

impl Key {
    fn of(field: &Field) -> Key {
        let Field { name, shape, is_required, default, what } = *field;
        Key { name, shape: describe::words(shape), is_required, default, what }
    }
}

impl Entry {
    fn new(kind: &'static str, name: &str, what: &str) -> Entry {
        let (columns, keys, more, example) = (Vec::new(), Vec::new(), String::new(), String::new());
        Entry { name: name.to_string(), kind, what: what.to_string(), columns, keys, more, example }
    }
}

/// What is listed, in a few words, and how much there is of it.
pub fn registries() -> Vec<Entry> {
    let entry = |registry: &Registry| {
        let value = registry.to_possible_value().expect("none is hidden");
        let what = value.get_help().map(ToString::to_string).unwrap_or_default();
        let count = entries(*registry).len().to_string();
        Entry { columns: vec![("COUNT", count)], ..Entry::new("list", value.get_name(), &what) }
    };
    Registry::value_variants().iter().map(entry).collect()
}

/// The entries of a registry, in its order.
pub fn entries(registry: Registry) -> Vec<Entry> {
    match registry {
        Registry::Tables => story::tables(),
        Registry::Faults => story::faults(),
        Registry::Actions => story::actions(),
        Registry::Failures => story::failures(),
        Registry::Measures => MEASURES.iter().map(self::measure).collect(),
        Registry::Rules => rules(),
        Registry::Scenarios => scenarios(),
        Registry::Plugins => plugins(),
        Registry::Profiles => vec![profile()],
        Registry::Settings => SETTINGS.iter().map(setting).collect(),
        Registry::Delays => delays(),
        Registry::Codes => codes(),
    }
}

fn measure(row: &measure::Measure) -> Entry {
    let of = if row.needs_workload { "of = \"deployment/web\"\n" } else { "" };
    let bound = match row.unit {
        measure::Unit::Duration => "at-most = \"5m\"",
        measure::Unit::Pods | measure::Unit::Count => "at-least = 2",
        measure::Unit::Flag => "equals = true",
        measure::Unit::Share => "at-least = \"99%\"",
    };
    let since = match row.needs_event {
        true => "It counts from the event `since`.",
        false => "It counts from the event `since`, or from the beginning without one.",
    };
    let before = if row.needs_before { "before = \"repair\"\n" } else { "" };
    let name = row.name;
    Entry {
        columns: vec![("UNIT", row.unit.name().to_string())],
        more: format!("{since} Bounds are `at-least`, `at-most` and `equals`."),
        example: format!("[[expect]]\nid = \"x\"\nmeasure = \"{name}\"\n{of}since = \"crash\"\n{before}{bound}\n"),
        ..Entry::new("measure", row.name, row.what)
    }
}

fn rules() -> Vec<Entry> {
    let example = |row: &Rule| {
        let of = if row.needs_workload { "of = \"deployment/web\"\n" } else { "" };
        format!("[[expect]]\nid = \"x\"\nrule = \"{}\"\n{of}", row.name)
    };
    RULES.iter().map(|row| Entry { example: example(row), ..Entry::new("rule", row.name, row.what) }).collect()
}

fn scenarios() -> Vec<Entry> {
    let entry = |shipped: &super::shipped::Shipped| {
        let name = shipped.name;
        Entry {
            more: format!("{}\nTo have it: evenkeel new --template {name} {name}.toml", shipped.introduction()),
            ..Entry::new("scenario", name, &shipped.title())
        }
    };
    SHIPPED.iter().map(entry).collect()
}

fn plugins() -> Vec<Entry> {
    let profile = Profile::default();
    let plugin = |index: u8| {
        let name = profile.name(index)?;
        let points: Vec<String> = profile.plugin(index).points().iter().map(|point| format!("{point:?}")).collect();
        let weight = match profile.weight(index) {
            0 => "–".to_string(),
            weight => weight.to_string(),
        };
        let columns = vec![("WEIGHT", weight), ("POINTS", points.join(", "))];
        let what = "A plugin of the scheduler; it does what upstream's of this name does.";
        Some(Entry { columns, ..Entry::new("plugin", name, what) })
    };
    (0..=u8::MAX).map_while(plugin).collect()
}

fn profile() -> Entry {
    let plugins = plugins().len();
    Entry {
        more: format!(
            "It stands for the {} settings of `evenkeel list settings`, with the sources of their defaults in the tree \
             of v1.36.2, and for the default scheduler with the {plugins} plugins of `evenkeel list plugins` and their \
             weights. A scenario changes single settings under `[control]`.",
            SETTINGS.len()
        ),
        example: format!("[run]\nprofile = \"{PROFILE}\"\n"),
        ..Entry::new("profile", PROFILE, "The defaults of Kubernetes 1.36.2. The only profile so far.")
    }
}

fn setting(row: &Setting) -> Entry {
    let default = row.unit.show(row.default);
    let written = match row.unit {
        Unit::Count => default.clone(),
        Unit::Duration | Unit::Rate | Unit::Share => format!("\"{default}\""),
    };
    Entry {
        columns: vec![("DEFAULT", default)],
        more: format!(
            "At least {}, at most {}.\nSource: {}",
            row.unit.show(row.least),
            row.unit.show(row.unit.most()),
            row.source
        ),
        example: format!("[control]\n{} = {{ {} = {written} }}\n", edit::key(row.component), edit::key(row.name)),
        ..Entry::new("setting", &format!("{}/{}", row.component, row.name), &format!("A setting of {}.", row.component))
    }
}

fn delays() -> Vec<Entry> {
    let entry = |row: &crate::object::delay::DelayRow| Entry {
        columns: vec![("DEFAULT", row.default.to_string())],
        example: format!("[delays]\n{} = {{ dist = \"uniform\", min = \"1s\", max = \"3s\" }}\n", row.name),
        ..Entry::new("delay", row.name, row.what)
    };
    DELAYS.iter().map(entry).collect()
}

fn codes() -> Vec<Entry> {
    let entry = |code: &crate::scenario::codes::Explanation| {
        let indented = |text: &str| text.lines().map(|line| format!("  {line}\n")).collect::<String>();
        let mut more = code.why.to_string();
        if !code.wrong.is_empty() {
            more.push_str(&format!("\n\nNot so:\n{}But so:\n{}", indented(code.wrong), indented(code.right)));
        }
        Entry { more, ..Entry::new("code", code.code, code.what) }
    };
    CODES.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn entries_of_a_registry_have_the_same_columns_and_names_of_their_own() {
        for &registry in Registry::value_variants() {
            let entries = entries(registry);
            let heads = |entry: &Entry| entry.columns.iter().map(|(head, _)| *head).collect::<Vec<_>>();
            assert!(entries.iter().all(|entry| heads(entry) == heads(&entries[0])), "{registry:?}");
            assert!(entries.iter().all(|entry| !entry.what.is_empty() && entry.kind == entries[0].kind));
            let names: BTreeSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
            assert_eq!(names.len(), entries.len(), "{registry:?}");
        }
        assert_eq!(plugins().len(), crate::scheduler::profile::REGISTRY.len());
    }

    /// Each example in a scenario that has what it refers to.
    #[test]
    #[cfg(feature = "manifest")]
    fn examples_are_read_without_a_complaint() {
        let mut complaints = Vec::new();
        let mut tried = 0;
        for &registry in Registry::value_variants() {
            for entry in entries(registry).into_iter().filter(|entry| !entry.example.is_empty()) {
                tried += 1;
                let has = |id: &str| entry.example.contains(&format!("[[event]]\nid = \"{id}\""));
                let event = |id: &str, what: &str| match has(id) {
                    true => String::new(),
                    false => format!("[[event]]\nid = \"{id}\"\nat = \"30s\"\n{what}\n"),
                };
                let mut text = String::from("schema = \"evenkeel/v1\"\ntitle = \"x\"\n");
                text.push_str("[[cluster.pool]]\nname = \"w\"\ncount = 2\nzones = [\"a\"]\nracks = [\"a1\"]\n");
                text.push_str("capacity = { cpu = \"4\", memory = \"8Gi\" }\n");
                text.push_str("[[domain]]\nname = \"feed\"\nkind = \"power\"\ncovers = { pool = \"w\" }\n");
                text.push_str("[[workload]]\nname = \"web\"\n");
                text.push_str(&event("crash", "do = \"node.crash\"\ntarget = { node = \"w-1\" }"));
                text.push_str(&event("cut", "do = \"node.partition\"\ntarget = { node = \"w-1\" }"));
                text.push_str(&event("repair", "do = \"node.uncordon\"\ntarget = { node = \"w-1\" }"));
                if entry.name == "power.restore" {
                    // There has to be something to restore.
                    text.push_str(
                        "[[event]]\nid = \"dark\"\nat = \"10s\"\ndo = \"power.loss\"\ntarget = { zone = \"a\" }\n",
                    );
                }
                text.push_str(&entry.example);
                let files = |path: &str| {
                    match path {
                    "x.toml" => Ok(text.clone()),
                    "web-v2.yaml" => Ok(
                        "apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { selector: { app: web }, ports: [{ port: 80 }] }\n".to_string(),
                    ),
                    _ => Err("no such file".to_string()),
                }
                };
                if let Err(problems) = crate::scenario::load("x.toml", &files) {
                    complaints.push(format!("{}: {}", entry.name, problems.render(false)));
                }
            }
        }
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        assert!(tried > 100, "{tried}");
    }
}
