//! Whole runs with faults of links, disks, objects of nodes and the registry of images.

use super::fault_tests::{is_ready, planned, story, with};
use super::tests::{at, ran};
use super::{Config, World};
use crate::kernel::time::Span;
use crate::object::quantity::Quantity;
use crate::object::resources::EPHEMERAL_STORAGE;
use crate::object::{ConditionStatus, Fact, Key, Kind, Lease, Meta, Phase, Pod, PriorityClass, SettingId, condition};
use std::sync::Arc;

fn renewed_micros(world: &World, node: &str) -> i64 {
    world.objects::<Lease>().find(|lease| lease.holder == node).expect("its lease").renew_time.0
}

/// Commits about nodes that say something.
fn is_of_node(fact: &Fact) -> bool {
    matches!(fact, Fact::Commit { kind: Kind::Node, .. })
}

#[test]
fn a_slow_link_renews_late_and_one_slower_than_the_client_waits_not_at_all() {
    let after = |latency: &str, direction: &str| {
        let slow = planned("link.slow", &format!("latency={latency} direction={direction}"), 20, None, "n1");
        let mut world = World::new(with(&["a"], 200, vec![slow]));
        world.run_until(at(200));
        let age = world.clock().micro_time(world.now()).0 - renewed_micros(&world, "n1");
        (Span::from_micros(age as u64) > Span::from_secs(60), is_ready(&world, "n1"))
    };
    let (fresh, gone) = ((false, Some(ConditionStatus::True)), (true, Some(ConditionStatus::Unknown)));
    assert_eq!(after("1s", "both"), fresh);
    assert_eq!(after("11s", "up"), gone);
    // The first renewal arrives, but its answer does not in time. From then on all renewals name an old version, and what
    // the new one is cannot be read in time either. What the kubelet says of its node needs no answer.
    assert_eq!(after("11s", "down"), (true, Some(ConditionStatus::True)));
}

#[test]
fn a_lossy_link_delays_signs_of_life_and_a_bad_one_stops_them() {
    let unknown = |loss: &str| {
        let lossy = planned("link.lossy", &format!("loss={loss}"), 20, None, "n1");
        let world = ran(with(&["a"], 600, vec![lossy]));
        let told = |fact: &Fact| matches!(fact, Fact::Commit { kind: Kind::Node, what, .. } if what.contains("Ready="));
        story(&world, told).lines().count()
    };
    assert_eq!(unknown("30%"), 0);
    assert!(unknown("97%") > 0);
}

#[test]
fn without_the_registry_pods_wait_and_try_again_later_and_later() {
    let told = |fact: &Fact| {
        matches!(fact, Fact::ContainersStarted { .. })
            || matches!(fact, Fact::Commit { kind: Kind::Pod, what, .. } if what.contains("mage"))
    };
    let mut config = with(&["a"], 400, vec![planned("image-registry.gone", "", 0, Some(200), "")]);
    config.settings.set(SettingId::PodWorkerJitter, 0);
    insta::assert_snapshot!(story(&ran(config.clone()), told), @"
    0 updated Pod default/a ErrImagePull, Ready=False (ContainersNotReady)
    20 updated Pod default/a ImagePullBackOff
    30 updated Pod default/a ErrImagePull
    40 updated Pod default/a ImagePullBackOff
    70 updated Pod default/a ErrImagePull
    80 updated Pod default/a ImagePullBackOff
    150 updated Pod default/a ErrImagePull
    160 updated Pod default/a ImagePullBackOff
    315 containers-started Pod default/a on n1, images pulled for 4s, after 5m10s in which they could not be
    ");
    // It goes while the image is pulled, for 5 s: one failure, one back-off.
    config.events = vec![planned("image-registry.gone", "", 2, Some(5), "")];
    insta::assert_snapshot!(story(&ran(config.clone()), told), @"
    2 updated Pod default/a ErrImagePull, Ready=False (ContainersNotReady)
    16 containers-started Pod default/a on n1, images pulled for 4s, after 11.990103s in which they could not be
    ");
    config.events = vec![planned("image-registry.slow", "factor=5", 0, None, "")];
    insta::assert_snapshot!(story(&ran(config), told), @"
    21 containers-started Pod default/a on n1, images pulled for 20s (16s of it by a slow registry)
    ");
}

#[test]
fn images_on_the_disk_need_no_registry() {
    let faults =
        vec![planned("image-registry.gone", "", 30, None, ""), planned("node.reboot", "", 40, None, "n0 n1 n2")];
    let world = ran(with(&["a", "b"], 200, faults));
    assert!(world.objects::<Pod>().all(|pod| pod.is_ready() && pod.status.containers[0].restart_count == 1));
}

#[test]
fn a_full_disk_is_told_evicts_pods_one_by_one_and_is_held_for_five_minutes() {
    let pods = ["a", "b", "c", "d"];
    let mut config = with(&pods, 600, vec![planned("node.disk-pressure", "evict=2", 60, Some(60), "n0")]);
    config.nodes.truncate(1);
    let world = ran(config);
    let told = |fact: &Fact| {
        is_of_node(fact) || matches!(fact, Fact::Commit { kind: Kind::Pod, what, .. } if what.contains("Failed"))
    };
    insta::assert_snapshot!(story(&world, told), @"
    67 updated Pod default/a Failed (Evicted), Ready=False (PodCompleted)
    75 updated Node n0 DiskPressure=True
    75 updated Node n0 +node.kubernetes.io/disk-pressure:NoSchedule
    77 updated Pod default/b Failed (Evicted), Ready=False (PodCompleted)
    422 updated Node n0 DiskPressure=False
    422 updated Node n0 -node.kubernetes.io/disk-pressure:NoSchedule
    ");
    let evicted: Vec<_> = world.objects::<Pod>().filter(|pod| pod.status.phase == Phase::Failed).collect();
    assert_eq!(evicted.iter().map(|pod| pod.meta.name().as_str()).collect::<Vec<_>>(), ["a", "b"]);
    for pod in evicted {
        assert_eq!(pod.status.reason, "Evicted");
        assert_eq!(pod.status.message, "The node was low on resource: ephemeral-storage. ");
        let target = condition::find(&pod.status.conditions, "DisruptionTarget").expect("it says why");
        assert_eq!(target.reason, "TerminationByKubelet");
    }
}

#[test]
fn a_pod_that_comes_to_a_full_disk_is_turned_away_unless_it_is_critical() {
    let mut config = with(&["a"], 100, vec![planned("node.disk-pressure", "", 20, None, "n0")]);
    config.nodes.truncate(1);
    let bound = |name: &str, class: &str| {
        let mut pod = Pod::clone(super::tests::pod(name).of::<Pod>().unwrap());
        pod.node_name = "n0".into();
        Arc::make_mut(&mut pod.spec).priority_class = class.into();
        pod
    };
    config.manifests.clear();
    let apply = |pod: Pod| crate::action::Apply { objects: vec![pod.into()] };
    for (index, (name, class)) in
        [("early", ""), ("late", ""), ("vital", "system-node-critical")].into_iter().enumerate()
    {
        config.events.push(super::Planned {
            id: name.into(),
            at: at([10, 60, 60][index]),
            what: super::tests::acts(apply(bound(name, class))),
        });
    }
    let world = ran(config);
    let states: Vec<_> = world
        .objects::<Pod>()
        .map(|pod| (pod.meta.name().as_str(), pod.status.phase, pod.status.message.as_str()))
        .collect();
    let told = "Pod was rejected: The node had condition: [DiskPressure]. ";
    assert_eq!(states, [("early", Phase::Running, ""), ("late", Phase::Failed, told), ("vital", Phase::Running, "")]);
}

#[test]
fn pods_that_ask_for_no_disk_go_first_then_those_of_low_priority() {
    let high = PriorityClass { meta: Meta::new(Key::cluster("high")), value: 100, ..PriorityClass::default() };
    let wants = |name: &str, class: &str, disk: i64| {
        let mut pod = Pod::clone(super::tests::pod(name).of::<Pod>().unwrap());
        let spec = Arc::make_mut(&mut pod.spec);
        spec.priority_class = class.into();
        spec.containers[0].requests.set(EPHEMERAL_STORAGE, Quantity::from_units(disk));
        pod.into()
    };
    let mut config = with(&[], 100, vec![planned("node.disk-pressure", "evict=9", 20, None, "n0")]);
    config.nodes.truncate(1);
    config.nodes[0].capacity.set(EPHEMERAL_STORAGE, Quantity::from_units(1 << 30));
    config.manifests = vec![high.into(), wants("a", "high", 5), wants("b", "", 5), wants("c", "high", 0)];
    config.manifests.push(wants("d", "system-node-critical", 0));
    config.manifests.push(wants("e", "", 0));
    let world = ran(config);
    let evicted = world.recorder().facts.iter().filter_map(|recorded| match &recorded.fact {
        Fact::Commit { kind: Kind::Pod, key, what, .. } if what.contains("Failed (Evicted)") => Some(key.name.as_str()),
        _ => None,
    });
    assert_eq!(evicted.collect::<Vec<_>>(), ["e", "c", "b", "a"]);
}

#[test]
fn two_full_disks_evict_for_both_and_end_with_the_last() {
    let faults = vec![
        planned("node.disk-pressure", "evict=1", 20, Some(60), "n0"),
        planned("node.disk-pressure", "evict=1", 30, Some(100), "n0"),
    ];
    let mut config = with(&["a", "b", "c"], 500, faults);
    config.nodes.truncate(1);
    let world = ran(config);
    assert_eq!(world.objects::<Pod>().filter(|pod| pod.status.phase == Phase::Failed).count(), 2);
    insta::assert_snapshot!(story(&world, is_of_node), @"
    34 updated Node n0 DiskPressure=True
    34 updated Node n0 +node.kubernetes.io/disk-pressure:NoSchedule
    432 updated Node n0 DiskPressure=False
    432 updated Node n0 -node.kubernetes.io/disk-pressure:NoSchedule
    ");
}

#[test]
fn a_deleted_node_stays_away_until_its_kubelet_starts_again() {
    let deleted = planned("node.deleted", "", 60, Some(120), "n1");
    let world = ran(Config { until: at(300), ..with(&["a", "b"], 300, vec![deleted]) });
    insta::assert_snapshot!(story(&world, is_of_node), @"
    60 deleted Node n1
    180 created Node n1
    182 updated Node n1 Ready=True
    182 updated Node n1 -node.kubernetes.io/not-ready:NoSchedule
    ");
    let began = world.recorder().facts.iter().position(|recorded| matches!(recorded.fact, Fact::FaultBegan { .. }));
    let gone = |fact: &Fact| matches!(fact, Fact::Commit { kind: Kind::Node, verb, .. } if verb.name() == "deleted");
    let gone = world.recorder().facts.iter().find(|recorded| gone(&recorded.fact)).expect("it was deleted");
    assert_eq!(Some(gone.why.cause.0 as usize), began);
    assert_eq!(is_ready(&world, "n1"), Some(ConditionStatus::True));
}
