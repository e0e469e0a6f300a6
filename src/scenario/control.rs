//! Reads `[delays]` and `[control]`: how long things take, and the settings of Kubernetes' programs.

use super::distribution;
use super::problem::{Problem, code};
use super::reader::{self, At, Section, Sink};
use super::suggest::{listed, nearest};
use crate::kernel::dist::Delay;
use crate::kernel::time::Span;
use crate::object::setting::{SETTINGS, Unit};
use crate::object::{DelayId, SettingId};
use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::DeValue;

/// Reads `[delays]`.
pub fn delays(mut section: Section<'_>, sink: &mut Sink<'_>) -> Vec<(DelayId, Delay)> {
    let mut delays = Vec::new();
    for (name, value) in section.rest() {
        let Some(id) = DelayId::find(&name.value) else {
            let names = || DelayId::ALL.iter().map(|id| id.row().name);
            let problem = sink.error(code::UNKNOWN_DELAY, &name.bytes, format!("there is no delay `{}`", name.value));
            match belongs_to(&name.value) {
                Some(help) => problem.help(help),
                None => problem.guess(nearest(&name.value, names())).help("`evenkeel list delays` shows all"),
            };
            continue;
        };
        delays.extend(distribution::delay(value, &name.value, sink).map(|delay| (id, delay)));
    }
    delays
}

/// Reads `[control]`.
pub fn control(mut section: Section<'_>, sink: &mut Sink<'_>) -> Vec<(SettingId, i64)> {
    let components: BTreeSet<&'static str> = SETTINGS.iter().map(|setting| setting.component).collect();
    let mut settings = Vec::new();
    for (component, value) in section.rest() {
        if !components.contains(component.value.as_str()) {
            let message = format!("no program is called `{}`", component.value);
            let problem = sink.error(code::UNKNOWN_SETTING, &component.bytes, message);
            match belongs_to(&component.value) {
                Some(help) => problem.help(help),
                None => problem
                    .guess(nearest(&component.value, components.iter().copied()))
                    .help(format!("settings belong to {}", listed(components.iter().copied()))),
            };
            continue;
        }
        let Some(mut table) = reader::table(value, &format!("[control.{}]", component.value), &[], sink) else {
            continue;
        };
        for (name, value) in table.rest() {
            match SettingId::find(&component.value, &name.value) {
                Some(id) => settings.extend(setting(id, value, sink).map(|value| (id, value))),
                None => drop(unknown_setting(&component.value, &name, value, sink)),
            }
        }
    }
    settings
}

/// Where a setting is written that stands elsewhere.
fn belongs_to(name: &str) -> Option<String> {
    let row = SETTINGS.iter().find(|row| row.name == name)?;
    Some(format!("it is a setting of `{0}`: write it below `[control.{0}]`", row.component))
}

/// Settings that Kubernetes no longer has, and what took their place.
const GONE: [(&str, &str); 1] = [(
    "pod-eviction-timeout",
    "taints took its place: set `default-unreachable-toleration-seconds` below `[control.kube-apiserver]`",
)];

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
        let text = value.get_ref().as_str().unwrap_or_default();
        let seconds = Span::parse(text).ok().filter(|_| row.name.to_lowercase().ends_with("seconds"));
        let problem = sink.bad_value(&value.span(), message);
        problem.note(format!("the default is {}", row.unit.show(row.default)));
        if let Some(span) = seconds {
            problem.help(format!("it is in seconds: write `{} = {}`", row.name, span.as_secs()));
        }
    }
    admitted.ok()
}

/// A name with dots in it that was written without quotes, and so stands there as tables with one key each.
fn dotted(name: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
    let mut whole = name.to_string();
    let mut inner = value.get_ref().as_table()?;
    loop {
        let (key, value) = inner.iter().next().filter(|_| inner.len() == 1)?;
        whole = format!("{whole}.{}", key.get_ref());
        match value.get_ref().as_table() {
            Some(table) => inner = table,
            None => return Some(whole),
        }
    }
}

/// A setting that may be one of another program.
fn unknown_setting<'a>(
    component: &str,
    name: &At<String>,
    value: &Spanned<DeValue<'_>>,
    sink: &'a mut Sink<'_>,
) -> &'a mut Problem {
    let (bytes, whole) = (&name.bytes, dotted(&name.value, value));
    if let Some(whole) = whole.as_deref().filter(|whole| SettingId::find(component, whole).is_some()) {
        let is_set = sink.place(bytes).file.starts_with("--set ");
        let message =
            format!("the name of the setting `{whole}` has dots in it: without quotes they are taken for tables");
        let problem = sink.error(code::UNKNOWN_SETTING, bytes, message);
        return problem.help(match is_set {
            true => format!("quote it, and all of it for the shell: --set 'control.{component}.\"{whole}\"=VALUE'"),
            false => format!("put it in quotes: `\"{whole}\" = …`"),
        });
    }
    let name = whole.as_deref().filter(|whole| SETTINGS.iter().any(|row| row.name == *whole)).unwrap_or(&name.value);
    let message = format!("`{component}` has no setting `{name}`");
    let problem = sink.error(code::UNKNOWN_SETTING, bytes, message);
    let elsewhere = SETTINGS.iter().find(|row| row.name == name);
    if let Some(row) = elsewhere {
        return problem.help(format!("it belongs to `{0}`: write it below `[control.{0}]`", row.component));
    }
    if let Some((_, instead)) = GONE.iter().find(|(gone, _)| *gone == name) {
        return problem.help(*instead);
    }
    let own = SETTINGS.iter().filter(|row| row.component == component).map(|row| row.name);
    problem.guess(nearest(name, own)).help("`evenkeel list settings` shows all")
}
