//! Evenkeel: a deterministic discrete-event simulator of a Kubernetes cluster.

pub mod apiserver;
pub mod controller;
pub mod etcd;
pub mod kernel;
pub mod object;
pub mod program;
pub mod scheduler;
