//! Reads the manifests that a scenario names and those that its short workloads stand for, and says what is wrong with them
//! in its words.

use super::problem::{Place, Problems, code};
use super::reader::At;
use super::schema::{Scenario, What};
use super::source::{NOT_UTF8, Sources, join};
use super::{Files, ManifestFile};
use crate::object::{Key, Kind, Meta, Namespace, Object};
use std::collections::{BTreeMap, BTreeSet};

/// What manifests hold.
#[derive(Default)]
pub struct Read {
    /// All files, each once, in the order in which they are named.
    pub files: Vec<ManifestFile>,
    /// The objects that are there at the beginning; none if anything is wrong with any manifest.
    pub objects: Option<Vec<Object>>,
    /// The objects that each event applies.
    pub applied: BTreeMap<String, Vec<Object>>,
}

/// One set of manifests that is read as one: those of the beginning, or those of one event.
struct Set<'a> {
    event: Option<&'a str>,
    files: Vec<usize>,
}

/// Reads the manifests of the beginning and of all events.
pub fn read(scenario: &Scenario, sources: &Sources, files: &impl Files, problems: &mut Problems) -> Read {
    let mut read = Read::default();
    let mut is_whole = true;
    let beginning =
        Set { event: None, files: find(&scenario.manifests, sources, files, &mut read, &mut is_whole, problems) };
    let mut sets = vec![beginning];
    for event in &scenario.events {
        let What::Apply { manifests } = &event.what else { continue };
        let files = find(manifests, sources, files, &mut read, &mut is_whole, problems);
        sets.push(Set { event: Some(&event.id.value), files });
    }
    for set in &sets {
        let own: Vec<&ManifestFile> = set.files.iter().map(|&index| &read.files[index]).collect();
        let workloads = if set.event.is_none() { scenario.workloads.as_slice() } else { &[] };
        match (objects(&own, workloads, sources, problems), set.event) {
            (Some(objects), None) => read.objects = Some(with_namespaces(objects, scenario)),
            (Some(objects), Some(event)) => drop(read.applied.insert(event.to_string(), objects)),
            (None, _) => is_whole = false,
        }
    }
    read.objects = read.objects.filter(|_| is_whole);
    read
}

/// Finds the files, and says as which of all files each is there.
fn find(
    names: &[At<String>],
    sources: &Sources,
    files: &impl Files,
    read: &mut Read,
    is_whole: &mut bool,
    problems: &mut Problems,
) -> Vec<usize> {
    let mut found = Vec::new();
    for name in names {
        let path = join(sources.beside(name.bytes.start), &name.value);
        if let Some(known) = read.files.iter().position(|file| file.path == path) {
            if found.contains(&known) {
                let place = sources.place(&name.bytes);
                problems
                    .error(code::TWICE, Some(place), format!("`{path}` is named twice"))
                    .help("leave one of them out");
                *is_whole = false;
            } else {
                found.push(known);
            }
            continue;
        }
        match files.text(&path) {
            Ok(text) => {
                problems.keep_text(&path, &text);
                found.push(read.files.len());
                read.files.push(ManifestFile { path, text });
            }
            Err(why) => {
                *is_whole = false;
                let problem = problems.error(
                    code::UNREADABLE,
                    Some(sources.place(&name.bytes)),
                    format!("cannot read `{path}`: {why}"),
                );
                problem.help(match why.contains("UTF-8") {
                    true => NOT_UTF8,
                    false => "manifests are looked for beside the scenario file",
                });
                if name.value.contains(['/', '\\']) && files.text(&name.value).is_ok() {
                    problem.note(format!(
                        "there is `{}` in the folder where this was called, which does not count",
                        name.value
                    ));
                }
                if name.value.contains(['*', '?']) {
                    problem.help("name each file: patterns are not looked up");
                }
            }
        }
    }
    found
}

/// The objects, with the namespaces of short workloads before them that nobody declares: without them the API server would
/// refuse the workloads, but nobody wants a manifest for three lines.
fn with_namespaces(objects: Vec<Object>, scenario: &Scenario) -> Vec<Object> {
    const THERE: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];
    let declared: BTreeSet<String> = objects
        .iter()
        .filter(|object| object.kind() == Kind::Namespace)
        .map(|object| object.key().name.to_string())
        .collect();
    let wanted: BTreeSet<&str> = scenario.workloads.iter().map(|workload| workload.namespace.as_str()).collect();
    let missing = wanted.into_iter().filter(|name| !THERE.contains(name) && !declared.contains(*name));
    let namespaces = missing.map(|name| Object::from(Namespace { meta: Meta::new(Key::cluster(name)) }));
    namespaces.chain(objects.clone()).collect()
}

#[cfg(feature = "manifest")]
fn objects(
    files: &[&ManifestFile],
    workloads: &[super::schema::Workload],
    sources: &Sources,
    problems: &mut Problems,
) -> Option<Vec<Object>> {
    use super::problem::line_bytes;
    use crate::manifest::{self, SourceFile};

    let name_of = |workload: &super::schema::Workload| format!("[[workload]] {}", workload.name.value);
    let names: Vec<String> = workloads.iter().map(name_of).collect();
    let place = |name: &str, line: u32| {
        if let Some(workload) = names.iter().position(|known| known == name) {
            let lines = &workloads[workload].lines;
            return lines.get((line as usize).saturating_sub(1)).map(|bytes| sources.place(bytes));
        }
        let file = files.iter().find(|file| file.path == name)?;
        Some(Place { file: name.to_string(), bytes: line_bytes(&file.text, line as usize) })
    };
    let own = files.iter().map(|file| SourceFile { name: &file.path, text: &file.text });
    let short = workloads.iter().zip(&names).map(|(workload, name)| SourceFile { name, text: &workload.yaml });
    let all: Vec<SourceFile<'_>> = own.chain(short).collect();
    match manifest::load(&all) {
        Ok(manifests) => {
            for note in &manifests.notes {
                let message = format!("{} of {} is kept but not simulated yet", note.field, note.subject);
                let warning = problems.warning(code::NOT_SIMULATED, place(&note.file, note.line), message);
                if note.more > 0 {
                    warning.note(format!("and {} more in this file", note.more));
                }
            }
            for warning in &manifests.warnings {
                let code = if warning.is_loud { code::NO_PODS } else { code::KEPT };
                let added = problems.warning(code, place(&warning.file, warning.line), &warning.message);
                added.help.extend(warning.help.clone());
                if warning.more > 0 {
                    added.note(format!("and {} more in this file", warning.more));
                }
            }
            Some(manifests.objects.into_iter().map(|(object, _)| object).collect())
        }
        Err(wrong) => {
            for problem in wrong {
                let added =
                    problems.error(code::MANIFEST, place(&problem.place.file, problem.place.line), problem.message);
                if let Some(help) = problem.help {
                    added.help(help);
                }
            }
            None
        }
    }
}

#[cfg(not(feature = "manifest"))]
fn objects(
    files: &[&ManifestFile],
    workloads: &[super::schema::Workload],
    sources: &Sources,
    problems: &mut Problems,
) -> Option<Vec<Object>> {
    let file = files.first().map(|file| Place { file: file.path.clone(), bytes: 0..0 });
    let place = file.or_else(|| workloads.first().map(|workload| sources.place(&workload.name.bytes)));
    let Some(place) = place else { return Some(Vec::new()) };
    problems
        .error(code::MANIFEST, Some(place), "this build cannot read manifests")
        .help("build it with the feature `manifest`");
    None
}
