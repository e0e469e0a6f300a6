//! Step functions over time.

use crate::kernel::time::{Span, Time};

/// A number that changes now and then. Only changes are kept; of several at one moment the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    steps: Vec<(Time, i64)>,
}

impl Steps {
    /// The number is `value` from `at` on.
    ///
    /// # Panics
    /// If `at` is before the last change.
    pub fn set(&mut self, at: Time, value: i64) {
        if let Some(&(last, current)) = self.steps.last() {
            assert!(at >= last, "a step at {at} after one at {last}");
            if current == value {
                return;
            }
            if last == at {
                self.steps.pop();
                if self.value() == value && !self.steps.is_empty() {
                    return;
                }
            }
        }
        self.steps.push((at, value));
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
}
