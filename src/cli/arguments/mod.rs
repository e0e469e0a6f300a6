//! What may stand on the command line.

mod other;
mod past;
mod run;
mod shown;

pub use other::{CheckArguments, FmtArguments, HelpArguments, ListArguments, ListOutput, NewArguments, Registry};
#[cfg(feature = "manifest")]
pub use other::{Conformance, ConformanceOutput, DumpArguments, Import, TimelineArguments};
pub use past::VerifyArguments;
pub use past::{DiffArguments, TimelineOfRunArguments, WhyArguments};
#[cfg(feature = "manifest")]
pub use past::{EventsArguments, EventsOutput, GetArguments, GetOutput};
pub use run::{Plots, ProgressKind, RunArguments, StopWhen};
pub use shown::{Color, Output, Shown};

use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;

/// Replays failures of a Kubernetes cluster in simulated time: same scenario, same seed, same bytes.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version, disable_help_subcommand = true)]
#[command(after_help = "`evenkeel FILE` is short for `evenkeel run FILE`; flags may stand anywhere.\n\
    Environment variables stand for flags of `run` but --file and --set: EVENKEEL_SEED for --seed, EVENKEEL_OUT_DIR for \
    --out-dir.\n\
    Exit codes: 0 every expectation met, 1 not all, 2 could not run, 3 a fault of ours, 130 and 143 interrupted.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

#[cfg(feature = "manifest")]
const GET_HELP: &str = "Examples:\n  \
    evenkeel get results/node-crash/1 pods -o wide --at 7m12s\n  \
    evenkeel get results/node-crash/1 nodes,deploy,rs --at @crash\n  \
    evenkeel get scenarios/node-crash.toml pod/web-5d9c8 -o yaml\n\
    Ages are in simulated time up to that moment.\n\
    Exit codes: 0 shown, 1 an object is not there, 2 no such run, kind or moment, 3 a fault of ours.";

#[cfg(feature = "manifest")]
const EVENTS_HELP: &str = "Examples:\n  \
    evenkeel events results/node-crash/1 --types Warning\n  \
    evenkeel events results/node-crash/1 --for node/worker-0 --at 2m\n\
    Those are listed that the API has at that moment: it forgets an Event an hour after it was last written (event-ttl).\n\
    Exit codes: 0 shown, 2 no such run, kind or moment, 3 a fault of ours.";

const VERIFY_HELP: &str = "Example: evenkeel verify results/node-crash\n\
    Exit codes: 0 every file is as the run wrote it, 1 a file differs or is missing, 2 it cannot be run again (another \
    version, no run folder), 3 the same inputs gave another run: a fault of ours.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented scenario to start from
    New(NewArguments),
    /// Say everything that is wrong with scenarios, without running them
    #[command(visible_alias = "c")]
    Check(CheckArguments),
    /// Run scenarios, print their verdicts and write the run folders
    #[command(visible_alias = "r")]
    Run(Box<RunArguments>),
    /// Show the cluster of a run at any moment, as `kubectl get` does
    #[cfg(feature = "manifest")]
    #[command(after_help = GET_HELP)]
    Get(Box<GetArguments>),
    /// List the Events of a run at any moment, as `kubectl events` does
    #[cfg(feature = "manifest")]
    #[command(after_help = EVENTS_HELP)]
    Events(Box<EventsArguments>),
    /// Run what run folders hold again, and compare every file in them
    #[command(after_help = VERIFY_HELP)]
    Verify(VerifyArguments),
    /// Say how an object came to be as it is and what it waits for, or what came of each event of a run
    Why(WhyArguments),
    /// Tell the dozen moments of a run that matter
    Timeline(TimelineOfRunArguments),
    /// Say where two runs part, why, and what became of it; exit with 1 if they differ
    Diff(DiffArguments),
    /// Lay scenario files out: the same tables and comments, in the usual form
    Fmt(FmtArguments),
    /// Make a scenario of a real cluster
    #[cfg(feature = "manifest")]
    Import {
        /// Of what
        #[command(subcommand)]
        what: Import,
    },
    /// Hold the simulator against recordings of a real cluster
    #[cfg(feature = "manifest")]
    Conformance {
        /// Which recordings
        #[command(subcommand)]
        what: Conformance,
    },
    /// List what scenarios may use
    List(ListArguments),
    /// Explain a command, a table or key of a scenario, a name of any list, or the code of a message
    Help(HelpArguments),
    /// Print the language as a JSON Schema, for editors
    Schema,
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the version
    Version,
}

/// The arguments with the verb in front: flags may stand before it, and a file without a verb is run.
pub fn verb_first(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    let command = Cli::command();
    let Some(index) = first_positional(&arguments, &command) else {
        let is_file_flag = |word: &OsString| {
            let word = word.to_string_lossy();
            word == "--file" || word.starts_with("--file=") || (word.starts_with("-f") && !word.starts_with("--"))
        };
        if arguments.iter().skip(1).any(is_file_flag) {
            arguments.insert(1, "run".into());
        }
        return arguments;
    };
    let is_verb = arguments[index].to_str().is_some_and(|word| command.find_subcommand(word).is_some());
    let verb = if is_verb { arguments.remove(index) } else { "run".into() };
    arguments.insert(1, verb);
    arguments
}

/// The first argument that is neither a flag nor the value of one.
fn first_positional(arguments: &[OsString], command: &clap::Command) -> Option<usize> {
    let takes_value = |flag: &str| flags(command).any(|(name, takes)| takes && name == flag);
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

/// Every flag of every command, and whether it takes a value.
fn flags(command: &clap::Command) -> impl Iterator<Item = (String, bool)> {
    let arguments = command.get_subcommands().flat_map(|command| {
        let deeper = command.get_subcommands().flat_map(clap::Command::get_arguments);
        command.get_arguments().chain(deeper)
    });
    arguments.flat_map(|argument| {
        let long = argument.get_long().map(|long| format!("--{long}"));
        let short = argument.get_short().map(|short| format!("-{short}"));
        let takes = argument.get_action().takes_values();
        long.into_iter().chain(short).map(move |name| (name, takes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        let words = std::iter::once("evenkeel").chain(line.split_whitespace()).map(OsString::from);
        Cli::try_parse_from(verb_first(words)).map(|cli| cli.command)
    }

    #[test]
    fn flags_may_stand_anywhere_and_a_file_alone_is_run() {
        for line in [
            "run a.toml --seed 7 -O x",
            "r a.toml --seed 7 -O x",
            "--seed 7 -O x run a.toml",
            "a.toml --seed 7 -O x",
            "-O x --seed=7 a.toml",
            "-f a.toml --seed 7",
            "--seed 7 run --file=a.toml",
        ] {
            match parse(line) {
                Ok(Command::Run(run)) => {
                    let files: Vec<PathBuf> = run.files().cloned().collect();
                    let seeds = run.seed.map(|seeds| seeds.0);
                    assert_eq!((files, seeds), (vec![PathBuf::from("a.toml")], Some(vec![7])), "{line}");
                }
                other => panic!("{line}: {other:?}"),
            }
        }
        assert!(matches!(parse("list faults"), Ok(Command::List(ListArguments { what: Some(Registry::Faults), .. }))));
        assert!(matches!(parse("-o json list faults"), Ok(Command::List(_))));
        assert!(matches!(parse("version"), Ok(Command::Version)));
    }

    #[test]
    fn bad_usage_exits_with_2_and_help_with_0() {
        for (line, code) in [
            ("", 2),
            ("run", 2),
            ("a.toml --sed 7", 2),
            ("a.toml --seed 9..3", 2),
            ("a.toml -q -v", 2),
            ("--help", 0),
            ("--version", 0),
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), code, "{line}");
        }
        Cli::command().debug_assert();
    }

    #[test]
    fn a_flag_takes_a_value_in_every_command_or_in_none() {
        let mut known: BTreeMap<String, bool> = BTreeMap::new();
        for (name, takes) in flags(&Cli::command()) {
            assert_eq!(
                *known.entry(name.clone()).or_insert(takes),
                takes,
                "{name}: or it cannot stand before the verb"
            );
        }
    }

    /// As the help says.
    #[test]
    fn every_flag_of_run_has_its_variable() {
        let command = Cli::command();
        for argument in command.find_subcommand("run").unwrap().get_arguments() {
            let is_shown = |long: &&str| !argument.is_hide_set() && !["help", "file", "set"].contains(long);
            if let Some(long) = argument.get_long().filter(is_shown) {
                let variable = format!("EVENKEEL_{}", long.to_uppercase().replace('-', "_"));
                assert_eq!(argument.get_env().and_then(|name| name.to_str()), Some(variable.as_str()));
            }
        }
    }
}
