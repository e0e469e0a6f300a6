//! Several runs of one scenario that differ in their seed: verdicts and the spread of everything measured.
//!
//! Quantiles are by nearest rank: of the values in ascending order, the p-th percentile is the first that at least p of
//! a hundred do not exceed. So each is a value that occurred, and whole numbers stay whole.

use super::losses::{LossSpread, losses};
use super::verdict::{alone, is_all, percent};
use super::{OutageReport, Overrides, Report, Verdict};
use crate::record::outage::MILESTONES;
use crate::scenario::expect::ALL_SEEDS;
use crate::scenario::measure::{self, Unit};
use serde::Serialize;

/// The version of the document. Fields are added, never changed.
pub const SCHEMA: &str = "evenkeel.runs/v1";

/// What the runs showed. All lists of values are in the order of [`Runs::seeds`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Runs {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// What the scenario is about.
    pub title: String,
    /// The scenario's name.
    pub scenario: String,
    /// Whether everything was as expected in every run, but for expectations that name the share of the runs in which they
    /// must be met.
    pub verdict: Verdict,
    /// Version of the simulator.
    pub version: String,
    /// Hash of the scenario file and its manifests.
    pub scenario_hash: String,
    /// The seeds, in ascending order.
    pub seeds: Vec<u64>,
    /// In how many runs everything was as expected, whatever the share that is enough.
    pub passed: usize,
    /// The others.
    pub failed: Vec<Failed>,
    /// What differs from the defaults, but for the seeds.
    pub overrides: Overrides,
    /// Each expectation over all runs.
    pub expectations: Vec<ExpectationSpread>,
    /// Each outage over all runs.
    pub outages: Vec<OutageSpread>,
    /// What each event cost each workload over all runs.
    pub losses: Vec<LossSpread>,
    /// Each run.
    pub runs: Vec<Run>,
}

/// A run in which not everything was as expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// Its seed.
    pub seed: u64,
    /// What is wrong, one entry for each expectation or other reason.
    pub reasons: Vec<String>,
    /// Whether it only misses expectations that are met in enough of the runs; left out if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_allowed: bool,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its seed.
    pub seed: u64,
    /// Whether everything was as expected.
    pub verdict: Verdict,
    /// Digest of all that happened.
    pub digest: String,
    /// When it ended.
    pub simulated_us: u64,
    /// Events of the simulator.
    pub events: u64,
    /// What is worth knowing and no failure; left out if there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One number over all runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// How many runs have it; the others are left out of what follows.
    pub n: usize,
    /// The least.
    pub min: Option<i64>,
    /// 5th percentile.
    pub p5: Option<i64>,
    /// 50th percentile.
    pub median: Option<i64>,
    /// 95th percentile.
    pub p95: Option<i64>,
    /// The most.
    pub max: Option<i64>,
    /// The value of each run; none where it was not reached or could not be measured.
    pub values: Vec<Option<i64>>,
}

impl Spread {
    /// The spread of these values.
    pub fn of(values: Vec<Option<i64>>) -> Spread {
        let mut known: Vec<i64> = values.iter().flatten().copied().collect();
        known.sort_unstable();
        let [min, p5, median, p95, max] = [0, 5, 50, 95, 100].map(|percent| quantile(&known, percent));
        Spread { n: known.len(), min, p5, median, p95, max, values }
    }
}

/// By nearest rank, of ascending values.
fn quantile(ascending: &[i64], percent: usize) -> Option<i64> {
    let rank = (ascending.len() * percent).div_ceil(100).max(1);
    ascending.get(rank - 1).copied()
}

/// One expectation over all runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExpectationSpread {
    /// Its id.
    pub id: String,
    /// The measure or rule.
    pub claim: &'static str,
    /// The workload that it is about.
    pub of: Option<String>,
    /// The event from which it counts.
    pub since: Option<String>,
    /// The bounds in words; empty for rules.
    pub bound: String,
    /// In how many runs it was met.
    pub met: usize,
    /// In which share of the runs it must be met (millionths); written as `in = "95%"`, and left out if in all.
    #[serde(rename = "in", skip_serializing_if = "is_all", serialize_with = "percent")]
    pub share: u32,
    /// Whether it was met in enough of the runs.
    pub verdict: Verdict,
    /// What the values count: `duration` (µs) or `pods`; none for rules.
    pub unit: Option<&'static str>,
    /// What was measured; none for rules.
    pub spread: Option<Spread>,
}

/// One outage over all runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutageSpread {
    /// Id of the event.
    pub id: String,
    /// Name of the fault.
    pub fault: String,
    /// In how many runs it hit a node.
    pub n: usize,
    /// How often it struck in all runs together, if it is a kind of random failure: then `id` is that of its `[[failure]]`,
    /// and the values that follow are those of its strikes, run by run. Left out for events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strikes: Option<usize>,
    /// Whether it hit nodes, and not the cluster as a whole.
    #[serde(skip)]
    pub hits_nodes: bool,
    /// What it did, by workload that lost pods in any run.
    pub workloads: Vec<WorkloadSpread>,
}

/// What an outage did to one workload, over all runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkloadSpread {
    /// The workload.
    pub name: String,
    /// In how many runs, or by how many strikes, it lost pods.
    pub n: usize,
    /// Milestones in their usual order.
    pub milestones: Vec<MilestoneSpread>,
}

/// When a milestone was reached, over all runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MilestoneSpread {
    /// Its name, as `noticed`.
    pub name: &'static str,
    /// Time since the outage happened.
    pub since_us: Spread,
}

impl Runs {
    /// What these runs of one scenario showed, in the order of their seeds.
    ///
    /// # Panics
    /// If there is none.
    pub fn of(reports: &[Report]) -> Runs {
        let first = reports.first().expect("at least one run");
        let expectations: Vec<ExpectationSpread> =
            (0..first.expectations.len()).map(|index| expectation(reports, index)).collect();
        // That nothing happened says something about the seed, unless it is so with all of them.
        let is_silent = reports.iter().all(|report| report.silence.is_some());
        let verdict = |report: &Report| match &report.silence {
            Some(silence) if !is_silent => {
                let has_reason = report.reasons.iter().any(|reason| reason != silence);
                Verdict::of(!has_reason && report.met() == report.expectations.len())
            }
            _ => report.verdict,
        };
        let failing = reports.iter().filter(|report| verdict(report) == Verdict::Fail);
        let failed: Vec<Failed> = failing.map(|report| failed(report, is_silent, &expectations)).collect();
        let are_met = expectations.iter().all(|expectation| expectation.verdict == Verdict::Pass);
        let run = |report: &Report| Run {
            seed: report.receipt.seed,
            verdict: verdict(report),
            digest: report.receipt.digest.clone(),
            simulated_us: report.simulated_us,
            events: report.events,
            notes: notes(report, is_silent),
        };
        Runs {
            schema: SCHEMA,
            title: first.title.clone(),
            scenario: first.scenario.clone(),
            verdict: Verdict::of(are_met && failed.iter().all(|failed| failed.is_allowed)),
            version: first.receipt.version.clone(),
            scenario_hash: first.receipt.scenario_hash.clone(),
            seeds: reports.iter().map(|report| report.receipt.seed).collect(),
            passed: reports.len() - failed.len(),
            failed,
            overrides: Overrides { seed: None, ..first.overrides.clone() },
            expectations,
            outages: outages(reports),
            losses: losses(reports),
            runs: reports.iter().map(run).collect(),
        }
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain data without maps");
        text.push('\n');
        text
    }
}

/// What there is to know of one of several runs: that it alone cannot tell a share is no news there.
fn notes(report: &Report, is_silent: bool) -> Vec<String> {
    let alone = alone(&report.expectations);
    let silence = report.silence.iter().filter(|_| !is_silent);
    silence.chain(report.notes.iter().filter(|note| alone.as_ref() != Some(*note))).cloned().collect()
}

/// A run that fails. That nothing happened in it is no reason unless nothing did in any.
fn failed(report: &Report, is_silent: bool, expectations: &[ExpectationSpread]) -> Failed {
    let is_reason = |reason: &&String| is_silent || report.silence.as_ref() != Some(reason);
    let reasons: Vec<String> = report.reasons.iter().filter(is_reason).cloned().collect();
    let pairs = report.expectations.iter().zip(expectations);
    let unmet: Vec<_> = pairs.filter(|(judged, _)| judged.verdict == Verdict::Fail).collect();
    let is_allowed = reasons.is_empty() && unmet.iter().all(|(_, all)| all.verdict == Verdict::Pass);
    let told = unmet
        .into_iter()
        .map(|(judged, _)| judged)
        .map(|judged| format!("{}: {}", judged.id, judged.reason.as_deref().unwrap_or("not met")));
    Failed { seed: report.receipt.seed, reasons: reasons.into_iter().chain(told).collect(), is_allowed }
}

/// All runs have the same expectations in the same order, since they are of one scenario.
fn expectation(reports: &[Report], index: usize) -> ExpectationSpread {
    let all = || reports.iter().map(|report| &report.expectations[index]);
    let first = &reports[0].expectations[index];
    let unit = measure::find(first.claim).map(|measure| measure.unit);
    let met = all().filter(|judged| judged.verdict == Verdict::Pass).count();
    let is_enough = met as u128 * u128::from(ALL_SEEDS) >= u128::from(first.share) * reports.len() as u128;
    ExpectationSpread {
        id: first.id.clone(),
        claim: first.claim,
        of: first.of.clone(),
        since: first.since.clone(),
        bound: first.bound.clone(),
        met,
        share: first.share,
        verdict: Verdict::of(is_enough),
        unit: unit.map(Unit::name),
        spread: unit.map(|_| Spread::of(all().map(|judged| judged.value).collect())),
    }
}

/// The id of an event, or of the `[[failure]]` of which it is a strike.
pub(super) fn event_or_process<'a>(report: &'a Report, event: &'a str) -> &'a str {
    let process = event.rsplit_once('-').map(|(process, _)| process);
    process.filter(|process| report.processes.iter().any(|known| known == process)).unwrap_or(event)
}

/// Outages in the order in which they are first met with; of one id the first of each run belong together, then the
/// second, and so on. Strikes of one kind of random failure have no such order: each is one of many.
fn outages(reports: &[Report]) -> Vec<OutageSpread> {
    let is_process = |report: &Report, id: &str| event_or_process(report, id) != id;
    let numbered = |report: &Report| {
        let ids: Vec<&str> = report.outages.iter().map(|outage| event_or_process(report, &outage.id)).collect();
        let place = |(index, id): (usize, &&str)| match is_process(report, &report.outages[index].id) {
            true => (id.to_string(), 0),
            false => (id.to_string(), ids[..index].iter().filter(|other| *other == id).count()),
        };
        ids.iter().enumerate().map(place).collect::<Vec<_>>()
    };
    let keys: Vec<Vec<(String, usize)>> = reports.iter().map(numbered).collect();
    let mut all: Vec<&(String, usize)> = Vec::new();
    keys.iter().flatten().for_each(|key| {
        if !all.contains(&key) {
            all.push(key);
        }
    });
    let spread = |key: &(String, usize)| {
        let mut found: Vec<Option<&OutageReport>> = Vec::new();
        let (mut n, mut has_strikes) = (0, false);
        for (report, keys) in reports.iter().zip(&keys) {
            let own = report.outages.iter().zip(keys).filter(|(_, other)| *other == key).map(|(outage, _)| outage);
            let own: Vec<_> = own.collect();
            n += usize::from(!own.is_empty());
            has_strikes |= own.iter().any(|outage| is_process(report, &outage.id));
            match own.is_empty() {
                true => found.push(None),
                false => found.extend(own.into_iter().map(Some)),
            }
        }
        if has_strikes {
            // A run without one has no value that is missing.
            found.retain(Option::is_some);
        }
        let mut names: Vec<&str> = Vec::new();
        for workload in found.iter().flatten().flat_map(|outage| &outage.workloads) {
            if !names.contains(&workload.name.as_str()) {
                names.push(&workload.name);
            }
        }
        let workload = |name: &str| {
            let rows: Vec<Option<_>> = found
                .iter()
                .map(|outage| outage.and_then(|outage| outage.workloads.iter().find(|row| row.name == name)))
                .collect();
            let milestone = |&milestone: &&'static str| {
                let of_row = |row: &super::WorkloadReport| row.milestones.iter().find(|m| m.name == milestone).cloned();
                let reached: Vec<Option<_>> = rows.iter().map(|row| row.and_then(of_row)).collect();
                let values = reached.iter().map(|m| m.as_ref().and_then(|m| Some(m.since_us? as i64)));
                let spread = MilestoneSpread { name: milestone, since_us: Spread::of(values.collect()) };
                reached.iter().any(Option::is_some).then_some(spread)
            };
            WorkloadSpread {
                name: name.to_string(),
                n: rows.iter().flatten().count(),
                milestones: MILESTONES.iter().filter_map(milestone).collect(),
            }
        };
        OutageSpread {
            id: key.0.clone(),
            fault: found.iter().flatten().next().map(|outage| outage.fault.clone()).unwrap_or_default(),
            n,
            strikes: has_strikes.then_some(found.len()),
            hits_nodes: found.iter().flatten().any(|outage| !outage.nodes.is_empty()),
            workloads: names.into_iter().map(workload).collect(),
        }
    };
    all.into_iter().map(spread).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let spread = Spread::of((1..=100).rev().map(Some).collect());
        let five = |spread: &Spread| [spread.min, spread.p5, spread.median, spread.p95, spread.max].map(Option::unwrap);
        assert_eq!((spread.n, five(&spread)), (100, [1, 5, 50, 95, 100]));
        assert_eq!(five(&Spread::of(vec![Some(30), Some(10), Some(20), Some(40)])), [10, 10, 20, 40, 40]);
        assert_eq!(five(&Spread::of(vec![Some(-7)])), [-7; 5]);
        let none = Spread::of(vec![None, None]);
        assert_eq!((none.n, none.min, none.median, none.max), (0, None, None, None));
        let some = Spread::of(vec![None, Some(3), None]);
        assert_eq!((some.n, some.median, some.values), (1, Some(3), vec![None, Some(3), None]));
    }
}
