//! What a run would do, before it does anything: for `--dry-run`.

use super::screen::{Style, plain};
use super::verdict::{is_all, share};
use super::words::{counted, grouped, ranges, short};
use crate::cluster::{Config, Happening, Planned, Start, Stop};
use crate::kernel::time::{Span, Time};
use crate::object::node::{LABEL_POOL, LABEL_ZONE};
use crate::object::target::Target;
use crate::object::{Labels, Node};
use crate::scenario::Loaded;
use crate::scenario::schema::{Claim, Expectation};
use serde::Serialize;
use std::collections::BTreeMap;

/// The version of the document. Fields are added, never changed.
pub const SCHEMA: &str = "evenkeel.plan/v1";

/// What a run would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// What the scenario is about.
    pub title: String,
    /// The scenario's name.
    pub scenario: String,
    /// The seeds, one run each.
    pub seeds: Vec<u64>,
    /// When a run ends at the latest.
    pub until_us: u64,
    /// Whether it ends earlier if everything has been as wanted for this long.
    pub converged_for_us: Option<u64>,
    /// Nodes that are there at the beginning.
    pub nodes: Vec<Nodes>,
    /// Whether everything has been there for long at the beginning.
    pub is_settled: bool,
    /// Objects that are applied at the beginning, or have been there for long.
    pub objects: Vec<Objects>,
    /// Events in the order of time, with the times that they have with the first seed.
    pub events: Vec<Event>,
    /// Random failures that do not strike with the first seed; left out if all do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<String>,
    /// Expectations in words.
    pub expectations: Vec<String>,
    /// What it would cost, if that was looked into.
    pub estimate: Option<Estimate>,
}

/// Nodes of one pool and zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Nodes {
    /// The pool; empty if they are of none.
    pub pool: String,
    /// The zone; empty if they are in none.
    pub zone: String,
    /// How many.
    pub count: usize,
}

/// Objects of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Objects {
    /// The kind.
    pub kind: String,
    /// How many.
    pub count: usize,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// When it begins.
    pub at_us: u64,
    /// When it ends, if it lasts for a time.
    pub ends_us: Option<u64>,
    /// What happens.
    pub what: String,
    /// To whom.
    pub target: String,
}

/// What a run would cost, found by a trial: its beginning was run, and the rest taken to be like it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// Simulated time of the trial.
    pub trial_us: u64,
    /// Events of the trial.
    pub trial_events: u64,
    /// Time that the trial really took.
    pub trial_wall_us: u64,
    /// By how much the trial made the program grow, if the system says so.
    pub trial_bytes: Option<u64>,
    /// How many runs there would be at the same time.
    pub jobs: usize,
}

impl Estimate {
    /// Events of a run to `until_us` at the rate of the trial.
    pub fn events(&self, until_us: u64) -> u64 {
        scaled(self.trial_events, until_us, self.trial_us)
    }

    /// Time of all `runs` to `until_us` at the rate of the trial (µs).
    pub fn wall_us(&self, until_us: u64, runs: usize) -> u64 {
        let rounds = runs.div_ceil(self.jobs.max(1)) as u64;
        scaled(self.trial_wall_us, until_us, self.trial_us).saturating_mul(rounds)
    }
}

fn scaled(number: u64, by: u64, of: u64) -> u64 {
    (u128::from(number) * u128::from(by) / u128::from(of.max(1))).min(u128::from(u64::MAX)) as u64
}

impl Plan {
    /// What runs of this scenario with these seeds would do.
    pub fn of(loaded: &Loaded, seeds: &[u64]) -> Plan {
        let config = loaded.config(seeds.first().copied());
        Plan {
            schema: SCHEMA,
            title: loaded.scenario.title.clone(),
            scenario: loaded.name().to_string(),
            seeds: seeds.to_vec(),
            until_us: config.until.since(Time::ZERO).as_micros(),
            converged_for_us: (config.stop == Stop::Converged).then_some(config.hold.as_micros()),
            nodes: nodes(&config),
            is_settled: config.start == Start::Settled,
            objects: objects(&config),
            events: events(&config),
            silences: loaded.silences(seeds.first().copied()),
            expectations: loaded.scenario.expectations.iter().map(expectation).collect(),
            estimate: None,
        }
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain data without maps");
        text.push('\n');
        text
    }

    /// In words, for a terminal.
    pub fn to_text(&self, style: Style) -> String {
        let until = short(Span::from_micros(self.until_us));
        let end = match self.converged_for_us {
            Some(hold) => format!("at the latest after {until}, when all is as wanted for {}", Span::from_micros(hold)),
            None => format!("after {until}"),
        };
        let mut text = format!("{}\nwould run with seed {}, ends {end}\n", plain(&self.title), ranges(&self.seeds));
        let all: usize = self.nodes.iter().map(|nodes| nodes.count).sum();
        text.push_str(&format!("\n{}\n", counted(all, "node")));
        for Nodes { pool, zone, count } in &self.nodes {
            let zone = if zone.is_empty() { "no zone".to_string() } else { format!("zone {zone}") };
            text.push_str(&format!("  {count:>7}  pool {pool}, {zone}\n"));
        }
        let all: usize = self.objects.iter().map(|objects| objects.count).sum();
        let how = if self.is_settled { "there for long, their pods running" } else { "applied at the beginning" };
        text.push_str(&format!("{} {how}\n", counted(all, "object")));
        self.objects.iter().for_each(|row| text.push_str(&format!("  {:>7}  {}\n", row.count, row.kind)));
        let of_first =
            if self.seeds.len() > 1 { format!(", with the times of seed {}", self.seeds[0]) } else { String::new() };
        text.push_str(&format!("{}{of_first}\n", counted(self.events.len(), "event")));
        for Event { id, at_us, ends_us, what, target } in &self.events {
            let until = ends_us.map_or_else(String::new, |end| format!(" until {}", Span::from_micros(end)));
            let of = if target.is_empty() { String::new() } else { format!(" of {target}") };
            text.push_str(&format!(
                "  {:>7}  {}: {what}{of}{until}\n",
                Span::from_micros(*at_us).to_string(),
                plain(id)
            ));
        }
        self.silences.iter().for_each(|silence| text.push_str(&format!("  note: {}\n", plain(silence))));
        text.push_str(&format!("{}\n", counted(self.expectations.len(), "expectation")));
        self.expectations.iter().for_each(|words| text.push_str(&format!("  {}\n", plain(words))));
        if let Some(estimate) = &self.estimate {
            text.push_str(&self.estimate_in_words(estimate));
        }
        style.finish(text)
    }

    fn estimate_in_words(&self, estimate: &Estimate) -> String {
        let Estimate { trial_us, trial_events, trial_wall_us, trial_bytes, jobs } = estimate;
        let at_once = (*jobs).min(self.seeds.len());
        let wall = |micros: u64| short(Span::from_micros(micros));
        let mut text = format!(
            "\nRough estimate: {} events and {} in all, without writing files; it may end earlier.\n",
            grouped(estimate.events(self.until_us).saturating_mul(self.seeds.len() as u64)),
            wall(estimate.wall_us(self.until_us, self.seeds.len())),
        );
        if let Some(bytes) = trial_bytes {
            let megabytes = bytes.saturating_mul(at_once as u64).div_ceil(1_000_000);
            text.push_str(&format!("Memory: {} MB and more, the longer a run lasts.\n", grouped(megabytes)));
        }
        text.push_str(&format!(
            "Formula: the first {} were run for a trial, {} events in {} on this machine; the rest is taken to go on \
             like that, {at_once} at a time.\n",
            short(Span::from_micros(*trial_us)),
            grouped(*trial_events),
            wall(*trial_wall_us),
        ));
        text
    }
}

fn nodes(config: &Config) -> Vec<Nodes> {
    let label = |labels: &Labels, name| labels.get(name).map(ToString::to_string).unwrap_or_default();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for Node { meta, .. } in &config.nodes {
        *counts.entry((label(&meta.labels, LABEL_POOL), label(&meta.labels, LABEL_ZONE))).or_default() += 1;
    }
    counts.into_iter().map(|((pool, zone), count)| Nodes { pool, zone, count }).collect()
}

fn objects(config: &Config) -> Vec<Objects> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for object in &config.manifests {
        *counts.entry(object.kind().to_string()).or_default() += 1;
    }
    counts.into_iter().map(|(kind, count)| Objects { kind, count }).collect()
}

fn events(config: &Config) -> Vec<Event> {
    let mut events: Vec<Event> = config.events.iter().map(event).collect();
    events.sort_by_key(|event| event.at_us);
    events
}

fn event(planned: &Planned) -> Event {
    let (what, target) = match &planned.what {
        Happening::Fault { name, target, .. } => (name.to_string(), target.to_string()),
        Happening::Action { name, action, target } => {
            let what = if name.is_empty() { action.to_string() } else { format!("{name}: {action}") };
            let target = if *target == Target::Cluster { String::new() } else { target.to_string() };
            (what, target)
        }
        Happening::Join(nodes) => (format!("{} join", counted(nodes.len(), "new node")), String::new()),
    };
    Event {
        id: planned.id.to_string(),
        at_us: planned.at.as_micros(),
        ends_us: planned.end().map(Time::as_micros),
        what,
        target,
    }
}

/// `at-full-capacity: time-to-full-capacity of deployment/web since crash, at most 6m30s`
fn expectation(expectation: &Expectation) -> String {
    let of = expectation.of.as_ref().map_or_else(String::new, |of| format!(" of {}", of.value));
    let since = expectation.since.as_ref().map_or_else(String::new, |since| format!(" since {}", since.value));
    let (claim, bounds) = match &expectation.claim {
        Claim::Rule(rule) => (rule.name, String::new()),
        Claim::Measure { measure, bounds } => {
            let bounds = bounds.iter().map(|bound| format!(", {}", super::verdict::bound(*bound, measure.unit)));
            (measure.name, bounds.collect())
        }
    };
    let before = expectation.before.as_ref().map_or_else(String::new, |before| format!(" before {}", before.value));
    let share = match is_all(&expectation.share) {
        true => String::new(),
        false => format!(", in at least {} of the seeds", share(expectation.share)),
    };
    format!("{}: {claim}{of}{since}{before}{bounds}{share}", expectation.id.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_is_scaled_to_the_whole() {
        let estimate =
            Estimate { trial_us: 60_000_000, trial_events: 600, trial_wall_us: 2_000, trial_bytes: None, jobs: 2 };
        assert_eq!(estimate.events(900_000_000), 9_000);
        assert_eq!(estimate.wall_us(900_000_000, 1), 30_000);
        assert_eq!(estimate.wall_us(900_000_000, 5), 90_000, "two at a time need three rounds");
        assert_eq!(Estimate { trial_us: 0, ..estimate }.events(u64::MAX), u64::MAX, "too much to say");
    }
}
