//! Small kinds: Namespace, PriorityClass, Lease, Event.

use super::edit::Edit;
use super::invalid::FieldErrors;
use super::meta::{Meta, Revision, Uid};
use super::name::Name;
use super::stamp::MicroTime;
use super::strategy::Strategy;
use super::{Kind, validation};

/// A namespace. Left out: its phase and its emptying, which need the namespace controller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Namespace {
    /// Metadata.
    pub meta: Meta,
}

impl Strategy for Namespace {
    const KIND: Kind = Kind::Namespace;

    super::typed!(Namespace);
}

/// A priority class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PriorityClass {
    /// Metadata.
    pub meta: Meta,
    /// Priority of its pods.
    pub value: i32,
    /// Whether pods without a class get it.
    pub global_default: bool,
    /// Whether its pods never preempt others.
    pub never_preempts: bool,
}

impl Strategy for PriorityClass {
    const KIND: Kind = Kind::PriorityClass;

    super::typed!(PriorityClass);

    fn prepare_for_create(&mut self) {
        self.meta.generation = 1;
    }

    fn validate(&self, errors: &mut FieldErrors) {
        validation::priority_class(self, errors);
    }

    fn validate_update(&self, old: &PriorityClass, errors: &mut FieldErrors) {
        if self.value != old.value {
            errors.forbidden("value", "may not be changed in an update.");
        }
        if self.never_preempts != old.never_preempts {
            let policy = if self.never_preempts { "Never" } else { "PreemptLowerPriority" };
            errors.invalid("preemptionPolicy", validation::quoted(policy), "field is immutable");
        }
    }
}

/// A lease: somebody's sign of life, or who leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lease {
    /// Metadata.
    pub meta: Meta,
    /// Who holds it.
    pub holder: Name,
    /// For how long a renewal is good (s).
    pub duration_seconds: i32,
    /// Last renewal.
    pub renew_time: MicroTime,
}

impl Strategy for Lease {
    const KIND: Kind = Kind::Lease;

    super::typed!(Lease);

    fn validate(&self, errors: &mut FieldErrors) {
        validation::lease(self, errors);
    }
}

/// An event: what a component tells people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Event {
    /// Metadata.
    pub meta: Meta,
    /// Kind and name of what it is about, as `Pod/web-1`.
    pub regarding: Name,
    /// One word, as `Scheduled`.
    pub reason: Name,
    /// A sentence.
    pub note: Name,
    /// Whether it is a warning.
    pub is_warning: bool,
    /// Which component says so.
    pub reporter: Name,
    /// When; if it was seen several times, the last of them.
    pub time: MicroTime,
    /// How often it was seen (`count`, or that of its `series`).
    pub count: u32,
    /// Which object it is about, should there be several of that name one after another; zero if its reporter does not say.
    pub regarding_uid: Uid,
    /// Which version of it.
    pub regarding_version: Revision,
}

impl Strategy for Event {
    const KIND: Kind = Kind::Event;

    super::typed!(Event);

    fn edit(&mut self, edit: &Edit) -> bool {
        let Edit::EventSeen { count, note, time } = edit else { return false };
        (self.count, self.note, self.time) = (*count, note.clone(), *time);
        true
    }
}
