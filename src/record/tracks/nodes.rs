//! The tracks of nodes.

use crate::etcd::change::Change;
use crate::kernel::time::Time;
use crate::object::node::{LABEL_REGION, LABEL_ZONE};
use crate::object::taint::{NOT_READY, UNREACHABLE};
use crate::object::{ConditionStatus, Fact, Name, Node};
use crate::record::timeline::enter;
use std::collections::BTreeMap;

/// How a node is. Of several that hold the first counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeState {
    /// It has no object: it has not joined, or was deleted.
    Absent,
    /// Its machine has power again, or for the first time, and the node is not yet ready without reserve.
    Booting,
    /// It has a NoExecute taint: pods that do not tolerate it are evicted.
    Evicting,
    /// The API says that its Ready condition is False or Unknown.
    NotReady,
    /// The API says that it is ready; its machine is off, its kubelet does not run or its link is cut.
    Unnoticed,
    /// It is ready and cordoned.
    Cordoned,
    /// It is ready.
    Ready,
}

/// What really ails a node. Of several the first counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ailment {
    /// Its machine does not run.
    Off,
    /// Nothing passes between it and the control plane.
    Cut,
    /// Its kubelet does not run.
    NoKubelet,
    /// Nothing.
    None,
}

/// What became of one node.
#[derive(Clone, Debug)]
pub struct NodeTrack {
    /// Its name.
    pub name: Name,
    /// Its zone, as `zone` or `region/zone`; empty if it has none.
    pub zone: Name,
    /// Its states in the order of time; never none.
    pub states: Vec<(Time, NodeState)>,
    /// What ailed it, in the order of time; never none.
    pub ailments: Vec<(Time, Ailment)>,
    says: Said,
    is_off: bool,
    is_cut: bool,
    has_no_kubelet: bool,
    /// Whether a fault keeps its kubelet from running, now or at the next boot.
    hangs: bool,
    is_booting: bool,
}

/// What the API says of a node.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    is_there: bool,
    is_ready: bool,
    is_evicting: bool,
    /// Whether one of its NoExecute taints is there because it is not ready.
    is_given_up: bool,
    is_cordoned: bool,
}

impl NodeTrack {
    fn new(name: Name) -> NodeTrack {
        NodeTrack {
            name,
            zone: Name::none(),
            states: vec![(Time::ZERO, NodeState::Absent)],
            ailments: vec![(Time::ZERO, Ailment::None)],
            says: Said::default(),
            is_off: false,
            is_cut: false,
            has_no_kubelet: false,
            hangs: false,
            is_booting: false,
        }
    }

    /// Whether it was anything but ready at any time.
    pub fn has_suffered(&self) -> bool {
        self.states.iter().any(|(_, state)| *state != NodeState::Ready) || self.ailments.len() > 1
    }

    fn ailment(&self) -> Ailment {
        match (self.is_off, self.is_cut, self.has_no_kubelet) {
            (true, ..) => Ailment::Off,
            (_, true, _) => Ailment::Cut,
            (.., true) => Ailment::NoKubelet,
            _ => Ailment::None,
        }
    }

    fn state(&self) -> NodeState {
        match self.says {
            // One that has booted without a kubelet, or cut off, does nothing that would make it ready.
            _ if self.is_booting && (self.is_off || !self.is_cut && !self.has_no_kubelet) => NodeState::Booting,
            Said { is_there: false, .. } => NodeState::Absent,
            Said { is_evicting: true, .. } => NodeState::Evicting,
            Said { is_ready: false, .. } => NodeState::NotReady,
            _ if self.ailment() != Ailment::None => NodeState::Unnoticed,
            Said { is_cordoned: true, .. } => NodeState::Cordoned,
            _ => NodeState::Ready,
        }
    }

    fn judge(&mut self, at: Time) {
        let Said { is_there, is_ready, is_given_up, .. } = self.says;
        self.is_booting &= self.is_off || !(is_there && is_ready && !is_given_up);
        let (state, ailment) = (self.state(), self.ailment());
        enter(&mut self.states, at, state);
        enter(&mut self.ailments, at, ailment);
    }
}

/// The tracks of all nodes.
#[derive(Clone, Debug, Default)]
pub struct NodeTracks {
    /// In the order in which they were first heard of.
    pub all: Vec<NodeTrack>,
    by_name: BTreeMap<Name, usize>,
}

impl NodeTracks {
    /// The track of a node.
    pub fn find(&self, name: &str) -> Option<&NodeTrack> {
        self.by_name.get(name).map(|&index| &self.all[index])
    }

    fn track(&mut self, name: &Name) -> &mut NodeTrack {
        let index = self.by_name.get(name).copied().unwrap_or_else(|| {
            self.all.push(NodeTrack::new(name.clone()));
            self.by_name.insert(name.clone(), self.all.len() - 1);
            self.all.len() - 1
        });
        &mut self.all[index]
    }

    /// The machine of a node begins to boot, or no longer does.
    pub fn boots(&mut self, at: Time, name: &Name, boots: bool) {
        let track = self.track(name);
        // A machine that joins has never run.
        track.is_off |= boots && !track.says.is_there;
        track.is_booting = boots;
        track.judge(at);
    }

    /// A fault begins or ends to keep the kubelet of a node from running.
    pub fn hangs(&mut self, name: &Name, hangs: bool) {
        self.track(name).hangs = hangs;
    }

    /// A fact.
    pub fn on_fact(&mut self, at: Time, fact: &Fact) {
        let Some(name) = fact.node() else { return };
        let track = self.track(name);
        match fact {
            Fact::MachineDown(_) => (track.is_off, track.is_booting) = (true, false),
            Fact::MachineUp(_) => (track.is_off, track.has_no_kubelet) = (false, track.hangs),
            Fact::KubeletDown(_) => track.has_no_kubelet = true,
            Fact::KubeletUp(_) => track.has_no_kubelet = false,
            Fact::LinkCut(_) => track.is_cut = true,
            _ => track.is_cut = false,
        }
        track.judge(at);
    }

    /// A commit of a node.
    pub fn on_commit(&mut self, at: Time, change: &Change) {
        let track = self.track(&change.key().name);
        track.says = match change.after::<Node>() {
            None => Said::default(),
            Some(node) => {
                if track.zone.is_empty() {
                    track.zone = zone(node);
                }
                Said {
                    is_there: true,
                    is_ready: node.ready() == Some(ConditionStatus::True),
                    is_evicting: node.evicting_taints().next().is_some(),
                    is_given_up: node.evicting_taints().any(|taint| [NOT_READY, UNREACHABLE].contains(&&*taint.key)),
                    is_cordoned: node.unschedulable,
                }
            }
        };
        track.judge(at);
    }
}

fn zone(node: &Node) -> Name {
    let label = |name| node.meta.labels.get(name).map_or("", |value| value.as_str());
    match (label(LABEL_REGION), label(LABEL_ZONE)) {
        ("", zone) => zone.into(),
        (region, zone) => format!("{region}/{zone}").into(),
    }
}
