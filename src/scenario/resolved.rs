//! The scenario as it was run: one file, comments kept, with what it includes and what the command line changed.

use super::edit::{merge, set};
use super::source::{Sources, join};
use super::{ManifestFile, schema};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// The text of these files as run with `seed`, with its manifests under these names.
pub fn resolved(sources: &Sources, manifests: &[ManifestFile], names: &[String], seed: u64) -> String {
    let files = sources.files();
    let Some(main) = files.first() else { return String::new() };
    let mut text = main.text.clone();
    if files.len() > 1 {
        let find = |path: &str| {
            let found = files.iter().find(|file| file.path == path);
            found.map(|file| file.text.clone()).ok_or_else(|| "no such file".to_string())
        };
        // All of them have been read already.
        text = merge::flatten(&main.path, &find).unwrap_or(text);
    }
    for setting in sources.set() {
        text = set::set(&text, setting).unwrap_or(text);
    }
    let renamed = rename(&text, &main.path, manifests, names);
    with_seed(&renamed, seed)
}

/// The text with its manifests under other names.
fn rename(text: &str, path: &str, manifests: &[ManifestFile], names: &[String]) -> String {
    let Ok(table) = DeTable::parse(text) else { return text.to_string() };
    let root = table.get_ref();
    let events = root.get("event").and_then(|events| events.get_ref().as_array());
    let events = events.into_iter().flat_map(|events| events.iter()).filter_map(|event| event.get_ref().as_table());
    let lists = std::iter::once(root).chain(events).filter_map(|table| table.get("manifests")?.get_ref().as_array());
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for written in lists.flat_map(|list| list.iter()) {
        let Some(name) = written.get_ref().as_str() else { continue };
        let file = join(path, name);
        let known = manifests.iter().position(|manifest| manifest.path == file).and_then(|index| names.get(index));
        if let Some(known) = known.filter(|known| *known != name) {
            edits.push((written.span(), format!("{known:?}")));
        }
    }
    edited(text, edits)
}

fn with_seed(text: &str, seed: u64) -> String {
    let Ok(table) = DeTable::parse(text) else { return text.to_string() };
    let run = table.get_ref().get("run");
    let written = run.and_then(|run| run.get_ref().as_table()?.get("seed"));
    let value = written.and_then(|written| match written.get_ref() {
        DeValue::Integer(number) => u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok(),
        _ => None,
    });
    let before = value.unwrap_or(schema::DEFAULT_SEED);
    if seed == before {
        return text.to_string();
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let note = format!("from the command line; the file says {before}");
    if let Some(written) = written.map(toml::Spanned::span) {
        let line_end = text[written.end..].find('\n').map_or(text.len(), |end| written.end + end);
        edits.push((written, seed.to_string()));
        edits.push((line_end..line_end, format!("  # {note}")));
    } else if let Some(header) = line_of(text, "[run]") {
        edits.push((header.end..header.end, format!("\nseed = {seed}  # {note}")));
    } else if let Some(run) = run.map(toml::Spanned::span).filter(|run| text[run.clone()].starts_with('{')) {
        let is_empty = text[run.clone()].trim_matches(['{', '}']).trim().is_empty();
        edits.push((run.start + 1..run.start + 1, format!(" seed = {seed}{}", if is_empty { " " } else { "," })));
    } else if run.is_some() {
        edits.push((0..0, format!("run.seed = {seed}  # {note}\n")));
    } else {
        let gap = if text.ends_with('\n') { "\n" } else { "\n\n" };
        edits.push((text.len()..text.len(), format!("{gap}[run]\nseed = {seed}  # {note}\n")));
    }
    edited(text, edits)
}

/// The text with these replacements.
fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    // From the end, so that the places before stay right.
    edits.sort_by_key(|(bytes, _)| std::cmp::Reverse(bytes.start));
    let mut edited = text.to_string();
    edits.into_iter().for_each(|(bytes, new)| edited.replace_range(bytes, &new));
    edited
}

/// The bytes of the line that says just `header`, but for blanks and a comment.
fn line_of(text: &str, header: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if content.split('#').next().unwrap_or("").trim() == header {
            return Some(start..start + content.len());
        }
        start += line.len();
    }
    None
}
