//! A small API server for the harness: it carries requests out on the program's own caches, at once, and feeds the
//! changes back. It knows neither admission nor validation, and nobody but the program writes.

use super::Harness;
use crate::apiserver::{ApiError, Change, Part, Reply, Request};
use crate::kernel::time::{Span, Time};
use crate::object::{Deletion, FactId, Kind, Object, Revision, Timestamp};
use crate::program::Program;

impl<P: Program> Harness<P> {
    /// Carries out every open request, and those that follow.
    pub fn serve(&mut self) {
        for _ in 0..100_000 {
            if self.requests.is_empty() {
                return;
            }
            self.serve_one();
        }
        panic!("the program does not stop asking");
    }

    /// Carries out open requests, and those that follow, until the oldest begins with `line`, as the story tells it.
    pub fn serve_until(&mut self, line: &str) {
        while self.requests.first().is_some_and(|(_, request)| !request.to_string().starts_with(line)) {
            self.serve_one();
        }
        assert!(!self.requests.is_empty(), "the program never asked to {line}");
    }

    fn serve_one(&mut self) {
        let (ticket, request) = self.requests.remove(0);
        let reply = self.carry_out(&request);
        let is_commit = reply.is_ok() && !request.is_read();
        self.cause = if is_commit { FactId(self.revision as u32) } else { FactId::NONE };
        self.call(|program, cx| program.on_reply(ticket, &reply, cx));
        self.cause = FactId::NONE;
    }

    /// Lets timers go off until `until` has passed since the beginning, and carries requests out as they come.
    pub fn live_to(&mut self, until: Span) {
        self.serve();
        while let Some(&(at, ..)) = self.timers.iter().min().filter(|(at, ..)| *at <= Time::ZERO + until) {
            self.advance_to(at.since(Time::ZERO));
            self.serve();
        }
        self.now = Time::ZERO + until;
    }

    fn carry_out(&mut self, request: &Request) -> Reply {
        let (kind, key) = (request.kind(), request.key());
        let Some(old) = self.caches.table(kind).get(key).cloned() else {
            return match request {
                Request::Create(object) => self.commit(kind, object.clone()),
                _ => Reply::Error(ApiError::NotFound),
            };
        };
        let mut new = old.clone();
        match request {
            Request::Get { .. } => return Reply::Done(old),
            Request::Create(_) => return Reply::Error(ApiError::AlreadyExists),
            Request::Update { object, part } => {
                if object.meta().resource_version != old.meta().resource_version {
                    return Reply::Error(ApiError::Conflict("the object has been modified".into()));
                }
                new = object.clone();
                match part {
                    Part::Main => new.prepare_for_update(&old),
                    Part::Status => new.prepare_for_status_update(&old),
                }
            }
            Request::Patch { edit, .. } => assert!(new.edit(edit), "{kind} has no such edit"),
            Request::Bind { node, .. } => {
                let Object::Pod(pod) = &mut new else { panic!("only pods are bound") };
                std::sync::Arc::make_mut(pod).node_name = node.clone();
            }
            Request::Delete { options, .. } => {
                let grace_seconds = old.grace_seconds(options.grace_seconds);
                if grace_seconds == 0 {
                    return self.commit_deletion(kind, old);
                }
                let at = Timestamp(self.clock.timestamp(self.now).0 + grace_seconds);
                new.meta_mut().deletion.get_or_insert(Deletion { at, grace_seconds });
            }
        }
        self.commit(kind, new)
    }

    fn commit_deletion(&mut self, kind: Kind, old: Object) -> Reply {
        self.remove(kind, old.key());
        Reply::Done(old)
    }

    fn commit(&mut self, kind: Kind, mut new: Object) -> Reply {
        self.revision += 1;
        let revision = Revision(self.revision);
        new.meta_mut().resource_version = revision;
        let old = self.caches.table_mut(kind).insert(new.clone());
        self.changed(kind, Change { revision, old, new: Some(new.clone()), cause: FactId::NONE });
        Reply::Done(new)
    }
}
