//! Nodes.
//!
//! Source: `pkg/registry/core/node/strategy.go`, v1.36.

use super::Kind;
use super::condition::{self, Condition, ConditionStatus};
use super::edit::Edit;
use super::invalid::FieldErrors;
use super::meta::Meta;
use super::name::Name;
use super::resources::ResourceList;
use super::setting::Settings;
use super::strategy::Strategy;
use super::taint::{Effect, Taint};

/// Condition types of nodes.
pub mod conditions {
    /// The kubelet is healthy and can take pods.
    pub const READY: &str = "Ready";
    /// Short of memory.
    pub const MEMORY_PRESSURE: &str = "MemoryPressure";
    /// Short of disk.
    pub const DISK_PRESSURE: &str = "DiskPressure";
    /// Short of process ids.
    pub const PID_PRESSURE: &str = "PIDPressure";
    /// The network is not set up.
    pub const NETWORK_UNAVAILABLE: &str = "NetworkUnavailable";
}

/// Label with a node's host name.
pub const LABEL_HOSTNAME: &str = "kubernetes.io/hostname";
/// Label with a node's zone.
pub const LABEL_ZONE: &str = "topology.kubernetes.io/zone";
/// Label with a node's region.
pub const LABEL_REGION: &str = "topology.kubernetes.io/region";
/// Label with the pool of a scenario that a node belongs to. Ours.
pub const LABEL_POOL: &str = "evenkeel/pool";

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Node {
    /// Metadata.
    pub meta: Meta,
    /// `spec.unschedulable`: cordoned.
    pub unschedulable: bool,
    /// `spec.taints`.
    pub taints: Vec<Taint>,
    /// `status.capacity`.
    pub capacity: ResourceList,
    /// `status.allocatable`: what pods may ask for.
    pub allocatable: ResourceList,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
}

impl Node {
    /// Status of the Ready condition, if there is one.
    pub fn ready(&self) -> Option<ConditionStatus> {
        condition::status(&self.conditions, conditions::READY)
    }

    /// Its taints that evict pods.
    pub fn evicting_taints(&self) -> impl Iterator<Item = &Taint> {
        self.taints.iter().filter(|taint| taint.effect == Effect::NoExecute)
    }

    /// Region and zone as one key, empty if the node has neither. Source: component-helpers
    /// `node/topology/helpers.go` (`GetZoneKey`).
    pub fn zone_key(&self) -> Name {
        let label = |new: &str, beta: &str| {
            self.meta.labels.get(beta).or_else(|| self.meta.labels.get(new)).cloned().unwrap_or_default()
        };
        let zone = label(LABEL_ZONE, "failure-domain.beta.kubernetes.io/zone");
        let region = label(LABEL_REGION, "failure-domain.beta.kubernetes.io/region");
        if zone.is_empty() && region.is_empty() { Name::none() } else { format!("{region}:\0:{zone}").into() }
    }
}

/// A zone as people call it, by its key ([`Node::zone_key`]); empty if the key is.
pub fn zone_name(key: &str) -> &str {
    key.rsplit('\0').next().unwrap_or_default().trim_start_matches(':')
}

impl Strategy for Node {
    const KIND: Kind = Kind::Node;

    super::typed!(Node);

    fn apply_defaults(&mut self, _settings: &Settings) {
        self.capacity.round_up_to_milli();
        self.allocatable.round_up_to_milli();
        if self.allocatable.0.is_empty() {
            self.allocatable = self.capacity.clone();
        }
    }

    fn validate(&self, errors: &mut FieldErrors) {
        super::validation::node(self, errors);
    }

    fn prepare_for_update(&mut self, old: &Node) {
        self.capacity = old.capacity.clone();
        self.allocatable = old.allocatable.clone();
        self.conditions = old.conditions.clone();
    }

    fn prepare_for_status_update(&mut self, old: &Node) {
        self.meta = old.meta.clone();
        self.unschedulable = old.unschedulable;
        self.taints = old.taints.clone();
    }

    fn edit(&mut self, edit: &Edit) -> bool {
        match edit {
            Edit::Taints { add, remove, .. } => {
                self.taints.retain(|taint| !remove.contains(&(taint.key.clone(), taint.effect)));
                for taint in add {
                    self.taints.retain(|old| (&old.key, old.effect) != (&taint.key, taint.effect));
                    self.taints.push(taint.clone());
                }
                true
            }
            Edit::NodeConditions(new) => {
                for condition in new {
                    condition::set(&mut self.conditions, condition.clone());
                }
                true
            }
            Edit::Unschedulable(unschedulable) => {
                self.unschedulable = *unschedulable;
                true
            }
            _ => false,
        }
    }

    /// A node's own name: its kubelet watches it by that.
    fn node(&self) -> &str {
        self.meta.name()
    }
}
