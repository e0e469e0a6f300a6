//! Files put together: by example, and random ones against the same done with plain tables.

use super::*;
use crate::scenario::edit::random::{Dice, cases};
use toml::{Table as Plain, Value as Any};

fn flat_text(files: &[(&str, &str)]) -> Result<String, String> {
    let read = |path: &str| {
        let found = files.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| text.to_string()).ok_or_else(|| "no such file".to_string())
    };
    flatten(files[0].0, &read).map_err(|problems| problems.render(false))
}

#[test]
fn a_file_wins_over_those_that_it_includes_and_all_comments_stay() {
    let main = r#"#:schema https://example.org/v1.json
# What happens.

schema   = "evenkeel/v1"
title    = "Main"    # of all
include  = ["parts/cluster.toml", "story.toml"]    # two parts
manifests = ["web.yaml"]

# more servers here
[[cluster.pool]]
name = "server"
count = 9    # not 4
boot = "95s"

[delays]
# slow
image-pull = { dist = "uniform", min = "1s", max = "2s" }

[[event]]
id = "late"
at = "9m"

# the end
"#;
    let cluster = r#"#:schema ../v1.json
# The cluster of the course.
schema = "evenkeel/v1"
title = "A cluster"
manifests = ["base.yaml", "../web.yaml", "/abs.yaml"]    # its own

# four equal ones
[[cluster.pool]]    # first
name = "server"
count = 4    # enough
capacity = { cpu = "4", memory = "8Gi" }

[[cluster.pool]]
name = "spare"
count = 1

[delays]
image-pull = { dist = "lognormal", median = "4s", p95 = "12s" }
ready-after = "2s"
# end of the cluster
"#;
    let story = r#"schema = "evenkeel/v1"
# One dies.
event = [{ id = "crash", at = "1m", target = { zone = "b" } }]
run.seed = 7
"#;
    let flat = flat_text(&[("x/main.toml", main), ("x/parts/cluster.toml", cluster), ("x/story.toml", story)]);
    insta::assert_snapshot!(flat.unwrap(), @r##"
    #:schema https://example.org/v1.json

    # from story.toml
    run.seed = 7

    # from main.toml
    # What happens.

    schema = "evenkeel/v1"
    title  = "Main"    # of all
    # two parts
    manifests = ["parts/base.yaml", "web.yaml", "/abs.yaml"]    # its own

    # from parts/cluster.toml
    # The cluster of the course.

    # four equal ones

    # more servers here
    [[cluster.pool]]    # first
    name     = "server"
    count    = 9        # enough  # not 4  # from main.toml
    capacity = { cpu = "4", memory = "8Gi" }
    boot     = "95s"    # from main.toml

    [[cluster.pool]]
    name  = "spare"
    count = 1

    [delays]
    # slow
    image-pull  = { dist = "uniform", min = "1s", max = "2s" }    # from main.toml
    ready-after = "2s"

    # from story.toml
    # One dies.
    [[event]]
    id     = "crash"
    at     = "1m"
    target = { zone = "b" }

    # from main.toml
    [[event]]
    id = "late"
    at = "9m"

    # from parts/cluster.toml
    # end of the cluster

    # from main.toml
    # the end
    "##);
}

#[test]
fn a_file_without_includes_comes_back_as_it_is() {
    let text = "a=1   # untidy\r\n";
    assert_eq!(flat_text(&[("main.toml", text)]).as_deref(), Ok(text));
}

#[test]
fn what_cannot_be_included_is_told_where_it_is_named() {
    let told = |files: &[(&str, &str)]| flat_text(files).unwrap_err();
    let round = [
        ("x/main.toml", "include = [\"a.toml\"]\n"),
        ("x/a.toml", "include = [\"parts/b.toml\"]\n"),
        ("x/parts/b.toml", "include = [\"../a.toml\"]\n"),
    ];
    insta::assert_snapshot!(told(&round), @r##"
    error[E0304]: `x/a.toml` includes itself: `x/a.toml` includes `x/parts/b.toml`, which includes `x/a.toml`
     --> x/parts/b.toml:1:12
      |
    1 | include = ["../a.toml"]
      |            ^^^^^^^^^^^
    "##);
    insta::assert_snapshot!(told(&[("main.toml", "include = [\"a.toml\", \"main.toml\"]\ninclude2 = 1\n")]), @r##"
    error[E0301]: cannot read `a.toml`: no such file
     --> main.toml:1:12
      |
    1 | include = ["a.toml", "main.toml"]
      |            ^^^^^^^^
      |
      = help: included files are looked for beside the file that includes them

    error[E0304]: `main.toml` includes itself
     --> main.toml:1:22
      |
    1 | include = ["a.toml", "main.toml"]
      |                      ^^^^^^^^^^^
    "##);
    insta::assert_snapshot!(told(&[("main.toml", "include = 3\n")]), @r##"
    error[E0103]: `include` is not a list of strings
     --> main.toml:1:11
      |
    1 | include = 3
      |           ^
      |
      = help: write `include = ["cluster.toml"]`
    "##);
    insta::assert_snapshot!(told(&[("main.toml", "include = [\"a.toml\"]\n"), ("a.toml", "b = ?\n")]), @r##"
    error[E0100]: string values must be quoted, expected literal string
     --> a.toml:1:5
      |
    1 | b = ?
      |     ^
    "##);
    // Twice as many with each step, and no loop.
    let names: Vec<String> = (0..40).map(|step| format!("{step}.toml")).collect();
    let texts: Vec<String> = (1..=40).map(|step| format!("include = [\"{step}.toml\", \"{step}.toml\"]\n")).collect();
    let mut many: Vec<(&str, &str)> =
        names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_str())).collect();
    many.push(("40.toml", ""));
    assert!(told(&many).contains("more than 256 files are included"));
}

/// The same rules on tables without comments.
fn plainly(base: &mut Plain, over: Plain, path: &[&str]) {
    for (key, value) in over {
        let path: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
        let Some(below) = base.get_mut(&key) else {
            base.insert(key, value);
            continue;
        };
        match (below, value) {
            (Any::Table(below), Any::Table(over)) if !rules::is_one_value(&key, |key| over.contains_key(key)) => {
                plainly(below, over, &path);
            }
            (Any::Array(below), Any::Array(over)) if path == [MANIFESTS] => {
                for text in over {
                    if !below.contains(&text) {
                        below.push(text);
                    }
                }
            }
            (Any::Array(below), Any::Array(over)) if rules::is_joined(&path) => {
                let called = |value: &Any| {
                    let text = |key: &str| value.get(key).and_then(Any::as_str);
                    rules::identity(&path, text).map(|name| name.into_iter().map(str::to_string).collect::<Vec<_>>())
                };
                let mut open: Vec<_> = below.iter().map(called).collect();
                for element in over {
                    let name = called(&element);
                    match open.iter().position(|other| other.is_some() && *other == name) {
                        Some(at) => {
                            open[at] = None;
                            let (Any::Table(below), Any::Table(over)) = (&mut below[at], element) else { panic!() };
                            plainly(below, over, &path);
                        }
                        None => below.push(element),
                    }
                }
            }
            (below, value) => *below = value,
        }
    }
}

#[test]
fn random_files_are_put_together_as_plain_tables_are() {
    for case in 0..cases() {
        let mut dice = Dice::new(case);
        let mut comments = 0;
        let parts: Vec<String> = (0..3).map(|_| part(&mut dice, &mut comments)).collect();
        // The first is included by the second, and that by the third.
        let parse =
            |text: &str| -> Plain { text.parse().unwrap_or_else(|error| panic!("case {case}: {error}\n{text}")) };
        let mut expected = parse(&parts[0]);
        for text in &parts[1..] {
            plainly(&mut expected, parse(text), &[]);
        }
        let files = [
            ("main.toml", format!("include = [\"1.toml\"]\n{}", parts[2])),
            ("1.toml", format!("include = [\"0.toml\"]\n{}", parts[1])),
            ("0.toml", parts[0].clone()),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let flat = flat_text(&files).unwrap_or_else(|told| panic!("case {case}: {told}\n{}", parts.join("\n---\n")));
        assert_eq!(parse(&flat), expected, "case {case}\n{}\n->\n{flat}", parts.join("\n---\n"));
        for number in 0..comments {
            let count = flat.matches(&format!("#<{number}>")).count();
            assert_eq!(count, 1, "case {case}: comment {number}\n{flat}");
        }
    }
}

/// A random file with few names, so that much meets.
fn part(dice: &mut Dice, comments: &mut u32) -> String {
    let mut text = String::new();
    let mut end = |dice: &mut Dice, text: &mut String| {
        if dice.below(2) == 0 {
            *text += &format!(" #<{comments}>");
            *comments += 1;
        }
        *text += "\n";
        if dice.below(3) == 0 {
            *text += &format!("#<{comments}>\n");
            *comments += 1;
        }
    };
    let value = |dice: &mut Dice| {
        dice.pick(&[
            "1",
            "\"x\"",
            "[1, 2]",
            "{ dist = \"a\", m = 1 }",
            "{ dist = \"b\", n = 1 }",
            "{ n = 2 }",
            "{ o.p = 1 }",
            "{}",
        ])
        .to_string()
    };
    for key in ["schema", "title", "\"title 2\""] {
        if dice.below(2) == 0 {
            text += &format!("{key} = {}", dice.pick(&["\"a\"", "\"b\"", "'a'"]));
            end(dice, &mut text);
        }
    }
    if dice.below(2) == 0 {
        text += dice.pick(&["manifests = [\"a.yaml\", \"b.yaml\"]", "manifests = ['b.yaml']", "manifests = []"]);
        end(dice, &mut text);
    }
    match dice.below(4) {
        0 => text += &format!("run.seed = {}", dice.below(3)),
        1 => text += &format!("run = {{ seed = {}, stop.when = 1 }}", dice.below(3)),
        2 => text += "cluster = { pool = [{ name = \"w\", count = 1 }, { name = 'v' }] }",
        _ => text += "cluster.pool = [{ name = \"u\", count = 1 }, { name = \"w\" }]",
    }
    end(dice, &mut text);
    if !text.contains("run") && dice.below(2) == 0 {
        text += "[run]";
        end(dice, &mut text);
        text += &format!("seed = {}", value(dice));
        end(dice, &mut text);
        if dice.below(2) == 0 {
            text += "[run.stop]";
            end(dice, &mut text);
            text += "when = 7";
            end(dice, &mut text);
        }
    }
    if !text.contains("cluster") {
        for name in ["v", "w"] {
            if dice.below(2) == 0 {
                text += "[[cluster.pool]]";
                end(dice, &mut text);
                text += &format!("name = \"{name}\"\nlabels = {}", value(dice));
                end(dice, &mut text);
                if dice.below(3) == 0 {
                    text += &format!("[cluster.pool.boot]\nx = {}", value(dice));
                    end(dice, &mut text);
                }
            }
        }
    }
    for _ in 0..dice.below(4) {
        text += "[[event]]";
        end(dice, &mut text);
        if dice.below(5) > 0 {
            text += &format!("{} = \"{}\"", dice.pick(&["id", "name"]), dice.pick(&["a", "b", "c"]));
            end(dice, &mut text);
        }
        text += &format!("at = {}\ntarget = {}", value(dice), value(dice));
        end(dice, &mut text);
        if dice.below(3) == 0 {
            text += &format!("[event.for]\nx = {}", value(dice));
            end(dice, &mut text);
        }
    }
    if dice.below(2) == 0 {
        text += &format!("[delays]\nimage-pull = {}\nready.after = {}", value(dice), value(dice));
        end(dice, &mut text);
    }
    if dice.below(2) == 0 {
        text += &format!("[a.b]\nc.d = {}", value(dice));
        end(dice, &mut text);
    } else if dice.below(2) == 0 {
        text += &format!("[a]\nb.c.e = {}\n[a.b.f]\ng = {}", value(dice), value(dice));
        end(dice, &mut text);
    }
    text
}
