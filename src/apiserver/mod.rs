//! Layer 2: the API server, the only gateway to state.
//!
//! [`request`] has the verbs as data. A request passes [`authn`], [`authz`], defaulting and [`admission`], validation, and
//! is committed by [`server`]; [`watch`] tells who hears of it; [`flow`] says how long it takes. It does not know who
//! its clients are, nor how messages travel.

pub mod admission;
pub mod authn;
pub mod authz;
pub mod flow;
pub mod request;
pub mod server;
pub mod watch;

#[cfg(test)]
mod tests;

pub use crate::etcd::Change;
pub use request::{ApiError, DeleteOptions, Part, Propagation, Reply, Request};
pub use server::{ApiServer, Serve};
