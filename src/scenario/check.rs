//! Checks what one part of a scenario says of another: events, nodes, zones, domains, workloads.

use super::domain::{Domains, no_such};
use super::failure::expand::{self, Layout};
use super::measure::is_named;
use super::problem::code;
use super::reader::{At, Mention, Sink};
use super::schema::{Claim, Event, Moment, Scenario, What};
use super::shape::unsimulated;
use super::suggest::{listed, nearest};
use super::target::{WORKLOADS, Written, workload};
use crate::kernel::rng::Draws;
use crate::object::labels::Labels;
use crate::object::target::Filter;
use crate::object::{Kind, Name, Node, Object};
use crate::record::workloads::workload_name;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

mod trial;

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
    let workloads = all.as_deref().filter(|_| scenario.are_workloads_complete).map(workloads_of);
    let all = all.filter(|_| scenario.are_workloads_complete);
    // Of two events with one id the first counts.
    let waits_for = scenario.events.iter().rev().map(|event| match &event.moment {
        Moment::At(_) => (event.id.value.as_str(), None),
        Moment::After { event: other, .. } => (event.id.value.as_str(), Some(other.value.as_str())),
    });
    // All nodes, with their labels: only where somebody asks for them.
    let is_asked = scenario.events.iter().any(|event| event.target.is_some()) || !scenario.failures.is_empty();
    let pools = scenario.pools.iter().filter(|_| scenario.are_pools_complete && is_asked);
    let check = Check {
        scenario,
        domains,
        objects: all,
        workloads,
        waits_for: waits_for.collect(),
        nodes: pools.flat_map(super::build::nodes).collect(),
        node_names: OnceCell::new(),
    };
    check.events(sink);
    check.failures(sink);
    check.expectations(sink);
    check.mentions(sink);
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
    /// The event after which each comes, if it waits for one, by ids.
    waits_for: BTreeMap<&'a str, Option<&'a str>>,
    nodes: Vec<Node>,
    node_names: OnceCell<BTreeSet<String>>,
}

impl Check<'_> {
    fn events(&self, sink: &mut Sink<'_>) {
        for event in &self.scenario.events {
            match &event.moment {
                Moment::After { event: other, .. } => {
                    self.event_exists(other, sink);
                    if let Some(round) = self.waits_for_itself(&event.id.value) {
                        let steps: Vec<String> = round.iter().map(|id| format!("after `{id}`")).collect();
                        sink.error(code::CONFLICT, &other.bytes, format!("`{}` would wait for itself", event.id.value))
                            .label(format!("it comes {}", steps.join(", which comes ")))
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
            self.trial(event, sink);
        }
    }

    /// What tables mention that could not be read as a whole; of the others it has been told.
    fn mentions(&self, sink: &mut Sink<'_>) {
        for mention in &self.scenario.mentions {
            let (Mention::Event(name) | Mention::Workload(name)) = mention;
            let place = Some(sink.place(&name.bytes));
            if sink.problems.list.iter().any(|problem| problem.place == place) {
                continue;
            }
            match mention {
                Mention::Event(id) => self.event_exists(id, sink),
                Mention::Workload(of) => self.workload_exists(of, sink),
            };
        }
    }

    fn failures(&self, sink: &mut Sink<'_>) {
        if !self.scenario.are_pools_complete {
            return;
        }
        let layout = Layout { nodes: &self.nodes, domains: self.domains };
        let draws = Draws::new(self.scenario.run.seed.value);
        for failure in &self.scenario.failures {
            if expand::check(failure, &layout, &self.scenario.event_ids, sink)
                && let Err(why) = expand::expand(failure, &layout, &draws, self.scenario.run.until)
            {
                sink.bad_value(&failure.id.bytes, why).help("let it fail less often, or make the run shorter");
            }
        }
    }

    /// The events on whose circle this one is, if it is the first of them in the file.
    fn waits_for_itself(&self, id: &str) -> Option<Vec<String>> {
        let before = |id: &str| self.waits_for.get(id).copied().flatten().map(str::to_string);
        // Further back than there are events it goes round; only those on the circle are reported.
        let mut round = vec![before(id)?];
        for _ in 0..self.scenario.events.len() {
            let last = round.last()?;
            if last == id {
                let first = self.scenario.events.iter().find(|event| round.contains(&event.id.value))?;
                return (first.id.value == id).then_some(round);
            }
            round.push(before(last)?);
        }
        None
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
        let is_complete = scenario.are_pools_complete;
        // Machines that join have names and zones of their own.
        let may_grow = scenario.events.iter().any(|event| matches!(event.what, What::Add { .. }));
        for At { value: filter, bytes } in &target.value.filters {
            match filter {
                Filter::Named(wanted) if is_complete && !may_grow => {
                    let names = || self.nodes.iter().map(|node| node.meta.name().to_string()).collect();
                    let known = self.node_names.get_or_init(names);
                    let missing = wanted.iter().filter(|name| !known.contains(name.as_str()));
                    missing.for_each(|name| {
                        no_such(name, bytes, "node", known, sink);
                        self.elsewhere(name, sink);
                    });
                }
                Filter::Zone(zone) if is_complete => {
                    let known: BTreeSet<String> = pools().flat_map(|pool| pool.zones.iter().cloned()).collect();
                    if !known.contains(zone.as_str()) {
                        no_such(zone, bytes, "zone", &known, sink);
                        self.elsewhere(zone, sink);
                    }
                }
                Filter::Domain { name, .. } if is_complete && self.domains.nodes(name).is_none() => {
                    let known = self.domains.names().map(str::to_string).collect();
                    no_such(name, bytes, "domain", &known, sink);
                    self.elsewhere(name, sink);
                }
                Filter::Pool(name) if is_complete => {
                    let known: BTreeSet<String> = pools().map(|pool| pool.name.value.clone()).collect();
                    if !known.contains(name.as_str()) {
                        no_such(name, bytes, "pool", &known, sink);
                        self.elsewhere(name, sink);
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
                        self.hits_nodes(event, &other, sink);
                    }
                }
                _ => {}
            }
        }
        if sink.problems.list.len() == errors && is_complete && !may_grow {
            self.selects_something(target, sink);
        }
    }

    /// Adds to the last problem what else is called so.
    fn elsewhere(&self, name: &str, sink: &mut Sink<'_>) {
        let mut pools = self.scenario.pools.iter();
        let what = if pools.clone().any(|pool| pool.name.value == name) {
            "pool"
        } else if self.domains.nodes(name).is_some() {
            "domain"
        } else if pools.any(|pool| pool.nodes().any(|node| node.name == name)) {
            "node"
        } else {
            return;
        };
        if let Some(problem) = sink.problems.list.last_mut() {
            problem.help.clear();
            problem.help(format!("there is a {what} of that name: write `{what} = \"{name}\"`"));
        }
    }

    /// Whether the filters that are known before the run leave any node together.
    fn selects_something(&self, target: &At<Written>, sink: &mut Sink<'_>) {
        let filters = target.value.resolved_filters(self.domains);
        let passes = |name: &Name, labels: &Labels| {
            filters.iter().all(|filter| {
                let may_change = matches!(filter, Filter::Labels(_)) && self.labels_change();
                may_change || filter.admits(name, labels) != Some(false)
            })
        };
        if !self.nodes.iter().any(|node| passes(node.meta.name(), &node.meta.labels)) {
            let problem = sink.error(code::NO_TARGET, &target.bytes, "no node matches this target");
            match target.value.filters.as_slice() {
                [At { value: Filter::Labels(_), .. }] => problem
                    .help("labels of nodes come from their pools: `labels = { disk = \"ssd\" }` in `[[cluster.pool]]`"),
                _ => problem.help("filters of a target together mean AND; `evenkeel run --dry-run` shows the nodes"),
            };
        }
    }

    /// Whether labels of nodes may be others when an event looks at them.
    fn labels_change(&self) -> bool {
        self.scenario.events.iter().any(|event| event.name == "node.label")
    }

    /// Whether an event is one that hits nodes.
    fn hits_nodes(&self, of: &Event, id: &At<String>, sink: &mut Sink<'_>) {
        let event = self.scenario.events.iter().find(|event| event.id.value == id.value);
        if let (Moment::At(own), Some(Moment::At(at))) = (&of.moment, event.map(|event| &event.moment))
            && at > own
        {
            let message =
                format!("`{}` comes at {at}, after `{}` at {own}: it has hit nothing by then", id.value, of.id.value);
            sink.error(code::CONFLICT, &id.bytes, message).help("name an event that comes before this one");
            return;
        }
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
            let ended = self.scenario.events.iter().find(|event| event.id.value == of.value);
            if self.event_exists(of, sink) && ended.is_some_and(|event| !matches!(event.what, What::Fault(_))) {
                sink.bad_value(&of.bytes, format!("`{}` is no fault: there is nothing to end", of.value))
                    .help("name an event that does a fault");
            }
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
                    let problem = sink.error(code::UNKNOWN_WORKLOAD, &of.bytes, message);
                    problem.guess(nearest(&key.name, known.iter().map(String::as_str)));
                    match known.as_slice() {
                        [] => problem.note(format!("no manifest has any {kind}")),
                        known => problem.note(format!("there are {}", listed(known.iter().map(String::as_str)))),
                    };
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
            if let Some(kind) = name.value.split_once('/').and_then(|(kind, _)| unsimulated(kind)) {
                sink.bad_value(&name.bytes, format!("a {kind} is not simulated yet"))
                    .label(format!("expected {}", WORKLOADS.map(Kind::name).join(" or ")));
                return false;
            }
            let problem = sink.bad_value(&name.bytes, format!("`{}` is not a workload", name.value));
            problem.label("expected `deployment/NAME`, with `NAMESPACE/NAME` outside `default`");
            if !name.value.contains('/') {
                problem.help(format!("write \"deployment/{}\"", name.value));
            }
            return false;
        };
        if !WORKLOADS.contains(&kind) {
            let kinds = WORKLOADS.map(Kind::name);
            sink.bad_value(&name.bytes, format!("a {kind} is not followed as a workload"))
                .label(format!("expected {}", kinds.join(" or ")));
            return false;
        }
        let Some(workloads) = &self.workloads else { return true };
        let full = workload_name(&(kind, key.clone()));
        if workloads.iter().any(|known| is_named(known, &full)) {
            return true;
        }
        let place =
            if key.namespace.as_str() == "default" { String::new() } else { format!(" in `{}`", key.namespace) };
        let problem =
            sink.error(code::UNKNOWN_WORKLOAD, &name.bytes, format!("there is no {kind} `{}`{place}", key.name));
        // What is the same in all of them says nothing about which is meant.
        let own = |full: &str| full.rsplit('/').next().unwrap_or(full).to_string();
        let names: Vec<String> = workloads.iter().map(|full| own(full)).collect();
        let meant = nearest(&key.name, names.iter().map(String::as_str));
        problem.guess(workloads.iter().find(|full| Some(own(full).as_str()) == meant).map(String::as_str));
        match (self.objects.as_ref().is_some_and(Vec::is_empty), workloads.is_empty()) {
            (true, _) => problem
                .help("declare it as `[[workload]]`, or name the files with its YAML: `manifests = [\"app.yaml\"]`"),
            (_, true) => problem.note("the manifests have no workloads"),
            _ => problem.note(format!("workloads are {}", listed(workloads.iter().map(String::as_str)))),
        };
        false
    }
}
