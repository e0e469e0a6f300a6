//! Which pods belong together with a pod that says nothing of how it wants to be spread: those that its Services and its
//! ReplicaSet select.
//!
//! Source: `pkg/scheduler/framework/plugins/helper/spread.go` (`DefaultSelector`), v1.36. The scheduler finds it when a
//! pod is tried and hands it to the plugins with the pod ([`PodInfo::default_selector`](super::PodInfo)), so that they
//! need no informers. Left out: StatefulSets and ReplicationControllers, which do not exist here.

use crate::object::labels::{Operator, Requirement};
use crate::object::{Key, Kind, Labels, Name, Pod, ReplicaSet, Selector, Service};
use crate::program::Caches;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Selectors that are remembered at most; then they are all found again.
const MEMO_MAX: usize = 4_096;

/// The selector of `pod`, among these Services of its namespace and with this ReplicaSet as its controller; empty if
/// nothing selects it.
pub fn default_selector<'a>(
    pod: &Pod,
    services: impl Iterator<Item = &'a Arc<Service>>,
    owner: Option<&ReplicaSet>,
) -> Selector {
    let mut selector = Selector::default();
    for service in services {
        if !service.selector.is_empty() && pod.meta.labels.contains_all(&service.selector) {
            for (key, value) in service.selector.iter() {
                selector.labels.insert(key.clone(), value.clone());
            }
        }
    }
    if let Some(owner) = owner {
        for (key, value) in owner.spec.selector.labels.iter() {
            match selector.labels.get(key) {
                None => selector.labels.insert(key.clone(), value.clone()),
                Some(known) if known == value => {}
                // The set no longer matches its pod: nothing does.
                Some(_) => {
                    let requirement =
                        Requirement { key: key.clone(), operator: Operator::In, values: vec![value.clone()] };
                    selector.expressions.push(requirement);
                }
            }
        }
        selector.expressions.extend(owner.spec.selector.expressions.iter().cloned());
    }
    selector
}

/// Default selectors by what they depend on: namespace, labels and controlling ReplicaSet of a pod.
#[derive(Clone, Debug, Default)]
pub struct DefaultSelectors {
    known: BTreeMap<(Name, Name, Labels), Arc<Selector>>,
}

impl DefaultSelectors {
    /// A Service or a ReplicaSet changed what it selects.
    pub fn forget(&mut self) {
        self.known.clear();
    }

    /// The selector of `pod`.
    pub fn of(&mut self, pod: &Pod, caches: &Caches) -> Arc<Selector> {
        let namespace = pod.meta.namespace();
        let owner = pod.meta.controller().filter(|owner| owner.kind == Kind::ReplicaSet);
        let owner = owner.map_or_else(Name::none, |owner| owner.name.clone());
        let content = (namespace.clone(), owner, pod.meta.labels.clone());
        if let Some(known) = self.known.get(&content) {
            return known.clone();
        }
        let set = caches.get::<ReplicaSet>(&Key { namespace: namespace.clone(), name: content.1.clone() });
        let services = caches.table(Kind::Service).in_namespace::<Service>(namespace);
        let found = Arc::new(default_selector(pod, services, set.map(|set| &**set)));
        if self.known.len() >= MEMO_MAX {
            self.forget();
        }
        self.known.insert(content, found.clone());
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::pod;
    use super::*;
    use crate::object::{Meta, OwnerRef, Uid};

    fn service(namespace: &str, name: &str, selector: &[(&str, &str)]) -> Service {
        let selector = selector.iter().copied().collect();
        Service { meta: Meta::new(Key::new(namespace, name)), selector, ..Service::default() }
    }

    #[test]
    fn services_and_the_replica_set_add_up() {
        let mut web = pod("web", "1", "");
        web.meta.labels = [("app", "web"), ("tier", "front"), ("hash", "1")].into_iter().collect();
        let mut caches = Caches::default();
        for service in [
            service("default", "web", &[("app", "web")]),
            service("default", "front", &[("tier", "front")]),
            service("default", "db", &[("app", "db")]),
            service("default", "by-hand", &[]),
            service("other", "web", &[("hash", "1")]),
        ] {
            caches.table_mut(Kind::Service).insert(service.into());
        }
        let mut selectors = DefaultSelectors::default();
        assert_eq!(selectors.of(&web, &caches).to_string(), "app=web,tier=front");
        web.meta.owners = vec![OwnerRef {
            kind: Kind::ReplicaSet,
            name: "web-1".into(),
            uid: Uid(1),
            controller: true,
            block_owner_deletion: true,
        }];
        assert_eq!(selectors.of(&web, &caches).to_string(), "app=web,tier=front", "the set is not known");
        let mut set = ReplicaSet { meta: Meta::new(Key::new("default", "web-1")), ..ReplicaSet::default() };
        set.spec.selector = Selector::of([("app", "web"), ("hash", "1"), ("tier", "back")].into_iter().collect());
        caches.table_mut(Kind::ReplicaSet).insert(set.into());
        selectors.forget();
        assert_eq!(selectors.of(&web, &caches).to_string(), "app=web,hash=1,tier=front,tier in (back)");
        assert!(selectors.of(&pod("bare", "1", ""), &caches).is_empty());
    }
}
