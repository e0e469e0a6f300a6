//! Reads the parameters that only actions have.

use crate::object::field::{Field, Parameters, Shape, Wrong};
use crate::object::reference::{self, Unclear};
use crate::object::taint::{Effect, Taint, TaintKey};
use crate::object::{Key, Kind};

pub use crate::object::parameter::{count, flag, missing, required_text, span, table, text, texts};

/// The parameter `of`: the object that something is done to.
pub const OF: Field = Field::required(
    "of",
    Shape::Text,
    "The object, as `deployment/web`, or `deployment/NAMESPACE/web` outside `default`.",
);

/// What [`OF`] names. Kinds are written as kubectl writes them: in the singular, the plural or in short.
///
/// # Errors
/// If it names no object of a kind that is simulated.
pub fn object(parameters: &Parameters) -> Result<(Kind, Key), Wrong> {
    let given = required_text(parameters, "of", "which object", "of = \"deployment/web\"")?;
    reference::object(given).map_err(|unclear| {
        let wrong =
            |why: String| Wrong::new("of", why).help("write it as `deployment/web` or `deployment/NAMESPACE/web`");
        match unclear {
            Unclear::NoKind => wrong(format!("`{given}` does not say of which kind")),
            Unclear::Namespaced(kind) => wrong(format!("a {kind} has no namespace: `{given}`")),
            Unclear::NoName(kind) => wrong(format!("`{given}` does not name a {kind}")),
            Unclear::UnknownKind(word) => {
                let names = Kind::ALL.iter().filter(|kind| !kind.is_opaque()).map(|kind| kind.name().to_lowercase());
                let known = names.collect::<Vec<_>>().join(", ");
                let why = match reference::unsimulated(word) {
                    Some(kind) => format!("a {kind} is not simulated yet"),
                    None => format!("`{word}` is no kind that is simulated"),
                };
                Wrong::new("of", why).help(format!("kinds are {known}"))
            }
        }
    })
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
