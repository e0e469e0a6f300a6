//! One scheduling cycle as a function of the node table: filter by windows, score, choose.
//!
//! Source: `pkg/scheduler/schedule_one.go` (`findNodesThatFitPod`, `findNodesThatPassFilters`, `prioritizeNodes`),
//! `client-go/util/workqueue/parallelizer.go`, v1.36. Upstream examines nodes in parallel; this is the outcome with one
//! worker: it goes through the nodes from the start index, keeps the wanted number of feasible ones, stops at the next
//! one and throws that away; what was rejected until then is recorded. Windows compute more than that and cut it off.
//! Left out: extenders, nominated pods (both come with preemption) and the hints of OpportunisticBatching, which no pod
//! gets under the default profile.

use super::erased::DynCycle;
use super::plugin::{MAX_NODE_SCORE, Point, PreFilter, PreScore, Refusal};
use super::profile::{PluginSet, Profile};
use super::table::{NodeTable, PodInfo};
use super::window::{Code, Rejection, Window};
use crate::kernel::bitset::BitSet;
use crate::kernel::rng::{Draws, Purpose};
use crate::object::{SettingId, Settings};

/// How many feasible nodes are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Share of all nodes (per cent); 0 adapts to their number.
    pub percentage: usize,
    /// Nodes below which all are wanted, and the least wanted otherwise.
    pub nodes_min: usize,
    /// Least adaptive share (per cent).
    pub percentage_min: usize,
}

/// The adaptive share in a small cluster (per cent), and the nodes by which it falls by one. Source:
/// `numFeasibleNodesToFind`.
const ADAPTIVE_PERCENTAGE: usize = 50;
const NODES_PER_PERCENT: usize = 125;

impl Sample {
    /// Every feasible node.
    pub const ALL: Sample = Sample { percentage: 100, nodes_min: 0, percentage_min: 0 };

    /// As the run has it.
    pub fn new(settings: &Settings) -> Sample {
        Sample {
            percentage: settings.count(SettingId::PercentageOfNodesToScore),
            nodes_min: settings.count(SettingId::MinFeasibleNodesToFind),
            percentage_min: settings.count(SettingId::MinFeasibleNodesPercentage),
        }
    }

    /// How many of `nodes` are wanted.
    pub fn wanted(&self, nodes: usize) -> usize {
        if nodes < self.nodes_min {
            return nodes;
        }
        let percentage = match self.percentage {
            0 => ADAPTIVE_PERCENTAGE.saturating_sub(nodes / NODES_PER_PERCENT).max(self.percentage_min),
            fixed => fixed,
        };
        (nodes * percentage / 100).max(self.nodes_min)
    }
}

/// What filtering found.
#[derive(Clone)]
pub struct Found {
    /// Rows where the pod fits, in the order in which they were met.
    pub feasible: Vec<u32>,
    /// Rows that were refused, in the same order.
    pub rejected: Vec<(u32, Rejection)>,
    /// Pre-filter refused the pod for the whole cluster: who, and why.
    pub refused: Option<(u8, Refusal)>,
    /// Pre-filter kept most nodes from being looked at: who, and what is said of those nodes.
    pub narrowed: Option<(PluginSet, Refusal)>,
    /// What the plugins learnt.
    pub cycles: Vec<DynCycle>,
}

/// What a cycle works on, kept from one to the next so that it need not be made anew.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    window: Window,
    feasible: Vec<u32>,
    rejected: Vec<(u32, Rejection)>,
}

impl Scratch {
    /// Takes back what a cycle found.
    pub fn recycle(&mut self, found: Found) {
        let Found { mut feasible, mut rejected, .. } = found;
        feasible.clear();
        rejected.clear();
        (self.feasible, self.rejected) = (feasible, rejected);
    }
}

/// Looks for nodes that fit, beginning at row `start`.
pub fn find_feasible(
    pod: &PodInfo,
    nodes: &NodeTable,
    profile: &Profile,
    sample: Sample,
    start: usize,
    scratch: &mut Scratch,
) -> Found {
    let Scratch { window, feasible, rejected } = scratch;
    let (feasible, rejected) = (std::mem::take(feasible), std::mem::take(rejected));
    let mut found = Found { feasible, rejected, refused: None, narrowed: None, cycles: profile.cycles() };
    let (skipped, candidates) = pre_filter(pod, nodes, profile, &mut found);
    if found.refused.is_some() || nodes.is_empty() {
        return found;
    }
    let many = candidates.as_ref().map_or(nodes.len(), BitSet::count);
    let wanted = if profile.has(Point::Score) { sample.wanted(many) } else { 1 };
    // With a narrowed set the index counts its members, as upstream's does.
    let start = match &candidates {
        None => start % nodes.len(),
        Some(set) => set.iter().nth(start % many.max(1)).unwrap_or(0),
    };
    for (mut from, until) in [(start, nodes.len()), (0, start)] {
        while from < until {
            let end = window.open(from, until, candidates.as_ref());
            let examined = window.masks();
            run_filters(pod, nodes, profile, skipped, &found.cycles, window);
            if !take(window, &examined, wanted, &mut found) {
                return found;
            }
            from = end;
        }
    }
    found
}

/// Asks every plugin once; says which have nothing to filter and which rows are left to look at.
fn pre_filter(pod: &PodInfo, nodes: &NodeTable, profile: &Profile, found: &mut Found) -> (PluginSet, Option<BitSet>) {
    let mut skipped = PluginSet::default();
    let mut narrowing = PluginSet::default();
    let mut candidates: Option<BitSet> = None;
    for (index, plugin) in profile.at(Point::PreFilter) {
        match plugin.pre_filter(pod, nodes, &mut found.cycles[index as usize]) {
            PreFilter::Proceed => {}
            PreFilter::Skip => skipped.insert(index),
            PreFilter::Refuse(refusal) => {
                // A refusal that preemption may lift lets the others have their say: the last one holds.
                let is_final = refusal.code == Code::Unresolvable;
                found.refused = Some((index, refusal));
                if is_final {
                    return (skipped, None);
                }
            }
            PreFilter::Only(rows) => {
                narrowing.insert(index);
                match &mut candidates {
                    None => candidates = Some(rows),
                    Some(known) => known.intersect(&rows),
                }
            }
        }
    }
    if let Some(rows) = &candidates {
        let names: Vec<&str> = narrowing.iter().map(|index| profile.plugin(index).name()).collect();
        let text = format!("node(s) didn't satisfy plugin(s) [{}]", names.join(" "));
        if rows.count() == 0 && names.len() > 1 && found.refused.is_none() {
            let last = narrowing.iter().last().expect("there are two");
            found.refused = Some((last, Refusal::new(Code::Unresolvable, format!("{text} simultaneously"))));
        }
        found.narrowed = Some((narrowing, Refusal::new(Code::Unresolvable, text)));
    }
    (skipped, candidates)
}

fn run_filters(
    pod: &PodInfo,
    nodes: &NodeTable,
    profile: &Profile,
    skipped: PluginSet,
    cycles: &[DynCycle],
    window: &mut Window,
) {
    for (index, plugin) in profile.at(Point::Filter).filter(|(index, _)| !skipped.contains(*index)) {
        window.set_plugin(index);
        plugin.filter(pod, &cycles[index as usize], nodes, window);
    }
}

/// Takes over what one worker would have seen of a window. False once it would have stopped.
fn take(window: &Window, examined: &[(usize, u64)], wanted: usize, found: &mut Found) -> bool {
    for (&(first, mut bits), (_, alive)) in examined.iter().zip(window.masks()) {
        while bits != 0 {
            let bit = bits.trailing_zeros();
            bits &= bits - 1;
            let row = first + bit as usize;
            if alive & (1 << bit) == 0 {
                found.rejected.push((row as u32, window.rejection(row)));
            } else if found.feasible.len() < wanted {
                found.feasible.push(row as u32);
            } else {
                return false;
            }
        }
    }
    true
}

/// The scores that one plugin gave, one for each feasible node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginScores {
    /// Plugin.
    pub plugin: &'static str,
    /// As it scored.
    pub raw: Vec<i64>,
    /// Brought into range and multiplied by its weight.
    pub weighted: Vec<i64>,
}

/// The sum of all weighted scores for each feasible node. With `details`, also what each plugin gave.
///
/// # Panics
/// If a plugin scores outside its range.
pub fn prioritise(
    pod: &PodInfo,
    nodes: &NodeTable,
    profile: &Profile,
    found: &mut Found,
    mut details: Option<&mut Vec<PluginScores>>,
) -> Vec<i64> {
    let Found { feasible, cycles, .. } = found;
    let mut skipped = PluginSet::default();
    for (index, plugin) in profile.at(Point::PreScore) {
        if plugin.pre_score(pod, &mut cycles[index as usize], nodes, feasible) == PreScore::Skip {
            skipped.insert(index);
        }
    }
    let mut totals = vec![0; feasible.len()];
    let mut scores = vec![0; feasible.len()];
    for (index, plugin) in profile.at(Point::Score).filter(|(index, _)| !skipped.contains(*index)) {
        let (cycle, weight) = (&cycles[index as usize], profile.weight(index));
        match nodes.kept_scores(pod, plugin) {
            Some(kept) => {
                scores.iter_mut().zip(&*feasible).for_each(|(score, &row)| *score = i64::from(kept[row as usize]))
            }
            None => {
                scores.fill(0);
                plugin.score(pod, cycle, nodes, feasible, &mut scores);
            }
        }
        let raw = details.is_some().then(|| scores.clone());
        plugin.normalise(pod, cycle, &mut scores);
        for (total, score) in totals.iter_mut().zip(&mut scores) {
            assert!((0..=MAX_NODE_SCORE).contains(score), "{} scores {score}", plugin.name());
            *score *= weight;
            *total += *score;
        }
        if let (Some(raw), Some(details)) = (raw, details.as_deref_mut()) {
            details.push(PluginScores { plugin: plugin.name(), raw, weighted: scores.clone() });
        }
    }
    totals
}

/// One of the places with the highest total, by an even draw for the pod at `path` in its attempt `attempt`.
///
/// Upstream takes the top of a heap whose order among equals depends on how its workers ran; an even draw is what it
/// promised before and what that amounts to.
///
/// # Panics
/// If there is none.
pub fn select_host(totals: &[i64], draws: &Draws, path: &str, attempt: u64) -> usize {
    let best = *totals.iter().max().expect("somebody to choose from");
    let ties = totals.iter().filter(|&&total| total == best).count();
    let chosen = if ties == 1 { 0 } else { draws.below(Purpose::Tie, path, attempt, ties as u64) as usize };
    totals.iter().enumerate().filter(|(_, total)| **total == best).nth(chosen).expect("below the number of ties").0
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{node, pod};
    use super::super::{Cache, profile::Profile};
    use super::*;
    use std::sync::Arc;

    #[test]
    fn the_sample_shrinks_with_the_cluster_as_upstream() {
        let sample = Sample::new(&Settings::default());
        for (nodes, wanted) in [
            (0, 0),
            (99, 99),
            (100, 100),
            (250, 120),
            (500, 230),
            (1_000, 420),
            (2_000, 680),
            (5_000, 500),
            (5_500, 330),
            (6_000, 300),
            (10_000, 500),
        ] {
            assert_eq!(sample.wanted(nodes), wanted, "{nodes}");
        }
        assert_eq!(Sample { percentage: 30, ..sample }.wanted(1_000), 300);
        assert_eq!(Sample::ALL.wanted(17), 17);
    }

    /// One worker, node by node.
    fn plain_loop(fits: &[bool], wanted: usize, start: usize) -> (Vec<u32>, Vec<u32>) {
        let (mut feasible, mut rejected) = (Vec::new(), Vec::new());
        for step in 0..fits.len() {
            let row = (start + step) % fits.len();
            if !fits[row] {
                rejected.push(row as u32);
            } else if feasible.len() < wanted {
                feasible.push(row as u32);
            } else {
                break;
            }
        }
        (feasible, rejected)
    }

    #[test]
    fn windows_find_what_one_worker_would() {
        let draws = Draws::new(3);
        let (profile, mut scratch) = (Profile::default(), Scratch::default());
        for round in 0..150 {
            let draw = |what: &str, below: u64| draws.below(Purpose::Test, what, round, below) as usize;
            let many = 1 + draw("nodes", [5, 70, 600, 1_500][round as usize % 4]);
            let full = draw("full", 101);
            let mut cache = Cache::default();
            for index in 0..many {
                let is_full = draws.below(Purpose::Test, "fits", round * 10_000 + index as u64, 100) < full as u64;
                cache.add_node(Arc::new(node(&format!("n{index}"), if is_full { "100m" } else { "4" }, "8Gi")));
            }
            let table = cache.table();
            let fits: Vec<bool> = table.allocatable.cpu_milli.iter().map(|&cpu| cpu == 4_000).collect();
            let sample = Sample { percentage: 1 + draw("share", 100), nodes_min: 0, percentage_min: 0 };
            let start = draw("start", many as u64);
            let info = PodInfo::new(Arc::new(pod("p", "1", "")));
            let found = find_feasible(&info, table, &profile, sample, start, &mut scratch);
            let rejected: Vec<u32> = found.rejected.iter().map(|&(row, _)| row).collect();
            let expected = plain_loop(&fits, sample.wanted(many), start);
            assert_eq!((found.feasible.clone(), rejected), expected, "round {round}: {many} nodes from {start}");
            scratch.recycle(found);
        }
    }

    #[test]
    fn ties_are_drawn_evenly_among_the_best() {
        let draws = Draws::new(1);
        let mut counts = [0; 4];
        for attempt in 0..3_000 {
            counts[select_host(&[7, 9, 9, 9], &draws, "default/p", attempt)] += 1;
        }
        assert_eq!(counts[0], 0);
        assert!(counts[1..].iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
    }
}
