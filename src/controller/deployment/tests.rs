//! Life stories of Deployments.

use super::*;
use crate::kernel::time::Span;
use crate::object::deployment::IntOrPercent;
use crate::object::{Condition, Labels, Meta, Name, Selector, Strategy, condition};
use crate::program::Runner;
use crate::program::harness::Harness;

pub(super) type Story = Harness<Runner<DeploymentController>>;

fn labels() -> Labels {
    [("app", "web")].into_iter().collect()
}

fn key() -> Key {
    Key::new("default", "web")
}

pub(super) fn deployment(replicas: i32) -> Deployment {
    let mut deployment = Deployment { meta: Meta::new(key()), ..Deployment::default() };
    deployment.meta.uid = Uid(1_000);
    deployment.meta.generation = 1;
    deployment.spec.replicas = Some(replicas);
    deployment.spec.selector = Selector::of(labels());
    deployment.spec.template.labels = labels();
    deployment.apply_defaults(&crate::object::Settings::default());
    deployment
}

pub(super) fn started() -> Story {
    let mut t = Harness::new(Runner::new(DeploymentController));
    t.start();
    t
}

pub(super) fn known(t: &Story) -> Deployment {
    (**t.caches.get::<Deployment>(&key()).unwrap()).clone()
}

pub(super) fn change(t: &mut Story, change: impl FnOnce(&mut Deployment)) {
    let mut deployment = known(t);
    change(&mut deployment);
    deployment.meta.generation += 1;
    t.put(deployment);
}

/// Serves all requests and lets the back-offs go off that conflicts lead to.
pub(super) fn settle(t: &mut Story) {
    t.serve_all();
    let soon = Span::from_micros(t.now.as_micros()) + Span::from_millis(100);
    t.advance_to(soon);
    t.serve_all();
}

/// The ReplicaSets, oldest first.
pub(super) fn sets(t: &Story) -> Vec<Arc<ReplicaSet>> {
    let mut sets: Vec<_> = t.caches.table(Kind::ReplicaSet).all::<ReplicaSet>().cloned().collect();
    sets.sort_by_key(|set| set.meta.uid);
    sets
}

/// The ReplicaSet controller does all it is asked, and so many pods of each ReplicaSet become ready.
pub(super) fn fulfil(t: &mut Story, ready: &[i32]) {
    for (set, &ready) in sets(t).iter().zip(ready) {
        let mut set = (**set).clone();
        set.status.observed_generation = set.meta.generation;
        set.status.replicas = set.replicas();
        set.status.terminating_replicas = Some(0);
        set.status.ready_replicas = ready.min(set.replicas());
        set.status.available_replicas = set.status.ready_replicas;
        t.put(set);
    }
    settle(t);
}

/// Story without the hashes of templates: `web-A` is the first ReplicaSet, `web-B` the second.
pub(super) fn story(t: &mut Story) -> String {
    let names: Vec<String> = sets(t).iter().map(|set| set.meta.name().to_string()).collect();
    let letters = ["web-A", "web-B", "web-C"];
    names.iter().zip(letters).fold(t.story(), |story, (name, letter)| story.replace(name, letter))
}

fn conditions(t: &Story) -> String {
    let shown = |condition: &Condition| format!("{}={} {}", condition.kind, condition.status, condition.reason);
    known(t).status.conditions.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn new_image(deployment: &mut Deployment) {
    deployment.spec.template.annotations.insert("image", "v2");
}

#[test]
fn a_new_deployment_gets_a_replica_set_and_becomes_available() {
    let mut t = started();
    t.put(deployment(8));
    t.serve_all();
    t.advance_to(Span::from_millis(5));
    t.serve_all();
    // As recorded: ReplicaSet, event, status with the revision; then, after a conflict, the counts.
    insta::assert_snapshot!(story(&mut t), @r"
    0s create ReplicaSet default/web-A
    0s event Deployment/web ScalingReplicaSet: Scaled up replica set web-A from 0 to 8
    0s update Deployment default/web status
    0s update Deployment default/web status
    0s update Deployment default/web status
    ");
    insta::assert_snapshot!(conditions(&t), @"Progressing=True NewReplicaSetCreated, Available=False MinimumReplicasUnavailable");
    assert_eq!(known(&t).meta.annotations.get(sets::REVISION).unwrap(), "1");
    let set = sets(&t)[0].clone();
    let hash = set.meta.labels.get(sets::LABEL_HASH).unwrap();
    assert_eq!(*set.meta.name(), *format!("web-{hash}"));
    assert_eq!(set.spec.selector.labels.get(sets::LABEL_HASH), Some(hash));
    assert_eq!(set.spec.template.labels, set.meta.labels);
    insta::assert_debug_snapshot!(set.meta.annotations, @r#"
    Labels(
        [
            (
                "deployment.kubernetes.io/desired-replicas",
                "8",
            ),
            (
                "deployment.kubernetes.io/max-replicas",
                "10",
            ),
            (
                "deployment.kubernetes.io/revision",
                "1",
            ),
        ],
    )
    "#);

    fulfil(&mut t, &[0]);
    insta::assert_snapshot!(conditions(&t), @"Available=False MinimumReplicasUnavailable, Progressing=True ReplicaSetUpdated");
    fulfil(&mut t, &[1]);
    fulfil(&mut t, &[8]);
    insta::assert_snapshot!(story(&mut t), @r"
    5ms update Deployment default/web status
    105ms update Deployment default/web status
    205ms update Deployment default/web status
    ");
    insta::assert_snapshot!(conditions(&t), @"Available=True MinimumReplicasAvailable, Progressing=True NewReplicaSetAvailable");
    assert_eq!(known(&t).status.unavailable_replicas, 0);

    // Pods that fail later are no lack of progress.
    fulfil(&mut t, &[5]);
    insta::assert_snapshot!(conditions(&t), @"Progressing=True NewReplicaSetAvailable, Available=False MinimumReplicasUnavailable");
}

#[test]
fn a_new_template_rolls_out_step_by_step() {
    let mut t = started();
    t.put(deployment(4));
    settle(&mut t);
    fulfil(&mut t, &[4]);
    t.story();
    change(&mut t, new_image);
    settle(&mut t);
    for _ in 0..5 {
        fulfil(&mut t, &[4, 4]);
    }
    let events = story(&mut t);
    let events: Vec<_> = events.lines().filter_map(|line| line.split_once("ScalingReplicaSet: ")).collect();
    insta::assert_snapshot!(events.iter().map(|(_, note)| *note).collect::<Vec<_>>().join("\n"), @r"
    Scaled up replica set web-B from 0 to 1
    Scaled down replica set web-A from 4 to 3
    Scaled up replica set web-B from 1 to 2
    Scaled down replica set web-A from 3 to 1
    Scaled up replica set web-B from 2 to 4
    Scaled down replica set web-A from 1 to 0
    ");
    insta::assert_snapshot!(conditions(&t), @"Available=True MinimumReplicasAvailable, Progressing=True NewReplicaSetAvailable");
    assert_eq!(sets(&t)[1].meta.annotations.get(sets::REVISION).unwrap(), "2");

    // Back to the first template: its ReplicaSet is the new one again.
    change(&mut t, |deployment| deployment.spec.template.annotations.remove("image"));
    settle(&mut t);
    assert_eq!(sets(&t).len(), 2);
    assert_eq!(sets(&t)[0].meta.annotations.get(sets::REVISION).unwrap(), "3");
}

#[test]
fn a_rollout_that_does_not_get_ready_stops_and_is_reported() {
    let mut t = started();
    t.put(deployment(4));
    settle(&mut t);
    fulfil(&mut t, &[4]);
    change(&mut t, new_image);
    settle(&mut t);
    for _ in 0..5 {
        fulfil(&mut t, &[4, 0]);
    }
    assert_eq!(sizes(&t), [3, 2], "one more than wanted, one fewer available");
    t.advance_to(Span::from_secs(590));
    t.serve_all();
    insta::assert_snapshot!(conditions(&t), @"Available=True MinimumReplicasAvailable, Progressing=True ReplicaSetUpdated");
    t.advance_to(Span::from_secs(610));
    t.serve_all();
    insta::assert_snapshot!(conditions(&t), @"Available=True MinimumReplicasAvailable, Progressing=False ProgressDeadlineExceeded");
}

#[test]
fn a_scaled_deployment_scales_its_replica_set() {
    let mut t = started();
    t.put(deployment(4));
    settle(&mut t);
    fulfil(&mut t, &[4]);
    t.story();
    change(&mut t, |deployment| deployment.spec.replicas = Some(6));
    settle(&mut t);
    fulfil(&mut t, &[6]);
    insta::assert_snapshot!(story(&mut t), @r"
    200ms update ReplicaSet default/web-A
    200ms event Deployment/web ScalingReplicaSet: Scaled up replica set web-A from 4 to 6
    200ms update Deployment default/web status
    200ms update Deployment default/web status
    300ms update Deployment default/web status
    ");
    assert_eq!(known(&t).status.available_replicas, 6);
}

/// Ten replicas, three more and two fewer allowed, in the middle of a rollout: eight old ones, five new ones.
pub(super) fn in_mid_rollout() -> Story {
    let mut t = started();
    let mut start = deployment(10);
    start.spec.strategy =
        DeploymentStrategy::RollingUpdate { max_surge: IntOrPercent::Int(3), max_unavailable: IntOrPercent::Int(2) };
    t.put(start);
    settle(&mut t);
    fulfil(&mut t, &[10]);
    change(&mut t, new_image);
    settle(&mut t);
    fulfil(&mut t, &[10, 0]);
    assert_eq!(sizes(&t), [8, 5]);
    t
}

pub(super) fn sizes(t: &Story) -> Vec<i32> {
    sets(t).iter().map(|set| set.replicas()).collect()
}

#[test]
fn a_rollback_takes_the_pods_away_that_never_got_ready() {
    let mut t = in_mid_rollout();
    // The example in upstream's comment: a node fails, nothing is taken away; after a rollback four of five are.
    fulfil(&mut t, &[7, 0]);
    assert_eq!(sizes(&t), [8, 5]);
    change(&mut t, |deployment| deployment.spec.template.annotations.remove("image"));
    settle(&mut t);
    // Then the ReplicaSet that is new again grows to its full size.
    assert_eq!(sizes(&t), [10, 1]);
    let scaled_down = |line: &&str| line.contains("Scaled down replica set web-B");
    let last = story(&mut t).lines().rfind(scaled_down).map(String::from);
    assert_eq!(
        last.unwrap(),
        "500ms event Deployment/web ScalingReplicaSet: Scaled down replica set web-B from 5 to 1"
    );
}

#[test]
fn an_old_set_whose_status_lags_behind_is_let_be() {
    let mut t = in_mid_rollout();
    let [old, new] = &sets(&t)[..] else { panic!("two revisions") };
    let (mut old, mut new) = ((**old).clone(), (**new).clone());
    new.status.available_replicas = 2;
    t.put(new);
    old.status.available_replicas = 9;
    t.put(old);
    settle(&mut t);
    assert_eq!(sizes(&t), [8, 5], "nine of eight are available: nothing is taken away");
    fulfil(&mut t, &[8, 2]);
    assert_eq!(sizes(&t)[0], 6, "ten are available, eight must be");
}

#[test]
fn a_deployment_scaled_in_mid_rollout_keeps_its_proportions() {
    let mut t = in_mid_rollout();
    t.story();
    change(&mut t, |deployment| deployment.spec.replicas = Some(15));
    t.serve_all();
    insta::assert_snapshot!(story(&mut t), @r"
    400ms update ReplicaSet default/web-A
    400ms event Deployment/web ScalingReplicaSet: Scaled up replica set web-A from 8 to 11
    400ms update ReplicaSet default/web-B
    400ms event Deployment/web ScalingReplicaSet: Scaled up replica set web-B from 5 to 7
    400ms update Deployment default/web status
    400ms update Deployment default/web status
    ");
    assert_eq!(sizes(&t), [11, 7]);
}

#[test]
fn recreate_waits_for_the_last_old_pod() {
    let mut t = started();
    let mut start = deployment(2);
    start.spec.strategy = DeploymentStrategy::Recreate;
    t.put(start);
    settle(&mut t);
    fulfil(&mut t, &[2]);
    let mut pod = Pod { meta: Meta::new(Key::new("default", "web-1")), ..Pod::default() };
    pod.meta.owners = vec![ownership::controller_ref(&*sets(&t)[0])];
    t.put(pod);
    t.story();
    change(&mut t, new_image);
    settle(&mut t);
    fulfil(&mut t, &[0]);
    assert_eq!(sets(&t).len(), 1, "a pod is still there");
    t.remove(Kind::Pod, &Key::new("default", "web-1"));
    settle(&mut t);
    insta::assert_snapshot!(story(&mut t), @r"
    200ms update ReplicaSet default/web-A
    200ms event Deployment/web ScalingReplicaSet: Scaled down replica set web-A from 2 to 0
    200ms update Deployment default/web status
    300ms update Deployment default/web status
    400ms create ReplicaSet default/web-B
    400ms event Deployment/web ScalingReplicaSet: Scaled up replica set web-B from 0 to 2
    400ms update Deployment default/web status
    400ms update Deployment default/web status
    400ms update Deployment default/web status
    ");
}

#[test]
fn a_paused_deployment_only_scales() {
    let mut t = started();
    t.put(deployment(2));
    settle(&mut t);
    fulfil(&mut t, &[2]);
    t.story();
    change(&mut t, |deployment| {
        deployment.spec.paused = true;
        deployment.spec.replicas = Some(3);
        new_image(deployment);
    });
    settle(&mut t);
    insta::assert_snapshot!(story(&mut t), @r"
    200ms update Deployment default/web status
    200ms update ReplicaSet default/web-A
    200ms event Deployment/web ScalingReplicaSet: Scaled up replica set web-A from 2 to 3
    200ms update Deployment default/web status
    200ms update Deployment default/web status
    ");
    insta::assert_snapshot!(conditions(&t), @"Progressing=Unknown DeploymentPaused, Available=False MinimumReplicasUnavailable");
    change(&mut t, |deployment| deployment.spec.paused = false);
    settle(&mut t);
    assert_eq!(sets(&t).len(), 2, "the rollout begins when it is resumed");
}

#[test]
fn a_refused_replica_set_is_reported_and_tried_again() {
    let mut t = started();
    t.put(deployment(1));
    t.answer(&Reply::Error(ApiError::Forbidden("replicasets.apps is forbidden: quota".into())));
    t.serve();
    insta::assert_snapshot!(conditions(&t), @"Progressing=False ReplicaSetCreateError");
    t.story();
    settle(&mut t);
    assert_eq!(sets(&t).len(), 1);
}

#[test]
fn a_name_that_is_taken_by_another_template_is_salted() {
    let mut t = started();
    t.put(deployment(1));
    let Request::Create(wanted) = t.requests[0].1.clone() else { panic!("{:?}", t.requests) };
    let mut taken = (**wanted.of::<ReplicaSet>().unwrap()).clone();
    taken.meta.uid = Uid(77);
    taken.meta.owners = Vec::new();
    taken.meta.labels = Labels::default();
    taken.spec.template.annotations.insert("image", "other");
    t.put(taken);
    settle(&mut t);
    assert_eq!(known(&t).status.collision_count, Some(1));
    let names: Vec<Name> = sets(&t).iter().map(|set| set.meta.name().clone()).collect();
    assert_eq!(names.len(), 2);
    assert_ne!(names[0], names[1]);
}

#[test]
fn old_replica_sets_beyond_the_history_are_deleted() {
    let mut t = started();
    let mut start = deployment(1);
    start.spec.revision_history_limit = Some(1);
    t.put(start);
    settle(&mut t);
    fulfil(&mut t, &[1]);
    for image in ["v2", "v3", "v4"] {
        change(&mut t, |deployment| deployment.spec.template.annotations.insert("image", image));
        settle(&mut t);
        for _ in 0..4 {
            fulfil(&mut t, &[1, 1, 1]);
        }
    }
    let revisions: Vec<_> = sets(&t).iter().map(|set| sets::revision(&set.meta)).collect();
    assert_eq!(revisions, [3, 4]);
}

#[test]
fn a_replica_set_of_nobody_is_adopted() {
    let mut t = started();
    let mut orphan = ReplicaSet { meta: Meta::new(Key::new("default", "web-old")), ..ReplicaSet::default() };
    orphan.meta.uid = Uid(5);
    orphan.meta.labels = labels();
    orphan.spec.template = deployment(1).spec.template;
    orphan.spec.replicas = Some(1);
    t.put(orphan);
    t.put(deployment(1));
    settle(&mut t);
    insta::assert_snapshot!(t.story(), @r"
    0s get Deployment default/web
    0s patch ReplicaSet default/web-old +owner Deployment web
    0s update ReplicaSet default/web-old
    0s update ReplicaSet default/web-old
    0s update ReplicaSet default/web-old
    0s update Deployment default/web status
    0s update Deployment default/web status
    0s update Deployment default/web status
    ");
    assert_eq!(sets(&t)[0].meta.controller().map(|owner| owner.uid), Some(Uid(1_000)));
    assert_eq!(condition::find(&known(&t).status.conditions, "Progressing").unwrap().reason, "FoundNewReplicaSet");
}
