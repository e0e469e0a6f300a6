//! A token bucket: `rate` tokens a second, at most `burst` in store, first come first served.
//!
//! Kept as the time at which the bucket would be full again (the generic cell rate algorithm), which is the
//! same bucket in exact integers. Compare `golang.org/x/time/rate` and client-go `util/flowcontrol/throttle.go`.

use super::time::{Span, Time};

/// A token bucket that starts full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Time in which one token grows; `None` if none ever does.
    interval: Option<Span>,
    burst: u64,
    full_at: Time,
}

impl Bucket {
    /// A full bucket. `rate` in thousandths of tokens per second; with rate 0 no token ever grows or is given.
    pub fn new(rate_milli: i64, burst: i64) -> Bucket {
        let interval = (rate_milli > 0).then(|| Span::from_micros((1_000_000_000 / rate_milli) as u64));
        Bucket { interval, burst: burst.max(1) as u64, full_at: Time::ZERO }
    }

    /// A full bucket in which one token grows in `interval`.
    pub fn growing(interval: Span, burst: i64) -> Bucket {
        Bucket { interval: Some(interval), burst: burst.max(1) as u64, full_at: Time::ZERO }
    }

    /// Whether it is full now.
    pub fn is_full(&self, now: Time) -> bool {
        self.full_at <= now
    }

    /// Takes a token that is there or still to grow, and says when it may be used. `None` if none ever grows.
    pub fn reserve(&mut self, now: Time) -> Option<Time> {
        let interval = self.interval?;
        let full_at = self.full_at.max(now) + interval;
        self.full_at = full_at;
        let store = interval.times(self.burst);
        Some(Time::from_micros(full_at.as_micros().saturating_sub(store.as_micros())).max(now))
    }

    /// Takes a token if one is there now.
    pub fn try_take(&mut self, now: Time) -> bool {
        self.has_token(now) && self.reserve(now).is_some()
    }

    /// Whether a token is there now.
    pub fn has_token(&self, now: Time) -> bool {
        self.interval.is_some_and(|interval| {
            self.full_at.saturating_since(now) <= interval.times(self.burst).saturating_sub(interval)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_burst_goes_at_once_and_the_rest_at_the_rate() {
        let mut bucket = Bucket::new(20_000, 3);
        let now = Time::from_micros(7_000_000);
        let waits: Vec<u64> = (0..5).map(|_| bucket.reserve(now).unwrap().since(now).as_micros()).collect();
        assert_eq!(waits, [0, 0, 0, 50_000, 100_000]);
        assert!(!bucket.has_token(now + Span::from_micros(149_999)));
        assert!(bucket.try_take(now + Span::from_micros(150_000)));
        assert!(!bucket.try_take(now + Span::from_micros(150_000)));
    }

    #[test]
    fn a_bucket_without_a_rate_never_gives() {
        let mut never = Bucket::new(0, 1);
        assert_eq!(never.reserve(Time::ZERO), None);
        assert!(!never.try_take(Time::ZERO));
    }
}
