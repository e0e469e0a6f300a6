//! Pods and pod specs.

use super::node_affinity::node_affinity;
use super::overlay::Overlay;
use super::{conditions, flag, labels, list, object, preemption_policy, resources, selector, text, timestamp};
use crate::object::pod::{Container, ContainerPort, ContainerStatus, Pod, PodSpec, PodStatus};
use crate::object::taint::{Toleration, TolerationOperator};
use crate::object::topology_spread::{InclusionPolicy, SpreadConstraint};
use serde_json::{Value, json};

/// Spec, node and status of a pod.
pub fn pod(overlay: &mut Overlay, now: &Pod, was: &Pod) {
    pod_spec(overlay, "/spec", &now.spec, &was.spec);
    overlay.change("/spec/nodeName", &now.node_name, &was.node_name, text);
    status(overlay, &now.status, &was.status);
}

/// The spec at `path`.
pub fn pod_spec(overlay: &mut Overlay, path: &str, now: &PodSpec, was: &PodSpec) {
    containers(overlay, &format!("{path}/containers"), &now.containers, &was.containers);
    containers(overlay, &format!("{path}/initContainers"), &now.init_containers, &was.init_containers);
    let at = |field: &str| format!("{path}/{field}");
    overlay.change(&at("nodeSelector"), &now.node_selector, &was.node_selector, labels);
    overlay.change(&at("affinity/nodeAffinity"), &now.node_affinity, &was.node_affinity, node_affinity);
    overlay.change(&at("tolerations"), &now.tolerations, &was.tolerations, |tolerations| {
        list(tolerations.iter().map(toleration))
    });
    overlay.change(&at("topologySpreadConstraints"), &now.topology_spread, &was.topology_spread, |constraints| {
        list(constraints.iter().map(spread))
    });
    overlay.change(&at("restartPolicy"), &now.restart_policy, &was.restart_policy, |policy| json!(policy.name()));
    let (new, old) = (&now.termination_grace_seconds, &was.termination_grace_seconds);
    overlay.change(&at("terminationGracePeriodSeconds"), new, old, |seconds| json!(seconds));
    overlay.change(&at("priorityClassName"), &now.priority_class, &was.priority_class, text);
    overlay.change(&at("priority"), &now.priority, &was.priority, |priority| json!(priority));
    overlay.change(&at("preemptionPolicy"), &now.never_preempts, &was.never_preempts, preemption_policy);
    overlay.change(&at("schedulerName"), &now.scheduler_name, &was.scheduler_name, text);
    overlay.change(&at("hostNetwork"), &now.host_network, &was.host_network, flag);
    overlay.change(&at("overhead"), &now.overhead, &was.overhead, resources);
    overlay.change(&at("schedulingGates"), &now.scheduling_gates, &was.scheduling_gates, |gates| {
        list(gates.iter().map(|gate| json!({"name": gate.as_str()})))
    });
}

/// Containers that are the same by name keep what the document says of them; others are built from what we know.
fn containers(overlay: &mut Overlay, path: &str, now: &[Container], was: &[Container]) {
    let is_same = now.len() == was.len() && now.iter().zip(was).all(|(new, old)| new.name == old.name);
    if !is_same {
        overlay.set(path, list(now.iter().map(container)));
        return;
    }
    for (index, (new, old)) in now.iter().zip(was).enumerate() {
        let at = format!("{path}/{index}");
        overlay.change(&format!("{at}/image"), &new.image, &old.image, text);
        overlay.change(&format!("{at}/resources/requests"), &new.requests, &old.requests, resources);
        overlay.change(&format!("{at}/resources/limits"), &new.limits, &old.limits, resources);
        overlay.change_list(&format!("{at}/ports"), &new.ports, &old.ports, port);
        overlay.change(&format!("{at}/restartPolicy"), &new.is_sidecar, &old.is_sidecar, sidecar);
    }
}

fn sidecar(is_sidecar: &bool) -> Value {
    if *is_sidecar { json!("Always") } else { Value::Null }
}

fn container(container: &Container) -> Value {
    let amounts = object([("limits", resources(&container.limits)), ("requests", resources(&container.requests))]);
    object([
        ("name", text(&container.name)),
        ("image", text(&container.image)),
        ("ports", list(container.ports.iter().map(port))),
        ("resources", amounts),
        ("restartPolicy", sidecar(&container.is_sidecar)),
    ])
}

fn port(port: &ContainerPort) -> Value {
    object([
        ("name", text(&port.name)),
        ("hostPort", if port.host_port == 0 { Value::Null } else { json!(port.host_port) }),
        ("containerPort", json!(port.port)),
        ("protocol", text(&port.protocol)),
    ])
}

fn toleration(toleration: &Toleration) -> Value {
    let operator = match toleration.operator {
        TolerationOperator::Equal => Value::Null,
        TolerationOperator::Exists => json!("Exists"),
        // Which of the two it was is not kept; neither matches anything.
        TolerationOperator::Comparison => json!("Lt"),
    };
    object([
        ("key", text(&toleration.key)),
        ("operator", operator),
        ("value", text(&toleration.value)),
        ("effect", toleration.effect.map_or(Value::Null, |effect| json!(effect.to_string()))),
        ("tolerationSeconds", json!(toleration.seconds)),
    ])
}

fn spread(constraint: &SpreadConstraint) -> Value {
    let policy = |policy: Option<InclusionPolicy>| policy.map_or(Value::Null, |policy| json!(policy.name()));
    object([
        ("maxSkew", json!(constraint.max_skew)),
        ("topologyKey", text(&constraint.topology_key)),
        ("whenUnsatisfiable", json!(if constraint.is_hard { "DoNotSchedule" } else { "ScheduleAnyway" })),
        ("labelSelector", constraint.selector.as_ref().map_or(Value::Null, selector)),
        ("minDomains", json!(constraint.min_domains)),
        ("nodeAffinityPolicy", policy(constraint.node_affinity_policy)),
        ("nodeTaintsPolicy", policy(constraint.node_taints_policy)),
        ("matchLabelKeys", list(constraint.match_label_keys.iter().map(text))),
    ])
}

fn status(overlay: &mut Overlay, now: &PodStatus, was: &PodStatus) {
    if overlay.document["status"]["phase"].is_null() || now.phase != was.phase {
        overlay.set("/status/phase", json!(now.phase.name()));
    }
    overlay.change("/status/conditions", &now.conditions, &was.conditions, |list| conditions(list, None));
    overlay.change("/status/containerStatuses", &now.containers, &was.containers, |containers| {
        list(containers.iter().map(container_status))
    });
    overlay.change("/status/podIP", &now.ip, &was.ip, |ip| ip.map_or(Value::Null, |ip| json!(ip.to_string())));
    overlay.change("/status/startTime", &now.start_time, &was.start_time, |time| time.map_or(Value::Null, timestamp));
    overlay.change("/status/nominatedNodeName", &now.nominated_node, &was.nominated_node, text);
    overlay.change("/status/reason", &now.reason, &was.reason, text);
    overlay.change("/status/message", &now.message, &was.message, text);
}

fn container_status(status: &ContainerStatus) -> Value {
    let ended = status.exit_code.map(|code| json!({"terminated": {"exitCode": code}}));
    let (state, last_state) = match (status.is_running, ended) {
        (true, ended) => (json!({"running": {}}), ended),
        (false, Some(ended)) => (ended, None),
        (false, None) => (json!({"waiting": {}}), None),
    };
    object([
        ("name", text(&status.name)),
        ("ready", json!(status.is_ready)),
        ("restartCount", json!(status.restart_count)),
        ("state", state),
        ("lastState", last_state.unwrap_or(Value::Null)),
        ("started", json!(status.is_running)),
        ("image", json!("")),
        ("imageID", json!("")),
    ])
}
