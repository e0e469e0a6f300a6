//! What each action asks the API server for, and what it says when there is nothing to do.

use super::*;
use crate::object::pod::Container;
use crate::object::replicaset::{PodTemplate, ReplicaSetSpec};
use crate::object::{Deployment, Labels, Meta, Node, OwnerRef, Pod, ReplicaSet, Uid};
use std::sync::Arc;

struct Cluster {
    tables: Vec<Table>,
}

impl Cluster {
    fn new(objects: Vec<Object>) -> Cluster {
        let mut tables = vec![Table::default(); Kind::ALL.len()];
        for object in objects {
            tables[object.kind() as usize].insert(object);
        }
        Cluster { tables }
    }

    /// The requests in words, or why there are none.
    fn asks(&self, action: &dyn Action) -> String {
        let view = View { tables: &|kind| &self.tables[kind as usize], date: Timestamp(1_795_543_200) };
        match action.requests(&view) {
            Ok(requests) => requests.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            Err(why) => format!("nothing: {why}"),
        }
    }
}

fn key(name: &str) -> Key {
    Key::new("default", name)
}

fn template(image: &str) -> PodTemplate {
    let container = Container { name: "c".into(), image: image.into(), ..Container::default() };
    let spec = crate::object::pod::PodSpec { containers: vec![container], ..Default::default() };
    PodTemplate { spec: Arc::new(spec), ..PodTemplate::default() }
}

fn web() -> Deployment {
    let mut web = Deployment { meta: Meta::new(key("web")), ..Deployment::default() };
    web.meta.uid = Uid(7);
    web.spec.template = template("app:3");
    web
}

fn revision(number: i64, image: &str) -> Object {
    let mut set = ReplicaSet { meta: Meta::new(key(&format!("web-{number}"))), ..ReplicaSet::default() };
    set.meta.annotations.insert("deployment.kubernetes.io/revision", number.to_string());
    let (kind, name) = (Kind::Deployment, "web".into());
    set.meta.owners = vec![OwnerRef { kind, name, uid: Uid(7), controller: true, block_owner_deletion: true }];
    set.spec = ReplicaSetSpec { template: template(image), ..ReplicaSetSpec::default() };
    set.spec.template.labels.insert("pod-template-hash", "abc");
    set.into()
}

fn pod(name: &str, node: &str) -> Object {
    let mut pod = Pod { meta: Meta::new(key(name)), node_name: node.into(), ..Pod::default() };
    pod.meta.labels.insert("app", "web");
    pod.into()
}

#[test]
fn workloads_are_scaled_and_get_images() {
    let cluster =
        Cluster::new(vec![web().into(), Node { meta: Meta::new(Key::cluster("n0")), ..Node::default() }.into()]);
    let scale = |kind, name: &str| Scale { kind, key: key(name), replicas: 4 };
    assert_eq!(cluster.asks(&scale(Kind::Deployment, "web")), "patch Deployment default/web replicas 4");
    assert_eq!(cluster.asks(&scale(Kind::Deployment, "db")), "nothing: there is no Deployment default/db");
    let image = |container: Option<&str>| SetImage {
        kind: Kind::Deployment,
        key: key("web"),
        container: container.map(Into::into),
        image: "app:4".into(),
        annotations: vec![("team".into(), "x".into())],
    };
    assert_eq!(cluster.asks(&image(None)), "patch Deployment default/web image app:4 team=x");
    assert_eq!(cluster.asks(&image(Some("d"))), "nothing: deployment/web has no container d");
    assert_eq!(image(Some("c")).to_string(), "set image deployment/web c=app:4");
}

#[test]
fn apply_creates_or_replaces_and_keeps_what_it_does_not_state() {
    let mut known = web();
    known.spec.replicas = Some(9);
    known.meta.annotations.insert("deployment.kubernetes.io/revision", "4");
    known.meta.labels.insert("tier", "back");
    let cluster = Cluster::new(vec![known.into()]);
    let mut other = web();
    other.meta.key = key("api");
    let mut stated = web();
    stated.meta.labels.insert("tier", "front");
    let apply = Apply { objects: vec![stated.into(), other.into()] };
    assert_eq!(cluster.asks(&apply), "update Deployment default/web; create Deployment default/api");
    let view = View { tables: &|kind| &cluster.tables[kind as usize], date: Timestamp(0) };
    let Request::Update { object: Object::Deployment(new), .. } = &apply.requests(&view).unwrap()[0] else {
        panic!("an update");
    };
    assert_eq!(new.spec.replicas, Some(9));
    assert_eq!(new.meta.annotations.get("deployment.kubernetes.io/revision").map(Name::as_str), Some("4"));
    assert_eq!(new.meta.labels.get("tier").map(Name::as_str), Some("front"));
}

#[test]
fn undo_goes_back_one_revision_or_to_the_one_named() {
    let sets = || vec![web().into(), revision(1, "app:1"), revision(3, "app:3"), revision(2, "app:2")];
    let cluster = Cluster::new(sets());
    let image = |to_revision: Option<i64>| {
        let view = View { tables: &|kind| &cluster.tables[kind as usize], date: Timestamp(0) };
        let requests = Undo { key: key("web"), to_revision }.requests(&view)?;
        let [Request::Patch { edit, .. }] = requests.as_slice() else { panic!("one patch") };
        let mut object = Object::from(web());
        assert!(object.edit(edit));
        let template = &object.of::<Deployment>().unwrap().spec.template;
        assert_eq!(template.labels.get("pod-template-hash"), None);
        Ok::<Name, Name>(template.spec.containers[0].image.clone())
    };
    assert_eq!(image(None), Ok("app:2".into()));
    assert_eq!(image(Some(1)), Ok("app:1".into()));
    assert_eq!(image(Some(5)), Err("deployment/web has no revision 5".into()));
    let alone = Cluster::new(vec![web().into(), revision(1, "app:1")]);
    let undo = Undo { key: key("web"), to_revision: None };
    assert_eq!(alone.asks(&undo), "nothing: deployment/web has no earlier revision");
}

#[test]
fn pause_is_refused_twice_and_stops_undo_and_restart() {
    let cluster = Cluster::new(vec![web().into()]);
    let pause = |on| Pause { key: key("web"), on };
    assert_eq!(cluster.asks(&pause(true)), "patch Deployment default/web paused true");
    assert_eq!(cluster.asks(&pause(false)), "nothing: deployment/web is not paused");
    let restart = Restart { key: key("web") };
    let asked = cluster.asks(&restart);
    assert_eq!(asked, "patch Deployment default/web kubectl.kubernetes.io/restartedAt=2026-11-24T18:00:00Z");
    let mut paused = web();
    paused.spec.paused = true;
    let cluster = Cluster::new(vec![paused.into()]);
    assert_eq!(cluster.asks(&restart), "nothing: deployment/web is paused: resume it first");
    let undo = Undo { key: key("web"), to_revision: None };
    assert_eq!(cluster.asks(&undo), "nothing: deployment/web is paused: resume it first");
}

#[test]
fn pods_are_deleted_by_label_node_and_number() {
    let cluster = Cluster::new(vec![pod("a", "n0"), pod("b", "n1"), pod("c", "n1"), web().into()]);
    let delete = |app: &str, on: Option<&str>, count| DeletePods {
        namespace: "default".into(),
        selector: [("app", app)].into_iter().collect::<Labels>(),
        on: on.map(Into::into),
        count,
        grace_seconds: Some(0),
    };
    assert_eq!(
        cluster.asks(&delete("web", None, Some(2))),
        "delete Pod default/a grace 0s; delete Pod default/b grace 0s"
    );
    assert_eq!(cluster.asks(&delete("web", Some("n1"), Some(1))), "delete Pod default/b grace 0s");
    let none = "nothing: no pod matches `delete pods -n default -l app=db --grace-period=0`";
    assert_eq!(cluster.asks(&delete("db", None, None)), none);
    let object = Delete {
        kind: Kind::Deployment,
        key: key("web"),
        propagation: Some(crate::apiserver::Propagation::Orphan),
        grace_seconds: None,
    };
    assert_eq!(object.to_string(), "delete deployment/web --cascade=orphan");
    assert!(cluster.asks(&object).starts_with("delete Deployment default/web"), "{}", cluster.asks(&object));
}

#[test]
fn nodes_are_cordoned_tainted_and_labelled() {
    let cluster = Cluster::new(vec![Node { meta: Meta::new(Key::cluster("n0")), ..Node::default() }.into()]);
    let cordon = |node: &str| Cordon { node: node.into(), on: true };
    assert_eq!(cluster.asks(&cordon("n0")), "patch Node n0 unschedulable true");
    assert_eq!(cluster.asks(&cordon("n9")), "nothing: there is no Node n9");
    let label = LabelNode { node: "n0".into(), labels: vec![("disk".into(), "ssd".into())] };
    assert_eq!((label.to_string().as_str(), cluster.asks(&label).is_empty()), ("label nodes n0 disk=ssd", false));
}
