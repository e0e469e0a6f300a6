//! One run in the form in which runs are compared: nothing left that differs by chance alone.
//!
//! Random parts of names go (EndpointSlices stand under their Service, Jobs of a CronJob are counted in their order,
//! ReplicaSets stand under their revision), nodes that one action hits together are told apart by the order of their
//! times only, and of a series remain its end and the extremes of its columns.

use super::milestones::{COUNTS, Change, Rollout, Run, Scalars, Series};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Changes less than this apart are one step (s).
pub const STEP: f64 = 1.0;
/// Differences below this are noise of the recorder's machine (s): so much sooner or later, two changes might have been two
/// steps or one.
pub const NOISE: f64 = 0.5;

/// Smallest and largest value of a column over a run.
pub type Extremes = (f64, f64);

/// Names of nodes that one action hits together, one set for each such group.
pub type Groups = Vec<BTreeSet<String>>;

/// What of a run is compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Rule 1: times by name.
    pub times: Scalars,
    /// Rule 2: counts by name; those that are not there are zero.
    pub counts: Scalars,
    /// Rule 3: the last row of each series, in words.
    pub ends: BTreeMap<String, String>,
    /// Rule 3: extremes of each column of each series.
    pub extremes: BTreeMap<String, Extremes>,
    /// Rule 4: the steps of each object's conditions and taints.
    pub sequences: BTreeMap<String, Vec<String>>,
    /// The same with the limit between one step and two moved by [`NOISE`] down and up.
    pub blurred: BTreeMap<String, [Vec<String>; 2]>,
    /// What the simulated API server refused, and which actions found nothing to do; the recorder's had no such trouble.
    pub trouble: Vec<String>,
}

impl Summary {
    fn keep_sequence(&mut self, object: String, changes: &[Change]) {
        let blurred = [STEP - NOISE, STEP + NOISE].map(|limit| steps(changes, limit));
        self.blurred.insert(object.clone(), blurred);
        self.sequences.insert(object, steps(changes, STEP));
    }

    /// Of a run's tables and these scalars, which are its own or were taken from the tables. Only series and conditions of
    /// `kinds` count, which are those that were recorded, and rollouts if ReplicaSets are among them.
    pub fn of(run: &Run, scalars: &Scalars, groups: &Groups, kinds: &BTreeSet<String>) -> Summary {
        let mut summary = Summary::default();
        let (counts, times) = scalars.iter().partition::<Vec<_>, _>(|(name, _)| COUNTS.contains(&name.as_str()));
        let owned = |(name, value): (&String, &f64)| (name.clone(), *value);
        summary.counts = counts.into_iter().map(owned).collect();
        summary.times = named_by_order(times.into_iter().map(owned).collect(), groups);
        for (kind, objects) in run.series.iter().filter(|(kind, _)| kinds.contains(*kind)) {
            for (name, series) in in_order(by_service(kind, objects)) {
                summary.take_series(&format!("{kind} {name}"), &series);
            }
        }
        let rollouts = run.rollout.iter().filter(|_| kinds.contains("ReplicaSet"));
        for (owner, rows) in rollouts {
            summary.take_rollout(owner, rows);
        }
        let is_meant = |(object, _): &(&String, &Vec<Change>)| {
            object.split_once('/').is_some_and(|(kind, _)| kinds.contains(kind))
        };
        let conditions = run.conditions.iter().filter(is_meant).map(|(object, changes)| (object.clone(), changes));
        for (object, changes) in in_order(conditions.collect()) {
            summary.keep_sequence(object, changes);
        }
        for (node, changes) in &run.nodes {
            summary.keep_sequence(format!("Node/{node}"), changes);
        }
        summary
    }

    fn take_series(&mut self, object: &str, series: &Series) {
        let columns = series.fields.get(1..).unwrap_or_default();
        let is_end = |row: &&Vec<Value>| row.len() == 2 && row[1] == "deleted" && columns.len() != 1;
        let words = |row: &Vec<Value>| {
            let cells = columns.iter().zip(&row[1..]).map(|(column, cell)| format!("{column} {}", plain(cell)));
            cells.collect::<Vec<_>>().join(", ")
        };
        if let Some(last) = series.rows.last() {
            let end = if is_end(&last) { "deleted".to_string() } else { words(last) };
            self.ends.insert(object.to_string(), end);
        }
        for row in series.rows.iter().filter(|row| !is_end(row)) {
            for (column, cell) in columns.iter().zip(&row[1..]) {
                if let Some(value) = cell.as_f64() {
                    self.widen(format!("{object} {column}"), value);
                }
            }
        }
    }

    fn take_rollout(&mut self, owner: &str, rows: &[Rollout]) {
        const COLUMNS: [&str; 4] = ["wanted", "there", "ready", "available"];
        let object =
            if owner == "null" { "ReplicaSets of none".to_string() } else { format!("ReplicaSets of {owner}") };
        for (index, (_, sets)) in rows.iter().enumerate() {
            let sets = by_revision(sets);
            for (revision, numbers) in &sets {
                for (column, number) in COLUMNS.iter().zip(numbers) {
                    self.widen(format!("{object} revision {revision} {column}"), *number as f64);
                }
            }
            if index + 1 == rows.len() {
                let words = sets.iter().map(|(revision, numbers)| format!("revision {revision}: {numbers:?}"));
                let words: Vec<String> = words.collect();
                let end = if words.is_empty() { "none left".to_string() } else { words.join(", ") };
                self.ends.insert(object.clone(), end);
            }
        }
    }

    fn widen(&mut self, column: String, value: f64) {
        let (low, high) = self.extremes.entry(column).or_insert((value, value));
        *low = low.min(value);
        *high = high.max(value);
    }
}

fn plain(cell: &Value) -> String {
    match cell {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `{"2:8cc974d5d": …}` by revision; a second one of a revision, which only those without an owner have, is `2'`.
fn by_revision(sets: &BTreeMap<String, Vec<i64>>) -> BTreeMap<String, Vec<i64>> {
    let mut rows: Vec<(&str, &Vec<i64>)> =
        sets.iter().map(|(key, numbers)| (key.split(':').next().unwrap_or(key), numbers)).collect();
    rows.sort();
    let mut named: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (revision, numbers) in rows {
        let mut name = revision.to_string();
        while named.contains_key(&name) {
            name.push('\'');
        }
        named.insert(name, numbers.clone());
    }
    named
}

/// EndpointSlices under the name of their Service, which theirs begins with; several of one Service are added up.
fn by_service(kind: &str, objects: &BTreeMap<String, Series>) -> BTreeMap<String, Series> {
    if kind != "EndpointSlice" {
        return objects.clone();
    }
    let mut services: BTreeMap<String, Vec<&Series>> = BTreeMap::new();
    for (name, series) in objects {
        let service = name.rsplit_once('-').map_or(name.as_str(), |(service, _)| service);
        services.entry(service.to_string()).or_default().push(series);
    }
    services.into_iter().map(|(service, slices)| (service, sum(&slices))).collect()
}

fn sum(slices: &[&Series]) -> Series {
    if let [one] = slices {
        return Series::clone(one);
    }
    let mut rows: Vec<(usize, &Vec<Value>)> =
        slices.iter().enumerate().flat_map(|(index, series)| series.rows.iter().map(move |row| (index, row))).collect();
    let at = |row: &Vec<Value>| row.first().and_then(Value::as_f64).unwrap_or(0.0);
    rows.sort_by(|(_, a), (_, b)| at(a).total_cmp(&at(b)));
    let fields = slices[0].fields.clone();
    let mut now: BTreeMap<usize, &[Value]> = BTreeMap::new();
    let summed = rows.into_iter().map(|(index, row)| {
        now.insert(index, if row.len() == fields.len() { &row[1..] } else { &[] });
        let cell = |column: usize| -> f64 {
            now.values().filter_map(|cells| cells.get(column - 1).and_then(Value::as_f64)).sum()
        };
        let cells = (1..fields.len()).map(|column| Value::from(cell(column) as i64));
        std::iter::once(Value::from(at(row))).chain(cells).collect()
    });
    Series { rows: summed.collect(), fields: fields.clone() }
}

/// Objects whose names end in a CronJob's minute are named by their order.
fn in_order<T>(objects: BTreeMap<String, T>) -> BTreeMap<String, T> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let named = objects.into_iter().map(|(name, value)| match minute(&name) {
        None => (name, value),
        Some(stem) => {
            let count = counts.entry(stem.to_string()).or_default();
            *count += 1;
            (format!("{stem}#{count}"), value)
        }
    });
    named.collect()
}

/// What stands before the minute, if the name ends in one: a CronJob's Jobs are named NAME-MINUTES since 1970.
fn minute(name: &str) -> Option<&str> {
    let (stem, minute) = name.rsplit_once('-')?;
    (minute.len() == 8 && minute.bytes().all(|byte| byte.is_ascii_digit())).then_some(stem)
}

/// Times of grouped nodes and of a CronJob's Jobs by order: `ready_Unknown.n3` of a group becomes `ready_Unknown#1`.
fn named_by_order(times: Scalars, groups: &Groups) -> Scalars {
    let mut named = Scalars::new();
    let mut together: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (name, value) in times {
        let (prefix, node) = name.rsplit_once('.').unwrap_or((&name, ""));
        let group = groups.iter().position(|group| group.contains(node));
        match (group, minute(prefix)) {
            (Some(0), _) => together.entry(prefix.to_string()).or_default().push(value),
            (Some(group), _) => together.entry(format!("{prefix}[group {}]", group + 1)).or_default().push(value),
            (None, Some(stem)) => together.entry(format!("{stem}.{node}")).or_default().push(value),
            (None, None) => drop(named.insert(name, value)),
        }
    }
    for (prefix, mut values) in together {
        values.sort_by(f64::total_cmp);
        named.extend(values.into_iter().enumerate().map(|(index, value)| (format!("{prefix}#{}", index + 1), value)));
    }
    named
}

/// What a change is about: the condition's type, the taint, whether a node is cordoned.
fn topic(what: &str) -> &str {
    match what {
        "cordoned" | "uncordoned" => "cordoned",
        _ => what.split_once('=').map_or(what, |(kind, _)| kind).trim_start_matches(['+', '-']),
    }
}

/// The steps of an object, without their times. A change less than a second after the one before it belongs to the same
/// step; of each topic the last state of the step counts. With another `limit` than [`STEP`]: than that long.
pub fn steps(changes: &[Change], limit: f64) -> Vec<String> {
    let mut steps: Vec<BTreeMap<&str, &str>> = Vec::new();
    let mut last = f64::NEG_INFINITY;
    for change in changes.iter().filter(|change| change.at >= 0.0) {
        if change.at - last >= limit {
            steps.push(BTreeMap::new());
        }
        last = change.at;
        if let Some(step) = steps.last_mut() {
            step.extend(change.what.iter().map(|what| (topic(what), what.as_str())));
        }
    }
    steps.into_iter().map(|step| step.into_values().collect::<Vec<_>>().join(" ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(at: f64, what: &[&str]) -> Change {
        Change { at, what: what.iter().map(|word| word.to_string()).collect() }
    }

    #[test]
    fn changes_less_than_a_second_apart_are_one_step_with_the_last_state_of_each_topic() {
        let changes = [
            change(-1.0, &["Ready=True"]),
            change(10.0, &["Ready=Unknown", "+unreachable:NoSchedule"]),
            change(10.9, &["+unreachable:NoExecute"]),
            change(11.8, &["Ready=True", "-unreachable:NoSchedule"]),
            change(12.8, &["-unreachable:NoExecute"]),
        ];
        let first = "Ready=True +unreachable:NoExecute -unreachable:NoSchedule";
        assert_eq!(steps(&changes, STEP), [first, "-unreachable:NoExecute"]);
        let merged = "Ready=True -unreachable:NoExecute -unreachable:NoSchedule";
        assert_eq!(steps(&changes, STEP + NOISE), [merged]);
    }

    #[test]
    fn grouped_nodes_are_told_apart_by_order_only() {
        let times = [("a.n0", 7.0), ("a.n1", 5.0), ("a.n2", 6.0), ("b.n0", 1.0), ("Job/tick-29922162.Complete", 3.0)];
        let times = times.map(|(name, value)| (name.to_string(), value)).into();
        let groups = vec![["n0", "n1"].map(str::to_string).into()];
        let named = named_by_order(times, &groups);
        let expected = [("a#1", 5.0), ("a#2", 7.0), ("a.n2", 6.0), ("b#1", 1.0), ("Job/tick.Complete#1", 3.0)];
        assert_eq!(named, expected.map(|(name, value)| (name.to_string(), value)).into());
    }

    #[test]
    fn revisions_lose_their_hashes_and_slices_their_names() {
        let run: Run = serde_json::from_str(
            r#"{"rollout": {"web": [[0.1, {"1:a": [2, 0, 0, 0]}], [5, {"1:a": [0, 0, 0, 0], "2:b": [2, 2, 2, 2]}]],
                            "null": [[1, {"1:a": [3, 3, 3, 3], "1:b": [2, 2, 2, 2]}]]},
                "EndpointSlice": {"web-x1": {"fields": ["t", "ready"], "rows": [[0, 0], [3, 2]]},
                                  "web-x2": {"fields": ["t", "ready"], "rows": [[1, 3], [4, 1]]}},
                "Deployment": {"web": {"fields": ["t", "spec", "ready"], "rows": [[0, 2, 0], [9, "deleted"]]}},
                "Job": {"work": {"fields": ["t", "active", "ready"], "rows": [[0, 2, 0]]}}}"#,
        )
        .unwrap();
        let kinds = ["EndpointSlice", "Deployment", "ReplicaSet"].map(str::to_string).into();
        let summary = Summary::of(&run, &Scalars::new(), &Vec::new(), &kinds);
        let ends: Vec<_> = summary.ends.iter().map(|(object, end)| format!("{object}: {end}")).collect();
        assert_eq!(
            ends,
            [
                "Deployment web: deleted",
                "EndpointSlice web: ready 3",
                "ReplicaSets of none: revision 1: [2, 2, 2, 2], revision 1': [3, 3, 3, 3]",
                "ReplicaSets of web: revision 1: [0, 0, 0, 0], revision 2: [2, 2, 2, 2]",
            ]
        );
        assert_eq!(summary.extremes["EndpointSlice web ready"], (0.0, 5.0));
        assert_eq!(summary.extremes["Deployment web spec"], (2.0, 2.0));
        assert_eq!(summary.extremes["ReplicaSets of web revision 1 wanted"], (0.0, 2.0));
    }
}
