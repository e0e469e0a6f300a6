//! Reads `[[workload]]`, the short form of a manifest, and writes the manifest that it stands for.
//!
//! The manifest then goes the way of all manifests, so that the API server's rules and messages are the same; a message
//! about one of its lines points at the key that the line comes from.

use super::language::WORKLOAD;
use super::problem::{Problems, code};
use super::reader::{At, Section, Sink};
use super::schema::Workload;
use super::shape;
use super::suggest::{listed, meant};
use crate::kernel::time::Span;
use crate::object::behavior;
use crate::object::field::{Field, Value};
use crate::object::validation;
use std::ops::Range;
use toml::de::DeValue;

/// Reads the workloads, and says whether all could be read.
pub fn workloads(root: &mut Section<'_>, sink: &mut Sink<'_>) -> (Vec<Workload>, bool) {
    let sections = root.tables("workload", "workload", WORKLOAD, sink);
    let declared = sections.len();
    let mut workloads: Vec<(String, Workload)> = Vec::new();
    let mut are_whole = true;
    for section in sections {
        let Some(Read { identity, workload, is_whole }) = workload(section, sink) else { continue };
        are_whole &= is_whole;
        if workloads.iter().any(|(known, _)| *known == identity) {
            let message = format!("there is another workload `{}` of this kind and namespace", workload.name.value);
            sink.error(code::TWICE, &workload.name.bytes, message).help("give each its own name");
            // Its manifest would be refused for the same reason.
            continue;
        }
        workloads.push((identity, workload));
    }
    let are_complete = are_whole && workloads.len() == declared;
    (workloads.into_iter().map(|(_, workload)| workload).collect(), are_complete)
}

/// Most pods of one workload. Ours, a few times what upstream is built for.
const PODS_MAX: u64 = 500_000;

/// A manifest that is being written, line by line.
struct Manifest {
    yaml: String,
    lines: Vec<Range<usize>>,
}

impl Manifest {
    fn line(&mut self, bytes: &Range<usize>, depth: usize, text: impl AsRef<str>) {
        self.yaml.push_str(&"  ".repeat(depth));
        self.yaml.push_str(text.as_ref());
        self.yaml.push('\n');
        self.lines.push(bytes.clone());
    }

    /// `name:` and these pairs below it, if there are any.
    fn pairs(&mut self, bytes: &Range<usize>, depth: usize, name: &str, pairs: &[(String, String)]) {
        if pairs.is_empty() {
            return;
        }
        self.line(bytes, depth, format!("{name}:"));
        for (key, value) in pairs {
            self.line(bytes, depth + 1, format!("{}: {}", quoted(key), quoted(value)));
        }
    }
}

/// A text as JSON, which YAML reads as that text and nothing else.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A workload that was read.
struct Read {
    /// Its kind, namespace and name.
    identity: String,
    workload: Workload,
    /// Whether all of it could be read. If not, what there is may be looked at, but is not what was meant.
    is_whole: bool,
}

fn workload(mut section: Section<'_>, sink: &mut Sink<'_>) -> Option<Read> {
    let whole = section.bytes.clone();
    let errors = sink.problems.list.len();
    let mut values: Vec<(&'static str, Value, Range<usize>)> = Vec::new();
    let mut unread: Vec<&'static str> = Vec::new();
    for field in WORKLOAD {
        let written = if field.is_required { section.required(field.name, sink) } else { section.value(field.name) };
        let read = written.and_then(|written| Some((shape::read(written, field.name, field.shape, sink)?, written)));
        match read {
            Some((value, written)) => values.push((field.name, value, written.span())),
            None if written.is_some() || field.is_required => unread.push(field.name),
            // Perhaps only misspelt; then what others make of its absence would be wrong.
            None if ["kind", "namespace", "run-for"].contains(&field.name) && section.slip(field.name, sink) => {
                unread.push(field.name);
            }
            None => {}
        }
    }
    section.finish(sink);
    let is_whole = sink.problems.list.len() == errors;
    let keys = Values { list: values, unread, whole };
    let errors = sink.problems.list.len();
    keys.check(sink);
    // Its manifest would be refused for the same reasons, or be that of another workload.
    if sink.problems.list.len() > errors || ["name", "kind", "namespace"].iter().any(|key| keys.unread.contains(key)) {
        return None;
    }
    let keys = keys.without_defaults();
    let name = keys.text("name").unwrap_or_default();
    let kind = keys.text("kind").unwrap_or("Deployment");
    let namespace = keys.text("namespace").unwrap_or("default");
    let manifest = keys.manifest(kind, name);
    let workload = Workload {
        name: At { value: name.to_string(), bytes: keys.bytes("name") },
        namespace: namespace.to_string(),
        yaml: manifest.yaml,
        lines: manifest.lines,
    };
    Some(Read { identity: format!("{kind}/{namespace}/{name}"), workload, is_whole })
}

/// The value that a default of the language stands for.
fn default_value(field: &Field, default: &str) -> Option<Value> {
    let written = DeValue::parse(default).ok()?;
    let mut unheard = Problems::default();
    shape::read(&written, field.name, field.shape, &mut Sink::new("", &mut unheard))
}

/// The values that a workload has, each with its place; those left out have the place of the whole.
struct Values {
    list: Vec<(&'static str, Value, Range<usize>)>,
    /// Keys that are there but could not be read.
    unread: Vec<&'static str>,
    whole: Range<usize>,
}

impl Values {
    /// Without what holds anyway: said or not, it is the same manifest.
    fn without_defaults(mut self) -> Values {
        self.list.retain(|(name, value, _)| {
            let field = WORKLOAD.iter().find(|field| field.name == *name);
            field.is_none_or(|field| {
                field.default.and_then(|default| default_value(field, default)).as_ref() != Some(value)
            })
        });
        self
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.list.iter().find(|(name, ..)| *name == key).map(|(_, value, _)| value)
    }

    fn bytes(&self, key: &str) -> Range<usize> {
        self.list.iter().find(|(name, ..)| *name == key).map_or(self.whole.clone(), |(.., bytes)| bytes.clone())
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.value(key)?.as_text()
    }

    fn pairs(&self, key: &str) -> Vec<(String, String)> {
        let Some(Value::Table(pairs)) = self.value(key) else { return Vec::new() };
        pairs.iter().filter_map(|(name, value)| Some((name.clone(), value.as_text()?.to_string()))).collect()
    }

    /// Whole seconds of a duration.
    fn seconds(&self, key: &str) -> Option<u64> {
        self.text(key).and_then(|text| Span::parse(text).ok()).map(Span::as_secs)
    }

    /// What is wrong between keys, or with values that Kubernetes has only in whole seconds.
    fn check(&self, sink: &mut Sink<'_>) {
        self.check_names(sink);
        for key in ["grace-period", "min-ready", "progress-deadline"] {
            let span = self.text(key).and_then(|text| Span::parse(text).ok());
            if span.is_some_and(|span| span.as_micros() % 1_000_000 != 0) {
                sink.bad_value(
                    &self.bytes(key),
                    format!("`{key}` is in whole seconds: Kubernetes knows no smaller ones"),
                )
                .help("write it as \"1s\"");
            }
        }
        if self.text("kind") == Some("ReplicaSet") {
            for key in ["strategy", "max-surge", "max-unavailable", "progress-deadline"] {
                if self.value(key).is_some() {
                    sink.error(
                        code::CONFLICT,
                        &self.bytes(key),
                        format!("a ReplicaSet has no `{key}`: it replaces no pods"),
                    )
                    .help("leave it out, or make it a Deployment");
                }
            }
        }
        if self.text("strategy") == Some("Recreate") {
            for key in ["max-surge", "max-unavailable"] {
                if self.value(key).is_some() {
                    sink.error(
                        code::CONFLICT,
                        &self.bytes(key),
                        format!("`Recreate` has no `{key}`: all pods go first"),
                    )
                    .help("leave it out, or write `strategy = \"RollingUpdate\"`");
                }
            }
        }
        if self.value("exit-code").is_some() && self.value("run-for").is_none() && !self.unread.contains(&"run-for") {
            sink.error(
                code::CONFLICT,
                &self.bytes("exit-code"),
                "the container never exits by itself, so it has no `exit-code`",
            )
            .help("add `run-for`, or leave `exit-code` out");
        }
    }

    /// The name is also that of the container and of the label; resources are those of containers.
    fn check_names(&self, sink: &mut Sink<'_>) {
        if let Some(name) = self.text("name")
            && let Some(fault) = validation::text::dns_label(name).first()
        {
            sink.bad_value(&self.bytes("name"), format!("no workload can be called `{name}`"))
                .note(fault.clone())
                .help("use lower case letters, digits and `-`");
        }
        let namespace = self.text("namespace").unwrap_or("default");
        if let Some(fault) = validation::text::dns_label(namespace).first() {
            sink.bad_value(&self.bytes("namespace"), format!("no namespace can be called `{namespace}`"))
                .note(fault.clone())
                .help("use lower case letters, digits and `-`");
        }
        for key in ["requests", "limits"] {
            let known = ["cpu", "memory", "ephemeral-storage"];
            let is_known = |name: &str| known.contains(&name) || name.contains('/') || name.starts_with("hugepages-");
            for (name, _) in self.pairs(key).iter().filter(|(name, _)| !is_known(name)) {
                sink.bad_value(&self.bytes(key), format!("no container can ask for `{name}`"))
                    .guess(meant(name, known))
                    .note(format!("resources are {}, or have a domain as `nvidia.com/gpu`", listed(known)));
            }
        }
        if self.text("image").is_some_and(|image| image.trim().is_empty()) {
            sink.bad_value(&self.bytes("image"), "the image has no name")
                .help("name it, as `image = \"web:1\"`, or leave it out");
        }
        for (_, value) in self.pairs("labels") {
            if let Some(fault) = validation::text::label_value(&value).first() {
                sink.bad_value(&self.bytes("labels"), format!("`{value}` is no good value of a label"))
                    .note(fault.clone());
            }
        }
        let replicas = self.text("replicas").and_then(|text| text.parse::<u64>().ok());
        if replicas.is_some_and(|replicas| replicas > PODS_MAX) {
            sink.bad_value(&self.bytes("replicas"), "no workload has so many pods")
                .label(format!("expected at most {PODS_MAX}"))
                .note("Kubernetes is built for 150,000 in all; beyond that a run takes hours and does not fit into memory");
        }
        let port = self.text("expose").and_then(|text| text.parse::<u64>().ok());
        if port.is_some_and(|port| port > u64::from(u16::MAX)) {
            sink.bad_value(&self.bytes("expose"), "there is no such port").label("expected from 1 to 65535");
        }
    }

    /// Only a namespace that is written: people leave `default` out, and the manifest is part of the object.
    fn namespace(&self, manifest: &mut Manifest) {
        if let Some(namespace) = self.text("namespace") {
            manifest.line(&self.bytes("namespace"), 1, format!("namespace: {}", quoted(namespace)));
        }
    }

    fn manifest(&self, kind: &str, name: &str) -> Manifest {
        let mut manifest = Manifest { yaml: String::new(), lines: Vec::new() };
        let at = |key: &str| self.bytes(key);
        let (of_name, of_kind) = (at("name"), at("kind"));
        let labels = self.labels(name);
        let selector = vec![("app".to_string(), labels[0].1.clone())];
        // The Service first, as people write it: it is there when the first pod is ready.
        if let Some(port) = self.text("expose") {
            let bytes = at("expose");
            for text in ["apiVersion: v1", "kind: Service", "metadata:"] {
                manifest.line(&bytes, 0, text);
            }
            manifest.line(&of_name, 1, format!("name: {}", quoted(name)));
            self.namespace(&mut manifest);
            manifest.line(&bytes, 0, "spec:");
            manifest.pairs(&bytes, 1, "selector", &selector);
            manifest.line(&bytes, 1, "ports:");
            manifest.line(&bytes, 1, format!("- port: {port}"));
            manifest.line(&bytes, 0, "---");
        }
        manifest.line(&of_kind, 0, "apiVersion: apps/v1");
        manifest.line(&of_kind, 0, format!("kind: {kind}"));
        manifest.line(&of_name, 0, "metadata:");
        manifest.line(&of_name, 1, format!("name: {}", quoted(name)));
        self.namespace(&mut manifest);
        manifest.line(&self.whole, 0, "spec:");
        manifest.line(&at("replicas"), 1, format!("replicas: {}", self.text("replicas").unwrap_or("1")));
        manifest.line(&self.whole, 1, "selector:");
        manifest.pairs(&at("labels"), 2, "matchLabels", &selector);
        if let Some(seconds) = self.seconds("min-ready") {
            manifest.line(&at("min-ready"), 1, format!("minReadySeconds: {seconds}"));
        }
        if let Some(seconds) = self.seconds("progress-deadline") {
            manifest.line(&at("progress-deadline"), 1, format!("progressDeadlineSeconds: {seconds}"));
        }
        self.strategy(&mut manifest);
        manifest.line(&self.whole, 1, "template:");
        manifest.line(&self.whole, 2, "metadata:");
        manifest.pairs(&at("labels"), 3, "labels", &labels);
        manifest.pairs(&at("annotations"), 3, "annotations", &self.annotations());
        self.pod(&mut manifest, name, &labels);
        manifest
    }

    /// Labels of the pods; the first is the one that selects them.
    fn labels(&self, name: &str) -> Vec<(String, String)> {
        let mut labels = self.pairs("labels");
        match labels.iter().position(|(key, _)| key == "app") {
            Some(own) => labels.swap(0, own),
            None => labels.insert(0, ("app".to_string(), name.to_string())),
        }
        labels
    }

    fn annotations(&self) -> Vec<(String, String)> {
        let own = [
            ("container-start", behavior::CONTAINER_START),
            ("ready-after", behavior::READY_AFTER),
            ("container-stop", behavior::CONTAINER_STOP),
            ("run-for", behavior::RUN_FOR),
            ("exit-code", behavior::EXIT_CODE),
        ];
        let own = own.into_iter().filter_map(|(key, name)| Some((name.to_string(), self.text(key)?.to_string())));
        self.pairs("annotations").into_iter().chain(own).collect()
    }

    fn strategy(&self, manifest: &mut Manifest) {
        let (kind, surge, unavailable) = (self.text("strategy"), self.text("max-surge"), self.text("max-unavailable"));
        if kind.is_none() && surge.is_none() && unavailable.is_none() {
            return;
        }
        let bytes = self.bytes("strategy");
        manifest.line(&bytes, 1, "strategy:");
        manifest.line(&bytes, 2, format!("type: {}", kind.unwrap_or("RollingUpdate")));
        if surge.is_some() || unavailable.is_some() {
            manifest.line(&bytes, 2, "rollingUpdate:");
        }
        for (key, name, value) in [("max-surge", "maxSurge", surge), ("max-unavailable", "maxUnavailable", unavailable)]
        {
            if let Some(value) = value {
                let value = if value.parse::<u64>().is_ok() { value.to_string() } else { quoted(value) };
                manifest.line(&self.bytes(key), 3, format!("{name}: {value}"));
            }
        }
    }

    fn pod(&self, manifest: &mut Manifest, name: &str, labels: &[(String, String)]) {
        let at = |key: &str| self.bytes(key);
        manifest.line(&self.whole, 2, "spec:");
        if let Some(seconds) = self.seconds("grace-period") {
            manifest.line(&at("grace-period"), 3, format!("terminationGracePeriodSeconds: {seconds}"));
        }
        if let Some(class) = self.text("priority-class") {
            manifest.line(&at("priority-class"), 3, format!("priorityClassName: {}", quoted(class)));
        }
        manifest.pairs(&at("node-selector"), 3, "nodeSelector", &self.pairs("node-selector"));
        self.tolerations(manifest);
        self.spread(manifest, labels);
        manifest.line(&self.whole, 3, "containers:");
        let container = if self.value("container").is_some() { "container" } else { "name" };
        manifest.line(&at(container), 3, format!("- name: {}", quoted(self.text(container).unwrap_or(name))));
        let image = self.text("image").map_or_else(|| format!("{name}:1"), str::to_string);
        manifest.line(&at("image"), 4, format!("image: {}", quoted(&image)));
        let (requests, limits) = (self.pairs("requests"), self.pairs("limits"));
        if !requests.is_empty() || !limits.is_empty() {
            manifest.line(&at("requests"), 4, "resources:");
            manifest.pairs(&at("requests"), 5, "requests", &requests);
            manifest.pairs(&at("limits"), 5, "limits", &limits);
        }
    }

    fn tolerations(&self, manifest: &mut Manifest) {
        let Some(Value::List(list)) = self.value("tolerations") else { return };
        let bytes = self.bytes("tolerations");
        if !list.is_empty() {
            manifest.line(&bytes, 3, "tolerations:");
        }
        for toleration in list {
            let has_value = entry(toleration, "value").is_some();
            let operator = entry(toleration, "operator").unwrap_or(if has_value { "Equal" } else { "Exists" });
            manifest.line(&bytes, 3, format!("- operator: {operator}"));
            for (key, name) in [("key", "key"), ("value", "value"), ("effect", "effect")] {
                if let Some(text) = entry(toleration, key) {
                    manifest.line(&bytes, 4, format!("{name}: {}", quoted(text)));
                }
            }
            if let Some(seconds) = entry(toleration, "seconds") {
                manifest.line(&bytes, 4, format!("tolerationSeconds: {seconds}"));
            }
        }
    }

    fn spread(&self, manifest: &mut Manifest, labels: &[(String, String)]) {
        let Some(Value::List(list)) = self.value("spread") else { return };
        let bytes = self.bytes("spread");
        if !list.is_empty() {
            manifest.line(&bytes, 3, "topologySpreadConstraints:");
        }
        for constraint in list {
            manifest.line(
                &bytes,
                3,
                format!("- topologyKey: {}", quoted(entry(constraint, "topology-key").unwrap_or_default())),
            );
            manifest.line(&bytes, 4, format!("maxSkew: {}", entry(constraint, "max-skew").unwrap_or("1")));
            let when = entry(constraint, "when-unsatisfiable").unwrap_or("DoNotSchedule");
            manifest.line(&bytes, 4, format!("whenUnsatisfiable: {when}"));
            if let Some(least) = entry(constraint, "min-domains") {
                manifest.line(&bytes, 4, format!("minDomains: {least}"));
            }
            manifest.line(&bytes, 4, "labelSelector:");
            manifest.pairs(&bytes, 5, "matchLabels", &labels[..1]);
        }
    }
}

/// The text of a key in a table.
fn entry<'v>(table: &'v Value, key: &str) -> Option<&'v str> {
    let Value::Table(pairs) = table else { return None };
    pairs.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.as_text())
}
