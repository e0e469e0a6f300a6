//! How long a request takes at the server.
//!
//! Each request is served by itself: seats, queues and overload of priority and fairness are not modelled yet.

use super::request::Request;
use crate::kernel::rng::Draws;
use crate::kernel::time::Span;
use crate::object::{DelayId, Delays};

/// Time from a request's arrival to its commit, keyed by who asks for what of which version. A write that is refused because
/// its object has changed (`is_outdated`) takes no longer than a read: it never gets as far as etcd.
pub fn service_time(
    request: &Request,
    is_outdated: bool,
    delays: &Delays,
    draws: &Draws,
    path: &str,
    version: u64,
) -> Span {
    let id = if request.is_read() || is_outdated { DelayId::ApiRead } else { DelayId::ApiWrite };
    delays.sample(id, draws, path, version)
}
