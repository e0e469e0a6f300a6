//! A TOML text cut into lines, keys, values and comments, nothing thrown away but blanks. The text must be known to be
//! TOML: here things are only found, not judged.

/// One line of a file; a value may run over several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Nothing.
    Blank,
    /// A comment of its own.
    Comment(String),
    /// `[run]` or `[[event]]`.
    Header { key: Key, is_list: bool, comment: Option<String> },
    /// `key = value`.
    Pair { key: Key, value: Value, comment: Option<String> },
}

/// The parts of a key between its dots, as written.
pub type Key = Vec<String>;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string, a number, a date, a boolean: as written.
    Plain(String),
    /// `[1, 2]`.
    Array(Vec<Entry>),
    /// `{ a = 1 }`.
    Table(Vec<Entry>),
}

/// What stands between brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A comment of its own.
    Comment(String),
    /// An element, or a pair of an inline table.
    Item { key: Option<Key>, value: Value, comment: Option<String> },
}

/// The lines of a text; none if it is no TOML after all.
pub fn lines(text: &str) -> Option<Vec<Line>> {
    let mut scanner = Scanner { rest: text };
    let mut lines = Vec::new();
    while !scanner.rest.is_empty() {
        lines.push(scanner.line()?);
    }
    Some(lines)
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn line(&mut self) -> Option<Line> {
        self.blanks();
        if self.newline() {
            return Some(Line::Blank);
        }
        if let Some(comment) = self.comment() {
            self.newline();
            return Some(Line::Comment(comment));
        }
        if self.rest.is_empty() {
            return Some(Line::Blank);
        }
        let is_header = self.rest.starts_with('[');
        let line = if is_header {
            let is_list = self.rest.starts_with("[[");
            let brackets = if is_list { 2 } else { 1 };
            self.take(brackets);
            let key = self.key()?;
            self.take(brackets);
            self.blanks();
            Line::Header { key, is_list, comment: self.comment() }
        } else {
            let (key, value) = self.pair(&mut Vec::new())?;
            self.blanks();
            Line::Pair { key, value, comment: self.comment() }
        };
        // Something else here would never be reached again.
        (self.newline() || self.rest.is_empty()).then_some(line)
    }

    /// Comments around the equals sign go to `entries`. TOML allows none and no line end there; our reader does, in inline
    /// tables.
    fn pair(&mut self, entries: &mut Vec<Entry>) -> Option<(Key, Value)> {
        let key = self.key()?;
        self.lines_between(entries);
        self.rest = self.rest.strip_prefix('=')?;
        self.lines_between(entries);
        Some((key, self.value()?))
    }

    fn lines_between(&mut self, entries: &mut Vec<Entry>) {
        loop {
            self.blanks();
            if let Some(comment) = self.comment() {
                entries.push(Entry::Comment(comment));
            } else if !self.newline() {
                return;
            }
        }
    }

    /// The parts of a key, without blanks.
    fn key(&mut self) -> Option<Key> {
        let mut key = Key::new();
        loop {
            self.blanks();
            key.push(match self.rest.chars().next()? {
                '"' | '\'' => requoted(self.string()?),
                _ => {
                    let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')?;
                    self.take(end).to_string()
                }
            });
            self.blanks();
            let Some(rest) = self.rest.strip_prefix('.') else { return Some(key) };
            self.rest = rest;
        }
    }

    fn value(&mut self) -> Option<Value> {
        Some(match self.rest.chars().next()? {
            '[' => Value::Array(self.entries(']')?),
            '{' => Value::Table(self.entries('}')?),
            '"' | '\'' => Value::Plain(requoted(self.string()?)),
            _ => {
                // To the end of it and not to the next blank: a date may have one inside.
                let end = self.rest.find([',', ']', '}', '#', '\n', '\r']).unwrap_or(self.rest.len());
                let plain = self.take(end).trim_end_matches([' ', '\t']);
                (!plain.is_empty()).then(|| Value::Plain(plain.to_string()))?
            }
        })
    }

    fn entries(&mut self, close: char) -> Option<Vec<Entry>> {
        self.take(1);
        let mut entries = Vec::new();
        let mut is_on_the_line = false;
        loop {
            self.blanks();
            if self.newline() {
                is_on_the_line = false;
            } else if let Some(found) = self.comment() {
                match entries.last_mut() {
                    Some(Entry::Item { comment: comment @ None, .. }) if is_on_the_line => *comment = Some(found),
                    _ => entries.push(Entry::Comment(found)),
                }
            } else if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
            } else if let Some(rest) = self.rest.strip_prefix(close) {
                self.rest = rest;
                return Some(entries);
            } else {
                let (key, value) = match close {
                    '}' => self.pair(&mut entries).map(|(key, value)| (Some(key), value))?,
                    _ => (None, self.value()?),
                };
                entries.push(Entry::Item { key, value, comment: None });
                is_on_the_line = true;
            }
        }
    }

    /// A string with its quotes.
    fn string(&mut self) -> Option<&'a str> {
        let quote = self.rest.get(..1)?;
        let triple = quote.repeat(3);
        // As a key `""` is followed by no third quote.
        let fence = if self.rest.starts_with(&triple) { &triple } else { quote };
        let mut at = fence.len();
        while !self.rest.get(at..)?.starts_with(fence) {
            let is_escape = quote == "\"" && self.rest[at..].starts_with('\\');
            at += usize::from(is_escape);
            at += self.rest.get(at..)?.chars().next()?.len_utf8();
        }
        at += fence.len();
        // Up to two quotes may stand before the closing three.
        let is_quote = |c: &char| fence.len() == 3 && quote.contains(*c);
        let more = self.rest[at..].chars().take(2).take_while(is_quote).count();
        Some(self.take(at + more))
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn newline(&mut self) -> bool {
        let rest = self.rest.strip_prefix('\n').or_else(|| self.rest.strip_prefix("\r\n"));
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn comment(&mut self) -> Option<String> {
        if !self.rest.starts_with('#') {
            return None;
        }
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        Some(self.take(end).trim_end().to_string())
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes.min(self.rest.len()));
        self.rest = rest;
        taken
    }
}

/// A string in double quotes, if it says the same in them.
fn requoted(string: &str) -> String {
    let inner = string.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let is_plain = |c: char| c != '"' && c != '\\' && c != '\'' && (c == '\t' || !c.is_control());
    match inner {
        Some(inner) if inner.chars().all(is_plain) => format!("\"{inner}\""),
        _ => string.to_string(),
    }
}

/// What a string or a part of a key says.
pub fn unquoted(written: &str) -> String {
    match toml::de::DeValue::parse(written) {
        Ok(value) if written.starts_with(['"', '\'']) => value.get_ref().as_str().unwrap_or_default().to_string(),
        _ => written.to_string(),
    }
}
