//! Starts of pods: images are pulled, or cannot be and are tried again later and later.
//!
//! Source: `pkg/kubelet/images/image_manager.go`, `pkg/kubelet/pod_workers.go`,
//! `staging/src/k8s.io/client-go/util/flowcontrol/backoff.go`, v1.36. Left out: pull policies other than IfNotPresent, and
//! that the containers whose images are there start without the others. A registry that is gone refuses at once.

use super::heartbeat::jittered;
use super::kubelet::{Kubelet, timer};
use super::pod_worker::{PodWorker, Stage};
use super::runtime::{Runtime, images};
use crate::ground::Ground;
use crate::kernel::time::Span;
use crate::object::{DelayId, Key, Name, Pod, SettingId};
use crate::program::{Context, Timer};

/// Reason of a container whose image could not be pulled just now.
pub const PULL_FAILED: &str = "ErrImagePull";
/// Reason of a container whose image could not be pulled and is not tried again yet.
pub const PULL_BACKOFF: &str = "ImagePullBackOff";

impl Kubelet {
    /// Starts the containers of a pod once its images are there, or tries again after a while.
    pub(super) fn start_containers(&mut self, key: &Key, pod: &Pod, ground: &mut Ground, cx: &mut Context<'_>) {
        let worker = self.pods.get_mut(key).expect("the caller has it");
        let is_gone = ground.registry.outages > 0;
        let has_failed = worker.waiting.is_some();
        let missing: Vec<&Name> = images(pod).filter(|image| !ground[self.id].images.contains_key(*image)).collect();
        let failed = missing.into_iter().find_map(|image| Some((image.clone(), try_pull(worker, image, is_gone, cx)?)));
        worker.attempts += 1;
        worker.waiting = failed;
        if worker.waiting.is_some() {
            worker.starts_at = None;
            let wait = cx.span(SettingId::PodWorkerBackoff);
            let wait = jittered(wait, SettingId::PodWorkerJitter, &format!("pull {key}"), worker.attempts, cx);
            let timer = Timer { kind: timer::PULL, arg: worker.serial };
            return cx.wake_owned(wait, timer, SettingId::PodWorkerBackoff);
        }
        let (there, slowed) = self.runtime.pull(pod, self.id, ground, cx);
        let start = cx.delay(DelayId::ContainerStart, &key.to_string(), u64::from(worker.restarts));
        let start = ground[self.id].slow.of(worker.behavior.container_start.unwrap_or(start));
        worker.failed = if has_failed { cx.now.since(worker.since) } else { Span::ZERO };
        worker.slowed = slowed;
        worker.pulled = there.since(worker.since + worker.failed);
        worker.starts_at = Some(there + start);
        cx.wake_after((there + start).since(cx.now), Timer { kind: timer::STARTED, arg: worker.serial });
    }

    /// A pod whose image could not be pulled is looked at again.
    pub(super) fn retry_pull(&mut self, key: &Key, ground: &mut Ground, cx: &mut Context<'_>) {
        let is_waiting = |worker: &PodWorker| worker.stage == Stage::Starting && worker.waiting.is_some();
        let Some(pod) = cx.caches.get::<Pod>(key).cloned() else { return };
        if self.pods.get(key).is_some_and(is_waiting) {
            self.start_containers(key, &pod, ground, cx);
            self.write_status(key, cx);
        }
    }

    /// The registry has gone: pulls under way fail.
    pub fn on_pulls_broken(&mut self, ground: &mut Ground, cx: &mut Context<'_>) {
        self.runtime = Runtime::default();
        let starting =
            self.pods.iter().filter(|(_, worker)| worker.stage == Stage::Starting && worker.waiting.is_none());
        let keys: Vec<Key> = starting.map(|(key, _)| key.clone()).collect();
        for key in keys {
            let Some(pod) = cx.caches.get::<Pod>(&key).cloned() else { continue };
            if images(&pod).any(|image| !ground[self.id].images.contains_key(image)) {
                self.start_containers(&key, &pod, ground, cx);
                self.write_status(&key, cx);
            }
        }
    }
}

/// Why an image cannot be pulled for a pod, if it cannot.
fn try_pull(worker: &mut PodWorker, image: &Name, is_gone: bool, cx: &Context<'_>) -> Option<&'static str> {
    let (base, most) = (cx.span(SettingId::ImagePullBackoffBase), cx.span(SettingId::ImagePullBackoffMax));
    let base = base.min(most);
    let backoff = worker.pulls.get(image).copied().filter(|(_, failed)| cx.now.since(*failed) <= most.times(2));
    match backoff {
        Some((wait, failed)) if cx.now.since(failed) < wait => Some(PULL_BACKOFF),
        _ if !is_gone => None,
        backoff => {
            let wait = backoff.map_or(base, |(wait, _)| wait.times(2).min(most));
            worker.pulls.insert(image.clone(), (wait, cx.now));
            Some(PULL_FAILED)
        }
    }
}
