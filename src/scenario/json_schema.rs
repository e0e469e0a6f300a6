//! The language as a JSON Schema, for editors that complete and check while one types.
//!
//! Draft 4, the newest that Taplo's editors read. It is made from `language` and the registries. It is laxer than the
//! reader where a schema cannot say it: which parameters a fault has, what refers to what, what a measure's bound is.

use super::failure::preset;
use super::language::{DISTRIBUTION, ROOT, TARGET};
use super::measure::MEASURES;
use super::rule::RULES;
use crate::action;
use crate::fault;
use crate::object::delay::DELAYS;
use crate::object::field::{Field, Shape};
use crate::object::setting::SETTINGS;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The name of the schema, as the first line of a scenario may name it: `#:schema <ID>`.
pub const ID: &str = "https://evenkeel.dev/schema/v1.json";

/// A duration as `Span::parse` reads it.
const SPAN: &str = r"^\s*(0|([0-9]*\.?[0-9]*\s*(us|µs|ms|s|m|h|d)\s*)+)$";

/// The schema.
pub fn json_schema() -> Value {
    let mut schema = table(&[], ROOT);
    let Value::Object(root) = &mut schema else { return schema };
    let mut whole = Map::new();
    whole.insert("$schema".into(), "http://json-schema.org/draft-04/schema#".into());
    whole.insert("id".into(), ID.into());
    whole.insert("title".into(), "A scenario of Evenkeel, evenkeel/v1".into());
    whole.append(root);
    whole.insert(
        "definitions".into(),
        json!({
            "span": { "type": "string", "pattern": SPAN, "description": "A length of time, as \"90s\", \"1m30s\", \"250ms\", \"2h\"." },
            "delay": { "oneOf": [{ "$ref": "#/definitions/span" }, table(&["dist"], DISTRIBUTION)] },
            "target": table(&["target"], TARGET),
            "quantity": { "type": ["string", "number"], "description": "A quantity, as \"500m\", \"4\", \"8Gi\"." },
            "share": { "type": ["string", "number"], "description": "A share, as \"5%\" or 0.05." },
        }),
    );
    Value::Object(whole)
}

/// A table with these keys; `path` says which.
fn table(path: &[&str], fields: &[Field]) -> Value {
    let mut fields: Vec<Field> = fields.to_vec();
    if [&["event"][..], &["failure"]].contains(&path) {
        fields.extend(parameters(&fields));
    }
    let mut properties = Map::new();
    for field in &fields {
        let at = [path, &[field.name]].concat();
        let mut value = special(&at).unwrap_or_else(|| shape(&at, field.shape));
        if let Value::Object(map) = &mut value {
            // Beside a reference nothing counts in Draft 4.
            if let Some(reference) = map.remove("$ref") {
                map.insert("allOf".into(), json!([{ "$ref": reference }]));
            }
            map.insert("description".into(), field.what.into());
            if let Some(default) = field.default.and_then(default) {
                map.insert("default".into(), default);
            }
        }
        properties.insert(field.name.into(), value);
    }
    let mut required: Vec<&str> = fields.iter().filter(|field| field.is_required).map(|field| field.name).collect();
    // An element that changes one of an included file gives its name and what is to be other.
    if required.iter().any(|name| KEYS.contains(name)) {
        required.retain(|name| KEYS.contains(name));
    }
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    // What an included file gives need not stand in this one.
    if !required.is_empty() && path.is_empty() {
        schema["required"] = json!(["schema"]);
    } else if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// What elements of lists are told apart by.
const KEYS: [&str; 2] = ["id", "name"];

/// Parameters of all faults and actions that are no keys of every event; what several of them have alike is told once.
fn parameters(known: &[Field]) -> Vec<Field> {
    let mut found: BTreeMap<&str, Field> = BTreeMap::new();
    let rows =
        fault::REGISTRY.iter().map(|row| row.parameters).chain(action::REGISTRY.iter().map(|row| row.parameters));
    for field in rows.flatten().filter(|field| !known.iter().any(|known| known.name == field.name)) {
        found.entry(field.name).or_insert(Field { is_required: false, ..*field });
    }
    found.into_values().collect()
}

/// Keys whose values come from a registry.
fn special(path: &[&str]) -> Option<Value> {
    Some(match path {
        ["delays"] => {
            let delays = DELAYS.iter().map(|row| {
                let what = format!("{} Default: {}", row.what, row.default);
                (row.name.to_string(), json!({ "allOf": [{ "$ref": "#/definitions/delay" }], "description": what }))
            });
            json!({ "type": "object", "additionalProperties": false, "properties": delays.collect::<Map<_, _>>() })
        }
        ["control"] => {
            let components: BTreeSet<&str> = SETTINGS.iter().map(|row| row.component).collect();
            let components = components.into_iter().map(|component| (component.to_string(), settings(component)));
            json!({ "type": "object", "additionalProperties": false, "properties": components.collect::<Map<_, _>>() })
        }
        ["event", "do"] => {
            let names = fault::REGISTRY.iter().map(|row| row.name).chain(action::REGISTRY.iter().map(|row| row.name));
            json!({ "enum": names.collect::<Vec<_>>() })
        }
        ["failure", "do"] => json!({ "enum": fault::REGISTRY.iter().map(|row| row.name).collect::<Vec<_>>() }),
        ["failure", "model"] => json!({ "enum": preset::REGISTRY.iter().map(|row| row.name).collect::<Vec<_>>() }),
        ["expect", "measure"] => json!({ "enum": MEASURES.iter().map(|row| row.name).collect::<Vec<_>>() }),
        ["expect", "rule"] => json!({ "enum": RULES.iter().map(|row| row.name).collect::<Vec<_>>() }),
        ["expect", "at-least" | "at-most" | "equals"] => json!({ "type": ["string", "number", "boolean"] }),
        _ => return None,
    })
}

fn settings(component: &str) -> Value {
    let rows = SETTINGS.iter().filter(|row| row.component == component);
    let settings = rows.map(|row| {
        let what = format!("Default: {}. Source: {}", row.unit.show(row.default), row.source);
        (row.name.to_string(), json!({ "type": ["string", "number"], "description": what }))
    });
    json!({ "type": "object", "additionalProperties": false, "properties": settings.collect::<Map<_, _>>() })
}

fn shape(path: &[&str], shape_: Shape) -> Value {
    match shape_ {
        Shape::Text => json!({ "type": "string" }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Count(least) => json!({ "type": "integer", "minimum": least }),
        Shape::Span => json!({ "$ref": "#/definitions/span" }),
        Shape::Delay => json!({ "$ref": "#/definitions/delay" }),
        Shape::Share => json!({ "$ref": "#/definitions/share" }),
        Shape::Factor => json!({ "type": ["string", "number"] }),
        Shape::Quantity => json!({ "$ref": "#/definitions/quantity" }),
        // Taplo hands dates over as strings.
        Shape::Date => json!({ "type": "string" }),
        Shape::OneOf(words) => json!({ "enum": words }),
        Shape::Target => json!({ "$ref": "#/definitions/target" }),
        Shape::List(inner) => json!({ "type": "array", "items": shape(path, *inner) }),
        Shape::Map(inner) => json!({ "type": "object", "additionalProperties": shape(path, *inner) }),
        Shape::Table(fields) => table(path, fields),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(|inner| shape(path, *inner)).collect::<Vec<_>>() }),
        Shape::Any => json!({}),
    }
}

/// A default as a value of JSON: it is written as TOML.
fn default(text: &str) -> Option<Value> {
    match toml::de::DeValue::parse(text).ok()?.into_inner() {
        toml::de::DeValue::String(text) => Some(text.as_ref().into()),
        toml::de::DeValue::Integer(number) => number.as_str().parse::<u64>().ok().map(Value::from),
        toml::de::DeValue::Boolean(flag) => Some(flag.into()),
        toml::de::DeValue::Datetime(date) => Some(date.to_string().into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of `value` the schema does not admit; the few words of Draft 4 that the schema uses.
    fn complaints(schema: &Value, value: &Value, root: &Value, path: &str, found: &mut Vec<String>) {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = root.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("no {reference}"));
            return complaints(target, value, root, path, found);
        }
        let admits = |schema: &Value| {
            let mut inner = Vec::new();
            complaints(schema, value, root, path, &mut inner);
            inner.is_empty()
        };
        for part in schema["allOf"].as_array().into_iter().flatten() {
            complaints(part, value, root, path, found);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(parts) = schema[key].as_array()
                && !parts.iter().any(admits)
            {
                found.push(format!("{path}: none of {key}"));
            }
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            found.push(format!("{path}: {value} is not one of the words"));
        }
        let is_a = |name: &str| match name {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            other => panic!("a type {other}?"),
        };
        match &schema["type"] {
            Value::String(name) if !is_a(name) => found.push(format!("{path}: {value} is no {name}")),
            Value::Array(names) if !names.iter().filter_map(Value::as_str).any(is_a) => {
                found.push(format!("{path}: {value} is none of {names:?}"));
            }
            _ => {}
        }
        for (key, value) in value.as_object().into_iter().flatten() {
            let at = format!("{path}.{key}");
            match (schema["properties"].get(key), &schema["additionalProperties"]) {
                (Some(inner), _) => complaints(inner, value, root, &at, found),
                (None, Value::Bool(false)) => found.push(format!("{at}: unknown key")),
                (None, Value::Null | Value::Bool(true)) => {}
                (None, inner) => complaints(inner, value, root, &at, found),
            }
        }
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if value.is_object() && value.get(key).is_none() {
                found.push(format!("{path}: no {key}"));
            }
        }
        for (index, value) in value.as_array().into_iter().flatten().enumerate() {
            if !schema["items"].is_null() {
                complaints(&schema["items"], value, root, &format!("{path}[{index}]"), found);
            }
        }
    }

    fn of(text: &str) -> Vec<String> {
        let schema = json_schema();
        let value: Value = serde_json::to_value(toml::from_str::<toml::Table>(text).expect("TOML")).expect("JSON");
        let mut found = Vec::new();
        complaints(&schema, &value, &schema, "", &mut found);
        found
    }

    #[test]
    #[allow(clippy::disallowed_methods)] // a test reads the scenarios that are shipped
    fn every_shipped_scenario_fits_the_schema() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                // Dates are no strings in TOML, and the converter makes tables of them: none of ours has one.
                assert_eq!(of(&std::fs::read_to_string(&path).unwrap()), [""; 0], "{}", path.display());
                seen += 1;
            }
        }
        assert!(seen > 1);
    }

    #[test]
    fn slips_do_not_fit_the_schema() {
        let head = "schema = \"evenkeel/v1\"\ntitle = \"t\"\n";
        for (text, complaint) in [
            ("[run]\nsed = 1", ".run.sed: unknown key"),
            ("[run]\nuntil = 5", ".run.until: 5 is no string"),
            ("[[event]]\nid = \"a\"\ndo = \"node.crahs\"", "is not one of the words"),
            (
                "[[event]]\nid = \"a\"\ndo = \"node.crash\"\ntarget = { zoen = \"a\" }",
                ".event[0].target.zoen: unknown key",
            ),
            ("[[cluster.pool]]\ncount = 3", ".cluster.pool[0]: no name"),
            ("[[event]]\ndo = \"node.crash\"", ".event[0]: no id"),
            ("[delays]\nimage-pul = \"1s\"", ".delays.image-pul: unknown key"),
            ("[control]\nkubelet = { x = 1 }", ".control.kubelet.x: unknown key"),
        ] {
            let found = of(&format!("{head}{text}\n"));
            assert!(found.iter().any(|found| found.contains(complaint)), "{text}: {found:?}");
        }
        assert_eq!(of("title = \"no version\""), [": no schema"]);
        let overlay = "schema = \"evenkeel/v1\"\ninclude = [\"base.toml\"]\n[[event]]\nid = \"a\"\nat = \"2m\"\n";
        assert_eq!(of(overlay), [""; 0], "the rest of the event is in the other file");
    }
}
