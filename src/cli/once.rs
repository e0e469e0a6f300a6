//! One run from its beginning to its folder: watched, audited, and what is said if it does not come that far.

use super::arguments::RunArguments;
use super::{exit, files, interrupt, terminal};
use crate::cluster::World;
use crate::report::words::counted;
use crate::report::{Finished, simulate_while};
use crate::scenario::Loaded;
use anyhow::Result;
use std::panic::{AssertUnwindSafe, catch_unwind};

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

/// Runs to the end while `look` may watch, and checks that nothing impossible has happened. How much is said of it is up to
/// `verbose`: nothing, a line, or every fact.
///
/// # Errors
/// If it did not come to its end.
pub fn simulate(
    loaded: &Loaded,
    seed: Option<u64>,
    verbose: u8,
    look: &mut dyn FnMut(&World),
) -> Result<Finished, Stopped> {
    let mut told = 0;
    let mut goes_on = |world: &World| {
        look(world);
        if verbose > 1 {
            tell_facts(world, seed, &mut told);
        }
        interrupt::exit_code().is_none()
    };
    // A broken invariant panics; what the user needs then is how to have the same run again.
    let mut is_wanted = || interrupt::exit_code().is_none();
    let run = catch_unwind(AssertUnwindSafe(|| simulate_while(loaded, seed, &mut is_wanted, &mut goes_on)));
    let stopped_itself = || Stopped::Broken(vec!["the engine stopped itself, see above".to_string()]);
    let run = run.map_err(|_| stopped_itself())?;
    let finished = run.ok_or_else(|| Stopped::Interrupted(interrupt::exit_code().unwrap_or(exit::UNUSABLE)))?;
    finished.world.audit().map_err(Stopped::Broken)?;
    if verbose > 0 {
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
    let contents = files::contents(loaded, seed, finished, arguments.plots)?;
    files::write(&folder, &contents)?;
    Ok(Some((folder.display().to_string(), contents.into_iter().map(|(name, _)| name).collect())))
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
