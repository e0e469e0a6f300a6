//! A set of small numbers as 64-bit words: candidates that filters strike out.

/// A set of numbers below a fixed bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BitSet {
    words: Vec<u64>,
    bound: usize,
}

impl BitSet {
    /// All numbers below `bound`.
    pub fn full(bound: usize) -> BitSet {
        let mut set = BitSet::empty(bound);
        set.words.fill(u64::MAX);
        if let Some(last) = set.words.last_mut().filter(|_| !bound.is_multiple_of(64)) {
            *last = (1 << (bound % 64)) - 1;
        }
        set
    }

    /// No numbers.
    pub fn empty(bound: usize) -> BitSet {
        BitSet { words: vec![0; bound.div_ceil(64)], bound }
    }

    /// Numbers are below this.
    pub const fn bound(&self) -> usize {
        self.bound
    }

    /// Whether `number` is in the set.
    #[inline]
    pub fn contains(&self, number: usize) -> bool {
        self.words[number / 64] & (1 << (number % 64)) != 0
    }

    /// Adds `number`.
    #[inline]
    pub fn insert(&mut self, number: usize) {
        assert!(number < self.bound, "{number} is not below {}", self.bound);
        self.words[number / 64] |= 1 << (number % 64);
    }

    /// Strikes `number` out.
    #[inline]
    pub fn remove(&mut self, number: usize) {
        self.words[number / 64] &= !(1 << (number % 64));
    }

    /// Adds `number` or strikes it out.
    #[inline]
    pub fn set(&mut self, number: usize, is_in: bool) {
        if is_in { self.insert(number) } else { self.remove(number) }
    }

    /// The numbers from 64 `index` on, as bits; zero beyond the bound.
    #[inline]
    pub fn word(&self, index: usize) -> u64 {
        self.words.get(index).copied().unwrap_or(0)
    }

    /// Raises the bound; the new numbers are not in the set.
    pub fn grow(&mut self, bound: usize) {
        assert!(bound >= self.bound, "{bound} is below {}", self.bound);
        self.words.resize(bound.div_ceil(64), 0);
        self.bound = bound;
    }

    /// Keeps the numbers that are also in `other`, a set with the same bound.
    pub fn intersect(&mut self, other: &BitSet) {
        assert_eq!(self.bound, other.bound, "sets over different ranges");
        self.words.iter_mut().zip(&other.words).for_each(|(mine, theirs)| *mine &= theirs);
    }

    /// How many numbers are in the set.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The numbers in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            std::iter::successors((word != 0).then_some(word), |rest| Some(rest & (rest - 1)).filter(|&rest| rest != 0))
                .map(move |rest| index * 64 + rest.trailing_zeros() as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::{Draws, Purpose};
    use std::collections::BTreeSet;

    #[test]
    fn it_agrees_with_a_plain_set() {
        let draws = Draws::new(5);
        for bound in [0, 1, 63, 64, 65, 130] {
            let mut bits = BitSet::full(bound);
            let mut plain: BTreeSet<usize> = (0..bound).collect();
            for step in 0..bound as u64 {
                let number = draws.below(Purpose::Test, "bits", step, bound as u64) as usize;
                if draws.get(Purpose::Test, "add", step) & 1 == 0 {
                    bits.insert(number);
                    plain.insert(number);
                } else {
                    bits.remove(number);
                    plain.remove(&number);
                }
            }
            assert!(bits.iter().eq(plain.iter().copied()));
            assert_eq!(bits.count(), plain.len());
            assert!((0..bound).all(|number| bits.contains(number) == plain.contains(&number)));
            bits.grow(bound + 70);
            bits.set(bound + 69, true);
            assert_eq!(bits.word((bound + 69) / 64) >> ((bound + 69) % 64), 1);
            assert_eq!(bits.word(1_000), 0, "beyond the bound");
            bits.intersect(&BitSet::full(bound + 70));
            assert_eq!(bits.count(), plain.len() + 1);
        }
    }
}
