//! Random delays as data: what a scenario may say of how long something takes.
//!
//! Samples are drawn by inversion from keyed draws with pure-Rust `libm`, so that every machine
//! gets the same microsecond. `rand_distr` is left out on purpose: its arithmetic follows the
//! platform and feature unification.

use super::rng::{Draws, Purpose};
use super::time::Span;
use std::fmt;

/// How long something takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delay {
    /// Always the same.
    Constant(Span),
    /// Uniform in [min, max].
    Uniform {
        /// Shortest.
        min: Span,
        /// Longest.
        max: Span,
    },
    /// Exponential with this mean.
    Exponential {
        /// Mean.
        mean: Span,
    },
    /// Log-normal: half of the samples are below `median`, 95 % below `p95`.
    LogNormal {
        /// The 50 % quantile.
        median: Span,
        /// The 95 % quantile.
        p95: Span,
    },
}

/// The 95 % quantile of the standard normal distribution.
const NORMAL_P95: f64 = 1.644_853_626_951_472_7;

impl Delay {
    /// No delay.
    pub const NONE: Delay = Delay::Constant(Span::ZERO);

    /// A sample for this key. A constant draws nothing.
    pub fn sample(&self, draws: &Draws, path: &str, counter: u64) -> Span {
        match *self {
            Delay::Constant(span) => span,
            Delay::Uniform { min, max } => {
                let width = Span::from_micros(max.saturating_sub(min).as_micros() + 1);
                min + draws.span_below(Purpose::Delay, path, counter, width)
            }
            Delay::Exponential { mean } => {
                let unit = draws.unit(Purpose::Delay, path, counter);
                rounded(-libm::log1p(-unit) * mean.as_micros() as f64)
            }
            Delay::LogNormal { median, p95 } => {
                let unit = draws.unit(Purpose::Delay, path, counter);
                let sigma = libm::log(p95.as_micros() as f64 / median.as_micros() as f64) / NORMAL_P95;
                rounded(median.as_micros() as f64 * libm::exp(sigma * normal_quantile(unit)))
            }
        }
    }

    /// What is wrong with its parameters, if anything.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn validate(&self) -> Result<(), String> {
        match *self {
            Delay::Uniform { min, max } if min > max => Err(format!("min {min} is longer than max {max}")),
            Delay::LogNormal { median, .. } if median == Span::ZERO => {
                Err("a log-normal delay needs a median above zero".to_string())
            }
            Delay::LogNormal { median, p95 } if p95 < median => {
                Err(format!("p95 {p95} is shorter than the median {median}"))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Delay::Constant(span) => write!(f, "{span}"),
            Delay::Uniform { min, max } => write!(f, "uniform {min}..{max}"),
            Delay::Exponential { mean } => write!(f, "exponential, mean {mean}"),
            Delay::LogNormal { median, p95 } => write!(f, "log-normal, median {median}, p95 {p95}"),
        }
    }
}

/// A sample longer than this (about 30 years) is cut: the tail of a distribution must not overflow the clock.
const LONGEST_MICROS: f64 = 1e15;

fn rounded(micros: f64) -> Span {
    Span::from_micros(libm::round(micros.min(LONGEST_MICROS)) as u64)
}

/// The quantile function of the standard normal distribution.
///
/// Source: P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution
/// function" (2003), relative error below 1.15e-9. `unit` is kept off 0, where it is infinite.
fn normal_quantile(unit: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.38357751867269e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 5] =
        [-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 4] = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416];
    const LOW: f64 = 0.02425;
    let polynomial = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |p: f64| {
        let q = libm::sqrt(-2.0 * libm::log(p));
        polynomial(&C, q) / (polynomial(&D, q) * q + 1.0)
    };
    let unit = unit.max(1e-17);
    if unit < LOW {
        tail(unit)
    } else if unit > 1.0 - LOW {
        -tail(1.0 - unit)
    } else {
        let q = unit - 0.5;
        let r = q * q;
        polynomial(&A, r) * q / (polynomial(&B, r) * r + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantile(delay: Delay, share: f64) -> f64 {
        let draws = Draws::new(3);
        let mut samples: Vec<u64> = (0..20_000).map(|n| delay.sample(&draws, "test", n).as_micros()).collect();
        samples.sort_unstable();
        samples[(share * samples.len() as f64) as usize] as f64 / 1e6
    }

    #[test]
    fn samples_follow_their_distribution() {
        let second = Span::from_secs(1);
        let log_normal = Delay::LogNormal { median: second.times(4), p95: second.times(12) };
        assert!((quantile(log_normal, 0.5) - 4.0).abs() < 0.1);
        assert!((quantile(log_normal, 0.95) - 12.0).abs() < 0.5);
        let exponential = Delay::Exponential { mean: second.times(10) };
        assert!((quantile(exponential, 0.5) - 6.93).abs() < 0.2);
        assert!((quantile(exponential, 0.95) - 29.96).abs() < 1.0);
        let uniform = Delay::Uniform { min: second, max: second.times(3) };
        assert!((quantile(uniform, 0.25) - 1.5).abs() < 0.05);
        assert_eq!(Delay::Constant(second).sample(&Draws::new(1), "test", 0), second);
    }

    #[test]
    fn the_normal_quantile_is_right_where_tables_are() {
        for (unit, expected) in [(0.5, 0.0), (0.95, NORMAL_P95), (0.99, 2.326_347_87), (0.001, -3.090_232_31)] {
            assert!((normal_quantile(unit) - expected).abs() < 1e-7, "{unit}");
        }
    }

    #[test]
    fn nonsense_is_refused_in_words() {
        let [one, two] = [1, 2].map(Span::from_secs);
        assert_eq!(Delay::Uniform { min: two, max: one }.validate(), Err("min 2s is longer than max 1s".into()));
        assert!(Delay::LogNormal { median: two, p95: one }.validate().is_err());
        assert!(Delay::LogNormal { median: Span::ZERO, p95: one }.validate().is_err());
        assert!(Delay::Uniform { min: one, max: two }.validate().is_ok());
    }
}
