//! Stands where preemption will be: says what upstream says when no pod on any node has a lower priority.
//!
//! Source: `pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go`,
//! `pkg/scheduler/framework/preemption/preemption.go`, v1.36. Left out: preemption itself. While a pod of lower priority
//! is on a node that others fill, upstream would look for victims; the text here is then not what it would say.

use crate::scheduler::diagnosis::{Diagnosis, no_node_available, show_histogram};
use crate::scheduler::plugin::{Plugin, Point, PostFilter};
use crate::scheduler::table::{NodeTable, PodInfo};
use crate::scheduler::window::Code;

/// `DefaultPreemption`.
pub struct DefaultPreemption;

impl Plugin for DefaultPreemption {
    const NAME: &'static str = "DefaultPreemption";
    const POINTS: &'static [Point] = &[Point::PostFilter];
    type Cycle = ();

    fn post_filter(&self, pod: &PodInfo, _nodes: &NodeTable, diagnosis: &Diagnosis<'_>) -> PostFilter {
        if pod.pod.spec.never_preempts {
            return PostFilter::NoHelp("preemption: not eligible due to preemptionPolicy=Never.".into());
        }
        let tried = diagnosis.count(Code::Unschedulable);
        let why = show_histogram([
            ("No preemption victims found for incoming pod".into(), tried),
            ("Preemption is not helpful for scheduling".into(), diagnosis.nodes - tried),
        ]);
        PostFilter::NoHelp(format!("preemption: {}", no_node_available(diagnosis.nodes, &why)).into())
    }
}
