//! A run as a chart: what was wanted, what the API called ready and what really served, with what happened.

use super::Report;
use super::collect::Finished;
use crate::kernel::time::Time;
use crate::plot::{Chart, Mark, MarkKind, Role, Series};
use crate::record::timeline::Steps;
use crate::record::workloads::{Workload, workload_name};

/// Workloads that one chart shows at most: more curves cannot be told apart.
const WORKLOADS_MAX: usize = 3;

/// Milestones that get a flag, and what it says. The others follow within moments of one of these.
const FLAGS: [(&str, &str); 3] =
    [("noticed", "the API notices"), ("evicted", "evicted, replaced"), ("converged", "as wanted again")];

/// The chart of a run.
pub fn chart(finished: &Finished) -> Chart {
    let Finished { world, config, report } = finished;
    let end = world.now();
    let hit: Vec<&str> = report
        .outages
        .iter()
        .flat_map(|outage| outage.workloads.iter().map(|workload| workload.name.as_str()))
        .collect();
    let all = world.recorder().workloads.iter().map(|(id, workload)| (workload_name(id), workload));
    let shown = all.filter(|(name, _)| hit.is_empty() || hit.contains(&name.as_str())).take(WORKLOADS_MAX);
    let shown: Vec<_> = shown.collect();
    let nodes = config.nodes.len();
    Chart {
        title: report.title.clone(),
        subtitle: format!("{}, seed {}, {nodes} nodes, one run", report.scenario, report.receipt.seed),
        until: end,
        unit: "pods".to_string(),
        series: series(&shown),
        marks: marks(report, end),
    }
}

fn series(shown: &[(String, &Workload)]) -> Vec<Series> {
    let steps = |steps: &Steps| steps.iter().collect::<Vec<_>>();
    let one = |name: String, role, of: &Steps| Series { name, role, steps: steps(of) };
    if let [(name, workload)] = shown {
        return vec![
            one(format!("{name} desired"), Role::Desired, &workload.desired),
            one("ready, says the API".to_string(), Role::Ready, &workload.ready),
            one("really serving".to_string(), Role::Other(0), &workload.serving),
        ];
    }
    let mut series = Vec::new();
    for (index, (name, workload)) in shown.iter().enumerate() {
        let role = if index == 0 { Role::Ready } else { Role::Other(index as u8) };
        series.push(one(format!("{name} desired"), Role::Desired, &workload.desired));
        series.push(one(format!("{name} ready"), role, &workload.ready));
    }
    series
}

fn marks(report: &Report, end: Time) -> Vec<Mark> {
    let mut marks = Vec::new();
    for outage in &report.outages {
        let at = Time::from_micros(outage.happened_us);
        let nodes =
            if outage.nodes.len() > 2 { format!("{} nodes", outage.nodes.len()) } else { outage.nodes.join(", ") };
        marks.push(Mark {
            at,
            until: Some(outage.ended_us.map_or(end, Time::from_micros)),
            label: format!("{} {nodes}", outage.fault),
            kind: MarkKind::Fault,
        });
        for (name, label) in FLAGS {
            let times = outage.workloads.iter().flat_map(|workload| &workload.milestones);
            let latest = times.filter(|milestone| milestone.name == name).filter_map(|milestone| milestone.at_us).max();
            let Some(at) = latest.map(Time::from_micros) else { continue };
            marks.push(Mark { at, until: None, label: label.to_string(), kind: MarkKind::Milestone });
        }
    }
    marks
}
