//! `--set PATH=VALUE` on the tree of a scenario, so that a message about the value points at the argument.

use super::edit::set::Setting;
use super::edit::{Wrong, key, rules};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A setting as a text of TOML, which is kept to quote from.
pub fn text(setting: &Setting) -> String {
    let parts = setting.path.parts.iter().map(|part| key(&part.text));
    format!("{} = {}", parts.collect::<Vec<_>>().join("."), setting.value)
}

/// The setting, if what it sets is looked at after all files are put together.
///
/// # Errors
/// It sets what they are put together from.
pub fn may_be_set(setting: Setting) -> Result<Setting, Wrong> {
    match setting.path.parts.as_slice() {
        [first, ..] if first.text == rules::INCLUDE => Err(Wrong::new(
            "`include` cannot be set: the files are put together before",
            "write a file of your own that includes them, as `include = [\"base.toml\", \"more.toml\"]`",
        )),
        _ => Ok(setting),
    }
}

/// Puts the value of a setting into the tree. `table` is its text, read.
///
/// # Errors
/// The path leads nowhere.
pub fn apply<'a>(tree: &mut DeTable<'a>, setting: &Setting, table: DeTable<'a>) -> Result<(), Wrong> {
    let parts = &setting.path.parts;
    let mut found = table;
    let mut leaf = None;
    for (depth, _) in parts.iter().enumerate() {
        let Some((key, value)) = found.into_iter().next() else { break };
        if depth + 1 == parts.len() {
            leaf = Some((key, value));
            break;
        }
        let DeValue::Table(inner) = value.into_inner() else { break };
        found = inner;
    }
    let Some((key, value)) = leaf else { return Err(Wrong::new("the path has no value", "")) };
    let mut current = tree;
    let mut walked: Vec<&str> = Vec::new();
    let mut rest = parts.iter();
    while let Some(part) = rest.next() {
        if rest.len() == 0 {
            current.remove(part.text.as_str());
            current.insert(key, value);
            return Ok(());
        }
        walked.push(&part.text);
        if rules::is_joined(&walked) && current.get(part.text.as_str()).is_none() {
            let list = walked.join(".");
            let called = rest.next().map_or(String::new(), |element| format!(" `{}`", element.text));
            return Err(Wrong::new(
                format!("the scenario has no `[[{list}]]`{called} to change"),
                format!("`--set` changes what is there: write the `[[{list}]]`{called} into the file"),
            ));
        }
        if current.get(part.text.as_str()).is_none() {
            let empty = Spanned::new(value.span(), DeValue::Table(DeTable::new()));
            let name = Spanned::new(key.span(), part.text.clone().into());
            current.insert(name, empty);
        }
        let Some(inner) = current.get_mut(part.text.as_str()) else { break };
        match inner.get_mut() {
            DeValue::Table(table) => current = table,
            DeValue::Array(array) => {
                let path = walked.join(".");
                let Some(element) = rest.next() else { break };
                let names: Vec<Option<String>> =
                    array.iter().map(|value| name_of(&walked, &element.text, value)).collect();
                let names: Vec<Option<&str>> = names.iter().map(Option::as_deref).collect();
                let index = element.find(&path, &names)?;
                if rest.len() == 0 {
                    return Err(Wrong::new(
                        format!("`{path}.{}` is a whole table", element.text),
                        "say which of its keys: `PATH.KEY=VALUE`",
                    ));
                }
                let Some(DeValue::Table(table)) = array.get_mut(index).map(Spanned::get_mut) else { break };
                current = table;
            }
            _ => {
                let path = walked.join(".");
                return Err(Wrong::new(
                    format!("`{path}` is a value, it has no keys"),
                    format!("write `{path}=VALUE`"),
                ));
            }
        }
    }
    Err(Wrong::new(format!("`{}` leads nowhere", walked.join(".")), "name a key, as `run.seed`"))
}

/// By what an element of a list is called on the command line.
fn name_of(path: &[&str], wanted: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
    let table = value.get_ref().as_table()?;
    let text = |key: &str| table.get(key).and_then(|value| value.get_ref().as_str());
    rules::called(path, wanted, text)
}
