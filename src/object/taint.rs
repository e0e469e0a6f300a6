//! Taints of nodes and the tolerations of pods.
//!
//! Source: `staging/src/k8s.io/api/core/v1/{taint,toleration}.go`, v1.36. The operators `Lt` and `Gt` never match: their
//! gate, TaintTolerationComparisonOperators, is off.

use super::name::Name;
use super::stamp::Timestamp;
use crate::object::SettingId;
use std::fmt;

/// Set by people who know that a node that is not ready is shut down for good.
pub const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";
/// Set while the node's Ready condition is False.
pub const NOT_READY: &str = "node.kubernetes.io/not-ready";
/// Set while the node's Ready condition is Unknown.
pub const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
/// Set while the node is cordoned.
pub const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";
/// Set while the node is short of memory.
pub const MEMORY_PRESSURE: &str = "node.kubernetes.io/memory-pressure";
/// Set while the node is short of disk.
pub const DISK_PRESSURE: &str = "node.kubernetes.io/disk-pressure";
/// Set while the node is short of process ids.
pub const PID_PRESSURE: &str = "node.kubernetes.io/pid-pressure";
/// Set while the node's network is not set up.
pub const NETWORK_UNAVAILABLE: &str = "node.kubernetes.io/network-unavailable";

/// What a taint does to pods that do not tolerate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// They are not scheduled here.
    NoSchedule,
    /// They are scheduled elsewhere if possible.
    PreferNoSchedule,
    /// They are not scheduled here, and evicted.
    NoExecute,
}

impl Effect {
    /// All of them.
    pub const ALL: [Effect; 3] = [Effect::NoSchedule, Effect::PreferNoSchedule, Effect::NoExecute];

    /// The effect of this name, as the API writes it.
    pub fn named(name: &str) -> Option<Effect> {
        Effect::ALL.into_iter().find(|effect| effect.to_string() == name)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Effect::NoSchedule => "NoSchedule",
            Effect::PreferNoSchedule => "PreferNoSchedule",
            Effect::NoExecute => "NoExecute",
        })
    }
}

/// What identifies a taint on a node.
pub type TaintKey = (Name, Effect);

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Taint {
    /// Key.
    pub key: Name,
    /// Value, often empty.
    pub value: Name,
    /// Effect.
    pub effect: Effect,
    /// When a NoExecute taint was added.
    pub time_added: Option<Timestamp>,
}

/// `key=value:Effect`, or `key:Effect`.
impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let equals = if self.value.is_empty() { "" } else { "=" };
        write!(f, "{}{equals}{}:{}", self.key, self.value, self.effect)
    }
}

/// How a toleration compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TolerationOperator {
    /// Key and value are equal.
    #[default]
    Equal,
    /// The key is equal, or empty for all.
    Exists,
    /// `Lt` or `Gt`: never matches.
    Comparison,
}

/// A toleration of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Toleration {
    /// Key; empty tolerates every key.
    pub key: Name,
    /// Comparison.
    pub operator: TolerationOperator,
    /// Value.
    pub value: Name,
    /// Effect; none tolerates every effect.
    pub effect: Option<Effect>,
    /// For NoExecute: how long the taint is tolerated (s); none is for ever.
    pub seconds: Option<i64>,
}

impl Toleration {
    /// Whether it tolerates `taint`.
    pub fn tolerates(&self, taint: &Taint) -> bool {
        let effect = self.effect.is_none_or(|effect| effect == taint.effect);
        let key = self.key.is_empty() || self.key == taint.key;
        effect
            && key
            && match self.operator {
                TolerationOperator::Equal => self.value == taint.value,
                TolerationOperator::Exists => true,
                TolerationOperator::Comparison => false,
            }
    }
}

/// The setting that says how long pods tolerate a taint with this key if they do not say so themselves.
pub fn default_toleration(key: &str) -> Option<SettingId> {
    match key {
        NOT_READY => Some(SettingId::DefaultNotReadyToleration),
        UNREACHABLE => Some(SettingId::DefaultUnreachableToleration),
        _ => None,
    }
}

/// Whether one of `tolerations` tolerates `taint` without an end.
pub fn tolerated_for_ever(tolerations: &[Toleration], taint: &Taint) -> bool {
    tolerations.iter().any(|toleration| toleration.tolerates(taint) && toleration.seconds.is_none())
}

/// Whether one of `tolerations` tolerates `taint`.
pub fn tolerated(tolerations: &[Toleration], taint: &Taint) -> bool {
    tolerations.iter().any(|toleration| toleration.tolerates(taint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerations_match_as_upstream() {
        let taint = Taint { key: "k".into(), value: "v".into(), effect: Effect::NoExecute, time_added: None };
        let toleration = |key: &str, operator, value: &str, effect| Toleration {
            key: key.into(),
            operator,
            value: value.into(),
            effect,
            seconds: None,
        };
        use TolerationOperator::{Comparison, Equal, Exists};
        for (expected, toleration) in [
            (true, toleration("k", Equal, "v", None)),
            (false, toleration("k", Equal, "w", None)),
            (true, toleration("k", Exists, "", Some(Effect::NoExecute))),
            (false, toleration("k", Exists, "", Some(Effect::NoSchedule))),
            (true, toleration("", Exists, "", None)),
            (false, toleration("k", Comparison, "v", None)),
        ] {
            assert_eq!(toleration.tolerates(&taint), expected, "{toleration:?}");
        }
    }
}
