//! A recorded scenario as a cluster that can be simulated, with the recorder's own kubelet.
//!
//! The recorder's README says what its fake kubelet does; the delays and the translations of its annotations below are
//! that. A scenario that shared its control plane gets an extra zone of idle nodes. Time zero is when the manifests begin
//! to be applied, here and there.

use super::actions::Planner;
use super::recording::Recorded;
use super::rule::Terms;
use super::scenario::{Item, Scenario, not_simulated};
use super::summary::Summary;
use super::{nodes, watch};
use crate::cluster::{Config, Start, Stop, World};
use crate::kernel::dist::Delay;
use crate::kernel::rng::Draws;
use crate::kernel::time::{Span, Time};
use crate::manifest::decode::{self, Refusal};
use crate::manifest::interpreted;
use crate::object::{DelayId, Delays, Kind, Object, Settings, Timestamp, behavior};
use crate::record::Detail;
use crate::scenario::problem::{Problems, code};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Label of a scenario's own nodes, to which its pods are tied by a node selector.
pub const POOL: &str = "oracle.sim/pool";
/// Namespace of a scenario's objects.
pub const NAMESPACE: &str = "default";
/// Before the names of the recorder's own annotations.
pub const ANNOTATION: &str = "oracle.sim/";
/// The date of time zero: 2026-11-24T18:00:00Z. Its fraction of a second comes from the seed.
const EPOCH: Timestamp = Timestamp(1_795_543_200);

/// A recorded scenario, ready to be simulated.
#[derive(Clone, Debug)]
pub struct Replay {
    /// How it is compared.
    pub terms: Terms,
    /// The recorded runs, ready to be compared.
    pub recorded: Vec<Summary>,
    config: Config,
    kinds: BTreeSet<String>,
    stops: Vec<(f64, String)>,
    first_action: Option<f64>,
}

impl Replay {
    /// Of a recording. What is wrong with its file goes to `problems`.
    ///
    /// # Errors
    /// What it needs that is not simulated yet.
    pub fn of(recorded: &Recorded, problems: &mut Problems) -> Result<Replay, Vec<String>> {
        let scenario = &recorded.scenario;
        let mut needs: Vec<String> = scenario.needs.clone();
        let mut next = 0;
        let mut nodes = Vec::new();
        for group in &scenario.nodes {
            nodes.extend(nodes::of_group(scenario, group, &mut next, problems, &mut needs));
        }
        let mut reader = Reader { scenario, problems, needs: &mut needs };
        let manifests = scenario.manifests.iter().filter_map(|item| reader.manifest(item)).collect();
        let mut planner = Planner::new(reader, &nodes, next);
        planner.plan();
        let (events, groups, stops) = (planner.events, planner.groups, planner.stops);
        if scenario.is_shared {
            nodes.extend(nodes::idle());
        }
        if !needs.is_empty() {
            let mut seen = BTreeSet::new();
            needs.retain(|need| seen.insert(need.clone()));
            return Err(needs);
        }
        let kinds: BTreeSet<String> = recorded
            .runs
            .iter()
            .flat_map(|run| {
                let sets = (!run.rollout.is_empty()).then(|| "ReplicaSet".to_string());
                run.series.keys().cloned().chain(sets)
            })
            .collect();
        let terms = Terms { groups, has_times: scenario.family != "y" };
        let summary = |run| Summary::of(run, &run.scalars, &terms.groups, &kinds);
        Ok(Replay {
            recorded: recorded.runs.iter().map(summary).collect(),
            terms,
            config: Config {
                seed: 0,
                epoch: EPOCH,
                settings: Settings::default(),
                delays: delays(),
                nodes,
                manifests,
                start: Start::Empty,
                events,
                until: at(scenario.duration),
                stop: Stop::Time,
                hold: Span::ZERO,
                record: Detail::Full,
            },
            kinds,
            stops,
            first_action: scenario.actions.first().map(|action| action.at),
        })
    }

    /// The same scenario under other settings: which of them would explain a recording that disagrees, and would a
    /// mistake in one be seen in a recording that agrees?
    #[must_use]
    pub fn with_settings(mut self, change: impl FnOnce(&mut Settings)) -> Replay {
        change(&mut self.config.settings);
        self
    }

    /// The cluster of one seed at time zero.
    pub fn world(&self, seed: u64) -> World {
        let mut config = Config { seed, ..self.config.clone() };
        api_delays(seed).into_iter().for_each(|(id, delay)| config.delays.set(id, delay));
        World::new(config)
    }

    /// Simulates one seed.
    ///
    /// # Errors
    /// The invariants of the engine that broke: our fault.
    pub fn run(&self, seed: u64) -> Result<Summary, Vec<String>> {
        let mut world = self.world(seed);
        let run = watch::run(&mut world, &self.stops, self.first_action);
        world.audit()?;
        let mut summary = Summary::of(&run, &run.take_scalars(), &self.terms.groups, &self.kinds);
        let missed =
            world.missed().iter().map(|missed| format!("action {} came to nothing: {}", missed.id, missed.why));
        let refused = world.refused();
        let refused = refused.iter().map(|(request, why)| format!("{request} was refused: {}", why.message(request)));
        summary.trouble = missed.chain(refused).collect();
        Ok(summary)
    }
}

/// A time of a scenario (s).
pub fn at(seconds: f64) -> Time {
    Time::ZERO + Span::from_micros((seconds * 1e6).round() as u64)
}

/// The recorder's kubelet, and an API server on two busy cores.
fn delays() -> Delays {
    let constant = |millis| Delay::Constant(Span::from_millis(millis));
    let mut delays = Delays::default();
    for (id, delay) in [
        (DelayId::ImagePull, constant(0)),
        (DelayId::ContainerStart, constant(2_000)),
        (DelayId::ReadyAfter, constant(1_000)),
        (DelayId::ContainerStop, constant(1_000)),
        (DelayId::KubeletReconnect, constant(0)),
        (DelayId::NodeBoot, constant(0)),
        (DelayId::NodeReady, constant(1_000)),
        // Its kubelets were started together: in d2 all renewed their leases within half a second.
        (DelayId::KubeletStartSpread, Delay::Uniform { min: Span::ZERO, max: Span::from_millis(500) }),
    ] {
        delays.set(id, delay);
    }
    delays
}

/// Delays of the recorder's API server in one run: how long a write keeps its machine busy, how long until watchers may hear
/// of it, and from then until its client goes on; and how long a read takes, which is assumed. Its machine had other work, in some runs more than in others.
///
/// Measured in the recordings of families a to w, at moments when little else happened: from a Deployment's new generation
/// to its new ReplicaSet, a watch and a write, 12 ms (median of 42); from there to the next write of the same sync, a reply
/// and a write, 28 ms with a first decile of 15 ms (24). When 40 pods are created at once (e8), some 75 writes of all
/// programs take 320 to 360 ms: 4 to 5 ms each. Of the 151 pods that were created alone, the time to their binding has a
/// logarithm that varies within a run by a standard deviation of 0.67, and from run to run by 0.45: the latter is a 95th
/// percentile of twice the median.
fn api_delays(seed: u64) -> [(DelayId, Delay); 4] {
    let usual = Span::from_micros(3_500);
    let runs = Delay::LogNormal { median: usual, p95: usual.times(2) };
    let turn = runs.sample(&Draws::new(seed), "the recorder's machine", 0);
    let part = |tenths: u64| Span::from_micros(turn.as_micros() * tenths / 10);
    let (turn, read) = ((DelayId::ApiTurn, part(10), 4), (DelayId::ApiRead, part(10), 2));
    [turn, read, (DelayId::ApiWrite, part(17), 2), (DelayId::ApiReply, part(23), 2)]
        .map(|(id, median, spread)| (id, Delay::LogNormal { median, p95: median.times(spread) }))
}

/// Reads what a scenario says about objects.
pub struct Reader<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// What is wrong with it.
    pub problems: &'a mut Problems,
    /// What it needs that is not simulated.
    pub needs: &'a mut Vec<String>,
}

impl Reader<'_> {
    /// One manifest as an object; none if it is wrong or needs what is not simulated.
    pub fn manifest(&mut self, item: &Item) -> Option<Object> {
        let source = &self.scenario.source;
        let value = self.translated(&item.value);
        let path = |field: &str| if field.is_empty() { item.path.clone() } else { format!("{}.{field}", item.path) };
        let decoded = match decode::decode(&value, NAMESPACE) {
            Ok(decoded) => decoded,
            Err(Refusal { path: field, .. }) if field == "kind" && value["kind"].is_string() => {
                self.needs.push(not_simulated(value["kind"].as_str().unwrap_or_default()));
                return None;
            }
            Err(Refusal { path: field, message, help }) => {
                let found = source.complain(self.problems, code::MANIFEST, &path(&field), message);
                found.help.extend(help);
                return None;
            }
        };
        for field in &decoded.unknown {
            let message = format!("unknown field \"{}\"", field.path);
            source.complain(self.problems, code::MANIFEST, &path(&field.path), message).guess(field.nearest);
        }
        for error in decoded.errors().0 {
            let message = format!("{}: {error}", decoded.object.key().name);
            source.complain(self.problems, code::MANIFEST, &path(&error.field), message);
        }
        let mut notes = Vec::new();
        interpreted::note(&source.file, source.lines(), &item.path, &value, &mut notes);
        self.needs.extend(notes.into_iter().map(|note| not_simulated(&format!("`{}`", note.field))));
        Some(decoded.object)
    }

    /// A kind by its name; a need if it is not simulated.
    pub fn kind(&mut self, name: &str) -> Option<Kind> {
        let kind = Kind::ALL.iter().copied().find(|kind| kind.name() == name);
        if kind.is_none() {
            self.needs.push(not_simulated(name));
        }
        kind
    }

    /// A text with the scenario's names in place of `$POOL` and `$NS`.
    pub fn named(&self, text: &str) -> String {
        text.replace("$POOL", &self.scenario.name).replace("$NS", NAMESPACE)
    }

    /// With the scenario's names in place of `$POOL` and `$NS`, and with our annotations in place of the recorder's.
    fn translated(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::from(self.named(text)),
            Value::Array(list) => list.iter().map(|item| self.translated(item)).collect(),
            Value::Object(map) => {
                let mut translated = Map::new();
                for (key, value) in map {
                    let value = self.translated(value);
                    match key.strip_prefix(ANNOTATION) {
                        Some(name) if key != POOL => {
                            if let Some((key, text)) = self.annotation(name, &value) {
                                translated.insert(key.to_string(), Value::from(text));
                            }
                        }
                        _ => drop(translated.insert(key.clone(), value)),
                    }
                }
                Value::Object(translated)
            }
            other => other.clone(),
        }
    }

    /// An annotation of the recorder's, without what stands before its name, as ours; a need if we have none for it.
    pub fn annotation(&mut self, name: &str, value: &Value) -> Option<(&'static str, String)> {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
        let seconds = || if text == "never" { text.clone() } else { format!("{text}s") };
        match name {
            "start-delay" => Some((behavior::CONTAINER_START, seconds())),
            "ready-delay" => Some((behavior::READY_AFTER, seconds())),
            "term-delay" => Some((behavior::CONTAINER_STOP, seconds())),
            "run-seconds" => Some((behavior::RUN_FOR, seconds())),
            "exit-code" => Some((behavior::EXIT_CODE, text)),
            other => {
                self.needs.push(not_simulated(&format!("the pods' annotation `{ANNOTATION}{other}`")));
                None
            }
        }
    }
}
