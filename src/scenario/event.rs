//! Reads `[[event]]`: what happens, when, and to whom.

use super::distribution;
use super::language::EVENT;
use super::problem::code;
use super::reader::{At, Mention, Section, Sink};
use super::schema::{Draft, Event, Moment};
use super::target::{self, Written};
use crate::action;
use crate::fault::{self, FaultRow};
use crate::kernel::dist::Delay;
use crate::kernel::time::Span;
use parameters::Read;
use row::Row;
use std::ops::Range;

mod parameters;
mod row;

/// Most events of a scenario. Ours: those that are many come from `[[failure]]`.
const EVENTS_MAX: usize = 2_000;

/// What `[[event]]` tables say.
pub struct Events {
    /// Those that could be read as a whole.
    pub whole: Vec<Event>,
    /// What is known of the others.
    pub drafts: Vec<Draft>,
    /// The ids of all.
    pub ids: Vec<String>,
}

/// Reads the events.
pub fn events(root: &mut Section<'_>, sink: &mut Sink<'_>) -> Events {
    let mut ids = Vec::new();
    let (mut whole, mut drafts) = (Vec::new(), Vec::new());
    let sections = root.tables("event", "event", EVENT, sink);
    if let Some(section) = sections.get(EVENTS_MAX) {
        sink.bad_value(&section.bytes, format!("a scenario has at most {EVENTS_MAX} events"))
            .help("what fails again and again is a `[[failure]]`");
    }
    for mut section in sections.into_iter().take(EVENTS_MAX) {
        let id = id(&mut section, &mut ids, sink);
        match event(section, id, sink) {
            Ok(event) => whole.push(event),
            Err(draft) => drafts.push(*draft),
        }
    }
    Events { whole, drafts, ids }
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

/// Reads one event, or as much of it as there is.
fn event(mut section: Section<'_>, id: Option<At<String>>, sink: &mut Sink<'_>) -> Result<Event, Box<Draft>> {
    let mut draft = Draft { bytes: section.bytes.clone(), ..Draft::default() };
    draft.id = id.filter(|id| !id.value.trim().is_empty());
    draft.moment = moment(&mut section, sink);
    let row = section.required_text("do", sink).and_then(|name| Row::find(&name, sink));
    let Some(row) = row else {
        unknown(&mut section, &mut draft, sink);
        // Which parameters it may have is not known: those of all are let through, nothing else is.
        fault::REGISTRY.iter().for_each(|row| section.also(row.parameters));
        action::REGISTRY.iter().for_each(|row| section.also(row.parameters));
        section.abandon(sink);
        return Err(Box::new(draft));
    };
    draft.name = row.name();
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
    // What it is about, in the wrong key: that the right one is missing follows.
    let is_misplaced = !row.has_target() && !section.is_missing("target");
    let read = Read::of(row, is_misplaced, &mut section, sink);
    let whole = section.bytes.clone();
    section.finish_with(&|key| row::owners(key, row), sink);
    draft.what = read.what(&whole, sink);
    (draft.of, draft.pool, draft.tried) = (read.text("of"), read.text("pool"), read.tried());
    draft.target = target.clone().flatten();
    draft.open_stagger = times.as_ref().and_then(|times| times.open_stagger.clone());
    let (Some(target), Some(Times { lasts, jitter, stagger, .. })) = (target, times) else {
        return Err(Box::new(draft));
    };
    match draft {
        Draft { id: Some(id), moment: Some(moment), what: Some(what), name, of, tried, open_stagger, .. } => {
            Ok(Event { id, moment, name, what, target, of, tried, lasts, jitter, stagger, open_stagger })
        }
        draft => Err(Box::new(draft)),
    }
}

/// Reads what means the same whatever the event does.
fn unknown(section: &mut Section<'_>, draft: &mut Draft, sink: &mut Sink<'_>) {
    draft.target = section.value("target").and_then(|value| target::target(value, sink));
    if let Some(value) = section.value("for") {
        distribution::delay(value, "for", sink);
    }
    for key in ["jitter", "stagger"] {
        section.short_span(key, sink);
    }
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

/// How long an event lasts, its jitter and its stagger.
struct Times {
    lasts: Option<Delay>,
    jitter: Span,
    stagger: Span,
    /// Where that is written, if the event does not end by itself: `check` knows which others end it.
    open_stagger: Option<Range<usize>>,
}

fn times(row: Row, section: &mut Section<'_>, sink: &mut Sink<'_>) -> Option<Times> {
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
    let mut within = |key: &'static str| {
        let span = section.short_span(key, sink)?;
        if !is_spread {
            let why = match row {
                Row::Fault(_) => format!("`{name}` hits the cluster as a whole: it has no `{key}`"),
                Row::Action(_) => format!("`{name}` is done once: it has no `{key}`"),
            };
            sink.bad_value(&span.bytes, why).help(format!("leave `{key}` out"));
        } else if key == "jitter"
            && let Some(lasts) = &lasts
        {
            ends_after_all_are_hit(&span, lasts, sink);
        }
        Some(span)
    };
    let (jitter, stagger) = (within("jitter"), within("stagger"));
    let open_stagger = stagger.as_ref().filter(|span| written.is_none() && span.value > Span::ZERO);
    let open_stagger = open_stagger.map(|span| span.bytes.clone());
    let [jitter, stagger] = [jitter, stagger].map(|span| span.map_or(Span::ZERO, |span| span.value));
    (sink.problems.list.len() == errors).then_some(Times { lasts, jitter, stagger, open_stagger })
}

/// Reports a jitter that is longer than a fault ever lasts: some of its nodes would be hit when all is over.
pub fn ends_after_all_are_hit(jitter: &At<Span>, lasts: &Delay, sink: &mut Sink<'_>) {
    let (_, most) = lasts.bounds();
    if jitter.value > most {
        let last = if matches!(lasts, Delay::Constant(_)) { "is" } else { "is at most" };
        let message =
            format!("`jitter` is {}, but `for` {last} {most}: a node could be hit when all is over", jitter.value);
        sink.error(code::CONFLICT, &jitter.bytes, message)
            .help("make `jitter` shorter or `for` longer: both count from the moment of the event, for all its nodes");
    }
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
