//! What the number of a setting counts, and how people write it.

use crate::kernel::time::Span;

const DAY: i64 = Span::DAY.as_micros() as i64;

/// What the number of a setting counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A duration (µs).
    Duration,
    /// A plain number.
    Count,
    /// A rate (thousandths per second).
    Rate,
    /// A share (millionths).
    Share,
}

impl Unit {
    /// The largest value that makes sense. Shares are of one; the others are far above what anybody uses, and small enough
    /// for every sum and product of them to be a number.
    pub const fn most(self) -> i64 {
        match self {
            Unit::Duration => 3_660 * DAY,
            Unit::Count => i32::MAX as i64,
            Unit::Rate => 1_000_000_000,
            Unit::Share => 1_000_000,
        }
    }

    /// The value as people write it: `50s`, `30`, `0.1/s`, `0.55`.
    pub fn show(self, value: i64) -> String {
        match self {
            Unit::Duration => Span::from_micros(value as u64).to_string(),
            Unit::Count => value.to_string(),
            Unit::Rate => format!("{}/s", fraction(value, 1_000)),
            Unit::Share => fraction(value, 1_000_000),
        }
    }

    /// Reads what people write.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(self, text: &str) -> Result<i64, String> {
        let decimal = |scale: f64, expected: &str| match text.trim_end_matches("/s").parse::<f64>() {
            Ok(number) if number >= 0.0 && number * scale < 9e15 => Ok((number * scale + 0.5) as i64),
            _ => Err(format!("`{text}` is not {expected}")),
        };
        match self {
            Unit::Duration => Span::parse(text).map(|span| span.as_micros() as i64),
            Unit::Count => text.parse().map_err(|_| format!("`{text}` is not a whole number")),
            Unit::Rate => decimal(1e3, "a rate per second, as `0.1`"),
            Unit::Share => decimal(1e6, "a share, as `0.55`"),
        }
    }
}

fn fraction(value: i64, scale: i64) -> String {
    let digits = scale.ilog10() as usize;
    let text = format!("{}.{:0digits$}", value / scale, value % scale);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
