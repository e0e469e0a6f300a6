//! Numbers as people read them.

use crate::kernel::time::Span;

pub use crate::kernel::text::grouped;

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

/// `1..50`, `1,5,9`, `7`: ascending seeds as one would write them.
pub fn ranges(seeds: &[u64]) -> String {
    let mut parts: Vec<(u64, u64)> = Vec::new();
    for &seed in seeds {
        match parts.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(seed) => *last = seed,
            _ => parts.push((seed, seed)),
        }
    }
    let part = |(first, last): (u64, u64)| match last - first {
        0 => first.to_string(),
        1 => format!("{first},{last}"),
        _ => format!("{first}..{last}"),
    };
    parts.into_iter().map(part).collect::<Vec<_>>().join(",")
}

/// The text with bars and punctuation in ASCII, as long as it was; letters of names stay what they are.
pub fn ascii(text: &str) -> String {
    let replaced = |c: char| match c {
        '█' | '▉' | '▊' | '▋' | '▌' => '#',
        '▍' | '▎' | '▏' => ' ',
        '·' | '–' | '—' | '─' => '-',
        '│' | '┌' | '╭' | '╰' => '|',
        '×' => 'x',
        '…' => '~',
        '‘' | '’' => '\'',
        '“' | '”' => '"',
        other => other,
    };
    text.chars().map(replaced).collect()
}

/// The text with longer lines broken at blanks, so that none is longer than `width` characters unless a word is. What
/// follows is indented by two more than its line. Colours take no room.
pub fn folded(text: &str, width: usize) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let indent = line.chars().take_while(|c| *c == ' ').count();
        let mut rest = line;
        let mut room = width;
        let mut margin = String::new();
        while length(rest.trim_end()) > room
            && let Some(end) = break_before(rest, room)
        {
            out.push_str(&margin);
            out.push_str(rest[..end].trim_end());
            out.push('\n');
            rest = rest[end..].trim_start_matches(' ');
            margin = " ".repeat((indent + 2).min(width / 2));
            room = width - margin.len();
        }
        out.push_str(&margin);
        out.push_str(rest);
    }
    out
}

/// How many characters are seen of a line.
fn length(line: &str) -> usize {
    seen(line).count()
}

/// The characters of a line that are seen, with their places: all but the sequences that change colours.
fn seen(line: &str) -> impl Iterator<Item = (usize, char)> {
    let mut is_escape = false;
    line.char_indices().filter(move |&(_, c)| match (is_escape, c) {
        (false, '\u{1b}') => {
            is_escape = true;
            false
        }
        (true, 'm') => {
            is_escape = false;
            false
        }
        _ => !is_escape,
    })
}

/// The last blank after a word within the first `room` characters, or the first after that; none if there is no word
/// after it.
fn break_before(line: &str, room: usize) -> Option<usize> {
    let line = line.trim_end();
    let start = line.len() - line.trim_start().len();
    let mut found = None;
    for (count, (at, c)) in seen(line).enumerate() {
        if c == ' ' && at > start {
            if count > room && found.is_some() {
                break;
            }
            found = Some(at);
        }
        if count >= room && found.is_some() {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_shown_as_they_would_be_written() {
        let most = [1, 5, 6, 7, u64::MAX];
        for (seeds, text) in
            [(&[1, 2, 3, 4][..], "1..4"), (&[1, 2, 5], "1,2,5"), (&most, "1,5..7,18446744073709551615")]
        {
            assert_eq!(ranges(seeds), text);
        }
    }

    #[test]
    fn bars_and_punctuation_become_ascii_without_moving_anything() {
        let line = "seed 1 · 5s  ███▌▎ x – café";
        assert_eq!(ascii(line), "seed 1 - 5s  ####  x - café");
        assert_eq!(ascii(line).chars().count(), line.chars().count());
    }

    #[test]
    fn long_lines_are_broken_at_blanks() {
        for (text, width, shown) in [
            ("short\n", 40, "short\n"),
            ("one two three\n", 8, "one two\n  three\n"),
            ("  one two three four\n", 11, "  one two\n    three\n    four\n"),
            ("averyverylongword and more\nnext\n", 8, "averyverylongword\n  and\n  more\nnext\n"),
            ("unbreakable", 4, "unbreakable"),
            ("\u{1b}[1;32mPASS\u{1b}[0m  5/5\n", 9, "\u{1b}[1;32mPASS\u{1b}[0m  5/5\n"),
            ("", 9, ""),
        ] {
            assert_eq!(folded(text, width), shown, "{text:?}");
        }
    }

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
