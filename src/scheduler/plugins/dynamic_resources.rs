//! Resource claims, which no pod here has: what is left is what upstream says of such a pod.
//!
//! Source: `pkg/scheduler/framework/plugins/dynamicresources/dynamicresources.go` (`PostFilter`), v1.36. Left out:
//! everything else; without claims its filter passes every node and its score is 0 everywhere.

use crate::scheduler::diagnosis::Diagnosis;
use crate::scheduler::plugin::{Plugin, Point, PostFilter};
use crate::scheduler::table::{NodeTable, PodInfo};

/// `DynamicResources`.
pub struct DynamicResources;

impl Plugin for DynamicResources {
    const NAME: &'static str = "DynamicResources";
    const POINTS: &'static [Point] = &[Point::PostFilter];
    type Cycle = ();

    /// Fails if another plugin refused the pod before this one could look at it: what it wants to look up is not there.
    fn post_filter(&self, _pod: &PodInfo, _nodes: &NodeTable, diagnosis: &Diagnosis<'_>) -> PostFilter {
        if !diagnosis.asked(Self::NAME) {
            return PostFilter::Fail("not found".into());
        }
        PostFilter::NoHelp("no new claims to deallocate".into())
    }
}
