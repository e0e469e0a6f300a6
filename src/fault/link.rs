//! Links that no longer carry.

use super::{Fault, FaultRow, Levers, Parameters};
use crate::ground::NodeId;
use std::sync::Arc;

/// `node.partition`.
pub const PARTITION: FaultRow = FaultRow {
    name: "node.partition",
    summary: "Nothing passes between the node and the control plane; its containers go on running.",
    end: "The link carries again; the kubelet tries again within one of its rounds.",
    parameters: &[(
        "direction",
        "`both` (default), `up` (nothing reaches the control plane) or `down` (nothing reaches the node)",
    )],
    build,
};

fn build(parameters: &Parameters) -> Result<Arc<dyn Fault>, String> {
    let (cut_up, cut_down) = match parameters.get("direction").map_or("both", String::as_str) {
        "both" => (true, true),
        "up" => (true, false),
        "down" => (false, true),
        other => return Err(format!("`{other}` is not a direction: expected `both`, `up` or `down`")),
    };
    Ok(Arc::new(Partition { cut_up, cut_down }))
}

#[derive(Debug)]
struct Partition {
    cut_up: bool,
    cut_down: bool,
}

impl Fault for Partition {
    fn begin(&self, nodes: &[NodeId], levers: &mut dyn Levers) {
        nodes.iter().for_each(|&node| levers.cut(node, self.cut_up, self.cut_down, true));
    }

    fn end(&self, nodes: &[NodeId], levers: &mut dyn Levers) {
        nodes.iter().for_each(|&node| levers.cut(node, self.cut_up, self.cut_down, false));
    }
}
