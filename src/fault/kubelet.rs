//! Kubelets that stop while their machines run.

use super::{Fault, FaultRow, Hit, Levers};
use std::sync::Arc;

/// `kubelet.hang`.
pub const HANG: FaultRow = FaultRow {
    name: "kubelet.hang",
    summary: "The kubelet stops: no lease, no status, no answer to what is asked of its pods. Containers go on running and \
              serving, kube-proxy goes on writing rules. A reboot does not help while it lasts.",
    end: Some("The kubelet is started again with an empty memory; it takes over the containers that run."),
    has_target: true,
    parameters: &[],
    build: |_| Ok(Arc::new(Hang)),
};

#[derive(Debug)]
struct Hang;

impl Fault for Hang {
    fn begin(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| levers.kubelet(node, false));
    }

    fn end(&self, hit: &Hit<'_>, levers: &mut dyn Levers) {
        hit.each().for_each(|node| levers.kubelet(node, true));
    }
}
