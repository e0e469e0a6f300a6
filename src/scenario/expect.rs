//! Reads `[[expect]]`: what should come true.

use super::language::EXPECT;
use super::measure::{self, MEASURES, Measure, Unit};
use super::problem::code;
use super::reader::{self, At, Mention, Section, Sink};
use super::rule::{self, RULES};
use super::schema::{Bound, Claim, Comparison, Expectation};
use super::shape;
use super::suggest::{listed, nearest};
use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::DeValue;

/// All seeds, in millionths.
pub const ALL_SEEDS: u32 = crate::object::parameter::WHOLE;

/// Reads the expectations.
pub fn expectations(root: &mut Section<'_>, sink: &mut Sink<'_>) -> Vec<Expectation> {
    let mut ids = Vec::new();
    let mut expectations = Vec::new();
    for mut section in root.tables("expect", "expect", EXPECT, sink) {
        let id = super::event::id(&mut section, &mut ids, sink);
        expectations.extend(expectation(section, id, sink));
    }
    expectations
}

fn expectation(mut section: Section<'_>, id: Option<At<String>>, sink: &mut Sink<'_>) -> Option<Expectation> {
    let bytes = section.bytes.clone();
    let of = section.text("of", sink);
    let since = section.text("since", sink);
    let before = section.text("before", sink);
    sink.mentions.extend([&since, &before].into_iter().flatten().cloned().map(Mention::Event));
    sink.mentions.extend(of.clone().map(Mention::Workload));
    let share = section.value("in").and_then(|value| shape::share(value, "in", sink)).unwrap_or(ALL_SEEDS);
    let is_mistyped = !section.is_missing("measure") || !section.is_missing("rule");
    let measure = section.text("measure", sink);
    let rule = section.text("rule", sink);
    let claim = match (measure, rule) {
        (Some(measure), None) => {
            let claim = self::measure(&measure, &mut section, sink);
            if let Some(Claim::Measure { measure: row, .. }) = &claim {
                match (&before, row.needs_before) {
                    (None, true) => {
                        sink.error(
                            code::MISSING_KEY,
                            &bytes,
                            format!("`{}` does not say before which event", row.name),
                        )
                        .help("add `before = \"…\"` with the id of an event");
                    }
                    (Some(before), false) => {
                        sink.error(code::CONFLICT, &before.bytes, format!("`{}` has no `before`", row.name))
                            .help("leave it out");
                    }
                    _ => {}
                }
            }
            claim
        }
        (None, Some(rule)) => {
            let bounds = Comparison::ALL.iter().find_map(|(key, _)| Some((key, section.value(key)?)));
            if let Some((key, value)) = bounds {
                sink.error(code::CONFLICT, &value.span(), format!("a rule holds or not: it has no `{key}`"))
                    .help("leave it out");
            }
            self::rule(&rule, sink)
        }
        (Some(measure), Some(rule)) => {
            // Whether there are such is told too.
            self::measure(&measure, &mut section, sink);
            self::rule(&rule, sink);
            sink.error(code::CONFLICT, &rule.bytes, "an expectation has either a `measure` or a `rule`")
                .help("make it two: another `[[expect]]` for the rule");
            None
        }
        (None, None) if is_mistyped || section.slip("measure", sink) || section.slip("rule", sink) => None,
        (None, None) => {
            sink.error(code::MISSING_KEY, &bytes, "the expectation says nothing: it has no `measure` and no `rule`")
                .help("`evenkeel list measures` and `evenkeel list rules` show all");
            None
        }
    };
    if claim.is_none() {
        // Whether it may have bounds depends on the claim.
        section.abandon(sink);
        return None;
    }
    section.finish(sink);
    // That the id is missing is told; what else is wrong can be told all the same.
    Some(Expectation { id: id.unwrap_or_default(), claim: claim?, of, since, before, share, bytes })
}

fn unknown_claim(name: &At<String>, what: &str, sink: &mut Sink<'_>) {
    let all: BTreeSet<&str> = MEASURES.iter().map(|row| row.name).chain(RULES.iter().map(|row| row.name)).collect();
    let problem = sink.error(code::UNKNOWN_MEASURE, &name.bytes, format!("there is no {what} `{}`", name.value));
    if what == "measure" && rule::find(&name.value).is_some() {
        problem.help(format!("it is a rule: write `rule = \"{}\"`", name.value));
    } else if what == "rule" && measure::find(&name.value).is_some() {
        problem.help(format!("it is a measure: write `measure = \"{}\"` with a bound", name.value));
    } else {
        problem.guess(nearest(&name.value, all)).help(format!("`evenkeel list {what}s` shows all"));
    }
}

fn rule(name: &At<String>, sink: &mut Sink<'_>) -> Option<Claim> {
    let found = rule::find(&name.value);
    if found.is_none() {
        unknown_claim(name, "rule", sink);
    }
    found.map(Claim::Rule)
}

fn measure(name: &At<String>, section: &mut Section<'_>, sink: &mut Sink<'_>) -> Option<Claim> {
    let Some(measure) = measure::find(&name.value) else {
        unknown_claim(name, "measure", sink);
        return None;
    };
    let mut bounds = Vec::new();
    let mut is_bounded = false;
    for (key, comparison) in Comparison::ALL {
        let Some(value) = section.value(key) else { continue };
        is_bounded = true;
        bounds.extend(bound(measure, key, value, sink).map(|value| Bound { comparison, value }));
    }
    let is_slip = !is_bounded && Comparison::ALL.iter().any(|(key, _)| section.slip(key, sink));
    if !is_bounded && !is_slip {
        sink.error(code::MISSING_KEY, &name.bytes, format!("`{}` has no bound", measure.name)).help(format!(
            "add one or two of {}, as `at-most = {}`",
            listed(Comparison::ALL.map(|(key, _)| key)),
            example(measure.unit)
        ));
    }
    let side = |which| bounds.iter().find(|bound: &&Bound| bound.comparison == which).map(|bound| bound.value);
    if let (Some(least), Some(most)) = (side(Comparison::AtLeast), side(Comparison::AtMost))
        && least > most
    {
        let message =
            format!("nothing is at least {} and at most {}", measure.unit.show(least), measure.unit.show(most));
        sink.error(code::CONFLICT, &name.bytes, message).help("swap the bounds");
    }
    Some(Claim::Measure { measure, bounds })
}

fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::Duration => "\"8m\"",
        Unit::Pods | Unit::Count => "2",
        Unit::Flag => "true",
        Unit::Share => "\"5%\"",
    }
}

fn bound(measure: &Measure, key: &'static str, value: &Spanned<DeValue<'_>>, sink: &mut Sink<'_>) -> Option<i64> {
    match measure.unit {
        Unit::Duration => {
            // Longer than a year is no mistake here, but nothing to wait for either.
            reader::short_span(value, key, sink).map(|span| span.value.as_micros() as i64)
        }
        Unit::Pods | Unit::Count => {
            let text = reader::scalar(value, key, sink)?;
            let number = text.value.parse::<u32>().ok();
            if number.is_none() {
                let what = if measure.unit == Unit::Pods { "number of pods" } else { "whole number" };
                sink.bad_value(&text.bytes, format!("`{}` is not a {what}", text.value))
                    .label("expected a whole number from 0, without a unit");
            }
            number.map(i64::from)
        }
        Unit::Flag => reader::flag(value, key, sink).map(|flag| i64::from(flag.value)),
        Unit::Share => shape::share(value, key, sink).map(i64::from),
    }
}
