//! Arguments of `run`.

use super::{Output, Shown};
use crate::kernel::time::Span;
use crate::scenario::reader::LONGEST;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;

/// Arguments of `run`.
#[derive(Clone, Debug, Args)]
pub struct RunArguments {
    /// Scenario files, folders with such, or `-` for standard input
    #[arg(required_unless_present = "file", value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// The same, as kubectl has it
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Seeds instead of the file's: one (`7`), a range with both ends (`1..50`) or a list (`1,5,9`)
    #[arg(long, value_name = "SEEDS", allow_negative_numbers = true, env = "EVENKEEL_SEED", hide_env = true)]
    pub seed: Option<Seeds>,
    /// How many runs at the same time, if there are several seeds; the results do not depend on it
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    #[arg(env = "EVENKEEL_JOBS", hide_env = true)]
    pub jobs: Option<u16>,
    /// When to end at the latest, instead of what the file says
    #[arg(long, value_name = "SPAN", value_parser = span, env = "EVENKEEL_UNTIL", hide_env = true)]
    pub until: Option<Span>,
    /// Whether to end earlier, instead of what the file says
    #[arg(long, value_enum, value_name = "WHEN", env = "EVENKEEL_STOP", hide_env = true)]
    pub stop: Option<StopWhen>,
    /// Another value for a key of the scenario, as `run.hold=1m`; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Say what would run and what it would cost, and run nothing
    #[arg(long, env = "EVENKEEL_DRY_RUN", hide_env = true)]
    pub dry_run: bool,
    /// Where run folders go: DIR/<scenario>/<seed>/
    #[arg(short = 'O', long, value_name = "DIR", default_value = "results", env = "EVENKEEL_OUT_DIR", hide_env = true)]
    pub out_dir: PathBuf,
    /// Overwrite a run folder that has another receipt
    #[arg(long, env = "EVENKEEL_FORCE", hide_env = true)]
    pub force: bool,
    /// Write no files
    #[arg(long, conflicts_with = "force", env = "EVENKEEL_NO_SAVE", hide_env = true)]
    pub no_save: bool,
    /// Pictures: `light`, `dark` or `both`, with `png` as PNG too, as in `both,png`; or `none`
    #[arg(long, value_name = "WHICH", default_value = "light", env = "EVENKEEL_PLOTS", hide_env = true)]
    pub plots: Plots,
    /// What goes to standard output
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    #[arg(env = "EVENKEEL_OUTPUT", hide_env = true)]
    pub output: Output,
    /// What to say about progress, on standard error
    #[arg(long, value_enum, value_name = "HOW", default_value = "auto", env = "EVENKEEL_PROGRESS", hide_env = true)]
    pub progress: ProgressKind,
    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "verbose", env = "EVENKEEL_QUIET", hide_env = true)]
    pub quiet: bool,
    /// Say more on standard error: what the run is made of; twice: every fact as it happens
    #[arg(short, long, action = clap::ArgAction::Count, env = "EVENKEEL_VERBOSE", hide_env = true)]
    pub verbose: u8,
    /// How text is shown.
    #[command(flatten)]
    pub shown: Shown,
}

impl RunArguments {
    /// The scenario files, as they were named.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.file.iter().chain(&self.paths)
    }
}

/// Seeds, in order, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub Vec<u64>);

impl Seeds {
    /// As many as anybody could look at, and few enough for their numbers to fit into memory.
    const MOST: u64 = 1_000_000;
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Seeds, String> {
        let number = |word: &str| {
            let word = word.trim();
            let digits = word.strip_prefix('-').unwrap_or(word);
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            word.parse::<u64>().map_err(|_| match is_number {
                true if word.starts_with('-') => format!("`{word}` is no seed: seeds begin at 0"),
                true => format!("`{word}` is no seed: the largest is {}", u64::MAX),
                false => format!("`{word}` is no seed: expected a whole number, a range `1..50` or a list `1,5,9`"),
            })
        };
        let mut seeds = Vec::new();
        for part in text.split(',') {
            let (first, last) = match part.split_once("..") {
                None => (number(part)?, number(part)?),
                Some((_, last)) if last.trim_start_matches('=').trim().is_empty() => {
                    return Err(format!("`{part}` has no end: a range is written with both, as `1..50`"));
                }
                Some((first, last)) if first.trim().is_empty() => {
                    return Err(format!("`{part}` has no beginning: a range is written with both, as `1..{last}`"));
                }
                // Rust's way to say that the end belongs to it means what is meant here anyway.
                Some((first, last)) => (number(first)?, number(last.strip_prefix('=').unwrap_or(last))?),
            };
            if first > last {
                return Err(format!("`{part}` holds no seed: did you mean `{last}..{first}`?"));
            }
            if (last - first).saturating_add(seeds.len() as u64) >= Seeds::MOST {
                return Err(format!("that is more than {} seeds", crate::report::words::grouped(Seeds::MOST)));
            }
            seeds.extend(first..=last);
        }
        seeds.sort_unstable();
        seeds.dedup();
        Ok(Seeds(seeds))
    }
}

fn span(text: &str) -> Result<Span, String> {
    match Span::parse(text)? {
        Span::ZERO => Err("a run has to last".to_string()),
        span if span > LONGEST => Err(format!("a run lasts a year at most, {} days", LONGEST.as_secs() / 86_400)),
        span => Ok(span),
    }
}

/// Which pictures a run leaves behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plots {
    /// For light paper.
    pub light: bool,
    /// For dark paper.
    pub dark: bool,
    /// As PNG too: to compress pixels takes longer than most runs.
    pub png: bool,
}

impl FromStr for Plots {
    type Err = String;

    fn from_str(text: &str) -> Result<Plots, String> {
        let mut plots = Plots::default();
        let words: Vec<&str> = text.split(',').map(str::trim).collect();
        for word in &words {
            match *word {
                "light" => plots.light = true,
                "dark" => plots.dark = true,
                "both" => (plots.light, plots.dark) = (true, true),
                "png" => plots.png = true,
                "none" if words.len() == 1 => return Ok(plots),
                "none" => return Err("`none` goes with nothing else".to_string()),
                _ => return Err(format!("`{word}` is no kind of picture: expected light, dark, both, png or none")),
            }
        }
        plots.light |= !plots.dark;
        Ok(plots)
    }
}

/// When a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StopWhen {
    /// When everything has been as wanted for the hold span after the last event
    Converged,
    /// When its time is over
    Time,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProgressKind {
    /// A bar if standard error is a terminal, and nothing otherwise
    Auto,
    /// A bar; nothing if standard error is no terminal
    Bar,
    /// A line every few seconds
    Plain,
    /// Nothing
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_chosen_by_paper_and_format() {
        for (text, light, dark, png) in [
            ("light", true, false, false),
            ("dark", false, true, false),
            ("both", true, true, false),
            ("png", true, false, true),
            ("dark,png", false, true, true),
            ("light, dark", true, true, false),
            ("none", false, false, false),
        ] {
            assert_eq!(text.parse::<Plots>(), Ok(Plots { light, dark, png }), "{text}");
        }
        for (text, why) in [("", "`` is no kind"), ("jpeg", "`jpeg` is no kind"), ("none,png", "with nothing else")] {
            assert!(text.parse::<Plots>().unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn seeds_are_numbers_ranges_and_lists() {
        for (text, seeds) in [
            ("7", &[7][..]),
            ("1..3", &[1, 2, 3]),
            ("1..=3", &[1, 2, 3]),
            ("4..4", &[4]),
            ("9,1,5", &[1, 5, 9]),
            ("1..3,2,8", &[1, 2, 3, 8]),
            ("18446744073709551615", &[u64::MAX]),
        ] {
            assert_eq!(text.parse::<Seeds>(), Ok(Seeds(seeds.to_vec())), "{text}");
        }
        for (text, why) in [
            ("", "`` is no seed"),
            ("-1", "seeds begin at 0"),
            ("99999999999999999999", "the largest is 18446744073709551615"),
            ("1..", "`1..` has no end"),
            ("..5", "`..5` has no beginning"),
            ("1-5", "`1-5` is no seed"),
            ("50..1", "did you mean `1..50`?"),
            ("0..18446744073709551615", "more than 1,000,000 seeds"),
            ("1..600000,700000..1400000", "more than 1,000,000 seeds"),
        ] {
            let error = text.parse::<Seeds>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
