//! The container runtime: images are pulled one after another, then sandbox and containers start.
//!
//! Source of the behaviour: `pkg/kubelet/images` (serial pulls), `pkg/kubelet/kuberuntime/kuberuntime_manager.go`, v1.36.
//! Left out: init containers and exits of their own, probes.

use crate::ground::{Ground, NodeId};
use crate::kernel::time::{Span, Time};
use crate::object::{DelayId, Name, Pod};
use crate::program::Context;

/// The runtime's own memory: until when it pulls.
#[derive(Clone, Debug, Default)]
pub struct Runtime {
    pulling_until: Time,
    /// How much earlier that would be if the registry were as fast as ever.
    slowed: Span,
}

/// Images of a pod, in the order in which they are pulled.
pub fn images(pod: &Pod) -> impl Iterator<Item = &Name> {
    pod.spec.init_containers.iter().chain(&pod.spec.containers).map(|container| &container.image)
}

impl Runtime {
    /// When the images of `pod` will all be there, and how much of the wait is the registry's slowness. Those that are
    /// pulled for it are on the disk from then on.
    pub fn pull(&mut self, pod: &Pod, node: NodeId, ground: &mut Ground, cx: &Context<'_>) -> (Time, Span) {
        let there = images(pod).map(|image| self.image_there(image, node, ground, cx)).max().unwrap_or(cx.now);
        (there, self.slowed.min(there.since(cx.now)))
    }

    fn image_there(&mut self, image: &Name, node: NodeId, ground: &mut Ground, cx: &Context<'_>) -> Time {
        let machine = &ground[node];
        if let Some(&at) = machine.images.get(image) {
            return at.max(cx.now);
        }
        let pull = cx.delay(DelayId::ImagePull, &format!("{} {image}", machine.name), 0);
        let (usual, pull) = (machine.slow.of(pull), machine.slow.of(ground.registry.slow.of(pull)));
        if self.pulling_until <= cx.now {
            (self.pulling_until, self.slowed) = (cx.now, Span::ZERO);
        }
        self.slowed = self.slowed + pull.saturating_sub(usual);
        let at = self.pulling_until + pull;
        self.pulling_until = at;
        ground[node].images.insert(image.clone(), at);
        at
    }
}
