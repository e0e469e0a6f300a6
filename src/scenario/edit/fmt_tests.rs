//! Files laid out: by example, and random ones full of everything that TOML has.

use super::*;
use crate::scenario::edit::random::{Writer, cases};

fn formatted(text: &str) -> String {
    format(text).unwrap_or_else(|wrong| panic!("{}", wrong.why))
}

#[test]
fn a_file_in_disorder_is_laid_out_and_says_the_same() {
    let text = "\u{feff}#:schema https://example.org/v1.json\r\n\r\n\r\nschema='evenkeel/v1'   # the language\r\n\
        title = 'say \"hi\"'\r\n  manifests=[ 'a.yaml' ,'b.yaml', ]\r\n\r\n\r\n# a pool\r\n[[ cluster . pool ]] # small\r\n\r\n\
        name=\"w\"\r\n  count = 0x3 # three\r\n\
        capacity={cpu=\"4\",memory='8Gi'}  # each   \r\n# in two zones\r\nzones  =  [\r\n  'a', # first\r\n\r\n  \
        # then\r\n  'b' ] # zones\r\n\"odd key\".'x' = { }\r\n[run]\r\n[delays]\r\n\r\n\r\n";
    insta::assert_snapshot!(formatted(text), @r##"
    #:schema https://example.org/v1.json

    schema    = "evenkeel/v1"    # the language
    title     = 'say "hi"'
    manifests = ["a.yaml", "b.yaml"]

    # a pool
    [[cluster.pool]]    # small
    name     = "w"
    count    = 0x3                              # three
    capacity = { cpu = "4", memory = "8Gi" }    # each
    # in two zones
    zones         = [
      "a",    # first
      # then
      "b",
    ]    # zones
    "odd key"."x" = {}

    [run]

    [delays]
    "##);
}

#[test]
fn what_does_not_fit_on_a_line_takes_one_per_element() {
    let long: Vec<String> = (0..12).map(|index| format!("{{ at = \"{index}m\", factor = {index} }}")).collect();
    let text = format!(
        "[[traffic]]\nservice=\"shop\"\nshape=[{}]\nrate={{ steps=[{}] }}\nshort=[\n1,\n2\n]\n",
        long.join(","),
        long.join(",")
    );
    insta::assert_snapshot!(formatted(&text), @r##"
    [[traffic]]
    service = "shop"
    shape   = [
      { at = "0m", factor = 0 },
      { at = "1m", factor = 1 },
      { at = "2m", factor = 2 },
      { at = "3m", factor = 3 },
      { at = "4m", factor = 4 },
      { at = "5m", factor = 5 },
      { at = "6m", factor = 6 },
      { at = "7m", factor = 7 },
      { at = "8m", factor = 8 },
      { at = "9m", factor = 9 },
      { at = "10m", factor = 10 },
      { at = "11m", factor = 11 },
    ]
    rate    = { steps = [
      { at = "0m", factor = 0 },
      { at = "1m", factor = 1 },
      { at = "2m", factor = 2 },
      { at = "3m", factor = 3 },
      { at = "4m", factor = 4 },
      { at = "5m", factor = 5 },
      { at = "6m", factor = 6 },
      { at = "7m", factor = 7 },
      { at = "8m", factor = 8 },
      { at = "9m", factor = 9 },
      { at = "10m", factor = 10 },
      { at = "11m", factor = 11 },
    ] }
    short   = [1, 2]
    "##);
}

#[test]
fn strings_of_several_lines_stay_as_they_are() {
    let text = "a = \"\"\"\none \\\n   two\"\"\"\"\"\nbb='''x\n  y '''  # why\nc = [ '''\nz''' , \"\"\"q\"\"\" ]\n";
    insta::assert_snapshot!(formatted(text), @r##"
    a  = """
    one \
       two"""""
    bb = '''x
      y '''    # why
    c  = [
      '''
    z''',
      """q""",
    ]
    "##);
    // A line end inside of a string is part of its value.
    assert_eq!(formatted("a = \"\"\"x\r\ny\"\"\"\r\nb=1\r\n"), "a = \"\"\"x\r\ny\"\"\"\nb = 1\n");
}

#[test]
fn what_is_no_toml_is_refused_at_its_place() {
    for (text, bytes) in [
        ("a = 1\nb = \n", 10..10),
        ("\u{feff}a = 1\na = 2\n", 9..10),
        ("\u{feff}\u{feff}a = \n", 10..10),
        ("a = {\n", 5..5),
    ] {
        let wrong = format(text).unwrap_err();
        assert_eq!(wrong.bytes, Some(bytes), "{text}: {}", wrong.why);
    }
    assert_eq!(format("").as_deref(), Ok(""));
    assert_eq!(format("\n \n").as_deref(), Ok(""));
    assert_eq!(format(" # only this").as_deref(), Ok("# only this\n"));
}

#[test]
fn random_files_keep_their_meaning_and_their_comments_and_stay_once_laid_out() {
    for case in 0..cases() {
        let writer = Writer::file(case);
        let text = writer.text.as_str();
        let before: toml::Table = toml::from_str(text).unwrap_or_else(|error| panic!("case {case}: {error}\n{text}"));
        let once = formatted(text);
        let after: toml::Table = toml::from_str(&once).unwrap();
        assert_eq!(before, after, "case {case}\n{text}\n->\n{once}");
        assert_eq!(formatted(&once), once, "case {case}\n{text}\n->\n{once}");
        // Numbered in the order in which they were written.
        let numbers: Vec<u32> =
            once.split("#<").skip(1).map(|rest| rest.split('>').next().unwrap().parse().unwrap()).collect();
        assert_eq!(numbers, (0..writer.comments).collect::<Vec<_>>(), "case {case}\n{text}\n->\n{once}");
        for line in once.lines().filter(|_| !once.contains("\"\"\"") && !once.contains("'''")) {
            assert_eq!(line.trim_end(), line, "case {case}\n{once}");
        }
        assert!(once.is_empty() || once.ends_with('\n') && !once.ends_with("\n\n"), "case {case}\n{once}");
    }
}
