//! Which pods go first when a ReplicaSet has too many.
//!
//! Source: `pkg/controller/controller_utils.go` (`ActivePodsWithRanks`), `pkg/controller/replicaset/replica_set.go`
//! (`getPodsToDelete`, `getPodsRankedByRelatedPodsOnSameNode`), v1.36. Upstream's order is not transitive: pods of
//! equal age are compared by restarts, pods of different age in one bucket by uid, so three pods can form a circle,
//! and what Go's sort makes of it depends on the order of a map. Here pods are inserted one by one in the order of
//! their names, each before the first that it precedes by halving; without a circle that is the one sorted order.

use crate::kernel::time::Time;
use crate::object::pod::{Container, Phase, conditions};
use crate::object::{Clock, Name, Pod, Timestamp, condition};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Annotation with a hint which pods may go first.
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// A moment as the order of victims sees it: one for a whole sort.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Simulated time.
    pub now: Time,
    /// Turns dates into ages.
    pub clock: Clock,
}

impl Moment {
    /// Whole powers of two in the age [ns], or −1 for what is not in the past.
    fn age_bucket(self, date: Timestamp) -> i64 {
        // Ages are known in microseconds; upstream counts nanoseconds, and the buckets' limits with them.
        let nanoseconds = u128::from(self.clock.since(date, self.now).as_micros()) * 1_000;
        nanoseconds.checked_ilog2().map_or(-1, i64::from)
    }

    /// The younger first, by bucket; within one bucket by uid. A date that is not set comes before all.
    fn younger_first(self, a: (Timestamp, &Pod), b: (Timestamp, &Pod)) -> Ordering {
        let unset = Timestamp::default();
        if a.0 == unset || b.0 == unset {
            return (a.0 != unset).cmp(&(b.0 != unset));
        }
        let buckets = self.age_bucket(a.0).cmp(&self.age_bucket(b.0));
        // Upstream compares uids as text; printed at full width, text and number sort alike.
        buckets.then(a.1.meta.uid.cmp(&b.1.meta.uid))
    }
}

/// How many active pods of the related ReplicaSets run on each node.
pub type Crowds = BTreeMap<Name, u32>;

/// Counts `related` pods by node.
pub fn crowds<'a>(related: impl IntoIterator<Item = &'a Arc<Pod>>) -> Crowds {
    let mut crowds = Crowds::new();
    for pod in related.into_iter().filter(|pod| pod.is_active()) {
        *crowds.entry(pod.node_name.clone()).or_default() += 1;
    }
    crowds
}

/// The `count` pods of `pods` that go first. If all go, their order is left as it is.
pub fn victims(pods: &[Arc<Pod>], crowds: &Crowds, count: usize, moment: Moment) -> Vec<Arc<Pod>> {
    if count >= pods.len() {
        return pods.to_vec();
    }
    let mut sorted: Vec<&Arc<Pod>> = Vec::with_capacity(pods.len());
    for pod in pods {
        let at = sorted.partition_point(|other| compare(other, pod, crowds, moment) != Ordering::Greater);
        sorted.insert(at, pod);
    }
    sorted.truncate(count);
    sorted.into_iter().cloned().collect()
}

/// Less: `a` goes before `b`. Nine rules, the first that decides.
fn compare(a: &Pod, b: &Pod, crowds: &Crowds, moment: Moment) -> Ordering {
    let first = |wins: bool, other: bool| other.cmp(&wins);
    first(a.node_name.is_empty(), b.node_name.is_empty())
        .then_with(|| phase_rank(a.status.phase).cmp(&phase_rank(b.status.phase)))
        .then_with(|| first(!a.is_ready(), !b.is_ready()))
        .then_with(|| deletion_cost(a).cmp(&deletion_cost(b)))
        .then_with(|| crowd(b, crowds).cmp(&crowd(a, crowds)))
        .then_with(|| match (ready_since(a), ready_since(b)) {
            (Some(since_a), Some(since_b)) if since_a != since_b => moment.younger_first((since_a, a), (since_b, b)),
            _ => Ordering::Equal,
        })
        .then_with(|| restarts(b).cmp(&restarts(a)))
        .then_with(|| {
            let (created_a, created_b) = (a.meta.created, b.meta.created);
            if created_a == created_b {
                return Ordering::Equal;
            }
            moment.younger_first((created_a, a), (created_b, b))
        })
}

/// Ended pods are never asked about: they are not active.
const fn phase_rank(phase: Phase) -> u8 {
    match phase {
        Phase::Pending => 0,
        Phase::Unknown => 1,
        Phase::Running | Phase::Succeeded | Phase::Failed => 2,
    }
}

fn deletion_cost(pod: &Pod) -> i32 {
    // Upstream refuses a leading plus and leading zeros (`validFirstDigit`).
    let is_valid = |text: &&Name| text.as_str() == "0" || text.starts_with(|first| matches!(first, '-' | '1'..='9'));
    pod.meta.annotations.get(DELETION_COST).filter(is_valid).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn crowd(pod: &Pod, crowds: &Crowds) -> u32 {
    crowds.get(&pod.node_name).copied().unwrap_or(0)
}

fn ready_since(pod: &Pod) -> Option<Timestamp> {
    let ready = condition::find(&pod.status.conditions, conditions::READY)?;
    pod.is_ready().then_some(ready.last_transition)
}

/// The most often restarted container, then the most often restarted sidecar.
fn restarts(pod: &Pod) -> (u32, u32) {
    let most = |containers: &mut dyn Iterator<Item = &Container>| {
        let count = |container: &Container| {
            let status = pod.status.containers.iter().find(|status| status.name == container.name);
            status.map_or(0, |status| status.restart_count)
        };
        containers.map(count).max().unwrap_or(0)
    };
    let sidecars = pod.spec.init_containers.iter().filter(|container| container.is_sidecar);
    (most(&mut pod.spec.containers.iter()), most(&mut { sidecars }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::{Draws, Purpose};
    use crate::object::pod::{ContainerStatus, PodSpec};
    use crate::object::{Condition, ConditionStatus, Key, Meta, Uid};

    const NOW: Moment =
        Moment { now: Time::from_micros(10_000_000_000), clock: Clock { epoch_micros: 1_795_543_200_000_000 } };

    /// A date `age` seconds before [`NOW`].
    fn ago(age: i64) -> Timestamp {
        NOW.clock.timestamp(NOW.now).plus_seconds(-age)
    }

    struct Traits {
        name: &'static str,
        node: &'static str,
        phase: Phase,
        ready_for: Option<i64>,
        cost: &'static str,
        restarts: [u32; 2],
        age: i64,
        uid: u128,
    }

    const USUAL: Traits = Traits {
        name: "pod",
        node: "n1",
        phase: Phase::Running,
        ready_for: Some(100),
        cost: "",
        restarts: [0, 0],
        age: 200,
        uid: 5,
    };

    fn pod(traits: &Traits) -> Arc<Pod> {
        let mut pod = Pod { meta: Meta::new(Key::new("default", traits.name)), ..Pod::default() };
        pod.meta.uid = Uid(traits.uid);
        pod.meta.created = ago(traits.age);
        pod.node_name = traits.node.into();
        pod.status.phase = traits.phase;
        if !traits.cost.is_empty() {
            pod.meta.annotations.insert(DELETION_COST, traits.cost);
        }
        let container = |name: &str, is_sidecar| Container { name: name.into(), is_sidecar, ..Container::default() };
        pod.spec = Arc::new(PodSpec {
            containers: vec![container("main", false)],
            init_containers: vec![container("side", true), container("init", false)],
            ..PodSpec::default()
        });
        let status = |name: &str, restart_count| ContainerStatus {
            name: name.into(),
            is_running: true,
            is_ready: true,
            restart_count,
            exit_code: None,
            waiting: "".into(),
        };
        let [main, side] = traits.restarts;
        pod.status.containers = vec![status("main", main), status("side", side), status("init", 99)];
        pod.status.conditions = vec![Condition {
            kind: conditions::READY.into(),
            status: ConditionStatus::from(traits.ready_for.is_some()),
            reason: Name::none(),
            message: Name::none(),
            last_transition: ago(traits.ready_for.unwrap_or(1)),
            last_update: ago(1),
        }];
        Arc::new(pod)
    }

    #[test]
    fn each_rule_decides_when_those_before_it_do_not() {
        let crowds = Crowds::from([("n1".into(), 1), ("n2".into(), 2)]);
        for (rule, goes_first, stays) in [
            ("no node", Traits { node: "", ready_for: None, ..USUAL }, Traits { phase: Phase::Pending, ..USUAL }),
            ("pending", Traits { phase: Phase::Pending, ..USUAL }, Traits { phase: Phase::Unknown, ..USUAL }),
            ("unknown", Traits { phase: Phase::Unknown, ..USUAL }, Traits { ready_for: None, ..USUAL }),
            ("not ready", Traits { ready_for: None, cost: "9", ..USUAL }, Traits { cost: "-9", ..USUAL }),
            ("cheap", Traits { cost: "-3", ..USUAL }, Traits { cost: "+9", node: "n2", ..USUAL }),
            ("crowded", Traits { node: "n2", ready_for: Some(999), ..USUAL }, Traits { ready_for: Some(1), ..USUAL }),
            ("ready later", Traits { ready_for: Some(60), uid: 9, ..USUAL }, Traits { restarts: [7, 0], ..USUAL }),
            ("one bucket: uid", Traits { ready_for: Some(109), uid: 4, ..USUAL }, Traits { restarts: [7, 0], ..USUAL }),
            ("restarts", Traits { restarts: [2, 0], ..USUAL }, Traits { restarts: [1, 9], age: 9, ..USUAL }),
            ("sidecars", Traits { restarts: [1, 2], ..USUAL }, Traits { restarts: [1, 1], age: 9, ..USUAL }),
            ("created later", Traits { age: 101, uid: 9, ..USUAL }, USUAL),
            ("one bucket: uid", Traits { age: 210, uid: 4, ..USUAL }, USUAL),
        ] {
            let (first, last) = (pod(&goes_first), pod(&stays));
            assert_eq!(compare(&first, &last, &crowds, NOW), Ordering::Less, "{rule}");
            assert_eq!(compare(&last, &first, &crowds, NOW), Ordering::Greater, "{rule}, the other way round");
            assert_eq!(victims(&[last.clone(), first.clone()], &crowds, 1, NOW), [first], "{rule}");
        }
        assert_eq!(compare(&pod(&USUAL), &pod(&USUAL), &crowds, NOW), Ordering::Equal);
    }

    #[test]
    fn ages_fall_into_buckets_of_powers_of_two_nanoseconds() {
        for (age, bucket) in
            [(-5, -1), (0, -1), (1, 29), (68, 35), (69, 36), (137, 36), (138, 37), (549, 38), (550, 39)]
        {
            assert_eq!(NOW.age_bucket(ago(age)), bucket, "{age} s");
        }
    }

    fn draw(seed: u64, what: &str, bound: u64) -> u64 {
        Draws::new(seed).below(Purpose::Test, what, 0, bound)
    }

    fn random_pods(seed: u64) -> Vec<Arc<Pod>> {
        (0..9)
            .map(|index| {
                let of = |what: &str, bound| draw(seed, &format!("{what}{index}"), bound);
                pod(&Traits {
                    node: ["", "n1", "n2", "n3"][of("node", 4) as usize],
                    phase: [Phase::Pending, Phase::Running, Phase::Running][of("phase", 3) as usize],
                    ready_for: [None, Some(1), Some(70), Some(75), Some(300)][of("ready", 5) as usize],
                    cost: ["", "", "1"][of("cost", 3) as usize],
                    restarts: [of("main", 2) as u32, of("side", 2) as u32],
                    age: [100, 140, 150, 300][of("age", 4) as usize],
                    uid: u128::from(of("uid", 1_000_000)),
                    ..USUAL
                })
            })
            .collect()
    }

    /// The slow twin: takes, again and again, a pod that no other precedes; none if there is a circle.
    fn by_repeated_choice(pods: &[Arc<Pod>], crowds: &Crowds) -> Option<Vec<Arc<Pod>>> {
        let mut left = pods.to_vec();
        let mut chosen = Vec::new();
        while !left.is_empty() {
            let precedes = |a: &Arc<Pod>, b: &Arc<Pod>| compare(a, b, crowds, NOW) == Ordering::Less;
            let next = (0..left.len()).find(|&at| left.iter().all(|other| !precedes(other, &left[at])))?;
            chosen.push(left.remove(next));
        }
        Some(chosen)
    }

    /// Whether the order of these pods is transitive in all its parts, ties included.
    fn is_transitive(pods: &[Arc<Pod>], crowds: &Crowds) -> bool {
        let at_most = |a: &Pod, b: &Pod| compare(a, b, crowds, NOW) != Ordering::Greater;
        pods.iter().all(|a| pods.iter().all(|b| !at_most(a, b) || pods.iter().all(|c| !at_most(b, c) || at_most(a, c))))
    }

    #[test]
    fn the_order_is_what_repeated_choice_gives_wherever_the_rules_form_no_circle() {
        let mut checked = 0;
        for seed in 0..400 {
            let pods = random_pods(seed);
            let crowds = crowds(&pods);
            for a in &pods {
                for b in &pods {
                    let (ab, ba) = (compare(a, b, &crowds, NOW), compare(b, a, &crowds, NOW));
                    assert_eq!(ab, ba.reverse(), "seed {seed}: one way or the other");
                }
            }
            if !is_transitive(&pods, &crowds) {
                continue;
            }
            checked += 1;
            let slow = by_repeated_choice(&pods, &crowds).expect("a transitive order has no circle");
            for count in 0..pods.len() {
                assert_eq!(victims(&pods, &crowds, count, NOW), slow[..count], "seed {seed}, {count} go");
            }
        }
        assert!(checked > 300, "only {checked} of 400 random sets were without a circle");
    }

    #[test]
    fn if_all_go_nobody_asks_in_which_order() {
        let pods = random_pods(7);
        assert_eq!(victims(&pods, &Crowds::new(), pods.len(), NOW), pods);
    }
}
