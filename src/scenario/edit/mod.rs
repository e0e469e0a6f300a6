//! Scenario files as text: laid out, put together and changed, with every comment kept.
//!
//! `fmt` lays a file out, `merge` puts a file and what it includes into one, `set` changes single values, as the command
//! line's `--set` does. What makes two tables the same thing is in `rules`, what becomes of paths in `paths`; the reader
//! of scenarios keeps to both.
//!
//! Nothing here knows which keys a scenario may have: that is for the reader to say, of what comes out.

pub mod fmt;
pub mod merge;
pub mod paths;
pub mod rules;
pub mod set;

mod syntax;
mod tree;
#[cfg(test)]
mod random;

use super::problem::{Place, Problem, Problems};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Why a text could not be edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Which bytes of the text are to blame, if any are.
    pub bytes: Option<Range<usize>>,
    /// What is wrong, in a sentence.
    pub why: String,
    /// A way out; empty if there is none to tell.
    pub help: String,
}

impl Wrong {
    /// Something that no bytes of the text are to blame for.
    pub fn new(why: impl Into<String>, help: impl Into<String>) -> Wrong {
        Wrong { bytes: None, why: why.into(), help: help.into() }
    }

    /// Tells it as a problem of `file`.
    pub fn tell<'a>(&self, code: &'static str, file: &str, problems: &'a mut Problems) -> &'a mut Problem {
        let place = self.bytes.clone().map(|bytes| Place { file: file.to_string(), bytes });
        let problem = problems.error(code, place, self.why.as_str());
        if self.help.is_empty() { problem } else { problem.help(self.help.as_str()) }
    }
}

/// A text as TOML writes it: a basic string.
pub fn text(text: &str) -> String {
    // JSON's escapes are TOML's too; TOML wants one more.
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// A key as TOML writes it, in quotes if it needs them.
pub fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_bare { name.to_string() } else { text(name) }
}

/// Whether two tables say the same, order and places aside. Numbers must be written alike.
pub fn says_the_same(one: &DeTable<'_>, other: &DeTable<'_>) -> bool {
    one.len() == other.len()
        && one.iter().all(|(key, value)| {
            other.get(key.get_ref().as_ref()).is_some_and(|also| is_same(value.get_ref(), also.get_ref()))
        })
}

fn is_same(one: &DeValue<'_>, other: &DeValue<'_>) -> bool {
    match (one, other) {
        (DeValue::String(one), DeValue::String(other)) => one == other,
        (DeValue::Integer(one), DeValue::Integer(other)) => one.to_string() == other.to_string(),
        (DeValue::Float(one), DeValue::Float(other)) => one.as_str() == other.as_str(),
        (DeValue::Boolean(one), DeValue::Boolean(other)) => one == other,
        (DeValue::Datetime(one), DeValue::Datetime(other)) => one == other,
        (DeValue::Array(one), DeValue::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other.iter()).all(|(one, other)| is_same(one.get_ref(), other.get_ref()))
        }
        (DeValue::Table(one), DeValue::Table(other)) => says_the_same(one, other),
        _ => false,
    }
}
