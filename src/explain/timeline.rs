//! The dozen moments that matter of a run, in words, whatever its size.
//!
//! Each event is an episode: its beginning, what followed from it (by the chains of causes), its end, and when the
//! workloads were as wanted again. What happened to many is one moment with the span that it took. If there are still too
//! many, the least important are left out, and of many episodes only what they led to is told.

use super::outcome::{capital, is_pod, restored};
use super::words::{clause, owner};
use super::{Tale, span, time};
use crate::kernel::time::Time;
use crate::object::fact::Verb;
use crate::object::setting::Unit;
use crate::object::{Fact, FactId, Kind};
use crate::record::workloads::workload_name;
use crate::report::Finished;
use crate::report::screen::Style;
use crate::report::words::counted;
use std::collections::{BTreeMap, BTreeSet};

/// Most moments that are told.
pub const MOST: usize = 20;

/// Episodes that are told of before all others.
const MOST_EPISODES: usize = 4;
/// By how much the moments of the other episodes are less important.
const LESSER: u8 = 10;

/// One moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When it was, or began.
    pub at: Time,
    /// When the last of it was, if it took a while.
    pub until: Option<Time>,
    /// What happened.
    pub text: String,
    /// The lower the more important.
    rank: Rank,
}

/// How important a moment is: by what it is, then by how its episode stands among the others.
type Rank = (u8, usize);

/// Several facts of one sort.
#[derive(Default)]
struct Group {
    names: BTreeSet<String>,
    count: usize,
    first: Option<FactId>,
    last: Option<FactId>,
}

impl Group {
    fn add(&mut self, id: FactId, name: String) {
        self.names.insert(name);
        self.count += 1;
        self.first.get_or_insert(id);
        self.last = Some(id);
    }

    /// The names if there are few, or how many.
    fn who(&self, noun: &str) -> String {
        if self.names.len() <= 3 {
            self.names.iter().cloned().collect::<Vec<_>>().join(", ")
        } else {
            counted(self.names.len(), noun)
        }
    }

    /// Counted, with the workloads that they belong to.
    fn pods(&self) -> String {
        let of = if self.names.len() <= 3 { self.who("workload") } else { counted(self.names.len(), "workload") };
        format!("{} of {of}", counted(self.count, "pod"))
    }
}

/// What followed from one event.
#[derive(Default)]
struct Episode {
    not_ready: Group,
    tainted: Group,
    untainted: Group,
    deleted: Group,
    created: Group,
    no_room: Group,
    back: Group,
    /// Zones that were judged anew, and how at last.
    rates: Group,
    last_rates: BTreeMap<String, FactId>,
    /// Zones in which evictions stopped, by why.
    stopped: BTreeMap<String, Group>,
}

/// The moments of a run, in the order of time.
pub fn timeline(tale: &Tale<'_>, finished: &Finished) -> Vec<Moment> {
    let begun = tale.begun();
    let mut episodes: BTreeMap<FactId, Episode> = begun.iter().map(|&id| (id, Episode::default())).collect();
    for (id, recorded) in tale.iter() {
        let Some(episode) = episodes.get_mut(&tale.root(id)) else { continue };
        match &recorded.fact {
            Fact::Commit { verb: Verb::Updated, kind: Kind::Node, key, what } => {
                let name = key.name.to_string();
                if what.contains("Ready=Unknown") || what.contains("Ready=False") {
                    episode.not_ready.add(id, name);
                } else if what.contains("Ready=True") {
                    episode.back.add(id, name);
                } else if what.contains("-node.kubernetes.io") && what.contains("NoExecute") {
                    episode.untainted.add(id, name);
                } else if what.contains('+') && what.contains("NoExecute") {
                    episode.tainted.add(id, name);
                }
            }
            fact if is_pod(fact, Verb::Created) || is_pod(fact, Verb::Terminating) => {
                let Fact::Commit { verb, key, .. } = fact else { continue };
                let group = if *verb == Verb::Created { &mut episode.created } else { &mut episode.deleted };
                group.add(id, tale.workload_of(key));
            }
            Fact::EvictionRate { zone, state, milli } => {
                episode.rates.add(id, zone.to_string());
                episode.last_rates.insert(zone.to_string(), id);
                if *milli == 0 {
                    let owner = owner(tale, id).map_or_else(String::new, |owner| format!(", {owner}"));
                    episode.stopped.entry(format!("{state}{owner}")).or_default().add(id, zone.to_string());
                }
            }
            Fact::Unschedulable { pod, .. } => episode.no_room.add(id, pod.to_string()),
            _ => {}
        }
    }
    let mut lost: BTreeMap<&str, u64> = BTreeMap::new();
    for loss in &finished.report.losses {
        *lost.entry(&loss.event).or_default() += loss.lost_us;
    }
    let lost = |id: FactId| tale.event(id).and_then(|event| lost.get(event)).copied().unwrap_or(0);
    let cost = |id: FactId| {
        let episode = &episodes[&id];
        (lost(id), episode.deleted.count + episode.created.count, episode.not_ready.names.len())
    };
    let mut by_cost = begun.clone();
    by_cost.sort_by_cached_key(|&id| (std::cmp::Reverse(cost(id)), id));
    // Of many episodes the worst are told first, and those that cost nothing last.
    let lesser: BTreeMap<FactId, Rank> = by_cost
        .into_iter()
        .enumerate()
        .skip(MOST_EPISODES)
        .map(|(place, id)| (id, (if lost(id) > 0 { LESSER } else { 2 * LESSER }, place)))
        .collect();
    let rank = |id: FactId, rank: u8| lesser.get(&id).map_or((rank, 0), |&(more, place)| (rank + more, place));
    let mut moments = Vec::new();
    let mut told: BTreeSet<(Time, String)> = BTreeSet::new();
    for (index, &id) in begun.iter().enumerate() {
        let next = begun.get(index + 1).map_or(tale.world.now(), |&next| tale.fact(next).at);
        moments.push(moment(tale, Some(id), None, clause(tale, id), rank(id, 0)));
        tell(tale, &episodes[&id], rank(id, 0), &mut moments);
        back_to_wanted(tale, finished, (tale.fact(id).at, next), rank(id, 1), &mut told, &mut moments);
    }
    let first: BTreeMap<&str, FactId> = begun.iter().filter_map(|&id| Some((tale.event(id)?, id))).collect();
    let last: BTreeMap<&str, FactId> = tale.iter().filter_map(|(id, _)| Some((tale.event(id)?, id))).collect();
    for (id, recorded) in tale.iter() {
        if let Fact::FaultEnded { fault } = &recorded.fact {
            let began = first.get(fault.as_str());
            let long = began.map_or_else(String::new, |&began| {
                format!(", {} after it began", span(recorded.at.since(tale.fact(began).at)))
            });
            moments.push(moment(
                tale,
                Some(id),
                None,
                format!("{}{long}", clause(tale, id)),
                began.map_or((1, 0), |&began| rank(began, 1)),
            ));
        }
        if let Fact::Acted { event, .. } = &recorded.fact
            && first.get(event.as_str()) != Some(&id)
        {
            let is_last = last.get(event.as_str()) == Some(&id);
            moments.push(moment(tale, Some(id), None, clause(tale, id), (if is_last { 2 } else { 5 }, 0)));
        }
    }
    let first = tale
        .world
        .recorder()
        .workloads
        .iter()
        .map(|(_, workload)| workload.converged.first_stay(1, Time::ZERO, finished.config.hold, tale.world.now()));
    if let Some(first) =
        first.collect::<Option<Vec<Time>>>().and_then(|all| all.into_iter().max()).filter(|first| *first > Time::ZERO)
        && begun.first().is_none_or(|&id| tale.fact(id).at >= first)
    {
        moments.push(Moment {
            at: first,
            until: None,
            text: "everything was as wanted for the first time".to_string(),
            rank: (3, 0),
        });
    }
    moments.push(ending(tale, finished));
    choose(moments)
}

fn moment(tale: &Tale<'_>, first: Option<FactId>, last: Option<FactId>, text: String, rank: Rank) -> Moment {
    let at = |id: Option<FactId>| id.map(|id| tale.fact(id).at);
    let begins = at(first).unwrap_or(Time::ZERO);
    Moment { at: begins, until: at(last).filter(|last| *last > begins), text: capital(&text), rank }
}

fn tell(tale: &Tale<'_>, episode: &Episode, (base, place): Rank, moments: &mut Vec<Moment>) {
    // Of several, who had the last one wait.
    let owned = |group: &Group| {
        let owner = group.last.and_then(|id| tale.fact(id).why.setting.and(owner(tale, id)));
        owner.map_or_else(String::new, |owner| format!(" ({owner})"))
    };
    let mut say = |group: &Group, text: String, rank: u8| {
        if group.first.is_some() {
            moments.push(moment(tale, group.first, group.last, text, (base + rank, place)));
        }
    };
    say(
        &episode.not_ready,
        format!("{} no longer Ready{}", group_is(&episode.not_ready, "node"), owned(&episode.not_ready)),
        2,
    );
    say(
        &episode.tainted,
        format!("{} tainted NoExecute{}", group_is(&episode.tainted, "node"), owned(&episode.tainted)),
        4,
    );
    say(&episode.deleted, format!("{} deleted{}", episode.deleted.pods(), owned(&episode.deleted)), 2);
    say(&episode.created, format!("{} created", episode.created.pods()), 3);
    say(&episode.no_room, format!("no node had room for {}", counted(episode.no_room.names.len(), "pod")), 3);
    for (why, zones) in &episode.stopped {
        let named = |zone: &String| if zone.is_empty() { "of no name".to_string() } else { zone.clone() };
        let names: Vec<String> = zones.names.iter().map(named).collect();
        let zone = if names.len() == 1 { "zone" } else { "zones" };
        say(zones, format!("evictions in {zone} {} stopped ({why})", names.join(", ")), 4);
    }
    let judged = episode.last_rates.values().filter_map(|&id| match &tale.fact(id).fact {
        Fact::EvictionRate { zone, state, milli } => {
            let zone = if zone.is_empty() { "nodes without a zone" } else { zone.as_str() };
            Some(format!("{zone} {state}, {}", Unit::Rate.show(*milli)))
        }
        _ => None,
    });
    let judged: Vec<String> = judged.collect();
    say(&episode.rates, format!("zones were judged anew, at last: {}", judged.join("; ")), 5);
    say(&episode.back, format!("{} Ready again", group_is(&episode.back, "node")), 3);
    say(&episode.untainted, format!("{} without the taint again", group_is(&episode.untainted, "node")), 6);
}

fn group_is(group: &Group, noun: &str) -> String {
    format!("{} {}", group.who(noun), if group.names.len() == 1 { "was" } else { "were" })
}

/// When the workloads that an event disturbed were as wanted again, if that was before the next event.
fn back_to_wanted(
    tale: &Tale<'_>,
    finished: &Finished,
    (at, next): (Time, Time),
    rank: Rank,
    told: &mut BTreeSet<(Time, String)>,
    moments: &mut Vec<Moment>,
) {
    let mut group: Vec<(Time, String)> = Vec::new();
    for (id, workload) in tale.world.recorder().workloads.iter() {
        let was_well = workload.converged.before(at) == 1 || workload.converged.at(at) == 1;
        let fell = workload.converged.at(at) == 0
            || workload.converged.first_after(at, |value| value == 0).is_some_and(|fell| fell < next);
        let back = restored(workload, at, finished.config.hold, tale.world.now());
        if let Some(back) = back.filter(|_| was_well && fell)
            && told.insert((back, workload_name(id)))
        {
            group.push((back, workload_name(id)));
        }
    }
    let (Some(first), Some(last)) =
        (group.iter().map(|(back, _)| *back).min(), group.iter().map(|(back, _)| *back).max())
    else {
        return;
    };
    let names: Vec<&str> = group.iter().map(|(_, name)| name.as_str()).collect();
    let who = if names.len() <= 3 { names.join(", ") } else { counted(names.len(), "workload") };
    let was = if names.len() == 1 { "was" } else { "were" };
    let text = format!("{who} {was} as wanted again, {} after", span(last.since(at)));
    moments.push(Moment { at: first, until: Some(last).filter(|last| *last > first), text: capital(&text), rank });
}

/// How the run ended.
fn ending(tale: &Tale<'_>, finished: &Finished) -> Moment {
    let end = tale.world.now();
    let evidence =
        crate::scenario::measure::Evidence { recorder: tale.world.recorder(), hold: finished.config.hold, end };
    let behind = crate::scenario::rule::behind(evidence);
    let text = match tale.world.recorder().converged_since() {
        Some(since) if behind.is_empty() => {
            format!("the run ended; everything had been as wanted since {}", time(since))
        }
        _ => format!("the run ended, not as wanted: {}", behind.join("; ")),
    };
    Moment { at: end, until: None, text: capital(&text), rank: (0, 0) }
}

/// The most important ones, in the order of time; of equals the earlier.
fn choose(mut moments: Vec<Moment>) -> Vec<Moment> {
    moments.sort_by_key(|moment| (moment.at, moment.rank));
    moments.dedup_by(|a, b| a.at == b.at && a.text == b.text);
    let mut order: Vec<usize> = (0..moments.len()).collect();
    order.sort_by_key(|&index| (moments[index].rank, index));
    let end = moments.len().saturating_sub(1);
    let mut kept: BTreeSet<usize> = order.into_iter().take(MOST.min(moments.len())).collect();
    // However many there are, the last is how it ended.
    if kept.len() == MOST && !kept.contains(&end) {
        kept.pop_last();
        kept.insert(end);
    }
    let left_out = moments.len() - kept.len();
    let mut chosen: Vec<Moment> =
        moments.into_iter().enumerate().filter(|(index, _)| kept.contains(index)).map(|(_, moment)| moment).collect();
    if left_out > 0
        && let Some(last) = chosen.last_mut()
    {
        let are = if left_out == 1 { "is" } else { "are" };
        last.text.push_str(&format!(" ({} {are} left out here)", counted(left_out, "lesser moment")));
    }
    chosen
}

fn when(moment: &Moment) -> String {
    match moment.until {
        Some(until) if time(until) != time(moment.at) => format!("{} – {}", time(moment.at), time(until)),
        _ => time(moment.at),
    }
}

/// Moments as text for a terminal.
pub fn text(moments: &[Moment], style: Style) -> String {
    let width = moments.iter().map(|moment| when(moment).chars().count()).max().unwrap_or(0);
    let line = |moment: &Moment| format!("{:<width$}  {}\n", when(moment), moment.text);
    style.finish(moments.iter().map(line).collect())
}

/// Moments as a table in Markdown.
pub fn markdown(title: &str, moments: &[Moment]) -> String {
    let plain = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ");
    let mut text = format!("# {}\n\n| when | what |\n|---|---|\n", plain(title));
    for moment in moments {
        text.push_str(&format!("| {} | {} |\n", when(moment), plain(&moment.text)));
    }
    text
}
