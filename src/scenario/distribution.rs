//! Reads how long something takes: `"4s"`, or a table as `{ dist = "lognormal", median = "4s", p95 = "12s" }`.

use super::language::DISTRIBUTION;
use super::problem::code;
use super::reader::{self, At, Section, Sink};
use super::suggest::{listed, nearest};
use crate::kernel::dist::{self, Delay, UNBOUNDED};
use crate::kernel::time::Span;
use std::sync::Arc;
use toml::Spanned;
use toml::de::DeValue;

/// Distributions by their names, each with the keys of its parameters; all but the first two may have `min` and `max` too.
const DISTRIBUTIONS: [(&str, &[&str]); 7] = [
    ("constant", &["value"]),
    ("uniform", &["min", "max"]),
    ("exponential", &["mean", "min", "max"]),
    ("lognormal", &["median", "p95", "min", "max"]),
    ("normal", &["mean", "sd", "min", "max"]),
    ("weibull", &["shape", "scale", "min", "max"]),
    ("empirical", &["quantiles", "values", "weights", "min", "max"]),
];

/// Reads a delay of which no parameter is longer than [`reader::LONGEST`].
pub fn delay(value: &Spanned<DeValue<'_>>, name: &str, sink: &mut Sink<'_>) -> Option<Delay> {
    delay_within(&reader::short_span, value, name, sink)
}

/// Reads a delay of which the parameters may be as long as the time between the rarest failures: [`LONGEST_GAP`].
pub fn gap(value: &Spanned<DeValue<'_>>, name: &str, sink: &mut Sink<'_>) -> Option<Delay> {
    delay_within(&long_span, value, name, sink)
}

/// Longest time between failures: a thousand years, as one disk of a thousand fails in a year. Ours.
pub const LONGEST_GAP: Span = Span::from_secs(365_000 * 24 * 60 * 60);

fn long_span(value: &Spanned<DeValue<'_>>, key: &str, sink: &mut Sink<'_>) -> Option<At<Span>> {
    let span = reader::span(value, key, sink)?;
    if span.value > LONGEST_GAP {
        sink.bad_value(&span.bytes, format!("`{key}` is longer than a thousand years"))
            .help("write at most \"365000d\"; things that fail even less often can be left out");
        return None;
    }
    Some(span)
}

/// How lengths of time are read.
type ReadSpan<'r> = &'r dyn Fn(&Spanned<DeValue<'_>>, &str, &mut Sink<'_>) -> Option<At<Span>>;

fn delay_within(read: ReadSpan<'_>, value: &Spanned<DeValue<'_>>, name: &str, sink: &mut Sink<'_>) -> Option<Delay> {
    if !value.get_ref().is_table() {
        return read(value, name, sink).map(|span| Delay::Constant(span.value));
    }
    let mut section = reader::table(value, &format!("`{name}`"), DISTRIBUTION, sink)?;
    let dist = section.required_text("dist", sink);
    let known = dist.as_ref().is_some_and(|dist| DISTRIBUTIONS.iter().any(|(name, _)| *name == dist.value));
    if let Some(dist) = dist.as_ref().filter(|_| !known) {
        let names = DISTRIBUTIONS.map(|(name, _)| name);
        sink.bad_value(&dist.bytes, format!("`{}` is not a distribution", dist.value))
            .guess(nearest(&dist.value, names))
            .help(format!("known are {}", listed(names)));
    }
    let Some(dist) = dist.filter(|_| known) else {
        section.abandon(sink);
        return None;
    };
    let errors = sink.problems.list.len();
    let own = DISTRIBUTIONS.iter().find(|(name, _)| *name == dist.value).map_or(&[][..], |(_, keys)| keys);
    for field in DISTRIBUTION.iter().filter(|field| field.name != "dist" && !own.contains(&field.name)) {
        if let Some(value) = section.value(field.name) {
            let message = format!("a distribution `{}` has no `{}`", dist.value, field.name);
            sink.error(code::CONFLICT, &value.span(), message).help(format!("it has {}", listed(own.iter().copied())));
        }
    }
    if sink.problems.list.len() > errors {
        // Whoever gives the parameters of another distribution lacks those of this one.
        section.abandon(sink);
        return None;
    }
    let delay = parameters(read, &dist.value, &mut section, sink);
    let bounds =
        if ["uniform", "normal"].contains(&dist.value.as_str()) { None } else { bounds(read, &mut section, sink) };
    section.finish(sink);
    let delay = match (delay?, bounds) {
        (delay, None) => delay,
        (delay, Some((min, max))) => Delay::Within { delay: Arc::new(delay), min, max },
    };
    if let Err(message) = delay.validate() {
        sink.bad_value(&value.span(), message);
        return None;
    }
    if let Some((message, help)) = cut_away(&delay) {
        sink.bad_value(&value.span(), message).help(help);
        return None;
    }
    Some(delay)
}

/// Within how many standard deviations of the mean everything lies that is ever drawn.
const FARTHEST: u64 = 6;

/// What is wrong with bounds that leave little or nothing of the distribution that they bound, and a way out.
fn cut_away(delay: &Delay) -> Option<(String, String)> {
    let (min, max) = match delay {
        Delay::Within { min, max, .. } | Delay::Normal { min, max, .. } => (*min, *max),
        _ => return None,
    };
    // Between which two values that lies which the distribution says of itself, and what that is called.
    let (least, most, what) = match delay {
        Delay::Normal { mean, sd, .. } => {
            let far = Span::from_micros(sd.as_micros().saturating_mul(FARTHEST));
            (mean.saturating_sub(far), *mean + far, "anything that this distribution gives")
        }
        Delay::Within { delay, .. } => match delay.as_ref() {
            Delay::Exponential { mean } => (*mean, *mean, "the mean"),
            Delay::LogNormal { median, .. } => (*median, *median, "the median"),
            Delay::Weibull { .. } => return None,
            other => {
                let (least, most) = other.bounds();
                (least, most, "anything that this distribution gives")
            }
        },
        _ => return None,
    };
    let (key, bound, than) = match () {
        () if max < least => ("max", max, "shorter"),
        () if min > most => ("min", min, "longer"),
        () => return None,
    };
    let value = if least == most { format!(", {least}") } else { String::new() };
    let message = format!("`{key}` {bound} is {than} than {what}{value}");
    let share = if what.starts_with("the ") { "too much" } else { "all" };
    Some((message, format!("{share} of what is drawn would be just {bound}: choose another `{key}`")))
}

fn parameters(read: ReadSpan<'_>, dist: &str, section: &mut Section<'_>, sink: &mut Sink<'_>) -> Option<Delay> {
    let mut part = |key: &'static str| -> Option<Span> {
        let value = section.required(key, sink)?;
        read(value, key, sink).map(|span| span.value)
    };
    match dist {
        "constant" => part("value").map(Delay::Constant),
        "uniform" => part("min").zip(part("max")).map(|(min, max)| Delay::Uniform { min, max }),
        "exponential" => part("mean").map(|mean| Delay::Exponential { mean }),
        "lognormal" => part("median").zip(part("p95")).map(|(median, p95)| Delay::LogNormal { median, p95 }),
        "normal" => {
            let (mean, sd) = (part("mean"), part("sd"));
            let mut bound = |key, default| match section.value(key) {
                Some(value) => read(value, key, sink).map(|span| span.value),
                None => Some(default),
            };
            let (min, max) = (bound("min", Span::ZERO), bound("max", UNBOUNDED));
            Some(Delay::Normal { mean: mean?, sd: sd?, min: min?, max: max? })
        }
        "weibull" => {
            let scale = part("scale");
            let value = section.required("shape", sink)?;
            let shape = reader::scalar(value, "shape", sink)?;
            let Some(shape_milli) = scaled(&shape.value, 1_000) else {
                sink.bad_value(&shape.bytes, format!("`{}` is not a shape", shape.value)).label("expected as 0.75");
                return None;
            };
            if let Err(message) = dist::validate_shape(shape_milli, &shape.value) {
                sink.bad_value(&shape.bytes, message);
                return None;
            }
            Some(Delay::Weibull { shape_milli, scale: scale? })
        }
        _ => empirical(read, section, sink),
    }
}

/// A delay as one would write it: what is read again as the same.
pub fn written(delay: &Delay) -> String {
    let span = |span: &Span| format!("\"{span}\"");
    let bounds = |min: &Span, max: &Span| {
        let least = (*min > Span::ZERO).then(|| format!(", min = {}", span(min)));
        let most = (*max < UNBOUNDED).then(|| format!(", max = {}", span(max)));
        least.into_iter().chain(most).collect::<String>()
    };
    match delay {
        Delay::Constant(value) => span(value),
        Delay::Uniform { min, max } => {
            format!("{{ dist = \"uniform\", min = {}, max = {} }}", span(min), span(max))
        }
        Delay::Exponential { mean } => format!("{{ dist = \"exponential\", mean = {} }}", span(mean)),
        Delay::LogNormal { median, p95 } => {
            format!("{{ dist = \"lognormal\", median = {}, p95 = {} }}", span(median), span(p95))
        }
        Delay::Normal { mean, sd, min, max } => {
            format!("{{ dist = \"normal\", mean = {}, sd = {}{} }}", span(mean), span(sd), bounds(min, max))
        }
        Delay::Weibull { shape_milli, scale } => {
            let shape = format!("{}.{:03}", shape_milli / 1_000, shape_milli % 1_000);
            format!("{{ dist = \"weibull\", shape = {shape}, scale = {} }}", span(scale))
        }
        Delay::Quantiles(table) => {
            let quantile = |&(share, value): &(u32, Span)| {
                let (whole, rest) = (share / 10_000, share % 10_000);
                format!("\"p{whole}.{rest:04}\" = {}", span(&value))
            };
            let quantiles = table.iter().map(quantile).collect::<Vec<_>>().join(", ");
            format!("{{ dist = \"empirical\", quantiles = {{ {quantiles} }} }}")
        }
        Delay::Values(table) => {
            let values = table.iter().map(|(value, _)| span(value)).collect::<Vec<_>>().join(", ");
            let weights = table.iter().map(|(_, weight)| weight.to_string()).collect::<Vec<_>>().join(", ");
            format!("{{ dist = \"empirical\", values = [{values}], weights = [{weights}] }}")
        }
        Delay::Within { delay, min, max } => {
            let inner = written(delay);
            let inner = match delay.as_ref() {
                Delay::Constant(value) => format!("{{ dist = \"constant\", value = {}", span(value)),
                _ => inner.trim_end_matches('}').trim_end().to_string(),
            };
            format!("{inner}{} }}", bounds(min, max))
        }
    }
}

/// `min` and `max`, if either is there.
fn bounds(read: ReadSpan<'_>, section: &mut Section<'_>, sink: &mut Sink<'_>) -> Option<(Span, Span)> {
    let mut bound = |key| section.value(key).and_then(|value| read(value, key, sink));
    let (min, max) = (bound("min"), bound("max"));
    let is_bounded = min.is_some() || max.is_some();
    let value = |bound: Option<reader::At<Span>>, default| bound.map_or(default, |bound| bound.value);
    is_bounded.then(|| (value(min, Span::ZERO), value(max, UNBOUNDED)))
}

/// A decimal number times `unit`, rounded.
fn scaled(text: &str, unit: u32) -> Option<u32> {
    let number = text.parse::<f64>().ok()? * f64::from(unit) + 0.5;
    (number >= 0.0 && number < f64::from(u32::MAX)).then_some(number as u32)
}

/// Either `quantiles = { p50 = "4s", p95 = "12s" }`, or `values = ["1s", "2s"]` with or without `weights = [3, 1]`.
fn empirical(read: ReadSpan<'_>, section: &mut Section<'_>, sink: &mut Sink<'_>) -> Option<Delay> {
    let (quantiles, values, weights) = (section.value("quantiles"), section.value("values"), section.value("weights"));
    match (quantiles, values) {
        (Some(quantiles), None) => {
            if let Some(weights) = weights {
                sink.bad_value(&weights.span(), "quantiles have no weights");
            }
            self::quantiles(read, quantiles, sink)
        }
        (None, Some(values)) => {
            let spans = list(values, "values", sink)?
                .into_iter()
                .map(|value| read(value, "values", sink).map(|span| span.value))
                .collect::<Vec<_>>();
            let spans = spans.into_iter().collect::<Option<Vec<Span>>>()?;
            let weights = match weights {
                Some(weights) => self::weights(weights, spans.len(), sink)?,
                None => vec![1; spans.len()],
            };
            Some(Delay::Values(spans.into_iter().zip(weights).collect::<Arc<[_]>>()))
        }
        _ => {
            sink.bad_value(&section.bytes, "an empirical delay has either `quantiles` or `values`")
                .help("as quantiles = { p50 = \"4s\", p95 = \"12s\" }, or values = [\"1s\", \"2s\"]");
            None
        }
    }
}

fn quantiles(read: ReadSpan<'_>, value: &Spanned<DeValue<'_>>, sink: &mut Sink<'_>) -> Option<Delay> {
    let mut table = Vec::new();
    let mut is_whole = true;
    for (key, value) in reader::table(value, "`quantiles`", &[], sink)?.rest() {
        let share = key.value.strip_prefix('p').and_then(|text| scaled(text, 10_000));
        if share.is_none() {
            sink.bad_value(&key.bytes, format!("`{}` is not a quantile", key.value)).label("expected as p95");
        }
        let span = read(value, &key.value, sink).map(|span| span.value);
        is_whole &= share.is_some() && span.is_some();
        table.extend(share.zip(span));
    }
    is_whole.then(|| Delay::Quantiles(table.into()))
}

fn weights(value: &Spanned<DeValue<'_>>, wanted: usize, sink: &mut Sink<'_>) -> Option<Vec<u32>> {
    let mut weights = Vec::new();
    for weight in list(value, "weights", sink)? {
        let text = reader::scalar(weight, "weights", sink)?;
        let Ok(number) = text.value.parse() else {
            sink.bad_value(&text.bytes, format!("`{}` is not a weight", text.value)).label("expected a whole number");
            return None;
        };
        weights.push(number);
    }
    if weights.len() != wanted {
        sink.bad_value(&value.span(), format!("{} weights for {wanted} values", weights.len()))
            .help("give one weight for each value, or leave `weights` out");
        return None;
    }
    Some(weights)
}

fn list<'a>(value: &'a Spanned<DeValue<'a>>, key: &str, sink: &mut Sink<'_>) -> Option<Vec<&'a Spanned<DeValue<'a>>>> {
    let array = value.get_ref().as_array();
    if array.is_none() {
        sink.bad_value(&value.span(), format!("`{key}` is not a list"));
    }
    array.map(|array| array.iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::problem::Problems;
    use toml::de::DeTable;

    /// What a delay is read as, or the first problem.
    fn read(text: &str) -> Result<String, String> {
        let text = format!("delay = {text}");
        let root = DeTable::parse(&text).expect("TOML");
        let mut problems = Problems::default();
        let delay = delay(&root.get_ref()["delay"], "delay", &mut Sink::new("test.toml", &mut problems));
        match problems.list.first() {
            Some(problem) => Err(problem.message.clone()),
            None => Ok(delay.expect("no problem").to_string()),
        }
    }

    #[test]
    fn all_distributions_are_read() {
        for (text, shown) in [
            (r#""4s""#, "4s"),
            (r#"{ dist = "uniform", min = "1s", max = "3s" }"#, "uniform 1s..3s"),
            (r#"{ dist = "lognormal", median = "4s", p95 = "12s" }"#, "log-normal, median 4s, p95 12s"),
            (r#"{ dist = "normal", mean = "95s", sd = "15s", min = "60s" }"#, "normal, mean 1m35s, sd 15s, min 1m00s"),
            (r#"{ dist = "normal", mean = "9s", sd = "1s", max = "10s" }"#, "normal, mean 9s, sd 1s, max 10s"),
            (r#"{ dist = "weibull", shape = 0.75, scale = "1h" }"#, "Weibull, shape 0.75, scale 1h00m00s"),
            (r#"{ dist = "empirical", quantiles = { p50 = "4s", "p99.9" = "1m" } }"#, "empirical, p50 4s, p99.9 1m00s"),
            (r#"{ dist = "empirical", values = ["1s", "2s"], weights = [3, 1] }"#, "empirical, 3 × 1s, 1 × 2s"),
            (r#"{ dist = "empirical", values = ["1s", "2s"] }"#, "empirical, 1 × 1s, 1 × 2s"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(shown), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for text in [
            r#""4.000001s""#,
            r#"{ dist = "uniform", min = "1s", max = "3s" }"#,
            r#"{ dist = "exponential", mean = "12m", max = "25m" }"#,
            r#"{ dist = "lognormal", median = "4s", p95 = "12s", min = "1s" }"#,
            r#"{ dist = "normal", mean = "95s", sd = "15s", min = "60s" }"#,
            r#"{ dist = "weibull", shape = 0.75, scale = "1h" }"#,
            r#"{ dist = "empirical", quantiles = { p50 = "4s", "p99.9" = "1m" } }"#,
            r#"{ dist = "empirical", values = ["1s", "2s"], weights = [3, 1] }"#,
        ] {
            let read = |text: &str| {
                let text = format!("delay = {text}");
                let root = DeTable::parse(&text).expect("TOML");
                let mut problems = Problems::default();
                delay(&root.get_ref()["delay"], "delay", &mut Sink::new("x.toml", &mut problems)).expect("a delay")
            };
            let first = read(text);
            assert_eq!(read(&written(&first)), first, "{text}");
        }
    }

    #[test]
    fn slips_are_told() {
        for (text, told) in [
            (r#"{ dist = "norml", mean = "1s" }"#, "`norml` is not a distribution"),
            (r#"{ dist = "normal", mean = "1s" }"#, "`delay` has no `sd`"),
            (r#"{ dist = "normal", mean = "1s", sd = "1s", shape = 2 }"#, "a distribution `normal` has no `shape`"),
            (r#"{ dist = "normal", mean = "1s", sd = "0s" }"#, "needs a standard deviation above zero"),
            (r#"{ dist = "weibull", scale = "1s", shape = "big" }"#, "`big` is not a shape"),
            (r#"{ dist = "weibull", scale = "1s", shape = 99 }"#, "from 0.1 to 10, not 99"),
            (r#"{ dist = "empirical" }"#, "either `quantiles` or `values`"),
            (
                r#"{ dist = "empirical", values = ["1s"], quantiles = { p50 = "1s" } }"#,
                "either `quantiles` or `values`",
            ),
            (r#"{ dist = "empirical", quantiles = { p50 = "1s" }, weights = [1] }"#, "quantiles have no weights"),
            (r#"{ dist = "empirical", quantiles = { p50 = "2s", p9 = "3s" } }"#, "p9 does not come after p50"),
            (r#"{ dist = "empirical", quantiles = { half = "2s" } }"#, "`half` is not a quantile"),
            (r#"{ dist = "empirical", values = ["1s"], weights = [1, 2] }"#, "2 weights for 1 values"),
            (r#"{ dist = "empirical", values = ["1s"], weights = [0] }"#, "a weight above zero"),
            (r#"{ dist = "empirical", values = "1s" }"#, "`values` is not a list"),
        ] {
            let message = read(text).expect_err(text);
            assert!(message.contains(told), "{text}: {message}");
        }
    }
}
