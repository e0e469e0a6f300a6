//! Measures of how much of a workload there was, and for how long: what was wanted against what really served.

use super::{Evidence, Question, begin, beginning, moment, rounded, workload};
use crate::kernel::time::{Span, Time};
use crate::record::workloads::Workload;

/// All of a share.
const MILLION: i128 = 1_000_000;

/// Spans in which neither changed, with the pods wanted and the pods that served.
fn pieces(evidence: Evidence<'_>, question: Question<'_>) -> Result<Vec<(Span, i64, i64)>, String> {
    let (workload, from): (&Workload, Time) = (workload(evidence, question)?, beginning(evidence, question)?);
    Ok(workload.desired.pieces(&workload.serving, from, evidence.end))
}

/// Most pods wanted that did not serve. Shortages of no length do not count.
pub fn max_unserved(evidence: Evidence<'_>, question: Question<'_>) -> Result<i64, String> {
    let missing = pieces(evidence, question)?.into_iter().map(|(_, desired, serving)| (desired - serving).max(0));
    Ok(missing.max().unwrap_or(0))
}

/// Time with fewer than wanted.
pub fn time_short(evidence: Evidence<'_>, question: Question<'_>) -> Result<i64, String> {
    let short = pieces(evidence, question)?.into_iter().filter(|&(_, desired, serving)| serving < desired);
    Ok(short.map(|(span, _, _)| span.as_micros() as i64).sum())
}

/// Time times pods missing.
pub fn lost_replica_time(evidence: Evidence<'_>, question: Question<'_>) -> Result<i64, String> {
    let lost = |(span, desired, serving): (Span, i64, i64)| span.as_micros() as i64 * (desired - serving).max(0);
    Ok(pieces(evidence, question)?.into_iter().map(lost).sum())
}

/// Millionths of the pods wanted that served. More than wanted do not make up for fewer at another time.
pub fn available_share(evidence: Evidence<'_>, question: Question<'_>) -> Result<i64, String> {
    let (mut wanted, mut served) = (0i128, 0i128);
    for (span, desired, serving) in pieces(evidence, question)? {
        let span = i128::from(span.as_micros());
        wanted += span * i128::from(desired);
        served += span * i128::from(serving.min(desired));
    }
    if wanted == 0 {
        let of = question.of.unwrap_or_default();
        return Err(format!("no pod of {of} was wanted for any time, so there is no share"));
    }
    Ok((served * MILLION / wanted) as i64)
}

/// Whether it was as wanted just before the other event.
pub fn recovered_before(evidence: Evidence<'_>, question: Question<'_>) -> Result<i64, String> {
    let (workload, from) = (workload(evidence, question)?, moment(evidence, question)?);
    let (of, before) = (question.of.unwrap_or_default(), question.before.unwrap_or_default());
    let until = begin(evidence, Some(before))?;
    if until <= from {
        return Err(format!("`{before}` happened at {}, not after it", rounded(until)));
    }
    let was_short = workload.converged.at(from) == 0
        || workload.converged.first_after(from, |value| value == 0).is_some_and(|short| short < until);
    if !was_short {
        return Err(format!("{of} was never short of pods before `{before}` at {}", rounded(until)));
    }
    Ok(workload.converged.before(until))
}
