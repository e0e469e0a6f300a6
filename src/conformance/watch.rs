//! Takes a recording's tables from a simulated run: it reads the store's change logs after every step, as the recorder
//! read its watches, but without their delay.

use super::milestones::{Change, PodRow, Run, Series, Stop};
use super::replay::POOL;
use crate::cluster::World;
use crate::etcd;
use crate::kernel::time::Time;
use crate::object::deployment::{LABEL_HASH, REVISION};
use crate::object::pod::conditions as pod_conditions;
use crate::object::{
    Condition, ConditionStatus, Deployment, EndpointSlice, Key, Kind, Lease, Node, Object, Pod, ReplicaSet, Revision,
    condition,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// A kind whose status series is taken. A kind that gains a controller gains a row.
pub struct Watched {
    /// The kind.
    pub kind: Kind,
    /// Names of its columns, after the time.
    pub fields: &'static [&'static str],
    /// Its columns.
    cells: fn(&Object) -> Option<Vec<i64>>,
    /// Its conditions, as far as they are compared.
    conditions: fn(&Object) -> &[Condition],
}

/// All kinds whose series are taken.
pub const WATCHED: &[Watched] = &[
    Watched {
        kind: Kind::Deployment,
        fields: &["spec", "replicas", "updated", "ready", "available", "unavailable", "terminating"],
        cells: |object| {
            let deployment = object.of::<Deployment>()?;
            let status = &deployment.status;
            let counts = [
                deployment.replicas(),
                status.replicas,
                status.updated_replicas,
                status.ready_replicas,
                status.available_replicas,
                status.unavailable_replicas,
                status.terminating_replicas.unwrap_or(0),
            ];
            Some(counts.map(i64::from).to_vec())
        },
        conditions: |object| object.of::<Deployment>().map_or(&[], |deployment| &deployment.status.conditions),
    },
    Watched {
        kind: Kind::EndpointSlice,
        fields: &["ready", "serving", "terminating", "total"],
        cells: |object| {
            let endpoints = &object.of::<EndpointSlice>()?.endpoints;
            let ready = endpoints.iter().filter(|endpoint| endpoint.ready).count();
            let serving = endpoints.iter().filter(|endpoint| endpoint.serving).count();
            let terminating = endpoints.iter().filter(|endpoint| endpoint.terminating).count();
            Some([ready, serving, terminating, endpoints.len()].map(|count| count as i64).to_vec())
        },
        conditions: |_| &[],
    },
];

/// Runs a world to its end and takes its tables; `stops` are the kubelets that will stop, with their times (s), and
/// `first_action` is when the first action begins.
pub fn run(world: &mut World, stops: &[(f64, String)], first_action: Option<f64>) -> Run {
    let mut watch = Watch { cursor: world.store().revision(), ..Watch::default() };
    // What was there before: nodes, and leases that were renewed before time zero.
    for lease in world.objects::<Lease>() {
        let renewed = (lease.renew_time.0 - world.clock().epoch_micros) as f64 / 1e6;
        watch.renewals.entry(lease.holder.to_string()).or_default().push(renewed);
    }
    while world.step() {
        watch.look(world);
    }
    watch.look(world);
    watch.finish(stops, first_action)
}

#[derive(Default)]
struct Watch {
    cursor: Revision,
    run: Run,
    renewals: BTreeMap<String, Vec<f64>>,
    /// Pods that are there: whether each is live, ready, terminating.
    pods: BTreeMap<Key, [bool; 3]>,
    /// Rows of pods, and which of them is whose.
    rows: Vec<PodRow>,
    row_of: BTreeMap<Key, usize>,
    /// ReplicaSets that are there: owner, revision with hash, numbers.
    sets: BTreeMap<Key, (String, String, Vec<i64>)>,
}

impl Watch {
    fn look(&mut self, world: &World) {
        let store = world.store();
        if store.revision() == self.cursor {
            return;
        }
        let at = seconds(world.now());
        let read = |kind| store.changes(kind, self.cursor).expect("compaction is minutes behind");
        let mut changes: Vec<&etcd::Change> = [Kind::Node, Kind::Pod, Kind::ReplicaSet, Kind::Lease]
            .into_iter()
            .chain(WATCHED.iter().map(|row| row.kind))
            .flat_map(read)
            .collect();
        changes.sort_by_key(|change| change.revision);
        for change in changes {
            match change.kind() {
                Kind::Node => self.node(at, change),
                Kind::Pod => self.pod(at, change),
                Kind::ReplicaSet => self.replica_set(at, change),
                Kind::Lease => self.lease(at, change),
                _ => {}
            }
            if let Some(row) = WATCHED.iter().find(|row| row.kind == change.kind()) {
                self.status(at, row, change);
            }
        }
        self.cursor = store.revision();
    }

    fn lease(&mut self, at: f64, change: &etcd::Change) {
        let (old, new) = (change.before::<Lease>(), change.after::<Lease>());
        if let Some(new) = new
            && old.is_none_or(|old| old.renew_time != new.renew_time)
        {
            self.renewals.entry(new.holder.to_string()).or_default().push(at);
        }
    }

    fn node(&mut self, at: f64, change: &etcd::Change) {
        let (old, new) = (change.before::<Node>(), change.after::<Node>());
        if old.or(new).is_none_or(|node| node.meta.labels.get(POOL).is_none()) {
            return;
        }
        let mut what = Vec::new();
        match new {
            None => what.push("deleted".to_string()),
            Some(new) => {
                let ready = |node: &Node| node.ready();
                if let Some(status) = new.ready()
                    && old.and_then(|old| ready(old)) != Some(status)
                {
                    what.push(format!("Ready={status}"));
                }
                let taints = |node: &Node| -> Vec<String> {
                    let short = |key: &str| key.strip_prefix("node.kubernetes.io/").unwrap_or(key).to_string();
                    node.taints.iter().map(|taint| format!("{}:{}", short(&taint.key), taint.effect)).collect()
                };
                let (before, after) = (old.map_or_else(Vec::new, |old| taints(old)), taints(new));
                what.extend(after.iter().filter(|taint| !before.contains(taint)).map(|taint| format!("+{taint}")));
                what.extend(before.iter().filter(|taint| !after.contains(taint)).map(|taint| format!("-{taint}")));
                if old.is_some_and(|old| old.unschedulable != new.unschedulable) {
                    what.push(if new.unschedulable { "cordoned" } else { "uncordoned" }.to_string());
                }
            }
        }
        if !what.is_empty() {
            self.run.nodes.entry(change.key().name.to_string()).or_default().push(Change { at, what });
        }
    }

    fn pod(&mut self, at: f64, change: &etcd::Change) {
        let key = change.key();
        let before = count(self.pods.values());
        if change.old.is_none() {
            self.row_of.insert(key.clone(), self.rows.len());
            self.rows.push(PodRow { created: at, ..PodRow::default() });
        }
        let Some(&index) = self.row_of.get(key) else { return };
        let row = &mut self.rows[index];
        match change.after::<Pod>() {
            None => {
                row.deleted = Some(at);
                self.pods.remove(key);
            }
            Some(pod) => {
                let find = |kind| condition::find(&pod.status.conditions, kind);
                let is_ready = find(pod_conditions::READY).is_some_and(|found| found.status == ConditionStatus::True);
                let is_ended = pod.status.phase.is_terminal();
                let is_terminating = pod.meta.is_terminating();
                if row.readiness.last().is_some_and(|(_, ready)| *ready) != is_ready {
                    row.readiness.push((at, is_ready));
                }
                if let Some(found) = find(pod_conditions::DISRUPTION_TARGET) {
                    row.disruption = Some(found.reason.to_string());
                }
                if is_terminating {
                    row.deleting.get_or_insert(at);
                }
                if is_ended {
                    row.terminal.get_or_insert(at);
                }
                let state = [!is_ended && !is_terminating, is_ready && !is_terminating, is_terminating];
                self.pods.insert(key.clone(), state);
            }
        }
        let after = count(self.pods.values());
        if after != before {
            let [live, ready, terminating] = after.map(f64::from);
            self.run.live_ready_terminating.push((at, live, ready, terminating));
        }
    }

    fn replica_set(&mut self, at: f64, change: &etcd::Change) {
        let key = change.key();
        let old = self.sets.remove(key);
        let owner = match change.after::<ReplicaSet>() {
            None => old.map(|(owner, ..)| owner),
            Some(set) => {
                let owner = set.meta.controller().map_or("null", |owner| &owner.name).to_string();
                let text = |found: Option<&crate::object::Name>| found.map_or("", |text| text).to_string();
                let revision = text(set.meta.annotations.get(REVISION));
                let hash = text(set.meta.labels.get(LABEL_HASH));
                let status = &set.status;
                let numbers =
                    [set.replicas(), status.replicas, status.ready_replicas, status.available_replicas].map(i64::from);
                let new = (owner.clone(), format!("{revision}:{hash}"), numbers.to_vec());
                let is_news = old.as_ref() != Some(&new);
                self.sets.insert(key.clone(), new);
                is_news.then_some(owner)
            }
        };
        let Some(owner) = owner else { return };
        let own = self.sets.values().filter(|(other, ..)| *other == owner);
        let sets = own.map(|(_, revision, numbers)| (revision.clone(), numbers.clone())).collect();
        self.run.rollout.entry(owner).or_default().push((at, sets));
    }

    fn status(&mut self, at: f64, row: &Watched, change: &etcd::Change) {
        let name = change.key().name.to_string();
        let cells = |object: &Option<Object>| object.as_ref().and_then(row.cells);
        let (before, after) = (cells(&change.old), cells(&change.new));
        if before != after {
            let objects = self.run.series.entry(row.kind.name().to_string()).or_default();
            let series = objects.entry(name.clone()).or_insert_with(|| {
                let fields = std::iter::once("t").chain(row.fields.iter().copied());
                Series { fields: fields.map(str::to_string).collect(), rows: Vec::new() }
            });
            let cells = after
                .map_or_else(|| vec![Value::from("deleted")], |after| after.into_iter().map(Value::from).collect());
            series.rows.push(std::iter::once(Value::from(at)).chain(cells).collect());
        }
        let conditions = |object: &Option<Object>| -> Vec<String> {
            let found = object.as_ref().map_or(&[][..], |object| (row.conditions)(object));
            found.iter().map(|found| format!("{}={}/{}", found.kind, found.status, found.reason)).collect()
        };
        let before = conditions(&change.old);
        let what: Vec<String> = conditions(&change.new).into_iter().filter(|word| !before.contains(word)).collect();
        if !what.is_empty() {
            let object = format!("{}/{name}", row.kind.name());
            self.run.conditions.entry(object).or_default().push(Change { at, what });
        }
    }

    fn finish(mut self, stops: &[(f64, String)], first_action: Option<f64>) -> Run {
        self.run.actions = first_action.into_iter().map(|at| vec![Value::from(at)]).collect();
        let stop = |(t, node): &(f64, String)| {
            let renewals = self.renewals.get(node).into_iter().flatten().copied();
            Stop { t: *t, node: node.clone(), last_renew: renewals.take_while(|renewed| renewed <= t).last() }
        };
        self.run.kubelet = stops.iter().map(stop).collect();
        let named = self.rows.into_iter().enumerate().map(|(index, row)| (format!("{index}"), row));
        self.run.pods = Some(named.collect());
        self.run
    }
}

/// How many pods are live, ready, terminating.
fn count<'a>(pods: impl Iterator<Item = &'a [bool; 3]>) -> [u32; 3] {
    pods.fold([0; 3], |sum, states| std::array::from_fn(|index| sum[index] + u32::from(states[index])))
}

fn seconds(at: Time) -> f64 {
    at.as_secs_f64()
}
