//! What is wrong with an object, in the API server's words.
//!
//! Source: apimachinery `pkg/util/validation/field/errors.go`, v1.36.

use super::Kind;
use super::opaque::{self, Parts};
use std::fmt;

/// The kind of a field error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A value must be given.
    Required,
    /// The value is malformed.
    Invalid,
    /// The value is none of those allowed.
    NotSupported,
    /// The value may not be used here.
    Forbidden,
    /// The value is there already.
    Duplicate,
    /// The value refers to what is not there.
    NotFound,
    /// The value is longer than allowed.
    TooLong,
    /// The value has the wrong type.
    TypeInvalid,
}

/// One thing that is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldError {
    /// Path, as `spec.containers[0].image`.
    pub field: String,
    /// Kind of error.
    pub cause: Cause,
    /// The bad value as the API server prints it (strings in quotes), or nothing.
    pub value: Option<String>,
    /// What was expected.
    pub detail: String,
}

/// `spec.replicas: Invalid value: -1: must be greater than or equal to 0`.
impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = match self.cause {
            Cause::Required => "Required value",
            Cause::Invalid | Cause::TypeInvalid => "Invalid value",
            Cause::NotSupported => "Unsupported value",
            Cause::Forbidden => "Forbidden",
            Cause::Duplicate => "Duplicate value",
            Cause::NotFound => "Not found",
            Cause::TooLong => "Too long",
        };
        write!(f, "{}: {cause}", self.field)?;
        if let Some(value) = &self.value {
            write!(f, ": {value}")?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

/// The errors found so far. Paths are given by the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(pub Vec<FieldError>);

impl FieldErrors {
    /// `FIELD: Required value: DETAIL`.
    pub fn required(&mut self, field: impl Into<String>, detail: impl Into<String>) {
        self.push(field, Cause::Required, None, detail);
    }

    /// `FIELD: Invalid value: VALUE: DETAIL`; `value` as the API server prints it.
    pub fn invalid(&mut self, field: impl Into<String>, value: impl fmt::Display, detail: impl Into<String>) {
        self.push(field, Cause::Invalid, Some(value.to_string()), detail);
    }

    /// `FIELD: Forbidden: DETAIL`.
    pub fn forbidden(&mut self, field: impl Into<String>, detail: impl Into<String>) {
        self.push(field, Cause::Forbidden, None, detail);
    }

    /// `FIELD: Duplicate value: VALUE`.
    pub fn duplicate(&mut self, field: impl Into<String>, value: impl fmt::Display) {
        self.push(field, Cause::Duplicate, Some(value.to_string()), "");
    }

    /// `FIELD: Unsupported value: "x": supported values: "a", "b"`.
    pub fn not_supported(&mut self, field: impl Into<String>, value: &str, supported: &[&str]) {
        let supported = supported.iter().map(|value| format!("\"{value}\"")).collect::<Vec<_>>().join(", ");
        self.push(field, Cause::NotSupported, Some(format!("\"{value}\"")), format!("supported values: {supported}"));
    }

    /// Any other error.
    pub fn push(&mut self, field: impl Into<String>, cause: Cause, value: Option<String>, detail: impl Into<String>) {
        self.0.push(FieldError { field: field.into(), cause, value, detail: detail.into() });
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The errors as they stand in a Status message: `a` or `[a, b]`; what is said twice stands once.
impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut texts: Vec<String> = Vec::with_capacity(self.0.len());
        for text in self.0.iter().map(ToString::to_string) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        match texts.as_slice() {
            [one] => f.write_str(one),
            many => write!(f, "[{}]", many.join(", ")),
        }
    }
}

/// The message of the Status that refuses an object: `Deployment.apps "web" is invalid: ERRORS`.
///
/// Source: apimachinery `pkg/api/errors/errors.go` (`NewInvalid`), v1.36.
pub fn status_message(kind: Kind, name: &str, errors: &FieldErrors) -> String {
    if let Some(Parts { api_version, kind, name }) = opaque::parts(name).filter(|_| kind.is_opaque()) {
        let group = api_version.split_once('/').map_or_else(String::new, |(group, _)| format!(".{group}"));
        return format!("{kind}{group} \"{name}\" is invalid: {errors}");
    }
    let dot = if kind.group().is_empty() { "" } else { "." };
    format!("{kind}{dot}{} \"{name}\" is invalid: {errors}", kind.group())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_kind_with_its_group() {
        let mut errors = FieldErrors::default();
        errors.required("spec.selector", "");
        assert_eq!(
            status_message(Kind::Deployment, "web", &errors),
            "Deployment.apps \"web\" is invalid: spec.selector: Required value"
        );
        errors.required("spec.selector", "");
        errors.required("spec.ports", "");
        assert_eq!(
            status_message(Kind::Service, "web", &errors),
            "Service \"web\" is invalid: [spec.selector: Required value, spec.ports: Required value]"
        );
    }
}
