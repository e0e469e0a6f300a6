//! Objects of kinds that are not interpreted: their metadata is read, the rest stays a document.

use super::decode::{Decoded, Refusal};
use super::kinds::{Kept, Lost};
use super::meta::{document, meta};
use super::strict;
use super::warning::Warning;
use crate::object::opaque::key_name;
use crate::object::{ClusterOpaque, FieldErrors, Kind, Meta, Name, Object, Opaque};
use k8s_openapi::apimachinery::pkg::apis::meta::v1;
use serde_json::{Value, json};

/// Of such a document only this is read.
#[derive(serde::Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Named {
    metadata: v1::ObjectMeta,
}

/// A document as an opaque object. `is_served` says that it comes from a server, which gives namespaced objects their
/// namespace.
///
/// # Errors
/// A value of its metadata has the wrong type.
pub fn decode(value: &Value, namespace: &str, kept: Kept, is_served: bool) -> Result<Decoded, Refusal> {
    let api_version = value["apiVersion"].as_str().unwrap_or_default();
    let kind_name = value["kind"].as_str().unwrap_or_default();
    let (named, unknown) = strict::decode::<Named>(&json!({"metadata": value["metadata"]})).map_err(|fault| {
        let short = api_version.rsplit('/').next().unwrap_or(api_version);
        let message = format!("{kind_name} in version \"{short}\" cannot be handled as a {kind_name}: {fault}");
        Refusal { path: fault.path, message, help: None }
    })?;
    let has_namespace = named.metadata.namespace.as_ref().is_some_and(|namespace| !namespace.is_empty());
    let kind = match kept.is_namespaced.unwrap_or(has_namespace || !is_served) {
        true => Kind::Opaque,
        false => Kind::ClusterOpaque,
    };
    let mut unheld = FieldErrors::default();
    let mut meta: Meta = meta(kind, &named.metadata, namespace, value, &mut unheld);
    let keyed = |name: &Name| key_name(api_version, kind_name, name);
    if meta.key.name.is_empty() && !meta.generate_name.is_empty() {
        meta.generate_name = keyed(&meta.generate_name);
    } else {
        meta.generate_name = Name::none();
        meta.key.name = keyed(&meta.key.name);
    }
    meta.source = document(value);
    let object: Object = if kind == Kind::Opaque { Opaque { meta }.into() } else { ClusterOpaque { meta }.into() };
    Ok(Decoded { object, unheld, unknown })
}

/// What to say of it.
pub fn warning(file: &str, line: u32, value: &Value, kept: Kept) -> Warning {
    let (api_version, kind) = (value["apiVersion"].as_str(), value["kind"].as_str());
    let (api_version, kind) = (api_version.unwrap_or_default(), kind.unwrap_or_default());
    let metadata = &value["metadata"];
    let name = metadata["name"].as_str().or(metadata["generateName"].as_str()).unwrap_or_default();
    let subject = format!("{kind} \"{name}\"");
    let (message, help) = match kept.lost {
        Lost::Pods => {
            let message = format!("{subject} is kept but not simulated: its pods will not be created");
            let help = "to have them, write them down as a Deployment, a ReplicaSet or Pods".to_string();
            (message, Some(help))
        }
        Lost::Effect(effect) => (format!("{subject} is kept but does nothing: {effect}"), None),
        Lost::Nothing => (format!("{subject} is kept but does nothing"), None),
    };
    Warning {
        file: file.to_string(),
        line,
        message,
        help,
        more: 0,
        is_loud: kept.lost == Lost::Pods,
        key: format!("{api_version} {kind}"),
    }
}
