//! The verbs, one after another, as a client sees them.

use super::{ApiError, ApiServer, DeleteOptions, Part, Propagation, Reply, Request, Serve};
use crate::kernel::rng::Draws;
use crate::kernel::time::Time;
use crate::object::fact::Verb;
use crate::object::labels::Selector;
use crate::object::pod::{Container, PodSpec};
use crate::object::small::PriorityClass;
use crate::object::{
    Clock, Deployment, Edit, FactId, Key, Kind, Labels, Meta, Namespace, Object, Pod, Revision, Settings, Strategy, Uid,
};
use std::sync::Arc;

struct Client {
    server: ApiServer,
    now: Time,
}

impl Client {
    fn new() -> Client {
        let mut client = Client { server: ApiServer::default(), now: Time::ZERO };
        client.ask(Request::Create(Namespace { meta: Meta::new(Key::cluster("default")) }.into())).unwrap();
        client
    }

    fn ask(&mut self, request: Request) -> Result<Object, ApiError> {
        let (draws, settings, user) = (Draws::new(1), Settings::default(), "admin".into());
        let mut journal = |_: Verb, _: Option<&Object>, _: Option<&Object>| FactId::NONE;
        let mut cx = Serve {
            now: self.now,
            clock: Clock { epoch_micros: 1_795_543_200_000_000 },
            draws: &draws,
            settings: &settings,
            user: &user,
            journal: &mut journal,
        };
        match self.server.serve(&request, &mut cx).0 {
            Reply::Done(object) => Ok(object),
            Reply::Error(error) => Err(error),
        }
    }

    fn create(&mut self, pod: Pod) -> Result<Pod, ApiError> {
        self.ask(Request::Create(pod.into())).map(as_pod)
    }

    fn get(&mut self, name: &str) -> Result<Pod, ApiError> {
        self.ask(Request::Get { kind: Kind::Pod, key: Key::new("default", name) }).map(as_pod)
    }

    fn bind(&mut self, pod: &Pod, node: &str) -> Result<Pod, ApiError> {
        self.ask(Request::Bind { pod: pod.meta.key.clone(), uid: pod.meta.uid, node: node.into() }).map(as_pod)
    }

    fn delete(&mut self, name: &str, grace_seconds: Option<i64>) -> Result<Pod, ApiError> {
        let options = DeleteOptions { grace_seconds, ..DeleteOptions::default() };
        self.ask(Request::Delete { kind: Kind::Pod, key: Key::new("default", name), options }).map(as_pod)
    }
}

fn as_pod(object: Object) -> Pod {
    Pod::clone(object.of::<Pod>().expect("a pod"))
}

fn pod(name: &str) -> Pod {
    let container = Container { name: "c".into(), image: "app:1".into(), ..Container::default() };
    let spec = Arc::new(PodSpec { containers: vec![container], ..PodSpec::default() });
    Pod { meta: Meta::new(Key::new("default", name)), spec, ..Pod::default() }
}

#[test]
fn a_new_pod_gets_what_upstream_fills_in() {
    let mut client = Client::new();
    let created = client.create(pod("web")).unwrap();
    assert_eq!(created.spec.termination_grace_seconds, Some(30));
    assert_eq!(created.spec.scheduler_name, "default-scheduler");
    assert_eq!(created.spec.priority, Some(0));
    let tolerated: Vec<_> = created.spec.tolerations.iter().map(|t| (t.key.as_str(), t.seconds)).collect();
    assert_eq!(tolerated, [("node.kubernetes.io/not-ready", Some(300)), ("node.kubernetes.io/unreachable", Some(300))]);
    assert_ne!(created.meta.uid, Uid::default());
    assert_eq!(client.create(pod("web")), Err(ApiError::AlreadyExists));
}

#[test]
fn admission_refuses_what_refers_to_nothing() {
    let mut client = Client::new();
    let mut elsewhere = pod("web");
    elsewhere.meta.key = Key::new("nowhere", "web");
    let request = Request::Create(elsewhere.into());
    let error = client.ask(request.clone()).unwrap_err();
    assert_eq!(error.message(&request), "namespaces \"nowhere\" not found");
    let mut classy = pod("web");
    Arc::make_mut(&mut classy.spec).priority_class = "gold".into();
    let request = Request::Create(classy.clone().into());
    let error = client.ask(request.clone()).unwrap_err();
    assert_eq!(error.message(&request), "pods \"web\" is forbidden: no PriorityClass with name gold was found");
    let class = PriorityClass { meta: Meta::new(Key::cluster("gold")), value: 7, ..PriorityClass::default() };
    client.ask(Request::Create(class.into())).unwrap();
    assert_eq!(client.create(classy).unwrap().spec.priority, Some(7));
}

#[test]
fn generated_names_differ_and_do_not_depend_on_others() {
    let mut client = Client::new();
    let mut generated = |prefix: &str| {
        let mut pod = pod("");
        pod.meta.generate_name = prefix.into();
        client.create(pod).unwrap().meta.key.name
    };
    let names = ["web-", "web-", "db-", "web-"].map(&mut generated);
    assert!(names.iter().all(|name| name.len() == name.rfind('-').unwrap() + 6), "{names:?}");
    assert!(names[0] != names[1] && names[1] != names[3]);
    let mut other = Client::new();
    let mut pod = pod("");
    pod.meta.generate_name = "db-".into();
    assert_eq!(other.create(pod).unwrap().meta.key.name, names[2]);
}

#[test]
fn a_stale_write_is_refused_and_one_that_changes_nothing_is_not_stored() {
    let mut client = Client::new();
    let first = client.create(pod("web")).unwrap();
    let mut newer = first.clone();
    newer.meta.labels.insert("tier", "front");
    let stored = client.ask(Request::update(newer.clone())).map(as_pod).unwrap();
    assert!(stored.meta.resource_version > first.meta.resource_version);
    let request = Request::update(newer);
    let error = client.ask(request.clone()).unwrap_err();
    assert_eq!(
        error.message(&request),
        "Operation cannot be fulfilled on pods \"web\": the object has been modified; please apply your changes to the \
         latest version and try again"
    );
    let again = client.ask(Request::update(stored.clone())).map(as_pod).unwrap();
    assert_eq!(again.meta.resource_version, stored.meta.resource_version);
}

#[test]
fn status_and_spec_do_not_touch_each_other() {
    let mut client = Client::new();
    let created = client.create(pod("web")).unwrap();
    let mut both = created.clone();
    both.meta.labels.insert("tier", "front");
    both.status.reason = "Because".into();
    let object = Request::Update { object: Object::from(both.clone()), part: Part::Status };
    let stored = client.ask(object).map(as_pod).unwrap();
    assert_eq!((stored.status.reason.as_str(), stored.meta.labels.len()), ("Because", 0));
    both.meta.resource_version = Revision(0);
    both.status.reason = "Other".into();
    let stored = client.ask(Request::update(both)).map(as_pod).unwrap();
    assert_eq!((stored.status.reason.as_str(), stored.meta.labels.len()), ("Because", 1));
}

#[test]
fn an_update_fills_in_what_a_creation_does() {
    let mut client = Client::new();
    let bare = || {
        let container = Container { name: "c".into(), image: "app:1".into(), ..Container::default() };
        let mut web = Deployment { meta: Meta::new(Key::new("default", "web")), ..Deployment::default() };
        let labels: Labels = [("app", "web")].into_iter().collect();
        web.spec.template.labels = labels.clone();
        web.spec.template.spec = Arc::new(PodSpec { containers: vec![container], ..PodSpec::default() });
        web.spec.selector = Selector::of(labels);
        web
    };
    let created = client.ask(Request::Create(bare().into())).unwrap();
    let updated = client.ask(Request::update(bare())).unwrap();
    assert_eq!(updated.meta().resource_version, created.meta().resource_version, "nothing has changed");
}

#[test]
fn a_pod_is_bound_once() {
    let mut client = Client::new();
    let created = client.create(pod("web")).unwrap();
    let bound = client.bind(&created, "n1").unwrap();
    assert_eq!(bound.node_name, "n1");
    assert_eq!(bound.status.conditions[0].kind, "PodScheduled");
    let error = client.bind(&created, "n1").unwrap_err();
    assert_eq!(error, ApiError::Conflict("pod web is already assigned to node \"n1\"".into()));
    let stranger = Pod { meta: Meta { uid: Uid(7), ..created.meta.clone() }, ..created };
    assert!(
        matches!(client.bind(&stranger, "n1"), Err(ApiError::Conflict(why)) if why.contains("UID in precondition"))
    );
}

#[test]
fn a_pod_without_a_node_goes_at_once_and_one_with_a_node_gracefully() {
    let mut client = Client::new();
    client.create(pod("unbound")).unwrap();
    client.delete("unbound", None).unwrap();
    assert_eq!(client.get("unbound"), Err(ApiError::NotFound));

    let created = client.create(pod("web")).unwrap();
    client.bind(&created, "n1").unwrap();
    let deletion = client.delete("web", None).unwrap().meta.deletion.unwrap();
    assert_eq!((deletion.grace_seconds, deletion.at.0), (30, 1_795_543_230));
    let longer = client.delete("web", Some(60)).unwrap().meta.deletion.unwrap();
    assert_eq!(longer, deletion, "a second deletion cannot lengthen");
    let shorter = client.delete("web", Some(5)).unwrap().meta.deletion.unwrap();
    assert_eq!(shorter.grace_seconds, 5);
    assert!(client.bind(&created, "n2").is_err());
    client.delete("web", Some(0)).unwrap();
    assert_eq!(client.get("web"), Err(ApiError::NotFound));
    let reborn = client.create(pod("web")).unwrap();
    assert_ne!(reborn.meta.uid, created.meta.uid);
}

#[test]
fn finalizers_hold_an_object_until_the_last_is_gone() {
    let mut client = Client::new();
    let mut held = pod("web");
    held.meta.finalizers = vec!["example.org/a".into(), "example.org/b".into()];
    client.create(held).unwrap();
    client.delete("web", Some(0)).unwrap();
    for (finalizer, is_there) in [("example.org/a", true), ("example.org/b", false)] {
        let edit = Edit::RemoveFinalizer(finalizer.into());
        let key = Key::new("default", "web");
        client.ask(Request::Patch { kind: Kind::Pod, key, uid: None, part: Part::Main, edit }).unwrap();
        assert_eq!(client.get("web").is_ok(), is_there, "without {finalizer}");
    }
}

#[test]
fn what_is_invalid_is_refused_in_the_servers_words() {
    let mut client = Client::new();
    let empty = Pod { spec: Arc::default(), ..pod("web") };
    let request = Request::Create(empty.into());
    let error = client.ask(request.clone()).unwrap_err();
    assert_eq!(error.message(&request), "Pod \"web\" is invalid: spec.containers: Required value");
}

#[test]
fn a_new_node_may_not_be_scheduled_to_until_it_is_ready() {
    let mut client = Client::new();
    let node = crate::object::Node { meta: Meta::new(Key::cluster("n1")), ..Default::default() };
    let created = client.ask(Request::Create(Arc::new(node).into_object())).unwrap();
    let taints = &created.of::<crate::object::Node>().unwrap().taints;
    assert_eq!(taints[0].to_string(), "node.kubernetes.io/not-ready:NoSchedule");
}

#[test]
fn a_second_deletion_shortens_by_its_period_and_not_by_the_date() {
    let mut client = Client::new();
    let created = client.create(pod("web")).unwrap();
    client.bind(&created, "n1").unwrap();
    client.delete("web", Some(30)).unwrap();
    client.now = Time::from_micros(25_000_000);
    let deletion = client.delete("web", Some(10)).unwrap().meta.deletion.unwrap();
    assert_eq!((deletion.grace_seconds, deletion.at.0), (10, 1_795_543_210));
}

#[test]
fn a_pod_of_a_class_that_was_deleted_is_refused() {
    let mut client = Client::new();
    let class = PriorityClass { meta: Meta::new(Key::cluster("high")), value: 5, ..PriorityClass::default() };
    client.ask(Request::Create(class.into())).unwrap();
    let classy = |name: &str| {
        let mut pod = pod(name);
        Arc::make_mut(&mut pod.spec).priority_class = "high".into();
        pod
    };
    client.create(classy("a")).unwrap();
    client.ask(Request::delete(Kind::PriorityClass, Key::cluster("high"))).unwrap();
    assert!(client.create(classy("b")).is_err());
}

impl Client {
    fn delete_with(&mut self, name: &str, options: DeleteOptions) -> Result<Pod, ApiError> {
        self.ask(Request::Delete { kind: Kind::Pod, key: Key::new("default", name), options }).map(as_pod)
    }

    fn propagate(&mut self, name: &str, propagation: Propagation) -> Result<Pod, ApiError> {
        self.delete_with(name, DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() })
    }
}

#[test]
fn a_deletion_says_what_becomes_of_dependents_until_it_is_said_otherwise() {
    for (propagation, finalizer) in [(Propagation::Foreground, "foregroundDeletion"), (Propagation::Orphan, "orphan")] {
        let mut client = Client::new();
        client.create(pod("web")).unwrap();
        let ending = client.propagate("web", propagation).unwrap();
        assert_eq!((ending.meta.finalizers, ending.meta.generation), (vec![finalizer.into()], 2));
        assert_eq!(ending.meta.deletion.map(|deletion| deletion.grace_seconds), Some(0));
        client.delete("web", None).unwrap();
        assert_eq!(client.get("web").unwrap().meta.resource_version, ending.meta.resource_version, "nothing new");
        client.propagate("web", Propagation::Background).unwrap();
        assert_eq!(client.get("web"), Err(ApiError::NotFound));
    }
}

#[test]
fn a_second_deletion_takes_nothing_from_a_grace_period_that_runs() {
    let mut client = Client::new();
    let created = client.create(pod("web")).unwrap();
    client.bind(&created, "n1").unwrap();
    let mut ending = client.delete("web", None).unwrap();
    assert_eq!(client.propagate("web", Propagation::Foreground), Ok(ending.clone()));
    ending.status.phase = crate::object::Phase::Succeeded;
    let ended = client.ask(Request::update_status(ending)).map(as_pod).unwrap();
    assert_eq!(client.delete("web", None), Ok(ended), "the kubelet has the last word");
    client.delete("web", Some(0)).unwrap();
    assert_eq!(client.get("web"), Err(ApiError::NotFound));
}

#[test]
fn a_deletion_is_refused_if_it_means_another_object_or_version() {
    let mut client = Client::new();
    let created = client.create(pod("web")).unwrap();
    let version = created.meta.resource_version;
    for (uid, version, part) in [
        (Some(Uid(7)), None, "the UID in the precondition"),
        (Some(created.meta.uid), Some(Revision(version.0 + 1)), "the ResourceVersion in the precondition"),
    ] {
        let options = DeleteOptions { uid, resource_version: version, ..DeleteOptions::default() };
        let refused = client.delete_with("web", options);
        assert!(matches!(&refused, Err(ApiError::Conflict(why)) if why.contains(part)), "{refused:?}");
    }
    let (uid, resource_version) = (Some(created.meta.uid), Some(version));
    client.delete_with("web", DeleteOptions { uid, resource_version, ..DeleteOptions::default() }).unwrap();
}

#[test]
fn what_is_being_deleted_gets_no_new_finalizers() {
    let mut client = Client::new();
    client.create(pod("web")).unwrap();
    let mut ending = client.propagate("web", Propagation::Orphan).unwrap();
    ending.meta.finalizers.push("example.org/a".into());
    let request = Request::update(ending);
    let error = client.ask(request.clone()).unwrap_err();
    assert_eq!(
        error.message(&request),
        "Pod \"web\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being \
         deleted, found new finalizers []string{\"example.org/a\"}"
    );
}
