//! Checks what ends something else: that there is something to end when its moment has come. What depends on chance is
//! left to the run.

use super::Check;
use crate::action::machine::{END, RESTORE};
use crate::fault;
use crate::object::{Name, Node};
use crate::scenario::problem::code;
use crate::scenario::reader::Sink;
use crate::scenario::schema::{Draft, Event, Moment};
use std::collections::BTreeSet;

/// Most events that a message names.
const NAMED: usize = 5;

impl Check<'_> {
    pub(super) fn endings(&self, sink: &mut Sink<'_>) {
        // Of those that end something of others.
        let mut ended: Vec<(&str, &Draft)> = Vec::new();
        for (event, draft) in self.whole() {
            match event.name {
                name if name == END.name => {
                    let Some((of, fault)) = event.of.as_ref().and_then(|of| Some((of, self.fault(&of.value)?))) else {
                        continue;
                    };
                    match self.nothing_to_end(draft, fault, &ended) {
                        None => ended.push((&of.value, draft)),
                        Some((why, help)) => {
                            sink.error(code::CONFLICT, &of.bytes, why).help(help);
                        }
                    }
                }
                name if name == RESTORE.name => self.restores_something(event, draft, sink),
                _ => {}
            }
        }
    }

    /// The events that could be read as a whole.
    fn whole(&self) -> impl Iterator<Item = (&Event, &Draft)> {
        self.scenario.events.iter().zip(self.drafts)
    }

    /// The fault of this id, if it can be told what becomes of it.
    fn fault(&self, id: &str) -> Option<(&Event, &Draft)> {
        let mut called = self.whole().filter(|(event, _)| event.id.value == id);
        let only = called.next().filter(|_| called.next().is_none())?;
        fault::find(only.0.name).map(|_| only)
    }

    /// Why there is nothing to end, and a way out.
    fn nothing_to_end(
        &self,
        own: &Draft,
        (event, draft): (&Event, &Draft),
        ended: &[(&str, &Draft)],
    ) -> Option<(String, String)> {
        let (id, name) = (&event.id.value, event.name);
        if fault::find(name).is_some_and(|row| row.end.is_none()) {
            let why = format!("`{id}` is over at once, as every `{name}` is: there is nothing to end");
            return Some((why, "leave this event out".to_string()));
        }
        if self.order.is_before(own, draft) {
            let times = match (&own.moment, &draft.moment) {
                (Some(Moment::At(own)), Some(Moment::At(at))) => format!(": it comes at {at}, this at {own}"),
                _ => String::new(),
            };
            let why = format!("`{id}` has not begun when it is to end{times}");
            return Some((why, format!("write `after = \"{id}\"` with a `delay`")));
        }
        if let Some(lasts) = &event.lasts
            && self.order.is_over_before(draft, lasts, own)
        {
            let why = format!("`{id}` is over when it is to end: it has a `for`");
            return Some((why, format!("leave `for` out of `{id}`, or end it earlier")));
        }
        let before = ended
            .iter()
            .find(|(of, other)| of == id && self.order.is_before(draft, other) && self.order.is_before(other, own));
        let by = before.and_then(|(_, other)| other.id.as_ref())?;
        let why = format!("`{id}` is over when it is to end: `{}` has ended it", by.value);
        Some((why, "leave one of the two out".to_string()))
    }

    /// Whether power may be away from any of the nodes.
    fn restores_something(&self, event: &Event, draft: &Draft, sink: &mut Sink<'_>) {
        let is_loss = |name: &str| name == fault::power::LOSS.name;
        let is_open = |draft: &Draft| draft.name.is_empty() || is_loss(draft.name);
        let random = self.scenario.failures.iter().any(|failure| is_loss(failure.name));
        let Some(target) = event.target.as_ref().filter(|_| !random && !self.scenario.drafts.iter().any(is_open))
        else {
            return;
        };
        let Some(wanted) = self.possible(&target.value).map(names).filter(|wanted| !wanted.is_empty()) else { return };
        let mut reasons = Vec::new();
        for (loss, lost) in self.whole().filter(|(event, _)| is_loss(event.name)) {
            let id = &loss.id.value;
            let Some(gone) = loss.target.as_ref().and_then(|target| self.possible(&target.value)).map(names) else {
                return;
            };
            let both: BTreeSet<&Name> = gone.intersection(&wanted).copied().collect();
            reasons.push(if loss.lasts.is_some() {
                format!("`{id}` has a `for`: its power comes back by itself")
            } else if both.is_empty() {
                format!("`{id}` takes the power of other nodes")
            } else if self.order.is_before(draft, lost) {
                format!("`{id}` comes later")
            } else if let Some(by) = self.ended_between(id, lost, draft, &both) {
                format!("`{by}` has given back what `{id}` took")
            } else {
                return;
            });
        }
        let problem = sink.error(code::CONFLICT, &target.bytes, "no node of these is without power then");
        if reasons.is_empty() {
            problem.note("there is no `power.loss`");
        }
        let more = reasons.len().saturating_sub(NAMED);
        reasons.truncate(NAMED);
        for reason in reasons {
            problem.note(reason);
        }
        if more > 0 {
            problem.note(format!("and {more} more"));
        }
        problem.help("it gives power back that a `power.loss` without `for` took before");
    }

    /// The event that always gives these nodes their power back, or ends the loss, before `until`.
    fn ended_between(&self, id: &str, loss: &Draft, until: &Draft, nodes: &BTreeSet<&Name>) -> Option<&str> {
        let found = self.whole().find(|(event, draft)| {
            let is_ended = match event.name {
                name if name == END.name => event.of.as_ref().is_some_and(|of| of.value == id),
                name if name == RESTORE.name => event.target.as_ref().is_some_and(|target| {
                    let given = self.possible(&target.value).map(names);
                    self.is_certain(&target.value) && given.is_some_and(|given| given.is_superset(nodes))
                }),
                _ => false,
            };
            is_ended && self.order.is_before(loss, draft) && self.order.is_before(draft, until)
        });
        found.map(|(event, _)| event.id.value.as_str())
    }
}

fn names(nodes: Vec<&Node>) -> BTreeSet<&Name> {
    nodes.into_iter().map(|node| node.meta.name()).collect()
}
