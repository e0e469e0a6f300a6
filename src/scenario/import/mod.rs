//! A dump of a cluster (`kubectl get nodes,pods,deployments,… -A -o yaml`) as a scenario and its manifests.
//!
//! Nodes become pools of machines, what is simulated becomes manifests without anything that only a server writes, and
//! everything that is changed or left out is said in a note. It reads text and writes text: files are the caller's
//! affair, and no secret of the dump gets into what is written.

mod clean;
mod nodes;
mod objects;
mod write;

#[cfg(test)]
mod tests;

use super::edit::fmt;
use super::problem::{Place, Problems, Severity, code, line_bytes};
use crate::manifest::{self, SourceFile, emit, yaml};
use serde_json::Value;

/// What came of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The scenario file: TOML.
    pub scenario: String,
    /// The manifests that it names: YAML, in an order in which they can be applied.
    pub manifests: String,
    /// What was changed, made up or left out, one sentence each.
    pub notes: Vec<String>,
}

/// Makes a scenario of a dump, which may lie in several files. `name` is that of the scenario, `beside` that of the file
/// with its manifests, which is to lie beside it.
///
/// # Errors
/// The dump cannot be read, has no nodes, or holds what no scenario can say: a node without memory, an object that the
/// API server would refuse.
pub fn dump(name: &str, beside: &str, files: &[SourceFile<'_>]) -> Result<Imported, Problems> {
    let mut problems = Problems::default();
    let place = |file: &SourceFile<'_>, line: u32| Place {
        file: file.name.to_string(),
        bytes: line_bytes(file.text, line as usize),
    };
    let mut found = Vec::new();
    for file in files {
        problems.keep_text(file.name, file.text);
        for document in yaml::read(file.text) {
            match document {
                Ok(document) => flatten(document.value, &mut found),
                Err(unreadable) => {
                    let place = place(file, unreadable.line);
                    let problem = problems.error(code::MANIFEST, Some(place), unreadable.message);
                    problem.help.extend(unreadable.help);
                }
            }
        }
    }
    let mut notes = Vec::new();
    let mut objects = objects::sort(found, &mut notes);
    if objects.nodes.is_empty() && !problems.has_errors() {
        problems
            .error(
                code::MANIFEST,
                files.first().map(|file| place(file, 1)),
                "the dump holds no nodes, so there is no cluster to make",
            )
            .help(format!("make it with `{COMMAND}`"));
    }
    if problems.has_errors() {
        return Err(problems);
    }
    nodes::have_what_they_need(&objects.nodes, &mut problems);
    if problems.has_errors() {
        return Err(problems);
    }
    let wanted = objects.labels_in_use();
    let pools = nodes::pools(&objects.nodes, &wanted, &mut notes);
    objects.settle(&mut notes);
    let documents = objects.in_order();
    let manifests = write::manifests(name, documents.iter().copied());
    check(beside, &manifests)?;
    let scenario = write::scenario(name, beside, &pools, &objects);
    let scenario = fmt::format(&scenario).unwrap_or(scenario);
    check_whole(name, &scenario, beside, &manifests)?;
    Ok(Imported { scenario, manifests, notes })
}

/// How a dump is made.
const COMMAND: &str = "kubectl get nodes,namespaces,priorityclasses,pods,replicasets,deployments,services -A -o yaml";

/// Lists, and lists in them, as their items.
fn flatten(mut value: Value, found: &mut Vec<Value>) {
    let kind = value["kind"].as_str().unwrap_or_default().to_string();
    let is_list = kind.ends_with("List") && value.get("items").is_some_and(|items| items.is_array() || items.is_null());
    if !is_list {
        found.push(value);
        return;
    }
    let Value::Array(items) = value["items"].take() else { return };
    for mut item in items {
        if let Some(fields) = item.as_object_mut().filter(|fields| kind != "List" && !fields.contains_key("kind")) {
            fields.insert("kind".to_string(), Value::from(kind.trim_end_matches("List")));
            fields.insert("apiVersion".to_string(), value["apiVersion"].clone());
        }
        flatten(item, found);
    }
}

/// Whether what is written can be read: objects of a real cluster can, unless somebody changed the dump.
fn check(file: &str, manifests: &str) -> Result<(), Problems> {
    let Err(wrong) = manifest::load(&[SourceFile { name: file, text: manifests }]) else { return Ok(()) };
    let mut problems = Problems::default();
    problems.keep_text(file, manifests);
    for problem in wrong {
        let place = Place { file: file.to_string(), bytes: line_bytes(manifests, problem.place.line as usize) };
        let added = problems.error(code::MANIFEST, Some(place), problem.message);
        added.help.extend(problem.help);
        added.note("this is the object as it would be written; it comes from the dump");
    }
    Err(problems)
}

/// Whether the scenario checks, with its manifests beside it: nobody is told to run one that does not.
fn check_whole(name: &str, scenario: &str, beside: &str, manifests: &str) -> Result<(), Problems> {
    let file = format!("{name}.toml");
    let files = |path: &str| match path {
        path if path == file => Ok(scenario.to_string()),
        path if path == beside => Ok(manifests.to_string()),
        _ => Err("no such file".to_string()),
    };
    let Err(mut problems) = super::load(&file, &files) else { return Ok(()) };
    for problem in problems.list.iter_mut().filter(|problem| problem.severity == Severity::Error) {
        problem.note("this is the scenario as it would be written; it comes from the dump");
    }
    Err(problems)
}

/// A document as it is written into a file with others.
fn document(value: &Value) -> String {
    format!("---\n{}", emit::yaml(value))
}
