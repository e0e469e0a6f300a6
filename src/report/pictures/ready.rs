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
    let (recorder, end) = (finished.world.recorder(), finished.world.now());
    story.marks.extend(milestones(&finished.report));

    let mut all: Vec<(Lack, &WorkloadId, &Workload)> =
        recorder.workloads.iter().map(|(id, workload)| (Lack::of(workload, end), id, workload)).collect();
    let count = all.len();
    // Who lacked most comes first; of equals, who wanted most; of equals, in the order of names.
    all.sort_by_key(|(lack, _, workload)| {
        std::cmp::Reverse((lack.replica_micros, workload.desired.max_between(Time::ZERO, end)))
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

/// What a workload lacked over a run: pods wanted that were not both ready, as the API says, and serving.
#[derive(Clone, Copy, Debug, Default)]
struct Lack {
    replica_micros: u128,
    /// Most pods that it lacked at once.
    most: i64,
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
            let there = workload.ready.at(pair[0]).min(workload.serving.at(pair[0]));
            let missing = (workload.desired.at(pair[0]) - there).max(0);
            lack.replica_micros += u128::from(missing.unsigned_abs()) * u128::from(pair[1].since(pair[0]).as_micros());
            lack.most = lack.most.max(missing);
        }
        lack
    }

    fn and(self, other: &Lack) -> Lack {
        Lack { replica_micros: self.replica_micros + other.replica_micros, most: self.most.max(other.most) }
    }
}

fn panel(name: String, lack: &Lack, workloads: &[&Workload]) -> Panel {
    let sum = |steps: fn(&Workload) -> &Steps| added_up(workloads.iter().map(|workload| steps(workload)));
    let seconds = u64::try_from((lack.replica_micros + 500_000) / 1_000_000).unwrap_or(u64::MAX);
    let notes = match lack.most {
        0 => vec!["lacked none".to_string()],
        most if workloads.len() == 1 => {
            vec![format!("lacked up to {}", counted(most.unsigned_abs() as usize, "pod"))]
        }
        most => vec![format!("lacked up to {most} each")],
    };
    let seconds = (lack.most > 0).then(|| format!("{} replica-seconds in all", grouped(seconds)));
    Panel {
        name,
        notes: notes.into_iter().chain(seconds).collect(),
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
