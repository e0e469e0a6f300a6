//! A client that sends requests one after another, as `kubectl apply` does with manifests.

use super::{ClientLimit, Command, Context, Program, Ticket, Timer};
use crate::apiserver::{ApiError, Change, Reply, Request};
use crate::object::fact::Why;
use crate::object::{FactId, Kind};
use std::collections::{BTreeMap, VecDeque};

/// Sends requests; those of one line in order, each after the answer to the one before.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Lines that are not done, by number.
    lines: BTreeMap<u64, Line>,
    /// Lines so far.
    begun: u64,
    refused: Vec<(Request, ApiError)>,
    /// Errands of which all lines are done, and nobody has asked yet.
    answered: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Line {
    /// The request on its way, and those after it.
    requests: VecDeque<Request>,
    cause: FactId,
    /// The errand that it belongs to, if any.
    errand: Option<u32>,
}

impl Script {
    /// A client that begins with these, as one line.
    pub fn new(requests: impl IntoIterator<Item = Request>) -> Script {
        let mut script = Script::default();
        script.add(requests, FactId::NONE, None);
        script
    }

    /// Begins a line beside those that are not done, as another kubectl would.
    pub fn begin(&mut self, requests: impl IntoIterator<Item = Request>, cx: &mut Context<'_>) {
        let line = self.begun;
        self.add(requests, cx.cause, None);
        self.send(line, cx);
    }

    /// Begins the lines of an errand, side by side. That what they are about is gone already is no refusal.
    pub fn run_errand(&mut self, errand: u32, lines: Vec<Vec<Request>>, cx: &mut Context<'_>) {
        for requests in lines {
            let line = self.begun;
            self.add(requests, cx.cause, Some(errand));
            self.send(line, cx);
        }
        self.note_answered(errand);
    }

    /// Takes the number of an errand of which all lines are done.
    pub fn take_answered(&mut self) -> Option<u32> {
        self.answered.pop()
    }

    fn note_answered(&mut self, errand: u32) {
        if !self.lines.values().any(|line| line.errand == Some(errand)) {
            self.answered.push(errand);
        }
    }

    /// Requests that were refused, with the reason.
    pub fn refused(&self) -> &[(Request, ApiError)] {
        &self.refused
    }

    /// Whether everything has been answered.
    pub fn is_idle(&self) -> bool {
        self.lines.is_empty()
    }

    fn add(&mut self, requests: impl IntoIterator<Item = Request>, cause: FactId, errand: Option<u32>) {
        let requests: VecDeque<Request> = requests.into_iter().collect();
        if !requests.is_empty() {
            self.lines.insert(self.begun, Line { requests, cause, errand });
        }
        self.begun += 1;
    }

    fn send(&self, number: u64, cx: &mut Context<'_>) {
        if let Some(line) = self.lines.get(&number) {
            let request = line.requests.front().expect("a line that is not done has a request").clone();
            cx.out.push(Command::Send { request, ticket: Ticket(number), why: Why::because(line.cause) });
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
        self.lines.keys().for_each(|&line| self.send(line, cx));
    }

    fn on_changes(&mut self, _kind: Kind, _changes: &[Change], _cx: &mut Context<'_>) {}

    fn on_reply(&mut self, ticket: Ticket, reply: &Reply, cx: &mut Context<'_>) {
        let line = self.lines.get_mut(&ticket.0).expect("a reply answers a line that is not done");
        let (request, errand) = (line.requests.pop_front().expect("it was sent"), line.errand);
        if line.requests.is_empty() {
            self.lines.remove(&ticket.0);
        }
        let is_gone = |error: &ApiError| matches!(error, ApiError::NotFound | ApiError::Conflict(_));
        if let Some(error) = reply.error().filter(|error| errand.is_none() || !is_gone(error)) {
            self.refused.push((request, error.clone()));
        }
        self.send(ticket.0, cx);
        errand.into_iter().for_each(|errand| self.note_answered(errand));
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
        t.call(|script, cx| script.begin([namespace("d")], cx));
        assert!(!t.program.is_idle());
        t.answer_all();
        insta::assert_snapshot!(t.story(), @"0s create Namespace d");
        assert!(t.program.is_idle());
        assert_eq!(t.program.refused(), [(namespace("a"), ApiError::AlreadyExists)]);
    }

    #[test]
    fn an_errand_is_answered_when_all_its_lines_are() {
        let namespace = |name: &str| Request::Create(Namespace { meta: Meta::new(Key::cluster(name)) }.into());
        let mut t = Harness::new(Script::default());
        t.start();
        t.call(|script, cx| script.run_errand(7, vec![vec![namespace("a"), namespace("b")], vec![namespace("c")]], cx));
        insta::assert_snapshot!(t.story(), @r"
        0s create Namespace a
        0s create Namespace c
        ");
        assert_eq!(t.program.take_answered(), None);
        t.answer(&Reply::Error(ApiError::NotFound));
        t.answer(&Reply::Error(ApiError::NotFound));
        assert_eq!(t.program.take_answered(), None, "b is on its way");
        t.answer_all();
        assert_eq!((t.program.take_answered(), t.program.take_answered()), (Some(7), None));
        assert_eq!(t.program.refused(), []);
        t.call(|script, cx| script.run_errand(8, Vec::new(), cx));
        assert_eq!(t.program.take_answered(), Some(8), "there was nothing to answer");
    }

    #[test]
    fn lines_do_not_wait_for_each_other() {
        let namespace = |name: &str| Request::Create(Namespace { meta: Meta::new(Key::cluster(name)) }.into());
        let mut t = Harness::new(Script::new(["a", "b"].map(namespace)));
        t.start();
        t.call(|script, cx| script.begin([namespace("c")], cx));
        insta::assert_snapshot!(t.story(), @r"
        0s create Namespace a
        0s create Namespace c
        ");
        t.answer_all();
        insta::assert_snapshot!(t.story(), @"0s create Namespace b");
    }
}
