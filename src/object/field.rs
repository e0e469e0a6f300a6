//! What a table of a scenario may hold: the grammar of its keys, as data.
//!
//! One description serves the reader, the messages, the lists, the JSON Schema and the page about the language, so that
//! they cannot differ. Rows of registries (faults, actions) describe their parameters with it too.

use std::collections::BTreeMap;

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Any text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number, at least this.
    Count(u64),
    /// A length of time, as `"90s"`.
    Span,
    /// A length of time or a distribution of such, as `{ dist = "exponential", mean = "5m" }`.
    Delay,
    /// A share from none to all, as `"5%"` or `0.05`.
    Share,
    /// How many times more, as `2.5`.
    Factor,
    /// A quantity, as `"500m"` or `"8Gi"`.
    Quantity,
    /// A date, as `2026-11-24T18:00:00Z`.
    Date,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Nodes, chosen by a selector: `{ zone = "b" }`.
    Target,
    /// A list of these.
    List(&'static Shape),
    /// A table with any names as keys and these as values.
    Map(&'static Shape),
    /// A table with these keys.
    Table(&'static [Field]),
    /// Any of these.
    Either(&'static [Shape]),
    /// Anything that TOML can say.
    Any,
}

/// One key of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// What its value may be.
    pub shape: Shape,
    /// Whether it must be there.
    pub is_required: bool,
    /// What holds if it is left out, as one would write it; none if nothing does.
    pub default: Option<&'static str>,
    /// What it means, in a sentence or two.
    pub what: &'static str,
}

impl Field {
    /// A key that may be left out.
    pub const fn optional(name: &'static str, shape: Shape, what: &'static str) -> Field {
        Field { name, shape, is_required: false, default: None, what }
    }

    /// A key that must be there.
    pub const fn required(name: &'static str, shape: Shape, what: &'static str) -> Field {
        Field { name, shape, is_required: true, default: None, what }
    }

    /// A key that has this value if it is left out.
    pub const fn with_default(self, default: &'static str) -> Field {
        Field { default: Some(default), ..self }
    }
}

/// The value of a parameter, of which the shape has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text, a number, a flag, a length of time: as written, without quotes.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A table, in the order in which it was written.
    Table(Vec<(String, Value)>),
}

impl Value {
    /// The text, unless it is something else.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::List(_) | Value::Table(_) => None,
        }
    }
}

/// Parameters of a fault or an action as written in a scenario, without the keys that every event has.
pub type Parameters = BTreeMap<&'static str, Value>;

/// What is wrong with a parameter whose shape is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Its key; empty if it is about the whole.
    pub key: &'static str,
    /// What is wrong, in a sentence.
    pub why: String,
    /// A way out; empty if there is none to tell.
    pub help: String,
}
