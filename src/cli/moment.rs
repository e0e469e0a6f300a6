//! `--at`: a moment of a run, as somebody says it.

use crate::cluster::Planned;
use crate::kernel::time::{Span, Time};
use crate::scenario::suggest::nearest;
use std::str::FromStr;

/// A moment as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// So long after the beginning.
    After(Span),
    /// When the event of this id begins.
    Event(String),
}

/// Most ids that are named to somebody who looks for one: random failures have thousands.
const IDS_TOLD: usize = 12;

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Moment, String> {
        match text.strip_prefix('@') {
            Some("") => Err("`@` stands before the id of an event, as `@crash`".to_string()),
            Some(id) => Ok(Moment::Event(id.to_string())),
            None => Span::parse(text).map(Moment::After).map_err(|why| format!("{why}; or an event, as `@crash`")),
        }
    }
}

impl Moment {
    /// When that is in a run with these events and this end.
    ///
    /// # Errors
    /// No event has this id, or the run was over before; with a way out.
    pub fn time(&self, events: &[Planned], end: Time) -> Result<Time, String> {
        match self {
            Moment::After(span) => {
                let at = Time::ZERO + *span;
                let is_within = at <= end;
                is_within.then_some(at).ok_or_else(|| {
                    format!("`--at {span}` is after the end: the run ended at {end}; leave `--at` out to see its end")
                })
            }
            Moment::Event(id) => {
                let found = events.iter().find(|planned| &*planned.id == id.as_str());
                let at = found.map(|planned| planned.at).ok_or_else(|| unknown(id, events))?;
                let is_within = at <= end;
                is_within
                    .then_some(at)
                    .ok_or_else(|| format!("`{id}` never began: it was due at {at}, the run ended at {end}"))
            }
        }
    }
}

/// What to say of an id that no event has.
fn unknown(id: &str, events: &[Planned]) -> String {
    let ids: Vec<&str> = events.iter().map(|planned| &*planned.id).collect();
    let guess =
        nearest(id, ids.iter().copied()).map_or_else(String::new, |guess| format!(": did you mean `@{guess}`?"));
    let known: Vec<String> = ids.iter().take(IDS_TOLD).map(|id| format!("`@{id}`")).collect();
    let known = match (ids.len(), ids.len().saturating_sub(IDS_TOLD)) {
        (0, _) => "the run has no events".to_string(),
        (_, 0) => format!("events of the run: {}", known.join(", ")),
        (_, more) => format!("events of the run: {} and {more} more", known.join(", ")),
    };
    format!("no event of the run is called `{id}`{guess}\n  {known}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Happening;

    #[test]
    fn moments_are_spans_or_events() {
        assert_eq!("7m12s".parse(), Ok(Moment::After(Span::from_secs(432))));
        assert_eq!("@crash".parse(), Ok(Moment::Event("crash".to_string())));
        for wrong in ["@", "crash", "-3s", ""] {
            assert!(wrong.parse::<Moment>().unwrap_err().contains("as `@crash`"), "{wrong}");
        }
    }

    #[test]
    fn a_moment_lies_within_the_run() {
        let planned = |id: &str, secs| Planned {
            id: id.into(),
            at: Time::ZERO + Span::from_secs(secs),
            what: Happening::Join(Vec::new()),
        };
        let events = [planned("crash", 60), planned("late", 900)];
        let time = |text: &str| text.parse::<Moment>().unwrap().time(&events, Time::ZERO + Span::from_secs(600));
        assert_eq!(time("@crash"), Ok(Time::ZERO + Span::from_secs(60)));
        assert_eq!(time("10m"), Ok(Time::ZERO + Span::from_secs(600)));
        for (text, says) in [
            ("10m1s", "is after the end: the run ended at"),
            ("@late", "`late` never began"),
            ("@crahs", "did you mean `@crash`?\n  events of the run: `@crash`, `@late`"),
        ] {
            let error = time(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
