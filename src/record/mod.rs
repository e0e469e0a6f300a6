//! Layer 5: what is kept of a run: facts with their causes, timelines, the milestones of outages.
//!
//! The recorder hears of every commit and every fact at once, and nobody hears of it: it cannot influence a run.

pub mod causes;
pub mod converge;
pub mod describe;
mod hands;
pub mod outage;
pub mod rollout;
pub mod rounds;
pub mod routes;
pub mod rows;
pub mod situation;
pub mod templates;
pub mod timeline;
pub mod tracks;
pub mod waterfall;
pub mod workloads;

use crate::etcd::change::Change;
use crate::kernel::time::{Span, Time};
use crate::object::fact::Why;
use crate::object::{Fact, FactId, Key, Kind, Name, Object, Pod, SettingId, Settings};
use causes::{Causes, Commit};
use outage::Outages;
use routes::Routes;
use tracks::Tracks;
use waterfall::{Held, Ledger, Loss, Trigger, Wait};
use workloads::{WorkloadId, Workloads, controller_of};

/// One recorded fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// When.
    pub at: Time,
    /// What.
    pub fact: Fact,
    /// What led to it, and which setting owned the wait before it.
    pub why: Why,
}

/// How much is kept of a run. It changes nothing of what happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Everything.
    #[default]
    Full,
    /// Timelines and milestones: causes are as the programs said, and nobody says where the time went.
    Summary,
}

/// Keeps what happens.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// Facts in the order in which they happened.
    pub facts: Vec<Recorded>,
    /// Desired and actual state of each workload, and the timelines.
    pub workloads: Workloads,
    /// Outages and their milestones.
    pub outages: Outages,
    /// What became of each pod and each node; nothing unless everything is kept.
    pub tracks: Tracks,
    /// The event to which each fact goes back, as the fact that it began or was done.
    roots: Vec<FactId>,
    detail: Detail,
    causes: Causes,
    routes: Routes,
    ledger: Ledger,
}

impl Recorder {
    /// A recorder that keeps so much.
    pub fn new(detail: Detail, settings: Settings) -> Recorder {
        Recorder { detail, ledger: Ledger::new(settings), ..Recorder::default() }
    }

    /// From now on only a summary is kept; of the details before nothing is left.
    pub fn keep_summary(&mut self) {
        self.detail = Detail::Summary;
        (self.tracks, self.ledger, self.causes, self.roots) = Default::default();
    }

    /// Whether everything is kept.
    pub fn is_full(&self) -> bool {
        self.detail == Detail::Full
    }

    /// Keeps a fact and names it.
    pub fn fact(&mut self, at: Time, fact: Fact, mut why: Why) -> FactId {
        let id = FactId(u32::try_from(self.facts.len()).expect("fewer than 2³² facts"));
        if self.is_full() {
            why = self.causes.of_fact(&fact, why);
            self.causes.on_fact(id, &fact);
            self.roots.push(self.root_of(id, &fact, why.cause));
        }
        let is_news = self.routes.on_fact(&fact);
        self.workloads.on_fact(at, &fact);
        self.outages.on_fact(at, &fact, is_news, &self.routes);
        // Commits are heard of with their objects.
        if self.is_full() && !matches!(fact, Fact::Commit { .. }) {
            self.tracks.on_fact(at, &fact);
            let trigger = self.trigger(at, why.cause, self.root(id), why.setting, None);
            self.ledger.on_fact(&fact, &trigger, &self.workloads, &self.routes, is_news);
        }
        self.facts.push(Recorded { at, fact, why });
        id
    }

    /// What led to a commit that is about to be recorded, where more is known of it than its program said.
    pub fn why(&self, commit: Commit<'_>, why: Why) -> Why {
        if self.is_full() { self.causes.of_commit(commit, why) } else { why }
    }

    /// The containers of a pod have been ready since before the run: nothing that happens in it.
    pub fn has_been_ready(&mut self, at: Time, pod: Key, node: Name) {
        let fact = Fact::ContainersReady { pod: pod.clone(), node };
        self.workloads.on_fact(at, &fact);
        if self.is_full() {
            self.tracks.on_fact(at, &fact);
            let trigger = self.trigger(at, FactId::NONE, FactId::NONE, None, None);
            self.ledger.has_been_ready(&pod, &trigger, &self.workloads);
        }
    }

    /// The containers of a pod have run since before the run: nothing that happens in it.
    pub fn has_been_running(&mut self, at: Time, pod: Key, node: Name) {
        if self.is_full() {
            self.tracks.on_fact(
                at,
                &Fact::ContainersStarted { pod, node, failed: Span::ZERO, pulled: Span::ZERO, slowed: Span::ZERO },
            );
        }
    }

    /// A machine that has power begins to boot, or is without power again before it is done: no fact, since nothing of it
    /// is seen before it runs.
    pub fn boots(&mut self, at: Time, node: &Name, boots: bool) {
        if self.is_full() {
            self.tracks.nodes.boots(at, node, boots);
        }
    }

    /// A fault begins or ends to keep a kubelet from running. Whether one runs is a fact; whether the next boot brings one
    /// is not.
    pub fn hangs(&mut self, node: &Name, hangs: bool) {
        if self.is_full() {
            self.tracks.nodes.hangs(node, hangs);
        }
    }

    /// Hears of a commit and of what it had waited for; its fact is kept already.
    pub fn commit(&mut self, at: Time, change: &Change, wait: Wait) {
        if self.is_full() {
            self.causes.on_commit(change);
        }
        let workload = self.workloads.on_commit(at, change);
        let moved = self.workloads.take_moved();
        self.routes.on_commit(change);
        self.outages.on_commit(at, change, &self.workloads, &self.routes);
        if !self.is_full() {
            return;
        }
        self.tracks.on_commit(at, change, &self.workloads);
        // A commit that is worth no fact has that which led to it as its cause.
        let own = self.recorded(change.cause).filter(|recorded| matches!(recorded.fact, Fact::Commit { .. }));
        let cause = own.filter(|recorded| recorded.at == at).map_or(change.cause, |recorded| recorded.why.cause);
        let root = self.root(change.cause);
        let trigger = self.trigger(at, cause, root, wait.setting, wait.held);
        for (pod, from) in moved {
            self.ledger.changes_hands(&pod, from.as_ref(), &trigger, &self.workloads);
        }
        self.ledger.on_commit(change, workload, &trigger, &self.workloads, &self.routes);
    }

    /// A request about this object waits for a token of its client, or for its turn at the API server; `written` is the
    /// object as it writes it.
    pub fn held(&mut self, kind: Kind, key: &Key, written: Option<&Object>, held: Held) {
        if !self.is_full() {
            return;
        }
        let is_new = |pod: &&Pod| self.workloads.pod(&pod.meta.key).is_none();
        let workload = written.and_then(|object| match object {
            Object::Pod(pod) => Some(pod.as_ref()).filter(is_new).and_then(|pod| self.workloads.workload_of(pod)),
            // Whatever its controller writes of it, it looks at it again only after that.
            Object::ReplicaSet(set) => controller_of(&set.meta),
            _ => None,
        });
        self.ledger.on_held(kind, key, workload.as_ref(), held);
    }

    /// An outage of these nodes begins, because of the fault `id`.
    pub fn outage(&mut self, at: Time, id: Name, nodes: &[Name]) {
        if self.is_full() {
            self.causes.on_outage(&id, nodes);
        }
        self.outages.begin(at, id, nodes, &self.workloads);
    }

    /// Since when desired equals actual for every workload, if it does now.
    pub fn converged_since(&self) -> Option<Time> {
        self.workloads.converged_since()
    }

    /// First moment since `since` from which everything stayed converged for `hold`, with the run ending at `end`.
    pub fn converged_after(&self, since: Time, hold: Span, end: Time) -> Option<Time> {
        self.workloads.converged_after(since, hold, end)
    }

    /// What each event has cost each workload, with the run ending at `end`. Since when a workload is `stuck`, if it is
    /// known to be at the end, its replicas that are missing waited for nothing but somebody's action. Nothing in a summary.
    pub fn losses(&self, end: Time, stuck: impl Fn(&WorkloadId) -> Option<Time>) -> Vec<Loss> {
        self.ledger.losses(end, |fact| self.event(fact).cloned(), stuck)
    }

    /// A fact by its name, if there is one.
    pub fn recorded(&self, fact: FactId) -> Option<&Recorded> {
        self.facts.get(fact.0 as usize)
    }

    /// The event to which a fact goes back, as the fact that it began or was done; none if it goes back to none.
    pub fn root(&self, fact: FactId) -> FactId {
        self.roots.get(fact.0 as usize).copied().unwrap_or(FactId::NONE)
    }

    /// The id of an event by the fact that it began, ended or was done.
    pub fn event(&self, fact: FactId) -> Option<&Name> {
        match &self.recorded(fact)?.fact {
            Fact::FaultBegan { fault: id, .. } | Fact::FaultEnded { fault: id } | Fact::Acted { event: id, .. } => {
                Some(id)
            }
            _ => None,
        }
    }

    fn root_of(&self, id: FactId, fact: &Fact, cause: FactId) -> FactId {
        let root = self.root(cause);
        let is_event = matches!(fact, Fact::FaultBegan { .. } | Fact::Acted { .. });
        if is_event && root == FactId::NONE { id } else { root }
    }

    fn trigger(&self, at: Time, cause: FactId, root: FactId, owner: Option<SettingId>, held: Option<Held>) -> Trigger {
        let act = self.recorded(root).filter(|recorded| matches!(recorded.fact, Fact::Acted { .. }));
        let (caused, acted) = (self.recorded(cause).map(|recorded| recorded.at), act.map(|recorded| recorded.at));
        Trigger { at, owner, caused, root, acted, held }
    }
}
