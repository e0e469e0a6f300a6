//! Decoding a JSON value into a Kubernetes type as strictly as the API server does, in its words.
//!
//! Source: apimachinery `pkg/runtime/serializer/json/json.go`, sigs.k8s.io/json, v1.36. The types' own code names each
//! struct and its fields to the deserializer, so one deserializer of ours knows every unknown field and the Go name of
//! the struct that a wrong value stands in. Left out: the Go names of slice types (`[]v1.Container`), which our types
//! do not tell: they read `[]`.

use crate::object::quantity::{self, Quantity};
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::cell::RefCell;
use std::fmt;

/// A field that the type does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// Its path, as `spec.containers[0].imge`.
    pub path: String,
    /// The field of that struct whose name is nearest, if one is near.
    pub nearest: Option<&'static str>,
}

/// A value of the wrong type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path of the value.
    pub path: String,
    /// The decoder's words.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Fault {
        Fault { path: String::new(), message: message.to_string() }
    }
}

/// Decodes `value`; also the fields that `T` does not have.
///
/// # Errors
/// The first value of a wrong type.
pub fn decode<T: DeserializeOwned>(value: &Value) -> Result<(T, Vec<UnknownField>), Fault> {
    let unknown = RefCell::new(Vec::new());
    let root = Strict { value, path: String::new(), go_path: String::new(), parent: "", unknown: &unknown };
    let decoded = T::deserialize(root)?;
    Ok((decoded, unknown.into_inner()))
}

#[derive(Clone)]
struct Strict<'a> {
    value: &'a Value,
    path: String,
    /// As Go's decoder names it: no indexes, no keys of maps.
    go_path: String,
    /// The struct that this value is a field of.
    parent: &'static str,
    unknown: &'a RefCell<Vec<UnknownField>>,
}

fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

impl Strict<'_> {
    fn says(&self, message: String) -> Fault {
        Fault { path: self.path.clone(), message }
    }

    fn wrong_type(&self, go_type: &str) -> Fault {
        self.wrong(go_kind(self.value), go_type)
    }

    fn wrong(&self, what: &str, go_type: &str) -> Fault {
        let place = match (self.parent, self.go_path.as_str()) {
            ("", _) | (_, "") => "value".to_string(),
            (parent, path) => format!("struct field {parent}.{path}"),
        };
        self.says(format!("json: cannot unmarshal {what} into Go {place} of type {go_type}"))
    }

    fn integer(&self, go_type: &str, min: i64, max: i64) -> Result<i64, Fault> {
        match self.value {
            Value::Null => Ok(0),
            Value::Number(number) => number
                .as_i64()
                .filter(|number| (min..=max).contains(number))
                .ok_or_else(|| self.wrong(&format!("number {number}"), go_type)),
            _ => Err(self.wrong_type(go_type)),
        }
    }

    fn text(&self) -> Result<&str, Fault> {
        match self.value {
            Value::Null => Ok(""),
            Value::String(text) => Ok(text),
            _ => Err(self.wrong_type("string")),
        }
    }

    /// Names a fault that the type's own code raised.
    fn placed<T>(path: &str, result: Result<T, Fault>) -> Result<T, Fault> {
        result.map_err(|fault| if fault.path.is_empty() { Fault { path: path.to_string(), ..fault } } else { fault })
    }
}

macro_rules! integers {
    ($($method:ident, $visit:ident, $type:ty;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let max = i64::try_from(<$type>::MAX).unwrap_or(i64::MAX);
            let min = i64::try_from(<$type>::MIN).unwrap_or(0);
            let number = self.integer(stringify!($type).replace(['i', 'u'], "int").as_str(), min, max)?;
            visitor.$visit(number as $type)
        })*
    };
}

impl<'de> de::Deserializer<'de> for Strict<'de> {
    type Error = Fault;

    integers! {
        deserialize_i8, visit_i8, i8;
        deserialize_i16, visit_i16, i16;
        deserialize_i32, visit_i32, i32;
        deserialize_i64, visit_i64, i64;
        deserialize_u8, visit_u8, u8;
        deserialize_u16, visit_u16, u16;
        deserialize_u32, visit_u32, u32;
        deserialize_u64, visit_u64, u64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => visitor.visit_i64(number),
                (None, number) => visitor.visit_f64(number.unwrap_or(f64::MAX)),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Array(_) => self.deserialize_seq(visitor),
            Value::Object(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_bool(false),
            Value::Bool(value) => visitor.visit_bool(*value),
            _ => Err(self.wrong_type("bool")),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value.as_f64() {
            Some(number) => visitor.visit_f64(number),
            None => Err(self.wrong_type("float64")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text = self.text()?;
        Strict::placed(&self.path, visitor.visit_str(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    /// Quantities and dates: their own decoders have words of their own.
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        let path = self.path.clone();
        match name {
            "Quantity" => {
                let text = match self.value {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    Value::Null => "0".to_string(),
                    _ => String::new(),
                };
                Quantity::parse(&text).map_err(|_| self.says(quantity::FORMAT_WRONG.to_string()))?;
                visitor.visit_newtype_struct(IntoDeserializer::<Fault>::into_deserializer(text))
            }
            "Time" | "MicroTime" => {
                let text = self.text()?.to_string();
                let layout =
                    if name == "Time" { "2006-01-02T15:04:05Z07:00" } else { "2006-01-02T15:04:05.000000Z07:00" };
                let message = format!("parsing time {text:?} as {layout:?}: cannot parse {text:?} as \"2006\"");
                visitor.visit_newtype_struct(self).map_err(|_| Fault { path, message })
            }
            _ => Strict::placed(&path, visitor.visit_newtype_struct(self)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let empty: &[Value] = &[];
        let items = match self.value {
            Value::Null => empty,
            Value::Array(items) => items,
            _ => return Err(self.wrong_type("[]")),
        };
        visitor.visit_seq(Items { items: items.iter(), index: 0, parent: self })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.fields(None, "map[string]string", visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.fields(Some((name, fields)), &format!("v1.{name}"), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(self.text()?.to_string().into_deserializer())
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

impl<'de> Strict<'de> {
    /// The entries of an object: of a struct if `known` names one, of a map otherwise.
    fn fields<V: Visitor<'de>>(
        self,
        known: Option<(&'static str, &'static [&'static str])>,
        go_type: &str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_map(Entries { entries: None, pending: None, known, parent: self }),
            Value::Object(map) => {
                let entries = Some(map.iter());
                visitor.visit_map(Entries { entries, pending: None, known, parent: self })
            }
            _ => Err(self.wrong_type(go_type)),
        }
    }
}

struct Items<'de> {
    items: std::slice::Iter<'de, Value>,
    index: usize,
    parent: Strict<'de>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(value) = self.items.next() else { return Ok(None) };
        let path = format!("{}[{}]", self.parent.path, self.index);
        self.index += 1;
        let item = Strict { value, path: path.clone(), ..self.parent.clone() };
        Strict::placed(&path, seed.deserialize(item)).map(Some)
    }
}

struct Entries<'de> {
    entries: Option<serde_json::map::Iter<'de>>,
    pending: Option<Strict<'de>>,
    known: Option<(&'static str, &'static [&'static str])>,
    parent: Strict<'de>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.entries.as_mut().and_then(Iterator::next) else { return Ok(None) };
        let join = |path: &str| if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let path = join(&self.parent.path);
        let (go_path, parent) = match self.known {
            Some((name, fields)) => {
                // What every type meets once more at its root is not among the fields of some.
                let is_root = self.parent.path.is_empty() && ["apiVersion", "kind"].contains(&key.as_str());
                if !fields.contains(&key.as_str()) && !is_root {
                    let nearest = nearest(key, fields);
                    self.parent.unknown.borrow_mut().push(UnknownField { path: path.clone(), nearest });
                }
                (join(&self.parent.go_path), name)
            }
            None => (self.parent.go_path.clone(), self.parent.parent),
        };
        self.pending = Some(Strict { value, path, go_path, parent, unknown: self.parent.unknown });
        seed.deserialize(IntoDeserializer::<Fault>::into_deserializer(key.as_str())).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let value = self.pending.take().expect("a value follows its key");
        let path = value.path.clone();
        Strict::placed(&path, seed.deserialize(value))
    }
}

/// The nearest of `known` to a misspelt `name`: at most a third of its letters differ.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = name.to_lowercase();
    let limit = (name.chars().count() / 3).max(1);
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    known
        .iter()
        .map(|candidate| {
            let lower = candidate.to_lowercase();
            // Letters that changed places are one slip.
            let distance = if letters(&lower) == letters(&name) { 1 } else { distance(&name, &lower) };
            (distance, *candidate)
        })
        .min()
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, over one row.
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Pod;
    use serde_json::json;

    fn fault(value: Value) -> String {
        decode::<Pod>(&value).map(|_| ()).unwrap_err().message
    }

    #[test]
    fn wrong_types_are_told_in_the_words_of_go() {
        let place = "json: cannot unmarshal number into Go struct field PodSpec.spec.nodeName of type string";
        assert_eq!(fault(json!({"spec": {"nodeName": 5}})), place);
        let place = "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string";
        assert_eq!(fault(json!({"metadata": {"labels": {"a": true}}})), place);
        let place = "json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort \
                     of type int32";
        let ports = json!([{"name": "c", "ports": [{"containerPort": "80"}]}]);
        assert_eq!(fault(json!({"spec": {"containers": ports}})), place);
        let resources = json!([{"name": "c", "resources": {"requests": {"cpu": "1 core"}}}]);
        assert_eq!(fault(json!({"spec": {"containers": resources}})), quantity::FORMAT_WRONG);
    }

    #[test]
    fn unknown_fields_are_listed_with_the_nearest_known_one() {
        let pod =
            json!({"kind": "Pod", "apiVersion": "v1", "spec": {"containers": [{"name": "c", "imge": "x"}], "foo": 1}});
        let (_, unknown) = decode::<Pod>(&pod).unwrap();
        let expected = [("spec.containers[0].imge", Some("image")), ("spec.foo", None)];
        assert_eq!(unknown.iter().map(|field| (field.path.as_str(), field.nearest)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn numbers_do_for_quantities_and_nulls_for_anything() {
        let pod = json!({"spec": {"containers": [{"name": null, "resources": {"requests": {"cpu": 0.5}}}]}});
        let (pod, unknown) = decode::<Pod>(&pod).unwrap();
        assert!(unknown.is_empty());
        let container = &pod.spec.unwrap().containers[0];
        assert_eq!(container.resources.as_ref().unwrap().requests.as_ref().unwrap()["cpu"].0, "0.5");
    }
}
