//! Everything that has a name, from all registries, in one form: what `list` prints and `help` explains.
//!
//! To add a registry: a value of [`Registry`] and a function here.

use super::arguments::Registry;
use super::shipped::SHIPPED;
use crate::fault;
use crate::object::delay::DELAYS;
use crate::object::setting::{SETTINGS, Setting, Unit};
use crate::scenario::codes::CODES;
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
    pub keys: Vec<(String, String)>,
    /// More, in paragraphs; empty if there is no more to say.
    pub more: String,
    /// How it is written in a scenario; empty if it is not.
    pub example: String,
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
        Registry::Faults => faults(),
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

fn faults() -> Vec<Entry> {
    let entry = |row: &fault::FaultRow| {
        let id = row.name.rsplit('.').next().unwrap_or(row.name);
        let mut example = format!("[[event]]\nid = \"{id}\"\nat = \"1m\"\ndo = \"{}\"\n", row.name);
        if row.has_target {
            example.push_str("target = { zone = \"a\" }\n");
        }
        if row.end.is_some() {
            example.push_str("for = \"5m\"\n");
        }
        let yes = |is: bool| if is { "yes" } else { "no" }.to_string();
        Entry {
            columns: vec![("TARGET", yes(row.has_target)), ("LASTS", yes(row.end.is_some()))],
            keys: row.parameters.iter().map(|field| (field.name.to_string(), field.what.to_string())).collect(),
            more: match row.end {
                Some(end) => format!("After `for`: {end}"),
                None => "It is over at once and has no `for`.".to_string(),
            },
            example,
            ..Entry::new("fault", row.name, row.summary)
        }
    };
    fault::REGISTRY.iter().map(entry).collect()
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
        example: format!("[control]\n{} = {{ {} = {written} }}\n", key(row.component), key(row.name)),
        ..Entry::new("setting", &format!("{}/{}", row.component, row.name), &format!("A setting of {}.", row.component))
    }
}

/// A key as TOML has it: in quotes if it is not all letters, digits and dashes.
fn key(name: &str) -> String {
    let is_bare = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_bare { name.to_string() } else { format!("\"{name}\"") }
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

    /// Each example in the scenario that it asks for: none of them is wrong but for keys that depend on its parameters.
    #[test]
    fn examples_are_read_without_a_complaint() {
        let mut complaints = Vec::new();
        for &registry in Registry::value_variants() {
            for entry in entries(registry).into_iter().filter(|entry| !entry.example.is_empty()) {
                let is_event = entry.example.starts_with("[[event]]");
                if is_event && !entry.keys.is_empty() {
                    continue;
                }
                let crash = "[[event]]\nid = \"crash\"\nat = \"1m\"\ndo = \"node.crash\"\ntarget = { zone = \"a\" }\n";
                let crash = if is_event { "" } else { crash };
                let pool = "[[cluster.pool]]\nname = \"w\"\ncount = 1\nzones = [\"a\"]\ncapacity = { cpu = \"4\", memory = \"8Gi\" }\n";
                let head = "schema = \"evenkeel/v1\"\ntitle = \"x\"\n";
                let text = format!("{head}{pool}{crash}{}", entry.example);
                let files = |_: &str| Ok(text.clone());
                let problems = crate::scenario::load("x.toml", &files).err().unwrap_or_default();
                // That there is no such workload is no fault of the example.
                let shown: Vec<_> = problems.list.iter().filter(|problem| problem.code != "E0204").collect();
                if !shown.is_empty() {
                    complaints.push(format!("{}: {}", entry.name, problems.render(false)));
                }
            }
        }
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}
