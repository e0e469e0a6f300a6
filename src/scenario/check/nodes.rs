//! Checks targets: that what they name is there, and that together they can mean a node.

use super::Check;
use crate::action;
use crate::fault;
use crate::object::Node;
use crate::object::target::Filter;
use crate::record::workloads::workload_name;
use crate::scenario::domain::no_such;
use crate::scenario::problem::code;
use crate::scenario::reader::{At, Sink};
use crate::scenario::schema::{Draft, Moment, What};
use crate::scenario::target::Written;
use std::collections::BTreeSet;

/// How far back events are followed that hit what others have hit. Ours: nobody writes chains as long.
const DEEPEST: usize = 32;

impl Check<'_> {
    /// A target of an event, or of something else; of one that could not be read as a whole what could be.
    pub(super) fn target(&self, event: Option<&Draft>, target: &At<Written>, is_whole: bool, sink: &mut Sink<'_>) {
        let errors = sink.problems.list.len();
        let scenario = self.scenario;
        let pools = || scenario.pools.iter();
        let is_complete = scenario.are_pools_complete;
        for At { value: filter, bytes } in &target.value.filters {
            match filter {
                Filter::Named(wanted) if is_complete && self.joining.is_some() => {
                    let names = || self.all_nodes().map(|node| node.meta.name().to_string()).collect();
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
                Filter::Domain { name, .. }
                    if is_complete && scenario.are_domains_known && self.domains.nodes(name).is_none() =>
                {
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
                Filter::Runs(pod) => self.pod_may_be_called(pod, bytes, true, sink),
                Filter::HitBy(other) => {
                    let other = At { value: other.to_string(), bytes: bytes.clone() };
                    if event.and_then(|event| event.id.as_ref()).is_some_and(|own| own.value == other.value) {
                        sink.error(code::CONFLICT, bytes, "an event cannot hit what it hits itself")
                            .help("name another event");
                    } else if self.event_exists(&other, sink) {
                        self.hits_nodes(event, &other, sink);
                    }
                }
                _ => {}
            }
        }
        if sink.problems.list.len() == errors && is_whole {
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

    /// All nodes that there are or will be.
    fn all_nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().chain(self.joining.iter().flatten())
    }

    /// The nodes that a target may mean when its moment has come: these or fewer. None if that is not known.
    pub(super) fn possible(&self, target: &Written) -> Option<Vec<&Node>> {
        let has_domain = target.filters.iter().any(|filter| matches!(filter.value, Filter::Domain { .. }));
        let are_domains_known = self.scenario.are_domains_known || !has_domain;
        if !self.scenario.are_pools_complete || self.joining.is_none() || !are_domains_known {
            return None;
        }
        let mut nodes: Vec<&Node> = self.all_nodes().collect();
        self.narrow(&mut nodes, target, DEEPEST);
        Some(nodes)
    }

    fn narrow(&self, nodes: &mut Vec<&Node>, target: &Written, depth: usize) {
        for filter in target.resolved_filters(self.domains) {
            match filter {
                Filter::Labels(_) if self.labels_change() => {}
                Filter::HitBy(other) => {
                    if let Some(before) = self.draft(&other).and_then(|event| event.target.as_ref())
                        && depth > 0
                    {
                        self.narrow(nodes, &before.value, depth - 1);
                    }
                }
                filter => nodes.retain(|node| filter.admits(node.meta.name(), &node.meta.labels) != Some(false)),
            }
        }
    }

    /// Whether a target means all nodes that it may mean, whatever happens.
    pub(super) fn is_certain(&self, target: &Written) -> bool {
        let is_static = |filter: &At<Filter>| match &filter.value {
            Filter::Named(_) | Filter::Zone(_) | Filter::Domain { .. } | Filter::Pool(_) => true,
            Filter::Labels(_) => !self.labels_change(),
            Filter::Runs(_) | Filter::RunsAnyOf(_) | Filter::HitBy(_) => false,
        };
        let may_go = self.drafts.iter().any(|draft| ["", "node.remove", "node.deleted"].contains(&draft.name));
        target.pick.is_none() && !may_go && target.filters.iter().all(is_static)
    }

    /// Whether the filters leave any node together, and as many as are to be picked.
    fn selects_something(&self, target: &At<Written>, sink: &mut Sink<'_>) {
        let Some(nodes) = self.possible(&target.value) else { return };
        if nodes.is_empty() {
            let problem = sink.error(code::NO_TARGET, &target.bytes, "no node matches this target");
            match target.value.filters.as_slice() {
                [At { value: Filter::Labels(_), .. }] => problem
                    .help("labels of nodes come from their pools: `labels = { disk = \"ssd\" }` in `[[cluster.pool]]`"),
                _ => problem.help("filters of a target together mean AND; `evenkeel run --dry-run` shows the nodes"),
            };
            return;
        }
        if let Some(pick) = target.value.pick.as_ref().filter(|pick| pick.count > nodes.len()) {
            let few = match nodes.as_slice() {
                [only] => format!("only `{}` can match", only.meta.name()),
                nodes => format!("only {} can match", nodes.len()),
            };
            sink.bad_value(&target.value.pick_bytes, format!("{} nodes are to be picked, but {few}", pick.count))
                .help("pick fewer, or leave `pick` out to mean all of them");
        }
    }

    /// Whether labels of nodes may be others when an event looks at them.
    fn labels_change(&self) -> bool {
        self.drafts.iter().any(|draft| ["", "node.label"].contains(&draft.name))
    }

    /// Whether an event is one that hits nodes, before `of` looks for them.
    fn hits_nodes(&self, of: Option<&Draft>, id: &At<String>, sink: &mut Sink<'_>) {
        let Some(event) = self.draft(&id.value) else { return };
        if let Some(of) = of
            && self.order.is_before(of, event)
        {
            let own = of.id.as_ref().map_or("this event".to_string(), |id| format!("`{}`", id.value));
            let message = match (&of.moment, &event.moment) {
                (Some(Moment::At(own_at)), Some(Moment::At(at))) => {
                    format!("`{}` comes at {at}, after {own} at {own_at}: it has hit nothing by then", id.value)
                }
                _ => format!("`{}` comes after {own}: it has hit nothing by then", id.value),
            };
            sink.error(code::CONFLICT, &id.bytes, message).help("name an event that comes before this one");
            return;
        }
        let is_aimed = match event.what {
            Some(What::Fault(_) | What::Action(_) | What::Apply { .. } | What::Add { .. }) => event.target.is_some(),
            // What could not be read may have a target that could not be read either.
            None => {
                let row = fault::find(event.name).map(|row| row.has_target);
                row.or_else(|| action::find(event.name).map(|row| row.has_target)) != Some(false)
            }
        };
        if !is_aimed {
            sink.error(code::NO_TARGET, &id.bytes, format!("the event `{}` hits no nodes", id.value))
                .help("name one that has a `target`");
        }
    }
}
