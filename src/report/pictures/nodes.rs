//! States of nodes.

use super::natural;
use crate::plot::{Group, Look, NodesChart, Story, Strip};
use crate::record::tracks::nodes::NodeState;
use crate::report::Finished;
use std::collections::BTreeMap;

const LEGEND: [(Look, &str); 7] = [
    (Look::Ready, "ready"),
    (Look::Hearsay, "not reachable or down, and the API says ready"),
    (Look::NotReady, "not ready, as the API knows"),
    (Look::Evicting, "tainted NoExecute"),
    (Look::Cordoned, "cordoned"),
    (Look::Starting, "booting"),
    (Look::Absent, "not there"),
];

/// How each node was, by zone.
pub fn nodes_chart(finished: &Finished, story: Story) -> NodesChart {
    let mut groups: BTreeMap<_, Group> = BTreeMap::new();
    for track in &finished.world.recorder().tracks.nodes.all {
        let pieces = track.states.iter().map(|&(at, state)| (at, look(state))).collect();
        let group = groups.entry(natural(&track.zone)).or_insert_with(|| {
            let name = if track.zone.is_empty() { String::new() } else { format!("zone {}", track.zone) };
            Group { name, strips: Vec::new() }
        });
        group.strips.push(Strip { name: track.name.to_string(), pieces });
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.iter_mut().for_each(|group| group.strips.sort_by_cached_key(|strip| natural(&strip.name)));
    NodesChart { story, legend: LEGEND.map(|(look, name)| (look, name.to_string())).to_vec(), groups }
}

const fn look(state: NodeState) -> Look {
    match state {
        NodeState::Absent => Look::Absent,
        NodeState::Booting => Look::Starting,
        NodeState::Evicting => Look::Evicting,
        NodeState::NotReady => Look::NotReady,
        NodeState::Unnoticed => Look::Hearsay,
        NodeState::Cordoned => Look::Cordoned,
        NodeState::Ready => Look::Ready,
    }
}
