//! Why an object is as it is at a moment: its life so far, what led to the last of it, and what it waits for now.

use super::chain::{Link, chain, lines, link, sentence};
use super::wait::{self, Wait};
use super::{Subject, Tale, time};
use crate::cluster::World;
use crate::kernel::time::Time;
use crate::object::fact::Verb;
use crate::object::{Fact, FactId, Kind};
use crate::report::screen::Style;
use serde::Serialize;

/// The version of the document. Fields are added, never changed.
pub const SCHEMA: &str = "evenkeel.why/v1";

/// Most lines of a life, and of a chain, on the screen.
const MOST_LINES: usize = 24;

/// Why an object is as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Why {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The object, as `pod/web-abc`.
    pub object: String,
    /// The moment that is asked about (µs since the scenario began).
    pub at_us: u64,
    /// Whether the API server has it at that moment.
    pub exists: bool,
    /// What happened to it until then.
    pub life: Vec<Link>,
    /// The last of it and what led to that, the first first; empty if nothing has happened yet.
    pub chain: Vec<Link>,
    /// The chain as a sentence.
    pub because: Option<String>,
    /// What it waits for.
    pub waits_for: Wait,
}

/// Explains an object of the run as it is at `at`; `then` is the cluster at that moment.
pub fn why(tale: &Tale<'_>, subject: &Subject, at: Time, then: &World) -> Why {
    let life: Vec<FactId> = tale
        .iter()
        .take(tale.until(at))
        .filter(|(id, recorded)| concerns(subject, &recorded.fact) && is_news(tale, *id))
        .map(|(id, _)| id)
        .collect();
    let last = life.last().copied();
    let links = |ids: Vec<FactId>| ids.into_iter().map(|id| link(tale, id)).collect::<Vec<_>>();
    Why {
        schema: SCHEMA,
        object: subject.to_string(),
        at_us: at.as_micros(),
        exists: then.store().get(subject.kind, &subject.key).is_some(),
        chain: last.map_or_else(Vec::new, |last| links(chain(tale, last))),
        because: last.map(|last| sentence(tale, last)),
        life: links(life),
        waits_for: wait::wait(tale, subject, at, then),
    }
}

/// Whether a fact belongs to the life of an object.
pub fn concerns(subject: &Subject, fact: &Fact) -> bool {
    match fact {
        Fact::Commit { kind, key, .. } => (kind, key) == (&subject.kind, &subject.key),
        Fact::Scheduled { pod, .. }
        | Fact::Unschedulable { pod, .. }
        | Fact::ContainersStarted { pod, .. }
        | Fact::ContainersReady { pod, .. }
        | Fact::ContainersStopped { pod, .. } => subject.kind == Kind::Pod && *pod == subject.key,
        Fact::MachineDown(node)
        | Fact::MachineUp(node)
        | Fact::KubeletDown(node)
        | Fact::KubeletUp(node)
        | Fact::LinkCut(node)
        | Fact::LinkHealed(node) => subject.kind == Kind::Node && *node == subject.key.name,
        Fact::Routed { service, .. } => subject.kind == Kind::Service && *service == subject.key,
        Fact::EvictionRate { .. } | Fact::Acted { .. } | Fact::FaultBegan { .. } | Fact::FaultEnded { .. } => false,
    }
}

/// Whether a fact tells more than that something was counted or written.
fn is_news(tale: &Tale<'_>, id: FactId) -> bool {
    let is_asked_for = || matches!(tale.cause(id).map(|cause| &tale.fact(cause).fact), Some(Fact::Acted { .. }));
    match &tale.fact(id).fact {
        Fact::Commit { verb: Verb::Updated, kind: Kind::Node, .. } => true,
        Fact::Commit { verb: Verb::Updated, what, .. } => !what.is_empty() || is_asked_for(),
        _ => true,
    }
}

impl Why {
    /// As text for a terminal.
    pub fn text(&self, style: Style) -> String {
        let mut text = format!("{} at {}", self.object, time(Time::from_micros(self.at_us)));
        text.push_str(match (self.exists, self.life.is_empty()) {
            (true, _) => "\n",
            (false, true) => ": not there yet\n",
            (false, false) => ": there no more\n",
        });
        if self.life.is_empty() && self.exists {
            text.push_str("\nIt was there before the run, and nothing has happened to it since.\n");
        }
        if let Some(because) = &self.because {
            text.push_str(&format!("\n{because}\n"));
        }
        let until = time(Time::from_micros(self.at_us));
        text.push_str(&format!("\nAt {until} it waits for {}.\n", self.waits_for.text));
        if !self.life.is_empty() {
            text.push_str(&format!("\nIts life\n{}", lines(&self.life, MOST_LINES)));
        }
        if self.chain.len() > 1 {
            text.push_str(&format!("\nWhat led to the last of it\n{}", lines(&self.chain, MOST_LINES)));
        }
        style.finish(text)
    }

    /// As a document.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("plain data without maps");
        format!("{text}\n")
    }
}
