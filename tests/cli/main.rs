//! The command as users have it: exit codes, files, messages.

#[cfg(unix)]
mod documents;
mod get;
mod names;
mod seeds;
mod set;
mod verdicts;
mod verify;
mod why;
mod written;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A fresh directory for one test, with the scenarios in it, so that paths in messages are short and the same everywhere.
fn workspace(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    for file in ["five-frontends.toml", "five-frontends.yaml"] {
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(file), folder.join(file)).unwrap();
    }
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.current_dir(folder).args(arguments).env_remove("CLICOLOR_FORCE").env("NO_COLOR", "1");
    for name in ["SEED", "JOBS", "OUT_DIR", "OUTPUT", "PROGRESS", "QUIET", "VERBOSE", "WIDTH", "ASCII", "COLOR"] {
        command.env_remove(format!("EVENKEEL_{name}"));
    }
    command
}

fn evenkeel(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command(folder, arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Names and contents of a folder's files.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().and_then(OsStr::to_str).unwrap().to_string(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from:?} is not in {}", path.display());
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_run_that_meets_its_expectations_exits_with_0_and_leaves_its_folder() {
    let folder = workspace("met");
    let (code, out, err) = evenkeel(&folder, &["run", "five-frontends.toml"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("PASS  5/5"), "{out}");
    assert_eq!(
        names(&folder.join("results/five-frontends/1")),
        [
            "convergence.csv",
            "facts.csv",
            "five-frontends.yaml",
            "nodes.svg",
            "pods.svg",
            "run.json",
            "scenario.toml",
            "stretches.csv",
            "timeline.csv",
            "timeline.md",
            "timeline.svg",
            "waterfall.csv",
            "waterfall.svg"
        ]
    );
    assert_eq!(names(&folder.join("results/five-frontends")), ["1"], "nothing else is left");
}

#[test]
fn pictures_are_those_that_are_wanted() {
    let folder = workspace("plots");
    let pictures = |plots: &str| {
        let arguments = ["five-frontends.toml", "--plots", plots, "-O", plots];
        assert_eq!(evenkeel(&folder, &arguments).0, 0, "{plots}");
        let names = names(&folder.join(plots).join("five-frontends/1")).into_iter();
        names.filter(|name| name.ends_with("svg") || name.ends_with("png")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(pictures("none"), "");
    assert_eq!(pictures("dark"), "nodes-dark.svg pods-dark.svg timeline-dark.svg waterfall-dark.svg");
    let all = "nodes.png nodes.svg pods.png pods.svg timeline.png timeline.svg waterfall.png waterfall.svg";
    assert_eq!(pictures("light,png"), all);
    assert_eq!(pictures("both").split(' ').count(), 8);
    for run in ["none", "dark", "light,png"] {
        let (code, out, _) = evenkeel(&folder, &["verify", &format!("{run}/five-frontends/1")]);
        assert_eq!(code, 0, "{run}: {out}");
    }
    let (code, _, err) = evenkeel(&folder, &["five-frontends.toml", "--plots", "jpeg"]);
    assert!(code == 2 && err.contains("expected light, dark, both, png or none"), "{err}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_another_run() {
    let folder = workspace("bytes");
    for out_dir in ["one", "two"] {
        assert_eq!(evenkeel(&folder, &["five-frontends.toml", "--seed", "5", "-O", out_dir]).0, 0);
    }
    let [one, two] = ["one", "two"].map(|out_dir| files(&folder.join(out_dir).join("five-frontends/5")));
    assert_eq!(one.len(), 13);
    for (one, two) in one.iter().zip(&two) {
        assert!(one == two, "{} differs between two runs with the same seed", one.0);
    }
    assert_eq!(evenkeel(&folder, &["five-frontends.toml", "--seed", "6", "-O", "one"]).0, 0);
    let six = files(&folder.join("one/five-frontends/6"));
    let timeline =
        |files: &[(String, Vec<u8>)]| files.iter().find(|(name, _)| name == "timeline.csv").unwrap().1.clone();
    assert_ne!(timeline(&one), timeline(&six));
}

#[test]
fn the_run_folder_can_be_run_again() {
    let folder = workspace("again");
    assert_eq!(evenkeel(&folder, &["five-frontends.toml", "--seed", "3"]).0, 0);
    let kept = folder.join("results/five-frontends/3");
    let receipt = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap()["receipt"].clone();
    let (code, again, _) = evenkeel(&kept, &["scenario.toml", "--no-save", "-o", "json"]);
    assert_eq!(code, 0);
    let (before, after) = (receipt(&fs::read_to_string(kept.join("run.json")).unwrap()), receipt(&again));
    assert_eq!((&before["seed"], &before["digest"]), (&after["seed"], &after["digest"]));
}

#[test]
fn only_the_same_receipt_overwrites_without_force() {
    let folder = workspace("overwrite");
    let run = ["run", "five-frontends.toml"];
    assert_eq!(evenkeel(&folder, &run).0, 0);
    assert_eq!(evenkeel(&folder, &run).0, 0, "the same receipt may");
    edit(&folder.join("five-frontends.toml"), "at     = \"1m\"", "at     = \"70s\"");
    let (code, out, err) = evenkeel(&folder, &run);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("holds a run with another receipt; use --force"), "{err}");
    fs::write(folder.join("results/five-frontends/1/notes.txt"), "mine").unwrap();
    assert_eq!(evenkeel(&folder, &["run", "five-frontends.toml", "--force"]).0, 0);
    assert!(names(&folder.join("results/five-frontends/1")).contains(&"notes.txt".to_string()));
}

#[test]
fn an_expectation_that_is_not_met_exits_with_1() {
    let folder = workspace("not-met");
    edit(&folder.join("five-frontends.toml"), "at-most = \"6m30s\"", "at-most = \"30s\"");
    let (code, out, err) = evenkeel(&folder, &["five-frontends.toml", "--no-save"]);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    assert!(out.contains("FAIL  4/5") && out.contains("is not at most 30s"), "{out}");
    assert!(!folder.join("results").exists());
}

#[test]
fn a_fault_that_hits_nothing_and_a_pod_that_fits_nowhere_are_failures_with_reasons() {
    let folder = workspace("empty");
    edit(
        &folder.join("five-frontends.toml"),
        "{ most-pods = \"deployment/frontend\" }",
        "{ running = \"frontend-84f7c5d9b4-8zk4m\" }",
    );
    let (code, out, _) = evenkeel(&folder, &["five-frontends.toml", "--no-save"]);
    assert_eq!(code, 1);
    assert!(out.contains("FAIL: `crash` hit nothing: no node matched"), "{out}");
    edit(&folder.join("five-frontends.yaml"), "cpu: 250m", "cpu: 250");
    let (code, out, _) = evenkeel(&folder, &["five-frontends.toml", "--no-save"]);
    assert_eq!(code, 1);
    assert!(out.contains("FAIL: not one pod was placed on a node"), "{out}");
    assert!(out.contains("deployment/frontend has 0 of 5 ready"), "{out}");
}

#[test]
fn all_mistakes_of_a_scenario_are_told_and_nothing_is_run() {
    let folder = workspace("mistakes");
    let path = folder.join("five-frontends.toml");
    edit(&path, "hold    = \"30s\"", "holt    = \"30s\"");
    edit(&path, "do     = \"node.crash\"", "do     = \"node.crahs\"");
    edit(&path, "equals  = 2", "equals  = \"two\"");
    edit(
        &path,
        "of      = \"deployment/frontend\"\nsince   = \"crash\"\nat-most",
        "of      = \"deployment/fronted\"\nat-most",
    );
    edit(&folder.join("five-frontends.yaml"), "containerPort: 8080", "containerport: 8080");
    let (code, out, err) = evenkeel(&folder, &["run", "five-frontends.toml"]);
    assert_eq!((code, out.as_str()), (2, ""));
    insta::assert_snapshot!(err);
    assert!(!folder.join("results").exists());
    let (code, out, err) = evenkeel(&folder, &["run", "five-frontends.toml", "-o", "json"]);
    assert_eq!((code, err.as_str()), (2, ""));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["schema"], "evenkeel.problems/v1");
    assert_eq!(json["problems"][0]["code"], "E0101");
}

#[test]
fn bad_usage_and_absent_files_exit_with_2() {
    let folder = workspace("usage");
    for arguments in [&["run"][..], &["--sed", "7", "five-frontends.toml"], &["list", "nothing"], &[]] {
        assert_eq!(evenkeel(&folder, arguments).0, 2, "{arguments:?}");
    }
    let (code, _, err) = evenkeel(&folder, &["run", "absent.toml"]);
    assert_eq!(code, 2);
    assert!(err.starts_with("error[E0301]: cannot read `absent.toml`: no such file"), "{err}");
    let (code, _, err) = evenkeel(&folder, &["lits"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `list`?"), "{err}");
    for arguments in [&["--help"][..], &["--version"], &["version"], &["list", "faults"]] {
        assert_eq!(evenkeel(&folder, arguments).0, 0, "{arguments:?}");
    }
}

#[test]
fn json_on_standard_output_is_what_run_json_says() {
    let folder = workspace("json");
    let (code, out, _) = evenkeel(&folder, &["five-frontends.toml", "-o", "json"]);
    assert_eq!(code, 0);
    assert_eq!(out, fs::read_to_string(folder.join("results/five-frontends/1/run.json")).unwrap());
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&json["schema"], &json["verdict"]), (&"evenkeel.run/v1".into(), &"pass".into()));
    assert_eq!(json["outages"][0]["workloads"][0]["lost"], 2);
    assert_eq!(json["outages"][0]["workloads"][0]["milestones"].as_array().unwrap().len(), 10);
}

#[test]
fn quiet_says_nothing_and_colours_come_when_asked() {
    let folder = workspace("quiet");
    assert_eq!(evenkeel(&folder, &["five-frontends.toml", "-q", "--no-save"]), (0, String::new(), String::new()));
    let (_, out, _) = evenkeel(&folder, &["five-frontends.toml", "--no-save", "--color", "always"]);
    assert!(out.contains("\u{1b}[1;32mPASS\u{1b}[0m"), "{out}");
    let (_, out, _) = evenkeel(&folder, &["five-frontends.toml", "--no-save"]);
    assert!(!out.contains('\u{1b}'), "NO_COLOR");
}

#[test]
fn nobody_reading_on_is_not_an_error() {
    let folder = workspace("pipe");
    let mut child = command(&folder, &["five-frontends.toml", "--no-save"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

/// The README shows what its first command prints, and pictures that it makes; `EVENKEEL_README=write` renews both.
#[test]
#[allow(clippy::disallowed_methods)] // a test may read its environment
fn the_readme_shows_what_the_command_shows() {
    let folder = workspace("readme");
    let (_, out, _) = evenkeel(&folder, &["run", "five-frontends.toml"]);
    // How fast this machine was is on the screen, but in no file.
    let timing = |line: &str| match line.split_once(" simulated in ") {
        Some((before, after)) => format!("{before} simulated{}", &after[after.find(" · ").unwrap()..]),
        None => line.to_string(),
    };
    let shown: Vec<String> = out.lines().take_while(|line| !line.starts_with("Files in")).map(timing).collect();
    let shown = shown.join("\n").trim_end().to_string();

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme_path = root.join("README.md");
    let pictures =
        [("timeline", "five-frontends"), ("waterfall", "five-frontends-waterfall"), ("pods", "five-frontends-pods")];
    let pictures = pictures.map(|(made, kept)| {
        let made = folder.join(format!("results/five-frontends/1/{made}.svg"));
        (fs::read_to_string(made).unwrap(), root.join(format!("docs/{kept}.svg")))
    });
    let readme = fs::read_to_string(&readme_path).unwrap();
    let start = readme.find("```text\n").expect("an excerpt") + "```text\n".len();
    let end = start + readme[start..].find("\n```").expect("its end");
    if std::env::var("EVENKEEL_README").is_ok_and(|value| value == "write") {
        fs::write(&readme_path, format!("{}{shown}{}", &readme[..start], &readme[end..])).unwrap();
        pictures.iter().for_each(|(picture, path)| fs::write(path, picture).unwrap());
    }
    let readme = fs::read_to_string(&readme_path).unwrap();
    assert!(readme.contains(&shown), "README.md does not show:\n{shown}");
    for (picture, path) in &pictures {
        assert!(fs::read_to_string(path).unwrap() == *picture, "{} is not the picture made", path.display());
    }
    // The figures in its sentences are those of the excerpt.
    let unnoticed = shown.split("for the first ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    let (number, unit) = unnoticed.split_at(unnoticed.len() - 1);
    for spelling in [format!("for {number} seconds the API"), format!("that lasts {number} {unit}")] {
        assert!(readme.contains(&spelling), "README.md does not say {spelling:?}");
    }
}

#[test]
fn every_column_is_documented() {
    let folder = workspace("columns");
    assert_eq!(evenkeel(&folder, &["five-frontends.toml", "-q"]).0, 0);
    let documentation = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/results.md")).unwrap();
    for (name, content) in files(&folder.join("results/five-frontends/1")) {
        assert!(documentation.contains(&format!("`{name}`")) || name == "five-frontends.yaml", "{name}");
        if name.ends_with(".csv") {
            let head = String::from_utf8(content).unwrap().lines().next().unwrap().to_string();
            for column in head.split(',') {
                assert!(documentation.contains(&format!("| `{column}` |")), "{name}: {column}");
            }
        }
    }
}

#[test]
fn several_files_are_one_document_for_programs() {
    let folder = workspace("documents");
    let arguments = ["five-frontends.toml", "absent.toml", "five-frontends.toml", "--no-save", "-o", "json"];
    let (code, out, _) = evenkeel(&folder, &arguments);
    let documents: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, documents.as_array().map(Vec::len)), (2, Some(3)), "{out}");
    assert_eq!(documents[0], documents[2]);
    let (_, one, _) = evenkeel(&folder, &["five-frontends.toml", "--no-save", "-o", "json"]);
    assert!(serde_json::from_str::<serde_json::Value>(&one).unwrap().is_object(), "{one}");
}

#[test]
#[cfg(target_os = "linux")]
fn an_answer_that_cannot_be_written_is_no_success() {
    let folder = workspace("full");
    for arguments in [&["five-frontends.toml", "--no-save"][..], &["list", "faults"], &["version"], &["--help"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = command(&folder, arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn pods_that_fit_nowhere_say_why_in_the_words_of_the_scheduler() {
    let folder = workspace("misfit");
    edit(&folder.join("five-frontends.toml"), "cpu = \"", "cpu = \"0.00");
    let (code, out, _) = evenkeel(&folder, &["five-frontends.toml"]);
    let why = "Insufficient cpu";
    assert!(code == 1 && out.contains(why), "{out}");
    let kept = fs::read_to_string(folder.join("results/five-frontends/1/run.json")).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert!(kept["reasons"].to_string().contains(why), "{kept:#}");
}

/// A recording of one scenario, copied from the fixtures.
fn recording(test: &str) -> PathBuf {
    let folder = workspace(test);
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/timelines");
    fs::create_dir_all(folder.join("recording/scenarios")).unwrap();
    for file in ["milestones.json", "scenarios/g1-recreate.json"] {
        fs::copy(fixture.join(file), folder.join("recording").join(file)).unwrap();
    }
    folder
}

#[test]
fn a_recording_that_agrees_exits_with_0_and_one_that_differs_with_1() {
    let folder = recording("recording");
    let arguments = ["conformance", "timeline", "recording/scenarios/g1-recreate.json", "--seeds", "20", "-o", "json"];
    let (code, out, err) = evenkeel(&folder, &arguments);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["agreed"], &report["total"]), (&1.into(), &1.into()));
    let scalar = &report["families"][0]["scenarios"][0]["scalars"][0];
    assert_eq!((scalar["recorded"].as_array().unwrap().len(), &scalar["simulated"]["share"]), (3, &1.0.into()));
    let alone = command(&folder, &arguments).env("RAYON_NUM_THREADS", "1").output().unwrap();
    assert_eq!(String::from_utf8(alone.stdout).unwrap(), out, "threads do not matter");

    edit(&folder.join("recording/milestones.json"), "\"new_pods\":3", "\"new_pods\":4");
    let (code, out, _) = evenkeel(&folder, &["conformance", "timeline", "recording", "--seeds", "20"]);
    assert!(out.contains("new_pods: recorded 4, simulated 3") && out.ends_with("0 of 1 agree\n"), "{out}");
    assert_eq!(code, 1);
}

#[test]
fn recordings_that_cannot_be_used_are_told_in_one_pass() {
    let folder = recording("recording-unusable");
    let paths = ["conformance", "timeline", "nowhere", "recording", "recording/milestones.json"];
    let (code, out, err) = evenkeel(&folder, &paths);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("cannot read `nowhere`: no such file"), "{err}");
    assert!(err.contains("`name` is missing: expected a text"), "{err}");
    assert!(err.contains("errors, nothing was run"), "{err}");
}
