//! Layer 4: faults. Each pulls [`Levers`], the complete list of what may be broken, and sees nothing else.
//!
//! To add one: a file here (or a place in the file of its kin) and a row in [`REGISTRY`]. Faults may overlap in any way,
//! on the same nodes too: what one of them takes away is there again when none takes it away any more, and what several
//! make slower is slower by all of them.

pub mod disk;
pub mod image_registry;
pub mod kubelet;
pub mod link;
pub mod machine;
pub mod node;
pub mod parameter;
pub mod power;
pub mod process;
#[cfg(test)]
mod tests;

use crate::ground::{Direction, NodeId};
use crate::kernel::factor::Factor;
use crate::kernel::time::Span;
use crate::object::Name;
use crate::object::field::{Field, Parameters, Wrong};
use std::fmt::Debug;
use std::sync::Arc;

/// What may be broken.
pub trait Levers {
    /// Takes a machine's power away, or stops doing so: it boots when nobody takes its power any more.
    fn power(&mut self, node: NodeId, on: bool);

    /// Keeps the kubelet of a node from running, or stops doing so: it is started again when nobody does any more.
    fn kubelet(&mut self, node: NodeId, runs: bool);

    /// Makes everything on a machine take so many times longer, or stops doing so. What has begun takes its time.
    fn slow(&mut self, node: NodeId, factor: Factor, begins: bool);

    /// Cuts one direction of the link between a node and the control plane, or stops cutting it.
    fn cut(&mut self, node: NodeId, direction: Direction, begins: bool);

    /// Makes messages in one direction take so many times longer and this much more, or stops doing so.
    fn slow_link(&mut self, node: NodeId, direction: Direction, factor: Factor, extra: Span, begins: bool);

    /// Loses this share (millionths) of the messages in one direction, or stops doing so.
    fn lose(&mut self, node: NodeId, direction: Direction, share: u32, begins: bool);

    /// Fills a node's disk so far that its kubelet says so and evicts this many pods, or empties it again (none). `fault`
    /// tells the faults that do so apart.
    fn disk_pressure(&mut self, node: NodeId, fault: &Name, evict: Option<u32>);

    /// Deletes the object of a node, as somebody might by mistake; its machine is not asked.
    fn delete_node(&mut self, node: NodeId);

    /// Takes the registry of images away, or stops doing so.
    fn registry(&mut self, is_there: bool);

    /// Makes pulls of images take so many times longer, or stops doing so.
    fn slow_registry(&mut self, factor: Factor, begins: bool);
}

/// What a fault hits.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'a> {
    /// Id of the fault in the scenario.
    pub fault: &'a Name,
    /// Nodes that are hit or get well now, with their names; none if it needs none.
    pub nodes: &'a [(NodeId, Name)],
}

impl Hit<'_> {
    /// The nodes.
    pub fn each(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.iter().map(|&(node, _)| node)
    }
}

/// Something that goes wrong, and may be put right again: on all its nodes at once, or on one after another.
pub trait Fault: Debug + Send + Sync {
    /// It begins on these nodes.
    fn begin(&self, hit: &Hit<'_>, levers: &mut dyn Levers);

    /// It ends on these nodes, on each of which it has begun.
    fn end(&self, hit: &Hit<'_>, levers: &mut dyn Levers);
}

/// One row of the registry.
pub struct FaultRow {
    /// Name in scenarios, as `node.crash`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// What happens when its time (`for`) is over; none if it is over at once and cannot last.
    pub end: Option<&'static str>,
    /// Whether it hits nodes, which its `target` names; else it hits the cluster as a whole.
    pub has_target: bool,
    /// Its parameters.
    pub parameters: &'static [Field],
    /// Makes one, or says what is wrong with a parameter.
    pub build: fn(&Parameters) -> Result<Arc<dyn Fault>, Wrong>,
}

/// All faults.
pub const REGISTRY: &[FaultRow] = &[
    machine::CRASH,
    machine::REBOOT,
    machine::SLOW,
    power::LOSS,
    kubelet::HANG,
    link::PARTITION,
    link::SLOW,
    link::LOSSY,
    disk::PRESSURE,
    node::DELETED,
    image_registry::SLOW,
    image_registry::GONE,
];

/// The fault of this name.
pub fn find(name: &str) -> Option<&'static FaultRow> {
    REGISTRY.iter().find(|row| row.name == name)
}
