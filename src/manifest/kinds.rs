//! Which kinds there are: those that are interpreted, those of Kubernetes that are only kept, and everybody else's.
//!
//! A kind of Kubernetes that is not interpreted, and a custom resource, are kept as opaque objects; a slip of the pen is
//! an error, or half a cluster would be missing because of a letter. Source of the table: the discovery of a 1.36 server
//! (`kubectl api-resources`), written from knowledge of it; kinds of reviews, which are never stored, are left out.

use super::decode::{self, Refusal};
use super::strict;

/// What is not simulated of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Nothing that matters to a simulation.
    Nothing,
    /// What follows from it, as the end of "it is kept, but …".
    Effect(&'static str),
    /// Pods that its controller would create.
    Pods,
}

/// A kind that is kept without being interpreted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Whether its objects live in a namespace; none if that is not known.
    pub is_namespaced: Option<bool>,
    /// What is not simulated of it.
    pub lost: Lost,
}

/// How a document of some kind is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// By its row in `decode`.
    Interpreted,
    /// As an opaque object.
    Opaque(Kept),
    /// Not at all.
    Refused(Refusal),
}

/// Kinds of Kubernetes that are not interpreted: group, kind, whether it is namespaced, what is lost.
const KNOWN: &[(&str, &str, bool, Lost)] = &[
    ("apps", "StatefulSet", true, Lost::Pods),
    ("apps", "DaemonSet", true, Lost::Pods),
    ("batch", "Job", true, Lost::Pods),
    ("batch", "CronJob", true, Lost::Pods),
    ("", "ReplicationController", true, Lost::Pods),
    ("autoscaling", "HorizontalPodAutoscaler", true, Lost::Effect("nobody is scaled by it")),
    ("policy", "PodDisruptionBudget", true, Lost::Effect("evictions do not heed it")),
    ("", "ResourceQuota", true, Lost::Effect("nothing is refused because of it")),
    ("", "LimitRange", true, Lost::Effect("no requests or limits come from it")),
    ("networking.k8s.io", "NetworkPolicy", true, Lost::Effect("no connection is cut by it")),
    ("networking.k8s.io", "Ingress", true, Lost::Effect("no traffic comes through it")),
    ("networking.k8s.io", "IngressClass", false, Lost::Nothing),
    ("networking.k8s.io", "IPAddress", false, Lost::Nothing),
    ("networking.k8s.io", "ServiceCIDR", false, Lost::Nothing),
    ("", "ConfigMap", true, Lost::Nothing),
    ("", "Secret", true, Lost::Nothing),
    ("", "ServiceAccount", true, Lost::Nothing),
    ("", "PodTemplate", true, Lost::Nothing),
    ("", "Endpoints", true, Lost::Effect("only EndpointSlices are kept up to date")),
    ("", "PersistentVolume", false, Lost::Effect("pods are placed as if their volumes were everywhere")),
    ("", "PersistentVolumeClaim", true, Lost::Effect("pods are placed as if their volumes were everywhere")),
    ("apps", "ControllerRevision", true, Lost::Nothing),
    ("rbac.authorization.k8s.io", "Role", true, Lost::Effect("everybody may do everything")),
    ("rbac.authorization.k8s.io", "RoleBinding", true, Lost::Effect("everybody may do everything")),
    ("rbac.authorization.k8s.io", "ClusterRole", false, Lost::Effect("everybody may do everything")),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", false, Lost::Effect("everybody may do everything")),
    ("storage.k8s.io", "StorageClass", false, Lost::Nothing),
    ("storage.k8s.io", "VolumeAttachment", false, Lost::Nothing),
    ("storage.k8s.io", "VolumeAttributesClass", false, Lost::Nothing),
    ("storage.k8s.io", "CSIDriver", false, Lost::Nothing),
    ("storage.k8s.io", "CSINode", false, Lost::Effect("limits of volumes per node are not counted")),
    ("storage.k8s.io", "CSIStorageCapacity", true, Lost::Nothing),
    ("apiextensions.k8s.io", "CustomResourceDefinition", false, Lost::Nothing),
    ("apiregistration.k8s.io", "APIService", false, Lost::Nothing),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", false, Lost::Effect("nobody is asked")),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", false, Lost::Effect("nobody is asked")),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", false, Lost::Effect("nothing is refused by it")),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", false, Lost::Nothing),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy", false, Lost::Effect("nothing is changed by it")),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", false, Lost::Nothing),
    ("certificates.k8s.io", "CertificateSigningRequest", false, Lost::Nothing),
    ("certificates.k8s.io", "ClusterTrustBundle", false, Lost::Nothing),
    ("certificates.k8s.io", "PodCertificateRequest", true, Lost::Nothing),
    ("coordination.k8s.io", "LeaseCandidate", true, Lost::Nothing),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema", false, Lost::Effect("no request waits for it")),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration", false, Lost::Effect("no request waits for it")),
    ("node.k8s.io", "RuntimeClass", false, Lost::Effect("no overhead comes from it")),
    ("resource.k8s.io", "DeviceClass", false, Lost::Effect("devices are not allocated")),
    ("resource.k8s.io", "ResourceSlice", false, Lost::Effect("devices are not allocated")),
    ("resource.k8s.io", "ResourceClaim", true, Lost::Effect("devices are not allocated")),
    ("resource.k8s.io", "ResourceClaimTemplate", true, Lost::Effect("devices are not allocated")),
];

/// Group and name of each kind of Kubernetes that is not interpreted, and whether it is namespaced.
pub fn known() -> impl Iterator<Item = (&'static str, &'static str, bool)> {
    KNOWN.iter().map(|(group, kind, is_namespaced, _)| (*group, *kind, *is_namespaced))
}

/// Group and version of an API version.
pub fn group_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// How a document of this kind is read.
pub fn reading(api_version: &str, kind: &str) -> Reading {
    if decode::interpreted().any(|row| row == (api_version, kind)) {
        return Reading::Interpreted;
    }
    if kind.is_empty() || api_version.is_empty() {
        // `decode` has the API server's words for what is missing.
        return Reading::Interpreted;
    }
    match found(api_version, kind) {
        Ok(kept) => Reading::Opaque(kept),
        Err(refusal) => Reading::Refused(refusal),
    }
}

fn found(api_version: &str, kind: &str) -> Result<Kept, Refusal> {
    let (group, version) = group_version(api_version);
    if let Some((.., is_namespaced, lost)) = KNOWN.iter().find(|(g, k, ..)| (*g, *k) == (group, kind)) {
        if !is_version(version) {
            return Err(wrong_version(api_version, kind, group));
        }
        return Ok(Kept { is_namespaced: Some(*is_namespaced), lost: *lost });
    }
    let is_ours = groups().any(|known| known == group);
    if !is_ours && is_domain(group) && near_group(group).is_none() {
        // A custom resource, whatever it is called.
        if !version.is_empty() && is_word(version) && is_word(kind) {
            return Ok(Kept { is_namespaced: None, lost: Lost::Nothing });
        }
        let message = format!("\"{kind}\" in version \"{api_version}\" is no kind");
        let help = "a kind is one word as `Widget`, its version one as `example.com/v1`".to_string();
        return Err(Refusal { path: "kind".into(), message, help: Some(help) });
    }
    if let Some((home, _)) = everything().find(|(_, known)| *known == kind) {
        return Err(wrong_version(api_version, kind, home));
    }
    let mut kinds: Vec<&str> =
        everything().filter(|(home, _)| !is_ours || *home == group).map(|(_, kind)| kind).collect();
    let near = strict::nearest(kind, &kinds).or_else(|| {
        kinds = everything().map(|(_, kind)| kind).collect();
        strict::nearest(kind, &kinds)
    });
    let message = format!("no matches for kind \"{kind}\" in version \"{api_version}\"");
    match (near, near_group(group)) {
        (Some(near), _) => {
            let help = Some(format!("did you mean `kind: {near}`?"));
            Err(Refusal { path: "kind".into(), message, help })
        }
        (None, _)
            if is_ours
                && is_version(version)
                && is_word(kind)
                && kind.starts_with(|c: char| c.is_ascii_uppercase()) =>
        {
            Ok(Kept { is_namespaced: None, lost: Lost::Nothing })
        }
        (None, near_group) => {
            let help = match near_group {
                Some(near) if !is_ours => format!("did you mean `apiVersion: {near}/{version}`?"),
                _ if is_ours && is_version(version) => {
                    let help = Some("a kind is one word that begins with a capital, as `Deployment`".to_string());
                    return Err(Refusal { path: "kind".into(), message, help });
                }
                _ => "an `apiVersion` is `v1`, or a group and a version as `apps/v1`".to_string(),
            };
            Err(Refusal { path: "apiVersion".into(), message, help: Some(help) })
        }
    }
}

/// The kind is there, but not in this version; `home` is its group.
fn wrong_version(api_version: &str, kind: &str, home: &str) -> Refusal {
    let message = format!("no matches for kind \"{kind}\" in version \"{api_version}\"");
    let row = decode::interpreted().find(|(_, known)| *known == kind);
    let slash = if home.is_empty() { "" } else { "/" };
    let version = if kind == "HorizontalPodAutoscaler" { "v2" } else { "v1" };
    let right = row.map_or_else(|| format!("{home}{slash}{version}"), |(right, _)| right.to_string());
    Refusal { path: "apiVersion".into(), message, help: Some(format!("{kind} is read in version `{right}`")) }
}

/// Every kind of Kubernetes with its group.
fn everything() -> impl Iterator<Item = (&'static str, &'static str)> {
    let interpreted = decode::interpreted().map(|(api_version, kind)| (group_version(api_version).0, kind));
    interpreted.chain(KNOWN.iter().map(|(group, kind, ..)| (*group, *kind)))
}

/// Every group of Kubernetes; `extensions` had Deployments and more until 1.16.
fn groups() -> impl Iterator<Item = &'static str> {
    everything().map(|(group, _)| group).chain(["extensions"])
}

/// The group of Kubernetes that differs from this one in a letter or two.
fn near_group(group: &str) -> Option<&'static str> {
    groups()
        .filter(|known| !known.is_empty())
        .map(|known| (strict::distance(group, known), known))
        .min()
        .filter(|(distance, _)| (1..=2).contains(distance))
        .map(|(_, known)| known)
}

/// The groups of custom resources are domains.
fn is_domain(group: &str) -> bool {
    group.contains('.') && group.split('.').all(is_word)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 63 && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

/// `v1`, `v2beta3`.
fn is_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    ["alpha", "beta"]
        .iter()
        .find_map(|word| rest.split_once(word))
        .map_or_else(|| is_number(rest), |(major, minor)| is_number(major) && is_number(minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(api_version: &str, kind: &str) -> String {
        match reading(api_version, kind) {
            Reading::Interpreted => "interpreted".into(),
            Reading::Opaque(Kept { is_namespaced, lost }) => {
                let scope = is_namespaced.map_or("anywhere", |inside| if inside { "namespaced" } else { "cluster" });
                format!("opaque, {scope}, {lost:?}")
            }
            Reading::Refused(refusal) => format!("{}: {}", refusal.path, refusal.help.unwrap_or_default()),
        }
    }

    #[test]
    fn kinds_are_interpreted_kept_or_slips() {
        for (api_version, kind, expected) in [
            ("apps/v1", "Deployment", "interpreted"),
            ("apps/v1", "StatefulSet", "opaque, namespaced, Pods"),
            ("batch/v1beta1", "CronJob", "opaque, namespaced, Pods"),
            ("v1", "ConfigMap", "opaque, namespaced, Nothing"),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "opaque, cluster, Nothing"),
            ("example.com/v1alpha1", "Widget", "opaque, anywhere, Nothing"),
            // Other people's kinds may be called as ours are.
            ("serving.knative.dev/v1", "Service", "opaque, anywhere, Nothing"),
            ("gateway.networking.k8s.io/v1", "Gateway", "opaque, anywhere, Nothing"),
            // A kind that Kubernetes may get one day.
            ("apps/v1", "Orchestra", "opaque, anywhere, Nothing"),
            ("apps/v1", "orchestra", "kind: a kind is one word that begins with a capital, as `Deployment`"),
            ("apps/v1", "Deploymnet", "kind: did you mean `kind: Deployment`?"),
            ("apps/v1", "deployment", "kind: did you mean `kind: Deployment`?"),
            ("apps/v1", "StatefullSet", "kind: did you mean `kind: StatefulSet`?"),
            ("v1", "ConfigMaps", "kind: did you mean `kind: ConfigMap`?"),
            ("v1", "Deploymnet", "kind: did you mean `kind: Deployment`?"),
            ("v1", "Deployment", "apiVersion: Deployment is read in version `apps/v1`"),
            ("extensions/v1beta1", "Deployment", "apiVersion: Deployment is read in version `apps/v1`"),
            ("extensions/v1beta1", "Ingress", "apiVersion: Ingress is read in version `networking.k8s.io/v1`"),
            ("apps/v1", "Job", "apiVersion: Job is read in version `batch/v1`"),
            ("app/v1", "Deployment", "apiVersion: Deployment is read in version `apps/v1`"),
            ("networking.k8s.oi/v1", "Ingres", "kind: did you mean `kind: Ingress`?"),
            ("networking.k8s.oi/v1", "Orchestra", "apiVersion: did you mean `apiVersion: networking.k8s.io/v1`?"),
            ("apps.v1", "Deployment", "apiVersion: Deployment is read in version `apps/v1`"),
            ("batch/1", "Job", "apiVersion: Job is read in version `batch/v1`"),
            ("1", "Orchestra", "apiVersion: an `apiVersion` is `v1`, or a group and a version as `apps/v1`"),
            ("example.com/v1", "a b", "kind: a kind is one word as `Widget`, its version one as `example.com/v1`"),
        ] {
            assert_eq!(shown(api_version, kind), expected, "{api_version} {kind}");
        }
    }
}
