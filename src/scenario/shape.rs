//! Reads a value by the description of its key, for parameters of faults and actions.

use super::distribution;
use super::problem::code;
use super::reader::{self, Section, Sink};
use super::suggest::{listed, nearest};
use crate::kernel::factor::Factor;
use crate::object::Timestamp;
use crate::object::field::{Field, Shape, Value};
use crate::object::parameter;
use crate::object::quantity::Quantity;
use crate::object::reference::unsimulated;
use toml::Spanned;
use toml::de::DeValue;

/// Reads `value`, of `key`. What has not this shape is told.
pub fn read(value: &Spanned<DeValue<'_>>, key: &str, shape: Shape, sink: &mut Sink<'_>) -> Option<Value> {
    let text = |text: String| Some(Value::Text(text));
    match shape {
        Shape::Text => text(reader::text(value, key, sink)?.value),
        Shape::Flag => text(reader::flag(value, key, sink)?.value.to_string()),
        Shape::Count(least) => text(reader::number(value, key, least, sink)?.value.to_string()),
        Shape::Span => text(reader::short_span(value, key, sink)?.value.to_string()),
        Shape::Delay => text(distribution::delay(value, key, sink)?.to_string()),
        Shape::Share => {
            share(value, key, sink)?;
            text(reader::scalar(value, key, sink)?.value)
        }
        Shape::Factor => {
            let written = reader::scalar(value, key, sink)?;
            if let Err(message) = Factor::parse(&written.value) {
                sink.bad_value(&written.bytes, message);
                return None;
            }
            text(written.value)
        }
        Shape::Quantity => {
            let written = reader::scalar(value, key, sink)?;
            quantity(&written, sink)?;
            text(written.value)
        }
        Shape::Date => text(date(value, key, sink)?.to_string()),
        Shape::OneOf(words) => text(one_of(value, key, words, sink)?.to_string()),
        Shape::Target => {
            debug_assert!(false, "a target is read by its own reader");
            None
        }
        Shape::List(inner) => {
            let Some(array) = value.get_ref().as_array() else {
                let problem = sink.bad_value(&value.span(), format!("`{key}` is not a list"));
                problem.label(format!("this is {}", reader::a_type(value.get_ref())));
                if let Some(text) = value.get_ref().as_str() {
                    problem.help(format!("put it in brackets: `{key} = [\"{text}\"]`"));
                }
                return None;
            };
            let read: Vec<_> = array.iter().map(|value| self::read(value, key, *inner, sink)).collect();
            read.into_iter().collect::<Option<Vec<Value>>>().map(Value::List)
        }
        Shape::Map(inner) => {
            let mut section = reader::table(value, &format!("`{key}`"), &[], sink)?;
            let mut pairs = Vec::new();
            let mut is_whole = true;
            for (name, value) in section.rest() {
                match self::read(value, &name.value, *inner, sink) {
                    Some(value) => pairs.push((name.value, value)),
                    None => is_whole = false,
                }
            }
            is_whole.then_some(Value::Table(pairs))
        }
        Shape::Table(fields) => {
            let section = reader::table(value, &format!("`{key}`"), fields, sink)?;
            self::fields(section, fields, sink).map(Value::Table)
        }
        Shape::Either(shapes) => read(value, key, fitting(value, shapes), sink),
        Shape::Any => any(value),
    }
}

/// The values of a table's keys, in the order of the description.
fn fields(mut section: Section<'_>, fields: &'static [Field], sink: &mut Sink<'_>) -> Option<Vec<(String, Value)>> {
    let mut pairs = Vec::new();
    let mut is_whole = true;
    for field in fields {
        let value = if field.is_required { section.required(field.name, sink) } else { section.value(field.name) };
        match value.map(|value| read(value, field.name, field.shape, sink)) {
            Some(Some(value)) => pairs.push((field.name.to_string(), value)),
            Some(None) => is_whole = false,
            None => is_whole &= !field.is_required,
        }
    }
    section.finish(sink);
    is_whole.then_some(pairs)
}

/// Which of the shapes a value most likely means to have.
fn fitting(value: &Spanned<DeValue<'_>>, shapes: &'static [Shape]) -> Shape {
    let fits = |shape: &&Shape| match (value.get_ref(), shape) {
        (DeValue::Array(_), Shape::List(_)) | (DeValue::Table(_), Shape::Map(_) | Shape::Table(_) | Shape::Delay) => {
            true
        }
        (DeValue::Integer(_), Shape::Count(_)) => true,
        (DeValue::String(text), Shape::OneOf(words)) => nearest(text, words.iter().copied()).is_some(),
        _ => false,
    };
    let is_plain = |shape: &&Shape| {
        let is_text = matches!(value.get_ref(), DeValue::String(_));
        is_text && matches!(shape, Shape::Text | Shape::Span | Shape::Quantity | Shape::Share)
    };
    shapes.iter().find(fits).or_else(|| shapes.iter().find(is_plain)).copied().unwrap_or(shapes[0])
}

/// One of some words.
pub fn one_of(
    value: &Spanned<DeValue<'_>>,
    key: &str,
    words: &'static [&'static str],
    sink: &mut Sink<'_>,
) -> Option<&'static str> {
    let text = reader::text(value, key, sink)?;
    let found = words.iter().find(|word| **word == text.value).copied();
    if found.is_none() && key == "kind" && unsimulated(&text.value).is_some() {
        sink.bad_value(&text.bytes, format!("a {} is not simulated yet", text.value))
            .label(format!("expected {}", alternatives(words)))
            .help("write a Deployment that behaves alike; a manifest of another kind is kept, but has no pods");
    } else if found.is_none() {
        let problem = sink.bad_value(&text.bytes, format!("`{key}` cannot be `{}`", text.value));
        problem.label(format!("expected {}", alternatives(words)));
        problem.guess(nearest(&text.value, words.iter().copied()));
    }
    found
}

/// `a`, `b` or `c`.
pub fn alternatives(words: &[&str]) -> String {
    match words {
        [all @ .., last] if !all.is_empty() => format!("{} or `{last}`", listed(all.iter().copied())),
        words => listed(words.iter().copied()),
    }
}

/// A share from none to all, in millionths.
pub fn share(value: &Spanned<DeValue<'_>>, key: &str, sink: &mut Sink<'_>) -> Option<u32> {
    let written = reader::scalar(value, key, sink)?;
    let share = parameter::millionths(&written.value);
    if share.is_none() {
        let problem = sink.bad_value(&written.bytes, format!("`{}` is not a share", written.value));
        problem.label("expected as \"5%\" or 0.05, from none to all");
    }
    share
}

/// A quantity, not below zero.
pub fn quantity(written: &reader::At<String>, sink: &mut Sink<'_>) -> Option<Quantity> {
    match Quantity::parse(&written.value) {
        Ok(quantity) if quantity.is_negative() => {
            sink.bad_value(&written.bytes, format!("`{}` is below zero", written.value))
                .help("there is nothing less than nothing: leave the minus out");
            None
        }
        // Larger ones are cut to that, as upstream does; nobody means them.
        Ok(quantity) if quantity >= Quantity::from_units(i64::MAX) => {
            sink.bad_value(&written.bytes, format!("`{}` is more than there is anywhere", written.value))
                .label("expected as \"500m\", \"4\" or \"8Gi\"");
            None
        }
        Ok(quantity) => Some(quantity),
        Err(_) => {
            let problem = sink.bad_value(&written.bytes, format!("`{}` is not a quantity", written.value));
            problem.label("expected a number with or without a suffix, as \"500m\", \"4\" or \"8Gi\"");
            let joined: String = written.value.split_whitespace().collect();
            let trimmed = joined.trim_end_matches(['B', 'b']);
            let number = joined.trim_end_matches(char::is_alphabetic);
            if trimmed.len() < joined.len() && Quantity::parse(trimmed).is_ok() {
                let binary = if trimmed.ends_with('i') { trimmed.to_string() } else { format!("{trimmed}i") };
                problem.help(format!("bytes have no `B`: write \"{binary}\", in powers of two"));
            } else if Quantity::parse(&joined).is_ok() {
                problem.help(format!("write it without a blank: \"{joined}\""));
            } else if Quantity::parse(number).is_ok() {
                problem.help(format!("`{}` is no suffix; for cores write \"{number}\"", &joined[number.len()..]));
            }
            None
        }
    }
}

/// A date as a string or as TOML's own.
pub fn date(value: &Spanned<DeValue<'_>>, key: &str, sink: &mut Sink<'_>) -> Option<Timestamp> {
    let text = match value.get_ref() {
        DeValue::Datetime(date) => date.to_string(),
        DeValue::String(text) => text.to_string(),
        other => {
            sink.bad_value(&value.span(), format!("`{key}` is not a date"))
                .label(format!("this is {}, expected UTC as 2026-11-24T18:00:00Z", reader::a_type(other)));
            return None;
        }
    };
    let date = Timestamp::parse(&text);
    if let Err(message) = &date {
        let problem = sink.bad_value(&value.span(), message.clone());
        let whole = format!("{text}T00:00:00Z");
        let has_shape = |text: &str| text.len() >= 10 && text.bytes().filter(|&byte| byte == b'-').count() == 2;
        if let Some((message, meant)) = with_more(&text) {
            problem.message = message;
            problem.help(format!("write {meant}"));
        } else if Timestamp::parse(&whole).is_ok() {
            problem.help(format!("add the time of day: {whole}"));
        } else if has_shape(&text) {
            problem.help("the calendar has no such day, or the clock no such time");
        }
    }
    date.ok()
}

/// What is wrong with a date that only says too much, or not that it is UTC, and what it means in seconds of UTC.
fn with_more(text: &str) -> Option<(String, Timestamp)> {
    let (plain, more) = text.split_at_checked("2026-11-24T18:00:00".len())?;
    let second = Timestamp::parse(&format!("{}Z", plain.replace([' ', 't'], "T"))).ok()?;
    let zone = more.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let fraction = &more[..more.len() - zone.len()];
    let shift = match zone {
        "" | "Z" | "z" => 0,
        _ => {
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let seconds = hours.parse::<i64>().ok()? * 3_600 + minutes.parse::<i64>().ok()? * 60;
            if zone.starts_with('-') { -seconds } else { seconds }
        }
    };
    let mut wrong = Vec::new();
    if !fraction.is_empty() {
        wrong.push(format!("has a fraction of a second (`{fraction}`)"));
    }
    match zone {
        "" => wrong.push("does not say that it is UTC, with a `Z` at its end".to_string()),
        "Z" => {}
        zone => wrong.push(format!("is at `{zone}`, not in UTC")),
    }
    (!wrong.is_empty()).then(|| (format!("the date {}", wrong.join(" and ")), second.plus_seconds(-shift)))
}

/// Anything, as it is; numbers as written.
fn any(value: &Spanned<DeValue<'_>>) -> Option<Value> {
    Some(match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Text(number.to_string()),
        DeValue::Float(number) => Value::Text(number.to_string()),
        DeValue::Boolean(flag) => Value::Text(flag.to_string()),
        DeValue::Datetime(date) => Value::Text(date.to_string()),
        DeValue::Array(array) => Value::List(array.iter().filter_map(any).collect()),
        DeValue::Table(table) => {
            let mut pairs: Vec<_> = table.iter().collect();
            pairs.sort_by_key(|(key, _)| key.span().start);
            let pairs = pairs.into_iter().filter_map(|(key, value)| Some((key.get_ref().to_string(), any(value)?)));
            Value::Table(pairs.collect())
        }
    })
}

/// Reports a parameter of which the shape is right and the rest wrong, at its value or at the event as a whole.
pub fn wrong(
    wrong: &crate::object::field::Wrong,
    bytes: &std::ops::Range<usize>,
    is_missing: bool,
    sink: &mut Sink<'_>,
) {
    let code = if is_missing { code::MISSING_KEY } else { code::BAD_VALUE };
    let problem = sink.error(code, bytes, wrong.why.clone());
    if !wrong.help.is_empty() {
        problem.help(wrong.help.clone());
    }
}
