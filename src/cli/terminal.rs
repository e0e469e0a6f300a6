//! Standard output and standard error.

use super::arguments::{Color, Shown};
use super::exit;
use crate::report::screen::Style;
use crate::scenario::Problems;
use std::io::{ErrorKind, IsTerminal, Write};
use std::time::Duration;

/// Prints to standard output and says with what to exit if nothing else is wrong. That nobody reads on, as `head` after
/// ten lines, is not an error.
pub fn out(text: &str) -> u8 {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && error.kind() != ErrorKind::BrokenPipe
    {
        err(&format!("error: cannot write to standard output: {error}\n"));
        return exit::UNUSABLE;
    }
    exit::MET
}

/// Prints to standard error. If that fails too there is nowhere left to say so.
pub fn err(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Prints problems to standard error, with the lines that they are about.
pub fn problems(problems: &Problems, shown: Shown) {
    let text = problems.render(is_colored(shown.color, &std::io::stderr()));
    err(&if shown.ascii { crate::report::words::ascii(&text) } else { text });
}

/// How to print a report to standard output.
pub fn style(shown: Shown, wall: Option<Duration>) -> Style {
    let color = is_colored(shown.color, &std::io::stdout());
    Style { color, wall, ascii: shown.ascii, width: shown.width.map(usize::from) }
}

/// Whether to use colours on a stream.
pub fn is_colored(color: Color, stream: &impl IsTerminal) -> bool {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if variable("NO_COLOR").is_some() => false,
        Color::Auto if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Color::Auto => stream.is_terminal() && variable("TERM").is_none_or(|term| term != "dumb"),
    }
}
