//! Scenario files as they were named: files, folders with such, standard input.

use crate::scenario::problem::{code, utf8};
use crate::scenario::{self, Loaded, Problems};
use std::io::Read;
use std::path::{Path, PathBuf};

/// One scenario file.
pub struct Input {
    /// Its path, as it is shown.
    pub path: String,
    /// Its text, if it came from standard input.
    text: Option<String>,
}

/// The scenario files that these paths stand for, in order.
///
/// # Errors
/// A path that cannot be looked into, or a folder without scenarios; the rest is not looked at.
pub fn inputs<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Result<Vec<Input>, Problems> {
    let mut inputs = Vec::new();
    for path in paths {
        let shown = path.to_string_lossy().into_owned();
        let found = if shown == "-" {
            // Not `-`: the name of the scenario is also that of its folder.
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| reason(&error));
            read.and_then(|_| utf8(bytes)).map(|text| vec![Input { path: "stdin".to_string(), text: Some(text) }])
        } else if path.is_dir() {
            in_folder(path)
        } else {
            Ok(vec![Input::file(shown.as_str())])
        };
        match found {
            Ok(found) => inputs.extend(found),
            Err(why) => {
                let mut problems = Problems::default();
                problems.error(code::UNREADABLE, None, format!("cannot read `{shown}`: {why}"));
                return Err(problems);
            }
        }
    }
    Ok(inputs)
}

fn in_folder(folder: &Path) -> Result<Vec<Input>, String> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| reason(&error))? {
        let path = entry.map_err(|error| reason(&error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") && path.is_file() {
            paths.push(path.to_string_lossy().into_owned());
        }
    }
    if paths.is_empty() {
        return Err("there is no `.toml` file in this folder".to_string());
    }
    paths.sort();
    Ok(paths.into_iter().map(Input::file).collect())
}

impl Input {
    /// The scenario file of this path.
    pub fn file(path: impl Into<String>) -> Input {
        Input { path: path.into(), text: None }
    }

    /// Reads the scenario and its manifests.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(&self, set: &[String]) -> Result<Loaded, Problems> {
        scenario::load_with(&self.path, set, &|path: &str| self.read(path))
    }

    /// The text of the scenario itself or of a file beside it.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(&self, path: &str) -> Result<String, String> {
        let is_scenario = path == self.path;
        match self.text.as_ref().filter(|_| is_scenario) {
            Some(text) => Ok(text.clone()),
            None => bytes(path).and_then(utf8),
        }
    }

    /// Whether it came from standard input.
    pub fn is_standard_input(&self) -> bool {
        self.text.is_some()
    }
}

/// Longest file that is read [bytes]: what has no end, as a device, ends here.
const LONGEST: u64 = 256 << 20;

fn bytes(path: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| reason(&error))?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| reason(&error))?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("it is longer than {} MiB", LONGEST >> 20));
    }
    Ok(bytes)
}

/// Why a file cannot be read, without the number that the system adds.
pub fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_string(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_string(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_string(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8 text".to_string(),
        _ => error.to_string(),
    }
}
