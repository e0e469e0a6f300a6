//! Every scenario file: what it says on the screen and the digest of its run, and that it holds for other seeds. And the
//! files of the fuzzing corpus: whatever they hold, the readers come back with an answer.

#![allow(clippy::disallowed_methods)] // a test may read its environment

use evenkeel::kernel::time::Span;
use evenkeel::report::screen::{Style, screen};
use evenkeel::report::{Verdict, simulate};
use evenkeel::scenario::{self, Loaded};
use rayon::prelude::*;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

#[path = "scenarios/accounts.rs"]
mod accounts;
#[path = "scenarios/broken.rs"]
mod broken;
#[path = "corpus/harness.rs"]
mod harness;
#[path = "scenarios/shifts.rs"]
mod shifts;
#[path = "scenarios/waterfall.rs"]
mod waterfall;

fn scenarios() -> Vec<Loaded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    let read = |path: &str| fs::read_to_string(folder.join(path)).map_err(|error| error.to_string());
    let load =
        |name: &String| scenario::load(name, &read).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    names.iter().map(load).collect()
}

#[test]
fn every_scenario_has_the_summary_and_the_digest_that_it_had() {
    for loaded in scenarios() {
        let finished = simulate(&loaded, None);
        assert_eq!(finished.world.audit(), Ok(()), "{}", loaded.name());
        let screen = screen(&finished.report, None, Style::default());
        let warnings = loaded.warnings.render(false);
        insta::assert_snapshot!(
            loaded.name(),
            format!("{warnings}{screen}digest {}\n", finished.report.receipt.digest)
        );
    }
}

/// Seeds per scenario; `EVENKEEL_CASES` asks for more. A run of weeks takes as long as some thousand of minutes: few do.
fn cases(loaded: &Loaded) -> u64 {
    let cases: u64 = std::env::var("EVENKEEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200);
    let is_long = loaded.scenario.run.until > Span::DAY;
    // There are a dozen of them: of a longer search each gets its part.
    if is_long { cases.div_ceil(400) } else { cases.min(200).max(cases / 15) }
}

#[test]
fn every_scenario_meets_its_expectations_with_every_seed() {
    for loaded in scenarios() {
        let cases = cases(&loaded);
        let failed: Vec<String> = (1..=cases)
            .into_par_iter()
            .filter_map(|seed| {
                let finished = simulate(&loaded, Some(seed));
                let audit = finished.world.audit();
                let is_good = finished.report.verdict == Verdict::Pass && audit.is_ok();
                (!is_good).then(|| format!("{}{audit:?}", screen(&finished.report, None, Style::default())))
            })
            .collect();
        assert!(failed.is_empty(), "{} of {cases} seeds fail, the first:\n{}", failed.len(), failed[0]);
    }
}

#[test]
fn every_scenario_is_laid_out_as_fmt_would() {
    for loaded in scenarios() {
        assert_eq!(scenario::edit::fmt::format(loaded.text()).as_deref(), Ok(loaded.text()), "{}", loaded.name());
    }
}

/// The files of the corpus of one fuzz target.
fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The files with which a harness panics.
fn panics(target: &str, harness: fn(&[u8])) -> Vec<String> {
    let files = corpus(target);
    assert!(files.len() >= 30, "the corpus of {target} was found");
    let has_panicked = |file: &PathBuf| {
        let bytes = fs::read(file).unwrap();
        catch_unwind(|| harness(&bytes)).is_err().then(|| file.file_name().unwrap().to_string_lossy().into_owned())
    };
    files.par_iter().filter_map(has_panicked).collect()
}

#[test]
fn the_readers_come_back_from_every_file_of_the_corpus() {
    assert_eq!(panics("scenario", harness::scenario), Vec::<String>::new());
    assert_eq!(panics("manifest", harness::manifests), Vec::<String>::new());
}
