//! Machines that stop, start again, or become slow.

use super::{Fault, FaultRow, Hit, Levers, parameter};
use crate::kernel::factor::Factor;
use crate::object::field::{Field, Shape, Wrong};
use std::sync::Arc;

/// `node.crash`.
pub const CRASH: FaultRow = FaultRow {
    name: "node.crash",
    summary: "The machine stops at once: containers, kubelet and memory are gone, its disk keeps its data.",
    end: Some("The machine gets power back, boots, and starts its pods again in place unless they were deleted."),
    has_target: true,
    parameters: &[],
    build: |_| Ok(Arc::new(Crash)),
};

/// `node.reboot`.
pub const REBOOT: FaultRow = FaultRow {
    name: "node.reboot",
    summary: "The machine stops at once and boots again, as after a kernel panic; its pods start again in place.",
    end: None,
    has_target: true,
    parameters: &[Field::optional(
        "graceful",
        Shape::Flag,
        "Whether the pods are told: nobody tells them as long as the kubelet's shutdownGracePeriod is its default, zero.",
    )
    .with_default("false")],
    build: |parameters| match parameter::flag(parameters, "graceful")? {
        false => Ok(Arc::new(Reboot)),
        true => Err(Wrong::new("graceful", "graceful shutdown is not simulated yet: drain the node before it reboots")),
    },
};

/// `node.slow`.
pub const SLOW: FaultRow = FaultRow {
    name: "node.slow",
    summary: "The machine is slow: pulls, starts, stops, readiness, boots, kube-proxy's writes and what the kubelet hears of \
              take so many times longer. Signs of life still pass.",
    end: Some("What begins from then on takes its usual time."),
    has_target: true,
    parameters: &[Field::required("factor", Shape::Factor, "How many times longer everything takes, as `5`.")],
    build: |parameters| Ok(Arc::new(Slow(parameter::required_factor(parameters, "factor")?))),
};

#[derive(Debug)]
struct Crash;

impl Fault for Crash {
    fn begin(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| levers.power(node, false));
    }

    fn end(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| levers.power(node, true));
    }
}

#[derive(Debug)]
struct Reboot;

impl Fault for Reboot {
    fn begin(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        for node in hit.each() {
            levers.power(node, false);
            levers.power(node, true);
        }
    }

    fn end(&self, _: &Hit<'_>, _: &mut dyn Levers) {}
}

#[derive(Debug)]
struct Slow(Factor);

impl Fault for Slow {
    fn begin(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| levers.slow(node, self.0, true));
    }

    fn end(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| levers.slow(node, self.0, false));
    }
}
