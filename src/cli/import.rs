//! `evenkeel import`: a scenario made of a real cluster, with everything said that was changed or left out.

use super::arguments::DumpArguments;
use super::files::write_new;
use super::{exit, input, terminal};
use crate::manifest::SourceFile;
use crate::report::words::counted;
use crate::scenario::Problems;
use crate::scenario::import::{self, Imported};
use crate::scenario::problem::code;
use anyhow::{Result, bail};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Name of a scenario whose dump has none.
const UNNAMED: &str = "cluster";

/// Makes a scenario of a dump and writes it with its manifests.
pub fn dump(arguments: &DumpArguments) -> u8 {
    let name = arguments.name.clone().unwrap_or_else(|| name_of(arguments.files().next()));
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\']) || name.contains(char::is_control) {
        let name = name.escape_default();
        terminal::err(&format!("error: `{name}` is no name for a file; name the scenario with --name NAME\n"));
        return exit::UNUSABLE;
    }
    let beside = beside(&name, arguments);
    let imported = texts(arguments).and_then(|texts| {
        let files: Vec<_> = texts.iter().map(|(name, text)| SourceFile { name, text }).collect();
        import::dump(&name, &beside, &files)
    });
    let imported = match imported {
        Ok(imported) => imported,
        Err(problems) => {
            terminal::problems(&problems, arguments.shown);
            let errors = counted(problems.list.len(), "error");
            terminal::err(&format!("{errors}, nothing was written\n"));
            return exit::UNUSABLE;
        }
    };
    match write(&name, &beside, &imported, arguments) {
        Ok(told) => terminal::out(&terminal::style(arguments.shown, None).finish(told)),
        Err(error) => {
            terminal::err(&format!("error: {error:#}\n"));
            exit::UNUSABLE
        }
    }
}

/// The name of a file without its ending.
fn name_of(path: Option<&PathBuf>) -> String {
    let stem = path.and_then(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    stem.filter(|stem| stem != "-").unwrap_or_else(|| UNNAMED.to_string())
}

/// The name of the file with the manifests: that of the scenario, unless that file is a dump that is read.
fn beside(name: &str, arguments: &DumpArguments) -> String {
    let usual = format!("{name}.yaml");
    if is_input(&within(&usual, arguments), arguments) { format!("{name}-objects.yaml") } else { usual }
}

/// Whether a file is one of the dumps.
fn is_input(path: &Path, arguments: &DumpArguments) -> bool {
    let Ok(own) = std::fs::canonicalize(path) else { return false };
    arguments.files().any(|input| std::fs::canonicalize(input).is_ok_and(|input| input == own))
}

/// A file in the folder to write into.
fn within(name: &str, arguments: &DumpArguments) -> PathBuf {
    match arguments.out_dir.as_path() {
        here if here == Path::new(".") => PathBuf::from(name),
        folder => folder.join(name),
    }
}

/// The files with their names, as they were given.
fn texts(arguments: &DumpArguments) -> Result<Vec<(String, String)>, Problems> {
    let mut problems = Problems::default();
    let mut texts = Vec::new();
    for path in arguments.files() {
        let shown = path.to_string_lossy().into_owned();
        let read = if shown == "-" {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text).map(|_| ("stdin".to_string(), text))
        } else {
            std::fs::read_to_string(path).map(|text| (shown.clone(), text))
        };
        match read {
            Ok(text) => texts.push(text),
            Err(error) => {
                let why = input::reason(&error);
                problems.error(code::UNREADABLE, None, format!("cannot read `{shown}`: {why}"));
            }
        }
    }
    if problems.has_errors() { Err(problems) } else { Ok(texts) }
}

/// Writes both files, or none, and says what to know and what to do next.
fn write(name: &str, beside: &str, imported: &Imported, arguments: &DumpArguments) -> Result<String> {
    let (scenario, manifests) = (within(&format!("{name}.toml"), arguments), within(beside, arguments));
    if let Some(path) = [&scenario, &manifests].into_iter().find(|path| is_input(path, arguments)) {
        bail!(
            "{} is a dump that is read here, and is not written over; name the scenario with --name NAME",
            path.display()
        );
    }
    // The manifests first: without them a scenario is of no use.
    let files = [(manifests.as_path(), imported.manifests.as_str()), (&scenario, &imported.scenario)];
    write_new(&files, arguments.force, "--name for another name")?;
    let mut told = format!("wrote {} and {}\n", scenario.display(), manifests.display());
    imported.notes.iter().for_each(|note| told.push_str(&format!("note: {note}\n")));
    let shown = scenario.display();
    told.push_str(&format!("next: evenkeel run {shown}\n"));
    told.push_str(&format!("  nothing happens to it yet: {shown} has an example of an [[event]] at its end\n"));
    Ok(told)
}
