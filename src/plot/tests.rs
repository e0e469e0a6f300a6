//! Pictures of every awkward kind, and what must hold for all of them.

use super::layout::{self, SIZE};
use super::*;
use crate::kernel::rng::{Draws, Purpose};

fn secs(seconds: f64) -> Time {
    Time::from_micros((seconds * 1e6) as u64)
}

fn series(name: &str, role: Role, steps: &[(f64, i64)]) -> Series {
    Series { name: name.into(), role, steps: steps.iter().map(|&(at, value)| (secs(at), value)).collect() }
}

fn milestone(at: f64, label: &str) -> Mark {
    Mark { at: secs(at), until: None, label: label.into(), kind: MarkKind::Milestone }
}

fn fault(at: f64, until: Option<f64>, label: &str) -> Mark {
    Mark { at: secs(at), until: until.map(secs), label: label.into(), kind: MarkKind::Fault }
}

/// A rack loses power for five minutes: six milestones within five seconds, four far apart.
fn outage() -> Chart {
    let mut ready = vec![(0.0, 0), (2.1, 40), (2.6, 96), (3.4, 150), (4.0, 180), (60.0, 150)];
    ready.extend((0..30).map(|n| (402.0 + f64::from(n) * 0.35, 151 + i64::from(n))));
    Chart {
        title: "A rack loses power: 30 of 180 pods are gone for 5 min 53 s".into(),
        subtitle: "rack-power-loss.toml · seed 7 · 60 nodes, 10 of them in rack r3".into(),
        until: secs(900.0),
        unit: "pods".into(),
        series: vec![series("desired", Role::Desired, &[(0.0, 180)]), series("ready", Role::Ready, &ready)],
        marks: vec![
            fault(60.0, Some(360.0), "rack r3 loses power"),
            milestone(100.0, "nodes Ready=Unknown, tainted unreachable:NoExecute"),
            milestone(400.0, "first eviction"),
            milestone(401.2, "first replacement created"),
            milestone(401.3, "first replacement bound"),
            milestone(402.9, "first replacement ready"),
            milestone(404.1, "last eviction"),
            milestone(405.0, "last replacement bound"),
            milestone(700.0, "last old pod object deleted"),
            milestone(890.0, "all pods ready, and held for the hold span"),
        ],
    }
}

fn charts() -> Vec<(&'static str, Chart)> {
    let dip = Chart {
        title: "A node restarts".into(),
        subtitle: String::new(),
        until: secs(60.0),
        unit: "pods".into(),
        series: vec![
            series("desired", Role::Desired, &[(0.0, 3)]),
            series("ready", Role::Ready, &[(0.0, 3), (12.0, 2), (31.5, 3)]),
        ],
        marks: vec![fault(12.0, Some(30.0), "node n1 restarts"), milestone(31.5, "web-2 ready again")],
    };
    let single = Chart { until: secs(900.0), ..dip.clone() };
    let empty = Chart {
        title: "Nothing was recorded".into(),
        until: secs(60.0),
        unit: "pods".into(),
        series: vec![series("desired", Role::Desired, &[]), series("ready", Role::Ready, &[])],
        ..Chart::default()
    };
    let zero = Chart {
        title: "No pod was ever ready".into(),
        subtitle: "image cannot be pulled".into(),
        until: secs(300.0),
        unit: "pods".into(),
        series: vec![series("desired", Role::Desired, &[(0.0, 0)]), series("ready", Role::Ready, &[(0.0, 0)])],
        marks: vec![],
    };
    let draws = Draws::new(3);
    let mut level = 200_000;
    let noisy: Vec<(f64, i64)> = (0..10_000)
        .map(|n| {
            level = (level + 400 - draws.below(Purpose::Test, "noise", n, 801) as i64).clamp(150_000, 200_000);
            (n as f64 * 0.72, level)
        })
        .collect();
    let many = Chart {
        title: "A very long title, as one gets when a scenario's sentence says everything at once: two zones are cut \
                off from the control plane one after the other while a rolling update of the largest deployment is \
                under way, and the node controller stops evicting because more than half of the nodes are silent"
            .into(),
        subtitle: "partial-zone-disruption-while-rolling-update.toml · seed 18,446,744,073,709,551,615 · 10,000 nodes \
                   in 3 zones, 200,000 pods of 40 deployments · upstream defaults except node-monitor-grace-period = 40s"
            .into(),
        until: secs(7_200.0),
        unit: "pods and their replacements".into(),
        series: vec![
            series("desired", Role::Desired, &[(0.0, 200_000)]),
            series("ready", Role::Ready, &noisy),
            series("bound", Role::Other(0), &[(0.0, 198_000), (2_000.0, 120_000), (3_000.0, 200_000)]),
            series("pending", Role::Other(1), &[(0.0, 2_000), (2_000.0, 80_000), (3_000.0, 0)]),
            series("terminating", Role::Other(2), &[(0.0, 0), (2_100.0, 60_000), (5_000.0, 10_000)]),
            series("failed", Role::Other(3), &[(0.0, 0), (2_500.0, 30_000), (6_000.0, 20_000)]),
        ],
        marks: (0..40).map(|n| milestone(2_000.0 + f64::from(n) * 3.0, &format!("step {n} of the roll-out"))).collect(),
    };
    let tiny = Chart { until: Time::ZERO, title: "t".into(), ..Chart::default() };
    vec![
        ("outage", outage()),
        ("dip", dip),
        ("single", single),
        ("empty", empty),
        ("zero", zero),
        ("many", many),
        ("tiny", tiny),
    ]
}

/// No two labels may share a pixel, nor may one leave the picture or enter the plot.
fn assert_tidy(name: &str, chart: &Chart) {
    let layout = layout::of(chart);
    let frame = layout.frame;
    assert!(frame.bottom - frame.top >= SIZE.1 / 3, "{name}: the plot keeps a third, {frame:?}");
    for (n, label) in layout.labels.iter().enumerate() {
        let (left, top, right, bottom) = label.bounds();
        assert!(left >= 0 && top >= 0 && right <= SIZE.0 && bottom <= SIZE.1, "{name}: {label:?} leaves the picture");
        let is_above_or_below = bottom <= frame.top || top >= frame.bottom;
        assert!(is_above_or_below || right <= frame.left, "{name}: {label:?} is in the plot");
        for other in &layout.labels[..n] {
            let (l, t, r, b) = other.bounds();
            let is_apart = right <= l || r <= left || bottom <= t || b <= top;
            assert!(is_apart, "{name}: {label:?} overlaps {other:?}");
        }
        for pole in &layout.poles {
            let is_crossed = left < pole.x && pole.x < right && pole.top < bottom && top < frame.bottom;
            assert!(!is_crossed, "{name}: {pole:?} crosses {label:?}");
        }
    }
}

#[test]
fn labels_never_overlap_and_never_leave_the_picture() {
    for (name, chart) in charts() {
        assert_tidy(name, &chart);
    }
    let draws = Draws::new(11);
    for case in 0..60 {
        let mut counter = 0;
        let mut draw = |below: u64| {
            counter += 1;
            draws.below(Purpose::Test, "charts", case * 1_000 + counter, below)
        };
        let mut chart = outage();
        chart.until = Time::from_micros(1 + draw(1 << (10 + case % 40)));
        chart.title = "word ".repeat(draw(120) as usize);
        chart.unit = "replica ".repeat(draw(6) as usize);
        chart.series[0].steps = vec![(Time::ZERO, draw(1 << (1 + case)) as i64)];
        chart.marks = (0..draw(30))
            .map(|_| Mark {
                at: Time::from_micros(draw(chart.until.as_micros())),
                until: None,
                label: "label ".repeat(1 + draw(20) as usize),
                kind: if draw(3) == 0 { MarkKind::Fault } else { MarkKind::Milestone },
            })
            .collect();
        let names = (0..draw(40)).map(|n| series(&format!("a curve of number {n}"), Role::Other(n as u8), &[(0.0, 1)]));
        chart.series.extend(names);
        assert_tidy(&format!("case {case}"), &chart);
    }
}

#[test]
fn every_milestone_of_an_outage_has_its_flag() {
    let layout = layout::of(&outage());
    for mark in outage().marks {
        assert!(layout.labels.iter().any(|label| label.text == mark.label), "{}", mark.label);
    }
}

#[test]
fn the_same_chart_gives_the_same_bytes() {
    for (name, chart) in charts() {
        assert!(svg(&chart) == svg(&chart.clone()), "{name}");
        assert!(png(&chart) == png(&chart.clone()), "{name}");
    }
}

#[test]
fn ten_thousand_steps_make_no_larger_a_picture_than_a_screen_holds() {
    let (_, many) = charts().into_iter().find(|(name, _)| *name == "many").unwrap();
    let bytes = svg(&many).unwrap().len();
    assert!(bytes < 300_000, "{bytes} bytes");
}

#[test]
fn text_is_escaped_and_names_its_font() {
    let picture = svg(&Chart { title: "a < b & \"c\"".into(), ..outage() }).unwrap();
    assert!(picture.contains("a &lt; b &amp; &quot;c&quot;"));
    assert!(picture.contains("font-family=\"IBM Plex Sans, "));
    let labels = layout::of(&outage()).labels.len();
    assert_eq!(picture.matches("<text textLength=").count(), labels, "a viewer without the font keeps the widths");
    assert!(picture.trim_end().ends_with("</svg>"));
}

#[test]
fn a_series_that_makes_no_sense_is_refused() {
    let chart = |steps: &[(f64, i64)]| Chart { series: vec![series("ready", Role::Ready, steps)], ..outage() };
    let unordered = svg(&chart(&[(5.0, 1), (4.0, 2)])).unwrap_err();
    assert_eq!(unordered.to_string(), "the steps of series `ready` go back in time at 4s");
    let negative = png(&chart(&[(5.0, -1)])).unwrap_err();
    assert_eq!(negative.to_string(), "series `ready` is negative (-1) at 5s");
}

/// With EVENKEEL_PLOTS naming a folder, the pictures are written there to be looked at.
#[test]
#[expect(clippy::disallowed_methods, reason = "where to write is the looker's wish and moves no result")]
fn pictures_can_be_looked_at() {
    let Ok(folder) = std::env::var("EVENKEEL_PLOTS") else { return };
    for (name, chart) in charts() {
        std::fs::write(format!("{folder}/{name}.svg"), svg(&chart).unwrap()).unwrap();
        std::fs::write(format!("{folder}/{name}.png"), png(&chart).unwrap()).unwrap();
    }
}
