//! Kubernetes quantities: `250m`, `1.5Gi`, `2e3`.
//!
//! Source: apimachinery `pkg/api/resource/{quantity,suffix}.go`, v1.36. A quantity is kept as whole
//! nano-units (upstream's finest), rounded up as there; values beyond ±2⁶³ base units are cut to
//! that, as there. Left out: keeping the format of the input for printing.

use std::fmt;

/// An amount in nano-units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity {
    nanos: i128,
}

const NANOS: i128 = 1_000_000_000;

/// The message of upstream's `ErrFormatWrong`.
pub const FORMAT_WRONG: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

impl Quantity {
    /// `units` whole base units.
    pub const fn from_units(units: i64) -> Quantity {
        Quantity { nanos: units as i128 * NANOS }
    }

    /// `milli` thousandths.
    pub const fn from_milli(milli: i64) -> Quantity {
        Quantity { nanos: milli as i128 * (NANOS / 1_000) }
    }

    /// Base units, rounded up (upstream's `Value`).
    pub fn units(self) -> i64 {
        saturated(ceil_div(self.nanos, NANOS))
    }

    /// Thousandths, rounded up (upstream's `MilliValue`).
    pub fn milli(self) -> i64 {
        saturated(ceil_div(self.nanos, NANOS / 1_000))
    }

    /// The same amount, rounded up to thousandths.
    pub fn rounded_up_to_milli(self) -> Quantity {
        let milli = NANOS / 1_000;
        Quantity { nanos: ceil_div(self.nanos, milli) * milli }
    }

    /// Whether it is below zero.
    pub const fn is_negative(self) -> bool {
        self.nanos < 0
    }

    /// Reads a quantity.
    ///
    /// # Errors
    /// Upstream's message, [`FORMAT_WRONG`].
    pub fn parse(text: &str) -> Result<Quantity, &'static str> {
        parse(text).ok_or(FORMAT_WRONG)
    }
}

fn parse(text: &str) -> Option<Quantity> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let (numerator, denominator) = scale(suffix)?;
    // Digits beyond what i128 holds are cut: upstream caps such values anyway.
    let digits: String = [whole, fraction].concat().chars().take(30).collect();
    let kept_fraction = digits.len().saturating_sub(whole.len()).min(fraction.len()) as u32;
    let value: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let scaled = value.checked_mul(numerator).unwrap_or(i128::MAX / NANOS);
    let cap = i128::from(i64::MAX) * NANOS;
    let nanos = match scaled.checked_mul(NANOS) {
        Some(nanos) => ceil_div(nanos, denominator.checked_mul(10i128.checked_pow(kept_fraction)?)?),
        None => cap,
    };
    let nanos = nanos.min(cap);
    Some(Quantity { nanos: if negative { -nanos } else { nanos } })
}

/// The suffix as a fraction of base units.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    let decimal = |power: i32| -> Option<(i128, i128)> {
        let factor = 10i128.checked_pow(power.unsigned_abs())?;
        Some(if power < 0 { (1, factor) } else { (factor, 1) })
    };
    Some(match suffix {
        "" => (1, 1),
        "n" => decimal(-9)?,
        "u" => decimal(-6)?,
        "m" => decimal(-3)?,
        "k" => decimal(3)?,
        "M" => decimal(6)?,
        "G" => decimal(9)?,
        "T" => decimal(12)?,
        "P" => decimal(15)?,
        "E" => decimal(18)?,
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        _ => decimal(suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok().filter(|power| power.abs() <= 18)?)?,
    })
}

fn ceil_div(value: i128, by: i128) -> i128 {
    value.div_euclid(by) + i128::from(value.rem_euclid(by) != 0)
}

fn saturated(value: i128) -> i64 {
    value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// The shortest of the usual forms: `250m`, `3`, `64Mi`.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = self.nanos / NANOS;
        if self.nanos % NANOS == 0 {
            let binary = [(60, "Ei"), (50, "Pi"), (40, "Ti"), (30, "Gi"), (20, "Mi"), (10, "Ki")];
            match binary.iter().find(|(bits, _)| units != 0 && units % (1 << bits) == 0) {
                Some((bits, suffix)) => write!(f, "{}{suffix}", units >> bits),
                None => write!(f, "{units}"),
            }
        } else if self.nanos % (NANOS / 1_000) == 0 {
            write!(f, "{}m", self.nanos / (NANOS / 1_000))
        } else {
            write!(f, "{}n", self.nanos)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_upstream_reads_them() {
        for (text, milli) in [
            ("250m", 250),
            ("1", 1_000),
            ("1.5", 1_500),
            (".5", 500),
            ("5.", 5_000),
            ("1.5Gi", 1_610_612_736_000),
            ("2e3", 2_000_000),
            ("2E-3", 2),
            ("100n", 1),
            ("-1m", -1),
            ("0", 0),
            ("+3k", 3_000_000),
        ] {
            assert_eq!(Quantity::parse(text).unwrap().milli(), milli, "{text}");
        }
        for text in ["", "m", "1.2.3", "1x", "1mi", "--1", "1 Gi", "e3", "1e", "1e99"] {
            assert_eq!(Quantity::parse(text), Err(FORMAT_WRONG), "{text}");
        }
        assert_eq!(Quantity::parse("1m").unwrap().units(), 1, "rounded up");
        assert_eq!(Quantity::parse("99999999E").unwrap().units(), i64::MAX, "capped");
    }

    #[test]
    fn quantities_print_and_read_back() {
        for text in ["250m", "3", "64Mi", "8Gi", "1500m", "0", "7n"] {
            assert_eq!(Quantity::parse(text).unwrap().to_string(), text);
        }
    }
}
