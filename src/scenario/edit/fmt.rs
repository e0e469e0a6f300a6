//! Lays a scenario file out: the same tables in the same order with the same comments, in the form of the scenarios that
//! come with the program.
//!
//! The equals signs of neighbouring keys stand below each other, and so do the comments behind them; a blank line or a
//! comment of its own ends a neighbourhood. One blank line before each table, never two. Strings in double quotes where
//! that loses nothing, `{ a = 1, b = 2 }`, lists on one line if it holds them, else one element per line.

use super::syntax::{self, Entry, Line, Value};
use super::{Wrong, says_the_same};
use crate::kernel::text::unmarked;
use toml::de::DeTable;

/// Columns that a list on one line may fill, comments aside.
const COLUMNS: usize = 120;
/// Blanks before a comment behind a value.
const GAP: usize = 4;
/// Blanks by which the elements of a list on several lines stand further in.
const INDENT: usize = 2;

/// The text, laid out. Laying it out again changes nothing.
///
/// # Errors
/// The first place at which the text is not TOML.
pub fn format(text: &str) -> Result<String, Wrong> {
    let bare = unmarked(text);
    let shift = text.len() - bare.len();
    let before = DeTable::parse(bare).map_err(|error| {
        let bytes = error.span().map(|span| span.start + shift..span.end + shift);
        Wrong { bytes, why: error.message().to_string(), help: String::new() }
    })?;
    let formatted = syntax::lines(bare).map(written_out);
    let is_same = |formatted: &String| {
        DeTable::parse(formatted).is_ok_and(|after| says_the_same(before.get_ref(), after.get_ref()))
    };
    // Nobody should lose a file to a mistake of ours.
    formatted.filter(is_same).ok_or_else(|| {
        let why = "this file cannot be laid out without changing what it says: that is a mistake of this program";
        Wrong::new(why, "please report it, with the file")
    })
}

/// The lines as the text of a file.
pub(super) fn written_out(lines: Vec<Line>) -> String {
    lay_out(tidied(lines))
}

/// The lines with blank ones where they belong and nowhere else.
fn tidied(lines: Vec<Line>) -> Vec<Line> {
    let mut tidy: Vec<Line> = Vec::new();
    for line in lines {
        if line == Line::Blank && matches!(tidy.last(), None | Some(Line::Blank)) {
            continue;
        }
        let is_pair = matches!(line, Line::Pair { .. });
        if is_pair && matches!(tidy[..], [.., Line::Header { .. }, Line::Blank]) {
            tidy.pop();
        }
        if matches!(line, Line::Header { .. }) {
            // Comments right above a header belong to it.
            let own = tidy.iter().rev().take_while(|line| matches!(line, Line::Comment(_))).count();
            let at = tidy.len() - own;
            if at > 0 && tidy[at - 1] != Line::Blank {
                tidy.insert(at, Line::Blank);
            }
        }
        tidy.push(line);
    }
    if tidy.last() == Some(&Line::Blank) {
        tidy.pop();
    }
    tidy
}

fn lay_out(lines: Vec<Line>) -> String {
    let mut out = String::new();
    for block in lines.chunk_by(|one, next| is_pair(one) && is_pair(next)) {
        let keys = block.iter().map(|line| if let Line::Pair { key, .. } = line { width(&key.join(".")) } else { 0 });
        let key_width = keys.max().unwrap_or(0);
        let coded = block.iter().map(|line| match line {
            Line::Blank => (String::new(), None),
            Line::Comment(text) => (text.clone(), None),
            Line::Header { key, is_list: true, comment } => (format!("[[{}]]", key.join(".")), comment.as_deref()),
            Line::Header { key, is_list: false, comment } => (format!("[{}]", key.join(".")), comment.as_deref()),
            Line::Pair { key, value, comment } => {
                let key = key.join(".");
                let key = format!("{key}{} = ", " ".repeat(key_width - width(&key)));
                let value = written(value, 0, width(&key));
                (key + &value, comment.as_deref())
            }
        });
        with_comments(&mut out, coded.collect());
    }
    out
}

fn is_pair(line: &Line) -> bool {
    matches!(line, Line::Pair { .. })
}

/// Adds neighbouring lines, their comments below each other. Values of several lines have theirs right behind.
fn with_comments(out: &mut String, lines: Vec<(String, Option<&str>)>) {
    let commented = lines.iter().filter(|(code, comment)| comment.is_some() && !code.contains('\n'));
    let code_width = commented.map(|(code, _)| width(code)).max().unwrap_or(0);
    for (code, comment) in lines {
        *out += &code;
        if let Some(comment) = comment {
            let filled = if code.contains('\n') { code_width } else { width(&code) };
            *out += &" ".repeat(code_width - filled + GAP);
            *out += comment;
        }
        out.push('\n');
    }
}

/// A value that begins in this column of a line that is indented this far.
fn written(value: &Value, indent: usize, column: usize) -> String {
    let (Value::Array(entries) | Value::Table(entries)) = value else { return flat(value) };
    let is_table = matches!(value, Value::Table(_));
    if !must_break(value) {
        let flat = flat(value);
        if column + width(&flat) <= COLUMNS {
            return flat;
        }
    }
    let is_commented = entries.iter().any(|entry| !matches!(entry, Entry::Item { comment: None, .. }));
    if is_table && !is_commented {
        return table_on_a_line(entries, indent, column);
    }
    let inner = indent + INDENT;
    let mut lines = String::new();
    for block in entries.chunk_by(|one, next| is_item(one) && is_item(next)) {
        let coded = block.iter().map(|entry| match entry {
            Entry::Comment(text) => (format!("{}{text}", " ".repeat(inner)), None),
            Entry::Item { key, value, comment } => {
                let start = " ".repeat(inner) + &key.as_ref().map_or(String::new(), |key| key.join(".") + " = ");
                let value = written(value, inner, width(&start));
                (format!("{start}{value},"), comment.as_deref())
            }
        });
        with_comments(&mut lines, coded.collect());
    }
    let (open, close) = if is_table { ('{', '}') } else { ('[', ']') };
    format!("{open}\n{lines}{}{close}", " ".repeat(indent))
}

fn is_item(entry: &Entry) -> bool {
    matches!(entry, Entry::Item { .. })
}

/// TOML before 1.1 knows inline tables on one line only: what makes one longer must be a list or a string inside.
fn table_on_a_line(entries: &[Entry], indent: usize, column: usize) -> String {
    let mut out = String::from("{ ");
    for (index, entry) in entries.iter().enumerate() {
        let Entry::Item { key, value, .. } = entry else { continue };
        out += if index > 0 { ", " } else { "" };
        out += &key.as_ref().map_or(String::new(), |key| key.join("."));
        out += " = ";
        let begun = out.rsplit('\n').next().unwrap_or(&out);
        let here = if begun.len() == out.len() { column + width(begun) } else { width(begun) };
        let value = written(value, indent, here);
        out += &value;
    }
    out + " }"
}

/// A value on one line, of which the comments are left out.
pub(super) fn flat(value: &Value) -> String {
    let joined = |entries: &[Entry]| {
        let items = entries.iter().filter_map(|entry| match entry {
            Entry::Comment(_) => None,
            Entry::Item { key: Some(key), value, .. } => Some(format!("{} = {}", key.join("."), flat(value))),
            Entry::Item { key: None, value, .. } => Some(flat(value)),
        });
        items.collect::<Vec<_>>().join(", ")
    };
    match value {
        Value::Plain(text) => text.clone(),
        Value::Array(entries) => format!("[{}]", joined(entries)),
        Value::Table(entries) if entries.is_empty() => "{}".to_string(),
        Value::Table(entries) => format!("{{ {} }}", joined(entries)),
    }
}

/// Whether a value does not go on one line: there are comments in it, or a string of several.
fn must_break(value: &Value) -> bool {
    match value {
        Value::Plain(text) => text.contains('\n'),
        Value::Array(entries) | Value::Table(entries) => entries.iter().any(|entry| match entry {
            Entry::Comment(_) | Entry::Item { comment: Some(_), .. } => true,
            Entry::Item { value, .. } => must_break(value),
        }),
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
#[path = "fmt_tests.rs"]
mod tests;
