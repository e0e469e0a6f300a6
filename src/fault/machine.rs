//! Machines that stop.

use super::{Fault, FaultRow, Levers};
use crate::ground::NodeId;
use std::sync::Arc;

/// `node.crash`.
pub const CRASH: FaultRow = FaultRow {
    name: "node.crash",
    summary: "The machine stops at once: containers, kubelet and memory are gone, its disk keeps its data.",
    end: "The machine gets power back, boots, and starts its pods again in place unless they were deleted.",
    parameters: &[],
    build: |_| Ok(Arc::new(Crash)),
};

#[derive(Debug)]
struct Crash;

impl Fault for Crash {
    fn begin(&self, nodes: &[NodeId], levers: &mut dyn Levers) {
        nodes.iter().for_each(|&node| levers.power(node, false));
    }

    fn end(&self, nodes: &[NodeId], levers: &mut dyn Levers) {
        nodes.iter().for_each(|&node| levers.power(node, true));
    }
}
