//! Step functions over time.

use crate::kernel::time::{Span, Time};

/// A number that changes now and then. Only changes are kept; of several at one moment the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    steps: Vec<(Time, i64)>,
}

/// From `at` on it is `value`: equal ones in a row are one, and of several at one moment the last counts.
pub(super) fn enter<T: Copy + PartialEq>(steps: &mut Vec<(Time, T)>, at: Time, value: T) {
    let is_so = |steps: &[(Time, T)]| steps.last().is_some_and(|last| last.1 == value);
    if is_so(steps) {
        return;
    }
    if steps.last().is_some_and(|last| last.0 == at) {
        steps.pop();
        if is_so(steps) {
            return;
        }
    }
    steps.push((at, value));
}

impl Steps {
    /// The number is `value` from `at` on.
    ///
    /// # Panics
    /// If `at` is before the last change.
    pub fn set(&mut self, at: Time, value: i64) {
        if let Some(&(last, _)) = self.steps.last() {
            assert!(at >= last, "a step at {at} after one at {last}");
        }
        enter(&mut self.steps, at, value);
    }

    /// The number now; zero before the first step.
    pub fn value(&self) -> i64 {
        self.steps.last().map_or(0, |&(_, value)| value)
    }

    /// The number at `at`.
    pub fn at(&self, at: Time) -> i64 {
        let after = self.steps.partition_point(|&(time, _)| time <= at);
        after.checked_sub(1).map_or(0, |index| self.steps[index].1)
    }

    /// The number just before `at`.
    pub fn before(&self, at: Time) -> i64 {
        let after = self.steps.partition_point(|&(time, _)| time < at);
        after.checked_sub(1).map_or(0, |index| self.steps[index].1)
    }

    /// The first change after `at` to a number that is as wanted.
    pub fn first_after(&self, at: Time, is_wanted: impl Fn(i64) -> bool) -> Option<Time> {
        let after = self.steps.partition_point(|&(time, _)| time <= at);
        self.steps[after..].iter().find(|&&(_, value)| is_wanted(value)).map(|&(time, _)| time)
    }

    /// Changes in the order of time.
    pub fn iter(&self) -> impl Iterator<Item = (Time, i64)> {
        self.steps.iter().copied()
    }

    /// The least value between `from` and `to`, both included.
    pub fn min_between(&self, from: Time, to: Time) -> i64 {
        let inside = self.steps.iter().filter(|&&(at, _)| at > from && at <= to).map(|&(_, value)| value);
        inside.fold(self.at(from), i64::min)
    }

    /// The greatest value between `from` and `to`, both included.
    pub fn max_between(&self, from: Time, to: Time) -> i64 {
        let inside = self.steps.iter().filter(|&&(at, _)| at > from && at <= to).map(|&(_, value)| value);
        inside.fold(self.at(from), i64::max)
    }

    /// The pieces of time between `from` and `to` in which neither number changes, with both numbers.
    pub fn pieces(&self, other: &Steps, from: Time, to: Time) -> Vec<(Span, i64, i64)> {
        let inside = |steps: &Steps| {
            let times = steps.steps.iter().map(|&(at, _)| at);
            times.filter(|&at| at > from && at < to).collect::<Vec<Time>>()
        };
        let mut edges = [inside(self), inside(other), vec![to]].concat();
        edges.sort_unstable();
        edges.dedup();
        let mut begin = from;
        let mut pieces = Vec::with_capacity(edges.len());
        for edge in edges.into_iter().filter(|&edge| edge > from) {
            pieces.push((edge.since(begin), self.at(begin), other.at(begin)));
            begin = edge;
        }
        pieces
    }

    /// First moment since `since` at which the number is `value` and stays so for `hold`; `end` is the end of the run,
    /// up to which the last value holds.
    pub fn first_stay(&self, value: i64, since: Time, hold: Span, end: Time) -> Option<Time> {
        let first = self.steps.partition_point(|&(at, _)| at <= since).saturating_sub(1);
        let starts = self.steps[first.min(self.steps.len())..].iter().enumerate();
        for (offset, &(at, step)) in starts {
            let until = self.steps.get(first + offset + 1).map_or(end, |&(next, _)| next);
            let from = at.max(since);
            if step == value && until >= from && until.saturating_since(from) >= hold {
                return Some(from);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    fn steps(list: &[(u64, i64)]) -> Steps {
        let mut steps = Steps::default();
        list.iter().for_each(|&(second, value)| steps.set(at(second), value));
        steps
    }

    #[test]
    fn only_changes_are_kept() {
        let steps = steps(&[(0, 5), (1, 5), (2, 4), (2, 3), (3, 5), (3, 3)]);
        assert_eq!(steps.iter().collect::<Vec<_>>(), [(at(0), 5), (at(2), 3)]);
        assert_eq!((steps.at(at(1)), steps.at(at(2)), steps.value()), (5, 3, 3));
    }

    #[test]
    fn pieces_hold_both_numbers() {
        let (wanted, there) = (steps(&[(0, 3), (10, 5)]), steps(&[(0, 3), (4, 2), (10, 4), (20, 5)]));
        let second = |span: Span| span.as_micros() / 1_000_000;
        let pieces = |from, to| {
            let pieces = wanted.pieces(&there, at(from), at(to)).into_iter();
            pieces.map(|(span, wanted, there)| (second(span), wanted, there)).collect::<Vec<_>>()
        };
        assert_eq!(pieces(0, 30), [(4, 3, 3), (6, 3, 2), (10, 5, 4), (10, 5, 5)]);
        assert_eq!(pieces(5, 12), [(5, 3, 2), (2, 5, 4)]);
        assert_eq!(pieces(25, 25), []);
    }

    #[test]
    fn before_a_change_the_number_was_another() {
        let steps = steps(&[(0, 1), (10, 0), (20, 1)]);
        assert_eq!((steps.before(at(0)), steps.before(at(10)), steps.before(at(11))), (0, 1, 0));
        assert_eq!(steps.first_after(at(10), |value| value == 1), Some(at(20)));
        assert_eq!(steps.first_after(at(20), |value| value == 1), None);
    }

    #[test]
    fn the_first_stay_is_long_enough() {
        let steps = steps(&[(0, 1), (10, 0), (20, 1), (22, 0), (30, 1)]);
        let hold = Span::from_secs(5);
        assert_eq!(steps.first_stay(1, at(0), hold, at(60)), Some(at(0)));
        assert_eq!(steps.first_stay(1, at(3), hold, at(60)), Some(at(3)));
        assert_eq!(
            steps.first_stay(1, at(7), hold, at(60)),
            Some(at(30)),
            "3 s are left of the first, 2 s of the second"
        );
        assert_eq!(steps.first_stay(1, at(7), hold, at(34)), None, "the run ends too early");
        assert_eq!((steps.min_between(at(1), at(9)), steps.min_between(at(1), at(10))), (1, 0));
    }

    #[test]
    fn of_one_moment_the_last_state_is_kept_and_equal_ones_are_one() {
        let mut states = Vec::new();
        for (second, state) in [(0, 'a'), (0, 'b'), (1, 'b'), (2, 'c'), (2, 'b'), (3, 'c'), (3, 'd')] {
            enter(&mut states, at(second), state);
        }
        assert_eq!(states, [(at(0), 'b'), (at(3), 'd')]);
    }
}
