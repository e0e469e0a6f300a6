//! The kubelet: signs of life, and the pods of its node.
//!
//! Source: `pkg/kubelet/{kubelet,kubelet_node_status,pod_workers}.go`, `pkg/kubelet/status/status_manager.go`,
//! `staging/src/k8s.io/component-helpers/apimachinery/lease/controller.go`, v1.36. Left out: admission on the node (the
//! scheduler's word is taken), the status write of a pod that has not started, static pods, volumes, probes, pressure
//! eviction, graceful shutdown of the node.

use super::Start;
use super::pod_worker::{PodWorker, Stage};
use super::runtime::Runtime;
use crate::apiserver::{ApiError, Change, DeleteOptions, Part, Reply, Request};
use crate::ground::{Ground, NodeId, Sandbox};
use crate::kernel::rng::Purpose;
use crate::kernel::time::{Span, Time};
use crate::object::node::conditions;
use crate::object::{
    Condition, ConditionStatus, DelayId, Edit, Fact, Key, Kind, Lease, Meta, Name, Node, Pod, SettingId, Timestamp,
    condition,
};
use crate::program::{Context, Ticket, Timer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Namespace of the leases of nodes.
pub const LEASE_NAMESPACE: &str = "kube-node-lease";

mod timer {
    pub const LEASE: u32 = 1;
    pub const STATUS: u32 = 2;
    pub const PODS: u32 = 3;
    pub const STARTED: u32 = 4;
    pub const READY: u32 = 5;
    pub const STOPPED: u32 = 6;
}

/// What a ticket is for; the low bits carry the round of the connection and the pod worker.
mod ticket {
    pub const LEASE_RENEW: u64 = 1;
    pub const LEASE_GET: u64 = 2;
    pub const NODE_STATUS: u64 = 3;
    pub const POD_STATUS: u64 = 4;
    pub const POD_DELETE: u64 = 5;
}

/// One node's kubelet.
#[derive(Clone, Debug)]
pub struct Kubelet {
    id: NodeId,
    name: Name,
    /// The lease as it was last written; none until it is known.
    lease: Option<Arc<Lease>>,
    lease_failures: usize,
    renewals: u64,
    status_rounds: u64,
    /// When the node's status was last written; none since it started.
    last_report: Option<Time>,
    /// Added to the next report's period; drawn anew when the status changed.
    report_delay_micros: i64,
    runtime: Runtime,
    pods: BTreeMap<Key, PodWorker>,
    keys: BTreeMap<u64, Key>,
    serials: u64,
    is_pod_sync_due: bool,
    /// Counts connections: replies to what was sent before a cut are not waited for.
    round: u64,
}

impl Kubelet {
    /// A kubelet with an empty memory.
    pub fn new(id: NodeId, name: Name) -> Kubelet {
        Kubelet {
            id,
            name,
            lease: None,
            lease_failures: 0,
            renewals: 0,
            status_rounds: 0,
            last_report: None,
            report_delay_micros: 0,
            runtime: Runtime::default(),
            pods: BTreeMap::new(),
            keys: BTreeMap::new(),
            serials: 0,
            is_pod_sync_due: false,
            round: 0,
        }
    }

    /// It begins: in the middle of its rounds, or with all of them at once.
    pub fn on_start(&mut self, start: Start, cx: &mut Context<'_>) {
        match start {
            Start::LongAgo => {
                let lease = lease_phase(&self.name, cx);
                cx.wake_owned(lease, self.lease_timer(), SettingId::NodeLeaseRenewInterval);
                let period = cx.span(SettingId::NodeStatusUpdateFrequency);
                let status = cx.phase(&format!("node-status {}", self.name), period);
                cx.wake_owned(status, Timer::new(timer::STATUS), SettingId::NodeStatusUpdateFrequency);
                // The last report lies somewhere in the past; what remains of its period is drawn.
                let frequency = cx.span(SettingId::NodeStatusReportFrequency);
                let age = cx.phase(&format!("node-report {}", self.name), frequency);
                self.last_report = Some(Time::ZERO);
                self.report_delay_micros = -(age.as_micros() as i64);
            }
            Start::Boot => {
                self.renew_lease(cx);
                self.report_node(true, cx);
            }
        }
    }

    /// The link carries again: everything is tried at once, whatever was on its way before.
    pub fn on_reconnect(&mut self, ground: &mut Ground, cx: &mut Context<'_>) {
        self.round += 1;
        self.lease_failures = 0;
        self.renew_lease(cx);
        self.report_node(false, cx);
        for worker in self.pods.values_mut() {
            (worker.is_writing, worker.is_deleting) = (false, false);
        }
        self.sync_pods(ground, cx);
    }

    /// Its node or its pods changed.
    pub fn on_changes(&mut self, changes: &[Change], ground: &mut Ground, cx: &mut Context<'_>) {
        for change in changes.iter().filter(|change| change.kind() == Kind::Pod) {
            cx.cause = change.cause;
            let key = change.key().clone();
            match change.after::<Pod>() {
                Some(pod) if pod.node_name == self.name => self.pod_changed(&key, pod, ground, cx),
                _ => self.forget_pod(&key, ground, cx),
            }
        }
    }

    /// A request was answered, or given up.
    pub fn on_reply(&mut self, answered: Ticket, reply: &Reply, ground: &mut Ground, cx: &mut Context<'_>) {
        let (what, round, serial) = (answered.0 >> 56, answered.0 >> 40 & 0xffff, answered.0 & 0xff_ffff_ffff);
        if round != self.round & 0xffff {
            return;
        }
        match what {
            ticket::LEASE_RENEW | ticket::LEASE_GET => self.lease_answered(what, reply, cx),
            ticket::NODE_STATUS => {
                if reply.is_ok() {
                    self.last_report = Some(cx.now);
                }
            }
            _ => {
                if let Some(key) = self.keys.get(&serial).cloned() {
                    self.pod_answered(what, &key, reply, ground, cx);
                }
            }
        }
    }

    /// A timer went off.
    pub fn on_timer(&mut self, timer: Timer, ground: &mut Ground, cx: &mut Context<'_>) {
        match timer.kind {
            timer::LEASE if timer.arg == self.round => {
                self.lease_failures = 0;
                self.renew_lease(cx);
            }
            timer::LEASE => {}
            timer::STATUS => self.report_node(true, cx),
            timer::PODS => {
                self.is_pod_sync_due = false;
                self.sync_pods(ground, cx);
            }
            stage => {
                let Some(key) = self.keys.get(&timer.arg).cloned() else { return };
                self.advance_pod(stage, &key, ground, cx);
            }
        }
    }

    fn send(&self, what: u64, serial: u64, request: Request, cx: &mut Context<'_>) {
        cx.send(request, Ticket(what << 56 | (self.round & 0xffff) << 40 | serial));
    }

    fn renew_lease(&mut self, cx: &mut Context<'_>) {
        let request = match &self.lease {
            Some(lease) => Request::update(Lease { renew_time: cx.clock.micro_time(cx.now), ..Lease::clone(lease) }),
            None => {
                let key = Key::new(LEASE_NAMESPACE, self.name.clone());
                return self.send(ticket::LEASE_GET, 0, Request::Get { kind: Kind::Lease, key }, cx);
            }
        };
        self.send(ticket::LEASE_RENEW, 0, request, cx);
    }

    fn lease_answered(&mut self, what: u64, reply: &Reply, cx: &mut Context<'_>) {
        match reply {
            Reply::Done(object) => {
                self.lease = object.of::<Lease>().cloned();
                if what == ticket::LEASE_GET {
                    return self.renew_lease(cx);
                }
            }
            Reply::Error(ApiError::NotFound) => {
                let lease = new_lease(&self.name, cx.clock.micro_time(cx.now).0, cx);
                return self.send(ticket::LEASE_RENEW, 0, Request::Create(lease.into()), cx);
            }
            Reply::Error(error) => {
                self.lease_failures += 1;
                if matches!(error, ApiError::Conflict(_)) {
                    self.lease = None;
                }
                if self.lease_failures < cx.settings.count(SettingId::NodeLeaseMaxRetries) {
                    return self.renew_lease(cx);
                }
            }
        }
        self.renewals += 1;
        let interval = cx.span(SettingId::NodeLeaseRenewInterval);
        let extra = share(interval, SettingId::NodeLeaseJitter, cx);
        let jitter = cx.draws.span_below(Purpose::Jitter, &format!("lease {}", self.name), self.renewals, extra);
        cx.wake_owned(interval + jitter, self.lease_timer(), SettingId::NodeLeaseRenewInterval);
    }

    /// The timer of the next renewal. One set before a cut is void after it: the reconnection renewed at once.
    const fn lease_timer(&self) -> Timer {
        Timer { kind: timer::LEASE, arg: self.round }
    }

    /// Computes the node's status and reports it if it changed or a report is due; with `again`, sets the next round.
    fn report_node(&mut self, again: bool, cx: &mut Context<'_>) {
        if again {
            self.status_rounds += 1;
            let period = cx.span(SettingId::NodeStatusUpdateFrequency);
            let extra = share(period, SettingId::NodeStatusJitter, cx);
            let path = format!("node-status {}", self.name);
            let jitter = cx.draws.span_below(Purpose::Jitter, &path, self.status_rounds, extra);
            cx.wake_owned(period + jitter, Timer::new(timer::STATUS), SettingId::NodeStatusUpdateFrequency);
        }
        let key = Key::cluster(self.name.clone());
        let Some(known) = cx.caches.get::<Node>(&key) else { return };
        let conditions = healthy_conditions(cx.timestamp());
        let differs = conditions.iter().any(|own| {
            condition::find(&known.conditions, &own.kind)
                .is_none_or(|known| (known.status, &known.reason) != (own.status, &own.reason))
        });
        let frequency = cx.span(SettingId::NodeStatusReportFrequency).as_micros() as i64;
        let due = |last: Time| last.as_micros() as i64 + frequency + self.report_delay_micros;
        if !differs && self.last_report.is_some_and(|last| (cx.now.as_micros() as i64) < due(last)) {
            return;
        }
        let is_first = self.last_report.is_none();
        self.report_delay_micros = 0;
        if differs || is_first {
            // After a change, or the first, the next report is drawn from half a period around the usual one.
            let path = format!("node-report {}", self.name);
            let drawn = cx.draws.below(Purpose::Jitter, &path, self.status_rounds, frequency as u64);
            self.report_delay_micros = drawn as i64 - frequency / 2;
        }
        let edit = Edit::NodeConditions(conditions);
        let request = Request::Patch { kind: Kind::Node, key, uid: None, part: Part::Status, edit };
        self.send(ticket::NODE_STATUS, 0, request, cx);
    }

    fn pod_changed(&mut self, key: &Key, pod: &Arc<Pod>, ground: &mut Ground, cx: &mut Context<'_>) {
        if self.pods.get(key).is_some_and(|worker| worker.uid != pod.meta.uid) {
            self.forget_pod(key, ground, cx);
        }
        if !self.pods.contains_key(key) {
            if pod.status.phase.is_terminal() && !pod.meta.is_terminating() {
                return;
            }
            self.admit_pod(key, pod, ground, cx);
        }
        let worker = &self.pods[key];
        match worker.stage {
            Stage::Stopping | Stage::Stopped { .. } => {}
            // Either its containers never ran, or a crash ended them.
            Stage::Starting if pod.meta.is_terminating() => self.end_pod(key, false, ground, cx),
            _ if pod.meta.is_terminating() => self.stop_pod(key, pod, cx),
            _ => {}
        }
        self.write_status(key, cx);
    }

    /// Begins to work on a pod that this kubelet has not seen.
    fn admit_pod(&mut self, key: &Key, pod: &Pod, ground: &mut Ground, cx: &mut Context<'_>) {
        let machine = &mut ground[self.id];
        self.serials += 1;
        let sandbox = machine.sandboxes.get(key).filter(|sandbox| sandbox.uid == pod.meta.uid);
        let mut worker = PodWorker::new(pod, self.serials, sandbox, cx.timestamp());
        if worker.stage == Stage::Starting && !pod.meta.is_terminating() {
            let attempt = u64::from(worker.restarts);
            let (pull, start) = self.runtime.start_delay(pod, &key.to_string(), attempt, machine, cx);
            worker.pulled = pull;
            cx.wake_after(pull + start, Timer { kind: timer::STARTED, arg: worker.serial });
        } else if worker.stage == Stage::Running {
            self.await_ready(key, &worker, cx);
        }
        self.keys.insert(worker.serial, key.clone());
        self.pods.insert(key.clone(), worker);
    }

    fn await_ready(&self, key: &Key, worker: &PodWorker, cx: &mut Context<'_>) {
        let delay = cx.delay(DelayId::ReadyAfter, &key.to_string(), u64::from(worker.restarts));
        cx.wake_after(delay, Timer { kind: timer::READY, arg: worker.serial });
    }

    fn stop_pod(&mut self, key: &Key, pod: &Pod, cx: &mut Context<'_>) {
        let grace = pod.meta.deletion.map_or(0, |deletion| deletion.grace_seconds);
        let grace = Span::from_secs(grace.max(0) as u64);
        let asked = cx.delay(DelayId::ContainerStop, &key.to_string(), 0);
        let worker = self.pods.get_mut(key).expect("the caller has it");
        worker.stage = Stage::Stopping;
        cx.wake_after(asked.min(grace), Timer { kind: timer::STOPPED, arg: worker.serial });
    }

    /// The next stage of a pod has come.
    fn advance_pod(&mut self, stage: u32, key: &Key, ground: &mut Ground, cx: &mut Context<'_>) {
        let worker = self.pods.get_mut(key).expect("a key has a worker");
        match (stage, worker.stage) {
            (timer::STARTED, Stage::Starting) => {
                let ip = ground.next_address(self.id);
                worker.stage = Stage::Running;
                worker.ip = Some(ip);
                let worker = worker.clone();
                let sandbox = Sandbox {
                    uid: worker.uid,
                    is_running: true,
                    is_ready: false,
                    restarts: worker.restarts,
                    started: cx.now,
                    ip,
                };
                ground[self.id].sandboxes.insert(key.clone(), sandbox);
                let (pod, node, pulled) = (key.clone(), self.name.clone(), worker.pulled);
                cx.note(Fact::ContainersStarted { pod, node, pulled });
                self.await_ready(key, &worker, cx);
            }
            (timer::READY, Stage::Running) => {
                worker.stage = Stage::Ready;
                cx.note(Fact::ContainersReady { pod: key.clone(), node: self.name.clone() });
                if let Some(sandbox) = ground[self.id].sandboxes.get_mut(key) {
                    sandbox.is_ready = true;
                }
            }
            (timer::STOPPED, Stage::Stopping) => {
                let pod = cx.caches.get::<Pod>(key);
                let grace = pod.and_then(|pod| pod.meta.deletion).map_or(0, |deletion| deletion.grace_seconds);
                let needed = cx.delay(DelayId::ContainerStop, &key.to_string(), 0);
                self.end_pod(key, needed <= Span::from_secs(grace.max(0) as u64), ground, cx);
            }
            _ => return,
        }
        self.write_status(key, cx);
    }

    /// The containers of a pod have ended for good.
    fn end_pod(&mut self, key: &Key, succeeded: bool, ground: &mut Ground, cx: &mut Context<'_>) {
        self.pods.get_mut(key).expect("the caller has it").stage = Stage::Stopped { succeeded };
        self.remove_sandbox(key, ground, cx);
    }

    fn remove_sandbox(&self, key: &Key, ground: &mut Ground, cx: &mut Context<'_>) {
        let removed = ground[self.id].sandboxes.remove(key);
        if removed.is_some_and(|sandbox| sandbox.is_running) {
            cx.note(Fact::ContainersStopped { pod: key.clone(), node: self.name.clone() });
        }
    }

    /// The pod's object is gone: its containers must not stay.
    fn forget_pod(&mut self, key: &Key, ground: &mut Ground, cx: &mut Context<'_>) {
        if let Some(worker) = self.pods.remove(key) {
            self.keys.remove(&worker.serial);
            self.remove_sandbox(key, ground, cx);
        }
    }

    /// Writes a pod's status if the API says something else, one write at a time; once the API knows that a pod that is
    /// being deleted has ended, deletes its object.
    fn write_status(&mut self, key: &Key, cx: &mut Context<'_>) {
        let date = cx.timestamp();
        let (Some(worker), Some(pod)) = (self.pods.get_mut(key), cx.caches.get::<Pod>(key)) else { return };
        if worker.uid != pod.meta.uid {
            return;
        }
        if worker.is_writing {
            worker.must_write = true;
            return;
        }
        let (serial, uid) = (worker.serial, worker.uid);
        if !worker.agrees(pod, date) {
            if worker.stage == Stage::Starting && worker.restarts == 0 {
                return;
            }
            worker.is_writing = true;
            let edit = Edit::PodStatus(Box::new(worker.status(pod, date)));
            let request =
                Request::Patch { kind: Kind::Pod, key: key.clone(), uid: Some(uid), part: Part::Status, edit };
            self.send(ticket::POD_STATUS, serial, request, cx);
        } else if matches!(worker.stage, Stage::Stopped { .. }) && pod.meta.is_terminating() && !worker.is_deleting {
            worker.is_deleting = true;
            let options = DeleteOptions { grace_seconds: Some(0), uid: Some(uid), ..DeleteOptions::default() };
            let request = Request::Delete { kind: Kind::Pod, key: key.clone(), options };
            self.send(ticket::POD_DELETE, serial, request, cx);
        }
    }

    fn pod_answered(&mut self, what: u64, key: &Key, reply: &Reply, ground: &mut Ground, cx: &mut Context<'_>) {
        if reply.is_not_found() {
            return self.forget_pod(key, ground, cx);
        }
        let worker = self.pods.get_mut(key).expect("a key has a worker");
        if what == ticket::POD_DELETE {
            worker.is_deleting = false;
        } else {
            worker.is_writing = false;
        }
        if !reply.is_ok() {
            if !self.is_pod_sync_due {
                self.is_pod_sync_due = true;
                let period = cx.span(SettingId::PodStatusSyncPeriod);
                cx.wake_owned(period, Timer::new(timer::PODS), SettingId::PodStatusSyncPeriod);
            }
        } else if std::mem::take(&mut worker.must_write) {
            self.write_status(key, cx);
        }
    }

    fn sync_pods(&mut self, ground: &mut Ground, cx: &mut Context<'_>) {
        let keys: Vec<Key> = self.pods.keys().cloned().collect();
        for key in keys {
            match cx.caches.get::<Pod>(&key).cloned() {
                Some(pod) => self.pod_changed(&key, &pod, ground, cx),
                None => self.forget_pod(&key, ground, cx),
            }
        }
    }
}

/// A share of `span`.
fn share(span: Span, setting: SettingId, cx: &Context<'_>) -> Span {
    Span::from_micros(span.as_micros() * cx.settings.get(setting) as u64 / 1_000_000)
}

/// Where in its round of renewals a kubelet stands that has been running for long.
pub fn lease_phase(name: &str, cx: &Context<'_>) -> Span {
    cx.phase(&format!("lease {name}"), cx.span(SettingId::NodeLeaseRenewInterval))
}

/// The lease of a node, renewed at `renewed_micros` since 1970.
pub fn new_lease(name: &Name, renewed_micros: i64, cx: &Context<'_>) -> Lease {
    Lease {
        meta: Meta::new(Key::new(LEASE_NAMESPACE, name.clone())),
        holder: name.clone(),
        duration_seconds: cx.span(SettingId::NodeLeaseDuration).as_secs() as i32,
        renew_time: crate::object::MicroTime(renewed_micros),
    }
}

/// What a healthy kubelet says of its node.
pub fn healthy_conditions(date: Timestamp) -> Vec<Condition> {
    let condition = |kind: &str, status, reason: &str, message: &str| Condition {
        kind: kind.into(),
        status,
        reason: reason.into(),
        message: message.into(),
        last_transition: date,
        last_update: date,
    };
    let no = ConditionStatus::False;
    vec![
        condition(
            conditions::MEMORY_PRESSURE,
            no,
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available",
        ),
        condition(conditions::DISK_PRESSURE, no, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        condition(conditions::PID_PRESSURE, no, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        condition(conditions::READY, ConditionStatus::True, "KubeletReady", "kubelet is posting ready status"),
    ]
}
