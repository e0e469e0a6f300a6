//! Checks what one part of a scenario says of another: events, nodes, zones, workloads.

use super::measure::is_named;
use super::problem::{Problems, code};
use super::reader::{At, Sink};
use super::schema::{Claim, Moment, Scenario};
use super::story::workload;
use super::suggest::{listed, nearest};
use crate::object::target::{Filter, NodeSelector, Target, Workload};
use crate::object::{Kind, Object};
use crate::record::workloads::workload_name;
use std::collections::BTreeSet;

/// Kinds that the recorder follows as workloads.
const WORKLOADS: [Kind; 2] = [Kind::Deployment, Kind::ReplicaSet];

/// Reports everything in `scenario` that refers to something that is not there. `objects` are those of its manifests, if
/// all could be read.
pub fn check(file: &str, scenario: &Scenario, objects: Option<&[Object]>, problems: &mut Problems) {
    let mut sink = Sink::new(file, problems);
    let workloads = objects.map(workloads_of);
    let check = Check { scenario, objects, workloads };
    check.events(&mut sink);
    check.expectations(&mut sink);
}

fn workloads_of(objects: &[Object]) -> BTreeSet<String> {
    let all = objects.iter().filter(|object| WORKLOADS.contains(&object.kind()));
    all.map(|object| workload_name(&(object.kind(), object.key().clone()))).collect()
}

struct Check<'a> {
    scenario: &'a Scenario,
    objects: Option<&'a [Object]>,
    workloads: Option<BTreeSet<String>>,
}

impl Check<'_> {
    fn events(&self, sink: &mut Sink<'_>) {
        for event in &self.scenario.events {
            if let Moment::After { event: other, .. } = &event.moment {
                self.event_exists(other, sink);
                if self.waits_for_itself(&event.id.value) {
                    sink.error(code::CONFLICT, &other.bytes, format!("`{}` would wait for itself", event.id.value))
                        .help("give one of them a time: `at = \"1m\"`");
                }
            }
            self.target(&event.target, sink);
        }
    }

    fn waits_for_itself(&self, id: &str) -> bool {
        let before = |id: &str| {
            let event = self.scenario.events.iter().find(|event| event.id.value == id)?;
            match &event.moment {
                Moment::At(_) => None,
                Moment::After { event, .. } => Some(event.value.clone()),
            }
        };
        // Further back than there are events it goes round; only those on the circle are reported.
        let mut current = before(id);
        for _ in 0..self.scenario.events.len() {
            match current {
                Some(other) if other == id => return true,
                Some(other) => current = before(&other),
                None => return false,
            }
        }
        false
    }

    fn event_exists(&self, id: &At<String>, sink: &mut Sink<'_>) {
        let ids = &self.scenario.event_ids;
        if !ids.contains(&id.value) {
            let problem = sink.error(code::UNKNOWN_EVENT, &id.bytes, format!("there is no event `{}`", id.value));
            problem.guess(nearest(&id.value, ids.iter().map(String::as_str)));
            match ids.is_empty() {
                true => problem.help("events are declared as `[[event]]` with an `id`"),
                false => problem.note(format!("events are {}", listed(ids.iter().map(String::as_str)))),
            };
        }
    }

    fn target(&self, target: &At<Target>, sink: &mut Sink<'_>) {
        let pools = &self.scenario.pools;
        let nodes = || pools.iter().flat_map(|pool| pool.nodes().map(|(name, _)| name));
        let zones: BTreeSet<&str> = pools.iter().flat_map(|pool| pool.zones.iter().map(String::as_str)).collect();
        let Target::Nodes(NodeSelector { filters, .. }) = &target.value else { return };
        let [filter] = filters.as_slice() else { return };
        let (known, what, name): (Vec<String>, _, _) = match filter {
            Filter::Named(names) if self.scenario.are_pools_complete => {
                (nodes().collect(), "nodes", names[0].to_string())
            }
            Filter::Zone(zone) if self.scenario.are_pools_complete => {
                (zones.iter().map(ToString::to_string).collect(), "zones", zone.to_string())
            }
            Filter::RunsAnyOf(Workload { kind, key }) => {
                let name = workload_name(&(*kind, key.clone()));
                return self.workload_exists(&At { value: name, bytes: target.bytes.clone() }, sink);
            }
            _ => return,
        };
        if known.contains(&name) {
            return;
        }
        let problem = sink.error(code::NO_TARGET, &target.bytes, "no node matches this target");
        problem.label(match known.len() {
            0 => format!("the pools of this cluster have no {what}"),
            1..=8 => format!("{what} in this cluster: {}", listed(known.iter().map(String::as_str))),
            many => format!("{what} in this cluster: `{}` to `{}`, {many} in all", known[0], known[many - 1]),
        });
        problem.guess(nearest(&name, known.iter().map(String::as_str)));
    }

    fn expectations(&self, sink: &mut Sink<'_>) {
        for expectation in &self.scenario.expectations {
            if let Some(since) = &expectation.since {
                self.event_exists(since, sink);
            }
            if let Some(of) = &expectation.of {
                self.workload_exists(of, sink);
            }
            let Claim::Measure { measure, .. } = &expectation.claim else { continue };
            if measure.needs_workload && expectation.of.is_none() {
                let message = format!("`{}` does not say of which workload", measure.name);
                let example =
                    self.workloads.as_ref().and_then(BTreeSet::first).map_or("deployment/web", String::as_str);
                sink.error(code::MISSING_KEY, &expectation.bytes, message).help(format!("add `of = \"{example}\"`"));
            }
            if expectation.since.is_none() && self.scenario.event_ids.len() != 1 {
                let ids = listed(self.scenario.event_ids.iter().map(String::as_str));
                let message = format!("`{}` does not say since which event", measure.name);
                let problem = sink.error(code::MISSING_KEY, &expectation.bytes, message);
                problem.help(if ids.is_empty() {
                    "add an `[[event]]`".into()
                } else {
                    format!("`since` is one of {ids}")
                });
            }
        }
    }

    fn workload_exists(&self, name: &At<String>, sink: &mut Sink<'_>) {
        let Some((kind, key)) = workload(&name.value) else {
            sink.bad_value(&name.bytes, format!("`{}` is not a workload", name.value))
                .label("expected `deployment/NAME`, with `NAMESPACE/NAME` outside `default`");
            return;
        };
        if !WORKLOADS.contains(&kind) {
            let kinds = WORKLOADS.map(Kind::name);
            sink.bad_value(&name.bytes, format!("a {kind} is not followed as a workload"))
                .label(format!("expected {}", kinds.join(" or ")));
            return;
        }
        let Some(workloads) = &self.workloads else { return };
        let full = workload_name(&(kind, key));
        if workloads.iter().any(|known| is_named(known, &full)) {
            return;
        }
        let problem = sink.error(code::UNKNOWN_WORKLOAD, &name.bytes, format!("no manifest has a {kind} like that"));
        problem.guess(nearest(&full, workloads.iter().map(String::as_str)));
        match (self.objects.is_some_and(<[Object]>::is_empty), workloads.is_empty()) {
            (true, _) => problem.help("name the files with its YAML: `manifests = [\"app.yaml\"]`"),
            (_, true) => problem.note("the manifests have no workloads"),
            _ => problem.note(format!("workloads are {}", listed(workloads.iter().map(String::as_str)))),
        };
    }
}
