//! Replays recorded decisions of the real kube-scheduler v1.36.2 against [`evenkeel::scheduler::evaluate`].
//!
//! Each line of `fixtures/scheduler/*.jsonl` is one case: nodes, pods, one pending pod, and under `expected` what the real
//! code decided. A case counts if its input uses nothing that is not built yet ([`not_built`] decides that from the input
//! alone); scores are compared for the plugins that are built.

use evenkeel::object::labels::{Operator, Requirement};
use evenkeel::object::node_affinity::{NodeAffinity, NodeOperator, NodeRequirement, NodeTerm, PreferredTerm};
use evenkeel::object::quantity::Quantity;
use evenkeel::object::resources::ResourceList;
use evenkeel::object::taint::{Effect, Taint, Toleration, TolerationOperator};
use evenkeel::object::topology_spread::{InclusionPolicy, SpreadConstraint};
use evenkeel::object::{Deletion, Kind, OwnerRef, ReplicaSet, Service, Timestamp};
use evenkeel::object::{Key, Labels, Meta, Name, Node, Pod, Selector, Uid, pod::Container, pod::PodSpec};
use evenkeel::scheduler::plugins::PodTopologySpread;
use evenkeel::scheduler::profile::REGISTRY;
use evenkeel::scheduler::window::Code;
use evenkeel::scheduler::{Cache, Evaluation, NodeTable, PodInfo, Profile, default_selector, evaluate};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const SCORED: [&str; 5] =
    ["TaintToleration", "NodeAffinity", "NodeResourcesFit", "PodTopologySpread", "NodeResourcesBalancedAllocation"];

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

fn selector(value: &Value) -> Selector {
    let requirement = |value: &Value| Requirement {
        key: name(&value["key"]),
        operator: match value["operator"].as_str() {
            Some("In") => Operator::In,
            Some("NotIn") => Operator::NotIn,
            Some("Exists") => Operator::Exists,
            Some("DoesNotExist") => Operator::DoesNotExist,
            other => panic!("no operator: {other:?}"),
        },
        values: items(&value["values"]).iter().map(name).collect(),
    };
    let expressions = items(&value["matchExpressions"]).iter().map(requirement).collect();
    Selector { labels: labels(&value["matchLabels"]), expressions }
}

fn spread_constraint(value: &Value) -> SpreadConstraint {
    let policy = |value: &Value| match value.as_str()? {
        "Honor" => Some(InclusionPolicy::Honor),
        "Ignore" => Some(InclusionPolicy::Ignore),
        other => panic!("no policy: {other}"),
    };
    SpreadConstraint {
        max_skew: value["maxSkew"].as_i64().unwrap() as i32,
        topology_key: name(&value["topologyKey"]),
        is_hard: value["whenUnsatisfiable"] == "DoNotSchedule",
        selector: value["labelSelector"].is_object().then(|| selector(&value["labelSelector"])),
        min_domains: value["minDomains"].as_i64().map(|domains| domains as i32),
        node_affinity_policy: policy(&value["nodeAffinityPolicy"]),
        node_taints_policy: policy(&value["nodeTaintsPolicy"]),
        match_label_keys: items(&value["matchLabelKeys"]).iter().map(name).collect(),
    }
}

/// With its controller, if that is a ReplicaSet.
fn meta(value: &Value, uid: u128) -> Meta {
    let mut meta = Meta::new(Key::new(value["namespace"].as_str().unwrap_or("default"), name(&value["name"])));
    meta.uid = Uid(uid);
    meta.labels = labels(&value["labels"]);
    meta.deletion = value["deletionTimestamp"].as_str().map(|text| {
        let grace_seconds = value["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
        Deletion { at: Timestamp::parse(text).unwrap(), grace_seconds }
    });
    let owners = items(&value["ownerReferences"]).iter().filter(|owner| owner["kind"] == "ReplicaSet");
    meta.owners = owners
        .map(|owner| OwnerRef {
            kind: Kind::ReplicaSet,
            name: name(&owner["name"]),
            uid: Uid(0),
            controller: owner["controller"] == true,
            block_owner_deletion: false,
        })
        .collect();
    meta
}

/// What the pending pod's Services and ReplicaSet select.
fn default_selector_of(case: &Value, pod: &Pod) -> Selector {
    let services = items(&case["services"]).iter().map(|value| {
        let selector = labels(&value["spec"]["selector"]);
        Arc::new(Service { meta: meta(&value["metadata"], 0), selector, ..Service::default() })
    });
    let services: Vec<_> = services.filter(|service| service.meta.namespace() == pod.meta.namespace()).collect();
    let sets: Vec<_> = items(&case["replicaSets"])
        .iter()
        .map(|value| {
            let mut set = ReplicaSet { meta: meta(&value["metadata"], 0), ..ReplicaSet::default() };
            set.spec.selector = selector(&value["spec"]["selector"]);
            set
        })
        .collect();
    let key = pod.meta.controller().map(|owner| Key::new(pod.meta.namespace().clone(), owner.name.clone()));
    default_selector(pod, services.iter(), sets.iter().find(|set| Some(&set.meta.key) == key.as_ref()))
}

/// The profile of that name, if it can be made here.
fn profile(name: &str) -> Option<Profile> {
    let zone = r#"{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}"#;
    let host = r#"{"maxSkew": 2, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}"#;
    let read = |text: &str| spread_constraint(&serde_json::from_str(text).unwrap());
    let defaults = match name {
        "default" => return Some(Profile::default()),
        "spread-list" => vec![read(zone), read(host)],
        "spread-none" => Vec::new(),
        _ => return None,
    };
    Some(Profile::new(REGISTRY.iter().map(|row| {
        let plugin = (row.make)();
        let is_other = plugin.name() != "PodTopologySpread";
        (if is_other { plugin } else { Arc::new(PodTopologySpread::with_defaults(defaults.clone())) }, row.weight)
    })))
}

fn pod(value: &Value, uid: u128) -> Arc<Pod> {
    let spec = &value["spec"];
    let pod_spec = PodSpec {
        containers: items(&spec["containers"]).iter().map(container).collect(),
        init_containers: items(&spec["initContainers"]).iter().map(container).collect(),
        node_selector: labels(&spec["nodeSelector"]),
        node_affinity: node_affinity(&spec["affinity"]["nodeAffinity"]),
        tolerations: items(&spec["tolerations"]).iter().map(toleration).collect(),
        topology_spread: items(&spec["topologySpreadConstraints"]).iter().map(spread_constraint).collect(),
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
    let is_owned_by = |kind: &str| {
        let owners = items(&pending["metadata"]["ownerReferences"]);
        owners.iter().any(|owner| owner["controller"] == true && owner["kind"] == kind)
    };
    if profile(case["profile"].as_str().unwrap()).is_none() {
        Some("another profile")
    } else if pending.is_null() {
        Some("a sequence")
    } else if spec_has("resources") {
        Some("pod-level resources")
    } else if all().any(was_resized) {
        Some("in-place resize")
    } else if all().any(to_pods) {
        Some("affinity to pods")
    } else if is_owned_by("StatefulSet") || is_owned_by("ReplicationController") {
        Some("a controller that does not exist here")
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
fn disagreement(case: &Value) -> Option<String> {
    let mut cache = Cache::default();
    items(&case["nodes"]).iter().for_each(|value| cache.add_node(Arc::new(node(value))));
    let existing: Vec<_> = items(&case["pods"]).iter().zip(1..).map(|(value, uid)| pod(value, uid)).collect();
    existing.iter().for_each(|pod| cache.add_pod(pod));
    let mut pending = PodInfo::new(pod(&case["pod"], 0));
    pending.default_selector = Arc::new(default_selector_of(case, &pending.pod));
    let profile = &profile(case["profile"].as_str().unwrap()).unwrap();
    let with_message = existing.iter().all(|pod| pod.priority() >= pending.pod.priority());
    // Counted for the occasion, and as the scheduler keeps it: the same.
    let nodes = cache.table();
    let counted = decide(nodes, &evaluate(nodes, &pending, profile), with_message);
    let nodes = cache.table_for(&pending, profile);
    let decided = decide(nodes, &evaluate(nodes, &pending, profile), with_message);
    assert_eq!(decided, counted, "{}", case["id"]);
    let recorded = recorded(&case["expected"], with_message);
    (decided != recorded).then(|| format!("{}\n  recorded {recorded}\n  decided  {decided}", case["id"]))
}

#[test]
fn every_applicable_recorded_decision_is_ours_too() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scheduler");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
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
            match disagreement(&case) {
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
