//! For each setting that the waterfall names, what happens to the bars when it is moved.

use super::waterfall::*;
use evenkeel::report::simulate;

/// Two values of one setting, and by how much the bar that it owns moves from the first to the second.
struct Shift {
    cases: [Case; 2],
    event: &'static str,
    bar: (&'static str, &'static str),
    /// Least and most (ms of one replica).
    by: (i64, i64),
    /// Bars of other causes that follow for a stated reason; all others stay exactly as they are.
    follow: &'static [&'static str],
}

fn own_toleration(seconds: u32) -> Case {
    let workload = format!(
        "replicas = 6\nrequests = {{ cpu = \"500m\" }}\ntolerations = [{{ key = \"node.kubernetes.io/unreachable\", \
         operator = \"Exists\", effect = \"NoExecute\", seconds = {seconds} }}]\n"
    );
    Case { workload: workload.leak(), ..USUAL }
}

fn with(control: [&'static str; 2], case: Case) -> [Case; 2] {
    control.map(|control| Case { control, ..case })
}

fn delayed(delays: [&'static [(&'static str, &'static str)]; 2], case: Case) -> [Case; 2] {
    delays.map(|delays| Case { delays, ..case })
}

fn shifts() -> Vec<Shift> {
    let six = |events| Case { nodes: 6, workload: TWELVE, events, ..USUAL };
    let exposed = Case { workload: "replicas = 6\nrequests = { cpu = \"500m\" }\nexpose = 80\n", ..USUAL };
    let fresh = Case {
        workload: "replicas = 3\nstrategy = \"Recreate\"\nrequests = { cpu = \"500m\" }\n",
        events: "[[event]]\nid = \"crash\"\nat = \"1m\"\ndo = \"set.image\"\nof = \"deployment/web\"\nimage = \"web:2\"\n",
        ..USUAL
    };
    let forgotten = format!("{CRASH}[[event]]\nid = \"human\"\nat = \"10m\"\ndo = \"delete\"\nof = \"node/w-1\"\n");
    let forgotten = Case { workload: FOR_EVER, events: forgotten.leak(), ..USUAL };
    let more = Case { events: FIVE_MORE, ..USUAL };
    let one = "replicas = 1\nrequests = { cpu = \"100m\" }\nexpose = 80\n";
    let five_more = "[[event]]\nid = \"more\"\nat = \"1m\"\ndo = \"scale\"\nof = \"deployment/web\"\nreplicas = 6\n";
    let crowded = Case { nodes: 1, workload: one, events: five_more, ..USUAL };
    let exits = "replicas = 1\nrun-for = \"20s\"\nexit-code = 1\nrequests = { cpu = \"500m\" }\n";
    let gone = "[[event]]\nid = \"gone\"\nat = \"50s\"\ndo = \"image-registry.gone\"\nfor = \"15s\"\n";
    let refused = format!("{}{gone}", fresh.events);
    let delays = &[("container-start", "2s"), ("image-pull", "30s")];
    let refused = Case { events: refused.leak(), delays, ..fresh };
    let one_more = "[[event]]\nid = \"more\"\nat = \"1m\"\ndo = \"scale\"\nof = \"deployment/web\"\nreplicas = 7\n";
    vec![
        // From 1 s to 2 s: as many writes more come before the one that is waited for as then have the time to arrive.
        Shift {
            cases: delayed([&[("api-turn", "1s")], &[("api-turn", "2s")]], Case { events: one_more, ..exposed }),
            event: "more",
            bar: ("not-routed", "api-turn"),
            by: (1_000, 30_000),
            follow: &["not-replaced", "not-placed"],
        },
        // Two replicas, 60 s less.
        Shift {
            cases: with(["", "kube-apiserver = { default-unreachable-toleration-seconds = 240 }"], USUAL),
            event: "crash",
            bar: ("tolerated", "default-unreachable-toleration-seconds"),
            by: (-120_000, -120_000),
            follow: &[],
        },
        // Two replicas, 20 s more, of a toleration of their own.
        Shift {
            cases: [own_toleration(30), own_toleration(50)],
            event: "crash",
            bar: ("tolerated", "tolerationSeconds"),
            by: (40_000, 40_000),
            follow: &[],
        },
        // Two replicas, 20 s more, read by a loop with a period of 5 s; the taint then meets another place in its round.
        Shift {
            cases: with(["", "kube-controller-manager = { node-monitor-grace-period = \"70s\" }"], USUAL),
            event: "crash",
            bar: ("not-noticed", "node-monitor-grace-period"),
            by: (30_000, 50_000),
            follow: &["rate-limited"],
        },
        // Of two nodes the second waits for 10 s, or for 20 s, with two replicas.
        Shift {
            cases: with(["", "kube-controller-manager = { node-eviction-rate = \"0.05/s\" }"], six(TWO_OF_SIX)),
            event: "crash",
            bar: ("rate-limited", "node-eviction-rate"),
            by: (19_800, 20_200),
            follow: &[],
        },
        // Of four nodes of six the others wait for 100, 200 and 300 s, or for half of that, with two replicas each.
        Shift {
            cases: with(
                [
                    "kube-controller-manager = { large-cluster-size-threshold = 2 }",
                    "kube-controller-manager = { large-cluster-size-threshold = 2, secondary-node-eviction-rate = \"0.02/s\" }",
                ],
                six(FOUR_OF_SIX),
            ),
            event: "crash",
            bar: ("rate-limited", "secondary-node-eviction-rate"),
            by: (-600_400, -599_600),
            follow: &["throttled"],
        },
        // Bindings at 0, 1, 2, 3 and 4 s, or twice as fast.
        Shift {
            cases: with(
                [
                    "kube-scheduler = { \"clientConnection.qps\" = \"1/s\", \"clientConnection.burst\" = 1 }",
                    "kube-scheduler = { \"clientConnection.qps\" = \"2/s\", \"clientConnection.burst\" = 1 }",
                ],
                more,
            ),
            event: "more",
            bar: ("throttled", "clientConnection.qps"),
            by: (-5_000, -5_000),
            follow: &[],
        },
        // The same waits at half the rate are twice as long.
        Shift {
            cases: with(
                [
                    "kube-controller-manager = { kube-api-qps = \"2/s\", kube-api-burst = 1 }",
                    "kube-controller-manager = { kube-api-qps = \"1/s\", kube-api-burst = 1 }",
                ],
                more,
            ),
            event: "more",
            bar: ("throttled", "kube-api-qps"),
            by: (8_000, 8_000),
            follow: &[],
        },
        // Two replicas wait for 20 s of the pause less.
        Shift {
            cases: with(
                [
                    "kube-proxy = { \"iptables.minSyncPeriod\" = \"30s\" }",
                    "kube-proxy = { \"iptables.minSyncPeriod\" = \"20s\" }",
                ],
                Case { delays: &[("container-start", "2s"), ("proxy-sync", "500ms")], ..exposed },
            ),
            event: "crash",
            bar: ("not-routed", "iptables.minSyncPeriod"),
            by: (-20_000, -20_000),
            follow: &[],
        },
        // Two replicas, 20 s more, looked at every 20 s.
        Shift {
            cases: with(["", "kube-controller-manager = { \"podgc.quarantineTime\" = \"60s\" }"], forgotten),
            event: "crash",
            bar: ("tolerated", "podgc.quarantineTime"),
            by: (0, 80_000),
            follow: &[],
        },
        // Three replicas, 10 s more each.
        Shift {
            cases: delayed([&[("image-pull", "30s")], &[("image-pull", "40s")]], fresh),
            event: "crash",
            bar: ("pulling", "image-pull"),
            by: (30_000, 30_000),
            follow: &[],
        },
        // Two replicas, 1 s more each.
        Shift {
            cases: delayed([&[("container-start", "2s")], &[("container-start", "3s")]], USUAL),
            event: "crash",
            bar: ("starting", "container-start"),
            by: (2_000, 2_000),
            follow: &[],
        },
        Shift {
            cases: delayed([&[("ready-after", "2s")], &[("ready-after", "3s")]], USUAL),
            event: "crash",
            bar: ("not-ready", "ready-after"),
            by: (2_000, 2_000),
            follow: &[],
        },
        Shift {
            cases: delayed(
                [&[("node-boot", "40s")], &[("node-boot", "30s")]],
                Case { events: FOR_TWO_MINUTES, ..USUAL },
            ),
            event: "crash",
            bar: ("starting", "node-boot"),
            by: (-20_000, -20_000),
            follow: &[],
        },
        // The last of five is decided after five cycles: fifteen cycles in all, 1 s more each.
        Shift {
            cases: delayed([&[("scheduling-cycle", "1s")], &[("scheduling-cycle", "2s")]], more),
            event: "more",
            bar: ("not-placed", "scheduling-cycle"),
            by: (15_000, 15_000),
            follow: &[],
        },
        Shift {
            cases: delayed([&[("proxy-sync", "500ms")], &[("proxy-sync", "900ms")]], exposed),
            event: "crash",
            bar: ("not-routed", "proxy-sync"),
            by: (800, 800),
            follow: &[],
        },
        // Two replicas wait for the next round, at most 6.9 s more each.
        Shift {
            cases: with(["", "kube-controller-manager = { \"scheduler.NodeEvictionPeriod\" = \"7s\" }"], USUAL),
            event: "crash",
            bar: ("rate-limited", "scheduler.NodeEvictionPeriod"),
            by: (-200, 2 * 7_000),
            follow: &[],
        },
        // Five pods are ready after 5 s, and their kubelet says so behind what else it has to say: at 7, 8, 9, 10 and 11 s,
        // or at 12, 14, 16, 18 and 20 s. That is 35 s more, 8 s of them behind another write about the same pod.
        Shift {
            cases: with(
                [
                    "kubelet = { kubeAPIQPS = \"1/s\", kubeAPIBurst = 1 }",
                    "kubelet = { kubeAPIQPS = \"0.5/s\", kubeAPIBurst = 1 }",
                ],
                crowded,
            ),
            event: "more",
            bar: ("throttled", "kubeAPIQPS"),
            by: (27_000, 27_000),
            follow: &["not-routed"],
        },
        // Refused at 1m, until 1m15s by the registry, each of three pods is tried again when the first back-off is over: of
        // 20 or of 40 s, seen by a loop that comes every 10 to 15 s. Then the image takes its time as ever.
        Shift {
            cases: with(
                ["kubelet = { imageBackOffPeriod = \"20s\" }", "kubelet = { imageBackOffPeriod = \"40s\" }"],
                refused,
            ),
            event: "crash",
            bar: ("pulling", "imageBackOffPeriod"),
            by: (3 * 5_000, 3 * 35_000),
            follow: &[],
        },
        // One container, whose second exit is followed by 10 s or by 20 s, looked at half as much later at most. The end of
        // the run cuts what comes then.
        Shift {
            cases: with(
                ["", "kubelet = { \"crashLoopBackOff.initial\" = \"20s\" }"],
                Case { workload: exits, events: "", until: "74s", ..USUAL },
            ),
            event: "itself",
            bar: ("restarting", "crashLoopBackOff.initial"),
            by: (5_000, 20_000),
            follow: &["not-ready"],
        },
    ]
}

#[test]
fn moving_a_setting_moves_its_bar_and_no_other() {
    for Shift { cases, event, bar, by, follow } in shifts() {
        let [before, after] = cases.map(|case| case.bars(event));
        let moved = after.of(bar.0, bar.1) as i64 - before.of(bar.0, bar.1) as i64;
        assert!((by.0..=by.1).contains(&moved), "{bar:?} moved by {moved} ms\n{before:?}\n{after:?}");
        let others = |bars: &Bars| {
            let is_other = |part: &&(&str, String, u64)| (part.0, part.1.as_str()) != bar && !follow.contains(&part.0);
            bars.0.iter().filter(is_other).cloned().collect::<Vec<_>>()
        };
        assert_eq!(others(&before), others(&after), "only {bar:?} should have moved");
    }
}

/// Who is named, in a case of its own, where a shift says nothing: a switch between two rates.
const BY_HAND: [&str; 1] = ["large-cluster-size-threshold"];

#[test]
fn every_setting_that_a_shipped_scenario_blames_was_moved() {
    let mut moved: Vec<(&str, &str)> = shifts().iter().map(|shift| shift.bar).collect();
    moved.extend(BY_HAND.map(|name| ("rate-limited", name)));
    let mut blamed = 0;
    for loaded in super::scenarios() {
        for part in simulate(&loaded, None).report.losses.iter().flat_map(|loss| &loss.parts) {
            let Some(owner) = part.owner.as_ref().filter(|owner| !owner.name.starts_with("event/")) else { continue };
            let was_moved = moved.iter().any(|(cause, name)| *cause == part.cause && *name == owner.short_name());
            assert!(was_moved, "{} blames {} for {}, and no shift moves that", loaded.name(), owner.name, part.cause);
            blamed += 1;
        }
    }
    assert!(blamed > 0, "no scenario blames anything");
}
