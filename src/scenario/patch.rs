//! The action `patch`: what is merged into an object, and how.
//!
//! As `kubectl patch` does by default (a strategic merge): tables are merged key by key, lists whose elements have a `name`
//! element by element, other lists replaced. Left out: `$patch` directives, and lists that upstream merges by another key
//! (ports by `containerPort`, spread constraints by `topologyKey`, tolerations): they are replaced. TOML has no null, so
//! nothing can be removed.

use crate::action::Patch;
#[cfg(feature = "manifest")]
use crate::object::Object;
use crate::object::{Key, Kind};
use serde_json::{Map, Value};
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// Makes the action.
pub fn patch(kind: Kind, key: Key, table: &DeTable<'_>) -> Patch {
    let patch = json_table(table);
    let text = patch.to_string();
    Patch { kind, key, text, merge: Arc::new(move |object| patched(object, &patch)) }
}

/// An object with a patch merged into it.
///
/// # Errors
/// What the API server would say of the result.
#[cfg(feature = "manifest")]
fn patched(object: &Object, patch: &Value) -> Result<Object, String> {
    use crate::manifest::{decode, export};
    let mut document = export::export(object);
    let before = document.pointer(POD_SPEC).cloned();
    merge(&mut document, patch);
    let is_same_pod = document.pointer(POD_SPEC) == before.as_ref();
    let decoded = decode::decode(&document, object.meta().namespace()).map_err(|refusal| refusal.message)?;
    if let Some(unknown) = decoded.unknown.first() {
        let guess = unknown.nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
        return Err(format!("unknown field \"{}\"{guess}", unknown.path));
    }
    let errors = decoded.update_errors(object);
    if !errors.is_empty() {
        return Err(errors.to_string());
    }
    let mut new = decoded.object;
    // The exported document has the defaults written out: it must not make another template of the same one.
    match (&mut new, object) {
        (Object::Deployment(new), Object::Deployment(old)) if is_same_pod => {
            Arc::make_mut(new).spec.template.spec = old.spec.template.spec.clone();
        }
        (Object::ReplicaSet(new), Object::ReplicaSet(old)) if is_same_pod => {
            Arc::make_mut(new).spec.template.spec = old.spec.template.spec.clone();
        }
        _ => {}
    }
    Ok(new)
}

/// Where a workload has the spec of its pods.
#[cfg(feature = "manifest")]
const POD_SPEC: &str = "/spec/template/spec";

#[cfg(not(feature = "manifest"))]
fn patched(_: &crate::object::Object, _: &Value) -> Result<crate::object::Object, String> {
    Err("this build cannot read manifests".to_string())
}

fn merge(document: &mut Value, patch: &Value) {
    match (document, patch) {
        (Value::Object(known), Value::Object(patch)) => {
            for (key, value) in patch {
                match known.get_mut(key) {
                    Some(known) => merge(known, value),
                    None => drop(known.insert(key.clone(), value.clone())),
                }
            }
        }
        (Value::Array(known), Value::Array(patch)) if patch.iter().all(|element| element.get("name").is_some()) => {
            for element in patch {
                match known.iter_mut().find(|known| known.get("name") == element.get("name")) {
                    Some(known) => merge(known, element),
                    None => known.push(element.clone()),
                }
            }
        }
        (known, patch) => *known = patch.clone(),
    }
}

fn json_table(table: &DeTable<'_>) -> Value {
    let pairs = table.iter().map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())));
    Value::Object(pairs.collect::<Map<String, Value>>())
}

/// A value of TOML as one of JSON; a number too large for either is told as the text that it is.
fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => {
            let digits = number.as_str().replace('_', "");
            i64::from_str_radix(&digits, number.radix()).map_or(Value::from(digits), Value::from)
        }
        DeValue::Float(number) => {
            let digits = number.as_str().replace('_', "");
            digits.parse::<f64>().map_or(Value::from(digits), Value::from)
        }
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(date) => Value::from(date.to_string()),
        DeValue::Array(array) => array.iter().map(|value| json(value.get_ref())).collect(),
        DeValue::Table(table) => json_table(table),
    }
}

#[cfg(all(test, feature = "manifest"))]
mod tests {
    use super::*;
    use crate::manifest::{self, SourceFile};

    const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n      - {name: web, image: 'web:1'}\n      - {name: side, image: 'side:1'}\n";

    fn patched_as(toml: &str) -> Result<Value, String> {
        let read = manifest::load(&[SourceFile { name: "web.yaml", text: WEB }]).expect("a good manifest");
        let (web, _) = &read.objects[0];
        let table = DeTable::parse(toml).expect("TOML");
        let patch = patch(Kind::Deployment, web.key().clone(), table.get_ref());
        (patch.merge)(web).map(|object| crate::manifest::export::export(&object))
    }

    #[test]
    fn tables_are_merged_and_containers_found_by_name() {
        let patched = patched_as(
            "spec.minReadySeconds = 10\nspec.template.spec.containers = [{ name = \"side\", image = \"side:2\" }]\nspec.template.metadata.annotations = { a = \"b\" }",
        );
        let patched = patched.expect("a good patch");
        assert_eq!(patched["spec"]["minReadySeconds"], 10);
        assert_eq!(patched["spec"]["replicas"], 2);
        let containers = &patched["spec"]["template"]["spec"]["containers"];
        assert_eq!((&containers[0]["image"], &containers[1]["image"]), (&Value::from("web:1"), &Value::from("side:2")));
    }

    #[test]
    fn a_patch_beside_the_pods_leaves_their_template_as_it_was() {
        let read = manifest::load(&[SourceFile { name: "web.yaml", text: WEB }]).expect("a good manifest");
        let mut web = read.objects[0].0.clone();
        web.apply_defaults(&crate::object::Settings::default());
        let patched = |toml: &str| {
            let table = DeTable::parse(toml).expect("TOML");
            let patch = patch(Kind::Deployment, web.key().clone(), table.get_ref());
            (patch.merge)(&web).expect("a good patch")
        };
        let template = |object: &Object| match object {
            Object::Deployment(deployment) => deployment.spec.template.clone(),
            other => panic!("{}", other.kind()),
        };
        for toml in ["", "spec.minReadySeconds = 10", "metadata.labels = { a = \"b\" }"] {
            assert_eq!(template(&patched(toml)), template(&web), "{toml}");
        }
        let other = patched("spec.template.spec.terminationGracePeriodSeconds = 7");
        assert_ne!(template(&other), template(&web));
    }

    #[test]
    fn what_the_api_server_would_refuse_is_refused() {
        assert!(patched_as("spec.replicas = -1").unwrap_err().contains("must be greater than or equal to 0"));
        assert!(patched_as("spec.minReadySecond = 1").unwrap_err().contains("minReadySecond"));
        assert!(patched_as("spec.replicas = \"two\"").is_err());
    }
}
