//! Deployments and ReplicaSets.

use super::meta::{condition, meta, selector};
use super::pod::template;
use crate::object::deployment::{DeploymentSpec, DeploymentStatus, DeploymentStrategy, IntOrPercent};
use crate::object::replicaset::{ReplicaSetSpec, ReplicaSetStatus};
use crate::object::validation::{quoted, workload::labels_json};
use crate::object::{Deployment, FieldErrors, Kind, Labels, Object, ReplicaSet, Selector};
use k8s_openapi::api::apps::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

/// Source: apimachinery `pkg/util/validation/validation.go` (`IsValidPercent`).
const NOT_PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or \
     '93%', regex used for validation is '[0-9]+%')";

/// A Deployment of a manifest.
pub fn deployment(deployment: &v1::Deployment, namespace: &str, source: &Value, errors: &mut FieldErrors) -> Object {
    let spec = deployment.spec.clone().unwrap_or_default();
    let status = deployment.status.clone().unwrap_or_default();
    let template = template(&spec.template, &source["spec"]["template"], errors);
    let conditions = status.conditions.iter().flatten().map(|item| {
        let texts = [&item.reason, &item.message];
        condition(&item.type_, &item.status, texts, &item.last_transition_time, &item.last_update_time)
    });
    Object::from(Deployment {
        meta: meta(Kind::Deployment, &deployment.metadata, namespace, source, errors),
        spec: DeploymentSpec {
            replicas: spec.replicas,
            selector: workload_selector(&spec.selector, source, &template.labels, errors),
            template,
            strategy: strategy(spec.strategy.as_ref(), errors),
            min_ready_seconds: spec.min_ready_seconds.unwrap_or(0),
            revision_history_limit: spec.revision_history_limit,
            progress_deadline_seconds: spec.progress_deadline_seconds,
            paused: spec.paused.unwrap_or(false),
        },
        status: DeploymentStatus {
            observed_generation: status.observed_generation.unwrap_or(0),
            replicas: status.replicas.unwrap_or(0),
            updated_replicas: status.updated_replicas.unwrap_or(0),
            ready_replicas: status.ready_replicas.unwrap_or(0),
            available_replicas: status.available_replicas.unwrap_or(0),
            unavailable_replicas: status.unavailable_replicas.unwrap_or(0),
            terminating_replicas: status.terminating_replicas,
            collision_count: status.collision_count,
            conditions: conditions.collect(),
        },
    })
}

/// A ReplicaSet of a manifest.
pub fn replica_set(set: &v1::ReplicaSet, namespace: &str, source: &Value, errors: &mut FieldErrors) -> Object {
    let spec = set.spec.clone().unwrap_or_default();
    let status = set.status.clone().unwrap_or_default();
    let template = template(&spec.template.clone().unwrap_or_default(), &source["spec"]["template"], errors);
    let conditions = status.conditions.iter().flatten().map(|item| {
        condition(&item.type_, &item.status, [&item.reason, &item.message], &item.last_transition_time, &None)
    });
    Object::from(ReplicaSet {
        meta: meta(Kind::ReplicaSet, &set.metadata, namespace, source, errors),
        spec: ReplicaSetSpec {
            replicas: spec.replicas,
            min_ready_seconds: spec.min_ready_seconds.unwrap_or(0),
            selector: workload_selector(&spec.selector, source, &template.labels, errors),
            template,
        },
        status: ReplicaSetStatus {
            replicas: status.replicas,
            fully_labeled_replicas: status.fully_labeled_replicas.unwrap_or(0),
            ready_replicas: status.ready_replicas.unwrap_or(0),
            available_replicas: status.available_replicas.unwrap_or(0),
            terminating_replicas: status.terminating_replicas,
            observed_generation: status.observed_generation.unwrap_or(0),
            conditions: conditions.collect(),
        },
    })
}

/// A missing selector selects nothing and an empty one everything; our type has only the latter.
fn workload_selector(given: &LabelSelector, source: &Value, labels: &Labels, errors: &mut FieldErrors) -> Selector {
    if source["spec"]["selector"].is_null() {
        errors.required("spec.selector", "");
        let detail = "`selector` does not match template `labels`";
        errors.invalid("spec.template.metadata.labels", labels_json(labels), detail);
    }
    selector(given, "spec.selector", errors)
}

fn strategy(strategy: Option<&v1::DeploymentStrategy>, errors: &mut FieldErrors) -> DeploymentStrategy {
    let Some(strategy) = strategy else { return DeploymentStrategy::default() };
    let rolling = strategy.rolling_update.clone().unwrap_or_default();
    match strategy.type_.as_deref().unwrap_or_default() {
        "" | "RollingUpdate" => {
            let mut amount = |value: &Option<IntOrString>, field: &str| {
                let default = IntOrPercent::Percent(25);
                let path = format!("spec.strategy.rollingUpdate.{field}");
                value.as_ref().map_or(default, |value| int_or_percent(value, &path, errors).unwrap_or(default))
            };
            DeploymentStrategy::RollingUpdate {
                max_surge: amount(&rolling.max_surge, "maxSurge"),
                max_unavailable: amount(&rolling.max_unavailable, "maxUnavailable"),
            }
        }
        "Recreate" => {
            if strategy.rolling_update.is_some() {
                let detail = "may not be specified when strategy `type` is 'Recreate'";
                errors.forbidden("spec.strategy.rollingUpdate", detail);
            }
            DeploymentStrategy::Recreate
        }
        other => {
            // Upstream prints its internal struct; a rolling update beside a wrong type is printed there too.
            let printed = format!("{{\"Type\":{},\"RollingUpdate\":null}}", quoted(other));
            let detail = "supported values: \"Recreate\", \"RollingUpdate\"";
            errors.push("spec.strategy", crate::object::invalid::Cause::NotSupported, Some(printed), detail);
            DeploymentStrategy::default()
        }
    }
}

fn int_or_percent(value: &IntOrString, path: &str, errors: &mut FieldErrors) -> Option<IntOrPercent> {
    match value {
        IntOrString::Int(number) => Some(IntOrPercent::Int(*number)),
        IntOrString::String(text) => {
            let digits = text.strip_suffix('%').filter(|digits| digits.bytes().all(|c| c.is_ascii_digit()));
            let percent = digits.and_then(|digits| digits.parse().ok()).map(IntOrPercent::Percent);
            if percent.is_none() {
                errors.invalid(path, quoted(text), NOT_PERCENT);
            }
            percent
        }
    }
}
