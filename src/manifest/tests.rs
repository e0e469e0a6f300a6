//! Manifests read, refused and written back.

use super::*;
use crate::object::pod::Phase;
use crate::object::taint::{Effect, Taint};
use crate::object::{Condition, Name, OwnerRef, Revision, Timestamp, Uid};
use serde_json::{Value, json};
use std::sync::Arc;

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 3
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        resources:
          requests: {cpu: 1000m, memory: 64Mi}
          limits:
            cpu: 2
        livenessProbe:
          httpGet: {port: 80}
      - name: log
        image: log:1
        livenessProbe:
          exec: {command: [true]}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Node
  metadata:
    name: n1
  spec:
    podCIDR: 10.0.0.0/24
  status:
    capacity: {cpu: 4, memory: 8Gi, pods: 110}
- apiVersion: v1
  kind: Service
  metadata: {name: web, namespace: shop}
  spec:
    selector: {app: web}
    ports:
    - port: 80
      targetPort: http
";

fn load_one(text: &str) -> Result<Manifests, Vec<String>> {
    let files = [SourceFile { name: "web.yaml", text }];
    load(&files).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn a_manifest_becomes_objects_with_their_places() {
    // `true` is a boolean in YAML, so the probe's command is refused as the API server does.
    let problems = load_one(WEB).unwrap_err();
    let message = "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal bool into Go \
                   struct field ExecAction.spec.template.spec.containers.livenessProbe.exec.command of type string";
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with(&format!("web.yaml:26: error: {message}\n  = help: `command[0]` must be a text")));

    let manifests = load_one(&WEB.replace("[true]", "['true']")).unwrap();
    let found: Vec<String> =
        manifests.objects.iter().map(|(object, place)| format!("{place} {} {}", object.kind(), object.key())).collect();
    assert_eq!(found, ["web.yaml:1 Deployment default/web", "web.yaml:31 Node n1", "web.yaml:39 Service shop/web"]);
    let notes: Vec<String> = manifests.notes.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(notes.join("\n"), @r#"
    web.yaml:19: note: resources.limits of container "web" is kept but not simulated yet
    web.yaml:21: note: livenessProbe of container "web" is kept but not simulated yet (and 1 more)
    "#);
    let (object, _) = &manifests.objects[0];
    let source = &object.meta().source.as_ref().unwrap().json;
    assert!(source.starts_with(r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","labels""#));
    let Object::Deployment(deployment) = object else { panic!("{object:?}") };
    let spec = &deployment.spec.template.spec.source.as_ref().unwrap().json;
    assert!(spec.starts_with(r#"{"containers":[{"name":"web""#), "{spec}");
}

#[test]
fn all_problems_of_all_documents_are_told_with_their_lines() {
    let text = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replica: 3
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: wab}
    spec:
      containers:
      - name: Web
        image: nginx
        ports:
        - containerPort: '80'
          hostPort: x
---
apiVersion: batch/v1
kind: Job
metadata: {name: j}
---
apiVersion: v1
kind: Pod
metadata:
  name: p
spec:
  containers:
  - name: P
    resources:
      requests:
        cpu: 1 core
---
kind: [
---
apiVersion: v1
kind: Pod
metadata:
  name: q
spec:
  restartPolicy: Sometimes
  containers:
  - name: Q
    image: i
---
apiVersion: v1
kind: Pdo
";
    let problems = load_one(text).unwrap_err();
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn the_same_object_twice_is_a_problem() {
    let pod = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    let problems = load_one(&format!("{pod}---\n{pod}")).unwrap_err();
    let help = "\n  = help: it is defined at web.yaml:1; rename one of them";
    assert_eq!(problems, [format!("web.yaml:5: error: namespaces \"shop\" already exists{help}")]);
}

/// Without the documents, which differ once the cluster has changed something.
fn without_sources(object: &Object) -> Object {
    let mut object = object.clone();
    object.meta_mut().source = None;
    match &mut object {
        Object::Pod(pod) => Arc::make_mut(&mut Arc::make_mut(pod).spec).source = None,
        Object::Deployment(deployment) => {
            Arc::make_mut(&mut Arc::make_mut(deployment).spec.template.spec).source = None;
        }
        Object::ReplicaSet(set) => Arc::make_mut(&mut Arc::make_mut(set).spec.template.spec).source = None,
        _ => {}
    }
    object
}

fn read_back(object: &Object) -> Object {
    let document = export::export(object);
    decode::decode(&document, "other").unwrap_or_else(|refusal| panic!("{refusal:?} in {document}")).object
}

/// What `export` writes loads, as JSON and as YAML.
fn loads_again(object: &Object) -> Object {
    let document = export::export(object);
    let [json, yaml] = [document.to_string(), emit::yaml(&document)].map(|text| match load_one(&text) {
        Ok(mut manifests) => manifests.objects.remove(0).0,
        Err(problems) => panic!("{problems:?} in {text}"),
    });
    assert_eq!(json, yaml);
    json
}

#[test]
fn objects_survive_the_way_out_and_back() {
    for line in include_str!("../../tests/fixtures/api/cases.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        for document in [&case["body"], &case["object"]] {
            let Ok(decoded) = decode::decode(document, "default") else { continue };
            let object = decoded.object;
            assert_eq!(without_sources(&read_back(&object)), without_sources(&object), "{document}");
            let mut changed = object.clone();
            changed.apply_defaults(&crate::object::Settings::default());
            let meta = changed.meta_mut();
            meta.uid = Uid(7);
            meta.resource_version = Revision(12);
            meta.created = Timestamp(1_795_543_200);
            meta.finalizers.push("a.b/c".into());
            assert_eq!(without_sources(&read_back(&changed)), without_sources(&changed), "{document}");
            // An object that a controller made has no document of its own.
            changed.meta_mut().source = None;
            assert_eq!(without_sources(&read_back(&changed)), without_sources(&changed), "without: {document}");
        }
    }
}

#[test]
fn what_the_cluster_changed_is_laid_over_what_the_user_wrote() {
    let text = "\
apiVersion: v1
kind: Pod
metadata: {name: web-1}
spec:
  dnsPolicy: Default
  containers:
  - {name: c, image: 'i:1', resources: {requests: {cpu: 1000m}}, livenessProbe: {tcpSocket: {port: 80}}}
";
    let manifests = load_one(text).unwrap();
    let (object, _) = &manifests.objects[0];
    let Object::Pod(pod) = object else { panic!("{object:?}") };
    let mut pod = (**pod).clone();
    pod.node_name = "n1".into();
    pod.status.phase = Phase::Running;
    pod.meta.owners = vec![OwnerRef {
        kind: crate::object::Kind::ReplicaSet,
        name: "web".into(),
        uid: Uid(1),
        controller: true,
        block_owner_deletion: true,
    }];
    let document = export::export(&Object::from(pod));
    let owner = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "00000000-0000-0000-0000-000000000001",
        "controller": true, "blockOwnerDeletion": true,
    });
    let container = json!({
        "name": "c", "image": "i:1", "resources": {"requests": {"cpu": "1000m"}},
        "livenessProbe": {"tcpSocket": {"port": 80}},
    });
    let expected = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "default", "ownerReferences": [owner]},
        "spec": {"dnsPolicy": "Default", "containers": [container], "nodeName": "n1"},
        "status": {"phase": "Running"},
    });
    assert_eq!(document, expected);
}

#[test]
fn a_node_is_exported_with_its_taints_and_conditions() {
    let (object, _) = load_one("apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n").unwrap().objects.remove(0);
    let Object::Node(node) = &object else { panic!("{object:?}") };
    let mut node = (**node).clone();
    let time = Timestamp(1_795_543_200);
    let key: Name = crate::object::taint::UNREACHABLE.into();
    node.taints = vec![Taint { key, value: Name::none(), effect: Effect::NoExecute, time_added: Some(time) }];
    node.conditions = vec![Condition {
        kind: "Ready".into(),
        status: false.into(),
        reason: "NodeStatusUnknown".into(),
        message: Name::none(),
        last_transition: time,
        last_update: time.plus_seconds(5),
    }];
    let object = Object::from(node);
    assert_eq!(without_sources(&read_back(&object)), without_sources(&object));
}

#[test]
fn no_value_in_any_place_makes_the_reader_or_the_writer_panic() {
    let wrong =
        [json!(null), json!(-5), json!(1e300), json!("x"), json!([]), json!({}), json!([null]), json!({"a": {}})];
    let mut mutants = Vec::new();
    for line in include_str!("../../tests/fixtures/api/cases.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let mut places = Vec::new();
        pointers(&case["body"], String::new(), &mut places);
        mutants.extend(places.into_iter().flat_map(|place| wrong.iter().map(move |wrong| (place.clone(), wrong))).map(
            |(place, wrong)| {
                let mut body = case["body"].clone();
                *body.pointer_mut(&place).unwrap() = wrong.clone();
                body
            },
        ));
    }
    for mutant in &mutants {
        let text = mutant.to_string();
        if let Ok(manifests) = load(&[SourceFile { name: "m", text: &text }]) {
            for (object, _) in &manifests.objects {
                loads_again(object);
            }
        }
    }
}

fn pointers(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            pointers(value, format!("{at}/{key}"), places);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| pointers(value, format!("{at}/{index}"), places));
        }
        _ => {}
    }
    places.push(at);
}

/// Rules that no recording shows. Their words are from a stored copy of upstream's source older than the pinned release.
#[test]
fn rules_without_a_recording_keep_their_words() {
    let pod = |spec: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec});
    let container = |extra: Value| {
        let mut container = json!({"name": "c", "image": "i"});
        container.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        pod(json!({"containers": [container]}))
    };
    let service = |spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": spec});
    let two_handlers = json!({"exec": {"command": ["a"]}, "tcpSocket": {"port": 80}});
    let toleration = json!([{"key": "a", "operator": "Exists", "value": "b"}]);
    for (document, expected) in [
        (
            container(json!({"livenessProbe": two_handlers})),
            "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
        ),
        (
            container(json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]})),
            "spec.containers[0].volumeMounts[0].name: Not found: \"v\"",
        ),
        (
            pod(json!({"containers": [{"name": "c", "image": "i"}], "tolerations": toleration})),
            "spec.tolerations[0].operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'",
        ),
        (
            pod(json!({"containers": [{"name": "c", "image": "i"}], "dnsPolicy": "None"})),
            "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
        ),
        (service(json!({"type": "ExternalName"})), "spec.externalName: Required value"),
        (
            service(json!({"type": "Foo", "ports": [{"port": 80}]})),
            "spec.type: Unsupported value: \"Foo\": supported values: \"ClusterIP\", \"ExternalName\", \
             \"LoadBalancer\", \"NodePort\"",
        ),
    ] {
        let decoded = decode::decode(&document, "default").unwrap();
        assert_eq!(decoded.errors().to_string(), expected, "{document}");
    }
}

#[test]
fn our_own_annotations_are_checked_when_they_are_read() {
    let text = WEB.replace("[true]", "['true']").replace(
        "      labels: {app: web}\n    spec:",
        "      labels: {app: web}\n      annotations: {evenkeel.dev/ready-after: soon, evenkeel.dev/run-fro: 5s, team: x}\n    spec:",
    );
    let refused = load_one(&text).expect_err("two annotations are wrong").join("\n");
    assert!(refused.contains("evenkeel.dev/ready-after]: Invalid value: \"soon\""), "{refused}");
    assert!(refused.contains("there is no such annotation: known are evenkeel.dev/container-start"), "{refused}");
    let good = load_one(&text.replace("soon", "never").replace("run-fro: 5s", "run-for: 5s"));
    assert_eq!(good.err(), None);
}
