//! Services, and the EndpointSlices that say where they lead.
//!
//! Source: `pkg/apis/core/v1/defaults.go`, `pkg/apis/discovery/types.go`, v1.36. Left out: cluster addresses
//! and node ports, which nothing here routes by.

use super::invalid::FieldErrors;
use super::labels::Labels;
use super::meta::{Meta, Uid};
use super::name::Name;
use super::strategy::Strategy;
use super::{Kind, validation};
use std::net::Ipv4Addr;

/// Label of an EndpointSlice that names its Service.
pub const LABEL_SERVICE_NAME: &str = "kubernetes.io/service-name";
/// Label of an EndpointSlice that names who manages it.
pub const LABEL_MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";

/// A port of a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ServicePort {
    /// Name, often empty.
    pub name: Name,
    /// TCP, UDP or SCTP; filled in by defaulting.
    pub protocol: Name,
    /// Port of the Service.
    pub port: i32,
    /// Port of the pods: a number, or the name of a container port; filled in by defaulting.
    pub target_port: Name,
}

/// A Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Service {
    /// Metadata.
    pub meta: Meta,
    /// Which pods stand behind it; none means that somebody else says so.
    pub selector: Labels,
    /// Ports.
    pub ports: Vec<ServicePort>,
    /// `type`; filled in by defaulting.
    pub kind: Name,
    /// Whether it has no address of its own (`clusterIP: None`).
    pub headless: bool,
    /// Whether pods that are not ready receive traffic too.
    pub publish_not_ready_addresses: bool,
}

impl Strategy for Service {
    const KIND: Kind = Kind::Service;

    super::typed!(Service);

    fn apply_defaults(&mut self) {
        if self.kind.is_empty() {
            self.kind = "ClusterIP".into();
        }
        for port in &mut self.ports {
            if port.protocol.is_empty() {
                port.protocol = "TCP".into();
            }
            if port.target_port.is_empty() {
                port.target_port = port.port.to_string().into();
            }
        }
    }

    fn validate(&self, errors: &mut FieldErrors) {
        validation::service(self, errors);
    }
}

/// One pod behind a Service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Address of the pod.
    pub ip: Ipv4Addr,
    /// Whether it may receive new connections.
    pub ready: bool,
    /// Whether the pod is ready, terminating or not.
    pub serving: bool,
    /// Whether the pod is being deleted.
    pub terminating: bool,
    /// Node that the pod is on.
    pub node_name: Name,
    /// Zone of that node, empty if it has none.
    pub zone: Name,
    /// Name of the pod.
    pub pod: Name,
    /// Uid of the pod.
    pub pod_uid: Uid,
}

/// An EndpointSlice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EndpointSlice {
    /// Metadata; a label names the Service.
    pub meta: Meta,
    /// Ports: name, protocol, number.
    pub ports: Vec<(Name, Name, i32)>,
    /// Endpoints.
    pub endpoints: Vec<Endpoint>,
}

impl EndpointSlice {
    /// Name of the Service that it belongs to.
    pub fn service(&self) -> Option<&Name> {
        self.meta.labels.get(LABEL_SERVICE_NAME)
    }
}

impl Strategy for EndpointSlice {
    const KIND: Kind = Kind::EndpointSlice;

    super::typed!(EndpointSlice);

    fn apply_defaults(&mut self) {
        for (_, protocol, _) in self.ports.iter_mut().filter(|(_, protocol, _)| protocol.is_empty()) {
            *protocol = "TCP".into();
        }
    }

    fn prepare_for_create(&mut self) {
        self.meta.generation = 1;
    }

    fn validate(&self, errors: &mut FieldErrors) {
        validation::endpoint_slice(self, errors);
    }

    fn prepare_for_update(&mut self, old: &EndpointSlice) {
        let changed =
            (&self.ports, &self.endpoints, &self.meta.labels) != (&old.ports, &old.endpoints, &old.meta.labels);
        self.meta.generation = old.meta.generation + i64::from(changed);
    }
}
