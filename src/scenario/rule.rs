//! What may be demanded of a run as a whole. To add a rule: a function here and a row in [`RULES`].

use super::measure::{Evidence, Question, beginning, outage, rounded};
use crate::kernel::time::Time;
use crate::object::{Fact, Key};
use crate::record::outage::Row;
use crate::record::timeline::Steps;
use crate::record::workloads::{Workload, WorkloadId, is_called, workload_name};

/// One row of the registry.
#[derive(Debug)]
pub struct Rule {
    /// Name in scenarios.
    pub name: &'static str,
    /// What it demands.
    pub what: &'static str,
    /// Whether it is about a workload, so that `of` must say which; else about all if it says none.
    pub needs_workload: bool,
    /// What was seen, if it holds, or what is wrong.
    pub judge: fn(Evidence<'_>, Question<'_>) -> Result<String, String>,
}

/// All rules.
pub const RULES: &[Rule] = &[
    Rule {
        name: "converged",
        what: "At the end everything is as wanted, of `of` or of all workloads, and has been so for the hold span.",
        needs_workload: false,
        judge: converged,
    },
    Rule {
        name: "replacements-on-healthy-nodes",
        what: "Every lost pod was replaced, and every replacement was placed on a node that the event had not hit.",
        needs_workload: false,
        judge: replacements_on_healthy_nodes,
    },
    Rule {
        name: "no-pod-lost",
        what: "No pod, of `of` or of any workload, was deleted or failed since the event, or at all.",
        needs_workload: false,
        judge: |e, q| none_of(e, q, "lost", |workload| &workload.lost),
    },
    Rule {
        name: "no-eviction",
        what: "No pod, of `of` or of any workload, had to go because of a taint, a drain, a full disk or a deleted node \
               since the event, or at all.",
        needs_workload: false,
        judge: |e, q| none_of(e, q, "evicted", |workload| &workload.evicted),
    },
    Rule {
        name: "rollout-complete",
        what: "At the end `kubectl rollout status` would report success: all pods of the Deployment are of its newest \
               template and available.",
        needs_workload: true,
        judge: rollout_complete,
    },
    Rule {
        name: "rollout-stuck",
        what: "The Deployment said at some time since the event, or at all, that its rollout does not get on \
               (ProgressDeadlineExceeded).",
        needs_workload: true,
        judge: rollout_stuck,
    },
];

/// The rule of this name.
pub fn find(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// Workloads that are not as wanted at the end of the run, each with what is missing.
pub fn behind(evidence: Evidence<'_>) -> Vec<String> {
    let named = evidence.recorder.workloads.iter().map(|(id, workload)| (workload_name(id), workload));
    let missing = named.filter_map(|(name, workload)| Some((what_is_missing(&name, workload)?, name)));
    let explained = missing.map(|(missing, name)| match why_unplaced(evidence, Some(&name)) {
        Some(why) => format!("{missing} ({why})"),
        None => missing,
    });
    explained.collect()
}

/// Why the scheduler found no node for a pod that still has none, of this workload or of any: what it said last.
pub fn why_unplaced(evidence: Evidence<'_>, workload: Option<&str>) -> Option<String> {
    let recorder = evidence.recorder;
    let is_asked = |pod: &Key| {
        recorder.workloads.pod(pod).filter(|record| record.node.is_empty()).is_some_and(|record| {
            workload.is_none_or(|asked| record.workload.as_ref().is_some_and(|of| workload_name(of) == asked))
        })
    };
    recorder.facts.iter().rev().find_map(|recorded| match &recorded.fact {
        Fact::Unschedulable { pod, message } if is_asked(pod) => Some(message.to_string()),
        _ => None,
    })
}

/// What a workload that is not as wanted lacks.
pub fn what_is_missing(name: &str, workload: &Workload) -> Option<String> {
    if workload.converged.value() == 1 {
        return None;
    }
    let (desired, ready, serving) = (workload.desired.value(), workload.ready.value(), workload.serving.value());
    Some(if ready != desired {
        format!("{name} has {ready} of {desired} ready")
    } else if serving < desired {
        format!("{name} has {serving} of {desired} serving, though the API says {ready} are ready")
    } else {
        let actual = workload.actual.value();
        format!("{name} has {actual} of {desired} that are ready, really serve and are of its current template")
    })
}

fn converged(evidence: Evidence<'_>, question: Question<'_>) -> Result<String, String> {
    let Evidence { recorder, hold, end } = evidence;
    if recorder.workloads.iter().next().is_none() {
        return Err("there was no workload".to_string());
    }
    let since = match question.of {
        None => recorder.converged_since(),
        Some(of) => {
            let (_, workload) = recorder.workloads.find(of).ok_or_else(|| format!("there was no {of}"))?;
            workload.converged.iter().last().filter(|&(_, value)| value == 1).map(|(at, _)| at)
        }
    };
    match since {
        Some(since) if end.since(since) >= hold => Ok(format!("since {}", rounded(since))),
        Some(since) => Err(format!("as wanted only since {}, for less than {hold}", rounded(since))),
        None => Err(behind(evidence).join("; ")),
    }
}

fn replacements_on_healthy_nodes(evidence: Evidence<'_>, question: Question<'_>) -> Result<String, String> {
    let outage = outage(evidence, question)?;
    let is_asked = |row: &&Row| question.of.is_none_or(|of| is_called(&row.workload, of));
    let rows: Vec<&Row> = outage.rows.iter().filter(is_asked).collect();
    if rows.is_empty() {
        return Err("no pod was lost".to_string());
    }
    let mut seen = Vec::new();
    for row in rows {
        let name = workload_name(&row.workload);
        let (placed, lost) = (row.placed_on().count(), row.places.len());
        if placed < lost {
            return Err(format!("{placed} of {lost} lost pods of {name} were placed anew"));
        }
        if let Some(node) = row.placed_on().find(|node| outage.nodes.contains(node)) {
            return Err(format!("a replacement of {name} was placed on {node}, which was hit"));
        }
        seen.extend(row.placed_on().map(ToString::to_string));
    }
    Ok(format!("on {}", seen.join(", ")))
}

/// That a number which only grows has not grown.
fn none_of(
    evidence: Evidence<'_>,
    question: Question<'_>,
    what: &str,
    steps: fn(&Workload) -> &Steps,
) -> Result<String, String> {
    let from = beginning(evidence, question)?;
    let is_asked = |id: &WorkloadId| question.of.is_none_or(|of| is_called(id, of));
    let asked: Vec<_> = evidence.recorder.workloads.iter().filter(|(id, _)| is_asked(id)).collect();
    if asked.is_empty() {
        return Err(question.of.map_or("there was no workload".to_string(), |of| format!("there was no {of}")));
    }
    let mut seen = 0;
    for (id, workload) in asked {
        let steps = steps(workload);
        let known = if question.since.is_some() { steps.before(from) } else { 0 };
        let grown = steps.value() - known;
        if grown > 0 {
            let first = steps.iter().find(|&(_, value)| value > known).map_or(Time::ZERO, |(at, _)| at);
            let pods = if grown == 1 { "1 pod".to_string() } else { format!("{grown} pods") };
            return Err(format!("{pods} of {} {what}, the first at {}", workload_name(id), rounded(first)));
        }
        seen += workload.live.value();
    }
    Ok(format!("none {what}, {seen} there at the end"))
}

/// The Deployment that the question is about.
fn deployment<'a>(evidence: Evidence<'a>, question: Question<'_>) -> Result<&'a Workload, String> {
    let of = question.of.unwrap_or_default();
    let (_, workload) = evidence.recorder.workloads.find(of).ok_or_else(|| format!("there was no {of}"))?;
    match workload.rollout.generation.iter().next() {
        Some(_) => Ok(workload),
        None => Err(format!("{of} is no Deployment: only those have rollouts")),
    }
}

fn rollout_complete(evidence: Evidence<'_>, question: Question<'_>) -> Result<String, String> {
    let steps = &deployment(evidence, question)?.rollout.is_complete;
    match steps.iter().last() {
        Some((at, 1)) => Ok(format!("since {}", rounded(at))),
        _ => Err(format!("not complete by the end of the run at {}", rounded(evidence.end))),
    }
}

fn rollout_stuck(evidence: Evidence<'_>, question: Question<'_>) -> Result<String, String> {
    let (workload, from) = (deployment(evidence, question)?, beginning(evidence, question)?);
    let steps = &workload.rollout.is_stuck;
    let stuck = if steps.at(from) == 1 { Some(from) } else { steps.first_after(from, |value| value == 1) };
    let Some(stuck) = stuck else { return Err("its condition Progressing never said ProgressDeadlineExceeded".into()) };
    Ok(match steps.first_after(stuck, |value| value == 0) {
        Some(free) => format!("from {} to {}", rounded(stuck), rounded(free)),
        None => format!("since {}", rounded(stuck)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::time::{Span, Time};
    use crate::record::Recorder;

    #[test]
    fn an_empty_run_keeps_no_rule() {
        let recorder = Recorder::default();
        let evidence = Evidence { recorder: &recorder, hold: Span::ZERO, end: Time::ZERO };
        for rule in RULES {
            assert!((rule.judge)(evidence, Question { of: None, since: None, before: None }).is_err(), "{}", rule.name);
        }
    }

    #[test]
    fn nothing_lost_is_not_a_pass() {
        let mut recorder = Recorder::default();
        recorder.outage(Time::ZERO, "crash".into(), &["n1".into()]);
        let evidence = Evidence { recorder: &recorder, hold: Span::ZERO, end: Time::ZERO };
        let judged = (find("replacements-on-healthy-nodes").unwrap().judge)(
            evidence,
            Question { of: None, since: None, before: None },
        );
        assert_eq!(judged, Err("no pod was lost".to_string()));
    }
}
