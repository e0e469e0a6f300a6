//! Flags about how things are shown, the same for every command that shows something.

use clap::{Args, ValueEnum};

/// How text is shown.
#[derive(Clone, Copy, Debug, Args)]
pub struct Shown {
    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto", env = "EVENKEEL_COLOR", hide_env = true)]
    pub color: Color,
    /// Break lines that are longer than N characters
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(40..), env = "EVENKEEL_WIDTH")]
    #[arg(hide_env = true)]
    pub width: Option<u16>,
    /// Draw bars and punctuation with ASCII characters only
    #[arg(long, env = "EVENKEEL_ASCII", hide_env = true)]
    pub ascii: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR or TERM=dumb says otherwise
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Formats of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people; may change between releases
    Table,
    /// For programs, with the version of its schema; may only grow
    Json,
}
