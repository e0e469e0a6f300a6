//! The source text keeps its own rules: who may import whom, how long a file is, what the engine
//! never touches. Each check is a function from sources to complaints, tried on the tree and on a
//! snippet that breaks its rule.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Most lines of a file under src/.
const LINES_MAX: usize = 500;
/// The highest layer of the engine, which knows no clock, no files, no threads and no environment.
const ENGINE: u8 = 6;

/// Layer of a top-level module; the table of the design.
fn layer(folder: &str) -> Option<u8> {
    Some(match folder {
        "kernel" => 0,
        "object" => 1,
        "etcd" | "apiserver" => 2,
        "program" | "ground" => 3,
        "scheduler" | "controller" | "node" | "network" | "traffic" | "fault" | "action" => 4,
        "record" => 5,
        "cluster" => 6,
        "scenario" | "manifest" => 7,
        "experiment" | "explain" | "hunt" | "conformance" | "plot" | "printer" | "report" => 8,
        "cli" | "bind" | "serve" | "main" => 9,
        _ => return None,
    })
}

/// A file under src/. `code` and `tests` are its text with everything else blanked, line for line:
/// comments and the insides of literals in both, test items in the one, all others in the other.
struct Source {
    path: String,
    /// Names of the modules from the root down to the file's own.
    module: Vec<String>,
    text: String,
    code: String,
    tests: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Source {
        let (code, tests) = split_tests(&blanked(text));
        let module = path.trim_end_matches(".rs").trim_end_matches("/mod").split('/').map(str::to_string).collect();
        Source { path: path.to_string(), module, text: text.to_string(), code, tests }
    }

    /// The top-level module that the file belongs to.
    fn folder(&self) -> &str {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    fn is_engine(&self) -> bool {
        layer(self.folder()).is_some_and(|layer| layer <= ENGINE)
    }

    fn complaint(&self, text: &str, offset: usize, what: &str) -> String {
        format!("src/{}:{}: {what}", self.path, text[..offset].matches('\n').count() + 1)
    }
}

fn sources() -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<Source>) {
        let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap().replace('\\', "/");
                found.push(Source::new(&name, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("src"), &mut found);
    assert!(found.len() > 10, "the sources were found");
    with_test_files(found)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `#[cfg(test)] mod name;` makes another file a test, wherever a `#[path]` says that it lies.
fn with_test_files(mut sources: Vec<Source>) -> Vec<Source> {
    let mut declared = Vec::new();
    for source in &sources {
        for (at, _) in source.tests.match_indices("mod ") {
            let name = source.tests[at + 4..].split(|c: char| !is_word(c)).next().unwrap_or_default();
            let module = [source.module.as_slice(), &[name.to_string()]].concat();
            let attribute = source.text[..at].trim_end().strip_suffix("\"]");
            let file = attribute.and_then(|text| text.rsplit_once("#[path = \"")).map(|(_, file)| {
                let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                format!("{folder}/{file}")
            });
            declared.push((module, file));
        }
    }
    for source in &mut sources {
        let own = |(module, file): &&(_, Option<String>)| {
            file.as_ref().map_or(*module == source.module, |f| *f == source.path)
        };
        if let Some((module, _)) = declared.iter().find(own) {
            source.module = module.clone();
            source.tests = std::mem::take(&mut source.code);
        }
    }
    sources
}

/// The text with comments and the insides of string and character literals blanked.
fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let raw = rest.strip_prefix('r').map(|tail| tail.len() - tail.trim_start_matches('#').len());
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw.filter(|n| rest[1 + n..].starts_with('"') && !out.ends_with(is_word)) {
            let end = format!("\"{}", "#".repeat(hashes));
            rest[hashes + 2..].find(&end).map_or(rest.len(), |at| hashes + 2 + at + end.len())
        } else if first == '"' || (first == '\'' && is_character(rest)) {
            let mut is_escaped = false;
            let end = rest[1..].find(|c| {
                let is_end = c == first && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                is_end
            });
            end.map_or(rest.len(), |at| at + 2)
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        out += &blank(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

/// Spaces, as many bytes as before, so that places stay what they are.
fn blank(part: &str) -> String {
    part.split('\n').map(|line| " ".repeat(line.len())).collect::<Vec<_>>().join("\n")
}

/// Whether a quote begins a character and not a lifetime.
fn is_character(rest: &str) -> bool {
    rest[1..].starts_with('\\') || rest[1..].chars().nth(1) == Some('\'')
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Blanked text, parted into what is built for use and what only for tests.
fn split_tests(text: &str) -> (String, String) {
    let (mut code, mut tests) = (String::new(), String::new());
    let mut rest = text;
    while let Some(start) = rest.find("#[cfg(test)]") {
        let mut depth = 0;
        let end = rest[start..].find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0 && (c == '}' || c == ';')
        });
        let end = end.map_or(rest.len(), |at| start + at + 1);
        code += &(rest[..start].to_string() + &blank(&rest[start..end]));
        tests += &(blank(&rest[..start]) + &rest[start..end]);
        rest = &rest[end..];
    }
    (code + rest, tests + &blank(rest))
}

/// Paths that begin with `head::` (`crate`, `std`), each with its place; groups are taken apart.
fn paths(text: &str, head: &str) -> Vec<(usize, Vec<String>)> {
    let start = format!("{head}::");
    let whole = |at: &usize| !text[..*at].trim_end_matches("::").ends_with(is_word);
    let starts = text.match_indices(&start).map(|(at, _)| at).filter(whole);
    starts.flat_map(|at| tails(&text[at + start.len()..]).0.into_iter().map(move |path| (at, path))).collect()
}

/// The paths that a text begins with, and how long they are: `a::{b, c::d}` is a::b and a::c::d.
fn tails(text: &str) -> (Vec<Vec<String>>, usize) {
    let skip = text.len() - text.trim_start().len();
    let body = &text[skip..];
    if let Some(mut group) = body.strip_prefix('{') {
        let mut found = Vec::new();
        while !group.is_empty() && !group.starts_with('}') {
            let (paths, length) = tails(group);
            found.extend(paths);
            let next = group[length..].find([',', '}']).map_or(group.len(), |at| length + at);
            group = group[next..].trim_start_matches(',').trim_start();
        }
        return (found, text.len() - group.len() + usize::from(group.starts_with('}')));
    }
    let length = body.find(|c| !is_word(c)).unwrap_or(body.len());
    let (mut found, mut end) = (vec![Vec::new()], skip + length);
    if let Some(tail) = body[length..].strip_prefix("::") {
        let (paths, more) = tails(tail);
        (found, end) = (paths, end + 2 + more);
    }
    found.iter_mut().for_each(|path| path.insert(0, body[..length].to_string()));
    (found, end)
}

/// Everything that a text reaches by `crate::` or by a chain of `super::` up to the root.
fn imports(source: &Source, text: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = paths(text, "crate");
    let is_inline = text == source.tests && !source.code.trim().is_empty(); // one module deeper
    for (at, path) in paths(text, "super") {
        let ups = 1 + path.iter().take_while(|name| *name == "super").count();
        if ups == source.module.len() + usize::from(is_inline) {
            found.push((at, path[ups - 1..].to_vec()));
        }
    }
    found
}

/// Import direction: down the layers, never sideways within the engine, and through the API server
/// only what travels: requests, replies and changes.
fn upward_imports(sources: &[Source]) -> Vec<String> {
    let mut messages = BTreeSet::from(["request".to_string()]);
    for source in sources.iter().filter(|source| source.path == "apiserver/mod.rs") {
        let reexports = source.code.match_indices("pub use ").map(|(at, _)| tails(&source.code[at + 8..]).0);
        let travels = |path: &Vec<String>| path[0] == "request" || path[..2] == ["crate", "etcd"];
        let names = reexports.flatten().filter(travels).filter_map(|mut path| path.pop());
        messages.extend(names.filter(|name| name != "Store"));
    }
    let mut complaints = Vec::new();
    for source in sources.iter().filter(|source| source.path != "lib.rs") {
        let from = source.folder();
        let Some(own) = layer(from) else {
            complaints.push(source.complaint("", 0, &format!("`{from}` belongs to no layer")));
            continue;
        };
        for (text, is_test) in [(&source.code, false), (&source.tests, true)] {
            for (at, path) in imports(source, text) {
                let (to, item) = (path[0].as_str(), path.get(1).map_or("", String::as_str));
                let Some(other) = layer(to) else {
                    complaints.push(source.complaint(text, at, &format!("`crate::{to}` belongs to no layer")));
                    continue;
                };
                let is_change = to == "etcd" && ["change", "Change"].contains(&item);
                let rule = if other > own {
                    format!("layer {own} ({from}) must not import layer {other} ({to})")
                } else if is_test || to == from {
                    continue;
                } else if other == own && own <= ENGINE && (from, to) != ("apiserver", "etcd") {
                    format!("{from} and {to} are of layer {own} and must not import each other")
                } else if own == 3 && (to == "etcd" || (to == "apiserver" && !messages.contains(item))) {
                    format!("{from} may import only requests, replies and changes, through apiserver: not {to}::{item}")
                } else if own == 5 && other >= 2 && !is_change {
                    format!("record may import layers 0 and 1 and etcd::change only, not {to}::{item}")
                } else {
                    continue;
                };
                complaints.push(source.complaint(text, at, &rule));
            }
        }
    }
    complaints
}

fn long_files(sources: &[Source]) -> Vec<String> {
    let lines = |source: &Source| source.text.lines().count();
    let long = sources.iter().filter(|source| lines(source) > LINES_MAX);
    long.map(|source| format!("src/{}: {} lines, at most {LINES_MAX}", source.path, lines(source))).collect()
}

fn outside_world(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources.iter().filter(|source| source.is_engine()) {
        let code = &source.code;
        for (at, path) in paths(code, "std") {
            if ["time", "thread", "env", "fs"].contains(&path[0].as_str()) {
                complaints.push(source.complaint(code, at, &format!("the engine knows no std::{}", path[0])));
            }
        }
        for token in ["HashMap", "HashSet"] {
            let found = code.match_indices(token);
            complaints.extend(found.map(|(at, _)| source.complaint(code, at, &format!("{token}: its order is luck"))));
        }
        for (at, _) in ["allow", "expect"].iter().flat_map(|word| {
            let found = source.text.match_indices("(clippy::disallowed");
            found.filter(move |(at, _)| source.text[..*at].ends_with(word))
        }) {
            complaints.push(source.complaint(&source.text, at, "what .clippy.toml forbids is not allowed here"));
        }
    }
    complaints
}

/// Lengths of time are settings or delays with a source, not numbers in the code. None at all, and
/// the smallest step, are no lengths.
fn durations(sources: &[Source]) -> Vec<String> {
    let is_table = |path: &str| ["object/setting", "object/delay", "kernel/"].iter().any(|at| path.starts_with(at));
    let mut complaints = Vec::new();
    for source in sources.iter().filter(|source| source.is_engine() && !is_table(&source.path)) {
        for unit in ["secs", "millis", "micros"] {
            let call = format!("Span::from_{unit}(");
            for (at, _) in source.code.match_indices(&call) {
                let argument = source.code[at + call.len()..].trim_start();
                let number: String = argument.chars().take_while(|c| is_word(*c)).filter(|c| *c != '_').collect();
                let is_literal = number.starts_with(|c: char| c.is_ascii_digit());
                let is_free = number == "0" || (number == "1" && unit == "micros");
                let after = argument.split_once(')').map_or("", |(_, after)| after).trim_start();
                let times = after.strip_prefix(".times(").map(str::trim_start);
                let is_scaled = is_literal && times.is_some_and(|by| by.starts_with(|c: char| c.is_ascii_digit()));
                if (is_literal && !is_free) || is_scaled {
                    complaints.push(source.complaint(&source.code, at, "a length of time outside settings and delays"));
                }
            }
        }
    }
    complaints
}

fn undocumented_files(sources: &[Source]) -> Vec<String> {
    let bare = sources.iter().filter(|source| !source.text.starts_with("//!"));
    bare.map(|source| source.complaint("", 0, "a file begins with a `//!` that says what it is for")).collect()
}

fn untitled_scenario(name: &str, text: &str) -> Option<String> {
    let first = text.lines().next().unwrap_or_default();
    let is_titled = ["#", "title =", "title="].iter().any(|start| first.starts_with(start));
    (!is_titled).then(|| format!("scenarios/{name}:1: begins with neither a comment nor a title"))
}

#[track_caller]
fn assert_none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Complaints of a check about one snippet, without the path.
fn about(check: fn(&[Source]) -> Vec<String>, path: &str, text: &str) -> Vec<String> {
    let apiserver = "//!\npub use crate::etcd::Change;\npub use request::{Reply, Request};\npub use server::Serve;\n";
    let tree = with_test_files(vec![Source::new("apiserver/mod.rs", apiserver), Source::new(path, text)]);
    check(&tree).into_iter().map(|complaint| complaint.replace(&format!("src/{path}:"), "")).collect()
}

#[test]
fn imports_point_down_the_layers() {
    assert_none(upward_imports(&sources()));
}

#[test]
fn an_import_that_points_up_or_sideways_is_found() {
    for (path, text, complaint) in [
        ("kernel/a.rs", "\nuse crate::object::Key;", "2: layer 0 (kernel) must not import layer 1 (object)"),
        ("node/a.rs", "use crate::{\n kernel::time, fault::x};", "1: node and fault are of layer 4 and must not"),
        ("node/mod.rs", "use super::network::Net;", "1: node and network are of layer 4 and must not"),
        ("etcd/a.rs", "fn f() -> crate::apiserver::Reply {}", "1: etcd and apiserver are of layer 2 and must not"),
        ("program/a.rs", "use crate::apiserver::{Reply, Serve};", "1: program may import only requests, replies"),
        ("ground.rs", "use crate::etcd::Change;", "1: ground may import only requests, replies and changes"),
        ("record/a.rs", "use crate::etcd::Store;", "1: record may import layers 0 and 1 and etcd::change only"),
        ("object/a.rs", "#[cfg(test)]\nmod tests {\n use crate::etcd::Store;\n}", "3: layer 1 (object) must not"),
        ("gadget/a.rs", "", "1: `gadget` belongs to no layer"),
        ("node/a.rs", "use crate::gadget::A;", "1: `crate::gadget` belongs to no layer"),
    ] {
        let found = about(upward_imports, path, text);
        assert!(found.len() == 1 && found[0].starts_with(complaint), "{path}: {text}\n{found:?}");
    }
    for (path, text) in [
        ("node/a.rs", "// crate::fault::A\nconst A: &str = \"crate::fault::A\"; /* crate::cli::B */"),
        ("node/a.rs", "use crate::{apiserver::{Reply, Serve}, ground::Ground, kernel::time::{self, Time}};"),
        ("node/a.rs", "use super::super::node::b; use super::c; #[cfg(test)]\nmod tests { use crate::fault::A; }"),
        (
            "program/a.rs",
            "use crate::apiserver::{Change, Reply, request::Part};\nfn f<'a>(x: &'a str) -> char { '\"' }",
        ),
        ("record/a.rs", "use crate::etcd::{Change, change::Log};"),
        ("apiserver/a.rs", "use crate::etcd::Store;"),
        ("cli/a.rs", "use crate::plot::Chart;"),
    ] {
        assert_eq!(about(upward_imports, path, text), [""; 0], "{path}: {text}");
    }
}

#[test]
fn files_are_short() {
    assert_none(long_files(&sources()));
}

#[test]
fn a_long_file_is_found() {
    assert_eq!(about(long_files, "node/a.rs", &"\n".repeat(501)), [" 501 lines, at most 500"]);
    assert_eq!(about(long_files, "node/a.rs", &"\n".repeat(500)), [""; 0]);
}

#[test]
fn the_engine_knows_nothing_of_the_outside_world() {
    assert_none(outside_world(&sources()));
}

#[test]
fn a_look_at_the_outside_world_is_found() {
    for text in [
        "use std::time::Instant;",
        "use std::{fmt, fs::File};",
        "fn f() { ::std::thread::yield_now() }",
        "use std::{\n  env,\n};",
        "use std::collections::{BTreeMap, HashMap};",
        "type A = HashSet<u32>;",
        "#[allow(clippy::disallowed_types)]",
        "#[cfg(test)]\n#[expect(clippy::disallowed_methods)]\nfn f() {}",
    ] {
        assert_eq!(about(outside_world, "node/a.rs", text).len(), 1, "{text}");
        assert_eq!(about(outside_world, "cli/a.rs", text), [""; 0], "above the engine: {text}");
    }
    let innocent = "use std::collections::BTreeMap; // no HashMap\n#[cfg(test)]\nmod tests { use std::fs; }";
    assert_eq!(about(outside_world, "node/a.rs", innocent), [""; 0]);
}

#[test]
fn lengths_of_time_are_settings_or_delays() {
    assert_none(durations(&sources()));
}

#[test]
fn a_length_of_time_in_the_code_is_found() {
    for text in [
        "Span::from_secs(40)",
        "Span::from_millis( 1_000 )",
        "Span::from_millis(1)",
        "Span::from_micros(2u64)",
        "Span::from_micros(1).times(500)",
        "Span::from_micros(1)\n    .times(500)",
    ] {
        assert_eq!(about(durations, "node/a.rs", text).len(), 1, "{text}");
        for elsewhere in ["object/setting.rs", "object/delay_table.rs", "kernel/dist.rs", "cli/a.rs"] {
            assert_eq!(about(durations, elsewhere, text), [""; 0], "{elsewhere}: {text}");
        }
    }
    let innocent = "Span::from_secs(0), Span::from_micros(1), Span::from_secs(secs), Span::from_micros(1).times(n)";
    assert_eq!(about(durations, "node/a.rs", innocent), [""; 0]);
    assert_eq!(about(durations, "node/a.rs", "#[cfg(test)]\nmod tests { fn f() { Span::from_secs(5); } }"), [""; 0]);
    for declaration in ["mod trial;", "#[path = \"trial.rs\"]\nmod tests;"] {
        let tests = vec![
            Source::new("node/mod.rs", &format!("// ·\n#[cfg(test)]\n{declaration}")),
            Source::new("node/trial.rs", "use super::super::fault::A; fn f() { Span::from_secs(5); }"),
        ];
        let tests = with_test_files(tests);
        assert_none([durations(&tests), upward_imports(&tests)].concat());
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    assert_none(undocumented_files(&sources()));
}

#[test]
fn a_file_without_a_word_is_found() {
    assert_eq!(about(undocumented_files, "node/a.rs", "use std::fmt;\n//! Late.").len(), 1);
    assert_eq!(about(undocumented_files, "node/a.rs", "//! Early."), [""; 0]);
}

#[test]
fn every_scenario_begins_with_its_title() {
    let Ok(folder) = fs::read_dir(root().join("scenarios")) else { return };
    let files = folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let untitled =
        |path: std::path::PathBuf| untitled_scenario(path.file_name()?.to_str()?, &fs::read_to_string(&path).unwrap());
    assert_none(files.filter_map(untitled).collect());
}

#[test]
fn a_scenario_without_a_title_is_found() {
    assert!(untitled_scenario("a.toml", "schema = \"evenkeel/v1\"\n# late").is_some());
    assert!(untitled_scenario("a.toml", "").is_some());
    assert_eq!(untitled_scenario("a.toml", "# A rack loses power."), None);
    assert_eq!(untitled_scenario("a.toml", "title = \"A rack loses power\""), None);
}
