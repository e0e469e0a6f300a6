//! Dumps of a server (`kubectl get -o yaml`) and kinds that are not interpreted.

use super::*;
use crate::object::Kind;

const THREE_NODES: &str = include_str!("../../tests/fixtures/dumps/three-nodes.yaml");
const WEB: &str = include_str!("../../tests/fixtures/dumps/web.json");
const PODS: &str = include_str!("../../tests/fixtures/dumps/pods-raw.json");

fn loaded(name: &str, text: &str) -> Manifests {
    load(&[SourceFile { name, text }]).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

fn refused(text: &str) -> String {
    let problems = load(&[SourceFile { name: "x.yaml", text }]).expect_err("something is wrong with it");
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn said(manifests: &Manifests) -> String {
    let notes = manifests.notes.iter().map(ToString::to_string);
    notes.chain(manifests.warnings.iter().map(ToString::to_string)).collect::<Vec<_>>().join("\n")
}

fn listed(manifests: &Manifests) -> String {
    let line = |(object, _): &(Object, Place)| {
        let owners: Vec<String> =
            object.meta().owners.iter().map(|owner| format!(" < {} {}", owner.kind, owner.name)).collect();
        let (kind, name) = object.names();
        let namespace = object.meta().namespace();
        let space = if namespace.is_empty() { "" } else { "/" };
        let opaque = if object.kind().is_opaque() { " (kept)" } else { "" };
        format!("{kind} {namespace}{space}{name}{opaque}{}", owners.concat())
    };
    manifests.objects.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_dump_of_a_cluster_reads_like_the_manifests_it_came_from() {
    let manifests = loaded("three-nodes.yaml", THREE_NODES);
    insta::assert_snapshot!("dump_said", said(&manifests));
    insta::assert_snapshot!("dump_objects", listed(&manifests));
    for (object, _) in &manifests.objects {
        let json = &object.meta().source.as_ref().unwrap().json;
        for field in ["managedFields", "resourceVersion", "creationTimestamp\":\"", "last-applied", "ownerReferences"] {
            assert!(!json.contains(&format!("\"{field}")), "{field} in {json}");
        }
        assert_eq!((object.meta().uid.0, object.meta().resource_version.0), (0, 0));
    }
}

#[test]
fn what_is_exported_loads_again() {
    for (object, _) in &loaded("three-nodes.yaml", THREE_NODES).objects {
        let document = export::export(object);
        let again = loaded("again", &emit::yaml(&document)).objects.remove(0).0;
        assert_eq!((again.kind(), again.key()), (object.kind(), object.key()));
        let unowned = |object: &Object| {
            let mut object = object.clone();
            object.meta_mut().owners.clear();
            export::export(&object)
        };
        assert_eq!(unowned(&again), unowned(object));
    }
}

#[test]
fn json_and_lists_of_one_kind_are_read_too() {
    let manifests = loaded("web.json", WEB);
    insta::assert_snapshot!(listed(&manifests), @r"
    ReplicaSet shop/web-5b9d8c7f6d
    Pod shop/web-84f7c5d9b4-8zk4m
    Pod shop/web-84f7c5d9b4-tq9xv
    Pod shop/web-84f7c5d9b4-old1x
    ReplicaSet shop/web-84f7c5d9b4
    Deployment shop/web
    ");
    assert!(manifests.warnings.is_empty(), "{}", said(&manifests));
    let pods = loaded("pods.json", PODS);
    assert_eq!(pods.objects.iter().filter(|(object, _)| object.kind() == Kind::Pod).count(), 3);
    let lost = "pods.json:1: warning: Pod \"kube-proxy-4x7aq\" is owned by DaemonSet \"kube-proxy\", which is not in these \
                files: it will belong to nobody (and 1 more)";
    assert!(said(&pods).ends_with(lost), "{}", said(&pods));
    let text = "apiVersion: apps/v1\nkind: DeploymentList\nitems: []\n---\napiVersion: v1\nkind: List\nitems: null\n";
    let empty = loaded("empty.yaml", text);
    assert_eq!(said(&empty), "empty.yaml:1: warning: the file holds an empty list: no object comes from it");
    assert_eq!(
        refused("apiVersion: v1\nkind: List\n"),
        "x.yaml:1: error: a List has its objects in `items`, which must be a list"
    );
    let comments = said(&loaded("c.yaml", "# one\n---\n# two\n"));
    assert_eq!(
        comments,
        "c.yaml:1: warning: the file holds nothing but comments and empty lines: no object comes from it"
    );
}

#[test]
fn a_kind_that_is_not_simulated_is_kept_with_a_warning_and_a_slip_is_an_error() {
    let text = "\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec: {replicas: 3}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: cache, namespace: shop}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: db}
---
apiVersion: example.com/v1
kind: Widget
metadata: {generateName: w-}
parts: [1, 2]
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk}
";
    let manifests = loaded("x.yaml", text);
    insta::assert_snapshot!(said(&manifests), @r#"
    x.yaml:2: warning: StatefulSet "db" is kept but not simulated: its pods will not be created (and 1 more)
      = help: to have them, write them down as a Deployment, a ReplicaSet or Pods
    x.yaml:11: warning: PodDisruptionBudget "db" is kept but does nothing: evictions do not heed it
    x.yaml:15: warning: Widget "w-" is kept but does nothing
    x.yaml:20: warning: PersistentVolume "disk" is kept but does nothing: pods are placed as if their volumes were everywhere
    "#);
    assert_eq!(manifests.warnings.iter().filter(|warning| warning.is_loud).count(), 1);
    insta::assert_snapshot!(listed(&manifests), @r"
    StatefulSet default/db (kept)
    StatefulSet shop/cache (kept)
    PodDisruptionBudget default/db (kept)
    Widget default/w- (kept)
    PersistentVolume disk (kept)
    ");
    let widget = export::export(&manifests.objects[3].0);
    assert_eq!(
        widget.to_string(),
        "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Widget\",\"metadata\":{\"generateName\":\"w-\",\"namespace\":\"default\"},\"parts\":[1,2]}"
    );

    let slips = "\
apiVersion: apps/v1
kind: Deploymnet
metadata: {name: web}
---
apiVersion: batch/v1
kind: StatefulSet
metadata: {name: db}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a/b, labels: {x: [1]}, labls: {}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk, namespace: shop}
---
- apiVersion: v1
---
just a text
---
apiVersion: v1
kind: ConfigMap
metadata: {name: twice}
---
apiVersion: v1
kind: Secret
metadata: {name: twice}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: twice}
";
    insta::assert_snapshot!(refused(slips), @r#"
    x.yaml:2: error: no matches for kind "Deploymnet" in version "apps/v1"
      = help: did you mean `kind: Deployment`?
    x.yaml:5: error: no matches for kind "StatefulSet" in version "batch/v1"
      = help: StatefulSet is read in version `apps/v1`
    x.yaml:11: error: ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type string
      = help: `x` must be a text
    x.yaml:11: error: strict decoding error: unknown field "metadata.labls"
      = help: did you mean `labels`?
    x.yaml:11: error: ConfigMap "a/b" is invalid: metadata.name: Invalid value: "a/b": may not contain '/'
    x.yaml:15: error: PersistentVolume "disk" is invalid: metadata.namespace: Forbidden: not allowed on this type
    x.yaml:17: error: a document must be an object with `apiVersion` and `kind`, this is a list
      = help: put `apiVersion: v1`, `kind: List` and `items:` before it
    x.yaml:19: error: a document must be an object with `apiVersion` and `kind`, this is a text
      = help: write its fields as `key: value`, each on a line of its own
    x.yaml:29: error: ConfigMap "twice" already exists
      = help: it is defined at x.yaml:21; rename one of them
    "#);
}

#[test]
fn a_broken_file_does_not_take_for_ever_to_complain_of() {
    let wrong: String =
        (0..3_000).map(|index| format!("      - {{name: c{index}, image: [x], unknown{index}: 1}}\n")).collect();
    let text = format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n{wrong}");
    assert_eq!(refused(&text).matches("error:").count(), 51);
    let unknown: String = (0..3_000).map(|index| format!("  unknown{index}: 1\n")).collect();
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers: [{{name: c, image: i}}]\n{unknown}"
    );
    let problems = refused(&text);
    assert!(problems.ends_with("error: and 2500 more problems like these"), "{}", &problems[problems.len() - 200..]);
}
