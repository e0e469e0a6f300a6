//! The scenario as it was run: the text of its file, comments kept, with what the command line changed.

use super::schema::Scenario;
use std::ops::Range;

/// The text of `scenario` as run with `seed`, with its manifests under these names.
pub fn resolved(text: &str, scenario: &Scenario, seed: u64, manifests: &[String]) -> String {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for (written, name) in scenario.manifests.iter().zip(manifests) {
        if written.value != *name {
            edits.push((written.bytes.clone(), format!("{name:?}")));
        }
    }
    let written = &scenario.run.seed;
    if seed != written.value {
        let note = format!("from the command line; the file says {}", written.value);
        if !written.bytes.is_empty() {
            edits.push((written.bytes.clone(), seed.to_string()));
            let line_end = text[written.bytes.end..].find('\n').map_or(text.len(), |end| written.bytes.end + end);
            edits.push((line_end..line_end, format!("  # {note}")));
        } else if let Some(header) = line_of(text, "[run]") {
            edits.push((header.end..header.end, format!("\nseed = {seed}  # {note}")));
        } else {
            let gap = if text.ends_with('\n') { "\n" } else { "\n\n" };
            edits.push((text.len()..text.len(), format!("{gap}[run]\nseed = {seed}  # {note}\n")));
        }
    }
    // From the end, so that the places before stay right.
    edits.sort_by_key(|(bytes, _)| std::cmp::Reverse(bytes.start));
    let mut resolved = text.to_string();
    edits.into_iter().for_each(|(bytes, new)| resolved.replace_range(bytes, &new));
    resolved
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
