//! Files that are written: which a run leaves behind, and how all come to be whole or not at all.

use super::arguments::Plots;
use crate::explain::{Tale, timeline};
use crate::report::{Finished, Receipt, waterfall};
use crate::scenario::Loaded;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// The receipt and everything that a program may want to know.
pub const RECEIPT: &str = "run.json";

/// Names of the pictures, without what says the paper and the format.
const PICTURES: [&str; 4] = ["timeline", "waterfall", "pods", "nodes"];

/// A file of a run folder: its name and its content.
pub type Content = (String, Vec<u8>);

/// The files of a run, in the order in which they are named to the user.
pub fn contents(loaded: &Loaded, seed: Option<u64>, finished: &Finished, plots: Plots) -> Result<Vec<Content>> {
    let recorder = finished.world.recorder();
    let rows = recorder.convergence_rows(finished.config.hold, finished.world.now());
    let mut files = vec![(RECEIPT.to_string(), finished.report.to_json().into_bytes())];
    files.extend(loaded.kept(seed).into_iter().map(|(name, text)| (name, text.into_bytes())));
    let moments = timeline::timeline(&Tale::of(finished), finished);
    let told = timeline::markdown(&finished.report.title, &moments);
    files.push(("timeline.md".to_string(), told.into_bytes()));
    files.push(("timeline.csv".to_string(), table(&recorder.timeline_rows())?));
    files.push(("convergence.csv".to_string(), table(&rows)?));
    let stretches = recorder.stretch_rows(finished.config.hold, finished.world.now());
    files.push(("stretches.csv".to_string(), table(&stretches)?));
    if recorder.is_full() {
        files.push(("waterfall.csv".to_string(), table(&waterfall::rows(&finished.report.losses))?));
        files.push(("facts.csv".to_string(), table(&recorder.fact_rows())?));
    }
    pictures(finished, plots, &mut files)?;
    Ok(files)
}

/// Which pictures a run folder holds. One that somebody lost is missed as long as there is another of its kind.
pub fn plots_in(folder: &Path) -> Plots {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut plots = Plots::default();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((stem, ending)) = name.rsplit_once('.').filter(|(_, ending)| ["svg", "png"].contains(ending)) else {
            continue;
        };
        let (stem, is_dark) = stem.strip_suffix("-dark").map_or((stem, false), |stem| (stem, true));
        if PICTURES.contains(&stem) {
            plots.dark |= is_dark;
            plots.light |= !is_dark;
            plots.png |= ending == "png";
        }
    }
    plots
}

#[cfg(feature = "plot")]
fn pictures(finished: &Finished, plots: Plots, files: &mut Vec<Content>) -> Result<()> {
    let themes = [(plots.light, crate::plot::Theme::Light), (plots.dark, crate::plot::Theme::Dark)];
    let themes: Vec<_> = themes.into_iter().filter_map(|(is_wanted, theme)| is_wanted.then_some(theme)).collect();
    if themes.is_empty() {
        return Ok(());
    }
    for (name, scene) in crate::report::pictures::scenes(finished)? {
        for &theme in &themes {
            let name = format!("{name}{}", theme.suffix());
            files.push((format!("{name}.svg"), scene.svg(theme)?.into_bytes()));
            if plots.png {
                files.push((format!("{name}.png"), scene.png(theme)?));
            }
        }
    }
    Ok(())
}

#[cfg(not(feature = "plot"))]
fn pictures(_: &Finished, _: Plots, _: &mut Vec<Content>) -> Result<()> {
    Ok(())
}

/// Rows as CSV, with a line of column names even if there are none.
fn table<R: Serialize + Default>(rows: &[R]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    rows.iter().try_for_each(|row| writer.serialize(row))?;
    if rows.is_empty() {
        writer.serialize(R::default())?;
    }
    let mut text = writer.into_inner().map_err(|error| error.into_error())?;
    if rows.is_empty() {
        let head = text.iter().position(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        text.truncate(head);
    }
    Ok(text)
}

/// The folder of a run.
pub fn folder(out_dir: &Path, scenario: &str, seed: u64) -> PathBuf {
    out_dir.join(scenario).join(seed.to_string())
}

/// Says no if `folder` holds another run, unless that may be overwritten.
///
/// # Errors
/// What is there, and a way out.
pub fn may_write(folder: &Path, receipt: &Receipt, force: bool) -> Result<()> {
    if force || !folder.exists() {
        return Ok(());
    }
    let shown = folder.display();
    let found = fs::read_to_string(folder.join(RECEIPT)).ok().and_then(|text| {
        let value: serde_json::Value = serde_json::from_str(&text).ok()?;
        value.get("receipt").cloned()
    });
    let own = serde_json::to_value(receipt)?;
    match found {
        Some(found) if found == own => Ok(()),
        Some(_) => bail!("{shown} holds a run with another receipt; use --force to overwrite it, or --out-dir"),
        None if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none()) => Ok(()),
        None => bail!("{shown} is there already and holds no run; use --force to write into it, or --out-dir"),
    }
}

/// Writes the files. A new folder appears as a whole. In one that is there each file is replaced as a whole, the receipt
/// last, and what else lies there stays.
pub fn write(folder: &Path, files: &[Content]) -> Result<()> {
    let parent = folder.parent().context("a run folder has a parent")?;
    make_folder(parent, "name another with --out-dir")?;
    let name = folder.file_name().context("a run folder has a name")?.to_string_lossy();
    let temporary = parent.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = write_into(&temporary, files).and_then(|()| move_into_place(&temporary, folder, files));
    // Nothing half done is left behind; after a move there is nothing to remove.
    let _ = fs::remove_dir_all(&temporary);
    written.with_context(|| format!("cannot write {}", folder.display()))
}

/// Makes a folder, and those that it is in. If a file is in the way that is said, and `other` is a way out.
fn make_folder(folder: &Path, other: &str) -> Result<()> {
    if let Some(file) = folder.ancestors().find(|path| path.exists() && !path.is_dir()) {
        let what = format!("{} is a file, not a folder", file.display());
        match file == folder {
            true => bail!("{what}; {other}"),
            false => bail!("cannot make {}: {what}; {other}", folder.display()),
        }
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn write_into(temporary: &Path, files: &[Content]) -> Result<()> {
    fs::create_dir(temporary)?;
    files.iter().try_for_each(|(name, content)| fs::write(temporary.join(name), content))?;
    Ok(())
}

fn move_into_place(temporary: &Path, folder: &Path, files: &[Content]) -> Result<()> {
    if !folder.exists() {
        return Ok(fs::rename(temporary, folder)?);
    }
    let (receipt, others): (Vec<_>, Vec<_>) = files.iter().map(|(name, _)| name).partition(|name| *name == RECEIPT);
    for name in others.into_iter().chain(receipt) {
        fs::rename(temporary.join(name), folder.join(name))?;
    }
    Ok(())
}

/// Writes a file as a whole or not at all; of one that is there the permissions stay, and a link goes on leading to it.
pub fn write_whole(path: &Path, text: &str) -> Result<()> {
    // Where a link leads. A file that is not there yet is where its path says.
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let name = real.file_name().context("a file has a name")?.to_string_lossy();
    let temporary = real.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = fs::write(&temporary, text)
        .and_then(|()| match fs::metadata(&real) {
            Ok(before) => fs::set_permissions(&temporary, before.permissions()),
            Err(_) => Ok(()),
        })
        .and_then(|()| fs::rename(&temporary, &real));
    if written.is_err() {
        // Nothing half done is left behind.
        let _ = fs::remove_file(&temporary);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Writes files with their folders. If any of them is there already none is written, unless `force`; `other` names another
/// way out.
///
/// # Errors
/// A file that is there already, or that cannot be written.
pub fn write_new(files: &[(&Path, &str)], force: bool, other: &str) -> Result<()> {
    if let Some((path, _)) = files.iter().find(|(path, _)| !force && path.exists()) {
        bail!("{} is there already; use --force to overwrite it, or {other}", path.display());
    }
    for (path, text) in files {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_folder(folder, other)?;
        }
        write_whole(path, text)?;
    }
    Ok(())
}
