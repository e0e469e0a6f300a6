//! Who owns whom among the objects of some manifests, and the order in which they are then to be created.
//!
//! A cluster that is made anew gives new uids, so that no `ownerReferences` of a dump would hold, and the garbage
//! collector would delete everything that has an owner. What a controller finds by its selector (pods, ReplicaSets,
//! EndpointSlices) is left to it to adopt, and stands before its owner, or the controller would make another. Any other
//! owner is named without its uid, to be looked up when the object is created, and stands before what it owns.

use super::warning::{self, Warning};
use super::{Manifests, Place};
use crate::object::{Kind, Object, OwnerRef, Uid};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a document says of itself and of its owners.
#[derive(Clone, Debug, Default)]
pub struct Ties {
    uid: String,
    owners: Vec<Named>,
}

#[derive(Clone, Debug)]
struct Named {
    kind: String,
    name: String,
    uid: String,
    controller: bool,
    block_owner_deletion: bool,
}

impl Ties {
    /// Those of a document.
    pub fn of(document: &Value) -> Ties {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let metadata = &document["metadata"];
        let owners = metadata["ownerReferences"].as_array().into_iter().flatten().map(|owner| Named {
            kind: text(&owner["kind"]),
            name: text(&owner["name"]),
            uid: text(&owner["uid"]),
            controller: owner["controller"] == true,
            block_owner_deletion: owner["blockOwnerDeletion"] == true,
        });
        Ties { uid: text(&metadata["uid"]), owners: owners.collect() }
    }

    /// Whether it has owners.
    pub const fn is_owned(&self) -> bool {
        !self.owners.is_empty()
    }
}

/// Whether the owner's controller finds the object by itself.
const fn is_adopted(owner: Kind, object: Kind) -> bool {
    matches!(
        (owner, object),
        (Kind::ReplicaSet, Kind::Pod) | (Kind::Deployment, Kind::ReplicaSet) | (Kind::Service, Kind::EndpointSlice)
    )
}

/// Ties the objects together, of which each has its `ties`, and brings them into order.
pub fn tie(manifests: &mut Manifests, ties: &[Ties]) {
    if !ties.iter().any(Ties::is_owned) {
        return;
    }
    let objects = &manifests.objects;
    let by_uid: BTreeMap<&str, usize> = ties.iter().enumerate().map(|(index, tie)| (tie.uid.as_str(), index)).collect();
    let by_name: BTreeMap<(String, String, String), usize> =
        objects.iter().enumerate().map(|(index, (object, _))| (identity(object), index)).collect();
    let mut before = vec![Vec::new(); objects.len()];
    let mut owners = vec![Vec::new(); objects.len()];
    let mut warnings = Vec::new();
    for (index, tie) in ties.iter().enumerate() {
        let (object, place) = &objects[index];
        for named in &tie.owners {
            let by_uid = by_uid.get(named.uid.as_str()).filter(|_| !named.uid.is_empty());
            let found = by_uid.or_else(|| {
                let key = |namespace: &str| (named.kind.clone(), namespace.to_string(), named.name.clone());
                by_name.get(&key(object.meta().namespace())).or_else(|| by_name.get(&key("")))
            });
            match found.copied().filter(|owner| *owner != index) {
                None if named.kind == "Node" => {}
                None => warnings.push(orphaned(object, named, place)),
                Some(owner) if is_adopted(objects[owner].0.kind(), object.kind()) => before[owner].push(index),
                Some(owner) => {
                    before[index].push(owner);
                    let of = &objects[owner].0;
                    owners[index].push(OwnerRef {
                        kind: of.kind(),
                        name: of.meta().name().clone(),
                        uid: Uid::default(),
                        controller: named.controller,
                        block_owner_deletion: named.block_owner_deletion,
                    });
                }
            }
        }
    }
    warnings.into_iter().for_each(|warning| warning::add(&mut manifests.warnings, warning));
    for ((object, _), owners) in manifests.objects.iter_mut().zip(owners) {
        if !owners.is_empty() {
            object.meta_mut().owners = owners;
        }
    }
    let mut left: Vec<Option<(Object, Place)>> = manifests.objects.drain(..).map(Some).collect();
    manifests.objects = in_order(&before).into_iter().filter_map(|index| left[index].take()).collect();
}

/// Kind, namespace and name as its user knows it.
fn identity(object: &Object) -> (String, String, String) {
    let (kind, name) = object.names();
    (kind.to_string(), object.meta().namespace().to_string(), name.to_string())
}

fn orphaned(object: &Object, owner: &Named, place: &Place) -> Warning {
    let (kind, name) = object.names();
    let Named { kind: owner_kind, name: owner_name, .. } = owner;
    Warning {
        file: place.file.clone(),
        line: place.line,
        message: format!(
            "{kind} \"{name}\" is owned by {owner_kind} \"{owner_name}\", which is not in these files: it will belong \
             to nobody"
        ),
        help: super::meta::kind(owner_kind).map(|kind| format!("add the {kind} if it is to look after it")),
        more: 0,
        is_loud: false,
        key: format!("owner {kind} {owner_kind}"),
    }
}

/// The numbers in their order, but each after those that must stand before it; of a circle, the first comes last.
fn in_order(before: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(before.len());
    let mut is_begun = vec![false; before.len()];
    for first in 0..before.len() {
        // No recursion: a chain of owners may be as long as the file.
        let mut path = vec![(first, 0)];
        while let Some((index, next)) = path.pop() {
            if next == 0 && std::mem::replace(&mut is_begun[index], true) {
                continue;
            }
            match before[index].get(next) {
                Some(&other) => path.extend([(index, next + 1), (other, 0)]),
                None => order.push(index),
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_stand_before_something_does_and_the_rest_keeps_its_order() {
        assert_eq!(in_order(&[vec![], vec![], vec![]]), [0, 1, 2]);
        assert_eq!(in_order(&[vec![2], vec![], vec![]]), [2, 0, 1]);
        assert_eq!(in_order(&[vec![1, 3], vec![2], vec![], vec![1]]), [2, 1, 3, 0]);
        assert_eq!(in_order(&[vec![1], vec![0]]), [1, 0], "a circle");
        let chain: Vec<Vec<usize>> = (1..200_000).map(|next| vec![next]).chain([vec![]]).collect();
        assert_eq!(in_order(&chain)[0], 199_999);
    }
}
