//! What the command line says instead of the scenario, all as `PATH=VALUE`: so that it is checked, hashed and kept like
//! everything else in it.

use super::arguments::{RunArguments, StopWhen};

/// What these arguments set, in the order in which it counts: `--set` first, then the flags that have a name of their own.
pub fn of(arguments: &RunArguments) -> Vec<String> {
    let until = arguments.until.map(|until| format!("run.until=\"{until}\""));
    let stop = arguments.stop.map(|stop| match stop {
        StopWhen::Converged => "run.stop=\"converged\"".to_string(),
        StopWhen::Time => "run.stop=\"time\"".to_string(),
    });
    arguments.set.iter().cloned().chain(until).chain(stop).collect()
}
