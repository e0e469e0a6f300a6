//! YAML read, and refused kindly.

use super::*;
use serde_json::json;

#[test]
fn scalars_are_those_of_yaml_1_1() {
    for (text, value) in [
        ("yes", json!(true)),
        ("'yes'", json!("yes")),
        ("off", json!(false)),
        ("0644", json!(420)),
        ("0o17", json!(15)),
        ("0x1f", json!(31)),
        ("1_000", json!(1000)),
        ("08", json!(8)),
        ("1e3", json!(1000)),
        ("0.5", json!(0.5)),
        ("-3", json!(-3)),
        ("1.2.3", json!("1.2.3")),
        ("10.0.0.1", json!("10.0.0.1")),
        ("2024-01-01", json!("2024-01-01")),
        ("100m", json!("100m")),
        ("~", json!(null)),
        ("!!str 5", json!("5")),
        ("0b", json!("0b")),
    ] {
        let documents = read(&format!("a: {text}\n"));
        let [Ok(document)] = documents.as_slice() else { panic!("{text}: {documents:?}") };
        assert_eq!(document.value["a"], value, "{text}");
    }
}

#[test]
fn documents_know_their_lines() {
    let text = "# head\na:\n  - b: 1\n    c: 2\n---\n---\n# nothing\n---\nd: |\n  x\ne: {f: g}\n";
    let documents: Vec<Text> = read(text).into_iter().map(Result::unwrap).collect();
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[0].line, 2);
    assert_eq!(documents[0].line_of("a[0].c"), 4);
    assert_eq!(documents[0].line_of("a[0].nothing.here"), 3, "the nearest parent");
    assert_eq!(documents[1].line, 9);
    assert_eq!(documents[1].line_of("e.f"), 11);
}

#[test]
fn a_broken_document_does_not_hide_the_others() {
    let documents = read("a: [1\n---\nb: 2\n---\nc: 1\nc: 2\n");
    assert!(documents[0].is_err());
    assert_eq!(documents[1].as_ref().unwrap().value, json!({"b": 2}));
    assert_eq!(documents[2].as_ref().unwrap_err().line, 6);
}

#[test]
fn json_is_read_too_and_anchors_merge() {
    let documents = read("{\n\t\"a\": \"x\\ty\"\n}\n{\"b\": 1}\n");
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[1].as_ref().unwrap().line, 4);
    let documents = read("a: &a {p: 1, q: 2}\nb:\n  <<: *a\n  q: 3\n");
    assert_eq!(documents[0].as_ref().unwrap().value["b"], json!({"q": 3, "p": 1}));
}

/// What the reader is told of a text: its documents, or the line, the message and the way out.
fn told(text: &str) -> String {
    let documents = read(text).into_iter().map(|document| match document {
        Ok(document) => document.value.to_string(),
        Err(Unreadable { line, message, help }) => {
            format!("{line}: {message}{}", help.map(|help| format!(" | {help}")).unwrap_or_default())
        }
    });
    documents.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_way_to_write_it_wrong_is_told_kindly() {
    const TAB: &str = "a tab in the indentation: YAML forbids tabs there | indent with spaces; most editors can replace all tabs at one go";
    let tab = |line: u32| format!("{line}: {TAB}");
    for (text, expected) in [
        ("a:\n\tb: 1\n", tab(2)),
        ("a:\n  b: 1\n\tc: 2\n", tab(3)),
        ("a:\n  - b: 1\n  \t c: 1\n", tab(3)),
        (
            "a: b: c\n",
            "1: error parsing YAML: mapping values are not allowed in this context | a text with `: ` in it needs quotes; \
             or the line is indented too far"
                .into(),
        ),
        (
            "a: [1, 2\n",
            "1: error parsing YAML: unclosed bracket '[' | close it, or put the text in quotes if no list or object is \
             meant"
                .into(),
        ),
        (
            "a: 'x\n",
            "1: error parsing YAML: unclosed quote | close it with the same quote that opens the text".into(),
        ),
        (
            "a: \"\\q\"\n",
            "1: error parsing YAML: while parsing a quoted scalar, found unknown escape character | in single quotes a \
             backslash is just a backslash"
                .into(),
        ),
        (
            "a: *x\n",
            "1: error parsing YAML: while parsing node, found unknown anchor | `*name` repeats what `&name` marks further \
             up; put a text that begins with `*` in quotes"
                .into(),
        ),
        ("a: @b\n", "1: error parsing YAML: unexpected character: `@' | put the text in quotes".into()),
        ("a: \u{7}\n", "1: error parsing YAML: unexpected character: `\\u{7}' | put the text in quotes".into()),
        (
            "a: |\n  x\n y: 1\n",
            "3: error parsing YAML: while parsing a block mapping, did not find expected key | keys of one object stand \
             below each other, in the same column"
                .into(),
        ),
        (
            "- a\nb: 1\n",
            "2: error parsing YAML: while parsing a block collection, did not find expected '-' indicator | items of one \
             list stand below each other, in the same column"
                .into(),
        ),
        ("a: 1\nb: 2\na: 3\n", "3: key \"a\" already set in map | it stands on line 1 already: remove one of them".into()),
        (
            "{\"a\": 1,\n \"a\": 2}\n{\"b\": 1}\n",
            "2: key \"a\" already set in map | it stands on line 1 already: remove one of them\n{\"b\":1}".into(),
        ),
        ("a: &a [*a]\n", "1: an alias within the value that it stands for".into()),
        ("? [a]\n: b\n", "1: a key must be a scalar".into()),
        (
            "name: {{ .Values.name }}\n",
            "1: a key must be a scalar | this looks like a template: render it first, as `helm template` does".into(),
        ),
        ("<<: 1\n", "1: map merge requires map or sequence of maps as the value".into()),
        ("\u{feff}a: 1\n---\nb: 1\n", "{\"a\":1}\n{\"b\":1}".into()),
        (
            "a: 1\n---\n\u{feff}b: 1\n",
            "{\"a\":1}\n3: error parsing YAML: a BOM must not appear inside a document | files that were put together have \
             a byte order mark between them: take it out"
                .into(),
        ),
        ("a: 1\r\nb:\r\n  - 2\r\n", "{\"a\":1,\"b\":[2]}".into()),
        ("---\n---\n", String::new()),
        ("# nothing\n", String::new()),
        ("", String::new()),
        ("a: 1\n...\nb: 2\n", "{\"a\":1}\n{\"b\":2}".into()),
        ("{\"a\": \"\\ud83d\\ude00\"}", "{\"a\":\"😀\"}".into()),
        // YAML 1.1, as Kubernetes reads it.
        ("a: on\nb: 0644\nc: 0b11\nd: 1:30\n", "{\"a\":true,\"b\":420,\"c\":3,\"d\":\"1:30\"}".into()),
        ("a: .inf\nb: .nan\nc: 1e999\n", "{\"a\":\".inf\",\"b\":\".nan\",\"c\":\"1e999\"}".into()),
        ("a: 123456789012345678901234567890\n", "{\"a\":1.2345678901234568e+29}".into()),
        ("a: &x {p: 1}\nb: {<<: *x, q: 2}\n", "{\"a\":{\"p\":1},\"b\":{\"q\":2,\"p\":1}}".into()),
    ] {
        assert_eq!(told(text), expected, "{text:?}");
    }
}

#[test]
fn a_few_lines_cannot_take_all_memory() {
    let many = "1: anchors and aliases repeat more than 200000 values or 16777216 bytes | write the values out, or have \
                fewer anchors and aliases (`&` and `*`)";
    // A billion laughs.
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_string();
    for level in 1..10 {
        let before = format!("*a{}", level - 1);
        laughs += &format!("a{level}: &a{level} [{}]\n", [before.as_str(); 9].join(", "));
    }
    assert_eq!(told(&laughs).replacen(|c: char| c.is_ascii_digit(), "1", 1), many);
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), ["*a"; 1_000].join(", "));
    assert_eq!(told(&long).replacen('2', "1", 1), many);
    let anchors: String = (0..90).map(|level| format!("&a{level} [")).collect();
    let nested = format!("a: {anchors}{}{}\n", ["1"; 10_000].join(","), "]".repeat(90));
    assert_eq!(told(&nested), many);

    for (deep, end) in [("[", "]"), ("{a: ", "}"), ("{\"a\": ", "}")] {
        let text = format!("{}1{}", deep.repeat(100_000), end.repeat(100_000));
        assert_eq!(told(&text), "1: nested deeper than 100 levels", "{deep}");
    }
    let key = format!("? {}\n: 1\n", "k".repeat(2_000));
    assert_eq!(told(&key), "1: a key of 2000 bytes: the longest may have 1024");
    // The paths of its fields would take gigabytes.
    let wide =
        (0..90).fold(format!("[{}]", ["1"; 20_000].join(",")), |inner, _| format!("{{{}: {inner}}}", "k".repeat(900)));
    let documents = read(&wide);
    assert!(documents[0].is_ok());
    let digits = format!("a: {}\n", "9".repeat(1_000_000));
    assert_eq!(read(&digits)[0].as_ref().unwrap().value["a"], json!("9".repeat(1_000_000)));
}
