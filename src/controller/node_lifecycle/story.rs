//! Life stories of the node lifecycle controller, told by the harness.

use super::NodeLifecycle;
use crate::apiserver::{ApiError, Reply};
use crate::kernel::dist::Delay;
use crate::kernel::time::{Span, Time};
use crate::object::fact::Why;
use crate::object::node::{LABEL_ZONE, conditions};
use crate::object::{
    Condition, ConditionStatus, DelayId, FactId, Key, Kind, Lease, Meta, MicroTime, Node, Pod, SettingId, Timestamp,
    pod,
};
use crate::program::Timer;
use crate::program::harness::Harness;

/// A cluster of kubelets that renew their leases every ten seconds, as long as they are not silent.
struct Cluster {
    harness: Harness<NodeLifecycle>,
    nodes: Vec<String>,
    silent: Vec<String>,
}

fn condition(kind: &str, status: ConditionStatus, at: i64) -> Condition {
    Condition {
        kind: kind.into(),
        status,
        reason: "KubeletReady".into(),
        message: "kubelet is posting ready status".into(),
        last_transition: Timestamp(at),
        last_update: Timestamp(at),
    }
}

impl Cluster {
    /// Ready nodes, each with its zone. Passes take ten milliseconds; the first is at one second.
    fn new(nodes: &[(&str, &str)]) -> Cluster {
        let mut harness = Harness::new(NodeLifecycle::default());
        harness.delays.set(DelayId::MonitorPass, Delay::Constant(Span::from_millis(10)));
        harness.start();
        let mut cluster = Cluster { harness, nodes: vec![], silent: vec![] };
        for (name, zone) in nodes {
            cluster.nodes.push((*name).into());
            let mut node = Node { meta: Meta::new(Key::cluster(*name)), ..Node::default() };
            node.meta.labels.insert(LABEL_ZONE, *zone);
            node.conditions = vec![condition(conditions::READY, ConditionStatus::True, 0)];
            cluster.harness.put(node);
            cluster.renew(name);
        }
        cluster
    }

    fn renew(&mut self, name: &str) {
        let renew_time = MicroTime(self.harness.now.as_micros() as i64);
        let meta = Meta::new(Key::new("kube-node-lease", name));
        self.harness.put(Lease { meta, renew_time, ..Lease::default() });
    }

    fn pod(&mut self, name: &str, node: &str, is_ready: bool) {
        let mut pod = Pod { meta: Meta::new(Key::new("default", name)), node_name: node.into(), ..Pod::default() };
        pod.status.conditions = vec![condition(pod::conditions::READY, is_ready.into(), 0)];
        self.harness.put(pod);
    }

    fn node(&self, name: &str) -> Node {
        (**self.harness.caches.get::<Node>(&Key::cluster(name)).unwrap()).clone()
    }

    /// The kubelet posts its status.
    fn post(&mut self, name: &str, status: ConditionStatus) {
        let mut node = self.node(name);
        node.conditions[0] = condition(conditions::READY, status, self.harness.now.as_micros() as i64);
        self.harness.put(node);
        self.harness.serve_all();
    }

    /// Time passes, and leases are renewed at every full ten seconds.
    fn live_to(&mut self, seconds: u64) {
        let mut renewal = self.harness.now.as_micros() / 10_000_000 * 10 + 10;
        while renewal <= seconds {
            self.harness.live_to(Span::from_secs(renewal));
            for name in self.nodes.clone() {
                if !self.silent.contains(&name) {
                    self.renew(&name);
                }
            }
            renewal += 10;
        }
        self.harness.live_to(Span::from_secs(seconds));
    }

    fn silence(&mut self, names: &[&str]) {
        self.silent.extend(names.iter().map(|&name| name.to_string()));
    }

    fn story(&mut self) -> String {
        self.harness.story().replace("node.kubernetes.io/", "")
    }
}

#[test]
fn a_silent_node_is_tainted_and_its_pods_are_not_ready_until_it_is_back() {
    let mut t = Cluster::new(&[("n1", "a"), ("n2", "a"), ("n3", "a")]);
    t.pod("web-1", "n1", true);
    t.pod("web-2", "n1", false);
    t.pod("web-3", "n2", true);
    t.live_to(15);
    assert_eq!(t.story(), "", "nothing is written as long as all are well");
    t.silence(&["n1"]);
    t.live_to(90);
    insta::assert_snapshot!(t.story(), @"
    1m02.683426s update Node n1 status
    1m02.683426s get Node n1
    1m02.683426s event Node/n1 NodeNotReady: Node n1 status is now: NodeNotReady
    1m02.683426s update Pod default/web-1 status
    1m02.683426s patch Node n1 +unreachable:NoSchedule
    1m02.683426s event Pod/web-1 NodeNotReady: Node is not ready
    1m02.753185s get Node n1
    1m02.753185s patch Node n1 +unreachable:NoExecute
    ");
    t.post("n1", ConditionStatus::True);
    t.silent.clear();
    t.renew("n1");
    t.live_to(120);
    insta::assert_snapshot!(t.story(), @"
    1m30s get Node n1
    1m30s patch Node n1 -unreachable:NoSchedule
    1m32.743426s get Node n1
    1m32.743426s patch Node n1 -unreachable:NoExecute
    ");
    assert!(t.node("n1").taints.is_empty());
}

#[test]
fn the_requests_know_what_led_to_them() {
    let mut t = Cluster::new(&[("n1", "a"), ("n2", "a"), ("n3", "a"), ("n4", "a")]);
    t.pod("web-1", "n1", true);
    t.live_to(15);
    let sign = FactId(
        t.harness.caches.table(Kind::Lease).get(&Key::new("kube-node-lease", "n1")).unwrap().meta().resource_version.0
            as u32,
    );
    t.silence(&["n1", "n2"]);
    t.live_to(90);
    let lines =
        t.harness.whys.iter().filter(|(line, _)| line.contains("n1") || line.contains("web")).map(|(line, why)| {
            let cause = if why.cause == sign { "last sign of life".to_string() } else { why.cause.0.to_string() };
            format!("{line} <- {cause} {}", why.setting.map_or("at once".into(), |id| id.to_string()))
        });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n").replace("node.kubernetes.io/", ""), @"
    update Node n1 status <- last sign of life node-monitor-grace-period
    get Node n1 <- 24 at once
    update Pod default/web-1 status <- 24 at once
    patch Node n1 +unreachable:NoSchedule <- 24 at once
    get Node n1 <- 24 scheduler.NodeEvictionPeriod
    patch Node n1 +unreachable:NoExecute <- 24 scheduler.NodeEvictionPeriod
    ");
    let second = t.harness.whys.iter().rfind(|(line, _)| line.starts_with("patch Node n2")).unwrap();
    assert_eq!(second.1, Why::after(second.1.cause, SettingId::NodeEvictionRate), "it waited for its turn");
}

#[test]
fn three_nodes_of_a_zone_are_tainted_ten_seconds_apart() {
    let mut t = Cluster::new(&[("n1", "a"), ("n2", "a"), ("n3", "a"), ("n4", "a"), ("n5", "a"), ("n6", "a")]);
    t.live_to(15);
    t.silence(&["n1", "n2", "n3"]);
    t.live_to(120);
    let story = t.story();
    let taints: Vec<&str> = story.lines().filter(|line| line.contains("NoExecute")).collect();
    insta::assert_snapshot!(taints.join("\n"), @"
    1m02.753185s patch Node n3 +unreachable:NoExecute
    1m12.753185s patch Node n2 +unreachable:NoExecute
    1m22.753185s patch Node n1 +unreachable:NoExecute
    ");
}

#[test]
fn when_all_nodes_are_silent_nobody_is_evicted_until_one_is_back() {
    let mut t = Cluster::new(&[("n1", "a"), ("n2", "a"), ("n3", "b")]);
    t.live_to(15);
    t.silence(&["n1"]);
    t.live_to(28);
    t.silence(&["n2", "n3"]);
    t.live_to(300);
    let patches = |story: String| {
        let lines = story.lines().filter(|line| line.contains("patch"));
        lines.map(str::to_string).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(patches(t.story()), @"
    1m02.683426s patch Node n1 +unreachable:NoSchedule
    1m02.753185s patch Node n1 +unreachable:NoExecute
    1m12.703426s patch Node n3 +unreachable:NoSchedule
    1m12.703426s patch Node n2 +unreachable:NoSchedule
    1m12.703426s patch Node n1 -unreachable:NoExecute
    ");
    t.post("n2", ConditionStatus::True);
    t.silent.retain(|name| name != "n2");
    t.renew("n2");
    t.live_to(330);
    insta::assert_snapshot!(patches(t.story()), @"
    5m00s patch Node n2 -unreachable:NoSchedule
    5m13.253185s patch Node n1 +unreachable:NoExecute
    5m13.253185s patch Node n3 +unreachable:NoExecute
    ");
}

#[test]
fn a_node_that_turns_from_not_ready_to_unreachable_has_its_taint_swapped_without_a_token() {
    let mut t = Cluster::new(&[("n1", "a"), ("n2", "a")]);
    t.pod("web-1", "n1", true);
    t.live_to(15);
    t.post("n1", ConditionStatus::False);
    t.live_to(20);
    t.silence(&["n1"]);
    t.live_to(90);
    insta::assert_snapshot!(t.story(), @"
    15s get Node n1
    15s patch Node n1 +not-ready:NoSchedule
    17.653185s get Node n1
    17.653185s patch Node n1 +not-ready:NoExecute
    1m12.703426s update Node n1 status
    1m12.703426s get Node n1
    1m12.703426s get Node n1
    1m12.703426s patch Node n1 +unreachable:NoSchedule
    1m12.703426s patch Node n1 +unreachable:NoExecute
    1m12.703426s get Node n1
    1m12.703426s patch Node n1 -not-ready:NoSchedule
    1m12.809767s get Node n1
    1m12.809767s patch Node n1 +unreachable:NoExecute
    1m12.809767s get Node n1
    1m12.809767s patch Node n1 -not-ready:NoExecute
    ");
}

#[test]
fn a_node_that_cannot_be_written_is_read_and_looked_at_again() {
    let mut t = Cluster::new(&[("n1", "a"), ("n2", "a")]);
    t.live_to(15);
    t.silence(&["n1"]);
    t.live_to(61);
    t.harness.advance_to(Span::from_secs(63));
    t.harness.story();
    let (_, update) = t.harness.requests[0].clone();
    assert_eq!(update.to_string(), "update Node n1 status");
    // Meanwhile somebody cordons the node: the controller's version is old.
    let mut node = t.node("n1");
    node.unschedulable = true;
    t.harness.put(node);
    t.live_to(64);
    insta::assert_snapshot!(t.story(), @"
    1m03s get Node n1
    1m03s get Node n1
    1m03s patch Node n1 +unschedulable:NoSchedule
    1m03.02s update Node n1 status
    1m03.02s get Node n1
    1m03.04s update Node n1 status
    1m03.04s get Node n1
    1m03.04s event Node/n1 NodeNotReady: Node n1 status is now: NodeNotReady
    1m03.04s patch Node n1 +unreachable:NoSchedule
    1m03.053185s get Node n1
    1m03.053185s patch Node n1 +unreachable:NoExecute
    ");
}

#[test]
fn new_nodes_are_greeted_and_those_that_are_gone_forgotten() {
    let mut t = Cluster::new(&[("n1", "a"), ("n2", "a")]);
    t.live_to(15);
    let mut node = Node { meta: Meta::new(Key::cluster("n0")), ..Node::default() };
    node.conditions = vec![condition(conditions::READY, ConditionStatus::False, 0)];
    node.taints = vec![super::steps::no_execute(crate::object::taint::UNREACHABLE, Timestamp(0))];
    t.harness.put(node);
    t.live_to(30);
    t.harness.remove(Kind::Node, &Key::cluster("n2"));
    t.live_to(40);
    insta::assert_snapshot!(t.story(), @r#"
    15s get Node n0
    15s patch Node n0 +not-ready:NoSchedule
    17.593426s event Node/n0 RegisteredNode: Node n0 event: Registered Node n0 in Controller
    17.593426s get Node n0
    17.593426s patch Node n0 -unreachable:NoExecute
    17.593426s get Node n0
    17.593426s patch Node n0 +not-ready:NoExecute
    17.593426s get Node n0
    17.593426s note EvictionRate { zone: "", state: "FullDisruption", milli: 100 }
    22.653185s get Node n0
    22.653185s patch Node n0 +not-ready:NoExecute
    32.623426s event Node/n2 RemovingNode: Node n2 event: Removing Node n2 from Controller
    "#);
    assert_eq!(t.harness.program.known.len(), 2);
}

#[test]
fn a_pod_bound_to_a_silent_node_is_not_ready() {
    let mut t = Cluster::new(&[("n1", "a"), ("n2", "a")]);
    t.live_to(15);
    t.silence(&["n1"]);
    t.live_to(90);
    t.story();
    t.pod("late", "n1", true);
    t.pod("well", "n2", true);
    t.live_to(91);
    insta::assert_snapshot!(t.story(), @"
    1m30s update Pod default/late status
    1m30s event Pod/late NodeNotReady: Node is not ready
    ");
}

#[test]
fn a_controller_that_starts_later_begins_with_a_pass_and_gives_everybody_grace() {
    let mut harness = Harness::new(NodeLifecycle::default());
    harness.delays.set(DelayId::MonitorPass, Delay::Constant(Span::from_millis(10)));
    harness.now = Time::ZERO + Span::from_secs(100);
    let mut node = Node { meta: Meta::new(Key::cluster("n1")), ..Node::default() };
    node.conditions = vec![condition(conditions::READY, ConditionStatus::True, 0)];
    harness.start();
    harness.put(node);
    harness.live_to(Span::from_secs(151));
    insta::assert_snapshot!(harness.story(), @r#"
    1m40s event Node/n1 RegisteredNode: Node n1 event: Registered Node n1 in Controller
    2m30.1s update Node n1 status
    2m30.1s get Node n1
    2m30.1s event Node/n1 NodeNotReady: Node n1 status is now: NodeNotReady
    2m30.1s note EvictionRate { zone: "", state: "FullDisruption", milli: 0 }
    2m30.1s patch Node n1 +node.kubernetes.io/unreachable:NoSchedule
    "#);
}

#[test]
fn an_idle_pass_leaves_one_timer_behind() {
    let mut t = Cluster::new(&[("n1", "a"), ("n2", "b")]);
    t.live_to(15);
    let mut commands = 0;
    t.harness.call(|program, cx| {
        crate::program::Program::on_timer(program, Timer::new(super::MONITOR), cx);
        commands = cx.out.len();
    });
    assert_eq!(commands, 1);
}

#[test]
fn in_a_large_zone_of_which_most_is_down_taints_come_at_the_secondary_rate() {
    let names: Vec<String> = (0..60).map(|index| format!("n{index:02}")).collect();
    let nodes: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "a")).collect();
    let mut t = Cluster::new(&nodes);
    t.live_to(15);
    t.silence(&nodes.iter().map(|(name, _)| *name).take(40).collect::<Vec<_>>());
    t.live_to(300);
    let story = t.story();
    let taints: Vec<&str> = story.lines().filter(|line| line.contains("+unreachable:NoExecute")).collect();
    insta::assert_snapshot!(taints.join("\n"), @"
    1m02.753185s patch Node n12 +unreachable:NoExecute
    2m42.753185s patch Node n04 +unreachable:NoExecute
    4m22.753185s patch Node n31 +unreachable:NoExecute
    ");
}

#[test]
fn excluded_nodes_do_not_count_for_their_zone() {
    let mut t = Cluster::new(&[("n1", "a"), ("n2", "a")]);
    let mut node = t.node("n2");
    node.meta.labels.insert("node.kubernetes.io/exclude-disruption", "");
    t.harness.put(node);
    t.live_to(15);
    t.silence(&["n1"]);
    t.live_to(90);
    assert!(!t.story().contains("NoExecute"), "the only node that counts is down, so all are");
}

#[test]
fn pods_that_could_not_be_told_are_told_in_the_next_pass() {
    let mut t = Cluster::new(&[("n1", "a"), ("n2", "a")]);
    t.pod("web-1", "n1", true);
    t.live_to(15);
    t.silence(&["n1"]);
    t.live_to(61);
    t.harness.advance_to(Span::from_secs(63));
    t.story();
    let pod = (**t.harness.caches.get::<Pod>(&Key::new("default", "web-1")).unwrap()).clone();
    t.harness.serve_until("update Pod");
    t.harness.put(pod);
    t.live_to(70);
    let story = t.story();
    let lines: Vec<&str> = story.lines().filter(|line| line.contains("web-1")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    1m03s update Pod default/web-1 status
    1m03s event Pod/web-1 NodeNotReady: Node is not ready
    1m08s update Pod default/web-1 status
    1m08s event Pod/web-1 NodeNotReady: Node is not ready
    ");
    assert!(!t.harness.caches.get::<Pod>(&Key::new("default", "web-1")).unwrap().is_ready());
}

#[test]
fn a_taint_in_conflict_is_tried_five_times() {
    let mut t = Cluster::new(&[("n1", "a"), ("n2", "a")]);
    t.live_to(15);
    let mut node = t.node("n1");
    node.unschedulable = true;
    t.harness.put(node);
    let mut waits = vec![];
    while !t.harness.requests.is_empty() {
        t.harness.serve_until("patch Node");
        let before = t.harness.now;
        t.harness.answer(&Reply::Error(ApiError::Conflict("the object has been modified".into())));
        for _ in 0..200 {
            if t.harness.requests.is_empty() {
                t.harness.advance_to(t.harness.now.since(Time::ZERO) + Span::from_millis(1));
            }
        }
        waits.push(t.harness.now.since(before));
    }
    assert_eq!(waits.len(), 5);
    assert!(
        waits[..4].iter().all(|&wait| wait > Span::from_millis(100) && wait <= Span::from_millis(201)),
        "{waits:?}"
    );
    assert!(t.node("n1").taints.is_empty());
}

#[test]
fn a_taint_given_while_the_pass_goes_on_outlives_master_disruption() {
    let mut t = Cluster::new(&[("n1", "a"), ("n2", "a")]);
    t.live_to(15);
    t.silence(&["n1", "n2"]);
    t.live_to(61);
    t.harness.advance_to(Span::from_secs(63));
    // The second node's status takes its time, and the tainter comes by meanwhile.
    let late = t.harness.requests.remove(1);
    t.harness.serve_all();
    t.harness.live_to(Span::from_millis(63_200));
    t.harness.requests.push(late);
    t.live_to(200);
    let story = t.story();
    let patches: Vec<&str> = story.lines().filter(|line| line.contains("patch")).collect();
    insta::assert_snapshot!(patches.join("\n"), @"
    1m03s patch Node n2 +unreachable:NoSchedule
    1m03.053185s patch Node n2 +unreachable:NoExecute
    1m03.2s patch Node n1 +unreachable:NoSchedule
    ");
}
