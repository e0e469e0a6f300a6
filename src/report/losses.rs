//! What events cost over several runs: the spread of every part of the recovery waterfall.

use super::Report;
use super::spread::{Spread, event_or_process};
use super::waterfall::{LossReport, PartReport, order};
use serde::Serialize;
use std::collections::BTreeMap;

/// What one event, or all strikes of one kind of random failure, cost one workload, over all runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LossSpread {
    /// Id of the event, of the `[[failure]]` whose strikes are added up in each run, or `start` or `itself`.
    pub event: String,
    /// The workload.
    pub object: String,
    /// In how many runs it cost something; the others are left out of what follows.
    pub n: usize,
    /// What was really lost in a run (replica-microseconds).
    pub lost_us: Spread,
    /// What the loss consists of. A part that a run does not have is zero there.
    pub parts: Vec<PartSpread>,
}

/// One part of a loss, over the runs that have the loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartSpread {
    /// What was waited for, as `tolerated`.
    pub cause: &'static str,
    /// Name of who owns the wait; none if nobody does.
    pub owner: Option<String>,
    /// Who owns it, with the value, as on the screen.
    #[serde(skip)]
    pub label: String,
    /// How much (replica-microseconds).
    pub replica_us: Spread,
}

/// What one run says of one event and workload.
type Said<'a> = (&'a Report, &'a LossReport);

/// What became of every event in these runs, in the order in which they are first met with.
pub fn losses(reports: &[Report]) -> Vec<LossSpread> {
    let mut keys: Vec<(&str, &str)> = Vec::new();
    let mut by_key: BTreeMap<(&str, &str), Vec<Vec<Said<'_>>>> = BTreeMap::new();
    for (run, report) in reports.iter().enumerate() {
        for loss in report.losses.iter().filter(|loss| loss.lost_us > 0) {
            let key = (event_or_process(report, &loss.event), loss.object.as_str());
            let of_runs = by_key.entry(key).or_insert_with(|| {
                keys.push(key);
                vec![Vec::new(); reports.len()]
            });
            of_runs[run].push((report, loss));
        }
    }
    keys.into_iter().map(|key| spread(key, &by_key[&key])).collect()
}

/// Who owns a part, and how that is shown: of the strikes of one kind of random failure, the kind.
fn owner(report: &Report, part: &PartReport) -> (Option<String>, String) {
    let Some(owner) = &part.owner else { return (None, String::new()) };
    match owner.name.strip_prefix("event/") {
        Some(event) => {
            let event = event_or_process(report, event);
            (Some(format!("event/{event}")), format!("{event} {}", owner.value))
        }
        None => (Some(owner.name.clone()), owner.label()),
    }
}

fn spread((event, object): (&str, &str), of_runs: &[Vec<Said<'_>>]) -> LossSpread {
    let sum = |of: &dyn Fn(&Report, &LossReport) -> u64| {
        let of_run = |said: &Vec<Said<'_>>| {
            (!said.is_empty()).then(|| said.iter().map(|(report, loss)| of(report, loss)).sum::<u64>() as i64)
        };
        Spread::of(of_runs.iter().map(of_run).collect())
    };
    let mut owners: Vec<(&'static str, Option<String>, String)> = Vec::new();
    for (report, loss) in of_runs.iter().flatten() {
        for part in &loss.parts {
            let (owner, label) = owner(report, part);
            if !owners.iter().any(|(cause, of, _)| *cause == part.cause && *of == owner) {
                owners.push((part.cause, owner, label));
            }
        }
    }
    let part = |(cause, of, label): (&'static str, Option<String>, String)| {
        let replica_us = sum(&|report, loss| {
            let is_it = |part: &&PartReport| part.cause == cause && owner(report, part).0 == of;
            loss.parts.iter().filter(is_it).map(|part| part.replica_us).sum()
        });
        PartSpread { cause, owner: of, label, replica_us }
    };
    let mut parts: Vec<PartSpread> = owners.into_iter().map(part).collect();
    parts.sort_by_key(|part| order(part.cause));
    LossSpread {
        event: event.to_string(),
        object: object.to_string(),
        n: of_runs.iter().filter(|said| !said.is_empty()).count(),
        lost_us: sum(&|_, loss| loss.lost_us),
        parts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::simulate;
    use crate::scenario;

    const TEXT: &str = "schema = \"evenkeel/v1\"\ntitle = \"x\"\n[run]\nseed = 1\nuntil = \"12h\"\nstart = \"settled\"\n\
        [[cluster.pool]]\nname = \"n\"\ncount = 3\ncapacity = { cpu = \"4\", memory = \"8Gi\" }\n\
        [[workload]]\nname = \"web\"\nreplicas = 3\nrequests = { cpu = \"1\" }\n\
        [[event]]\nid = \"one-1\"\nat = \"1m\"\ndo = \"node.crash\"\ntarget = { node = \"n-1\" }\nfor = \"2m\"\n\
        [[failure]]\nid = \"kernel\"\nmodel = \"kernel-crash\"\n\
        every = { dist = \"exponential\", mean = \"2h\" }\n";

    #[test]
    fn strikes_of_one_kind_are_added_up_and_parts_stay_the_whole() {
        let files = |path: &str| if path == "x.toml" { Ok(TEXT.to_string()) } else { Err("no such file".to_string()) };
        let loaded = scenario::load("x.toml", &files).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
        let reports: Vec<Report> = (1..=5).map(|seed| simulate(&loaded, Some(seed)).report).collect();
        let spread = losses(&reports);
        let events: Vec<&str> = spread.iter().map(|loss| loss.event.as_str()).collect();
        assert!(events.contains(&"one-1") && events.contains(&"kernel"), "{events:?}");
        assert!(!events.iter().any(|event| event.starts_with("kernel-")), "{events:?}");
        for loss in &spread {
            for (run, lost) in loss.lost_us.values.iter().enumerate() {
                let parts: i64 = loss.parts.iter().filter_map(|part| part.replica_us.values[run]).sum();
                assert_eq!(parts, lost.unwrap_or(0), "{} of seed {}", loss.event, run + 1);
            }
        }
        let all: u64 = reports.iter().flat_map(|report| &report.losses).map(|loss| loss.lost_us).sum();
        let told: i64 = spread.iter().flat_map(|loss| loss.lost_us.values.iter().flatten()).sum();
        assert_eq!(told as u64, all);
    }
}
