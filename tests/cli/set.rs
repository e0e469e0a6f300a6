//! `--set PATH=VALUE`: which values count, what is said of wrong ones, and what is kept.

use super::*;
use serde_json::Value;

fn digest(json: &str) -> Value {
    serde_json::from_str::<Value>(json).unwrap_or_else(|error| panic!("{error}: {json}"))["receipt"]["digest"].clone()
}

/// Runs with these, and then what lies in the run folder: it is the same run.
fn runs_the_same_again(folder: &Path, file: &str, set: &[&str]) -> (Value, String) {
    let flags: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
    let (code, out, err) = evenkeel(folder, &[&["run", file, "-o", "json"], &flags[..]].concat());
    assert!(code < 2 && err.is_empty(), "{out}{err}");
    let run: Value = serde_json::from_str(&out).unwrap();
    let name = file.strip_suffix(".toml").unwrap();
    let kept = folder.join("results").join(name).join(run["receipt"]["seed"].to_string());
    let (again, out, err) = evenkeel(&kept, &["scenario.toml", "--no-save", "-o", "json"]);
    assert_eq!((again, digest(&out)), (code, run["receipt"]["digest"].clone()), "{err}");
    (run, fs::read_to_string(kept.join("scenario.toml")).unwrap())
}

#[test]
fn values_are_set_and_kept_with_the_run() {
    let folder = workspace("set");
    let set = [
        "run.hold=1m",
        "event.crash.for=\"2m\"",
        "cluster.pool.server.count=5",
        "control.kube-apiserver.default-unreachable-toleration-seconds=30",
    ];
    let (run, scenario) = runs_the_same_again(&folder, "five-frontends.toml", &set);
    assert_eq!(run["overrides"]["keys"], serde_json::json!(set));
    assert_eq!(run["overrides"]["settings"][0]["value"], "30");
    assert_ne!(run["outages"][0]["ended_us"], Value::Null, "it lasts 2 minutes now");
    for words in ["hold    = \"1m\"", "count    = 5", "no goodbye, no disk flushed", "ordinary Kubernetes YAML"] {
        assert!(scenario.contains(words), "{words:?} is not in\n{scenario}");
    }
    let (_, plain, _) = evenkeel(&folder, &["five-frontends.toml", "--no-save", "-o", "json"]);
    assert_ne!(digest(&plain), run["receipt"]["digest"]);
    let (_, out, _) = evenkeel(&folder, &["five-frontends.toml", "--no-save", "--set", "run.hold=1m"]);
    assert!(out.contains("with run.hold=1m from the command line\n"), "{out}");
}

#[test]
fn of_included_files_too_and_the_run_folder_has_one_file() {
    let folder = workspace("set-include");
    fs::create_dir(folder.join("shared")).unwrap();
    for name in ["five-frontends.toml", "five-frontends.yaml"] {
        fs::rename(folder.join(name), folder.join("shared").join(name)).unwrap();
    }
    let own = "schema = \"evenkeel/v1\"\ntitle = \"Mine\"\ninclude = [\"shared/five-frontends.toml\"]\n\n[run]\nseed = 3  # my lucky number\n";
    fs::write(folder.join("mine.toml"), own).unwrap();
    let (run, scenario) = runs_the_same_again(&folder, "mine.toml", &["event.crash.at=90s", "title=Ours"]);
    assert_eq!((&run["title"], &run["outages"][0]["happened_us"]), (&"Ours".into(), &90_000_000.into()));
    assert!(!scenario.contains("include =") && scenario.contains("# my lucky number"), "{scenario}");
    assert!(names(&folder.join("results/mine/3")).contains(&"five-frontends.yaml".to_string()));
}

#[test]
fn wrong_paths_and_values_point_at_the_argument() {
    let folder = workspace("set-wrong");
    for (set, says) in [
        ("run.holt=1m", &["did you mean `hold`?"][..]),
        ("rum.hold=1m", &["did you mean `run`?"]),
        ("event.crahs.at=2m", &["no element of `event` is called `crahs`", "did you mean `crash`?"]),
        ("event.3.at=2m", &["none is number 3"]),
        ("cluster.pool.server=3", &["is a whole table"]),
        ("title.x=3", &["`title` is a value, it has no keys"]),
        ("run.hold=soon", &["--set run.hold=soon"]),
        ("run.seed=-1", &["--set run.seed=-1"]),
        ("event.crash.do=node.crahs", &["--set event.crash.do=node.crahs", "did you mean `node.crash`?"]),
        ("event.crash.target={ zone = \"b\" }", &["error[E0203]", "--set event.crash.target"]),
        ("run.hold", &["write `run.hold=VALUE`"]),
        ("=3", &["a part of it is empty"]),
        ("include=[\"other.toml\"]", &["`include` cannot be set"]),
        ("event.crash.target={node=server-1}", &["need quotes", "--set 'event.crash.target={node=\"server-1\"}'"]),
        ("delays.ready-after={ dist = uniform }", &["--set 'delays.ready-after={ dist = \"uniform\" }'"]),
        ("manifests=[a.yaml, b.yaml]", &["--set 'manifests=[\"a.yaml\", \"b.yaml\"]'"]),
        (
            "failure.x.do=node.crash",
            &["the scenario has no `[[failure]]` `x` to change", "write the `[[failure]]` `x`"],
        ),
        (
            "control.kube-scheduler.clientConnection.qps=20",
            &["'control.kube-scheduler.\"clientConnection.qps\"=VALUE'"],
        ),
        ("manifests=[\"absent.yaml\"]", &["cannot read `absent.yaml`: no such file"]),
    ] {
        for arguments in [
            &["check", "five-frontends.toml"][..],
            &["run", "five-frontends.toml"],
            &["five-frontends.toml", "--dry-run"],
        ] {
            let (code, out, err) = evenkeel(&folder, &[arguments, &["--set", set]].concat());
            assert_eq!((code, out.as_str()), (2, ""), "{arguments:?} --set {set}");
            assert!(err.contains("error[E0"), "{set}: {err}");
            for words in says {
                assert!(err.contains(words), "{set}: {words:?} is not in\n{err}");
            }
        }
    }
    assert!(!folder.join("results").exists());
}

#[test]
fn check_and_dry_run_see_what_is_set() {
    let folder = workspace("set-check");
    let (code, out, _) = evenkeel(&folder, &["check", "five-frontends.toml", "--set", "cluster.pool.server.count=7"]);
    assert!(code == 0 && out.contains("(7 nodes,"), "{out}");
    let (code, out, _) = evenkeel(&folder, &["five-frontends.toml", "--dry-run", "--set", "event.crash.at=90s"]);
    assert!(code == 0 && out.contains("1m30s  crash"), "{out}");
}

/// They are looked for beside the scenario, wherever the command is called, and lie in the run folder.
#[test]
fn manifests_that_are_set_belong_to_the_scenario() {
    let folder = workspace("set-manifests");
    fs::create_dir(folder.join("shared")).unwrap();
    for name in ["five-frontends.toml", "five-frontends.yaml"] {
        fs::rename(folder.join(name), folder.join("shared").join(name)).unwrap();
    }
    fs::rename(folder.join("shared/five-frontends.yaml"), folder.join("shared/v2.yaml")).unwrap();
    let set = "manifests=[\"v2.yaml\"]";
    let (code, out, err) = evenkeel(&folder, &["shared/five-frontends.toml", "--set", set, "-o", "json"]);
    assert!(code < 2, "{out}{err}");
    let kept = folder.join("results/five-frontends/1");
    let (again, same, err) = evenkeel(&kept, &["scenario.toml", "--no-save", "-o", "json"]);
    assert_eq!((again, digest(&same)), (code, digest(&out)), "{err}");
    let (code, _, err) =
        evenkeel(&folder, &["check", "shared/five-frontends.toml", "--set", "manifests=[\"shared/v2.yaml\"]"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("cannot read `shared/shared/v2.yaml`") && err.contains("`shared/v2.yaml` in the folder"),
        "{err}"
    );
}
