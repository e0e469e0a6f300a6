//! Which ReplicaSet is the new one, its creation, revisions.
//!
//! Source: `pkg/controller/deployment/sync.go` (`getAllReplicaSetsAndSyncRevision`, `getNewReplicaSet`),
//! `pkg/controller/deployment/util/deployment_util.go`, v1.36. The hash of a template is another than upstream's,
//! which hashes a dump of Go's types: FNV-32a over our own digest of the template, written in the same letters.

use super::{Halt, Revisions, Rollout, rollback, scale, status};
use crate::apiserver::{ApiError, Request};
use crate::controller::ownership;
use crate::kernel::digest::Digest;
use crate::object::deployment::PROGRESSING;
use crate::object::replicaset::{PodTemplate, ReplicaSetSpec};
use crate::object::{Deployment, Key, Labels, Meta, Name, ReplicaSet, Strategy};
use std::cmp::Ordering;
use std::hash::Hash;
use std::sync::Arc;

pub use crate::object::deployment::{LABEL_HASH, REVISION, revision};

/// Annotation with the revisions that a ReplicaSet had before.
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// Longest value of [`REVISION_HISTORY`]. Source: `sync.go`, `maxRevHistoryLengthInChars`.
const REVISION_HISTORY_MAX: usize = 2_000;
/// Annotations that a Deployment does not hand down.
pub const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    REVISION_HISTORY,
    scale::DESIRED_REPLICAS,
    scale::MAX_REPLICAS,
    rollback::ROLLBACK_TO,
];
/// Longest name of an object. Source: apimachinery `pkg/util/validation/validation.go`, `DNS1123SubdomainMaxLength`.
const NAME_MAX: usize = 253;

/// Older first, then by name (`ReplicaSetsByCreationTimestamp`).
pub fn age_order(a: &ReplicaSet, b: &ReplicaSet) -> Ordering {
    a.meta.created.cmp(&b.meta.created).then_with(|| a.meta.name().cmp(b.meta.name()))
}

/// The hash in names and labels of a template's ReplicaSet, after so many collisions.
fn template_hash(template: &PodTemplate, collisions: Option<i32>) -> String {
    let mut digest = Digest::new();
    template.hash(&mut digest);
    let [low, high] = digest.value();
    let salt = collisions.map(|count| (count as u64).to_le_bytes()).unwrap_or_default();
    let salt = if collisions.is_some() { &salt[..] } else { &[] };
    let bytes = low.to_le_bytes().into_iter().chain(high.to_le_bytes()).chain(salt.iter().copied());
    // FNV-1a, offset basis and prime of 32 bits (Fowler, Noll, Vo).
    let hash = bytes.fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
    // Source: apimachinery `pkg/util/rand/rand.go` (`SafeEncodeString`): no vowels, so no words.
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    hash.to_string().bytes().map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()])).collect()
}

/// `generateReplicaSetName`.
fn set_name(deployment: &str, hash: &str) -> Name {
    let room = NAME_MAX - hash.len() - 1;
    format!("{}-{hash}", &deployment[..deployment.len().min(room)]).into()
}

/// Copies annotations down and raises the revision (`SetNewReplicaSetAnnotations`). Says whether anything changed.
fn hand_down(from: &Labels, set: &mut ReplicaSet, revision_wanted: i64) -> bool {
    let annotations = &mut set.meta.annotations;
    let mut changed = false;
    for (key, value) in from.iter().filter(|(key, _)| !NOT_COPIED.contains(&key.as_str())) {
        if annotations.get(key) != Some(value) {
            annotations.insert(key.clone(), value.clone());
            changed = true;
        }
    }
    let known = annotations.get(REVISION).cloned();
    let revision = match known.as_ref().map(|text| text.parse::<i64>()) {
        None => 0,
        Some(Ok(number)) => number,
        Some(Err(_)) => return false,
    };
    if revision >= revision_wanted {
        return changed;
    }
    annotations.insert(REVISION, revision_wanted.to_string());
    if let Some(known) = known {
        let history = annotations.get(REVISION_HISTORY).cloned().unwrap_or_default();
        annotations.insert(REVISION_HISTORY, longer_history(&history, &known));
    }
    true
}

/// `history` with one more revision, less the first ones if it gets too long.
fn longer_history(history: &str, revision: &str) -> String {
    let mut rest = history;
    while rest.len() + 1 + revision.len() > REVISION_HISTORY_MAX {
        rest = rest.split_once(',').map_or("", |(_, rest)| rest);
    }
    if rest.is_empty() { revision.to_string() } else { format!("{rest},{revision}") }
}

impl Rollout<'_, '_> {
    /// The ReplicaSets by revision, annotations brought up to date; creates the new one if asked to.
    pub(super) fn revisions(&mut self, create: bool) -> Result<Revisions, Halt> {
        let template = &self.deployment.spec.template;
        let new = self.sets.iter().find(|set| set.spec.template.is_same_as(template)).cloned();
        let is_old = |set: &&Arc<ReplicaSet>| new.as_ref().is_none_or(|new| new.meta.uid != set.meta.uid);
        let old: Vec<_> = self.sets.iter().filter(is_old).cloned().collect();
        let wanted = old.iter().map(|set| revision(&set.meta)).max().unwrap_or(0) + 1;
        let new = match new {
            Some(new) => Some(self.update_new(new, wanted)?),
            None if create => Some(self.create_new(&old, wanted)?),
            None => None,
        };
        Ok(Revisions { new, old })
    }

    /// Notes the revision on the Deployment (`SetDeploymentRevision`). Says whether that is news.
    fn note_revision(&mut self, text: &str) -> bool {
        let annotations = &mut self.deployment.meta.annotations;
        let is_news = annotations.get(REVISION).is_none_or(|known| known != text);
        if is_news {
            annotations.insert(REVISION, text);
        }
        is_news
    }

    fn update_new(&mut self, set: Arc<ReplicaSet>, wanted: i64) -> Result<Arc<ReplicaSet>, Halt> {
        let mut updated = (*set).clone();
        let is_changed = hand_down(&self.deployment.meta.annotations, &mut updated, wanted);
        if is_changed || updated.spec.min_ready_seconds != self.deployment.spec.min_ready_seconds {
            updated.spec.min_ready_seconds = self.deployment.spec.min_ready_seconds;
            return self.put_set(updated);
        }
        let text = set.meta.annotations.get(REVISION).cloned().unwrap_or_default();
        let mut is_news = self.note_revision(&text);
        if self.has_deadline() && self.condition(PROGRESSING).is_none() {
            let message = format!("Found new replica set \"{}\"", set.meta.name());
            self.set_progressing(true, status::FOUND_NEW_SET, message);
            is_news = true;
        }
        if is_news {
            self.put_status_or_fail()?;
        }
        Ok(set)
    }

    fn create_new(&mut self, old: &[Arc<ReplicaSet>], wanted: i64) -> Result<Arc<ReplicaSet>, Halt> {
        let set = self.new_set(old, wanted);
        let (name, replicas) = (set.meta.name().clone(), set.replicas());
        let request = Request::Create(Arc::new(set).into_object());
        let reply = self.io.call(request.clone())?;
        let created = match (reply.object::<ReplicaSet>(), reply.error()) {
            (Some(created), _) => created.clone(),
            (None, Some(ApiError::AlreadyExists)) => return self.adopt_or_collide(&name, wanted),
            (None, error) => {
                let why = error.map(|error| error.message(&request)).unwrap_or_default();
                let message = format!("Failed to create new replica set \"{name}\": {why}");
                if self.has_deadline() {
                    self.set_progressing(false, status::SET_CREATE_ERROR, message.clone());
                    // Whether it can be written does not matter: there is something worse to tell.
                    self.put_status()?;
                }
                self.warning(status::SET_CREATE_ERROR, message);
                return Err(Halt::Failed);
            }
        };
        if replicas > 0 {
            self.event("ScalingReplicaSet", format!("Scaled up replica set {name} from 0 to {replicas}"));
        }
        let mut is_news = self.note_revision(&wanted.to_string());
        if self.has_deadline() {
            self.set_progressing(true, status::NEW_SET_CREATED, format!("Created new replica set \"{name}\""));
            is_news = true;
        }
        if is_news {
            self.put_status_or_fail()?;
        }
        Ok(created)
    }

    /// The name is taken: by an own ReplicaSet of the same template that the cache did not have when the sync began,
    /// or by another template with the same hash, which is counted.
    fn adopt_or_collide(&mut self, name: &Name, wanted: i64) -> Result<Arc<ReplicaSet>, Halt> {
        // Asks the cache, which may have caught up meanwhile.
        let key = Key { namespace: self.deployment.meta.namespace().clone(), name: name.clone() };
        let read = Request::Get { kind: ReplicaSet::KIND, key };
        let Some(found) = self.io.call(read)?.object::<ReplicaSet>() else { return Err(Halt::Failed) };
        let is_own = found.meta.controller().is_some_and(|owner| owner.uid == self.deployment.meta.uid);
        if !is_own || !found.spec.template.is_same_as(&self.deployment.spec.template) {
            *self.deployment.status.collision_count.get_or_insert(0) += 1;
            self.put_status()?;
            return Err(Halt::Failed);
        }
        if self.note_revision(&wanted.to_string()) {
            self.put_status_or_fail()?;
        }
        Ok(found.clone())
    }

    fn new_set(&self, old: &[Arc<ReplicaSet>], wanted: i64) -> ReplicaSet {
        let Deployment { meta, spec, status } = &self.deployment;
        let hash = template_hash(&spec.template, status.collision_count);
        let mut template = spec.template.clone();
        template.labels.insert(LABEL_HASH, hash.as_str());
        let mut selector = spec.selector.clone();
        selector.labels.insert(LABEL_HASH, hash.as_str());
        let key = Key { namespace: meta.namespace().clone(), name: set_name(meta.name(), &hash) };
        let mut set = ReplicaSet {
            meta: Meta {
                labels: template.labels.clone(),
                owners: vec![ownership::controller_ref(&self.deployment)],
                ..Meta::new(key)
            },
            spec: ReplicaSetSpec { replicas: Some(0), min_ready_seconds: spec.min_ready_seconds, selector, template },
            ..ReplicaSet::default()
        };
        let total = scale::total(old);
        set.spec.replicas = Some(scale::new_set_size(&self.deployment, total, 0));
        hand_down(&meta.annotations, &mut set, wanted);
        scale::note_sizes(&self.deployment, &mut set);
        set
    }

    /// Writes a ReplicaSet; a failure ends the sync.
    pub(super) fn put_set(&mut self, set: ReplicaSet) -> Result<Arc<ReplicaSet>, Halt> {
        self.io.call(Request::update(set))?.object().cloned().ok_or(Halt::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_differ_by_template_and_by_collisions() {
        let mut template = PodTemplate::default();
        let plain = template_hash(&template, None);
        assert_ne!(plain, template_hash(&template, Some(1)));
        assert_ne!(template_hash(&template, Some(1)), template_hash(&template, Some(2)));
        template.labels.insert("app", "web");
        assert_ne!(plain, template_hash(&template, None));
        assert!(plain.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte)), "{plain}");
        assert_eq!(template_hash(&template, None), template_hash(&template.clone(), None));
    }

    #[test]
    fn long_names_leave_room_for_the_hash() {
        assert_eq!(set_name("web", "abc"), "web-abc");
        let name = set_name(&"x".repeat(300), "abc");
        assert_eq!(name.len(), NAME_MAX);
        assert!(name.ends_with("x-abc"), "{name}");
    }

    #[test]
    fn a_set_that_is_new_again_remembers_its_revisions() {
        let mut set = ReplicaSet::default();
        let from: Labels = [("team", "a"), (REVISION, "7")].into_iter().collect();
        assert!(hand_down(&from, &mut set, 1));
        assert_eq!(set.meta.annotations, [("team", "a"), (REVISION, "1")].into_iter().collect());
        assert!(!hand_down(&from, &mut set, 1), "nothing new");
        assert!(hand_down(&from, &mut set, 3));
        assert!(hand_down(&from, &mut set, 5));
        assert_eq!(set.meta.annotations.get(REVISION).unwrap(), "5");
        assert_eq!(set.meta.annotations.get(REVISION_HISTORY).unwrap(), "1,3");
        assert!(!hand_down(&from, &mut set, 4), "a revision never falls");
    }

    #[test]
    fn a_long_history_loses_its_beginning() {
        let history = format!("11,22,{}", "9".repeat(REVISION_HISTORY_MAX - 10));
        let longer = longer_history(&history, "12345");
        assert!(longer.starts_with("22,9"), "{}", &longer[..9]);
        assert!(longer.ends_with("9,12345"));
        assert_eq!(longer_history(&"9".repeat(REVISION_HISTORY_MAX), "1"), "1");
    }
}
