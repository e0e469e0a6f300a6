//! The EndpointSlice controller: which pods stand behind a Service, and whether they take traffic.
//!
//! Source: `pkg/controller/endpointslice/endpointslice_controller.go`,
//! `staging/src/k8s.io/endpointslice/{reconciler,utils}.go`, `staging/src/k8s.io/endpointslice/util/*.go`, v1.36.
//! Left out: addresses other than IPv4, hints for topology-aware routing, the annotation with the trigger time, host
//! names of pods, and the second queue between a pod's change and its Services. Upstream puts endpoints into slices
//! in the order of a map; here they go in the order of their pods' names. The slices of a deleted Service are the
//! garbage collector's to delete: until there is one, they stay.

mod endpoint;
mod plan;
mod tracker;

use crate::apiserver::{Change, Reply, Request};
use crate::object::node::LABEL_ZONE;
use crate::object::service::Endpoint;
use crate::object::{EndpointSlice, Key, Kind, Name, Node, Pod, Service, SettingId};
use crate::program::reconcile::Enqueue;
use crate::program::{Caches, Context, EventAbout, Reconcile, Step};
pub use plan::is_managed;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tracker::Tracker;

const REPORTER: &str = "endpoint-slice-controller";

/// The controller. Its memory: which slices it has written, and which pods each Service selects.
#[derive(Clone, Default)]
pub struct EndpointSliceController {
    tracker: Tracker,
    /// An index, so that a sync need not look at every pod of its namespace, nor again at those that did not change.
    members: BTreeMap<Key, BTreeMap<Key, Member>>,
    /// Nodes came, went or moved to another zone since endpoints were made.
    are_nodes_other: bool,
}

/// What a Service makes of a pod that it selects.
#[derive(Clone)]
enum Member {
    /// To be looked at.
    Changed,
    /// It has no address, or has ended.
    Absent,
    /// It is an endpoint behind these ports.
    Present(Box<(plan::PortKey, Endpoint)>),
}

/// What a sync remembers between its requests: writes still to be made, one after another, and what went wrong.
#[derive(Clone, Default)]
pub struct State {
    service: Option<Arc<Service>>,
    writes: VecDeque<Request>,
    errors: Vec<String>,
}

impl Reconcile for EndpointSliceController {
    const NAME: &'static str = "endpointslice-controller";
    const WATCHES: &'static [Kind] = &[Kind::Service, Kind::Node, Kind::Pod, Kind::EndpointSlice];
    const WORKERS: SettingId = SettingId::ServiceEndpointSyncs;
    const BACKOFF: SettingId = SettingId::EndpointSliceBackoffBase;
    const RETRIES: Option<SettingId> = Some(SettingId::MaxRetries);
    type State = State;

    fn keys(&mut self, change: &Change, cx: &Context<'_>, enqueue: &mut Enqueue) {
        match change.kind() {
            Kind::Service => {
                self.index_service(change, cx.caches);
                enqueue.add(change.key().clone());
            }
            Kind::Pod => self.pod_changed(change, cx, enqueue),
            Kind::EndpointSlice => self.slice_changed(change, cx, enqueue),
            // Nodes are only looked up: without hints their changes concern no Service.
            _ => {
                let zone = |node: Option<&Arc<Node>>| node.map(|node| node.meta.labels.get(LABEL_ZONE).cloned());
                self.are_nodes_other |= zone(change.before()) != zone(change.after());
            }
        }
    }

    fn step(&mut self, key: &Key, state: State, replies: &[Reply], cx: &mut Context<'_>) -> Step<State> {
        match (state.service.clone(), replies) {
            (Some(service), [reply]) => self.written(service, state, reply, cx),
            _ => self.begin(key, cx),
        }
    }
}

fn selects(service: &Service, pod: &Pod) -> bool {
    !service.selector.is_empty() && pod.meta.labels.contains_all(&service.selector)
}

impl EndpointSliceController {
    fn index_service(&mut self, change: &Change, caches: &Caches) {
        let Some(service) = change.after::<Service>() else {
            self.members.remove(change.key());
            return;
        };
        if change.before::<Service>().is_some_and(|old| old.selector == service.selector) {
            let members = self.members.entry(change.key().clone()).or_default();
            members.values_mut().for_each(|member| *member = Member::Changed);
            return;
        }
        let pods = caches.table(Kind::Pod).in_namespace::<Pod>(service.meta.namespace());
        let members =
            pods.filter(|pod| selects(service, pod)).map(|pod| (pod.meta.key.clone(), Member::Changed)).collect();
        self.members.insert(change.key().clone(), members);
    }

    fn pod_changed(&mut self, change: &Change, cx: &Context<'_>, enqueue: &mut Enqueue) {
        let (old, new) = (change.before::<Pod>(), change.after::<Pod>());
        let has_other_labels = match (old, new) {
            (Some(old), Some(new)) => old.meta.labels != new.meta.labels,
            _ => true,
        };
        let is_other_endpoint = match (old, new) {
            (Some(old), Some(new)) => endpoint::has_changed(old, new),
            _ => true,
        };
        if !has_other_labels && !is_other_endpoint {
            if !old.zip(new).is_some_and(|(old, new)| endpoint::is_of_the_same(old, new)) {
                let members = self.members.values_mut().filter_map(|members| members.get_mut(change.key()));
                members.for_each(|member| *member = Member::Changed);
            }
            return;
        }
        let delay = cx.span(SettingId::EndpointUpdatesBatchPeriod);
        let namespace = &change.key().namespace;
        for service in cx.caches.table(Kind::Service).in_namespace::<Service>(namespace) {
            let had = old.is_some_and(|old| selects(service, old));
            let has = new.is_some_and(|new| selects(service, new));
            let members = self.members.entry(service.meta.key.clone()).or_default();
            if has {
                members.insert(change.key().clone(), Member::Changed);
            } else {
                members.remove(change.key());
            }
            // A change of labels alone concerns the Services that gained or lost the pod.
            if if is_other_endpoint { had || has } else { had != has } {
                enqueue.add_after(service.meta.key.clone(), delay);
            }
        }
    }

    fn slice_changed(&mut self, change: &Change, cx: &Context<'_>, enqueue: &mut Enqueue) {
        let delay = cx.span(SettingId::EndpointSliceChangeMinSyncDelay);
        let delay = delay.max(cx.span(SettingId::EndpointUpdatesBatchPeriod));
        let mut wake = |slice: &EndpointSlice| {
            if let Some(key) = service_key(slice) {
                enqueue.add_after(key, delay);
            }
        };
        match (change.before::<EndpointSlice>(), change.after::<EndpointSlice>()) {
            (Some(old), Some(new)) if old.service() != new.service() => {
                wake(new);
                wake(old);
            }
            (old, Some(new)) => {
                let other_manager = old.is_some_and(|old| plan::is_managed(old) != plan::is_managed(new));
                if other_manager || plan::is_managed(new) && self.tracker.is_news(new) {
                    wake(new);
                }
            }
            (Some(old), None) => {
                if plan::is_managed(old) && self.tracker.is_unexpected_deletion(old) {
                    wake(old);
                }
            }
            (None, None) => {}
        }
    }

    fn begin(&mut self, key: &Key, cx: &mut Context<'_>) -> Step<State> {
        let Some(service) = cx.caches.get::<Service>(key).cloned() else {
            self.tracker.forget(key);
            return Step::Done;
        };
        if service.kind == "ExternalName" || service.selector.is_empty() {
            return Step::Done;
        }
        let is_own = |slice: &&Arc<EndpointSlice>| {
            slice.service() == Some(&key.name) && plan::is_managed(slice) && !slice.meta.is_terminating()
        };
        let slices = cx.caches.table(Kind::EndpointSlice).in_namespace::<EndpointSlice>(&key.namespace);
        let slices: Vec<_> = slices.filter(is_own).cloned().collect();
        if self.tracker.is_stale(key, &slices) {
            return Step::Retry;
        }
        let (desired, errors) = self.desired(&service, cx.caches);
        let max = cx.settings.count(SettingId::MaxEndpointsPerSlice);
        let plan = plan::plan(&service, desired, &slices, max).paired(&service);
        self.next(service.clone(), State { service: Some(service), writes: plan.requests(), errors }, cx)
    }

    /// Endpoints by their ports, in the order of their pods' names, and which pods could not be had.
    fn desired(&mut self, service: &Service, caches: &Caches) -> (plan::Desired<'_>, Vec<String>) {
        if std::mem::take(&mut self.are_nodes_other) {
            let all = self.members.values_mut().flat_map(BTreeMap::values_mut);
            all.for_each(|member| *member = Member::Changed);
        }
        let (mut desired, mut errors) = (plan::Desired::new(), Vec::new());
        for (key, member) in self.members.get_mut(&service.meta.key).into_iter().flatten() {
            if matches!(member, Member::Changed) {
                let Some(pod) = caches.get::<Pod>(key) else { continue };
                let ip = pod.status.ip.filter(|_| !pod.status.phase.is_terminal());
                *member = Member::Absent;
                if let Some(ip) = ip {
                    let ports = plan::PortKey::of(endpoint::ports(service, pod));
                    let node = caches.get::<Node>(&Key::cluster(pod.node_name.clone()));
                    if node.is_none() && !service.publish_not_ready_addresses {
                        let (name, node, of) = (pod.meta.name(), &pod.node_name, &service.meta.key);
                        errors.push(format!("skipping Pod {name} for Service {of}: Node {node} Not Found"));
                        desired.entry(ports).or_default();
                        *member = Member::Changed;
                        continue;
                    }
                    let endpoint = endpoint::endpoint(service, pod, node.map(Arc::as_ref), ip);
                    *member = Member::Present(Box::new((ports, endpoint)));
                }
            }
            if let Member::Present(present) = member {
                let (ports, endpoint) = &**present;
                match desired.get_mut(ports) {
                    Some(group) => group.push(endpoint),
                    None => drop(desired.insert(ports.clone(), vec![endpoint])),
                }
            }
        }
        (desired, errors)
    }

    fn written(&mut self, service: Arc<Service>, mut state: State, reply: &Reply, cx: &mut Context<'_>) -> Step<State> {
        let request = state.writes.pop_front().expect("it was sent");
        let is_deletion = matches!(request, Request::Delete { .. });
        match (reply.object::<EndpointSlice>(), reply.error()) {
            (Some(slice), _) if is_deletion => self.tracker.expect_deletion(&service.meta.key, slice),
            (Some(slice), _) => self.tracker.written(&service.meta.key, slice),
            (None, error) => {
                let why = error.map(|error| error.message(&request)).unwrap_or_default();
                state.errors.push(failure(&service, &request, &why));
                state.writes.clear();
            }
        }
        self.next(service, state, cx)
    }

    /// The next write, or the end.
    fn next(&self, service: Arc<Service>, state: State, cx: &mut Context<'_>) -> Step<State> {
        if let Some(request) = state.writes.front() {
            return Step::Call(vec![request.clone()], state);
        }
        if state.errors.is_empty() {
            return Step::Done;
        }
        let errors = match state.errors.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let note = format!("Error updating Endpoint Slices for Service {}: {errors}", service.meta.key);
        cx.event(EventAbout::warning(&*service, REPORTER), "FailedToUpdateEndpointSlices", note);
        Step::Retry
    }
}

fn failure(service: &Service, request: &Request, why: &str) -> String {
    let (name, service) = (&request.key().name, &service.meta.key);
    match request {
        Request::Create(_) => format!("failed to create EndpointSlice for Service {service}: {why}"),
        Request::Delete { .. } => format!("failed to delete {name} EndpointSlice for Service {service}: {why}"),
        _ => format!("failed to update {name} EndpointSlice for Service {service}: {why}"),
    }
}

/// Key of the Service that a slice's label names.
fn service_key(slice: &EndpointSlice) -> Option<Key> {
    let name: &Name = slice.service().filter(|name| !name.is_empty())?;
    Some(Key { namespace: slice.meta.namespace().clone(), name: name.clone() })
}

#[cfg(test)]
mod tests;
