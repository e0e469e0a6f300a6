//! A pod that names its node goes there or nowhere.
//!
//! Source: `pkg/scheduler/framework/plugins/nodename/node_name.go`, v1.36. A pod that names its node never reaches the
//! scheduler's queue, there as here: the filter matters to whoever else runs filters.

use crate::object::Name;
use crate::scheduler::event::{Action, Interest, Resource};
use crate::scheduler::plugin::{Plugin, Point};
use crate::scheduler::table::{NodeTable, PodInfo};
use crate::scheduler::window::{Code, Window};

/// `NodeName`.
pub struct NodeName;

impl Plugin for NodeName {
    const NAME: &'static str = "NodeName";
    const POINTS: &'static [Point] = &[Point::Filter];
    const INTERESTS: &'static [Interest] = &[Interest { resource: Resource::Node, actions: Action::ADD }];
    type Cycle = ();

    fn filter(&self, pod: &PodInfo, (): &(), nodes: &NodeTable, window: &mut Window) {
        let wanted = &pod.pod.node_name;
        if wanted.is_empty() {
            return;
        }
        for (first, bits) in window.masks() {
            window.judge(first, bits, |row| (nodes.names[row] != *wanted).then_some((Code::Unresolvable, 0)));
        }
    }

    fn reasons(&self, _pod: &PodInfo, (): &(), _detail: u32) -> Vec<Name> {
        vec!["node(s) didn't match the requested node name".into()]
    }
}
