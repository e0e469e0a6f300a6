//! From commands to requests in flight, and back as replies: every message crosses the network.

use super::event::Event;
use super::events::{Emission, Recorder};
use super::process::{Client, Owner};
use super::world::World;
use crate::apiserver::flow::Turn;
use crate::apiserver::{ApiError, Reply, Request, Serve, flow};
use crate::ground::Direction;
use crate::kernel::arena::Slot;
use crate::kernel::time::{Span, Time};
use crate::network::Network;
use crate::node::Agent;
use crate::object::fact::{Verb, Why};
use crate::object::{DelayId, Fact, Kind, Name, Object, Revision, SettingId};
use crate::program::{Command, Ticket, Timer};
use crate::record::causes::Commit;
use crate::record::describe::describe;
use crate::record::waterfall::{Held, Wait};
use std::hash::Hash;

/// A timer that has not gone off.
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    /// Whose it is.
    pub owner: Owner,
    /// For a node: in which life of its program it was set.
    pub life: u32,
    /// For what.
    pub timer: Timer,
    /// Why.
    pub why: Why,
}

/// Who waits for the reply to a request.
#[derive(Clone, Debug)]
enum Sender {
    /// The program, under this number.
    Program(Ticket),
    /// Its recorder, in the background.
    Recorder(Box<Emission>),
}

/// A request that has not been answered.
#[derive(Clone, Debug)]
pub struct InFlight {
    owner: Owner,
    /// For a node: in which life of its kubelet it was sent.
    life: u32,
    request: Request,
    sender: Sender,
    why: Why,
    /// The wait for a token of its client, if there was one, and whether it was longer than the wait before it.
    held: Option<(Held, bool)>,
    sent: Time,
    /// Names the request for draws: who asks for what.
    path: String,
    /// Which version of the object it was sent for: the counter for draws.
    version: u64,
    reply: Option<Reply>,
}

/// How many messages there were; for the audit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests that left their clients or wait to.
    pub sent: u64,
    /// Requests that were answered or given up.
    pub ended: u64,
}

impl World {
    /// Carries out what a component has left behind.
    pub(super) fn obey(&mut self, owner: Owner, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Send { request, ticket, why } => {
                    self.send(owner, request, Sender::Program(ticket), why, Span::ZERO)
                }
                Command::Emit { event, why } => self.emit(owner, *event, why),
                Command::WakeAt { at, timer, why } => {
                    let pending = Pending { owner, life: self.life(owner, Some(timer)), timer, why };
                    let slot = self.timers.insert(pending);
                    self.queue.push(at.max(self.now), Event::Wake(slot));
                }
                Command::Note { fact, why } => {
                    self.fact(fact, why);
                }
            }
        }
    }

    /// The network as it is now.
    pub(super) fn network(&self) -> Network<'_> {
        Network {
            ground: &self.ground,
            delays: &self.config.delays,
            draws: &self.draws,
            settings: &self.config.settings,
            now: self.now,
        }
    }

    /// As whom a program authenticates.
    pub(super) fn user(&self, owner: Owner) -> &Name {
        match owner {
            Owner::Program(process, program) => &self.processes[process as usize].programs[program as usize].1.user,
            Owner::Node(node) => &self.stations[node.0 as usize].client.user,
        }
    }

    pub(super) fn client(&mut self, owner: Owner) -> &mut Client {
        match owner {
            Owner::Program(process, program) => &mut self.processes[process as usize].programs[program as usize].1,
            Owner::Node(node) => &mut self.stations[node.0 as usize].client,
        }
    }

    /// Which life of a program this is, by what it has to do with: a timer, or the kubelet's client.
    pub(super) fn life(&self, owner: Owner, timer: Option<Timer>) -> u32 {
        match owner {
            Owner::Program(..) => 0,
            Owner::Node(node) if timer.is_some_and(Agent::is_of_proxy) => self.stations[node.0 as usize].boots,
            Owner::Node(node) => self.stations[node.0 as usize].starts,
        }
    }

    /// Sends an Event after a pause.
    pub(super) fn send_event(&mut self, owner: Owner, emission: Emission, why: Why, pause: Span) {
        self.send(owner, emission.request(), Sender::Recorder(Box::new(emission)), why, pause);
    }

    /// Takes a token for a request and lets it depart, now or when the token has grown, but not before a pause is over.
    fn send(&mut self, owner: Owner, request: Request, sender: Sender, why: Why, pause: Span) {
        let now = self.now;
        let waited = self.recorder.facts.get(why.cause.0 as usize).map_or(Span::ZERO, |cause| now.since(cause.at));
        // Kubelets send signs of life through a client of their own, without a limit.
        let is_heartbeat = matches!(owner, Owner::Node(_)) && matches!(request.kind(), Kind::Lease | Kind::Node);
        let client = self.client(owner);
        let (mut departs, mut held) = (now, None);
        let limit = match (&mut client.limit, &mut client.recorder, &sender) {
            (Some((limit, _)), Recorder::Series(_, Some(bucket)), Sender::Recorder(_)) => Some((limit, bucket)),
            (Some((limit, bucket)), ..) => Some((limit, bucket)),
            (None, ..) => None,
        };
        if let Some((limit, bucket)) = limit.filter(|_| !is_heartbeat) {
            departs = bucket.reserve(now).unwrap_or(now);
            // The longer of the two waits gives the whole its owner.
            let is_longer = departs.since(now) > waited || why.setting.is_none();
            held = (departs > now).then(|| {
                let is_of_kubelet = matches!(owner, Owner::Node(_));
                (Held { from: now, to: departs, setting: Some(limit.qps), is_of_kubelet }, is_longer)
            });
        }
        departs = departs.max(now + pause);
        let is_of_recorder = matches!(sender, Sender::Recorder(_));
        let (path, version) = name_for_draws(client, &request, now);
        let life = self.life(owner, None);
        if let Some((held, _)) = held.filter(|_| !is_of_recorder) {
            self.recorder.held(request.kind(), request.key(), request.written(), held);
        }
        let slot = self.requests.insert(InFlight {
            owner,
            life,
            request,
            sender,
            why,
            held,
            sent: departs,
            path,
            version,
            reply: None,
        });
        self.counters.sent += 1;
        if departs > now {
            self.queue.push(departs, Event::Depart(slot));
        } else {
            self.depart(slot);
        }
    }

    /// A request leaves its client.
    pub(super) fn depart(&mut self, slot: Slot) {
        let request = self.requests.get(slot).expect("a request departs once");
        if request.life != self.life(request.owner, None) {
            // Its client ended while the request waited for a token.
            self.requests.remove(slot);
            self.counters.ended += 1;
            return;
        }
        let request = self.requests.get_mut(slot).expect("it is there");
        if let Some(object) = self.server.store.get(request.request.kind(), request.request.key()) {
            request.version = object.meta().version;
        }
        let (peer, version) = (request.owner.peer(), request.version);
        let path = &self.requests.get(slot).expect("it is there").path;
        match self.network().transit(peer, Direction::Up, path, version) {
            // A client that gives up resets its request, which then is not served.
            Some(span) if !self.is_too_late(slot, span) => self.queue.push(self.now + span, Event::Arrive(slot)),
            _ => self.give_up(slot),
        }
    }

    /// How long a client waits for this answer, whatever its connection does; none for as long as that lasts. Kubelets'
    /// signs of life go through a client with a time limit.
    fn time_limit(&self, slot: Slot) -> Option<Span> {
        let request = self.requests.get(slot).expect("it is in flight");
        let is_heartbeat =
            matches!(request.owner, Owner::Node(_)) && matches!(request.request.kind(), Kind::Lease | Kind::Node);
        is_heartbeat.then(|| self.config.settings.span(SettingId::NodeLeaseTimeout))
    }

    /// Whether a client will have given up before `span` has passed.
    fn is_too_late(&self, slot: Slot, span: Span) -> bool {
        let sent = self.requests.get(slot).expect("it is in flight").sent;
        self.time_limit(slot).is_some_and(|limit| self.now + span > sent + limit)
    }

    /// A message was lost or is too late: its client will give up when its patience ends.
    fn give_up(&mut self, slot: Slot) {
        let patience = self.time_limit(slot).unwrap_or_else(|| self.network().patience());
        let request = self.requests.get_mut(slot).expect("a lost request is in flight");
        request.reply = Some(Reply::Error(ApiError::Timeout));
        self.queue.push((request.sent + patience).max(self.now), Event::Respond(slot));
    }

    /// A request reaches the API server.
    pub(super) fn arrive(&mut self, slot: Slot) {
        let request = self.requests.get(slot).expect("a request arrives once");
        let arrival = flow::Arrival {
            request: &request.request,
            is_outdated: self.server.is_outdated(&request.request),
            path: &request.path,
            version: request.version,
        };
        let Turn { over, served } = self.desk.turn(&arrival, &self.config.delays, &self.draws, self.now);
        if over > self.now && !matches!(request.sender, Sender::Recorder(_)) {
            let is_of_kubelet = matches!(request.owner, Owner::Node(_));
            let held = Held { from: self.now, to: over, setting: None, is_of_kubelet };
            let request = &request.request;
            self.recorder.held(request.kind(), request.key(), request.written(), held);
        }
        self.queue.push(served, Event::Serve(slot));
    }

    /// The API server serves a request, and tells those who listen.
    pub(super) fn serve(&mut self, slot: Slot) {
        let request = self.requests.get(slot).expect("a request is served once");
        let (owner, why, held, version) = (request.owner, request.why, request.held, request.version);
        let setting = held.filter(|(_, is_longer)| *is_longer).and_then(|(held, _)| held.setting);
        let told = Why { setting: setting.or(why.setting), ..why };
        let user = &self.user(owner).clone();
        let client = self.client(owner).name.clone();
        let request = self.requests.get_mut(slot).expect("it is there");
        let (now, recorder, digest) = (self.now, &mut self.recorder, &mut self.digest);
        let mut journal = |verb: Verb, old: Option<&Object>, new: Option<&Object>| {
            (now.as_micros(), verb, new.or(old)).hash(digest);
            digest.seal();
            let Some(what) = describe(verb, old, new) else { return why.cause };
            let object = new.or(old).expect("a commit has an object");
            let fact = Fact::Commit { verb, kind: object.kind(), key: object.key().clone(), what: what.into() };
            let why = recorder.why(Commit { client: &client, verb, old, new }, told);
            recorder.fact(now, fact, why)
        };
        let mut cx = Serve {
            now,
            clock: self.clock,
            draws: &self.draws,
            settings: &self.config.settings,
            user,
            journal: &mut journal,
        };
        let (reply, change) = self.server.serve(&request.request, &mut cx);
        if let Some(change) = &change {
            request.why.cause = change.cause;
            let held = held.map(|(held, _)| held);
            self.recorder.commit(self.now, change, Wait { setting: why.setting, held });
            self.announce(change);
        }
        let request = self.requests.get_mut(slot).expect("it was just served");
        request.reply = Some(reply);
        let path = &self.requests.get(slot).expect("it was just served").path;
        let transit = self.network().transit(owner.peer(), Direction::Down, path, version);
        let reply = transit.map(|span| span + self.config.delays.sample(DelayId::ApiReply, &self.draws, path, version));
        match reply {
            Some(span) if !self.is_too_late(slot, span) => self.queue.push(self.now + span, Event::Respond(slot)),
            _ => self.give_up(slot),
        }
    }

    /// Sends a delivery on its way to every listener that has none under way.
    fn announce(&mut self, change: &crate::apiserver::Change) {
        let object = change.object();
        let path = format!("{} {}", object.kind(), object.key());
        for watch in self.server.watches.notify(change) {
            let owner = self.watchers[&watch];
            let listener = format!("watch {} {path}", self.user(owner));
            let latency = self.watch_latency(owner, &listener, object.meta().version);
            self.queue.push(self.now + latency, Event::Deliver(watch));
        }
    }

    /// How long a change is on its way to an informer. A connection that is given up on the way is opened again, and the
    /// change comes then.
    fn watch_latency(&self, owner: Owner, path: &str, version: u64) -> Span {
        let usual = self.config.delays.sample(DelayId::NetworkLatency, &self.draws, path, version);
        let watch = self.config.delays.sample(DelayId::WatchLatency, &self.draws, path, version);
        match owner {
            Owner::Program(..) => usual + watch,
            Owner::Node(node) => {
                let (network, machine) = (self.network(), &self.ground[node]);
                let transit = network.along(machine.line(Direction::Down), usual, path);
                transit.unwrap_or_else(|| network.patience()) + machine.slow.of(watch)
            }
        }
    }

    /// A reply reaches its client, or the client gives up.
    pub(super) fn respond(&mut self, slot: Slot) {
        let InFlight { owner, life, sender, why, reply, .. } = self.requests.remove(slot).expect("a request ends once");
        self.counters.ended += 1;
        if life != self.life(owner, None) {
            return;
        }
        let reply = reply.expect("a request that ends has a reply");
        match (sender, owner) {
            (Sender::Recorder(emission), _) => self.emitted(owner, *emission, &reply, why),
            (Sender::Program(ticket), Owner::Program(..)) => {
                self.call_program(owner, why.cause, |program, cx| program.on_reply(ticket, &reply, cx));
                if owner == World::KUBECTL && !self.courses.is_empty() {
                    self.go_on();
                }
            }
            (Sender::Program(ticket), Owner::Node(node)) => {
                self.call_agent(node, why.cause, |agent, ground, cx| agent.on_reply(ticket, &reply, ground, cx));
            }
        }
    }

    /// Opens a watch from the head of the store.
    pub(super) fn open_watch(&mut self, kind: Kind, node: Option<Name>, owner: Owner) -> Slot {
        let head: Revision = self.server.store.revision();
        let slot = self.server.watches.open(kind, node, head);
        self.watchers.insert(slot, owner);
        slot
    }

    /// Closes a watch.
    pub(super) fn close_watch(&mut self, slot: Slot) {
        self.server.watches.close(slot);
        self.watchers.remove(&slot);
    }
}

/// Names a request for draws, by who asks for what; and the counter of a creation, which has no version to go by.
fn name_for_draws(client: &mut Client, request: &Request, now: Time) -> (String, u64) {
    let path = format!("{} {} {} {}", client.name, verb(request), request.kind(), request.key());
    match request {
        // There are too many Events to count them; their names hold the time already.
        Request::Create(Object::Event(_)) => (path, now.as_micros()),
        Request::Create(object) if object.meta().name().is_empty() => {
            let path = format!("{path}{}", object.meta().generate_name);
            let created = client.created.entry(path.clone()).or_default();
            *created += 1;
            (path, *created)
        }
        _ => (path, 0),
    }
}

/// The verb and the part it is about, as one word of the key for draws.
fn verb(request: &Request) -> &'static str {
    use crate::apiserver::Part;
    match request {
        Request::Get { .. } => "get",
        Request::Create(_) => "create",
        Request::Update { part: Part::Main, .. } => "update",
        Request::Update { part: Part::Status, .. } => "update-status",
        Request::Patch { part: Part::Main, .. } => "patch",
        Request::Patch { part: Part::Status, .. } => "patch-status",
        Request::Bind { .. } => "bind",
        Request::Delete { .. } => "delete",
    }
}
