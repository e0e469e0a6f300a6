//! What each action asks the API server for, and what it says when there is nothing to do.

use super::*;
use crate::object::field::{Shape, Value};
use crate::object::pod::Container;
use crate::object::replicaset::{PodTemplate, ReplicaSetSpec};
use crate::object::{Deployment, Labels, Meta, Node, OwnerRef, Pod, ReplicaSet, Revision, Uid};
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

    fn with_view<T>(&self, nodes: &[&str], act: impl FnOnce(&View<'_>) -> T) -> T {
        let nodes: Vec<Name> = nodes.iter().map(|&name| name.into()).collect();
        let (now, date) = (Time::ZERO, Timestamp(1_795_543_200));
        act(&View { tables: &|kind| &self.tables[kind as usize], nodes: &nodes, now, date })
    }

    /// What an action of the registry asks for, done to these nodes, and how it is said; or what is wrong with it.
    fn asked(&self, name: &str, parameters: &[(&'static str, Value)], nodes: &[&str]) -> [String; 2] {
        let action = match build(name, parameters) {
            Ok(action) => action,
            Err(wrong) => return [format!("{}: {}", wrong.key, wrong.why), wrong.help],
        };
        let said = self.with_view(nodes, |view| action.said(view));
        match self.with_view(nodes, |view| action.requests(view)) {
            Ok(requests) => [requests.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "), said],
            Err(why) => [format!("nothing: {why}"), said],
        }
    }

    /// The requests in words, or why there are none.
    fn asks(&self, action: &dyn Action) -> String {
        match self.with_view(&[], |view| action.requests(view)) {
            Ok(requests) => requests.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            Err(why) => format!("nothing: {why}"),
        }
    }
}

fn build(name: &str, parameters: &[(&'static str, Value)]) -> Result<Arc<dyn Action>, Wrong> {
    match find(name).expect("an action").build {
        Build::Row(build) => build(&parameters.iter().cloned().collect()),
        Build::Reader => panic!("{name} is made by the reader"),
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_string())
}

fn list(texts: &[&str]) -> Value {
    Value::List(texts.iter().map(|&one| text(one)).collect())
}

fn pairs(pairs: &[(&str, &str)]) -> Value {
    Value::Table(pairs.iter().map(|&(key, value)| (key.to_string(), text(value))).collect())
}

fn node(name: &str) -> Node {
    Node { meta: Meta::new(Key::cluster(name)), ..Node::default() }
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
    let requests = cluster.with_view(&[], |view| apply.requests(view)).unwrap();
    let Request::Update { object: Object::Deployment(new), .. } = &requests[0] else {
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
        let requests = cluster.with_view(&[], |view| Undo { key: key("web"), to_revision }.requests(view))?;
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
    let label = LabelNode { node: "n0".into(), labels: vec![("disk".into(), "ssd".into())], remove: Vec::new() };
    assert_eq!((label.to_string().as_str(), cluster.asks(&label).is_empty()), ("label nodes n0 disk=ssd", false));
}

#[test]
fn actions_of_the_registry_ask_as_their_commands_do() {
    let mut cordoned = node("n1");
    cordoned.unschedulable = true;
    cordoned.taints = vec![parameter::taint("dedicated=db:NoSchedule").unwrap()];
    cordoned.meta.labels.insert("disk", "ssd");
    let cluster = Cluster::new(vec![web().into(), revision(1, "app:1"), node("n0").into(), cordoned.into()]);
    let of = || ("of", text("deployment/web"));
    let nodes = &["n0", "n1"][..];
    let web = "Deployment default/web";
    for (name, parameters, nodes, asked, said) in [
        (
            "scale",
            vec![of(), ("replicas", text("5"))],
            &[][..],
            "patch WEB replicas 5",
            "scale deployment/web --replicas=5",
        ),
        (
            "set.image",
            vec![of(), ("image", text("app:9")), ("container", text("c"))],
            &[],
            "patch WEB image app:9",
            "set image deployment/web c=app:9",
        ),
        (
            "set.resources",
            vec![of(), ("requests", pairs(&[("cpu", "500m")])), ("limits", pairs(&[("memory", "1Gi")]))],
            &[],
            "patch WEB requests cpu=500m limits memory=1Gi",
            "set resources deployment/web --requests=cpu=500m --limits=memory=1Gi",
        ),
        (
            "delete",
            vec![of(), ("propagation", text("orphan")), ("grace-period", text("5"))],
            &[],
            "delete WEB grace 5s orphan",
            "delete deployment/web --cascade=orphan --grace-period=5",
        ),
        ("delete", vec![of()], &[], "delete WEB background", "delete deployment/web"),
        ("rollout.pause", vec![of()], &[], "patch WEB paused true", "rollout pause deployment/web"),
        ("rollout.resume", vec![of()], &[], "nothing: deployment/web is not paused", "rollout resume deployment/web"),
        (
            "rollout.undo",
            vec![of(), ("to-revision", text("1"))],
            &[],
            "patch WEB template",
            "rollout undo deployment/web --to-revision=1",
        ),
        (
            "rollout.restart",
            vec![("of", text("deployments/shop/api"))],
            &[],
            "nothing: there is no Deployment shop/api",
            "rollout restart deployment/api -n shop",
        ),
        ("node.cordon", vec![], nodes, "patch Node n0 unschedulable true", "cordon n0 n1"),
        ("node.cordon", vec![], &["n1"], "nothing: n1: cordoned already", "cordon n1"),
        ("node.uncordon", vec![], nodes, "patch Node n1 unschedulable false", "uncordon n0 n1"),
        (
            "node.taint",
            vec![("taint", text("dedicated=db:NoSchedule"))],
            nodes,
            "patch Node n0 +dedicated=db:NoSchedule",
            "taint nodes n0 n1 dedicated=db:NoSchedule",
        ),
        (
            "node.untaint",
            vec![("taint", list(&["dedicated-"]))],
            nodes,
            "patch Node n1 -dedicated:NoSchedule -dedicated:PreferNoSchedule -dedicated:NoExecute",
            "taint nodes n0 n1 dedicated:NoSchedule- dedicated:PreferNoSchedule- dedicated:NoExecute-",
        ),
        (
            "node.untaint",
            vec![("taint", text("a:NoExecute"))],
            nodes,
            "nothing: n0 n1: no such taint",
            "taint nodes n0 n1 a:NoExecute-",
        ),
        (
            "node.label",
            vec![("labels", pairs(&[("disk", "ssd")]))],
            nodes,
            "patch Node n0 labels [(\"disk\", \"ssd\")]",
            "label nodes n0 n1 disk=ssd",
        ),
        (
            "node.label",
            vec![("labels", list(&["tier=x", "disk-"]))],
            &["n1"],
            "patch Node n1 labels [(\"tier\", \"x\")]; patch Node n1 labels -[\"disk\"]",
            "label nodes n1 tier=x disk-",
        ),
        ("node.drain", vec![("force", text("true"))], nodes, "patch Node n0 unschedulable true", "drain n0 n1 --force"),
        ("node.remove", vec![], nodes, "delete Node n0 background; delete Node n1 background", "remove nodes n0 n1"),
        ("power.restore", vec![], nodes, "", "restore power of n0 n1"),
        ("fault.end", vec![("of", text("cut"))], &[], "", "end cut"),
    ] {
        let asked = asked.replace("WEB", web);
        assert_eq!(cluster.asked(name, &parameters, nodes), [asked, said.to_string()], "{name}");
    }
}

#[test]
fn a_parameter_of_an_action_without_sense_is_refused_with_a_sentence() {
    let cluster = Cluster::new(Vec::new());
    let of = |name: &str| ("of", text(name));
    let web = || of("deployment/web");
    for (name, parameters, told) in [
        ("scale", vec![], "of: which object? `of` is missing, as in `of = \"deployment/web\"`"),
        ("scale", vec![of("web")], "of: `web` does not say of which kind"),
        ("scale", vec![of("cronjob/web")], "of: a CronJob is not simulated yet"),
        ("scale", vec![of("deployment/")], "of: `deployment/` does not name a Deployment"),
        ("scale", vec![of("deployment/a/b/c")], "of: `deployment/a/b/c` does not name a Deployment"),
        ("delete", vec![of("node/a/b")], "of: a Node has no namespace: `node/a/b`"),
        ("scale", vec![of("pod/web")], "of: a Pod has no replicas"),
        ("scale", vec![web()], "replicas: how many pods? `replicas` is missing, as in `replicas = 5`"),
        (
            "scale",
            vec![web(), ("replicas", text("3000000000"))],
            "replicas: `replicas` cannot be 3000000000: that is more than Kubernetes can count",
        ),
        ("set.image", vec![web()], "image: which image? `image` is missing, as in `image = \"app:2\"`"),
        (
            "set.resources",
            vec![web()],
            "requests: how much? `requests` is missing, as in `requests = { cpu = \"500m\" }`",
        ),
        (
            "set.resources",
            vec![web(), ("limits", pairs(&[("cpu", "4x")]))],
            "limits: `4x` is not an amount of cpu: expected as `500m`, `4` or `8Gi`",
        ),
        (
            "delete",
            vec![web(), ("propagation", text("all"))],
            "propagation: `all` is not a propagation: expected `background`, `foreground` or `orphan`",
        ),
        ("rollout.pause", vec![of("replicaset/web")], "of: a ReplicaSet has no rollout to pause"),
        ("node.taint", vec![], "taint: which taint? `taint` is missing, as in `taint = \"dedicated=db:NoSchedule\"`"),
        ("node.taint", vec![("taint", text("a=b:Never"))], "taint: `a=b:Never` is not a taint"),
        ("node.untaint", vec![("taint", text(":NoExecute"))], "taint: `:NoExecute` does not name a taint"),
        ("node.label", vec![("labels", list(&["disk"]))], "labels: `disk` is neither `key=value` nor `key-`"),
        ("node.label", vec![("labels", pairs(&[("a-", "b")]))], "labels: `a-` takes the label away: it has no value"),
        ("node.label", vec![("labels", pairs(&[("-", "")]))], "labels: a label has a key"),
        ("node.drain", vec![("force", text("yes"))], "force: `yes` is not `true` or `false`"),
        ("fault.end", vec![], "of: which fault? `of` is missing, as in `of = \"cut\"`"),
    ] {
        assert_eq!(cluster.asked(name, &parameters, &[])[0], told, "{name}");
    }
}

#[test]
fn names_of_actions_are_unique_and_no_value_makes_them_panic() {
    for (index, row) in REGISTRY.iter().enumerate() {
        assert!(REGISTRY[..index].iter().all(|other| other.name != row.name), "{}", row.name);
        assert!(crate::action::find(row.name).is_some());
        let Build::Row(build) = row.build else { continue };
        let table = Value::Table(vec![(String::new(), Value::List(Vec::new()))]);
        for field in row.parameters {
            for value in
                [text(""), text("/"), text("-"), list(&["", ":"]), table.clone(), Value::List(vec![table.clone()])]
            {
                let _ = build(&[("of", text("deployment/web")), (field.name, value)].into());
            }
            let is_flag_or_number = matches!(field.shape, Shape::Flag | Shape::Count(_) | Shape::Span);
            if is_flag_or_number {
                let parameters = [("of", text("deployment/web")), ("replicas", text("1")), (field.name, text("?"))];
                assert!(build(&parameters.into()).is_err(), "{}: {}", row.name, field.name);
            }
        }
    }
}

#[test]
fn a_patch_replaces_the_object_by_what_becomes_of_it() {
    let mut known = web();
    known.meta.resource_version = Revision(9);
    let cluster = Cluster::new(vec![known.into()]);
    let patch =
        |merge: Arc<workload::Merge>| Patch { kind: Kind::Deployment, key: key("web"), text: "{}".to_string(), merge };
    let slower = patch(Arc::new(|object| {
        let mut web = Deployment::clone(object.of::<Deployment>().unwrap());
        web.spec.min_ready_seconds = 7;
        Ok(web.into())
    }));
    let requests = cluster.with_view(&[], |view| slower.requests(view)).unwrap();
    let [Request::Update { object: Object::Deployment(new), part: Part::Main }] = requests.as_slice() else {
        panic!("one update: {requests:?}");
    };
    assert_eq!((new.spec.min_ready_seconds, new.meta.resource_version), (7, Revision(0)));
    assert_eq!(slower.to_string(), "patch deployment/web --patch {}");
    let wrong = patch(Arc::new(|_| Err("`spec.x` is unknown".to_string())));
    assert_eq!(cluster.asks(&wrong), "nothing: deployment/web cannot be patched: `spec.x` is unknown");
    let other = patch(Arc::new(|_| Ok(pod("a", "n0"))));
    assert_eq!(cluster.asks(&other), "nothing: deployment/web cannot be patched to be another object");
}
