//! The actions of a scenario as events of the simulation.
//!
//! A `crash` stops the recorder's kubelet, and a later `recover` of the node starts it again: with the mode `partition`,
//! which is the default, its containers had kept running, so the node was cut off; with `reboot` it really crashed, as
//! without a `recover`. `remove-node` stops the kubelet and deletes the Node; the machine is on again once a node of its
//! name is added.

use super::dialect::{self, adds, is_minus, merge, named_nodes, removed_taints};
use super::nodes;
use super::replay::{ANNOTATION, NAMESPACE, Reader, at};
use super::scenario::{Action, Fields, Item, not_simulated};
use super::summary::Groups;
use crate::action::{
    self, Apply, Cordon, Delete, DeletePods, LabelNode, Pause, Restart, Scale, SetImage, TaintNode, Undo,
};
use crate::apiserver::Propagation;
use crate::cluster::{Happening, Planned};
use crate::fault;
use crate::kernel::time::Span;
use crate::object::{Key, Kind, Name, Node, Target};
use crate::scenario::problem::code;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Verbs that cannot be followed yet, with what they need. Drains are simulated; what the recorder says of them is not
/// taken from a simulation.
const NOT_YET: [(&str, &str); 3] = [
    ("cp", "a stop of the control plane (action `cp`)"),
    ("drain", "a record of draining a node (action `drain`)"),
    ("load", "load on pods (action `load`)"),
];

/// Turns actions into events.
pub struct Planner<'a> {
    reader: Reader<'a>,
    /// The nodes that there are or were, as they were when they joined.
    nodes: BTreeMap<String, Node>,
    /// Those whose kubelets are down, and those that were removed.
    down: BTreeSet<String>,
    removed: BTreeSet<String>,
    /// The manifests as the actions have left them, by kind and name.
    manifests: BTreeMap<(String, String), Value>,
    /// Number of the next node that joins.
    next: i64,
    /// The events.
    pub events: Vec<Planned>,
    /// Nodes that one action hits together.
    pub groups: Groups,
    /// Kubelets that stop, with their times (s).
    pub stops: Vec<(f64, String)>,
}

impl<'a> Planner<'a> {
    /// For a scenario that begins with `nodes`, after which comes number `next`.
    pub fn new(reader: Reader<'a>, nodes: &[Node], next: i64) -> Planner<'a> {
        let nodes = nodes.iter().map(|node| (node.meta.name().to_string(), node.clone())).collect();
        let (down, removed, manifests) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        let (events, groups, stops) = (Vec::new(), Vec::new(), Vec::new());
        let mut planner = Planner { reader, nodes, down, removed, manifests, next, events, groups, stops };
        planner.reader.scenario.manifests.iter().for_each(|item| planner.remember(&item.value));
        planner
    }

    /// Plans all actions.
    pub fn plan(&mut self) {
        let scenario = self.reader.scenario;
        for (index, action) in scenario.actions.iter().enumerate() {
            self.action(index, action);
        }
    }

    fn action(&mut self, index: usize, action: &Action) {
        let verb = dialect::verb(action);
        let strange = dialect::strange_keys(action);
        if !strange.is_empty() {
            let needs = strange.iter().map(|key| format!("needs `{key}` of an action `{verb}`, which is unknown here"));
            self.reader.needs.extend(needs);
            return;
        }
        match verb {
            "crash" => self.crash(index, action),
            "recover" => self.recover(action),
            "remove-node" => self.remove(index, action),
            "add-nodes" => self.join(action),
            "apply" => self.apply(action),
            "set-image" => self.set_image(action),
            "scale" => {
                let replicas = self.fields(&action.item).whole("replicas");
                if let (Some((kind, key)), Some(replicas)) = (self.object(action), replicas) {
                    self.follow(kind, &key, &json!({"spec": {"replicas": replicas}}));
                    self.act(action, Scale { kind, key, replicas: replicas as i32 });
                }
            }
            "delete" => self.delete(action),
            "delete-pods" => self.delete_pods(action),
            "cordon" | "uncordon" => {
                for node in self.hit(action) {
                    self.act(action, Cordon { node: node.into(), on: verb == "cordon" });
                }
            }
            "taint" | "untaint" => self.taint(verb, action),
            "label" => {
                for node in self.hit(action) {
                    self.label(action, node, &action.item.value["labels"], "labels");
                }
            }
            "pause" | "resume" | "restart" | "undo" => self.rollout(verb, action),
            "patch" => self.patch(action),
            other => {
                let need = match NOT_YET.iter().find(|(verb, _)| *verb == other) {
                    Some((_, what)) => not_simulated(what),
                    None => format!("needs the action `{other}`, which is unknown here"),
                };
                self.reader.needs.push(need);
            }
        }
    }

    fn fields<'b>(&'b mut self, item: &'b Item) -> Fields<'b> {
        let source = &self.reader.scenario.source;
        Fields { source, value: &item.value, path: item.path.clone(), problems: &mut *self.reader.problems }
    }

    fn push(&mut self, action: &Action, what: Happening) {
        let id = format!("{} at {}s", action.verb, action.at).into();
        self.events.push(Planned { id, at: at(action.at), what });
    }

    fn act(&mut self, action: &Action, what: impl action::Action + 'static) {
        let what = Happening::Action { name: "", action: Arc::new(what), target: Target::Cluster };
        self.push(action, what);
    }

    fn fault(&mut self, action: &Action, name: &'static str, nodes: Vec<String>, until: Option<f64>) {
        let row = fault::REGISTRY.iter().find(|row| row.name == name).expect("a fault of the registry");
        let fault = (row.build)(&BTreeMap::new()).expect("it needs no parameters");
        let lasts = until.map(|until| at(until).since(at(action.at)));
        let target = Target::named(nodes);
        self.push(action, Happening::Fault { name, fault, target, lasts, jitter: Span::ZERO, stagger: Span::ZERO });
    }

    /// The nodes that an action names. They are hit together.
    fn hit(&mut self, action: &Action) -> Vec<String> {
        let names = named_nodes(&action.item.value);
        let mut fields = self.fields(&action.item);
        if names.is_empty() {
            let expected = "the name of a node, or `nodes` with a list of names";
            fields.refuse(if action.item.value["nodes"].is_null() { "node" } else { "nodes" }, expected);
        }
        for name in &names {
            if !self.nodes.contains_key(name) {
                let path = format!("{}.node", action.item.path);
                let known = self.nodes.keys().cloned().collect::<Vec<_>>().join(", ");
                let message = format!("there is no node `{name}`: expected one of {known}");
                let source = &self.reader.scenario.source;
                source.complain(self.reader.problems, code::BAD_VALUE, &path, message);
            }
        }
        self.group(names.iter().cloned().collect());
        names
    }

    /// Adds a group, which takes in those that it overlaps with.
    fn group(&mut self, mut names: BTreeSet<String>) {
        if names.len() < 2 {
            return;
        }
        let (overlapping, others) =
            std::mem::take(&mut self.groups).into_iter().partition::<Groups, _>(|group| !group.is_disjoint(&names));
        names.extend(overlapping.into_iter().flatten());
        self.groups = others;
        self.groups.push(names);
    }

    fn crash(&mut self, index: usize, action: &Action) {
        let scenario = self.reader.scenario;
        let later = &scenario.actions[index + 1..];
        // Nodes that come back together in the same way are hit by one fault.
        let mut waves: BTreeMap<Option<usize>, Vec<String>> = BTreeMap::new();
        for node in self.hit(action) {
            // The recorder's kubelets stop only once.
            if !self.down.insert(node.clone()) {
                continue;
            }
            let is_next = |other: &Action| {
                ["recover", "remove-node"].contains(&dialect::verb(other))
                    && named_nodes(&other.item.value).contains(&node)
            };
            let back = later.iter().position(is_next).and_then(|next| match dialect::verb(&later[next]) {
                "recover" => Some(next),
                _ => later.iter().position(|other| other.at >= later[next].at && adds(other, &node)),
            });
            self.stops.push((action.at, node.clone()));
            waves.entry(back).or_default().push(node);
        }
        for (back, nodes) in waves {
            match back.map(|back| (&later[back], later[back].at)) {
                None => self.fault(action, "node.crash", nodes, None),
                Some((other, until)) if dialect::verb(other) == "add-nodes" => {
                    self.fault(action, "node.crash", nodes, Some(until));
                }
                Some((other, until)) => match other.item.value["mode"].as_str() {
                    None | Some("partition") => self.fault(action, "node.partition", nodes, Some(until)),
                    Some("reboot") => self.fault(action, "node.crash", nodes, Some(until)),
                    Some(_) => self.fields(&other.item).refuse("mode", "`partition` or `reboot`"),
                },
            }
        }
    }

    /// What a recovery does is known when the crash is planned.
    fn recover(&mut self, action: &Action) {
        for node in self.hit(action) {
            if !self.down.remove(&node) {
                self.reader.needs.push(not_simulated("the recovery of a node that is not down"));
            }
        }
    }

    fn remove(&mut self, index: usize, action: &Action) {
        let scenario = self.reader.scenario;
        for node in self.hit(action) {
            let until = scenario.actions[index + 1..].iter().find(|other| adds(other, &node)).map(|other| other.at);
            self.down.remove(&node);
            self.removed.insert(node.clone());
            self.fault(action, "node.crash", vec![node.clone()], until);
            let key = Key::cluster(node);
            self.act(action, Delete { kind: Kind::Node, key, propagation: None, grace_seconds: None });
        }
    }

    fn join(&mut self, action: &Action) {
        let value = action.item.value["group"].clone();
        if !value.is_object() {
            self.fields(&action.item).refuse("group", "a group of nodes");
            return;
        }
        let item = Item { path: format!("{}.group", action.item.path), value };
        let reader = &mut self.reader;
        let mut joined = nodes::of_group(reader.scenario, &item, &mut self.next, reader.problems, reader.needs);
        self.group(joined.iter().map(|node| node.meta.name().to_string()).collect());
        // Machines that were removed come back as the fault of their removal ends.
        joined.retain(|node| {
            let name = node.meta.name().as_str();
            let is_back = self.removed.remove(name);
            if is_back && self.nodes.get(name) != Some(node) {
                self.reader.needs.push(not_simulated("a node that comes back with other labels, taints or resources"));
            }
            !is_back
        });
        self.nodes.extend(joined.iter().map(|node| (node.meta.name().to_string(), node.clone())));
        if !joined.is_empty() {
            self.push(action, Happening::Join(joined));
        }
    }

    fn apply(&mut self, action: &Action) {
        let one = &action.item.value["manifest"];
        let items = if one.is_object() {
            vec![Item { path: format!("{}.manifest", action.item.path), value: one.clone() }]
        } else {
            self.fields(&action.item).list("manifests").unwrap_or_default()
        };
        items.iter().for_each(|item| self.remember(&item.value));
        let objects: Vec<_> = items.iter().filter_map(|item| self.reader.manifest(item)).collect();
        if !objects.is_empty() {
            self.act(action, Apply { objects });
        }
    }

    fn remember(&mut self, manifest: &Value) {
        if let (Some(kind), Some(name)) = (manifest["kind"].as_str(), manifest["metadata"]["name"].as_str()) {
            self.manifests.insert((kind.to_string(), name.to_string()), manifest.clone());
        }
    }

    /// Notes in a manifest what an action changes.
    fn follow(&mut self, kind: Kind, key: &Key, change: &Value) {
        if let Some(manifest) = self.manifests.get_mut(&(kind.name().to_string(), key.name.to_string())) {
            merge(manifest, change, "").expect("a change of ours has no lists");
        }
    }

    /// The object that an action names; a Deployment if it names no kind.
    fn object(&mut self, action: &Action) -> Option<(Kind, Key)> {
        let mut fields = self.fields(&action.item);
        let kind = fields.optional_text("kind").unwrap_or_else(|| "Deployment".to_string());
        let name = fields.text("name")?;
        if kind == "Namespace" {
            self.reader.needs.push(not_simulated("the namespace controller"));
            return None;
        }
        let kind = self.reader.kind(&kind)?;
        let key = if kind.is_namespaced() { Key::new(NAMESPACE, name) } else { Key::cluster(name) };
        Some((kind, key))
    }

    fn set_image(&mut self, action: &Action) {
        let mut fields = self.fields(&action.item);
        let image = fields.text("image");
        let container = fields.optional_text("container");
        let mut annotations: Vec<(Name, Name)> = Vec::new();
        match &action.item.value["annotations"] {
            Value::Null => {}
            Value::Object(map) => {
                for (name, value) in map {
                    let short = name.strip_prefix(ANNOTATION).unwrap_or(name);
                    let pair = self.reader.annotation(short, value);
                    annotations.extend(pair.map(|(key, text)| (key.into(), text.into())));
                }
            }
            _ => fields.refuse("annotations", "an object"),
        }
        if let (Some((kind, key)), Some(image)) = (self.object(action), image) {
            self.note_image(kind, &key, container.as_deref(), &image, &action.item.value["annotations"]);
            let (container, image) = (container.map(Name::from), image.into());
            self.act(action, SetImage { kind, key, container, image, annotations });
        }
    }

    fn note_image(&mut self, kind: Kind, key: &Key, container: Option<&str>, image: &str, annotations: &Value) {
        let Some(manifest) = self.manifests.get_mut(&(kind.name().to_string(), key.name.to_string())) else { return };
        let containers = manifest["spec"]["template"]["spec"]["containers"].as_array_mut();
        for one in containers.into_iter().flatten().filter(|one| container.is_none_or(|name| one["name"] == name)) {
            one["image"] = json!(image);
        }
        let named = |(name, value): (&String, &Value)| {
            (format!("{ANNOTATION}{}", name.strip_prefix(ANNOTATION).unwrap_or(name)), value.clone())
        };
        let annotations: Value = annotations.as_object().into_iter().flatten().map(named).collect();
        self.follow(kind, key, &json!({"spec": {"template": {"metadata": {"annotations": annotations}}}}));
    }

    fn delete(&mut self, action: &Action) {
        let mut fields = self.fields(&action.item);
        let grace_seconds = fields.optional_whole("grace");
        let propagation = match fields.optional_text("propagation").as_deref() {
            None => None,
            Some("Background") => Some(Propagation::Background),
            Some("Foreground") => Some(Propagation::Foreground),
            Some("Orphan") => Some(Propagation::Orphan),
            Some(_) => {
                fields.refuse("propagation", "`Background`, `Foreground` or `Orphan`");
                None
            }
        };
        if let Some((kind, key)) = self.object(action) {
            self.act(action, Delete { kind, key, propagation, grace_seconds });
        }
    }

    fn delete_pods(&mut self, action: &Action) {
        let mut fields = self.fields(&action.item);
        let app = fields.text("app");
        let on = fields.optional_text("on").map(Name::from);
        let count = fields.optional_whole("count").map(|count| count as usize);
        let grace_seconds = fields.optional_whole("grace");
        if let Some(app) = app {
            let selector = [("app", app.as_str())].into_iter().collect();
            self.act(action, DeletePods { namespace: NAMESPACE.into(), selector, on, count, grace_seconds });
        }
    }

    fn taint(&mut self, verb: &str, action: &Action) {
        let value = &action.item.value;
        let given: Vec<&Value> = match (&value["taint"], &value["taints"]) {
            (Value::Null, Value::Array(list)) => list.iter().collect(),
            (Value::Null, _) => vec![value],
            (one, _) => vec![one],
        };
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        for one in given {
            let is_removal = verb == "untaint" || value["remove"] == true || is_minus(one);
            let found = match is_removal {
                true => removed_taints(one).map(|keys| remove.extend(keys)),
                false => nodes::taint(one).map(|taint| add.push(taint)),
            };
            if found.is_none() {
                let field = if value["taints"].is_null() { "taint" } else { "taints" };
                self.fields(&action.item).refuse(field, "a taint as \"key=value:NoSchedule\"");
                return;
            }
        }
        for node in self.hit(action) {
            self.act(action, TaintNode { node: node.into(), add: add.clone(), remove: remove.clone() });
        }
    }

    fn label(&mut self, action: &Action, node: String, labels: &Value, field: &str) {
        let pairs = labels.as_object().filter(|labels| !labels.is_empty());
        // A label that is null is taken away, as by a merge patch.
        let removed = pairs.into_iter().flatten().filter(|(_, value)| value.is_null());
        let remove: Vec<Name> = removed.map(|(key, _)| key.as_str().into()).collect();
        let pair = |(key, value): (&String, &Value)| match value {
            Value::String(text) => Some((key.as_str().into(), self.reader.named(text).into())),
            _ => None,
        };
        let kept = pairs.map(|pairs| pairs.iter().filter(|(_, value)| !value.is_null()));
        match kept.map(|kept| kept.map(pair).collect::<Option<Vec<(Name, Name)>>>()) {
            Some(Some(labels)) => self.act(action, LabelNode { node: node.into(), labels, remove }),
            _ => self.fields(&action.item).refuse(field, "an object with texts"),
        }
    }

    fn rollout(&mut self, verb: &str, action: &Action) {
        let to_revision = self.fields(&action.item).optional_whole("revision");
        let Some((kind, key)) = self.object(action) else { return };
        if kind != Kind::Deployment {
            self.reader.needs.push(not_simulated(&format!("the action `{verb}` of a {kind}")));
            return;
        }
        match verb {
            "restart" | "undo" => {
                // What its template is from now on, only the run will tell.
                self.manifests.remove(&(kind.name().to_string(), key.name.to_string()));
                match verb {
                    "restart" => self.act(action, Restart { key }),
                    _ => self.act(action, Undo { key, to_revision }),
                }
            }
            _ => {
                self.follow(kind, &key, &json!({"spec": {"paused": verb == "pause"}}));
                self.act(action, Pause { key, on: verb == "pause" });
            }
        }
    }

    /// A patch of a node, as far as another action does the same; one of anything else applies the patched manifest.
    fn patch(&mut self, action: &Action) {
        let patch = &action.item.value["patch"];
        let Some((kind, key)) = self.object(action) else { return };
        if !patch.is_object() {
            return self.fields(&action.item).refuse("patch", "an object");
        }
        if kind == Kind::Node {
            return self.patch_node(action, key.name.to_string(), patch);
        }
        let Some(manifest) = self.manifests.get_mut(&(kind.name().to_string(), key.name.to_string())) else {
            self.reader.needs.push(not_simulated(&format!("a patch of a {kind} that no manifest tells of")));
            return;
        };
        if let Err(list) = merge(manifest, patch, "") {
            self.reader.needs.push(not_simulated(&format!("a patch of the list `{list}`")));
            return;
        }
        let item = Item { path: action.item.path.clone(), value: manifest.clone() };
        if let Some(object) = self.reader.manifest(&item) {
            self.act(action, Apply { objects: vec![object] });
        }
    }

    fn patch_node(&mut self, action: &Action, node: String, patch: &Value) {
        for (part, fields) in patch.as_object().into_iter().flatten() {
            for (field, value) in fields.as_object().into_iter().flatten() {
                match (part.as_str(), field.as_str(), value) {
                    ("metadata", "labels", labels) => self.label(action, node.clone(), labels, "patch"),
                    ("spec", "unschedulable", Value::Bool(on)) => {
                        self.act(action, Cordon { node: node.clone().into(), on: *on });
                    }
                    _ => self.reader.needs.push(not_simulated(&format!("a patch of a Node's `{part}.{field}`"))),
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "action_tests.rs"]
mod tests;
