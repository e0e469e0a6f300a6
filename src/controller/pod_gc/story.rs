//! Life stories of the pod garbage collector, told by the harness.

use super::PodGarbageCollector;
use crate::apiserver::{ApiError, Reply};
use crate::kernel::time::Span;
use crate::object::taint::{Effect, OUT_OF_SERVICE, Taint};
use crate::object::{Deletion, Key, Kind, Meta, Name, Node, Phase, Pod, SettingId, Timestamp};
use crate::program::harness::Harness;

type Story = Harness<PodGarbageCollector>;

fn start() -> Story {
    let mut harness = Harness::new(PodGarbageCollector::default());
    harness.settings.set(SettingId::TerminatedPodGcThreshold, 2);
    harness.start();
    harness
}

fn node(taints: &[&str]) -> Node {
    let effect = Effect::NoExecute;
    let taint = |key: &&str| Taint { key: (*key).into(), value: Name::none(), effect, time_added: None };
    Node { meta: Meta::new(Key::cluster("n1")), taints: taints.iter().map(taint).collect(), ..Node::default() }
}

fn pod(name: &str, node: &str, phase: Phase) -> Pod {
    let mut pod = Pod { meta: Meta::new(Key::new("default", name)), node_name: node.into(), ..Pod::default() };
    pod.status.phase = phase;
    pod
}

fn ending(pod: Pod) -> Pod {
    let deletion = Some(Deletion { at: Timestamp(1), grace_seconds: 30 });
    Pod { meta: Meta { deletion, ..pod.meta.clone() }, ..pod }
}

fn secs(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

/// The story without its times.
fn told(t: &mut Story) -> Vec<String> {
    t.story().lines().map(|line| line.split_once(' ').expect("a time").1.to_string()).collect()
}

#[test]
fn pods_of_a_node_that_is_gone_go_after_a_quarantine() {
    let mut t = start();
    t.put(node(&[]));
    t.put(pod("p0", "n1", Phase::Running));
    t.put(pod("p1", "n1", Phase::Failed));
    t.put(pod("p2", "", Phase::Pending));
    t.remove(Kind::Node, &Key::cluster("n1"));
    t.live_to(secs(40));
    assert_eq!(t.story(), "");
    t.live_to(secs(60));
    let expected = [
        "get Node n1",
        "patch Pod default/p0 Failed DisruptionTarget=True DeletionByPodGC",
        "delete Pod default/p0 grace 0s",
        "delete Pod default/p1 grace 0s",
    ];
    assert_eq!(told(&mut t), expected);
    assert_eq!(t.whys.last().unwrap().1.setting, Some(SettingId::PodGcQuarantine));
    assert_ne!(t.whys.last().unwrap().1.cause, crate::object::FactId::NONE, "the node's deletion led to it");
    t.live_to(secs(300));
    // The pass that gave the node up had put it into quarantine again just before, as upstream's does.
    assert_eq!(told(&mut t), ["get Node n1"]);
}

#[test]
fn a_node_that_is_back_in_time_keeps_its_pods() {
    let mut t = start();
    t.put(pod("p0", "n1", Phase::Running));
    t.live_to(secs(30));
    t.put(node(&[]));
    t.live_to(secs(300));
    assert_eq!(t.story(), "");
}

#[test]
fn a_node_that_only_the_informer_does_not_know_keeps_its_pods() {
    let mut t = start();
    t.put(pod("p0", "n1", Phase::Running));
    t.advance_to(secs(60));
    assert_eq!(told(&mut t), ["get Node n1"]);
    t.answer(&Reply::Done(node(&[]).into()));
    t.advance_to(secs(80));
    assert_eq!(t.story(), "", "it is in quarantine again");
}

#[test]
fn a_pod_that_cannot_be_marked_is_not_deleted_and_the_next_one_is() {
    let mut t = start();
    t.put(pod("p0", "n1", Phase::Running));
    t.put(pod("p1", "n1", Phase::Running));
    t.advance_to(secs(60));
    t.answer(&Reply::Error(ApiError::NotFound));
    t.answer(&Reply::Error(ApiError::Timeout));
    t.serve_all();
    let expected = [
        "get Node n1",
        "patch Pod default/p0 Failed DisruptionTarget=True DeletionByPodGC",
        "patch Pod default/p1 Failed DisruptionTarget=True DeletionByPodGC",
        "delete Pod default/p1 grace 0s",
    ];
    assert_eq!(told(&mut t), expected);
}

#[test]
fn of_pods_that_have_ended_the_evicted_and_then_the_oldest_go_first() {
    let mut t = start();
    t.put(node(&[]));
    for (name, created, phase, reason) in [
        ("new", 9, Phase::Succeeded, ""),
        ("old", 1, Phase::Failed, ""),
        ("evicted", 8, Phase::Failed, "Evicted"),
        ("middle", 5, Phase::Succeeded, ""),
        ("runs", 0, Phase::Running, ""),
    ] {
        let mut pod = pod(name, "n1", phase);
        (pod.meta.created, pod.status.reason) = (Timestamp(created), reason.into());
        t.put(pod);
    }
    t.live_to(secs(60));
    assert_eq!(told(&mut t), ["delete Pod default/evicted grace 0s", "delete Pod default/old grace 0s"]);
}

#[test]
fn a_pod_ends_at_once_on_a_node_that_is_out_of_service() {
    for (taints, expected) in [
        (vec![OUT_OF_SERVICE], vec!["patch Pod default/p0 Failed", "delete Pod default/p0 grace 0s"]),
        (vec![crate::object::taint::UNREACHABLE], vec![]),
    ] {
        let mut t = start();
        t.put(node(&taints));
        t.put(ending(pod("p0", "n1", Phase::Running)));
        t.put(pod("p1", "n1", Phase::Running));
        t.live_to(secs(60));
        assert_eq!(told(&mut t), expected, "with {taints:?}");
    }
}

#[test]
fn a_pod_that_was_never_bound_is_not_waited_for() {
    let mut t = start();
    t.put(ending(pod("p0", "", Phase::Pending)));
    t.live_to(secs(20));
    assert_eq!(told(&mut t), ["patch Pod default/p0 Failed", "delete Pod default/p0 grace 0s"]);
}
