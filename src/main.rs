//! The binary: see [`evenkeel::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(evenkeel::cli::main(std::env::args_os()))
}
