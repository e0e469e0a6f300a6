//! Who runs programs: a process of the control plane, or a node; and their clients.

use super::events::{Correlator, Recorder, Series};
use crate::ground::NodeId;
use crate::kernel::arena::Slot;
use crate::kernel::bucket::Bucket;
use crate::kernel::time::Time;
use crate::network::Peer;
use crate::node::Agent;
use crate::object::fact::Why;
use crate::object::{Event, FactId, Kind, Name, Node, Settings};
use crate::program::{Caches, ClientLimit, Program};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A program, by where it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// Program `.1` of process `.0`.
    Program(u16, u16),
    /// The agent of a node.
    Node(NodeId),
}

impl Owner {
    /// Where its messages come from.
    pub const fn peer(self) -> Peer {
        match self {
            Owner::Program(..) => Peer::ControlPlane,
            Owner::Node(node) => Peer::Node(node),
        }
    }
}

/// A program's client of the API server: one token bucket for all its requests, and for its Events unless they are
/// recorded as series.
#[derive(Clone, Debug)]
pub struct Client {
    /// As whom it authenticates.
    pub user: Name,
    /// Whose client it is, for draws: several programs of a process may share a user.
    pub name: Name,
    /// Its limit; none for a client without one.
    pub limit: Option<(ClientLimit, Bucket)>,
    /// Events that wait for the one on its way.
    pub events: VecDeque<(Box<Event>, Why)>,
    /// Whether an Event is on its way.
    pub is_emitting: bool,
    /// What becomes of its Events.
    pub recorder: Recorder,
    /// How many objects were created from each prefix of names: the counter for draws.
    pub created: BTreeMap<String, u64>,
}

impl Client {
    /// The client of `program` that has sent nothing yet.
    pub fn new(user: &str, program: &str, limit: Option<ClientLimit>, settings: &Settings) -> Client {
        let limit = limit.map(|limit| (limit, Bucket::new(settings.get(limit.qps), settings.get(limit.burst))));
        Client {
            user: user.into(),
            name: format!("{user} {program}").into(),
            limit,
            events: VecDeque::new(),
            is_emitting: false,
            recorder: Recorder::Core(Correlator::default()),
            created: BTreeMap::new(),
        }
    }

    /// The same for a program whose Events go through a client of their own.
    pub fn with_event_series(mut self, settings: &Settings) -> Client {
        let bucket = |limit: ClientLimit| Bucket::new(settings.get(limit.qps), settings.get(limit.burst));
        let apart = self.limit.as_ref().map(|(limit, _)| bucket(*limit));
        self.recorder = Recorder::Series(Series::default(), apart);
        self
    }
}

/// A process of the control plane: its programs share what its informers know.
#[derive(Clone)]
pub struct Process {
    /// Programs in the order in which they hear of changes, each with its client.
    pub programs: Vec<(Box<dyn Program>, Client)>,
    /// What the informers know.
    pub caches: Caches,
    /// Watches by kind.
    pub watches: Vec<(Kind, Slot)>,
}

/// A node's programs, while its machine runs.
#[derive(Clone, Debug)]
pub struct Station {
    /// The programs; none while the machine is off or boots.
    pub agent: Option<Agent>,
    /// Their client.
    pub client: Client,
    /// Watches by kind.
    pub watches: Vec<(Kind, Slot)>,
    /// How often the machine has stopped or booted: timers from before concern nobody.
    pub boots: u32,
    /// How often the kubelet has stopped or its machine booted: its timers and replies from before concern nobody.
    pub starts: u32,
    /// When the machine will have booted, while it boots.
    pub boot_due: Option<Time>,
    /// What its programs come back after, or will: the return of its machine's power, of its kubelet or of its link.
    pub back: FactId,
    /// As what its kubelet registers.
    pub node: Arc<Node>,
}
