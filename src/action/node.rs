//! Nodes: cordon, uncordon, taint, untaint, label.
//!
//! Source: `staging/src/k8s.io/kubectl/pkg/cmd/{drain,taint,label}`, v1.36. A taint or a label that a node has with another
//! value is replaced, as with `--overwrite`.

use super::parameter::{missing, removed_taint, taint, texts};
use super::{Action, ActionRow, Build, View, Which, patch};
use crate::apiserver::Request;
use crate::object::field::{Field, Parameters, Shape, Value, Wrong};
use crate::object::taint::{Taint, TaintKey};
use crate::object::validation::text;
use crate::object::{Edit, Key, Kind, Name, Node};
use std::fmt;
use std::sync::Arc;

/// `node.cordon`.
pub const CORDON: ActionRow = ActionRow {
    name: "node.cordon",
    summary: "No new pods are scheduled on these nodes; those that are there stay.",
    has_target: true,
    parameters: &[],
    build: Build::Row(|_| Ok(Arc::new(Cordon { node: Which::OfTarget, on: true }))),
    kubectl: "kubectl cordon NODES",
};

/// `node.uncordon`.
pub const UNCORDON: ActionRow = ActionRow {
    name: "node.uncordon",
    summary: "These nodes take new pods again.",
    has_target: true,
    parameters: &[],
    build: Build::Row(|_| Ok(Arc::new(Cordon { node: Which::OfTarget, on: false }))),
    kubectl: "kubectl uncordon NODES",
};

const TEXTS: Shape = Shape::Either(&[Shape::Text, Shape::List(&Shape::Text)]);

/// `node.taint`.
pub const TAINT: ActionRow = ActionRow {
    name: "node.taint",
    summary: "These nodes get taints; one of the same key and effect is replaced.",
    has_target: true,
    parameters: &[Field::required(
        "taint",
        TEXTS,
        "One taint or a list of taints, as `\"node.kubernetes.io/out-of-service=nodeshutdown:NoExecute\"`.",
    )],
    build: Build::Row(build_taint),
    kubectl: "kubectl taint nodes NODES KEY=VALUE:EFFECT --overwrite",
};

/// `node.untaint`.
pub const UNTAINT: ActionRow = ActionRow {
    name: "node.untaint",
    summary: "These nodes lose taints.",
    has_target: true,
    parameters: &[Field::required(
        "taint",
        TEXTS,
        "One taint or a list, as `\"dedicated:NoSchedule\"`, or as `\"dedicated\"` for all effects of that key.",
    )],
    build: Build::Row(build_untaint),
    kubectl: "kubectl taint nodes NODES KEY:EFFECT-",
};

/// `node.label`.
pub const LABEL: ActionRow = ActionRow {
    name: "node.label",
    summary: "These nodes get labels, or lose them.",
    has_target: true,
    parameters: &[Field::required(
        "labels",
        Shape::Either(&[Shape::Map(&Shape::Text), Shape::List(&Shape::Text)]),
        "As a table, `{ disk = \"ssd\" }`, or as kubectl takes them, `[\"disk=ssd\", \"old-\"]`; a key with `-` at its end \
         is taken away.",
    )],
    build: Build::Row(build_label),
    kubectl: "kubectl label nodes NODES KEY=VALUE --overwrite",
};

fn build_taint(parameters: &Parameters) -> Result<Arc<dyn Action>, Wrong> {
    let given = texts(parameters, "taint")?;
    let wrong = |text: &str| {
        Wrong::new("taint", format!("`{text}` is not a taint")).help(
            "a taint is written as `key=value:NoSchedule`, with the effect NoSchedule, PreferNoSchedule or NoExecute",
        )
    };
    let add: Vec<Taint> =
        given.iter().map(|text| taint(text).ok_or_else(|| wrong(text))).collect::<Result<_, Wrong>>()?;
    for taint in &add {
        let faults = text::qualified_name(&taint.key).into_iter().chain(text::label_value(&taint.value));
        if let Some(fault) = faults.into_iter().next() {
            return Err(Wrong::new("taint", format!("no taint can be `{}={}`", taint.key, taint.value)).help(fault));
        }
    }
    if add.is_empty() {
        return Err(missing("taint", "which taint", "taint = \"dedicated=db:NoSchedule\""));
    }
    Ok(Arc::new(TaintNode { node: Which::OfTarget, add, remove: Vec::new() }))
}

fn build_untaint(parameters: &Parameters) -> Result<Arc<dyn Action>, Wrong> {
    let mut remove = Vec::new();
    for text in texts(parameters, "taint")? {
        remove.extend(removed_taint(text).ok_or_else(|| {
            Wrong::new("taint", format!("`{text}` does not name a taint"))
                .help("write `key:NoSchedule`, or `key` for all effects of that key")
        })?);
    }
    if remove.is_empty() {
        return Err(missing("taint", "which taint", "taint = \"dedicated:NoSchedule\""));
    }
    Ok(Arc::new(TaintNode { node: Which::OfTarget, add: Vec::new(), remove }))
}

fn build_label(parameters: &Parameters) -> Result<Arc<dyn Action>, Wrong> {
    let wrong =
        |why: String| Wrong::new("labels", why).help("write `{ disk = \"ssd\" }`, or `[\"disk=ssd\", \"old-\"]`");
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    match parameters.get("labels") {
        Some(Value::Table(_)) => pairs = super::parameter::table(parameters, "labels")?,
        _ => {
            for text in texts(parameters, "labels")? {
                match text.split_once('=') {
                    Some(pair) => pairs.push(pair),
                    None if text.ends_with('-') => pairs.push((text, "")),
                    None => return Err(wrong(format!("`{text}` is neither `key=value` nor `key-`"))),
                }
            }
        }
    }
    let (mut labels, mut remove): (Vec<(Name, Name)>, Vec<Name>) = (Vec::new(), Vec::new());
    for (key, value) in pairs {
        match key.strip_suffix('-') {
            _ if key.trim_end_matches('-').is_empty() => return Err(wrong("a label has a key".to_string())),
            Some(_) if !value.is_empty() => {
                return Err(wrong(format!("`{key}` takes the label away: it has no value")));
            }
            Some(key) => remove.push(key.into()),
            None => labels.push((key.into(), value.into())),
        }
        let key = key.strip_suffix('-').unwrap_or(key);
        if let Some(fault) = text::qualified_name(key).first() {
            return Err(Wrong::new("labels", format!("`{key}` is no good name of a label")).help(fault.clone()));
        }
        if let Some(fault) = text::label_value(value).first() {
            return Err(Wrong::new("labels", format!("`{value}` is no good value of a label")).help(fault.clone()));
        }
    }
    if labels.is_empty() && remove.is_empty() {
        return Err(missing("labels", "which labels", "labels = { disk = \"ssd\" }"));
    }
    Ok(Arc::new(LabelNode { node: Which::OfTarget, labels, remove }))
}

/// The requests for those nodes for which `has_work`; for one that was named, in any case.
fn each(
    which: &Which,
    view: &View<'_>,
    edits: &[Edit],
    has_work: impl Fn(&Node) -> bool,
    already: &str,
) -> Result<Vec<Request>, Name> {
    let mut requests = Vec::new();
    let nodes = match which {
        Which::Named(name) => std::slice::from_ref(name),
        Which::OfTarget => view.nodes,
    };
    for name in nodes {
        let key = Key::cluster(name.clone());
        view.get(Kind::Node, &key)?;
        let node = view.table(Kind::Node).typed::<Node>(&key);
        if matches!(which, Which::Named(_)) || node.is_some_and(|node| has_work(node)) {
            requests.extend(edits.iter().map(|edit| patch(Kind::Node, &key, edit.clone())));
        }
    }
    if requests.is_empty() { Err(format!("{}: {already}", which.said(view)).into()) } else { Ok(requests) }
}

/// `kubectl cordon` and `uncordon`.
#[derive(Clone, Debug)]
pub struct Cordon {
    /// Nodes.
    pub node: Which,
    /// Cordon them, or let them take pods again.
    pub on: bool,
}

impl Cordon {
    fn words(&self, nodes: &str) -> String {
        format!("{} {nodes}", if self.on { "cordon" } else { "uncordon" })
    }
}

impl Action for Cordon {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        let already = if self.on { "cordoned already" } else { "not cordoned" };
        each(&self.node, view, &[Edit::Unschedulable(self.on)], |node| node.unschedulable != self.on, already)
    }

    fn said(&self, view: &View<'_>) -> String {
        self.words(&self.node.said(view))
    }
}

impl fmt::Display for Cordon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(&self.node.to_string()))
    }
}

/// `kubectl taint`.
#[derive(Clone, Debug)]
pub struct TaintNode {
    /// Nodes.
    pub node: Which,
    /// Taints that they get.
    pub add: Vec<Taint>,
    /// Taints that they lose.
    pub remove: Vec<TaintKey>,
}

impl TaintNode {
    fn words(&self, nodes: &str) -> String {
        let add = self.add.iter().map(|taint| format!(" {taint}"));
        let remove = self.remove.iter().map(|(key, effect)| format!(" {key}:{effect}-"));
        format!("taint nodes {nodes}{}", add.chain(remove).collect::<String>())
    }
}

impl Action for TaintNode {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        let edit = Edit::Taints { add: self.add.clone(), remove: self.remove.clone(), version: None };
        let is_same = |a: &Taint, b: &Taint| (&a.key, &a.value, a.effect) == (&b.key, &b.value, b.effect);
        let lacks = |node: &Node, taint: &Taint| !node.taints.iter().any(|other| is_same(taint, other));
        let has = |node: &Node, (key, effect): &TaintKey| {
            node.taints.iter().any(|taint| (&taint.key, taint.effect) == (key, *effect))
        };
        let has_work = |node: &Node| {
            self.add.iter().any(|taint| lacks(node, taint)) || self.remove.iter().any(|taint| has(node, taint))
        };
        let already = if self.add.is_empty() { "no such taint" } else { "tainted so already" };
        each(&self.node, view, &[edit], has_work, already)
    }

    fn said(&self, view: &View<'_>) -> String {
        self.words(&self.node.said(view))
    }
}

impl fmt::Display for TaintNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(&self.node.to_string()))
    }
}

/// `kubectl label nodes`.
#[derive(Clone, Debug)]
pub struct LabelNode {
    /// Nodes.
    pub node: Which,
    /// Labels that they get.
    pub labels: Vec<(Name, Name)>,
    /// Labels that they lose.
    pub remove: Vec<Name>,
}

impl LabelNode {
    fn words(&self, nodes: &str) -> String {
        let add = self.labels.iter().map(|(key, value)| format!(" {key}={value}"));
        let remove = self.remove.iter().map(|key| format!(" {key}-"));
        format!("label nodes {nodes}{}", add.chain(remove).collect::<String>())
    }
}

impl Action for LabelNode {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        let mut edits = Vec::new();
        if !self.labels.is_empty() {
            edits.push(Edit::Labels(self.labels.clone()));
        }
        if !self.remove.is_empty() {
            edits.push(Edit::RemoveLabels(self.remove.clone()));
        }
        let has_work = |node: &Node| {
            let labels = &node.meta.labels;
            self.labels.iter().any(|(key, value)| labels.get(key) != Some(value))
                || self.remove.iter().any(|key| labels.get(key).is_some())
        };
        each(&self.node, view, &edits, has_work, "labelled so already")
    }

    fn said(&self, view: &View<'_>) -> String {
        self.words(&self.node.said(view))
    }
}

impl fmt::Display for LabelNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(&self.node.to_string()))
    }
}
