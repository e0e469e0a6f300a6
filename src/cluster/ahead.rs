//! What would become of a cluster that is left alone from now on.

use super::event::Event;
use super::world::World;
use crate::kernel::time::Span;

/// A cluster that was left alone for a while.
pub struct Ahead {
    /// The cluster then.
    pub world: World,
    /// Whether it was followed for as long as was asked, or until everything was as wanted; if not, too much happened in it.
    pub is_whole: bool,
}

impl World {
    /// Lets a copy of this cluster, which keeps only a summary, run on for `span`, but for at most `events_max` events, and
    /// not on once everything has been as wanted for the hold span. What is planned and has not begun does not happen;
    /// what has begun ends when it is due.
    pub fn left_alone(&self, span: Span, events_max: u64) -> Ahead {
        let mut world = self.clone();
        world.recorder.keep_summary();
        let (until, most) = (world.now + span, world.events + events_max);
        while world.queue.next_time().is_some_and(|next| next <= until) {
            if world.events == most {
                return Ahead { world, is_whole: false };
            }
            let Some((now, event)) = world.queue.pop() else { break };
            if !matches!(event, Event::Stop | Event::Begin(_)) {
                world.happen(now, event);
            }
            if world.recorder.converged_since().is_some_and(|since| world.now >= since + world.config.hold) {
                break;
            }
        }
        Ahead { world, is_whole: true }
    }
}
