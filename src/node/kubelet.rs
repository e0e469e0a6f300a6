//! The kubelet: signs of life, and the pods of its node.
//!
//! Its state and its loop are here; [`super::heartbeat`] has the signs of life, [`super::pods`] the pods, [`super::pulls`]
//! how they start, [`super::pressure`] what happens when the disk fills up.
//!
//! Source: `pkg/kubelet/kubelet.go`, v1.36. Left out: static pods, graceful shutdown of the node.

use super::Start;
use super::heartbeat::lease_phase;
use super::pod_worker::PodWorker;
use super::runtime::Runtime;
use crate::apiserver::{Change, Reply, Request};
use crate::ground::{Ground, NodeId};
use crate::kernel::time::Time;
use crate::object::{FactId, Key, Kind, Lease, Name, Node, Pod, SettingId};
use crate::program::{Context, Ticket, Timer};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) mod timer {
    pub const LEASE: u32 = 1;
    pub const STATUS: u32 = 2;
    pub const PODS: u32 = 3;
    pub const STARTED: u32 = 4;
    pub const READY: u32 = 5;
    pub const STOPPED: u32 = 6;
    pub const EXITED: u32 = 7;
    pub const REGISTER: u32 = 8;
    pub const NODE_READY: u32 = 9;
    pub const PULL: u32 = 10;
    pub const PRESSURE: u32 = 11;
}

/// What a ticket is for; the low bits carry the round of the connection and the pod worker.
pub(super) mod ticket {
    pub const LEASE_RENEW: u64 = 1;
    pub const LEASE_GET: u64 = 2;
    pub const NODE_STATUS: u64 = 3;
    pub const POD_STATUS: u64 = 4;
    pub const POD_DELETE: u64 = 5;
    pub const REGISTER: u64 = 6;
}

/// One node's kubelet.
#[derive(Clone, Debug)]
pub struct Kubelet {
    pub(super) id: NodeId,
    pub(super) name: Name,
    /// As what it registers.
    pub(super) node: Arc<Node>,
    /// Attempts to register that failed.
    pub(super) registrations: u32,
    /// Whether runtime and network are.
    pub(super) is_ready: bool,
    /// Whether it rehearses.
    pub(super) is_rehearsal: bool,
    /// The lease as it was last written; none until it is known.
    pub(super) lease: Option<Arc<Lease>>,
    pub(super) lease_failures: usize,
    pub(super) renewals: u64,
    pub(super) status_rounds: u64,
    /// When the node's status was last written; none since it started.
    pub(super) last_report: Option<Time>,
    /// Added to the next report's period; drawn anew when the status changed.
    pub(super) report_delay_micros: i64,
    pub(super) runtime: Runtime,
    pub(super) pods: BTreeMap<Key, PodWorker>,
    pub(super) keys: BTreeMap<u64, Key>,
    pub(super) serials: u64,
    pub(super) is_pod_sync_due: bool,
    /// Whether it looks at the disk in rounds.
    pub(super) is_watching_disk: bool,
    /// When it last saw the disk nearly full.
    pub(super) pressure_seen: Option<Time>,
    /// What last changed how full the disk is.
    pub pressure_cause: FactId,
    /// Counts connections: replies to what was sent before a cut are not waited for.
    pub(super) round: u64,
}

impl Kubelet {
    /// A kubelet with an empty memory.
    pub fn new(id: NodeId, name: Name, node: Arc<Node>) -> Kubelet {
        Kubelet {
            id,
            name,
            node,
            registrations: 0,
            is_ready: true,
            is_rehearsal: false,
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
            is_watching_disk: false,
            pressure_seen: None,
            pressure_cause: FactId::NONE,
            round: 0,
        }
    }

    /// It begins: in the middle of its rounds, or with all of them at once.
    pub fn on_start(&mut self, start: Start, ground: &Ground, cx: &mut Context<'_>) {
        self.on_pressure(ground, cx);
        self.is_rehearsal = start == Start::Rehearsal;
        match start {
            Start::LongAgo | Start::Rehearsal => {
                let lease = lease_phase(&self.name, cx);
                cx.wake_round(lease, self.lease_timer(), SettingId::NodeLeaseRenewInterval);
                let period = cx.span(SettingId::NodeStatusUpdateFrequency);
                let status = cx.phase(&format!("node-status {}", self.name), period);
                cx.wake_round(status, Timer::new(timer::STATUS), SettingId::NodeStatusUpdateFrequency);
                // The last report lies somewhere in the past; what remains of its period is drawn.
                let frequency = cx.span(SettingId::NodeStatusReportFrequency);
                let age = cx.phase(&format!("node-report {}", self.name), frequency);
                self.last_report = Some(Time::ZERO);
                self.report_delay_micros = -(age.as_micros() as i64);
            }
            Start::Boot => {
                self.register(cx);
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
            ticket::REGISTER => self.registered(reply, ground, cx),
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
            timer::REGISTER => self.register(cx),
            timer::PRESSURE => self.look_at_disk(ground, cx),
            timer::NODE_READY => {
                self.is_ready = true;
                self.report_node(false, cx);
            }
            timer::PODS => {
                self.is_pod_sync_due = false;
                self.sync_pods(ground, cx);
            }
            stage => {
                let Some(key) = self.keys.get(&timer.arg).cloned() else { return };
                if stage == timer::PULL {
                    return self.retry_pull(&key, ground, cx);
                }
                self.advance_pod(stage, &key, ground, cx);
            }
        }
    }

    pub(super) fn send(&self, what: u64, serial: u64, request: Request, cx: &mut Context<'_>) {
        cx.send(request, Ticket(what << 56 | (self.round & 0xffff) << 40 | serial));
    }
}
