use super::*;
use crate::etcd::change::Change;
use crate::object::deployment::{PROGRESSING, TIMED_OUT};
use crate::object::fact::Why;
use crate::object::pod::conditions;
use crate::object::{
    Condition, ConditionStatus, Deployment, Key, Kind, Name, Object, OwnerRef, Phase, Pod, ReplicaSet, Revision,
    Strategy, Uid,
};

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
        let change = Change { revision: Revision(self.revision), old, new };
        self.recorder.commit(at(second), &change);
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
    OwnerRef { kind, name: Name::from(name), uid, is_controller: true, ..OwnerRef::default() }
}

fn condition(kind: &str, status: ConditionStatus, reason: &str) -> Condition {
    Condition { kind: kind.into(), status, reason: reason.into(), ..Condition::default() }
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
    pod.meta.deletion = Some(Default::default());
}
