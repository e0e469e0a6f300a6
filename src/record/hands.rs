//! Pods that change hands: a workload that is deleted without what it owns leaves them to themselves, a ReplicaSet releases
//! and adopts them, and a Deployment adopts a ReplicaSet with all its pods.

use super::workloads::{WorkloadId, Workloads};
use crate::kernel::time::Time;
use crate::object::{Key, Kind, Uid};

impl Workloads {
    /// Pods that changed hands with the last commit, each with the workload that it belonged to before.
    pub fn take_moved(&mut self) -> Vec<(Key, Option<WorkloadId>)> {
        std::mem::take(&mut self.moved)
    }

    /// The pods of a ReplicaSet belong to another workload now.
    pub(super) fn set_moves(&mut self, at: Time, set: Uid) {
        let own = self.pods.iter().filter(|(_, record)| record.owner == Some(set));
        for pod in own.map(|(pod, _)| pod.clone()).collect::<Vec<_>>() {
            self.pod_moves(at, &pod, Some(set), None);
        }
    }

    /// A pod has another owner now, or its owner has; `workload` is the one that it belongs to, the present one of its
    /// ReplicaSet if none is named.
    pub(super) fn pod_moves(&mut self, at: Time, pod: &Key, owner: Option<Uid>, workload: Option<WorkloadId>) {
        let Some(before) = self.pods.get(pod).cloned() else { return };
        let workload = workload.or_else(|| self.workload_of(&before.pod));
        let mut after = before.clone();
        (after.owner, after.workload) = (owner, workload.clone());
        after.is_current = self.templates.is_current(owner);
        self.pods.insert(pod.clone(), after.clone());
        if workload == before.workload {
            return;
        }
        self.moved.push((pod.clone(), before.workload.clone()));
        self.stands(at, before.workload.as_ref(), Some(&before), None);
        self.stands(at, workload.as_ref(), None, Some(&after));
        // Nobody wants it on its own any more.
        if let Some(bare @ (Kind::Pod, _)) = before.workload {
            self.set_desired(at, bare, 0);
        }
    }
}
