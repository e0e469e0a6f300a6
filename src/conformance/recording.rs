//! A recording on disk: a folder with `scenarios/`, `milestones.json` and, if it names families, `manifest.json`.
//!
//! It opens no files itself: the caller hands texts in. Timelines are not read; the rule needs the tables that the
//! recorder computed from them.

use super::milestones::Run;
use super::scenario::{Scenario, parse};
use crate::scenario::problem::{Place, Problems, code, line_bytes};
use crate::scenario::suggest::nearest;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Where texts and lists of files come from.
pub trait Folder {
    /// The text of a file.
    ///
    /// # Errors
    /// Why it cannot be read, in a few words.
    fn text(&self, path: &str) -> Result<String, String>;

    /// Whether `path` is a folder.
    fn is_folder(&self, path: &str) -> bool;

    /// Names of the files in a folder, in any order.
    ///
    /// # Errors
    /// Why it cannot be read, in a few words.
    fn names(&self, path: &str) -> Result<Vec<String>, String>;
}

/// A scenario with its recorded runs.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The scenario.
    pub scenario: Scenario,
    /// The runs, in the order of their numbers.
    pub runs: Vec<Run>,
}

/// `manifest.json`.
#[derive(Debug, Deserialize)]
struct Families {
    families: BTreeMap<String, Vec<String>>,
}

/// What of `milestones.json` a scenario has.
#[derive(Debug, Deserialize)]
struct Milestones {
    runs: BTreeMap<String, Run>,
}

type AllMilestones = BTreeMap<String, Milestones>;

/// Reads the recordings at these paths: folders, or single scenario files within them.
///
/// # Errors
/// Everything that is wrong with them.
pub fn read(paths: &[String], disk: &impl Folder) -> Result<Vec<Recorded>, Problems> {
    let mut problems = Problems::default();
    let mut recorded: Vec<Recorded> = Vec::new();
    let mut milestones: BTreeMap<String, Option<AllMilestones>> = BTreeMap::new();
    for path in paths {
        if path.ends_with(".toml") && !disk.is_folder(path) {
            let message = format!("`{path}` is no recording of a real cluster");
            let problem = problems.error(code::RECORDING, None, message);
            problem.help(format!("if it is a scenario of ours, run it: `evenkeel run {path}`"));
            problem.help("expected a recording's folder, or a scenario file in its folder `scenarios`");
            continue;
        }
        let (folder, files) = if disk.is_folder(path) {
            let folder = path.trim_end_matches(['/', '\\']);
            let folder = if folder.is_empty() { path.as_str() } else { folder };
            (folder.to_string(), scenario_files(folder, disk, &mut problems))
        } else {
            (folder_of(path), vec![path.clone()])
        };
        if files.is_empty() {
            continue;
        }
        let known = milestones
            .entry(folder.clone())
            .or_insert_with(|| document(&format!("{folder}/milestones.json"), disk, &mut problems));
        for file in files {
            let text = match disk.text(&file) {
                Ok(text) => text,
                Err(why) => {
                    let found = problems.error(code::UNREADABLE, None, format!("cannot read `{file}`: {why}"));
                    found.help("expected a recording's folder, or a scenario file in its folder `scenarios`");
                    continue;
                }
            };
            let scenario = parse(&file, &text, &mut problems);
            let (Some(scenario), Some(known)) = (scenario, &*known) else { continue };
            if recorded.iter().any(|other| other.scenario.source.file == file) {
                continue;
            }
            match known.get(&scenario.name).map(|found| found.runs.clone()) {
                Some(runs) if !runs.is_empty() => {
                    let mut runs: Vec<(String, Run)> = runs.into_iter().collect();
                    runs.sort_by_key(|(number, _)| (number.parse::<u64>().unwrap_or(u64::MAX), number.clone()));
                    recorded.push(Recorded { scenario, runs: runs.into_iter().map(|(_, run)| run).collect() });
                }
                _ => {
                    let place = scenario.source.place("name");
                    let message = format!("`{folder}/milestones.json` has no runs of `{}`", scenario.name);
                    let guess = nearest(&scenario.name, known.keys().map(String::as_str)).map(str::to_string);
                    let found = problems.error(code::RECORDING, Some(place), message);
                    found.guess(guess.as_deref());
                    found.help("record it, add its milestones, or leave the scenario out");
                }
            }
        }
    }
    if problems.has_errors() { Err(problems) } else { Ok(recorded) }
}

/// The folder of the recording that a scenario file belongs to: the one above `scenarios`, or else its own.
fn folder_of(file: &str) -> String {
    let (folder, _) = file.rsplit_once(['/', '\\']).unwrap_or((".", file));
    match folder.rsplit_once(['/', '\\']) {
        Some((above, "scenarios")) => above.to_string(),
        None if folder == "scenarios" => ".".to_string(),
        _ => folder.to_string(),
    }
}

/// The scenario files of a recording: those that its `manifest.json` names, or all that are there.
fn scenario_files(folder: &str, disk: &impl Folder, problems: &mut Problems) -> Vec<String> {
    let scenarios = format!("{folder}/scenarios");
    let mut names = match disk.names(&scenarios) {
        Ok(names) => names,
        Err(why) => {
            let found = problems.error(code::UNREADABLE, None, format!("cannot read `{scenarios}`: {why}"));
            found.help("a recording has the folder `scenarios` and the file `milestones.json`");
            return Vec::new();
        }
    };
    names.retain(|name| name.ends_with(".json"));
    names.sort();
    let manifest = format!("{folder}/manifest.json");
    if disk.text(&manifest).is_ok() {
        let Some(Families { families }) = document(&manifest, disk, problems) else { return Vec::new() };
        names = families.into_values().flatten().map(|name| format!("{name}.json")).collect();
    } else if names.is_empty() {
        problems.error(code::RECORDING, None, format!("`{scenarios}` holds no scenario files (*.json)"));
    }
    names.into_iter().map(|name| format!("{scenarios}/{name}")).collect()
}

/// A JSON file as a type.
fn document<T: serde::de::DeserializeOwned>(path: &str, disk: &impl Folder, problems: &mut Problems) -> Option<T> {
    let text = match disk.text(path) {
        Ok(text) => text,
        Err(why) => {
            let found = problems.error(code::UNREADABLE, None, format!("cannot read `{path}`: {why}"));
            found.help("a recording has the folder `scenarios` and the file `milestones.json`");
            return None;
        }
    };
    match serde_json::from_str(&text) {
        Ok(value) => Some(value),
        Err(error) => {
            problems.keep_text(path, &text);
            let place = Place { file: path.to_string(), bytes: line_bytes(&text, error.line()) };
            let found = problems.error(code::RECORDING, Some(place), format!("`{path}` is not as expected: {error}"));
            found.note("the format is described in the README of Evenkeel's recordings");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Disk(BTreeMap<String, String>);

    impl Folder for Disk {
        fn text(&self, path: &str) -> Result<String, String> {
            self.0.get(path).cloned().ok_or_else(|| "no such file".to_string())
        }
        fn is_folder(&self, path: &str) -> bool {
            self.0.keys().any(|file| file.starts_with(&format!("{}/", path.trim_end_matches('/'))))
        }
        fn names(&self, path: &str) -> Result<Vec<String>, String> {
            let inside = |file: &String| file.strip_prefix(&format!("{path}/")).map(str::to_string);
            let names: Vec<String> = self.0.keys().filter_map(inside).collect();
            if names.is_empty() { Err("no such folder".to_string()) } else { Ok(names) }
        }
    }

    fn disk(files: &[(&str, &str)]) -> Disk {
        Disk(files.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect())
    }

    const SCENARIO: &str = r#"{"name": "a1", "nodes": [], "manifests": [], "actions": [], "duration": 5}"#;
    const MILESTONES: &str = r#"{"a1": {"family": "a", "runs": {
        "10": {"scalars": {"t": 10}, "pods": null, "events": {"Scheduled": [1, 0.1, 0.2]}},
        "2": {"scalars": {"t": 2}, "nodes": {"n1": [[3.5, "Ready=False", "+a:NoSchedule"]]},
              "Deployment": {"web": {"fields": ["t", "spec"], "rows": [[0.1, 3]]}}}}}}"#;

    #[test]
    fn a_folder_and_a_file_in_it_are_read_with_their_runs_in_order() {
        let disk = disk(&[("r/scenarios/a1.json", SCENARIO), ("r/milestones.json", MILESTONES)]);
        for path in ["r", "r/", "r/scenarios/a1.json"] {
            let found = read(&[path.to_string()], &disk).map_err(|problems| problems.render(false)).unwrap();
            let times: Vec<f64> = found[0].runs.iter().map(|run| run.scalars["t"]).collect();
            assert_eq!((found.len(), times), (1, vec![2.0, 10.0]), "{path}");
            assert_eq!(found[0].runs[0].nodes["n1"][0].what, ["Ready=False", "+a:NoSchedule"]);
            assert_eq!(found[0].runs[0].series["Deployment"]["web"].rows[0][1], 3);
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_told_in_one_pass() {
        let told = |paths: &[&str], files: &[(&str, &str)]| {
            let paths: Vec<String> = paths.iter().map(|path| path.to_string()).collect();
            read(&paths, &disk(files)).unwrap_err().render(false)
        };
        let both = told(&["x", "y.json"], &[("x/a", "")]);
        assert!(both.contains("cannot read `x/scenarios`"), "{both}");
        assert!(both.contains("cannot read `y.json`: no such file"), "{both}");
        let named = [
            ("r/scenarios/a1.json", &SCENARIO.replace("a1", "a11") as &str),
            ("r/milestones.json", MILESTONES),
            ("r/manifest.json", r#"{"families": {"a": ["a1", "a2"]}}"#),
        ];
        let both = told(&["r"], &named);
        assert!(both.contains("has no runs of `a11`"), "{both}");
        assert!(both.contains("cannot read `r/scenarios/a2.json`"), "{both}");
        let broken = [("r/scenarios/a1.json", SCENARIO), ("r/milestones.json", "{\"a1\":\n {\"runs\": 3}}")];
        let one = told(&["r"], &broken);
        assert!(one.contains("r/milestones.json:2") && one.contains("invalid type: integer `3`"), "{one}");
    }
}
