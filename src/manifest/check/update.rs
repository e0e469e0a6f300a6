//! What an update may not change among the fields that our objects keep only in their source documents.
//!
//! Source: `pkg/apis/core/validation/validation.go` (`ValidatePodUpdate`, `ValidateNodeUpdate`,
//! `validateServiceLoadBalancerClass…`), v1.36. Fields that the API server fills in (DNS and pull policies, volumes of
//! service accounts, …) are left out: a document without them means the same as one with them.

use crate::object::validation::{pod::UPDATE_FORBIDDEN, quoted};
use crate::object::{FieldErrors, Kind};
use serde_json::Value;

/// Fields of a pod's spec that have no default and may not change, as JSON pointers.
const POD_FIXED: [&str; 12] = [
    "/affinity/podAffinity",
    "/affinity/podAntiAffinity",
    "/readinessGates",
    "/hostAliases",
    "/hostname",
    "/subdomain",
    "/runtimeClassName",
    "/resourceClaims",
    "/os",
    "/hostPID",
    "/hostIPC",
    "/hostUsers",
];

/// What is wrong with the change from `old` to `new`, both the documents of objects of `kind`.
pub fn update(kind: Kind, new: &Value, old: &Value, errors: &mut FieldErrors) {
    if kind == Kind::EndpointSlice && new["addressType"] != old["addressType"] {
        let value = quoted(new["addressType"].as_str().unwrap_or_default());
        errors.invalid("addressType", value, "field is immutable");
    }
    let (new, old) = (&new["spec"], &old["spec"]);
    match kind {
        Kind::Pod => pod(new, old, errors),
        Kind::Node => {
            let (new_spec, old_spec) = (new, old);
            let (new, old) = (pod_cidrs(new), pod_cidrs(old));
            if !old.is_empty() && new != old {
                let detail = "node updates may not change podCIDR except from \"\" to valid";
                errors.forbidden("spec.podCIDRs", detail);
            }
            if old_spec["providerID"].as_str().is_some_and(|id| !id.is_empty() && new_spec["providerID"] != *id) {
                let detail = "node updates may not change providerID except from \"\" to valid";
                errors.forbidden("spec.providerID", detail);
            }
        }
        Kind::Service => {
            let field = "loadBalancerClass";
            let is_balanced = |spec: &Value| spec["type"] == "LoadBalancer";
            if is_balanced(old) && is_balanced(new) && new[field] != old[field] {
                let value = new[field].as_str().map_or_else(|| "null".to_string(), quoted);
                errors.invalid("spec.loadBalancerClass", value, "may not change once set");
            }
        }
        _ => {}
    }
}

fn pod_cidrs(spec: &Value) -> Vec<&str> {
    match spec["podCIDRs"].as_array() {
        Some(ranges) => ranges.iter().filter_map(Value::as_str).collect(),
        None => spec["podCIDR"].as_str().into_iter().collect(),
    }
}

fn pod(new: &Value, old: &Value, errors: &mut FieldErrors) {
    let path = "spec.activeDeadlineSeconds";
    match (new["activeDeadlineSeconds"].as_i64(), old["activeDeadlineSeconds"].as_i64()) {
        (Some(new), Some(old)) if new > old => {
            errors.invalid(path, new, "must be less than or equal to previous value");
        }
        (None, Some(_)) => errors.invalid(path, "null", "must not update from a positive integer to nil value"),
        _ => {}
    }
    if POD_FIXED.iter().any(|field| new.pointer(field) != old.pointer(field)) {
        errors.forbidden("spec", UPDATE_FORBIDDEN);
    }
}
