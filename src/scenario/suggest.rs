//! What somebody probably meant.

/// The candidate that `word` is most likely a slip of, if any is close enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, candidate)| distance <= allowed(&word, candidate) && has_sense(&word, candidate, distance))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// What a key is called elsewhere, in Kubernetes' objects and in other tools, and here.
const ELSEWHERE: &[(&str, &[&str])] = &[
    ("action", &["do"]),
    ("at", &["from"]),
    ("cores", &["cpu"]),
    ("cpus", &["cpu"]),
    ("depends-on", &["after"]),
    ("duration", &["for"]),
    ("fault", &["do"]),
    ("file", &["manifests"]),
    ("files", &["manifests"]),
    ("hostname", &["node"]),
    ("in", &["within"]),
    ("interval", &["every"]),
    ("lasts", &["for"]),
    ("machines", &["pool"]),
    ("max", &["at-most"]),
    ("maximum", &["at-most"]),
    ("mem", &["memory"]),
    ("min", &["at-least"]),
    ("minimum", &["at-least"]),
    ("mtbf", &["every"]),
    ("mttf", &["every"]),
    ("mttr", &["for"]),
    ("nodes", &["pool"]),
    ("node-count", &["count"]),
    ("number", &["count", "replicas"]),
    ("object", &["of"]),
    ("parent", &["within"]),
    ("priorityclassname", &["priority-class"]),
    ("progressdeadlineseconds", &["progress-deadline"]),
    ("minreadyseconds", &["min-ready"]),
    ("ram", &["memory"]),
    ("selector", &["target", "labels"]),
    ("size", &["count", "replicas"]),
    ("terminationgraceperiodseconds", &["grace-period"]),
    ("time", &["at"]),
    ("tolerationseconds", &["seconds"]),
    ("topologyspreadconstraints", &["spread"]),
    ("type", &["do", "kind", "dist"]),
    ("when", &["at"]),
    ("workload", &["of"]),
];

/// The key among `candidates` that `word` stands for: the nearest, or what others call so.
pub fn meant<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let elsewhere = word.to_lowercase();
    let names = ELSEWHERE.iter().find(|(name, _)| *name == elsewhere).map_or(&[][..], |(_, names)| names);
    let known = candidates.iter().find(|candidate| names.contains(candidate)).copied();
    known.or_else(|| nearest(word, candidates))
}

/// Whether a guess helps anybody: not if nothing is left of the word, nor if only numbers differ, as in `w-4` and `w-1`.
fn has_sense(word: &str, candidate: &str, distance: usize) -> bool {
    let without_digits = |text: &str| text.to_lowercase().replace(|c: char| c.is_ascii_digit(), "");
    let is_another_number = distance > 0 && without_digits(word) == without_digits(candidate);
    distance < word.chars().count().max(candidate.chars().count()) && !is_another_number
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
    fn a_guess_has_something_in_common_with_the_word() {
        assert_eq!(nearest("c", ["a", "b"]), None);
        assert_eq!(nearest("w-4", ["w-1", "w-2"]), None);
        assert_eq!(nearest("ww", ["w"]), Some("w"));
    }

    #[test]
    fn what_others_call_a_key_is_known_where_there_is_one() {
        assert_eq!(meant("duration", ["at", "for"]), Some("for"));
        assert_eq!(meant("duration", ["at", "until"]), None);
        assert_eq!(meant("terminationGracePeriodSeconds", ["name", "grace-period"]), Some("grace-period"));
        assert_eq!(meant("tagret", ["at", "target"]), Some("target"));
    }

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
