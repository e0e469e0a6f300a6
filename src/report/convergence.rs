//! When desired equalled actual in a run, as data and in words.

use super::outlook::{Judgement, Outlook, sentence, still_round};
use super::words::short;
use crate::cluster::{Config, Stop, World};
use crate::kernel::time::{Span, Time};
use crate::record::converge::Stretches;
use crate::record::rounds::Round;
use crate::record::workloads::workload_name;
use serde::Serialize;

/// When desired equalled actual. Times are in microseconds since the scenario began, spans in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Convergence {
    /// How long it must last to count as converged.
    pub hold_us: u64,
    /// Of all workloads together.
    pub all: Times,
    /// Of each workload.
    pub workloads: Vec<WorkloadConvergence>,
}

/// The stretches during which something was as wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// How many there were.
    pub stretches: usize,
    /// When the first began that lasted for the hold span.
    pub first_held_us: Option<u64>,
    /// How long the longest lasted.
    pub longest_us: Option<u64>,
    /// How long all lasted together.
    pub total_us: u64,
    /// Since when it is so at the end; none if it is not.
    pub since_us: Option<u64>,
}

/// When a workload was as wanted, and what would become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkloadConvergence {
    /// The workload, as `deployment/web`.
    pub name: String,
    /// When it was as wanted.
    #[serde(flatten)]
    pub times: Times,
    /// How often it was as wanted and lost it.
    pub lost: usize,
    /// How many outages took pods from it.
    pub outages: usize,
    /// What would become of it: `as-wanted`, `on-its-way`, `goes-round`, `stuck` or `unknown`.
    pub outlook: &'static str,
    /// The same in words; none if it is as wanted or nothing can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How it goes round, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round: Option<RoundReport>,
    /// Since when none of its pods has moved, if it is stuck; beyond the end of the run if they would still move until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck_since_us: Option<u64>,
    /// From when on it would be as wanted if left alone, if it is on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_us: Option<u64>,
}

/// How a workload goes round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoundReport {
    /// How often it came back to the same state.
    pub times: u32,
    /// The last news before.
    pub since_us: u64,
    /// The longest round.
    pub longest_us: u64,
    /// Where its pods come by, as kubectl names it.
    pub situations: Vec<String>,
}

impl RoundReport {
    fn of(round: &Round) -> RoundReport {
        RoundReport {
            times: round.times,
            since_us: round.since.as_micros(),
            longest_us: round.longest.as_micros(),
            situations: round.situations.iter().map(|situation| situation.name().to_string()).collect(),
        }
    }
}

impl Times {
    fn of(stretches: &Stretches, hold: Span) -> Times {
        Times {
            stretches: stretches.all.len(),
            first_held_us: stretches.first_that_held(hold).map(|stretch| stretch.from.as_micros()),
            longest_us: stretches.longest().map(|stretch| stretch.held.as_micros()),
            total_us: stretches.total().as_micros(),
            since_us: stretches.since().map(Time::as_micros),
        }
    }
}

impl Convergence {
    /// Of a run that is over.
    pub fn of(world: &World, outlooks: &[Judgement<'_>]) -> Convergence {
        let (recorder, hold, end) = (world.recorder(), world.config().hold, world.now());
        let workloads = outlooks.iter().map(|(id, workload, outlook)| {
            let stretches = Stretches::of(&workload.converged, end);
            let rows = recorder.outages.all.iter().flat_map(|outage| &outage.rows);
            WorkloadConvergence {
                name: workload_name(id),
                times: Times::of(&stretches, hold),
                lost: stretches.ended(),
                outages: rows.filter(|row| row.workload == **id).count(),
                outlook: outlook.name(),
                why: outlook.in_words(end),
                round: match outlook {
                    Outlook::GoesRound(round) => Some(RoundReport::of(round)),
                    _ => workload.rounds.round(end).as_ref().map(RoundReport::of),
                },
                stuck_since_us: match outlook {
                    Outlook::Stuck { since, .. } => Some(since.as_micros()),
                    _ => None,
                },
                expected_us: match outlook {
                    Outlook::OnItsWay(at) => Some(at.as_micros()),
                    _ => None,
                },
            }
        });
        Convergence {
            hold_us: hold.as_micros(),
            all: Times::of(&Stretches::of(recorder.workloads.all_converged(), end), hold),
            workloads: workloads.collect(),
        }
    }
}

/// How many workloads that are not as wanted are told of.
const MOST_BEHIND: usize = 5;

/// What is wrong with the workloads that are not as wanted at the end.
pub fn behind(outlooks: &[Judgement<'_>], end: Time) -> Vec<String> {
    let wrong = outlooks.iter().filter(|(_, _, outlook)| *outlook != Outlook::AsWanted);
    let mut behind: Vec<String> =
        wrong.filter_map(|(id, workload, outlook)| sentence(id, workload, outlook, end)).collect();
    if behind.len() > MOST_BEHIND {
        let left_out = behind.split_off(MOST_BEHIND).len();
        behind.push(format!("and {left_out} more"));
    }
    behind
}

/// What a run that need not converge should tell all the same: workloads that go round or are stuck.
pub fn notes(config: &Config, outlooks: &[Judgement<'_>], end: Time) -> Vec<String> {
    let told = outlooks.iter().filter_map(|(id, workload, outlook)| match outlook {
        Outlook::AsWanted => still_round(id, workload, end),
        // A run that should have converged gives it as a reason.
        Outlook::GoesRound(_) | Outlook::Stuck { .. } if config.stop != Stop::Converged => {
            sentence(id, workload, outlook, end)
        }
        _ => None,
    });
    told.collect()
}

/// Workloads that lost what they had more often than outages struck them, one line each under a heading; empty if there is
/// none. What an outage does its milestones tell.
pub(super) fn table(convergence: &Convergence) -> String {
    let some = convergence.workloads.iter().filter(|workload| workload.lost > workload.outages);
    let some: Vec<&WorkloadConvergence> = some.collect();
    if some.is_empty() {
        return String::new();
    }
    const TITLE: &str = "as wanted";
    let names = some.iter().map(|workload| workload.name.chars().count());
    let width = names.max().unwrap_or(0).max(TITLE.len());
    let cell = |time: Option<u64>| time.map_or_else(|| "–".to_string(), |micros| short(Span::from_micros(micros)));
    let head = format!("{:<width$} {:>6} {:>10} {:>10} {:>10}\n", TITLE, "times", "longest", "in all", "since");
    let rows = some.iter().map(|WorkloadConvergence { name, times, .. }| {
        let (longest, total, since) = (cell(times.longest_us), cell(Some(times.total_us)), cell(times.since_us));
        format!("{name:<width$} {:>6} {longest:>10} {total:>10} {since:>10}\n", times.stretches)
    });
    std::iter::once(head).chain(rows).collect()
}
