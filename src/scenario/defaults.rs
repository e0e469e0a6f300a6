//! What holds where a scenario says nothing: every default, written as one would write it, with where it is from.

use super::distribution::written;
use super::edit;
use super::language::{EVENT, EXPECT, POOL, RUN, WORKLOAD};
use super::schema::Scenario;
use crate::object::delay::DELAYS;
use crate::object::field::Field;
use crate::object::setting::{SETTINGS, Unit};
use crate::record::Detail;
use std::collections::BTreeSet;

/// What the file itself says, and what the release gives.
const SAID: &str = "in this scenario";

/// All values of `[run]`, `[delays]` and `[control]` that hold in `scenario`, as TOML that can be read again, each with its
/// origin behind it; and in comments the defaults of the tables of which there may be many.
pub fn shown(scenario: &Scenario, said: &BTreeSet<String>) -> String {
    let mut text = String::new();
    let run = &scenario.run;
    text.push_str("[run]\n");
    for field in RUN {
        let value = match field.name {
            "seed" => run.seed.value.to_string(),
            "epoch" => run.epoch.to_string(),
            "until" => edit::text(&run.until.to_string()),
            "hold" => edit::text(&run.hold.to_string()),
            "stop" => edit::text(match run.stop {
                crate::cluster::Stop::Converged => "converged",
                crate::cluster::Stop::Time => "time",
            }),
            "start" => edit::text(match run.start {
                crate::cluster::Start::Empty => "empty",
                crate::cluster::Start::Settled => "settled",
            }),
            _ => field.default.unwrap_or_default().to_string(),
        };
        let origin = if said.contains(&format!("run.{}", field.name)) { SAID } else { "default of evenkeel/v1" };
        line(&mut text, field.name, &value, origin);
    }
    text.push_str("\n[output]\n");
    let record = if scenario.output.record == Detail::Full { "full" } else { "summary" };
    let origin = if said.contains("output.record") { SAID } else { "default of evenkeel/v1" };
    line(&mut text, "record", &edit::text(record), origin);
    text.push_str("\n[delays]\n");
    for row in DELAYS {
        let own = scenario.delays.iter().rev().find(|(id, _)| id.row().name == row.name);
        let value = own.map_or_else(|| written(&row.default), |(_, delay)| written(delay));
        let origin = if own.is_some() { SAID.to_string() } else { format!("assumed: {}", row.what) };
        line(&mut text, row.name, &value, &origin);
    }
    let components: BTreeSet<&str> = SETTINGS.iter().map(|row| row.component).collect();
    for component in components {
        text.push_str(&format!("\n[control.{component}]\n"));
        for row in SETTINGS.iter().filter(|row| row.component == component) {
            let own = scenario
                .settings
                .iter()
                .rev()
                .find(|(id, _)| (id.row().component, id.row().name) == (row.component, row.name));
            let shown = row.unit.show(own.map_or(row.default, |&(_, value)| value));
            let value = match row.unit {
                Unit::Count => shown,
                Unit::Duration | Unit::Rate | Unit::Share => edit::text(&shown),
            };
            line(&mut text, &edit::key(row.name), &value, if own.is_some() { SAID } else { row.source });
        }
    }
    for (name, fields) in
        [("[[cluster.pool]]", POOL), ("[[workload]]", WORKLOAD), ("[[event]]", EVENT), ("[[expect]]", EXPECT)]
    {
        let defaults: Vec<&Field> = fields.iter().filter(|field| field.default.is_some()).collect();
        if !defaults.is_empty() {
            text.push_str(&format!("\n# Where a {name} says nothing:\n"));
        }
        for field in defaults {
            text.push_str(&format!("# {} = {}\n", field.name, field.default.unwrap_or_default()));
        }
    }
    text
}

/// `name = value  # origin`, on one line.
fn line(text: &mut String, name: &str, value: &str, origin: &str) {
    let origin = origin.split_whitespace().collect::<Vec<_>>().join(" ");
    text.push_str(&format!("{name} = {value}  # {origin}\n"));
}

#[cfg(all(test, feature = "manifest"))]
#[path = "defaults_tests.rs"]
mod tests;
