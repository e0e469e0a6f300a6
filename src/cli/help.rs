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
        // `run` is a command and a table of scenarios.
        words => match (command(words), name(&words.join(" "))) {
            (Some(command), Some(name)) => Some(format!("{}\n\n{name}", command.trim_end())),
            (command, name) => command.or(name).or_else(|| key(&words.join(" "))),
        },
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
        assert!(unknown("node.crahs").contains("did you mean `node.crash`?"));
    }
}
