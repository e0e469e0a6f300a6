//! Reads a scenario file: the cluster, its settings and delays. What happens and what should hold is read by `story`.

use super::distribution;
use super::problem::{Problem, Problems, code};
use super::reader::{self, At, Section, Sink};
use super::schema::{DEFAULT_EPOCH, DEFAULT_HOLD, DEFAULT_SEED, DEFAULT_UNTIL, PROFILE, Pool, Run, SCHEMA, Scenario};
use super::story;
use super::suggest::{listed, nearest};
use crate::cluster::Stop;
use crate::kernel::dist::Delay;
use crate::object::setting::{SETTINGS, Unit};
use crate::object::{DelayId, SettingId, Timestamp};
use std::collections::BTreeSet;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads the text of a scenario file. All problems go to `problems`; what could be read comes back all the same, so that
/// the rest can be checked too.
pub fn parse(file: &str, text: &str, problems: &mut Problems) -> Option<Scenario> {
    let mut sink = Sink::new(file, problems);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        sink.error(code::SYNTAX, &error.span().unwrap_or(0..0), error.message());
    }
    if !errors.is_empty() {
        return None;
    }
    let mut root = Section::new(root.get_ref(), 0..0, "a scenario");
    version(&mut root, &mut sink)?;
    let title = root.required_text("title", &mut sink).map(|title| title.value).unwrap_or_default();
    let manifests = root.texts("manifests", &mut sink).map(|texts| texts.value).unwrap_or_default();
    let run = run(root.table("run", &mut sink), &mut sink);
    let (pools, are_pools_complete) = cluster(&mut root, &mut sink);
    let delays = root.table("delays", &mut sink).map(|section| delays(section, &mut sink)).unwrap_or_default();
    let settings = root.table("control", &mut sink).map(|section| control(section, &mut sink)).unwrap_or_default();
    let (events, event_ids) = story::events(root.tables("event", "event", &mut sink), &mut sink);
    let expectations = story::expectations(root.tables("expect", "expect", &mut sink), &mut sink);
    root.finish(&mut sink);
    Some(Scenario {
        title,
        manifests,
        run,
        pools,
        delays,
        settings,
        events,
        expectations,
        event_ids,
        are_pools_complete,
    })
}

/// A file in another language would only give a cascade of problems: nothing is read of it.
fn version(root: &mut Section<'_>, sink: &mut Sink<'_>) -> Option<()> {
    let Some(value) = root.value("schema") else {
        let problem = sink.error(code::VERSION, &(0..0), "the file does not say in which language it is written");
        problem.help(format!("begin it with `schema = \"{SCHEMA}\"`"));
        return None;
    };
    let schema = reader::text(value, "schema", sink)?;
    if schema.value != SCHEMA {
        let problem = sink.error(code::VERSION, &schema.bytes, format!("unknown schema `{}`", schema.value));
        problem.label(format!("this program reads `{SCHEMA}`"));
        return None;
    }
    Some(())
}

fn run(section: Option<Section<'_>>, sink: &mut Sink<'_>) -> Run {
    let mut run = Run {
        seed: At { value: DEFAULT_SEED, bytes: 0..0 },
        epoch: DEFAULT_EPOCH,
        until: DEFAULT_UNTIL,
        stop: Stop::Converged,
        hold: DEFAULT_HOLD,
    };
    let Some(mut section) = section else { return run };
    if let Some(seed) = section.number("seed", 0, sink) {
        run.seed = seed;
    }
    if let Some(epoch) = section.value("epoch").and_then(|value| epoch(value, sink)) {
        run.epoch = epoch;
    }
    run.until = section.short_span("until", sink).map_or(run.until, |span| span.value);
    if let Some(hold) = section.short_span("hold", sink) {
        if hold.value > run.until {
            let message =
                format!("`hold` is {}, longer than the run of {}: nothing could converge", hold.value, run.until);
            sink.error(code::CONFLICT, &hold.bytes, message).help("make `hold` shorter or `until` longer");
        }
        run.hold = hold.value;
    }
    if let Some(stop) = section.text("stop", sink) {
        match stop.value.as_str() {
            "converged" => run.stop = Stop::Converged,
            "time" => run.stop = Stop::Time,
            other => {
                sink.bad_value(&stop.bytes, format!("`{other}` does not say when to stop"))
                    .label("expected `converged` or `time`");
            }
        }
    }
    if let Some(profile) = section.text("profile", sink)
        && profile.value != PROFILE
    {
        sink.error(code::VERSION, &profile.bytes, format!("unknown profile `{}`", profile.value))
            .label(format!("the only one so far is `{PROFILE}`"));
    }
    section.finish(sink);
    run
}

/// A date as a string or as TOML's own.
fn epoch(value: &Spanned<DeValue<'_>>, sink: &mut Sink<'_>) -> Option<Timestamp> {
    let text = match value.get_ref() {
        DeValue::Datetime(date) => date.to_string(),
        _ => reader::text(value, "epoch", sink)?.value,
    };
    Timestamp::parse(&text).map_err(|message| sink.bad_value(&value.span(), message).code).ok()
}

fn cluster(root: &mut Section<'_>, sink: &mut Sink<'_>) -> (Vec<Pool>, bool) {
    let Some(value) = root.value("cluster") else {
        let problem = sink.error(code::MISSING_KEY, &(0..0), "the scenario has no cluster");
        problem.help("add a pool of nodes: `[[cluster.pool]]` with `name`, `count` and `capacity`");
        return (Vec::new(), false);
    };
    let Some(mut section) = reader::table(value, "[cluster]", sink) else { return (Vec::new(), false) };
    let sections = section.tables("pool", "cluster.pool", sink);
    let declared = sections.len();
    if declared == 0 {
        sink.error(code::MISSING_KEY, &section.bytes, "the cluster has no nodes")
            .help("add a pool of nodes: `[[cluster.pool]]` with `name`, `count` and `capacity`");
    }
    section.finish(sink);
    let mut names = BTreeSet::new();
    let mut pools = Vec::new();
    let mut nodes = 0;
    for section in sections {
        let Some(pool) = super::pool::pool(section, &mut nodes, sink) else { continue };
        if !names.insert(pool.name.value.clone()) {
            sink.error(code::TWICE, &pool.name.bytes, format!("there is another pool `{}`", pool.name.value));
        }
        pools.push(pool);
    }
    let are_complete = pools.len() == declared;
    (pools, are_complete)
}

fn delays(mut section: Section<'_>, sink: &mut Sink<'_>) -> Vec<(DelayId, Delay)> {
    let mut delays = Vec::new();
    for (name, value) in section.rest() {
        let Some(id) = DelayId::find(&name.value) else {
            let names = || DelayId::ALL.iter().map(|id| id.row().name);
            sink.error(code::UNKNOWN_DELAY, &name.bytes, format!("there is no delay `{}`", name.value))
                .guess(nearest(&name.value, names()))
                .help("`evenkeel list delays` shows all");
            continue;
        };
        delays.extend(distribution::delay(value, &name.value, sink).map(|delay| (id, delay)));
    }
    delays
}

fn control(mut section: Section<'_>, sink: &mut Sink<'_>) -> Vec<(SettingId, i64)> {
    let components: BTreeSet<&'static str> = SETTINGS.iter().map(|setting| setting.component).collect();
    let mut settings = Vec::new();
    for (component, value) in section.rest() {
        if !components.contains(component.value.as_str()) {
            let message = format!("no program is called `{}`", component.value);
            sink.error(code::UNKNOWN_SETTING, &component.bytes, message)
                .guess(nearest(&component.value, components.iter().copied()))
                .help(format!("settings belong to {}", listed(components.iter().copied())));
            continue;
        }
        let Some(mut table) = reader::table(value, &format!("[control.{}]", component.value), sink) else { continue };
        for (name, value) in table.rest() {
            match SettingId::find(&component.value, &name.value) {
                Some(id) => settings.extend(setting(id, value, sink).map(|value| (id, value))),
                None => drop(unknown_setting(&component.value, &name.value, &name.bytes, sink)),
            }
        }
    }
    settings
}

fn setting(id: SettingId, value: &Spanned<DeValue<'_>>, sink: &mut Sink<'_>) -> Option<i64> {
    let row = id.row();
    let written = if row.unit == Unit::Duration {
        let span = reader::span(value, row.name, sink)?.value;
        i64::try_from(span.as_micros()).map_err(|_| format!("`{}` is too long", row.name))
    } else {
        row.unit.parse(&reader::scalar(value, row.name, sink)?.value)
    };
    let admitted = written.and_then(|number| row.admit(number));
    if let Err(message) = &admitted {
        sink.bad_value(&value.span(), message).note(format!("the default is {}", row.unit.show(row.default)));
    }
    admitted.ok()
}

/// A setting that may be one of another program.
fn unknown_setting<'a>(component: &str, name: &str, bytes: &Range<usize>, sink: &'a mut Sink<'_>) -> &'a mut Problem {
    let message = format!("`{component}` has no setting `{name}`");
    let problem = sink.error(code::UNKNOWN_SETTING, bytes, message);
    let elsewhere = SETTINGS.iter().find(|row| row.name == name);
    if let Some(row) = elsewhere {
        return problem.help(format!("it belongs to `{}`", row.component));
    }
    let own = SETTINGS.iter().filter(|row| row.component == component).map(|row| row.name);
    problem.guess(nearest(name, own)).help("`evenkeel list settings` shows all")
}
