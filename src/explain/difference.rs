//! Where two runs part, why, and what became of it.
//!
//! Facts are compared in order, by time and content. As equal scenarios with equal seeds give equal runs, the first that
//! differs follows from a difference of the scenarios, and its cause in each run says how.

use super::chain::{Link, link, sentence};
use super::{Tale, span, time};
use crate::kernel::time::{Span, Time};
use crate::object::{DelayId, Fact, FactId, SettingId};
use crate::report::{Finished, Judged, Milestone, Verdict};
use crate::scenario::Loaded;
use crate::scenario::problem::Problems;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The version of the document. Fields are added, never changed.
pub const SCHEMA: &str = "evenkeel.diff/v1";

/// A run to be compared.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// What it was made of.
    pub loaded: &'a Loaded,
    /// The run.
    pub finished: &'a Finished,
}

impl<'a> Side<'a> {
    /// A run, and what it was made of.
    pub const fn new(loaded: &'a Loaded, finished: &'a Finished) -> Side<'a> {
        Side { loaded, finished }
    }
}

/// What two runs differ in. `a` and `b` are the runs in the order in which they were given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Whether the same happened in both.
    pub is_same: bool,
    /// Digests of what happened.
    pub digest: Pair<String>,
    /// What the scenarios differ in: keys, settings, delays, seeds.
    pub scenario: Vec<Value>,
    /// The first fact in which they part; none if all facts are the same, or if their seeds differ.
    pub first: Option<Parting>,
    /// The milestones that differ, in the order of time.
    pub milestones: Vec<MilestoneDifference>,
    /// What was lost more or less of, the greatest difference first.
    pub losses: Vec<LossDifference>,
    /// What those losses add up to, with what of them is the same in both.
    pub lost: Vec<LostDifference>,
    /// The expectations that were met in one of them only.
    pub expectations: Vec<ExpectationDifference>,
    /// How long the runs lasted (µs).
    pub simulated_us: Pair<u64>,
}

/// The same of both runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pair<T> {
    /// Of the first.
    pub a: T,
    /// Of the second.
    pub b: T,
}

/// A value that is another in the other run; none where there is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Value {
    /// What it is the value of: a key of the scenario, a setting, a delay, a manifest.
    pub name: String,
    /// In the first run.
    pub a: Option<String>,
    /// In the second.
    pub b: Option<String>,
}

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parting {
    /// When (µs since the scenario began).
    pub at_us: u64,
    /// How many facts are the same before it.
    pub facts_before: usize,
    /// What happens next in each run, if anything does.
    pub next: Pair<Option<Told>>,
    /// The run in which it happened first, and when the same happened in the other, if it did.
    pub same_later: Option<Later>,
}

/// A fact with what led to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The fact.
    pub fact: Link,
    /// It and what led to it, as a sentence.
    pub because: String,
}

/// The same fact later in the other run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Later {
    /// In which run it came first: `a` or `b`.
    pub first_in: &'static str,
    /// The fact in the other run.
    pub other: Told,
    /// How much later it came there (µs).
    pub later_us: u64,
}

/// A milestone that was reached at another time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MilestoneDifference {
    /// The outage.
    pub outage: String,
    /// The workload.
    pub workload: String,
    /// The milestone.
    pub milestone: &'static str,
    /// Time since the outage happened (µs); none if it was not reached.
    pub since_us: Pair<Option<u64>>,
    /// When it was reached (µs since the scenario began).
    pub at_us: Pair<Option<u64>>,
    /// Who owns the wait before it.
    pub owner: Pair<Option<String>>,
}

/// A part of the waterfall that is longer in one run than in the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LossDifference {
    /// The event.
    pub event: String,
    /// The workload.
    pub workload: String,
    /// What was waited for, as `tolerated`.
    pub cause: &'static str,
    /// Who owns the wait, as `node-monitor-grace-period`; empty if nobody does.
    pub owner: String,
    /// Its value.
    pub value: Pair<Option<String>>,
    /// How much was lost (µs of one replica).
    pub replica_us: Pair<u64>,
}

/// What an event cost a workload, where the parts of it differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LostDifference {
    /// The event.
    pub event: String,
    /// The workload.
    pub workload: String,
    /// How much was lost in all (µs of one replica).
    pub replica_us: Pair<u64>,
}

/// An expectation with another verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExpectationDifference {
    /// Its id.
    pub id: String,
    /// What became of it; none if there is no such expectation.
    pub verdict: Pair<Option<Verdict>>,
    /// What was found.
    pub found: Pair<Option<String>>,
}

/// Compares two runs.
pub fn difference(a: Side<'_>, b: Side<'_>) -> Difference {
    let digest = |side: Side<'_>| side.finished.report.receipt.digest.clone();
    let digest = Pair { a: digest(a), b: digest(b) };
    let is_same_seed = a.finished.config.seed == b.finished.config.seed;
    let (told_a, told_b) = (Tale::of(a.finished), Tale::of(b.finished));
    let losses = losses(a.finished, b.finished);
    Difference {
        schema: SCHEMA,
        is_same: digest.a == digest.b,
        digest,
        scenario: values(a, b),
        first: if is_same_seed { parting(&told_a, &told_b) } else { None },
        milestones: milestones(a.finished, b.finished),
        lost: lost(&losses, a.finished, b.finished),
        losses,
        expectations: expectations(a.finished, b.finished),
        simulated_us: Pair { a: a.finished.report.simulated_us, b: b.finished.report.simulated_us },
    }
}

/// Keys, settings, delays and manifests with other values.
fn values(a: Side<'_>, b: Side<'_>) -> Vec<Value> {
    let (mut of_a, mut of_b) = (named_values(a), named_values(b));
    let names: BTreeSet<String> = of_a.keys().chain(of_b.keys()).cloned().collect();
    let values = names.into_iter().filter_map(|name| {
        let (a, b) = (of_a.remove(&name), of_b.remove(&name));
        (a != b).then_some(Value { name, a, b })
    });
    let values: Vec<Value> = values.collect();
    // A key of the scenario says the same as the setting that it sets.
    let says_same = |key: &Value, other: &Value| {
        key.name.starts_with("control.")
            && other.name.rsplit_once('/').is_some_and(|(_, name)| key.name.ends_with(name))
            || key.name.starts_with("delays.")
                && other.name.strip_prefix("delay ").is_some_and(|name| key.name.starts_with(&format!("delays.{name}")))
    };
    let is_needless = |value: &Value| values.iter().any(|other| says_same(value, other));
    values.iter().filter(|value| !is_needless(value)).cloned().collect()
}

fn named_values(side: Side<'_>) -> BTreeMap<String, String> {
    let Side { loaded, finished } = side;
    let config = &finished.config;
    let mut values = BTreeMap::new();
    flatten("", &loaded.sources.tree(&mut Problems::default()), &mut values);
    // Where the files lie is no difference, nor what they are called.
    values.retain(|name, _| !name.starts_with("manifests") && !name.starts_with("include") && name != "run.seed");
    values.insert("seed".to_string(), config.seed.to_string());
    for &id in SettingId::ALL {
        values.insert(format!("{}/{}", id.row().component, id.row().name), config.settings.show(id));
    }
    for &id in DelayId::ALL {
        values.insert(format!("delay {}", id.row().name), config.delays.get(id).to_string());
    }
    for (name, file) in loaded.manifest_names().into_iter().zip(&loaded.manifests) {
        values.insert(format!("manifest {name}"), crate::report::InputFile::hash_of(file.text.as_bytes()));
    }
    values
}

/// The keys of a table with their values, those of tables within tables as `run.hold`, of lists as `event[crash].at`.
fn flatten(path: &str, table: &toml::de::DeTable<'_>, values: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let key = key.get_ref();
        let path = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
        flatten_value(&path, value.get_ref(), values);
    }
}

fn flatten_value(path: &str, value: &toml::de::DeValue<'_>, values: &mut BTreeMap<String, String>) {
    use toml::de::DeValue;
    match value {
        DeValue::Table(table) => flatten(path, table, values),
        DeValue::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                let item = item.get_ref();
                let name = item.as_table().and_then(|table| {
                    let name = ["id", "name"].iter().find_map(|key| table.get(*key))?;
                    name.get_ref().as_str().map(str::to_string)
                });
                let name = name.unwrap_or_else(|| (index + 1).to_string());
                flatten_value(&format!("{path}[{name}]"), item, values);
            }
        }
        DeValue::String(text) => drop(values.insert(path.to_string(), text.to_string())),
        DeValue::Integer(number) => drop(values.insert(path.to_string(), number.to_string())),
        DeValue::Float(number) => drop(values.insert(path.to_string(), number.to_string())),
        DeValue::Boolean(flag) => drop(values.insert(path.to_string(), flag.to_string())),
        DeValue::Datetime(date) => drop(values.insert(path.to_string(), date.to_string())),
    }
}

/// The first fact that is not the same, in time and content.
fn parting(a: &Tale<'_>, b: &Tale<'_>) -> Option<Parting> {
    let same = a.facts.iter().zip(b.facts).take_while(|(a, b)| (a.at, &a.fact) == (b.at, &b.fact)).count();
    let next = |tale: &Tale<'_>| tale.facts.get(same).map(|_| FactId(same as u32));
    let (next_a, next_b) = (next(a), next(b));
    let at = |tale: &Tale<'_>, id: Option<FactId>| id.map(|id| tale.fact(id).at);
    let at = match (at(a, next_a), at(b, next_b)) {
        (None, None) => return None,
        (Some(a), Some(b)) => a.min(b),
        (Some(one), None) | (None, Some(one)) => one,
    };
    let is_first = |tale: &Tale<'_>, id: Option<FactId>| id.is_some_and(|id| tale.fact(id).at == at);
    let later = match (is_first(a, next_a), is_first(b, next_b)) {
        (true, _) => later("a", a, next_a, b, same),
        (false, _) => later("b", b, next_b, a, same),
    };
    Some(Parting {
        at_us: at.as_micros(),
        facts_before: same,
        next: Pair { a: next_a.map(|id| told(a, id)), b: next_b.map(|id| told(b, id)) },
        same_later: later,
    })
}

fn told(tale: &Tale<'_>, id: FactId) -> Told {
    Told { fact: link(tale, id), because: sentence(tale, id) }
}

/// When the other run comes to what happened first in this one.
fn later(first_in: &'static str, tale: &Tale<'_>, id: Option<FactId>, other: &Tale<'_>, from: usize) -> Option<Later> {
    let fact = tale.fact(id?);
    let (found, _) = other.iter().skip(from).find(|(_, recorded)| is_alike(&fact.fact, &recorded.fact))?;
    let later = other.fact(found).at.saturating_since(fact.at);
    Some(Later { first_in, other: told(other, found), later_us: later.as_micros() })
}

/// Whether the same happened, however long it had taken.
fn is_alike(one: &Fact, other: &Fact) -> bool {
    match (one, other) {
        (
            Fact::ContainersStarted { pod, node, .. },
            Fact::ContainersStarted { pod: other_pod, node: other_node, .. },
        ) => (pod, node) == (other_pod, other_node),
        (
            Fact::Routed { service, node, endpoints, .. },
            Fact::Routed { service: other_service, node: other_node, endpoints: other_endpoints, .. },
        ) => (service, node, endpoints) == (other_service, other_node, other_endpoints),
        _ => one == other,
    }
}

/// Milestones of the same outage and workload that were reached at other times.
fn milestones(a: &Finished, b: &Finished) -> Vec<MilestoneDifference> {
    // Outages in the order in which they happened in either run.
    let mut happened: BTreeMap<&str, u64> = BTreeMap::new();
    for outage in a.report.outages.iter().chain(&b.report.outages) {
        let first = happened.entry(&outage.id).or_insert(outage.happened_us);
        *first = outage.happened_us.min(*first);
    }
    let found = |finished: &Finished| {
        let mut found: BTreeMap<(u64, String, String, usize), Milestone> = BTreeMap::new();
        for outage in &finished.report.outages {
            for workload in &outage.workloads {
                for (index, milestone) in workload.milestones.iter().enumerate() {
                    let key = (happened[outage.id.as_str()], outage.id.clone(), workload.name.clone(), index);
                    found.insert(key, milestone.clone());
                }
            }
        }
        found
    };
    let (mut of_a, mut of_b) = (found(a), found(b));
    let keys: BTreeSet<_> = of_a.keys().chain(of_b.keys()).cloned().collect();
    let differences = keys.into_iter().filter_map(|key| {
        let (a, b) = (of_a.remove(&key), of_b.remove(&key));
        let milestone = a.as_ref().or(b.as_ref())?.name;
        let of = |found: Option<Milestone>| found.map_or((None, None, None), |m| (m.since_us, m.at_us, m.owner));
        let ((since_a, at_a, owner_a), (since_b, at_b, owner_b)) = (of(a), of(b));
        (since_a != since_b).then_some(MilestoneDifference {
            outage: key.1,
            workload: key.2,
            milestone,
            since_us: Pair { a: since_a, b: since_b },
            at_us: Pair { a: at_a, b: at_b },
            owner: Pair { a: owner_a, b: owner_b },
        })
    });
    differences.collect()
}

/// Parts of losses by event, workload, cause and owner.
fn losses(a: &Finished, b: &Finished) -> Vec<LossDifference> {
    let mut found: BTreeMap<(String, String, &'static str, String), LossDifference> = BTreeMap::new();
    let mut add = |finished: &Finished, side: fn(&mut LossDifference) -> (&mut u64, &mut Option<String>)| {
        for loss in &finished.report.losses {
            for part in &loss.parts {
                let owner = part.owner.as_ref().map_or_else(String::new, |owner| owner.short_name().to_string());
                let key = (loss.event.clone(), loss.object.clone(), part.cause, owner.clone());
                let entry = found.entry(key).or_insert_with(|| LossDifference {
                    event: loss.event.clone(),
                    workload: loss.object.clone(),
                    cause: part.cause,
                    owner,
                    value: Pair::default(),
                    replica_us: Pair::default(),
                });
                let (micros, value) = side(entry);
                *micros += part.replica_us;
                *value = part.owner.as_ref().map(|owner| owner.value.clone());
            }
        }
    };
    add(a, |entry| (&mut entry.replica_us.a, &mut entry.value.a));
    add(b, |entry| (&mut entry.replica_us.b, &mut entry.value.b));
    let mut losses: Vec<LossDifference> =
        found.into_values().filter(|loss| loss.replica_us.a != loss.replica_us.b).collect();
    losses.sort_by_key(|loss| std::cmp::Reverse(loss.replica_us.a.abs_diff(loss.replica_us.b)));
    losses
}

/// What the losses with parts that differ add up to, in their order.
fn lost(losses: &[LossDifference], a: &Finished, b: &Finished) -> Vec<LostDifference> {
    let mut lost: Vec<LostDifference> = Vec::new();
    for LossDifference { event, workload, .. } in losses {
        if lost.iter().any(|known| (&known.event, &known.workload) == (event, workload)) {
            continue;
        }
        let of = |finished: &Finished| {
            let own = finished.report.losses.iter().filter(|loss| (&loss.event, &loss.object) == (event, workload));
            own.map(|loss| loss.lost_us).sum()
        };
        lost.push(LostDifference {
            event: event.clone(),
            workload: workload.clone(),
            replica_us: Pair { a: of(a), b: of(b) },
        });
    }
    lost
}

fn expectations(a: &Finished, b: &Finished) -> Vec<ExpectationDifference> {
    let of = |finished: &Finished, id: &str| {
        let judged: Option<&Judged> = finished.report.expectations.iter().find(|judged| judged.id == id);
        let found = judged.and_then(|judged| judged.found.clone().or_else(|| judged.reason.clone()));
        (judged.map(|judged| judged.verdict), found)
    };
    let all = a.report.expectations.iter().chain(&b.report.expectations);
    let mut ids: Vec<&str> = Vec::new();
    for judged in all {
        if !ids.contains(&judged.id.as_str()) {
            ids.push(&judged.id);
        }
    }
    let differences = ids.into_iter().filter_map(|id| {
        let ((verdict_a, found_a), (verdict_b, found_b)) = (of(a, id), of(b, id));
        (verdict_a != verdict_b).then(|| ExpectationDifference {
            id: id.to_string(),
            verdict: Pair { a: verdict_a, b: verdict_b },
            found: Pair { a: found_a, b: found_b },
        })
    });
    differences.collect()
}

/// How much later, or earlier, the second is: `+10s`, `-4m00s`, `0s` if that is too little to be told.
pub(super) fn signed(a: u64, b: u64) -> String {
    match span(Span::from_micros(a.abs_diff(b))) {
        nothing if nothing == "0s" => nothing,
        more if b >= a => format!("+{more}"),
        less => format!("-{less}"),
    }
}

/// A moment of a document, in words.
pub(super) fn moment(at_us: u64) -> String {
    time(Time::from_micros(at_us))
}
