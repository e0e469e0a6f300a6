//! Layer 4: kube-scheduler: nodes as columns, plugins over them, and the queue of pods.

pub mod cycle;
pub mod diagnosis;
pub mod evaluation;
pub mod window;

pub mod erased;
pub mod plugin;
pub mod plugins;
pub mod profile;

pub mod cache;
pub mod event;
pub mod queue;
pub mod table;

#[cfg(test)]
mod fixture;

pub use cache::Cache;
pub use evaluation::{Evaluation, evaluate};
pub use profile::Profile;
pub use table::{NodeTable, PodInfo};
