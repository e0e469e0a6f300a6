//! Layer 0: a discrete-event kernel. It does not know Kubernetes.
//!
//! Simulated [`time`], a monotone event [`queue`], random draws that are looked up by key
//! ([`rng`]), random delays ([`dist`]), what is left of those under way ([`residual`]) and factors on them ([`factor`]), generational slots for what is in flight ([`arena`]),
//! windows over a set of candidates ([`bitset`]) and a running [`digest`] of all that happened.

pub mod arena;
pub mod bitset;
pub mod bucket;
pub mod digest;
pub mod dist;
pub mod factor;
pub mod queue;
pub mod residual;
pub mod rng;
pub mod text;
pub mod time;
