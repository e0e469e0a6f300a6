//! `evenkeel new`: a commented scenario to start from, one of those that come with the program.

use super::arguments::NewArguments;
use super::files::write_new;
use super::shipped::{SHIPPED, Shipped, find};
use super::{exit, terminal};
use crate::scenario::suggest::{listed, nearest};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// Writes the template.
pub fn new(arguments: &NewArguments) -> u8 {
    let written = template(&arguments.template).and_then(|shipped| match &arguments.path {
        Some(path) => write(shipped, path, arguments.force).map(Some),
        None => print(shipped).map(|()| None),
    });
    match written {
        Ok(None) => terminal::out(template(&arguments.template).map_or("", |shipped| shipped.text)),
        Ok(Some(told)) => terminal::out(&told),
        Err(error) => {
            terminal::err(&format!("error: {error:#}\n"));
            exit::UNUSABLE
        }
    }
}

fn template(name: &str) -> Result<&'static Shipped> {
    let names = || SHIPPED.iter().map(|shipped| shipped.name);
    find(name).with_context(|| {
        let guess = nearest(name, names()).map_or_else(String::new, |guess| format!("; did you mean `{guess}`?"));
        format!("there is no template `{name}`{guess}\n  templates are {}", listed(names()))
    })
}

/// Whether it can stand alone, as on standard output it has to.
fn print(shipped: &Shipped) -> Result<()> {
    let names = listed(shipped.manifests.iter().map(|(name, _)| *name));
    if !shipped.manifests.is_empty() {
        bail!("`{0}` needs {names} beside it: name a file, `evenkeel new --template {0} {0}.toml`", shipped.name);
    }
    Ok(())
}

/// Writes the scenario, and its manifests beside it; nothing if anything is there already.
fn write(shipped: &Shipped, path: &Path, force: bool) -> Result<String> {
    let beside = |name: &str| path.parent().unwrap_or(Path::new("")).join(name);
    let mut files: Vec<(PathBuf, &str)> = vec![(path.to_path_buf(), shipped.text)];
    files.extend(shipped.manifests.iter().map(|(name, text)| (beside(name), *text)));
    let whole: Vec<(&Path, &str)> = files.iter().map(|(path, text)| (path.as_path(), *text)).collect();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    write_new(&whole, force, "name another place")?;
    let made = folder.map_or_else(String::new, |folder| format!("made the folder {}; ", folder.display()));
    let names: Vec<String> = files.iter().map(|(path, _)| path.display().to_string()).collect();
    Ok(format!("{made}wrote {}; next: evenkeel run {}\n", names.join(" and "), path.display()))
}
