//! Affinity to pods, and spread constraints.

use crate::manifest::meta::selector;
use crate::manifest::service::word;
use crate::object::FieldErrors;
use crate::object::validation::meta::label_key;
use crate::object::validation::node_affinity::weight;
use crate::object::validation::{quoted, text, workload};
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// `spec.affinity`, as far as it speaks of pods.
pub fn affinity(spec: &v1::PodSpec, path: &str, errors: &mut FieldErrors) {
    let Some(affinity) = &spec.affinity else { return };
    if let Some(pod) = &affinity.pod_affinity {
        let preferred = pod.preferred_during_scheduling_ignored_during_execution.as_deref();
        let required = pod.required_during_scheduling_ignored_during_execution.as_deref();
        pod_affinity(required, preferred, &format!("{path}.podAffinity"), errors);
    }
    if let Some(pod) = &affinity.pod_anti_affinity {
        let preferred = pod.preferred_during_scheduling_ignored_during_execution.as_deref();
        let required = pod.required_during_scheduling_ignored_during_execution.as_deref();
        pod_affinity(required, preferred, &format!("{path}.podAntiAffinity"), errors);
    }
}

fn pod_affinity(
    required: Option<&[v1::PodAffinityTerm]>,
    preferred: Option<&[v1::WeightedPodAffinityTerm]>,
    path: &str,
    errors: &mut FieldErrors,
) {
    for (index, term) in required.unwrap_or_default().iter().enumerate() {
        pod_term(term, &format!("{path}.{REQUIRED}[{index}]"), errors);
    }
    for (index, term) in preferred.unwrap_or_default().iter().enumerate() {
        let at = format!("{path}.{PREFERRED}[{index}]");
        weight(term.weight, &at, errors);
        pod_term(&term.pod_affinity_term, &format!("{at}.podAffinityTerm"), errors);
    }
}

fn pod_term(term: &v1::PodAffinityTerm, at: &str, errors: &mut FieldErrors) {
    label_selector(&term.label_selector, &format!("{at}.labelSelector"), errors);
    label_selector(&term.namespace_selector, &format!("{at}.namespaceSelector"), errors);
    for namespace in term.namespaces.iter().flatten() {
        for fault in text::dns_label(namespace) {
            // Upstream leaves the index out here.
            errors.invalid(format!("{at}.namespace"), quoted(namespace), fault);
        }
    }
    if term.topology_key.is_empty() {
        errors.required(format!("{at}.topologyKey"), "can not be empty");
    }
    label_key(&term.topology_key, &format!("{at}.topologyKey"), errors);
}

fn label_selector(given: &Option<LabelSelector>, path: &str, errors: &mut FieldErrors) {
    if let Some(given) = given {
        let selector = selector(given, path, errors);
        workload::selector(&selector, path, errors);
    }
}

/// `spec.topologySpreadConstraints`.
pub fn spread(spec: &v1::PodSpec, path: &str, errors: &mut FieldErrors) {
    let constraints: Vec<_> = spec.topology_spread_constraints.iter().flatten().collect();
    for (index, constraint) in constraints.iter().enumerate() {
        let at = format!("{path}[{index}]");
        let v1::TopologySpreadConstraint { topology_key: key, when_unsatisfiable: when, .. } = constraint;
        if constraint.max_skew <= 0 {
            errors.invalid(format!("{at}.maxSkew"), constraint.max_skew, "must be greater than zero");
        }
        if key.is_empty() {
            errors.required(format!("{at}.topologyKey"), "can not be empty");
        } else {
            label_key(key, &format!("{at}.topologyKey"), errors);
        }
        if !["DoNotSchedule", "ScheduleAnyway"].contains(&when.as_str()) {
            errors.not_supported(format!("{at}.whenUnsatisfiable"), when, &["DoNotSchedule", "ScheduleAnyway"]);
        }
        if constraints[..index].iter().any(|other| (&other.topology_key, &other.when_unsatisfiable) == (key, when)) {
            let value = quoted(&format!("{{{key}, {when}}}"));
            errors.duplicate(format!("{at}.{{topologyKey, whenUnsatisfiable}}"), value);
        }
        if let Some(domains) = constraint.min_domains {
            let at = format!("{at}.minDomains");
            if domains <= 0 {
                errors.invalid(at, domains, "must be greater than zero");
            } else if when != "DoNotSchedule" {
                let detail = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {when}");
                errors.invalid(at, domains, detail);
            }
        }
        word(&constraint.node_affinity_policy, &format!("{at}.nodeAffinityPolicy"), &["Honor", "Ignore"], errors);
        word(&constraint.node_taints_policy, &format!("{at}.nodeTaintsPolicy"), &["Honor", "Ignore"], errors);
        let keys: Vec<_> = constraint.match_label_keys.iter().flatten().collect();
        if constraint.label_selector.is_none() && !keys.is_empty() {
            let detail = "must not be specified when labelSelector is not set";
            errors.forbidden(format!("{at}.matchLabelKeys"), detail);
        } else {
            for (index, key) in keys.into_iter().enumerate() {
                label_key(key, &format!("{at}.matchLabelKeys[{index}]"), errors);
            }
        }
        label_selector(&constraint.label_selector, &format!("{at}.labelSelector"), errors);
    }
}
