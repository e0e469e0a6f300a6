//! What a scenario file says, version `evenkeel/v1`, with the default of everything that it may leave out.
//!
//! The texts that became names of registries (faults, settings, delays, measures) are looked up already; what refers to
//! other parts of the scenario keeps its place, so that `check` can point at it.

use super::measure::Measure;
use super::reader::At;
use super::rule::Rule;
use crate::cluster::Stop;
use crate::fault::Fault;
use crate::kernel::dist::Delay;
use crate::kernel::time::Span;
use crate::object::resources::ResourceList;
use crate::object::taint::Taint;
use crate::object::{DelayId, SettingId, Target, Timestamp};
use std::ops::Range;
use std::sync::Arc;

/// The version of the language.
pub const SCHEMA: &str = "evenkeel/v1";
/// The only profile so far: the defaults of the pinned release.
pub const PROFILE: &str = "kubernetes-1.36";

/// Seed of a scenario that names none. The clock is never asked.
pub const DEFAULT_SEED: u64 = 1;
/// Date at time zero of a scenario that names none: 2026-11-24T18:00:00Z. Any would do.
pub const DEFAULT_EPOCH: Timestamp = Timestamp(1_795_543_200);
/// End of a scenario that names none: long enough for one lost node (about 6 minutes) with room to see that nothing
/// more happens. Ours.
pub const DEFAULT_UNTIL: Span = Span::from_secs(30 * 60);
/// How long everything must stay as wanted to count as converged: longer than any pause between the steps of a
/// recovery that has begun (the 10 s rounds of kubelets). Ours.
pub const DEFAULT_HOLD: Span = Span::from_secs(30);
/// Pods that a node takes. Source: `pkg/kubelet/apis/config/v1beta1/defaults.go` (`MaxPods`), v1.36.
pub const DEFAULT_MAX_PODS: i64 = 110;

/// A scenario file.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is about, in a sentence.
    pub title: String,
    /// Manifests, relative to the scenario file.
    pub manifests: Vec<At<String>>,
    /// `[run]`.
    pub run: Run,
    /// `[[cluster.pool]]`.
    pub pools: Vec<Pool>,
    /// `[delays]`.
    pub delays: Vec<(DelayId, Delay)>,
    /// `[control]`.
    pub settings: Vec<(SettingId, i64)>,
    /// `[[event]]`.
    pub events: Vec<Event>,
    /// `[[expect]]`.
    pub expectations: Vec<Expectation>,
    /// Ids of all events, of those that could not be read too.
    pub event_ids: Vec<String>,
    /// Whether all pools could be read, so that what they do not have is really not there.
    pub are_pools_complete: bool,
}

/// `[run]`.
#[derive(Clone, Debug)]
pub struct Run {
    /// From which all chance comes.
    pub seed: At<u64>,
    /// The date at time zero.
    pub epoch: Timestamp,
    /// When the run ends at the latest.
    pub until: Span,
    /// Whether it may end earlier.
    pub stop: Stop,
    /// How long everything must stay as wanted to count as converged.
    pub hold: Span,
}

/// `[[cluster.pool]]`: machines of one make. Its nodes are called `<name>-1`, `<name>-2`, …
#[derive(Clone, Debug)]
pub struct Pool {
    /// Name.
    pub name: At<String>,
    /// How many machines.
    pub count: u64,
    /// Zones, dealt out in turn; none if empty.
    pub zones: Vec<String>,
    /// What each machine has.
    pub capacity: ResourceList,
    /// Labels of its nodes besides the usual ones.
    pub labels: Vec<(String, String)>,
    /// Taints of its nodes.
    pub taints: Vec<Taint>,
}

impl Pool {
    /// Names and zones of its nodes, in order.
    pub fn nodes(&self) -> impl Iterator<Item = (String, Option<&str>)> {
        (0..self.count).map(|index| {
            let zone = (!self.zones.is_empty()).then(|| self.zones[index as usize % self.zones.len()].as_str());
            (format!("{}-{}", self.name.value, index + 1), zone)
        })
    }
}

/// When an event begins.
#[derive(Clone, Debug)]
pub enum Moment {
    /// So long after the scenario began.
    At(Span),
    /// So long after another event began.
    After {
        /// Its id.
        event: At<String>,
        /// How long after.
        delay: Span,
    },
}

/// `[[event]]`.
#[derive(Clone, Debug)]
pub struct Event {
    /// Id, by which others refer to it.
    pub id: At<String>,
    /// When.
    pub moment: Moment,
    /// What: its name in the registry of faults.
    pub name: &'static str,
    /// The same with its parameters.
    pub fault: Arc<dyn Fault>,
    /// For how long; for good if none.
    pub lasts: Option<Span>,
    /// Whom it hits.
    pub target: At<Target>,
}

/// `[[expect]]`.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Id.
    pub id: At<String>,
    /// What is claimed.
    pub claim: Claim,
    /// The workload that it is about.
    pub of: Option<At<String>>,
    /// The event from which it counts.
    pub since: Option<At<String>>,
    /// Where it begins in the file.
    pub bytes: Range<usize>,
}

/// What an expectation claims.
#[derive(Clone, Debug)]
pub enum Claim {
    /// That a number lies within all of these bounds.
    Measure {
        /// Which number.
        measure: &'static Measure,
        /// At least one.
        bounds: Vec<Bound>,
    },
    /// That a rule holds.
    Rule(&'static Rule),
}

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `at-least`.
    AtLeast,
    /// `at-most`.
    AtMost,
    /// `equals`.
    Equals,
}

impl Comparison {
    /// All, by their keys.
    pub const ALL: [(&'static str, Comparison); 3] =
        [("at-least", Comparison::AtLeast), ("at-most", Comparison::AtMost), ("equals", Comparison::Equals)];
}

/// A bound, in the unit of its measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// How to compare.
    pub comparison: Comparison,
    /// With what.
    pub value: i64,
}

impl Bound {
    /// Whether `value` is within.
    pub fn admits(self, value: i64) -> bool {
        match self.comparison {
            Comparison::AtLeast => value >= self.value,
            Comparison::AtMost => value <= self.value,
            Comparison::Equals => value == self.value,
        }
    }
}
