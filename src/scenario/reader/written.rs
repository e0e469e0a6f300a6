//! Says of a value of the wrong type how it should have been written.

use super::{LONGEST, Sink, a_type};
use crate::kernel::time::Span;
use crate::object::field::Shape;
use toml::Spanned;
use toml::de::DeValue;

/// How a value of this key may look.
pub(super) fn example(key: &str, shape: Option<Shape>) -> String {
    let known = match key {
        "id" => "\"crash\"",
        "title" => "\"Three web pods\"",
        "name" => "\"web\"",
        "do" => "\"node.crash\"",
        "of" => "\"deployment/web\"",
        "target" => "{ node = \"w-1\" }",
        "kind" => "\"power\"",
        "within" => "\"zone\"",
        "dist" => "\"exponential\"",
        "pool" => "\"w\"",
        "image" => "\"web:2\"",
        "taint" => "\"gpu=true:NoSchedule\"",
        "topology-key" => "\"topology.kubernetes.io/zone\"",
        "manifests" => "[\"web.yaml\"]",
        "patch" => "{ spec.minReadySeconds = 10 }",
        "quantiles" => "{ p50 = \"4s\", p95 = \"12s\" }",
        "capacity" | "allocatable" => "{ cpu = \"4\", memory = \"8Gi\" }",
        "requests" | "limits" => "{ cpu = \"500m\", memory = \"256Mi\" }",
        "labels" | "node-selector" | "annotations" => "{ disk = \"ssd\" }",
        "covers" => "{ zone = \"b\" }",
        "tolerations" => "[{ key = \"gpu\" }]",
        "burst" => "{ share = \"10%\", within = \"zone\" }",
        _ => "",
    };
    match shape {
        _ if !known.is_empty() => known.to_string(),
        Some(Shape::Flag) => "true".to_string(),
        Some(Shape::Count(_)) => "3".to_string(),
        Some(Shape::Factor) => "5".to_string(),
        Some(Shape::Span | Shape::Delay) => "\"30s\"".to_string(),
        Some(Shape::Share) => "\"5%\"".to_string(),
        Some(Shape::OneOf(words)) => format!("\"{}\"", words.first().unwrap_or(&"…")),
        Some(Shape::List(_)) => "[…]".to_string(),
        Some(Shape::Map(_) | Shape::Table(_) | Shape::Target) => "{ … }".to_string(),
        _ => "\"…\"".to_string(),
    }
}

/// A value that is no string, as one.
pub(super) fn as_text(value: &DeValue<'_>, key: &str) -> Option<String> {
    match key {
        "schema" => return Some(format!("write `schema = \"{}\"`", crate::scenario::schema::SCHEMA)),
        "manifests" | "include" => return Some("name files, as `[\"web.yaml\"]`".to_string()),
        _ => {}
    }
    let written = match value {
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Table(table) if key == "labels" => {
            let pair = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                Some(format!("{key}={}", value.get_ref().as_str()?))
            };
            table.iter().map(pair).collect::<Option<Vec<_>>>()?.join(",")
        }
        DeValue::Array(_) if key == "do" => {
            return Some("an event does one thing: write another `[[event]]` for each of the others".to_string());
        }
        DeValue::Table(table) if key == "taints" => {
            let text = |key: &str| table.get(key).and_then(|value| value.get_ref().as_str());
            let value = text("value").map_or(String::new(), |value| format!("={value}"));
            let taint = format!("{}{value}:{}", text("key")?, text("effect")?);
            return Some(format!("write taints as `kubectl taint` takes them: \"{taint}\""));
        }
        DeValue::Array(array) => match array.iter().next().and_then(|first| first.get_ref().as_str()) {
            Some(first) if array.len() == 1 => first.to_string(),
            _ => return None,
        },
        DeValue::Table(_) | DeValue::String(_) => return None,
    };
    Some(format!("write `{key} = \"{written}\"`"))
}

/// A value that is no table, as one.
pub(super) fn as_table(value: &DeValue<'_>, name: &str) -> Option<String> {
    if name == "[cluster]" {
        return Some("say what machines there are: `[[cluster.pool]]` with `name`, `count` and `capacity`".to_string());
    }
    if name.starts_with("[[") {
        return Some(format!("begin each with a line `{name}`"));
    }
    if name.starts_with('[') {
        let once = if value.is_array() { "it is there once: " } else { "" };
        return Some(format!("{once}begin it with a line `{name}`, one bracket on either side"));
    }
    let key = name.trim_matches('`');
    let names = value.as_array().map(|array| array.iter().filter_map(|value| value.get_ref().as_str()));
    let names: Vec<String> = names.into_iter().flatten().map(|name| format!("\"{name}\"")).collect();
    match (key, value.as_str()) {
        ("covers", _) if !names.is_empty() => Some(format!("write `covers = {{ nodes = [{}] }}`", names.join(", "))),
        ("tolerations", Some(text)) => Some(format!("write `tolerations = [{{ key = \"{text}\" }}]`")),
        _ => match example(key, None).as_str() {
            "\"…\"" => None,
            example => Some(format!("write it as `{key} = {example}`")),
        },
    }
}

/// Reports a value that is no whole number from `least`.
pub(super) fn not_a_number(value: &Spanned<DeValue<'_>>, key: &str, least: u64, sink: &mut Sink<'_>) {
    if let Some(number) = value.get_ref().as_integer() {
        let digits = number.as_str();
        let most =
            if digits.starts_with('-') || digits.len() < 10 { String::new() } else { format!(" to {}", u64::MAX) };
        sink.bad_value(&value.span(), format!("`{key}` cannot be {digits}"))
            .label(format!("expected a whole number from {least}{most}"));
        return;
    }
    let message = format!("`{key}` is not a whole number");
    let problem = sink.bad_value(&value.span(), message);
    problem.label(format!("this is {}, expected a whole number from {least}", a_type(value.get_ref())));
    let whole = |number: f64| (number.fract() == 0.0 && (0.0..1e15).contains(&number)).then_some(number as u64);
    let meant = match value.get_ref() {
        DeValue::Float(number) => number.as_str().replace('_', "").parse().ok().and_then(whole),
        DeValue::String(text) => text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit())),
        _ => None,
    };
    let text = value.get_ref().as_str().unwrap_or_default();
    if let Some(number) = meant {
        problem.help(format!("write `{key} = {number}`"));
    } else if text.starts_with(['+', '-']) {
        problem.help("it is what should be there afterwards, not by how much it changes");
    } else if let (Ok(span), true) = (Span::parse(text), key.ends_with("grace-period") || key.ends_with("seconds")) {
        problem.help(format!("it is in seconds: write `{key} = {}`", span.as_secs()));
    }
}

/// Reports a value that is no duration.
pub(super) fn not_a_duration(value: &Spanned<DeValue<'_>>, key: &str, sink: &mut Sink<'_>) {
    const EXPECTED: &str = "expected a number with a unit, as \"90s\", \"1m30s\" or \"250ms\"";
    let bytes = value.span();
    let number = match value.get_ref() {
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::String(text) => Some(text.trim().to_string()).filter(|text| text.parse::<f64>().is_ok()),
        _ => None,
    };
    if let Some(number) = number.filter(|number| !number.starts_with('-') && !number.contains(['e', 'E'])) {
        sink.bad_value(&bytes, format!("`{key}` is a number without a unit")).label(EXPECTED).help(format!(
            "write \"{number}s\" for seconds, \"{number}m\" for minutes, \"{number}ms\" for milliseconds"
        ));
        return;
    }
    let Some(text) = value.get_ref().as_str() else {
        let problem = sink.bad_value(&bytes, format!("`{key}` is not a duration"));
        problem.label(format!("this is {}, {EXPECTED}", a_type(value.get_ref())));
        if value.get_ref().get("dist").is_some() {
            problem.help("this one is fixed; drawn at random are `delay`, `for`, `every` and those of `[delays]`");
        } else if value.get_ref().is_array() {
            problem.help("measured values are written as `{ dist = \"empirical\", values = [\"1s\", \"4s\"] }`");
        }
        return;
    };
    if text.trim().is_empty() {
        sink.bad_value(&bytes, format!("`{key}` is empty")).label(EXPECTED);
        return;
    }
    if is_too_long(text) {
        sink.bad_value(&bytes, format!("`{key}` is longer than a year"))
            .label(format!("expected at most \"{}d\"", LONGEST.as_secs() / 86_400));
        return;
    }
    let problem = sink.bad_value(&bytes, format!("`{text}` is not a duration")).label(EXPECTED);
    match meant(text) {
        Some(meant) => drop(problem.guess(Some(&format!("\"{meant}\"")))),
        None if text.starts_with('-') => drop(problem.help("nothing lasts less than no time: leave the minus out")),
        None => {}
    }
}

/// Whether it is a duration, only with numbers that are too large.
fn is_too_long(text: &str) -> bool {
    let is_number = |c: char| c.is_ascii_digit();
    let numbers = text.split(|c| !is_number(c)).filter(|number| !number.is_empty());
    let has_large = numbers.clone().any(|number| number.len() > 12);
    let small =
        numbers.fold(text.to_string(), |text, number| if number.len() > 12 { text.replace(number, "1") } else { text });
    has_large && Span::parse(&small).is_ok()
}

/// What somebody meant who writes durations as elsewhere.
fn meant(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase().replace(',', ".");
    if lower.contains(':') {
        return clock(&lower);
    }
    let lower = lower.strip_prefix("pt").or_else(|| lower.strip_prefix('p')).unwrap_or(&lower);
    let mut said = String::new();
    let mut rest = lower.trim();
    let mut last = "";
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let tail = tail.trim_start();
        let end = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (word, tail) = tail.split_at(end);
        let (unit, times) = match word {
            "" => (
                match last {
                    "d" => "h",
                    "h" => "m",
                    "m" => "s",
                    "s" => "ms",
                    _ => return None,
                },
                1,
            ),
            "s" | "sec" | "secs" | "second" | "seconds" => ("s", 1),
            "m" | "min" | "mins" | "minute" | "minutes" => ("m", 1),
            "h" | "hr" | "hrs" | "hour" | "hours" => ("h", 1),
            "d" | "day" | "days" => ("d", 1),
            "w" | "week" | "weeks" => ("d", 7),
            "ms" | "msec" | "millis" | "milliseconds" => ("ms", 1),
            _ => return None,
        };
        match (number.parse::<u64>(), times) {
            (Ok(number), times) => said.push_str(&format!("{}{unit}", number.checked_mul(times)?)),
            (Err(_), 1) => said.push_str(&format!("{number}{unit}")),
            _ => return None,
        }
        (last, rest) = (unit, tail.trim_start());
    }
    Span::parse(&said).is_ok().then_some(said)
}

/// `HH:MM:SS` or `MM:SS`.
fn clock(text: &str) -> Option<String> {
    let parts: Vec<u64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let units: &[&str] = match parts.len() {
        3 => &["h", "m", "s"],
        2 => &["m", "s"],
        _ => return None,
    };
    let said: String =
        parts.iter().zip(units).filter(|(part, _)| **part > 0).map(|(part, unit)| format!("{part}{unit}")).collect();
    Span::parse(&said).is_ok().then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_others_write_them_are_understood() {
        for (written, said) in [
            ("5 min", Some("5m")),
            ("1h30", Some("1h30m")),
            ("PT5M", Some("5m")),
            ("5M", Some("5m")),
            ("1,5m", Some("1.5m")),
            ("00:15:00", Some("15m")),
            ("20 sec", Some("20s")),
            ("2w", Some("14d")),
            ("-5s", None),
            ("1e3s", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(meant(written).as_deref(), said, "{written}");
        }
        assert!(is_too_long("99999999999999999999d") && !is_too_long("90s") && !is_too_long("99999999999999999999"));
    }
}
