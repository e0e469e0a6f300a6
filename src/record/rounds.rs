//! Whether a workload goes through the same states again and again.
//!
//! The state of a workload is how many of its pods stand where ([`Situation`]), those of the current template apart from
//! others, without names; pods that have ended do not count. *News* is what could explain that it comes back to a state:
//! a state in which it never was since its desired state changed; another desired state; and, while it is as wanted, a fault
//! or an action that begins or ends, since what it loses then somebody took. A workload *goes round* if since the last news
//! it has come back to one state at least [`ROUNDS_MIN`] times, the last time not longer ago than three times its longest
//! round: back-offs double, and jitter adds up to a half.

use super::situation::Situation;
use crate::kernel::time::{Span, Time};
use crate::object::Name;
use std::collections::{BTreeMap, VecDeque};

/// So often a workload must have come back to a state: once is chance, and twice may be.
pub const ROUNDS_MIN: u32 = 3;
/// How many of the last changes are kept to tell what a round is made of.
const TRAIL_MAX: usize = 64;
/// So many states are remembered. One that has been in more gets on, or is too large for its states to come back.
const SEEN_MAX: usize = 1 << 16;

/// How a workload goes round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// How often it came back.
    pub times: u32,
    /// The last news before.
    pub since: Time,
    /// The longest round.
    pub longest: Span,
    /// Where its pods come by, each situation once, in their usual order.
    pub situations: Vec<Situation>,
}

/// One state, and how often the workload came to it since the news.
#[derive(Clone, Copy, Debug)]
struct Visit {
    /// Since which news.
    news: u32,
    times: u32,
    last: Time,
    longest: Span,
}

/// The states of a workload.
#[derive(Clone, Debug, Default)]
pub struct Rounds {
    /// Sum of the weights of its pods.
    state: u64,
    seen: BTreeMap<u64, Visit>,
    /// Number of the last news, and when.
    news: u32,
    since: Time,
    /// The state to which it came most often since, and how often.
    top: Option<(u64, u32)>,
    changed: Time,
    /// The last changes: the state that they led to, none if to no other, and where the pod went that changed.
    trail: VecDeque<(Option<u64>, Option<Situation>)>,
}

impl Rounds {
    /// A pod comes, moves on or goes. Each with whether it is of the current template.
    pub fn moved(&mut self, at: Time, from: Option<(&Situation, bool)>, to: Option<(&Situation, bool)>) {
        if from == to {
            return;
        }
        let weight = |pod: Option<(&Situation, bool)>| pod.map_or(0, |(situation, is_new)| situation.weight(is_new));
        let state = self.state.wrapping_sub(weight(from)).wrapping_add(weight(to));
        if self.trail.len() == TRAIL_MAX {
            self.trail.pop_front();
        }
        let entered = (state != self.state).then_some(state);
        self.trail.push_back((entered, to.map(|(situation, _)| situation.clone())));
        if entered.is_some() {
            self.state = state;
            self.enter(at);
        }
    }

    /// Other pods than before are of the current template: all of the workload, with whether they are.
    pub fn recount<'a>(&mut self, pods: impl Iterator<Item = (&'a Situation, bool)>) {
        self.state = pods.fold(0, |sum, (situation, is_new)| sum.wrapping_add(situation.weight(is_new)));
    }

    /// Something else is wanted from now on: what was before explains nothing.
    pub fn start_anew(&mut self, at: Time) {
        self.seen.clear();
        self.trail.clear();
        self.enter(at);
    }

    /// Something happened to the cluster while the workload was as wanted.
    pub fn disturbed(&mut self, at: Time) {
        self.news += 1;
        self.since = at;
        self.top = None;
    }

    /// When a pod last moved on.
    pub const fn last_change(&self) -> Time {
        self.changed
    }

    /// How it goes round, if it does, in a run that ends at `end`.
    pub fn round(&self, end: Time) -> Option<Round> {
        let (state, entered) = self.top?;
        let visit = self.seen.get(&state)?;
        let times = entered - 1;
        if times < ROUNDS_MIN || end.saturating_since(visit.last) > visit.longest.times(3) {
            return None;
        }
        let mut situations: Vec<Situation> = self.last_round(state).filter_map(|(_, to)| to.clone()).collect();
        situations.sort();
        situations.dedup();
        // That is how a deletion ends.
        if situations.contains(&Situation::Terminating) {
            situations.retain(|situation| *situation != Situation::Ended(Name::none()));
        }
        Some(Round { times, since: self.since, longest: visit.longest, situations })
    }

    /// The changes from the last but one visit of a state to the last; fewer if they are not all kept.
    fn last_round(&self, state: u64) -> impl Iterator<Item = &(Option<u64>, Option<Situation>)> {
        let mut visits =
            self.trail.iter().enumerate().rev().filter(|(_, (to, _))| *to == Some(state)).map(|(place, _)| place);
        let last = visits.next().map_or(self.trail.len(), |place| place + 1);
        let first = visits.next().map_or(0, |place| place + 1);
        self.trail.range(first.min(last)..last)
    }

    fn enter(&mut self, at: Time) {
        self.changed = at;
        if self.seen.len() == SEEN_MAX {
            self.seen.clear();
        }
        let Some(visit) = self.seen.get_mut(&self.state) else {
            self.disturbed(at);
            self.seen.insert(self.state, Visit { news: self.news, times: 1, last: at, longest: Span::ZERO });
            self.top = Some((self.state, 1));
            return;
        };
        if visit.news == self.news {
            visit.longest = visit.longest.max(at.saturating_since(visit.last));
            visit.times += 1;
        } else {
            (visit.news, visit.times, visit.longest) = (self.news, 1, Span::ZERO);
        }
        visit.last = at;
        if self.top.is_none_or(|(_, times)| visit.times > times) {
            self.top = Some((self.state, visit.times));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Situation::{BackOff, Creating, Pending, Ready, Running};

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    /// One pod that goes this way.
    fn walked(way: &[(u64, Situation)]) -> Rounds {
        let mut rounds = Rounds::default();
        let mut before: Option<Situation> = None;
        for (second, situation) in way {
            rounds.moved(at(*second), before.as_ref().map(|before| (before, true)), Some((situation, true)));
            before = Some(situation.clone());
        }
        rounds
    }

    fn crash_loop(laps: u64) -> Vec<(u64, Situation)> {
        let lap = |lap: u64| [(10 + 20 * lap, BackOff), (25 + 20 * lap, Running)];
        [(0, Pending), (1, Creating), (2, Running)].into_iter().chain((0..laps).flat_map(lap)).collect()
    }

    #[test]
    fn a_pod_that_crashes_again_and_again_goes_round() {
        // The last news is the first back-off at 10 s. It is in back-off at 30 s, 50 s, 70 s … again.
        for (laps, times) in [(3, None), (4, Some(3)), (7, Some(6))] {
            let round = walked(&crash_loop(laps)).round(at(10 + 20 * laps));
            assert_eq!(round.as_ref().map(|round| round.times), times, "{laps}");
            if let Some(round) = round {
                assert_eq!((round.since, round.longest), (at(10), Span::from_secs(20)));
                assert_eq!(round.situations, [Running, BackOff]);
            }
        }
    }

    #[test]
    fn what_has_stopped_goes_round_no_more() {
        // It was in back-off last at 130 s.
        let rounds = walked(&crash_loop(7));
        assert!(rounds.round(at(130 + 60)).is_some());
        assert_eq!(rounds.round(at(130 + 61)), None, "longer ago than three rounds of 20 s");
        assert_eq!(rounds.last_change(), at(145));
    }

    #[test]
    fn news_begin_the_count_anew() {
        let mut rounds = walked(&crash_loop(7));
        rounds.disturbed(at(146));
        assert_eq!(rounds.round(at(147)), None);
        let mut rounds = walked(&crash_loop(7));
        rounds.moved(at(150), Some((&Running, true)), Some((&Ready, true)));
        assert_eq!(rounds.round(at(151)), None, "it was never ready before");
        let mut rounds = walked(&crash_loop(7));
        rounds.start_anew(at(150));
        assert_eq!(rounds.round(at(151)), None, "something else is wanted");
    }

    #[test]
    fn pods_that_follow_one_another_are_one_round() {
        let mut rounds = Rounds::default();
        // Ready for 30 s, then evicted; the next is there at once. The one that has ended stays.
        let evicted = Situation::Ended("Evicted".into());
        for lap in 0..6 {
            rounds.moved(at(40 * lap), None, Some((&Pending, true)));
            rounds.moved(at(40 * lap + 10), Some((&Pending, true)), Some((&Ready, true)));
            rounds.moved(at(40 * lap + 40), Some((&Ready, true)), Some((&evicted, true)));
        }
        let round = rounds.round(at(241)).expect("it goes round");
        // None is there at 40 s for the first time, and then at 80, 120, 160, 200 and 240 s.
        assert_eq!((round.times, round.situations), (5, vec![Pending, Ready, evicted]));
    }

    #[test]
    fn a_growing_workload_never_goes_round() {
        let mut rounds = Rounds::default();
        for pod in 0..1_000 {
            rounds.moved(at(pod), None, Some((&Pending, true)));
            rounds.moved(at(pod), Some((&Pending, true)), Some((&Ready, true)));
            assert_eq!(rounds.round(at(pod)), None);
        }
    }
}
