//! One document as an object: its kind is looked up, its fields are decoded strictly, its values converted.
//!
//! The document is a JSON value: from a manifest, or the body of a request.

use super::kinds::{self, Reading};
use super::strict::{self, UnknownField};
use super::{check, node, pod, service, small, workload};
use crate::object::{FieldErrors, Object};
use k8s_openapi::api::{apps, coordination, core, discovery, events, scheduling};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What came of a document.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The object, without the API server's defaults.
    pub object: Object,
    /// What is wrong in fields that the object does not keep, or keeps without their wrong word.
    pub unheld: FieldErrors,
    /// Fields that its type does not have.
    pub unknown: Vec<UnknownField>,
}

/// Why a document is no object at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The field to blame; empty for the whole document.
    pub path: String,
    /// Why.
    pub message: String,
    /// A way out, if there is one.
    pub help: Option<String>,
}

impl Refusal {
    fn of(path: &str, message: impl Into<String>) -> Refusal {
        Refusal { path: path.to_string(), message: message.into(), help: None }
    }
}

/// A kind that can be read: its API version, its name, and how it is read.
struct Row {
    api_version: &'static str,
    kind: &'static str,
    read: fn(&Value, &str) -> Result<Decoded, strict::Fault>,
}

/// The kinds that can be read. To add one: a conversion, and a row.
const ROWS: &[Row] = &[
    Row { api_version: "v1", kind: "Pod", read: |value, ns| read::<core::v1::Pod>(value, ns, pod::pod) },
    Row { api_version: "v1", kind: "Node", read: |value, ns| read::<core::v1::Node>(value, ns, node::node) },
    Row { api_version: "apps/v1", kind: "ReplicaSet", read: |value, ns| read(value, ns, workload::replica_set) },
    Row {
        api_version: "apps/v1",
        kind: "Deployment",
        read: |value, ns| read::<apps::v1::Deployment>(value, ns, workload::deployment),
    },
    Row {
        api_version: "v1",
        kind: "Service",
        read: |value, ns| read::<core::v1::Service>(value, ns, service::service),
    },
    Row {
        api_version: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        read: |value, ns| read::<discovery::v1::EndpointSlice>(value, ns, service::endpoint_slice),
    },
    Row { api_version: "v1", kind: "Namespace", read: |value, ns| read(value, ns, small::namespace) },
    Row {
        api_version: "scheduling.k8s.io/v1",
        kind: "PriorityClass",
        read: |value, ns| read::<scheduling::v1::PriorityClass>(value, ns, small::priority_class),
    },
    Row {
        api_version: "coordination.k8s.io/v1",
        kind: "Lease",
        read: |value, ns| read::<coordination::v1::Lease>(value, ns, small::lease),
    },
    Row { api_version: "v1", kind: "Event", read: |value, ns| read::<core::v1::Event>(value, ns, small::event) },
    Row {
        api_version: "events.k8s.io/v1",
        kind: "Event",
        read: |value, ns| read::<events::v1::Event>(value, ns, small::events_event),
    },
];

fn read<T: DeserializeOwned>(
    document: &Value,
    namespace: &str,
    convert: fn(&T, &str, &Value, &mut FieldErrors) -> Object,
) -> Result<Decoded, strict::Fault> {
    let (typed, unknown) = strict::decode::<T>(document)?;
    let mut unheld = FieldErrors::default();
    let object = convert(&typed, namespace, document, &mut unheld);
    Ok(Decoded { object, unheld, unknown })
}

/// A document as an object. A namespaced object that names no namespace goes to `namespace`.
///
/// # Errors
/// The document is of no kind that we know, or a value has the wrong type.
pub fn decode(document: &Value, namespace: &str) -> Result<Decoded, Refusal> {
    let text = |field: &str| document[field].as_str().filter(|text| !text.is_empty());
    let Some(kind) = text("kind") else { return Err(Refusal::of("", "Object 'Kind' is missing")) };
    let Some(version) = text("apiVersion") else { return Err(Refusal::of("kind", "Object 'apiVersion' is missing")) };
    let Some(row) = ROWS.iter().find(|row| (row.api_version, row.kind) == (version, kind)) else {
        return Err(no_such_kind(version, kind));
    };
    (row.read)(document, namespace).map_err(|fault| {
        let short = version.rsplit('/').next().unwrap_or(version);
        let message = format!("{kind} in version \"{short}\" cannot be handled as a {kind}: {fault}");
        Refusal::of(&fault.path, message)
    })
}

/// API version and kind of all that is interpreted.
pub fn interpreted() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROWS.iter().map(|row| (row.api_version, row.kind))
}

fn no_such_kind(version: &str, kind: &str) -> Refusal {
    if let Reading::Refused(refusal) = kinds::reading(version, kind) {
        return refusal;
    }
    let mut simulated: Vec<&str> = ROWS.iter().map(|row| row.kind).collect();
    simulated.dedup();
    let message = format!("kind \"{kind}\" ({version}) is not simulated; supported kinds: {}", simulated.join(", "));
    let help = "leave it out, or simulate what its controller makes (a Deployment, ReplicaSet or Pods)".to_string();
    Refusal { path: "kind".to_string(), message, help: Some(help) }
}

impl Decoded {
    /// Everything that the API server would refuse in it, in its order: the object is checked with its defaults.
    pub fn errors(&self) -> FieldErrors {
        let mut object = self.object.clone();
        object.apply_defaults(&crate::object::Settings::default());
        self.merged(object.validate())
    }

    /// As [`Decoded::errors`], for an update of `old`.
    pub fn update_errors(&self, old: &Object) -> FieldErrors {
        let mut object = self.object.clone();
        object.apply_defaults(&crate::object::Settings::default());
        let mut held = object.validate_update(old);
        let source =
            |object: &Object| object.meta().source.as_ref().and_then(|source| serde_json::from_str(&source.json).ok());
        if let (Some(new), Some(old)) = (source(&object), source(old)) {
            check::update(object.kind(), &new, &old, &mut held);
        }
        self.merged(held)
    }

    /// Of two errors of one field, that of the document is the better informed.
    fn merged(&self, held: FieldErrors) -> FieldErrors {
        let mut errors = self.unheld.0.clone();
        let is_told = |field: &str| self.unheld.0.iter().any(|error| error.field == field);
        errors.extend(held.0.into_iter().filter(|error| !is_told(&error.field)));
        errors.sort_by_key(|error| rank(&error.field));
        FieldErrors(errors)
    }
}

/// The order in which upstream checks: the parts of an object, of a pod's spec, of a container.
const PARTS: [&str; 8] = [
    "metadata.taints",
    "metadata.",
    "spec.replicas",
    "spec.ports",
    "spec.selector",
    "spec.template",
    "spec.strategy",
    "spec.",
];
const POD_PARTS: &[&str] = &[
    "volumes",
    "resourceClaims",
    "containers",
    "initContainers",
    "ephemeralContainers",
    "resources",
    "restartPolicy",
    "dnsPolicy",
    "nodeSelector",
    "affinity.nodeAffinity",
    "affinity",
    "dnsConfig",
    "readinessGates",
    "schedulingGates",
    "topologySpreadConstraints",
    "serviceAccountName",
    "nodeName",
    "activeDeadlineSeconds",
    "hostname",
    "subdomain",
    "tolerations",
    "hostAliases",
    "priorityClassName",
    "runtimeClassName",
    "preemptionPolicy",
    "overhead",
    "os",
];
const CONTAINER_PARTS: [&str; 14] = [
    "name",
    "image",
    "terminationMessagePolicy",
    "ports",
    "env",
    "volumeMounts",
    "volumeDevices",
    "imagePullPolicy",
    "resources",
    "resizePolicy",
    "lifecycle",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
];

const META_PARTS: &[&str] =
    &["generateName", "name", "generation", "labels", "annotations", "ownerReferences", "finalizers"];

fn position(parts: &[&str], field: &str) -> usize {
    parts.iter().position(|part| field.starts_with(part)).unwrap_or(parts.len())
}

fn rank(field: &str) -> [usize; 4] {
    // Taints, whose path upstream puts under the metadata, come after it.
    let part = match position(&PARTS, field) {
        0 => 1,
        1 => 0,
        part => part,
    };
    if let Some(inner) = field.strip_prefix("metadata.").filter(|_| part == 0) {
        return [part, position(META_PARTS, inner), 0, 0];
    }
    let of_pod = field.strip_prefix("spec.").filter(|_| !field.starts_with("spec.template."));
    let Some(inner) = field.strip_prefix("spec.template.spec.").or(of_pod) else {
        return [part, 0, 0, 0];
    };
    let pod_part = position(POD_PARTS, inner) + 1;
    let Some((index, rest)) = inner.split_once('[').and_then(|(_, rest)| rest.split_once("].")) else {
        return [part, pod_part, 0, 0];
    };
    if !inner.starts_with("containers") && !inner.starts_with("initContainers") {
        return [part, pod_part, 0, 0];
    }
    [part, pod_part, index.parse().unwrap_or(0), position(&CONTAINER_PARTS, rest)]
}
