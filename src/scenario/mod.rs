//! Layer 7: scenario files. From TOML to what the cluster is made of, or to everything that is wrong with it.
//!
//! `parse` reads a file by hand, with `reader`, so that every value keeps its place; `check` compares its parts with each
//! other and with the manifests; `build` makes a [`Config`]. `measure` and `rule` are what an `[[expect]]` may ask of a
//! run that is over. `edit` lays files out and changes them as text; `import` goes the other way: from a dump of a cluster
//! to a scenario.
//!
//! It opens no files: the caller hands texts in through [`Files`], so that it also works where there are none. It reads
//! manifests through its neighbour `manifest`, the only import within this layer.

pub mod build;
pub mod check;
pub mod control;
pub mod defaults;
pub mod codes;
pub mod describe;
pub mod distribution;
pub mod domain;
pub mod edit;
pub mod event;
pub mod expect;
pub mod json_schema;
pub mod label_selector;
pub mod language;
pub mod failure;
#[cfg(feature = "manifest")]
pub mod import;
pub mod measure;
pub mod overlay;
pub mod parse;
pub mod patch;
pub mod pool;
pub mod problem;
pub mod reader;
pub mod resolved;
pub mod rule;
pub mod scan;
pub mod schema;
pub mod shape;
pub mod source;
pub mod suggest;
pub mod syntax;
pub mod target;
pub mod workload;

mod manifests;
#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod tests;

use crate::cluster::Config;
use crate::kernel::digest::Digest;
use crate::object::Object;
use domain::Domains;
use reader::Sink;
use source::Sources;
use std::collections::BTreeMap;

pub use problem::{Problem, Problems};
pub use schema::Scenario;

/// Where texts come from.
pub trait Files {
    /// The text of a file.
    ///
    /// # Errors
    /// Why it cannot be read, in a few words.
    fn text(&self, path: &str) -> Result<String, String>;
}

impl<F: Fn(&str) -> Result<String, String>> Files for F {
    fn text(&self, path: &str) -> Result<String, String> {
        self(path)
    }
}

/// A manifest file of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFile {
    /// Its path, as the scenario's directory and its own name give it.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A scenario of which nothing is wrong.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Path of its file, as the user gave it.
    pub path: String,
    /// Its files: the one asked for first, then those that it includes.
    pub sources: Sources,
    /// What it says.
    pub scenario: Scenario,
    /// Its failure domains.
    pub domains: Domains,
    /// Its manifest files, those of events too.
    pub manifests: Vec<ManifestFile>,
    /// The objects that are there at the beginning, in order.
    pub objects: Vec<Object>,
    /// The objects that each event applies.
    pub applied: BTreeMap<String, Vec<Object>>,
    /// Warnings.
    pub warnings: Problems,
}

/// Name of the scenario in the folder of a run.
pub const KEPT: &str = "scenario.toml";

/// Whether a file of the folder of a run may have this name that is no manifest.
fn is_reserved(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower == "run.json" || [".toml", ".csv", ".svg", ".png"].iter().any(|ending| lower.ends_with(ending))
}

/// Reads a scenario, what it includes, and its manifests.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load(path: &str, files: &impl Files) -> Result<Loaded, Problems> {
    load_with(path, &[], files)
}

/// Reads a scenario of which some values are set from outside, each as `PATH=VALUE`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_with(path: &str, set: &[String], files: &impl Files) -> Result<Loaded, Problems> {
    let mut problems = Problems::default();
    let Some(sources) = Sources::read(path, set, files, &mut problems) else { return Err(problems) };
    let tree = sources.tree(&mut problems);
    let mut sink = Sink::over(&sources, &mut problems);
    let Some(scenario) = parse::parse(&tree, &mut sink) else { return Err(problems) };
    let domains = Domains::of(&scenario.pools, &scenario.domains, scenario.are_pools_complete, &mut sink);
    let read = manifests::read(&scenario, &sources, files, &mut problems);
    let mut sink = Sink::over(&sources, &mut problems);
    let applied: Vec<&Object> = read.applied.values().flatten().collect();
    check::check(&scenario, &domains, read.objects.as_deref(), &applied, &mut sink);
    problems.sort();
    match read.objects {
        Some(objects) if !problems.has_errors() => Ok(Loaded {
            path: path.to_string(),
            scenario,
            domains,
            manifests: read.files,
            objects,
            applied: read.applied,
            warnings: problems,
            sources: sources.clone(),
        }),
        _ => Err(problems),
    }
}

impl Loaded {
    /// Its name: that of its file, without directory and ending.
    pub fn name(&self) -> &str {
        let file = self.path.rsplit(['/', '\\']).next().unwrap_or(&self.path);
        file.strip_suffix(".toml").unwrap_or(file)
    }

    /// The text of its file.
    pub fn text(&self) -> &str {
        self.sources.list.first().map_or("", |source| &source.text)
    }

    /// The run with this seed, or with the scenario's own.
    pub fn config(&self, seed: Option<u64>) -> Config {
        let seed = seed.unwrap_or(self.scenario.run.seed.value);
        build::build(&self.scenario, &self.domains, self.objects.clone(), &self.applied, seed)
    }

    /// Why processes of failures do not strike with this seed, each in a sentence.
    pub fn silences(&self, seed: Option<u64>) -> Vec<String> {
        let seed = seed.unwrap_or(self.scenario.run.seed.value);
        build::silences(&self.scenario, &self.domains, seed)
    }

    /// Every value that holds, as TOML, with its origin behind it.
    pub fn defaults(&self) -> String {
        let tree = self.sources.tree(&mut Problems::default());
        let said = ["run", "output"].into_iter().flat_map(|name| {
            let table = tree.get(name).and_then(|table| table.get_ref().as_table());
            table.into_iter().flat_map(move |table| table.keys().map(move |key| format!("{name}.{}", key.get_ref())))
        });
        defaults::shown(&self.scenario, &said.collect())
    }

    /// A hash of its text and of its manifests.
    pub fn hash(&self) -> String {
        let mut digest = Digest::new();
        self.sources.list.iter().for_each(|source| digest.bytes(source.text.as_bytes()));
        self.manifests.iter().for_each(|file| digest.bytes(file.text.as_bytes()));
        digest.hex()
    }

    /// Names under which its manifests lie beside a copy of the scenario: each file's own, made different if need be.
    pub fn manifest_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for file in &self.manifests {
            let own = file.path.rsplit(['/', '\\']).next().unwrap_or(&file.path);
            let is_free = |name: &String| !names.contains(name) && !is_reserved(name);
            let numbered = (names.len() + 1..).map(|number| format!("{number}-{own}"));
            let name = std::iter::once(own.to_string()).chain(numbered).find(is_free);
            names.push(name.expect("numbers have no end"));
        }
        names
    }

    /// The files from which the run with this seed can be had again, by name: the scenario first, then its manifests.
    pub fn kept(&self, seed: Option<u64>) -> Vec<(String, String)> {
        let scenario = (KEPT.to_string(), self.resolved(seed));
        let manifests = self.manifest_names().into_iter().zip(&self.manifests);
        std::iter::once(scenario).chain(manifests.map(|(name, file)| (name, file.text.clone()))).collect()
    }

    /// The text of the scenario as run with this seed, to lie beside its manifests: comments kept, overrides recorded.
    pub fn resolved(&self, seed: Option<u64>) -> String {
        let seed = seed.unwrap_or(self.scenario.run.seed.value);
        resolved::resolved(&self.sources, &self.manifests, &self.manifest_names(), seed)
    }
}
