//! Several seeds of one scenario, at the same time: each leaves its own folder, and together they leave a spread.
//!
//! Of a run that is over only its report is kept in memory, and the reports stand in the order of the seeds, so that what
//! is printed does not depend on how many ran at once.

// How long it really took is shown on the screen; nothing that is kept depends on it.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use super::arguments::{Output, RunArguments};
use super::once::{Stopped, save, simulate};
use super::progress::Progress;
use super::{exit, interrupt, terminal};
use crate::report::summary::summary;
use crate::report::{Report, Runs, Verdict};
use crate::scenario::Loaded;
use rayon::prelude::*;
use std::time::Instant;

/// Most errors of the same kind that are printed.
const ERRORS_TOLD: usize = 5;

/// Runs all seeds and shows what they have in common.
pub fn run_many(loaded: &Loaded, seeds: &[u64], arguments: &RunArguments, documents: &mut Vec<String>) -> u8 {
    let started = Instant::now();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.jobs.map_or(0, usize::from)).build();
    let pool = match pool {
        Ok(pool) => pool,
        Err(error) => {
            terminal::err(&format!("error: cannot start the threads for several runs: {error}\n"));
            return exit::UNUSABLE;
        }
    };
    let progress = Progress::of_seeds(arguments.progress, loaded.name(), seeds.len());
    let one = |&seed: &u64| {
        let run = one_seed(loaded, seed, arguments);
        progress.run_is_over();
        run
    };
    let outcomes: Vec<Result<Report, Stopped>> = pool.install(|| seeds.par_iter().map(one).collect());
    drop(progress);

    let folder = arguments.out_dir.join(loaded.name()).display().to_string();
    if let Some(code) = interrupt::exit_code() {
        let finished = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let kept = if arguments.no_save { String::new() } else { format!(" and kept in {folder}") };
        terminal::err(&format!("interrupted: {finished} of {} runs are finished{kept}\n", seeds.len()));
        return code;
    }
    let (reports, worst) = told_apart(loaded, seeds, outcomes);
    if reports.is_empty() {
        return worst;
    }
    let runs = Runs::of(&reports);
    let printed = match arguments.output {
        _ if arguments.quiet => exit::MET,
        Output::Json => {
            documents.push(runs.to_json());
            exit::MET
        }
        Output::Table => {
            let saved = (!arguments.no_save).then_some(folder.as_str());
            terminal::out(&summary(&runs, saved, terminal::style(arguments.shown, Some(started.elapsed()))))
        }
    };
    let verdict = if runs.verdict == Verdict::Fail { exit::NOT_MET } else { exit::MET };
    worst.max(printed).max(verdict)
}

fn one_seed(loaded: &Loaded, seed: u64, arguments: &RunArguments) -> Result<Report, Stopped> {
    if let Some(code) = interrupt::exit_code() {
        return Err(Stopped::Interrupted(code));
    }
    let finished = simulate(loaded, Some(seed), arguments.verbose, &mut |_| ())?;
    save(loaded, Some(seed), &finished, arguments).map_err(Stopped::Unsaved)?;
    Ok(finished.report)
}

/// The reports, after what went wrong was said; and with what to exit for that.
fn told_apart(loaded: &Loaded, seeds: &[u64], outcomes: Vec<Result<Report, Stopped>>) -> (Vec<Report>, u8) {
    let (mut reports, mut worst, mut errors) = (Vec::new(), exit::MET, 0);
    for (&seed, outcome) in seeds.iter().zip(outcomes) {
        match outcome {
            Ok(report) => reports.push(report),
            Err(stopped) => {
                errors += 1;
                let code = match &stopped {
                    Stopped::Unsaved(_) if errors > ERRORS_TOLD => exit::UNUSABLE,
                    stopped => stopped.tell(loaded, Some(seed)),
                };
                worst = worst.max(code);
            }
        }
    }
    if errors > 0 {
        terminal::err(&format!("{errors} of {} runs are missing because of errors\n", seeds.len()));
    }
    (reports, worst)
}
