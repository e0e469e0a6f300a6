//! Checks names of pods: that a manifest has such a pod, or that a controller could call one so.

use super::Check;
use crate::object::{Key, Kind, Object};
use crate::record::workloads::workload_name;
use crate::scenario::problem::code;
use crate::scenario::reader::Sink;
use crate::scenario::suggest::nearest;
use crate::scenario::target::WORKLOADS;
use std::ops::Range;

/// Letters behind a name that the API server makes. Source: apiserver `pkg/storage/names/generate.go`, v1.36.
const SUFFIX: usize = 5;
/// Longest hash of a pod template. Source: kubernetes `pkg/controller/controller_utils.go` (`ComputeHash`), v1.36: 32 bits
/// in decimal digits, made safe.
const HASH_MAX: usize = 10;

impl Check<'_> {
    /// Reports a name that no pod can ever have; `is_target` if the nodes are meant that run it.
    pub(super) fn pod_may_be_called(&self, key: &Key, bytes: &Range<usize>, is_target: bool, sink: &mut Sink<'_>) {
        let is_open = |name: &str| name.is_empty() || name == "apply";
        let Some(objects) = &self.objects else { return };
        if self.scenario.drafts.iter().any(|draft| is_open(draft.name))
            || objects.iter().any(|object| makes(object, key))
        {
            return;
        }
        let place =
            if key.namespace.as_str() == "default" { String::new() } else { format!(" in `{}`", key.namespace) };
        let problem = sink.error(code::NO_TARGET, bytes, format!("no pod can be called `{}`{place}", key.name));
        let own = |object: &&&Object| *object.key().namespace == *key.namespace;
        let workloads = || objects.iter().filter(|object| WORKLOADS.contains(&object.kind())).filter(own);
        let full = |object: &Object| workload_name(&(object.kind(), object.key().clone()));
        // The workload itself, or that of which somebody took the pod to be: `web-0`.
        let meant = workloads().find(|object| object.key().name == key.name);
        let of = |object: &&&Object| is_behind(&key.name, &object.key().name);
        if let Some(workload) = meant.or_else(|| workloads().filter(of).max_by_key(|object| object.key().name.len())) {
            let full = full(workload);
            problem.help(match is_target {
                true => format!("did you mean `{full}`? With `pick = 1` it is one of the nodes that run its pods"),
                false => format!("did you mean `{full}`? Else name a pod that has a manifest of its own"),
            });
            problem.note(format!("pods of `{full}` end in letters that are drawn, as `{}`", example(workload)));
            return;
        }
        let pods = objects.iter().filter(|object| object.kind() == Kind::Pod).filter(own);
        let pods: Vec<&str> = pods.map(|object| object.key().name.as_str()).collect();
        problem.guess(nearest(&key.name, pods.iter().copied()));
        let named: Vec<String> = workloads().map(|object| object.key().name.to_string()).collect();
        let guess = nearest(&key.name, named.iter().map(String::as_str));
        if let Some(object) = workloads().find(|object| Some(object.key().name.as_str()) == guess) {
            problem.guess(Some(&full(object)));
        }
        problem.note("neither a manifest has such a pod, nor would a workload make one");
    }
}

/// Whether a pod of this name is there with the object, or may be.
fn makes(object: &Object, key: &Key) -> bool {
    let own = object.key();
    if own.namespace != key.namespace {
        return false;
    }
    let name = key.name.as_str();
    match object.kind() {
        Kind::Pod if own.name.is_empty() => ends_in(name, &object.meta().generate_name, &[SUFFIX..=SUFFIX]),
        Kind::Pod => own.name == key.name,
        Kind::ReplicaSet => ends_in(name, &format!("{}-", own.name), &[SUFFIX..=SUFFIX]),
        Kind::Deployment => ends_in(name, &format!("{}-", own.name), &[1..=HASH_MAX, SUFFIX..=SUFFIX]),
        _ => false,
    }
}

/// Whether a name is this prefix and behind it made-up parts of these lengths, with dashes between them.
fn ends_in(name: &str, prefix: &str, parts: &[std::ops::RangeInclusive<usize>]) -> bool {
    let Some(rest) = name.strip_prefix(prefix) else { return false };
    let made: Vec<&str> = rest.split('-').collect();
    let is_made = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    made.len() == parts.len()
        && made.iter().zip(parts).all(|(part, lengths)| lengths.contains(&part.len()) && is_made(part))
}

fn is_behind(name: &str, workload: &str) -> bool {
    name.strip_prefix(workload).is_some_and(|rest| rest.starts_with('-'))
}

fn example(workload: &Object) -> String {
    let name = &workload.key().name;
    match workload.kind() {
        Kind::Deployment => format!("{name}-84f7c5d9b4-8zk4m"),
        _ => format!("{name}-8zk4m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_controllers_make_are_told_from_others() {
        let set = |name: &str| ends_in(name, "web-", &[SUFFIX..=SUFFIX]);
        assert!(set("web-8zk4m") && !set("web-0") && !set("web") && !set("web-8zk4m-8zk4m") && !set("api-8zk4m"));
        let deployment = |name: &str| ends_in(name, "web-", &[1..=HASH_MAX, SUFFIX..=SUFFIX]);
        assert!(deployment("web-84f7c5d9b4-8zk4m") && !deployment("web-8zk4m") && !deployment("web-84f7c5d9b4-8ZK4M"));
    }
}
