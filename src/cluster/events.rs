//! What becomes of the Events that programs emit: counted, combined, held back, sent, tried again.
//!
//! Source: client-go `tools/record/{event,events_cache}.go` and `tools/events/event_broadcaster.go`, v1.36. Controllers
//! use the first: one Event at a time goes through the program's own client; the same Event once more is a patch of its
//! count; of many that differ in their words only, one stands for all; a talkative object is held back. The scheduler
//! uses the second: each Event is sent at once, through a client of its own; the second alike makes it a series, further
//! ones are only counted. Left out: a series is not written again when it is over, nor every half hour.

use super::process::{Client, Owner};
use super::world::World;
use crate::apiserver::{ApiError, Part, Reply, Request};
use crate::kernel::bucket::Bucket;
use crate::kernel::rng::Purpose;
use crate::kernel::time::{Span, Time};
use crate::object::fact::Why;
use crate::object::{Edit, Event, Key, Kind, MicroTime, Name, Revision, SettingId, Settings, Uid};
use std::collections::{BTreeMap, BTreeSet};

/// What is written before an Event that stands for others.
const COMBINED: &str = "(combined from similar events): ";

/// An Event on its way, kept in case it has to be sent again.
#[derive(Clone, Debug)]
pub struct Emission {
    event: Event,
    /// Whether it is sent as a patch of one that is there.
    is_patch: bool,
    tries: usize,
}

impl Emission {
    /// The request that brings it to the API server.
    pub fn request(&self) -> Request {
        let Event { meta, count, note, time, .. } = &self.event;
        if !self.is_patch {
            return Request::Create(self.event.clone().into());
        }
        let edit = Edit::EventSeen { count: *count, note: note.clone(), time: *time };
        Request::Patch { kind: Kind::Event, key: meta.key.clone(), uid: None, part: Part::Main, edit }
    }
}

/// A map that forgets what was not used for longest.
#[derive(Clone, Debug)]
struct Recent<K, V> {
    entries: BTreeMap<K, (u64, V)>,
    by_use: BTreeMap<u64, K>,
    uses: u64,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Recent { entries: BTreeMap::new(), by_use: BTreeMap::new(), uses: 0 }
    }
}

impl<K: Ord + Clone, V> Recent<K, V> {
    /// The value of `key`, made if it is not there; at most `most` are kept.
    fn entry(&mut self, key: K, most: usize, make: impl FnOnce() -> V) -> &mut V {
        self.uses += 1;
        match self.entries.get_mut(&key) {
            Some((used, _)) => {
                self.by_use.remove(used);
                *used = self.uses;
            }
            None => {
                if self.entries.len() >= most.max(1)
                    && let Some((_, oldest)) = self.by_use.pop_first()
                {
                    self.entries.remove(&oldest);
                }
                self.entries.insert(key.clone(), (self.uses, make()));
            }
        }
        self.by_use.insert(self.uses, key.clone());
        &mut self.entries.get_mut(&key).expect("it is there now").1
    }
}

/// Whom an Event is about, and who says it.
type Subject = (Name, Name, Uid, Name);
/// The same, with what kind of thing is said.
type Topic = (Subject, bool, Name);

/// By what an Event is recognised: those that stand for others have no words of their own.
type Sameness = (Topic, Option<Name>);

fn topic(event: &Event) -> Topic {
    let namespace = event.meta.namespace().clone();
    let subject = (namespace, event.regarding.clone(), event.regarding_uid, event.reporter.clone());
    (subject, event.is_warning, event.reason.clone())
}

/// Different words about one topic, and when the last were said.
#[derive(Clone, Debug, Default)]
struct Similar {
    notes: BTreeSet<Name>,
    last: Option<Time>,
}

/// The recorder of a controller (`EventCorrelator`).
#[derive(Clone, Debug, Default)]
pub struct Correlator {
    similar: Recent<Topic, Similar>,
    /// How often an Event was seen, and the name of its object.
    seen: Recent<Sameness, (u32, Key)>,
    spoken_of: Recent<Subject, Option<Bucket>>,
}

impl Correlator {
    /// What is to be sent for an Event, if anything.
    pub fn correlate(&mut self, mut event: Event, now: Time, settings: &Settings) -> Option<Emission> {
        let most = settings.count(SettingId::EventCacheSize);
        let topic = topic(&event);
        let similar = self.similar.entry(topic.clone(), most, Similar::default);
        let interval = settings.span(SettingId::EventAggregateInterval);
        if similar.last.is_none_or(|last| now.since(last) > interval) {
            similar.notes.clear();
        }
        similar.last = Some(now);
        similar.notes.insert(event.note.clone());
        let mut words = Some(event.note.clone());
        if similar.notes.len() >= settings.count(SettingId::EventAggregateMax) {
            // Upstream takes any out.
            similar.notes.pop_first();
            event.note = format!("{COMBINED}{}", event.note).into();
            words = None;
        }
        let seen = self.seen.entry((topic.clone(), words), most, || (0, event.meta.key.clone()));
        seen.0 += 1;
        (event.count, event.meta.key) = seen.clone();
        // What is held back here was counted all the same.
        let grown = || {
            let burst = settings.get(SettingId::EventSpamBurst);
            Some(Bucket::growing(settings.span(SettingId::EventSpamInterval), burst))
        };
        let bucket = self.spoken_of.entry(topic.0, most, grown);
        let may_speak = bucket.as_mut().is_none_or(|bucket| bucket.try_take(now));
        may_speak.then_some(Emission { is_patch: event.count > 1, event, tries: 0 })
    }
}

/// The recorder of the scheduler (`eventBroadcasterImpl`): Events of one topic about one version of an object.
#[derive(Clone, Debug, Default)]
pub struct Series {
    begun: BTreeMap<(Topic, Revision), Event>,
}

impl Series {
    /// What is to be sent for an Event, if anything.
    pub fn correlate(&mut self, mut event: Event, settings: &Settings) -> Option<Emission> {
        let finish_micros = settings.span(SettingId::EventSeriesFinish).as_micros() as i64;
        let is_over = |last: MicroTime| event.time.0 - last.0 > finish_micros;
        if self.begun.len() >= settings.count(SettingId::EventCacheSize) {
            self.begun.retain(|_, begun| !is_over(begun.time));
        }
        let key = (topic(&event), event.regarding_version);
        if let Some(begun) = self.begun.get_mut(&key).filter(|begun| !is_over(begun.time)) {
            (begun.count, begun.time) = (begun.count + 1, event.time);
            // The words stay those of the first.
            return (begun.count == 2).then(|| Emission { event: begun.clone(), is_patch: true, tries: 0 });
        }
        event.count = 1;
        self.begun.insert(key, event.clone());
        Some(Emission { event, is_patch: false, tries: 0 })
    }
}

/// Which recorder a client has.
#[derive(Clone, Debug)]
pub enum Recorder {
    /// One Event at a time, through the client.
    Core(Correlator),
    /// Each at once, through this bucket.
    Series(Series, Option<Bucket>),
}

/// What is to be sent next for an Event, and after which pause: one that could not be patched is created, one to which
/// nobody answered is tried again.
fn next(mut emission: Emission, reply: &Reply, is_series: bool, world: &World) -> Option<(Emission, Span)> {
    let settings = &world.config.settings;
    let is_lost = match reply {
        Reply::Error(ApiError::NotFound) if emission.is_patch => {
            emission.is_patch = false;
            return Some((emission, Span::ZERO));
        }
        Reply::Error(ApiError::Timeout) => true,
        // The first of the series was created meanwhile.
        Reply::Error(ApiError::AlreadyExists) => is_series && emission.event.count > 1,
        _ => false,
    };
    emission.tries += 1;
    if !is_lost || emission.tries >= settings.count(SettingId::EventRetries) {
        return None;
    }
    let pause = settings.span(SettingId::EventRetryPause);
    let key = emission.event.meta.key.to_string();
    let draw = |most| world.draws.span_below(Purpose::Jitter, &key, emission.tries as u64, most);
    let share = settings.get(SettingId::EventRetryJitter) as u64;
    let pause = match emission.tries {
        _ if is_series => pause + draw(Span::from_micros(pause.as_micros() * share / 1_000_000)),
        1 => draw(pause),
        _ => pause,
    };
    emission.is_patch = emission.event.count > 1;
    Some((emission, pause))
}

impl World {
    /// A program emits an Event.
    pub(super) fn emit(&mut self, owner: Owner, event: Event, why: Why) {
        let config = self.config.clone();
        let client = self.client(owner);
        if let Recorder::Series(series, _) = &mut client.recorder {
            if let Some(emission) = series.correlate(event, &config.settings) {
                self.send_event(owner, emission, why, Span::ZERO);
            }
            return;
        }
        if client.events.len() < config.settings.count(SettingId::EventQueueSize) {
            client.events.push_back((Box::new(event), why));
            self.emit_next(owner);
        }
    }

    /// Sends the next Event of a client that sends one at a time, if none is on its way.
    fn emit_next(&mut self, owner: Owner) {
        let (now, config) = (self.now, self.config.clone());
        let client = self.client(owner);
        let Client { recorder: Recorder::Core(correlator), events, is_emitting, .. } = client else { return };
        while !*is_emitting && let Some((event, why)) = events.pop_front() {
            if let Some(emission) = correlator.correlate(*event, now, &config.settings) {
                *is_emitting = true;
                return self.send_event(owner, emission, why, Span::ZERO);
            }
        }
    }

    /// An Event was answered, or nobody answered.
    pub(super) fn emitted(&mut self, owner: Owner, emission: Emission, reply: &Reply, why: Why) {
        let is_series = matches!(self.client(owner).recorder, Recorder::Series(..));
        if let Some((emission, pause)) = next(emission, reply, is_series, self) {
            return self.send_event(owner, emission, why, pause);
        }
        self.client(owner).is_emitting = false;
        self.emit_next(owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Meta;

    fn event(subject: &str, note: &str, at: Time) -> Event {
        let name = format!("{subject}.{:x}", at.as_micros());
        Event {
            meta: Meta::new(Key::new("default", name)),
            regarding: format!("ReplicaSet/{subject}").into(),
            reason: "SuccessfulCreate".into(),
            note: note.into(),
            reporter: "replicaset-controller".into(),
            time: MicroTime(at.as_micros() as i64),
            ..Event::default()
        }
    }

    fn secs(seconds: u64) -> Time {
        Time::ZERO + Span::from_secs(seconds)
    }

    /// What is sent for these, each a second after the one before.
    fn sent<'n>(notes: impl IntoIterator<Item = &'n str>) -> Vec<String> {
        let (mut correlator, settings) = (Correlator::default(), Settings::default());
        let notes = notes.into_iter().enumerate();
        let sent = notes.map(|(index, note)| {
            let now = secs(index as u64);
            match correlator.correlate(event("web", note, now), now, &settings) {
                Some(emission) => emission.request().to_string(),
                None => "nothing".into(),
            }
        });
        sent.collect()
    }

    #[test]
    fn the_same_event_again_is_a_patch_of_its_count() {
        assert_eq!(
            sent(["a", "b", "a", "a"]),
            [
                "create Event default/web.0",
                "create Event default/web.f4240",
                "patch Event default/web.0 seen 2 times: a",
                "patch Event default/web.0 seen 3 times: a",
            ]
        );
    }

    #[test]
    fn of_many_that_are_similar_one_stands_for_the_rest_until_there_are_too_many() {
        let notes: Vec<String> = (0..27).map(|index| format!("pod {index}")).collect();
        let sent = sent(notes.iter().map(String::as_str));
        assert!(sent[..9].iter().all(|line| line.starts_with("create")), "{sent:?}");
        assert_eq!(sent[9], "create Event default/web.895440");
        assert_eq!(sent[10], "patch Event default/web.895440 seen 2 times: (combined from similar events): pod 10");
        assert_eq!(sent[24], "patch Event default/web.895440 seen 16 times: (combined from similar events): pod 24");
        assert_eq!(sent[25..], ["nothing", "nothing"], "no more than 25 about one object");
    }

    #[test]
    fn after_ten_minutes_of_silence_events_are_no_longer_similar() {
        let (mut correlator, settings) = (Correlator::default(), Settings::default());
        for second in 0..12 {
            correlator.correlate(event("web", &format!("pod {second}"), secs(second)), secs(second), &settings);
        }
        let later = secs(12 + 600);
        let emission = correlator.correlate(event("web", "pod 12", later), later, &settings).unwrap();
        assert_eq!((emission.is_patch, emission.event.note.as_str()), (false, "pod 12"));
    }

    #[test]
    fn what_was_not_spoken_of_for_longest_is_forgotten() {
        let mut recent: Recent<u32, u32> = Recent::default();
        for key in [1, 2, 1, 3] {
            *recent.entry(key, 2, || 0) += 1;
        }
        assert_eq!(*recent.entry(1, 2, || 0), 2);
        assert_eq!(*recent.entry(2, 2, || 0), 0, "two had to go for three");
    }

    #[test]
    fn a_series_is_written_when_it_begins_and_counted_from_then_on() {
        let (mut series, settings) = (Series::default(), Settings::default());
        let mut said = |second: u64, version: u64| {
            let event = Event { regarding_version: Revision(version), ..event("web", "no room", secs(second)) };
            series.correlate(event, &settings).map(|emission| emission.request().to_string())
        };
        assert_eq!(said(0, 1).as_deref(), Some("create Event default/web.0"));
        assert_eq!(said(1, 2).as_deref(), Some("create Event default/web.f4240"), "another version of the pod");
        assert_eq!(said(2, 2).as_deref(), Some("patch Event default/web.f4240 seen 2 times: no room"));
        assert_eq!(said(3, 2), None);
        assert_eq!(said(400, 2).as_deref(), Some("create Event default/web.17d78400"), "the series was over");
    }
}
