//! Layer 7: scenario files. From TOML to what the cluster is made of, or to everything that is wrong with it.
//!
//! `parse` reads a file by hand, with `reader`, so that every value keeps its place; `check` compares its parts with each
//! other and with the manifests; `build` makes a [`Config`]. `measure` and `rule` are what an `[[expect]]` may ask of a
//! run that is over.
//!
//! It opens no files: the caller hands texts in through [`Files`], so that it also works where there are none. It reads
//! manifests through its neighbour `manifest`, the only import within this layer.

pub mod build;
pub mod check;
pub mod codes;
pub mod distribution;
pub mod measure;
pub mod parse;
pub mod pool;
pub mod problem;
pub mod reader;
pub mod resolved;
pub mod rule;
pub mod schema;
pub mod story;
pub mod suggest;

mod manifests;
#[cfg(test)]
mod tests;

use crate::cluster::Config;
use crate::kernel::digest::Digest;
use crate::object::Object;
use problem::code;

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
    /// Text of its file.
    pub text: String,
    /// What it says.
    pub scenario: Scenario,
    /// Its manifest files.
    pub manifests: Vec<ManifestFile>,
    /// The objects that they hold, in order.
    pub objects: Vec<Object>,
    /// Warnings.
    pub warnings: Problems,
}

/// Reads a scenario and its manifests.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load(path: &str, files: &impl Files) -> Result<Loaded, Problems> {
    let mut problems = Problems::default();
    let text = match files.text(path) {
        Ok(text) => text,
        Err(why) => {
            problems.error(code::UNREADABLE, None, format!("cannot read `{path}`: {why}"));
            return Err(problems);
        }
    };
    problems.keep_text(path, &text);
    let Some(scenario) = parse::parse(path, &text, &mut problems) else { return Err(problems) };
    let (manifests, objects) = manifests::read(path, &scenario.manifests, files, &mut problems);
    check::check(path, &scenario, objects.as_deref(), &mut problems);
    problems.sort();
    match objects {
        Some(objects) if !problems.has_errors() => {
            Ok(Loaded { path: path.to_string(), text, scenario, manifests, objects, warnings: problems })
        }
        _ => Err(problems),
    }
}

impl Loaded {
    /// Its name: that of its file, without directory and ending.
    pub fn name(&self) -> &str {
        let file = self.path.rsplit(['/', '\\']).next().unwrap_or(&self.path);
        file.strip_suffix(".toml").unwrap_or(file)
    }

    /// The run with this seed, or with the scenario's own.
    pub fn config(&self, seed: Option<u64>) -> Config {
        build::build(&self.scenario, self.objects.clone(), seed.unwrap_or(self.scenario.run.seed.value))
    }

    /// A hash of its text and of its manifests.
    pub fn hash(&self) -> String {
        let mut digest = Digest::new();
        digest.bytes(self.text.as_bytes());
        self.manifests.iter().for_each(|file| digest.bytes(file.text.as_bytes()));
        digest.hex()
    }

    /// Names under which its manifests lie beside a copy of the scenario: each file's own, made different if need be.
    pub fn manifest_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for file in &self.manifests {
            let own = file.path.rsplit(['/', '\\']).next().unwrap_or(&file.path);
            let taken = names.iter().any(|name| name == own);
            names.push(if taken { format!("{}-{own}", names.len() + 1) } else { own.to_string() });
        }
        names
    }

    /// The text of the scenario as run with this seed, to lie beside its manifests: comments kept, overrides recorded.
    pub fn resolved(&self, seed: Option<u64>) -> String {
        let seed = seed.unwrap_or(self.scenario.run.seed.value);
        resolved::resolved(&self.text, &self.scenario, seed, &self.manifest_names())
    }
}
