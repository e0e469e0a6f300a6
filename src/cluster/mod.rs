//! Layer 6: the cluster. The only place that knows all parts.
//!
//! [`World`] is all state by value; [`World::step`] takes one [`event::Event`] off the queue and hands it to the
//! component that it concerns. [`wire`] turns the commands that components leave behind into requests in flight.
//! [`audit`] checks from outside that nothing impossible has happened.

pub mod audit;
pub mod bootstrap;
pub mod config;
pub mod event;
pub mod events;
pub mod happenings;
mod acts;
mod ahead;
mod strikes;
pub mod informer;
pub mod levers;
pub mod process;
pub mod settle;
#[cfg(test)]
mod action_tests;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod node_fault_tests;
#[cfg(test)]
mod opaque_tests;
#[cfg(test)]
mod regressions;
#[cfg(test)]
mod settle_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod track_tests;
pub mod wire;
pub mod world;

pub use ahead::Ahead;
pub use config::{Config, Happening, Planned, Start, Stop};
pub use settle::Unsettled;
pub use world::{Missed, World};
