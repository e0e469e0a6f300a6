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

/// Arguments of `why`.
#[derive(Clone, Debug, Args)]
pub struct WhyArguments {
    /// The run.
    #[command(flatten)]
    pub run: RunArgument,
    /// An object, as `pod/web-abc`, `node/node-2` or `deployment/shop/web`; what came of each event if not given
    #[arg(value_name = "OBJECT")]
    pub object: Option<String>,
    /// When.
    #[command(flatten)]
    pub moment: MomentArgument,
    /// What goes to standard output
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub output: Output,
    /// How text is shown.
    #[command(flatten)]
    pub shown: Shown,
}

/// Arguments of `timeline`.
#[derive(Clone, Debug, Args)]
pub struct TimelineOfRunArguments {
    /// The run.
    #[command(flatten)]
    pub run: RunArgument,
    /// How text is shown.
    #[command(flatten)]
    pub shown: Shown,
}

/// Arguments of `diff`.
#[derive(Clone, Debug, Args)]
pub struct DiffArguments {
    /// A run folder as `results/node-crash/1`, or a scenario file
    #[arg(value_name = "RUN")]
    pub a: PathBuf,
    /// Another
    #[arg(value_name = "RUN")]
    pub b: PathBuf,
    /// What goes to standard output
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub output: Output,
    /// How text is shown.
    #[command(flatten)]
    pub shown: Shown,
}
