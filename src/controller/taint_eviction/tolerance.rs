//! How long a pod may stay on a node with NoExecute taints.
//!
//! Source: `pkg/controller/tainteviction/taint_eviction.go` (`getMinTolerationTime`),
//! `pkg/apis/core/v1/helper/helpers.go` (`GetMatchingTolerations`), v1.36.

use crate::kernel::time::Span;
use crate::object::taint::{Taint, Toleration, default_toleration};
use crate::object::{SettingId, Settings};

/// What a node's NoExecute taints mean for a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// It must go at once.
    None,
    /// It may stay so long, and the setting that the length comes from, if it is a default.
    For(Span, Option<SettingId>),
    /// It may stay.
    Forever,
}

/// How long `tolerations` allow a pod to stay with `taints`: of each taint the first toleration that matches counts, of
/// all those the shortest time.
pub fn tolerance(taints: &[Taint], tolerations: &[Toleration], settings: &Settings) -> Tolerance {
    let mut shortest: Option<(i64, Option<SettingId>)> = None;
    for taint in taints {
        let Some(toleration) = tolerations.iter().find(|toleration| toleration.tolerates(taint)) else {
            return Tolerance::None;
        };
        let Some(seconds) = toleration.seconds.map(|seconds| seconds.max(0)) else { continue };
        if shortest.is_none_or(|(least, _)| seconds < least) {
            shortest = Some((seconds, default_toleration(&taint.key).filter(|&id| settings.get(id) == seconds)));
        }
    }
    match shortest {
        None => Tolerance::Forever,
        Some((seconds, setting)) => Tolerance::For(Span::from_secs(seconds as u64), setting),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::taint_eviction::story::{defaults, secs, taint, toleration};
    use crate::object::taint::{NOT_READY, UNREACHABLE};

    #[test]
    fn a_pod_stays_as_long_as_the_shortest_of_its_first_matching_tolerations_says() {
        use SettingId::{DefaultNotReadyToleration, DefaultUnreachableToleration};
        let row = |key, seconds| toleration(key, seconds);
        for (taints, tolerations, expected) in [
            (&[UNREACHABLE][..], vec![], Tolerance::None),
            (&[UNREACHABLE], defaults(), Tolerance::For(secs(300), Some(DefaultUnreachableToleration))),
            (&[NOT_READY], defaults(), Tolerance::For(secs(300), Some(DefaultNotReadyToleration))),
            (&[NOT_READY, "other"], defaults(), Tolerance::None),
            (&["other"], vec![row("other", Some(300))], Tolerance::For(secs(300), None)),
            (&[UNREACHABLE], vec![row(UNREACHABLE, Some(60))], Tolerance::For(secs(60), None)),
            (&[UNREACHABLE], vec![row("", None), row(UNREACHABLE, Some(60))], Tolerance::Forever),
            (&[UNREACHABLE], vec![row(UNREACHABLE, Some(-1))], Tolerance::For(Span::ZERO, None)),
            (&["a", "b"], vec![row("a", None), row("b", Some(9))], Tolerance::For(secs(9), None)),
            (&["a", "b"], vec![row("a", Some(20)), row("b", Some(9))], Tolerance::For(secs(9), None)),
        ] {
            let taints: Vec<Taint> = taints.iter().map(|key| taint(key)).collect();
            assert_eq!(tolerance(&taints, &tolerations, &Settings::default()), expected, "{taints:?} {tolerations:?}");
        }
    }
}
