//! Replays recorded requests to a real API server (1.36) and compares verdicts, messages and defaults.
//!
//! `fixtures/api/cases.jsonl` holds the recorded creations of kinds that we have, and those updates of their main
//! resource that are a PUT or a JSON merge patch of an object made in the same case. Placeholders of the recording
//! (`<uid>`, `<time>`, …) are taken out of the replies. Left out of the fixtures, because something else than the
//! object decides: routing and content types (`invalid-pod-namespace-mismatch`, `-kind-mismatch`,
//! `-apiversion-mismatch`, `method-not-allowed-*`, `dryrun-bad`, `put-lease-create-on-update`), existence
//! (`already-exists-*`), admission (`invalid-pod-priority-set`, `-overhead-norc`), allocation
//! (`invalid-services-clusterip-taken`, `-nodeport-range`, `update-service-clusterip*`, `update-service-ipfamilies`),
//! subresources, and patches of other types.
#![cfg(feature = "manifest")]

use evenkeel::manifest::decode::decode;
use evenkeel::object::{FieldErrors, Kind, Meta, Object, status_message};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Cases in which we differ from the recording, and why.
const DIFFERENT: &[(&str, &str)] = &[];

/// The suffix of our generated names, and what the recording shows in its place.
const GENERATED: [&str; 2] = ["xxxxx", "<rand>"];

struct Verdict {
    message: Option<String>,
    object: Option<Object>,
}

fn refused(kind: Kind, name: &str, errors: &FieldErrors) -> Verdict {
    let message = status_message(kind, name, errors).replace(GENERATED[0], GENERATED[1]);
    Verdict { message: Some(message), object: None }
}

/// What we say of the creation of `body`.
fn create(body: &Value) -> Verdict {
    let mut decoded = match decode(body, "t") {
        Ok(decoded) => decoded,
        Err(refusal) => return Verdict { message: Some(refusal.message), object: None },
    };
    let meta = decoded.object.meta_mut();
    if meta.key.name.is_empty() && !meta.generate_name.is_empty() {
        meta.key.name = format!("{}{}", meta.generate_name, GENERATED[0]).into();
    }
    let errors = decoded.errors();
    let mut object = decoded.object;
    if !errors.is_empty() {
        return refused(object.kind(), object.meta().name(), &errors);
    }
    object.apply_defaults();
    object.prepare_for_create();
    Verdict { message: None, object: Some(object) }
}

/// What we say of the replacement of `old` by `new`.
fn update(old: &Value, new: &Value) -> Verdict {
    let stored = create(old).object.expect("the recording's first object is valid");
    let decoded = match decode(new, "t") {
        Ok(decoded) => decoded,
        Err(refusal) => return Verdict { message: Some(refusal.message), object: None },
    };
    let errors = decoded.update_errors(&stored);
    if !errors.is_empty() {
        return refused(stored.kind(), stored.meta().name(), &errors);
    }
    let mut object = decoded.object;
    object.apply_defaults();
    object.prepare_for_update(&stored);
    Verdict { message: None, object: None }
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let target = target.as_object_mut().expect("made so above");
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Takes out what is not the object's own doing: names made by the server, the source, and what admission adds.
fn comparable(object: &Object) -> Object {
    let mut object = object.clone();
    let meta = object.meta_mut();
    if !meta.generate_name.is_empty() {
        meta.key.name = "".into();
    }
    *meta = Meta { source: None, ..meta.clone() };
    match &mut object {
        Object::Pod(pod) => {
            let spec = Arc::make_mut(&mut Arc::make_mut(pod).spec);
            spec.source = None;
            spec.priority = None;
            let added = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
            spec.tolerations
                .retain(|toleration| toleration.seconds != Some(300) || !added.contains(&toleration.key.as_str()));
        }
        Object::Deployment(deployment) => {
            Arc::make_mut(&mut Arc::make_mut(deployment).spec.template.spec).source = None;
        }
        Object::ReplicaSet(set) => Arc::make_mut(&mut Arc::make_mut(set).spec.template.spec).source = None,
        Object::Node(node) => {
            Arc::make_mut(node).taints.retain(|taint| taint.key != "node.kubernetes.io/not-ready");
        }
        _ => {}
    }
    object
}

/// What differs, or nothing.
fn difference(case: &Value) -> Option<String> {
    let verdict = match case["do"].as_str() {
        Some("create") => create(&case["body"]),
        Some("replace") => update(&case["old"], &case["body"]),
        _ => {
            let mut new = case["old"].clone();
            merge(&mut new, &case["body"]);
            update(&case["old"], &new)
        }
    };
    // Upstream appends the textual difference of two of its structs to what an update of a pod may not change.
    let expected = case["message"].as_str().map(|message| message.lines().next().unwrap_or_default());
    if verdict.message.as_deref() != expected {
        return Some(format!("expected {expected:?}\n     got {:?}", verdict.message));
    }
    let object = verdict.object.filter(|_| case["do"] == "create")?;
    let reply = match decode(&case["object"], "t") {
        Ok(decoded) => decoded.object,
        Err(refusal) => return Some(format!("the reply is not read: {}", refusal.message)),
    };
    let (ours, theirs) = (comparable(&object), comparable(&reply));
    (ours != theirs).then(|| format!("expected {theirs:?}\n     got {ours:?}"))
}

#[test]
fn verdicts_and_defaults_are_those_of_the_recorded_server() {
    let mut families: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    let mut unexpected = Vec::new();
    for line in include_str!("fixtures/api/cases.jsonl").lines() {
        let case: Value = serde_json::from_str(line).expect("one case a line");
        let (id, family) = (case["id"].as_str().unwrap(), case["family"].as_str().unwrap());
        let difference = difference(&case);
        let [agreed, total] = families.entry(family.to_string()).or_default();
        *agreed += usize::from(difference.is_none());
        *total += 1;
        let is_listed = DIFFERENT.iter().any(|(listed, _)| *listed == id);
        match difference {
            Some(difference) if !is_listed => unexpected.push(format!("{id}: {difference}")),
            None if is_listed => unexpected.push(format!("{id} agrees now: take it off the list")),
            _ => {}
        }
    }
    for (family, [agreed, total]) in &families {
        println!("{family}: {agreed}/{total} agreed");
    }
    assert!(unexpected.is_empty(), "{} cases:\n{}", unexpected.len(), unexpected.join("\n"));
}
