//! What the pictures of whole runs show.

use super::{nodes_chart, pods_chart, ready_chart, scenes, story as framed, waterfall_chart};
use crate::kernel::digest::Digest;
use crate::kernel::time::Time;
use crate::plot::{Look, Mark, MarkKind, Theme};
use crate::report::{Finished, simulate};
use crate::scenario;

const NODE_CRASH: &str = include_str!("../../../scenarios/node-crash.toml");

fn ran(text: &str) -> Finished {
    let read = |_: &str| Ok(text.to_string());
    let loaded = scenario::load("story.toml", &read).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    simulate(&loaded, None)
}

/// Nodes in two zones, deployments as `web 3`, crashes that begin a second apart.
fn story(nodes: usize, deployments: &[(&str, usize)], crashes: &[&str]) -> String {
    let mut text = format!(
        "schema = \"evenkeel/v1\"\ntitle = \"A story\"\n[run]\nuntil = \"15m\"\nstart = \"settled\"\n\
         [[cluster.pool]]\nname = \"node\"\ncount = {nodes}\nzones = [\"a\", \"b\"]\n\
         capacity = {{ cpu = \"4\", memory = \"8Gi\", pods = 110 }}\n"
    );
    for (name, replicas) in deployments {
        text += &format!("[[workload]]\nname = \"{name}\"\nreplicas = {replicas}\nrequests = {{ cpu = \"50m\" }}\n");
    }
    for (n, node) in crashes.iter().enumerate() {
        text += &format!(
            "[[event]]\nid = \"crash-{n}\"\nat = \"{}s\"\ndo = \"node.crash\"\ntarget = {{ node = \"{node}\" }}\n",
            60 + n
        );
    }
    text
}

fn seconds(at: Time) -> u64 {
    at.as_micros() / 1_000_000
}

#[test]
fn a_crash_is_told_by_four_pictures() {
    let finished = ran(NODE_CRASH);
    let ready = ready_chart(&finished, framed(&finished));
    assert_eq!(ready.panels.len(), 1);
    assert_eq!(ready.panels[0].name, "deployment/web");
    let told = |mark: &Mark| (mark.kind, mark.label.clone());
    let marks: Vec<_> = ready.story.marks.iter().map(told).collect();
    let milestone = |label: &str| (MarkKind::Milestone, label.to_string());
    assert_eq!(
        marks,
        [
            (MarkKind::Fault, "node.crash node-2".to_string()),
            milestone("the API notices"),
            milestone("evicted, replaced"),
            milestone("as wanted again"),
        ]
    );
    assert_eq!(ready.story.marks[0].until, Some(finished.world.now()), "it lasts to the end");

    let pods = pods_chart(&finished, framed(&finished));
    let names: Vec<&str> = pods.bands.iter().map(|band| band.name.as_str()).collect();
    assert_eq!(names, ["node-1", "node-2", "node-3", "node-4"]);
    let down: Vec<u64> = pods.bands[1].down.iter().map(|(from, _)| seconds(*from)).collect();
    assert_eq!((down, pods.bands[0].down.len()), (vec![20], 0));
    for bar in &pods.bands[1].bars {
        let looks: Vec<Look> = bar.pieces.iter().map(|piece| piece.1).collect();
        assert!(looks.ends_with(&[Look::Ready, Look::Hearsay, Look::NotReady, Look::Leaving]), "{looks:?}");
        assert_eq!(bar.until, None, "nobody clears them away");
    }
    assert_eq!(pods.bands.iter().map(|band| band.bars.len()).sum::<usize>(), 10, "eight, and two replacements");

    let waterfall = waterfall_chart(&finished, &framed(&finished));
    let labels: Vec<&str> = waterfall.rows.iter().map(|row| row.label.as_str()).collect();
    assert_eq!(labels, ["crash · deployment/web"], "what is missing at the start is no loss");
    let tolerated = waterfall.rows[0].parts.iter().find(|part| part.cause == "tolerated").expect("300 s each");
    assert!((599.0..=601.0).contains(&tolerated.replica_seconds), "{tolerated:?}");
    let lost = finished.report.losses.iter().find(|loss| loss.event == "crash").expect("it lost two pods").lost_us;
    let parts: f64 = waterfall.rows[0].parts.iter().map(|part| part.replica_seconds).sum();
    assert!((parts - lost as f64 / 1e6).abs() < 1e-3, "{parts} of {lost}");

    let nodes = nodes_chart(&finished, framed(&finished));
    assert_eq!((nodes.groups.len(), nodes.groups[0].name.as_str()), (1, "zone a"));
    let looks: Vec<Look> = nodes.groups[0].strips[1].pieces.iter().map(|piece| piece.1).collect();
    assert!(looks.ends_with(&[Look::Ready, Look::Hearsay, Look::NotReady, Look::Evicting]), "{looks:?}");
}

#[test]
fn the_pictures_of_a_crash_are_what_they_were() {
    let mut digests = Vec::new();
    for (name, scene) in scenes(&ran(NODE_CRASH)).unwrap() {
        let mut digest = Digest::new();
        digest.bytes(scene.svg(Theme::Light).unwrap().as_bytes());
        digest.bytes(scene.svg(Theme::Dark).unwrap().as_bytes());
        digest.seal();
        digests.push(format!("{name} {}", digest.hex()));
    }
    assert_eq!(
        digests,
        [
            "timeline f916349ce6d92f2601345b62e7f1df01",
            "waterfall 9e6be3d07864a889cdc777efd1e7d298",
            "pods 1381516a2bf8c7f5454bbc9e4fe2e22f",
            "nodes c0467eb11d317a451b5b12e71b81481a"
        ],
        "look at the pictures before you write new digests here"
    );
}

#[test]
fn of_many_nodes_those_are_shown_that_the_story_is_about() {
    let chart = ran(&story(60, &[("web", 120)], &["node-50", "node-2"]));
    let chart = pods_chart(&chart, framed(&chart));
    assert_eq!(chart.bands.len(), 24);
    let hit: Vec<&str> =
        chart.bands.iter().filter(|band| !band.down.is_empty()).map(|band| band.name.as_str()).collect();
    assert_eq!(hit.len(), 2);
    assert!(chart.bands[..2].iter().all(|band| hit.contains(&band.name.as_str())), "they come first");
    assert!(chart.bands[2].bars.iter().any(|bar| seconds(bar.pieces[0].0) > 60), "then those that took pods");
    assert!(
        chart.story.subtitle.contains("shown are 24 of them: 2 that something happened to, "),
        "{}",
        chart.story.subtitle
    );
}

#[test]
fn many_workloads_have_a_panel_each_only_if_they_lacked_pods() {
    let names: Vec<String> = (0..40).map(|n| format!("service-{n}")).collect();
    let deployments: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 2)).collect();
    let calm = ran(&story(20, &deployments, &[]));
    let calm = ready_chart(&calm, framed(&calm));
    assert_eq!(calm.panels.len(), 12);
    assert_eq!(calm.story.notes, ["Not shown: 28 workloads that never lacked a pod."]);

    let one = ran(&story(20, &deployments, &["node-1"]));
    let one = ready_chart(&one, framed(&one));
    let lacking = one.panels.len();
    assert!((1..12).contains(&lacking), "{lacking}");
    assert!(one.panels.iter().all(|panel| panel.notes[0] == "lacked up to 1 pod"), "{:?}", one.panels[0].notes);
    assert_eq!(one.story.notes, [format!("Not shown: {} workloads that never lacked a pod.", 40 - lacking)]);

    let crashes: Vec<String> = (1..=16).map(|n| format!("node-{n}")).collect();
    let crashes: Vec<&str> = crashes.iter().map(String::as_str).collect();
    let most = ran(&story(20, &deployments, &crashes));
    let most = ready_chart(&most, framed(&most));
    assert_eq!((most.panels.len(), most.story.notes.len()), (12, 0));
    let last = &most.panels[11];
    assert_eq!((last.name.as_str(), last.desired.last().unwrap().1), ("29 others together", 58));
}
