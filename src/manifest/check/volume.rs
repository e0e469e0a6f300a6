//! Volumes of pods.

use crate::manifest::service::word;
use crate::object::FieldErrors;
use crate::object::validation::{quoted, text};
use k8s_openapi::api::core::v1;

/// The sources of volumes, in the order in which upstream counts them.
const SOURCES: [&str; 29] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "flocker",
    "downwardAPI",
    "fc",
    "azureFile",
    "configMap",
    "vsphereVolume",
    "azureDisk",
    "photonPersistentDisk",
    "quobyte",
    "portworxVolume",
    "projected",
    "scaleIO",
    "storageos",
    "csi",
    "ephemeral",
    "image",
];
const HOST_PATH_TYPES: [&str; 8] =
    ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

/// The volumes of a pod. One without a source is an empty directory by default.
pub fn volumes(spec: &v1::PodSpec, path: &str, errors: &mut FieldErrors) {
    let volumes: Vec<_> = spec.volumes.iter().flatten().collect();
    for (index, volume) in volumes.iter().enumerate() {
        let at = format!("{path}[{index}]");
        sources(volume, &at, errors);
        if volume.name.is_empty() {
            errors.required(format!("{at}.name"), "");
        }
        for fault in Some(&volume.name).filter(|name| !name.is_empty()).iter().flat_map(|name| text::dns_label(name)) {
            errors.invalid(format!("{at}.name"), quoted(&volume.name), fault);
        }
        if volumes[..index].iter().any(|other| other.name == volume.name) {
            errors.duplicate(format!("{at}.name"), quoted(&volume.name));
        }
    }
}

fn sources(volume: &v1::Volume, at: &str, errors: &mut FieldErrors) {
    let given = serde_json::to_value(volume).unwrap_or_default();
    let more = SOURCES.iter().filter(|source| !given[**source].is_null()).skip(1);
    more.for_each(|source| errors.forbidden(format!("{at}.{source}"), "may not specify more than 1 volume type"));
    if let Some(host) = &volume.host_path {
        if host.path.is_empty() {
            errors.required(format!("{at}.hostPath.path"), "");
        }
        if host.path.split('/').any(|part| part == "..") {
            errors.invalid(format!("{at}.hostPath.path"), quoted(&host.path), "must not contain '..'");
        }
        word(&host.type_, &format!("{at}.hostPath.type"), &HOST_PATH_TYPES, errors);
    }
    let named = [
        (volume.secret.as_ref().map(|source| source.secret_name.clone().unwrap_or_default()), "secret.secretName"),
        (volume.config_map.as_ref().map(|source| source.name.clone()), "configMap.name"),
        (
            volume.persistent_volume_claim.as_ref().map(|source| source.claim_name.clone()),
            "persistentVolumeClaim.claimName",
        ),
    ];
    for (name, field) in named {
        if name.is_some_and(|name| name.is_empty()) {
            errors.required(format!("{at}.{field}"), "");
        }
    }
}
