//! The chain of causes of a fact: from the event that it comes from to the fact itself.

use super::outcome::capital;
use super::sets::change_of;
use super::words::{clause, owner, waited, waiting};
use super::{Tale, is_commit, span, time};
use crate::object::fact::Verb;
use crate::object::{Fact, FactId, Kind};
use crate::report::words::counted;
use serde::Serialize;

/// One link of a chain, or one moment of a life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Number of the fact, as in `facts.csv`.
    pub fact: u32,
    /// When (µs since the scenario began).
    pub at_us: u64,
    /// What happened, in words.
    pub text: String,
    /// Number of the fact that led to it.
    pub cause: Option<u32>,
    /// How long after that one it came (µs).
    pub waited_us: Option<u64>,
    /// The setting, with its value, or the modelled delays whose time that was.
    pub owner: Option<String>,
}

/// A fact as a link.
pub fn link(tale: &Tale<'_>, id: FactId) -> Link {
    Link {
        fact: id.0,
        at_us: tale.fact(id).at.as_micros(),
        text: clause(tale, id),
        cause: tale.cause(id).map(|cause| cause.0),
        waited_us: waited(tale, id).map(|waited| waited.as_micros()),
        owner: owner(tale, id),
    }
}

/// The facts that led to this one, and itself, the first first.
pub fn chain(tale: &Tale<'_>, id: FactId) -> Vec<FactId> {
    let mut chain: Vec<FactId> = std::iter::successors(Some(id), |id| tale.cause(*id)).collect();
    chain.reverse();
    chain
}

/// Whether a fact is said in a sentence: not if it always follows from the one before and takes no decision.
fn is_told(tale: &Tale<'_>, id: FactId) -> bool {
    match &tale.fact(id).fact {
        Fact::Commit { verb: Verb::Updated, kind: Kind::Pod, what, .. } => {
            !what.is_empty() && !what.starts_with("bound to") && !what.starts_with("Running, Ready=False")
        }
        Fact::Commit { kind: Kind::EndpointSlice, .. } => false,
        Fact::Scheduled { .. } | Fact::ContainersStarted { .. } | Fact::ContainersReady { .. } => false,
        _ => true,
    }
}

/// Whether a fact is that a workload counted its pods anew, and nothing more.
fn is_count(fact: &Fact) -> bool {
    // What it wants, which is no count: a Deployment has it as `replicas`.
    let (wish, what) = match fact {
        Fact::Commit { verb: Verb::Updated, kind: Kind::Deployment, what, .. } => ("replicas", what),
        Fact::Commit { verb: Verb::Updated, kind: Kind::ReplicaSet, what, .. } => ("wanted", what),
        _ => return false,
    };
    !what.is_empty() && change_of(what, wish).is_none()
}

/// A chain in pieces: counts that follow one another are one piece if they are many, all else is told one by one.
fn folded(tale: &Tale<'_>, told: &[FactId]) -> Vec<Vec<FactId>> {
    const MANY: usize = 3;
    let mut folded: Vec<Vec<FactId>> = Vec::new();
    for run in told.chunk_by(|a, b| [a, b].into_iter().all(|id| is_count(&tale.fact(*id).fact))) {
        if run.len() >= MANY {
            folded.push(run.to_vec());
        } else {
            folded.extend(run.iter().map(|&id| vec![id]));
        }
    }
    folded
}

/// Most reasons of one sentence: of a longer chain the first and the last are told.
const MOST_REASONS: usize = 7;

/// The chain as one sentence, from the fact back to where it comes from.
pub fn sentence(tale: &Tale<'_>, id: FactId) -> String {
    let links: Vec<FactId> = chain(tale, id).into_iter().rev().collect();
    let told: Vec<FactId> = links.iter().copied().filter(|&link| link == id || is_told(tale, link)).collect();
    let said = |link: FactId| {
        let wait = waiting(tale, link);
        let wait = if wait.is_empty() { String::new() } else { format!(", {wait}") };
        format!("{} at {}{wait}", clause(tale, link), time(tale.fact(link).at))
    };
    let folded = folded(tale, &told);
    let mut parts: Vec<String> = folded
        .iter()
        .map(|run| match run.as_slice() {
            [first, .., last] => format!(
                "{} at {}, the last of {} such counts since {}",
                clause(tale, *first),
                time(tale.fact(*first).at),
                run.len(),
                time(tale.fact(*last).at)
            ),
            _ => said(run[0]),
        })
        .collect();
    if parts.len() > MOST_REASONS {
        let left_out = parts.len() - MOST_REASONS;
        parts.splice(MOST_REASONS - 3..parts.len() - 3, [format!("and so on, {} back", counted(left_out, "step"))]);
    }
    let mut text = parts.remove(0);
    for part in parts {
        text.push_str(if part.starts_with("and so on") { ", " } else { ", because " });
        text.push_str(&part);
    }
    format!("{}.", capital(&text))
}

/// Links as lines: when, how long after what led to it, what, whose time that was.
pub fn lines(links: &[Link], most: usize) -> String {
    let mut text = String::new();
    let (head, tail) = if links.len() > most { (most / 2, most - most / 2) } else { (links.len(), 0) };
    let shown: Vec<&Link> = links[..head].iter().chain(&links[links.len() - tail..]).collect();
    let at = |link: &Link| time(crate::kernel::time::Time::from_micros(link.at_us));
    let width = shown.iter().map(|link| at(link).len()).max().unwrap_or(0);
    for (index, link) in shown.iter().enumerate() {
        if index == head && tail > 0 {
            text.push_str(&format!("  {:width$}           … {} more\n", "", links.len() - most));
        }
        let wait = link.waited_us.map(crate::kernel::time::Span::from_micros);
        let wait =
            wait.filter(|wait| wait.as_micros() >= 500).map_or_else(String::new, |wait| format!("+{}", span(wait)));
        let owner = link.owner.as_ref().filter(|_| link.waited_us.is_some_and(|waited| waited >= 1_000));
        let owner = owner.map_or_else(String::new, |owner| format!("  ({owner})"));
        text.push_str(&format!("  {:>width$}  {wait:>8}  {}{owner}\n", at(link), link.text));
    }
    text
}

/// Whether a chain leads back to something that the scenario says: an event, or what was applied at the beginning.
pub fn has_root(tale: &Tale<'_>, id: FactId) -> bool {
    let root = &tale.fact(tale.root(id)).fact;
    matches!(root, Fact::FaultBegan { .. } | Fact::Acted { .. })
        || Kind::ALL.iter().any(|&kind| is_commit(root, Verb::Created, kind) && kind != Kind::Pod)
}
