//! What is tried with any bytes at all: by the fuzz targets with bytes that nobody chose, by the tests with those of the
//! corpus. Both include this file. A finding is a panic, a hang, or an assertion that fails.

use evenkeel::kernel::text::unmarked;
use evenkeel::manifest::{self, SourceFile};
use evenkeel::scenario::edit::{fmt, says_the_same};
use evenkeel::scenario::{self, Problems};
use toml::de::DeTable;

/// Files that a scenario may find beside it; the name of each that is not there says so.
const BESIDE: [(&str, &str); 7] = [
    ("web.yaml", include_str!("manifest/web.yaml")),
    ("five-frontends.yaml", include_str!("../../scenarios/five-frontends.yaml")),
    ("node-crash.yaml", include_str!("manifest/node-crash.yaml")),
    ("broken.yaml", "kind: [\n"),
    ("cluster.toml", include_str!("scenario/cluster.toml")),
    ("parts/cluster.toml", include_str!("scenario/cluster.toml")),
    ("round.toml", "schema = \"evenkeel/v1\"\ninclude = [\"round.toml\"]\n"),
];
/// What the scenario itself is called; it may include itself.
const MAIN: &str = "main.toml";

/// Reads bytes as a scenario, and lays them out.
pub fn scenario(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let files = |path: &str| {
        let beside = BESIDE.iter().find(|(name, _)| *name == path).map(|(_, text)| text.to_string());
        let own = (path == MAIN).then(|| text.to_string());
        own.or(beside).ok_or_else(|| "no such file".to_string())
    };
    match scenario::load(MAIN, &files) {
        Ok(loaded) => {
            assert!(!loaded.warnings.has_errors());
            told(&loaded.warnings);
        }
        Err(problems) => {
            assert!(problems.has_errors(), "refused without a reason");
            told(&problems);
        }
    }
    laid_out(text);
    flattened(text, &files);
}

fn told(problems: &Problems) {
    problems.render(true);
    assert!(problems.to_json()["problems"].is_array());
}

fn laid_out(text: &str) {
    let bare = unmarked(text);
    let Ok(before) = DeTable::parse(bare) else {
        assert!(fmt::format(text).is_err(), "no TOML, and laid out all the same");
        return;
    };
    let once = fmt::format(text).unwrap_or_else(|wrong| panic!("{}", wrong.why));
    let after = DeTable::parse(&once).expect("still TOML");
    assert!(says_the_same(before.get_ref(), after.get_ref()), "something else now:\n{once}");
    assert_eq!(fmt::format(&once).as_deref(), Ok(once.as_str()), "laid out differently the second time");
}

fn flattened(text: &str, files: &impl Fn(&str) -> Result<String, String>) {
    match scenario::edit::merge::flatten(MAIN, files) {
        Ok(flat) => assert!(DeTable::parse(&flat).is_ok(), "no TOML any more:\n{text}\n->\n{flat}"),
        Err(problems) => told(&problems),
    }
}

/// Reads bytes as manifests, and writes what was read, which must be readable again.
pub fn manifests(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match manifest::load(&[SourceFile { name: "any.yaml", text }]) {
        Ok(_) => {}
        Err(problems) => assert!(!problems.is_empty(), "refused without a reason"),
    }
}
