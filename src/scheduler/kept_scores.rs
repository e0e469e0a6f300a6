//! Scores that follow from what a pod asks for and what is taken on a node, kept from one cycle to the next.
//!
//! The pods of a template ask for the same, and between two of them the amounts of one or two nodes change. Scoring 500
//! nodes by what is free and how evenly it is used takes 3,000 divisions; with columns of scores it takes a look-up a node
//! and the divisions of the nodes that changed. A column is filled when the same is asked for a second time, so that a
//! pod that is alone of its kind costs no more than its sample. Where no column is up to date, the plugin scores as ever,
//! to the same effect.

use super::erased::DynPlugin;
use super::plugin::Point;
use super::profile::Profile;
use super::table::{NodeTable, PodInfo};

/// Requests whose scores are kept at most; then the ones that were asked for longest ago make room. Their columns take a
/// byte a node and plugin.
const ASKS_MAX: usize = 64;

/// Changes that are remembered at least. Otherwise two for each node: to score all nodes again is cheaper than more.
const CHANGES_MIN: usize = 1_024;

/// What pods are told apart by that score alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ask {
    cpu_milli: i64,
    memory_bytes: i64,
    charged_cpu_milli: i64,
    charged_memory_bytes: i64,
}

impl Ask {
    const fn of(pod: &PodInfo) -> Ask {
        Ask {
            cpu_milli: pod.requests.cpu_milli,
            memory_bytes: pod.requests.memory_bytes,
            charged_cpu_milli: pod.charged_cpu_milli,
            charged_memory_bytes: pod.charged_memory_bytes,
        }
    }
}

/// The scores of one ask.
#[derive(Clone, Debug, Default)]
struct Kept {
    ask: Ask,
    /// By the names of plugins; none until they are asked for again.
    columns: Vec<(&'static str, Vec<u8>)>,
    /// The changes that the columns show.
    shown: usize,
    asked: u64,
}

/// Columns of scores, and the rows that they may not show yet.
#[derive(Clone, Debug, Default)]
pub struct KeptScores {
    kept: Vec<Kept>,
    /// Rows whose amounts changed, in order; the `dropped` first of them are forgotten.
    changed: Vec<u32>,
    dropped: usize,
    asked: u64,
    buffer: Vec<i64>,
}

impl KeptScores {
    /// The amounts of a row changed, one of `rows`.
    pub(super) fn touch(&mut self, row: usize, rows: usize) {
        if self.kept.is_empty() {
            return;
        }
        if self.changed.len() >= CHANGES_MIN.max(2 * rows) {
            let half = self.changed.len() / 2;
            self.changed.drain(..half);
            self.dropped += half;
        }
        self.changed.push(row as u32);
    }

    /// The table was made anew: its rows are others.
    pub(super) fn reset(&mut self) {
        self.kept.iter_mut().for_each(|kept| kept.columns.clear());
    }

    const fn changes(&self) -> usize {
        self.dropped + self.changed.len()
    }

    fn prepare(&mut self, pod: &PodInfo, nodes: &NodeTable, profile: &Profile) {
        self.asked += 1;
        let (ask, asked, shown) = (Ask::of(pod), self.asked, self.changes());
        let Some(kept) = self.kept.iter_mut().find(|kept| kept.ask == ask) else {
            if self.kept.len() == ASKS_MAX {
                let oldest = (0..ASKS_MAX).min_by_key(|&index| self.kept[index].asked).expect("there are some");
                self.kept.swap_remove(oldest);
            }
            return self.kept.push(Kept { ask, columns: Vec::new(), shown, asked });
        };
        kept.asked = asked;
        if kept.shown < self.dropped {
            kept.columns.clear();
            kept.shown = shown;
            return;
        }
        let plugins = || scoring(profile);
        if plugins().map(DynPlugin::name).eq(kept.columns.iter().map(|(plugin, _)| *plugin)) {
            let rows = &self.changed[kept.shown - self.dropped..];
            for (plugin, (_, column)) in plugins().zip(&mut kept.columns) {
                score(plugin, pod, nodes, rows, &mut self.buffer, column);
            }
        } else {
            let rows: Vec<u32> = (0..nodes.len() as u32).collect();
            kept.columns = plugins().map(|plugin| (plugin.name(), vec![0; rows.len()])).collect();
            for (plugin, (_, column)) in plugins().zip(&mut kept.columns) {
                score(plugin, pod, nodes, &rows, &mut self.buffer, column);
            }
        }
        kept.shown = shown;
    }
}

/// The plugins whose scores are kept.
fn scoring(profile: &Profile) -> impl Iterator<Item = &dyn DynPlugin> {
    profile.at(Point::Score).map(|(_, plugin)| plugin).filter(|plugin| plugin.scores_amounts())
}

/// Brings `rows` of a column up to date.
fn score(
    plugin: &dyn DynPlugin,
    pod: &PodInfo,
    nodes: &NodeTable,
    rows: &[u32],
    buffer: &mut Vec<i64>,
    column: &mut [u8],
) {
    buffer.clear();
    buffer.resize(rows.len(), 0);
    plugin.score(pod, &plugin.cycle(), nodes, rows, buffer);
    for (&row, &score) in rows.iter().zip(&*buffer) {
        column[row as usize] = u8::try_from(score).expect("amounts are scored from 0 to 100");
    }
}

impl NodeTable {
    /// Brings the kept scores for such pods up to date, and keeps them if they are not.
    pub(super) fn keep_scores(&mut self, pod: &PodInfo, profile: &Profile) {
        let mut scores = std::mem::take(&mut self.scores);
        scores.prepare(pod, self, profile);
        self.scores = scores;
    }

    /// What `plugin` scores each row for such a pod, if that is kept and up to date.
    pub(super) fn kept_scores(&self, pod: &PodInfo, plugin: &dyn DynPlugin) -> Option<&[u8]> {
        if !plugin.scores_amounts() {
            return None;
        }
        let ask = Ask::of(pod);
        let kept = self.scores.kept.iter().find(|kept| kept.ask == ask)?;
        let column = kept.columns.iter().find(|(name, _)| *name == plugin.name())?;
        (kept.shown == self.scores.changes()).then_some(&column.1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{node, pod};
    use super::*;
    use crate::kernel::rng::{Draws, Purpose};
    use crate::object::Uid;
    use crate::scheduler::Cache;
    use std::sync::Arc;

    #[test]
    fn what_is_kept_is_what_the_plugins_score() {
        let (draws, profile) = (Draws::new(7), Profile::default());
        let mut count = 0;
        let mut below = |most: u64| {
            count += 1;
            draws.below(Purpose::Test, "kept scores", count, most)
        };
        let (mut cache, mut uid, mut compared) = (Cache::default(), 0, 0);
        for step in 0..30_000 {
            let name = format!("n{}", below(12));
            match below(400) {
                0 => cache.remove_node(&name.as_str().into()),
                // As many asks as are kept, and more; some often, some rarely.
                1..150 => {
                    let cpu = if below(3) == 0 { below(90) } else { below(4) };
                    let info = PodInfo::new(Arc::new(pod("p", &format!("{cpu}00m"), "1Gi")));
                    let table = cache.table_for(&info, &profile);
                    let rows: Vec<u32> = (0..table.len() as u32).collect();
                    for plugin in scoring(&profile) {
                        let Some(kept) = table.kept_scores(&info, plugin) else { continue };
                        let mut scores = vec![0; rows.len()];
                        plugin.score(&info, &plugin.cycle(), table, &rows, &mut scores);
                        assert!(scores.iter().eq(kept.iter().map(|&kept| i64::from(kept)).collect::<Vec<_>>().iter()));
                        compared += 1;
                    }
                }
                150..170 => {
                    let node = Arc::new(node(&name, &below(8).to_string(), &format!("{}Gi", below(3) * 8)));
                    if cache.table().row(&name).is_none() { cache.add_node(node) } else { cache.update_node(node) }
                }
                170..290 => {
                    let mut there = pod(&format!("p{step}"), &format!("{}00m", below(9)), "512Mi");
                    there.meta.uid = Uid(1_000 + step);
                    there.node_name = name.as_str().into();
                    cache.add_pod(&Arc::new(there));
                }
                _ => {
                    uid += u128::from(below(3));
                    cache.remove_pod(Uid(1_000 + uid));
                }
            }
        }
        assert!(compared > 5_000, "{compared}");
    }
}
