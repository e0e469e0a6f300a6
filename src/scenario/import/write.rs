//! The scenario file and the manifests as text, commented for whoever opens them.

use super::document;
use super::nodes::Pool;
use super::objects::{Objects, counted, name, namespace};
use crate::object::quantity::Quantity;
use crate::object::resources::PODS;
use crate::scenario::edit;
use crate::scenario::schema::SCHEMA;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The manifests, one document each.
pub fn manifests<'a>(name: &str, objects: impl Iterator<Item = &'a Value>) -> String {
    let mut text = format!(
        "# The objects of the cluster {}, without what only its server wrote. Pods stand before the ReplicaSets that\n\
         # adopt them, and ReplicaSets before their Deployments.\n",
        one_line(name)
    );
    objects.for_each(|object| text.push_str(&document(object)));
    text
}

/// The scenario file, with the file of its manifests beside it.
pub fn scenario(name: &str, beside: &str, pools: &[Pool], objects: &Objects) -> String {
    let nodes = pools.iter().map(|pool| pool.nodes.len()).sum();
    let (nodes, pods) = (counted(nodes, "node"), counted(objects.pods.len(), "pod"));
    let title = format!("{name}: {nodes} and {pods}, as they were dumped");
    let mut text = format!(
        "# A cluster as it was when it was dumped: its machines are below, its objects in the manifests.\n\
         # What is to happen to it comes last; as it is, nothing happens.\n\n\
         schema    = {}\n\
         title     = {}\n\
         manifests = [{}]\n\n\
         [run]\n\
         seed  = 1          # all chance comes from here: same seed, same run, to the last byte\n\
         start = \"settled\"  # at time zero the pods run where the dump says\n\
         until = \"30m\"\n",
        edit::text(SCHEMA),
        edit::text(&title),
        edit::text(beside)
    );
    pools.iter().for_each(|pool| write_pool(pool, &mut text));
    write_events(pools, objects, &mut text);
    text
}

fn write_pool(pool: &Pool, text: &mut String) {
    let _ = write!(
        text,
        "\n# {}\n[[cluster.pool]]\nname  = {}\n",
        counted(pool.nodes.len(), "machine"),
        edit::text(&pool.name)
    );
    write_list("nodes", &pool.nodes, text);
    if let Some(zone) = &pool.zone {
        let _ = writeln!(text, "zones = [{}]", edit::text(zone));
    }
    write_amounts("capacity", &pool.capacity, text);
    if !pool.allocatable.is_empty() {
        write_amounts("allocatable", &pool.allocatable, text);
    }
    if !pool.taints.is_empty() {
        write_list("taints", &pool.taints, text);
    }
    if !pool.labels.is_empty() {
        text.push_str("[cluster.pool.labels]\n");
        for (key, value) in &pool.labels {
            let _ = writeln!(text, "{} = {}", edit::text(key), edit::text(value));
        }
    }
}

/// A list of texts, broken into lines when it is long.
fn write_list(key: &str, texts: &[String], text: &mut String) {
    const WIDTH_MAX: usize = 110;
    let items: Vec<String> = texts.iter().map(|item| edit::text(item)).collect();
    let whole = items.join(", ");
    if whole.len() <= WIDTH_MAX {
        let _ = writeln!(text, "{key} = [{whole}]");
        return;
    }
    let _ = writeln!(text, "{key} = [");
    let mut line = String::new();
    for item in items {
        if !line.is_empty() && line.len() + item.len() > WIDTH_MAX {
            let _ = writeln!(text, "  {}", line.trim_end());
            line.clear();
        }
        let _ = write!(line, "{item}, ");
    }
    let _ = writeln!(text, "  {}\n]", line.trim_end());
}

fn write_amounts(key: &str, amounts: &BTreeMap<String, Quantity>, text: &mut String) {
    let items: Vec<String> = amounts
        .iter()
        .map(|(name, amount)| {
            let amount = if name == PODS { amount.units().to_string() } else { edit::text(&amount.to_string()) };
            format!("{} = {amount}", edit::key(name))
        })
        .collect();
    let _ = writeln!(text, "{key} = {{ {} }}", items.join(", "));
}

fn write_events(pools: &[Pool], objects: &Objects, text: &mut String) {
    let cordoned: Vec<String> = pools.iter().flat_map(|pool| pool.cordoned.clone()).collect();
    if !cordoned.is_empty() {
        text.push_str("\n# These were cordoned when the cluster was dumped.\n");
        text.push_str("[[event]]\nid = \"cordoned\"\nat = \"0s\"\ndo = \"node.cordon\"\n");
        text.push_str("target = { nodes = [");
        let names: Vec<String> = cordoned.iter().map(|node| edit::text(node)).collect();
        let _ = writeln!(text, "{}] }}", names.join(", "));
    }
    let unready: Vec<String> = pools.iter().flat_map(|pool| pool.unready.iter().map(|node| edit::text(node))).collect();
    if !unready.is_empty() {
        text.push_str("\n# These were not ready when the cluster was dumped. To have them fail at once:\n");
        text.push_str("#\n# [[event]]\n# id     = \"not-ready\"\n# at     = \"1s\"\n# do     = \"node.crash\"\n");
        let _ = writeln!(text, "# target = {{ nodes = [{}] }}", unready.join(", "));
    }
    let largest =
        objects.deployments.iter().max_by_key(|deployment| deployment["spec"]["replicas"].as_i64().unwrap_or(1));
    let node = pools.first().and_then(|pool| pool.nodes.first());
    let target = match (largest, node) {
        (Some(deployment), _) => {
            let path = format!("deployment/{}/{}", namespace(deployment), name(deployment));
            format!("{{ most-pods = {} }}", edit::text(&path))
        }
        (None, Some(node)) => format!("{{ node = {} }}", edit::text(node)),
        (None, None) => return,
    };
    text.push_str("\n# What happens. For example, a minute in, a machine stops dead: take the `# ` away to see it.\n");
    text.push_str("#\n# [[event]]\n# id     = \"crash\"\n# at     = \"1m\"\n# do     = \"node.crash\"\n");
    let _ = writeln!(text, "# target = {target}");
}

/// A text within a comment.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
