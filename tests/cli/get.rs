//! `get` and `events`: a cluster of the past, as kubectl shows it.

use super::*;
use serde_json::Value;

const RUN: &str = "results/node-crash/1";

/// A workspace with a run of `node-crash` in it.
fn with_run(test: &str) -> PathBuf {
    let folder = workspace(test);
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/node-crash.toml");
    fs::copy(scenario, folder.join("node-crash.toml")).unwrap();
    assert_eq!(evenkeel(&folder, &["node-crash.toml", "-q"]).0, 0);
    folder
}

fn shown(folder: &Path, arguments: &[&str]) -> String {
    let (code, out, err) = evenkeel(folder, arguments);
    assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}: {out}");
    out
}

/// The node is gone for 6 minutes: its pods are marked to go and stay, others have come in their place.
#[test]
fn a_crashed_node_and_its_pods_at_a_moment() {
    let folder = with_run("get-crash");
    let mut all = String::new();
    for (arguments, at) in [
        (&["nodes"][..], "1m30s"),
        (&["pods", "-o", "wide"], "@crash"),
        (&["pods", "-o", "wide"], "6m40s"),
        (&["deploy,rs,endpointslices,svc", "-o", "wide"], "6m40s"),
    ] {
        let out = shown(&folder, &[&["get", RUN], arguments, &["--at", at]].concat());
        all.push_str(&format!("$ get {} --at {at}\n{out}\n", arguments.join(" ")));
    }
    for (arguments, at) in [(&["--types", "Warning"][..], "6m40s"), (&["--for", "node/node-2", "-A"], "6m40s")] {
        let out = shown(&folder, &[&["events", RUN], arguments, &["--at", at]].concat());
        all.push_str(&format!("$ events {} --at {at}\n{out}\n", arguments.join(" ")));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_run_is_named_by_its_folder_its_receipt_or_its_scenario() {
    let folder = with_run("get-run");
    let pods = shown(&folder, &["get", RUN, "pods"]);
    assert_eq!(pods.lines().count(), 11, "eight pods, two that cannot end, and a line of heads\n{pods}");
    for run in ["results/node-crash", "results/node-crash/1/run.json", "node-crash.toml"] {
        assert_eq!(shown(&folder, &["get", run, "pods"]), pods, "{run}");
    }
    assert_eq!(evenkeel(&folder, &["node-crash.toml", "--seed", "2", "-q"]).0, 0);
    for (run, says) in [
        ("results/node-crash", "holds 2 runs; name one of them, as `results/node-crash/1`"),
        ("results", "is no run folder: there is no `run.json` in it"),
        ("absent", "no such file; expected a run folder"),
    ] {
        let (code, out, err) = evenkeel(&folder, &["get", run, "pods"]);
        assert_eq!((code, out.as_str()), (2, ""), "{run}");
        assert!(err.contains(says), "{run}: {err}");
    }
}

#[test]
fn a_run_that_was_changed_is_not_shown_as_what_it_was() {
    let folder = with_run("get-changed");
    let scenario = folder.join(RUN).join("scenario.toml");
    edit(&scenario, "# without `for` the machine stays dead", "# it stays dead");
    let (code, _, err) = evenkeel(&folder, &["get", RUN, "pods"]);
    assert_eq!((code, err.as_str()), (0, ""), "a comment changes nothing");
    edit(&scenario, "replicas  = 8", "replicas  = 9");
    let (code, out, err) = evenkeel(&folder, &["get", RUN, "pods"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("another run than that of its receipt: `scenario.toml` was changed since"), "{err}");
    fs::remove_file(&scenario).unwrap();
    let (code, _, err) = evenkeel(&folder, &["get", RUN, "pods"]);
    assert!(code == 2 && err.contains("scenario.toml`: no such file"), "{err}");
    edit(&folder.join(RUN).join("run.json"), env!("CARGO_PKG_VERSION"), "0.0.1");
    let (code, _, err) = evenkeel(&folder, &["get", RUN, "pods"]);
    assert!(code == 2 && err.contains("was made by version 0.0.1"), "{err}");
}

#[test]
fn objects_are_asked_for_as_of_kubectl() {
    let folder = with_run("get-words");
    let get = |arguments: &[&str]| evenkeel(&folder, &[&["get", RUN], arguments].concat());
    let names = shown(&folder, &["get", RUN, "po", "-o", "name"]);
    let pods: Vec<&str> = names.lines().collect();
    assert!(pods.len() == 10 && pods.iter().all(|name| name.starts_with("pod/web-")), "{names}");
    let name = pods[0].strip_prefix("pod/").unwrap();
    for arguments in [&["pod", name][..], &[pods[0]], &["Pods", name]] {
        let (code, out, err) = get(arguments);
        assert_eq!((code, out.lines().count(), err.as_str()), (0, 2, ""), "{arguments:?}: {out}");
    }
    // Two kinds: names with their kinds, and an empty line between the tables.
    let (_, out, _) = get(&["deploy/web", "node/node-1"]);
    assert!(out.contains("\ndeployment.apps/web   8/8     8            8   ") && out.contains("\n\nNAME "), "{out}");
    assert_eq!(shown(&folder, &["get", RUN, "all"]).matches("NAME ").count(), 4, "pods, service, deployment, set");
    let (_, out, _) = get(&["pods", "-l", "app=web,pod-template-hash", "--no-headers"]);
    assert_eq!(out.lines().count(), 10, "{out}");
    let (_, out, _) = get(&["nodes", "--show-labels"]);
    assert!(out.contains("LABELS") && out.contains("kubernetes.io/hostname=node-1,"), "{out}");
    let (_, out, _) = get(&["leases", "-A"]);
    assert!(out.starts_with("NAMESPACE         NAME     HOLDER   AGE\nkube-node-lease   node-1   node-1   "), "{out}");
    for (arguments, code, says) in [
        (
            &["pods", "nosuch1", "nosuch2"][..],
            1,
            "(NotFound): pods \"nosuch1\" not found\nError from server (NotFound):",
        ),
        (&["deploy/nosuch"], 1, "Error from server (NotFound): deployments.apps \"nosuch\" not found\n"),
        (&["pods", "-l", "app=db"], 0, "No resources found in default namespace.\n"),
        (&["pods", "-n", "shop"], 0, "No resources found in shop namespace.\n"),
        (&["sts", "-A"], 0, "No resources found\n"),
        (&["pdos"], 2, "the server doesn't have a resource type \"pdos\"; did you mean `pods`?"),
        (&["pods", "-A", "x"], 2, "a resource cannot be retrieved by name across all namespaces"),
        (&["pods", "x", "-l", "a=b"], 2, "name cannot be provided when a selector is specified"),
        (&["pods", "--at", "@crahs"], 2, "did you mean `@crash`?\n  events of the run: `@crash`"),
        (&["pods", "--at", "3h"], 2, "is after the end: the run ended at"),
        (&["pods", "-o", "csv"], 2, "possible values: wide, json, yaml, name"),
    ] {
        let (found, out, err) = get(arguments);
        assert_eq!((found, out.as_str()), (code, ""), "{arguments:?}: {err}");
        assert!(err.contains(says), "{arguments:?}: {err}");
    }
}

#[test]
fn documents_are_those_that_the_api_would_serve() {
    let folder = with_run("get-documents");
    let out = shown(&folder, &["get", RUN, "node", "node-2", "-o", "json", "--at", "2m"]);
    let node: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&node["kind"], &node["metadata"]["name"]), (&"Node".into(), &"node-2".into()));
    let ready = node["status"]["conditions"].as_array().unwrap().iter().find(|one| one["type"] == "Ready").unwrap();
    assert_eq!(ready["status"], "Unknown");
    let taints: Vec<&Value> = node["spec"]["taints"].as_array().unwrap().iter().map(|taint| &taint["effect"]).collect();
    assert!(taints.contains(&&"NoExecute".into()), "{out}");
    let list: Value = serde_json::from_str(&shown(&folder, &["get", RUN, "deploy,svc", "-o", "json"])).unwrap();
    assert_eq!((&list["kind"], list["items"].as_array().unwrap().len()), (&"List".into(), 2));
    let yaml = shown(&folder, &["get", RUN, "deploy/web", "-o", "yaml", "--at", "@crash"]);
    assert!(yaml.starts_with("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n"), "{yaml}");
    for line in [
        "  generation: 1\n",
        "  name: web\n",
        "      - image: app:1\n",
        "        imagePullPolicy: IfNotPresent\n",
        "    type: RollingUpdate\n",
        "  readyReplicas: 8\n",
    ] {
        assert!(yaml.contains(line), "{line:?}: {yaml}");
    }
}

#[test]
fn events_are_listed_as_by_kubectl() {
    let folder = with_run("events");
    let events = |arguments: &[&str]| evenkeel(&folder, &[&["events", RUN], arguments].concat());
    let (code, out, err) = events(&[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("LAST SEEN ") && out.lines().next().unwrap().ends_with("MESSAGE"), "{out}");
    let (_, get, _) = evenkeel(&folder, &["get", RUN, "events"]);
    assert_eq!(get.lines().count(), out.lines().count(), "{get}");
    assert!(get.contains("pod/web-") && out.contains("Pod/web-"), "{get}");
    let (_, warnings, _) = events(&["--types", "warning"]);
    assert!(warnings.lines().skip(1).all(|line| line.contains(" Warning ")), "{warnings}");
    let (code, out, err) = events(&["--for", "pod/nobody"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", "No events found in default namespace.\n"));
    let (_, json, _) = events(&["--for", "deploy/web", "-o", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let event = &json["items"][0];
    assert_eq!(
        (&event["reason"], &event["involvedObject"]["kind"]),
        (&"ScalingReplicaSet".into(), &"Deployment".into())
    );
    for (arguments, says) in [
        (&["--for", "web"][..], "--for must be in resource/name form"),
        (&["--types", "Bad"], "valid --types are Normal or Warning"),
        (&["--for", "pdo/web"], "the server doesn't have a resource type \"pdo\""),
    ] {
        let (code, _, err) = events(arguments);
        assert!(code == 2 && err.contains(says), "{arguments:?}: {err}");
    }
}

#[test]
fn the_help_of_these_commands_has_examples() {
    let folder = workspace("get-help");
    for (command, example) in [
        ("get", "evenkeel get results/node-crash/1 pods -o wide --at 7m12s"),
        ("events", "evenkeel events results/node-crash/1 --types Warning"),
        ("verify", "evenkeel verify results/node-crash"),
    ] {
        for arguments in [&[command, "--help"][..], &["help", command]] {
            let out = shown(&folder, arguments);
            assert!(out.contains(example), "{arguments:?}: {out}");
        }
        assert!(
            shown(&folder, &["completions", "bash"]).contains(&format!("evenkeel__subcmd__{command}")),
            "{command}"
        );
    }
}
