//! The garbage collector: deletes what has lost its owners, and owners that waited for what they own.
//!
//! Source: `pkg/controller/garbagecollector/`, v1.36. `graph` keeps who owns whom, `attempt` says what a worker
//! does with one object, and here are the two work queues with their workers. Every decision rests on live reads, so an
//! object costs two requests or more, and the client's limit sets the pace: some 13 to 20 objects a second. Left out:
//! the discovery of new kinds. Its client's limit is a setting of its own, which does not follow `kube-api-qps`; Events
//! go through the same client.

mod absent;
mod attempt;
mod graph;

#[cfg(test)]
mod story;

use crate::apiserver::{Change, Reply};
use crate::object::{FactId, Kind, Meta, SettingId, Uid};
use crate::program::workqueue::{RateLimiter, WorkQueue};
use crate::program::{ClientLimit, Context, EventAbout, Program, Ticket, Timer};
use absent::AbsentOwners;
use attempt::{Attempt, Next, State};
use graph::{Graph, Identity, Node, Todo};
use std::collections::BTreeMap;

const NAME: &str = "garbage-collector-controller";

/// A back-off may be over; the argument is the number of the line.
const QUEUE: u32 = 0;
/// The pause of a worker is over; the argument is that of its tickets.
const PAUSE: u32 = 1;

/// An object that a worker has taken.
#[derive(Clone, Debug)]
struct Job {
    item: Identity,
    cause: FactId,
    state: State,
    replies: Vec<Option<Reply>>,
    missing: usize,
}

/// A work queue and its workers.
#[derive(Clone, Debug)]
struct Line {
    queue: WorkQueue<Identity>,
    workers: Vec<Option<Job>>,
}

/// Number of the line of objects that are perhaps garbage.
const DELETE: usize = 0;
/// Number of the line of objects whose dependents are to be set free.
const ORPHAN: usize = 1;

/// The controller.
#[derive(Clone, Debug, Default)]
pub struct GarbageCollector {
    graph: Graph,
    absent: AbsentOwners,
    /// Nodes that left the graph while a worker had them or was to get them.
    ghosts: BTreeMap<Uid, Node>,
    lines: Vec<Line>,
}

impl GarbageCollector {
    fn bury(&mut self, gone: Option<Node>) {
        if let Some(node) = gone.filter(|node| self.lines.iter().any(|line| line.queue.holds(&node.identity))) {
            self.ghosts.insert(node.identity.uid, node);
        }
    }

    /// Puts into the queues what a change of the graph leads to.
    fn enqueue(&mut self, todo: Todo, cause: FactId, cx: &mut Context<'_>) {
        let size = cx.settings.count(SettingId::AbsentOwnerCacheSize);
        todo.absent.into_iter().for_each(|owner| self.absent.add(owner, size));
        todo.delete.into_iter().for_each(|item| self.lines[DELETE].queue.add(item, cause));
        todo.orphan.into_iter().for_each(|item| self.lines[ORPHAN].queue.add(item, cause));
        for item in todo.delete_later {
            self.back_off(DELETE, item, cause, cx);
        }
        for (dependent, owner) in todo.strangers {
            let namespace = &dependent.key.namespace;
            let (group, version) = (owner.kind.group(), owner.kind.version());
            let api = if group.is_empty() { version.to_string() } else { format!("{group}/{version}") };
            let note = format!(
                "ownerRef [{api}/{}, namespace: {namespace}, name: {}, uid: {}] does not exist in namespace \
                 \"{namespace}\"",
                owner.kind, owner.name, owner.uid
            );
            let meta = Meta::new(dependent.key.clone());
            let about = EventAbout { kind: dependent.kind, meta: &meta, reporter: NAME, is_warning: true };
            let outer_cause = std::mem::replace(&mut cx.cause, cause);
            cx.event(about, "OwnerRefInvalidNamespace", note);
            cx.cause = outer_cause;
        }
    }

    fn back_off(&mut self, line: usize, item: Identity, cause: FactId, cx: &mut Context<'_>) {
        if let Some(at) = self.lines[line].queue.add_rate_limited(item, cause, cx.now) {
            cx.wake_after(at.since(cx.now), Timer { kind: QUEUE, arg: line as u64 });
        }
    }

    /// Gives waiting objects to free workers.
    fn pump(&mut self, cx: &mut Context<'_>) {
        while let Some((line, worker)) = self.free_worker() {
            let (item, cause) = self.lines[line].queue.get().expect("somebody waits");
            let state = if line == DELETE { State::Suspected } else { State::Orphaning };
            self.advance(line, worker, Job { item, cause, state, replies: Vec::new(), missing: 0 }, cx);
        }
    }

    /// A worker who has nothing to do and could.
    fn free_worker(&self) -> Option<(usize, usize)> {
        let free =
            |line: &Line| line.queue.has_ready().then(|| line.workers.iter().position(Option::is_none)).flatten();
        self.lines.iter().enumerate().find_map(|(number, line)| Some((number, free(line)?)))
    }

    /// Goes on with an object until the worker waits or is done with it.
    fn advance(&mut self, line: usize, worker: usize, mut job: Job, cx: &mut Context<'_>) {
        let outer_cause = std::mem::replace(&mut cx.cause, job.cause);
        let replies: Vec<Reply> = job.replies.drain(..).map(|reply| reply.expect("all are in")).collect();
        let mut todo = Todo::default();
        let attempt = Attempt {
            item: &job.item,
            graph: &self.graph,
            ghost: self.ghosts.get(&job.item.uid),
            absent: &mut self.absent,
            todo: &mut todo,
            cx,
        };
        let cause = job.cause;
        let number = (line as u64) << 48 | (worker as u64) << 32;
        match attempt.step(job.state, &replies) {
            Next::Ask(requests, state) => {
                job.state = state;
                job.missing = requests.len();
                job.replies = vec![None; requests.len()];
                for (index, request) in requests.into_iter().enumerate() {
                    cx.send(request, Ticket(number | index as u64));
                }
                self.lines[line].workers[worker] = Some(job);
            }
            Next::Pause(span, state) => {
                job.state = state;
                cx.wake_owned(span, Timer { kind: PAUSE, arg: number }, SettingId::ConflictRetryPause);
                self.lines[line].workers[worker] = Some(job);
            }
            end => {
                if matches!(end, Next::Gone) {
                    let gone = self.graph.not_found(&job.item, &mut todo);
                    self.bury(gone);
                }
                self.finish(line, job.item, &end, cause, cx);
            }
        }
        self.enqueue(todo, cause, cx);
        cx.cause = outer_cause;
    }

    fn finish(&mut self, line: usize, item: Identity, end: &Next, cause: FactId, cx: &mut Context<'_>) {
        // An object that was added and removed behind an informer's back would stay in the graph for ever.
        let is_unseen = line == DELETE && self.graph.get(item.uid).is_some_and(|node| node.is_virtual);
        if matches!(end, Next::Retry) || matches!(end, Next::Done) && is_unseen {
            self.back_off(line, item.clone(), cause, cx);
        } else {
            self.lines[line].queue.forget(&item);
        }
        self.lines[line].queue.done(&item);
        if !self.lines.iter().any(|line| line.queue.holds(&item)) {
            self.ghosts.remove(&item.uid);
        }
    }
}

/// The line and the worker that a ticket or a pause belongs to.
const fn place(number: u64) -> (usize, usize) {
    ((number >> 48) as usize, (number >> 32) as u16 as usize)
}

impl Program for GarbageCollector {
    fn name(&self) -> &'static str {
        NAME
    }

    /// All kinds but Events. Owners come before what they may own, so that a start finds few owners missing; upstream's
    /// informers begin in any order.
    fn watches(&self) -> &'static [Kind] {
        &[
            Kind::Namespace,
            Kind::PriorityClass,
            Kind::Node,
            Kind::Lease,
            Kind::ClusterOpaque,
            Kind::Opaque,
            Kind::Deployment,
            Kind::ReplicaSet,
            Kind::Service,
            Kind::EndpointSlice,
            Kind::Pod,
        ]
    }

    fn limit(&self) -> Option<ClientLimit> {
        Some(ClientLimit { qps: SettingId::GarbageCollectorQps, burst: SettingId::ControllerBurst })
    }

    fn on_start(&mut self, cx: &mut Context<'_>) {
        let line = || Line {
            queue: WorkQueue::new(RateLimiter::new(cx.settings, SettingId::WorkqueueBackoffBase)),
            workers: vec![None; cx.settings.count(SettingId::GarbageCollectorSyncs)],
        };
        self.lines = vec![line(), line()];
    }

    fn on_changes(&mut self, _kind: Kind, changes: &[Change], cx: &mut Context<'_>) {
        for change in changes {
            let mut todo = Todo::default();
            let gone = self.graph.change(change, &mut todo);
            self.bury(gone);
            self.enqueue(todo, change.cause, cx);
        }
        self.pump(cx);
    }

    fn on_reply(&mut self, ticket: Ticket, reply: &Reply, cx: &mut Context<'_>) {
        let (line, worker) = place(ticket.0);
        let slot = &mut self.lines[line].workers[worker];
        let job = slot.as_mut().expect("a worker waits for each of its replies");
        let index = ticket.0 as u32 as usize;
        assert!(job.replies[index].replace(reply.clone()).is_none(), "a second reply to {ticket:?}");
        job.missing -= 1;
        if job.missing == 0 {
            let job = slot.take().expect("it was there just now");
            self.advance(line, worker, job, cx);
            self.pump(cx);
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        if timer.kind == QUEUE {
            self.lines[timer.arg as usize].queue.wake(cx.now);
        } else {
            let (line, worker) = place(timer.arg);
            let job = self.lines[line].workers[worker].take().expect("the worker waits for its pause to end");
            self.advance(line, worker, job, cx);
        }
        self.pump(cx);
    }

    fn boxed_clone(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
