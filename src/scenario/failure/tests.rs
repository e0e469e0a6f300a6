//! Tests of random failures from their TOML to the events that come of them.

use super::super::domain::Domains;
use super::super::problem::Problems;
use super::expand::{Expansion, Layout, check, expand, long};
use super::preset::REGISTRY;
use super::*;
use crate::cluster::Happening;
use crate::kernel::rng::Draws;
use crate::object::node::{LABEL_POOL, LABEL_ZONE};
use crate::object::target::Target;
use crate::object::{Key, Labels, Meta, Node};

/// 12 nodes in two pools, three zones, four racks of three and two feeds of six.
fn cluster() -> (Vec<Node>, Domains) {
    let name = |index: usize| format!("w-{}", index + 1);
    let node = |index: usize| {
        let mut labels = Labels::default();
        labels.insert(LABEL_ZONE, ["a", "b", "c"][index / 4]);
        labels.insert(LABEL_POOL, if index < 10 { "general" } else { "gpu" });
        Node { meta: Meta { labels, ..Meta::new(Key::cluster(name(index))) }, ..Node::default() }
    };
    let domain = |kind: &str, number: usize, size: usize| {
        let nodes = (number * size..(number + 1) * size).map(|index| name(index).into()).collect();
        (format!("{kind}-{}", number + 1), kind.to_string(), nodes)
    };
    let racks = (0..4).map(|number| domain("rack", number, 3));
    let feeds = (0..2).map(|number| domain("power", number, 6));
    ((0..12).map(node).collect(), racks.chain(feeds).collect())
}

/// Reads the tables and compares them with the cluster.
pub(super) fn read(text: &str) -> (Vec<Failure>, Problems) {
    let mut problems = Problems::default();
    problems.keep_text("x.toml", text);
    let table = DeTable::parse(text).expect("TOML");
    let mut sink = Sink::new("x.toml", &mut problems);
    let mut root = Section::new(table.get_ref(), 0..0, "a scenario", super::super::language::ROOT);
    let mut failures = failures(root.tables("failure", "failure", FIELDS, &mut sink), &mut sink);
    root.finish(&mut sink);
    let (nodes, domains) = cluster();
    let layout = Layout { nodes: &nodes, domains: &domains };
    failures.retain(|failure| check(failure, &layout, &["crash".to_string(), "disk-2".to_string()], &mut sink));
    (failures, problems)
}

pub(super) fn good(text: &str) -> Failure {
    let (mut failures, problems) = read(text);
    assert!(problems.list.is_empty(), "{}", problems.render(false));
    failures.pop().expect("one")
}

fn expanded(failure: &Failure, seed: u64, end: &str) -> Expansion {
    let (nodes, domains) = cluster();
    let layout = Layout { nodes: &nodes, domains: &domains };
    expand(failure, &layout, &Draws::new(seed), Span::parse(end).unwrap()).expect("not too many")
}

/// Nodes and duration of each event.
fn hits(expansion: &Expansion) -> Vec<(Vec<&str>, Option<Span>)> {
    expansion
        .planned
        .iter()
        .map(|planned| match &planned.what {
            Happening::Fault { target: Target::Nodes(selector), lasts, .. } => {
                let [Filter::Named(names)] = selector.filters.as_slice() else { panic!("{selector}") };
                (names.iter().map(|name| name.as_str()).collect(), *lasts)
            }
            Happening::Fault { target: Target::Cluster, lasts, .. } => (Vec::new(), *lasts),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_process_becomes_events() {
    let failure = good(
        r#"[[failure]]
        id = "crashes"
        do = "node.crash"
        every = { dist = "weibull", shape = 0.7, scale = "900h" }
        for = { dist = "lognormal", median = "2h", p95 = "12h" }
        burst = { share = "85%", within = "rack" }
        most = 4
        "#,
    );
    let expansion = expanded(&failure, 1, "90d");
    assert!((5..60).contains(&expansion.planned.len()), "{}", expansion.planned.len());
    assert_eq!(expansion.silence, None);
    for (index, planned) in expansion.planned.iter().enumerate() {
        assert_eq!(planned.id, format!("crashes-{}", index + 1).as_str());
    }
    assert!(expansion.planned.is_sorted_by_key(|planned| planned.at));
    let (_, domains) = cluster();
    let hits = hits(&expansion);
    assert!(hits.iter().any(|(nodes, _)| nodes.len() == 3) && hits.iter().all(|(_, lasts)| lasts.is_some()));
    for (nodes, _) in hits {
        let rack = domains.iter().find(|(_, _, of)| of.iter().any(|node| node.as_str() == nodes[0])).unwrap();
        assert!(nodes.iter().all(|node| rack.2.iter().any(|of| of.as_str() == *node)), "{nodes:?}");
    }
    let times = |seed| expanded(&failure, seed, "90d").planned.iter().map(|planned| planned.at).collect::<Vec<_>>();
    assert_eq!(times(1), times(1));
    assert_ne!(times(1), times(2));
}

#[test]
fn domains_fail_as_wholes_and_targets_restrict() {
    let racks =
        good("[[failure]]\nid = \"r\"\nmodel = \"rack-power\"\nevery = { dist = \"exponential\", mean = \"5d\" }");
    let expansion = expanded(&racks, 3, "60d");
    assert!(expansion.planned.len() > 20);
    let sizes = |expansion: &Expansion| hits(expansion).iter().map(|(nodes, _)| nodes.len()).collect::<Vec<_>>();
    assert!(sizes(&expansion).iter().all(|&size| size == 3));
    assert_eq!(racks.name, "power.loss");
    // A target that covers a part of a thing leaves the rest of it alone.
    let text = "[[failure]]\nid = \"r\"\nmodel = \"rack-power\"\nevery = \"5d\"\nper = \"zone\"\n";
    let part = good(&format!("{text}target = {{ domain = \"power-1\", pool = \"general\" }}"));
    let sizes = sizes(&expanded(&part, 3, "60d"));
    assert!(sizes.contains(&4) && sizes.contains(&2) && sizes.len() == 24, "zone a whole, half of zone b: {sizes:?}");
    let gone = good("[[failure]]\nid = \"g\"\ndo = \"image-registry.gone\"\nevery = \"1d\"\nfor = \"1h\"");
    let expansion = expanded(&gone, 1, "10d");
    assert_eq!(hits(&expansion)[0], (Vec::new(), Some(Span::parse("1h").unwrap())));
    assert!((9..=10).contains(&expansion.planned.len()), "a day of work, an hour without: {}", expansion.planned.len());
}

#[test]
fn own_keys_win_over_those_of_the_model() {
    let plain = good("[[failure]]\nid = \"p\"\nmodel = \"flapping-node\"\ntarget = { node = \"w-3\" }");
    assert_eq!((plain.name, plain.process.most), ("node.partition", Some(1)));
    assert_eq!(plain.process.lasts.as_ref().unwrap().to_string(), "uniform 20s..3m20s");
    let other = good(
        r#"[[failure]]
        id = "p"
        model = "slow-node"
        do = "node.reboot"
        every = "1d"
        start = "fresh"
        from = "1d"
        until = "36h"
        most = 9
        "#,
    );
    assert_eq!((other.name, other.process.most, other.process.start), ("node.reboot", Some(9), Start::Fresh));
    assert_eq!(other.process.lasts, Some(Delay::NONE), "a reboot is over at once: the model's duration is not its");
    let expansion = expanded(&other, 1, "10d");
    assert!(expansion.planned.is_empty(), "the first would be two days after the beginning");
    assert_eq!(
        expansion.silence.unwrap(),
        "`p` never struck from 24h00m00s to 36h00m00s. Mean time between failures: 24h for each node of 12, 2h00m00s for \
         all of them"
    );
}

#[test]
fn what_never_strikes_says_why() {
    let disk = good("[[failure]]\nid = \"d\"\nmodel = \"disk\"");
    let expansion = expanded(&disk, 1, "15m");
    assert!(expansion.planned.is_empty());
    assert_eq!(
        expansion.silence.unwrap(),
        "`d` never struck within 15m00s. Mean time between failures: 12167d for each node of 12, 1014d for all of them"
    );
    let late = good("[[failure]]\nid = \"d\"\nmodel = \"disk\"\nfrom = \"2h\"\ntarget = { node = \"w-1\" }");
    assert_eq!(expanded(&late, 1, "1h").silence.unwrap(), "`d` begins at 2h00m00s, when the run of 1h00m00s is over");
    let told = expanded(&late, 1, "3h").silence.unwrap();
    assert!(told.ends_with("Mean time between failures: 12167d for one node"), "{told}");
    let many = good("[[failure]]\nid = \"m\"\ndo = \"node.reboot\"\nevery = \"1ms\"");
    let (nodes, domains) = cluster();
    let layout = Layout { nodes: &nodes, domains: &domains };
    let why = expand(&many, &layout, &Draws::new(1), Span::DAY).unwrap_err();
    assert!(why.starts_with("`m` is too much for a run of 24h00m00s: it fails more than 100000 times, "), "{why}");
    assert!(why.ends_with("Mean time between failures: 1ms for each node of 12, 83us for all of them"), "{why}");
}

#[test]
fn every_preset_can_be_used_and_is_told() {
    let mut names = Vec::new();
    for preset in REGISTRY {
        let failure = good(&format!("[[failure]]\nid = \"x\"\nmodel = \"{}\"", preset.name));
        let expansion = expanded(&failure, 5, "5d");
        assert!(expansion.planned.is_empty() == expansion.silence.is_some());
        assert!(preset.what.ends_with('.') && preset.source.ends_with('.') && preset.caveat.ends_with('.'));
        names.push(preset.name);
        // Written out by hand it is the same.
        let by_hand = good(&format!("[[failure]]\nid = \"x\"\n{}", preset.keys));
        assert_eq!(by_hand.process, failure.process, "{}", preset.name);
        assert_eq!((&by_hand.per.value, by_hand.name), (&failure.per.value, failure.name));
        assert_eq!(format!("{:?}", by_hand.fault), format!("{:?}", failure.fault));
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), REGISTRY.len());
}

/// The means that the comments and sources of presets speak of.
#[test]
fn presets_have_the_means_that_they_claim() {
    for (name, mean) in [
        ("node-hardware", "1095d"),
        ("gpu-node", "264d"),
        ("disk", "12167d"),
        ("kernel-crash", "182d"),
        ("slow-node", "73000d"),
        ("machine-burst", "182d"),
    ] {
        let failure = good(&format!("[[failure]]\nid = \"x\"\nmodel = \"{name}\""));
        assert_eq!(long(failure.process.every.mean()), mean, "{name}");
    }
    assert_eq!(["90m", "900h", "4d"].map(|text| long(Span::parse(text).unwrap())), ["1h30m00s", "900h", "96h"]);
}

/// The first problem of a table with these lines.
fn told(lines: &str) -> String {
    let (_, problems) = read(&format!("[[failure]]\n{lines}\n"));
    assert_eq!(problems.list.len(), 1, "{lines}:\n{}", problems.render(false));
    let problem = &problems.list[0];
    let said = [&problem.message, &problem.label].into_iter().chain(&problem.help).chain(&problem.notes);
    said.filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(" | ")
}

#[test]
fn slips_are_told_once_with_a_way_out() {
    let crash = "id = \"x\"\ndo = \"node.crash\"\nevery = \"1d\"";
    for (lines, expected) in [
        ("model = \"disk\"".to_string(), "[[failure]] has no `id`"),
        (
            "id = \"x\"\nmodel = \"rack-pwer\"".to_string(),
            "no model of failures `rack-pwer` | did you mean `rack-power`?",
        ),
        ("id = \"x\"\nevery = \"1d\"".to_string(), "[[failure]] has no `do`"),
        ("id = \"x\"\ndo = \"node.crash\"".to_string(), "does not say how long a thing works"),
        ("id = \"x\"\ndo = \"node.crash\"\nevry = \"1d\"".to_string(), "no key `evry` | did you mean `every`?"),
        ("id = \"x\"\ndo = \"crash\"\nevery = \"1d\"".to_string(), "did you mean `node.crash`?"),
        (format!("{crash}\nmots = 3"), "did you mean `most`?"),
        (format!("{crash}\nmost = 0"), "`most` cannot be 0"),
        (format!("{crash}\nfor = \"0s\""), "cannot last no time"),
        (format!("{crash}\nfor = \"500d\""), "`for` is longer than a year"),
        (format!("{crash}\nstart = \"new\""), "expected `equilibrium` or `fresh`"),
        (format!("{crash}\nfrom = \"2h\"\nuntil = \"1h\""), "`until` is 1h00m00s, not after `from`, which is 2h00m00s"),
        (
            format!("{crash}\nburst = {{ share = 1.0, within = \"rack\" }}"),
            "with a share of one all would fail together",
        ),
        (format!("{crash}\nburst = {{ share = 0.5 }}"), "`burst` has no `within`"),
        (format!("{crash}\nburst = {{ share = 0.5, within = \"rak\" }}"), "of kind `rak` | did you mean `rack`?"),
        (format!("{crash}\nper = \"racks\""), "of kind `racks` | did you mean `rack`?"),
        (format!("{crash}\nper = 3"), "`per` is not a string"),
        (format!("{crash}\ntarget = {{ zone = \"d\" }}"), "zones in this cluster: `a`, `b`, `c`"),
        (format!("{crash}\ntarget = {{ node = \"w-77\" }}"), "nodes in this cluster: `w-1` to `w-9`, 12 in all"),
        (format!("{crash}\ntarget = {{ domain = \"rack1\" }}"), "did you mean `rack-1`?"),
        (format!("{crash}\ntarget = {{ running = \"web-0\" }}"), "is not known before the cluster runs"),
        (format!("{crash}\ntarget = {{ }}"), "the target names no nodes"),
        (format!("{crash}\nfactor = 3"), "`factor` has no meaning here"),
        ("id = \"x\"\ndo = \"node.crash\"\nevery = \"0s\"".to_string(), "the time that they work"),
        ("id = \"x\"\ndo = \"node.crash\"\nevery = \"365001d\"".to_string(), "longer than a thousand years"),
        ("id = \"x\"\ndo = \"node.slow\"\nevery = \"1d\"".to_string(), "[[failure]] has no `factor`"),
        (
            "id = \"x\"\ndo = \"node.reboot\"\nevery = \"1d\"\nfor = \"1m\"".to_string(),
            "is over at once: it has no `for`",
        ),
        (
            "id = \"x\"\ndo = \"image-registry.gone\"\nevery = \"1d\"\nper = \"zone\"".to_string(),
            "hits the cluster as a whole, not each zone",
        ),
        (
            "id = \"x\"\ndo = \"image-registry.gone\"\nevery = \"1d\"\ntarget = { zone = \"a\" }".to_string(),
            "it has no target",
        ),
        ("id = \"disk\"\nmodel = \"disk\"".to_string(), "there is an event `disk-2` already"),
        (format!("{crash}\n[[failure]]\nid = \"x\"\nmodel = \"disk\"\n[[failure]]\nid = \"y\"\nmodel = \"d\""), ""),
    ] {
        if expected.is_empty() {
            let (failures, problems) = read(&format!("[[failure]]\n{lines}\n"));
            assert_eq!((failures.len(), problems.list.len()), (1, 2), "the first is good, the others are not");
            continue;
        }
        let told = told(&lines);
        assert!(told.contains(expected), "{lines}\n{told}");
    }
}

#[test]
fn what_a_model_says_is_shown_at_its_name() {
    let text = "[[failure]]\nid = \"x\"\nmodel = \"rack-power\"\n";
    let table = DeTable::parse(text).unwrap();
    let mut problems = Problems::default();
    problems.keep_text("x.toml", text);
    let mut sink = Sink::new("x.toml", &mut problems);
    let mut root = Section::new(table.get_ref(), 0..0, "a scenario", super::super::language::ROOT);
    let failures = failures(root.tables("failure", "failure", FIELDS, &mut sink), &mut sink);
    let (nodes, _) = cluster();
    assert!(!check(&failures[0], &Layout { nodes: &nodes, domains: &Domains::default() }, &[], &mut sink));
    insta::assert_snapshot!(problems.render(false), @r#"
    error[E0203]: this cluster has no domain of kind `rack`
     --> x.toml:3:9
      |
    3 | model = "rack-power"
      |         ^^^^^^^^^^^^
      |
      = help: give a pool racks: `racks = { a = ["a1", "a2"] }`
      = note: things of this cluster are `node`, `zone`, `pool`, `cluster`
    "#);
}
