//! Plugins without their types: what the registry holds. Nothing here decides anything.

use super::diagnosis::Diagnosis;
use super::event::{ClusterEvent, Interest};
use super::plugin::{Plugin, Point, PostFilter, PreFilter, PreScore, Refusal};
use super::table::{NodeTable, PodInfo};
use super::tally::Counted;
use super::window::Window;
use crate::apiserver::Request;
use crate::object::{Name, Pod};
use std::any::Any;

/// A plugin's [`Plugin::Cycle`] without its type.
pub struct DynCycle(Box<dyn AnyCycle>);

trait AnyCycle: Any + Send + Sync {
    fn boxed_clone(&self) -> Box<dyn AnyCycle>;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<C: Clone + Send + Sync + 'static> AnyCycle for C {
    fn boxed_clone(&self) -> Box<dyn AnyCycle> {
        Box::new(self.clone())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl Clone for DynCycle {
    fn clone(&self) -> Self {
        DynCycle((*self.0).boxed_clone())
    }
}

impl DynCycle {
    fn of<C: 'static>(&self) -> &C {
        (*self.0).as_any().downcast_ref().expect("a plugin is given its own cycle")
    }

    fn of_mut<C: 'static>(&mut self) -> &mut C {
        (*self.0).as_any_mut().downcast_mut().expect("a plugin is given its own cycle")
    }
}

/// [`Plugin`] with the type of its cycle erased; every plugin is one.
#[allow(missing_docs)] // each method is the one of the same name there
pub trait DynPlugin: Send + Sync {
    fn name(&self) -> &'static str;
    fn points(&self) -> &'static [Point];
    fn interests(&self) -> &'static [Interest];
    /// [`Plugin::SCORES_AMOUNTS`].
    fn scores_amounts(&self) -> bool;
    /// An empty cycle.
    fn cycle(&self) -> DynCycle;
    fn pre_enqueue(&self, pod: &Pod) -> Result<(), Refusal>;
    fn counted(&self, pod: &PodInfo) -> Vec<Counted>;
    fn pre_filter(&self, pod: &PodInfo, nodes: &NodeTable, cycle: &mut DynCycle) -> PreFilter;
    fn filter(&self, pod: &PodInfo, cycle: &DynCycle, nodes: &NodeTable, window: &mut Window);
    fn reasons(&self, pod: &PodInfo, cycle: &DynCycle, detail: u32) -> Vec<Name>;
    fn add_pod(&self, pod: &PodInfo, cycle: &mut DynCycle, other: &PodInfo, row: usize, nodes: &NodeTable);
    fn remove_pod(&self, pod: &PodInfo, cycle: &mut DynCycle, other: &PodInfo, row: usize, nodes: &NodeTable);
    fn post_filter(&self, pod: &PodInfo, nodes: &NodeTable, diagnosis: &Diagnosis<'_>) -> PostFilter;
    fn pre_score(&self, pod: &PodInfo, cycle: &mut DynCycle, nodes: &NodeTable, feasible: &[u32]) -> PreScore;
    fn score(&self, pod: &PodInfo, cycle: &DynCycle, nodes: &NodeTable, feasible: &[u32], out: &mut [i64]);
    fn normalise(&self, pod: &PodInfo, cycle: &DynCycle, scores: &mut [i64]);
    fn reserve(&self, pod: &PodInfo, cycle: &mut DynCycle, node: &Name) -> Result<(), Refusal>;
    fn unreserve(&self, pod: &PodInfo, cycle: &mut DynCycle, node: &Name);
    fn permit(&self, pod: &PodInfo, cycle: &mut DynCycle, node: &Name) -> Result<(), Refusal>;
    fn pre_bind(&self, pod: &PodInfo, cycle: &mut DynCycle, node: &Name) -> Option<Request>;
    fn bind(&self, pod: &PodInfo, node: &Name) -> Option<Request>;
    fn post_bind(&self, pod: &PodInfo, node: &Name);
    fn hint(&self, pod: &PodInfo, event: &ClusterEvent) -> bool;
}

impl<P: Plugin> DynPlugin for P {
    fn name(&self) -> &'static str {
        P::NAME
    }
    fn points(&self) -> &'static [Point] {
        P::POINTS
    }
    fn interests(&self) -> &'static [Interest] {
        P::INTERESTS
    }
    fn scores_amounts(&self) -> bool {
        P::SCORES_AMOUNTS
    }
    fn cycle(&self) -> DynCycle {
        DynCycle(Box::new(P::Cycle::default()))
    }
    fn pre_enqueue(&self, pod: &Pod) -> Result<(), Refusal> {
        Plugin::pre_enqueue(self, pod)
    }
    fn counted(&self, pod: &PodInfo) -> Vec<Counted> {
        Plugin::counted(self, pod)
    }
    fn pre_filter(&self, pod: &PodInfo, nodes: &NodeTable, cycle: &mut DynCycle) -> PreFilter {
        Plugin::pre_filter(self, pod, nodes, cycle.of_mut())
    }
    fn filter(&self, pod: &PodInfo, cycle: &DynCycle, nodes: &NodeTable, window: &mut Window) {
        Plugin::filter(self, pod, cycle.of(), nodes, window);
    }
    fn reasons(&self, pod: &PodInfo, cycle: &DynCycle, detail: u32) -> Vec<Name> {
        Plugin::reasons(self, pod, cycle.of(), detail)
    }
    fn add_pod(&self, pod: &PodInfo, cycle: &mut DynCycle, other: &PodInfo, row: usize, nodes: &NodeTable) {
        Plugin::add_pod(self, pod, cycle.of_mut(), other, row, nodes);
    }
    fn remove_pod(&self, pod: &PodInfo, cycle: &mut DynCycle, other: &PodInfo, row: usize, nodes: &NodeTable) {
        Plugin::remove_pod(self, pod, cycle.of_mut(), other, row, nodes);
    }
    fn post_filter(&self, pod: &PodInfo, nodes: &NodeTable, diagnosis: &Diagnosis<'_>) -> PostFilter {
        Plugin::post_filter(self, pod, nodes, diagnosis)
    }
    fn pre_score(&self, pod: &PodInfo, cycle: &mut DynCycle, nodes: &NodeTable, feasible: &[u32]) -> PreScore {
        Plugin::pre_score(self, pod, cycle.of_mut(), nodes, feasible)
    }
    fn score(&self, pod: &PodInfo, cycle: &DynCycle, nodes: &NodeTable, feasible: &[u32], out: &mut [i64]) {
        Plugin::score(self, pod, cycle.of(), nodes, feasible, out);
    }
    fn normalise(&self, pod: &PodInfo, cycle: &DynCycle, scores: &mut [i64]) {
        Plugin::normalise(self, pod, cycle.of(), scores);
    }
    fn reserve(&self, pod: &PodInfo, cycle: &mut DynCycle, node: &Name) -> Result<(), Refusal> {
        Plugin::reserve(self, pod, cycle.of_mut(), node)
    }
    fn unreserve(&self, pod: &PodInfo, cycle: &mut DynCycle, node: &Name) {
        Plugin::unreserve(self, pod, cycle.of_mut(), node);
    }
    fn permit(&self, pod: &PodInfo, cycle: &mut DynCycle, node: &Name) -> Result<(), Refusal> {
        Plugin::permit(self, pod, cycle.of_mut(), node)
    }
    fn pre_bind(&self, pod: &PodInfo, cycle: &mut DynCycle, node: &Name) -> Option<Request> {
        Plugin::pre_bind(self, pod, cycle.of_mut(), node)
    }
    fn bind(&self, pod: &PodInfo, node: &Name) -> Option<Request> {
        Plugin::bind(self, pod, node)
    }
    fn post_bind(&self, pod: &PodInfo, node: &Name) {
        Plugin::post_bind(self, pod, node);
    }
    fn hint(&self, pod: &PodInfo, event: &ClusterEvent) -> bool {
        Plugin::hint(self, pod, event)
    }
}
