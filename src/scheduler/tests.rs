//! Life stories of the scheduler, told by the harness.

use super::Scheduler;
use super::fixture::{node, pod};
use crate::apiserver::{ApiError, Reply, Request};
use crate::kernel::dist::Delay;
use crate::kernel::time::Span;
use crate::object::taint::{Effect, Taint};
use crate::object::{DelayId, Edit, Key, Kind, Name, Object, Phase, Pod};
use crate::program::harness::Harness;
use std::sync::Arc;

/// A scheduler that takes two milliseconds a pod.
fn started() -> Harness<Scheduler> {
    let mut t = Harness::new(Scheduler::new());
    t.delays.set(DelayId::SchedulingCycle, Delay::Constant(Span::from_millis(2)));
    t.start();
    t
}

fn key(name: &str) -> Key {
    Key::new("default", name)
}

fn known(t: &Harness<Scheduler>, name: &str) -> Pod {
    Pod::clone(t.caches.get(&key(name)).unwrap())
}

/// The API server does what the oldest open request asks, and the informers learn of it.
fn serve(t: &mut Harness<Scheduler>) {
    let (_, request) = t.requests[0].clone();
    let mut changed = known(t, &request.key().name);
    match request {
        Request::Bind { node, .. } => changed.node_name = node,
        Request::Patch { edit, .. } => {
            let mut object: Object = changed.into();
            assert!(object.edit(&edit));
            changed = Pod::clone(object.of().unwrap());
        }
        other => panic!("unexpected {other}"),
    }
    t.answer(&Reply::Done(changed.clone().into()));
    t.put(changed);
}

fn until(t: &mut Harness<Scheduler>, millis: u64) -> String {
    t.advance_to(Span::from_millis(millis));
    t.story()
}

#[test]
fn a_pod_is_bound_to_the_emptier_node() {
    let mut t = started();
    t.put(node("n1", "4", "8Gi"));
    t.put(node("n2", "8", "16Gi"));
    t.put(pod("web", "1", "1Gi"));
    insta::assert_snapshot!(until(&mut t, 10), @r#"
    2ms note Scheduled { pod: Key { namespace: "default", name: "web" }, node: "n2" }
    2ms bind Pod default/web to n2
    "#);
    serve(&mut t);
    insta::assert_snapshot!(until(&mut t, 10_000), @r"
    10ms event Pod/web Scheduled: Successfully assigned default/web to n2
    ");
    assert_eq!(t.program.waiting(), [0, 0, 0]);
}

#[test]
fn pods_are_tried_one_at_a_time_by_priority_and_bound_side_by_side() {
    let mut t = started();
    t.put(node("n1", "2", "8Gi"));
    for (name, priority) in [("first", 0), ("low", 0), ("high", 7)] {
        let mut pod = pod(name, "1", "1Gi");
        Arc::make_mut(&mut pod.spec).priority = Some(priority);
        t.put(pod);
    }
    insta::assert_snapshot!(until(&mut t, 10), @r#"
    2ms note Scheduled { pod: Key { namespace: "default", name: "first" }, node: "n1" }
    2ms bind Pod default/first to n1
    4ms note Scheduled { pod: Key { namespace: "default", name: "high" }, node: "n1" }
    4ms bind Pod default/high to n1
    6ms note Unschedulable { pod: Key { namespace: "default", name: "low" }, message: "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod." }
    6ms event Pod/low FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.
    6ms patch Pod default/low PodScheduled=False Unschedulable
    "#);
}

#[test]
fn a_pod_that_does_not_fit_says_why_and_goes_to_a_new_node() {
    let mut t = started();
    t.put(node("n1", "500m", "8Gi"));
    t.put(node("n2", "4", "512Mi"));
    t.put(pod("web", "1", "1Gi"));
    insta::assert_snapshot!(until(&mut t, 10), @r#"
    2ms note Unschedulable { pod: Key { namespace: "default", name: "web" }, message: "0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling." }
    2ms event Pod/web FailedScheduling: 0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.
    2ms patch Pod default/web PodScheduled=False Unschedulable
    "#);
    serve(&mut t);
    assert_eq!(t.program.waiting(), [0, 0, 1]);
    t.put(node("n3", "500m", "8Gi"));
    insta::assert_snapshot!(until(&mut t, 3_000), @"");
    assert_eq!(t.program.waiting(), [0, 0, 1], "n3 is too small to be worth a try");
    t.put(node("n4", "4", "8Gi"));
    insta::assert_snapshot!(until(&mut t, 4_000), @r#"
    3.002s note Scheduled { pod: Key { namespace: "default", name: "web" }, node: "n4" }
    3.002s bind Pod default/web to n4
    "#);
}

/// The taint was in the way, so a node without it is worth a try, however small it is.
#[test]
fn each_plugin_answers_for_its_own_reasons_only() {
    let mut t = started();
    let mut tainted = node("n1", "4", "8Gi");
    tainted.taints.push(Taint { key: "a".into(), value: Name::none(), effect: Effect::NoSchedule, time_added: None });
    t.put(tainted);
    t.put(pod("web", "1", "1Gi"));
    until(&mut t, 10);
    serve(&mut t);
    t.put(node("n2", "500m", "8Gi"));
    insta::assert_snapshot!(until(&mut t, 20), @r#"
    12ms note Unschedulable { pod: Key { namespace: "default", name: "web" }, message: "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling." }
    12ms event Pod/web FailedScheduling: 0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.
    12ms patch Pod default/web PodScheduled=False Unschedulable
    "#);
}

#[test]
fn what_a_pod_says_is_written_once_and_tried_again_after_five_minutes() {
    let mut t = started();
    t.put(node("n1", "500m", "8Gi"));
    t.put(pod("web", "1", "1Gi"));
    until(&mut t, 10);
    serve(&mut t);
    insta::assert_snapshot!(until(&mut t, 340_000), @r#"
    5m16.851705s note Unschedulable { pod: Key { namespace: "default", name: "web" }, message: "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling." }
    5m16.851705s event Pod/web FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.
    "#);
    assert!(t.requests.is_empty(), "the condition says so already");
}

#[test]
fn while_a_condition_is_written_no_other_pod_is_tried() {
    let mut t = started();
    t.put(node("n1", "2", "8Gi"));
    t.put(pod("large", "4", "1Gi"));
    t.put(pod("small", "1", "1Gi"));
    until(&mut t, 50);
    serve(&mut t);
    insta::assert_snapshot!(until(&mut t, 60), @r#"
    52ms note Scheduled { pod: Key { namespace: "default", name: "small" }, node: "n1" }
    52ms bind Pod default/small to n1
    "#);
}

#[test]
fn without_nodes_a_pod_backs_off_and_is_tried_again() {
    let mut t = started();
    t.put(pod("web", "1", "1Gi"));
    insta::assert_snapshot!(until(&mut t, 100), @r#"
    2ms note Unschedulable { pod: Key { namespace: "default", name: "web" }, message: "no nodes available to schedule pods" }
    2ms event Pod/web FailedScheduling: no nodes available to schedule pods
    2ms patch Pod default/web PodScheduled=False Unschedulable
    "#);
    serve(&mut t);
    t.put(node("n1", "2", "8Gi"));
    insta::assert_snapshot!(until(&mut t, 5_000), @r#"
    2.002s note Scheduled { pod: Key { namespace: "default", name: "web" }, node: "n1" }
    2.002s bind Pod default/web to n1
    "#);
}

#[test]
fn a_failed_binding_gives_the_room_back_and_is_tried_again_after_back_off() {
    let mut t = started();
    t.put(node("n1", "1", "8Gi"));
    t.put(pod("web", "1", "1Gi"));
    t.put(pod("waiting", "1", "1Gi"));
    until(&mut t, 10);
    t.answer(&Reply::Error(ApiError::Conflict("pod web is being deleted".into())));
    insta::assert_snapshot!(until(&mut t, 20), @r#"
    10ms event Pod/web FailedScheduling: running Bind plugin "DefaultBinder": Operation cannot be fulfilled on pods/binding "web": pod web is being deleted
    10ms patch Pod default/web PodScheduled=False SchedulerError
    "#);
    serve(&mut t);
    serve(&mut t);
    insta::assert_snapshot!(until(&mut t, 5_000), @r#"
    22ms note Scheduled { pod: Key { namespace: "default", name: "waiting" }, node: "n1" }
    22ms bind Pod default/waiting to n1
    2.002s note Unschedulable { pod: Key { namespace: "default", name: "web" }, message: "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod." }
    2.002s event Pod/web FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.
    2.002s patch Pod default/web PodScheduled=False Unschedulable
    "#);
}

#[test]
fn a_node_that_goes_away_while_a_pod_is_bound_to_it_is_not_chosen_again() {
    let mut t = started();
    t.put(node("n1", "4", "8Gi"));
    t.put(pod("web", "1", "1Gi"));
    until(&mut t, 10);
    t.remove(Kind::Node, &Key::cluster("n1"));
    serve(&mut t);
    t.put(node("n2", "4", "8Gi"));
    t.put(pod("next", "1", "1Gi"));
    insta::assert_snapshot!(until(&mut t, 20), @r#"
    10ms event Pod/web Scheduled: Successfully assigned default/web to n1
    12ms note Scheduled { pod: Key { namespace: "default", name: "next" }, node: "n2" }
    12ms bind Pod default/next to n2
    "#);
    t.put(node("n1", "1", "8Gi"));
    assert_eq!(t.program.cache.table().requested.cpu_milli, [1_000, 1_000], "web waits for its node on a ghost");
}

#[test]
fn a_pod_that_ends_makes_room() {
    let mut t = started();
    t.put(node("n1", "1", "8Gi"));
    t.put(pod("job", "1", "1Gi"));
    until(&mut t, 10);
    serve(&mut t);
    t.put(pod("next", "1", "1Gi"));
    until(&mut t, 20);
    serve(&mut t);
    t.story();
    let mut ended = known(&t, "job");
    ended.status.phase = Phase::Running;
    t.put(ended.clone());
    insta::assert_snapshot!(until(&mut t, 30), @"");
    ended.status.phase = Phase::Succeeded;
    t.put(ended);
    insta::assert_snapshot!(until(&mut t, 40), @r#"
    32ms note Scheduled { pod: Key { namespace: "default", name: "next" }, node: "n1" }
    32ms bind Pod default/next to n1
    "#);
}

#[test]
fn pods_of_other_schedulers_and_pods_that_went_away_are_let_be() {
    let mut t = started();
    let mut foreign = pod("foreign", "1", "1Gi");
    Arc::make_mut(&mut foreign.spec).scheduler_name = "other".into();
    t.put(foreign);
    let mut gated = pod("gated", "1", "1Gi");
    Arc::make_mut(&mut gated.spec).scheduling_gates.push("wait".into());
    t.put(gated.clone());
    t.put(node("n1", "4", "8Gi"));
    insta::assert_snapshot!(until(&mut t, 10), @"");
    assert_eq!(t.program.waiting(), [0, 0, 1]);
    t.put(pod("short", "8", "1Gi"));
    t.remove(Kind::Pod, &key("short"));
    insta::assert_snapshot!(until(&mut t, 20), @r#"
    12ms note Unschedulable { pod: Key { namespace: "default", name: "short" }, message: "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling." }
    12ms event Pod/short FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.
    12ms patch Pod default/short PodScheduled=False Unschedulable
    "#);
    t.answer(&Reply::Error(ApiError::NotFound));
    Arc::make_mut(&mut gated.spec).scheduling_gates.clear();
    t.put(gated);
    insta::assert_snapshot!(until(&mut t, 30), @r#"
    22ms note Scheduled { pod: Key { namespace: "default", name: "gated" }, node: "n1" }
    22ms bind Pod default/gated to n1
    "#);
}

#[test]
fn an_event_during_the_cycle_is_not_lost() {
    let mut t = started();
    t.put(node("n1", "500m", "8Gi"));
    t.put(pod("web", "1", "1Gi"));
    t.put(node("n2", "4", "8Gi"));
    insta::assert_snapshot!(until(&mut t, 10), @r#"
    2ms note Unschedulable { pod: Key { namespace: "default", name: "web" }, message: "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling." }
    2ms event Pod/web FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.
    2ms patch Pod default/web PodScheduled=False Unschedulable
    "#);
    let Some((_, Request::Patch { edit: Edit::PodCondition { condition, .. }, .. })) = t.requests.first() else {
        panic!("{:?}", t.requests)
    };
    assert_eq!(condition.reason, "Unschedulable", "it was tried on the nodes at the beginning of the cycle");
    serve(&mut t);
    insta::assert_snapshot!(until(&mut t, 20), @r#"
    12ms note Scheduled { pod: Key { namespace: "default", name: "web" }, node: "n2" }
    12ms bind Pod default/web to n2
    "#);
}

#[test]
fn a_pod_that_is_deleted_while_it_is_bound_makes_room_at_once() {
    for is_gone in [false, true] {
        let mut t = started();
        t.put(node("n1", "1", "8Gi"));
        t.put(pod("web", "1", "1Gi"));
        t.put(pod("waiting", "1", "1Gi"));
        until(&mut t, 10);
        t.requests.retain(|(_, request)| request.to_string().starts_with("bind"));
        t.call(|scheduler, _| scheduler.stage = super::decide::Stage::Idle);
        if is_gone {
            t.remove(Kind::Pod, &key("web"));
        } else {
            let mut web = known(&t, "web");
            let at = crate::object::Timestamp(0);
            web.meta.deletion = Some(crate::object::Deletion { at, grace_seconds: 30 });
            t.put(web);
        }
        let story = until(&mut t, 20);
        assert!(story.contains("bind Pod default/waiting to n1"), "{is_gone}: {story}");
    }
}

/// As recorded (m1-node-added): a new node is worth a try although its taint still keeps the pod away, its becoming ready
/// is not, and the end of its taint is.
#[test]
fn a_pod_is_tried_when_a_node_comes_and_when_its_taint_goes() {
    let mut t = started();
    t.put(node("n1", "1", "8Gi"));
    t.put(pod("web", "2", "1Gi"));
    until(&mut t, 10);
    serve(&mut t);
    until(&mut t, 1_000);
    let mut new = node("n2", "4", "8Gi");
    let taint =
        |effect| Taint { key: "node.kubernetes.io/not-ready".into(), value: "".into(), effect, time_added: None };
    new.taints = vec![taint(Effect::NoSchedule)];
    t.put(new.clone());
    let tried = until(&mut t, 1_010);
    assert!(tried.contains("1 Insufficient cpu, 1 node(s) had untolerated taint(s)"), "{tried}");
    serve(&mut t);
    let condition = |status| crate::object::Condition {
        kind: "Ready".into(),
        status,
        reason: "".into(),
        message: "".into(),
        last_transition: crate::object::Timestamp(0),
        last_update: crate::object::Timestamp(0),
    };
    new.conditions = vec![condition(crate::object::ConditionStatus::True)];
    t.put(new.clone());
    assert_eq!(until(&mut t, 2_000), "");
    new.taints.clear();
    t.put(new);
    let bound = until(&mut t, 2_010);
    assert!(bound.contains("2.002s bind Pod default/web to n2"), "{bound}");
}
