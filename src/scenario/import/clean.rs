//! Takes out of an object what only a server or a controller writes, so that what a person would have written is left.

use crate::manifest::served;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Annotations that controllers and kubelets write; a Deployment's revision stays, for its history.
const ANNOTATIONS: [&str; 8] = [
    "kubernetes.io/config.hash",
    "kubernetes.io/config.mirror",
    "kubernetes.io/config.seen",
    "kubernetes.io/config.source",
    "endpoints.kubernetes.io/last-change-trigger-time",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "cni.projectcalico.org/containerID",
];
/// Fields of a Service that are allocated, or say what is so anyway.
const SERVICE: [&str; 6] =
    ["clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort", "internalTrafficPolicy", "sessionAffinity"];
/// Fields of a pod's spec that the server fills in, and with what.
const POD: [(&str, &str); 4] = [
    ("dnsPolicy", "ClusterFirst"),
    ("schedulerName", "default-scheduler"),
    ("serviceAccount", ""),
    ("preemptionPolicy", "PreemptLowerPriority"),
];
/// The same of a container.
const CONTAINER: [(&str, &str); 2] =
    [("terminationMessagePath", "/dev/termination-log"), ("terminationMessagePolicy", "File")];

/// Values of environment variables, which are often secret: they are numbered in the order in which they are met, so
/// that templates that differ still do.
#[derive(Debug, Default)]
pub struct Hidden(BTreeMap<String, usize>);

impl Hidden {
    fn hide(&mut self, value: &mut Value) {
        let Value::String(text) = value else { return };
        let next = self.0.len() + 1;
        let number = *self.0.entry(std::mem::take(text)).or_insert(next);
        *text = format!("hidden-{number}");
    }

    /// How many different ones there were.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// Cleans an object of a kind that is interpreted; owners go too, as their controllers find what is theirs.
pub fn clean(value: &mut Value, hidden: &mut Hidden) {
    served::take_out(value);
    if let Some(metadata) = object(value, "/metadata") {
        metadata.shift_remove("ownerReferences");
        // What waits for a finalizer would wait for ever for a controller that is not there.
        metadata.shift_remove("finalizers");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|key, _| !ANNOTATIONS.contains(&key.as_str()));
        }
        drop_if_empty(metadata, "annotations");
    }
    match value["kind"].as_str().unwrap_or_default() {
        "Pod" => pod_spec(value, "/spec", hidden),
        "ReplicaSet" | "Deployment" => {
            if let Some(metadata) = object(value, "/spec/template/metadata") {
                metadata.retain(|_, value| !value.is_null());
            }
            pod_spec(value, "/spec/template/spec", hidden);
        }
        "Service" => service(value),
        _ => {}
    }
}

fn service(value: &mut Value) {
    let is_headless = value["spec"]["clusterIP"] == "None";
    let Some(spec) = object(value, "/spec") else { return };
    spec.retain(|field, _| !SERVICE.contains(&field.as_str()) && (field != "clusterIP" || is_headless));
}

fn pod_spec(value: &mut Value, path: &str, hidden: &mut Hidden) {
    let Some(spec) = object(value, path) else { return };
    for (field, default) in POD {
        if spec.get(field).is_some_and(|value| default.is_empty() || *value == default) {
            spec.shift_remove(field);
        }
    }
    if spec.get("enableServiceLinks") == Some(&Value::Bool(true)) {
        spec.shift_remove("enableServiceLinks");
    }
    // Computed from the class, which is kept.
    spec.shift_remove("priority");
    // These are added to a pod that runs, not created with it.
    spec.shift_remove("ephemeralContainers");
    drop_if_empty(spec, "securityContext");
    if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
        volumes.retain(|volume| !served::is_token_volume(volume));
    }
    drop_if_empty(spec, "volumes");
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(container) = container.as_object_mut() else { continue };
            for (field, default) in CONTAINER {
                if container.get(field).is_some_and(|value| *value == default) {
                    container.shift_remove(field);
                }
            }
            if let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) {
                mounts.retain(|mount| !served::is_token_mount(mount));
            }
            for variable in container.get_mut("env").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(value) = variable.get_mut("value") {
                    hidden.hide(value);
                }
            }
            drop_if_empty(container, "volumeMounts");
            drop_if_empty(container, "resources");
        }
    }
}

fn object<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Map<String, Value>> {
    value.pointer_mut(path).and_then(Value::as_object_mut)
}

fn drop_if_empty(map: &mut Map<String, Value>, field: &str) {
    let is_empty = map.get(field).is_some_and(|value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    });
    if is_empty {
        map.shift_remove(field);
    }
}
