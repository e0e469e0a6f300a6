//! What may be recorded of a run, and what led to it.
//!
//! Commits, decisions, faults and changes of ground truth are facts; requests in flight and timers are not.

use super::meta::{Key, Revision};
use super::name::Name;
use super::setting::Unit;
use super::{Kind, SettingId};
use crate::kernel::time::Span;

/// Names a recorded fact, in the order of recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactId(pub u32);

impl FactId {
    /// No fact: what happens by itself, as a periodic loop.
    pub const NONE: FactId = FactId(u32::MAX);
}

/// Why something is done or waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Why {
    /// The fact that led to it.
    pub cause: FactId,
    /// The setting that owns the length of the wait, if there was one.
    pub setting: Option<SettingId>,
}

impl Why {
    /// Nothing in particular.
    pub const NOTHING: Why = Why { cause: FactId::NONE, setting: None };

    /// At once because of `cause`.
    pub const fn because(cause: FactId) -> Why {
        Why { cause, setting: None }
    }

    /// Because of `cause`, after a wait whose length `setting` owns.
    pub const fn after(cause: FactId, setting: SettingId) -> Why {
        Why { cause, setting: Some(setting) }
    }
}

impl From<FactId> for Why {
    fn from(cause: FactId) -> Why {
        Why::because(cause)
    }
}

/// How a commit changed an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// It is new.
    Created,
    /// It was changed.
    Updated,
    /// It got a deletion timestamp.
    Terminating,
    /// It is gone.
    Deleted,
}

impl Verb {
    /// As in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Verb::Created => "created",
            Verb::Updated => "updated",
            Verb::Terminating => "terminating",
            Verb::Deleted => "deleted",
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fact {
    /// The API server committed a change; `what` says which in a few words.
    Commit {
        /// How.
        verb: Verb,
        /// Kind of the object.
        kind: Kind,
        /// Its key.
        key: Key,
        /// What changed, as `Ready=Unknown`.
        what: Name,
    },
    /// The scheduler chose a node.
    Scheduled {
        /// Pod.
        pod: Key,
        /// Node.
        node: Name,
    },
    /// The scheduler found no node.
    Unschedulable {
        /// Pod.
        pod: Key,
        /// Why, in upstream's words.
        message: Name,
    },
    /// Somebody did something that the scenario says: through the API, or with machines.
    Acted {
        /// Its id in the scenario.
        event: Name,
        /// What.
        what: Name,
    },
    /// A fault of the scenario began.
    FaultBegan {
        /// Its id in the scenario.
        fault: Name,
        /// What it hit.
        what: Name,
    },
    /// A fault of the scenario ended.
    FaultEnded {
        /// Its id in the scenario.
        fault: Name,
    },
    /// The node lifecycle controller judged a zone anew, and evicts there at another rate.
    EvictionRate {
        /// Zone, as that controller names it.
        zone: Name,
        /// State of the zone, in upstream's word.
        state: Name,
        /// Nodes per second (thousandths).
        milli: i64,
    },
    /// A machine lost power or crashed.
    MachineDown(Name),
    /// A machine runs again.
    MachineUp(Name),
    /// A kubelet stopped while its machine runs.
    KubeletDown(Name),
    /// A kubelet runs again on a machine that ran all the time.
    KubeletUp(Name),
    /// Nothing passes between a node and the control plane.
    LinkCut(Name),
    /// The link carries again.
    LinkHealed(Name),
    /// The containers of a pod run.
    ContainersStarted {
        /// Pod.
        pod: Key,
        /// Node.
        node: Name,
        /// How long its images could not be pulled at first.
        failed: Span,
        /// How long they then took to come.
        pulled: Span,
        /// How much of that because the registry was slow.
        slowed: Span,
    },
    /// The containers of a pod are ready to serve.
    ContainersReady {
        /// Pod.
        pod: Key,
        /// Node.
        node: Name,
    },
    /// The containers of a pod no longer run.
    ContainersStopped {
        /// Pod.
        pod: Key,
        /// Node.
        node: Name,
    },
    /// The kube-proxy of a node now routes a Service by what it knows.
    Routed {
        /// Service.
        service: Key,
        /// Node.
        node: Name,
        /// Newest version of the Service's slices that it knows.
        revision: Revision,
        /// Ready endpoints that it knows.
        endpoints: u32,
    },
}

impl Fact {
    /// The node whose machine, kubelet or link changed, if it is such a change.
    pub const fn node(&self) -> Option<&Name> {
        match self {
            Fact::MachineDown(node)
            | Fact::MachineUp(node)
            | Fact::KubeletDown(node)
            | Fact::KubeletUp(node)
            | Fact::LinkCut(node)
            | Fact::LinkHealed(node) => Some(node),
            _ => None,
        }
    }

    /// A fact as the name of its kind, what it is about, and the rest.
    pub fn in_words(&self) -> (&'static str, String, String) {
        let pod = |pod: &Key| format!("Pod {pod}");
        let node = |node: &Name| format!("Node {node}");
        match self {
            Fact::Commit { verb, kind, key, what } => (verb.name(), format!("{kind} {key}"), what.to_string()),
            Fact::Scheduled { pod: key, node } => ("scheduled", pod(key), format!("to {node}")),
            Fact::Unschedulable { pod: key, message } => ("unschedulable", pod(key), message.to_string()),
            Fact::Acted { event, what } => ("acted", event.to_string(), what.to_string()),
            Fact::FaultBegan { fault, what } => ("fault-began", fault.to_string(), what.to_string()),
            Fact::FaultEnded { fault } => ("fault-ended", fault.to_string(), String::new()),
            Fact::EvictionRate { zone, state, milli } => {
                let rate = Unit::Rate.show(*milli);
                let zone = if zone.is_empty() { "Nodes without a zone".to_string() } else { format!("Zone {zone}") };
                ("eviction-rate", zone, format!("{state}: {} nodes per second", rate.trim_end_matches("/s")))
            }
            Fact::MachineDown(name) => ("machine-down", node(name), String::new()),
            Fact::MachineUp(name) => ("machine-up", node(name), String::new()),
            Fact::KubeletDown(name) => ("kubelet-down", node(name), String::new()),
            Fact::KubeletUp(name) => ("kubelet-up", node(name), String::new()),
            Fact::LinkCut(name) => ("link-cut", node(name), String::new()),
            Fact::LinkHealed(name) => ("link-healed", node(name), String::new()),
            Fact::ContainersStarted { pod: key, node, failed, pulled, slowed } => {
                let mut rest = format!("on {node}");
                if *pulled > Span::ZERO {
                    rest.push_str(&format!(", images pulled for {pulled}"));
                }
                if *slowed > Span::ZERO {
                    rest.push_str(&format!(" ({slowed} of it by a slow registry)"));
                }
                if *failed > Span::ZERO {
                    rest.push_str(&format!(", after {failed} in which they could not be"));
                }
                ("containers-started", pod(key), rest)
            }
            Fact::ContainersReady { pod: key, node } => ("containers-ready", pod(key), format!("on {node}")),
            Fact::ContainersStopped { pod: key, node } => ("containers-stopped", pod(key), format!("on {node}")),
            Fact::Routed { service, node, endpoints, .. } => {
                ("routed", format!("Service {service}"), format!("{endpoints} ready endpoints on {node}"))
            }
        }
    }
}
