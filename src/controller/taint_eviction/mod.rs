//! The taint eviction controller: deletes pods from nodes with NoExecute taints, each when its tolerations run out.
//!
//! Source: `pkg/controller/tainteviction/{taint_eviction,timed_workers}.go`, v1.36. The clock of a toleration starts
//! when this controller hears of the taint, not at the taint's `timeAdded`. A disruption budget is not asked, and pods
//! that are being deleted or have ended are not spared. Left out: the eight workers, since none of them ever waits for
//! a reply, and metrics. Pods of a node are gone through in the order of their names, where upstream's order is
//! random.

mod tolerance;

#[cfg(test)]
mod story;

use crate::apiserver::{Change, Part, Reply, Request};
use crate::kernel::time::Span;
use crate::object::fact::Why;
use crate::object::pod::conditions::{self, DISRUPTION_TARGET};
use crate::object::taint::{Effect, Taint};
use crate::object::{
    Condition, ConditionStatus, Edit, FactId, Key, Kind, Meta, Name, Node, Pod, SettingId, Timestamp, condition,
};
use crate::program::{ClientLimit, Command, Context, EventAbout, Program, Ticket, Timer};
use std::collections::BTreeMap;
use tolerance::{Tolerance, tolerance};

const NAME: &str = "taint-eviction-controller";

/// The toleration of a pod has run out; the argument is the number of its wait.
const FIRE: u32 = 0;
/// An eviction is to be tried again; the argument is its number.
const RETRY: u32 = 1;

/// A pod that is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// When this wait is over.
    Waiting(u64),
    /// Now: its wait is over.
    Fired,
    /// Now: it never waited.
    AtOnce,
}

/// A deletion that goes on.
#[derive(Clone, Debug)]
struct Eviction {
    pod: Key,
    why: Why,
    failures: usize,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Get,
    Patch,
    Delete,
}

/// The controller.
#[derive(Clone, Debug, Default)]
pub struct TaintEviction {
    /// NoExecute taints by node, for nodes that have any.
    tainted: BTreeMap<Name, Vec<Taint>>,
    work: BTreeMap<Key, Work>,
    /// Waits that have not been cancelled.
    waits: BTreeMap<u64, (Key, Why)>,
    evictions: BTreeMap<u64, Eviction>,
    started: u64,
}

impl TaintEviction {
    fn node_changed(&mut self, key: &Key, cause: FactId, cx: &mut Context<'_>) {
        let Some(node) = cx.caches.get::<Node>(key) else {
            // Waits that have begun go on.
            self.tainted.remove(&key.name);
            return;
        };
        let taints: Vec<Taint> = no_execute(node).cloned().collect();
        let pods = cx.caches.table(Kind::Pod).on_node::<Pod>(&key.name);
        if taints.is_empty() {
            self.tainted.remove(&key.name);
            if !self.work.is_empty() {
                pods.for_each(|pod| self.cancel(&pod.meta.key, cx));
            }
            return;
        }
        self.tainted.insert(key.name.clone(), taints.clone());
        pods.for_each(|pod| self.process(pod, &taints, cause, cx));
    }

    fn pod_changed(&mut self, key: &Key, cause: FactId, cx: &mut Context<'_>) {
        let Some(pod) = cx.caches.get::<Pod>(key) else { return self.cancel(key, cx) };
        if let Some(taints) = self.tainted.get(&pod.node_name).cloned() {
            self.process(pod, &taints, cause, cx);
        }
    }

    /// Decides on a pod of a tainted node (`processPodOnNode`).
    fn process(&mut self, pod: &Pod, taints: &[Taint], cause: FactId, cx: &mut Context<'_>) {
        let key = &pod.meta.key;
        match tolerance(taints, &pod.spec.tolerations, cx.settings) {
            Tolerance::None => {
                self.cancel(key, cx);
                self.begin(key, Work::AtOnce, Why::because(cause), cx);
            }
            Tolerance::Forever => self.cancel(key, cx),
            // A wait that goes on is left as it is, whatever the tolerations say now.
            Tolerance::For(..) if self.work.contains_key(key) => {}
            Tolerance::For(Span::ZERO, _) => self.begin(key, Work::AtOnce, Why::because(cause), cx),
            Tolerance::For(span, setting) => {
                self.started += 1;
                let (why, timer) = (Why { cause, setting }, Timer { kind: FIRE, arg: self.started });
                self.work.insert(key.clone(), Work::Waiting(self.started));
                self.waits.insert(self.started, (key.clone(), why));
                cx.out.push(Command::WakeAt { at: cx.now + span, timer, why });
            }
        }
    }

    /// The pod is let be. A deletion that has begun goes on all the same.
    fn cancel(&mut self, key: &Key, cx: &mut Context<'_>) {
        let Some(work) = self.work.remove(key) else { return };
        if let Work::Waiting(wait) = work {
            self.waits.remove(&wait);
        }
        if work != Work::AtOnce {
            tell(key, format!("Cancelling deletion of Pod {key}"), cx);
        }
    }

    fn begin(&mut self, key: &Key, work: Work, why: Why, cx: &mut Context<'_>) {
        self.work.insert(key.clone(), work);
        let outer_cause = std::mem::replace(&mut cx.cause, why.cause);
        tell(key, format!("Marking for deletion Pod {key}"), cx);
        cx.cause = outer_cause;
        self.send(Eviction { pod: key.clone(), why, failures: 0, step: Step::Get }, None, cx);
    }

    /// Sends the request of the eviction's step; for a patch that which was read before is needed.
    fn send(&mut self, eviction: Eviction, pod: Option<&Pod>, cx: &mut Context<'_>) {
        let (kind, key) = (Kind::Pod, eviction.pod.clone());
        let request = match eviction.step {
            Step::Get => Request::Get { kind, key },
            Step::Patch => {
                let edit = Edit::PodCondition { condition: disrupted(cx.timestamp()), nominated_node: None };
                Request::Patch { kind, key, uid: pod.map(|pod| pod.meta.uid), part: Part::Status, edit }
            }
            Step::Delete => Request::delete(kind, key),
        };
        self.started += 1;
        cx.out.push(Command::Send { request, ticket: Ticket(self.started), why: eviction.why });
        self.evictions.insert(self.started, eviction);
    }

    fn failed(&mut self, mut eviction: Eviction, cx: &mut Context<'_>) {
        eviction.failures += 1;
        if eviction.failures >= cx.settings.count(SettingId::TaintEvictionRetries) {
            self.work.remove(&eviction.pod);
            return;
        }
        eviction.step = Step::Get;
        self.started += 1;
        let pause = cx.settings.span(SettingId::TaintEvictionRetryPause);
        let why = Why::after(eviction.why.cause, SettingId::TaintEvictionRetryPause);
        let timer = Timer { kind: RETRY, arg: self.started };
        cx.out.push(Command::WakeAt { at: cx.now + pause, timer, why });
        self.evictions.insert(self.started, eviction);
    }
}

fn tell(pod: &Key, note: String, cx: &mut Context<'_>) {
    let about = EventAbout { kind: Kind::Pod, meta: &Meta::new(pod.clone()), reporter: NAME, is_warning: false };
    cx.event(about, "TaintManagerEviction", note);
}

fn no_execute(node: &Node) -> impl Iterator<Item = &Taint> {
    node.taints.iter().filter(|taint| taint.effect == Effect::NoExecute)
}

fn disrupted(now: Timestamp) -> Condition {
    Condition {
        kind: DISRUPTION_TARGET.into(),
        status: ConditionStatus::True,
        reason: conditions::BY_TAINT.into(),
        message: "Taint manager: deleting due to NoExecute taint".into(),
        last_transition: now,
        last_update: now,
    }
}

/// Whether a pod says already that it is about to be deleted because of a taint.
fn is_marked(pod: &Pod) -> bool {
    let expected = disrupted(Timestamp::default());
    condition::find(&pod.status.conditions, DISRUPTION_TARGET).is_some_and(|found| {
        (found.status, &found.reason, &found.message) == (expected.status, &expected.reason, &expected.message)
    })
}

impl Program for TaintEviction {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[Kind::Node, Kind::Pod]
    }

    fn limit(&self) -> Option<ClientLimit> {
        Some(ClientLimit::CONTROLLER)
    }

    fn on_start(&mut self, _cx: &mut Context<'_>) {}

    fn on_changes(&mut self, kind: Kind, changes: &[Change], cx: &mut Context<'_>) {
        for change in changes {
            let outer_cause = std::mem::replace(&mut cx.cause, change.cause);
            if kind == Kind::Node {
                let (old, new) = (change.before::<Node>(), change.after::<Node>());
                let is_same = old.zip(new).is_some_and(|(old, new)| no_execute(old).eq(no_execute(new)));
                if !is_same {
                    self.node_changed(change.key(), change.cause, cx);
                }
            } else {
                let (old, new) = (change.before::<Pod>(), change.after::<Pod>());
                let is_same = old.zip(new).is_some_and(|(old, new)| {
                    old.node_name == new.node_name && old.spec.tolerations == new.spec.tolerations
                });
                if !is_same {
                    self.pod_changed(change.key(), change.cause, cx);
                }
            }
            cx.cause = outer_cause;
        }
    }

    fn on_reply(&mut self, ticket: Ticket, reply: &Reply, cx: &mut Context<'_>) {
        let mut eviction = self.evictions.remove(&ticket.0).expect("a reply is for an eviction that waits");
        if !reply.is_ok() {
            return self.failed(eviction, cx);
        }
        let pod = reply.object::<Pod>().cloned();
        eviction.step = match eviction.step {
            Step::Get if pod.as_ref().is_some_and(|pod| !is_marked(pod)) => Step::Patch,
            Step::Get | Step::Patch => Step::Delete,
            Step::Delete => {
                self.work.remove(&eviction.pod);
                return;
            }
        };
        self.send(eviction, pod.as_deref(), cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        if timer.kind == RETRY {
            let eviction = self.evictions.remove(&timer.arg).expect("a pause is for an eviction that waits");
            self.send(eviction, None, cx);
        } else if let Some((key, why)) = self.waits.remove(&timer.arg) {
            self.begin(&key, Work::Fired, why, cx);
        }
    }

    fn boxed_clone(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
