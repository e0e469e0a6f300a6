//! When desired equalled actual, and for how long: Anvil's eventually stable reconciliation as numbers.
//!
//! A workload is *as wanted* while as many pods are ready as are wanted, and all of them are of the current template and
//! really serve. A *stretch* is a time during which that was so without a break.

use super::Recorder;
use super::timeline::Steps;
use super::workloads::workload_name;
use crate::kernel::time::{Span, Time};

/// A time during which something was as wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its first moment.
    pub from: Time,
    /// When it was over; none if it lasted to the end of the run.
    pub to: Option<Time>,
    /// How long it lasted, to the end of the run if it did.
    pub held: Span,
}

/// All stretches of a workload, or of all workloads together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stretches {
    /// In the order of time.
    pub all: Vec<Stretch>,
}

impl Stretches {
    /// Of a number that is 1 while everything is as wanted, in a run that ends at `end`.
    pub fn of(converged: &Steps, end: Time) -> Stretches {
        let steps: Vec<(Time, i64)> = converged.iter().filter(|&(at, _)| at <= end).collect();
        let begins = steps.iter().enumerate().filter(|(_, (_, value))| *value == 1);
        let stretch = |(place, &(from, _)): (usize, &(Time, i64))| {
            let to = steps.get(place + 1).map(|&(to, _)| to);
            Stretch { from, to, held: to.unwrap_or(end).since(from) }
        };
        Stretches { all: begins.map(stretch).collect() }
    }

    /// The longest; of equal ones the first.
    pub fn longest(&self) -> Option<Stretch> {
        let longest = self.all.iter().map(|stretch| stretch.held).max()?;
        self.first_that_held(longest)
    }

    /// The first that lasted for `hold`.
    pub fn first_that_held(&self, hold: Span) -> Option<Stretch> {
        self.all.iter().copied().find(|stretch| stretch.held >= hold)
    }

    /// How long all of them lasted together.
    pub fn total(&self) -> Span {
        Span::from_micros(self.all.iter().map(|stretch| stretch.held.as_micros()).sum())
    }

    /// Since when everything is as wanted at the end of the run, if it is.
    pub fn since(&self) -> Option<Time> {
        self.all.last().filter(|stretch| stretch.to.is_none()).map(|stretch| stretch.from)
    }

    /// How many came to an end.
    pub fn ended(&self) -> usize {
        self.all.iter().filter(|stretch| stretch.to.is_some()).count()
    }
}

/// `stretches.csv`: one row per stretch during which a workload, or all together, were as wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct StretchRow {
    /// The workload; `all` for all of them together.
    pub object: String,
    /// When it began (µs since the scenario began).
    pub from_us: u64,
    /// The same, readable.
    pub from: String,
    /// When it was over; none if it lasted to the end of the run.
    pub to_us: Option<u64>,
    /// How long it lasted, to the end of the run if it did (µs).
    pub held_us: u64,
    /// Whether that is as long as the hold span: long enough to count as converged.
    pub is_held: bool,
}

impl Recorder {
    /// Rows of `stretches.csv`: those of all workloads together, and then by workload.
    pub fn stretch_rows(&self, hold: Span, end: Time) -> Vec<StretchRow> {
        let all = std::iter::once(("all".to_string(), self.workloads.all_converged()));
        let each = self.workloads.iter().map(|(id, workload)| (workload_name(id), &workload.converged));
        let rows = all.chain(each).flat_map(|(object, converged)| {
            let stretches = Stretches::of(converged, end).all.into_iter();
            stretches.map(move |stretch| StretchRow {
                object: object.clone(),
                from_us: stretch.from.as_micros(),
                from: stretch.from.to_string(),
                to_us: stretch.to.map(Time::as_micros),
                held_us: stretch.held.as_micros(),
                is_held: stretch.held >= hold,
            })
        });
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    fn stretches(list: &[(u64, i64)], end: u64) -> Stretches {
        let mut steps = Steps::default();
        list.iter().for_each(|&(second, value)| steps.set(at(second), value));
        Stretches::of(&steps, at(end))
    }

    #[test]
    fn each_time_that_everything_was_as_wanted_is_a_stretch() {
        let found = stretches(&[(0, 0), (10, 1), (15, 0), (20, 1), (50, 0), (60, 1), (90, 0), (95, 1)], 100);
        let told: Vec<_> = found.all.iter().map(|one| (one.from, one.to, one.held.as_secs())).collect();
        let expected =
            [(at(10), Some(at(15)), 5), (at(20), Some(at(50)), 30), (at(60), Some(at(90)), 30), (at(95), None, 5)];
        assert_eq!(told, expected);
        assert_eq!(found.longest(), Some(found.all[1]), "the first of two that are equal");
        assert_eq!(found.first_that_held(Span::from_secs(10)), Some(found.all[1]));
        assert_eq!((found.total(), found.since(), found.ended()), (Span::from_secs(70), Some(at(95)), 3));
    }

    #[test]
    fn what_never_was_as_wanted_has_none_and_what_was_lost_is_not_so_at_the_end() {
        let never = stretches(&[(0, 0)], 100);
        assert_eq!((never.longest(), never.since(), never.total()), (None, None, Span::ZERO));
        let lost = stretches(&[(0, 1), (40, 0)], 100);
        assert_eq!((lost.all.len(), lost.since(), lost.first_that_held(Span::from_secs(41))), (1, None, None));
    }
}
