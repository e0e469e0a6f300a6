//! Reasons in words: `why`, `timeline`, `diff`.

use super::{evenkeel, workspace};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A workspace with these scenarios as well.
fn workspace_with(test: &str, scenarios: &[&str]) -> PathBuf {
    let folder = workspace(test);
    for scenario in scenarios {
        let file = format!("{scenario}.toml");
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(&file), folder.join(&file)).unwrap();
    }
    folder
}

/// What a command says that exits with `code`.
fn said(folder: &Path, code: i32, arguments: &[&str]) -> String {
    let (found, out, err) = evenkeel(folder, arguments);
    assert_eq!((found, err.as_str()), (code, ""), "{arguments:?}: {out}");
    out
}

/// The pod that was created last in a run.
fn newest_pod(folder: &Path, run: &str) -> String {
    let facts = fs::read_to_string(folder.join(run).join("facts.csv")).unwrap();
    let line = facts.lines().rfind(|line| line.contains(",created,Pod ")).unwrap();
    line.split("Pod default/").nth(1).unwrap().split(',').next().unwrap().to_string()
}

#[test]
fn a_run_is_told_in_paragraphs_and_in_moments() {
    let folder = workspace_with("told", &["node-crash", "rolling-update", "drain"]);
    for scenario in ["node-crash", "rolling-update", "drain"] {
        let file = format!("{scenario}.toml");
        let why = said(&folder, 0, &["why", &file, "--width", "110"]);
        let timeline = said(&folder, 0, &["timeline", &file]);
        insta::assert_snapshot!(format!("told-{scenario}"), format!("{why}\n{timeline}"));
    }
}

#[test]
fn the_folder_of_a_run_holds_the_same_moments() {
    let folder = workspace_with("moments", &["node-crash"]);
    said(&folder, 0, &["run", "node-crash.toml", "-q"]);
    let told = said(&folder, 0, &["timeline", "results/node-crash"]);
    let kept = fs::read_to_string(folder.join("results/node-crash/1/timeline.md")).unwrap();
    let rows = kept.lines().filter(|line| line.starts_with("| ")).skip(1);
    let cells =
        rows.map(|row| row.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect::<Vec<_>>().join(" "));
    let plain = told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    assert_eq!(cells.collect::<Vec<_>>(), plain.collect::<Vec<_>>());
}

#[test]
fn a_pod_knows_what_it_stands_in_for_and_a_lost_one_what_it_waits_for() {
    let folder = workspace_with("why", &["node-crash"]);
    said(&folder, 0, &["run", "node-crash.toml", "-q"]);
    let newest = format!("pod/{}", newest_pod(&folder, "results/node-crash/1"));
    insta::assert_snapshot!(
        "why-replacement",
        said(&folder, 0, &["why", "results/node-crash", &newest, "--width", "110"])
    );
    insta::assert_snapshot!("why-node", said(&folder, 0, &["why", "results/node-crash", "node/node-2", "--at", "30s"]));
    let json: Value = serde_json::from_str(&said(
        &folder,
        0,
        &["why", "results/node-crash/1", "deployment/web", "--at", "@crash", "-o", "json"],
    ))
    .unwrap();
    assert_eq!((&json["schema"], &json["object"]), (&"evenkeel.why/v1".into(), &"deployment/web".into()));
    assert_eq!((&json["at_us"], &json["waits_for"]["what"]), (&20_000_000.into(), &"pods".into()));
}

#[test]
fn what_never_was_is_guessed() {
    let folder = workspace_with("guessed", &["node-crash"]);
    for (object, says) in [
        ("node/node-9", "there never was a `node/node-9` in this run"),
        ("pod/web", "there never was a `pod/web` in this run: did you mean `deployment/web`?"),
        ("deploy/wep", "did you mean `deployment/web`?"),
        ("web", "`web` is no object: expected `kind/name` or `kind/namespace/name`: did you mean `deployment/web`?"),
        ("pd/web", "`pd` is no kind of object: did you mean `pod`?"),
    ] {
        let (code, out, err) = evenkeel(&folder, &["why", "node-crash.toml", object]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.starts_with("error: ") && err.contains(says), "{object}: {err}");
    }
    let (code, _, err) = evenkeel(&folder, &["why", "node-crash.toml", "--at", "1m"]);
    assert_eq!(code, 2);
    assert!(err.contains("`--at` asks for an object"), "{err}");
}

#[test]
fn equal_runs_have_no_difference() {
    let folder = workspace_with("equal", &["node-crash"]);
    said(&folder, 0, &["run", "node-crash.toml", "-q"]);
    let out = said(&folder, 0, &["diff", "node-crash.toml", "results/node-crash"]);
    assert!(out.starts_with("no difference: the same happened in both, digest "), "{out}");
}

#[test]
fn a_planted_difference_is_found_and_its_cause_is_named() {
    let folder = workspace_with("planted", &["node-crash"]);
    said(&folder, 0, &["run", "node-crash.toml", "-q"]);
    let setting = "control.kube-controller-manager.node-monitor-grace-period=40s";
    said(&folder, 0, &["run", "node-crash.toml", "-q", "-O", "setting", "--set", setting]);
    said(&folder, 0, &["run", "node-crash.toml", "-q", "-O", "event", "--set", "event.crash.at=25s"]);
    said(&folder, 0, &["run", "node-crash.toml", "-q", "-O", "seed", "--seed", "2"]);
    let diff = |other: &str| said(&folder, 1, &["diff", "results/node-crash", other, "--width", "110"]);
    insta::assert_snapshot!("diff-setting", diff("setting/node-crash"));
    insta::assert_snapshot!("diff-event", diff("event/node-crash"));
    let seed = diff("seed/node-crash/2");
    assert!(seed.contains("Their seeds differ") && seed.contains("`noticed` of deployment/web after crash"), "{seed}");

    let json = said(&folder, 1, &["diff", "results/node-crash", "setting/node-crash", "-o", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["schema"], "evenkeel.diff/v1");
    assert_eq!(json["scenario"][0]["name"], "kube-controller-manager/node-monitor-grace-period");
    assert_eq!(json["first"]["next"]["b"]["fact"]["owner"], "node-monitor-grace-period 40s");
    assert_eq!(json["first"]["same_later"]["first_in"], "b");
}
