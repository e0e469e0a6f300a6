//! Reads the manifests that a scenario names, and says what is wrong with them in its words.

use super::problem::{Place, Problems, code, line_bytes};
use super::reader::At;
use super::{Files, ManifestFile};
use crate::object::Object;

/// The manifest files and their objects; no objects if anything is wrong with them.
pub fn read(
    scenario: &str,
    names: &[At<String>],
    files: &impl Files,
    problems: &mut Problems,
) -> (Vec<ManifestFile>, Option<Vec<Object>>) {
    let directory = scenario.rfind(['/', '\\']).map_or("", |slash| &scenario[..=slash]);
    let mut manifests = Vec::new();
    for name in names {
        let is_absolute = name.value.starts_with('/');
        let path = if is_absolute { name.value.clone() } else { format!("{directory}{}", name.value) };
        match files.text(&path) {
            Ok(text) => {
                problems.keep_text(&path, &text);
                manifests.push(ManifestFile { path, text });
            }
            Err(why) => {
                let place = Place { file: scenario.to_string(), bytes: name.bytes.clone() };
                problems
                    .error(code::UNREADABLE, Some(place), format!("cannot read `{path}`: {why}"))
                    .help("manifests are looked for beside the scenario file");
            }
        }
    }
    let is_complete = manifests.len() == names.len();
    let objects = objects(&manifests, problems);
    (manifests, objects.filter(|_| is_complete))
}

#[cfg(feature = "manifest")]
fn objects(files: &[ManifestFile], problems: &mut Problems) -> Option<Vec<Object>> {
    use crate::manifest::{self, SourceFile};

    let place = |name: &str, line: u32| {
        let file = files.iter().find(|file| file.path == name)?;
        Some(Place { file: name.to_string(), bytes: line_bytes(&file.text, line as usize) })
    };
    let sources: Vec<SourceFile<'_>> =
        files.iter().map(|file| SourceFile { name: &file.path, text: &file.text }).collect();
    match manifest::load(&sources) {
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
fn objects(files: &[ManifestFile], problems: &mut Problems) -> Option<Vec<Object>> {
    if let Some(file) = files.first() {
        let place = Place { file: file.path.clone(), bytes: line_bytes(&file.text, 1) };
        problems
            .error(code::MANIFEST, Some(place), "this build cannot read manifests")
            .help("build it with the feature `manifest`");
        return None;
    }
    Some(Vec::new())
}
