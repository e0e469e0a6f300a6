//! Checks what ends something else: that there is something to end when its moment has come. What depends on chance is
//! left to the run.

use super::Check;
use crate::action::machine::{END, RESTORE};
use crate::fault;
use crate::kernel::dist::Delay;
use crate::kernel::rng::Draws;
use crate::kernel::time::Span;
use crate::object::{Name, Node};
use crate::scenario::build::begins;
use crate::scenario::problem::code;
use crate::scenario::reader::Sink;
use crate::scenario::schema::{Draft, Event, Moment};
use std::collections::BTreeSet;

/// Most events that a message names.
const NAMED: usize = 5;

impl Check<'_> {
    pub(super) fn endings(&self, sink: &mut Sink<'_>) {
        for (event, draft) in self.whole() {
            match event.name {
                name if name == END.name => {
                    let Some((of, fault)) = event.of.as_ref().and_then(|of| Some((of, self.fault(&of.value)?))) else {
                        continue;
                    };
                    if let Some((why, help)) = self.nothing_to_end(draft, fault) {
                        sink.error(code::CONFLICT, &of.bytes, why).help(help);
                    }
                }
                name if name == RESTORE.name => self.restores_something(event, draft, sink),
                _ => {}
            }
        }
        self.staggers(sink);
        if !sink.problems.has_errors() {
            self.chances(sink);
            self.late_hits(sink);
        }
    }

    /// Staggers of faults that neither end by themselves nor by any other event.
    fn staggers(&self, sink: &mut Sink<'_>) {
        for draft in self.drafts {
            let Some(bytes) = &draft.open_stagger else { continue };
            if self.drafts.iter().any(|other| self.may_end(other, draft)) {
                continue;
            }
            let problem = sink.error(code::CONFLICT, bytes, "it never ends, so no node gets well");
            problem.help(match draft.name == fault::power::LOSS.name {
                true => {
                    "say how long it lasts with `for`, end it by `power.restore` or `fault.end`, or leave `stagger` out"
                }
                false => "say how long it lasts with `for`, end it by an event `fault.end`, or leave `stagger` out",
            });
        }
    }

    /// Whether an event may end a fault. What is not known of it counts for it.
    fn may_end(&self, event: &Draft, of: &Draft) -> bool {
        let is_its_way = match event.name {
            "" => true,
            name if name == END.name => {
                event.of.as_ref().zip(of.id.as_ref()).is_none_or(|(named, id)| named.value == id.value)
            }
            name if name == RESTORE.name && of.name == fault::power::LOSS.name => {
                let nodes =
                    |draft: &Draft| draft.target.as_ref().and_then(|target| self.possible(&target.value)).map(names);
                nodes(event).zip(nodes(of)).is_none_or(|(given, gone)| !given.is_disjoint(&gone))
            }
            _ => false,
        };
        is_its_way && !self.order.is_before(event, of)
    }

    /// Faults that with the seed of the file are over before all their nodes are hit.
    fn late_hits(&self, sink: &mut Sink<'_>) {
        let seed = self.scenario.run.seed.value;
        let draws = Draws::new(seed);
        for event in &self.scenario.events {
            let Some(lasts) = event.lasts.as_ref().filter(|_| event.jitter > Span::ZERO) else { continue };
            let lasts = lasts_of(event, lasts, &draws);
            if lasts < event.jitter {
                let id = &event.id.value;
                let message =
                    format!("with the seed {seed} `{id}` lasts {lasts}, less than its `jitter` of {}", event.jitter);
                sink.warning(code::CHANCE, &event.id.bytes, message)
                    .help("nodes that are hit late are well again at once; give `for` a `min` of that length");
            }
        }
    }

    /// What there is to end with other seeds, but not with that of the file.
    fn chances(&self, sink: &mut Sink<'_>) {
        let seed = self.scenario.run.seed.value;
        let ends = || self.scenario.events.iter().filter(|event| event.name == END.name);
        if ends().next().is_none() {
            return;
        }
        let draws = Draws::new(seed);
        let begins = begins(self.scenario, &draws);
        for event in ends() {
            let Some((of, (fault, _))) = event.of.as_ref().and_then(|of| Some((of, self.fault(&of.value)?))) else {
                continue;
            };
            let (own, at) = (begins[event.id.value.as_str()], begins[of.value.as_str()]);
            let end = fault.lasts.as_ref().map(|lasts| at + lasts_of(fault, lasts, &draws));
            let why = match end {
                _ if own < at => format!("`{}` begins at {at}, this comes at {own}", of.value),
                Some(end) if end < own => format!("`{}` is over at {end}, this comes at {own}", of.value),
                _ => continue,
            };
            sink.warning(code::CHANCE, &of.bytes, format!("with the seed {seed} there is nothing to end: {why}"))
                .help("other seeds draw other delays; a run in which there is nothing to end fails");
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
    fn nothing_to_end(&self, own: &Draft, (event, draft): (&Event, &Draft)) -> Option<(String, String)> {
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
        let held = event.target.as_ref().filter(|_| name == fault::power::LOSS.name);
        let held = held.and_then(|target| self.possible(&target.value)).map(names);
        let by = self.ended_between(id, draft, own, held.as_ref())?;
        let why = format!("`{id}` is over when it is to end: `{by}` has ended it");
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
            } else if let Some(by) = self.ended_between(id, lost, draft, Some(&both)) {
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

    /// The event that always ends a fault, or gives these nodes their power back, before `until`.
    fn ended_between(&self, id: &str, fault: &Draft, until: &Draft, nodes: Option<&BTreeSet<&Name>>) -> Option<&str> {
        let found = self.whole().find(|(event, draft)| {
            let is_ended = match event.name {
                name if name == END.name => event.of.as_ref().is_some_and(|of| of.value == id),
                name if name == RESTORE.name => event.target.as_ref().is_some_and(|target| {
                    let given = self.possible(&target.value).map(names);
                    self.is_certain(&target.value)
                        && given.zip(nodes).is_some_and(|(given, nodes)| given.is_superset(nodes))
                }),
                _ => false,
            };
            is_ended && self.order.is_before(fault, draft) && self.order.is_before(draft, until)
        });
        found.map(|(event, _)| event.id.value.as_str())
    }
}

/// How long a fault lasts with these draws.
fn lasts_of(fault: &Event, lasts: &Delay, draws: &Draws) -> Span {
    lasts.sample(draws, &format!("event/{}/for", fault.id.value), 0)
}

fn names(nodes: Vec<&Node>) -> BTreeSet<&Name> {
    nodes.into_iter().map(|node| node.meta.name()).collect()
}
