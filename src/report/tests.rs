//! The screen for runs that did not go well: made by hand, since shipped scenarios pass.

use super::screen::{Style, screen};
use super::{
    Convergence, InputFile, Judged, Milestone, OutageReport, Override, Overrides, Receipt, Report, SCHEMA, Times,
    Verdict, WorkloadConvergence, WorkloadReport,
};
use std::time::Duration;

fn milestone(name: &'static str, at_us: Option<u64>, wait_us: u64, owner: &str) -> Milestone {
    Milestone {
        name,
        at_us,
        since_us: at_us.map(|at| at - 60_000_000),
        wait_us: at_us.filter(|_| wait_us > 0).map(|_| wait_us),
        owner: (!owner.is_empty()).then(|| owner.to_string()),
    }
}

fn workload(name: &str, lost: usize) -> WorkloadReport {
    WorkloadReport {
        name: name.to_string(),
        desired: 5,
        lost,
        replacements: 0,
        placed_on: Vec::new(),
        serving_min: 5 - lost as i64,
        short_us: Some(90_000_000),
        is_serving_again: false,
        ready_before: 5,
        ready_min: 5 - lost as i64,
        api_unaware_us: None,
        milestones: vec![
            milestone("happened", Some(60_000_000), 0, ""),
            milestone("noticed", Some(108_512_345), 48_512_345, "node-monitor-grace-period 40s"),
            milestone("tainted", Some(108_604_000), 91_655, ""),
            milestone("evicted", None, 0, ""),
        ],
    }
}

fn report() -> Report {
    let judged = |id: &str, verdict, claim, bound: &str, found: Option<&str>, reason: Option<&str>| Judged {
        id: id.to_string(),
        verdict,
        claim,
        of: Some("deployment/web".to_string()),
        since: Some("cut".to_string()),
        bound: bound.to_string(),
        found: found.map(String::from),
        value: None,
        reason: reason.map(String::from),
        share: 1_000_000,
    };
    let mut served = workload("deployment/shop/db", 1);
    (served.short_us, served.ready_min, served.serving_min, served.is_serving_again) = (None, 4, 5, true);
    served.milestones.truncate(2);
    Report {
        schema: SCHEMA,
        title: "A cut that is too long".to_string(),
        scenario: "cut".to_string(),
        verdict: Verdict::Fail,
        reasons: vec!["not converged by 2m30.0s: deployment/web has 3 of 5 ready".to_string()],
        silence: None,
        notes: Vec::new(),
        receipt: Receipt {
            version: "0.1.0".to_string(),
            scenario_hash: "7c1e42aa00000000".to_string(),
            seed: 7,
            digest: "9f42e0c100000000".to_string(),
        },
        epoch: "2026-11-24T18:00:00Z".to_string(),
        simulated_us: 150_000_000,
        events: 1_912,
        overrides: Overrides {
            seed: Some(7),
            keys: Vec::new(),
            settings: vec![Override {
                name: "kube-controller-manager/node-monitor-grace-period".to_string(),
                value: "40s".to_string(),
                default: "50s".to_string(),
            }],
            delays: Vec::new(),
        },
        expectations: vec![
            judged("noticed", Verdict::Pass, "time-to-notice", "at most 56s", Some("48.5s"), None),
            judged("evicted", Verdict::Fail, "time-to-evict", "at most 6m", None, Some("not evicted by the end")),
        ],
        losses: Vec::new(),
        processes: Vec::new(),
        outages: vec![
            OutageReport {
                id: "cut".to_string(),
                fault: "node.partition".to_string(),
                happened_us: 60_000_000,
                ended_us: Some(150_000_000),
                nodes: ["n1", "n2", "n3", "n4", "n5"].map(String::from).to_vec(),
                workloads: vec![workload("deployment/web", 2), served],
            },
            OutageReport {
                id: "other".to_string(),
                fault: "node.crash".to_string(),
                happened_us: 90_000_000,
                ended_us: None,
                nodes: vec!["n9".to_string()],
                workloads: Vec::new(),
            },
        ],
        refused: Vec::new(),
        convergence: Convergence {
            hold_us: 10_000_000,
            all: times(2, Some(60_000_000), 60_000_000, None),
            workloads: vec![
                WorkloadConvergence {
                    name: "deployment/web".to_string(),
                    times: times(2, Some(60_000_000), 60_000_000, None),
                    lost: 2,
                    outages: 1,
                    outlook: "on-its-way",
                    why: Some("is on its way: left alone it would be as wanted from 6m12.0s on".to_string()),
                    round: None,
                    stuck_since_us: None,
                    expected_us: Some(372_000_000),
                },
                WorkloadConvergence {
                    name: "deployment/shop/db".to_string(),
                    times: times(2, Some(60_000_000), 120_000_000, Some(90_000_000)),
                    lost: 1,
                    outages: 1,
                    outlook: "as-wanted",
                    why: None,
                    round: None,
                    stuck_since_us: None,
                    expected_us: None,
                },
            ],
        },
        inputs: vec![InputFile { name: "scenario.toml".to_string(), hash: InputFile::hash_of(b"title = 'x'") }],
    }
}

fn times(stretches: usize, longest_us: Option<u64>, total_us: u64, since_us: Option<u64>) -> Times {
    Times { stretches, first_held_us: Some(0), longest_us, total_us, since_us }
}

#[test]
fn a_run_that_did_not_go_well_says_why() {
    let style = Style { color: false, wall: Some(Duration::from_micros(11_400)), ..Style::default() };
    let files = ["run.json", "timeline.csv"].map(String::from);
    insta::assert_snapshot!(screen(&report(), Some(("results/cut/7", &files)), style));
}

#[test]
fn colours_change_nothing_but_colours() {
    let plain = screen(&report(), None, Style::default());
    let colored = screen(&report(), None, Style { color: true, ..Style::default() });
    let stripped = colored.replace("\u{1b}[1;31m", "").replace("\u{1b}[1;32m", "").replace("\u{1b}[0m", "");
    assert_eq!(plain, stripped);
}

#[test]
fn run_json_keeps_its_shape() {
    insta::assert_snapshot!(report().to_json());
}

#[test]
fn what_was_not_expected_or_noticed_is_said_once() {
    let mut report = report();
    report.title = "a\u{1b}[2Jb\nc".to_string();
    report.expectations.clear();
    let web = &mut report.outages[0].workloads[0];
    web.milestones = ["noticed", "tainted", "evicted"].map(|name| milestone(name, None, 0, "")).to_vec();
    web.milestones.insert(0, milestone("happened", Some(60_000_000), 0, ""));
    let text = screen(&report, None, Style::default());
    assert!(text.starts_with("a\\u{1b}[2Jb\\nc   "), "{text}");
    assert!(text.contains("FAIL  nothing was expected and 1 other failure\n"), "{text}");
    assert_eq!((text.matches("not noticed").count(), text.matches("never").count()), (1, 0), "{text}");
    report.reasons.clear();
    report.verdict = Verdict::Pass;
    assert!(screen(&report, None, Style::default()).contains("PASS  nothing was expected\n"));
}
