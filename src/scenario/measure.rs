//! What may be measured of a run. To add a measure: a function in one of the files below and a row in [`MEASURES`].

mod capacity;
mod outage;
mod rollout;
#[cfg(test)]
mod tests;

pub(super) use outage::outage;

use crate::kernel::time::{Span, Time};
use crate::object::Fact;
use crate::record::Recorder;
use crate::record::timeline::Steps;
use crate::record::workloads::Workload;

/// What the number of a measure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A duration, in microseconds.
    Duration,
    /// Pods.
    Pods,
    /// Something else that is counted.
    Count,
    /// Yes or no: 1 or 0.
    Flag,
    /// A share, in millionths.
    Share,
}

impl Unit {
    /// As in lists.
    pub const fn name(self) -> &'static str {
        match self {
            Unit::Duration => "duration",
            Unit::Pods => "pods",
            Unit::Count => "count",
            Unit::Flag => "true/false",
            Unit::Share => "share",
        }
    }

    /// The value as people write it.
    pub fn show(self, value: i64) -> String {
        match self {
            Unit::Duration => Span::from_micros(value as u64).to_string(),
            Unit::Pods | Unit::Count => value.to_string(),
            Unit::Flag => (value != 0).to_string(),
            Unit::Share => percent(value),
        }
    }
}

/// Millionths as a percentage, as short as it can be.
fn percent(millionths: i64) -> String {
    let (whole, rest) = (millionths / 10_000, millionths % 10_000);
    let fraction = format!("{rest:04}");
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{whole}%") } else { format!("{whole}.{fraction}%") }
}

/// A run that is over.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// What was recorded of it.
    pub recorder: &'a Recorder,
    /// How long everything must stay as wanted to count as converged.
    pub hold: Span,
    /// When it ended.
    pub end: Time,
}

/// What a measure or rule is asked about.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The workload, as `deployment/web`.
    pub of: Option<&'a str>,
    /// Id of the event.
    pub since: Option<&'a str>,
    /// Id of the event before which something must have happened.
    pub before: Option<&'a str>,
}

/// Takes a measure, or says why it cannot be taken.
pub type Take = fn(Evidence<'_>, Question<'_>) -> Result<i64, String>;

/// One row of the registry.
#[derive(Debug)]
pub struct Measure {
    /// Name in scenarios.
    pub name: &'static str,
    /// What it means.
    pub what: &'static str,
    /// What the number counts.
    pub unit: Unit,
    /// Whether it is about a workload, so that `of` must say which.
    pub needs_workload: bool,
    /// Whether it counts from an event, so that `since` must say from which if there are several; else it counts from the
    /// beginning if `since` is left out.
    pub needs_event: bool,
    /// Whether `before` must name an event.
    pub needs_before: bool,
    /// Takes it, or says why it cannot be taken.
    pub take: Take,
}

impl Measure {
    /// A measure of a workload that counts from an event.
    const fn new(name: &'static str, unit: Unit, what: &'static str, take: Take) -> Measure {
        Measure { name, what, unit, needs_workload: true, needs_event: true, needs_before: false, take }
    }

    /// The same for all workloads at once.
    const fn of_all(self) -> Measure {
        Measure { needs_workload: false, ..self }
    }

    /// The same from the beginning, unless an event is named.
    const fn of_whole_run(self) -> Measure {
        Measure { needs_event: false, ..self }
    }

    /// The same up to another event.
    const fn up_to_event(self) -> Measure {
        Measure { needs_before: true, ..self }
    }
}

/// All measures: first of what was lost, then of how much there was at all times, then of rollouts.
pub const MEASURES: &[Measure] = &[
    Measure::new(
        "time-to-notice",
        Unit::Duration,
        "From the event until the API says of all nodes hit that they are not ready.",
        |e, q| outage::milestone(e, q, "noticed"),
    )
    .of_all(),
    Measure::new(
        "time-to-taint",
        Unit::Duration,
        "From the event until all nodes hit have a NoExecute taint.",
        |e, q| outage::milestone(e, q, "tainted"),
    )
    .of_all(),
    Measure::new(
        "time-to-evict",
        Unit::Duration,
        "From the event until all lost pods have a deletion timestamp.",
        |e, q| outage::milestone(e, q, "evicted"),
    ),
    Measure::new(
        "time-to-replace",
        Unit::Duration,
        "From the event until a pod was created in place of each lost one.",
        |e, q| outage::milestone(e, q, "replaced"),
    ),
    Measure::new(
        "time-to-ready",
        Unit::Duration,
        "From the event until as many pods as were lost have become ready.",
        |e, q| outage::milestone(e, q, "ready"),
    ),
    Measure::new(
        "time-to-full-capacity",
        Unit::Duration,
        "From the event until as many pods as wanted are ready and really serve, to stay so for the hold span.",
        outage::time_to_full_capacity,
    ),
    Measure::new(
        "recovered-before",
        Unit::Flag,
        "Whether the workload, short of pods since the event, was back at full capacity when the event `before` happened.",
        capacity::recovered_before,
    )
    .up_to_event(),
    Measure::new("replacements", Unit::Pods, "Pods of the workload created since the event.", outage::replacements),
    Measure::new(
        "min-ready",
        Unit::Pods,
        "Fewest pods that the API called ready at any time since the event.",
        |e, q| Ok(workload(e, q)?.ready.min_between(moment(e, q)?, e.end)),
    ),
    Measure::new(
        "min-serving",
        Unit::Pods,
        "Fewest pods that really served at any time since the event.",
        |e, q| Ok(workload(e, q)?.serving.min_between(moment(e, q)?, e.end)),
    ),
    Measure::new(
        "max-unserved",
        Unit::Pods,
        "Most pods at any time that were wanted but did not really serve.",
        capacity::max_unserved,
    )
    .of_whole_run(),
    Measure::new(
        "max-live",
        Unit::Pods,
        "Most pods at any time that had not ended and were not being deleted, ready or not.",
        |e, q| Ok(workload(e, q)?.live.max_between(beginning(e, q)?, e.end)),
    )
    .of_whole_run(),
    Measure::new(
        "time-without-capacity",
        Unit::Duration,
        "For how long in total fewer pods really served than were wanted.",
        capacity::time_short,
    )
    .of_whole_run(),
    Measure::new(
        "lost-replica-time",
        Unit::Duration,
        "The same with each missing pod counted: two that did not serve for a minute are two minutes.",
        capacity::lost_replica_time,
    )
    .of_whole_run(),
    Measure::new(
        "available-share",
        Unit::Share,
        "Which share of the pods wanted really served, on average over the time.",
        capacity::available_share,
    )
    .of_whole_run(),
    Measure::new(
        "evictions",
        Unit::Count,
        "Pods that had to go because of a taint, a drain, a full disk or a deleted node (condition DisruptionTarget).",
        |e, q| grown(e, q, |workload| &workload.evicted),
    )
    .of_whole_run(),
    Measure::new(
        "restarts",
        Unit::Count,
        "Restarts of containers that the statuses of the pods tell of.",
        |e, q| grown(e, q, |workload| &workload.restarts),
    )
    .of_whole_run(),
    Measure::new("unscheduled", Unit::Pods, "Pods without a node when the run ends.", |e, q| {
        Ok(workload(e, q)?.unplaced.value())
    })
    .of_whole_run(),
    Measure::new(
        "time-to-rollout",
        Unit::Duration,
        "From the event until `kubectl rollout status` would report success: all pods are of the new template and available.",
        rollout::time_to_rollout,
    ),
    Measure::new(
        "time-to-stuck",
        Unit::Duration,
        "From the event until the Deployment says that it does not get on (ProgressDeadlineExceeded).",
        rollout::time_to_stuck,
    ),
];

/// The measure of this name.
pub fn find(name: &str) -> Option<&'static Measure> {
    MEASURES.iter().find(|measure| measure.name == name)
}

/// When the event happened that the question names; the first if it names none.
pub(super) fn moment(evidence: Evidence<'_>, question: Question<'_>) -> Result<Time, String> {
    begin(evidence, question.since)
}

/// The same; the beginning if the question names none.
pub(super) fn beginning(evidence: Evidence<'_>, question: Question<'_>) -> Result<Time, String> {
    question.since.map_or(Ok(Time::ZERO), |since| begin(evidence, Some(since)))
}

/// When this event, or any, first began or was done.
fn begin(evidence: Evidence<'_>, event: Option<&str>) -> Result<Time, String> {
    let found = evidence.recorder.facts.iter().find(|recorded| match &recorded.fact {
        Fact::FaultBegan { fault: id, .. } | Fact::Acted { event: id, .. } => event.is_none_or(|event| *id == event),
        _ => false,
    });
    found.map(|recorded| recorded.at).ok_or_else(|| match event {
        Some(event) => format!("`{event}` never happened"),
        None => "nothing happened in the run".to_string(),
    })
}

/// The workload that the question is about.
fn workload<'a>(evidence: Evidence<'a>, question: Question<'_>) -> Result<&'a Workload, String> {
    let of = question.of.unwrap_or_default();
    let found = evidence.recorder.workloads.find(of);
    found.map(|(_, workload)| workload).ok_or_else(|| format!("there was no {of}"))
}

/// By how much a number that only grows has grown.
fn grown(evidence: Evidence<'_>, question: Question<'_>, steps: fn(&Workload) -> &Steps) -> Result<i64, String> {
    let (steps, from) = (steps(workload(evidence, question)?), beginning(evidence, question)?);
    Ok(steps.value() - question.since.map_or(0, |_| steps.before(from)))
}

/// A moment to the tenth of a second: messages need no more.
pub(super) fn rounded(at: Time) -> Time {
    const TENTH_MICROS: u64 = 100_000;
    Time::from_micros((at.as_micros() + TENTH_MICROS / 2) / TENTH_MICROS * TENTH_MICROS)
}
