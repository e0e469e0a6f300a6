//! The commands that help to write a scenario: `new`, `check`, `list`, `help`, `completions`.

use super::*;
use serde_json::Value;

#[test]
fn what_check_says_is_right_and_all_of_it_is_said() {
    let folder = workspace("check");
    let (code, out, err) = evenkeel(&folder, &["check", "five-frontends.toml"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, "five-frontends.toml: fine (4 nodes, 2 objects, 1 event, 5 expectations)\n");
    let text = fs::read_to_string(folder.join("five-frontends.toml")).unwrap();
    fs::write(folder.join("one.toml"), text.replace("node.crash", "node.crahs")).unwrap();
    fs::write(folder.join("two.toml"), text.replace("hold ", "holt ")).unwrap();
    let arguments = ["c", "one.toml", "five-frontends.toml", "two.toml"];
    let (code, out, err) = evenkeel(&folder, &arguments);
    assert_eq!((code, out.lines().count()), (2, 1), "{out}");
    assert!(err.contains("--> one.toml:") && err.contains("--> two.toml:") && err.ends_with("2 errors\n"), "{err}");
    let (code, out, err) = evenkeel(&folder, &[&arguments[..], &["-o", "json"]].concat());
    let problems: Value = serde_json::from_str(&out).unwrap();
    let codes: Vec<&Value> = problems["problems"].as_array().unwrap().iter().map(|problem| &problem["code"]).collect();
    assert_eq!((code, err.as_str(), codes), (2, "", vec![&Value::from("E0201"), &Value::from("E0101")]));
    let (code, out, _) = evenkeel(&folder, &["check", "five-frontends.toml", "-o", "json"]);
    assert_eq!((code, &serde_json::from_str::<Value>(&out).unwrap()["problems"]), (0, &serde_json::json!([])));
    assert!(!folder.join("results").exists());
}

#[test]
fn every_list_can_be_read_by_people_and_programs_and_every_name_in_it_be_explained() {
    let folder = workspace("list");
    let (code, out, _) = evenkeel(&folder, &["list", "-o", "name"]);
    assert_eq!(code, 0);
    let lists: Vec<&str> = out.lines().collect();
    assert!(lists.contains(&"faults") && lists.contains(&"plugins"), "{out}");
    for list in lists {
        let (code, table, _) = evenkeel(&folder, &["list", list]);
        assert_eq!(code, 0);
        let (_, json, _) = evenkeel(&folder, &["list", list, "-o", "json"]);
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&json["schema"], &json["list"]), (&"evenkeel.list/v1".into(), &list.into()));
        let (_, names, _) = evenkeel(&folder, &["list", list, "-o", "name"]);
        let names: Vec<&str> = names.lines().collect();
        let entries = json["entries"].as_array().unwrap();
        assert_eq!(entries.iter().map(|entry| entry["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
        assert_eq!(table.lines().count(), names.len() + 1, "{table}");
        let (code, out, _) = evenkeel(&folder, &["help", names[0]]);
        assert!(code == 0 && out.starts_with(names[0]), "{out}");
    }
}

#[test]
fn help_knows_commands_codes_and_what_was_meant() {
    let folder = workspace("help");
    for (words, says) in [
        (&["help"][..], "Usage: evenkeel"),
        (&["help", "run"], "Usage: evenkeel run"),
        (&["help", "run"], "run (table)"),
        (&["help", "event"], "a length of time, as \"90s\""),
        (&["help", "target"], "\"name\" if left out"),
        (&["help", "expect"], "id        a text; required"),
        (&["help", "most-pods"], "key of target = { … }"),
        (&["help", "node.drain"], "kubectl drain"),
        (&["help", "rack-power"], "Beware: "),
        (&["help", "E0304"], "Files that include each other"),
        (&["help", "conformance", "timeline"], "Usage: evenkeel conformance timeline"),
        (&["help", "node.crash"], "do = \"node.crash\""),
        (&["help", "time-to-notice"], "measure = \"time-to-notice\""),
        (&["help", "node-monitor-grace-period"], "Default: 50s"),
        (&["help", "kubernetes-1.36"], "evenkeel list plugins"),
        (&["help", "E0203"], "No node of the cluster can ever match this target"),
        (&["help", "faults"], "node.crash"),
    ] {
        let (code, out, _) = evenkeel(&folder, words);
        assert!(code == 0 && out.contains(says), "{words:?}: {out}");
    }
    let (code, out, err) = evenkeel(&folder, &["help", "node.crahs"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("nothing is called `node.crahs`; did you mean `node.crash`?"), "{err}");
}

#[test]
fn a_new_scenario_runs_as_it_is_and_is_never_written_over_another() {
    let folder = workspace("new");
    let (_, templates, _) = evenkeel(&folder, &["list", "scenarios", "-o", "name"]);
    assert!(templates.contains("node-crash\n") && templates.contains("zone-outage\n"), "{templates}");
    for template in templates.lines() {
        let own = folder.join(format!("new-{template}"));
        fs::create_dir(&own).unwrap();
        let (code, out, err) = evenkeel(&own, &["new", "--template", template, "x.toml"]);
        assert!(code == 0 && out.ends_with("next: evenkeel run x.toml\n"), "{out}{err}");
        assert_eq!(evenkeel(&own, &["check", "x.toml"]).0, 0);
        let (code, out, err) = evenkeel(&own, &["run", "x.toml", "--no-save"]);
        assert_eq!(code, 0, "{template}: {out}{err}");
        let (code, _, err) = evenkeel(&own, &["new", "--template", template, "x.toml"]);
        assert!(code == 2 && err.contains("is there already; use --force"), "{err}");
        assert_eq!(evenkeel(&own, &["new", "--template", template, "x.toml", "--force"]).0, 0);
        // On standard output it stands alone, or says what it needs.
        let (code, out, err) = evenkeel(&folder, &["new", "--template", template]);
        match names(&own).len() {
            1 => {
                assert_eq!(code, 0);
                assert_eq!(out, fs::read_to_string(own.join("x.toml")).unwrap());
            }
            _ => assert!(code == 2 && out.is_empty() && err.contains("beside it: name a file"), "{err}"),
        }
    }
    let (code, _, err) = evenkeel(&folder, &["new", "-t", "node-carsh"]);
    assert!(code == 2 && err.contains("did you mean `node-crash`?"), "{err}");
}

#[test]
fn completions_know_the_commands() {
    let folder = workspace("completions");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, out, _) = evenkeel(&folder, &["completions", shell]);
        assert!(code == 0 && out.contains("conformance") && out.contains("dry-run"), "{shell}");
    }
    assert_eq!(evenkeel(&folder, &["completions", "csh"]).0, 2);
}
