//! Disks that fill up.

use super::{Fault, FaultRow, Hit, Levers, parameter};
use crate::object::field::{Field, Shape};
use std::sync::Arc;

/// `node.disk-pressure`.
pub const PRESSURE: FaultRow = FaultRow {
    name: "node.disk-pressure",
    summary: "The node's disk is nearly full: its kubelet says DiskPressure=True, turns new pods away and evicts pods one by \
              one, unless they are critical.",
    end: Some("The disk has room again; the kubelet goes on saying DiskPressure=True for five minutes."),
    has_target: true,
    parameters: &[Field::optional("evict", Shape::Count(0), "How many pods it takes to relieve the disk, as `2`.")
        .with_default("0")],
    build: |parameters| Ok(Arc::new(Pressure { evict: parameter::count(parameters, "evict")?.unwrap_or(0) })),
};

#[derive(Debug)]
struct Pressure {
    evict: u32,
}

impl Fault for Pressure {
    fn begin(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| levers.disk_pressure(node, hit.fault, Some(self.evict)));
    }

    fn end(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| levers.disk_pressure(node, hit.fault, None));
    }
}
