//! The pods of a node: started, reported, stopped.
//!
//! Source: `pkg/kubelet/{kubelet,pod_workers}.go`, `pkg/kubelet/status/status_manager.go`,
//! `staging/src/k8s.io/client-go/util/flowcontrol/backoff.go`, v1.36. Left out: the status write of a pod that has not
//! started, static pods, volumes, probes; the containers of a pod start, exit and end together.

use super::heartbeat::jittered;
use super::kubelet::{Kubelet, ticket, timer};
use super::pod_worker::{PodWorker, SIGKILL_EXIT, SIGTERM_EXIT, Stage, Verdict};
use crate::apiserver::{DeleteOptions, Part, Reply, Request};
use crate::ground::{Ground, Sandbox};
use crate::kernel::time::Span;
use crate::object::behavior::Moment;
use crate::object::pod::RestartPolicy;
use crate::object::{DelayId, Edit, Fact, Key, Kind, Pod, SettingId};
use crate::program::{Context, Timer};
use std::sync::Arc;

impl Kubelet {
    pub(super) fn pod_changed(&mut self, key: &Key, pod: &Arc<Pod>, ground: &mut Ground, cx: &mut Context<'_>) {
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
            // Somebody else may also have declared that it has ended, as pod garbage collection does.
            _ if !pod.meta.is_terminating() && !pod.status.phase.is_terminal() => {}
            // Either its containers never ran, or a crash ended them.
            Stage::Starting => self.end_pod(key, SIGKILL_EXIT, ground, cx),
            _ => self.stop_pod(key, grace_of(pod), ground, cx),
        }
        self.write_status(key, cx);
    }

    /// Begins to work on a pod that this kubelet has not seen.
    fn admit_pod(&mut self, key: &Key, pod: &Pod, ground: &mut Ground, cx: &mut Context<'_>) {
        self.serials += 1;
        let sandbox = ground[self.id].sandboxes.get(key).filter(|sandbox| sandbox.uid == pod.meta.uid);
        let mut worker = PodWorker::new(pod, self.serials, sandbox, cx);
        if self.is_rehearsal {
            worker.behavior = worker.behavior.at_once();
        }
        let (stage, ends) =
            (worker.stage, sandbox.filter(|sandbox| sandbox.is_running).and_then(|sandbox| sandbox.ends));
        if stage == Stage::Starting
            && let Some(rejection) = self.rejection(pod, &worker.requests, cx)
        {
            worker.verdict = Some(Verdict::Rejected(rejection));
            worker.stage = Stage::Stopped { exit_code: SIGKILL_EXIT };
        }
        self.keys.insert(worker.serial, key.clone());
        self.pods.insert(key.clone(), worker.clone());
        match worker.stage {
            Stage::Starting if !pod.meta.is_terminating() => self.start_containers(key, pod, ground, cx),
            Stage::Running => self.await_ready(key, ground, cx),
            _ => {}
        }
        if let Some(end) = ends.filter(|_| worker.is_live()) {
            // Containers of another kubelet's time: they end when they would have.
            let timer = Timer { kind: timer::EXITED, arg: worker.serial };
            cx.wake_after(end.saturating_since(cx.now), timer);
        }
    }

    fn await_ready(&mut self, key: &Key, ground: &Ground, cx: &mut Context<'_>) {
        let worker = self.pods.get_mut(key).expect("the caller has it");
        let delay = match worker.behavior.ready_after {
            None => cx.delay(DelayId::ReadyAfter, &key.to_string(), u64::from(worker.restarts)),
            Some(Moment::After(span)) => span,
            Some(Moment::Never) => return,
        };
        let delay = ground[self.id].slow.of(delay);
        worker.ready_at = Some(cx.now + delay);
        cx.wake_after(delay, Timer { kind: timer::READY, arg: worker.serial });
    }

    /// Asks the containers of a pod to end, and kills them after `grace`.
    pub(super) fn stop_pod(&mut self, key: &Key, grace: Span, ground: &mut Ground, cx: &mut Context<'_>) {
        let worker = self.pods.get_mut(key).expect("the caller has it");
        let machine = &mut ground[self.id];
        let asked = machine.slow.of(stop_delay(key, worker, cx));
        worker.stage = Stage::Stopping;
        worker.is_killed = asked > grace;
        cx.wake_after(asked.min(grace), Timer { kind: timer::STOPPED, arg: worker.serial });
        if let Some(sandbox) = machine.sandboxes.get_mut(key) {
            let end = cx.now + asked.min(grace);
            sandbox.ends = Some(sandbox.ends.map_or(end, |ends| ends.min(end)));
        }
    }

    /// The next stage of a pod has come.
    pub(super) fn advance_pod(&mut self, stage: u32, key: &Key, ground: &mut Ground, cx: &mut Context<'_>) {
        let worker = self.pods.get_mut(key).expect("a key has a worker");
        match (stage, worker.stage) {
            (timer::STARTED, Stage::Starting) if worker.starts_at == Some(cx.now) => {
                let ip = worker.ip.unwrap_or_else(|| ground.next_address(self.id));
                worker.stage = Stage::Running;
                worker.is_backing_off = false;
                worker.ip = Some(ip);
                let worker = worker.clone();
                let sandbox = Sandbox {
                    uid: worker.uid,
                    is_running: true,
                    is_ready: false,
                    restarts: worker.restarts,
                    started: cx.now,
                    ends: worker.behavior.run_for.map(|span| cx.now + span),
                    ip,
                };
                ground[self.id].sandboxes.insert(key.clone(), sandbox);
                let (pod, node) = (key.clone(), self.name.clone());
                let PodWorker { failed, pulled, slowed, .. } = worker;
                cx.note(Fact::ContainersStarted { pod, node, failed, pulled, slowed });
                self.await_ready(key, ground, cx);
                if let Some(span) = worker.behavior.run_for {
                    cx.wake_after(span, Timer { kind: timer::EXITED, arg: worker.serial });
                }
            }
            (timer::EXITED, Stage::Running | Stage::Ready) => self.containers_exited(key, ground, cx),
            // What ran before may have been about to be ready.
            (timer::READY, Stage::Running) if worker.ready_at == Some(cx.now) => {
                worker.stage = Stage::Ready;
                cx.note(Fact::ContainersReady { pod: key.clone(), node: self.name.clone() });
                if let Some(sandbox) = ground[self.id].sandboxes.get_mut(key) {
                    sandbox.is_ready = true;
                }
            }
            (timer::STOPPED, Stage::Stopping) => {
                let exit_code = match cx.caches.get::<Pod>(key).map(|pod| pod.spec.restart_policy) {
                    _ if worker.is_killed => SIGKILL_EXIT,
                    Some(RestartPolicy::Always) | None => 0,
                    Some(_) => SIGTERM_EXIT,
                };
                self.end_pod(key, exit_code, ground, cx);
            }
            _ => return,
        }
        self.write_status(key, cx);
    }

    /// The containers of a pod have ended for good.
    pub(super) fn end_pod(&mut self, key: &Key, exit_code: i32, ground: &mut Ground, cx: &mut Context<'_>) {
        self.pods.get_mut(key).expect("the caller has it").stage = Stage::Stopped { exit_code };
        self.remove_sandbox(key, ground, cx);
    }

    /// The containers of a pod have exited by themselves: the pod has ended, or they are started again.
    fn containers_exited(&mut self, key: &Key, ground: &mut Ground, cx: &mut Context<'_>) {
        let worker = self.pods.get_mut(key).expect("the caller has it");
        let exit_code = worker.behavior.exit_code;
        let policy = cx.caches.get::<Pod>(key).map(|pod| pod.spec.restart_policy);
        let is_over = match policy {
            Some(RestartPolicy::Always) => false,
            Some(RestartPolicy::OnFailure) => exit_code == 0,
            Some(RestartPolicy::Never) | None => true,
        };
        if is_over {
            return self.end_pod(key, exit_code, ground, cx);
        }
        let wait = crash_wait(key, worker, cx);
        worker.restarts += 1;
        worker.is_backing_off = wait > Span::ZERO;
        worker.stage = Stage::Starting;
        let start = cx.delay(DelayId::ContainerStart, &key.to_string(), u64::from(worker.restarts));
        let start = ground[self.id].slow.of(worker.behavior.container_start.unwrap_or(start));
        worker.starts_at = Some(cx.now + wait + start);
        let timer = Timer { kind: timer::STARTED, arg: worker.serial };
        cx.wake_owned(wait + start, timer, SettingId::CrashLoopBackoffBase);
        if let Some(sandbox) = ground[self.id].sandboxes.get_mut(key) {
            (sandbox.is_running, sandbox.is_ready) = (false, false);
            cx.note(Fact::ContainersStopped { pod: key.clone(), node: self.name.clone() });
        }
    }

    fn remove_sandbox(&self, key: &Key, ground: &mut Ground, cx: &mut Context<'_>) {
        let removed = ground[self.id].sandboxes.remove(key);
        if removed.is_some_and(|sandbox| sandbox.is_running) {
            cx.note(Fact::ContainersStopped { pod: key.clone(), node: self.name.clone() });
        }
    }

    /// The pod's object is gone: its containers must not stay.
    pub(super) fn forget_pod(&mut self, key: &Key, ground: &mut Ground, cx: &mut Context<'_>) {
        if let Some(worker) = self.pods.remove(key) {
            self.keys.remove(&worker.serial);
            self.remove_sandbox(key, ground, cx);
        }
    }

    /// Writes a pod's status if the API says something else, one write at a time; once the API knows that a pod that is
    /// being deleted has ended, deletes its object.
    pub(super) fn write_status(&mut self, key: &Key, cx: &mut Context<'_>) {
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
            if worker.stage == Stage::Starting && worker.restarts == 0 && worker.waiting.is_none() {
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

    pub(super) fn pod_answered(
        &mut self,
        what: u64,
        key: &Key,
        reply: &Reply,
        ground: &mut Ground,
        cx: &mut Context<'_>,
    ) {
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

    pub(super) fn sync_pods(&mut self, ground: &mut Ground, cx: &mut Context<'_>) {
        let keys: Vec<Key> = self.pods.keys().cloned().collect();
        for key in keys {
            match cx.caches.get::<Pod>(&key).cloned() {
                Some(pod) => self.pod_changed(&key, &pod, ground, cx),
                None => self.forget_pod(&key, ground, cx),
            }
        }
    }
}

/// How long a pod has to end: as its deletion says, or else its spec.
fn grace_of(pod: &Pod) -> Span {
    let own = pod.spec.termination_grace_seconds.unwrap_or(0);
    let grace = pod.meta.deletion.map_or(own, |deletion| deletion.grace_seconds);
    Span::from_secs(grace.max(0) as u64)
}

/// How long the containers of a pod take to end when they are asked to.
fn stop_delay(key: &Key, worker: &PodWorker, cx: &Context<'_>) -> Span {
    worker.behavior.container_stop.unwrap_or_else(|| cx.delay(DelayId::ContainerStop, &key.to_string(), 0))
}

/// How long containers that exit now wait for their restart: not at all the first time, then longer and longer, and a
/// little longer still because their worker looks only now and then.
fn crash_wait(key: &Key, worker: &mut PodWorker, cx: &Context<'_>) -> Span {
    let (base, most) = (cx.span(SettingId::CrashLoopBackoffBase), cx.span(SettingId::CrashLoopBackoffMax));
    let base = base.min(most);
    let due = worker.backoff.filter(|(_, started)| cx.now.since(*started) <= most.times(2));
    let Some((wait, _)) = due else {
        worker.backoff = Some((base, cx.now));
        return Span::ZERO;
    };
    let (path, restarts) = (format!("crash {key}"), u64::from(worker.restarts));
    let late = jittered(wait, SettingId::PodWorkerJitter, &path, restarts, cx);
    worker.backoff = Some((wait.times(2).min(most), cx.now + late));
    late
}
