//! Pods on nodes.

use super::natural;
use crate::kernel::time::Time;
use crate::object::Name;
use crate::plot::{Band, Bar, Look, PodsChart, Story};
use crate::record::tracks::nodes::{Ailment, NodeTrack};
use crate::record::tracks::pods::{PodState, PodTrack};
use crate::report::Finished;
use crate::report::words::grouped;
use std::collections::BTreeMap;

/// Nodes of one picture at most.
const BANDS_MAX: usize = 24;
/// Nodes that were hit among them at most, as long as others took pods.
const HIT_MAX: usize = 14;

const LEGEND: [(Look, &str); 8] = [
    (Look::Ready, "ready"),
    (Look::Starting, "starting"),
    (Look::Hearsay, "ready only by what the API says"),
    (Look::Unseen, "ready, and the API does not say so"),
    (Look::NotReady, "not ready any more"),
    (Look::Leaving, "being deleted"),
    (Look::Over, "ended"),
    (Look::Forgotten, "deleted, and still running"),
];

/// Where each pod was from when it was bound until it was gone, and how it was.
pub fn pods_chart(finished: &Finished, mut story: Story) -> PodsChart {
    let (recorder, end) = (finished.world.recorder(), finished.world.now());
    let first = story.marks.iter().map(|mark| mark.at).min().unwrap_or(end);

    let mut pods: BTreeMap<&Name, Vec<&PodTrack>> = BTreeMap::new();
    for track in recorder.tracks.pods.all.iter().filter(|track| !track.node.is_empty()) {
        pods.entry(&track.node).or_default().push(track);
    }
    let mut nodes: Vec<Candidate<'_>> = recorder
        .tracks
        .nodes
        .all
        .iter()
        .map(|node| Candidate::new(node, pods.get(&node.name).map_or(&[], Vec::as_slice), first))
        .collect();
    nodes.sort_by_cached_key(|candidate| natural(&candidate.node.name));
    let (chosen, left_out) = choose(nodes);
    if let Some(left_out) = left_out {
        story.subtitle.push_str(&format!(" · {left_out}"));
    }
    let bands = chosen.iter().map(|candidate| candidate.band(end)).collect();
    PodsChart { story, legend: LEGEND.map(|(look, name)| (look, name.to_string())).to_vec(), bands }
}

/// A node that may have a band.
struct Candidate<'a> {
    node: &'a NodeTrack,
    pods: &'a [&'a PodTrack],
    is_hit: bool,
    /// Pods that it got since something happened.
    taken: usize,
}

impl<'a> Candidate<'a> {
    fn new(node: &'a NodeTrack, pods: &'a [&'a PodTrack], first: Time) -> Candidate<'a> {
        let taken = pods.iter().filter(|pod| pod.bound().is_some_and(|at| at > first)).count();
        Candidate { node, pods, is_hit: node.has_suffered(), taken }
    }

    fn band(&self, end: Time) -> Band {
        let ailments = &self.node.ailments;
        let ends = ailments[1..].iter().map(|(at, _)| *at).chain([end]);
        let down = ailments.iter().zip(ends).filter(|((_, ailment), _)| *ailment != Ailment::None);
        let there = |at: Time| {
            let is_there = |pod: &&&PodTrack| {
                pod.bound().is_some_and(|bound| bound <= at) && pod.gone.is_none_or(|gone| gone > at)
            };
            self.pods.iter().filter(is_there).count()
        };
        Band {
            name: self.node.name.to_string(),
            note: format!("{} → {} pods", there(Time::ZERO), there(end)),
            down: down.map(|((from, _), to)| (*from, to)).collect(),
            bars: self.pods.iter().map(|pod| bar(pod)).collect(),
        }
    }
}

/// The nodes that are shown, and in words what is not. Where not all have room, those that were hit come first, then
/// those that took most pods since; otherwise they stand in their own order.
fn choose(nodes: Vec<Candidate<'_>>) -> (Vec<Candidate<'_>>, Option<String>) {
    let count = nodes.len();
    if count <= BANDS_MAX {
        return (nodes, None);
    }
    let (mut hit, mut others): (Vec<_>, Vec<_>) = nodes.into_iter().partition(|node| node.is_hit);
    hit.sort_by_key(|node| std::cmp::Reverse(node.pods.len()));
    others.sort_by_key(|node| std::cmp::Reverse(node.taken));
    let (hits, takers) = (hit.len(), others.iter().filter(|node| node.taken > 0).count());
    let pods = |nodes: &[Candidate<'_>]| nodes.iter().map(|node| node.pods.len()).sum::<usize>();
    let all_pods = pods(&hit) + pods(&others);
    hit.truncate(BANDS_MAX - others.len().min(takers).min(BANDS_MAX - HIT_MAX));
    others.truncate(BANDS_MAX - hit.len());
    let shown_takers = others.iter().filter(|node| node.taken > 0).count();
    let (shown_hits, shown) = (hit.len(), hit.len() + others.len());
    hit.extend(others);
    let number = |number: usize| grouped(number as u64);
    let part =
        |shown: usize, all: usize| if shown == all { number(all) } else { format!("{shown} of {}", number(all)) };
    let others = match shown - shown_hits - shown_takers {
        0 => String::new(),
        some => format!(", {some} others"),
    };
    let left_out = format!(
        "shown are {shown} of them: {} that something happened to, {} that took pods since{others}; not shown: {} pods",
        part(shown_hits, hits),
        part(shown_takers, takers),
        number(all_pods - pods(&hit)),
    );
    (hit, Some(left_out))
}

fn bar(pod: &PodTrack) -> Bar {
    let pieces = pod.states.iter().filter_map(|&(at, state)| Some((at, look(state)?)));
    Bar { name: pod.key.name.to_string(), pieces: pieces.collect(), until: pod.gone }
}

/// How a state looks; one without a node has no place.
const fn look(state: PodState) -> Option<Look> {
    Some(match state {
        PodState::Pending => return None,
        PodState::Starting => Look::Starting,
        PodState::Ready => Look::Ready,
        PodState::ReadyByHearsay => Look::Hearsay,
        PodState::ReadyUnseen => Look::Unseen,
        PodState::NotReady => Look::NotReady,
        PodState::Terminating => Look::Leaving,
        PodState::Ended => Look::Over,
        PodState::Forgotten => Look::Forgotten,
    })
}
