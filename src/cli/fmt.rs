//! `evenkeel fmt`: scenario files in the usual form, their comments kept.

use super::arguments::FmtArguments;
use super::files::write_whole;
use super::input::{Input, inputs};
use super::{exit, terminal};
use crate::report::words::counted;
use crate::scenario::Problems;
use crate::scenario::edit::{fmt, merge};
use crate::scenario::problem::code;
use crate::scenario::syntax;
use std::path::Path;

/// Lays all files out. If any of them cannot be, none is changed.
pub fn fmt(arguments: &FmtArguments) -> u8 {
    let mut problems = Problems::default();
    let mut laid_out = Vec::new();
    match inputs(arguments.files()) {
        Err(found) => problems.append(found),
        Ok(inputs) => {
            for input in inputs {
                let text = if arguments.flatten { flattened(&input) } else { formatted(&input) };
                match text {
                    Ok((before, after)) => laid_out.push((input, before, after)),
                    Err(found) => problems.append(found),
                }
            }
        }
    }
    if problems.has_errors() {
        terminal::problems(&problems, arguments.shown);
        let errors = counted(problems.list.len(), "error");
        let undone = if arguments.check || arguments.flatten { "" } else { ", nothing was changed" };
        terminal::err(&format!("{errors}{undone}\n"));
        return exit::UNUSABLE;
    }
    let (mut printed, mut changed, mut failed) = (String::new(), 0, false);
    for (input, before, after) in &laid_out {
        let is_changed = before != after;
        if arguments.check {
            changed += usize::from(is_changed);
            let name = if is_changed { format!("{}\n", input.path) } else { String::new() };
            printed.push_str(&name);
        } else if arguments.flatten || input.is_standard_input() {
            printed.push_str(after);
        } else if is_changed && let Err(error) = write_whole(Path::new(&input.path), after) {
            terminal::err(&format!("error: {error:#}\n"));
            failed = true;
        }
    }
    if arguments.check && changed > 0 {
        let files = counted(changed, "file");
        terminal::err(&format!("{files} would be laid out in another way: evenkeel fmt FILE does it\n"));
    }
    let worst = if failed { exit::UNUSABLE } else { terminal::out(&printed) };
    if changed > 0 { worst.max(exit::NOT_MET) } else { worst }
}

/// A file as it is and as it should be.
fn formatted(input: &Input) -> Result<(String, String), Problems> {
    let text = input.read(&input.path).map_err(|why| {
        let mut problems = Problems::default();
        problems.error(code::UNREADABLE, None, format!("cannot read `{}`: {why}", input.path));
        problems
    })?;
    let after = fmt::format(&text).map_err(|wrong| {
        let mut problems = syntax::problems(&input.path, &text);
        if !problems.has_errors() {
            wrong.tell(code::SYNTAX, &input.path, &mut problems);
        }
        problems
    })?;
    Ok((text, after))
}

/// A file and what it includes as one.
fn flattened(input: &Input) -> Result<(String, String), Problems> {
    let files = |path: &str| input.read(path);
    let whole = merge::flatten(&input.path, &files)?;
    // One that includes nothing comes back as it is.
    let after = fmt::format(&whole).unwrap_or(whole);
    Ok((String::new(), after))
}
