//! Evenkeel: a deterministic discrete-event simulator of a Kubernetes cluster.

pub mod apiserver;
pub mod cluster;
pub mod controller;
pub mod etcd;
pub mod fault;
pub mod ground;
pub mod kernel;
pub mod network;
pub mod node;
#[cfg(feature = "manifest")]
pub mod manifest;
pub mod object;
pub mod program;
pub mod record;
pub mod scheduler;
