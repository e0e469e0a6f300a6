//! The event queue: a monotone radix heap, first in first out at equal times.
//!
//! An entry lies in the bucket of the highest bit in which its time differs from the last time
//! popped; bucket 0 holds the entries of exactly that time, in the order they came. When bucket 0
//! runs dry the lowest bucket that is not empty is dealt out anew around its smallest time. Entries
//! of equal time always share a bucket and are moved in order, so no sequence number is stored.
//!
//! Each entry moves down at most 64 times and in practice a few: `push` is O(1), `pop` O(1)
//! amortised over the distance in time. Source of the structure: Ahuja, Mehlhorn, Orlin, Tarjan,
//! "Faster algorithms for the shortest path problem", JACM 37 (1990).

use super::time::Time;

/// Events waiting for their time.
#[derive(Clone, Debug)]
pub struct Queue<E> {
    /// Bucket `b > 0` holds times whose highest bit that differs from `last` is bit `b - 1`.
    buckets: Vec<Vec<(Time, E)>>,
    /// How many entries at the front of bucket 0 have left already.
    taken: usize,
    /// Bit `b` is set while bucket `b` holds entries.
    occupied: u128,
    last: Time,
    len: usize,
}

const BUCKETS: usize = u64::BITS as usize + 1;

impl<E: Copy> Default for Queue<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Copy> Queue<E> {
    /// An empty queue whose clock stands at zero.
    pub fn new() -> Queue<E> {
        Queue { buckets: (0..BUCKETS).map(|_| Vec::new()).collect(), taken: 0, occupied: 0, last: Time::ZERO, len: 0 }
    }

    /// Adds an event.
    ///
    /// # Panics
    /// If `at` is before the last time popped.
    #[inline]
    pub fn push(&mut self, at: Time, event: E) {
        assert!(at >= self.last, "event at {at} pushed after {} was popped", self.last);
        let bucket = bucket_of(at, self.last);
        self.buckets[bucket].push((at, event));
        self.occupied |= 1 << bucket;
        self.len += 1;
    }

    /// Takes the earliest event; of equal times, the one that came first.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, E)> {
        if self.occupied & 1 == 0 && !self.refill() {
            return None;
        }
        let entry = self.buckets[0][self.taken];
        self.taken += 1;
        self.len -= 1;
        if self.taken == self.buckets[0].len() {
            self.buckets[0].clear();
            self.taken = 0;
            self.occupied &= !1;
        }
        Some(entry)
    }

    /// Time of the earliest event. O(size of its bucket).
    pub fn next_time(&self) -> Option<Time> {
        if self.occupied == 0 {
            return None;
        }
        let bucket = self.occupied.trailing_zeros() as usize;
        let skip = if bucket == 0 { self.taken } else { 0 };
        self.buckets[bucket][skip..].iter().map(|&(at, _)| at).min()
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Deals the lowest bucket out anew so that bucket 0 holds its earliest time.
    fn refill(&mut self) -> bool {
        if self.occupied == 0 {
            return false;
        }
        let bucket = self.occupied.trailing_zeros() as usize;
        let mut entries = std::mem::take(&mut self.buckets[bucket]);
        self.occupied &= !(1 << bucket);
        self.last = entries.iter().map(|&(at, _)| at).min().expect("an occupied bucket has entries");
        for &(at, event) in &entries {
            let lower = bucket_of(at, self.last);
            debug_assert!(lower < bucket);
            self.buckets[lower].push((at, event));
            self.occupied |= 1 << lower;
        }
        entries.clear();
        self.buckets[bucket] = entries; // keeps its capacity
        true
    }
}

#[inline]
fn bucket_of(at: Time, last: Time) -> usize {
    (u64::BITS - (at.as_micros() ^ last.as_micros()).leading_zeros()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::{Draws, Purpose};
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    /// The slow, obvious twin: a heap over (time, sequence number).
    #[test]
    fn it_leaves_in_the_order_of_a_plain_heap_with_sequence_numbers() {
        for seed in 0..200 {
            let draws = Draws::new(seed);
            let mut counter = 0;
            let mut draw = |below: u64| {
                counter += 1;
                draws.below(Purpose::Test, "queue", counter, below)
            };
            let mut queue = Queue::new();
            let mut heap = BinaryHeap::new();
            let mut now = Time::ZERO;
            for sequence in 0..400u64 {
                if draw(5) < 3 {
                    // Few distinct times, so that ties are common, and now and then a far one.
                    let ahead = if draw(10) == 0 { draw(1 << 40) } else { draw(8) * 1000 };
                    let at = Time::from_micros(now.as_micros() + ahead);
                    queue.push(at, sequence);
                    heap.push(Reverse((at, sequence)));
                } else {
                    assert_eq!(queue.next_time(), heap.peek().map(|Reverse((at, _))| *at));
                    let popped = queue.pop();
                    assert_eq!(popped, heap.pop().map(|Reverse(entry)| entry));
                    now = popped.map_or(now, |(at, _)| at);
                }
                assert_eq!(queue.len(), heap.len());
            }
            while let Some(Reverse(entry)) = heap.pop() {
                assert_eq!(queue.pop(), Some(entry));
            }
            assert!(queue.is_empty());
        }
    }

    #[test]
    #[should_panic(expected = "was popped")]
    fn the_past_is_closed() {
        let mut queue = Queue::new();
        queue.push(Time::from_micros(5), ());
        queue.pop();
        queue.push(Time::from_micros(4), ());
    }
}
