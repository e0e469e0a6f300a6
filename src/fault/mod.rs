//! Layer 4: faults. Each pulls [`Levers`], the complete list of what may be broken, and sees nothing else.
//!
//! To add one: a file here and a row in [`REGISTRY`].

pub mod link;
pub mod machine;
pub mod target;

use crate::ground::NodeId;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

pub use target::Target;

/// What may be broken.
pub trait Levers {
    /// Takes a machine's power away, or stops doing so: it boots when nobody takes its power any more.
    fn power(&mut self, node: NodeId, on: bool);

    /// Cuts the link of a node in these directions (to the control plane, from it), or stops cutting it: it carries when
    /// nobody cuts it any more.
    fn cut(&mut self, node: NodeId, up: bool, down: bool, begins: bool);
}

/// Something that goes wrong, and may be put right again.
pub trait Fault: Debug + Send + Sync {
    /// It begins on these nodes.
    fn begin(&self, nodes: &[NodeId], levers: &mut dyn Levers);

    /// It ends on these nodes.
    fn end(&self, nodes: &[NodeId], levers: &mut dyn Levers);
}

/// Parameters of a fault as written in a scenario, without those that every event has.
pub type Parameters = BTreeMap<String, String>;

/// One row of the registry.
pub struct FaultRow {
    /// Name in scenarios, as `node.crash`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// What happens when its time (`for`) is over.
    pub end: &'static str,
    /// Names of its parameters and what they mean.
    pub parameters: &'static [(&'static str, &'static str)],
    /// Makes one, or says what is wrong with a parameter.
    pub build: fn(&Parameters) -> Result<Arc<dyn Fault>, String>,
}

/// All faults.
pub const REGISTRY: &[FaultRow] = &[machine::CRASH, link::PARTITION];
