//! Life stories of the taint eviction controller, told by the harness.

use super::TaintEviction;
use crate::apiserver::ApiError;
use crate::apiserver::Reply;
use crate::kernel::time::{Span, Time};
use crate::object::taint::TolerationOperator;
use crate::object::taint::{Effect, NOT_READY, Taint, Toleration, UNREACHABLE};
use crate::object::{Key, Kind, Meta, Name, Node, Pod};
use crate::program::harness::Harness;
use std::sync::Arc;

pub fn taint(key: &str) -> Taint {
    Taint { key: key.into(), value: Name::none(), effect: Effect::NoExecute, time_added: None }
}

pub fn toleration(key: &str, seconds: Option<i64>) -> Toleration {
    let operator = TolerationOperator::Exists;
    Toleration { key: key.into(), operator, effect: Some(Effect::NoExecute), seconds, ..Toleration::default() }
}

pub fn defaults() -> Vec<Toleration> {
    vec![toleration(NOT_READY, Some(300)), toleration(UNREACHABLE, Some(300))]
}

fn start() -> Harness<TaintEviction> {
    let mut harness = Harness::new(TaintEviction::default());
    harness.start();
    harness
}

fn put_node(harness: &mut Harness<TaintEviction>, taints: &[&str]) {
    let taints = taints.iter().map(|key| taint(key)).collect();
    harness.put(Node { meta: Meta::new(Key::cluster("n1")), taints, ..Node::default() });
}

fn put_pod(harness: &mut Harness<TaintEviction>, name: &str, tolerations: Vec<Toleration>) {
    let mut pod = Pod { meta: Meta::new(Key::new("default", name)), node_name: "n1".into(), ..Pod::default() };
    let spec = Arc::make_mut(&mut pod.spec);
    (spec.tolerations, spec.termination_grace_seconds) = (tolerations, Some(30));
    harness.put(pod);
}

pub fn secs(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

#[test]
fn pods_with_the_default_tolerations_go_after_five_minutes() {
    let mut harness = start();
    put_node(&mut harness, &[]);
    put_pod(&mut harness, "a", defaults());
    put_pod(&mut harness, "b", defaults());
    harness.live_to(secs(10));
    put_node(&mut harness, &[UNREACHABLE]);
    harness.live_to(secs(309));
    assert_eq!(harness.story(), "");
    harness.live_to(secs(311));
    insta::assert_snapshot!(harness.story(), @"
    5m10s event Pod/a TaintManagerEviction: Marking for deletion Pod default/a
    5m10s get Pod default/a
    5m10s event Pod/b TaintManagerEviction: Marking for deletion Pod default/b
    5m10s get Pod default/b
    5m10s patch Pod default/a DisruptionTarget=True DeletionByTaintManager
    5m10s patch Pod default/b DisruptionTarget=True DeletionByTaintManager
    5m10s delete Pod default/a
    5m10s delete Pod default/b
    ");
}

#[test]
fn an_eviction_knows_the_taint_and_the_setting_that_it_waited_for() {
    let mut harness = start();
    put_pod(&mut harness, "a", defaults());
    put_pod(&mut harness, "b", vec![toleration("", Some(60))]);
    put_node(&mut harness, &[UNREACHABLE]);
    harness.live_to(secs(301));
    let whys = harness.whys.iter().map(|(line, why)| {
        format!("{line} <- {} {}", why.cause.0, why.setting.map_or("-".into(), |id| id.to_string()))
    });
    insta::assert_snapshot!(whys.collect::<Vec<_>>().join("\n"), @"
    get Pod default/b <- 3 -
    patch Pod default/b DisruptionTarget=True DeletionByTaintManager <- 3 -
    delete Pod default/b <- 3 -
    get Pod default/a <- 3 default-unreachable-toleration-seconds
    patch Pod default/a DisruptionTarget=True DeletionByTaintManager <- 3 default-unreachable-toleration-seconds
    delete Pod default/a <- 3 default-unreachable-toleration-seconds
    ");
}

#[test]
fn a_node_that_is_back_in_time_keeps_its_pods() {
    let mut harness = start();
    put_node(&mut harness, &[UNREACHABLE]);
    put_pod(&mut harness, "a", defaults());
    harness.live_to(secs(200));
    put_node(&mut harness, &[]);
    harness.live_to(secs(1_000));
    insta::assert_snapshot!(harness.story(), @"
    3m20s event Pod/a TaintManagerEviction: Cancelling deletion of Pod default/a
    ");
}

#[test]
fn another_taint_does_not_restart_the_clock() {
    let mut harness = start();
    put_pod(&mut harness, "a", defaults());
    put_node(&mut harness, &[NOT_READY]);
    harness.live_to(secs(100));
    put_node(&mut harness, &[NOT_READY, UNREACHABLE]);
    harness.live_to(secs(101));
    put_node(&mut harness, &[UNREACHABLE]);
    harness.live_to(secs(299));
    assert_eq!(harness.story(), "");
    harness.live_to(secs(301));
    insta::assert_snapshot!(harness.story(), @"
    5m00s event Pod/a TaintManagerEviction: Marking for deletion Pod default/a
    5m00s get Pod default/a
    5m00s patch Pod default/a DisruptionTarget=True DeletionByTaintManager
    5m00s delete Pod default/a
    ");
}

#[test]
fn who_tolerates_nothing_goes_at_once_and_who_tolerates_all_stays() {
    let mut harness = start();
    put_pod(&mut harness, "none", vec![]);
    put_pod(&mut harness, "zero", vec![toleration(UNREACHABLE, Some(0))]);
    put_pod(&mut harness, "all", vec![toleration("", None)]);
    put_pod(&mut harness, "later", defaults());
    put_node(&mut harness, &[UNREACHABLE]);
    harness.live_to(secs(1));
    insta::assert_snapshot!(harness.story(), @"
    0s event Pod/none TaintManagerEviction: Marking for deletion Pod default/none
    0s get Pod default/none
    0s event Pod/zero TaintManagerEviction: Marking for deletion Pod default/zero
    0s get Pod default/zero
    0s patch Pod default/none DisruptionTarget=True DeletionByTaintManager
    0s patch Pod default/zero DisruptionTarget=True DeletionByTaintManager
    0s delete Pod default/none
    0s delete Pod default/zero
    ");
    // A taint that the last one does not tolerate cuts its wait short.
    put_node(&mut harness, &[UNREACHABLE, "out-of-order"]);
    harness.live_to(secs(400));
    let story = harness.story();
    let lines = story.lines().filter(|line| line.contains("later"));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"
    1s event Pod/later TaintManagerEviction: Cancelling deletion of Pod default/later
    1s event Pod/later TaintManagerEviction: Marking for deletion Pod default/later
    1s get Pod default/later
    1s patch Pod default/later DisruptionTarget=True DeletionByTaintManager
    1s delete Pod default/later
    ");
}

#[test]
fn a_pod_that_comes_to_a_tainted_node_waits_from_then_on() {
    let mut harness = start();
    put_node(&mut harness, &[UNREACHABLE]);
    harness.live_to(secs(50));
    put_pod(&mut harness, "late", defaults());
    harness.live_to(secs(349));
    assert_eq!(harness.story(), "");
    harness.live_to(secs(350));
    assert!(harness.story().starts_with("5m50s event Pod/late TaintManagerEviction: Marking for deletion"));
}

#[test]
fn waits_end_with_the_pod_but_not_with_the_node() {
    let mut harness = start();
    put_node(&mut harness, &[UNREACHABLE]);
    put_pod(&mut harness, "gone", defaults());
    put_pod(&mut harness, "left", defaults());
    harness.live_to(secs(10));
    harness.remove(Kind::Pod, &Key::new("default", "gone"));
    harness.remove(Kind::Node, &Key::cluster("n1"));
    harness.live_to(secs(301));
    insta::assert_snapshot!(harness.story(), @"
    10s event Pod/gone TaintManagerEviction: Cancelling deletion of Pod default/gone
    5m00s event Pod/left TaintManagerEviction: Marking for deletion Pod default/left
    5m00s get Pod default/left
    5m00s patch Pod default/left DisruptionTarget=True DeletionByTaintManager
    5m00s delete Pod default/left
    ");
}

#[test]
fn a_deletion_that_fails_is_tried_five_times() {
    let mut harness = start();
    put_node(&mut harness, &[UNREACHABLE]);
    put_pod(&mut harness, "a", vec![]);
    for _ in 0..5 {
        assert_eq!(harness.requests.len(), 1);
        harness.answer(&Reply::Error(ApiError::Timeout));
        harness.advance_to(harness.now.since(Time::ZERO) + secs(1));
    }
    assert!(harness.requests.is_empty());
    assert!(harness.program.work.is_empty());
    insta::assert_snapshot!(harness.story(), @"
    0s event Pod/a TaintManagerEviction: Marking for deletion Pod default/a
    0s get Pod default/a
    10ms get Pod default/a
    1.01s get Pod default/a
    2.01s get Pod default/a
    3.01s get Pod default/a
    ");
}
