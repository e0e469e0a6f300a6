//! Which fields the simulator interprets. Every other field of a manifest is kept, and named in a note.
//!
//! A table of what is interpreted, not of what is not: a field that Kubernetes gains is noted until somebody reads it
//! and adds its row here.

use super::served;
use super::yaml::Text;
use serde_json::Value;
use std::fmt;

/// Metadata of every kind.
const METADATA: &[&str] = &[
    "name",
    "namespace",
    "generateName",
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// The spec of a pod or of a template. Limits are read for the requests that they imply, but nothing enforces them; init
/// containers count with their requests, but do not run. Host ports and preemption are read, but no plugin of the
/// scheduler looks at them yet.
const POD_SPEC: &[&str] = &[
    "containers[].name",
    "containers[].image",
    "containers[].resources.requests",
    "containers[].ports[].name",
    "containers[].ports[].containerPort",
    "containers[].ports[].protocol",
    "initContainers[].name",
    "initContainers[].resources.requests",
    "initContainers[].ports[].name",
    "initContainers[].ports[].containerPort",
    "initContainers[].ports[].protocol",
    "initContainers[].restartPolicy",
    "nodeSelector",
    "affinity.nodeAffinity",
    "tolerations",
    "topologySpreadConstraints",
    "restartPolicy",
    "terminationGracePeriodSeconds",
    "priorityClassName",
    "priority",
    "schedulerName",
    "overhead",
    "schedulingGates",
];

const CONDITION: &[&str] =
    &["type", "status", "reason", "message", "lastTransitionTime", "lastUpdateTime", "lastHeartbeatTime"];

/// The fields of each kind; `META`, `POD` and `CONDITION` stand for the tables above.
const KINDS: &[(&str, &[&str])] = &[
    (
        "Pod",
        &[
            "META",
            "spec.POD",
            "spec.nodeName",
            "status.phase",
            "status.conditions[].CONDITION",
            "status.containerStatuses[].name",
            "status.containerStatuses[].ready",
            "status.containerStatuses[].restartCount",
            "status.containerStatuses[].state.running",
            "status.containerStatuses[].state.terminated.exitCode",
            "status.containerStatuses[].lastState.terminated.exitCode",
            "status.podIP",
            "status.startTime",
            "status.nominatedNodeName",
            "status.reason",
            "status.message",
        ],
    ),
    (
        "Node",
        &[
            "META",
            "spec.unschedulable",
            "spec.taints",
            "status.capacity",
            "status.allocatable",
            "status.conditions[].CONDITION",
        ],
    ),
    (
        "ReplicaSet",
        &[
            "META",
            "spec.replicas",
            "spec.minReadySeconds",
            "spec.selector",
            "spec.template.metadata.labels",
            "spec.template.metadata.annotations",
            "spec.template.spec.POD",
            "status.replicas",
            "status.fullyLabeledReplicas",
            "status.readyReplicas",
            "status.availableReplicas",
            "status.terminatingReplicas",
            "status.observedGeneration",
            "status.conditions[].CONDITION",
        ],
    ),
    (
        "Deployment",
        &[
            "META",
            "spec.replicas",
            "spec.minReadySeconds",
            "spec.selector",
            "spec.strategy",
            "spec.revisionHistoryLimit",
            "spec.progressDeadlineSeconds",
            "spec.paused",
            "spec.template.metadata.labels",
            "spec.template.metadata.annotations",
            "spec.template.spec.POD",
            "status.observedGeneration",
            "status.replicas",
            "status.updatedReplicas",
            "status.readyReplicas",
            "status.availableReplicas",
            "status.unavailableReplicas",
            "status.terminatingReplicas",
            "status.collisionCount",
            "status.conditions[].CONDITION",
        ],
    ),
    (
        "Service",
        &[
            "META",
            "spec.selector",
            "spec.type",
            "spec.clusterIP",
            "spec.publishNotReadyAddresses",
            "spec.ports[].name",
            "spec.ports[].protocol",
            "spec.ports[].port",
            "spec.ports[].targetPort",
        ],
    ),
    (
        "EndpointSlice",
        &[
            "META",
            "addressType",
            "ports[].name",
            "ports[].protocol",
            "ports[].port",
            "endpoints[].addresses",
            "endpoints[].conditions",
            "endpoints[].nodeName",
            "endpoints[].zone",
            "endpoints[].targetRef",
        ],
    ),
    ("Namespace", &["META"]),
    ("PriorityClass", &["META", "value", "globalDefault", "preemptionPolicy"]),
    ("Lease", &["META", "spec.holderIdentity", "spec.leaseDurationSeconds", "spec.renewTime"]),
    (
        "Event",
        &[
            "META",
            "involvedObject",
            "regarding",
            "reason",
            "message",
            "note",
            "type",
            "source.component",
            "reportingComponent",
            "reportingController",
            "eventTime",
            "lastTimestamp",
        ],
    ),
];

/// Most notes that are told: Kubernetes' types have fewer fields, so more can only come from a broken file.
const NOTES_MAX: usize = 1_000;

/// A field that is kept but not simulated yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// File as the user named it.
    pub file: String,
    /// Line of its first occurrence, counted from 1.
    pub line: u32,
    /// The field, below `subject`.
    pub field: String,
    /// What has the field, as `container "web"`.
    pub subject: String,
    /// In how many further places of the file the same field stands.
    pub more: usize,
    /// What counts as the same field: its path without indexes, below the pod's spec if it has one.
    key: String,
}

/// `web.yaml:23: note: livenessProbe of container "web" is kept but not simulated yet (and 2 more)`.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Note { file, line, field, subject, .. } = self;
        write!(f, "{file}:{line}: note: {field} of {subject} is kept but not simulated yet")?;
        if self.more > 0 { write!(f, " (and {} more)", self.more) } else { Ok(()) }
    }
}

/// Adds to `notes` the fields of a document that nobody interprets; `prefix` is the path of the document in `text`.
pub fn note(file: &str, text: &Text, prefix: &str, document: &Value, notes: &mut Vec<Note>) {
    let kind = document["kind"].as_str().unwrap_or_default();
    let Some((_, rows)) = KINDS.iter().find(|(name, _)| *name == kind) else { return };
    let name = document["metadata"]["name"].as_str().unwrap_or_default();
    let subject = Subject { words: format!("{kind} \"{name}\""), field: String::new() };
    let mut walk = Walk { file, text, kind, table: expand(rows), notes };
    walk.object(document, prefix, "", &subject);
}

fn expand(rows: &[&str]) -> Vec<String> {
    let mut table = vec!["apiVersion".to_string(), "kind".to_string()];
    for row in rows {
        let (stem, rest) = match row.rsplit_once('.') {
            Some((stem, rest)) => (format!("{stem}."), rest),
            None => (String::new(), *row),
        };
        match rest {
            "META" => table.extend(METADATA.iter().map(|field| format!("metadata.{field}"))),
            "POD" => table.extend(POD_SPEC.iter().map(|field| format!("{stem}{field}"))),
            "CONDITION" => table.extend(CONDITION.iter().map(|field| format!("{stem}{field}"))),
            _ => table.push((*row).to_string()),
        }
    }
    table
}

/// What a note speaks of, and the path below it.
struct Subject {
    words: String,
    field: String,
}

impl Subject {
    fn below(&self, field: &str) -> Subject {
        let dot = if self.field.is_empty() { "" } else { "." };
        Subject { words: self.words.clone(), field: format!("{}{dot}{field}", self.field) }
    }
}

struct Walk<'a> {
    file: &'a str,
    text: &'a Text,
    kind: &'a str,
    table: Vec<String>,
    notes: &'a mut Vec<Note>,
}

impl Walk<'_> {
    /// `path` leads to the value in the file, `row` is its row of the table.
    fn object(&mut self, value: &Value, path: &str, row: &str, subject: &Subject) {
        let join =
            |stem: &str, field: &str| if stem.is_empty() { field.to_string() } else { format!("{stem}.{field}") };
        for (field, value) in value.as_object().into_iter().flatten() {
            let is_empty = match value {
                Value::Null => true,
                Value::Array(items) => items.is_empty(),
                Value::Object(map) => map.is_empty(),
                _ => false,
            };
            if !is_empty {
                self.value(value, &join(path, field), &join(row, field), &subject.below(field));
            }
        }
    }

    fn value(&mut self, value: &Value, path: &str, row: &str, subject: &Subject) {
        if self.table.iter().any(|known| known == row) {
            return;
        }
        let leads_to =
            |end: &str| self.table.iter().any(|known| known.strip_prefix(row).is_some_and(|r| r.starts_with(end)));
        match value {
            Value::Object(_) if leads_to(".") => self.object(value, path, row, subject),
            Value::Array(items) if leads_to("[]") => {
                for (index, item) in items.iter().enumerate() {
                    let subject = element(subject, item, index);
                    self.object(item, &format!("{path}[{index}]"), &format!("{row}[]"), &subject);
                }
            }
            _ if served::is_default(self.kind, row, value) => {}
            _ => self.add(path, row, subject),
        }
    }

    fn add(&mut self, path: &str, row: &str, subject: &Subject) {
        let key = row.strip_prefix("spec.template.").unwrap_or(row).to_string();
        let has_room = self.notes.len() < NOTES_MAX;
        match self.notes.iter_mut().find(|note| note.file == self.file && note.key == key) {
            Some(note) => note.more += 1,
            None if !has_room => {}
            None => self.notes.push(Note {
                file: self.file.to_string(),
                line: self.text.line_of(path),
                field: subject.field.clone(),
                subject: subject.words.clone(),
                more: 0,
                key,
            }),
        }
    }
}

/// An element of a list with a name is a subject of its own: `container "web"`.
fn element(list: &Subject, item: &Value, index: usize) -> Subject {
    let words = match list.field.rsplit('.').next().unwrap_or_default() {
        "containers" => "container",
        "initContainers" => "init container",
        "ports" => "port",
        "conditions" => "condition",
        "containerStatuses" => "the status of container",
        _ => return Subject { words: list.words.clone(), field: format!("{}[{index}]", list.field) },
    };
    let name = item["name"].as_str().or(item["type"].as_str());
    let name = name.map_or_else(|| index.to_string(), |name| format!("\"{name}\""));
    Subject { words: format!("{words} {name}"), field: String::new() }
}
