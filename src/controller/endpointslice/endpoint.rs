//! A pod as an endpoint of a Service.
//!
//! Source: `staging/src/k8s.io/endpointslice/utils.go` (`podToEndpoint`, `getEndpointPorts`, `FindPort`),
//! `staging/src/k8s.io/endpointslice/util/controller_utils.go` (`podEndpointsChanged`), v1.36.

use crate::object::node::LABEL_ZONE;
use crate::object::pod::Container;
use crate::object::service::{Endpoint, ServicePort};
use crate::object::{Name, Node, Pod, Service};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A port of a slice: name, protocol, number.
pub type Port = (Name, Name, i32);

/// The endpoint that `pod` is. A node that is not known gives no zone.
pub fn endpoint(service: &Service, pod: &Pod, node: Option<&Node>, ip: Ipv4Addr) -> Endpoint {
    let (serving, terminating) = (pod.is_ready(), pod.meta.is_terminating());
    Endpoint {
        ip,
        ready: service.publish_not_ready_addresses || serving && !terminating,
        serving,
        terminating,
        node_name: pod.node_name.clone(),
        zone: node.and_then(|node| node.meta.labels.get(LABEL_ZONE)).cloned().unwrap_or_default(),
        pod: pod.meta.name().clone(),
        pod_uid: pod.meta.uid,
    }
}

/// The ports of `pod` behind those of the Service; a named one that the pod does not have is left out.
pub fn ports(service: &Service, pod: &Pod) -> Vec<Port> {
    let found = |port: &ServicePort| Some((port.name.clone(), port.protocol.clone(), find_port(pod, port)?));
    service.ports.iter().filter_map(found).collect()
}

fn find_port(pod: &Pod, wanted: &ServicePort) -> Option<i32> {
    if let Ok(number) = wanted.target_port.parse() {
        return Some(number);
    }
    let in_container = |container: &Container| {
        let mut ports = container.ports.iter();
        ports.find(|port| port.name == wanted.target_port && port.protocol == wanted.protocol).map(|port| port.port)
    };
    let sidecars = pod.spec.init_containers.iter().filter(|container| container.is_sidecar);
    pod.spec.containers.iter().chain(sidecars).find_map(in_container)
}

/// Whether a change of a pod may change its endpoint, labels aside. Upstream compares deletion timestamps by
/// address, so every change of a pod that is being deleted counts.
pub fn has_changed(old: &Pod, new: &Pod) -> bool {
    let is_ending = old.meta.is_terminating() || new.meta.is_terminating();
    is_ending || old.is_ready() != new.is_ready() || old.status.ip != new.status.ip
}

/// Whether the endpoint of a pod is made of the same before and after a change; of a pod without an address there is none.
pub fn is_of_the_same(old: &Pod, new: &Pod) -> bool {
    let place = |pod: &Pod| (pod.status.ip, pod.status.phase.is_terminal(), pod.meta.uid);
    !has_changed(old, new)
        && place(old) == place(new)
        && (new.status.ip.is_none() || old.node_name == new.node_name && Arc::ptr_eq(&old.spec, &new.spec))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::pod::{ContainerPort, PodSpec};

    #[test]
    fn target_ports_are_numbers_or_names_of_container_ports() {
        let port = |name: &str, port, protocol: &str| ContainerPort {
            name: name.into(),
            port,
            protocol: protocol.into(),
            ..ContainerPort::default()
        };
        let container = |ports, is_sidecar| Container { ports, is_sidecar, ..Container::default() };
        let spec = PodSpec {
            containers: vec![container(vec![port("http", 8080, "TCP"), port("dns", 53, "UDP")], false)],
            init_containers: vec![
                container(vec![port("init", 1, "TCP")], false),
                container(vec![port("metrics", 9090, "TCP"), port("http", 7, "TCP")], true),
            ],
            ..PodSpec::default()
        };
        let pod = Pod { spec: Arc::new(spec), ..Pod::default() };
        for (target, protocol, expected) in [
            ("443", "TCP", Some(443)),
            ("http", "TCP", Some(8080)),
            ("http", "UDP", None),
            ("dns", "UDP", Some(53)),
            ("metrics", "TCP", Some(9090)),
            ("init", "TCP", None),
            ("none", "TCP", None),
        ] {
            let wanted =
                ServicePort { target_port: target.into(), protocol: protocol.into(), ..ServicePort::default() };
            assert_eq!(find_port(&pod, &wanted), expected, "{target}/{protocol}");
        }
    }
}
