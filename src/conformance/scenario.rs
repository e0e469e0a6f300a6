//! A scenario file of a recording, as it stands: nodes, manifests and timed actions.
//!
//! It is read with its lines, so that every complaint can point at one. What it means for the simulated cluster is
//! `replay`'s business. A key that nobody knows does not make a file unusable: the scenario then needs something that
//! is not simulated.

use crate::manifest::yaml::{self, Text};
use crate::scenario::problem::{Place, Problem, Problems, code, line_bytes};
use serde_json::Value;

/// A scenario of a recording.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name, under which its milestones stand.
    pub name: String,
    /// Family; scenarios of one are reported together.
    pub family: String,
    /// Whether others ran beside it in one control plane.
    pub is_shared: bool,
    /// Groups of nodes.
    pub nodes: Vec<Item>,
    /// Manifests.
    pub manifests: Vec<Item>,
    /// Actions, in the order of their times.
    pub actions: Vec<Action>,
    /// How long it was recorded (s).
    pub duration: f64,
    /// What it needs that is not simulated, as sentences.
    pub needs: Vec<String>,
    /// The file.
    pub source: Source,
}

/// A part of the file, and where it stands in it.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its path, as `actions[2]`.
    pub path: String,
    /// What it says.
    pub value: Value,
}

/// Something that is done at a time.
#[derive(Clone, Debug)]
pub struct Action {
    /// When (s).
    pub at: f64,
    /// What, as `set-image`.
    pub verb: String,
    /// All of it.
    pub item: Item,
}

/// A file with its lines.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path, as the user gave it.
    pub file: String,
    text: String,
    lines: Text,
}

impl Source {
    /// Where the field at `path` stands.
    pub fn place(&self, path: &str) -> Place {
        let line = self.lines.line_of(path) as usize;
        Place { file: self.file.clone(), bytes: line_bytes(&self.text, line) }
    }

    /// The file's values with their lines.
    pub const fn lines(&self) -> &Text {
        &self.lines
    }

    /// Lets `problems` quote from the file.
    pub fn keep(&self, problems: &mut Problems) {
        problems.keep_text(&self.file, &self.text);
    }

    /// Complains about the field at `path`.
    pub fn complain<'a>(
        &self,
        problems: &'a mut Problems,
        code: &'static str,
        path: &str,
        message: String,
    ) -> &'a mut Problem {
        problems.error(code, Some(self.place(path)), message)
    }
}

/// Keys of a scenario that we know. `watch` and `leases` say what the recorder wrote down, `split` and `description` are
/// for people.
const KEYS: [&str; 11] =
    ["name", "family", "split", "description", "cp", "nodes", "manifests", "actions", "duration", "watch", "leases"];

/// Keys that ask for something which is not simulated, with what that is.
const NEEDS: [(&str, &str); 2] =
    [("before", "actions before the manifests (`before`)"), ("metrics", "a metrics server (`metrics`)")];

/// Reads a scenario file.
pub fn parse(file: &str, text: &str, problems: &mut Problems) -> Option<Scenario> {
    problems.keep_text(file, text);
    let before = problems.list.len();
    // The strict reader for the syntax, the YAML reader for the lines.
    if let Err(error) = serde_json::from_str::<Value>(text) {
        let place = Place { file: file.to_string(), bytes: line_bytes(text, error.line()) };
        problems.error(code::RECORDING, Some(place), format!("this is not JSON: {error}")).label("here");
        return None;
    }
    let lines = match yaml::read(text).pop() {
        Some(Ok(lines)) if lines.value.is_object() => lines,
        _ => {
            let found = problems.error(code::RECORDING, None, format!("`{file}` holds no scenario"));
            found.help("expected an object with `name`, `nodes`, `manifests`, `actions` and `duration`");
            return None;
        }
    };
    let root = lines.value.clone();
    let source = Source { file: file.to_string(), text: text.to_string(), lines };
    let mut fields = Fields { source: &source, value: &root, path: String::new(), problems };
    let name = fields.text("name");
    let family = fields.optional_text("family");
    let duration = fields.number("duration");
    let nodes = fields.list("nodes");
    let manifests = fields.list("manifests");
    let listed = fields.list("actions");
    let is_shared = match fields.optional_text("cp").as_deref() {
        None | Some("own") => false,
        Some("shared") => true,
        Some(other) => {
            let message = format!("`cp` is `{other}`: expected `own` or `shared`");
            source.complain(problems, code::BAD_VALUE, "cp", message);
            false
        }
    };
    let mut actions = Vec::new();
    for item in listed.unwrap_or_default() {
        let mut fields = Fields { source: &source, value: &item.value, path: item.path.clone(), problems };
        if let (Some(at), Some(verb)) = (fields.number("at"), fields.text("do")) {
            actions.push(Action { at, verb, item });
        }
    }
    actions.sort_by(|a, b| a.at.total_cmp(&b.at));
    let keys = || root.as_object().into_iter().flat_map(|map| map.keys());
    let mut needs: Vec<String> =
        NEEDS.iter().filter(|(key, _)| is_asked(&root[*key])).map(|(_, what)| not_simulated(what)).collect();
    let unknown = keys().filter(|key| !KEYS.contains(&key.as_str()) && NEEDS.iter().all(|(known, _)| known != key));
    needs.extend(unknown.map(|key| format!("needs `{key}`, which is unknown here")));
    if problems.list.len() > before {
        return None;
    }
    let name = name?;
    Some(Scenario {
        family: family.unwrap_or_else(|| name.chars().take_while(char::is_ascii_alphabetic).collect()),
        name,
        is_shared,
        nodes: nodes?,
        manifests: manifests?,
        actions,
        duration: duration?,
        needs,
        source,
    })
}

/// Why a scenario that needs `what` cannot be simulated.
pub fn not_simulated(what: &str) -> String {
    format!("needs {what}, which is not simulated yet")
}

/// Whether a key says anything but no.
fn is_asked(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && value.as_array().is_none_or(|list| !list.is_empty())
}

/// Reads the fields of one object, and complains of what is wrong with them.
pub struct Fields<'a> {
    /// The file.
    pub source: &'a Source,
    /// The object.
    pub value: &'a Value,
    /// Its path in the file; empty for the whole.
    pub path: String,
    /// Where complaints go.
    pub problems: &'a mut Problems,
}

impl Fields<'_> {
    fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }

    /// Says that the value of `key` is not what it should be.
    pub fn refuse(&mut self, key: &str, expected: &str) {
        let value = &self.value[key];
        let path = self.at(key);
        let (code, message) = match value {
            Value::Null => (code::MISSING_KEY, format!("`{key}` is missing: expected {expected}")),
            value => (code::BAD_VALUE, format!("`{key}` is {value}: expected {expected}")),
        };
        self.source.complain(self.problems, code, &path, message);
    }

    /// A text that must be there.
    pub fn text(&mut self, key: &str) -> Option<String> {
        let text = self.value[key].as_str().map(str::to_string);
        if text.is_none() {
            self.refuse(key, "a text");
        }
        text
    }

    /// A text that need not be there.
    pub fn optional_text(&mut self, key: &str) -> Option<String> {
        if self.value[key].is_null() { None } else { self.text(key) }
    }

    /// A number, not negative, that must be there.
    pub fn number(&mut self, key: &str) -> Option<f64> {
        // Longer than any recording, and short enough to count in microseconds.
        let number = self.value[key].as_f64().filter(|number| (0.0..1e9).contains(number));
        if number.is_none() {
            self.refuse(key, "a number, not negative");
        }
        number
    }

    /// A whole number, not negative, that must be there.
    pub fn whole(&mut self, key: &str) -> Option<i64> {
        let number = self.value[key].as_i64().filter(|number| (0..1_000_000).contains(number));
        if number.is_none() {
            self.refuse(key, "a whole number, not negative");
        }
        number
    }

    /// A whole number that need not be there.
    pub fn optional_whole(&mut self, key: &str) -> Option<i64> {
        if self.value[key].is_null() { None } else { self.whole(key) }
    }

    /// A list that must be there.
    pub fn list(&mut self, key: &str) -> Option<Vec<Item>> {
        let Some(list) = self.value[key].as_array() else {
            self.refuse(key, "a list");
            return None;
        };
        let path = self.at(key);
        let item = |(index, value): (usize, &Value)| Item { path: format!("{path}[{index}]"), value: value.clone() };
        Some(list.iter().enumerate().map(item).collect())
    }

    /// A list of texts that need not be there.
    pub fn texts(&mut self, key: &str) -> Vec<String> {
        if self.value[key].is_null() {
            return Vec::new();
        }
        let list = self.value[key].as_array().map(|list| list.iter().map(|text| text.as_str().map(str::to_string)));
        match list.and_then(|mut texts| texts.by_ref().collect::<Option<Vec<String>>>()) {
            Some(texts) => texts,
            None => {
                self.refuse(key, "a list of texts");
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Scenario, String> {
        let mut problems = Problems::default();
        parse("a.json", text, &mut problems).ok_or_else(|| problems.render(false))
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_its_line() {
        let text = "{\n \"name\": \"a1\",\n \"nodes\": 4,\n \"manifests\": [],\n \"actions\": [\n  {\"at\": -1, \"do\": \"crash\"},\n  {\"at\": 2}\n ],\n \"cp\": \"none\"\n}\n";
        let told = parsed(text).unwrap_err();
        for words in [
            "`duration` is missing: expected a number, not negative",
            "a.json:3:2",
            "`nodes` is 4: expected a list",
            "a.json:6:",
            "`at` is -1: expected a number, not negative",
            "a.json:7:",
            "`do` is missing: expected a text",
            "`cp` is `none`: expected `own` or `shared`",
        ] {
            assert!(told.contains(words), "{words} not in\n{told}");
        }
        let told = parsed("{\n \"name\": \"a1\",,\n}").unwrap_err();
        assert!(told.contains("this is not JSON") && told.contains("a.json:2"), "{told}");
        assert!(parsed("[]").unwrap_err().contains("holds no scenario"));
    }

    #[test]
    fn what_nobody_knows_is_a_need_and_no_problem() {
        let text = r#"{"name": "x7-new", "nodes": [], "manifests": [], "actions": [], "duration": 5, "metrics": true,
            "leases": true, "before": [], "moon": "full"}"#;
        let scenario = parsed(text).unwrap();
        assert_eq!(scenario.family, "x");
        assert_eq!(
            scenario.needs,
            ["needs a metrics server (`metrics`), which is not simulated yet", "needs `moon`, which is unknown here",]
        );
    }
}
