//! A client that sends requests one after another, as `kubectl apply` does with manifests.

use super::{ClientLimit, Command, Context, Program, Ticket, Timer};
use crate::apiserver::{ApiError, Change, Reply, Request};
use crate::object::fact::Why;
use crate::object::{FactId, Kind};
use std::collections::VecDeque;

/// Sends requests in order; each waits for the answer to the one before.
#[derive(Clone, Debug, Default)]
pub struct Script {
    waiting: VecDeque<(Request, FactId)>,
    current: Option<Request>,
    refused: Vec<(Request, ApiError)>,
}

impl Script {
    /// A client that begins with these.
    pub fn new(requests: impl IntoIterator<Item = Request>) -> Script {
        let waiting = requests.into_iter().map(|request| (request, FactId::NONE)).collect();
        Script { waiting, ..Script::default() }
    }

    /// Sends `request` after those that wait already.
    pub fn push(&mut self, request: Request, cx: &mut Context<'_>) {
        self.waiting.push_back((request, cx.cause));
        self.send_next(cx);
    }

    /// Requests that were refused, with the reason.
    pub fn refused(&self) -> &[(Request, ApiError)] {
        &self.refused
    }

    /// Whether everything has been answered.
    pub fn is_idle(&self) -> bool {
        self.current.is_none() && self.waiting.is_empty()
    }

    fn send_next(&mut self, cx: &mut Context<'_>) {
        if self.current.is_none()
            && let Some((request, cause)) = self.waiting.pop_front()
        {
            self.current = Some(request.clone());
            cx.out.push(Command::Send { request, ticket: Ticket(0), why: Why::because(cause) });
        }
    }
}

impl Program for Script {
    fn name(&self) -> &'static str {
        "kubectl"
    }

    fn watches(&self) -> &'static [Kind] {
        &[]
    }

    fn limit(&self) -> Option<ClientLimit> {
        None
    }

    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.send_next(cx);
    }

    fn on_changes(&mut self, _kind: Kind, _changes: &[Change], _cx: &mut Context<'_>) {}

    fn on_reply(&mut self, _ticket: Ticket, reply: &Reply, cx: &mut Context<'_>) {
        let request = self.current.take().expect("a reply answers the current request");
        if let Some(error) = reply.error() {
            self.refused.push((request, error.clone()));
        }
        self.send_next(cx);
    }

    fn on_timer(&mut self, _timer: Timer, _cx: &mut Context<'_>) {}

    fn boxed_clone(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Key, Meta, Namespace};
    use crate::program::harness::Harness;

    #[test]
    fn each_request_waits_for_the_answer_before_and_a_refusal_stops_nothing() {
        let namespace = |name: &str| Request::Create(Namespace { meta: Meta::new(Key::cluster(name)) }.into());
        let mut t = Harness::new(Script::new(["a", "b", "c"].map(namespace)));
        t.start();
        insta::assert_snapshot!(t.story(), @"0s create Namespace a");
        t.answer(&Reply::Error(ApiError::AlreadyExists));
        insta::assert_snapshot!(t.story(), @"0s create Namespace b");
        t.answer_all();
        insta::assert_snapshot!(t.story(), @"0s create Namespace c");
        t.call(|script, cx| script.push(namespace("d"), cx));
        assert!(!t.program.is_idle());
        t.answer_all();
        insta::assert_snapshot!(t.story(), @"0s create Namespace d");
        assert!(t.program.is_idle());
        assert_eq!(t.program.refused(), [(namespace("a"), ApiError::AlreadyExists)]);
    }
}
