//! `evenkeel run`: files one after another, and of each one run or, by `seeds`, many.

// How long a run really took is shown on the screen; nothing that is kept depends on it.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use super::arguments::{Cli, Output, RunArguments};
use super::input::{Input, inputs};
use super::overrides;
use super::progress::Progress;
use super::{dry_run, exit, files, interrupt, seeds, terminal};
use crate::cluster::World;
use crate::kernel::time::Time;
use crate::report::screen::screen;
use crate::report::words::counted;
use crate::report::{Finished, Verdict, simulate_while};
use crate::scenario::problem::Severity;
use crate::scenario::suggest::nearest;
use crate::scenario::{Loaded, Problems};
use anyhow::Result;
use clap::CommandFactory;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

/// Runs each file; the worst outcome gives the exit code.
pub fn run(arguments: &RunArguments) -> u8 {
    interrupt::listen();
    let mut documents = Vec::new();
    let inputs = match inputs(arguments.files()) {
        Ok(inputs) => inputs,
        Err(problems) => {
            report_problems(&problems, arguments, &mut documents);
            terminal::out(&documents.concat());
            return exit::UNUSABLE;
        }
    };
    let overrides = overrides::of(arguments);
    let mut worst = exit::MET;
    for input in &inputs {
        worst = worst.max(run_input(input, &overrides, arguments, &mut documents));
        if let Some(code) = interrupt::exit_code() {
            return code;
        }
    }
    worst.max(print_documents(&documents, inputs.len()))
}

/// What programs read is one document, of several files too.
fn print_documents(documents: &[String], inputs: usize) -> u8 {
    match documents {
        [] => exit::MET,
        [one] if inputs == 1 => terminal::out(one),
        many => {
            let joined: Vec<&str> = many.iter().map(|document| document.trim_end()).collect();
            terminal::out(&format!("[\n{}\n]\n", joined.join(",\n")))
        }
    }
}

fn run_input(input: &Input, overrides: &[String], arguments: &RunArguments, documents: &mut Vec<String>) -> u8 {
    let loaded = match input.load(overrides) {
        Ok(loaded) => loaded,
        Err(mut problems) => {
            guess_verb(&input.path, &mut problems);
            report_problems(&problems, arguments, documents);
            return exit::UNUSABLE;
        }
    };
    if !loaded.warnings.list.is_empty() && !arguments.quiet {
        terminal::problems(&loaded.warnings, arguments.shown);
    }
    let seeds = arguments.seed.as_ref().map_or(&[][..], |seeds| &seeds.0);
    if arguments.dry_run {
        return dry_run::dry_run(&loaded, seeds, arguments, documents);
    }
    if arguments.verbose > 0 {
        terminal::err(&introduction(&loaded, overrides));
    }
    match seeds {
        [] => run_once(&loaded, None, overrides, arguments, documents),
        [seed] => run_once(&loaded, Some(*seed), overrides, arguments, documents),
        many => seeds::run_many(&loaded, many, overrides, arguments, documents),
    }
}

/// One run, on the screen.
fn run_once(
    loaded: &Loaded,
    seed: Option<u64>,
    keys: &[String],
    arguments: &RunArguments,
    documents: &mut Vec<String>,
) -> u8 {
    let started = Instant::now();
    let progress = Progress::of_run(arguments.progress, loaded.name(), Time::ZERO + loaded.scenario.run.until);
    let run = simulate(loaded, seed, keys, arguments, &mut |world| progress.at(world.now()));
    drop(progress);
    let wall = started.elapsed();
    let (finished, saved) = match run.and_then(|finished| {
        let saved = save(loaded, seed, &finished, arguments).map_err(Stopped::Unsaved)?;
        Ok((finished, saved))
    }) {
        Ok(run) => run,
        Err(stopped) => return stopped.tell(loaded, seed),
    };
    let printed = match arguments.output {
        _ if arguments.quiet => exit::MET,
        Output::Json => {
            documents.push(finished.report.to_json());
            exit::MET
        }
        Output::Table => {
            let saved = saved.as_ref().map(|(folder, files)| (folder.as_str(), files.as_slice()));
            terminal::out(&screen(&finished.report, saved, terminal::style(arguments.shown, Some(wall))))
        }
    };
    match finished.report.verdict {
        Verdict::Pass => printed,
        Verdict::Fail => printed.max(exit::NOT_MET),
    }
}

/// Why a run did not come to its end, or left nothing.
pub enum Stopped {
    /// Somebody wanted it to stop.
    Interrupted(u8),
    /// An invariant broke.
    Broken(Vec<String>),
    /// Its folder could not be written.
    Unsaved(anyhow::Error),
}

impl Stopped {
    /// Says so, and with what to exit.
    pub fn tell(&self, loaded: &Loaded, seed: Option<u64>) -> u8 {
        match self {
            Stopped::Interrupted(code) => {
                terminal::err("interrupted; of the run in progress nothing is kept\n");
                *code
            }
            Stopped::Broken(violations) => broken(loaded, seed, violations),
            Stopped::Unsaved(error) => {
                terminal::err(&format!("error: {error:#}\n"));
                exit::UNUSABLE
            }
        }
    }
}

/// Runs to the end while `look` may watch, and checks that nothing impossible has happened.
///
/// # Errors
/// If it did not come to its end.
pub fn simulate(
    loaded: &Loaded,
    seed: Option<u64>,
    keys: &[String],
    arguments: &RunArguments,
    look: &mut dyn FnMut(&World),
) -> Result<Finished, Stopped> {
    let mut told = 0;
    let mut goes_on = |world: &World| {
        look(world);
        if arguments.verbose > 1 {
            tell_facts(world, seed, &mut told);
        }
        interrupt::exit_code().is_none()
    };
    // A broken invariant panics; what the user needs then is how to have the same run again.
    let run = catch_unwind(AssertUnwindSafe(|| {
        simulate_while(loaded, seed, &mut || interrupt::exit_code().is_none(), &mut goes_on)
    }));
    let stopped_itself = || Stopped::Broken(vec!["the engine stopped itself, see above".to_string()]);
    let run = run.map_err(|_| stopped_itself())?;
    let mut finished = run.ok_or_else(|| Stopped::Interrupted(interrupt::exit_code().unwrap_or(exit::UNUSABLE)))?;
    finished.world.audit().map_err(Stopped::Broken)?;
    finished.report.overrides.keys = keys.to_vec();
    if arguments.verbose > 0 {
        let report = &finished.report;
        let facts = counted(finished.world.recorder().facts.len(), "fact");
        terminal::err(&format!("seed {}: {facts}, digest {}\n", report.receipt.seed, report.receipt.digest));
    }
    Ok(finished)
}

/// What has happened since this was last told.
fn tell_facts(world: &World, seed: Option<u64>, told: &mut usize) {
    let facts = &world.recorder().facts;
    let seed = seed.map_or_else(String::new, |seed| format!("seed {seed} "));
    let mut text = String::new();
    for recorded in &facts[*told..] {
        let (what, object, detail) = recorded.fact.in_words();
        text.push_str(format!("{seed}{:>14}  {what} {object} {detail}", recorded.at.to_string()).trim_end());
        text.push('\n');
    }
    *told = facts.len();
    terminal::err(&text);
}

/// What a run is made of, for who wants to know more.
fn introduction(loaded: &Loaded, keys: &[String]) -> String {
    let config = loaded.config(None);
    let (settings, delays) = (loaded.scenario.settings.len(), loaded.scenario.delays.len());
    let mut text = format!(
        "{}: {}, {}, {}, {}; {} and {} of its own; hash {}\n",
        loaded.path,
        counted(config.nodes.len(), "node"),
        counted(config.manifests.len(), "object"),
        counted(config.events.len(), "event"),
        counted(loaded.scenario.expectations.len(), "expectation"),
        counted(settings, "setting"),
        counted(delays, "delay"),
        loaded.hash(),
    );
    keys.iter().for_each(|key| text.push_str(&format!("with {key} from the command line\n")));
    text
}

/// The folder and the names of the files in it.
type Saved = (String, Vec<String>);

/// Writes the run folder, as a whole or not at all, if it is wanted.
pub fn save(
    loaded: &Loaded,
    seed: Option<u64>,
    finished: &Finished,
    arguments: &RunArguments,
) -> Result<Option<Saved>> {
    if arguments.no_save {
        return Ok(None);
    }
    let receipt = &finished.report.receipt;
    let folder = files::folder(&arguments.out_dir, loaded.name(), receipt.seed);
    files::may_write(&folder, receipt, arguments.force)?;
    let contents = files::contents(loaded, seed, finished)?;
    files::write(&folder, &contents)?;
    Ok(Some((folder.display().to_string(), contents.into_iter().map(|(name, _)| name).collect())))
}

fn report_problems(problems: &Problems, arguments: &RunArguments, documents: &mut Vec<String>) {
    match arguments.output {
        Output::Json => documents.push(format!("{:#}\n", problems.to_json())),
        Output::Table => {
            terminal::problems(problems, arguments.shown);
            let errors = problems.list.iter().filter(|problem| problem.severity == Severity::Error);
            terminal::err(&format!("{}, nothing was run\n", counted(errors.count(), "error")));
        }
    }
}

/// A word that is no file may be a slip of a command.
fn guess_verb(word: &str, problems: &mut Problems) {
    if let [only] = problems.list.as_mut_slice()
        && only.place.is_none()
        && !Path::new(word).exists()
        && !word.contains(['.', '/', '\\'])
    {
        let command = Cli::command();
        let verbs = command.get_subcommands().map(clap::Command::get_name);
        only.guess(nearest(word, verbs)).help("`evenkeel --help` shows all commands");
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
