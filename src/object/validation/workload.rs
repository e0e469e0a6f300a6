//! Deployments and ReplicaSets.
//!
//! Source: `pkg/apis/apps/validation/validation.go`, apimachinery `pkg/apis/meta/v1/validation/validation.go`, v1.36.

use super::meta::{annotations, label_key, labels};
use super::pod::template_spec;
use super::{not_negative, quoted, text};
use crate::object::deployment::{Deployment, DeploymentStrategy, IntOrPercent};
use crate::object::invalid::FieldErrors;
use crate::object::labels::{Labels, Operator, Selector};
use crate::object::replicaset::{PodTemplate, ReplicaSet};

/// A ReplicaSet.
pub fn replica_set(set: &ReplicaSet, errors: &mut FieldErrors) {
    not_negative(set.replicas().into(), "spec.replicas", errors);
    not_negative(set.spec.min_ready_seconds.into(), "spec.minReadySeconds", errors);
    selector_of(&set.spec.selector, errors);
    template(&set.spec.selector, &set.spec.template, errors);
}

/// A Deployment.
pub fn deployment(deployment: &Deployment, errors: &mut FieldErrors) {
    let spec = &deployment.spec;
    not_negative(deployment.replicas().into(), "spec.replicas", errors);
    selector_of(&spec.selector, errors);
    template(&spec.selector, &spec.template, errors);
    strategy(&spec.strategy, errors);
    not_negative(spec.min_ready_seconds.into(), "spec.minReadySeconds", errors);
    if let Some(limit) = spec.revision_history_limit {
        not_negative(limit.into(), "spec.revisionHistoryLimit", errors);
    }
    if let Some(deadline) = spec.progress_deadline_seconds {
        not_negative(deadline.into(), "spec.progressDeadlineSeconds", errors);
        if deadline <= spec.min_ready_seconds {
            errors.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds");
        }
    }
}

fn strategy(strategy: &DeploymentStrategy, errors: &mut FieldErrors) {
    let DeploymentStrategy::RollingUpdate { max_surge, max_unavailable } = *strategy else { return };
    let path = "spec.strategy.rollingUpdate";
    for (value, field) in [(max_unavailable, "maxUnavailable"), (max_surge, "maxSurge")] {
        if let IntOrPercent::Int(number) = value {
            not_negative(number.into(), &format!("{path}.{field}"), errors);
        }
    }
    let zero = [IntOrPercent::Int(0), IntOrPercent::Percent(0)];
    if zero.contains(&max_surge) && zero.contains(&max_unavailable) {
        let detail = "may not be 0 when `maxSurge` is 0";
        errors.invalid(format!("{path}.maxUnavailable"), printed(max_unavailable), detail);
    }
    if matches!(max_unavailable, IntOrPercent::Percent(percent) if percent > 100) {
        let detail = "must not be greater than 100%";
        errors.invalid(format!("{path}.maxUnavailable"), printed(max_unavailable), detail);
    }
}

fn printed(value: IntOrPercent) -> String {
    match value {
        IntOrPercent::Int(number) => number.to_string(),
        IntOrPercent::Percent(percent) => format!("\"{percent}%\""),
    }
}

fn selector_of(selector_: &Selector, errors: &mut FieldErrors) {
    selector(selector_, "spec.selector", errors);
    if selector_.is_empty() {
        // Upstream says so for ReplicaSets too.
        errors.invalid("spec.selector", "{}", "empty selector is invalid for deployment");
    }
}

/// A selector (`ValidateLabelSelector`).
pub fn selector(selector: &Selector, path: &str, errors: &mut FieldErrors) {
    labels(&selector.labels, &format!("{path}.matchLabels"), errors);
    for (index, requirement) in selector.expressions.iter().enumerate() {
        let at = format!("{path}.matchExpressions[{index}]");
        let has_values = !requirement.values.is_empty();
        match requirement.operator {
            Operator::In | Operator::NotIn if !has_values => {
                errors.required(format!("{at}.values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            Operator::Exists | Operator::DoesNotExist if has_values => {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.forbidden(format!("{at}.values"), detail);
            }
            _ => {}
        }
        label_key(&requirement.key, &format!("{at}.key"), errors);
        for (index, value) in requirement.values.iter().enumerate() {
            for fault in text::label_value(value) {
                errors.invalid(format!("{at}.values[{index}]"), quoted(value), fault);
            }
        }
    }
}

/// Selector and template of a workload.
fn template(selector: &Selector, template: &PodTemplate, errors: &mut FieldErrors) {
    let path = "spec.template";
    if !selector.is_empty() && !selector.matches(&template.labels) {
        let detail = "`selector` does not match template `labels`";
        errors.invalid(format!("{path}.metadata.labels"), labels_json(&template.labels), detail);
    }
    // Upstream leaves `metadata` out of these two paths.
    labels(&template.labels, &format!("{path}.labels"), errors);
    annotations(&template.annotations, &format!("{path}.annotations"), errors);
    template_spec(&template.spec, &format!("{path}.spec"), errors);
}

/// A selector that may not change.
pub fn immutable_selector(new: &Selector, old: &Selector, errors: &mut FieldErrors) {
    if new != old {
        errors.invalid("spec.selector", selector_json(new), "field is immutable");
    }
}

/// Labels as the API server prints them among values.
pub fn labels_json(labels: &Labels) -> String {
    if labels.is_empty() {
        return "null".to_string();
    }
    let pairs = labels.iter().map(|(key, value)| format!("{}:{}", quoted(key), quoted(value)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

fn selector_json(selector: &Selector) -> String {
    let mut fields = Vec::new();
    if !selector.labels.is_empty() {
        fields.push(format!("\"matchLabels\":{}", labels_json(&selector.labels)));
    }
    if !selector.expressions.is_empty() {
        let expressions = selector.expressions.iter().map(|requirement| {
            let values = requirement.values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(",");
            let values = if values.is_empty() { String::new() } else { format!(",\"values\":[{values}]") };
            format!("{{\"key\":{},\"operator\":\"{}\"{values}}}", quoted(&requirement.key), requirement.operator.name())
        });
        fields.push(format!("\"matchExpressions\":[{}]", expressions.collect::<Vec<_>>().join(",")));
    }
    format!("{{{}}}", fields.join(","))
}
