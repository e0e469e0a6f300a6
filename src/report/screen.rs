//! A report in words, for a terminal.

use super::waterfall::{self, LossReport};
use super::words::{ascii, bar, counted, folded, grouped, short};
use super::{Milestone, OutageReport, Report, Verdict, WorkloadReport};
use crate::kernel::time::Span;
use std::collections::BTreeSet;
use std::time::Duration;

/// How to print.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Whether to use colours.
    pub color: bool,
    /// How long the simulation really took; left out if not known. The only number that differs between equal runs.
    pub wall: Option<Duration>,
    /// Whether bars and punctuation are to be ASCII.
    pub ascii: bool,
    /// Longest line (characters); any if none.
    pub width: Option<usize>,
}

impl Style {
    /// The text as it goes to the screen.
    pub fn finish(self, text: String) -> String {
        let text = if self.ascii { ascii(&text) } else { text };
        match self.width {
            Some(width) => folded(&text, width),
            None => text,
        }
    }
}

/// Longest bar [characters].
const BAR_WIDTH: u64 = 24;
/// Column at which the verdict stands if the title leaves room for it.
const VERDICT_COLUMN: usize = 72;

/// The report as text. `saved` says where the files are, with their names, if they were kept.
pub fn screen(report: &Report, saved: Option<(&str, &[String])>, style: Style) -> String {
    let mut text = String::new();
    head(&mut text, report, style);
    for outage in &report.outages {
        text.push('\n');
        self::outage(&mut text, outage, &report.losses);
    }
    other_losses(&mut text, report);
    let stretches = super::convergence::table(&report.convergence);
    if !stretches.is_empty() {
        text.push_str(&format!("\n{stretches}"));
    }
    if !report.expectations.is_empty() {
        text.push('\n');
        expectations(&mut text, report, style);
    }
    if let Some((folder, files)) = saved {
        text.push_str(&format!("\nFiles in {folder}: {}\n", files.join(", ")));
    }
    style.finish(text)
}

/// The title, and what became of it at the right.
pub(super) fn headline(title: &str, verdict: Verdict, count: &str, style: Style) -> String {
    let column = style.width.map_or(VERDICT_COLUMN, |width| VERDICT_COLUMN.min(width.saturating_sub(count.len() + 8)));
    format!("{:<column$}  {}  {count}\n", plain(title), paint(verdict.name(), verdict, style))
}

/// What differs from the defaults.
pub(super) fn overrides(overrides: &super::Overrides) -> String {
    let keys = overrides.keys.iter().map(|key| format!("with {key} from the command line\n"));
    let values = overrides.settings.iter().chain(&overrides.delays);
    keys.chain(values.map(|over| format!("with {} {} (default {})\n", over.name, over.value, over.default))).collect()
}

fn head(text: &mut String, report: &Report, style: Style) {
    let mut count = match report.expectations.len() {
        0 => "nothing was expected".to_string(),
        all => format!("{}/{all}", report.met()),
    };
    if !report.reasons.is_empty() {
        count.push_str(&format!(" and {}", counted(report.reasons.len(), "other failure")));
    }
    text.push_str(&headline(&report.title, report.verdict, &count, style));
    let simulated = Span::from_micros(report.simulated_us);
    let wall = style.wall.map_or_else(String::new, |wall| {
        let factor = simulated.as_secs_f64() / wall.as_secs_f64().max(1e-9);
        format!(" in {:.1} ms ({}x)", wall.as_secs_f64() * 1e3, grouped(factor as u64))
    });
    text.push_str(&format!(
        "seed {} · {} simulated{wall} · {} events · receipt {}\n",
        report.receipt.seed,
        short(simulated),
        grouped(report.events),
        report.receipt.short(),
    ));
    if !report.outages.is_empty() {
        text.push_str("One run, so numbers without a spread: another --seed shifts every periodic loop.\n");
    }
    text.push_str(&overrides(&report.overrides));
    for reason in &report.reasons {
        text.push_str(&format!("{}: {}\n", paint("FAIL", Verdict::Fail, style), plain(reason)));
    }
    for note in &report.notes {
        text.push_str(&format!("note: {}\n", plain(note)));
    }
}

/// Text of the scenario without characters that would move the cursor, change colours or break a line.
pub fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

fn outage(text: &mut String, outage: &OutageReport, losses: &[LossReport]) {
    let happened = Span::from_micros(outage.happened_us);
    // What the scenario says is told as it says it, what was drawn is rounded.
    let happened = if outage.happened_us.is_multiple_of(1_000) { happened.to_string() } else { short(happened) };
    let ended = outage.ended_us.map_or_else(String::new, |ended| {
        format!(", over after {}", short(Span::from_micros(ended - outage.happened_us)))
    });
    let nodes = named(&outage.nodes.iter().map(String::as_str).collect::<Vec<_>>());
    let of = if nodes.is_empty() { String::new() } else { format!(" of {nodes}") };
    text.push_str(&format!("{}: {}{of} at {happened}{ended}\n", plain(&outage.id), outage.fault));
    if outage.workloads.is_empty() && !outage.nodes.is_empty() {
        text.push_str("  no workload had a pod there\n");
    }
    for workload in &outage.workloads {
        text.push_str(&format!("{}   {}\n", workload.name, served(workload)));
        milestones(text, workload);
        text.push_str(&replaced(workload));
        let own = |loss: &&LossReport| loss.event == outage.id && loss.object == workload.name;
        losses.iter().filter(own).for_each(|loss| text.push_str(&waterfall::text(loss)));
    }
}

/// Nodes by name if they are few, or how many.
fn named(nodes: &[&str]) -> String {
    const FEW: usize = 4;
    if nodes.len() <= FEW { nodes.join(", ") } else { counted(nodes.len(), "node") }
}

/// `2 replacements on node-3, node-4`, or `3 of 12 replaced, on node-3`: how many, and where they went.
fn replaced(workload: &WorkloadReport) -> String {
    let WorkloadReport { lost, replacements, placed_on, .. } = workload;
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let nodes: Vec<&str> = placed_on.iter().map(String::as_str).filter(|node| seen.insert(node)).collect();
    let nodes = named(&nodes);
    match replacements < lost {
        true if *replacements == 0 => String::new(),
        true if nodes.is_empty() => format!("  {replacements} of {lost} replaced, on no node yet\n"),
        true => format!("  {replacements} of {lost} replaced, on {nodes}\n"),
        false if nodes.is_empty() => String::new(),
        false => format!("  {} on {nodes}\n", counted(*replacements, "replacement")),
    }
}

/// What events cost workloads of which they hit no pod, as a rollout or a drain does.
fn other_losses(text: &mut String, report: &Report) {
    let is_told = |loss: &&LossReport| {
        report.outages.iter().any(|outage| {
            outage.id == loss.event && outage.workloads.iter().any(|workload| workload.name == loss.object)
        })
    };
    for loss in report.losses.iter().filter(|loss| loss.is_event && !is_told(loss)) {
        // What lost nothing lost it at no time.
        let since = match loss.lost_us {
            0 => String::new(),
            _ => format!(" from {}", short(Span::from_micros(loss.since_us))),
        };
        text.push_str(&format!("\n{}: {}{since}\n{}", plain(&loss.event), loss.object, waterfall::text(loss)));
    }
}

/// `3 of 5 serving for 5m52s; the API still said 5 of 5 ready for the first 44.8s`
fn served(workload: &WorkloadReport) -> String {
    let WorkloadReport { desired, serving_min, ready_before, ready_min, .. } = workload;
    let Some(short_us) = workload.short_us else {
        let heard = match ready_min < desired {
            true => format!(", though the API said {ready_min} of {desired} ready at the worst"),
            false => String::new(),
        };
        return format!("{desired} of {desired} serving throughout{heard}");
    };
    let duration = short(Span::from_micros(short_us));
    let length = if workload.is_serving_again { format!("for {duration}") } else { format!("to the end ({duration})") };
    let unaware = match workload.api_unaware_us {
        Some(micros) => format!("for the first {}", short(Span::from_micros(micros))),
        None => "all the time".to_string(),
    };
    format!(
        "{serving_min} of {desired} serving {length}; the API still said {ready_before} of {desired} ready {unaware}"
    )
}

/// In the order of time; those that were not reached come last. What nobody noticed has no consequences to wait for.
fn milestones(text: &mut String, workload: &WorkloadReport) {
    // What some of the lost pods came to, though not all: a pod is replaced when it was evicted.
    let is_for_some = |name: &str| match name {
        "evicted" | "replaced" => (1..workload.lost).contains(&workload.replacements),
        "placed" => (1..workload.lost).contains(&workload.placed_on.len()),
        _ => false,
    };
    let mut milestones: Vec<&Milestone> = workload.milestones.iter().collect();
    milestones.sort_by_key(|milestone| milestone.at_us.unwrap_or(u64::MAX));
    let longest = milestones.iter().filter_map(|milestone| milestone.wait_us).max().unwrap_or(0);
    text.push_str(&format!("  {:<10} {:>9} {:>10}\n", "", "since", "wait"));
    let is_unnoticed = milestones.iter().any(|milestone| milestone.name == "noticed" && milestone.at_us.is_none());
    for Milestone { name, since_us, wait_us, owner, .. } in milestones {
        let Some(since_us) = since_us else {
            if is_unnoticed {
                text.push_str("  not noticed\n");
                return;
            }
            let never = if is_for_some(name) { "not by all" } else { "never" };
            text.push_str(&format!("  {name:<10} {never:>9}\n"));
            continue;
        };
        let since = short(Span::from_micros(*since_us));
        let wait = wait_us.map_or_else(String::new, |wait| format!("+{}", short(Span::from_micros(wait))));
        let bar = bar(wait_us.unwrap_or(0), longest, BAR_WIDTH);
        let owner = owner.as_deref().unwrap_or_default();
        let line = format!("  {name:<10} {since:>9} {wait:>10}  {bar:<width$}  {owner}", width = BAR_WIDTH as usize);
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

fn expectations(text: &mut String, report: &Report, style: Style) {
    let width = report.expectations.iter().map(|judged| plain(&judged.id).chars().count()).max().unwrap_or(0);
    for judged in &report.expectations {
        let of = judged.of.as_ref().map_or_else(String::new, |of| format!(" of {of}"));
        let claim = format!("{}{of}", judged.claim);
        let found = match (&judged.found, &judged.reason) {
            (_, Some(reason)) => format!("{claim}: {reason}"),
            (Some(found), None) if judged.bound.is_empty() => format!("{claim}: {found}"),
            (found, None) => format!("{claim}: {} ({})", found.as_deref().unwrap_or_default(), judged.bound),
        };
        let verdict = paint(judged.verdict.name(), judged.verdict, style);
        text.push_str(&format!("{verdict}  {:<width$}  {found}\n", plain(&judged.id)));
    }
}

/// Green or red, if colours are wanted.
pub(super) fn paint(word: &str, verdict: Verdict, style: Style) -> String {
    let color = match verdict {
        Verdict::Pass => 32,
        Verdict::Fail => 31,
    };
    if style.color { format!("\u{1b}[1;{color}m{word}\u{1b}[0m") } else { word.to_string() }
}
