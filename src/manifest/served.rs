//! What a server filled in, as `kubectl get -o yaml` shows it, and what it means for a cluster that is made anew.
//!
//! Of a new object the API server throws away what only it may say (`rest.BeforeCreate`, the `PrepareForCreate` of each
//! kind): that is taken out here before anything else looks at it, so that a dump reads like the manifests that it came
//! from. Defaults that a server fills in and nobody simulates say nothing about what the user wanted; they are kept,
//! but need no note. Source: apiserver `pkg/registry/rest/{create,meta}.go`, `pkg/apis/{core,apps}/v1/defaults.go`, v1.36.

use serde_json::Value;

/// Metadata that only the server writes.
const METADATA: [&str; 8] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "selfLink",
    "managedFields",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];
/// Annotations that repeat what stands elsewhere.
const ANNOTATIONS: [&str; 1] = ["kubectl.kubernetes.io/last-applied-configuration"];
/// What of a node's status is more than a report: it is what the machine has.
const NODE_STATUS: [&str; 2] = ["capacity", "allocatable"];

/// Namespaces that every cluster has. Source: `pkg/controlplane/controller/systemnamespaces`, v1.36.
pub const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];
/// Priority classes that every cluster has. Source: `pkg/registry/scheduling/rest`, v1.36.
pub const CLASSES: [&str; 2] = ["system-cluster-critical", "system-node-critical"];

/// Volume of a service account's token; the server gives it a generated name.
pub const TOKEN_VOLUME: &str = "kube-api-access-";
/// Where a service account's token lies in a container.
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Whether a document comes from a server.
pub fn is_served(document: &Value) -> bool {
    let metadata = &document["metadata"];
    ["uid", "resourceVersion"].iter().any(|field| metadata[field].is_string())
}

/// Whether a document of a server is of something that every cluster has or makes anew: namespaces and priority classes of
/// its own, signs of life, and what was told of the past.
pub fn is_made_anew(document: &Value) -> bool {
    let name = document["metadata"]["name"].as_str().unwrap_or_default();
    match document["kind"].as_str().unwrap_or_default() {
        "Namespace" => NAMESPACES.contains(&name),
        "PriorityClass" => CLASSES.contains(&name),
        "Lease" => document["metadata"]["namespace"] == "kube-node-lease",
        "Event" => true,
        _ => false,
    }
}

/// Takes out what only a server writes; the places of what stays are the same.
pub fn take_out(document: &mut Value) {
    let kind = document["kind"].as_str().unwrap_or_default().to_string();
    let Some(fields) = document.as_object_mut() else { return };
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !METADATA.contains(&field.as_str()));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|key, _| !ANNOTATIONS.contains(&key.as_str()));
            if annotations.is_empty() {
                metadata.shift_remove("annotations");
            }
        }
    }
    if kind == "Node" {
        if let Some(status) = fields.get_mut("status").and_then(Value::as_object_mut) {
            status.retain(|field, _| NODE_STATUS.contains(&field.as_str()));
        }
    } else {
        fields.shift_remove("status");
    }
    if kind == "Namespace" {
        fields.shift_remove("spec");
    }
}

/// Fields that a server fills in, and with what, in the rows of `interpreted`; `*` stands for anything.
const DEFAULTS: &[(&str, &[&str], &str)] = &[
    ("POD", &["imagePullPolicy"], "IfNotPresent"),
    ("POD", &["imagePullPolicy"], "Always"),
    ("POD", &["terminationMessagePath"], "/dev/termination-log"),
    ("POD", &["terminationMessagePolicy"], "File"),
    ("POD", &["dnsPolicy"], "ClusterFirst"),
    ("POD", &["enableServiceLinks"], "true"),
    ("POD", &["serviceAccount", "serviceAccountName"], "*"),
    ("POD", &["preemptionPolicy"], "PreemptLowerPriority"),
    ("Node", &["podCIDR", "podCIDRs", "providerID"], "*"),
    ("Service", &["clusterIPs", "ipFamilies"], "*"),
    ("Service", &["ipFamilyPolicy"], "SingleStack"),
    ("Service", &["internalTrafficPolicy", "externalTrafficPolicy"], "Cluster"),
    ("Service", &["sessionAffinity"], "None"),
    ("Service", &["allocateLoadBalancerNodePorts"], "true"),
    ("PriorityClass", &["description"], "*"),
];

/// Whether a field of a `kind` that nobody simulates holds only what a server fills in.
pub fn is_default(kind: &str, row: &str, value: &Value) -> bool {
    let field = row.rsplit(['.', ']']).next().unwrap_or_default();
    let has_pods = ["Pod", "ReplicaSet", "Deployment"].contains(&kind);
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
    let is_listed = DEFAULTS.iter().any(|(of, fields, default)| {
        (*of == kind || (*of == "POD" && has_pods)) && fields.contains(&field) && (*default == "*" || text == *default)
    });
    is_listed || (has_pods && is_token(field, value))
}

/// The volume with a service account's token, or its mount, alone.
fn is_token(field: &str, value: &Value) -> bool {
    let is_all = |test: fn(&Value) -> bool| value.as_array().is_some_and(|items| items.iter().all(test));
    match field {
        "volumes" => is_all(is_token_volume),
        "volumeMounts" => is_all(is_token_mount),
        _ => false,
    }
}

/// Whether a volume is the one with the service account's token that a server adds.
pub fn is_token_volume(volume: &Value) -> bool {
    volume["name"].as_str().is_some_and(|name| name.starts_with(TOKEN_VOLUME)) && volume["projected"].is_object()
}

/// Whether a mount is that of the service account's token.
pub fn is_token_mount(mount: &Value) -> bool {
    mount["mountPath"] == TOKEN_PATH
}
