//! What is counted when nodes are removed, pods change hands, and a kubelet does not take a pod.

use super::waterfall::*;
use evenkeel::report::Verdict;

fn reached(report: &evenkeel::report::Report, name: &str) -> Option<u64> {
    let milestones = &report.outages[0].workloads[0].milestones;
    milestones.iter().find(|milestone| milestone.name == name).and_then(|found| found.since_us)
}

#[test]
fn pods_of_a_node_that_is_gone_are_replaced_though_they_fail_before_they_are_deleted() {
    for what in ["node.remove", "node.deleted"] {
        let events = format!("[[event]]\nid = \"gone\"\nat = \"1m\"\ndo = \"{what}\"\ntarget = {{ node = \"w-1\" }}\n");
        let report = Case { events: events.leak(), ..USUAL }.run();
        assert_eq!(report.outages[0].workloads[0].replacements, 2, "{what}");
        let moments = ["noticed", "evicted", "replaced", "placed", "started", "ready", "converged"];
        let moments = moments.map(|name| reached(&report, name).unwrap_or_else(|| panic!("{what}: {name}")));
        // Who removed it knows at once; garbage collection waits for 40 s, in rounds of 20 s.
        assert!(moments[0] < 1_000_000 && (40_000_000..=60_000_000).contains(&moments[1]), "{what}: {moments:?}");
        assert!(moments.is_sorted(), "{what}: {moments:?}");
    }
}

#[test]
fn a_pod_that_came_back_and_is_evicted_after_all_is_lost_to_the_same_fault() {
    // Every lease comes too late, so that the node is not ready for good; its pods go on meanwhile.
    let events = "[[event]]\nid = \"slow\"\nat = \"1m\"\ndo = \"link.slow\"\nlatency = \"15s\"\n\
                  direction = \"up\"\ntarget = { node = \"w-1\" }\n\
                  [[event]]\nid = \"more\"\nat = \"15m\"\ndo = \"scale\"\nof = \"deployment/web\"\nreplicas = 7\n";
    let report = Case { events, ..USUAL }.run();
    let workload = &report.outages[0].workloads[0];
    assert_eq!((workload.lost, workload.replacements), (2, 2));
    for name in ["evicted", "replaced", "placed", "ready"] {
        assert!(reached(&report, name).is_some_and(|since| since > 300_000_000), "{name}: {workload:?}");
    }
}

#[test]
fn what_is_deleted_without_its_pods_leaves_them_to_its_replica_set() {
    let events = "[[event]]\nid = \"gone\"\nat = \"1m\"\ndo = \"delete\"\nof = \"deployment/web\"\n\
                  propagation = \"orphan\"\n";
    let report = Case { events, ..USUAL }.run();
    assert_eq!((report.verdict, &report.reasons), (Verdict::Pass, &vec![]));
    assert!(report.losses.is_empty(), "nobody misses anything: {:?}", report.losses);
    let names: Vec<_> = report.convergence.workloads.iter().map(|workload| workload.name.as_str()).collect();
    assert!(names.iter().any(|name| name.starts_with("replicaset/web-")), "{names:?}");

    // The ReplicaSet goes on replacing what it loses.
    let events = format!("{events}{}", CRASH.replace("1m", "2m"));
    let report = Case { events: events.leak(), ..USUAL }.run();
    let workload = &report.outages[0].workloads[0];
    assert!(workload.name.starts_with("replicaset/web-"), "{workload:?}");
    assert_eq!((workload.lost, workload.replacements), (2, 2));
}
