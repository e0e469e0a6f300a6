//! What keeps a workload that is stuck, and what would help.

use super::outlook::Need;
use super::words::counted;
use crate::cluster::World;
use crate::cluster::settle::why_uncreated;
use crate::object::taint::{NOT_READY, UNREACHABLE, tolerated_for_ever};
use crate::object::{Deployment, Key, Kind, Name, Node, Phase};
use crate::record::situation::Situation;
use crate::record::workloads::{PodRecord, Workload, WorkloadId, workload_name};
use crate::scenario::measure::Evidence;
use crate::scenario::rule;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What keeps a workload in a cluster in which nothing of it moves any more.
pub fn needs(world: &World, id: &WorkloadId, workload: &Workload) -> Vec<Need> {
    let pods: Vec<(&Key, &PodRecord)> =
        world.recorder().workloads.pods().filter(|(_, record)| record.workload.as_ref() == Some(id)).collect();
    let mut needs = Vec::new();
    needs.extend(paused(world, id));
    needs.extend(unplaced(world, id, &pods));
    needs.extend(on_lost_nodes(world, &pods));
    needs.extend(never_ready(world, id, &pods));
    if needs.is_empty() {
        needs.push(unexplained(world, id, workload, &pods));
    }
    needs
}

fn need(what: String, needs: impl Into<String>) -> Need {
    Need { what, needs: needs.into() }
}

/// A rollout that somebody has stopped.
fn paused(world: &World, id: &WorkloadId) -> Option<Need> {
    let is_it = |deployment: &&Arc<Deployment>| id.0 == Kind::Deployment && deployment.meta.key == id.1;
    let deployment = world.objects::<Deployment>().find(is_it)?;
    let resume = || format!("`kubectl rollout resume {}`", workload_name(id));
    deployment.spec.paused.then(|| need("its rollout is paused".into(), resume()))
}

fn unplaced(world: &World, id: &WorkloadId, pods: &[(&Key, &PodRecord)]) -> Option<Need> {
    let is_unplaced = |situation: &Situation| matches!(situation, Situation::Pending | Situation::Unschedulable);
    let count = pods.iter().filter(|(_, record)| is_unplaced(&record.situation)).count();
    if count == 0 {
        return None;
    }
    let evidence = Evidence { recorder: world.recorder(), hold: world.config().hold, end: world.now() };
    Some(match rule::why_unplaced(evidence, Some(&workload_name(id))) {
        Some(why) => need(format!("{} nowhere ({why})", pods_that(count, "fits", "fit")), room(&why)),
        None => need(
            format!("of {} without a node the scheduler says nothing", counted(count, "pod")),
            "a scheduler that looks at them: one of their `schedulerName`, and no scheduling gates",
        ),
    })
}

/// What would make room, by the scheduler's words.
fn room(why: &str) -> String {
    let hints = [
        ("Insufficient", "room: another node, lower requests, or fewer pods"),
        ("Too many pods", "room: another node, or fewer pods"),
        ("untolerated taint", "nodes whose taints it tolerates: those that are down to come back, or a toleration"),
        ("node affinity/selector", "nodes with the labels that it asks for"),
        ("were unschedulable", "`kubectl uncordon` of a node"),
        ("topology spread", "nodes where its spread allows another pod, or another spread"),
        ("free ports", "nodes with the port free, or fewer pods"),
    ];
    let mut found: Vec<&str> = hints.iter().filter(|(word, _)| why.contains(word)).map(|&(_, hint)| hint).collect();
    if found.is_empty() {
        found.push("another node");
    }
    found.join("; or ")
}

/// Whether a node has a kubelet that the control plane can reach.
fn answers(world: &World, node: &Name) -> bool {
    let ground = world.ground();
    ground.find(node).is_some_and(|id| ground.is_connected(id) && ground[id].hangs == 0)
}

/// Pods on nodes that do not answer.
fn on_lost_nodes(world: &World, pods: &[(&Key, &PodRecord)]) -> Vec<Need> {
    let mut by_node: BTreeMap<&Name, Vec<(&Key, &PodRecord)>> = BTreeMap::new();
    for &(key, record) in pods {
        let is_well = record.situation == Situation::Ready && record.is_serving;
        let is_over = matches!(record.situation, Situation::Ended(_));
        if !record.node.is_empty() && !is_well && !is_over && !answers(world, &record.node) {
            by_node.entry(&record.node).or_default().push((key, record));
        }
    }
    by_node.into_iter().filter_map(|(node, pods)| on_lost_node(world, node, &pods)).collect()
}

fn on_lost_node(world: &World, node: &Name, pods: &[(&Key, &PodRecord)]) -> Option<Need> {
    // A controller makes others for those that are being deleted; what has none waits for its name.
    let staying: Vec<&PodRecord> =
        pods.iter().filter(|(_, record)| !record.is_terminating).map(|&(_, record)| record).collect();
    let bare = pods.iter().filter(|(_, record)| matches!(&record.workload, Some((Kind::Pod, _))));
    let leaving = bare.filter(|(_, record)| record.is_terminating).count();
    let help = |pods: &str| format!("{node} back, or somebody who deletes {pods} by force, or the node");
    if leaving > 0 {
        return Some(need(format!("its pod is being deleted on {node}, which does not answer"), help("it")));
    }
    let first = staying.first()?;
    let known = world.store().table(Kind::Node).typed::<Node>(&Key::cluster(node.clone()));
    let mut taints = known.into_iter().flat_map(|node| node.evicting_taints());
    let evicts = taints.find(|taint| [NOT_READY, UNREACHABLE].contains(&taint.key.as_str()));
    let why = match evicts {
        Some(taint) if tolerated_for_ever(&first.pod.spec.tolerations, taint) => "and that is tolerated for ever",
        Some(_) => "and nobody deletes the pods",
        None => "and the node is not tainted: evictions are held back while so much of its zone is gone",
    };
    let pods = pods_that(staying.len(), "stays", "stay");
    Some(need(format!("{pods} on {node}, which does not answer, {why}"), help("the pods")))
}

/// Pods on good nodes that run, or do not even start, and are never ready.
fn never_ready(world: &World, id: &WorkloadId, pods: &[(&Key, &PodRecord)]) -> Vec<Need> {
    let count = |wanted: fn(&Situation) -> bool| {
        pods.iter().filter(|(_, record)| wanted(&record.situation) && answers(world, &record.node)).count()
    };
    let running = count(|situation| *situation == Situation::Running);
    let creating = count(|situation| matches!(situation, Situation::Creating | Situation::Waiting(_)));
    let undo = match pods.iter().any(|(_, record)| !record.is_current && !record.is_terminating) {
        true => format!(", or `kubectl rollout undo {}`", workload_name(id)),
        false => String::new(),
    };
    let mut needs = Vec::new();
    if running > 0 {
        let what = format!("{}, but never ready", pods_that(running, "runs", "run"));
        needs.push(need(what, format!("containers that become ready: another image, configuration or probe{undo}")));
    }
    if creating > 0 {
        let what = format!("{} a node and cannot start", pods_that(creating, "has", "have"));
        needs.push(need(what, "kubelets and a registry that start them"));
    }
    needs
}

/// `1 pod fits`, `2 pods fit`.
fn pods_that(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", counted(count, "pod"), if count == 1 { one } else { many })
}

/// Nothing of it is there that would explain it.
fn unexplained(world: &World, id: &WorkloadId, workload: &Workload, pods: &[(&Key, &PodRecord)]) -> Need {
    let missing = (workload.desired.value() - workload.live.value()).max(0) as usize;
    let failed = pods.iter().find(|(_, record)| record.pod.status.phase == Phase::Failed);
    if let (Kind::Pod, Some((_, failed))) = (id.0, failed) {
        let status = &failed.pod.status;
        let why = if status.message.is_empty() { "its containers have ended" } else { &status.message };
        return need(
            format!("its pod has failed ({})", why.trim_end_matches([' ', '.'])),
            "somebody who applies it again where it can run, better with a controller",
        );
    }
    if let Some(why) = why_uncreated(world, id).filter(|_| missing > 0) {
        let what = format!("{} missing ({why})", pods_that(missing, "is", "are"));
        return need(what, "a template that the API server takes");
    }
    match id.0 {
        Kind::Pod => need(
            "its pod is gone, and a pod without a controller is not made again".into(),
            "somebody who applies it again, better with a controller",
        ),
        _ if missing > 0 => need(
            format!("{} missing, and nobody makes them", pods_that(missing, "is", "are")),
            "a controller manager that runs and may make pods",
        ),
        _ if workload.rollout.is_stuck.value() == 1 => need(
            "its rollout does not get on (ProgressDeadlineExceeded)".into(),
            format!("another template, or `kubectl rollout undo {}`", workload_name(id)),
        ),
        _ => need("nothing of it moves any more".into(), "somebody to look at its pods"),
    }
}
