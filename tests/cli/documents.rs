//! Every command line that the documents show does what they say: it runs.
//!
//! A line counts that begins with `cargo run --release -- ` or `evenkeel ` and stands in a block of code, indented or
//! fenced. `<!-- not run -->` or `<!-- exits with 1 -->` in the lines before a block say what to expect of it.

use super::*;

/// Command lines with words of capital letters stand for something else.
fn is_pattern(line: &str) -> bool {
    let is_capital =
        |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '/' || c == '.');
    line.split([' ', '=', '/']).any(is_capital) || line.contains('…')
}

/// A command line, where it stands, and with what it exits.
#[derive(Debug)]
struct Shown {
    place: String,
    line: String,
    code: i32,
}

fn shown(name: &str, text: &str) -> Vec<Shown> {
    let mut found = Vec::new();
    let (mut code, mut is_fenced) = (Some(0), false);
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
            if !is_fenced {
                code = Some(0);
            }
            continue;
        }
        let is_code = is_fenced || line.starts_with("    ");
        if !is_code {
            if line.contains("<!-- not run -->") {
                code = None;
            } else if let Some((_, rest)) = line.split_once("<!-- exits with ") {
                code = rest.split(' ').next().and_then(|number| number.parse().ok());
                assert!(code.is_some(), "{name}:{}: {line}", index + 1);
            } else if !line.trim().is_empty() {
                code = Some(0);
            }
            continue;
        }
        let line = line.trim().trim_start_matches("$ ");
        let line = line.split(" # ").next().unwrap_or(line).trim();
        let rest = line.strip_prefix("cargo run --release -- ").or_else(|| line.strip_prefix("evenkeel "));
        if let (Some(rest), Some(code)) = (rest, code)
            && !is_pattern(line)
        {
            found.push(Shown { place: format!("{name}:{}", index + 1), line: rest.to_string(), code });
        }
    }
    found
}

#[test]
fn command_lines_are_found_where_readers_find_them() {
    let text = "In `evenkeel list` or\n\n    evenkeel list faults   # all\n    cargo test\n\nevenkeel list rules\n\n```sh\n\
                $ cargo run --release -- run x.toml\nevenkeel run FILE\n```\n<!-- not run -->\n```\nevenkeel run y.toml\n```\n\
                <!-- exits with 1 -->\n\n    evenkeel run z.toml\n\nAnd\n\n    evenkeel version\n";
    let found: Vec<(String, i32)> = shown("x.md", text).into_iter().map(|shown| (shown.line, shown.code)).collect();
    let expected = [("list faults", 0), ("run x.toml", 0), ("run z.toml", 1), ("version", 0)];
    assert_eq!(found, expected.map(|(line, code)| (line.to_string(), code)));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

#[test]
fn every_command_line_of_the_documents_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = vec![root.join("README.md")];
    documents.extend(fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    documents.retain(|path| path.extension() == Some(OsStr::new("md")));
    documents.sort();
    let all: Vec<Shown> = documents
        .iter()
        .flat_map(|path| shown(path.file_name().unwrap().to_str().unwrap(), &fs::read_to_string(path).unwrap()))
        .collect();
    assert!(all.iter().any(|shown| shown.line.starts_with("run scenarios/")), "{all:?}");

    let folder = workspace("documents-run");
    copy(&root.join("scenarios"), &folder.join("scenarios"));
    copy(&root.join("tests/fixtures/timelines"), &folder.join("tests/fixtures/timelines"));
    let mut complaints = Vec::new();
    for Shown { place, line, code } in &all {
        // All seeds take long, and whether few agree is chance: what they say is held by tests of its own.
        let is_long = line.starts_with("conformance ");
        let mut line = line.clone();
        if is_long {
            line = line.split(" --seeds ").next().unwrap().to_string() + " --seeds 2";
        }
        let run = on_a_shell(&folder, &line);
        let found = run.status.code();
        if found != Some(*code) && !(is_long && found == Some(1)) {
            let err = String::from_utf8_lossy(&run.stderr);
            complaints.push(format!("{place}: `{line}` exits with {found:?}, not with {code}\n{err}"));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// As typed, with redirections and what follows `&&`.
fn on_a_shell(folder: &Path, line: &str) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_evenkeel"));
    let mut shell = Command::new("sh");
    let line = line.replace("cargo run --release -- ", "evenkeel ");
    shell.current_dir(folder).args(["-c", &format!("evenkeel {line}")]).env("NO_COLOR", "1");
    let path = std::env::join_paths(
        std::iter::once(binary.parent().unwrap().to_path_buf())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    shell.env("PATH", path.unwrap()).output().unwrap()
}
