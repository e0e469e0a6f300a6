//! The registry of images, which all nodes share.

use super::{Fault, FaultRow, Hit, Levers, parameter};
use crate::kernel::factor::Factor;
use crate::object::field::{Field, Shape};
use std::sync::Arc;

/// `image-registry.slow`.
pub const SLOW: FaultRow = FaultRow {
    name: "image-registry.slow",
    summary: "Pulls of images take so many times longer, on all nodes.",
    end: Some("Pulls that begin from then on take their usual time."),
    has_target: false,
    parameters: &[Field::required("factor", Shape::Factor, "How many times longer a pull takes, as `5`.")],
    build: |parameters| Ok(Arc::new(Slow(parameter::required_factor(parameters, "factor")?))),
};

/// `image-registry.gone`.
pub const GONE: FaultRow = FaultRow {
    name: "image-registry.gone",
    summary: "Pulls of images fail at once, those under way too: ErrImagePull, then ImagePullBackOff. Images that a node has \
              are started all the same.",
    end: Some("Pulls succeed again; each pod tries when its back-off is over, within five minutes and a few seconds."),
    has_target: false,
    parameters: &[],
    build: |_| Ok(Arc::new(Gone)),
};

#[derive(Debug)]
struct Slow(Factor);

impl Fault for Slow {
    fn begin(&self, _: &Hit<'_>, levers: &mut dyn Levers) {
        levers.slow_registry(self.0, true);
    }

    fn end(&self, _: &Hit<'_>, levers: &mut dyn Levers) {
        levers.slow_registry(self.0, false);
    }
}

#[derive(Debug)]
struct Gone;

impl Fault for Gone {
    fn begin(&self, _: &Hit<'_>, levers: &mut dyn Levers) {
        levers.registry(false);
    }

    fn end(&self, _: &Hit<'_>, levers: &mut dyn Levers) {
        levers.registry(true);
    }
}
