//! Requests and replies as data: the verbs of the API, and how it says no.
//!
//! Source of the messages: apimachinery `pkg/api/errors/errors.go`, v1.36.

use crate::object::edit::TemplateEdit;
use crate::object::invalid::status_message;
use crate::object::quantity::Quantity;
use crate::object::{Edit, FieldErrors, Key, Kind, Name, Object, Phase, Revision, Strategy, Uid};
use std::fmt;
use std::sync::Arc;

/// Which part of an object a write may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Everything but the status.
    Main,
    /// The status.
    Status,
}

/// What becomes of the dependents of a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Propagation {
    /// The object goes first, the garbage collector deletes its dependents.
    Background,
    /// Its dependents go first.
    Foreground,
    /// Its dependents stay and lose their owner.
    Orphan,
}

impl Propagation {
    /// In lower case, for life stories.
    pub const fn name(self) -> &'static str {
        match self {
            Propagation::Background => "background",
            Propagation::Foreground => "foreground",
            Propagation::Orphan => "orphan",
        }
    }
}

/// `DeleteOptions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeleteOptions {
    /// Grace period (s); none takes the object's own.
    pub grace_seconds: Option<i64>,
    /// Refuse if the object has another uid.
    pub uid: Option<Uid>,
    /// Refuse if the object is another version.
    pub resource_version: Option<Revision>,
    /// What becomes of dependents; none takes the kind's own.
    pub propagation: Option<Propagation>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Reads one object.
    Get {
        /// Kind.
        kind: Kind,
        /// Key.
        key: Key,
    },
    /// Creates an object.
    Create(Object),
    /// Replaces an object; refused if its resource version is not the current one (zero: unconditional).
    Update {
        /// The new object.
        object: Object,
        /// Which part of it counts.
        part: Part,
    },
    /// Changes an object as it is now.
    Patch {
        /// Kind.
        kind: Kind,
        /// Key.
        key: Key,
        /// Refuse if the object has another uid.
        uid: Option<Uid>,
        /// Which part the edit belongs to.
        part: Part,
        /// The change.
        edit: Edit,
    },
    /// Binds a pod to a node (`pods/binding`).
    Bind {
        /// Pod.
        pod: Key,
        /// Refuse if the pod has another uid.
        uid: Uid,
        /// Node; neither its existence nor its room is checked.
        node: Name,
    },
    /// Deletes an object, at once or gracefully.
    Delete {
        /// Kind.
        kind: Kind,
        /// Key.
        key: Key,
        /// How.
        options: DeleteOptions,
    },
}

impl Request {
    /// Deletes with the object's own grace period.
    pub fn delete(kind: Kind, key: Key) -> Request {
        Request::Delete { kind, key, options: DeleteOptions::default() }
    }

    /// Replaces the main part of an object.
    pub fn update<K: Strategy>(object: K) -> Request {
        Request::Update { object: Arc::new(object).into_object(), part: Part::Main }
    }

    /// Replaces the status of an object.
    pub fn update_status<K: Strategy>(object: K) -> Request {
        Request::Update { object: Arc::new(object).into_object(), part: Part::Status }
    }

    /// Kind that it is about.
    pub fn kind(&self) -> Kind {
        match self {
            Request::Get { kind, .. } | Request::Patch { kind, .. } | Request::Delete { kind, .. } => *kind,
            Request::Create(object) | Request::Update { object, .. } => object.kind(),
            Request::Bind { .. } => Kind::Pod,
        }
    }

    /// Key that it is about; the name may be empty for a creation.
    pub fn key(&self) -> &Key {
        match self {
            Request::Get { key, .. } | Request::Patch { key, .. } | Request::Delete { key, .. } => key,
            Request::Create(object) | Request::Update { object, .. } => object.key(),
            Request::Bind { pod, .. } => pod,
        }
    }

    /// The object as it writes it, if it writes it whole.
    pub const fn written(&self) -> Option<&Object> {
        match self {
            Request::Create(object) | Request::Update { object, .. } => Some(object),
            _ => None,
        }
    }

    /// Whether it changes nothing.
    pub const fn is_read(&self) -> bool {
        matches!(self, Request::Get { .. })
    }
}

/// `create Pod default/web-1`, for life stories in tests.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, key) = (self.kind(), self.key());
        match self {
            Request::Get { .. } => write!(f, "get {kind} {key}"),
            Request::Create(object) if key.name.is_empty() => {
                write!(f, "create {kind} {}/{}*", key.namespace, object.meta().generate_name)
            }
            Request::Create(_) => write!(f, "create {kind} {key}"),
            Request::Update { part: Part::Main, .. } => write!(f, "update {kind} {key}"),
            Request::Update { part: Part::Status, .. } => write!(f, "update {kind} {key} status"),
            Request::Patch { edit, .. } => write!(f, "patch {kind} {key} {}", Summary(edit)),
            Request::Bind { node, .. } => write!(f, "bind {kind} {key} to {node}"),
            Request::Delete { options, .. } => {
                write!(f, "delete {kind} {key}")?;
                options.grace_seconds.map_or(Ok(()), |grace| write!(f, " grace {grace}s"))?;
                options.propagation.map_or(Ok(()), |propagation| write!(f, " {}", propagation.name()))
            }
        }
    }
}

/// An edit in a few words.
struct Summary<'a>(&'a Edit);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Edit::Taints { add, remove, .. } => {
                let added = add.iter().map(|taint| format!("+{taint}"));
                let removed = remove.iter().map(|(key, effect)| format!("-{key}:{effect}"));
                f.write_str(&added.chain(removed).collect::<Vec<_>>().join(" "))
            }
            Edit::PodStatus(status) => {
                let ready = status.conditions.iter().find(|condition| condition.kind == "Ready");
                write!(f, "{}", status.phase.name())?;
                ready.map_or(Ok(()), |ready| write!(f, " Ready={}", ready.status))
            }
            Edit::PodCondition { condition, .. } => {
                write!(f, "{}={} {}", condition.kind, condition.status, condition.reason)
            }
            Edit::PodFailed(disruption) => {
                f.write_str(Phase::Failed.name())?;
                disruption.as_ref().map_or(Ok(()), |why| write!(f, " {}={} {}", why.kind, why.status, why.reason))
            }
            Edit::NodeConditions(conditions) => {
                let shown = conditions.iter().map(|condition| format!("{}={}", condition.kind, condition.status));
                f.write_str(&shown.collect::<Vec<_>>().join(" "))
            }
            Edit::EventSeen { count, note, .. } => write!(f, "seen {count} times: {note}"),
            Edit::AddOwner(owner) => write!(f, "+owner {} {}", owner.kind, owner.name),
            Edit::RemoveOwners(uids) => f.write_str(if uids.len() == 1 { "-owner" } else { "-owners" }),
            Edit::UnblockOwners => f.write_str("unblock owners"),
            Edit::RemoveFinalizer(name) => write!(f, "-finalizer {name}"),
            Edit::Labels(pairs) => write!(f, "labels {pairs:?}"),
            Edit::RemoveLabels(keys) => write!(f, "labels -{keys:?}"),
            Edit::Annotations(pairs) => write!(f, "annotations {pairs:?}"),
            Edit::Replicas(replicas) => write!(f, "replicas {replicas}"),
            Edit::Unschedulable(unschedulable) => write!(f, "unschedulable {unschedulable}"),
            Edit::Paused(paused) => write!(f, "paused {paused}"),
            Edit::Template(edits) => {
                let edits = edits.iter().map(|edit| match edit {
                    TemplateEdit::Image { image, .. } => format!("image {image}"),
                    TemplateEdit::Resources { requests, limits, .. } => {
                        let amounts = |list: &[(Name, Quantity)]| {
                            let amounts = list.iter().map(|(name, quantity)| format!("{name}={quantity}"));
                            amounts.collect::<Vec<_>>().join(",")
                        };
                        format!("requests {} limits {}", amounts(requests), amounts(limits))
                    }
                    TemplateEdit::Annotation(key, value) => format!("{key}={value}"),
                    TemplateEdit::Whole(_) => "template".to_string(),
                });
                f.write_str(&edits.collect::<Vec<_>>().join(" "))
            }
        }
    }
}

/// How the API says no, or does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// 404.
    NotFound,
    /// 404 on creation: its namespace is not there.
    NamespaceNotFound(Name),
    /// 409 on creation.
    AlreadyExists,
    /// 409: the object is another version than the client knew, or its state forbids it.
    Conflict(Name),
    /// 422.
    Invalid(FieldErrors),
    /// 403.
    Forbidden(Name),
    /// No answer came in time; whether the request took effect is not known.
    Timeout,
}

impl ApiError {
    /// The message of the Status that answers `request`.
    pub fn message(&self, request: &Request) -> String {
        let resource = request.kind().resource();
        let name = match request {
            Request::Create(object) if object.meta().name().is_empty() => &object.meta().generate_name,
            _ => &request.key().name,
        };
        match self {
            ApiError::NotFound => format!("{resource} \"{name}\" not found"),
            ApiError::NamespaceNotFound(namespace) => format!("namespaces \"{namespace}\" not found"),
            ApiError::AlreadyExists => format!("{resource} \"{name}\" already exists"),
            ApiError::Conflict(why) => {
                let part = if matches!(request, Request::Bind { .. }) { "/binding" } else { "" };
                format!("Operation cannot be fulfilled on {resource}{part} \"{name}\": {why}")
            }
            ApiError::Invalid(errors) => status_message(request.kind(), name, errors),
            ApiError::Forbidden(why) => format!("{resource} \"{name}\" is forbidden: {why}"),
            ApiError::Timeout => "the server was unable to return a response in the time allotted".to_string(),
        }
    }
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Done; the object as it is now. For a deletion the object as it was last.
    Done(Object),
    /// Not done.
    Error(ApiError),
}

impl Reply {
    /// The object as its kind, if the request succeeded.
    pub fn object<K: Strategy>(&self) -> Option<&Arc<K>> {
        match self {
            Reply::Done(object) => object.of(),
            Reply::Error(_) => None,
        }
    }

    /// The error, if the request failed.
    pub const fn error(&self) -> Option<&ApiError> {
        match self {
            Reply::Done(_) => None,
            Reply::Error(error) => Some(error),
        }
    }

    /// Whether the request succeeded.
    pub const fn is_ok(&self) -> bool {
        matches!(self, Reply::Done(_))
    }

    /// Whether it failed because the object is not there.
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Reply::Error(ApiError::NotFound))
    }
}
