//! One function per verb, generic over kinds: authenticate, authorise, admit, validate, commit.
//!
//! Source: `staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go`, `registry/rest/{create,update,delete}.go`,
//! `pkg/registry/core/pod/storage/storage.go` (binding), v1.36. Left out: dry runs, server-side apply, field managers,
//! deletion of collections.

use super::admission::Admission;
use super::authn::authenticate;
use super::authz::authorise;
use super::request::{ApiError, DeleteOptions, Part, Propagation, Reply, Request};
use super::watch::Watches;
use crate::etcd::{Change, Store};
use crate::kernel::rng::{Draws, Purpose};
use crate::kernel::time::Time;
use crate::object::fact::Verb;
use crate::object::pod::conditions;
use crate::object::{
    Clock, Condition, ConditionStatus, Deletion, Edit, Event, FactId, Key, Kind, Meta, Name, Object, Pod, Revision,
    SettingId, Settings, Uid, condition,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Finalizer that makes an owner wait for its dependents.
pub const FINALIZER_FOREGROUND: &str = "foregroundDeletion";
/// Finalizer that makes an owner wait until its dependents have been set free.
pub const FINALIZER_ORPHAN: &str = "orphan";

/// What the server is given with each request.
pub struct Serve<'a> {
    /// Simulated time.
    pub now: Time,
    /// Turns it into dates.
    pub clock: Clock,
    /// Random draws by key.
    pub draws: &'a Draws,
    /// Settings of the run.
    pub settings: &'a Settings,
    /// Who asks.
    pub user: &'a Name,
    /// Takes note of commits.
    pub journal: &'a mut Journal<'a>,
}

/// Records a commit as a fact, before it is stored: how, the object before, the object after.
pub type Journal<'a> = dyn FnMut(Verb, Option<&Object>, Option<&Object>) -> FactId + 'a;

/// An API server with its etcd.
#[derive(Clone, Debug, Default)]
pub struct ApiServer {
    /// The source of truth.
    pub store: Store,
    /// Who hears of changes.
    pub watches: Watches,
    admission: Admission,
    /// How many names were made from a prefix.
    generated: BTreeMap<(Kind, Key), u64>,
    /// How often an object of this key was removed.
    removed: BTreeMap<(Kind, Key), u64>,
    /// The revision to which the next compaction goes: the head at the last one.
    compact_to: Revision,
}

type Outcome = Result<(Object, Option<Change>), ApiError>;

impl ApiServer {
    /// Serves a request. At most one change is committed; it is returned so that its listeners can be told.
    pub fn serve(&mut self, request: &Request, cx: &mut Serve<'_>) -> (Reply, Option<Change>) {
        let user = authenticate(cx.user);
        let outcome = authorise(&user, request).map_err(ApiError::Forbidden).and_then(|()| match request {
            Request::Get { kind, key } => {
                self.store.get(*kind, key).map(|object| (object.clone(), None)).ok_or(ApiError::NotFound)
            }
            Request::Create(object) => self.create(object.clone(), cx),
            Request::Update { object, part } => self.update(object.clone(), *part, cx),
            Request::Patch { kind, key, uid, part, edit } => self.patch(*kind, key, *uid, *part, edit, cx),
            Request::Bind { pod, uid, node } => self.bind(pod, *uid, node, cx),
            Request::Delete { kind, key, options } => self.delete(*kind, key, options, cx),
        });
        match outcome {
            Ok((object, change)) => (Reply::Done(object), change),
            Err(error) => (Reply::Error(error), None),
        }
    }

    /// Puts an object there as if it had been created, admitted and reported on long before the scenario.
    pub fn preload(&mut self, mut object: Object, cx: &mut Serve<'_>) -> Change {
        object.apply_defaults(cx.settings);
        self.find_owners(&mut object);
        self.stamp(&mut object, cx);
        self.commit(Verb::Created, None, object, cx)
    }

    /// Puts an object there that another server stored long before the scenario, as it was there.
    pub fn restore(&mut self, object: Object, cx: &mut Serve<'_>) -> Change {
        self.commit(Verb::Created, None, object, cx)
    }

    /// Remembers which names another server has given away, so that none is given twice.
    pub fn remember(&mut self, other: &ApiServer) {
        self.generated.clone_from(&other.generated);
        self.removed.clone_from(&other.removed);
    }

    /// Forgets history up to the revision at which this was last called (etcd's compaction by the API server).
    pub fn compact(&mut self) {
        self.watches.bookmark(&self.store);
        self.store.compact(self.compact_to);
        self.watches.compact(self.compact_to);
        self.compact_to = self.store.revision();
    }

    /// Removes Events that have been kept for long enough (etcd leases; upstream's grain is a minute).
    pub fn expire_events(&mut self, cx: &mut Serve<'_>) {
        let ttl = cx.settings.span(SettingId::EventTtl);
        let is_old = |event: &&Arc<Event>| cx.clock.since(event.meta.created, cx.now) >= ttl;
        let old: Vec<Arc<Event>> = self.store.table(Kind::Event).all().filter(is_old).cloned().collect();
        for event in old {
            self.remove(&Object::Event(event), cx);
        }
    }

    /// Whether a write is based on a version that is no longer the current one.
    pub fn is_outdated(&self, request: &Request) -> bool {
        match request {
            Request::Update { object, .. } => {
                self.store.get(object.kind(), object.key()).is_some_and(|current| is_older(object, current))
            }
            Request::Patch { kind, key, edit, .. } => {
                self.store.get(*kind, key).is_some_and(|object| edit.is_outdated(object.meta()))
            }
            _ => false,
        }
    }

    fn create(&mut self, mut object: Object, cx: &mut Serve<'_>) -> Outcome {
        let kind = object.kind();
        object.apply_defaults(cx.settings);
        object.prepare_for_create();
        self.admission.create(&mut object, &self.store, cx.settings)?;
        self.generate_name(&mut object, cx);
        let errors = object.validate();
        if !errors.is_empty() {
            return Err(ApiError::Invalid(errors));
        }
        if self.store.get(kind, object.key()).is_some() {
            return Err(ApiError::AlreadyExists);
        }
        self.find_owners(&mut object);
        self.stamp(&mut object, cx);
        let change = self.commit(Verb::Created, None, object, cx);
        Ok((change.object().clone(), Some(change)))
    }

    fn update(&mut self, mut new: Object, part: Part, cx: &mut Serve<'_>) -> Outcome {
        let old = self.store.get(new.kind(), new.key()).cloned().ok_or(ApiError::NotFound)?;
        let asked = new.meta();
        if is_older(&new, &old) {
            return Err(ApiError::Conflict(MODIFIED.into()));
        }
        if asked.uid != Uid::default() && asked.uid != old.meta().uid {
            return Err(ApiError::Conflict(wrong_uid(asked.uid, old.meta().uid)));
        }
        keep_system_metadata(&mut new, &old);
        if part == Part::Main {
            // Whatever is decoded is defaulted, so that what an update leaves out is what a creation would have made it.
            new.apply_defaults(cx.settings);
        }
        self.replace(new, old, part, cx)
    }

    fn patch(
        &mut self,
        kind: Kind,
        key: &Key,
        uid: Option<Uid>,
        part: Part,
        edit: &Edit,
        cx: &mut Serve<'_>,
    ) -> Outcome {
        let old = self.store.get(kind, key).cloned().ok_or(ApiError::NotFound)?;
        if let Some(uid) = uid.filter(|uid| *uid != old.meta().uid) {
            return Err(ApiError::Conflict(wrong_uid(uid, old.meta().uid)));
        }
        if edit.is_outdated(old.meta()) {
            return Err(ApiError::Conflict(MODIFIED.into()));
        }
        let mut new = old.clone();
        assert!(new.edit(edit), "a {kind} cannot be patched with {edit:?}");
        self.replace(new, old, part, cx)
    }

    /// Stores a new version if it is valid and differs; an object that waits only for finalizers goes with the last.
    fn replace(&mut self, mut new: Object, old: Object, part: Part, cx: &mut Serve<'_>) -> Outcome {
        match part {
            Part::Main => new.prepare_for_update(&old),
            Part::Status => new.prepare_for_status_update(&old),
        }
        let errors = new.validate_update(&old);
        if !errors.is_empty() {
            return Err(ApiError::Invalid(errors));
        }
        let meta = new.meta();
        if meta.finalizers.is_empty() && meta.deletion.is_some_and(|deletion| deletion.grace_seconds == 0) {
            return Ok(self.remove(&old, cx));
        }
        if new == old {
            return Ok((old, None));
        }
        let change = self.commit(Verb::Updated, Some(&old), new, cx);
        Ok((change.object().clone(), Some(change)))
    }

    fn bind(&mut self, key: &Key, uid: Uid, node: &Name, cx: &mut Serve<'_>) -> Outcome {
        let old = self.store.get(Kind::Pod, key).cloned().ok_or(ApiError::NotFound)?;
        let pod = old.of::<Pod>().expect("it is in the table of pods");
        let conflict = if pod.meta.uid != uid {
            Some(wrong_uid(uid, pod.meta.uid))
        } else if pod.meta.is_terminating() {
            Some(format!("pod {} is being deleted, cannot be assigned to a host", key.name).into())
        } else if !pod.node_name.is_empty() {
            Some(format!("pod {} is already assigned to node \"{}\"", key.name, pod.node_name).into())
        } else if !pod.spec.scheduling_gates.is_empty() {
            Some(format!("pod {} has non-empty .spec.schedulingGates", key.name).into())
        } else {
            None
        };
        if let Some(why) = conflict {
            return Err(ApiError::Conflict(why));
        }
        let mut new = Pod::clone(pod);
        new.node_name = node.clone();
        new.status.nominated_node = Name::none();
        let date = cx.clock.timestamp(cx.now);
        let scheduled = Condition {
            kind: conditions::SCHEDULED.into(),
            status: ConditionStatus::True,
            reason: Name::none(),
            message: Name::none(),
            last_transition: date,
            last_update: date,
        };
        condition::set(&mut new.status.conditions, scheduled);
        let change = self.commit(Verb::Updated, Some(&old), Object::Pod(Arc::new(new)), cx);
        Ok((change.object().clone(), Some(change)))
    }

    fn delete(&mut self, kind: Kind, key: &Key, options: &DeleteOptions, cx: &mut Serve<'_>) -> Outcome {
        let old = self.store.get(kind, key).cloned().ok_or(ApiError::NotFound)?;
        if let Some(why) = broken_precondition(options, old.meta()) {
            return Err(ApiError::Conflict(why));
        }
        let date = cx.clock.timestamp(cx.now);
        let asked = options.grace_seconds.map(|grace| if grace < 0 { 1 } else { grace });
        let deletion = match old.meta().deletion {
            None => {
                let grace_seconds = old.grace_seconds(asked);
                Deletion { at: date.plus_seconds(grace_seconds), grace_seconds }
            }
            Some(deletion) if deletion.grace_seconds == 0 => deletion,
            // While a grace period runs, all that a second deletion can do is to shorten it.
            Some(deletion) => match asked.filter(|asked| *asked < deletion.grace_seconds) {
                Some(grace_seconds) => {
                    Deletion { at: deletion.at.plus_seconds(grace_seconds - deletion.grace_seconds), grace_seconds }
                }
                None => return Ok((old, None)),
            },
        };
        let mut new = old.clone();
        let meta = new.meta_mut();
        meta.finalizers = finalizers_of_deletion(kind, &meta.finalizers, options.propagation);
        if deletion.grace_seconds == 0 && meta.finalizers.is_empty() {
            return Ok(self.remove(&old, cx));
        }
        meta.deletion = Some(deletion);
        if !old.meta().is_terminating() && meta.generation > 0 {
            meta.generation += 1;
        }
        if new == old {
            return Ok((old, None));
        }
        let verb = if old.meta().is_terminating() { Verb::Updated } else { Verb::Terminating };
        let change = self.commit(verb, Some(&old), new, cx);
        Ok((change.object().clone(), Some(change)))
    }

    fn remove(&mut self, old: &Object, cx: &mut Serve<'_>) -> (Object, Option<Change>) {
        let (kind, key) = (old.kind(), old.key());
        let cause = (cx.journal)(Verb::Deleted, Some(old), None);
        self.forget_admitted(kind);
        // A generated name is not used again, so it needs no count.
        if kind != Kind::Event && old.meta().generate_name.is_empty() {
            *self.removed.entry((kind, key.clone())).or_default() += 1;
        }
        let change = self.store.delete(kind, key, cause).clone();
        (old.clone(), Some(change))
    }

    fn commit(&mut self, verb: Verb, old: Option<&Object>, mut new: Object, cx: &mut Serve<'_>) -> Change {
        new.meta_mut().version += 1;
        self.forget_admitted(new.kind());
        let cause = (cx.journal)(verb, old, Some(&new));
        self.store.put(new, cause).clone()
    }

    /// What admission remembers holds only while priority classes stay as they are.
    fn forget_admitted(&mut self, kind: Kind) {
        if kind == Kind::PriorityClass {
            self.admission.forget();
        }
    }

    /// Gives a new object its identity and its date of birth.
    fn stamp(&mut self, object: &mut Object, cx: &Serve<'_>) {
        let (kind, key) = (object.kind(), object.key().clone());
        let path = format!("{kind} {key}");
        let incarnation = 2 * self.removed.get(&(kind, key)).copied().unwrap_or(0);
        let half = |counter| u128::from(cx.draws.get(Purpose::Uid, &path, counter));
        let meta = object.meta_mut();
        meta.uid = Uid(half(incarnation) << 64 | half(incarnation + 1));
        meta.created = cx.clock.timestamp(cx.now);
        meta.version = 0;
    }

    /// Looks owners without a uid up by their name; one that is not there owns nothing. Ours: the manifests of a cluster
    /// that is made anew cannot know the uids that their owners will get.
    fn find_owners(&self, object: &mut Object) {
        if object.meta().owners.iter().all(|owner| owner.uid != Uid::default()) {
            return;
        }
        let namespace = object.meta().namespace().clone();
        object.meta_mut().owners.retain_mut(|owner| {
            if owner.uid == Uid::default() {
                let namespace = if owner.kind.is_namespaced() { namespace.clone() } else { Name::none() };
                let found = self.store.get(owner.kind, &Key { namespace, name: owner.name.clone() });
                owner.uid = found.map_or(Uid::default(), |found| found.meta().uid);
            }
            owner.uid != Uid::default()
        });
    }

    /// `generateName`: the prefix and five random characters (apiserver `storage/names/generate.go`).
    fn generate_name(&mut self, object: &mut Object, cx: &Serve<'_>) {
        const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        let (kind, meta) = (object.kind(), object.meta());
        if !meta.name().is_empty() || meta.generate_name.is_empty() {
            return;
        }
        let prefix = Key { namespace: meta.namespace().clone(), name: meta.generate_name.clone() };
        let path = format!("{kind} {prefix}");
        let counter = self.generated.entry((kind, prefix.clone())).or_default();
        loop {
            *counter += 1;
            let mut bits = cx.draws.get(Purpose::Name, &path, *counter);
            let suffix: String = std::iter::repeat_with(|| {
                let letter = ALPHABET[(bits % ALPHABET.len() as u64) as usize];
                bits /= ALPHABET.len() as u64;
                char::from(letter)
            })
            .take(5)
            .collect();
            let name: Name = format!("{}{suffix}", prefix.name).into();
            let key = Key { namespace: prefix.namespace.clone(), name };
            if self.store.get(kind, &key).is_none() {
                object.meta_mut().key = key;
                return;
            }
        }
    }
}

const MODIFIED: &str = "the object has been modified; please apply your changes to the latest version and try again";

/// Whether an update is based on another version than the current one; version zero is unconditional.
fn is_older(new: &Object, current: &Object) -> bool {
    let based_on = new.meta().resource_version;
    based_on != Revision(0) && based_on != current.meta().resource_version
}

fn wrong_uid(asked: Uid, found: Uid) -> Name {
    format!("Precondition failed: UID in precondition: {asked}, UID in object meta: {found}").into()
}

/// Why a deletion is refused (`rest.BeforeDelete`).
fn broken_precondition(options: &DeleteOptions, found: &Meta) -> Option<Name> {
    if let Some(uid) = options.uid.filter(|uid| *uid != found.uid) {
        let found = found.uid;
        return Some(
            format!(
                "the UID in the precondition ({uid}) does not match the UID in record ({found}). The object might have \
                 been deleted and then recreated"
            )
            .into(),
        );
    }
    let version = options.resource_version.filter(|version| *version != found.resource_version)?;
    let found = found.resource_version.0;
    Some(
        format!(
            "the ResourceVersion in the precondition ({}) does not match the ResourceVersion in record ({found}). The \
             object might have been modified",
            version.0
        )
        .into(),
    )
}

/// Finalizers once a deletion says what becomes of dependents (`deletionFinalizersForGarbageCollection`). Without a word
/// of it those that are there stay, which for every kind so far means deletion in the background.
fn finalizers_of_deletion(kind: Kind, known: &[Name], propagation: Option<Propagation>) -> Vec<Name> {
    // Events have no dependents (`rest.Unsupported`).
    let Some(propagation) = propagation.filter(|_| kind != Kind::Event) else { return known.to_vec() };
    let wanted = match propagation {
        Propagation::Background => None,
        Propagation::Foreground => Some(FINALIZER_FOREGROUND),
        Propagation::Orphan => Some(FINALIZER_ORPHAN),
    };
    if wanted.is_some_and(|wanted| known.iter().any(|name| name == wanted)) {
        return known.to_vec();
    }
    let others = known.iter().filter(|name| *name != FINALIZER_FOREGROUND && *name != FINALIZER_ORPHAN).cloned();
    others.chain(wanted.map(Name::from)).collect()
}

/// What no client may change.
fn keep_system_metadata(new: &mut Object, old: &Object) {
    let (meta, old) = (new.meta_mut(), old.meta());
    meta.uid = old.uid;
    meta.resource_version = old.resource_version;
    meta.version = old.version;
    meta.created = old.created;
    meta.deletion = old.deletion;
    meta.generation = old.generation;
    meta.generate_name = old.generate_name.clone();
}
