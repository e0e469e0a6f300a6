//! The difference of two runs as text for a terminal.

use super::difference::{Difference, Later, LossDifference, LostDifference, Pair, Parting, Told, moment, signed};
use super::span;
use crate::kernel::time::Span;
use crate::report::Verdict;
use crate::report::screen::Style;

/// Most differences of the scenarios that are told one by one.
const MOST_VALUES: usize = 20;

impl Difference {
    /// As text; `a` and `b` are what the runs are called.
    pub fn text(&self, a: &str, b: &str, style: Style) -> String {
        if self.is_same {
            return style.finish(format!("no difference: the same happened in both, digest {}\n", self.digest.a));
        }
        let mut text = format!("a  {a}\nb  {b}\n");
        self.scenario_text(&mut text);
        self.first_text(&mut text);
        self.milestones_text(&mut text);
        self.losses_text(&mut text);
        self.expectations_text(&mut text);
        if self.simulated_us.a != self.simulated_us.b {
            text.push_str(&format!(
                "\nThe run ended at {} in a, at {} in b.\n",
                moment(self.simulated_us.a),
                moment(self.simulated_us.b)
            ));
        }
        style.finish(text)
    }

    /// As a document.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("plain data without maps");
        format!("{text}\n")
    }

    fn scenario_text(&self, text: &mut String) {
        text.push_str("\nThe scenarios\n");
        if self.scenario.is_empty() {
            text.push_str("  say the same\n");
        }
        for value in self.scenario.iter().take(MOST_VALUES) {
            let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not there)".to_string());
            if value.name.starts_with("manifest ") {
                text.push_str(&format!("  {} is another\n", value.name));
            } else {
                text.push_str(&format!("  {}: {} in a, {} in b\n", value.name, said(&value.a), said(&value.b)));
            }
        }
        if let Some(more) = self.scenario.len().checked_sub(MOST_VALUES).filter(|more| *more > 0) {
            text.push_str(&format!("  … and {more} more: these are two scenarios rather than two runs of one\n"));
        }
    }

    fn first_text(&self, text: &mut String) {
        let seeds = self.scenario.iter().find(|value| value.name == "seed");
        if seeds.is_some() {
            text.push_str("\nThe first difference\n  Their seeds differ, so that every random moment is another from the beginning on.\n");
            let Some(first) = self.milestones.iter().min_by_key(|milestone| {
                milestone.at_us.a.into_iter().chain(milestone.at_us.b).min().unwrap_or(u64::MAX)
            }) else {
                text.push_str("  No milestone differs.\n");
                return;
            };
            text.push_str(&format!(
                "  The first milestone that differs is `{}` of {} after {}: {} in a, {} in b.\n",
                first.milestone,
                first.workload,
                first.outage,
                since(first.since_us.a),
                since(first.since_us.b)
            ));
            return;
        }
        match &self.first {
            Some(parting) => parting_text(parting, text),
            None => text.push_str("\nThe first difference\n  All facts are the same; what differs is too small to be one, as a sign of life.\n"),
        }
    }

    fn milestones_text(&self, text: &mut String) {
        if self.milestones.is_empty() {
            text.push_str("\nNo milestone differs.\n");
            return;
        }
        text.push_str("\nMilestones, since the outage\n");
        let mut heading = String::new();
        for milestone in &self.milestones {
            let this = format!("  {} {}", milestone.outage, milestone.workload);
            if this != heading {
                text.push_str(&format!("{this:<34}{:>10} {:>10} {:>10}\n", "a", "b", "b - a"));
                heading = this;
            }
            let change = match (milestone.since_us.a, milestone.since_us.b) {
                (Some(a), Some(b)) => signed(a, b),
                _ => String::new(),
            };
            let owner = match (&milestone.owner.a, &milestone.owner.b) {
                (Some(a), Some(b)) if a == b => a.clone(),
                (Some(a), Some(b)) => match (a.rsplit_once(' '), b.rsplit_once(' ')) {
                    // The same setting with two values.
                    (Some((name, _)), Some((other, value))) if name == other => format!("{a}, {value} in b"),
                    _ => format!("{a}, {b} in b"),
                },
                (Some(one), None) | (None, Some(one)) => one.clone(),
                (None, None) => String::new(),
            };
            let line = format!(
                "    {:<30}{:>10} {:>10} {change:>10}  {owner}",
                milestone.milestone,
                since(milestone.since_us.a),
                since(milestone.since_us.b)
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }

    fn losses_text(&self, text: &mut String) {
        if self.losses.is_empty() {
            return;
        }
        text.push_str("\nWhat was lost, in time of one replica\n");
        let mut room = MOST_VALUES;
        for LostDifference { event, workload, replica_us: Pair { a, b } } in &self.lost {
            let own = |loss: &&LossDifference| (&loss.event, &loss.workload) == (event, workload);
            let own: Vec<&LossDifference> = self.losses.iter().filter(own).take(room).collect();
            if own.is_empty() {
                break;
            }
            room -= own.len();
            let head = format!("  {event} {workload}");
            text.push_str(&format!("{head:<34}{:>10} {:>10} {:>10}\n", "a", "b", "b - a"));
            let (all_a, all_b) = (lasting(*a), lasting(*b));
            text.push_str(&format!("    {:<30}{all_a:>10} {all_b:>10} {:>10}\n", "lost", signed(*a, *b)));
            own.into_iter().for_each(|loss| part_text(loss, text));
        }
        if let Some(more) = self.losses.len().checked_sub(MOST_VALUES).filter(|more| *more > 0) {
            text.push_str(&format!("  … and {more} more parts\n"));
        }
    }

    fn expectations_text(&self, text: &mut String) {
        if self.expectations.is_empty() {
            return;
        }
        text.push_str("\nExpectations with another verdict\n");
        for expectation in &self.expectations {
            let said = |verdict: Option<Verdict>, found: &Option<String>| {
                let found = found.as_ref().map_or_else(String::new, |found| format!(" ({found})"));
                verdict.map_or_else(|| "not there".to_string(), |verdict| format!("{}{found}", verdict.name()))
            };
            let (a, b) = (&expectation.verdict, &expectation.found);
            text.push_str(&format!("  {}: {} in a, {} in b\n", expectation.id, said(a.a, &b.a), said(a.b, &b.b)));
        }
    }
}

fn part_text(loss: &LossDifference, text: &mut String) {
    let owner = match (&loss.value.a, &loss.value.b) {
        (Some(a), Some(b)) if a != b => format!("{} {a}, {b} in b", loss.owner),
        (Some(value), _) | (None, Some(value)) => format!("{} {value}", loss.owner),
        (None, None) => String::new(),
    };
    let Pair { a, b } = loss.replica_us;
    let line = format!("      {:<28}{:>10} {:>10} {:>10}  {owner}", loss.cause, lasting(a), lasting(b), signed(a, b));
    text.push_str(line.trim_end());
    text.push('\n');
}

fn lasting(micros: u64) -> String {
    span(Span::from_micros(micros))
}

fn since(micros: Option<u64>) -> String {
    micros.map_or_else(|| "never".to_string(), |micros| span(Span::from_micros(micros)))
}

fn parting_text(parting: &Parting, text: &mut String) {
    text.push_str(&format!(
        "\nThe first difference, at {}, after {} facts that are the same\n",
        moment(parting.at_us),
        parting.facts_before
    ));
    let is_now = |told: &&Told| told.fact.at_us == parting.at_us;
    let now = |name: &str, told: &Option<Told>, text: &mut String| match told.as_ref().filter(is_now) {
        Some(told) => text.push_str(&format!("  in {name}: {}\n", told.because)),
        None => text.push_str(&format!("  in {name}: nothing happens then\n")),
    };
    now("a", &parting.next.a, text);
    now("b", &parting.next.b, text);
    match &parting.same_later {
        Some(Later { first_in, other, later_us }) => {
            let other_name = if *first_in == "a" { "b" } else { "a" };
            if *later_us > 0 {
                text.push_str(&format!(
                    "  the same in {other_name}, {} later: {}\n",
                    span(Span::from_micros(*later_us)),
                    other.because
                ));
            }
        }
        None => {
            let other = [("a", &parting.next.a), ("b", &parting.next.b)]
                .into_iter()
                .find(|(_, told)| told.as_ref().is_some_and(|told| !is_now(&told)));
            if let Some((name, Some(told))) = other {
                text.push_str(&format!("  it never happens in {name}, where what comes next is: {}\n", told.because));
            }
        }
    }
}
