//! For tests: holds a program by the hand, feeds it changes, answers its requests and tells its life story.
//!
//! The harness is a small world of one program: changes reach its caches at once, requests are answered by the
//! caller (or all with success), timers go off in order. Every command becomes a line of the story.

mod server;

use super::{Caches, Command, Context, Program, Ticket, Timer};
use crate::apiserver::{Change, Reply, Request};
use crate::kernel::rng::Draws;
use crate::kernel::time::{Span, Time};
use crate::object::fact::Why;
use crate::object::{Clock, Delays, FactId, Key, Kind, Object, Revision, Settings};

/// A program, its caches, and what it has asked for.
pub struct Harness<P: Program> {
    /// The program.
    pub program: P,
    /// What its informers know.
    pub caches: Caches,
    /// Simulated time.
    pub now: Time,
    /// Settings; change them before [`Harness::start`].
    pub settings: Settings,
    /// Delays; change them before [`Harness::start`].
    pub delays: Delays,
    draws: Draws,
    clock: Clock,
    revision: u64,
    story: Vec<String>,
    timers: Vec<(Time, u64, Timer)>,
    timers_set: u64,
    /// Requests that have not been answered.
    pub requests: Vec<(Ticket, Request)>,
    /// Every request that was sent, as the story tells it, and why.
    pub whys: Vec<(String, Why)>,
    /// What leads to the next call.
    pub cause: FactId,
}

impl<P: Program> Harness<P> {
    /// A program that has not started.
    pub fn new(program: P) -> Harness<P> {
        Harness {
            program,
            caches: Caches::default(),
            now: Time::ZERO,
            settings: Settings::default(),
            delays: Delays::default(),
            draws: Draws::new(1),
            clock: Clock { epoch_micros: 1_795_543_200_000_000 },
            revision: 0,
            story: Vec::new(),
            timers: Vec::new(),
            timers_set: 0,
            requests: Vec::new(),
            whys: Vec::new(),
            cause: FactId::NONE,
        }
    }

    /// Calls the program and takes its commands.
    pub fn call(&mut self, act: impl FnOnce(&mut P, &mut Context<'_>)) {
        let mut out = Vec::new();
        let mut cx = Context {
            now: self.now,
            clock: self.clock,
            draws: &self.draws,
            settings: &self.settings,
            delays: &self.delays,
            caches: &self.caches,
            cause: self.cause,
            out: &mut out,
        };
        act(&mut self.program, &mut cx);
        for command in out {
            match command {
                Command::Send { request, ticket, why } => {
                    self.tell(&request.to_string());
                    self.whys.push((request.to_string(), why));
                    self.requests.push((ticket, request));
                }
                Command::Emit { event, .. } => {
                    self.tell(&format!("event {} {}: {}", event.regarding, event.reason, event.note));
                }
                Command::WakeAt { at, timer, .. } => {
                    assert!(at >= self.now, "a timer in the past");
                    self.timers_set += 1;
                    self.timers.push((at, self.timers_set, timer));
                }
                Command::Note { fact, .. } => self.tell(&format!("note {fact:?}")),
            }
        }
    }

    fn tell(&mut self, what: &str) {
        self.story.push(format!("{} {what}", self.now));
    }

    /// Starts the program.
    pub fn start(&mut self) {
        self.call(|program, cx| program.on_start(cx));
    }

    /// The informers learn that an object is new or changed.
    pub fn put(&mut self, object: impl Into<Object>) {
        let mut object = object.into();
        self.revision += 1;
        object.meta_mut().resource_version = Revision(self.revision);
        let kind = object.kind();
        let old = self.caches.table_mut(kind).insert(object.clone());
        self.changed(kind, Change { revision: Revision(self.revision), old, new: Some(object), cause: FactId::NONE });
    }

    /// The informers learn that an object is gone.
    pub fn remove(&mut self, kind: Kind, key: &Key) {
        self.revision += 1;
        let old = self.caches.table_mut(kind).remove(key);
        assert!(old.is_some(), "{kind} {key} is not there");
        self.changed(kind, Change { revision: Revision(self.revision), old, new: None, cause: FactId::NONE });
    }

    /// Hands a change over. Its commit as a fact has the number of the revision.
    fn changed(&mut self, kind: Kind, change: Change) {
        let change = Change { cause: FactId(change.revision.0 as u32), ..change };
        if self.program.watches().contains(&kind) {
            self.call(|program, cx| program.on_changes(kind, &[change], cx));
        }
    }

    /// Answers the oldest open request.
    pub fn answer(&mut self, reply: &Reply) {
        let (ticket, _) = self.requests.remove(0);
        self.call(|program, cx| program.on_reply(ticket, reply, cx));
    }

    /// Answers every open request, and those that follow, with success: created and changed objects come back as sent
    /// (reads and deletions with what the caches have), but the caches learn nothing of them.
    pub fn answer_all(&mut self) {
        for _ in 0..10_000 {
            let Some((_, request)) = self.requests.first() else { return };
            let reply = match request {
                Request::Create(object) | Request::Update { object, .. } => Reply::Done(object.clone()),
                other => match self.caches.table(other.kind()).get(other.key()) {
                    Some(object) => Reply::Done(object.clone()),
                    None => Reply::Error(crate::apiserver::ApiError::NotFound),
                },
            };
            self.answer(&reply);
        }
        panic!("the program does not stop asking");
    }

    /// Lets timers go off until `until` has passed since the beginning.
    pub fn advance_to(&mut self, until: Span) {
        let until = Time::ZERO + until;
        while let Some(&next) = self.timers.iter().min().filter(|(at, ..)| *at <= until) {
            self.timers.retain(|timer| *timer != next);
            self.now = next.0;
            self.call(|program, cx| program.on_timer(next.2, cx));
        }
        self.now = until;
    }

    /// The lines since the last call.
    pub fn story(&mut self) -> String {
        std::mem::take(&mut self.story).join("\n")
    }
}
