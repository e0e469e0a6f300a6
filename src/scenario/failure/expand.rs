//! From a `[[failure]]` to the events that come of it with a seed, and what is wrong with it in a given cluster.

use super::super::domain::{Domains, no_such};
use super::super::problem::code;
use super::super::reader::{At, Sink};
use super::super::suggest::{listed, nearest};
use super::super::target::Written;
use super::{Failure, Per};
use crate::cluster::{Happening, Planned};
use crate::fault::process::Thing;
use crate::kernel::rng::Draws;
use crate::kernel::time::{Span, Time};
use crate::object::node::{LABEL_POOL, LABEL_ZONE};
use crate::object::target::{Filter, Target};
use crate::object::{Name, Node};
use std::collections::{BTreeMap, BTreeSet};

/// What there is to fail.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// All nodes of the beginning.
    pub nodes: &'a [Node],
    /// All failure domains.
    pub domains: &'a Domains,
}

/// What comes of a process with a seed.
#[derive(Clone, Debug)]
pub struct Expansion {
    /// Its events, in the order of time: `<id>-1`, `<id>-2`, …
    pub planned: Vec<Planned>,
    /// Why there are none, in a sentence.
    pub silence: Option<String>,
    /// Failures that did not happen because of `most`.
    pub held_back: usize,
}

/// A thing of this cluster and its nodes.
struct Item {
    name: String,
    nodes: BTreeSet<String>,
}

impl Layout<'_> {
    /// Names and zones, or pools, of the nodes that have one.
    fn labels(&self, label: &str) -> impl Iterator<Item = (&str, &str)> {
        self.nodes
            .iter()
            .filter_map(move |node| Some((node.meta.name().as_str(), node.meta.labels.get(label)?.as_str())))
    }

    /// Each node with each thing of this kind that it belongs to.
    fn places(&self, per: &Per) -> Vec<(&str, &str)> {
        match per {
            Per::Cluster => self.nodes.iter().map(|node| (node.meta.name().as_str(), "cluster")).collect(),
            Per::Node => self.nodes.iter().map(|node| (node.meta.name().as_str(), node.meta.name().as_str())).collect(),
            Per::Zone => self.labels(LABEL_ZONE).collect(),
            Per::Pool => self.labels(LABEL_POOL).collect(),
            Per::Domain(kind) => {
                let domains = self.domains.iter().filter(|(_, of, _)| of == kind);
                domains.flat_map(|(name, _, nodes)| nodes.iter().map(move |node| (node.as_str(), name))).collect()
            }
        }
    }

    /// Nodes that the target chooses.
    fn chosen(&self, target: Option<&At<Written>>) -> BTreeSet<&str> {
        let filters = target.map_or_else(Vec::new, |target| target.value.resolved_filters(self.domains));
        // What depends on the run was refused when it was read.
        let passes = |node: &&Node| {
            filters.iter().all(|filter| filter.admits(node.meta.name(), &node.meta.labels) != Some(false))
        };
        self.nodes.iter().filter(passes).map(|node| node.meta.name().as_str()).collect()
    }

    fn kinds(&self) -> BTreeSet<&str> {
        self.domains.iter().map(|(_, kind, _)| kind).collect()
    }
}

/// The things that may fail, by name.
fn items(failure: &Failure, layout: &Layout<'_>) -> Vec<Item> {
    if !failure.has_target {
        return vec![Item { name: "cluster".to_string(), nodes: BTreeSet::new() }];
    }
    let chosen = layout.chosen(failure.target.as_ref());
    let mut items: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (node, place) in layout.places(&failure.per.value) {
        if chosen.contains(node) {
            items.entry(place).or_default().insert(node.to_string());
        }
    }
    items.into_iter().map(|(name, nodes)| Item { name: name.to_string(), nodes }).collect()
}

/// Things as the process knows them. One that lies in nothing of the kind, or across several, is in a group of its own.
fn things(failure: &Failure, items: &[Item], layout: &Layout<'_>) -> Vec<Thing> {
    let places = failure.within.as_ref().map_or(Vec::new(), |within| layout.places(&within.value));
    let places: BTreeMap<&str, &str> = places.into_iter().rev().collect();
    let group = |item: &Item| {
        let mut groups: Vec<_> = item.nodes.iter().map(|node| places.get(node.as_str())).collect();
        groups.dedup();
        match groups[..] {
            [Some(group)] => format!("in {group}"),
            _ => format!("alone {}", item.name),
        }
    };
    items.iter().map(|item| Thing { name: item.name.as_str().into(), group: group(item).into() }).collect()
}

/// Reports what is wrong with a process in this cluster. Says whether nothing is.
pub fn check(failure: &Failure, layout: &Layout<'_>, event_ids: &[String], sink: &mut Sink<'_>) -> bool {
    let taken = event_ids.iter().find(|id| {
        let number = id.strip_prefix(failure.id.value.as_str()).and_then(|rest| rest.strip_prefix('-'));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    if let Some(taken) = taken {
        let message = format!("the events of `{}` are called `{}-1` and so on", failure.id.value, failure.id.value);
        sink.error(code::TWICE, &failure.id.bytes, message)
            .label(format!("there is an event `{taken}` already"))
            .help("give one of them another id");
    }
    let mut is_known = true;
    for per in [Some(&failure.per), failure.within.as_ref()].into_iter().flatten().filter(|_| failure.has_target) {
        is_known &= kind_exists(per, layout, sink);
    }
    if !is_known {
        return false;
    }
    if failure.has_target
        && let Some(target) = &failure.target
        && layout.chosen(Some(target)).is_empty()
    {
        target_is_empty(target, layout, sink);
        return false;
    }
    if items(failure, layout).is_empty() {
        let message = format!("none of these nodes belongs to a {}", one(&failure.per.value));
        let bytes = failure.target.as_ref().map_or(&failure.per.bytes, |target| &target.bytes);
        sink.error(code::NO_TARGET, bytes, message).help("choose other nodes, or write `per = \"node\"`");
        return false;
    }
    taken.is_none()
}

/// Reports a kind that the cluster has nothing of, and says whether it has something.
pub fn kind_exists(per: &At<Per>, layout: &Layout<'_>, sink: &mut Sink<'_>) -> bool {
    if !layout.places(&per.value).is_empty() {
        return true;
    }
    let message = format!("this cluster has no {}", one(&per.value));
    let problem = sink.error(code::NO_TARGET, &per.bytes, message);
    match &per.value {
        Per::Domain(kind) => {
            let kinds = layout.kinds();
            let others = kinds.iter().copied().filter(|kind| !Per::WORDS.contains(kind));
            let known = || Per::WORDS.into_iter().chain(others.clone());
            problem.note(format!("things of this cluster are {}", listed(known())));
            match nearest(kind, known()) {
                Some(guess) => problem.guess(Some(guess)),
                None if kind == "rack" => problem.help("give a pool racks: `racks = { a = [\"a1\", \"a2\"] }`"),
                None => problem.help(format!("declare one: `[[domain]]` with `kind = \"{kind}\"`")),
            }
        }
        Per::Zone => problem.help("give a pool zones: `zones = [\"a\", \"b\"]`"),
        _ => problem.help("add a pool of nodes: `[[cluster.pool]]`"),
    };
    false
}

fn target_is_empty(target: &At<Written>, layout: &Layout<'_>, sink: &mut Sink<'_>) {
    let labelled = |label: &str| layout.labels(label).map(|(_, of)| of.to_string()).collect::<BTreeSet<String>>();
    let errors = sink.problems.list.len();
    for filter in &target.value.filters {
        let (what, wanted, known): (_, Vec<&Name>, BTreeSet<String>) = match &filter.value {
            Filter::Named(names) => {
                ("node", names.iter().collect(), layout.nodes.iter().map(|node| node.meta.name().to_string()).collect())
            }
            Filter::Zone(zone) => ("zone", vec![zone], labelled(LABEL_ZONE)),
            Filter::Pool(pool) => ("pool", vec![pool], labelled(LABEL_POOL)),
            Filter::Domain { name, .. } => ("domain", vec![name], layout.domains.names().map(str::to_string).collect()),
            _ => continue,
        };
        for name in wanted.into_iter().filter(|name| !known.contains(name.as_str())) {
            no_such(name, &filter.bytes, what, &known, sink);
        }
    }
    if sink.problems.list.len() == errors {
        sink.error(code::NO_TARGET, &target.bytes, "no node matches this target")
            .help("filters of a target together mean AND");
    }
}

/// The events of a process, of which `check` has found nothing wrong, in a run that ends at `end`.
///
/// # Errors
/// A sentence if there are more of them than a run can hold.
pub fn expand(failure: &Failure, layout: &Layout<'_>, draws: &Draws, end: Span) -> Result<Expansion, String> {
    let items = items(failure, layout);
    let until = failure.until.map_or(end, |until| until.min(end));
    let moment = |span: Span| Time::ZERO + span;
    let things = things(failure, &items, layout);
    let strikes = failure.process.strikes(&things, moment(failure.from), moment(until), draws).map_err(|why| {
        format!("`{}` is too much for a run of {end}: {why}. {}", failure.id.value, rate(failure, items.len()))
    })?;
    let event = |(index, strike): (usize, &crate::fault::process::Strike)| {
        let nodes: BTreeSet<&str> =
            strike.things.iter().flat_map(|&thing| items[thing].nodes.iter().map(String::as_str)).collect();
        let nodes: Vec<Name> = nodes.into_iter().map(Name::from).collect();
        let shortest = Span::from_micros(1);
        Planned {
            id: format!("{}-{}", failure.id.value, index + 1).into(),
            at: strike.at,
            what: Happening::Fault {
                name: failure.name,
                fault: failure.fault.clone(),
                target: if failure.has_target { Target::named::<Name>(nodes) } else { Target::Cluster },
                lasts: strike.lasts.filter(|_| failure.can_last).map(|lasts| lasts.max(shortest)),
                jitter: failure.jitter,
                stagger: failure.stagger,
            },
        }
    };
    let planned: Vec<Planned> = strikes.list.iter().enumerate().map(event).collect();
    let silence = planned.is_empty().then(|| silence(failure, items.len(), until, end));
    Ok(Expansion { planned, silence, held_back: strikes.held_back })
}

fn silence(failure: &Failure, count: usize, until: Span, end: Span) -> String {
    let id = &failure.id.value;
    if failure.from >= end {
        return format!("`{id}` begins at {}, when the run of {end} is over", failure.from);
    }
    let time = if failure.from == Span::ZERO {
        format!("within {until}")
    } else {
        format!("from {} to {until}", failure.from)
    };
    format!("`{id}` never struck {time}. {}", rate(failure, count))
}

/// How often it fails, in a sentence.
fn rate(failure: &Failure, count: usize) -> String {
    let mean = failure.process.every.mean();
    let whole = Span::from_micros(mean.as_micros() / (count as u64).max(1));
    let (mean, whole) = (long(mean), long(whole));
    match count {
        1 => format!("Mean time between failures: {mean} for one {}", one(&failure.per.value)),
        _ => format!(
            "Mean time between failures: {mean} for each {} of {count}, {whole} for all of them",
            one(&failure.per.value)
        ),
    }
}

/// One thing of this kind.
fn one(per: &Per) -> String {
    match per {
        Per::Cluster => "cluster".to_string(),
        Per::Node => "node".to_string(),
        Per::Zone => "zone".to_string(),
        Per::Pool => "pool".to_string(),
        Per::Domain(kind) => format!("domain of kind `{kind}`"),
    }
}

/// A long time, rounded to the unit that people would say it in.
pub fn long(span: Span) -> String {
    let hours = (span.as_secs() + 1_800) / 3_600;
    match hours {
        0 if span.as_secs() < 10 => span.to_string(),
        0..10 => Span::from_secs(span.as_secs()).to_string(),
        10..2_400 => format!("{hours}h"),
        _ => format!("{}d", (hours + 12) / 24),
    }
}
