//! Metadata, labels, selectors, dates and amounts, as all kinds use them.
//!
//! What our types cannot hold of them is checked here: owner references and the operators of selectors. Source:
//! apimachinery `pkg/api/validation/objectmeta.go`, `pkg/apis/meta/v1/validation/validation.go`, v1.36.

use crate::object::labels::{Labels, Operator, Requirement, Selector};
use crate::object::quantity::Quantity;
use crate::object::resources::ResourceList;
use crate::object::validation::quoted;
use crate::object::{
    Condition, ConditionStatus, Deletion, Document, FieldErrors, Key, Kind, Meta, MicroTime, Name, OwnerRef, Revision,
    Timestamp, Uid,
};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::api::resource;
use k8s_openapi::apimachinery::pkg::apis::meta::v1;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A document as its object keeps it.
pub fn document(value: &Value) -> Option<Arc<Document>> {
    Some(Arc::new(Document { json: value.to_string().into_boxed_str() }))
}

/// A text, empty if absent.
pub fn name(text: &Option<String>) -> Name {
    text.as_deref().unwrap_or_default().into()
}

/// Labels, annotations or a selector of equalities.
pub fn labels(map: &Option<BTreeMap<String, String>>) -> Labels {
    map.iter().flatten().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

/// A date in whole seconds; the epoch if absent.
pub fn timestamp(time: &Option<v1::Time>) -> Timestamp {
    Timestamp(time.as_ref().map_or(0, |time| time.0.as_second()))
}

/// A date in microseconds; the epoch if absent.
pub fn micro_time(time: &Option<v1::MicroTime>) -> MicroTime {
    MicroTime(time.as_ref().map_or(0, |time| time.0.as_microsecond()))
}

/// A list of resources. The strict decoder has read each amount already.
pub fn resources(map: &Option<BTreeMap<String, resource::Quantity>>) -> ResourceList {
    let mut list = ResourceList::default();
    for (resource, amount) in map.iter().flatten() {
        list.set(resource.as_str(), Quantity::parse(&amount.0).unwrap_or_default());
    }
    list
}

/// A uid. What is no UUID is hashed (FNV-1a), so that equal texts stay equal.
pub fn uid(text: &str) -> Uid {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    if text.is_empty() {
        return Uid::default();
    }
    let hex = text.replace('-', "");
    let parsed = u128::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == 32);
    Uid(parsed.unwrap_or_else(|| text.bytes().fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))))
}

/// The kind of ours that is named so.
pub fn kind(name: &str) -> Option<Kind> {
    Kind::ALL.iter().copied().find(|kind| kind.name() == name && !kind.is_opaque())
}

/// An address; none if it is absent or not of version 4.
pub fn ip(text: &Option<String>) -> Option<Ipv4Addr> {
    text.as_ref().and_then(|text| text.parse().ok())
}

/// Metadata of an object of `kind`. Without a namespace, a namespaced object goes to `namespace`.
pub fn meta(kind: Kind, meta: &v1::ObjectMeta, namespace: &str, source: &Value, errors: &mut FieldErrors) -> Meta {
    let given = meta.namespace.as_deref().filter(|namespace| !namespace.is_empty());
    let namespace = given.or_else(|| kind.is_namespaced().then_some(namespace)).unwrap_or_default();
    let deletion = meta.deletion_timestamp.as_ref().map(|time| Deletion {
        at: Timestamp(time.0.as_second()),
        grace_seconds: meta.deletion_grace_period_seconds.unwrap_or(0),
    });
    Meta {
        version: 0,
        key: Key::new(namespace, name(&meta.name)),
        generate_name: name(&meta.generate_name),
        uid: uid(meta.uid.as_deref().unwrap_or_default()),
        resource_version: Revision(meta.resource_version.as_ref().and_then(|rv| rv.parse().ok()).unwrap_or(0)),
        generation: meta.generation.unwrap_or(0),
        created: timestamp(&meta.creation_timestamp),
        deletion,
        finalizers: meta.finalizers.iter().flatten().map(|finalizer| finalizer.as_str().into()).collect(),
        owners: owners(meta.owner_references.as_deref().unwrap_or_default(), errors),
        labels: labels(&meta.labels),
        annotations: labels(&meta.annotations),
        source: document(source),
    }
}

/// Owners of the kinds that we have; those of other kinds stay in the source document.
fn owners(references: &[v1::OwnerReference], errors: &mut FieldErrors) -> Vec<OwnerRef> {
    let path = "metadata.ownerReferences";
    let mut manager: Option<&v1::OwnerReference> = None;
    for reference in references {
        let v1::OwnerReference { api_version, kind, name, uid, .. } = reference;
        if api_version.is_empty() || api_version.ends_with('/') {
            errors.invalid(format!("{path}.apiVersion"), quoted(api_version), "version must not be empty");
        }
        for (field, text) in [("kind", kind), ("name", name), ("uid", uid)] {
            if text.is_empty() {
                errors.invalid(format!("{path}.{field}"), "\"\"", "must not be empty");
            }
        }
        if kind == "Event" && api_version == "v1" {
            let banned = "/v1, Kind=Event is disallowed from being an owner";
            errors.invalid(path, reference_json(reference), banned);
        }
        if reference.controller == Some(true) {
            if let Some(first) = manager {
                let all = references.iter().map(reference_json).collect::<Vec<_>>().join(",");
                let detail = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {}/{} \
                     and {kind}/{name}",
                    first.kind, first.name
                );
                errors.invalid(path, format!("[{all}]"), detail);
            }
            manager = manager.or(Some(reference));
        }
    }
    references
        .iter()
        .filter_map(|reference| {
            Some(OwnerRef {
                kind: kind(&reference.kind)?,
                name: reference.name.as_str().into(),
                uid: uid(&reference.uid),
                controller: reference.controller.unwrap_or(false),
                block_owner_deletion: reference.block_owner_deletion.unwrap_or(false),
            })
        })
        .collect()
}

/// In the order of Go's struct.
fn reference_json(reference: &v1::OwnerReference) -> String {
    let v1::OwnerReference { api_version, kind, name, uid, controller, block_owner_deletion } = reference;
    let mut fields = vec![
        format!("\"apiVersion\":{}", quoted(api_version)),
        format!("\"kind\":{}", quoted(kind)),
        format!("\"name\":{}", quoted(name)),
        format!("\"uid\":{}", quoted(uid)),
    ];
    fields.extend(controller.map(|value| format!("\"controller\":{value}")));
    fields.extend(block_owner_deletion.map(|value| format!("\"blockOwnerDeletion\":{value}")));
    format!("{{{}}}", fields.join(","))
}

/// A selector; an unknown operator is an error and its expression is left out.
pub fn selector(selector: &v1::LabelSelector, path: &str, errors: &mut FieldErrors) -> Selector {
    let mut expressions = Vec::new();
    for (index, requirement) in selector.match_expressions.iter().flatten().enumerate() {
        let operator = match requirement.operator.as_str() {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            other => {
                let at = format!("{path}.matchExpressions[{index}].operator");
                errors.invalid(at, quoted(other), "not a valid selector operator");
                continue;
            }
        };
        expressions.push(Requirement {
            key: requirement.key.as_str().into(),
            operator,
            values: requirement.values.iter().flatten().map(|value| value.as_str().into()).collect(),
        });
    }
    Selector { labels: labels(&selector.match_labels), expressions }
}

/// The status of a condition; what is neither True nor False is Unknown.
pub fn condition_status(text: &str) -> ConditionStatus {
    match text {
        "True" => ConditionStatus::True,
        "False" => ConditionStatus::False,
        _ => ConditionStatus::Unknown,
    }
}

/// A condition of any kind; without a time of update, that of the transition.
pub fn condition(
    kind: &str,
    status: &str,
    texts: [&Option<String>; 2],
    transition: &Option<v1::Time>,
    update: &Option<v1::Time>,
) -> Condition {
    Condition {
        kind: kind.into(),
        status: condition_status(status),
        reason: name(texts[0]),
        message: name(texts[1]),
        last_transition: timestamp(transition),
        last_update: timestamp(if update.is_some() { update } else { transition }),
    }
}

/// `Pod/web-1`.
pub fn regarding(reference: &ObjectReference) -> Name {
    let kind = reference.kind.as_deref().unwrap_or_default();
    let name = reference.name.as_deref().unwrap_or_default();
    format!("{kind}/{name}").into()
}
