//! PriorityClasses and Leases.
//!
//! Source: `pkg/apis/scheduling/validation/validation.go`, `pkg/apis/scheduling/helpers.go`,
//! `pkg/apis/coordination/validation/validation.go`, v1.36.

use crate::object::invalid::FieldErrors;
use crate::object::small::{Lease, PriorityClass};

/// The highest priority that users may define.
pub const HIGHEST_USER_PRIORITY: i32 = 1_000_000_000;
/// The classes that exist from the start, with their values.
pub const SYSTEM_CLASSES: [(&str, i32); 2] =
    [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];

/// A PriorityClass.
pub fn priority_class(class: &PriorityClass, errors: &mut FieldErrors) {
    let name = class.meta.name();
    if name.starts_with("system-") {
        if let Some(fault) = system_class_fault(class) {
            let reserved = "priority class names with 'system-' prefix are reserved for system use only";
            errors.forbidden("metadata.name", format!("{reserved}. error: {fault}"));
        }
    } else if class.value > HIGHEST_USER_PRIORITY {
        let detail = format!("maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}");
        errors.forbidden("value", detail);
    }
}

fn system_class_fault(class: &PriorityClass) -> Option<String> {
    let name = class.meta.name();
    match SYSTEM_CLASSES.iter().find(|(known, _)| name == known) {
        None => Some(format!("{name} is not a known system priority class")),
        Some((_, value)) if *value != class.value => Some(format!("value of {name} PriorityClass must be {value}")),
        Some(_) if class.global_default => Some(format!("globalDefault of {name} PriorityClass must be false")),
        Some(_) => None,
    }
}

/// A Lease. A zero stands for a duration that is not given.
pub fn lease(lease: &Lease, errors: &mut FieldErrors) {
    if lease.duration_seconds < 0 {
        errors.invalid("spec.leaseDurationSeconds", lease.duration_seconds, "must be greater than 0");
    }
}
