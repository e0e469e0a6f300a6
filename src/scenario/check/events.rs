//! Checks events: when they come, and what they are about.

use super::Check;
use crate::object::Kind;
use crate::scenario::domain::no_such;
use crate::scenario::problem::code;
use crate::scenario::reader::Sink;
use crate::scenario::schema::{Draft, Moment};
use crate::scenario::suggest::{listed, nearest};
use crate::scenario::target::{WORKLOADS, workload};
use std::collections::BTreeSet;

impl Check<'_> {
    pub(super) fn events(&self, sink: &mut Sink<'_>) {
        for event in self.drafts {
            self.moment(event, sink);
            if let Some(target) = &event.target {
                self.target(Some(event), target, true, sink);
            }
            self.subject(event, sink);
            self.trial(event, sink);
        }
    }

    /// The event of this id.
    pub(super) fn draft(&self, id: &str) -> Option<&Draft> {
        self.drafts.iter().find(|draft| draft.id.as_ref().is_some_and(|own| own.value == id))
    }

    fn moment(&self, event: &Draft, sink: &mut Sink<'_>) {
        let name = event.id.as_ref().map_or("an event".to_string(), |id| format!("`{}`", id.value));
        let bytes = event.id.as_ref().map_or(&event.bytes, |id| &id.bytes);
        let until = self.scenario.run.until;
        match &event.moment {
            Some(Moment::After { event: other, .. }) => {
                self.event_exists(other, sink);
                if let Some(id) = &event.id
                    && let Some(round) = self.waits_for_itself(&id.value)
                {
                    let steps: Vec<String> = round.iter().map(|id| format!("after `{id}`")).collect();
                    sink.error(code::CONFLICT, &other.bytes, format!("{name} would wait for itself"))
                        .label(format!("it comes {}", steps.join(", which comes ")))
                        .help("give one of them a time: `at = \"1m\"`");
                }
                // Of one that comes after another that is too late itself only the other is told.
                let earliest = self.order.earliest(event).filter(|earliest| *earliest > until);
                let is_first = self.draft(&other.value).and_then(|other| self.order.earliest(other));
                if let (Some(earliest), true) = (earliest, is_first.is_some_and(|other| other <= until)) {
                    let message = format!("{name} would happen at {earliest} at the earliest, the run ends at {until}");
                    sink.error(code::CONFLICT, bytes, message)
                        .help("make its `delay` shorter, or the run longer: `until` in [run]");
                }
            }
            Some(Moment::At(at)) if *at > until => {
                let message = format!("{name} would happen at {at}, the run ends at {until}");
                sink.error(code::CONFLICT, bytes, message).help("make it earlier, or the run longer: `until` in [run]");
            }
            Some(Moment::At(_)) | None => {}
        }
    }

    /// The events on whose circle this one is, if it is the first of them in the file.
    fn waits_for_itself(&self, id: &str) -> Option<Vec<String>> {
        let before = |id: &str| self.waits_for.get(id).copied().flatten().map(str::to_string);
        // Further back than there are events it goes round; only those on the circle are reported.
        let mut round = vec![before(id)?];
        for _ in 0..self.drafts.len() {
            let last = round.last()?;
            if last == id {
                let ids = self.drafts.iter().filter_map(|draft| draft.id.as_ref());
                let first = ids.into_iter().find(|first| round.contains(&first.value))?;
                return (first.value == id).then_some(round);
            }
            round.push(before(last)?);
        }
        None
    }

    /// What an event is about.
    fn subject(&self, event: &Draft, sink: &mut Sink<'_>) {
        if let Some(pool) = &event.pool
            && self.scenario.are_pools_complete
        {
            let known: BTreeSet<String> = self.scenario.pools.iter().map(|pool| pool.name.value.clone()).collect();
            if !known.contains(&pool.value) {
                no_such(&pool.value, &pool.bytes, "pool", &known, sink);
            }
        }
        let Some(of) = &event.of else { return };
        // Of one that was refused already it has been told why.
        let place = Some(sink.place(&of.bytes));
        if sink.problems.list.iter().any(|problem| problem.place == place) {
            return;
        }
        if event.name == "fault.end" {
            let ended = self.draft(&of.value);
            if self.event_exists(of, sink) && ended.is_some_and(|event| crate::action::find(event.name).is_some()) {
                sink.bad_value(&of.bytes, format!("`{}` is no fault: there is nothing to end", of.value))
                    .help("name an event that does a fault");
            }
            return;
        }
        match workload(&of.value) {
            Some((kind, _)) if WORKLOADS.contains(&kind) => drop(self.workload_exists(of, sink)),
            Some((Kind::Pod, key)) => self.pod_may_be_called(&key, &of.bytes, false, sink),
            Some((kind, key)) => {
                let Some(objects) = &self.objects else { return };
                // Nodes have no manifest.
                let is_made_elsewhere = kind == Kind::Node;
                let is_there = objects.iter().any(|object| object.kind() == kind && *object.key() == key);
                if !is_made_elsewhere && !is_there {
                    let known = objects.iter().filter(|object| object.kind() == kind);
                    let known: Vec<String> = known.map(|object| object.key().name.to_string()).collect();
                    let message = format!("no manifest has a {kind} `{}`", key.name);
                    let problem = sink.error(code::UNKNOWN_WORKLOAD, &of.bytes, message);
                    problem.guess(nearest(&key.name, known.iter().map(String::as_str)));
                    match known.as_slice() {
                        [] => problem.note(format!("no manifest has any {kind}")),
                        known => problem.note(format!("there are {}", listed(known.iter().map(String::as_str)))),
                    };
                }
            }
            None => {
                sink.bad_value(&of.bytes, format!("`{}` is not an object", of.value))
                    .label("expected as \"deployment/web\", outside `default` as \"deployment/NAMESPACE/web\"");
            }
        }
    }
}
