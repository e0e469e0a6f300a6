//! By which words kinds are asked for: `pods`, `pod`, `po`, `deployments.apps`, `all`; and the objects of a kind.
//!
//! Source: `ShortNames` and `Categories` of `pkg/registry/**/storage.go`, and `UnsafeGuessKindToResource` of apimachinery
//! `pkg/api/meta/restmapper.go`, v1.36.

use crate::etcd::Store;
use crate::manifest::kinds;
use crate::object::{Kind, Object, opaque};
use crate::scenario::suggest::nearest;

/// A kind that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// API group; empty for the core group.
    pub group: String,
    /// As in manifests: `ReplicaSet`.
    pub kind: String,
    /// As in paths: `replicasets`.
    pub plural: String,
    /// Whether its objects live in a namespace.
    pub is_namespaced: bool,
}

/// Short names, by group and kind.
const SHORT: &[(&str, &str, &[&str])] = &[
    ("", "Pod", &["po"]),
    ("", "Node", &["no"]),
    ("", "Service", &["svc"]),
    ("", "Namespace", &["ns"]),
    ("", "Event", &["ev"]),
    ("", "ConfigMap", &["cm"]),
    ("", "ServiceAccount", &["sa"]),
    ("", "Endpoints", &["ep"]),
    ("", "LimitRange", &["limits"]),
    ("", "ResourceQuota", &["quota"]),
    ("", "ReplicationController", &["rc"]),
    ("", "PersistentVolume", &["pv"]),
    ("", "PersistentVolumeClaim", &["pvc"]),
    ("apps", "Deployment", &["deploy"]),
    ("apps", "ReplicaSet", &["rs"]),
    ("apps", "StatefulSet", &["sts"]),
    ("apps", "DaemonSet", &["ds"]),
    ("autoscaling", "HorizontalPodAutoscaler", &["hpa"]),
    ("batch", "CronJob", &["cj"]),
    ("networking.k8s.io", "Ingress", &["ing"]),
    ("networking.k8s.io", "NetworkPolicy", &["netpol"]),
    ("policy", "PodDisruptionBudget", &["pdb"]),
    ("scheduling.k8s.io", "PriorityClass", &["pc"]),
    ("storage.k8s.io", "StorageClass", &["sc"]),
    ("apiextensions.k8s.io", "CustomResourceDefinition", &["crd", "crds"]),
    ("certificates.k8s.io", "CertificateSigningRequest", &["csr"]),
];

/// What `all` stands for, in kubectl's order.
const ALL: &[(&str, &str)] = &[
    ("", "Pod"),
    ("", "ReplicationController"),
    ("", "Service"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("batch", "CronJob"),
    ("batch", "Job"),
];

impl Resource {
    fn new(group: &str, kind: &str, is_namespaced: bool) -> Resource {
        let plural = plural(kind);
        Resource { group: group.to_string(), kind: kind.to_string(), plural, is_namespaced }
    }

    /// `deployments.apps`, as error messages name it.
    pub fn name(&self) -> String {
        with_group(&self.plural, &self.group)
    }

    /// `deployment.apps`, as it stands before the name of an object.
    pub fn prefix(&self) -> String {
        with_group(&self.kind.to_lowercase(), &self.group)
    }

    fn short(&self) -> &'static [&'static str] {
        let found = SHORT.iter().find(|(group, kind, _)| (*group, *kind) == (&*self.group, &*self.kind));
        found.map_or(&[], |(.., short)| short)
    }

    /// Its objects, in the order in which the API server lists them.
    pub fn objects<'a>(&self, store: &'a Store) -> Vec<&'a Object> {
        let interpreted = Kind::ALL
            .iter()
            .find(|kind| !kind.is_opaque() && (kind.group(), kind.name()) == (&*self.group, &*self.kind));
        let mut objects: Vec<&Object> = match interpreted {
            Some(kind) => store.table(*kind).iter().collect(),
            None => opaques(store).filter(|object| of(object).as_ref() == Some(self)).collect(),
        };
        // etcd sorts by path, in which a slash stands behind the namespace.
        objects.sort_by_cached_key(|object| format!("{}/{}", object.key().namespace, object.names().1));
        objects
    }
}

fn with_group(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_string() } else { format!("{name}.{group}") }
}

fn plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.chars().next_back() {
        _ if lower == "endpoints" => lower,
        Some('s') => format!("{lower}es"),
        Some('y') => format!("{}ies", &lower[..lower.len() - 1]),
        _ => format!("{lower}s"),
    }
}

fn opaques(store: &Store) -> impl Iterator<Item = &Object> {
    [Kind::Opaque, Kind::ClusterOpaque].into_iter().flat_map(|kind| store.table(kind).iter())
}

/// The kind of an object that is not interpreted.
fn of(object: &Object) -> Option<Resource> {
    let parts = opaque::parts(object.meta().name())?;
    let (group, _) = kinds::group_version(&parts.api_version);
    Some(Resource::new(group, parts.kind, object.kind().is_namespaced()))
}

/// Every kind that can be asked for in a cluster: those of Kubernetes, and what else lies there.
pub fn known(store: &Store) -> Vec<Resource> {
    let interpreted = Kind::ALL.iter().filter(|kind| !kind.is_opaque());
    let mut known: Vec<Resource> = interpreted
        .map(|kind| Resource::new(kind.group(), kind.name(), kind.is_namespaced()))
        .chain(kinds::known().map(|(group, kind, is_namespaced)| Resource::new(group, kind, is_namespaced)))
        .collect();
    for resource in opaques(store).filter_map(of) {
        if !known.contains(&resource) {
            known.push(resource);
        }
    }
    known
}

/// The kinds that words with commas between them stand for, each once.
///
/// # Errors
/// The server has no such kind, with a guess.
pub fn find(words: &str, known: &[Resource]) -> Result<Vec<Resource>, String> {
    let mut found: Vec<Resource> = Vec::new();
    for word in words.split(',') {
        let meant = if word == "all" { all(known) } else { vec![one(word, known)?] };
        for resource in meant {
            if !found.contains(&resource) {
                found.push(resource);
            }
        }
    }
    Ok(found)
}

fn all(known: &[Resource]) -> Vec<Resource> {
    let find = |(group, kind): &(&str, &str)| known.iter().find(|one| (&*one.group, &*one.kind) == (*group, *kind));
    ALL.iter().filter_map(find).cloned().collect()
}

fn one(word: &str, known: &[Resource]) -> Result<Resource, String> {
    let lower = word.to_lowercase();
    // The group may stand behind the name, with or without its version.
    let (name, rest) = lower.split_once('.').unwrap_or((&lower, ""));
    let is_group = |group: &str| {
        rest.is_empty()
            || rest == group
            || rest.split_once('.').is_some_and(|(_, after)| !group.is_empty() && after == group)
    };
    let is_meant = |resource: &&Resource| {
        let own = [resource.plural.as_str(), &resource.kind.to_lowercase()].contains(&name);
        (own || resource.short().contains(&name)) && is_group(&resource.group)
    };
    known.iter().find(is_meant).cloned().ok_or_else(|| {
        let names = known.iter().flat_map(|one| one.short().iter().copied().chain([one.plural.as_str()]));
        let guess = nearest(word, names).map_or_else(String::new, |guess| format!("; did you mean `{guess}`?"));
        format!("the server doesn't have a resource type \"{word}\"{guess}")
    })
}
