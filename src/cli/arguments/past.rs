//! Arguments of the commands that look at a run.

use super::{Output, Shown};
use crate::cli::moment::Moment;
use clap::Args;
use std::path::PathBuf;

/// A run, the same for every command that looks at one.
#[derive(Clone, Debug, Args)]
pub struct RunArgument {
    /// A run folder as `results/node-crash/1`, or a scenario file, which is then run once
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
}

/// A moment of it.
#[derive(Clone, Debug, Args)]
pub struct MomentArgument {
    /// When: a time since the beginning as `7m12s`, or when an event begins as `@crash`; the end if not given
    #[arg(long, value_name = "MOMENT")]
    pub at: Option<Moment>,
}

/// Arguments of `verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArguments {
    /// Run folders as `results/node-crash/1`, or folders of such
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// What goes to standard output
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    #[arg(env = "EVENKEEL_OUTPUT", hide_env = true)]
    pub output: Output,
    /// How text is shown.
    #[command(flatten)]
    pub shown: Shown,
}
