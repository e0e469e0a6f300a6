//! What is the same thing in two files: how a file that includes another changes it. Data and small questions, the same
//! for the text and for the reader's tree.

/// Lists of tables that are joined, each by its path. An element that is called like one of the base changes that one.
/// All other lists are replaced as a whole.
pub const JOINED: &[&[&str]] =
    &[&["cluster", "pool"], &["domain"], &["event"], &["expect"], &["failure"], &["workload"]];

/// The list of manifest files: joined too, each file once.
pub const MANIFESTS: &str = "manifests";

/// The list of files to include: not part of what comes out.
pub const INCLUDE: &str = "include";

/// The key of the list of events, which may apply manifests too.
pub const EVENT: &str = "event";

/// Whether the list of tables at this path is joined.
pub fn is_joined(path: &[&str]) -> bool {
    JOINED.contains(&path)
}

/// Whether a table is one value, so that the including file's replaces the included one's as a whole: the keys of a
/// target mean "and", and those of one distribution mean nothing to another. `key` is the table's own, `has` asks the
/// including file's table.
pub fn is_one_value(key: &str, has: impl Fn(&str) -> bool) -> bool {
    key == "target" || has("dist")
}

/// By what an element of the list at `path` is called on the command line, where somebody asks for `wanted`: by its id or
/// name. A workload may be told from others of its name by its namespace, as `shop/web`, and by its kind too, as
/// `deployment/shop/web`.
pub fn called<'a>(path: &[&str], wanted: &str, text: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let parts = identity(path, text)?;
    match (parts.as_slice(), wanted.matches('/').count()) {
        ([_, namespace, name], 1) => Some(format!("{namespace}/{name}")),
        ([kind, namespace, name], 2) => Some(format!("{}/{namespace}/{name}", kind.to_ascii_lowercase())),
        (parts, _) => parts.last().map(|last| (*last).to_string()),
    }
}

/// What an element of the list at `path` is called, if anything: its `id`, or its `name`, and for a workload also its
/// kind and namespace. `text` gives the text of a key, if it is a text.
pub fn identity<'a>(path: &[&str], text: impl Fn(&str) -> Option<&'a str>) -> Option<Vec<&'a str>> {
    if path == ["workload"] {
        return Some(vec![text("kind").unwrap_or("Deployment"), text("namespace").unwrap_or("default"), text("name")?]);
    }
    text("id").or_else(|| text("name")).map(|own| vec![own])
}
