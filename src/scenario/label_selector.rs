//! Reads label selectors as kubectl's `-l` takes them: `disk=ssd,tier in (a, b),!legacy`.
//!
//! Source: `staging/src/k8s.io/apimachinery/pkg/labels/selector.go`, v1.36. Left out: `>` and `<`.

use crate::object::labels::{Labels, Operator, Requirement, Selector};
use crate::object::validation::text;

/// Reads a selector.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse(written: &str) -> Result<Selector, String> {
    let mut selector = Selector { labels: Labels::default(), expressions: Vec::new() };
    for term in terms(written) {
        let term = term.trim();
        if term.is_empty() {
            return Err(match written.trim() {
                "" => "the selector is empty".to_string(),
                _ => format!("`{written}` has an empty part between its commas"),
            });
        }
        requirement(term, &mut selector)?;
    }
    Ok(selector)
}

/// The parts between commas, of which those within brackets do not count.
fn terms(written: &str) -> Vec<&str> {
    let (mut terms, mut start, mut is_inside) = (Vec::new(), 0, false);
    for (at, c) in written.char_indices() {
        match c {
            '(' => is_inside = true,
            ')' => is_inside = false,
            ',' if !is_inside => {
                terms.push(&written[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&written[start..]);
    terms
}

fn requirement(term: &str, selector: &mut Selector) -> Result<(), String> {
    let mut add = |name: &str, operator: Operator, values: Vec<String>| -> Result<(), String> {
        let name = name.trim();
        let values_are_good = values.iter().flat_map(|value| text::label_value(value));
        if let Some(fault) = text::qualified_name(name).into_iter().chain(values_are_good).next() {
            return Err(format!("`{term}` cannot be a selector: {fault}"));
        }
        let values = values.iter().map(|value| value.as_str().into()).collect();
        selector.expressions.push(Requirement { key: name.into(), operator, values });
        Ok(())
    };
    let words: Vec<&str> = term.split_whitespace().collect();
    if let [name, word @ ("in" | "notin"), value] = words[..]
        && !term.contains('(')
    {
        return Err(format!("`{term}` has no brackets: write `{name} {word} ({value})`"));
    }
    if let Some((head, list)) = term.split_once('(') {
        let list = list.strip_suffix(')').ok_or_else(|| format!("`{term}` has no closing bracket"))?;
        let values: Vec<String> = list.split(',').map(|value| value.trim().to_string()).collect();
        return match head.trim().rsplit_once(char::is_whitespace) {
            Some((name, "in")) => add(name, Operator::In, values),
            Some((name, "notin")) => add(name, Operator::NotIn, values),
            _ => Err(format!("`{term}` is not a selector: expected as `key in (a, b)` or `key notin (a, b)`")),
        };
    }
    if let Some((name, value)) = term.split_once("!=") {
        return add(name, Operator::NotIn, vec![value.trim().to_string()]);
    }
    if let Some((name, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return add(name, Operator::In, vec![value.trim().to_string()]);
    }
    match term.strip_prefix('!') {
        Some(name) => add(name, Operator::DoesNotExist, Vec::new()),
        None => add(term, Operator::Exists, Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read_as_kubectl_reads_them() {
        let labels: Labels = [("disk", "ssd"), ("tier", "a")].into_iter().collect();
        for (written, matches) in [
            ("disk=ssd", true),
            ("disk==ssd,tier in (a, b)", true),
            ("disk!=ssd", false),
            ("gpu!=a100", true),
            ("tier notin (b,c), disk", true),
            ("!disk", false),
            ("!gpu", true),
            ("gpu", false),
        ] {
            assert_eq!(parse(written).map(|selector| selector.matches(&labels)), Ok(matches), "{written}");
        }
    }

    #[test]
    fn what_is_no_selector_says_why() {
        for (written, told) in [
            ("", "is empty"),
            ("a=b,,c", "an empty part"),
            ("tier in a, b)", "has no brackets: write `tier in (a)`"),
            ("tier in (a, b", "no closing bracket"),
            ("tier inn (a)", "expected as `key in (a, b)`"),
            ("di sk=ssd", "cannot be a selector"),
            ("disk=s sd", "cannot be a selector"),
        ] {
            let message = parse(written).expect_err(written);
            assert!(message.contains(told), "{written}: {message}");
        }
    }
}
