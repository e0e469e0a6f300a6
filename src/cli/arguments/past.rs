//! Arguments of the commands that look at a run.

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
