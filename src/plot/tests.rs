//! Pictures of every awkward kind, and what must hold for all of them.

use super::look::{Pile, piles};
use super::scene::{Rect, Shape, WIDTH};
use super::theme::Ink;
use super::*;
use crate::kernel::rng::{Draws, Purpose};

/// Names of pods are set so small, and they alone lie on what is drawn.
const POD_NAME: i32 = 12;

fn secs(seconds: f64) -> Time {
    Time::from_micros((seconds * 1e6) as u64)
}

fn mark(at: f64, until: Option<f64>, label: &str, kind: MarkKind) -> Mark {
    Mark { at: secs(at), until: until.map(secs), label: label.into(), kind }
}

fn milestone(at: f64, label: &str) -> Mark {
    mark(at, None, label, MarkKind::Milestone)
}

fn steps(list: &[(f64, i64)]) -> Vec<(Time, i64)> {
    list.iter().map(|&(at, value)| (secs(at), value)).collect()
}

/// A rack loses power for five minutes: six milestones within five seconds, four far apart.
fn story() -> Story {
    Story {
        title: "A rack loses power: 30 of 180 pods are gone for 5 min 53 s".into(),
        subtitle: "rack-power-loss, seed 7, 60 nodes, one run".into(),
        until: secs(900.0),
        marks: vec![
            mark(60.0, Some(360.0), "power.loss, 10 nodes", MarkKind::Fault),
            milestone(100.0, "nodes Ready=Unknown, tainted unreachable:NoExecute"),
            milestone(400.0, "first eviction"),
            milestone(401.2, "first replacement created"),
            milestone(401.3, "first replacement bound"),
            milestone(402.9, "first replacement ready"),
            milestone(404.1, "last eviction"),
            milestone(405.0, "last replacement bound"),
            mark(700.0, None, "uncordon worker-7", MarkKind::Action),
            milestone(890.0, "all pods ready, and held for the hold span"),
        ],
        notes: Vec::new(),
    }
}

fn panel() -> Panel {
    let mut ready = vec![(0.0, 0), (2.1, 40), (2.6, 96), (3.4, 150), (4.0, 180), (100.0, 150)];
    ready.extend((0..30).map(|n| (402.0 + f64::from(n) * 0.35, 151 + i64::from(n))));
    let serving = ready.iter().map(|&(at, value)| (if at == 100.0 { 60.0 } else { at }, value)).collect::<Vec<_>>();
    Panel {
        name: "deployment/web".into(),
        notes: vec!["lacked up to 30 pods".into(), "10,260 replica-seconds in all".into()],
        desired: steps(&[(0.0, 180)]),
        ready: steps(&ready),
        serving: steps(&serving),
    }
}

fn looks() -> Vec<(Look, String)> {
    Look::ALL.iter().map(|look| (*look, format!("looks {look:?}"))).collect()
}

fn row(label: &str, parts: &[(&str, &str, f64)]) -> Row {
    let part = |&(cause, owner, replica_seconds): &(&str, &str, f64)| Part {
        cause: cause.into(),
        owner: owner.into(),
        replica_seconds,
    };
    Row { label: label.into(), parts: parts.iter().map(part).collect() }
}

fn crash() -> Row {
    row(
        "crash · deployment/web",
        &[
            ("not-noticed", "node-monitor-grace-period 50s", 106.25),
            ("rate-limited", "node-eviction-rate 100m", 0.0),
            ("tolerated", "default-unreachable-toleration-seconds 300s", 600.0),
            ("pulling", "image-pull", 4.25),
            ("not-ready", "ready-after", 4.0),
        ],
    )
}

fn waterfall(rows: Vec<Row>) -> WaterfallChart {
    WaterfallChart { title: story().title, subtitle: story().subtitle, rows, notes: vec!["A note.".into()] }
}

const LONG: &str = "a-name-of-sixty-three-characters-which-is-as-long-as-one-may-be";

fn scenes() -> Vec<(&'static str, Scene)> {
    let ready = |story: Story, panels: Vec<Panel>| ReadyChart { story, panels }.scene().unwrap();
    let overlapping = Story {
        marks: (0..20)
            .map(|n| f64::from(n) * 11.0)
            .map(|at| mark(60.0 + at, Some(300.0 + at), "node.crash worker", MarkKind::Fault))
            .collect(),
        title:
            "A very long title, as one gets when a scenario says everything at once: two zones are cut off from the \
                control plane one after the other while a rolling update of the largest deployment is under way"
                .into(),
        notes: vec!["Not shown: 38 workloads that never lacked a pod.".into()],
        ..story()
    };
    let large = Panel {
        name: format!("deployment/{LONG}"),
        desired: steps(&[(0.0, 5_000)]),
        ready: steps(&[(0.0, 5_000), (100.0, 4_998), (400.0, 5_000)]),
        serving: steps(&[(0.0, 5_000), (60.0, 4_998), (400.0, 5_000)]),
        ..panel()
    };
    let bar = |n: usize| Bar {
        name: format!("{LONG}-{n}"),
        pieces: vec![
            (secs(n as f64), Look::Ready),
            (secs(60.0 + n as f64), Look::Hearsay),
            (secs(400.0), Look::Leaving),
        ],
        until: n.is_multiple_of(2).then(|| secs(500.0)),
    };
    let band = |name: &str, pods: usize| Band {
        name: name.into(),
        note: format!("{pods} → 0 pods"),
        down: vec![(secs(60.0), secs(360.0))],
        bars: (0..pods).map(bar).collect(),
    };
    let pods = |story: Story, bands| PodsChart { story, legend: looks(), bands }.scene().unwrap();
    let strip = |n: usize| Strip {
        name: format!("node-{n}"),
        pieces: vec![(secs(0.0), Look::Ready), (secs(60.0 + n as f64), Look::Evicting), (secs(500.0), Look::Starting)],
    };
    let nodes = |zones: usize, nodes: usize| {
        let group = |zone| Group { name: format!("zone {zone}"), strips: (0..nodes).map(strip).collect() };
        NodesChart { story: story(), legend: looks(), groups: (0..zones).map(group).collect() }.scene().unwrap()
    };
    let tiny = Story { title: "t".into(), ..Story::default() };
    vec![
        ("ready", ready(story(), vec![panel()])),
        (
            "ready-12",
            ready(overlapping.clone(), (0..12).map(|n| if n % 2 == 0 { panel() } else { large.clone() }).collect()),
        ),
        ("ready-5000", ready(overlapping.clone(), vec![large])),
        ("ready-none", ready(tiny.clone(), Vec::new())),
        ("ready-empty", ready(tiny.clone(), vec![Panel::default()])),
        ("pods", pods(story(), vec![band("node-1", 3), band("node-2", 0)])),
        ("pods-many", pods(overlapping, (1..25).map(|n| band(LONG, n * 9)).collect())),
        ("pods-none", pods(tiny.clone(), Vec::new())),
        ("nodes", nodes(2, 3)),
        ("nodes-60", nodes(3, 20)),
        ("nodes-1000", nodes(3, 333)),
        ("nodes-zones", nodes(40, 25)),
        ("nodes-none", nodes(0, 0)),
        ("waterfall", waterfall(vec![crash()]).scene().unwrap()),
        (
            "waterfall-3",
            waterfall(vec![crash(), row(LONG, &[("a-cause-of-its-own", LONG, 0.004)]), crash()]).scene().unwrap(),
        ),
        ("waterfall-60", waterfall(vec![crash(); 60]).scene().unwrap()),
        ("waterfall-none", waterfall(Vec::new()).scene().unwrap()),
    ]
}

fn overlap(a: Rect, b: Rect) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

/// No two labels may share a pixel, none may leave the picture, be crossed by a pole or lie where curves are, and nothing
/// may be painted outside.
fn assert_tidy(name: &str, scene: &Scene) {
    let whole = (0, 0, scene.size.0, scene.size.1);
    let is_inside = |r: Rect| r.0 >= whole.0 && r.1 >= whole.1 && r.2 <= whole.2 && r.3 <= whole.3;
    assert_eq!(scene.size.0, WIDTH);
    assert!((60..2_600).contains(&scene.size.1), "{name}: {} px high", scene.size.1);
    for (n, label) in scene.labels.iter().enumerate() {
        let bounds = label.bounds();
        assert!(is_inside(bounds), "{name}: {label:?} leaves the picture");
        for other in &scene.labels[..n] {
            assert!(!overlap(bounds, other.bounds()), "{name}: {label:?} overlaps {other:?}");
        }
        for &pole in &scene.poles {
            assert!(!overlap(bounds, pole), "{name}: {pole:?} crosses {label:?}");
        }
        let on = scene.plots.iter().find(|plot| label.face.px != POD_NAME && overlap(bounds, **plot));
        assert_eq!(on, None, "{name}: {label:?} is where curves are");
    }
    for shape in &scene.shapes {
        let corners: Vec<(i32, i32)> = match shape {
            Shape::Fill(rect, _) => vec![(rect.0, rect.1), (rect.2, rect.3)],
            Shape::Area(slices, _) => slices.iter().flat_map(|s| [(s.from, s.top), (s.to, s.bottom)]).collect(),
            Shape::Stroke(path, ..) => path.clone(),
        };
        for (x, y) in corners {
            assert!((0..=whole.2).contains(&x) && (0..=whole.3).contains(&y), "{name}: {shape:?} leaves the picture");
        }
    }
}

#[test]
fn labels_never_overlap_and_never_leave_the_picture() {
    for (name, scene) in scenes() {
        assert_tidy(name, &scene);
    }
}

/// Numbers for one case of many.
fn numbers(draws: &Draws, case: u64) -> impl FnMut(u64) -> u64 {
    let mut counter = 0;
    move |below| {
        counter += 1;
        draws.below(Purpose::Test, "charts", case * 100_000 + counter, below)
    }
}

fn words(number: u64) -> String {
    "word ".repeat(number as usize)
}

#[test]
fn whatever_is_drawn_is_tidy() {
    let draws = Draws::new(11);
    for case in 0..60 {
        let mut draw = numbers(&draws, case);
        let until = Time::from_micros(1 + draw(1 << (10 + case % 40)));
        let moments = |draw: &mut dyn FnMut(u64) -> u64, most: u64| {
            let mut times: Vec<Time> =
                (0..draw(most) + 1).map(|_| Time::from_micros(draw(until.as_micros() + 1))).collect();
            times.sort_unstable();
            times
        };
        let kinds = [MarkKind::Fault, MarkKind::Action, MarkKind::Milestone];
        let mut marks: Vec<Mark> = Vec::new();
        for at in moments(&mut draw, 40) {
            let kind = kinds[draw(3) as usize];
            let lasts = Time::from_micros(at.as_micros() + draw(until.as_micros() + 1));
            let until = (kind == MarkKind::Fault).then_some(lasts);
            marks.push(Mark { at, until, label: words(draw(20)), kind });
        }
        let story = Story {
            title: words(draw(120)),
            subtitle: words(draw(60)),
            until,
            marks,
            notes: (0..draw(3)).map(|_| words(draw(80))).collect(),
        };
        let mut panels = Vec::new();
        for n in 0..draw(13) {
            let most = 1 + draw(1 << (1 + (case + n) % 40));
            let some = |draw: &mut dyn FnMut(u64) -> u64| -> Vec<(Time, i64)> {
                moments(draw, 30).into_iter().map(|at| (at, draw(most) as i64)).collect()
            };
            let (desired, ready, serving) = (some(&mut draw), some(&mut draw), some(&mut draw));
            let notes = (0..draw(4)).map(|_| words(draw(9))).collect();
            panels.push(Panel { name: words(draw(9)), notes, desired, ready, serving });
        }
        let pieces = |draw: &mut dyn FnMut(u64) -> u64| -> Vec<(Time, Look)> {
            moments(draw, 9).into_iter().map(|at| (at, Look::ALL[draw(Look::ALL.len() as u64) as usize])).collect()
        };
        let mut bands = Vec::new();
        for _ in 0..draw(25) {
            let mut bars = Vec::new();
            for n in 0..draw(30) {
                bars.push(Bar { name: format!("{LONG}-{n}"), pieces: pieces(&mut draw), until: None });
            }
            bands.push(Band { name: words(draw(6)), note: words(draw(6)), down: Vec::new(), bars });
        }
        let mut groups = Vec::new();
        for _ in 0..draw(6) {
            let strips = (0..draw(20)).map(|n| Strip { name: format!("{LONG}-{n}"), pieces: pieces(&mut draw) });
            let strips = strips.collect();
            groups.push(Group { name: words(draw(6)), strips });
        }
        let mut rows = Vec::new();
        for _ in 0..draw(12) {
            let mut parts = Vec::new();
            for n in 0..draw(9) {
                let replica_seconds = draw(1 << (case % 40)) as f64 / 1e3;
                parts.push(Part { cause: format!("cause-{n}"), owner: words(draw(12)), replica_seconds });
            }
            rows.push(Row { label: words(draw(30)), parts });
        }
        assert_tidy(&format!("case {case}"), &ReadyChart { story: story.clone(), panels }.scene().unwrap());
        let pods = PodsChart { story: story.clone(), legend: looks(), bands };
        assert_tidy(&format!("case {case}"), &pods.scene().unwrap());
        assert_tidy(&format!("case {case}"), &NodesChart { story, legend: looks(), groups }.scene().unwrap());
        assert_tidy(&format!("case {case}"), &waterfall(rows).scene().unwrap());
    }
}

#[test]
fn piles_count_what_a_look_at_every_column_counts() {
    let draws = Draws::new(5);
    for case in 0..100 {
        let mut draw = numbers(&draws, case);
        let mut pieces: Vec<(i32, i32, Look)> = Vec::new();
        for _ in 0..draw(20) {
            let from = draw(40) as i32;
            pieces.push((from, from + draw(20) as i32, Look::ALL[draw(Look::ALL.len() as u64) as usize]));
        }
        let piles = piles(pieces.iter().copied());
        for x in 0..60 {
            let count = |look| pieces.iter().filter(|piece| piece.0 <= x && x < piece.1 && piece.2 == look).count();
            let slow = Look::ALL.map(|look| count(look) as u32);
            let here: Vec<&Pile> = piles.iter().filter(|pile| pile.from <= x && x < pile.to).collect();
            assert!(here.len() <= 1, "case {case}: piles overlap at {x}");
            assert_eq!(here.first().map_or([0; 11], |pile| pile.counts), slow, "case {case} at {x}");
        }
    }
}

#[test]
fn every_cause_begins_where_the_one_before_it_ended() {
    let scene = waterfall(vec![crash()]).scene().unwrap();
    let bar = |ink| {
        let fills = scene.shapes.iter().filter_map(|shape| match shape {
            Shape::Fill(rect, of) if *of == ink => Some((rect.0, rect.2)),
            _ => None,
        });
        let fills: Vec<(i32, i32)> = fills.collect();
        assert_eq!(fills.len(), 1, "{ink:?}");
        fills[0]
    };
    let bars = [Ink::Orange, Ink::Purple, Ink::Sky, Ink::Green].map(bar);
    for pair in bars.windows(2) {
        assert_eq!(pair[0].1, pair[1].0, "{bars:?}");
    }
    assert_eq!(bar(Ink::Blue), (bars[0].0, bars[3].1), "the total reaches from the first to the last");
    let told = |text: &str| scene.labels.iter().any(|label| label.text == text);
    assert!(told("714.5") && told("84 %") && told("default-unreachable-toleration-seconds 300s"));
    assert!(!told("rate-limited"), "what cost nothing has no line");
    let all = waterfall(vec![crash(); 60]).scene().unwrap();
    for text in ["all 60 together", "36 others together", "42,870", "25,722"] {
        assert!(all.labels.iter().any(|label| label.text == text), "{text}");
    }
}

#[test]
fn every_mark_of_an_outage_has_its_flag() {
    let scene = ReadyChart { story: story(), panels: vec![panel()] }.scene().unwrap();
    for mark in story().marks {
        assert!(scene.labels.iter().any(|label| label.text == mark.label), "{}", mark.label);
    }
}

#[test]
fn milestones_give_way_to_faults_and_what_has_no_flag_is_listed() {
    let mut crowded = story();
    crowded.marks = (0..30).map(|n| milestone(100.0 + f64::from(n), "a step of the recovery")).collect();
    crowded.marks.push(mark(110.0, Some(300.0), "node.crash worker-1", MarkKind::Fault));
    let scene = ReadyChart { story: crowded.clone(), panels: vec![panel()] }.scene().unwrap();
    let told = |scene: &Scene, text: &str| scene.labels.iter().filter(|label| label.text.contains(text)).count();
    assert_eq!((told(&scene, "a step"), told(&scene, "worker-1")), (0, 1));
    crowded.marks =
        (0..900).map(|n| mark(100.0 + f64::from(n) / 9.0, Some(600.0), "node.crash w", MarkKind::Fault)).collect();
    let scene = NodesChart { story: crowded, ..NodesChart::default() }.scene().unwrap();
    assert!(told(&scene, "Also marked: ") == 1 && told(&scene, "more") == 1);
}

#[test]
fn one_pod_that_is_missing_among_thousands_is_seen() {
    let lack = Panel {
        desired: steps(&[(0.0, 5_000)]),
        ready: steps(&[(0.0, 5_000), (60.0, 4_999), (400.0, 5_000)]),
        serving: steps(&[(0.0, 5_000), (60.0, 4_999), (400.0, 5_000)]),
        ..panel()
    };
    let scene = ReadyChart { story: story(), panels: vec![lack] }.scene().unwrap();
    let missing = scene.shapes.iter().find_map(|shape| match shape {
        Shape::Area(slices, Ink::VermillionArea) => slices.iter().find(|slice| slice.to - slice.from > 100),
        _ => None,
    });
    let slice = missing.expect("it is hatched");
    assert!(slice.bottom - slice.top > 50, "{slice:?}");
    assert!(scene.labels.iter().any(|label| label.text.starts_with("The axis does not begin at zero")));
}

#[test]
fn the_same_chart_gives_the_same_bytes_and_both_papers_the_same_words() {
    for ((name, one), (_, two)) in scenes().into_iter().zip(scenes()) {
        let words = |svg: &str| svg.matches("<text ").count();
        let [light, dark] = [Theme::Light, Theme::Dark].map(|theme| one.svg(theme).unwrap());
        assert!(light == two.svg(Theme::Light).unwrap(), "{name}");
        assert!(light != dark && words(&light) == words(&dark), "{name}");
        assert!(light.len() < 300_000, "{name}: {} bytes", light.len());
    }
    let (one, two) = (scenes().swap_remove(5).1, scenes().swap_remove(5).1);
    assert!(one.png(Theme::Dark) == two.png(Theme::Dark));
}

/// Contrast of a colour on another (WCAG 2.2, "contrast ratio").
fn contrast(theme: Theme, one: Ink, other: Ink) -> f64 {
    let light = |ink| {
        let (red, green, blue) = theme.color(ink).rgb;
        let linear = |value: u8| {
            let share = f64::from(value) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { libm::pow((share + 0.055) / 1.055, 2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue) + 0.05
    };
    let (one, other) = (light(one), light(other));
    one.max(other) / one.min(other)
}

#[test]
fn letters_and_lines_stand_out_from_both_papers() {
    for theme in [Theme::Light, Theme::Dark] {
        for text in [Ink::Strong, Ink::Quiet, Ink::Fault, Ink::Action] {
            assert!(contrast(theme, text, Ink::Paper) >= 4.5, "{theme:?} {text:?}");
        }
        for color in [Ink::Vermillion, Ink::Orange, Ink::Purple, Ink::Sky, Ink::Yellow] {
            assert!(contrast(theme, Ink::OnColor, color) >= 3.9, "{theme:?} {color:?}");
        }
        for line in [Ink::Blue, Ink::Desired, Ink::Axis] {
            assert!(contrast(theme, line, Ink::Paper) >= 3.0, "{theme:?} {line:?}");
        }
    }
}

#[test]
fn text_is_escaped_and_names_its_font() {
    let story = Story { title: "a < b & \"c\"".into(), ..story() };
    let scene = ReadyChart { story, panels: vec![panel()] }.scene().unwrap();
    let picture = scene.svg(Theme::Light).unwrap();
    assert!(picture.contains("a &lt; b &amp; &quot;c&quot;"));
    assert!(picture.contains("font-family=\"IBM Plex Sans, "));
    let labels = scene.labels.len();
    assert_eq!(picture.matches("<text textLength=").count(), labels, "a viewer without the font keeps the widths");
    assert!(picture.trim_end().ends_with("</svg>"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let chart = |ready: &[(f64, i64)]| {
        let panel = Panel { ready: steps(ready), ..panel() };
        ReadyChart { story: story(), panels: vec![panel] }.scene().map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(chart(&[(5.0, 1), (4.0, 2)]), "the steps of `deployment/web ready` go back in time at 4s");
    assert_eq!(chart(&[(5.0, -1)]), "`deployment/web ready` is negative (-1) at 5s");
    let strip = Strip { name: "n1".into(), pieces: vec![(secs(5.0), Look::Ready), (secs(4.0), Look::Absent)] };
    let groups = vec![Group { name: String::new(), strips: vec![strip] }];
    let error = NodesChart { groups, ..NodesChart::default() }.scene().map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "the steps of `n1` go back in time at 4s");
    let error = waterfall(vec![row("a", &[("stuck", "", -1.5)])]).scene().map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "`stuck` of `a` is -1.5 replica-seconds");
}

/// With EVENKEEL_LOOK_AT naming a folder, the pictures are written there to be looked at.
#[test]
#[expect(clippy::disallowed_methods, reason = "where to write is the looker's wish and moves no result")]
fn pictures_can_be_looked_at() {
    let Ok(folder) = std::env::var("EVENKEEL_LOOK_AT") else { return };
    for (name, scene) in scenes() {
        for theme in [Theme::Light, Theme::Dark] {
            let name = format!("{folder}/{name}{}", theme.suffix());
            std::fs::write(format!("{name}.svg"), scene.svg(theme).unwrap()).unwrap();
            std::fs::write(format!("{name}.png"), scene.png(theme).unwrap()).unwrap();
        }
    }
}
