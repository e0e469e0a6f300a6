//! Whole scenario files, good and bad.

use super::*;
use crate::cluster::Happening;
use crate::kernel::dist::Delay;
use crate::kernel::time::{Span, Time};
use crate::object::Target;
use crate::object::{DelayId, SettingId};

const GOOD: &str = r#"
schema = "evenkeel/v1"
title = "A test"

[run]
seed = 7 # lucky
epoch = 2026-11-24T18:00:00Z
until = "10m"

[[cluster.pool]]
name = "w"
count = 3
zones = ["a", "b"]
capacity = { cpu = "4", memory = "8Gi" }
labels = { disk = "ssd" }
taints = ["dedicated=db:NoSchedule"]

[delays]
image-pull = { dist = "lognormal", median = "4s", p95 = "12s" }
ready-after = "2s"

[control]
kube-controller-manager = { node-monitor-grace-period = "40s", node-eviction-rate = 0.2 }
kube-apiserver = { default-unreachable-toleration-seconds = 30 }

[[event]]
id = "cut"
at = "1m"
do = "node.partition"
target = { zone = "b" }
direction = "up"
for = "2m"

[[event]]
id = "crash"
after = "cut"
delay = "30s"
do = "node.crash"
target = { node = "w-1" }

[[expect]]
id = "noticed"
measure = "time-to-notice"
since = "crash"
at-least = "30s"
at-most = "46s"
"#;

fn load_text(text: &str) -> Result<Loaded, Problems> {
    let files = |path: &str| match path {
        "dir/test.toml" => Ok(text.to_string()),
        _ => Err("no such file".to_string()),
    };
    load("dir/test.toml", &files)
}

#[test]
fn a_scenario_becomes_what_the_cluster_is_made_of() {
    let loaded = load_text(GOOD).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let config = loaded.config(None);
    assert_eq!((loaded.name(), config.seed, config.until), ("test", 7, Time::ZERO + Span::from_secs(600)));
    assert_eq!(config.settings.span(SettingId::NodeMonitorGracePeriod), Span::from_secs(40));
    assert_eq!(config.settings.get(SettingId::NodeEvictionRate), 200);
    assert_eq!(config.settings.get(SettingId::DefaultUnreachableToleration), 30);
    assert_eq!(*config.delays.get(DelayId::ReadyAfter), Delay::Constant(Span::from_secs(2)));
    let faults: Vec<_> = config.events.iter().map(|planned| (planned.id.as_str(), planned.at, planned.end())).collect();
    let minute = Span::from_secs(60);
    assert_eq!(
        faults,
        [
            ("cut", Time::ZERO + minute, Some(Time::ZERO + minute.times(3))),
            ("crash", Time::ZERO + minute + Span::from_secs(30), None)
        ]
    );
    let nodes: Vec<_> = config.nodes.iter().map(|node| format!("{:?}", node.meta.labels)).collect();
    assert_eq!(nodes.len(), 3);
    let labels = |index: usize| {
        let pairs = config.nodes[index].meta.labels.iter().map(|(key, value)| format!("{key}={value}"));
        pairs.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        labels(1),
        "disk=ssd evenkeel/pool=w kubernetes.io/arch=amd64 kubernetes.io/hostname=w-2 kubernetes.io/os=linux \
         topology.kubernetes.io/zone=b"
    );
    assert_eq!(config.nodes[0].taints[0].to_string(), "dedicated=db:NoSchedule");
    assert_eq!(config.nodes[0].allocatable.get("pods").unwrap().units(), 110);
}

#[test]
fn a_fault_of_the_whole_cluster_needs_no_target() {
    let registry = "do = \"image-registry.slow\"\nfactor = 2.5\nfor = \"3m\"";
    let text = GOOD.replace("do = \"node.crash\"\ntarget = { node = \"w-1\" }", registry);
    let loaded = load_text(&text).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let config = loaded.config(None);
    let Happening::Fault { name, target, .. } = &config.events[1].what else { panic!("it is a fault") };
    assert_eq!((*name, target), ("image-registry.slow", &Target::Cluster));
}

#[test]
fn the_scenario_as_run_keeps_its_comments_and_records_what_was_overridden() {
    let loaded = load_text(GOOD).unwrap();
    assert_eq!(loaded.resolved(None), GOOD);
    let other = loaded.resolved(Some(9));
    assert!(other.contains("seed = 9 # lucky  # from the command line; the file says 7\n"), "{other}");
    let again = load_text(&other).unwrap();
    assert_eq!(again.config(None).seed, 9);
    assert_ne!(loaded.hash(), again.hash());
    let without = load_text(&GOOD.replace("seed = 7 # lucky\n", "")).unwrap();
    assert_eq!(load_text(&without.resolved(Some(3))).unwrap().config(None).seed, 3);
    assert_eq!(without.config(None).seed, 1);
}

#[test]
fn all_mistakes_are_told_at_once_with_a_way_out() {
    let bad = r#"schema = "evenkeel/v1"
titel = "Slips of all kinds"
manifests = ["absent.yaml"]

[run]
seed = -1
until = 90
stop = "never"
profile = "kubernetes-1.20"

[[cluster.pool]]
name = "w"
count = 2
zones = ["a", "west-c"]
capacity = { cpu = "4x" }

[delays]
image-pul = "1s"
ready-after = { dist = "norml", mean = "1s" }
container-start = { dist = "uniform", min = "2s", max = "1s" }

[control]
kube-controler-manager = { node-monitor-grace-period = "40s" }
kube-apiserver = { node-monitor-grace-period = "40s", etcd-compaction-interval = 5 }

[[event]]
id = "crash"
at = "1m"
do = "node.crahs"
target = { zone = "c" }

[[event]]
id = "cut"
at = "1m"
after = "crash"
do = "node.partition"
direction = "sideways"
target = { node = "w-1", zone = "a" }

[[event]]
id = "cut"
after = "crsh"
do = "node.crash"
target = { most-pods = "web" }

[[expect]]
id = "e1"
measure = "time-to-redy"
at-most = "1m"

[[expect]]
id = "e2"
measure = "time-to-notice"
since = "crsh"
at-most = 50

[[expect]]
id = "e3"
measure = "converged"

[[expect]]
id = "e4"
measure = "min-ready"
since = "crash"
"#;
    let problems = load_text(bad).unwrap_err();
    insta::assert_snapshot!(problems.render(false));
}

#[test]
fn targets_and_workloads_must_be_there() {
    let text = GOOD
        .replace("{ node = \"w-1\" }", "{ node = \"w-4\" }")
        .replace("{ zone = \"b\" }", "{ zone = \"bb\" }")
        .replace("since = \"crash\"", "since = \"crahs\"\nof = \"deployment/web\"");
    let problems = load_text(&text).unwrap_err();
    insta::assert_snapshot!(problems.render(false));
}

#[test]
fn events_cannot_wait_for_each_other() {
    let text = GOOD.replace("id = \"cut\"\nat = \"1m\"", "id = \"cut\"\nafter = \"crash\"");
    let problems = load_text(&text).unwrap_err();
    let messages: Vec<_> = problems.list.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages, ["`cut` would wait for itself"]);
}

#[test]
fn what_is_not_toml_or_not_ours_is_not_read_further() {
    for (text, expected) in [
        ("schema = \"evenkeel/v1\"\ntitle = \"a\ncount = 3 4\n", "E0100"),
        ("title = \"a\"\n[clutser]\n", "E0104"),
        ("schema = \"evenkeel/v9\"\n[clutser]\n", "E0104"),
    ] {
        let problems = load_text(text).unwrap_err();
        assert!(problems.list.iter().all(|problem| problem.code == expected), "{}", problems.render(false));
    }
    let problems = load("nowhere.toml", &|_: &str| Err("no such file".to_string())).unwrap_err();
    assert_eq!(problems.render(false).trim_end(), "error[E0301]: cannot read `nowhere.toml`: no such file");
}

#[test]
fn a_slip_of_a_key_is_always_told_whatever_else_is_missing() {
    for (key, slip, meant) in [
        ("do = \"node.crash\"", "doo = \"node.crash\"", "do"),
        ("do = \"node.crash\"", "od = \"node.crash\"", "do"),
        ("do = \"node.crash\"", "Do = \"node.crash\"", "do"),
        ("at = \"1m\"", "att = \"1m\"", "at"),
        ("target = { zone = \"b\" }", "targt = { zone = \"b\" }", "target"),
        ("direction = \"up\"", "directoin = \"up\"", "direction"),
        ("measure = ", "measur = ", "measure"),
        ("measure = \"time-to-notice\"", "rul = \"converged\"", "rule"),
        ("count = 3", "cuont = 3", "count"),
        ("dist = ", "dst = ", "dist"),
    ] {
        let problems = load_text(&GOOD.replace(key, slip)).expect_err(slip);
        let rendered = problems.render(false);
        assert!(rendered.contains(&format!("has no key `{}`", slip.split(' ').next().unwrap())), "{rendered}");
        assert!(rendered.contains(&format!("did you mean `{meant}`?")), "{rendered}");
    }
    let two = load_text(&GOOD.replace("do = \"node.crash\"", "doo = \"node.crash\"\nfro = \"1m\"")).unwrap_err();
    assert_eq!(two.list.len(), 2, "{}", two.render(false));
    let none = load_text(&GOOD.replace("do = \"node.crash\"\n", "")).unwrap_err();
    assert!(none.render(false).contains("has no `do`"), "{}", none.render(false));
}

#[test]
fn numbers_and_names_without_sense_are_refused_with_a_sentence() {
    for (from, to, told) in [
        ("count = 3", "count = 200000", "the cluster would have 200000 nodes, more than 100000"),
        ("count = 3", "count = 9223372036854775807", "more than 100000"),
        ("name = \"w\"", "name = \"N_ode\"", "no node can be called `N_ode-3`"),
        ("name = \"w\"", "name = \"\"", "a pool needs a name"),
        ("\"a\", \"b\"]", "\"a b\", \"b\"]", "`a b` is no good zone"),
        ("\"a\", \"b\"]", "\"\", \"b\"]", "a zone needs a name"),
        ("disk = \"ssd\"", "\"di sk\" = \"ssd\"", "`di sk` is no good name of a label"),
        ("disk = \"ssd\"", "disk = \"-ssd\"", "`-ssd` is no good value of a label"),
        ("dedicated=db:", "dedi cated=db:", "`dedi cated=db:NoSchedule` is no good taint"),
        ("\"40s\"", "\"0s\"", "`node-monitor-grace-period` cannot be 0s: it is at least 1ms"),
        ("= 0.2 }", "= 0.2, kube-api-qps = 0 }", "`kube-api-qps` cannot be 0/s"),
        ("= 0.2 }", "= 0.2, unhealthy-zone-threshold = 1.1 }", "it is at most 1"),
        ("until = \"10m\"", "until = \"9999d\"", "`until` is longer than a year"),
        ("until = \"10m\"", "until = \"10m\"\nhold = \"11m\"", "`hold` is 11m00s, longer than the run of 10m00s"),
        ("\nfor = \"2m\"", "\nstagger = \"2m\"", "it never ends, so no node gets well"),
        ("do = \"node.crash\"", "do = \"node.reboot\"\nfor = \"1m\"", "`node.reboot` is over at once: it has no `for`"),
        ("do = \"node.crash\"", "do = \"image-registry.gone\"", "hits the cluster as a whole: it has no target"),
        ("do = \"node.crash\"", "do = \"node.slow\"", "`node.slow` has no `factor`"),
        ("do = \"node.crash\"", "do = \"node.slow\"\nfactor = \"x\"", "`x` is not a factor"),
        ("for = \"2m\"", "for = \"999999d\"", "`for` is longer than a year"),
        ("ready-after = \"2s\"", "ready-after = \"99999999d\"", "`ready-after` is longer than a year"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let rendered = load_text(&GOOD.replace(from, to)).expect_err(to).render(false);
        assert!(rendered.contains(told), "{to}: {rendered}");
        assert!(rendered.contains("dir/test.toml:"), "{rendered}");
    }
}

/// A stagger may be of an end that comes with another event.
#[test]
fn what_another_event_ends_may_have_a_stagger() {
    let open = GOOD.replace("\nfor = \"2m\"", "\nstagger = \"2m\"");
    let end = "\n[[event]]\nid = \"end\"\nafter = \"cut\"\ndelay = \"1m\"\n";
    for (text, is_good) in [
        (format!("{open}{end}do = \"fault.end\"\nof = \"cut\"\n"), true),
        (format!("{open}{end}do = \"node.cordon\"\ntarget = {{ all = true }}\n"), false),
        (
            format!(
                "{}{end}do = \"power.restore\"\ntarget = {{ all = true }}\n",
                open.replace("node.partition\"", "power.loss\"").replace("direction = \"up\"\n", "")
            ),
            true,
        ),
        (format!("{open}{end}do = \"power.restore\"\ntarget = {{ all = true }}\n"), false),
    ] {
        let told = load_text(&text).map_or_else(|problems| problems.render(false), |_| String::new());
        assert_eq!(told.contains("it never ends, so no node gets well"), !is_good, "{text}{told}");
        assert!(!is_good || told.is_empty(), "{told}");
    }
}

/// Loads `main.toml` of these files.
fn load_files(files: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let find = |path: &str| {
        let found = files.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| (*text).to_string()).ok_or_else(|| "no such file".to_string())
    };
    load("main.toml", &find)
}

const CLUSTER: &str = r#"
include = ["../delays.toml"]
manifests = ["../web.yaml"]

[[cluster.pool]]
name = "w"
count = 4
zones = ["a", "b"]
racks = { a = ["a1"], b = ["b1"] }
capacity = { cpu = "4", memory = "8Gi" }

[[event]]
id = "crash"
at = "1m"
do = "node.crash"
target = { node = "w-1" }
"#;

const WEB: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n";

#[test]
fn an_included_file_is_the_base_of_the_one_that_includes_it() {
    let main = r#"
schema = "evenkeel/v1"
title = "Built on another"
include = "parts/cluster.toml"

[delays]
ready-after = "9s"

[[event]]
id = "crash"
target = { domain = "b1" }

[[event]]
id = "later"
after = "crash"
do = "node.crash"
target = { node = "w-1" }
"#;
    let delays = "[delays]\nready-after = \"1s\"\nimage-pull = \"3s\"\n";
    let files = [("main.toml", main), ("parts/cluster.toml", CLUSTER), ("delays.toml", delays), ("web.yaml", WEB)];
    let loaded = load_files(&files).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let config = loaded.config(None);
    let seconds = |id| match config.delays.get(id) {
        Delay::Constant(span) => span.as_secs(),
        other => panic!("{other}"),
    };
    assert_eq!((seconds(DelayId::ReadyAfter), seconds(DelayId::ImagePull)), (9, 3), "the including file wins");
    assert_eq!(config.events.len(), 2);
    assert_eq!(config.events[0].at, Time::ZERO + Span::from_secs(60), "kept of the base");
    let Happening::Fault { target, .. } = &config.events[0].what else { panic!("it is a fault") };
    assert_eq!(target.to_string(), "nodes of domain b1", "changed by the including file");
    assert_eq!(loaded.domains.nodes("b1").map(<[_]>::len), Some(2));
    assert_eq!(loaded.manifests[0].path, "web.yaml", "relative to the file that names it");
    // A mistake is shown in the file in which it is.
    let broken = CLUSTER.replace("count = 4", "cuont = 4");
    let files = [("main.toml", main), ("parts/cluster.toml", &broken), ("delays.toml", delays), ("web.yaml", WEB)];
    let rendered = load_files(&files).unwrap_err().render(false);
    assert!(rendered.contains("parts/cluster.toml:7:1"), "{rendered}");
}

#[test]
fn files_that_include_each_other_are_told_apart_from_files_that_are_used_twice() {
    let head = "schema = \"evenkeel/v1\"\ntitle = \"t\"\n";
    let looped = format!("{head}include = [\"a.toml\"]\n");
    let files = [
        ("main.toml", looped.as_str()),
        ("a.toml", "include = [\"b.toml\"]\n"),
        ("b.toml", "include = [\"a.toml\"]\n"),
    ];
    let rendered = load_files(&files).unwrap_err().render(false);
    assert!(
        rendered.contains("`a.toml` includes itself: `a.toml` includes `b.toml`, which includes `a.toml`"),
        "{rendered}"
    );
    let twice = format!("{head}include = [\"a.toml\", \"b.toml\"]\n");
    let pool = "[[cluster.pool]]\nname = \"w\"\ncount = 1\ncapacity = { cpu = 1, memory = \"1Gi\" }\n";
    let files = [
        ("main.toml", twice.as_str()),
        ("a.toml", "include = [\"c.toml\"]\n"),
        ("b.toml", "include = [\"c.toml\"]\n"),
        ("c.toml", pool),
    ];
    let loaded = load_files(&files).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    assert_eq!(loaded.scenario.pools.len(), 1);
}

#[test]
fn failure_domains_are_a_tree() {
    let main = r#"
schema = "evenkeel/v1"
title = "Feeds and racks"

[[cluster.pool]]
name = "w"
count = 8
zones = ["a", "b"]
racks = { a = ["a1", "a2"], b = ["b1"] }
capacity = { cpu = "4", memory = "8Gi" }

[[domain]]
name = "feed-1"
kind = "power"
covers = { nodes = ["w-8"] }

[[domain]]
name = "row-1"
kind = "row"
within = "feed-1"
covers = { zone = "a", labels = "evenkeel/rack=a2" }
"#;
    let loaded = load_files(&[("main.toml", main)]).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let nodes =
        |name| loaded.domains.nodes(name).unwrap().iter().map(|node| node.as_str()).collect::<Vec<_>>().join(" ");
    assert_eq!(nodes("a"), "w-1 w-3 w-5 w-7");
    assert_eq!(nodes("a1"), "w-1 w-5");
    assert_eq!(nodes("row-1"), "w-3 w-7");
    assert_eq!(nodes("feed-1"), "w-3 w-7 w-8");
    let looped = main.replace("kind = \"power\"", "kind = \"power\"\nwithin = \"row-1\"");
    let rendered = load_files(&[("main.toml", &looped)]).unwrap_err().render(false);
    assert!(rendered.contains("would lie within itself"), "{rendered}");
}

#[test]
fn a_short_workload_is_a_manifest() {
    let main = r#"
schema = "evenkeel/v1"
title = "Short"

[[cluster.pool]]
name = "w"
count = 1
capacity = { cpu = "4", memory = "8Gi" }

[[workload]]
name = "web"
namespace = "shop"
replicas = 3
requests = { cpu = "500m" }
ready-after = "2s"
max-surge = 1
min-ready = "5s"
expose = 80
spread = [{ topology-key = "kubernetes.io/hostname", when-unsatisfiable = "ScheduleAnyway" }]
tolerations = [{ key = "node.kubernetes.io/unreachable", effect = "NoExecute", seconds = 30 }]
"#;
    let loaded = load_files(&[("main.toml", main)]).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let kinds: Vec<String> =
        loaded.objects.iter().map(|object| format!("{} {}", object.kind(), object.key())).collect();
    assert_eq!(kinds, ["Namespace shop", "Service shop/web", "Deployment shop/web"]);
    insta::assert_snapshot!(loaded.scenario.workloads[0].yaml);
    // What the API server's rules say of it is shown at the key.
    let wrong = main.replace("max-surge = 1", "max-surge = 0\nmax-unavailable = 0");
    let rendered = load_files(&[("main.toml", &wrong)]).unwrap_err().render(false);
    assert!(rendered.contains("main.toml:17:") && rendered.contains("may not be 0"), "{rendered}");
}
