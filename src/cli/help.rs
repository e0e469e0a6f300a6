//! `evenkeel help NAME`: explains a command, a name of any registry, or the code of a message.

use super::arguments::{Cli, HelpArguments, Registry};
use super::catalog::{Entry, entries};
use super::{exit, list, terminal};
use crate::scenario::suggest::nearest;
use clap::{CommandFactory, ValueEnum};

/// Explains what was asked for.
pub fn help(arguments: &HelpArguments) -> u8 {
    let style = terminal::style(arguments.shown, None);
    let found = match arguments.words.as_slice() {
        [] => Some(Cli::command().render_long_help().to_string()),
        words => command(words).or_else(|| name(&words.join(" "))),
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
        let width = entry.keys.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        entry.keys.iter().for_each(|(name, what)| text.push_str(&format!("  {name:<width$}  {what}\n")));
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

fn registry_name(registry: Registry) -> String {
    registry.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
}

fn unknown(word: &str) -> String {
    let mut names: Vec<String> = Registry::value_variants().iter().map(|&registry| registry_name(registry)).collect();
    let all = Registry::value_variants().iter().flat_map(|&registry| entries(registry));
    names.extend(all.flat_map(|entry| entry.name.rsplit('/').next().map(String::from)));
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
        assert!(unknown("node.crahs").contains("did you mean `node.crash`?"));
    }
}
