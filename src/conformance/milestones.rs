//! The tables of one run, recorded or simulated, and the scalars that are taken from them.
//!
//! The types are those of a recording's `milestones.json`, field by field; `watch` fills the same tables from a
//! simulated run. What the rule does not need (events, leases, names of pods) is left out.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Named numbers of one run: times (s since the manifests began to be applied) and counts.
pub type Scalars = BTreeMap<String, f64>;

/// Scalars that count something; all others are times.
pub const COUNTS: [&str; 6] = ["evictions", "podgc", "preempted", "new_pods", "max_live", "min_ready"];

/// What changed at one moment: `Ready=Unknown`, `+unreachable:NoSchedule`, `Progressing=True/ReplicaSetUpdated`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Vec<Value>")]
pub struct Change {
    /// When (s).
    pub at: f64,
    /// What.
    pub what: Vec<String>,
}

impl TryFrom<Vec<Value>> for Change {
    type Error = String;

    fn try_from(row: Vec<Value>) -> Result<Change, String> {
        let expected = || format!("expected a row as [12.5, \"Ready=Unknown\"], found {}", Value::from(row.clone()));
        let (at, what) = row.split_first().ok_or_else(expected)?;
        let what = what.iter().map(|word| word.as_str().map(str::to_string)).collect::<Option<_>>();
        Ok(Change { at: at.as_f64().ok_or_else(expected)?, what: what.ok_or_else(expected)? })
    }
}

/// The ReplicaSets of one owner at one moment, by `revision:hash`: wanted, there, ready, available.
pub type Rollout = (f64, BTreeMap<String, Vec<i64>>);

/// Numbers of an object's status over time.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Series {
    /// Names of the columns; the first is the time.
    pub fields: Vec<String>,
    /// One row a change; a row that says `deleted` after its time ends the object.
    pub rows: Vec<Vec<Value>>,
}

/// A kubelet that stopped.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Stop {
    /// When (s).
    pub t: f64,
    /// Its node.
    pub node: String,
    /// When it last renewed its lease (s); none if it never did.
    #[serde(rename = "lastRenew")]
    pub last_renew: Option<f64>,
}

/// What happened to one pod, and when (s).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct PodRow {
    /// It was created.
    pub created: f64,
    /// It became ready, or no longer was.
    #[serde(default)]
    pub readiness: Vec<(f64, bool)>,
    /// It got a deletion timestamp.
    pub deleting: Option<f64>,
    /// Reason of its DisruptionTarget condition.
    pub disruption: Option<String>,
    /// It was Succeeded or Failed.
    pub terminal: Option<f64>,
    /// It was gone.
    pub deleted: Option<f64>,
}

/// The tables of one run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Run {
    /// The actions: time, verb, and on what.
    pub actions: Vec<Vec<Value>>,
    /// Kubelets that stopped.
    pub kubelet: Vec<Stop>,
    /// Ready condition, taints, cordoning and end of each node.
    pub nodes: BTreeMap<String, Vec<Change>>,
    /// Pods by name; none if there were too many to list.
    pub pods: Option<BTreeMap<String, PodRow>>,
    /// Time, pods that exist and have not ended, pods ready and not being deleted, pods being deleted.
    pub live_ready_terminating: Vec<(f64, f64, f64, f64)>,
    /// ReplicaSets of each Deployment; those without one stand under `null`.
    pub rollout: BTreeMap<String, Vec<Rollout>>,
    /// Conditions of each object, by `Kind/name`.
    pub conditions: BTreeMap<String, Vec<Change>>,
    /// When each drain was complete, and its eviction requests.
    pub drain: Vec<Vec<Value>>,
    /// The scalars.
    pub scalars: Scalars,
    /// Status series by kind and name.
    #[serde(flatten, deserialize_with = "series")]
    pub series: BTreeMap<String, BTreeMap<String, Series>>,
}

/// Kinds whose status series are recorded.
pub const SERIES: [&str; 10] = [
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "EndpointSlice",
    "Namespace",
];

/// Of the fields that no other takes, those that are series.
fn series<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeMap<String, BTreeMap<String, Series>>, D::Error> {
    let rest: BTreeMap<String, Value> = BTreeMap::deserialize(from)?;
    let series = rest.into_iter().filter(|(kind, _)| SERIES.contains(&kind.as_str()));
    let read = |(kind, value)| match serde_json::from_value(value) {
        Ok(objects) => Ok((kind, objects)),
        Err(error) => Err(serde::de::Error::custom(format!("{kind}: {error}"))),
    };
    series.map(read).collect()
}

impl Run {
    /// When the first action began (s).
    pub fn first_action(&self) -> Option<f64> {
        self.actions.first()?.first()?.as_f64()
    }

    /// The scalars, taken from the other tables.
    ///
    /// Where the recordings' README leaves it open, this is what gives the recorded numbers: without an action there are
    /// no new pods and no evictions, and `max_live` and `min_ready` look at the whole run; rows at the moment of the first
    /// action are not after it.
    pub fn take_scalars(&self) -> Scalars {
        let mut scalars = Scalars::new();
        self.node_scalars(&mut scalars);
        self.pod_scalars(&mut scalars);
        let first = self.first_action().unwrap_or(f64::NEG_INFINITY);
        let after = || self.live_ready_terminating.iter().filter(|row| row.0 > first);
        if after().count() > 0 {
            scalars.insert("max_live".into(), after().map(|row| row.1).fold(f64::MIN, f64::max));
            scalars.insert("min_ready".into(), after().map(|row| row.2).fold(f64::MAX, f64::min));
        }
        for row in &self.drain {
            if let [at, node, result] = row.as_slice()
                && result == "drained"
                && let (Some(at), Some(node)) = (at.as_f64(), node.as_str())
            {
                scalars.insert(format!("drained.{node}"), at);
            }
        }
        for (job, changes) in self.conditions.iter().filter(|(object, _)| object.starts_with("Job/")) {
            for change in changes {
                for kind in ["Complete", "Failed"] {
                    if change.what.iter().any(|what| what.starts_with(&format!("{kind}=True"))) {
                        scalars.entry(format!("{job}.{kind}")).or_insert(change.at);
                    }
                }
            }
        }
        scalars
    }

    fn node_scalars(&self, scalars: &mut Scalars) {
        for (node, changes) in &self.nodes {
            for Change { at, what } in changes.iter().filter(|change| change.at >= 0.0) {
                for word in what {
                    if let Some(status) = word.strip_prefix("Ready=") {
                        scalars.entry(format!("ready_{status}.{node}")).or_insert(*at);
                    } else if let Some(taint) = word.strip_prefix('+') {
                        scalars.entry(format!("taint.{taint}.{node}")).or_insert(*at);
                    } else if let Some(taint) = word.strip_prefix('-') {
                        scalars.insert(format!("untaint.{taint}.{node}"), *at);
                    } else if word == "deleted" {
                        scalars.entry(format!("node_deleted.{node}")).or_insert(*at);
                    }
                }
            }
            let is_unknown = |change: &&Change| change.what.iter().any(|word| word == "Ready=Unknown");
            let Some(unknown) = changes.iter().rfind(is_unknown) else { continue };
            let stops = self.kubelet.iter().filter(|stop| stop.node == *node && stop.t < unknown.at);
            let Some(stop) = stops.max_by(|a, b| a.t.total_cmp(&b.t)) else { continue };
            scalars.insert(format!("notready_after_crash.{node}"), unknown.at - stop.t);
            if let Some(renewed) = stop.last_renew {
                scalars.insert(format!("notready_after_last_renew.{node}"), unknown.at - renewed);
            }
        }
    }

    fn pod_scalars(&self, scalars: &mut Scalars) {
        let pods = || self.pods.iter().flat_map(BTreeMap::values);
        let first = self.first_action().unwrap_or(f64::INFINITY);
        let mut tell = |count: &str, one: &str, times: Vec<f64>| {
            if !times.is_empty() {
                scalars.insert(count.into(), times.len() as f64);
                scalars.insert(format!("first_{one}"), times.iter().copied().fold(f64::MAX, f64::min));
                scalars.insert(format!("last_{one}"), times.iter().copied().fold(f64::MIN, f64::max));
            }
        };
        let because = |reason: &'static str| pods().filter(move |pod| pod.disruption.as_deref() == Some(reason));
        let evicted = because("DeletionByTaintManager").filter_map(|pod| pod.deleting).filter(|at| *at > first);
        tell("evictions", "eviction", evicted.collect());
        let collected = because("DeletionByPodGC").filter_map(|pod| pod.terminal.or(pod.deleted));
        tell("podgc", "podgc", collected.collect());
        tell("preempted", "preempted", because("PreemptionByScheduler").filter_map(|pod| pod.deleting).collect());
        let new: Vec<&PodRow> = pods().filter(|pod| pod.created > first).collect();
        if !new.is_empty() {
            scalars.insert("new_pods".into(), new.len() as f64);
            let created = new.iter().map(|pod| pod.created);
            scalars.insert("first_new_pod".into(), created.fold(f64::MAX, f64::min));
            let ready = new.iter().flat_map(|pod| pod.readiness.iter().filter(|(_, ready)| *ready).map(|(at, _)| *at));
            if let Some(last) = ready.max_by(f64::total_cmp) {
                scalars.insert("last_new_pod_ready".into(), last);
            }
        }
    }
}
