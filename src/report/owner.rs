//! Who owns a wait: the setting or the modelled delays that made a milestone come when it came.
//!
//! Settings are found in the records: the fact of the milestone and what led to it, back to the milestone before. Where
//! they name none, the answer is none; nothing is guessed.

use crate::kernel::time::{Span, Time};
use crate::object::fact::Verb;
use crate::object::{DelayId, Fact, FactId, Kind, SettingId};
use crate::record::Recorded;
use crate::record::outage::{Outage, Row};

/// The setting that owns the wait for `milestone`, reached at `at`, since `before`.
pub fn setting(
    facts: &[Recorded],
    outage: &Outage,
    row: &Row,
    milestone: &str,
    at: Time,
    before: Time,
) -> Option<SettingId> {
    let first = facts.partition_point(|recorded| recorded.at < at);
    let at_that_time = facts[first..].iter().take_while(|recorded| recorded.at == at);
    let of_milestone = at_that_time.filter(|recorded| is_of(&recorded.fact, milestone, outage, row));
    of_milestone.filter_map(|recorded| along_the_chain(facts, recorded, before)).next()
}

/// The modelled delays of which the wait for `milestone`, reached at `at`, consists, by the way nodes are modelled:
/// containers start when their images are there and the runtime has started them, and are ready some time after that.
pub fn delays(facts: &[Recorded], milestone: &str, at: Time) -> &'static [DelayId] {
    let first = facts.partition_point(|recorded| recorded.at < at);
    let mut at_that_time = facts[first..].iter().take_while(|recorded| recorded.at == at);
    let pulls =
        |recorded: &Recorded| matches!(recorded.fact, Fact::ContainersStarted { pulled, .. } if pulled > Span::ZERO);
    match milestone {
        "started" if at_that_time.any(pulls) => &[DelayId::ImagePull, DelayId::ContainerStart],
        "started" => &[DelayId::ContainerStart],
        "ready" => &[DelayId::ReadyAfter],
        _ => &[],
    }
}

fn along_the_chain(facts: &[Recorded], from: &Recorded, before: Time) -> Option<SettingId> {
    let mut current = from;
    loop {
        if let Some(setting) = current.why.setting {
            return Some(setting);
        }
        if current.why.cause == FactId::NONE {
            return None;
        }
        let cause = &facts[current.why.cause.0 as usize];
        // What happened by the milestone before belongs to that one's wait.
        if cause.at <= before {
            return None;
        }
        current = cause;
    }
}

/// Whether a fact is what the milestone consists of.
fn is_of(fact: &Fact, milestone: &str, outage: &Outage, row: &Row) -> bool {
    match (milestone, fact) {
        ("noticed" | "tainted", Fact::Commit { verb: Verb::Updated, kind: Kind::Node, key, .. }) => {
            outage.nodes.contains(&key.name)
        }
        ("evicted", Fact::Commit { verb: Verb::Terminating, kind: Kind::Pod, key, .. }) => row.lost.contains(key),
        ("replaced", Fact::Commit { verb: Verb::Created, kind: Kind::Pod, key, .. }) => row.replacements.contains(key),
        ("placed" | "ready", Fact::Commit { verb: Verb::Updated, kind: Kind::Pod, key, .. })
        | ("started", Fact::ContainersStarted { pod: key, .. }) => {
            row.replacements.contains(key) || row.lost.contains(key)
        }
        ("routed", Fact::Routed { service, .. }) => service.namespace == row.workload.1.namespace,
        _ => false,
    }
}
