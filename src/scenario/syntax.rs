//! What is wrong with a text that is no TOML, and what its writer probably meant.

use super::edit::rules;
use super::problem::{Problems, code, position};
use super::reader::Sink;
use super::scan::{self, Header};
use crate::kernel::text::unmarked;
use std::ops::Range;
use toml::de::DeTable;

/// Most errors told of one text: what comes after the first few mostly follows from them.
const TOLD_MAX: usize = 10;

/// A way out where nothing stands after the equals sign.
const NO_VALUE: &str = "there is no value after `=`";

/// How deep lists and tables may lie within each other. Source: `toml` 1.1, `RECURSION_LIMIT`.
const DEEPEST: usize = 80;

/// What the TOML reader says, and what that means.
const WORDS: &[(&str, &str)] = &[
    ("string values must be quoted", "a text without quotation marks"),
    ("key with no value", "a key without a value"),
    ("invalid boolean", "a text without quotation marks"),
    ("invalid date", "the calendar has no such day"),
    ("invalid time", "the clock has no such time"),
    ("invalid basic string, expected `\"`", "a text that is not closed"),
    ("invalid basic string", "a character that cannot stand in a text"),
    ("duplicate key", "this stands here for the second time"),
    ("unexpected leading zero", "a number that begins with a zero"),
    ("unexpected key or value", "something more after the value"),
    ("invalid unquoted key", "no key can be called that"),
    ("unclosed inline table", "a table that is not closed"),
    ("unclosed array", "a list that is not closed"),
    ("missing comma between key-value pairs", "a comma is missing between two keys"),
    ("missing comma between array elements", "a comma is missing between two values"),
];

/// Everything that keeps the text of a file from being TOML.
pub fn problems(path: &str, text: &str) -> Problems {
    let mut problems = Problems::default();
    problems.keep_text(path, text);
    // A mark that some editors put in front of a text counts for places.
    let (_, errors) = DeTable::parse_recoverable(unmarked(text));
    report(text, &errors, &mut Sink::new(path, &mut problems));
    problems
}

/// Reports the errors of the TOML reader: one a line, and one in all if the text is of another language or is damaged.
pub fn report(text: &str, errors: &[toml::de::Error], sink: &mut Sink<'_>) {
    let Some(first) = errors.iter().map(|error| error.span().unwrap_or(0..0)).min_by_key(|bytes| bytes.start) else {
        return;
    };
    if let Some((bytes, message, help)) = other_language(text, &first) {
        sink.error(code::SYNTAX, &bytes, message).help(help);
        return;
    }
    if errors.iter().any(|error| error.message().contains("recursion")) {
        let bytes = scan::too_deep(text, DEEPEST).unwrap_or(first);
        sink.error(code::SYNTAX, &bytes, "lists and tables lie too deep within each other")
            .label(format!("this is the one after {DEEPEST}"))
            .help("nothing in a scenario is more than five deep");
        return;
    }
    if let Some(bytes) = scan::unclosed_text(text) {
        let quotes = text[bytes.clone()].to_string();
        sink.error(code::SYNTAX, &bytes, "a text that is not closed").help(format!("close it with `{quotes}`"));
        return;
    }
    let lost = single_brackets(text, errors, sink);
    let errors: Vec<&toml::de::Error> =
        errors.iter().filter(|error| !lost.iter().any(|lost| lost.contains(&start(error)))).collect();
    if let Some(bytes) = errors
        .iter()
        .any(|error| error.message().starts_with("unclosed array"))
        .then(|| open_list(text, &first))
        .flatten()
    {
        sink.error(code::SYNTAX, &bytes, "a list that is not closed").help("close it with `]`");
        return;
    }
    let mut told: Vec<usize> = Vec::new();
    for error in &errors {
        let bytes = error.span().unwrap_or(0..0);
        let (line, _) = position(text, bytes.start);
        // A second error of a line follows from the first.
        if told.contains(&line) {
            continue;
        }
        told.push(line);
        if told.len() > TOLD_MAX {
            continue;
        }
        let said = error.message().trim_end().replace('\n', "; ");
        let known = WORDS.iter().find(|(words, _)| said.starts_with(words));
        let message = match known {
            _ if character(text, &bytes) == Some('\0') => "a NUL byte, which is no text".to_string(),
            Some((_, message)) => (*message).to_string(),
            None => said.clone(),
        };
        let hint = hint(text, &bytes, &said);
        let message = if hint.as_deref() == Some(NO_VALUE) { "a key without a value".to_string() } else { message };
        let problem = sink.error(code::SYNTAX, &bytes, message);
        if let Some(hint) = hint {
            problem.help(hint);
        }
    }
    if told.len() > TOLD_MAX {
        let more = told.len() - TOLD_MAX;
        let last = errors.last().and_then(|error| error.span()).unwrap_or(0..0);
        sink.error(code::SYNTAX, &last, format!("and {more} more errors like that"));
    }
}

fn start(error: &toml::de::Error) -> usize {
    error.span().map_or(0, |bytes| bytes.start)
}

/// Reports lists of tables of which each element begins as if it were the only one. What that does to their keys follows
/// from it: the bytes of those tables come back.
fn single_brackets(text: &str, errors: &[toml::de::Error], sink: &mut Sink<'_>) -> Vec<Range<usize>> {
    let headers = scan::headers(text);
    let end = |index: usize| headers.get(index + 1).map_or(text.len(), |next| next.start);
    let is_list = |header: &Header<'_>| {
        let steps: Vec<&str> = header.name.split('.').collect();
        !header.is_list && rules::is_joined(&steps)
    };
    let places = headers.iter().enumerate().filter(|(_, header)| is_list(header));
    let mut lost: Vec<Range<usize>> = Vec::new();
    let mut told: Vec<&str> = Vec::new();
    for (index, header) in places {
        let bytes = header.start..end(index);
        let is_double =
            |error: &toml::de::Error| error.message().contains("duplicate key") && bytes.contains(&start(error));
        if !errors.iter().any(is_double) {
            continue;
        }
        if !told.contains(&header.name.as_str()) {
            told.push(&header.name);
            let first = headers.iter().find(|first| first.name == header.name).unwrap_or(header);
            let header_end = first.start + first.line.find(']').map_or(0, |close| close + 1);
            let message = format!("`{}` is a list: each of its tables begins with two brackets", header.name);
            sink.error(code::SYNTAX, &(first.start..header_end), message)
                .help(format!("write `[[{}]]`, here and wherever the next one begins", header.name));
        }
        lost.push(bytes);
    }
    lost
}

fn character(text: &str, bytes: &Range<usize>) -> Option<char> {
    text.get(bytes.start..)?.chars().next()
}

/// If the text is JSON or YAML: where that shows, what to say, and a way out.
fn other_language(text: &str, first: &Range<usize>) -> Option<(Range<usize>, &'static str, &'static str)> {
    let start = text.len() - text.trim_start().len();
    if text[start..].starts_with('{') {
        let help = "TOML writes `key = value`, and a table as a line `[run]` with its keys below";
        return Some((start..start + 1, "this is JSON, not TOML", help));
    }
    if let Some(at) = text.find('\r').filter(|_| !text.contains('\n')) {
        let help = "save it with the line ends of Unix or Windows: editors offer that when saving";
        return Some((at..at + 1, "the lines end as on old Macs, with a carriage return alone", help));
    }
    if text[start..].starts_with('<') {
        let help = "a scenario has lines as `key = \"value\"`, and a table is a line `[run]` with its keys below";
        return Some((start..start + 1, "this is HTML or XML, not TOML", help));
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let is_yaml = |line: &&str| {
        let line = line.trim_start_matches("- ");
        let key = line
            .split_once(':')
            .filter(|(key, value)| !key.contains(['=', '"', '[']) && (value.is_empty() || value.starts_with(' ')));
        key.is_some()
    };
    let (all, yaml) = (lines.clone().count(), lines.clone().filter(is_yaml).count());
    let help = "TOML writes `key = \"value\"`, and a table as a line `[run]`; manifests are named by `manifests`";
    if yaml > 1 && yaml * 2 > all {
        return Some((first.clone(), "this is YAML, not TOML", help));
    }
    let is_toml = |line: &&str| {
        let is_key = |c: char| c.is_ascii_alphanumeric() || "_-.\"' ".contains(c);
        line.starts_with(['[', ']', '{', '}', '"', '\''])
            || line.split_once('=').is_some_and(|(key, _)| key.chars().all(is_key))
    };
    let help = "a scenario has lines as `key = \"value\"`, and a table is a line `[run]` with its keys below";
    (all > 2 && lines.filter(is_toml).count() * 4 < all).then_some((first.clone(), "this is not TOML", help))
}

/// The bracket before an error that nothing closes.
fn open_list(text: &str, error: &Range<usize>) -> Option<Range<usize>> {
    let before = text.get(..error.start)?;
    let mut closed = 0;
    for (at, c) in before.char_indices().rev() {
        match c {
            ']' => closed += 1,
            '[' if closed > 0 => closed -= 1,
            '[' => return Some(at..at + 1),
            _ => {}
        }
    }
    None
}

/// A way out, for slips that are common.
fn hint(text: &str, bytes: &Range<usize>, message: &str) -> Option<String> {
    let line_start = text.get(..bytes.start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[line_start..].lines().next()?.trim();
    if character(text, bytes) == Some('\0') {
        return Some("the file is damaged, or was never a scenario: take it from where it came once more".into());
    }
    if message.contains("duplicate key") {
        return Some(match line.starts_with('[') {
            true => "put its keys below the first of the two; lists of tables have two brackets, as `[[event]]`".into(),
            false => "a key stands once in a table: remove one, or begin another table of a list with `[[…]]`".into(),
        });
    }
    if message.starts_with("invalid date") || message.starts_with("invalid time") {
        return Some("a date has the time of day in UTC, as 2026-11-24T18:00:00Z".into());
    }
    if line.starts_with("//") {
        return Some("comments begin with `#`".into());
    }
    let value = line.split_once('=').map(|(_, value)| value.trim());
    if line.contains(": ") && value.is_none() && !line.starts_with('[') {
        let (key, value) = line.split_once(": ")?;
        return Some(format!("this looks like YAML; in TOML it is `{} = {}`", key.trim(), quoted(value)));
    }
    if line.contains(":=") {
        return Some("TOML writes `=`, without the colon".into());
    }
    if line.contains(['“', '”', '‘', '’']) {
        return Some("these are typographic quotation marks; TOML wants `\"`".into());
    }
    if message.starts_with("unclosed inline table") {
        return Some("close it with `}`".into());
    }
    if message.starts_with("missing comma") {
        return Some("put `,` between them".into());
    }
    if message.starts_with("unexpected key or value") {
        return Some("each key stands on a line of its own".into());
    }
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "._-/:%".contains(c);
    // The value of a key within braces is the last one before the error.
    let value = match text[line_start..bytes.end.max(line_start)].rsplit_once('=') {
        Some(_) if line.contains('{') => text.get(bytes.clone())?.trim(),
        _ => value?.split('#').next()?.trim(),
    };
    if value.is_empty() {
        return Some(NO_VALUE.into());
    }
    let lower = value.to_ascii_lowercase();
    if value != lower && ["true", "false"].contains(&lower.as_str()) {
        return Some(format!("TOML writes `{lower}`, in lower case"));
    }
    if message.starts_with("unexpected leading zero") {
        return Some(format!("write `{}`", value.trim_start_matches('0')));
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
