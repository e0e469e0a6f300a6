//! Holds simulated clusters against recordings of the real Kubernetes v1.36.2 control plane.
//!
//! The recordings lie in `fixtures/timelines`; a README there says how they were cut down. The rule by which a scenario
//! agrees is that of `evenkeel conformance timeline`. Forty seeds show most of what may happen; `EVENKEEL_CASES` above
//! forty lets all two hundred run that the rule asks for.

#![cfg(feature = "manifest")]
#![allow(clippy::disallowed_methods)] // a test may read its environment

use evenkeel::conformance::milestones::Scalars;
use evenkeel::conformance::rule::{Sorted, times};
use evenkeel::conformance::{Folder, Outcome, Recorded, Replay, Report, Summary, read};
use evenkeel::object::SettingId;
use evenkeel::scenario::Problems;
use rayon::prelude::*;
use std::collections::BTreeMap;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/timelines");
/// Seeds that the rule asks for.
const ALL: u64 = 200;
/// Seeds unless more are asked for.
const FEW: u64 = 40;

/// Scenarios whose range takes all seeds to fill: the last of several nodes is rarely early, the last of many pods rarely
/// late, and of two writes that race one rarely wins.
const WIDE: [&str; 4] = ["d1-zone-outage", "d2-all-down", "e8-large-rollout", "v1-delete-deployment"];

/// Scenarios that do not agree yet, and why. One that does agree must leave this list.
const NOT_YET: [(&str, &str); 0] = [];

struct Disk;

impl Folder for Disk {
    fn text(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(path).map_err(|error| error.to_string())
    }
    fn is_folder(&self, path: &str) -> bool {
        std::path::Path::new(path).is_dir()
    }
    fn names(&self, path: &str) -> Result<Vec<String>, String> {
        let entries = std::fs::read_dir(path).map_err(|error| error.to_string())?;
        Ok(entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
    }
}

fn recordings() -> Vec<Recorded> {
    read(&[FIXTURE.to_string()], &Disk).unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

fn replay(recorded: &Recorded) -> Result<Replay, Vec<String>> {
    let mut problems = Problems::default();
    let replay = Replay::of(recorded, &mut problems);
    assert!(!problems.has_errors(), "{}", problems.render(false));
    replay
}

fn simulate(replay: &Replay, seeds: u64) -> Vec<Summary> {
    (0..seeds).into_par_iter().map(|seed| replay.run(seed).expect("the invariants hold")).collect()
}

fn outcome(recorded: &Recorded, seeds: u64) -> Outcome {
    match replay(recorded) {
        Err(needs) => Outcome::unbuilt(recorded, needs),
        Ok(replay) => simulated_outcome(recorded, &replay, seeds),
    }
}

fn simulated_outcome(recorded: &Recorded, replay: &Replay, seeds: u64) -> Outcome {
    let seeds = if WIDE.contains(&recorded.scenario.name.as_str()) { ALL } else { seeds };
    Outcome::of(recorded, replay, &simulate(replay, seeds))
}

#[test]
fn simulated_clusters_agree_with_the_recordings() {
    let cases = std::env::var("EVENKEEL_CASES").ok().map_or(FEW, |text| text.parse().expect("a number of cases"));
    let seeds = if cases > FEW { ALL } else { FEW };
    let recordings = recordings();
    assert_eq!(recordings.len(), 20);
    let outcomes: Vec<Outcome> = recordings.iter().map(|recorded| outcome(recorded, seeds)).collect();
    let page = include_str!("../docs/conformance.md");
    for outcome in &outcomes {
        let word = if outcome.agrees() { "yes" } else { "no" };
        let row = format!("| {} | {} | {word} |", outcome.family, outcome.name);
        assert!(page.contains(&row), "docs/conformance.md has no row {row}");
    }
    let is_listed = |outcome: &Outcome| NOT_YET.iter().any(|(name, _)| *name == outcome.name);
    let agrees = |name: &str| outcomes.iter().find(|outcome| outcome.name == name).expect("a scenario").agrees();
    let done: Vec<&str> = NOT_YET.iter().map(|(name, _)| *name).filter(|name| agrees(name)).collect();
    assert!(done.is_empty(), "these agree now, take them off the list: {}", done.join(", "));
    let unexpected: Vec<Outcome> =
        outcomes.into_iter().filter(|outcome| !outcome.agrees() && !is_listed(outcome)).collect();
    assert!(unexpected.is_empty(), "\n{}", Report::of(unexpected).to_text());
}

/// What the recorder took from its tables, we take from the same tables: so the simulated scalars mean the same.
#[test]
fn the_recorded_scalars_follow_from_the_recorded_tables() {
    let mut count = 0;
    for recorded in recordings() {
        for run in recorded.runs.iter().filter(|run| run.pods.is_some()) {
            let ours = run.take_scalars();
            let names = |scalars: &Scalars| scalars.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&ours), names(&run.scalars), "{}", recorded.scenario.name);
            for (name, value) in &ours {
                // Differences are recorded with two decimals.
                assert!((value - run.scalars[name]).abs() < 0.006, "{}: {name} {value}", recorded.scenario.name);
                count += 1;
            }
        }
    }
    assert!(count > 70, "{count} scalars");
}

/// A scenario that agrees, with what forty seeds gave.
fn agreeing(name: &str) -> (Replay, Vec<Scalars>) {
    let recordings = recordings();
    let recorded = recordings.iter().find(|recorded| recorded.scenario.name == name).expect("a recorded scenario");
    let replay = replay(recorded).expect("it can be simulated");
    let simulated = simulate(&replay, FEW).into_iter().map(|seed| seed.times).collect();
    (replay, simulated)
}

fn by_name(runs: &[Scalars]) -> BTreeMap<&String, Sorted> {
    let mut values: BTreeMap<&String, Vec<f64>> = BTreeMap::new();
    runs.iter().flatten().for_each(|(name, value)| values.entry(name).or_default().push(*value));
    values.into_iter().map(|(name, values)| (name, Sorted::new(values))).collect()
}

fn margin(value: f64) -> f64 {
    (0.02 * value).max(0.5)
}

const TRIED: [&str; 6] = [
    "a1-crash-default-tol",
    "c2-partition-100s",
    "e4-minready-10",
    "g1-recreate",
    "m1-node-added",
    "w9-pods-deleted-by-hand",
];

#[test]
fn two_seconds_planted_in_all_runs_are_found_where_the_natural_range_is_narrower() {
    let mut found = 0;
    for name in TRIED {
        let (replay, simulated) = agreeing(name);
        let recorded: Vec<Scalars> = replay.recorded.iter().map(|run| run.times.clone()).collect();
        assert_eq!(times(&recorded, &simulated), [""; 0], "{name}");
        let shifted: Vec<Scalars> =
            recorded.iter().map(|run| run.iter().map(|(name, value)| (name.clone(), value + 2.0)).collect()).collect();
        let seeds = by_name(&simulated);
        let differences = times(&shifted, &simulated);
        for (scalar, runs) in by_name(&shifted) {
            let range = seeds[scalar].quantile(1.0) - seeds[scalar].quantile(0.0);
            // The rule's own tolerance is part of the range; one late run may be excused, two are not.
            if runs.len() < 2 {
                continue;
            }
            if range + margin(runs.quantile(1.0)) < 2.0 - (runs.quantile(1.0) - runs.quantile(0.0)) {
                let start = format!("{scalar}: ");
                assert!(differences.iter().any(|words| words.starts_with(&start)), "{name} {scalar}: {differences:?}");
                found += 1;
            }
        }
    }
    assert!(found >= 4, "{found} scalars are narrow enough");
}

#[test]
fn a_simulated_range_blown_up_tenfold_is_found() {
    let mut found = 0;
    for name in TRIED {
        let (replay, simulated) = agreeing(name);
        let recorded: Vec<Scalars> = replay.recorded.iter().map(|run| run.times.clone()).collect();
        let medians: BTreeMap<String, f64> =
            by_name(&simulated).into_iter().map(|(name, values)| (name.clone(), values.quantile(0.5))).collect();
        let blown_up =
            |(scalar, value): (&String, &f64)| (scalar.clone(), medians[scalar] + 10.0 * (value - medians[scalar]));
        let wide: Vec<Scalars> = simulated.iter().map(|seed| seed.iter().map(blown_up).collect()).collect();
        let differences = times(&recorded, &wide);
        for (scalar, values) in by_name(&wide) {
            let half = values.quantile(0.75) - values.quantile(0.25);
            let runs = &by_name(&recorded)[scalar];
            let (first, last) = (runs.quantile(0.0), runs.quantile(1.0));
            if half > 3.0 * (last + margin(last) - first + margin(first)) {
                let start = format!("{scalar}: ");
                let is_found = |words: &String| words.starts_with(&start) && words.ends_with("too wide");
                assert!(differences.iter().any(is_found), "{name} {scalar}: {differences:?}");
                found += 1;
            }
        }
    }
    assert!(found >= 4, "{found} scalars are wide enough");
}

/// Settings, each with a value that is wrong and the recording that shows it. `docs/mutants.md` says which mistakes no
/// recording shows.
const MISTAKES: [(SettingId, &str, &str); 14] = [
    (SettingId::NodeMonitorGracePeriod, "45s", "a1-crash-default-tol"),
    (SettingId::NodeMonitorPeriod, "7s", "a1-crash-default-tol"),
    (SettingId::DefaultUnreachableToleration, "285", "a1-crash-default-tol"),
    (SettingId::NodeEditRetries, "1", "b2-crash-tol-30"),
    (SettingId::NodeEvictionRate, "0.15/s", "d1-zone-outage"),
    (SettingId::EvictionRateLimiterBurst, "2", "d1-zone-outage"),
    (SettingId::NodeEvictionPeriod, "500ms", "d2-all-down"),
    (SettingId::NodeUpdateWorkers, "4", "d2-all-down"),
    (SettingId::EndpointUpdatesBatchPeriod, "1s", "e1-rolling-default"),
    (SettingId::RevisionHistoryLimit, "0", "e1-rolling-default"),
    (SettingId::ControllerQps, "30/s", "e8-large-rollout"),
    (SettingId::ControllerBurst, "45", "e8-large-rollout"),
    (SettingId::PodGcPeriod, "30s", "n1-node-deleted"),
    (SettingId::PodGcQuarantine, "45s", "n1-node-deleted"),
];

/// That the recordings agree without a mistake is what `simulated_clusters_agree_with_the_recordings` says, of the same
/// seeds.
#[test]
fn a_mistake_in_a_setting_is_found_by_a_recording() {
    let recordings = recordings();
    let mut missed = Vec::new();
    for (id, value, name) in MISTAKES {
        assert!(NOT_YET.iter().all(|(listed, _)| *listed != name), "{name} does not agree anyway");
        let recorded = recordings.iter().find(|recorded| recorded.scenario.name == name).expect("a recorded scenario");
        let wrong = id.row().unit.parse(value).expect("a value of the setting");
        assert_ne!(wrong, id.row().default, "{id} is right");
        let replay = replay(recorded).expect("it can be simulated").with_settings(|settings| settings.set(id, wrong));
        if simulated_outcome(recorded, &replay, FEW).agrees() {
            missed.push(format!("{name} does not show that {id} is {value}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
