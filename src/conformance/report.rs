//! What came of a comparison, for people and for programs.

use super::milestones::Scalars;
use super::recording::Recorded;
use super::replay::Replay;
use super::rule::{Sorted, differences};
use super::summary::Summary;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A scalar, recorded and simulated: enough to apply the rule again.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// Its name.
    pub name: String,
    /// Its value in each run; none where it is missing.
    pub recorded: Vec<Option<f64>>,
    /// Its values over the seeds that have it.
    pub simulated: Sorted,
}

/// Whether one scenario agrees.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Name.
    pub name: String,
    /// Family.
    pub family: String,
    /// What differs, or why it cannot be simulated, in words; nothing if it agrees.
    pub differences: Vec<String>,
    /// How many seeds were run.
    pub seeds: usize,
    /// The scalars, those in which the scenario does not differ too.
    pub scalars: Vec<Scalar>,
}

impl Outcome {
    /// Of a scenario and what its seeds gave.
    pub fn of(recorded: &Recorded, replay: &Replay, simulated: &[Summary]) -> Outcome {
        Outcome {
            differences: differences(&replay.recorded, simulated, &replay.terms),
            seeds: simulated.len(),
            scalars: scalars(&replay.recorded, simulated),
            ..Outcome::unbuilt(recorded, Vec::new())
        }
    }

    /// Of a scenario that needs what is not simulated.
    pub fn unbuilt(recorded: &Recorded, needs: Vec<String>) -> Outcome {
        Outcome {
            name: recorded.scenario.name.clone(),
            family: recorded.scenario.family.clone(),
            differences: needs,
            seeds: 0,
            scalars: Vec::new(),
        }
    }

    /// Whether nothing differs.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }

    fn to_json(&self) -> Value {
        let scalar = |scalar: &Scalar| {
            let have = scalar.simulated.len();
            let at = |share| if have == 0 { Value::Null } else { rounded(scalar.simulated.quantile(share)) };
            json!({
                "name": scalar.name,
                "recorded": scalar.recorded.iter().map(|value| value.map_or(Value::Null, rounded)).collect::<Vec<_>>(),
                "simulated": {
                    "min": at(0.0), "q10": at(0.1), "q25": at(0.25), "median": at(0.5), "q75": at(0.75),
                    "q90": at(0.9), "max": at(1.0),
                    "share": if self.seeds == 0 { 0.0 } else { have as f64 / self.seeds as f64 },
                },
            })
        };
        json!({
            "name": self.name,
            "agreed": self.agrees(),
            "differences": self.differences,
            "seeds": self.seeds,
            "scalars": self.scalars.iter().map(scalar).collect::<Vec<_>>(),
        })
    }
}

/// To the microsecond: what lies beyond is left over from subtractions.
fn rounded(value: f64) -> Value {
    json!((value * 1e6).round() / 1e6)
}

fn scalars(recorded: &[Summary], simulated: &[Summary]) -> Vec<Scalar> {
    fn both(run: &Summary) -> Scalars {
        run.times.iter().chain(&run.counts).map(|(name, value)| (name.clone(), *value)).collect()
    }
    let runs: Vec<Scalars> = recorded.iter().map(both).collect();
    let mut values: BTreeMap<String, Vec<f64>> =
        runs.iter().flat_map(BTreeMap::keys).map(|name| (name.clone(), Vec::new())).collect();
    for (name, value) in simulated.iter().flat_map(both) {
        values.entry(name).or_default().push(value);
    }
    values
        .into_iter()
        .map(|(name, values)| Scalar {
            recorded: runs.iter().map(|run| run.get(&name).copied()).collect(),
            simulated: Sorted::new(values),
            name,
        })
        .collect()
}

/// The outcomes of all scenarios, by family.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    families: Vec<(String, Vec<Outcome>)>,
}

impl Report {
    /// Of outcomes in the order in which they are to be told; those of one family go together.
    pub fn of(outcomes: Vec<Outcome>) -> Report {
        let mut report = Report::default();
        for outcome in outcomes {
            match report.families.iter_mut().find(|(name, _)| *name == outcome.family) {
                Some((_, outcomes)) => outcomes.push(outcome),
                None => report.families.push((outcome.family.clone(), vec![outcome])),
            }
        }
        report
    }

    /// All outcomes.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.families.iter().flat_map(|(_, outcomes)| outcomes)
    }

    /// Whether every scenario agrees.
    pub fn agrees(&self) -> bool {
        self.outcomes().all(Outcome::agrees)
    }

    /// A table by family and scenario, with what differs below each.
    pub fn to_text(&self) -> String {
        let width = self.outcomes().map(|outcome| outcome.name.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for (family, outcomes) in &self.families {
            text.push_str(&format!("family {family}: {}\n", share(outcomes.iter())));
            for outcome in outcomes {
                let word = match (outcome.agrees(), outcome.seeds) {
                    (true, _) => "agrees",
                    (false, 0) => "not simulated",
                    (false, _) => "differs",
                };
                text.push_str(&format!("  {:width$}  {word}\n", outcome.name));
                outcome.differences.iter().for_each(|words| text.push_str(&format!("      {words}\n")));
            }
        }
        text.push_str(&format!("{}\n", share(self.outcomes())));
        text
    }

    /// The same as a table in Markdown; of what differs, only the first.
    pub fn to_markdown(&self) -> String {
        let mut text = String::from("| family | scenario | agrees | why not |\n|---|---|---|---|\n");
        for (family, outcomes) in &self.families {
            for outcome in outcomes {
                let yes = if outcome.agrees() { "yes" } else { "no" };
                let why = match outcome.differences.as_slice() {
                    [] => String::new(),
                    [only] => only.clone(),
                    all if outcome.seeds == 0 => all.join("; "),
                    [first, rest @ ..] => format!("{first}; and {} more", rest.len()),
                };
                text.push_str(&format!("| {family} | {} | {yes} | {} |\n", outcome.name, why.replace('|', "\\|")));
            }
        }
        let seeds = self.outcomes().map(|outcome| outcome.seeds).max().unwrap_or(0);
        text.push_str(&format!("\n{}, {seeds} seeds each.\n", share(self.outcomes())));
        text
    }

    /// The same for programs; may only grow.
    pub fn to_json(&self) -> Value {
        let agreed = |outcomes: &[Outcome]| outcomes.iter().filter(|outcome| outcome.agrees()).count();
        let family = |(name, outcomes): &(String, Vec<Outcome>)| {
            json!({
                "name": name,
                "agreed": agreed(outcomes),
                "total": outcomes.len(),
                "scenarios": outcomes.iter().map(Outcome::to_json).collect::<Vec<_>>(),
            })
        };
        json!({
            "schema": "evenkeel.conformance/v1",
            "families": self.families.iter().map(family).collect::<Vec<_>>(),
            "agreed": self.outcomes().filter(|outcome| outcome.agrees()).count(),
            "total": self.outcomes().count(),
        })
    }
}

fn share<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> String {
    let (mut agreed, mut total) = (0, 0);
    for outcome in outcomes {
        total += 1;
        agreed += usize::from(outcome.agrees());
    }
    format!("{agreed} of {total} {}", if agreed == 1 { "agrees" } else { "agree" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(name: &str, family: &str, seeds: usize, differences: &[&str]) -> Outcome {
        let scalar = Scalar {
            name: "t".to_string(),
            recorded: vec![Some(1.5), None],
            simulated: Sorted::new(vec![1.0, 2.0, 1.0000001]),
        };
        Outcome {
            name: name.to_string(),
            family: family.to_string(),
            differences: differences.iter().map(|words| words.to_string()).collect(),
            seeds,
            scalars: vec![scalar],
        }
    }

    #[test]
    fn a_report_is_told_by_family() {
        let report = Report::of(vec![
            outcome("a1-crash", "a", 4, &[]),
            outcome("j1", "j", 0, &["needs Job, which is not simulated yet"]),
            outcome("a2", "a", 4, &["t: recorded 1, simulated 2"]),
        ]);
        insta::assert_snapshot!(report.to_text(), @r"
        family a: 1 of 2 agrees
          a1-crash  agrees
          a2        differs
              t: recorded 1, simulated 2
        family j: 0 of 1 agree
          j1        not simulated
              needs Job, which is not simulated yet
        1 of 3 agrees
        ");
        insta::assert_snapshot!(report.to_markdown(), @r"
        | family | scenario | agrees | why not |
        |---|---|---|---|
        | a | a1-crash | yes |  |
        | a | a2 | no | t: recorded 1, simulated 2 |
        | j | j1 | no | needs Job, which is not simulated yet |

        1 of 3 agrees, 4 seeds each.
        ");
        let json = report.to_json();
        assert_eq!((&json["agreed"], &json["total"]), (&json!(1), &json!(3)));
        let scenario = &json["families"][0]["scenarios"][0];
        assert_eq!((&scenario["name"], &scenario["agreed"]), (&json!("a1-crash"), &json!(true)));
        assert_eq!(scenario["scalars"][0]["recorded"], json!([1.5, null]));
        let simulated = &scenario["scalars"][0]["simulated"];
        assert_eq!(
            (&simulated["min"], &simulated["median"], &simulated["max"]),
            (&json!(1.0), &json!(1.0), &json!(2.0))
        );
        assert_eq!(simulated["share"], json!(0.75));
        assert!(!report.agrees());
    }
}
