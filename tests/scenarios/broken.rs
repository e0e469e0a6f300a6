//! Files with a mistake, each named after it, and beside each what its writer is told. The first line says what was wanted.
//!
//! A file is wrong if it gives no problem at all, if a problem points into no file or past its end, or if a reader panics.
//! Manifests are read through the smallest scenario that names them.

use evenkeel::scenario::{self, Problems};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken").join(of)
}

/// The files of a folder with this ending, by name, without the ending.
fn names(of: &str, ending: &str) -> Vec<String> {
    let files = fs::read_dir(folder(of)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.filter_map(|name| name.strip_suffix(ending).map(str::to_string)).collect();
    names.sort();
    names
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_string(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_string(),
        _ => error.to_string(),
    })?;
    scenario::problem::utf8(bytes)
}

/// What is wrong with a file, and where each problem points.
fn told(problems: &Problems, files: &impl Fn(&str) -> Result<String, String>) -> String {
    assert!(!problems.list.is_empty(), "nothing is wrong with it");
    for problem in &problems.list {
        let Some(place) = &problem.place else { continue };
        let text = files(&place.file).unwrap_or_else(|why| panic!("{} is of no file: {why}", problem.message));
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        assert!(place.bytes.end <= text.len(), "{} points past the end of {}", problem.message, place.file);
        assert!(place.bytes.start <= place.bytes.end, "{} points backwards", problem.message);
    }
    assert!(problems.to_json()["problems"].is_array());
    problems.render(false)
}

fn loaded(path: &str, files: &impl Fn(&str) -> Result<String, String>) -> String {
    match scenario::load(path, files) {
        Ok(loaded) => told(&loaded.warnings, files),
        Err(problems) => {
            assert!(problems.has_errors(), "refused without an error");
            told(&problems, files)
        }
    }
}

/// Compares what each file gives with the snapshot beside it; all that differ are told.
fn compare(of: &str, names: &[String], messages: impl Fn(&str) -> String) {
    let mut wrong = Vec::new();
    for name in names {
        let compared = catch_unwind(AssertUnwindSafe(|| {
            let messages = messages(name);
            insta::with_settings!({
                snapshot_path => format!("../broken/{of}"),
                prepend_module_to_snapshot => false,
                omit_expression => true,
            }, { insta::assert_snapshot!(name.as_str(), messages) });
        }));
        if compared.is_err() {
            wrong.push(name.as_str());
        }
    }
    assert!(wrong.is_empty(), "{} of {} files: {}", wrong.len(), names.len(), wrong.join(", "));
}

#[test]
fn every_broken_scenario_says_what_is_wrong_with_it() {
    let names = names("scenario", ".toml");
    assert!(names.len() >= 100, "the files were found");
    let files = |path: &str| read(&folder("scenario").join(path));
    compare("scenario", &names, |name| loaded(&format!("{name}.toml"), &files));
}

#[test]
fn every_broken_manifest_says_what_is_wrong_with_it() {
    let names = names("manifest", ".yaml");
    assert!(names.len() >= 50, "the files were found");
    compare("manifest", &names, |name| {
        let around = format!(
            "schema = \"evenkeel/v1\"\ntitle = \"A manifest\"\nmanifests = [\"{name}.yaml\"]\n\n[[cluster.pool]]\nname = \"w\"\ncount = 1\ncapacity = {{ cpu = \"4\", memory = \"8Gi\" }}\n"
        );
        let files = |path: &str| match path {
            "around.toml" => Ok(around.clone()),
            path => read(&folder("manifest").join(path)),
        };
        loaded("around.toml", &files)
    });
}

/// A snapshot of a file that is gone would stay for ever.
#[test]
fn every_message_belongs_to_a_file() {
    for (of, ending) in [("scenario", ".toml"), ("manifest", ".yaml")] {
        assert_eq!(names(of, ".snap"), names(of, ending));
    }
}
