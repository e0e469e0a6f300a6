//! How many times longer something takes: exact factors, and several of them at once.

use super::time::Span;
use std::fmt;

/// A factor (thousandths). Not a float, so that it can be compared and hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Factor(u32);

impl Factor {
    /// Nothing changes.
    pub const ONE: Factor = Factor(UNIT);

    /// Reads `5` or `2.5`.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(text: &str) -> Result<Factor, String> {
        let thousandths = text.parse::<f64>().map_or(f64::NAN, |number| number * f64::from(UNIT) + 0.5);
        let is_factor = thousandths >= f64::from(UNIT) && thousandths < f64::from(MOST.0) + 1.0;
        is_factor
            .then_some(Factor(thousandths as u32))
            .ok_or_else(|| format!("`{text}` is not a factor: expected a number from {} to {MOST}", Factor::ONE))
    }

    /// So many times `span`, rounded down.
    pub fn of(self, span: Span) -> Span {
        let micros = u128::from(span.as_micros()) * u128::from(self.0) / u128::from(UNIT);
        Span::from_micros(u64::try_from(micros).unwrap_or(u64::MAX).min(LONGEST_MICROS))
    }
}

const UNIT: u32 = 1_000;
/// What is a thousand times slower does not work any more. Ours.
const MOST: Factor = Factor(1_000 * UNIT);
/// Several factors at once must not overflow the clock (about 30 years).
const LONGEST_MICROS: u64 = 1_000_000_000_000_000;

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.0 / UNIT, self.0 % UNIT);
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Factors that hold at the same time: their product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Factors(Vec<Factor>);

impl Factors {
    /// One more holds, or one that was added before no longer does.
    pub fn change(&mut self, factor: Factor, begins: bool) {
        if begins {
            let at = self.0.partition_point(|&other| other < factor);
            return self.0.insert(at, factor);
        }
        let at = self.0.iter().position(|&other| other == factor);
        self.0.remove(at.expect("a factor that ends has begun"));
    }

    /// What `span` becomes.
    pub fn of(&self, span: Span) -> Span {
        self.0.iter().fold(span, |span, factor| factor.of(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_read_shown_and_multiplied() {
        let second = Span::from_secs(1);
        let [two, half_more] = ["2", "1.5"].map(|text| Factor::parse(text).unwrap());
        assert_eq!((two.to_string().as_str(), half_more.to_string().as_str()), ("2", "1.5"));
        let mut factors = Factors::default();
        assert_eq!(factors.of(second), second);
        [two, half_more, two].into_iter().for_each(|factor| factors.change(factor, true));
        assert_eq!(factors.of(second), second.times(6));
        factors.change(two, false);
        assert_eq!(factors.of(second), second.times(3));
        for text in ["0.5", "-2", "fast", "NaN", "1001", ""] {
            assert!(Factor::parse(text).unwrap_err().contains("a number from 1 to 1000"), "{text}");
        }
    }
}
