//! A running 128-bit hash of what happened, with checkpoints.
//!
//! Two runs are the same exactly when their digests are. It is not cryptographic: it guards against
//! accident, not malice. Values are absorbed at fixed widths in little-endian order, so that all
//! targets agree; it is also a [`Hasher`], so that whole objects can be absorbed.

use std::hash::Hasher;

/// Two lanes of multiply-and-rotate over 64-bit words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    lanes: [u64; 2],
    entries: u64,
    checkpoints: Vec<[u64; 2]>,
}

/// A checkpoint is kept each time this many entries have been sealed.
pub const ENTRIES_PER_CHECKPOINT: u64 = 65_536;

// Odd constants with well-mixed bits: the fractions of the golden ratio and of √3.
const FACTORS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xbb67_ae85_84ca_a73b];

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

impl Digest {
    /// The digest of nothing.
    pub const fn new() -> Digest {
        Digest { lanes: [FACTORS[1], FACTORS[0]], entries: 0, checkpoints: Vec::new() }
    }

    /// Absorbs one word.
    #[inline]
    pub fn word(&mut self, word: u64) {
        for (lane, factor) in self.lanes.iter_mut().zip(FACTORS) {
            let mixed = (*lane ^ word).wrapping_mul(factor);
            *lane = mixed.rotate_left(29) ^ (mixed >> 32);
        }
    }

    /// Absorbs bytes and their number.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
        self.word(bytes.len() as u64);
    }

    /// Ends one entry (a commit, a decision, a fault, a fact).
    pub fn seal(&mut self) {
        self.entries += 1;
        if self.entries.is_multiple_of(ENTRIES_PER_CHECKPOINT) {
            self.checkpoints.push(self.value());
        }
    }

    /// Entries sealed so far.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// The digest after each [`ENTRIES_PER_CHECKPOINT`] entries: the first pair that differs tells where two runs part.
    pub fn checkpoints(&self) -> &[[u64; 2]] {
        &self.checkpoints
    }

    /// The digest now.
    pub fn value(&self) -> [u64; 2] {
        let mut finished = [self.lanes[0], self.lanes[1]];
        for _ in 0..2 {
            finished[0] = (finished[0] ^ finished[1].rotate_left(17)).wrapping_mul(FACTORS[0]);
            finished[1] = (finished[1] ^ finished[0].rotate_left(31)).wrapping_mul(FACTORS[1]);
        }
        finished
    }

    /// The digest now, as 32 hexadecimal digits.
    pub fn hex(&self) -> String {
        let [low, high] = self.value();
        format!("{low:016x}{high:016x}")
    }
}

/// Every integer is absorbed as one word, whatever its width on this target.
impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.value()[0]
    }
    fn write(&mut self, bytes: &[u8]) {
        self.bytes(bytes);
    }
    fn write_u8(&mut self, value: u8) {
        self.word(u64::from(value));
    }
    fn write_u16(&mut self, value: u16) {
        self.word(u64::from(value));
    }
    fn write_u32(&mut self, value: u32) {
        self.word(u64::from(value));
    }
    fn write_u64(&mut self, value: u64) {
        self.word(value);
    }
    fn write_u128(&mut self, value: u128) {
        self.word(value as u64);
        self.word((value >> 64) as u64);
    }
    fn write_usize(&mut self, value: usize) {
        self.word(value as u64);
    }
    fn write_i8(&mut self, value: i8) {
        self.word(value as i64 as u64);
    }
    fn write_i16(&mut self, value: i16) {
        self.word(value as i64 as u64);
    }
    fn write_i32(&mut self, value: i32) {
        self.word(value as i64 as u64);
    }
    fn write_i64(&mut self, value: i64) {
        self.word(value as u64);
    }
    fn write_isize(&mut self, value: isize) {
        self.word(value as i64 as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::Hash;

    #[test]
    fn order_and_length_matter() {
        let digest = |parts: &[&str]| {
            let mut digest = Digest::new();
            parts.iter().for_each(|part| digest.bytes(part.as_bytes()));
            digest.value()
        };
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["a", "b"]), digest(&["b", "a"]));
        assert_ne!(digest(&["a"]), digest(&["a\0"]));
        assert_eq!(digest(&["a", "b"]), digest(&["a", "b"]));
    }

    #[test]
    fn a_digest_is_the_same_on_every_machine() {
        let mut digest = Digest::new();
        ("web", 3usize, Some(-1i32), vec![1u8, 2]).hash(&mut digest);
        digest.seal();
        assert_eq!(digest.hex(), "6f7449bd527aec1b40dfbe9c1e815d67");
    }

    #[test]
    fn a_checkpoint_is_kept_every_so_often() {
        let mut digest = Digest::new();
        for entry in 0..2 * ENTRIES_PER_CHECKPOINT {
            digest.word(entry);
            digest.seal();
        }
        assert_eq!(digest.checkpoints().len(), 2);
        assert_eq!(digest.checkpoints()[1], digest.value());
    }
}
