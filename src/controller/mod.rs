//! Layer 4: the controllers of kube-controller-manager, each a loop from actual to desired state.
//!
//! They do not know each other: what one does, another learns from the API server. To add one: a file here and a
//! row in [`REGISTRY`].

pub mod deployment;
pub mod endpointslice;
pub mod garbage_collector;
pub mod node_lifecycle;
pub mod ownership;
pub mod pod_gc;
pub mod replicaset;
pub mod taint_eviction;

use crate::program::{Program, Runner};

/// Makes a controller.
pub type New = fn() -> Box<dyn Program>;

/// The controllers, in the order in which they hear of changes.
pub const REGISTRY: &[New] = &[
    || Box::new(Runner::new(deployment::DeploymentController)),
    || Box::new(Runner::new(replicaset::ReplicaSetController::default())),
    || Box::new(Runner::new(endpointslice::EndpointSliceController::default())),
    || Box::new(node_lifecycle::NodeLifecycle::default()),
    || Box::new(taint_eviction::TaintEviction::default()),
    || Box::new(pod_gc::PodGarbageCollector::default()),
    || Box::new(garbage_collector::GarbageCollector::default()),
];
