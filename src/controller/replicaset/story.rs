//! More life stories of ReplicaSets: what it has read, claims, refusals.

use super::tests::*;
use super::*;
use crate::apiserver::ApiError;
use crate::kernel::time::Span;
use crate::object::pod::Phase;
use crate::object::{Labels, Selector, Uid};

/// The reply to the oldest request, as of a server whose watch is slow: the object at so many versions from now.
fn answer_ahead(t: &mut Story, ahead: u64) {
    let Request::Update { mut object, .. } = t.requests[0].1.clone() else { panic!("{:?}", t.requests) };
    let newest = t.caches.table(Kind::ReplicaSet).newest().max(t.caches.table(Kind::Pod).newest());
    object.meta_mut().resource_version = crate::object::Revision(newest.0 + ahead);
    t.answer(&Reply::Done(object));
}

#[test]
fn a_sync_waits_until_its_own_status_is_read() {
    let mut t = started();
    t.put(set(0));
    answer_ahead(&mut t, 2);
    change_set(&mut t, |set| set.spec.replicas = Some(1));
    assert_eq!(t.requests, [], "one version is missing");
    t.advance_to(Span::from_millis(14));
    assert_eq!(t.requests, [], "5 ms and again 10 ms");
    // Any later version of any ReplicaSet shows that the cache is past it.
    let mut other = set(0);
    other.meta.key.name = "other".into();
    other.meta.uid = Uid(2_000);
    other.spec.selector = Selector::of([("app", "other")].into_iter().collect());
    other.status.observed_generation = 1;
    other.status.terminating_replicas = Some(0);
    t.put(other);
    assert_eq!(t.requests, [], "it is tried when its back-off is over");
    t.advance_to(Span::from_millis(15));
    t.serve_all();
    assert_eq!(counts(&t), "1 active, 0 ready, 0 available, 0 terminating");
}

#[test]
fn a_set_that_is_gone_waits_for_nothing() {
    let mut t = started();
    t.put(set(0));
    answer_ahead(&mut t, 50);
    t.remove(Kind::ReplicaSet, &Key::new("default", "web"));
    let mut namesake = set(1);
    namesake.meta.uid = Uid(1_001);
    t.put(namesake);
    assert_eq!(t.requests.len(), 1, "its pod is created");
}

#[test]
fn a_pod_that_gets_available_while_the_status_is_written_is_not_missed() {
    let mut t = started();
    let mut slow = set(2);
    slow.spec.min_ready_seconds = 10;
    t.put(slow);
    t.serve_all();
    t.advance_to(Span::from_secs(2));
    run(&mut t, "web-1", "n1", true);
    t.serve_all();
    t.advance_to(Span::from_millis(11_900));
    run(&mut t, "web-2", "n1", true);
    // The write is under way when the first is ready for ten seconds.
    t.advance_to(Span::from_millis(12_100));
    t.serve_all();
    assert_eq!(counts(&t), "2 active, 2 ready, 1 available, 0 terminating");
    t.live_to(Span::from_millis(20_999));
    assert_eq!(counts(&t), "2 active, 2 ready, 1 available, 0 terminating");
    // Ready since 11.9 s, by the whole second since 11 s.
    t.live_to(Span::from_secs(21));
    assert_eq!(counts(&t), "2 active, 2 ready, 2 available, 0 terminating");
}

#[test]
fn a_refused_deletion_is_said_and_one_of_a_pod_that_is_gone_is_none() {
    let mut t = started();
    t.put(set(2));
    t.serve_all();
    t.story();
    change_set(&mut t, |set| set.spec.replicas = Some(0));
    t.answer(&Reply::Error(ApiError::NotFound));
    t.answer(&Reply::Error(ApiError::Forbidden("no".into())));
    t.serve();
    let failure = known_set(&t).status.conditions[0].clone();
    assert_eq!(failure.reason, "FailedDelete");
    insta::assert_snapshot!(failure.message, @r#"unable to delete pods: pods "web-2" is forbidden: no"#);
    insta::assert_snapshot!(t.story(), @r#"
    0s delete Pod default/web-1
    0s delete Pod default/web-2
    0s event ReplicaSet/web FailedDelete: Error deleting: pods "web-2" is forbidden: no
    0s update ReplicaSet default/web status
    0s delete Pod default/web-1
    0s delete Pod default/web-2
    "#);
}

#[test]
fn pods_are_adopted_and_released_one_after_the_other_and_the_owner_is_read_once() {
    let mut t = started();
    t.put(set(3));
    t.serve_all();
    t.story();
    let stray = [("app", "debug")].into_iter().collect::<Labels>();
    // Two pods of nobody, and one that strays, while a sync is under way.
    change_set(&mut t, |set| set.spec.template.annotations.insert("x", "y"));
    for name in ["web-1", "web-3"] {
        change_pod(&mut t, name, |pod| pod.meta.owners.clear());
    }
    change_pod(&mut t, "web-2", |pod| pod.meta.labels = stray);
    t.serve();
    t.story();
    let mut open = Vec::new();
    while t.requests.first().is_some_and(|(_, request)| !matches!(request, Request::Create(_))) {
        open.push(t.requests.len());
        t.serve();
    }
    assert!(open.iter().all(|&open| open == 1), "{open:?}");
    insta::assert_snapshot!(t.story(), @r"
    0s patch Pod default/web-1 +owner ReplicaSet web
    0s patch Pod default/web-2 -owner
    0s patch Pod default/web-3 +owner ReplicaSet web
    0s create Pod default/web-*
    ");
}

#[test]
fn a_set_that_is_going_live_adopts_nothing_but_still_releases() {
    let mut t = started();
    t.put(set(2));
    t.serve_all();
    change_set(&mut t, |set| set.spec.template.annotations.insert("x", "y"));
    change_pod(&mut t, "web-1", |pod| pod.meta.owners.clear());
    change_pod(&mut t, "web-2", |pod| pod.meta.labels = Labels::default());
    t.serve();
    t.story();
    let mut live = known_set(&t);
    live.meta.deletion = Some(crate::object::Deletion { at: crate::object::Timestamp(1), grace_seconds: 0 });
    t.answer(&Reply::Done(live.into()));
    t.answer(&Reply::Error(ApiError::NotFound));
    insta::assert_snapshot!(t.story(), @"0s patch Pod default/web-2 -owner");
}

#[test]
fn a_deletion_is_seen_once_however_often_it_is_told() {
    let mut t = started();
    t.put(set(3));
    t.serve_all();
    ["web-1", "web-2", "web-3"].iter().for_each(|name| run(&mut t, name, "n1", true));
    t.serve_all();
    change_set(&mut t, |set| set.spec.replicas = Some(1));
    // Both deletions are answered, but the cache learns of one only: in two steps.
    let asked: Vec<Key> = t.requests.iter().map(|(_, request)| request.key().clone()).collect();
    assert_eq!(asked.len(), 2);
    let deleted = |t: &mut Story, key: &Key| {
        change_pod(t, &key.name.clone(), |pod| {
            pod.meta.deletion = Some(crate::object::Deletion { at: crate::object::Timestamp(1), grace_seconds: 30 });
        });
    };
    for key in &asked {
        let pod = t.caches.table(Kind::Pod).get(key).unwrap().clone();
        t.answer(&Reply::Done(pod));
    }
    t.serve_all();
    deleted(&mut t, &asked[0]);
    t.remove(Kind::Pod, &asked[0]);
    change_set(&mut t, |set| set.spec.replicas = Some(0));
    t.serve_all();
    let is_delete = |line: &&str| line.contains(" delete ");
    assert_eq!(t.story().lines().filter(is_delete).count(), 2, "the other deletion is still waited for");
    deleted(&mut t, &asked[1]);
    t.serve_all();
    assert_eq!(t.story().lines().filter(is_delete).count(), 1);
}

#[test]
fn crowds_count_the_pods_of_all_revisions_and_those_about_to_be_adopted() {
    let owner = ownership::controller_ref(&crate::object::Deployment::default());
    let mut t = started();
    let (mut old, mut new) = (set(1), set(0));
    old.meta.owners = vec![owner.clone()];
    new.meta.owners = vec![owner];
    new.meta.key.name = "web-new".into();
    new.meta.uid = Uid(2_000);
    t.put(old.clone());
    t.put(new);
    t.serve_all();
    run(&mut t, "web-1", "n1", true);
    let mut orphan = Pod { meta: Meta::new(Key::new("default", "orphan")), ..Pod::default() };
    orphan.meta.labels = labels();
    orphan.node_name = "n1".into();
    orphan.status.phase = Phase::Running;
    t.put(orphan);
    let related = t.program.logic.related_pods(&old, &t.caches).len();
    assert_eq!(related, 2);
    change_pod(&mut t, "web-1", |pod| pod.meta.labels = Labels::default());
    assert_eq!(t.program.logic.related_pods(&old, &t.caches).len(), 1, "what no selector matches does not count");
    old.meta.owners.clear();
    assert_eq!(t.program.logic.related_pods(&old, &t.caches).len(), 0, "nobody's ReplicaSet has no relatives");
}

#[test]
fn a_pod_is_fully_labelled_if_it_has_all_labels_of_the_template() {
    let mut t = started();
    let mut set = set(2);
    set.spec.template.labels.insert("tier", "front");
    t.put(set);
    t.serve_all();
    change_pod(&mut t, "web-1", |pod| pod.meta.labels = labels());
    t.serve_all();
    assert_eq!((known_set(&t).status.replicas, known_set(&t).status.fully_labeled_replicas), (2, 1));
}
