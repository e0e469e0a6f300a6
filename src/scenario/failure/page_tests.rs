//! `docs/failures.md` says what the tables say; `EVENKEEL_README=write` renews the parts that are made from them.

use super::super::page_tests::{HEAD, renewed, rows};
use super::expand::long;
use super::preset::REGISTRY;
use super::tests::{good, read};
use super::{BURST, FIELDS, Per};
use crate::kernel::dist::Delay;
use crate::object::field::Shape;
use std::fs;
use std::path::Path;

fn shape(shape: Shape) -> &'static str {
    match shape {
        Shape::Text => "text",
        Shape::Span => "time, as `\"90s\"`",
        Shape::Delay => "time or distribution",
        Shape::Share => "share, as `\"85%\"` or `0.85`",
        Shape::Count(_) => "whole number",
        Shape::OneOf(words) if words.len() < 4 => "one word of those named",
        Shape::OneOf(_) => "name of a model",
        Shape::Target => "nodes",
        Shape::Table(_) => "table",
        other => panic!("{other:?} needs a word"),
    }
}

fn presets() -> String {
    let mut table = "| model | fails | fault | mean time between failures of one | a failure lasts | burst |\n|---|---|---|--:|---|---|\n"
        .to_string();
    let mut details = String::new();
    for preset in REGISTRY {
        let failure = good(&format!("[[failure]]\nid = \"x\"\nmodel = \"{}\"", preset.name));
        let per = match &failure.per.value {
            Per::Domain(kind) => kind.clone(),
            other => format!("{other:?}").to_lowercase(),
        };
        let lasts = match failure.process.lasts.as_ref().filter(|lasts| **lasts != Delay::NONE) {
            Some(Delay::LogNormal { median, p95 }) => {
                format!("half over within {}, 95 % within {}", long(*median), long(*p95))
            }
            Some(Delay::Uniform { min, max }) => format!("{} to {}", long(*min), long(*max)),
            Some(other) => other.to_string(),
            None => "over at once".to_string(),
        };
        let burst = match failure.process.burst {
            0 => String::new(),
            share => format!("{} %", f64::from(share) / 1e4),
        };
        let mean = long(failure.process.every.mean());
        table += &format!("| `{}` | {per} | `{}` | {mean} | {lasts} | {burst} |\n", preset.name, failure.name);
        details += &format!("\n### `{}`\n\n{}\n\n```toml\n{}```\n\n", preset.name, preset.what, preset.keys);
        details += &format!("- Source: {}\n- Beware: {}\n", preset.source, preset.caveat);
    }
    format!("{table}{details}")
}

#[test]
#[allow(clippy::disallowed_methods)] // a test may read its environment
fn the_page_says_what_the_tables_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/failures.md");
    let page = fs::read_to_string(&path).unwrap();
    let words = |of| shape(of).to_string();
    let all_keys = format!("{HEAD}{}{}", rows(FIELDS, "", words), rows(BURST, "burst.", words));
    let wanted = renewed(&renewed(&page, "keys", &all_keys), "models", &presets());
    if std::env::var("EVENKEEL_README").is_ok_and(|value| value == "write") {
        fs::write(&path, &wanted).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap();
    assert!(page == wanted, "docs/failures.md is not what the tables say: EVENKEEL_README=write renews it");
}

#[test]
fn the_examples_of_the_page_are_right() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/failures.md")).unwrap();
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let examples: Vec<&str> = blocks.filter(|block| block.contains("[[failure]]")).collect();
    assert!(examples.len() >= 3);
    for example in examples {
        let (failures, problems) = read(example);
        assert!(problems.list.is_empty(), "{example}\n{}", problems.render(false));
        assert_eq!(failures.len(), example.matches("[[failure]]").count());
    }
}
