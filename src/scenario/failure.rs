//! Reads `[[failure]]`: a process by which things of one kind fail at random. `preset` has processes with sources,
//! `expand` makes events of them before the run begins.

pub mod expand;
pub mod preset;
#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod tests;

use super::distribution;
use super::problem::code;
use super::reader::{self, At, Mention, Section, Sink};
use super::shape;
use super::suggest::{listed, nearest};
use super::target::{self, Written};
use crate::fault::process::{Process, Start};
use crate::fault::{self, Fault, FaultRow};
use crate::kernel::dist::Delay;
use crate::kernel::time::Span;
use crate::object::field::{Field, Parameters, Shape};
use crate::object::parameter::WHOLE;
use crate::object::target::Filter;
use preset::Preset;
use std::ops::Range;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// A `[[failure]]` table.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Id, by which its events are called `<id>-1`, `<id>-2`, …
    pub id: At<String>,
    /// How often, how long and how many.
    pub process: Process,
    /// What it counts for.
    pub per: At<Per>,
    /// What the things of a burst have in common.
    pub within: Option<At<Per>>,
    /// What happens to a thing: its name in the registry of faults.
    pub name: &'static str,
    /// The same with its parameters.
    pub fault: Arc<dyn Fault>,
    /// Whether it hits nodes; else it hits the cluster as a whole.
    pub has_target: bool,
    /// Whether it lasts; else it is over at once.
    pub can_last: bool,
    /// Only these nodes; all if none.
    pub target: Option<At<Written>>,
    /// Within which time the nodes of a thing are hit.
    pub jitter: Span,
    /// Within which time after its end they get well.
    pub stagger: Span,
    /// When it begins, after the beginning of the run.
    pub from: Span,
    /// When it stops; at the end of the run if none.
    pub until: Option<Span>,
}

/// Kinds of things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Per {
    /// The cluster as a whole.
    Cluster,
    /// Each node.
    Node,
    /// Each zone.
    Zone,
    /// Each pool.
    Pool,
    /// Each failure domain of this kind, as `rack`.
    Domain(String),
}

impl Per {
    /// Kinds that every cluster may have.
    pub const WORDS: [&'static str; 4] = ["node", "zone", "pool", "cluster"];

    fn parse(text: &str) -> Per {
        match text {
            "cluster" => Per::Cluster,
            "node" => Per::Node,
            "zone" => Per::Zone,
            "pool" => Per::Pool,
            kind => Per::Domain(kind.to_string()),
        }
    }
}

const MODELS: [&str; preset::REGISTRY.len()] = {
    let mut names = [""; preset::REGISTRY.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = preset::REGISTRY[index].name;
        index += 1;
    }
    names
};

/// Keys of `burst`.
pub const BURST: &[Field] = &[
    Field::required("share", Shape::Share, "Chance that after each thing that fails another one fails with it."),
    Field::required("within", Shape::Text, "What those that fail together have in common: a kind, as for `per`."),
];

/// Keys of a `[[failure]]` table, besides the parameters of its fault.
pub const FIELDS: &[Field] = &[
    Field::required("id", Shape::Text, "Its name. Its events are called `<id>-1`, `<id>-2`, …"),
    Field::optional("model", Shape::OneOf(&MODELS), "A process with a source, which gives all keys that are left out."),
    Field::optional(
        "do",
        Shape::Text,
        "The fault that happens to a thing, as `\"node.crash\"`. Needed without a `model`.",
    ),
    Field::optional(
        "per",
        Shape::Text,
        "Kind of the things that fail: `node`, `zone`, `pool`, `cluster`, or a kind of domains, as `rack`.",
    )
    .with_default("\"node\""),
    Field::optional(
        "target",
        Shape::Target,
        "Only these nodes; by `node`, `nodes`, `zone`, `pool`, `domain` or `labels`.",
    ),
    Field::optional("every", Shape::Delay, "How long one thing works before it fails. Needed without a `model`."),
    Field::optional("for", Shape::Delay, "How long a failure lasts; for good if left out."),
    Field::optional("burst", Shape::Table(BURST), "Others that fail together with a thing; none if left out."),
    Field::optional(
        "start",
        Shape::OneOf(&["equilibrium", "fresh"]),
        "Whether things have been working for long at the beginning, or are new.",
    )
    .with_default("\"equilibrium\""),
    Field::optional("most", Shape::Count(1), "How many things may be down at once; any number if left out."),
    Field::optional("from", Shape::Span, "When it begins.").with_default("\"0s\""),
    Field::optional("until", Shape::Span, "When it stops; at the end of the run if left out."),
    Field::optional("jitter", Shape::Span, "Each node of a thing is hit at its own random moment within this time."),
    Field::optional(
        "stagger",
        Shape::Span,
        "Each node of a thing gets well at its own random moment within this time after the end.",
    ),
];

/// Reads all tables.
pub fn failures(sections: Vec<Section<'_>>, sink: &mut Sink<'_>) -> Vec<Failure> {
    let mut ids = Vec::new();
    sections.into_iter().filter_map(|section| failure(section, &mut ids, sink)).collect()
}

/// The table and the preset that it names.
struct Keys<'a> {
    own: Section<'a>,
    preset: Option<Section<'a>>,
    /// Where the preset is named.
    model: Range<usize>,
}

impl<'a> Keys<'a> {
    fn is_own(&self, key: &str) -> bool {
        !self.own.is_missing(key)
    }

    /// The table that has the key: the preset if only that does.
    fn with(&mut self, key: &'static str) -> &mut Section<'a> {
        let is_own = self.own.value(key).is_some();
        match &mut self.preset {
            Some(preset) if !is_own && !preset.is_missing(key) => preset,
            _ => &mut self.own,
        }
    }

    /// Where to point at: what a preset says is not in the file.
    fn at<T>(&self, key: &str, found: At<T>) -> At<T> {
        if self.is_own(key) { found } else { At { value: found.value, bytes: self.model.clone() } }
    }

    fn text(&mut self, key: &'static str, sink: &mut Sink<'_>) -> Option<At<String>> {
        let text = self.with(key).text(key, sink)?;
        Some(self.at(key, text))
    }
}

fn failure(mut own: Section<'_>, ids: &mut Vec<String>, sink: &mut Sink<'_>) -> Option<Failure> {
    let id = id(&mut own, ids, sink);
    let model = own.text("model", sink);
    let preset = model.as_ref().and_then(|name| find_preset(name, sink));
    let text = preset.map_or("", |preset| preset.keys);
    let table = DeTable::parse(text).expect("presets are TOML");
    let bytes = model.as_ref().map_or(own.bytes.clone(), |model| model.bytes.clone());
    let mut preset = preset.map(|preset| Section::new(table.get_ref(), 0..0, preset.name, FIELDS));
    for row in fault::REGISTRY {
        own.also(row.parameters);
        preset.iter_mut().for_each(|preset| preset.also(row.parameters));
    }
    let is_lost = model.is_some() && preset.is_none();
    let mut keys = Keys { own, preset, model: bytes };

    let row = fault_row(&mut keys, is_lost, sink);
    let every = every(&mut keys, is_lost, sink);
    let lasts = lasts(row, &mut keys, sink);
    let per = per(row, &mut keys, sink);
    let burst = burst(&mut keys, sink);
    let start = start(&mut keys, sink);
    let most = keys.with("most").number("most", 1, sink).map(|most| u32::try_from(most.value).unwrap_or(u32::MAX));
    let target = target(row, &mut keys, sink);
    let from = keys.with("from").short_span("from", sink).map_or(Span::ZERO, |from| from.value);
    let until = keys.with("until").short_span("until", sink);
    if let Some(until) = until.as_ref().filter(|until| until.value <= from) {
        let message = format!("`until` is {}, not after `from`, which is {from}", until.value);
        sink.error(code::CONFLICT, &until.bytes, message).help("leave `until` out to go on to the end of the run");
    }
    let fault = row.and_then(|row| build_fault(row, &mut keys, sink));
    let jitter = keys.with("jitter").short_span("jitter", sink).map(|jitter| keys.at("jitter", jitter));
    if let (Some(jitter), Some(lasts)) = (&jitter, &lasts) {
        super::event::ends_after_all_are_hit(jitter, lasts, sink);
    }
    let jitter = jitter.map_or(Span::ZERO, |jitter| jitter.value);
    let stagger = keys.with("stagger").short_span("stagger", sink).map_or(Span::ZERO, |span| span.value);
    if stagger > Span::ZERO && row.is_some_and(|row| row.end.is_some()) && keys.with("for").is_missing("for") {
        let bytes = keys.own.value("stagger").map_or(keys.model.clone(), toml::Spanned::span);
        sink.error(code::CONFLICT, &bytes, "it never ends, so no node gets well")
            .help("say how long it lasts with `for`, or leave `stagger` out");
    }
    // Which parameters it may have is not known without the fault.
    if row.is_none() {
        keys.own.abandon(sink)
    } else {
        keys.own.finish(sink)
    }

    if [id.is_none(), every.is_none(), row.is_none(), per.is_none(), start.is_none(), fault.is_none()].contains(&true) {
        sink.mentions.extend(target.iter().cloned().map(|target| Mention::Target(target, true)));
        let kinds = [per.as_ref(), burst.as_ref().map(|(_, within)| within)];
        if row.is_none_or(|row| row.has_target) {
            sink.mentions.extend(kinds.into_iter().flatten().cloned().map(Mention::Things));
        }
    }
    let (id, every, row, per) = (id?, every?, row?, per?);
    let (burst, within) = burst.map_or((0, None), |(share, within)| (share, Some(within)));
    let lasts = if row.end.is_some() { lasts } else { Some(Delay::NONE) };
    let process = Process { id: id.value.as_str().into(), every: every.value, lasts, start: start?, burst, most };
    if let Err(message) = process.validate() {
        sink.bad_value(&every.bytes, message);
        return None;
    }
    Some(Failure {
        id,
        process,
        per,
        within,
        name: row.name,
        fault: fault?,
        has_target: row.has_target,
        can_last: row.end.is_some(),
        target,
        jitter,
        stagger,
        from,
        until: until.map(|until| until.value),
    })
}

fn id(section: &mut Section<'_>, ids: &mut Vec<String>, sink: &mut Sink<'_>) -> Option<At<String>> {
    let id = section.required_text("id", sink)?;
    if ids.contains(&id.value) {
        let message = format!("[[failure]] `{}` is there already", id.value);
        sink.error(code::TWICE, &id.bytes, message).help("its events are named after it: give each its own");
        return None;
    }
    ids.push(id.value.clone());
    Some(id)
}

fn find_preset(name: &At<String>, sink: &mut Sink<'_>) -> Option<&'static Preset> {
    let found = preset::find(&name.value);
    if found.is_none() {
        sink.bad_value(&name.bytes, format!("there is no model of failures `{}`", name.value))
            .guess(nearest(&name.value, MODELS))
            .help("`evenkeel list failures` shows all with their sources");
    }
    found
}

/// The fault. That it is missing is no news if the model that would give it is not known.
fn fault_row(keys: &mut Keys<'_>, is_lost: bool, sink: &mut Sink<'_>) -> Option<&'static FaultRow> {
    let name = if keys.with("do").is_missing("do") {
        if !is_lost {
            keys.own.required("do", sink);
        }
        return None;
    } else {
        keys.text("do", sink)?
    };
    let row = fault::find(&name.value);
    if row.is_none() && crate::action::find(&name.value).is_some() {
        sink.error(code::UNKNOWN_FAULT, &name.bytes, format!("`{}` is an action, nothing that fails", name.value))
            .help("write it as an `[[event]]`, or name a fault: `evenkeel list faults` shows all");
    } else if row.is_none() {
        let names = || fault::REGISTRY.iter().map(|row| row.name);
        sink.error(code::UNKNOWN_FAULT, &name.bytes, format!("nothing is called `{}`", name.value))
            .guess(nearest(&name.value, names()))
            .help("`evenkeel list faults` shows all");
    }
    row
}

fn every(keys: &mut Keys<'_>, is_lost: bool, sink: &mut Sink<'_>) -> Option<At<Delay>> {
    let Some(value) = keys.with("every").value("every") else {
        if !is_lost && !keys.own.slip("every", sink) {
            let message = format!("{} does not say how long a thing works before it fails", keys.own.name);
            sink.error(code::MISSING_KEY, &keys.own.bytes, message)
                .help("write `every = { dist = \"exponential\", mean = \"30d\" }`, or name a `model`");
        }
        return None;
    };
    let every = distribution::gap(value, "every", sink)?;
    Some(keys.at("every", At { value: every, bytes: value.span() }))
}

fn lasts(row: Option<&FaultRow>, keys: &mut Keys<'_>, sink: &mut Sink<'_>) -> Option<Delay> {
    let value = keys.with("for").value("for")?;
    if let Some(FaultRow { name, end: None, .. }) = row {
        if keys.is_own("for") {
            sink.bad_value(&value.span(), format!("`{name}` is over at once: it has no `for`")).help("leave `for` out");
        }
        return None;
    }
    let lasts = distribution::delay(value, "for", sink)?;
    if lasts == Delay::NONE {
        sink.bad_value(&value.span(), "a failure cannot last no time").help("leave `for` out if it never ends");
        return None;
    }
    Some(lasts)
}

fn per(row: Option<&FaultRow>, keys: &mut Keys<'_>, sink: &mut Sink<'_>) -> Option<At<Per>> {
    let is_written = keys.is_own("per");
    let per = keys.text("per", sink);
    if is_written && per.is_none() {
        return None;
    }
    let Some(FaultRow { name, has_target: false, .. }) = row else {
        let default = At { value: Per::Node, bytes: keys.own.bytes.clone() };
        return Some(per.map_or(default, |per| At { value: Per::parse(&per.value), bytes: per.bytes }));
    };
    match per {
        Some(per) if is_written && per.value != "cluster" => {
            let message = format!("`{name}` hits the cluster as a whole, not each {}", per.value);
            sink.bad_value(&per.bytes, message).help("leave `per` out, or write `per = \"cluster\"`");
            None
        }
        _ => Some(At { value: Per::Cluster, bytes: keys.own.bytes.clone() }),
    }
}

fn burst(keys: &mut Keys<'_>, sink: &mut Sink<'_>) -> Option<(u32, At<Per>)> {
    let value = keys.with("burst").value("burst")?;
    let mut section = reader::table(value, "`burst`", BURST, sink)?;
    let share = section.required("share", sink).and_then(|value| below_one(value, sink));
    let within = section.required_text("within", sink);
    section.finish(sink);
    let within = within.map(|within| At { value: Per::parse(&within.value), bytes: within.bytes });
    share.zip(within.map(|within| keys.at("burst", within)))
}

/// A share below one (millionths).
fn below_one(value: &toml::Spanned<DeValue<'_>>, sink: &mut Sink<'_>) -> Option<u32> {
    let share = shape::share(value, "share", sink)?;
    if share >= WHOLE {
        sink.bad_value(&value.span(), "with a share of one all would fail together, always")
            .label("expected less than 100%");
        return None;
    }
    Some(share)
}

fn start(keys: &mut Keys<'_>, sink: &mut Sink<'_>) -> Option<Start> {
    let is_missing = keys.with("start").is_missing("start");
    match keys.text("start", sink) {
        None => is_missing.then_some(Start::Equilibrium),
        Some(start) => match start.value.as_str() {
            "equilibrium" => Some(Start::Equilibrium),
            "fresh" => Some(Start::Fresh),
            other => {
                let problem = sink.bad_value(&start.bytes, format!("`{other}` does not say how things begin"));
                problem.label("expected `equilibrium` or `fresh`");
                None
            }
        },
    }
}

fn target(row: Option<&FaultRow>, keys: &mut Keys<'_>, sink: &mut Sink<'_>) -> Option<At<Written>> {
    let value = keys.with("target").value("target")?;
    if let Some(FaultRow { name, has_target: false, .. }) = row {
        let message = format!("`{name}` hits the cluster as a whole: it has no target");
        sink.bad_value(&value.span(), message).help("leave `target` out");
        return None;
    }
    let target = target::target(value, sink)?;
    let is_late = |filter: &Filter| matches!(filter, Filter::Runs(_) | Filter::RunsAnyOf(_) | Filter::HitBy(_));
    let late = target.value.filters.iter().find(|filter| is_late(&filter.value)).map(|filter| filter.bytes.clone());
    let late = late.or_else(|| target.value.pick.is_some().then(|| target.bytes.clone()));
    if let Some(late) = late {
        sink.bad_value(&late, "which nodes this means is not known before the cluster runs")
            .note("random failures are drawn before the run begins")
            .help(format!("choose by {}", listed(["node", "nodes", "zone", "pool", "domain", "labels"])));
        return None;
    }
    Some(keys.at("target", target))
}

/// The fault with its parameters: those of the preset count only for the preset's own fault.
fn build_fault(row: &FaultRow, keys: &mut Keys<'_>, sink: &mut Sink<'_>) -> Option<Arc<dyn Fault>> {
    let mut parameters = Parameters::new();
    let preset_does =
        keys.preset.as_mut().and_then(|preset| preset.value("do")).and_then(|name| name.get_ref().as_str());
    let is_presets = preset_does == Some(row.name);
    let mut first = keys.model.clone();
    let mut is_whole = true;
    for field in row.parameters {
        let section = if is_presets { keys.with(field.name) } else { &mut keys.own };
        let value = if field.is_required { section.required(field.name, sink) } else { section.value(field.name) };
        let Some(value) = value else {
            is_whole &= !field.is_required;
            continue;
        };
        if keys.is_own(field.name) {
            first = value.span();
        }
        match shape::read(value, field.name, field.shape, sink) {
            Some(value) => drop(parameters.insert(field.name, value)),
            None => is_whole = false,
        }
    }
    if !is_whole {
        return None;
    }
    (row.build)(&parameters).map_err(|wrong| shape::wrong(&wrong, &first, false, sink)).ok()
}
