//! What the containers of one pod do, said in its annotations where it differs from the delays of the run.
//!
//! Kubernetes manifests do not say how long an application takes to start or when it exits; these annotations do. They are
//! ours, and real clusters ignore them.

use super::labels::Labels;
use crate::kernel::time::Span;

/// Time from images on the node to running containers.
pub const CONTAINER_START: &str = "evenkeel.dev/container-start";
/// Time from running to ready, or `never`.
pub const READY_AFTER: &str = "evenkeel.dev/ready-after";
/// Time that the containers take to end when they are asked to.
pub const CONTAINER_STOP: &str = "evenkeel.dev/container-stop";
/// Time after which running containers exit by themselves.
pub const RUN_FOR: &str = "evenkeel.dev/run-for";
/// Exit code of containers that exit by themselves.
pub const EXIT_CODE: &str = "evenkeel.dev/exit-code";

/// When something happens, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// After this time.
    After(Span),
    /// Never.
    Never,
}

/// What the annotations of a pod say; what they leave out is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behavior {
    /// Time from images on the node to running containers.
    pub container_start: Option<Span>,
    /// Time from running to ready.
    pub ready_after: Option<Moment>,
    /// Time that the containers take to end when they are asked to.
    pub container_stop: Option<Span>,
    /// Time after which running containers exit by themselves.
    pub run_for: Option<Span>,
    /// Exit code of containers that exit by themselves; zero if nothing is said.
    pub exit_code: i32,
}

impl Behavior {
    /// Reads the annotations of a pod; one that [`problems`] complains of counts as not there.
    pub fn of(annotations: &Labels) -> Behavior {
        if annotations.is_empty() {
            return Behavior::default();
        }
        let span = |key: &str| annotations.get(key).and_then(|text| Span::parse(text).ok());
        let ready_after = match annotations.get(READY_AFTER).map(|text| text.as_str()) {
            Some("never") => Some(Moment::Never),
            _ => span(READY_AFTER).map(Moment::After),
        };
        Behavior {
            container_start: span(CONTAINER_START),
            ready_after,
            container_stop: span(CONTAINER_STOP),
            run_for: span(RUN_FOR),
            exit_code: annotations.get(EXIT_CODE).and_then(|text| text.parse().ok()).unwrap_or(0),
        }
    }

    /// The same without delays: containers start, become ready if they ever do, and end when they are asked to, all at
    /// once; and none exits by itself.
    pub fn at_once(self) -> Behavior {
        let now = Some(Span::ZERO);
        let ready_after =
            if self.ready_after == Some(Moment::Never) { self.ready_after } else { now.map(Moment::After) };
        Behavior { container_start: now, ready_after, container_stop: now, run_for: None, ..self }
    }
}

/// What is wrong with the annotations of ours: the key, and a sentence that says what was expected.
pub fn problems(annotations: &Labels) -> Vec<(&str, String)> {
    let known = [CONTAINER_START, READY_AFTER, CONTAINER_STOP, RUN_FOR, EXIT_CODE];
    let ours = annotations.iter().filter(|(key, _)| key.starts_with("evenkeel.dev/"));
    ours.filter_map(|(key, text)| {
        let why = match key.as_str() {
            READY_AFTER if text == "never" => None,
            EXIT_CODE => {
                let is_code = text.parse::<u8>().is_ok();
                (!is_code).then(|| format!("`{text}` is not an exit code from 0 to 255"))
            }
            CONTAINER_START | READY_AFTER | CONTAINER_STOP | RUN_FOR => Span::parse(text).err(),
            _ => Some(format!("there is no such annotation: known are {}", known.join(", "))),
        };
        why.map(|why| (key.as_str(), why))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_read_and_slips_are_told() {
        let annotations: Labels =
            [(READY_AFTER, "never"), (RUN_FOR, "1m"), (EXIT_CODE, "3"), (CONTAINER_START, "soon")]
                .into_iter()
                .collect();
        let behavior = Behavior::of(&annotations);
        assert_eq!(behavior.ready_after, Some(Moment::Never));
        assert_eq!((behavior.run_for, behavior.exit_code), (Some(Span::from_secs(60)), 3));
        assert_eq!(behavior.container_start, None);
        let at_once = behavior.at_once();
        assert_eq!((at_once.ready_after, at_once.run_for), (Some(Moment::Never), None));
        assert_eq!(Behavior::default().at_once().ready_after, Some(Moment::After(Span::ZERO)));
        let keys: Vec<&str> = problems(&annotations).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [CONTAINER_START]);
        let others: Labels = [("team", "x"), ("evenkeel.dev/runfor", "1s"), (EXIT_CODE, "300")].into_iter().collect();
        assert_eq!(problems(&others).len(), 2);
    }
}
