//! How a pod wants to be spread over topology domains: `spec.topologySpreadConstraints`.
//!
//! Source: `pkg/apis/core/types.go` (`TopologySpreadConstraint`), `pkg/registry/core/pod/strategy.go`
//! (`applyMatchLabelKeys`), `pkg/apis/core/validation/validation.go` (`ValidateMatchLabelKeysAndMismatchLabelKeys`),
//! v1.36. The other rules of validation speak of words and absent fields, and are in `manifest::check`.

use super::invalid::FieldErrors;
use super::labels::{Labels, Operator, Requirement, Selector};
use super::name::Name;
use super::validation::quoted;

/// Whether a node that the pod could not go to counts as a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InclusionPolicy {
    /// It does not count.
    Honor,
    /// It counts all the same.
    Ignore,
}

impl InclusionPolicy {
    /// As in the API.
    pub const fn name(self) -> &'static str {
        match self {
            InclusionPolicy::Honor => "Honor",
            InclusionPolicy::Ignore => "Ignore",
        }
    }
}

/// One wish of a pod to be spread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SpreadConstraint {
    /// How many more matching pods a domain may have than the one with the fewest.
    pub max_skew: i32,
    /// Label of nodes whose values are the domains.
    pub topology_key: Name,
    /// `whenUnsatisfiable: DoNotSchedule`; otherwise it only counts when nodes are scored.
    pub is_hard: bool,
    /// Which pods are counted; none matches none.
    pub selector: Option<Selector>,
    /// Domains below which the fewest is taken to be zero.
    pub min_domains: Option<i32>,
    /// What of the pod's node selector and affinity; none is Honor.
    pub node_affinity_policy: Option<InclusionPolicy>,
    /// What of taints that the pod does not tolerate; none is Ignore.
    pub node_taints_policy: Option<InclusionPolicy>,
    /// Labels of the pod itself that the counted pods must share.
    pub match_label_keys: Vec<Name>,
}

impl SpreadConstraint {
    /// The pod's own values of [`SpreadConstraint::match_label_keys`].
    fn own(&self, labels: &Labels) -> Vec<(Name, Name)> {
        self.match_label_keys.iter().filter_map(|key| Some((key.clone(), labels.get(key)?.clone()))).collect()
    }

    /// Writes the pod's own values into the selector, as the API server does when the pod is created.
    pub fn merge_label_keys(&mut self, labels: &Labels) {
        let own = self.own(labels);
        if let Some(selector) = &mut self.selector {
            let expressions = own.into_iter().map(|(key, value)| is(key, value));
            selector.expressions.extend(expressions);
        }
    }

    /// The selector of the pods that are counted, with the keys also if the API server has not written them there.
    pub fn counted(&self, labels: &Labels) -> Option<Selector> {
        let mut selector = self.selector.clone()?;
        for (key, value) in self.own(labels) {
            let requirement = is(key, value);
            if !selector.expressions.contains(&requirement) {
                selector.expressions.push(requirement);
            }
        }
        Some(selector)
    }

    /// A key that is both shared and selected by: to be called after [`SpreadConstraint::merge_label_keys`].
    pub(super) fn validate_label_keys(&self, at: &str, errors: &mut FieldErrors) {
        let Some(selector) = &self.selector else { return };
        let mut seen: Vec<&Name> = selector.labels.iter().map(|(key, _)| key).collect();
        for Requirement { key, .. } in &selector.expressions {
            let index = self.match_label_keys.iter().position(|known| known == key);
            if let Some(index) = index.filter(|_| seen.contains(&key)) {
                let detail = "exists in both matchLabelKeys and labelSelector";
                errors.invalid(format!("{at}[{index}]"), quoted(key), detail);
            }
            seen.push(key);
        }
    }
}

fn is(key: Name, value: Name) -> Requirement {
    Requirement { key, operator: Operator::In, values: vec![value] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_keys_are_merged_once_and_refused_twice() {
        let labels: Labels = [("app", "web"), ("hash", "1")].into_iter().collect();
        let mut constraint = SpreadConstraint {
            selector: Some(Selector::of([("app", "web")].into_iter().collect())),
            match_label_keys: vec!["hash".into(), "absent".into()],
            ..SpreadConstraint::default()
        };
        let counted = constraint.counted(&labels).unwrap();
        assert_eq!(counted.to_string(), "app=web,hash in (1)");
        constraint.merge_label_keys(&labels);
        assert_eq!(constraint.selector, Some(counted.clone()));
        assert_eq!(constraint.counted(&labels), Some(counted), "what the API server wrote is not added again");
        let mut errors = FieldErrors::default();
        constraint.validate_label_keys("spec.topologySpreadConstraints[0]", &mut errors);
        assert!(errors.is_empty(), "{errors}");
        constraint.merge_label_keys(&labels);
        constraint.validate_label_keys("spec.topologySpreadConstraints[0]", &mut errors);
        let expected = "spec.topologySpreadConstraints[0][0]: Invalid value: \"hash\": exists in both matchLabelKeys and \
                        labelSelector";
        assert_eq!(errors.to_string(), expected);
    }
}
