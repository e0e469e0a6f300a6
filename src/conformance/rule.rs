//! The rule by which a simulation agrees with recordings: pure functions of numbers and tables.
//!
//! The recordings' README states it under "When a simulation agrees". Where it leaves something open, this is how it is
//! read here; of two fair readings the stricter one is taken.
//!
//! - w of a value is max(0.5 s, 2 % of it). "Widened by w" uses the w of the recorded value at that end.
//! - Quantiles interpolate linearly between the sorted values.
//! - "One run may be up to 3 s late" excuses the same run for all times of a scenario, and only upwards. A value that needs
//!   the excuse does not widen the recorded range.
//! - The extremes of a column follow rule 2 each for itself: the minima as one count, the maxima as another.
//! - End states: if all recorded runs end in one state, each seed must; if they differ, so that chance has a part in
//!   it, at least 90 % of the seeds must end in one of theirs. All series of a run are one state.
//! - Sequences: each object's is taken for itself, and the second that separates two steps has the noise of all times, half
//!   a second: a seed's sequence may equal a recorded one with that limit or with one of 0.5 s or 1.5 s. Otherwise the rule
//!   would refuse the real thing where two changes lie a random time apart, as the two taints of a node that comes back: now
//!   one step, now two, and three recordings show one of them. What never
//!   changes has the empty sequence. Cordoning and the end of a node stand in its sequence.

use super::milestones::Scalars;
use super::summary::{Extremes, Groups, Summary};
use std::collections::{BTreeMap, BTreeSet};

/// What a simulated range may miss by (s).
const MARGIN: f64 = 0.5;
/// The same as a share of the value.
const MARGIN_SHARE: f64 = 0.02;
/// How late one run may be (s).
const LATE: f64 = 3.0;
/// How many times as wide as the recorded range the middle half of the seeds may be.
const WIDTH_MAX: f64 = 3.0;
/// Share of the seeds that must show what chance has a part in.
const MOST: f64 = 0.9;

/// Simulated values of one scalar, sorted.
#[derive(Clone, Debug, PartialEq)]
pub struct Sorted(Vec<f64>);

impl Sorted {
    /// Of values in any order.
    pub fn new(mut values: Vec<f64>) -> Sorted {
        values.sort_by(f64::total_cmp);
        Sorted(values)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The quantile at `share`, interpolated.
    ///
    /// # Panics
    /// If there are no values.
    pub fn quantile(&self, share: f64) -> f64 {
        let at = share * (self.0.len() - 1) as f64;
        let below = self.0[at.floor() as usize];
        below + (self.0[at.ceil() as usize] - below) * at.fract()
    }

    fn in_words(&self) -> String {
        let at = |share| number(self.quantile(share));
        let [min, q10, median, q90, max] = [0.0, 0.1, 0.5, 0.9, 1.0].map(at);
        format!("min {min} q10 {q10} median {median} q90 {q90} max {max}")
    }
}

/// A scenario's groups of nodes, and which rules hold for it.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Nodes that one action hits together.
    pub groups: Groups,
    /// Whether times are compared (rule 1).
    pub has_times: bool,
}

/// All that differs, in words.
pub fn differences(recorded: &[Summary], simulated: &[Summary], terms: &Terms) -> Vec<String> {
    let mut found = trouble(simulated);
    if terms.has_times {
        let of = |summaries: &[Summary]| summaries.iter().map(|summary| summary.times.clone()).collect::<Vec<_>>();
        found.extend(times(&of(recorded), &of(simulated)));
    }
    found.extend(counts(recorded, simulated, &|summary| &summary.counts));
    found.extend(ends(recorded, simulated));
    for (word, end) in [("min", true), ("max", false)] {
        let of = |summaries: &[Summary]| -> Vec<Scalars> {
            let column =
                |(name, (low, high)): (&String, &Extremes)| (format!("{name} {word}"), if end { *low } else { *high });
            summaries.iter().map(|summary| summary.extremes.iter().map(column).collect()).collect()
        };
        found.extend(counts(&of(recorded), &of(simulated), &|scalars| scalars));
    }
    found.extend(sequences(recorded, simulated, &terms.groups));
    found
}

/// What went wrong in simulated runs that did not in recorded ones, each once.
fn trouble(simulated: &[Summary]) -> Vec<String> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    simulated.iter().flat_map(|seed| &seed.trouble).for_each(|words| *counts.entry(words).or_default() += 1);
    counts.into_iter().map(|(words, count)| format!("{words} (in {count} of {} seeds)", simulated.len())).collect()
}

fn names<'a>(all: impl Iterator<Item = &'a Scalars>) -> BTreeSet<&'a String> {
    all.flat_map(BTreeMap::keys).collect()
}

/// Rule 1. Of all runs that may be the late one, that with the fewest differences.
pub fn times(recorded: &[Scalars], simulated: &[Scalars]) -> Vec<String> {
    let names = names(recorded.iter().chain(simulated));
    let sorted: BTreeMap<&String, Sorted> = names
        .into_iter()
        .map(|name| (name, Sorted::new(simulated.iter().filter_map(|run| run.get(name).copied()).collect())))
        .collect();
    let with_late = |late: Option<usize>| -> Vec<String> {
        let of = |(name, values): (&&String, &Sorted)| {
            let runs: Vec<Option<f64>> = recorded.iter().map(|run| run.get(*name).copied()).collect();
            let why = presence(&runs, values.len(), simulated.len()).or_else(|| time(&runs, values, late))?;
            Some(format!("{name}: {why}"))
        };
        sorted.iter().filter_map(of).collect()
    };
    let candidates = std::iter::once(None).chain((0..recorded.len()).map(Some));
    candidates.map(with_late).min_by_key(Vec::len).unwrap_or_default()
}

/// Whether runs and seeds have the scalar at all equally often; what is wrong if not.
fn presence(runs: &[Option<f64>], have: usize, seeds: usize) -> Option<String> {
    let recorded = runs.iter().flatten().count();
    let shown = |words: &str| Some(format!("{words}, but {have} of {seeds} seeds have it"));
    if recorded == runs.len() {
        if have * 2 < seeds { shown("recorded in all runs") } else { None }
    } else if recorded == 0 {
        if have * 2 > seeds { shown("recorded in no run") } else { None }
    } else if have == 0 || have == seeds {
        shown(&format!("recorded in {recorded} of {} runs", runs.len()))
    } else {
        None
    }
}

fn margin(value: f64) -> f64 {
    MARGIN.max(MARGIN_SHARE * value.abs())
}

/// What is wrong with the values of one time, if run `late` is excused.
fn time(runs: &[Option<f64>], values: &Sorted, late: Option<usize>) -> Option<String> {
    if values.is_empty() || runs.iter().all(Option::is_none) {
        return None;
    }
    let (low, high) = (values.quantile(0.0), values.quantile(1.0));
    let is_early = |value: f64| value < low - margin(value);
    let is_late = |value: f64, by: f64| value - by > high + margin(value);
    let mut kept = Vec::new();
    let mut outside = false;
    for (index, value) in runs.iter().enumerate().filter_map(|(index, value)| Some((index, (*value)?))) {
        let is_excused = late == Some(index) && is_late(value, 0.0) && !is_late(value, LATE);
        outside |= is_early(value) || (is_late(value, 0.0) && !is_excused);
        if !is_excused {
            kept.push(value);
        }
    }
    let shown = || format!("recorded {}, simulated {}", range(runs.iter().flatten().copied()), values.in_words());
    if outside {
        return Some(format!("{}: a recorded value lies outside", shown()));
    }
    let first = kept.iter().copied().reduce(f64::min)?;
    let last = kept.iter().copied().reduce(f64::max)?;
    let (first, last) = (first - margin(first), last + margin(last));
    if values.quantile(0.1) > last || values.quantile(0.9) < first {
        return Some(format!("{}: the middle misses what was recorded", shown()));
    }
    let width = values.quantile(0.75) - values.quantile(0.25);
    let is_too_wide = width > WIDTH_MAX * (last - first);
    is_too_wide.then(|| format!("{}: the middle half is {} s wide, too wide", shown(), number(width)))
}

/// Rule 2, for all counts that `of` finds in a run.
fn counts<'a, R>(recorded: &'a [R], simulated: &'a [R], of: &dyn Fn(&'a R) -> &'a Scalars) -> Vec<String> {
    let names = names(recorded.iter().chain(simulated).map(of));
    let values = |runs: &'a [R], name: &String| {
        Sorted::new(runs.iter().map(|run| of(run).get(name).copied().unwrap_or(0.0)).collect())
    };
    names
        .into_iter()
        .filter_map(|name| Some(format!("{name}: {}", count(&values(recorded, name), &values(simulated, name))?)))
        .collect()
}

/// What is wrong with one count.
fn count(recorded: &Sorted, simulated: &Sorted) -> Option<String> {
    if recorded.is_empty() || simulated.is_empty() {
        return None;
    }
    let ends = |values: &Sorted| (values.quantile(0.0), values.quantile(1.0));
    let ((first, last), (low, high)) = (ends(recorded), ends(simulated));
    let shown = format!("recorded {}, simulated {}", range([first, last].into_iter()), range([low, high].into_iter()));
    if low > last || high < first {
        return Some(shown);
    }
    let hits = simulated.0.iter().filter(|value| **value == first).count();
    let is_rare = first == last && hits * 2 < simulated.len();
    is_rare.then(|| format!("{shown}: {hits} of {} seeds give {}", simulated.len(), number(first)))
}

/// Whether `count` of `all` are at least this share; a rounding error does not decide.
fn is_share(count: usize, share: f64, all: usize) -> bool {
    count as f64 + 1e-9 >= share * all as f64
}

/// Rule 3: end states.
fn ends(recorded: &[Summary], simulated: &[Summary]) -> Vec<String> {
    let Some(first) = recorded.first() else { return Vec::new() };
    let is_certain = recorded.iter().all(|run| run.ends == first.ends);
    let strangers: Vec<&Summary> =
        simulated.iter().filter(|seed| recorded.iter().all(|run| run.ends != seed.ends)).collect();
    let wanted = if is_certain { 1.0 } else { MOST };
    if is_share(simulated.len() - strangers.len(), wanted, simulated.len()) {
        return Vec::new();
    }
    // Which objects end otherwise than in every run; if none does, it is how they go together.
    let mut by_object: BTreeMap<&String, (usize, String)> = BTreeMap::new();
    let objects: BTreeSet<&String> = recorded.iter().chain(simulated).flat_map(|run| run.ends.keys()).collect();
    for object in objects {
        let end = |run: &Summary| run.ends.get(object).map_or("nothing", String::as_str).to_string();
        let known: BTreeSet<String> = recorded.iter().map(end).collect();
        for seed in strangers.iter().map(|seed| end(seed)).filter(|seed| !known.contains(seed)) {
            let known = known.iter().cloned().collect::<Vec<_>>().join("; or ");
            let entry = by_object.entry(object).or_insert_with(|| (0, format!("recorded {known}; simulated {seed}")));
            entry.0 += 1;
        }
    }
    let seeds = simulated.len();
    if by_object.is_empty() {
        return vec![format!("end state: {} of {seeds} seeds end in a mix of recorded ends", strangers.len())];
    }
    let told = by_object.into_iter().map(|(object, (count, example))| {
        format!("end of {object}: {count} of {seeds} seeds end otherwise, as: {example}")
    });
    told.collect()
}

/// Rule 4.
fn sequences(recorded: &[Summary], simulated: &[Summary], groups: &Groups) -> Vec<String> {
    let objects: BTreeSet<&String> = recorded.iter().chain(simulated).flat_map(|run| run.sequences.keys()).collect();
    let none = Vec::new();
    let of = |run: &'_ Summary, object: &str| run.sequences.get(object).unwrap_or(&none).clone();
    let known: BTreeMap<&String, BTreeSet<Vec<String>>> = objects
        .iter()
        .map(|object| {
            let node = object.strip_prefix("Node/").unwrap_or_default();
            let group = groups.iter().find(|group| group.contains(node));
            let pooled: Vec<String> = match group {
                Some(group) => group.iter().map(|node| format!("Node/{node}")).collect(),
                None => vec![object.to_string()],
            };
            let sequences = recorded.iter().flat_map(|run| pooled.iter().map(|object| of(run, object)));
            (*object, sequences.collect())
        })
        .collect();
    let mut found = Vec::new();
    for (object, sequences) in &known {
        let mut odd: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let is_known = |seed: &&Summary| {
            let blurred = seed.blurred.get(*object).into_iter().flatten();
            sequences.contains(&of(seed, object)) || blurred.into_iter().any(|steps| sequences.contains(steps))
        };
        for seed in simulated.iter().filter(|seed| !is_known(seed)) {
            *odd.entry(of(seed, object)).or_default() += 1;
        }
        let count: usize = odd.values().sum();
        if is_share(simulated.len() - count, MOST, simulated.len()) {
            continue;
        }
        if let Some((sequence, times)) = odd.iter().max_by_key(|(_, times)| **times) {
            let known = sequences.iter().map(|sequence| sequence_in_words(sequence)).collect::<Vec<_>>().join(" or ");
            found.push(format!(
                "{object}: in {count} of {} seeds another sequence than recorded, in {times} of them {}; recorded {known}",
                simulated.len(),
                sequence_in_words(sequence)
            ));
        }
    }
    found
}

fn sequence_in_words(sequence: &[String]) -> String {
    if sequence.is_empty() { "nothing".to_string() } else { format!("({})", sequence.join(") then (")) }
}

fn range(values: impl Iterator<Item = f64> + Clone) -> String {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    if low == high { number(low) } else { format!("{}-{}", number(low), number(high)) }
}

/// With at most three decimals.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
