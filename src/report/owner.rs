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

/// The modelled delays of which a wait since the milestone `before` consists, by the way nodes are modelled: the
/// containers of a placed pod start when their images are there and the runtime has started them, and are ready some time
/// after that. After anything else, as the return of a machine, other things were waited for too.
pub fn delays(facts: &[Recorded], milestone: &str, at: Time, before: &str) -> &'static [DelayId] {
    let first = facts.partition_point(|recorded| recorded.at < at);
    let mut at_that_time = facts[first..].iter().take_while(|recorded| recorded.at == at);
    let pulls =
        |recorded: &Recorded| matches!(recorded.fact, Fact::ContainersStarted { pulled, .. } if pulled > Span::ZERO);
    match (before, milestone) {
        ("placed", "started") if at_that_time.any(pulls) => &[DelayId::ImagePull, DelayId::ContainerStart],
        ("placed", "started") => &[DelayId::ContainerStart],
        ("started", "ready") => &[DelayId::ReadyAfter],
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
        ("evicted", Fact::Commit { verb: Verb::Terminating, kind: Kind::Pod, key, .. }) => row.concerns(key),
        ("replaced", Fact::Commit { verb: Verb::Created, kind: Kind::Pod, key, .. }) => row.concerns(key),
        ("placed" | "ready", Fact::Commit { verb: Verb::Updated, kind: Kind::Pod, key, .. })
        | ("started", Fact::ContainersStarted { pod: key, .. }) => row.concerns(key),
        ("routed", Fact::Routed { service, .. }) => service.namespace == row.workload.1.namespace,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::fact::Why;
    use crate::object::{Key, Name};
    use SettingId::{DefaultUnreachableToleration as Toleration, NodeMonitorGracePeriod as Grace};

    fn second(second: u64) -> Time {
        Time::ZERO + Span::from_secs(second)
    }

    /// Facts at these seconds, of these causes and settings.
    fn facts(list: &[(u64, FactId, Option<SettingId>)]) -> Vec<Recorded> {
        let fact = || Fact::MachineDown(Name::from("n1"));
        let recorded = |&(at, cause, setting)| Recorded { at: second(at), fact: fact(), why: Why { cause, setting } };
        list.iter().map(recorded).collect()
    }

    #[test]
    fn the_owner_of_a_wait_is_found_along_its_causes_and_not_beyond_the_wait() {
        let chain = facts(&[
            (50, FactId::NONE, Some(Grace)),
            (350, FactId(0), Some(Toleration)),
            (351, FactId(1), None),
            (352, FactId(2), None),
        ]);
        let owner = |fact: usize, before| along_the_chain(&chain, &chain[fact], second(before));
        assert_eq!(owner(1, 50), Some(Toleration));
        assert_eq!(owner(3, 50), Some(Toleration), "what led to it came after the milestone before");
        assert_eq!(owner(3, 350), None, "that wait was the milestone's before");
        assert_eq!(owner(0, 0), Some(Grace));
        assert_eq!(
            along_the_chain(&facts(&[(9, FactId::NONE, None)]), &facts(&[(9, FactId::NONE, None)])[0], second(0)),
            None
        );
    }

    #[test]
    fn modelled_delays_own_only_the_waits_that_consist_of_them() {
        let started = |at, pulled| Recorded {
            at,
            fact: Fact::ContainersStarted {
                pod: Key::new("default", "web"),
                node: "n1".into(),
                failed: Span::ZERO,
                pulled,
                slowed: Span::ZERO,
            },
            why: Why::NOTHING,
        };
        let [cached, pulled] = [1, 2].map(Time::from_micros);
        let facts = [started(cached, Span::ZERO), started(pulled, Span::from_secs(4))];
        let owners = |milestone, at, before| delays(&facts, milestone, at, before);
        assert_eq!(owners("started", cached, "placed"), [DelayId::ContainerStart]);
        assert_eq!(owners("started", pulled, "placed"), [DelayId::ImagePull, DelayId::ContainerStart]);
        assert_eq!(owners("started", pulled, "tainted"), [], "the machine came back: its absence was waited for too");
        assert_eq!(owners("ready", pulled, "routed"), []);
    }
}
