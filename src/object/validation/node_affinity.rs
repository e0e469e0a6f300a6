//! Node affinity of pods.
//!
//! Source: `pkg/apis/core/validation/validation.go` (`ValidateNodeSelector`, `ValidateNodeSelectorTerm`,
//! `ValidatePreferredSchedulingTerms`, `validateNodeAffinityMutation`), v1.36.

use super::meta::label_key;
use super::{quoted, text};
use crate::object::invalid::FieldErrors;
use crate::object::node_affinity::{FIELD_NAME, NodeAffinity, NodeOperator, NodeRequirement, NodeTerm};

const NOT_OPERATOR: &str = "not a valid selector operator";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Node affinity at `path`.
pub fn node_affinity(affinity: &NodeAffinity, path: &str, errors: &mut FieldErrors) {
    if let Some(terms) = &affinity.required {
        if terms.is_empty() {
            errors.required(format!("{path}.{REQUIRED}"), "must have at least one node selector term");
        }
        for (index, term) in terms.iter().enumerate() {
            let at = format!("{path}.{REQUIRED}[{index}]");
            node_term(term, &at, errors);
            label_values(term, &at, errors);
        }
    }
    for (index, preferred) in affinity.preferred.iter().enumerate() {
        let at = format!("{path}.{PREFERRED}[{index}]");
        weight(preferred.weight, &at, errors);
        node_term(&preferred.term, &format!("{at}.preference"), errors);
    }
}

/// The weight of something preferred at `at`.
pub fn weight(weight: i32, at: &str, errors: &mut FieldErrors) {
    if !(1..=100).contains(&weight) {
        errors.invalid(format!("{at}.weight"), weight, "must be in the range 1-100");
    }
}

fn node_term(term: &NodeTerm, at: &str, errors: &mut FieldErrors) {
    for (index, requirement) in term.expressions.iter().enumerate() {
        let at = format!("{at}.matchExpressions[{index}]");
        let NodeRequirement { key, operator, values } = requirement;
        match operator {
            NodeOperator::In | NodeOperator::NotIn if values.is_empty() => {
                errors.required(format!("{at}.values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            NodeOperator::Exists | NodeOperator::DoesNotExist if !values.is_empty() => {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.forbidden(format!("{at}.values"), detail);
            }
            NodeOperator::Gt | NodeOperator::Lt if values.len() != 1 => {
                let detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
                errors.required(format!("{at}.values"), detail);
            }
            NodeOperator::Other(word) => errors.invalid(format!("{at}.operator"), quoted(word), NOT_OPERATOR),
            _ => {}
        }
        label_key(key, &format!("{at}.key"), errors);
    }
    for (index, requirement) in term.fields.iter().enumerate() {
        field(requirement, &format!("{at}.matchFields[{index}]"), errors);
    }
}

fn field(requirement: &NodeRequirement, at: &str, errors: &mut FieldErrors) {
    let NodeRequirement { key, operator, values } = requirement;
    match operator {
        NodeOperator::In | NodeOperator::NotIn if values.len() != 1 => {
            let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            errors.required(format!("{at}.values"), detail);
        }
        NodeOperator::In | NodeOperator::NotIn => {}
        other => errors.invalid(format!("{at}.operator"), quoted(other.name()), NOT_OPERATOR),
    }
    if *key != *FIELD_NAME {
        errors.invalid(format!("{at}.key"), quoted(key), "not a valid field selector key");
        return;
    }
    for (index, value) in values.iter().enumerate() {
        for fault in text::dns_subdomain(value) {
            errors.invalid(format!("{at}.values[{index}]"), quoted(value), fault);
        }
    }
}

/// Only where a node must match: what is merely preferred may name values that no label can have.
fn label_values(term: &NodeTerm, at: &str, errors: &mut FieldErrors) {
    for (index, requirement) in term.expressions.iter().enumerate() {
        for (number, value) in requirement.values.iter().enumerate() {
            for fault in text::label_value(value) {
                errors.invalid(format!("{at}.matchExpressions[{index}].values[{number}]"), quoted(value), fault);
            }
        }
    }
}

/// While a pod has scheduling gates, the nodes it may go to can still be narrowed: by first terms where there were none,
/// or by requirements after those of each term. What is preferred may change freely.
pub fn narrowed(new: Option<&NodeAffinity>, old: Option<&NodeAffinity>, path: &str, errors: &mut FieldErrors) {
    let terms = |affinity: Option<&NodeAffinity>| affinity.and_then(|affinity| affinity.required.clone());
    let (new, old) = (terms(new).unwrap_or_default(), terms(old).unwrap_or_default());
    if old.is_empty() {
        return;
    }
    if old.len() != new.len() {
        let detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        errors.invalid(format!("{path}.{REQUIRED}"), printed_list(new.iter().map(printed)), detail);
        return;
    }
    for (index, (new, old)) in new.iter().zip(&old).enumerate() {
        let is_wider = old.is_empty() && !new.is_empty();
        if is_wider || !new.expressions.starts_with(&old.expressions) || !new.fields.starts_with(&old.fields) {
            let detail = "only additions are allowed (no mutations or deletions)";
            errors.invalid(format!("{path}.{REQUIRED}[{index}]"), printed(new), detail);
        }
    }
}

/// A list as the API server prints it among values.
fn printed_list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "null".to_string() } else { format!("[{}]", items.join(",")) }
}

/// A term as the API server prints it: by the names that the fields have in its own types.
fn printed(term: &NodeTerm) -> String {
    let requirement = |NodeRequirement { key, operator, values }: &NodeRequirement| {
        let values = printed_list(values.iter().map(|value| quoted(value)));
        format!("{{\"Key\":{},\"Operator\":{},\"Values\":{values}}}", quoted(key), quoted(operator.name()))
    };
    let [expressions, fields] =
        [&term.expressions, &term.fields].map(|list| printed_list(list.iter().map(requirement)));
    format!("{{\"MatchExpressions\":{expressions},\"MatchFields\":{fields}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Terms, each a text of zones that it asks for one after the other.
    fn required(terms: &[&str]) -> NodeAffinity {
        let requirement = |zone: char| NodeRequirement {
            key: "zone".into(),
            operator: NodeOperator::In,
            values: vec![zone.to_string().into()],
        };
        let term =
            |zones: &&str| NodeTerm { expressions: zones.chars().map(requirement).collect(), fields: Vec::new() };
        NodeAffinity { required: Some(terms.iter().map(term).collect()), preferred: Vec::new() }
    }

    #[test]
    fn a_gated_pod_may_only_be_narrowed() {
        let said_of = |old: &[&str], new: &[&str]| {
            let mut errors = FieldErrors::default();
            narrowed(Some(&required(new)), Some(&required(old)), "p", &mut errors);
            errors.to_string()
        };
        let (wider, longer) =
            ("only additions are allowed (no", "no additions/deletions to non-empty NodeSelectorTerms");
        assert_eq!(said_of(&[], &["a", "b"]), "[]");
        assert_eq!(said_of(&["a"], &["ab"]), "[]");
        assert!(said_of(&["a"], &["ba"]).contains(wider));
        assert!(said_of(&["ab"], &["a"]).contains(wider));
        assert!(said_of(&[""], &["a"]).contains(wider), "an empty term matched nothing");
        assert!(said_of(&["a"], &["a", "b"]).contains(longer));
        assert!(said_of(&["a"], &[]).contains(longer));
        let at = "p.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]";
        let value = r#"{"MatchExpressions":[{"Key":"zone","Operator":"In","Values":["b"]}],"MatchFields":null}"#;
        let detail = "only additions are allowed (no mutations or deletions)";
        assert_eq!(said_of(&["a"], &["b"]), format!("{at}: Invalid value: {value}: {detail}"));
    }
}
