//! Objects as people refer to them: `deployment/web`, `deploy/shop/web`, with kubectl's words for kinds.

use super::Kind;
use super::meta::Key;
use super::name::Name;

/// Why a text refers to no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclear<'a> {
    /// It does not say of which kind.
    NoKind,
    /// No kind is called so.
    UnknownKind(&'a str),
    /// Objects of this kind live in no namespace.
    Namespaced(Kind),
    /// It names no object of this kind.
    NoName(Kind),
}

/// `kind/name` or `kind/namespace/name` as kind and key; the namespace is `default` if none is named.
///
/// # Errors
/// Why it refers to nothing.
pub fn object(text: &str) -> Result<(Kind, Key), Unclear<'_>> {
    let (word, name) = text.split_once('/').ok_or(Unclear::NoKind)?;
    let kind = Kind::called(word).ok_or(Unclear::UnknownKind(word))?;
    let key = match name.split_once('/') {
        Some((namespace, name)) if kind.is_namespaced() => Key::new(namespace, name),
        Some(_) => return Err(Unclear::Namespaced(kind)),
        None if kind.is_namespaced() => Key::new("default", name),
        None => Key::cluster(name),
    };
    let is_named = |part: &Name| !part.is_empty() && !part.contains('/');
    if is_named(&key.name) && (is_named(&key.namespace) || !kind.is_namespaced()) {
        Ok((kind, key))
    } else {
        Err(Unclear::NoName(kind))
    }
}

impl Kind {
    /// The kind that a word of kubectl's means: `deployment`, `deployments`, `deploy`. None of those that are not
    /// interpreted.
    pub fn called(word: &str) -> Option<Kind> {
        let short = match word.to_ascii_lowercase().as_str() {
            "deploy" => Some(Kind::Deployment),
            "rs" => Some(Kind::ReplicaSet),
            "po" => Some(Kind::Pod),
            "no" => Some(Kind::Node),
            "svc" => Some(Kind::Service),
            "ns" => Some(Kind::Namespace),
            "pc" => Some(Kind::PriorityClass),
            _ => None,
        };
        let is_meant = |kind: &Kind| kind.name().eq_ignore_ascii_case(word) || kind.plural().eq_ignore_ascii_case(word);
        short.or_else(|| Kind::ALL.iter().copied().filter(|kind| !kind.is_opaque()).find(is_meant))
    }
}

/// Kinds with pods that nobody simulates yet, by what kubectl calls them.
pub fn unsimulated(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "statefulset" | "statefulsets" | "sts" => "StatefulSet",
        "daemonset" | "daemonsets" | "ds" => "DaemonSet",
        "job" | "jobs" => "Job",
        "cronjob" | "cronjobs" | "cj" => "CronJob",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_referred_to_as_kubectl_does() {
        for (text, kind, namespace, name) in [
            ("deployment/web", Kind::Deployment, "default", "web"),
            ("deploy/shop/web", Kind::Deployment, "shop", "web"),
            ("Deployments/web", Kind::Deployment, "default", "web"),
            ("rs/web", Kind::ReplicaSet, "default", "web"),
            ("no/w-1", Kind::Node, "", "w-1"),
            ("priorityclasses/high", Kind::PriorityClass, "", "high"),
        ] {
            assert_eq!(object(text), Ok((kind, Key { namespace: namespace.into(), name: name.into() })), "{text}");
        }
        for (text, why) in [
            ("web", Unclear::NoKind),
            ("sts/db", Unclear::UnknownKind("sts")),
            ("opaque/x", Unclear::UnknownKind("opaque")),
            ("node/shop/w-1", Unclear::Namespaced(Kind::Node)),
            ("deploy/", Unclear::NoName(Kind::Deployment)),
            ("deploy//web", Unclear::NoName(Kind::Deployment)),
            ("deploy/a/b/c", Unclear::NoName(Kind::Deployment)),
        ] {
            assert_eq!(object(text), Err(why), "{text}");
        }
        assert_eq!((unsimulated("sts"), unsimulated("deploy")), (Some("StatefulSet"), None));
    }
}
