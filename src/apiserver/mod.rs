//! Layer 2: the API server, the only gateway to state.
//!
//! [`request`] has the verbs as data.

pub mod request;

pub use crate::etcd::Change;
pub use request::{ApiError, DeleteOptions, Part, Propagation, Reply, Request};
