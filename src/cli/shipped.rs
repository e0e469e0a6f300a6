//! The scenarios that come with the program. A new file of `scenarios/` needs a row in [`SHIPPED`]; a test says so.

/// A scenario that comes with the program.
pub struct Shipped {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// Its manifests: their names, as the scenario says them, and their texts.
    pub manifests: &'static [(&'static str, &'static str)],
}

/// The template that `new` uses if none is asked for.
pub const DEFAULT: &str = "node-crash";

macro_rules! shipped {
    ($($name:literal $(with $($manifest:literal),+)?;)*) => {
        /// All of them, the simplest first.
        pub const SHIPPED: &[Shipped] = &[$(Shipped {
            name: $name,
            text: include_str!(concat!("../../scenarios/", $name, ".toml")),
            manifests: &[$($(($manifest, include_str!(concat!("../../scenarios/", $manifest)))),+)?],
        },)*];
    };
}

shipped! {
    "five-frontends" with "five-frontends.yaml";
    "node-crash";
    "rolling-update";
    "bad-rollout";
    "drain";
    "partition";
    "one-way-partition";
    "zone-outage";
    "rack-power-loss";
    "flapping-node";
    "slow-registry";
    "thundering-return";
    "random-month";
}

/// The scenario of this name.
pub fn find(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|shipped| shipped.name == name)
}

impl Shipped {
    /// What it is about, in its own words.
    pub fn title(&self) -> String {
        let table = self.text.parse::<toml::Table>().unwrap_or_default();
        table.get("title").and_then(toml::Value::as_str).unwrap_or_default().to_string()
    }

    /// The comment that it begins with.
    pub fn introduction(&self) -> String {
        // A line for editors may come first.
        let lines = self.text.lines().skip_while(|line| line.starts_with("#:") || line.is_empty());
        let comment = lines.take_while(|line| line.starts_with('#') && !line.starts_with("#:"));
        comment.map(|line| format!("{}\n", line.trim_start_matches('#').trim())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;
    use std::path::Path;

    #[test]
    fn all_files_of_the_folder_are_shipped() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let name = |path: std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().to_string();
        let mut found: Vec<String> = entries.filter(|path| path.is_file()).map(name).collect();
        let mut shipped: Vec<String> = SHIPPED.iter().map(|shipped| format!("{}.toml", shipped.name)).collect();
        shipped.extend(SHIPPED.iter().flat_map(|shipped| shipped.manifests).map(|(name, _)| name.to_string()));
        found.sort();
        shipped.sort();
        shipped.dedup();
        assert_eq!(shipped, found, "rows of `SHIPPED` and files of scenarios/");
    }

    #[test]
    #[cfg(feature = "manifest")]
    fn each_is_whole_and_has_a_title() {
        for shipped in SHIPPED {
            let files = |path: &str| {
                let manifest = shipped.manifests.iter().find(|(name, _)| *name == path).map(|(_, text)| *text);
                let text = if path == "x.toml" { Some(shipped.text) } else { manifest };
                text.map(String::from).ok_or_else(|| "it is not shipped".to_string())
            };
            let loaded =
                scenario::load("x.toml", &files).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
            assert_eq!(loaded.manifests.len(), shipped.manifests.len(), "{}", shipped.name);
            assert!(!shipped.title().is_empty(), "{}", shipped.name);
        }
        assert!(find(DEFAULT).is_some());
    }
}
