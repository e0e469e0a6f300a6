//! What may be measured of a run. To add a measure: a function here and a row in [`MEASURES`].

use crate::kernel::time::{Span, Time};
use crate::object::Name;
use crate::record::Recorder;
use crate::record::outage::{MILESTONES, Outage, Row};
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
    /// Whether it counts from an event, so that `since` must say from which if there are several.
    pub needs_event: bool,
    /// Whether `before` must name an event.
    pub needs_before: bool,
    /// Takes it, or says why it cannot be taken.
    pub take: fn(Evidence<'_>, Question<'_>) -> Result<i64, String>,
}

const fn time(
    name: &'static str,
    needs_workload: bool,
    what: &'static str,
    take: fn(Evidence<'_>, Question<'_>) -> Result<i64, String>,
) -> Measure {
    Measure { name, what, unit: Unit::Duration, needs_workload, needs_event: true, needs_before: false, take }
}

const fn pods(
    name: &'static str,
    what: &'static str,
    take: fn(Evidence<'_>, Question<'_>) -> Result<i64, String>,
) -> Measure {
    Measure { name, what, unit: Unit::Pods, needs_workload: true, needs_event: true, needs_before: false, take }
}

/// All measures.
pub const MEASURES: &[Measure] = &[
    time(
        "time-to-notice",
        false,
        "From the event until the API says of all nodes hit that they are not ready.",
        |e, q| since_outage(e, q, "noticed"),
    ),
    time("time-to-taint", false, "From the event until all nodes hit have a NoExecute taint.", |e, q| {
        since_outage(e, q, "tainted")
    }),
    time("time-to-evict", true, "From the event until all lost pods have a deletion timestamp.", |e, q| {
        since_outage(e, q, "evicted")
    }),
    time("time-to-replace", true, "From the event until a pod was created in place of each lost one.", |e, q| {
        since_outage(e, q, "replaced")
    }),
    time("time-to-ready", true, "From the event until as many pods as were lost have become ready.", |e, q| {
        since_outage(e, q, "ready")
    }),
    time(
        "time-to-full-capacity",
        true,
        "From the event until as many pods as wanted are ready and really serve, to stay so for the hold span.",
        |e, q| since_outage(e, q, "converged"),
    ),
    pods("replacements", "Pods of the workload created since the event.", replacements),
    pods("min-ready", "Fewest pods that the API called ready at any time since the event.", |e, q| {
        let (outage, workload) = (outage(e, q)?, workload(e, q)?);
        Ok(workload.ready.min_between(outage.at, e.end))
    }),
    pods("min-serving", "Fewest pods that really served at any time since the event.", |e, q| {
        let (outage, workload) = (outage(e, q)?, workload(e, q)?);
        Ok(workload.serving.min_between(outage.at, e.end))
    }),
];

/// The measure of this name.
pub fn find(name: &str) -> Option<&'static Measure> {
    MEASURES.iter().find(|measure| measure.name == name)
}

/// The outage that the question is about.
pub(super) fn outage<'a>(evidence: Evidence<'a>, question: Question<'_>) -> Result<&'a Outage, String> {
    let outages = &evidence.recorder.outages.all;
    let found = match question.since {
        Some(since) => outages.iter().find(|outage| outage.id == since),
        None => outages.first(),
    };
    found.ok_or_else(|| match question.since {
        Some(since) => format!("`{since}` hit no node"),
        None => "no node was hit by anything".to_string(),
    })
}

/// What that outage did to the workload that the question is about.
fn row<'a>(outage: &'a Outage, question: Question<'_>) -> Result<&'a Row, String> {
    let of = question.of.unwrap_or_default();
    outage
        .rows
        .iter()
        .find(|row| is_named(&crate::record::workloads::workload_name(&row.workload), of))
        .ok_or_else(|| format!("no pod of {of} was on {}", on_nodes(&outage.nodes)))
}

/// `node worker-1`, `the 3 nodes hit`.
fn on_nodes(nodes: &[Name]) -> String {
    match nodes {
        [node] => format!("node {node}"),
        nodes => format!("the {} nodes hit", nodes.len()),
    }
}

/// Whether a workload is the one called `name` in a scenario, with or without its namespace.
pub(super) fn is_named(workload: &str, name: &str) -> bool {
    let without_default = name.replacen("/default/", "/", 1);
    workload.eq_ignore_ascii_case(&without_default)
}

fn workload<'a>(evidence: Evidence<'a>, question: Question<'_>) -> Result<&'a Workload, String> {
    let of = question.of.unwrap_or_default();
    let found = evidence.recorder.workloads.find(of);
    found.map(|(_, workload)| workload).ok_or_else(|| format!("there was no {of}"))
}

fn since_outage(evidence: Evidence<'_>, question: Question<'_>, milestone: &str) -> Result<i64, String> {
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

/// A moment to the tenth of a second: messages need no more.
pub(super) fn rounded(at: Time) -> Time {
    const TENTH_MICROS: u64 = 100_000;
    Time::from_micros((at.as_micros() + TENTH_MICROS / 2) / TENTH_MICROS * TENTH_MICROS)
}

/// Counted from the steps of live pods, so that it also shows when there were more than lost ones.
fn replacements(evidence: Evidence<'_>, question: Question<'_>) -> Result<i64, String> {
    let (outage, workload) = (outage(evidence, question)?, workload(evidence, question)?);
    let mut last = workload.live.at(outage.at);
    let mut created = 0;
    for (_, live) in workload.live.iter().filter(|&(at, _)| at > outage.at) {
        created += (live - last).max(0);
        last = live;
    }
    // A creation and a deletion at the same microsecond leave no step: the outage's own count is the least.
    let known = row(outage, question).map_or(0, |row| row.replacements().count() as i64);
    Ok(created.max(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_measured_says_why() {
        let recorder = Recorder::default();
        let evidence = Evidence { recorder: &recorder, hold: Span::ZERO, end: Time::from_micros(60_000_000) };
        for measure in MEASURES {
            let asked = Question { of: Some("deployment/web"), since: Some("crash"), before: None };
            assert_eq!((measure.take)(evidence, asked), Err("`crash` hit no node".to_string()), "{}", measure.name);
        }
    }

    #[test]
    fn an_outage_that_nobody_noticed_has_no_time_to_notice() {
        let mut recorder = Recorder::default();
        recorder.outage(Time::from_micros(1_000_000), "crash".into(), &["n1".into()]);
        let evidence = Evidence { recorder: &recorder, hold: Span::ZERO, end: Time::from_micros(60_000_000) };
        let take = |name, of| (find(name).unwrap().take)(evidence, Question { of, since: None, before: None });
        assert_eq!(take("time-to-notice", None), Err("not noticed by the end of the run at 1m00s".to_string()));
        assert_eq!(
            take("time-to-evict", Some("deployment/web")),
            Err("no pod of deployment/web was on node n1".into())
        );
        assert_eq!(take("min-ready", Some("deployment/web")), Err("there was no deployment/web".into()));
    }

    #[test]
    fn workloads_may_be_named_with_their_namespace() {
        assert!(is_named("deployment/web", "Deployment/web"));
        assert!(is_named("deployment/web", "deployment/default/web"));
        assert!(is_named("deployment/shop/web", "deployment/shop/web"));
        assert!(!is_named("deployment/shop/web", "deployment/web"));
    }
}
