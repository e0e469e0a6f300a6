//! The recorder's words for actions: spellings of its verbs, and which keys each may have.
//!
//! Only half of its scenarios are known, so a word is taken to mean what it means to `kubectl`. Whatever else stands in an
//! action makes the scenario need something that is not simulated; nothing is passed over.

use super::nodes;
use super::scenario::Action;
use crate::object::taint::{Effect, TaintKey};
use serde_json::Value;

/// Keys that any action may have: when, what, and remarks.
const COMMON: [&str; 5] = ["at", "do", "note", "comment", "description"];

/// The verbs with their keys.
const VERBS: [(&str, &[&str]); 19] = [
    ("crash", &["node", "nodes"]),
    ("recover", &["node", "nodes", "mode"]),
    ("remove-node", &["node", "nodes"]),
    ("add-nodes", &["group"]),
    ("apply", &["manifest", "manifests"]),
    ("set-image", &["kind", "name", "container", "image", "annotations"]),
    ("scale", &["kind", "name", "replicas"]),
    ("delete", &["kind", "name", "propagation", "grace"]),
    ("delete-pods", &["app", "on", "count", "grace"]),
    ("cordon", &["node", "nodes"]),
    ("uncordon", &["node", "nodes"]),
    ("taint", &["node", "nodes", "taint", "taints", "key", "value", "effect", "remove"]),
    ("untaint", &["node", "nodes", "taint", "taints", "key", "value", "effect"]),
    ("label", &["node", "nodes", "labels"]),
    ("pause", &["kind", "name"]),
    ("resume", &["kind", "name"]),
    ("restart", &["kind", "name"]),
    ("undo", &["kind", "name", "revision"]),
    ("patch", &["kind", "name", "patch"]),
];

/// The verb of an action, whatever its spelling.
pub fn verb(action: &Action) -> &str {
    let spelt = action.verb.strip_prefix("rollout-").unwrap_or(&action.verb);
    match spelt {
        "unpause" => "resume",
        "rollback" => "undo",
        "create" => "apply",
        other => other,
    }
}

/// Keys of an action that mean nothing to us; none if its verb does not either.
pub fn strange_keys(action: &Action) -> Vec<String> {
    let Some((_, known)) = VERBS.iter().find(|(name, _)| *name == verb(action)) else { return Vec::new() };
    let keys = action.item.value.as_object().into_iter().flat_map(|map| map.keys());
    keys.filter(|key| !COMMON.contains(&key.as_str()) && !known.contains(&key.as_str())).cloned().collect()
}

/// A merge patch (RFC 7386) of `base`.
///
/// # Errors
/// The path of a list: whether it is merged or replaced depends on the kind of patch, which is not told.
pub fn merge(base: &mut Value, patch: &Value, path: &str) -> Result<(), String> {
    let Value::Object(fields) = patch else {
        if patch.is_array() {
            return Err(path.to_string());
        }
        *base = patch.clone();
        return Ok(());
    };
    if !base.is_object() {
        *base = Value::Object(serde_json::Map::new());
    }
    for (key, value) in fields {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if value.is_null() {
            base.as_object_mut().expect("it is one by now").remove(key);
        } else {
            merge(&mut base[key.as_str()], value, &path)?;
        }
    }
    Ok(())
}

/// Whether an action adds a node of this name: one of a group whose first number it tells.
pub fn adds(action: &Action, node: &str) -> bool {
    let group = &action.item.value["group"];
    let number = node.strip_prefix('n').and_then(|number| number.parse::<i64>().ok());
    let (first, count) = (group["first"].as_i64(), group["count"].as_i64());
    let is_among =
        number.zip(first).zip(count).is_some_and(|((number, first), count)| (first..first + count).contains(&number));
    verb(action) == "add-nodes" && is_among
}

/// Whether a taint is written as `kubectl` has it for one that goes.
pub fn is_minus(taint: &Value) -> bool {
    taint.as_str().is_some_and(|text| text.ends_with('-'))
}

/// What to take off; without an effect, the taints of a key with all effects.
pub fn removed_taints(given: &Value) -> Option<Vec<TaintKey>> {
    let text = given.as_str().map(|text| text.strip_suffix('-').unwrap_or(text));
    let whole = text.map_or_else(|| given.clone(), Value::from);
    if let Some(taint) = nodes::taint(&whole) {
        return Some(vec![(taint.key, taint.effect)]);
    }
    let has_effect = text.is_some_and(|text| text.contains(':')) || !given["effect"].is_null();
    let key = text.or(given["key"].as_str()).filter(|key| !has_effect && !key.is_empty())?;
    let key = key.split('=').next().unwrap_or(key);
    Some(Effect::ALL.map(|effect| (key.into(), effect)).to_vec())
}

/// Names of the nodes in `node` and `nodes`.
pub fn named_nodes(value: &Value) -> Vec<String> {
    let many = value["nodes"].as_array().into_iter().flatten();
    std::iter::once(&value["node"]).chain(many).filter_map(|name| name.as_str().map(str::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_sets_removes_and_leaves_alone() {
        let mut base = json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [1]});
        merge(&mut base, &json!({"a": null, "b": {"c": 4, "f": {"g": true, "h": null}}}), "").unwrap();
        assert_eq!(base, json!({"b": {"c": 4, "d": 3, "f": {"g": true}}, "e": [1]}));
        assert_eq!(merge(&mut base, &json!({"b": {"e": [2]}}), ""), Err("b.e".to_string()));
    }
}
