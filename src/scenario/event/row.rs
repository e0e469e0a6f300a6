//! The rows of the two registries, as what an event may do.

use crate::action::{self, ActionRow, Build};
use crate::fault::{self, FaultRow};
use crate::object::field::{Field, Parameters, Wrong};
use crate::scenario::problem::code;
use crate::scenario::reader::{At, Sink};
use crate::scenario::schema::What;
use crate::scenario::suggest::{listed, nearest};

/// What an event may do.
#[derive(Clone, Copy)]
pub(super) enum Row {
    Fault(&'static FaultRow),
    Action(&'static ActionRow),
}

impl Row {
    /// The row of this name.
    pub(super) fn find(name: &At<String>, sink: &mut Sink<'_>) -> Option<Row> {
        let fault = fault::find(&name.value).map(Row::Fault);
        let found = fault.or_else(|| action::find(&name.value).map(Row::Action));
        if found.is_none() {
            let faults = fault::REGISTRY.iter().map(|row| row.name);
            let names = faults.chain(action::REGISTRY.iter().map(|row| row.name));
            let guess = meant(&name.value).or_else(|| nearest(&name.value, names));
            sink.error(code::UNKNOWN_FAULT, &name.bytes, format!("nothing is called `{}`", name.value))
                .guess(guess)
                .help("`evenkeel list faults` and `evenkeel list actions` show all");
        }
        found
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Row::Fault(row) => row.name,
            Row::Action(row) => row.name,
        }
    }

    /// Whether it is done to nodes.
    pub(super) fn has_target(self) -> bool {
        match self {
            Row::Fault(row) => row.has_target,
            Row::Action(row) => row.has_target,
        }
    }

    /// What it takes.
    pub(super) fn parameters(self) -> &'static [Field] {
        match self {
            Row::Fault(row) => row.parameters,
            Row::Action(row) => row.parameters,
        }
    }

    /// Makes it of its parameters.
    pub(super) fn build(self, parameters: &Parameters) -> Result<Built, Wrong> {
        match self {
            Row::Fault(row) => (row.build)(parameters).map(|fault| Built::Whole(What::Fault(fault))),
            Row::Action(ActionRow { build: Build::Row(build), .. }) => {
                build(parameters).map(|action| Built::Whole(What::Action(action)))
            }
            Row::Action(ActionRow { build: Build::Reader, .. }) => Ok(Built::ByReader),
        }
    }
}

/// What comes of a row and its parameters.
pub(super) enum Built {
    /// What the event does.
    Whole(What),
    /// What only this layer can make.
    ByReader,
}

/// Which faults and actions have a parameter that this one has not.
pub(super) fn owners(key: &str, row: Row) -> Option<String> {
    if row.parameters().iter().any(|field| field.name == key) {
        return None;
    }
    let has_it = |fields: &[Field]| fields.iter().any(|field| field.name == key);
    let faults = fault::REGISTRY.iter().filter(|row| has_it(row.parameters)).map(|row| row.name);
    let actions = action::REGISTRY.iter().filter(|row| has_it(row.parameters)).map(|row| row.name);
    let names: Vec<&str> = faults.chain(actions).collect();
    (!names.is_empty()).then(|| format!("it is a parameter of {}", listed(names)))
}

/// What other tools call it.
fn meant(name: &str) -> Option<&'static str> {
    let meant = match name.to_ascii_lowercase().as_str() {
        "kill" | "node.kill" | "node.down" | "node-failure" | "crash" | "node.fail" => "node.crash",
        "partition" | "network.partition" | "network-partition" | "cut" => "node.partition",
        "blackout" | "power.off" | "power-loss" | "power.outage" | "zone.outage" => "power.loss",
        "image" | "set-image" | "deploy" | "rollout" | "update" => "set.image",
        "cordon" => "node.cordon",
        "uncordon" => "node.uncordon",
        "drain" => "node.drain",
        "taint" => "node.taint",
        "label" => "node.label",
        "restart" | "rollout-restart" => "rollout.restart",
        "undo" | "rollback" => "rollout.undo",
        "pod.kill" | "pod-kill" | "podkill" | "pod-delete" | "pod.delete" => "delete",
        "reboot" | "node-reboot" | "restart-node" => "node.reboot",
        "stress" | "cpu-stress" | "stress-cpu" | "cpu.stress" => "node.slow",
        "disk-fill" | "disk.fill" | "disk-full" => "node.disk-pressure",
        "packet-loss" | "network.loss" => "link.lossy",
        "latency" | "network.delay" | "network-delay" => "link.slow",
        _ => return None,
    };
    let is_known = fault::find(meant).is_some() || action::find(meant).is_some();
    is_known.then_some(meant)
}
