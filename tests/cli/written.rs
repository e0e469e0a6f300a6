//! Commands that write scenarios: `fmt` and `import`.

use super::*;

const UNTIDY: &str = "schema='evenkeel/v1'   # which\ntitle =   \"x\"\n[[cluster.pool]]\nname = \"w\"\ncount=2\n\
                      capacity = {cpu = \"4\",memory = \"8Gi\"}   # of each\n";

#[test]
fn files_are_laid_out_in_place_and_a_second_time_nothing_changes() {
    let folder = workspace("fmt");
    fs::write(folder.join("x.toml"), UNTIDY).unwrap();
    let (code, out, err) = evenkeel(&folder, &["fmt", "--check", "x.toml", "five-frontends.toml"]);
    assert_eq!((code, out.as_str()), (1, "x.toml\n"), "{err}");
    assert!(err.contains("1 file would be laid out in another way"), "{err}");
    assert_eq!(fs::read_to_string(folder.join("x.toml")).unwrap(), UNTIDY, "--check changes nothing");

    assert_eq!(evenkeel(&folder, &["fmt", "x.toml"]), (0, String::new(), String::new()));
    let tidy = fs::read_to_string(folder.join("x.toml")).unwrap();
    assert!(
        tidy.contains("schema = \"evenkeel/v1\"") && tidy.contains("# which") && tidy.contains("# of each"),
        "{tidy}"
    );
    assert!(tidy.contains("\n\n[[cluster.pool]]\nname     = \"w\"\ncount    = 2\n"), "{tidy}");
    assert_eq!(evenkeel(&folder, &["check", "x.toml"]).0, 0);
    assert_eq!(evenkeel(&folder, &["fmt", "x.toml"]), (0, String::new(), String::new()));
    assert_eq!(fs::read_to_string(folder.join("x.toml")).unwrap(), tidy);
    assert_eq!(evenkeel(&folder, &["fmt", "--check", "."]), (0, String::new(), String::new()));
    assert_eq!(names(&folder), ["five-frontends.toml", "five-frontends.yaml", "x.toml"], "nothing else is left");
}

#[test]
fn standard_input_is_laid_out_on_standard_output() {
    let folder = workspace("fmt-stdin");
    fs::write(folder.join("untidy"), UNTIDY).unwrap();
    let text = || fs::File::open(folder.join("untidy")).unwrap();
    let output = command(&folder, &["fmt", "-"]).stdin(text()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    fs::write(folder.join("x.toml"), &output.stdout).unwrap();
    assert_eq!(evenkeel(&folder, &["fmt", "--check", "x.toml"]).0, 0);
    let output = command(&folder, &["fmt", "-", "--check"]).stdin(text()).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b"stdin\n"[..]));
}

#[test]
fn what_is_no_toml_is_told_and_nothing_is_changed() {
    let folder = workspace("fmt-broken");
    fs::write(folder.join("x.toml"), UNTIDY).unwrap();
    fs::write(folder.join("broken.toml"), "title = \"x\"\nuntil = 15m\n").unwrap();
    let (code, out, err) = evenkeel(&folder, &["fmt", "x.toml", "broken.toml", "absent.toml"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("error[E0100]") && err.contains("broken.toml:2:"), "{err}");
    assert!(err.contains("cannot read `absent.toml`: no such file"), "{err}");
    assert!(err.ends_with("2 errors, nothing was changed\n"), "{err}");
    assert_eq!(fs::read_to_string(folder.join("x.toml")).unwrap(), UNTIDY);
}

#[test]
#[cfg(unix)]
fn a_link_goes_on_leading_to_its_file_which_keeps_its_permissions() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = workspace("fmt-link");
    fs::write(folder.join("real.toml"), UNTIDY).unwrap();
    fs::set_permissions(folder.join("real.toml"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.toml", folder.join("link.toml")).unwrap();
    assert_eq!(evenkeel(&folder, &["fmt", "link.toml"]), (0, String::new(), String::new()));
    assert!(folder.join("link.toml").is_symlink());
    assert_ne!(fs::read_to_string(folder.join("real.toml")).unwrap(), UNTIDY);
    assert_eq!(fs::metadata(folder.join("real.toml")).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_file_and_what_it_includes_become_one_that_runs_the_same() {
    let folder = workspace("flatten");
    fs::create_dir(folder.join("shared")).unwrap();
    fs::rename(folder.join("five-frontends.toml"), folder.join("shared/base.toml")).unwrap();
    fs::rename(folder.join("five-frontends.yaml"), folder.join("shared/five-frontends.yaml")).unwrap();
    let own = "schema = \"evenkeel/v1\"\ntitle = \"Mine\"\ninclude = [\"shared/base.toml\"]\nrun.seed = 3  # my lucky number\n";
    fs::write(folder.join("mine.toml"), own).unwrap();
    let (code, flat, err) = evenkeel(&folder, &["fmt", "--flatten", "mine.toml"]);
    assert_eq!((code, err.as_str()), (0, ""), "{flat}");
    assert!(!flat.contains("include =") && flat.contains("\"shared/five-frontends.yaml\""), "{flat}");
    assert!(flat.contains("# my lucky number") && flat.contains("no goodbye, no disk flushed"), "{flat}");
    assert_eq!(fs::read_to_string(folder.join("mine.toml")).unwrap(), own);
    fs::write(folder.join("flat.toml"), flat).unwrap();
    let digest = |file: &str| {
        let (code, out, err) = evenkeel(&folder, &[file, "--no-save", "-o", "json"]);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str::<serde_json::Value>(&out).unwrap()["receipt"]["digest"].clone()
    };
    assert_eq!(digest("mine.toml"), digest("flat.toml"));
    fs::write(folder.join("shared/base.toml"), "include = \"../mine.toml\"\n").unwrap();
    let (code, out, err) = evenkeel(&folder, &["fmt", "--flatten", "mine.toml"]);
    assert!(code == 2 && out.is_empty() && err.contains("error[E0304]"), "{err}");
}

fn dump(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dumps").join(name)).unwrap()
}

#[test]
fn a_dump_becomes_a_scenario_that_checks_and_runs() {
    let folder = workspace("import");
    fs::write(folder.join("shop.yaml"), dump("three-nodes.yaml")).unwrap();
    let (code, out, err) = evenkeel(&folder, &["import", "dump", "shop.yaml", "-O", "made"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let path = |name: &str| Path::new("made").join(name).display().to_string();
    assert!(out.starts_with(&format!("wrote {} and {}\n", path("shop.toml"), path("shop.yaml"))), "{out}");
    assert!(out.contains("note: ") && out.contains(&format!("next: evenkeel run {}\n", path("shop.toml"))), "{out}");
    assert_eq!(names(&folder.join("made")), ["shop.toml", "shop.yaml"]);

    let (code, out, err) = evenkeel(&folder, &["check", "made/shop.toml"]);
    assert!(code == 0 && out.contains("3 nodes"), "{out}{err}");
    let (code, out, err) = evenkeel(&folder, &["run", "made/shop.toml", "-o", "json"]);
    let run: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"));
    assert_eq!((code, &run["reasons"]), (0, &serde_json::json!([])), "{out}");
    assert_eq!(evenkeel(&folder, &["fmt", "--check", "made/shop.toml"]).0, 0, "as `fmt` would have it");

    // What happens can be added as its end shows.
    let scenario = fs::read_to_string(folder.join("made/shop.toml")).unwrap();
    let (head, example) = scenario.split_once("#\n# [[event]]").expect("an example");
    let example = format!("# [[event]]{example}").replace("# ", "").replace("\n#\n", "\n");
    fs::write(folder.join("made/shop.toml"), format!("{head}{example}")).unwrap();
    let (_, out, err) = evenkeel(&folder, &["run", "made/shop.toml", "--no-save"]);
    assert!(out.contains("crash: node.crash of "), "{out}{err}");
}

#[test]
fn an_import_never_writes_over_anything_unless_it_is_told_to() {
    let folder = workspace("import-again");
    fs::write(folder.join("dump"), dump("three-nodes.yaml")).unwrap();
    fs::write(folder.join("shop.yaml"), "mine\n").unwrap();
    let import = ["import", "dump", "dump", "--name", "shop"];
    let (code, out, err) = evenkeel(&folder, &import);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("shop.yaml is there already; use --force to overwrite it, or --name"), "{err}");
    assert!(!folder.join("shop.toml").exists());
    assert_eq!(fs::read_to_string(folder.join("shop.yaml")).unwrap(), "mine\n");
    assert_eq!(evenkeel(&folder, &[&import[..], &["--force"]].concat()).0, 0);
    assert_eq!(evenkeel(&folder, &["check", "shop.toml"]).0, 0);
    for name in ["", "../shop", ".hidden"] {
        let (code, _, err) = evenkeel(&folder, &["import", "dump", "dump", "--name", name]);
        assert!(code == 2 && err.contains("is no name for a file"), "{name}: {err}");
    }
}

#[test]
fn a_dump_may_come_in_several_files_and_from_standard_input() {
    let folder = workspace("import-parts");
    let whole = dump("three-nodes.yaml");
    let node = "apiVersion: v1\nkind: Node\nmetadata: { name: extra-1 }\nstatus:\n  capacity: { cpu: \"2\", memory: 4Gi, pods: \"110\" }\n";
    fs::write(folder.join("whole.yaml"), &whole).unwrap();
    fs::write(folder.join("extra.yaml"), node).unwrap();
    let output = command(&folder, &["import", "dump", "-", "extra.yaml"])
        .stdin(fs::File::open(folder.join("whole.yaml")).unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let scenario = fs::read_to_string(folder.join("cluster.toml")).unwrap();
    assert!(scenario.contains("\"extra-1\"") && scenario.contains("\"w-1\""), "{scenario}");
    assert_eq!(evenkeel(&folder, &["check", "cluster.toml"]).0, 0);

    fs::write(folder.join("broken.yaml"), "kind: Node\nmetadata: [\n").unwrap();
    let (code, out, err) = evenkeel(&folder, &["import", "dump", "whole.yaml", "broken.yaml", "--name", "other"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("error[E0302]") && err.contains("broken.yaml:"), "{err}");
    assert!(err.ends_with("1 error, nothing was written\n"), "{err}");
    let (code, _, err) = evenkeel(&folder, &["import", "dump", "five-frontends.yaml"]);
    assert!(code == 2 && err.contains("the dump holds no nodes"), "{err}");
    let (code, _, err) = evenkeel(&folder, &["import", "dump", "absent.yaml"]);
    assert!(code == 2 && err.contains("error[E0301]: cannot read `absent.yaml`: no such file"), "{err}");
    assert!(!folder.join("other.toml").exists());
}

/// The recipe of the README, in one folder.
#[test]
fn a_dump_is_never_written_over() {
    let folder = workspace("import-beside");
    let text = dump("three-nodes.yaml");
    fs::write(folder.join("dump.yaml"), &text).unwrap();
    let (code, out, err) = evenkeel(&folder, &["import", "dump", "dump.yaml"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("wrote dump.toml and dump-objects.yaml\n"), "{out}");
    assert_eq!(evenkeel(&folder, &["check", "dump.toml"]).0, 0);
    let (code, _, err) = evenkeel(&folder, &["import", "dump", "dump.yaml"]);
    assert!(code == 2 && err.contains("dump-objects.yaml is there already; use --force"), "{err}");
    assert_eq!(evenkeel(&folder, &["import", "dump", "./dump.yaml", "--force", "-O", "../import-beside"]).0, 0);
    assert_eq!(fs::read_to_string(folder.join("dump.yaml")).unwrap(), text);

    // Nor where it has the name of the way out, or of the scenario.
    fs::write(folder.join("x-objects.yaml"), &text).unwrap();
    fs::write(folder.join("x.yaml"), "kind: List\nitems: []\n").unwrap();
    fs::write(folder.join("y.toml"), &text).unwrap();
    for (files, name) in [(&["x.yaml", "x-objects.yaml"][..], "x-objects.yaml"), (&["y.toml"], "y.toml")] {
        let (code, out, err) = evenkeel(&folder, &[&["import", "dump"], files, &["--force"]].concat());
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.contains(&format!("{name} is a dump that is read here")) && err.contains("--name"), "{err}");
        assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), text);
    }
}

/// What is written checks; else nothing is.
#[test]
fn a_node_without_memory_is_told_and_nothing_is_written() {
    let folder = workspace("import-bare");
    let node = "apiVersion: v1\nkind: Node\nmetadata: { name: n1 }\nstatus: { capacity: { cpu: \"4\" } }\n";
    fs::write(folder.join("bare.yaml"), node).unwrap();
    let (code, out, err) = evenkeel(&folder, &["import", "dump", "bare.yaml"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("node `n1` does not say how much memory there is: no `status.capacity.memory`"), "{err}");
    assert!(err.ends_with("1 error, nothing was written\n") && !folder.join("bare.toml").exists(), "{err}");
}

/// Manifests that an event of an included file applies are looked for beside that file, before and after.
#[test]
fn what_an_included_event_applies_is_found_in_one_file_too() {
    let folder = workspace("flatten-apply");
    fs::create_dir(folder.join("shared")).unwrap();
    for name in ["five-frontends.toml", "five-frontends.yaml"] {
        fs::rename(folder.join(name), folder.join("shared").join(name)).unwrap();
    }
    let service = "apiVersion: v1\nkind: Service\nmetadata: { name: extra }\nspec: { selector: { app: frontend }, ports: [{ port: 80 }] }\n";
    fs::write(folder.join("shared/extra.yaml"), service).unwrap();
    let event = "include = \"five-frontends.toml\"\n\n[[event]]\nid = \"more\"\nat = \"30s\"\ndo = \"apply\"\nmanifests = [\"extra.yaml\"]\n";
    fs::write(folder.join("shared/more.toml"), event).unwrap();
    let own = "schema = \"evenkeel/v1\"\ntitle = \"Mine\"\ninclude = \"shared/more.toml\"\n";
    fs::write(folder.join("mine.toml"), own).unwrap();
    let (code, flat, err) = evenkeel(&folder, &["fmt", "--flatten", "mine.toml"]);
    assert!(code == 0 && flat.contains("\"shared/extra.yaml\""), "{flat}{err}");
    let (code, out, err) = evenkeel(&folder, &["mine.toml", "-o", "json"]);
    assert_eq!(code, 0, "{err}");
    let digest = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap()["receipt"]["digest"].clone();
    let kept = folder.join("results/mine/1");
    let (code, again, err) = evenkeel(&kept, &["scenario.toml", "--no-save", "-o", "json"]);
    assert_eq!((code, digest(&again)), (0, digest(&out)), "{err}");
}
