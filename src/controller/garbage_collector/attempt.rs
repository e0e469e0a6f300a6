//! What a worker does with one object, request by request.
//!
//! Source: `pkg/controller/garbagecollector/{garbagecollector,operations,patch}.go`, v1.36. Left out: the merge patches
//! for kinds that know no strategic ones. Upstream takes a finalizer away by a patch that carries the resource version;
//! here that is an update, which is refused on the same terms.

use super::absent::AbsentOwners;
use super::graph::{FOREGROUND, Graph, Identity, Node, ORPHAN, Todo, has_finalizer, waits_with};
use crate::apiserver::{ApiError, DeleteOptions, Part, Propagation, Reply, Request};
use crate::kernel::rng::Purpose;
use crate::kernel::time::Span;
use crate::object::{Edit, Object, OwnerRef, SettingId, Uid};
use crate::program::Context;

/// What a worker waits for.
#[derive(Clone, Debug)]
pub enum State {
    /// It has just taken an object that is perhaps garbage.
    Suspected,
    /// It has just taken an object whose dependents are to be set free.
    Orphaning,
    /// The object, read live.
    Item,
    /// An owner, read live.
    Owner(Box<Search>),
    /// A patch after which nothing is left to do.
    Stripped,
    /// The object blocks no owner any longer, and is deleted in the foreground now.
    Unblocked(Box<Object>),
    /// The deletion of the object as it was read.
    Deleted(Box<Object>, Propagation),
    /// The object, after its deletion was refused because it had changed.
    Reread(Box<Object>, Propagation),
    /// Its deletion, whatever version it is by now.
    DeletedAnyway,
    /// Dependents lose their owner.
    Freed,
    /// The object is to lose this finalizer; so many attempts have failed.
    Finalizer(&'static str, u32),
    /// The object, of which this finalizer is to be taken.
    FinalizerRead(&'static str, u32),
    /// The object without it is written.
    FinalizerWritten(&'static str, u32),
}

/// The owners of an object, as far as they have been looked up.
#[derive(Clone, Debug)]
pub struct Search {
    /// The object.
    latest: Object,
    looked_up: usize,
    /// Owners that are there to stay.
    has_solid: bool,
    /// Owners that are not there.
    dangling: Vec<Uid>,
    /// Owners that wait for their dependents to go.
    waiting: Vec<Uid>,
}

/// What a worker does next.
pub enum Next {
    /// Sends these at once and waits for all answers.
    Ask(Vec<Request>, State),
    /// Goes on after a pause.
    Pause(Span, State),
    /// Is done. An object that no informer has shown yet is looked at again.
    Done,
    /// Is done in any case.
    Forget,
    /// The object is not there.
    Gone,
    /// Tries again after a back-off.
    Retry,
}

/// A worker with its object.
pub struct Attempt<'a, 'b> {
    /// The object.
    pub item: &'a Identity,
    /// What is known of all others.
    pub graph: &'a Graph,
    /// Its node, if that left the graph meanwhile.
    pub ghost: Option<&'a Node>,
    /// Owners that are known not to exist.
    pub absent: &'a mut AbsentOwners,
    /// What others are to do.
    pub todo: &'a mut Todo,
    /// Time and settings.
    pub cx: &'a Context<'b>,
}

impl<'a> Attempt<'a, '_> {
    /// One step: `replies` answer what the last one asked.
    pub fn step(mut self, state: State, replies: &[Reply]) -> Next {
        match state {
            State::Suspected => self.begin(),
            State::Orphaning => self.orphan(),
            State::Item => self.item_read(&replies[0]),
            State::Owner(search) => self.owner_read(search, &replies[0]),
            State::Stripped | State::DeletedAnyway if replies[0].is_ok() => Next::Done,
            State::DeletedAnyway if replies[0].is_not_found() => Next::Gone,
            State::Stripped | State::DeletedAnyway => Next::Retry,
            State::Unblocked(latest) if replies[0].is_ok() => self.delete(latest, Propagation::Foreground),
            State::Unblocked(_) => Next::Retry,
            State::Deleted(latest, propagation) => match &replies[0] {
                Reply::Done(_) => Next::Done,
                Reply::Error(ApiError::NotFound) => Next::Gone,
                Reply::Error(ApiError::Conflict(_)) => {
                    Next::Ask(vec![self.read(self.item)], State::Reread(latest, propagation))
                }
                Reply::Error(_) => Next::Retry,
            },
            State::Reread(latest, propagation) => self.delete_anyway(&latest, propagation, &replies[0]),
            State::Freed if replies.iter().all(|reply| reply.is_ok() || reply.is_not_found()) => {
                self.read_finalizers(ORPHAN, 0)
            }
            State::Freed => Next::Retry,
            State::Finalizer(name, failures) => self.read_finalizers(name, failures),
            State::FinalizerRead(name, failures) => self.take_finalizer(name, failures, &replies[0]),
            State::FinalizerWritten(name, failures) => match &replies[0] {
                Reply::Done(_) => Next::Done,
                Reply::Error(ApiError::Conflict(_)) => self.pause(name, failures),
                Reply::Error(_) => Next::Retry,
            },
        }
    }

    fn node(&self) -> Option<&'a Node> {
        self.graph.get(self.item.uid).or(self.ghost)
    }

    fn read(&self, object: &Identity) -> Request {
        Request::Get { kind: object.kind, key: object.key.clone() }
    }

    fn patch(&self, object: &Identity, edit: Edit) -> Request {
        let (kind, key, uid) = (object.kind, object.key.clone(), Some(object.uid));
        Request::Patch { kind, key, uid, part: Part::Main, edit }
    }

    fn begin(&self) -> Next {
        let known = self.graph.get(self.item.uid);
        let is_outdated = |node: &Node| node.identity != *self.item && !node.is_virtual;
        let node = match known.or(self.ghost.filter(|ghost| !ghost.is_virtual)) {
            Some(node) if !is_outdated(node) => node,
            _ => return Next::Forget,
        };
        if node.is_being_deleted && !node.is_deleting_dependents {
            return Next::Done;
        }
        if self.item.kind.is_namespaced() && self.item.key.namespace.is_empty() {
            // Only an object without a namespace can have named such an owner, wrongly.
            return Next::Forget;
        }
        Next::Ask(vec![self.read(self.item)], State::Item)
    }

    fn item_read(&mut self, reply: &Reply) -> Next {
        let latest = match reply {
            Reply::Done(latest) if latest.meta().uid == self.item.uid => latest,
            Reply::Done(_) | Reply::Error(ApiError::NotFound) => return Next::Gone,
            Reply::Error(_) => return Next::Retry,
        };
        if let Some(node) = self.node().filter(|node| node.is_deleting_dependents) {
            return self.wait_for_dependents(node);
        }
        if latest.meta().owners.is_empty() {
            return Next::Done;
        }
        let latest = latest.clone();
        let (dangling, waiting) = (Vec::new(), Vec::new());
        self.classify(Box::new(Search { latest, looked_up: 0, has_solid: false, dangling, waiting }))
    }

    /// The object waits for its dependents to go (`processDeletingDependentsItem`).
    fn wait_for_dependents(&mut self, node: &Node) -> Next {
        let mut blocking = self.graph.blocking_dependents(node).peekable();
        if blocking.peek().is_none() {
            return self.read_finalizers(FOREGROUND, 0);
        }
        let to_delete = blocking.filter(|dependent| !dependent.is_deleting_dependents);
        self.todo.delete.extend(to_delete.map(|dependent| dependent.identity.clone()));
        Next::Done
    }

    /// Looks owners up until one must be read live (`classifyReferences`).
    fn classify(&mut self, mut search: Box<Search>) -> Next {
        while let Some(named) = search.latest.meta().owners.get(search.looked_up) {
            let owner = Identity::of_owner(named, &self.item.key.namespace);
            if !self.absent.has(&owner) {
                if owner.kind.is_namespaced() && self.item.key.namespace.is_empty() {
                    return Next::Forget;
                }
                return Next::Ask(vec![self.read(&owner)], State::Owner(search));
            }
            search.dangling.push(owner.uid);
            search.looked_up += 1;
        }
        self.decide(*search)
    }

    fn owner_read(&mut self, mut search: Box<Search>, reply: &Reply) -> Next {
        let named: &OwnerRef = &search.latest.meta().owners[search.looked_up];
        let (uid, owner) = (named.uid, Identity::of_owner(named, &self.item.key.namespace));
        match reply {
            Reply::Done(live) if live.meta().uid == uid => {
                let is_waiting = waits_with(live.meta(), FOREGROUND);
                search.has_solid |= !is_waiting;
                search.waiting.extend(is_waiting.then_some(uid));
            }
            Reply::Done(_) | Reply::Error(ApiError::NotFound) => {
                self.absent.add(owner, self.cx.settings.count(SettingId::AbsentOwnerCacheSize));
                search.dangling.push(uid);
            }
            Reply::Error(_) => return Next::Retry,
        }
        search.looked_up += 1;
        self.classify(search)
    }

    fn decide(&self, search: Search) -> Next {
        let Search { latest, has_solid, mut dangling, waiting, .. } = search;
        let mut dependents = self.node().into_iter().flat_map(|node| self.graph.dependents(node)).peekable();
        if has_solid {
            let nobody_waits = waiting.is_empty();
            dangling.extend(waiting);
            if dangling.is_empty() && nobody_waits {
                return Next::Done;
            }
            return Next::Ask(vec![self.patch(self.item, Edit::RemoveOwners(dangling))], State::Stripped);
        }
        let latest = Box::new(latest);
        if !waiting.is_empty() && dependents.peek().is_some() {
            if dependents.any(|dependent| dependent.is_deleting_dependents) {
                // Perhaps owners and dependents wait for each other in a circle.
                return Next::Ask(vec![self.patch(self.item, Edit::UnblockOwners)], State::Unblocked(latest));
            }
            return self.delete(latest, Propagation::Foreground);
        }
        let propagation = if has_finalizer(latest.meta(), ORPHAN) {
            Propagation::Orphan
        } else if has_finalizer(latest.meta(), FOREGROUND) {
            Propagation::Foreground
        } else {
            Propagation::Background
        };
        self.delete(latest, propagation)
    }

    fn delete(&self, latest: Box<Object>, propagation: Propagation) -> Next {
        let options = DeleteOptions {
            uid: Some(self.item.uid),
            resource_version: Some(latest.meta().resource_version),
            propagation: Some(propagation),
            ..DeleteOptions::default()
        };
        let request = Request::Delete { kind: self.item.kind, key: self.item.key.clone(), options };
        Next::Ask(vec![request], State::Deleted(latest, propagation))
    }

    /// Others have changed the object meanwhile: unless it has other owners now, it goes all the same.
    fn delete_anyway(&self, latest: &Object, propagation: Propagation, reply: &Reply) -> Next {
        match reply {
            Reply::Done(live) => {
                let (live, latest) = (live.meta(), latest.meta());
                let is_same = live.uid == self.item.uid && live.owners == latest.owners;
                if !is_same || live.resource_version == latest.resource_version {
                    return Next::Retry;
                }
                let (uid, propagation) = (Some(self.item.uid), Some(propagation));
                let options = DeleteOptions { uid, propagation, ..DeleteOptions::default() };
                let request = Request::Delete { kind: self.item.kind, key: self.item.key.clone(), options };
                Next::Ask(vec![request], State::DeletedAnyway)
            }
            Reply::Error(ApiError::NotFound) => Next::Done,
            Reply::Error(_) => Next::Retry,
        }
    }

    /// All dependents lose this owner at once (`attemptToOrphanWorker`).
    fn orphan(&self) -> Next {
        let dependents = self.node().into_iter().flat_map(|node| self.graph.dependents(node));
        let free = |node: &Node| self.patch(&node.identity, Edit::RemoveOwners(vec![self.item.uid]));
        let requests: Vec<Request> = dependents.map(free).collect();
        if requests.is_empty() { self.read_finalizers(ORPHAN, 0) } else { Next::Ask(requests, State::Freed) }
    }

    fn read_finalizers(&self, name: &'static str, failures: u32) -> Next {
        Next::Ask(vec![self.read(self.item)], State::FinalizerRead(name, failures))
    }

    fn take_finalizer(&self, name: &'static str, failures: u32, reply: &Reply) -> Next {
        let mut object = match reply {
            Reply::Done(live) if has_finalizer(live.meta(), name) => live.clone(),
            Reply::Done(_) | Reply::Error(ApiError::NotFound) => return Next::Done,
            Reply::Error(_) => return Next::Retry,
        };
        object.meta_mut().finalizers.retain(|finalizer| finalizer != name);
        Next::Ask(vec![Request::Update { object, part: Part::Main }], State::FinalizerWritten(name, failures))
    }

    /// Somebody else wrote the object in between: once more, a few times, after a pause that grows.
    fn pause(&self, name: &'static str, failures: u32) -> Next {
        let (settings, failures) = (self.cx.settings, failures + 1);
        if failures as usize >= settings.count(SettingId::ConflictRetries) {
            return Next::Retry;
        }
        let factor = settings.get(SettingId::ConflictRetryFactor) as u64;
        let first = settings.span(SettingId::ConflictRetryPause).as_micros();
        let pause = (1..failures).fold(first, |pause, _| pause.saturating_mul(factor));
        let share = settings.get(SettingId::ConflictRetryJitter) as u64;
        let most = Span::from_micros((u128::from(pause) * u128::from(share) / 1_000_000) as u64);
        let path = format!("{} {}", self.item.kind, self.item.key);
        let jitter = self.cx.draws.span_below(Purpose::Jitter, &path, self.cx.now.as_micros(), most);
        Next::Pause(Span::from_micros(pause) + jitter, State::Finalizer(name, failures))
    }
}
