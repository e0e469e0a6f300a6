//! What came of each event of a run, in a paragraph for each workload that it touched.

use super::words::{called, clause};
use super::{Tale, is_commit, span, time};
use crate::kernel::time::{Span, Time};
use crate::object::fact::Verb;
use crate::object::{Fact, FactId, Key, Kind};
use crate::record::workloads::{Workload, workload_name};
use crate::report::screen::Style;
use crate::report::waterfall::{self, LossReport};
use crate::report::words::counted;
use crate::report::{Finished, Milestone, OutageReport, WorkloadReport};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Most events that are told of on the screen.
const MOST_EVENTS: usize = 24;
/// Most pods that are named one by one.
const NAMED: usize = 3;
/// What takes less is not worth a word.
const AT_ONCE: Span = Span::from_millis(100);

/// What came of the events of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// [`super::life::SCHEMA`].
    pub schema: &'static str,
    /// In the order in which they happened.
    pub events: Vec<Outcome>,
}

/// What came of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Its id.
    pub id: String,
    /// What it is, as `node.crash`.
    pub what: String,
    /// When it began (µs since the scenario began).
    pub at_us: u64,
    /// It in a line.
    pub text: String,
    /// What became of each workload.
    pub workloads: Vec<Paragraph>,
    /// What it cost each workload, as in `run.json`.
    pub losses: Vec<LossReport>,
}

/// What became of one workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Paragraph {
    /// The workload, as `deployment/web`.
    pub workload: String,
    /// What was lost and how it came back, in words.
    pub text: String,
}

/// The pods that came and went because of an event, of one workload.
#[derive(Default)]
struct Moved {
    created: usize,
    deleted: usize,
    last: Time,
}

/// Tells what came of all events.
pub fn outcomes(tale: &Tale<'_>, finished: &Finished) -> Outcomes {
    let mut moved: BTreeMap<FactId, BTreeMap<String, Moved>> = BTreeMap::new();
    for (id, recorded) in tale.iter() {
        let Fact::Commit { verb, kind: Kind::Pod, key, .. } = &recorded.fact else { continue };
        if ![Verb::Created, Verb::Terminating].contains(verb) {
            continue;
        }
        let moved = moved.entry(tale.root(id)).or_default().entry(tale.workload_of(key)).or_default();
        moved.created += usize::from(*verb == Verb::Created);
        moved.deleted += usize::from(*verb == Verb::Terminating);
        moved.last = recorded.at;
    }
    let touched: Vec<(FactId, String)> =
        moved.iter().flat_map(|(id, of)| of.keys().map(|name| (*id, name.clone()))).collect();
    let begun = tale.begun();
    let events = begun.iter().map(|&id| {
        let at = tale.fact(id).at;
        let event = tale.event(id).expect("it begins an event");
        let report = finished.report.outages.iter().find(|outage| outage.id == event);
        let mut workloads: Vec<Paragraph> = report
            .iter()
            .flat_map(|outage| outage.workloads.iter().map(move |workload| (outage, workload)))
            .map(|(outage, workload)| Paragraph {
                workload: workload.name.clone(),
                text: recovery(tale, outage, workload),
            })
            .collect();
        for (workload, moved) in moved.remove(&id).unwrap_or_default() {
            if !workloads.iter().any(|paragraph| paragraph.workload == workload) {
                let helped = |back: Time| {
                    let touches = |&&(other, ref name): &&(FactId, String)| {
                        let began = tale.fact(other).at;
                        other > id && *name == workload && began > at && began <= back
                    };
                    touched.iter().rev().find(touches).and_then(|(other, _)| tale.event(*other))
                };
                let text = movement(tale, finished, &workload, (&moved, at), &helped);
                workloads.push(Paragraph { workload, text });
            }
        }
        if workloads.is_empty() {
            workloads.extend(pulls(tale, event, at));
        }
        Outcome {
            id: event.to_string(),
            what: tale.deed(event).to_string(),
            at_us: at.as_micros(),
            text: clause(tale, id),
            workloads,
            losses: finished.report.losses.iter().filter(|loss| loss.event == event).cloned().collect(),
        }
    });
    Outcomes { schema: super::life::SCHEMA, events: events.collect() }
}

impl<'a> Tale<'a> {
    /// The first fact of each event, in order.
    pub fn begun(&self) -> Vec<FactId> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let is_new = |id: &FactId| self.event(*id).is_some_and(|event| seen.insert(event));
        self.iter().map(|(id, _)| id).filter(is_new).collect()
    }

    /// The event that begins, or goes on, with this fact.
    pub fn event(&self, id: FactId) -> Option<&'a str> {
        match &self.fact(id).fact {
            Fact::FaultBegan { fault, .. } => Some(fault),
            Fact::Acted { event, .. } => Some(event),
            _ => None,
        }
    }

    /// The workload of a pod, as `deployment/web`.
    pub fn workload_of(&self, pod: &Key) -> String {
        let Some(set) = self.set_of(pod) else { return workload_name(&(Kind::Pod, pod.clone())) };
        let deployment =
            set.rsplit_once('-').map(|(name, _)| Key { namespace: pod.namespace.clone(), name: name.into() });
        match deployment.filter(|key| self.deployments.contains(key)) {
            Some(deployment) => workload_name(&(Kind::Deployment, deployment)),
            None => workload_name(&(Kind::ReplicaSet, Key { namespace: pod.namespace.clone(), name: set.into() })),
        }
    }
}

/// When a workload that `at` disturbed is as wanted again; none if never, the moment itself if it was not disturbed.
pub fn restored(workload: &Workload, at: Time, hold: Span, end: Time) -> Option<Time> {
    let fell =
        if workload.converged.at(at) == 0 { Some(at) } else { workload.converged.first_after(at, |value| value == 0) };
    match fell {
        None => Some(at),
        Some(fell) => workload.converged.first_stay(1, fell, hold, end),
    }
}

/// What an outage did to a workload, and how it came back.
fn recovery(tale: &Tale<'_>, outage: &OutageReport, report: &WorkloadReport) -> String {
    let WorkloadReport { name, desired, lost, replacements, serving_min, ready_before, .. } = report;
    let names = lost_pods(tale, &outage.id, name);
    let names = if names.len() > NAMED { String::new() } else { format!(" ({})", names.join(", ")) };
    let mut text = format!("lost {lost} of {desired} pods{names}. ");
    let mut milestones: Vec<&Milestone> =
        report.milestones.iter().filter(|milestone| milestone.at_us.is_some()).collect();
    milestones.sort_by_key(|milestone| milestone.at_us);
    let nodes = if outage.nodes.len() == 1 { "the node was" } else { "the nodes were" };
    let pods = if *lost == 1 { "the lost pod was" } else { "the lost pods were" };
    let (made, their, they) = match replacements {
        1 => ("a new one was created", "its", "it was"),
        _ => ("new ones were created", "their", "they were"),
    };
    // Who is spoken of: those in the place of the lost, the lost themselves, or some of each.
    let is_partly = (1..*lost).contains(replacements);
    let (whose, who) = match (replacements, is_partly) {
        (0, _) => ("the containers of the lost pods started again".to_string(), "all were"),
        (_, true) => ("the containers of the lost pods and of the new ones had started".to_string(), "all were"),
        (_, false) => (format!("{their} containers started"), they),
    };
    let mut parts: Vec<String> = Vec::new();
    for Milestone { name, wait_us, owner, .. } in &milestones {
        let wait = Span::from_micros(wait_us.unwrap_or(0));
        let is_at_once = wait < AT_ONCE;
        let later = if is_at_once { "at once".to_string() } else { format!("{} later", span(wait)) };
        let what = match *name {
            "noticed" if is_at_once => "the API knew it at once".to_string(),
            "noticed" => format!("the API learnt of it after {}", span(wait)),
            "tainted" => format!("{nodes} tainted {later}"),
            "evicted" => format!("{pods} deleted {later}"),
            "replaced" => format!("{made} {later}"),
            "placed" => format!("placed {later}"),
            "started" => format!("{whose} {later}"),
            "ready" => format!("{who} ready {later}"),
            "routed" => format!("all proxies knew that {later}"),
            _ => continue,
        };
        let owner = owner.as_ref().filter(|_| !is_at_once).map_or_else(String::new, |owner| format!(" ({owner})"));
        match parts.last_mut() {
            // `new ones were created and placed at once`
            Some(last) if *name == "placed" && is_at_once && last.ends_with(" at once") => {
                last.truncate(last.len() - " at once".len());
                last.push_str(" and placed at once");
            }
            _ => parts.push(format!("{what}{owner}")),
        }
    }
    if !milestones.iter().any(|milestone| milestone.name == "noticed") {
        parts.insert(0, "nobody noticed".to_string());
    }
    text.push_str(&format!("{}. ", capital(&parts.join("; "))));
    if is_partly {
        let were = if *replacements == 1 { "was" } else { "were" };
        text.push_str(&format!("{replacements} of {lost} {were} replaced. "));
    }
    match report.short_us {
        None => text.push_str(&format!("All {desired} served throughout.")),
        Some(short) => {
            let short = span(Span::from_micros(short));
            let long =
                if report.is_serving_again { format!("For {short}") } else { format!("For {short}, to the end,") };
            let unaware = report.api_unaware_us.map_or_else(String::new, |micros| {
                format!("; the API still called {ready_before} ready for the first {}", span(Span::from_micros(micros)))
            });
            text.push_str(&format!("{long} fewer served than wanted, {serving_min} at the worst{unaware}."));
        }
    }
    let converged = report.milestones.iter().find(|milestone| milestone.name == "converged");
    match converged.and_then(|converged| converged.at_us) {
        Some(at) => text.push_str(&format!(" As wanted again at {}.", time(Time::from_micros(at)))),
        None => text.push_str(" It was not as wanted again by the end."),
    }
    text
}

/// The pods of a workload that an outage took.
fn lost_pods(tale: &Tale<'_>, outage: &str, workload: &str) -> Vec<String> {
    let outages = &tale.world.recorder().outages.all;
    let rows = outages.iter().filter(|known| &*known.id == outage).flat_map(|outage| &outage.rows);
    let own = rows.filter(|row| workload_name(&row.workload) == workload);
    own.flat_map(|row| &row.places).map(|place| called(&place.lost)).collect()
}

/// What an action did to a workload.
fn movement<'t>(
    tale: &Tale<'t>,
    finished: &Finished,
    name: &str,
    (moved, at): (&Moved, Time),
    helped: &dyn Fn(Time) -> Option<&'t str>,
) -> String {
    let (end, hold) = (tale.world.now(), finished.config.hold);
    let mut text = match (moved.created, moved.deleted) {
        (0, deleted) => format!("{} deleted", counted(deleted, "pod")),
        (created, 0) => format!("{} created", counted(created, "pod")),
        (created, deleted) => format!("{} deleted and {created} created", counted(deleted, "pod")),
    };
    text.push_str(&format!(", the last at {}. ", time(moved.last)));
    let Some((_, workload)) = tale.world.recorder().workloads.find(name) else { return text.trim_end().to_string() };
    let desired = workload.desired.at(moved.last);
    let back = restored(workload, at, hold, end);
    let until = back.unwrap_or(end);
    let least = workload.serving.min_between(at, until.max(at)).min(desired);
    text.push_str(&match least {
        least if least >= desired => format!("All {desired} served throughout."),
        least => format!("At the worst {least} of {desired} served."),
    });
    match back {
        Some(back) => {
            let by = helped(back).map_or_else(String::new, |event| format!(", after event `{event}`"));
            text.push_str(&format!(" As wanted at {}, {} later{by}.", time(back), span(back.since(at))));
        }
        None => text.push_str(" It was not as wanted by the end."),
    }
    text
}

/// What a fault that touches no node did: pods pulled images while it lasted.
fn pulls(tale: &Tale<'_>, event: &str, at: Time) -> Option<Paragraph> {
    if !tale.deed(event).starts_with("image-registry") {
        return None;
    }
    let ended =
        tale.facts.iter().find(|recorded| matches!(&recorded.fact, Fact::FaultEnded { fault } if &**fault == event));
    let until = ended.map_or(tale.world.now(), |recorded| recorded.at);
    let started = &tale.facts[tale.facts.partition_point(|recorded| recorded.at < at)..tale.until(until)];
    let pulls = started.iter().filter_map(|recorded| match &recorded.fact {
        Fact::ContainersStarted { pod, failed, pulled, .. } if *failed + *pulled > Span::ZERO => {
            Some((*failed + *pulled, pod))
        }
        _ => None,
    });
    let pulls: Vec<_> = pulls.collect();
    let (longest, pod) = pulls.iter().max_by_key(|(pulled, _)| *pulled)?;
    let text = format!(
        "{} waited for images meanwhile, {} the longest: {}.",
        counted(pulls.len(), "pod"),
        called(pod),
        span(*longest)
    );
    Some(Paragraph { workload: tale.workload_of(pod), text })
}

impl Outcomes {
    /// As text for a terminal.
    pub fn text(&self, style: Style) -> String {
        if self.events.is_empty() {
            return style.finish("Nothing happened: the scenario has no events, or none began.\n".to_string());
        }
        let mut text = String::new();
        for event in self.events.iter().take(MOST_EVENTS) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("{}  {}\n", time(Time::from_micros(event.at_us)), event.text));
            let waterfall = |name: &str| event.losses.iter().find(|loss| loss.object == name).map(waterfall::text);
            for Paragraph { workload, text: told } in &event.workloads {
                text.push_str(&format!("  {workload}: {told}\n"));
                text.push_str(&waterfall(workload).unwrap_or_default());
            }
            for loss in event.losses.iter().filter(|loss| !event.workloads.iter().any(|of| of.workload == loss.object))
            {
                text.push_str(&format!("  {}\n{}", loss.object, waterfall(&loss.object).unwrap_or_default()));
            }
            if event.workloads.is_empty() && event.losses.is_empty() {
                text.push_str("  No workload lost or got a pod by it.\n");
            }
        }
        if self.events.len() > MOST_EVENTS {
            text.push_str(&format!("\n… and {} more events\n", self.events.len() - MOST_EVENTS));
        }
        style.finish(text)
    }

    /// As a document.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("plain data without maps");
        format!("{text}\n")
    }
}

/// With a capital at its beginning, unless that is a name, which is written as it is.
pub(super) fn capital(text: &str) -> String {
    const WORDS: [&str; 6] = ["the ", "event ", "everything ", "no ", "nobody ", "a new "];
    match text.chars().next() {
        Some(first) if WORDS.iter().any(|word| text.starts_with(word)) => {
            format!("{}{}", first.to_uppercase(), &text[first.len_utf8()..])
        }
        _ => text.to_string(),
    }
}

/// Whether a pod is created or deleted by this fact.
pub(super) fn is_pod(fact: &Fact, verb: Verb) -> bool {
    is_commit(fact, verb, Kind::Pod)
}
