//! The waterfall worked out by hand: a small cluster in which nothing takes time but what a case is about, so that every
//! bar can be foretold.
//!
//! Three or more nodes in one zone, `web` with two replicas on each, and `w-1` lost at 1m unless a case says otherwise.
//! All modelled delays are zero but for those that a case sets. Figures are in milliseconds of one replica.

use evenkeel::object::delay::DELAYS;
use evenkeel::report::waterfall::LossReport;
use evenkeel::report::{Report, simulate};
use evenkeel::scenario;

/// What a case changes of the usual cluster.
#[derive(Clone, Copy)]
pub struct Case {
    pub nodes: usize,
    pub capacity: &'static str,
    pub delays: &'static [(&'static str, &'static str)],
    pub workload: &'static str,
    pub events: &'static str,
    pub control: &'static str,
    pub until: &'static str,
}

pub const SIX_REPLICAS: &str = "replicas = 6\nrequests = { cpu = \"500m\" }\n";
pub const CRASH: &str = "[[event]]\nid = \"crash\"\nat = \"1m\"\ndo = \"node.crash\"\ntarget = { node = \"w-1\" }\n";
pub const START_AND_READY: &[(&str, &str)] = &[("container-start", "2s"), ("ready-after", "3s")];

pub const USUAL: Case = Case {
    nodes: 3,
    capacity: "{ cpu = \"4\", memory = \"8Gi\" }",
    delays: START_AND_READY,
    workload: SIX_REPLICAS,
    events: CRASH,
    control: "",
    until: "30m",
};

impl Case {
    fn text(&self) -> String {
        let Case { nodes, capacity, delays, workload, events, control, until } = self;
        let mut text = format!(
            "schema = \"evenkeel/v1\"\ntitle = \"x\"\n[run]\nseed = 1\nuntil = \"{until}\"\nstart = \"settled\"\n\
             [[cluster.pool]]\nname = \"w\"\ncount = {nodes}\nzones = [\"a\"]\ncapacity = {capacity}\n[delays]\n"
        );
        for row in DELAYS {
            let own = delays.iter().find(|(name, _)| *name == row.name);
            text.push_str(&format!("{} = \"{}\"\n", row.name, own.map_or("0s", |(_, value)| value)));
        }
        text.push_str(&format!("[[workload]]\nname = \"web\"\n{workload}{events}"));
        if !control.is_empty() {
            text.push_str(&format!("[control]\n{control}\n"));
        }
        text
    }

    pub fn run(&self) -> Report {
        let files = |path: &str| if path == "x.toml" { Ok(self.text()) } else { Err("no such file".to_string()) };
        let loaded = scenario::load("x.toml", &files).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
        let finished = simulate(&loaded, None);
        assert_eq!(finished.world.audit(), Ok(()));
        finished.report
    }

    /// What this event cost `web`.
    fn loss(&self, event: &str) -> LossReport {
        let losses = self.run().losses;
        let found = losses.iter().find(|loss| loss.event == event && loss.object == "deployment/web");
        let found = found.unwrap_or_else(|| panic!("{event} cost nothing: {losses:?}")).clone();
        assert_eq!(found.parts.iter().map(|part| part.replica_us).sum::<u64>(), found.lost_us, "the parts add up");
        found
    }

    pub fn bars(&self, event: &str) -> Bars {
        let part = |part: &evenkeel::report::waterfall::PartReport| {
            let owner = part.owner.as_ref().map_or("", |owner| owner.short_name()).to_string();
            (part.cause, owner, part.replica_us)
        };
        Bars(self.loss(event).parts.iter().map(part).collect())
    }
}

/// Cause, owner and replica-microseconds of each part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bars(pub Vec<(&'static str, String, u64)>);

impl Bars {
    /// Of one cause and owner (ms of one replica).
    pub fn of(&self, cause: &str, owner: &str) -> u64 {
        let found = self.0.iter().filter(|(of, by, _)| *of == cause && by == owner).map(|(.., micros)| micros);
        found.sum::<u64>() / 1_000
    }

    /// What is left when bars of these causes are taken away.
    fn without(&self, causes: &[&str]) -> Bars {
        Bars(self.0.iter().filter(|(cause, ..)| !causes.contains(cause)).cloned().collect())
    }

    /// Asserts all bars but those of these causes.
    fn assert(&self, but: &[&str], expected: &[(&str, &str, u64)]) {
        let own = self.without(but);
        let own: Vec<_> = own.0.iter().map(|(cause, owner, micros)| (*cause, owner.as_str(), micros / 1_000)).collect();
        assert_eq!(own, expected, "of {self:?}");
    }
}

/// How silence is noticed depends on where in their rounds the loops stand, so it is asserted apart.
const NOTICING: &[&str] = &["not-noticed", "rate-limited"];

#[test]
fn two_replicas_are_tolerated_replaced_started_and_ready() {
    let bars = USUAL.bars("crash");
    // 2 x 300 s of toleration, 2 x 2 s to start, 2 x 3 s to be ready; nothing else takes time.
    bars.assert(
        NOTICING,
        &[
            ("tolerated", "default-unreachable-toleration-seconds", 600_000),
            ("starting", "container-start", 4_000),
            ("not-ready", "ready-after", 6_000),
        ],
    );
    // The last lease is up to 10.4 s old and was seen up to 5 s after that; the pass that notices comes up to 5 s late.
    let noticed = bars.of("not-noticed", "node-monitor-grace-period");
    assert!((2 * 39_600..=2 * 60_000).contains(&noticed), "{noticed}");
    // The first node of a zone gets its taint in the next round of 100 ms.
    assert!(bars.of("rate-limited", "scheduler.NodeEvictionPeriod") <= 2 * 100, "{bars:?}");
    // While nobody has noticed, the API calls both ready; after that it knows as much as is so.
    let loss = USUAL.loss("crash");
    assert_eq!(loss.unaware_us / 1_000, noticed);
    assert_eq!((loss.mistaken_us, loss.claimed_us), (0, loss.lost_us - loss.unaware_us));
    assert_eq!((loss.vacancies, loss.most, loss.open), (2, 2, 0));
}

pub const TWELVE: &str = "replicas = 12\nrequests = { cpu = \"500m\" }\n";
pub const TWO_OF_SIX: &str =
    "[[event]]\nid = \"crash\"\nat = \"1m\"\ndo = \"node.crash\"\ntarget = { nodes = [\"w-1\", \"w-2\"] }\n";
pub const FOUR_OF_SIX: &str = "[[event]]\nid = \"crash\"\nat = \"1m\"\ndo = \"node.crash\"\n\
                           target = { nodes = [\"w-1\", \"w-2\", \"w-3\", \"w-4\"] }\n";

/// All replicas of one kind need more than one node has left.
pub const FULL: &str = "replicas = 6\nrequests = { cpu = \"2\" }\n";
pub const FOR_TEN_MINUTES: &str =
    "[[event]]\nid = \"crash\"\nat = \"1m\"\ndo = \"node.crash\"\ntarget = { node = \"w-1\" }\nfor = \"10m\"\n";
pub const FOR_TWO_MINUTES: &str =
    "[[event]]\nid = \"crash\"\nat = \"1m\"\ndo = \"node.crash\"\ntarget = { node = \"w-1\" }\nfor = \"2m\"\n";
pub const FIVE_MORE: &str =
    "[[event]]\nid = \"more\"\nat = \"1m\"\ndo = \"scale\"\nof = \"deployment/web\"\nreplicas = 11\n";
pub const FOR_EVER: &str = "replicas = 6\nrequests = { cpu = \"500m\" }\ntolerations = [{ key = \
                        \"node.kubernetes.io/unreachable\", operator = \"Exists\", effect = \"NoExecute\" }]\n";

#[test]
fn where_there_is_no_room_the_node_has_to_come_back() {
    let bars = Case { workload: FULL, events: FOR_TEN_MINUTES, ..USUAL }.bars("crash");
    // Two replicas are away for the 600 s of the crash, then start and get ready. Nobody owns the room.
    let away = ["not-noticed", "rate-limited", "tolerated", "no-room"];
    let sum: u64 = bars.0.iter().filter(|(cause, ..)| away.contains(cause)).map(|(.., micros)| micros).sum();
    assert_eq!(sum, 2 * 600_000_000);
    assert_eq!(bars.of("tolerated", "default-unreachable-toleration-seconds"), 2 * 300_000);
    assert!(bars.of("no-room", "") > 0);
    bars.assert(&away, &[("starting", "container-start", 4_000), ("not-ready", "ready-after", 6_000)]);
}

#[test]
fn where_there_is_no_room_and_somebody_adds_a_node_it_was_stuck_until_then() {
    let help = "[[event]]\nid = \"help\"\nat = \"12m\"\ndo = \"node.add\"\npool = \"w\"\ncount = 1\n";
    let events = format!("{CRASH}{help}");
    let bars = Case { workload: FULL, events: events.leak(), ..USUAL }.bars("crash");
    // From 1m to 12m for two replicas; the new machine takes no time to boot here.
    let away = ["not-noticed", "rate-limited", "tolerated", "stuck"];
    let sum: u64 = bars.0.iter().filter(|(cause, ..)| away.contains(cause)).map(|(.., micros)| micros).sum();
    assert_eq!(sum, 2 * 660_000_000);
    assert!(bars.of("stuck", "help") > 0, "{bars:?}");
    assert_eq!(bars.of("no-room", ""), 0);
}

#[test]
fn what_tolerates_for_ever_is_stuck_until_somebody_deletes_the_node() {
    let human = "[[event]]\nid = \"human\"\nat = \"10m\"\ndo = \"delete\"\nof = \"node/w-1\"\n";
    let events = format!("{CRASH}{human}");
    let bars = Case { workload: FOR_EVER, events: events.leak(), ..USUAL }.bars("crash");
    let away = ["not-noticed", "rate-limited", "stuck"];
    let sum: u64 = bars.0.iter().filter(|(cause, ..)| away.contains(cause)).map(|(.., micros)| micros).sum();
    assert_eq!(sum, 2 * 540_000_000, "from 1m to 10m: {bars:?}");
    // Then pod GC deletes pods of a node that is gone: after 40 s of quarantine, in a pass that comes every 20 s.
    let quarantine = bars.of("tolerated", "podgc.quarantineTime");
    assert!((2 * 40_000..=2 * 80_000).contains(&quarantine), "{bars:?}");

    let loss = Case { workload: FOR_EVER, ..USUAL }.loss("crash");
    assert_eq!((loss.open, loss.lost_us), (2, 2 * 29 * 60_000_000), "from 1m to the end");
    let stuck = loss.parts.iter().find(|part| part.cause == "stuck").expect("nobody came");
    let owner = stuck.owner.as_ref().expect("its toleration");
    assert_eq!((owner.name.as_str(), owner.value.as_str()), ("pod/tolerationSeconds", "for ever"));
}

#[test]
fn a_machine_that_comes_back_had_the_length_of_the_fault_and_of_its_boot() {
    let delays = &[("container-start", "2s"), ("ready-after", "3s"), ("node-boot", "40s")];
    let bars = Case { events: FOR_TWO_MINUTES, delays, ..USUAL }.bars("crash");
    let away = ["not-noticed", "rate-limited", "tolerated"];
    let sum: u64 = bars.0.iter().filter(|(cause, ..)| away.contains(cause)).map(|(.., micros)| micros).sum();
    assert_eq!(sum, 2 * 120_000_000);
    assert!(bars.of("tolerated", "crash") > 0, "not its toleration but the crash was over: {bars:?}");
    bars.assert(
        &away,
        &[
            ("starting", "container-start", 4_000),
            ("starting", "node-boot", 80_000),
            ("not-ready", "ready-after", 6_000),
        ],
    );
}

#[test]
fn five_new_replicas_wait_for_the_tokens_of_the_scheduler() {
    let control = "kube-scheduler = { \"clientConnection.qps\" = \"1/s\", \"clientConnection.burst\" = 1 }";
    let bars = Case { events: FIVE_MORE, control, ..USUAL }.bars("more");
    // Bindings at 0, 1, 2, 3 and 4 s.
    bars.assert(
        &[],
        &[
            ("throttled", "clientConnection.qps", 10_000),
            ("starting", "container-start", 10_000),
            ("not-ready", "ready-after", 15_000),
        ],
    );
}

#[test]
fn five_new_replicas_are_scheduled_one_after_another() {
    let bars = Case { events: FIVE_MORE, delays: &[("scheduling-cycle", "2s")], ..USUAL }.bars("more");
    // Decided after 2, 4, 6, 8 and 10 s.
    bars.assert(&[], &[("not-placed", "scheduling-cycle", 30_000)]);
}

#[test]
fn replacements_are_created_in_batches_that_wait_for_each_other() {
    let bars = Case { delays: &[("api-write", "1s")], ..USUAL }.bars("crash");
    // The first creation takes a second; the second one is sent after it and takes another. Each binding takes one.
    bars.assert(
        &["not-noticed", "rate-limited", "tolerated"],
        &[("not-replaced", "", 3_000), ("not-placed", "", 2_000)],
    );
    // The marking and the deletion of each pod are writes too, one after the other.
    assert_eq!(bars.of("tolerated", "default-unreachable-toleration-seconds"), 2 * 302_000);
}

#[test]
fn images_are_pulled_on_each_node() {
    let workload = "replicas = 3\nstrategy = \"Recreate\"\nrequests = { cpu = \"500m\" }\n";
    let events =
        "[[event]]\nid = \"release\"\nat = \"1m\"\ndo = \"set.image\"\nof = \"deployment/web\"\nimage = \"web:2\"\n";
    let delays = &[("container-start", "2s"), ("image-pull", "30s")];
    let bars = Case { workload, events, delays, ..USUAL }.bars("release");
    bars.assert(&[], &[("pulling", "image-pull", 90_000), ("starting", "container-start", 6_000)]);

    // Until the registry is back at 5m50s nobody can pull; then the back-off has to end, and the image to come.
    let gone = "[[event]]\nid = \"gone\"\nat = \"50s\"\ndo = \"image-registry.gone\"\nfor = \"5m\"\n";
    let events = format!("{events}{gone}");
    let bars = Case { workload, events: events.leak(), delays, ..USUAL }.bars("release");
    assert_eq!(bars.of("pulling", "gone"), 3 * 290_000, "from 1m to 5m50s: {bars:?}");
    let backoff = bars.of("pulling", "imageBackOffPeriod");
    assert!((3 * 30_000..=3 * (30_000 + 300_000 + 15_000)).contains(&backoff), "{bars:?}");
    assert_eq!(bars.of("starting", "container-start"), 6_000);
}

#[test]
fn containers_that_exit_wait_longer_each_time() {
    let workload = "replicas = 1\nrun-for = \"20s\"\nexit-code = 1\nrequests = { cpu = \"500m\" }\n";
    let case = Case { workload, events: "", until: "74s", ..USUAL };
    let bars = case.bars("itself");
    // Exit at 20 s, again at once: 2 s to start and 3 s to be ready. Exit at 42 s: a back-off of 10 s, which the kubelet
    // looks at after 10 s and up to half as much more; then 2 s and 3 s.
    let restarting = bars.of("restarting", "crashLoopBackOff.initial");
    assert!((14_000..=19_000).contains(&restarting), "{bars:?}");
    bars.assert(&["restarting"], &[("not-ready", "ready-after", 6_000)]);
}

#[test]
fn every_node_has_to_hear_of_a_new_pod() {
    let workload = "replicas = 6\nrequests = { cpu = \"500m\" }\nexpose = 80\n";
    let delays = &[("container-start", "2s"), ("proxy-sync", "500ms")];
    let bars = Case { workload, delays, ..USUAL }.bars("crash");
    assert_eq!(bars.of("not-routed", "proxy-sync"), 1_000, "{bars:?}");

    // The lost pods left the rules at once, written 0.5 s later. New ones are ready 2 s after; the next writing begins 30 s
    // after the last and takes 0.5 s: 29 s for each of two.
    let control = "kube-proxy = { \"iptables.minSyncPeriod\" = \"30s\" }";
    let bars = Case { workload, delays, control, ..USUAL }.bars("crash");
    assert_eq!(bars.of("not-routed", "iptables.minSyncPeriod"), 58_000, "{bars:?}");
}

#[test]
fn a_node_that_is_removed_was_noticed_by_who_removed_it() {
    let remove = "[[event]]\nid = \"remove\"\nat = \"70s\"\ndo = \"node.remove\"\ntarget = { node = \"w-1\" }\n";
    let events = format!("{CRASH}{remove}");
    let bars = Case { events: events.leak(), ..USUAL }.bars("crash");
    assert_eq!(bars.of("not-noticed", "remove"), 2 * 10_000, "{bars:?}");
}

#[test]
fn where_no_zone_has_a_node_left_the_event_has_everybody_wait() {
    let all = "[[event]]\nid = \"crash\"\nat = \"1m\"\ndo = \"node.crash\"\n\
               target = { nodes = [\"w-1\", \"w-2\", \"w-3\"] }\nfor = \"10m\"\n";
    let bars = Case { events: all, ..USUAL }.bars("crash");
    // Six replicas, 600 s: nobody is evicted, and no setting would have it otherwise.
    let noticed = bars.of("not-noticed", "node-monitor-grace-period");
    assert_eq!((noticed + bars.of("rate-limited", "crash")).abs_diff(6 * 600_000), 1, "whole milliseconds: {bars:?}");
    bars.assert(NOTICING, &[("starting", "container-start", 12_000), ("not-ready", "ready-after", 18_000)]);
}

#[test]
fn in_a_small_cluster_the_threshold_of_a_large_one_stops_all_evictions() {
    let events = format!("{FOUR_OF_SIX}for = \"10m\"\n");
    let small = Case { nodes: 6, workload: TWELVE, events: events.leak(), ..USUAL };
    let large = Case { control: "kube-controller-manager = { large-cluster-size-threshold = 2 }", ..small };
    let [small, large] = [small, large].map(|case| case.bars("crash"));
    // Eight replicas wait for their nodes: from when they are noticed to the end of the 600 s.
    let noticed = small.of("not-noticed", "node-monitor-grace-period");
    // Both are cut to whole milliseconds.
    let waited = small.of("rate-limited", "large-cluster-size-threshold");
    assert!((waited + noticed).abs_diff(8 * 600_000) <= 1, "{small:?}");
    assert_eq!(large.of("rate-limited", "large-cluster-size-threshold"), 0);
    assert!(large.of("rate-limited", "secondary-node-eviction-rate") > 0);
}

#[test]
fn containers_that_exit_before_they_are_ready_never_are() {
    let workload =
        "replicas = 1\nrun-for = \"20s\"\nready-after = \"30s\"\nexit-code = 1\nrequests = { cpu = \"500m\" }\n";
    let loss = Case { workload, events: "", until: "5m", ..USUAL }.loss("itself");
    // They were ready before the run, and end at 20 s; from then on to the end nobody serves.
    assert_eq!((loss.open, loss.vacancies, loss.lost_us), (1, 1, 280_000_000));
}

#[test]
fn a_slow_registry_owns_what_it_adds_to_a_pull() {
    let workload = "replicas = 3\nstrategy = \"Recreate\"\nrequests = { cpu = \"500m\" }\n";
    let events = "[[event]]\nid = \"release\"\nat = \"1m\"\ndo = \"set.image\"\nof = \"deployment/web\"\nimage = \"web:2\"\n\
                  [[event]]\nid = \"slow\"\nat = \"50s\"\ndo = \"image-registry.slow\"\nfactor = 4\nfor = \"10m\"\n";
    let delays = &[("container-start", "2s"), ("image-pull", "30s")];
    let bars = Case { workload, events, delays, ..USUAL }.bars("release");
    // Three pulls of 30 s that take 120 s each.
    let expected =
        [("pulling", "image-pull", 90_000), ("pulling", "slow", 270_000), ("starting", "container-start", 6_000)];
    bars.assert(&[], &expected);
}

#[test]
fn writes_that_take_turns_own_what_waits_for_them() {
    let one_more = "[[event]]\nid = \"more\"\nat = \"1m\"\ndo = \"scale\"\nof = \"deployment/web\"\nreplicas = 7\n";
    let bars = Case { events: one_more, delays: &[("api-turn", "1s")], ..USUAL }.bars("more");
    // The write of the ReplicaSet and the creation are a second each. Before the binding come what the two controllers say
    // of their counts and Events of theirs: five seconds.
    bars.assert(&[], &[("not-replaced", "api-turn", 2_000), ("not-placed", "api-turn", 5_000)]);
}

#[test]
fn nodes_in_line_behind_a_throttled_one_are_throttled() {
    let six = Case { nodes: 6, workload: TWELVE, events: TWO_OF_SIX, ..USUAL };
    let control = "kube-controller-manager = { kube-api-qps = \"0.1/s\", kube-api-burst = 1 }";
    let [free, throttled] = [six, Case { control, ..six }].map(|case| case.bars("crash"));
    // Silence is noticed by the same pass, however long it then takes to say so.
    let noticed = |bars: &Bars| bars.of("not-noticed", "node-monitor-grace-period");
    assert_eq!(noticed(&free), noticed(&throttled));
    // Four replicas wait for two tokens at the least, one every ten seconds.
    assert!(throttled.of("throttled", "kube-api-qps") > 4 * 2 * 10_000, "{throttled:?}");
}

#[test]
fn an_outage_reaches_until_its_own_places_are_filled() {
    let events = "[[event]]\nid = \"one\"\nat = \"1m\"\ndo = \"node.crash\"\ntarget = { node = \"w-1\" }\nfor = \"2m\"\n\
                  [[event]]\nid = \"four\"\nat = \"10m\"\ndo = \"node.crash\"\n\
                  target = { nodes = [\"w-2\", \"w-3\", \"w-4\", \"w-5\"] }\nfor = \"2m\"\n";
    let report = Case { nodes: 6, workload: TWELVE, events, ..USUAL }.run();
    let served: Vec<_> = report.outages.iter().map(|outage| outage.workloads[0].serving_min).collect();
    assert_eq!(served, [10, 4], "two on each node");
}

#[test]
fn a_pod_that_leaves_before_a_node_routes_to_it_is_not_waited_for() {
    let workload = "replicas = 6\nrequests = { cpu = \"500m\" }\nexpose = 80\n";
    let control = "kube-apiserver = { default-unreachable-toleration-seconds = 0 }\n\
                   kube-proxy = { \"iptables.minSyncPeriod\" = \"60s\" }";
    // New pods are ready 105 s to 125 s after the start and routed to from 160 s on; the newest is the first to go.
    let fewer = "[[event]]\nid = \"fewer\"\nat = \"140s\"\ndo = \"scale\"\nof = \"deployment/web\"\nreplicas = 5\n";
    let report = Case { workload, control, events: format!("{CRASH}{fewer}").leak(), ..USUAL }.run();
    let milestones = &report.outages[0].workloads[0].milestones;
    let reached = |name| milestones.iter().find(|milestone| milestone.name == name).and_then(|found| found.at_us);
    let (ready, routed) = (reached("ready").expect("both were ready"), reached("routed").expect("the other one is"));
    assert!(ready < 140_000_000 && routed > 140_000_000, "{milestones:?}");
}
