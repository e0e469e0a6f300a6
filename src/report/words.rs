//! Numbers as people read them.

use crate::kernel::time::Span;

/// `0s`, `12ms`, `44.8s`, `5m44.9s`, `2h05m00.0s`: milliseconds below a second, tenths of a second above.
pub fn short(span: Span) -> String {
    let micros = span.as_micros();
    if micros == 0 {
        return "0s".to_string();
    }
    if micros < 999_500 {
        return format!("{}ms", (micros + 500) / 1_000);
    }
    let tenths = (micros + 50_000) / 100_000;
    let (minutes, seconds) = (tenths / 600, format!("{}.{}", tenths % 600 / 10, tenths % 10));
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds:0>4}s"),
        (hours, minutes) => format!("{hours}h{minutes:02}m{seconds:0>4}s"),
    }
}

/// `1,912`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A bar of up to `width` characters for `part` of `whole`, in eighths of a character.
pub fn bar(part: u64, whole: u64, width: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = if whole == 0 { 0 } else { (part as u128 * u128::from(width) * 8 / u128::from(whole)) as u64 };
    format!("{}{}", "█".repeat((eighths / 8) as usize), EIGHTHS[(eighths % 8) as usize])
}

/// `1 pod`, `2 pods`.
pub fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short_and_never_say_sixty_seconds() {
        for (micros, text) in [
            (0, "0s"),
            (17, "0ms"),
            (12_345, "12ms"),
            (999_499, "999ms"),
            (999_500, "1.0s"),
            (44_849_999, "44.8s"),
            (59_960_000, "1m00.0s"),
            (344_900_000, "5m44.9s"),
            (7_500_000_000, "2h05m00.0s"),
        ] {
            assert_eq!(short(Span::from_micros(micros)), text);
        }
    }

    #[test]
    fn numbers_are_grouped_and_bars_are_in_proportion() {
        assert_eq!([0, 999, 1_912, 1_234_567].map(grouped), ["0", "999", "1,912", "1,234,567"]);
        assert_eq!(bar(300, 300, 4), "████");
        assert_eq!(bar(45, 300, 24), "███▌");
        assert_eq!(bar(0, 0, 24), "");
    }
}
