//! Several runs in words, for a terminal.

use super::losses::{LossSpread, PartSpread};
use super::screen::{Style, headline, overrides, paint, plain};
use super::spread::{Runs, Spread};
use super::verdict::{is_all, share};
use super::words::{counted, grouped, ranges, short};
use super::{Failed, Verdict};
use crate::kernel::time::Span;
use crate::scenario::measure::{self, Unit};

/// Most failing seeds, and most outages, that are told one by one.
const TOLD_MOST: usize = 20;
/// Width of the first column.
const NAME_WIDTH: usize = 30;

/// The summary as text. `saved` says where the run folders are, if they were kept.
pub fn summary(runs: &Runs, saved: Option<&str>, style: Style) -> String {
    let mut text = String::new();
    head(&mut text, runs, style);
    failures(&mut text, &runs.failed, style);
    told_of_runs(&mut text, runs);
    if !runs.expectations.is_empty() {
        text.push_str(&format!("\n{}\n", heading("expected", "met")));
        expectations(&mut text, runs, style);
    }
    let told = &runs.outages[..runs.outages.len().min(TOLD_MOST)];
    for (index, outage) in told.iter().enumerate() {
        let some = if outage.n < runs.seeds.len() { format!(", in {} of the runs", outage.n) } else { String::new() };
        let often = outage.strikes.map_or_else(String::new, |strikes| format!(", {}", counted(strikes, "strike")));
        text.push_str(&format!("\n{}: {}{often}{some}; time since\n", plain(&outage.id), outage.fault));
        if outage.workloads.is_empty() && outage.hits_nodes {
            text.push_str("  no workload had a pod there\n");
        }
        for workload in &outage.workloads {
            text.push_str(&format!("{}\n", heading(&workload.name, "")));
            for milestone in &workload.milestones {
                text.push_str(&row(&format!("  {}", milestone.name), "", &milestone.since_us, duration));
            }
        }
        // Once, where an event has several outages.
        if !told[index + 1..].iter().any(|later| later.id == outage.id) {
            let own = runs.losses.iter().filter(|loss| loss.event == outage.id);
            own.for_each(|loss| self::loss(&mut text, loss));
        }
    }
    if runs.outages.len() > TOLD_MOST {
        text.push_str(&format!("\n{} more outages: see -o json\n", runs.outages.len() - TOLD_MOST));
    }
    let is_told = |loss: &&LossSpread| runs.outages.iter().any(|outage| outage.id == loss.event);
    let mut event = "";
    for loss in runs.losses.iter().filter(|loss| !is_told(loss)).take(TOLD_MOST) {
        if loss.event != event {
            event = &loss.event;
            text.push_str(&format!("\n{}\n", plain(event)));
        }
        self::loss(&mut text, loss);
    }
    notes(&mut text, runs);
    if let Some(folder) = saved {
        text.push_str(&format!("\nRun folders: {folder}/{}\n", ranges(&runs.seeds)));
    }
    style.finish(text)
}

fn head(text: &mut String, runs: &Runs, style: Style) {
    let count = format!("{} of {} passed", runs.passed, counted(runs.seeds.len(), "seed"));
    text.push_str(&headline(&runs.title, runs.verdict, &count, style));
    let ends = || runs.runs.iter().map(|run| Span::from_micros(run.simulated_us));
    let (shortest, longest) = (ends().min().unwrap_or_default(), ends().max().unwrap_or_default());
    let simulated = match shortest == longest {
        true => short(longest),
        false => format!("{} to {}", short(shortest), short(longest)),
    };
    let wall = style.wall.map_or_else(String::new, |wall| format!(" in {:.1} s", wall.as_secs_f64()));
    let events = grouped(runs.runs.iter().map(|run| run.events).sum());
    let hash: String = runs.scenario_hash.chars().take(8).collect();
    text.push_str(&format!(
        "seeds {} · {simulated} simulated in each · {events} events{wall} · scenario {}/{hash}\n",
        ranges(&runs.seeds),
        runs.version
    ));
    text.push_str(&overrides(&runs.overrides));
}

fn failures(text: &mut String, failed: &[Failed], style: Style) {
    // Those that count first.
    for is_allowed in [false, true] {
        let some: Vec<&Failed> = failed.iter().filter(|failed| failed.is_allowed == is_allowed).collect();
        let word = if is_allowed { "miss".to_string() } else { paint("FAIL", Verdict::Fail, style) };
        for Failed { seed, reasons, .. } in some.iter().take(TOLD_MOST) {
            let reasons: Vec<String> = reasons.iter().map(|reason| plain(reason)).collect();
            text.push_str(&format!("{word} seed {seed}: {}\n", reasons.join("; ")));
        }
        if let Some(rest) = some.get(TOLD_MOST..).filter(|rest| !rest.is_empty()) {
            let seeds: Vec<u64> = rest.iter().map(|failed| failed.seed).collect();
            text.push_str(&format!("{word} seeds {}: see -o json\n", ranges(&seeds)));
        }
    }
    if failed.iter().any(|failed| failed.is_allowed) {
        text.push_str("A miss is no failure: what it misses is met in as many of the seeds as `in` asks for.\n");
    }
}

/// What is worth knowing of single runs: the same of several of them once.
fn told_of_runs(text: &mut String, runs: &Runs) {
    let mut told: Vec<(&str, Vec<u64>)> = Vec::new();
    for (note, seed) in runs.runs.iter().flat_map(|run| run.notes.iter().map(|note| (note.as_str(), run.seed))) {
        match told.iter_mut().find(|(known, _)| *known == note) {
            Some((_, seeds)) => seeds.push(seed),
            None => told.push((note, vec![seed])),
        }
    }
    for (note, seeds) in told.iter().take(TOLD_MOST) {
        let seeds =
            if seeds.len() == runs.seeds.len() { "all seeds".to_string() } else { format!("seeds {}", ranges(seeds)) };
        text.push_str(&format!("note, {seeds}: {}\n", plain(note)));
    }
    if told.len() > TOLD_MOST {
        text.push_str(&format!("note: {} more, see -o json\n", told.len() - TOLD_MOST));
    }
}

fn expectations(text: &mut String, runs: &Runs, style: Style) {
    for expectation in &runs.expectations {
        let met = format!("{}/{}", expectation.met, runs.seeds.len());
        let painted =
            format!("{}{}", " ".repeat(9_usize.saturating_sub(met.len())), paint(&met, expectation.verdict, style));
        let id = plain(&expectation.id);
        match &expectation.spread {
            Some(spread) => {
                let show: fn(i64) -> String = match measure::find(expectation.claim).map(|measure| measure.unit) {
                    Some(Unit::Duration) | None => duration,
                    Some(Unit::Share) => |value| Unit::Share.show(value),
                    Some(Unit::Flag) => |value| Unit::Flag.show(value),
                    Some(Unit::Pods | Unit::Count) => |value| value.to_string(),
                };
                text.push_str(&row(&id, &painted, spread, show));
            }
            None => text.push_str(&format!("{id:<NAME_WIDTH$} {painted}\n")),
        }
        let of = expectation.of.as_ref().map_or_else(String::new, |of| format!(" of {of}"));
        let bound = if expectation.bound.is_empty() { String::new() } else { format!(", {}", expectation.bound) };
        let share = match is_all(&expectation.share) {
            true => String::new(),
            false => format!(", in at least {} of the seeds", share(expectation.share)),
        };
        text.push_str(&format!("  {}{of}{bound}{share}\n", expectation.claim));
    }
}

/// What an event cost a workload: the sum, and the parts that count.
fn loss(text: &mut String, loss: &LossSpread) {
    let (counts, lesser): (Vec<&PartSpread>, Vec<&PartSpread>) = loss.parts.iter().partition(|part| {
        let most = part.replica_us.max.unwrap_or(0);
        i128::from(most) * 100 >= i128::from(loss.lost_us.max.unwrap_or(0))
    });
    text.push_str(&format!("{}\n", heading(&format!("{}, replica time", loss.object), "")));
    text.push_str(&row("  lost", "", &loss.lost_us, duration));
    for part in counts {
        let row = row(&format!("    {}", part.cause), "", &part.replica_us, duration);
        text.push_str(format!("{}  {}", row.trim_end(), part.label).trim_end());
        text.push('\n');
    }
    if !lesser.is_empty() {
        text.push_str(&format!("    and {} below 1%: see -o json\n", counted(lesser.len(), "part")));
    }
}

/// What the numbers are and are not.
fn notes(text: &mut String, runs: &Runs) {
    let milestones = runs.outages.iter().take(TOLD_MOST).flat_map(|outage| &outage.workloads);
    let milestones = milestones.flat_map(|workload| &workload.milestones).map(|milestone| &milestone.since_us);
    let measured = runs.expectations.iter().filter_map(|expectation| expectation.spread.as_ref());
    let all: Vec<&Spread> = milestones.chain(measured).collect();
    if all.is_empty() {
        return;
    }
    text.push_str("\nQuantiles are values that occurred: p95 is the first that at least 95% of the n do not exceed.\n");
    if all.iter().any(|spread| spread.n < runs.seeds.len()) {
        let total = runs.seeds.len();
        text.push_str(&format!(
            "Where n is below {total}, it was not reached or not there in the other runs; they are left out of that row.\n"
        ));
    }
}

fn heading(name: &str, met: &str) -> String {
    let columns = ["min", "p5", "median", "p95", "max"].map(|column| format!(" {column:>9}")).concat();
    format!("{name:<NAME_WIDTH$} {met:>9} {:>6}{columns}", "n")
}

fn row(name: &str, met: &str, spread: &Spread, show: fn(i64) -> String) -> String {
    let met = if met.is_empty() { " ".repeat(9) } else { met.to_string() };
    let values = [spread.min, spread.p5, spread.median, spread.p95, spread.max];
    let cells = values.map(|value| format!(" {:>9}", value.map_or_else(|| "–".to_string(), show))).concat();
    format!("{name:<NAME_WIDTH$} {met} {:>6}{cells}\n", spread.n)
}

fn duration(micros: i64) -> String {
    short(Span::from_micros(micros as u64))
}
