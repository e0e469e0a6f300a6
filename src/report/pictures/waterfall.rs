//! What was lost to which cause.

use super::story;
use crate::plot::{Part, Row, WaterfallChart};
use crate::report::Finished;
use crate::report::waterfall::{LossReport, PartReport};

/// What is missing until it is there for the first time is no loss.
const START: &str = "start";

/// What each event cost each workload, by cause and owner.
pub fn waterfall_chart(finished: &Finished) -> WaterfallChart {
    let story = story(finished, "");
    let losses = finished.report.losses.iter().filter(|loss| loss.event != START && loss.lost_us > 0);
    WaterfallChart { title: story.title, subtitle: story.subtitle, rows: losses.map(row).collect(), notes: Vec::new() }
}

fn row(loss: &LossReport) -> Row {
    Row { label: format!("{} · {}", loss.event, loss.object), parts: loss.parts.iter().map(part).collect() }
}

fn part(part: &PartReport) -> Part {
    let owner = part.owner.as_ref().map_or_else(String::new, |owner| format!("{} {}", owner.short_name(), owner.value));
    Part { cause: part.cause.to_string(), owner, replica_seconds: part.replica_us as f64 / 1e6 }
}
