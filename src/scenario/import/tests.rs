//! A dump becomes a scenario, and its manifests load.

use super::*;
use crate::object::{Kind, Object, Pod};
use std::collections::BTreeMap;
use toml::de::DeTable;

const THREE_NODES: &str = include_str!("../../../tests/fixtures/dumps/three-nodes.yaml");

fn of(name: &str, text: &str) -> Result<Imported, Problems> {
    dump(name, &format!("{name}.yaml"), &[SourceFile { name: "dump.yaml", text }])
}

fn imported(text: &str) -> Imported {
    of("shop", text).unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

#[test]
fn a_cluster_becomes_a_scenario_with_its_manifests() {
    let imported = imported(THREE_NODES);
    insta::assert_snapshot!("scenario", imported.scenario);
    insta::assert_snapshot!("manifests", imported.manifests);
    insta::assert_snapshot!("notes", imported.notes.join("\n"));
    DeTable::parse(&imported.scenario).expect("it is TOML");
    // Whoever takes the marks away has TOML too.
    let example = imported.scenario.replace("# [[event]]", "[[event]]").replace("\n# ", "\n").replace("\n#\n", "\n");
    let example = &example[example.find("[[event]]").unwrap()..];
    DeTable::parse(&example.replace("What happens.", "# ").replace("These were", "# ")).expect("the example is TOML");
}

#[test]
fn its_manifests_load_without_a_word_and_keep_who_runs_where() {
    let imported = imported(THREE_NODES);
    let manifests = manifest::load(&[SourceFile { name: "shop.yaml", text: &imported.manifests }]).unwrap();
    assert_eq!(manifests.warnings, []);
    let mut nodes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for pod in manifests.objects.iter().filter_map(|(object, _)| object.of::<Pod>()) {
        assert_eq!(pod.meta.owners, []);
        nodes.entry(pod.node_name.to_string()).or_default().push(pod.meta.name());
    }
    let expected = [
        ("cp-1", vec!["etcd-cp-1", "kube-proxy-4x7aq"]),
        ("w-1", vec!["coredns-7c65d6cfc9-2lw8k", "kube-proxy-4x7bq", "db-0", "web-84f7c5d9b4-8zk4m"]),
        ("w-2", vec!["kube-proxy-4x7cq", "web-84f7c5d9b4-tq9xv"]),
    ];
    assert_eq!(nodes.into_iter().collect::<Vec<_>>(), expected.map(|(node, pods)| (node.to_string(), pods)));
    for secret in ["s3cr3t", "hunter2", "aHVudGVyMg", "kind: Secret"] {
        assert!(!imported.manifests.contains(secret), "{secret} is written");
    }
}

/// Deployments must recognise the ReplicaSet of the dump as theirs, or they would make another.
#[test]
fn a_deployment_and_its_replica_set_keep_the_same_template() {
    let imported = imported(THREE_NODES);
    let manifests = manifest::load(&[SourceFile { name: "shop.yaml", text: &imported.manifests }]).unwrap();
    let of = |kind: Kind, name: &str| {
        let found = manifests.objects.iter().find(|(object, _)| object.kind() == kind && object.meta().name() == name);
        found.map(|(object, _)| object.clone()).unwrap()
    };
    let (deployment, set) = (of(Kind::Deployment, "web"), of(Kind::ReplicaSet, "web-84f7c5d9b4"));
    let [Object::Deployment(deployment), Object::ReplicaSet(set)] = [deployment, set] else { panic!("other kinds") };
    let mut template = set.spec.template.clone();
    template.labels = deployment.spec.template.labels.clone();
    assert_eq!(template, deployment.spec.template);
}

#[test]
fn what_cannot_be_a_cluster_is_refused() {
    let refused = |text: &str| of("shop", text).expect_err("it is no cluster").render(false);
    insta::assert_snapshot!(refused("apiVersion: v1\nkind: List\nitems: []\n"), @r"
    error[E0302]: the dump holds no nodes, so there is no cluster to make
     --> dump.yaml:1:1
      |
    1 | apiVersion: v1
      | ^^^^^^^^^^^^^^
      |
      = help: make it with `kubectl get nodes,namespaces,priorityclasses,pods,replicasets,deployments,services -A -o yaml`
    ");
    insta::assert_snapshot!(refused("kind: List\nitems:\n\t- a\n"), @r"
    error[E0302]: a tab in the indentation: YAML forbids tabs there
     --> dump.yaml:3:2
      |
    3 |     - a
      |     ^^^
      |
      = help: indent with spaces; most editors can replace all tabs at one go
    ");
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n}\nstatus: {capacity: {cpu: 1, memory: 1Gi}}\n";
    insta::assert_snapshot!(refused(&format!("{node}---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\n")), @r#"
    error[E0302]: Pod "p" is invalid: spec.containers: Required value
     --> shop.yaml:4:1
      |
    4 | apiVersion: v1
      | ^^^^^^^^^^^^^^
      |
      = help: list at least one container with `name` and `image` below `spec`
      = note: this is the object as it would be written; it comes from the dump
    "#);
}

#[test]
fn nodes_that_are_alike_share_a_pool_and_others_do_not() {
    let node = |name: &str, zone: &str, memory: &str, more: &str| {
        format!(
            "---\napiVersion: v1\nkind: Node\nmetadata: {{name: {name}, labels: {{topology.kubernetes.io/zone: {zone}, \
             kubernetes.io/hostname: {name}, serial: s-{name}}}}}\nspec: {{{more}}}\nstatus:\n  capacity: {{cpu: '4', \
             memory: {memory}, pods: '1024', hugepages-2Mi: '0'}}\n  allocatable: {{cpu: '4', memory: {memory}, pods: '1024'}}\n"
        )
    };
    let taint = "taints: [{key: gpu, value: 'yes', effect: NoSchedule}, {key: node.kubernetes.io/not-ready, effect: NoExecute}]";
    let dump = [
        node("n-10", "a", "16000000Ki", ""),
        node("n-2", "a", "16000004Ki", "unschedulable: true"),
        node("n-1", "b", "16000000Ki", ""),
        node("n-3", "a", "32000000Ki", ""),
        node("n-4", "a", "16000000Ki", taint),
    ];
    let imported = imported(&dump.concat());
    let pools = &imported.scenario[imported.scenario.find("[[cluster.pool]]").unwrap()..];
    insta::assert_snapshot!(pools, @r#"
    [[cluster.pool]]
    name     = "node-b"
    nodes    = ["n-1"]
    zones    = ["b"]
    capacity = { cpu = "4", memory = "15625Mi", pods = 1024 }

    # 2 machines
    [[cluster.pool]]
    name     = "node-a"
    nodes    = ["n-2", "n-10"]
    zones    = ["a"]
    capacity = { cpu = "4", memory = "15625Mi", pods = 1024 }

    # 1 machine
    [[cluster.pool]]
    name     = "node-a-2"
    nodes    = ["n-3"]
    zones    = ["a"]
    capacity = { cpu = "4", memory = "31250Mi", pods = 1024 }

    # 1 machine
    [[cluster.pool]]
    name     = "node-a-3"
    nodes    = ["n-4"]
    zones    = ["a"]
    capacity = { cpu = "4", memory = "15625Mi", pods = 1024 }
    taints   = ["gpu=yes:NoSchedule"]

    # These were cordoned when the cluster was dumped.
    [[event]]
    id     = "cordoned"
    at     = "0s"
    do     = "node.cordon"
    target = { nodes = ["n-2"] }

    # What happens. For example, a minute in, a machine stops dead: take the `# ` away to see it.
    #
    # [[event]]
    # id     = "crash"
    # at     = "1m"
    # do     = "node.crash"
    # target = { node = "n-1" }
    "#);
    insta::assert_snapshot!(imported.notes.join("\n"), @r"
    left out: labels that tell each node from the others and no pod asks for: serial
    amounts that differ by less than 1% were made equal on 1 node: the smallest is written
    node n-2 was cordoned: it is cordoned at the start
    ");
}

#[test]
fn nothing_in_a_dump_makes_it_panic_or_write_what_cannot_be_read() {
    let node = "{\"apiVersion\": \"v1\", \"kind\": \"Node\", \"metadata\": {\"name\": \"n\"}}\n";
    let wrong = ["null", "-5", "1e300", "\"x\\u007f\\n\\\"\"", "[]", "{}", "[null]", "{\"a\": {}}"];
    let found: Value = yaml::read(THREE_NODES).remove(0).unwrap().value;
    for item in found["items"].as_array().unwrap() {
        let mut places = Vec::new();
        pointers(item, String::new(), &mut places);
        for (index, place) in places.iter().enumerate() {
            let mut mutant = item.clone();
            *mutant.pointer_mut(place).unwrap() = serde_json::from_str(wrong[index % wrong.len()]).unwrap();
            if let Ok(imported) = of("a\nb", &format!("{node}{mutant}\n")) {
                DeTable::parse(&imported.scenario).unwrap_or_else(|error| panic!("{error}\n{}", imported.scenario));
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
