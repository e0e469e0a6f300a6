//! Validation of what our pods do not keep, on the types of a manifest, in the API server's words.
//!
//! Source: `pkg/apis/core/validation/validation.go`, v1.36. Left out: security contexts and privileged containers,
//! Windows, dynamic resource claims beyond their names, DNS settings, projected, CSI and ephemeral volumes and those of
//! single vendors, `fileKeyRef`, restart rules of containers, and pod-level resources beyond their names.

mod container;
mod placement;
mod update;
mod volume;

pub use update::update;

use super::service::{NOT_IP, word};
use crate::object::FieldErrors;
use crate::object::validation::{quoted, text};
use k8s_openapi::api::core::v1;
use std::net::IpAddr;

/// What only a pod, not a template, may not have when it is made.
pub fn pod_only(spec: &v1::PodSpec, errors: &mut FieldErrors) {
    if spec.ephemeral_containers.iter().flatten().count() > 0 {
        errors.forbidden("spec.ephemeralContainers", "cannot be set on create");
    }
}

/// The spec of a pod, or of the template at `path`.
pub fn pod_spec(spec: &v1::PodSpec, path: &str, errors: &mut FieldErrors) {
    volume::volumes(spec, &format!("{path}.volumes"), errors);
    for (index, item) in spec.containers.iter().enumerate() {
        container::container(spec, item, false, &format!("{path}.containers[{index}]"), errors);
    }
    container::host_port_conflicts(&spec.containers, &format!("{path}.containers"), errors);
    for (index, item) in spec.init_containers.iter().flatten().enumerate() {
        container::container(spec, item, true, &format!("{path}.initContainers[{index}]"), errors);
    }
    pod_resources(spec, &format!("{path}.resources"), errors);
    let policies = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
    word(&spec.dns_policy, &format!("{path}.dnsPolicy"), &policies, errors);
    placement::affinity(spec, &format!("{path}.affinity"), errors);
    for (index, gate) in spec.readiness_gates.iter().flatten().enumerate() {
        for fault in text::qualified_name(&gate.condition_type) {
            let at = format!("{path}.readinessGates[{index}].conditionType");
            errors.invalid(at, quoted(&gate.condition_type), fault);
        }
    }
    placement::spread(spec, &format!("{path}.topologySpreadConstraints"), errors);
    subdomain(&spec.service_account_name, &format!("{path}.serviceAccountName"), errors);
    if let Some(seconds) = spec.active_deadline_seconds
        && !(1..=i64::from(i32::MAX)).contains(&seconds)
        && !path.contains("template")
    {
        let detail = format!("must be between 1 and {}, inclusive", i32::MAX);
        errors.invalid(format!("{path}.activeDeadlineSeconds"), seconds, detail);
    }
    for (name, field) in [(&spec.hostname, "hostname"), (&spec.subdomain, "subdomain")] {
        for fault in name.iter().filter(|name| !name.is_empty()).flat_map(|name| text::dns_label(name)) {
            errors.invalid(format!("{path}.{field}"), quoted(name.as_deref().unwrap_or_default()), fault);
        }
    }
    for (index, alias) in spec.host_aliases.iter().flatten().enumerate() {
        if alias.ip.parse::<IpAddr>().is_err() {
            errors.invalid(format!("{path}.hostAliases[{index}].ip"), quoted(&alias.ip), NOT_IP);
        }
        for hostname in alias.hostnames.iter().flatten() {
            for fault in text::dns_subdomain(hostname) {
                errors.invalid(format!("{path}.hostAliases[{index}].hostnames"), quoted(hostname), fault);
            }
        }
    }
    subdomain(&spec.runtime_class_name, &format!("{path}.runtimeClassName"), errors);
    if let Some(os) = &spec.os {
        match os.name.as_str() {
            "" => errors.required(format!("{path}.os.name"), "cannot be empty"),
            "linux" | "windows" => {}
            other => errors.not_supported(format!("{path}.os"), other, &["linux", "windows"]),
        }
    }
}

fn subdomain(name: &Option<String>, path: &str, errors: &mut FieldErrors) {
    let Some(name) = name.as_deref().filter(|name| !name.is_empty()) else { return };
    for fault in text::dns_subdomain(name) {
        errors.invalid(path, quoted(name), fault);
    }
}

fn pod_resources(spec: &v1::PodSpec, path: &str, errors: &mut FieldErrors) {
    let Some(resources) = &spec.resources else { return };
    for (list, field) in [(&resources.limits, "limits"), (&resources.requests, "requests")] {
        for resource in list.iter().flat_map(|list| list.keys()) {
            if !["cpu", "memory"].contains(&resource.as_str()) && !resource.starts_with("hugepages-") {
                let supported = ["cpu", "hugepages-", "memory"];
                errors.not_supported(format!("{path}.{field}[{resource}]"), resource, &supported);
            }
        }
    }
}
