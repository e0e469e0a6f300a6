//! Power of many machines at once: a rack, a feed, a zone.

use super::{Fault, FaultRow, Hit, Levers};
use std::sync::Arc;

/// `power.loss`.
pub const LOSS: FaultRow = FaultRow {
    name: "power.loss",
    summary: "All these machines lose their power: containers, kubelets and memory are gone, disks keep their data.",
    end: Some("Power is back: each machine boots and starts its pods again in place unless they were deleted."),
    has_target: true,
    parameters: &[],
    build: |_| Ok(Arc::new(Loss)),
};

#[derive(Debug)]
struct Loss;

impl Fault for Loss {
    fn begin(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| levers.power(node, false));
    }

    fn end(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| levers.power(node, true));
    }
}
