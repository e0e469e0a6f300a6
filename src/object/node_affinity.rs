//! Which nodes a pod must or would like to run on, by their labels and names.
//!
//! Source: `component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go`, apimachinery `pkg/labels/selector.go`,
//! v1.36. What upstream cannot parse matches nothing, as there. Left out: the values of labels that upstream checks once
//! more while it parses a preferred term, where a value that no label can have fails the whole scheduling cycle; here the
//! term just matches nothing.

use super::labels::Labels;
use super::name::Name;
use super::pod::PodSpec;

/// The only field that `matchFields` may name.
pub const FIELD_NAME: &str = "metadata.name";

/// `spec.affinity.nodeAffinity`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NodeAffinity {
    /// The terms of `requiredDuringSchedulingIgnoredDuringExecution`, one of which must match.
    pub required: Option<Vec<NodeTerm>>,
    /// `preferredDuringSchedulingIgnoredDuringExecution`.
    pub preferred: Vec<PreferredTerm>,
}

/// A term with what a node is worth that matches it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PreferredTerm {
    /// Weight, 1 to 100.
    pub weight: i32,
    /// The term.
    pub term: NodeTerm,
}

/// `NodeSelectorTerm`: all its requirements must hold; without any it matches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NodeTerm {
    /// `matchExpressions`, over labels.
    pub expressions: Vec<NodeRequirement>,
    /// `matchFields`, over the name.
    pub fields: Vec<NodeRequirement>,
}

/// How a requirement compares.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NodeOperator {
    /// The value is one of those named.
    In,
    /// The key is absent or the value is none of those named.
    NotIn,
    /// The key is present.
    Exists,
    /// The key is absent.
    DoesNotExist,
    /// The value is an integer above the one named.
    Gt,
    /// The value is an integer below the one named.
    Lt,
    /// A word that is no operator: validation refuses it, and it matches nothing.
    Other(Name),
}

impl NodeOperator {
    /// The operator of this name.
    pub fn of(text: &str) -> NodeOperator {
        match text {
            "In" => NodeOperator::In,
            "NotIn" => NodeOperator::NotIn,
            "Exists" => NodeOperator::Exists,
            "DoesNotExist" => NodeOperator::DoesNotExist,
            "Gt" => NodeOperator::Gt,
            "Lt" => NodeOperator::Lt,
            other => NodeOperator::Other(other.into()),
        }
    }

    /// As in the API.
    pub fn name(&self) -> &str {
        match self {
            NodeOperator::In => "In",
            NodeOperator::NotIn => "NotIn",
            NodeOperator::Exists => "Exists",
            NodeOperator::DoesNotExist => "DoesNotExist",
            NodeOperator::Gt => "Gt",
            NodeOperator::Lt => "Lt",
            NodeOperator::Other(word) => word,
        }
    }
}

/// One requirement of a term.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeRequirement {
    /// Key of a label, or a field.
    pub key: Name,
    /// Comparison.
    pub operator: NodeOperator,
    /// What is compared with.
    pub values: Vec<Name>,
}

impl NodeRequirement {
    /// Whether a label with this value, or its absence, satisfies it.
    pub fn matches(&self, value: Option<&str>) -> bool {
        let is_named = |value: &str| self.values.iter().any(|named| *named == *value);
        match self.operator {
            NodeOperator::In => value.is_some_and(is_named),
            NodeOperator::NotIn => !value.is_some_and(is_named),
            NodeOperator::Exists => value.is_some(),
            NodeOperator::DoesNotExist => value.is_none(),
            NodeOperator::Gt => self.compares(value).is_some_and(|(value, bound)| value > bound),
            NodeOperator::Lt => self.compares(value).is_some_and(|(value, bound)| value < bound),
            NodeOperator::Other(_) => false,
        }
    }

    /// The label's value and the one named, if both are integers.
    fn compares(&self, value: Option<&str>) -> Option<(i64, i64)> {
        let [bound] = self.values.as_slice() else { return None };
        Some((value?.parse().ok()?, bound.parse().ok()?))
    }
}

/// Whether the node of this name satisfies a requirement on fields, of which it has only its name.
pub fn matches_field(requirement: &NodeRequirement, node: &str) -> bool {
    let [named] = requirement.values.as_slice() else { return false };
    let is_named = if requirement.key == *FIELD_NAME { *named == *node } else { named.is_empty() };
    match requirement.operator {
        NodeOperator::In => is_named,
        NodeOperator::NotIn => !is_named,
        _ => false,
    }
}

impl NodeTerm {
    /// Whether it has no requirement.
    pub fn is_empty(&self) -> bool {
        self.expressions.is_empty() && self.fields.is_empty()
    }

    /// Whether a node with this name and these labels satisfies it.
    pub fn matches(&self, node: &str, labels: &Labels) -> bool {
        let label = |requirement: &NodeRequirement| labels.get(&requirement.key).map(Name::as_str);
        !self.is_empty()
            && self.expressions.iter().all(|requirement| requirement.matches(label(requirement)))
            && self.fields.iter().all(|requirement| matches_field(requirement, node))
    }
}

/// Whether a node with this name and these labels is one that a pod must run on, by its node selector and its node
/// affinity (`RequiredNodeAffinity.Match`).
pub fn must_match(spec: &PodSpec, node: &str, labels: &Labels) -> bool {
    let required = spec.node_affinity.as_ref().and_then(|affinity| affinity.required.as_ref());
    labels.contains_all(&spec.node_selector)
        && required.is_none_or(|terms| terms.iter().any(|term| term.matches(node, labels)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn requirement(key: &str, operator: &str, values: &[&str]) -> NodeRequirement {
        let values = values.iter().map(|&value| value.into()).collect();
        NodeRequirement { key: key.into(), operator: NodeOperator::of(operator), values }
    }

    #[test]
    fn requirements_compare_as_upstream() {
        for (value, operator, values, expected) in [
            (Some("a"), "In", &["a", "b"][..], true),
            (Some("c"), "In", &["a", "b"], false),
            (None, "In", &["a"], false),
            (Some("a"), "NotIn", &["a"], false),
            (None, "NotIn", &["a"], true),
            (Some(""), "Exists", &[], true),
            (None, "Exists", &[], false),
            (None, "DoesNotExist", &[], true),
            (Some("8"), "Gt", &["7"], true),
            (Some("7"), "Gt", &["7"], false),
            (Some("007"), "Lt", &["8"], true),
            (Some("7x"), "Gt", &["1"], false),
            (Some("9223372036854775808"), "Gt", &["1"], false),
            (Some("7"), "Gt", &["x"], false),
            (Some("7"), "Lt", &[], false),
            (None, "Lt", &["8"], false),
            (Some("a"), "Is", &["a"], false),
        ] {
            let requirement = requirement("k", operator, values);
            assert_eq!(requirement.matches(value), expected, "{value:?} {operator} {values:?}");
        }
    }

    #[test]
    fn terms_are_alternatives_and_their_requirements_are_not() {
        let labels: Labels = [("zone", "a"), ("disk", "ssd")].into_iter().collect();
        let owned = |list: &[&NodeRequirement]| list.iter().map(|&requirement| requirement.clone()).collect();
        let term = |expressions: &[&NodeRequirement], fields: &[&NodeRequirement]| NodeTerm {
            expressions: owned(expressions),
            fields: owned(fields),
        };
        let [in_a, in_b] = &["a", "b"].map(|zone| requirement("zone", "In", &[zone]));
        let [named, not_named] = &["In", "NotIn"].map(|operator| requirement(FIELD_NAME, operator, &["n1"]));
        let two_names = &requirement(FIELD_NAME, "In", &["n1", "n2"]);
        for (terms, expected) in [
            (None, true),
            (Some(vec![]), false),
            (Some(vec![term(&[], &[])]), false),
            (Some(vec![term(&[in_a], &[])]), true),
            (Some(vec![term(&[in_a, in_b], &[])]), false),
            (Some(vec![term(&[in_b], &[]), term(&[in_a], &[])]), true),
            (Some(vec![term(&[], &[named])]), true),
            (Some(vec![term(&[in_a], &[not_named])]), false),
            (Some(vec![term(&[], &[named, not_named])]), false),
            (Some(vec![term(&[], &[two_names])]), false),
        ] {
            let affinity = NodeAffinity { required: terms, preferred: Vec::new() };
            let mut spec = PodSpec { node_affinity: Some(Arc::new(affinity)), ..PodSpec::default() };
            assert_eq!(must_match(&spec, "n1", &labels), expected, "{:?}", spec.node_affinity);
            spec.node_selector.insert("disk", "ssd");
            assert_eq!(must_match(&spec, "n1", &labels), expected, "{:?}", spec.node_affinity);
            spec.node_selector.insert("disk", "hdd");
            assert!(!must_match(&spec, "n1", &labels));
        }
    }
}
