//! Layer 6: the cluster. The only place that knows all parts.
//!
//! `World` is all state by value; `World::step` takes one event off the queue and hands it to the
//! component that it concerns. `wire` turns the commands that components leave behind into requests in flight.
//! `audit` checks from outside that nothing impossible has happened.

pub mod config;

pub use config::{Config, Planned, Stop};
