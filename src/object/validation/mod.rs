//! Defaults and validation, in the API server's words and order; one file per group of kinds.
//!
//! Source: `pkg/apis/core/v1/defaults.go`, `pkg/apis/{core,apps,scheduling,coordination,discovery}/validation/`,
//! apimachinery `pkg/api/validation/`, v1.36. What `tests/api_validation.rs` replays is checked against a 1.36 server;
//! the other rules were written from an older copy of that source and from knowledge of it. Only fields that our
//! objects keep are checked here. What they do not keep (probes, volumes, environment, affinity to pods, enumerations
//! with a wrong word) is checked where a manifest is read (`manifest::check`). Left out: what admission
//! checks (priority, overhead, limits, quota), what is allocated (cluster addresses, node ports), Windows, and dynamic
//! resources.

pub mod meta;
pub mod node;
pub mod node_affinity;
pub mod pod;
pub mod service;
pub mod small;
pub mod text;
pub mod workload;

pub use meta::{meta, meta_update};
pub use node::node;
pub use pod::{default_pod, default_pod_spec, pod, pod_lacks_defaults, pod_spec, pod_spec_lacks_defaults, pod_update};
pub use service::{endpoint_slice, service};
pub use small::{lease, priority_class};
pub use workload::{deployment, immutable_selector, replica_set};

use super::invalid::FieldErrors;

/// What upstream says of a number below zero.
pub const NOT_NEGATIVE: &str = "must be greater than or equal to 0";

/// A number that may not be negative.
pub fn not_negative(number: i64, path: &str, errors: &mut FieldErrors) {
    if number < 0 {
        errors.invalid(path, number, NOT_NEGATIVE);
    }
}

/// A string as the API server prints it among values.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
