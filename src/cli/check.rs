//! `evenkeel check`: everything that is wrong with scenarios, in one pass over all of them.

use super::arguments::{CheckArguments, Output};
use super::input::inputs;
use super::{exit, terminal};
use crate::report::words::counted;
use crate::scenario::problem::Severity;
use crate::scenario::{Loaded, Problems};

/// Checks all files.
pub fn check(arguments: &CheckArguments) -> u8 {
    let mut problems = Problems::default();
    let mut good = String::new();
    match inputs(arguments.files()) {
        Err(found) => problems.append(found),
        Ok(inputs) => {
            for input in inputs {
                match input.load(&arguments.set) {
                    Ok(loaded) => {
                        match arguments.show_defaults {
                            true => good.push_str(&format!("# {}\n{}", loaded.path, loaded.defaults())),
                            false => good.push_str(&verdict(&loaded)),
                        }
                        problems.append(loaded.warnings);
                    }
                    Err(found) => problems.append(found),
                }
            }
        }
    }
    let printed = match arguments.output {
        Output::Json => terminal::out(&format!("{:#}\n", problems.to_json())),
        Output::Table => {
            terminal::problems(&problems, arguments.shown);
            let printed = if arguments.quiet { exit::MET } else { terminal::out(&good) };
            if problems.has_errors() {
                terminal::err(&format!("{}\n", total(&problems)));
            }
            printed
        }
    };
    if problems.has_errors() { exit::UNUSABLE } else { printed }
}

/// `x.toml: fine (4 nodes, 2 objects, 1 event, 5 expectations)`
fn verdict(loaded: &Loaded) -> String {
    let warnings = loaded.warnings.list.len();
    let verdict = if warnings == 0 { "fine".to_string() } else { format!("can run, {}", counted(warnings, "warning")) };
    let nodes: u64 = loaded.scenario.pools.iter().map(|pool| pool.count).sum();
    let failures = match loaded.scenario.failures.len() {
        0 => String::new(),
        some => format!(", {}", counted(some, "random failure")),
    };
    format!(
        "{}: {verdict} ({}, {}, {}{failures}, {})\n",
        loaded.path,
        counted(nodes as usize, "node"),
        counted(loaded.objects.len(), "object"),
        counted(loaded.scenario.events.len(), "event"),
        counted(loaded.scenario.expectations.len(), "expectation"),
    )
}

/// `2 errors, 1 warning`
fn total(problems: &Problems) -> String {
    let errors = problems.list.iter().filter(|problem| problem.severity == Severity::Error).count();
    let warnings = problems.list.len() - errors;
    let errors = counted(errors, "error");
    if warnings == 0 { errors } else { format!("{errors}, {}", counted(warnings, "warning")) }
}
