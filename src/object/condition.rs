//! Conditions: what an object's controllers say of it.

use super::name::Name;
use super::stamp::Timestamp;
use std::fmt;

/// True, False or Unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Nobody knows.
    Unknown,
}

impl From<bool> for ConditionStatus {
    fn from(holds: bool) -> Self {
        if holds { ConditionStatus::True } else { ConditionStatus::False }
    }
}

impl fmt::Display for ConditionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ConditionStatus::True => "True",
            ConditionStatus::False => "False",
            ConditionStatus::Unknown => "Unknown",
        })
    }
}

/// A condition of any object. Not every kind uses every field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    /// Type, as `Ready`.
    pub kind: Name,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// One word why.
    pub reason: Name,
    /// A sentence why.
    pub message: Name,
    /// When `status` last changed.
    pub last_transition: Timestamp,
    /// Nodes: `lastHeartbeatTime`. Deployments: `lastUpdateTime`. Otherwise equal to `last_transition`.
    pub last_update: Timestamp,
}

/// The condition of type `kind`.
pub fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

/// The status of the condition of type `kind`, if it is there.
pub fn status(conditions: &[Condition], kind: &str) -> Option<ConditionStatus> {
    find(conditions, kind).map(|condition| condition.status)
}

/// Adds or replaces a condition; its transition time moves only if the status changes. Says whether anything but
/// `last_update` changed.
pub fn set(conditions: &mut Vec<Condition>, mut new: Condition) -> bool {
    match conditions.iter_mut().find(|condition| condition.kind == new.kind) {
        None => {
            conditions.push(new);
            true
        }
        Some(old) => {
            if old.status == new.status {
                new.last_transition = old.last_transition;
            }
            let changed = (old.status, &old.reason, &old.message) != (new.status, &new.reason, &new.message);
            *old = new;
            changed
        }
    }
}
