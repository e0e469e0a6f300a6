//! Random delays as data: what a scenario may say of how long something takes.
//!
//! Samples are drawn by inversion from keyed draws with pure-Rust `libm`, so that every machine
//! gets the same microsecond. `rand_distr` is left out on purpose: its arithmetic follows the
//! platform and feature unification.

use super::rng::{Draws, Purpose};
use super::time::Span;
use std::fmt;
use std::sync::Arc;

/// How long something takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
    /// Normal with this mean and standard deviation before it is cut to [min, max]: what lies outside is left out, and the
    /// rest keeps its shape.
    Normal {
        /// Mean.
        mean: Span,
        /// Standard deviation.
        sd: Span,
        /// Shortest.
        min: Span,
        /// Longest.
        max: Span,
    },
    /// Weibull: below a shape of one, what has taken long is likely to take longer still; at one it is exponential.
    Weibull {
        /// Shape (thousandths).
        shape_milli: u32,
        /// Scale: 63 % of the samples are below it.
        scale: Span,
    },
    /// As measured: quantiles (millionths, and the delay there) in ascending order, with straight lines between them. Below
    /// the first and above the last the delay is that of the first and the last.
    Quantiles(Arc<[(u32, Span)]>),
    /// One of these delays, as often as its weight says.
    Values(Arc<[(Span, u32)]>),
    /// Another delay; what is shorter or longer than these bounds becomes the bound.
    Within {
        /// The other delay.
        delay: Arc<Delay>,
        /// Shortest.
        min: Span,
        /// Longest.
        max: Span,
    },
}

/// Without an upper bound.
pub const UNBOUNDED: Span = Span::from_micros(LONGEST_MICROS as u64);

/// The 95 % quantile of the standard normal distribution.
pub(super) const NORMAL_P95: f64 = 1.644_853_626_951_472_7;

impl Delay {
    /// No delay.
    pub const NONE: Delay = Delay::Constant(Span::ZERO);

    /// A sample for this key. A constant draws nothing.
    pub fn sample(&self, draws: &Draws, path: &str, counter: u64) -> Span {
        let unit = || draws.unit(Purpose::Delay, path, counter);
        match *self {
            Delay::Constant(span) => span,
            Delay::Uniform { min, max } => {
                let width = Span::from_micros(max.saturating_sub(min).as_micros() + 1);
                min + draws.span_below(Purpose::Delay, path, counter, width)
            }
            Delay::Exponential { mean } => rounded(-libm::log1p(-unit()) * mean.as_micros() as f64),
            Delay::LogNormal { median, p95 } => {
                let sigma = libm::log(p95.as_micros() as f64 / median.as_micros() as f64) / NORMAL_P95;
                rounded(median.as_micros() as f64 * libm::exp(sigma * normal_quantile(unit())))
            }
            Delay::Normal { mean, sd, min, max } => {
                let [mean, sd] = [mean, sd].map(|span| span.as_micros() as f64);
                let share_below = |bound: Span| normal_share((bound.as_micros() as f64 - mean) / sd);
                let (low, high) = (share_below(min), share_below(max));
                let micros = mean + sd * normal_quantile(low + unit() * (high - low));
                // Far out in a tail the shares cannot be told apart; the bounds hold all the same.
                rounded(micros.max(0.0)).clamp(min, max)
            }
            Delay::Weibull { shape_milli, scale } => {
                let power = 1e3 / f64::from(shape_milli);
                rounded(libm::pow(-libm::log1p(-unit()), power) * scale.as_micros() as f64)
            }
            Delay::Quantiles(ref table) => quantile_of(table, unit()),
            Delay::Values(ref table) => {
                let total = table.iter().map(|&(_, weight)| u64::from(weight)).sum();
                let mut left = draws.below(Purpose::Delay, path, counter, total);
                let drawn = table.iter().find(|&&(_, weight)| {
                    let is_it = left < u64::from(weight);
                    left = left.saturating_sub(u64::from(weight));
                    is_it
                });
                drawn.map_or(Span::ZERO, |&(span, _)| span)
            }
            Delay::Within { ref delay, min, max } => delay.sample(draws, path, counter).max(min).min(max),
        }
    }

    /// Between which two spans all samples lie.
    pub fn bounds(&self) -> (Span, Span) {
        match *self {
            Delay::Constant(span) => (span, span),
            Delay::Uniform { min, max } | Delay::Normal { min, max, .. } => (min, max),
            Delay::Exponential { .. } | Delay::LogNormal { .. } | Delay::Weibull { .. } => (Span::ZERO, UNBOUNDED),
            Delay::Quantiles(ref table) => {
                let span = |of: Option<&(u32, Span)>| of.map_or(Span::ZERO, |&(_, span)| span);
                (span(table.first()), span(table.last()))
            }
            Delay::Values(ref table) => {
                let spans = || table.iter().map(|&(span, _)| span);
                (spans().min().unwrap_or(Span::ZERO), spans().max().unwrap_or(Span::ZERO))
            }
            Delay::Within { ref delay, min, max } => {
                let (least, most) = delay.bounds();
                (least.max(min).min(max), most.max(min).min(max))
            }
        }
    }

    /// What is wrong with its parameters, if anything.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn validate(&self) -> Result<(), String> {
        match *self {
            Delay::Uniform { min, max } | Delay::Normal { min, max, .. } | Delay::Within { min, max, .. }
                if min > max =>
            {
                Err(format!("min {min} is longer than max {max}"))
            }
            Delay::Normal { sd: Span::ZERO, .. } => {
                Err("a normal delay needs a standard deviation above zero; without one it is constant".to_string())
            }
            Delay::Weibull { shape_milli, .. } => validate_shape(shape_milli, &thousandths(shape_milli)),
            Delay::Quantiles(ref table) => validate_quantiles(table),
            Delay::Values(ref table) if table.iter().all(|&(_, weight)| weight == 0) => {
                Err("a table of delays needs at least one with a weight above zero".to_string())
            }
            Delay::LogNormal { median, .. } if median == Span::ZERO => {
                Err("a log-normal delay needs a median above zero".to_string())
            }
            Delay::LogNormal { median, p95 } if p95 < median => {
                Err(format!("p95 {p95} is shorter than the median {median}"))
            }
            Delay::Within { ref delay, .. } => delay.validate(),
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
            Delay::Normal { mean, sd, min, max } => {
                write!(f, "normal, mean {mean}, sd {sd}")?;
                bounds(f, *min, *max)
            }
            Delay::Within { delay, min, max } => {
                write!(f, "{delay}")?;
                bounds(f, *min, *max)
            }
            Delay::Weibull { shape_milli, scale } => {
                write!(f, "Weibull, shape {}, scale {scale}", thousandths(*shape_milli))
            }
            Delay::Quantiles(table) => {
                let quantiles = table.iter().map(|&(share, span)| format!("p{} {span}", percent(share)));
                write!(f, "empirical, {}", quantiles.collect::<Vec<_>>().join(", "))
            }
            Delay::Values(table) => {
                let values = table.iter().map(|(span, weight)| format!("{weight} × {span}"));
                write!(f, "empirical, {}", values.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn bounds(f: &mut fmt::Formatter<'_>, min: Span, max: Span) -> fmt::Result {
    if min > Span::ZERO {
        write!(f, ", min {min}")?;
    }
    if max < UNBOUNDED { write!(f, ", max {max}") } else { Ok(()) }
}

/// Shapes of a Weibull delay that make sense (thousandths). Measured failures and repairs lie between 0.5 and 3.
const SHAPES: std::ops::RangeInclusive<u32> = 100..=10_000;

/// Whether a Weibull delay may have this shape (thousandths), which was written so.
///
/// # Errors
/// A sentence that says what was expected.
pub fn validate_shape(shape_milli: u32, written: &str) -> Result<(), String> {
    if SHAPES.contains(&shape_milli) {
        return Ok(());
    }
    let [least, most] = [SHAPES.start(), SHAPES.end()].map(|&shape| thousandths(shape));
    Err(format!("the shape of a Weibull delay is from {least} to {most}, not {written}"))
}

fn thousandths(value: u32) -> String {
    trimmed(value, 1_000)
}

/// Millionths as per cent.
fn percent(share: u32) -> String {
    trimmed(share, 10_000)
}

fn trimmed(value: u32, unit: u32) -> String {
    let digits = unit.ilog10() as usize;
    let text = format!("{}.{:0digits$}", value / unit, value % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

fn validate_quantiles(table: &[(u32, Span)]) -> Result<(), String> {
    if table.is_empty() {
        return Err("a table of quantiles needs at least one".to_string());
    }
    if let Some(&(share, _)) = table.iter().find(|&&(share, _)| share > 1_000_000) {
        return Err(format!("there is no p{}: quantiles go from p0 to p100", percent(share)));
    }
    for pair in table.windows(2) {
        let ((low, shorter), (high, longer)) = (pair[0], pair[1]);
        if low >= high {
            return Err(format!("p{} does not come after p{}", percent(high), percent(low)));
        }
        if longer < shorter {
            let (low, high) = (percent(low), percent(high));
            return Err(format!("p{high} {longer} is shorter than p{low} {shorter}"));
        }
    }
    Ok(())
}

/// The delay at `unit` of a table of quantiles.
fn quantile_of(table: &[(u32, Span)], unit: f64) -> Span {
    let share = unit * 1e6;
    let after = table.partition_point(|&(at, _)| f64::from(at) <= share);
    let (below, above) = (after.checked_sub(1).map(|index| table[index]), table.get(after));
    match (below, above) {
        (Some((low, shorter)), Some(&(high, longer))) => {
            let part = (share - f64::from(low)) / f64::from(high - low);
            shorter + rounded((longer - shorter).as_micros() as f64 * part)
        }
        (Some((_, span)), None) | (None, Some(&(_, span))) => span,
        (None, None) => Span::ZERO,
    }
}

/// A sample longer than this (about 30 years) is cut: the tail of a distribution must not overflow the clock.
const LONGEST_MICROS: f64 = 1e15;

pub(super) fn rounded(micros: f64) -> Span {
    Span::from_micros(libm::round(micros.min(LONGEST_MICROS)) as u64)
}

/// The share of the standard normal distribution below `x`.
pub(super) fn normal_share(x: f64) -> f64 {
    libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2) / 2.0
}

/// The quantile function of the standard normal distribution.
///
/// Source: P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution
/// function" (2003), relative error below 1.15e-9. `unit` is kept off 0, where it is infinite.
pub(super) fn normal_quantile(unit: f64) -> f64 {
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

    fn quantile(delay: &Delay, share: f64) -> f64 {
        let draws = Draws::new(3);
        let mut samples: Vec<u64> = (0..20_000).map(|n| delay.sample(&draws, "test", n).as_micros()).collect();
        samples.sort_unstable();
        samples[(share * samples.len() as f64) as usize] as f64 / 1e6
    }

    #[test]
    fn all_samples_lie_within_the_bounds() {
        let seconds = Span::from_secs;
        let values: Arc<[(Span, u32)]> = Arc::new([(seconds(3), 1), (seconds(1), 2)]);
        let quantiles: Arc<[(u32, Span)]> = Arc::new([(500_000, seconds(2)), (950_000, seconds(9))]);
        let free = Arc::new(Delay::Exponential { mean: seconds(5) });
        for (delay, bounds) in [
            (Delay::Constant(seconds(4)), (seconds(4), seconds(4))),
            (Delay::Uniform { min: seconds(1), max: seconds(2) }, (seconds(1), seconds(2))),
            (Delay::Exponential { mean: seconds(5) }, (Span::ZERO, UNBOUNDED)),
            (Delay::Values(values), (seconds(1), seconds(3))),
            (Delay::Quantiles(quantiles), (seconds(2), seconds(9))),
            (Delay::Within { delay: free, min: seconds(1), max: seconds(6) }, (seconds(1), seconds(6))),
        ] {
            assert_eq!(delay.bounds(), bounds, "{delay}");
            let samples = (0..200).map(|counter| delay.sample(&Draws::new(1), "bounds", counter));
            assert!(samples.into_iter().all(|sample| bounds.0 <= sample && sample <= bounds.1), "{delay}");
        }
    }

    #[test]
    fn samples_follow_their_distribution() {
        let second = Span::from_secs(1);
        let log_normal = Delay::LogNormal { median: second.times(4), p95: second.times(12) };
        assert!((quantile(&log_normal, 0.5) - 4.0).abs() < 0.1);
        assert!((quantile(&log_normal, 0.95) - 12.0).abs() < 0.5);
        let exponential = Delay::Exponential { mean: second.times(10) };
        assert!((quantile(&exponential, 0.5) - 6.93).abs() < 0.2);
        assert!((quantile(&exponential, 0.95) - 29.96).abs() < 1.0);
        let uniform = Delay::Uniform { min: second, max: second.times(3) };
        assert!((quantile(&uniform, 0.25) - 1.5).abs() < 0.05);
        assert_eq!(Delay::Constant(second).sample(&Draws::new(1), "test", 0), second);
    }

    #[test]
    fn a_normal_delay_keeps_its_shape_between_its_bounds() {
        let [mean, sd] = [95, 15].map(Span::from_secs);
        let free = Delay::Normal { mean, sd, min: Span::ZERO, max: UNBOUNDED };
        assert!((quantile(&free, 0.5) - 95.0).abs() < 0.5);
        assert!((quantile(&free, 0.95) - (95.0 + 15.0 * NORMAL_P95)).abs() < 1.0);
        // Cut at the mean, the half below is gone: the median is the upper quartile of the whole.
        let half = Delay::Normal { mean, sd, min: mean, max: UNBOUNDED };
        assert!((quantile(&half, 0.5) - (95.0 + 15.0 * 0.674_49)).abs() < 0.5);
        assert!(quantile(&half, 0.0) >= 95.0);
        let narrow = Delay::Normal { mean, sd, min: Span::from_secs(400), max: Span::from_secs(401) };
        assert!((400.0..=401.0).contains(&quantile(&narrow, 0.5)), "20 deviations away the bounds hold all the same");
    }

    #[test]
    fn a_weibull_delay_has_the_quantiles_of_its_formula() {
        let scale = Span::from_secs(100);
        let decreasing = Delay::Weibull { shape_milli: 750, scale };
        // scale · (−ln(1 − q))^(1/shape)
        for (share, expected) in [(0.25, 18.99), (0.5, 61.34), (0.632_12, 100.0), (0.9, 304.06)] {
            assert!((quantile(&decreasing, share) / expected - 1.0).abs() < 0.04, "{share}");
        }
        let (one, mean) = (Delay::Weibull { shape_milli: 1_000, scale }, Delay::Exponential { mean: scale });
        let draws = Draws::new(1);
        (0..100).for_each(|n| assert_eq!(one.sample(&draws, "a", n), mean.sample(&draws, "a", n)));
    }

    #[test]
    fn measured_delays_follow_their_table() {
        let seconds = Span::from_secs;
        let quantiles = Delay::Quantiles([(500_000, seconds(4)), (950_000, seconds(13))].into());
        assert_eq!(quantile(&quantiles, 0.2), 4.0);
        assert!((quantile(&quantiles, 0.75) - 9.0).abs() < 0.1);
        assert_eq!(quantile(&quantiles, 0.99), 13.0);
        let values = Delay::Values([(seconds(1), 3), (seconds(7), 0), (seconds(2), 1)].into());
        assert_eq!([0.0, 0.7, 0.8, 0.99].map(|share| quantile(&values, share)), [1.0, 1.0, 2.0, 2.0]);
    }

    #[test]
    fn delays_are_shown_as_they_are_said() {
        let seconds = Span::from_secs;
        for (delay, shown) in [
            (
                Delay::Normal { mean: seconds(95), sd: seconds(15), min: Span::ZERO, max: UNBOUNDED },
                "normal, mean 1m35s, sd 15s",
            ),
            (
                Delay::Normal { mean: seconds(9), sd: seconds(1), min: seconds(8), max: seconds(20) },
                "normal, mean 9s, sd 1s, min 8s, max 20s",
            ),
            (Delay::Weibull { shape_milli: 750, scale: seconds(60) }, "Weibull, shape 0.75, scale 1m00s"),
            (Delay::Quantiles([(500_000, seconds(4)), (999_000, seconds(30))].into()), "empirical, p50 4s, p99.9 30s"),
            (Delay::Values([(seconds(1), 3), (seconds(2), 1)].into()), "empirical, 3 × 1s, 1 × 2s"),
        ] {
            assert_eq!((delay.validate(), delay.to_string().as_str()), (Ok(()), shown));
        }
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
        for (delay, told) in [
            (Delay::Normal { mean: one, sd: one, min: two, max: one }, "min 2s is longer than max 1s"),
            (Delay::Normal { mean: one, sd: Span::ZERO, min: one, max: two }, "needs a standard deviation above zero"),
            (Delay::Weibull { shape_milli: 50, scale: one }, "is from 0.1 to 10, not 0.05"),
            (Delay::Quantiles([].into()), "needs at least one"),
            (Delay::Quantiles([(500_000, two), (900_000, one)].into()), "p90 1s is shorter than p50 2s"),
            (Delay::Quantiles([(500_000, one), (500_000, two)].into()), "p50 does not come after p50"),
            (Delay::Quantiles([(2_000_000, one)].into()), "there is no p200"),
            (Delay::Values([(one, 0)].into()), "weight above zero"),
        ] {
            let message = delay.validate().unwrap_err();
            assert!(message.contains(told), "{message}");
        }
    }
}
