//! Reads parameters, of which the shape has been checked. What has another shape all the same is refused, too.

use super::field::{Parameters, Value, Wrong};
use crate::kernel::factor::Factor;
use crate::kernel::time::Span;

impl Wrong {
    /// This is wrong with `key`.
    pub fn new(key: &'static str, why: impl Into<String>) -> Wrong {
        Wrong { key, why: why.into(), help: String::new() }
    }

    /// With a way out.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Wrong {
        Wrong { help: help.into(), ..self }
    }
}

/// All of something, in millionths.
pub const WHOLE: u32 = 1_000_000;

/// A share from none to all, as `5%` or `0.05`, in millionths.
pub fn millionths(text: &str) -> Option<u32> {
    let (number, unit) = match text.strip_suffix('%') {
        Some(percent) => (percent.trim_end(), f64::from(WHOLE) / 100.0),
        None => (text, f64::from(WHOLE)),
    };
    let millionths = number.parse::<f64>().ok()? * unit + 0.5;
    (0.0..f64::from(WHOLE) + 1.0).contains(&millionths).then_some(millionths as u32)
}

/// A text, a number or a flag as written; none if it is not there.
///
/// # Errors
/// If it is a list or a table.
pub fn text<'a>(parameters: &'a Parameters, key: &'static str) -> Result<Option<&'a str>, Wrong> {
    let text =
        |value: &'a Value| value.as_text().ok_or_else(|| Wrong::new(key, format!("`{key}` is a list or a table")));
    parameters.get(key).map(text).transpose()
}

/// A text that must be there; `asks` is the question that it answers, and `example` how it is written.
///
/// # Errors
/// If it is not there, or is a list or a table.
pub fn required_text<'a>(
    parameters: &'a Parameters,
    key: &'static str,
    asks: &str,
    example: &str,
) -> Result<&'a str, Wrong> {
    text(parameters, key)?.ok_or_else(|| missing(key, asks, example))
}

/// A value that is not there.
pub fn missing(key: &'static str, asks: &str, example: &str) -> Wrong {
    Wrong::new(key, format!("{asks}? `{key}` is missing, as in `{example}`"))
}

/// A flag; false if it is not there.
///
/// # Errors
/// If it is anything else.
pub fn flag(parameters: &Parameters, key: &'static str) -> Result<bool, Wrong> {
    match text(parameters, key)? {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(Wrong::new(key, format!("`{other}` is not `true` or `false`"))),
    }
}

/// A whole number; none if it is not there.
///
/// # Errors
/// If it is anything else, or more than fits.
pub fn count<N: std::str::FromStr>(parameters: &Parameters, key: &'static str) -> Result<Option<N>, Wrong> {
    let why = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => format!("`{key}` cannot be {text}: that is more than Kubernetes can count"),
        false => format!("`{text}` is not a whole number"),
    };
    let number = |text: &str| text.parse().map_err(|_| Wrong::new(key, why(text)));
    text(parameters, key)?.map(number).transpose()
}

/// A length of time; none if it is not there.
///
/// # Errors
/// If it is anything else, or longer than `most`.
pub fn span(parameters: &Parameters, key: &'static str, most: Span) -> Result<Option<Span>, Wrong> {
    let Some(text) = text(parameters, key)? else { return Ok(None) };
    let span = Span::parse(text).map_err(|why| Wrong::new(key, why))?;
    if span > most { Err(Wrong::new(key, format!("`{key}` is at most {most}, not {span}"))) } else { Ok(Some(span)) }
}

/// A factor; none if it is not there.
///
/// # Errors
/// If it is anything else.
pub fn factor(parameters: &Parameters, key: &'static str) -> Result<Option<Factor>, Wrong> {
    text(parameters, key)?.map(|text| Factor::parse(text).map_err(|why| Wrong::new(key, why))).transpose()
}

/// A list of texts, or one text as a list of one; empty if it is not there.
///
/// # Errors
/// If something in it is no text.
pub fn texts<'a>(parameters: &'a Parameters, key: &'static str) -> Result<Vec<&'a str>, Wrong> {
    let wrong = || Wrong::new(key, format!("`{key}` is a text or a list of texts"));
    match parameters.get(key) {
        None => Ok(Vec::new()),
        Some(Value::List(list)) => list.iter().map(|value| value.as_text().ok_or_else(wrong)).collect(),
        Some(value) => value.as_text().map(|text| vec![text]).ok_or_else(wrong),
    }
}

/// A table of texts in the order in which it was written; empty if it is not there.
///
/// # Errors
/// If it is no table, or something in it is no text.
pub fn table<'a>(parameters: &'a Parameters, key: &'static str) -> Result<Vec<(&'a str, &'a str)>, Wrong> {
    let wrong = || Wrong::new(key, format!("`{key}` is a table of texts"));
    match parameters.get(key) {
        None => Ok(Vec::new()),
        Some(Value::Table(pairs)) => {
            pairs.iter().map(|(name, value)| Ok((name.as_str(), value.as_text().ok_or_else(wrong)?))).collect()
        }
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_any_shape_are_read_or_refused() {
        let list = || Value::List(vec![Value::Text("a".into()), Value::Text("b".into())]);
        let pairs = || Value::Table(vec![("k".into(), Value::Text("v".into()))]);
        let parameters: Parameters = [
            ("text", Value::Text("7".into())),
            ("list", list()),
            ("table", pairs()),
            ("deep", Value::List(vec![list()])),
        ]
        .into();
        assert_eq!(text(&parameters, "text"), Ok(Some("7")));
        assert_eq!(count(&parameters, "text"), Ok(Some(7u32)));
        assert_eq!(count::<u32>(&parameters, "absent"), Ok(None));
        assert_eq!(texts(&parameters, "list"), Ok(vec!["a", "b"]));
        assert_eq!(texts(&parameters, "text"), Ok(vec!["7"]));
        assert_eq!(table(&parameters, "table"), Ok(vec![("k", "v")]));
        assert_eq!(flag(&parameters, "absent"), Ok(false));
        assert!(flag(&parameters, "text").is_err() && texts(&parameters, "deep").is_err());
        for key in ["list", "table", "deep"] {
            assert_eq!(text(&parameters, key), Err(Wrong::new(key, format!("`{key}` is a list or a table"))));
            assert!(span(&parameters, key, Span::DAY).is_err() && factor(&parameters, key).is_err());
        }
        let asked = required_text(&parameters, "image", "which image", "image = \"app:2\"").unwrap_err();
        assert_eq!(asked.why, "which image? `image` is missing, as in `image = \"app:2\"`");
    }
}
