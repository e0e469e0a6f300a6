//! Controllers as reconcilers: a key goes in, requests come out, replies come back, until it is done.
//!
//! A worker is held from the first step of a key until its last, also while it waits for replies or for tokens, as a
//! goroutine upstream is. [`Runner`] makes a [`Program`] of a [`Reconcile`]: work queue, back-off, workers.

use super::workqueue::{RateLimiter, WorkQueue};
use super::{ClientLimit, Context, Program, Ticket, Timer};
use crate::apiserver::{Change, Reply, Request};
use crate::kernel::time::Span;
use crate::object::{FactId, Key, Kind, SettingId};

/// The logic of one controller.
pub trait Reconcile: Clone + Send + Sync + 'static {
    /// Upstream's name of the controller.
    const NAME: &'static str;
    /// Kinds that it hears of.
    const WATCHES: &'static [Kind];
    /// Setting with the number of workers.
    const WORKERS: SettingId;
    /// Setting with the first back-off.
    const BACKOFF: SettingId = SettingId::WorkqueueBackoffBase;
    /// Setting with the number of failures after which a key is let be; none tries for ever.
    const RETRIES: Option<SettingId> = None;

    /// What a key's work remembers between its steps.
    type State: Default + Clone + Send + Sync;

    /// Says which keys a change concerns.
    fn keys(&mut self, change: &Change, cx: &Context<'_>, enqueue: &mut Enqueue);

    /// One step of the work on `key`: at first with the default state and no replies, then with the state and the
    /// replies to the requests that the last step asked for, in their order.
    fn step(&mut self, key: &Key, state: Self::State, replies: &[Reply], cx: &mut Context<'_>) -> Step<Self::State>;

    /// One of the requests that a step asked for is answered, the one at `index`; others may still be on their way. What is
    /// said about it at once, as an Event.
    fn answered(&self, _state: &Self::State, _index: usize, _reply: &Reply, _cx: &mut Context<'_>) {}
}

/// What a step leads to.
#[derive(Clone, Debug)]
pub enum Step<S> {
    /// Sends these at once and goes on when all are answered.
    Call(Vec<Request>, S),
    /// The key is done.
    Done,
    /// The key is done, and is to be looked at again after a time.
    After(Span),
    /// It failed and is tried again after a back-off.
    Retry,
    /// The key is done, and is to be looked at again after the queue's back-off for it; no failure is remembered.
    Soon,
}

/// Collects keys to work on.
#[derive(Debug, Default)]
pub struct Enqueue {
    keys: Vec<(Key, Span)>,
}

impl Enqueue {
    /// At once.
    pub fn add(&mut self, key: Key) {
        self.keys.push((key, Span::ZERO));
    }

    /// After a time.
    pub fn add_after(&mut self, key: Key, delay: Span) {
        self.keys.push((key, delay));
    }
}

#[derive(Clone)]
struct Work<S> {
    key: Key,
    cause: FactId,
    state: S,
    replies: Vec<Option<Reply>>,
    missing: usize,
}

/// Drives a [`Reconcile`].
#[derive(Clone)]
pub struct Runner<R: Reconcile> {
    /// The logic.
    pub logic: R,
    queue: Option<WorkQueue>,
    workers: Vec<Option<Work<R::State>>>,
}

const QUEUE_TIMER: Timer = Timer::new(0);

impl<R: Reconcile> Runner<R> {
    /// A controller that has not started yet.
    pub fn new(logic: R) -> Runner<R> {
        Runner { logic, queue: None, workers: Vec::new() }
    }

    fn queue(&mut self) -> &mut WorkQueue {
        self.queue.as_mut().expect("a program is started before it is used")
    }

    /// Gives ready keys to free workers.
    fn pump(&mut self, cx: &mut Context<'_>) {
        while let Some(worker) = self.workers.iter().position(Option::is_none) {
            let Some((key, cause)) = self.queue().get() else { return };
            let work = Work { key, cause, state: R::State::default(), replies: Vec::new(), missing: 0 };
            self.advance(worker, work, cx);
        }
    }

    /// Steps a key until it waits for replies or is done.
    fn advance(&mut self, worker: usize, mut work: Work<R::State>, cx: &mut Context<'_>) {
        let outer_cause = std::mem::replace(&mut cx.cause, work.cause);
        loop {
            let replies: Vec<Reply> = work.replies.drain(..).map(|reply| reply.expect("all are in")).collect();
            match self.logic.step(&work.key, std::mem::take(&mut work.state), &replies, cx) {
                Step::Call(requests, state) => {
                    work.state = state;
                    if requests.is_empty() {
                        continue;
                    }
                    work.missing = requests.len();
                    work.replies = vec![None; requests.len()];
                    for (index, request) in requests.into_iter().enumerate() {
                        cx.send(request, Ticket((worker as u64) << 32 | index as u64));
                    }
                    self.workers[worker] = Some(work);
                    break;
                }
                end => {
                    self.finish(&work, end, cx);
                    break;
                }
            }
        }
        cx.cause = outer_cause;
    }

    fn finish(&mut self, work: &Work<R::State>, end: Step<R::State>, cx: &mut Context<'_>) {
        let (key, cause) = (work.key.clone(), work.cause);
        let retries = R::RETRIES.map(|id| cx.settings.count(id));
        let queue = self.queue();
        let given_up = retries.is_some_and(|retries| queue.failures(&key) as usize >= retries);
        let wake = match end {
            Step::Retry if !given_up => queue.add_rate_limited(key.clone(), cause, cx.now),
            Step::Soon => {
                let wake = queue.add_rate_limited(key.clone(), cause, cx.now);
                queue.forget(&key);
                wake
            }
            Step::After(delay) => {
                queue.forget(&key);
                queue.add_after(key.clone(), delay, cause, cx.now)
            }
            _ => {
                queue.forget(&key);
                None
            }
        };
        queue.done(&key);
        if let Some(at) = wake {
            cx.wake_after(at.since(cx.now), QUEUE_TIMER);
        }
    }
}

impl<R: Reconcile> Program for Runner<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn watches(&self) -> &'static [Kind] {
        R::WATCHES
    }

    fn limit(&self) -> Option<ClientLimit> {
        Some(ClientLimit::CONTROLLER)
    }

    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.queue = Some(WorkQueue::new(RateLimiter::new(cx.settings, R::BACKOFF)));
        self.workers = vec![None; cx.settings.count(R::WORKERS)];
    }

    fn on_changes(&mut self, _kind: Kind, changes: &[Change], cx: &mut Context<'_>) {
        let mut enqueue = Enqueue::default();
        for change in changes {
            self.logic.keys(change, cx, &mut enqueue);
            for (key, delay) in enqueue.keys.drain(..) {
                let now = cx.now;
                if let Some(at) = self.queue().add_after(key, delay, change.cause, now) {
                    cx.wake_after(at.since(now), QUEUE_TIMER);
                }
            }
        }
        self.pump(cx);
    }

    fn on_reply(&mut self, ticket: Ticket, reply: &Reply, cx: &mut Context<'_>) {
        let (worker, index) = ((ticket.0 >> 32) as usize, ticket.0 as u32 as usize);
        let work = self.workers[worker].as_mut().expect("a worker waits for each of its replies");
        assert!(work.replies[index].replace(reply.clone()).is_none(), "{}: a second reply", R::NAME);
        work.missing -= 1;
        let outer_cause = std::mem::replace(&mut cx.cause, work.cause);
        self.logic.answered(&work.state, index, reply, cx);
        cx.cause = outer_cause;
        if work.missing == 0 {
            let work = self.workers[worker].take().expect("it was there just now");
            self.advance(worker, work, cx);
            self.pump(cx);
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        debug_assert_eq!(timer, QUEUE_TIMER);
        let now = cx.now;
        self.queue().wake(now);
        self.pump(cx);
    }

    fn boxed_clone(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
