//! Reads the parameters of a fault or an action, and makes it of them.

use super::row::{Built, Row};
use crate::object::field::{Field, Parameters, Value};
use crate::scenario::reader::{At, Section, Sink};
use crate::scenario::schema::What;
use crate::scenario::{patch, pool, shape, target};
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::DeValue;

/// The parameters of an event.
pub(super) struct Read<'a> {
    row: Row,
    values: Parameters,
    places: Vec<(&'static str, Range<usize>)>,
    /// Whether all could be read, and none is missing.
    is_whole: bool,
    /// The table of a patch.
    patch: Option<&'a Spanned<DeValue<'a>>>,
}

impl<'a> Read<'a> {
    /// Reads them. If what the event is about stands in the wrong key it is not missed in the right one.
    pub(super) fn of(row: Row, is_misplaced: bool, section: &mut Section<'a>, sink: &mut Sink<'_>) -> Read<'a> {
        let patch = if row.name() == "patch" { section.value("patch") } else { None };
        let mut read = Read { row, values: Parameters::new(), places: Vec::new(), is_whole: true, patch };
        for field in row.parameters() {
            if field.name == "of" && is_misplaced && section.is_missing("of") {
                read.is_whole = false;
                continue;
            }
            let value = if field.is_required { section.required(field.name, sink) } else { section.value(field.name) };
            let Some(value) = value else {
                read.is_whole &= !field.is_required;
                continue;
            };
            read.places.push((field.name, value.span()));
            match shape::read(value, field.name, field.shape, sink) {
                Some(Value::Text(text)) if text.is_empty() => {
                    sink.bad_value(&value.span(), format!("`{}` is empty", field.name)).note(field.what);
                    read.is_whole = false;
                }
                Some(value) => drop(read.values.insert(field.name, value)),
                None => read.is_whole = false,
            }
        }
        read
    }

    /// Where a parameter is written.
    pub(super) fn place(&self, key: &str) -> Option<Range<usize>> {
        self.places.iter().find(|(name, _)| *name == key).map(|(_, bytes)| bytes.clone())
    }

    /// A parameter that is a text, with its place.
    pub(super) fn text(&self, key: &str) -> Option<At<String>> {
        let value = self.values.get(key).and_then(Value::as_text)?.to_string();
        Some(At { value, bytes: self.place(key)? })
    }

    /// Where that is written which the object may refuse.
    pub(super) fn tried(&self) -> Option<Range<usize>> {
        self.places.iter().find(|(name, _)| ["patch", "container"].contains(name)).map(|(_, bytes)| bytes.clone())
    }

    /// What the event does; everything that is wrong with the parameters is told. `whole` is the place of the event.
    pub(super) fn what(&self, whole: &Range<usize>, sink: &mut Sink<'_>) -> Option<What> {
        match self.built(whole, sink) {
            Some(Built::Whole(what)) => Some(what),
            Some(Built::ByReader) => self.by_reader(sink).filter(|_| self.is_whole),
            None => None,
        }
    }

    /// A row says one thing that is wrong. Then it is asked again with something good in that place, until it finds no
    /// more: so are the parameters that are there checked even if others are not.
    fn built(&self, whole: &Range<usize>, sink: &mut Sink<'_>) -> Option<Built> {
        let mut values = self.values.clone();
        let mut is_good = self.is_whole;
        for field in self.row.parameters() {
            if field.is_required && !values.contains_key(field.name) {
                values.extend(placeholder(field).map(|value| (field.name, value)));
            }
        }
        // Once for each parameter, and once for what is wrong between them.
        for _ in 0..=self.row.parameters().len() {
            let wrong = match self.row.build(&values) {
                Ok(Built::ByReader) => return Some(Built::ByReader),
                Ok(built) => return is_good.then_some(built),
                Err(wrong) => wrong,
            };
            let place = self.place(wrong.key).filter(|_| self.values.contains_key(wrong.key));
            let is_known = values.get(wrong.key) != self.values.get(wrong.key);
            if is_known || (place.is_none() && !self.is_whole) {
                return None;
            }
            let is_missing = place.is_none() && !wrong.key.is_empty();
            shape::wrong(&wrong, &place.clone().unwrap_or_else(|| whole.clone()), is_missing, sink);
            is_good = false;
            let field = self.row.parameters().iter().find(|field| field.name == wrong.key);
            place.as_ref()?;
            values.insert(wrong.key, field.and_then(placeholder)?);
        }
        None
    }

    /// What only this layer can make: it reads manifests and knows the pools.
    fn by_reader(&self, sink: &mut Sink<'_>) -> Option<What> {
        match self.row.name() {
            "patch" => {
                let of = self.text("of").and_then(|of| {
                    let found = target::workload(&of.value);
                    if found.is_none() {
                        sink.bad_value(&of.bytes, format!("`{}` is not an object", of.value))
                            .label("expected as \"deployment/web\"");
                    }
                    found
                });
                let table = self.patch?.get_ref().as_table()?;
                if table.is_empty() {
                    sink.bad_value(&self.place("patch").unwrap_or_default(), "a patch that changes nothing")
                        .help("write what is to change, as `patch = { spec.minReadySeconds = 10 }`");
                    return None;
                }
                let (kind, key) = of?;
                Some(What::Action(Arc::new(patch::patch(kind, key, table))))
            }
            "apply" => {
                let Some(Value::List(names)) = self.values.get("manifests") else { return None };
                let bytes = self.place("manifests")?;
                let names = names.iter().filter_map(Value::as_text);
                let manifests: Vec<_> =
                    names.map(|name| At { value: name.to_string(), bytes: bytes.clone() }).collect();
                if manifests.is_empty() {
                    sink.bad_value(&bytes, "there is nothing to apply")
                        .help("name a file: `manifests = [\"web-v2.yaml\"]`");
                    return None;
                }
                Some(What::Apply { manifests })
            }
            _ => {
                let count = self.text("count").map_or(Some(1), |text| text.value.parse().ok())?;
                if count > pool::NODES_MAX {
                    let bytes = self.place("count").unwrap_or_default();
                    sink.bad_value(&bytes, format!("{count} machines are more than {}", pool::NODES_MAX));
                    return None;
                }
                Some(What::Add { pool: self.text("pool")?, count })
            }
        }
    }
}

/// A value with which most parameters are content; none if there is none to tell.
fn placeholder(field: &Field) -> Option<Value> {
    let written = crate::scenario::reader::example(field);
    let value = DeValue::parse(&written).ok()?;
    let mut unheard = crate::scenario::Problems::default();
    shape::read(&value, field.name, field.shape, &mut Sink::new("", &mut unheard))
}
