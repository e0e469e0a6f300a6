//! Layer 3: the contract of a control-plane program, and what programs are built from.
//!
//! A [`Program`] is a state machine without input or output of its own: it is told what changed, what was answered
//! and what time it is, and leaves [`Command`]s behind. It does not know the queue, the network, the store or any
//! other program. Dropping it is a crash; making it anew and calling [`Program::on_start`] is a restart.
//!
//! Programs of one process share its [`Caches`], as the controllers of kube-controller-manager share informers. A
//! controller is usually written one level up, as a [`reconcile::Reconcile`] that a [`reconcile::Runner`] drives.

pub mod consistency;
pub mod expectations;
pub mod reconcile;
pub mod retrace;
pub mod script;
pub mod workqueue;

#[cfg(test)]
pub mod harness;

pub use reconcile::{Reconcile, Runner, Step};

use crate::apiserver::{Change, Reply, Request};
use crate::kernel::rng::{Draws, Purpose};
use crate::kernel::time::{Span, Time};
use crate::object::fact::Why;
use crate::object::{
    Clock, DelayId, Delays, Event, Fact, FactId, Key, Kind, Meta, Name, SettingId, Settings, Strategy, Table, Timestamp,
};
use std::any::Any;
use std::sync::Arc;

/// A program's own number for a request, handed back with the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a program wants to be woken for: numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer {
    /// Which timer.
    pub kind: u32,
    /// Whatever belongs to it.
    pub arg: u64,
}

impl Timer {
    /// A timer without argument.
    pub const fn new(kind: u32) -> Timer {
        Timer { kind, arg: 0 }
    }
}

/// What a program leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Sends a request through the program's own client, which may make it wait for a token.
    Send {
        /// What.
        request: Request,
        /// Comes back with the reply.
        ticket: Ticket,
        /// Why.
        why: Why,
    },
    /// Sends an Event object in the background, as the program's recorder does.
    Emit {
        /// The Event.
        event: Box<Event>,
        /// Why.
        why: Why,
    },
    /// Wakes the program at a time.
    WakeAt {
        /// When.
        at: Time,
        /// For what.
        timer: Timer,
        /// What the wait is for, and whose it is.
        why: Why,
    },
    /// Records a decision or an observation.
    Note {
        /// What.
        fact: Fact,
        /// Why.
        why: Why,
    },
}

/// What the informers of a process know: one table per watched kind, behind the store by whatever is still on its way.
#[derive(Clone, Debug)]
pub struct Caches {
    tables: Vec<Table>,
}

impl Default for Caches {
    fn default() -> Self {
        Caches { tables: vec![Table::default(); Kind::ALL.len()] }
    }
}

impl Caches {
    /// What is known of `kind`.
    pub fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind as usize]
    }

    /// What is known of `kind`, to be brought up to date by the informer.
    pub fn table_mut(&mut self, kind: Kind) -> &mut Table {
        &mut self.tables[kind as usize]
    }

    /// The object at `key` as its kind, if it is known.
    pub fn get<K: Strategy>(&self, key: &Key) -> Option<&Arc<K>> {
        self.table(K::KIND).typed(key)
    }
}

/// What a program is given with each call.
pub struct Context<'a> {
    /// Simulated time.
    pub now: Time,
    /// Turns it into dates.
    pub clock: Clock,
    /// Random draws by key.
    pub draws: &'a Draws,
    /// Settings of the run.
    pub settings: &'a Settings,
    /// Delays of the run.
    pub delays: &'a Delays,
    /// What the process's informers know.
    pub caches: &'a Caches,
    /// The fact that led to this call.
    pub cause: FactId,
    /// The setting that owned the wait that is over now, if there was one.
    pub owner: Option<SettingId>,
    /// Where commands go.
    pub out: &'a mut Vec<Command>,
}

impl Context<'_> {
    /// Sends a request because of what is being handled.
    pub fn send(&mut self, request: Request, ticket: Ticket) {
        self.out.push(Command::Send { request, ticket, why: Why::because(self.cause) });
    }

    /// Wakes the program after `span`, whose length no setting owns.
    pub fn wake_after(&mut self, span: Span, timer: Timer) {
        self.out.push(Command::WakeAt { at: self.now + span, timer, why: Why::because(self.cause) });
    }

    /// Wakes the program after `span`, whose length `setting` owns.
    pub fn wake_owned(&mut self, span: Span, timer: Timer, setting: SettingId) {
        self.out.push(Command::WakeAt { at: self.now + span, timer, why: Why::after(self.cause, setting) });
    }

    /// Wakes the program for the next round of a loop that goes on by itself, after `span`, whose length `setting` owns.
    pub fn wake_round(&mut self, span: Span, timer: Timer, setting: SettingId) {
        self.out.push(Command::WakeAt { at: self.now + span, timer, why: Why::after(FactId::NONE, setting) });
    }

    /// Records a decision, or a change of ground truth, at the end of the wait that led to this call.
    pub fn note(&mut self, fact: Fact) {
        self.out.push(Command::Note { fact, why: Why { cause: self.cause, setting: self.owner } });
    }

    /// Emits an Event about an object.
    pub fn event(&mut self, about: EventAbout<'_>, reason: &str, note: impl Into<Name>) {
        let EventAbout { kind, meta, reporter, is_warning } = about;
        let namespace = if meta.namespace().is_empty() { "default".into() } else { meta.namespace().clone() };
        let time = self.clock.micro_time(self.now);
        // As upstream, the time in nanoseconds makes the name; commands of one call share a microsecond.
        let nanos = time.0 * 1_000 + self.out.len() as i64 % 1_000;
        let event = Event {
            meta: Meta::new(Key { namespace, name: format!("{}.{nanos:x}", meta.name()).into() }),
            regarding: format!("{kind}/{}", meta.name()).into(),
            reason: reason.into(),
            note: note.into(),
            is_warning,
            reporter: reporter.into(),
            time,
            count: 1,
            regarding_uid: meta.uid,
            regarding_version: meta.resource_version,
        };
        self.out.push(Command::Emit { event: Box::new(event), why: Why::because(self.cause) });
    }

    /// The date now, in whole seconds.
    pub fn timestamp(&self) -> Timestamp {
        self.clock.timestamp(self.now)
    }

    /// A duration setting.
    pub fn span(&self, id: SettingId) -> Span {
        self.settings.span(id)
    }

    /// A sample of a modelled delay for the entity at `path`.
    pub fn delay(&self, id: DelayId, path: &str, counter: u64) -> Span {
        self.delays.sample(id, self.draws, path, counter)
    }

    /// A phase in [0, `period`): where in its round a loop stands that has been running since long before the scenario.
    pub fn phase(&self, path: &str, period: Span) -> Span {
        self.draws.span_below(Purpose::Phase, path, 0, period)
    }
}

/// What an Event is about and who says it.
#[derive(Clone, Copy)]
pub struct EventAbout<'a> {
    /// Kind of the object.
    pub kind: Kind,
    /// Its metadata.
    pub meta: &'a Meta,
    /// Component, by upstream's name.
    pub reporter: &'static str,
    /// Whether it is a warning.
    pub is_warning: bool,
}

impl<'a> EventAbout<'a> {
    /// Nothing to worry about.
    pub fn normal<K: Strategy>(object: &'a K, reporter: &'static str) -> EventAbout<'a> {
        EventAbout { kind: K::KIND, meta: object.meta(), reporter, is_warning: false }
    }

    /// A warning.
    pub fn warning<K: Strategy>(object: &'a K, reporter: &'static str) -> EventAbout<'a> {
        EventAbout { is_warning: true, ..EventAbout::normal(object, reporter) }
    }
}

/// How fast a program's client may send: rate and burst of its token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimit {
    /// Requests per second.
    pub qps: SettingId,
    /// Requests at once.
    pub burst: SettingId,
}

impl ClientLimit {
    /// That of each controller of kube-controller-manager.
    pub const CONTROLLER: ClientLimit =
        ClientLimit { qps: SettingId::ControllerQps, burst: SettingId::ControllerBurst };
}

/// A program of the control plane.
pub trait Program: Any + Send + Sync {
    /// Upstream's name of it.
    fn name(&self) -> &'static str;

    /// Kinds that it wants to hear of, in the order in which it hears of them at the start.
    fn watches(&self) -> &'static [Kind];

    /// Limit of its client; none for a client without one.
    fn limit(&self) -> Option<ClientLimit>;

    /// Whether its Events go through a client of their own with the same limit, at once and as series (`events.k8s.io`).
    fn has_event_series(&self) -> bool {
        false
    }

    /// Its process has begun and its caches are filled; what is in them follows as changes.
    fn on_start(&mut self, cx: &mut Context<'_>);

    /// Objects of `kind` changed; the caches have all of `changes` already.
    fn on_changes(&mut self, kind: Kind, changes: &[Change], cx: &mut Context<'_>);

    /// A request was answered, or given up.
    fn on_reply(&mut self, ticket: Ticket, reply: &Reply, cx: &mut Context<'_>);

    /// A timer went off.
    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>);

    /// A copy, for a branch of the world.
    fn boxed_clone(&self) -> Box<dyn Program>;
}

impl Clone for Box<dyn Program> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}
