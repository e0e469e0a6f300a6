//! From files to one tree: a scenario, what it includes, and where each of its parts is written.
//!
//! All texts stand in one row of bytes, one file after another, so that a range of bytes says which file it is of. The
//! file that was asked for comes first.
//!
//! How a file changes those that it includes is said in `edit::rules`.

use super::Files;
use super::edit::set::Setting;
use super::edit::{paths, rules};
use super::overlay;
use super::problem::{Place, Problems, code};
use super::reader::Sink;
use crate::kernel::text::unmarked;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Longest text of one file [bytes]. Ours; larger ones are dumps that belong into manifests.
const TEXT_MAX: usize = 16 * 1024 * 1024;

/// What stands before a value that the command line sets.
const SET: &str = "--set ";

/// A way out for a file of another encoding.
pub(super) const NOT_UTF8: &str = "save it as UTF-8: editors offer that as the encoding";

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
    /// How many files are merged for it, itself included.
    weight: usize,
}

/// All files of a scenario; the first is the one that was asked for.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The files, and after them the texts that the command line sets.
    pub list: Vec<Source>,
    /// What the command line sets, each with its place in the list.
    settings: Vec<(Setting, usize)>,
}

impl Sources {
    /// Reads a file and everything that it includes, with what `--set` changes. Nothing comes back if any of them cannot be
    /// read or is not TOML.
    pub fn read(path: &str, set: &[String], files: &impl Files, problems: &mut Problems) -> Option<Sources> {
        let mut sources = Sources::default();
        let mut chain = paths::Chain::default();
        let is_whole = chain.enter(path).is_ok() && sources.add(path, None, &mut chain, files, problems).is_some();
        for argument in set {
            match super::edit::set::split(argument).and_then(overlay::may_be_set) {
                Ok(setting) => {
                    let text = overlay::text(&setting);
                    let name = format!("{SET}{argument}");
                    problems.keep_text(&name, &text);
                    sources.settings.push((setting, sources.list.len()));
                    let base = sources.end();
                    sources.list.push(Source { path: name, text, base, includes: Vec::new(), weight: 1 });
                }
                Err(wrong) => drop(wrong.tell(code::BAD_VALUE, &format!("{SET}{argument}"), problems)),
            }
        }
        (is_whole && !problems.has_errors()).then_some(sources)
    }

    /// A single text, with nothing included.
    pub fn single(path: &str, text: &str) -> Sources {
        let source =
            Source { path: path.to_string(), text: text.to_string(), base: 0, includes: Vec::new(), weight: 1 };
        Sources { list: vec![source], settings: Vec::new() }
    }

    /// The place of a range of bytes.
    pub fn place(&self, bytes: &Range<usize>) -> Place {
        let source = self.source(bytes.start);
        let local = |byte: usize| byte.saturating_sub(source.base).min(source.text.len());
        Place { file: source.path.clone(), bytes: local(bytes.start)..local(bytes.end) }
    }

    /// The file beside which a file is looked for that these bytes name. What the command line sets belongs to the
    /// scenario that it changes.
    pub fn beside(&self, byte: usize) -> &str {
        let source = self.source(byte);
        let is_set = self.settings.iter().any(|(_, index)| self.list[*index].base == source.base);
        if is_set { &self.list[0].path } else { &source.path }
    }

    /// The file that this byte is of.
    pub fn source(&self, byte: usize) -> &Source {
        let after = self.list.partition_point(|source| source.base <= byte);
        &self.list[after.max(1) - 1]
    }

    /// The tree of all files, with what the command line sets. Paths of that which lead nowhere are told.
    pub fn tree(&self, problems: &mut Problems) -> DeTable<'_> {
        let mut tree = self.merged(0);
        for (setting, index) in &self.settings {
            let source = &self.list[*index];
            let table = DeTable::parse(&source.text).map(Spanned::into_inner).unwrap_or_default();
            if let Err(wrong) = overlay::apply(&mut tree, setting, shifted_table(table, source.base)) {
                let place = Place { file: source.path.clone(), bytes: 0..source.text.len() };
                let problem = problems.error(code::BAD_VALUE, Some(place), wrong.why);
                if !wrong.help.is_empty() {
                    problem.help(wrong.help);
                }
            }
        }
        tree
    }

    /// The files, without what the command line sets.
    pub fn files(&self) -> &[Source] {
        &self.list[..self.list.len() - self.settings.len()]
    }

    /// What the command line sets, as it was given.
    pub fn set(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter().map(|(setting, _)| setting)
    }

    /// The same as `PATH=VALUE`, to the letter.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        let texts = &self.list[self.list.len() - self.settings.len()..];
        texts.iter().map(|source| source.path.strip_prefix(SET).unwrap_or(&source.path))
    }

    fn end(&self) -> usize {
        self.list.last().map_or(0, |source| source.base + source.text.len() + 1)
    }

    fn merged(&self, index: usize) -> DeTable<'_> {
        let source = &self.list[index];
        let mut tree = DeTable::new();
        for &included in &source.includes {
            merge(&mut Vec::new(), &mut tree, self.merged(included));
        }
        // Reading it has shown that it is TOML.
        let mut own = DeTable::parse(&source.text).map(Spanned::into_inner).unwrap_or_default();
        own.remove("include");
        merge(&mut Vec::new(), &mut tree, shifted_table(own, source.base));
        tree
    }

    fn add(
        &mut self,
        path: &str,
        at: Option<Place>,
        chain: &mut paths::Chain,
        files: &impl Files,
        problems: &mut Problems,
    ) -> Option<usize> {
        let text = match files.text(path) {
            Ok(text) => text,
            Err(why) => {
                let is_included = at.is_some();
                let problem = problems.error(code::UNREADABLE, at, format!("cannot read `{path}`: {why}"));
                if why.contains("UTF-8") {
                    problem.help(NOT_UTF8);
                } else if is_included {
                    problem.help("included files are looked for beside the file that includes them");
                }
                return None;
            }
        };
        let text = unmarked(&text).to_string();
        problems.keep_text(path, &text);
        if text.len() > TEXT_MAX {
            problems
                .error(code::SYNTAX, None, format!("`{path}` is longer than {} MiB", TEXT_MAX >> 20))
                .help("a scenario is a page or two; objects belong into `manifests`");
            return None;
        }
        let index = self.list.len();
        let base = self.end();
        self.list.push(Source { path: path.to_string(), text, base, includes: Vec::new(), weight: 1 });
        let text = self.list[index].text.clone();
        let (root, errors) = DeTable::parse_recoverable(&text);
        let mut sink = Sink::new(path, problems);
        super::syntax::report(&text, &errors, &mut sink);
        if !errors.is_empty() {
            return None;
        }
        let Some(include) = root.get_ref().get("include") else { return Some(index) };
        let names = names(include, &mut sink);
        let mut is_whole = true;
        for (name, bytes) in names {
            let other = join(path, &name);
            let place = Place { file: path.to_string(), bytes };
            if name.trim().is_empty() || other.is_empty() || other.ends_with(['/', '\\']) || name.ends_with("..") {
                let why = if name.trim().is_empty() { "no file is named" } else { "this is a folder, not a file" };
                problems
                    .error(code::UNREADABLE, Some(place), format!("cannot include `{name}`: {why}"))
                    .help("name a file, as `include = [\"cluster.toml\"]`");
                is_whole = false;
                continue;
            }
            if let Err(why) = chain.enter(&other) {
                is_whole = false;
                // When there are too many, all that come after the first are too many too.
                if !problems.list.iter().any(|known| known.message == why) {
                    problems.error(code::INCLUDE, Some(place), why).help("leave this `include` out");
                }
                continue;
            }
            let known = self.list.iter().position(|source| source.path == other);
            match known.or_else(|| self.add(&other, Some(place), chain, files, problems)) {
                Some(included) => {
                    self.list[index].includes.push(included);
                    self.list[index].weight += self.list[included].weight;
                }
                None => is_whole = false,
            }
            chain.leave();
            // Included on several ways it counts several times, as it is merged several times.
            if self.list[index].weight > paths::PARTS_MAX {
                let bytes = include.span();
                let message =
                    format!("more than {} files are included, each counted as often as it is named", paths::PARTS_MAX);
                let place = Place { file: path.to_string(), bytes };
                problems.error(code::INCLUDE, Some(place), message).help("name each file once");
                return None;
            }
        }
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

/// The path of `name` as written in the file at `path`.
pub fn join(path: &str, name: &str) -> String {
    paths::join(paths::directory(path), name)
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

/// Merges `over` into `base`, at this path.
fn merge<'a>(path: &mut Vec<String>, base: &mut DeTable<'a>, over: DeTable<'a>) {
    for (key, value) in over {
        let name = key.get_ref().to_string();
        let Some(known) = base.get_mut(name.as_str()) else {
            base.insert(key, value);
            continue;
        };
        path.push(name.clone());
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        let bytes = value.span();
        let replaced = match (known.get_mut(), value.into_inner()) {
            (DeValue::Table(known), DeValue::Table(over))
                if !rules::is_one_value(&name, |key| over.get(key).is_some()) =>
            {
                merge(path, known, over);
                None
            }
            (DeValue::Array(known), DeValue::Array(over)) if rules::is_joined(&steps) => {
                join_lists(path, known, over);
                None
            }
            (DeValue::Array(known), DeValue::Array(over)) if steps == [rules::MANIFESTS] => {
                // A file that is included on two ways names its manifests once.
                let is_new = |value: &Spanned<DeValue<'_>>| !known.iter().any(|other| other.span() == value.span());
                let new: Vec<_> = over.into_iter().filter(is_new).collect();
                new.into_iter().for_each(|value| known.push(value));
                None
            }
            (_, over) => Some(over),
        };
        if let Some(over) = replaced {
            base.remove(name.as_str());
            base.insert(key, Spanned::new(bytes, over));
        }
        path.pop();
    }
}

fn join_lists<'a>(path: &mut Vec<String>, base: &mut DeArray<'a>, over: DeArray<'a>) {
    let mut joined: Vec<Spanned<DeValue<'a>>> = std::mem::replace(base, DeArray::new()).into_iter().collect();
    let inherited = joined.len();
    for value in over {
        let name = name_of(path, &value);
        let same = joined[..inherited].iter_mut().find(|known| name.is_some() && name_of(path, known) == name);
        let bytes = value.span();
        match (same, value.into_inner()) {
            (Some(known), DeValue::Table(own)) => {
                let DeValue::Table(table) = known.get_mut() else { continue };
                merge(path, table, own);
            }
            (_, value) => joined.push(Spanned::new(bytes, value)),
        }
    }
    joined.into_iter().for_each(|value| base.push(value));
}

/// By what an element of the list at `path` is known.
fn name_of(path: &[String], value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    let table = value.get_ref().as_table()?;
    let steps: Vec<&str> = path.iter().map(String::as_str).collect();
    let text = |key: &str| table.get(key).and_then(|value| value.get_ref().as_str());
    rules::identity(&steps, text).map(|parts| parts.into_iter().map(str::to_string).collect())
}
