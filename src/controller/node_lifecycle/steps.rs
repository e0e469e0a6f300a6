//! What takes several requests in sequence: patching a node, and telling its pods that they are not ready.
//!
//! Source: `pkg/controller/controller_utils.go` (`AddOrUpdateTaintOnNode`, `RemoveTaintOffNode`,
//! `AddOrUpdateLabelsOnNode`), `pkg/controller/util/node/controller_utils.go` (`SwapNodeControllerTaint`,
//! `MarkPodsNotReady`), v1.36. A patch of the taints is refused if the node has changed since it was read, and
//! is tried again after a pause: two loops that taint one node at the same time get into each other's way. Left out: the
//! first read comes from the API server's cache upstream.

use super::REPORTER;
use crate::apiserver::{ApiError, Part, Reply, Request};
use crate::kernel::rng::Purpose;
use crate::kernel::time::Span;
use crate::object::pod::conditions::READY;
use crate::object::taint::{Effect, NOT_READY, Taint, TaintKey, UNREACHABLE};
use crate::object::{ConditionStatus, Edit, FactId, Key, Kind, Name, Node, Pod, SettingId, Timestamp, condition};
use crate::program::{Context, EventAbout};
use std::collections::VecDeque;
use std::sync::Arc;

/// What a sequence of requests goes on with.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// It begins, or a pause is over.
    Go,
    /// Its request was answered, and this fact led to the answer.
    Reply(&'a Reply, FactId),
}

/// What a sequence of requests comes to.
#[derive(Clone, Debug)]
pub enum Turn {
    /// It sends this and waits for the reply.
    Send(Request),
    /// It waits for a time that a setting owns.
    Pause(Span, SettingId),
    /// It is over, well or not.
    Done(bool),
}

/// A NoExecute taint that the controller sets.
pub fn no_execute(key: &str, added: Timestamp) -> Taint {
    Taint { key: key.into(), value: Name::none(), effect: Effect::NoExecute, time_added: Some(added) }
}

/// Whether a node has the NoExecute taint `key`.
pub fn has_no_execute(node: &Node, key: &str) -> bool {
    node.taints.iter().any(|taint| taint.effect == Effect::NoExecute && taint.key == key)
}

/// Edits of one node, one after another: each reads the node and patches it if there is something to patch.
#[derive(Clone, Debug)]
pub struct EditRun {
    node: Name,
    edits: VecDeque<Edit>,
    /// Whether the node has been read, so that the reply is to the patch.
    has_read: bool,
    failures: usize,
}

impl EditRun {
    /// These edits.
    pub fn new(node: &Name, edits: impl IntoIterator<Item = Edit>) -> EditRun {
        EditRun { node: node.clone(), edits: edits.into_iter().collect(), has_read: false, failures: 0 }
    }

    /// Adds taints, then takes others away if `node`, as it is known here, has one of them (`SwapNodeControllerTaint`).
    pub fn swap(node: &Node, add: Vec<Taint>, remove: Vec<TaintKey>) -> EditRun {
        let is_there = |(key, effect): &TaintKey| node.taints.iter().any(|t| (&t.key, t.effect) == (key, *effect));
        let removes = remove.iter().any(is_there).then(|| Edit::Taints { add: vec![], remove, version: None });
        let adds = (!add.is_empty()).then(|| Edit::Taints { add, remove: vec![], version: None });
        EditRun::new(node.meta.name(), adds.into_iter().chain(removes))
    }

    /// Swaps the NoExecute taints for not-ready and unreachable.
    pub fn swap_no_execute(node: &Node, add: &str, remove: &str, now: Timestamp) -> EditRun {
        EditRun::swap(node, vec![no_execute(add, now)], vec![(remove.into(), Effect::NoExecute)])
    }

    /// Takes both NoExecute taints away that `node`, as it is known here, has (`markNodeAsReachable`).
    pub fn clear(node: &Node) -> EditRun {
        let keys = [UNREACHABLE, NOT_READY].into_iter().filter(|key| has_no_execute(node, key));
        let remove =
            |key: &str| Edit::Taints { add: vec![], remove: vec![(key.into(), Effect::NoExecute)], version: None };
        EditRun::new(node.meta.name(), keys.map(remove))
    }

    /// Goes on.
    pub fn step(&mut self, input: Input<'_>, cx: &mut Context<'_>) -> Turn {
        match input {
            Input::Go => {}
            Input::Reply(Reply::Done(object), _) if !self.has_read => {
                let node = object.of::<Node>().expect("a node was asked for");
                if let Some(edit) = self.edits.front().and_then(|edit| needed(node, edit)) {
                    self.has_read = true;
                    let key = Key::cluster(self.node.clone());
                    return Turn::Send(Request::Patch { kind: Kind::Node, key, uid: None, part: Part::Main, edit });
                }
                self.edits.pop_front();
            }
            Input::Reply(Reply::Done(_), _) => {
                self.edits.pop_front();
                (self.has_read, self.failures) = (false, 0);
            }
            Input::Reply(Reply::Error(ApiError::Conflict(_)), _) if self.has_read => {
                self.has_read = false;
                self.failures += 1;
                if self.failures >= cx.settings.count(SettingId::NodeEditRetries) {
                    return Turn::Done(false);
                }
                return Turn::Pause(self.pause(cx), SettingId::NodeEditRetryPause);
            }
            Input::Reply(Reply::Error(_), _) => return Turn::Done(false),
        }
        if self.edits.is_empty() {
            return Turn::Done(true);
        }
        Turn::Send(Request::Get { kind: Kind::Node, key: Key::cluster(self.node.clone()) })
    }

    fn pause(&self, cx: &Context<'_>) -> Span {
        let pause = cx.settings.span(SettingId::NodeEditRetryPause);
        let share = cx.settings.get(SettingId::NodeEditRetryJitter) as u64;
        let most = Span::from_micros(pause.as_micros() * share / 1_000_000);
        pause + cx.draws.span_below(Purpose::Jitter, &self.node, cx.now.as_micros(), most)
    }
}

/// The part of an edit that would change `node`. Labels are patched in any case.
fn needed(node: &Node, edit: &Edit) -> Option<Edit> {
    let Edit::Taints { add, remove, .. } = edit else { return Some(edit.clone()) };
    let add: Vec<Taint> = add.iter().filter(|taint| !node.taints.contains(taint)).cloned().collect();
    let is_there = |(key, effect): &&TaintKey| node.taints.iter().any(|t| (&t.key, t.effect) == (key, *effect));
    let remove: Vec<TaintKey> = remove.iter().filter(is_there).cloned().collect();
    (!add.is_empty() || !remove.is_empty()).then_some(Edit::Taints {
        add,
        remove,
        version: Some(node.meta.resource_version),
    })
}

/// Tells pods, one after another, that they are not ready, since their node is not (`MarkPodsNotReady`).
#[derive(Clone, Debug)]
pub struct PodRun {
    pods: VecDeque<Arc<Pod>>,
    has_failed: bool,
}

impl PodRun {
    /// These pods, as they are known here.
    pub fn new<'p>(pods: impl IntoIterator<Item = &'p Arc<Pod>>) -> PodRun {
        let pods = pods.into_iter().filter(|pod| is_to_mark(pod)).cloned().collect();
        PodRun { pods, has_failed: false }
    }

    /// Goes on. It ends badly if one of the pods could not be told; those that are gone do not matter.
    pub fn step(&mut self, input: Input<'_>, cx: &mut Context<'_>) -> Turn {
        if let Input::Reply(reply, _) = input {
            let pod = self.pods.pop_front().expect("the reply is about the first pod");
            if !reply.is_not_found() {
                self.has_failed |= !reply.is_ok();
                cx.event(EventAbout::warning(&*pod, REPORTER), "NodeNotReady", "Node is not ready");
            }
        }
        let Some(pod) = self.pods.front() else { return Turn::Done(!self.has_failed) };
        let mut pod = (**pod).clone();
        let now = cx.timestamp();
        for condition in pod.status.conditions.iter_mut().filter(|condition| condition.kind == READY) {
            condition.status = ConditionStatus::False;
            (condition.last_transition, condition.last_update) = (now, now);
        }
        Turn::Send(Request::update_status(pod))
    }
}

/// Whether a pod says something else than that it is not ready.
pub fn is_to_mark(pod: &Pod) -> bool {
    condition::status(&pod.status.conditions, READY).is_some_and(|ready| ready != ConditionStatus::False)
}
