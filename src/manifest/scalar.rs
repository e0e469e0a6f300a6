//! Plain scalars of YAML 1.1 as JSON values.
//!
//! Source: sigs.k8s.io/yaml's fork of yaml.v2, `resolve.go`, v1.36. As there, numbers of base 60 (`1:30`) are texts.

use serde_json::{Number, Value};

/// A plain scalar by the rules of YAML 1.1, as yaml.v2's `resolve.go` has them.
pub fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Value::String(text.to_string());
    }
    let digits = text.replace('_', "");
    integer(&digits).or_else(|| float(&digits)).map_or_else(|| Value::String(text.to_string()), Value::Number)
}

/// Go's `ParseInt` with base 0: decimal, or with the prefixes `0x`, `0b`, `0o` and `0`.
fn integer(text: &str) -> Option<Number> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = unsigned.to_ascii_lowercase();
    let (base, digits) = match lower.as_str() {
        "0" => (10, "0"),
        text if text.starts_with("0x") => (16, &text[2..]),
        text if text.starts_with("0b") => (2, &text[2..]),
        text if text.starts_with("0o") => (8, &text[2..]),
        text if text.starts_with('0') => (8, &text[1..]),
        text => (10, text),
    };
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, base).ok()?;
    match (negative, i64::try_from(magnitude)) {
        (true, Ok(number)) => Some((-number).into()),
        (true, Err(_)) => None,
        (false, _) => Some(magnitude.into()),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`; a whole number is printed without fraction, as Go does.
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_float = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.contains(|c: char| c.is_ascii_digit())
        && unsigned.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'e' | b'E' | b'-' | b'+'));
    let number: f64 = text.parse().ok().filter(|_| is_float)?;
    // Up to 2⁵³ every whole number is exact.
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        return Some((number as i64).into());
    }
    Number::from_f64(number)
}
