//! Rows of the result files, one type per file. Names of columns end in their unit; times are microseconds since the
//! scenario began, with a readable column beside them.

use super::Recorder;
use super::workloads::workload_name;
use crate::kernel::time::{Span, Time};
use crate::object::FactId;

/// `timeline.csv`: one row per step of a measure of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct TimelineRow {
    /// When (µs since the scenario began).
    pub time_us: u64,
    /// The same, readable.
    pub time: String,
    /// The workload, as `deployment/web`.
    pub object: String,
    /// `desired`, `ready` (the API says so), `serving` (containers really are ready) or `live` (not ended
    /// and not being deleted).
    pub measure: &'static str,
    /// Pods from that time on.
    pub value: i64,
}

/// `convergence.csv`: one row per outage and workload that lost pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ConvergenceRow {
    /// Id of the fault.
    pub outage: String,
    /// Nodes that it hit, separated by spaces.
    pub nodes: String,
    /// The workload.
    pub object: String,
    /// Pods that were on those nodes.
    pub lost_pods: usize,
    /// Pods created in their place.
    pub replacement_pods: usize,
    /// When it happened (µs since the scenario began).
    pub happened_us: u64,
    /// When the API said of all those nodes that they were not ready.
    pub noticed_us: Option<u64>,
    /// When all had the NoExecute taint.
    pub tainted_us: Option<u64>,
    /// When all lost pods had a deletion timestamp.
    pub evicted_us: Option<u64>,
    /// When all replacements had been created.
    pub replaced_us: Option<u64>,
    /// When all replacements had been bound to nodes.
    pub placed_us: Option<u64>,
    /// When the containers of as many pods as were lost had started.
    pub started_us: Option<u64>,
    /// When as many were ready.
    pub ready_us: Option<u64>,
    /// When the kube-proxies of all nodes present routed to as many; none without a Service.
    pub routed_us: Option<u64>,
    /// When the workload was as wanted again, to stay so.
    pub converged_us: Option<u64>,
}

/// `facts.csv`: one row per fact, with its cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct FactRow {
    /// Number of the fact.
    pub fact: u32,
    /// When (µs since the scenario began).
    pub time_us: u64,
    /// The same, readable.
    pub time: String,
    /// What kind of fact: `commit`, `scheduled`, `fault`, `containers-started`, …
    pub what: &'static str,
    /// What it is about.
    pub object: String,
    /// More of it.
    pub detail: String,
    /// Number of the fact that led to it.
    pub cause: Option<u32>,
    /// Setting that owned the wait before it, as `kube-controller-manager/node-monitor-grace-period`.
    pub setting: String,
}

impl Recorder {
    /// Rows of `timeline.csv`, in the order of time.
    pub fn timeline_rows(&self) -> Vec<TimelineRow> {
        let mut rows = Vec::new();
        for (id, workload) in self.workloads.iter() {
            let measures = [
                ("desired", &workload.desired),
                ("ready", &workload.ready),
                ("serving", &workload.serving),
                ("live", &workload.live),
            ];
            for (measure, steps) in measures {
                rows.extend(steps.iter().map(|(at, value)| TimelineRow {
                    time_us: at.as_micros(),
                    time: at.to_string(),
                    object: workload_name(id),
                    measure,
                    value,
                }));
            }
        }
        rows.sort_by_key(|row| row.time_us);
        rows
    }

    /// Rows of `convergence.csv`, in the order of outages.
    pub fn convergence_rows(&self, hold: Span, end: Time) -> Vec<ConvergenceRow> {
        let mut rows = Vec::new();
        for outage in &self.outages.all {
            for row in &outage.rows {
                let at = outage.milestones(row, &self.workloads, hold, end).map(|at| at.map(Time::as_micros));
                let [
                    noticed_us,
                    tainted_us,
                    evicted_us,
                    replaced_us,
                    placed_us,
                    started_us,
                    ready_us,
                    routed_us,
                    converged_us,
                ] = at;
                rows.push(ConvergenceRow {
                    outage: outage.id.to_string(),
                    nodes: outage.nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
                    object: workload_name(&row.workload),
                    lost_pods: row.places.len(),
                    replacement_pods: row.replacements().count(),
                    happened_us: outage.at.as_micros(),
                    noticed_us,
                    tainted_us,
                    evicted_us,
                    replaced_us,
                    placed_us,
                    started_us,
                    ready_us,
                    routed_us,
                    converged_us,
                });
            }
        }
        rows
    }

    /// Rows of `facts.csv`, in the order in which facts were recorded.
    pub fn fact_rows(&self) -> Vec<FactRow> {
        self.facts
            .iter()
            .enumerate()
            .map(|(index, recorded)| {
                let (what, object, detail) = recorded.fact.in_words();
                FactRow {
                    fact: index as u32,
                    time_us: recorded.at.as_micros(),
                    time: recorded.at.to_string(),
                    what,
                    object,
                    detail,
                    cause: (recorded.why.cause != FactId::NONE).then_some(recorded.why.cause.0),
                    setting: recorded
                        .why
                        .setting
                        .map_or_else(String::new, |id| format!("{}/{}", id.row().component, id.row().name)),
                }
            })
            .collect()
    }
}
