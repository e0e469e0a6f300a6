//! In which order events come, whatever chance does: each comes at a time or so long after another, and that lies between
//! two bounds.

use crate::kernel::dist::Delay;
use crate::kernel::time::Span;
use crate::scenario::schema::{Draft, Moment};
use std::collections::BTreeMap;

/// The order of the events.
pub(super) struct Order<'a> {
    /// By ids: the place in the file, and when. Of two with one id the first counts.
    events: BTreeMap<&'a str, (usize, &'a Moment)>,
    /// How many of the first are in the order in which they would be planned.
    planned: usize,
}

/// A step back: to an event, or to the beginning, and how long it was before (least and most, in µs).
struct Step<'a> {
    to: Option<&'a str>,
    least: u64,
    most: u64,
}

impl<'a> Order<'a> {
    /// The order of these events, of which the first `planned` could be read as a whole.
    pub(super) fn of(drafts: &'a [Draft], planned: usize) -> Order<'a> {
        let all = drafts.iter().enumerate().rev();
        let known =
            all.filter_map(|(place, draft)| Some((draft.id.as_ref()?.value.as_str(), (place, draft.moment.as_ref()?))));
        Order { events: known.collect(), planned }
    }

    /// When it begins at the earliest; none if that is not known.
    pub(super) fn earliest(&self, event: &Draft) -> Option<Span> {
        let way = self.way(&event.id.as_ref()?.value)?;
        way.last().map(|step| Span::from_micros(step.least))
    }

    /// Whether it always begins before another does. Of those that come at the same time the first in the file begins
    /// first.
    pub(super) fn is_before(&self, one: &Draft, other: &Draft) -> bool {
        self.is_over_before(one, &Delay::NONE, other)
    }

    /// Whether it has always begun, and lasted for so long, before another begins.
    pub(super) fn is_over_before(&self, one: &Draft, lasts: &Delay, other: &Draft) -> bool {
        let (Some(one), Some(other)) = (&one.id, &other.id) else { return false };
        let (Some(to_one), Some(to_other)) = (self.way(&one.value), self.way(&other.value)) else { return false };
        // From what both wait for; at the latest that is the beginning.
        let common = to_one.iter().find_map(|step| Some((step, to_other.iter().find(|other| other.to == step.to)?)));
        let Some((step, other_step)) = common else { return false };
        let end = step.most.saturating_add(lasts.bounds().1.as_micros());
        let (place, other_place) = (self.events[one.value.as_str()].0, self.events[other.value.as_str()].0);
        end < other_step.least || end == other_step.least && place < other_place && other_place < self.planned
    }

    /// The way from an event back to the beginning; none if it does not lead there.
    fn way(&self, id: &str) -> Option<Vec<Step<'a>>> {
        let (&id, _) = self.events.get_key_value(id)?;
        let mut way = vec![Step { to: Some(id), least: 0, most: 0 }];
        let (mut at, mut least, mut most) = (id, 0u64, 0u64);
        for _ in 0..=self.events.len() {
            let moment = self.events.get(at)?.1;
            let (to, bounds) = match moment {
                Moment::At(span) => (None, (*span, *span)),
                Moment::After { event, delay } => (Some(event.value.as_str()), delay.bounds()),
            };
            least = least.saturating_add(bounds.0.as_micros());
            most = most.saturating_add(bounds.1.as_micros());
            way.push(Step { to, least, most });
            match to {
                Some(before) => at = before,
                None => return Some(way),
            }
        }
        // It goes round.
        None
    }
}
