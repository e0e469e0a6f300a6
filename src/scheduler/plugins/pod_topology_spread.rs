//! Pods that belong together go to different zones and nodes.
//!
//! Source: `pkg/scheduler/framework/plugins/podtopologyspread/{plugin,common,filtering,scoring}.go`, v1.36. Pods are not
//! counted here but by [`crate::scheduler::tally`]; domains are numbers there. A pod without constraints of its own is
//! spread by those of the profile, if anything selects it ([`PodInfo::default_selector`]).

mod hints;

use super::quotient;
use crate::object::node::{LABEL_HOSTNAME, LABEL_ZONE};
use crate::object::node_affinity::must_match;
use crate::object::taint::{Effect, tolerated};
use crate::object::topology_spread::{InclusionPolicy, SpreadConstraint};
use crate::object::{Name, Pod, Selector};
use crate::scheduler::event::{Action, ClusterEvent, Interest, Resource};
use crate::scheduler::plugin::{MAX_NODE_SCORE, Plugin, Point, PreFilter, PreScore};
use crate::scheduler::table::{NodeTable, PodInfo};
use crate::scheduler::tally::{Count, Counted, Kept, Topology};
use crate::scheduler::window::{Code, Window};
use std::sync::Arc;

/// `PodTopologySpread`.
pub struct PodTopologySpread {
    /// For pods without constraints of their own.
    defaults: Vec<SpreadConstraint>,
    /// Those are upstream's own: then nodes without some of the labels are scored too.
    is_system: bool,
}

impl Default for PodTopologySpread {
    /// With upstream's constraints (`systemDefaultConstraints`).
    fn default() -> Self {
        let soft = |key: &str, max_skew| SpreadConstraint {
            topology_key: key.into(),
            max_skew,
            ..SpreadConstraint::default()
        };
        PodTopologySpread { defaults: vec![soft(LABEL_HOSTNAME, 3), soft(LABEL_ZONE, 5)], is_system: true }
    }
}

impl PodTopologySpread {
    /// With `defaultConstraints` of `defaultingType: List`; they have no selectors.
    pub const fn with_defaults(defaults: Vec<SpreadConstraint>) -> PodTopologySpread {
        PodTopologySpread { defaults, is_system: false }
    }
}

/// A constraint as one pod has it.
#[derive(Clone, Debug)]
struct Constraint {
    key: Name,
    /// None matches none.
    selector: Option<Arc<Selector>>,
    honours_taints: bool,
    honours_affinity: bool,
    max_skew: i64,
    min_domains: usize,
}

impl Constraint {
    fn new(constraint: &SpreadConstraint, selector: Option<Arc<Selector>>) -> Constraint {
        Constraint {
            key: constraint.topology_key.clone(),
            selector,
            honours_taints: constraint.node_taints_policy == Some(InclusionPolicy::Honor),
            honours_affinity: constraint.node_affinity_policy != Some(InclusionPolicy::Ignore),
            max_skew: i64::from(constraint.max_skew),
            min_domains: constraint.min_domains.map_or(1, |domains| usize::try_from(domains).unwrap_or(0)),
        }
    }

    fn matches(&self, pod: &Pod) -> bool {
        self.selector.as_ref().is_some_and(|selector| selector.matches(&pod.meta.labels))
    }

    /// Whether the node in `row` counts.
    fn includes(&self, pod: &Pod, nodes: &NodeTable, row: usize) -> bool {
        (!self.honours_affinity || honours_affinity(pod, nodes, row))
            && (!self.honours_taints || !keeps_away(pod, nodes, row))
    }

    /// Whether [`Constraint::includes`] may be false for any node.
    fn is_choosy(&self, pod: &Pod, nodes: &NodeTable) -> bool {
        self.honours_affinity && has_affinity(pod) || self.honours_taints && nodes.tainted.count() > 0
    }

    /// The pods that count, none for a selector without conditions.
    fn count(&self, pod: &PodInfo, nodes: &NodeTable) -> Kept<Count> {
        match self.selector.as_ref().filter(|selector| !selector.is_empty()) {
            Some(selector) => nodes.count(pod.pod.meta.namespace(), selector),
            None => Kept::Made(Arc::new(Count::none(nodes.len()))),
        }
    }
}

/// Whether the pod's node selector and required affinity admit the node in `row`.
fn honours_affinity(pod: &Pod, nodes: &NodeTable, row: usize) -> bool {
    must_match(&pod.spec, &nodes.names[row], &nodes.labels[row])
}

/// Whether the pod has a node selector or a required affinity: without, [`honours_affinity`] is always true.
fn has_affinity(pod: &Pod) -> bool {
    !pod.spec.node_selector.is_empty() || pod.spec.node_affinity.is_some()
}

fn keeps_away(pod: &Pod, nodes: &NodeTable, row: usize) -> bool {
    let keeps = |effect| effect != Effect::PreferNoSchedule;
    nodes.tainted.contains(row)
        && nodes.taints[row].iter().any(|taint| keeps(taint.effect) && !tolerated(&pod.spec.tolerations, taint))
}

impl PodTopologySpread {
    /// The hard or the soft constraints that hold for a pod, as they were written.
    fn asked<'a>(&'a self, pod: &'a PodInfo, is_hard: bool) -> impl Iterator<Item = &'a SpreadConstraint> {
        let own = &pod.pod.spec.topology_spread;
        let written = match (own.is_empty(), pod.default_selector.is_empty()) {
            (false, _) => own.as_slice(),
            (true, false) => &self.defaults,
            (true, true) => &[],
        };
        written.iter().filter(move |constraint| constraint.is_hard == is_hard)
    }

    /// The same, as the pod has them.
    fn constraints<'a>(&'a self, pod: &'a PodInfo, is_hard: bool) -> impl Iterator<Item = Constraint> + 'a {
        let is_default = pod.pod.spec.topology_spread.is_empty();
        self.asked(pod, is_hard).map(move |constraint| {
            let selector = match is_default {
                true => Some(pod.default_selector.clone()),
                false => constraint.counted(&pod.pod.meta.labels).map(Arc::new),
            };
            Constraint::new(constraint, selector)
        })
    }

    /// Whether only nodes with all the labels are scored.
    fn requires_all(&self, pod: &PodInfo) -> bool {
        !pod.pod.spec.topology_spread.is_empty() || !self.is_system
    }
}

/// A hard constraint, with what is counted so far.
#[derive(Clone, Debug)]
struct Hard {
    constraint: Constraint,
    topology: Kept<Topology>,
    /// By domain; those that no node included has are zero.
    counts: Vec<i64>,
    /// How many domains have a node that is included.
    domains: usize,
    /// The two domains with the fewest pods. Enough as long as pods come and go on one node only, as preemption tries.
    lowest: [(usize, i64); 2],
    /// 1 if the pod itself matches.
    own: i64,
}

impl Hard {
    fn new(constraint: Constraint, topology: Kept<Topology>, pod: &Pod) -> Hard {
        let own = i64::from(constraint.matches(pod));
        let lowest = [(usize::MAX, i64::MAX); 2];
        Hard { constraint, topology, counts: Vec::new(), domains: 0, lowest, own }
    }

    /// Upstream's `criticalPaths.update`.
    fn lower(&mut self, domain: usize) {
        let now = (domain, self.counts[domain]);
        let [first, second] = &mut self.lowest;
        if let Some(known) = [&mut *first, &mut *second].into_iter().find(|known| known.0 == domain) {
            *known = now;
        } else if now.1 < first.1 {
            (*first, *second) = (now, *first);
        } else if now.1 < second.1 {
            *second = now;
        }
        if first.1 > second.1 {
            std::mem::swap(first, second);
        }
    }

    /// The pods of the domain with the fewest.
    const fn fewest(&self) -> i64 {
        if self.domains < self.constraint.min_domains { 0 } else { self.lowest[0].1 }
    }
}

/// A soft constraint, with what is counted and how much it weighs.
#[derive(Clone, Debug)]
struct Soft {
    topology: Kept<Topology>,
    /// For host names: the pods on each row.
    on_row: Option<Kept<Count>>,
    /// Otherwise: what each domain is charged.
    by_domain: Vec<f64>,
    weight: f64,
    /// What every domain is charged, so that small differences count less.
    slack: f64,
}

impl Soft {
    fn charge(&self, pods: u32) -> f64 {
        f64::from(pods) * self.weight + self.slack
    }
}

/// What is learnt about one pod.
#[derive(Clone, Debug, Default)]
pub struct Cycle {
    hard: Vec<Hard>,
    soft: Vec<Soft>,
    /// Feasible nodes that lack a label, by their place among the feasible; empty if none does.
    ignored: Vec<bool>,
}

const NO_MATCH: &str = "node(s) didn't match pod topology spread constraints";
const NO_LABEL: &str = "node(s) didn't match pod topology spread constraints (missing required label)";

/// Whether the node in `row` has the labels of all `topologies`.
fn has_all(topologies: &[Kept<Topology>], nodes: &NodeTable, row: usize) -> bool {
    topologies.iter().all(|topology| nodes.topology_of(topology).has.contains(row))
}

fn is_everywhere(topologies: &[Kept<Topology>], nodes: &NodeTable) -> bool {
    topologies.iter().all(|topology| nodes.topology_of(topology).is_complete())
}

impl Plugin for PodTopologySpread {
    const NAME: &'static str = "PodTopologySpread";
    const POINTS: &'static [Point] = &[Point::PreFilter, Point::Filter, Point::PreScore, Point::Score];
    const INTERESTS: &'static [Interest] = &[
        Interest {
            resource: Resource::Pod,
            actions: Action::ADD.and(Action::DELETE).and(Action::POD_LABEL).and(Action::POD_TOLERATION),
        },
        Interest {
            resource: Resource::Node,
            actions: Action::ADD.and(Action::DELETE).and(Action::NODE_LABEL).and(Action::NODE_TAINT),
        },
    ];
    type Cycle = Cycle;

    fn counted(&self, pod: &PodInfo) -> Vec<Counted> {
        let both = [true, false].into_iter();
        let all = both.flat_map(|is_hard| self.constraints(pod, is_hard).map(move |one| (is_hard, one)));
        all.filter_map(|(is_hard, Constraint { key, selector, .. })| {
            let is_summed = is_hard || key != LABEL_HOSTNAME;
            Some(Counted { selector: selector.filter(|selector| !selector.is_empty())?, key, is_summed })
        })
        .collect()
    }

    fn pre_filter(&self, pod: &PodInfo, nodes: &NodeTable, cycle: &mut Cycle) -> PreFilter {
        let constraints: Vec<_> = self.constraints(pod, true).collect();
        if constraints.is_empty() {
            return PreFilter::Skip;
        }
        let topologies: Vec<_> = constraints.iter().map(|constraint| nodes.topology(&constraint.key)).collect();
        let is_everywhere = is_everywhere(&topologies, nodes);
        for (constraint, kept) in constraints.into_iter().zip(&topologies) {
            let (count, topology) = (constraint.count(pod, nodes), nodes.topology_of(kept));
            let mut hard = Hard::new(constraint, kept.clone(), &pod.pod);
            let mut is_domain: Vec<bool> = Vec::new();
            if is_everywhere && !hard.constraint.is_choosy(&pod.pod, nodes) {
                hard.counts = nodes.sums(&count, kept).iter().map(|&pods| i64::from(pods)).collect();
                is_domain.extend(topology.rows.iter().map(|&rows| rows > 0));
            } else {
                hard.counts.resize(topology.rows.len(), 0);
                is_domain.resize(topology.rows.len(), false);
                let on_row = &nodes.count_of(&count).on_row;
                for (row, &domain) in topology.domains.iter().enumerate() {
                    if has_all(&topologies, nodes, row) && hard.constraint.includes(&pod.pod, nodes, row) {
                        hard.counts[domain as usize] += i64::from(on_row[row]);
                        is_domain[domain as usize] = true;
                    }
                }
            }
            for (domain, _) in is_domain.iter().enumerate().filter(|(_, is_domain)| **is_domain) {
                hard.domains += 1;
                hard.lower(domain);
            }
            cycle.hard.push(hard);
        }
        PreFilter::Proceed
    }

    fn filter(&self, _pod: &PodInfo, cycle: &Cycle, nodes: &NodeTable, window: &mut Window) {
        for (first, bits) in window.masks() {
            window.judge(first, bits, |row| {
                cycle.hard.iter().find_map(|hard| {
                    let topology = nodes.topology_of(&hard.topology);
                    if !topology.has.contains(row) {
                        return Some((Code::Unresolvable, 1));
                    }
                    let skew = hard.counts[topology.domains[row] as usize] + hard.own - hard.fewest();
                    (skew > hard.constraint.max_skew).then_some((Code::Unschedulable, 0))
                })
            });
        }
    }

    fn reasons(&self, _pod: &PodInfo, _cycle: &Cycle, detail: u32) -> Vec<Name> {
        vec![if detail == 0 { NO_MATCH } else { NO_LABEL }.into()]
    }

    fn add_pod(&self, pod: &PodInfo, cycle: &mut Cycle, other: &PodInfo, row: usize, nodes: &NodeTable) {
        recount(pod, cycle, &other.pod, row, nodes, 1);
    }

    fn remove_pod(&self, pod: &PodInfo, cycle: &mut Cycle, other: &PodInfo, row: usize, nodes: &NodeTable) {
        recount(pod, cycle, &other.pod, row, nodes, -1);
    }

    fn pre_score(&self, pod: &PodInfo, cycle: &mut Cycle, nodes: &NodeTable, feasible: &[u32]) -> PreScore {
        let constraints: Vec<_> = self.constraints(pod, false).collect();
        if constraints.is_empty() {
            return PreScore::Skip;
        }
        let topologies: Vec<_> = constraints.iter().map(|constraint| nodes.topology(&constraint.key)).collect();
        let (requires_all, is_everywhere) = (self.requires_all(pod), is_everywhere(&topologies, nodes));
        if requires_all && !is_everywhere {
            cycle.ignored = feasible.iter().map(|&row| !has_all(&topologies, nodes, row as usize)).collect();
        }
        let scored: Vec<u32> = match cycle.ignored.as_slice() {
            [] => Vec::new(),
            ignored => feasible.iter().zip(ignored).filter(|(_, ignored)| !**ignored).map(|(row, _)| *row).collect(),
        };
        let scored = if cycle.ignored.is_empty() { feasible } else { &scored };
        for (constraint, kept) in constraints.into_iter().zip(&topologies) {
            let (count, topology) = (constraint.count(pod, nodes), nodes.topology_of(kept));
            let mut soft = Soft {
                topology: kept.clone(),
                on_row: None,
                by_domain: Vec::new(),
                weight: 0.0,
                slack: (constraint.max_skew - 1) as f64,
            };
            let weight = |domains: usize| libm::log((domains + 2) as f64);
            if constraint.key == LABEL_HOSTNAME {
                soft.weight = weight(scored.len());
                soft.on_row = Some(count);
            } else {
                soft.weight = weight(distinct(topology, scored));
                let sums = if (is_everywhere || !requires_all) && !constraint.is_choosy(&pod.pod, nodes) {
                    nodes.sums(&count, kept)
                } else {
                    let mut sums = vec![0; topology.rows.len()];
                    let on_row = &nodes.count_of(&count).on_row;
                    for (row, &domain) in topology.domains.iter().enumerate().filter(|(row, _)| on_row[*row] > 0) {
                        let has_all = || has_all(&topologies, nodes, row);
                        if (!requires_all || has_all()) && constraint.includes(&pod.pod, nodes, row) {
                            sums[domain as usize] += on_row[row];
                        }
                    }
                    sums.into()
                };
                soft.by_domain = sums.iter().map(|&pods| soft.charge(pods)).collect();
            }
            cycle.soft.push(soft);
        }
        PreScore::Proceed
    }

    fn score(&self, _pod: &PodInfo, cycle: &Cycle, nodes: &NodeTable, feasible: &[u32], out: &mut [i64]) {
        const MANY: usize = 64;
        for (out, rows) in out.chunks_mut(MANY).zip(feasible.chunks(MANY)) {
            let mut sums = [0.0; MANY];
            for soft in &cycle.soft {
                let topology = nodes.topology_of(&soft.topology);
                let is_complete = topology.is_complete();
                let places = sums.iter_mut().zip(rows.iter().map(|&row| row as usize));
                let places = places.filter(|(_, row)| is_complete || topology.has.contains(*row));
                match &soft.on_row {
                    Some(count) => {
                        let on_row = &nodes.count_of(count).on_row;
                        places.for_each(|(sum, row)| *sum += soft.charge(on_row[row]));
                    }
                    None => places.for_each(|(sum, row)| *sum += soft.by_domain[topology.domains[row] as usize]),
                }
            }
            out.iter_mut().zip(sums).for_each(|(score, sum)| *score = rounded(sum));
        }
        for (score, _) in out.iter_mut().zip(&cycle.ignored).filter(|(_, ignored)| **ignored) {
            *score = 0;
        }
    }

    fn normalise(&self, _pod: &PodInfo, cycle: &Cycle, scores: &mut [i64]) {
        let is_ignored = |index: usize| cycle.ignored.get(index) == Some(&true);
        let (mut least, mut most) = (i64::MAX, i64::MIN);
        for (_, &score) in scores.iter().enumerate().filter(|(index, _)| !is_ignored(*index)) {
            (least, most) = (least.min(score), most.max(score));
        }
        for (index, score) in scores.iter_mut().enumerate() {
            *score = match most {
                _ if is_ignored(index) => 0,
                0 => MAX_NODE_SCORE,
                _ => quotient(MAX_NODE_SCORE * (most + least - *score), most),
            };
        }
    }

    fn hint(&self, pod: &PodInfo, event: &ClusterEvent) -> bool {
        hints::hint(&self.constraints(pod, true).collect::<Vec<_>>(), pod, event)
    }
}

/// `other` comes to the node in `row`, or leaves it. One that is being deleted was not counted, but upstream takes it off
/// all the same.
fn recount(pod: &PodInfo, cycle: &mut Cycle, other: &Pod, row: usize, nodes: &NodeTable, by: i64) {
    let has_all = cycle.hard.iter().all(|hard| nodes.topology_of(&hard.topology).has.contains(row));
    if other.meta.namespace() != pod.pod.meta.namespace() || !has_all {
        return;
    }
    for hard in &mut cycle.hard {
        if hard.constraint.matches(other) && hard.constraint.includes(&pod.pod, nodes, row) {
            let domain = nodes.topology_of(&hard.topology).domains[row] as usize;
            hard.counts[domain] += by;
            hard.lower(domain);
        }
    }
}

/// How many domains these rows are in.
fn distinct(topology: &Topology, rows: &[u32]) -> usize {
    let mut is_met = vec![false; topology.rows.len()];
    rows.iter().for_each(|&row| is_met[topology.domains[row as usize] as usize] = true);
    is_met.iter().filter(|is_met| **is_met).count()
}

/// To the nearest, halves up; for what is not negative the same as upstream's `math.Round`.
fn rounded(sum: f64) -> i64 {
    let whole = sum as i64;
    whole + i64::from(sum - whole as f64 >= 0.5)
}

#[cfg(test)]
mod tests;
