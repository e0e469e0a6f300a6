//! `evenkeel help NAME`: explains a command, a name of any registry, or the code of a message.

use super::arguments::{Cli, HelpArguments, Registry};
use super::catalog::{Entry, Key, entries};
use super::{exit, list, terminal};
use crate::object::field::Field;
use crate::scenario::describe;
use crate::scenario::suggest::nearest;
use clap::{CommandFactory, ValueEnum};

/// Explains what was asked for.
pub fn help(arguments: &HelpArguments) -> u8 {
    let style = terminal::style(arguments.shown, None);
    let found = match arguments.words.as_slice() {
        [] => Some(Cli::command().render_long_help().to_string()),
        // Several things may bear a name: `run` is a command and a table of scenarios, `min-ready` a measure and a key.
        words => {
            let word = words.join(" ");
            // That a table is a key of the file as well is no news.
            let key = if describe::find(&word).is_some() { None } else { key(&word) };
            let found: Vec<String> = [command(words), name(&word), key].into_iter().flatten().collect();
            let found: Vec<&str> = found.iter().map(|text| text.trim_end()).collect();
            (!found.is_empty()).then(|| format!("{}\n", found.join("\n\n"))).or_else(|| path(&word))
        }
    };
    match found {
        Some(text) => terminal::out(&style.finish(text)),
        None => {
            terminal::err(&unknown(&arguments.words.join(" ")));
            exit::UNUSABLE
        }
    }
}

/// The help of a command or of one below it.
fn command(words: &[String]) -> Option<String> {
    let mut command = Cli::command();
    // So that commands know their full names.
    command.build();
    let found = words.iter().try_fold(&mut command, |command, word| command.find_subcommand_mut(word))?;
    Some(found.render_long_help().to_string())
}

fn name(word: &str) -> Option<String> {
    let registry = Registry::value_variants().iter().find(|registry| registry_name(**registry) == word);
    if let Some(&registry) = registry {
        return Some(list::table(&entries(registry)));
    }
    let all = Registry::value_variants().iter().flat_map(|&registry| entries(registry));
    let found: Vec<String> = all.filter(|entry| is_named(entry, word)).map(|entry| explained(&entry)).collect();
    (!found.is_empty()).then(|| found.join("\n"))
}

/// Settings go by the name that upstream gives them too.
fn is_named(entry: &Entry, word: &str) -> bool {
    let own = entry.name.rsplit('/').next().unwrap_or(&entry.name);
    entry.name.eq_ignore_ascii_case(word) || own.eq_ignore_ascii_case(word)
}

fn explained(entry: &Entry) -> String {
    let mut text = format!("{} ({})\n\n{}\n", entry.name, entry.kind, entry.what);
    for (head, cell) in &entry.columns {
        let head: String = head.chars().take(1).chain(head.to_lowercase().chars().skip(1)).collect();
        text.push_str(&format!("{head}: {cell}\n"));
    }
    if !entry.keys.is_empty() {
        text.push_str("\nKeys:\n");
        let width = entry.keys.iter().map(|key| key.name.chars().count()).max().unwrap_or(0);
        for Key { name, shape, is_required, default, what } in &entry.keys {
            let otherwise = match default {
                _ if *is_required => "; required".to_string(),
                Some(default) => format!("; {default} if left out"),
                None => String::new(),
            };
            text.push_str(&format!("  {name:<width$}  {shape}{otherwise}\n"));
            text.push_str(&format!("  {:width$}  {what}\n", ""));
        }
    }
    if !entry.more.is_empty() {
        text.push_str(&format!("\n{}\n", entry.more.trim_end()));
    }
    if !entry.example.is_empty() {
        let lines = entry.example.lines().map(|line| format!("  {line}\n"));
        text.push_str(&format!("\nIn a scenario:\n{}", lines.collect::<String>()));
    }
    text
}

/// A key of any table: all that have it.
fn key(word: &str) -> Option<String> {
    let told = |(table, field): (&describe::Described, &Field)| {
        let required = if field.is_required { "; required" } else { "" };
        let default = field.default.map_or_else(String::new, |default| format!("; {default} if left out"));
        let shape = describe::words(field.shape);
        format!(
            "{word} (key of {})\n\n{}\nValue: {shape}{required}{default}\nMore: evenkeel help {}\n",
            table.written, field.what, table.name
        )
    };
    let found: Vec<String> = describe::with_key(word).map(told).collect();
    (!found.is_empty()).then(|| found.join("\n"))
}

/// A path of a scenario: a key of a table, as `event.after`, or a table in another, as `cluster.pool`.
fn path(word: &str) -> Option<String> {
    let (above, own) = word.rsplit_once('.')?;
    let table = |name: &str| describe::TABLES.iter().find(|table| table.written.trim_matches(['[', ']']) == name);
    if let Some(table) = table(word) {
        return name(table.name);
    }
    let last = above.rsplit('.').next().unwrap_or(above);
    let tables: Vec<&str> = table(above).or_else(|| describe::find(last)).map(|table| table.name).into_iter().collect();
    let all = Registry::value_variants().iter().flat_map(|&registry| entries(registry));
    let is_meant = |entry: &Entry| entry.name.eq_ignore_ascii_case(above) || tables.contains(&entry.name.as_str());
    let keys = all.filter(is_meant).filter_map(|entry| {
        let Key { shape, is_required, default, what, .. } = entry.keys.iter().find(|key| key.name == own)?;
        let required = if *is_required { "; required" } else { "" };
        let default = default.map_or_else(String::new, |default| format!("; {default} if left out"));
        let name = &entry.name;
        Some(format!(
            "{own} (key of {name})\n\n{what}\nValue: {shape}{required}{default}\nMore: evenkeel help {name}\n"
        ))
    });
    let found: Vec<String> = keys.collect();
    (!found.is_empty()).then(|| found.join("\n"))
}

fn registry_name(registry: Registry) -> String {
    registry.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
}

fn unknown(word: &str) -> String {
    let mut names: Vec<String> = Registry::value_variants().iter().map(|&registry| registry_name(registry)).collect();
    let all = Registry::value_variants().iter().flat_map(|&registry| entries(registry));
    names.extend(all.flat_map(|entry| entry.name.rsplit('/').next().map(String::from)));
    names.extend(describe::TABLES.iter().flat_map(|table| table.fields).map(|field| field.name.to_string()));
    let command = Cli::command();
    names.extend(command.get_subcommands().map(|command| command.get_name().to_string()));
    let guess = nearest(word, names.iter().map(String::as_str));
    let guess = guess.map_or_else(String::new, |guess| format!("; did you mean `{guess}`?"));
    format!("error: nothing is called `{word}`{guess}\n  `evenkeel list` shows what has a name\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_explained() {
        for &registry in Registry::value_variants() {
            assert!(name(&registry_name(registry)).is_some());
            for entry in entries(registry) {
                let text = name(&entry.name).unwrap_or_else(|| panic!("{}", entry.name));
                assert!(text.contains(&entry.name) && text.contains(&entry.what), "{text}");
            }
        }
        assert!(name("node-monitor-grace-period").is_some_and(|text| text.contains("(setting)")));
        assert!(command(&["run".to_string()]).is_some_and(|text| text.contains("Usage: evenkeel run")));
        assert!(key("at-most").is_some_and(|text| text.contains("(key of [[expect]])")));
        assert!(key("at-mots").is_none() && unknown("at-mots").contains("did you mean `at-most`?"));
        assert!(path("event.after").is_some_and(|text| text.contains("after (key of event)")));
        assert!(path("cluster.pool").is_some_and(|text| text.contains("capacity")));
        assert!(path("cluster.pool.zones").is_some_and(|text| text.contains("zones (key of pool)")));
        assert!(path("burst.share").is_some_and(|text| text.contains("share (key of burst)")));
        assert!(path("failure.burst.share").is_some_and(|text| text.contains("share (key of burst)")));
        assert!(path("link.slow.factor").is_some_and(|text| text.contains("factor (key of link.slow)")));
        assert!(path("event.nothing").is_none() && path("nothing.at").is_none());
        assert!(unknown("node.crahs").contains("did you mean `node.crash`?"));
    }
}
