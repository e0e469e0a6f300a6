//! YAML as kubectl writes it: keys sorted, lists in the column of their key, long texts folded at 80 characters.
//!
//! Source: `sigs.k8s.io/yaml` with its `goyaml.v2` (`encode.go`, `emitterc.go`: `yaml_emitter_analyze_scalar`,
//! `select_scalar_style` and the writers), as kubectl v1.36 has them.

use super::json::sorted;
use crate::manifest::emit::is_plain_text;
use serde_json::Value;
use std::fmt::Write;

/// The column after which texts are folded at the next blank.
const WIDTH: usize = 80;

/// A document.
pub fn yaml(value: &Value) -> String {
    let mut text = String::new();
    node(&sorted(value), Place { indent: 0, is_key: false }, true, &mut text);
    text
}

/// Where something is written.
#[derive(Clone, Copy)]
struct Place {
    /// The column of the object or list that it belongs to.
    indent: usize,
    is_key: bool,
}

/// A value behind `key:` or `-`, or a whole document; `is_begun` if the cursor stands where a block may begin.
fn node(value: &Value, at: Place, is_begun: bool, text: &mut String) {
    let Place { indent, .. } = at;
    let newline = |text: &mut String| {
        text.push('\n');
        text.extend(std::iter::repeat_n(' ', indent));
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (index, (key, value)) in fields.iter().enumerate() {
                if index > 0 {
                    text.extend(std::iter::repeat_n(' ', indent));
                } else if !is_begun {
                    newline(text);
                }
                scalar(key, Place { indent, is_key: true }, text);
                text.push(':');
                // Lists stand in the column of their key.
                let inner = if value.is_array() { indent } else { indent + 2 };
                node(value, Place { indent: inner, is_key: false }, false, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.extend(std::iter::repeat_n(' ', indent));
                } else if !is_begun {
                    newline(text);
                }
                text.push('-');
                if is_block(item) {
                    text.push(' ');
                }
                node(item, Place { indent: indent + 2, is_key: false }, true, text);
            }
        }
        _ => {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push(' ');
            }
            match value {
                Value::String(content) => scalar(content, at, text),
                Value::Array(_) => text.push_str("[]"),
                Value::Object(_) => text.push_str("{}"),
                other => text.push_str(&other.to_string()),
            }
            text.push('\n');
        }
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// What of the styles a text allows.
#[derive(Clone, Copy)]
struct Allowed {
    plain: bool,
    single: bool,
    literal: bool,
}

/// A text in the style that upstream chooses for it.
fn scalar(content: &str, at: Place, text: &mut String) {
    let allowed = analyse(content);
    let is_literal = content.contains('\n');
    if is_literal && allowed.literal && !at.is_key {
        literal(content, at.indent, text);
    } else if is_literal || !is_plain_text(content) {
        quoted_double(content, at, text);
    } else if allowed.plain && !content.is_empty() {
        folded(content, at, text, |c, text| text.push(c), (0, content.chars().count()));
    } else if allowed.single {
        text.push('\'');
        let last = content.chars().count().saturating_sub(1);
        let write = |c: char, text: &mut String| {
            // A quote is written twice.
            text.extend(std::iter::repeat_n(c, if c == '\'' { 2 } else { 1 }));
        };
        folded(content, at, text, write, (1, last));
        text.push('\'');
    } else {
        quoted_double(content, at, text);
    }
}

fn analyse(content: &str) -> Allowed {
    let mut block_indicators = content.starts_with("---") || content.starts_with("...");
    let (mut is_special, mut space_break, mut break_space, mut has_break) = (false, false, false, false);
    let (mut after_space, mut after_break, mut after_blank) = (false, false, true);
    let chars: Vec<char> = content.chars().collect();
    let is_blank = |c: &char| matches!(c, ' ' | '\t') || is_end_of_line(*c);
    for (index, &c) in chars.iter().enumerate() {
        let before_blank = chars.get(index + 1).is_none_or(is_blank);
        block_indicators |= match c {
            '#' if index == 0 || after_blank => true,
            ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => index == 0,
            '?' | '-' => index == 0 && before_blank,
            ':' => before_blank,
            _ => false,
        };
        is_special |= !is_printable(c);
        let (is_space, is_break) = (c == ' ', is_end_of_line(c));
        break_space |= is_space && after_break;
        space_break |= is_break && after_space;
        has_break |= is_break;
        (after_space, after_break, after_blank) = (is_space, is_break, is_blank(&c));
    }
    let at_edge = |test: fn(char) -> bool| [chars.first(), chars.last()].into_iter().flatten().any(|&c| test(c));
    let is_plain_inside = !at_edge(|c| c == ' ' || is_end_of_line(c)) && !break_space && !has_break;
    let is_clean = !space_break && !is_special;
    Allowed {
        plain: is_plain_inside && is_clean && !block_indicators,
        single: !break_space && is_clean,
        literal: !content.ends_with(' ') && is_clean,
    }
}

fn is_end_of_line(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What may stand in a text as it is: nothing beyond the basic plane.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

fn column(text: &str) -> usize {
    text.rsplit('\n').next().unwrap_or_default().chars().count()
}

/// Writes a text, and instead of a single blank behind the width begins a new line; within these characters only.
fn folded(content: &str, at: Place, text: &mut String, write: impl Fn(char, &mut String), (from, to): (usize, usize)) {
    let chars: Vec<char> = content.chars().collect();
    let mut after_space = false;
    let mut place = column(text);
    for (index, &c) in chars.iter().enumerate() {
        let is_single = !after_space && chars.get(index + 1) != Some(&' ');
        if c == ' ' && !at.is_key && is_single && place > WIDTH && (from..to).contains(&index) {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', at.indent));
            place = at.indent;
        } else {
            let before = text.len();
            write(c, text);
            place += text[before..].chars().count();
        }
        after_space = c == ' ';
    }
}

/// A text of several lines as it is.
fn literal(content: &str, indent: usize, text: &mut String) {
    text.push('|');
    if content.starts_with([' ', '\n']) {
        text.push('2');
    }
    if !content.ends_with('\n') {
        text.push('-');
    } else if content == "\n" || content.ends_with("\n\n") {
        text.push('+');
    }
    for line in content.strip_suffix('\n').unwrap_or(content).split('\n') {
        text.push('\n');
        if !line.is_empty() {
            text.extend(std::iter::repeat_n(' ', indent));
            text.push_str(line);
        }
    }
}

fn quoted_double(content: &str, at: Place, text: &mut String) {
    text.push('"');
    let chars: Vec<char> = content.chars().collect();
    let mut after_space = false;
    for (index, &c) in chars.iter().enumerate() {
        let is_inside = index > 0 && index + 1 < chars.len();
        if c == ' ' && !at.is_key && !after_space && is_inside && column(text) > WIDTH {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', at.indent));
            if chars.get(index + 1) == Some(&' ') {
                text.push('\\');
            }
        } else {
            escaped(c, text);
        }
        after_space = c == ' ';
    }
    text.push('"');
}

fn escaped(c: char, text: &mut String) {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' | '\\' => c,
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        c if is_printable(c) => return text.push(c),
        c => {
            let code = u32::from(c);
            let _ = match code {
                0..=0xff => write!(text, "\\x{code:02X}"),
                0x100..=0xffff => write!(text, "\\u{code:04X}"),
                _ => write!(text, "\\U{code:08X}"),
            };
            return;
        }
    };
    text.push('\\');
    text.push(short);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_have_the_style_that_upstream_chooses() {
        for (text, written) in [
            ("nginx:1.27", "nginx:1.27"),
            ("", "\"\""),
            ("yes", "\"yes\""),
            ("10", "\"10\""),
            ("1:30", "\"1:30\""),
            ("2026-11-22T08:13:09Z", "\"2026-11-22T08:13:09Z\""),
            ("a: b", "'a: b'"),
            ("it's: so", "'it''s: so'"),
            ("*", "'*'"),
            ("- a", "'- a'"),
            ("-a", "-a"),
            (" a", "' a'"),
            ("a\tb", "\"a\\tb\""),
            ("a\nb\n", "|\n  a\n  b"),
            ("a\nb", "|-\n  a\n  b"),
            ("\u{1f600}", "\"\\U0001F600\""),
            ("a\u{a0}b", "a\u{a0}b"),
        ] {
            assert_eq!(yaml(&json!({ "v": text })), format!("v: {written}\n"), "{text:?}");
        }
    }

    #[test]
    fn lists_stand_in_the_column_of_their_key() {
        let value = json!({ "b": [1, { "d": [], "c": "x" }, ["z", {}]], "a": { "k": null } });
        assert_eq!(yaml(&value), "a:\n  k: null\nb:\n- 1\n- c: x\n  d: []\n- - z\n  - {}\n");
        assert_eq!(yaml(&json!([])), "[]\n");
    }
}
