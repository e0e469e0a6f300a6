//! The container runtime: images are pulled one after another, then sandbox and containers start.
//!
//! Source of the behaviour: `pkg/kubelet/images` (serial pulls), `pkg/kubelet/kuberuntime/kuberuntime_manager.go`, v1.36.
//! Left out: init containers and exits of their own, crash loops, pull failures, probes.

use crate::ground::Machine;
use crate::kernel::time::{Span, Time};
use crate::object::{DelayId, Name, Pod};
use crate::program::Context;

/// The runtime's own memory: until when it pulls.
#[derive(Clone, Debug, Default)]
pub struct Runtime {
    pulling_until: Time,
}

impl Runtime {
    /// Time from now until the images of `pod` are there, and from then until its containers run. Images that are pulled
    /// for it are on the disk from then on.
    pub fn start_delay(
        &mut self,
        pod: &Pod,
        path: &str,
        attempt: u64,
        machine: &mut Machine,
        cx: &Context<'_>,
    ) -> (Span, Span) {
        let mut images_there = cx.now;
        for container in pod.spec.init_containers.iter().chain(&pod.spec.containers) {
            images_there = images_there.max(self.image_there(&container.image, machine, cx));
        }
        (images_there.since(cx.now), cx.delay(DelayId::ContainerStart, path, attempt))
    }

    fn image_there(&mut self, image: &Name, machine: &mut Machine, cx: &Context<'_>) -> Time {
        if let Some(&at) = machine.images.get(image) {
            return at.max(cx.now);
        }
        let pull = cx.delay(DelayId::ImagePull, &format!("{} {image}", machine.name), 0);
        let at = self.pulling_until.max(cx.now) + pull;
        self.pulling_until = at;
        machine.images.insert(image.clone(), at);
        at
    }
}
