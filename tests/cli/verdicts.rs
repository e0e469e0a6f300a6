//! What makes a run fail besides its expectations, what is only a note, and expectations that hold in a share of the seeds.

use super::*;
use serde_json::{Value, json};

fn json_of(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let (code, out, err) = evenkeel(folder, &[arguments, &["--no-save", "-o", "json"]].concat());
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}")))
}

/// How long the control plane takes to notice, by seed, in ascending order [ms].
fn times_to_notice(folder: &Path, seeds: &str) -> Vec<i64> {
    let (_, runs) = json_of(folder, &["five-frontends.toml", "--seed", seeds]);
    let values = runs["expectations"][0]["spread"]["values"].as_array().unwrap();
    let mut values: Vec<i64> = values.iter().map(|value| value.as_i64().unwrap() / 1_000).collect();
    values.sort_unstable();
    values
}

#[test]
fn an_expectation_may_hold_in_a_share_of_the_seeds() {
    let folder = workspace("share");
    let seeds = ["five-frontends.toml", "--seed", "1..10"];
    // A bound that exactly one of ten misses.
    let bound = times_to_notice(&folder, "1..10")[8] + 1;
    edit(&folder.join("five-frontends.toml"), "at-most  = \"61s\"", &format!("at-most = \"{bound}ms\""));
    let (code, runs) = json_of(&folder, &seeds);
    assert_eq!((code, &runs["verdict"], &runs["passed"]), (1, &json!("fail"), &json!(9)), "{runs:#}");
    assert_eq!(runs["expectations"][0].get("in"), None, "in all of them");

    edit(&folder.join("five-frontends.toml"), "since    = \"crash\"", "since = \"crash\"\nin = \"90%\"");
    let (code, runs) = json_of(&folder, &seeds);
    assert_eq!((code, &runs["verdict"], &runs["passed"]), (0, &json!("pass"), &json!(9)), "{runs:#}");
    let first = &runs["expectations"][0];
    assert_eq!((&first["met"], &first["in"], &first["verdict"]), (&json!(9), &json!("90%"), &json!("pass")));
    assert_eq!(runs["failed"][0]["is_allowed"], true);
    let (code, out, _) = evenkeel(&folder, &[&seeds[..], &["--no-save"]].concat());
    assert!(code == 0 && out.contains("PASS  9 of 10 seeds"), "{out}");
    assert!(out.contains("miss seed ") && out.contains("in at least 90% of the seeds"), "{out}");

    let (code, runs) = json_of(&folder, &[&seeds[..], &["--set", "expect.silence-is-noticed.in=91%"]].concat());
    assert_eq!((code, &runs["verdict"], &runs["failed"][0].get("is_allowed")), (1, &json!("fail"), &None));

    // Another one that must hold everywhere is not helped by it.
    let (code, _) = json_of(&folder, &[&seeds[..], &["--set", "expect.two-are-replaced.equals=3"]].concat());
    assert_eq!(code, 1);
}

#[test]
fn a_single_run_is_judged_without_a_share_and_says_so() {
    let folder = workspace("share-alone");
    edit(&folder.join("five-frontends.toml"), "at-most  = \"61s\"", "at-most = \"41s\"\nin = \"1%\"");
    let (code, run) = json_of(&folder, &["five-frontends.toml"]);
    assert_eq!((code, &run["expectations"][0]["in"]), (1, &json!("1%")));
    let note = run["notes"][0].as_str().unwrap();
    assert!(note.contains("`silence-is-noticed` (in 1%)"), "{note}");
    let (_, out, _) = evenkeel(&folder, &["five-frontends.toml", "--no-save"]);
    assert!(out.contains(&format!("note: {note}\n")), "{out}");
    let (_, runs) = json_of(&folder, &["five-frontends.toml", "--seed", "1,2"]);
    assert!(runs["runs"].as_array().unwrap().iter().all(|run| run.get("notes").is_none()), "{runs:#}");
}

const RARE: &str = "\n[[failure]]\nid = \"rare\"\nmodel = \"node-hardware\"\n";

#[test]
fn a_failure_that_does_not_strike_is_noted_and_nothing_at_all_is_a_failure() {
    let folder = workspace("silent");
    let path = folder.join("five-frontends.toml");
    let (_, run) = json_of(&folder, &["five-frontends.toml"]);
    assert_eq!(run.get("notes"), None);
    fs::write(&path, fs::read_to_string(&path).unwrap() + RARE).unwrap();
    let (code, run) = json_of(&folder, &["five-frontends.toml"]);
    assert_eq!((code, &run["reasons"]), (0, &json!([])), "{run:#}");
    assert!(run["notes"][0].as_str().is_some_and(|note| note.contains("rare")), "{run:#}");
    let (_, out, _) = evenkeel(&folder, &["five-frontends.toml", "--seed", "1,2", "--no-save"]);
    assert!(out.contains("note, ") && out.contains("rare"), "{out}");

    let text = fs::read_to_string(&path).unwrap();
    let (head, _) = text.split_once("[[event]]").unwrap();
    fs::write(&path, format!("{head}{RARE}")).unwrap();
    let (code, out, err) = evenkeel(&folder, &["five-frontends.toml", "--no-save"]);
    assert!(code == 1 && out.contains("FAIL: nothing happened: no event, and no failure: "), "{out}{err}");
}

/// Each machine fails once in five hours.
const NOW_AND_THEN: &str = "\n[[failure]]\nid = \"flaky\"\ndo = \"node.crash\"\nfor = \"1m\"\n\
                            every = { dist = \"exponential\", mean = \"5h\" }\n";

#[test]
fn a_seed_in_which_nothing_happens_is_no_failure_if_something_does_in_others() {
    let folder = workspace("silent-among-others");
    let path = folder.join("five-frontends.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (head, _) = text.split_once("[[event]]").unwrap();
    let runs_of = |failure: &str, seeds: &str| {
        fs::write(&path, format!("{head}{failure}")).unwrap();
        json_of(&folder, &["five-frontends.toml", "--seed", seeds])
    };
    let is_silent = |run: &Value| run["notes"].to_string().contains("nothing happened");
    let (code, runs) = runs_of(NOW_AND_THEN, "1..30");
    let (silent, struck): (Vec<_>, Vec<_>) = runs["runs"].as_array().unwrap().iter().partition(|run| is_silent(run));
    assert!(!silent.is_empty() && !struck.is_empty(), "{runs:#}");
    assert!(silent.iter().all(|run| run["verdict"] == "pass"), "{runs:#}");
    assert!(!runs["failed"].to_string().contains("nothing happened"), "{runs:#}");
    assert_eq!(code == 0, runs["failed"] == json!([]));
    // One of them alone, and several of which none is struck.
    let seed = silent[0]["seed"].to_string();
    let (code, run) = json_of(&folder, &["five-frontends.toml", "--seed", &seed]);
    assert!(code == 1 && run["reasons"].to_string().contains("nothing happened"), "{run:#}");
    let (code, runs) = runs_of(RARE, "1,2");
    assert!(code == 1 && runs["failed"].to_string().matches("nothing happened").count() == 2, "{runs:#}");
}

#[test]
fn an_action_that_finds_nothing_to_do_was_not_done() {
    let folder = workspace("not-done");
    let path = folder.join("five-frontends.toml");
    let event = "\n[[event]]\nid = \"back\"\nat = \"2m\"\ndo = \"node.uncordon\"\ntarget = { node = \"server-1\" }\n";
    fs::write(&path, fs::read_to_string(&path).unwrap() + event).unwrap();
    let (code, run) = json_of(&folder, &["five-frontends.toml", "--set", "expect.silence-is-noticed.since=crash"]);
    let reason = run["reasons"][0].as_str().unwrap_or_else(|| panic!("{run:#}"));
    assert!(code == 1 && reason.starts_with("`back` was not done: "), "{reason}");
}

/// What is finished when somebody has had enough of many seeds stays as it is.
#[test]
#[cfg(unix)]
fn finished_runs_of_several_seeds_outlive_an_interruption() {
    let folder = workspace("interrupted-seeds");
    let mut child = command(&folder, &["five-frontends.toml", "--seed", "1..100000", "-j", "2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let results = folder.join("results/five-frontends");
    let is_begun = || fs::read_dir(&results).is_ok_and(|entries| entries.count() > 3);
    while !is_begun() {
        assert_eq!(child.try_wait().unwrap(), None, "it runs on");
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    // Read both while it ends, lest a full pipe holds it up.
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(130), &b""[..]), "{err}");
    let kept = names(&results);
    let told = format!("interrupted: {} of 100000 runs are finished and kept in results/five-frontends\n", kept.len());
    assert_eq!(err, told);
    for seed in &kept {
        assert!(seed.parse::<u64>().is_ok(), "{seed} is left behind");
        let run = fs::read_to_string(results.join(seed).join("run.json")).unwrap();
        let run: Value = serde_json::from_str(&run).unwrap();
        assert_eq!(run["receipt"]["seed"].to_string(), *seed);
        assert_eq!(names(&results.join(seed)).len(), 13);
    }
    // They are no obstacle to going on.
    let (code, _, err) = evenkeel(&folder, &["five-frontends.toml", "--seed", &kept[0], "-q"]);
    assert_eq!((code, err.as_str()), (0, ""));
}
