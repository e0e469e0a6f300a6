//! Random draws, looked up by key instead of drawn from a stream.
//!
//! A draw is a pure function of (seed, purpose, path of the entity, counter). A new pod, or a new
//! draw somewhere else, therefore moves no other draw, and two variants of a run share their luck.
//! The function is the first word of ChaCha8 (Bernstein 2008) under that key.

use super::digest::Digest;
use super::time::Span;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a draw is for: one number a use, so that uses never share a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Purpose {
    /// Phases of periodic loops and the sub-second offset of the epoch.
    Phase = 1,
    /// Lengths of modelled delays.
    Delay = 2,
    /// Uids of objects.
    Uid = 3,
    /// Suffixes of generated names.
    Name = 4,
    /// Ties among equal scores.
    Tie = 5,
    /// Jitter of upstream's periodic loops.
    Jitter = 6,
    /// Choices made by tests and by random scenarios.
    Test = 7,
    /// What faults leave to chance.
    Fault = 8,
}

/// All draws of a run.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    seed: u64,
}

impl Draws {
    /// The draws of `seed`.
    pub const fn new(seed: u64) -> Draws {
        Draws { seed }
    }

    /// The seed.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// A uniform 64-bit number for this key.
    pub fn get(&self, purpose: Purpose, path: &str, counter: u64) -> u64 {
        let mut hash = Digest::new();
        hash.bytes(path.as_bytes());
        let [low, high] = hash.value();
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..10].copy_from_slice(&(purpose as u16).to_le_bytes());
        key[16..24].copy_from_slice(&low.to_le_bytes());
        key[24..].copy_from_slice(&high.to_le_bytes());
        let mut chacha = ChaCha8Rng::from_seed(key);
        chacha.set_stream(counter);
        chacha.next_u64()
    }

    /// A uniform number below `bound` (0 if `bound` is 0). The bias of the multiplication is below 2⁻⁶⁴ times `bound`.
    pub fn below(&self, purpose: Purpose, path: &str, counter: u64, bound: u64) -> u64 {
        ((u128::from(self.get(purpose, path, counter)) * u128::from(bound)) >> 64) as u64
    }

    /// A uniform number in [0, 1), with 53 random bits.
    pub fn unit(&self, purpose: Purpose, path: &str, counter: u64) -> f64 {
        (self.get(purpose, path, counter) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A uniform span in [0, `bound`).
    pub fn span_below(&self, purpose: Purpose, path: &str, counter: u64, bound: Span) -> Span {
        Span::from_micros(self.below(purpose, path, counter, bound.as_micros()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_key_matters() {
        let base = Draws::new(1).get(Purpose::Delay, "default/web-1", 0);
        assert_eq!(Draws::new(1).get(Purpose::Delay, "default/web-1", 0), base);
        assert_ne!(Draws::new(2).get(Purpose::Delay, "default/web-1", 0), base);
        assert_ne!(Draws::new(1).get(Purpose::Tie, "default/web-1", 0), base);
        assert_ne!(Draws::new(1).get(Purpose::Delay, "default/web-2", 0), base);
        assert_ne!(Draws::new(1).get(Purpose::Delay, "default/web-1", 1), base);
    }

    #[test]
    fn draws_are_spread_evenly() {
        let draws = Draws::new(7);
        let mut bins = [0u32; 10];
        for counter in 0..10_000 {
            bins[draws.below(Purpose::Test, "bins", counter, 10) as usize] += 1;
        }
        assert!(bins.iter().all(|&count| (850..1150).contains(&count)), "{bins:?}");
    }

    #[test]
    fn a_draw_is_the_same_on_every_machine() {
        assert_eq!(Draws::new(42).get(Purpose::Phase, "node-monitor", 3), 15_122_703_945_035_527_308);
    }
}
