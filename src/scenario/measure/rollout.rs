//! Measures of rollouts.

use super::{Evidence, Question, moment, rounded, workload};
use crate::kernel::time::Time;
use crate::record::workloads::Workload;

/// The workload, when the event happened, and when the spec changed first since then.
fn rollout<'a>(evidence: Evidence<'a>, question: Question<'_>) -> Result<(&'a Workload, Time, Time), String> {
    let (workload, from) = (workload(evidence, question)?, moment(evidence, question)?);
    let of = question.of.unwrap_or_default();
    if workload.rollout.generation.iter().next().is_none() {
        return Err(format!("{of} is no Deployment: only those have rollouts"));
    }
    let changed = workload.rollout.generation.first_after(from, |_| true);
    changed.map(|changed| (workload, from, changed)).ok_or_else(|| format!("the spec of {of} was not changed"))
}

/// Until it is complete. Until its controller has seen a changed spec it is not.
pub fn time_to_rollout(evidence: Evidence<'_>, question: Question<'_>) -> Result<i64, String> {
    let (workload, from, changed) = rollout(evidence, question)?;
    let done = workload.rollout.is_complete.first_after(changed, |value| value == 1);
    let missing = || format!("not rolled out by the end of the run at {}", rounded(evidence.end));
    done.map(|done| done.since(from).as_micros() as i64).ok_or_else(missing)
}

/// Until its condition says that it does not get on.
pub fn time_to_stuck(evidence: Evidence<'_>, question: Question<'_>) -> Result<i64, String> {
    let (workload, from, changed) = rollout(evidence, question)?;
    let stuck = workload.rollout.is_stuck.first_after(changed, |value| value == 1);
    let missing = || format!("never stuck by the end of the run at {}", rounded(evidence.end));
    stuck.map(|stuck| stuck.since(from).as_micros() as i64).ok_or_else(missing)
}
