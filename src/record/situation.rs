//! Where a pod stands, in a word, as its status tells: what a workload's state is made of.

use crate::object::pod::{CRASH_LOOP, conditions};
use crate::object::{ConditionStatus, Name, Phase, Pod, condition};

/// Where a pod stands, as the API server has it. In the order in which a pod that does not get on goes through them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Situation {
    /// It has no node yet.
    Pending,
    /// The scheduler has found no node for it.
    Unschedulable,
    /// It has a node; its containers have not started.
    Creating,
    /// Its containers wait for something that has a name, as `ImagePullBackOff`.
    Waiting(Name),
    /// Its containers run, and it is not ready.
    Running,
    /// It is ready.
    Ready,
    /// Its containers have exited and are to be started again.
    BackOff,
    /// It is being deleted.
    Terminating,
    /// It has ended, with a reason if it has one, as `Evicted`.
    Ended(Name),
}

impl Situation {
    /// That of a pod.
    pub fn of(pod: &Pod) -> Situation {
        let status = &pod.status;
        let is_refused =
            || condition::status(&status.conditions, conditions::SCHEDULED) == Some(ConditionStatus::False);
        let waiting = || status.containers.iter().map(|container| &container.waiting).find(|reason| !reason.is_empty());
        let is_restarting =
            || status.containers.iter().any(|container| !container.is_running && container.restart_count > 0);
        match status.phase {
            Phase::Succeeded | Phase::Failed => Situation::Ended(status.reason.clone()),
            _ if pod.meta.is_terminating() => Situation::Terminating,
            _ if pod.node_name.is_empty() && is_refused() => Situation::Unschedulable,
            _ if pod.node_name.is_empty() => Situation::Pending,
            _ if pod.is_ready() => Situation::Ready,
            _ => match waiting() {
                Some(reason) if reason == CRASH_LOOP => Situation::BackOff,
                Some(reason) => Situation::Waiting(reason.clone()),
                None if is_restarting() => Situation::BackOff,
                None if pod.is_running() => Situation::Running,
                None => Situation::Creating,
            },
        }
    }

    /// As kubectl names it in the column STATUS, where it does.
    pub fn name(&self) -> &str {
        match self {
            Situation::Pending => "Pending",
            Situation::Unschedulable => "Unschedulable",
            Situation::Creating => "ContainerCreating",
            Situation::Waiting(reason) => reason,
            Situation::Running => "Running",
            Situation::Ready => "Ready",
            Situation::BackOff => "CrashLoopBackOff",
            Situation::Terminating => "Terminating",
            Situation::Ended(reason) if reason.is_empty() => "Ended",
            Situation::Ended(reason) => reason,
        }
    }

    /// What a pod in this situation adds to the number that stands for the state of its workload. Sums of such numbers tell
    /// states apart whatever the order of the pods. A pod that has ended is no part of it: they pile up.
    pub fn weight(&self, is_current: bool) -> u64 {
        if let Situation::Ended(_) = self {
            return 0;
        }
        // FNV-1a, offset basis and prime of 64 bits (Fowler, Noll, Vo), and then spread over all bits, since sums of plain
        // FNV numbers of short words would meet. Source of the last steps: `mix64` of SplitMix64 (Steele, Lea, Flood 2014).
        let bytes = self.name().bytes().chain([u8::from(is_current)]);
        let hash = bytes
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Condition;
    use crate::object::pod::ContainerStatus;

    fn pod(node: &str, phase: Phase, container: Option<(bool, u32, &str)>, conditions: &[(&str, bool)]) -> Pod {
        let mut pod = Pod { node_name: node.into(), ..Pod::default() };
        pod.status.phase = phase;
        pod.status.containers = container
            .map(|(is_running, restart_count, waiting)| ContainerStatus {
                name: "c".into(),
                is_running,
                is_ready: false,
                restart_count,
                exit_code: None,
                waiting: waiting.into(),
            })
            .into_iter()
            .collect();
        pod.status.conditions = conditions
            .iter()
            .map(|&(kind, holds)| Condition {
                kind: kind.into(),
                status: ConditionStatus::from(holds),
                reason: Name::none(),
                message: Name::none(),
                last_transition: Default::default(),
                last_update: Default::default(),
            })
            .collect();
        pod
    }

    #[test]
    fn a_pod_stands_where_its_status_says() {
        let (pending, running) = (Phase::Pending, Phase::Running);
        for (pod, name) in [
            (pod("", pending, None, &[]), "Pending"),
            (pod("", pending, None, &[("PodScheduled", false)]), "Unschedulable"),
            (pod("n1", pending, None, &[("PodScheduled", true)]), "ContainerCreating"),
            (pod("n1", pending, Some((false, 0, "ErrImagePull")), &[]), "ErrImagePull"),
            (pod("n1", running, Some((true, 0, "")), &[("Ready", false)]), "Running"),
            (pod("n1", running, Some((true, 0, "")), &[("Ready", true)]), "Ready"),
            (pod("n1", running, Some((false, 2, "")), &[("Ready", false)]), "CrashLoopBackOff"),
            (pod("n1", running, Some((true, 2, "")), &[("Ready", false)]), "Running"),
            (pod("n1", Phase::Succeeded, None, &[]), "Ended"),
        ] {
            assert_eq!(Situation::of(&pod).name(), name);
        }
        let mut evicted = pod("n1", Phase::Failed, None, &[]);
        evicted.status.reason = "Evicted".into();
        assert_eq!((Situation::of(&evicted).name(), Situation::of(&evicted).weight(true)), ("Evicted", 0));
    }

    #[test]
    fn sums_tell_states_apart() {
        let all = [Situation::Pending, Situation::Creating, Situation::Running, Situation::Ready, Situation::BackOff];
        let mut weights: Vec<u64> = Vec::new();
        for (first, one) in all.iter().enumerate() {
            for two in &all[first..] {
                weights.push(one.weight(true).wrapping_add(two.weight(true)));
                weights.push(one.weight(false).wrapping_add(two.weight(true)));
            }
        }
        let all = weights.len();
        weights.sort_unstable();
        weights.dedup();
        assert_eq!(weights.len(), all);
    }
}
