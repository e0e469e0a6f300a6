//! Targets against a small cluster: six nodes in two zones, a Deployment and a pod that stands alone.

use super::*;
use crate::object::labels::{Operator, Requirement};
use crate::object::{Meta, Object, OwnerRef, Phase, Uid};

struct Cluster {
    nodes: Table,
    pods: Table,
    replica_sets: Table,
}

fn owner(kind: Kind, name: &str) -> OwnerRef {
    OwnerRef { kind, name: name.into(), uid: Uid(1), controller: true, block_owner_deletion: true }
}

fn cluster() -> Cluster {
    let mut cluster = Cluster { nodes: Table::default(), pods: Table::default(), replica_sets: Table::default() };
    for (index, (pool, zone)) in
        [("w", "a"), ("w", "b"), ("w", "b"), ("db", "a"), ("db", "b"), ("db", "b")].iter().enumerate()
    {
        let mut node = Node { meta: Meta::new(Key::cluster(format!("n{index}"))), ..Node::default() };
        node.meta.labels = [(LABEL_POOL, *pool), (LABEL_ZONE, *zone)].into_iter().collect();
        cluster.nodes.insert(node.into());
    }
    let mut set = ReplicaSet { meta: Meta::new(Key::new("default", "web-1")), ..ReplicaSet::default() };
    set.meta.owners = vec![owner(Kind::Deployment, "web")];
    cluster.replica_sets.insert(set.into());
    for (name, node) in [("web-a", "n1"), ("web-b", "n2"), ("web-c", "n2"), ("db-0", "n4"), ("db-1", "n4")] {
        cluster.pods.insert(pod(name, node));
    }
    let mut ended = Pod::clone(pod("web-d", "n5").of::<Pod>().unwrap());
    ended.status.phase = Phase::Failed;
    cluster.pods.insert(ended.into());
    cluster
}

fn pod(name: &str, node: &str) -> Object {
    let mut pod = Pod { meta: Meta::new(Key::new("default", name)), node_name: node.into(), ..Pod::default() };
    if name.starts_with("web") {
        pod.meta.owners = vec![owner(Kind::ReplicaSet, "web-1")];
    }
    pod.into()
}

fn web() -> Workload {
    Workload { kind: Kind::Deployment, key: Key::new("default", "web") }
}

fn found(target: &Target, seed: u64, event: &str) -> String {
    let cluster = cluster();
    let hit = |event: &Name| if event == "cut" { vec!["n4".into(), "n1".into()] } else { Vec::new() };
    let sight = Sight {
        nodes: &cluster.nodes,
        pods: &cluster.pods,
        replica_sets: &cluster.replica_sets,
        hit: &hit,
        draws: &Draws::new(seed),
        event: &event.into(),
    };
    target.resolve(&sight).iter().map(Name::as_str).collect::<Vec<_>>().join(" ")
}

fn selector(filters: &[Filter], pick: Option<Pick>) -> Target {
    Target::Nodes(NodeSelector { filters: filters.to_vec(), pick })
}

#[test]
fn filters_are_joined_by_and_and_said_in_words() {
    let ssd = Requirement { key: LABEL_POOL.into(), operator: Operator::In, values: vec!["db".into()] };
    let labels = Filter::Labels(Selector { expressions: vec![ssd], ..Selector::default() });
    let rack = Filter::Domain { name: "rack-1".into(), nodes: vec!["n5".into(), "n9".into()] };
    let (zone, pool) = (Filter::Zone("b".into()), Filter::Pool("w".into()));
    let by_name = Filter::Named(vec!["n5".into(), "n0".into(), "n5".into(), "n9".into()]);
    for (filters, names, words) in [
        (vec![], "n0 n1 n2 n3 n4 n5", "all nodes"),
        (vec![by_name.clone()], "n5 n0", "nodes n5, n0, n5, n9"),
        (vec![by_name.clone(), zone.clone()], "n5", "nodes n5, n0, n5, n9 of zone b"),
        (vec![zone.clone(), by_name], "n5", "nodes of zone b called n5 or n0 or n5 or n9"),
        (vec![zone.clone()], "n1 n2 n4 n5", "nodes of zone b"),
        (vec![zone.clone(), pool.clone()], "n1 n2", "nodes of zone b of pool w"),
        (vec![labels, zone], "n4 n5", "nodes with labels evenkeel/pool in (db) of zone b"),
        (vec![rack], "n5", "nodes of domain rack-1"),
        (vec![Filter::Runs(Key::new("default", "db-0"))], "n4", "the node that runs pod default/db-0"),
        (vec![Filter::Runs(Key::new("default", "db-7"))], "", "the node that runs pod default/db-7"),
        (vec![Filter::RunsAnyOf(web())], "n1 n2", "nodes that run pods of deployment default/web"),
        (vec![Filter::HitBy("cut".into())], "n1 n4", "nodes that event cut hit"),
        (vec![Filter::HitBy("other".into())], "", "nodes that event other hit"),
        (vec![pool, Filter::HitBy("cut".into())], "n1", "nodes of pool w that event cut hit"),
    ] {
        let target = selector(&filters, None);
        assert_eq!((found(&target, 1, "x").as_str(), target.to_string().as_str()), (names, words));
    }
    assert_eq!((found(&Target::Cluster, 1, "x").as_str(), Target::Cluster.to_string().as_str()), ("", "the cluster"));
    assert_eq!(Target::node("n1").to_string(), "node n1");
}

#[test]
fn a_pick_takes_the_first_in_its_order() {
    let zone = [Filter::Zone("b".into())];
    for (order, names, words) in [
        (Order::Name, "n1 n2", "the first 2 of nodes of zone b"),
        (Order::MostPods(None), "n2 n4", "the 2 with the most pods among nodes of zone b"),
        (Order::FewestPods(None), "n5 n1", "the 2 with the fewest pods among nodes of zone b"),
        (
            Order::FewestPods(Some(web())),
            "n4 n5",
            "the 2 with the fewest pods of deployment default/web among nodes of zone b",
        ),
    ] {
        let target = selector(&zone, Some(Pick { count: 2, order }));
        assert_eq!((found(&target, 1, "x").as_str(), target.to_string().as_str()), (names, words));
    }
    let most = Target::most_pods(web());
    assert_eq!(found(&most, 1, "x"), "n2");
    assert_eq!(most.to_string(), "the node with the most pods of deployment default/web");
    let none = Target::most_pods(Workload { kind: Kind::Deployment, key: Key::new("default", "api") });
    assert_eq!(found(&none, 1, "x"), "");
    let all = selector(&zone, Some(Pick { count: 9, order: Order::Name }));
    assert_eq!(found(&all, 1, "x"), "n1 n2 n4 n5");
}

#[test]
fn a_random_pick_depends_on_seed_and_event_only() {
    let target = selector(&[], Some(Pick { count: 2, order: Order::Random }));
    assert_eq!(target.to_string(), "2 at random of all nodes");
    assert_eq!(found(&target, 1, "x"), found(&target, 1, "x"));
    let picks: BTreeSet<String> = (0..40).map(|seed| found(&target, seed, "x")).collect();
    assert!(picks.len() > 10, "{picks:?}");
    let events: BTreeSet<String> = (0..40).map(|index| found(&target, 1, &format!("e{index}"))).collect();
    assert!(events.len() > 10, "{events:?}");
    // Each node has its own draw: those that are left keep their order when others are not eligible.
    let order = found(&selector(&[], Some(Pick { count: 6, order: Order::Random })), 3, "x");
    let in_b = found(&selector(&[Filter::Zone("b".into())], Some(Pick { count: 6, order: Order::Random })), 3, "x");
    let left: Vec<&str> = order.split(' ').filter(|name| !["n0", "n3"].contains(name)).collect();
    assert_eq!(in_b, left.join(" "));
}
