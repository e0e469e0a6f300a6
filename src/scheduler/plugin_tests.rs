//! A plugin that uses the points which no default plugin here uses.

use super::super::fixture::{node, pod};
use super::super::profile::{Profile, REGISTRY};
use super::super::{Scheduler, erased::DynPlugin};
use super::*;
use crate::apiserver::{ApiError, Part, Reply};
use crate::kernel::dist::Delay;
use crate::kernel::time::Span;
use crate::object::{DelayId, Edit, Kind};
use crate::program::harness::Harness;
use std::sync::{Arc, Mutex};

/// Does to a pod what its name says, and takes note of what it is told afterwards.
#[derive(Clone, Default)]
struct Picky {
    told: Arc<Mutex<Vec<String>>>,
}

impl Picky {
    fn told(&self, what: &str, pod: &PodInfo, node: &Name) {
        self.told.lock().unwrap().push(format!("{what} {} {node}", pod.pod.meta.name()));
    }
}

impl Plugin for Picky {
    const NAME: &'static str = "Picky";
    const POINTS: &'static [Point] =
        &[Point::PreFilter, Point::Reserve, Point::Permit, Point::PreBind, Point::PostBind];
    type Cycle = u32;

    fn pre_filter(&self, pod: &PodInfo, nodes: &NodeTable, cycle: &mut u32) -> PreFilter {
        *cycle = 7;
        match pod.pod.meta.name().as_str() {
            "pinned" => {
                let mut rows = BitSet::empty(nodes.len());
                nodes.row("n2").into_iter().for_each(|row| rows.insert(row));
                PreFilter::Only(rows)
            }
            "refused" => PreFilter::Refuse(Refusal::new(Code::Unresolvable, "it is called that")),
            _ => PreFilter::Proceed,
        }
    }

    fn reserve(&self, pod: &PodInfo, cycle: &mut u32, _node: &Name) -> Result<(), Refusal> {
        assert_eq!(*cycle, 7, "what pre-filter learnt is still known");
        if pod.pod.meta.name() == "vetoed" {
            return Err(Refusal::new(Code::Unschedulable, "not there"));
        }
        Ok(())
    }

    fn unreserve(&self, pod: &PodInfo, _cycle: &mut u32, node: &Name) {
        self.told("unreserve", pod, node);
    }

    fn permit(&self, pod: &PodInfo, _cycle: &mut u32, _node: &Name) -> Result<(), Refusal> {
        if pod.pod.meta.name() == "forbidden" {
            return Err(Refusal::new(Code::Unschedulable, "not now"));
        }
        Ok(())
    }

    fn pre_bind(&self, pod: &PodInfo, _cycle: &mut u32, node: &Name) -> Option<Request> {
        let edit = Edit::Annotations(vec![("prepared-for".into(), node.clone())]);
        let key = pod.pod.meta.key.clone();
        let patch = Request::Patch { kind: Kind::Pod, key, uid: None, part: Part::Main, edit };
        (pod.pod.meta.name() == "prepared").then_some(patch)
    }

    fn post_bind(&self, pod: &PodInfo, node: &Name) {
        self.told("post-bind", pod, node);
    }
}

/// A scheduler with that plugin before all others and two nodes, the first the emptier.
fn started(picky: &Picky) -> Harness<Scheduler> {
    let first: (Arc<dyn DynPlugin>, i64) = (Arc::new(picky.clone()), 0);
    let others = REGISTRY.iter().map(|row| ((row.make)(), row.weight));
    let mut t = Harness::new(Scheduler::with_profile(Profile::new([first].into_iter().chain(others))));
    t.delays.set(DelayId::SchedulingCycle, Delay::Constant(Span::from_millis(2)));
    t.start();
    t.put(node("n1", "8", "16Gi"));
    t.put(node("n2", "2", "4Gi"));
    t
}

fn story_of(name: &str, cpu: &str) -> String {
    let mut t = started(&Picky::default());
    t.put(pod(name, cpu, "1Gi"));
    t.advance_to(Span::from_millis(10));
    t.story()
}

#[test]
fn a_plugin_names_the_only_nodes_that_may_be_looked_at() {
    insta::assert_snapshot!(story_of("pinned", "1"), @r#"
    2ms note Scheduled { pod: Key { namespace: "default", name: "pinned" }, node: "n2" }
    2ms bind Pod default/pinned to n2
    "#);
    insta::assert_snapshot!(story_of("pinned", "4"), @r#"
    2ms note Unschedulable { pod: Key { namespace: "default", name: "pinned" }, message: "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [Picky]. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling." }
    2ms event Pod/pinned FailedScheduling: 0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [Picky]. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.
    2ms patch Pod default/pinned PodScheduled=False Unschedulable
    "#);
}

#[test]
fn a_plugin_refuses_a_pod_before_any_node_is_looked_at() {
    insta::assert_snapshot!(story_of("refused", "1"), @r#"
    2ms note Unschedulable { pod: Key { namespace: "default", name: "refused" }, message: "0/2 nodes are available: it is called that. not found" }
    2ms event Pod/refused FailedScheduling: 0/2 nodes are available: it is called that. not found
    2ms patch Pod default/refused PodScheduled=False Unschedulable
    "#);
}

#[test]
fn a_veto_after_the_choice_gives_the_room_back() {
    for name in ["vetoed", "forbidden"] {
        let picky = Picky::default();
        let mut t = started(&picky);
        t.put(pod(name, "1", "1Gi"));
        t.advance_to(Span::from_millis(10));
        assert_eq!(picky.told.lock().unwrap().as_slice(), [format!("unreserve {name} n1")]);
        assert_eq!(t.program.cache.table().requested.cpu_milli, [0, 0]);
        assert_eq!(t.program.waiting(), [0, 0, 1]);
    }
    insta::assert_snapshot!(story_of("vetoed", "1"), @r#"
    2ms note Unschedulable { pod: Key { namespace: "default", name: "vetoed" }, message: "0/1 nodes are available: 1 not there." }
    2ms event Pod/vetoed FailedScheduling: 0/1 nodes are available: 1 not there.
    2ms patch Pod default/vetoed PodScheduled=False Unschedulable
    "#);
}

#[test]
fn a_binding_is_prepared_first() {
    let picky = Picky::default();
    let mut t = started(&picky);
    t.put(pod("prepared", "1", "1Gi"));
    t.advance_to(Span::from_millis(10));
    t.answer_all();
    insta::assert_snapshot!(t.story(), @r#"
    2ms note Scheduled { pod: Key { namespace: "default", name: "prepared" }, node: "n1" }
    2ms patch Pod default/prepared annotations [("prepared-for", "n1")]
    10ms bind Pod default/prepared to n1
    10ms event Pod/prepared Scheduled: Successfully assigned default/prepared to n1
    "#);
    assert_eq!(picky.told.lock().unwrap().as_slice(), ["post-bind prepared n1"]);
}

#[test]
fn a_preparation_that_fails_calls_the_binding_off() {
    let picky = Picky::default();
    let mut t = started(&picky);
    t.put(pod("prepared", "1", "1Gi"));
    t.advance_to(Span::from_millis(10));
    t.story();
    t.answer(&Reply::Error(ApiError::Forbidden("no".into())));
    insta::assert_snapshot!(t.story(), @r#"
    10ms event Pod/prepared FailedScheduling: running PreBind plugin "Picky": pods "prepared" is forbidden: no
    10ms patch Pod default/prepared PodScheduled=False SchedulerError
    "#);
    assert_eq!(picky.told.lock().unwrap().as_slice(), ["unreserve prepared n1"]);
}
