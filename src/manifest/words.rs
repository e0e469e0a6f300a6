//! Ways out of what the API server's words only state, and which of its errors follow from others.

use super::strict::UnknownField;
use crate::object::FieldError;
use crate::object::invalid::Cause;
use serde_json::Value;

/// A way out of a value of the wrong type, or of a quantity that is none.
pub fn expected(path: &str, message: &str) -> Option<String> {
    let field = path.rsplit('.').next().unwrap_or(path);
    if message.contains("quantities must match") {
        let example = "write a number with or without a suffix, as `500m`, `4` or `8Gi`; bytes have no `B`";
        return Some(example.to_string());
    }
    if message.contains("Object 'Kind' is missing") {
        return Some("say what it is, as `kind: Deployment`".to_string());
    }
    if message.contains("Object 'apiVersion' is missing") {
        return Some("say in which version it is written, as `apiVersion: apps/v1`".to_string());
    }
    let (_, wrong) = message.split_once("cannot unmarshal ")?;
    let (found, of_type) = (wrong.split_whitespace().next()?, wrong.rsplit_once(" of type ")?.1);
    let wanted = match of_type {
        "string" if found == "bool" => {
            "a text: put it in quotes (`yes`, `no`, `on`, `off`, `y` and `n` are booleans in YAML)"
        }
        "string" if found == "number" => "a text: put it in quotes",
        "string" => "a text",
        "bool" => "`true` or `false`, without quotes",
        "[]" => "a list: each item begins with `- `",
        "map[string]string" => "a table of names and texts, as `disk: ssd`",
        number if number.starts_with("int") && found == "string" => "a whole number, without quotes and without a unit",
        "int32" => "a whole number of at most 2147483647",
        number if number.starts_with("int") => "a whole number",
        _ => "a table of fields, each on a line of its own",
    };
    Some(format!("`{field}` must be {wanted}"))
}

/// A way out of a field that is not known and not like any that is.
pub fn elsewhere(path: &str) -> String {
    match path.rsplit_once('.') {
        None => "at this level stand `apiVersion`, `kind`, `metadata` and `spec`: is it indented as it should be?"
            .to_string(),
        Some((parent, _)) => format!(
            "`{}` has no such field: is it indented as it should be?",
            parent.rsplit('.').next().unwrap_or(parent)
        ),
    }
}

/// A way out of a document that is no object.
pub fn no_document(value: &Value) -> Option<String> {
    if value.is_array() {
        return Some("put `apiVersion: v1`, `kind: List` and `items:` before it".to_string());
    }
    let text = value.as_str()?;
    if text.contains(" = ") {
        return Some(
            "this looks like TOML; YAML writes `key: value`, and scenarios are taken in with `include`".to_string(),
        );
    }
    Some("write its fields as `key: value`, each on a line of its own".to_string())
}

/// A way out of what is wrong with a field.
pub fn way_out(error: &FieldError) -> Option<String> {
    let help = match (error.cause, error.field.as_str()) {
        (Cause::Required, "metadata.name") => "give it a name, as `metadata: {name: web}`",
        (Cause::Required, "spec.selector") => "say which pods are its own, as `selector: {matchLabels: {app: web}}`",
        (Cause::Required, field) if field.ends_with(".containers") => {
            "list at least one container with `name` and `image` below `spec`"
        }
        (Cause::Required, field) if field.ends_with(".image") => "name an image, as `image: web:1`",
        _ if error.detail.contains("`selector` does not match template `labels`") => {
            "let the pods have the labels that `selector` asks for, or ask for those that they have"
        }
        _ if error.detail.contains("RFC 1123") => "use lower case letters, digits and `-`",
        _ if error.detail.contains("must be less than or equal to") => "make the request smaller, or the limit larger",
        _ => return None,
    };
    Some(help.to_string())
}

/// Whether an error only follows from another: told together they would be two messages for one mistake.
pub fn follows(error: &FieldError, before: &[FieldError], all: &[FieldError], unknown: &[UnknownField]) -> bool {
    // A field that is missing because it is misspelt, or stands elsewhere.
    fn last(path: &str) -> &str {
        path.rsplit('.').next().unwrap_or(path)
    }
    let (wanted, below) = (last(&error.field), format!("{}.", error.field));
    let is_missing = error.cause == Cause::Required || error.detail.contains("empty selector");
    let is_it = |field: &UnknownField| {
        field.nearest == Some(wanted) || last(&field.path) == wanted || field.path.starts_with(&below)
    };
    if is_missing && unknown.iter().any(is_it) {
        return true;
    }
    // Labels that match nothing because there are none, or nothing to match.
    let lacks = |other: &FieldError| {
        other.cause == Cause::Required
            && (other.field == "spec.selector" || other.field.ends_with("template.spec.containers"))
    };
    if error.detail.contains("`selector` does not match template `labels`") && all.iter().any(lacks) {
        return true;
    }
    // A target port is the port unless said.
    if let Some(port) = error.field.strip_suffix(".targetPort") {
        let port = format!("{port}.port");
        let is_same = |other: &FieldError| other.field == port && other.value == error.value;
        if all.iter().any(is_same) || error.value.as_deref() == Some("0") {
            return true;
        }
    }
    before.iter().any(|other| other.field == error.field && other.value == error.value && other.cause == error.cause)
}
