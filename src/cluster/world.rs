//! All state of a run, by value, and the loop.

use super::bootstrap::Beginning;
use super::config::{Config, Start, Stop};
use super::event::Event;
use super::process::{Owner, Process, Station};
use super::settle::{Past, Unsettled};
use super::strikes::Strike;
use super::wire::{Counters, InFlight, Pending};
use crate::action::Course;
use crate::apiserver::flow::Desk;
use crate::apiserver::{ApiError, ApiServer, Request};
use crate::etcd::Store;
use crate::ground::{Ground, Machine, NodeId};
use crate::kernel::arena::{Slot, Slots};
use crate::kernel::digest::Digest;
use crate::kernel::queue::Queue;
use crate::kernel::rng::{Draws, Purpose};
use crate::kernel::time::Time;
use crate::node::Agent;
use crate::object::fact::Why;
use crate::object::{Clock, ConditionStatus, Fact, FactId, Key, Kind, Name, Node, SettingId, Strategy};
use crate::program::script::Script;
use crate::program::{Command, Context, Program};
use crate::record::Recorder;
use std::any::Any;
use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;

/// A simulated cluster. A clone taken at any time runs on to the same digest.
#[derive(Clone)]
pub struct World {
    pub(super) config: Arc<Config>,
    pub(super) clock: Clock,
    pub(super) draws: Draws,
    pub(super) now: Time,
    pub(super) queue: Queue<Event>,
    pub(super) server: ApiServer,
    pub(super) desk: Desk,
    pub(super) ground: Ground,
    pub(super) processes: Vec<Process>,
    pub(super) stations: Vec<Station>,
    pub(super) requests: Slots<InFlight>,
    pub(super) timers: Slots<Pending>,
    pub(super) watchers: BTreeMap<Slot, Owner>,
    /// What each planned event has hit; none before it begins.
    pub(super) hit: Vec<Option<Strike>>,
    /// Actions under way by the numbers of their events, each with its beginning as a fact.
    pub(super) courses: BTreeMap<u32, (Box<dyn Course>, FactId)>,
    /// The fault that begins or ends now, as a fact.
    pub(super) striking: FactId,
    /// Planned events that are not over yet and will be.
    pub(super) open_events: usize,
    /// When the last planned event happened, began or ended.
    pub(super) last_event: Time,
    pub(super) missed: Vec<Missed>,
    /// What was wrong before the beginning, if the run begins settled.
    pub(super) past: Past,
    pub(super) recorder: Recorder,
    pub(super) digest: Digest,
    pub(super) counters: Counters,
    pub(super) events: u64,
    pub(super) is_over: bool,
}

/// A planned event that found nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Its id.
    pub id: Name,
    /// Why.
    pub why: Name,
}

/// The process of the client that applies the manifests.
const KUBECTL: usize = 0;

/// After so many events it is asked whether a world is still wanted: rarely enough to cost nothing.
const ASKED_EVERY: u64 = 1_024;

impl World {
    /// The program that sends what people ask for.
    pub(super) const KUBECTL: Owner = Owner::Program(KUBECTL as u16, 0);

    /// The cluster at time zero: nodes are ready, all programs have been running for long, and nothing is applied yet, or
    /// what the manifests ask for is there; then this takes as long as it takes to get there.
    pub fn new(config: Config) -> World {
        World::new_while(config, &mut || true).expect("nobody stops it")
    }

    /// The same, as long as it is wanted: `is_wanted` is asked every now and then, and once it says no there is none.
    pub fn new_while(config: Config, is_wanted: &mut dyn FnMut() -> bool) -> Option<World> {
        match config.start {
            Start::Empty => Some(World::begin(config, Beginning::Empty)),
            Start::Settled => World::settled(config, is_wanted),
        }
    }

    /// The cluster at the beginning of a run or of a rehearsal.
    pub(super) fn begin(config: Config, beginning: Beginning<'_>) -> World {
        let draws = Draws::new(config.seed);
        let fraction = draws.below(Purpose::Phase, "epoch", 0, 1_000_000) as i64;
        let mut world = World {
            clock: Clock { epoch_micros: config.epoch.0 * 1_000_000 + fraction },
            draws,
            now: Time::ZERO,
            queue: Queue::new(),
            server: ApiServer::default(),
            desk: Desk::default(),
            ground: Ground::default(),
            processes: Vec::new(),
            stations: Vec::new(),
            requests: Slots::default(),
            timers: Slots::default(),
            watchers: BTreeMap::new(),
            hit: vec![None; config.events.len()],
            courses: BTreeMap::new(),
            striking: FactId::NONE,
            open_events: config.events.len(),
            last_event: Time::ZERO,
            missed: Vec::new(),
            past: Past::default(),
            recorder: Recorder::new(config.record, config.settings.clone()),
            digest: Digest::new(),
            counters: Counters::default(),
            events: 0,
            is_over: false,
            config: Arc::new(config),
        };
        world.bootstrap(beginning);
        world.start_control_plane(beginning);
        world.start_nodes(beginning);
        world.plan();
        world
    }

    /// Runs to the end.
    pub fn run(&mut self) {
        while self.step() {}
    }

    /// Lets everything happen that happens up to `until`; the clock stands at the last of it.
    pub fn run_until(&mut self, until: Time) {
        self.run_until_while(until, &mut || true);
    }

    /// The same, as long as it is wanted, and says whether it was.
    pub(super) fn run_until_while(&mut self, until: Time, is_wanted: &mut dyn FnMut() -> bool) -> bool {
        while !self.is_over && self.queue.next_time().is_some_and(|next| next <= until) {
            self.step();
            if self.events.is_multiple_of(ASKED_EVERY) && !is_wanted() {
                return false;
            }
        }
        true
    }

    /// Takes one event off the queue and lets it happen. False once the run is over.
    pub fn step(&mut self) -> bool {
        if self.is_over {
            return false;
        }
        let Some((now, event)) = self.queue.pop() else { return false };
        self.happen(now, event);
        self.is_over |= self.config.stop == Stop::Converged && self.has_converged();
        !self.is_over
    }

    pub(super) fn happen(&mut self, now: Time, event: Event) {
        self.now = now;
        self.events += 1;
        match event {
            Event::Depart(request) => self.depart(request),
            Event::Arrive(request) => self.arrive(request),
            Event::Serve(request) => self.serve(request),
            Event::Respond(request) => self.respond(request),
            Event::Deliver(watch) => self.deliver(watch),
            Event::Relist(watch) => self.relist(watch),
            Event::Wake(timer) => self.wake(timer),
            Event::Begin(event) => self.begin_event(event as usize),
            Event::End(event) => self.end_event(event as usize),
            Event::Strike(event, place) => self.strike_node(event as usize, place as usize),
            Event::Mend(event, place) => self.mend_node(event as usize, place as usize),
            Event::Look(event) => self.look_again(event),
            Event::ContainersEnd(node) => self.containers_end(node),
            Event::Boot(node) => self.boot(node),
            Event::Synced(node) => self.synced(node),
            Event::Reconnect(node) => self.reconnect(node),
            Event::Bookmark => self.bookmark(),
            Event::Compact => self.compact(),
            Event::Stop => self.is_over = true,
        }
    }

    /// Whether all planned events have begun and ended or are there to stay, and everything has been as wanted for the hold span.
    fn has_converged(&self) -> bool {
        self.open_events == 0
            && self.is_applied()
            && self.recorder.converged_since().is_some_and(|since| self.now >= since + self.config.hold)
            && self.is_noticed()
            && !self.stations.iter().any(|station| station.boot_due.is_some())
    }

    /// Whether the control plane knows of every node that is gone, and has had the time to notice what faults left behind
    /// that are over.
    fn is_noticed(&self) -> bool {
        let grace = self.config.settings.span(SettingId::NodeMonitorGracePeriod);
        let pass = self.config.settings.span(SettingId::NodeMonitorPeriod);
        let nodes = self.server.store.table(Kind::Node);
        let unnoticed = |(id, machine): (NodeId, &Machine)| {
            (!self.ground.is_connected(id) || machine.hangs > 0)
                && nodes
                    .typed::<Node>(&Key::cluster(machine.name.clone()))
                    .is_some_and(|node| node.ready() == Some(ConditionStatus::True))
        };
        self.now >= self.last_event + grace + pass + pass && !self.ground.iter().any(unnoticed)
    }

    fn is_applied(&self) -> bool {
        self.kubectl().is_none_or(Script::is_idle)
    }

    fn kubectl(&self) -> Option<&Script> {
        let (program, _) = self.processes[KUBECTL].programs.first()?;
        let program: &dyn Any = program.as_ref();
        program.downcast_ref()
    }

    /// Puts the end, the planned events and the API server's own rounds into the queue.
    fn plan(&mut self) {
        for (index, planned) in self.config.clone().events.iter().enumerate() {
            self.queue.push(planned.at, Event::Begin(index as u32));
            if let Some(end) = planned.end() {
                self.queue.push(end, Event::End(index as u32));
            }
        }
        for (id, event) in
            [(SettingId::WatchBookmarkFrequency, Event::Bookmark), (SettingId::EtcdCompactionInterval, Event::Compact)]
        {
            let phase = self.draws.span_below(Purpose::Phase, id.row().name, 0, self.config.settings.span(id));
            self.queue.push(Time::ZERO + phase, event);
        }
        self.queue.push(self.config.until, Event::Stop);
    }

    fn bookmark(&mut self) {
        self.server.watches.bookmark(&self.server.store);
        self.as_server(ApiServer::expire_events);
        self.again(SettingId::WatchBookmarkFrequency, Event::Bookmark);
    }

    fn compact(&mut self) {
        self.server.compact();
        self.again(SettingId::EtcdCompactionInterval, Event::Compact);
    }

    fn again(&mut self, period: SettingId, event: Event) {
        self.queue.push(self.now + self.config.settings.span(period), event);
    }

    fn wake(&mut self, timer: Slot) {
        let Some(Pending { owner, life, timer, why }) = self.timers.remove(timer) else { return };
        match owner {
            Owner::Program(..) => self.call_program(owner, why, |program, cx| program.on_timer(timer, cx)),
            Owner::Node(node) if self.life(owner, Some(timer)) == life => {
                self.call_agent(node, why, |agent, ground, cx| agent.on_timer(timer, ground, cx));
            }
            Owner::Node(_) => {}
        }
    }

    /// Calls a program and takes its commands.
    pub(super) fn call_program(
        &mut self,
        owner: Owner,
        why: impl Into<Why>,
        act: impl FnOnce(&mut Box<dyn Program>, &mut Context<'_>),
    ) {
        let Owner::Program(process, index) = owner else { panic!("{owner:?} is no program") };
        let (mut out, Why { cause, setting }) = (Vec::new(), why.into());
        let process = &mut self.processes[process as usize];
        let (program, _) = &mut process.programs[index as usize];
        let mut cx = Context {
            now: self.now,
            clock: self.clock,
            draws: &self.draws,
            settings: &self.config.settings,
            delays: &self.config.delays,
            caches: &process.caches,
            cause,
            owner: setting,
            out: &mut out,
        };
        act(program, &mut cx);
        self.obey(owner, out);
    }

    /// Calls a node's agent, if there is one, and takes its commands.
    pub(super) fn call_agent(
        &mut self,
        node: NodeId,
        why: impl Into<Why>,
        act: impl FnOnce(&mut Agent, &mut Ground, &mut Context<'_>),
    ) {
        let Some(mut agent) = self.stations[node.0 as usize].agent.take() else { return };
        let (mut out, Why { cause, setting }) = (Vec::new(), why.into());
        let caches = std::mem::take(&mut agent.caches);
        let mut cx = Context {
            now: self.now,
            clock: self.clock,
            draws: &self.draws,
            settings: &self.config.settings,
            delays: &self.config.delays,
            caches: &caches,
            cause,
            owner: setting,
            out: &mut out,
        };
        act(&mut agent, &mut self.ground, &mut cx);
        agent.caches = caches;
        self.stations[node.0 as usize].agent = Some(agent);
        self.obey(Owner::Node(node), out);
    }

    pub(super) fn context<'a>(
        &'a self,
        caches: &'a crate::program::Caches,
        cause: FactId,
        out: &'a mut Vec<Command>,
    ) -> Context<'a> {
        Context {
            now: self.now,
            clock: self.clock,
            draws: &self.draws,
            settings: &self.config.settings,
            delays: &self.config.delays,
            caches,
            cause,
            owner: None,
            out,
        }
    }

    /// Records a fact.
    pub(super) fn fact(&mut self, fact: Fact, why: Why) -> FactId {
        (self.now.as_micros(), &fact).hash(&mut self.digest);
        self.digest.seal();
        self.recorder.fact(self.now, fact, why)
    }

    /// Simulated time.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Turns simulated time into dates.
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// How many events have happened.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The digest of all that has happened.
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// What is really so.
    pub const fn ground(&self) -> &Ground {
        &self.ground
    }

    /// What was recorded.
    pub const fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The run's configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Current objects of a kind, as the API server has them.
    pub fn objects<K: Strategy>(&self) -> impl Iterator<Item = &Arc<K>> {
        self.server.store.table(K::KIND).all()
    }

    /// Manifests that the API server refused, with the reason.
    pub fn refused(&self) -> Vec<(Request, ApiError)> {
        let now = self.kubectl().map_or(&[][..], Script::refused);
        [&self.past.refused, now].concat()
    }

    /// What could not be settled before a run that begins settled; it begins with the rest.
    pub fn unsettled(&self) -> &[Unsettled] {
        &self.past.unsettled
    }

    /// Planned events that found nothing to do.
    pub fn missed(&self) -> &[Missed] {
        &self.missed
    }

    /// The store, for observers: they see everything at once.
    pub const fn store(&self) -> &Store {
        &self.server.store
    }
}
