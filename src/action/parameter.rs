//! Reads the parameters that only actions have.

use crate::object::field::{Field, Parameters, Shape, Wrong};
use crate::object::taint::{Effect, Taint, TaintKey};
use crate::object::{Key, Kind, Name};

pub use crate::object::parameter::{count, flag, missing, required_text, span, table, text, texts};

/// The parameter `of`: the object that something is done to.
pub const OF: Field = Field::required(
    "of",
    Shape::Text,
    "The object, as `deployment/web`, or `deployment/NAMESPACE/web` outside `default`.",
);

/// What [`OF`] names. Kinds are written as kubectl writes them, in the singular or the plural.
///
/// # Errors
/// If it names no object of a kind that is simulated.
pub fn object(parameters: &Parameters) -> Result<(Kind, Key), Wrong> {
    let given = required_text(parameters, "of", "which object", "of = \"deployment/web\"")?;
    let wrong = |why: String| Wrong::new("of", why).help("write it as `deployment/web` or `deployment/NAMESPACE/web`");
    let Some((kind, name)) = given.split_once('/') else {
        return Err(wrong(format!("`{given}` does not say of which kind")));
    };
    let is_meant = |known: &&Kind| known.name().eq_ignore_ascii_case(kind) || known.plural().eq_ignore_ascii_case(kind);
    let Some(&kind) = Kind::ALL.iter().find(is_meant) else {
        let names = Kind::ALL.iter().map(|kind| kind.name().to_lowercase());
        let known = names.filter(|name| !name.ends_with("opaque")).collect::<Vec<_>>().join(", ");
        return Err(
            Wrong::new("of", format!("`{kind}` is no kind that is simulated")).help(format!("kinds are {known}"))
        );
    };
    let key = match name.split_once('/') {
        Some((namespace, name)) if kind.is_namespaced() => Key::new(namespace, name),
        Some(_) => return Err(wrong(format!("a {kind} has no namespace: `{given}`"))),
        None if kind.is_namespaced() => Key::new("default", name),
        None => Key::cluster(name),
    };
    let is_named = |part: &Name| !part.is_empty() && !part.contains('/');
    if is_named(&key.name) && (is_named(&key.namespace) || !kind.is_namespaced()) {
        Ok((kind, key))
    } else {
        Err(wrong(format!("`{given}` does not name a {kind}")))
    }
}

/// What [`OF`] names, if it is of one of these kinds; `what` is said of another.
///
/// # Errors
/// If it is not.
pub fn object_of(parameters: &Parameters, kinds: &[Kind], what: &str) -> Result<(Kind, Key), Wrong> {
    let (kind, key) = object(parameters)?;
    if kinds.contains(&kind) {
        return Ok((kind, key));
    }
    let known = kinds.iter().map(|kind| kind.name().to_lowercase()).collect::<Vec<_>>().join(" or ");
    Err(Wrong::new("of", format!("a {kind} has no {what}")).help(format!("`of` names a {known}")))
}

/// `key=value:Effect` or `key:Effect`, as kubectl reads it.
pub fn taint(text: &str) -> Option<Taint> {
    let (pair, effect_text) = text.split_once(':')?;
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    let effect = Effect::named(effect_text)?;
    (!key.is_empty()).then(|| Taint { key: key.into(), value: value.into(), effect, time_added: None })
}

/// `key`, `key:Effect` or `key=value:Effect`, with or without kubectl's `-` at the end: a key without an effect stands for
/// all its effects.
pub fn removed_taint(text: &str) -> Option<Vec<TaintKey>> {
    let text = text.strip_suffix('-').unwrap_or(text);
    let (pair, effects) = match text.split_once(':') {
        None => (text, Effect::ALL.to_vec()),
        Some((pair, text)) => (pair, vec![Effect::named(text)?]),
    };
    let key = pair.split_once('=').map_or(pair, |(key, _)| key);
    (!key.is_empty()).then(|| effects.into_iter().map(|effect| (key.into(), effect)).collect())
}
