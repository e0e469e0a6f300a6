//! `evenkeel run --dry-run`: what would run, and roughly at what cost.

// A trial is timed; nothing that is kept depends on it.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use super::arguments::{Output, RunArguments};
use super::{exit, interrupt, terminal};
use crate::cluster::World;
use crate::kernel::time::{Span, Time};
use crate::report::plan::{Estimate, Plan};
use crate::scenario::Loaded;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Simulated time that is tried: long enough for several rounds of everything that goes round every 10 s.
const TRIAL: Span = Span::from_secs(60);
/// Events after which a trial is long enough however little time they are.
const TRIAL_EVENTS: u64 = 300_000;

/// Prints the plan.
pub fn dry_run(loaded: &Loaded, seeds: &[u64], arguments: &RunArguments, documents: &mut Vec<String>) -> u8 {
    let own = [loaded.scenario.run.seed.value];
    let seeds = if seeds.is_empty() { &own } else { seeds };
    let mut plan = Plan::of(loaded, seeds);
    let jobs = arguments.jobs.map_or_else(rayon::current_num_threads, usize::from);
    // That the engine stops itself is the business of a run.
    plan.estimate = catch_unwind(AssertUnwindSafe(|| estimate(loaded, seeds[0], jobs))).ok().flatten();
    if let Some(code) = interrupt::exit_code() {
        terminal::err("interrupted\n");
        return code;
    }
    match arguments.output {
        _ if arguments.quiet => exit::MET,
        Output::Json => {
            documents.push(plan.to_json());
            exit::MET
        }
        Output::Table => terminal::out(&plan.to_text(terminal::style(arguments.shown, None))),
    }
}

/// What a trial says of the cost; nothing if somebody wants it to stop.
fn estimate(loaded: &Loaded, seed: u64, jobs: usize) -> Option<Estimate> {
    let before = resident_bytes();
    let started = Instant::now();
    let config = loaded.config(Some(seed));
    let until = config.until.min(Time::ZERO + TRIAL);
    let is_wanted = || interrupt::exit_code().is_none();
    let mut world = World::new_while(config, &mut { is_wanted })?;
    while world.now() < until && world.events() < TRIAL_EVENTS && is_wanted() && world.step() {}
    let trial_wall_us = started.elapsed().as_micros() as u64;
    let trial_bytes = resident_bytes().zip(before).map(|(now, before)| now.saturating_sub(before));
    let trial_us = world.now().as_micros();
    Some(Estimate { trial_us, trial_events: world.events(), trial_wall_us, trial_bytes, jobs })
}

/// Memory that the program holds, where the system says so in a file.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}
