//! One clause for each kind of fact, in upstream's words: who did what to whom.
//!
//! Who it was is not in a fact; it follows from what was done and from what led to it, as only one program does each.

use super::sets::change_of;
use super::{Tale, span};
use crate::kernel::time::Span;
use crate::object::fact::Verb;
use crate::object::setting::Unit;
use crate::object::{DelayId, Fact, FactId, Key, Kind, SettingId};

/// A name as people say it: with its namespace unless that is `default`.
pub fn called(key: &Key) -> String {
    if key.namespace.is_empty() || key.namespace == "default" { key.name.to_string() } else { key.to_string() }
}

/// The clause for a fact, without its time.
pub fn clause(tale: &Tale<'_>, id: FactId) -> String {
    match &tale.fact(id).fact {
        Fact::Commit { verb, kind: Kind::Pod, key, what } => pod(tale, id, *verb, key, what),
        Fact::Commit { verb, kind: Kind::Node, key, what } => node(tale, id, *verb, &key.name, what),
        Fact::Commit { verb, kind: Kind::Deployment, key, what } => deployment(tale, id, *verb, key, what),
        Fact::Commit { verb, kind: Kind::ReplicaSet, key, what } => replica_set(tale, id, *verb, key, what),
        Fact::Commit { verb, kind: Kind::EndpointSlice, key, what } => slice(*verb, key, what),
        Fact::Commit { verb, kind, key, what } => other(*verb, *kind, key, what),
        Fact::Scheduled { pod, node } => format!("the scheduler chose {node} for {}", called(pod)),
        Fact::Unschedulable { pod, message } => format!("the scheduler found no node for {}: {message}", called(pod)),
        Fact::Acted { event, what } => acted(tale, event, what),
        Fact::FaultBegan { fault, what } => format!("event `{fault}` began: {}", few(what)),
        Fact::FaultEnded { fault } => format!("event `{fault}` was over"),
        Fact::EvictionRate { zone, state, milli } => {
            let zone = if zone.is_empty() { "the nodes without a zone".to_string() } else { format!("zone {zone}") };
            let rate = Unit::Rate.show(*milli);
            format!("the node lifecycle controller judged {zone} anew: {state}, {rate} evicted")
        }
        Fact::MachineDown(node) => format!("the machine of {node} went down"),
        Fact::MachineUp(node) => format!("the machine of {node} ran again"),
        Fact::KubeletDown(node) => format!("the kubelet of {node} stopped"),
        Fact::KubeletUp(node) => format!("the kubelet of {node} ran again"),
        Fact::LinkCut(node) => format!("the link between {node} and the control plane was cut"),
        Fact::LinkHealed(node) => format!("the link between {node} and the control plane carried again"),
        Fact::ContainersStarted { pod, node, .. } => format!("the containers of {} started on {node}", called(pod)),
        Fact::ContainersReady { pod, .. } => format!("the containers of {} were ready to serve", called(pod)),
        Fact::ContainersStopped { pod, node } => format!("the containers of {} stopped on {node}", called(pod)),
        Fact::Routed { service, node, endpoints, .. } => {
            format!(
                "kube-proxy on {node} sent traffic of {} to {} ready",
                called(service),
                endpoints_in_words(*endpoints)
            )
        }
    }
}

fn endpoints_in_words(count: u32) -> String {
    if count == 1 { "1 endpoint that was".to_string() } else { format!("{count} endpoints that were") }
}

/// A fault and its nodes; of many only how many.
fn few(what: &str) -> String {
    let words: Vec<&str> = what.split(' ').collect();
    match words.as_slice() {
        [fault, nodes @ ..] if nodes.len() > 4 => format!("{fault} of {} nodes", nodes.len()),
        [fault, nodes @ ..] if !nodes.is_empty() => format!("{fault} of {}", nodes.join(", ")),
        _ => what.to_string(),
    }
}

fn acted(tale: &Tale<'_>, event: &str, what: &str) -> String {
    const LONGEST: usize = 60;
    let deed = tale.deed(event);
    if what.chars().count() <= LONGEST || deed.is_empty() {
        return format!("event `{event}`: {what}");
    }
    // Patches are as long as they please.
    let words: Vec<&str> = what.split(' ').take(2).collect();
    let more = if words.first() == Some(&deed) { String::new() } else { format!(" ({deed})") };
    format!("event `{event}`: {}{more}", words.join(" "))
}

fn pod(tale: &Tale<'_>, id: FactId, verb: Verb, key: &Key, what: &str) -> String {
    let name = called(key);
    match verb {
        Verb::Created => match (tale.set_of(key), tale.seen_by_set(key, id)) {
            (Some(set), Some((there, wanted))) if wanted > there => {
                format!("ReplicaSet {set} saw {there} of {wanted} pods and created {name}")
            }
            (Some(set), _) => format!("ReplicaSet {set} created {name}"),
            (None, _) => format!("{name} was created"),
        },
        Verb::Terminating => deleted(tale, id, key),
        Verb::Deleted => match tale.cause(id).map(|cause| &tale.fact(cause).fact) {
            Some(Fact::Commit { kind: Kind::Node, .. }) => {
                format!("pod garbage collection removed {name}, which had no node any more")
            }
            _ => format!("{name} was gone"),
        },
        Verb::Updated => pod_updated(tale, id, &name, what),
    }
}

/// Who deleted a pod follows from what led to it.
fn deleted(tale: &Tale<'_>, id: FactId, key: &Key) -> String {
    let name = called(key);
    match tale.cause(id).map(|cause| &tale.fact(cause).fact) {
        Some(Fact::Commit { kind: Kind::Node, what, verb: Verb::Updated, .. }) if what.contains("out-of-service") => {
            format!("pod garbage collection deleted {name}")
        }
        Some(Fact::Commit { kind: Kind::Node, verb: Verb::Deleted, .. }) => {
            format!("pod garbage collection deleted {name}")
        }
        Some(Fact::Commit { kind: Kind::Node, .. }) => format!("the taint eviction controller deleted {name}"),
        Some(Fact::Commit { kind: Kind::ReplicaSet | Kind::Pod, .. }) => match tale.set_of(key) {
            Some(set) => match tale.seen_by_set(key, id) {
                Some((there, wanted)) if there > wanted => {
                    format!("ReplicaSet {set} saw {there} pods for {wanted} and deleted {name}")
                }
                _ => format!("ReplicaSet {set} deleted {name}"),
            },
            None => format!("{name} was deleted"),
        },
        Some(Fact::Acted { event, .. }) if tale.deed(event) == "node.drain" => format!("the drain evicted {name}"),
        _ => format!("{name} was deleted"),
    }
}

fn pod_updated(tale: &Tale<'_>, id: FactId, name: &str, what: &str) -> String {
    let cause = tale.cause(id).map(|cause| &tale.fact(cause).fact);
    let pieces: Vec<&str> = what.split(", ").collect();
    let has = |text: &str| pieces.iter().any(|piece| piece.starts_with(text));
    if let Some(node) = pieces.iter().find_map(|piece| piece.strip_prefix("bound to ")) {
        format!("{name} was bound to {node}")
    } else if has("DisruptionTarget=True (DeletionByTaintManager)") {
        format!("the taint eviction controller marked {name} for deletion")
    } else if has("DisruptionTarget=True (EvictionByEvictionAPI)") {
        format!("the eviction of {name} was asked for")
    } else if has("DisruptionTarget=True (DeletionByPodGC)") {
        format!("pod garbage collection marked {name}, whose node is gone")
    } else if has("Failed") && has("DisruptionTarget=True (TerminationByKubelet)") {
        format!("the kubelet had evicted {name}")
    } else if has("DisruptionTarget=True (TerminationByKubelet)") {
        format!("the kubelet began to evict {name}")
    } else if has("Failed") {
        format!("{name} was reported as failed")
    } else if has("Succeeded") {
        format!("the kubelet reported that {name} had ended")
    } else if has("ErrImagePull") {
        format!("the kubelet could not pull the image of {name}")
    } else if has("ImagePullBackOff") {
        format!("the kubelet waited before it tried the image of {name} again")
    } else if has("Ready=True") {
        format!("the API called {name} ready")
    } else if has("Ready=False") && matches!(cause, Some(Fact::Commit { kind: Kind::Node, .. })) {
        format!("the node lifecycle controller called {name} not ready")
    } else if has("Running") && has("Ready=False") {
        format!("the kubelet reported {name} as running, not ready yet")
    } else if has("Ready=False") {
        format!("the kubelet reported {name} as not ready")
    } else if has("PodScheduled=False") {
        format!("the scheduler wrote down that there is no node for {name}")
    } else if what.is_empty() {
        format!("the status of {name} was written")
    } else {
        format!("{name} changed: {what}")
    }
}

fn node(tale: &Tale<'_>, id: FactId, verb: Verb, name: &str, what: &str) -> String {
    match verb {
        Verb::Created => return format!("the kubelet registered node {name}"),
        Verb::Terminating | Verb::Deleted => return format!("the object of node {name} was deleted"),
        Verb::Updated => {}
    }
    let by_hand = matches!(tale.cause(id).map(|cause| &tale.fact(cause).fact), Some(Fact::Acted { .. }));
    let said = |piece: &str| -> String {
        if let Some(taint) = piece.strip_prefix('+') {
            let by = if by_hand { "somebody" } else { "the node lifecycle controller" };
            return format!("{by} gave {name} the taint {}", short_taint(taint));
        }
        if let Some(taint) = piece.strip_prefix('-') {
            let by = if by_hand { "somebody" } else { "the node lifecycle controller" };
            return format!("{by} took the taint {} off {name}", short_taint(taint));
        }
        match piece {
            "Ready=Unknown" => format!("the node lifecycle controller found {name} silent and set Ready=Unknown"),
            "Ready=True" => format!("the kubelet of {name} reported it ready"),
            "Ready=False" => format!("the kubelet of {name} reported it not ready"),
            "DiskPressure=True" => format!("the kubelet of {name} reported disk pressure"),
            "DiskPressure=False" => format!("the kubelet of {name} reported no disk pressure any more"),
            "cordoned" => format!("{name} was cordoned"),
            "uncordoned" => format!("{name} was uncordoned"),
            "" => format!("node {name} was written"),
            other => format!("node {name} changed: {other}"),
        }
    };
    let pieces: Vec<String> = what.split(", ").map(said).collect();
    pieces.join(" and ")
}

/// `unreachable:NoExecute`: the prefix of Kubernetes' own taints goes without saying.
fn short_taint(taint: &str) -> &str {
    taint.strip_prefix("node.kubernetes.io/").unwrap_or(taint)
}

fn deployment(tale: &Tale<'_>, id: FactId, verb: Verb, key: &Key, what: &str) -> String {
    let name = called(key);
    let by_hand = matches!(tale.cause(id).map(|cause| &tale.fact(cause).fact), Some(Fact::Acted { .. }));
    match verb {
        Verb::Created => return format!("Deployment {name} was applied"),
        Verb::Terminating | Verb::Deleted => return format!("Deployment {name} was deleted"),
        Verb::Updated => {}
    }
    if let Some((old, new)) = change_of(what, "replicas") {
        return format!("Deployment {name} wanted {new} pods instead of {old}");
    }
    match change_of(what, "ready").or_else(|| change_of(what, "available")) {
        Some((old, new)) => {
            let word = if change_of(what, "ready").is_some() { "ready" } else { "available" };
            format!("Deployment {name} counted {new} {word} pods instead of {old}")
        }
        None if by_hand => format!("Deployment {name} was changed"),
        None => format!("the status of Deployment {name} was written"),
    }
}

fn replica_set(tale: &Tale<'_>, id: FactId, verb: Verb, key: &Key, what: &str) -> String {
    let name = called(key);
    match verb {
        Verb::Created => {
            return match tale.first_wanted(key, id) {
                Some(wanted) => format!("a new ReplicaSet {name} was made that wanted {wanted} pods"),
                None => format!("a new ReplicaSet {name} was made"),
            };
        }
        Verb::Terminating | Verb::Deleted => return format!("ReplicaSet {name} was deleted"),
        Verb::Updated => {}
    }
    if let Some((old, new)) = change_of(what, "wanted") {
        return format!("the Deployment controller scaled ReplicaSet {name} from {old} to {new}");
    }
    if let Some((old, new)) = change_of(what, "ready") {
        return format!("ReplicaSet {name} counted {new} ready pods instead of {old}");
    }
    match change_of(what, "replicas") {
        Some((old, new)) => format!("ReplicaSet {name} counted {new} pods instead of {old}"),
        None => format!("the status of ReplicaSet {name} was written"),
    }
}

fn slice(verb: Verb, key: &Key, what: &str) -> String {
    let name = called(key);
    match verb {
        Verb::Created => format!("EndpointSlice {name} was made"),
        Verb::Terminating | Verb::Deleted => format!("EndpointSlice {name} was deleted"),
        Verb::Updated => match (change_of(what, "ready"), change_of(what, "endpoints")) {
            (Some((old, new)), _) => format!("EndpointSlice {name} named {new} ready endpoints instead of {old}"),
            (None, Some((old, new))) => format!("EndpointSlice {name} named {new} endpoints instead of {old}"),
            (None, None) => format!("EndpointSlice {name} was written"),
        },
    }
}

fn other(verb: Verb, kind: Kind, key: &Key, what: &str) -> String {
    let name = called(key);
    let how = match verb {
        Verb::Created => "was created",
        Verb::Updated => "changed",
        Verb::Terminating => "began to go",
        Verb::Deleted => "was deleted",
    };
    let more = if what.is_empty() { String::new() } else { format!(": {what}") };
    format!("{kind} {name} {how}{more}")
}

/// How long a fact had to be waited for since its cause; none if it has none.
pub fn waited(tale: &Tale<'_>, id: FactId) -> Option<Span> {
    let cause = tale.cause(id)?;
    Some(tale.fact(id).at.since(tale.fact(cause).at))
}

/// The setting, or the modelled delays, whose time the wait before a fact was, with the value that holds.
pub fn owner(tale: &Tale<'_>, id: FactId) -> Option<String> {
    let recorded = tale.fact(id);
    if let Some(setting) = recorded.why.setting {
        return Some(format!("{} {}", setting.row().name, tale.config.settings.show(setting)));
    }
    let waited = waited(tale, id)?;
    let cause = tale.cause(id).map(|cause| &tale.fact(cause).fact);
    let is_eviction = matches!(&recorded.fact, Fact::Commit { verb: Verb::Terminating, kind: Kind::Pod, .. });
    if is_eviction && waited >= Span::from_secs(1) && matches!(cause, Some(Fact::Commit { kind: Kind::Node, .. })) {
        return Some("its own tolerationSeconds".to_string());
    }
    let delays: &[DelayId] = match (&recorded.fact, cause) {
        // Nearly all of it was a back-off that grew.
        (Fact::ContainersStarted { failed, .. }, _) if *failed > Span::ZERO => {
            return Some(format!("images that could not be pulled for {}", span(*failed)));
        }
        (Fact::ContainersStarted { pulled: Span::ZERO, .. }, _) => &[DelayId::ContainerStart],
        (Fact::ContainersStarted { .. }, _) => &[DelayId::ImagePull, DelayId::ContainerStart],
        (Fact::ContainersReady { .. }, _) => &[DelayId::ReadyAfter],
        (Fact::MachineUp(_), _) => &[DelayId::NodeBoot],
        (Fact::ContainersStopped { .. }, Some(Fact::Commit { .. })) => &[DelayId::ContainerStop],
        (Fact::Commit { kind: Kind::Node | Kind::Pod, .. }, Some(Fact::LinkHealed(_))) => &[DelayId::KubeletReconnect],
        _ => &[],
    };
    let names: Vec<&str> = delays.iter().map(|delay| delay.row().name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The wait before a fact as it is said behind its clause: `after 53.2s without a sign of life (node-monitor-grace-period
/// 50s)`; empty if nothing worth a word was waited for.
pub fn waiting(tale: &Tale<'_>, id: FactId) -> String {
    const WORTH_A_WORD: Span = Span::from_millis(100);
    let Some(waited) = waited(tale, id).filter(|waited| *waited >= WORTH_A_WORD) else { return String::new() };
    let long = span(waited);
    let Some(owner) = owner(tale, id) else { return format!("after {long}") };
    let what = match tale.fact(id).why.setting {
        Some(SettingId::NodeMonitorGracePeriod | SettingId::NodeStartupGracePeriod) => " without a sign of life",
        Some(SettingId::DefaultUnreachableToleration | SettingId::DefaultNotReadyToleration) => " of toleration",
        Some(SettingId::NodeEvictionRate | SettingId::SecondaryNodeEvictionRate) => {
            " in which other nodes had their turn"
        }
        _ => "",
    };
    format!("after {long}{what} ({owner})")
}
