//! A TOML file as a tree that keeps its comments, and of everything in it the file that it came from.
//!
//! Written out, every table comes before those inside it, so that a tree to which things were added is still TOML.

use super::rules;
use super::syntax::{Entry, Key, Line, Value, unquoted};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Not at all: only tables inside it are.
    Implicit,
    /// With a header.
    Header,
    /// By the keys of the table around it: `a.b = 1`.
    Dotted,
    /// `{ b = 1 }`.
    Inline,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    pub form: Form,
    /// Number of the file that it is from.
    pub from: usize,
    /// Comments above its header, or above its first key if it has none; an empty one is a blank line.
    pub above: Vec<String>,
    /// Comments behind its header.
    pub behind: Vec<String>,
    pub pairs: Vec<Pair>,
}

/// A key and what it stands for.
#[derive(Clone, Debug)]
pub struct Pair {
    /// As written.
    pub key: String,
    /// What the key says.
    pub name: String,
    pub from: usize,
    pub above: Vec<String>,
    pub behind: Vec<String>,
    pub node: Node,
}

/// What a key stands for.
#[derive(Clone, Debug)]
pub enum Node {
    Value(Value),
    Table(Table),
    /// A list of tables, each with its header.
    List(Vec<Table>),
}

/// A whole file.
#[derive(Clone, Debug)]
pub struct Tree {
    pub root: Table,
    /// Comments after everything else, with the files that they are from.
    pub below: Vec<(usize, Vec<String>)>,
}

impl Table {
    /// A table without anything in it.
    pub fn new(form: Form, from: usize) -> Table {
        Table { form, from, above: Vec::new(), behind: Vec::new(), pairs: Vec::new() }
    }

    /// The pair of this name.
    pub fn get(&self, name: &str) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.name == name)
    }

    /// What the string `name` says, if it is one.
    pub fn text(&self, name: &str) -> Option<String> {
        match &self.get(name)?.node {
            Node::Value(Value::Plain(written)) if written.starts_with(['"', '\'']) => Some(unquoted(written)),
            _ => None,
        }
    }

    /// The pair of this key, made if it is not there.
    fn pair(&mut self, key: &str, from: usize, node: impl FnOnce() -> Node) -> &mut Pair {
        let name = unquoted(key);
        let at = self.pairs.iter().position(|pair| pair.name == name).unwrap_or_else(|| {
            let (above, behind) = (Vec::new(), Vec::new());
            self.pairs.push(Pair { key: key.to_string(), name, from, above, behind, node: node() });
            self.pairs.len() - 1
        });
        &mut self.pairs[at]
    }

    /// The table at this key, or the last of the list there; made if nothing is there.
    fn table(&mut self, key: &str, from: usize, form: Form) -> Option<&mut Table> {
        match &mut self.pair(key, from, || Node::Table(Table::new(form, from))).node {
            Node::Table(table) => Some(table),
            Node::List(tables) => tables.last_mut(),
            Node::Value(_) => None,
        }
    }

    fn descend(&mut self, path: &[String], from: usize, form: Form) -> Option<&mut Table> {
        path.iter().try_fold(self, |table, key| table.table(key, from, form))
    }
}

impl Pair {
    /// Keeps its comments. A list has no line of its own: they go to its first element.
    fn say(&mut self, above: Vec<String>, behind: Option<String>) {
        match &mut self.node {
            Node::List(tables) if !tables.is_empty() => {
                tables[0].above.splice(..0, above.into_iter().chain(behind));
            }
            _ => {
                self.above = above;
                self.behind = behind.into_iter().collect();
            }
        }
    }
}

impl Tree {
    /// The tree of a file's lines; none if they are no TOML after all.
    pub fn new(lines: Vec<Line>, from: usize) -> Option<Tree> {
        let mut root = Table::new(Form::Header, from);
        let mut section: Vec<String> = Vec::new();
        let mut above: Vec<String> = Vec::new();
        for line in lines {
            match line {
                Line::Blank => above.push(String::new()),
                Line::Comment(text) => above.push(text),
                Line::Header { key, is_list, comment } => {
                    let (last, path) = key.split_last()?;
                    let parent = root.descend(path, from, Form::Implicit)?;
                    if is_list {
                        let Node::List(tables) = &mut parent.pair(last, from, || Node::List(Vec::new())).node else {
                            return None;
                        };
                        tables.push(Table::new(Form::Header, from));
                    }
                    let table = parent.table(last, from, Form::Header)?;
                    table.form = Form::Header;
                    table.above = std::mem::take(&mut above);
                    table.behind = comment.into_iter().collect();
                    section = key;
                }
                Line::Pair { key, value, comment } => {
                    let names: Vec<String> = section.iter().chain(&key).map(|key| unquoted(key)).collect();
                    let (last, path) = key.split_last()?;
                    let table = root.descend(&section, from, Form::Implicit)?.descend(path, from, Form::Dotted)?;
                    let pair = table.pair(last, from, || node(value, from, &names));
                    pair.say(std::mem::take(&mut above), comment);
                }
            }
        }
        let below = if above.iter().all(String::is_empty) { Vec::new() } else { vec![(from, above)] };
        Some(Tree { root, below })
    }

    /// The lines of the tree. Where what follows is from another file than what was before, its name is said; nowhere if
    /// there are no names.
    pub fn into_lines(self, names: &[String]) -> Vec<Line> {
        let mut writer = Writer { names, lines: Vec::new(), from: None, named_at: None };
        writer.values(&self.root, &[], true);
        writer.tables(&self.root, &[]);
        for (from, comments) in &self.below {
            writer.lines.push(Line::Blank);
            writer.introduce(*from);
            writer.comments(comments);
        }
        writer.lines
    }
}

/// A value as a node. Inline tables become tables, and inline lists that are joined become lists of such.
fn node(value: Value, from: usize, path: &[String]) -> Node {
    match value {
        Value::Table(entries) => Node::Table(inline(entries, from, path)),
        Value::Array(entries) if is_joined(path) && is_all_tables(&entries) => {
            let mut tables = Vec::new();
            let mut above = Vec::new();
            for entry in entries {
                match entry {
                    Entry::Comment(text) => above.push(text),
                    Entry::Item { value: Value::Table(inner), comment, .. } => {
                        let mut table = inline(inner, from, path);
                        table.form = Form::Header;
                        table.above = std::mem::take(&mut above);
                        table.behind = comment.into_iter().collect();
                        tables.push(table);
                    }
                    Entry::Item { .. } => {}
                }
            }
            if let Some(last) = tables.last_mut() {
                last.behind.append(&mut above);
            }
            Node::List(tables)
        }
        other => Node::Value(other),
    }
}

fn is_joined(path: &[String]) -> bool {
    rules::is_joined(&path.iter().map(String::as_str).collect::<Vec<_>>())
}

fn is_all_tables(entries: &[Entry]) -> bool {
    let mut values =
        entries.iter().filter_map(|entry| if let Entry::Item { value, .. } = entry { Some(value) } else { None });
    values.clone().next().is_some() && values.all(|value| matches!(value, Value::Table(_)))
}

fn inline(entries: Vec<Entry>, from: usize, path: &[String]) -> Table {
    let mut whole = Table::new(Form::Inline, from);
    let mut above = Vec::new();
    for entry in entries {
        match entry {
            Entry::Comment(text) => above.push(text),
            Entry::Item { key, value, comment } => {
                let key = key.unwrap_or_default();
                let names: Vec<String> = path.iter().cloned().chain(key.iter().map(|key| unquoted(key))).collect();
                let Some((last, outer)) = key.split_last() else { continue };
                let Some(table) = whole.descend(outer, from, Form::Dotted) else { continue };
                let pair = table.pair(last, from, || node(value, from, &names));
                pair.say(std::mem::take(&mut above), comment);
                // A list has headers, and so must the table around it have one.
                if matches!(pair.node, Node::List(_)) {
                    whole.form = Form::Header;
                }
            }
        }
    }
    whole.behind = above;
    whole
}

struct Writer<'a> {
    names: &'a [String],
    lines: Vec<Line>,
    /// The file that was named last.
    from: Option<usize>,
    /// The line after its name.
    named_at: Option<usize>,
}

impl Writer<'_> {
    /// The keys of a table that have a line of their own.
    fn values(&mut self, table: &Table, path: &[String], is_root: bool) {
        for pair in &table.pairs {
            let key: Key = path.iter().chain([&pair.key]).cloned().collect();
            let value = match &pair.node {
                Node::Table(inner) if inner.form == Form::Dotted => {
                    for comments in [&pair.above, &pair.behind, &inner.above, &inner.behind] {
                        self.comments(comments);
                    }
                    self.values(inner, &key, is_root);
                    continue;
                }
                Node::Table(inner) if inner.form == Form::Inline => flat(inner),
                Node::Value(value) => value.clone(),
                Node::Table(_) | Node::List(_) => continue,
            };
            let mut behind = pair.behind.clone();
            if is_root {
                self.introduce(pair.from);
            } else if self.from != Some(pair.from) {
                behind.extend(self.names.get(pair.from).map(|name| format!("# from {name}")));
            }
            self.comments(&pair.above);
            if let Node::Table(inner) = &pair.node {
                self.comments(&inner.above);
                behind.splice(..0, inner.behind.iter().cloned());
            }
            self.lines.push(Line::Pair { key, value, comment: one(behind) });
        }
    }

    /// The tables inside a table that have headers.
    fn tables(&mut self, table: &Table, path: &[String]) {
        for pair in &table.pairs {
            let path: Key = path.iter().chain([&pair.key]).cloned().collect();
            match &pair.node {
                Node::Table(inner) => {
                    let has_header = inner.form == Form::Header || inner.form == Form::Implicit && has_lines(inner);
                    if has_header {
                        self.section(inner, pair, &path, false);
                    }
                    self.tables(inner, &path);
                }
                Node::List(tables) => {
                    for inner in tables {
                        self.section(inner, pair, &path, true);
                        self.tables(inner, &path);
                    }
                }
                Node::Value(_) => {}
            }
        }
    }

    fn section(&mut self, table: &Table, pair: &Pair, path: &[String], is_list: bool) {
        self.introduce(table.from);
        if !is_list {
            self.comments(&pair.above);
        }
        self.comments(&table.above);
        let outer = if is_list { &[][..] } else { &pair.behind[..] };
        let comment = one(outer.iter().chain(&table.behind).cloned().collect());
        self.lines.push(Line::Header { key: path.to_vec(), is_list, comment });
        self.values(table, &[], false);
    }

    fn introduce(&mut self, from: usize) {
        if self.from != Some(from) {
            self.from = Some(from);
            if let Some(name) = self.names.get(from) {
                self.lines.push(Line::Blank);
                self.lines.push(Line::Comment(format!("# from {name}")));
                self.named_at = Some(self.lines.len());
            }
        }
    }

    fn comments(&mut self, comments: &[String]) {
        // What a file begins with stands right below its name.
        let is_named = self.named_at == Some(self.lines.len());
        let comments = comments.iter().skip_while(|text| is_named && text.is_empty());
        let line = |text: &String| if text.is_empty() { Line::Blank } else { Line::Comment(text.clone()) };
        self.lines.extend(comments.map(line));
    }
}

/// Whether a table has keys with a line of their own.
fn has_lines(table: &Table) -> bool {
    table.pairs.iter().any(|pair| match &pair.node {
        Node::Value(_) => true,
        Node::Table(inner) => inner.form == Form::Inline || inner.form == Form::Dotted && has_lines(inner),
        Node::List(_) => false,
    })
}

fn one(comments: Vec<String>) -> Option<String> {
    let comments: Vec<String> = comments.into_iter().filter(|comment| !comment.is_empty()).collect();
    (!comments.is_empty()).then(|| comments.join("  "))
}

/// An inline table as a value.
pub fn flat(table: &Table) -> Value {
    let mut entries = Vec::new();
    flat_entries(table, &[], &mut entries);
    Value::Table(entries)
}

fn flat_entries(table: &Table, path: &[String], entries: &mut Vec<Entry>) {
    for pair in &table.pairs {
        let key: Key = path.iter().chain([&pair.key]).cloned().collect();
        entries.extend(pair.above.iter().filter(|text| !text.is_empty()).cloned().map(Entry::Comment));
        let mut behind = pair.behind.clone();
        let value = match &pair.node {
            Node::Table(inner) if inner.form == Form::Dotted => {
                flat_entries(inner, &key, entries);
                continue;
            }
            Node::Table(inner) => {
                behind.extend(inner.behind.iter().cloned());
                flat(inner)
            }
            Node::Value(value) => value.clone(),
            Node::List(tables) => Value::Array(
                tables.iter().map(|table| Entry::Item { key: None, value: flat(table), comment: None }).collect(),
            ),
        };
        entries.push(Entry::Item { key: Some(key), value, comment: one(behind) });
    }
}
