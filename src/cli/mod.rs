//! Layer 9: the command line. Arguments in, text and files out, an exit code.
//!
//! It alone reads files, the environment and the clock, and it decides nothing about a run: what is printed comes from
//! `report`, what is wrong with an input from `scenario`.

mod arguments;
mod terminal;

mod input;
mod interrupt;
mod overrides;
mod progress;

mod dry_run;
mod files;
mod moment;
mod once;
mod past;
mod diff;
mod run;
mod timeline;
mod why;
mod seeds;

#[cfg(feature = "manifest")]
mod get;
mod verify;

mod check;
mod fmt;
#[cfg(feature = "manifest")]
mod import;
#[cfg(feature = "manifest")]
mod conformance;
mod new;
mod shipped;

mod catalog;
mod help;
mod list;

use arguments::{Cli, Command};
use clap::{CommandFactory, Parser};
use std::ffi::OsString;

/// Exit codes, as `diff` has them.
pub mod exit {
    /// Every expectation was met.
    pub const MET: u8 = 0;
    /// It ran, but not everything was as expected.
    pub const NOT_MET: u8 = 1;
    /// It could not run: bad usage, an invalid scenario, a file that cannot be read or written.
    pub const UNUSABLE: u8 = 2;
    /// Our fault: an invariant of the engine broke.
    pub const BROKEN: u8 = 3;
    // Interrupted and terminated are 130 and 143: 128 and the number of the signal.
}

/// Runs the command line and says with what to exit.
pub fn main(arguments: impl Iterator<Item = OsString>) -> u8 {
    interrupt::survive_full_disks();
    let cli = match Cli::try_parse_from(arguments::verb_first(arguments)) {
        Ok(cli) => cli,
        // Help and version are no errors, and a broken pipe is nobody's problem.
        Err(error) => {
            let printed = error.print();
            let is_lost = printed.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe);
            return if is_lost { exit::UNUSABLE } else { error.exit_code() as u8 };
        }
    };
    match cli.command {
        Command::Run(arguments) => run::run(&arguments),
        #[cfg(feature = "manifest")]
        Command::Conformance { what } => conformance::conformance(&what),
        #[cfg(feature = "manifest")]
        Command::Get(arguments) => get::get(&arguments),
        #[cfg(feature = "manifest")]
        Command::Events(arguments) => get::events(&arguments),
        Command::Verify(arguments) => verify::verify(&arguments),
        Command::Why(arguments) => why::why(&arguments),
        Command::Timeline(arguments) => timeline::timeline(&arguments),
        Command::Diff(arguments) => diff::diff(&arguments),
        Command::Fmt(arguments) => fmt::fmt(&arguments),
        #[cfg(feature = "manifest")]
        Command::Import { what: arguments::Import::Dump(arguments) } => import::dump(&arguments),
        Command::New(arguments) => new::new(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::List(arguments) => list::list(&arguments),
        Command::Help(arguments) => help::help(&arguments),
        Command::Schema => terminal::out(&format!("{:#}\n", crate::scenario::json_schema::json_schema())),
        Command::Completions { shell } => completions(shell),
        Command::Version => terminal::out(&format!("evenkeel {}\n", env!("CARGO_PKG_VERSION"))),
    }
}

fn completions(shell: clap_complete::Shell) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "evenkeel", &mut script);
    terminal::out(&String::from_utf8_lossy(&script))
}
