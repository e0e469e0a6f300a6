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

use marks::marks;
use nodes::nodes_chart;
use pods::pods_chart;
use ready::ready_chart;
use waterfall::waterfall_chart;

/// The pictures of a run with the names of their files, without what says the paper and the format.
///
/// # Errors
/// If one cannot be drawn.
pub fn scenes(finished: &Finished) -> Result<Vec<(&'static str, Scene)>, PlotError> {
    let story = story(finished);
    let mut scenes = vec![("timeline", ready_chart(finished, story.clone()).scene()?)];
    if finished.world.recorder().is_full() {
        scenes.push(("waterfall", waterfall_chart(finished, &story).scene()?));
        scenes.push(("pods", pods_chart(finished, story.clone()).scene()?));
        scenes.push(("nodes", nodes_chart(finished, story).scene()?));
    }
    Ok(scenes)
}

/// Names in the order in which people count: `node-2` before `node-10`.
fn natural(name: &str) -> (String, u64, String) {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem.to_string(), name[stem.len()..].parse().unwrap_or(0), name.to_string())
}

/// Title, subtitle and end of a picture, and what is marked on its axis of time.
fn story(finished: &Finished) -> Story {
    let Finished { world, config, report } = finished;
    let nodes = match world.recorder().tracks.nodes.all.len().max(config.nodes.len()) {
        1 => "1 node".to_string(),
        many => format!("{} nodes", super::words::grouped(many as u64)),
    };
    Story {
        title: report.title.clone(),
        subtitle: format!("{}, seed {}, {nodes}, one run", report.scenario, report.receipt.seed),
        until: world.now(),
        marks: marks(world.recorder(), world.now()),
        notes: Vec::new(),
    }
}
