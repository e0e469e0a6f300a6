//! Whether what is not as wanted at the end of a run would get there by itself, goes round, or is stuck, and what it waits
//! for.
//!
//! It is found out, not guessed: a copy of the cluster runs on, left alone, for up to an hour ([`LOOK_AHEAD`]). A workload
//! that is as wanted in it for the hold span was *on its way*. One that goes through the same states again and again, in the
//! run or in the copy, *goes round* (`record::rounds` has the rule). One whose pods do not move in the copy for its last
//! quarter of an hour ([`QUIET`]) is *stuck*: only somebody from outside can help. Of what is none of these nothing is said.

use super::words::{counted, short};
use crate::cluster::{Ahead, World};
use crate::kernel::time::{Span, Time};
use crate::record::converge::Stretches;
use crate::record::rounds::Round;
use crate::record::situation::Situation;
use crate::record::workloads::{Workload, WorkloadId, workload_name};

/// How far ahead is looked: back-offs end at five minutes, evictions of a rack are over within twenty.
pub const LOOK_AHEAD: Span = Span::from_secs(3_600);
/// What has not moved for so long does not move: three times the longest back-off of kubelets and the scheduler.
pub const QUIET: Span = Span::from_secs(900);
/// Looking ahead costs no more than the run did, or so many events.
const EVENTS_MIN: u64 = 50_000;

/// What would become of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It is as wanted and has been so for the hold span.
    AsWanted,
    /// It would be as wanted from this time on, with nobody's help.
    OnItsWay(Time),
    /// It goes through the same states again and again.
    GoesRound(Round),
    /// Nothing of it has moved since, or will from then on.
    Stuck {
        /// When a pod of it last moved.
        since: Time,
        /// What keeps it, and what it needs, in words.
        waits_for: Vec<Need>,
    },
    /// Too large to be looked into, or it moves on without an end in sight.
    Unknown,
}

/// Something that keeps a workload from being as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What it is, as `2 pods fit nowhere (0/3 nodes are available: 3 Insufficient cpu.)`.
    pub what: String,
    /// What would help, as `room: another node, …`.
    pub needs: String,
}

impl Outlook {
    /// As in `run.json`.
    pub const fn name(&self) -> &'static str {
        match self {
            Outlook::AsWanted => "as-wanted",
            Outlook::OnItsWay(_) => "on-its-way",
            Outlook::GoesRound(_) => "goes-round",
            Outlook::Stuck { .. } => "stuck",
            Outlook::Unknown => "unknown",
        }
    }

    /// The rest of a sentence that begins with the workload's name; nothing of what is as wanted, or unknown.
    pub fn in_words(&self, end: Time) -> Option<String> {
        match self {
            Outlook::AsWanted | Outlook::Unknown => None,
            Outlook::OnItsWay(at) if *at <= end => Some(format!("is as wanted only since {}", clock(*at))),
            Outlook::OnItsWay(at) => {
                Some(format!("is on its way: left alone it would be as wanted from {} on", clock(*at)))
            }
            Outlook::GoesRound(round) => Some(told_round(round, end)),
            Outlook::Stuck { since, waits_for } => Some(told_stuck(*since, waits_for, end)),
        }
    }
}

/// A time since the beginning, as on the screen.
fn clock(at: Time) -> String {
    short(at.since(Time::ZERO))
}

fn told_round(round: &Round, end: Time) -> String {
    let names: Vec<&str> = round.situations.iter().map(Situation::name).collect();
    let verb = if round.since > end { "will go" } else { "goes" };
    let (times, since, longest) = (round.times, clock(round.since), short(round.longest));
    let way = names.join(" → ");
    format!("{verb} round: {way}, {times} times since {since}, at most {longest} each; it needs {}", way_out(round))
}

/// What ends a round, by the worst that its pods come by.
fn way_out(round: &Round) -> &'static str {
    let comes_by = |wanted: fn(&Situation) -> bool| round.situations.iter().any(wanted);
    if comes_by(|situation| matches!(situation, Situation::Waiting(_))) {
        "images that can be pulled: a registry that answers, or other images"
    } else if comes_by(|situation| *situation == Situation::BackOff) {
        "containers that do not exit: another image, command or configuration"
    } else if comes_by(|situation| matches!(situation, Situation::Ended(reason) if !reason.is_empty())) {
        "nodes that keep their pods: room on their disks, or fewer pods on them"
    } else if comes_by(|situation| *situation == Situation::Terminating) {
        "nodes that stay: take the one that comes and goes out of service, or tolerate its taint for longer"
    } else {
        "somebody to look at its pods"
    }
}

fn told_stuck(since: Time, waits_for: &[Need], end: Time) -> String {
    let verb = match since > end {
        true => format!("will be stuck from {} on", clock(since)),
        false => format!("has been stuck since {}", clock(since)),
    };
    let what: Vec<&str> = waits_for.iter().map(|need| need.what.as_str()).collect();
    let needs: Vec<&str> = waits_for.iter().map(|need| need.needs.as_str()).collect();
    format!("{verb}: {}; it needs {}", what.join(", and "), needs.join(", and "))
}

/// A workload, and what would become of it.
pub type Judgement<'a> = (&'a WorkloadId, &'a Workload, Outlook);

/// What would become of each workload, in the order of their names.
pub fn outlooks(world: &World) -> Vec<Judgement<'_>> {
    let (end, hold) = (world.now(), world.config().hold);
    let is_held = |workload: &Workload| {
        let since = Stretches::of(&workload.converged, end).since();
        since.is_some_and(|since| end.since(since) >= hold)
    };
    let needs_look = world.recorder().workloads.iter().any(|(_, workload)| !is_held(workload));
    let ahead = needs_look.then(|| world.left_alone(LOOK_AHEAD, world.events().max(EVENTS_MIN)));
    let all = world.recorder().workloads.iter();
    let judged = all.map(|(id, workload)| {
        let outlook = match &ahead {
            Some(ahead) if !is_held(workload) => of_one(world, ahead, id, workload),
            _ => Outlook::AsWanted,
        };
        (id, workload, outlook)
    });
    judged.collect()
}

fn of_one(world: &World, ahead: &Ahead, id: &WorkloadId, workload: &Workload) -> Outlook {
    let (end, hold) = (world.now(), world.config().hold);
    let Some(then) = ahead.world.recorder().workloads.get(id) else {
        return Outlook::Unknown;
    };
    let rounds = workload.rounds.round(end);
    // What it had and lost again with nobody's doing it will lose again.
    let stretches = Stretches::of(&workload.converged, end).all;
    let loses =
        |round: &Round| stretches.iter().any(|one| one.to.is_some_and(|to| to > round.since && one.held >= hold));
    if let Some(round) = rounds.clone().filter(loses) {
        return Outlook::GoesRound(round);
    }
    let from = Stretches::of(&workload.converged, end).since().unwrap_or(end);
    if let Some(at) = then.converged.first_stay(1, from, hold, ahead.world.now()) {
        return Outlook::OnItsWay(at);
    }
    if let Some(round) = rounds.or_else(|| then.rounds.round(ahead.world.now())) {
        return Outlook::GoesRound(round);
    }
    let since = then.rounds.last_change();
    match ahead.is_whole && ahead.world.now().saturating_since(since) >= QUIET {
        true => Outlook::Stuck { since, waits_for: super::stuck::needs(&ahead.world, id, then) },
        false => Outlook::Unknown,
    }
}

/// `deployment/web has 3 of 5 ready and is stuck since …`; nothing if it is as wanted.
pub fn sentence(id: &WorkloadId, workload: &Workload, outlook: &Outlook, end: Time) -> Option<String> {
    let name = workload_name(id);
    let missing = crate::scenario::rule::what_is_missing(&name, workload);
    match (missing, outlook.in_words(end)) {
        (Some(missing), Some(rest)) => Some(format!("{missing} and {rest}")),
        (Some(missing), None) => Some(missing),
        (None, Some(rest)) => Some(format!("{name} {rest}")),
        (None, None) => None,
    }
}

/// That a workload which is as wanted at the end goes round all the same.
pub fn still_round(id: &WorkloadId, workload: &Workload, end: Time) -> Option<String> {
    let round = workload.rounds.round(end)?;
    let lost = Stretches::of(&workload.converged, end).all;
    let lost = lost.iter().filter(|one| one.to.is_some_and(|to| to > round.since)).count();
    let (name, times) = (workload_name(id), counted(lost, "time"));
    Some(format!("{name} was as wanted and lost it {times} without anybody's doing: it {}", told_round(&round, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_says_what_would_end_it() {
        let at = |second: u64| Time::from_micros(second * 1_000_000);
        let evicted = Situation::Ended("Evicted".into());
        let told = |situations: &[Situation]| {
            let round =
                Round { times: 4, since: at(60), longest: Span::from_secs(90), situations: situations.to_vec() };
            Outlook::GoesRound(round).in_words(at(600)).unwrap_or_default()
        };
        for (situations, way, need) in [
            (vec![Situation::Running, Situation::BackOff], "Running → CrashLoopBackOff", "containers that do not exit"),
            (vec![Situation::Waiting("ErrImagePull".into())], "ErrImagePull", "images that can be pulled"),
            (vec![Situation::Ready, evicted], "Ready → Evicted", "nodes that keep their pods"),
            (vec![Situation::Ready, Situation::Terminating], "Ready → Terminating", "nodes that stay"),
            (vec![Situation::Pending, Situation::Ready], "Pending → Ready", "somebody to look"),
        ] {
            let told = told(&situations);
            let begin = format!("goes round: {way}, 4 times since 1m00.0s, at most 1m30.0s each; it needs {need}");
            assert!(told.starts_with(&begin), "{told}");
        }
    }

    #[test]
    fn what_has_not_begun_yet_is_told_as_such() {
        let at = |second: u64| Time::from_micros(second * 1_000_000);
        let needs = vec![Need { what: "a".into(), needs: "b".into() }, Need { what: "c".into(), needs: "d".into() }];
        let stuck = |since| Outlook::Stuck { since: at(since), waits_for: needs.clone() }.in_words(at(600));
        assert_eq!(stuck(60).as_deref(), Some("has been stuck since 1m00.0s: a, and c; it needs b, and d"));
        assert_eq!(stuck(601).as_deref(), Some("will be stuck from 10m01.0s on: a, and c; it needs b, and d"));
        let ready = |from| Outlook::OnItsWay(at(from)).in_words(at(600));
        assert_eq!(ready(590).as_deref(), Some("is as wanted only since 9m50.0s"));
        assert_eq!(ready(700).as_deref(), Some("is on its way: left alone it would be as wanted from 11m40.0s on"));
        assert_eq!((Outlook::AsWanted.in_words(at(0)), Outlook::Unknown.in_words(at(0))), (None, None));
    }
}
