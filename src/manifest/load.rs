//! Reads files: their documents, lists of them and dumps of a server, with all that is wrong with them.

use super::decode::{self, Decoded, Refusal};
use super::kinds::{self, Reading};
use super::owners::{self, Ties};
use super::warning::{self, Warning};
use super::words::{elsewhere, expected, follows, no_document, way_out};
use super::yaml::{self, Text};
use super::{DEFAULT_NAMESPACE, Manifests, Place, Problem, SourceFile, interpreted, meta, opaque, served};
use crate::object::{FieldErrors, status_message};
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads all documents of all files.
///
/// # Errors
/// Every problem of every file, in the order of the files and their lines.
pub fn load(files: &[SourceFile<'_>]) -> Result<Manifests, Vec<Problem>> {
    let mut loader = Loader::default();
    for file in files {
        loader.file(file);
    }
    loader.find_duplicates();
    let order = |place: &Place| (files.iter().position(|file| file.name == place.file), place.line);
    loader.problems.sort_by_key(|problem| order(&problem.place));
    if let Some(last) = loader.problems.last().filter(|_| loader.untold > 0) {
        let (place, message) = (last.place.clone(), format!("and {} more problems like these", loader.untold));
        loader.problems.push(Problem { place, message, help: None });
    }
    if !loader.problems.is_empty() {
        return Err(loader.problems);
    }
    owners::tie(&mut loader.manifests, &loader.ties);
    Ok(loader.manifests)
}

/// Most problems that are told of all files: whoever has so many looks at the first of them.
const PROBLEMS_MAX: usize = 500;
/// Most values of wrong type that are told of one document: each is found by decoding it once more.
const WRONG_TYPES_MAX: usize = 50;

#[derive(Default)]
struct Loader {
    manifests: Manifests,
    /// Those of each object.
    ties: Vec<Ties>,
    problems: Vec<Problem>,
    untold: usize,
}

impl Loader {
    fn problem(&mut self, file: &str, line: u32, message: impl Into<String>, help: Option<String>) {
        if self.problems.len() >= PROBLEMS_MAX {
            self.untold += 1;
            return;
        }
        let place = Place { file: file.to_string(), line };
        self.problems.push(Problem { place, message: message.into(), help });
    }

    fn file(&mut self, file: &SourceFile<'_>) {
        let (objects, problems) = (self.manifests.objects.len(), self.problems.len() + self.untold);
        let mut is_empty = true;
        for document in yaml::read(file.text) {
            is_empty = false;
            match document {
                Ok(text) => self.document(file.name, &text, "", text.value.clone()),
                Err(yaml::Unreadable { line, message, help }) => self.problem(file.name, line, message, help),
            }
        }
        // What was refused of a template is not the fault of who wrote it.
        let lines: Vec<&str> = file.text.lines().collect();
        for problem in self.problems.iter_mut().filter(|problem| problem.place.file == file.name) {
            let line = lines.get((problem.place.line as usize).saturating_sub(1));
            if line.is_some_and(|line| line.contains("{{")) {
                problem.help = Some(yaml::TEMPLATE.to_string());
            }
        }
        if self.manifests.objects.len() == objects && self.problems.len() + self.untold == problems {
            let what = if is_empty { "nothing but comments and empty lines" } else { "an empty list" };
            let message = format!("the file holds {what}: no object comes from it");
            let (file, line) = (file.name.to_string(), 1);
            let (help, key) = (None, "empty".to_string());
            self.manifests.warnings.push(Warning { file, line, message, help, more: 0, is_loud: false, key });
        }
    }

    /// One document, or one item of a list; `prefix` is its path in `text`.
    fn document(&mut self, file: &str, text: &Text, prefix: &str, value: Value) {
        let line = |path: &str| match (prefix.is_empty(), path.is_empty()) {
            (true, _) => text.line_of(path),
            (false, true) => text.line_of(prefix),
            (false, false) => text.line_of(&format!("{prefix}.{path}")),
        };
        if !value.is_object() {
            let found = match &value {
                Value::Array(_) => "a list",
                Value::String(_) => "a text",
                _ => "a bare value",
            };
            let message = format!("a document must be an object with `apiVersion` and `kind`, this is {found}");
            let help = no_document(&value);
            return self.problem(file, line(""), message, help);
        }
        let kind = value["kind"].as_str().unwrap_or_default().to_string();
        if kind.ends_with("List") && value.get("items").is_some_and(|items| items.is_array() || items.is_null()) {
            return self.list(file, text, prefix, &kind, value);
        }
        if kind == "List" {
            return self.problem(file, line("items"), "a List has its objects in `items`, which must be a list", None);
        }
        self.object(file, text, prefix, &line, value);
    }

    fn list(&mut self, file: &str, text: &Text, prefix: &str, kind: &str, mut list: Value) {
        let Value::Array(items) = list["items"].take() else { return };
        let (of, dot) = (kind.trim_end_matches("List"), if prefix.is_empty() { "" } else { "." });
        for (index, mut item) in items.into_iter().enumerate() {
            // The items of a list of one kind (`PodList`) need not repeat it.
            if let Some(fields) = item.as_object_mut().filter(|item| !of.is_empty() && !item.contains_key("kind")) {
                fields.insert("kind".to_string(), Value::from(of));
                fields.entry("apiVersion").or_insert_with(|| list["apiVersion"].clone());
            }
            self.document(file, text, &format!("{prefix}{dot}items[{index}]"), item);
        }
    }

    fn object(&mut self, file: &str, text: &Text, prefix: &str, line: &dyn Fn(&str) -> u32, mut value: Value) {
        let (ties, is_served) = (Ties::of(&value), served::is_served(&value));
        if is_served && served::is_made_anew(&value) {
            return;
        }
        if is_served && value["kind"] == "Node" {
            warning::add(&mut self.manifests.warnings, without_machine(file, line("kind"), &value));
        }
        served::take_out(&mut value);
        let Some((mut decoded, taken_out)) = self.decode(file, line, &value, is_served) else { return };
        for field in &decoded.unknown {
            let help = match field.nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => elsewhere(&field.path),
            };
            let help = Some(help);
            let message = format!("strict decoding error: unknown field \"{}\"", field.path);
            self.problem(file, line(&field.path), message, help);
        }
        let object = &decoded.object;
        let name = if object.meta().name().is_empty() { &object.meta().generate_name } else { object.meta().name() };
        let errors = decoded.errors().0;
        for (at, error) in errors.iter().enumerate() {
            let path = path_of(&error.field);
            if follows(error, &errors[..at], &errors, &decoded.unknown) {
                continue;
            }
            // What was taken out is told already.
            if taken_out.iter().any(|gap| path.starts_with(gap.as_str()) || gap.starts_with(&path)) {
                continue;
            }
            let help = way_out(error);
            let message = status_message(object.kind(), name, &FieldErrors(vec![error.clone()]));
            self.problem(file, line(&path), message, help);
        }
        interpreted::note(file, text, prefix, &value, &mut self.manifests.notes);
        if ties.is_owned() {
            // Owners are tied anew, once all objects are known.
            if let Some(metadata) = value["metadata"].as_object_mut() {
                metadata.shift_remove("ownerReferences");
            }
            let meta = decoded.object.meta_mut();
            (meta.owners, meta.source) = (Vec::new(), meta::document(&value));
        }
        let place = Place { file: file.to_string(), line: line("") };
        self.manifests.objects.push((decoded.object, place));
        self.ties.push(ties);
    }

    /// Decodes a document. The decoder stops at the first wrong type, so each is told and taken out until none is left;
    /// also the paths that were taken out.
    fn decode(
        &mut self,
        file: &str,
        line: &dyn Fn(&str) -> u32,
        value: &Value,
        is_served: bool,
    ) -> Option<(Decoded, Vec<String>)> {
        let text = |field: &str| value[field].as_str().unwrap_or_default();
        let kept = match kinds::reading(text("apiVersion"), text("kind")) {
            Reading::Interpreted => None,
            Reading::Opaque(kept) => Some(kept),
            Reading::Refused(Refusal { path, message, help }) => {
                self.problem(file, line(&path), message, help);
                return None;
            }
        };
        if let Some(kept) = kept {
            warning::add(&mut self.manifests.warnings, opaque::warning(file, line("kind"), value, kept));
        }
        let mut rest = value.clone();
        let mut taken_out = Vec::new();
        loop {
            let decoded = match kept {
                Some(kept) => opaque::decode(&rest, DEFAULT_NAMESPACE, kept, is_served),
                None => decode::decode(&rest, DEFAULT_NAMESPACE),
            };
            match decoded {
                Ok(decoded) => return Some((decoded, taken_out)),
                Err(Refusal { path, message, help }) => {
                    let help = help.or_else(|| expected(&path, &message));
                    self.problem(file, line(&path), message, help);
                    let is_of_a_kind = !["", "kind", "apiVersion"].contains(&path.as_str());
                    if !is_of_a_kind || taken_out.len() >= WRONG_TYPES_MAX || !take_out(&mut rest, &path) {
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
                    let (kind, name) = object.names();
                    let what = if object.kind().is_opaque() { kind.to_string() } else { object.kind().resource() };
                    let message = format!("{what} \"{name}\" already exists");
                    let help = Some(format!("it is defined at {earlier}; rename one of them"));
                    found.push(Problem { place: place.clone(), message, help });
                }
            }
        }
        for Problem { place, message, help } in found {
            self.problem(&place.file, place.line, message, help);
        }
    }
}

/// A node of a dump is only an object.
fn without_machine(file: &str, line: u32, node: &Value) -> Warning {
    let name = node["metadata"]["name"].as_str().unwrap_or_default();
    Warning {
        file: file.to_string(),
        line,
        message: format!("Node \"{name}\" is an object without a machine: nothing can run on it"),
        help: Some(
            "machines come from `[[cluster.pool]]`; `evenkeel import dump` makes pools of the nodes".to_string(),
        ),
        more: 0,
        is_loud: false,
        key: "machine".to_string(),
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
    // Entries of maps stand in brackets there: `requests[cpu]`.
    match field.rsplit_once('[').and_then(|(map, key)| Some((map, key.strip_suffix(']')?))) {
        Some((map, key)) if key.parse::<usize>().is_err() => format!("{map}.{key}"),
        _ => field.to_string(),
    }
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
