//! `evenkeel list`: what scenarios may use, straight from the registries.

use super::arguments::Registry;
use crate::fault;
use crate::object::delay::DELAYS;
use crate::object::setting::SETTINGS;
use crate::scenario::measure::MEASURES;
use crate::scenario::rule::RULES;

/// The registry as text.
pub fn list(what: Registry) -> String {
    match what {
        Registry::Faults => faults(),
        Registry::Measures => measures(),
        Registry::Settings => {
            let rows =
                SETTINGS.iter().map(|row| [row.component, row.name, &row.unit.show(row.default)].map(String::from));
            table(["PROGRAM", "SETTING", "DEFAULT"], rows)
        }
        Registry::Delays => {
            let rows = DELAYS.iter().map(|row| [row.name, &row.default.to_string(), row.what].map(String::from));
            table(["DELAY", "DEFAULT", "WHAT"], rows)
        }
    }
}

fn faults() -> String {
    let mut text = String::new();
    for row in fault::REGISTRY {
        text.push_str(&format!("{}\n  {}\n", row.name, row.summary));
        if !row.has_target {
            text.push_str("  It has no `target`.\n");
        }
        match row.end {
            Some(end) => text.push_str(&format!("  After `for`: {end}\n")),
            None => text.push_str("  It is over at once and has no `for`.\n"),
        }
        for field in row.parameters {
            text.push_str(&format!("  {}: {}\n", field.name, field.what));
        }
    }
    text
}

fn measures() -> String {
    let measures = MEASURES.iter().map(|row| [row.name, row.unit.name(), row.what]);
    let rules = RULES.iter().map(|row| [row.name, "rule", row.what]);
    table(["NAME", "UNIT", "WHAT"], measures.chain(rules).map(|row| row.map(String::from)))
}

/// Columns as wide as their widest cell, two blanks apart.
fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let all: Vec<[String; N]> = std::iter::once(head.map(String::from)).chain(rows).collect();
    let widths: [usize; N] =
        std::array::from_fn(|column| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for row in all {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_a_registry_is_listed() {
        let settings = list(Registry::Settings);
        assert_eq!(settings.lines().count(), SETTINGS.len() + 1);
        assert!(settings.contains("kube-controller-manager  node-monitor-grace-period"), "{settings}");
        assert_eq!(list(Registry::Delays).lines().count(), DELAYS.len() + 1);
        assert_eq!(list(Registry::Measures).lines().count(), MEASURES.len() + RULES.len() + 1);
        for row in fault::REGISTRY {
            assert!(list(Registry::Faults).contains(row.summary));
        }
    }
}
