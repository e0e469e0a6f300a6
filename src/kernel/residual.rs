//! Means of delays, and what is left of a delay that has been under way for who knows how long.
//!
//! Who looks at a renewal process at any moment falls into a long gap more often than into a short one: into a gap of
//! length x as often as x times its density says. The moment lies anywhere within that gap. So what is left is a uniform
//! share of a gap drawn from the length-biased distribution, and its density is (1 − F(x)) / mean. Source: D. R. Cox,
//! "Renewal Theory" (1962), chapter 5.

use super::dist::{Delay, NORMAL_P95, normal_quantile, normal_share, rounded};
use super::rng::{Draws, Purpose};
use super::time::Span;

impl Delay {
    /// Mean, to the microsecond.
    pub fn mean(&self) -> Span {
        let micros = |span: Span| span.as_micros() as f64;
        let mean = match *self {
            Delay::Constant(span) => micros(span),
            Delay::Within { ref delay, min, max } => micros(delay.mean().max(min).min(max)),
            Delay::Uniform { min, max } => (micros(min) + micros(max)) / 2.0,
            Delay::Exponential { mean } => micros(mean),
            Delay::LogNormal { median, p95 } => {
                let sigma = sigma(median, p95);
                micros(median) * libm::exp(sigma * sigma / 2.0)
            }
            Delay::Normal { min, max, .. } => {
                let (part, share) = self.normal_parts(max);
                // Far out in a tail nothing is left to divide by; the mean lies within the bounds all the same.
                let mean = if share > 0.0 { part / share } else { micros(min) };
                mean.clamp(micros(min), micros(max))
            }
            Delay::Weibull { shape_milli, scale } => micros(scale) * libm::tgamma(1.0 + 1e3 / f64::from(shape_milli)),
            Delay::Quantiles(ref table) => pieces(table).iter().map(|piece| piece.weight * piece.middle()).sum(),
            Delay::Values(ref table) => {
                let weighted: f64 = table.iter().map(|&(span, weight)| micros(span) * f64::from(weight)).sum();
                let total: f64 = table.iter().map(|&(_, weight)| f64::from(weight)).sum();
                if total > 0.0 { weighted / total } else { 0.0 }
            }
        };
        Span::from_micros(libm::round(mean) as u64)
    }

    /// What is left of such a delay at a moment that has nothing to do with it. It takes several draws of `path`, which
    /// must be used for nothing else.
    pub fn residual(&self, draws: &Draws, path: &str) -> Span {
        let unit = |counter| draws.unit(Purpose::Delay, path, counter);
        rounded(unit(0) * self.length_biased(&|counter| unit(counter + 1)))
    }

    /// A sample that comes up as often as its length times the density (microseconds). `unit` are uniform numbers.
    fn length_biased(&self, unit: &dyn Fn(u64) -> f64) -> f64 {
        let micros = |span: Span| span.as_micros() as f64;
        match *self {
            Delay::Constant(span) => micros(span),
            // Of the bounds only the longest counts; processes of failures have none.
            Delay::Within { ref delay, max, .. } => delay.length_biased(unit).min(micros(max)),
            Delay::Uniform { min, max } => biased_uniform(micros(min), micros(max), unit(0)),
            // The sum of two: what has passed of the gap and what is left are both exponential.
            Delay::Exponential { mean } => -(libm::log1p(-unit(0)) + libm::log1p(-unit(1))) * micros(mean),
            // Again log-normal, with the logarithm moved by its variance.
            Delay::LogNormal { median, p95 } => {
                let sigma = sigma(median, p95);
                micros(median) * libm::exp(sigma * (sigma + normal_quantile(unit(0))))
            }
            Delay::Normal { min, max, .. } => {
                let wanted = unit(0) * self.normal_parts(max).0;
                let (mut low, mut high) = (min.as_micros(), max.as_micros());
                while low < high {
                    let middle = low + (high - low) / 2;
                    match self.normal_parts(Span::from_micros(middle)).0 < wanted {
                        true => low = middle + 1,
                        false => high = middle,
                    }
                }
                low as f64
            }
            // (x / scale)^shape is gamma distributed with the shape 1 + 1/shape.
            Delay::Weibull { shape_milli, scale } => {
                let power = 1e3 / f64::from(shape_milli);
                micros(scale) * libm::pow(gamma(1.0 + power, unit), power)
            }
            Delay::Quantiles(ref table) => {
                let pieces = pieces(table);
                let weights = pieces.iter().map(|piece| piece.weight * piece.middle());
                let piece = weighted(weights, unit(0)).map(|index| &pieces[index]);
                piece.map_or(0.0, |piece| biased_uniform(piece.shortest, piece.longest, unit(1)))
            }
            Delay::Values(ref table) => {
                let weights = table.iter().map(|&(span, weight)| micros(span) * f64::from(weight));
                weighted(weights, unit(0)).map_or(0.0, |index| micros(table[index].0))
            }
        }
    }

    /// Of a normal delay that is cut at `min`, up to `bound`: the integral of x times the density, and that of the density.
    fn normal_parts(&self, bound: Span) -> (f64, f64) {
        let Delay::Normal { mean, sd, min, .. } = *self else { return (0.0, 0.0) };
        let [mean, sd, min, bound] = [mean, sd, min, bound].map(|span| span.as_micros() as f64);
        let (low, high) = ((min - mean) / sd, (bound - mean) / sd);
        let density = |z: f64| libm::exp(-z * z / 2.0) / libm::sqrt(2.0 * std::f64::consts::PI);
        let share = normal_share(high) - normal_share(low);
        (mean * share + sd * (density(low) - density(high)), share)
    }
}

fn sigma(median: Span, p95: Span) -> f64 {
    libm::log(p95.as_micros() as f64 / median.as_micros() as f64) / NORMAL_P95
}

/// Inverts (x² − min²) / (max² − min²).
fn biased_uniform(min: f64, max: f64, unit: f64) -> f64 {
    libm::sqrt(min * min + unit * (max * max - min * min))
}

/// The index that `unit` falls on, each as wide as its weight; none if all weigh nothing.
fn weighted(weights: impl Iterator<Item = f64> + Clone, unit: f64) -> Option<usize> {
    let mut left = unit * weights.clone().sum::<f64>();
    let mut last = None;
    for (index, weight) in weights.enumerate().filter(|&(_, weight)| weight > 0.0) {
        last = Some(index);
        if left < weight {
            break;
        }
        left -= weight;
    }
    last
}

/// Part of a table of quantiles: this share of the delays, spread evenly between two lengths (microseconds).
struct Piece {
    weight: f64,
    shortest: f64,
    longest: f64,
}

impl Piece {
    fn middle(&self) -> f64 {
        (self.shortest + self.longest) / 2.0
    }
}

fn pieces(table: &[(u32, Span)]) -> Vec<Piece> {
    let (Some(&(_, first)), Some(&(_, last))) = (table.first(), table.last()) else { return Vec::new() };
    let whole = [(0, first)].into_iter().chain(table.iter().copied()).chain([(1_000_000, last)]);
    let piece = |((low, shortest), (high, longest)): ((u32, Span), (u32, Span))| Piece {
        weight: f64::from(high.saturating_sub(low)) / 1e6,
        shortest: shortest.as_micros() as f64,
        longest: longest.as_micros() as f64,
    };
    whole.clone().zip(whole.skip(1)).map(piece).collect()
}

/// A gamma distributed number with a shape of at least one and the scale one.
///
/// Source: G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables" (2000). More than nine of ten
/// candidates are taken.
fn gamma(shape: f64, unit: &dyn Fn(u64) -> f64) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / libm::sqrt(9.0 * d);
    let candidate = |round: u64| {
        let z = normal_quantile(unit(2 * round));
        let root = 1.0 + c * z;
        let v = root * root * root;
        let is_taken = v > 0.0 && libm::log(unit(2 * round + 1)) < z * z / 2.0 + d * (1.0 - v + libm::log(v));
        is_taken.then_some(d * v)
    };
    (0..).find_map(candidate).expect("a candidate is taken sooner or later")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: u64 = 20_000;

    fn all() -> Vec<Delay> {
        let seconds = Span::from_secs;
        let [mean, sd, max] = [95, 15, 1_000].map(seconds);
        let weibull = |shape_milli| Delay::Weibull { shape_milli, scale: seconds(100) };
        vec![
            Delay::Constant(seconds(10)),
            Delay::Uniform { min: seconds(1), max: seconds(5) },
            Delay::Exponential { mean: seconds(10) },
            Delay::LogNormal { median: seconds(4), p95: seconds(12) },
            Delay::Normal { mean, sd, min: Span::ZERO, max: super::super::dist::UNBOUNDED },
            Delay::Normal { mean, sd: seconds(50), min: seconds(60), max: seconds(200) },
            Delay::Normal { mean, sd, min: max, max: max + sd },
            weibull(500),
            weibull(700),
            weibull(1_000),
            weibull(2_500),
            Delay::Quantiles([(250_000, seconds(4)), (500_000, seconds(8)), (950_000, seconds(130))].into()),
            Delay::Values([(seconds(1), 3), (seconds(7), 0), (seconds(20), 1)].into()),
        ]
    }

    fn samples(delay: &Delay) -> Vec<f64> {
        let draws = Draws::new(11);
        (0..SAMPLES).map(|n| delay.sample(&draws, "gap", n).as_secs_f64()).collect()
    }

    fn average(of: impl Iterator<Item = f64>) -> f64 {
        of.sum::<f64>() / SAMPLES as f64
    }

    #[test]
    fn the_mean_is_that_of_the_samples() {
        for delay in all() {
            let measured = average(samples(&delay).into_iter());
            assert!((delay.mean().as_secs_f64() / measured - 1.0).abs() < 0.04, "{delay}: {measured}");
        }
        let draws = Draws::new(11);
        let known = Delay::Weibull { shape_milli: 750, scale: Span::from_secs(1_000_000) };
        assert_eq!(known.mean().as_secs(), 1_190_639, "1,000,000 · Γ(7/3)");
        assert_eq!(Delay::Values([(Span::ZERO, 1)].into()).residual(&draws, "none"), Span::ZERO);
    }

    /// The share of residuals below x is the mean of min(gap, x) over the mean gap, whatever the distribution.
    #[test]
    fn what_is_left_of_a_gap_follows_its_formula() {
        for delay in all() {
            let gaps = samples(&delay);
            let draws = Draws::new(12);
            let left: Vec<f64> =
                (0..SAMPLES).map(|n| delay.residual(&draws, &format!("left {n}")).as_secs_f64()).collect();
            let mean = average(gaps.iter().copied());
            for x in [0.1, 0.3, 0.7, 1.0, 1.5, 3.0].map(|part| part * mean) {
                let expected = average(gaps.iter().map(|gap| gap.min(x))) / mean;
                let measured = average(left.iter().map(|&left| f64::from(u8::from(left < x))));
                assert!((measured - expected).abs() < 0.015, "{delay}: below {x} are {measured}, not {expected}");
            }
        }
    }
}
