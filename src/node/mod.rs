//! Layer 4: virtual nodes. A kubelet, its runtime and a kube-proxy on each machine.
//!
//! An [`Agent`] is what runs on a powered machine; when the machine stops it is dropped, when the machine boots a new
//! one starts with an empty memory. It sees the API server only through requests and its own watches, and reality
//! through [`crate::ground`].

pub mod heartbeat;
pub mod kubelet;
pub mod pod_worker;
pub mod pods;
pub mod proxy;
pub mod runtime;
#[cfg(test)]
mod tests;

use crate::apiserver::{Change, Reply};
use crate::ground::{Ground, NodeId};
use crate::object::{Kind, Name, Node, SettingId};
use crate::program::{Caches, ClientLimit, Context, Ticket, Timer};
use std::sync::Arc;

pub use kubelet::Kubelet;
pub use proxy::Proxy;

/// Kinds that a node watches; pods and nodes only its own.
pub const WATCHES: &[Kind] = &[Kind::Node, Kind::Pod, Kind::EndpointSlice];

/// Limit of a kubelet's client.
pub const LIMIT: ClientLimit = ClientLimit { qps: SettingId::KubeletQps, burst: SettingId::KubeletBurst };

/// How an agent comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It has been running since long before the scenario.
    LongAgo,
    /// Its machine has just booted.
    Boot,
}

/// The programs of one node.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The kubelet.
    pub kubelet: Kubelet,
    /// The kube-proxy.
    pub proxy: Proxy,
    /// What their informers know.
    pub caches: Caches,
}

/// Timers from here on belong to the proxy.
const PROXY_TIMERS: u32 = 100;

impl Agent {
    /// The programs of `node`, not started yet; its kubelet registers it as `registered`.
    pub fn new(node: NodeId, name: Name, registered: Arc<Node>) -> Agent {
        let kubelet = Kubelet::new(node, name.clone(), registered);
        Agent { kubelet, proxy: Proxy::new(name), caches: Caches::default() }
    }

    /// They begin.
    pub fn on_start(&mut self, start: Start, cx: &mut Context<'_>) {
        self.kubelet.on_start(start, cx);
    }

    /// Objects changed; the caches have it already.
    pub fn on_changes(&mut self, kind: Kind, changes: &[Change], ground: &mut Ground, cx: &mut Context<'_>) {
        match kind {
            Kind::EndpointSlice => self.proxy.on_changes(changes, PROXY_TIMERS, cx),
            _ => self.kubelet.on_changes(changes, ground, cx),
        }
    }

    /// A request was answered, or given up.
    pub fn on_reply(&mut self, ticket: Ticket, reply: &Reply, ground: &mut Ground, cx: &mut Context<'_>) {
        self.kubelet.on_reply(ticket, reply, ground, cx);
    }

    /// A timer went off.
    pub fn on_timer(&mut self, timer: Timer, ground: &mut Ground, cx: &mut Context<'_>) {
        if timer.kind >= PROXY_TIMERS {
            self.proxy.on_timer(cx);
        } else {
            self.kubelet.on_timer(timer, ground, cx);
        }
    }

    /// The link to the control plane carries again after a cut.
    pub fn on_reconnect(&mut self, ground: &mut Ground, cx: &mut Context<'_>) {
        self.kubelet.on_reconnect(ground, cx);
    }
}
