//! Pods.
//!
//! Source: `pkg/registry/core/pod/strategy.go`, `pkg/apis/core/v1/defaults.go`, v1.36.

use super::condition::{self, Condition, ConditionStatus};
use super::edit::Edit;
use super::invalid::FieldErrors;
use super::labels::Labels;
use super::meta::Meta;
use super::name::Name;
use super::node_affinity::NodeAffinity;
use super::resources::{ContainerRequests, ResourceList, Resources, pod_requests};
use super::setting::Settings;
use super::stamp::Timestamp;
use super::strategy::Strategy;
use super::taint::Toleration;
use super::topology_spread::SpreadConstraint;
use super::{Document, Kind, validation};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Condition types of pods.
pub mod conditions {
    /// A node has been chosen.
    pub const SCHEDULED: &str = "PodScheduled";
    /// Init containers are done.
    pub const INITIALIZED: &str = "Initialized";
    /// The sandbox has a network.
    pub const READY_TO_START: &str = "PodReadyToStartContainers";
    /// All containers are ready.
    pub const CONTAINERS_READY: &str = "ContainersReady";
    /// The pod may receive traffic.
    pub const READY: &str = "Ready";
    /// Somebody is about to delete it, and why.
    pub const DISRUPTION_TARGET: &str = "DisruptionTarget";
    /// Reason of a disruption: a taint of its node that it does not tolerate, or does not any longer.
    pub const BY_TAINT: &str = "DeletionByTaintManager";
}

/// Reason of containers that have exited and wait to be started again.
pub const CRASH_LOOP: &str = "CrashLoopBackOff";

/// When containers that ended are started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RestartPolicy {
    /// Always.
    #[default]
    Always,
    /// If they failed.
    OnFailure,
    /// Never.
    Never,
}

impl RestartPolicy {
    /// As in the API.
    pub const fn name(self) -> &'static str {
        match self {
            RestartPolicy::Always => "Always",
            RestartPolicy::OnFailure => "OnFailure",
            RestartPolicy::Never => "Never",
        }
    }
}

/// Where a pod is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Accepted, not all containers have started.
    #[default]
    Pending,
    /// At least one container runs or will.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, one badly.
    Failed,
    /// Its state cannot be had.
    Unknown,
}

impl Phase {
    /// Succeeded or Failed.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Phase::Succeeded | Phase::Failed)
    }

    /// As in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Pending => "Pending",
            Phase::Running => "Running",
            Phase::Succeeded => "Succeeded",
            Phase::Failed => "Failed",
            Phase::Unknown => "Unknown",
        }
    }
}

/// A port that a container opens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ContainerPort {
    /// Name, often empty.
    pub name: Name,
    /// Port in the pod.
    pub port: i32,
    /// Port of the node, or zero.
    pub host_port: i32,
    /// TCP, UDP or SCTP.
    pub protocol: Name,
}

/// A container as asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Container {
    /// Name.
    pub name: Name,
    /// Image.
    pub image: Name,
    /// `resources.requests`.
    pub requests: ResourceList,
    /// `resources.limits`: kept, not simulated yet.
    pub limits: ResourceList,
    /// Ports.
    pub ports: Vec<ContainerPort>,
    /// An init container with `restartPolicy: Always`.
    pub is_sidecar: bool,
}

impl Container {
    fn as_requests(&self) -> ContainerRequests<'_> {
        ContainerRequests { requests: &self.requests, is_sidecar: self.is_sidecar }
    }
}

/// What of a pod is the same for all replicas of a template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodSpec {
    /// Containers.
    pub containers: Vec<Container>,
    /// Init containers.
    pub init_containers: Vec<Container>,
    /// Labels that the node must have.
    pub node_selector: Labels,
    /// `affinity.nodeAffinity`; none if it asks for nothing.
    pub node_affinity: Option<Arc<NodeAffinity>>,
    /// Tolerations.
    pub tolerations: Vec<Toleration>,
    /// How it wants to be spread.
    pub topology_spread: Vec<SpreadConstraint>,
    /// Restart policy.
    pub restart_policy: RestartPolicy,
    /// `terminationGracePeriodSeconds`; filled in by defaulting.
    pub termination_grace_seconds: Option<i64>,
    /// Name of the priority class.
    pub priority_class: Name,
    /// Priority, filled in by admission.
    pub priority: Option<i32>,
    /// Whether it may preempt others.
    pub never_preempts: bool,
    /// Which scheduler places it; filled in by defaulting.
    pub scheduler_name: Name,
    /// `hostNetwork`.
    pub host_network: bool,
    /// `overhead`.
    pub overhead: ResourceList,
    /// Names of the scheduling gates.
    pub scheduling_gates: Vec<Name>,
    /// The `spec` of the manifest, with what the simulator does not interpret.
    pub source: Option<Arc<Document>>,
}

impl PodSpec {
    /// The pod's requests; with `charge_missing`, as the scheduler charges them when it scores nodes.
    pub fn requests(&self, charge_missing: bool) -> Resources {
        let containers: Vec<_> = self.containers.iter().map(Container::as_requests).collect();
        let init_containers: Vec<_> = self.init_containers.iter().map(Container::as_requests).collect();
        pod_requests(&containers, &init_containers, &self.overhead, charge_missing)
    }
}

/// What a kubelet says of one container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContainerStatus {
    /// Name.
    pub name: Name,
    /// Whether it runs.
    pub is_running: bool,
    /// Whether it is ready.
    pub is_ready: bool,
    /// How often it was started again.
    pub restart_count: u32,
    /// Exit code of the last run, once it has ended.
    pub exit_code: Option<i32>,
    /// Why it waits, in a word, as `ErrImagePull`; none if there is nothing to say.
    pub waiting: Name,
}

/// `status` of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodStatus {
    /// Phase.
    pub phase: Phase,
    /// Conditions.
    pub conditions: Vec<Condition>,
    /// Containers, in the order of the spec.
    pub containers: Vec<ContainerStatus>,
    /// Address, once the sandbox has one.
    pub ip: Option<Ipv4Addr>,
    /// When the kubelet first saw it.
    pub start_time: Option<Timestamp>,
    /// Node on which preemption made room.
    pub nominated_node: Name,
    /// One word why it is in this phase, as `Evicted`.
    pub reason: Name,
    /// A sentence why.
    pub message: Name,
}

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pod {
    /// Metadata.
    pub meta: Meta,
    /// What all replicas share.
    pub spec: Arc<PodSpec>,
    /// `spec.nodeName`: empty until bound.
    pub node_name: Name,
    /// Status.
    pub status: PodStatus,
}

impl Pod {
    /// Whether its Ready condition is True.
    pub fn is_ready(&self) -> bool {
        condition::status(&self.status.conditions, conditions::READY) == Some(ConditionStatus::True)
    }

    /// Neither ended nor being deleted: what a ReplicaSet counts (`IsPodActive`).
    pub fn is_active(&self) -> bool {
        !self.status.phase.is_terminal() && !self.meta.is_terminating()
    }

    /// Whether all its containers run.
    pub fn is_running(&self) -> bool {
        !self.status.containers.is_empty() && self.status.containers.iter().all(|container| container.is_running)
    }

    /// Priority; zero before admission.
    pub fn priority(&self) -> i32 {
        self.spec.priority.unwrap_or(0)
    }
}

impl Strategy for Pod {
    const KIND: Kind = Kind::Pod;

    super::typed!(Pod);

    fn apply_defaults(&mut self, settings: &Settings) {
        if validation::pod_spec_lacks_defaults(&self.spec) {
            validation::default_pod_spec(Arc::make_mut(&mut self.spec), settings);
        }
        if validation::pod_lacks_defaults(&self.spec) {
            validation::default_pod(Arc::make_mut(&mut self.spec));
        }
    }

    fn prepare_for_create(&mut self) {
        self.meta.generation = 1;
        self.status = PodStatus::default();
        if self.spec.topology_spread.iter().any(|constraint| !constraint.match_label_keys.is_empty()) {
            let constraints = &mut Arc::make_mut(&mut self.spec).topology_spread;
            constraints.iter_mut().for_each(|constraint| constraint.merge_label_keys(&self.meta.labels));
        }
    }

    fn validate(&self, errors: &mut FieldErrors) {
        validation::pod(self, errors);
    }

    fn prepare_for_update(&mut self, old: &Pod) {
        self.status = old.status.clone();
        self.meta.generation = old.meta.generation + i64::from(self.spec != old.spec);
    }

    fn validate_update(&self, old: &Pod, errors: &mut FieldErrors) {
        validation::pod_update(self, old, errors);
    }

    fn prepare_for_status_update(&mut self, old: &Pod) {
        let status = std::mem::take(&mut self.status);
        *self = Pod { status, ..old.clone() };
    }

    fn edit(&mut self, edit: &Edit) -> bool {
        match edit {
            Edit::PodStatus(new) => {
                let mut merged = (**new).clone();
                merged.nominated_node = self.status.nominated_node.clone();
                let mut kept = std::mem::take(&mut self.status.conditions);
                for condition in std::mem::take(&mut merged.conditions) {
                    condition::set(&mut kept, condition);
                }
                merged.conditions = kept;
                self.status = merged;
                true
            }
            Edit::PodCondition { condition, nominated_node } => {
                condition::set(&mut self.status.conditions, condition.clone());
                if let Some(node) = nominated_node {
                    self.status.nominated_node = node.clone();
                }
                true
            }
            Edit::PodFailed(disruption) => {
                self.status.phase = Phase::Failed;
                if let Some(condition) = disruption {
                    condition::set(&mut self.status.conditions, condition.clone());
                }
                true
            }
            _ => false,
        }
    }

    /// What was asked, else the pod's own; none if nobody runs it.
    fn grace_seconds(&self, asked: Option<i64>) -> i64 {
        let grace = asked.or(self.spec.termination_grace_seconds).unwrap_or(0);
        if self.node_name.is_empty() || self.status.phase.is_terminal() {
            0
        } else if grace < 0 {
            1
        } else {
            grace
        }
    }

    fn node(&self) -> &str {
        &self.node_name
    }
}
