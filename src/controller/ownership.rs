//! Who owns what: references to an owner, and which objects a controller adopts or lets go.
//!
//! Source: `pkg/controller/controller_ref_manager.go`, v1.36. The rules are here; each controller sends the requests
//! itself. Left out: nothing of the rules.

use crate::apiserver::{ApiError, Part, Reply, Request};
use crate::object::{Edit, Key, Meta, OwnerRef, Selector, Strategy};
use crate::program::Caches;
use std::sync::Arc;

/// A reference that makes `owner` the controller (`metav1.NewControllerRef`).
pub fn controller_ref<K: Strategy>(owner: &K) -> OwnerRef {
    let meta = owner.meta();
    OwnerRef { kind: K::KIND, name: meta.name().clone(), uid: meta.uid, controller: true, block_owner_deletion: true }
}

/// The controller that `dependent` names, if it is known and is no namesake (`resolveControllerRef`).
pub fn controller_of<'a, K: Strategy>(caches: &'a Caches, dependent: &Meta) -> Option<&'a Arc<K>> {
    let owner = dependent.controller().filter(|owner| owner.kind == K::KIND)?;
    let key = Key { namespace: dependent.namespace().clone(), name: owner.name.clone() };
    caches.get::<K>(&key).filter(|found| found.meta().uid == owner.uid)
}

/// What a controller does with the objects that it owns or might own.
#[derive(Clone, Debug, Default)]
pub struct Claim<K> {
    /// Owned and matching.
    pub kept: Vec<Arc<K>>,
    /// Orphans that match.
    pub to_adopt: Vec<Arc<K>>,
    /// Owned, but no longer matching.
    pub to_release: Vec<Arc<K>>,
}

/// Sorts `candidates` of the owner's namespace (`ClaimObject`). An owner that is being deleted neither adopts nor
/// releases.
pub fn claim<K: Strategy>(owner: &Meta, selector: &Selector, candidates: impl IntoIterator<Item = Arc<K>>) -> Claim<K> {
    let mut claim = Claim { kept: Vec::new(), to_adopt: Vec::new(), to_release: Vec::new() };
    for object in candidates {
        let meta = object.meta();
        let matches = selector.matches(&meta.labels);
        match meta.controller() {
            Some(controller) if controller.uid != owner.uid => {}
            Some(_) if matches => claim.kept.push(object),
            Some(_) if !owner.is_terminating() => claim.to_release.push(object),
            None if matches && !owner.is_terminating() && !meta.is_terminating() => claim.to_adopt.push(object),
            _ => {}
        }
    }
    claim
}

/// Reads the owner live, before it adopts anything.
pub fn read<K: Strategy>(owner: &K) -> Request {
    Request::Get { kind: K::KIND, key: owner.meta().key.clone() }
}

/// Whether the live owner may adopt: it is there, is no namesake and is not being deleted (`RecheckDeletionTimestamp`).
pub fn may_adopt(owner: &Meta, live: &Reply) -> bool {
    matches!(live, Reply::Done(object) if object.meta().uid == owner.uid && !object.meta().is_terminating())
}

/// Makes `owner` the controller of `dependent`.
pub fn adoption<O: Strategy, K: Strategy>(owner: &O, dependent: &K) -> Request {
    patch(dependent, Edit::AddOwner(controller_ref(owner)))
}

/// Takes `owner` off `dependent`.
pub fn release<K: Strategy>(owner: &Meta, dependent: &K) -> Request {
    patch(dependent, Edit::RemoveOwners(vec![owner.uid]))
}

fn patch<K: Strategy>(object: &K, edit: Edit) -> Request {
    let meta = object.meta();
    Request::Patch { kind: K::KIND, key: meta.key.clone(), uid: Some(meta.uid), part: Part::Main, edit }
}

/// Whether a release went well enough: an object that is gone or is invalid anyway is let be (`ReleasePod`).
pub const fn is_released(reply: &Reply) -> bool {
    matches!(reply, Reply::Done(_) | Reply::Error(ApiError::NotFound | ApiError::Invalid(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Deletion, Kind, Pod, ReplicaSet, Timestamp, Uid};

    fn pod(name: &str, app: &str, owner: Option<u128>, is_terminating: bool) -> Arc<Pod> {
        let mut pod = Pod { meta: Meta::new(Key::new("default", name)), ..Pod::default() };
        pod.meta.labels.insert("app", app);
        pod.meta.owners = owner
            .map(|uid| OwnerRef {
                kind: Kind::ReplicaSet,
                name: "web".into(),
                uid: Uid(uid),
                controller: true,
                block_owner_deletion: true,
            })
            .into_iter()
            .collect();
        pod.meta.deletion = is_terminating.then_some(Deletion { at: Timestamp(1), grace_seconds: 30 });
        Arc::new(pod)
    }

    fn names(pods: &[Arc<Pod>]) -> Vec<&str> {
        pods.iter().map(|pod| pod.meta.name().as_str()).collect()
    }

    #[test]
    fn a_controller_keeps_adopts_and_releases_by_selector_and_owner() {
        let mut owner = ReplicaSet { meta: Meta::new(Key::new("default", "web")), ..ReplicaSet::default() };
        owner.meta.uid = Uid(1);
        let selector = Selector::of([("app", "web")].into_iter().collect());
        let pods = [
            pod("mine", "web", Some(1), false),
            pod("mine-ending", "web", Some(1), true),
            pod("strayed", "db", Some(1), false),
            pod("orphan", "web", None, false),
            pod("orphan-ending", "web", None, true),
            pod("orphan-other", "db", None, false),
            pod("theirs", "web", Some(2), false),
        ];
        let all = claim(&owner.meta, &selector, pods.clone());
        assert_eq!(names(&all.kept), ["mine", "mine-ending"]);
        assert_eq!(names(&all.to_adopt), ["orphan"]);
        assert_eq!(names(&all.to_release), ["strayed"]);

        owner.meta.deletion = Some(Deletion { at: Timestamp(1), grace_seconds: 0 });
        let ending = claim(&owner.meta, &selector, pods);
        assert_eq!(names(&ending.kept), ["mine", "mine-ending"], "a deleted owner still counts its own");
        assert!(ending.to_adopt.is_empty(), "a deleted owner adopts nothing");
        assert!(ending.to_release.is_empty(), "a deleted owner releases nothing");
    }
}
