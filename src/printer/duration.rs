//! Spans of time as kubectl shows them: two units at most, and only while they matter.
//!
//! Source: `staging/src/k8s.io/apimachinery/pkg/util/duration/duration.go`, v1.36.

use crate::object::{MicroTime, Timestamp};
use serde_json::Value;

const SECOND: i64 = 1_000_000;

/// A span (µs), which may be negative, as `duration.HumanDuration` writes it.
pub fn human(micros: i64) -> String {
    // Whole seconds, cut off towards zero.
    let seconds = micros / SECOND;
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    let two = |large: i64, unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{large}{unit}"),
        small => format!("{large}{unit}{small}{small_unit}"),
    };
    match (seconds, minutes, hours) {
        // Two seconds may be put down to clocks that differ.
        (..-1, ..) => "<invalid>".to_string(),
        (..0, ..) => "0s".to_string(),
        (..120, ..) => format!("{seconds}s"),
        (_, ..10, _) => two(minutes, "m", seconds % 60, "s"),
        (_, ..180, _) => format!("{minutes}m"),
        (_, _, ..8) => two(hours, "h", minutes % 60, "m"),
        (_, _, ..48) => format!("{hours}h"),
        (_, _, ..192) => two(hours / 24, "d", hours % 24, "h"),
        (_, _, ..17_520) => format!("{}d", hours / 24),
        (_, _, ..70_080) => two(hours / 24 / 365, "y", hours / 24 % 365, "d"),
        _ => format!("{}y", hours / 24 / 365),
    }
}

/// How long ago a date of a document was.
pub fn since(date: &Value, now: MicroTime) -> String {
    micros(date).map_or_else(|| "<unknown>".to_string(), |date| human(now.0 - date))
}

/// A date of a document, with or without a fraction of a second [µs since 1970]; none if there is none.
pub fn micros(date: &Value) -> Option<i64> {
    let text = date.as_str()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds = Timestamp::parse(&format!("{whole}Z")).ok()?;
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    Some(seconds.0 * SECOND + digits.parse::<i64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn spans_are_written_as_upstream_does() {
        const M: i64 = 60;
        const H: i64 = 60 * M;
        const D: i64 = 24 * H;
        const Y: i64 = 365 * D;
        for (seconds, text) in [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (2 * M + 30, "2m30s"),
            (9 * M + 59, "9m59s"),
            (10 * M + 59, "10m"),
            (3 * H - 1, "179m"),
            (3 * H, "3h"),
            (7 * H + 59 * M, "7h59m"),
            (8 * H + 59 * M, "8h"),
            (2 * D - 1, "47h"),
            (2 * D, "2d"),
            (2 * D + H, "2d1h"),
            (8 * D, "8d"),
            (2 * Y - 1, "729d"),
            (2 * Y, "2y"),
            (2 * Y + 80 * D, "2y80d"),
            (8 * Y, "8y"),
            (9 * Y + 100 * D, "9y"),
        ] {
            assert_eq!(human(seconds * SECOND), text, "{seconds}");
        }
        assert_eq!(human(-SECOND - 1), "0s", "cut off towards zero");
    }

    #[test]
    fn dates_have_fractions_or_none() {
        let now = MicroTime(100 * SECOND + 500_000);
        assert_eq!(since(&json!("1970-01-01T00:01:00Z"), now), "40s");
        assert_eq!(since(&json!("1970-01-01T00:01:00.750000Z"), now), "39s");
        assert_eq!(since(&json!(null), now), "<unknown>");
    }
}
