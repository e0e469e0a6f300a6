//! Whole runs in which people act: drains, machines that go, faults that are ended before their time.

use super::fault_tests::{is_ready, planned, story, with};
use super::regressions::web;
use super::tests::{acts, at, node, ran};
use super::{Config, Happening, Planned, Stop, World};
use crate::action::{self, Build};
use crate::object::field::{Parameters, Value};
use crate::object::target::{Filter, NodeSelector, Order, Pick};
use crate::object::{ConditionStatus, Fact, Kind, Node, Pod, Target};

/// An action of the registry as a scenario says it.
pub(super) fn done(id: &str, start: u64, name: &str, parameters: &[(&'static str, &str)], target: Target) -> Planned {
    let row = action::find(name).expect("an action");
    let Build::Row(build) = row.build else { panic!("{name} is made by the reader") };
    let parameters: Parameters = parameters.iter().map(|&(key, value)| (key, Value::Text(value.to_string()))).collect();
    let action = build(&parameters).expect("good parameters");
    Planned { id: id.into(), at: at(start), what: Happening::Action { name: row.name, action, target } }
}

fn with_web(replicas: i32, until: u64, events: Vec<Planned>) -> Config {
    Config { manifests: vec![web(replicas)], ..with(&[], until, events) }
}

fn on(world: &World, node: &str) -> usize {
    world.objects::<Pod>().filter(|pod| pod.node_name == node).count()
}

fn missed(world: &World) -> Vec<String> {
    world.missed().iter().map(|missed| format!("{}: {}", missed.id, missed.why)).collect()
}

fn hit_by(event: &str) -> Target {
    Target::of(Filter::HitBy(event.into()))
}

fn is_of_machine(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::MachineDown(_)
            | Fact::MachineUp(_)
            | Fact::LinkCut(_)
            | Fact::LinkHealed(_)
            | Fact::FaultEnded { .. }
            | Fact::Acted { .. }
    )
}

#[test]
fn a_drain_evicts_the_pods_of_one_node_after_another() {
    let drain = done("empty", 60, "node.drain", &[], Target::named(["n1", "n0"]));
    let world = ran(with_web(6, 240, vec![drain]));
    assert_eq!((on(&world, "n0"), on(&world, "n1"), on(&world, "n2"), missed(&world)), (0, 0, 6, vec![]));
    assert!(world.objects::<Node>().all(|node| node.unschedulable == (node.meta.name() != "n2")));
    assert!(world.objects::<Pod>().all(|pod| pod.is_ready()));
    let facts = &world.recorder().facts;
    let moment = |what: &str| {
        let told = |fact: &Fact| matches!(fact, Fact::Acted { what: told, .. } if told == what);
        facts.iter().find(|recorded| told(&recorded.fact)).unwrap_or_else(|| panic!("{what}")).at
    };
    let (begun, first, second) = (moment("drain n1 n0"), moment("n1 is drained"), moment("n0 is drained"));
    assert!(begun == at(60) && begun < first && first < second);
    let evictions: Vec<_> = facts
        .iter()
        .filter(|recorded| {
            matches!(&recorded.fact, Fact::Commit { kind: Kind::Pod, what, .. } if what.contains("DisruptionTarget"))
        })
        .collect();
    assert_eq!(evictions.len(), 4, "each says why it goes");
    assert_eq!(evictions.iter().filter(|recorded| recorded.at < first).count(), 2, "n0 has to wait for n1");
}

#[test]
fn a_drain_leaves_a_node_alone_that_has_pods_without_a_controller_unless_forced() {
    let drain = |parameters: &[(&'static str, &str)]| {
        let events = vec![done("empty", 60, "node.drain", parameters, Target::named(["n0", "n1", "n2"]))];
        ran(with(&["a"], 150, events))
    };
    let world = drain(&[]);
    let pod = world.objects::<Pod>().next().expect("it is still there");
    let why = "pods without a controller, which `force = true` deletes: default/a";
    assert_eq!(missed(&world), [format!("empty: {} cannot be drained, it has {why}", pod.node_name)]);
    assert!(world.objects::<Node>().all(|node| node.unschedulable));
    let drained = |fact: &Fact| matches!(fact, Fact::Acted { what, .. } if what.ends_with("is drained"));
    assert_eq!(story(&world, drained).lines().count(), 2, "the others had their turn");
    assert_eq!(drain(&[("force", "true")]).objects::<Pod>().count(), 0);
}

#[test]
fn a_drain_of_a_node_that_does_not_answer_ends_with_its_timeout() {
    let hang = planned("kubelet.hang", "", 50, None, "n1");
    let drain = done("empty", 60, "node.drain", &[("timeout", "45s")], Target::named(["n1", "n2"]));
    let world = ran(with_web(3, 240, vec![hang, drain]));
    let told = missed(&world);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("empty: n1 is not drained after 45s: default/web-"), "{told:?}");
    assert_eq!((on(&world, "n2"), on(&world, "n1")), (0, 1));
    assert_eq!(world.open_events, 0);
}

#[test]
fn a_run_does_not_end_while_a_drain_waits() {
    let hang = planned("kubelet.hang", "", 50, Some(400), "n1");
    let drain = done("empty", 60, "node.drain", &[("force", "true")], Target::node("n1"));
    let world = ran(Config { stop: Stop::Converged, ..with_web(3, 3_600, vec![hang, drain]) });
    assert_eq!(on(&world, "n1"), 0);
    assert!(world.now() > at(450) && world.now() < at(3_600));
    assert!(world.courses.is_empty());
}

#[test]
fn a_machine_that_is_removed_is_off_and_its_node_gone_for_good() {
    let remove = done("less", 60, "node.remove", &[], Target::node("n1"));
    let again = done("again", 200, "node.remove", &[], hit_by("less"));
    let world = ran(with_web(3, 300, vec![remove, again]));
    assert_eq!(world.objects::<Node>().map(|node| node.meta.name().as_str()).collect::<Vec<_>>(), ["n0", "n2"]);
    assert!(!world.ground[world.ground.find("n1").unwrap()].is_on);
    assert_eq!(world.objects::<Pod>().filter(|pod| pod.is_ready() && pod.node_name != "n1").count(), 3);
    assert_eq!(missed(&world), ["again: no node matched nodes that event less hit"]);
    assert_eq!(world.recorder().outages.all[0].id, "less");
}

#[test]
fn machines_that_joined_are_a_target_too() {
    let more = Planned { id: "more".into(), at: at(10), what: Happening::Join(vec![node("n7"), node("n8")]) };
    let cordon = done("closed", 60, "node.cordon", &[], hit_by("more"));
    let open = done("open", 70, "node.uncordon", &[], hit_by("closed"));
    let again = done("again", 80, "node.uncordon", &[], hit_by("closed"));
    let world = ran(with(&[], 75, vec![more.clone(), cordon.clone(), open.clone()]));
    assert!(world.objects::<Node>().all(|node| !node.unschedulable));
    let world = ran(with(&[], 90, vec![more, cordon, open, again]));
    assert_eq!(missed(&world), ["again: n7 n8: not cordoned"]);
    let acted = |fact: &Fact| matches!(fact, Fact::Acted { .. });
    assert!(story(&world, acted).contains("60 acted closed cordon n7 n8"), "{}", story(&world, acted));
}

#[test]
fn each_node_is_cut_off_and_connected_again_at_its_own_moment() {
    let cut = planned("node.partition", "jitter=20s stagger=30s", 60, Some(60), "n0 n1 n2");
    let world = ran(with(&["a"], 250, vec![cut.clone()]));
    let moments = |world: &World, is_meant: fn(&Fact) -> bool| {
        let facts = world.recorder().facts.iter().filter(|recorded| is_meant(&recorded.fact));
        facts.map(|recorded| recorded.at).collect::<Vec<_>>()
    };
    let cuts = moments(&world, |fact| matches!(fact, Fact::LinkCut(_)));
    let heals = moments(&world, |fact| matches!(fact, Fact::LinkHealed(_)));
    assert!(cuts.len() == 3 && cuts[0] < cuts[1] && cuts[1] < cuts[2], "{cuts:?}");
    assert!(cuts.iter().all(|cut| (at(60)..at(80)).contains(cut)), "{cuts:?}");
    assert!(heals.len() == 3 && heals[0] < heals[2], "{heals:?}");
    assert!(heals.iter().all(|heal| (at(120)..at(150)).contains(heal)), "{heals:?}");
    assert_eq!(world.recorder().outages.all[0].at, cuts[0], "an outage begins with the first node");
    // Another node beside them moves no moment.
    let mut fewer = cut;
    let Happening::Fault { target, lasts, .. } = &mut fewer.what else { panic!("a fault") };
    *target = Target::named(["n0", "n1"]);
    // It is over before the last is hit: nobody gets well before.
    *lasts = Some(crate::kernel::time::Span::from_secs(1));
    let other = ran(with(&["a"], 250, vec![fewer]));
    let among = moments(&other, |fact| matches!(fact, Fact::LinkCut(_)));
    assert!(among.iter().all(|cut| cuts.contains(cut)) && among.len() == 2, "{among:?}");
    assert!(other.ground.iter().all(|(_, machine)| machine.cut_since.is_none() && machine.up.cuts == 0));
}

#[test]
fn what_another_event_ends_gets_well_node_by_node() {
    let cut = planned("node.partition", "stagger=30s", 60, None, "n0 n1 n2");
    let end = done("end", 100, "fault.end", &[("of", "node.partition-60")], Target::Cluster);
    let world = ran(with(&["a"], 200, vec![cut, end]));
    let heals = world.recorder().facts.iter().filter(|recorded| matches!(recorded.fact, Fact::LinkHealed(_)));
    let heals: Vec<_> = heals.map(|recorded| recorded.at).collect();
    assert!(heals.len() == 3 && heals[0] < heals[1] && heals[1] < heals[2], "{heals:?}");
    assert!(heals.iter().all(|heal| (at(100)..at(130)).contains(heal)), "{heals:?}");
    assert_eq!((missed(&world).len(), world.open_events), (0, 0));
}

#[test]
fn a_fault_is_ended_before_its_time_once() {
    let end = |id: &str, start, of: &str| done(id, start, "fault.end", &[("of", of)], Target::Cluster);
    let events = vec![
        planned("node.crash", "", 60, None, "n1"),
        planned("node.partition", "", 60, Some(3_000), "n2"),
        planned("node.reboot", "", 70, None, "n0"),
        planned("node.slow", "factor=2", 170, Some(5), "n0"),
        planned("node.crash", "", 20, None, "n9"),
        end("back", 100, "node.crash-60"),
        end("link", 110, "node.partition-60"),
        end("twice", 120, "node.crash-60"),
        end("never", 120, "node.slow-170"),
        end("boot", 120, "node.reboot-70"),
        end("nothing", 120, "node.crash-20"),
        end("other", 120, "back"),
        end("unknown", 120, "cut"),
    ];
    let world = ran(Config { stop: Stop::Converged, ..with_web(3, 3_600, events) });
    let told = |fact: &Fact| is_of_machine(fact) && !matches!(fact, Fact::Acted { .. });
    insta::assert_snapshot!(story(&world, told), @"
    60 machine-down Node n1
    60 link-cut Node n2
    70 machine-down Node n0
    100 fault-ended node.crash-60
    100 machine-up Node n0
    110 fault-ended node.partition-60
    110 link-healed Node n2
    130 machine-up Node n1
    175 fault-ended node.slow-170
    ");
    assert_eq!(
        missed(&world),
        [
            "node.crash-20: no node matched node n9",
            "twice: node.crash-60 is over already",
            "never: node.slow-170 has not begun",
            "boot: node.reboot-70 is over at once, as every node.reboot is",
            "nothing: node.crash-20 hit nothing",
            "other: back is no fault: it does not last",
            "unknown: there is no event cut",
        ]
    );
    assert!(world.now() < at(3_000), "nothing waits for the time at which the partition would have ended");
    assert_eq!(world.open_events, 0);
}

#[test]
fn power_comes_back_where_it_is_restored() {
    let loss = planned("power.loss", "", 60, None, "n0 n1 n2");
    let short = planned("power.loss", "", 61, Some(100), "n2");
    let one = Target::Nodes(NodeSelector {
        filters: vec![Filter::HitBy("power.loss-60".into())],
        pick: Some(Pick { count: 1, order: Order::Name }),
    });
    let restore = |id: &str, start, target| done(id, start, "power.restore", &[], target);
    let events = vec![
        loss,
        short,
        restore("first", 100, one),
        restore("rest", 120, hit_by("power.loss-60")),
        restore("again", 140, hit_by("power.loss-60")),
    ];
    let world = ran(with(&["a"], 300, events));
    insta::assert_snapshot!(story(&world, is_of_machine), @"
    60 machine-down Node n0
    60 machine-down Node n1
    60 machine-down Node n2
    100 acted first restore power of n0
    120 acted rest restore power of n0 n1 n2
    120 fault-ended power.loss-60
    130 machine-up Node n0
    150 machine-up Node n1
    161 fault-ended power.loss-61
    191 machine-up Node n2
    ");
    assert_eq!(missed(&world), ["again: no power.loss without `for` keeps their power away"]);
    assert!(["n0", "n1", "n2"].iter().all(|name| is_ready(&world, name) == Some(ConditionStatus::True)));
    assert_eq!(world.open_events, 0);
}

#[test]
fn an_action_without_a_match_says_so() {
    let world = ran(with(&[], 30, vec![done("none", 10, "node.cordon", &[], Target::node("n9"))]));
    assert_eq!(missed(&world), ["none: no node matched node n9"]);
    let nobody = Planned { id: "x".into(), at: at(5), what: acts(action::Cordon { node: "n8".into(), on: true }) };
    assert_eq!(missed(&ran(with(&[], 30, vec![nobody]))), ["x: there is no Node n8"]);
}
