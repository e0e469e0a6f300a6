//! Reads what happens in a scenario and what should hold: `[[event]]` and `[[expect]]`.

use super::measure::{self, MEASURES, Measure, Unit};
use super::problem::code;
use super::reader::{self, At, Section, Sink};
use super::rule::{self, RULES};
use super::schema::{Bound, Claim, Comparison, Event, Expectation, Moment};
use super::suggest::{listed, nearest};
use crate::fault::{self, FaultRow};
use crate::kernel::time::Span;
use crate::object::field::{Parameters, Value};
use crate::object::target::{Filter, Target, Workload};
use crate::object::{Key, Kind};
use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::DeValue;

/// Reads the events, and the ids of all of them.
pub fn events(sections: Vec<Section<'_>>, sink: &mut Sink<'_>) -> (Vec<Event>, Vec<String>) {
    let mut ids = Vec::new();
    let mut events = Vec::new();
    for mut section in sections {
        let id = id(&mut section, &mut ids, sink);
        events.extend(event(section, id, sink));
    }
    (events, ids)
}

/// Reads an id that nobody else may have.
fn id(section: &mut Section<'_>, ids: &mut Vec<String>, sink: &mut Sink<'_>) -> Option<At<String>> {
    let id = section.required_text("id", sink)?;
    if ids.contains(&id.value) {
        let message = format!("{} `{}` is there already", section.name, id.value);
        sink.error(code::TWICE, &id.bytes, message).help("ids are how others refer to it: give each its own");
    } else {
        ids.push(id.value.clone());
    }
    Some(id)
}

fn event(mut section: Section<'_>, id: Option<At<String>>, sink: &mut Sink<'_>) -> Option<Event> {
    let moment = moment(&mut section, sink);
    let row = section.required_text("do", sink).and_then(|name| find_fault(&name, sink));
    let target = event_target(row, &mut section, sink);
    let lasts = section.short_span("for", sink);
    if let Some(lasts) = lasts.as_ref().filter(|lasts| lasts.value == Span::ZERO) {
        sink.bad_value(&lasts.bytes, "an event cannot last no time").help("leave `for` out if it never ends");
    }
    if let (Some(FaultRow { name, end: None, .. }), Some(lasts)) = (row, &lasts) {
        sink.bad_value(&lasts.bytes, format!("`{name}` is over at once: it has no `for`")).help("leave `for` out");
    }
    let Some(row) = row else {
        // Which parameters it may have is not known: those of all faults are let through, nothing else is.
        for field in fault::REGISTRY.iter().flat_map(|row| row.parameters) {
            section.value(field.name);
        }
        section.finish(sink);
        return None;
    };
    let mut parameters = Parameters::new();
    let mut first = section.bytes.clone();
    for field in row.parameters {
        let Some(value) = section.value(field.name) else { continue };
        first = value.span();
        parameters.extend(reader::scalar(value, field.name, sink).map(|text| (field.name, Value::Text(text.value))));
    }
    let fault = (row.build)(&parameters).map_err(|wrong| {
        let explained = row.parameters.iter().map(|field| format!("`{}`: {}", field.name, field.what));
        sink.bad_value(&first, wrong.why).help(explained.collect::<Vec<_>>().join("; "));
    });
    section.finish(sink);
    Some(Event {
        id: id?,
        moment: moment?,
        name: row.name,
        fault: fault.ok()?,
        lasts: lasts.map(|lasts| lasts.value),
        target: target?,
    })
}

/// The target of a fault that needs one, or of one that is not known.
fn event_target(row: Option<&FaultRow>, section: &mut Section<'_>, sink: &mut Sink<'_>) -> Option<At<Target>> {
    match row {
        Some(FaultRow { name, has_target: false, .. }) => {
            if let Some(value) = section.value("target") {
                let message = format!("`{name}` hits the cluster as a whole: it has no target");
                sink.bad_value(&value.span(), message).help("leave `target` out");
            }
            Some(At { value: Target::Cluster, bytes: section.bytes.clone() })
        }
        _ => section.required("target", sink).and_then(|value| target(value, sink)),
    }
}

fn moment(section: &mut Section<'_>, sink: &mut Sink<'_>) -> Option<Moment> {
    let has_at = section.value("at").is_some();
    let at = section.short_span("at", sink);
    let after = section.text("after", sink);
    let delay = section.short_span("delay", sink);
    match (has_at, after) {
        (true, Some(after)) => {
            let problem = sink.error(code::CONFLICT, &after.bytes, "an event has either `at` or `after`");
            problem.label("remove this, or `at`");
            None
        }
        (true, None) => {
            if let Some(delay) = delay {
                sink.error(code::CONFLICT, &delay.bytes, "`delay` counts from another event")
                    .help("write `after = \"…\"` instead of `at`, or leave `delay` out");
            }
            at.map(|at| Moment::At(at.value))
        }
        (false, Some(event)) => Some(Moment::After { event, delay: delay.map_or(Span::ZERO, |delay| delay.value) }),
        (false, None) if section.slip("at", sink) || section.slip("after", sink) => None,
        (false, None) => {
            sink.error(code::MISSING_KEY, &section.bytes, "the event does not say when it happens")
                .help("write `at = \"1m\"`, or `after = \"…\"` with the id of another event");
            None
        }
    }
}

fn find_fault(name: &At<String>, sink: &mut Sink<'_>) -> Option<&'static FaultRow> {
    let found = fault::REGISTRY.iter().find(|row| row.name == name.value);
    if found.is_none() {
        let names = || fault::REGISTRY.iter().map(|row| row.name);
        sink.error(code::UNKNOWN_FAULT, &name.bytes, format!("nothing is called `{}`", name.value))
            .guess(nearest(&name.value, names()))
            .help("`evenkeel list faults` shows all");
    }
    found
}

/// Kinds of targets, and how each is written.
const TARGETS: [(&str, &str); 4] = [
    ("node", "{ node = \"worker-1\" }"),
    ("zone", "{ zone = \"a\" }"),
    ("running", "{ running = \"web-0\" }"),
    ("most-pods", "{ most-pods = \"deployment/web\" }"),
];

fn target(value: &Spanned<DeValue<'_>>, sink: &mut Sink<'_>) -> Option<At<Target>> {
    let mut section = reader::table(value, "`target`", sink)?;
    let given: Vec<_> = TARGETS.iter().filter_map(|&(key, _)| Some((key, section.text(key, sink)?))).collect();
    let is_empty = section.is_empty();
    section.finish(sink);
    let (key, text) = match <[_; 1]>::try_from(given) {
        Ok([one]) => one,
        Err(given) => {
            if is_empty || given.len() > 1 {
                sink.error(code::CONFLICT, &value.span(), "a target names its nodes in exactly one way")
                    .help(format!("as {}", TARGETS.map(|(_, example)| example).join(", ")));
            }
            return None;
        }
    };
    let target = match key {
        "node" => Target::node(text.value),
        "zone" => Target::of(Filter::Zone(text.value.into())),
        "running" => Target::of(Filter::Runs(namespaced(&text.value))),
        _ => {
            let workload =
                workload(&text.value).filter(|(kind, _)| [Kind::Deployment, Kind::ReplicaSet].contains(kind));
            let Some((kind, key)) = workload else {
                sink.bad_value(&text.bytes, format!("`{}` is not a workload", text.value))
                    .label("expected `deployment/NAME` or `replicaset/NAME`");
                return None;
            };
            Target::most_pods(Workload { kind, key })
        }
    };
    Some(At { value: target, bytes: value.span() })
}

fn namespaced(name: &str) -> Key {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    Key::new(namespace, name)
}

/// `deployment/web` or `deployment/shop/web` as kind and key.
pub fn workload(name: &str) -> Option<(Kind, Key)> {
    let (kind, key) = name.split_once('/')?;
    let kind = Kind::ALL.iter().copied().find(|known| known.name().eq_ignore_ascii_case(kind))?;
    (!key.is_empty()).then(|| (kind, namespaced(key)))
}

/// Reads the expectations.
pub fn expectations(sections: Vec<Section<'_>>, sink: &mut Sink<'_>) -> Vec<Expectation> {
    let mut ids = Vec::new();
    let mut expectations = Vec::new();
    for mut section in sections {
        let id = id(&mut section, &mut ids, sink);
        expectations.extend(expectation(section, id, sink));
    }
    expectations
}

fn expectation(mut section: Section<'_>, id: Option<At<String>>, sink: &mut Sink<'_>) -> Option<Expectation> {
    let bytes = section.bytes.clone();
    let of = section.text("of", sink);
    let since = section.text("since", sink);
    let is_mistyped = !section.is_missing("measure") || !section.is_missing("rule");
    let measure = section.text("measure", sink);
    let rule = section.text("rule", sink);
    let claim = match (measure, rule) {
        (Some(measure), None) => self::measure(&measure, &mut section, sink),
        (None, Some(rule)) => self::rule(&rule, sink),
        (Some(_), Some(rule)) => {
            sink.error(code::CONFLICT, &rule.bytes, "an expectation has either a `measure` or a `rule`");
            None
        }
        (None, None) if is_mistyped || section.slip("measure", sink) || section.slip("rule", sink) => None,
        (None, None) => {
            sink.error(code::MISSING_KEY, &bytes, "the expectation says nothing: it has no `measure` and no `rule`")
                .help("`evenkeel list measures` shows all");
            None
        }
    };
    if claim.is_none() {
        // Whether it may have bounds depends on the claim.
        for (key, _) in Comparison::ALL {
            section.value(key);
        }
        section.finish(sink);
        return None;
    }
    section.finish(sink);
    Some(Expectation { id: id?, claim: claim?, of, since, bytes })
}

fn unknown_claim(name: &At<String>, what: &str, sink: &mut Sink<'_>) {
    let all: BTreeSet<&str> = MEASURES.iter().map(|row| row.name).chain(RULES.iter().map(|row| row.name)).collect();
    let problem = sink.error(code::UNKNOWN_MEASURE, &name.bytes, format!("there is no {what} `{}`", name.value));
    if what == "measure" && rule::find(&name.value).is_some() {
        problem.help(format!("it is a rule: write `rule = \"{}\"`", name.value));
    } else if what == "rule" && measure::find(&name.value).is_some() {
        problem.help(format!("it is a measure: write `measure = \"{}\"` with a bound", name.value));
    } else {
        problem.guess(nearest(&name.value, all)).help("`evenkeel list measures` shows all");
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
    if !is_bounded {
        sink.error(code::MISSING_KEY, &name.bytes, format!("`{}` has no bound", measure.name))
            .help(format!("add {}", listed(Comparison::ALL.map(|(key, _)| key))));
    }
    Some(Claim::Measure { measure, bounds })
}

fn bound(measure: &Measure, key: &str, value: &Spanned<DeValue<'_>>, sink: &mut Sink<'_>) -> Option<i64> {
    match measure.unit {
        Unit::Duration => reader::short_span(value, key, sink).map(|span| span.value.as_micros() as i64),
        Unit::Pods => {
            let text = reader::scalar(value, key, sink)?;
            let number = text.value.parse::<u32>().ok();
            if number.is_none() {
                sink.bad_value(&text.bytes, format!("`{}` is not a number of pods", text.value));
            }
            number.map(i64::from)
        }
    }
}
