//! Layer 9: the command line. Arguments in, text and files out, an exit code.
//!
//! It alone reads files, the environment and the clock, and it decides nothing about a run: what is printed comes from
//! `report`, what is wrong with an input from `scenario`.

mod arguments;
#[cfg(feature = "manifest")]
mod conformance;
mod files;
mod list;
mod run;
mod terminal;

use arguments::{Cli, Command};
use clap::Parser;
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
}

/// Runs the command line and says with what to exit.
pub fn main(arguments: impl Iterator<Item = OsString>) -> u8 {
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
        Command::List { what } => terminal::out(&list::list(what)),
        Command::Version => terminal::out(&format!("evenkeel {}\n", env!("CARGO_PKG_VERSION"))),
    }
}
