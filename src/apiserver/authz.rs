//! May they.

use super::authn::User;
use super::request::Request;
use crate::object::Name;

/// Decides whether `user` may make `request`. Everybody may (`--authorization-mode=AlwaysAllow`): roles and bindings are
/// not modelled yet.
///
/// # Errors
/// The message of the 403.
pub fn authorise(_user: &User, _request: &Request) -> Result<(), Name> {
    Ok(())
}
