//! JSON values as YAML text, for people to read.
//!
//! Whatever is written here reads back the same, by the rules of YAML 1.1: a text that would be a number or a boolean
//! without its quotes has them.

use super::scalar::resolve;
use serde_json::Value;
use std::fmt::Write;

/// A document, without the `---` before it.
pub fn yaml(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(value, 0, &mut text),
        Value::Array(items) if !items.is_empty() => block(value, 0, &mut text),
        _ => {
            scalar(value, &mut text);
            text.push('\n');
        }
    }
    text
}

/// Lines of a list or an object that is not empty, the first of them without its indentation.
fn block(value: &Value, indent: usize, text: &mut String) {
    let mut is_first = true;
    let mut begin = |text: &mut String| {
        if !std::mem::replace(&mut is_first, false) {
            text.extend(std::iter::repeat_n(' ', indent));
        }
    };
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                begin(text);
                text.push_str(&string(key));
                text.push(':');
                after_key(value, indent, text);
            }
        }
        Value::Array(items) => {
            for item in items {
                begin(text);
                text.push_str("- ");
                if is_block(item) {
                    block(item, indent + 2, text);
                } else {
                    scalar(item, text);
                    text.push('\n');
                }
            }
        }
        _ => unreachable!("a scalar is no block"),
    }
}

fn after_key(value: &Value, indent: usize, text: &mut String) {
    if !is_block(value) {
        text.push(' ');
        scalar(value, text);
        text.push('\n');
        return;
    }
    // Lists stand in the column of their key, as kubectl writes them.
    let indent = if value.is_array() { indent } else { indent + 2 };
    text.push('\n');
    text.extend(std::iter::repeat_n(' ', indent));
    block(value, indent, text);
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn scalar(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Array(_) => text.push_str("[]"),
        Value::Object(_) => text.push_str("{}"),
        Value::String(content) => text.push_str(&string(content)),
        Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
    }
}

/// Whether a text is read as a text even without quotes: it is no number, date, boolean or null of YAML 1.1.
pub fn is_plain_text(text: &str) -> bool {
    let starts_as_date =
        text.len() > 4 && text.bytes().take(4).all(|c| c.is_ascii_digit()) && text.as_bytes()[4] == b'-';
    let is_date = starts_as_date && text.bytes().all(|c| c.is_ascii_digit() || b"-:.+TtZz ".contains(&c));
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_base_60 = unsigned.contains(':')
        && unsigned.starts_with(|c: char| c.is_ascii_digit())
        && unsigned.bytes().all(|c| c.is_ascii_digit() || b":._".contains(&c));
    !text.is_empty() && !is_date && !is_base_60 && resolve(text) == Value::String(text.to_string())
}

/// A text, in double quotes if it needs them.
pub fn string(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/' || c == '_')
        && text.ends_with(|c: char| c.is_ascii_alphanumeric() || "/_-)%+".contains(c))
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"/_.-:@+=()%,; ".contains(&c))
        && !text.contains(": ")
        && resolve(text) == Value::String(text.to_string());
    if is_plain {
        return text.to_string();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // What YAML counts as unprintable or as the end of a line.
            '\0'..' ' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::{Draws, Purpose};
    use serde_json::json;

    #[test]
    fn it_is_written_as_kubectl_does() {
        let value =
            json!({"a": {"b": [1, {"c": "x", "d": []}, ["z"]]}, "e": "yes", "f": "10", "g": "nginx:1.27", "h": {}});
        let expected = "a:\n  b:\n  - 1\n  - c: x\n    d: []\n  - - z\ne: \"yes\"\nf: \"10\"\ng: nginx:1.27\nh: {}\n";
        assert_eq!(yaml(&value), expected);
    }

    /// A value as the draws want it.
    fn value(draws: &Draws, counter: &mut u64, depth: u32) -> Value {
        let mut below = |limit: u64| {
            *counter += 1;
            draws.below(Purpose::Test, "yaml", *counter, limit)
        };
        const SIGNS: [&str; 24] = [
            "a", "Z", "0", "1e3", "yes", "~", ":", ": ", "#", " #", "-", "- ", "'", "\"", "\\", "\n", "\t", "{", "*",
            "&", "<<", "\u{85}", "é", "\u{feff}",
        ];
        let text = |below: &mut dyn FnMut(u64) -> u64| {
            (0..below(4)).map(|_| SIGNS[below(SIGNS.len() as u64) as usize]).collect::<String>()
        };
        match below(if depth > 3 { 4 } else { 6 }) {
            0 => json!(null),
            1 => json!(below(2) == 0),
            2 => json!(below(1_000) as i64 - 500),
            3 => Value::String(text(&mut below)),
            4 => {
                let length = below(4);
                (0..length).map(|_| value(draws, counter, depth + 1)).collect()
            }
            _ => {
                let keys: Vec<String> = (0..below(4)).map(|_| text(&mut below)).collect();
                Value::Object(keys.into_iter().map(|key| (key, value(draws, counter, depth + 1))).collect())
            }
        }
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let (draws, mut counter) = (Draws::new(7), 0);
        for _ in 0..3_000 {
            let value = json!({"v": value(&draws, &mut counter, 0)});
            let text = yaml(&value);
            let read: Vec<_> = crate::manifest::yaml::read(&text).into_iter().collect();
            let [Ok(document)] = read.as_slice() else { panic!("{value}\n{text}\n{read:?}") };
            assert_eq!(document.value, value, "{text}");
        }
    }
}
