//! Whole runs of the shipped scenarios: that every chain leads back to where it began, and what is said of some moments.

use super::chain::{chain, has_root};
use super::timeline::{MOST, timeline};
use super::{Subject, Tale, is_commit, life};
use crate::cluster::World;
use crate::kernel::time::{Span, Time};
use crate::object::fact::Verb;
use crate::object::{Fact, FactId, Kind};
use crate::report::{Finished, simulate};
use crate::scenario::{self, Loaded};
use std::fs;
use std::path::Path;

fn loaded(name: &str) -> Loaded {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let read = |path: &str| fs::read_to_string(folder.join(path)).map_err(|error| error.to_string());
    scenario::load(name, &read).unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

/// Runs of all shipped scenarios, with their names.
fn shipped() -> Vec<(String, Finished)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter(|name| name.ends_with(".toml")).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), simulate(&loaded(&name), None))).collect()
}

#[test]
fn every_chain_leads_back_to_an_event_or_to_what_was_applied() {
    let (mut facts, mut caused) = (0, 0);
    for (name, finished) in shipped() {
        let tale = Tale::of(&finished);
        let rows = || finished.world.recorder().outages.all.iter().flat_map(|outage| &outage.rows);
        for (id, recorded) in tale.iter() {
            facts += 1;
            caused += usize::from(tale.cause(id).is_some());
            let chain = chain(&tale, id);
            assert!(chain.windows(2).all(|pair| pair[0] < pair[1]), "{name}: what leads to a fact comes before it");
            let is_of_lost = matches!(&recorded.fact, Fact::Commit { kind: Kind::Pod, key, .. }
                if rows().any(|row| row.concerns(key)));
            if is_of_lost || is_commit(&recorded.fact, Verb::Created, Kind::Pod) {
                assert!(has_root(&tale, id), "{name}: {} comes from nowhere", super::words::clause(&tale, id));
            }
            // All else that has no cause is a beginning itself: an event, or an object of the scenario.
            let is_applied =
                matches!(&recorded.fact, Fact::Commit { verb: Verb::Created, kind, .. } if *kind != Kind::Pod);
            let begins = tale.event(id).is_some() || is_applied;
            assert!(tale.cause(id).is_some() || begins, "{name}: {}", super::words::clause(&tale, id));
        }
    }
    assert!(caused * 1_000 >= facts * 990, "{caused} of {facts} facts have a cause");
}

#[test]
fn each_replacement_answers_the_loss_of_another_pod() {
    for (name, finished) in shipped() {
        let tale = Tale::of(&finished);
        let mut answered: Vec<FactId> = Vec::new();
        for (id, recorded) in tale.iter().filter(|(_, recorded)| is_commit(&recorded.fact, Verb::Created, Kind::Pod)) {
            let Some(cause) = tale.cause(id) else { continue };
            if is_commit(&tale.fact(cause).fact, Verb::Terminating, Kind::Pod) {
                assert!(!answered.contains(&cause), "{name}: {:?} has two replacements", tale.fact(cause));
                assert!(recorded.at.since(tale.fact(cause).at) < Span::from_secs(5), "{name}: {recorded:?}");
                answered.push(cause);
            }
        }
    }
}

#[test]
fn the_moments_that_matter_are_few_and_in_order_and_end_with_the_run() {
    for (name, finished) in shipped() {
        let tale = Tale::of(&finished);
        let moments = timeline(&tale, &finished);
        assert!((2..=MOST).contains(&moments.len()), "{name}: {}", moments.len());
        assert!(moments.is_sorted_by_key(|moment| moment.at), "{name}");
        assert!(moments.last().unwrap().text.starts_with("The run ended"), "{name}: {moments:?}");
        assert_eq!(timeline(&tale, &finished), moments, "{name}");
        let events = tale.begun().iter().filter(|&&id| tale.event(id).is_some()).count();
        let told = moments.iter().filter(|moment| moment.text.starts_with("Event")).count();
        assert!(told >= events.min(4), "{name}: {told} of {events} events are told of");
    }
}

/// What an object waits for at a second of a run.
fn waits(finished: &Finished, object: &str, second: u64) -> (&'static str, String) {
    let (tale, at) = (Tale::of(finished), Time::ZERO + Span::from_secs(second));
    let mut then = World::new(finished.config.clone());
    then.run_until(at);
    let subject = Subject::find(&tale, object).unwrap();
    let wait = life::why(&tale, &subject, at, &then).waits_for;
    (wait.what, wait.text)
}

#[test]
fn what_is_waited_for_follows_the_crash_of_a_node() {
    let finished = simulate(&loaded("node-crash.toml"), None);
    let row = &finished.world.recorder().outages.all[0].rows[0];
    let lost = format!("pod/{}", row.places[0].lost.name);
    let new = format!("pod/{}", row.replacements().next().unwrap().name);
    for (object, second, what, says) in [
        ("node/node-2", 10, "nothing", "as wanted"),
        (
            "node/node-2",
            30,
            "notice",
            "has been down since 20s, and the API still calls the node ready, until about 1m20s",
        ),
        ("node/node-2", 120, "sign-of-life", "the machine of node-2 has been down since 20s"),
        (lost.as_str(), 30, "notice", "the machine of node-2 has been down since 20s"),
        (
            lost.as_str(),
            120,
            "toleration",
            "held by the taint unreachable:NoExecute of node-2 until 6m13.3s (tolerationSeconds 300)",
        ),
        (lost.as_str(), 380, "confirmation", "somebody to confirm that its containers have ended"),
        (new.as_str(), 120, "to-exist", "its creation at 6m13.3s"),
        (new.as_str(), 374, "start", "its containers to start on node-"),
        (new.as_str(), 380, "nothing", "as wanted"),
        ("deployment/web", 10, "nothing", "its 8 pods are as wanted"),
        ("deployment/web", 120, "pods", "6 of the 8 of deployment/web are as wanted; 2 pods, as web-"),
        ("deployment/web", 380, "nothing", "of its old ones, 2 pods, as web-"),
    ] {
        let found = waits(&finished, object, second);
        assert!(found.0 == what && found.1.contains(says), "{object} at {second} s: {found:?}");
    }
}

#[test]
fn a_rollout_that_is_stuck_says_so() {
    let finished = simulate(&loaded("bad-rollout.toml"), None);
    let (what, text) = waits(&finished, "deployment/web", 300);
    assert_eq!(what, "pods");
    assert!(
        text.contains("4 of 8 pods are of the newest revision, and it is stuck (ProgressDeadlineExceeded)"),
        "{text}"
    );
}

#[test]
fn an_owner_is_said_with_the_wait_that_it_owns() {
    let finished = simulate(&loaded("node-crash.toml"), None);
    let tale = Tale::of(&finished);
    let row = &finished.world.recorder().outages.all[0].rows[0];
    let new = row.replacements().next().unwrap();
    let made = tale.iter().find(|(_, recorded)| {
        matches!(&recorded.fact, Fact::Commit { verb: Verb::Created, kind: Kind::Pod, key, .. } if key == new)
    });
    let sentence = super::chain::sentence(&tale, made.unwrap().0);
    for part in [
        "saw 7 of 8 pods and created ",
        ", because the taint eviction controller deleted ",
        ", after 5m00s of toleration (default-unreachable-toleration-seconds 300)",
        "found node-2 silent and set Ready=Unknown at 1m13.2s, after 53.2s without a sign of life (node-monitor-grace-period 50s)",
        ", because the machine of node-2 went down at 20s, because event `crash` began: node.crash of node-2 at 20s.",
    ] {
        assert!(sentence.contains(part), "{part:?} is not in {sentence:?}");
    }
}
