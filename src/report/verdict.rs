//! Whether what was expected came true.

use super::words::short;
use crate::kernel::time::Span;
use crate::scenario::expect::ALL_SEEDS;
use crate::scenario::measure::{Evidence, Question, Unit};
use crate::scenario::schema::{Bound, Claim, Comparison, Expectation};
use serde::{Serialize, Serializer};

/// As expected, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As expected.
    Pass,
    /// Not, or it could not be told.
    Fail,
}

impl Verdict {
    /// Passes if `holds`.
    pub const fn of(holds: bool) -> Verdict {
        if holds { Verdict::Pass } else { Verdict::Fail }
    }

    /// `PASS` or `FAIL`.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
        }
    }
}

/// One expectation and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// Its id.
    pub id: String,
    /// Whether it was met.
    pub verdict: Verdict,
    /// The measure or rule.
    pub claim: &'static str,
    /// The workload that it is about.
    pub of: Option<String>,
    /// The event from which it counts.
    pub since: Option<String>,
    /// The bounds in words, as `at least 40s, at most 56s`; empty for rules.
    pub bound: String,
    /// What was measured or seen, in words; none if it could not be.
    pub found: Option<String>,
    /// What was measured [µs or pods].
    pub value: Option<i64>,
    /// Why it was not met.
    pub reason: Option<String>,
    /// In which share of several seeds it must be met (millionths); written as `in = "95%"`, and left out if in all. A single
    /// run is judged without it.
    #[serde(rename = "in", skip_serializing_if = "is_all", serialize_with = "percent")]
    pub share: u32,
}

/// Whether an expectation must be met in every run.
pub(super) fn is_all(share: &u32) -> bool {
    *share >= ALL_SEEDS
}

/// A share in words, as `95%`.
pub(super) fn share(share: u32) -> String {
    Unit::Share.show(share.into())
}

pub(super) fn percent<S: Serializer>(share: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&self::share(*share))
}

/// That a single run cannot tell in which share of the seeds an expectation is met; nothing if none asks for a share.
pub(super) fn alone(expectations: &[Judged]) -> Option<String> {
    let some = expectations.iter().filter(|judged| !is_all(&judged.share));
    let told: Vec<String> = some.map(|judged| format!("`{}` (in {})", judged.id, share(judged.share))).collect();
    (!told.is_empty()).then(|| {
        let told = told.join(", ");
        format!("`in` is for several seeds: this single run is judged without it, so it must meet {told}")
    })
}

/// Judges one expectation.
pub fn judge(expectation: &Expectation, evidence: Evidence<'_>) -> Judged {
    let of = expectation.of.as_ref().map(|of| of.value.clone());
    let since = expectation.since.as_ref().map(|since| since.value.clone());
    let before = expectation.before.as_ref().map(|before| before.value.as_str());
    let question = Question { of: of.as_deref(), since: since.as_deref(), before };
    let (claim, bound, outcome) = match &expectation.claim {
        Claim::Rule(rule) => {
            (rule.name, String::new(), (rule.judge)(evidence, question).map(|seen| (Some(seen), None, true)))
        }
        Claim::Measure { measure, bounds } => {
            let bounds_in_words: Vec<String> = bounds.iter().map(|&known| bound(known, measure.unit)).collect();
            let outcome = (measure.take)(evidence, question).map(|value| {
                let is_within = bounds.iter().all(|bound| bound.admits(value));
                (Some(measured(measure.unit, value)), Some(value), is_within)
            });
            (measure.name, bounds_in_words.join(", "), outcome)
        }
    };
    let (found, value, holds, reason) = match outcome {
        Ok((found, value, true)) => (found, value, true, None),
        Ok((found, value, false)) => {
            let reason = format!("{} is not {bound}", found.as_deref().unwrap_or_default());
            (found, value, false, Some(reason))
        }
        Err(reason) => (None, None, false, Some(reason)),
    };
    Judged {
        id: expectation.id.value.clone(),
        verdict: Verdict::of(holds),
        claim,
        of,
        since,
        bound,
        found,
        value,
        reason,
        share: expectation.share,
    }
}

/// `at most 6m30s`.
pub(super) fn bound(bound: Bound, unit: Unit) -> String {
    format!("{} {}", words(bound.comparison), unit.show(bound.value))
}

const fn words(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::AtLeast => "at least",
        Comparison::AtMost => "at most",
        Comparison::Equals => "exactly",
    }
}

fn measured(unit: Unit, value: i64) -> String {
    match unit {
        Unit::Duration => short(Span::from_micros(value as u64)),
        unit => unit.show(value),
    }
}
