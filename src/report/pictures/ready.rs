//! Ready against desired, by workload.

use super::marks::milestones;
use crate::kernel::time::Time;
use crate::plot::{Panel, ReadyChart, Story};
use crate::record::timeline::Steps;
use crate::record::workloads::{Workload, WorkloadId, workload_name};
use crate::report::Finished;
use crate::report::words::{counted, grouped};

/// Panels of one picture at most; the last of them may stand for several workloads.
const PANELS_MAX: usize = 12;
/// As many workloads all have a panel, whether they lacked pods or not.
const FEW: usize = 4;

/// How many pods were wanted, how many the API called ready, and how many really served.
pub fn ready_chart(finished: &Finished, mut story: Story) -> ReadyChart {
    let recorder = finished.world.recorder();
    story.marks.extend(milestones(&finished.report));

    let mut all: Vec<(Lack, &WorkloadId, &Workload)> =
        recorder.workloads.iter().map(|(id, workload)| (lack(finished, id, workload), id, workload)).collect();
    let count = all.len();
    // Who lacked most comes first; of equals, who wanted most; of equals, in the order of names.
    all.sort_by_key(|(lack, _, workload)| {
        std::cmp::Reverse((lack.replica_micros, workload.desired.max_between(Time::ZERO, finished.world.now())))
    });
    let lacking = all.iter().filter(|(lack, ..)| lack.replica_micros > 0).count();
    let shown = match lacking {
        _ if count <= FEW => count,
        0 => PANELS_MAX.min(count),
        few if few <= PANELS_MAX => few,
        _ => PANELS_MAX - 1,
    };
    let rest = all.split_off(shown);
    let mut panels: Vec<Panel> =
        all.iter().map(|(lack, id, workload)| panel(workload_name(id), lack, &[*workload])).collect();
    if lacking > shown {
        let lack = rest.iter().fold(Lack::default(), |sum, (lack, ..)| sum.and(lack));
        let workloads: Vec<&Workload> = rest.iter().map(|(_, _, workload)| *workload).collect();
        panels.push(panel(format!("{} others together", rest.len()), &lack, &workloads));
    } else if !rest.is_empty() {
        story.notes.push(format!("Not shown: {} that never lacked a pod.", counted(rest.len(), "workload")));
    }
    ReadyChart { story, panels }
}

/// What a workload lacked over a run.
#[derive(Clone, Copy, Debug, Default)]
struct Lack {
    /// Pods wanted that were not both ready, as the API says, and serving.
    replica_micros: u128,
    /// Pods wanted that did not really serve.
    lost_micros: u128,
    /// Most of these at once.
    lost_most: i64,
    /// Pods wanted that the API did not call ready.
    claimed_micros: u128,
    /// Most of these at once.
    claimed_most: i64,
}

impl Lack {
    fn of(workload: &Workload, end: Time) -> Lack {
        let mut times: Vec<Time> = [&workload.desired, &workload.ready, &workload.serving]
            .into_iter()
            .flat_map(|steps| steps.iter().map(|(at, _)| at))
            .filter(|at| *at < end)
            .chain([end])
            .collect();
        times.sort_unstable();
        times.dedup();
        let mut lack = Lack::default();
        for pair in times.windows(2) {
            let at = pair[0];
            let missing = |there: i64| (workload.desired.at(at) - there).max(0);
            let (claimed, lost) = (missing(workload.ready.at(at)), missing(workload.serving.at(at)));
            let lasting = |missing: i64| u128::from(missing.unsigned_abs()) * u128::from(pair[1].since(at).as_micros());
            lack.replica_micros += lasting(claimed.max(lost));
            lack.lost_micros += lasting(lost);
            lack.claimed_micros += lasting(claimed);
            lack.lost_most = lack.lost_most.max(lost);
            lack.claimed_most = lack.claimed_most.max(claimed);
        }
        lack
    }

    fn and(self, other: &Lack) -> Lack {
        Lack {
            replica_micros: self.replica_micros + other.replica_micros,
            lost_micros: self.lost_micros + other.lost_micros,
            lost_most: self.lost_most.max(other.lost_most),
            claimed_micros: self.claimed_micros + other.claimed_micros,
            claimed_most: self.claimed_most.max(other.claimed_most),
        }
    }

    /// What was really lost, and beside it what the API says, if that is not the same.
    fn notes(&self, workloads: usize) -> Vec<String> {
        let seconds = |micros: u128| u64::try_from((micros + 500_000) / 1_000_000).unwrap_or(u64::MAX);
        let (lost, claimed) = (seconds(self.lost_micros), seconds(self.claimed_micros));
        let mut notes = match self.lost_most {
            0 => vec!["lacked none".to_string()],
            most if workloads == 1 => vec![format!("lacked up to {}", counted(most.unsigned_abs() as usize, "pod"))],
            most => vec![format!("lacked up to {most} each")],
        };
        if self.lost_most > 0 {
            notes.push(format!("{} replica-seconds in all", grouped(lost)));
        }
        if claimed != lost {
            let most = counted(self.claimed_most.unsigned_abs() as usize, "pod");
            notes.push(format!("by the API's account up to {most},"));
            notes.push(format!("{} replica-seconds", grouped(claimed)));
        }
        notes
    }
}

/// What was really lost is what `run.json` says of it, where that is known.
fn lack(finished: &Finished, id: &WorkloadId, workload: &Workload) -> Lack {
    let lack = Lack::of(workload, finished.world.now());
    if !finished.world.recorder().is_full() {
        return lack;
    }
    let name = workload_name(id);
    let own = finished.report.losses.iter().filter(|loss| loss.object == name);
    Lack { lost_micros: own.map(|loss| u128::from(loss.lost_us)).sum(), ..lack }
}

fn panel(name: String, lack: &Lack, workloads: &[&Workload]) -> Panel {
    let sum = |steps: fn(&Workload) -> &Steps| added_up(workloads.iter().map(|workload| steps(workload)));
    Panel {
        name,
        notes: lack.notes(workloads.len()),
        desired: sum(|workload| &workload.desired),
        ready: sum(|workload| &workload.ready),
        serving: sum(|workload| &workload.serving),
    }
}

/// The sum of step functions.
fn added_up<'a>(all: impl Iterator<Item = &'a Steps>) -> Vec<(Time, i64)> {
    let mut changes: Vec<(Time, i64)> = Vec::new();
    for steps in all {
        let mut before = 0;
        for (at, value) in steps.iter() {
            changes.push((at, value - before));
            before = value;
        }
    }
    changes.sort_by_key(|change| change.0);
    let (mut sum, mut steps) = (0, Vec::<(Time, i64)>::new());
    for (at, by) in changes {
        sum += by;
        match steps.last_mut() {
            Some(last) if last.0 == at => last.1 = sum,
            _ => steps.push((at, sum)),
        }
    }
    steps
}
