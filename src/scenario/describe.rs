//! The language in words: what a shape may be, and the tables of a scenario by the names under which people ask for them.
//!
//! `evenkeel help event` and the page about the language both say what stands here.

use super::language;
use crate::object::field::{Field, Shape};

/// A table of the language.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// By what people ask for it, as `event`.
    pub name: &'static str,
    /// How it is written, as `[[event]]`.
    pub written: &'static str,
    /// What it is, in a sentence.
    pub what: &'static str,
    /// Its keys.
    pub fields: &'static [Field],
}

/// All tables, in the order in which a scenario is read.
pub const TABLES: &[Described] = &[
    Described { name: "scenario", written: "the file", what: "The keys of a file at its top.", fields: language::ROOT },
    Described { name: "run", written: "[run]", what: "How the run goes.", fields: language::RUN },
    Described { name: "output", written: "[output]", what: "What is kept of a run.", fields: language::OUTPUT },
    Described { name: "cluster", written: "[cluster]", what: "The machines.", fields: language::CLUSTER },
    Described { name: "pool", written: "[[cluster.pool]]", what: "Machines of one make.", fields: language::POOL },
    Described {
        name: "domain",
        written: "[[domain]]",
        what: "What fails together: a region, a power feed, a rack.",
        fields: language::DOMAIN,
    },
    Described {
        name: "covers",
        written: "covers = { … }",
        what: "The nodes of a domain: all that pass every filter.",
        fields: language::COVERS,
    },
    Described {
        name: "workload",
        written: "[[workload]]",
        what: "A workload in short; the same as a manifest of a Deployment or ReplicaSet.",
        fields: language::WORKLOAD,
    },
    Described {
        name: "toleration",
        written: "tolerations = [{ … }]",
        what: "A taint that the pods of a workload put up with.",
        fields: language::TOLERATION,
    },
    Described {
        name: "spread",
        written: "spread = [{ … }]",
        what: "How the pods of a workload spread over nodes.",
        fields: language::SPREAD,
    },
    Described {
        name: "event",
        written: "[[event]]",
        what: "Something that happens: a fault or an action. Each has keys of its own besides these.",
        fields: language::EVENT,
    },
    Described {
        name: "target",
        written: "target = { … }",
        what: "The nodes that an event hits: all that pass every filter when its moment has come.",
        fields: language::TARGET,
    },
    Described {
        name: "failure",
        written: "[[failure]]",
        what: "A process by which things of one kind fail at random. It has the keys of its fault besides these.",
        fields: super::failure::FIELDS,
    },
    Described {
        name: "burst",
        written: "burst = { … }",
        what: "Failures that come together.",
        fields: super::failure::BURST,
    },
    Described {
        name: "expect",
        written: "[[expect]]",
        what: "Something that should come true: a measure with a bound, or a rule.",
        fields: language::EXPECT,
    },
    Described {
        name: "distribution",
        written: "{ dist = … }",
        what: "A length of time that is drawn anew each time, instead of always the same.",
        fields: language::DISTRIBUTION,
    },
];

/// The table that people ask for by this name.
pub fn find(name: &str) -> Option<&'static Described> {
    TABLES.iter().find(|table| table.name == name)
}

/// The tables that have this key, each with what it says of it.
pub fn with_key(key: &str) -> impl Iterator<Item = (&'static Described, &'static Field)> {
    TABLES.iter().filter_map(move |table| Some((table, table.fields.iter().find(|field| field.name == key)?)))
}

/// What a value of this shape is, as `a length of time, as "90s"`.
pub fn words(shape: Shape) -> String {
    match shape {
        Shape::Text => "a text".to_string(),
        Shape::Flag => "`true` or `false`".to_string(),
        Shape::Count(0) => "a whole number".to_string(),
        Shape::Count(least) => format!("a whole number, at least {least}"),
        Shape::Span => "a length of time, as \"90s\"".to_string(),
        Shape::Delay => "a length of time, as \"90s\", or a distribution of such".to_string(),
        Shape::Share => "a share, as \"5%\"".to_string(),
        Shape::Factor => "a factor, as 2.5".to_string(),
        Shape::Quantity => "a quantity, as \"500m\" or \"8Gi\"".to_string(),
        Shape::Date => "a date, as 2026-11-24T18:00:00Z".to_string(),
        Shape::OneOf([only]) => format!("\"{only}\""),
        Shape::OneOf(words) => listed(words.iter().map(|word| format!("\"{word}\""))),
        Shape::Target => "nodes, as { zone = \"b\" }".to_string(),
        Shape::List(Shape::Table(fields)) => match named(fields) {
            Some(table) if table.written.starts_with("[[") => format!("tables {}", table.written),
            Some(table) => format!("a list of tables (`{}`)", table.name),
            None => "a list of tables".to_string(),
        },
        Shape::List(element) => format!("a list of {}", plural(*element)),
        Shape::Map(value) => format!("a table of names and {}", plural(*value)),
        Shape::Table(fields) => match named(fields) {
            Some(table) => format!("a table (`{}`)", table.name),
            None => format!("a table of {}", listed(fields.iter().map(|field| format!("`{}`", field.name)))),
        },
        Shape::Either(shapes) => shapes.iter().map(|shape| words(*shape)).collect::<Vec<_>>().join(", or "),
        Shape::Any => "a value".to_string(),
    }
}

/// Several of a shape, without an example.
fn plural(shape: Shape) -> String {
    match shape {
        Shape::Text | Shape::OneOf(_) => "texts".to_string(),
        Shape::Flag => "flags".to_string(),
        Shape::Count(_) => "whole numbers".to_string(),
        Shape::Span => "lengths of time".to_string(),
        Shape::Delay => "lengths of time or distributions".to_string(),
        Shape::Share => "shares".to_string(),
        Shape::Factor => "factors".to_string(),
        Shape::Quantity => "quantities".to_string(),
        Shape::Date => "dates".to_string(),
        Shape::Target | Shape::Table(_) => "tables".to_string(),
        Shape::List(element) => format!("lists of {}", plural(*element)),
        Shape::Map(value) => format!("tables of names and {}", plural(*value)),
        Shape::Either(shapes) => shapes.iter().map(|shape| plural(*shape)).collect::<Vec<_>>().join(" or "),
        Shape::Any => "values".to_string(),
    }
}

fn named(fields: &[Field]) -> Option<&'static Described> {
    TABLES.iter().find(|table| table.fields == fields)
}

fn listed(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_table_that_a_key_may_hold_has_a_name_of_its_own() {
        fn tables(shape: Shape, found: &mut Vec<&'static [Field]>) {
            match shape {
                Shape::Table(fields) => found.push(fields),
                Shape::List(inner) | Shape::Map(inner) => tables(*inner, found),
                Shape::Either(shapes) => shapes.iter().for_each(|shape| tables(*shape, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        TABLES.iter().flat_map(|table| table.fields).for_each(|field| tables(field.shape, &mut found));
        assert!(found.len() > 8, "{found:?}");
        for fields in found {
            assert!(named(fields).is_some(), "a table with `{}` is not in TABLES", fields[0].name);
        }
        let names: BTreeSet<&str> = TABLES.iter().map(|table| table.name).collect();
        assert_eq!(names.len(), TABLES.len());
    }

    #[test]
    fn shapes_are_words() {
        for (shape, said) in [
            (Shape::Count(0), "a whole number"),
            (Shape::Count(2), "a whole number, at least 2"),
            (Shape::List(&Shape::Text), "a list of texts"),
            (Shape::Map(&Shape::Map(&Shape::Quantity)), "a table of names and tables of names and quantities"),
            (Shape::OneOf(&["a", "b", "c"]), "\"a\", \"b\" or \"c\""),
            (Shape::OneOf(&["a"]), "\"a\""),
            (Shape::Either(&[Shape::Count(0), Shape::Text]), "a whole number, or a text"),
            (Shape::List(&Shape::Table(language::EVENT)), "tables [[event]]"),
            (Shape::Table(language::RUN), "a table (`run`)"),
            (Shape::List(&Shape::Table(language::SPREAD)), "a list of tables (`spread`)"),
        ] {
            assert_eq!(words(shape), said);
        }
    }

    #[test]
    fn keys_are_found_in_all_their_tables() {
        let tables: Vec<&str> = with_key("zone").map(|(table, _)| table.name).collect();
        assert_eq!(tables, ["covers", "target"]);
        assert_eq!(find("event").map(|table| table.written), Some("[[event]]"));
        assert_eq!(with_key("zonk").count(), 0);
    }
}
