//! Pods (`printPod`).

use super::{Column, NONE, age, duration, items, name, number, text, text_or};
use crate::object::MicroTime;
use serde_json::Value;

/// Columns.
pub const COLUMNS: &[Column] = &[
    Column::new("Name"),
    Column::new("Ready"),
    Column::new("Status"),
    Column::new("Restarts"),
    Column::new("Age"),
    Column::wide("IP"),
    Column::wide("Node"),
    Column::wide("Nominated Node"),
    Column::wide("Readiness Gates"),
];

/// Cells.
pub fn cells(pod: &Value, now: MicroTime) -> Vec<String> {
    let shown = Shown::of(pod);
    let restarts = match shown.restarted {
        Some(last) if shown.restarts != 0 => {
            format!("{} ({} ago)", shown.restarts, duration::human(now.0 - last))
        }
        _ => shown.restarts.to_string(),
    };
    let (spec, status) = (&pod["spec"], &pod["status"]);
    let ip = items(&status["podIPs"]).next().map_or(&status["podIP"], |first| &first["ip"]);
    vec![
        name(pod),
        format!("{}/{}", shown.ready, shown.containers),
        shown.status,
        restarts,
        age(pod, now),
        text_or(ip, NONE),
        text_or(&spec["nodeName"], NONE),
        text_or(&status["nominatedNodeName"], NONE),
        readiness_gates(pod),
    ]
}

/// What is made of the statuses of a pod and its containers.
struct Shown {
    status: String,
    ready: usize,
    containers: usize,
    restarts: i64,
    /// When a container last ended to be started again [µs since 1970].
    restarted: Option<i64>,
}

/// How often containers were started again, and when the last of them ended before.
#[derive(Clone, Copy, Default)]
struct Restarts {
    count: i64,
    last: Option<i64>,
}

impl Restarts {
    fn add(&mut self, container: &Value) {
        self.count += number(&container["restartCount"]);
        self.last = self.last.max(duration::micros(&container["lastState"]["terminated"]["finishedAt"]));
    }
}

impl Shown {
    fn of(pod: &Value) -> Shown {
        let (spec, status) = (&pod["spec"], &pod["status"]);
        let phase = text(&status["phase"]);
        let mut reason = text_or(&status["reason"], &phase);
        let is_gated =
            |condition: &Value| condition["type"] == "PodScheduled" && condition["reason"] == "SchedulingGated";
        if items(&status["conditions"]).any(is_gated) {
            reason = "SchedulingGated".to_string();
        }
        let sidecars: Vec<&str> = items(&spec["initContainers"])
            .filter(|container| container["restartPolicy"] == "Always")
            .filter_map(|container| container["name"].as_str())
            .collect();
        let is_sidecar = |container: &Value| container["name"].as_str().is_some_and(|name| sidecars.contains(&name));
        let containers = items(&spec["containers"]).len() + sidecars.len();
        let (mut ready, mut restarts, mut of_sidecars) = (0, Restarts::default(), Restarts::default());

        let mut is_initializing = false;
        let total = items(&spec["initContainers"]).len();
        for (index, container) in items(&status["initContainerStatuses"]).enumerate() {
            restarts.add(container);
            if is_sidecar(container) {
                of_sidecars.add(container);
            }
            let state = &container["state"];
            let ended = state["terminated"].as_object().map(|_| &state["terminated"]);
            if ended.is_some_and(|ended| number(&ended["exitCode"]) == 0) {
                continue;
            }
            if is_sidecar(container) && container["started"] == true {
                ready += usize::from(container["ready"] == true);
                continue;
            }
            let waiting = text(&state["waiting"]["reason"]);
            reason = match ended {
                Some(ended) => format!("Init:{}", end(ended)),
                None if !waiting.is_empty() && waiting != "PodInitializing" => format!("Init:{waiting}"),
                None => format!("Init:{index}/{total}"),
            };
            is_initializing = true;
            break;
        }

        if !is_initializing || is_true(status, "Initialized") {
            restarts = of_sidecars;
            let mut is_any_running = false;
            for container in items(&status["containerStatuses"]).rev() {
                restarts.add(container);
                let state = &container["state"];
                let waiting = text(&state["waiting"]["reason"]);
                if !waiting.is_empty() {
                    reason = waiting;
                } else if state["terminated"].is_object() {
                    reason = end(&state["terminated"]);
                } else if container["ready"] == true && state["running"].is_object() {
                    is_any_running = true;
                    ready += 1;
                }
            }
            // One that is over does not speak for others that still run.
            if reason == "Completed" && is_any_running {
                reason = if is_true(status, "Ready") { "Running" } else { "NotReady" }.to_string();
            }
        }

        let is_over = ["Succeeded", "Failed"].contains(&phase.as_str());
        if !pod["metadata"]["deletionTimestamp"].is_null() {
            if status["reason"] == "NodeLost" {
                reason = "Unknown".to_string();
            } else if !is_over {
                reason = "Terminating".to_string();
            }
        }
        Shown { status: reason, ready, containers, restarts: restarts.count, restarted: restarts.last }
    }
}

/// Why a container ended, in a word.
fn end(ended: &Value) -> String {
    match (ended["reason"].as_str().unwrap_or_default(), number(&ended["signal"])) {
        ("", 0) => format!("ExitCode:{}", number(&ended["exitCode"])),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_string(),
    }
}

fn is_true(status: &Value, kind: &str) -> bool {
    items(&status["conditions"]).any(|condition| condition["type"] == kind && condition["status"] == "True")
}

/// How many of the pod's own conditions of readiness hold.
fn readiness_gates(pod: &Value) -> String {
    let gates = items(&pod["spec"]["readinessGates"]);
    let all = gates.len();
    let conditions = &pod["status"]["conditions"];
    let holds = |gate: &&Value| {
        let condition = items(conditions).find(|condition| condition["type"] == gate["conditionType"]);
        condition.is_some_and(|condition| condition["status"] == "True")
    };
    let open = gates.filter(holds).count();
    if all == 0 { NONE.to_string() } else { format!("{open}/{all}") }
}
