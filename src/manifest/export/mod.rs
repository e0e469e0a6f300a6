//! Objects as Kubernetes JSON: the document that they came from, with what the cluster changed laid over it.
//!
//! What is equal to what the document says is left as it is written there, so that `1000m` stays `1000m` and fields
//! that nobody simulates survive. An object that a controller made has no document; it is built from its fields and
//! from the source of its pod spec. Defaults that our objects do not keep (DNS policy, pull policy, …) are not added.

mod node_affinity;
mod overlay;
mod pod;
mod workload;

use super::decode;
use super::kinds::{Kept, Lost};
use crate::object::deployment::DeploymentStrategy;
use crate::object::labels::{Labels, Selector};
use crate::object::resources::ResourceList;
use crate::object::service::Endpoint;
use crate::object::taint::Taint;
use crate::object::{
    Condition, EndpointSlice, Event, Kind, Lease, Meta, MicroTime, Name, Node, Object, OwnerRef, PriorityClass,
    Service, Timestamp, Uid, opaque,
};
use overlay::Overlay;
use serde_json::{Map, Value, json};

/// The object as the API server would serve it, as far as its fields are kept.
pub fn export(object: &Object) -> Value {
    let document = base(object);
    if object.kind().is_opaque() {
        return opaque(object, document);
    }
    // What the document alone says; where it says nothing, an object without fields.
    let was = decode::decode(&document, object.meta().namespace()).ok().map(|decoded| decoded.object);
    let mut overlay = Overlay::new(document);
    metadata(&mut overlay, object.meta(), object.kind(), was.as_ref().map(Object::meta));
    match object {
        Object::Pod(now) => pod::pod(&mut overlay, now, &before(&was)),
        Object::Node(now) => node(&mut overlay, now, &before(&was)),
        Object::ReplicaSet(now) => workload::replica_set(&mut overlay, now, &before(&was)),
        Object::Deployment(now) => workload::deployment(&mut overlay, now, &before(&was)),
        Object::Service(now) => service(&mut overlay, now, &before(&was)),
        Object::EndpointSlice(now) => endpoint_slice(&mut overlay, now, &before(&was)),
        Object::Namespace(_) => {}
        Object::PriorityClass(now) => priority_class(&mut overlay, now, &before(&was)),
        Object::Lease(now) => lease(&mut overlay, now, &before(&was)),
        Object::Event(now) => event(&mut overlay, now, &before(&was)),
        Object::Opaque(_) | Object::ClusterOpaque(_) => unreachable!("their documents are never changed"),
    }
    overlay.document
}

fn before<K: crate::object::Strategy + Default>(was: &Option<Object>) -> K {
    was.as_ref().and_then(|object| object.of::<K>()).map(|inner| (**inner).clone()).unwrap_or_default()
}

/// The document of the object, or the least that its kind needs.
fn base(object: &Object) -> Value {
    let kind = object.kind();
    let parsed = |source: &crate::object::Document| serde_json::from_str::<Value>(&source.json).ok();
    let mut document = object.meta().source.as_deref().and_then(parsed).unwrap_or_else(|| {
        let group = if kind.group().is_empty() { String::new() } else { format!("{}/", kind.group()) };
        match opaque::parts(object.meta().name()).filter(|_| kind.is_opaque()) {
            Some(parts) => json!({"apiVersion": parts.api_version, "kind": parts.kind, "metadata": {}}),
            None => json!({"apiVersion": format!("{group}{}", kind.version()), "kind": kind.name(), "metadata": {}}),
        }
    });
    // A template that was replaced brings its own source.
    let (spec, path) = match object {
        Object::Pod(pod) => (&pod.spec, "/spec"),
        Object::ReplicaSet(set) => (&set.spec.template.spec, "/spec/template/spec"),
        Object::Deployment(deployment) => (&deployment.spec.template.spec, "/spec/template/spec"),
        _ => return document,
    };
    if let Some(source) = spec.source.as_deref()
        && let Some(mut given) = parsed(source)
        && document.pointer(path) != Some(&given)
    {
        // A pod's node is the pod's own affair, not its template's.
        let node = document.pointer(path).and_then(|spec| spec.get("nodeName")).cloned();
        if let (Some(spec), Some(node)) = (given.as_object_mut(), node) {
            spec.insert("nodeName".to_string(), node);
        }
        *overlay::at(&mut document, path) = given;
    }
    document
}

fn metadata(overlay: &mut Overlay, now: &Meta, kind: Kind, was: Option<&Meta>) {
    let default = Meta::default();
    let was = was.unwrap_or(&default);
    if overlay.document["metadata"]["name"].as_str().unwrap_or_default() != now.name().as_str() {
        overlay.set("/metadata/name", text(now.name()));
    }
    if kind.is_namespaced() {
        overlay.set("/metadata/namespace", text(now.namespace()));
    }
    let path = |field: &str| format!("/metadata/{field}");
    overlay.change(&path("generateName"), &now.generate_name, &was.generate_name, text);
    overlay.change(
        &path("uid"),
        &now.uid,
        &was.uid,
        |uid| if *uid == Uid(0) { Value::Null } else { json!(uid.to_string()) },
    );
    overlay.change(&path("resourceVersion"), &now.resource_version, &was.resource_version, |revision| {
        if revision.0 == 0 { Value::Null } else { json!(revision.0.to_string()) }
    });
    overlay.change(&path("generation"), &now.generation, &was.generation, |generation| json!(generation));
    overlay.change(&path("creationTimestamp"), &now.created, &was.created, |time| timestamp(*time));
    overlay.change(&path("deletionTimestamp"), &now.deletion, &was.deletion, |deletion| {
        deletion.map_or(Value::Null, |deletion| timestamp(deletion.at))
    });
    overlay.change(&path("deletionGracePeriodSeconds"), &now.deletion, &was.deletion, |deletion| {
        deletion.map_or(Value::Null, |deletion| json!(deletion.grace_seconds))
    });
    overlay.change(&path("labels"), &now.labels, &was.labels, labels);
    overlay.change(&path("annotations"), &now.annotations, &was.annotations, labels);
    overlay.change(&path("finalizers"), &now.finalizers, &was.finalizers, |finalizers| {
        list(finalizers.iter().map(|finalizer| json!(finalizer.as_str())))
    });
    // Owners of kinds that we do not have stand in the document only.
    let others: Vec<Value> = overlay.document["metadata"]["ownerReferences"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|owner| owner["kind"].as_str().and_then(super::meta::kind).is_none())
        .cloned()
        .collect();
    overlay.change(&path("ownerReferences"), &now.owners, &was.owners, |owners| {
        list(others.into_iter().chain(owners.iter().map(owner)))
    });
}

/// An object of a kind that is not interpreted: its document with its metadata of now.
fn opaque(object: &Object, document: Value) -> Value {
    let own = |meta: &Meta| {
        let plain = |name: &Name| opaque::parts(name).map_or_else(Name::none, |parts| parts.name.into());
        let (mut own, prefix) = (meta.clone(), plain(&meta.generate_name));
        (own.key.name, own.generate_name) = (plain(meta.name()), prefix);
        own
    };
    let kept = Kept { is_namespaced: Some(object.kind().is_namespaced()), lost: Lost::Nothing };
    let was = super::opaque::decode(&document, object.meta().namespace(), kept, false).ok();
    let was = was.map(|decoded| own(decoded.object.meta()));
    let mut overlay = Overlay::new(document);
    metadata(&mut overlay, &own(object.meta()), object.kind(), was.as_ref());
    overlay.document
}

fn owner(owner: &OwnerRef) -> Value {
    let group = if owner.kind.group().is_empty() { String::new() } else { format!("{}/", owner.kind.group()) };
    let parts = opaque::parts(&owner.name).filter(|_| owner.kind.is_opaque());
    let (api_version, kind, name) = match &parts {
        Some(parts) => (parts.api_version.clone(), parts.kind, parts.name),
        None => (format!("{group}{}", owner.kind.version()), owner.kind.name(), owner.name.as_str()),
    };
    let mut value = json!({"apiVersion": api_version, "kind": kind, "name": name, "uid": owner.uid.to_string()});
    for (is_set, field) in [(owner.controller, "controller"), (owner.block_owner_deletion, "blockOwnerDeletion")] {
        if is_set {
            value[field] = json!(true);
        }
    }
    value
}

/// A text; nothing if it is empty.
fn text(name: &Name) -> Value {
    if name.is_empty() { Value::Null } else { json!(name.as_str()) }
}

/// A date; nothing at the epoch, which stands for none.
fn timestamp(time: Timestamp) -> Value {
    if time.0 == 0 { Value::Null } else { json!(time.to_string()) }
}

fn micro_time(time: MicroTime) -> Value {
    if time.0 == 0 {
        return Value::Null;
    }
    let seconds = Timestamp(time.0.div_euclid(1_000_000)).to_string();
    json!(format!("{}.{:06}Z", seconds.trim_end_matches('Z'), time.0.rem_euclid(1_000_000)))
}

/// A flag; nothing if it is not set.
fn flag(is_set: &bool) -> Value {
    if *is_set { json!(true) } else { Value::Null }
}

/// A list; nothing if it is empty.
fn list(items: impl Iterator<Item = Value>) -> Value {
    let items: Vec<Value> = items.collect();
    if items.is_empty() { Value::Null } else { Value::Array(items) }
}

fn labels(labels: &Labels) -> Value {
    if labels.is_empty() {
        return Value::Null;
    }
    Value::Object(labels.iter().map(|(key, value)| (key.to_string(), json!(value.as_str()))).collect())
}

fn resources(list: &ResourceList) -> Value {
    if list.0.is_empty() {
        return Value::Null;
    }
    Value::Object(list.0.iter().map(|(name, amount)| (name.to_string(), json!(amount.to_string()))).collect())
}

fn selector(selector: &Selector) -> Value {
    let expressions = selector.expressions.iter().map(|requirement| {
        let values: Vec<&str> = requirement.values.iter().map(Name::as_str).collect();
        let mut value = json!({"key": requirement.key.as_str(), "operator": requirement.operator.name()});
        if !values.is_empty() {
            value["values"] = json!(values);
        }
        value
    });
    object([("matchLabels", labels(&selector.labels)), ("matchExpressions", list(expressions))])
}

/// An object of the fields that are not null.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(fields.map(|(key, value)| (key.to_string(), value)).collect::<Map<_, _>>())
}

/// Conditions; `update` is what their kind calls the time of the last update.
fn conditions(conditions: &[Condition], update: Option<&str>) -> Value {
    list(conditions.iter().map(|condition| {
        let mut value = object([
            ("type", text(&condition.kind)),
            ("status", json!(condition.status.to_string())),
            ("lastTransitionTime", timestamp(condition.last_transition)),
            ("reason", text(&condition.reason)),
            ("message", text(&condition.message)),
        ]);
        if let Some(field) = update.filter(|_| condition.last_update.0 != 0) {
            value[field] = timestamp(condition.last_update);
        }
        value
    }))
}

fn node(overlay: &mut Overlay, now: &Node, was: &Node) {
    overlay.change("/spec/unschedulable", &now.unschedulable, &was.unschedulable, flag);
    overlay.change("/spec/taints", &now.taints, &was.taints, |taints| list(taints.iter().map(taint)));
    overlay.change("/status/capacity", &now.capacity, &was.capacity, resources);
    overlay.change("/status/allocatable", &now.allocatable, &was.allocatable, resources);
    overlay.change("/status/conditions", &now.conditions, &was.conditions, |list| {
        conditions(list, Some("lastHeartbeatTime"))
    });
}

fn taint(taint: &Taint) -> Value {
    object([
        ("key", text(&taint.key)),
        ("value", text(&taint.value)),
        ("effect", json!(taint.effect.to_string())),
        ("timeAdded", taint.time_added.map_or(Value::Null, timestamp)),
    ])
}

fn service(overlay: &mut Overlay, now: &Service, was: &Service) {
    overlay.change("/spec/selector", &now.selector, &was.selector, labels);
    overlay.change("/spec/type", &now.kind, &was.kind, text);
    overlay.change("/spec/clusterIP", &now.headless, &was.headless, |headless| {
        if *headless { json!("None") } else { Value::Null }
    });
    let (field, flags) = ("/spec/publishNotReadyAddresses", [now, was].map(|one| one.publish_not_ready_addresses));
    overlay.change(field, &flags[0], &flags[1], flag);
    let port = |port: &crate::object::service::ServicePort| {
        let number = port.target_port.parse::<i32>().map_or_else(|_| text(&port.target_port), |number| json!(number));
        object([
            ("name", text(&port.name)),
            ("protocol", text(&port.protocol)),
            ("port", json!(port.port)),
            ("targetPort", number),
        ])
    };
    overlay.change_list("/spec/ports", &now.ports, &was.ports, port);
}

fn endpoint_slice(overlay: &mut Overlay, now: &EndpointSlice, was: &EndpointSlice) {
    if overlay.document["addressType"].is_null() {
        overlay.set("/addressType", json!("IPv4"));
    }
    overlay.change_list("/ports", &now.ports, &was.ports, |(name, protocol, port)| {
        let port = if *port == 0 { Value::Null } else { json!(port) };
        object([("name", json!(name.as_str())), ("protocol", text(protocol)), ("port", port)])
    });
    overlay.change("/endpoints", &now.endpoints, &was.endpoints, |endpoints| list(endpoints.iter().map(endpoint)));
}

fn endpoint(endpoint: &Endpoint) -> Value {
    let uid = if endpoint.pod_uid == Uid(0) { Value::Null } else { json!(endpoint.pod_uid.to_string()) };
    let target = object([("kind", json!("Pod")), ("name", text(&endpoint.pod)), ("uid", uid)]);
    object([
        ("addresses", json!([endpoint.ip.to_string()])),
        (
            "conditions",
            json!({"ready": endpoint.ready, "serving": endpoint.serving, "terminating": endpoint.terminating}),
        ),
        ("nodeName", text(&endpoint.node_name)),
        ("zone", text(&endpoint.zone)),
        ("targetRef", if endpoint.pod.is_empty() { Value::Null } else { target }),
    ])
}

fn priority_class(overlay: &mut Overlay, now: &PriorityClass, was: &PriorityClass) {
    if overlay.document["value"].is_null() || now.value != was.value {
        overlay.set("/value", json!(now.value));
    }
    overlay.change("/globalDefault", &now.global_default, &was.global_default, flag);
    overlay.change("/preemptionPolicy", &now.never_preempts, &was.never_preempts, preemption_policy);
}

fn preemption_policy(never: &bool) -> Value {
    json!(if *never { "Never" } else { "PreemptLowerPriority" })
}

fn lease(overlay: &mut Overlay, now: &Lease, was: &Lease) {
    overlay.change("/spec/holderIdentity", &now.holder, &was.holder, text);
    overlay.change("/spec/leaseDurationSeconds", &now.duration_seconds, &was.duration_seconds, |seconds| {
        if *seconds == 0 { Value::Null } else { json!(seconds) }
    });
    overlay.change("/spec/renewTime", &now.renew_time, &was.renew_time, |time| micro_time(*time));
}

/// Both API groups: `events.k8s.io` calls some fields otherwise.
fn event(overlay: &mut Overlay, now: &Event, was: &Event) {
    let is_new = overlay.document["apiVersion"] == "events.k8s.io/v1";
    let name = |old: &'static str, new: &'static str| if is_new { new } else { old };
    overlay.change(name("/involvedObject", "/regarding"), &now.regarding, &was.regarding, |regarding| {
        let (kind, name) = regarding.split_once('/').unwrap_or((regarding, ""));
        let version = super::meta::kind(kind).map(Kind::version);
        object([
            ("apiVersion", version.map_or(Value::Null, |_| json!(api_version(kind)))),
            ("kind", json!(kind)),
            ("name", json!(name)),
        ])
    });
    overlay.change("/reason", &now.reason, &was.reason, text);
    overlay.change(name("/message", "/note"), &now.note, &was.note, text);
    overlay.change("/type", &now.is_warning, &was.is_warning, |is_warning| {
        json!(if *is_warning { "Warning" } else { "Normal" })
    });
    let reporter = name("/reportingComponent", "/reportingController");
    overlay.change(reporter, &now.reporter, &was.reporter, text);
    overlay.change("/eventTime", &now.time, &was.time, |time| micro_time(*time));
    overlay.change(name("/count", "/deprecatedCount"), &now.count, &was.count, |count| json!(count));
}

fn api_version(kind: &str) -> String {
    super::meta::kind(kind).map_or_else(String::new, |kind| match kind.group() {
        "" => kind.version().to_string(),
        group => format!("{group}/{}", kind.version()),
    })
}

fn strategy(strategy: &DeploymentStrategy) -> Value {
    match strategy {
        DeploymentStrategy::Recreate => json!({"type": "Recreate"}),
        DeploymentStrategy::RollingUpdate { max_surge, max_unavailable } => json!({
            "type": "RollingUpdate",
            "rollingUpdate": {
                "maxSurge": workload::int_or_percent(*max_surge),
                "maxUnavailable": workload::int_or_percent(*max_unavailable),
            },
        }),
    }
}
