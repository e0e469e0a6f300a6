//! Binds through `pods/binding`.
//!
//! Source: `pkg/scheduler/framework/plugins/defaultbinder/default_binder.go`, v1.36.

use crate::apiserver::Request;
use crate::object::Name;
use crate::scheduler::plugin::{Plugin, Point};
use crate::scheduler::table::PodInfo;

/// `DefaultBinder`.
pub struct DefaultBinder;

impl Plugin for DefaultBinder {
    const NAME: &'static str = "DefaultBinder";
    const POINTS: &'static [Point] = &[Point::Bind];
    type Cycle = ();

    fn bind(&self, pod: &PodInfo, node: &Name) -> Option<Request> {
        let meta = &pod.pod.meta;
        Some(Request::Bind { pod: meta.key.clone(), uid: meta.uid, node: node.clone() })
    }
}
