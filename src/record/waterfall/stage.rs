//! What a pod that does not serve waits for, by what is known of it and of its node.

use super::{Cause, Owner};
use crate::kernel::time::Time;
use crate::object::behavior::{CONTAINER_START, READY_AFTER};
use crate::object::node::zone_name;
use crate::object::taint::{Taint, Toleration, default_toleration, tolerated_for_ever};
use crate::object::{ConditionStatus, DelayId, Fact, Name, Node, Pod, SettingId, Settings};
use std::sync::Arc;

/// A pod that is meant to serve and does not: it is neither ended nor being deleted.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// As the API has it.
    pub pod: Arc<Pod>,
    /// The vacancy that it holds.
    pub vacancy: Option<u32>,
    /// Whether the scheduler has said that no node is right for it.
    pub is_rejected: bool,
    /// When it was tried again in vain.
    pub tried: Option<Time>,
    /// How far it is on its node.
    pub progress: Progress,
    /// When it was bound.
    pub bound: Option<Time>,
}

/// How far a pod is on its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Its containers have never run, or stopped with their machine.
    Starting,
    /// Its images cannot be pulled, as its status says.
    PullFails,
    /// Its containers have exited.
    Exited,
    /// Its containers run.
    Running,
}

/// Reasons of containers that wait for their images.
const PULL_REASONS: [&str; 2] = ["ErrImagePull", "ImagePullBackOff"];

impl Candidate {
    /// A pod of which nothing more is known.
    pub fn new(pod: Arc<Pod>) -> Candidate {
        Candidate { pod, vacancy: None, is_rejected: false, tried: None, progress: Progress::Starting, bound: None }
    }

    /// Takes the pod as it is now.
    pub fn update(&mut self, at: Time, pod: &Arc<Pod>) {
        if self.pod.node_name != pod.node_name {
            self.bound = Some(at);
        }
        let mut waiting = pod.status.containers.iter().map(|container| container.waiting.as_str());
        let fails = waiting.any(|reason| PULL_REASONS.contains(&reason));
        self.progress = match self.progress {
            Progress::Starting if fails => Progress::PullFails,
            Progress::PullFails if !fails => Progress::Starting,
            progress => progress,
        };
        self.pod = pod.clone();
    }

    /// What it waits for.
    pub fn cause(&self, node: &NodeState) -> Cause {
        if self.pod.node_name.is_empty() {
            return if self.is_rejected { Cause::NoRoom } else { Cause::NotPlaced };
        }
        match self.progress {
            // What still runs on a node that is cut off gets on by itself.
            Progress::Running if !node.is_off => Cause::NotReady,
            _ if node.is_lost() => match node {
                NodeState { is_noticed: false, .. } => Cause::NotNoticed,
                NodeState { is_tainted: false, .. } => Cause::RateLimited,
                _ => Cause::Tolerated,
            },
            Progress::Starting => Cause::Starting,
            Progress::PullFails => Cause::Pulling,
            Progress::Exited => Cause::Restarting,
            Progress::Running => Cause::NotReady,
        }
    }

    /// Whether it tolerates the taints of its node for ever, so that nothing of the cluster's own will replace it.
    pub fn stays_for_ever(&self, node: &NodeState) -> bool {
        let tolerations = &self.pod.spec.tolerations;
        !node.taints.is_empty() && node.taints.iter().all(|taint| tolerated_for_ever(tolerations, taint))
    }

    /// Who says for how long it tolerates the taints of its node: the default, if that is what its toleration says.
    fn tolerated(&self, node: &NodeState, settings: &Settings) -> Owner {
        let evicts = |toleration: &&Toleration| {
            let is_meant = |taint: &Taint| toleration.tolerates(taint);
            toleration.seconds.is_some() && (node.taints.is_empty() || node.taints.iter().any(is_meant))
        };
        let evicting = self.pod.spec.tolerations.iter().filter(evicts);
        let own = |value: Name| Owner::Pod("tolerationSeconds", value);
        let Some(least) = evicting.min_by_key(|toleration| toleration.seconds) else { return own("for ever".into()) };
        let seconds = least.seconds.unwrap_or(0).max(0);
        let default = default_toleration(&least.key).filter(|&id| settings.get(id) == seconds);
        default.map_or_else(|| own(seconds.to_string().into()), Owner::Setting)
    }

    /// Who owns the wait if nothing that ends it says so.
    pub fn usual_owner(&self, cause: Cause, node: &NodeState, settings: &Settings) -> Owner {
        let annotated = |key| Some(Owner::Pod(key, self.pod.meta.annotations.get(key)?.clone()));
        match cause {
            Cause::NotNoticed => Owner::Setting(SettingId::NodeMonitorGracePeriod),
            Cause::RateLimited => Owner::Setting(SettingId::NodeEvictionPeriod),
            Cause::Tolerated => self.tolerated(node, settings),
            Cause::Pulling if self.progress == Progress::PullFails => Owner::Setting(SettingId::ImagePullBackoffBase),
            Cause::Pulling => Owner::Delay(DelayId::ImagePull),
            Cause::Starting => annotated(CONTAINER_START).unwrap_or(Owner::Delay(DelayId::ContainerStart)),
            Cause::Restarting => Owner::Setting(SettingId::CrashLoopBackoffBase),
            Cause::NotReady => annotated(READY_AFTER).unwrap_or(Owner::Delay(DelayId::ReadyAfter)),
            _ => Owner::Nobody,
        }
    }
}

/// What is so with a node, and what the API says of it.
#[derive(Clone, Debug, Default)]
pub struct NodeState {
    /// Whether its machine is off.
    pub is_off: bool,
    /// Whether nothing can pass between it and the control plane.
    pub is_cut: bool,
    /// Whether its kubelet does not run.
    pub is_hung: bool,
    /// Whether the API knows that it is not ready.
    pub is_noticed: bool,
    /// Whether it has a taint of the node lifecycle controller that evicts pods.
    pub is_tainted: bool,
    /// Its zone, as the node lifecycle controller names it.
    pub zone: Name,
    /// Its NoExecute taints.
    pub taints: Vec<Taint>,
}

impl NodeState {
    /// Whether a pod cannot get on there.
    pub const fn is_lost(&self) -> bool {
        self.is_off || self.is_cut || self.is_hung
    }

    /// A fact of ground truth about this node; whether anything changed.
    pub fn on_fact(&mut self, fact: &Fact) -> bool {
        let (field, value) = match fact {
            Fact::MachineDown(_) => (&mut self.is_off, true),
            Fact::MachineUp(_) => {
                // A kubelet that hung is a new one now.
                self.is_hung = false;
                (&mut self.is_off, false)
            }
            Fact::LinkCut(_) => (&mut self.is_cut, true),
            Fact::LinkHealed(_) => (&mut self.is_cut, false),
            Fact::KubeletDown(_) => (&mut self.is_hung, true),
            Fact::KubeletUp(_) => (&mut self.is_hung, false),
            _ => return false,
        };
        std::mem::replace(field, value) != value
    }

    /// What the API says of it now; whether that matters to anything that waits.
    pub fn on_commit(&mut self, node: &Node) -> bool {
        self.taints = node.evicting_taints().cloned().collect();
        self.zone = zone_name(&node.zone_key()).into();
        let is_noticed = node.ready() != Some(ConditionStatus::True);
        let is_tainted = !self.taints.is_empty();
        let changed = (self.is_noticed, self.is_tainted) != (is_noticed, is_tainted);
        (self.is_noticed, self.is_tainted) = (is_noticed, is_tainted);
        changed
    }
}
