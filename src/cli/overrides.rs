//! What the command line says instead of the scenario, as edits of its text: so that it is checked, hashed and kept like
//! everything else in it.

use super::arguments::{RunArguments, StopWhen};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Keys of `[run]` and the values, as TOML, that the command line gives them.
pub type Overrides = Vec<(&'static str, String)>;

/// What these arguments say instead of the scenario.
pub fn of(arguments: &RunArguments) -> Overrides {
    let until = arguments.until.map(|until| ("until", format!("\"{until}\"")));
    let stop = arguments.stop.map(|stop| match stop {
        StopWhen::Converged => ("stop", "\"converged\"".to_string()),
        StopWhen::Time => ("stop", "\"time\"".to_string()),
    });
    until.into_iter().chain(stop).collect()
}

/// The text with all of them; as it was if it is not TOML, which others will say.
pub fn apply(text: &str, overrides: &Overrides) -> String {
    overrides.iter().fold(text.to_string(), |text, (key, value)| with(&text, key, value))
}

fn with(text: &str, key: &str, value: &str) -> String {
    let Ok(table) = DeTable::parse(text) else { return text.to_string() };
    let note = "  # from the command line";
    let run = table.get_ref().get("run");
    let written = run.and_then(|run| match run.get_ref() {
        DeValue::Table(run) => run.get(key),
        _ => None,
    });
    let mut text = text.to_string();
    if let Some(written) = written {
        let Range { start, end } = written.span();
        let line_end = text[end..].find('\n').map_or(text.len(), |newline| end + newline);
        text.insert_str(line_end, &format!("{note}; the file says {}", &text[start..end]));
        text.replace_range(start..end, value);
    } else if let Some(header) = header(&text) {
        text.insert_str(header, &format!("\n{key} = {value}{note}"));
    } else if let Some(run) = run.map(toml::Spanned::span).filter(|span| text[span.clone()].starts_with('{')) {
        let is_empty = text[run.clone()].trim_matches(['{', '}']).trim().is_empty();
        text.insert_str(run.start + 1, &format!(" {key} = {value}{}", if is_empty { " " } else { "," }));
    } else if run.is_some() {
        text.insert_str(0, &format!("run.{key} = {value}{note}\n"));
    } else {
        let gap = if text.ends_with('\n') { "\n" } else { "\n\n" };
        text.push_str(&format!("{gap}[run]\n{key} = {value}{note}\n"));
    }
    text
}

/// Where the line ends that says `[run]`.
fn header(text: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if content.split('#').next().unwrap_or("").trim() == "[run]" {
            return Some(start + content.len());
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_overridden_wherever_it_is_or_is_not_written() {
        for (text, edited) in [
            (
                "[run]\nuntil = \"15m\"  # long\nseed = 1\n",
                "[run]\nuntil = \"5m\"  # long  # from the command line; the file says \"15m\"\nseed = 1\n",
            ),
            (
                "title = \"x\"\n[run] # a\nseed = 1",
                "title = \"x\"\n[run] # a\nuntil = \"5m\"  # from the command line\nseed = 1",
            ),
            ("title = \"x\"\n", "title = \"x\"\n\n[run]\nuntil = \"5m\"  # from the command line\n"),
            ("run = { seed = 1 }\n", "run = { until = \"5m\", seed = 1 }\n"),
            ("run = {}\n", "run = { until = \"5m\" }\n"),
            ("run.seed = 1\n", "run.until = \"5m\"  # from the command line\nrun.seed = 1\n"),
            ("no toml", "no toml"),
        ] {
            let found = apply(text, &vec![("until", "\"5m\"".to_string())]);
            assert_eq!(found, edited);
            assert!(text == "no toml" || found.parse::<toml::Table>().is_ok(), "{found}");
        }
    }
}
