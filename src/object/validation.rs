//! Defaults and validation that several kinds share, in the API server's words.
//!
//! Source: `pkg/apis/core/v1/defaults.go`, `pkg/apis/core/validation/validation.go`,
//! `pkg/apis/apps/validation/validation.go`, v1.36.

use super::deployment::{Deployment, DeploymentStrategy, IntOrPercent};
use super::invalid::FieldErrors;
use super::labels::Selector;
use super::meta::Meta;
use super::node::Node;
use super::pod::{Pod, PodSpec};
use super::replicaset::PodTemplate;
use super::service::Service;
use super::setting::SettingId;
use super::small::PriorityClass;
use super::{Kind, Name};

/// Whether [`default_pod_spec`] would change anything.
pub fn pod_spec_lacks_defaults(spec: &PodSpec) -> bool {
    spec.termination_grace_seconds.is_none() || spec.scheduler_name.is_empty()
}

/// Fills in what the API server fills in.
pub fn default_pod_spec(spec: &mut PodSpec) {
    spec.termination_grace_seconds.get_or_insert(SettingId::TerminationGracePeriod.row().default);
    if spec.scheduler_name.is_empty() {
        spec.scheduler_name = "default-scheduler".into();
    }
    for container in spec.containers.iter_mut().chain(&mut spec.init_containers) {
        for (resource, limit) in &container.limits.0 {
            if container.requests.get(resource).is_none() {
                container.requests.set(resource.clone(), *limit);
            }
        }
        for port in &mut container.ports {
            if port.protocol.is_empty() {
                port.protocol = "TCP".into();
            }
        }
    }
}

/// Metadata of any kind.
pub fn meta(_kind: Kind, meta: &Meta, errors: &mut FieldErrors) {
    if meta.name().is_empty() {
        errors.required("metadata.name", "name or generateName is required");
    }
}

/// A pod's spec, or the one of a template at `path`.
pub fn pod_spec(spec: &PodSpec, path: &str, errors: &mut FieldErrors) {
    if spec.containers.is_empty() {
        errors.required(format!("{path}.containers"), "");
    }
}

/// What an update of a pod may change.
pub fn pod_update(new: &Pod, old: &Pod, errors: &mut FieldErrors) {
    if new.node_name != old.node_name || new.spec.containers.len() != old.spec.containers.len() {
        errors.forbidden("spec", "pod updates may not change fields other than `spec.containers[*].image`");
    }
}

/// A node.
pub fn node(_node: &Node, _errors: &mut FieldErrors) {}

/// A number of replicas.
pub fn replicas(replicas: i32, path: &str, errors: &mut FieldErrors) {
    if replicas < 0 {
        errors.invalid(path, replicas, "must be greater than or equal to 0");
    }
}

/// A number of seconds.
pub fn seconds(seconds: i32, path: &str, errors: &mut FieldErrors) {
    if seconds < 0 {
        errors.invalid(path, seconds, "must be greater than or equal to 0");
    }
}

/// Selector and template of a workload.
pub fn template(selector: &Selector, template: &PodTemplate, errors: &mut FieldErrors) {
    if selector.is_empty() {
        errors.invalid("spec.selector", "{}", "empty selector is invalid for deployment");
    } else if !selector.matches(&template.labels) {
        errors.invalid("spec.template.metadata.labels", "", "`selector` does not match template `labels`");
    }
    pod_spec(&template.spec, "spec.template.spec", errors);
}

/// A selector that may not change.
pub fn immutable_selector(new: &Selector, old: &Selector, errors: &mut FieldErrors) {
    if new != old {
        errors.invalid("spec.selector", "", "field is immutable");
    }
}

/// A Deployment.
pub fn deployment(deployment: &Deployment, errors: &mut FieldErrors) {
    replicas(deployment.replicas(), "spec.replicas", errors);
    seconds(deployment.spec.min_ready_seconds, "spec.minReadySeconds", errors);
    template(&deployment.spec.selector, &deployment.spec.template, errors);
    if let DeploymentStrategy::RollingUpdate { max_surge, max_unavailable } = deployment.spec.strategy {
        let zero = [IntOrPercent::Int(0), IntOrPercent::Percent(0)];
        if zero.contains(&max_surge) && zero.contains(&max_unavailable) {
            errors.invalid("spec.strategy.rollingUpdate.maxUnavailable", "0", "may not be 0 when `maxSurge` is 0");
        }
    }
}

/// A Service.
pub fn service(service: &Service, errors: &mut FieldErrors) {
    if service.ports.is_empty() && !service.headless {
        errors.required("spec.ports", "");
    }
}

/// A PriorityClass.
pub fn priority_class(class: &PriorityClass, errors: &mut FieldErrors) {
    let name: &Name = class.meta.name();
    if class.value > 1_000_000_000 && !name.starts_with("system-") {
        errors.forbidden("value", "maximum allowed value of a user defined priority is 1000000000");
    }
}
