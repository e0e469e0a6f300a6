//! What the reader of a manifest should know, though nothing is wrong with it.

use std::fmt;

/// A warning; each is told once a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// File as the user named it.
    pub file: String,
    /// Line of its first occurrence, counted from 1.
    pub line: u32,
    /// What, in a sentence.
    pub message: String,
    /// A way out, if there is one.
    pub help: Option<String>,
    /// In how many further places of the file the same holds.
    pub more: usize,
    /// Whether the run will not be what the manifest says: pods will be missing.
    pub is_loud: bool,
    /// What counts as the same.
    pub key: String,
}

/// `web.yaml:23: warning: StatefulSet "db" is kept … (and 2 more)`, and the help on a line of its own.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: warning: {}", self.file, self.line, self.message)?;
        if self.more > 0 {
            write!(f, " (and {} more)", self.more)?;
        }
        self.help.iter().try_for_each(|help| write!(f, "\n  = help: {help}"))
    }
}

/// Adds a warning, or counts it if the file has it already.
pub fn add(warnings: &mut Vec<Warning>, warning: Warning) {
    match warnings.iter_mut().find(|old| (&old.file, &old.key) == (&warning.file, &warning.key)) {
        Some(old) => old.more += 1,
        None => warnings.push(warning),
    }
}
