//! Layer 8: what a run showed: verdicts, milestones, who owns each wait; as text for people and as data for programs.
//!
//! A [`Report`] is plain data made from a run that is over; `run.json` is the same data, `screen` the same in words, and
//! `pictures` charts of it. Nothing here reads a clock or writes a file, so that equal runs have equal reports.

pub mod collect;
pub mod convergence;
pub mod losses;
pub mod outlook;
pub mod owner;
#[cfg(feature = "plot")]
pub mod pictures;
pub mod plan;
pub mod screen;
pub mod spread;
mod stuck;
pub mod summary;
pub mod verdict;
pub mod waterfall;
pub mod words;

#[cfg(test)]
mod convergence_tests;
#[cfg(test)]
mod tests;

use crate::kernel::digest::Digest;
use serde::{Deserialize, Serialize};

pub use collect::{Finished, simulate, simulate_watched, simulate_while};
pub use convergence::{Convergence, Times, WorkloadConvergence};
pub use spread::{Failed, Runs};
pub use verdict::{Judged, Verdict};

/// The version of `run.json`. Fields are added, never changed.
pub const SCHEMA: &str = "evenkeel.run/v1";

/// What stands between a `run.json` and the seal at its end.
const SEAL: &str = ",\n  \"seal\": \"";

/// What a run showed. Times are in microseconds since the scenario began, spans in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// What the scenario is about.
    pub title: String,
    /// The scenario's name.
    pub scenario: String,
    /// Whether everything was as expected.
    pub verdict: Verdict,
    /// What is wrong apart from expectations; if anything is, the verdict is `fail`.
    pub reasons: Vec<String>,
    /// Which of the reasons is that nothing happened; of several seeds it is no failure if something did in others.
    #[serde(skip)]
    pub silence: Option<String>,
    /// What is worth knowing and no failure; left out of the document if there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What is needed to have the same run again, and to know that it is the same.
    pub receipt: Receipt,
    /// The date at time zero, without the fraction of a second that the seed adds.
    pub epoch: String,
    /// When the run ended.
    pub simulated_us: u64,
    /// Events of the simulator.
    pub events: u64,
    /// What differs from the defaults.
    pub overrides: Overrides,
    /// Each expectation with what was found.
    pub expectations: Vec<Judged>,
    /// Outages in the order of time.
    pub outages: Vec<OutageReport>,
    /// Ids of the `[[failure]]`s, whose strikes are called like them with a number behind.
    #[serde(skip)]
    pub processes: Vec<String>,
    /// What each event cost each workload, by cause and by the setting that owns it.
    pub losses: Vec<waterfall::LossReport>,
    /// What the API server said of manifests that it refused.
    pub refused: Vec<String>,
    /// When desired equalled actual, and what would become of what is not as wanted at the end.
    pub convergence: Convergence,
    /// The files from which the run can be had again, as they lie in its folder; the scenario first.
    pub inputs: Vec<InputFile>,
}

/// What is needed to have the same run again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Version of the simulator.
    pub version: String,
    /// Hash of the scenario file and its manifests.
    pub scenario_hash: String,
    /// From which all chance came.
    pub seed: u64,
    /// Digest of all that happened.
    pub digest: String,
}

impl Receipt {
    /// `0.1.0/7c1e42aa/1/9f42e0c1`: short enough to be read out.
    pub fn short(&self) -> String {
        let head = |text: &str| text.chars().take(8).collect::<String>();
        format!("{}/{}/{}/{}", self.version, head(&self.scenario_hash), self.seed, head(&self.digest))
    }
}

/// A file from which a run can be had again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Its name in the run folder.
    pub name: String,
    /// [`InputFile::hash_of`] its bytes.
    pub hash: String,
}

impl InputFile {
    /// The hash of a file's bytes, as 32 hexadecimal digits.
    pub fn hash_of(bytes: &[u8]) -> String {
        let mut digest = Digest::new();
        digest.bytes(bytes);
        digest.hex()
    }
}

/// What differs from the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Overrides {
    /// The seed, if it came from the command line.
    pub seed: Option<u64>,
    /// Keys of the scenario that the command line gave another value, as `run.until = "30m"`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Settings of upstream's programs.
    pub settings: Vec<Override>,
    /// Modelled delays.
    pub delays: Vec<Override>,
}

/// One value that is not the default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Override {
    /// Name, for settings as `kube-controller-manager/node-monitor-grace-period`.
    pub name: String,
    /// The value in this run.
    pub value: String,
    /// The default.
    pub default: String,
}

/// One outage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutageReport {
    /// Id of the event.
    pub id: String,
    /// Name of the fault, as `node.crash`.
    pub fault: String,
    /// When it happened.
    pub happened_us: u64,
    /// When it ended, if it did within the run.
    pub ended_us: Option<u64>,
    /// Nodes that it hit.
    pub nodes: Vec<String>,
    /// What it did, by workload that lost pods.
    pub workloads: Vec<WorkloadReport>,
}

/// What an outage did to one workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkloadReport {
    /// The workload, as `deployment/web`.
    pub name: String,
    /// Pods wanted when it happened.
    pub desired: i64,
    /// Pods that were on the nodes hit.
    pub lost: usize,
    /// Pods created in their place.
    pub replacements: usize,
    /// Nodes on which those were placed.
    pub placed_on: Vec<String>,
    /// Fewest pods that really served.
    pub serving_min: i64,
    /// How long fewer served than wanted; none if not so at all, to the end of the run if it did not end.
    pub short_us: Option<u64>,
    /// Whether as many as wanted served again at the end.
    pub is_serving_again: bool,
    /// Pods that the API called ready when it happened.
    pub ready_before: i64,
    /// Fewest pods that the API called ready.
    pub ready_min: i64,
    /// For how long the API went on calling the lost pods ready.
    pub api_unaware_us: Option<u64>,
    /// Milestones in their usual order.
    pub milestones: Vec<Milestone>,
}

/// One milestone of a recovery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Milestone {
    /// Its name, as `noticed`.
    pub name: &'static str,
    /// When it was reached; none if it was not.
    pub at_us: Option<u64>,
    /// Time since the outage happened.
    pub since_us: Option<u64>,
    /// Time since the milestone before it in time.
    pub wait_us: Option<u64>,
    /// The setting or the modelled delays that own this wait, with their values, where the records say so.
    pub owner: Option<String>,
}

impl Report {
    /// How many expectations were met.
    pub fn met(&self) -> usize {
        self.expectations.iter().filter(|judged| judged.verdict == Verdict::Pass).count()
    }

    /// The content of `run.json`. Its last key is a seal: the hash of all that stands before it.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("plain data without maps");
        let body = text.strip_suffix("\n}").expect("an object");
        format!("{body}{SEAL}{}\"\n}}\n", InputFile::hash_of(body.as_bytes()))
    }

    /// Whether nobody has changed this content of a `run.json`.
    pub fn is_sealed(text: &str) -> bool {
        let parts = text.rsplit_once(SEAL);
        parts.is_some_and(|(body, seal)| seal.strip_suffix("\"\n}\n") == Some(&InputFile::hash_of(body.as_bytes())))
    }
}
