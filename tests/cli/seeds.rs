//! `evenkeel run` with several seeds, and what else changes how a run is made: overrides, interruptions, dry runs.

use super::*;
use serde_json::Value;
use std::io::{BufRead, BufReader};

#[test]
fn several_seeds_leave_their_folders_and_a_spread_that_does_not_depend_on_how_many_run_at_once() {
    let folder = workspace("seeds");
    let run = |jobs: &str, out_dir: &str| {
        let arguments = ["five-frontends.toml", "--seed", "1..6", "-j", jobs, "-O", out_dir, "-o", "json"];
        let (code, out, err) = evenkeel(&folder, &arguments);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        out
    };
    let (one, three) = (run("1", "one"), run("3", "three"));
    assert_eq!(one, three);
    assert_eq!(names(&folder.join("one/five-frontends")), ["1", "2", "3", "4", "5", "6"]);
    for seed in 1..=6 {
        let [one, three] = ["one", "three"].map(|dir| files(&folder.join(format!("{dir}/five-frontends/{seed}"))));
        assert!(one == three, "seed {seed}");
    }

    let runs: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(
        (&runs["schema"], &runs["verdict"], &runs["passed"]),
        (&"evenkeel.runs/v1".into(), &"pass".into(), &6.into())
    );
    // The spread is that of the runs as they stand in their folders.
    let mut noticed: Vec<i64> = Vec::new();
    for seed in 1..=6 {
        let text = fs::read_to_string(folder.join(format!("one/five-frontends/{seed}/run.json"))).unwrap();
        let run: Value = serde_json::from_str(&text).unwrap();
        let milestones = run["outages"][0]["workloads"][0]["milestones"].as_array().unwrap();
        let found = milestones.iter().find(|milestone| milestone["name"] == "noticed").unwrap();
        noticed.push(found["since_us"].as_i64().unwrap());
        assert_eq!(run["receipt"]["digest"], runs["runs"][seed - 1]["digest"]);
    }
    let milestones = runs["outages"][0]["workloads"][0]["milestones"].as_array().unwrap();
    let spread = &milestones.iter().find(|milestone| milestone["name"] == "noticed").unwrap()["since_us"];
    assert_eq!(spread["values"], serde_json::json!(noticed));
    noticed.sort_unstable();
    let expected = [("n", 6), ("min", noticed[0]), ("median", noticed[2]), ("p95", noticed[5]), ("max", noticed[5])];
    for (name, value) in expected {
        assert_eq!(spread[name], value, "{name}");
    }
    assert_eq!(runs["expectations"][0]["spread"]["values"], spread["values"], "it measures the same");
}

#[test]
fn the_summary_of_several_seeds_names_those_that_fail() {
    let folder = workspace("seeds-fail");
    let arguments = ["five-frontends.toml", "--seed", "1..4,9", "--no-save"];
    let (code, out, err) = evenkeel(&folder, &arguments);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("PASS  5 of 5 seeds") && out.contains("seeds 1..4,9 ·"), "{out}");
    assert!(out.contains("median") && out.contains("Quantiles are values that occurred"), "{out}");

    edit(&folder.join("five-frontends.toml"), "equals  = 2", "equals  = 3");
    let (code, out, _) = evenkeel(&folder, &arguments);
    assert_eq!(code, 1);
    assert!(out.contains("FAIL  0 of 5 seeds"), "{out}");
    assert!(out.contains("FAIL seed 9: two-are-replaced: 2 is not exactly 3"), "{out}");
    let (code, out, _) = evenkeel(&folder, &[&arguments[..], &["-o", "json"]].concat());
    let runs: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &runs["failed"][4]["seed"]), (1, &9.into()), "{out}");
}

#[test]
fn the_same_seeds_may_run_again_and_others_are_not_overwritten() {
    let folder = workspace("seeds-again");
    let run = ["five-frontends.toml", "--seed", "1,2", "-q"];
    assert_eq!(evenkeel(&folder, &run), (0, String::new(), String::new()));
    assert_eq!(evenkeel(&folder, &run), (0, String::new(), String::new()), "the same receipts may");
    edit(&folder.join("five-frontends.toml"), "at     = \"1m\"", "at     = \"70s\"");
    fs::remove_dir_all(folder.join("results/five-frontends/2")).unwrap();
    let (code, _, err) = evenkeel(&folder, &run);
    assert_eq!(code, 2);
    assert!(err.contains("five-frontends/1 holds a run with another receipt"), "{err}");
    assert!(err.contains("1 of 2 runs are missing because of errors"), "{err}");
    assert_eq!(names(&folder.join("results/five-frontends")), ["1", "2"], "the other is there");
}

#[test]
fn until_and_stop_of_the_command_line_are_in_the_receipt() {
    let folder = workspace("until");
    let arguments = ["five-frontends.toml", "--until", "20m", "--stop", "time"];
    let (code, out, err) = evenkeel(&folder, &arguments);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("20m00.0s simulated"), "{out}");
    assert!(out.contains("with run.until=\"20m00s\" from the command line"), "{out}");
    let kept = folder.join("results/five-frontends/1");
    let scenario = fs::read_to_string(kept.join("scenario.toml")).unwrap();
    let is_noted = |line: &str| line.starts_with("until   = \"20m00s\"") && line.contains("# set on the command line");
    assert!(scenario.lines().any(is_noted), "{scenario}");
    let receipt = |json: &str| serde_json::from_str::<Value>(json).unwrap()["receipt"]["digest"].clone();
    let (code, again, _) = evenkeel(&kept, &["scenario.toml", "--no-save", "-o", "json"]);
    assert_eq!((code, receipt(&again)), (0, receipt(&fs::read_to_string(kept.join("run.json")).unwrap())));
    for wrong in [&["--until", "20"][..], &["--until", "0s"], &["--stop", "later"], &["--set", "run.holt=1m"]] {
        assert_eq!(evenkeel(&folder, &[&["five-frontends.toml"], wrong].concat()).0, 2, "{wrong:?}");
    }
}

#[test]
fn a_scenario_may_come_from_standard_input_or_be_named_by_its_folder() {
    let folder = workspace("stdin");
    for arguments in [&["-", "-O", "a"][..], &["run", "-f", "-", "-O", "b"]] {
        let text = fs::File::open(folder.join("five-frontends.toml")).unwrap();
        let output = command(&folder, arguments).stdin(text).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(folder.join(arguments[arguments.len() - 1]).join("stdin/1/run.json").exists());
    }
    let (code, out, _) = evenkeel(&folder, &["run", "-f", ".", "--no-save"]);
    assert!(code == 0 && out.contains("PASS  5/5"), "{out}");
    fs::create_dir(folder.join("nothing")).unwrap();
    let (code, _, err) = evenkeel(&folder, &["run", "nothing"]);
    assert!(code == 2 && err.contains("there is no `.toml` file in this folder"), "{err}");
}

#[test]
fn a_dry_run_says_what_would_run_and_runs_nothing() {
    let folder = workspace("dry");
    let (code, out, err) = evenkeel(&folder, &["five-frontends.toml", "--seed", "1..20", "--dry-run", "-j", "2"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for words in [
        "would run with seed 1..20, ends at the latest after 15m00.0s, when all is as wanted for 30s",
        "4 nodes\n        4  pool server, zone a\n",
        "1  Deployment\n",
        "1m00s  crash: node.crash of the node with the most pods of deployment default/frontend",
        "at-full-capacity: time-to-full-capacity of deployment/frontend since crash, at most 6m30s",
        "Rough estimate: ",
        "were run for a trial",
    ] {
        assert!(out.contains(words), "{words:?} is not in\n{out}");
    }
    assert!(!folder.join("results").exists());
    let (_, out, _) = evenkeel(&folder, &["five-frontends.toml", "--dry-run", "-o", "json"]);
    let plan: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&plan["schema"], &plan["events"][0]["at_us"]), (&"evenkeel.plan/v1".into(), &60_000_000.into()));
}

#[test]
fn more_is_said_on_standard_error_only() {
    let folder = workspace("verbose");
    let (code, quiet, err) =
        evenkeel(&folder, &["five-frontends.toml", "--no-save", "-o", "json", "--progress", "bar"]);
    assert_eq!((code, err.as_str()), (0, ""), "a bar is for terminals");
    let (_, out, err) = evenkeel(&folder, &["five-frontends.toml", "--no-save", "-o", "json", "-v"]);
    assert_eq!(out, quiet);
    assert!(err.contains("five-frontends.toml: 4 nodes") && err.contains("facts, digest"), "{err}");
    let (_, out, err) =
        evenkeel(&folder, &["five-frontends.toml", "--no-save", "-o", "json", "-vv", "--progress", "plain"]);
    assert_eq!(out, quiet);
    assert!(err.contains("five-frontends: begins\n") && err.contains("fault"), "{err}");
    let facts = err.lines().filter(|line| line.starts_with(' ')).count();
    assert!(err.contains(&format!("seed 1: {facts} facts")), "all of them, each once");
}

#[test]
fn the_screen_can_do_without_colours_long_lines_and_other_letters() {
    let folder = workspace("ascii");
    let (_, out, _) = evenkeel(&folder, &["five-frontends.toml", "--no-save", "--ascii", "--width", "60"]);
    assert!(out.is_ascii() && out.contains('#'), "{out}");
    assert!(out.lines().all(|line| line.len() <= 60), "{out}");
    let arguments = ["five-frontends.toml", "--seed", "1,2", "--no-save", "--ascii"];
    let (_, out, _) = evenkeel(&folder, &arguments);
    assert!(out.is_ascii(), "{out}");
    let by_variable =
        command(&folder, &["five-frontends.toml", "--no-save", "--ascii"]).env("EVENKEEL_SEED", "1,2").output();
    let by_variable = String::from_utf8(by_variable.unwrap().stdout).unwrap();
    assert!(by_variable.contains("PASS  2 of 2 seeds"), "{by_variable}");
}

#[test]
#[cfg(unix)]
fn an_interrupted_run_leaves_nothing_and_finished_ones_stay() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let folder = workspace(&format!("interrupted{signal}"));
        edit(&folder.join("five-frontends.toml"), "until   = \"15m\"", "until   = \"8000h\"");
        edit(&folder.join("five-frontends.toml"), "stop    = \"converged\"", "stop    = \"time\"");
        let mut child = command(&folder, &["five-frontends.toml", "--progress", "plain"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "five-frontends: begins");
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        let last = lines.map(Result::unwrap).last();
        assert_eq!(last.as_deref(), Some("interrupted; of the run in progress nothing is kept"));
        assert!(!folder.join("results").exists());
    }
}
