//! Which plugins run, in which order and with which weight.
//!
//! Source: `pkg/scheduler/apis/config/v1/default_plugins.go`, `pkg/scheduler/framework/runtime/framework.go`, v1.36.

use super::erased::{DynCycle, DynPlugin};
use super::event::{Action, ClusterEvent, Interest, Resource};
use super::plugin::{Point, Refusal};
use super::plugins;
use super::queue::Judge;
use super::table::PodInfo;
use crate::object::Pod;
use std::sync::Arc;

/// One row of the registry.
pub struct Row {
    /// Weight of its score; 0 for plugins that do not score.
    pub weight: i64,
    /// Makes the plugin.
    pub make: fn() -> Arc<dyn DynPlugin>,
}

/// The default plugins in upstream's order, as far as they are built.
pub const REGISTRY: &[Row] = &[
    Row { weight: 0, make: || Arc::new(plugins::SchedulingGates) },
    Row { weight: 0, make: || Arc::new(plugins::NodeUnschedulable) },
    Row { weight: 0, make: || Arc::new(plugins::NodeName) },
    Row { weight: 3, make: || Arc::new(plugins::TaintToleration) },
    Row { weight: 2, make: || Arc::new(plugins::NodeAffinity) },
    Row { weight: 1, make: || Arc::new(plugins::Fit) },
    Row { weight: 2, make: || Arc::new(plugins::PodTopologySpread::default()) },
    Row { weight: 0, make: || Arc::new(plugins::DynamicResources) },
    Row { weight: 0, make: || Arc::new(plugins::DefaultPreemption) },
    Row { weight: 1, make: || Arc::new(plugins::BalancedAllocation) },
    Row { weight: 0, make: || Arc::new(plugins::DefaultBinder) },
];

/// A set of plugins, by their place in the profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PluginSet(u64);

impl PluginSet {
    /// Adds a plugin.
    pub const fn insert(&mut self, plugin: u8) {
        self.0 |= 1 << plugin;
    }

    /// Whether a plugin is in it.
    pub const fn contains(self, plugin: u8) -> bool {
        self.0 & (1 << plugin) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Plugins in order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |&plugin| self.contains(plugin))
    }
}

/// Plugins in order, with weights.
#[derive(Clone)]
pub struct Profile {
    plugins: Vec<(Arc<dyn DynPlugin>, i64)>,
    by_point: [Vec<u8>; Point::COUNT],
}

impl Default for Profile {
    /// That of the default scheduler.
    fn default() -> Self {
        Profile::new(REGISTRY.iter().map(|row| ((row.make)(), row.weight)))
    }
}

impl Profile {
    /// A profile of these plugins and weights.
    ///
    /// # Panics
    /// If there are more than 64.
    pub fn new(plugins: impl IntoIterator<Item = (Arc<dyn DynPlugin>, i64)>) -> Profile {
        let plugins: Vec<_> = plugins.into_iter().collect();
        assert!(plugins.len() <= 64, "a set of plugins is a word");
        let mut by_point: [Vec<u8>; Point::COUNT] = Default::default();
        for (index, (plugin, _)) in plugins.iter().enumerate() {
            for &point in plugin.points() {
                by_point[point as usize].push(index as u8);
            }
        }
        Profile { plugins, by_point }
    }

    /// The plugins that take part at `point`, in order.
    pub fn at(&self, point: Point) -> impl Iterator<Item = (u8, &dyn DynPlugin)> {
        self.by_point[point as usize].iter().map(|&index| (index, self.plugin(index)))
    }

    /// Whether any plugin takes part at `point`.
    pub const fn has(&self, point: Point) -> bool {
        !self.by_point[point as usize].is_empty()
    }

    /// The plugin at this place.
    pub fn plugin(&self, index: u8) -> &dyn DynPlugin {
        &*self.plugins[index as usize].0
    }

    /// The name of the plugin at this place, if there is one.
    pub fn name(&self, index: u8) -> Option<&'static str> {
        self.plugins.get(index as usize).map(|(plugin, _)| plugin.name())
    }

    /// The weight of its score.
    pub fn weight(&self, index: u8) -> i64 {
        self.plugins[index as usize].1
    }

    /// An empty cycle for every plugin.
    pub fn cycles(&self) -> Vec<DynCycle> {
        self.plugins.iter().map(|(plugin, _)| plugin.cycle()).collect()
    }

    /// The first plugin that does not let `pod` into the queue, and why.
    pub fn held(&self, pod: &Pod) -> Option<(u8, Refusal)> {
        self.at(Point::PreEnqueue).find_map(|(index, plugin)| Some((index, plugin.pre_enqueue(pod).err()?)))
    }
}

const NODE_TAINT: Interest = Interest { resource: Resource::Node, actions: Action::NODE_TAINT };

impl Judge for Profile {
    fn gate(&self, pod: &PodInfo) -> Option<u8> {
        self.held(&pod.pod).map(|(plugin, _)| plugin)
    }

    fn is_interesting(&self, event: &ClusterEvent) -> bool {
        let interests = self.plugins.iter().flat_map(|(plugin, _)| plugin.interests());
        event.matches(&NODE_TAINT) || interests.into_iter().any(|interest| event.matches(interest))
    }

    /// Who registers for new nodes but not for changed taints hears of those too, without being asked: a new node may
    /// have come with a taint that hid it from the filters of others.
    fn may_help(&self, blamed: PluginSet, pod: &PodInfo, event: &ClusterEvent) -> bool {
        blamed.iter().map(|index| self.plugin(index)).any(|plugin| {
            let interests = plugin.interests();
            let wants = |action: Action| {
                interests
                    .iter()
                    .any(|interest| interest.resource == Resource::Node && interest.actions.contains(action))
            };
            let is_asked = interests.iter().any(|interest| event.matches(interest));
            let is_told = event.matches(&NODE_TAINT) && wants(Action::ADD) && !wants(Action::NODE_TAINT);
            is_told || is_asked && plugin.hint(pod, event)
        })
    }
}
