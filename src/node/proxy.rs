//! kube-proxy: what a node knows of Services, and since when.
//!
//! Source of the behaviour: `pkg/proxy/iptables/proxier.go`, `pkg/proxy/runner/bounded_frequency_runner.go`, v1.36: a lone
//! change is written at once, changes within the minimum period are written together. Left out: failed writes, the
//! hourly full write, the rules themselves.

use crate::apiserver::Change;
use crate::kernel::factor::Factors;
use crate::kernel::time::Time;
use crate::object::{DelayId, EndpointSlice, Fact, Key, Kind, Name, Revision, SettingId};
use crate::program::{Caches, Context, Timer};
use std::collections::{BTreeMap, BTreeSet};

/// One node's proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    node: Name,
    /// Services whose rules are behind what the informer knows.
    behind: BTreeSet<Key>,
    /// What the rules say: newest slice version and ready endpoints, by Service.
    rules: BTreeMap<Key, (Revision, u32)>,
    is_sync_due: bool,
    last_sync: Option<Time>,
    syncs: u64,
}

impl Proxy {
    /// A proxy that knows nothing.
    pub const fn new(node: Name) -> Proxy {
        Proxy { node, behind: BTreeSet::new(), rules: BTreeMap::new(), is_sync_due: false, last_sync: None, syncs: 0 }
    }

    /// Endpoints that new connections to `service` may be sent to.
    pub fn ready_endpoints(&self, service: &Key) -> u32 {
        self.rules.get(service).map_or(0, |&(_, ready)| ready)
    }

    /// It has been running for long: its rules say what its informer knows.
    pub fn on_start_long_ago(&mut self, caches: &Caches) {
        let slices = caches.table(Kind::EndpointSlice).all::<EndpointSlice>();
        let services: BTreeSet<Key> = slices.filter_map(|slice| service_key(slice)).collect();
        self.rules = services.into_iter().map(|service| (service.clone(), rule(&service, caches))).collect();
    }

    /// Slices changed.
    pub fn on_changes(&mut self, changes: &[Change], timer_kind: u32, slow: &Factors, cx: &mut Context<'_>) {
        for change in changes {
            self.behind.extend(change.object().of::<EndpointSlice>().and_then(|slice| service_key(slice)));
        }
        if self.is_sync_due || self.behind.is_empty() {
            return;
        }
        self.is_sync_due = true;
        self.syncs += 1;
        let period = cx.span(SettingId::ProxyMinSyncPeriod);
        let earliest = self.last_sync.map_or(cx.now, |last| (last + period).max(cx.now));
        let write = slow.of(cx.delay(DelayId::ProxySync, &self.node, self.syncs));
        let timer = Timer::new(timer_kind);
        if earliest > cx.now {
            cx.wake_owned(earliest.since(cx.now) + write, timer, SettingId::ProxyMinSyncPeriod);
        } else {
            cx.wake_after(write, timer);
        }
    }

    /// The rules have been written.
    pub fn on_timer(&mut self, cx: &mut Context<'_>) {
        self.is_sync_due = false;
        self.last_sync = Some(cx.now);
        for service in std::mem::take(&mut self.behind) {
            let (revision, endpoints) = rule(&service, cx.caches);
            if self.rules.insert(service.clone(), (revision, endpoints)) != Some((revision, endpoints)) {
                cx.note(Fact::Routed { service, node: self.node.clone(), revision, endpoints });
            }
        }
    }
}

/// The Service that a slice belongs to.
fn service_key(slice: &EndpointSlice) -> Option<Key> {
    Some(Key { namespace: slice.meta.namespace().clone(), name: slice.service()?.clone() })
}

/// What the rules for a Service say once they are written: newest slice version and ready endpoints.
fn rule(service: &Key, caches: &Caches) -> (Revision, u32) {
    let slices = caches.table(Kind::EndpointSlice).in_namespace::<EndpointSlice>(&service.namespace);
    let (mut revision, mut endpoints) = (Revision(0), 0);
    for slice in slices.filter(|slice| slice.service() == Some(&service.name)) {
        revision = revision.max(slice.meta.resource_version);
        endpoints += slice.endpoints.iter().filter(|endpoint| endpoint.ready).count() as u32;
    }
    (revision, endpoints)
}
