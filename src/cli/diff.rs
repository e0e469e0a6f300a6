//! `evenkeel diff`: where two runs part, and what became of it.

use super::arguments::{DiffArguments, Output};
use super::past::{Refusal, open};
use super::{exit, terminal};
use crate::explain::difference::{Side, difference};

/// Compares two runs.
pub fn diff(arguments: &DiffArguments) -> u8 {
    compared(arguments).unwrap_or_else(|refusal| refusal.tell(arguments.shown))
}

fn compared(arguments: &DiffArguments) -> Result<u8, Refusal> {
    let (a, b) = (open(&arguments.a)?, open(&arguments.b)?);
    let (of_a, of_b) = (Side::new(&a.loaded, &a.finished), Side::new(&b.loaded, &b.finished));
    let difference = difference(of_a, of_b);
    let printed = terminal::out(&match arguments.output {
        Output::Json => difference.to_json(),
        Output::Table => {
            let (a, b) = (arguments.a.display().to_string(), arguments.b.display().to_string());
            difference.text(&a, &b, terminal::style(arguments.shown, None))
        }
    });
    if printed != exit::MET {
        return Ok(printed);
    }
    Ok(if difference.is_same { exit::MET } else { exit::NOT_MET })
}
