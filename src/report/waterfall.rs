//! The recovery waterfall as data, as rows of `waterfall.csv` and as text: which cause and which setting cost how much.

use super::outlook::{Judgement, Outlook};
use super::words::{bar, counted, short};
use crate::cluster::Config;
use crate::kernel::time::{Span, Time};
use crate::object::{DelayId, Fact, SettingId};
use crate::record::Recorder;
use crate::record::waterfall::{Cause, Loss, Origin, Owner};
use crate::record::workloads::{WorkloadId, workload_name};
use serde::Serialize;

/// Stands for an event where replicas are missing until they are there for the first time.
pub const START: &str = "start";

/// What one event cost one workload. Losses are in replica-microseconds: one replica missing for a second is 1,000,000.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LossReport {
    /// Id of the event; `start` for what is missing until it is there for the first time, `itself` for what went out of
    /// service without an event.
    pub event: String,
    /// Whether it is one of the scenario's events.
    pub is_event: bool,
    /// The workload, as `deployment/web`.
    pub object: String,
    /// When the first replica was missing.
    pub since_us: u64,
    /// How many replicas went missing, each counted once for each time.
    pub vacancies: u32,
    /// Most that were missing at the same time.
    pub most: u32,
    /// How many are missing still at the end.
    pub open: u32,
    /// What was really lost.
    pub lost_us: u64,
    /// What of it the API did not know: it still called the replicas ready.
    pub unaware_us: u64,
    /// What the API claimed to be lost and was not.
    pub mistaken_us: u64,
    /// What the API claimed to be lost: what was lost, less what it did not know, and what it claimed too much.
    pub claimed_us: u64,
    /// What the loss consists of; the parts add up to it.
    pub parts: Vec<PartReport>,
}

/// One part of a loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartReport {
    /// What was waited for, as `tolerated`.
    pub cause: &'static str,
    /// The setting, delay, field of the pod or event that owns the length of the wait; none if programs and messages just
    /// took their time.
    pub owner: Option<OwnerReport>,
    /// How much.
    pub replica_us: u64,
}

/// Who owns the length of a wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OwnerReport {
    /// Its name: `kube-controller-manager/node-monitor-grace-period`, `delays/image-pull`, `pod/tolerationSeconds`,
    /// `event/repair`.
    pub name: String,
    /// Its value in this run.
    pub value: String,
    /// Where that comes from: a file of the upstream tree for a default, `scenario` for what it says, `model` for a delay
    /// that the simulator assumes.
    pub source: String,
}

impl OwnerReport {
    /// The name without what it belongs to.
    pub fn short_name(&self) -> &str {
        match self.name.split_once('/') {
            Some(("pod" | "delays" | "event", name)) => name,
            _ => self.name.rsplit('/').next().unwrap_or(&self.name),
        }
    }

    /// That name with the value: `node-monitor-grace-period 50s`.
    pub fn label(&self) -> String {
        format!("{} {}", self.short_name(), self.value)
    }
}

/// `waterfall.csv`: one row per event, workload, cause and owner, then what they add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WaterfallRow {
    /// Id of the event, or `start` or `itself`.
    pub event: String,
    /// The workload.
    pub object: String,
    /// The cause; or `lost` for the sum of the causes, `unaware` for what of it the API did not know, `mistaken` for what it
    /// claimed and was not so, and `claimed` for its claim.
    pub cause: String,
    /// Who owns the wait.
    pub owner: String,
    /// Its value in this run.
    pub value: String,
    /// Where that comes from.
    pub source: String,
    /// How much (µs of one replica).
    pub replica_us: u64,
    /// The same, readable.
    pub replica_time: String,
}

/// What each event cost each workload, in the order of events.
pub fn losses(recorder: &Recorder, config: &Config, end: Time, outlooks: &[Judgement<'_>]) -> Vec<LossReport> {
    let stuck = |workload: &WorkloadId| {
        outlooks.iter().find_map(|(id, _, outlook)| match outlook {
            Outlook::Stuck { since, .. } if *id == workload => Some(*since),
            _ => None,
        })
    };
    let mut losses: Vec<Loss> = recorder.losses(end, stuck);
    losses.sort_by_key(|loss| loss.since);
    losses.iter().map(|loss| loss_report(loss, recorder, config)).collect()
}

fn loss_report(loss: &Loss, recorder: &Recorder, config: &Config) -> LossReport {
    let event = match (&loss.event, loss.origin) {
        (Some(event), _) => event.to_string(),
        (None, Origin::Start) => START.to_string(),
        (None, _) => "itself".to_string(),
    };
    let part = |((cause, owner), micros): (&(Cause, Owner), &u64)| PartReport {
        cause: cause.name(),
        owner: owner_report(owner, recorder, config),
        replica_us: *micros,
    };
    LossReport {
        event,
        is_event: loss.event.is_some(),
        object: workload_name(&loss.workload),
        since_us: loss.since.as_micros(),
        vacancies: loss.vacancies,
        most: loss.most,
        open: loss.open,
        lost_us: loss.lost(),
        unaware_us: loss.unaware,
        mistaken_us: loss.mistaken,
        claimed_us: loss.claimed(),
        parts: loss.parts.iter().map(part).collect(),
    }
}

/// The place of a cause in the order in which a recovery usually meets them.
pub(super) fn order(cause: &str) -> usize {
    Cause::ALL.iter().position(|known| known.name() == cause).unwrap_or(Cause::ALL.len())
}

const SCENARIO: &str = "scenario";

fn owner_report(owner: &Owner, recorder: &Recorder, config: &Config) -> Option<OwnerReport> {
    let changed = |is_default: bool, source: &str| if is_default { source.to_string() } else { SCENARIO.to_string() };
    let setting = |id: SettingId| {
        let row = id.row();
        OwnerReport {
            name: format!("{}/{}", row.component, row.name),
            value: config.settings.show(id),
            source: changed(config.settings.get(id) == row.default, row.source),
        }
    };
    let delay = |id: DelayId| {
        let (row, value) = (id.row(), config.delays.get(id));
        OwnerReport {
            name: format!("delays/{}", row.name),
            value: value.to_string(),
            source: changed(*value == row.default, "model"),
        }
    };
    match owner {
        Owner::Setting(id) => Some(setting(*id)),
        Owner::Delay(id) => Some(delay(*id)),
        Owner::Pod(field, value) => Some(OwnerReport {
            name: format!("pod/{}", field.rsplit('/').next().unwrap_or(field)),
            value: value.to_string(),
            source: SCENARIO.to_string(),
        }),
        Owner::Event(fact) => {
            let what = match recorder.recorded(*fact).map(|recorded| &recorded.fact) {
                Some(Fact::Acted { what, .. }) => what.to_string(),
                // The nodes are told elsewhere.
                Some(Fact::FaultBegan { what, .. }) => what.split(' ').next().unwrap_or_default().to_string(),
                _ => String::new(),
            };
            let name = format!("event/{}", recorder.event(*fact)?);
            Some(OwnerReport { name, value: what, source: SCENARIO.to_string() })
        }
        Owner::Nobody => None,
    }
}

/// Rows of `waterfall.csv`.
pub fn rows(losses: &[LossReport]) -> Vec<WaterfallRow> {
    let mut rows = Vec::new();
    for loss in losses {
        let row = |cause: &str, owner: Option<&OwnerReport>, micros: u64| {
            let owner = owner.cloned();
            let (name, value, source) =
                owner.map_or_else(Default::default, |owner| (owner.name, owner.value, owner.source));
            WaterfallRow {
                event: loss.event.clone(),
                object: loss.object.clone(),
                cause: cause.to_string(),
                owner: name,
                value,
                source,
                replica_us: micros,
                replica_time: Span::from_micros(micros).to_string(),
            }
        };
        rows.extend(loss.parts.iter().map(|part| row(part.cause, part.owner.as_ref(), part.replica_us)));
        let LossReport { lost_us, unaware_us, mistaken_us, claimed_us, .. } = *loss;
        let totals = [("lost", lost_us), ("unaware", unaware_us), ("mistaken", mistaken_us), ("claimed", claimed_us)];
        rows.extend(totals.map(|(name, micros)| row(name, None, micros)));
    }
    rows
}

/// Longest bar (characters).
const BAR_WIDTH: u64 = 24;

/// The waterfall of one loss: a line for each part, then what they add up to and what the API made of it.
pub fn text(loss: &LossReport) -> String {
    let time = |micros: u64| short(Span::from_micros(micros));
    let mut text = String::new();
    if loss.lost_us > 0 {
        let replicas = counted(loss.most as usize, "replica");
        let open = if loss.open > 0 { format!(", {} still missing at the end", loss.open) } else { String::new() };
        text.push_str(&format!("  {} of replica time lost, at most {replicas} at once{open}\n", time(loss.lost_us)));
    }
    for PartReport { cause, owner, replica_us } in &loss.parts {
        let share = share(*replica_us, loss.lost_us);
        let bar = bar(*replica_us, loss.lost_us, BAR_WIDTH);
        let owner = owner.as_ref().map_or_else(String::new, OwnerReport::label);
        let line = format!(
            "  {cause:<12} {:>10} {share:>6}  {bar:<width$}  {owner}",
            time(*replica_us),
            width = BAR_WIDTH as usize
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if (loss.unaware_us, loss.mistaken_us) != (0, 0) || loss.claimed_us != loss.lost_us {
        let mut differences = Vec::new();
        if loss.unaware_us > 0 {
            differences.push(format!("it did not know of {}", time(loss.unaware_us)));
        }
        if loss.mistaken_us > 0 {
            differences.push(format!("{} that it claimed was not lost", time(loss.mistaken_us)));
        }
        text.push_str(&format!("  the API claimed {}: {}\n", time(loss.claimed_us), differences.join(", ")));
    }
    text
}

/// `14.9%`; a part that is there is never said to be none, nor all if it is not.
fn share(part: u64, whole: u64) -> String {
    let tenths = (u128::from(part) * 1_000 + u128::from(whole) / 2) / u128::from(whole.max(1));
    match tenths {
        0 if part > 0 => "<0.1%".to_string(),
        1_000 if part < whole => ">99.9%".to_string(),
        tenths => format!("{}.{}%", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_do_not_round_to_none_or_all() {
        assert_eq!((share(1, 3), share(2, 3)), ("33.3%".to_string(), "66.7%".to_string()));
        assert_eq!((share(1, 100_000), share(99_999, 100_000)), ("<0.1%".to_string(), ">99.9%".to_string()));
        assert_eq!((share(0, 0), share(5, 5)), ("0.0%".to_string(), "100.0%".to_string()));
    }
}
