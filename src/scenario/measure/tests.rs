//! Measures and rules on small runs made by hand.

use super::*;
use crate::etcd::change::Change;
use crate::object::deployment::{PROGRESSING, TIMED_OUT};
use crate::object::fact::{FactId, Why};
use crate::object::meta::Deletion;
use crate::object::pod::conditions;
use crate::object::{
    Condition, ConditionStatus, Deployment, Key, Kind, Name, Object, OwnerRef, Phase, Pod, ReplicaSet, Revision,
    Timestamp, Uid,
};
use crate::record::waterfall::Wait;
use crate::record::workloads::is_called;

const WEB: &str = "deployment/web";

fn at(seconds: u64) -> Time {
    Time::from_micros(seconds * 1_000_000)
}

fn seconds(value: i64) -> i64 {
    value / 1_000_000
}

/// A run made by hand: a Deployment `web` whose pods come, serve and go.
#[derive(Default)]
struct Run {
    recorder: Recorder,
    deployment: Option<Deployment>,
    pods: Vec<Pod>,
    revision: u64,
}

impl Run {
    /// So many pods wanted from the beginning, all of them there and serving.
    fn with_web(replicas: i32) -> Run {
        let mut run = Run::default();
        let mut deployment = Deployment::default();
        deployment.meta.key = Key::new("default", "web");
        deployment.meta.generation = 1;
        deployment.spec.replicas = Some(replicas);
        run.write(0, None, Some(deployment.clone().into()));
        run.deployment = Some(deployment);
        let mut set = ReplicaSet::default();
        set.meta.key = Key::new("default", "web-1");
        set.meta.uid = Uid(1);
        set.meta.owners.push(owner(Kind::Deployment, "web", Uid(0)));
        run.write(0, None, Some(set.into()));
        (0..replicas).for_each(|index| run.pod(0, &format!("web-1-{index}")));
        run.report(0, replicas, replicas, 1);
        run
    }

    fn write(&mut self, second: u64, old: Option<Object>, new: Option<Object>) {
        self.revision += 1;
        let change = Change { revision: Revision(self.revision), old, new, cause: FactId::NONE };
        self.recorder.commit(at(second), &change, Wait::default());
    }

    /// A pod that is bound, runs and is ready.
    fn pod(&mut self, second: u64, name: &str) {
        let mut pod = Pod::default();
        pod.meta.key = Key::new("default", name);
        pod.meta.uid = Uid(100 + self.pods.len() as u128);
        pod.meta.owners.push(owner(Kind::ReplicaSet, "web-1", Uid(1)));
        pod.node_name = "n1".into();
        pod.status.phase = Phase::Running;
        pod.status.conditions.push(condition(conditions::READY, ConditionStatus::True, ""));
        self.write(second, None, Some(pod.clone().into()));
        let fact = Fact::ContainersReady { pod: pod.meta.key.clone(), node: "n1".into() };
        self.recorder.fact(at(second), fact, Why::NOTHING);
        self.pods.push(pod);
    }

    /// A pod changes.
    fn change(&mut self, second: u64, index: usize, change: impl FnOnce(&mut Pod)) {
        let old = self.pods[index].clone();
        change(&mut self.pods[index]);
        let new = self.pods[index].clone();
        self.write(second, Some(old.into()), Some(new.into()));
    }

    /// A pod is gone, without a word before.
    fn remove(&mut self, second: u64, index: usize) {
        let old = self.pods[index].clone();
        self.write(second, Some(old.into()), None);
    }

    /// The containers of a pod stop.
    fn stop(&mut self, second: u64, index: usize) {
        let pod = self.pods[index].meta.key.clone();
        self.recorder.fact(at(second), Fact::ContainersStopped { pod, node: "n1".into() }, Why::NOTHING);
    }

    fn ready(&mut self, second: u64, index: usize) {
        let pod = self.pods[index].meta.key.clone();
        self.recorder.fact(at(second), Fact::ContainersReady { pod, node: "n1".into() }, Why::NOTHING);
    }

    fn deployment(&mut self, second: u64, change: impl FnOnce(&mut Deployment)) {
        let old = self.deployment.clone().expect("it is there");
        let mut new = old.clone();
        change(&mut new);
        self.write(second, Some(old.into()), Some(new.clone().into()));
        self.deployment = Some(new);
    }

    /// The Deployment's status: pods, those of the newest template, and the generation it speaks of.
    fn report(&mut self, second: u64, replicas: i32, updated: i32, observed: i64) {
        self.deployment(second, |deployment| {
            deployment.status.replicas = replicas;
            deployment.status.updated_replicas = updated;
            deployment.status.available_replicas = replicas;
            deployment.status.observed_generation = observed;
        });
    }

    fn acted(&mut self, second: u64, event: &str) {
        let fact = Fact::Acted { event: event.into(), what: "something".into() };
        self.recorder.fact(at(second), fact, Why::NOTHING);
    }

    fn began(&mut self, second: u64, fault: &str) {
        let fact = Fact::FaultBegan { fault: fault.into(), what: "something".into() };
        self.recorder.fact(at(second), fact, Why::NOTHING);
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence { recorder: &self.recorder, hold: Span::from_secs(10), end: at(100) }
    }

    fn take(&self, name: &str, since: Option<&str>) -> Result<i64, String> {
        self.take_before(name, since, None)
    }

    fn take_before(&self, name: &str, since: Option<&str>, before: Option<&str>) -> Result<i64, String> {
        (find(name).expect(name).take)(self.evidence(), Question { of: Some(WEB), since, before })
    }

    fn judge(&self, name: &str, since: Option<&str>) -> Result<String, String> {
        let rule = super::super::rule::find(name).expect(name);
        (rule.judge)(self.evidence(), Question { of: Some(WEB), since, before: None })
    }
}

fn owner(kind: Kind, name: &str, uid: Uid) -> OwnerRef {
    OwnerRef { kind, name: Name::from(name), uid, controller: true, block_owner_deletion: true }
}

fn condition(kind: &str, status: ConditionStatus, reason: &str) -> Condition {
    Condition {
        kind: kind.into(),
        status,
        reason: reason.into(),
        message: "".into(),
        last_transition: Timestamp::default(),
        last_update: Timestamp::default(),
    }
}

/// Its condition says that it is being disrupted.
fn disrupt(pod: &mut Pod) {
    pod.status.conditions.push(condition(
        conditions::DISRUPTION_TARGET,
        ConditionStatus::True,
        "EvictionByEvictionAPI",
    ));
}

/// It gets a deletion timestamp.
fn delete(pod: &mut Pod) {
    pod.meta.deletion = Some(Deletion { at: Timestamp::default(), grace_seconds: 30 });
}

#[test]
fn what_cannot_be_measured_says_why() {
    let mut run = Run::with_web(1);
    let asked = Question { of: Some(WEB), since: Some("crash"), before: Some("repair") };
    for measure in MEASURES.iter().filter(|measure| measure.name != "unscheduled") {
        let taken = (measure.take)(run.evidence(), asked);
        assert_eq!(taken, Err("`crash` never happened".to_string()), "{}", measure.name);
    }
    run.acted(5, "crash");
    for measure in MEASURES.iter().filter(|measure| !measure.needs_workload) {
        let taken = (measure.take)(run.evidence(), asked);
        assert_eq!(taken, Err("`crash` hit no node".to_string()), "{}", measure.name);
    }
    let nowhere = Question { of: Some("deployment/api"), ..asked };
    for measure in MEASURES.iter().filter(|measure| measure.needs_workload) {
        let taken = (measure.take)(run.evidence(), nowhere);
        let outage = measure.name.starts_with("time-to-") && !measure.name.ends_with("rollout");
        if !outage {
            assert_eq!(taken, Err("there was no deployment/api".to_string()), "{}", measure.name);
        }
        assert!(taken.is_err(), "{}", measure.name);
    }
}

#[test]
fn an_outage_that_nobody_noticed_has_no_time_to_notice() {
    let mut recorder = Recorder::default();
    recorder.outage(at(1), "crash".into(), &["n1".into()]);
    recorder.fact(at(1), Fact::FaultBegan { fault: "crash".into(), what: "n1".into() }, Why::NOTHING);
    let evidence = Evidence { recorder: &recorder, hold: Span::ZERO, end: at(60) };
    let take = |name, of| (find(name).unwrap().take)(evidence, Question { of, since: None, before: None });
    assert_eq!(take("time-to-notice", None), Err("not noticed by the end of the run at 1m00s".to_string()));
    assert_eq!(take("time-to-evict", Some(WEB)), Err("no pod of deployment/web was on node n1".into()));
    assert_eq!(take("min-ready", Some(WEB)), Err("there was no deployment/web".into()));
}

#[test]
fn an_event_is_whatever_began_or_was_done() {
    let mut run = Run::with_web(3);
    run.stop(10, 0);
    run.acted(20, "act");
    run.ready(30, 0);
    run.began(40, "fault-1");
    assert_eq!(run.take("min-serving", Some("act")), Ok(2));
    assert_eq!(run.take("min-serving", Some("fault-1")), Ok(3));
    assert_eq!(run.take("time-to-full-capacity", Some("act")).map(seconds), Ok(10));
    assert_eq!(run.take("time-to-full-capacity", Some("fault-1")).map(seconds), Ok(0));
    assert_eq!(run.take("min-serving", None), Ok(2), "the first event if none is named");
    assert_eq!(run.take("time-without-capacity", None).map(seconds), Ok(20), "the beginning if it needs no event");
    assert_eq!(run.take("time-without-capacity", Some("act")).map(seconds), Ok(10));
}

#[test]
fn missing_pods_are_added_up_over_time() {
    let mut run = Run::with_web(4);
    run.acted(10, "act");
    run.stop(20, 0);
    run.stop(20, 1);
    run.ready(25, 0);
    run.ready(30, 1);
    // Two for five seconds, one for five.
    assert_eq!(run.take("lost-replica-time", Some("act")).map(seconds), Ok(15));
    assert_eq!(run.take("time-without-capacity", Some("act")).map(seconds), Ok(10));
    assert_eq!(run.take("max-unserved", Some("act")), Ok(2));
    assert_eq!(run.take("available-share", None), Ok(1_000_000 - 1_000_000 * 15 / 400));
    assert_eq!(Unit::Share.show(1_000_000 - 1_000_000 * 15 / 400), "96.25%");
}

#[test]
fn of_nothing_wanted_there_is_no_share() {
    let run = Run::with_web(0);
    let found = run.take("available-share", None);
    assert_eq!(found, Err("no pod of deployment/web was wanted for any time, so there is no share".to_string()));
}

#[test]
fn recovered_is_what_fell_and_was_whole_again() {
    let mut run = Run::with_web(2);
    run.acted(10, "early");
    run.began(20, "crash");
    run.stop(20, 0);
    run.acted(30, "look");
    run.ready(40, 0);
    run.acted(50, "repair");
    run.stop(50, 0);
    let before = |since, event| run.take_before("recovered-before", Some(since), Some(event));
    assert_eq!(before("crash", "look"), Ok(0));
    assert_eq!(before("crash", "repair"), Ok(1), "what the other event does comes after it");
    assert_eq!(before("look", "early"), Err("`early` happened at 10s, not after it".to_string()));
    assert_eq!(before("crash", "never"), Err("`never` never happened".to_string()));
    let whole = "deployment/web was never short of pods before `crash` at 20s";
    assert_eq!(before("early", "crash"), Err(whole.to_string()));
}

#[test]
fn pods_are_lost_once_and_evicted_if_they_say_so() {
    let mut run = Run::with_web(4);
    run.acted(10, "act");
    assert_eq!(run.judge("no-pod-lost", None), Ok("none lost, 4 there at the end".to_string()));
    // Evicted: told so, deleted, gone.
    run.change(20, 0, disrupt);
    run.change(21, 0, delete);
    run.remove(22, 0);
    assert_eq!((run.take("evictions", None), run.take("evictions", Some("act"))), (Ok(1), Ok(1)));
    run.acted(25, "later");
    // Deleted without a reason, and told so only then.
    run.change(30, 1, delete);
    run.change(31, 1, disrupt);
    // Failed with a reason: it stays there.
    run.change(32, 2, |pod| {
        disrupt(pod);
        pod.status.phase = Phase::Failed;
    });
    run.change(33, 2, delete);
    // Gone without a word.
    run.remove(34, 3);
    assert_eq!((run.take("evictions", None), run.take("evictions", Some("later"))), (Ok(2), Ok(1)));
    let lost = run.judge("no-pod-lost", Some("later"));
    assert_eq!(lost, Err("3 pods of deployment/web lost, the first at 30s".to_string()));
    let evicted = run.judge("no-eviction", Some("later"));
    assert_eq!(evicted, Err("1 pod of deployment/web evicted, the first at 32s".to_string()));
}

#[test]
fn restarts_are_those_since_the_event() {
    let mut run = Run::with_web(1);
    let restarted = |count| {
        move |pod: &mut Pod| {
            let status = crate::object::pod::ContainerStatus {
                name: "web".into(),
                is_running: true,
                is_ready: true,
                restart_count: count,
                exit_code: None,
                waiting: "".into(),
            };
            pod.status.containers = vec![status];
        }
    };
    run.change(10, 0, restarted(2));
    run.acted(20, "act");
    run.change(30, 0, restarted(3));
    assert_eq!((run.take("restarts", None), run.take("restarts", Some("act"))), (Ok(3), Ok(1)));
    run.remove(40, 0);
    assert_eq!(run.take("restarts", None), Ok(3), "the pod is gone, its restarts were");
}

#[test]
fn pods_without_a_node_count_until_they_have_one() {
    let mut run = Run::with_web(1);
    run.change(10, 0, |pod| pod.node_name = "".into());
    assert_eq!(run.take("unscheduled", None), Ok(1));
    run.change(20, 0, |pod| pod.node_name = "n1".into());
    assert_eq!((run.take("unscheduled", None), run.take("max-live", None)), (Ok(0), Ok(1)));
}

#[test]
fn a_rollout_is_over_when_kubectl_would_say_so() {
    let mut run = Run::with_web(2);
    run.acted(10, "scale-nothing");
    assert_eq!(
        run.take("time-to-rollout", Some("scale-nothing")),
        Err("the spec of deployment/web was not changed".to_string())
    );
    run.acted(20, "release");
    run.deployment(21, |deployment| deployment.meta.generation = 2);
    let missing = "not rolled out by the end of the run at 1m40s";
    assert_eq!(run.take("time-to-rollout", Some("release")), Err(missing.to_string()));
    run.report(22, 2, 0, 2);
    run.report(30, 3, 2, 2);
    assert!(run.judge("rollout-complete", None).is_err(), "an old pod is there");
    run.report(35, 2, 2, 2);
    assert_eq!(run.take("time-to-rollout", Some("release")).map(seconds), Ok(15));
    assert_eq!(run.judge("rollout-complete", None), Ok("since 35s".to_string()));
}

#[test]
fn a_rollout_is_stuck_when_its_condition_says_so() {
    let mut run = Run::with_web(2);
    run.acted(20, "release");
    run.deployment(21, |deployment| deployment.meta.generation = 2);
    assert!(run.judge("rollout-stuck", None).is_err());
    run.deployment(50, |deployment| {
        deployment.status.conditions = vec![condition(PROGRESSING, ConditionStatus::False, TIMED_OUT)];
    });
    assert_eq!(run.take("time-to-stuck", Some("release")).map(seconds), Ok(30));
    assert_eq!(run.judge("rollout-stuck", Some("release")), Ok("since 50s".to_string()));
    run.deployment(60, |deployment| deployment.status.conditions.clear());
    assert_eq!(run.judge("rollout-stuck", None), Ok("from 50s to 1m00s".to_string()));
}

#[test]
fn workloads_may_be_named_with_their_namespace() {
    let web = (Kind::Deployment, Key::new("default", "web"));
    let of_shop = (Kind::Deployment, Key::new("shop", "web"));
    assert!(is_called(&web, "Deployment/web"));
    assert!(is_called(&web, "deployment/default/web"));
    assert!(is_called(&of_shop, "deployment/shop/web"));
    assert!(!is_called(&of_shop, "deployment/web"));
    // What a check takes for a name has to be one in the run too.
    assert!(is_called(&web, "deploy/web"));
    assert!(is_called(&web, "deployments/web"));
    assert!(!is_called(&web, "rs/web"));
}
