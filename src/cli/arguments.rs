//! What may stand on the command line.

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Replays failures of a Kubernetes cluster in simulated time: same scenario, same seed, same bytes.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version, disable_help_subcommand = true)]
#[command(after_help = "`evenkeel FILE` is short for `evenkeel run FILE`.\n\
    Exit codes: 0 every expectation met, 1 not all, 2 could not run, 3 a fault of ours.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run scenarios, print their verdicts and write the run folders
    Run(RunArguments),
    /// Hold the simulator against recordings of a real cluster
    #[cfg(feature = "manifest")]
    Conformance {
        /// Which recordings
        #[command(subcommand)]
        what: Conformance,
    },
    /// List what scenarios may use
    List {
        /// Which registry
        what: Registry,
    },
    /// Print the version
    Version,
}

/// Arguments of `run`.
#[derive(Clone, Debug, Args)]
pub struct RunArguments {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Seed, instead of the file's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Where run folders go: DIR/<scenario>/<seed>/
    #[arg(short = 'O', long, value_name = "DIR", default_value = "results")]
    pub out_dir: PathBuf,
    /// Overwrite a run folder that has another receipt
    #[arg(long)]
    pub force: bool,
    /// Write no files
    #[arg(long, conflicts_with = "force")]
    pub no_save: bool,
    /// What goes to standard output
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub output: Output,
    /// Print nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
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
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
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

/// Formats of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people; may change between releases
    Table,
    /// For programs: the content of run.json; may only grow
    Json,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR or TERM=dumb says otherwise
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Registry {
    /// What an event may do
    Faults,
    /// What an expectation may ask
    Measures,
    /// Settings of Kubernetes' programs, with their defaults
    Settings,
    /// Modelled delays, with their defaults
    Delays,
}

/// The arguments with the verb in front: flags may stand before it, and a file without a verb is run.
pub fn verb_first(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    let command = Cli::command();
    let verbs: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let Some(index) = first_positional(&arguments, &command) else { return arguments };
    let is_verb = arguments[index].to_str().is_some_and(|word| verbs.contains(&word));
    let verb = if is_verb { arguments.remove(index) } else { "run".into() };
    arguments.insert(1, verb);
    arguments
}

/// The first argument that is neither a flag nor the value of one.
fn first_positional(arguments: &[OsString], command: &clap::Command) -> Option<usize> {
    let run = command.find_subcommand("run")?;
    let takes_value = |flag: &str| {
        run.get_arguments().filter(|argument| argument.get_action().takes_values()).any(|argument| {
            argument.get_long().is_some_and(|long| flag == format!("--{long}"))
                || argument.get_short().is_some_and(|short| flag == format!("-{short}"))
        })
    };
    let mut index = 1;
    while index < arguments.len() {
        let text = arguments[index].to_string_lossy();
        match text.strip_prefix('-') {
            Some(rest) if !rest.is_empty() => index += if takes_value(&text) { 2 } else { 1 },
            _ => return Some(index),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        let words = std::iter::once("evenkeel").chain(line.split_whitespace()).map(OsString::from);
        Cli::try_parse_from(verb_first(words)).map(|cli| cli.command)
    }

    #[test]
    fn flags_may_stand_anywhere_and_a_file_alone_is_run() {
        for line in
            ["run a.toml --seed 7 -O x", "--seed 7 -O x run a.toml", "a.toml --seed 7 -O x", "-O x --seed=7 a.toml"]
        {
            match parse(line) {
                Ok(Command::Run(run)) => {
                    assert_eq!((run.files, run.seed), (vec![PathBuf::from("a.toml")], Some(7)), "{line}");
                }
                other => panic!("{line}: {other:?}"),
            }
        }
        assert!(matches!(parse("list faults"), Ok(Command::List { what: Registry::Faults })));
        assert!(matches!(parse("version"), Ok(Command::Version)));
    }

    #[test]
    fn bad_usage_exits_with_2_and_help_with_0() {
        for (line, code) in [("", 2), ("run", 2), ("a.toml --sed 7", 2), ("--help", 0), ("--version", 0)] {
            assert_eq!(parse(line).unwrap_err().exit_code(), code, "{line}");
        }
        Cli::command().debug_assert();
    }
}
