//! Checks what one part of a scenario says of another: events, nodes, zones, domains, workloads.

use super::domain::{Domains, no_such};
use super::failure::expand::{self, Layout};
use super::measure::is_named;
use super::problem::code;
use super::reader::{At, Sink};
use super::schema::{Claim, Event, Moment, Scenario, What};
use super::suggest::{listed, nearest};
use super::target::{WORKLOADS, Written, workload};
use crate::kernel::rng::Draws;
use crate::object::labels::Labels;
use crate::object::target::Filter;
use crate::object::{Kind, Node, Object};
use crate::record::workloads::workload_name;
use std::collections::BTreeSet;

/// Reports everything in `scenario` that refers to something that is not there. `objects` are those of its manifests and
/// workloads, if all could be read; `applied` those that its events apply.
pub fn check(
    scenario: &Scenario,
    domains: &Domains,
    objects: Option<&[Object]>,
    applied: &[&Object],
    sink: &mut Sink<'_>,
) {
    let all = objects.map(|objects| objects.iter().chain(applied.iter().copied()).collect::<Vec<_>>());
    let workloads = all.as_deref().map(workloads_of);
    let check = Check { scenario, domains, objects: all, workloads };
    check.events(sink);
    check.failures(sink);
    check.expectations(sink);
}

fn workloads_of(objects: &[&Object]) -> BTreeSet<String> {
    let all = objects.iter().filter(|object| WORKLOADS.contains(&object.kind()));
    all.map(|object| workload_name(&(object.kind(), object.key().clone()))).collect()
}

struct Check<'a> {
    scenario: &'a Scenario,
    domains: &'a Domains,
    objects: Option<Vec<&'a Object>>,
    workloads: Option<BTreeSet<String>>,
}

impl Check<'_> {
    fn events(&self, sink: &mut Sink<'_>) {
        for event in &self.scenario.events {
            match &event.moment {
                Moment::After { event: other, .. } => {
                    self.event_exists(other, sink);
                    if self.waits_for_itself(&event.id.value) {
                        sink.error(code::CONFLICT, &other.bytes, format!("`{}` would wait for itself", event.id.value))
                            .help("give one of them a time: `at = \"1m\"`");
                    }
                }
                Moment::At(at) if *at > self.scenario.run.until => {
                    let until = self.scenario.run.until;
                    let message = format!("`{}` would happen at {at}, the run ends at {until}", event.id.value);
                    sink.error(code::CONFLICT, &event.id.bytes, message)
                        .help("make it earlier, or the run longer: `until` in [run]");
                }
                Moment::At(_) => {}
            }
            if let Some(target) = &event.target {
                self.target(event, target, sink);
            }
            self.subject(event, sink);
        }
    }

    fn failures(&self, sink: &mut Sink<'_>) {
        if !self.scenario.are_pools_complete {
            return;
        }
        let nodes: Vec<Node> = self.scenario.pools.iter().flat_map(super::build::nodes).collect();
        let layout = Layout { nodes: &nodes, domains: self.domains };
        let draws = Draws::new(self.scenario.run.seed.value);
        for failure in &self.scenario.failures {
            if expand::check(failure, &layout, &self.scenario.event_ids, sink)
                && let Err(why) = expand::expand(failure, &layout, &draws, self.scenario.run.until)
            {
                sink.bad_value(&failure.id.bytes, why).help("let it fail less often, or make the run shorter");
            }
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

    fn event_exists(&self, id: &At<String>, sink: &mut Sink<'_>) -> bool {
        let ids = &self.scenario.event_ids;
        let exists = ids.contains(&id.value);
        if !exists {
            let problem = sink.error(code::UNKNOWN_EVENT, &id.bytes, format!("there is no event `{}`", id.value));
            problem.guess(nearest(&id.value, ids.iter().map(String::as_str)));
            match ids.is_empty() {
                true => problem.help("events are declared as `[[event]]` with an `id`"),
                false => problem.note(format!("events are {}", listed(ids.iter().map(String::as_str)))),
            };
        }
        exists
    }

    fn target(&self, event: &Event, target: &At<Written>, sink: &mut Sink<'_>) {
        let errors = sink.problems.list.len();
        let scenario = self.scenario;
        let pools = || scenario.pools.iter();
        let names = || pools().flat_map(|pool| pool.nodes().map(|node| node.name)).collect::<BTreeSet<String>>();
        let is_complete = scenario.are_pools_complete;
        // Machines that join have names and zones of their own.
        let may_grow = scenario.events.iter().any(|event| matches!(event.what, What::Add { .. }));
        for At { value: filter, bytes } in &target.value.filters {
            match filter {
                Filter::Named(wanted) if is_complete && !may_grow => {
                    let known = names();
                    let missing = wanted.iter().filter(|name| !known.contains(name.as_str()));
                    missing.for_each(|name| no_such(name, bytes, "node", &known, sink));
                }
                Filter::Zone(zone) if is_complete => {
                    let known: BTreeSet<String> = pools().flat_map(|pool| pool.zones.iter().cloned()).collect();
                    if !known.contains(zone.as_str()) {
                        no_such(zone, bytes, "zone", &known, sink);
                    }
                }
                Filter::Domain { name, .. } if is_complete => {
                    if self.domains.nodes(name).is_none() {
                        let known = self.domains.names().map(str::to_string).collect();
                        no_such(name, bytes, "domain", &known, sink);
                    }
                }
                Filter::Pool(name) if is_complete => {
                    let known: BTreeSet<String> = pools().map(|pool| pool.name.value.clone()).collect();
                    if !known.contains(name.as_str()) {
                        no_such(name, bytes, "pool", &known, sink);
                    }
                }
                Filter::RunsAnyOf(of) => {
                    let name = workload_name(&(of.kind, of.key.clone()));
                    self.workload_exists(&At { value: name, bytes: bytes.clone() }, sink);
                }
                Filter::HitBy(other) => {
                    let other = At { value: other.to_string(), bytes: bytes.clone() };
                    if other.value == event.id.value {
                        sink.error(code::CONFLICT, bytes, "an event cannot hit what it hits itself")
                            .help("name another event");
                    } else if self.event_exists(&other, sink) {
                        self.hits_nodes(&other, sink);
                    }
                }
                _ => {}
            }
        }
        if sink.problems.list.len() == errors && is_complete && !may_grow {
            self.selects_something(target, sink);
        }
    }

    /// Whether the filters that are known before the run leave any node together.
    fn selects_something(&self, target: &At<Written>, sink: &mut Sink<'_>) {
        let labels = |labels: &Labels, key: &str, value: &str| labels.get(key).is_some_and(|own| own.as_str() == value);
        let passes = |own: &Labels, name: &str| {
            target.value.filters.iter().all(|filter| match &filter.value {
                Filter::Named(wanted) => wanted.iter().any(|wanted| wanted.as_str() == name),
                Filter::Zone(zone) => labels(own, crate::object::node::LABEL_ZONE, zone),
                Filter::Pool(pool) => labels(own, crate::object::node::LABEL_POOL, pool),
                Filter::Domain { name: domain, .. } => {
                    self.domains.nodes(domain).is_some_and(|nodes| nodes.iter().any(|node| node.as_str() == name))
                }
                Filter::Labels(selector) => self.labels_change() || selector.matches(own),
                Filter::Runs(_) | Filter::RunsAnyOf(_) | Filter::HitBy(_) => true,
            })
        };
        let pools = self.scenario.pools.iter();
        let any = pools
            .flat_map(|pool| pool.nodes().map(move |node| (super::build::node_labels(pool, &node), node.name)))
            .any(|(labels, name)| passes(&labels, &name));
        if !any {
            let problem = sink.error(code::NO_TARGET, &target.bytes, "no node matches this target");
            problem.help("filters of a target together mean AND; `evenkeel run --dry-run` shows the nodes");
        }
    }

    /// Whether labels of nodes may be others when an event looks at them.
    fn labels_change(&self) -> bool {
        self.scenario.events.iter().any(|event| event.name == "node.label")
    }

    /// Whether an event is one that hits nodes.
    fn hits_nodes(&self, id: &At<String>, sink: &mut Sink<'_>) {
        let event = self.scenario.events.iter().find(|event| event.id.value == id.value);
        if event.is_some_and(|event| event.target.is_none()) {
            sink.error(code::NO_TARGET, &id.bytes, format!("the event `{}` hits no nodes", id.value))
                .help("name one that has a `target`");
        }
    }

    /// What an event is about.
    fn subject(&self, event: &Event, sink: &mut Sink<'_>) {
        if let What::Add { pool, .. } = &event.what
            && self.scenario.are_pools_complete
        {
            let known: BTreeSet<String> = self.scenario.pools.iter().map(|pool| pool.name.value.clone()).collect();
            if !known.contains(&pool.value) {
                no_such(&pool.value, &pool.bytes, "pool", &known, sink);
            }
        }
        let Some(of) = &event.of else { return };
        if event.name == "fault.end" {
            self.event_exists(of, sink);
            return;
        }
        match workload(&of.value) {
            Some((kind, _)) if WORKLOADS.contains(&kind) => drop(self.workload_exists(of, sink)),
            Some((kind, key)) => {
                let Some(objects) = &self.objects else { return };
                // Nodes, and pods that controllers make, have no manifest.
                let is_made_elsewhere = [Kind::Node, Kind::Pod].contains(&kind);
                let is_there = objects.iter().any(|object| object.kind() == kind && *object.key() == key);
                if !is_made_elsewhere && !is_there {
                    let known = objects.iter().filter(|object| object.kind() == kind);
                    let known: Vec<String> = known.map(|object| object.key().name.to_string()).collect();
                    let message = format!("no manifest has a {kind} `{}`", key.name);
                    sink.error(code::UNKNOWN_WORKLOAD, &of.bytes, message)
                        .guess(nearest(&key.name, known.iter().map(String::as_str)));
                }
            }
            None => {
                sink.bad_value(&of.bytes, format!("`{}` is not an object", of.value))
                    .label("expected as \"deployment/web\", outside `default` as \"deployment/NAMESPACE/web\"");
            }
        }
    }

    fn expectations(&self, sink: &mut Sink<'_>) {
        for expectation in &self.scenario.expectations {
            for event in [&expectation.since, &expectation.before].into_iter().flatten() {
                self.event_exists(event, sink);
            }
            if let Some(of) = &expectation.of {
                self.workload_exists(of, sink);
            }
            let (name, needs_workload) = match &expectation.claim {
                Claim::Measure { measure, .. } => (measure.name, measure.needs_workload),
                Claim::Rule(rule) => (rule.name, rule.needs_workload),
            };
            if needs_workload && expectation.of.is_none() {
                let message = format!("`{name}` does not say of which workload");
                let example =
                    self.workloads.as_ref().and_then(BTreeSet::first).map_or("deployment/web", String::as_str);
                sink.error(code::MISSING_KEY, &expectation.bytes, message).help(format!("add `of = \"{example}\"`"));
            }
            let Claim::Measure { measure, .. } = &expectation.claim else { continue };
            if measure.needs_event && expectation.since.is_none() && self.scenario.event_ids.len() != 1 {
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

    fn workload_exists(&self, name: &At<String>, sink: &mut Sink<'_>) -> bool {
        let Some((kind, key)) = workload(&name.value) else {
            sink.bad_value(&name.bytes, format!("`{}` is not a workload", name.value))
                .label("expected `deployment/NAME`, with `NAMESPACE/NAME` outside `default`");
            return false;
        };
        if !WORKLOADS.contains(&kind) {
            let kinds = WORKLOADS.map(Kind::name);
            sink.bad_value(&name.bytes, format!("a {kind} is not followed as a workload"))
                .label(format!("expected {}", kinds.join(" or ")));
            return false;
        }
        let Some(workloads) = &self.workloads else { return true };
        let full = workload_name(&(kind, key));
        if workloads.iter().any(|known| is_named(known, &full)) {
            return true;
        }
        let message = format!("no manifest and no [[workload]] is a {kind} like that");
        let problem = sink.error(code::UNKNOWN_WORKLOAD, &name.bytes, message);
        problem.guess(nearest(&full, workloads.iter().map(String::as_str)));
        match (self.objects.as_ref().is_some_and(Vec::is_empty), workloads.is_empty()) {
            (true, _) => problem
                .help("declare it as `[[workload]]`, or name the files with its YAML: `manifests = [\"app.yaml\"]`"),
            (_, true) => problem.note("the manifests have no workloads"),
            _ => problem.note(format!("workloads are {}", listed(workloads.iter().map(String::as_str)))),
        };
        false
    }
}
