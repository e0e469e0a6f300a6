//! Round places on an axis, and how they are written.

use crate::kernel::text::grouped;
use crate::kernel::time::Time;

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Units of time with the steps [of that unit] at which people count in it.
const STEPS: [(u64, &[u64]); 6] = [
    (1, &[1, 2, 5, 10, 20, 50, 100, 200, 500]),
    (1_000, &[1, 2, 5, 10, 20, 50, 100, 200, 500]),
    (SECOND, &[1, 2, 5, 10, 15, 20, 30]),
    (MINUTE, &[1, 2, 5, 10, 15, 20, 30]),
    (HOUR, &[1, 2, 3, 6, 12]),
    (DAY, &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000, 1_000_000, 100_000_000]),
];

/// Most ticks after the first one.
const TIME_TICKS_MAX: u64 = 16;
const COUNT_TICKS_MAX: i64 = 8;

/// Free space between the labels of two ticks of the time axis [px].
const GAP: i32 = 36;

/// Round moments from zero to `until` whose labels do not touch on an axis of `length` px.
pub(super) fn of_time(until: Time, length: i32, width_of: impl Fn(&str) -> i32) -> Vec<Time> {
    let until = until.as_micros();
    let steps = STEPS.iter().flat_map(|(unit, counts)| counts.iter().map(move |count| unit * count));
    for step in steps.filter(|step| until / step <= TIME_TICKS_MAX) {
        let ticks: Vec<Time> = (0..=until / step).map(|n| Time::from_micros(n * step)).collect();
        let widest = ticks.iter().map(|&at| width_of(&moment(at))).max().unwrap_or(0);
        let apart = u128::from(step) * length as u128 / u128::from(until.max(1));
        if apart >= (widest + GAP) as u128 {
            return ticks;
        }
    }
    vec![Time::ZERO]
}

/// Round counts from zero to `most`, at most one in `spacing` of `length` px.
pub(super) fn of_count(most: i64, length: i32, spacing: i32) -> Vec<i64> {
    let ticks_max = i64::from(length / spacing).clamp(1, COUNT_TICKS_MAX);
    let mut decade: i64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let step = decade.saturating_mul(factor);
            if most / step <= ticks_max {
                return (0..=most / step).map(|n| n * step).collect();
            }
        }
        decade = decade.saturating_mul(10);
    }
}

/// A tick of the time axis: `45 s`, `1 min 30 s`, `2 h`.
pub(super) fn moment(at: Time) -> String {
    let mut rest = at.as_micros();
    if rest == 0 {
        return "0".to_string();
    }
    let mut parts = Vec::new();
    for (unit, name) in [(DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"), (1_000, "ms"), (1, "µs")] {
        if rest >= unit {
            parts.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
    }
    parts.join(" ")
}

/// A count with its digits in groups: `200,000`.
pub(super) fn count(value: i64) -> String {
    grouped(value.unsigned_abs())
}

/// From this length on a run is told in days.
const LONG: u64 = 2 * DAY;

/// When a mark is: the time, rounded so that a reader is not drowned in digits.
pub(super) fn stamp(at: Time, until: Time) -> String {
    let unit = match until.as_micros() {
        0..=9_999_999 => 1_000,      // a short run: milliseconds
        10_000_000..HOUR => 100_000, // tenths of a second
        _ => SECOND,
    };
    if until.as_micros() >= LONG {
        let minutes = (at.as_micros() + MINUTE / 2) / MINUTE;
        return format!("{}d{}h{:02}m", minutes / (24 * 60), minutes / 60 % 24, minutes % 60);
    }
    let rounded = (at.as_micros() + unit / 2) / unit * unit;
    Time::from_micros(rounded).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(secs: u64) -> Vec<String> {
        let ticks = of_time(Time::from_micros(secs * SECOND), 1450, |text| text.len() as i32 * 8);
        ticks.into_iter().map(moment).collect()
    }

    #[test]
    fn ticks_of_time_are_round_in_their_own_unit() {
        let cases: [(u64, &str, &str, usize); 6] = [
            (60, "5 s", "1 min", 13),
            (300, "30 s", "5 min", 11),
            (900, "1 min", "15 min", 16),
            (3_600, "5 min", "1 h", 13),
            (7_200, "10 min", "2 h", 13),
            (172_800, "6 h", "2 d", 9),
        ];
        for (secs, second, last, len) in cases {
            let labels = labels(secs);
            assert_eq!(labels[0], "0");
            assert_eq!((labels[1].as_str(), labels.last().unwrap().as_str()), (second, last), "{labels:?}");
            assert_eq!(labels.len(), len, "{labels:?}");
        }
    }

    #[test]
    fn the_shortest_and_the_longest_run_have_ticks() {
        for micros in [1, 7, 999, 1_500, u64::MAX] {
            let ticks = of_time(Time::from_micros(micros), 1450, |text| text.len() as i32 * 8);
            assert!(ticks.len() >= 2, "{micros}: {ticks:?}");
            assert!(ticks.last().unwrap().as_micros() <= micros);
        }
    }

    #[test]
    fn ticks_of_counts_are_whole_and_round() {
        for (most, expected) in [
            (0, vec![0]),
            (1, vec![0, 1]),
            (3, vec![0, 1, 2, 3]),
            (10, vec![0, 2, 4, 6, 8, 10]),
            (107, vec![0, 20, 40, 60, 80, 100]),
            (216_000, vec![0, 50_000, 100_000, 150_000, 200_000]),
        ] {
            assert_eq!(of_count(most, 500, 60), expected, "{most}");
        }
        assert!(of_count(i64::MAX, 500, 60).len() >= 2);
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(stamp(Time::from_micros(344_812_345), Time::from_micros(15 * MINUTE)), "5m44.8s");
        assert_eq!(stamp(Time::from_micros(1_234_567), Time::from_micros(2 * SECOND)), "1.235s");
        assert_eq!(stamp(Time::from_micros(344_812_345), Time::from_micros(2 * HOUR)), "5m45s");
        assert_eq!(stamp(Time::from_micros(2_274_121_000_000), Time::from_micros(30 * DAY)), "26d7h42m");
    }
}
