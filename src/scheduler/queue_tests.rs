//! The queue against a slow, obvious twin, and its rules of time by hand.

use super::super::event::{ClusterEvent, Resource};
use super::super::fixture::{node, pod};
use super::*;
use crate::kernel::rng::{Draws, Purpose};
use crate::object::Node;

/// Decides by names: a node helps a pod if their numbers have a remainder in common.
struct ByName;

fn number(name: &str) -> u64 {
    name[1..].parse().unwrap()
}

fn is_help(pod: &str, node: &str) -> bool {
    number(pod) % 3 == number(node) % 3
}

impl Judge for ByName {
    fn gate(&self, pod: &PodInfo) -> Option<u8> {
        (!pod.pod.spec.scheduling_gates.is_empty()).then_some(1)
    }

    fn is_interesting(&self, event: &ClusterEvent) -> bool {
        event.after::<Node>().is_some()
    }

    fn may_help(&self, blamed: PluginSet, pod: &PodInfo, event: &ClusterEvent) -> bool {
        blamed.contains(0) && event.after::<Node>().is_some_and(|node| is_help(pod.pod.meta.name(), node.meta.name()))
    }
}

/// An epoch half a second past a whole second.
const CLOCK: Clock = Clock { epoch_micros: 1_795_543_200_500_000 };

fn at<'a>(now: Time, settings: &'a Settings) -> Moment<'a> {
    Moment { now, clock: CLOCK, settings, judge: &ByName, cause: FactId::NONE }
}

fn info(index: u64, priority: i32) -> Arc<PodInfo> {
    let mut pod = pod(&format!("p{index}"), "1", "");
    Arc::make_mut(&mut pod.spec).priority = Some(priority);
    Arc::new(PodInfo::new(Arc::new(pod)))
}

fn node_added(index: u64) -> ClusterEvent {
    ClusterEvent::added(Resource::Node, &Arc::new(node(&format!("n{index}"), "4", "")))
}

#[derive(Clone, Debug, PartialEq)]
enum TwinPlace {
    Active,
    Backoff,
    Error,
    Unschedulable,
    InFlight(Vec<String>),
}

#[derive(Clone, Debug)]
struct TwinPod {
    name: String,
    priority: i32,
    timestamp: Time,
    order: u64,
    refusals: u32,
    errors: u32,
    place: TwinPlace,
}

/// A plain list, searched and sorted every time.
#[derive(Default)]
struct Twin {
    pods: Vec<TwinPod>,
    order: u64,
}

impl Twin {
    fn until(pod: &TwinPod) -> i64 {
        let count = if pod.errors > 0 { pod.errors } else { pod.refusals };
        let seconds = if count == 0 { return i64::MIN } else { (1u64 << (count - 1).min(10)).min(10) };
        (CLOCK.epoch_micros + pod.timestamp.as_micros() as i64) / 1_000_000 + seconds as i64
    }

    fn second(now: Time) -> i64 {
        (CLOCK.epoch_micros + now.as_micros() as i64) / 1_000_000
    }

    fn retry(&mut self, index: usize, now: Time) {
        self.order += 1;
        let order = self.order;
        let pod = &mut self.pods[index];
        pod.place = if Twin::until(pod) < Twin::second(now) {
            pod.order = order;
            TwinPlace::Active
        } else if pod.errors > 0 {
            pod.order = order;
            TwinPlace::Error
        } else {
            TwinPlace::Backoff
        };
    }

    fn add(&mut self, index: u64, priority: i32, now: Time) {
        self.pods.push(TwinPod {
            name: format!("p{index}"),
            priority,
            timestamp: now,
            order: 0,
            refusals: 0,
            errors: 0,
            place: TwinPlace::Active,
        });
        self.retry(self.pods.len() - 1, now);
    }

    fn pop(&mut self) -> Option<String> {
        let rank = |pod: &&mut TwinPod| (Reverse(pod.priority), pod.timestamp, pod.order);
        let active = self.pods.iter_mut().filter(|pod| pod.place == TwinPlace::Active).min_by_key(rank);
        let next = match active {
            Some(pod) => pod,
            None => self
                .pods
                .iter_mut()
                .filter(|pod| pod.place == TwinPlace::Backoff)
                .min_by_key(|pod| (Twin::until(pod), rank(pod)))?,
        };
        next.place = TwinPlace::InFlight(Vec::new());
        Some(next.name.clone())
    }

    fn requeue(&mut self, name: &str, is_error: bool, now: Time) {
        let index = self.pods.iter().position(|pod| pod.name == name).unwrap();
        let pod = &mut self.pods[index];
        let TwinPlace::InFlight(events) = pod.place.clone() else { panic!("{pod:?}") };
        pod.timestamp = now;
        pod.place = TwinPlace::Unschedulable;
        if is_error {
            pod.errors += 1;
            self.retry(index, now);
        } else {
            pod.errors = 0;
            pod.refusals += 1;
            if events.iter().any(|event| is_help(name, event)) {
                self.retry(index, now);
            }
        }
    }

    fn on_event(&mut self, node: &str, now: Time) {
        // In the order of names, as the queue does: the order of arrival among the active follows from it.
        let mut indexes: Vec<usize> = (0..self.pods.len()).collect();
        indexes.sort_by_key(|&index| self.pods[index].name.clone());
        for index in indexes {
            let pod = &mut self.pods[index];
            match &mut pod.place {
                TwinPlace::Unschedulable if is_help(&pod.name, node) => self.retry(index, now),
                TwinPlace::InFlight(events) => events.push(node.to_string()),
                _ => {}
            }
        }
    }

    fn flush(&mut self, now: Time) {
        for place in [TwinPlace::Backoff, TwinPlace::Error] {
            let mut due: Vec<usize> = (0..self.pods.len())
                .filter(|&index| self.pods[index].place == place && Twin::until(&self.pods[index]) < Twin::second(now))
                .collect();
            due.sort_by_key(|&index| {
                let pod = &self.pods[index];
                let (rank, timestamp) = match place {
                    TwinPlace::Backoff => (Reverse(pod.priority), pod.timestamp),
                    _ => (Reverse(0), Time::ZERO),
                };
                (Twin::until(pod), rank, timestamp, pod.order)
            });
            due.into_iter().for_each(|index| self.retry(index, now));
        }
    }

    fn counts(&self) -> [usize; 3] {
        let count = |places: &[TwinPlace]| self.pods.iter().filter(|pod| places.contains(&pod.place)).count();
        [
            count(&[TwinPlace::Active]),
            count(&[TwinPlace::Backoff, TwinPlace::Error]),
            count(&[TwinPlace::Unschedulable]),
        ]
    }
}

#[test]
fn it_agrees_with_a_list_that_is_searched_every_time() {
    let settings = Settings::default();
    for seed in 0..40 {
        let draws = Draws::new(seed);
        let (mut queue, mut twin, mut now) = (Queue::default(), Twin::default(), Time::ZERO);
        let mut trying: Vec<QueuedPod> = Vec::new();
        for step in 0..600 {
            let draw = |what: &str, below: u64| draws.below(Purpose::Test, what, step, below);
            let moment = at(now, &settings);
            match draw("what", 10) {
                0 | 1 => {
                    let priority = draw("priority", 3) as i32;
                    queue.add(info(step, priority), &moment);
                    twin.add(step, priority, now);
                }
                2..=4 => {
                    let popped = queue.pop();
                    assert_eq!(popped.as_ref().map(|pod| pod.key().name.to_string()), twin.pop(), "{seed} {step}");
                    trying.extend(popped);
                }
                5 | 6 if !trying.is_empty() => {
                    let mut pod = trying.swap_remove(draw("which", trying.len() as u64) as usize);
                    let (name, is_error) = (pod.key().name.clone(), draw("error", 3) == 0);
                    if !is_error {
                        pod.blamed.insert(0);
                    }
                    queue.requeue(pod, &moment);
                    twin.requeue(&name, is_error, now);
                }
                7 => {
                    queue.on_event(node_added(step), None, &moment);
                    twin.on_event(&format!("n{step}"), now);
                }
                8 => {
                    now += Span::from_micros(draw("span", 3_000_000));
                    queue.flush_backoff(&at(now, &settings));
                    twin.flush(now);
                }
                _ => {
                    if let Some(pod) = trying.pop() {
                        queue.done(pod.info.pod.meta.uid);
                        twin.pods.retain(|other| *pod.key().name != other.name);
                    }
                }
            }
            assert_eq!(queue.counts(), twin.counts(), "{seed} {step}");
        }
        trying.iter().for_each(|pod| queue.done(pod.info.pod.meta.uid));
        assert!(queue.events.is_empty(), "events are kept only for pods being tried");
    }
}

#[test]
fn back_off_doubles_up_to_its_limit() {
    let lengths: Vec<u64> = (0..7).map(|more| backoff(more, &Settings::default()).as_secs()).collect();
    assert_eq!(lengths, [1, 2, 4, 8, 10, 10, 10]);
}

/// The vector of the specification: fails at 12.3 s of the date, so that a second of back-off ends in second 13.
#[test]
fn back_off_ends_after_the_whole_second_in_which_it_is_over() {
    let settings = Settings::default();
    let time = |tenths: u64| Time::from_micros((tenths - 5) * 100_000);
    let mut queue = Queue::default();
    queue.add(info(0, 0), &at(time(120), &settings));
    let pod = queue.pop().unwrap();
    queue.requeue(pod, &at(time(123), &settings));
    assert_eq!(queue.next_backoff_end(), Some(CLOCK.timestamp(time(130))));
    queue.flush_backoff(&at(time(139), &settings));
    assert_eq!(queue.counts(), [0, 1, 0]);
    assert!(queue.pop().is_none(), "errors sit out their back-off");
    queue.flush_backoff(&at(time(140), &settings));
    assert_eq!(queue.counts(), [1, 0, 0]);
}

#[test]
fn a_refused_pod_that_an_event_helps_need_not_wait_if_nothing_is_active() {
    let settings = Settings::default();
    let moment = at(Time::ZERO, &settings);
    let mut queue = Queue::default();
    queue.add(info(0, 0), &moment);
    let mut pod = queue.pop().unwrap();
    pod.blamed.insert(0);
    queue.requeue(pod, &moment);
    queue.on_event(node_added(1), None, &moment);
    assert_eq!(queue.counts(), [0, 0, 1], "that node does not help");
    queue.on_event(node_added(3), None, &moment);
    assert_eq!(queue.counts(), [0, 1, 0]);
    assert_eq!(queue.pop().unwrap().attempts, 2);
}

#[test]
fn a_pod_that_nothing_helps_is_tried_again_after_five_minutes_unless_it_is_gated() {
    let settings = Settings::default();
    let mut queue = Queue::default();
    let mut gated = pod("p1", "1", "");
    Arc::make_mut(&mut gated.spec).scheduling_gates.push("wait".into());
    queue.add(Arc::new(PodInfo::new(Arc::new(gated))), &at(Time::ZERO, &settings));
    queue.add(info(0, 0), &at(Time::ZERO, &settings));
    let mut refused = queue.pop().unwrap();
    refused.blamed.insert(0);
    queue.requeue(refused, &at(Time::ZERO, &settings));
    let minutes = |minutes: u64| Time::ZERO + Span::from_secs(60 * minutes);
    queue.flush_unschedulable(&at(minutes(5), &settings));
    assert_eq!(queue.counts(), [0, 0, 2], "longer than that, not as long");
    queue.flush_unschedulable(&at(minutes(6), &settings));
    assert_eq!(queue.counts(), [1, 0, 1]);
}
