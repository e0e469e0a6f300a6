//! Runs that begin settled.

use super::config::{Config, Planned, Start};
use super::regressions::web;
use super::tests::{at, config, planned, pod, ran};
use super::world::World;
use crate::kernel::time::{Span, Time};
use crate::object::behavior::{CONTAINER_START, READY_AFTER, RUN_FOR};
use crate::object::deployment::{DeploymentSpec, LABEL_HASH, revision};
use crate::object::pod::RestartPolicy;
use crate::object::quantity::Quantity;
use crate::object::resources::CPU;
use crate::object::service::ServicePort;
use crate::object::{
    Deployment, Fact, Key, Kind, Labels, Meta, Node, Object, Phase, Pod, ReplicaSet, Revision, Service, SettingId,
};
use crate::record::outage::MILESTONES;
use std::collections::BTreeMap;
use std::sync::Arc;

/// `deployment/shop`.
pub(super) fn shop(replicas: i32, annotations: &[(&str, &str)]) -> Deployment {
    let set = web(replicas);
    let set = set.of::<ReplicaSet>().unwrap();
    let labels: Labels = [("app", "shop")].into_iter().collect();
    let mut template = set.spec.template.clone();
    template.labels = labels.clone();
    template.annotations = annotations.iter().copied().collect();
    let spec = DeploymentSpec {
        replicas: Some(replicas),
        selector: crate::object::Selector::of(labels),
        template,
        ..DeploymentSpec::default()
    };
    Deployment { meta: Meta::new(Key::new("default", "shop")), spec, ..Deployment::default() }
}

fn service() -> Object {
    let selector = [("app", "shop")].into_iter().collect();
    let ports = vec![ServicePort { port: 80, ..ServicePort::default() }];
    Service { meta: Meta::new(Key::new("default", "shop")), selector, ports, ..Service::default() }.into()
}

pub(super) fn settled(seed: u64, manifests: Vec<Object>, until: u64, events: Vec<Planned>) -> Config {
    Config { start: Start::Settled, manifests, until: at(until), events, ..config(seed, &[]) }
}

fn asks(mut deployment: Deployment, cpus: i64) -> Deployment {
    let spec = Arc::make_mut(&mut deployment.spec.template.spec);
    spec.containers[0].requests.set(CPU, Quantity::from_units(cpus));
    deployment
}

/// Newest versions and numbers of objects by kind, without signs of life.
fn written(world: &World) -> BTreeMap<Kind, (Revision, usize)> {
    let kinds = Kind::ALL.iter().filter(|kind| !matches!(kind, Kind::Lease | Kind::Node));
    kinds.map(|&kind| (kind, (world.store().table(kind).newest(), world.store().table(kind).len()))).collect()
}

fn nodes(world: &World) -> Vec<Node> {
    let without_dates = |node: &Arc<Node>| {
        let mut node = Node::clone(node);
        (node.meta.resource_version, node.meta.version) = Default::default();
        node.conditions.iter_mut().for_each(|condition| condition.last_update = Default::default());
        node
    };
    world.objects::<Node>().map(without_dates).collect()
}

/// Name and node of each pod.
fn places(world: &World) -> BTreeMap<String, String> {
    world.objects::<Pod>().map(|pod| (pod.meta.name().to_string(), pod.node_name.to_string())).collect()
}

/// Runs to the end and finds that nothing happens but signs of life.
fn runs_idle(config: Config) -> World {
    let mut world = World::new(config);
    assert_eq!(world.refused(), []);
    assert_eq!(world.now(), Time::ZERO);
    assert_eq!(world.counters.sent, 0, "nobody has anything to ask");
    let (before, nodes_before) = (written(&world), nodes(&world));
    while world.step() {
        if world.events().is_multiple_of(500) {
            assert_eq!(world.audit(), Ok(()));
        }
    }
    assert_eq!(world.audit(), Ok(()));
    assert_eq!(written(&world), before);
    assert_eq!(nodes(&world), nodes_before);
    let facts = &world.recorder().facts;
    let strange: Vec<_> = facts.iter().filter(|recorded| !is_sign_of_life(&recorded.fact)).collect();
    assert!(strange.is_empty(), "{strange:#?}");
    world
}

fn is_sign_of_life(fact: &Fact) -> bool {
    matches!(fact, Fact::Commit { kind: Kind::Lease | Kind::Node, .. })
}

#[test]
fn everything_is_there_and_ready_at_the_beginning_and_nothing_happens_after() {
    let slow = [(READY_AFTER, "7m"), (CONTAINER_START, "2m")];
    let mut patient = shop(4, &slow);
    patient.spec.min_ready_seconds = 90;
    let world = runs_idle(settled(1, vec![patient.into(), web(3), service(), pod("alone")], 1_800, Vec::new()));
    assert_eq!(world.unsettled(), []);
    assert_eq!(world.recorder().converged_since(), Some(Time::ZERO));
    assert_eq!(world.recorder().workloads.placed, 8);
    let epoch = world.config().epoch;
    for pod in world.objects::<Pod>() {
        assert!(pod.is_ready() && !pod.node_name.is_empty());
        assert!(pod.meta.created < epoch && pod.status.start_time.unwrap() < epoch);
        assert!(pod.status.conditions.iter().all(|condition| condition.last_transition < epoch));
        let machine = &world.ground[world.ground.find(&pod.node_name).unwrap()];
        let sandbox = &machine.sandboxes[&pod.meta.key];
        assert!(sandbox.is_running && sandbox.is_ready && Some(sandbox.ip) == pod.status.ip);
        assert!(machine.images.contains_key("app:1"));
    }
    let deployment = world.objects::<Deployment>().next().unwrap();
    assert_eq!((deployment.status.available_replicas, revision(&deployment.meta)), (4, 1));
    assert_eq!(deployment.status.observed_generation, deployment.meta.generation);
    for station in &world.stations {
        assert_eq!(station.agent.as_ref().unwrap().proxy.ready_endpoints(&Key::new("default", "shop")), 4);
    }
}

#[test]
fn a_world_that_is_not_wanted_any_more_is_not_settled() {
    let config = settled(1, vec![shop(400, &[]).into()], 60, Vec::new());
    assert!(World::new_while(config.clone(), &mut || false).is_none());
    assert!(World::new_while(config, &mut || true).is_some());
}

#[test]
fn a_dump_is_taken_as_it_is() {
    let mut running =
        ran(Config { manifests: vec![shop(3, &[]).into(), service(), pod("alone")], until: at(100), ..config(3, &[]) });
    let dump = |world: &World, is_bare: bool| {
        let kinds = [Kind::Deployment, Kind::ReplicaSet, Kind::EndpointSlice, Kind::Pod, Kind::Service];
        let mut dump: Vec<Object> = kinds.iter().flat_map(|&kind| world.store().table(kind).iter().cloned()).collect();
        for object in dump.iter_mut().filter(|_| is_bare) {
            let meta = object.meta_mut();
            meta.owners.clear();
            (meta.uid, meta.resource_version) = Default::default();
        }
        dump
    };
    let before = places(&running);
    assert_eq!(before.len(), 4);
    for is_bare in [false, true] {
        // Another seed: names and nodes come from the dump.
        let world = runs_idle(settled(8, dump(&running, is_bare), 1_800, Vec::new()));
        assert_eq!(places(&world), before);
        assert_eq!(world.unsettled(), []);
        let set = world.objects::<ReplicaSet>().next().unwrap();
        assert_eq!(world.objects::<ReplicaSet>().count(), 1);
        for pod in world.objects::<Pod>().filter(|pod| pod.meta.labels.get(LABEL_HASH).is_some()) {
            assert_eq!(pod.meta.controller().unwrap().uid, set.meta.uid);
        }
        assert_eq!(set.meta.controller().unwrap().name, "shop");
    }
    // A pod that has ended by the dump is not run again; the rest of its Deployment is made up.
    running.run();
    let mut manifests = dump(&running, true);
    for object in &mut manifests {
        if let Object::Pod(pod) = object
            && pod.meta.name() != "alone"
        {
            Arc::make_mut(pod).status.phase = Phase::Failed;
            break;
        }
    }
    let world = runs_idle(settled(8, manifests, 600, Vec::new()));
    assert_eq!(places(&world).len(), 4);
    assert_eq!(places(&world).keys().filter(|name| before.contains_key(*name)).count(), 3);
}

#[test]
fn a_rollout_that_a_dump_shows_half_done_is_done() {
    let world = runs_idle(settled(1, vec![shop(3, &[("image", "old")]).into()], 60, Vec::new()));
    let mut manifests: Vec<Object> =
        [Kind::ReplicaSet, Kind::Pod].iter().flat_map(|&kind| world.store().table(kind).iter().cloned()).collect();
    manifests.push(shop(3, &[("image", "new")]).into());
    let world = runs_idle(settled(1, manifests, 600, Vec::new()));
    let sizes: Vec<_> = world.objects::<ReplicaSet>().map(|set| (revision(&set.meta), set.replicas())).collect();
    assert_eq!(sizes.iter().copied().collect::<BTreeMap<_, _>>(), [(1, 0), (2, 3)].into());
}

#[test]
fn a_crash_takes_the_same_course_as_in_a_cluster_that_has_converged() {
    for seed in 1..6 {
        let milestones = |start| {
            let events = vec![planned("node.crash", 120, None, "n1")];
            let manifests = vec![shop(6, &[]).into(), service()];
            let world = ran(Config { start, ..settled(seed, manifests, 900, events) });
            assert_eq!(world.recorder().outages.all.len(), 1);
            let outage = &world.recorder().outages.all[0];
            let [row] = outage.rows.as_slice() else { panic!("one workload loses pods") };
            assert_eq!(row.places.len(), 2);
            let (workloads, hold) = (&world.recorder().workloads, world.config().hold);
            outage.milestones(row, workloads, hold, world.now()).map(|time| time.expect("all are reached"))
        };
        let (empty, settled) = (milestones(Start::Empty), milestones(Start::Settled));
        for (index, name) in MILESTONES.into_iter().enumerate() {
            let (a, b) = (empty[index].as_micros(), settled[index].as_micros());
            assert!(a.abs_diff(b) < 1_500_000, "seed {seed}, {name}: {} and {}", empty[index], settled[index]);
        }
    }
}

#[test]
fn what_cannot_be_settled_is_told_and_left_as_it_is() {
    let config = settled(2, vec![asks(shop(5, &[]), 3).into(), pod("alone")], 1_800, Vec::new());
    let mut world = World::new(config);
    let told: Vec<String> = world.unsettled().iter().map(ToString::to_string).collect();
    let why = "0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are \
               available: 3 No preemption victims found for incoming pod";
    assert_eq!(told, [format!("deployment/shop has 3 of 5 ready ({why})")]);
    assert!(!world.unsettled()[0].is_as_given);
    let kinds = [Kind::Deployment, Kind::ReplicaSet, Kind::Pod];
    let before = kinds.map(|kind| written(&world)[&kind]);
    world.run();
    assert_eq!(world.audit(), Ok(()));
    assert_eq!(kinds.map(|kind| written(&world)[&kind]), before);
    // A dump of this cluster says that two pods wait.
    let dump = [Kind::Deployment, Kind::ReplicaSet, Kind::Pod];
    let dump = dump.iter().flat_map(|&kind| world.store().table(kind).iter().cloned()).collect();
    let again = World::new(settled(7, dump, 60, Vec::new()));
    assert_eq!(places(&again), places(&world));
    assert_eq!(again.unsettled().iter().map(|unsettled| unsettled.is_as_given).collect::<Vec<_>>(), [true]);
}

#[test]
fn what_keeps_pods_from_being_ready_is_said() {
    let mut never = Pod::clone(pod("never").of::<Pod>().unwrap());
    never.meta.annotations.insert(READY_AFTER, "never");
    let mut lost = Pod::clone(pod("other").of::<Pod>().unwrap());
    Arc::make_mut(&mut lost.spec).scheduler_name = "mine".into();
    let world = runs_idle(settled(2, vec![never.into(), lost.into()], 600, Vec::new()));
    let told: Vec<_> = world.unsettled().iter().map(|told| (told.to_string(), told.is_as_given)).collect();
    let expected = [
        ("pod/never has 0 of 1 ready (pod never is never ready: its `evenkeel.dev/ready-after` is `never`)", true),
        ("pod/other has 0 of 1 ready (pod other has no node: mine has not looked at it)", false),
    ];
    assert_eq!(told, expected.map(|(words, is_as_given)| (words.to_string(), is_as_given)));
}

#[test]
fn nodes_are_as_their_controllers_leave_them_and_pods_of_nodes_that_are_not_there_are_replaced() {
    let first = ran(Config { manifests: vec![shop(4, &[]).into()], until: at(100), ..config(3, &[]) });
    let kinds = [Kind::Deployment, Kind::ReplicaSet, Kind::Pod];
    let dump: Vec<Object> = kinds.iter().flat_map(|&kind| first.store().table(kind).iter().cloned()).collect();
    let mut config = settled(3, dump, 1_800, Vec::new());
    config.nodes.remove(0);
    config.nodes[0].unschedulable = true;
    let world = runs_idle(config);
    assert_eq!(world.unsettled(), []);
    let kept = places(&world).into_iter().filter(|(name, node)| places(&first).get(name) == Some(node)).count();
    assert_eq!((places(&world).len(), kept), (4, places(&first).values().filter(|node| **node != "n0").count()));
    let cordoned = world.objects::<Node>().find(|node| node.unschedulable).unwrap();
    assert_eq!(cordoned.taints[0].key, "node.kubernetes.io/unschedulable");
}

#[test]
fn what_the_api_server_refuses_is_told() {
    let world = World::new(settled(2, vec![pod("a"), pod("a")], 60, Vec::new()));
    assert_eq!(world.refused().len(), 1);
    assert_eq!(world.objects::<Pod>().count(), 1);
}

#[test]
fn the_time_for_which_containers_run_counts_from_the_beginning() {
    let runs_for = |name: &str, policy| {
        let mut pod = Pod::clone(pod(name).of::<Pod>().unwrap());
        pod.meta.annotations.insert(RUN_FOR, "90s");
        Arc::make_mut(&mut pod.spec).restart_policy = policy;
        Object::from(pod)
    };
    let pods = vec![runs_for("again", RestartPolicy::Always), runs_for("once", RestartPolicy::Never)];
    let mut world = World::new(settled(2, pods, 150, Vec::new()));
    world.run_until(at(89));
    assert!(world.objects::<Pod>().all(|pod| pod.is_ready() && pod.status.containers[0].restart_count == 0));
    world.run();
    let states: Vec<_> =
        world.objects::<Pod>().map(|pod| (pod.status.phase, pod.status.containers[0].restart_count)).collect();
    assert_eq!(states, [(Phase::Running, 1), (Phase::Succeeded, 0)]);
    let stops =
        world.recorder().facts.iter().filter(|recorded| matches!(recorded.fact, Fact::ContainersStopped { .. }));
    assert_eq!(stops.map(|recorded| recorded.at).collect::<Vec<_>>(), [at(90), at(90)]);
}

#[test]
fn the_same_seed_settles_the_same_and_a_clone_runs_on_to_the_same_digest() {
    let config = |seed| {
        let events = vec![planned("node.crash", 30, Some(60), "n0"), planned("node.partition", 100, Some(90), "n2")];
        settled(seed, vec![shop(5, &[]).into(), service(), pod("alone")], 600, events)
    };
    let digest = |seed| ran(config(seed)).digest().hex();
    let whole = digest(4);
    assert_eq!(whole, digest(4));
    assert_ne!(whole, digest(5));
    let mut world = World::new(config(4));
    for second in [0, 1, 31, 99, 150, 400] {
        world.run_until(at(second));
        let mut branch = world.clone();
        branch.run();
        assert_eq!(branch.digest().hex(), whole, "cloned at {second} s");
    }
}

/// Names that were given away before the beginning are not given again, and pods of settled nodes have other addresses
/// than those that come.
#[test]
fn what_was_given_away_before_is_not_given_again() {
    let mut world = World::new(settled(6, vec![shop(3, &[]).into()], 900, vec![planned("node.crash", 10, None, "n1")]));
    let (before, mut seen) = (places(&world), BTreeMap::new());
    while world.step() {
        let pods = world.objects::<Pod>().filter(|pod| pod.status.ip.is_some());
        seen.extend(pods.map(|pod| (pod.meta.key.clone(), (pod.meta.uid, pod.status.ip))));
    }
    assert_eq!(world.audit(), Ok(()));
    assert!(places(&world) != before && seen.len() > 3);
    let [uids, addresses] = [0, 1].map(|which| {
        let ids = seen.values().map(|(uid, ip)| if which == 0 { uid.to_string() } else { ip.unwrap().to_string() });
        ids.collect::<std::collections::BTreeSet<_>>().len()
    });
    assert_eq!((uids, addresses), (seen.len(), seen.len()));
}

#[test]
fn limits_of_clients_and_back_offs_do_not_matter() {
    let mut config = settled(1, vec![shop(200, &[]).into()], 600, Vec::new());
    for id in [SettingId::ControllerQps, SettingId::SchedulerQps, SettingId::KubeletQps] {
        config.settings.set(id, 100);
    }
    let world = runs_idle(config);
    assert_eq!(world.unsettled(), []);
    let created: Vec<_> = world.objects::<Pod>().map(|pod| pod.meta.created).collect();
    assert_eq!(created.iter().min(), created.iter().max(), "nobody had to wait for a token");
    assert!(world.now() >= Time::ZERO + Span::from_secs(600));
}
