//! Reads `[[domain]]` and makes the tree of failure domains: what fails together.
//!
//! Zones and racks come from the pools; everything else is declared. A domain has the nodes that it covers and those of
//! the domains within it.

use super::label_selector;
use super::language::COVERS;
use super::problem::code;
use super::reader::{self, At, Section, Sink};
use super::schema::{Covers, Domain, Pool};
use super::suggest::{listed, nearest};
use crate::object::{Labels, Name};
use std::collections::{BTreeMap, BTreeSet};

/// Kind of the domains that pools' `zones` make.
pub const ZONE: &str = "zone";
/// Kind of the domains that pools' `racks` make.
pub const RACK: &str = "rack";

/// Reads one `[[domain]]`.
pub fn domain(mut section: Section<'_>, sink: &mut Sink<'_>) -> Option<Domain> {
    let name = section.required_text("name", sink);
    let kind = section.required_text("kind", sink);
    let within = section.text("within", sink);
    let covers = match section.value("covers") {
        Some(value) => covers(reader::table(value, "`covers`", COVERS, sink)?, sink),
        None => Some(Covers::default()),
    };
    section.finish(sink);
    let kind = kind.filter(|kind| {
        let is_zone = kind.value == ZONE;
        if is_zone {
            sink.bad_value(&kind.bytes, "zones are not declared: they come from the pools")
                .help("name them in the pools: `zones = [\"a\", \"b\"]`");
        }
        !is_zone
    });
    Some(Domain { name: name?, kind: kind?, within, covers: covers? })
}

fn covers(mut section: Section<'_>, sink: &mut Sink<'_>) -> Option<Covers> {
    let bytes = section.bytes.clone();
    let mut names = |key: &'static str, sink: &mut Sink<'_>| -> Option<Vec<At<String>>> {
        let value = section.value(key)?;
        match value.get_ref().is_array() {
            true => reader::texts(value, key, sink).map(|texts| texts.value),
            false => reader::text(value, key, sink).map(|text| vec![text]),
        }
    };
    let (node, nodes) = (names("node", sink), names("nodes", sink));
    let (zones, pools) = (names("zone", sink), names("pool", sink));
    let nodes = match (node, nodes) {
        (Some(one), Some(more)) => Some([one, more].concat()),
        (one, more) => one.or(more),
    };
    let labels = section.text("labels", sink);
    let errors = sink.problems.list.len();
    section.finish(sink);
    let has_unknown = sink.problems.list.len() > errors;
    let selector = labels.map(|labels| match label_selector::parse(&labels.value) {
        Ok(selector) => Some(At { value: selector, bytes: labels.bytes }),
        Err(message) => {
            sink.bad_value(&labels.bytes, message);
            None
        }
    });
    let labels = match selector {
        Some(None) => return None,
        selector => selector.flatten(),
    };
    if nodes.is_none() && zones.is_none() && pools.is_none() && labels.is_none() {
        // What a key of another name meant is told; that nothing is covered follows from it.
        if has_unknown {
            return None;
        }
        sink.error(code::MISSING_KEY, &bytes, "`covers` names no nodes")
            .help("as { zone = \"b\" }, { nodes = [\"w-1\", \"w-2\"] }, { labels = \"disk=ssd\" }; leave it out if only domains within have nodes");
        return None;
    }
    Some(Covers { nodes, zones, pools, labels })
}

/// All domains by name, with their kind and their nodes, in the order of the nodes.
#[derive(Clone, Debug, Default)]
pub struct Domains {
    list: BTreeMap<String, (String, Vec<Name>)>,
}

/// Names, kinds and nodes.
impl FromIterator<(String, String, Vec<Name>)> for Domains {
    fn from_iter<I: IntoIterator<Item = (String, String, Vec<Name>)>>(domains: I) -> Domains {
        Domains { list: domains.into_iter().map(|(name, kind, nodes)| (name, (kind, nodes))).collect() }
    }
}

impl Domains {
    /// The nodes of a domain.
    pub fn nodes(&self, name: &str) -> Option<&[Name]> {
        self.list.get(name).map(|(_, nodes)| nodes.as_slice())
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.list.keys().map(String::as_str)
    }

    /// All domains: name, kind and nodes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &[Name])> {
        self.list.iter().map(|(name, (kind, nodes))| (name.as_str(), kind.as_str(), nodes.as_slice()))
    }

    /// The tree of these pools and domains. Problems are told once a domain; what is wrong is left out of the tree.
    pub fn of(pools: &[Pool], domains: &[Domain], are_pools_complete: bool, sink: &mut Sink<'_>) -> Domains {
        let places: Vec<Placed> = pools.iter().flat_map(placed).collect();
        let mut direct: BTreeMap<&str, (&str, Option<&str>, BTreeSet<usize>)> = BTreeMap::new();
        for (index, place) in places.iter().enumerate() {
            if let Some(zone) = &place.zone {
                direct.entry(zone).or_insert((ZONE, None, BTreeSet::new())).2.insert(index);
            }
            if let Some(rack) = &place.rack {
                direct.entry(rack).or_insert((RACK, place.zone.as_deref(), BTreeSet::new())).2.insert(index);
            }
        }
        for domain in domains {
            if let Some((kind, ..)) = direct.get(domain.name.value.as_str()) {
                let message = format!("there is another domain `{}`, of kind {kind}", domain.name.value);
                sink.error(code::TWICE, &domain.name.bytes, message)
                    .help("names tell domains apart: give each its own");
                continue;
            }
            let covered = if are_pools_complete { covered(domain, &places, sink) } else { BTreeSet::new() };
            let within = domain.within.as_ref().map(|within| within.value.as_str());
            direct.insert(&domain.name.value, (&domain.kind.value, within, covered));
        }
        let parents: BTreeMap<&str, Option<&str>> =
            direct.iter().map(|(name, (_, within, _))| (*name, *within)).collect();
        for domain in domains {
            check_parent(domain, &parents, are_pools_complete, sink);
        }
        let mut list: BTreeMap<String, (String, BTreeSet<usize>)> = direct
            .iter()
            .map(|(name, (kind, _, nodes))| ((*name).to_string(), ((*kind).to_string(), nodes.clone())))
            .collect();
        for (name, (_, _, nodes)) in &direct {
            let mut seen = BTreeSet::from([*name]);
            let mut above = parents.get(name).copied().flatten();
            while let Some(parent) = above.filter(|parent| seen.insert(parent)) {
                if let Some((_, known)) = list.get_mut(parent) {
                    known.extend(nodes);
                }
                above = parents.get(parent).copied().flatten();
            }
        }
        for domain in domains.iter().filter(|_| are_pools_complete) {
            let is_empty = list.get(&domain.name.value).is_some_and(|(_, nodes)| nodes.is_empty());
            if is_empty && domain.covers.is_empty() {
                let message = format!("the domain `{}` has no nodes", domain.name.value);
                sink.error(code::NO_TARGET, &domain.name.bytes, message)
                    .help("say which with `covers`, or put other domains `within` it");
            }
        }
        let named =
            |nodes: BTreeSet<usize>| nodes.into_iter().map(|index| places[index].name.as_str().into()).collect();
        Domains { list: list.into_iter().map(|(name, (kind, nodes))| (name, (kind, named(nodes)))).collect() }
    }
}

/// A node with where it stands.
struct Placed {
    name: String,
    zone: Option<String>,
    rack: Option<String>,
    pool: String,
    labels: Labels,
}

fn placed(pool: &Pool) -> impl Iterator<Item = Placed> {
    pool.nodes().map(|node| Placed {
        labels: super::build::node_labels(pool, &node),
        name: node.name,
        zone: node.zone.map(str::to_string),
        rack: node.rack.map(str::to_string),
        pool: pool.name.value.clone(),
    })
}

fn covered(domain: &Domain, places: &[Placed], sink: &mut Sink<'_>) -> BTreeSet<usize> {
    let Covers { nodes, zones, pools, labels } = &domain.covers;
    if domain.covers.is_empty() {
        return BTreeSet::new();
    }
    let mut chosen: BTreeSet<usize> = (0..places.len()).collect();
    let mut is_good = true;
    let mut keep =
        |names: &Option<Vec<At<String>>>, what: &str, of: &dyn Fn(&Placed) -> Option<String>, sink: &mut Sink<'_>| {
            let Some(names) = names else { return };
            for name in names {
                if !places.iter().any(|place| of(place).as_ref() == Some(&name.value)) {
                    is_good = false;
                    let known: BTreeSet<String> = places.iter().filter_map(of).collect();
                    no_such(&name.value, &name.bytes, what, &known, sink);
                }
            }
            chosen.retain(|&index| of(&places[index]).is_some_and(|own| names.iter().any(|name| name.value == own)));
        };
    keep(nodes, "node", &|place| Some(place.name.clone()), sink);
    keep(zones, "zone", &|place| place.zone.clone(), sink);
    keep(pools, "pool", &|place| Some(place.pool.clone()), sink);
    if let Some(labels) = labels {
        chosen.retain(|&index| labels.value.matches(&places[index].labels));
    }
    if chosen.is_empty() && is_good {
        let message = format!("the domain `{}` covers no node", domain.name.value);
        sink.error(code::NO_TARGET, &domain.name.bytes, message).note("filters of `covers` together mean AND");
    }
    chosen
}

/// Says that there is no `what` called `name`, and what there is.
pub fn no_such(name: &str, bytes: &std::ops::Range<usize>, what: &str, known: &BTreeSet<String>, sink: &mut Sink<'_>) {
    let problem = sink.error(code::NO_TARGET, bytes, format!("there is no {what} `{name}`"));
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    problem.label(match known.as_slice() {
        [] => format!("this cluster has no {what}s"),
        few if few.len() <= 8 => format!("{what}s in this cluster: {}", listed(few.iter().copied())),
        many => format!("{what}s in this cluster: `{}` to `{}`, {} in all", many[0], many[many.len() - 1], many.len()),
    });
    problem.guess(nearest(name, known));
}

fn check_parent(
    domain: &Domain,
    parents: &BTreeMap<&str, Option<&str>>,
    are_pools_complete: bool,
    sink: &mut Sink<'_>,
) {
    let Some(within) = &domain.within else { return };
    if !parents.contains_key(within.value.as_str()) {
        if are_pools_complete {
            let known = parents.keys().filter(|name| **name != domain.name.value).map(ToString::to_string).collect();
            no_such(&within.value, &within.bytes, "domain", &known, sink);
        }
        return;
    }
    let mut round = vec![within.value.as_str()];
    while let Some(above) = round.last().and_then(|last| parents.get(last).copied().flatten()) {
        if *round.last().unwrap_or(&"") == domain.name.value || round.contains(&above) {
            break;
        }
        round.push(above);
    }
    // Those on a circle are told once, at the one that comes first by name.
    let is_on_it = round.last() == Some(&domain.name.value.as_str());
    if is_on_it && round.iter().all(|name| domain.name.value.as_str() <= *name) {
        let steps: Vec<String> = round.iter().map(|name| format!("within `{name}`")).collect();
        let message = format!("`{}` would lie within itself", domain.name.value);
        sink.error(code::CONFLICT, &within.bytes, message)
            .label(format!("`{}` lies {}", domain.name.value, steps.join(", which lies ")))
            .help("domains are a tree: leave one `within` of the circle out");
    }
}
