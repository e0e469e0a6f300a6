//! What a ReplicaSet's status says.
//!
//! Source: `pkg/controller/replicaset/replica_set_utils.go` (`calculateStatus`), `pkg/api/v1/pod/util.go`
//! (`IsPodAvailable`), `pkg/controller/controller_utils.go` (`FindMinNextPodAvailabilityCheck`), v1.36.

use super::victims::Moment;
use crate::kernel::time::{Span, Time};
use crate::object::pod::conditions;
use crate::object::replicaset::{REPLICA_FAILURE, ReplicaSetStatus};
use crate::object::{Condition, ConditionStatus, Name, Pod, ReplicaSet, condition};
use std::sync::Arc;

/// For how long a ready pod still has to be ready to count as available; zero if it does, none if it is not ready.
pub fn wait_for_availability(pod: &Pod, min_ready_seconds: i32, moment: Moment) -> Option<Span> {
    let ready = condition::find(&pod.status.conditions, conditions::READY)?;
    let wanted = Span::from_secs(u64::try_from(min_ready_seconds).unwrap_or(0));
    pod.is_ready().then(|| wanted.saturating_sub(moment.clock.since(ready.last_transition, moment.now)))
}

/// Status of `set` given its `active` and `terminating` pods and what kept it from managing them.
pub fn status(
    set: &ReplicaSet,
    active: &[Arc<Pod>],
    terminating: usize,
    failure: Option<&str>,
    moment: Moment,
) -> ReplicaSetStatus {
    let count = |holds: &dyn Fn(&Pod) -> bool| active.iter().filter(|pod| holds(pod)).count() as i32;
    let available = |pod: &Pod| wait_for_availability(pod, set.spec.min_ready_seconds, moment) == Some(Span::ZERO);
    ReplicaSetStatus {
        replicas: active.len() as i32,
        fully_labeled_replicas: count(&|pod| pod.meta.labels.contains_all(&set.spec.template.labels)),
        ready_replicas: count(&Pod::is_ready),
        available_replicas: count(&available),
        terminating_replicas: Some(terminating as i32),
        observed_generation: set.meta.generation,
        conditions: conditions_after(set, active.len() as i32, failure, moment),
    }
}

/// A failure is noted once: while it lasts its text stays as it was.
fn conditions_after(set: &ReplicaSet, active: i32, failure: Option<&str>, moment: Moment) -> Vec<Condition> {
    let mut conditions = set.status.conditions.clone();
    let known = condition::find(&conditions, REPLICA_FAILURE).is_some();
    match failure {
        Some(message) if !known => {
            let reason = if active < set.replicas() { "FailedCreate" } else { "FailedDelete" };
            let now = moment.clock.timestamp(moment.now);
            conditions.push(Condition {
                kind: REPLICA_FAILURE.into(),
                status: ConditionStatus::True,
                reason: reason.into(),
                message: Name::from(message),
                last_transition: now,
                last_update: now,
            });
        }
        None if known => conditions.retain(|condition| condition.kind != REPLICA_FAILURE),
        _ => {}
    }
    conditions
}

/// When to look again at pods that are ready but were not available when they were `judged`: after the shortest wait
/// from then, or after all of it.
pub fn recheck(set: &ReplicaSet, active: &[Arc<Pod>], judged: Moment, now: Time) -> Span {
    let min_ready_seconds = set.spec.min_ready_seconds;
    let waits = active.iter().filter_map(|pod| wait_for_availability(pod, min_ready_seconds, judged));
    let shortest = waits.filter(|&wait| wait > Span::ZERO).min();
    let left = shortest.map(|wait| wait.saturating_sub(now.since(judged.now)));
    left.unwrap_or(Span::from_secs(u64::try_from(min_ready_seconds).unwrap_or(0)))
}
