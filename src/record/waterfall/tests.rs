//! Stories of one vacancy, told to the recorder directly: what the real programs seldom do.

use super::{Cause, Loss, Owner, Wait};
use crate::etcd::change::Change;
use crate::kernel::time::{Span, Time};
use crate::object::Settings;
use crate::object::fact::Why;
use crate::object::{DelayId, Fact, FactId, Key, Meta, Object, Pod, Revision, SettingId};
use crate::record::Recorder;

fn at(second: u64) -> Time {
    Time::ZERO + Span::from_secs(second)
}

fn pod(node: &str) -> Option<Object> {
    let meta = Meta::new(Key::new("default", "a"));
    Some(Pod { meta, node_name: node.into(), ..Pod::default() }.into())
}

/// A pod of its own that is created at 0 s, refused at 10 s, decided on at 20 s, started at 22 s and ready at 25 s.
fn refused_once(why: impl FnOnce(&mut Recorder) -> Why) -> Loss {
    let (mut recorder, key) = (Recorder::default(), Key::new("default", "a"));
    let change = |revision, old, new| Change { revision: Revision(revision), old, new, cause: FactId::NONE };
    recorder.commit(at(0), &change(1, None, pod("")), Wait::default());
    let message = "0/1 nodes are available: 1 Insufficient cpu.".into();
    recorder.fact(at(10), Fact::Unschedulable { pod: key.clone(), message }, Why::NOTHING);
    let why = why(&mut recorder);
    recorder.fact(at(20), Fact::Scheduled { pod: key.clone(), node: "n".into() }, why);
    recorder.commit(at(20), &change(2, pod(""), pod("n")), Wait::default());
    let started = Fact::ContainersStarted {
        pod: key.clone(),
        node: "n".into(),
        failed: Span::ZERO,
        pulled: Span::ZERO,
        slowed: Span::ZERO,
    };
    recorder.fact(at(22), started, Why::NOTHING);
    recorder.fact(at(25), Fact::ContainersReady { pod: key, node: "n".into() }, Why::NOTHING);
    let [loss] = recorder.losses(at(60), |_| None).try_into().expect("one workload, one origin");
    loss
}

fn seconds(loss: &Loss) -> Vec<(Cause, Owner, u64)> {
    loss.parts.iter().map(|((cause, owner), micros)| (*cause, owner.clone(), micros / 1_000_000)).collect()
}

#[test]
fn a_pod_that_might_fit_again_waits_for_its_back_off() {
    // A machine that came at 16 s made room: six seconds without, and four of back-off.
    let loss = refused_once(|recorder| {
        let came = recorder.fact(at(16), Fact::MachineUp("n".into()), Why::NOTHING);
        Why::after(came, SettingId::PodInitialBackoff)
    });
    assert_eq!(
        seconds(&loss),
        [
            (Cause::NoRoom, Owner::Nobody, 6),
            (Cause::BackOff, Owner::Setting(SettingId::PodInitialBackoff), 4),
            (Cause::NotPlaced, Owner::Delay(DelayId::SchedulingCycle), 10),
            (Cause::Starting, Owner::Delay(DelayId::ContainerStart), 2),
            (Cause::NotReady, Owner::Delay(DelayId::ReadyAfter), 3),
        ]
    );
    assert_eq!((loss.lost(), loss.vacancies, loss.open), (25_000_000, 1, 0));
}

#[test]
fn a_pod_that_no_event_helps_waits_for_the_next_round_over_such_pods() {
    let loss = refused_once(|_| Why::after(FactId::NONE, SettingId::PodMaxInUnschedulablePods));
    assert_eq!(seconds(&loss)[0], (Cause::NoRoom, Owner::Setting(SettingId::PodMaxInUnschedulablePods), 10));
}

#[test]
fn while_it_is_tried_in_vain_no_setting_owns_the_wait() {
    // The round at 14 s finds no room either; the one at 20 s does.
    let loss = refused_once(|recorder| {
        let message = "0/1 nodes are available: 1 Insufficient cpu.".into();
        let round = Why::after(FactId::NONE, SettingId::PodMaxInUnschedulablePods);
        recorder.fact(at(14), Fact::Unschedulable { pod: Key::new("default", "a"), message }, round);
        round
    });
    assert_eq!(
        seconds(&loss)[..2],
        [(Cause::NoRoom, Owner::Setting(SettingId::PodMaxInUnschedulablePods), 6), (Cause::NoRoom, Owner::Nobody, 4),]
    );
}

#[test]
fn a_summary_says_nothing_of_it() {
    let mut recorder = Recorder::new(crate::record::Detail::Summary, Settings::default());
    let change = Change { revision: Revision(1), old: None, new: pod(""), cause: FactId::NONE };
    recorder.commit(at(0), &change, Wait::default());
    assert_eq!(recorder.losses(at(60), |_| None), []);
}
