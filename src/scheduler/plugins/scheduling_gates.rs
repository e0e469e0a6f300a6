//! A pod with scheduling gates stays out of the queue until all are gone.
//!
//! Source: `pkg/scheduler/framework/plugins/schedulinggates/scheduling_gates.go`, v1.36.

use crate::object::{Name, Pod};
use crate::scheduler::event::{Action, ClusterEvent, Interest, Resource};
use crate::scheduler::plugin::{Plugin, Point, Refusal};
use crate::scheduler::table::PodInfo;
use crate::scheduler::window::Code;

/// `SchedulingGates`.
pub struct SchedulingGates;

impl Plugin for SchedulingGates {
    const NAME: &'static str = "SchedulingGates";
    const POINTS: &'static [Point] = &[Point::PreEnqueue];
    const INTERESTS: &'static [Interest] = &[Interest { resource: Resource::Pod, actions: Action::POD_GATES }];
    type Cycle = ();

    fn pre_enqueue(&self, pod: &Pod) -> Result<(), Refusal> {
        if pod.spec.scheduling_gates.is_empty() {
            return Ok(());
        }
        let gates: Vec<&str> = pod.spec.scheduling_gates.iter().map(Name::as_str).collect();
        Err(Refusal::new(Code::Unresolvable, format!("waiting for scheduling gates: [{}]", gates.join(" "))))
    }

    fn hint(&self, pod: &PodInfo, event: &ClusterEvent) -> bool {
        event.after::<Pod>().is_some_and(|changed| changed.meta.uid == pod.pod.meta.uid)
    }
}
