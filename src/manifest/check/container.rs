//! Environment, mounts, probes and hooks of containers.

use crate::manifest::service::word;
use crate::object::FieldErrors;
use crate::object::invalid::Cause;
use crate::object::setting::SettingId;
use crate::object::validation::{not_negative, quoted, text};
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

const NO_HANDLER: &str = "must specify a handler type";
/// What a variable may take from its pod.
const ENV_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
const ENV_RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

/// One container of `spec`; `at` is its path.
pub fn container(spec: &v1::PodSpec, container: &v1::Container, is_init: bool, at: &str, errors: &mut FieldErrors) {
    let policies = ["File", "FallbackToLogsOnError"];
    let path = format!("{at}.terminationMessagePolicy");
    word(&container.termination_message_policy, &path, &policies, errors);
    env(container, at, errors);
    mounts(spec, container, at, errors);
    let policies = ["Always", "IfNotPresent", "Never"];
    word(&container.image_pull_policy, &format!("{at}.imagePullPolicy"), &policies, errors);
    claims(spec, container, at, errors);
    resize_policy(spec, container, &format!("{at}.resizePolicy"), errors);
    let is_sidecar = container.restart_policy.as_deref() == Some("Always");
    if is_init && !is_sidecar {
        let detail = "may not be set for init containers without restartPolicy=Always";
        let hooks = [
            (container.lifecycle.is_some(), "lifecycle"),
            (container.liveness_probe.is_some(), "livenessProbe"),
            (container.readiness_probe.is_some(), "readinessProbe"),
            (container.startup_probe.is_some(), "startupProbe"),
        ];
        hooks
            .iter()
            .filter(|(is_set, _)| *is_set)
            .for_each(|(_, field)| errors.forbidden(format!("{at}.{field}"), detail));
        return;
    }
    lifecycle(spec, container, &format!("{at}.lifecycle"), errors);
    for (given, field) in [
        (&container.liveness_probe, "livenessProbe"),
        (&container.readiness_probe, "readinessProbe"),
        (&container.startup_probe, "startupProbe"),
    ] {
        if let Some(given) = given {
            probe(given, field, &format!("{at}.{field}"), errors);
        }
    }
}

/// Upstream leaves the index out, except for what stands there twice.
fn resize_policy(spec: &v1::PodSpec, container: &v1::Container, path: &str, errors: &mut FieldErrors) {
    let policies: Vec<_> = container.resize_policy.iter().flatten().collect();
    for (index, v1::ContainerResizePolicy { resource_name, restart_policy }) in policies.iter().enumerate() {
        if policies[..index].iter().any(|other| other.resource_name == *resource_name) {
            errors.duplicate(format!("{path}[{index}]"), quoted(resource_name));
        }
        for (text, supported) in
            [(resource_name, ["cpu", "memory"]), (restart_policy, ["NotRequired", "RestartContainer"])]
        {
            if text.is_empty() {
                errors.required(path, "");
            } else if !supported.contains(&text.as_str()) {
                errors.not_supported(path, text, &supported);
            }
        }
        if spec.restart_policy.as_deref() == Some("Never") && restart_policy != "NotRequired" {
            let detail = "must be 'NotRequired' when `restartPolicy` is 'Never'";
            errors.invalid(path, quoted(restart_policy), detail);
        }
    }
}

/// A port of the host that two containers claim.
pub fn host_port_conflicts(containers: &[v1::Container], path: &str, errors: &mut FieldErrors) {
    let mut taken: Vec<String> = Vec::new();
    for (index, container) in containers.iter().enumerate() {
        for (number, port) in container.ports.iter().flatten().enumerate() {
            let Some(host_port) = port.host_port.filter(|port| *port != 0) else { continue };
            let protocol = port.protocol.as_deref().unwrap_or("TCP");
            let claim = format!("{protocol}/{}/{host_port}", port.host_ip.as_deref().unwrap_or_default());
            if taken.contains(&claim) {
                errors.duplicate(format!("{path}[{index}].ports[{number}].hostPort"), quoted(&claim));
            }
            taken.push(claim);
        }
    }
}

fn env(container: &v1::Container, at: &str, errors: &mut FieldErrors) {
    for (index, variable) in container.env.iter().flatten().enumerate() {
        let at = format!("{at}.env[{index}]");
        if variable.name.is_empty() {
            errors.required(format!("{at}.name"), "");
        } else if !variable.name.bytes().all(|c| (0x20..0x7f).contains(&c) && c != b'=') {
            let detail =
                "a valid environment variable name must consist only of printable ASCII characters other than '='";
            errors.invalid(format!("{at}.name"), quoted(&variable.name), detail);
        }
        if let Some(from) = &variable.value_from {
            let has_value = variable.value.as_deref().is_some_and(|value| !value.is_empty());
            value_from(from, has_value, &format!("{at}.valueFrom"), errors);
        }
    }
    for (index, from) in container.env_from.iter().flatten().enumerate() {
        let path = format!("{at}.envFrom");
        let at = format!("{path}[{index}]");
        match (&from.config_map_ref, &from.secret_ref) {
            (None, None) => errors.invalid(path, "\"\"", "must specify one of: `configMapRef` or `secretRef`"),
            (Some(_), Some(_)) => errors.invalid(path, "\"\"", "may not have more than one field specified at a time"),
            (Some(source), None) if source.name.is_empty() => errors.required(format!("{at}.configMapRef.name"), ""),
            (None, Some(source)) if source.name.is_empty() => errors.required(format!("{at}.secretRef.name"), ""),
            _ => {}
        }
    }
}

fn value_from(from: &v1::EnvVarSource, has_value: bool, at: &str, errors: &mut FieldErrors) {
    let mut sources = usize::from(from.file_key_ref.is_some());
    if let Some(field) = &from.field_ref {
        sources += 1;
        let path = &field.field_path;
        let at = format!("{at}.fieldRef.fieldPath");
        let known =
            ["metadata.labels", "metadata.annotations", "spec.restartPolicy", "spec.schedulerName", "status.phase"];
        if path.is_empty() {
            errors.required(at, "");
        } else if path.contains('[') || ENV_FIELDS.contains(&path.as_str()) {
            // A subscript of labels or annotations.
        } else if known.contains(&path.as_str()) {
            errors.not_supported(at, path, &ENV_FIELDS);
        } else {
            let detail = format!("error converting fieldPath: field label not supported: {path}");
            errors.invalid(at, quoted(path), detail);
        }
    }
    if let Some(resource) = &from.resource_field_ref {
        sources += 1;
        let at = format!("{at}.resourceFieldRef.resource");
        let name = resource.resource.as_str();
        if name.is_empty() {
            errors.required(at, "");
        } else if !ENV_RESOURCES.contains(&name) && !name.contains(".hugepages-") {
            errors.not_supported(at, name, &ENV_RESOURCES);
        }
    }
    let keys = [
        (from.config_map_key_ref.as_ref().map(|key| (&key.name, &key.key)), "configMapKeyRef"),
        (from.secret_key_ref.as_ref().map(|key| (&key.name, &key.key)), "secretKeyRef"),
    ];
    for (reference, field) in keys {
        let (Some((name, key)), at) = (reference, format!("{at}.{field}")) else { continue };
        sources += 1;
        for fault in text::dns_subdomain(name) {
            errors.invalid(format!("{at}.name"), quoted(name), fault);
        }
        if key.is_empty() {
            errors.required(format!("{at}.key"), "");
        }
    }
    if sources == 0 {
        let detail =
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        errors.invalid(at, "\"\"", detail);
    } else if has_value {
        errors.invalid(at, "\"\"", "may not be specified when `value` is not empty");
    } else if sources > 1 {
        errors.invalid(at, "\"\"", "may not have more than one field specified at a time");
    }
}

fn mounts(spec: &v1::PodSpec, container: &v1::Container, at: &str, errors: &mut FieldErrors) {
    let path = format!("{at}.volumeMounts");
    let mounts: Vec<_> = container.volume_mounts.iter().flatten().collect();
    for (index, mount) in mounts.iter().enumerate() {
        let at = format!("{path}[{index}]");
        if mount.name.is_empty() {
            errors.required(format!("{at}.name"), "");
        }
        if !spec.volumes.iter().flatten().any(|volume| volume.name == mount.name) {
            errors.push(format!("{at}.name"), Cause::NotFound, Some(quoted(&mount.name)), "");
        }
        if mount.mount_path.is_empty() {
            errors.required(format!("{at}.mountPath"), "");
        }
        if mounts[..index].iter().any(|other| other.mount_path == mount.mount_path) {
            errors.invalid(format!("{at}.mountPath"), quoted(&mount.mount_path), "must be unique");
        }
        // Upstream leaves the index out here.
        for (sub_path, field) in [(&mount.sub_path, "subPath"), (&mount.sub_path_expr, "subPathExpr")] {
            let Some(sub_path) = sub_path.as_deref().filter(|path| !path.is_empty()) else { continue };
            if sub_path.starts_with('/') {
                errors.invalid(format!("{path}.{field}"), quoted(sub_path), "must be a relative path");
            }
            if sub_path.split('/').any(|part| part == "..") {
                errors.invalid(format!("{path}.{field}"), quoted(sub_path), "must not contain '..'");
            }
        }
        let propagations = ["Bidirectional", "HostToContainer", "None"];
        word(&mount.mount_propagation, &format!("{path}.mountPropagation"), &propagations, errors);
    }
}

fn claims(spec: &v1::PodSpec, container: &v1::Container, at: &str, errors: &mut FieldErrors) {
    let claims = container.resources.iter().flat_map(|resources| resources.claims.iter().flatten());
    let known: Vec<&str> = spec.resource_claims.iter().flatten().map(|claim| claim.name.as_str()).collect();
    for (index, claim) in claims.enumerate() {
        let at = format!("{at}.resources.claims[{index}]");
        if claim.name.is_empty() {
            errors.required(format!("{at}.name"), "");
        } else if !known.contains(&claim.name.as_str()) {
            let which = if known.is_empty() { " which is empty" } else { "" };
            let detail = format!("must be one of the names in pod.spec.resourceClaims{which}");
            errors.push(at, Cause::NotFound, Some(quoted(&claim.name)), detail);
        }
    }
}

fn lifecycle(spec: &v1::PodSpec, container: &v1::Container, at: &str, errors: &mut FieldErrors) {
    let Some(lifecycle) = &container.lifecycle else { return };
    for (handler, hook) in [(&lifecycle.post_start, "postStart"), (&lifecycle.pre_stop, "preStop")] {
        let (Some(handler), at) = (handler, format!("{at}.{hook}")) else { continue };
        let handlers = [
            ("exec", handler.exec.as_ref().map(|exec| exec_action(exec, &at))),
            ("httpGet", handler.http_get.as_ref().map(|http| http_action(http, &at))),
            ("tcpSocket", handler.tcp_socket.as_ref().map(|tcp| port(&tcp.port, &format!("{at}.tcpSocket.port")))),
            ("sleep", handler.sleep.as_ref().map(|sleep| sleep_action(sleep, spec, &at))),
        ];
        one_handler(handlers, &at, errors);
    }
}

fn probe(probe: &v1::Probe, kind: &str, at: &str, errors: &mut FieldErrors) {
    let handlers = [
        ("exec", probe.exec.as_ref().map(|exec| exec_action(exec, at))),
        ("httpGet", probe.http_get.as_ref().map(|http| http_action(http, at))),
        ("tcpSocket", probe.tcp_socket.as_ref().map(|tcp| port(&tcp.port, &format!("{at}.tcpSocket.port")))),
        ("grpc", probe.grpc.as_ref().map(|grpc| port(&IntOrString::Int(grpc.port), &format!("{at}.grpc.port")))),
    ];
    one_handler(handlers, at, errors);
    for (number, field) in [
        (probe.initial_delay_seconds, "initialDelaySeconds"),
        (probe.timeout_seconds, "timeoutSeconds"),
        (probe.period_seconds, "periodSeconds"),
        (probe.success_threshold, "successThreshold"),
        (probe.failure_threshold, "failureThreshold"),
    ] {
        not_negative(number.unwrap_or(0).into(), &format!("{at}.{field}"), errors);
    }
    if let Some(grace) = probe.termination_grace_period_seconds {
        let at = format!("{at}.terminationGracePeriodSeconds");
        if kind == "readinessProbe" {
            errors.invalid(at, grace, "must not be set for readinessProbes");
        } else if grace <= 0 {
            errors.invalid(at, grace, "must be greater than 0");
        }
    }
    if let Some(threshold) = probe.success_threshold.filter(|threshold| *threshold > 1)
        && kind != "readinessProbe"
    {
        errors.invalid(format!("{at}.successThreshold"), threshold, "must be 1");
    }
}

/// Of the handlers that are given the first one counts; the others may not be there.
fn one_handler<const N: usize>(handlers: [(&str, Option<FieldErrors>); N], at: &str, errors: &mut FieldErrors) {
    let mut given = handlers.into_iter().filter_map(|(field, faults)| Some((field, faults?)));
    match given.next() {
        None => errors.required(at, NO_HANDLER),
        Some((_, faults)) => errors.0.extend(faults.0),
    }
    given.for_each(|(field, _)| {
        errors.forbidden(format!("{at}.{field}"), "may not specify more than 1 handler type");
    });
}

fn exec_action(exec: &v1::ExecAction, at: &str) -> FieldErrors {
    let mut errors = FieldErrors::default();
    if exec.command.iter().flatten().count() == 0 {
        errors.required(format!("{at}.exec.command"), "");
    }
    errors
}

fn http_action(http: &v1::HTTPGetAction, at: &str) -> FieldErrors {
    let mut errors = port(&http.port, &format!("{at}.httpGet.port"));
    word(&http.scheme, &format!("{at}.httpGet.scheme"), &["HTTP", "HTTPS"], &mut errors);
    errors
}

fn sleep_action(sleep: &v1::SleepAction, spec: &v1::PodSpec, at: &str) -> FieldErrors {
    let mut errors = FieldErrors::default();
    let grace = spec.termination_grace_period_seconds.unwrap_or(SettingId::TerminationGracePeriod.row().default);
    if !(0..=grace).contains(&sleep.seconds) {
        let detail = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        errors.invalid(format!("{at}.sleep"), sleep.seconds, detail);
    }
    errors
}

fn port(port: &IntOrString, at: &str) -> FieldErrors {
    let mut errors = FieldErrors::default();
    match port {
        IntOrString::Int(number) => {
            if let Some(fault) = text::port_number(*number) {
                errors.invalid(at, *number, fault);
            }
        }
        IntOrString::String(name) => {
            text::port_name(name).into_iter().for_each(|fault| errors.invalid(at, quoted(name), fault));
        }
    }
    errors
}
