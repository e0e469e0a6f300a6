//! Runs a scenario and collects what it showed.

use super::convergence::{self, Convergence};
use super::outlook::{Judgement, outlooks};
use super::verdict::{Verdict, alone, judge};
use super::waterfall;
use super::words::{counted, short};
use super::{InputFile, Milestone, OutageReport, Override, Overrides, Receipt, Report, SCHEMA, WorkloadReport, owner};
use crate::apiserver::Request;
use crate::cluster::{Config, Happening, Stop, World};
use crate::kernel::time::Time;
use crate::object::{DelayId, Deployment, Fact, Kind, Name, ReplicaSet, Service};
use crate::record::Recorder;
use crate::record::outage::{MILESTONES, Outage, Row};
use crate::record::workloads::{Workload, workload_name};
use crate::scenario::measure::Evidence;
use crate::scenario::{Loaded, rule};

/// A run that is over, and its report.
pub struct Finished {
    /// The cluster as it is at the end, with everything that was recorded.
    pub world: World,
    /// How it was set up.
    pub config: Config,
    /// What it showed.
    pub report: Report,
}

/// After so many events of a run somebody may look at it: rarely enough to cost nothing, often enough for the eye.
const LOOK_EVERY: u64 = 1_024;

/// Runs a scenario with this seed, or with its own.
pub fn simulate(loaded: &Loaded, seed: Option<u64>) -> Finished {
    simulate_watched(loaded, seed, &mut |_| true).expect("nobody stops it")
}

/// The same while somebody looks at the cluster every now and then, and once when it is over; the run is broken off when
/// that says no, and there is nothing to show.
pub fn simulate_watched(
    loaded: &Loaded,
    seed: Option<u64>,
    goes_on: &mut dyn FnMut(&World) -> bool,
) -> Option<Finished> {
    simulate_while(loaded, seed, &mut || true, goes_on)
}

/// The same; what comes before a run that begins settled is broken off when `is_wanted` says no.
pub fn simulate_while(
    loaded: &Loaded,
    seed: Option<u64>,
    is_wanted: &mut dyn FnMut() -> bool,
    goes_on: &mut dyn FnMut(&World) -> bool,
) -> Option<Finished> {
    let config = loaded.config(seed);
    let mut world = World::new_while(config.clone(), is_wanted)?;
    while world.step() {
        if world.events().is_multiple_of(LOOK_EVERY) && !goes_on(&world) {
            return None;
        }
    }
    if !goes_on(&world) {
        return None;
    }
    let report = collect(loaded, seed, &config, &world);
    Some(Finished { world, config, report })
}

fn collect(loaded: &Loaded, seed: Option<u64>, config: &Config, world: &World) -> Report {
    let (recorder, end) = (world.recorder(), world.now());
    let evidence = Evidence { recorder, hold: config.hold, end };
    let refused = world.refused();
    let is_manifest = refused.iter().all(|(request, _)| matches!(request, Request::Create(_)));
    let refusal = counted(refused.len(), if is_manifest { "manifest" } else { "request" });
    let refused: Vec<String> = refused.iter().map(|(request, error)| error.message(request)).collect();
    let outlooks = outlooks(world);
    let mut reasons = reasons(config, world, evidence, (&refusal, &refused, &outlooks));
    let expectations: Vec<_> =
        loaded.scenario.expectations.iter().map(|expectation| judge(expectation, evidence)).collect();
    let mut notes = loaded.silences(seed);
    let mut silence = None;
    if !loaded.scenario.failures.is_empty() && !has_happened(recorder, None) {
        let why = if notes.is_empty() { String::new() } else { format!(": {}", notes.join("; ")) };
        silence = Some(format!("nothing happened: no event, and no failure{why}"));
        reasons.extend(silence.clone());
        notes.clear();
    }
    notes.extend(alone(&expectations));
    notes.extend(convergence::notes(config, &outlooks, end));
    let are_met = expectations.iter().all(|judged| judged.verdict == Verdict::Pass);
    Report {
        schema: SCHEMA,
        title: loaded.scenario.title.clone(),
        scenario: loaded.name().to_string(),
        verdict: Verdict::of(are_met && reasons.is_empty()),
        reasons,
        silence,
        notes,
        receipt: Receipt {
            version: env!("CARGO_PKG_VERSION").to_string(),
            scenario_hash: loaded.hash(),
            seed: config.seed,
            digest: world.digest().hex(),
        },
        epoch: config.epoch.to_string(),
        simulated_us: end.as_micros(),
        events: world.events(),
        overrides: overrides(loaded, seed, config),
        expectations,
        outages: recorder.outages.all.iter().map(|outage| outage_report(outage, config, world)).collect(),
        processes: loaded.scenario.failures.iter().map(|failure| failure.id.value.to_string()).collect(),
        losses: waterfall::losses(recorder, config, end, &outlooks),
        refused,
        convergence: Convergence::of(world, &outlooks),
        inputs: inputs(loaded, seed),
    }
}

/// What has to lie in the folder of the run to have it again.
fn inputs(loaded: &Loaded, seed: Option<u64>) -> Vec<InputFile> {
    let kept = loaded.kept(seed).into_iter();
    kept.map(|(name, text)| InputFile { hash: InputFile::hash_of(text.as_bytes()), name }).collect()
}

/// What makes a run worthless or unfinished, whatever its expectations say.
fn reasons(
    config: &Config,
    world: &World,
    evidence: Evidence<'_>,
    (refusal, refused, outlooks): (&str, &[String], &[Judgement<'_>]),
) -> Vec<String> {
    let Evidence { recorder, hold, end } = evidence;
    let mut reasons = Vec::new();
    if !refused.is_empty() {
        reasons.push(format!("the API server refused {refusal}: {}", refused.join("; ")));
    }
    let unsettled = world.unsettled().iter().filter(|workload| !workload.is_as_given);
    reasons.extend(unsettled.map(|workload| format!("could not be settled before the start: {workload}")));
    if recorder.workloads.placed == 0 {
        let why = rule::why_unplaced(evidence, None).map_or_else(String::new, |why| format!(": {why}"));
        reasons.push(format!("not one pod was placed on a node{why}"));
    }
    for planned in &config.events {
        let said = match planned.what {
            Happening::Fault { .. } => "hit nothing",
            // What was done of it is among the facts.
            Happening::Action { .. } | Happening::Join(_) if has_happened(recorder, Some(&planned.id)) => {
                "was not done as a whole"
            }
            Happening::Action { .. } | Happening::Join(_) => "was not done",
        };
        let missed: Vec<&str> =
            world.missed().iter().filter(|missed| missed.id == planned.id).map(|m| &*m.why).collect();
        if !missed.is_empty() {
            reasons.push(format!("`{}` {said}: {}", planned.id, missed.join("; ")));
        } else if !has_happened(recorder, Some(&planned.id)) {
            reasons.push(format!("`{}` never began: it was due at {}, the run ended at {end}", planned.id, planned.at));
        }
    }
    let since = recorder.converged_since();
    let is_converged = since.is_some_and(|since| end.since(since) >= hold);
    if config.stop == Stop::Converged && !is_converged {
        let behind = convergence::behind(outlooks, end);
        let why = if behind.is_empty() { format!("not for {hold} before the end") } else { behind.join("; ") };
        reasons.push(format!("not converged by {}: {why}", short(end.since(Time::ZERO))));
    }
    reasons
}

/// Whether this event happened; or whether any did.
fn has_happened(recorder: &Recorder, event: Option<&Name>) -> bool {
    recorder.facts.iter().any(|recorded| match &recorded.fact {
        Fact::FaultBegan { fault: id, .. } | Fact::Acted { event: id, .. } => event.is_none_or(|event| event == id),
        _ => false,
    })
}

fn overrides(loaded: &Loaded, seed: Option<u64>, config: &Config) -> Overrides {
    let settings = config.settings.overridden().map(|id| Override {
        name: format!("{}/{}", id.row().component, id.row().name),
        value: config.settings.show(id),
        default: id.row().unit.show(id.row().default),
    });
    let changed = DelayId::ALL.iter().filter(|id| *config.delays.get(**id) != id.row().default);
    let delays = changed.map(|&id| Override {
        name: id.row().name.to_string(),
        value: config.delays.get(id).to_string(),
        default: id.row().default.to_string(),
    });
    Overrides {
        seed: seed.filter(|&seed| seed != loaded.scenario.run.seed.value),
        keys: loaded.sources.arguments().map(String::from).collect(),
        settings: settings.collect(),
        delays: delays.collect(),
    }
}

fn outage_report(outage: &Outage, config: &Config, world: &World) -> OutageReport {
    let recorder = world.recorder();
    let name = config.events.iter().find(|planned| planned.id == outage.id).map_or("", |planned| match planned.what {
        Happening::Fault { name, .. } | Happening::Action { name, .. } => name,
        Happening::Join(_) => "node.add",
    });
    let ended = recorder.facts.iter().find(
        |recorded| matches!(&recorded.fact, Fact::FaultEnded { fault } if *fault == outage.id && recorded.at >= outage.at),
    );
    OutageReport {
        id: outage.id.to_string(),
        fault: name.to_string(),
        happened_us: outage.at.as_micros(),
        ended_us: ended.map(|recorded| recorded.at.as_micros()),
        nodes: outage.nodes.iter().map(ToString::to_string).collect(),
        workloads: outage.rows.iter().map(|row| workload_report(outage, row, config, world)).collect(),
    }
}

/// How far an outage reaches for a workload: until all its places are filled again, or, if they never are, until something
/// else befalls it.
fn own_end(outage: &Outage, row: &Row, world: &World) -> Time {
    let befalls =
        |other: &&Outage| other.at > outage.at && other.rows.iter().any(|other| other.workload == row.workload);
    let next = || world.recorder().outages.all.iter().filter(befalls).map(|other| other.at).min();
    row.ready().or_else(next).unwrap_or(world.now())
}

fn workload_report(outage: &Outage, row: &Row, config: &Config, world: &World) -> WorkloadReport {
    let (recorder, end) = (world.recorder(), world.now());
    let default = Workload::default();
    let workload = recorder.workloads.get(&row.workload).unwrap_or(&default);
    let desired = workload.desired.at(outage.at);
    let until = own_end(outage, row, world);
    let short = shortage(workload, outage.at, until).map(|(begin, over)| (begin, over.unwrap_or(end), over.is_some()));
    let until = short.map_or(until, |(_, over, _)| over.max(until));
    // At the very moment it happens nobody can know yet, so the count then is the one before.
    let ready_before = workload.ready.at(outage.at);
    let fell = workload.ready.iter().find(|&(at, ready)| at > outage.at && at <= until && ready < ready_before);
    WorkloadReport {
        name: workload_name(&row.workload),
        desired,
        lost: row.places.len(),
        replacements: row.replacements().count(),
        placed_on: row.placed_on().map(ToString::to_string).collect(),
        serving_min: workload.serving.min_between(outage.at, until),
        short_us: short.map(|(begin, over, _)| over.since(begin).as_micros()),
        is_serving_again: short.is_none_or(|(_, _, is_over)| is_over),
        ready_before,
        ready_min: workload.ready.min_between(outage.at, until),
        api_unaware_us: fell.map(|(at, _)| at.since(outage.at).as_micros()),
        milestones: milestones(outage, row, config, recorder, end)
            .into_iter()
            .filter(|milestone| milestone.name != "routed" || milestone.at_us.is_some() || has_service(world, row))
            .collect(),
    }
}

/// Whether a Service sends traffic to the pods of a workload; without one nothing is ever routed.
fn has_service(world: &World, row: &Row) -> bool {
    let (kind, key) = &row.workload;
    let deployments =
        world.objects::<Deployment>().map(|object| (Kind::Deployment, &object.meta, &object.spec.template));
    let sets = world.objects::<ReplicaSet>().map(|object| (Kind::ReplicaSet, &object.meta, &object.spec.template));
    let Some((_, _, template)) = deployments.chain(sets).find(|(of, meta, _)| of == kind && meta.key == *key) else {
        return false;
    };
    let selects = |service: &Service| {
        !service.headless
            && !service.selector.is_empty()
            && service.meta.namespace() == &*key.namespace
            && template.labels.contains_all(&service.selector)
    };
    world.objects::<Service>().any(|service| selects(service))
}

/// From when to when fewer pods served than wanted, if that began between `from` and `until`; to the end of the run if it is
/// not over.
fn shortage(workload: &Workload, from: Time, until: Time) -> Option<(Time, Option<Time>)> {
    let is_short = |at: Time| workload.serving.at(at) < workload.desired.at(at);
    let mut changes: Vec<Time> = workload.serving.iter().chain(workload.desired.iter()).map(|(at, _)| at).collect();
    changes.push(from);
    changes.retain(|&at| at >= from);
    changes.sort_unstable();
    let begin = changes.iter().copied().find(|&at| at <= until && is_short(at))?;
    let over = changes.into_iter().find(|&at| at > begin && !is_short(at));
    Some((begin, over))
}

fn milestones(outage: &Outage, row: &Row, config: &Config, recorder: &Recorder, end: Time) -> Vec<Milestone> {
    let times = outage.milestones(row, &recorder.workloads, config.hold, end);
    let named = MILESTONES.into_iter().zip(times);
    let before = |at: Time, index: usize| {
        // The one before in time; of equal ones the one before in order.
        let earlier = times.iter().enumerate().filter_map(|(other, time)| Some(((*time)?, other)));
        let last = earlier.filter(|&other| other < (at, index)).max();
        last.map_or(("", outage.at), |(time, other)| (MILESTONES[other], time))
    };
    let mut milestones = vec![Milestone {
        name: "happened",
        at_us: Some(outage.at.as_micros()),
        since_us: Some(0),
        wait_us: None,
        owner: None,
    }];
    for (index, (name, at)) in named.enumerate() {
        let before = at.map(|at| before(at, index));
        milestones.push(Milestone {
            name,
            at_us: at.map(Time::as_micros),
            since_us: at.map(|at| at.since(outage.at).as_micros()),
            wait_us: at.zip(before).map(|(at, (_, before))| at.since(before).as_micros()),
            owner: at
                .zip(before)
                .and_then(|(at, before)| owner_text(outage, row, (name, at), before, config, recorder)),
        });
    }
    milestones
}

fn owner_text(
    outage: &Outage,
    row: &Row,
    (milestone, at): (&str, Time),
    (milestone_before, before): (&str, Time),
    config: &Config,
    recorder: &Recorder,
) -> Option<String> {
    if at == before {
        return None;
    }
    if let Some(id) = owner::setting(&recorder.facts, outage, row, milestone, at, before) {
        return Some(format!("{} {}", id.row().name, config.settings.show(id)));
    }
    let delays: Vec<&str> =
        owner::delays(&recorder.facts, milestone, at, milestone_before).iter().map(|id| id.row().name).collect();
    (!delays.is_empty()).then(|| delays.join(", "))
}
