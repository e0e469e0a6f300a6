//! `verify`: an untouched run passes, and every byte that somebody changed is found.

use super::*;
use evenkeel::report::InputFile;
use serde_json::Value;

const KEPT: &str = "results/five-frontends/1";

/// A workspace with a run in it.
fn with_run(test: &str) -> PathBuf {
    let folder = workspace(test);
    assert_eq!(evenkeel(&folder, &["five-frontends.toml", "-q"]).0, 0);
    folder
}

/// Changes a `run.json` as a whole and seals it again.
fn reseal(path: &Path, from: &str, to: &str) {
    edit(path, from, to);
    let text = fs::read_to_string(path).unwrap();
    let (body, _) = text.rsplit_once(",\n  \"seal\"").unwrap();
    fs::write(path, format!("{body},\n  \"seal\": \"{}\"\n}}\n", InputFile::hash_of(body.as_bytes()))).unwrap();
}

#[test]
fn an_untouched_run_passes_however_it_is_named() {
    let folder = with_run("verify");
    for run in [KEPT, "results/five-frontends", "results/five-frontends/1/run.json"] {
        let (code, out, err) = evenkeel(&folder, &["verify", run]);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        let count = names(&folder.join(KEPT)).len();
        let says = format!("results/five-frontends/1: the same run again: {count} files, digest ");
        assert!(out.starts_with(&says), "{out}");
    }
    fs::write(folder.join(KEPT).join("notes.txt"), "mine").unwrap();
    let (code, out, _) = evenkeel(&folder, &["verify", KEPT]);
    assert!(code == 0 && out.ends_with("\n  not of the run, not compared: notes.txt\n"), "{out}");
    let (code, out, _) = evenkeel(&folder.join(KEPT), &["verify", ".", "-o", "json"]);
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &document["schema"]), (0, &"evenkeel.verify/v1".into()));
    assert_eq!(document["runs"][0]["verdict"], "pass");
    assert_eq!(document["runs"][0]["extra"], serde_json::json!(["notes.txt"]));
}

#[test]
fn runs_with_overrides_seeds_and_includes_pass_too() {
    let folder = workspace("verify-overrides");
    fs::create_dir(folder.join("shared")).unwrap();
    for name in ["five-frontends.toml", "five-frontends.yaml"] {
        fs::copy(folder.join(name), folder.join("shared").join(name)).unwrap();
    }
    let own = "schema = \"evenkeel/v1\"\ntitle = \"Mine\"\ninclude = [\"shared/five-frontends.toml\"]\n";
    fs::write(folder.join("mine.toml"), own).unwrap();
    for arguments in [
        &["five-frontends.toml", "--seed", "7"][..],
        &["five-frontends.toml", "--until", "20m", "--stop", "time"],
        &["five-frontends.toml", "--seed", "3..5", "--set", "run.hold=1m", "--set", "title=Other"],
        &["mine.toml", "--seed", "9", "--set", "event.crash.at=90s"],
    ] {
        assert!(evenkeel(&folder, &[arguments, &["-q"]].concat()).0 < 2, "{arguments:?}");
    }
    let (code, out, err) = evenkeel(&folder, &["verify", "results/five-frontends", "results/mine"]);
    assert_eq!((code, out.matches("the same run again").count(), err.as_str()), (0, 6, ""), "{out}");
}

#[test]
fn a_changed_byte_of_any_file_is_found_and_so_is_a_lost_end() {
    let folder = with_run("verify-bytes");
    let kept = folder.join(KEPT);
    for (name, content) in files(&kept) {
        let mut changed = content.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        let (path, shorter) = (kept.join(&name), &content[..content.len() - 1]);
        for wrong in [changed.as_slice(), shorter, b""] {
            fs::write(&path, wrong).unwrap();
            let (code, out, err) = evenkeel(&folder, &["verify", KEPT]);
            assert_eq!((code, err.as_str()), (1, ""), "{name}, {} bytes: {out}", wrong.len());
            assert!(out.contains(&format!("1 file is not as the run wrote it\n  {name}")), "{name}: {out}");
        }
        fs::remove_file(&path).unwrap();
        let (code, out, _) = evenkeel(&folder, &["verify", KEPT]);
        assert_eq!(code, if name == "run.json" { 2 } else { 1 }, "{name}: {out}");
        fs::write(&path, content).unwrap();
    }
    assert_eq!(evenkeel(&folder, &["verify", KEPT]).0, 0);
}

#[test]
fn a_difference_is_shown_where_it_is() {
    let folder = workspace("verify-shown");
    assert_eq!(evenkeel(&folder, &["five-frontends.toml", "-q", "--plots", "png"]).0, 0);
    let kept = folder.join(KEPT);
    let lines: Vec<String> = fs::read_to_string(kept.join("timeline.csv")).unwrap().lines().map(String::from).collect();
    let third = lines[2].clone();
    edit(&kept.join("timeline.csv"), &format!("{}\n{third}\n", lines[1]), &format!("{}\n{third}9\n", lines[1]));
    edit(&kept.join("run.json"), "\"lost\": 2", "\"lost\": 3");
    let mut picture = fs::read(kept.join("timeline.png")).unwrap();
    picture[1000] ^= 0xff;
    fs::write(kept.join("timeline.png"), &picture).unwrap();
    let (code, out, _) = evenkeel(&folder, &["verify", KEPT]);
    assert_eq!(code, 1);
    assert!(out.contains("3 files are not as the run wrote them"), "{out}");
    assert!(out.contains(&format!("timeline.csv:3\n    found    `{third}9`\n    expected `{third}`\n")), "{out}");
    assert!(out.contains("found    `          \"lost\": 3,`\n    expected `          \"lost\": 2,`"), "{out}");
    let byte = picture[1000];
    assert!(out.contains(&format!("timeline.png, byte 1,000\n    found    0x{byte:02X}\n")), "{out}");
    let (_, out, _) = evenkeel(&folder, &["verify", KEPT, "-o", "json"]);
    let document: Value = serde_json::from_str(&out).unwrap();
    let places: Vec<(&Value, &Value)> =
        document["runs"][0]["differences"].as_array().unwrap().iter().map(|d| (&d["line"], &d["byte"])).collect();
    assert_eq!(places[1..], [(&3.into(), &Value::Null), (&Value::Null, &1000.into())], "{out}");
}

#[test]
fn another_version_or_no_run_cannot_be_verified() {
    let folder = with_run("verify-unusable");
    for (run, says) in [
        ("five-frontends.toml", "is a scenario and no run folder"),
        (".", "is no run folder: there is no `run.json` in it; `evenkeel run FILE` makes one"),
        ("absent", "no such file; expected a run folder, as `results/node-crash/1`, or a scenario file"),
    ] {
        let (code, out, err) = evenkeel(&folder, &["verify", run]);
        assert_eq!((code, out.as_str()), (2, ""), "{run}");
        assert!(err.contains(says), "{run}: {err}");
    }
    let receipt = folder.join(KEPT).join("run.json");
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    reseal(&receipt, &version, "\"version\": \"0.0.1\"");
    let (code, _, err) = evenkeel(&folder, &["verify", KEPT]);
    assert_eq!(code, 2);
    assert!(err.contains("was made by version 0.0.1, and this is version"), "{err}");
}

#[test]
fn the_same_inputs_with_another_digest_are_our_fault() {
    let folder = with_run("verify-fault");
    let receipt = folder.join(KEPT).join("run.json");
    let digest = fs::read_to_string(&receipt).unwrap();
    let digest = digest.split("\"digest\": \"").nth(1).unwrap()[..32].to_string();
    reseal(&receipt, &digest, &"0".repeat(32));
    let (code, out, err) = evenkeel(&folder, &["verify", KEPT]);
    assert_eq!(code, 3, "{out}");
    assert!(err.contains("this is our fault, not yours\n  receipt: ") && err.contains(&digest), "{err}");
}
