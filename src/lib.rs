//! Evenkeel: a deterministic discrete-event simulator of a Kubernetes cluster.

pub mod kernel;
pub mod object;
