//! Affinity and spread constraints of pods.

use crate::manifest::meta::selector;
use crate::manifest::service::word;
use crate::object::FieldErrors;
use crate::object::validation::meta::label_key;
use crate::object::validation::{quoted, text, workload};
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

const NOT_OPERATOR: &str = "not a valid selector operator";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// `spec.affinity`.
pub fn affinity(spec: &v1::PodSpec, path: &str, errors: &mut FieldErrors) {
    let Some(affinity) = &spec.affinity else { return };
    if let Some(node) = &affinity.node_affinity {
        let path = format!("{path}.nodeAffinity");
        if let Some(required) = &node.required_during_scheduling_ignored_during_execution {
            let path = format!("{path}.{REQUIRED}.nodeSelectorTerms");
            if required.node_selector_terms.is_empty() {
                errors.required(path.clone(), "must have at least one node selector term");
            }
            for (index, term) in required.node_selector_terms.iter().enumerate() {
                let at = format!("{path}[{index}]");
                node_term(term, &at, errors);
                label_values(term, &at, errors);
            }
        }
        for (index, term) in node.preferred_during_scheduling_ignored_during_execution.iter().flatten().enumerate() {
            let at = format!("{path}.{PREFERRED}[{index}]");
            weight(term.weight, &at, errors);
            node_term(&term.preference, &format!("{at}.preference"), errors);
        }
    }
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

fn weight(weight: i32, at: &str, errors: &mut FieldErrors) {
    if !(1..=100).contains(&weight) {
        errors.invalid(format!("{at}.weight"), weight, "must be in the range 1-100");
    }
}

fn node_term(term: &v1::NodeSelectorTerm, at: &str, errors: &mut FieldErrors) {
    for (index, requirement) in term.match_expressions.iter().flatten().enumerate() {
        let at = format!("{at}.matchExpressions[{index}]");
        let values = requirement.values.iter().flatten().count();
        match (requirement.operator.as_str(), values) {
            ("In" | "NotIn", 0) => {
                errors.required(format!("{at}.values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            ("Exists" | "DoesNotExist", 1..) => {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.forbidden(format!("{at}.values"), detail);
            }
            ("Gt" | "Lt", values) if values != 1 => {
                let detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
                errors.required(format!("{at}.values"), detail);
            }
            ("In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt", _) => {}
            (other, _) => errors.invalid(format!("{at}.operator"), quoted(other), NOT_OPERATOR),
        }
        label_key(&requirement.key, &format!("{at}.key"), errors);
    }
    for (index, requirement) in term.match_fields.iter().flatten().enumerate() {
        let at = format!("{at}.matchFields[{index}]");
        let values: Vec<&String> = requirement.values.iter().flatten().collect();
        match requirement.operator.as_str() {
            "In" | "NotIn" if values.len() != 1 => {
                let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
                errors.required(format!("{at}.values"), detail);
            }
            "In" | "NotIn" => {}
            other => errors.invalid(format!("{at}.operator"), quoted(other), NOT_OPERATOR),
        }
        if requirement.key == "metadata.name" {
            for (index, value) in values.iter().enumerate() {
                for fault in text::dns_subdomain(value) {
                    errors.invalid(format!("{at}.values[{index}]"), quoted(value), fault);
                }
            }
        } else {
            errors.invalid(format!("{at}.key"), quoted(&requirement.key), "not a valid field selector key");
        }
    }
}

/// Only where a node must match: what is merely preferred may name values that no label can have.
fn label_values(term: &v1::NodeSelectorTerm, at: &str, errors: &mut FieldErrors) {
    for (index, requirement) in term.match_expressions.iter().flatten().enumerate() {
        for (number, value) in requirement.values.iter().flatten().enumerate() {
            for fault in text::label_value(value) {
                errors.invalid(format!("{at}.matchExpressions[{index}].values[{number}]"), quoted(value), fault);
            }
        }
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
