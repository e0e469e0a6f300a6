//! Evenkeel: a deterministic discrete-event simulator of a Kubernetes cluster.
//!
//! A simulated clock drives the logic of the real control plane against virtual nodes that crash and are cut off, and
//! records how, when and why the cluster converges again. The same version, scenario and seed give the same bytes.
//!
//! # The loop
//!
//! ```text
//!  scenario.toml ──► World (all state, by value)
//!                      │
//!       ┌──────────────▼───────────────── one step ─────────────────────────────────┐
//!       │ queue.pop() → (now, event) → match → component.on_…(input, cx) → commands │
//!       │      ▲                                                            │       │
//!       │      └───── network: delay, loss, partition ◄──── wire ◄──────────┘       │
//!       │                     apiserver: admit → commit → change log → watches      │
//!       └──────────────────────────────────┬────────────────────────────────────────┘
//!                                          ▼ facts
//!                               record → CSV → plot, report
//! ```
//!
//! Data flows one way round. A component is told something (changes, a reply, a timer), updates itself and leaves
//! [`program::Command`]s behind; it never calls another component, the queue, the store or the network. What anyone may
//! know comes from the API server's change log, late or never. What is really so is in [`ground`].
//!
//! # Reading order
//!
//! 1. [`cluster::world`]: the loop, [`cluster::World::step`], fits on one screen.
//! 2. [`program`]: the contract of a control-plane program.
//! 3. [`controller::replicaset`]: the simplest controller.
//! 4. [`apiserver::server`]: one function per verb.
//! 5. [`scheduler::cycle`]: filter, rank, pick.
//! 6. [`node::kubelet`]: signs of life, and the pods of a node.
//! 7. [`fault`]: what may break, and how little code a new way to break needs.
//! 8. [`action`]: what people do to a running cluster, in kubectl's verbs.
//!
//! # Layers
//!
//! A module imports only from layers below its own; `tests/tidy.rs` checks it.
//!
//! | layer | modules | what |
//! |---|---|---|
//! | 0 | [`kernel`] | time, queue, draws, delays, digest; no Kubernetes |
//! | 1 | [`object`] | API objects as values, settings, delays, facts |
//! | 2 | [`etcd`], [`apiserver`] | the source of truth and its only gateway |
//! | 3 | [`program`], [`ground`] | the contract of programs; ground truth |
//! | 4 | [`scheduler`], [`controller`], [`node`], [`network`], [`fault`], [`action`] | the parts; none knows another |
//! | 5 | [`record`] | what is kept of a run |
//! | 6 | [`cluster`] | the world: knows them all |
//! | 7 | `scenario`, `manifest` | the only code that reads input |
//! | 8 | `plot`, `report`, `printer`, `conformance` | what a run says |
//! | 9 | `cli` | the command |
//!
//! Layers 0 to 6 are the engine: no clock, no files, no threads, no environment, no hash order, no system floating
//! point. It builds with `--no-default-features`, also for `wasm32-unknown-unknown`.
//!
//! # A run by hand
//!
//! ```
//! use evenkeel::cluster::{Config, Start, Stop, World};
//! use evenkeel::kernel::time::{Span, Time};
//! use evenkeel::object::{Delays, Settings, Timestamp};
//!
//! let mut world = World::new(Config {
//!     seed: 7,
//!     epoch: Timestamp::parse("2026-11-24T18:00:00Z").unwrap(),
//!     settings: Settings::default(),
//!     delays: Delays::default(),
//!     nodes: Vec::new(),
//!     manifests: Vec::new(),
//!     start: Start::Empty,
//!     events: Vec::new(),
//!     until: Time::ZERO + Span::from_secs(60),
//!     stop: Stop::Time,
//!     hold: Span::from_secs(10),
//!     record: evenkeel::record::Detail::Full,
//! });
//! world.run();
//! assert_eq!(world.now(), Time::ZERO + Span::from_secs(60));
//! assert_eq!(world.audit(), Ok(()));
//! ```
//!
//! # Features
//!
//! `cli` the command line · `scenario` scenario files · `manifest` Kubernetes YAML · `plot` pictures; all on by default.
//! A feature adds, it never changes a result.

#![warn(missing_docs)]

pub mod kernel;
pub mod object;
pub mod etcd;
pub mod apiserver;
pub mod program;
pub mod ground;
pub mod scheduler;
pub mod controller;
pub mod node;
pub mod network;
pub mod fault;
pub mod action;
pub mod record;
pub mod cluster;
#[cfg(feature = "scenario")]
pub mod scenario;
#[cfg(feature = "manifest")]
pub mod manifest;
#[cfg(feature = "plot")]
pub mod plot;
#[cfg(feature = "scenario")]
pub mod report;
#[cfg(feature = "scenario")]
pub mod explain;
#[cfg(feature = "manifest")]
pub mod printer;
#[cfg(feature = "manifest")]
pub mod conformance;
#[cfg(feature = "cli")]
pub mod cli;
