//! Looks over a text that is no TOML for what the reader of TOML does not say: where a text begins that never ends, where
//! things lie too deep within each other, which tables are begun and how.

use std::ops::Range;

/// A line that begins a table.
pub struct Header<'t> {
    /// Its name, as `cluster.pool`.
    pub name: String,
    /// Whether it has two brackets on either side.
    pub is_list: bool,
    /// The line, without its indentation.
    pub line: &'t str,
    /// Where it begins.
    pub start: usize,
}

/// Where a text of several lines opens that nothing closes.
pub fn unclosed_text(text: &str) -> Option<Range<usize>> {
    skipped(text).1
}

/// Where things lie more than `most` deep within each other.
pub fn too_deep(text: &str, most: usize) -> Option<Range<usize>> {
    let mut depth: usize = 0;
    for (at, c) in outside(text) {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > most {
            return Some(at..at + 1);
        }
    }
    None
}

/// The lines that begin tables, in order.
pub fn headers(text: &str) -> Vec<Header<'_>> {
    let (skipped, _) = skipped(text);
    let is_skipped = |at: usize| skipped.iter().any(|range| range.start < at && at < range.end);
    let mut headers = Vec::new();
    let mut start = 0;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim();
        let at = start + (whole.len() - whole.trim_start().len());
        start += whole.len();
        let is_list = line.starts_with("[[");
        let (open, close) = if is_list { ("[[", "]]") } else { ("[", "]") };
        let inner = line.strip_prefix(open).and_then(|rest| rest.split_once(close));
        if let Some((name, behind)) = inner.filter(|_| !is_skipped(at))
            && (behind.trim().is_empty() || behind.trim_start().starts_with('#'))
        {
            let name = name.split('.').map(str::trim).collect::<Vec<_>>().join(".");
            headers.push(Header { name, is_list, line, start: at });
        }
    }
    headers
}

/// What is neither in a text nor in a comment.
fn outside(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (skipped, _) = skipped(text);
    let mut next = 0;
    text.char_indices().filter(move |(at, _)| {
        while skipped.get(next).is_some_and(|range| range.end <= *at) {
            next += 1;
        }
        skipped.get(next).is_none_or(|range| *at < range.start)
    })
}

/// Where texts and comments are, and where a text of several lines opens that nothing closes.
fn skipped(text: &str) -> (Vec<Range<usize>>, Option<Range<usize>>) {
    let mut list = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(['#', '"', '\'']) {
        let start = at + found;
        let rest = &text[start..];
        let line_end = rest.find('\n').map_or(text.len(), |newline| start + newline);
        let long = ["\"\"\"", "'''"].into_iter().find(|quotes| rest.starts_with(quotes));
        at = match (long, &rest[..1]) {
            (Some(quotes), _) => match closing(&rest[3..], quotes) {
                Some(end) => start + 3 + end,
                None => return (list, Some(start..start + 3)),
            },
            (None, "#") => line_end,
            // One that its line does not close ends there: that is told by the reader.
            (None, quote) => closing(&text[start + 1..line_end], quote).map_or(line_end, |end| start + 1 + end),
        };
        list.push(start..at);
    }
    (list, None)
}

/// Where these quotes close what they opened before `rest`: the byte behind them.
fn closing(rest: &str, quotes: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let found = at + rest[at..].find(['\\', quotes.chars().next()?])?;
        if rest[found..].starts_with('\\') && quotes.starts_with('"') {
            let escaped = rest[found + 1..].chars().next()?;
            at = found + 1 + escaped.len_utf8();
        } else if rest[found..].starts_with(quotes) {
            return Some(found + quotes.len());
        } else {
            at = found + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_never_end_are_found_where_they_open() {
        for (text, open) in [
            ("a = \"\"\"x\n", Some(4)),
            ("a = \"\"\"x\"\"\"\nb = '''y\n", Some(16)),
            ("a = \"\"\"x \\\"\"\" y\"\"\"\n", None),
            ("a = '''\\'''\n", None),
            ("# \"\"\"\na = \"x # y\"\n", None),
            ("a = \"x\\\\\"\nb = \"\"\"", Some(14)),
            ("é = \"ö\\é\" # '''\n", None),
        ] {
            assert_eq!(unclosed_text(text).map(|range| range.start), open, "{text}");
        }
    }

    #[test]
    fn brackets_in_texts_and_comments_do_not_count() {
        assert_eq!(too_deep("a = [[1]] # [[[\nb = \"[[[[\"\n", 2), None);
        assert_eq!(too_deep("a = [[1]]\nb = { c = [[2]] }", 2), Some(21..22));
        let found: Vec<(String, bool)> = headers("[a]\n x = 1\n[[ b . c ]] # d\ny = [[1]]\nt = \"\"\"\n[e]\n\"\"\"\n")
            .into_iter()
            .map(|h| (h.name, h.is_list))
            .collect();
        assert_eq!(found, [("a".to_string(), false), ("b.c".to_string(), true)]);
    }
}
