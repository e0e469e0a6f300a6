//! YAML and JSON text as JSON values that remember their lines.
//!
//! Source: sigs.k8s.io/yaml over its fork of yaml.v2, apimachinery `pkg/util/yaml/decoder.go`, v1.36. Kubernetes reads
//! YAML 1.1: a plain `yes`, `on` or `0644` is a boolean or an octal number, which is why the parser's events are
//! resolved here. Unlike upstream, which lets the last one win, a key that stands twice in a mapping is a problem. Left
//! out: `.inf` and `.nan` (strings here, errors upstream) and binary tags.

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;

/// How deep a document may nest; none of Kubernetes' types comes near.
const DEPTH_MAX: usize = 100;
/// How many values a document may have once its aliases are followed: enough for any manifest, too few to exhaust
/// memory.
const VALUES_MAX: usize = 2_000_000;

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
    /// The parser's words.
    pub message: String,
}

/// The documents of a file, without the empty ones. A document that cannot be read does not hide the others.
pub fn read(text: &str) -> Vec<Result<Text, Unreadable>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    for (first_line, part) in split(text) {
        match read_part(part, first_line) {
            Err(_) if part.trim_start().starts_with('{') => documents.extend(read_json(part, first_line)),
            Err(problem) => documents.push(Err(problem)),
            Ok(parts) => documents.extend(parts.into_iter().filter(|part| !part.value.is_null()).map(Ok)),
        }
    }
    documents
}

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

/// Several JSON documents one after the other, which are no YAML.
fn read_json(part: &str, first_line: u32) -> Vec<Result<Text, Unreadable>> {
    let mut stream = serde_json::Deserializer::from_str(part).into_iter::<Value>();
    let mut documents = Vec::new();
    loop {
        let rest = &part[stream.byte_offset()..];
        let before = part.len() - rest.trim_start().len();
        let line = first_line + part[..before].matches('\n').count() as u32;
        match stream.next() {
            None => return documents,
            Some(Ok(value)) => documents.push(Ok(Text { value, line, lines: BTreeMap::new() })),
            Some(Err(error)) => {
                let line = first_line + error.line() as u32 - 1;
                documents.push(Err(Unreadable { line, message: format!("error parsing JSON: {error}") }));
                return documents;
            }
        }
    }
}

fn read_part(part: &str, first_line: u32) -> Result<Vec<Text>, Unreadable> {
    let mut reader = Reader {
        parser: Parser::new_from_str(part),
        first_line,
        anchors: BTreeMap::new(),
        lines: BTreeMap::new(),
        values: 0,
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
    values: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Unreadable> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            None => Ok((Event::StreamEnd, Span::default())),
            Some(Err(error)) => {
                let line = self.first_line + (error.marker().line() as u32).saturating_sub(1);
                Err(Unreadable { line, message: format!("error parsing YAML: {}", error.info()) })
            }
        }
    }

    fn line(&self, span: &Span) -> u32 {
        self.first_line + (span.start.line() as u32).saturating_sub(1)
    }

    fn fault<T>(&self, span: &Span, message: impl Into<String>) -> Result<T, Unreadable> {
        Err(Unreadable { line: self.line(span), message: message.into() })
    }

    fn count(&mut self, span: &Span, values: usize) -> Result<(), Unreadable> {
        self.values += values;
        if self.values > VALUES_MAX {
            return self.fault(span, format!("more than {VALUES_MAX} values: aliases repeat too much"));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'a>, span: &Span, path: &str, depth: usize) -> Result<Value, Unreadable> {
        if depth > DEPTH_MAX {
            return self.fault(span, format!("nested deeper than {DEPTH_MAX} levels"));
        }
        self.count(span, 1)?;
        let (anchor, value) = match event {
            Event::Alias(anchor) => {
                let Some(value) = self.anchors.get(&anchor).cloned() else {
                    return self.fault(span, "an alias within the value that it stands for");
                };
                self.count(span, size(&value))?;
                return Ok(value);
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
                    self.lines.insert(at.clone(), self.line(&span));
                    items.push(self.node(event, &span, &at, depth + 1)?);
                }
                (anchor, Value::Array(items))
            }
            Event::MappingStart(_, anchor, _) => (anchor, self.mapping(path, depth)?),
            other => return self.fault(span, format!("unexpected {other:?}")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
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
            let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let (event, value_span) = self.next()?;
            if is_merge {
                merged.push((span, self.node(event, &value_span, path, depth + 1)?));
                continue;
            }
            self.lines.insert(at.clone(), self.line(&span));
            let value = self.node(event, &value_span, &at, depth + 1)?;
            if map.insert(key.clone(), value).is_some() {
                return self.fault(&span, format!("key {key:?} already set in map"));
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

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// A plain scalar by the rules of YAML 1.1, as yaml.v2's `resolve.go` has them.
fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Value::String(text.to_string());
    }
    let digits = text.replace('_', "");
    integer(&digits).or_else(|| float(&digits)).map_or_else(|| Value::String(text.to_string()), Value::Number)
}

/// Go's `ParseInt` with base 0: decimal, or with the prefixes `0x`, `0b`, `0o` and `0`.
fn integer(text: &str) -> Option<Number> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = unsigned.to_ascii_lowercase();
    let (base, digits) = match lower.as_str() {
        "0" => (10, "0"),
        text if text.starts_with("0x") => (16, &text[2..]),
        text if text.starts_with("0b") => (2, &text[2..]),
        text if text.starts_with("0o") => (8, &text[2..]),
        text if text.starts_with('0') => (8, &text[1..]),
        text => (10, text),
    };
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, base).ok()?;
    match (negative, i64::try_from(magnitude)) {
        (true, Ok(number)) => Some((-number).into()),
        (true, Err(_)) => None,
        (false, _) => Some(magnitude.into()),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`; a whole number is printed without fraction, as Go does.
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_float = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.contains(|c: char| c.is_ascii_digit())
        && unsigned.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'e' | b'E' | b'-' | b'+'));
    let number: f64 = text.parse().ok().filter(|_| is_float)?;
    // Up to 2⁵³ every whole number is exact.
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        return Some((number as i64).into());
    }
    Number::from_f64(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scalars_are_those_of_yaml_1_1() {
        for (text, value) in [
            ("yes", json!(true)),
            ("'yes'", json!("yes")),
            ("off", json!(false)),
            ("0644", json!(420)),
            ("0o17", json!(15)),
            ("0x1f", json!(31)),
            ("1_000", json!(1000)),
            ("08", json!(8)),
            ("1e3", json!(1000)),
            ("0.5", json!(0.5)),
            ("-3", json!(-3)),
            ("1.2.3", json!("1.2.3")),
            ("10.0.0.1", json!("10.0.0.1")),
            ("2024-01-01", json!("2024-01-01")),
            ("100m", json!("100m")),
            ("~", json!(null)),
            ("!!str 5", json!("5")),
            ("0b", json!("0b")),
        ] {
            let documents = read(&format!("a: {text}\n"));
            let [Ok(document)] = documents.as_slice() else { panic!("{text}: {documents:?}") };
            assert_eq!(document.value["a"], value, "{text}");
        }
    }

    #[test]
    fn documents_know_their_lines() {
        let text = "# head\na:\n  - b: 1\n    c: 2\n---\n---\n# nothing\n---\nd: |\n  x\ne: {f: g}\n";
        let documents: Vec<Text> = read(text).into_iter().map(Result::unwrap).collect();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].line, 2);
        assert_eq!(documents[0].line_of("a[0].c"), 4);
        assert_eq!(documents[0].line_of("a[0].nothing.here"), 3, "the nearest parent");
        assert_eq!(documents[1].line, 9);
        assert_eq!(documents[1].line_of("e.f"), 11);
    }

    #[test]
    fn a_broken_document_does_not_hide_the_others() {
        let documents = read("a: [1\n---\nb: 2\n---\nc: 1\nc: 2\n");
        assert!(documents[0].is_err());
        assert_eq!(documents[1].as_ref().unwrap().value, json!({"b": 2}));
        assert_eq!(documents[2].as_ref().unwrap_err().line, 6);
    }

    #[test]
    fn json_is_read_too_and_anchors_merge() {
        let documents = read("{\n\t\"a\": \"x\\ty\"\n}\n{\"b\": 1}\n");
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[1].as_ref().unwrap().line, 4);
        let documents = read("a: &a {p: 1, q: 2}\nb:\n  <<: *a\n  q: 3\n");
        assert_eq!(documents[0].as_ref().unwrap().value["b"], json!({"q": 3, "p": 1}));
    }
}
