//! The actions of a scenario as events of the simulation.
//!
//! A `crash` stops the recorder's kubelet, and a later `recover` of the node starts it again: with the mode `partition`,
//! which is the default, its containers had kept running, so the node was cut off; with `reboot` it really crashed, as
//! without a `recover`. `remove-node` stops the kubelet for good and deletes the Node.

use super::nodes;
use super::replay::{NAMESPACE, Reader, at};
use super::scenario::{Action, Fields, Item, not_simulated};
use super::summary::Groups;
use crate::action::{
    self, Apply, Cordon, Delete, DeletePods, LabelNode, Pause, Restart, Scale, SetImage, TaintNode, Undo,
};
use crate::apiserver::Propagation;
use crate::cluster::{Happening, Planned};
use crate::fault::{self, Target};
use crate::object::{Key, Kind, Name, Node};
use crate::scenario::problem::code;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Verbs that are not simulated yet, with what they need.
const NOT_YET: [(&str, &str); 3] = [
    ("cp", "a stop of the control plane (action `cp`)"),
    ("drain", "draining a node (action `drain`)"),
    ("load", "load on pods (action `load`)"),
];

/// Turns actions into events.
pub struct Planner<'a> {
    reader: Reader<'a>,
    /// Names of the nodes that there are or will be.
    nodes: BTreeSet<String>,
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
        let nodes = nodes.iter().map(|node| node.meta.name().to_string()).collect();
        Planner { reader, nodes, next, events: Vec::new(), groups: Vec::new(), stops: Vec::new() }
    }

    /// Plans all actions.
    pub fn plan(&mut self) {
        let scenario = self.reader.scenario;
        for (index, action) in scenario.actions.iter().enumerate() {
            self.action(index, action);
        }
    }

    fn action(&mut self, index: usize, action: &Action) {
        match action.verb.as_str() {
            "crash" => self.crash(index, action),
            // What a recovery does is known when the crash is planned.
            "recover" => drop(self.hit(action)),
            "remove-node" => {
                for node in self.hit(action) {
                    self.fault(action, "node.crash", vec![node.clone()], None);
                    let key = Key::cluster(node);
                    self.act(action, Delete { kind: Kind::Node, key, propagation: None, grace_seconds: None });
                }
            }
            "add-nodes" => self.join(action),
            "apply" => {
                let Some(items) = self.fields(&action.item).list("manifests") else { return };
                let objects = items.iter().filter_map(|item| self.reader.manifest(item)).collect();
                self.act(action, Apply { objects });
            }
            "set-image" => self.set_image(action),
            "scale" => {
                let replicas = self.fields(&action.item).whole("replicas");
                if let (Some((kind, key)), Some(replicas)) = (self.object(action), replicas) {
                    self.act(action, Scale { kind, key, replicas: replicas as i32 });
                }
            }
            "delete" => self.delete(action),
            "delete-pods" => self.delete_pods(action),
            "cordon" | "uncordon" => {
                for node in self.hit(action) {
                    self.act(action, Cordon { node: node.into(), on: action.verb == "cordon" });
                }
            }
            "taint" | "untaint" | "label" => self.mark(action),
            "pause" | "resume" | "restart" | "undo" => self.rollout(action),
            "patch" => self.patch(action),
            other => {
                let need = match NOT_YET.iter().find(|(verb, _)| *verb == other) {
                    Some((_, what)) => not_simulated(what),
                    None => format!("unknown action {other}"),
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
        self.push(action, Happening::Action(Arc::new(what)));
    }

    fn fault(&mut self, action: &Action, name: &'static str, nodes: Vec<String>, until: Option<f64>) {
        let row = fault::REGISTRY.iter().find(|row| row.name == name).expect("a fault of the registry");
        let fault = (row.build)(&BTreeMap::new()).expect("it needs no parameters");
        let lasts = until.map(|until| at(until).since(at(action.at)));
        let target = Target::Nodes(nodes.into_iter().map(Name::from).collect());
        self.push(action, Happening::Fault { name, fault, target, lasts });
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
            if !self.nodes.contains(name) {
                let path = format!("{}.node", action.item.path);
                let known = self.nodes.iter().cloned().collect::<Vec<_>>().join(", ");
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
            let comes_back = |other: &Action| {
                ["recover", "crash"].contains(&other.verb.as_str()) && named_nodes(&other.item.value).contains(&node)
            };
            let back = later.iter().position(comes_back).filter(|back| later[*back].verb == "recover");
            self.stops.push((action.at, node.clone()));
            waves.entry(back).or_default().push(node);
        }
        for (back, nodes) in waves {
            match back.map(|back| (&later[back].item, later[back].at)) {
                None => self.fault(action, "node.crash", nodes, None),
                Some((item, until)) => match item.value["mode"].as_str() {
                    None | Some("partition") => self.fault(action, "node.partition", nodes, Some(until)),
                    Some("reboot") => self.fault(action, "node.crash", nodes, Some(until)),
                    Some(_) => self.fields(item).refuse("mode", "`partition` or `reboot`"),
                },
            }
        }
    }

    fn join(&mut self, action: &Action) {
        let value = action.item.value["group"].clone();
        if !value.is_object() {
            self.fields(&action.item).refuse("group", "a group of nodes");
            return;
        }
        let item = Item { path: format!("{}.group", action.item.path), value };
        let joined = nodes::of_group(self.reader.scenario, &item, &mut self.next, self.reader.problems);
        let names: BTreeSet<String> = joined.iter().map(|node| node.meta.name().to_string()).collect();
        self.nodes.extend(names.iter().cloned());
        self.group(names);
        self.push(action, Happening::Join(joined));
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
                    let short = name.strip_prefix("oracle.sim/").unwrap_or(name);
                    let pair = self.reader.annotation(short, value);
                    annotations.extend(pair.map(|(key, text)| (key.into(), text.into())));
                }
            }
            _ => fields.refuse("annotations", "an object"),
        }
        if let (Some((kind, key)), Some(image)) = (self.object(action), image) {
            let (container, image) = (container.map(Name::from), image.into());
            self.act(action, SetImage { kind, key, container, image, annotations });
        }
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

    /// Taints and labels.
    fn mark(&mut self, action: &Action) {
        let value = &action.item.value;
        for node in self.hit(action) {
            let node = Name::from(node);
            if action.verb == "label" {
                let pairs = value["labels"].as_object().into_iter().flatten();
                let labels: Vec<(Name, Name)> =
                    pairs.filter_map(|(key, text)| Some((key.as_str().into(), text.as_str()?.into()))).collect();
                if labels.is_empty() {
                    self.fields(&action.item).refuse("labels", "an object with texts");
                }
                self.act(action, LabelNode { node, labels });
                continue;
            }
            let given = if value["taint"].is_null() { value } else { &value["taint"] };
            let Some(taint) = nodes::taint(given) else {
                self.fields(&action.item).refuse("taint", "a taint as \"key=value:NoSchedule\"");
                return;
            };
            let is_removal = action.verb == "untaint" || value["remove"] == true;
            let (add, remove) = match is_removal {
                true => (Vec::new(), vec![(taint.key, taint.effect)]),
                false => (vec![taint], Vec::new()),
            };
            self.act(action, TaintNode { node, add, remove });
        }
    }

    fn rollout(&mut self, action: &Action) {
        let to_revision = self.fields(&action.item).optional_whole("revision");
        let Some((kind, key)) = self.object(action) else { return };
        if kind != Kind::Deployment {
            self.reader.needs.push(not_simulated(&format!("the action `{}` of a {kind}", action.verb)));
            return;
        }
        match action.verb.as_str() {
            "restart" => self.act(action, Restart { key }),
            "undo" => self.act(action, Undo { key, to_revision }),
            verb => self.act(action, Pause { key, on: verb == "pause" }),
        }
    }

    /// A patch, as far as another action does the same.
    fn patch(&mut self, action: &Action) {
        let patch = &action.item.value["patch"];
        let Some((kind, key)) = self.object(action) else { return };
        let fields = patch["spec"].as_object().filter(|_| patch.as_object().is_some_and(|patch| patch.len() == 1));
        for (field, value) in fields.into_iter().flatten() {
            match (field.as_str(), value) {
                ("paused", Value::Bool(on)) if kind == Kind::Deployment => {
                    self.act(action, Pause { key: key.clone(), on: *on });
                }
                ("replicas", value) if value.as_i64().is_some_and(|replicas| (0..1_000_000).contains(&replicas)) => {
                    let replicas = value.as_i64().unwrap_or_default() as i32;
                    self.act(action, Scale { kind, key: key.clone(), replicas });
                }
                (field, _) => self.reader.needs.push(not_simulated(&format!("a patch of `spec.{field}`"))),
            }
        }
        if fields.is_none() {
            self.reader.needs.push(not_simulated("a patch of more than the spec"));
        }
    }
}

/// Names of the nodes in `node` and `nodes`.
fn named_nodes(value: &Value) -> Vec<String> {
    let many = value["nodes"].as_array().into_iter().flatten();
    std::iter::once(&value["node"]).chain(many).filter_map(|name| name.as_str().map(str::to_string)).collect()
}
