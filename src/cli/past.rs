//! A RUN of the command line, opened again: a run folder, its `run.json`, or a scenario file, which is run once.
//!
//! A folder keeps no states. It keeps what the run was made of and a receipt: the run is replayed, and it is the same run if
//! its digest is that of the receipt.

use super::arguments::Shown;
use super::input::{Input, inputs, reason};
use super::moment::Moment;
use super::once::{Stopped, simulate};
use super::{exit, files, interrupt, terminal};
use crate::cluster::World;
use crate::kernel::time::Time;
use crate::record::Detail;
use crate::report::words::counted;
use crate::report::{Finished, InputFile, Receipt, Report, SCHEMA};
use crate::scenario::{KEPT, Loaded, Problems};
use serde::Deserialize;
use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

/// A run that has been opened.
pub struct Past {
    /// What it is made of.
    pub loaded: Loaded,
    /// The run at its end. Its report is that of the folder, if it comes from one.
    pub finished: Finished,
    /// The folder that it comes from.
    pub kept: Option<Kept>,
}

/// What a run folder says about its run.
pub struct Kept {
    /// The folder.
    pub folder: PathBuf,
    /// Its `run.json`, as it lies there.
    pub text: String,
    /// What a replay cannot know.
    pub told: Told,
}

/// The part of a `run.json` that a replay cannot know, or has to agree with.
#[derive(Deserialize)]
pub struct Told {
    schema: String,
    /// The scenario's name.
    pub scenario: String,
    /// With what the replay has to agree.
    pub receipt: Receipt,
    overrides: ToldOverrides,
    /// The files that the replay reads.
    #[serde(default)]
    pub inputs: Vec<InputFile>,
}

#[derive(Deserialize)]
struct ToldOverrides {
    seed: Option<u64>,
    #[serde(default)]
    keys: Vec<String>,
}

/// What a word on the command line stands for.
pub enum Run {
    /// A run folder.
    Folder(Box<Kept>),
    /// A scenario file.
    Scenario(Input),
    /// A run folder whose `run.json` is not what a run writes.
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with the file.
        why: String,
    },
}

/// Why a run cannot be opened.
pub enum Refusal {
    /// The scenario is wrong.
    Problems(Problems),
    /// Something else, and with what to exit.
    Said(u8, String),
    /// It did not come to its end.
    Stopped(Stopped, Box<Loaded>),
}

impl Refusal {
    /// What a user can mend.
    pub fn unusable(text: impl Into<String>) -> Refusal {
        Refusal::Said(exit::UNUSABLE, text.into())
    }

    /// Says so on standard error, and with what to exit.
    pub fn tell(self, shown: Shown) -> u8 {
        match self {
            Refusal::Problems(problems) => {
                terminal::problems(&problems, shown);
                exit::UNUSABLE
            }
            Refusal::Said(code, text) => {
                terminal::err(&format!("error: {text}\n"));
                code
            }
            Refusal::Stopped(stopped, loaded) => stopped.tell(&loaded, None),
        }
    }
}

/// Opens a run: replays a folder, or runs a scenario once with its own seed.
///
/// # Errors
/// It is no run, one of another version, or one that a replay does not lead to.
pub fn open(run: &Path) -> Result<Past, Refusal> {
    match find(run)? {
        Run::Folder(kept) => {
            kept.is_of_this_version()?;
            let past = replay(*kept, Some(Detail::Full))?;
            past.is_the_same()?;
            Ok(past)
        }
        Run::Scenario(input) => {
            let (loaded, finished) = once(&input, Some(Detail::Full))?;
            Ok(Past { loaded, finished, kept: None })
        }
        Run::Damaged { folder, why } => Err(Refusal::unusable(format!(
            "`{}` is not what a run writes: {why}; run the scenario again",
            folder.join(files::RECEIPT).display()
        ))),
    }
}

/// What the word stands for.
///
/// # Errors
/// Nothing is there, or not one run.
pub fn find(run: &Path) -> Result<Run, Refusal> {
    let shown = run.display();
    let is_receipt = run.file_name().is_some_and(|name| name == files::RECEIPT);
    if is_receipt {
        return Kept::read(run.parent().unwrap_or(Path::new("")));
    }
    if !run.is_dir() {
        if run.as_os_str() != "-" && !run.exists() {
            return Err(Refusal::unusable(format!(
                "cannot read `{shown}`: no such file; expected a run folder, as `results/node-crash/1`, or a scenario file"
            )));
        }
        let found = inputs(std::iter::once(&run.to_path_buf())).map_err(Refusal::Problems)?;
        let input = found.into_iter().next();
        return input.map(Run::Scenario).ok_or_else(|| Refusal::unusable(format!("`{shown}` is no scenario")));
    }
    if run.join(files::RECEIPT).exists() {
        return Kept::read(run);
    }
    let inside =
        runs_in(run).map_err(|error| Refusal::unusable(format!("cannot read `{shown}`: {}", reason(&error))))?;
    match inside.as_slice() {
        [only] => Kept::read(only),
        [] => Err(Refusal::unusable(format!(
            "`{shown}` is no run folder: there is no `{}` in it; `evenkeel run FILE` makes one",
            files::RECEIPT
        ))),
        [first, ..] => Err(Refusal::unusable(format!(
            "`{shown}` holds {}; name one of them, as `{}`",
            counted(inside.len(), "run"),
            first.display()
        ))),
    }
}

/// All runs that the word stands for: of a folder with runs of several seeds each.
///
/// # Errors
/// It cannot be looked into.
pub fn all(run: &Path) -> Result<Vec<PathBuf>, Refusal> {
    if !run.is_dir() || run.join(files::RECEIPT).exists() {
        return Ok(vec![run.to_path_buf()]);
    }
    let inside = runs_in(run)
        .map_err(|error| Refusal::unusable(format!("cannot read `{}`: {}", run.display(), reason(&error))))?;
    Ok(if inside.is_empty() { vec![run.to_path_buf()] } else { inside })
}

/// The run folders in a folder, the lowest seed first.
fn runs_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut runs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.join(files::RECEIPT).exists() {
            runs.push(path);
        }
    }
    let seed = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()?.parse::<u64>().ok());
    runs.sort_by_key(|path| (seed(path), path.clone()));
    Ok(runs)
}

impl Kept {
    fn read(folder: &Path) -> Result<Run, Refusal> {
        let path = folder.join(files::RECEIPT);
        let shown = path.display();
        let text = fs::read_to_string(&path)
            .map_err(|error| Refusal::unusable(format!("cannot read `{shown}`: {}", reason(&error))))?;
        let told: Told = match serde_json::from_str(&text) {
            Ok(told) => told,
            Err(error) => return Ok(Run::Damaged { folder: folder.to_path_buf(), why: error.to_string() }),
        };
        if told.schema != SCHEMA {
            return Err(Refusal::unusable(format!(
                "`{shown}` has the schema `{}`, this version reads `{SCHEMA}`",
                told.schema
            )));
        }
        Ok(Run::Folder(Box::new(Kept { folder: folder.to_path_buf(), text, told })))
    }

    /// # Errors
    /// Another version made the run: how things go may have changed since.
    pub fn is_of_this_version(&self) -> Result<(), Refusal> {
        let (own, other) = (env!("CARGO_PKG_VERSION"), &self.told.receipt.version);
        let is_own = own == other;
        is_own.then_some(()).ok_or_else(|| {
            Refusal::unusable(format!(
                "{} was made by version {other}, and this is version {own}, whose runs may differ; use version {other}, \
                 or make the run again with `evenkeel run`",
                self.folder.display(),
            ))
        })
    }
}

/// Runs again what lies in the folder, and keeps as much of it as `detail` says or as it says itself. Whether it is the same run is another question.
///
/// # Errors
/// A file is missing or cannot be used.
pub fn replay(kept: Kept, detail: Option<Detail>) -> Result<Past, Refusal> {
    let path = kept.folder.join(KEPT);
    let (loaded, mut finished) = once(&Input::file(path.to_string_lossy()), detail)?;
    let (report, told) = (&mut finished.report, &kept.told);
    report.scenario.clone_from(&told.scenario);
    report.receipt.scenario_hash.clone_from(&told.receipt.scenario_hash);
    report.overrides.seed = told.overrides.seed;
    report.overrides.keys.clone_from(&told.overrides.keys);
    Ok(Past { loaded, finished, kept: Some(kept) })
}

fn once(input: &Input, detail: Option<Detail>) -> Result<(Loaded, Finished), Refusal> {
    interrupt::listen();
    let mut loaded = input.load(&[]).map_err(Refusal::Problems)?;
    let output = &mut loaded.scenario.output;
    output.record = detail.unwrap_or(output.record);
    match simulate(&loaded, None, 0, &mut |_| ()) {
        Ok(finished) => Ok((loaded, finished)),
        Err(stopped) => Err(Refusal::Stopped(stopped, Box::new(loaded))),
    }
}

/// A cluster at a moment.
pub struct Snapshot<'a> {
    /// The cluster; its clock stands at the last that happened until then.
    pub world: Cow<'a, World>,
    /// The moment.
    pub at: Time,
}

impl Past {
    /// The cluster at that moment, or at the end.
    ///
    /// # Errors
    /// The run has no such moment.
    pub fn at(&self, moment: Option<&Moment>) -> Result<Snapshot<'_>, Refusal> {
        let Finished { world, config, .. } = &self.finished;
        let Some(moment) = moment else { return Ok(Snapshot { world: Cow::Borrowed(world), at: world.now() }) };
        let at = moment.time(&config.events, world.now()).map_err(Refusal::unusable)?;
        let mut earlier = World::new(config.clone());
        earlier.run_until(at);
        Ok(Snapshot { world: Cow::Owned(earlier), at })
    }

    /// Files of the folder from which the run was replayed that are not those of the run, by name; and its `run.json`, if
    /// that was changed.
    pub fn changed(&self) -> Vec<String> {
        let Some(kept) = &self.kept else { return Vec::new() };
        let found = self.loaded.kept(None);
        let hash = |text: &str| InputFile::hash_of(text.as_bytes());
        let is_as_told = |(name, text): &(String, String)| {
            kept.told.inputs.iter().any(|input| input.name == *name && input.hash == hash(text))
        };
        let mut changed: Vec<String> =
            found.iter().filter(|file| !is_as_told(file)).map(|(name, _)| name.clone()).collect();
        let is_read = |input: &&InputFile| found.iter().any(|(name, _)| *name == input.name);
        changed.extend(kept.told.inputs.iter().filter(|input| !is_read(input)).map(|input| input.name.clone()));
        if !Report::is_sealed(&kept.text) {
            changed.push(files::RECEIPT.to_string());
        }
        changed
    }

    /// # Errors
    /// The replay has another digest than the receipt: as something was changed, or by our fault.
    fn is_the_same(&self) -> Result<(), Refusal> {
        let Some(kept) = self.kept.as_ref().filter(|kept| kept.told.receipt.digest != self.digest()) else {
            return Ok(());
        };
        let changed = self.changed();
        if changed.is_empty() {
            return Err(Refusal::Said(exit::BROKEN, self.is_our_fault(kept)));
        }
        let names: Vec<String> = changed.iter().map(|name| format!("`{name}`")).collect();
        let was = if names.len() == 1 { "was" } else { "were" };
        Err(Refusal::unusable(format!(
            "what lies in {} is another run than that of its receipt: {} {was} changed since; put them right, or run \
             `{}` as a scenario of its own",
            kept.folder.display(),
            names.join(", "),
            kept.folder.join(KEPT).display(),
        )))
    }

    /// The digest of the replay.
    pub fn digest(&self) -> &str {
        &self.finished.report.receipt.digest
    }

    /// What to say when the same went another way.
    pub fn is_our_fault(&self, kept: &Kept) -> String {
        let Receipt { version, scenario_hash, seed, digest } = &kept.told.receipt;
        format!(
            "the same version, scenario and seed gave another run; this is our fault, not yours\n  receipt: \
             {version}/{scenario_hash}/{seed}/{digest}\n  now:     {version}/{scenario_hash}/{seed}/{}\n  please report it \
             with this receipt and {}",
            self.digest(),
            kept.folder.display(),
        )
    }
}
