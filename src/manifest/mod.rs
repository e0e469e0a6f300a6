//! Layer 7: Kubernetes manifests as objects, and objects as manifests again.
//!
//! A file goes through `yaml` (text to JSON values with lines), `decode` (the kind's row; `strict` decoding; a
//! conversion by topic: `pod`, `node`, `workload`, `service`, `small`), `check` (what our objects do not keep) and
//! `object::validation` (what they do). `interpreted` names what is kept but not simulated; `export` goes the way back.
//!
//! It does not read the disk, knows no cluster and applies no defaults: the objects are as written, and creating them
//! is the API server's business. The types of Kubernetes end here.

pub mod decode;
pub mod export;
pub mod interpreted;
pub mod strict;
pub mod yaml;

mod check;
mod meta;
mod node;
mod node_affinity;
mod pod;
mod service;
mod small;
mod workload;

pub use interpreted::Note;

use crate::object::{FieldErrors, Object, status_message};
use decode::{Decoded, Refusal};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use yaml::Text;

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
    /// The objects in the order of the files, each with the place where it begins. Defaults are not filled in.
    pub objects: Vec<(Object, Place)>,
    /// Fields that are kept but not simulated yet, each once a file.
    pub notes: Vec<Note>,
}

/// Reads all documents of all files.
///
/// # Errors
/// Every problem of every file, in the order of the files and their lines.
pub fn load(files: &[SourceFile<'_>]) -> Result<Manifests, Vec<Problem>> {
    let mut loader = Loader::default();
    for file in files {
        for document in yaml::read(file.text) {
            match document {
                Ok(text) => loader.document(file.name, &text, "", &text.value),
                Err(yaml::Unreadable { line, message }) => loader.problem(file.name, line, message, None),
            }
        }
    }
    loader.find_duplicates();
    let order = |place: &Place| (files.iter().position(|file| file.name == place.file), place.line);
    loader.problems.sort_by_key(|problem| order(&problem.place));
    if loader.problems.is_empty() { Ok(loader.manifests) } else { Err(loader.problems) }
}

#[derive(Default)]
struct Loader {
    manifests: Manifests,
    problems: Vec<Problem>,
}

impl Loader {
    fn problem(&mut self, file: &str, line: u32, message: impl Into<String>, help: Option<String>) {
        let place = Place { file: file.to_string(), line };
        self.problems.push(Problem { place, message: message.into(), help });
    }

    /// One document, or one item of a list; `prefix` is its path in `text`.
    fn document(&mut self, file: &str, text: &Text, prefix: &str, value: &Value) {
        let kind = value["kind"].as_str().unwrap_or_default();
        if kind.ends_with("List") && value["items"].is_array() {
            for (index, item) in value["items"].as_array().into_iter().flatten().enumerate() {
                let at = if prefix.is_empty() { String::new() } else { format!("{prefix}.") };
                self.document(file, text, &format!("{at}items[{index}]"), item);
            }
            return;
        }
        let line = |path: &str| match (prefix.is_empty(), path.is_empty()) {
            (true, _) => text.line_of(path),
            (false, true) => text.line_of(prefix),
            (false, false) => text.line_of(&format!("{prefix}.{path}")),
        };
        let Some((decoded, taken_out)) = self.decode(file, &line, value) else { return };
        for field in &decoded.unknown {
            let help = field.nearest.map(|nearest| format!("did you mean `{nearest}`?"));
            let message = format!("strict decoding error: unknown field \"{}\"", field.path);
            self.problem(file, line(&field.path), message, help);
        }
        let object = &decoded.object;
        let name = if object.meta().name().is_empty() { &object.meta().generate_name } else { object.meta().name() };
        for error in decoded.errors().0 {
            let path = path_of(&error.field);
            // What was taken out is told already.
            if taken_out.iter().any(|gap| path.starts_with(gap.as_str()) || gap.starts_with(&path)) {
                continue;
            }
            let message = status_message(object.kind(), name, &FieldErrors(vec![error]));
            self.problem(file, line(&path), message, None);
        }
        interpreted::note(file, text, prefix, value, &mut self.manifests.notes);
        let place = Place { file: file.to_string(), line: line("") };
        self.manifests.objects.push((decoded.object, place));
    }

    /// Decodes a document. The decoder stops at the first wrong type, so each is told and taken out until none is left;
    /// also the paths that were taken out.
    fn decode(&mut self, file: &str, line: &dyn Fn(&str) -> u32, value: &Value) -> Option<(Decoded, Vec<String>)> {
        let mut rest = value.clone();
        let mut taken_out = Vec::new();
        loop {
            match decode::decode(&rest, DEFAULT_NAMESPACE) {
                Ok(decoded) => return Some((decoded, taken_out)),
                Err(Refusal { path, message, help }) => {
                    self.problem(file, line(&path), message, help);
                    let is_of_a_kind = !["", "kind", "apiVersion"].contains(&path.as_str());
                    if !is_of_a_kind || !take_out(&mut rest, &path) {
                        return None;
                    }
                    taken_out.push(path);
                }
            }
        }
    }

    /// Two documents of one object: the second would change the first, which is hardly meant.
    fn find_duplicates(&mut self) {
        let mut first: BTreeMap<_, Place> = BTreeMap::new();
        let mut found = Vec::new();
        for (object, place) in &self.manifests.objects {
            let name = object.meta().name();
            if name.is_empty() {
                continue;
            }
            let key = (object.kind(), object.key().clone());
            match first.get(&key) {
                None => drop(first.insert(key, place.clone())),
                Some(earlier) => {
                    let message = format!("{} \"{name}\" already exists", object.kind().resource());
                    let help = Some(format!("it is defined at {earlier}; rename one of them"));
                    found.push(Problem { place: place.clone(), message, help });
                }
            }
        }
        self.problems.extend(found);
    }
}

/// The path in the document of a field as validation names it.
fn path_of(field: &str) -> String {
    // Upstream names a node's taints below its metadata, and leaves out that of a template.
    for (upstream, ours) in [
        ("metadata.taints", "spec.taints"),
        ("spec.template.labels", "spec.template.metadata.labels"),
        ("spec.template.annotations", "spec.template.metadata.annotations"),
        ("spec.LoadBalancerSourceRanges", "spec.loadBalancerSourceRanges"),
    ] {
        if let Some(rest) = field.strip_prefix(upstream) {
            return format!("{ours}{rest}");
        }
    }
    field.to_string()
}

/// Makes the value at `path` null; false if there is none.
fn take_out(value: &mut Value, path: &str) -> bool {
    let pointer = pointer(value, path);
    match value.pointer_mut(&pointer) {
        Some(found) if !found.is_null() => {
            *found = Value::Null;
            true
        }
        _ => false,
    }
}

/// A path as a JSON pointer. Keys of maps may hold dots, so the longest key that is there is taken.
fn pointer(value: &Value, path: &str) -> String {
    let mut pointer = String::new();
    let (mut at, mut rest) = (value, path);
    while !rest.is_empty() {
        if let Some((index, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            pointer = format!("{pointer}/{index}");
            at = &at[index.parse::<usize>().unwrap_or(0)];
            rest = after.strip_prefix('.').unwrap_or(after);
            continue;
        }
        let ends = rest.match_indices(['.', '[']).map(|(end, _)| end).chain([rest.len()]);
        let end = ends.filter(|end| !at[&rest[..*end]].is_null()).max().unwrap_or(rest.len());
        let key = &rest[..end];
        pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        at = &at[key];
        rest = rest[end..].strip_prefix('.').unwrap_or(&rest[end..]);
    }
    pointer
}

#[cfg(test)]
mod tests;
