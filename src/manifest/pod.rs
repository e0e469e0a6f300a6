//! Pods and pod templates.
//!
//! Words that our types have no value for (a restart policy `Sometimes`) are errors here, in the API server's text.

use super::check;
use super::meta::{condition, document, ip, labels, meta, name, resources, selector, timestamp};
use super::node_affinity::node_affinity;
use crate::object::pod::{Container, ContainerPort, ContainerStatus, Phase, Pod, PodSpec, PodStatus, RestartPolicy};
use crate::object::replicaset::PodTemplate;
use crate::object::taint::{Effect, Toleration, TolerationOperator};
use crate::object::topology_spread::{InclusionPolicy, SpreadConstraint};
use crate::object::validation::quoted;
use crate::object::{FieldErrors, Kind, Object};
use k8s_openapi::api::core::v1;
use serde_json::Value;
use std::sync::Arc;

/// A pod of a manifest.
pub fn pod(pod: &v1::Pod, namespace: &str, source: &Value, errors: &mut FieldErrors) -> Object {
    let empty = v1::PodSpec::default();
    let spec = pod.spec.as_ref().unwrap_or(&empty);
    check::pod_only(spec, errors);
    check::behavior(&labels(&pod.metadata.annotations), "metadata", errors);
    Object::from(Pod {
        meta: meta(Kind::Pod, &pod.metadata, namespace, source, errors),
        spec: Arc::new(pod_spec(spec, "spec", &source["spec"], errors)),
        node_name: name(&spec.node_name),
        status: pod.status.as_ref().map(status).unwrap_or_default(),
    })
}

/// The template of a workload.
pub fn template(template: &v1::PodTemplateSpec, source: &Value, errors: &mut FieldErrors) -> PodTemplate {
    let empty = v1::PodSpec::default();
    let spec = template.spec.as_ref().unwrap_or(&empty);
    let metadata = template.metadata.clone().unwrap_or_default();
    if spec.ephemeral_containers.iter().flatten().count() > 0 {
        let detail = "ephemeral containers not allowed in pod template";
        errors.forbidden("spec.template.spec.ephemeralContainers", detail);
    }
    if spec.active_deadline_seconds.is_some() {
        let detail = "activeDeadlineSeconds in ReplicaSet is not Supported";
        errors.forbidden("spec.template.spec.activeDeadlineSeconds", detail);
    }
    let annotations = labels(&metadata.annotations);
    check::behavior(&annotations, "spec.template.metadata", errors);
    PodTemplate {
        labels: labels(&metadata.labels),
        annotations,
        spec: Arc::new(pod_spec(spec, "spec.template.spec", &source["spec"], errors)),
    }
}

fn pod_spec(spec: &v1::PodSpec, path: &str, source: &Value, errors: &mut FieldErrors) -> PodSpec {
    check::pod_spec(spec, path, errors);
    let restart_policy = match spec.restart_policy.as_deref().unwrap_or_default() {
        "" | "Always" => RestartPolicy::Always,
        "OnFailure" => RestartPolicy::OnFailure,
        "Never" => RestartPolicy::Never,
        other => {
            errors.not_supported(format!("{path}.restartPolicy"), other, &["Always", "OnFailure", "Never"]);
            RestartPolicy::Always
        }
    };
    let never_preempts = preemption_policy(&spec.preemption_policy, &format!("{path}.preemptionPolicy"), errors);
    let tolerations = spec.tolerations.iter().flatten().enumerate();
    PodSpec {
        containers: spec.containers.iter().map(container).collect(),
        init_containers: spec.init_containers.iter().flatten().map(container).collect(),
        node_selector: labels(&spec.node_selector),
        node_affinity: spec.affinity.as_ref().and_then(|affinity| node_affinity(affinity.node_affinity.as_ref()?)),
        tolerations: tolerations
            .map(|(index, item)| toleration(item, &format!("{path}.tolerations[{index}]"), errors))
            .collect(),
        topology_spread: spec.topology_spread_constraints.iter().flatten().map(spread).collect(),
        restart_policy,
        termination_grace_seconds: spec.termination_grace_period_seconds,
        priority_class: name(&spec.priority_class_name),
        priority: spec.priority,
        never_preempts,
        scheduler_name: name(&spec.scheduler_name),
        host_network: spec.host_network.unwrap_or(false),
        overhead: resources(&spec.overhead),
        scheduling_gates: spec.scheduling_gates.iter().flatten().map(|gate| gate.name.as_str().into()).collect(),
        source: if source.is_null() { None } else { document(source) },
    }
}

/// Whether a preemption policy says `Never`.
pub fn preemption_policy(policy: &Option<String>, path: &str, errors: &mut FieldErrors) -> bool {
    match policy.as_deref() {
        None | Some("PreemptLowerPriority") => false,
        Some("Never") => true,
        Some("") => {
            errors.required(path, "");
            false
        }
        Some(other) => {
            errors.not_supported(path, other, &["PreemptLowerPriority", "Never"]);
            false
        }
    }
}

fn container(container: &v1::Container) -> Container {
    let empty = v1::ResourceRequirements::default();
    let amounts = container.resources.as_ref().unwrap_or(&empty);
    Container {
        name: container.name.as_str().into(),
        image: name(&container.image),
        requests: resources(&amounts.requests),
        limits: resources(&amounts.limits),
        ports: container.ports.iter().flatten().map(port).collect(),
        is_sidecar: container.restart_policy.as_deref() == Some("Always"),
    }
}

fn port(port: &v1::ContainerPort) -> ContainerPort {
    ContainerPort {
        name: name(&port.name),
        port: port.container_port,
        host_port: port.host_port.unwrap_or(0),
        protocol: name(&port.protocol),
    }
}

/// An effect; `path` is where to say that it is none.
pub fn effect(text: &str, path: &str, errors: &mut FieldErrors) -> Option<Effect> {
    let effect = Effect::named(text);
    if effect.is_none() {
        errors.not_supported(path, text, &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
    }
    effect
}

fn toleration(toleration: &v1::Toleration, path: &str, errors: &mut FieldErrors) -> Toleration {
    let key = name(&toleration.key);
    let text = toleration.operator.as_deref().unwrap_or_default();
    let operator = match text {
        "Exists" => TolerationOperator::Exists,
        "" | "Equal" => TolerationOperator::Equal,
        // The gate of `Lt` and `Gt` is off, so upstream does not support them either.
        other => {
            errors.not_supported(format!("{path}.operator"), other, &["Equal", "Exists"]);
            TolerationOperator::Comparison
        }
    };
    if key.is_empty() && text != "Exists" && text != "Equal" {
        // The object no longer knows which word stood there.
        let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        errors.invalid(format!("{path}.operator"), quoted(text), detail);
    }
    let effect_text = toleration.effect.as_deref().unwrap_or_default();
    Toleration {
        key,
        operator,
        value: name(&toleration.value),
        effect: if effect_text.is_empty() { None } else { effect(effect_text, &format!("{path}.effect"), errors) },
        seconds: toleration.toleration_seconds,
    }
}

/// A constraint; what is wrong with it, `check` has said.
fn spread(constraint: &v1::TopologySpreadConstraint) -> SpreadConstraint {
    let policy = |text: &Option<String>| match text.as_deref() {
        Some("Honor") => Some(InclusionPolicy::Honor),
        Some("Ignore") => Some(InclusionPolicy::Ignore),
        _ => None,
    };
    let said = &mut FieldErrors::default();
    SpreadConstraint {
        max_skew: constraint.max_skew,
        topology_key: constraint.topology_key.as_str().into(),
        is_hard: constraint.when_unsatisfiable == "DoNotSchedule",
        selector: constraint.label_selector.as_ref().map(|given| selector(given, "", said)),
        min_domains: constraint.min_domains,
        node_affinity_policy: policy(&constraint.node_affinity_policy),
        node_taints_policy: policy(&constraint.node_taints_policy),
        match_label_keys: constraint.match_label_keys.iter().flatten().map(|key| key.as_str().into()).collect(),
    }
}

fn status(status: &v1::PodStatus) -> PodStatus {
    let phase = match status.phase.as_deref().unwrap_or_default() {
        "Running" => Phase::Running,
        "Succeeded" => Phase::Succeeded,
        "Failed" => Phase::Failed,
        "Unknown" => Phase::Unknown,
        _ => Phase::Pending,
    };
    let conditions = status.conditions.iter().flatten().map(|item| {
        condition(&item.type_, &item.status, [&item.reason, &item.message], &item.last_transition_time, &None)
    });
    PodStatus {
        phase,
        conditions: conditions.collect(),
        containers: status.container_statuses.iter().flatten().map(container_status).collect(),
        ip: ip(&status.pod_ip),
        start_time: status.start_time.as_ref().map(|_| timestamp(&status.start_time)),
        nominated_node: name(&status.nominated_node_name),
        reason: name(&status.reason),
        message: name(&status.message),
    }
}

fn container_status(status: &v1::ContainerStatus) -> ContainerStatus {
    let state = status.state.clone().unwrap_or_default();
    let waiting = state.waiting.and_then(|waiting| waiting.reason);
    let ended = state.terminated.or_else(|| status.last_state.clone().unwrap_or_default().terminated);
    ContainerStatus {
        name: status.name.as_str().into(),
        is_running: state.running.is_some(),
        is_ready: status.ready,
        restart_count: u32::try_from(status.restart_count).unwrap_or(0),
        exit_code: ended.map(|ended| ended.exit_code),
        waiting: name(&waiting),
    }
}
