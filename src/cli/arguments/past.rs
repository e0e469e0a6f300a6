//! Arguments of the commands that look at a run.

use super::{Color, Output, Shown};
use crate::cli::moment::Moment;
use crate::object::Selector;
use crate::scenario::label_selector;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;

/// A run, the same for every command that looks at one.
#[derive(Clone, Debug, Args)]
pub struct RunArgument {
    /// A run folder as `results/node-crash/1`, or a scenario file, which is then run once
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
}

/// A moment of it.
#[derive(Clone, Debug, Args)]
pub struct MomentArgument {
    /// When: a time since the beginning as `7m12s`, or when an event begins as `@crash`; the end if not given
    #[arg(long, value_name = "MOMENT")]
    pub at: Option<Moment>,
}

/// Arguments of `verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArguments {
    /// Run folders as `results/node-crash/1`, or folders of such
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// What goes to standard output
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    #[arg(env = "EVENKEEL_OUTPUT", hide_env = true)]
    pub output: Output,
    /// How text is shown.
    #[command(flatten)]
    pub shown: Shown,
}

/// Arguments of `get`.
#[derive(Clone, Debug, Args)]
pub struct GetArguments {
    /// The run.
    #[command(flatten)]
    pub run: RunArgument,
    /// Kinds as `pods`, `deploy,rs` or `all`, and names behind them; or objects as `pod/web-1`
    #[arg(required = true, value_name = "KIND[/NAME]")]
    pub what: Vec<String>,
    /// The moment.
    #[command(flatten)]
    pub moment: MomentArgument,
    /// The namespace
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    pub namespace: String,
    /// All namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// Only objects with such labels, as `app=web,tier in (a,b),!old`
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<LabelSelector>,
    /// What goes to standard output; a table if not given
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub output: Option<GetOutput>,
    /// Show labels in the last column
    #[arg(long)]
    pub show_labels: bool,
    /// Leave the heads of the columns out
    #[arg(long)]
    pub no_headers: bool,
    /// When to use colours in messages
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto", env = "EVENKEEL_COLOR", hide_env = true)]
    pub color: Color,
}

impl GetArguments {
    /// How messages are shown.
    pub fn shown(&self) -> Shown {
        Shown { color: self.color, width: None, ascii: false }
    }
}

/// A label selector as it is written.
#[derive(Clone, Debug)]
pub struct LabelSelector(pub Selector);

impl FromStr for LabelSelector {
    type Err = String;

    fn from_str(text: &str) -> Result<LabelSelector, String> {
        label_selector::parse(text).map(LabelSelector)
    }
}

/// Formats of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GetOutput {
    /// A table with more columns
    Wide,
    /// As the API serves them
    Json,
    /// The same as YAML
    Yaml,
    /// Kinds and names, one a line
    Name,
}

/// Arguments of `events`.
#[derive(Clone, Debug, Args)]
pub struct EventsArguments {
    /// The run.
    #[command(flatten)]
    pub run: RunArgument,
    /// The moment.
    #[command(flatten)]
    pub moment: MomentArgument,
    /// Only those about this object, as `pod/web-1`
    #[arg(long = "for", value_name = "KIND/NAME")]
    pub about: Option<String>,
    /// Only those of these types: `Normal`, `Warning`
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = event_type)]
    pub types: Vec<String>,
    /// The namespace
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    pub namespace: String,
    /// All namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// What goes to standard output; a table if not given
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub output: Option<EventsOutput>,
    /// Leave the heads of the columns out
    #[arg(long)]
    pub no_headers: bool,
    /// When to use colours in messages
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto", env = "EVENKEEL_COLOR", hide_env = true)]
    pub color: Color,
}

impl EventsArguments {
    /// How messages are shown.
    pub fn shown(&self) -> Shown {
        Shown { color: self.color, width: None, ascii: false }
    }
}

fn event_type(text: &str) -> Result<String, String> {
    let is_known = ["Normal", "Warning"].iter().any(|known| known.eq_ignore_ascii_case(text));
    is_known.then(|| text.to_string()).ok_or_else(|| "valid --types are Normal or Warning".to_string())
}

/// Formats of Events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EventsOutput {
    /// As the API serves them
    Json,
    /// The same as YAML
    Yaml,
    /// Names only, one a line
    Name,
}

/// Arguments of `why`.
#[derive(Clone, Debug, Args)]
pub struct WhyArguments {
    /// The run.
    #[command(flatten)]
    pub run: RunArgument,
    /// An object, as `pod/web-abc`, `node/node-2` or `deployment/shop/web`; what came of each event if not given
    #[arg(value_name = "OBJECT")]
    pub object: Option<String>,
    /// When.
    #[command(flatten)]
    pub moment: MomentArgument,
    /// What goes to standard output
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub output: Output,
    /// How text is shown.
    #[command(flatten)]
    pub shown: Shown,
}

/// Arguments of `timeline`.
#[derive(Clone, Debug, Args)]
pub struct TimelineOfRunArguments {
    /// The run.
    #[command(flatten)]
    pub run: RunArgument,
    /// How text is shown.
    #[command(flatten)]
    pub shown: Shown,
}

/// Arguments of `diff`.
#[derive(Clone, Debug, Args)]
pub struct DiffArguments {
    /// A run folder as `results/node-crash/1`, or a scenario file
    #[arg(value_name = "RUN")]
    pub a: PathBuf,
    /// Another
    #[arg(value_name = "RUN")]
    pub b: PathBuf,
    /// What goes to standard output
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub output: Output,
    /// How text is shown.
    #[command(flatten)]
    pub shown: Shown,
}
