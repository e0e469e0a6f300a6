//! `evenkeel why`: how an object came to be as it is, or what came of each event.

use super::arguments::{Output, WhyArguments};
use super::past::{Refusal, open};
use super::terminal;
use crate::explain::{Subject, Tale, life, outcome};

/// Explains.
pub fn why(arguments: &WhyArguments) -> u8 {
    explained(arguments).unwrap_or_else(|refusal| refusal.tell(arguments.shown))
}

fn explained(arguments: &WhyArguments) -> Result<u8, Refusal> {
    let past = open(&arguments.run.run)?;
    let tale = Tale::of(&past.finished);
    let style = terminal::style(arguments.shown, None);
    let Some(object) = &arguments.object else {
        if arguments.moment.at.is_some() {
            return Err(Refusal::unusable("`--at` asks for an object, as `evenkeel why RUN node/node-2 --at 1m`"));
        }
        let outcomes = outcome::outcomes(&tale, &past.finished);
        return Ok(terminal::out(&match arguments.output {
            Output::Json => outcomes.to_json(),
            Output::Table => outcomes.text(style),
        }));
    };
    let subject = Subject::find(&tale, object).map_err(Refusal::unusable)?;
    let then = past.at(arguments.moment.at.as_ref())?;
    let why = life::why(&tale, &subject, then.at, &then.world);
    Ok(terminal::out(&match arguments.output {
        Output::Json => why.to_json(),
        Output::Table => why.text(style),
    }))
}
