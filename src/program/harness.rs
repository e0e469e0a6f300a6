//! For tests: holds a program by the hand, feeds it changes, answers its requests and tells its life story.
//!
//! The harness is a small world of one program: changes reach its caches at once, requests are answered by the
//! caller, all with success, or as by a small API server ([`Harness::serve`]), timers go off in order. Every command
//! becomes a line of the story.

use super::{Caches, Command, Context, Program, Ticket, Timer};
use crate::apiserver::{ApiError, Change, DeleteOptions, Part, Propagation, Reply, Request};
use crate::kernel::rng::Draws;
use crate::kernel::time::{Span, Time};
use crate::object::fact::Why;
use crate::object::{Clock, Delays, Deletion, FactId, Key, Kind, Object, Revision, Settings, Uid};

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
    created: u32,
    story: Vec<String>,
    timers: Vec<(Time, u64, Timer)>,
    timers_set: u64,
    timers_gone_off: usize,
    /// Requests that have not been answered.
    pub requests: Vec<(Ticket, Request)>,
    /// Every request that was sent, as the story tells it, and why.
    pub whys: Vec<(String, Why)>,
    /// What leads to the next call.
    cause: FactId,
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
            created: 0,
            story: Vec::new(),
            timers: Vec::new(),
            timers_set: 0,
            timers_gone_off: 0,
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
            owner: None,
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
                    None => Reply::Error(ApiError::NotFound),
                },
            };
            self.answer(&reply);
        }
        panic!("the program does not stop asking");
    }

    /// Does as a small API server would with the oldest open request, lets the informers learn of it and answers:
    /// names and uids are counted, stale versions are refused, pods that a kubelet has seen end gracefully.
    pub fn serve(&mut self) {
        let (request, revision) = (self.requests[0].1.clone(), self.revision);
        let old = self.caches.table(request.kind()).get(request.key()).cloned();
        let reply = match (request, old) {
            (Request::Create(_), Some(_)) => Reply::Error(ApiError::AlreadyExists),
            (Request::Create(object), None) => Reply::Done(self.create(object)),
            (_, None) => Reply::Error(ApiError::NotFound),
            (Request::Get { .. } | Request::Bind { .. }, Some(old)) => Reply::Done(old),
            (Request::Update { object, part }, Some(old)) => self.replace(object, part, &old),
            (Request::Patch { edit, .. }, Some(old)) if edit.is_outdated(old.meta()) => {
                Reply::Error(ApiError::Conflict("the object has been modified".into()))
            }
            (Request::Patch { edit, .. }, Some(old)) => {
                let mut new = old.clone();
                assert!(new.edit(&edit), "an edit of another kind");
                self.write(new, &old)
            }
            (Request::Delete { options, .. }, Some(old)) => self.delete(old, &options),
        };
        let commit = (self.revision > revision).then_some(FactId(self.revision as u32));
        self.cause = commit.unwrap_or(FactId::NONE);
        self.answer(&reply);
        self.cause = FactId::NONE;
    }

    /// [`Harness::serve`]s until the oldest open request begins with `line`, as the story tells it.
    pub fn serve_until(&mut self, line: &str) {
        while self.requests.first().is_some_and(|(_, request)| !request.to_string().starts_with(line)) {
            self.serve();
        }
        assert!(!self.requests.is_empty(), "the program never asked to {line}");
    }

    /// [`Harness::serve`]s until nothing is asked any more.
    pub fn serve_all(&mut self) {
        for _ in 0..10_000 {
            if self.requests.is_empty() {
                return;
            }
            self.serve();
        }
        panic!("the program does not stop asking");
    }

    fn create(&mut self, mut object: Object) -> Object {
        object.apply_defaults(&self.settings);
        object.prepare_for_create();
        self.created += 1;
        let (number, now) = (self.created, self.clock.timestamp(self.now));
        let meta = object.meta_mut();
        if meta.key.name.is_empty() {
            meta.key.name = format!("{}{number}", meta.generate_name).into();
        }
        meta.uid = Uid(u128::from(number));
        meta.created = now;
        self.put(object.clone());
        self.known(&object)
    }

    fn replace(&mut self, mut object: Object, part: Part, old: &Object) -> Reply {
        let version = object.meta().resource_version;
        if version != Revision::default() && version != old.meta().resource_version {
            let why = "the object has been modified; please apply your changes to the latest version and try again";
            return Reply::Error(ApiError::Conflict(why.into()));
        }
        match part {
            Part::Main => object.prepare_for_update(old),
            Part::Status => object.prepare_for_status_update(old),
        }
        object.meta_mut().resource_version = old.meta().resource_version;
        self.write(object, old)
    }

    /// Stores a new version; what waited for its last finalizer goes.
    fn write(&mut self, new: Object, old: &Object) -> Reply {
        let (kind, meta) = (new.kind(), new.meta());
        if meta.finalizers.is_empty() && meta.deletion.is_some_and(|deletion| deletion.grace_seconds == 0) {
            let key = meta.key.clone();
            self.remove(kind, &key);
            return Reply::Done(new);
        }
        if new != *old {
            self.put(new.clone());
        }
        Reply::Done(self.known(&new))
    }

    fn delete(&mut self, old: Object, options: &DeleteOptions) -> Reply {
        let meta = old.meta();
        let is_other = options.uid.is_some_and(|uid| uid != meta.uid)
            || options.resource_version.is_some_and(|version| version != meta.resource_version);
        if is_other {
            return Reply::Error(ApiError::Conflict("the precondition does not hold".into()));
        }
        let (kind, key) = (old.kind(), old.key().clone());
        let grace_seconds = match meta.deletion {
            Some(deletion) => options.grace_seconds.unwrap_or(deletion.grace_seconds),
            None => old.grace_seconds(options.grace_seconds),
        };
        let mut new = old.clone();
        let meta = new.meta_mut();
        match options.propagation {
            Some(Propagation::Foreground) => meta.finalizers = vec!["foregroundDeletion".into()],
            Some(Propagation::Orphan) => meta.finalizers = vec!["orphan".into()],
            Some(Propagation::Background) | None => {}
        }
        if grace_seconds == 0 && meta.finalizers.is_empty() {
            self.remove(kind, &key);
        } else if meta.deletion.is_none() {
            let at = self.clock.timestamp(self.now).plus_seconds(grace_seconds);
            meta.deletion = Some(Deletion { at, grace_seconds });
            self.put(new);
        }
        Reply::Done(old)
    }

    fn known(&self, object: &Object) -> Object {
        self.caches.table(object.kind()).get(object.key()).expect("it was put just now").clone()
    }

    /// Lets timers go off until `until` has passed since the beginning.
    pub fn advance_to(&mut self, until: Span) {
        let until = Time::ZERO + until;
        while let Some(&next) = self.timers.iter().min().filter(|(at, ..)| *at <= until) {
            self.timers.retain(|timer| *timer != next);
            self.timers_gone_off += 1;
            self.now = next.0;
            self.call(|program, cx| program.on_timer(next.2, cx));
        }
        self.now = until;
    }

    /// The same, and requests are [`Harness::serve`]d as they come.
    pub fn live_to(&mut self, until: Span) {
        self.serve_all();
        while let Some(&(at, ..)) = self.timers.iter().min().filter(|(at, ..)| *at <= Time::ZERO + until) {
            self.advance_to(at.since(Time::ZERO));
            self.serve_all();
        }
        self.now = Time::ZERO + until;
    }

    /// How many timers have gone off so far.
    pub fn timers_gone_off(&self) -> usize {
        self.timers_gone_off
    }

    /// The lines since the last call.
    pub fn story(&mut self) -> String {
        std::mem::take(&mut self.story).join("\n")
    }
}
