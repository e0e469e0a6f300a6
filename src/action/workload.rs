//! Workloads: apply, scale, set image.

use super::{Action, View, named, patch};
use crate::apiserver::{Part, Request};
use crate::object::edit::TemplateEdit;
use crate::object::pod::PodSpec;
use crate::object::{Edit, Key, Kind, Name, Object};
use std::fmt;

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
            std::sync::Arc::make_mut(new).spec.replicas = old.spec.replicas;
        }
        (Object::ReplicaSet(new), Object::ReplicaSet(old)) if new.spec.replicas.is_none() => {
            std::sync::Arc::make_mut(new).spec.replicas = old.spec.replicas;
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
        match view.get(self.kind, &self.key)? {
            Object::Deployment(_) | Object::ReplicaSet(_) => {
                Ok(vec![patch(self.kind, &self.key, Edit::Replicas(self.replicas))])
            }
            _ => Err(format!("a {} has no replicas", self.kind).into()),
        }
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
        let spec = pod_spec(view.get(self.kind, &self.key)?)?;
        if let Some(name) = &self.container
            && !spec.containers.iter().any(|container| container.name == *name)
        {
            return Err(format!("{} has no container {name}", named(self.kind, &self.key)).into());
        }
        let image = TemplateEdit::Image { container: self.container.clone(), image: self.image.clone() };
        let annotations =
            self.annotations.iter().map(|(key, value)| TemplateEdit::Annotation(key.clone(), value.clone()));
        let edits = std::iter::once(image).chain(annotations).collect();
        Ok(vec![patch(self.kind, &self.key, Edit::Template(edits))])
    }
}

impl fmt::Display for SetImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let container = self.container.as_ref().map_or("*", Name::as_str);
        write!(f, "set image {} {container}={}", named(self.kind, &self.key), self.image)
    }
}

/// The pods' spec in a workload's template.
fn pod_spec(object: &Object) -> Result<&PodSpec, Name> {
    match object {
        Object::Deployment(deployment) => Ok(&deployment.spec.template.spec),
        Object::ReplicaSet(set) => Ok(&set.spec.template.spec),
        other => Err(format!("a {} has no pod template", other.kind()).into()),
    }
}
