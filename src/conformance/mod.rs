//! Layer 8: holds the simulator against recordings of a real cluster.
//!
//! `recording` reads a folder of timelines: scenarios, and the `milestones` that the recorder computed from its runs.
//! `replay` builds a scenario's cluster with the recorder's own kubelet delays; `watch` takes the same tables from a
//! simulated run. `summary` cuts a run down to what may be compared, `rule` says what differs, `report` says it to people
//! and programs.
//!
//! It opens no files and starts no threads: the caller hands texts in, runs [`Replay::run`] for as many seeds as it
//! likes, in any order, and gives the summaries back to [`Outcome::of`]. The same recording and the same seeds give the
//! same report.

pub mod milestones;
pub mod recording;
pub mod replay;
pub mod report;
pub mod rule;
pub mod scenario;
pub mod summary;
pub mod watch;

mod actions;
mod dialect;
mod nodes;

pub use milestones::Run;
pub use recording::{Folder, Recorded, read};
pub use replay::Replay;
pub use report::{Outcome, Report};
pub use rule::Terms;
pub use summary::Summary;
