//! What the scheduler thinks of one pod and every node, without doing anything about it.
//!
//! For conformance, for `explain` and for tests. A real cycle looks at a sample of the nodes and keeps only sums.

use super::cycle::{PluginScores, Sample, Scratch, find_feasible, prioritise};
use super::diagnosis::{Diagnosis, post_filter};
use super::plugin::Refusal;
use super::profile::Profile;
use super::table::{NodeTable, PodInfo};
use super::window::Code;
use crate::object::Name;

/// Why one node will not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Row in the table.
    pub row: usize,
    /// The first plugin that refused it; empty if pre-filter kept it from being looked at.
    pub plugin: &'static str,
    /// What preemption may make of it.
    pub code: Code,
    /// Why, in the plugin's order.
    pub reasons: Vec<Name>,
}

/// A pod against all nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// A plugin that keeps the pod out of the queue, and why; then nothing else is said.
    pub held: Option<(&'static str, Refusal)>,
    /// Rows where the pod fits, ascending.
    pub feasible: Vec<usize>,
    /// All other rows, ascending.
    pub rejected: Vec<Rejected>,
    /// What each plugin gave to the feasible rows; empty unless there is a choice.
    pub scores: Vec<PluginScores>,
    /// Sums over plugins, as long as `scores`.
    pub totals: Vec<i64>,
    /// What the pod's condition says if no row is feasible.
    pub message: Option<String>,
}

/// Puts `pod` to every plugin and node.
pub fn evaluate(nodes: &NodeTable, pod: &PodInfo, profile: &Profile) -> Evaluation {
    let mut evaluation = Evaluation::default();
    if let Some((plugin, refusal)) = profile.held(&pod.pod) {
        evaluation.held = Some((profile.plugin(plugin).name(), refusal));
        return evaluation;
    }
    let mut found = find_feasible(pod, nodes, profile, Sample::ALL, 0, &mut Scratch::default());
    evaluation.feasible = found.feasible.iter().map(|&row| row as usize).collect();
    if found.feasible.len() > 1 {
        evaluation.totals = prioritise(pod, nodes, profile, &mut found, Some(&mut evaluation.scores));
    }
    let diagnosis = Diagnosis { pod, nodes: nodes.len(), profile, found: &found };
    evaluation.rejected = rejected(&diagnosis);
    if found.feasible.is_empty() {
        let (nominated, said) = post_filter(nodes, &diagnosis);
        evaluation.message = nominated.is_none().then(|| diagnosis.message(&said));
    }
    evaluation
}

fn rejected(diagnosis: &Diagnosis<'_>) -> Vec<Rejected> {
    let Diagnosis { nodes, profile, found, .. } = *diagnosis;
    let mut rows: Vec<Option<Rejected>> = vec![None; nodes];
    // What holds for nodes that were not looked at: the refusal of pre-filter, or that they were not among those named.
    let unseen = match (&found.refused, &found.narrowed) {
        (Some((plugin, refusal)), _) => Some((profile.plugin(*plugin).name(), refusal)),
        (None, Some((_, refusal))) => Some(("", refusal)),
        (None, None) => None,
    };
    if let Some((plugin, Refusal { code, reasons })) = unseen {
        for (row, slot) in rows.iter_mut().enumerate() {
            *slot = Some(Rejected { row, plugin, code: *code, reasons: reasons.clone() });
        }
    }
    found.feasible.iter().for_each(|&row| rows[row as usize] = None);
    for &(row, rejection) in &found.rejected {
        let row = row as usize;
        let plugin = profile.plugin(rejection.plugin).name();
        rows[row] = Some(Rejected { row, plugin, code: rejection.code, reasons: diagnosis.reasons(rejection) });
    }
    rows.into_iter().flatten().collect()
}
