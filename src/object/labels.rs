//! Labels and the selectors over them.
//!
//! Source: apimachinery `pkg/labels/selector.go`, `pkg/apis/meta/v1/helpers.go`, v1.36. Left out: the
//! operators of set-based query strings (`Gt`, `Lt`), which no object here carries.

use super::name::Name;
use std::fmt;
use std::sync::Arc;

/// Labels or annotations: pairs sorted by key, shared when cloned.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Arc<Vec<(Name, Name)>>);

impl Labels {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Name> {
        self.0.binary_search_by(|(k, _)| k.as_str().cmp(key)).ok().map(|index| &self.0[index].1)
    }

    /// Sets `key`.
    pub fn insert(&mut self, key: impl Into<Name>, value: impl Into<Name>) {
        let (key, value) = (key.into(), value.into());
        let pairs = Arc::make_mut(&mut self.0);
        match pairs.binary_search_by(|(k, _)| k.cmp(&key)) {
            Ok(index) => pairs[index].1 = value,
            Err(index) => pairs.insert(index, (key, value)),
        }
    }

    /// Takes `key` away.
    pub fn remove(&mut self, key: &str) {
        if let Ok(index) = self.0.binary_search_by(|(k, _)| k.as_str().cmp(key)) {
            Arc::make_mut(&mut self.0).remove(index);
        }
    }

    /// Pairs in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Name)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether every pair of `other` is also here.
    pub fn contains_all(&self, other: &Labels) -> bool {
        other.iter().all(|(key, value)| self.get(key) == Some(value))
    }
}

impl<K: Into<Name>, V: Into<Name>> FromIterator<(K, V)> for Labels {
    /// Of equal keys the last wins.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Labels {
        let mut labels = Labels::default();
        pairs.into_iter().for_each(|(key, value)| labels.insert(key, value));
        labels
    }
}

/// How a requirement compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// The value is one of those named.
    In,
    /// The key is absent or the value is none of those named.
    NotIn,
    /// The key is present.
    Exists,
    /// The key is absent.
    DoesNotExist,
}

impl Operator {
    /// As in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Operator::In => "In",
            Operator::NotIn => "NotIn",
            Operator::Exists => "Exists",
            Operator::DoesNotExist => "DoesNotExist",
        }
    }
}

/// One expression of a selector.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Requirement {
    /// Label key.
    pub key: Name,
    /// Comparison.
    pub operator: Operator,
    /// Values for `In` and `NotIn`.
    pub values: Vec<Name>,
}

impl Requirement {
    /// Whether `labels` satisfy it.
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.contains(value)),
            Operator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

/// `metav1.LabelSelector`: all pairs and all expressions must hold; an empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    /// `matchLabels`.
    pub labels: Labels,
    /// `matchExpressions`.
    pub expressions: Vec<Requirement>,
}

impl Selector {
    /// A selector of equalities.
    pub fn of(labels: Labels) -> Selector {
        Selector { labels, expressions: Vec::new() }
    }

    /// Whether it has no condition.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.expressions.is_empty()
    }

    /// Whether `labels` satisfy it.
    pub fn matches(&self, labels: &Labels) -> bool {
        labels.contains_all(&self.labels) && self.expressions.iter().all(|requirement| requirement.matches(labels))
    }
}

/// `app=web,tier in (a,b),!legacy`.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.labels.iter().map(|(key, value)| format!("{key}={value}"));
        let expressions = self.expressions.iter().map(|requirement| {
            let Requirement { key, operator, values } = requirement;
            let values = values.iter().map(Name::as_str).collect::<Vec<_>>().join(",");
            match operator {
                Operator::In => format!("{key} in ({values})"),
                Operator::NotIn => format!("{key} notin ({values})"),
                Operator::Exists => key.to_string(),
                Operator::DoesNotExist => format!("!{key}"),
            }
        });
        f.write_str(&pairs.chain(expressions).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_match_as_upstream() {
        let labels: Labels = [("app", "web"), ("tier", "front")].into_iter().collect();
        let requirement = |key: &str, operator, values: &[&str]| Requirement {
            key: key.into(),
            operator,
            values: values.iter().map(|&value| value.into()).collect(),
        };
        for (expected, requirement) in [
            (true, requirement("tier", Operator::In, &["front", "back"])),
            (false, requirement("tier", Operator::NotIn, &["front"])),
            (true, requirement("zone", Operator::NotIn, &["a"])),
            (false, requirement("zone", Operator::In, &["a"])),
            (true, requirement("app", Operator::Exists, &[])),
            (false, requirement("app", Operator::DoesNotExist, &[])),
        ] {
            let selector = Selector { labels: Labels::default(), expressions: vec![requirement] };
            assert_eq!(selector.matches(&labels), expected, "{selector}");
        }
        assert!(Selector::default().matches(&labels));
        assert!(Selector::of([("app", "web")].into_iter().collect()).matches(&labels));
        assert!(!Selector::of([("app", "db")].into_iter().collect()).matches(&labels));
    }
}
