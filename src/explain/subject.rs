//! What somebody asks about, as `pod/web-abc` or `pod/shop/web-abc`, also if it is there no more.

use super::Tale;
use super::words::called;
use crate::object::{Fact, Key, Kind};
use crate::scenario::suggest::nearest;
use std::collections::BTreeSet;
use std::fmt;

/// An object of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Its kind.
    pub kind: Kind,
    /// Its key.
    pub key: Key,
}

/// `pod/web-abc`; with its namespace unless that is `default`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.name().to_lowercase(), called(&self.key))
    }
}

/// Short forms of kinds, as kubectl has them.
const SHORT: &[(&str, Kind)] = &[
    ("po", Kind::Pod),
    ("no", Kind::Node),
    ("deploy", Kind::Deployment),
    ("rs", Kind::ReplicaSet),
    ("svc", Kind::Service),
    ("ns", Kind::Namespace),
];

fn kind(word: &str) -> Option<Kind> {
    let short = SHORT.iter().find(|(short, _)| short.eq_ignore_ascii_case(word)).map(|(_, kind)| *kind);
    let named = |kind: &&Kind| kind.name().eq_ignore_ascii_case(word) || kind.plural().eq_ignore_ascii_case(word);
    short.or_else(|| Kind::ALL.iter().find(named).copied())
}

impl Subject {
    /// The object of this name in a run: one that is there at its end, or that something happened to.
    ///
    /// # Errors
    /// There never was one, with what was probably meant.
    pub fn find(tale: &Tale<'_>, text: &str) -> Result<Subject, String> {
        let known = known(tale);
        let parts: Vec<&str> = text.split('/').collect();
        let (word, name) = match parts.as_slice() {
            [word, name] => (*word, Key::new("default", *name)),
            [word, namespace, name] => (*word, Key::new(*namespace, *name)),
            _ => {
                return Err(format!(
                    "`{text}` is no object: expected `kind/name` or `kind/namespace/name`{}",
                    guess(&known, text)
                ));
            }
        };
        let Some(kind) = kind(word) else {
            let kinds = Kind::ALL.iter().map(|kind| kind.name()).chain(SHORT.iter().map(|(short, _)| *short));
            let guess = nearest(word, kinds)
                .map_or_else(String::new, |kind| format!(": did you mean `{}`?", kind.to_lowercase()));
            return Err(format!("`{word}` is no kind of object{guess}"));
        };
        let key = if kind.is_namespaced() { name } else { Key::cluster(name.name) };
        let subject = Subject { kind, key };
        if known.contains(&subject) {
            return Ok(subject);
        }
        let text = subject.to_string();
        Err(format!("there never was a `{text}` in this run{}", guess(&known, &text)))
    }
}

/// All objects of the run about which something can be said.
fn known(tale: &Tale<'_>) -> BTreeSet<Subject> {
    let store = tale.world.store();
    let quiet = [Kind::Event, Kind::Lease];
    let kinds = Kind::ALL.iter().filter(|kind| !quiet.contains(kind));
    let there =
        kinds.flat_map(|&kind| store.table(kind).iter().map(move |object| Subject { kind, key: object.key().clone() }));
    let mut known: BTreeSet<Subject> = there.collect();
    let node = |name: &crate::object::Name| Subject { kind: Kind::Node, key: Key::cluster(name.clone()) };
    let pod = |key: &Key| Subject { kind: Kind::Pod, key: key.clone() };
    known.extend(tale.facts.iter().filter_map(|recorded| match &recorded.fact {
        Fact::Commit { kind, key, .. } if !quiet.contains(kind) => Some(Subject { kind: *kind, key: key.clone() }),
        Fact::MachineDown(name) | Fact::MachineUp(name) => Some(node(name)),
        Fact::ContainersStopped { pod: key, .. } => Some(pod(key)),
        _ => None,
    }));
    known
}

/// What was probably meant; of a workload or a node whose pods somebody looks for, some of those.
fn guess(known: &BTreeSet<Subject>, text: &str) -> String {
    let names: Vec<String> = known.iter().map(Subject::to_string).collect();
    let name = text.rsplit('/').next().unwrap_or(text);
    if let Some(same) = known.iter().find(|subject| subject.key.name == *name) {
        return format!(": did you mean `{same}`?");
    }
    if let Some(near) = nearest(text, names.iter().map(String::as_str)) {
        return format!(": did you mean `{near}`?");
    }
    let kind = text.split('/').next().unwrap_or_default();
    let beginning: String = name.chars().take(3).collect();
    let alike = known.iter().filter(|subject| subject.key.name.starts_with(&beginning) && !beginning.is_empty());
    let of_kind = |subject: &&Subject| self::kind(kind).is_none_or(|kind| kind == subject.kind);
    let some: Vec<String> = alike.filter(of_kind).take(5).map(|subject| format!("`{subject}`")).collect();
    if some.is_empty() { String::new() } else { format!("; there was {}", some.join(", ")) }
}
