//! `evenkeel run`: files one after another, and of each one run or, by `seeds`, many.

// How long a run really took is shown on the screen; nothing that is kept depends on it.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use super::arguments::{Cli, Output, RunArguments};
use super::input::{Input, inputs};
use super::once::{Stopped, save, simulate};
use super::overrides;
use super::progress::Progress;
use super::{dry_run, exit, interrupt, seeds, terminal};
use crate::kernel::time::Time;
use crate::report::Verdict;
use crate::report::screen::screen;
use crate::report::words::counted;
use crate::scenario::problem::Severity;
use crate::scenario::suggest::nearest;
use crate::scenario::{Loaded, Problems};
use clap::CommandFactory;
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
        [] => run_once(&loaded, None, arguments, documents),
        [seed] => run_once(&loaded, Some(*seed), arguments, documents),
        many => seeds::run_many(&loaded, many, arguments, documents),
    }
}

/// One run, on the screen.
fn run_once(loaded: &Loaded, seed: Option<u64>, arguments: &RunArguments, documents: &mut Vec<String>) -> u8 {
    let started = Instant::now();
    let progress = Progress::of_run(arguments.progress, loaded.name(), Time::ZERO + loaded.scenario.run.until);
    let run = simulate(loaded, seed, arguments.verbose, &mut |world| progress.at(world.now()));
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
