//! Layer 4: virtual nodes. A kubelet, its runtime and a kube-proxy on each machine.
//!
//! An [`Agent`] is what runs on a powered machine; when the machine stops it is dropped, when the machine boots a new
//! one starts with an empty memory. Its kubelet may stop and start alone. It sees the API server only through requests and its own watches, and reality
//! through [`crate::ground`].

pub mod admission;
pub mod heartbeat;
pub mod kubelet;
pub mod pod_worker;
pub mod pods;
pub mod pressure;
pub mod proxy;
pub mod pulls;
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

/// Kinds that a kubelet watches, only its own objects.
pub const KUBELET_WATCHES: &[Kind] = &[Kind::Node, Kind::Pod];
/// Kinds that a kube-proxy watches.
pub const PROXY_WATCHES: &[Kind] = &[Kind::EndpointSlice];
/// Kinds that a node watches.
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
    /// As long ago, in a rehearsal for a run that begins settled: containers do all that they do at once, and none exits by
    /// itself.
    Rehearsal,
}

/// The programs of one node.
#[derive(Clone, Debug)]
pub struct Agent {
    node: NodeId,
    /// The kubelet, while it runs.
    pub kubelet: Option<Kubelet>,
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
        let kubelet = Some(Kubelet::new(node, name.clone(), registered));
        Agent { node, kubelet, proxy: Proxy::new(name), caches: Caches::default() }
    }

    /// Whether a timer is the proxy's.
    pub const fn is_of_proxy(timer: Timer) -> bool {
        timer.kind >= PROXY_TIMERS
    }

    /// The kubelet begins.
    pub fn on_start(&mut self, start: Start, ground: &Ground, cx: &mut Context<'_>) {
        if let Some(kubelet) = &mut self.kubelet {
            kubelet.on_start(start, ground, cx);
        }
    }

    /// Objects changed; the caches have it already.
    pub fn on_changes(&mut self, kind: Kind, changes: &[Change], ground: &mut Ground, cx: &mut Context<'_>) {
        match (kind, &mut self.kubelet) {
            (Kind::EndpointSlice, _) => self.proxy.on_changes(changes, PROXY_TIMERS, &ground[self.node].slow, cx),
            (_, Some(kubelet)) => kubelet.on_changes(changes, ground, cx),
            _ => {}
        }
    }

    /// A request was answered, or given up.
    pub fn on_reply(&mut self, ticket: Ticket, reply: &Reply, ground: &mut Ground, cx: &mut Context<'_>) {
        if let Some(kubelet) = &mut self.kubelet {
            kubelet.on_reply(ticket, reply, ground, cx);
        }
    }

    /// A timer went off.
    pub fn on_timer(&mut self, timer: Timer, ground: &mut Ground, cx: &mut Context<'_>) {
        if Agent::is_of_proxy(timer) {
            self.proxy.on_timer(cx);
        } else if let Some(kubelet) = &mut self.kubelet {
            kubelet.on_timer(timer, ground, cx);
        }
    }

    /// The link to the control plane carries again after a cut.
    pub fn on_reconnect(&mut self, ground: &mut Ground, cx: &mut Context<'_>) {
        if let Some(kubelet) = &mut self.kubelet {
            kubelet.on_reconnect(ground, cx);
        }
    }

    /// The disk of the machine fills up.
    pub fn on_pressure(&mut self, ground: &Ground, cx: &mut Context<'_>) {
        if let Some(kubelet) = &mut self.kubelet {
            kubelet.on_pressure(ground, cx);
        }
    }

    /// The registry of images has gone.
    pub fn on_pulls_broken(&mut self, ground: &mut Ground, cx: &mut Context<'_>) {
        if let Some(kubelet) = &mut self.kubelet {
            kubelet.on_pulls_broken(ground, cx);
        }
    }
}
