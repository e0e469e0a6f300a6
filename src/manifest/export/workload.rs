//! Deployments and ReplicaSets.

use super::overlay::Overlay;
use super::{conditions, labels, pod::pod_spec, selector, strategy};
use crate::object::deployment::{Deployment, IntOrPercent};
use crate::object::labels::Selector;
use crate::object::replicaset::{PodTemplate, ReplicaSet};
use serde_json::{Value, json};

/// A number, or a share such as `25%`.
pub fn int_or_percent(value: IntOrPercent) -> Value {
    match value {
        IntOrPercent::Int(number) => json!(number),
        IntOrPercent::Percent(percent) => json!(format!("{percent}%")),
    }
}

/// A number; nothing if it is zero, which the API leaves out.
fn number<T: Into<i64> + Copy>(number: &T) -> Value {
    let number: i64 = (*number).into();
    if number == 0 { Value::Null } else { json!(number) }
}

fn selector_and_template(overlay: &mut Overlay, now: (&Selector, &PodTemplate), was: (&Selector, &PodTemplate)) {
    overlay.change("/spec/selector", now.0, was.0, selector);
    let path = "/spec/template/metadata";
    overlay.change(&format!("{path}/labels"), &now.1.labels, &was.1.labels, labels);
    overlay.change(&format!("{path}/annotations"), &now.1.annotations, &was.1.annotations, labels);
    pod_spec(overlay, "/spec/template/spec", &now.1.spec, &was.1.spec);
}

/// Spec and status of a ReplicaSet.
pub fn replica_set(overlay: &mut Overlay, now: &ReplicaSet, was: &ReplicaSet) {
    overlay.change("/spec/replicas", &now.spec.replicas, &was.spec.replicas, |replicas| json!(replicas));
    overlay.change("/spec/minReadySeconds", &now.spec.min_ready_seconds, &was.spec.min_ready_seconds, number);
    let (new, old) = ((&now.spec.selector, &now.spec.template), (&was.spec.selector, &was.spec.template));
    selector_and_template(overlay, new, old);
    let (now, was) = (&now.status, &was.status);
    if now == was {
        return;
    }
    // The API always shows this one.
    overlay.set("/status/replicas", json!(now.replicas));
    for (field, new, old) in [
        ("fullyLabeledReplicas", now.fully_labeled_replicas, was.fully_labeled_replicas),
        ("readyReplicas", now.ready_replicas, was.ready_replicas),
        ("availableReplicas", now.available_replicas, was.available_replicas),
    ] {
        overlay.change(&format!("/status/{field}"), &new, &old, number);
    }
    let (new, old) = (&now.terminating_replicas, &was.terminating_replicas);
    overlay.change("/status/terminatingReplicas", new, old, |replicas| json!(replicas));
    overlay.change("/status/observedGeneration", &now.observed_generation, &was.observed_generation, number);
    overlay.change("/status/conditions", &now.conditions, &was.conditions, |list| conditions(list, None));
}

/// Spec and status of a Deployment.
pub fn deployment(overlay: &mut Overlay, now: &Deployment, was: &Deployment) {
    let (new, old) = (&now.spec, &was.spec);
    overlay.change("/spec/replicas", &new.replicas, &old.replicas, |replicas| json!(replicas));
    selector_and_template(overlay, (&new.selector, &new.template), (&old.selector, &old.template));
    overlay.change("/spec/strategy", &new.strategy, &old.strategy, strategy);
    overlay.change("/spec/minReadySeconds", &new.min_ready_seconds, &old.min_ready_seconds, number);
    let path = "/spec/revisionHistoryLimit";
    overlay.change(path, &new.revision_history_limit, &old.revision_history_limit, |limit| json!(limit));
    let path = "/spec/progressDeadlineSeconds";
    overlay.change(path, &new.progress_deadline_seconds, &old.progress_deadline_seconds, |seconds| json!(seconds));
    overlay.change("/spec/paused", &new.paused, &old.paused, super::flag);
    let (now, was) = (&now.status, &was.status);
    overlay.change("/status/observedGeneration", &now.observed_generation, &was.observed_generation, number);
    for (field, new, old) in [
        ("replicas", now.replicas, was.replicas),
        ("updatedReplicas", now.updated_replicas, was.updated_replicas),
        ("readyReplicas", now.ready_replicas, was.ready_replicas),
        ("availableReplicas", now.available_replicas, was.available_replicas),
        ("unavailableReplicas", now.unavailable_replicas, was.unavailable_replicas),
    ] {
        overlay.change(&format!("/status/{field}"), &new, &old, number);
    }
    let (new, old) = (&now.terminating_replicas, &was.terminating_replicas);
    overlay.change("/status/terminatingReplicas", new, old, |replicas| json!(replicas));
    overlay.change("/status/collisionCount", &now.collision_count, &was.collision_count, |count| json!(count));
    overlay.change("/status/conditions", &now.conditions, &was.conditions, |list| {
        conditions(list, Some("lastUpdateTime"))
    });
}
