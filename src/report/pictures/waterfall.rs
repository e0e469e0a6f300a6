//! What was lost to which cause.

use crate::plot::{Part, Row, Story, WaterfallChart};
use crate::report::Finished;
use crate::report::waterfall::{LossReport, OwnerReport, PartReport, START};

/// What each event cost each workload, by cause and owner.
pub fn waterfall_chart(finished: &Finished, story: &Story) -> WaterfallChart {
    // What is missing until it is there for the first time is no loss.
    let losses = finished.report.losses.iter().filter(|loss| loss.event != START && loss.lost_us > 0);
    WaterfallChart {
        title: story.title.clone(),
        subtitle: story.subtitle.clone(),
        rows: losses.map(row).collect(),
        notes: Vec::new(),
    }
}

fn row(loss: &LossReport) -> Row {
    Row { label: format!("{} · {}", loss.event, loss.object), parts: loss.parts.iter().map(part).collect() }
}

fn part(part: &PartReport) -> Part {
    let owner = part.owner.as_ref().map_or_else(String::new, OwnerReport::label);
    Part { cause: part.cause.to_string(), owner, replica_seconds: part.replica_us as f64 / 1e6 }
}
