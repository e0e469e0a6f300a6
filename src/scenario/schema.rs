//! What a scenario file says, version `evenkeel/v1`, with the default of everything that it may leave out.
//!
//! The texts that became names of registries (faults, settings, delays, measures) are looked up already; what refers to
//! other parts of the scenario keeps its place, so that `check` can point at it.

use super::failure::Failure;
use super::measure::Measure;
use super::reader::{At, Mention};
use super::rule::Rule;
use super::target::Written;
use crate::action::Action;
use crate::cluster::Start;
use crate::cluster::Stop;
use crate::fault::Fault;
use crate::kernel::dist::Delay;
use crate::kernel::time::Span;
use crate::object::labels::Selector;
use crate::object::resources::ResourceList;
use crate::object::taint::Taint;
use crate::object::{DelayId, SettingId, Timestamp};
use crate::record::Detail;
use std::ops::Range;
use std::sync::Arc;

/// The version of the language.
pub const SCHEMA: &str = "evenkeel/v1";
/// The only profile so far: the defaults of the pinned release.
pub const PROFILE: &str = "kubernetes-1.36";
/// The release that it stands for.
pub const PROFILE_VERSION: &str = "v1.36.2";

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
    /// Manifests, each relative to the file that names it.
    pub manifests: Vec<At<String>>,
    /// `[run]`.
    pub run: Run,
    /// What is kept of it.
    pub output: Output,
    /// `[[cluster.pool]]`.
    pub pools: Vec<Pool>,
    /// `[[domain]]`.
    pub domains: Vec<Domain>,
    /// `[[workload]]`.
    pub workloads: Vec<Workload>,
    /// `[delays]`.
    pub delays: Vec<(DelayId, Delay)>,
    /// `[control]`.
    pub settings: Vec<(SettingId, i64)>,
    /// `[[event]]`.
    pub events: Vec<Event>,
    /// What is known of events that could not be read as a whole.
    pub drafts: Vec<Draft>,
    /// `[[failure]]`.
    pub failures: Vec<Failure>,
    /// `[[expect]]`.
    pub expectations: Vec<Expectation>,
    /// What any table says of another, of those that could not be read too.
    pub mentions: Vec<Mention>,
    /// Ids of all events, of those that could not be read too.
    pub event_ids: Vec<String>,
    /// Whether all events are among them.
    pub are_events_known: bool,
    /// Whether all declared domains could be read.
    pub are_domains_known: bool,
    /// Whether all pools could be read, so that what they do not have is really not there.
    pub are_pools_complete: bool,
    /// Whether all short workloads could be read.
    pub are_workloads_complete: bool,
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
    /// What is there at the beginning.
    pub start: Start,
}

/// `[output]`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Output {
    /// How much is kept of a run.
    pub record: Detail,
}

/// `[[cluster.pool]]`: machines of one make.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Name.
    pub name: At<String>,
    /// How many machines.
    pub count: u64,
    /// Their names; `<pool>-1`, `<pool>-2`, … if empty.
    pub names: Vec<String>,
    /// Zones, dealt out in turn; none if empty.
    pub zones: Vec<String>,
    /// Racks by zone (none for all), dealt out in turn within it.
    pub racks: Vec<(Option<String>, Vec<String>)>,
    /// What each machine has.
    pub capacity: ResourceList,
    /// What of it pods may have.
    pub allocatable: ResourceList,
    /// Labels of its nodes besides the usual ones.
    pub labels: Vec<(String, String)>,
    /// Taints of its nodes.
    pub taints: Vec<Taint>,
}

/// One node of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolNode<'a> {
    /// Its name.
    pub name: String,
    /// Its zone.
    pub zone: Option<&'a str>,
    /// Its rack.
    pub rack: Option<&'a str>,
}

impl Pool {
    /// Its nodes, in order.
    pub fn nodes(&self) -> impl Iterator<Item = PoolNode<'_>> {
        (0..self.count).map(|index| self.node(index))
    }

    /// The node of this index; those past the last are what the pool would grow by.
    pub fn node(&self, index: u64) -> PoolNode<'_> {
        let turns = self.zones.len().max(1) as u64;
        let zone = self.zones.get((index % turns) as usize).map(String::as_str);
        let racks = self.racks.iter().find(|(of, _)| of.is_none() || of.as_deref() == zone);
        let rack = racks
            .filter(|(_, racks)| !racks.is_empty())
            .map(|(_, racks)| racks[((index / turns) % racks.len() as u64) as usize].as_str());
        let name = match self.names.get(index as usize) {
            Some(name) => name.clone(),
            None => format!("{}-{}", self.name.value, index + 1),
        };
        PoolNode { name, zone, rack }
    }
}

/// `[[domain]]`: what fails together.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Name.
    pub name: At<String>,
    /// What it is, as `power`.
    pub kind: At<String>,
    /// The domain that it is a part of.
    pub within: Option<At<String>>,
    /// Its nodes, besides those of the domains within it.
    pub covers: Covers,
}

/// Nodes that are known before the run; a node must pass all filters that are there.
#[derive(Clone, Debug, Default)]
pub struct Covers {
    /// One of these.
    pub nodes: Option<Vec<At<String>>>,
    /// In one of these zones.
    pub zones: Option<Vec<At<String>>>,
    /// Of one of these pools.
    pub pools: Option<Vec<At<String>>>,
    /// With labels that this matches.
    pub labels: Option<At<Selector>>,
}

impl Covers {
    /// Whether it names no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_none() && self.zones.is_none() && self.pools.is_none() && self.labels.is_none()
    }
}

/// `[[workload]]`: a manifest in short.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Name, for messages.
    pub name: At<String>,
    /// Namespace.
    pub namespace: String,
    /// The manifest that it stands for, as YAML.
    pub yaml: String,
    /// Where each line of that comes from.
    pub lines: Vec<Range<usize>>,
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
        delay: Delay,
    },
}

/// `[[event]]`.
#[derive(Clone, Debug)]
pub struct Event {
    /// Id, by which others refer to it.
    pub id: At<String>,
    /// When.
    pub moment: Moment,
    /// Its name in its registry.
    pub name: &'static str,
    /// What.
    pub what: What,
    /// Whom it hits; none if it needs none.
    pub target: Option<At<Written>>,
    /// The object or event that it is about.
    pub of: Option<At<String>>,
    /// Where that is written which the object may refuse: a patch, the name of a container.
    pub tried: Option<Range<usize>>,
    /// For how long; for good if none.
    pub lasts: Option<Delay>,
    /// Within which time its nodes are hit.
    pub jitter: Span,
    /// Within which time after its end its nodes get well.
    pub stagger: Span,
    /// Where `stagger` is written, if the event does not end by itself.
    pub open_stagger: Option<Range<usize>>,
}

/// What is known of an event, of one that could not be read as a whole too.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Where it begins in the file.
    pub bytes: Range<usize>,
    /// Id.
    pub id: Option<At<String>>,
    /// When.
    pub moment: Option<Moment>,
    /// Its name in its registry; empty if that is not known.
    pub name: &'static str,
    /// What.
    pub what: Option<What>,
    /// Whom it hits.
    pub target: Option<At<Written>>,
    /// The object or event that it is about.
    pub of: Option<At<String>>,
    /// The pool of which machines join.
    pub pool: Option<At<String>>,
    /// Where that is written which the object may refuse.
    pub tried: Option<Range<usize>>,
    /// Where `stagger` is written, if the event does not end by itself.
    pub open_stagger: Option<Range<usize>>,
}

impl From<&Event> for Draft {
    fn from(event: &Event) -> Draft {
        Draft {
            bytes: event.id.bytes.clone(),
            id: Some(event.id.clone()),
            moment: Some(event.moment.clone()),
            name: event.name,
            what: Some(event.what.clone()),
            target: event.target.clone(),
            of: event.of.clone(),
            pool: match &event.what {
                What::Add { pool, .. } => Some(pool.clone()),
                _ => None,
            },
            tried: event.tried.clone(),
            open_stagger: event.open_stagger.clone(),
        }
    }
}

/// What an event does.
#[derive(Clone, Debug)]
pub enum What {
    /// Something breaks.
    Fault(Arc<dyn Fault>),
    /// Somebody acts.
    Action(Arc<dyn Action>),
    /// Manifests are applied.
    Apply {
        /// The files, each relative to the file that names it.
        manifests: Vec<At<String>>,
    },
    /// New machines of a pool.
    Add {
        /// The pool.
        pool: At<String>,
        /// How many.
        count: u64,
    },
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
    /// The event before which it must have happened.
    pub before: Option<At<String>>,
    /// In which share of several seeds it must come true (millionths).
    pub share: u32,
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
