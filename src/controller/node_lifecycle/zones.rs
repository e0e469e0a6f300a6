//! Zones: how much of each is down, and how fast its nodes may therefore get NoExecute taints.
//!
//! Source: `pkg/controller/nodelifecycle/node_lifecycle_controller.go` (`ComputeZoneState`, `handleDisruption`,
//! `setLimiterInZone`, `addPodEvictorForNewZone`), v1.36. Zones are gone through in the order of their keys, where
//! upstream has the random order of a map; that decides which zones without nodes are forgotten in which pass.

use super::queue::{Rate, TaintQueue};
use crate::kernel::time::Time;
use crate::object::fact::Why;
use crate::object::node::zone_name;
use crate::object::{Fact, Name, SettingId, Settings};
use crate::program::{Command, Context};
use std::collections::BTreeMap;

/// How much of a zone is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneState {
    /// Not counted yet.
    Initial,
    /// Most nodes are ready.
    Normal,
    /// Too many are not.
    PartialDisruption,
    /// None is.
    FullDisruption,
}

/// Nodes of a zone, those left out that are excluded from disruption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Ready.
    pub ready: usize,
    /// Not ready, or not known to be.
    pub not_ready: usize,
}

/// Counts by zone.
pub type Counts = BTreeMap<Name, Count>;

impl Count {
    /// All of them.
    pub const fn size(self) -> usize {
        self.ready + self.not_ready
    }

    /// What state these counts are (`ComputeZoneState`).
    pub fn state(self, settings: &Settings) -> ZoneState {
        let threshold_millionths = settings.get(SettingId::UnhealthyZoneThreshold);
        let down_millionths = self.not_ready as i64 * 1_000_000;
        if self.ready == 0 && self.not_ready > 0 {
            ZoneState::FullDisruption
        } else if self.not_ready > 2 && down_millionths >= threshold_millionths * self.size() as i64 {
            ZoneState::PartialDisruption
        } else {
            ZoneState::Normal
        }
    }
}

/// The rate of a zone of so many nodes in a state; none if the state says nothing of it.
fn rate(state: ZoneState, size: usize, settings: &Settings) -> Option<Rate> {
    let burst = settings.get(SettingId::EvictionRateLimiterBurst);
    let owned = |owner: SettingId| Rate { milli: settings.get(owner), owner, burst };
    match state {
        ZoneState::Initial => None,
        // A zone that is down altogether goes on at the normal rate as long as another is not.
        ZoneState::Normal | ZoneState::FullDisruption => Some(owned(SettingId::NodeEvictionRate)),
        ZoneState::PartialDisruption if size > settings.count(SettingId::LargeClusterSizeThreshold) => {
            Some(owned(SettingId::SecondaryNodeEvictionRate))
        }
        ZoneState::PartialDisruption => Some(Rate { milli: 0, owner: SettingId::LargeClusterSizeThreshold, burst }),
    }
}

/// What a pass means for the cluster as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All zones are down, as before.
    StillAllDown,
    /// All zones are down now: master disruption mode begins.
    AllDown,
    /// Not all are down any more: it ends.
    NoLongerAllDown,
    /// Each zone by itself.
    EachByItself,
}

#[derive(Clone, Debug)]
struct Zone {
    /// None once the zone has been found without nodes.
    state: Option<ZoneState>,
    queue: TaintQueue,
}

/// A zone that was judged anew.
#[derive(Clone, Debug)]
pub struct Swap {
    fact: Fact,
    owner: Option<SettingId>,
}

impl Swap {
    fn of(name: &Name, zone: &Zone) -> Swap {
        let state = zone.state.map_or_else(String::new, |state| format!("{state:?}"));
        let milli = zone.queue.rate_milli();
        let fact = Fact::EvictionRate { zone: zone_name(name).into(), state: state.into(), milli };
        Swap { fact, owner: Some(zone.queue.owner()) }
    }
}

/// Records what was judged anew.
pub fn tell(swaps: Vec<Swap>, cx: &mut Context<'_>) {
    for Swap { fact, owner } in swaps {
        cx.out.push(Command::Note { fact, why: Why { cause: cx.cause, setting: owner } });
    }
}

/// The zones of the cluster.
#[derive(Clone, Debug, Default)]
pub struct Zones {
    zones: BTreeMap<Name, Zone>,
}

impl Zones {
    /// Makes a queue for a zone whose state is not known.
    pub fn ensure(&mut self, zone: &Name, settings: &Settings) {
        if self.state(zone).is_none() {
            let rate = rate(ZoneState::Normal, 0, settings).expect("the normal state has a rate");
            self.zones.insert(zone.clone(), Zone { state: Some(ZoneState::Initial), queue: TaintQueue::new(rate) });
        }
    }

    /// Whether the state of some zone is not known.
    pub fn is_any_unknown(&self) -> bool {
        self.zones.values().any(|zone| zone.state.is_none())
    }

    /// State of a zone, if it is known.
    pub fn state(&self, zone: &str) -> Option<ZoneState> {
        self.zones.get(zone).and_then(|zone| zone.state)
    }

    /// The queue of a zone.
    pub fn queue(&mut self, zone: &str) -> Option<&mut TaintQueue> {
        self.zones.get_mut(zone).map(|zone| &mut zone.queue)
    }

    /// All queues in the order of their zones.
    pub fn queues(&self) -> impl Iterator<Item = (&Name, &TaintQueue)> {
        self.zones.iter().map(|(name, zone)| (name, &zone.queue))
    }

    /// Compares the counts of a pass with the states before; forgets zones without nodes on the way.
    pub fn judge(&mut self, counts: &Counts, settings: &Settings) -> Verdict {
        for zone in counts.keys() {
            self.ensure(zone, settings);
        }
        let is_all_down = counts.values().all(|count| count.state(settings) == ZoneState::FullDisruption);
        let mut was_all_down = true;
        for (name, zone) in &mut self.zones {
            let Some(state) = zone.state else { continue };
            if !counts.contains_key(name) {
                zone.state = None;
            } else if state != ZoneState::FullDisruption {
                was_all_down = false;
                break;
            }
        }
        match (is_all_down, was_all_down) {
            (true, true) => Verdict::StillAllDown,
            (true, false) => Verdict::AllDown,
            (false, true) => Verdict::NoLongerAllDown,
            (false, false) => Verdict::EachByItself,
        }
    }

    /// Master disruption mode: nobody gets a NoExecute taint any more.
    pub fn stop(&mut self, settings: &Settings, now: Time) -> Vec<Swap> {
        let burst = settings.get(SettingId::EvictionRateLimiterBurst);
        let mut swaps = Vec::new();
        for (name, zone) in self.zones.iter_mut().filter(|(_, zone)| zone.state.is_some()) {
            zone.queue.swap_rate(Rate { milli: 0, owner: SettingId::NodeEvictionRate, burst }, now);
            zone.state = Some(ZoneState::FullDisruption);
            // No setting has it so.
            swaps.push(Swap { owner: None, ..Swap::of(name, zone) });
        }
        swaps
    }

    /// Gives each zone the state of its count, and its limiter the rate of that state; unless `is_forced`, only where
    /// the state has changed.
    pub fn settle(&mut self, counts: &Counts, is_forced: bool, settings: &Settings, now: Time) -> Vec<Swap> {
        let mut swaps = Vec::new();
        for (name, zone) in &mut self.zones {
            let Some(old) = zone.state else { continue };
            let count = counts.get(name).copied();
            let new = count.map_or(ZoneState::Initial, |count| count.state(settings));
            if is_forced || new != old {
                if let Some(rate) = rate(new, count.map_or(0, Count::size), settings) {
                    zone.queue.swap_rate(rate, now);
                }
                zone.state = Some(new);
                // That a zone which was never looked at is as it should be is no news.
                if (old, new) != (ZoneState::Initial, ZoneState::Normal) {
                    swaps.push(Swap::of(name, zone));
                }
            }
        }
        swaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(zones: &[(&str, usize, usize)]) -> Counts {
        zones.iter().map(|&(zone, ready, not_ready)| (zone.into(), Count { ready, not_ready })).collect()
    }

    /// What a pass with these counts does, and the states and rates after it.
    fn pass(zones: &mut Zones, seen: &[(&str, usize, usize)]) -> String {
        let (counts, settings) = (counts(seen), Settings::default());
        let verdict = zones.judge(&counts, &settings);
        match verdict {
            Verdict::StillAllDown => {}
            Verdict::AllDown => drop(zones.stop(&settings, Time::ZERO)),
            Verdict::NoLongerAllDown => drop(zones.settle(&counts, true, &settings, Time::ZERO)),
            Verdict::EachByItself => drop(zones.settle(&counts, false, &settings, Time::ZERO)),
        }
        let each = zones.zones.iter().map(|(name, zone)| match zone.state {
            Some(state) => format!(" {name} {state:?} {}", zone.queue.rate_milli()),
            None => format!(" {name} gone"),
        });
        format!("{verdict:?}:{}", each.collect::<Vec<_>>().join(","))
    }

    #[test]
    fn the_state_of_a_zone_follows_from_its_counts() {
        use ZoneState::{FullDisruption, Normal, PartialDisruption};
        for (ready, not_ready, expected) in [
            (0, 0, Normal),
            (1, 0, Normal),
            (0, 1, FullDisruption),
            (1, 2, Normal),
            (2, 3, PartialDisruption),
            (3, 3, Normal),
            (9, 11, PartialDisruption),
            (46, 55, Normal),
            (45, 55, PartialDisruption),
            (0, 60, FullDisruption),
        ] {
            assert_eq!(Count { ready, not_ready }.state(&Settings::default()), expected, "{ready} {not_ready}");
        }
    }

    #[test]
    fn limiters_follow_the_states() {
        let mut zones = Zones::default();
        let story = [
            pass(&mut zones, &[("a", 10, 0), ("b", 60, 0)]),
            pass(&mut zones, &[("a", 4, 6), ("b", 20, 40)]),
            pass(&mut zones, &[("a", 0, 10), ("b", 20, 40)]),
            pass(&mut zones, &[("a", 0, 10), ("b", 0, 60)]),
            pass(&mut zones, &[("a", 0, 10), ("b", 0, 60)]),
            pass(&mut zones, &[("a", 1, 9), ("b", 0, 60)]),
            pass(&mut zones, &[("a", 10, 0), ("b", 60, 0)]),
            pass(&mut zones, &[("b", 60, 0)]),
            pass(&mut zones, &[("a", 0, 1), ("b", 60, 0)]),
        ];
        insta::assert_snapshot!(story.join("\n"), @"
        EachByItself: a Normal 100, b Normal 100
        EachByItself: a PartialDisruption 0, b PartialDisruption 10
        EachByItself: a FullDisruption 100, b PartialDisruption 10
        AllDown: a FullDisruption 0, b FullDisruption 0
        StillAllDown: a FullDisruption 0, b FullDisruption 0
        NoLongerAllDown: a PartialDisruption 0, b FullDisruption 100
        EachByItself: a Normal 100, b Normal 100
        EachByItself: a gone, b Normal 100
        EachByItself: a FullDisruption 100, b Normal 100
        ");
    }

    #[test]
    fn a_cluster_without_nodes_is_all_down() {
        assert_eq!(pass(&mut Zones::default(), &[]), "StillAllDown:");
    }
}
