//! What is wrong with an input, said so that it can be put right: where, what was expected, and a way out.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde_json::json;
use std::collections::BTreeMap;
use std::ops::Range;

/// Codes of problems. They may only grow: people look them up.
pub mod code {
    /// The text is not TOML.
    pub const SYNTAX: &str = "E0100";
    /// A key that nothing reads.
    pub const UNKNOWN_KEY: &str = "E0101";
    /// A key that must be there is not.
    pub const MISSING_KEY: &str = "E0102";
    /// A value of the wrong type, or outside what is allowed.
    pub const BAD_VALUE: &str = "E0103";
    /// A version of the language, or a profile, that this program does not know.
    pub const VERSION: &str = "E0104";
    /// Two things of one name.
    pub const TWICE: &str = "E0105";
    /// Keys that exclude each other, or that only make sense together.
    pub const CONFLICT: &str = "E0106";
    /// No fault has this name.
    pub const UNKNOWN_FAULT: &str = "E0201";
    /// No event has this id.
    pub const UNKNOWN_EVENT: &str = "E0202";
    /// No node of the cluster can ever match this target.
    pub const NO_TARGET: &str = "E0203";
    /// No manifest has this workload.
    pub const UNKNOWN_WORKLOAD: &str = "E0204";
    /// No program has this setting.
    pub const UNKNOWN_SETTING: &str = "E0205";
    /// No modelled delay has this name.
    pub const UNKNOWN_DELAY: &str = "E0206";
    /// No measure or rule has this name.
    pub const UNKNOWN_MEASURE: &str = "E0207";
    /// Files that include each other, or too many of them.
    pub const INCLUDE: &str = "E0304";
    /// A file that cannot be read.
    pub const UNREADABLE: &str = "E0301";
    /// A manifest that cannot be used.
    pub const MANIFEST: &str = "E0302";
    /// A recording of a real cluster that cannot be used.
    pub const RECORDING: &str = "E0303";
    /// An event that finds nothing to do with the seed of the file.
    pub const CHANCE: &str = "W0201";
    /// A field of a manifest that is kept but does nothing yet.
    pub const NOT_SIMULATED: &str = "W0301";
    /// An object of a kind that is kept but does nothing, or that lost its owner.
    pub const KEPT: &str = "W0302";
    /// A workload whose pods will not be created, as its kind is not simulated.
    pub const NO_PODS: &str = "W0303";
    /// Nothing in the scenario has pods.
    pub const NOTHING_RUNS: &str = "W0304";
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The scenario cannot be run.
    Error,
    /// It can, but not all of it means something.
    Warning,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as the user named it.
    pub file: String,
    /// From which byte to which.
    pub bytes: Range<usize>,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// One of [`code`].
    pub code: &'static str,
    /// What is wrong, in one line.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// What to say at the place, often what was expected.
    pub label: String,
    /// Ways out.
    pub help: Vec<String>,
    /// What else is good to know.
    pub notes: Vec<String>,
}

impl Problem {
    /// Says `label` at the place.
    pub fn label(&mut self, label: impl Into<String>) -> &mut Problem {
        self.label = label.into();
        self
    }

    /// Adds a way out.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Problem {
        self.help.push(help.into());
        self
    }

    /// Adds the way out "did you mean", if there is a guess.
    pub fn guess(&mut self, guess: Option<&str>) -> &mut Problem {
        if let Some(guess) = guess {
            self.help(format!("did you mean `{guess}`?"));
        }
        self
    }

    /// Adds something that is good to know.
    pub fn note(&mut self, note: impl Into<String>) -> &mut Problem {
        self.notes.push(note.into());
        self
    }
}

/// All problems of one scenario, with the texts that they point into.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    /// The problems, in the order in which they were found.
    pub list: Vec<Problem>,
    texts: Vec<(String, String)>,
}

impl Problems {
    /// Keeps the text of a file, to quote from it.
    pub fn keep_text(&mut self, file: &str, text: &str) {
        self.texts.push((file.to_string(), text.to_string()));
    }

    /// Adds an error.
    pub fn error(&mut self, code: &'static str, place: Option<Place>, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Error, code, place, message.into())
    }

    /// Adds a warning.
    pub fn warning(&mut self, code: &'static str, place: Option<Place>, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Warning, code, place, message.into())
    }

    fn add(&mut self, severity: Severity, code: &'static str, place: Option<Place>, message: String) -> &mut Problem {
        let (label, help, notes) = (String::new(), Vec::new(), Vec::new());
        self.list.push(Problem { severity, code, message, place, label, help, notes });
        self.list.last_mut().expect("one was pushed")
    }

    /// Whether the scenario cannot be run.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Takes the other's problems and texts over.
    pub fn append(&mut self, other: Problems) {
        self.list.extend(other.list);
        self.texts.extend(other.texts);
    }

    /// Sorts by file, in the order in which they were kept, and place.
    pub fn sort(&mut self) {
        let rank = |file: &str| self.texts.iter().position(|(name, _)| name == file).unwrap_or(usize::MAX);
        self.list.sort_by_key(|problem| {
            problem.place.as_ref().map_or((usize::MAX, 0), |place| (rank(&place.file), place.bytes.start))
        });
    }

    /// The problems as text, with the lines that they are about.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut rendered = String::new();
        let mut counts = Counts::of(&self.list);
        for problem in &self.list {
            let more = match counts.next(problem) {
                Turn::Told => 0,
                Turn::Last(more) => more,
                Turn::Untold => continue,
            };
            let level = match problem.severity {
                Severity::Error => Level::ERROR,
                Severity::Warning => Level::WARNING,
            };
            let title = level.clone().primary_title(problem.message.as_str()).id(problem.code);
            let place = problem.place.as_ref().and_then(|place| Some((self.text(&place.file)?, place)));
            let mut group = match place {
                Some((text, place)) => {
                    let label = (!problem.label.is_empty()).then_some(problem.label.as_str());
                    let mark = AnnotationKind::Primary.span(visible(text, &place.bytes)).label(label);
                    title.element(Snippet::source(text).path(place.file.as_str()).annotation(mark))
                }
                None => annotate_snippets::Group::with_title(title),
            };
            for help in &problem.help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            for note in &problem.notes {
                group = group.element(Level::NOTE.message(note.as_str()));
            }
            rendered.push_str(&renderer.render(&[group]));
            rendered.push_str("\n\n");
            if more > 0 {
                let message = format!("and {} more like this", crate::kernel::text::grouped(more as u64));
                let group =
                    annotate_snippets::Group::with_title(level.primary_title(message.as_str()).id(problem.code));
                rendered.push_str(&renderer.render(&[group]));
                rendered.push_str("\n\n");
            }
        }
        rendered
    }

    /// The problems as data, for editors.
    pub fn to_json(&self) -> serde_json::Value {
        let mut counts = Counts::of(&self.list);
        let mut more = serde_json::Map::new();
        let told = self.list.iter().filter(|problem| match counts.next(problem) {
            Turn::Told => true,
            Turn::Untold => false,
            Turn::Last(left) => {
                if left > 0 {
                    more.insert(problem.code.to_string(), json!(left));
                }
                true
            }
        });
        let told: Vec<&Problem> = told.collect();
        let problems = told.into_iter().map(|problem| {
            let place = problem.place.as_ref();
            let position = place.and_then(|place| Some(position(self.text(&place.file)?, place.bytes.start)));
            json!({
                "code": problem.code,
                "severity": match problem.severity { Severity::Error => "error", Severity::Warning => "warning" },
                "message": problem.message,
                "label": problem.label,
                "file": place.map(|place| &place.file),
                "bytes": place.map(|place| [place.bytes.start, place.bytes.end]),
                "line": position.map(|(line, _)| line),
                "column": position.map(|(_, column)| column),
                "help": problem.help,
                "notes": problem.notes,
            })
        });
        let problems: Vec<_> = problems.collect();
        let mut document = json!({ "schema": "evenkeel.problems/v1", "problems": problems });
        if !more.is_empty() {
            document["more"] = more.into();
        }
        document
    }

    fn text(&self, file: &str) -> Option<&str> {
        self.texts.iter().find(|(name, _)| name == file).map(|(_, text)| text.as_str())
    }
}

/// Most problems of one code that are told: whoever has so many looks at the first of them.
const TOLD_MAX: usize = 20;

/// How many problems there are of each code, and how many of them have had their turn.
struct Counts(BTreeMap<&'static str, (usize, usize)>);

/// What becomes of a problem.
enum Turn {
    /// It is told.
    Told,
    /// It is the last of its code that is told; so many are left.
    Last(usize),
    /// It is one too many.
    Untold,
}

impl Counts {
    fn of(list: &[Problem]) -> Counts {
        let mut counts = BTreeMap::new();
        list.iter().for_each(|problem| counts.entry(problem.code).or_insert((0, 0)).0 += 1);
        Counts(counts)
    }

    fn next(&mut self, problem: &Problem) -> Turn {
        let Some((all, told)) = self.0.get_mut(problem.code) else { return Turn::Told };
        *told += 1;
        match *told {
            TOLD_MAX => Turn::Last(*all - TOLD_MAX),
            turn if turn < TOLD_MAX => Turn::Told,
            _ => Turn::Untold,
        }
    }
}

/// The text that a file holds.
///
/// # Errors
/// Which byte is no text, in a few words.
pub fn utf8(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let bytes = error.into_bytes();
        let (line, column) = position(&String::from_utf8_lossy(&bytes[..good]), good);
        match bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            true => "it is UTF-16 and not UTF-8 text".to_string(),
            false => format!("it is not UTF-8 text (line {line}, column {column} is byte 0x{:02X})", bytes[good]),
        }
    })
}

/// Line and column of a byte, both from 1; columns count characters.
pub fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..floor_boundary(text, byte)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The bytes of a line (from 1) without its indentation and its end.
pub fn line_bytes(text: &str, line: usize) -> Range<usize> {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let content = text[start..].lines().next().unwrap_or("");
    let indent = content.len() - content.trim_start().len();
    start + indent..start + content.trim_end().len().max(indent)
}

/// What is to be underlined: at least one character, at most to the end of the line on which it begins.
fn visible(text: &str, bytes: &Range<usize>) -> Range<usize> {
    let start = floor_boundary(text, bytes.start);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let end = floor_boundary(text, bytes.end).min(line_end).max(start);
    let trimmed = start + text[start..end].trim_end().len();
    start..trimmed.max(start)
}

fn floor_boundary(text: &str, byte: usize) -> usize {
    let byte = byte.min(text.len());
    (0..=byte).rev().find(|&byte| text.is_char_boundary(byte)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_place_and_a_way_out() {
        let text = "a = 1\nzoné = \"c\"\n";
        let mut problems = Problems::default();
        problems.keep_text("x.toml", text);
        let place = Place { file: "x.toml".into(), bytes: 14..17 };
        problems
            .error(code::NO_TARGET, Some(place), "no node matches this target")
            .label("zones in this cluster: `a`")
            .guess(Some("a"))
            .note("zones come from pools");
        insta::assert_snapshot!(problems.render(false), @r#"
        error[E0203]: no node matches this target
         --> x.toml:2:8
          |
        2 | zoné = "c"
          |        ^^^ zones in this cluster: `a`
          |
          = help: did you mean `a`?
          = note: zones come from pools
        "#);
        let json = problems.to_json();
        assert_eq!((&json["problems"][0]["line"], &json["problems"][0]["column"]), (&json!(2), &json!(8)));
    }

    #[test]
    fn of_many_alike_the_first_are_told_and_the_others_counted() {
        let mut problems = Problems::default();
        problems.keep_text("x.toml", "a = 1\n");
        for number in 0..1_500 {
            problems.error(code::NO_TARGET, None, format!("no node {number}"));
        }
        problems.error(code::TWICE, None, "there is another");
        let text = problems.render(false);
        assert_eq!(text.matches("E0203").count(), 21);
        assert!(text.contains("no node 19\n\nerror[E0203]: and 1,480 more like this\n"), "{text}");
        assert!(text.contains("E0105") && !text.contains("no node 20"), "{text}");
        let json = problems.to_json();
        assert_eq!(json["problems"].as_array().map(Vec::len), Some(21));
        assert_eq!(json["more"], json!({ "E0203": 1_480 }));
    }

    #[test]
    fn lines_are_found_without_their_indentation() {
        let text = "a:\n  b: 1  \n\nc: 2";
        assert_eq!(&text[line_bytes(text, 2)], "b: 1");
        assert_eq!(&text[line_bytes(text, 4)], "c: 2");
        assert_eq!(line_bytes(text, 3).len(), 0);
        assert_eq!(line_bytes(text, 99).len(), 0, "past the end");
    }
}
