//! From files to one tree: a scenario, what it includes, and where each of its parts is written.
//!
//! All texts stand in one row of bytes, one file after another, so that a range of bytes says which file it is of. The
//! file that was asked for comes first.
//!
//! An included file is the base of the one that includes it: later keys win. Sections (`[run]`, `[delays]`, `[control]`
//! and its programs) are merged key by key; lists of tables are joined, and an element with the `id` (or else the `name`)
//! of one that the base has replaces its keys. A value that is a table, as a target or a distribution, is one value.

use super::Files;
use super::problem::{Place, Problems, code};
use super::reader::Sink;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Most files of one scenario. Ours: nobody keeps more in mind.
const FILES_MAX: usize = 64;
/// Longest text of one file [bytes]. Ours; larger ones are dumps that belong into manifests.
const TEXT_MAX: usize = 16 * 1024 * 1024;

/// One file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path, as the user's path and those of the including files give it.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Where it begins in the row of all texts.
    pub base: usize,
    /// The files that it includes, as places in the list of sources, in order.
    includes: Vec<usize>,
}

/// All files of a scenario; the first is the one that was asked for.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The files.
    pub list: Vec<Source>,
}

impl Sources {
    /// Reads a file and everything that it includes. Nothing comes back if any of them cannot be read or is not TOML.
    pub fn read(path: &str, files: &impl Files, problems: &mut Problems) -> Option<Sources> {
        let mut sources = Sources::default();
        let is_whole = sources.add(path, None, &mut Vec::new(), files, problems).is_some();
        (is_whole && !problems.has_errors()).then_some(sources)
    }

    /// A single text, with nothing included.
    pub fn single(path: &str, text: &str) -> Sources {
        let source = Source { path: path.to_string(), text: text.to_string(), base: 0, includes: Vec::new() };
        Sources { list: vec![source] }
    }

    /// Adds a text that is no file, as an argument of the command line, and says where it begins.
    pub fn add_text(&mut self, name: &str, text: &str) -> usize {
        let base = self.end();
        let source = Source { path: name.to_string(), text: text.to_string(), base, includes: Vec::new() };
        self.list.push(source);
        base
    }

    /// The place of a range of bytes.
    pub fn place(&self, bytes: &Range<usize>) -> Place {
        let source = self.source(bytes.start);
        let local = |byte: usize| byte.saturating_sub(source.base).min(source.text.len());
        Place { file: source.path.clone(), bytes: local(bytes.start)..local(bytes.end) }
    }

    /// The file that this byte is of.
    pub fn source(&self, byte: usize) -> &Source {
        let after = self.list.partition_point(|source| source.base <= byte);
        &self.list[after.max(1) - 1]
    }

    /// The tree of all files.
    pub fn tree(&self) -> DeTable<'_> {
        self.merged(0)
    }

    fn end(&self) -> usize {
        self.list.last().map_or(0, |source| source.base + source.text.len() + 1)
    }

    fn merged(&self, index: usize) -> DeTable<'_> {
        let source = &self.list[index];
        let mut tree = DeTable::new();
        for &included in &source.includes {
            merge(&mut tree, self.merged(included), is_section);
        }
        // Reading it has shown that it is TOML.
        let mut own = DeTable::parse(&source.text).map(Spanned::into_inner).unwrap_or_default();
        own.remove("include");
        merge(&mut tree, shifted_table(own, source.base), is_section);
        tree
    }

    fn add(
        &mut self,
        path: &str,
        at: Option<Place>,
        chain: &mut Vec<String>,
        files: &impl Files,
        problems: &mut Problems,
    ) -> Option<usize> {
        let text = match files.text(path) {
            Ok(text) => text,
            Err(why) => {
                let is_included = at.is_some();
                let problem = problems.error(code::UNREADABLE, at, format!("cannot read `{path}`: {why}"));
                if is_included {
                    problem.help("included files are looked for beside the file that includes them");
                }
                return None;
            }
        };
        // A mark that some editors put in front of a text.
        let text = text.strip_prefix('\u{feff}').map(str::to_string).unwrap_or(text);
        problems.keep_text(path, &text);
        if text.len() > TEXT_MAX {
            problems
                .error(code::SYNTAX, None, format!("`{path}` is longer than {} MiB", TEXT_MAX >> 20))
                .help("a scenario is a page or two; objects belong into `manifests`");
            return None;
        }
        let index = self.list.len();
        let base = self.end();
        self.list.push(Source { path: path.to_string(), text, base, includes: Vec::new() });
        let text = self.list[index].text.clone();
        let (root, errors) = DeTable::parse_recoverable(&text);
        let mut sink = Sink::new(path, problems);
        super::syntax::report(&text, &errors, &mut sink);
        if !errors.is_empty() {
            return None;
        }
        let Some(include) = root.get_ref().get("include") else { return Some(index) };
        let names = names(include, &mut sink);
        chain.push(path.to_string());
        let mut is_whole = true;
        for (name, bytes) in names {
            let other = join(path, &name);
            let place = Place { file: path.to_string(), bytes };
            if chain.contains(&other) {
                let mut round: Vec<&str> =
                    chain.iter().skip_while(|file| **file != other).map(String::as_str).collect();
                round.push(&other);
                let message = match round.as_slice() {
                    [one, _] => format!("`{one}` includes itself"),
                    round => format!("these files include each other: {}", round.join(" → ")),
                };
                problems.error(code::CONFLICT, Some(place), message).help("leave this `include` out");
                is_whole = false;
                continue;
            }
            if let Some(known) = self.list.iter().position(|source| source.path == other) {
                self.list[index].includes.push(known);
                continue;
            }
            if self.list.len() >= FILES_MAX {
                problems.error(code::CONFLICT, Some(place), format!("a scenario has at most {FILES_MAX} files"));
                is_whole = false;
                break;
            }
            match self.add(&other, Some(place), chain, files, problems) {
                Some(included) => self.list[index].includes.push(included),
                None => is_whole = false,
            }
        }
        chain.pop();
        is_whole.then_some(index)
    }
}

/// The names of an `include`, each with its place.
fn names(include: &Spanned<DeValue<'_>>, sink: &mut Sink<'_>) -> Vec<(String, Range<usize>)> {
    let values: Vec<&Spanned<DeValue<'_>>> = match include.get_ref() {
        DeValue::Array(values) => values.iter().collect(),
        _ => vec![include],
    };
    let mut names = Vec::new();
    for value in values {
        match value.get_ref().as_str() {
            Some(name) => names.push((name.to_string(), value.span())),
            None => {
                sink.bad_value(&value.span(), "`include` is not a list of file names")
                    .label(format!("this is {}", super::reader::a_type(value.get_ref())))
                    .help("write `include = [\"cluster.toml\"]`");
            }
        }
    }
    names
}

/// The directory of a path, with its slash; empty if it is the working directory.
pub fn directory(path: &str) -> &str {
    path.rfind(['/', '\\']).map_or("", |slash| &path[..=slash])
}

/// The path of `name` as written in the file at `path`: relative to its directory, without needless steps.
pub fn join(path: &str, name: &str) -> String {
    if name.starts_with('/') {
        return name.to_string();
    }
    let whole = format!("{}{name}", directory(path));
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| !["", ".."].contains(last)) => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn shifted_table(table: DeTable<'_>, base: usize) -> DeTable<'_> {
    let pairs = table.into_iter().map(|(key, value)| {
        let bytes = key.span();
        (Spanned::new(bytes.start + base..bytes.end + base, key.into_inner()), shifted(value, base))
    });
    pairs.collect()
}

fn shifted(value: Spanned<DeValue<'_>>, base: usize) -> Spanned<DeValue<'_>> {
    let bytes = value.span();
    let bytes = bytes.start + base..bytes.end + base;
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(shifted_table(table, base)),
        DeValue::Array(array) => {
            let mut moved = DeArray::new();
            array.into_iter().for_each(|value| moved.push(shifted(value, base)));
            DeValue::Array(moved)
        }
        other => other,
    };
    Spanned::new(bytes, value)
}

/// Merges `over` into `base`. Tables at the keys that `is_section` names are merged too, others replaced.
fn merge<'a>(base: &mut DeTable<'a>, over: DeTable<'a>, is_section: fn(&str) -> bool) {
    for (key, value) in over {
        let Some(known) = base.get_mut(key.get_ref().as_ref()) else {
            base.insert(key, value);
            continue;
        };
        let bytes = value.span();
        match (known.get_mut(), value.into_inner()) {
            (DeValue::Table(known), DeValue::Table(over)) if is_section(key.get_ref()) => {
                merge(known, over, if key.get_ref() == "control" { |_| true } else { |_| false });
            }
            (DeValue::Array(known), DeValue::Array(over)) if are_tables(known) && are_tables(&over) => {
                join_lists(key.get_ref(), known, over);
            }
            (DeValue::Array(known), DeValue::Array(over)) if key.get_ref() == "manifests" => {
                over.into_iter().for_each(|value| known.push(value));
            }
            (_, over) => {
                base.remove(key.get_ref().as_ref());
                base.insert(key, Spanned::new(bytes, over));
            }
        }
    }
}

/// Whether a table at the top of a scenario is a section of several values.
pub(super) fn is_section(key: &str) -> bool {
    ["run", "cluster", "delays", "control"].contains(&key)
}

fn are_tables(array: &DeArray<'_>) -> bool {
    array.iter().all(|value| value.get_ref().is_table())
}

fn join_lists<'a>(list: &str, base: &mut DeArray<'a>, over: DeArray<'a>) {
    let mut joined: Vec<Spanned<DeValue<'a>>> = std::mem::replace(base, DeArray::new()).into_iter().collect();
    let inherited = joined.len();
    for value in over {
        let name = name_of(list, &value);
        let same = joined[..inherited].iter_mut().find(|known| name.is_some() && name_of(list, known) == name);
        let bytes = value.span();
        match (same, value.into_inner()) {
            (Some(known), DeValue::Table(own)) => {
                let DeValue::Table(table) = known.get_mut() else { continue };
                merge(table, own, |_| false);
            }
            (_, value) => joined.push(Spanned::new(bytes, value)),
        }
    }
    joined.into_iter().for_each(|value| base.push(value));
}

/// By what an element of a list of tables is known: its `id`, or else its name; workloads also by kind and namespace.
pub(super) fn name_of(list: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
    let table = value.get_ref().as_table()?;
    let text = |key: &str| table.get(key).and_then(|value| value.get_ref().as_str());
    match (text("id"), text("name")) {
        (Some(id), _) => Some(id.to_string()),
        (None, Some(name)) if list == "workload" => {
            let (kind, namespace) = (text("kind").unwrap_or("Deployment"), text("namespace").unwrap_or("default"));
            Some(format!("{kind}/{namespace}/{name}"))
        }
        (None, name) => name.map(str::to_string),
    }
}
