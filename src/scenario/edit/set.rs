//! Single values changed in the text of a scenario, as `--set PATH=VALUE` asks for, with all comments kept.
//!
//! A path is made of keys with dots between them. An element of a list of tables is called by its `id` or `name`, or by
//! its place, from 0: `event.crash.at`, `cluster.pool.0.count`. A part in quotes may have dots in it and is never a place.

use super::{Wrong, rules};
use crate::scenario::suggest::{listed, nearest};
use std::fmt;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// What is said behind a line that was changed.
const NOTE: &str = "# set on the command line";

/// A part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it says, without quotes.
    pub text: String,
    /// Whether it was in quotes: then it is a name even if it looks like a number.
    pub is_quoted: bool,
}

/// Where in a scenario a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Its parts, at least one.
    pub parts: Vec<Part>,
}

/// What one `--set` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Where.
    pub path: Path,
    /// The value, as TOML writes it.
    pub value: String,
}

impl Part {
    /// The place that it means in a list of `len` elements, of which these are the names.
    ///
    /// # Errors
    /// No element, or more than one, is called so. `list` is the path of the list.
    pub fn find(&self, list: &str, names: &[Option<&str>]) -> Result<usize, Wrong> {
        let called: Vec<usize> = (0..names.len()).filter(|&at| names[at] == Some(self.text.as_str())).collect();
        let place = self.text.parse().ok().filter(|_| !self.is_quoted);
        match (&called[..], place) {
            ([only], _) => Ok(*only),
            ([], Some(place)) if place < names.len() => Ok(place),
            ([], Some(place)) => {
                let elements = if names.len() == 1 { "element" } else { "elements" };
                let why = format!("`{list}` has {} {elements}: none is number {place}, counted from 0", names.len());
                Err(Wrong::new(why, all_of(names)))
            }
            ([], None) => {
                let why = format!("no element of `{list}` is called `{}`", self.text);
                let guess = nearest(&self.text, names.iter().copied().flatten());
                Err(Wrong::new(why, guess.map_or_else(|| all_of(names), |guess| format!("did you mean `{guess}`?"))))
            }
            (several, _) => {
                let why = format!("{} elements of `{list}` are called `{}`", several.len(), self.text);
                let places = several.iter().map(|place| format!("`{list}.{place}`")).collect::<Vec<_>>();
                let other = if list == "workload" { "by its namespace, as `workload.shop/web`, or " } else { "" };
                Err(Wrong::new(why, format!("say which {other}by its place: {}", places.join(", "))))
            }
        }
    }
}

/// What the elements of a list are called, as a way out.
fn all_of(names: &[Option<&str>]) -> String {
    let names: Vec<&str> = names.iter().copied().flatten().collect();
    if names.is_empty() {
        "its elements have no names: call them by their places".into()
    } else {
        format!("there {} {}", if names.len() == 1 { "is" } else { "are" }, listed(names))
    }
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// An empty part, or a quote that does not end.
    pub fn parse(text: &str) -> Result<Path, Wrong> {
        let (path, rest) = Path::begin(text)?;
        if rest.is_empty() { Ok(path) } else { Err(bad_path(text, "nothing may stand behind a path")) }
    }

    /// The path with which a text begins, up to its end or to an equals sign, and the rest.
    fn begin(text: &str) -> Result<(Path, &str), Wrong> {
        let mut parts = Vec::new();
        let mut rest = text.trim_start();
        loop {
            let part = match rest.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    let inner = &rest[1..];
                    let Some(end) = inner.find(quote) else { return Err(bad_path(text, "a quote does not end")) };
                    rest = &inner[end + 1..];
                    Part { text: inner[..end].to_string(), is_quoted: true }
                }
                _ => {
                    let end = rest.find(['.', '=']).unwrap_or(rest.len());
                    let name = rest[..end].trim();
                    rest = &rest[end..];
                    if name.is_empty() {
                        return Err(bad_path(text, "a part of it is empty"));
                    }
                    Part { text: name.to_string(), is_quoted: false }
                }
            };
            parts.push(part);
            rest = rest.trim_start();
            match rest.strip_prefix('.') {
                Some(more) => rest = more.trim_start(),
                None if rest.is_empty() || rest.starts_with('=') => return Ok((Path { parts }, rest)),
                None => return Err(bad_path(text, "a dot is missing between two parts")),
            }
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.parts))
    }
}

fn shown(parts: &[Part]) -> String {
    let shown = |part: &Part| if part.is_quoted { format!("\"{}\"", part.text) } else { part.text.clone() };
    parts.iter().map(shown).collect::<Vec<_>>().join(".")
}

fn bad_path(text: &str, why: &str) -> Wrong {
    let help = "write keys with dots between them, as in `event.crash.at`; quote a key with dots: `labels.\"a.b/c\"`";
    Wrong::new(format!("`{text}` is no path: {why}"), help)
}

/// Takes `PATH=VALUE` apart. What is no value in TOML is a string: `2m` means `"2m"`.
///
/// # Errors
/// There is no equals sign, or what is before it is no path.
pub fn split(text: &str) -> Result<Setting, Wrong> {
    let (path, rest) = Path::begin(text)?;
    let Some(value) = rest.strip_prefix('=') else {
        let why = format!("`{text}` says what to set, but not to which value");
        return Err(Wrong::new(why, format!("write `{path}=VALUE`")));
    };
    let value = value.trim();
    // A number that is too large for TOML is one all the same: what is wrong with it is said where it is read.
    let digits = value.strip_prefix(['+', '-']).unwrap_or(value);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with("00") {
        return Ok(Setting { path, value: value.to_string() });
    }
    match value.parse::<Value>() {
        Ok(value) => Ok(Setting { path, value: bare(value).to_string() }),
        Err(_) if value.starts_with(['{', '[']) => Err(without_quotes(&path, value)),
        Err(_) => Ok(Setting { path, value: Value::from(value).to_string() }),
    }
}

/// Of a table or a list that is no TOML, mostly because a shell took the quotes away.
fn without_quotes(path: &Path, value: &str) -> Wrong {
    let why =
        format!("`{value}` is no value in TOML: texts in tables and lists need quotes, and a shell takes them away");
    let quoted = quoted(value);
    let help = match quoted.parse::<Value>() {
        Ok(_) => format!("put single quotes around all of it: --set '{path}={quoted}'"),
        Err(_) => format!("put single quotes around all of it, as --set '{path}={{ key = \"text\" }}'"),
    };
    Wrong::new(why, help)
}

/// A table or a list with quotes around every word that is no value without them.
fn quoted(value: &str) -> String {
    let mut text = String::new();
    for piece in value.split_inclusive(['{', '}', '[', ']', ',', '=']) {
        let end = piece.chars().last().filter(|last| "{}[],=".contains(*last));
        let word = end.map_or(piece, |end| &piece[..piece.len() - end.len_utf8()]);
        let inner = word.trim();
        // Before an equals sign stands a key.
        if inner.is_empty() || end == Some('=') || inner.parse::<Value>().is_ok() {
            text.push_str(piece);
        } else {
            text.push_str(&piece.replacen(inner, &Value::from(inner).to_string(), 1));
        }
    }
    text
}

fn bare(mut value: Value) -> Value {
    value.decor_mut().clear();
    value
}

/// The text with another value at the path of `setting`. A key that was not there is added, with the tables around it.
/// Everything else stays, but for two things that mean nothing: dotted keys of one table (`run.seed`, `run.until`) move
/// together, and lines end as on Unix.
///
/// # Errors
/// The text is no TOML, or the path leads nowhere: no element of a list is called so, or something on the way is no table.
pub fn set(text: &str, setting: &Setting) -> Result<String, Wrong> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| Wrong {
        bytes: error.span(),
        why: error.message().to_string(),
        help: String::new(),
    })?;
    let value: Value = setting
        .value
        .parse()
        .map_err(|_| Wrong::new(format!("`{}` is no value in TOML", setting.value), "put a text in double quotes"))?;
    let mut change = Change { path: &setting.path.parts, value: Some(bare(value)) };
    change.root(document.as_table_mut())?;
    Ok(document.to_string())
}

struct Change<'a> {
    path: &'a [Part],
    /// The new value, until it is in its place.
    value: Option<Value>,
}

impl Change<'_> {
    fn root(&mut self, root: &mut Table) -> Result<(), Wrong> {
        let [first, _, ..] = self.path else { return self.table(root, 0, true) };
        // Later keys may be new. This one says which part of a scenario is meant.
        if !root.contains_key(&first.text) {
            let name = first.text.as_str();
            if rules::is_joined(&[name]) {
                return Err(Wrong::new(format!("the scenario has no `[[{name}]]`"), ""));
            }
            let lists = rules::JOINED.iter().map(|path| path[0]);
            let there = root.iter().map(|(name, _)| name);
            if let Some(guess) = nearest(name, lists.chain(there)) {
                let why = format!("the scenario has no `{name}`");
                return Err(Wrong::new(why, format!("did you mean `{guess}`?")));
            }
        }
        self.table(root, 0, true)
    }

    /// Changes a table at `depth` parts of the path; `is_lines` if its keys have lines of their own.
    fn table(&mut self, table: &mut dyn TableLike, depth: usize, is_lines: bool) -> Result<(), Wrong> {
        let key = self.path[depth].text.as_str();
        let is_last = depth + 1 == self.path.len();
        match table.get_mut(key) {
            Some(item) if is_last => self.replace(item)?,
            Some(item) => self.inside(item, depth + 1)?,
            None => {
                let item = self.made(depth + 1)?;
                if !is_lines {
                    close_up(table);
                }
                table.insert(key, item);
            }
        }
        if is_lines && let Some(Item::Value(value)) = table.get_mut(key) {
            note(value);
        }
        Ok(())
    }

    /// What an element of the list at `depth` is called, in the way in which it is asked for.
    fn name(&self, table: &dyn TableLike, depth: usize) -> Option<String> {
        let steps: Vec<&str> = self.path[..depth].iter().map(|part| part.text.as_str()).collect();
        rules::called(&steps, &self.path[depth].text, |key| table.get(key).and_then(Item::as_str))
    }

    fn replace(&mut self, item: &mut Item) -> Result<(), Wrong> {
        match item {
            Item::Value(old) => {
                self.exchange(old);
                Ok(())
            }
            Item::Table(_) => Err(self.too_short("a whole table", "name one of its keys")),
            Item::ArrayOfTables(_) => Err(self.too_short("a list of tables", "name an element and one of its keys")),
            Item::None => Ok(()),
        }
    }

    fn exchange(&mut self, old: &mut Value) {
        if let Some(mut value) = self.value.take() {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
    }

    fn too_short(&self, what: &str, help: &str) -> Wrong {
        Wrong::new(format!("`{}` is {what}, which cannot be set at once", shown(self.path)), help)
    }

    /// Changes what is inside a value or table.
    fn inside(&mut self, item: &mut Item, depth: usize) -> Result<(), Wrong> {
        match item {
            Item::Table(table) => self.table(table, depth, true),
            Item::Value(value) => self.value(value, depth),
            Item::ArrayOfTables(tables) => {
                let names: Vec<_> = tables.iter().map(|table| self.name(table, depth)).collect();
                let names: Vec<_> = names.iter().map(Option::as_deref).collect();
                let at = self.path[depth].find(&shown(&self.path[..depth]), &names)?;
                match tables.get_mut(at) {
                    Some(table) if depth + 1 < self.path.len() => self.table(table, depth + 1, true),
                    _ => Err(self.too_short("a whole element of a list", "name one of its keys")),
                }
            }
            Item::None => Ok(()),
        }
    }

    fn value(&mut self, value: &mut Value, depth: usize) -> Result<(), Wrong> {
        match value {
            Value::InlineTable(table) => self.table(table, depth, false),
            Value::Array(array) => self.array(array, depth),
            other => {
                let outer = shown(&self.path[..depth]);
                let what = other.type_name();
                Err(Wrong::new(format!("`{outer}` has no keys: its type is {what}"), format!("set `{outer}` itself")))
            }
        }
    }

    fn array(&mut self, array: &mut Array, depth: usize) -> Result<(), Wrong> {
        let names: Vec<_> =
            array.iter().map(|value| value.as_inline_table().and_then(|table| self.name(table, depth))).collect();
        let names: Vec<_> = names.iter().map(Option::as_deref).collect();
        let at = self.path[depth].find(&shown(&self.path[..depth]), &names)?;
        match array.get_mut(at) {
            Some(value) if depth + 1 < self.path.len() => self.value(value, depth + 1),
            Some(Value::InlineTable(_)) | None => {
                Err(self.too_short("a whole element of a list", "name one of its keys"))
            }
            Some(value) => {
                self.exchange(value);
                Ok(())
            }
        }
    }

    /// What is to be at `depth` where nothing was: the value, with the tables that the rest of the path asks for. At the
    /// top they have headers, further in they are inline, as in the scenarios that come with the program.
    fn made(&mut self, depth: usize) -> Result<Item, Wrong> {
        let Some(part) = self.path.get(depth) else { return Ok(self.value.take().map_or(Item::None, Item::Value)) };
        let names: Vec<&str> = self.path[..depth].iter().map(|part| part.text.as_str()).collect();
        if rules::is_joined(&names) {
            return Err(Wrong::new(format!("the scenario has no `[[{}]]`", names.join(".")), ""));
        }
        let inner = self.made(depth + 1)?;
        if depth > 1 {
            let mut table = InlineTable::new();
            table.insert(&part.text, inner.into_value().unwrap_or_else(|_| Value::from("")));
            return Ok(Item::Value(Value::InlineTable(table)));
        }
        let mut table = Table::new();
        table.insert(&part.text, inner);
        if let Some(Item::Value(value)) = table.get_mut(&part.text) {
            note(value);
        }
        Ok(Item::Table(table))
    }
}

/// Takes away the blanks before the closing brace of an inline table, to which a key is added.
fn close_up(table: &mut dyn TableLike) {
    if let Some((_, Item::Value(last))) = table.iter_mut().last()
        && last.decor().suffix().and_then(|suffix| suffix.as_str()).is_some_and(|suffix| suffix.trim().is_empty())
    {
        last.decor_mut().set_suffix("");
    }
}

/// Says behind a value that it was set, once.
fn note(value: &mut Value) {
    let behind = value.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default().trim_end();
    if !behind.ends_with(NOTE) {
        let behind = format!("{behind}  {NOTE}");
        value.decor_mut().set_suffix(behind);
    }
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
