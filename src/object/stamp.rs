//! Dates as API objects carry them.
//!
//! `metav1.Time` has whole seconds, cut off as it passes through the API server; `metav1.MicroTime`
//! (leases, events) has microseconds. Source: apimachinery `pkg/apis/meta/v1/{time,micro_time}.go`, v1.36.

use crate::kernel::time::{Span, Time};
use std::fmt;

/// A date in whole seconds since 1970 (UTC): `metav1.Time`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Timestamp(pub i64);

/// A date in microseconds since 1970 (UTC): `metav1.MicroTime`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct MicroTime(pub i64);

/// Turns simulated time into dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Clock {
    /// The date of time zero (microseconds since 1970).
    pub epoch_micros: i64,
}

impl Clock {
    /// The date `now`, in whole seconds.
    pub fn timestamp(&self, now: Time) -> Timestamp {
        Timestamp(self.micro_time(now).0.div_euclid(1_000_000))
    }

    /// The date `now`, in microseconds.
    pub fn micro_time(&self, now: Time) -> MicroTime {
        MicroTime(self.epoch_micros + now.as_micros() as i64)
    }

    /// How long ago `date` was; nothing if it is not in the past.
    pub fn since(&self, date: Timestamp, now: Time) -> Span {
        Span::from_micros((self.micro_time(now).0 - date.0 * 1_000_000).max(0) as u64)
    }

    /// The simulated time of `date`, or zero if the scenario began later.
    pub fn time_of(&self, date: Timestamp) -> Time {
        Time::from_micros((date.0 * 1_000_000 - self.epoch_micros).max(0) as u64)
    }
}

impl Timestamp {
    /// The date `seconds` later.
    pub const fn plus_seconds(self, seconds: i64) -> Timestamp {
        Timestamp(self.0 + seconds)
    }

    /// Reads `2026-11-24T18:00:00Z`.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(text: &str) -> Result<Timestamp, String> {
        parse_rfc3339(text).ok_or_else(|| format!("`{text}` is not a date: expected UTC as `2026-11-24T18:00:00Z`"))
    }
}

fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let numbers = |part: &str, separator: char| -> Option<[i64; 3]> {
        let mut fields = part.split(separator).map(|field| field.parse::<i64>().ok().filter(|&number| number >= 0));
        let parsed = [fields.next()??, fields.next()??, fields.next()??];
        fields.next().is_none().then_some(parsed)
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let stamp = Timestamp(days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second);
    (valid && stamp.to_string() == text).then_some(stamp)
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar. Source: H. Hinnant, "chrono-compatible low-level date algorithms".
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// `2026-11-24T18:00:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(86_400));
        let second = self.0.rem_euclid(86_400);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_print_and_read_back() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_543_200, "2026-11-24T18:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp(seconds).to_string(), text);
            assert_eq!(Timestamp::parse(text), Ok(Timestamp(seconds)));
        }
        for text in ["", "2026-11-24", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-24T18:00:00+01:00"] {
            assert!(Timestamp::parse(text).unwrap_err().contains("is not a date"), "{text}");
        }
    }

    #[test]
    fn api_dates_lose_their_fraction_of_a_second() {
        let clock = Clock { epoch_micros: 1_795_543_200_700_000 };
        assert_eq!(clock.timestamp(Time::from_micros(299_999)), Timestamp(1_795_543_200));
        assert_eq!(clock.timestamp(Time::from_micros(300_000)), Timestamp(1_795_543_201));
        assert_eq!(clock.since(Timestamp(1_795_543_200), Time::ZERO), Span::from_millis(700));
    }
}
