//! Objects of nodes that vanish while their machines run.

use super::{Fault, FaultRow, Hit, Levers};
use std::sync::Arc;

/// `node.deleted`.
pub const DELETED: FaultRow = FaultRow {
    name: "node.deleted",
    summary: "The Node object is deleted while its machine runs. A kubelet registers only when it starts: the node stays away.",
    end: Some("The kubelet is started again, by a person, and registers the node."),
    has_target: true,
    parameters: &[],
    build: |_| Ok(Arc::new(Deleted)),
};

#[derive(Debug)]
struct Deleted;

impl Fault for Deleted {
    fn begin(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| levers.delete_node(node));
    }

    fn end(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        for node in hit.each() {
            levers.kubelet(node, false);
            levers.kubelet(node, true);
        }
    }
}
