//! Objects as the API server serves them: the document of [`crate::manifest::export`], and what of it our objects keep in
//! another form or not at all because it is the same everywhere.
//!
//! What a document says itself is left as it is.

use crate::manifest::export::export;
use crate::object::pod::ContainerStatus;
use crate::object::{Event, Kind, MicroTime, Object, Timestamp, Uid};
use crate::scenario::schema::PROFILE_VERSION;
use serde_json::{Map, Value, json};

/// Who uses the newer recorder, whose Events have a time and become series (`tools/events`).
const NEW_RECORDER: &str = "default-scheduler";

/// The document that the API server would serve.
pub fn served(object: &Object) -> Value {
    let mut document = export(object);
    let source = object.meta().source.as_ref();
    let has_own_status = source.is_some_and(|source| {
        serde_json::from_str::<Value>(&source.json).is_ok_and(|document| !document["status"].is_null())
    });
    match object {
        Object::Pod(pod) if !has_own_status => {
            let is_initialised = pod.spec.init_containers.is_empty();
            let statuses = document["status"]["containerStatuses"].as_array_mut();
            for (status, now) in statuses.into_iter().flatten().zip(&pod.status.containers) {
                container(status, now, is_initialised);
            }
        }
        Object::Node(_) if document["status"]["nodeInfo"].is_null() => {
            let label = |name: &str| document["metadata"]["labels"][name].clone();
            let (architecture, system) = (label("kubernetes.io/arch"), label("kubernetes.io/os"));
            let mut info = json!({ "kubeletVersion": PROFILE_VERSION });
            for (field, value) in [("architecture", architecture), ("operatingSystem", system)] {
                if !value.is_null() {
                    info[field] = value;
                }
            }
            document["status"]["nodeInfo"] = info;
        }
        Object::Namespace(namespace) if document["status"]["phase"].is_null() => {
            let phase = if namespace.meta.is_terminating() { "Terminating" } else { "Active" };
            document["status"]["phase"] = json!(phase);
        }
        Object::Event(now) if source.is_none() => event(&mut document, now),
        _ => {}
    }
    match object {
        Object::Pod(_) => pod_spec(&mut document["spec"]),
        Object::ReplicaSet(_) => pod_spec(&mut document["spec"]["template"]["spec"]),
        Object::Deployment(_) => {
            let quarter = json!({ "maxSurge": "25%", "maxUnavailable": "25%" });
            default(&mut document["spec"], "strategy", json!({ "type": "RollingUpdate", "rollingUpdate": quarter }));
            pod_spec(&mut document["spec"]["template"]["spec"]);
        }
        _ => {}
    }
    if let Some(metadata) = document["metadata"].as_object_mut() {
        // kubectl leaves it out unless it is asked for it.
        metadata.shift_remove("managedFields");
    }
    document
}

fn default(fields: &mut Value, field: &str, value: Value) {
    if let Some(fields) = fields.as_object_mut()
        && fields.get(field).is_none_or(Value::is_null)
    {
        fields.insert(field.to_string(), value);
    }
}

/// Defaults of fields that nobody simulates (`SetDefaults_PodSpec`, `SetDefaults_Container` in
/// `pkg/apis/core/v1/defaults.go`).
fn pod_spec(spec: &mut Value) {
    for (field, value) in
        [("dnsPolicy", json!("ClusterFirst")), ("restartPolicy", json!("Always")), ("securityContext", json!({}))]
    {
        default(spec, field, value);
    }
    for list in ["containers", "initContainers"] {
        let Some(containers) = spec.get_mut(list).and_then(Value::as_array_mut) else { continue };
        for container in containers {
            // Without a tag the newest is meant, and that may have changed.
            let image = container["image"].as_str().unwrap_or_default();
            let name = image.rsplit('/').next().unwrap_or_default();
            let is_newest = name.ends_with(":latest") || !name.contains([':', '@']);
            let pull = if is_newest { "Always" } else { "IfNotPresent" };
            for (field, value) in [
                ("imagePullPolicy", json!(pull)),
                ("resources", json!({})),
                ("terminationMessagePath", json!("/dev/termination-log")),
                ("terminationMessagePolicy", json!("File")),
            ] {
                default(container, field, value);
            }
        }
    }
}

/// Why a container does not run. A kubelet that knows no reason says that it is being created (`defaultWaitingState` in
/// `pkg/kubelet/kubelet_pods.go`); why one ended is what containerd says of its exit code.
fn container(status: &mut Value, now: &ContainerStatus, is_initialised: bool) {
    let of_exit = |code: i32| if code == 0 { "Completed" } else { "Error" };
    let waits = if is_initialised { "ContainerCreating" } else { "PodInitializing" };
    let waits = Some(now.waiting.as_str()).filter(|reason| !reason.is_empty()).unwrap_or(waits);
    for (state, field, reason) in [
        ("state", "waiting", waits),
        ("state", "terminated", now.exit_code.map_or("", of_exit)),
        ("lastState", "terminated", now.exit_code.map_or("", of_exit)),
    ] {
        if let Some(fields) = status[state].get_mut(field).and_then(Value::as_object_mut)
            && !fields.contains_key("reason")
        {
            fields.insert("reason".to_string(), json!(reason));
        }
    }
}

/// An Event that a program of the cluster emitted.
fn event(document: &mut Value, now: &Event) {
    let regarding = document["involvedObject"].as_object_mut();
    if let Some(regarding) = regarding {
        let kind = regarding.get("kind").and_then(Value::as_str).unwrap_or_default();
        let is_namespaced = Kind::ALL.iter().find(|known| known.name() == kind).is_none_or(|kind| kind.is_namespaced());
        if is_namespaced {
            regarding.insert("namespace".to_string(), json!(now.meta.namespace().as_str()));
        }
        if now.regarding_uid != Uid(0) {
            regarding.insert("uid".to_string(), json!(now.regarding_uid.to_string()));
        }
        if now.regarding_version.0 != 0 {
            regarding.insert("resourceVersion".to_string(), json!(now.regarding_version.0.to_string()));
        }
    }
    let whole = |time: MicroTime| json!(Timestamp(time.0.div_euclid(1_000_000)).to_string());
    let Some(fields) = document.as_object_mut() else { return };
    let reporter = json!(now.reporter.as_str());
    fields.insert("type".to_string(), json!(if now.is_warning { "Warning" } else { "Normal" }));
    fields.insert("reportingComponent".to_string(), reporter.clone());
    fields.insert("reportingInstance".to_string(), json!(""));
    if now.reporter.as_str() != NEW_RECORDER {
        fields.insert("source".to_string(), json!({ "component": reporter }));
        fields.insert("firstTimestamp".to_string(), first(now).map_or_else(|| whole(now.time), whole));
        fields.insert("lastTimestamp".to_string(), whole(now.time));
        fields.insert("eventTime".to_string(), Value::Null);
        return;
    }
    fields.insert("source".to_string(), Value::Object(Map::new()));
    for field in ["count", "firstTimestamp", "lastTimestamp"] {
        fields.shift_remove(field);
    }
    if now.count > 1 {
        let last = fields.get("eventTime").cloned().unwrap_or_default();
        fields.insert("series".to_string(), json!({ "count": now.count, "lastObservedTime": last }));
        if let Some(MicroTime(first)) = first(now) {
            let second = whole(MicroTime(first)).as_str().unwrap_or_default().trim_end_matches('Z').to_string();
            let first = json!(format!("{second}.{:06}Z", first.rem_euclid(1_000_000)));
            fields.insert("eventTime".to_string(), first);
        }
    }
}

/// When it was first emitted: its name ends with that, in nanoseconds.
fn first(event: &Event) -> Option<MicroTime> {
    let (_, nanos) = event.meta.name().rsplit_once('.')?;
    i64::from_str_radix(nanos, 16).ok().map(|nanos| MicroTime(nanos / 1_000))
}
