//! `evenkeel run`.

// How long a run really took is shown on the screen; nothing that is kept depends on it.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use super::arguments::{Output, RunArguments};
use super::{exit, files, terminal};
use crate::report::screen::{Style, screen};
use crate::report::{Finished, Verdict, simulate};
use crate::scenario::suggest::nearest;
use crate::scenario::{self, Loaded, Problems};
use anyhow::Result;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

/// Commands that a word may be a slip of.
const VERBS: [&str; 4] = ["run", "conformance", "list", "version"];

/// Runs each file; the worst outcome gives the exit code.
pub fn run(arguments: &RunArguments) -> u8 {
    let mut documents = Vec::new();
    let worst = arguments.files.iter().map(|file| run_file(file, arguments, &mut documents)).max();
    let printed = match documents.as_slice() {
        [] => exit::MET,
        [one] if arguments.files.len() == 1 => terminal::out(one),
        many => {
            let joined: Vec<&str> = many.iter().map(|document| document.trim_end()).collect();
            terminal::out(&format!("[\n{}\n]\n", joined.join(",\n")))
        }
    };
    worst.unwrap_or(exit::UNUSABLE).max(printed)
}

/// Runs one file. What programs read goes to `documents`: of several files it has to be one.
fn run_file(file: &Path, arguments: &RunArguments, documents: &mut Vec<String>) -> u8 {
    let read = |path: &str| std::fs::read_to_string(path).map_err(|error| reason(&error));
    let loaded = match scenario::load(&file.to_string_lossy(), &read) {
        Ok(loaded) => loaded,
        Err(mut problems) => {
            guess_verb(file, &mut problems);
            report_problems(&problems, arguments, documents);
            return exit::UNUSABLE;
        }
    };
    if !loaded.warnings.list.is_empty() && !arguments.quiet {
        terminal::err(&loaded.warnings.render(terminal::is_colored(arguments.color, &std::io::stderr())));
    }
    let started = Instant::now();
    // A broken invariant panics; what the user needs then is how to have the same run again.
    let finished = match catch_unwind(AssertUnwindSafe(|| simulate(&loaded, arguments.seed))) {
        Ok(finished) => finished,
        Err(_) => return broken(&loaded, arguments.seed, &["the engine stopped itself, see above".to_string()]),
    };
    let wall = started.elapsed();
    if let Err(violations) = finished.world.audit() {
        return broken(&loaded, arguments.seed, &violations);
    }
    let saved = match save(&loaded, &finished, arguments) {
        Ok(saved) => saved,
        Err(error) => {
            terminal::err(&format!("error: {error:#}\n"));
            return exit::UNUSABLE;
        }
    };
    let printed = match arguments.output {
        _ if arguments.quiet => exit::MET,
        Output::Json => {
            documents.push(finished.report.to_json());
            exit::MET
        }
        Output::Table => {
            let style = Style { color: terminal::is_colored(arguments.color, &std::io::stdout()), wall: Some(wall) };
            let saved = saved.as_ref().map(|(folder, files)| (folder.as_str(), files.as_slice()));
            terminal::out(&screen(&finished.report, saved, style))
        }
    };
    match finished.report.verdict {
        Verdict::Pass => printed,
        Verdict::Fail => printed.max(exit::NOT_MET),
    }
}

/// The folder and the names of the files in it.
type Saved = (String, Vec<String>);

fn save(loaded: &Loaded, finished: &Finished, arguments: &RunArguments) -> Result<Option<Saved>> {
    if arguments.no_save {
        return Ok(None);
    }
    let receipt = &finished.report.receipt;
    let folder = files::folder(&arguments.out_dir, loaded.name(), receipt.seed);
    files::may_write(&folder, receipt, arguments.force)?;
    let contents = files::contents(loaded, arguments.seed, finished)?;
    files::write(&folder, &contents)?;
    Ok(Some((folder.display().to_string(), contents.into_iter().map(|(name, _)| name).collect())))
}

fn report_problems(problems: &Problems, arguments: &RunArguments, documents: &mut Vec<String>) {
    match arguments.output {
        Output::Json => documents.push(format!("{:#}\n", problems.to_json())),
        Output::Table => {
            terminal::err(&problems.render(terminal::is_colored(arguments.color, &std::io::stderr())));
            let errors = problems.list.iter().filter(|problem| problem.severity == scenario::problem::Severity::Error);
            let errors = crate::report::words::counted(errors.count(), "error");
            terminal::err(&format!("{errors}, nothing was run\n"));
        }
    }
}

/// A word that is no file may be a slip of a command.
fn guess_verb(file: &Path, problems: &mut Problems) {
    let word = file.to_string_lossy();
    if let [only] = problems.list.as_mut_slice()
        && only.place.is_none()
        && !file.exists()
        && !word.contains(['.', '/', '\\'])
    {
        only.guess(nearest(&word, VERBS)).help("`evenkeel --help` shows all commands");
    }
}

fn broken(loaded: &Loaded, seed: Option<u64>, violations: &[String]) -> u8 {
    let seed = seed.unwrap_or(loaded.scenario.run.seed.value);
    let version = env!("CARGO_PKG_VERSION");
    let mut text = String::from("error: an invariant of the simulator broke; this is our fault, not yours\n");
    violations.iter().for_each(|violation| text.push_str(&format!("  {violation}\n")));
    text.push_str(&format!("  receipt: {version}/{}/{seed}\n", loaded.hash()));
    text.push_str(&format!("  please report it with this receipt, {} and its manifests\n", loaded.path));
    terminal::err(&text);
    exit::BROKEN
}

/// Why a file cannot be read, without the number that the system adds.
pub fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_string(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_string(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8 text".to_string(),
        _ => error.to_string(),
    }
}
