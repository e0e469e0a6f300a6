//! Work of many requests written as straight-line code.
//!
//! Upstream's longer syncs are functions that block on each request. Here such a function runs from its beginning at
//! every step: requests that were answered before return their replies at once, the first one without an answer
//! halts it, and its events are told only when they are new. That is sound because what it reads besides the replies
//! is kept from the first run: its inputs by the caller, the time of each reply by [`Trace`]. A sync with `n`
//! requests runs `n + 1` times, so this is for few requests and small inputs; a ReplicaSet keeps an explicit state.

use super::{Context, EventAbout, Step};
use crate::apiserver::{Reply, Request};
use crate::kernel::time::{Span, Time};
use crate::object::{Clock, Name, SettingId, Timestamp};

/// What a sync has been answered so far, and when.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    began: Option<Time>,
    replies: Vec<(Time, Reply)>,
}

/// Why a sync did not come to its end.
#[derive(Clone, Debug, PartialEq)]
pub enum Halt {
    /// It waits for the answer to this.
    Asks(Box<Request>),
    /// It failed and is to be tried again.
    Failed,
}

/// What a sync ends with that came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing more is to be done.
    Done,
    /// [`Step::After`].
    After(Span),
    /// [`Step::Soon`].
    Soon,
}

impl Trace {
    /// Adds the replies of a step.
    pub fn extend(&mut self, replies: &[Reply], now: Time) {
        self.began.get_or_insert(now);
        self.replies.extend(replies.iter().map(|reply| (now, reply.clone())));
    }

    /// A run of the sync with all that has been answered. Call [`Trace::extend`] first.
    pub fn run<'a, 'b>(&'a self, cx: &'a mut Context<'b>) -> Retrace<'a, 'b> {
        let now = self.began.expect("a run follows a step");
        Retrace { cx, replies: &self.replies, used: 0, now }
    }

    /// The step that an outcome leads to; `state` goes on if it asks for something.
    pub fn step<S>(outcome: Result<End, Halt>, state: S) -> Step<S> {
        match outcome {
            Ok(End::Done) => Step::Done,
            Ok(End::After(span)) => Step::After(span),
            Ok(End::Soon) => Step::Soon,
            Err(Halt::Failed) => Step::Retry,
            Err(Halt::Asks(request)) => Step::Call(vec![*request], state),
        }
    }
}

/// One run of a sync over its trace.
pub struct Retrace<'a, 'b> {
    cx: &'a mut Context<'b>,
    replies: &'a [(Time, Reply)],
    used: usize,
    now: Time,
}

impl<'a> Retrace<'a, '_> {
    /// Sends a request and takes its answer.
    ///
    /// # Errors
    /// [`Halt::Asks`] if it has not been answered yet: to be handed on, never handled.
    pub fn call(&mut self, request: Request) -> Result<&'a Reply, Halt> {
        let Some((at, reply)) = self.replies.get(self.used) else { return Err(Halt::Asks(Box::new(request))) };
        self.used += 1;
        self.now = *at;
        Ok(reply)
    }

    /// Emits an event, unless an earlier run did.
    pub fn event(&mut self, about: EventAbout<'_>, reason: &str, note: impl Into<Name>) {
        if self.used == self.replies.len() {
            self.cx.event(about, reason, note);
        }
    }

    /// When the code at hand runs for the first time.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The same as a date.
    pub fn timestamp(&self) -> Timestamp {
        self.cx.clock.timestamp(self.now)
    }

    /// Turns time into dates.
    pub const fn clock(&self) -> Clock {
        self.cx.clock
    }

    /// A duration setting.
    pub fn span(&self, id: SettingId) -> Span {
        self.cx.span(id)
    }

    /// A number among the settings.
    pub fn count(&self, id: SettingId) -> usize {
        self.cx.settings.count(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apiserver::Change;
    use crate::object::{Key, Kind, Node};
    use crate::program::harness::Harness;
    use crate::program::reconcile::{Enqueue, Reconcile, Runner};

    #[derive(Clone)]
    struct Twice;

    impl Reconcile for Twice {
        const NAME: &'static str = "twice";
        const WATCHES: &'static [Kind] = &[Kind::Node];
        const WORKERS: SettingId = SettingId::ReplicaSetSyncs;
        type State = Trace;

        fn keys(&mut self, change: &Change, _cx: &Context<'_>, enqueue: &mut Enqueue) {
            enqueue.add(change.key().clone());
        }

        fn step(&mut self, key: &Key, mut trace: Trace, replies: &[Reply], cx: &mut Context<'_>) -> Step<Trace> {
            trace.extend(replies, cx.now);
            let outcome = read_twice(key, trace.run(cx));
            Trace::step(outcome, trace)
        }
    }

    fn read_twice(key: &Key, mut io: Retrace<'_, '_>) -> Result<End, Halt> {
        let node = Node { meta: crate::object::Meta::new(key.clone()), ..Node::default() };
        for round in ["first", "second"] {
            io.event(EventAbout::normal(&node, "twice"), "Asks", format!("{round} time"));
            if !io.call(Request::Get { kind: Kind::Node, key: key.clone() })?.is_ok() {
                return Err(Halt::Failed);
            }
        }
        io.event(EventAbout::normal(&node, "twice"), "Done", "all read");
        Ok(End::Done)
    }

    #[test]
    fn a_halted_sync_goes_on_where_it_was_and_tells_nothing_twice() {
        let mut t = Harness::new(Runner::new(Twice));
        t.start();
        t.put(Node { meta: crate::object::Meta::new(Key::cluster("n1")), ..Node::default() });
        t.answer_all();
        insta::assert_snapshot!(t.story(), @r"
        0s event Node/n1 Asks: first time
        0s get Node n1
        0s event Node/n1 Asks: second time
        0s get Node n1
        0s event Node/n1 Done: all read
        ");
    }
}
