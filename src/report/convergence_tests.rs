//! Stories of workloads that converge, lose it, go round or are stuck, with the times worked out.
//!
//! In all of them a pod of a run that begins empty is placed at once, pulls for 4 s and starts for 1 s, so that its containers
//! run at 5 s, and is ready after 1 s unless it says otherwise. What the API server, the scheduler and the network add is less
//! than 0.2 s.

use super::convergence::WorkloadConvergence;
use super::{Finished, simulate};
use crate::record::converge::Stretches;
use crate::scenario::load;

/// A cluster of three servers with this run, and with what follows.
fn ran(run: &str, rest: &str) -> Finished {
    let text = format!(
        r#"
        schema = "evenkeel/v1"
        title = "A story"
        run = {{ {run} }}
        delays = {{ image-pull = "4s", container-start = "1s" }}
        control.kubelet.workerBackOffPeriodJitterFactor = 0.0
        cluster.pool = [{{ name = "server", count = 3, capacity = {{ cpu = "4", memory = "8Gi" }} }}]
        {rest}"#
    );
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: lonely}\nspec: {containers: [{name: c, image: 'app:1'}]}\n";
    let read = move |path: &str| Ok::<_, String>(if path.ends_with(".yaml") { pod.to_string() } else { text.clone() });
    let loaded = load("story.toml", &read).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let finished = simulate(&loaded, None);
    assert_eq!(finished.world.audit(), Ok(()));
    finished
}

/// The only workload.
fn web(finished: &Finished) -> &WorkloadConvergence {
    let [only] = &finished.report.convergence.workloads[..] else { panic!("one workload") };
    assert_eq!(only.name, "deployment/web");
    only
}

/// Beginnings and ends of the stretches, in whole seconds; none for one that lasted to the end.
fn stretches(finished: &Finished) -> Vec<(u64, Option<u64>)> {
    let (_, workload) = finished.world.recorder().workloads.find("deployment/web").expect("it is there");
    let second = |time: crate::kernel::time::Time| time.as_micros() / 1_000_000;
    let all = Stretches::of(&workload.converged, finished.world.now()).all;
    all.iter().map(|stretch| (second(stretch.from), stretch.to.map(second))).collect()
}

fn second(micros: Option<u64>) -> Option<u64> {
    micros.map(|micros| micros / 1_000_000)
}

#[test]
fn converged_lost_and_converged_again_is_two_stretches() {
    let finished = ran(
        r#"start = "settled", until = "20m""#,
        r#"
        workload = [{ name = "web", replicas = 3 }]
        event = [{ id = "crash", at = "1m", do = "node.crash", target = { node = "server-2" }, for = "2m" }]"#,
    );
    let web = web(&finished);
    let [(0, Some(60)), (again, None)] = stretches(&finished)[..] else { panic!("{:?}", stretches(&finished)) };
    // Power is back at three minutes, the machine boots for up to 45 s, and the pod starts again in place within 2 s.
    assert!((180 + 25..180 + 48).contains(&again), "{again}");
    assert_eq!((web.outlook, web.times.stretches, web.lost, web.outages), ("as-wanted", 2, 1, 1));
    assert_eq!((second(web.times.first_held_us), second(web.times.since_us)), (Some(0), Some(again)));
    assert_eq!((web.why.clone(), web.round.clone()), (None, None));
    assert_eq!(finished.report.reasons, Vec::<String>::new());
}

#[test]
fn containers_that_exit_soon_go_round() {
    let workload = r#"workload = [{ name = "web", replicas = 2, ready-after = "2s", run-for = "20s", exit-code = 1 }]"#;
    let finished = ran(r#"until = "16m""#, workload);
    let web = web(&finished);
    // They run for 20 s each time and start within 1 s after a back-off of 0, 10, 20, 40, 80, 160 and 300 s, each counted from
    // the exit: exits at 25, 46, 77, 118, 179, 280, 461 and 782 s, and the next containers run at 1083 s.
    assert_eq!(second(web.times.first_held_us), None, "18 s each time, and the hold span is 30 s");
    let expected: Vec<_> = [(7, 25), (28, 46), (59, 77), (100, 118), (161, 179), (262, 280), (443, 461), (764, 782)]
        .map(|(from, to)| (from, Some(to)))
        .to_vec();
    assert_eq!(stretches(&finished), expected);
    assert_eq!(web.outlook, "goes-round");
    let round = web.round.as_ref().expect("it goes round");
    assert_eq!(round.situations, ["Running", "Ready", "CrashLoopBackOff"]);
    let [reason] = &finished.report.reasons[..] else { panic!("{:?}", finished.report.reasons) };
    assert!(
        reason.starts_with("not converged by 16m00.0s: deployment/web has 0 of 2 ready and goes round: "),
        "{reason}"
    );
    assert!(
        reason.ends_with("it needs containers that do not exit: another image, command or configuration"),
        "{reason}"
    );
}

#[test]
fn a_loop_with_long_good_times_is_told_whatever_the_run_ends_in() {
    let workload = r#"workload = [{ name = "web", run-for = "2m", exit-code = 1 }]"#;
    // Exits at 125, 246, 377, 518 and 679 s; a good time lasts for 119 s, longer than the hold span. The next begins at 761 s.
    for (until, outlook) in [("12m", "goes-round"), ("13m20s", "as-wanted")] {
        let finished = ran(&format!(r#"until = "{until}", stop = "time""#), workload);
        let web = web(&finished);
        assert_eq!((web.outlook, web.lost > 3), (outlook, true), "{until}: {:?}", stretches(&finished));
        let [note] = &finished.report.notes[..] else { panic!("{:?}", finished.report.notes) };
        assert!(note.contains("goes round: Running → Ready → CrashLoopBackOff, "), "{note}");
    }
}

#[test]
fn images_that_cannot_be_pulled_go_round_unless_the_registry_comes_back() {
    let story = |until: &str, lasts: &str| {
        ran(
            &format!(r#"until = "{until}""#),
            &format!(
                r#"
                workload = [{{ name = "web", replicas = 2 }}]
                event = [{{ id = "gone", at = "0s", do = "image-registry.gone"{lasts} }}]"#
            ),
        )
    };
    let finished = story("15m", "");
    let round = web(&finished).round.clone().expect("it goes round");
    assert_eq!((web(&finished).outlook, web(&finished).times.stretches), ("goes-round", 0));
    assert_eq!(round.situations, ["ErrImagePull", "ImagePullBackOff"]);
    assert!(finished.report.reasons[0].contains("it needs images that can be pulled"), "{:?}", finished.report.reasons);

    // Pulls fail at 0, 30, 70, 150 and 310 s: after back-offs of 10, 20, 40, 80 and 160 s, at the next look of the pod's worker,
    // who looks every 10 s. The one after is due 300 s later, at 610 s or the look after it; the registry is back at 400 s.
    let finished = story("6m", r#", for = "400s""#);
    let expected = second(web(&finished).expected_us).expect("it is on its way");
    assert_eq!(web(&finished).outlook, "on-its-way");
    assert!((610 + 6..=620 + 6).contains(&expected), "{expected}");
    let reasons = &finished.report.reasons;
    assert!(
        reasons[0].contains("0 of 2 ready and is on its way: left alone it would be as wanted from 10m"),
        "{reasons:?}"
    );
}

#[test]
fn pods_that_fit_nowhere_are_stuck() {
    let finished = ran(r#"until = "5m""#, r#"workload = [{ name = "web", replicas = 5, requests = { cpu = "3" } }]"#);
    let web = web(&finished);
    // The three that fit are ready after 6 s; since then nothing moves.
    assert_eq!((web.outlook, second(web.stuck_since_us)), ("stuck", Some(6)));
    let reason = &finished.report.reasons[0];
    assert!(reason.contains(": deployment/web has 3 of 5 ready and has been stuck since 6."), "{reason}");
    assert!(reason.contains("s: 2 pods fit nowhere (0/3 nodes are available: 3 Insufficient cpu."), "{reason}");
    assert!(reason.ends_with("it needs room: another node, lower requests, or fewer pods"), "{reason}");
}

#[test]
fn a_paused_rollout_is_stuck_though_all_old_pods_are_ready() {
    let finished = ran(
        r#"start = "settled", until = "5m""#,
        r#"
        workload = [{ name = "web", replicas = 4 }]
        event = [
            { id = "pause", at = "1m", do = "rollout.pause", of = "deployment/web" },
            { id = "release", at = "2m", do = "set.image", of = "deployment/web", image = "web:2" },
        ]"#,
    );
    assert_eq!(stretches(&finished), [(0, Some(120))], "old pods are not what is wanted from the release on");
    assert_eq!((web(&finished).outlook, second(web(&finished).stuck_since_us)), ("stuck", Some(120)));
    let reason = &finished.report.reasons[0];
    assert!(
        reason.contains("has 0 of 4 that are ready, really serve and are of its current template and has"),
        "{reason}"
    );
    assert!(reason.ends_with("its rollout is paused; it needs `kubectl rollout resume deployment/web`"), "{reason}");
}

#[test]
fn a_rollout_under_way_is_not_as_wanted_though_enough_pods_are_ready() {
    let finished = ran(
        r#"start = "settled", until = "10m""#,
        r#"
        workload = [{ name = "web", replicas = 2, max-surge = 1, max-unavailable = 0, ready-after = "10s" }]
        event = [{ id = "release", at = "1m", do = "set.image", of = "deployment/web", image = "web:2" }]"#,
    );
    // The first new pod pulls for 4 s, starts for 1 s and is ready after 10 s, at 75 s; then the second, at most 15 s later, or
    // 11 s if the image is there. At 75 s one old pod goes, and two are ready, one of them old.
    let [(0, Some(60)), (again, None)] = stretches(&finished)[..] else { panic!("{:?}", stretches(&finished)) };
    assert!((86..=90).contains(&again), "{again}");
    let (_, workload) = finished.world.recorder().workloads.find("deployment/web").unwrap();
    let at = |second: u64| crate::kernel::time::Time::from_micros(second * 1_000_000);
    assert_eq!((workload.ready.at(at(80)), workload.actual.at(at(80)), workload.desired.at(at(80))), (2, 1, 2));
}

#[test]
fn new_pods_that_are_never_ready_are_stuck() {
    let finished = ran(
        r#"start = "settled", until = "5m""#,
        r#"
        workload = [{ name = "web", replicas = 4 }]
        [[event]]
        id = "release"
        at = "1m"
        do = "patch"
        of = "deployment/web"
        patch = { spec = { template = { metadata = { annotations = { "evenkeel.dev/ready-after" = "never" } } } } }"#,
    );
    // One old pod may be missing and one new may be too many (25 % of 4): two new ones come, and no more.
    let reason = &finished.report.reasons[0];
    let told = "deployment/web has 3 of 4 ready and has been stuck since 1m01.";
    assert!(reason.contains(told), "{reason}");
    let need = "2 pods run, but never ready; it needs containers that become ready: another image, configuration or probe, or \
                `kubectl rollout undo deployment/web`";
    assert!(reason.ends_with(need), "{reason}");
}

#[test]
fn pods_that_tolerate_a_lost_node_for_ever_are_stuck_and_others_are_on_their_way() {
    let story = |tolerations: &str| {
        ran(
            r#"start = "settled", until = "4m""#,
            &format!(
                r#"
                workload = [{{ name = "web", replicas = 3, tolerations = [{tolerations}] }}]
                event = [{{ id = "crash", at = "1m", do = "node.crash", target = {{ node = "server-2" }} }}]"#
            ),
        )
    };
    let finished = story(r#"{ key = "node.kubernetes.io/unreachable", effect = "NoExecute" }"#);
    let reason = &finished.report.reasons[0];
    let told = "1 pod stays on server-2, which does not answer, and that is tolerated for ever; it needs server-2 back, or \
                somebody who deletes the pods by force, or the node";
    assert!(reason.ends_with(told), "{reason}");

    // The taint comes 40 to 60 s after the crash, the eviction 300 s after that, and another pod is ready 6 s later.
    let expected = second(web(&story("")).expected_us).expect("it is on its way");
    assert!((60 + 40 + 300..60 + 60 + 300 + 7).contains(&expected), "{expected}");
}

#[test]
fn a_pod_without_a_controller_is_not_made_again() {
    let story = |lasts: &str| {
        let finished = ran(
            r#"start = "settled", until = "20m""#,
            &format!(
                r#"
                manifests = ["pod.yaml"]
                event = [{{ id = "crash", at = "1m", do = "node.crash", target = {{ running = "lonely" }}{lasts} }}]"#
            ),
        );
        let [lonely] = &finished.report.convergence.workloads[..] else { panic!("one workload") };
        assert_eq!((lonely.name.as_str(), lonely.outlook), ("pod/lonely", "stuck"));
        lonely.why.clone().unwrap_or_default()
    };
    // It is evicted after 40 to 60 s and 300 s more, but as long as its machine is gone nobody confirms that it has ended.
    let why = story("");
    assert!(
        why.contains(": its pod is being deleted on server-1, which does not answer; it needs server-1 back"),
        "{why}"
    );
    let why = story(r#", for = "10m""#);
    assert!(why.contains(": its pod is gone, and a pod without a controller is not made again; it needs"), "{why}");
}
