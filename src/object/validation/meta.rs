//! Metadata: names, labels, annotations, finalizers.
//!
//! Source: apimachinery `pkg/api/validation/objectmeta.go`, `pkg/apis/core/validation/validation.go`, v1.36. Left out:
//! owner references (checked where a manifest is read: ours cannot hold a malformed one) and managed fields.

use super::{not_negative, quoted, text};
use crate::object::invalid::{Cause, FieldErrors};
use crate::object::meta::Meta;
use crate::object::{Kind, Labels, Name};

/// Size that all annotations of an object may have together (bytes). Source: `TotalAnnotationSizeLimitB`.
const ANNOTATIONS_MAX: usize = 256 * 1024;
/// Finalizers that need no domain. Source: `pkg/apis/core/helper/helpers.go` (`standardFinalizers`).
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];
/// What upstream says of a finalizer without a domain.
pub const NOT_QUALIFIED: &str = "name is neither a standard finalizer name nor is it fully qualified";

/// What is wrong with a name of an object of `kind`.
pub fn name_faults(kind: Kind, name: &str) -> Vec<String> {
    match kind {
        Kind::Namespace => text::dns_label(name),
        Kind::Service => text::dns_1035_label(name),
        // They check their own: the name carries the kind.
        Kind::Opaque | Kind::ClusterOpaque => Vec::new(),
        _ => text::dns_subdomain(name),
    }
}

/// Metadata of any kind. An empty name is allowed beside `generateName`: the server has yet to make one of it.
pub fn meta(kind: Kind, meta: &Meta, errors: &mut FieldErrors) {
    let (name, prefix) = (meta.name(), &meta.generate_name);
    if !prefix.is_empty() {
        for fault in name_faults(kind, &text::mask_trailing_dash(prefix)) {
            errors.invalid("metadata.generateName", quoted(prefix), fault);
        }
    }
    if !name.is_empty() {
        for fault in name_faults(kind, name) {
            errors.invalid("metadata.name", quoted(name), fault);
        }
    } else if prefix.is_empty() {
        errors.required("metadata.name", "name or generateName is required");
    }
    if kind.is_namespaced() {
        for fault in text::dns_label(meta.namespace()) {
            errors.invalid("metadata.namespace", quoted(meta.namespace()), fault);
        }
    } else if !meta.namespace().is_empty() {
        errors.forbidden("metadata.namespace", "not allowed on this type");
    }
    not_negative(meta.generation, "metadata.generation", errors);
    labels(&meta.labels, "metadata.labels", errors);
    annotations(&meta.annotations, "metadata.annotations", errors);
    finalizers(kind, meta, errors);
}

/// Labels, or a selector made of equalities.
pub fn labels(labels: &Labels, path: &str, errors: &mut FieldErrors) {
    for (key, value) in labels.iter() {
        label_key(key, path, errors);
        for fault in text::label_value(value) {
            errors.invalid(path, quoted(value), fault);
        }
    }
}

/// The key of a label, taint or toleration.
pub fn label_key(key: &str, path: &str, errors: &mut FieldErrors) {
    for fault in text::qualified_name(key) {
        errors.invalid(path, quoted(key), fault);
    }
}

/// Annotations of an object or a template.
pub fn annotations(annotations: &Labels, path: &str, errors: &mut FieldErrors) {
    for (key, _) in annotations.iter() {
        for fault in text::qualified_name(&key.to_lowercase()) {
            errors.invalid(path, quoted(key), fault);
        }
    }
    let size: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > ANNOTATIONS_MAX {
        errors.push(path, Cause::TooLong, None, format!("may not be more than {ANNOTATIONS_MAX} bytes"));
    }
}

/// What is wrong with the change of metadata from `old`: what is being deleted gets no new finalizers.
pub fn meta_update(new: &Meta, old: &Meta, errors: &mut FieldErrors) {
    let is_new = |finalizer: &&Name| !old.finalizers.contains(finalizer);
    let extra: Vec<String> = new.finalizers.iter().filter(is_new).map(|finalizer| quoted(finalizer)).collect();
    if old.is_terminating() && !extra.is_empty() {
        let found = extra.join(", ");
        let detail = "no new finalizers can be added if the object is being deleted, found new finalizers";
        errors.forbidden("metadata.finalizers", format!("{detail} []string{{{found}}}"));
    }
}

fn finalizers(kind: Kind, meta: &Meta, errors: &mut FieldErrors) {
    for finalizer in &meta.finalizers {
        for fault in text::qualified_name(finalizer) {
            errors.invalid("metadata.finalizers", quoted(finalizer), fault);
        }
    }
    let has = |name: &str| meta.finalizers.iter().any(|finalizer| finalizer == name);
    if has("orphan") && has("foregroundDeletion") {
        let all = meta.finalizers.iter().map(|finalizer| quoted(finalizer)).collect::<Vec<_>>().join(",");
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.invalid("metadata.finalizers", format!("[{all}]"), detail);
    }
    // Leases call the generic validation only (`coordination/validation`).
    if kind == Kind::Lease {
        return;
    }
    for (index, finalizer) in meta.finalizers.iter().enumerate() {
        if !is_kube_finalizer(finalizer) {
            errors.invalid(format!("metadata.finalizers[{index}]"), quoted(finalizer), NOT_QUALIFIED);
        }
    }
}

/// Whether a finalizer is one of Kubernetes' own or has a domain.
pub fn is_kube_finalizer(finalizer: &str) -> bool {
    finalizer.contains('/') || STANDARD_FINALIZERS.contains(&finalizer)
}
