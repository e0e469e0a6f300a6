//! Power of many machines at once: a rack, a feed, a zone.

use super::{Fault, FaultRow, Hit, Levers, parameter};
use crate::kernel::time::Span;
use crate::object::field::{Field, Shape};
use std::sync::Arc;

/// `power.loss`.
pub const LOSS: FaultRow = FaultRow {
    name: "power.loss",
    summary: "All these machines lose their power: containers, kubelets and memory are gone, disks keep their data.",
    end: Some("Power is back: each machine boots and starts its pods again in place unless they were deleted."),
    has_target: true,
    parameters: &[
        Field::optional("jitter", Shape::Span, "Each machine dies at its own random moment within this time."),
        Field::optional(
            "stagger",
            Shape::Span,
            "Each machine gets its power back at its own random moment within this time.",
        ),
    ],
    build: |parameters| {
        let within = |name| parameter::span(parameters, name, Span::DAY).map(|span| span.unwrap_or(Span::ZERO));
        Ok(Arc::new(Loss { jitter: within("jitter")?, stagger: within("stagger")? }))
    },
};

#[derive(Debug)]
struct Loss {
    jitter: Span,
    stagger: Span,
}

impl Fault for Loss {
    fn begin(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        for (node, name) in hit.nodes {
            levers.power(*node, false, hit.draw("jitter", name, self.jitter));
        }
    }

    fn end(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        for (node, name) in hit.nodes {
            // A machine that has not died yet dies all the same: it is back no earlier than that.
            let still_dies_in = hit.draw("jitter", name, self.jitter).saturating_sub(hit.lasted);
            levers.power(*node, true, hit.draw("stagger", name, self.stagger).max(still_dies_in));
        }
    }
}
