//! A disk that is nearly full: the kubelet says so, turns pods away, and evicts some.
//!
//! Source: `pkg/kubelet/eviction/{eviction_manager,helpers}.go`, v1.36. How full a disk is and what a pod has on it is not
//! simulated: a fault says that the threshold is met, and how many pods it takes to relieve it. Left out, therefore:
//! memory and process ids, soft thresholds, the reclaim of images, and usage in the order and the messages. As nothing
//! is used by measure, pods that ask for no ephemeral storage are above what they asked for and go first.

use super::kubelet::{Kubelet, timer};
use super::pod_worker::{PodWorker, SIGKILL_EXIT, Stage, Verdict};
use crate::ground::Ground;
use crate::kernel::time::Span;
use crate::object::{Key, Pod, SettingId};
use crate::program::{Context, Timer};

/// Priority from which a pod is critical and never evicted. Source: `pkg/apis/scheduling/types.go`
/// (`SystemCriticalPriority`), v1.36.
const CRITICAL: i32 = 2_000_000_000;

/// Whether a pod is never evicted.
pub(super) fn is_critical(pod: &Pod) -> bool {
    pod.priority() >= CRITICAL
}

impl Kubelet {
    /// Whether it says that its disk is nearly full: as long as it saw that, and for a time after.
    pub(super) fn has_disk_pressure(&self, cx: &Context<'_>) -> bool {
        let held = cx.span(SettingId::EvictionPressureTransition);
        self.pressure_seen.is_some_and(|seen| seen == cx.now || cx.now.since(seen) < held)
    }

    /// Begins to look at the disk, if there is something to see. Passes over a disk with room would change nothing.
    pub fn on_pressure(&mut self, ground: &Ground, cx: &mut Context<'_>) {
        if ground[self.id].disk_pressure.is_empty() {
            return;
        }
        self.pressure_cause = cx.cause;
        if self.is_watching_disk {
            return;
        }
        self.is_watching_disk = true;
        let period = cx.span(SettingId::EvictionMonitoringPeriod).as_micros();
        let phase = cx.phase(&format!("eviction {}", self.name), Span::from_micros(period)).as_micros();
        let wait = (phase + period - cx.now.as_micros() % period) % period;
        let timer = Timer::new(timer::PRESSURE);
        cx.wake_owned(Span::from_micros(wait), timer, SettingId::EvictionMonitoringPeriod);
    }

    /// Looks at the disk, and evicts at most one pod.
    pub(super) fn look_at_disk(&mut self, ground: &mut Ground, cx: &mut Context<'_>) {
        cx.cause = self.pressure_cause;
        let machine = &mut ground[self.id];
        if !machine.disk_pressure.is_empty() {
            self.pressure_seen = Some(cx.now);
        }
        if !self.has_disk_pressure(cx) {
            (self.is_watching_disk, self.pressure_seen) = (false, None);
            return;
        }
        cx.wake_owned(
            cx.span(SettingId::EvictionMonitoringPeriod),
            Timer::new(timer::PRESSURE),
            SettingId::EvictionMonitoringPeriod,
        );
        let Some(left) = machine.disk_pressure.values_mut().find(|left| **left > 0) else { return };
        let live = self.pods.iter().filter(|(_, worker)| worker.is_live());
        let pods = live.filter_map(|(key, _)| cx.caches.get::<Pod>(key));
        let rank = |pod: &&std::sync::Arc<Pod>| {
            let asks = pod.spec.requests(false).ephemeral_bytes > 0;
            (asks, pod.priority(), pod.meta.key.clone())
        };
        let evicted = pods.filter(|pod| !is_critical(pod) && !pod.meta.is_terminating()).min_by_key(rank);
        if let Some(key) = evicted.map(|pod| pod.meta.key.clone()) {
            *left -= 1;
            self.evict(&key, ground, cx);
        }
    }

    fn evict(&mut self, key: &Key, ground: &mut Ground, cx: &mut Context<'_>) {
        let worker = self.pods.get_mut(key).expect("it was chosen among them");
        worker.verdict = Some(Verdict::Evicted);
        if worker.stage == Stage::Starting {
            self.end_pod(key, SIGKILL_EXIT, ground, cx);
        } else {
            self.stop_pod(key, cx.span(SettingId::ImmediateEvictionGrace), ground, cx);
        }
        self.write_status(key, cx);
    }
}

impl PodWorker {
    /// Whether its pod neither has ended nor is ending.
    pub const fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Starting | Stage::Running | Stage::Ready)
    }
}
