//! More life stories of Deployments: rollovers, pauses, deadlines, rollbacks.

use super::tests::*;
use super::*;
use crate::kernel::time::{Span, Time};
use crate::object::deployment::IntOrPercent::{self, Int, Percent};
use crate::object::pod::Phase;
use crate::object::{Condition, ConditionStatus, Deletion, Meta, Timestamp, condition};

fn image(t: &mut Story, image: &str) {
    change(t, |deployment| deployment.spec.template.annotations.insert("image", image));
    settle(t);
}

/// A Deployment that rolls like this, with all its pods ready.
fn rolled_out(replicas: i32, max_surge: IntOrPercent, max_unavailable: IntOrPercent) -> Story {
    let mut t = started();
    let mut start = deployment(replicas);
    start.spec.strategy = DeploymentStrategy::RollingUpdate { max_surge, max_unavailable };
    t.put(start);
    settle(&mut t);
    fulfil(&mut t, &[replicas]);
    t.story();
    t
}

/// Notes of the events that say `reason`, without the hashes.
fn notes(t: &mut Story, reason: &str) -> String {
    let reason = format!(" {reason}: ");
    let story = story(t);
    story.lines().filter_map(|line| line.split_once(&reason)).map(|(_, note)| note).collect::<Vec<_>>().join("\n")
}

fn revisions(t: &Story) -> Vec<i64> {
    sets(t).iter().map(|set| sets::revision(&set.meta)).collect()
}

fn change_set(t: &mut Story, index: usize, change: impl FnOnce(&mut ReplicaSet)) {
    let mut set = (*sets(t)[index]).clone();
    change(&mut set);
    t.put(set);
}

fn progressing(t: &Story) -> Condition {
    condition::find(&known(t).status.conditions, "Progressing").unwrap().clone()
}

fn seconds(t: &Story) -> u64 {
    t.now.as_micros() / 1_000_000
}

#[test]
fn a_third_template_in_mid_rollout_takes_the_second_one_down_first() {
    let mut t = in_mid_rollout();
    t.story();
    image(&mut t, "v3");
    // Thirteen are there already, so none can come; of the eight old ones no more can go, but the five new ones, none
    // of which is available, can.
    assert_eq!(sizes(&t), [8, 0, 5]);
    for _ in 0..4 {
        fulfil(&mut t, &[10, 10, 10]);
    }
    insta::assert_snapshot!(notes(&mut t, "ScalingReplicaSet"), @r"
    Scaled down replica set web-B from 5 to 0
    Scaled up replica set web-C from 0 to 5
    Scaled down replica set web-A from 8 to 3
    Scaled up replica set web-C from 5 to 10
    Scaled down replica set web-A from 3 to 0
    ");
    assert_eq!((sizes(&t), revisions(&t)), (vec![0, 0, 10], vec![1, 2, 3]));
}

#[test]
fn all_may_be_unavailable_at_once() {
    let mut t = rolled_out(4, Percent(25), Percent(100));
    image(&mut t, "v2");
    insta::assert_snapshot!(notes(&mut t, "ScalingReplicaSet"), @r"
    Scaled up replica set web-B from 0 to 1
    Scaled down replica set web-A from 4 to 0
    Scaled up replica set web-B from 1 to 4
    ");
}

#[test]
fn odd_percentages_are_rounded_up_for_the_surge_and_down_for_the_rest() {
    let mut t = rolled_out(7, Percent(33), Percent(33));
    image(&mut t, "v2");
    fulfil(&mut t, &[7, 0]);
    // 2.31 pods are three more and two fewer.
    assert_eq!(sizes(&t), [5, 5]);
}

#[test]
fn a_rollout_paused_in_the_middle_stays_as_it_is_and_goes_on_when_it_is_resumed() {
    let mut t = in_mid_rollout();
    change(&mut t, |deployment| deployment.spec.paused = true);
    settle(&mut t);
    fulfil(&mut t, &[10, 5]);
    assert_eq!(sizes(&t), [8, 5], "all are available, but it is paused");
    assert_eq!(progressing(&t).reason, "DeploymentPaused");
    assert_eq!(progressing(&t).status, ConditionStatus::Unknown);
    // A pause longer than the deadline does not count.
    let later = Span::from_secs(seconds(&t) + 1_000);
    t.live_to(later);
    assert_eq!(progressing(&t).reason, "DeploymentPaused");
    // Its history is the only thing that it still looks after, and its size, in proportion.
    change(&mut t, |deployment| deployment.spec.replicas = Some(5));
    settle(&mut t);
    assert_eq!(sizes(&t), [5, 3]);
    change(&mut t, |deployment| deployment.spec.paused = false);
    t.serve();
    assert_eq!(progressing(&t).reason, "DeploymentResumed");
    settle(&mut t);
    for _ in 0..3 {
        fulfil(&mut t, &[5, 5]);
    }
    assert_eq!(sizes(&t), [0, 5]);
    assert_eq!(progressing(&t).reason, "NewReplicaSetAvailable");
}

#[test]
fn a_missed_deadline_is_not_hidden_by_a_pause_and_without_one_nothing_is_said() {
    let mut t = in_mid_rollout();
    let later = Span::from_secs(seconds(&t) + 700);
    t.live_to(later);
    assert_eq!(progressing(&t).reason, "ProgressDeadlineExceeded");
    change(&mut t, |deployment| deployment.spec.paused = true);
    settle(&mut t);
    assert_eq!(progressing(&t).reason, "ProgressDeadlineExceeded");

    let mut t = started();
    let mut start = deployment(1);
    start.spec.progress_deadline_seconds = Some(i32::MAX);
    t.put(start);
    settle(&mut t);
    change(&mut t, |deployment| deployment.spec.paused = true);
    settle(&mut t);
    assert!(condition::find(&known(&t).status.conditions, "Progressing").is_none());
}

#[test]
fn the_deadline_is_looked_at_a_second_after_it_and_ends_with_the_next_progress() {
    let mut t = started();
    let mut start = deployment(2);
    start.spec.progress_deadline_seconds = Some(30);
    t.put(start);
    settle(&mut t);
    fulfil(&mut t, &[0]);
    let since = t.now;
    t.story();
    t.live_to(Span::from_secs(60));
    // Progress was noted in the first second; the wait began some milliseconds later.
    let told = story(&mut t);
    insta::assert_snapshot!(told, @"31s update Deployment default/web status");
    assert!(since < Time::ZERO + Span::from_secs(1));
    assert_eq!(progressing(&t).reason, "ProgressDeadlineExceeded");
    fulfil(&mut t, &[1]);
    assert_eq!((progressing(&t).status, progressing(&t).reason.as_str()), (ConditionStatus::True, "ReplicaSetUpdated"));
}

#[test]
fn pods_that_fail_long_after_a_rollout_are_looked_at_as_fast_as_the_queue_allows() {
    let mut t = rolled_out(2, Int(1), Int(0));
    let later = Span::from_secs(1_000);
    t.live_to(later);
    fulfil(&mut t, &[1]);
    assert_eq!(progressing(&t).reason, "NewReplicaSetAvailable", "no deadline runs");
    assert_eq!(t.requests, []);
    t.story();
    t.live_to(Span::from_secs(1_100));
    assert_eq!(story(&mut t), "", "nothing is written");
    // A burst of tokens and ten a second: no more than so many looks.
    let looks = t.timers_gone_off();
    assert!((900..1_300).contains(&looks), "{looks} looks");
}

#[test]
fn a_scaled_deployment_keeps_its_history_until_the_rollout_is_over() {
    let mut t = rolled_out(1, Int(1), Int(0));
    image(&mut t, "v2");
    (0..3).for_each(|_| fulfil(&mut t, &[1, 1]));
    assert_eq!(sizes(&t), [0, 1]);
    // Two changes at once: the sync that scales does not cut the history, a later one does.
    change(&mut t, |deployment| {
        deployment.spec.replicas = Some(2);
        deployment.spec.revision_history_limit = Some(0);
    });
    t.serve_all();
    assert_eq!(revisions(&t), [1, 2]);
    fulfil(&mut t, &[0, 2]);
    fulfil(&mut t, &[0, 2]);
    assert_eq!(revisions(&t), [2]);
}

#[test]
fn a_paused_deployment_cuts_its_history() {
    let mut t = rolled_out(1, Int(1), Int(0));
    image(&mut t, "v2");
    (0..3).for_each(|_| fulfil(&mut t, &[1, 1]));
    change(&mut t, |deployment| {
        deployment.spec.paused = true;
        deployment.spec.revision_history_limit = Some(0);
    });
    settle(&mut t);
    assert_eq!(revisions(&t), [2]);
}

#[test]
fn old_sets_that_still_have_pods_or_were_not_observed_stay_and_no_other_goes_instead() {
    let mut t = rolled_out(1, Int(1), Int(0));
    for name in ["v2", "v3"] {
        image(&mut t, name);
        (0..3).for_each(|_| fulfil(&mut t, &[1, 1, 1]));
    }
    change_set(&mut t, 0, |set| set.status.replicas = 1);
    settle(&mut t);
    change(&mut t, |deployment| deployment.spec.revision_history_limit = Some(1));
    settle(&mut t);
    fulfil_only(&mut t, 2, 1);
    assert_eq!(revisions(&t), [1, 2, 3], "the oldest has a pod yet");
    change_set(&mut t, 0, |set| set.status.replicas = 0);
    settle(&mut t);
    assert_eq!(revisions(&t), [2, 3]);
}

/// One ReplicaSet says that so many of its pods are ready.
fn fulfil_only(t: &mut Story, index: usize, ready: i32) {
    change_set(t, index, |set| {
        set.status.observed_generation = set.meta.generation;
        (set.status.replicas, set.status.ready_replicas, set.status.available_replicas) = (ready, ready, ready);
    });
    settle(t);
}

#[test]
fn going_back_twice_gives_the_first_set_two_more_revisions_and_a_history() {
    let mut t = rolled_out(1, Int(1), Int(0));
    let back = |t: &mut Story| {
        change(t, |deployment| deployment.spec.template.annotations.remove("image"));
        settle(t);
        (0..3).for_each(|_| fulfil(t, &[1, 1]));
    };
    image(&mut t, "v2");
    (0..3).for_each(|_| fulfil(&mut t, &[1, 1]));
    back(&mut t);
    assert_eq!((revisions(&t), sizes(&t)), (vec![3, 2], vec![1, 0]));
    image(&mut t, "v2");
    (0..3).for_each(|_| fulfil(&mut t, &[1, 1]));
    back(&mut t);
    assert_eq!((revisions(&t), sizes(&t)), (vec![5, 4], vec![1, 0]));
    let history = |set: &ReplicaSet| set.meta.annotations.get("deployment.kubernetes.io/revision-history").cloned();
    assert_eq!(history(&sets(&t)[0]).unwrap(), "1,3");
    assert_eq!(known(&t).meta.annotations.get(sets::REVISION).unwrap(), "5");
}

fn roll_back_to(t: &mut Story, revision: &str) {
    t.story();
    change(t, |deployment| deployment.meta.annotations.insert(rollback::ROLLBACK_TO, revision));
    settle(t);
}

#[test]
fn an_annotation_rolls_back_to_a_revision_and_goes() {
    let mut t = rolled_out(1, Int(1), Int(0));
    change(&mut t, |deployment| deployment.meta.annotations.insert("cause", "first"));
    settle(&mut t);
    change(&mut t, |deployment| deployment.meta.annotations.insert("cause", "second"));
    t.serve_all();
    image(&mut t, "v2");
    (0..3).for_each(|_| fulfil(&mut t, &[1, 1]));
    roll_back_to(&mut t, "9");
    insta::assert_snapshot!(notes(&mut t, "DeploymentRollbackRevisionNotFound"), @"Unable to find the revision to rollback to.");
    roll_back_to(&mut t, "2");
    insta::assert_snapshot!(notes(&mut t, "DeploymentRollbackTemplateUnchanged"), @r#"The rollback revision contains the same template as current deployment "web""#);
    roll_back_to(&mut t, "0");
    insta::assert_snapshot!(notes(&mut t, "DeploymentRollback"), @r#"Rolled back deployment "web" to revision 1"#);
    assert_eq!(revisions(&t), [3, 2]);
    let annotations = known(&t).meta.annotations;
    assert_eq!(annotations.get("cause").unwrap(), "second");
    assert_eq!(
        (annotations.get(rollback::ROLLBACK_TO), annotations.get(sets::REVISION).unwrap().as_str()),
        (None, "3")
    );
    assert!(known(&t).spec.template.labels.get(sets::LABEL_HASH).is_none());

    let mut t = rolled_out(1, Int(1), Int(0));
    roll_back_to(&mut t, "0");
    insta::assert_snapshot!(notes(&mut t, "DeploymentRollbackRevisionNotFound"), @"Unable to find last revision.");
}

/// A pod of the ReplicaSet at `index`.
fn pod_of(t: &Story, index: usize, name: &str, phase: Phase, is_terminating: bool) -> Pod {
    let mut pod = Pod { meta: Meta::new(Key::new("default", name)), ..Pod::default() };
    pod.meta.owners = vec![ownership::controller_ref(&*sets(t)[index])];
    pod.meta.deletion = is_terminating.then_some(Deletion { at: Timestamp(1), grace_seconds: 30 });
    pod.status.phase = phase;
    pod
}

#[test]
fn recreate_waits_for_a_pod_that_does_not_go_but_not_for_ended_ones_nor_for_those_of_others() {
    let mut t = started();
    let mut start = deployment(2);
    start.spec.strategy = DeploymentStrategy::Recreate;
    t.put(start);
    settle(&mut t);
    fulfil(&mut t, &[2]);
    // Somebody else's ReplicaSet of nobody, with a pod.
    let mut stranger = ReplicaSet { meta: Meta::new(Key::new("default", "db")), ..ReplicaSet::default() };
    stranger.meta.uid = Uid(99);
    stranger.meta.labels.insert("app", "db");
    let mut theirs = pod_of(&t, 0, "db-1", Phase::Running, false);
    theirs.meta.owners = vec![ownership::controller_ref(&stranger)];
    t.put(stranger);
    t.put(theirs);
    t.put(pod_of(&t, 0, "web-ended", Phase::Succeeded, false));
    t.put(pod_of(&t, 0, "web-on-a-dead-node", Phase::Running, true));
    image(&mut t, "v2");
    let own = |t: &Story| sets(t).iter().filter(|set| set.meta.name().starts_with("web-")).count();
    change_set(&mut t, 0, |set| {
        (set.status.replicas, set.status.ready_replicas, set.status.available_replicas) = (0, 0, 0);
        set.status.terminating_replicas = Some(1);
        set.status.observed_generation = set.meta.generation;
    });
    settle(&mut t);
    let later = Span::from_secs(seconds(&t) + 3_000);
    t.live_to(later);
    assert_eq!(own(&t), 1, "a pod is still there, if only by name");
    assert_eq!(known(&t).status.terminating_replicas, Some(1));
    t.remove(Kind::Pod, &Key::new("default", "web-on-a-dead-node"));
    assert_eq!(t.requests, [], "one is left, so its going wakes nobody");
    change_set(&mut t, 0, |set| set.status.terminating_replicas = Some(0));
    settle(&mut t);
    assert_eq!(own(&t), 2);
}

#[test]
fn a_set_whose_name_is_taken_by_itself_is_taken_as_it_is() {
    let mut t = started();
    t.put(deployment(1));
    let Request::Create(wanted) = t.requests[0].1.clone() else { panic!("{:?}", t.requests) };
    let mut own = (**wanted.of::<ReplicaSet>().unwrap()).clone();
    own.meta.uid = Uid(77);
    // The cache has not learnt of it: the sync fails and is tried again.
    t.answer(&Reply::Error(ApiError::AlreadyExists));
    assert_eq!(t.requests, []);
    t.advance_to(Span::from_millis(5));
    t.caches.table_mut(Kind::ReplicaSet).insert(own.into());
    t.answer(&Reply::Error(ApiError::AlreadyExists));
    t.serve_all();
    insta::assert_snapshot!(story(&mut t), @r"
    0s create ReplicaSet default/web-A
    5ms create ReplicaSet default/web-A
    5ms update Deployment default/web status
    5ms update Deployment default/web status
    5ms update Deployment default/web status
    5ms update Deployment default/web status
    5ms update Deployment default/web status
    ");
    assert_eq!(known(&t).status.collision_count, None);
    assert_eq!(known(&t).meta.annotations.get(sets::REVISION).unwrap(), "1");
}

#[test]
fn a_sync_that_fails_fifteen_times_is_given_up() {
    let mut t = started();
    let mut start = deployment(1);
    start.spec.progress_deadline_seconds = Some(i32::MAX);
    t.put(start);
    let mut tries = 0;
    for _ in 0..100 {
        while !t.requests.is_empty() {
            tries += 1;
            t.answer(&Reply::Error(ApiError::Forbidden("no".into())));
        }
        let later = Span::from_secs(seconds(&t) + 50);
        t.advance_to(later);
    }
    assert_eq!(tries, 16);
    change(&mut t, |deployment| deployment.spec.replicas = Some(2));
    assert_eq!(t.requests.len(), 1, "a change wakes it again");
}

#[test]
fn what_a_replica_set_could_not_do_is_said_of_its_deployment_the_new_one_first() {
    let failure = |reason: &str| Condition {
        kind: "ReplicaFailure".into(),
        status: ConditionStatus::True,
        reason: reason.into(),
        message: "no".into(),
        last_transition: Timestamp(1),
        last_update: Timestamp(1),
    };
    let said = |t: &Story| condition::find(&known(t).status.conditions, "ReplicaFailure").map(|it| it.reason.clone());
    let mut t = in_mid_rollout();
    change_set(&mut t, 0, |set| set.status.conditions = vec![failure("FailedDelete")]);
    settle(&mut t);
    assert_eq!(said(&t).unwrap(), "FailedDelete");
    change_set(&mut t, 1, |set| set.status.conditions = vec![failure("FailedCreate")]);
    settle(&mut t);
    assert_eq!(said(&t).unwrap(), "FailedCreate");
    (0..2).for_each(|index| change_set(&mut t, index, |set| set.status.conditions.clear()));
    settle(&mut t);
    assert_eq!(said(&t), None);
}

#[test]
fn annotations_and_the_time_to_be_ready_are_handed_to_the_new_set_only() {
    let mut t = in_mid_rollout();
    change(&mut t, |deployment| {
        deployment.spec.min_ready_seconds = 7;
        deployment.meta.annotations.insert("team", "a");
        deployment.meta.annotations.insert("kubectl.kubernetes.io/last-applied-configuration", "{}");
    });
    settle(&mut t);
    let [old, new] = &sets(&t)[..] else { panic!("two revisions") };
    assert_eq!((old.spec.min_ready_seconds, new.spec.min_ready_seconds), (0, 7));
    assert_eq!((old.meta.annotations.get("team"), new.meta.annotations.get("team").unwrap().as_str()), (None, "a"));
    assert!(new.meta.annotations.iter().all(|(key, _)| !key.starts_with("kubectl")));
}

#[test]
fn a_deployment_that_is_being_deleted_only_counts() {
    let mut t = in_mid_rollout();
    t.story();
    change(&mut t, |deployment| {
        deployment.meta.deletion = Some(Deletion { at: Timestamp(1), grace_seconds: 0 });
        deployment.meta.finalizers = vec!["foregroundDeletion".into()];
        deployment.spec.replicas = Some(3);
    });
    settle(&mut t);
    fulfil(&mut t, &[8, 5]);
    insta::assert_snapshot!(story(&mut t), @r"
    400ms update Deployment default/web status
    500ms update Deployment default/web status
    ");
    assert_eq!(sizes(&t), [8, 5]);
}

#[test]
fn old_sets_beside_a_full_new_one_go_at_once_the_newest_of_them_first() {
    let mut t = rolled_out(2, Int(1), Int(0));
    for name in ["v2", "v3"] {
        image(&mut t, name);
        (0..5).for_each(|_| fulfil(&mut t, &[2, 2, 2]));
    }
    assert_eq!(sizes(&t), [0, 0, 2]);
    t.story();
    for index in [0, 1] {
        let mut set = (*sets(&t)[index]).clone();
        set.spec.replicas = Some(1);
        set.meta.created = Timestamp(index as i64);
        set.meta.annotations.insert(scale::DESIRED_REPLICAS, "9");
        t.caches.table_mut(Kind::ReplicaSet).insert(set.into());
    }
    change(&mut t, |deployment| deployment.meta.labels.insert("wake", "up"));
    settle(&mut t);
    insta::assert_snapshot!(notes(&mut t, "ScalingReplicaSet"), @r"
    Scaled down replica set web-B from 1 to 0
    Scaled down replica set web-A from 1 to 0
    ");
}

#[test]
fn how_many_pods_end_is_not_known_until_every_set_says_so() {
    let mut t = in_mid_rollout();
    change_set(&mut t, 0, |set| set.status.terminating_replicas = Some(2));
    change_set(&mut t, 1, |set| set.status.terminating_replicas = Some(1));
    settle(&mut t);
    assert_eq!(known(&t).status.terminating_replicas, Some(3));
    change_set(&mut t, 1, |set| set.status.terminating_replicas = None);
    settle(&mut t);
    assert_eq!(known(&t).status.terminating_replicas, None);
}
