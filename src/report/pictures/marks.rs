//! What gets a flag: faults while they last, what people did, and what came of it.

use crate::kernel::time::Time;
use crate::object::{Fact, Name};
use crate::plot::{Mark, MarkKind};
use crate::record::Recorder;
use crate::report::{OutageReport, Report};
use std::collections::BTreeMap;

/// Milestones that get a flag, and what it says. The others follow within moments of one of these.
const FLAGS: [(&str, &str); 3] =
    [("noticed", "the API notices"), ("evicted", "evicted, replaced"), ("converged", "as wanted again")];

/// Nodes that a label names; of more it says how many.
const NODES_NAMED: usize = 2;

/// Characters of an action that a flag shows as they are.
const ACTION_LONGEST: usize = 40;

/// Faults and actions of a run that ended at `end`.
pub fn marks(recorder: &Recorder, end: Time) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    // Where the mark of an event is, to end it, and not to make another.
    let mut known: BTreeMap<&Name, usize> = BTreeMap::new();
    for recorded in &recorder.facts {
        match &recorded.fact {
            Fact::FaultBegan { fault, what } => {
                known.insert(fault, marks.len());
                marks.push(Mark { at: recorded.at, until: Some(end), label: fault_label(what), kind: MarkKind::Fault });
            }
            Fact::FaultEnded { fault } => {
                let begun = known.get(fault).map(|&index| &mut marks[index]);
                begun.into_iter().for_each(|mark| mark.until = Some(recorded.at));
            }
            // What follows of an action under way is told by what comes of it.
            Fact::Acted { event, what } if !known.contains_key(event) => {
                known.insert(event, marks.len());
                let label = action_label(what);
                marks.push(Mark { at: recorded.at, until: None, label, kind: MarkKind::Action });
            }
            _ => {}
        }
    }
    marks
}

/// `drain node-2`, or of a long one, as a patch, only what is done to what: `patch deployment/web`.
fn action_label(what: &str) -> String {
    if what.chars().count() <= ACTION_LONGEST {
        return what.to_string();
    }
    what.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// `node.crash worker-2`, or `power.loss, 18 nodes`.
fn fault_label(what: &str) -> String {
    let nodes = what.split(' ').count() - 1;
    match what.split_once(' ') {
        Some((name, _)) if nodes > NODES_NAMED => format!("{name}, {nodes} nodes"),
        _ => what.to_string(),
    }
}

/// Milestones of the outages.
pub fn milestones(report: &Report) -> Vec<Mark> {
    report.outages.iter().flat_map(of_outage).collect()
}

fn of_outage(outage: &OutageReport) -> impl Iterator<Item = Mark> {
    FLAGS.into_iter().filter_map(|(name, label)| {
        let times = outage.workloads.iter().flat_map(|workload| &workload.milestones);
        let latest = times.filter(|milestone| milestone.name == name).filter_map(|milestone| milestone.at_us).max();
        let at = latest.map(Time::from_micros)?;
        Some(Mark { at, until: None, label: label.to_string(), kind: MarkKind::Milestone })
    })
}
