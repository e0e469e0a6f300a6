//! One pod on one node: what its worker does next and what status it has.
//!
//! Source of the behaviour: `pkg/kubelet/{pod_workers,kubelet_pods}.go`, `pkg/kubelet/status/status_manager.go`, v1.36.

use super::admission::Rejection;
use crate::ground::Sandbox;
use crate::kernel::time::{Span, Time};
use crate::object::behavior::Behavior;
use crate::object::pod::{CRASH_LOOP, ContainerStatus, PodStatus, RestartPolicy, conditions};
use crate::object::resources::Resources;
use crate::object::{Condition, ConditionStatus, Name, Phase, Pod, Timestamp, Uid, condition};
use crate::program::Context;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// How far a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its images are pulled, its containers started.
    Starting,
    /// Its containers run but are not ready.
    Running,
    /// Its containers are ready.
    Ready,
    /// Its containers were asked to end.
    Stopping,
    /// Its containers have ended for good.
    Stopped {
        /// With this exit code.
        exit_code: i32,
    },
}

/// Why a pod ends that neither its containers nor a deletion ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its node's disk was nearly full.
    Evicted,
    /// The node did not take it.
    Rejected(Rejection),
}

/// A pod's worker.
#[derive(Clone, Debug)]
pub struct PodWorker {
    /// The pod; a namesake is another.
    pub uid: Uid,
    /// Number of this worker, for timers and tickets.
    pub serial: u64,
    /// What it asks for.
    pub requests: Resources,
    /// How far it is.
    pub stage: Stage,
    /// How often its containers were started again.
    pub restarts: u32,
    /// Address, once it has one.
    pub ip: Option<Ipv4Addr>,
    /// How long its images could not be pulled before they came.
    pub failed: Span,
    /// How long it waits for images that come before its containers start.
    pub pulled: Span,
    /// How much of that because the registry is slow.
    pub slowed: Span,
    /// When this kubelet first saw it.
    pub start_time: Timestamp,
    /// When this worker began to start it.
    pub since: Time,
    /// When its containers will have started, if nothing comes in between.
    pub starts_at: Option<Time>,
    /// When its containers that run will be ready, if nothing comes in between.
    pub ready_at: Option<Time>,
    /// An image that cannot be pulled, and why.
    pub waiting: Option<(Name, &'static str)>,
    /// Whether its containers have exited and wait for their back-off.
    pub is_backing_off: bool,
    /// Images that could not be pulled: their back-off, and when that last failed.
    pub pulls: BTreeMap<Name, (Span, Time)>,
    /// How often it was tried to pull and start it.
    pub attempts: u64,
    /// Whether its containers, asked to end, will not have done so in time.
    pub is_killed: bool,
    /// Why it ends, if this kubelet has decided so.
    pub verdict: Option<Verdict>,
    /// What its annotations say of its containers.
    pub behavior: Behavior,
    /// Once they have exited by themselves: the next wait before a restart, and when they were started last.
    pub backoff: Option<(Span, Time)>,
    /// A status is on its way to the API server.
    pub is_writing: bool,
    /// The status has changed since.
    pub must_write: bool,
    /// The deletion of the object is on its way.
    pub is_deleting: bool,
}

impl PodWorker {
    /// A worker for a pod that starts, or that goes on as the containers in `sandbox` are.
    pub fn new(pod: &Pod, serial: u64, sandbox: Option<&Sandbox>, cx: &Context<'_>) -> PodWorker {
        let stage = match sandbox {
            Some(sandbox) if sandbox.is_running && sandbox.is_ready => Stage::Ready,
            Some(sandbox) if sandbox.is_running => Stage::Running,
            Some(_) if pod.spec.restart_policy == RestartPolicy::Never => Stage::Stopped { exit_code: SIGKILL_EXIT },
            _ => Stage::Starting,
        };
        PodWorker {
            uid: pod.meta.uid,
            serial,
            requests: pod.spec.requests(false),
            stage,
            restarts: sandbox.map_or(0, |sandbox| sandbox.restarts + u32::from(!sandbox.is_running)),
            ip: sandbox.filter(|sandbox| sandbox.is_running).map(|sandbox| sandbox.ip),
            failed: Span::ZERO,
            pulled: Span::ZERO,
            slowed: Span::ZERO,
            start_time: pod.status.start_time.unwrap_or(cx.timestamp()),
            since: cx.now,
            starts_at: None,
            ready_at: None,
            waiting: None,
            is_backing_off: false,
            pulls: BTreeMap::new(),
            attempts: 0,
            is_killed: false,
            verdict: None,
            behavior: Behavior::of(&pod.meta.annotations),
            backoff: None,
            is_writing: false,
            must_write: false,
            is_deleting: false,
        }
    }

    /// The status of `pod` as this worker sees it.
    pub fn status(&self, pod: &Pod, date: Timestamp) -> PodStatus {
        if let Some(Verdict::Rejected(Rejection { reason, message })) = &self.verdict {
            let (reason, message) = (reason.clone(), message.clone());
            return PodStatus { phase: Phase::Failed, reason, message, ..PodStatus::default() };
        }
        let is_running = matches!(self.stage, Stage::Running | Stage::Ready | Stage::Stopping);
        let is_ready = self.stage == Stage::Ready || self.stage == Stage::Stopping && pod.is_ready();
        let (phase, exit_code) = match self.stage {
            Stage::Starting if self.restarts == 0 => (Phase::Pending, None),
            Stage::Stopped { exit_code } if self.verdict.is_some() => (Phase::Failed, Some(exit_code)),
            Stage::Stopped { exit_code: 0 } => (Phase::Succeeded, Some(0)),
            Stage::Stopped { exit_code } => (Phase::Failed, Some(exit_code)),
            _ => (Phase::Running, None),
        };
        // Nobody takes a pod back from a terminal phase, whoever put it there.
        let phase = if pod.status.phase.is_terminal() { pod.status.phase } else { phase };
        let not_ready = match self.stage {
            Stage::Stopped { .. } => "PodCompleted",
            _ => "ContainersNotReady",
        };
        let ready_reason = if is_ready { "" } else { not_ready };
        let condition = |kind: &str, holds: bool, reason: &str| Condition {
            kind: kind.into(),
            status: ConditionStatus::from(holds),
            reason: reason.into(),
            message: Name::none(),
            last_transition: date,
            last_update: date,
        };
        let has_sandbox = self.ip.is_some() && !matches!(self.stage, Stage::Stopped { .. });
        let mut all = vec![
            condition(conditions::READY_TO_START, has_sandbox, ""),
            condition(conditions::INITIALIZED, true, ""),
            condition(conditions::READY, is_ready, ready_reason),
            condition(conditions::CONTAINERS_READY, is_ready, ready_reason),
        ];
        let (mut reason, mut message) = (Name::none(), Name::none());
        if self.verdict.is_some() {
            let low: Name = "The node was low on resource: ephemeral-storage. ".into();
            let target = condition(conditions::DISRUPTION_TARGET, true, "TerminationByKubelet");
            all.push(Condition { message: low.clone(), ..target });
            if phase == Phase::Failed {
                (reason, message) = (EVICTED.into(), low);
            }
        }
        let waiting = |image: &Name| match &self.waiting {
            _ if !self.is_live() => None,
            _ if self.is_backing_off => Some(CRASH_LOOP),
            Some((missing, reason)) if missing == image => Some(*reason),
            _ => None,
        };
        PodStatus {
            phase,
            conditions: all,
            reason,
            message,
            containers: pod
                .spec
                .containers
                .iter()
                .map(|container| ContainerStatus {
                    name: container.name.clone(),
                    is_running,
                    is_ready,
                    restart_count: self.restarts,
                    exit_code,
                    waiting: waiting(&container.image).map_or_else(Name::none, Name::from),
                })
                .collect(),
            ip: self.ip,
            start_time: Some(self.start_time),
            ..PodStatus::default()
        }
    }

    /// Whether the API says the same of `pod` as this worker.
    pub fn agrees(&self, pod: &Pod, date: Timestamp) -> bool {
        let mine = self.status(pod, date);
        let theirs = &pod.status;
        (mine.phase, &mine.containers, mine.ip) == (theirs.phase, &theirs.containers, theirs.ip)
            && mine.conditions.iter().all(|own| {
                condition::find(&theirs.conditions, &own.kind)
                    .is_some_and(|known| (known.status, &known.reason) == (own.status, &own.reason))
            })
    }
}

/// Reason of a pod that a kubelet evicted or turned away.
pub const EVICTED: &str = "Evicted";
/// Exit code of a container that was killed.
pub const SIGKILL_EXIT: i32 = 137;
/// Exit code of a container that ended because it was asked to, and does not handle that.
pub const SIGTERM_EXIT: i32 = 143;
