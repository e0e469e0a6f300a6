//! Tries before the run what events do to single objects: a patch that the API server would refuse of the object as its
//! manifest has it, a container that it does not have.

use super::Check;
use crate::action::View;
use crate::kernel::time::Time;
use crate::object::{Key, Kind, Object, Settings, Table};
use crate::scenario::problem::code;
use crate::scenario::reader::Sink;
use crate::scenario::schema::{Draft, What};
use crate::scenario::target::workload;

impl Check<'_> {
    /// Tries an event whose object is in a manifest and no other event changes before it may come.
    pub(super) fn trial(&self, event: &Draft, sink: &mut Sink<'_>) {
        let (Some(What::Action(action)), Some(tried), Some(of)) = (&event.what, &event.tried, &event.of) else {
            return;
        };
        let Some((kind, key)) = workload(&of.value) else { return };
        if self.is_changed_by_another(event, kind, &key) {
            return;
        }
        let versions = self.objects.iter().flatten().filter(|object| object.kind() == kind && *object.key() == key);
        let mut refusals = Vec::new();
        for object in versions {
            let mut object = Object::clone(object);
            object.apply_defaults(&Settings::default());
            let (mut own, others) = (Table::default(), Table::default());
            own.insert(object);
            let tables = |of: Kind| if of == kind { &own } else { &others };
            let view = View { tables: &tables, nodes: &[], now: Time::ZERO, date: self.scenario.run.epoch };
            match action.requests(&view) {
                Ok(_) => return,
                Err(why) => refusals.push(why),
            }
        }
        if let Some(why) = refusals.pop() {
            let problem = sink.error(code::BAD_VALUE, tried, why.to_string());
            problem.help(match event.name {
                "patch" => "a patch has the fields of the object's manifest, as `{ spec.minReadySeconds = 10 }`",
                _ => "leave `container` out to mean all of them",
            });
        }
    }

    /// Whether what the object is like when the event comes is not known now.
    fn is_changed_by_another(&self, event: &Draft, kind: Kind, key: &Key) -> bool {
        self.drafts.iter().filter(|other| other.bytes != event.bytes && other.name == "patch").any(|other| {
            let of = other.of.as_ref().and_then(|of| workload(&of.value));
            of.is_some_and(|(of, name)| of == kind && name == *key)
        })
    }
}
