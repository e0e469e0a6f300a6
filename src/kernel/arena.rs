//! Slots for what comes and goes: requests in flight, watches.
//!
//! A slot is used again after its tenant has left, with a new generation, so that a late event for
//! the old tenant finds nothing instead of the wrong thing.

/// Names one tenant of a [`Slots`] for its whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    index: u32,
    generation: u32,
}

/// A table of tenants with stable names. All methods are O(1).
#[derive(Clone, Debug)]
pub struct Slots<T> {
    rows: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots { rows: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// Gives `tenant` a slot.
    pub fn insert(&mut self, tenant: T) -> Slot {
        let index = self.free.pop().unwrap_or_else(|| {
            self.rows.push((0, None));
            u32::try_from(self.rows.len() - 1).expect("fewer than 2³² slots")
        });
        let (generation, row) = &mut self.rows[index as usize];
        *row = Some(tenant);
        Slot { index, generation: *generation }
    }

    /// The tenant, unless it has left.
    pub fn get(&self, slot: Slot) -> Option<&T> {
        let (generation, row) = self.rows.get(slot.index as usize)?;
        row.as_ref().filter(|_| *generation == slot.generation)
    }

    /// The tenant, unless it has left.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        let (generation, row) = self.rows.get_mut(slot.index as usize)?;
        row.as_mut().filter(|_| *generation == slot.generation)
    }

    /// Lets the tenant leave.
    pub fn remove(&mut self, slot: Slot) -> Option<T> {
        let (generation, row) = self.rows.get_mut(slot.index as usize)?;
        if *generation != slot.generation {
            return None;
        }
        let tenant = row.take()?;
        *generation = generation.wrapping_add(1);
        self.free.push(slot.index);
        Some(tenant)
    }

    /// Tenants in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &T)> {
        self.rows.iter().enumerate().filter_map(|(index, (generation, row))| {
            Some((Slot { index: index as u32, generation: *generation }, row.as_ref()?))
        })
    }

    /// Tenants in the order of their slots, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.rows.iter_mut().filter_map(|(_, row)| row.as_mut())
    }

    /// How many tenants there are.
    pub fn len(&self) -> usize {
        self.rows.len() - self.free.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_name_finds_nothing() {
        let mut slots = Slots::default();
        let first = slots.insert("first");
        assert_eq!(slots.remove(first), Some("first"));
        let second = slots.insert("second");
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.remove(first), None);
        assert_eq!(slots.get(second), Some(&"second"));
        assert_eq!(slots.len(), 1);
    }
}
