//! `evenkeel timeline`: the dozen moments that matter.

use super::arguments::TimelineOfRunArguments;
use super::past::open;
use super::terminal;
use crate::explain::{Tale, timeline};

/// Tells what mattered.
pub fn timeline(arguments: &TimelineOfRunArguments) -> u8 {
    match open(&arguments.run.run) {
        Ok(past) => {
            let moments = timeline::timeline(&Tale::of(&past.finished), &past.finished);
            terminal::out(&timeline::text(&moments, terminal::style(arguments.shown, None)))
        }
        Err(refusal) => refusal.tell(arguments.shown),
    }
}
