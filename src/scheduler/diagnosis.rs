//! Why a pod fits nowhere, in upstream's words.
//!
//! Source: `pkg/scheduler/framework/types.go` (`FitError`, `Diagnosis`), `pkg/scheduler/framework/runtime/framework.go`
//! (`RunPostFilterPlugins`), v1.36.

use super::cycle::Found;
use super::plugin::{Point, PostFilter};
use super::profile::{PluginSet, Profile};
use super::table::{NodeTable, PodInfo};
use super::window::{Code, Rejection};
use crate::object::Name;
use std::collections::BTreeMap;

/// What the message for a pod without a node says when there are no nodes.
pub const NO_NODES: &str = "no nodes available to schedule pods";

/// What filtering found, once it has found no node.
#[derive(Clone, Copy)]
pub struct Diagnosis<'a> {
    /// Pod.
    pub pod: &'a PodInfo,
    /// How many nodes there are.
    pub nodes: usize,
    /// Who was asked.
    pub profile: &'a Profile,
    /// What they said.
    pub found: &'a Found,
}

impl Diagnosis<'_> {
    /// How many nodes were refused with `code`.
    pub fn count(&self, code: Code) -> usize {
        if let Some((_, refusal)) = &self.found.refused {
            return if refusal.code == code { self.nodes } else { 0 };
        }
        let explicit = self.found.rejected.iter().filter(|(_, rejection)| rejection.code == code).count();
        let unseen = self.found.narrowed.as_ref().filter(|(_, refusal)| refusal.code == code);
        explicit + unseen.map_or(0, |_| self.nodes - self.found.rejected.len())
    }

    /// Plugins that refused a node or the pod: those whose hints decide when it is tried again.
    pub fn blamed(&self) -> PluginSet {
        let mut blamed = self.found.narrowed.as_ref().map_or(PluginSet::default(), |(plugins, _)| *plugins);
        if let Some((plugin, _)) = self.found.refused {
            blamed.insert(plugin);
        }
        self.found.rejected.iter().for_each(|(_, rejection)| blamed.insert(rejection.plugin));
        blamed
    }

    /// Whether pre-filter went on to the plugin of this name, and no refusal ended it before.
    pub fn asked(&self, plugin: &str) -> bool {
        let ended = self.found.refused.as_ref().filter(|(_, refusal)| refusal.code == Code::Unresolvable);
        let mut until = (0..=ended.map_or(u8::MAX, |(last, _)| *last)).map_while(|index| self.profile.name(index));
        until.any(|name| name == plugin)
    }

    /// The reasons for one rejection.
    pub fn reasons(&self, rejection: Rejection) -> Vec<Name> {
        let Rejection { plugin, detail, .. } = rejection;
        self.profile.plugin(plugin).reasons(self.pod, &self.found.cycles[plugin as usize], detail)
    }

    /// The message of the pod's condition and event: `0/3 nodes are available: 3 Insufficient cpu. …`.
    pub fn message(&self, post_filter: &str) -> String {
        let why = match &self.found.refused {
            Some((_, refusal)) => refusal.message(),
            None => self.histogram(),
        };
        let mut message = no_node_available(self.nodes, &why);
        if !post_filter.is_empty() {
            message.push(' ');
            message.push_str(post_filter);
        }
        message
    }

    fn histogram(&self) -> String {
        let mut by_rejection: BTreeMap<(u8, u32), (Rejection, usize)> = BTreeMap::new();
        for &(_, rejection) in &self.found.rejected {
            by_rejection.entry((rejection.plugin, rejection.detail)).or_insert((rejection, 0)).1 += 1;
        }
        let mut counts: BTreeMap<Name, usize> = BTreeMap::new();
        for (rejection, count) in by_rejection.into_values() {
            for reason in self.reasons(rejection) {
                *counts.entry(reason).or_default() += count;
            }
        }
        if let Some((_, refusal)) = &self.found.narrowed
            && self.nodes > self.found.rejected.len()
        {
            for reason in &refusal.reasons {
                *counts.entry(reason.clone()).or_default() += self.nodes - self.found.rejected.len();
            }
        }
        show_histogram(counts)
    }
}

/// `2 Insufficient cpu, 5 Too many pods`: sorted as text, the count first.
pub fn show_histogram(counts: impl IntoIterator<Item = (Name, usize)>) -> String {
    let mut lines: Vec<String> =
        counts.into_iter().filter(|(_, count)| *count > 0).map(|(reason, count)| format!("{count} {reason}")).collect();
    lines.sort_unstable();
    lines.join(", ")
}

/// `0/3 nodes are available: why.`
pub fn no_node_available(nodes: usize, why: &str) -> String {
    if why.is_empty() {
        format!("0/{nodes} nodes are available:")
    } else {
        format!("0/{nodes} nodes are available: {why}.")
    }
}

/// Lets the post-filter plugins try to make room: the node that one of them nominates, and what the others say.
pub fn post_filter(nodes: &NodeTable, diagnosis: &Diagnosis<'_>) -> (Option<Name>, String) {
    let mut said: Vec<Name> = Vec::new();
    for (_, plugin) in diagnosis.profile.at(Point::PostFilter) {
        match plugin.post_filter(diagnosis.pod, nodes, diagnosis) {
            PostFilter::Nominate(node) => return (Some(node), String::new()),
            PostFilter::NoHelp(why) => said.push(why),
            PostFilter::Fail(why) => return (None, why.to_string()),
        }
    }
    (None, said.iter().map(Name::as_str).collect::<Vec<_>>().join(", "))
}
