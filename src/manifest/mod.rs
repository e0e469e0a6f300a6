//! Layer 7: Kubernetes manifests.
mod check;
pub mod decode;
mod meta;
mod node;
mod pod;
mod service;
mod small;
pub mod strict;
mod workload;
pub mod yaml;
