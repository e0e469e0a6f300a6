//! Failures by chance: each of many things works for a while, fails, is repaired, and works again (an alternating renewal
//! process a thing), and one failure may pull others of the same group along.
//!
//! A pure function from draws to strikes: the same seed gives the same strikes, and each is an ordinary event afterwards.
//! The gaps of a thing are drawn under its own name, so that another thing, or another process, moves none of them. Within
//! a group things touch through bursts only; and through `most`, all do.

use crate::kernel::dist::Delay;
use crate::kernel::rng::{Draws, Purpose};
use crate::kernel::time::{Span, Time};
use crate::object::Name;
use crate::object::parameter::WHOLE;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Most failures that one process may give. Ours: each becomes an event of the run.
pub const FAILURES_MAX: usize = 100_000;
/// How often at most a process may look whether a thing is pulled along. Ours: some seconds.
const LOOKS_MAX: usize = 10_000_000;

/// How things of one kind fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id in the scenario, under which its chance is drawn.
    pub id: Name,
    /// How long one thing works before it fails by itself.
    pub every: Delay,
    /// How long a failure lasts; for good if none, so that a thing fails once at most.
    pub lasts: Option<Delay>,
    /// Whether things are new at the beginning.
    pub start: Start,
    /// Chance that after each thing that fails another one of its group fails with it (millionths, below a million): the
    /// number of things that fail together is geometric with the mean 1 / (1 − share).
    pub burst: u32,
    /// How many things may be down at the same time; any number if none. A thing that would be one too many stays up,
    /// and what is left of its life is drawn anew.
    pub most: Option<u32>,
}

/// What was before the beginning. All things work then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// They had been working for long: the first gap is what is left of one. Failures come at the same rate all along.
    Equilibrium,
    /// They are new: the first gap is a whole one. With a Weibull shape below one that is a burst of early failures.
    Fresh,
}

/// Something that may fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// Its name; no two have the same.
    pub name: Name,
    /// What it is in with others that may fail with it.
    pub group: Name,
}

/// Things that fail at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strike {
    /// When.
    pub at: Time,
    /// Their indices: the one that failed by itself, then those that it pulled along.
    pub things: Vec<usize>,
    /// How long; for good if none.
    pub lasts: Option<Span>,
}

/// Everything that a process does within a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strikes {
    /// In the order of time.
    pub list: Vec<Strike>,
    /// Failures that did not happen because of `most`.
    pub held_back: usize,
}

impl Process {
    /// What is wrong with its numbers, if anything.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn validate(&self) -> Result<(), String> {
        self.every.validate()?;
        self.lasts.as_ref().map_or(Ok(()), Delay::validate)?;
        if self.every.mean() == Span::ZERO {
            return Err("things that fail every 0s are never there at all: give the time that they work".to_string());
        }
        if matches!(self.every, Delay::Within { .. }) {
            return Err("the time between failures has no `min` and no `max`: leave them out".to_string());
        }
        if self.burst >= WHOLE {
            return Err("the share of a burst is below one: no burst would ever end".to_string());
        }
        if self.most == Some(0) {
            return Err("with `most = 0` nothing ever fails: leave the process out, or `most`".to_string());
        }
        Ok(())
    }

    /// Everything that happens from `from` on and before `until`.
    ///
    /// # Errors
    /// A sentence if it is more than a run can hold.
    pub fn strikes(&self, things: &[Thing], from: Time, until: Time, draws: &Draws) -> Result<Strikes, String> {
        self.validate()?;
        let mut run = Run::new(self, things, draws, from);
        while let Some(Reverse((at, index))) = run.queue.pop() {
            if at >= until {
                break;
            }
            // A thing that was pulled along meanwhile has another moment to fail.
            if run.things[index].due == Some(at) {
                run.fail(at, index)?;
            }
        }
        Ok(run.strikes)
    }
}

/// What is known of a thing.
#[derive(Clone, Copy, Default)]
struct State {
    /// When it fails by itself next.
    due: Option<Time>,
    /// Until when it is down.
    back: Time,
    /// How many gaps it has had.
    gaps: u64,
}

/// A process that is being played.
struct Run<'a> {
    process: &'a Process,
    names: &'a [Thing],
    draws: &'a Draws,
    things: Vec<State>,
    groups: BTreeMap<&'a Name, Vec<usize>>,
    queue: BinaryHeap<Reverse<(Time, usize)>>,
    /// When those that are down are back.
    down: BinaryHeap<Reverse<Time>>,
    strikes: Strikes,
    failures: usize,
    looks: usize,
}

/// Later than everything.
const NEVER: Time = Time::from_micros(u64::MAX);

impl<'a> Run<'a> {
    fn new(process: &'a Process, names: &'a [Thing], draws: &'a Draws, from: Time) -> Run<'a> {
        let mut groups: BTreeMap<&Name, Vec<usize>> = BTreeMap::new();
        names.iter().enumerate().for_each(|(index, thing)| groups.entry(&thing.group).or_default().push(index));
        let mut run = Run {
            process,
            names,
            draws,
            things: vec![State::default(); names.len()],
            groups,
            queue: BinaryHeap::with_capacity(names.len()),
            down: BinaryHeap::new(),
            strikes: Strikes::default(),
            failures: 0,
            looks: 0,
        };
        for index in 0..names.len() {
            match process.start {
                Start::Equilibrium => {
                    let left = process.every.residual(draws, &run.path("left", index));
                    run.plan(index, from + left);
                }
                Start::Fresh => run.plan_gap(index, from),
            }
        }
        run
    }

    /// Key of what is drawn for a thing.
    fn path(&self, what: &str, index: usize) -> String {
        format!("failure {what} {}\n{}", self.process.id, self.names[index].name)
    }

    fn plan(&mut self, index: usize, at: Time) {
        self.things[index].due = Some(at);
        self.queue.push(Reverse((at, index)));
    }

    /// The next failure of a thing that works from `from` on.
    fn plan_gap(&mut self, index: usize, from: Time) {
        self.things[index].gaps += 1;
        let gap = self.process.every.sample(self.draws, &self.path("gap", index), self.things[index].gaps);
        self.plan(index, from + gap);
    }

    fn fail(&mut self, at: Time, first: usize) -> Result<(), String> {
        while self.down.peek().is_some_and(|Reverse(back)| *back <= at) {
            self.down.pop();
        }
        let room = self.process.most.map_or(usize::MAX, |most| (most as usize).saturating_sub(self.down.len()));
        if room == 0 {
            self.strikes.held_back += 1;
            self.count(1, at)?;
            self.plan_gap(first, at);
            return Ok(());
        }
        let turn = self.things[first].gaps;
        let mut struck = vec![first];
        struck.extend(self.pulled_along(at, first, turn, room - 1)?);
        self.count(struck.len(), at)?;
        let lasts = self.process.lasts.as_ref();
        let lasts = lasts.map(|lasts| lasts.sample(self.draws, &self.path("lasts", first), turn));
        let back = lasts.map_or(NEVER, |lasts| at + lasts);
        for &index in &struck {
            self.things[index].due = None;
            self.things[index].back = back;
            self.down.push(Reverse(back));
            if back < NEVER {
                self.plan_gap(index, back);
            }
        }
        self.strikes.list.push(Strike { at, things: struck, lasts });
        Ok(())
    }

    /// Those that fail with `first`, at most `room`. Each has a draw of its own for this occasion, and the lowest fail:
    /// one more thing in the group takes the place of one other at most.
    fn pulled_along(&mut self, at: Time, first: usize, turn: u64, room: usize) -> Result<Vec<usize>, String> {
        let share = f64::from(self.process.burst) / f64::from(WHOLE);
        if share == 0.0 || room == 0 {
            return Ok(Vec::new());
        }
        let path = self.path("burst", first);
        let unit = self.draws.unit(Purpose::Fault, &path, turn);
        let more = libm::floor(libm::log1p(-unit) / libm::log(share)).min(room as f64) as usize;
        if more == 0 {
            return Ok(Vec::new());
        }
        let group = &self.groups[&self.names[first].group];
        self.looks += group.len();
        if self.looks > LOOKS_MAX {
            return Err(format!("its bursts in groups of {} are too many to follow", group.len()));
        }
        let luck = |index: usize| self.draws.get(Purpose::Fault, &format!("{path}\n{}", self.names[index].name), turn);
        let others = group.iter().filter(|&&index| index != first && self.things[index].back <= at);
        let mut others: Vec<(u64, usize)> = others.map(|&index| (luck(index), index)).collect();
        others.sort_unstable();
        Ok(others.into_iter().take(more).map(|(_, index)| index).collect())
    }

    fn count(&mut self, failures: usize, at: Time) -> Result<(), String> {
        self.failures += failures;
        if self.failures > FAILURES_MAX {
            return Err(format!("it fails more than {FAILURES_MAX} times, the first {FAILURES_MAX} of them by {at}"));
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
