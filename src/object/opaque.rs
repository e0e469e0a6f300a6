//! Objects of kinds that nobody here interprets: kept whole, listed, deleted and collected like the others.
//!
//! All such kinds share one table, so the name of one carries its kind and its API version before it, in the order of
//! kubectl's `TYPE.VERSION.GROUP/NAME`: `StatefulSet.v1.apps/db`. The rest of the object is its document
//! ([`crate::object::Meta::source`]), which never changes. Whether a kind lives in a namespace is part of ours.

use super::invalid::FieldErrors;
use super::meta::Meta;
use super::name::Name;
use super::strategy::Strategy;
use super::validation::quoted;
use super::{Kind, Object};

/// An object in a namespace, of a kind that is not interpreted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Opaque {
    /// Metadata; the name carries the kind.
    pub meta: Meta,
}

/// An object in no namespace, of a kind that is not interpreted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClusterOpaque {
    /// Metadata; the name carries the kind.
    pub meta: Meta,
}

impl Strategy for Opaque {
    const KIND: Kind = Kind::Opaque;

    super::typed!(Opaque);

    fn prepare_for_create(&mut self) {
        self.meta.generation = 1;
    }

    fn validate(&self, errors: &mut FieldErrors) {
        name(&self.meta, errors);
    }
}

impl Strategy for ClusterOpaque {
    const KIND: Kind = Kind::ClusterOpaque;

    super::typed!(ClusterOpaque);

    fn prepare_for_create(&mut self) {
        self.meta.generation = 1;
    }

    fn validate(&self, errors: &mut FieldErrors) {
        name(&self.meta, errors);
    }
}

/// The parts of the name of an opaque object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// As in manifests: `apps/v1`.
    pub api_version: String,
    /// As in manifests: `StatefulSet`.
    pub kind: &'a str,
    /// The name that the user gave.
    pub name: &'a str,
}

impl Kind {
    /// Whether its objects are kept without being interpreted.
    pub const fn is_opaque(self) -> bool {
        matches!(self, Kind::Opaque | Kind::ClusterOpaque)
    }
}

impl Object {
    /// Its kind and its name (or the prefix of one) as manifests have them: those of an opaque object are its own.
    pub fn names(&self) -> (&str, &str) {
        let meta = self.meta();
        let name = if meta.name().is_empty() { &meta.generate_name } else { meta.name() };
        match parts(name).filter(|_| self.kind().is_opaque()) {
            Some(parts) => (parts.kind, parts.name),
            None => (self.kind().name(), name),
        }
    }
}

/// The name under which an object of such a kind is kept; also the prefix of generated names.
pub fn key_name(api_version: &str, kind: &str, name: &str) -> Name {
    match api_version.split_once('/') {
        Some((group, version)) => format!("{kind}.{version}.{group}/{name}"),
        None => format!("{kind}.{api_version}/{name}"),
    }
    .into()
}

/// What [`key_name`] put together; nothing if it did not.
pub fn parts(name: &str) -> Option<Parts<'_>> {
    let (kind, name) = name.split_once('/')?;
    let (kind, api) = kind.split_once('.')?;
    let api_version = match api.split_once('.') {
        Some((version, group)) => format!("{group}/{version}"),
        None => api.to_string(),
    };
    Some(Parts { api_version, kind, name })
}

/// A name of any kind must do as a part of a path. Source: apimachinery `pkg/api/validation/path/name.go`, v1.36.
fn name(meta: &Meta, errors: &mut FieldErrors) {
    let given = if meta.name().is_empty() { &meta.generate_name } else { meta.name() };
    let Some(Parts { name, .. }) = parts(given) else { return };
    if name.is_empty() {
        errors.required("metadata.name", "name or generateName is required");
    }
    if [".", ".."].contains(&name) {
        errors.invalid("metadata.name", quoted(name), format!("may not be '{name}'"));
    }
    for sign in ["/", "%"].into_iter().filter(|sign| name.contains(sign)) {
        errors.invalid("metadata.name", quoted(name), format!("may not contain '{sign}'"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Key;

    #[test]
    fn the_name_carries_the_kind_there_and_back() {
        for (api_version, kind, name, expected) in [
            ("v1", "ConfigMap", "web", "ConfigMap.v1/web"),
            ("apps/v1", "StatefulSet", "db", "StatefulSet.v1.apps/db"),
            ("rbac.authorization.k8s.io/v1", "Role", "a:b.c", "Role.v1.rbac.authorization.k8s.io/a:b.c"),
        ] {
            let key = key_name(api_version, kind, name);
            assert_eq!(key, expected);
            assert_eq!(parts(&key), Some(Parts { api_version: api_version.into(), kind, name }));
        }
        assert_eq!(parts("web-1"), None);
    }

    #[test]
    fn a_name_must_do_as_a_part_of_a_path() {
        let object = |name: &str| Object::from(Opaque { meta: Meta::new(Key::new("default", name)) });
        let errors = |name: &str| object(&key_name("v1", "ConfigMap", name)).validate().to_string();
        assert!(object(&key_name("v1", "ConfigMap", "system:controller.x")).validate().is_empty());
        assert_eq!(errors(""), "metadata.name: Required value: name or generateName is required");
        assert_eq!(errors(".."), "metadata.name: Invalid value: \"..\": may not be '..'");
        assert_eq!(errors("a%"), "metadata.name: Invalid value: \"a%\": may not contain '%'");
        assert_eq!(object("ConfigMap.v1/web").names(), ("ConfigMap", "web"));
    }
}
