//! Layer 7: Kubernetes manifests as objects, and objects as manifests again.
//!
//! A file goes through `yaml` (text to JSON values with lines), `load` (documents and lists of them), `served` (what only
//! a server writes is taken out), `kinds` (is it interpreted, or kept as it is), `decode` (the kind's row; `strict`
//! decoding; a conversion by topic: `pod`, `node`, `workload`, `service`, `small`, and `opaque` for the other kinds),
//! `check` (what our objects do not keep), `object::validation` (what they do) and `owners` (who owns whom).
//! `interpreted` names what is kept but not simulated; `export` goes the way back.
//!
//! It does not read the disk, knows no cluster and applies no defaults: the objects are as written, and creating them
//! is the API server's business. The types of Kubernetes end here.

pub mod decode;
pub mod emit;
pub mod export;
pub mod interpreted;
pub mod kinds;
pub mod served;
pub mod strict;
pub mod warning;
pub mod yaml;

mod check;
mod load;
mod meta;
mod node;
mod node_affinity;
mod opaque;
mod owners;
mod pod;
mod scalar;
mod service;
mod small;
mod words;
mod workload;

pub use interpreted::Note;
pub use load::load;
pub use warning::Warning;

use crate::object::Object;
use std::fmt;

/// The namespace of objects that name none.
pub const DEFAULT_NAMESPACE: &str = "default";

/// A manifest file, read by the caller.
#[derive(Clone, Copy, Debug)]
pub struct SourceFile<'a> {
    /// Its name as the user gave it.
    pub name: &'a str,
    /// Its content: YAML or JSON.
    pub text: &'a str,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// File as the user named it.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
}

/// `web.yaml:23`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Something in a manifest that a real cluster would refuse, or that we cannot simulate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What, in the API server's words where it would say something.
    pub message: String,
    /// A way out, if there is one.
    pub help: Option<String>,
}

/// `web.yaml:23: error: MESSAGE`, and the help on a line of its own.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: error: {}", self.place, self.message)?;
        self.help.iter().try_for_each(|help| write!(f, "\n  = help: {help}"))
    }
}

/// What some files hold.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    /// The objects, each with the place where it begins: in the order of the files, but for owners and what they own.
    /// Defaults are not filled in.
    pub objects: Vec<(Object, Place)>,
    /// What else is good to know, each once a file.
    pub warnings: Vec<Warning>,
    /// Fields that are kept but not simulated yet, each once a file.
    pub notes: Vec<Note>,
}

#[cfg(test)]
mod dump_tests;
#[cfg(test)]
mod tests;
