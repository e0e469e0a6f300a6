//! A scenario and the files that it includes as one text, comments kept.
//!
//! The files are put on top of each other in the order in which they are read, an included file always beneath the one
//! that includes it. Tables are merged key by key and the lists of [`rules::JOINED`] element by element; anything else
//! is replaced. What comes from which file is said by comments.

use super::rules::{self, EVENT, INCLUDE, MANIFESTS};
use super::syntax::{self, Entry, Line, Value, unquoted};
use super::tree::{Form, Node, Pair, Table, Tree, flat};
use super::{fmt, paths};
use crate::kernel::text::unmarked;
use crate::scenario::Files;
use crate::scenario::problem::{Place, Problems, code};
use std::ops::Range;
use toml::de::DeTable;

/// The comment line that makes editors look for the schema; it must stay the first one.
const SCHEMA_LINE: &str = "#:schema";

/// One text that says what the file `main` and all that it includes say together, without `include`, with the paths of
/// manifests as `main` would write them. A file that includes nothing comes back as it is, without
/// byte order marks.
///
/// # Errors
/// Files that cannot be read, are no TOML, or include themselves.
pub fn flatten(main: &str, files: &impl Files) -> Result<String, Problems> {
    let mut reading =
        Reading { files, chain: paths::Chain::default(), parts: Vec::new(), problems: Problems::default() };
    reading.file(main, "", None);
    let Reading { mut parts, mut problems, .. } = reading;
    if problems.has_errors() {
        return Err(problems);
    }
    if let [part] = &parts[..]
        && !part.has_include
    {
        return Ok(unmarked(&part.text).to_string());
    }
    // Of several the uppermost file's.
    let schema_line = parts.iter_mut().filter_map(|part| take_schema_line(&mut part.tree)).last();
    let names: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
    let mut trees = parts.into_iter().map(|part| part.tree);
    let mut whole = trees.next().unwrap_or_else(|| Tree { root: Table::new(Form::Header, 0), below: Vec::new() });
    for tree in trees {
        put_on(&mut whole, tree);
    }
    let schema_line = schema_line.map(Line::Comment);
    let merged = fmt::written_out(schema_line.into_iter().chain(whole.into_lines(&names)).collect());
    fmt::format(&merged).map_err(|wrong| {
        problems.error(
            code::SYNTAX,
            None,
            format!("`{main}` and what it includes do not go into one text: {}", wrong.why),
        );
        problems
    })
}

/// A file as it was read.
struct Part {
    /// The file as the main one would name it, without the main one's directory.
    name: String,
    text: String,
    tree: Tree,
    has_include: bool,
}

struct Reading<'a, F> {
    files: &'a F,
    chain: paths::Chain,
    /// Bases first.
    parts: Vec<Part>,
    problems: Problems,
}

impl<F: Files> Reading<'_, F> {
    /// Reads what a file includes, and then itself. `inside` is its directory as seen from the main file's; `named` where
    /// it is included, and by which words.
    fn file(&mut self, path: &str, inside: &str, named: Option<(Place, &str)>) {
        let place = named.as_ref().map(|(place, _)| place.clone());
        if let Err(why) = self.chain.enter(path) {
            self.problems.error(code::INCLUDE, place, why);
            return;
        }
        match self.files.text(path) {
            Ok(text) => self.text(path, inside, named.map(|(_, words)| words), text),
            Err(why) => {
                let is_included = place.is_some();
                let problem = self.problems.error(code::UNREADABLE, place, format!("cannot read `{path}`: {why}"));
                if is_included {
                    problem.help("included files are looked for beside the file that includes them");
                }
            }
        }
        self.chain.leave();
    }

    fn text(&mut self, path: &str, inside: &str, words: Option<&str>, text: String) {
        self.problems.keep_text(path, &text);
        // As long as before, so that places stay right.
        let bare = unmarked(&text);
        let shift = text.len() - bare.len();
        let (root, errors) = DeTable::parse_recoverable(bare);
        for error in &errors {
            let bytes = error.span().map_or(0..0, |span| span.start + shift..span.end + shift);
            self.problems.error(code::SYNTAX, Some(Place { file: path.to_string(), bytes }), error.message());
        }
        if !errors.is_empty() {
            return;
        }
        let (has_include, included) = self.included(root.get_ref(), path, shift);
        let name = words.map_or_else(|| paths::name(path).to_string(), |words| paths::join(inside, words));
        let inside = if words.is_some() { paths::directory(&name).to_string() } else { String::new() };
        for (relative, bytes) in included {
            let inner = paths::join(paths::directory(path), &relative);
            let place = Place { file: path.to_string(), bytes };
            self.file(&inner, &inside, Some((place, &relative)));
        }
        let lines = syntax::lines(bare).map(|lines| without_include(lines, &inside));
        match lines.and_then(|lines| Tree::new(lines, self.parts.len())) {
            Some(tree) => self.parts.push(Part { name, tree, has_include, text }),
            None => {
                self.problems.error(code::SYNTAX, None, format!("`{path}` cannot be taken apart"));
            }
        }
    }

    /// Whether there is an `include`, and what it names.
    fn included(&mut self, root: &DeTable<'_>, path: &str, shift: usize) -> (bool, Vec<(String, Range<usize>)>) {
        let Some(value) = root.get(INCLUDE) else { return (false, Vec::new()) };
        let place = |span: Range<usize>| span.start + shift..span.end + shift;
        let name = |value: &toml::Spanned<toml::de::DeValue<'_>>| {
            Some((value.get_ref().as_str()?.to_string(), place(value.span())))
        };
        let names = match value.get_ref().as_array() {
            Some(array) => array.iter().map(name).collect(),
            None => name(value).map(|only| vec![only]),
        };
        let names = names.unwrap_or_else(|| {
            let place = Place { file: path.to_string(), bytes: place(value.span()) };
            let problem = self.problems.error(code::BAD_VALUE, Some(place), "`include` is not a list of strings");
            problem.help("write `include = [\"cluster.toml\"]`");
            Vec::new()
        });
        (true, names)
    }
}

/// Takes `include` out, but not its comments, and writes the paths of manifests as the main file would, from which this
/// file's directory is `inside`; those that an event applies too.
fn without_include(lines: Vec<Line>, inside: &str) -> Vec<Line> {
    let mut kept = Vec::new();
    let (mut is_root, mut is_event) = (true, false);
    for mut line in lines {
        match &mut line {
            Line::Header { key, is_list, .. } => {
                (is_root, is_event) = (false, *is_list && is_key(key, EVENT));
            }
            Line::Pair { key, comment, .. } if is_root && is_key(key, INCLUDE) => {
                kept.extend(comment.take().map(Line::Comment));
                continue;
            }
            Line::Pair { key, value: Value::Array(entries), .. } if (is_root || is_event) && is_key(key, MANIFESTS) => {
                for entry in entries {
                    if let Entry::Item { value: Value::Plain(path), .. } = entry
                        && path.starts_with(['"', '\''])
                        && !inside.is_empty()
                    {
                        *path = toml::Value::String(paths::join(inside, &unquoted(path))).to_string();
                    }
                }
            }
            _ => {}
        }
        kept.push(line);
    }
    kept
}

fn is_key(key: &[String], name: &str) -> bool {
    matches!(key, [only] if unquoted(only) == name)
}

/// Takes out the first comment line if it names a schema.
fn take_schema_line(tree: &mut Tree) -> Option<String> {
    let pairs = &mut tree.root.pairs;
    let first = pairs.iter_mut().find_map(|pair| match &mut pair.node {
        _ if !pair.above.is_empty() => Some(&mut pair.above),
        Node::Table(table) if !table.above.is_empty() => Some(&mut table.above),
        Node::List(tables) => tables.first_mut().map(|table| &mut table.above),
        _ => None,
    })?;
    let at = first.iter().position(|line| line.starts_with(SCHEMA_LINE))?;
    Some(first.remove(at))
}

/// Puts one file on top of another.
fn put_on(base: &mut Tree, over: Tree) {
    base.below.extend(over.below);
    let mut path = Vec::new();
    for pair in over.root.pairs {
        let is_single = is_line(&pair.node);
        let at = base.root.pairs.iter().position(|other| other.name == pair.name);
        match at.filter(|&at| is_single && is_line(&base.root.pairs[at].node)) {
            // Single keys at the top go to where the upper file has them; what was said above them there stays there.
            Some(at) => {
                let mut lower = base.root.pairs.remove(at);
                let comments = std::mem::take(&mut lower.above);
                hand_on(base, at, lower.from, comments);
                let from = pair.from;
                put_pair(&mut lower, pair, &mut path);
                lower.from = from;
                base.root.pairs.push(lower);
            }
            None => put_into(&mut base.root, pair, &mut path),
        }
    }
}

/// Whether this is written as a line of the table around it.
fn is_line(node: &Node) -> bool {
    match node {
        Node::Value(_) => true,
        Node::Table(table) => table.form == Form::Inline,
        Node::List(_) => false,
    }
}

/// Gives comments to what follows at the top of the same file.
fn hand_on(tree: &mut Tree, at: usize, from: usize, comments: Vec<String>) {
    if comments.iter().all(String::is_empty) {
        return;
    }
    let pairs = &mut tree.root.pairs;
    let is_next = |pair: &Pair| pair.from == from && is_line(&pair.node);
    let next = match (at..pairs.len()).find(|&index| is_next(&pairs[index])) {
        Some(index) => Some(&mut pairs[index].above),
        None => pairs.iter_mut().find_map(|pair| first_header(&mut pair.node, from)),
    };
    let comments = comments.into_iter().chain([String::new()]);
    match next {
        Some(above) => drop(above.splice(..0, comments)),
        None => tree.below.push((from, comments.collect())),
    }
}

/// The comments above the first header of a file.
fn first_header(node: &mut Node, file: usize) -> Option<&mut Vec<String>> {
    match node {
        Node::Value(_) => None,
        Node::List(tables) => tables.iter_mut().find(|table| table.from == file).map(|table| &mut table.above),
        Node::Table(Table { form: Form::Header, above, from, .. }) if *from == file => Some(above),
        Node::Table(Table { pairs, .. }) => pairs.iter_mut().find_map(|pair| first_header(&mut pair.node, file)),
    }
}

/// Puts a pair of the upper file into a table of the lower one.
fn put_into(base: &mut Table, pair: Pair, path: &mut Vec<String>) {
    match base.pairs.iter_mut().find(|other| other.name == pair.name) {
        Some(lower) => put_pair(lower, pair, path),
        None => base.pairs.push(pair),
    }
}

fn put_pair(lower: &mut Pair, upper: Pair, path: &mut Vec<String>) {
    path.push(upper.name.clone());
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let is_joined = rules::is_joined(&names);
    let is_manifests = names == [MANIFESTS];
    add(&mut lower.above, upper.above);
    add(&mut lower.behind, upper.behind);
    match (&mut lower.node, upper.node) {
        (Node::List(base), Node::List(over)) if is_joined => join(base, over, path),
        (Node::List(_), Node::Value(Value::Array(over))) if is_joined && over.is_empty() => {}
        (Node::Value(Value::Array(base)), Node::Value(Value::Array(over))) if is_manifests => join_texts(base, over),
        (Node::Table(base), Node::Table(over)) if !rules::is_one_value(&upper.name, |key| over.get(key).is_some()) => {
            base.form = form(base.form, over.form);
            add(&mut base.above, over.above);
            add(&mut base.behind, over.behind);
            over.pairs.into_iter().for_each(|pair| put_into(base, pair, path));
        }
        (base, over) if plain(base) == plain(&over) && plain(base).is_some() => {}
        (base, over) => {
            *base = over;
            lower.from = upper.from;
        }
    }
    path.pop();
}

/// Puts the elements of one list on those of another. Each of the base can be changed once: two of one name in the upper
/// file stay two.
fn join(base: &mut Vec<Table>, over: Vec<Table>, path: &mut Vec<String>) {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let called = |table: &Table| {
        let texts = ["id", "name", "kind", "namespace"].map(|key| (key, table.text(key)));
        let text = |key: &str| texts.iter().find(|(name, _)| *name == key).and_then(|(_, text)| text.as_deref());
        rules::identity(&names, text).map(|name| name.into_iter().map(str::to_string).collect::<Vec<_>>())
    };
    let upper: Vec<_> = over.iter().map(called).collect();
    let mut open: Vec<_> = base.iter().map(called).collect();
    for (table, name) in over.into_iter().zip(upper) {
        match open.iter().position(|other| other.is_some() && *other == name) {
            Some(at) => {
                open[at] = None;
                add(&mut base[at].above, table.above);
                add(&mut base[at].behind, table.behind);
                // Inside an element no list is joined: `path` would say `event.event`.
                table.pairs.into_iter().for_each(|pair| put_into(&mut base[at], pair, path));
            }
            None => base.push(table),
        }
    }
}

/// Adds the strings that are not there yet.
fn join_texts(base: &mut Vec<Entry>, over: Vec<Entry>) {
    let text = |entry: &Entry| match entry {
        Entry::Item { value: Value::Plain(text), .. } => Some(unquoted(text)),
        _ => None,
    };
    for entry in over {
        let own = text(&entry);
        if own.is_none() || !base.iter().any(|other| text(other) == own) {
            base.push(entry);
        }
    }
}

/// How a table is written that was written in these two ways.
fn form(base: Form, over: Form) -> Form {
    match (base, over) {
        (Form::Inline, Form::Inline) => Form::Inline,
        (Form::Implicit, Form::Implicit) => Form::Implicit,
        (Form::Dotted, Form::Dotted | Form::Inline | Form::Implicit) => Form::Dotted,
        (Form::Inline | Form::Implicit, Form::Dotted) => Form::Dotted,
        _ => Form::Header,
    }
}

fn add(comments: &mut Vec<String>, more: Vec<String>) {
    comments.extend(more);
}

/// A value as written, without comments; none for what has headers.
fn plain(node: &Node) -> Option<String> {
    match node {
        Node::Value(value) => Some(fmt::flat(value)),
        Node::Table(table) if table.form == Form::Inline => Some(fmt::flat(&flat(table))),
        Node::Table(_) | Node::List(_) => None,
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
