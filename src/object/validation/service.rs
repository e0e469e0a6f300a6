//! Services and EndpointSlices.
//!
//! Source: `pkg/apis/core/validation/validation.go` (`ValidateService`), `pkg/apis/discovery/validation/validation.go`,
//! v1.36. Left out: addresses, node ports and policies, which our Services do not keep.

use super::meta::labels;
use super::pod::PROTOCOLS;
use super::{quoted, text};
use crate::object::invalid::{Cause, FieldErrors};
use crate::object::service::{EndpointSlice, Service, ServicePort};

/// The types of Services.
const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

/// A Service.
pub fn service(service: &Service, errors: &mut FieldErrors) {
    if service.ports.is_empty() && !service.headless && service.kind != "ExternalName" {
        errors.required("spec.ports", "");
    }
    for (index, port) in service.ports.iter().enumerate() {
        let at = format!("spec.ports[{index}]");
        if port.name.is_empty() {
            if service.ports.len() > 1 {
                errors.required(format!("{at}.name"), "");
            }
        } else {
            for fault in text::dns_label(&port.name) {
                errors.invalid(format!("{at}.name"), quoted(&port.name), fault);
            }
            if service.ports[..index].iter().any(|other| other.name == port.name) {
                errors.duplicate(format!("{at}.name"), quoted(&port.name));
            }
        }
        if let Some(fault) = text::port_number(port.port) {
            errors.invalid(format!("{at}.port"), port.port, fault);
        }
        protocol(&port.protocol, &at, errors);
        target_port(port, &at, errors);
    }
    labels(&service.selector, "spec.selector", errors);
    if !TYPES.contains(&service.kind.as_str()) {
        errors.not_supported("spec.type", &service.kind, &TYPES);
    }
    for (index, port) in service.ports.iter().enumerate() {
        let earlier = &service.ports[..index];
        if earlier.iter().any(|other| (&other.protocol, other.port) == (&port.protocol, port.port)) {
            // Upstream prints the key that it looks up, not the port.
            let printed = format!(
                r#"{{"Name":"","Protocol":{},"AppProtocol":null,"Port":{},"TargetPort":0,"NodePort":0}}"#,
                quoted(&port.protocol),
                port.port
            );
            errors.duplicate(format!("spec.ports[{index}]"), printed);
        }
    }
}

fn protocol(protocol: &str, at: &str, errors: &mut FieldErrors) {
    if protocol.is_empty() {
        errors.required(format!("{at}.protocol"), "");
    } else if !PROTOCOLS.contains(&protocol) {
        errors.not_supported(format!("{at}.protocol"), protocol, &PROTOCOLS);
    }
}

fn target_port(port: &ServicePort, at: &str, errors: &mut FieldErrors) {
    let path = format!("{at}.targetPort");
    match port.target_port.parse::<i32>() {
        Ok(number) => {
            if let Some(fault) = text::port_number(number) {
                errors.invalid(path, number, fault);
            }
        }
        Err(_) => {
            for fault in text::port_name(&port.target_port) {
                errors.invalid(path.clone(), quoted(&port.target_port), fault);
            }
        }
    }
}

/// An EndpointSlice.
pub fn endpoint_slice(slice: &EndpointSlice, errors: &mut FieldErrors) {
    for (index, endpoint) in slice.endpoints.iter().enumerate() {
        if !endpoint.node_name.is_empty() {
            for fault in text::dns_subdomain(&endpoint.node_name) {
                errors.invalid(format!("endpoints[{index}].nodeName"), quoted(&endpoint.node_name), fault);
            }
        }
    }
    for (index, (name, protocol_, port)) in slice.ports.iter().enumerate() {
        let at = format!("ports[{index}]");
        if !name.is_empty() {
            for fault in text::dns_label(name) {
                errors.invalid(format!("{at}.name"), quoted(name), fault);
            }
        }
        if slice.ports[..index].iter().any(|(other, ..)| other == name) {
            errors.push(format!("{at}.name"), Cause::Duplicate, Some(quoted(name)), "");
        }
        protocol(protocol_, &at, errors);
        if *port != 0
            && let Some(fault) = text::port_number(*port)
        {
            errors.invalid(format!("{at}.port"), *port, fault);
        }
    }
}
