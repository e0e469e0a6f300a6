//! YAML and JSON text as JSON values that remember their lines.
//!
//! Source: sigs.k8s.io/yaml over its fork of yaml.v2, apimachinery `pkg/util/yaml/decoder.go`, v1.36. Kubernetes reads
//! YAML 1.1: a plain `yes`, `on` or `0644` is a boolean or an octal number, which is why the parser's events are
//! resolved here. Unlike upstream, which lets the last one win, a key that stands twice in a mapping is a problem. Left
//! out: `.inf` and `.nan` (strings here, errors upstream) and binary tags.

use super::scalar::resolve;
use crate::kernel::text::unmarked;
use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Before what the parser says.
const SYNTAX: &str = "error parsing YAML: ";
/// How deep a document may nest; none of Kubernetes' types comes near.
const DEPTH_MAX: usize = 100;
/// How many values a part of a file may have: enough for the dump of any cluster that can be simulated.
const VALUES_MAX: usize = 5_000_000;
/// How many values anchors and aliases may copy, so that a few lines cannot stand for billions. Ours; upstream bounds
/// their share of the document.
const COPIES_MAX: usize = 200_000;
/// How much text they may copy (bytes).
const COPIED_TEXT_MAX: usize = 16 << 20;
/// Longest key (bytes). Keys of Kubernetes have at most 317 characters; YAML itself allows 1024 without a `?`.
const KEY_MAX: usize = 1024;
/// How much memory the paths of fields may take before lines are told only of their parents (bytes).
const PATHS_MAX: usize = 256 << 20;

/// One document of a file.
#[derive(Clone, Debug)]
pub struct Text {
    /// Its content.
    pub value: Value,
    /// Line on which it begins, counted from 1.
    pub line: u32,
    /// Line of each field, by path.
    lines: BTreeMap<String, u32>,
}

impl Text {
    /// The line of the field at `path` (as `spec.containers[0].image`), or of its nearest parent.
    pub fn line_of(&self, path: &str) -> u32 {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return self.line,
            }
        }
    }
}

/// What the parser could not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Line of the fault, counted from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
    /// A way out, if there is one.
    pub help: Option<String>,
}

/// The documents of a file, without the empty ones. A document that cannot be read does not hide the others.
pub fn read(text: &str) -> Vec<Result<Text, Unreadable>> {
    let text = unmarked(text);
    let mut documents = Vec::new();
    for (first_line, part) in split(text) {
        match read_part(part, first_line) {
            Ok(parts) => documents.extend(parts.into_iter().filter(|part| !part.value.is_null()).map(Ok)),
            Err(problem) => match read_json(part, first_line) {
                Some(objects) => documents.extend(objects),
                None => documents.push(Err(kind(problem, part, first_line))),
            },
        }
    }
    documents
}

/// A way out for what other programs make manifests of.
pub const TEMPLATE: &str = "this looks like a template: render it first, as `helm template` does";

/// Says what the parser's words mean to whoever wrote the text.
fn kind(mut problem: Unreadable, part: &str, first_line: u32) -> Unreadable {
    if problem.message.starts_with(SYNTAX) && problem.message.contains("recursion limit") {
        problem.message = too_deep();
        return problem;
    }
    let index = (problem.line - first_line) as usize;
    let near: Vec<(usize, &str)> = part.lines().enumerate().skip(index.saturating_sub(1)).take(3).collect();
    if near.iter().any(|(at, line)| *at == index && line.contains("{{")) {
        problem.help = Some(TEMPLATE.to_string());
        return problem;
    }
    if problem.message.contains("\\u{0}") {
        problem.message = "a NUL byte: this is no text".to_string();
        problem.help =
            Some("the file is damaged, or was never a manifest: take it from where it came once more".to_string());
        return problem;
    }
    let has_tab = |line: &str| line[..line.len() - line.trim_start().len()].contains('\t');
    let tabbed = near.iter().rfind(|(_, line)| has_tab(line));
    // Within brackets tabs are allowed.
    if let Some((at, _)) = tabbed.filter(|_| !part.trim_start().starts_with(['{', '['])) {
        problem.message = "a tab in the indentation: YAML forbids tabs there".to_string();
        problem.help = Some("indent with spaces; most editors can replace all tabs at one go".to_string());
        problem.line = first_line + *at as u32;
        return problem;
    }
    let found = HELP.iter().find(|(words, _)| problem.message.starts_with(SYNTAX) && problem.message.contains(words));
    problem.help = problem.help.or(found.map(|(_, help)| (*help).to_string()));
    problem
}

fn too_deep() -> String {
    format!("nested deeper than {DEPTH_MAX} levels")
}

/// Ways out of what the parser complains of.
const HELP: &[(&str, &str)] = &[
    ("mapping values are not allowed", "a text with `: ` in it needs quotes; or the line is indented too far"),
    ("unknown escape character", "in single quotes a backslash is just a backslash"),
    ("unexpected character", "put the text in quotes"),
    ("unknown anchor", "`*name` repeats what `&name` marks further up; put a text that begins with `*` in quotes"),
    ("did not find expected key", "keys of one object stand below each other, in the same column"),
    ("did not find expected '-'", "items of one list stand below each other, in the same column"),
    ("sequence entries are not allowed", "a list begins on a line of its own"),
    ("unclosed bracket", "close it, or put the text in quotes if no list or object is meant"),
    ("unclosed quote", "close it with the same quote that opens the text"),
    ("BOM", "files that were put together have a byte order mark between them: take it out"),
];

/// The parts between lines that begin with `---`, each with the number of its first line.
fn split(text: &str) -> Vec<(u32, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut start_line, mut offset) = (0, 1, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if line.starts_with("---") && offset > 0 {
            parts.push((start_line, &text[start..offset]));
            (start, start_line) = (offset, index as u32 + 1);
        }
        offset += line.len();
    }
    parts.push((start_line, &text[start..]));
    parts
}

/// Several JSON documents one after the other, or one that is no YAML; nothing if it is no JSON either.
fn read_json(part: &str, first_line: u32) -> Option<Vec<Result<Text, Unreadable>>> {
    if !part.trim_start().starts_with('{') {
        return None;
    }
    let mut starts = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(part).into_iter::<serde::de::IgnoredAny>();
    loop {
        let start = stream.byte_offset();
        match stream.next() {
            None => break,
            Some(Err(_)) => return None,
            Some(Ok(_)) => starts.push((start, stream.byte_offset())),
        }
    }
    let mut line = first_line;
    let read = starts.into_iter().flat_map(|(start, end)| {
        let object = &part[start..end];
        let first = line + object[..object.len() - object.trim_start().len()].matches('\n').count() as u32;
        let documents = read_part(object, line);
        line += object.matches('\n').count() as u32;
        match documents {
            Ok(documents) => documents.into_iter().map(Ok).collect(),
            // What JSON escapes and YAML does not know: halves of characters.
            Err(problem) if problem.message.starts_with(SYNTAX) => match serde_json::from_str(object) {
                Ok(value) => vec![Ok(Text { value, line: first, lines: BTreeMap::new() })],
                Err(_) => vec![Err(problem)],
            },
            Err(problem) => vec![Err(problem)],
        }
    });
    Some(read.collect())
}

fn read_part(part: &str, first_line: u32) -> Result<Vec<Text>, Unreadable> {
    let mut reader = Reader {
        parser: Parser::new_from_str(part),
        first_line,
        anchors: BTreeMap::new(),
        lines: BTreeMap::new(),
        paths: 0,
        values: 0,
        copies: 0,
        copied_text: 0,
    };
    let mut documents = Vec::new();
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => return Ok(documents),
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            event => {
                let line = reader.line(&span);
                let value = reader.node(event, &span, "", 0)?;
                documents.push(Text { value, line, lines: std::mem::take(&mut reader.lines) });
            }
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    first_line: u32,
    anchors: BTreeMap<usize, Value>,
    lines: BTreeMap<String, u32>,
    /// How long the paths in `lines` are together (bytes).
    paths: usize,
    values: usize,
    copies: usize,
    copied_text: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Unreadable> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            None => Ok((Event::StreamEnd, Span::default())),
            Some(Err(error)) => {
                let line = self.first_line + (error.marker().line() as u32).saturating_sub(1);
                Err(Unreadable { line, message: format!("{SYNTAX}{}", error.info()), help: None })
            }
        }
    }

    fn line(&self, span: &Span) -> u32 {
        self.first_line + (span.start.line() as u32).saturating_sub(1)
    }

    fn fault<T>(&self, span: &Span, message: impl Into<String>) -> Result<T, Unreadable> {
        Err(Unreadable { line: self.line(span), message: message.into(), help: None })
    }

    /// A copy of a value, unless there are too many.
    fn copy(&mut self, span: &Span, value: &Value) -> Result<Value, Unreadable> {
        let (values, bytes) = size(value);
        self.copies += values;
        self.copied_text += bytes;
        if self.copies > COPIES_MAX || self.copied_text > COPIED_TEXT_MAX {
            let help = Some("write the values out, or have fewer anchors and aliases (`&` and `*`)".to_string());
            let message =
                format!("anchors and aliases repeat more than {COPIES_MAX} values or {COPIED_TEXT_MAX} bytes");
            return Err(Unreadable { line: self.line(span), message, help });
        }
        Ok(value.clone())
    }

    /// Remembers the line of the field at `path`.
    fn keep_line(&mut self, path: &str, span: &Span) {
        self.paths += path.len();
        if self.paths <= PATHS_MAX {
            self.lines.insert(path.to_string(), self.line(span));
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span, path: &str, depth: usize) -> Result<Value, Unreadable> {
        if depth > DEPTH_MAX {
            return self.fault(span, too_deep());
        }
        self.values += 1;
        if self.values > VALUES_MAX {
            return self.fault(span, format!("more than {VALUES_MAX} values"));
        }
        let (anchor, value) = match event {
            Event::Alias(anchor) => {
                let Some(value) = self.anchors.remove(&anchor) else {
                    return self.fault(span, "an alias within the value that it stands for");
                };
                let copy = self.copy(span, &value);
                self.anchors.insert(anchor, value);
                return copy;
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
                let is_plain = style == ScalarStyle::Plain && !is_text;
                (anchor, if is_plain { resolve(&text) } else { Value::String(text.into_owned()) })
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::SequenceEnd) {
                        break;
                    }
                    let at = format!("{path}[{}]", items.len());
                    self.keep_line(&at, &span);
                    items.push(self.node(event, &span, &at, depth + 1)?);
                }
                (anchor, Value::Array(items))
            }
            Event::MappingStart(_, anchor, _) => (anchor, self.mapping(path, depth)?),
            other => return self.fault(span, format!("unexpected {other:?}")),
        };
        if anchor != 0 {
            let copy = self.copy(span, &value)?;
            self.anchors.insert(anchor, copy);
        }
        Ok(value)
    }

    fn mapping(&mut self, path: &str, depth: usize) -> Result<Value, Unreadable> {
        let mut map = Map::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let is_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<");
            let key = match self.node(event, &span, path, depth + 1)? {
                Value::String(key) => key,
                Value::Null => "null".to_string(),
                key @ (Value::Bool(_) | Value::Number(_)) => key.to_string(),
                _ => return self.fault(&span, "a key must be a scalar"),
            };
            if key.len() > KEY_MAX {
                return self.fault(&span, format!("a key of {} bytes: the longest may have {KEY_MAX}", key.len()));
            }
            let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let (event, value_span) = self.next()?;
            if is_merge {
                merged.push((span, self.node(event, &value_span, path, depth + 1)?));
                continue;
            }
            let first = self.lines.get(&at).copied().filter(|_| map.contains_key(&key));
            self.keep_line(&at, &span);
            let value = self.node(event, &value_span, &at, depth + 1)?;
            if map.insert(key.clone(), value).is_some() {
                let help = first.map(|line| format!("it stands on line {line} already: remove one of them"));
                let message = format!("key {key:?} already set in map");
                return Err(Unreadable { line: self.line(&span), message, help });
            }
        }
        for (span, value) in merged {
            let sources = if let Value::Array(items) = value { items } else { vec![value] };
            for source in sources {
                let Value::Object(source) = source else {
                    return self.fault(&span, "map merge requires map or sequence of maps as the value");
                };
                for (key, value) in source {
                    map.entry(key).or_insert(value);
                }
            }
        }
        Ok(Value::Object(map))
    }
}

/// How many values it has, and how much text (bytes).
fn size(value: &Value) -> (usize, usize) {
    let sum = |sizes: &mut dyn Iterator<Item = (usize, usize)>| {
        sizes.fold((1, 0), |(values, bytes), more| (values + more.0, bytes + more.1))
    };
    match value {
        Value::Array(items) => sum(&mut items.iter().map(size)),
        Value::Object(map) => sum(&mut map.iter().map(|(key, value)| {
            let (values, bytes) = size(value);
            (values, bytes + key.len())
        })),
        Value::String(text) => (1, text.len()),
        _ => (1, 0),
    }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
