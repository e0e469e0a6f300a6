//! `evenkeel get` and `evenkeel events`: the cluster of a run at any moment, as kubectl shows it.

use super::arguments::{EventsArguments, EventsOutput, GetArguments, GetOutput};
use super::past::{self, Refusal, Snapshot};
use super::{exit, terminal};
use crate::etcd::Store;
use crate::object::{Labels, Object};
use crate::printer::resource::{self, Resource};
use crate::printer::served::served;
use crate::printer::table::{Options, table};
use crate::printer::{events, json, yaml};
use serde_json::Value;

/// Prints objects.
pub fn get(arguments: &GetArguments) -> u8 {
    let shown = arguments.shown();
    let past = match past::open(&arguments.run.run) {
        Ok(past) => past,
        Err(refusal) => return refusal.tell(shown),
    };
    let snapshot = past.at(arguments.moment.at.as_ref());
    match snapshot.and_then(|snapshot| Ok((asked(arguments, snapshot.world.store())?, snapshot))) {
        Ok((asked, snapshot)) => print(arguments, &asked, &snapshot),
        Err(refusal) => refusal.tell(shown),
    }
}

/// A kind, and the objects of it that are wanted; all if none is named.
struct Asked {
    resource: Resource,
    names: Vec<String>,
}

/// What the words ask for.
fn asked(arguments: &GetArguments, store: &Store) -> Result<Vec<Asked>, Refusal> {
    let known = resource::known(store);
    let find = |words: &str| resource::find(words, &known).map_err(Refusal::unusable);
    let (is_all, selector) = (arguments.all_namespaces, &arguments.selector);
    let Some((kinds, names)) = arguments.what.split_first() else { return Ok(Vec::new()) };
    let mut asked: Vec<Asked> = Vec::new();
    if arguments.what.iter().any(|word| word.contains('/')) {
        for word in &arguments.what {
            let Some((kind, name)) = word.split_once('/').filter(|(kind, name)| !kind.is_empty() && !name.is_empty())
            else {
                return Err(Refusal::unusable(format!(
                    "`{word}` is not KIND/NAME as the other words are; write `get RUN pod/a pod/b` or `get RUN pods a b`"
                )));
            };
            for resource in find(kind)? {
                match asked.last_mut().filter(|last| last.resource == resource) {
                    Some(last) => last.names.push(name.to_string()),
                    None => asked.push(Asked { resource, names: vec![name.to_string()] }),
                }
            }
        }
    } else {
        asked.extend(find(kinds)?.into_iter().map(|resource| Asked { resource, names: names.to_vec() }));
    }
    let is_named = asked.iter().any(|asked| !asked.names.is_empty());
    if is_named && is_all {
        return Err(Refusal::unusable("a resource cannot be retrieved by name across all namespaces"));
    }
    if is_named && selector.is_some() {
        return Err(Refusal::unusable("name cannot be provided when a selector is specified"));
    }
    Ok(asked)
}

fn print(arguments: &GetArguments, asked: &[Asked], snapshot: &Snapshot<'_>) -> u8 {
    let store = snapshot.world.store();
    let namespace = (!arguments.all_namespaces).then_some(arguments.namespace.as_str());
    let (mut groups, mut missing): (Vec<(&Resource, Vec<Value>)>, String) = (Vec::new(), String::new());
    for Asked { resource, names } in asked {
        let objects: Vec<&Object> =
            resource.objects(store).into_iter().filter(|o| is_in(o, resource, namespace)).collect();
        let mut documents = Vec::new();
        for name in names {
            match objects.iter().find(|object| object.names().1 == name) {
                Some(object) => documents.push(served(object)),
                None => missing
                    .push_str(&format!("Error from server (NotFound): {} \"{name}\" not found\n", resource.name())),
            }
        }
        if names.is_empty() {
            let matches =
                |labels: &Labels| arguments.selector.as_ref().is_none_or(|selector| selector.0.matches(labels));
            documents.extend(objects.into_iter().filter(|object| matches(&object.meta().labels)).map(served));
        }
        groups.push((resource, documents));
    }
    let is_single = matches!(asked, [Asked { names, .. }] if names.len() == 1);
    let text = match arguments.output {
        Some(GetOutput::Json) => document(groups, is_single).map_or_else(String::new, |document| json::json(&document)),
        Some(GetOutput::Yaml) => document(groups, is_single).map_or_else(String::new, |document| yaml::yaml(&document)),
        Some(GetOutput::Name) => groups.iter().flat_map(|(resource, documents)| names(resource, documents)).collect(),
        None | Some(GetOutput::Wide) => tables(arguments, asked, &groups, snapshot, missing.is_empty()),
    };
    let printed = terminal::out(&text);
    terminal::err(&missing);
    if missing.is_empty() { printed } else { printed.max(exit::NOT_MET) }
}

/// Whether an object lies in the namespace, if it lies in any.
fn is_in(object: &Object, resource: &Resource, namespace: Option<&str>) -> bool {
    !resource.is_namespaced || namespace.is_none_or(|namespace| object.meta().namespace().as_str() == namespace)
}

fn document(groups: Vec<(&Resource, Vec<Value>)>, is_single: bool) -> Option<Value> {
    let mut all: Vec<Value> = groups.into_iter().flat_map(|(_, documents)| documents).collect();
    if is_single { all.pop() } else { Some(json::list(all)) }
}

fn names(resource: &Resource, documents: &[Value]) -> Vec<String> {
    let name = |document: &Value| document["metadata"]["name"].as_str().unwrap_or_default().to_string();
    documents.iter().map(|document| format!("{}/{}\n", resource.prefix(), name(document))).collect()
}

/// A table for each kind, an empty line between them. If there is nothing at all, and nothing is wrong, that is said.
fn tables(
    arguments: &GetArguments,
    asked: &[Asked],
    groups: &[(&Resource, Vec<Value>)],
    snapshot: &Snapshot<'_>,
    is_all_found: bool,
) -> String {
    let now = snapshot.world.clock().micro_time(snapshot.at);
    let options = Options {
        with_kind: asked.len() > 1,
        with_namespace: arguments.all_namespaces,
        with_labels: arguments.show_labels,
        is_wide: arguments.output == Some(GetOutput::Wide),
        no_heads: arguments.no_headers,
    };
    let tables = groups.iter().map(|(resource, documents)| table(resource, documents, now, options));
    let tables: Vec<String> = tables.filter(|table| !table.is_empty()).collect();
    if tables.is_empty() && is_all_found {
        let is_namespaced = asked.iter().all(|asked| asked.resource.is_namespaced) && !arguments.all_namespaces;
        terminal::err(&match is_namespaced {
            true => format!("No resources found in {} namespace.\n", arguments.namespace),
            false => "No resources found\n".to_string(),
        });
    }
    tables.join(if arguments.no_headers { "" } else { "\n" })
}

/// Prints Events.
pub fn events(arguments: &EventsArguments) -> u8 {
    let shown = arguments.shown();
    let past = match past::open(&arguments.run.run) {
        Ok(past) => past,
        Err(refusal) => return refusal.tell(shown),
    };
    match past.at(arguments.moment.at.as_ref()).and_then(|snapshot| print_events(arguments, &snapshot)) {
        Ok(code) => code,
        Err(refusal) => refusal.tell(shown),
    }
}

fn print_events(arguments: &EventsArguments, snapshot: &Snapshot<'_>) -> Result<u8, Refusal> {
    let store = snapshot.world.store();
    let known = resource::known(store);
    let find = |word: &str| resource::find(word, &known).map_err(Refusal::unusable);
    let about = match &arguments.about {
        None => None,
        Some(word) => {
            let Some((kind, name)) = word.split_once('/').filter(|(kind, name)| !kind.is_empty() && !name.is_empty())
            else {
                return Err(Refusal::unusable("--for must be in resource/name form, as `--for pod/web-1`"));
            };
            Some((find(kind)?, name))
        }
    };
    let resource = find("events")?.remove(0);
    let namespace = (!arguments.all_namespaces).then_some(arguments.namespace.as_str());
    let objects = resource.objects(store).into_iter().filter(|object| is_in(object, &resource, namespace));
    let is_wanted = |event: &Value| {
        let (regarding, kind) = (&event["involvedObject"], event["type"].as_str().unwrap_or_default());
        let is_about = about.as_ref().is_none_or(|(kinds, name)| {
            regarding["name"] == *name && kinds.iter().any(|resource| regarding["kind"] == resource.kind.as_str())
        });
        let is_of_type =
            arguments.types.is_empty() || arguments.types.iter().any(|wanted| wanted.eq_ignore_ascii_case(kind));
        is_about && is_of_type
    };
    let mut found: Vec<Value> = objects.map(served).filter(is_wanted).collect();
    events::sort(&mut found);
    let text = match arguments.output {
        Some(EventsOutput::Json) => json::json(&json::list(found)),
        Some(EventsOutput::Yaml) => yaml::yaml(&json::list(found)),
        Some(EventsOutput::Name) => names(&resource, &found).concat(),
        None if found.is_empty() => {
            terminal::err(&match namespace {
                Some(namespace) => format!("No events found in {namespace} namespace.\n"),
                None => "No events found.\n".to_string(),
            });
            String::new()
        }
        None => {
            let now = snapshot.world.clock().micro_time(snapshot.at);
            events::events(&found, now, arguments.all_namespaces, arguments.no_headers)
        }
    };
    Ok(terminal::out(&text))
}
