//! Reads `[[event]]`: what happens, when, and to whom.

use super::distribution;
use super::language::EVENT;
use super::patch;
use super::problem::code;
use super::reader::{At, Mention, Section, Sink};
use super::schema::{Event, Moment, What};
use super::shape;
use super::suggest::{listed, nearest};
use super::target::{self, Written};
use crate::action::{self, ActionRow, Build};
use crate::fault::{self, FaultRow};
use crate::kernel::dist::Delay;
use crate::kernel::time::Span;
use crate::object::field::{Field, Parameters, Value, Wrong};
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::DeValue;

/// Most events of a scenario. Ours: those that are many come from `[[failure]]`.
const EVENTS_MAX: usize = 2_000;

/// Reads the events, and the ids of all of them.
pub fn events(root: &mut Section<'_>, sink: &mut Sink<'_>) -> (Vec<Event>, Vec<String>) {
    let mut ids = Vec::new();
    let mut events = Vec::new();
    let sections = root.tables("event", "event", EVENT, sink);
    if let Some(section) = sections.get(EVENTS_MAX) {
        sink.bad_value(&section.bytes, format!("a scenario has at most {EVENTS_MAX} events"))
            .help("what fails again and again is a `[[failure]]`");
    }
    for mut section in sections.into_iter().take(EVENTS_MAX) {
        let id = id(&mut section, &mut ids, sink);
        events.extend(event(section, id, sink));
    }
    (events, ids)
}

/// Reads an id that nobody else may have.
pub fn id(section: &mut Section<'_>, ids: &mut Vec<String>, sink: &mut Sink<'_>) -> Option<At<String>> {
    let id = section.required_text("id", sink)?;
    if ids.contains(&id.value) {
        let message = format!("{} `{}` is there already", section.name, id.value);
        sink.error(code::TWICE, &id.bytes, message).help("ids are how others refer to it: give each its own");
    } else if id.value.trim().is_empty() || id.value.contains(char::is_control) {
        sink.bad_value(&id.bytes, "an id is a word that others can refer to").help("as `id = \"crash\"`");
    } else {
        ids.push(id.value.clone());
    }
    Some(id)
}

/// What an event may do.
#[derive(Clone, Copy)]
enum Row {
    Fault(&'static FaultRow),
    Action(&'static ActionRow),
}

impl Row {
    fn find(name: &At<String>, sink: &mut Sink<'_>) -> Option<Row> {
        let fault = fault::find(&name.value).map(Row::Fault);
        let found = fault.or_else(|| action::find(&name.value).map(Row::Action));
        if found.is_none() {
            let faults = fault::REGISTRY.iter().map(|row| row.name);
            let names = faults.chain(action::REGISTRY.iter().map(|row| row.name));
            let guess = meant(&name.value).or_else(|| nearest(&name.value, names));
            sink.error(code::UNKNOWN_FAULT, &name.bytes, format!("nothing is called `{}`", name.value))
                .guess(guess)
                .help("`evenkeel list faults` and `evenkeel list actions` show all");
        }
        found
    }

    fn name(self) -> &'static str {
        match self {
            Row::Fault(row) => row.name,
            Row::Action(row) => row.name,
        }
    }

    fn has_target(self) -> bool {
        match self {
            Row::Fault(row) => row.has_target,
            Row::Action(row) => row.has_target,
        }
    }

    fn parameters(self) -> &'static [Field] {
        match self {
            Row::Fault(row) => row.parameters,
            Row::Action(row) => row.parameters,
        }
    }

    fn build(self, parameters: &Parameters) -> Result<Built, Wrong> {
        match self {
            Row::Fault(row) => (row.build)(parameters).map(|fault| Built::Whole(What::Fault(fault))),
            Row::Action(ActionRow { build: Build::Row(build), .. }) => {
                build(parameters).map(|action| Built::Whole(What::Action(action)))
            }
            Row::Action(ActionRow { build: Build::Reader, .. }) => Ok(Built::ByReader),
        }
    }
}

/// What comes of a row and its parameters.
enum Built {
    /// What the event does.
    Whole(What),
    /// What only this layer can make.
    ByReader,
}

/// Which faults and actions have a parameter that this one has not.
fn owners(key: &str, row: Row) -> Option<String> {
    if row.parameters().iter().any(|field| field.name == key) {
        return None;
    }
    let has_it = |fields: &[Field]| fields.iter().any(|field| field.name == key);
    let faults = fault::REGISTRY.iter().filter(|row| has_it(row.parameters)).map(|row| row.name);
    let actions = action::REGISTRY.iter().filter(|row| has_it(row.parameters)).map(|row| row.name);
    let names: Vec<&str> = faults.chain(actions).collect();
    (!names.is_empty()).then(|| format!("it is a parameter of {}", listed(names)))
}

/// What other tools call it.
fn meant(name: &str) -> Option<&'static str> {
    let meant = match name.to_ascii_lowercase().as_str() {
        "kill" | "node.kill" | "node.down" | "node-failure" | "crash" | "node.fail" => "node.crash",
        "partition" | "network.partition" | "network-partition" | "cut" => "node.partition",
        "blackout" | "power.off" | "power-loss" | "power.outage" | "zone.outage" => "power.loss",
        "image" | "set-image" | "deploy" | "rollout" | "update" => "set.image",
        "cordon" => "node.cordon",
        "uncordon" => "node.uncordon",
        "drain" => "node.drain",
        "taint" => "node.taint",
        "label" => "node.label",
        "restart" | "rollout-restart" => "rollout.restart",
        "undo" | "rollback" => "rollout.undo",
        "pod.kill" | "pod-kill" | "podkill" | "pod-delete" | "pod.delete" => "delete",
        "reboot" | "node-reboot" | "restart-node" => "node.reboot",
        "stress" | "cpu-stress" | "stress-cpu" | "cpu.stress" => "node.slow",
        "disk-fill" | "disk.fill" | "disk-full" => "node.disk-pressure",
        "packet-loss" | "network.loss" => "link.lossy",
        "latency" | "network.delay" | "network-delay" => "link.slow",
        _ => return None,
    };
    let is_known = fault::find(meant).is_some() || action::find(meant).is_some();
    is_known.then_some(meant)
}

fn event(mut section: Section<'_>, id: Option<At<String>>, sink: &mut Sink<'_>) -> Option<Event> {
    let whole = section.bytes.clone();
    let moment = moment(&mut section, sink);
    let row = section.required_text("do", sink).and_then(|name| Row::find(&name, sink));
    let Some(row) = row else {
        // Which parameters it may have is not known: those of all are let through, nothing else is.
        fault::REGISTRY.iter().for_each(|row| section.also(row.parameters));
        action::REGISTRY.iter().for_each(|row| section.also(row.parameters));
        section.abandon(sink);
        return None;
    };
    section.also(row.parameters());
    // What it lacks or has too much follows from what it does.
    section.name = format!("`{}`", row.name());
    let target = event_target(row, &mut section, sink);
    let times = times(row, &mut section, sink);
    let has_of = row.parameters().iter().any(|field| field.name == "of");
    if !has_of && let Some(of) = section.text("of", sink) {
        let message = format!("`{}` is not about an object: it has no `of`", row.name());
        let problem = sink.error(code::CONFLICT, &of.bytes, message);
        problem.help(if row.has_target() { "its nodes are named by `target`" } else { "leave it out" });
    }
    let patched = if row.name() == "patch" { section.value("patch") } else { None };
    // What it is about, in the wrong key: that the right one is missing follows.
    let is_misplaced = !row.has_target() && !section.is_missing("target");
    let read = parameters(row, is_misplaced, &mut section, sink);
    section.finish_with(&|key| owners(key, row), sink);
    let (parameters, places, is_whole) = read;
    let of = parameters.get("of").and_then(Value::as_text).map(str::to_string);
    let of = of.zip(places.iter().find(|(name, _)| *name == "of"));
    let of = of.map(|(value, (_, bytes))| At { value, bytes: bytes.clone() });
    let tried = places.iter().find(|(name, _)| ["patch", "container"].contains(name)).map(|(_, bytes)| bytes.clone());
    let what = match if is_whole { built(row, &parameters, &places, &whole, sink) } else { None } {
        Some(Built::Whole(what)) => Some(what),
        Some(Built::ByReader) => by_reader(row, &parameters, &places, of.as_ref(), patched, sink),
        None => None,
    };
    let (lasts, jitter, stagger) = times?;
    let (id, moment, what, target) = (id?, moment?, what?, target?);
    Some(Event { id, moment, name: row.name(), what, target, of, tried, lasts, jitter, stagger })
}

/// What only this layer can make: it reads manifests and knows the pools.
fn by_reader(
    row: Row,
    parameters: &Parameters,
    places: &Places,
    of: Option<&At<String>>,
    patched: Option<&Spanned<DeValue<'_>>>,
    sink: &mut Sink<'_>,
) -> Option<What> {
    let place = |key: &str| places.iter().find(|(name, _)| *name == key).map(|(_, bytes)| bytes.clone());
    match row.name() {
        "patch" => {
            let (of, table) = (of?, patched?.get_ref().as_table()?);
            let Some((kind, key)) = target::workload(&of.value) else {
                sink.bad_value(&of.bytes, format!("`{}` is not an object", of.value))
                    .label("expected as \"deployment/web\"");
                return None;
            };
            if table.is_empty() {
                let bytes = place("patch").unwrap_or_default();
                sink.bad_value(&bytes, "a patch that changes nothing")
                    .help("write what is to change, as `patch = { spec.minReadySeconds = 10 }`");
                return None;
            }
            Some(What::Action(Arc::new(patch::patch(kind, key, table))))
        }
        "apply" => {
            let Some(Value::List(names)) = parameters.get("manifests") else { return None };
            let bytes = place("manifests")?;
            let names = names.iter().filter_map(Value::as_text);
            let manifests: Vec<_> = names.map(|name| At { value: name.to_string(), bytes: bytes.clone() }).collect();
            if manifests.is_empty() {
                sink.bad_value(&bytes, "there is nothing to apply")
                    .help("name a file: `manifests = [\"web-v2.yaml\"]`");
                return None;
            }
            Some(What::Apply { manifests })
        }
        _ => {
            let pool = parameters.get("pool").and_then(Value::as_text)?.to_string();
            let count = parameters.get("count").and_then(Value::as_text).map_or(Some(1), |text| text.parse().ok())?;
            if count > super::pool::NODES_MAX {
                let bytes = place("count").unwrap_or_default();
                sink.bad_value(&bytes, format!("{count} machines are more than {}", super::pool::NODES_MAX));
                return None;
            }
            Some(What::Add { pool: At { value: pool, bytes: place("pool")? }, count })
        }
    }
}

/// Where parameters are written.
type Places = Vec<(&'static str, Range<usize>)>;

/// The parameters of a row, where they are written, and whether all could be read.
fn parameters(
    row: Row,
    is_misplaced: bool,
    section: &mut Section<'_>,
    sink: &mut Sink<'_>,
) -> (Parameters, Places, bool) {
    let (mut parameters, mut places, mut is_whole) = (Parameters::new(), Vec::new(), true);
    for field in row.parameters() {
        if field.name == "of" && is_misplaced && section.is_missing("of") {
            is_whole = false;
            continue;
        }
        let value = if field.is_required { section.required(field.name, sink) } else { section.value(field.name) };
        let Some(value) = value else {
            is_whole &= !field.is_required;
            continue;
        };
        places.push((field.name, value.span()));
        match shape::read(value, field.name, field.shape, sink) {
            Some(Value::Text(text)) if text.is_empty() => {
                sink.bad_value(&value.span(), format!("`{}` is empty", field.name)).note(field.what);
                is_whole = false;
            }
            Some(value) => drop(parameters.insert(field.name, value)),
            None => is_whole = false,
        }
    }
    (parameters, places, is_whole)
}

fn built(
    row: Row,
    parameters: &Parameters,
    places: &Places,
    whole: &Range<usize>,
    sink: &mut Sink<'_>,
) -> Option<Built> {
    let place = |key: &str| places.iter().find(|(name, _)| *name == key).map(|(_, bytes)| bytes.clone());
    let built = row.build(parameters);
    built
        .map_err(|wrong| {
            let at = place(wrong.key);
            let is_missing = at.is_none() && !wrong.key.is_empty();
            shape::wrong(&wrong, &at.unwrap_or_else(|| whole.clone()), is_missing, sink);
        })
        .ok()
}

/// The target of an event; none within if it needs none.
fn event_target(row: Row, section: &mut Section<'_>, sink: &mut Sink<'_>) -> Option<Option<At<Written>>> {
    if row.has_target() {
        return section.required("target", sink).and_then(|value| target::target(value, sink)).map(Some);
    }
    if let Some(value) = section.value("target") {
        let message = match row {
            Row::Fault(_) => format!("`{}` hits the cluster as a whole: it has no target", row.name()),
            Row::Action(_) => format!("`{}` does not act on nodes: it has no target", row.name()),
        };
        let has_of = row.parameters().iter().any(|field| field.name == "of");
        let help = if has_of { "say what it is about: `of = \"deployment/web\"`" } else { "leave `target` out" };
        sink.bad_value(&value.span(), message).help(help);
    }
    Some(None)
}

/// How long it lasts, its jitter and its stagger.
fn times(row: Row, section: &mut Section<'_>, sink: &mut Sink<'_>) -> Option<(Option<Delay>, Span, Span)> {
    let errors = sink.problems.list.len();
    let name = row.name();
    let written = section.value("for");
    let lasts = written.and_then(|value| distribution::delay(value, "for", sink));
    if let Some(value) = written {
        let why = match row {
            _ if lasts == Some(Delay::Constant(Span::ZERO)) => {
                Some(("an event cannot last no time".to_string(), "leave `for` out if it never ends"))
            }
            Row::Fault(FaultRow { end: None, .. }) => {
                Some((format!("`{name}` is over at once: it has no `for`"), "leave `for` out"))
            }
            Row::Action(_) => Some((format!("`{name}` is done once: it has no `for`"), "leave `for` out")),
            Row::Fault(_) => None,
        };
        if let Some((why, help)) = why {
            sink.bad_value(&value.span(), why).help(help);
        }
    }
    let is_spread = matches!(row, Row::Fault(FaultRow { has_target: true, .. }));
    let mut within = |key: &'static str, needs_end: bool| {
        let span = section.short_span(key, sink)?;
        if !is_spread {
            let why = match row {
                Row::Fault(_) => format!("`{name}` hits the cluster as a whole: it has no `{key}`"),
                Row::Action(_) => format!("`{name}` is done once: it has no `{key}`"),
            };
            sink.bad_value(&span.bytes, why).help(format!("leave `{key}` out"));
        } else if needs_end && written.is_none() {
            sink.error(code::CONFLICT, &span.bytes, "it never ends, so no node gets well")
                .help("say how long it lasts with `for`, or leave `stagger` out");
        }
        Some(span.value)
    };
    let jitter = within("jitter", false).unwrap_or(Span::ZERO);
    let stagger = within("stagger", true).unwrap_or(Span::ZERO);
    (sink.problems.list.len() == errors).then_some((lasts, jitter, stagger))
}

fn moment(section: &mut Section<'_>, sink: &mut Sink<'_>) -> Option<Moment> {
    let has_at = section.value("at").is_some();
    let at = section.short_span("at", sink);
    let after = section.text("after", sink);
    sink.mentions.extend(after.clone().map(Mention::Event));
    let written = section.value("delay");
    let delay = written.and_then(|value| distribution::delay(value, "delay", sink));
    match (has_at, after) {
        (true, Some(after)) => {
            let problem = sink.error(code::CONFLICT, &after.bytes, "an event has either `at` or `after`");
            problem.label("remove this, or `at`");
            None
        }
        (true, None) => {
            if let Some(value) = written {
                sink.error(code::CONFLICT, &value.span(), "`delay` counts from another event")
                    .help("write `after = \"…\"` instead of `at`, or leave `delay` out");
            }
            at.map(|at| Moment::At(at.value))
        }
        (false, Some(event)) => match (written, delay) {
            (Some(_), None) => None,
            (_, delay) => Some(Moment::After { event, delay: delay.unwrap_or(Delay::NONE) }),
        },
        (false, None) if section.slip("at", sink) || section.slip("after", sink) => None,
        (false, None) => {
            sink.error(code::MISSING_KEY, &section.bytes, "the event does not say when it happens")
                .help("write `at = \"1m\"`, or `after = \"…\"` with the id of another event");
            None
        }
    }
}
