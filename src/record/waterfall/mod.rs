//! The recovery waterfall: every replica-second that a workload lacked, given to one cause and to the setting that owns it.
//!
//! A workload lacks as many replicas as it wants more than are in service; a replica is in service when its containers
//! really are ready and, if a Service selects it, the kube-proxies of all nodes present know of it. Each missing replica
//! is a *vacancy*, opened by an event (a fault, an action) or by nothing of the kind (the start, containers that exit by
//! themselves). A vacancy has a *holder*: the pod that would fill it if it were ready, at first the one that was lost,
//! later the one that takes its place. What the holder waits for is what the vacancy's time is given to ([`Cause`]), and
//! when that wait ends the records say which setting owned its length ([`Owner`]).
//!
//! Because the ledger opens and closes vacancies so that there are always as many as replicas are missing, the parts add
//! up to the loss exactly: without the time after readiness they are the integral of desired minus serving, where it is positive.
//!
//! Two truths are kept: what was so, and what the API claimed, which is the integral of desired minus ready. Loss less
//! what the API did not know plus what it claimed too much is its claim, exactly.
//!
//! What is said of a wait in part, and how its parts are told apart:
//! - A request that waits for a token of its client's limit (`kube-api-qps` and the like) makes the overlap of that wait
//!   with the vacancy's `throttled`. The node lifecycle controller writes of one node after another: what it has to say of
//!   a node that it finds silent is throttled from the first write on that waited in a row without a gap.
//! - A write that waits for its turn at the API server, or has it, makes that overlap the turn's (`api-turn`), where nobody
//!   else owns it.
//! - A pod that found no node has `no-room` until the change that gave it another chance, then `back-off`.
//! - A pull that ends says how long it lasted, and how long it could not be done before; until then, and to the end of a run,
//!   the wait counts as `starting`, unless its pod's status says that the image cannot be pulled.
//! - A wait without an end of its own that ends because somebody acted is `stuck` until then.

mod account;
mod holders;
mod ledger;
mod stage;
mod vacancies;

#[cfg(test)]
mod tests;

pub use ledger::{Ledger, Trigger};

use super::workloads::WorkloadId;
use crate::kernel::time::Time;
use crate::object::{DelayId, FactId, Name, SettingId};
use std::collections::BTreeMap;

/// What a missing replica waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Its machine is gone and the API still calls the node ready.
    NotNoticed,
    /// Its node is not ready and has no NoExecute taint yet: evictions of nodes are limited in rate.
    RateLimited,
    /// Its node has the taint, and the pod tolerates that for a time.
    Tolerated,
    /// Nobody has created a pod for it yet.
    NotReplaced,
    /// A request that it needs waits for a token of its client.
    Throttled,
    /// No node has room for its pod, or none is allowed.
    NoRoom,
    /// Its pod may fit again but is not tried before its back-off ends.
    BackOff,
    /// The scheduler and the API server are at work on it.
    NotPlaced,
    /// Its images are pulled, or cannot be.
    Pulling,
    /// Its containers are created, or its machine boots.
    Starting,
    /// Its containers have exited and are not started again before a back-off ends.
    Restarting,
    /// Its containers run and are not ready.
    NotReady,
    /// It is ready, and not every node sends traffic to it.
    NotRouted,
    /// Nothing of the cluster's own would have helped; somebody had to act.
    Stuck,
}

impl Cause {
    /// All, in the order in which a recovery usually meets them.
    pub const ALL: [Cause; 14] = [
        Cause::NotNoticed,
        Cause::RateLimited,
        Cause::Tolerated,
        Cause::NotReplaced,
        Cause::Throttled,
        Cause::NoRoom,
        Cause::BackOff,
        Cause::NotPlaced,
        Cause::Pulling,
        Cause::Starting,
        Cause::Restarting,
        Cause::NotReady,
        Cause::NotRouted,
        Cause::Stuck,
    ];

    /// As in `waterfall.csv`.
    pub const fn name(self) -> &'static str {
        match self {
            Cause::NotNoticed => "not-noticed",
            Cause::RateLimited => "rate-limited",
            Cause::Tolerated => "tolerated",
            Cause::NotReplaced => "not-replaced",
            Cause::Throttled => "throttled",
            Cause::NoRoom => "no-room",
            Cause::BackOff => "back-off",
            Cause::NotPlaced => "not-placed",
            Cause::Pulling => "pulling",
            Cause::Starting => "starting",
            Cause::Restarting => "restarting",
            Cause::NotReady => "not-ready",
            Cause::NotRouted => "not-routed",
            Cause::Stuck => "stuck",
        }
    }

    /// In a few words.
    pub const fn what(self) -> &'static str {
        match self {
            Cause::NotNoticed => "the machine was gone, and the API still called its node ready",
            Cause::RateLimited => "the node was not ready, and its taint had to wait for the rate of evictions",
            Cause::Tolerated => "the node was tainted, and the pod tolerated it for a time",
            Cause::NotReplaced => "the pod was on its way out, and its controller had not created another",
            Cause::Throttled => "a request waited for a token of its client",
            Cause::NoRoom => "the pod fitted on no node",
            Cause::BackOff => "the pod might have fitted again, but its back-off was not over",
            Cause::NotPlaced => "the pod was created and not bound: scheduling and its requests",
            Cause::Pulling => "its images were pulled, or could not be",
            Cause::Starting => "its containers were created, or its machine booted",
            Cause::Restarting => "its containers had exited and waited for their back-off",
            Cause::NotReady => "its containers ran and were not ready",
            Cause::NotRouted => "it was ready, and not every node sent traffic to it",
            Cause::Stuck => "nothing but somebody's action helped",
        }
    }
}

/// Who decides how long a wait lasts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A setting of a component.
    Setting(SettingId),
    /// A modelled delay.
    Delay(DelayId),
    /// A field or an annotation of the pod, and its value.
    Pod(&'static str, Name),
    /// The event that ended the wait or whose end did, as a fact: a fault's length, somebody's action.
    Event(FactId),
    /// Nobody in particular: programs and messages that take their time.
    Nobody,
}

/// A wait of a request: for a token of its client, or for its turn at the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Since when.
    pub from: Time,
    /// Until when.
    pub to: Time,
    /// The rate of the client; none if it waits for its turn.
    pub setting: Option<SettingId>,
    /// Whether a kubelet waits to say something: of that only what is routed has to wait too.
    pub is_of_kubelet: bool,
}

impl Held {
    /// What the time goes to that would have gone to `cause` and `owner`.
    fn blamed(&self, cause: Cause, owner: &Owner) -> (Cause, Owner) {
        match (self.setting, owner) {
            (Some(setting), _) => (Cause::Throttled, Owner::Setting(setting)),
            // Who owns a wait that is longer owns the turns within it too.
            (None, Owner::Nobody) => (cause, Owner::Delay(DelayId::ApiTurn)),
            (None, owner) => (cause, owner.clone()),
        }
    }
}

/// What a commit had waited for before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// The setting that owned the wait before its request was sent.
    pub setting: Option<SettingId>,
    /// The wait for a token, or the turn with the wait for it, after that.
    pub held: Option<Held>,
}

/// What opened vacancies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// An event of the scenario, as the fact that it began or was done.
    Event(FactId),
    /// Replicas were wanted for the first time, or more of them, without an event: what is applied at the beginning.
    Start,
    /// Replicas went out of service by themselves.
    Itself,
}

/// What one event cost one workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// What happened.
    pub origin: Origin,
    /// The event's id, if it was one.
    pub event: Option<Name>,
    /// The workload.
    pub workload: WorkloadId,
    /// When the first vacancy was opened that lasted.
    pub since: Time,
    /// Vacancies that lasted for longer than a moment.
    pub vacancies: u32,
    /// Most of them at the same time.
    pub most: u32,
    /// How many are open at the end.
    pub open: u32,
    /// Replica-microseconds by cause and owner; none is zero.
    pub parts: BTreeMap<(Cause, Owner), u64>,
    /// Replica-microseconds of it for which replicas were ready and not every node knew, requests held back included.
    pub unrouted: u64,
    /// Replica-microseconds of it that the API did not know of: it still called the replicas ready.
    pub unaware: u64,
    /// Replica-microseconds that the API claimed to be lost and were not.
    pub mistaken: u64,
}

impl Loss {
    /// What was really lost (replica-microseconds).
    pub fn lost(&self) -> u64 {
        self.parts.values().sum()
    }

    /// What the API claimed to be lost (replica-microseconds).
    pub fn claimed(&self) -> u64 {
        self.lost() + self.mistaken - self.unaware
    }

    /// What went to one cause (replica-microseconds).
    pub fn of(&self, cause: Cause) -> u64 {
        self.parts.iter().filter(|((of, _), _)| *of == cause).map(|(_, part)| part).sum()
    }
}
