//! The tainter: ten times a second it gives NoExecute taints to the nodes whose zone has a token for them.
//!
//! Source: `pkg/controller/nodelifecycle/node_lifecycle_controller.go` (`doNoExecuteTaintingPass`), v1.36. Rounds that
//! would find nothing to do are not simulated: the tainter wakes at the first round in which some zone has both a node
//! and a token. The rounds keep the grid that they would have had.

use super::queue::Wait;
use super::steps::{EditRun, Input};
use super::{Job, NodeLifecycle, TAINT, Work};
use crate::kernel::rng::Purpose;
use crate::kernel::time::{Span, Time};
use crate::object::fact::Why;
use crate::object::taint::{NOT_READY, UNREACHABLE};
use crate::object::{ConditionStatus, Key, Name, Node, SettingId};
use crate::program::{Command, Context, Timer};
use std::sync::Arc;

/// Where the tainter is.
#[derive(Clone, Debug, Default)]
pub struct Tainter {
    /// When its last round ended: the next begin whole periods later.
    anchor: Time,
    /// When it wakes, and which timer will do it.
    wake: Option<(Time, u64)>,
    timers: u64,
    rounds: u64,
    round: Round,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Round {
    /// None goes on.
    #[default]
    None,
    /// One is to begin.
    Begin,
    /// One goes on: with these zones, the last first.
    At(Vec<Name>),
    /// One goes on, and a taint of the last of these zones is being written.
    Writing(Vec<Name>),
}

/// What is to be done about the first node in line.
enum Next {
    /// It needs no taint any more, or is gone.
    Nothing,
    /// It is tried again.
    Later,
    /// Its taints are swapped.
    Swap(EditRun),
}

impl Tainter {
    /// A tainter between two rounds, or if it `is_settled` not before its first.
    pub fn new(is_settled: bool, cx: &Context<'_>) -> Tainter {
        let period = cx.settings.span(SettingId::NodeEvictionPeriod);
        let phase = if is_settled { cx.phase("no-execute-taint", period) } else { Span::ZERO };
        Tainter { anchor: cx.now + phase, ..Tainter::default() }
    }

    /// Its timer went off; nothing happens if another one has been set meanwhile.
    pub fn wake(&mut self, timer: u64) {
        if self.wake.is_some_and(|(_, current)| current == timer) {
            self.wake = None;
            self.round = Round::Begin;
        }
    }

    /// The first round at `at` or later.
    fn round_at(&self, at: Time, period: Span) -> Time {
        let since_micros = at.saturating_since(self.anchor).as_micros();
        let periods = since_micros.div_ceil(period.as_micros().max(1)).max(1);
        self.anchor + period.times(periods)
    }
}

impl NodeLifecycle {
    /// Goes on with a round, or sees to it that the next one comes.
    pub(super) fn pump_tainter(&mut self, cx: &mut Context<'_>) {
        loop {
            match std::mem::take(&mut self.tainter.round) {
                Round::Begin => self.tainter.round = Round::At(self.shuffled_zones(cx)),
                Round::At(zones) => self.taint_zone(zones, cx),
                other => {
                    self.tainter.round = other;
                    break;
                }
            }
        }
        if self.tainter.round == Round::None {
            self.plan_round(cx);
        }
    }

    /// The zones of a round, in an order as random as that of upstream's map.
    fn shuffled_zones(&mut self, cx: &Context<'_>) -> Vec<Name> {
        self.tainter.rounds += 1;
        let mut zones: Vec<Name> = self.zones.queues().map(|(name, _)| name.clone()).collect();
        zones.sort_by_key(|zone| cx.draws.get(Purpose::Tie, &format!("no-execute-taint {zone}"), self.tainter.rounds));
        zones
    }

    /// Gives taints in the last of `zones` until its queue or its tokens run out or one has to be written.
    fn taint_zone(&mut self, mut zones: Vec<Name>, cx: &mut Context<'_>) {
        let Some(zone) = zones.last().cloned() else {
            self.tainter.anchor = cx.now;
            return;
        };
        while let Some((node, wait)) = self.zones.queue(&zone).and_then(|queue| queue.take(cx.now)) {
            let queue = self.zones.queue(&zone).expect("it was there just now");
            match next(&node, cx) {
                Next::Nothing => queue.finish(&node),
                Next::Later => queue.retry(&node, cx.settings.span(SettingId::NoExecuteTaintRetryPause), cx.now),
                Next::Swap(run) => {
                    self.tainter.round = Round::Writing(zones);
                    let why = self.why(&zone, wait, cx);
                    self.drive(Job { work: Work::Taint(zone, node, run), why }, Input::Go, cx);
                    return;
                }
            }
        }
        zones.pop();
        self.tainter.round = Round::At(zones);
    }

    /// A node that waited for longer than a round waited for its zone's rate.
    fn why(&mut self, zone: &str, wait: Wait, cx: &Context<'_>) -> Why {
        let period = cx.settings.span(SettingId::NodeEvictionPeriod);
        let owner = self.zones.queue(zone).map_or(SettingId::NodeEvictionPeriod, |queue| queue.owner());
        let is_short = cx.now.since(wait.since) <= period;
        Why::after(wait.cause, if is_short { SettingId::NodeEvictionPeriod } else { owner })
    }

    pub(super) fn finish_taint(&mut self, zone: &Name, node: &Name, is_well: bool, now: Time) {
        if let Some(queue) = self.zones.queue(zone) {
            if is_well { queue.finish(node) } else { queue.retry(node, Span::ZERO, now) }
        }
        // The same zone once more.
        let Round::Writing(zones) = std::mem::take(&mut self.tainter.round) else {
            panic!("a taint was being written")
        };
        self.tainter.round = Round::At(zones);
    }

    fn plan_round(&mut self, cx: &mut Context<'_>) {
        let first = self.zones.queues().filter_map(|(_, queue)| Some((queue.next(cx.now)?, queue.owner())));
        let Some(((token, wait), owner)) = first.min_by_key(|((token, _), _)| *token) else { return };
        let at = self.tainter.round_at(token.max(cx.now), cx.settings.span(SettingId::NodeEvictionPeriod));
        if self.tainter.wake.is_some_and(|(planned, _)| planned == at) {
            return;
        }
        self.tainter.timers += 1;
        self.tainter.wake = Some((at, self.tainter.timers));
        let timer = Timer { kind: TAINT, arg: self.tainter.timers };
        let setting = if token > cx.now { owner } else { SettingId::NodeEvictionPeriod };
        cx.out.push(Command::WakeAt { at, timer, why: Why::after(wait.cause, setting) });
    }
}

fn next(name: &Name, cx: &Context<'_>) -> Next {
    let Some(node) = cx.caches.get::<Node>(&Key::cluster(name.clone())) else { return Next::Nothing };
    let swap = |node: &Arc<Node>, add, remove| Next::Swap(EditRun::swap_no_execute(node, add, remove, cx.timestamp()));
    match node.ready() {
        None => Next::Later,
        Some(ConditionStatus::False) => swap(node, NOT_READY, UNREACHABLE),
        Some(ConditionStatus::Unknown) => swap(node, UNREACHABLE, NOT_READY),
        Some(ConditionStatus::True) => Next::Nothing,
    }
}
