//! Services and EndpointSlices.

use super::meta::{labels, meta, name, uid};
use crate::object::service::{Endpoint, EndpointSlice, Service, ServicePort};
use crate::object::validation::{quoted, text};
use crate::object::{FieldErrors, Kind, Name, Object};
use k8s_openapi::api::core::v1;
use k8s_openapi::api::discovery::v1 as discovery;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;
use std::net::IpAddr;

/// Source: apimachinery `pkg/util/validation/ip.go`.
pub const NOT_IP: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";

/// Source: as [`NOT_IP`].
pub const NOT_CIDR: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/// A Service of a manifest.
pub fn service(service: &v1::Service, namespace: &str, source: &Value, errors: &mut FieldErrors) -> Object {
    let spec = service.spec.clone().unwrap_or_default();
    let headless = spec.cluster_ip.as_deref() == Some("None");
    check(&spec, headless, errors);
    let ports = spec.ports.iter().flatten().map(|port| ServicePort {
        name: name(&port.name),
        protocol: name(&port.protocol),
        port: port.port,
        target_port: target_port(&port.target_port),
    });
    Object::from(Service {
        meta: meta(Kind::Service, &service.metadata, namespace, source, errors),
        selector: labels(&spec.selector),
        ports: ports.collect(),
        kind: name(&spec.type_),
        headless,
        publish_not_ready_addresses: spec.publish_not_ready_addresses.unwrap_or(false),
    })
}

fn target_port(port: &Option<IntOrString>) -> Name {
    match port {
        None | Some(IntOrString::Int(0)) => Name::none(),
        Some(IntOrString::Int(number)) => number.to_string().into(),
        Some(IntOrString::String(text)) => text.as_str().into(),
    }
}

/// What our Services do not keep. Source: `pkg/apis/core/validation/validation.go` (`ValidateService`), v1.36.
fn check(spec: &v1::ServiceSpec, headless: bool, errors: &mut FieldErrors) {
    let kind = spec.type_.as_deref().filter(|kind| !kind.is_empty()).unwrap_or("ClusterIP");
    if headless && ["NodePort", "LoadBalancer"].contains(&kind) {
        let detail = format!("may not be set to 'None' for {kind} services");
        errors.invalid("spec.clusterIPs[0]", "\"None\"", detail);
    }
    if kind == "ExternalName" {
        external_name(spec, errors);
    }
    check_ports(spec, kind, errors);
    word(&spec.session_affinity, "spec.sessionAffinity", &["ClientIP", "None"], errors);
    check_affinity(spec, errors);
    for (index, ip) in spec.external_ips.iter().flatten().enumerate() {
        let fault = if ip.parse::<IpAddr>().is_err() { Some(NOT_IP.to_string()) } else { special_ip(ip) };
        if let Some(fault) = fault {
            errors.invalid(format!("spec.externalIPs[{index}]"), quoted(ip), fault);
        }
    }
    check_balancer(spec, kind, errors);
    let has_external_ips = spec.external_ips.iter().flatten().count() > 0;
    let is_external = ["NodePort", "LoadBalancer"].contains(&kind) || kind == "ClusterIP" && has_external_ips;
    let path = "spec.externalTrafficPolicy";
    match spec.external_traffic_policy.as_deref().unwrap_or_default() {
        "" => {}
        policy if !is_external => {
            errors.invalid(path, quoted(policy), "may only be set for externally-accessible services");
        }
        _ => word(&spec.external_traffic_policy, path, &["Cluster", "Local"], errors),
    }
    word(&spec.internal_traffic_policy, "spec.internalTrafficPolicy", &["Cluster", "Local"], errors);
    let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
    word(&spec.ip_family_policy, "spec.ipFamilyPolicy", &policies, errors);
}

fn external_name(spec: &v1::ServiceSpec, errors: &mut FieldErrors) {
    let has_ip = spec.cluster_ip.as_deref().is_some_and(|ip| !ip.is_empty());
    for (is_set, field) in [
        (has_ip || spec.cluster_ips.iter().flatten().count() > 0, "clusterIPs"),
        (spec.ip_families.iter().flatten().count() > 0, "ipFamilies"),
        (spec.ip_family_policy.is_some(), "ipFamilyPolicy"),
    ] {
        if is_set {
            errors.forbidden(format!("spec.{field}"), "may not be set for ExternalName services");
        }
    }
    // A trailing dot makes the name fully qualified.
    let host = spec.external_name.as_deref().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.is_empty() {
        errors.required("spec.externalName", "");
    } else {
        text::dns_subdomain(host)
            .into_iter()
            .for_each(|fault| errors.invalid("spec.externalName", quoted(host), fault));
    }
}

fn check_ports(spec: &v1::ServiceSpec, kind: &str, errors: &mut FieldErrors) {
    let mut node_ports = Vec::new();
    for (index, port) in spec.ports.iter().flatten().enumerate() {
        let at = format!("spec.ports[{index}]");
        if let Some(IntOrString::String(number)) = &port.target_port
            && number.parse::<i32>().is_ok()
        {
            for fault in text::port_name(number) {
                errors.invalid(format!("{at}.targetPort"), quoted(number), fault);
            }
        }
        if let Some(protocol) = &port.app_protocol {
            for fault in text::qualified_name(protocol) {
                errors.invalid(format!("{at}.appProtocol"), quoted(protocol), fault);
            }
        }
        let Some(node_port) = port.node_port.filter(|port| *port != 0) else { continue };
        if kind == "ClusterIP" {
            errors.forbidden(format!("{at}.nodePort"), "may not be used when `type` is 'ClusterIP'");
        }
        let claim = (port.protocol.as_deref().unwrap_or("TCP"), node_port);
        if node_ports.contains(&claim) {
            errors.duplicate(format!("{at}.nodePort"), node_port);
        }
        node_ports.push(claim);
    }
}

fn check_affinity(spec: &v1::ServiceSpec, errors: &mut FieldErrors) {
    /// A day. Source: `MaxClientIPServiceAffinitySeconds`.
    const TIMEOUT_MAX: i32 = 86_400;
    let path = "spec.sessionAffinityConfig";
    let Some(config) = &spec.session_affinity_config else { return };
    if spec.session_affinity.as_deref() != Some("ClientIP") {
        errors.forbidden(path, "must not be set when session affinity is None");
    } else if let Some(seconds) = config.client_ip.as_ref().and_then(|client| client.timeout_seconds)
        && !(1..=TIMEOUT_MAX).contains(&seconds)
    {
        let detail = format!("must be greater than 0 and less than {TIMEOUT_MAX}");
        errors.invalid(format!("{path}.clientIP.timeoutSeconds"), seconds, detail);
    }
}

fn check_balancer(spec: &v1::ServiceSpec, kind: &str, errors: &mut FieldErrors) {
    let detail = "may only be used when `type` is 'LoadBalancer'";
    let ranges: Vec<&String> = spec.load_balancer_source_ranges.iter().flatten().collect();
    // Upstream spells this path with a capital letter.
    let path = "spec.LoadBalancerSourceRanges";
    if !ranges.is_empty() && kind != "LoadBalancer" {
        errors.forbidden(path, detail);
    }
    for (index, range) in ranges.iter().enumerate().filter(|(_, range)| !is_cidr(range.trim())) {
        errors.invalid(format!("{path}[{index}]"), quoted(range.trim()), NOT_CIDR);
    }
    if spec.allocate_load_balancer_node_ports.is_some() && kind != "LoadBalancer" {
        errors.forbidden("spec.allocateLoadBalancerNodePorts", detail);
    }
    if spec.load_balancer_class.is_some() && kind != "LoadBalancer" {
        errors.forbidden("spec.loadBalancerClass", detail);
    }
}

/// Whether a text is an address with the length of a prefix.
pub fn is_cidr(text: &str) -> bool {
    let Some((ip, bits)) = text.split_once('/') else { return false };
    let max = match ip.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.parse::<u8>().is_ok_and(|bits| bits <= max)
}

/// A word out of a list, if it is given.
pub fn word(text: &Option<String>, path: &str, supported: &[&str], errors: &mut FieldErrors) {
    if let Some(text) = text.as_deref().filter(|text| !text.is_empty() && !supported.contains(text)) {
        errors.not_supported(path, text, supported);
    }
}

/// An EndpointSlice of a manifest. Endpoints without an address of version 4 stay in the source document only.
pub fn endpoint_slice(
    slice: &discovery::EndpointSlice,
    namespace: &str,
    source: &Value,
    errors: &mut FieldErrors,
) -> Object {
    let types = ["FQDN", "IPv4", "IPv6"];
    if slice.address_type.is_empty() {
        errors.required("addressType", "");
    } else if !types.contains(&slice.address_type.as_str()) {
        errors.not_supported("addressType", &slice.address_type, &types);
    }
    let mut endpoints = Vec::new();
    for (index, endpoint) in slice.endpoints.iter().flatten().enumerate() {
        check_endpoint(endpoint, &slice.address_type, &format!("endpoints[{index}]"), errors);
        endpoints.extend(convert_endpoint(endpoint));
    }
    let ports = slice.ports.iter().flatten();
    Object::from(EndpointSlice {
        meta: meta(Kind::EndpointSlice, &slice.metadata, namespace, source, errors),
        ports: ports.map(|port| (name(&port.name), name(&port.protocol), port.port.unwrap_or(0))).collect(),
        endpoints,
    })
}

fn check_endpoint(endpoint: &discovery::Endpoint, address_type: &str, at: &str, errors: &mut FieldErrors) {
    if endpoint.addresses.is_empty() {
        errors.required(format!("{at}.addresses"), "must contain at least 1 address");
    }
    for (index, address) in endpoint.addresses.iter().enumerate() {
        let path = format!("{at}.addresses[{index}]");
        match (address_type, address.parse::<IpAddr>()) {
            ("IPv4", Ok(IpAddr::V4(_))) | ("IPv6", Ok(IpAddr::V6(_))) => {}
            ("IPv4" | "IPv6", _) => {
                errors.invalid(path.clone(), quoted(address), format!("must be a valid {address_type} address"));
            }
            _ => continue,
        }
        if let Some(fault) = special_ip(address) {
            errors.invalid(path, quoted(address), fault);
        }
    }
    if let Some(hostname) = &endpoint.hostname {
        for fault in text::dns_label(hostname) {
            errors.invalid(format!("{at}.hostname"), quoted(hostname), fault);
        }
    }
}

/// Addresses that no endpoint may have (`ValidateNonSpecialIP`).
fn special_ip(address: &str) -> Option<String> {
    let Ok(ip) = address.parse::<IpAddr>() else { return Some("must be a valid IP address".to_string()) };
    let (is_link_local, is_link_local_multicast) = match ip {
        IpAddr::V4(ip) => (ip.is_link_local(), ip.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(ip) => (ip.is_unicast_link_local(), ip.segments()[0] & 0xff0f == 0xff02),
    };
    if ip.is_unspecified() {
        Some(format!("may not be unspecified ({address})"))
    } else if ip.is_loopback() {
        Some("may not be in the loopback range (127.0.0.0/8, ::1/128)".to_string())
    } else if is_link_local {
        Some("may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_string())
    } else if is_link_local_multicast {
        Some("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_string())
    } else {
        None
    }
}

fn convert_endpoint(endpoint: &discovery::Endpoint) -> Option<Endpoint> {
    let conditions = endpoint.conditions.clone().unwrap_or_default();
    let target = endpoint.target_ref.clone().unwrap_or_default();
    // Nothing said of readiness is taken as ready, and of serving as what readiness says.
    let ready = conditions.ready.unwrap_or(true);
    Some(Endpoint {
        ip: endpoint.addresses.first()?.parse().ok()?,
        ready,
        serving: conditions.serving.unwrap_or(ready),
        terminating: conditions.terminating.unwrap_or(false),
        node_name: name(&endpoint.node_name),
        zone: name(&endpoint.zone),
        pod: name(&target.name),
        pod_uid: uid(target.uid.as_deref().unwrap_or_default()),
    })
}
