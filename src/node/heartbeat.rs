//! Signs of life: a kubelet registers its node, renews its lease and reports its node's status.
//!
//! Source: `pkg/kubelet/kubelet_node_status.go`, `staging/src/k8s.io/component-helpers/apimachinery/lease/controller.go`,
//! v1.36. Left out: a registered node whose labels or capacity differ from the machine's is not brought up to date.

use super::kubelet::{Kubelet, ticket, timer};
use crate::apiserver::{ApiError, Part, Reply, Request};
use crate::ground::Ground;
use crate::kernel::rng::Purpose;
use crate::kernel::time::{Span, Time};
use crate::object::node::conditions;
use crate::object::{
    Condition, ConditionStatus, DelayId, Edit, FactId, Key, Kind, Lease, Meta, Name, Node, SettingId, Timestamp,
    condition,
};
use crate::program::{Context, Timer};

/// Namespace of the leases of nodes.
pub const LEASE_NAMESPACE: &str = "kube-node-lease";

impl Kubelet {
    /// Creates the node's object, if there is none yet.
    pub(super) fn register(&mut self, cx: &mut Context<'_>) {
        if cx.caches.get::<Node>(&Key::cluster(self.name.clone())).is_some() {
            return;
        }
        self.is_ready = false;
        let node = Node { conditions: self.conditions(cx), ..Node::clone(&self.node) };
        self.send(ticket::REGISTER, 0, Request::Create(node.into()), cx);
    }

    /// The attempt to register was answered: the runtime and the network of a new node take a while.
    pub(super) fn registered(&mut self, reply: &Reply, ground: &Ground, cx: &mut Context<'_>) {
        if reply.is_ok() || matches!(reply, Reply::Error(ApiError::AlreadyExists)) {
            let delay = ground[self.id].slow.of(cx.delay(DelayId::NodeReady, &self.name, self.round));
            return cx.wake_after(delay, Timer::new(timer::NODE_READY));
        }
        let (first, most) = (cx.span(SettingId::RegisterBackoffBase), cx.span(SettingId::RegisterBackoffMax));
        let wait = first.times(1 << self.registrations.min(30)).min(most);
        self.registrations += 1;
        cx.wake_owned(wait, Timer::new(timer::REGISTER), SettingId::RegisterBackoffBase);
    }

    /// What this kubelet says of its node.
    fn conditions(&self, cx: &Context<'_>) -> Vec<Condition> {
        let mut all = healthy_conditions(cx.timestamp());
        let mut say = |kind: &str, status, reason: &str, message: &str| {
            let condition = all.iter_mut().find(|condition| condition.kind == kind);
            let condition = condition.expect("a healthy node has all conditions");
            condition.status = status;
            (condition.reason, condition.message) = (reason.into(), message.into());
        };
        if self.has_disk_pressure(cx) {
            let message = "kubelet has disk pressure";
            say(conditions::DISK_PRESSURE, ConditionStatus::True, "KubeletHasDiskPressure", message);
        }
        if !self.is_ready {
            let message = "container runtime network not ready";
            say(conditions::READY, ConditionStatus::False, "KubeletNotReady", message);
        }
        all
    }

    pub(super) fn renew_lease(&mut self, cx: &mut Context<'_>) {
        let request = match &self.lease {
            Some(lease) => Request::update(Lease { renew_time: cx.clock.micro_time(cx.now), ..Lease::clone(lease) }),
            None => {
                let key = Key::new(LEASE_NAMESPACE, self.name.clone());
                return self.send(ticket::LEASE_GET, 0, Request::Get { kind: Kind::Lease, key }, cx);
            }
        };
        self.send(ticket::LEASE_RENEW, 0, request, cx);
    }

    pub(super) fn lease_answered(&mut self, what: u64, reply: &Reply, cx: &mut Context<'_>) {
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
        let path = format!("lease {}", self.name);
        let interval = jittered(interval, SettingId::NodeLeaseJitter, &path, self.renewals, cx);
        cx.wake_round(interval, self.lease_timer(), SettingId::NodeLeaseRenewInterval);
    }

    /// The timer of the next renewal. One set before a cut is void after it: the reconnection renewed at once.
    pub(super) const fn lease_timer(&self) -> Timer {
        Timer { kind: timer::LEASE, arg: self.round }
    }

    /// Computes the node's status and reports it if it changed or a report is due; with `again`, sets the next round.
    pub(super) fn report_node(&mut self, again: bool, cx: &mut Context<'_>) {
        if again {
            self.status_rounds += 1;
            let period = cx.span(SettingId::NodeStatusUpdateFrequency);
            let path = format!("node-status {}", self.name);
            let period = jittered(period, SettingId::NodeStatusJitter, &path, self.status_rounds, cx);
            cx.wake_round(period, Timer::new(timer::STATUS), SettingId::NodeStatusUpdateFrequency);
        }
        let key = Key::cluster(self.name.clone());
        let Some(known) = cx.caches.get::<Node>(&key) else { return };
        let conditions = self.conditions(cx);
        let differs = conditions.iter().any(|own| {
            condition::find(&known.conditions, &own.kind)
                .is_none_or(|known| (known.status, &known.reason) != (own.status, &own.reason))
        });
        let frequency = cx.span(SettingId::NodeStatusReportFrequency).as_micros() as i64;
        let due = |last: Time| last.as_micros() as i64 + frequency + self.report_delay_micros;
        if !differs && self.last_report.is_some_and(|last| (cx.now.as_micros() as i64) < due(last)) {
            return;
        }
        if cx.cause == FactId::NONE && differs {
            // What a round finds new is how the disk fares.
            cx.cause = self.pressure_cause;
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
}

/// A wait, drawn longer by up to the share of it that `setting` says.
pub(super) fn jittered(wait: Span, setting: SettingId, path: &str, counter: u64, cx: &Context<'_>) -> Span {
    let most = Span::from_micros(wait.as_micros() * cx.settings.get(setting) as u64 / 1_000_000);
    wait + cx.draws.span_below(Purpose::Jitter, path, counter, most)
}

/// Where in its round of renewals a kubelet stands that has been running for long: kubelets that were started together
/// renew together.
pub fn lease_phase(name: &str, cx: &Context<'_>) -> Span {
    let interval = cx.span(SettingId::NodeLeaseRenewInterval);
    let apart = cx.phase("leases", interval) + cx.delay(DelayId::KubeletStartSpread, name, 0);
    Span::from_micros(apart.as_micros() % interval.as_micros().max(1))
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
