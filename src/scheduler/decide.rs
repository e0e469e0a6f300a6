//! From a popped pod to a bound one: the scheduling cycle, the binding cycle, and what follows a failure of either.
//!
//! Source: `pkg/scheduler/schedule_one.go` (`ScheduleOne`, `schedulingCycle`, `bindingCycle`,
//! `handleSchedulingFailure`), `pkg/scheduler/framework/runtime/framework.go` (`RunBindPlugins`), v1.36.

use super::cycle::{Sample, find_feasible, prioritise, select_host};
use super::diagnosis::{Diagnosis, NO_NODES, no_node_available, post_filter, show_histogram};
use super::erased::DynCycle;
use super::event::{ClusterEvent, Resource};
use super::plugin::{Point, Refusal};
use super::profile::PluginSet;
use super::queue::QueuedPod;
use super::{CYCLE, REPORTER, Scheduler, moment};
use crate::apiserver::{ApiError, Part, Reply, Request};
use crate::object::pod::conditions;
use crate::object::{Condition, ConditionStatus, DelayId, Edit, Fact, Kind, Name, Pod, condition};
use crate::program::{Context, EventAbout, Ticket};
use std::sync::Arc;

/// What the scheduling loop is doing.
#[derive(Clone, Default)]
pub(super) enum Stage {
    /// Waiting for a pod.
    #[default]
    Idle,
    /// Trying one; the outcome takes effect when the cycle's time is over.
    Trying(Box<(QueuedPod, Outcome)>),
    /// Writing the condition of a pod that failed.
    Writing(Ticket),
}

/// What became of a try.
#[derive(Clone)]
pub(super) enum Outcome {
    Chosen { node: Name, cycles: Vec<DynCycle> },
    Failed(Failure),
}

/// Why a pod was not placed.
#[derive(Clone)]
pub(super) struct Failure {
    /// In upstream's words.
    message: String,
    /// Plugins that refused it; none if something else went wrong.
    blamed: PluginSet,
    /// Whether plugins or the lack of nodes are the reason, and not an error.
    is_rejection: bool,
    /// Node on which room is being made.
    nominated: Option<Name>,
}

impl Failure {
    fn error(message: String) -> Failure {
        Failure { message, blamed: PluginSet::default(), is_rejection: false, nominated: None }
    }

    /// A plugin vetoes the chosen node.
    fn veto(plugin: u8, refusal: &Refusal) -> Failure {
        let mut blamed = PluginSet::default();
        blamed.insert(plugin);
        let why = show_histogram(refusal.reasons.iter().map(|reason| (reason.clone(), 1)));
        Failure { message: no_node_available(1, &why), blamed, is_rejection: true, nominated: None }
    }
}

/// A pod whose node is chosen and not yet written.
#[derive(Clone)]
pub(super) struct Binding {
    pod: QueuedPod,
    node: Name,
    cycles: Vec<DynCycle>,
    /// The plugin whose request is on its way, and what it is for.
    plugin: u8,
    point: Point,
}

/// Longest note of an event (bytes). Source: `pkg/apis/core/validation/events.go` (`NoteLengthLimit`).
const NOTE_BYTES: usize = 1_024;

impl Scheduler {
    /// Begins with the next pod, if none is being tried.
    pub(super) fn try_next(&mut self, cx: &mut Context<'_>) {
        while matches!(self.stage, Stage::Idle)
            && let Some(mut pod) = self.queue.pop()
        {
            let meta = &pod.info.pod.meta;
            if meta.is_terminating() {
                let about = EventAbout::warning(&*pod.info.pod, REPORTER);
                cx.event(about, "FailedScheduling", format!("skip schedule deleting pod: {}", meta.key));
                self.queue.done(meta.uid);
            } else if self.cache.is_assumed(meta.uid) {
                self.queue.done(meta.uid);
            } else {
                let path = meta.key.to_string();
                self.find_default_selector(&mut pod, cx);
                let outcome = self.try_pod(&pod, &path, cx);
                let before = std::mem::replace(&mut cx.cause, pod.cause);
                cx.wake_after(cx.delay(DelayId::SchedulingCycle, &path, pod.attempts), CYCLE);
                cx.cause = before;
                self.stage = Stage::Trying(Box::new((pod, outcome)));
            }
        }
    }

    /// Pods without constraints of their own are spread by what selects them.
    fn find_default_selector(&mut self, pod: &mut QueuedPod, cx: &Context<'_>) {
        if pod.info.pod.spec.topology_spread.is_empty() {
            let selector = self.selectors.of(&pod.info.pod, cx.caches);
            if selector != pod.info.default_selector {
                Arc::make_mut(&mut pod.info).default_selector = selector;
            }
        }
    }

    fn try_pod(&mut self, pod: &QueuedPod, path: &str, cx: &Context<'_>) -> Outcome {
        let nodes = self.cache.table_for(&pod.info, &self.profile);
        if nodes.is_empty() {
            return Outcome::Failed(Failure { is_rejection: true, ..Failure::error(NO_NODES.into()) });
        }
        let (info, profile, sample) = (&*pod.info, &self.profile, Sample::new(cx.settings));
        let mut found = find_feasible(info, nodes, profile, sample, self.next_start, &mut self.scratch);
        self.next_start = (self.next_start + found.feasible.len() + found.rejected.len()) % nodes.len();
        let chosen = match found.feasible.as_slice() {
            [] => None,
            [only] => Some(*only),
            _ => {
                let totals = prioritise(info, nodes, profile, &mut found, None);
                Some(found.feasible[select_host(&totals, cx.draws, path, pod.attempts)])
            }
        };
        let outcome = if let Some(row) = chosen {
            Outcome::Chosen { node: nodes.names[row as usize].clone(), cycles: std::mem::take(&mut found.cycles) }
        } else {
            let diagnosis = Diagnosis { pod: info, nodes: nodes.len(), profile, found: &found };
            let (nominated, said) = post_filter(nodes, &diagnosis);
            let (message, blamed) = (diagnosis.message(&said), diagnosis.blamed());
            Outcome::Failed(Failure { message, blamed, is_rejection: true, nominated })
        };
        self.scratch.recycle(found);
        outcome
    }

    /// The cycle's time is over: its outcome takes effect.
    pub(super) fn decide(&mut self, cx: &mut Context<'_>) {
        let Stage::Trying(tried) = std::mem::take(&mut self.stage) else { panic!("no pod is being tried") };
        let (pod, outcome) = *tried;
        (cx.cause, cx.owner) = (pod.cause, pod.owner);
        match outcome {
            Outcome::Failed(failure) => {
                if let Some(ticket) = self.fail(pod, &failure, cx) {
                    self.stage = Stage::Writing(ticket);
                }
            }
            Outcome::Chosen { node, cycles } => self.assume(pod, node, cycles, cx),
        }
    }

    fn assume(&mut self, pod: QueuedPod, node: Name, mut cycles: Vec<DynCycle>, cx: &mut Context<'_>) {
        let (uid, key) = (pod.info.pod.meta.uid, pod.info.pod.meta.key.clone());
        let failure = if self.cache.has_pod(uid) {
            Some(Failure::error(format!("pod {uid}({key}) is in the cache, so can't be assumed")))
        } else {
            self.cache.assume(pod.info.clone(), &node);
            self.reserve(&pod, &node, &mut cycles)
        };
        if let Some(failure) = failure {
            if let Some(ticket) = self.fail(pod, &failure, cx) {
                self.stage = Stage::Writing(ticket);
            }
            return;
        }
        cx.note(Fact::Scheduled { pod: key, node: node.clone() });
        self.queue.done(uid);
        self.bind(Binding { pod, node, cycles, plugin: 0, point: Point::PreBind }, 0, cx);
    }

    /// Asks the plugins for their consent; without it the pod is forgotten again.
    fn reserve(&mut self, pod: &QueuedPod, node: &Name, cycles: &mut [DynCycle]) -> Option<Failure> {
        let mut vetoes = [Point::Reserve, Point::Permit]
            .into_iter()
            .flat_map(|point| self.profile.at(point).map(move |(index, plugin)| (point, index, plugin)));
        let failure = vetoes.find_map(|(point, index, plugin)| {
            let cycle = &mut cycles[index as usize];
            let answer = match point {
                Point::Reserve => plugin.reserve(&pod.info, cycle, node),
                _ => plugin.permit(&pod.info, cycle, node),
            };
            answer.err().map(|refusal| Failure::veto(index, &refusal))
        })?;
        self.unreserve(pod, node, cycles);
        self.cache.forget(pod.info.pod.meta.uid);
        Some(failure)
    }

    fn unreserve(&self, pod: &QueuedPod, node: &Name, cycles: &mut [DynCycle]) {
        let plugins: Vec<_> = self.profile.at(Point::Reserve).collect();
        for (index, plugin) in plugins.into_iter().rev() {
            plugin.unreserve(&pod.info, &mut cycles[index as usize], node);
        }
    }

    /// Sends the next request of the binding cycle, from plugin `first` on: those of pre-bind, then the one that binds.
    fn bind(&mut self, mut binding: Binding, first: u8, cx: &mut Context<'_>) {
        let mut request = None;
        if binding.point == Point::PreBind {
            let Binding { pod, node, cycles, .. } = &mut binding;
            let later = self.profile.at(Point::PreBind).filter(|(index, _)| *index >= first);
            request = later.into_iter().find_map(|(index, plugin)| {
                Some((index, plugin.pre_bind(&pod.info, &mut cycles[index as usize], node)?))
            });
        }
        if request.is_none() {
            binding.point = Point::Bind;
            request = self
                .profile
                .at(Point::Bind)
                .find_map(|(index, plugin)| Some((index, plugin.bind(&binding.pod.info, &binding.node)?)));
        }
        let (plugin, request) = request.expect("some plugin of the profile binds");
        binding.plugin = plugin;
        let ticket = self.ticket();
        cx.send(request, ticket);
        self.bindings.insert(ticket, binding);
    }

    /// A request was answered.
    pub(super) fn take_reply(&mut self, ticket: Ticket, reply: &Reply, cx: &mut Context<'_>) {
        if matches!(self.stage, Stage::Writing(writing) if writing == ticket) {
            self.stage = Stage::Idle;
        }
        // Of conditions that did not block the loop nobody waits for the answer.
        let Some(binding) = self.bindings.remove(&ticket) else { return };
        match (reply.error(), binding.point) {
            (Some(error), _) => self.unbind(binding, error, cx),
            (None, Point::PreBind) => {
                let next = binding.plugin + 1;
                self.bind(binding, next, cx);
            }
            (None, _) => {
                let Binding { pod, node, .. } = binding;
                let about = EventAbout::normal(&*pod.info.pod, REPORTER);
                cx.event(about, "Scheduled", format!("Successfully assigned {} to {node}", pod.info.pod.meta.key));
                self.profile.at(Point::PostBind).for_each(|(_, plugin)| plugin.post_bind(&pod.info, &node));
            }
        }
    }

    /// A binding failed: the pod no longer counts on its node, which others learn as if it had been deleted there.
    fn unbind(&mut self, binding: Binding, error: &ApiError, cx: &mut Context<'_>) {
        let Binding { pod, node, mut cycles, plugin, point } = binding;
        let (key, uid) = (pod.info.pod.meta.key.clone(), pod.info.pod.meta.uid);
        let said = error.message(&Request::Bind { pod: key, uid, node: node.clone() });
        self.unreserve(&pod, &node, &mut cycles);
        if self.cache.forget(pod.info.pod.meta.uid) {
            let mut assumed = Pod::clone(&pod.info.pod);
            assumed.node_name = node;
            let event = ClusterEvent::deleted(Resource::Pod, &Arc::new(assumed));
            self.queue.on_event(event, None, &moment(&self.profile, cx));
        }
        let (point, plugin) = (format!("{point:?}"), self.profile.plugin(plugin).name());
        self.fail(pod, &Failure::error(format!("running {point} plugin \"{plugin}\": {said}")), cx);
    }

    /// Puts the pod back and says why it was not placed; the ticket of the patch that says so, if there is news.
    fn fail(&mut self, mut pod: QueuedPod, failure: &Failure, cx: &mut Context<'_>) -> Option<Ticket> {
        let tried = pod.info.pod.clone();
        let known = cx.caches.get::<Pod>(&tried.meta.key).filter(|pod| !pod.status.phase.is_terminal());
        match known.filter(|known| known.meta.uid == tried.meta.uid && known.node_name.is_empty()) {
            Some(known) => {
                pod.info = Arc::new(pod.info.with(known));
                pod.blamed = failure.blamed;
                self.queue.requeue(pod, &moment(&self.profile, cx));
            }
            None => self.queue.done(tried.meta.uid),
        }
        if failure.is_rejection {
            let message = failure.message.as_str().into();
            cx.note(Fact::Unschedulable { pod: tried.meta.key.clone(), message });
        }
        cx.event(EventAbout::warning(&*tried, REPORTER), "FailedScheduling", cut(&failure.message));
        self.write_condition(&tried, failure, cx)
    }

    fn write_condition(&mut self, pod: &Pod, failure: &Failure, cx: &mut Context<'_>) -> Option<Ticket> {
        let now = cx.timestamp();
        let condition = Condition {
            kind: conditions::SCHEDULED.into(),
            status: ConditionStatus::False,
            reason: if failure.is_rejection { "Unschedulable" } else { "SchedulerError" }.into(),
            message: failure.message.as_str().into(),
            last_transition: now,
            last_update: now,
        };
        let nominated = failure.nominated.clone().unwrap_or_default();
        let nominated_node = (nominated != pod.status.nominated_node).then_some(nominated);
        let is_news = condition::set(&mut pod.status.conditions.clone(), condition.clone());
        if !is_news && nominated_node.is_none() {
            return None;
        }
        let ticket = self.ticket();
        let edit = Edit::PodCondition { condition, nominated_node };
        let key = pod.meta.key.clone();
        cx.send(Request::Patch { kind: Kind::Pod, key, uid: None, part: Part::Status, edit }, ticket);
        Some(ticket)
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }
}

/// What fits into the note of an event.
fn cut(message: &str) -> String {
    const ENDING: &str = " ...";
    if message.len() <= NOTE_BYTES {
        return message.into();
    }
    let mut end = NOTE_BYTES - ENDING.len();
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ENDING}", &message[..end])
}
