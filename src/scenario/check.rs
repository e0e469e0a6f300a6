//! Checks what one part of a scenario says of another: events, nodes, zones, domains, workloads.
//!
//! Tables that could not be read as a whole are looked at too, as far as they are known (see [`Draft`] and [`Mention`]).

use super::domain::Domains;
use super::failure::expand::{self, Layout};
use super::problem::code;
use super::reader::{At, Mention, Sink};
use super::schema::{Claim, Draft, Moment, Scenario};
use super::suggest::{listed, nearest};
use super::target::{WORKLOADS, without_kind, workload};
use crate::kernel::rng::Draws;
use crate::object::reference::unsimulated;
use crate::object::{Kind, Node, Object};
use crate::record::workloads::workload_name;
use order::Order;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

mod endings;
mod events;
mod nodes;
mod order;
mod pods;
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
    let drafts: Vec<Draft> = scenario.events.iter().map(Draft::from).chain(scenario.drafts.iter().cloned()).collect();
    // Of two events with one id the first counts.
    let waits_for = drafts.iter().rev().filter_map(|draft| {
        let before = match draft.moment.as_ref()? {
            Moment::At(_) => None,
            Moment::After { event, .. } => Some(event.value.as_str()),
        };
        Some((draft.id.as_ref()?.value.as_str(), before))
    });
    // All nodes, with their labels: only where somebody asks for them.
    let is_asked = drafts.iter().any(|draft| draft.target.is_some() || draft.pool.is_some())
        || !scenario.failures.is_empty()
        || scenario.mentions.iter().any(|mention| matches!(mention, Mention::Target(..) | Mention::Things(_)));
    let pools = scenario.pools.iter().filter(|_| scenario.are_pools_complete && is_asked);
    let check = Check {
        scenario,
        domains,
        objects: all,
        workloads,
        waits_for: waits_for.collect(),
        nodes: pools.flat_map(super::build::nodes).collect(),
        joining: joining(scenario, sink),
        node_names: OnceCell::new(),
        order: Order::of(&drafts, scenario.events.len()),
        drafts: &drafts,
    };
    check.events(sink);
    check.endings(sink);
    check.failures(sink);
    check.expectations(sink);
    check.mentions(sink);
    check.something_runs(sink);
}

fn workloads_of(objects: &[&Object]) -> BTreeSet<String> {
    let all = objects.iter().filter(|object| WORKLOADS.contains(&object.kind()));
    all.map(|object| workload_name(&(object.kind(), object.key().clone()))).collect()
}

/// The nodes of machines that join during the run; none if they are not known.
fn joining(scenario: &Scenario, sink: &mut Sink<'_>) -> Option<Vec<Node>> {
    if !scenario.are_pools_complete || scenario.drafts.iter().any(|draft| draft.name == "node.add") {
        return None;
    }
    let joins = super::build::joins(scenario, sink)?;
    Some(joins.into_values().flatten().collect())
}

struct Check<'a> {
    scenario: &'a Scenario,
    domains: &'a Domains,
    objects: Option<Vec<&'a Object>>,
    workloads: Option<BTreeSet<String>>,
    /// The event after which each comes, if it waits for one, by ids.
    waits_for: BTreeMap<&'a str, Option<&'a str>>,
    /// The nodes of the beginning.
    nodes: Vec<Node>,
    /// Those of machines that join later; none if they are not known.
    joining: Option<Vec<Node>>,
    node_names: OnceCell<BTreeSet<String>>,
    order: Order<'a>,
    /// All events: first those that could be read as a whole.
    drafts: &'a [Draft],
}

impl Check<'_> {
    /// What tables mention that could not be read as a whole; of the others it has been told.
    fn mentions(&self, sink: &mut Sink<'_>) {
        for mention in &self.scenario.mentions {
            let bytes = match mention {
                Mention::Event(At { bytes, .. }) | Mention::Workload(At { bytes, .. }) => bytes,
                Mention::Target(At { bytes, .. }, _) | Mention::Things(At { bytes, .. }) => bytes,
            };
            let place = Some(sink.place(bytes));
            if sink.problems.list.iter().any(|problem| problem.place == place) {
                continue;
            }
            match mention {
                Mention::Event(id) => {
                    self.event_exists(id, sink);
                }
                Mention::Workload(of) => {
                    self.workload_exists(of, sink);
                }
                Mention::Target(target, is_whole) => self.target(None, target, *is_whole, sink),
                Mention::Things(per) if self.scenario.are_pools_complete => {
                    expand::kind_exists(per, &Layout { nodes: &self.nodes, domains: self.domains }, sink);
                }
                Mention::Things(_) => {}
            }
        }
    }

    /// Whether there is anything that has pods. Where it has been told of each workload that it has none, that is enough.
    fn something_runs(&self, sink: &mut Sink<'_>) {
        let Some(objects) = self.objects.as_ref().filter(|_| !sink.problems.has_errors()) else { return };
        let has_pods = |object: &&Object| object.kind() == Kind::Pod || WORKLOADS.contains(&object.kind());
        let is_told = sink.problems.list.iter().any(|problem| problem.code == code::NO_PODS);
        if is_told || objects.iter().any(has_pods) {
            return;
        }
        let (bytes, message, help) = match self.scenario.manifests.first() {
            None => (
                &(0..0),
                "there is no workload: nothing will run, and nothing can converge",
                "add a `[[workload]]`, or name the files with its YAML: `manifests = [\"app.yaml\"]`",
            ),
            Some(first) => (
                &first.bytes,
                "the manifests have no pods and no workloads: nothing will run, and nothing can converge",
                "add a file with a Deployment, a ReplicaSet or a Pod, or a `[[workload]]`",
            ),
        };
        sink.warning(code::NOTHING_RUNS, bytes, message).help(help).note("a run that places no pod fails");
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

    fn event_exists(&self, id: &At<String>, sink: &mut Sink<'_>) -> bool {
        let ids = &self.scenario.event_ids;
        let exists = ids.contains(&id.value) || !self.scenario.are_events_known;
        if !exists {
            // Its own id, or that of one of its events: `f-1`.
            let random = self.scenario.failures.iter().map(|failure| &failure.id.value);
            let random = random.into_iter().find(|own| {
                let number = id.value.strip_prefix(own.as_str()).and_then(|rest| rest.strip_prefix('-'));
                **own == id.value || number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
            });
            if let Some(own) = random {
                let message = match *own == id.value {
                    true => format!("`{own}` is a `[[failure]]`, not an event"),
                    false => format!("`{}` would come of the `[[failure]]` `{own}`: nothing can refer to it", id.value),
                };
                sink.error(code::UNKNOWN_EVENT, &id.bytes, message)
                    .note("what fails at random, when and how often, is another thing with each seed")
                    .help("to refer to it, write what happens as an `[[event]]`");
                return false;
            }
            let problem = sink.error(code::UNKNOWN_EVENT, &id.bytes, format!("there is no event `{}`", id.value));
            problem.guess(nearest(&id.value, ids.iter().map(String::as_str)));
            match ids.is_empty() {
                true => problem.help("events are declared as `[[event]]` with an `id`"),
                false => problem.note(format!("events are {}", listed(ids.iter().map(String::as_str)))),
            };
        }
        exists
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
            if measure.needs_event
                && expectation.since.is_none()
                && self.scenario.event_ids.len() != 1
                && self.scenario.are_events_known
            {
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
            if let Some(meant) = without_kind(&name.value) {
                problem.help(format!("write \"{meant}\""));
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
        if workloads.contains(&full) {
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
