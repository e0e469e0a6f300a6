//! Layer 8: reasons in words. Why an object is as it is, what it waits for, what mattered in a run, where two runs part.
//!
//! Everything here is read off a run that is over: its facts with their causes, its milestones, its settings. Sentences are
//! made by templates, one function for each kind of fact ([`words`]), in which programs have upstream's names. It does not
//! know how a run is found or replayed.

pub mod chain;
pub mod difference;
pub mod life;
pub mod outcome;
pub mod subject;
pub mod timeline;
pub mod wait;
pub mod words;

mod difference_text;
mod sets;
mod so_far;
#[cfg(test)]
mod tests;

pub use difference::Difference;
pub use life::Why;
pub use subject::Subject;

use crate::cluster::{Config, World};
use crate::kernel::time::{Span, Time};
use crate::object::fact::Verb;
use crate::object::{Deployment, Fact, FactId, Key, Kind, Name};
use crate::record::Recorded;
use crate::report::Finished;
use std::collections::{BTreeMap, BTreeSet};

/// A run that is told of.
pub struct Tale<'a> {
    /// What happened, in order.
    pub facts: &'a [Recorded],
    /// How it was set up.
    pub config: &'a Config,
    /// The cluster at the end.
    pub world: &'a World,
    /// For each fact the first one in the chain of its causes.
    roots: Vec<FactId>,
    sets: BTreeMap<Name, sets::Set>,
    deployments: BTreeSet<Key>,
}

impl<'a> Tale<'a> {
    /// The tale of a run that is over.
    pub fn of(finished: &'a Finished) -> Tale<'a> {
        let facts = &finished.world.recorder().facts;
        let mut roots: Vec<FactId> = Vec::with_capacity(facts.len());
        for (index, recorded) in facts.iter().enumerate() {
            let cause = recorded.why.cause;
            roots.push(if cause == FactId::NONE { FactId(index as u32) } else { roots[cause.0 as usize] });
        }
        let sets = sets::sets(facts, &finished.world);
        let mut deployments: BTreeSet<Key> =
            finished.world.objects::<Deployment>().map(|deployment| deployment.meta.key.clone()).collect();
        deployments.extend(facts.iter().filter_map(|recorded| match &recorded.fact {
            Fact::Commit { kind: Kind::Deployment, key, .. } => Some(key.clone()),
            _ => None,
        }));
        Tale { facts, config: &finished.config, world: &finished.world, roots, sets, deployments }
    }

    /// A fact.
    pub fn fact(&self, id: FactId) -> &'a Recorded {
        &self.facts[id.0 as usize]
    }

    /// What led to a fact, if anything is known.
    pub fn cause(&self, id: FactId) -> Option<FactId> {
        Some(self.fact(id).why.cause).filter(|cause| *cause != FactId::NONE)
    }

    /// The first fact in the chain of causes of this one.
    pub fn root(&self, id: FactId) -> FactId {
        self.roots[id.0 as usize]
    }

    /// Facts in order, with their numbers.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (FactId, &'a Recorded)> {
        self.facts.iter().enumerate().map(|(index, recorded)| (FactId(index as u32), recorded))
    }

    /// How many facts had happened by `at`, that moment included.
    pub fn until(&self, at: Time) -> usize {
        self.facts.partition_point(|recorded| recorded.at <= at)
    }

    /// What an event of the scenario is, as `node.crash`; empty if it has no name.
    pub fn deed(&self, event: &str) -> &'static str {
        use crate::cluster::Happening;
        let planned = self.config.events.iter().find(|planned| &*planned.id == event);
        planned.map_or("", |planned| match planned.what {
            Happening::Fault { name, .. } | Happening::Action { name, .. } => name,
            Happening::Join(_) => "node.add",
        })
    }
}

/// A moment as it is told: to a tenth of a second, to a millisecond in the first second.
pub fn time(at: Time) -> String {
    span(at.since(Time::ZERO))
}

/// A span as it is told.
pub fn span(span: Span) -> String {
    let micros = span.as_micros();
    let unit = if micros < 999_500 { 1_000 } else { 100_000 };
    Span::from_micros((micros + unit / 2) / unit * unit).to_string()
}

/// Whether a fact is a commit of this kind and verb.
fn is_commit(fact: &Fact, verb: Verb, kind: Kind) -> bool {
    matches!(fact, Fact::Commit { verb: how, kind: of, .. } if (*how, *of) == (verb, kind))
}
