//! A run as pictures: ready against desired, what was lost to which cause, pods on nodes, states of nodes.

mod marks;
mod nodes;
mod pods;
mod ready;
mod waterfall;

#[cfg(test)]
mod tests;

use super::collect::Finished;
use crate::plot::{PlotError, Scene, Story};

pub use marks::marks;
pub use nodes::nodes_chart;
pub use pods::pods_chart;
pub use ready::ready_chart;
pub use waterfall::waterfall_chart;

/// The pictures of a run with the names of their files, without what says the paper and the format.
///
/// # Errors
/// If one cannot be drawn.
pub fn scenes(finished: &Finished) -> Result<Vec<(&'static str, Scene)>, PlotError> {
    let mut scenes = vec![("timeline", ready_chart(finished).scene()?)];
    if finished.world.recorder().is_full() {
        scenes.push(("waterfall", waterfall_chart(finished).scene()?));
        scenes.push(("pods", pods_chart(finished).scene()?));
        scenes.push(("nodes", nodes_chart(finished).scene()?));
    }
    Ok(scenes)
}

/// Names in the order in which people count: `node-2` before `node-10`.
fn natural(name: &str) -> (String, u64, String) {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem.to_string(), name[stem.len()..].parse().unwrap_or(0), name.to_string())
}

/// Title, subtitle and end of a picture; `about` says more of what it shows.
fn story(finished: &Finished, about: &str) -> Story {
    let Finished { world, config, report } = finished;
    let nodes = match world.recorder().tracks.nodes.all.len().max(config.nodes.len()) {
        1 => "1 node".to_string(),
        many => format!("{} nodes", super::words::grouped(many as u64)),
    };
    let about = if about.is_empty() { String::new() } else { format!(" · {about}") };
    Story {
        title: report.title.clone(),
        subtitle: format!("{}, seed {}, {nodes}, one run{about}", report.scenario, report.receipt.seed),
        until: world.now(),
        marks: Vec::new(),
        notes: Vec::new(),
    }
}
