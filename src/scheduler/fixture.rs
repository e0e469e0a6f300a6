//! For tests: nodes and pods in a line.

use crate::object::quantity::Quantity;
use crate::object::resources::{CPU, MEMORY, PODS, ResourceList};
use crate::object::{Key, Meta, Node, Pod, Uid, pod::Container, pod::PodSpec};
use std::sync::Arc;

/// A resource list of cpu and memory; an empty text leaves a resource out.
pub fn list(cpu: &str, memory: &str) -> ResourceList {
    let mut list = ResourceList::default();
    for (name, text) in [(CPU, cpu), (MEMORY, memory)] {
        if !text.is_empty() {
            list.set(name, Quantity::parse(text).unwrap());
        }
    }
    list
}

/// A node for 110 pods.
pub fn node(name: &str, cpu: &str, memory: &str) -> Node {
    let mut allocatable = list(cpu, memory);
    allocatable.set(PODS, Quantity::from_units(110));
    Node { meta: Meta::new(Key::cluster(name)), allocatable, ..Node::default() }
}

/// A pod of one container; its uid comes from its name.
pub fn pod(name: &str, cpu: &str, memory: &str) -> Pod {
    let container = Container { requests: list(cpu, memory), ..Container::default() };
    let mut meta = Meta::new(Key::new("default", name));
    meta.uid = Uid(name.bytes().fold(7, |hash: u128, byte| hash * 251 + u128::from(byte)));
    Pod { meta, spec: Arc::new(PodSpec { containers: vec![container], ..PodSpec::default() }), ..Pod::default() }
}
