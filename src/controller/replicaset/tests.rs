//! Life stories of ReplicaSets.

use super::*;
use crate::apiserver::ApiError;
use crate::kernel::time::Span;
use crate::object::pod::{self, Phase};
use crate::object::{Clock, Condition, ConditionStatus, Labels, Selector, Uid};
use crate::program::Runner;
use crate::program::harness::Harness;

pub(super) type Story = Harness<Runner<ReplicaSetController>>;

pub(super) fn labels() -> Labels {
    [("app", "web")].into_iter().collect()
}

pub(super) fn set(replicas: i32) -> ReplicaSet {
    let mut set = ReplicaSet { meta: Meta::new(Key::new("default", "web")), ..ReplicaSet::default() };
    set.meta.uid = Uid(1_000);
    set.meta.generation = 1;
    set.spec.replicas = Some(replicas);
    set.spec.selector = Selector::of(labels());
    set.spec.template.labels = labels();
    set.spec.template.apply_defaults(&crate::object::Settings::default());
    set
}

pub(super) fn started() -> Story {
    let mut t = Harness::new(Runner::new(ReplicaSetController::default()));
    t.start();
    t
}

pub(super) fn known_set(t: &Story) -> ReplicaSet {
    (**t.caches.get::<ReplicaSet>(&Key::new("default", "web")).unwrap()).clone()
}

pub(super) fn change_set(t: &mut Story, change: impl FnOnce(&mut ReplicaSet)) {
    let mut set = known_set(t);
    change(&mut set);
    set.meta.generation += 1;
    t.put(set);
}

pub(super) fn change_pod(t: &mut Story, name: &str, change: impl FnOnce(&mut Pod)) {
    let mut pod = (**t.caches.get::<Pod>(&Key::new("default", name)).unwrap()).clone();
    change(&mut pod);
    t.put(pod);
}

/// The kubelet says that a pod runs and whether it is ready.
pub(super) fn run(t: &mut Story, name: &str, node: &str, is_ready: bool) {
    let now = Clock { epoch_micros: 1_795_543_200_000_000 }.timestamp(t.now);
    change_pod(t, name, |pod| {
        pod.node_name = node.into();
        pod.status.phase = Phase::Running;
        pod.status.conditions = vec![Condition {
            kind: pod::conditions::READY.into(),
            status: ConditionStatus::from(is_ready),
            reason: Name::none(),
            message: Name::none(),
            last_transition: now,
            last_update: now,
        }];
    });
}

pub(super) fn counts(t: &Story) -> String {
    let ReplicaSetStatus { replicas, ready_replicas, available_replicas, terminating_replicas, .. } =
        known_set(t).status;
    let terminating = terminating_replicas.unwrap_or(-1);
    format!("{replicas} active, {ready_replicas} ready, {available_replicas} available, {terminating} terminating")
}

#[test]
fn pods_are_created_in_growing_batches_and_the_surplus_is_deleted() {
    let mut t = started();
    t.put(set(4));
    t.serve_all();
    insta::assert_snapshot!(t.story(), @r"
    0s create Pod default/web-*
    0s event ReplicaSet/web SuccessfulCreate: Created pod: web-1
    0s create Pod default/web-*
    0s create Pod default/web-*
    0s event ReplicaSet/web SuccessfulCreate: Created pod: web-2
    0s event ReplicaSet/web SuccessfulCreate: Created pod: web-3
    0s create Pod default/web-*
    0s event ReplicaSet/web SuccessfulCreate: Created pod: web-4
    0s update ReplicaSet default/web status
    0s update ReplicaSet default/web status
    ");
    let pod = t.caches.table(Kind::Pod).all::<Pod>().next().unwrap();
    assert!(Arc::ptr_eq(&pod.spec, &known_set(&t).spec.template.spec), "pods share the template's spec");
    assert_eq!(pod.meta.labels, labels());
    assert_eq!(pod.meta.controller(), Some(&ownership::controller_ref(&known_set(&t))));

    for (name, node) in [("web-1", "n1"), ("web-2", "n1"), ("web-3", "n2")] {
        run(&mut t, name, node, true);
    }
    t.serve_all();
    assert_eq!(counts(&t), "4 active, 3 ready, 3 available, 0 terminating");
    t.story();

    // The pod without a node is removed at once, the other has until its kubelet is done.
    change_set(&mut t, |set| set.spec.replicas = Some(2));
    t.serve_all();
    insta::assert_snapshot!(t.story(), @r"
    0s delete Pod default/web-4
    0s delete Pod default/web-1
    0s event ReplicaSet/web SuccessfulDelete: Deleted pod: web-4
    0s event ReplicaSet/web SuccessfulDelete: Deleted pod: web-1
    0s update ReplicaSet default/web status
    0s update ReplicaSet default/web status
    ");
    assert_eq!(counts(&t), "2 active, 2 ready, 2 available, 1 terminating");
}

#[test]
fn a_pod_that_is_being_deleted_is_replaced_at_once() {
    let mut t = started();
    t.put(set(2));
    t.serve_all();
    ["web-1", "web-2"].iter().for_each(|name| run(&mut t, name, "n1", true));
    t.serve_all();
    t.story();
    change_pod(&mut t, "web-1", |pod| {
        pod.meta.deletion = Some(crate::object::Deletion { at: crate::object::Timestamp(1), grace_seconds: 30 });
    });
    t.serve_all();
    insta::assert_snapshot!(t.story(), @r"
    0s create Pod default/web-*
    0s event ReplicaSet/web SuccessfulCreate: Created pod: web-3
    0s update ReplicaSet default/web status
    0s update ReplicaSet default/web status
    ");
    assert_eq!(counts(&t), "2 active, 1 ready, 1 available, 1 terminating");
    t.remove(Kind::Pod, &Key::new("default", "web-1"));
    t.serve_all();
    assert_eq!(counts(&t), "2 active, 1 ready, 1 available, 0 terminating");
}

#[test]
fn a_refused_creation_stops_the_batches_and_is_tried_again() {
    let refused = Reply::Error(ApiError::Forbidden("exceeded quota: small".into()));
    let mut t = started();
    t.put(set(8));
    t.serve();
    t.serve();
    t.answer(&refused);
    t.serve();
    assert_eq!(known_set(&t).status.conditions[0].reason, "FailedCreate");
    // The pods that were created wake it at once, and so does each status written; it begins with one again.
    t.answer(&refused);
    t.serve();
    t.answer(&refused);
    assert_eq!(t.requests, [], "the failure is known already");
    insta::assert_snapshot!(t.story(), @r#"
    0s create Pod default/web-*
    0s event ReplicaSet/web SuccessfulCreate: Created pod: web-1
    0s create Pod default/web-*
    0s create Pod default/web-*
    0s event ReplicaSet/web SuccessfulCreate: Created pod: web-2
    0s event ReplicaSet/web FailedCreate: Error creating: pods "web-" is forbidden: exceeded quota: small
    0s update ReplicaSet default/web status
    0s create Pod default/web-*
    0s event ReplicaSet/web FailedCreate: Error creating: pods "web-" is forbidden: exceeded quota: small
    0s update ReplicaSet default/web status
    0s create Pod default/web-*
    0s event ReplicaSet/web FailedCreate: Error creating: pods "web-" is forbidden: exceeded quota: small
    "#);
    t.advance_to(Span::from_millis(5));
    t.serve_all();
    assert_eq!(known_set(&t).status.conditions, [], "the failure is over");
    assert_eq!(counts(&t), "8 active, 0 ready, 0 available, 0 terminating");
}

#[test]
fn nothing_is_created_twice_while_creations_have_not_been_seen() {
    let mut t = started();
    t.put(set(1));
    let created = t.requests[0].1.clone();
    // The reply comes, but the informers learn nothing of the pod.
    let Request::Create(pod) = created else { panic!("{created:?}") };
    t.answer(&Reply::Done(pod.clone()));
    t.serve_all();
    t.story();
    change_set(&mut t, |set| set.spec.min_ready_seconds = 1);
    t.serve_all();
    insta::assert_snapshot!(t.story(), @"0s update ReplicaSet default/web status");
    let timeout = t.settings.span(SettingId::ExpectationsTimeout);
    t.advance_to(timeout + Span::from_micros(1));
    change_set(&mut t, |set| set.spec.min_ready_seconds = 2);
    t.serve_all();
    insta::assert_snapshot!(t.story(), @r"
    5m00.000001s create Pod default/web-*
    5m00.000001s event ReplicaSet/web SuccessfulCreate: Created pod: web-1
    5m00.000001s update ReplicaSet default/web status
    5m00.000001s update ReplicaSet default/web status
    ");
}

#[test]
fn orphans_are_adopted_and_strays_released() {
    let mut t = started();
    t.put(set(2));
    t.serve_all();
    t.story();
    change_pod(&mut t, "web-1", |pod| pod.meta.labels = [("app", "debug")].into_iter().collect());
    t.serve_all();
    insta::assert_snapshot!(t.story(), @r"
    0s patch Pod default/web-1 -owner
    0s create Pod default/web-*
    0s event ReplicaSet/web SuccessfulCreate: Created pod: web-3
    0s update ReplicaSet default/web status
    0s update ReplicaSet default/web status
    ");
    assert_eq!(counts(&t), "2 active, 0 ready, 0 available, 0 terminating");
    // Its labels are put right again: it is adopted, and one pod is too many.
    change_pod(&mut t, "web-1", |pod| pod.meta.labels = labels());
    t.serve_all();
    insta::assert_snapshot!(t.story(), @r"
    0s get ReplicaSet default/web
    0s patch Pod default/web-1 +owner ReplicaSet web
    0s delete Pod default/web-1
    0s event ReplicaSet/web SuccessfulDelete: Deleted pod: web-1
    0s update ReplicaSet default/web status
    0s update ReplicaSet default/web status
    ");
    assert_eq!(t.caches.table(Kind::Pod).len(), 2);
}

#[test]
fn a_ready_pod_becomes_available_after_min_ready_seconds() {
    let mut t = started();
    let mut slow = set(1);
    slow.spec.min_ready_seconds = 10;
    t.put(slow);
    t.serve_all();
    t.advance_to(Span::from_secs(2));
    run(&mut t, "web-1", "n1", true);
    t.serve_all();
    assert_eq!(counts(&t), "1 active, 1 ready, 0 available, 0 terminating");
    t.advance_to(Span::from_secs(12));
    t.serve_all();
    assert_eq!(counts(&t), "1 active, 1 ready, 1 available, 0 terminating");
}

#[test]
fn a_stale_status_is_read_and_written_once_more() {
    let mut t = started();
    t.put(set(0));
    t.answer(&Reply::Error(ApiError::Conflict("stale".into())));
    t.serve_all();
    insta::assert_snapshot!(t.story(), @r"
    0s update ReplicaSet default/web status
    0s get ReplicaSet default/web
    0s update ReplicaSet default/web status
    ");
}

#[test]
fn no_more_than_a_burst_is_created_in_one_sync() {
    let mut t = started();
    t.settings.set(SettingId::BurstReplicas, 5);
    t.put(set(7));
    let mut batches = Vec::new();
    while !t.requests.is_empty() {
        let count = t.requests.len();
        if matches!(t.requests[0].1, Request::Create(_)) {
            batches.push(count);
        }
        (0..count).for_each(|_| t.serve());
    }
    assert_eq!(batches, [1, 2, 2, 1, 1]);
}
