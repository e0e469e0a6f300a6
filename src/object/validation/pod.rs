//! Pods and pod templates.
//!
//! Source: `pkg/apis/core/v1/defaults.go`, `pkg/apis/core/validation/validation.go` (`ValidatePodSpec`,
//! `validateContainers`, `ValidateResourceRequirements`, `ValidateTolerations`, `ValidatePodUpdate`), v1.36. Left out:
//! the textual difference that upstream appends when an update changes too much.

use super::meta::{label_key, labels};
use super::node_affinity::{narrowed, node_affinity};
use super::{NOT_NEGATIVE, not_negative, quoted, text};
use crate::object::Name;
use crate::object::invalid::FieldErrors;
use crate::object::pod::{Container, Pod, PodSpec, RestartPolicy};
use crate::object::quantity::Quantity;
use crate::object::resources::{CPU, EPHEMERAL_STORAGE, MEMORY, PODS};
use crate::object::setting::{SettingId, Settings};
use crate::object::taint::{Effect, Toleration, TolerationOperator};

/// The protocols of ports, in the order of upstream's message.
pub const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

const NOT_INTEGER: &str = "must be an integer";
/// What upstream says of an update that changes more than a pod may.
pub const UPDATE_FORBIDDEN: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
     `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
     tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

fn all_containers(spec: &PodSpec) -> impl Iterator<Item = &Container> {
    spec.containers.iter().chain(&spec.init_containers)
}

/// Whether [`default_pod_spec`] would change anything.
pub fn pod_spec_lacks_defaults(spec: &PodSpec) -> bool {
    spec.termination_grace_seconds.is_none()
        || spec.scheduler_name.is_empty()
        || spec.overhead.has_fractions_of_milli()
        || all_containers(spec).any(|container| {
            container.ports.iter().any(|port| port.protocol.is_empty())
                || container.requests.has_fractions_of_milli()
                || container.limits.has_fractions_of_milli()
        })
}

/// Fills in what the API server fills in, in pods and in templates (`SetDefaults_PodSpec`).
pub fn default_pod_spec(spec: &mut PodSpec, settings: &Settings) {
    spec.termination_grace_seconds.get_or_insert(settings.get(SettingId::TerminationGracePeriod));
    if spec.scheduler_name.is_empty() {
        spec.scheduler_name = "default-scheduler".into();
    }
    spec.overhead.round_up_to_milli();
    for container in spec.containers.iter_mut().chain(&mut spec.init_containers) {
        container.requests.round_up_to_milli();
        container.limits.round_up_to_milli();
        for port in &mut container.ports {
            if port.protocol.is_empty() {
                port.protocol = "TCP".into();
            }
        }
    }
}

/// Whether [`default_pod`] would change anything.
pub fn pod_lacks_defaults(spec: &PodSpec) -> bool {
    all_containers(spec).any(|container| {
        container.limits.0.iter().any(|(resource, _)| container.requests.get(resource).is_none())
            || spec.host_network && container.ports.iter().any(|port| port.host_port == 0)
    })
}

/// Fills in what the API server fills in only in pods (`SetDefaults_Pod`): requests from limits, ports of the host.
pub fn default_pod(spec: &mut PodSpec) {
    let host_network = spec.host_network;
    for container in spec.containers.iter_mut().chain(&mut spec.init_containers) {
        for (resource, limit) in &container.limits.0 {
            if container.requests.get(resource).is_none() {
                container.requests.set(resource.clone(), *limit);
            }
        }
        for port in container.ports.iter_mut().filter(|port| host_network && port.host_port == 0) {
            port.host_port = port.port;
        }
    }
}

/// A pod.
pub fn pod(pod: &Pod, errors: &mut FieldErrors) {
    deletion_cost(pod, errors);
    pod_spec(&pod.spec, &pod.node_name, "spec", errors);
    for (list, field) in [(&pod.spec.containers, "containers"), (&pod.spec.init_containers, "initContainers")] {
        for (index, Container { image, .. }) in list.iter().enumerate() {
            // Templates are let off: their images may be placeholders.
            if image.trim() != image.as_str() {
                let detail = "must not have leading or trailing whitespace";
                errors.invalid(format!("spec.{field}[{index}].image"), quoted(image), detail);
            }
        }
    }
    if !pod.node_name.is_empty() && !pod.spec.scheduling_gates.is_empty() {
        errors.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
    }
}

fn deletion_cost(pod: &Pod, errors: &mut FieldErrors) {
    let key = "controller.kubernetes.io/pod-deletion-cost";
    // Upstream takes no plus sign and no leading zeros (`GetDeletionCostFromPodAnnotations`).
    let is_cost = |text: &str| text.parse::<i32>().is_ok_and(|cost| cost.to_string() == text);
    if let Some(cost) = pod.meta.annotations.get(key).filter(|cost| !is_cost(cost)) {
        errors.invalid(format!("metadata.annotations[{key}]"), quoted(cost), "must be a 32bit integer");
    }
}

/// The spec of a workload's template: as a pod's, and it must restart.
pub fn template_spec(spec: &PodSpec, path: &str, errors: &mut FieldErrors) {
    pod_spec(spec, "", path, errors);
    if spec.restart_policy != RestartPolicy::Always {
        errors.not_supported(format!("{path}.restartPolicy"), spec.restart_policy.name(), &["Always"]);
    }
}

/// A pod's spec, or the one of a template at `path`.
pub fn pod_spec(spec: &PodSpec, node_name: &str, path: &str, errors: &mut FieldErrors) {
    if spec.containers.is_empty() {
        errors.required(format!("{path}.containers"), "");
    }
    for (list, field) in [(&spec.containers, "containers"), (&spec.init_containers, "initContainers")] {
        for (index, item) in list.iter().enumerate() {
            let at = format!("{path}.{field}[{index}]");
            container(item, &at, errors);
            let is_init = field == "initContainers";
            let others = list[..index].iter().chain(spec.containers.iter().filter(|_| is_init));
            if !item.name.is_empty() && others.into_iter().any(|other| other.name == item.name) {
                errors.duplicate(format!("{at}.name"), quoted(&item.name));
            }
        }
    }
    labels(&spec.node_selector, &format!("{path}.nodeSelector"), errors);
    if let Some(affinity) = &spec.node_affinity {
        node_affinity(affinity, &format!("{path}.affinity.nodeAffinity"), errors);
    }
    host_ports(spec, path, errors);
    scheduling_gates(&spec.scheduling_gates, path, errors);
    if !node_name.is_empty() {
        for fault in text::dns_subdomain(node_name) {
            errors.invalid(format!("{path}.nodeName"), quoted(node_name), fault);
        }
    }
    tolerations(&spec.tolerations, &format!("{path}.tolerations"), errors);
    for (index, constraint) in spec.topology_spread.iter().enumerate() {
        constraint.validate_label_keys(&format!("{path}.topologySpreadConstraints[{index}]"), errors);
    }
    if !spec.priority_class.is_empty() {
        for fault in text::dns_subdomain(&spec.priority_class) {
            errors.invalid(format!("{path}.priorityClassName"), quoted(&spec.priority_class), fault);
        }
    }
    for (resource, amount) in &spec.overhead.0 {
        let at = format!("{path}.overhead.limits[{resource}]");
        container_resource(resource, &at, errors);
        quantity(resource, *amount, &at, errors);
    }
}

fn container(container: &Container, at: &str, errors: &mut FieldErrors) {
    if container.name.is_empty() {
        errors.required(format!("{at}.name"), "");
    } else {
        for fault in text::dns_label(&container.name) {
            errors.invalid(format!("{at}.name"), quoted(&container.name), fault);
        }
    }
    if container.image.is_empty() {
        errors.required(format!("{at}.image"), "");
    }
    ports(container, at, errors);
    resources(container, &format!("{at}.resources"), errors);
}

fn ports(container: &Container, at: &str, errors: &mut FieldErrors) {
    for (index, port) in container.ports.iter().enumerate() {
        let at = format!("{at}.ports[{index}]");
        if !port.name.is_empty() {
            let faults = text::port_name(&port.name);
            if faults.is_empty() && container.ports[..index].iter().any(|other| other.name == port.name) {
                errors.duplicate(format!("{at}.name"), quoted(&port.name));
            }
            for fault in faults {
                errors.invalid(format!("{at}.name"), quoted(&port.name), fault);
            }
        }
        if port.port == 0 {
            errors.required(format!("{at}.containerPort"), "");
        } else if let Some(fault) = text::port_number(port.port) {
            errors.invalid(format!("{at}.containerPort"), port.port, fault);
        }
        if port.host_port != 0
            && let Some(fault) = text::port_number(port.host_port)
        {
            errors.invalid(format!("{at}.hostPort"), port.host_port, fault);
        }
        if port.protocol.is_empty() {
            errors.required(format!("{at}.protocol"), "");
        } else if !PROTOCOLS.contains(&port.protocol.as_str()) {
            errors.not_supported(format!("{at}.protocol"), &port.protocol, &PROTOCOLS);
        }
    }
}

/// With the network of the host, a port of the host is the container's own.
fn host_ports(spec: &PodSpec, path: &str, errors: &mut FieldErrors) {
    for (index, container) in spec.containers.iter().enumerate().filter(|_| spec.host_network) {
        for (number, port) in container.ports.iter().enumerate() {
            if port.host_port != 0 && port.host_port != port.port {
                let at = format!("{path}.containers[{index}].ports[{number}].hostPort");
                errors.invalid(at, port.host_port, "must match `containerPort` when `hostNetwork` is true");
            }
        }
    }
}

fn resources(container: &Container, at: &str, errors: &mut FieldErrors) {
    for (resource, limit) in &container.limits.0 {
        let path = format!("{at}.limits[{resource}]");
        container_resource(resource, &path, errors);
        quantity(resource, *limit, &path, errors);
    }
    for (resource, request) in &container.requests.0 {
        let path = format!("{at}.requests[{resource}]");
        container_resource(resource, &path, errors);
        quantity(resource, *request, &path, errors);
        let Some(limit) = container.limits.get(resource) else {
            if !may_overcommit(resource) {
                errors.required(format!("{at}.limits"), "Limit must be set for non overcommitable resources");
            }
            continue;
        };
        let word = if *request != limit && !may_overcommit(resource) {
            "equal to"
        } else if *request > limit {
            "less than or equal to"
        } else {
            continue;
        };
        let detail = format!("must be {word} {resource} limit of {limit}");
        errors.invalid(format!("{at}.requests"), format!("\"{request}\""), detail);
    }
}

/// An amount: not negative, and whole where the resource comes in pieces.
pub fn quantity(resource: &str, amount: Quantity, path: &str, errors: &mut FieldErrors) {
    if amount.is_negative() {
        errors.invalid(path, format!("\"{amount}\""), NOT_NEGATIVE);
    }
    if (resource == PODS || is_extended(resource)) && amount.milli() % 1_000 != 0 {
        errors.invalid(path, format!("\"{amount}\""), NOT_INTEGER);
    }
}

/// The name of a resource that a container may ask for.
fn container_resource(resource: &str, path: &str, errors: &mut FieldErrors) {
    let faults = text::qualified_name(resource);
    if !faults.is_empty() {
        faults.into_iter().for_each(|fault| errors.invalid(path, quoted(resource), fault));
    } else if !resource.contains('/') {
        if !is_standard(resource) {
            // Resources that only quotas and nodes know are standard, but none of a container's.
            if ![PODS, "storage"].contains(&resource) && !resource.contains('.') {
                errors.invalid(path, quoted(resource), "must be a standard resource type or fully qualified");
            }
            errors.invalid(path, quoted(resource), "must be a standard resource for containers");
        }
    } else if !is_native(resource) && !is_extended(resource) {
        errors.invalid(path, quoted(resource), "doesn't follow extended resource name standard");
    }
}

fn is_huge_pages(resource: &str) -> bool {
    resource.starts_with("hugepages-")
}

fn is_standard(resource: &str) -> bool {
    [CPU, MEMORY, EPHEMERAL_STORAGE].contains(&resource) || is_huge_pages(resource)
}

fn is_native(resource: &str) -> bool {
    !resource.contains('/') || resource.contains("kubernetes.io/")
}

fn is_extended(resource: &str) -> bool {
    let for_quota = || text::qualified_name(&format!("requests.{resource}")).is_empty();
    !is_native(resource) && !resource.starts_with("requests.") && for_quota()
}

fn may_overcommit(resource: &str) -> bool {
    is_native(resource) && !is_huge_pages(resource)
}

fn scheduling_gates(gates: &[Name], path: &str, errors: &mut FieldErrors) {
    for (index, gate) in gates.iter().enumerate() {
        let at = format!("{path}.schedulingGates[{index}]");
        for fault in text::qualified_name(gate) {
            errors.invalid(at.clone(), quoted(gate), fault);
        }
        if gates[..index].contains(gate) {
            errors.duplicate(at, quoted(gate));
        }
    }
}

fn tolerations(tolerations: &[Toleration], path: &str, errors: &mut FieldErrors) {
    for (index, toleration) in tolerations.iter().enumerate() {
        let at = format!("{path}[{index}]");
        let Toleration { key, operator, value, effect, seconds } = toleration;
        if !key.is_empty() {
            label_key(key, &format!("{at}.key"), errors);
        } else if *operator != TolerationOperator::Exists {
            let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            errors.invalid(format!("{at}.operator"), "\"Equal\"", detail);
        }
        if seconds.is_some() && *effect != Some(Effect::NoExecute) {
            let printed = effect.map_or_else(String::new, |effect| effect.to_string());
            let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            errors.invalid(format!("{at}.effect"), quoted(&printed), detail);
        }
        match operator {
            TolerationOperator::Equal => {
                let faults = text::label_value(value);
                if !faults.is_empty() {
                    errors.invalid(format!("{at}.operator"), quoted(value), faults.join(";"));
                }
            }
            TolerationOperator::Exists if !value.is_empty() => {
                let detail = "value must be empty when `operator` is 'Exists'";
                errors.invalid(format!("{at}.operator"), quoted(value), detail);
            }
            // `Lt` and `Gt`, whose gate is off: a manifest's reader knows which of them it was.
            TolerationOperator::Exists | TolerationOperator::Comparison => {}
        }
    }
}

/// What an update of a pod may change.
pub fn pod_update(new: &Pod, old: &Pod, errors: &mut FieldErrors) {
    for gone in &old.spec.tolerations {
        let is_same = |kept: &&Toleration| Toleration { seconds: gone.seconds, ..(*kept).clone() } == *gone;
        if !new.spec.tolerations.iter().any(|kept| is_same(&kept)) {
            let detail = "existing toleration can not be modified except its tolerationSeconds";
            errors.forbidden("spec.tolerations", detail);
            break;
        }
    }
    for (index, gate) in new.spec.scheduling_gates.iter().enumerate() {
        if !old.spec.scheduling_gates.contains(gate) {
            let detail = format!("only deletion is allowed, but found new scheduling gate '{gate}'");
            errors.forbidden(format!("spec.schedulingGates[{index}].name"), detail);
        }
    }
    if let Some(seconds) = new.spec.termination_grace_seconds {
        let was_negative = old.spec.termination_grace_seconds.is_some_and(|grace| grace < 0);
        if !was_negative {
            not_negative(seconds.min(0), "spec.terminationGracePeriodSeconds", errors);
        }
    }
    if new.node_name != old.node_name || !same_but_for_what_may_change(&new.spec, &old.spec, errors) {
        errors.forbidden("spec", UPDATE_FORBIDDEN);
    }
}

fn same_but_for_what_may_change(new: &PodSpec, old: &PodSpec, errors: &mut FieldErrors) -> bool {
    let mut munged = PodSpec {
        tolerations: old.tolerations.clone(),
        scheduling_gates: old.scheduling_gates.clone(),
        source: old.source.clone(),
        ..new.clone()
    };
    for (mine, theirs) in
        [(&mut munged.containers, &old.containers), (&mut munged.init_containers, &old.init_containers)]
    {
        for (container, old) in mine.iter_mut().zip(theirs) {
            container.image = old.image.clone();
        }
    }
    let grace = (old.termination_grace_seconds, new.termination_grace_seconds);
    if matches!(grace, (Some(old), Some(1)) if old < 0) {
        munged.termination_grace_seconds = old.termination_grace_seconds;
    }
    // While gates are there, the choice of nodes may still be narrowed.
    if !old.scheduling_gates.is_empty() {
        if !new.node_selector.contains_all(&old.node_selector) {
            let printed = super::workload::labels_json(&new.node_selector);
            let detail = "only additions are allowed to spec.nodeSelector (no mutations or deletions)";
            errors.invalid("spec.nodeSelector", printed, detail);
        }
        munged.node_selector = old.node_selector.clone();
        let affinity = (new.node_affinity.as_deref(), old.node_affinity.as_deref());
        narrowed(affinity.0, affinity.1, "spec.affinity.nodeAffinity", errors);
        munged.node_affinity = old.node_affinity.clone();
    }
    munged == *old
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Object, meta::Key};
    use std::sync::Arc;

    fn pod_with(spec: PodSpec) -> Pod {
        let mut meta = crate::object::Meta::new(Key::new("default", "x"));
        meta.generation = 1;
        Pod { meta, spec: Arc::new(spec), ..Pod::default() }
    }

    fn spec() -> PodSpec {
        let container = Container { name: "c".into(), image: "img:1".into(), ..Container::default() };
        PodSpec { containers: vec![container], ..PodSpec::default() }
    }

    #[test]
    fn requests_may_not_exceed_limits() {
        let mut spec = spec();
        spec.containers[0].limits.set(CPU, Quantity::from_units(1));
        spec.containers[0].requests.set(CPU, Quantity::from_units(2));
        let errors = Object::from(pod_with(spec)).validate();
        let expected = "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu \
                        limit of 1";
        assert_eq!(errors.to_string(), expected);
    }

    #[test]
    fn requests_come_from_limits_in_pods_but_not_in_templates() {
        let mut template = spec();
        template.containers[0].limits.set(CPU, Quantity::from_units(1));
        default_pod_spec(&mut template, &Settings::default());
        assert!(template.containers[0].requests.0.is_empty());
        assert!(pod_lacks_defaults(&template));
        default_pod(&mut template);
        assert_eq!(template.containers[0].requests.get(CPU), Some(Quantity::from_units(1)));
        assert!(!pod_lacks_defaults(&template));
    }

    #[test]
    fn an_update_may_change_images_but_not_requests() {
        let old = pod_with(spec());
        let mut image = spec();
        image.containers[0].image = "img:2".into();
        let mut errors = FieldErrors::default();
        pod_update(&pod_with(image), &old, &mut errors);
        assert!(errors.is_empty(), "{errors}");
        let mut requests = spec();
        requests.containers[0].requests.set(CPU, Quantity::from_units(2));
        pod_update(&pod_with(requests), &old, &mut errors);
        assert!(errors.to_string().starts_with("spec: Forbidden: pod updates may not change fields other than"));
    }
}
