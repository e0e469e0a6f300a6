//! Replays recorded decisions of the real kube-scheduler v1.36.2 against [`evenkeel::scheduler::evaluate`].
//!
//! Each line of `fixtures/scheduler/*.jsonl` is one case: nodes, pods, one pending pod, and under `expected` what the real
//! code decided. A case counts if its input uses nothing that is not built yet ([`not_built`] decides that from the input
//! alone); scores are compared for the plugins that are built.

use evenkeel::object::node_affinity::{NodeAffinity, NodeOperator, NodeRequirement, NodeTerm, PreferredTerm};
use evenkeel::object::quantity::Quantity;
use evenkeel::object::resources::ResourceList;
use evenkeel::object::taint::{Effect, Taint, Toleration, TolerationOperator};
use evenkeel::object::{Key, Labels, Meta, Name, Node, Pod, Uid, pod::Container, pod::PodSpec};
use evenkeel::scheduler::window::Code;
use evenkeel::scheduler::{Cache, Evaluation, NodeTable, PodInfo, Profile, evaluate};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const SCORED: [&str; 4] = ["TaintToleration", "NodeAffinity", "NodeResourcesFit", "NodeResourcesBalancedAllocation"];

fn name(value: &Value) -> Name {
    value.as_str().unwrap_or_default().into()
}

/// The elements of a list; none if it is absent.
fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn resources(value: &Value) -> ResourceList {
    let mut list = ResourceList::default();
    for (resource, amount) in value.as_object().into_iter().flatten() {
        let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_string);
        list.set(resource.as_str(), Quantity::parse(&text).unwrap());
    }
    list
}

fn effect(value: &Value) -> Option<Effect> {
    match value.as_str()? {
        "NoSchedule" => Some(Effect::NoSchedule),
        "PreferNoSchedule" => Some(Effect::PreferNoSchedule),
        "NoExecute" => Some(Effect::NoExecute),
        other => panic!("no effect: {other}"),
    }
}

fn taint(value: &Value) -> Taint {
    let effect = effect(&value["effect"]).expect("a taint has an effect");
    Taint { key: name(&value["key"]), value: name(&value["value"]), effect, time_added: None }
}

fn toleration(value: &Value) -> Toleration {
    let operator = match value["operator"].as_str() {
        None | Some("Equal") => TolerationOperator::Equal,
        Some("Exists") => TolerationOperator::Exists,
        Some(_) => TolerationOperator::Comparison,
    };
    Toleration {
        key: name(&value["key"]),
        operator,
        value: name(&value["value"]),
        effect: effect(&value["effect"]),
        seconds: None,
    }
}

fn labels(value: &Value) -> Labels {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), name(value))).collect()
}

fn node_term(value: &Value) -> NodeTerm {
    let requirements = |value: &Value| {
        let requirement = |value: &Value| NodeRequirement {
            key: name(&value["key"]),
            operator: NodeOperator::of(value["operator"].as_str().unwrap()),
            values: items(&value["values"]).iter().map(name).collect(),
        };
        items(value).iter().map(requirement).collect()
    };
    NodeTerm { expressions: requirements(&value["matchExpressions"]), fields: requirements(&value["matchFields"]) }
}

fn node_affinity(value: &Value) -> Option<Arc<NodeAffinity>> {
    let terms = &value["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
    let required = terms.as_array().map(|terms| terms.iter().map(node_term).collect());
    let preferred = items(&value["preferredDuringSchedulingIgnoredDuringExecution"]).iter().map(|value| {
        let weight = value["weight"].as_i64().unwrap() as i32;
        PreferredTerm { weight, term: node_term(&value["preference"]) }
    });
    let affinity = NodeAffinity { required, preferred: preferred.collect() };
    (affinity != NodeAffinity::default()).then(|| Arc::new(affinity))
}

/// A container, with the requests that API defaulting copies from its limits.
fn container(value: &Value) -> Container {
    let limits = resources(&value["resources"]["limits"]);
    let mut requests = resources(&value["resources"]["requests"]);
    for (resource, amount) in &limits.0 {
        if requests.get(resource).is_none() {
            requests.set(resource.clone(), *amount);
        }
    }
    let is_sidecar = value["restartPolicy"] == "Always";
    Container { name: name(&value["name"]), requests, limits, is_sidecar, ..Container::default() }
}

fn meta(value: &Value, uid: u128) -> Meta {
    let mut meta = Meta::new(Key::new(value["namespace"].as_str().unwrap_or("default"), name(&value["name"])));
    meta.uid = Uid(uid);
    meta
}

fn pod(value: &Value, uid: u128) -> Arc<Pod> {
    let spec = &value["spec"];
    let pod_spec = PodSpec {
        containers: items(&spec["containers"]).iter().map(container).collect(),
        init_containers: items(&spec["initContainers"]).iter().map(container).collect(),
        node_selector: labels(&spec["nodeSelector"]),
        node_affinity: node_affinity(&spec["affinity"]["nodeAffinity"]),
        tolerations: items(&spec["tolerations"]).iter().map(toleration).collect(),
        priority: spec["priority"].as_i64().map(|priority| priority as i32),
        never_preempts: spec["preemptionPolicy"] == "Never",
        overhead: resources(&spec["overhead"]),
        scheduling_gates: items(&spec["schedulingGates"]).iter().map(|gate| name(&gate["name"])).collect(),
        ..PodSpec::default()
    };
    Arc::new(Pod {
        meta: meta(&value["metadata"], uid),
        spec: Arc::new(pod_spec),
        node_name: name(&spec["nodeName"]),
        ..Pod::default()
    })
}

fn node(value: &Value) -> Node {
    let mut meta = Meta::new(Key::cluster(name(&value["metadata"]["name"])));
    meta.labels = labels(&value["metadata"]["labels"]);
    Node {
        meta,
        unschedulable: value["spec"]["unschedulable"] == true,
        taints: items(&value["spec"]["taints"]).iter().map(taint).collect(),
        allocatable: resources(&value["status"]["allocatable"]),
        ..Node::default()
    }
}

/// What of the input is not built yet, if anything.
fn not_built(case: &Value) -> Option<&'static str> {
    let pending = &case["pod"];
    let all = || items(&case["pods"]).iter().chain([pending]);
    let spec_has = |field: &str| all().any(|pod| !pod["spec"][field].is_null());
    let containers = ["containers", "initContainers"].map(|list| items(&pending["spec"][list]));
    let has_port = |container: &Value| items(&container["ports"]).iter().any(|port| !port["hostPort"].is_null());
    let was_resized =
        |pod: &Value| items(&pod["status"]["containerStatuses"]).iter().any(|status| !status["resources"].is_null());
    let to_pods =
        |pod: &Value| ["podAffinity", "podAntiAffinity"].iter().any(|field| !pod["spec"]["affinity"][*field].is_null());
    if case["profile"] != "default" {
        Some("another profile")
    } else if pending.is_null() {
        Some("a sequence")
    } else if spec_has("resources") {
        Some("pod-level resources")
    } else if all().any(was_resized) {
        Some("in-place resize")
    } else if all().any(to_pods) {
        Some("affinity to pods")
    } else if spec_has("topologySpreadConstraints") {
        Some("topology spread")
    } else if containers.into_iter().flatten().any(has_port) {
        Some("host ports")
    } else if all().any(|pod| !pod["status"]["nominatedNodeName"].is_null()) {
        Some("nominated pods")
    } else if items(&pending["spec"]["volumes"]).iter().any(|volume| volume["image"].is_null()) {
        Some("volumes")
    } else {
        None
    }
}

/// What we decide, in the form of the recording. `with_message`: preemption is not built, so the message is compared only
/// where no pod could be preempted.
fn decide(nodes: &NodeTable, evaluation: &Evaluation, with_message: bool) -> Value {
    let code = |code| match code {
        Code::Unschedulable => "Unschedulable",
        Code::Unresolvable => "UnschedulableAndUnresolvable",
    };
    let texts = |reasons: &[Name]| reasons.iter().map(Name::to_string).collect::<Vec<_>>();
    let mut feasible: Vec<String> = evaluation.feasible.iter().map(|&row| nodes.names[row].to_string()).collect();
    feasible.sort();
    let rejected: BTreeMap<String, Value> = evaluation
        .rejected
        .iter()
        .map(|rejected| {
            let said = json!({
                "plugin": rejected.plugin, "code": code(rejected.code), "reasons": texts(&rejected.reasons),
            });
            (nodes.names[rejected.row].to_string(), said)
        })
        .collect();
    let mut decided = json!({ "feasible": feasible, "rejected": rejected });
    if let Some((plugin, refusal)) = &evaluation.held {
        let reasons = texts(&refusal.reasons);
        decided["preEnqueue"] = json!({ "plugin": plugin, "code": code(refusal.code), "reasons": reasons });
    }
    for scores in evaluation.scores.iter().filter(|scores| SCORED.contains(&scores.plugin)) {
        for (index, &row) in evaluation.feasible.iter().enumerate() {
            let node = nodes.names[row].as_str();
            decided["raw"][node][scores.plugin] = scores.raw[index].into();
            decided["scores"][node][scores.plugin] = scores.weighted[index].into();
        }
    }
    if let Some(message) = evaluation.message.as_ref().filter(|_| with_message) {
        decided["message"] = message.as_str().into();
    }
    decided
}

/// The part of a recording that we decide too.
fn recorded(expected: &Value, with_message: bool) -> Value {
    let mut kept = json!({ "feasible": expected["feasible"], "rejected": expected["rejected"] });
    if !expected["preEnqueue"].is_null() {
        kept["preEnqueue"] = expected["preEnqueue"].clone();
    }
    for table in ["raw", "scores"] {
        for (node, scores) in expected[table].as_object().into_iter().flatten() {
            for plugin in SCORED.into_iter().filter(|plugin| !scores[*plugin].is_null()) {
                kept[table][node.as_str()][plugin] = scores[plugin].clone();
            }
        }
    }
    if with_message && !expected["message"].is_null() {
        kept["message"] = expected["message"].clone();
    }
    kept
}

/// What is recorded and what we decide, where they differ.
fn disagreement(case: &Value, profile: &Profile) -> Option<String> {
    let mut cache = Cache::default();
    items(&case["nodes"]).iter().for_each(|value| cache.add_node(Arc::new(node(value))));
    let existing: Vec<_> = items(&case["pods"]).iter().zip(1..).map(|(value, uid)| pod(value, uid)).collect();
    existing.iter().for_each(|pod| cache.add_pod(pod));
    let pending = PodInfo::new(pod(&case["pod"], 0));
    let with_message = existing.iter().all(|pod| pod.priority() >= pending.pod.priority());
    let nodes = cache.table_for(&pending);
    let decided = decide(nodes, &evaluate(nodes, &pending, profile), with_message);
    let recorded = recorded(&case["expected"], with_message);
    (decided != recorded).then(|| format!("{}\n  recorded {recorded}\n  decided  {decided}", case["id"]))
}

#[test]
fn every_applicable_recorded_decision_is_ours_too() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scheduler");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let profile = Profile::default();
    let mut disagreements = Vec::new();
    let mut all_total = 0;
    for path in files {
        let (mut agreed, mut total, mut left_out) = (0, 0, BTreeMap::<&str, u32>::new());
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            if let Some(why) = not_built(&case) {
                *left_out.entry(why).or_default() += 1;
                continue;
            }
            total += 1;
            match disagreement(&case, &profile) {
                None => agreed += 1,
                Some(difference) => disagreements.push(difference),
            }
        }
        println!("{}: {agreed}/{total} agree, left out {left_out:?}", path.file_stem().unwrap().display());
        all_total += total;
    }
    println!("all: {}/{all_total} agree", all_total - disagreements.len());
    assert!(all_total > 0, "no recorded case was found");
    assert!(disagreements.is_empty(), "{}", disagreements[..disagreements.len().min(5)].join("\n"));
}
