//! What is wrong with a text that is no TOML, and what its writer probably meant.

use super::problem::{Problems, code};
use super::reader::Sink;
use std::ops::Range;
use toml::de::DeTable;

/// Most errors told of one text: what comes after the first few mostly follows from them.
const TOLD_MAX: usize = 10;

/// Everything that keeps the text of a file from being TOML.
pub fn problems(path: &str, text: &str) -> Problems {
    let mut problems = Problems::default();
    problems.keep_text(path, text);
    // A mark that some editors put in front of a text counts for places.
    let (_, errors) = DeTable::parse_recoverable(text.strip_prefix('\u{feff}').unwrap_or(text));
    report(text, &errors, &mut Sink::new(path, &mut problems));
    problems
}

/// Reports the errors of the TOML reader.
pub fn report(text: &str, errors: &[toml::de::Error], sink: &mut Sink<'_>) {
    for error in errors.iter().take(TOLD_MAX) {
        let bytes = error.span().unwrap_or(0..0);
        let message = error.message().trim_end().replace('\n', "; ");
        let hint = hint(text, &bytes, &message);
        let problem = sink.error(code::SYNTAX, &bytes, message);
        if let Some(hint) = hint {
            problem.help(hint);
        }
    }
    if errors.len() > TOLD_MAX {
        let more = errors.len() - TOLD_MAX;
        sink.error(code::SYNTAX, &errors[TOLD_MAX].span().unwrap_or(0..0), format!("and {more} more errors like that"));
    }
}

/// A way out, for slips that are common.
fn hint(text: &str, bytes: &Range<usize>, message: &str) -> Option<String> {
    let line_start = text.get(..bytes.start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[line_start..].lines().next()?.trim();
    if message.contains("duplicate key") {
        return Some("a key stands once in a table: remove one, or begin another table of a list with `[[…]]`".into());
    }
    let value = line.split_once('=').map(|(_, value)| value.trim());
    if line.contains(": ") && value.is_none() && !line.starts_with('[') {
        let (key, value) = line.split_once(": ")?;
        return Some(format!("this looks like YAML; in TOML it is `{} = {}`", key.trim(), quoted(value)));
    }
    if line.contains(['“', '”', '‘', '’']) {
        return Some("these are typographic quotation marks; TOML wants `\"`".into());
    }
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "._-/:%".contains(c);
    let value = value?.split('#').next()?.trim();
    if value.is_empty() {
        return Some("there is no value after `=`".into());
    }
    if value.matches('"').count() == 1 {
        return Some("a `\"` is missing".into());
    }
    if value.starts_with(|c: char| c.is_ascii_alphanumeric()) && value.chars().all(is_bare) {
        return Some(format!("values with a unit and words stand in quotation marks: `\"{value}\"`"));
    }
    None
}

/// A value of YAML as one of TOML.
fn quoted(value: &str) -> String {
    let value = value.trim();
    let is_plain =
        value.parse::<f64>().is_ok() || ["true", "false"].contains(&value) || value.starts_with(['"', '[', '{']);
    if is_plain { value.to_string() } else { format!("\"{value}\"") }
}
