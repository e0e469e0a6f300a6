//! Services (`printService`).

use super::{Column, NONE, age, items, labels, name, number, text, text_or};
use crate::object::MicroTime;
use serde_json::Value;
use std::collections::BTreeSet;

/// Columns.
pub const COLUMNS: &[Column] = &[
    Column::new("Name"),
    Column::new("Type"),
    Column::new("Cluster-IP"),
    Column::new("External-IP"),
    Column::new("Port(s)"),
    Column::new("Age"),
    Column::wide("Selector"),
];

/// Cells.
pub fn cells(service: &Value, now: MicroTime) -> Vec<String> {
    let spec = &service["spec"];
    let ip = items(&spec["clusterIPs"]).next().unwrap_or(&spec["clusterIP"]);
    vec![
        name(service),
        text(&spec["type"]),
        text_or(ip, NONE),
        external_ip(service),
        ports(&spec["ports"]),
        age(service, now),
        labels(&spec["selector"]),
    ]
}

fn external_ip(service: &Value) -> String {
    let spec = &service["spec"];
    let own: Vec<String> = items(&spec["externalIPs"]).map(text).collect();
    match spec["type"].as_str().unwrap_or_default() {
        "ClusterIP" | "NodePort" if own.is_empty() => NONE.to_string(),
        "ClusterIP" | "NodePort" => own.join(","),
        "LoadBalancer" => {
            let balanced = load_balancer(service);
            let all: Vec<String> = Some(balanced).filter(|text| !text.is_empty()).into_iter().chain(own).collect();
            if all.is_empty() { "<pending>".to_string() } else { all.join(",") }
        }
        "ExternalName" => text(&spec["externalName"]),
        _ => "<unknown>".to_string(),
    }
}

fn load_balancer(service: &Value) -> String {
    let ingress = items(&service["status"]["loadBalancer"]["ingress"]);
    let address = |ingress: &Value| match text(&ingress["ip"]) {
        ip if ip.is_empty() => text(&ingress["hostname"]),
        ip => ip,
    };
    let addresses: BTreeSet<String> = ingress.map(address).filter(|address| !address.is_empty()).collect();
    // Upstream cuts long ones off in narrow tables only, and the API server never makes those.
    addresses.into_iter().collect::<Vec<_>>().join(",")
}

fn ports(ports: &Value) -> String {
    let port = |port: &Value| {
        let protocol = text(&port["protocol"]);
        match number(&port["nodePort"]) {
            0 => format!("{}/{protocol}", number(&port["port"])),
            node_port => format!("{}:{node_port}/{protocol}", number(&port["port"])),
        }
    };
    let ports: Vec<String> = items(ports).map(port).collect();
    if ports.is_empty() { NONE.to_string() } else { ports.join(",") }
}
