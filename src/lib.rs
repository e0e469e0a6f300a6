//! Evenkeel: a deterministic discrete-event simulator of a Kubernetes cluster.

pub mod kernel;
#[cfg(feature = "manifest")]
pub mod manifest;
pub mod object;
