//! Reads one table of a scenario key by key, keeping the place of everything, and notices the keys that nobody read.
//!
//! By hand rather than through serde: serde gives up at the first problem, and loses places inside tagged or flattened
//! tables. Which keys a table may have is in `language`; `shape` reads a value by the description of a key.

mod written;

use super::failure::Per;
use super::problem::{Place, Problem, Problems, code};
use super::source::Sources;
use super::suggest::{listed, meant};
use super::target::Written;
use crate::kernel::time::Span;
use crate::object::field::Field;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Longest duration that anything in a scenario may have: a leap year. Ours.
pub const LONGEST: Span = Span::from_secs(366 * 24 * 60 * 60);

/// A value and the bytes that say so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it is written, in the row of all files (see `source`).
    pub bytes: Range<usize>,
}

/// Where problems go, with what is needed to say in which file they are.
pub struct Sink<'a> {
    map: Map<'a>,
    /// What was mentioned so far, by tables that could not be read too.
    pub mentions: Vec<Mention>,
    /// Keys of lists of tables of which nothing could be read.
    pub lost: Vec<&'static str>,
    /// All problems so far.
    pub problems: &'a mut Problems,
}

/// Something that one part of a scenario says of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mention {
    /// The id of an event.
    Event(At<String>),
    /// A workload, as `deployment/web`.
    Workload(At<String>),
    /// Nodes: those of a target, and whether all of it could be read.
    Target(At<Written>, bool),
    /// A kind of things of which each fails for itself.
    Things(At<Per>),
}

enum Map<'a> {
    File(&'a str),
    Sources(&'a Sources),
}

impl<'a> Sink<'a> {
    /// Problems of a single file.
    pub fn new(file: &'a str, problems: &'a mut Problems) -> Sink<'a> {
        Sink { map: Map::File(file), mentions: Vec::new(), lost: Vec::new(), problems }
    }

    /// Problems of several files.
    pub fn over(sources: &'a Sources, problems: &'a mut Problems) -> Sink<'a> {
        Sink { map: Map::Sources(sources), mentions: Vec::new(), lost: Vec::new(), problems }
    }

    /// The place of these bytes.
    pub fn place(&self, bytes: &Range<usize>) -> Place {
        match self.map {
            Map::File(file) => Place { file: file.to_string(), bytes: bytes.clone() },
            Map::Sources(sources) => sources.place(bytes),
        }
    }

    /// Adds an error at these bytes.
    pub fn error(&mut self, code: &'static str, bytes: &Range<usize>, message: impl Into<String>) -> &mut Problem {
        let place = self.place(bytes);
        self.problems.error(code, Some(place), message)
    }

    /// Adds a warning at these bytes.
    pub fn warning(&mut self, code: &'static str, bytes: &Range<usize>, message: impl Into<String>) -> &mut Problem {
        let place = self.place(bytes);
        self.problems.warning(code, Some(place), message)
    }

    /// A value that is not what was expected.
    pub fn bad_value(&mut self, bytes: &Range<usize>, message: impl Into<String>) -> &mut Problem {
        self.error(code::BAD_VALUE, bytes, message)
    }
}

/// How a value of this key may look, as TOML.
pub fn example(field: &Field) -> String {
    written::example(field.name, Some(field.shape))
}

/// A table that is being read.
pub struct Section<'a> {
    table: &'a DeTable<'a>,
    /// As messages call it: `[run]`.
    pub name: String,
    /// Where it begins.
    pub bytes: Range<usize>,
    fields: Vec<&'static Field>,
    taken: Vec<String>,
}

impl<'a> Section<'a> {
    /// Begins to read a table that may have these keys.
    pub fn new(
        table: &'a DeTable<'a>,
        bytes: Range<usize>,
        name: impl Into<String>,
        fields: &'static [Field],
    ) -> Section<'a> {
        Section { table, name: name.into(), bytes, fields: fields.iter().collect(), taken: Vec::new() }
    }

    /// Lets it have more keys.
    pub fn also(&mut self, fields: &'static [Field]) {
        let known = fields.iter().filter(|field| !self.fields.iter().any(|known| known.name == field.name));
        self.fields.extend(known.collect::<Vec<_>>());
    }

    /// The value of `key`, if it is there.
    pub fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        debug_assert!(self.fields.iter().any(|field| field.name == key), "{} has no field {key}", self.name);
        self.taken.push(key.to_string());
        self.table.get(key)
    }

    /// Reports a key that is most likely a slip of `key`, which is not there. It counts as read. Says whether one was.
    pub fn slip(&mut self, key: &'static str, sink: &mut Sink<'_>) -> bool {
        let unread = |other: &str| !self.taken.iter().any(|taken| taken == other);
        let is_known = |other: &str| self.fields.iter().any(|field| field.name == other);
        let is_slip = |other: &str| unread(other) && !is_known(other) && meant(other, [key]).is_some();
        let found = self.table.keys().filter(|other| is_slip(other.get_ref())).min_by_key(|other| other.span().start);
        let Some(slip) = found else { return false };
        self.taken.push(slip.get_ref().to_string());
        let message = format!("{} has no key `{}`", self.name, slip.get_ref());
        sink.error(code::UNKNOWN_KEY, &slip.span(), message).guess(Some(key));
        true
    }

    /// Whether `key` is not there. Does not count as reading it.
    pub fn is_missing(&self, key: &str) -> bool {
        self.table.get(key).is_none()
    }

    /// Whether a table within this one has `key`, as when a key of the file stands below a line in brackets.
    pub fn is_below_a_table(&self, key: &str) -> bool {
        self.table.values().any(|value| value.get_ref().as_table().is_some_and(|table| table.get(key).is_some()))
    }

    /// Whether the table has no keys at all.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The value of `key`; a problem if it is not there.
    pub fn required(&mut self, key: &'static str, sink: &mut Sink<'_>) -> Option<&'a Spanned<DeValue<'a>>> {
        let value = self.value(key);
        // A slip of the key is reported as such, and here: the caller may give the table up. That the key is missing would
        // only repeat it.
        if value.is_none() && !self.slip(key, sink) {
            let what = self.fields.iter().find(|field| field.name == key).map_or("", |field| field.what);
            let shape = self.fields.iter().find(|field| field.name == key).map(|field| field.shape);
            let problem = sink.error(code::MISSING_KEY, &self.bytes, format!("{} has no `{key}`", self.name));
            problem.note(what).help(format!("add `{key} = {}`", written::example(key, shape)));
        }
        value
    }

    /// All pairs that were not read yet, in the order of the file; they count as read.
    pub fn rest(&mut self) -> Vec<(At<String>, &'a Spanned<DeValue<'a>>)> {
        let mut rest: Vec<_> = self
            .table
            .iter()
            .filter(|(key, _)| !self.taken.iter().any(|taken| *taken == **key.get_ref()))
            .map(|(key, value)| (At { value: key.get_ref().to_string(), bytes: key.span() }, value))
            .collect();
        rest.sort_by_key(|(key, _)| key.bytes.start);
        self.taken.extend(rest.iter().map(|(key, _)| key.value.clone()));
        rest
    }

    /// Reports the keys that nobody read.
    pub fn finish(self, sink: &mut Sink<'_>) {
        self.finish_with(&|_| None, sink);
    }

    /// Reports the keys that nobody read; `elsewhere` says where a key that is unknown here has its place.
    pub fn finish_with(mut self, elsewhere: &dyn Fn(&str) -> Option<String>, sink: &mut Sink<'_>) {
        for (key, _) in self.rest() {
            let names = || self.fields.iter().map(|field| field.name);
            if names().any(|name| name == key.value) {
                let message = format!("`{}` has no meaning here", key.value);
                sink.error(code::CONFLICT, &key.bytes, message).help("leave it out");
                continue;
            }
            let problem =
                sink.error(code::UNKNOWN_KEY, &key.bytes, format!("{} has no key `{}`", self.name, key.value));
            let is_of_the_file = super::language::ROOT.iter().any(|field| field.name == key.value);
            match (elsewhere(&key.value), meant(&key.value, names())) {
                (Some(place), _) => problem.help(place),
                (None, Some(guess)) => problem.guess(Some(guess)),
                (None, None) if is_of_the_file && self.name.starts_with('[') => {
                    problem.help("keys of the file as a whole stand above the first line in brackets: move it up")
                }
                (None, None) => problem.help(format!("it may have {}", listed(names()))),
            };
        }
    }

    /// Gives the table up: its unknown keys are told, the others are not read.
    pub fn abandon(mut self, sink: &mut Sink<'_>) {
        let names: Vec<&'static str> = self.fields.iter().map(|field| field.name).collect();
        self.taken.extend(names.into_iter().map(str::to_string));
        self.finish(sink);
    }

    /// The text of `key`.
    pub fn text(&mut self, key: &'static str, sink: &mut Sink<'_>) -> Option<At<String>> {
        self.value(key).and_then(|value| text(value, key, sink))
    }

    /// The text of `key`; a problem if it is not there.
    pub fn required_text(&mut self, key: &'static str, sink: &mut Sink<'_>) -> Option<At<String>> {
        self.required(key, sink).and_then(|value| text(value, key, sink))
    }

    /// The duration of `key`, of at most [`LONGEST`].
    pub fn short_span(&mut self, key: &'static str, sink: &mut Sink<'_>) -> Option<At<Span>> {
        self.value(key).and_then(|value| short_span(value, key, sink))
    }

    /// The whole number of `key`, from `least`.
    pub fn number(&mut self, key: &'static str, least: u64, sink: &mut Sink<'_>) -> Option<At<u64>> {
        self.value(key).and_then(|value| number(value, key, least, sink))
    }

    /// The table of `key`, which may have these keys.
    pub fn table(&mut self, key: &'static str, fields: &'static [Field], sink: &mut Sink<'_>) -> Option<Section<'a>> {
        let value = self.value(key)?;
        let is_of_the_file = !self.name.starts_with(['[', '`']);
        let name = if is_of_the_file { format!("[{key}]") } else { format!("`{key}`") };
        table(value, &name, fields, sink)
    }

    /// The tables of `[[key]]`, each of which may have these keys.
    pub fn tables(
        &mut self,
        key: &'static str,
        full_name: &str,
        fields: &'static [Field],
        sink: &mut Sink<'_>,
    ) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        match value.get_ref().as_array() {
            Some(array) => {
                let each = array.iter().filter_map(|value| table(value, &format!("[[{full_name}]]"), fields, sink));
                each.collect()
            }
            None => {
                let problem = sink.bad_value(&value.span(), format!("`{full_name}` is not a list of tables"));
                problem.help(format!("begin each with a line `[[{full_name}]]`, with two brackets on either side"));
                // One with the keys of an element is looked at as one.
                let is_element = |table: &DeTable<'_>| fields.iter().any(|field| table.get(field.name).is_some());
                match value.get_ref().as_table().filter(|table| is_element(table)) {
                    Some(table) => vec![Section::new(table, value.span(), format!("[[{full_name}]]"), fields)],
                    None => {
                        sink.lost.push(key);
                        Vec::new()
                    }
                }
            }
        }
    }

    /// The texts of the list `key`.
    pub fn texts(&mut self, key: &'static str, sink: &mut Sink<'_>) -> Option<At<Vec<At<String>>>> {
        self.value(key).and_then(|value| texts(value, key, sink))
    }
}

/// `a string`, `an integer`, `a table`, …: what a value is.
pub fn a_type(value: &DeValue<'_>) -> String {
    let name = value.type_str();
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {name}")
}

/// A text.
pub fn text(value: &Spanned<DeValue<'_>>, key: &str, sink: &mut Sink<'_>) -> Option<At<String>> {
    match value.get_ref().as_str() {
        Some(text) => Some(At { value: text.to_string(), bytes: value.span() }),
        None => {
            let problem = sink.bad_value(&value.span(), format!("`{key}` is not a string"));
            problem.label(format!("this is {}", a_type(value.get_ref())));
            if let Some(way) = written::as_text(value.get_ref(), key) {
                problem.help(way);
            }
            None
        }
    }
}

/// The texts of a list.
pub fn texts(value: &Spanned<DeValue<'_>>, key: &str, sink: &mut Sink<'_>) -> Option<At<Vec<At<String>>>> {
    let Some(array) = value.get_ref().as_array() else {
        let problem = sink.bad_value(&value.span(), format!("`{key}` is not a list of strings"));
        if let Some(text) = value.get_ref().as_str() {
            problem.help(format!("write `{key} = [\"{text}\"]`"));
        }
        return None;
    };
    let texts = array.iter().filter_map(|value| text(value, key, sink)).collect();
    Some(At { value: texts, bytes: value.span() })
}

/// A whole number, from `least`.
pub fn number(value: &Spanned<DeValue<'_>>, key: &str, least: u64, sink: &mut Sink<'_>) -> Option<At<u64>> {
    let written = value.get_ref().as_integer();
    let number = written.and_then(|number| {
        let parsed = u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok();
        parsed.filter(|&number| number >= least)
    });
    if number.is_none() {
        written::not_a_number(value, key, least, sink);
    }
    Some(At { value: number?, bytes: value.span() })
}

/// A flag.
pub fn flag(value: &Spanned<DeValue<'_>>, key: &str, sink: &mut Sink<'_>) -> Option<At<bool>> {
    match value.get_ref() {
        DeValue::Boolean(flag) => Some(At { value: *flag, bytes: value.span() }),
        other => {
            let problem = sink.bad_value(&value.span(), format!("`{key}` is neither `true` nor `false`"));
            problem.label(format!("this is {}", a_type(other)));
            None
        }
    }
}

/// A duration, as `90s`.
pub fn span(value: &Spanned<DeValue<'_>>, key: &str, sink: &mut Sink<'_>) -> Option<At<Span>> {
    let read = value.get_ref().as_str().and_then(|text| Span::parse(text).ok());
    if read.is_none() {
        written::not_a_duration(value, key, sink);
    }
    Some(At { value: read?, bytes: value.span() })
}

/// A duration of at most [`LONGEST`].
pub fn short_span(value: &Spanned<DeValue<'_>>, key: &str, sink: &mut Sink<'_>) -> Option<At<Span>> {
    let span = span(value, key, sink)?;
    if span.value > LONGEST {
        sink.bad_value(&span.bytes, format!("`{key}` is longer than a year"))
            .note("every machine reports every 10 s for as long as it runs: such a run would not end today")
            .help("write at most \"366d\"; outages are over within hours");
        return None;
    }
    Some(span)
}

/// A table that may have these keys.
pub fn table<'a>(
    value: &'a Spanned<DeValue<'a>>,
    name: &str,
    fields: &'static [Field],
    sink: &mut Sink<'_>,
) -> Option<Section<'a>> {
    match value.get_ref().as_table() {
        Some(table) => Some(Section::new(table, value.span(), name, fields)),
        None => {
            let problem = sink.bad_value(&value.span(), format!("{name} is not a table"));
            problem.label(format!("this is {}", a_type(value.get_ref())));
            if let Some(way) = written::as_table(value.get_ref(), name) {
                problem.help(way);
            }
            None
        }
    }
}

/// A string, number or boolean as text.
pub fn scalar(value: &Spanned<DeValue<'_>>, key: &str, sink: &mut Sink<'_>) -> Option<At<String>> {
    let text = match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().replace('_', ""),
        DeValue::Float(number) => number.as_str().replace('_', ""),
        DeValue::Boolean(flag) => flag.to_string(),
        other => {
            sink.bad_value(&value.span(), format!("`{key}` is neither a string nor a number"))
                .label(format!("this is {}", a_type(other)));
            return None;
        }
    };
    Some(At { value: text, bytes: value.span() })
}
