//! Simulated time: unsigned microseconds since the scenario began.
//!
//! Integers, so that two machines agree on every comparison. The wall clock of the simulated
//! cluster (dates in API objects) is [`crate::object::stamp`]'s business.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A moment: microseconds since the scenario began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Time(u64);

/// A length of time: microseconds, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Span(u64);

impl Time {
    /// When the scenario begins.
    pub const ZERO: Time = Time(0);

    /// The moment `micros` microseconds after the beginning.
    pub const fn from_micros(micros: u64) -> Time {
        Time(micros)
    }

    /// Microseconds since the beginning.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Time since `earlier`.
    ///
    /// # Panics
    /// If `earlier` is later: an event order was broken.
    pub fn since(self, earlier: Time) -> Span {
        assert!(earlier <= self, "{earlier} is after {self}");
        Span(self.0 - earlier.0)
    }

    /// Time since `earlier`, or nothing if that is not in the past.
    pub const fn saturating_since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Seconds since the beginning, for pictures and reports.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// The longest span, for "no end".
    pub const MAX: Span = Span(u64::MAX);
    /// A day.
    pub const DAY: Span = Span(24 * 60 * 60 * 1_000_000);

    /// `micros` microseconds.
    pub const fn from_micros(micros: u64) -> Span {
        Span(micros)
    }

    /// `millis` milliseconds.
    pub const fn from_millis(millis: u64) -> Span {
        Span(millis * 1_000)
    }

    /// `secs` seconds.
    pub const fn from_secs(secs: u64) -> Span {
        Span(secs * 1_000_000)
    }

    /// Length in microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Length in whole seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Length in seconds, for pictures and reports.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// This length less `other`, but not below zero.
    pub const fn saturating_sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }

    /// This length `factor` times.
    pub const fn times(self, factor: u64) -> Span {
        Span(self.0 * factor)
    }

    /// Reads `90s`, `1m30s`, `250ms`, `1.5h`, `2d`, `10us`.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(text: &str) -> Result<Span, String> {
        let wrong =
            || format!("`{text}` is not a duration: expected a number with a unit, as `90s`, `1m30s`, `250ms`, `2h`");
        if text == "0" {
            return Ok(Span::ZERO);
        }
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(wrong());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
            let (unit, after) = tail.split_at(letters);
            let unit_micros: u64 = match unit.trim() {
                "us" | "µs" => 1,
                "ms" => 1_000,
                "s" => 1_000_000,
                "m" => 60_000_000,
                "h" => 3_600_000_000,
                "d" => 86_400_000_000,
                _ => return Err(wrong()),
            };
            total = scaled(number, unit_micros).and_then(|micros| total.checked_add(micros)).ok_or_else(wrong)?;
            rest = after;
        }
        Ok(Span(total))
    }
}

/// `number` (decimal text) times `unit`, exact, or `None` if it is no number or too large.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut micros = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.checked_mul(unit)? };
    let mut digit_unit = unit;
    for digit in fraction.chars() {
        digit_unit /= 10;
        micros = micros.checked_add(u64::from(digit.to_digit(10)?) * digit_unit)?;
    }
    Some(micros)
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, span: Span) -> Time {
        Time(self.0.checked_add(span.0).expect("time past the end of u64 microseconds"))
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.checked_add(other.0).expect("span past the end of u64 microseconds"))
    }
}

impl Sub for Span {
    type Output = Span;
    fn sub(self, other: Span) -> Span {
        Span(self.0.checked_sub(other.0).expect("a span is never negative"))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Span(self.0).fmt(f)
    }
}

/// `1h02m03.5s`, `5m00s`, `44.8s`, `250ms`, `17us`: exact, without trailing zeros of the fraction.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0;
        let text = if micros == 0 {
            "0s".to_string()
        } else if micros < 1_000 {
            format!("{micros}us")
        } else if micros < 1_000_000 {
            format!("{}ms", decimal(micros, 1_000))
        } else {
            let minutes = micros / 60_000_000;
            let seconds = decimal(micros % 60_000_000, 1_000_000);
            let pad = if seconds.find('.').unwrap_or(seconds.len()) < 2 { "0" } else { "" };
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, m) => format!("{m}m{pad}{seconds}s"),
                (h, m) => format!("{h}h{m:02}m{pad}{seconds}s"),
            }
        };
        f.pad(&text)
    }
}

fn decimal(value: u64, unit: u64) -> String {
    let fraction = value % unit;
    if fraction == 0 {
        return (value / unit).to_string();
    }
    let digits = unit.ilog10() as usize;
    format!("{}.{fraction:0digits$}", value / unit).trim_end_matches('0').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, micros) in [
            ("90s", 90_000_000),
            ("1m30s", 90_000_000),
            ("250ms", 250_000),
            ("1.5h", 5_400_000_000),
            ("0.25s", 250_000),
            ("2d", 172_800_000_000),
            ("7us", 7),
            ("0", 0),
        ] {
            assert_eq!(Span::parse(text), Ok(Span(micros)), "{text}");
        }
        for text in ["", "5", "s", "1x", "-1s", "1..2s", "99999999999999d"] {
            assert!(Span::parse(text).unwrap_err().contains("is not a duration"), "{text}");
        }
    }

    #[test]
    fn spans_print_and_read_back() {
        for micros in [0, 7, 1_000, 250_000, 1_000_000, 44_800_000, 60_000_000, 300_000_000, 3_723_500_000] {
            let printed = Span(micros).to_string();
            assert_eq!(Span::parse(&printed), Ok(Span(micros)), "{printed}");
        }
        assert_eq!(Span(300_000_000).to_string(), "5m00s");
        assert_eq!(Span(3_723_500_000).to_string(), "1h02m03.5s");
    }
}
