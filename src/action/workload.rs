//! Workloads: apply, scale, set image.

use super::parameter::{OF, count, missing, object_of, required_text, table, text};
use super::{Action, ActionRow, Build, View, named, patch};
use crate::apiserver::{Part, Request};
use crate::object::edit::TemplateEdit;
use crate::object::field::{Field, Parameters, Shape, Wrong};
use crate::object::quantity::Quantity;
use crate::object::replicaset::PodTemplate;
use crate::object::{Edit, Key, Kind, Name, Object, Revision};
use std::fmt;
use std::sync::Arc;

/// Kinds with a pod template and a number of replicas.
const WORKLOADS: &[Kind] = &[Kind::Deployment, Kind::ReplicaSet];

const CONTAINER: Field = Field::optional("container", Shape::Text, "The container; all of the pod if left out.");

/// `scale`.
pub const SCALE: ActionRow = ActionRow {
    name: "scale",
    summary: "A workload is to have so many pods.",
    has_target: false,
    parameters: &[OF, Field::required("replicas", Shape::Count(0), "How many pods.")],
    build: Build::Row(|parameters| {
        let (kind, key) = object_of(parameters, WORKLOADS, "replicas")?;
        let replicas = count(parameters, "replicas")?;
        let replicas = replicas.ok_or_else(|| missing("replicas", "how many pods", "replicas = 5"))?;
        Ok(Arc::new(Scale { kind, key, replicas }))
    }),
    kubectl: "kubectl scale KIND/NAME --replicas=N",
};

/// `set.image`.
pub const SET_IMAGE: ActionRow = ActionRow {
    name: "set.image",
    summary: "A workload's pods get another image, which begins a rollout.",
    has_target: false,
    parameters: &[OF, CONTAINER, Field::required("image", Shape::Text, "The image, as `app:2`.")],
    build: Build::Row(|parameters| {
        let (kind, key) = object_of(parameters, WORKLOADS, "pod template")?;
        let container = text(parameters, "container")?.map(Name::from);
        let image = required_text(parameters, "image", "which image", "image = \"app:2\"")?.into();
        Ok(Arc::new(SetImage { kind, key, container, image, annotations: Vec::new() }))
    }),
    kubectl: "kubectl set image KIND/NAME CONTAINER=IMAGE",
};

const AMOUNTS: Shape = Shape::Map(&Shape::Quantity);

/// `set.resources`.
pub const SET_RESOURCES: ActionRow = ActionRow {
    name: "set.resources",
    summary: "A workload's pods ask for other amounts, which begins a rollout; amounts that are not named stay.",
    has_target: false,
    parameters: &[
        OF,
        CONTAINER,
        Field::optional("requests", AMOUNTS, "Requests, as `{ cpu = \"500m\", memory = \"1Gi\" }`."),
        Field::optional("limits", AMOUNTS, "Limits, as `{ memory = \"2Gi\" }`."),
    ],
    build: Build::Row(|parameters| {
        let (kind, key) = object_of(parameters, WORKLOADS, "pod template")?;
        let container = text(parameters, "container")?.map(Name::from);
        let (requests, limits) = (amounts(parameters, "requests")?, amounts(parameters, "limits")?);
        if requests.is_empty() && limits.is_empty() {
            return Err(missing("requests", "how much", "requests = { cpu = \"500m\" }"));
        }
        for (name, wanted) in &requests {
            if let Some((_, most)) = limits.iter().find(|(limited, most)| limited == name && most < wanted) {
                let why =
                    format!("`{name} = \"{wanted}\"` is more than its limit of `{most}`; the API server refuses that");
                return Err(Wrong::new("requests", why));
            }
        }
        Ok(Arc::new(SetResources { kind, key, container, requests, limits }))
    }),
    kubectl: "kubectl set resources KIND/NAME -c CONTAINER --requests=cpu=500m --limits=memory=2Gi",
};

/// `patch`.
pub const PATCH: ActionRow = ActionRow {
    name: "patch",
    summary: "Fields of an object are changed, as in its manifest.",
    has_target: false,
    parameters: &[
        OF,
        Field::required(
            "patch",
            Shape::Map(&Shape::Any),
            "What is merged into the object, as `{ spec = { minReadySeconds = 10 } }`.",
        ),
    ],
    build: Build::Reader,
    kubectl: "kubectl patch KIND/NAME --patch …",
};

/// `apply`.
pub const APPLY: ActionRow = ActionRow {
    name: "apply",
    summary: "Manifests are applied: what is not there is created, what is there is changed.",
    has_target: false,
    parameters: &[Field::required(
        "manifests",
        Shape::List(&Shape::Text),
        "Files with manifests, relative to the scenario, as `[\"web-v2.yaml\"]`.",
    )],
    build: Build::Reader,
    kubectl: "kubectl apply -f FILES",
};

fn amounts(parameters: &Parameters, key: &'static str) -> Result<Vec<(Name, Quantity)>, Wrong> {
    let quantity = |(name, text): (&str, &str)| match Quantity::parse(text) {
        Ok(quantity) => Ok((name.into(), quantity)),
        Err(_) => {
            let why = format!("`{text}` is not an amount of {name}: expected as `500m`, `4` or `8Gi`");
            Err(Wrong::new(key, why))
        }
    };
    table(parameters, key)?.into_iter().map(quantity).collect()
}

/// `kubectl apply`: creates what is not there, and replaces what is, except for its status. A field that the manifest
/// leaves out takes its default; `spec.replicas` keeps its value, and so do labels and annotations, as the three-way merge
/// upstream would have it for those that somebody else has set. Left out: the removal of those that the manifest once had.
#[derive(Clone, Debug)]
pub struct Apply {
    /// What should be there.
    pub objects: Vec<Object>,
}

impl Action for Apply {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        let request = |object: &Object| match view.table(object.kind()).get(object.key()) {
            None => Request::Create(object.clone()),
            Some(known) => Request::Update { object: merged(object.clone(), known), part: Part::Main },
        };
        if self.objects.is_empty() {
            return Err("there is nothing to apply".into());
        }
        Ok(self.objects.iter().map(request).collect())
    }
}

/// With what kubectl's merge leaves alone: labels and annotations, as a Deployment's revision, and the number of replicas,
/// as far as the manifest does not state them.
fn merged(mut object: Object, known: &Object) -> Object {
    let (new, old) = (object.meta_mut(), known.meta());
    for (mine, theirs) in [(&mut new.labels, &old.labels), (&mut new.annotations, &old.annotations)] {
        for (key, value) in theirs.iter() {
            if mine.get(key).is_none() {
                mine.insert(key.clone(), value.clone());
            }
        }
    }
    match (&mut object, known) {
        (Object::Deployment(new), Object::Deployment(old)) if new.spec.replicas.is_none() => {
            Arc::make_mut(new).spec.replicas = old.spec.replicas;
        }
        (Object::ReplicaSet(new), Object::ReplicaSet(old)) if new.spec.replicas.is_none() => {
            Arc::make_mut(new).spec.replicas = old.spec.replicas;
        }
        _ => {}
    }
    object
}

impl fmt::Display for Apply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "apply")?;
        self.objects.iter().try_for_each(|object| write!(f, " {}", named(object.kind(), object.key())))
    }
}

/// `kubectl scale`.
#[derive(Clone, Debug)]
pub struct Scale {
    /// Kind of the workload.
    pub kind: Kind,
    /// Its key.
    pub key: Key,
    /// Pods wanted.
    pub replicas: i32,
}

impl Action for Scale {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        let now = match view.get(self.kind, &self.key)? {
            Object::Deployment(deployment) => deployment.replicas(),
            Object::ReplicaSet(set) => set.replicas(),
            _ => return Err(format!("a {} has no replicas", self.kind).into()),
        };
        if now == self.replicas {
            return Err(format!("{} has {now} replicas already", named(self.kind, &self.key)).into());
        }
        Ok(vec![patch(self.kind, &self.key, Edit::Replicas(self.replicas))])
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scale {} --replicas={}", named(self.kind, &self.key), self.replicas)
    }
}

/// `kubectl set image`, and annotations of the pods with it.
#[derive(Clone, Debug)]
pub struct SetImage {
    /// Kind of the workload.
    pub kind: Kind,
    /// Its key.
    pub key: Key,
    /// The container; none for all.
    pub container: Option<Name>,
    /// The image.
    pub image: Name,
    /// Annotations of the pods that are set in the same patch.
    pub annotations: Vec<(Name, Name)>,
}

impl Action for SetImage {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        let image = TemplateEdit::Image { container: self.container.clone(), image: self.image.clone() };
        let annotations =
            self.annotations.iter().map(|(key, value)| TemplateEdit::Annotation(key.clone(), value.clone()));
        let edits = std::iter::once(image).chain(annotations).collect();
        edit_template((self.kind, &self.key), self.container.as_ref(), edits, view)
    }
}

impl fmt::Display for SetImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let container = self.container.as_ref().map_or("*", Name::as_str);
        write!(f, "set image {} {container}={}", named(self.kind, &self.key), self.image)
    }
}

/// `kubectl set resources`.
#[derive(Clone, Debug)]
pub struct SetResources {
    /// Kind of the workload.
    pub kind: Kind,
    /// Its key.
    pub key: Key,
    /// The container; none for all.
    pub container: Option<Name>,
    /// Requests that are set.
    pub requests: Vec<(Name, Quantity)>,
    /// Limits that are set.
    pub limits: Vec<(Name, Quantity)>,
}

impl Action for SetResources {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        let (requests, limits) = (self.requests.clone(), self.limits.clone());
        let edit = TemplateEdit::Resources { container: self.container.clone(), requests, limits };
        edit_template((self.kind, &self.key), self.container.as_ref(), vec![edit], view)
    }
}

impl fmt::Display for SetResources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "set resources {}", named(self.kind, &self.key))?;
        self.container.iter().try_for_each(|container| write!(f, " -c {container}"))?;
        for (flag, amounts) in [("requests", &self.requests), ("limits", &self.limits)] {
            if !amounts.is_empty() {
                let amounts: Vec<String> = amounts.iter().map(|(name, amount)| format!("{name}={amount}")).collect();
                write!(f, " --{flag}={}", amounts.join(","))?;
            }
        }
        Ok(())
    }
}

/// What a patch makes of an object as it is now, or why it cannot.
pub type Merge = dyn Fn(&Object) -> Result<Object, String> + Send + Sync;

/// `kubectl patch`: the object as it is now goes through `merge`, and replaces itself.
#[derive(Clone)]
pub struct Patch {
    /// Kind of the object.
    pub kind: Kind,
    /// Its key.
    pub key: Key,
    /// The patch as text, to be shown.
    pub text: String,
    /// What it does.
    pub merge: Arc<Merge>,
}

impl Action for Patch {
    fn requests(&self, view: &View<'_>) -> Result<Vec<Request>, Name> {
        let known = view.get(self.kind, &self.key)?;
        let what = named(self.kind, &self.key);
        let mut object = (self.merge)(known).map_err(|why| Name::from(format!("{what} cannot be patched: {why}")))?;
        if object.kind() != self.kind || *object.key() != self.key {
            return Err(format!("{what} cannot be patched to be another object").into());
        }
        // Whatever has changed by the time it arrives, as with a patch.
        object.meta_mut().resource_version = Revision::default();
        Ok(vec![Request::Update { object, part: Part::Main }])
    }
}

impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patch").field("kind", &self.kind).field("key", &self.key).field("text", &self.text).finish()
    }
}

impl fmt::Display for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "patch {} --patch {}", named(self.kind, &self.key), self.text)
    }
}

/// The request for these edits of a workload's template, of one of its containers if one is named.
fn edit_template(
    (kind, key): (Kind, &Key),
    container: Option<&Name>,
    edits: Vec<TemplateEdit>,
    view: &View<'_>,
) -> Result<Vec<Request>, Name> {
    let before = template(view.get(kind, key)?)?;
    if let Some(name) = container.filter(|name| !before.spec.containers.iter().any(|known| known.name == **name)) {
        return Err(format!("{} has no container {name}", named(kind, key)).into());
    }
    let mut after = before.clone();
    edits.iter().for_each(|edit| edit.apply(&mut after));
    if after == *before {
        return Err(format!("{}: its template says so already", named(kind, key)).into());
    }
    Ok(vec![patch(kind, key, Edit::Template(edits))])
}

/// A workload's template.
fn template(object: &Object) -> Result<&PodTemplate, Name> {
    match object {
        Object::Deployment(deployment) => Ok(&deployment.spec.template),
        Object::ReplicaSet(set) => Ok(&set.spec.template),
        other => Err(format!("a {} has no pod template", other.kind()).into()),
    }
}
