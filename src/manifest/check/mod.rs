//! Validation of what our pods do not keep, on the types of a manifest, in the API server's words.
//!
//! Source: `pkg/apis/core/validation/validation.go`, v1.36. Left out: security contexts and privileged containers,
//! Windows, dynamic resource claims beyond their names, DNS search paths, projected, CSI and ephemeral volumes and
//! those of single vendors, `fileKeyRef`, restart rules of containers, and pod-level resources beyond their names.

mod container;
mod placement;
mod update;
mod volume;

pub use update::update;

use super::service::{NOT_IP, word};
use crate::object::validation::{quoted, text};
use crate::object::{FieldErrors, Labels, behavior};
use k8s_openapi::api::core::v1;
use std::net::IpAddr;

/// What only a pod, not a template, may not have when it is made.
pub fn pod_only(spec: &v1::PodSpec, errors: &mut FieldErrors) {
    if spec.ephemeral_containers.iter().flatten().count() > 0 {
        errors.forbidden("spec.ephemeralContainers", "cannot be set on create");
    }
}

/// Our own annotations on a pod, or on the template, at `path`.
pub fn behavior(annotations: &Labels, path: &str, errors: &mut FieldErrors) {
    for (key, why) in behavior::problems(annotations) {
        let value = annotations.get(key).map_or("", |value| value.as_str());
        errors.invalid(format!("{path}.annotations[{key}]"), quoted(value), why);
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
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    word(&spec.dns_policy, &format!("{path}.dnsPolicy"), &policies, errors);
    dns_config(spec, &format!("{path}.dnsConfig"), errors);
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
        for (number, hostname) in alias.hostnames.iter().flatten().enumerate() {
            for fault in text::dns_subdomain(hostname) {
                errors.invalid(format!("{path}.hostAliases[{index}].hostnames[{number}]"), quoted(hostname), fault);
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

fn dns_config(spec: &v1::PodSpec, path: &str, errors: &mut FieldErrors) {
    let is_none = spec.dns_policy.as_deref() == Some("None");
    let Some(config) = &spec.dns_config else {
        if is_none {
            errors.required(path, "must provide `dnsConfig` when `dnsPolicy` is None");
        }
        return;
    };
    let servers: Vec<&String> = config.nameservers.iter().flatten().collect();
    if is_none && servers.is_empty() {
        let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        errors.required(format!("{path}.nameservers"), detail);
        return;
    }
    if servers.len() > 3 {
        let printed = servers.iter().map(|server| quoted(server)).collect::<Vec<_>>().join(",");
        let detail = "must not have more than 3 nameservers";
        errors.invalid(format!("{path}.nameservers"), format!("[{printed}]"), detail);
    }
    for (index, server) in servers.iter().enumerate().filter(|(_, server)| server.parse::<IpAddr>().is_err()) {
        errors.invalid(format!("{path}.nameservers[{index}]"), quoted(server), NOT_IP);
    }
    for (index, option) in config.options.iter().flatten().enumerate() {
        if option.name.as_deref().unwrap_or_default().is_empty() {
            errors.required(format!("{path}.options[{index}]"), "must not be empty");
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
