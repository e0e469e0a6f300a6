//! Nodes under examination: a stretch of rows as bits that filters strike out.

use crate::kernel::bitset::BitSet;

/// Rows that filters see at once, at most. Large enough to hide the dynamic call, small enough for the first cache.
pub const WINDOW_ROWS: usize = 512;

/// Why a node or a pod was refused, as far as preemption cares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// `Unschedulable`: other pods are in the way.
    #[default]
    Unschedulable,
    /// `UnschedulableAndUnresolvable`: preemption would not help.
    Unresolvable,
}

/// Why one node was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rejection {
    /// Which plugin: its place in the profile.
    pub plugin: u8,
    /// What preemption may make of it.
    pub code: Code,
    /// The plugin's own number for its reasons.
    pub detail: u32,
}

const _: () = assert!(size_of::<Rejection>() == 8);

/// A stretch of rows and what filters have made of them.
#[derive(Clone, Debug)]
pub struct Window {
    base: usize,
    alive: [u64; WINDOW_ROWS / 64],
    rejections: Box<[Rejection; WINDOW_ROWS]>,
    plugin: u8,
}

impl Default for Window {
    fn default() -> Self {
        let rejections = Box::new([Rejection::default(); WINDOW_ROWS]);
        Window { base: 0, alive: [0; WINDOW_ROWS / 64], rejections, plugin: 0 }
    }
}

impl Window {
    /// Begins with the rows in `from..until` that are in `candidates`, as far as they fit, and says where they end.
    pub(super) fn open(&mut self, from: usize, until: usize, candidates: Option<&BitSet>) -> usize {
        self.base = from & !63;
        let end = until.min(self.base + WINDOW_ROWS);
        for (index, word) in self.alive.iter_mut().enumerate() {
            let first = self.base + 64 * index;
            let below = |row: usize| if row >= first + 64 { u64::MAX } else { (1 << row.saturating_sub(first)) - 1 };
            let allowed = candidates.map_or(u64::MAX, |set| set.word(first / 64));
            *word = below(end) & !below(from) & allowed;
        }
        end
    }

    /// The plugin whose turn it is.
    pub(super) const fn set_plugin(&mut self, plugin: u8) {
        self.plugin = plugin;
    }

    /// The rows that nobody has refused: the first row of each word, and its bits.
    #[inline]
    pub fn masks(&self) -> [(usize, u64); WINDOW_ROWS / 64] {
        std::array::from_fn(|index| (self.base + 64 * index, self.alive[index]))
    }

    /// Refuses a row.
    #[inline]
    pub fn reject(&mut self, row: usize, code: Code, detail: u32) {
        let offset = row - self.base;
        self.alive[offset / 64] &= !(1 << (offset % 64));
        self.rejections[offset] = Rejection { plugin: self.plugin, code, detail };
    }

    /// Refuses, of the rows in a word of bits, those that `judge` refuses.
    #[inline]
    pub fn judge(&mut self, first: usize, mut bits: u64, mut judge: impl FnMut(usize) -> Option<(Code, u32)>) {
        while bits != 0 {
            let row = first + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            if let Some((code, detail)) = judge(row) {
                self.reject(row, code, detail);
            }
        }
    }

    /// Why `row` was refused; only for rows that were.
    #[inline]
    pub(super) fn rejection(&self, row: usize) -> Rejection {
        self.rejections[row - self.base]
    }
}
