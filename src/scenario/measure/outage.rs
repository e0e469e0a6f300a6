//! Measures of what events did to nodes, and of how what was lost came back.

use super::{Evidence, Question, moment, rounded, workload};
use crate::object::Name;
use crate::record::outage::{MILESTONES, Outage, Row};
use crate::record::workloads::is_called;

/// The outage that the question is about.
pub fn outage<'a>(evidence: Evidence<'a>, question: Question<'_>) -> Result<&'a Outage, String> {
    let outages = &evidence.recorder.outages.all;
    let found = match question.since {
        Some(since) => outages.iter().find(|outage| outage.id == since),
        None => outages.first(),
    };
    match (found, question.since) {
        (Some(outage), _) => Ok(outage),
        (None, Some(since)) => Err(match moment(evidence, question) {
            Ok(_) => format!("`{since}` hit no node"),
            Err(why) => why,
        }),
        (None, None) => Err("no node was hit by anything".to_string()),
    }
}

/// What that outage did to the workload that the question is about.
fn row<'a>(outage: &'a Outage, question: Question<'_>) -> Result<&'a Row, String> {
    let of = question.of.unwrap_or_default();
    outage
        .rows
        .iter()
        .find(|row| is_called(&row.workload, of))
        .ok_or_else(|| format!("no pod of {of} was on {}", on_nodes(&outage.nodes)))
}

/// `node worker-1`, `the 3 nodes hit`.
fn on_nodes(nodes: &[Name]) -> String {
    match nodes {
        [node] => format!("node {node}"),
        nodes => format!("the {} nodes hit", nodes.len()),
    }
}

/// From an outage until one of [`MILESTONES`].
pub fn milestone(evidence: Evidence<'_>, question: Question<'_>, milestone: &str) -> Result<i64, String> {
    let outage = outage(evidence, question)?;
    let at = match milestone {
        "noticed" => outage.noticed(),
        "tainted" => outage.tainted(),
        _ => {
            let row = row(outage, question)?;
            let times = outage.milestones(row, &evidence.recorder.workloads, evidence.hold, evidence.end);
            let index = MILESTONES.iter().position(|name| *name == milestone).expect("a milestone of the list");
            times[index]
        }
    };
    let missing = || format!("not {milestone} by the end of the run at {}", rounded(evidence.end));
    at.map(|at| at.since(outage.at).as_micros() as i64).ok_or_else(missing)
}

/// Of an outage from when it was noticed, as the API calls lost pods ready until then; of another event from its moment.
pub fn time_to_full_capacity(evidence: Evidence<'_>, question: Question<'_>) -> Result<i64, String> {
    let is_outage = |since: &str| evidence.recorder.outages.all.iter().any(|outage| outage.id == since);
    if question.since.is_none_or(is_outage) && !evidence.recorder.outages.all.is_empty() {
        return milestone(evidence, question, "converged");
    }
    let (workload, from) = (workload(evidence, question)?, moment(evidence, question)?);
    let back = workload.converged.first_stay(1, from, evidence.hold, evidence.end);
    let missing = || format!("not converged by the end of the run at {}", rounded(evidence.end));
    back.map(|back| back.since(from).as_micros() as i64).ok_or_else(missing)
}

/// Counted from the steps of live pods, so that it also shows when there were more than lost ones.
pub fn replacements(evidence: Evidence<'_>, question: Question<'_>) -> Result<i64, String> {
    let (from, workload) = (moment(evidence, question)?, workload(evidence, question)?);
    let mut last = workload.live.at(from);
    let mut created = 0;
    for (_, live) in workload.live.iter().filter(|&(at, _)| at > from) {
        created += (live - last).max(0);
        last = live;
    }
    // A creation and a deletion at the same microsecond leave no step: the outage's own count is the least.
    let outage = evidence.recorder.outages.all.iter().find(|outage| question.since.is_none_or(|id| outage.id == id));
    let row = outage.and_then(|outage| row(outage, question).ok());
    Ok(created.max(row.map_or(0, |row| row.replacements().count() as i64)))
}
