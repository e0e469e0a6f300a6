//! JSON as kubectl writes it: keys sorted, four blanks of indentation, what HTML would take for its own escaped.
//!
//! Source: cli-runtime `pkg/printers/json.go` and Go's `encoding/json`, v1.36.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// A document.
pub fn json(value: &Value) -> String {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    sorted(value).serialize(&mut serializer).expect("plain data");
    let text = String::from_utf8(bytes).expect("JSON is UTF-8");
    // Outside of texts none of these occur.
    let mut escaped = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped.push('\n');
    escaped
}

/// Several documents as one.
pub fn list(documents: Vec<Value>) -> Value {
    json!({ "apiVersion": "v1", "items": documents, "kind": "List", "metadata": { "resourceVersion": "" } })
}

/// The same value with the keys of all its objects sorted.
pub fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            Value::Object(fields.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_kubectl_does() {
        let value = json!({ "b": [1, { "d": "<&>", "c": {} }], "a": [] });
        assert_eq!(
            json(&value),
            "{\n    \"a\": [],\n    \"b\": [\n        1,\n        {\n            \"c\": {},\n            \"d\": \
             \"\\u003c\\u0026\\u003e\"\n        }\n    ]\n}\n"
        );
    }
}
