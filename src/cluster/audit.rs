//! Checks from outside that nothing impossible has happened.

use super::world::World;
use crate::kernel::time::Time;
use crate::object::pod::conditions;
use crate::object::resources::Resources;
use crate::object::{Key, Kind, Node, Object, Pod, condition};
use crate::record::timeline::Steps;
use crate::record::waterfall::Loss;
use crate::record::workloads::workload_name;
use std::collections::{BTreeMap, BTreeSet};

impl World {
    /// Checks every invariant of the whole state; costs as much as the state is large.
    ///
    /// # Errors
    /// The invariants that do not hold, each in a sentence.
    pub fn audit(&self) -> Result<(), Vec<String>> {
        let mut broken = Vec::new();
        self.audit_messages(&mut broken);
        self.audit_watches(&mut broken);
        self.audit_containers(&mut broken);
        self.audit_room(&mut broken);
        self.audit_objects(&mut broken);
        self.audit_losses(&mut broken);
        if broken.is_empty() { Ok(()) } else { Err(broken) }
    }

    /// The causes of what each workload lost add up to what it lacked, and the API's claims to what it said.
    fn audit_losses(&self, broken: &mut Vec<String>) {
        if !self.recorder.is_full() {
            return;
        }
        let losses = self.recorder.losses(self.now, |_| None);
        for (id, workload) in self.recorder.workloads.iter() {
            let lacked = |there: &Steps| -> u64 {
                let pieces = workload.desired.pieces(there, Time::ZERO, self.now);
                pieces.into_iter().map(|(span, wanted, there)| span.as_micros() * (wanted - there).max(0) as u64).sum()
            };
            let own = || losses.iter().filter(|loss| loss.workload == *id);
            let told: u64 = own().map(|loss| loss.lost() - loss.unrouted).sum();
            let claimed: u64 = own().map(Loss::claimed).sum();
            for (what, sum, whole) in [
                ("causes of what it lost", told, lacked(&workload.serving)),
                ("claims of the API", claimed, lacked(&workload.ready)),
            ] {
                if sum != whole {
                    let name = workload_name(id);
                    broken.push(format!("{name}: the {what} add up to {sum} replica-microseconds, not to {whole}"));
                }
            }
        }
    }

    /// Every request was answered, was given up, or is in flight.
    fn audit_messages(&self, broken: &mut Vec<String>) {
        let (sent, ended, open) = (self.counters.sent, self.counters.ended, self.requests.len() as u64);
        if sent != ended + open {
            broken.push(format!("{sent} requests were sent, but {ended} ended and {open} are in flight"));
        }
    }

    /// Cursors never pass the head; revisions of a log increase up to the head.
    fn audit_watches(&self, broken: &mut Vec<String>) {
        let store = &self.server.store;
        for (slot, watch) in self.server.watches.iter() {
            if watch.cursor > store.revision() {
                broken.push(format!("watch {slot:?} stands at {:?}, past {:?}", watch.cursor, store.revision()));
            }
            if !self.watchers.contains_key(&slot) {
                broken.push(format!("watch {slot:?} of {} has no owner", watch.kind));
            }
        }
        for &kind in Kind::ALL {
            let mut last = store.log(kind).compacted();
            for change in store.changes(kind, last).into_iter().flatten() {
                if change.revision <= last || change.revision > store.revision() {
                    broken.push(format!("{kind} log: {:?} after {last:?}", change.revision));
                }
                last = change.revision;
            }
        }
    }

    /// No pod runs twice, and what runs has power.
    fn audit_containers(&self, broken: &mut Vec<String>) {
        let mut running: BTreeMap<_, &str> = BTreeMap::new();
        for (_, machine) in self.ground.iter() {
            for (pod, sandbox) in machine.sandboxes.iter().filter(|(_, sandbox)| sandbox.is_running) {
                if !machine.is_on {
                    broken.push(format!("pod {pod} runs on {}, which has no power", machine.name));
                }
                if let Some(other) = running.insert(sandbox.uid, &machine.name) {
                    broken.push(format!("pod {pod} runs on {other} and on {}", machine.name));
                }
            }
        }
    }

    /// The pods of a node ask for no more than it has, if the scheduler has put all of them there; those that its kubelet
    /// has taken never do.
    fn audit_room(&self, broken: &mut Vec<String>) {
        let store = &self.server.store;
        let manifests = self.config.manifests.iter().filter_map(Object::of::<Pod>);
        let given: BTreeSet<&Key> =
            manifests.filter(|pod| !pod.node_name.is_empty()).map(|pod| &pod.meta.key).collect();
        let is_scheduled = |pod: &Pod| {
            condition::find(&pod.status.conditions, conditions::SCHEDULED).is_some() && !given.contains(&pod.meta.key)
        };
        for node in store.table(Kind::Node).all::<Node>() {
            let mut free = Resources::from(&node.allocatable);
            let there = || store.table(Kind::Pod).on_node::<Pod>(node.meta.name());
            let machine = self.ground.find(node.meta.name()).map(|id| &self.ground[id]);
            let is_taken = |pod: &Pod| {
                let sandbox = machine.and_then(|machine| machine.sandboxes.get(&pod.meta.key));
                sandbox.is_some_and(|sandbox| sandbox.uid == pod.meta.uid)
            };
            let is_all = there().all(|pod| is_scheduled(pod));
            for pod in there().filter(|pod| !pod.status.phase.is_terminal() && (is_all || is_taken(pod))) {
                free.subtract(&pod.spec.requests(false));
                free.pods -= 1;
            }
            let short = free.cpu_milli < 0 || free.memory_bytes < 0 || free.ephemeral_bytes < 0 || free.pods < 0;
            if short {
                broken.push(format!("the pods of {} ask for more than it has: {free:?}", node.meta.name()));
            }
        }
    }

    /// Objects are what their kind allows; a terminating one has somebody to finish it.
    fn audit_objects(&self, broken: &mut Vec<String>) {
        for &kind in Kind::ALL {
            for object in self.server.store.table(kind).iter() {
                let (key, meta) = (object.key(), object.meta());
                if meta.resource_version > self.server.store.revision() || meta.resource_version.0 == 0 {
                    broken.push(format!("{kind} {key} has version {:?}", meta.resource_version));
                }
                if meta.owners.iter().filter(|owner| owner.controller).count() > 1 {
                    broken.push(format!("{kind} {key} has two controllers"));
                }
                let errors = object.validate();
                if !errors.is_empty() {
                    broken.push(format!("{kind} {key} is stored but invalid: {errors}"));
                }
            }
        }
    }
}
