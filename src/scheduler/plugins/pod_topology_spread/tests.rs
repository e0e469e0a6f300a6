//! Against node by node and pod by pod, and the events that give a refused pod another chance.

use super::*;
use crate::kernel::rng::{Draws, Purpose};
use crate::object::taint::Taint;
use crate::object::{Deletion, Node, Timestamp, Uid};
use crate::scheduler::fixture::{node, pod};
use crate::scheduler::{Cache, Evaluation, Profile, evaluate};
use std::collections::BTreeMap;

/// What upstream does: maps of strings, made anew from all pods.
struct Twin<'a> {
    nodes: &'a BTreeMap<Name, Arc<Node>>,
    pods: &'a BTreeMap<Uid, Arc<Pod>>,
    pod: &'a Pod,
    constraints: Vec<(&'a SpreadConstraint, Option<Selector>)>,
    requires_all: bool,
}

impl Twin<'_> {
    fn pods_on(&self, node: &Node, selector: Option<&Selector>) -> i64 {
        let is_counted = |other: &&Arc<Pod>| {
            other.node_name == *node.meta.name()
                && other.meta.namespace() == self.pod.meta.namespace()
                && !other.meta.is_terminating()
                && selector.is_some_and(|selector| !selector.is_empty() && selector.matches(&other.meta.labels))
        };
        self.pods.values().filter(is_counted).count() as i64
    }

    fn has_all(&self, node: &Node, is_hard: bool) -> bool {
        let asked = self.constraints.iter().filter(|(constraint, _)| constraint.is_hard == is_hard);
        asked.into_iter().all(|(constraint, _)| node.meta.labels.get(&constraint.topology_key).is_some())
    }

    fn includes(&self, constraint: &SpreadConstraint, node: &Node) -> bool {
        let untolerated =
            |taint: &Taint| taint.effect != Effect::PreferNoSchedule && !tolerated(&self.pod.spec.tolerations, taint);
        let honours_affinity = constraint.node_affinity_policy != Some(InclusionPolicy::Ignore);
        let honours_taints = constraint.node_taints_policy == Some(InclusionPolicy::Honor);
        (!honours_affinity || node.meta.labels.contains_all(&self.pod.spec.node_selector))
            && (!honours_taints || !node.taints.iter().any(untolerated))
    }

    /// What the filter says of a node.
    fn refusal(&self, node: &Node) -> Option<&'static str> {
        for (constraint, selector) in self.constraints.iter().filter(|(constraint, _)| constraint.is_hard) {
            let mut domains: BTreeMap<&Name, i64> = BTreeMap::new();
            for other in self.nodes.values() {
                if self.has_all(other, true) && self.includes(constraint, other) {
                    let value = other.meta.labels.get(&constraint.topology_key).unwrap();
                    *domains.entry(value).or_default() += self.pods_on(other, selector.as_ref());
                }
            }
            let Some(value) = node.meta.labels.get(&constraint.topology_key) else { return Some(NO_LABEL) };
            let too_few = (domains.len() as i32) < constraint.min_domains.unwrap_or(1);
            let fewest = if too_few { 0 } else { *domains.values().min().unwrap() };
            let own = i64::from(selector.as_ref().is_some_and(|selector| selector.matches(&self.pod.meta.labels)));
            if domains.get(value).copied().unwrap_or(0) + own - fewest > i64::from(constraint.max_skew) {
                return Some(NO_MATCH);
            }
        }
        None
    }

    /// The raw scores of the feasible nodes; none for those that are ignored.
    fn scores(&self, feasible: &[&Node]) -> Vec<Option<i64>> {
        let is_scored = |node: &Node| !self.requires_all || self.has_all(node, false);
        let scored: Vec<&&Node> = feasible.iter().filter(|node| is_scored(node)).collect();
        let mut sums = vec![0.0; feasible.len()];
        for (constraint, selector) in self.constraints.iter().filter(|(constraint, _)| !constraint.is_hard) {
            let value = |node: &Node| node.meta.labels.get(&constraint.topology_key).cloned();
            let mut domains: BTreeMap<Name, i64> = BTreeMap::new();
            for node in &scored {
                domains.insert(value(node).unwrap_or_default(), 0);
            }
            for other in self.nodes.values().filter(|other| is_scored(other) && self.includes(constraint, other)) {
                if let Some(pods) = domains.get_mut(&value(other).unwrap_or_default()) {
                    *pods += self.pods_on(other, selector.as_ref());
                }
            }
            let is_host = constraint.topology_key == LABEL_HOSTNAME;
            let weight = libm::log((if is_host { scored.len() } else { domains.len() } + 2) as f64);
            for (sum, node) in sums.iter_mut().zip(feasible).filter(|(_, node)| is_scored(node)) {
                if let Some(value) = value(node) {
                    let pods = if is_host { self.pods_on(node, selector.as_ref()) } else { domains[&value] };
                    *sum += pods as f64 * weight + f64::from(constraint.max_skew - 1);
                }
            }
        }
        let scores = feasible.iter().zip(sums).map(|(node, sum)| is_scored(node).then(|| libm::round(sum) as i64));
        scores.collect()
    }
}

const APPS: [&str; 3] = ["web", "db", "log"];

/// Draws of one random cluster.
struct Dice<'a> {
    draws: &'a Draws,
    thrown: u64,
}

impl Dice<'_> {
    fn below(&mut self, bound: u64) -> u64 {
        self.thrown += 1;
        self.draws.below(Purpose::Test, "spread", self.thrown, bound)
    }

    fn labels(&mut self) -> crate::object::Labels {
        let mut labels = crate::object::Labels::default();
        labels.insert("app", APPS[self.below(3) as usize]);
        labels.insert("hash", self.below(2).to_string());
        labels
    }

    fn node(&mut self, index: u64) -> Node {
        let mut node = node(&format!("n{index}"), "64", "64Gi");
        if self.below(8) > 0 {
            node.meta.labels.insert(LABEL_HOSTNAME, format!("n{index}"));
        }
        if self.below(8) > 0 {
            node.meta.labels.insert(LABEL_ZONE, ["", "a", "b", "c"][self.below(4) as usize]);
        }
        if self.below(4) == 0 {
            node.meta.labels.insert("disk", "ssd");
        }
        if self.below(6) == 0 {
            let taint =
                Taint { key: "t".into(), value: Name::none(), effect: Effect::PreferNoSchedule, time_added: None };
            node.taints.push(Taint { effect: [Effect::NoSchedule, taint.effect][self.below(2) as usize], ..taint });
        }
        node
    }

    fn constraint(&mut self) -> SpreadConstraint {
        let policy = |number| [None, Some(InclusionPolicy::Honor), Some(InclusionPolicy::Ignore)][number as usize];
        let is_hard = self.below(2) == 0;
        let labels = [("app", APPS[self.below(3) as usize])];
        SpreadConstraint {
            max_skew: 1 + self.below(2) as i32,
            topology_key: [LABEL_HOSTNAME, LABEL_ZONE, "disk"][self.below(3) as usize].into(),
            is_hard,
            selector: match self.below(6) {
                0 => None,
                1 => Some(Selector::default()),
                _ => Some(Selector::of(labels.into_iter().collect())),
            },
            min_domains: (is_hard && self.below(3) == 0).then_some(3),
            node_affinity_policy: policy(self.below(3)),
            node_taints_policy: policy(self.below(3)),
            match_label_keys: if self.below(3) == 0 { vec!["hash".into()] } else { Vec::new() },
        }
    }
}

#[test]
fn domains_are_counted_as_if_pod_by_pod() {
    let draws = Draws::new(11);
    let mut dice = Dice { draws: &draws, thrown: 0 };
    let plugin = PodTopologySpread::default();
    let profile = Profile::new([(Arc::new(PodTopologySpread::default()) as Arc<_>, 1)]);
    let (mut refused, mut scored) = (0, 0);
    for _ in 0..60 {
        let (mut nodes, mut pods, mut cache) = (BTreeMap::new(), BTreeMap::new(), Cache::default());
        for step in 0..60 {
            // Nodes and pods come, change and go, and everything that was counted before must follow.
            match dice.below(10) {
                0..3 => {
                    let new = Arc::new(dice.node(u64::from(step as u8 % 12)));
                    match nodes.insert(new.meta.name().clone(), new.clone()) {
                        None => cache.add_node(new),
                        Some(_) => cache.update_node(new),
                    }
                }
                3 if step % 3 == 0 => {
                    let name: Name = format!("n{}", dice.below(12)).into();
                    if nodes.remove(&name).is_some() {
                        cache.remove_node(&name);
                    }
                }
                4 => {
                    let uid = Uid(u128::from(dice.below(60)));
                    if pods.remove(&uid).is_some() {
                        cache.remove_pod(uid);
                    }
                }
                _ => {
                    let mut there = pod("there", "", "");
                    there.meta.uid = Uid(u128::from(dice.below(60)));
                    there.meta.labels = dice.labels();
                    there.meta.key.namespace = ["default", "other"][usize::from(dice.below(5) == 0)].into();
                    there.meta.deletion =
                        (dice.below(6) == 0).then_some(Deletion { at: Timestamp(0), grace_seconds: 0 });
                    there.node_name = format!("n{}", dice.below(12)).into();
                    let there = Arc::new(there);
                    pods.insert(there.meta.uid, there.clone());
                    cache.add_pod(&there);
                }
            }
            let mut new = pod("new", "", "");
            new.meta.uid = Uid(1_000);
            new.meta.labels = dice.labels();
            let spec = Arc::make_mut(&mut new.spec);
            spec.topology_spread = (0..dice.below(4)).map(|_| dice.constraint()).collect();
            if dice.below(4) == 0 {
                spec.node_selector.insert("disk", "ssd");
            }
            let mut info = PodInfo::new(Arc::new(new));
            info.default_selector = Arc::new(Selector::of([("app", "web")].into_iter().collect()));
            let is_own = !info.pod.spec.topology_spread.is_empty();
            let constraints = match is_own {
                true => info.pod.spec.topology_spread.iter().map(|c| (c, c.counted(&info.pod.meta.labels))).collect(),
                false => plugin.defaults.iter().map(|c| (c, Some((*info.default_selector).clone()))).collect(),
            };
            let twin = Twin { nodes: &nodes, pods: &pods, pod: &info.pod, constraints, requires_all: is_own };
            let made = evaluate(cache.table(), &info, &profile);
            let table = cache.table_for(&info, &profile);
            let kept = evaluate(table, &info, &profile);
            assert_eq!(kept, made, "what is kept is what is found anew");
            let (refusals, scores) = compare(&twin, table, &kept);
            (refused, scored) = (refused + refusals, scored + scores);
        }
    }
    assert!(refused > 3_000 && scored > 3_000, "{refused} refused, {scored} scored");
}

/// How many nodes were refused and how many scored.
fn compare(twin: &Twin<'_>, table: &NodeTable, ours: &Evaluation) -> (usize, usize) {
    let node = |row: usize| &*twin.nodes[&table.names[row]];
    let refusals: Vec<_> = (0..table.len()).filter_map(|row| Some((row, twin.refusal(node(row))?))).collect();
    let rejected: Vec<_> = ours.rejected.iter().map(|rejected| (rejected.row, rejected.reasons[0].as_str())).collect();
    assert_eq!(rejected, refusals);
    let Some(scores) = ours.scores.first() else { return (refusals.len(), 0) };
    let feasible: Vec<&Node> = ours.feasible.iter().map(|&row| node(row)).collect();
    let expected = twin.scores(&feasible);
    let raw: Vec<i64> = expected.iter().map(|score| score.unwrap_or(0)).collect();
    assert_eq!(scores.raw, raw);
    let (least, most) = (expected.iter().flatten().min(), expected.iter().flatten().max());
    let normalised = expected.iter().map(|score| match (score, least, most) {
        (Some(_), _, Some(0)) => 100,
        (Some(score), Some(least), Some(most)) => 100 * (most + least - score) / most,
        _ => 0,
    });
    assert_eq!(scores.weighted, normalised.collect::<Vec<_>>());
    (refusals.len(), raw.len())
}

fn spread(is_hard: bool, change: impl Fn(&mut SpreadConstraint)) -> PodInfo {
    let mut pod = pod("p", "", "");
    pod.meta.labels.insert("app", "web");
    let mut constraint = SpreadConstraint {
        max_skew: 1,
        topology_key: LABEL_ZONE.into(),
        is_hard,
        selector: Some(Selector::of([("app", "web")].into_iter().collect())),
        ..SpreadConstraint::default()
    };
    change(&mut constraint);
    Arc::make_mut(&mut pod.spec).topology_spread.push(constraint);
    PodInfo::new(Arc::new(pod))
}

fn zoned(name: &str, zone: &str) -> Node {
    let mut node = node(name, "4", "8Gi");
    node.meta.labels.insert(LABEL_ZONE, zone);
    node
}

fn bound(name: &str, app: &str, node: &str) -> Arc<Pod> {
    let mut pod = pod(name, "", "");
    pod.meta.labels.insert("app", app);
    pod.node_name = node.into();
    Arc::new(pod)
}

#[test]
fn what_if_pods_came_or_went() {
    let mut cache = Cache::default();
    for (name, zone) in [("a", "a"), ("b", "b"), ("c", "c")] {
        cache.add_node(Arc::new(zoned(name, zone)));
    }
    let there: Vec<_> = [("1", "a"), ("2", "a"), ("3", "b")].map(|(name, node)| bound(name, "web", node)).into();
    there.iter().for_each(|pod| cache.add_pod(pod));
    let (plugin, info, mut cycle) = (PodTopologySpread::default(), spread(true, |_| {}), Cycle::default());
    let table = cache.table();
    assert_eq!(plugin.pre_filter(&info, table, &mut cycle), PreFilter::Proceed);
    let counted = |cycle: &Cycle| (cycle.hard[0].counts[1..].to_vec(), cycle.hard[0].fewest());
    assert_eq!(counted(&cycle), (vec![2, 1, 0], 0));
    let mut added = cycle.clone();
    plugin.add_pod(&info, &mut added, &PodInfo::new(bound("4", "web", "c")), 2, table);
    plugin.add_pod(&info, &mut added, &PodInfo::new(bound("5", "web", "c")), 2, table);
    assert_eq!(counted(&added), (vec![2, 1, 2], 1));
    plugin.add_pod(&info, &mut added, &PodInfo::new(bound("6", "db", "c")), 2, table);
    assert_eq!(counted(&added), (vec![2, 1, 2], 1), "another app");
    let mut removed = cycle.clone();
    there[..2].iter().for_each(|pod| plugin.remove_pod(&info, &mut removed, &PodInfo::new(pod.clone()), 0, table));
    assert_eq!(counted(&removed), (vec![0, 1, 0], 0));
}

#[test]
fn only_what_moves_the_counts_is_worth_another_try() {
    let plugin = PodTopologySpread::default();
    let added = |pod: &Arc<Pod>| ClusterEvent::added(Resource::Pod, pod);
    let update = |old: &Arc<Pod>, new: &Arc<Pod>| ClusterEvent { old: added(old).new, ..added(new) };
    let info = spread(true, |_| {});
    for (expected, event) in [
        (true, added(&bound("x", "web", "n"))),
        (false, added(&bound("x", "db", "n"))),
        (false, added(&bound("x", "web", ""))),
        (true, ClusterEvent::deleted(Resource::Pod, &bound("x", "web", "n"))),
        (true, update(&bound("x", "db", "n"), &bound("x", "web", "n"))),
        (false, update(&bound("x", "web", "n"), &bound("x", "web", "n"))),
    ] {
        assert_eq!(plugin.hint(&info, &event), expected, "{event:?}");
    }
    let mut tolerant = Pod::clone(&info.pod);
    Arc::make_mut(&mut tolerant.spec).tolerations.push(crate::object::taint::Toleration::default());
    let tolerates = update(&info.pod, &Arc::new(tolerant));
    assert!(!plugin.hint(&info, &tolerates));
    let honouring = spread(true, |constraint| constraint.node_taints_policy = Some(InclusionPolicy::Honor));
    assert!(plugin.hint(&honouring, &tolerates));

    let added = |node: &Arc<Node>| ClusterEvent::added(Resource::Node, node);
    let update = |old: &Arc<Node>, new: &Arc<Node>| ClusterEvent { old: added(old).new, ..added(new) };
    let [a, b, bare] = [zoned("n", "a"), zoned("n", "b"), node("n", "4", "8Gi")].map(Arc::new);
    let mut tainted = Node::clone(&a);
    tainted.taints.push(Taint { key: "t".into(), value: Name::none(), effect: Effect::NoSchedule, time_added: None });
    for (expected, event) in [
        (true, added(&a)),
        (false, added(&bare)),
        (true, ClusterEvent::deleted(Resource::Node, &a)),
        (false, ClusterEvent::deleted(Resource::Node, &bare)),
        (true, update(&a, &b)),
        (true, update(&a, &bare)),
        (false, update(&a, &a)),
        (true, update(&a, &Arc::new(tainted))),
    ] {
        assert_eq!(plugin.hint(&info, &event), expected, "{event:?}");
    }
}
