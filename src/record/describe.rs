//! A commit in a few words.

use crate::object::deployment::PROGRESSING;
use crate::object::fact::Verb;
use crate::object::pod::conditions;
use crate::object::{
    ConditionStatus, Deployment, EndpointSlice, Lease, Node, Object, Pod, ReplicaSet, condition, node,
};

/// What a commit changed; `None` if it is not worth a fact: a lease that was renewed, a status that only beats.
pub fn describe(verb: Verb, old: Option<&Object>, new: Option<&Object>) -> Option<String> {
    let (Some(old), Some(new)) = (old, new) else {
        return new.is_none_or(|new| new.of::<crate::object::Event>().is_none()).then(|| birth(verb, old.or(new)));
    };
    let mut words = Vec::new();
    if verb == Verb::Terminating
        && let Some(deletion) = new.meta().deletion
    {
        words.push(format!("grace {}s", deletion.grace_seconds));
    }
    if let (Some(old), Some(new)) = (old.of::<Pod>(), new.of::<Pod>()) {
        pod(old, new, &mut words);
    } else if let (Some(old), Some(new)) = (old.of::<Node>(), new.of::<Node>()) {
        self::node(old, new, &mut words);
    } else if let (Some(old), Some(new)) = (old.of::<Deployment>(), new.of::<Deployment>()) {
        changed("replicas", old.replicas(), new.replicas(), &mut words);
        changed("ready", old.status.ready_replicas, new.status.ready_replicas, &mut words);
        changed("available", old.status.available_replicas, new.status.available_replicas, &mut words);
        let progress = |deployment: &Deployment| condition::find(&deployment.status.conditions, PROGRESSING).cloned();
        let (before, after) = (progress(old), progress(new));
        if let Some(after) = after.filter(|after| before.is_some_and(|before| before.status != after.status)) {
            words.push(format!("{PROGRESSING}={} ({})", after.status, after.reason));
        }
    } else if let (Some(old), Some(new)) = (old.of::<ReplicaSet>(), new.of::<ReplicaSet>()) {
        changed("wanted", old.replicas(), new.replicas(), &mut words);
        changed("replicas", old.status.replicas, new.status.replicas, &mut words);
        changed("ready", old.status.ready_replicas, new.status.ready_replicas, &mut words);
    } else if let (Some(old), Some(new)) = (old.of::<EndpointSlice>(), new.of::<EndpointSlice>()) {
        let ready = |slice: &EndpointSlice| slice.endpoints.iter().filter(|endpoint| endpoint.ready).count();
        changed("ready", ready(old), ready(new), &mut words);
        changed("endpoints", old.endpoints.len(), new.endpoints.len(), &mut words);
    } else if new.of::<Lease>().is_some() || new.of::<crate::object::Event>().is_some() {
        return None;
    }
    if words.is_empty() && is_heartbeat(old, new) {
        return None;
    }
    Some(words.join(", "))
}

fn birth(verb: Verb, object: Option<&Object>) -> String {
    let node = object.and_then(Object::of::<Pod>).map_or("", |pod| pod.node_name.as_str());
    if verb == Verb::Deleted && !node.is_empty() { format!("was on {node}") } else { String::new() }
}

fn changed<T: PartialEq + std::fmt::Display>(name: &str, old: T, new: T, words: &mut Vec<String>) {
    if old != new {
        words.push(format!("{name} {old} -> {new}"));
    }
}

fn pod(old: &Pod, new: &Pod, words: &mut Vec<String>) {
    if old.node_name != new.node_name {
        words.push(format!("bound to {}", new.node_name));
    }
    if old.status.phase != new.status.phase {
        let phase = new.status.phase.name();
        words.push(match new.status.reason.as_str() {
            "" => phase.to_string(),
            reason => format!("{phase} ({reason})"),
        });
    }
    let waiting = |pod: &Pod| pod.status.containers.iter().map(|container| container.waiting.clone()).max();
    if let Some(reason) = waiting(new).filter(|reason| !reason.is_empty() && waiting(old).as_ref() != Some(reason)) {
        words.push(reason.to_string());
    }
    for kind in [conditions::READY, conditions::SCHEDULED, conditions::DISRUPTION_TARGET] {
        let status = |pod: &Pod| condition::status(&pod.status.conditions, kind);
        if status(old) != status(new)
            && let Some(condition) = condition::find(&new.status.conditions, kind)
            && (kind != conditions::SCHEDULED || old.node_name == new.node_name)
        {
            let reason = if condition.reason.is_empty() { String::new() } else { format!(" ({})", condition.reason) };
            words.push(format!("{kind}={}{reason}", condition.status));
        }
    }
}

fn node(old: &Node, new: &Node, words: &mut Vec<String>) {
    if old.ready() != new.ready()
        && let Some(ready) = new.ready()
    {
        words.push(format!("Ready={ready}"));
    }
    let pressure = |node: &Node| condition::status(&node.conditions, node::conditions::DISK_PRESSURE);
    let (before, after) = (pressure(old), pressure(new));
    if before != after && [before, after].contains(&Some(ConditionStatus::True)) {
        words.extend(after.map(|status| format!("DiskPressure={status}")));
    }
    let has = |node: &Node, taint: &crate::object::taint::Taint| {
        node.taints.iter().any(|other| (&other.key, other.effect) == (&taint.key, taint.effect))
    };
    words.extend(new.taints.iter().filter(|taint| !has(old, taint)).map(|taint| format!("+{taint}")));
    words.extend(old.taints.iter().filter(|taint| !has(new, taint)).map(|taint| format!("-{taint}")));
    if old.unschedulable != new.unschedulable {
        words.push(if new.unschedulable { "cordoned" } else { "uncordoned" }.to_string());
    }
}

/// Whether only times differ.
fn is_heartbeat(old: &Object, new: &Object) -> bool {
    match (old.of::<Node>(), new.of::<Node>()) {
        (Some(old), Some(new)) => old.ready() == new.ready(),
        _ => false,
    }
}
