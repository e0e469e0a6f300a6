//! Reads a target: which nodes an event hits, looked up at its moment.

use super::domain::Domains;
use super::label_selector;
use super::language::TARGET;
use super::problem::code;
use super::reader::{self, At, Mention, Section, Sink};
use super::shape;
use crate::object::target::{Filter, NodeSelector, Order, Pick, Target, Workload};
use crate::object::{Key, Kind, reference};
use std::ops::Range;
use toml::Spanned;
use toml::de::DeValue;

/// How targets are written, for messages.
const EXAMPLES: &str = "as { node = \"w-1\" }, { zone = \"a\" }, { domain = \"rack-1\" }, { pool = \"w\", pick = 1 }, { labels = \"disk=ssd\" }, \
     { running = \"web-0\" }, { most-pods = \"deployment/web\" }, { event = \"crash\" }";

/// A target as written: what refers to other parts of the scenario keeps its place, for `check`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The filters, each with its place; those of domains without their nodes.
    pub filters: Vec<At<Filter>>,
    /// How many.
    pub pick: Option<Pick>,
    /// Where that is written.
    pub pick_bytes: Range<usize>,
}

impl Written {
    /// The target, with the nodes of its domains.
    pub fn resolve(&self, domains: &Domains) -> Target {
        Target::Nodes(NodeSelector { filters: self.resolved_filters(domains), pick: self.pick.clone() })
    }

    /// Its filters, with the nodes of their domains.
    pub fn resolved_filters(&self, domains: &Domains) -> Vec<Filter> {
        let filters = self.filters.iter().map(|filter| match &filter.value {
            Filter::Domain { name, .. } => {
                let nodes = domains.nodes(name).unwrap_or_default().to_vec();
                Filter::Domain { name: name.clone(), nodes }
            }
            filter => filter.clone(),
        });
        filters.collect()
    }
}

/// Reads a target.
pub fn target(value: &Spanned<DeValue<'_>>, sink: &mut Sink<'_>) -> Option<At<Written>> {
    if let Some(text) = value.get_ref().as_str() {
        let problem = sink.bad_value(&value.span(), "a target is a table, not a string");
        problem.help(match text.split_once('/') {
            Some(_) => format!("write `target = {{ running = \"{text}\" }}` for the nodes that run it"),
            None => format!("write `target = {{ node = \"{text}\" }}`"),
        });
        return None;
    }
    if let Some(array) = value.get_ref().as_array() {
        let names: Vec<String> =
            array.iter().filter_map(|name| Some(format!("\"{}\"", name.get_ref().as_str()?))).collect();
        sink.bad_value(&value.span(), "a target is a table, not a list")
            .help(format!("write `target = {{ nodes = [{}] }}`", names.join(", ")));
        return None;
    }
    let mut section = reader::table(value, "`target`", TARGET, sink)?;
    if section.is_empty() {
        sink.error(code::MISSING_KEY, &value.span(), "the target names no nodes").help(EXAMPLES);
        return None;
    }
    let errors = sink.problems.list.len();
    let mut written = Written::default();
    filters(&mut section, &mut written, sink);
    let all = section.value("all").and_then(|value| reader::flag(value, "all", sink));
    let most = section.text("most-pods", sink).and_then(|name| workload_of(&name, sink));
    let count = section.number("pick", 1, sink);
    let order_value = section.value("order");
    let order = order_value
        .and_then(|value| shape::one_of(value, "order", &["name", "random", "most-pods", "fewest-pods"], sink));
    if let (Some(value), None) = (order_value, &count) {
        sink.error(code::CONFLICT, &value.span(), "`order` only matters when not all are taken")
            .help("say how many: `pick = 1`, or leave `order` out");
    }
    if let Some(false) = all.as_ref().map(|all| all.value) {
        sink.bad_value(&all.as_ref().map_or(0..0, |all| all.bytes.clone()), "`all` is either true or left out")
            .help("name others, as `zone = \"a\"`, or write `all = true`");
    }
    if let Some(all) = all.as_ref().filter(|_| !written.filters.is_empty() || most.is_some()) {
        sink.error(code::CONFLICT, &all.bytes, "`all` nodes are meant, but there are filters too")
            .help("leave one of them out");
    }
    if let Some((workload, bytes)) = most {
        if let Some(count) = &count {
            sink.error(code::CONFLICT, &count.bytes, "`most-pods` is one node already")
                .help("for more write { running = \"deployment/NAME\", pick = 2, order = \"most-pods\" }");
        }
        written.filters.push(At { value: Filter::RunsAnyOf(workload.clone()), bytes });
        written.pick = Some(Pick { count: 1, order: Order::MostPods(Some(workload)) });
    } else if let Some(count) = count {
        let of = written.filters.iter().find_map(|filter| match &filter.value {
            Filter::RunsAnyOf(workload) => Some(workload.clone()),
            _ => None,
        });
        let order = match order {
            Some("random") => Order::Random,
            Some("most-pods") => Order::MostPods(of),
            Some("fewest-pods") => Order::FewestPods(of),
            _ => Order::Name,
        };
        written.pick_bytes = count.bytes;
        written.pick = Some(Pick { count: usize::try_from(count.value).unwrap_or(usize::MAX), order });
    }
    section.finish(sink);
    let written = At { value: written, bytes: value.span() };
    if sink.problems.list.len() > errors {
        sink.mentions.push(Mention::Target(written, false));
        return None;
    }
    Some(written)
}

fn filters(section: &mut Section<'_>, written: &mut Written, sink: &mut Sink<'_>) {
    let mut add = |filter: Filter, bytes: &Range<usize>| {
        written.filters.push(At { value: filter, bytes: bytes.clone() });
    };
    if let Some(name) = section.text("node", sink) {
        add(Filter::Named(vec![name.value.into()]), &name.bytes);
    }
    if let Some(names) = section.texts("nodes", sink) {
        if names.value.is_empty() {
            sink.bad_value(&names.bytes, "`nodes` names none").help("name some, or write `all = true`");
        }
        add(Filter::Named(names.value.iter().map(|name| name.value.as_str().into()).collect()), &names.bytes);
    }
    if let Some(zone) = section.text("zone", sink) {
        add(Filter::Zone(zone.value.into()), &zone.bytes);
    }
    if let Some(domain) = section.text("domain", sink) {
        add(Filter::Domain { name: domain.value.into(), nodes: Vec::new() }, &domain.bytes);
    }
    if let Some(pool) = section.text("pool", sink) {
        add(Filter::Pool(pool.value.into()), &pool.bytes);
    }
    if let Some(labels) = section.text("labels", sink) {
        match label_selector::parse(&labels.value) {
            Ok(selector) => add(Filter::Labels(selector), &labels.bytes),
            Err(message) => drop(sink.bad_value(&labels.bytes, message).help("as \"disk=ssd,tier in (a, b)\"")),
        }
    }
    if let Some(running) = section.text("running", sink) {
        // `deployment/web` is a workload, `shop/web-0` a pod in a namespace.
        match workload(&running.value) {
            Some((kind, key)) if WORKLOADS.contains(&kind) => {
                add(Filter::RunsAnyOf(Workload { kind, key }), &running.bytes);
            }
            Some((Kind::Pod, key)) => add(Filter::Runs(key), &running.bytes),
            Some((kind, _)) => {
                sink.bad_value(&running.bytes, format!("pods run on nodes, a {kind} does not"))
                    .label("expected a pod (\"web-0\") or a workload (\"deployment/web\")");
            }
            None => match running.value.split_once('/').and_then(|(kind, _)| reference::unsimulated(kind)) {
                Some(kind) => {
                    sink.bad_value(&running.bytes, format!("a {kind} is not simulated yet: no node runs its pods"))
                        .label("expected a pod (\"web-0\") or a workload (\"deployment/web\")");
                }
                None => add(Filter::Runs(namespaced(&running.value)), &running.bytes),
            },
        }
    }
    if let Some(event) = section.text("event", sink) {
        add(Filter::HitBy(event.value.into()), &event.bytes);
    }
}

/// Kinds that keep pods alive.
pub const WORKLOADS: [Kind; 2] = [Kind::Deployment, Kind::ReplicaSet];

fn workload_of(name: &At<String>, sink: &mut Sink<'_>) -> Option<(Workload, Range<usize>)> {
    let found = workload(&name.value).filter(|(kind, _)| WORKLOADS.contains(kind));
    let Some((kind, key)) = found else {
        let problem = sink.bad_value(&name.bytes, format!("`{}` is not a workload", name.value));
        problem.label("expected `deployment/NAME` or `replicaset/NAME`");
        if let Some(meant) = without_kind(&name.value) {
            problem.help(format!("write \"{meant}\""));
        }
        return None;
    };
    Some((Workload { kind, key }, name.bytes.clone()))
}

/// `web-0` or `shop/web-0` as a key; the namespace is `default` if none is named.
pub fn namespaced(name: &str) -> Key {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    Key::new(namespace, name)
}

/// What somebody meant who left the kind of a workload out: `web` or `shop/web`.
pub fn without_kind(text: &str) -> Option<String> {
    let is_kind = |word: &str| Kind::called(word).is_some() || reference::unsimulated(word).is_some();
    let is_left_out = match text.split_once('/') {
        Some((namespace, name)) => !name.is_empty() && !name.contains('/') && !is_kind(namespace),
        None => !text.is_empty(),
    };
    is_left_out.then(|| format!("deployment/{text}"))
}

/// `deployment/web` or `deployment/shop/web` as kind and key; also short names, as kubectl knows them.
pub fn workload(name: &str) -> Option<(Kind, Key)> {
    reference::object(name).ok()
}
