//! States of nodes.

use super::marks::marks;
use super::{natural, story};
use crate::object::Name;
use crate::plot::{Group, Look, NodesChart, Strip};
use crate::record::tracks::nodes::NodeState;
use crate::report::Finished;

const LEGEND: [(Look, &str); 7] = [
    (Look::Ready, "ready"),
    (Look::Hearsay, "down, and the API says ready"),
    (Look::NotReady, "not ready, as the API knows"),
    (Look::Evicting, "tainted NoExecute"),
    (Look::Cordoned, "cordoned"),
    (Look::Starting, "booting"),
    (Look::Absent, "not there"),
];

/// How each node was, by zone.
pub fn nodes_chart(finished: &Finished) -> NodesChart {
    let (recorder, end) = (finished.world.recorder(), finished.world.now());
    let mut story = story(finished, "");
    story.marks = marks(recorder, end);
    let mut groups: Vec<(&Name, Group)> = Vec::new();
    for track in &recorder.tracks.nodes.all {
        let pieces = track.states.iter().map(|&(at, state)| (at, look(state))).collect();
        let strip = Strip { name: track.name.to_string(), pieces };
        match groups.iter_mut().find(|(zone, _)| **zone == track.zone) {
            Some((_, group)) => group.strips.push(strip),
            None => {
                let name = if track.zone.is_empty() { String::new() } else { format!("zone {}", track.zone) };
                groups.push((&track.zone, Group { name, strips: vec![strip] }));
            }
        }
    }
    groups.iter_mut().for_each(|(_, group)| group.strips.sort_by_cached_key(|strip| natural(&strip.name)));
    groups.sort_by_cached_key(|(zone, _)| natural(zone));
    NodesChart {
        story,
        legend: LEGEND.map(|(look, name)| (look, name.to_string())).to_vec(),
        groups: groups.into_iter().map(|(_, group)| group).collect(),
    }
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
