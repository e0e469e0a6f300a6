//! Namespaces, PriorityClasses, Leases, and Events of both API groups.

use super::meta::{meta, micro_time, name, regarding};
use super::pod::preemption_policy;
use crate::object::validation::{NOT_NEGATIVE, meta::NOT_QUALIFIED, meta::is_kube_finalizer, quoted};
use crate::object::{Event, FieldErrors, Kind, Lease, MicroTime, Name, Namespace, Object, PriorityClass};
use k8s_openapi::api::coordination::v1 as coordination;
use k8s_openapi::api::core::v1;
use k8s_openapi::api::events::v1 as events;
use k8s_openapi::api::scheduling::v1 as scheduling;
use serde_json::Value;

/// A Namespace of a manifest.
pub fn namespace(given: &v1::Namespace, namespace: &str, source: &Value, errors: &mut FieldErrors) -> Object {
    let object = Namespace { meta: meta(Kind::Namespace, &given.metadata, namespace, source, errors) };
    for finalizer in given.spec.iter().flat_map(|spec| spec.finalizers.iter().flatten()) {
        if !is_kube_finalizer(finalizer) {
            errors.invalid("spec.finalizers", quoted(finalizer), NOT_QUALIFIED);
        }
    }
    Object::from(object)
}

/// A PriorityClass of a manifest.
pub fn priority_class(
    class: &scheduling::PriorityClass,
    namespace: &str,
    source: &Value,
    errors: &mut FieldErrors,
) -> Object {
    Object::from(PriorityClass {
        meta: meta(Kind::PriorityClass, &class.metadata, namespace, source, errors),
        value: class.value.unwrap_or(0),
        global_default: class.global_default.unwrap_or(false),
        never_preempts: preemption_policy(&class.preemption_policy, "preemptionPolicy", errors),
    })
}

/// A Lease of a manifest.
pub fn lease(lease: &coordination::Lease, namespace: &str, source: &Value, errors: &mut FieldErrors) -> Object {
    let spec = lease.spec.clone().unwrap_or_default();
    if let Some(seconds) = spec.lease_duration_seconds.filter(|seconds| *seconds <= 0) {
        errors.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0");
    }
    if let Some(transitions) = spec.lease_transitions.filter(|transitions| *transitions < 0) {
        errors.invalid("spec.leaseTransitions", transitions, NOT_NEGATIVE);
    }
    Object::from(Lease {
        meta: meta(Kind::Lease, &lease.metadata, namespace, source, errors),
        holder: name(&spec.holder_identity),
        duration_seconds: spec.lease_duration_seconds.unwrap_or(0),
        renew_time: micro_time(&spec.renew_time),
    })
}

/// An Event of the core group; one without a time of event has that of its last occurrence.
pub fn event(event: &v1::Event, namespace: &str, source: &Value, errors: &mut FieldErrors) -> Object {
    let last = event.last_timestamp.as_ref().map_or(0, |time| time.0.as_microsecond());
    let component = event.source.as_ref().map(|source| name(&source.component)).unwrap_or_default();
    let reporter = name(&event.reporting_component);
    Object::from(Event {
        meta: meta(Kind::Event, &event.metadata, namespace, source, errors),
        regarding: regarding(&event.involved_object),
        reason: name(&event.reason),
        note: name(&event.message),
        is_warning: event.type_.as_deref() == Some("Warning"),
        reporter: if reporter.is_empty() { component } else { reporter },
        time: if event.event_time.is_some() { micro_time(&event.event_time) } else { MicroTime(last) },
        count: event.count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
        ..Event::default()
    })
}

/// An Event of the group `events.k8s.io`.
pub fn events_event(event: &events::Event, namespace: &str, source: &Value, errors: &mut FieldErrors) -> Object {
    Object::from(Event {
        meta: meta(Kind::Event, &event.metadata, namespace, source, errors),
        regarding: event.regarding.as_ref().map(regarding).unwrap_or_else(Name::none),
        reason: name(&event.reason),
        note: name(&event.note),
        is_warning: event.type_.as_deref() == Some("Warning"),
        reporter: name(&event.reporting_controller),
        time: micro_time(&event.event_time),
        count: event.deprecated_count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
        ..Event::default()
    })
}
