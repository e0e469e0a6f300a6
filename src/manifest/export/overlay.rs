//! A document and the changes laid over it.

use serde_json::{Map, Value};

/// A document that is being changed.
pub struct Overlay {
    /// The document so far.
    pub document: Value,
}

impl Overlay {
    /// Begins with a document.
    pub fn new(document: Value) -> Overlay {
        Overlay { document }
    }

    /// Sets the value at `path` (a JSON pointer); null takes it away.
    pub fn set(&mut self, path: &str, value: Value) {
        if !value.is_null() {
            *at(&mut self.document, path) = value;
        } else if let Some((parent, field)) = path.rsplit_once('/')
            && let Some(parent) = self.document.pointer_mut(parent).and_then(Value::as_object_mut)
        {
            // `remove` would swap the last field into the gap.
            parent.shift_remove(field);
        }
    }

    /// Sets the value at `path` if it is not what the document says already.
    pub fn change<T: PartialEq>(&mut self, path: &str, now: &T, was: &T, value: impl FnOnce(&T) -> Value) {
        if now != was {
            self.set(path, value(now));
        }
    }

    /// As [`Overlay::change`], for a list: of an element that is still in its place, the fields that `value` does not
    /// know are kept.
    pub fn change_list<T: PartialEq>(&mut self, path: &str, now: &[T], was: &[T], value: impl Fn(&T) -> Value) {
        if now == was {
            return;
        }
        if now.is_empty() || now.len() != was.len() {
            self.set(path, super::list(now.iter().map(value)));
            return;
        }
        for (index, (new, old)) in now.iter().zip(was).enumerate().filter(|(_, (new, old))| new != old) {
            let (new, old) = (value(new), value(old));
            for (field, value) in new.as_object().into_iter().flatten() {
                if old[field] != *value {
                    self.set(&format!("{path}/{index}/{field}"), value.clone());
                }
            }
            let gone = old.as_object().into_iter().flatten().filter(|(field, _)| new[field.as_str()].is_null());
            gone.for_each(|(field, _)| self.set(&format!("{path}/{index}/{field}"), Value::Null));
        }
    }
}

/// The value at `path`, made if it is not there.
pub fn at<'a>(value: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('/').skip(1).fold(value, |value, key| match value {
        Value::Array(items) => &mut items[key.parse::<usize>().expect("an index into a list")],
        value => {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            &mut value[key]
        }
    })
}
