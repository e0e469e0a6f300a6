//! How endpoints are laid out in slices: as few writes as possible, no rebalancing.
//!
//! Source: `staging/src/k8s.io/endpointslice/reconciler.go` (`reconcileByAddressType`, `reconcileByPortMapping`,
//! `finalize`), `staging/src/k8s.io/endpointslice/utils.go`, v1.36. Where upstream takes endpoints and slices in the
//! order of a map, they are taken here in the order of their names.

use super::endpoint::Port;
use crate::apiserver::Request;
use crate::controller::ownership;
use crate::object::service::{Endpoint, LABEL_MANAGED_BY, LABEL_SERVICE_NAME};
use crate::object::{EndpointSlice, Key, Kind, Labels, Meta, Name, Revision, Service, Strategy};
use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Value of the label that names who manages a slice.
const MANAGER: &str = "endpointslice-controller.k8s.io";
/// Label of the slices of a Service without an address of its own.
const LABEL_HEADLESS: &str = "service.kubernetes.io/headless";

/// Whether this controller manages `slice`.
pub fn is_managed(slice: &EndpointSlice) -> bool {
    slice.meta.labels.get(LABEL_MANAGED_BY).is_some_and(|manager| *manager == *MANAGER)
}

/// The ports of a slice, equal whatever their order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortKey {
    sorted: Vec<Port>,
}

impl PortKey {
    /// The key of these ports.
    pub fn of(mut ports: Vec<Port>) -> PortKey {
        ports.sort();
        PortKey { sorted: ports }
    }
}

/// Endpoints wanted, by their ports, in the order of their pods' names.
pub type Desired<'a> = BTreeMap<PortKey, Vec<&'a Endpoint>>;

/// Endpoints of one set of ports that have no slice yet.
struct Left<'a> {
    /// All, in the order of [`id`].
    endpoints: Vec<&'a Endpoint>,
    is_taken: Vec<bool>,
    many: usize,
    /// Before it, all are taken.
    first: usize,
    /// After the one that was found last: slices hold runs of neighbours.
    next: usize,
}

/// What an endpoint is told apart by.
fn id(endpoint: &Endpoint) -> (&Name, Ipv4Addr) {
    (&endpoint.pod, endpoint.ip)
}

impl<'a> Left<'a> {
    fn new(mut endpoints: Vec<&'a Endpoint>) -> Left<'a> {
        endpoints.sort_by_key(|endpoint| id(endpoint));
        let many = endpoints.len();
        Left { endpoints, is_taken: vec![false; many], many, first: 0, next: 0 }
    }

    /// Takes the one that is told apart by the same as `known`.
    fn take(&mut self, known: &Endpoint) -> Option<&'a Endpoint> {
        let is_next = self.endpoints.get(self.next).is_some_and(|endpoint| id(endpoint) == id(known));
        let index = match is_next {
            true => self.next,
            false => self.endpoints.binary_search_by_key(&id(known), |endpoint| id(endpoint)).ok()?,
        };
        self.next = index + 1;
        self.take_at(index)
    }

    /// Takes the first that is left.
    fn take_first(&mut self) -> Option<&'a Endpoint> {
        self.first += self.is_taken[self.first..].iter().position(|is_taken| !is_taken)?;
        self.take_at(self.first)
    }

    fn take_at(&mut self, index: usize) -> Option<&'a Endpoint> {
        if std::mem::replace(&mut self.is_taken[index], true) {
            return None;
        }
        self.many -= 1;
        Some(self.endpoints[index])
    }
}

/// Slices to write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// New slices, without names.
    pub create: Vec<EndpointSlice>,
    /// Changed slices.
    pub update: Vec<EndpointSlice>,
    /// Slices that go.
    pub delete: Vec<Arc<EndpointSlice>>,
}

/// What to write so that the `existing` slices of a Service, in the order of their names, become the `desired` ones.
pub fn plan(service: &Service, desired: Desired<'_>, existing: &[Arc<EndpointSlice>], max: usize) -> Plan {
    let mut plan = Plan::default();
    let mut by_ports: BTreeMap<PortKey, Vec<Arc<EndpointSlice>>> = BTreeMap::new();
    for slice in existing {
        if is_owned(slice, service) {
            by_ports.entry(PortKey::of(slice.ports.clone())).or_default().push(slice.clone());
        } else {
            plan.delete.push(slice.clone());
        }
    }
    for (ports, endpoints) in desired {
        let slices = by_ports.remove(&ports).unwrap_or_default();
        lay_out(service, &ports, endpoints, slices, max, &mut plan);
    }
    plan.delete.extend(by_ports.into_values().flatten());
    if plan.delete.len() == existing.len() && plan.create.is_empty() {
        let placeholder = new_slice(service, Vec::new());
        match plan.delete.as_slice() {
            [only] if is_placeholder(only, &placeholder) => plan.delete.clear(),
            _ => plan.create.push(placeholder),
        }
    }
    plan
}

/// The slices of one set of ports, in three steps: keep, fill up what changes anyway, then one that is left alone or
/// new ones.
fn lay_out(
    service: &Service,
    ports: &PortKey,
    endpoints: Vec<&Endpoint>,
    existing: Vec<Arc<EndpointSlice>>,
    max: usize,
    plan: &mut Plan,
) {
    let mut left = Left::new(endpoints);
    let (mut changed, mut unchanged) = (Vec::new(), Vec::new());
    let labels = labels_of(service);
    for slice in existing {
        let kept: Vec<_> = slice.endpoints.iter().filter_map(|endpoint| left.take(endpoint)).collect();
        let has_same_labels = own_labels(&slice.meta.labels) == own_labels(&labels);
        if kept.iter().copied().eq(&slice.endpoints) && has_same_labels {
            unchanged.push(slice);
        } else if kept.is_empty() && !slice.endpoints.is_empty() {
            plan.delete.push(slice);
        } else {
            let mut updated = (*slice).clone();
            updated.endpoints = kept.into_iter().cloned().collect();
            updated.meta.labels = labels.clone();
            changed.push(updated);
        }
    }
    let fill = |slice: &mut EndpointSlice, left: &mut Left<'_>| {
        while slice.endpoints.len() < max
            && let Some(endpoint) = left.take_first()
        {
            slice.endpoints.push(endpoint.clone());
        }
    };
    changed.sort_by_key(|slice| Reverse(slice.endpoints.len()));
    changed.iter_mut().for_each(|slice| fill(slice, &mut left));
    while left.many > 0 {
        let roomy = if left.many < max { best_fit(&unchanged, left.many, max) } else { None };
        let mut slice = match roomy {
            Some(index) => (*unchanged.remove(index)).clone(),
            None => new_slice(service, ports.sorted.clone()),
        };
        fill(&mut slice, &mut left);
        if slice.meta.name().is_empty() { plan.create.push(slice) } else { changed.push(slice) }
    }
    changed.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
    plan.update.append(&mut changed);
}

/// The slice that is fullest with `count` more, of equals the first (`getSliceToFill`).
fn best_fit(slices: &[Arc<EndpointSlice>], count: usize, max: usize) -> Option<usize> {
    let room = |slice: &Arc<EndpointSlice>| max.checked_sub(count + slice.endpoints.len());
    let fits = slices.iter().enumerate().filter_map(|(index, slice)| Some((room(slice)?, index)));
    fits.min().map(|(_, index)| index)
}

impl Plan {
    /// The same with deletions turned into updates where something is to be created, so that fewer slices come and
    /// go; and without creations if the Service is being deleted (`finalize`).
    pub fn paired(mut self, service: &Service) -> Plan {
        let mut kept = Vec::new();
        for slice in std::mem::take(&mut self.delete) {
            match self.create.pop_if(|_| is_owned(&slice, service)) {
                Some(new) => self.update.push(in_place_of(&slice, new)),
                None => kept.push(slice),
            }
        }
        self.delete = kept;
        if service.meta.is_terminating() {
            self.create.clear();
        }
        self
    }

    /// As requests, in the order in which they are sent.
    pub fn requests(self) -> VecDeque<Request> {
        let creations = self.create.into_iter().map(|slice| Request::Create(Arc::new(slice).into_object()));
        let updates = self.update.into_iter().map(Request::update);
        let deletions =
            self.delete.into_iter().map(|slice| Request::delete(Kind::EndpointSlice, slice.meta.key.clone()));
        creations.chain(updates).chain(deletions).collect()
    }
}

/// `new` under the name of `old`, whatever its version.
fn in_place_of(old: &EndpointSlice, new: EndpointSlice) -> EndpointSlice {
    let meta = Meta {
        labels: new.meta.labels.clone(),
        owners: new.meta.owners.clone(),
        resource_version: Revision::default(),
        ..old.meta.clone()
    };
    EndpointSlice { meta, ..new }
}

fn is_owned(slice: &EndpointSlice, service: &Service) -> bool {
    slice.meta.owners.iter().any(|owner| owner.uid == service.meta.uid && owner.kind == Kind::Service)
}

fn is_placeholder(slice: &EndpointSlice, placeholder: &EndpointSlice) -> bool {
    slice.endpoints.is_empty()
        && slice.ports.is_empty()
        && slice.meta.labels == placeholder.meta.labels
        && slice.meta.owners == placeholder.meta.owners
}

fn new_slice(service: &Service, ports: Vec<Port>) -> EndpointSlice {
    let key = Key { namespace: service.meta.namespace().clone(), name: Name::none() };
    let meta = Meta {
        generate_name: format!("{}-", service.meta.name()).into(),
        labels: labels_of(service),
        owners: vec![ownership::controller_ref(service)],
        ..Meta::new(key)
    };
    EndpointSlice { meta, ports, endpoints: Vec::new() }
}

/// Labels of a Service's slices: its own, and those that the controller sets (`setEndpointSliceLabels`).
fn labels_of(service: &Service) -> Labels {
    let mut labels = own_labels(&service.meta.labels);
    if service.headless {
        labels.insert(LABEL_HEADLESS, "");
    }
    labels.insert(LABEL_SERVICE_NAME, service.meta.name().clone());
    labels.insert(LABEL_MANAGED_BY, MANAGER);
    labels
}

/// Labels without those that the controller sets.
fn own_labels(labels: &Labels) -> Labels {
    let reserved = [LABEL_SERVICE_NAME, LABEL_MANAGED_BY, LABEL_HEADLESS];
    let own = labels.iter().filter(|(key, _)| !reserved.contains(&key.as_str()));
    own.map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Uid;

    fn service() -> Service {
        let mut service = Service { meta: Meta::new(Key::new("default", "web")), ..Service::default() };
        service.meta.uid = Uid(7);
        service.meta.labels = [("team", "a"), (LABEL_MANAGED_BY, "me")].into_iter().collect();
        service
    }

    fn ports(number: i32) -> Vec<Port> {
        vec![("http".into(), "TCP".into(), number)]
    }

    fn endpoint(number: u8) -> Endpoint {
        Endpoint {
            ip: Ipv4Addr::new(10, 0, 0, number),
            ready: true,
            serving: true,
            terminating: false,
            node_name: "n1".into(),
            zone: Name::none(),
            pod: format!("p{number:02}").into(),
            pod_uid: Uid(u128::from(number)),
        }
    }

    fn slice(name: &str, numbers: &[u8]) -> Arc<EndpointSlice> {
        let mut slice = new_slice(&service(), ports(80));
        slice.meta.key.name = name.into();
        slice.endpoints = numbers.iter().map(|&number| endpoint(number)).collect();
        Arc::new(slice)
    }

    fn shown(slice: &EndpointSlice) -> String {
        let pods = slice.endpoints.iter().map(|endpoint| endpoint.pod.as_str()).collect::<Vec<_>>().join(" ");
        let number = slice.ports.first().map_or("-".to_string(), |port| port.2.to_string());
        format!("{}:{number}[{pods}]", slice.meta.name())
    }

    /// Plans for a Service that wants `wanted` (by pod number) with at most three endpoints a slice.
    fn planned(existing: &[Arc<EndpointSlice>], wanted: &[u8]) -> String {
        let endpoints: Vec<Endpoint> = wanted.iter().map(|&number| endpoint(number)).collect();
        let mut desired = Desired::new();
        if !wanted.is_empty() {
            desired.insert(PortKey::of(ports(80)), endpoints.iter().collect());
        }
        let Plan { create, update, delete } = plan(&service(), desired, existing, 3).paired(&service());
        let all = |word: &str, slices: &mut dyn Iterator<Item = String>| {
            slices.map(|slice| format!("{word} {slice}")).collect::<Vec<_>>()
        };
        let mut words = all("create", &mut create.iter().map(shown));
        words.extend(all("update", &mut update.iter().map(shown)));
        words.extend(all("delete", &mut delete.iter().map(|slice| slice.meta.name().to_string())));
        words.join(", ")
    }

    #[test]
    fn endpoints_go_where_the_fewest_slices_change() {
        let full = slice("a", &[1, 2, 3]);
        for (existing, wanted, expected) in [
            (vec![], vec![], "create :-[]"),
            (vec![], vec![1, 2, 3, 4], "create :80[p01 p02 p03], create :80[p04]"),
            (vec![full.clone()], vec![1, 2, 3], ""),
            (vec![full.clone()], vec![1, 3], "update a:80[p01 p03]"),
            (vec![full.clone()], vec![1, 3, 4], "update a:80[p01 p03 p04]"),
            (vec![full.clone()], vec![], "update a:-[]"),
            (vec![full.clone(), slice("b", &[4])], vec![1, 2, 3], "delete b"),
            // The fullest of those that fit; not the one that needs no change at all.
            (
                vec![slice("a", &[1]), slice("b", &[2, 3]), slice("c", &[4])],
                vec![1, 2, 3, 4, 5],
                "update b:80[p02 p03 p05]",
            ),
            // What changes anyway is filled up first, the fullest first.
            (
                vec![slice("a", &[1, 9]), slice("b", &[2, 3, 8])],
                vec![1, 2, 3, 4, 5],
                "update a:80[p01 p05], update b:80[p02 p03 p04]",
            ),
            // All of one slice go and a new one is needed: the old name is used again.
            (vec![slice("a", &[8, 9]), full], vec![1, 2, 3, 4, 5], "update a:80[p04 p05]"),
        ] {
            assert_eq!(planned(&existing, &wanted), expected, "{wanted:?}");
        }
    }

    #[test]
    fn a_slice_of_an_earlier_service_of_the_name_goes() {
        let mut old = (*slice("a", &[1])).clone();
        old.meta.owners[0].uid = Uid(6);
        assert_eq!(planned(&[Arc::new(old)], &[1]), "create :80[p01], delete a");
    }

    #[test]
    fn a_placeholder_stays_until_there_are_endpoints() {
        let mut placeholder = new_slice(&service(), Vec::new());
        placeholder.meta.key.name = "a".into();
        let placeholder = Arc::new(placeholder);
        assert_eq!(planned(std::slice::from_ref(&placeholder), &[]), "");
        assert_eq!(planned(&[placeholder], &[1]), "update a:80[p01]");
    }

    #[test]
    fn slices_carry_the_labels_of_their_service() {
        let labels = labels_of(&service());
        let expected = [("team", "a"), (LABEL_SERVICE_NAME, "web"), (LABEL_MANAGED_BY, MANAGER)];
        assert_eq!(labels, expected.into_iter().collect());
        let mut stale = (*slice("a", &[1])).clone();
        stale.meta.labels.insert("team", "b");
        assert_eq!(planned(&[Arc::new(stale)], &[1]), "update a:80[p01]");
    }

    #[test]
    fn ports_are_the_same_in_any_order() {
        let (a, b): (Port, Port) = (("a".into(), "TCP".into(), 1), ("b".into(), "TCP".into(), 2));
        assert_eq!(PortKey::of(vec![a.clone(), b.clone()]), PortKey::of(vec![b, a]));
    }

    #[test]
    fn no_endpoint_is_lost_or_doubled_and_no_slice_overflows() {
        use crate::kernel::rng::{Draws, Purpose};
        for seed in 0..300 {
            let draw = |what: String, bound| Draws::new(seed).below(Purpose::Test, &what, 0, bound);
            let mut slices: Vec<Arc<EndpointSlice>> = ["a", "b", "c", "d"].map(|name| slice(name, &[])).into();
            let mut wanted = Vec::new();
            for number in 1..15_u8 {
                let at = draw(format!("slice{number}"), 5) as usize;
                if at < 4 && slices[at].endpoints.len() < 3 {
                    Arc::make_mut(&mut slices[at]).endpoints.push(endpoint(number));
                }
                if draw(format!("wanted{number}"), 3) > 0 {
                    wanted.push(number);
                }
            }
            slices.retain(|slice| !slice.endpoints.is_empty());
            let endpoints: Vec<Endpoint> = wanted.iter().map(|&number| endpoint(number)).collect();
            let desired = Desired::from([(PortKey::of(ports(80)), endpoints.iter().collect())]);
            let plan = plan(&service(), desired, &slices, 3).paired(&service());
            let touched = |name: &Name| {
                let deleted = plan.delete.iter().any(|slice| slice.meta.name() == name);
                deleted || plan.update.iter().any(|slice| slice.meta.name() == name)
            };
            let left = slices.iter().filter(|slice| !touched(slice.meta.name())).map(|slice| (**slice).clone());
            let after: Vec<_> = left.chain(plan.create.clone()).chain(plan.update.clone()).collect();
            let mut found: Vec<_> = after.iter().flat_map(|slice| slice.endpoints.clone()).collect();
            found.sort_by(|a, b| a.pod.cmp(&b.pod));
            let expected: Vec<_> = wanted.iter().map(|&number| endpoint(number)).collect();
            assert_eq!(found, expected, "seed {seed}");
            assert!(after.iter().all(|slice| slice.endpoints.len() <= 3), "seed {seed}: a slice overflows");
        }
    }
}
