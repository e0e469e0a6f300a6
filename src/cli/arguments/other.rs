//! Arguments of the commands other than `run`.

use super::{Output, Shown};
#[cfg(feature = "manifest")]
use clap::Subcommand;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Arguments of `check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArguments {
    /// Scenario files, folders with such, or `-` for standard input
    #[arg(required_unless_present = "file", value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// The same, as kubectl has it
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Another value for a key of the scenario, as `run.hold=1m`; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Print every value that holds, as TOML, with its origin
    #[arg(long, conflicts_with = "quiet")]
    pub show_defaults: bool,
    /// What goes to standard output
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    #[arg(env = "EVENKEEL_OUTPUT", hide_env = true)]
    pub output: Output,
    /// Print nothing but problems
    #[arg(short, long, env = "EVENKEEL_QUIET", hide_env = true)]
    pub quiet: bool,
    /// How text is shown.
    #[command(flatten)]
    pub shown: Shown,
}

impl CheckArguments {
    /// The scenario files, as they were named.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.file.iter().chain(&self.paths)
    }
}

/// Arguments of `fmt`.
#[derive(Clone, Debug, Args)]
pub struct FmtArguments {
    /// Scenario files, folders with such, or `-` to lay out standard input on standard output
    #[arg(required_unless_present = "file", value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// The same, as kubectl has it
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Change nothing; name the files that would be changed, and exit with 1 if there are any
    #[arg(long)]
    pub check: bool,
    /// Print one file that says what a file and all that it includes say; change nothing
    #[arg(long, conflicts_with = "check")]
    pub flatten: bool,
    /// How text is shown.
    #[command(flatten)]
    pub shown: Shown,
}

impl FmtArguments {
    /// The scenario files, as they were named.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.file.iter().chain(&self.paths)
    }
}

/// What can be made a scenario of.
#[cfg(feature = "manifest")]
#[derive(Clone, Debug, Subcommand)]
pub enum Import {
    /// A dump of a cluster, as made by `kubectl get nodes,pods,deployments,… -A -o yaml`
    Dump(DumpArguments),
}

/// Arguments of `import dump`.
#[cfg(feature = "manifest")]
#[derive(Clone, Debug, Args)]
pub struct DumpArguments {
    /// Files with the dump (YAML or JSON), several for one cluster; `-` for standard input
    #[arg(required_unless_present = "file", value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// The same, as kubectl has it
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Where to write the scenario and its manifests
    #[arg(short = 'O', long, value_name = "DIR", default_value = ".")]
    pub out_dir: PathBuf,
    /// Name of the scenario: NAME.toml and NAME.yaml are written (NAME-objects.yaml where NAME.yaml is the dump itself);
    /// that of the first file if not given
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Overwrite what is there
    #[arg(long)]
    pub force: bool,
    /// How text is shown.
    #[command(flatten)]
    pub shown: Shown,
}

#[cfg(feature = "manifest")]
impl DumpArguments {
    /// The files, as they were named.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.file.iter().chain(&self.paths)
    }
}

/// Arguments of `new`.
#[derive(Clone, Debug, Args)]
pub struct NewArguments {
    /// Where to write it; to standard output if not given
    #[arg(value_name = "FILE")]
    pub path: Option<PathBuf>,
    /// Which scenario to start from: one of `evenkeel list scenarios`
    #[arg(short, long, value_name = "NAME", default_value = crate::cli::shipped::DEFAULT)]
    pub template: String,
    /// Overwrite what is there
    #[arg(long, requires = "path")]
    pub force: bool,
}

/// Arguments of `list`.
#[derive(Clone, Debug, Args)]
pub struct ListArguments {
    /// What to list; what there is to list if not given
    pub what: Option<Registry>,
    /// What goes to standard output
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub output: ListOutput,
    /// How text is shown.
    #[command(flatten)]
    pub shown: Shown,
}

/// Formats of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListOutput {
    /// For people; may change between releases
    Table,
    /// For programs, with the version of its schema; may only grow
    Json,
    /// Names only, one a line
    Name,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Registry {
    /// Tables of a scenario, with their keys
    Tables,
    /// What an event may break
    Faults,
    /// What somebody may do to the cluster or its machines
    Actions,
    /// Processes by which things fail at random, with the sources of their numbers
    Failures,
    /// What an expectation may ask for as a number
    Measures,
    /// What an expectation may demand as a whole
    Rules,
    /// Scenarios that come with the program, to start from
    Scenarios,
    /// Plugins of the scheduler, in their order
    Plugins,
    /// Sets of defaults
    Profiles,
    /// Settings of Kubernetes' programs, with their defaults
    Settings,
    /// Modelled delays, with their defaults
    Delays,
    /// Codes of messages
    Codes,
}

/// Arguments of `help`.
#[derive(Clone, Debug, Args)]
pub struct HelpArguments {
    /// A command, a name of any list, or a code, as `run`, `node.crash` or `E0203`
    #[arg(value_name = "NAME", num_args = 0..)]
    pub words: Vec<String>,
    /// How text is shown.
    #[command(flatten)]
    pub shown: Shown,
}

/// Kinds of recordings.
#[cfg(feature = "manifest")]
#[derive(Clone, Debug, Subcommand)]
pub enum Conformance {
    /// What happened to a cluster over time: simulates each recorded scenario and compares
    Timeline(TimelineArguments),
}

/// Arguments of `conformance timeline`.
#[cfg(feature = "manifest")]
#[derive(Clone, Debug, Args)]
pub struct TimelineArguments {
    /// Folders with recordings, or scenario files in them
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How many seeds to simulate, from 0 on
    #[arg(long, value_name = "N", default_value = "200", value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// What goes to standard output
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub output: ConformanceOutput,
    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto", env = "EVENKEEL_COLOR", hide_env = true)]
    pub color: super::Color,
}

/// Formats of a comparison with recordings.
#[cfg(feature = "manifest")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConformanceOutput {
    /// For people, with every difference in words; may change between releases
    Table,
    /// For programs, with the values of every scalar; may only grow
    Json,
    /// A table in Markdown
    Md,
}
