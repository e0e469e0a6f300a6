//! Is a node alive? What one look at a node and its lease makes of what was known of it.
//!
//! Source: `pkg/controller/nodelifecycle/node_lifecycle_controller.go` (`tryUpdateNodeHealth`), v1.36. Left out: the
//! time of the last transition, which nothing reads any more. Dates of the node and of its lease are compared with
//! each other only, never with the controller's clock, so a node whose clock is wrong is judged by its own.

use crate::kernel::time::Time;
use crate::object::condition;
use crate::object::node::conditions::{DISK_PRESSURE, MEMORY_PRESSURE, PID_PRESSURE, READY};
use crate::object::{Clock, Condition, ConditionStatus, Lease, MicroTime, Node, SettingId, Settings};

/// What is remembered of a node from one look to the next (`nodeHealthData`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The Ready condition as it was last reported, or written by us.
    pub ready: Option<Condition>,
    /// `renewTime` of the lease that was last taken for a sign of life.
    pub renewed: Option<MicroTime>,
    /// When the last sign of life was seen, by the controller's own clock.
    pub probe: Time,
}

/// When the look is taken, and under which settings.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Simulated time.
    pub now: Time,
    /// Turns it into dates.
    pub clock: Clock,
    /// Grace periods.
    pub settings: &'a Settings,
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Ready as the object says; Unknown if it says nothing.
    pub observed: ConditionStatus,
    /// Ready as it is after the look, if it is known at all.
    pub current: Option<ConditionStatus>,
    /// Conditions to be written, because the node has been silent for too long.
    pub write: Option<Vec<Condition>>,
    /// The grace period that the node is entitled to.
    pub grace: SettingId,
}

/// Looks at a node: notes signs of life in `record`, and finds it Unknown once it has been silent for longer than its
/// grace period.
pub fn look(node: &Node, lease: Option<&Lease>, record: &mut Option<Record>, at: &Moment<'_>) -> Look {
    let ready = condition::find(&node.conditions, READY);
    let saved_renewal = record.as_ref().and_then(|record| record.renewed);
    let record = note_status(node, ready, record, at);
    if let Some(lease) = lease.filter(|lease| saved_renewal.is_none_or(|saved| saved < lease.renew_time)) {
        record.renewed = Some(lease.renew_time);
        record.probe = at.now;
    }
    let grace = if ready.is_some() { SettingId::NodeMonitorGracePeriod } else { SettingId::NodeStartupGracePeriod };
    let observed = ready.map_or(ConditionStatus::Unknown, |ready| ready.status);
    let is_silent = at.now > record.probe + at.settings.span(grace);
    let is_unknown = ready.is_some_and(|ready| ready.status == ConditionStatus::Unknown);
    Look {
        observed,
        current: if is_silent { Some(ConditionStatus::Unknown) } else { ready.map(|ready| ready.status) },
        write: (is_silent && !is_unknown).then(|| silenced(node, at)),
        grace,
    }
}

/// Takes a new heartbeat in the node's status for a sign of life.
///
/// Whenever the status is taken over, the lease seen before is forgotten with the old record. Upstream does so too; the
/// next look then takes the same lease for a sign of life once more.
fn note_status<'r>(
    node: &Node,
    ready: Option<&Condition>,
    record: &'r mut Option<Record>,
    at: &Moment<'_>,
) -> &'r mut Record {
    let Some(saved) = record else {
        let probe = if ready.is_some() { at.now } else { at.clock.time_of(node.meta.created) };
        return record.insert(Record { ready: ready.cloned(), renewed: None, probe });
    };
    match ready {
        None => saved.ready = None,
        Some(ready) if saved.ready.as_ref().is_none_or(|old| old.last_update != ready.last_update) => {
            *saved = Record { ready: Some(ready.clone()), renewed: None, probe: at.now };
        }
        Some(_) => {}
    }
    saved
}

/// The conditions of a node that has fallen silent. Not NetworkUnavailable, which is not the kubelet's.
fn silenced(node: &Node, at: &Moment<'_>) -> Vec<Condition> {
    let now = at.clock.timestamp(at.now);
    let mut conditions = node.conditions.clone();
    for kind in [READY, MEMORY_PRESSURE, DISK_PRESSURE, PID_PRESSURE] {
        match conditions.iter_mut().find(|condition| condition.kind == kind) {
            None => conditions.push(Condition {
                kind: kind.into(),
                status: ConditionStatus::Unknown,
                reason: "NodeStatusNeverUpdated".into(),
                message: "Kubelet never posted node status.".into(),
                last_transition: now,
                last_update: node.meta.created,
            }),
            Some(condition) if condition.status != ConditionStatus::Unknown => {
                condition.status = ConditionStatus::Unknown;
                condition.reason = "NodeStatusUnknown".into();
                condition.message = "Kubelet stopped posting node status.".into();
                condition.last_transition = now;
            }
            Some(_) => {}
        }
    }
    conditions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::time::Span;
    use crate::object::{Key, Meta, Timestamp};

    const EPOCH: i64 = 1_795_543_200;

    fn condition(kind: &str, status: ConditionStatus, heartbeat: i64) -> Condition {
        Condition {
            kind: kind.into(),
            status,
            reason: "KubeletReady".into(),
            message: "kubelet is posting ready status".into(),
            last_transition: Timestamp(EPOCH),
            last_update: Timestamp(EPOCH + heartbeat),
        }
    }

    fn node(ready: Option<(ConditionStatus, i64)>) -> Node {
        let mut node = Node { meta: Meta::new(Key::cluster("n1")), ..Node::default() };
        node.meta.created = Timestamp(EPOCH);
        node.conditions.extend(ready.map(|(status, heartbeat)| condition(READY, status, heartbeat)));
        node
    }

    fn lease(renewed: i64) -> Lease {
        Lease { renew_time: MicroTime(renewed), ..Lease::default() }
    }

    fn look_at(node: &Node, lease: Option<&Lease>, record: &mut Option<Record>, now: Time) -> Look {
        let settings = Settings::default();
        let clock = Clock { epoch_micros: EPOCH * 1_000_000 };
        look(node, lease, record, &Moment { now, clock, settings: &settings })
    }

    fn secs(seconds: u64) -> Time {
        Time::ZERO + Span::from_secs(seconds)
    }

    #[test]
    fn only_a_new_heartbeat_or_a_newer_lease_is_a_sign_of_life() {
        use ConditionStatus::{False, True, Unknown};
        // Saved: Ready with heartbeat 5, lease 100, seen at 10 s. The look is at 40 s.
        for (name, status, renewed, probe) in [
            ("nothing new", Some((True, 5)), Some(100), 10),
            ("newer lease", Some((True, 5)), Some(101), 40),
            ("older lease", Some((True, 5)), Some(99), 10),
            ("lease gone", Some((True, 5)), None, 10),
            ("new heartbeat", Some((True, 15)), Some(100), 40),
            ("heartbeat in the past", Some((True, 3)), Some(100), 40),
            ("another status without heartbeat", Some((False, 5)), Some(100), 10),
            ("unknown without heartbeat", Some((Unknown, 5)), Some(100), 10),
            ("status gone", None, Some(100), 10),
        ] {
            let saved = Record {
                ready: node(Some((True, 5))).conditions.pop(),
                renewed: Some(MicroTime(100)),
                probe: secs(10),
            };
            let mut record = Some(saved);
            look_at(&node(status), renewed.map(lease).as_ref(), &mut record, secs(40));
            assert_eq!(record.unwrap().probe, secs(probe), "{name}");
        }
    }

    #[test]
    fn a_lease_seen_before_a_new_heartbeat_counts_once_more() {
        let (mut record, lease) = (None, lease(100));
        let ready = |heartbeat| node(Some((ConditionStatus::True, heartbeat)));
        look_at(&ready(0), Some(&lease), &mut record, secs(5));
        look_at(&ready(0), Some(&lease), &mut record, secs(10));
        assert_eq!(record.as_ref().unwrap().probe, secs(5));
        look_at(&ready(12), Some(&lease), &mut record, secs(15));
        look_at(&ready(12), Some(&lease), &mut record, secs(20));
        assert_eq!(record.as_ref().unwrap().probe, secs(20));
        look_at(&ready(12), Some(&lease), &mut record, secs(25));
        assert_eq!(record.unwrap().probe, secs(20));
    }

    #[test]
    fn a_node_is_unknown_when_it_was_silent_for_longer_than_its_grace_period() {
        use ConditionStatus::{False, True, Unknown};
        for (status, silent_micros, current, is_written) in [
            (Some(True), 50_000_000, Some(True), false),
            (Some(True), 50_000_001, Some(Unknown), true),
            (Some(False), 50_000_001, Some(Unknown), true),
            (Some(Unknown), 50_000_001, Some(Unknown), false),
            (None, 60_000_000, None, false),
            (None, 60_000_001, Some(Unknown), true),
        ] {
            let node = node(status.map(|status| (status, 0)));
            let mut record = None;
            look_at(&node, None, &mut record, Time::ZERO);
            let found = look_at(&node, None, &mut record, Time::from_micros(silent_micros));
            assert_eq!((found.current, found.write.is_some()), (current, is_written), "{status:?} {silent_micros}");
            assert_eq!(found.observed, status.unwrap_or(Unknown));
        }
    }

    #[test]
    fn silence_makes_four_conditions_unknown_and_leaves_the_network_alone() {
        let mut node = node(Some((ConditionStatus::True, 0)));
        node.conditions.push(condition("NetworkUnavailable", ConditionStatus::False, 0));
        node.conditions.push(condition(DISK_PRESSURE, ConditionStatus::False, 0));
        let mut record = None;
        look_at(&node, None, &mut record, Time::ZERO);
        let found = look_at(&node, None, &mut record, secs(51)).write.unwrap();
        let lines: Vec<String> = found
            .iter()
            .map(|c| format!("{}={} {} {}", c.kind, c.status, c.reason, c.last_transition.0 - EPOCH))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        Ready=Unknown NodeStatusUnknown 51
        NetworkUnavailable=False KubeletReady 0
        DiskPressure=Unknown NodeStatusUnknown 51
        MemoryPressure=Unknown NodeStatusNeverUpdated 51
        PIDPressure=Unknown NodeStatusNeverUpdated 51
        ");
    }
}
