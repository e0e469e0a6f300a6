//! Tracks of pods and nodes: told for small stories, and compared with the store and the ground at every step.

use super::action_tests::done;
use super::fault_tests::{planned, with};
use super::regressions::web;
use super::settle_tests::{settled, shop};
use super::tests::{acts, at, ran};
use super::{Config, Planned, World};
use crate::action::Cordon;
use crate::object::taint::Effect;
use crate::object::{ConditionStatus, Key, Kind, Node, Pod, Target};
use crate::record::tracks::nodes::{NodeState, NodeTrack};
use crate::record::tracks::pods::{PodState, PodTrack};

fn told<S: std::fmt::Debug>(states: &[(crate::kernel::time::Time, S)]) -> String {
    let told = states.iter().map(|(at, state)| format!("{:.0} {state:?}", at.as_secs_f64()));
    told.collect::<Vec<_>>().join(", ")
}

/// The track of a node, what ailed it, and the tracks of its pods in the order in which they were created.
fn node_told(world: &World, name: &str) -> Vec<String> {
    let tracks = &world.recorder().tracks;
    let track = tracks.nodes.find(name).expect("it is known");
    let pods = tracks.pods.all.iter().filter(|track| track.node == *name);
    let gone = |track: &PodTrack| track.gone.map_or(String::new(), |at| format!(", gone {:.0}", at.as_secs_f64()));
    let pods = pods.map(|track| told(&track.states) + &gone(track));
    [told(&track.states), told(&track.ailments)].into_iter().chain(pods).collect()
}

/// What a node's track must say, from what is in the store and on the ground.
fn node_state(world: &World, name: &str) -> Option<NodeState> {
    let id = world.ground.find(name).expect("a machine");
    let (machine, station) = (&world.ground[id], &world.stations[id.0 as usize]);
    // Between its boot and its first lists nobody can say.
    if machine.is_on && station.agent.is_none() {
        return None;
    }
    let has_kubelet = station.agent.as_ref().is_some_and(|agent| agent.kubelet.is_some());
    let is_well = machine.is_on && machine.cut_since.is_none() && has_kubelet;
    if station.boot_due.is_some() {
        return Some(NodeState::Booting);
    }
    let Some(node) = world.store().table(Kind::Node).typed::<Node>(&Key::cluster(name)) else {
        return Some(NodeState::Absent);
    };
    Some(match node.ready() {
        _ if node.taints.iter().any(|taint| taint.effect == Effect::NoExecute) => NodeState::Evicting,
        Some(ConditionStatus::True) if !is_well => NodeState::Unnoticed,
        Some(ConditionStatus::True) if node.unschedulable => NodeState::Cordoned,
        Some(ConditionStatus::True) => NodeState::Ready,
        _ => NodeState::NotReady,
    })
}

fn is_node_right(world: &World, track: &NodeTrack) -> bool {
    let last = track.states.last().expect("never none").1;
    let Some(expected) = node_state(world, &track.name) else { return true };
    // A node that has booted goes on booting until it is ready without reserve.
    let is_on_its_way = matches!(expected, NodeState::Absent | NodeState::NotReady | NodeState::Evicting);
    last == expected || last == NodeState::Booting && is_on_its_way
}

/// What a pod's track must say, but for what it has been before.
fn pod_state(world: &World, track: &PodTrack) -> Option<PodState> {
    let sandbox = world.ground.find(&track.node).and_then(|id| world.ground[id].sandboxes.get(&track.key));
    let pod = world.store().table(Kind::Pod).typed::<Pod>(&track.key);
    let Some(pod) = pod.filter(|pod| sandbox.is_none_or(|sandbox| sandbox.uid == pod.meta.uid)) else {
        return sandbox.is_some_and(|sandbox| sandbox.is_running).then_some(PodState::Forgotten);
    };
    let serves = sandbox.is_some_and(|sandbox| sandbox.is_ready);
    Some(match (pod.is_ready(), serves) {
        _ if pod.status.phase.is_terminal() => PodState::Ended,
        _ if pod.meta.is_terminating() => PodState::Terminating,
        _ if pod.node_name.is_empty() => PodState::Pending,
        (true, true) => PodState::Ready,
        (true, false) => PodState::ReadyByHearsay,
        (false, true) => PodState::ReadyUnseen,
        (false, false) => PodState::Starting,
    })
}

/// Runs to the end and compares what the tracks say with what is so, at every step.
fn watched(config: Config) -> World {
    let mut world = World::new(config);
    loop {
        let tracks = &world.recorder().tracks;
        for track in &tracks.nodes.all {
            let last = track.states.last().expect("never none").1;
            let expected = node_state(&world, &track.name);
            assert!(is_node_right(&world, track), "{}: {} is {last:?}, not {expected:?}", world.now(), track.name);
        }
        let mut present = 0;
        for track in tracks.pods.all.iter().filter(|track| track.gone.is_none()) {
            let last = track.states.last().expect("never none").1;
            present += usize::from(last != PodState::Forgotten);
            let said = if last == PodState::NotReady { PodState::Starting } else { last };
            assert_eq!(Some(said), pod_state(&world, track), "{}: {}", world.now(), track.key);
        }
        assert_eq!(present, world.store().table(Kind::Pod).len(), "{}", world.now());
        if !world.step() {
            return world;
        }
    }
}

fn stories() -> Vec<(&'static str, Config)> {
    let webs = |until, events| Config { manifests: vec![web(6)], ..with(&["alone"], until, events) };
    let fault = planned;
    let cordon = |node: &str, at_second, on| Planned {
        id: format!("cordon-{at_second}").into(),
        at: at(at_second),
        what: acts(Cordon { node: crate::action::Which::Named(node.into()), on }),
    };
    let drain = done("empty", 60, "node.drain", &[], Target::node("n1"));
    vec![
        ("crash", webs(500, vec![fault("node.crash", "", 60, None, "n1")])),
        ("crash and return", webs(700, vec![fault("node.crash", "", 60, Some(400), "n1")])),
        ("reboot", webs(200, vec![fault("node.reboot", "", 60, None, "n1")])),
        ("flap", webs(900, (0..4).map(|n| fault("kubelet.hang", "", 60 + n * 150, Some(90), "n1")).collect())),
        (
            "hang over a boot",
            webs(
                700,
                vec![
                    fault("kubelet.hang", "", 60, Some(200), "n1"),
                    fault("node.crash", "", 90, Some(60), "n1"),
                    fault("node.crash", "", 300, Some(60), "n1"),
                    fault("node.crash", "", 370, Some(10), "n1"),
                    fault("kubelet.hang", "", 380, Some(100), "n1"),
                ],
            ),
        ),
        ("partition", webs(800, vec![fault("node.partition", "direction=both", 60, Some(500), "n1")])),
        ("short partition", webs(400, vec![fault("node.partition", "direction=both", 60, Some(100), "n1")])),
        ("drain", webs(300, vec![cordon("n2", 20, true), drain, cordon("n1", 150, false), cordon("n2", 160, false)])),
        ("rolling update", {
            let image = done("new", 60, "set.image", &[("of", "deployment/shop"), ("image", "app:2")], Target::Cluster);
            Config { manifests: vec![shop(3, &[]).into()], ..with(&[], 200, vec![image]) }
        }),
        ("node deleted", webs(300, vec![fault("node.deleted", "", 60, None, "n1")])),
        ("everything", {
            let events = vec![
                fault("node.crash", "", 60, Some(90), "n0"),
                fault("node.partition", "direction=both", 80, Some(400), "n1"),
                fault("kubelet.hang", "", 90, Some(30), "n2"),
                fault("node.crash", "", 200, Some(20), "n1"),
            ];
            webs(900, events)
        }),
    ]
}

#[test]
fn tracks_say_at_every_step_what_is_so() {
    for (_, config) in stories() {
        watched(config);
    }
    let crash = vec![planned("node.crash", "", 60, Some(400), "n1")];
    let world = watched(settled(1, vec![shop(5, &[]).into()], 600, crash));
    let at_first = world.recorder().tracks.pods.all.iter().filter(|track| track.states[0] == (at(0), PodState::Ready));
    assert_eq!(at_first.count(), 5, "what was there before the run began has tracks from zero on");
}

fn story(name: &str) -> World {
    let (_, config) = stories().into_iter().find(|(other, _)| *other == name).expect("a story");
    ran(config)
}

#[test]
fn a_crash_is_hearsay_then_knowledge_and_then_eviction() {
    assert_eq!(
        node_told(&story("crash"), "n1"),
        [
            "0 Ready, 60 Unnoticed, 114 NotReady, 114 Evicting",
            "0 None, 60 Off",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 60 ReadyByHearsay, 114 NotReady, 414 Terminating",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 60 ReadyByHearsay, 114 NotReady, 414 Terminating",
        ]
    );
}

#[test]
fn a_machine_that_comes_back_boots_before_it_is_ready() {
    assert_eq!(
        node_told(&story("crash and return"), "n1"),
        [
            "0 Ready, 60 Unnoticed, 114 NotReady, 114 Evicting, 460 Booting, 492 Ready",
            "0 None, 60 Off, 490 None",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 60 ReadyByHearsay, 114 NotReady, 414 Terminating, \
             490 Ended, gone 490",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 60 ReadyByHearsay, 114 NotReady, 414 Terminating, \
             490 Ended, gone 490",
        ]
    );
}

#[test]
fn a_reboot_that_nobody_notices_is_booting_at_once() {
    assert_eq!(
        node_told(&story("reboot"), "n1"),
        [
            "0 Ready, 60 Booting, 90 Ready",
            "0 None, 60 Off, 90 None",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 60 ReadyByHearsay, 90 NotReady, 92 ReadyUnseen, \
             92 Ready",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 60 ReadyByHearsay, 90 NotReady, 92 ReadyUnseen, \
             92 Ready",
        ]
    );
}

#[test]
fn a_flapping_kubelet_is_noticed_each_time() {
    assert_eq!(
        node_told(&story("flap"), "n1"),
        [
            "0 Ready, 60 Unnoticed, 114 NotReady, 114 Evicting, 154 Ready, 210 Unnoticed, 255 NotReady, \
             255 Evicting, 301 Ready, 360 Unnoticed, 402 NotReady, 402 Evicting, 452 Ready, 510 Unnoticed, \
             553 NotReady, 553 Evicting, 604 Ready",
            "0 None, 60 NoKubelet, 150 None, 210 NoKubelet, 300 None, 360 NoKubelet, 450 None, 510 NoKubelet, \
             600 None",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 114 ReadyUnseen, 150 Ready, 255 ReadyUnseen, \
             300 Ready, 402 ReadyUnseen, 450 Ready, 553 ReadyUnseen, 600 Ready",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 114 ReadyUnseen, 150 Ready, 255 ReadyUnseen, \
             300 Ready, 402 ReadyUnseen, 450 Ready, 553 ReadyUnseen, 600 Ready",
        ]
    );
}

#[test]
fn pods_of_a_node_that_is_cut_off_serve_unseen_and_until_it_hears_that_they_are_deleted() {
    assert_eq!(
        node_told(&story("partition"), "n1"),
        [
            "0 Ready, 60 Unnoticed, 114 NotReady, 114 Evicting, 568 Ready",
            "0 None, 60 Cut, 560 None",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 114 ReadyUnseen, 414 Terminating, 567 Ended, gone 567",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 114 ReadyUnseen, 414 Terminating, 567 Ended, gone 567",
        ]
    );
}

#[test]
fn pods_of_a_node_that_comes_back_in_time_are_seen_again() {
    assert_eq!(
        node_told(&story("short partition"), "n1"),
        [
            "0 Ready, 60 Unnoticed, 114 NotReady, 114 Evicting, 164 Ready",
            "0 None, 60 Cut, 160 None",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 114 ReadyUnseen, 162 Ready",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 114 ReadyUnseen, 162 Ready",
        ]
    );
}

#[test]
fn a_drained_node_is_cordoned_and_loses_its_pods() {
    assert_eq!(
        node_told(&story("drain"), "n1"),
        [
            "0 Ready, 60 Cordoned, 150 Ready",
            "0 None",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 60 Terminating, 61 Ended, gone 61",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 60 Terminating, 61 Ended, gone 61",
        ]
    );
}

#[test]
fn a_node_that_is_deleted_is_absent() {
    assert_eq!(
        node_told(&story("node deleted"), "n1"),
        [
            "0 Ready, 60 Absent",
            "0 None",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 108 Ended, 108 Forgotten, gone 108",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 108 Ended, 108 Forgotten, gone 108",
        ]
    );
}

#[test]
fn a_rolling_update_replaces_pods_one_by_one() {
    assert_eq!(
        node_told(&story("rolling update"), "n1"),
        [
            "0 Ready",
            "0 None",
            "0 Pending, 0 Starting, 6 ReadyUnseen, 6 Ready, 71 Terminating, 72 Ended, gone 72",
            "66 Pending, 66 Starting, 71 ReadyUnseen, 71 Ready",
        ]
    );
}
