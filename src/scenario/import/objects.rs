//! The objects of a dump: which of them are written as manifests, and in which order.

use super::clean::{Hidden, clean};
use crate::manifest::kinds::{Reading, reading};
use crate::manifest::served::{CLASSES, NAMESPACES};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Marks a pod that a kubelet runs from a file of its own.
const MIRROR: &str = "kubernetes.io/config.mirror";
const SLICE_MANAGER: &str = "endpointslice.kubernetes.io/managed-by";

/// The objects of a dump that are of use.
#[derive(Debug, Default)]
pub struct Objects {
    /// Nodes.
    pub nodes: Vec<Value>,
    namespaces: Vec<Value>,
    classes: Vec<Value>,
    /// Pods.
    pub pods: Vec<Value>,
    sets: Vec<Value>,
    services: Vec<Value>,
    slices: Vec<Value>,
    /// Deployments.
    pub deployments: Vec<Value>,
}

/// `metadata.name`.
pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// `metadata.namespace`.
pub fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or("default")
}

/// `3 pods`, `1 pod`.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        return format!("1 {noun}");
    }
    let plural = if noun.ends_with('s') || noun.ends_with("ch") { "es" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// The kind and name of the controller that owns an object.
fn controller(object: &Value) -> Option<(&str, &str)> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    Some((owner["kind"].as_str()?, owner["name"].as_str()?))
}

/// Sorts the objects by kind.
pub fn sort(found: Vec<Value>, notes: &mut Vec<String>) -> Objects {
    let mut objects = Objects::default();
    let mut left_out: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for object in found {
        let (version, kind) = (object["apiVersion"].as_str().unwrap_or_default(), object["kind"].as_str());
        let kind = kind.unwrap_or_default().to_string();
        if !seen.insert((version.to_string(), kind.clone(), namespace(&object).to_string(), name(&object).to_string()))
        {
            continue;
        }
        let is_interpreted = reading(version, &kind) == Reading::Interpreted;
        match kind.as_str() {
            _ if !is_interpreted => *left_out.entry(kind).or_default() += 1,
            "Node" => objects.nodes.push(object),
            "Namespace" => objects.namespaces.push(object),
            "PriorityClass" => objects.classes.push(object),
            "Pod" => objects.pods.push(object),
            "ReplicaSet" => objects.sets.push(object),
            "Service" => objects.services.push(object),
            "EndpointSlice" => objects.slices.push(object),
            "Deployment" => objects.deployments.push(object),
            _ => *left_out.entry(kind).or_default() += 1,
        }
    }
    if left_out.remove("Secret").is_some() {
        notes.push("Secrets are left out, with what is in them".to_string());
    }
    if !left_out.is_empty() {
        let list: Vec<String> = left_out.iter().map(|(kind, count)| counted(*count, kind)).collect();
        notes
            .push(format!("left out, as they are not simulated or made by the simulation itself: {}", list.join(", ")));
    }
    objects
}

impl Objects {
    /// Keys of node labels that a pod may ask for.
    pub fn labels_in_use(&self) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        let specs = self.pods.iter().map(|pod| &pod["spec"]);
        let templates = self.sets.iter().chain(&self.deployments).map(|owner| &owner["spec"]["template"]["spec"]);
        for spec in specs.chain(templates) {
            keys.extend(spec["nodeSelector"].as_object().into_iter().flatten().map(|(key, _)| key.clone()));
            keys_within(&spec["affinity"], &mut keys);
            keys_within(&spec["topologySpreadConstraints"], &mut keys);
        }
        keys
    }

    /// Takes out what does not belong into manifests, and puts in what they need.
    pub fn settle(&mut self, notes: &mut Vec<String>) {
        self.settle_pods(notes);
        self.settle_classes(notes);
        self.settle_namespaces();
        self.slices.retain(|slice| {
            let manager = slice["metadata"]["labels"][SLICE_MANAGER].as_str().unwrap_or_default();
            !manager.ends_with("-controller.k8s.io") && controller(slice).is_none()
        });
        let mut hidden = Hidden::default();
        for list in [
            &mut self.namespaces,
            &mut self.classes,
            &mut self.pods,
            &mut self.sets,
            &mut self.services,
            &mut self.slices,
            &mut self.deployments,
        ] {
            list.sort_by_cached_key(|object| (namespace(object).to_string(), name(object).to_string()));
            list.iter_mut().for_each(|object| clean(object, &mut hidden));
        }
        if hidden.len() > 0 {
            let count = hidden.len();
            notes.push(format!("values of environment variables, hidden as they may be secret: {count}"));
        }
    }

    fn settle_pods(&mut self, notes: &mut Vec<String>) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut count = |what: &'static str| *counts.entry(what).or_default() += 1;
        let nodes: BTreeSet<&str> = self.nodes.iter().map(name).collect();
        let sets: BTreeSet<(&str, &str)> = self.sets.iter().map(|set| (namespace(set), name(set))).collect();
        self.pods.retain(|pod| {
            let has_ended = ["Succeeded", "Failed"].iter().any(|phase| pod["status"]["phase"] == *phase);
            if has_ended {
                count("that have ended and take no room, left out");
            } else if pod["metadata"]["deletionTimestamp"].is_string() {
                count("that were being deleted, left out");
            }
            !has_ended && !pod["metadata"]["deletionTimestamp"].is_string()
        });
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for pod in &mut self.pods {
            let is_mirror = pod["metadata"]["annotations"][MIRROR].is_string();
            match controller(pod) {
                _ if is_mirror => *kinds.entry("a kubelet's own files".to_string()).or_default() += 1,
                Some(("ReplicaSet", set)) if sets.contains(&(namespace(pod), set)) => {}
                Some(("ReplicaSet", _)) => count("whose ReplicaSet is not in the dump, so that nobody replaces them"),
                Some((kind, _)) => {
                    let article = if kind.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
                    *kinds.entry(format!("{article} {kind}")).or_default() += 1;
                }
                None => {}
            }
            let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
            if !node.is_empty() && !nodes.contains(node) {
                count("on a node that is not in the dump, placed anew by the scheduler");
                if let Some(spec) = pod["spec"].as_object_mut() {
                    spec.shift_remove("nodeName");
                }
            }
        }
        notes.extend(counts.into_iter().map(|(what, count)| format!("pods {what}: {count}")));
        notes.extend(kinds.into_iter().map(|(owner, count)| {
            format!("pods of {owner}, kept for the room that they take, though nobody replaces them: {count}")
        }));
    }

    /// A class that pods name must be there, or they are refused.
    fn settle_classes(&mut self, notes: &mut Vec<String>) {
        let mut values: BTreeMap<String, i64> = BTreeMap::new();
        let specs = self.pods.iter().map(|pod| &pod["spec"]);
        let templates = self.sets.iter().chain(&self.deployments).map(|owner| &owner["spec"]["template"]["spec"]);
        for spec in specs.chain(templates) {
            let Some(class) = spec["priorityClassName"].as_str().filter(|class| !class.is_empty()) else { continue };
            let value = values.entry(class.to_string()).or_default();
            *value = spec["priority"].as_i64().unwrap_or(*value);
        }
        self.classes.retain(|class| !CLASSES.contains(&name(class)));
        for class in &self.classes {
            values.remove(name(class));
        }
        for (class, value) in values.into_iter().filter(|(class, _)| !CLASSES.contains(&class.as_str())) {
            notes.push(format!(
                "PriorityClass {class} is not in the dump: it is made with the value {value} of its pods"
            ));
            self.classes.push(json!({
                "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": class}, "value": value,
            }));
        }
    }

    fn settle_namespaces(&mut self) {
        let namespaced = [&self.pods, &self.sets, &self.services, &self.slices, &self.deployments];
        let mut wanted: BTreeSet<String> =
            namespaced.into_iter().flatten().map(|object| namespace(object).to_string()).collect();
        self.namespaces.retain(|namespace| !NAMESPACES.contains(&name(namespace)));
        for there in self.namespaces.iter().map(name).chain(NAMESPACES) {
            wanted.remove(there);
        }
        self.namespaces.extend(
            wanted.into_iter().map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})),
        );
    }

    /// All that is written. Pods stand before the ReplicaSets that adopt them, and those before their Deployments, or a
    /// controller would make others.
    pub fn in_order(&self) -> Vec<&Value> {
        let lists =
            [&self.namespaces, &self.classes, &self.pods, &self.sets, &self.services, &self.slices, &self.deployments];
        lists.into_iter().flatten().collect()
    }
}

/// The values of all fields `key` and `topologyKey`.
fn keys_within(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (field, value) in map {
                match value.as_str().filter(|_| ["key", "topologyKey"].contains(&field.as_str())) {
                    Some(key) => drop(keys.insert(key.to_string())),
                    None => keys_within(value, keys),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys_within(item, keys)),
        _ => {}
    }
}
