//! How far it is, on standard error. None of it goes into results.

// How often a line is printed follows the real clock; nothing that is kept depends on it.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use super::arguments::ProgressKind;
use super::terminal;
use crate::kernel::time::{Span, Time};
use crate::report::words::short;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Between two lines of the plain kind.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// A run that is over sooner shows no bar.
const BAR_AFTER: Duration = Duration::from_millis(300);
/// Bars have to fit into a `u64` of anything; a microsecond more or less is not seen.
const MICROS_PER_STEP: u64 = 1_000;

/// How far one run, or several runs, have come.
pub struct Progress {
    kind: ProgressKind,
    name: String,
    whole: Whole,
    started: Instant,
    shown: Mutex<Shown>,
}

/// What is counted.
#[derive(Clone, Copy)]
enum Whole {
    /// Simulated time of one run.
    Run(Span),
    /// Runs.
    Seeds(usize),
}

struct Shown {
    bar: Option<ProgressBar>,
    line: Option<Instant>,
    done: usize,
}

impl Progress {
    /// Of a run that ends at `until` at the latest.
    pub fn of_run(kind: ProgressKind, name: &str, until: Time) -> Progress {
        Progress::new(kind, name, Whole::Run(until.since(Time::ZERO)))
    }

    /// Of so many runs.
    pub fn of_seeds(kind: ProgressKind, name: &str, seeds: usize) -> Progress {
        Progress::new(kind, name, Whole::Seeds(seeds))
    }

    fn new(kind: ProgressKind, name: &str, whole: Whole) -> Progress {
        let kind = match kind {
            ProgressKind::Auto | ProgressKind::Bar if std::io::stderr().is_terminal() => ProgressKind::Bar,
            ProgressKind::Plain => ProgressKind::Plain,
            _ => ProgressKind::None,
        };
        let shown = Mutex::new(Shown { bar: None, line: None, done: 0 });
        let progress = Progress { kind, name: name.to_string(), whole, started: Instant::now(), shown };
        progress.show(0, "");
        progress
    }

    /// The run has come to `now`.
    pub fn at(&self, now: Time) {
        if let Whole::Run(until) = self.whole
            && self.kind != ProgressKind::None
        {
            let span = now.since(Time::ZERO);
            let far = format!("{} of {} simulated", short(span), short(until));
            self.show(span.as_micros() / MICROS_PER_STEP, &far);
        }
    }

    /// One run more is over.
    pub fn run_is_over(&self) {
        let Whole::Seeds(all) = self.whole else { return };
        let done = {
            let mut shown = self.shown.lock().expect("nobody panics while printing");
            shown.done += 1;
            shown.done
        };
        self.show(done as u64, &format!("{done} of {all} seeds"));
    }

    fn show(&self, position: u64, far: &str) {
        let far = if far.is_empty() { "begins" } else { far };
        match self.kind {
            ProgressKind::None | ProgressKind::Auto => {}
            ProgressKind::Plain => {
                let mut shown = self.shown.lock().expect("nobody panics while printing");
                if shown.line.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
                    shown.line = Some(Instant::now());
                    terminal::err(&format!("{}: {far}\n", self.name));
                }
            }
            ProgressKind::Bar if self.started.elapsed() < BAR_AFTER => {}
            ProgressKind::Bar => {
                let mut shown = self.shown.lock().expect("nobody panics while printing");
                let bar = shown.bar.get_or_insert_with(|| self.bar());
                bar.set_message(far.to_string());
                bar.set_position(position);
            }
        }
    }

    fn bar(&self) -> ProgressBar {
        let length = match self.whole {
            Whole::Run(until) => until.as_micros() / MICROS_PER_STEP,
            Whole::Seeds(all) => all as u64,
        };
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{prefix} [{bar:24}] {msg}, {elapsed}");
        bar.set_style(style.expect("a template that is right").progress_chars("=> "));
        bar.set_prefix(self.name.clone());
        bar
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Ok(shown) = self.shown.get_mut()
            && let Some(bar) = &shown.bar
        {
            bar.finish_and_clear();
        }
    }
}
