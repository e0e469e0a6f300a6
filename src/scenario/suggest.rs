//! What somebody probably meant.

/// The candidate that `word` is most likely a slip of, if any is close enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, candidate)| distance <= allowed(&word, candidate))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// A third of the letters may be wrong. Words of which one ends in the other differ by leaving a part out, as `crash`
/// for `node.crash`.
fn allowed(word: &str, candidate: &str) -> usize {
    let (short, long) = if word.len() < candidate.len() { (word, candidate) } else { (candidate, word) };
    if short.len() > 2 && long.ends_with(short) { long.len() } else { long.chars().count().div_ceil(3) }
}

/// Edits that turn one word into the other: a letter more, less, another, or two swapped.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before_last = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, &a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &b) in to.iter().enumerate() {
            let mut best = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a == to[j - 1] && from[i - 1] == b {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

/// `a`, `b` and `c`, for messages.
pub fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let words = ["node.crash", "node.partition", "time-to-notice", "time-to-ready"];
        for (slip, meant) in [
            ("node.crahs", Some("node.crash")),
            ("crash", Some("node.crash")),
            ("Node.Partitoin", Some("node.partition")),
            ("time-to-redy", Some("time-to-ready")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(nearest(slip, words), meant, "{slip}");
        }
    }
}
