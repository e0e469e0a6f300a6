//! `evenkeel verify`: runs what a run folder holds again, and compares every file in it with what the run writes now.

use super::arguments::{Output, VerifyArguments};
use super::files::{self, RECEIPT};
use super::past::{self, Kept, Refusal, Run};
use super::{exit, interrupt, terminal};
use crate::report::screen::plain;
use crate::report::words::{counted, grouped};
use crate::report::{InputFile, Report};
use serde::Serialize;
use std::fs;
use std::path::Path;

/// The version of the document. Fields are added, never changed.
const SCHEMA: &str = "evenkeel.verify/v1";

/// Characters of a line that are shown, around the first that differs.
const SHOWN: usize = 72;
/// How many of them stand before it.
const BEFORE: usize = 24;

/// All that was found.
#[derive(Serialize)]
struct Document {
    schema: &'static str,
    runs: Vec<Verified>,
}

/// What was found of one run.
#[derive(Default, Serialize)]
struct Verified {
    /// The folder.
    run: String,
    verdict: &'static str,
    /// The digest of the receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// How many files were compared.
    files: usize,
    differences: Vec<Difference>,
    /// Files that a run does not write.
    extra: Vec<String>,
    /// Why it could not be compared as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip)]
    code: u8,
}

/// A file that is not as the run wrote it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Difference {
    file: String,
    /// The first line that differs, from 1, in a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// The first byte that differs, from 0, in another file.
    #[serde(skip_serializing_if = "Option::is_none")]
    byte: Option<usize>,
    /// What is there.
    found: String,
    expected: String,
}

/// Verifies each run; the worst outcome gives the exit code.
pub fn verify(arguments: &VerifyArguments) -> u8 {
    let (mut runs, mut worst) = (Vec::new(), exit::MET);
    for named in &arguments.runs {
        let all = match past::all(named) {
            Ok(all) => all,
            Err(refusal) => {
                worst = worst.max(refusal.tell(arguments.shown));
                continue;
            }
        };
        for run in all {
            let verified = match one(&run) {
                Ok(verified) => verified,
                Err(refusal) => {
                    worst = worst.max(refusal.tell(arguments.shown));
                    continue;
                }
            };
            if let Some(code) = interrupt::exit_code() {
                return code;
            }
            worst = worst.max(verified.code);
            runs.push(verified);
        }
    }
    let printed = match arguments.output {
        Output::Json => {
            let document = Document { schema: SCHEMA, runs };
            let text = serde_json::to_string_pretty(&document).expect("plain data without maps");
            terminal::out(&format!("{text}\n"))
        }
        Output::Table => {
            let text: String = runs.iter().map(Verified::to_text).collect();
            terminal::out(&terminal::style(arguments.shown, None).finish(text))
        }
    };
    worst.max(printed)
}

/// # Errors
/// It cannot be compared, and that is no difference.
fn one(run: &Path) -> Result<Verified, Refusal> {
    let mut verified = Verified { verdict: "pass", ..Verified::default() };
    let kept = match past::find(run)? {
        Run::Folder(kept) => kept,
        Run::Scenario(_) => {
            return Err(Refusal::unusable(format!(
                "`{}` is a scenario and no run folder: there is nothing to compare with",
                run.display()
            )));
        }
        Run::Damaged { folder, why } => {
            verified.run = folder.display().to_string();
            let expected = "what a run writes".to_string();
            verified.differences.push(Difference {
                file: RECEIPT.to_string(),
                line: None,
                byte: None,
                found: why,
                expected,
            });
            return Ok(verified.judged(Some("without its receipt nothing can be compared")));
        }
    };
    verified.run = kept.folder.display().to_string();
    verified.digest = Some(kept.told.receipt.digest.clone());
    let is_sealed = Report::is_sealed(&kept.text);
    if is_sealed {
        kept.is_of_this_version()?;
        verified.differences = changed_inputs(&kept);
    } else if let Err(refusal) = kept.is_of_this_version() {
        let (found, expected) = (kept.told.receipt.version.clone(), env!("CARGO_PKG_VERSION").to_string());
        let Some(line) = kept.text.lines().position(|line| line.contains("\"version\"")) else { return Err(refusal) };
        verified.differences.push(Difference {
            file: RECEIPT.to_string(),
            line: Some(line + 1),
            byte: None,
            found,
            expected,
        });
    }
    if !verified.differences.is_empty() {
        return Ok(verified.judged(Some("the other files were not compared: what they come from was changed")));
    }

    let past = past::replay(*kept, None)?;
    let kept = past.kept.as_ref().expect("it comes from a folder");
    let contents = files::contents(&past.loaded, None, &past.finished, files::plots_in(&kept.folder));
    let contents = contents.map_err(|error| Refusal::unusable(format!("{error:#}")))?;
    verified.files = contents.len();
    verified.extra = extra(&kept.folder, &contents);
    for (name, expected) in &contents {
        match fs::read(kept.folder.join(name)) {
            Ok(found) => verified.differences.extend(difference(name, &found, expected)),
            Err(error) => verified.differences.push(Difference::missing(name, &super::input::reason(&error))),
        }
    }
    // What only the run itself says is sealed: if it says something else now, nobody has changed it.
    if is_sealed
        && (kept.told.receipt.digest != past.digest() || verified.differences.iter().any(|d| d.file == RECEIPT))
    {
        terminal::err(&format!("error: {}\n", past.is_our_fault(kept)));
        verified.verdict = "broken";
        verified.code = exit::BROKEN;
        return Ok(verified);
    }
    Ok(verified.judged(None))
}

/// The files from which the run would be replayed that are not those of the run.
fn changed_inputs(kept: &Kept) -> Vec<Difference> {
    let difference = |input: &InputFile| {
        let found = match fs::read(kept.folder.join(&input.name)) {
            Ok(bytes) => InputFile::hash_of(&bytes),
            Err(error) => return Some(Difference::missing(&input.name, &super::input::reason(&error))),
        };
        (found != input.hash).then(|| Difference {
            file: input.name.clone(),
            line: None,
            byte: None,
            found: format!("a text with the hash {found}"),
            expected: format!("one with the hash {}, as {RECEIPT} says", input.hash),
        })
    };
    kept.told.inputs.iter().filter_map(difference).collect()
}

/// What lies in the folder that a run does not write, in order of names.
fn extra(folder: &Path, contents: &[files::Content]) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut extra: Vec<String> = names.filter(|name| contents.iter().all(|(known, _)| known != name)).collect();
    extra.sort();
    extra
}

/// Where a file first differs from what the run writes.
fn difference(name: &str, found: &[u8], expected: &[u8]) -> Option<Difference> {
    let byte = found.iter().zip(expected).position(|(found, expected)| found != expected);
    let byte = byte.or_else(|| (found.len() != expected.len()).then(|| found.len().min(expected.len())))?;
    let file = name.to_string();
    if let (Ok(text), Ok(_)) = (std::str::from_utf8(expected), std::str::from_utf8(&found[..byte])) {
        let start = text.as_bytes()[..byte].iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let line = expected[..start].iter().filter(|&&byte| byte == b'\n').count() + 1;
        let shown = |bytes: &[u8]| excerpt(&bytes[start..], byte - start);
        return Some(Difference { file, line: Some(line), byte: None, found: shown(found), expected: shown(expected) });
    }
    let shown =
        |bytes: &[u8]| bytes.get(byte).map_or_else(|| "the end of the file".to_string(), |b| format!("0x{b:02X}"));
    Some(Difference { file, line: None, byte: Some(byte), found: shown(found), expected: shown(expected) })
}

/// The line that these bytes begin with, around the byte at which it differs.
fn excerpt(bytes: &[u8], differs: usize) -> String {
    if bytes.is_empty() {
        return "the end of the file".to_string();
    }
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let text = String::from_utf8_lossy(line);
    let before = String::from_utf8_lossy(&line[..differs.min(line.len())]).chars().count();
    let skipped = if text.chars().count() > SHOWN { before.saturating_sub(BEFORE) } else { 0 };
    let shown: String = text.chars().skip(skipped).take(SHOWN).collect();
    let is_cut = text.chars().count() > skipped + SHOWN;
    let (head, tail) = (if skipped > 0 { "…" } else { "" }, if is_cut { "…" } else { "" });
    match bytes.len() == line.len() {
        // Two lines may differ in nothing but their end.
        true => format!("`{head}{}{tail}`, without an end of line", plain(&shown)),
        false => format!("`{head}{}{tail}`", plain(&shown)),
    }
}

impl Difference {
    fn missing(file: &str, why: &str) -> Difference {
        let (found, expected) = (why.to_string(), "the file that the run wrote".to_string());
        Difference { file: file.to_string(), line: None, byte: None, found, expected }
    }

    fn to_text(&self) -> String {
        let Difference { file, line, byte, found, expected } = self;
        let place = match (line, byte) {
            (Some(line), _) => format!("{file}:{line}"),
            (_, Some(byte)) => format!("{file}, byte {}", grouped(*byte as u64)),
            _ => file.clone(),
        };
        format!("  {place}\n    found    {found}\n    expected {expected}\n")
    }
}

impl Verified {
    fn judged(mut self, reason: Option<&str>) -> Verified {
        if !self.differences.is_empty() {
            (self.verdict, self.code) = ("fail", exit::NOT_MET);
        }
        self.reason = reason.map(String::from);
        self
    }

    fn to_text(&self) -> String {
        let digest = self.digest.as_deref().unwrap_or_default();
        let mut text = match (self.verdict, self.differences.len()) {
            ("pass", _) => {
                format!("{}: the same run again: {}, digest {digest}\n", self.run, counted(self.files, "file"))
            }
            (_, 0) => format!("{}: another run\n", self.run),
            (_, 1) => format!("{}: 1 file is not as the run wrote it\n", self.run),
            (_, several) => format!("{}: {several} files are not as the run wrote them\n", self.run),
        };
        text.extend(self.differences.iter().map(Difference::to_text));
        if let Some(reason) = &self.reason {
            text.push_str(&format!("  {reason}\n"));
        }
        if !self.extra.is_empty() {
            text.push_str(&format!("  not of the run, not compared: {}\n", self.extra.join(", ")));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_its_line_or_its_byte() {
        let text = |file: &str, line, found: &str, expected: &str| Difference {
            file: file.to_string(),
            line: Some(line),
            byte: None,
            found: found.to_string(),
            expected: expected.to_string(),
        };
        assert_eq!(difference("a.csv", b"a\nb\n", b"a\nb\n"), None);
        assert_eq!(difference("a.csv", b"a\nb\n", b"a\nc\n"), Some(text("a.csv", 2, "`b`", "`c`")));
        assert_eq!(difference("a.csv", b"a\n", b"a\nc\n"), Some(text("a.csv", 2, "the end of the file", "`c`")));
        assert_eq!(difference("a.csv", b"a", b"a\n"), Some(text("a.csv", 1, "`a`, without an end of line", "`a`")));
        assert_eq!(difference("a.csv", b"\xff\n", b"a\n"), Some(text("a.csv", 1, "`\u{fffd}`", "`a`")));
        let long = format!("{}x{}\n", "-".repeat(100), "=".repeat(100));
        let found = difference("a.csv", long.as_bytes(), long.replace('x', "y").as_bytes()).unwrap();
        assert_eq!(found.found, format!("`…{}x{}…`", "-".repeat(24), "=".repeat(47)));
        let picture = difference("a.png", b"\x89PNG\x01", b"\x89PNG\x02").unwrap();
        assert_eq!((picture.byte, picture.found.as_str(), picture.expected.as_str()), (Some(4), "0x01", "0x02"));
        assert!(difference("a.png", b"\x89PNG", b"\x89PNG\x02").unwrap().found.contains("the end of the file"));
    }
}
