//! Life stories of the garbage collector, told by the harness.

use super::GarbageCollector;
use crate::apiserver::{ApiError, DeleteOptions, Propagation, Reply, Request};
use crate::kernel::time::Span;
use crate::object::{
    Deletion, Deployment, Key, Kind, Meta, Node, Object, OwnerRef, Phase, Pod, ReplicaSet, Timestamp, Uid,
};
use crate::program::harness::Harness;
use std::sync::Arc;

type Story = Harness<GarbageCollector>;

const DEPLOYMENT: Uid = Uid(1);
const SET: Uid = Uid(2);

fn start() -> Story {
    let mut harness = Harness::new(GarbageCollector::default());
    harness.start();
    harness
}

fn key(name: &str) -> Key {
    Key::new("default", name)
}

fn owner(kind: Kind, name: &str, uid: Uid) -> OwnerRef {
    OwnerRef { kind, name: name.into(), uid, controller: true, block_owner_deletion: true }
}

fn meta(name: &str, uid: Uid, owners: Vec<OwnerRef>) -> Meta {
    Meta { uid, owners, ..Meta::new(key(name)) }
}

fn deployment() -> Deployment {
    Deployment { meta: meta("web", DEPLOYMENT, Vec::new()), ..Deployment::default() }
}

fn set(owners: Vec<OwnerRef>) -> ReplicaSet {
    ReplicaSet { meta: meta("web-1", SET, owners), ..ReplicaSet::default() }
}

/// A pod that a kubelet runs, so that its deletion is graceful.
fn pod(name: &str, uid: u128, owners: Vec<OwnerRef>) -> Pod {
    let mut pod = Pod { meta: meta(name, Uid(uid), owners), node_name: "n1".into(), ..Pod::default() };
    pod.status.phase = Phase::Running;
    Arc::make_mut(&mut pod.spec).termination_grace_seconds = Some(30);
    pod
}

fn put_web(t: &mut Story, pods: u128) {
    t.put(deployment());
    t.put(set(vec![owner(Kind::Deployment, "web", DEPLOYMENT)]));
    for number in 0..pods {
        t.put(pod(&format!("p{number}"), 10 + number, vec![owner(Kind::ReplicaSet, "web-1", SET)]));
    }
    t.serve_all();
    assert_eq!(t.story(), "", "what has its owners is let be, without a question");
}

/// A client deletes the Deployment in this way.
fn delete_web(t: &mut Story, finalizer: &str) {
    let mut web = deployment();
    web.meta.deletion = Some(Deletion { at: Timestamp(0), grace_seconds: 0 });
    web.meta.finalizers = vec![finalizer.into()];
    t.put(web);
}

/// The kubelet is done with a pod.
fn end_pod(t: &mut Story, name: &str) {
    t.remove(Kind::Pod, &key(name));
    t.serve_all();
}

fn names(t: &Story, kind: Kind) -> Vec<String> {
    t.caches.table(kind).iter().map(|object| object.key().name.to_string()).collect()
}

#[test]
fn in_the_background_dependents_follow_their_owner() {
    let mut t = start();
    put_web(&mut t, 4);
    t.remove(Kind::Deployment, &key("web"));
    t.serve_all();
    insta::assert_snapshot!(t.story(), @"
    0s get ReplicaSet default/web-1
    0s delete ReplicaSet default/web-1 background
    0s get Pod default/p0
    0s get Pod default/p1
    0s get Pod default/p2
    0s get Pod default/p3
    0s delete Pod default/p0 background
    0s delete Pod default/p1 background
    0s delete Pod default/p2 background
    0s delete Pod default/p3 background
    ");
    assert!(names(&t, Kind::ReplicaSet).is_empty());
    (0..4).for_each(|number| end_pod(&mut t, &format!("p{number}")));
    assert_eq!(t.story(), "", "a pod that was being deleted is not asked for again");
}

#[test]
fn in_the_foreground_the_owner_goes_last() {
    let mut t = start();
    put_web(&mut t, 2);
    delete_web(&mut t, "foregroundDeletion");
    t.serve_all();
    insta::assert_snapshot!(t.story(), @"
    0s get ReplicaSet default/web-1
    0s get Deployment default/web
    0s get Deployment default/web
    0s delete ReplicaSet default/web-1 foreground
    0s get Pod default/p0
    0s get Pod default/p1
    0s get ReplicaSet default/web-1
    0s get ReplicaSet default/web-1
    0s get ReplicaSet default/web-1
    0s delete Pod default/p0 background
    0s delete Pod default/p1 background
    ");
    end_pod(&mut t, "p0");
    insta::assert_snapshot!(t.story(), @"0s get ReplicaSet default/web-1");
    end_pod(&mut t, "p1");
    insta::assert_snapshot!(t.story(), @"
    0s get ReplicaSet default/web-1
    0s get ReplicaSet default/web-1
    0s update ReplicaSet default/web-1
    0s get Deployment default/web
    0s get Deployment default/web
    0s update Deployment default/web
    ");
    assert!(names(&t, Kind::ReplicaSet).is_empty());
    assert!(names(&t, Kind::Deployment).is_empty());
}

#[test]
fn an_owner_does_not_wait_for_what_does_not_block_it() {
    let mut t = start();
    t.put(deployment());
    let reference = OwnerRef { block_owner_deletion: false, ..owner(Kind::Deployment, "web", DEPLOYMENT) };
    t.put(pod("p0", 10, vec![reference]));
    delete_web(&mut t, "foregroundDeletion");
    t.serve_all();
    insta::assert_snapshot!(t.story(), @"
    0s get Pod default/p0
    0s get Deployment default/web
    0s get Deployment default/web
    0s get Deployment default/web
    0s delete Pod default/p0 background
    0s update Deployment default/web
    ");
}

#[test]
fn orphans_lose_their_owner_and_stay() {
    let mut t = start();
    put_web(&mut t, 2);
    delete_web(&mut t, "orphan");
    t.serve_all();
    insta::assert_snapshot!(t.story(), @"
    0s patch ReplicaSet default/web-1 -owner
    0s get Deployment default/web
    0s update Deployment default/web
    ");
    assert_eq!(names(&t, Kind::ReplicaSet), ["web-1"]);
    assert!(t.caches.get::<ReplicaSet>(&key("web-1")).unwrap().meta.owners.is_empty());
    assert_eq!(names(&t, Kind::Pod), ["p0", "p1"]);
}

#[test]
fn an_object_with_a_living_owner_only_loses_the_other() {
    let mut t = start();
    t.put(deployment());
    t.put(set(Vec::new()));
    let owners = vec![owner(Kind::ReplicaSet, "web-1", SET), owner(Kind::Deployment, "web", DEPLOYMENT)];
    t.put(pod("p0", 10, owners));
    t.remove(Kind::ReplicaSet, &key("web-1"));
    t.serve_all();
    insta::assert_snapshot!(t.story(), @"
    0s get Pod default/p0
    0s get Deployment default/web
    0s patch Pod default/p0 -owner
    ");
    assert_eq!(t.caches.get::<Pod>(&key("p0")).unwrap().meta.owners[0].uid, DEPLOYMENT);
    delete_web(&mut t, "foregroundDeletion");
    t.serve_all();
    insta::assert_snapshot!(t.story(), @"
    0s get Pod default/p0
    0s get Deployment default/web
    0s get Deployment default/web
    0s delete Pod default/p0 background
    ");
}

#[test]
fn an_owner_that_never_was_is_asked_for_and_its_dependents_go() {
    let mut t = start();
    for (name, uid) in [("p0", 10), ("p1", 11)] {
        t.put(pod(name, uid, vec![owner(Kind::ReplicaSet, "gone", Uid(99))]));
    }
    t.serve_all();
    insta::assert_snapshot!(t.story(), @"
    0s get ReplicaSet default/gone
    0s get Pod default/p0
    0s get Pod default/p1
    0s delete Pod default/p0 background
    0s delete Pod default/p1 background
    ");
}

#[test]
fn a_namesake_of_another_uid_is_not_the_owner() {
    let mut t = start();
    t.put(set(Vec::new()));
    t.put(pod("p0", 10, vec![owner(Kind::ReplicaSet, "web-1", Uid(99))]));
    t.serve_all();
    insta::assert_snapshot!(t.story(), @"
    0s get ReplicaSet default/web-1
    0s get Pod default/p0
    0s delete Pod default/p0 background
    ");
    assert_eq!(names(&t, Kind::ReplicaSet), ["web-1"]);
}

#[test]
fn an_owner_that_the_informer_does_not_know_yet_is_waited_for() {
    let mut t = start();
    t.put(pod("p0", 10, vec![owner(Kind::ReplicaSet, "web-1", SET)]));
    insta::assert_snapshot!(t.story(), @"0s get ReplicaSet default/web-1");
    t.answer(&Reply::Done(set(Vec::new()).into()));
    t.advance_to(Span::from_millis(6));
    insta::assert_snapshot!(t.story(), @"5ms get ReplicaSet default/web-1");
    t.put(set(Vec::new()));
    t.serve_all();
    t.advance_to(Span::from_secs(60));
    assert_eq!(t.story(), "", "once it was seen nobody asks");
}

#[test]
fn a_uid_with_the_wrong_name_is_found_out() {
    let mut t = start();
    t.put(set(Vec::new()));
    t.put(pod("p0", 10, vec![owner(Kind::ReplicaSet, "other", SET)]));
    t.serve_all();
    insta::assert_snapshot!(t.story(), @"
    0s get Pod default/p0
    0s get ReplicaSet default/other
    0s delete Pod default/p0 background
    ");
    assert_eq!(names(&t, Kind::ReplicaSet), ["web-1"]);
}

#[test]
fn two_that_mean_different_owners_by_one_uid_are_both_looked_into() {
    let mut t = start();
    t.put(pod("p0", 10, vec![owner(Kind::ReplicaSet, "a", Uid(99))]));
    t.put(pod("p1", 11, vec![owner(Kind::ReplicaSet, "b", Uid(99))]));
    // As long as the pods are there, one name after the other is looked up.
    t.live_to(Span::from_millis(12));
    insta::assert_snapshot!(t.story(), @"
    0s get ReplicaSet default/a
    0s get Pod default/p1
    0s get Pod default/p0
    0s get ReplicaSet default/b
    0s delete Pod default/p0 background
    0s delete Pod default/p1 background
    5ms get ReplicaSet default/b
    10ms get ReplicaSet default/a
    ");
}

#[test]
fn an_owner_in_another_namespace_is_none() {
    let mut t = start();
    t.put(set(Vec::new()));
    let mut stranger = pod("p0", 10, vec![owner(Kind::ReplicaSet, "web-1", SET)]);
    stranger.meta.key.namespace = "elsewhere".into();
    t.put(stranger);
    t.serve_all();
    insta::assert_snapshot!(t.story(), @r#"
    0s event Pod/p0 OwnerRefInvalidNamespace: ownerRef [apps/v1/ReplicaSet, namespace: elsewhere, name: web-1, uid: 00000000-0000-0000-0000-000000000002] does not exist in namespace "elsewhere"
    0s get Pod elsewhere/p0
    0s get ReplicaSet elsewhere/web-1
    0s delete Pod elsewhere/p0 background
    "#);
}

#[test]
fn an_object_without_a_namespace_cannot_have_an_owner_in_one() {
    let mut t = start();
    let named = vec![owner(Kind::ReplicaSet, "web-1", SET)];
    t.put(Node { meta: Meta { uid: Uid(5), owners: named, ..Meta::new(Key::cluster("n1")) }, ..Node::default() });
    t.advance_to(Span::from_secs(60));
    assert_eq!(t.story(), "");
}

/// Serves until the first deletion is to be sent, and changes the pod before it is.
fn change_before_deletion(change: impl FnOnce(&mut Pod)) -> Story {
    let mut t = start();
    t.put(set(Vec::new()));
    t.put(pod("p0", 10, vec![owner(Kind::ReplicaSet, "web-1", SET)]));
    t.remove(Kind::ReplicaSet, &key("web-1"));
    t.serve_until("delete");
    let mut changed = Pod::clone(t.caches.get::<Pod>(&key("p0")).unwrap());
    change(&mut changed);
    t.story();
    t.put(changed);
    t.serve();
    t
}

#[test]
fn a_change_in_between_does_not_save_an_object() {
    let mut t = change_before_deletion(|pod| pod.status.phase = Phase::Failed);
    t.serve_all();
    insta::assert_snapshot!(t.story(), @"
    0s get Pod default/p0
    0s delete Pod default/p0 background
    ");
}

#[test]
fn a_new_owner_in_between_does() {
    let mut t = change_before_deletion(|pod| pod.meta.owners = vec![owner(Kind::Deployment, "web", DEPLOYMENT)]);
    t.put(deployment());
    t.live_to(Span::from_secs(1));
    insta::assert_snapshot!(t.story(), @"
    0s get Deployment default/web
    0s get Pod default/p0
    5ms get Pod default/p0
    5ms get Deployment default/web
    ");
    assert_eq!(names(&t, Kind::Pod), ["p0"]);
}

#[test]
fn a_finalizer_is_taken_off_again_after_a_conflict_and_then_after_a_back_off() {
    let mut t = start();
    t.put(deployment());
    delete_web(&mut t, "orphan");
    t.serve_until("update");
    t.story();
    for pause in [10, 50, 250] {
        let before = t.now;
        t.answer(&Reply::Error(ApiError::Conflict("somebody was faster".into())));
        t.advance_to(before.since(crate::kernel::time::Time::ZERO) + Span::from_millis(pause * 11 / 10));
        t.serve_until("update");
    }
    t.answer(&Reply::Error(ApiError::Conflict("somebody was faster".into())));
    t.live_to(Span::from_secs(1));
    assert_eq!(t.story().lines().filter(|line| line.contains("update")).count(), 4, "three retries, then the queue's");
    assert!(names(&t, Kind::Deployment).is_empty());
}

#[test]
fn owners_in_a_circle_are_unblocked_and_go() {
    let mut t = start();
    let around = |name: &str, uid: Uid, of: (&str, Uid)| ReplicaSet {
        meta: meta(name, uid, vec![owner(Kind::ReplicaSet, of.0, of.1)]),
        ..ReplicaSet::default()
    };
    let (a, b) = (Uid(21), Uid(22));
    t.put(around("a", a, ("b", b)));
    t.put(around("b", b, ("a", a)));
    t.serve_all();
    t.story();
    let mut ending = around("a", a, ("b", b));
    ending.meta.deletion = Some(Deletion { at: Timestamp(0), grace_seconds: 0 });
    ending.meta.finalizers = vec!["foregroundDeletion".into()];
    t.put(ending);
    t.live_to(Span::from_secs(5));
    insta::assert_snapshot!(t.story(), @"
    0s get ReplicaSet default/b
    0s get ReplicaSet default/a
    0s get ReplicaSet default/a
    0s patch ReplicaSet default/b unblock owners
    0s get ReplicaSet default/a
    0s delete ReplicaSet default/b foreground
    0s get ReplicaSet default/a
    0s get ReplicaSet default/b
    0s update ReplicaSet default/a
    0s get ReplicaSet default/b
    0s delete ReplicaSet default/b background
    0s get ReplicaSet default/b
    5ms get ReplicaSet default/b
    ");
    assert!(names(&t, Kind::ReplicaSet).is_empty());
}

#[test]
fn twenty_are_looked_at_at_once() {
    let mut t = start();
    put_web(&mut t, 50);
    t.remove(Kind::Deployment, &key("web"));
    t.serve_until("get Pod");
    assert_eq!(t.requests.len(), 20);
    t.serve_all();
    let story = t.story();
    let count = |what: &str| story.lines().filter(|line| line.contains(what)).count();
    // Two requests for each pod: the owner is known to be absent.
    assert_eq!((count("get Pod"), count("delete Pod"), count("get ReplicaSet")), (50, 50, 1));
}

#[test]
fn a_deletion_says_which_version_it_means() {
    let mut t = start();
    put_web(&mut t, 0);
    t.remove(Kind::Deployment, &key("web"));
    t.serve_until("delete");
    let Request::Delete { options, .. } = &t.requests[0].1 else { panic!("a deletion") };
    let known: &Object = t.caches.table(Kind::ReplicaSet).get(&key("web-1")).unwrap();
    let expected = DeleteOptions {
        uid: Some(SET),
        resource_version: Some(known.meta().resource_version),
        propagation: Some(Propagation::Background),
        ..DeleteOptions::default()
    };
    assert_eq!(*options, expected);
}
