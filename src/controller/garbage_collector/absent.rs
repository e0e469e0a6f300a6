//! Owners that are known not to exist.
//!
//! Source: `pkg/controller/garbagecollector/uid_cache.go` (`ReferenceCache`), v1.36.

use super::graph::Identity;
use std::collections::BTreeMap;

/// As many identities as it may hold; the one that was used longest ago makes room.
#[derive(Clone, Debug, Default)]
pub struct AbsentOwners {
    used: BTreeMap<Identity, u64>,
    order: BTreeMap<u64, Identity>,
    uses: u64,
}

impl AbsentOwners {
    /// Remembers one.
    pub fn add(&mut self, owner: Identity, size: usize) {
        self.touch(&owner);
        if self.used.len() > size
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.used.remove(&oldest);
        }
    }

    /// Whether it is remembered; that counts as a use.
    pub fn has(&mut self, owner: &Identity) -> bool {
        let known = self.used.contains_key(owner);
        if known {
            self.touch(owner);
        }
        known
    }

    fn touch(&mut self, owner: &Identity) {
        self.uses += 1;
        if let Some(before) = self.used.insert(owner.clone(), self.uses) {
            self.order.remove(&before);
        }
        self.order.insert(self.uses, owner.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Key, Kind, Uid};

    #[test]
    fn the_one_used_longest_ago_makes_room() {
        let owner = |name: &str| Identity { kind: Kind::Node, key: Key::cluster(name), uid: Uid(1) };
        let mut absent = AbsentOwners::default();
        absent.add(owner("a"), 2);
        absent.add(owner("b"), 2);
        assert!(absent.has(&owner("a")));
        absent.add(owner("c"), 2);
        assert_eq!(["a", "b", "c"].map(|name| absent.has(&owner(name))), [true, false, true]);
    }
}
