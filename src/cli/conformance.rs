//! `evenkeel conformance`: the simulator against recordings of a real cluster.

use super::arguments::{Conformance, ConformanceOutput, TimelineArguments};
use super::input::reason;
use super::{exit, terminal};
use crate::conformance::{self, Folder, Outcome, Recorded, Replay, Report, Summary};
use crate::scenario::Problems;
use rayon::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs what was asked for.
pub fn conformance(what: &Conformance) -> u8 {
    match what {
        Conformance::Timeline(arguments) => timeline(arguments),
    }
}

/// The disk.
struct Disk;

impl Folder for Disk {
    fn text(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(path).map_err(|error| reason(&error))
    }

    fn is_folder(&self, path: &str) -> bool {
        std::path::Path::new(path).is_dir()
    }

    fn names(&self, path: &str) -> Result<Vec<String>, String> {
        let entries = std::fs::read_dir(path).map_err(|error| reason(&error))?;
        let name = |entry: std::io::Result<std::fs::DirEntry>| match entry {
            Ok(entry) => Ok(entry.file_name().to_string_lossy().into_owned()),
            Err(error) => Err(reason(&error)),
        };
        entries.map(name).collect()
    }
}

fn timeline(arguments: &TimelineArguments) -> u8 {
    let paths: Vec<String> = arguments.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let (recordings, mut problems) = match conformance::read(&paths, &Disk) {
        Ok(recordings) => (recordings, Problems::default()),
        Err(problems) => (Vec::new(), problems),
    };
    let mut ready = Vec::new();
    for recorded in &recordings {
        recorded.scenario.source.keep(&mut problems);
        ready.push((recorded, Replay::of(recorded, &mut problems)));
    }
    if problems.has_errors() {
        return unusable(&problems, arguments);
    }
    let mut outcomes = Vec::new();
    for (recorded, replay) in ready {
        let outcome = match replay {
            Err(needs) => Outcome::unbuilt(recorded, needs),
            Ok(replay) => match simulate(&replay, arguments.seeds) {
                Ok(simulated) => Outcome::of(recorded, &replay, &simulated),
                Err(violations) => return broken(recorded, &violations),
            },
        };
        outcomes.push(outcome);
    }
    let report = Report::of(outcomes);
    let printed = terminal::out(&match arguments.output {
        ConformanceOutput::Table => report.to_text(),
        ConformanceOutput::Md => report.to_markdown(),
        ConformanceOutput::Json => format!("{:#}\n", report.to_json()),
    });
    if report.agrees() { printed } else { printed.max(exit::NOT_MET) }
}

/// All seeds, on all cores; the results stand in the order of the seeds.
fn simulate(replay: &Replay, seeds: u64) -> Result<Vec<Summary>, Vec<String>> {
    let one = |seed| {
        let told = |violations: Vec<String>| violations.iter().map(|words| format!("seed {seed}: {words}")).collect();
        match catch_unwind(AssertUnwindSafe(|| replay.run(seed))) {
            Ok(result) => result.map_err(told),
            Err(_) => Err(told(vec!["the engine stopped itself, see above".to_string()])),
        }
    };
    (0..seeds).into_par_iter().map(one).collect()
}

fn unusable(problems: &Problems, arguments: &TimelineArguments) -> u8 {
    match arguments.output {
        ConformanceOutput::Json => drop(terminal::out(&format!("{:#}\n", problems.to_json()))),
        ConformanceOutput::Table | ConformanceOutput::Md => {
            terminal::err(&problems.render(terminal::is_colored(arguments.color, &std::io::stderr())));
            let errors = crate::report::words::counted(problems.list.len(), "error");
            terminal::err(&format!("{errors}, nothing was run\n"));
        }
    }
    exit::UNUSABLE
}

fn broken(recorded: &Recorded, violations: &[String]) -> u8 {
    let mut text = String::from("error: an invariant of the simulator broke; this is our fault, not yours\n");
    violations.iter().for_each(|violation| text.push_str(&format!("  {violation}\n")));
    let version = env!("CARGO_PKG_VERSION");
    text.push_str(&format!("  please report it with {} and version {version}\n", recorded.scenario.source.file));
    terminal::err(&text);
    exit::BROKEN
}
